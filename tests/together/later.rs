//! Moves that a clone hears of when its file holds other content by then: edited, renamed,
//! reverted, or committed without git-comfy in between.

use super::sheet::{DECODE, FILE, LATENT, LOADER, SAMPLER, Sheet};
use super::team::{Team, assert_lies, edit, edit_and_commit, has_note};
use crate::support::Repo;

const THERE: [i64; 2] = [1000, 1000];

/// Only drags, and pushes that.
fn drag_and_push(repo: &Repo) {
    edit(repo, FILE, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    repo.git(["add", "."]);
    repo.git(["push", "-q"]);
}

#[track_caller]
fn assert_all(team: &Team, repos: &[&Repo], path: &str) {
    for repo in repos {
        assert_lies(repo, path, SAMPLER, THERE);
    }
    assert_lies(&team.member("fresh"), path, SAMPLER, THERE);
}

#[test]
fn a_drag_fetched_before_an_edit_lies_there_in_the_edited_file() {
    let (team, ann, ben) = Team::of_two();
    drag_and_push(&ben);
    ann.git(["pull", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(DECODE, "edited");
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_all(&team, &[&ann, &ben], FILE);
}

#[test]
fn a_drag_fetched_after_an_edit_lies_there_in_the_edited_file() {
    let (team, ann, ben) = Team::of_two();
    drag_and_push(&ann);
    edit_and_commit(&ben, |sheet| {
        sheet.title(DECODE, "edited");
    });
    ben.git(["pull", "-q"]);
    ben.comfy(["status"]);
    ben.git(["push", "-q"]);
    assert_all(&team, &[&ben], FILE);
}

#[test]
fn a_drag_fetched_before_a_revert_lies_there_in_the_reverted_file() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.title(DECODE, "a mistake");
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    drag_and_push(&ben);
    ann.git(["pull", "-q"]);
    ann.git(["revert", "--no-edit", "HEAD"]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_all(&team, &[&ann, &ben], FILE);
}

#[test]
fn old_places_of_a_file_that_is_renamed_are_no_moves() {
    let (team, ann, ben) = Team::of_two();
    drag_and_push(&ben);
    ann.git(["pull", "-q"]);
    ann.git(["mv", FILE, "renamed.json"]);
    ann.git(["commit", "-q", "-m", "renamed"]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_all(&team, &[&ann, &ben], "renamed.json");
}

#[test]
fn a_drag_outlives_a_raw_commit_of_somebody_else() {
    let (team, ann, _ben) = Team::of_two();
    let outsider = team.outsider("outsider");
    let mut raw = Sheet::read(&ann, FILE);
    raw.title(DECODE, "raw").write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw"]);
    outsider.git(["push", "-q"]);
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    ann.git(["add", "."]);
    ann.git(["pull", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "clean again");
    });
    ann.git(["push", "-q"]);
    assert_all(&team, &[&ann], FILE);
}

#[test]
fn a_drag_outlives_a_raw_commit_that_a_stale_tab_is_saved_over() {
    let (team, ann, _ben) = Team::of_two();
    let outsider = team.outsider("outsider");
    let mut raw = Sheet::read(&ann, FILE);
    raw.title(DECODE, "raw").put(SAMPLER, [-500, -500]).write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw"]);
    outsider.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    let mut stale = Sheet::read(&ann, FILE);
    assert_eq!(stale.place(SAMPLER), Some([-500.0, -500.0]), "{}", stale.told());
    // With the places that a tab has which was open all the while.
    stale.put(SAMPLER, THERE).title(LATENT, "clean again").write(&ann, FILE);
    ann.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
    ann.git(["push", "-q"]);
    assert_all(&team, &[&ann], FILE);
}

#[test]
fn a_stale_tab_from_before_a_hook_wrote_the_file_moves_nothing() {
    let (team, ann, _ben) = Team::of_two();
    let outsider = team.outsider("outsider");
    let mut raw = Sheet::read(&ann, FILE);
    raw.title(DECODE, "raw").write(&outsider, FILE);
    outsider.git(["commit", "-q", "-a", "-m", "raw"]);
    outsider.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    let mut tab = edit_and_commit(&ann, |sheet| {
        sheet.put(DECODE, [700, 700]);
    });
    // The first clean commit of the file has brought the sampler back, which nobody moved in
    // the raw one.
    assert_eq!(Sheet::read(&ann, FILE).place(SAMPLER), Some([1000.0, 1000.0]));
    edit(&ann, FILE, |sheet| {
        sheet.put(DECODE, [800, 800]);
    });
    ann.git(["add", "."]);
    tab.title(LATENT, "edited").write(&ann, FILE);
    ann.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
    assert_lies(&ann, FILE, DECODE, [800, 800]);
    assert_lies(&ann, FILE, SAMPLER, THERE);
}

#[test]
fn what_an_octopus_put_together_goes_into_a_note() {
    let (team, ann, _ben) = Team::of_two();
    for (branch, node) in [("one", SAMPLER), ("two", DECODE), ("three", LATENT)] {
        ann.git(["checkout", "-q", "-b", branch, "main"]);
        edit_and_commit(&ann, |sheet| {
            sheet.title(node, branch).put(node, THERE);
        });
    }
    ann.git(["checkout", "-q", "main"]);
    ann.git(["merge", "-q", "--no-edit", "one", "two", "three"]);
    assert!(has_note(&ann, &format!("HEAD:{FILE}")));
    ann.git(["push", "-q", "origin", "main"]);
    assert_all(&team, &[&ann], FILE);
}

#[test]
fn a_rebase_by_patches_keeps_what_was_moved() {
    let (_team, ann, _ben) = Team::of_two();
    ann.git(["checkout", "-q", "-b", "their"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(DECODE, "theirs").put(DECODE, [700, 700]);
    });
    ann.git(["checkout", "-q", "main"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LOADER, "mine").put(SAMPLER, THERE);
    });
    ann.git(["rebase", "-q", "--apply", "their"]);
    assert_lies(&ann, FILE, SAMPLER, THERE);
    assert_lies(&ann, FILE, DECODE, [700, 700]);
}

#[test]
fn a_merge_that_was_given_up_moved_nothing() {
    let (_team, ann, _ben) = Team::of_two();
    ann.git(["checkout", "-q", "-b", "their"]);
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33).put(SAMPLER, THERE);
    });
    ann.git(["checkout", "-q", "main"]);
    edit_and_commit(&ann, |sheet| {
        sheet.steps(44);
    });
    let before = ann.text(FILE);
    assert!(!ann.try_git(["merge", "-q", "their"]).status.success());
    ann.git(["merge", "--abort"]);
    assert_eq!(ann.text(FILE), before);
}

/// Ben renames and edits in one commit and pushes, while Ann only drags.
fn renamed_and_edited_against_a_drag(pull: &[&str]) -> (Team, Repo, Repo) {
    let (team, ann, ben) = Team::of_two();
    ben.git(["mv", FILE, "renamed.json"]);
    edit(&ben, "renamed.json", |sheet| {
        sheet.title(DECODE, "edited").put(DECODE, [700, 700]);
    });
    ben.git(["commit", "-q", "-a", "-m", "renamed and edited"]);
    ben.git(["push", "-q"]);
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    ann.git(["add", "."]);
    ann.git(["pull", "-q"].iter().chain(pull));
    assert_lies(&ann, "renamed.json", DECODE, [700, 700]);
    (team, ann, ben)
}

#[test]
fn a_drag_follows_a_file_that_a_colleague_renamed_and_edited() {
    let (team, ann, ben) = renamed_and_edited_against_a_drag(&[]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.comfy(["status"]);
    assert_all(&team, &[&ann, &ben], "renamed.json");
}

#[test]
fn a_drag_follows_a_file_that_comes_renamed_by_name_of_the_branch() {
    let (team, ann, _ben) = renamed_and_edited_against_a_drag(&["origin", "main"]);
    ann.git(["push", "-q"]);
    assert_all(&team, &[&ann], "renamed.json");
}

#[test]
fn a_drag_follows_a_file_that_comes_renamed_into_a_merge() {
    let (team, ann, ben) = Team::of_two();
    ben.git(["mv", FILE, "renamed.json"]);
    edit(&ben, "renamed.json", |sheet| {
        sheet.title(DECODE, "edited");
    });
    ben.git(["commit", "-q", "-a", "-m", "renamed and edited"]);
    ben.git(["push", "-q"]);
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    ann.write("mine.txt", "mine");
    ann.git(["add", "."]);
    ann.git(["commit", "-q", "-m", "mine"]);
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ann.git(["push", "-q"]);
    assert_all(&team, &[&ann], "renamed.json");
}

#[test]
fn a_file_that_resembles_one_that_was_deleted_long_ago_is_its_own() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, THERE);
    });
    ann.git(["rm", "-q", FILE]);
    ann.git(["commit", "-q", "-m", "gone"]);
    ann.git(["push", "-q"]);
    let theirs = Sheet::new();
    ben.git(["pull", "-q"]);
    theirs.write(&ben, "similar.json");
    edit(&ben, "similar.json", |sheet| {
        sheet.title(DECODE, "another one").put(SAMPLER, [-300, -300]);
    });
    ben.commit_all("similar");
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_lies(&ann, "similar.json", SAMPLER, [-300, -300]);
    drop(team);
}

#[test]
fn a_stash_with_a_drag_is_popped_in_another_work_tree() {
    let (_team, ann, _ben) = Team::of_two();
    ann.git(["checkout", "-q", "-b", "side"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LOADER, "on the side").put(LOADER, [-700, -700]);
    });
    ann.git(["checkout", "-q", "main"]);
    ann.git(["worktree", "add", "-q", "../second", "side"]);
    let second = ann.world.at("second");
    edit(&ann, FILE, |sheet| {
        sheet.title(DECODE, "stashed").put(SAMPLER, THERE);
    });
    ann.git(["stash", "-q"]);
    second.git(["stash", "pop", "-q"]);
    let popped = Sheet::read(&second, FILE);
    assert_eq!(popped.place(SAMPLER), Some([1000.0, 1000.0]), "{}", popped.told());
    assert_eq!(popped.place(LOADER), Some([-700.0, -700.0]), "{}", popped.told());
    second.git(["commit", "-q", "-a", "-m", "popped"]);
    assert_lies(&second, FILE, SAMPLER, THERE);
    assert_lies(&second, FILE, LOADER, [-700, -700]);
}
