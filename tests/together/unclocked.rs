//! Places without clocks: of version 0.1.0, and of files that were committed without
//! git-comfy. The common ancestor tells who moved them.

use super::sheet::{DECODE, FILE, LATENT, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{Team, assert_lies, edit_and_commit};
use crate::merging::text_of;
use crate::support::Repo;

const WAYS: [&[&str]; 4] = [
    &["merge", "-q", "--no-edit", "old"],
    &["cherry-pick", "old"],
    &["rebase", "-q", "main", "old"],
    &["cherry-pick", "-n", "old"],
];

/// Takes the clocks out of all notes, as 0.1.0 would have written them, and all that lies
/// beside them.
fn forget_clocks(repo: &Repo) {
    for line in repo.git(["notes", "--ref=comfy-layout", "list"]).lines() {
        let (note, about) = line.split_once(' ').unwrap();
        let text = String::from_utf8(repo.blob(note)).unwrap();
        let mut old = String::new();
        for line in text.lines() {
            let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let layout = entry["layout"].as_object_mut().unwrap();
            layout.retain(|key, _| !["saved", "moved", "was"].contains(&key.as_str()));
            old.push_str(&format!("{entry}\n"));
        }
        repo.write("../old-note", &old);
        repo.git(["notes", "--ref=comfy-layout", "add", "-f", "-F", "../old-note", about]);
    }
    std::fs::remove_dir_all(repo.common_dir().join("comfy")).unwrap();
    repo.comfy(["init", "-q"]);
}

/// A branch that moved the loader; main moved the prompt and the latent since, one to a
/// smaller and one to a greater number.
fn move_on_both_branches(repo: &Repo) {
    repo.git(["branch", "old"]);
    for (node, at) in [(PROMPT, [-5000, -5000]), (LATENT, [2000, 2000])] {
        edit_and_commit(repo, |sheet| {
            sheet.put(node, at).title(node, "main");
        });
    }
    repo.git(["checkout", "-q", "old"]);
    edit_and_commit(repo, |sheet| {
        sheet.put(LOADER, [4, 4]).title(LOADER, "old");
    });
    repo.git(["checkout", "-q", "main"]);
}

#[track_caller]
fn assert_both_moved(repo: &Repo) {
    assert_lies(repo, FILE, LOADER, [4, 4]);
    assert_lies(repo, FILE, PROMPT, [-5000, -5000]);
    assert_lies(repo, FILE, LATENT, [2000, 2000]);
}

#[test]
fn what_each_side_moved_in_layouts_of_an_old_version_stays_moved() {
    for way in WAYS {
        let repo = Team::new().world.repo("ann");
        repo.comfy(["init", "-q"]);
        Sheet::new().write(&repo, FILE);
        repo.commit_all("first");
        move_on_both_branches(&repo);
        forget_clocks(&repo);
        repo.git(way);
        repo.git(["commit", "-q", "--allow-empty", "-m", "done"]);
        assert_both_moved(&repo);
    }
}

#[test]
fn what_each_side_moved_since_a_raw_commit_stays_moved() {
    for way in WAYS {
        let repo = Team::new().world.repo("ann");
        Sheet::new().write(&repo, FILE);
        repo.commit_all("raw");
        repo.git(["branch", "old"]);
        for (node, at) in [(PROMPT, [-5000, -5000]), (LATENT, [2000, 2000])] {
            edit_and_commit(&repo, |sheet| {
                sheet.put(node, at).title(node, "main");
            });
        }
        repo.comfy(["init", "-q"]);
        repo.git(["add", ".gitattributes"]);
        edit_and_commit(&repo, |sheet| {
            sheet.put(DECODE, [3, 3]).title(DECODE, "clean");
        });
        repo.git(["checkout", "-q", "old"]);
        edit_and_commit(&repo, |sheet| {
            sheet.put(LOADER, [4, 4]).title(LOADER, "old");
        });
        repo.git(["checkout", "-q", "main"]);
        repo.git(way);
        repo.git(["commit", "-q", "--allow-empty", "-m", "done"]);
        assert_both_moved(&repo);
        assert_lies(&repo, FILE, DECODE, [3, 3]);
    }
}

/// Somebody without git-comfy rearranges everything and pushes.
pub(super) fn rearranged_by_an_outsider(team: &Team, file: &Sheet) -> Sheet {
    let outsider = team.outsider("outsider");
    let mut raw = file.clone();
    for (at, id) in file.stacking().into_iter().enumerate() {
        let at = at as i64;
        raw.put(id, [300 * at + 7, 5000 + 20 * at]);
    }
    raw.set_group([7, 4900, 3000, 900]);
    raw.write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw"]);
    outsider.git(["push", "-q"]);
    raw
}

#[test]
fn what_was_rearranged_in_a_raw_commit_stays_when_an_edit_of_it_is_committed() {
    type Change = fn(&mut Sheet);
    let edit: Change = |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    };
    let drag: Change = |sheet| {
        sheet.put(DECODE, [-900, -900]);
    };
    let drag_group: Change = |sheet| {
        sheet.drag_group([100, 100]);
    };
    for change in [edit, drag, drag_group] {
        let (team, ann, ben) = Team::of_two();
        edit_and_commit(&ben, |sheet| {
            sheet.put(SAMPLER, [1000, 1000]).title(SAMPLER, "mine");
        });
        ben.git(["push", "-q"]);
        let mut dragged = Sheet::read(&ben, FILE);
        dragged.put(LATENT, [10, 10]).write(&ben, FILE);
        ben.git(["add", "."]);
        rearranged_by_an_outsider(&team, &dragged);
        ben.git(["pull", "-q"]);
        let saved = edit_and_commit(&ben, change);
        assert_eq!(Sheet::read(&ben, FILE).told(), saved.told());
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        ann.comfy(["status"]);
        for repo in [&ben, &ann, &team.member("fresh")] {
            for (id, [x, y]) in saved.places() {
                assert_lies(repo, FILE, id, [x as i64, y as i64]);
            }
            assert_eq!(Sheet::read(repo, FILE).group(), saved.group());
        }
    }
}

#[test]
fn a_merge_tells_what_gave_way_in_a_raw_file_of_ours() {
    let (team, ann, ben) = Team::of_two();
    ben.git(["checkout", "-q", "-b", "side"]);
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]).steps(33);
    });
    ben.git(["push", "-q", "origin", "side"]);
    let outsider = team.outsider("outsider");
    let mut raw = Sheet::read(&ann, FILE);
    raw.put(SAMPLER, [2000, 2000]).title(LATENT, "raw").write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw"]);
    outsider.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    ann.git(["fetch", "-q"]);
    let head = ann.id("HEAD");
    let (_, said) = text_of(&ann.try_git(["merge", "--no-edit", "origin/side"]));
    assert_eq!(said.matches("gave way").count(), 1, "{said}");
    assert!(said.contains("w.json: 1 place moved here gave way to theirs"), "{said}");
    let hint = format!("git comfy layout restore {} w.json", &head[..10]);
    assert!(said.contains(&hint), "{said}");
    assert_lies(&ann, FILE, SAMPLER, [1000, 1000]);
    ann.comfy(["layout", "restore", &head, FILE]);
    assert_lies(&ann, FILE, SAMPLER, [2000, 2000]);
}

#[test]
fn a_commit_that_goes_back_to_a_raw_file_moves_nothing_when_it_is_rebased() {
    let (team, ann, _ben) = Team::of_two();
    let raw = rearranged_by_an_outsider(&team, &Sheet::read(&ann, FILE));
    ann.git(["pull", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    Sheet::read(&ann, FILE).put(SAMPLER, [1000, 1000]).write(&ann, FILE);
    ann.git(["add", "."]);
    ann.git(["revert", "--no-edit", "HEAD"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "clean again");
    });
    assert_lies(&ann, FILE, SAMPLER, [1000, 1000]);
    let outsider = team.world.at("outsider");
    let mut raw = raw;
    raw.title(DECODE, "raw").write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw again"]);
    outsider.git(["push", "-q"]);
    ann.git(["pull", "-q", "--rebase"]);
    assert_lies(&ann, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_drag_outlives_a_colleagues_later_first_save_of_the_same_raw_file() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "first");
    });
    ann.git(["push", "-q"]);
    rearranged_by_an_outsider(&team, &Sheet::read(&ann, FILE));
    for repo in [&ann, &ben] {
        repo.git(["pull", "-q"]);
    }
    edit_and_commit(&ann, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.title(DECODE, "mine");
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &ben, &team.member("fresh")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
    }
}

/// Both have a node where Ann put it.
fn with_a_drag() -> (Team, Repo, Repo) {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.comfy(["status"]);
    (team, ann, ben)
}

#[test]
fn a_file_that_a_script_wrote_without_positions_moves_nothing() {
    let (team, ann, ben) = with_a_drag();
    let loader = Sheet::read(&ann, FILE).place(LOADER).unwrap().map(|number| number as i64);
    edit_and_commit(&ben, |sheet| {
        sheet.forget_places().set(NEGATIVE, 0, "fog");
    });
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &ben, &team.member("fresh")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LOADER, loader);
    }
}

#[test]
fn a_raw_file_without_positions_moves_nothing_once_it_is_clean_again() {
    let (team, ann, ben) = with_a_drag();
    let loader = Sheet::read(&ann, FILE).place(LOADER).unwrap().map(|number| number as i64);
    let outsider = team.outsider("outsider");
    Sheet::read(&outsider, FILE).forget_places().set(NEGATIVE, 0, "fog").write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw"]);
    outsider.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(DECODE, "clean again");
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    for repo in [&ann, &ben, &team.member("fresh")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LOADER, loader);
    }
}
