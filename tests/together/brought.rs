//! What a colleague moved comes along with a commit, whatever command brings it here.

use serde_json::json;

use super::sheet::{DECODE, FILE, LATENT, LOADER, SAMPLER, Sheet};
use super::team::{NEW, Team, add_other, anew, assert_lies, edit, edit_and_commit};
use crate::support::Repo;

const THERE: [i64; 2] = [1000, 1000];

/// Ben drags the sampler and edits on a branch, and pushes that.
fn side_branch(ben: &Repo) {
    ben.git(["checkout", "-q", "-b", "side"]);
    edit_and_commit(ben, |sheet| {
        sheet.put(SAMPLER, THERE).set(LATENT, 0, 640);
    });
    ben.git(["push", "-q", "origin", "side"]);
}

#[test]
fn layouts_of_a_commit_that_was_fetched_by_name_come_along_with_it() {
    for way in [
        &["cherry-pick", "FETCH_HEAD"][..],
        &["cherry-pick", "-n", "FETCH_HEAD"],
        &["rebase", "-q", "FETCH_HEAD"],
        &["merge", "-q", "--no-edit", "--squash", "FETCH_HEAD"],
    ] {
        let (team, ann, ben) = Team::of_two();
        side_branch(&ben);
        edit_and_commit(&ann, |sheet| {
            sheet.title(DECODE, "mine").put(DECODE, [33, 33]);
        });
        ann.git(["fetch", "-q", "origin", "side"]);
        ann.git(way);
        ann.git(["commit", "-q", "--allow-empty", "-m", "done"]);
        assert_lies(&ann, FILE, SAMPLER, THERE);
        assert_lies(&ann, FILE, DECODE, [33, 33]);
        ann.git(["push", "-q", "origin", "main"]);
        assert_lies(&team.member("fresh"), FILE, SAMPLER, THERE);
    }
}

#[test]
fn layouts_of_a_commit_that_was_fetched_by_name_come_along_with_it_into_a_file_left_alone() {
    for way in [
        &["cherry-pick", "FETCH_HEAD"][..],
        &["cherry-pick", "-n", "FETCH_HEAD"],
        &["rebase", "-q", "FETCH_HEAD"],
        &["rebase", "-q", "--apply", "FETCH_HEAD"],
        &["merge", "-q", "--no-edit", "--no-ff", "FETCH_HEAD"],
        &["merge", "-q", "--no-edit", "--squash", "FETCH_HEAD"],
        &["checkout", "-q", "FETCH_HEAD"],
    ] {
        for drag in [None, Some([33, 33])] {
            if drag.is_some() && way != ["cherry-pick", "FETCH_HEAD"] {
                continue;
            }
            let (team, ann, ben) = Team::of_two();
            side_branch(&ben);
            if let Some(drag) = drag {
                edit(&ann, FILE, |sheet| {
                    sheet.put(DECODE, drag);
                });
                ann.git(["add", "."]);
                ann.git(["commit", "-q", "--allow-empty", "-m", "dragged"]);
            }
            ann.git(["fetch", "-q", "origin", "side"]);
            ann.git(way);
            if way.contains(&"-n") || way.contains(&"--squash") {
                ann.git(["commit", "-q", "-m", "done"]);
            }
            assert_eq!(Sheet::read(&ann, FILE).place(SAMPLER), Some([1000.0, 1000.0]), "{way:?}");
            assert_lies(&ann, FILE, SAMPLER, THERE);
            if let (Some(drag), true) = (drag, way[0] != "checkout") {
                assert_lies(&ann, FILE, DECODE, drag);
            }
            ann.git(["push", "-q", "origin", "HEAD:main"]);
            assert_lies(&team.member("fresh"), FILE, SAMPLER, THERE);
        }
    }
}

#[test]
fn a_commit_that_only_renames_and_drags_brings_the_drag_along() {
    for way in [
        &["cherry-pick", "-n", "origin/side"][..],
        &["merge", "-q", "--no-edit", "--squash", "origin/side"],
        &["am", "-q", "-3", "../0001-side.patch"],
        &["cherry-pick", "origin/side"],
    ] {
        let (_team, ann, ben) = Team::of_two();
        ben.git(["checkout", "-q", "-b", "side"]);
        ben.git(["mv", FILE, NEW]);
        edit(&ben, NEW, |sheet| {
            sheet.put(SAMPLER, THERE);
        });
        ben.git(["add", "."]);
        ben.git(["commit", "-q", "-m", "side"]);
        ben.git(["push", "-q", "origin", "side"]);
        edit_and_commit(&ann, |sheet| {
            sheet.title(DECODE, "mine").put(DECODE, [33, 33]);
        });
        ann.git(["fetch", "-q"]);
        ann.git(["format-patch", "-q", "-1", "-o", "..", "origin/side"]);
        ann.git(way);
        ann.git(["commit", "-q", "--allow-empty", "-m", "done"]);
        assert_lies(&ann, NEW, SAMPLER, THERE);
        assert_lies(&ann, NEW, DECODE, [33, 33]);
    }
}

#[test]
fn a_mailed_patch_brings_along_what_was_moved_in_it() {
    const PATCH: &str = "../0001-side.patch";
    for way in [&["am", "-q", PATCH][..], &["am", "-q", "-3", PATCH]] {
        // git quotes names with other letters than English ones.
        for name in [FILE, "Füchse bei Nacht.json"] {
            let (_team, ann, ben) = Team::of_two();
            if name != FILE {
                ann.git(["mv", FILE, name]);
                ann.commit_all("named");
                ann.git(["push", "-q"]);
                ben.git(["pull", "-q"]);
            }
            ben.git(["checkout", "-q", "-b", "side"]);
            edit(&ben, name, |sheet| {
                sheet.put(SAMPLER, THERE).set(LATENT, 0, 640);
            });
            ben.git(["commit", "-q", "-a", "-m", "side"]);
            ben.git(["push", "-q", "origin", "side"]);
            edit(&ann, name, |sheet| {
                sheet.title(LOADER, "mine").put(LOADER, [33, 33]);
            });
            ann.git(["commit", "-q", "-a", "-m", "mine"]);
            ann.git(["fetch", "-q"]);
            ann.git(["format-patch", "-q", "-1", "-o", "..", "origin/side"]);
            ann.git(way);
            assert_lies(&ann, name, SAMPLER, THERE);
            assert_lies(&ann, name, LOADER, [33, 33]);
        }
    }
}

#[test]
fn a_merge_that_takes_nothing_of_theirs_takes_no_places_either() {
    let (_team, ann, _ben) = Team::of_two();
    ann.git(["checkout", "-q", "-b", "side"]);
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, THERE).steps(33);
    });
    ann.git(["checkout", "-q", "main"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(LATENT, "mine");
    });
    ann.git(["merge", "-q", "-s", "ours", "-m", "ours", "side"]);
    assert_lies(&ann, FILE, SAMPLER, [863, 186]);
}

#[test]
fn of_two_nodes_with_one_id_the_one_that_they_dragged_lies_there_after_a_merge() {
    let team = Team::new();
    let mut sheet = Sheet::new();
    let twin = sheet.node_mut(LOADER).clone();
    if let Some(nodes) = sheet.value()["nodes"].as_array_mut() {
        let mut twin = twin;
        twin["pos"] = json!([5000, 5000]);
        twin["title"] = json!("twin");
        twin["outputs"] = json!([]);
        nodes.push(twin);
    }
    let ann = team.founder("ann", &sheet);
    let (ben, carl) = (team.member("ben"), team.member("carl"));
    edit_and_commit(&ben, |sheet| {
        let nodes = sheet.value()["nodes"].as_array_mut().unwrap();
        nodes.iter_mut().find(|node| node["title"] == "twin").unwrap()["pos"] = json!([6000, 6000]);
        sheet.title(LATENT, "theirs");
    });
    ben.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.title(DECODE, "mine").put(DECODE, [7000, 7000]);
    });
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ann.git(["push", "-q"]);
    for repo in [&ben, &carl] {
        repo.git(["pull", "-q"]);
    }
    for repo in [&ann, &ben, &carl] {
        let here = anew(repo, FILE);
        let twins: Vec<_> = here.nodes().iter().filter(|node| node["id"] == LOADER).collect();
        assert_eq!(twins.len(), 2);
        let twin = twins.iter().find(|node| node["title"] == "twin").unwrap();
        assert_eq!(twin["pos"], json!([6000, 6000]), "{}", repo.path.display());
        assert_lies(repo, FILE, DECODE, [7000, 7000]);
    }
}

#[test]
fn a_new_node_that_lies_on_another_goes_along_with_their_group() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ben, |sheet| {
        sheet.drag_group([1000, 1000]).title(LOADER, "theirs");
    });
    ben.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.add(52, [873, 196], [200, 100]);
    });
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    assert_lies(&ann, FILE, SAMPLER, [1863, 1186]);
    assert_lies(&ann, FILE, 52, [1873, 1196]);
}

#[test]
fn a_push_that_names_the_notes_itself_succeeds() {
    let (team, ann, _ben) = Team::of_two();
    team.world.bare("backup.git");
    team.world.bare("other.git");
    ann.git(["push", "-q", "--mirror", "../backup.git"]);
    ann.git(["remote", "add", "other", "../other.git"]);
    ann.git(["push", "-q", "other", "main", "refs/notes/*:refs/notes/*"]);
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33).put(SAMPLER, THERE);
    });
    ann.git(["push", "-q", "origin", "main", "refs/notes/comfy-layout"]);
    ann.git(["push", "-q"]);
    assert_lies(&team.member("fresh"), FILE, SAMPLER, THERE);
}

#[test]
fn nothing_is_marked_as_arranged_once_it_was_placed() {
    let (team, ann, ben) = Team::of_two();
    let carl = team.member("carl");
    let sheet = add_other(&ann);
    ann.git(["push", "-q", "--no-verify"]);
    ben.git(["pull", "-q"]);
    edit(&ben, NEW, |sheet| {
        sheet.put(SAMPLER, THERE);
        // As a program saves it that writes no view.
        sheet.value()["extra"].as_object_mut().unwrap().shift_remove("ds");
    });
    ben.git(["add", "."]);
    ben.git(["commit", "-q", "--allow-empty", "-m", "dragged"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    ann.comfy(["status"]);
    ann.git(["push", "-q"]);
    for repo in [&ben, &carl] {
        repo.git(["pull", "-q"]);
        repo.comfy(["status"]);
    }
    for repo in [&ann, &ben, &carl, &team.member("fresh")] {
        let mut here = anew(repo, NEW);
        assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]));
        assert_eq!(here.place(LATENT), sheet.place(LATENT));
        let marks = here.value()["extra"].get("git_comfy").cloned();
        assert_eq!(marks, None, "{}", repo.path.display());
    }
    let mut mine = anew(&ann, NEW);
    assert_eq!(mine.value()["extra"]["ds"], json!({"scale": 1, "offset": [10, 20]}));
}

/// A fork of what Ben has, in which Carl dragged the sampler and edited.
fn fork(team: &Team) -> String {
    let carl = team.member("carl");
    edit_and_commit(&carl, |sheet| {
        sheet.put(SAMPLER, THERE).set(LATENT, 0, 640);
    });
    carl.path.to_str().unwrap().to_owned()
}

#[test]
fn layouts_of_a_fork_come_along_when_own_commits_are_put_upon_it() {
    for is_remote in [false, true] {
        let (team, ann, _ben) = Team::of_two();
        let fork = fork(&team);
        ann.write("b.txt", "x");
        ann.git(["add", "b.txt"]);
        ann.git(["commit", "-q", "-m", "text"]);
        if is_remote {
            ann.git(["remote", "add", "fork", &fork]);
        }
        let from = if is_remote { "fork" } else { &fork };
        ann.git(["pull", "-q", "--rebase", from, "main"]);
        assert_lies(&ann, FILE, SAMPLER, THERE);
    }
}

#[test]
fn the_layout_of_a_file_taken_out_of_a_fork_comes_along() {
    for way in [
        &["checkout", "-q", "FETCH_HEAD", "--", FILE][..],
        &["merge", "-q", "--squash", "FETCH_HEAD"],
        &["restore", "--source", "FETCH_HEAD", FILE],
        &["restore", "--staged", "--worktree", "--source", "FETCH_HEAD", FILE],
    ] {
        let (team, ann, _ben) = Team::of_two();
        let fork = fork(&team);
        ann.git(["fetch", "-q", &fork, "main"]);
        ann.git(way);
        // No hook follows a restore.
        ann.comfy(["status"]);
        let wanted = Some(THERE.map(|number| number as f64));
        assert_eq!(Sheet::read(&ann, FILE).place(SAMPLER), wanted, "{way:?}");
        ann.git(["commit", "-q", "-a", "-m", "taken"]);
        assert_lies(&ann, FILE, SAMPLER, THERE);
    }
}

#[test]
fn the_layout_of_a_file_taken_out_of_a_fork_comes_with_its_commit_at_the_latest() {
    let (team, ann, _ben) = Team::of_two();
    let fork = fork(&team);
    ann.git(["fetch", "-q", &fork, "main"]);
    ann.git(["restore", "--source", "FETCH_HEAD", FILE]);
    ann.git(["commit", "-q", "-a", "-m", "taken"]);
    assert_lies(&ann, FILE, SAMPLER, THERE);
}

#[test]
fn what_was_moved_in_the_common_state_comes_along_when_both_sides_went_on() {
    for way in [&["pull", "-q", "--no-rebase", "--no-edit"][..], &["pull", "-q", "--rebase"]] {
        let (team, ann, ben) = Team::of_two();
        let carl = team.member("carl");
        edit_and_commit(&ben, |sheet| {
            sheet.set(LATENT, 0, 640).put(LATENT, [33, 33]);
        });
        edit(&carl, FILE, |sheet| {
            sheet.put(SAMPLER, THERE).put(DECODE, THERE);
        });
        carl.git(["push", "-q"]);
        edit_and_commit(&ann, |sheet| {
            sheet.set(SAMPLER, 2, 33).put(DECODE, [44, 44]);
        });
        ben.git(["push", "-q"]);
        ann.git(way);
        for (node, place) in [(SAMPLER, THERE), (LATENT, [33, 33]), (DECODE, [44, 44])] {
            assert_lies(&ann, FILE, node, place);
        }
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
        assert_lies(&ben, FILE, SAMPLER, THERE);
        assert_lies(&ben, FILE, DECODE, [44, 44]);
    }
}
