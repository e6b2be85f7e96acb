//! When places in files that were committed without git-comfy were chosen: when a commit had
//! them there first, whoever goes back to that file later, or saves it.

use std::time::UNIX_EPOCH;

use super::raw_moves::commit_raw;
use super::sheet::{DECODE, FILE, LATENT, LOADER, NEGATIVE, SAMPLER, Sheet};
use super::team::{Team, assert_lies, edit, edit_and_commit};
use super::unclocked::rearranged_by_an_outsider;
use crate::merging::text_of;
use crate::support::Repo;

const MINE: [i64; 2] = [1000, 1000];
const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const IN_FUTURE: &str = "2037-01-01T00:00:00Z";

/// Runs git as somebody whose clock says that.
#[track_caller]
fn git_at(repo: &Repo, at: &str, arguments: &[&str]) {
    let mut git = repo.command("git");
    git.args(arguments).env("GIT_AUTHOR_DATE", at).env("GIT_COMMITTER_DATE", at);
    assert!(git.status().unwrap().success(), "{arguments:?}");
}

/// Both have what somebody without git-comfy rearranged.
fn rearranged() -> (Team, Repo, Repo) {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "first");
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    rearranged_by_an_outsider(&team, &Sheet::read(&ann, FILE));
    ann.git(["pull", "-q"]);
    ben.git(["pull", "-q"]);
    wait_for_next_second(&ann);
    (team, ann, ben)
}

/// A commit names its second alone: who moves something within it, does so at its end, whoever
/// else does.
fn wait_for_next_second(repo: &Repo) {
    let committed: u64 = repo.git(["log", "-1", "--format=%at"]).trim().parse().unwrap();
    while UNIX_EPOCH.elapsed().unwrap().as_secs() <= committed {
        std::thread::yield_now();
    }
}

/// Ann merges what Ben moved, and everybody has it.
#[track_caller]
fn assert_bens_drag_stays(team: &Team, ann: &Repo, ben: &Repo) {
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    for repo in [ann, ben, &team.member("fresh")] {
        assert_lies(repo, FILE, SAMPLER, MINE);
    }
}

#[test]
fn a_drag_outlives_a_colleague_who_goes_back_to_the_raw_file() {
    let (team, ann, ben) = rearranged();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [2000, 2000]).set(NEGATIVE, 0, "fog");
    });
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, MINE).title(DECODE, "mine");
    });
    git_at(&ann, IN_FUTURE, &["revert", "--no-edit", "HEAD"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "clean again");
    });
    // What she moved after she saw the raw file is not undone by going back to it.
    assert_lies(&ann, FILE, SAMPLER, [2000, 2000]);
    ann.git(["push", "-q"]);
    assert_bens_drag_stays(&team, &ann, &ben);
}

#[test]
fn a_drag_outlives_a_later_raw_commit_that_moved_something_else() {
    let (team, ann, ben) = rearranged();
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, MINE).title(DECODE, "mine");
    });
    let outsider = team.world.at("outsider");
    Sheet::read(&outsider, FILE).put(LOADER, [-700, 0]).title(LOADER, "raw").write(&outsider, FILE);
    git_at(&outsider, IN_FUTURE, &["commit", "-q", "-a", "-m", "raw again"]);
    outsider.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    assert_lies(&ann, FILE, LOADER, [-700, 0]);
    ann.git(["push", "-q"]);
    assert_bens_drag_stays(&team, &ann, &ben);
    assert_lies(&ben, FILE, LOADER, [-700, 0]);
}

#[test]
fn a_commit_that_goes_back_to_a_raw_file_is_no_move_when_it_is_rebased() {
    let (team, ann, ben) = rearranged();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, MINE).set(NEGATIVE, 0, "fog");
    });
    ann.git(["revert", "--no-edit", "HEAD"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "clean again");
    });
    assert_lies(&ann, FILE, SAMPLER, MINE);
    edit_and_commit(&ben, |sheet| {
        sheet.title(DECODE, "theirs");
    });
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q", "--rebase"]);
    assert_lies(&ann, FILE, SAMPLER, MINE);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    for repo in [&ben, &team.member("fresh")] {
        assert_lies(repo, FILE, SAMPLER, MINE);
    }
}

/// Ways to apply the commits of main since `base` to `side`.
const PICKS: [&[&str]; 3] = [
    &["rebase", "-q", "side", "main"],
    &["rebase", "-q", "--apply", "side", "main"],
    &["cherry-pick", "base..main"],
];

#[test]
fn a_drag_that_followed_a_raw_commit_still_follows_it_when_both_are_applied_anew() {
    for pick in PICKS {
        let (_team, ann, _ben) = Team::of_two();
        ann.git(["branch", "base"]);
        commit_raw(&ann, "raw", |sheet| {
            sheet.steps(33).put(SAMPLER, [2000, 1500]);
        });
        edit_and_commit(&ann, |sheet| {
            sheet.set(NEGATIVE, 0, "fog").put(SAMPLER, MINE);
        });
        ann.git(["checkout", "-q", "-b", "side", "base"]);
        edit_and_commit(&ann, |sheet| {
            sheet.title(DECODE, "side");
        });
        ann.git(pick);
        assert!(ann.text(FILE).contains("fog") && ann.text(FILE).contains("\"fixed\",33"));
        assert_lies(&ann, FILE, SAMPLER, MINE);
    }
}

#[test]
fn a_raw_commit_that_is_picked_moves_nothing_that_was_moved_here_later() {
    let repo = super::raw_moves::renormalized(|repo| {
        let mut sheet = Sheet::read(repo, FILE);
        sheet.steps(33).put(SAMPLER, [2000, 1500]).put(DECODE, [3000, 0]).write(repo, FILE);
        git_at(repo, LONG_AGO, &["commit", "-q", "-a", "-m", "old"]);
    });
    edit_and_commit(&repo, |sheet| {
        sheet.set(NEGATIVE, 0, "fog").put(SAMPLER, MINE);
    });
    let (_, said) = text_of(&repo.try_git(["cherry-pick", "old"]));
    assert!(said.contains("w.json: 1 place that they moved gave way to yours"), "{said}");
    assert_lies(&repo, FILE, SAMPLER, MINE);
    assert_lies(&repo, FILE, DECODE, [3000, 0]);
    assert!(repo.text(FILE).contains("\"fixed\",33"));
}

#[test]
fn a_drag_made_before_the_raw_file_came_outlives_a_colleague_who_cleans_it() {
    for is_in_notes in [false, true] {
        let (team, ann, ben) = Team::of_two();
        rearranged_by_an_outsider(&team, &Sheet::read(&ann, FILE));
        wait_for_next_second(&team.world.at("outsider"));
        edit(&ben, FILE, |sheet| {
            sheet.put(SAMPLER, MINE);
        });
        ben.git(["add", "."]);
        if is_in_notes {
            ben.comfy(["sync"]);
        }
        ben.git(["pull", "-q"]);
        ann.git(["pull", "-q"]);
        edit_and_commit(&ann, |sheet| {
            sheet.set(NEGATIVE, 0, "fog");
        });
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
        assert_lies(&ben, FILE, SAMPLER, MINE);
        assert_lies(&ben, FILE, LOADER, [907, 5060]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        ann.comfy(["status"]);
        assert_lies(&ann, FILE, SAMPLER, MINE);
    }
}
