//! Groups: what is dragged with them stays where it was put, whatever others do with the frame.

use super::sheet::{FILE, PROMPT, SAMPLER, Sheet};
use super::team::{Team, assert_lies, assert_quiet, edit, edit_and_commit};
use crate::support::Repo;

#[track_caller]
fn assert_group_at(repo: &Repo, at: [f64; 2]) {
    let sheet = Sheet::read(repo, FILE);
    let corner = sheet.group().map(|[x, y, ..]| [x, y]);
    let whose = repo.path.file_name().unwrap().display();
    assert_eq!(corner, Some(at), "{whose}: {}", sheet.told());
    assert_quiet(repo);
}

#[test]
fn what_ben_dragged_with_a_group_stays_when_ann_deletes_its_frame() {
    for (is_edited, pull) in [
        (false, &["pull", "-q", "--ff-only"][..]),
        (true, &["pull", "-q", "--no-rebase", "--no-edit"]),
        (true, &["pull", "-q", "--rebase"]),
    ] {
        let (team, ann, ben) = Team::of_two();
        let sheet = edit(&ben, FILE, |sheet| {
            sheet.drag_group([1000, 1000]);
        });
        let sampler = sheet.place(SAMPLER).unwrap().map(|number| number as i64);
        if is_edited {
            edit(&ben, FILE, |sheet| {
                sheet.set(PROMPT, 0, "an owl at night");
            });
            ben.commit_all("edited");
        } else {
            ben.git(["add", "-A"]);
        }
        edit_and_commit(&ann, |sheet| {
            sheet.value()["groups"] = serde_json::json!([]);
        });
        ann.git(["push", "-q", "origin", "main"]);
        ben.git(pull);
        assert_lies(&ben, FILE, SAMPLER, sampler);
        ben.comfy(["sync"]);
        ben.git(["push", "-q", "origin", "main"]);
        ann.git(["pull", "-q"]);
        ann.comfy(["status"]);
        for repo in [&ann, &team.member("carl")] {
            assert_lies(repo, FILE, SAMPLER, sampler);
        }
    }
}

#[test]
fn a_group_that_a_raw_commit_moved_stays_there_although_its_clean_form_was_never_here() {
    let (team, ann, ben) = Team::of_two();
    let mut sheet = edit_and_commit(&ann, |sheet| {
        sheet.set(PROMPT, 0, "an owl at night").set_group([3000, 50, 700, 300]);
    });
    ann.git(["push", "-q", "origin", "main"]);
    let olaf = team.outsider("olaf");
    sheet.steps(33).set_group([3000, 500, 700, 300]).put(SAMPLER, [44, 45]).write(&olaf, FILE);
    olaf.git(["commit", "-q", "-a", "-m", "raw"]);
    olaf.git(["push", "-q"]);
    // The clean content and the raw one come at once.
    ben.git(["pull", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.steps(34);
    });
    ben.git(["push", "-q", "origin", "main"]);
    ann.git(["pull", "-q"]);
    for repo in [&ben, &ann, &team.member("carl")] {
        assert_group_at(repo, [3000.0, 500.0]);
        assert_lies(repo, FILE, SAMPLER, [44, 45]);
    }
}
