//! What was arranged because nothing was known is remembered as that, node by node.

use serde_json::json;

use super::sheet::{FILE, PROMPT, SAMPLER, Sheet};
use super::team::{NEW, Team, add_other, anew, assert_lies, assert_quiet, edit, has_note};
use crate::support::{GIT_COMFY, Repo};

/// Ann has a file that was arranged: Ben's layout of it is not there yet.
fn arranged() -> (Team, Repo, Repo, Sheet) {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q", "--no-verify"]);
    ann.git(["pull", "-q"]);
    (team, ann, ben, theirs)
}

/// Ann committed what she has of the file; it is nobody's layout, and Ben's comes through.
#[track_caller]
fn is_nobodys(ann: &Repo, ben: &Repo, theirs: &Sheet) {
    assert!(!has_note(ann, "HEAD:new.json"), "an arrangement is filed");
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q"]);
    ben.comfy(["sync"]);
    ann.git(["pull", "-q"]);
    ann.comfy(["sync"]);
    for repo in [ann, ben] {
        for (id, [x, y]) in theirs.places() {
            assert_lies(repo, NEW, id, [x as i64, y as i64]);
        }
    }
}

#[test]
fn what_marks_an_arranged_file_is_not_committed() {
    let (_team, ann, _ben, _theirs) = arranged();
    assert_quiet(&ann);
    edit(&ann, NEW, |sheet| {
        sheet.steps(55);
    });
    ann.git(["commit", "-q", "-a", "-m", "edited"]);
    let blob = String::from_utf8(ann.blob("HEAD:new.json")).unwrap();
    assert!(!blob.contains("git_comfy"), "{blob}");
}

#[test]
fn sizes_that_the_frontend_makes_fit_are_no_moves() {
    let (_team, ann, ben, theirs) = arranged();
    edit(&ann, NEW, |sheet| {
        sheet.steps(55);
        for id in sheet.stacking() {
            let size = sheet.node_mut(id)["size"].clone();
            let grown = |at: usize| size[at].as_f64().unwrap() + 20.0;
            sheet.node_mut(id)["size"] = json!([grown(0), grown(1)]);
        }
    });
    ann.git(["commit", "-q", "-a", "-m", "opened and saved"]);
    is_nobodys(&ann, &ben, &theirs);
}

#[test]
fn an_arrangement_is_known_by_the_local_store_where_the_file_lost_its_mark() {
    let (_team, ann, ben, theirs) = arranged();
    edit(&ann, NEW, |sheet| {
        sheet.steps(55).forget_mark();
    });
    ann.git(["commit", "-q", "-a", "-m", "saved by something else"]);
    is_nobodys(&ann, &ben, &theirs);
}

#[test]
fn an_arrangement_is_known_by_its_mark_where_the_local_store_was_lost() {
    let (_team, ann, ben, theirs) = arranged();
    std::fs::remove_dir_all(ann.common_dir().join("comfy")).unwrap();
    edit(&ann, NEW, |sheet| {
        sheet.steps(55);
    });
    ann.git(["commit", "-q", "-a", "-m", "edited"]);
    is_nobodys(&ann, &ben, &theirs);
}

#[test]
fn a_copy_of_an_arranged_file_is_nobodys_layout_either() {
    let (_team, ann, _ben, _theirs) = arranged();
    std::fs::copy(ann.path.join(NEW), ann.path.join("copy.json")).unwrap();
    edit(&ann, "copy.json", |sheet| {
        sheet.steps(55);
    });
    ann.commit_all("a copy");
    assert!(!has_note(&ann, "HEAD:copy.json"), "an arrangement is filed");
}

#[test]
fn a_node_that_was_moved_and_set_back_by_hand_is_a_persons_though_arranged_first() {
    let (_team, ann, ben, theirs) = arranged();
    let first = Sheet::read(&ann, NEW).place(SAMPLER).unwrap();
    let first = first.map(|at| at as i64);
    for at in [[5000, 5050], first] {
        edit(&ann, NEW, |sheet| {
            sheet.put(SAMPLER, at);
        });
        ann.git(["commit", "-q", "--allow-empty", "-a", "-m", "moved"]);
    }
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.comfy(["sync"]);
    ann.comfy(["sync"]);
    let mut wanted = theirs.places();
    wanted.insert(SAMPLER, first.map(|at| at as f64));
    for repo in [&ann, &ben] {
        assert_eq!(Sheet::read(repo, NEW).places(), wanted);
        assert_eq!(anew(repo, NEW).places(), wanted);
    }
}

/// Ben's layouts come after Ann gave the file another name.
#[track_caller]
fn is_put_right_after(rename: impl Fn(&Repo)) {
    let (_team, ann, ben, theirs) = arranged();
    rename(&ann);
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q", "--no-verify"]);
    ben.comfy(["sync"]);
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    for (id, [x, y]) in theirs.places() {
        assert_lies(&ann, "renamed.json", id, [x as i64, y as i64]);
    }
}

#[test]
fn an_arranged_file_that_was_renamed_is_put_right() {
    is_put_right_after(|ann| {
        ann.git(["mv", NEW, "renamed.json"]);
        ann.git(["commit", "-q", "-m", "renamed"]);
    });
}

#[test]
fn an_arranged_file_that_was_renamed_and_edited_is_put_right() {
    is_put_right_after(|ann| {
        ann.git(["mv", NEW, "renamed.json"]);
        edit(ann, "renamed.json", |sheet| {
            sheet.steps(55);
        });
        ann.git(["commit", "-q", "-a", "-m", "renamed and edited"]);
    });
}

#[test]
fn a_copy_of_an_arranged_file_is_put_right() {
    is_put_right_after(|ann| {
        std::fs::copy(ann.path.join(NEW), ann.path.join("renamed.json")).unwrap();
        ann.commit_all("copied");
    });
}

/// Ann edited and moved one node of what was arranged for her, and knows of no other place.
#[test]
fn what_was_arranged_for_newer_content_hides_no_place_in_older_content() {
    let (team, ann, ben, theirs) = arranged();
    edit(&ann, NEW, |sheet| {
        sheet.steps(55).put(PROMPT, [11, 2222]);
    });
    ann.git(["commit", "-q", "-a", "-m", "edited"]);
    ann.git(["push", "-q"]);
    let olaf = team.outsider("olaf");
    olaf.write(NEW, olaf.text(NEW).replace("an owl at night", "an owl at dawn"));
    olaf.commit_all("edited by somebody without layouts");
    olaf.git(["push", "-q"]);
    ben.comfy(["sync"]);
    ben.git(["fetch", "-q"]);
    ben.git(["checkout", "-q", "origin/main"]);
    let mut wanted = theirs.places();
    wanted.insert(PROMPT, [11.0, 2222.0]);
    assert_eq!(Sheet::read(&ben, NEW).places(), wanted);
}

/// Somebody without layouts edits what Ben moved; Ann fetches both at once.
#[test]
fn what_was_fetched_just_now_is_known_of_other_content_too() {
    let (team, ann, ben) = Team::of_two();
    edit(&ben, FILE, |sheet| {
        sheet.steps(44).put(SAMPLER, [11, 2222]);
    });
    ben.git(["commit", "-q", "-a", "-m", "moved"]);
    ben.git(["push", "-q"]);
    let olaf = team.outsider("olaf");
    olaf.write(FILE, olaf.text(FILE).replace(" 44,", " 45,"));
    olaf.commit_all("edited by somebody without layouts");
    olaf.git(["push", "-q"]);
    ann.git(["fetch", "-q"]);
    ann.git(["reset", "-q", "--hard", "origin/main"]);
    let lies = Sheet::read(&ann, FILE);
    assert_eq!(lies.place(SAMPLER), Some([11.0, 2222.0]), "{}", lies.told());
}

/// Somebody without layouts edited the file, and then another one: Ann, whose nodes came
/// along, says where they lie, so that it is the same in every clone.
#[test]
fn what_came_along_a_fast_forward_over_several_commits_is_told_to_others() {
    let (team, ann, _ben) = Team::of_two();
    let olaf = team.outsider("olaf");
    olaf.write(FILE, olaf.text(FILE).replace(" 20,", " 45,"));
    olaf.commit_all("edited by somebody without layouts");
    olaf.write("other.txt", "x");
    olaf.commit_all("another file");
    olaf.git(["push", "-q"]);
    let lay = Sheet::read(&ann, FILE).places();
    ann.git(["pull", "-q"]);
    assert_eq!(Sheet::read(&ann, FILE).places(), lay);
    ann.comfy(["sync"]);
    assert!(has_note(&ann, &format!("HEAD:{FILE}")), "it is told to nobody");
}

/// Ben's layout came to Ann after the file had been arranged.
fn arranged_and_put_right() -> (Team, Repo, Repo, Sheet) {
    let (team, ann, ben, theirs) = arranged();
    ben.comfy(["sync"]);
    ann.comfy(["sync"]);
    assert_eq!(Sheet::read(&ann, NEW).places(), theirs.places());
    (team, ann, ben, theirs)
}

#[track_caller]
fn refused(repo: &Repo, arguments: &[&str]) -> String {
    let output = repo.command(GIT_COMFY).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    told
}

#[test]
fn undo_goes_to_no_arrangement_that_nobody_made() {
    let (_team, ann, _ben, theirs) = arranged_and_put_right();
    let told = refused(&ann, &["layout", "undo", NEW]);
    assert!(told.contains("cannot go further back"), "{told}");
    assert_eq!(Sheet::read(&ann, NEW).places(), theirs.places());
    // Whoever wants it all the same is told how.
    let line = told.split('`').find(|part| part.starts_with("git comfy layout restore s")).unwrap();
    let words: Vec<&str> = line.split(' ').skip(2).collect();
    let told = ann.comfy(&words);
    assert_ne!(Sheet::read(&ann, NEW).places(), theirs.places());
    let back = told.lines().find_map(|line| line.split_once("is kept: git comfy ")).unwrap().1;
    ann.comfy(back.split(' '));
    assert_eq!(Sheet::read(&ann, NEW).places(), theirs.places(), "{told}");
}

#[test]
fn the_log_does_not_call_arranged_what_a_person_placed() {
    let (_team, ann, _ben, _theirs) = arranged();
    let told = ann.comfy(["layout", "log", NEW]);
    assert!(told.starts_with("now ") && told.ends_with("  arranged\n"), "{told}");
    let (_team, ann, _ben, _theirs) = arranged_and_put_right();
    let told = ann.comfy(["layout", "log", NEW]);
    let lines: Vec<&str> = told.lines().collect();
    assert!(!lines[0].contains("arranged") && !lines[0].starts_with("now"), "{told}");
    assert!(!lines[0].contains(" git "), "{told}");
    assert!(lines[1].starts_with('s') && lines[1].contains("  git  arranged"), "{told}");
    assert_eq!(lines.len(), 2, "{told}");
}

#[test]
fn what_was_moved_after_the_layout_came_is_undone_as_far_as_that() {
    let (_team, ann, _ben, theirs) = arranged_and_put_right();
    edit(&ann, NEW, |sheet| {
        sheet.put(SAMPLER, [5000, 5050]);
    });
    ann.comfy(["layout", "undo", NEW]);
    assert_eq!(Sheet::read(&ann, NEW).places(), theirs.places());
    refused(&ann, &["layout", "undo", NEW]);
    assert_eq!(Sheet::read(&ann, NEW).places(), theirs.places());
}

/// Of a known file: what was known of it is no more than a guess where others moved it.
#[test]
fn undo_goes_to_no_guess_that_the_true_layout_replaced() {
    let (_team, ann, ben) = Team::of_two();
    edit(&ben, FILE, |sheet| {
        sheet.steps(44);
        sheet.put(PROMPT, [11, 2222]);
        sheet.add(9, [7000, 70], [200, 100]);
    });
    ben.git(["commit", "-q", "-a", "-m", "more"]);
    ben.git(["push", "-q", "--no-verify"]);
    let first = Sheet::read(&ann, FILE).place(PROMPT);
    ann.git(["pull", "-q"]);
    ben.comfy(["sync"]);
    ann.comfy(["sync"]);
    assert_eq!(Sheet::read(&ann, FILE).place(9), Some([7000.0, 70.0]));
    ann.comfy(["layout", "undo", FILE]);
    let lies = Sheet::read(&ann, FILE);
    assert_eq!(lies.place(PROMPT), first, "what Ben moved");
    assert_eq!(lies.place(9), Some([7000.0, 70.0]), "nobody put it elsewhere: {}", lies.told());
}
