//! Two layouts of one content become one: place by place the later move.

use serde_json::{Value, json};

use super::sheet::{DECODE, FILE, LATENT, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{Team, anew, assert_is, assert_lies, assert_quiet, edit, edit_and_commit};
use crate::support::Repo;

#[test]
fn a_layout_alone_reaches_a_colleague() {
    let (_team, ann, ben) = Team::of_two();
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    // git has nothing to commit, and says so.
    assert!(!ann.try_git(["commit", "-q", "-a", "-m", "x"]).status.success());
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.comfy(["status"]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_drag_that_no_command_looked_at_goes_along_with_a_push() {
    let (team, ann, ben) = Team::of_two();
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.git(["push", "-q"]);
    assert_lies(&team.member("carl"), FILE, SAMPLER, [1000, 1000]);
    ben.comfy(["sync"]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_drag_that_no_command_looked_at_goes_along_with_a_sync() {
    let (_team, ann, ben) = Team::of_two();
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.comfy(["sync"]);
    ben.comfy(["sync"]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_drag_goes_along_with_a_commit_of_another_file() {
    let (_team, ann, ben) = Team::of_two();
    edit(&ann, FILE, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.write("b.txt", "x");
    ann.git(["add", "b.txt"]);
    ann.git(["commit", "-q", "-m", "text", "b.txt"]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_stale_tab_that_saves_old_places_back_moves_nothing() {
    for content in [false, true] {
        let (_team, ann, ben) = Team::of_two();
        let tab = Sheet::read(&ben, FILE);
        edit_and_commit(&ann, |sheet| {
            sheet.put(SAMPLER, [1000, 1000]);
            if content {
                sheet.steps(33);
            }
        });
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
        assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
        let mut stale = tab;
        stale.set(PROMPT, 0, "an owl").put(DECODE, [2222, 2222]);
        stale.write(&ben, FILE);
        ben.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
        let after = anew(&ben, FILE);
        assert_eq!(after.place(SAMPLER), Some([1000.0, 1000.0]), "{content}: {}", after.told());
        assert_eq!(after.place(DECODE), Some([2222.0, 2222.0]), "{content}: {}", after.told());
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        assert_lies(&ann, FILE, SAMPLER, [1000, 1000]);
        assert_lies(&ann, FILE, DECODE, [2222, 2222]);
    }
}

#[test]
fn a_node_nudged_by_one_side_follows_the_group_that_the_other_dragged() {
    for content in [false, true] {
        let (team, ann, ben) = Team::of_two();
        edit_and_commit(&ann, |sheet| {
            sheet.drag_group([300, 0]);
            assert_eq!(sheet.place(SAMPLER), Some([1163.0, 186.0]));
            if content {
                sheet.steps(33);
            }
        });
        ann.git(["push", "-q"]);
        edit_and_commit(&ben, |sheet| {
            sheet.put(DECODE, [1224, 228]);
            if content {
                sheet.set(PROMPT, 0, "an owl");
            }
        });
        ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_lies(repo, FILE, SAMPLER, [1163, 186]);
            assert_lies(repo, FILE, DECODE, [1524, 228]);
            let group = Sheet::read(repo, FILE).group();
            assert_eq!(group, Some([1150.0, 100.0, 600.0, 400.0]), "{content}");
        }
    }
}

#[track_caller]
fn assert_in_one_frame(repo: &Repo, wanted: &Sheet) {
    let whose = repo.path.file_name().unwrap().display();
    for sheet in [Sheet::read(repo, FILE), anew(repo, FILE)] {
        let here = sheet.places_in_one_frame();
        for (id, [x, y]) in wanted.places_in_one_frame() {
            let [here_x, here_y] = here[&id];
            let apart = (here_x - x).abs().max((here_y - y).abs());
            assert!(
                apart < 0.01,
                "{whose}: {id} at {here_x},{here_y} for {x},{y}: {}",
                sheet.told()
            );
        }
    }
    assert_quiet(repo);
}

#[test]
fn a_mere_save_in_the_other_renderer_moves_nothing() {
    for (content, is_stamped) in [(false, true), (true, true), (false, false), (true, false)] {
        let (team, ann, ben) = of_two_in_the_older_renderer(is_stamped);
        let mut wanted = edit_and_commit(&ann, |sheet| {
            sheet.put(LOADER, [-500, 474]);
            if content {
                sheet.set(NEGATIVE, 0, "fog");
            }
        });
        ann.git(["push", "-q"]);
        // Ben does not know of it yet, and saves later.
        edit_and_commit(&ben, |sheet| {
            *sheet = sheet.opened_in_vue();
            if content {
                sheet.steps(33);
            }
        });
        ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        wanted.steps(33);
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_in_one_frame(repo, &wanted);
        }
    }
}

#[test]
fn moves_made_in_different_renderers_come_together() {
    for is_stamped in [true, false] {
        let (team, ann, ben) = of_two_in_the_older_renderer(is_stamped);
        let mut wanted = edit_and_commit(&ann, |sheet| {
            sheet.put(LOADER, [-500, 474]);
        });
        ann.git(["push", "-q"]);
        edit_and_commit(&ben, |sheet| {
            *sheet = sheet.opened_in_vue();
            sheet.put(LATENT, [720, 1440]);
        });
        ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        wanted.put(LATENT, [600, 1200]);
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_in_one_frame(repo, &wanted);
        }
    }
}

#[test]
fn a_drag_outlives_a_later_save_of_the_same_file_in_the_other_renderer() {
    for is_stamped in [true, false] {
        let (team, ann, ben) = of_two_in_the_older_renderer(is_stamped);
        let wanted = edit(&ann, FILE, |sheet| {
            sheet.put(LOADER, [-500, 474]);
        });
        // Ben's editor had the file open all the time, and saves after the pull.
        let open = Sheet::read(&ben, FILE).opened_in_vue();
        ann.git(["add", "."]);
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
        open.write(&ben, FILE);
        ben.git(["add", "."]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_in_one_frame(repo, &wanted);
        }
    }
}

/// Two people with a file that says which renderer wrote it, or does not.
fn of_two_in_the_older_renderer(is_stamped: bool) -> (Team, Repo, Repo) {
    let (team, ann, ben) = Team::of_two();
    if !is_stamped {
        edit_and_commit(&ann, |sheet| {
            sheet.forget_renderer();
        });
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
    }
    (team, ann, ben)
}

// Merges.

#[test]
fn a_merge_keeps_the_order_of_stacking() {
    for rebase in [false, true] {
        let (team, ann, ben) = Team::of_two();
        let before = Sheet::read(&ben, FILE).stacking();
        assert_eq!(before, [NEGATIVE, SAMPLER, DECODE, LOADER, PROMPT, LATENT]);
        edit_and_commit(&ann, |sheet| {
            sheet.steps(33);
        });
        ann.git(["push", "-q"]);
        edit_and_commit(&ben, |sheet| {
            sheet.set(NEGATIVE, 0, "fog");
        });
        let how = if rebase { "--rebase" } else { "--no-rebase" };
        ben.git(["pull", "-q", "--no-edit", how]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_eq!(Sheet::read(repo, FILE).stacking(), before, "rebase: {rebase}");
            assert_eq!(anew(repo, FILE).stacking(), before, "rebase: {rebase}");
        }
    }
}

#[test]
fn a_merge_that_adds_nodes_keeps_the_order_of_stacking() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.add(11, [3000, 0], [200, 100]);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.add(10, [3000, 3000], [200, 100]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    let stacking = anew(&ben, FILE).stacking();
    assert_eq!(stacking[..6], [NEGATIVE, SAMPLER, DECODE, LOADER, PROMPT, LATENT]);
    assert_eq!(stacking.len(), 8);
}

/// Both add a node; the rectangles of both with their title bars.
#[track_caller]
fn both_add(ours: [i64; 2], theirs: [i64; 2]) -> (Team, Repo, Repo) {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.add(11, theirs, [200, 100]);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.add(10, ours, [200, 100]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    (team, ann, ben)
}

#[test]
fn a_node_that_they_added_lies_where_they_put_it() {
    // The second lies close beside, but on nothing.
    for theirs in [[3000, 3000], [3210, 0], [3000, 140], [1500, 900]] {
        let (team, ann, ben) = both_add([3000, 0], theirs);
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_lies(repo, FILE, 10, [3000, 0]);
            assert_lies(repo, FILE, 11, theirs);
        }
    }
}

#[test]
fn a_node_that_they_added_over_one_of_ours_is_shifted_by_the_least() {
    for (theirs, most) in [([3000, 0], 180.0), ([3190, 10], 60.0), ([3010, 120], 60.0)] {
        let (team, ann, ben) = both_add([3000, 0], theirs);
        let wanted = Sheet::read(&ben, FILE).places();
        assert_eq!(wanted[&10], [3000.0, 0.0]);
        let [x, y] = wanted[&11];
        let clear = (x - 3000.0).abs() >= 200.0 || y.abs() >= 130.0;
        assert!(clear, "{theirs:?} is at {x},{y}, over ours");
        let shift = (x - theirs[0] as f64).hypot(y - theirs[1] as f64);
        assert!(shift <= most, "{theirs:?} is at {x},{y}: shifted by {shift}");
        for repo in [&ben, &ann, &team.member("carl")] {
            assert_eq!(Sheet::read(repo, FILE).places(), wanted);
            assert_eq!(anew(repo, FILE).places(), wanted);
        }
    }
}

#[test]
fn a_node_that_is_shifted_goes_onto_no_other_new_one() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.add(11, [3000, 0], [200, 100]).add(12, [3010, 130], [200, 100]);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.add(10, [3020, 140], [200, 100]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    let places = Sheet::read(&ben, FILE).places();
    for (one, other) in [(10, 11), (10, 12), (11, 12)] {
        let ([x, y], [other_x, other_y]) = (places[&one], places[&other]);
        let is_clear = (x - other_x).abs() >= 200.0 || (y - other_y).abs() >= 130.0;
        assert!(is_clear, "{one} at {x},{y} lies over {other} at {other_x},{other_y}");
    }
}

#[test]
fn nodes_with_one_id_twice_keep_their_places_through_a_merge() {
    let team = Team::new();
    let mut sheet = Sheet::new();
    sheet.add(20, [3000, 0], [200, 100]).add(20, [3000, 3000], [200, 100]);
    let ann = team.founder("ann", &sheet);
    let ben = team.member("ben");
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    let after = anew(&ben, FILE);
    let twins: Vec<&Value> = after.nodes().iter().filter(|node| node["type"] == "Note").collect();
    assert_eq!(twins.len(), 2);
    assert_eq!(twins[0]["pos"], json!([3000, 0]), "{}", after.told());
    assert_eq!(twins[1]["pos"], json!([3000, 3000]), "{}", after.told());
}

#[test]
fn a_drag_finds_the_file_that_the_other_side_renamed() {
    for content in [false, true] {
        let (team, ann, ben) = Team::of_two();
        ann.git(["mv", FILE, "renamed.json"]);
        ann.git(["commit", "-q", "-m", "renamed"]);
        ann.git(["push", "-q"]);
        edit_and_commit(&ben, |sheet| {
            sheet.put(SAMPLER, [1000, 1000]);
            if content {
                sheet.steps(33);
            }
        });
        ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
        assert_lies(&ben, "renamed.json", SAMPLER, [1000, 1000]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        ann.comfy(["sync"]);
        assert_lies(&ann, "renamed.json", SAMPLER, [1000, 1000]);
        assert_lies(&team.member("carl"), "renamed.json", SAMPLER, [1000, 1000]);
    }
}

#[test]
fn a_node_that_one_side_folded_and_a_node_that_the_other_dragged_both_stay_so() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.node_mut(NEGATIVE)["flags"] = json!({"collapsed": true});
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.put(LATENT, [600, 1600]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &ben, &team.member("carl")] {
        assert_lies(repo, FILE, LATENT, [600, 1600]);
        let mut sheet = Sheet::read(repo, FILE);
        assert_eq!(sheet.node_mut(NEGATIVE)["flags"], json!({"collapsed": true}));
    }
}

#[test]
fn a_node_that_one_side_dragged_and_the_other_folded_later_lies_where_it_was_dragged() {
    for is_edited in [false, true] {
        for change in [json!({"flags": {"collapsed": true}}), json!({"size": [100, 60]})] {
            let (team, ann, ben) = Team::of_two();
            edit_and_commit(&ann, |sheet| {
                sheet.put(SAMPLER, [1000, 1000]);
                if is_edited {
                    sheet.set(LATENT, 0, 640);
                }
            });
            ann.git(["push", "-q"]);
            edit_and_commit(&ben, |sheet| {
                let node = sheet.node_mut(SAMPLER).as_object_mut().unwrap();
                node.extend(change.as_object().unwrap().clone());
                if is_edited {
                    sheet.set(NEGATIVE, 0, "fog");
                }
            });
            ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
            ben.comfy(["status"]);
            ben.git(["push", "-q"]);
            for repo in [&ben, &team.member("carl")] {
                assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
            }
        }
    }
}

#[test]
fn what_lies_inside_a_subgraph_and_on_wires_comes_together_too() {
    const UUID: &str = "4c5a3b2e-1111-4222-8333-944455556666";
    let team = Team::new();
    let mut first = Sheet::new();
    first.add(30, [3000, 0], [200, 100]);
    first.node_mut(30)["type"] = json!(UUID);
    let note = |id: u64, pos: [i64; 2]| {
        json!({"id": id, "type": "Note", "pos": pos, "size": [200, 100], "flags": {}, "order": 0,
               "mode": 0, "inputs": [], "outputs": [], "properties": {}, "widgets_values": ["x"]})
    };
    first.value()["definitions"] = json!({"subgraphs": [{
        "id": UUID, "version": 1,
        "state": {"lastGroupId": 0, "lastNodeId": 32, "lastLinkId": 9, "lastRerouteId": 0},
        "revision": 0, "config": {}, "name": "Inside",
        "inputNode": {"id": -10, "bounding": [-300, 0, 120, 60]},
        "outputNode": {"id": -20, "bounding": [900, 0, 120, 60]},
        "inputs": [], "outputs": [], "widgets": [],
        "nodes": [note(31, [0, 0]), note(32, [500, 0])],
        "groups": [], "links": [], "extra": {},
    }]});
    first.value()["extra"]["reroutes"] = json!([{"id": 1, "pos": [700, 300], "linkIds": [4]}, {"id": 2, "pos": [700, 500], "linkIds": [6]}]);
    let ann = team.founder("ann", &first);
    let ben = team.member("ben");
    assert_is(&ben, FILE, &first);
    let mut wanted = first;
    let mut both = |repo: &Repo, change: &dyn Fn(&mut Value)| {
        edit_and_commit(repo, |sheet| change(sheet.value()));
        change(wanted.value());
    };
    both(&ann, &|file| {
        file["definitions"]["subgraphs"][0]["nodes"][0]["pos"] = json!([10, 900]);
        file["extra"]["reroutes"][1]["pos"] = json!([710, 555]);
    });
    ann.git(["push", "-q"]);
    both(&ben, &|file| {
        file["definitions"]["subgraphs"][0]["nodes"][1]["pos"] = json!([510, 800]);
        file["definitions"]["subgraphs"][0]["inputNode"]["bounding"] = json!([-400, 50, 120, 60]);
        file["extra"]["reroutes"][0]["pos"] = json!([720, 333]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &ben, &team.member("carl")] {
        let mut here = Sheet::read(repo, FILE);
        for part in [
            "/definitions/subgraphs/0/nodes/0/pos",
            "/definitions/subgraphs/0/nodes/1/pos",
            "/definitions/subgraphs/0/inputNode/bounding",
            "/extra/reroutes/0/pos",
            "/extra/reroutes/1/pos",
        ] {
            assert_eq!(here.value().pointer(part), wanted.value().pointer(part), "{part}");
        }
    }
}
