//! A colleague renamed a file and moved its nodes, and git carries over what was edited under
//! the old name: whatever the command, each node lies where it was moved to last.

use serde_json::Value;

use super::sheet::{FILE, LATENT, PROMPT, SAMPLER, Sheet};
use super::team::{Team, assert_lies, edit};
use crate::support::Repo;

const RENAMED: &str = "v.json";
const THERE: [i64; 2] = [7000, 700];
const MINE: [i64; 2] = [5000, 500];

/// What Ben did beside his edit, under the old name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drag {
    None,
    /// He moved another node.
    Another,
    /// He moved the same node, later.
    Later,
}

/// What Ann did beside the rename and the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    None,
    Title,
}

/// Brings Ann's commit and Ben's uncommitted work together in his clone.
type Meeting = fn(&Repo);

const MEETINGS: &[(&str, Meeting)] = &[
    ("checkout -m", |ben| {
        ben.git(["fetch", "-q"]);
        ben.git(["checkout", "-q", "-m", "origin/main"]);
    }),
    ("switch -m", |ben| {
        ben.git(["switch", "-q", "-c", "mine"]);
        ben.git(["fetch", "-q"]);
        ben.git(["branch", "-q", "-f", "main", "origin/main"]);
        ben.git(["switch", "-q", "-m", "main"]);
    }),
    ("checkout --conflict", |ben| {
        ben.git(["fetch", "-q"]);
        ben.git(["checkout", "-q", "--conflict=diff3", "origin/main"]);
    }),
    ("stash pop", |ben| {
        ben.git(["stash", "-q"]);
        ben.git(["pull", "-q"]);
        ben.git(["stash", "pop", "-q"]);
    }),
    ("stash apply", |ben| {
        ben.git(["add", FILE]);
        ben.git(["stash", "-q"]);
        ben.git(["pull", "-q"]);
        ben.git(["stash", "apply", "-q"]);
    }),
    ("pull --rebase --autostash", |ben| {
        ben.git(["pull", "-q", "--rebase", "--autostash"]);
    }),
    ("pull --autostash", |ben| {
        ben.git(["pull", "-q", "--ff-only", "--autostash"]);
    }),
    ("merge", |ben| {
        ben.commit_all("mine");
        ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    }),
    ("merge -X renormalize", |ben| {
        ben.commit_all("mine");
        ben.git(["fetch", "-q"]);
        ben.git(["merge", "-q", "--no-edit", "-Xrenormalize", "origin/main"]);
    }),
    ("rebase", |ben| {
        ben.commit_all("mine");
        ben.git(["pull", "-q", "--rebase"]);
    }),
    ("rebase --apply", |ben| {
        ben.commit_all("mine");
        ben.git(["fetch", "-q"]);
        ben.git(["rebase", "-q", "--apply", "origin/main"]);
    }),
    ("cherry-pick", |ben| {
        ben.git(["switch", "-q", "-c", "mine"]);
        ben.commit_all("mine");
        ben.git(["switch", "-q", "main"]);
        ben.git(["pull", "-q"]);
        ben.git(["cherry-pick", "mine"]);
    }),
    ("am -3", |ben| {
        ben.git(["switch", "-q", "-c", "mine"]);
        ben.commit_all("mine");
        ben.git(["format-patch", "-q", "-1", "-o", "../patches"]);
        ben.git(["switch", "-q", "main"]);
        ben.git(["pull", "-q"]);
        ben.git(["am", "-q", "-3", "../patches/0001-mine.patch"]);
    }),
];

fn meet(name: &str, meeting: Meeting, theirs: Edit, drag: Drag) {
    let case = format!("{name}, {theirs:?}, {drag:?}");
    let (team, ann, ben) = Team::of_two();
    ann.git(["mv", FILE, RENAMED]);
    edit(&ann, RENAMED, |sheet| {
        sheet.put(SAMPLER, THERE);
        if theirs == Edit::Title {
            sheet.title(PROMPT, "what to paint");
        }
    });
    ann.commit_all("renamed");
    ann.git(["push", "-q"]);
    let hers = moved_at(&ann);
    edit(&ben, FILE, |sheet| {
        sheet.steps(33);
        match drag {
            Drag::None => sheet,
            Drag::Another => sheet.put(LATENT, MINE),
            Drag::Later => sheet.put(SAMPLER, MINE),
        };
    });
    meeting(&ben);
    assert!(!ben.path.join(FILE).exists(), "{case}");
    let sampler = if drag == Drag::Later { MINE } else { THERE };
    let latent = if drag == Drag::Another { MINE } else { [473, 609] };
    let lies = |repo: &Repo, when: &str| {
        let here = Sheet::read(repo, RENAMED);
        let place = |at: [i64; 2]| Some([at[0] as f64, at[1] as f64]);
        assert_eq!(here.place(SAMPLER), place(sampler), "{case}, {when}: {}", here.told());
        assert_eq!(here.place(LATENT), place(latent), "{case}, {when}: {}", here.told());
        let text = repo.text(RENAMED);
        assert!(text.contains("\"fixed\",33"), "{case}, {when}: {text}");
        let has_title = text.contains("what to paint");
        assert_eq!(has_title, theirs == Edit::Title, "{case}, {when}: {text}");
    };
    lies(&ben, "at once");
    ben.git(["commit", "-q", "--allow-empty", "-a", "-m", "together"]);
    lies(&ben, "committed");
    ben.git(["push", "-q", "origin", "HEAD:main"]);
    ann.git(["pull", "-q", "--no-rebase"]);
    lies(&ann, "pulled");
    assert_lies(&ann, RENAMED, SAMPLER, sampler);
    lies(&team.member("cho"), "cloned");
    if drag != Drag::Later {
        // Nobody but Ann is said to have moved it.
        assert_eq!(moved_at(&ben), hers, "{case}");
        assert_eq!(moved_at(&ann), hers, "{case}");
    }
}

/// When the sampler was moved.
fn moved_at(repo: &Repo) -> Value {
    let told = repo.comfy(["layout", "show", "--json", "now", RENAMED]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let places = told["places"].as_array().unwrap();
    let sampler = places.iter().find(|place| place["type"] == "KSampler");
    let sampler = sampler.unwrap_or_else(|| panic!("{places:?}"));
    sampler["at"].clone()
}

/// In every way that Ann and Ben can have worked.
fn meets(name: &str) {
    let (_, meeting) = MEETINGS.iter().find(|(known, _)| *known == name).unwrap();
    for theirs in [Edit::None, Edit::Title] {
        for drag in [Drag::None, Drag::Another, Drag::Later] {
            meet(name, *meeting, theirs, drag);
        }
    }
}

#[test]
fn moves_meet_an_edit_that_a_checkout_carries_over() {
    meets("checkout -m");
    meets("switch -m");
    meets("checkout --conflict");
}

#[test]
fn moves_meet_an_edit_that_is_popped_from_a_stash() {
    meets("stash pop");
    meets("stash apply");
}

#[test]
fn moves_meet_an_edit_that_a_pull_stashes() {
    meets("pull --rebase --autostash");
    meets("pull --autostash");
}

#[test]
fn moves_meet_an_edit_in_a_merge() {
    meets("merge");
}

#[test]
fn moves_meet_an_edit_in_a_merge_that_renormalizes() {
    meets("merge -X renormalize");
}

#[test]
fn moves_meet_an_edit_in_a_rebase() {
    meets("rebase");
}

#[test]
fn moves_meet_an_edit_in_a_rebase_by_patches() {
    meets("rebase --apply");
}

#[test]
fn moves_meet_an_edit_in_a_cherry_pick() {
    meets("cherry-pick");
}

#[test]
fn moves_meet_an_edit_in_a_mailed_patch() {
    meets("am -3");
}

#[test]
fn the_past_of_a_file_that_was_renamed_without_git_comfy_goes_on() {
    let (team, _ann, ben) = Team::of_two();
    let before = Sheet::read(&ben, FILE).place(SAMPLER).unwrap();
    edit(&ben, FILE, |sheet| {
        sheet.put(SAMPLER, MINE);
    });
    ben.git(["add", "."]);
    ben.git(["push", "-q"]);
    let outsider = team.outsider("outsider");
    outsider.git(["mv", FILE, RENAMED]);
    outsider.git(["commit", "-q", "-m", "renamed"]);
    outsider.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_lies(&ben, RENAMED, SAMPLER, MINE);
    for arguments in [&["layout", "log", RENAMED][..], &["layout", "log"]] {
        let told = ben.comfy(arguments);
        assert_eq!(told.matches("moved KSampler").count(), 1, "{told}");
    }
    ben.comfy(["layout", "undo", RENAMED]);
    assert_eq!(Sheet::read(&ben, RENAMED).place(SAMPLER), Some(before));
}
