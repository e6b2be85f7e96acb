//! Who saves old places back: a person who has seen the new ones, or a tab that has not.

use super::sheet::{DECODE, FILE, LATENT, LOADER, PROMPT, SAMPLER, Sheet};
use super::team::{Team, assert_lies, edit, edit_and_commit};
use crate::support::Repo;

const THERE: [i64; 2] = [1000, 1000];
const BEFORE: [i64; 2] = [863, 186];

/// Ann moves the sampler, with what else is given, and pushes; Ben pulls.
fn pulled_by_ben(change: impl FnOnce(&mut Sheet)) -> (Team, Repo, Repo) {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, THERE);
        change(sheet);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_lies(&ben, FILE, SAMPLER, THERE);
    (team, ann, ben)
}

#[track_caller]
fn assert_all_have(team: &Team, repos: &[&Repo], at: [i64; 2]) {
    for repo in repos {
        assert_lies(repo, FILE, SAMPLER, at);
    }
    assert_lies(&team.member("fresh"), FILE, SAMPLER, at);
}

#[test]
fn a_node_set_back_in_a_save_that_has_their_new_value_is_moved() {
    let (team, ann, ben) = pulled_by_ben(|sheet| {
        sheet.steps(33);
    });
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, BEFORE);
    });
    assert_lies(&ben, FILE, SAMPLER, BEFORE);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    ann.comfy(["sync", "-q"]);
    assert_all_have(&team, &[&ann, &ben], BEFORE);
}

#[test]
fn a_node_set_back_in_a_save_that_has_another_of_their_moves_is_moved() {
    let (team, ann, ben) = pulled_by_ben(|sheet| {
        sheet.put(DECODE, [1500, 1500]);
    });
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, BEFORE);
    });
    assert_lies(&ben, FILE, SAMPLER, BEFORE);
    ben.git(["push", "-q"]);
    ann.comfy(["sync", "-q"]);
    assert_all_have(&team, &[&ann, &ben], BEFORE);
}

#[test]
fn a_node_set_back_a_second_time_after_the_file_was_written_anew_is_moved() {
    let (team, ann, ben) = pulled_by_ben(|_| {});
    for command in [&["commit", "-q", "--allow-empty", "-m", "back"][..], &["comfy", "status"]] {
        edit(&ben, FILE, |sheet| {
            sheet.put(SAMPLER, BEFORE);
        });
        ben.git(["add", "."]);
        ben.git(command);
    }
    assert_lies(&ben, FILE, SAMPLER, BEFORE);
    ben.git(["push", "-q"]);
    ann.comfy(["sync", "-q"]);
    assert_all_have(&team, &[&ann, &ben], BEFORE);
}

#[test]
fn a_file_never_shows_what_nobody_gets() {
    for command in [
        &["commit", "-q", "--allow-empty", "-m", "back"][..],
        &["comfy", "status"],
        &["comfy", "refresh"],
        &["push", "-q"],
    ] {
        let (team, ann, ben) = pulled_by_ben(|_| {});
        edit(&ben, FILE, |sheet| {
            sheet.put(SAMPLER, BEFORE);
        });
        ben.git(["add", "."]);
        ben.git(command);
        assert_eq!(Sheet::read(&ben, FILE).place(SAMPLER), Some([1000.0, 1000.0]), "{command:?}");
        ben.git(["push", "-q"]);
        ann.comfy(["sync", "-q"]);
        assert_all_have(&team, &[&ann, &ben], THERE);
    }
}

#[test]
fn a_stale_tab_that_is_saved_again_with_something_new_moves_nothing_old() {
    let (team, ann, ben) = Team::of_two();
    let mut tab = Sheet::read(&ben, FILE);
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33).put(SAMPLER, THERE);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    for (at, text, other) in [([2222, 2222], "an owl", LATENT), ([3333, 3333], "a hare", LOADER)] {
        tab.set(PROMPT, 0, text).put(DECODE, at).write(&ben, FILE);
        ben.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
        assert_lies(&ben, FILE, SAMPLER, THERE);
        assert_lies(&ben, FILE, DECODE, at);
        // Others go on, and git writes the file once more.
        ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        edit_and_commit(&ann, |sheet| {
            sheet.title(other, "later");
        });
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
    }
    tab.put(DECODE, [4444, 4444]).write(&ben, FILE);
    ben.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
    assert_lies(&ben, FILE, DECODE, [4444, 4444]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_all_have(&team, &[&ann, &ben], THERE);
}
