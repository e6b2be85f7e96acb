//! What was moved in files that were committed without git-comfy: a commit that is applied
//! anew brings its moves along, and a merge tells of those that it cannot rank.

use super::sheet::{DECODE, FILE, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{Team, assert_lies, assert_quiet};
use crate::merging::text_of;
use crate::support::Repo;

/// Commits the file as it is, past the filter.
pub(super) fn commit_raw(repo: &Repo, message: &str, change: impl FnOnce(&mut Sheet)) {
    let mut sheet = Sheet::read(repo, FILE);
    change(&mut sheet);
    sheet.write(repo, FILE);
    for arguments in [&["add", "-A"][..], &["commit", "-q", "-m", message]] {
        let mut git = repo.command("git");
        assert!(git.args(arguments).env("GIT_COMFY", "0").status().unwrap().success());
    }
}

/// Branch `old` from before git-comfy; main in its clean form since, with the loader moved.
pub(super) fn renormalized(old: impl FnOnce(&Repo)) -> Repo {
    let repo = Team::new().world.repo("ann");
    Sheet::new().write(&repo, FILE);
    repo.commit_all("base");
    repo.git(["checkout", "-q", "-b", "old"]);
    old(&repo);
    repo.git(["checkout", "-q", "main"]);
    repo.comfy(["init", "-q", "--renormalize"]);
    repo.git(["commit", "-q", "-m", "clean form"]);
    Sheet::read(&repo, FILE).put(LOADER, [-500, 900]).write(&repo, FILE);
    repo.git(["add", "-A"]);
    repo
}

fn edit_and_drag(sheet: &mut Sheet) {
    sheet.steps(33).put(SAMPLER, [2000, 1500]);
}

/// Ways to apply the last commit of `old` to main.
const PICKS: [&[&str]; 3] = [
    &["cherry-pick", "old"],
    &["rebase", "-q", "--onto", "main", "old~1", "old"],
    &["rebase", "-q", "--apply", "--onto", "main", "old~1", "old"],
];

#[test]
fn a_move_in_a_raw_commit_comes_along_when_it_is_picked() {
    for pick in PICKS {
        let repo = renormalized(|repo| commit_raw(repo, "old", edit_and_drag));
        let before = Sheet::read(&repo, FILE);
        repo.git(pick);
        assert!(repo.text(FILE).contains("\"fixed\",33"), "{pick:?}");
        assert_lies(&repo, FILE, SAMPLER, [2000, 1500]);
        // What it did not move stays where it was put since.
        assert_lies(&repo, FILE, LOADER, [-500, 900]);
        assert_eq!(Sheet::read(&repo, FILE).place(PROMPT), before.place(PROMPT));
        assert_quiet(&repo);
        // It is a move like any other: in the notes, and there after a checkout.
        std::fs::remove_file(repo.path.join(FILE)).unwrap();
        repo.git(["checkout", "-q", "--", FILE]);
        assert_lies(&repo, FILE, SAMPLER, [2000, 1500]);
    }
}

#[test]
fn a_move_in_a_raw_patch_comes_along_when_it_is_applied() {
    let repo = renormalized(|repo| commit_raw(repo, "old", edit_and_drag));
    repo.git(["format-patch", "-q", "-o", "..", "old~1..old"]);
    repo.git(["am", "-q", "-3", "../0001-old.patch"]);
    assert!(repo.text(FILE).contains("\"fixed\",33"));
    assert_lies(&repo, FILE, SAMPLER, [2000, 1500]);
    assert_lies(&repo, FILE, LOADER, [-500, 900]);
}

#[test]
fn a_picked_raw_commit_that_only_moved_nodes_moves_them() {
    for pick in PICKS {
        let repo = renormalized(|repo| {
            commit_raw(repo, "old", |sheet| {
                sheet.put(SAMPLER, [2000, 1500]);
            });
        });
        let head = repo.id("HEAD");
        let (_, said) = text_of(&repo.try_git(pick));
        assert!(said.contains("w.json: moved KSampler #3"), "{pick:?}: {said}");
        if pick[0] == "cherry-pick" {
            assert!(said.contains("git cherry-pick --skip"), "{said}");
            repo.git(["cherry-pick", "--skip"]);
        }
        assert_eq!(repo.id("HEAD"), head, "{pick:?}");
        repo.comfy(["status"]);
        assert_lies(&repo, FILE, SAMPLER, [2000, 1500]);
        assert_lies(&repo, FILE, LOADER, [-500, 900]);
        assert_quiet(&repo);
        std::fs::remove_file(repo.path.join(FILE)).unwrap();
        repo.git(["checkout", "-q", "--", FILE]);
        assert_lies(&repo, FILE, SAMPLER, [2000, 1500]);
    }
}

#[test]
fn several_picked_raw_commits_bring_all_they_moved() {
    let repo = renormalized(|repo| {
        commit_raw(repo, "one", edit_and_drag);
        commit_raw(repo, "two", |sheet| {
            sheet.put(DECODE, [3000, 0]);
        });
        commit_raw(repo, "three", |sheet| {
            sheet.set(NEGATIVE, 0, "fog").put(SAMPLER, [2100, 1600]);
        });
    });
    repo.git(["rebase", "-q", "main", "old"]);
    repo.comfy(["status"]);
    assert_lies(&repo, FILE, SAMPLER, [2100, 1600]);
    assert_lies(&repo, FILE, DECODE, [3000, 0]);
    assert_lies(&repo, FILE, LOADER, [-500, 900]);
    assert_quiet(&repo);
}

#[test]
fn a_commit_that_renames_a_file_and_moves_its_nodes_brings_the_moves_along() {
    for pick in [
        &["cherry-pick", "origin/their"][..],
        &["cherry-pick", "origin/their", "origin/more"],
        &["rebase", "-q", "main", "origin/their"],
        &["rebase", "-q", "--apply", "main", "origin/their"],
    ] {
        let (_team, ann, ben) = Team::of_two();
        ann.git(["checkout", "-q", "-b", "their"]);
        ann.git(["mv", FILE, "v.json"]);
        Sheet::read(&ann, "v.json").put(SAMPLER, [2000, 1500]).write(&ann, "v.json");
        ann.commit_all("renamed");
        ann.git(["checkout", "-q", "-b", "more"]);
        ann.write("notes.txt", "more");
        ann.commit_all("more");
        ann.git(["push", "-q", "origin", "their", "more"]);
        Sheet::read(&ben, FILE).steps(33).put(LOADER, [-500, 900]).write(&ben, FILE);
        ben.commit_all("mine");
        ben.git(["fetch", "-q"]);
        ben.git(pick);
        assert!(ben.text("v.json").contains("\"fixed\",33"), "{pick:?}");
        assert_lies(&ben, "v.json", SAMPLER, [2000, 1500]);
        assert_lies(&ben, "v.json", LOADER, [-500, 900]);
    }
}

#[test]
fn a_merge_tells_what_gave_way_in_a_raw_file_and_how_to_have_it() {
    let repo = renormalized(|repo| {
        commit_raw(repo, "old", |sheet| {
            edit_and_drag(sheet);
            sheet.put(LOADER, [77, 88]);
        });
    });
    // Both are placed here by hand.
    let mut sheet = Sheet::read(&repo, FILE);
    sheet.put(SAMPLER, [1000, 1000]).set(NEGATIVE, 0, "fog").write(&repo, FILE);
    repo.commit_all("mine");
    let (_, said) = text_of(&repo.try_git(["merge", "--no-edit", "old"]));
    assert_eq!(said.matches("gave way").count(), 1, "{said}");
    assert!(said.contains("w.json: 2 places"), "{said}");
    assert!(said.contains("git comfy layout restore old w.json"), "{said}");
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&repo, FILE, LOADER, [-500, 900]);
    let said = repo.comfy(["layout", "restore", "old", FILE]);
    assert!(said.contains("w.json lies as in"), "{said}");
    assert_lies(&repo, FILE, SAMPLER, [2000, 1500]);
    assert_lies(&repo, FILE, LOADER, [77, 88]);
    assert!(repo.text(FILE).contains("fog"));
    assert_quiet(&repo);
    repo.comfy(["layout", "undo", FILE]);
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn of_two_raw_sides_each_keeps_what_it_moved() {
    for (mine, their) in [([1000, 1000], [-900, 0]), ([-900, 0], [1000, 1000])] {
        let repo = Team::new().world.repo("ann");
        Sheet::new().write(&repo, FILE);
        repo.commit_all("base");
        repo.comfy(["init", "-q"]);
        repo.commit_all("git-comfy");
        repo.git(["checkout", "-q", "-b", "old"]);
        commit_raw(&repo, "old", |sheet| {
            sheet.steps(33).put(SAMPLER, their).put(DECODE, their);
        });
        repo.git(["checkout", "-q", "main"]);
        commit_raw(&repo, "mine", |sheet| {
            sheet.set(NEGATIVE, 0, "fog").put(LOADER, mine).put(DECODE, mine);
        });
        let (_, said) = text_of(&repo.try_git(["merge", "-q", "--no-edit", "old"]));
        assert!(said.contains("w.json: 1 place that they moved gave way"), "{said}");
        assert_lies(&repo, FILE, SAMPLER, their);
        assert_lies(&repo, FILE, LOADER, mine);
        assert_lies(&repo, FILE, DECODE, mine);
    }
}

#[test]
fn a_merge_with_a_raw_file_in_which_nothing_was_moved_says_nothing() {
    let repo = renormalized(|repo| {
        commit_raw(repo, "old", |sheet| {
            sheet.steps(33);
        });
    });
    repo.git(["commit", "-q", "--allow-empty", "-m", "moved"]);
    let (_, said) = text_of(&repo.try_git(["merge", "-q", "--no-edit", "old"]));
    assert!(!said.contains("gave way"), "{said}");
    assert_lies(&repo, FILE, LOADER, [-500, 900]);
}
