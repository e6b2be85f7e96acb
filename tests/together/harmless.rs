//! What only looks does no harm, and what cannot be kept fails.

use std::process::Output;

use super::sheet::{DECODE, FILE, LATENT, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{Team, assert_is, assert_lies, edit, edit_and_commit};
use crate::support::Repo;

#[track_caller]
fn failed(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it should have failed: {told}");
    told
}

/// Ben looks at an older state by some means, edits a value and commits; a move that Ann
/// made before must not be undone by it.
#[track_caller]
fn harmless(look: impl Fn(&Repo)) {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33).put(DECODE, [2000, 2000]);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.set(NEGATIVE, 0, "fog").put(DECODE, [3000, 3000]);
    });
    ann.git(["push", "-q"]);
    let before = ben.text(FILE);
    look(&ben);
    assert_eq!(ben.text(FILE), before);
    edit_and_commit(&ben, |sheet| {
        sheet.set(PROMPT, 0, "an owl").put(LATENT, [600, 1600]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ben, &ann] {
        assert_lies(repo, FILE, DECODE, [3000, 3000]);
        assert_lies(repo, FILE, LATENT, [600, 1600]);
    }
}

#[test]
fn an_archive_of_an_older_state_does_no_harm() {
    harmless(|ben| drop(ben.git(["archive", "-o", "../old.tar", "HEAD~1"])));
}

#[test]
fn an_archive_of_the_state_at_hand_does_no_harm() {
    harmless(|ben| drop(ben.git(["archive", "-o", "../old.tar", "HEAD"])));
}

#[test]
fn another_work_tree_of_an_older_state_does_no_harm() {
    harmless(|ben| {
        ben.git(["worktree", "add", "-q", "--detach", "../tree", "HEAD~1"]);
        let tree = ben.world.at("tree");
        assert_eq!(Sheet::read(&tree, FILE).place(DECODE), Some([1209.0, 188.0]));
        edit(&tree, FILE, |sheet| {
            sheet.put(DECODE, [1, 1]);
        });
        tree.git(["commit", "-q", "--allow-empty", "-a", "-m", "elsewhere"]);
        assert_lies(&tree, FILE, DECODE, [1, 1]);
    });
}

#[test]
fn printing_an_older_state_as_it_would_be_checked_out_does_no_harm() {
    harmless(|ben| {
        ben.git(["cat-file", "--filters", "HEAD~1:w.json"]);
        ben.git(["show", "--textconv", "HEAD~1:w.json"]);
        ben.git(["diff", "HEAD~1"]);
    });
}

#[test]
fn writing_an_older_state_elsewhere_does_no_harm() {
    harmless(|ben| {
        ben.git(["checkout-index", "-a", "--prefix=../copy/"]);
        std::fs::create_dir(ben.world.path("old")).unwrap();
        ben.git(["--work-tree=../old", "checkout", "-q", "HEAD~1", "--", "."]);
        ben.git(["reset", "-q"]);
    });
}

// What cannot be kept.

#[test]
fn positions_that_cannot_be_kept_are_not_stripped() {
    let (_team, ann, _ben) = Team::of_two();
    let store = ann.common_dir().join("comfy/layouts");
    if store.is_file() {
        std::fs::remove_file(&store).unwrap();
    }
    std::fs::create_dir_all(&store).unwrap();
    let head = ann.id("HEAD");
    let saved = edit(&ann, FILE, |sheet| {
        sheet.steps(33).put(SAMPLER, [1000, 1000]);
    });
    let told = failed(&ann.try_git(["add", FILE]));
    assert!(told.contains("git-comfy"), "it says who and why: {told}");
    assert_eq!(ann.git(["diff", "--cached", "--name-only"]), "");
    failed(&ann.try_git(["commit", "-q", "-a", "-m", "x"]));
    assert_eq!(ann.id("HEAD"), head);
    assert_eq!(ann.text(FILE), saved.text());

    std::fs::remove_dir(&store).unwrap();
    ann.git(["commit", "-q", "-a", "-m", "x"]);
    assert_is(&ann, FILE, &saved);
}
