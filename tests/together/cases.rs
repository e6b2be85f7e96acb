//! Where nodes lie when several people work on one file, case by case.

use std::process::Output;

use serde_json::{Value, json};

use super::sheet::{DECODE, FILE, LATENT, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{
    LAYOUTS, Team, anew, assert_is, assert_lies, assert_quiet, edit, edit_and_commit, has_note,
};
use crate::support::Repo;

const NEW: &str = "new.json";

/// Another workflow, laid out as no arrangement would.
fn other() -> Sheet {
    let mut sheet = Sheet::of(&[LATENT, SAMPLER, PROMPT, LOADER]);
    sheet.put(LATENT, [1717, -404]).put(SAMPLER, [-919, 33]).put(PROMPT, [77, 2020]);
    sheet.set(PROMPT, 0, "an owl at night");
    sheet
}

/// Adds the other workflow and commits it.
fn add_other(repo: &Repo) -> Sheet {
    let sheet = other();
    sheet.write(repo, NEW);
    repo.commit_all("another workflow");
    sheet
}

#[track_caller]
fn failed(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it should have failed: {told}");
    told
}

// How content comes, and its layouts with it.

/// Ben adds a file; it comes to Ann by that command; everybody goes on working. Nobody
/// may ever see it in another place than where Ben put it.
#[track_caller]
fn comes_by(bring: impl Fn(&Team, &Repo)) {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q"]);
    bring(&team, &ann);
    assert_is(&ann, NEW, &theirs);
    stays_with_everybody(&team, &ann, &ben, NEW, &theirs);
}

/// Ann commits something of her own and pushes; the file stays as it is for all.
#[track_caller]
fn stays_with_everybody(team: &Team, ann: &Repo, ben: &Repo, path: &str, sheet: &Sheet) {
    edit_and_commit(ann, |mine| {
        mine.set(PROMPT, 0, "a red cat in deep snow");
    });
    ann.git(["push", "-q", "origin", "main"]);
    ben.git(["pull", "-q", "origin", "main"]);
    assert_is(ben, path, sheet);
    ann.git(["pull", "-q", "origin", "main"]);
    assert_is(ann, path, sheet);
    assert_is(&team.member("carl"), path, sheet);
}

fn pulls(arguments: &'static [&'static str]) -> impl Fn(&Team, &Repo) {
    move |_, ann| drop(ann.git(["pull", "-q"].iter().chain(arguments)))
}

#[test]
fn layouts_come_with_a_plain_pull() {
    comes_by(pulls(&[]));
}

#[test]
fn layouts_come_with_a_pull_of_a_named_branch() {
    comes_by(pulls(&["origin", "main"]));
}

#[test]
fn layouts_come_with_a_pull_of_tags_and_a_named_branch() {
    comes_by(pulls(&["--tags", "origin", "main"]));
}

#[test]
fn layouts_come_with_a_pull_of_tags() {
    comes_by(pulls(&["--tags"]));
}

#[test]
fn layouts_come_with_a_pull_that_rebases() {
    comes_by(pulls(&["--rebase"]));
}

#[test]
fn layouts_come_with_a_pull_of_a_named_branch_that_rebases() {
    comes_by(|_, ann| {
        ann.write("mine.txt", "mine");
        ann.commit_all("mine");
        ann.git(["pull", "-q", "--rebase", "origin", "main"]);
    });
}

#[test]
fn layouts_come_with_a_pull_of_a_named_branch_that_merges() {
    comes_by(|_, ann| {
        ann.write("mine.txt", "mine");
        ann.commit_all("mine");
        ann.git(["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
    });
}

#[test]
fn layouts_come_with_a_pull_by_address() {
    comes_by(|team, ann| drop(ann.git(["pull", "-q", team.address(), "main"])));
}

#[test]
fn layouts_come_with_a_fetch_of_a_named_branch_and_a_merge() {
    comes_by(|_, ann| {
        ann.git(["fetch", "-q", "origin", "main"]);
        ann.git(["merge", "-q", "FETCH_HEAD"]);
    });
}

#[test]
fn layouts_come_with_a_fetch_of_a_named_branch_and_a_reset() {
    comes_by(|_, ann| {
        ann.git(["fetch", "-q", "origin", "main"]);
        ann.git(["reset", "-q", "--hard", "FETCH_HEAD"]);
        // No hook runs after a reset.
        ann.comfy(["sync"]);
    });
}

#[test]
fn layouts_come_with_a_fetch_of_a_named_branch_and_a_checkout() {
    comes_by(|_, ann| {
        ann.git(["fetch", "-q", "origin", "main:seen"]);
        ann.git(["checkout", "-q", "seen"]);
        ann.git(["checkout", "-q", "main"]);
        ann.git(["merge", "-q", "seen"]);
    });
}

#[test]
fn layouts_come_with_a_cherry_pick_of_what_was_fetched() {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q"]);
    ann.git(["fetch", "-q", "origin", "main"]);
    ann.git(["cherry-pick", "FETCH_HEAD"]);
    assert_is(&ann, NEW, &theirs);
    assert_is(&team.member("carl"), NEW, &theirs);
}

/// A remote that was added after set-up, as hosts tell people to.
#[track_caller]
fn late_remote(set_up_again: bool, pull: &[&str]) {
    let team = Team::new();
    let ann = team.world.repo("ann");
    ann.comfy(["init", "-q"]);
    let first = Sheet::new();
    first.write(&ann, FILE);
    ann.commit_all("first");
    ann.git(["remote", "add", "origin", team.address()]);
    if set_up_again {
        ann.comfy(["init", "-q"]);
    }
    ann.git(["push", "-q", "-u", "origin", "main"]);
    let ben = team.member("ben");
    assert_is(&ben, FILE, &first);
    let theirs = add_other(&ben);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"].iter().chain(pull));
    assert_is(&ann, NEW, &theirs);
    stays_with_everybody(&team, &ann, &ben, NEW, &theirs);
}

#[test]
fn layouts_come_from_a_remote_that_was_added_late() {
    late_remote(false, &[]);
}

#[test]
fn layouts_come_from_a_remote_that_was_added_late_by_a_named_branch() {
    late_remote(false, &["--tags", "origin", "main"]);
}

#[test]
fn layouts_come_from_a_remote_that_was_added_late_and_set_up() {
    late_remote(true, &["origin", "main"]);
}

#[test]
fn layouts_come_with_a_pull_from_a_fork() {
    let (team, ann, ben) = Team::of_two();
    let fork = team.world.bare("fork.git");
    let address = fork.path.to_str().unwrap();
    ben.git(["remote", "add", "fork", address]);
    let theirs = add_other(&ben);
    ben.git(["push", "-q", "fork", "main"]);
    ann.git(["pull", "-q", address, "main"]);
    assert_is(&ann, NEW, &theirs);
    ann.git(["push", "-q"]);
    assert_is(&team.member("carl"), NEW, &theirs);
}

#[test]
fn layouts_come_into_a_submodule() {
    let (team, ann, ben) = Team::of_two();
    drop(ann);
    let outer = team.world.repo("outer");
    outer.git(["submodule", "add", "-q", "-b", "main", team.address(), "sub"]);
    outer.commit_all("with a submodule");
    let sub = team.world.at("outer/sub");
    sub.comfy(["init", "-q"]);
    let theirs = add_other(&ben);
    ben.git(["push", "-q"]);
    outer.git(["submodule", "update", "-q", "--remote", "--merge"]);
    assert_is(&sub, NEW, &theirs);
    edit_and_commit(&ben, |sheet| {
        sheet.steps(44).put(SAMPLER, [4400, 44]);
    });
    ben.git(["push", "-q"]);
    sub.git(["fetch", "-q", "origin", "main"]);
    sub.git(["checkout", "-q", "FETCH_HEAD"]);
    assert_lies(&sub, FILE, SAMPLER, [4400, 44]);
}

/// Ben pushed past the hooks: nobody can know where his nodes lie until he sends it. What
/// is made up meanwhile is no more than that.
#[test]
fn what_was_pushed_past_the_hooks_is_put_right_when_its_layout_comes() {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q", "--no-verify"]);
    ann.git(["pull", "-q"]);
    let made_up = Sheet::read(&ann, NEW);
    assert_eq!(made_up.places().len(), 4, "laid out somehow: {}", made_up.told());
    assert_quiet(&ann);
    assert!(!has_note(&ann, "HEAD:new.json"), "the arrangement is in a note after the pull");
    edit_and_commit(&ann, |mine| {
        mine.steps(33);
    });
    assert!(!has_note(&ann, "HEAD:new.json"), "the arrangement is in a note after a commit");
    ann.git(["push", "-q"]);
    assert!(!has_note(&team.bare, "main:new.json"), "the arrangement was sent");
    ben.git(["pull", "-q"]);
    assert_is(&ben, NEW, &theirs);
    ben.comfy(["sync"]);
    ann.comfy(["sync"]);
    assert_is(&ann, NEW, &theirs);
    assert_is(&team.member("carl"), NEW, &theirs);
}

#[test]
fn a_file_that_was_arranged_is_put_right_by_the_next_pull() {
    let (_team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q", "--no-verify"]);
    ann.git(["pull", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.steps(34);
    });
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_is(&ann, NEW, &theirs);
}

/// The script that began it: the edit that was pushed past the hooks is of a known file.
#[test]
fn a_layout_that_was_pushed_past_the_hooks_is_not_replaced_by_a_guess() {
    let (team, ann, ben) = Team::of_two();
    let truth = edit_and_commit(&ann, |sheet| {
        sheet.title(SAMPLER, "new").put(SAMPLER, [777, 888]);
    });
    ann.git(["push", "-q", "--no-verify"]);
    ben.git(["pull", "-q"]);
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_is(&ann, FILE, &truth);
    ann.git(["commit", "-q", "--allow-empty", "-m", "y"]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_is(&ben, FILE, &truth);
    assert_is(&team.member("carl"), FILE, &truth);
}

#[test]
fn content_that_comes_in_a_bundle_never_replaces_its_authors_layout() {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["bundle", "create", "-q", "../work.bundle", "main"]);
    ann.git(["pull", "-q", "../work.bundle", "main"]);
    assert_eq!(Sheet::read(&ann, NEW).places().len(), 4);
    edit_and_commit(&ann, |mine| {
        mine.steps(33);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_is(&ben, NEW, &theirs);
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_is(&ann, NEW, &theirs);
    assert_is(&team.member("carl"), NEW, &theirs);
}

#[test]
fn an_arranged_file_that_somebody_edits_without_placing_anything_never_counts() {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q", "--no-verify"]);
    ann.git(["pull", "-q"]);
    edit(&ann, NEW, |sheet| {
        sheet.steps(55);
    });
    ann.git(["commit", "-q", "-a", "-m", "edited, not laid out"]);
    assert!(!has_note(&ann, "HEAD:new.json"), "an arrangement is filed");
    ann.git(["push", "-q"]);
    assert!(!has_note(&team.bare, "main:new.json"), "an arrangement is sent");

    // Ben sees the edit, with his nodes where he put them.
    ben.git(["pull", "-q"]);
    let mut wanted = theirs;
    wanted.steps(55);
    for (id, [x, y]) in wanted.places() {
        assert_lies(&ben, NEW, id, [x as i64, y as i64]);
    }
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q"]);
    ben.comfy(["sync"]);
    ann.git(["pull", "-q"]);
    ann.comfy(["sync"]);
    for repo in [&ann, &team.member("carl")] {
        for (id, [x, y]) in wanted.places() {
            assert_lies(repo, NEW, id, [x as i64, y as i64]);
        }
    }
}

#[test]
fn one_node_moved_in_an_arranged_file_is_kept_and_the_others_still_give_way() {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q", "--no-verify"]);
    ann.git(["pull", "-q"]);
    let mine = edit(&ann, NEW, |sheet| {
        sheet.put(SAMPLER, [5000, 5050]);
    });
    ann.git(["commit", "-q", "--allow-empty", "-a", "-m", "moved one"]);
    assert_eq!(anew(&ann, NEW).places(), mine.places());
    ann.git(["push", "-q"]);
    // Whoever clones now sees what Ann sees: nothing better is known.
    assert_eq!(Sheet::read(&team.member("early"), NEW).places(), mine.places());

    ben.git(["pull", "-q"]);
    ben.comfy(["sync"]);
    ann.comfy(["sync"]);
    let mut wanted = theirs.places();
    wanted.insert(SAMPLER, [5000.0, 5050.0]);
    for repo in [&ann, &ben, &team.member("carl")] {
        let whose = repo.path.file_name().unwrap().display();
        assert_eq!(Sheet::read(repo, NEW).places(), wanted, "{whose} as it lies");
        assert_eq!(anew(repo, NEW).places(), wanted, "{whose} checked out");
        assert_quiet(repo);
    }
}

#[test]
fn a_file_whose_nodes_were_arranged_returns_byte_for_byte_once_a_person_moved_one() {
    let (_team, ann, ben) = Team::of_two();
    add_other(&ben);
    ben.git(["push", "-q", "--no-verify"]);
    ann.git(["pull", "-q"]);
    edit(&ann, NEW, |sheet| {
        sheet.put(SAMPLER, [5000, 5050]).steps(21);
    });
    let saved = ann.text(NEW);
    ann.git(["commit", "-q", "-a", "-m", "moved one and edited"]);
    assert_eq!(ann.text(NEW), saved);
    anew(&ann, NEW);
    assert_eq!(ann.text(NEW), saved);
}

// Along history.

/// Branch `their` edited a value; `main` edited another one and moved the sampler.
fn moved_and_edited() -> Repo {
    let repo = Team::new().world.repo("ann");
    repo.comfy(["init", "-q"]);
    Sheet::new().write(&repo, FILE);
    repo.commit_all("base");
    repo.git(["checkout", "-q", "-b", "their"]);
    edit_and_commit(&repo, |sheet| {
        sheet.steps(33).set(NEGATIVE, 0, "fog");
    });
    repo.git(["checkout", "-q", "main"]);
    edit_and_commit(&repo, |sheet| {
        sheet.title(SAMPLER, "mine").put(SAMPLER, [1000, 1000]);
    });
    repo
}

#[track_caller]
fn has_both(repo: &Repo) {
    let text = repo.text(FILE);
    assert!(text.contains("\"fixed\",33") && text.contains("\"mine\""), "{text}");
    assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
    assert_lies(repo, FILE, PROMPT, [415, 186]);
}

#[test]
fn a_node_moved_on_one_side_lies_there_after_a_merge() {
    let repo = moved_and_edited();
    repo.git(["merge", "-q", "--no-edit", "their"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_on_the_other_side_lies_there_after_a_merge() {
    let repo = moved_and_edited();
    repo.git(["checkout", "-q", "their"]);
    repo.git(["merge", "-q", "--no-edit", "main"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_on_one_side_lies_there_after_a_rebase() {
    let repo = moved_and_edited();
    repo.git(["rebase", "-q", "their"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_on_the_other_side_lies_there_after_a_rebase() {
    let repo = moved_and_edited();
    repo.git(["checkout", "-q", "their"]);
    repo.git(["rebase", "-q", "main"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_in_a_commit_lies_there_after_a_cherry_pick() {
    let repo = moved_and_edited();
    repo.git(["checkout", "-q", "their"]);
    repo.git(["cherry-pick", "main"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_here_lies_there_after_a_cherry_pick_of_another_commit() {
    let repo = moved_and_edited();
    repo.git(["cherry-pick", "their"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_in_a_stash_lies_there_after_a_pop() {
    let repo = moved_and_edited();
    repo.git(["reset", "-q", "--soft", "HEAD~1"]);
    repo.git(["stash", "-q"]);
    repo.git(["merge", "-q", "--ff-only", "their"]);
    repo.git(["stash", "pop", "-q"]);
    let text = repo.text(FILE);
    assert!(text.contains("\"fixed\",33") && text.contains("\"mine\""), "{text}");
    assert_eq!(Sheet::read(&repo, FILE).place(SAMPLER), Some([1000.0, 1000.0]));
    repo.git(["commit", "-q", "-a", "-m", "popped"]);
    has_both(&repo);
}

#[test]
fn a_node_moved_in_a_stash_lies_there_after_an_apply_over_other_moves() {
    let repo = moved_and_edited();
    repo.git(["reset", "-q", "--soft", "HEAD~1"]);
    repo.git(["stash", "-q"]);
    repo.git(["merge", "-q", "--ff-only", "their"]);
    edit_and_commit(&repo, |sheet| {
        sheet.put(LATENT, [600, 1600]);
    });
    repo.git(["stash", "apply", "-q"]);
    let here = Sheet::read(&repo, FILE);
    assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]), "{}", here.told());
    assert_eq!(here.place(LATENT), Some([600.0, 1600.0]), "{}", here.told());
}

#[test]
fn a_node_moved_since_lies_there_after_a_revert() {
    let repo = moved_and_edited();
    edit_and_commit(&repo, |sheet| {
        sheet.put(LATENT, [600, 1600]);
    });
    repo.git(["revert", "--no-edit", "HEAD~1"]);
    assert!(!repo.text(FILE).contains("\"mine\""), "the title is reverted");
    assert_lies(&repo, FILE, LATENT, [600, 1600]);
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_drag_in_no_commit_lies_there_after_a_revert() {
    let repo = moved_and_edited();
    edit(&repo, FILE, |sheet| {
        sheet.put(LATENT, [600, 900]);
    });
    repo.git(["revert", "--no-edit", "HEAD"]);
    assert_lies(&repo, FILE, LATENT, [600, 900]);
}

#[test]
fn a_node_moved_here_lies_there_after_a_mailed_patch_was_applied() {
    let repo = moved_and_edited();
    repo.git(["checkout", "-q", "-b", "mailed", "main~1"]);
    edit_and_commit(&repo, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    repo.git(["format-patch", "-q", "-1", "-o", "../patches"]);
    repo.git(["checkout", "-q", "main"]);
    repo.git(["am", "-q", "../patches/0001-edited.patch"]);
    assert!(repo.text(FILE).contains("fog"));
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
    repo.git(["reset", "-q", "--hard", "HEAD~1"]);
    repo.git(["apply", "../patches/0001-edited.patch"]);
    let here = Sheet::read(&repo, FILE);
    assert!(repo.text(FILE).contains("fog"));
    assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]), "{}", here.told());
}

/// A file that keeps its size is one that git looks into before it calls it changed.
#[test]
fn a_drag_in_no_commit_lies_there_after_a_fast_forward() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33);
    });
    ann.git(["push", "-q"]);
    edit(&ben, FILE, |sheet| {
        sheet.put(SAMPLER, [950, 950]);
    });
    ben.git(["pull", "-q", "--ff-only"]);
    assert!(ben.text(FILE).contains("\"fixed\",33"));
    assert_lies(&ben, FILE, SAMPLER, [950, 950]);
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_lies(&ann, FILE, SAMPLER, [950, 950]);
}

#[test]
fn a_drag_in_no_commit_lies_there_after_a_fast_forward_to_a_branch() {
    let repo = moved_and_edited();
    repo.git(["checkout", "-q", "-b", "behind", "main~1"]);
    edit(&repo, FILE, |sheet| {
        sheet.put(LATENT, [600, 900]);
    });
    repo.git(["merge", "-q", "--ff-only", "main"]);
    assert_lies(&repo, FILE, LATENT, [600, 900]);
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn a_drag_in_no_commit_lies_there_after_a_pull_that_rebases() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    edit(&ben, FILE, |sheet| {
        sheet.put(SAMPLER, [950, 950]);
    });
    ben.git(["pull", "-q", "--rebase"]);
    assert!(ben.text(FILE).contains("\"fixed\",33"));
    assert_lies(&ben, FILE, SAMPLER, [950, 950]);
}

/// Theirs moved the same node later, but this drag is what the person looks at now.
#[test]
fn a_drag_that_is_in_no_note_yet_is_not_taken_away_by_a_pull() {
    let (_team, ann, ben) = Team::of_two();
    edit(&ben, FILE, |sheet| {
        sheet.put(SAMPLER, [950, 950]);
    });
    ben.git(["status"]);
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33).put(SAMPLER, [-700, -700]);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_lies(&ben, FILE, SAMPLER, [950, 950]);
    ben.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_lies(&ann, FILE, SAMPLER, [950, 950]);
}

/// `their` did what `main` did, too: the result is our content.
#[track_caller]
fn to_own_content(command: &[&str]) {
    let repo = Team::new().world.repo("ann");
    repo.comfy(["init", "-q"]);
    Sheet::new().write(&repo, FILE);
    repo.commit_all("base");
    repo.git(["checkout", "-q", "-b", "their"]);
    edit_and_commit(&repo, |sheet| {
        sheet.steps(33);
    });
    repo.git(["checkout", "-q", "main"]);
    edit_and_commit(&repo, |sheet| {
        sheet.title(SAMPLER, "mine").steps(33).put(SAMPLER, [1000, 1000]);
    });
    let truth = edit_and_commit(&repo, |sheet| {
        sheet.put(SAMPLER, [2000, 2000]);
    });
    repo.git(command);
    assert_is(&repo, FILE, &truth);
}

#[test]
fn a_merge_to_our_own_content_moves_nothing() {
    to_own_content(&["merge", "-q", "--no-edit", "their"]);
}

#[test]
fn a_rebase_to_our_own_content_moves_nothing() {
    to_own_content(&["rebase", "-q", "their"]);
}

#[test]
fn a_merge_to_an_older_content_leaves_nodes_where_they_lie() {
    let repo = Team::new().world.repo("ann");
    repo.comfy(["init", "-q"]);
    Sheet::new().write(&repo, FILE);
    repo.commit_all("base");
    edit_and_commit(&repo, |sheet| {
        sheet.steps(33);
    });
    repo.git(["checkout", "-q", "-b", "their"]);
    repo.git(["revert", "--no-edit", "HEAD"]);
    repo.git(["checkout", "-q", "main"]);
    edit_and_commit(&repo, |sheet| {
        sheet.put(SAMPLER, [2000, 2000]);
    });
    repo.git(["merge", "-q", "--no-edit", "--no-ff", "their"]);
    assert!(repo.text(FILE).contains("\"fixed\",20"));
    assert_lies(&repo, FILE, SAMPLER, [2000, 2000]);
}

#[test]
fn each_side_moved_another_node_and_both_lie_where_they_were_put() {
    for pull in [["pull", "-q", "--no-rebase", "--no-edit"], ["pull", "-q", "--rebase", "-q"]] {
        let (team, ann, ben) = Team::of_two();
        edit_and_commit(&ann, |sheet| {
            sheet.steps(33).put(SAMPLER, [1000, 1000]);
        });
        ann.git(["push", "-q"]);
        edit_and_commit(&ben, |sheet| {
            sheet.set(NEGATIVE, 0, "fog").put(LATENT, [600, 1600]);
        });
        ben.git(pull);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q"]);
        for repo in [&ann, &ben, &team.member("carl")] {
            assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
            assert_lies(repo, FILE, LATENT, [600, 1600]);
            assert_lies(repo, FILE, LOADER, [26, 474]);
        }
    }
}

#[test]
fn each_side_only_moved_another_node_and_both_lie_where_they_were_put() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.git(["push", "-q"]);
    edit_and_commit(&ben, |sheet| {
        sheet.put(LATENT, [600, 1600]);
    });
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &ben, &team.member("carl")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LATENT, [600, 1600]);
    }
}

/// The later of two moves, whoever merges.
#[track_caller]
fn the_later_wins(ann_is_later: bool, content: bool) {
    let (team, ann, ben) = Team::of_two();
    let by_ann = || {
        edit_and_commit(&ann, |sheet| {
            sheet.steps(if content { 33 } else { 20 }).put(SAMPLER, [1000, 1000]);
        });
    };
    if !ann_is_later {
        by_ann();
    }
    edit_and_commit(&ben, |sheet| {
        let text = if content { "fog" } else { "text, watermark" };
        sheet.set(NEGATIVE, 0, text).put(SAMPLER, [2000, 2000]);
    });
    if ann_is_later {
        by_ann();
    }
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    let wanted = if ann_is_later { [1000, 1000] } else { [2000, 2000] };
    for repo in [&ann, &ben, &team.member("carl")] {
        assert_lies(repo, FILE, SAMPLER, wanted);
    }
}

#[test]
fn of_two_moves_of_one_node_the_later_wins_in_a_merge_of_edits() {
    the_later_wins(true, true);
    the_later_wins(false, true);
}

#[test]
fn of_two_moves_of_one_node_the_later_wins_where_content_is_the_same() {
    the_later_wins(true, false);
    the_later_wins(false, false);
}

#[test]
fn a_checkout_shows_the_layout_of_its_own_state_and_the_way_back_the_drag() {
    let repo = moved_and_edited();
    edit(&repo, FILE, |sheet| {
        sheet.put(LATENT, [600, 900]);
    });
    repo.git(["checkout", "-q", "their"]);
    assert_lies(&repo, FILE, SAMPLER, [863, 186]);
    assert_lies(&repo, FILE, LATENT, [473, 609]);
    repo.git(["checkout", "-q", "main"]);
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&repo, FILE, LATENT, [600, 900]);
}

#[test]
fn a_drag_comes_along_and_is_still_there_after_a_look_at_another_branch() {
    let repo = moved_and_edited();
    repo.git(["checkout", "-q", "-b", "behind", "main~1"]);
    edit(&repo, FILE, |sheet| {
        sheet.put(LATENT, [600, 900]);
    });
    repo.git(["merge", "-q", "--ff-only", "main"]);
    repo.git(["checkout", "-q", "their"]);
    repo.git(["checkout", "-q", "behind"]);
    assert_lies(&repo, FILE, LATENT, [600, 900]);
}

#[test]
fn a_node_that_is_set_back_by_hand_is_moved() {
    let (_team, ann, ben) = Team::of_two();
    for at in [[1000, 1000], [863, 186]] {
        edit_and_commit(&ann, |sheet| {
            sheet.put(SAMPLER, at);
        });
        assert_lies(&ann, FILE, SAMPLER, at);
        ann.git(["push", "-q"]);
        ben.git(["pull", "-q"]);
        assert_lies(&ben, FILE, SAMPLER, at);
    }
}

#[test]
fn positions_are_there_after_an_octopus() {
    let repo = three_branches();
    repo.git(["merge", "-q", "--no-edit", "a", "b", "c"]);
    laid_out_past_the_filter(&repo);
    assert_lies(&repo, FILE, LATENT, [700, 900]);
}

#[test]
fn positions_are_there_after_a_merge_with_another_strategy() {
    let repo = three_branches();
    repo.git(["merge", "-q", "--no-edit", "-s", "resolve", "b"]);
    laid_out_past_the_filter(&repo);
    assert_lies(&repo, FILE, LATENT, [700, 900]);
}

/// Four branches, each with an edit of its own; `main` and `b` also moved a node.
fn three_branches() -> Repo {
    let repo = Team::new().world.repo("ann");
    repo.comfy(["init", "-q"]);
    Sheet::new().write(&repo, FILE);
    repo.commit_all("base");
    let branch = |name: &str, change: &dyn Fn(&mut Sheet)| {
        repo.git(["checkout", "-q", "-b", name, "main"]);
        edit_and_commit(&repo, change);
        repo.git(["checkout", "-q", "main"]);
    };
    branch("a", &|sheet| {
        sheet.steps(33);
    });
    branch("b", &|sheet| {
        sheet.set(LATENT, 0, 768).put(LATENT, [700, 900]);
    });
    branch("c", &|sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    edit_and_commit(&repo, |sheet| {
        sheet.set(LOADER, 0, "xl.safetensors").put(SAMPLER, [1000, 1000]);
    });
    repo
}

#[track_caller]
fn laid_out_past_the_filter(repo: &Repo) {
    let here = Sheet::read(repo, FILE);
    assert_eq!(here.places().len(), 6, "as it lies: {}", here.told());
    assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]), "{}", here.told());
    assert_quiet(repo);
    edit_and_commit(repo, |sheet| {
        sheet.set(PROMPT, 0, "an owl");
    });
    assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
    assert_lies(repo, FILE, PROMPT, [415, 186]);
}

// Layouts alone.

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
            assert!(apart < 0.01, "{whose}: {id} at {here_x},{here_y} for {x},{y}: {sheet:?}");
        }
    }
    assert_quiet(repo);
}

#[test]
fn a_mere_save_in_the_other_renderer_moves_nothing() {
    for content in [false, true] {
        let (team, ann, ben) = Team::of_two();
        let mut wanted = edit_and_commit(&ann, |sheet| {
            sheet.put(LOADER, [-500, 474]);
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
    let (team, ann, ben) = Team::of_two();
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

// Clones, clocks, older versions.

/// A clone and its copy, made by copying the folder.
fn copied() -> (Team, Repo, Repo) {
    let team = Team::new();
    let ann = team.founder("ann", &Sheet::new());
    edit_and_commit(&ann, |sheet| {
        sheet.put(LOADER, [-100, 474]);
    });
    ann.git(["push", "-q"]);
    let mut copy = team.world.command("cp");
    copy.arg("-R").arg(&ann.path).arg(team.world.path("twin"));
    assert!(copy.status().unwrap().success());
    let twin = team.world.at("twin");
    (team, ann, twin)
}

#[cfg(unix)]
#[test]
fn a_copied_clone_and_its_original_may_both_move_nodes() {
    let (team, ann, twin) = copied();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]).put(DECODE, [1111, 1111]);
    });
    edit_and_commit(&twin, |sheet| {
        sheet.put(LATENT, [600, 1600]).put(DECODE, [2222, 2222]);
    });
    ann.git(["push", "-q"]);
    twin.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    twin.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    for repo in [&ann, &twin, &team.member("carl")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LATENT, [600, 1600]);
        assert_lies(repo, FILE, DECODE, [2222, 2222]);
        assert_lies(repo, FILE, LOADER, [-100, 474]);
    }
}

/// The layout lines of a blob's note.
fn lines(repo: &Repo, revision: &str) -> Vec<Value> {
    let note = repo.git(["notes", "--ref=comfy-layout", "show", &repo.id(revision)]);
    note.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Replaces the note about a revision of the file.
fn replace_note(repo: &Repo, revision: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    repo.write("../note", text);
    let blob = repo.id(revision);
    repo.git(["notes", "--ref=comfy-layout", "add", "-f", "-F", "../note", &blob]);
}

const YEAR: u64 = 365 * 24 * 3600 * 1000;

/// Turns every time in it, in milliseconds since 1970, forward by a year.
fn a_year_ahead(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(at) = number.as_u64().filter(|at| (1 << 40..1 << 42).contains(at)) {
                *value = json!(at + YEAR);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(a_year_ahead),
        Value::Object(members) => members.values_mut().for_each(a_year_ahead),
        _ => {}
    }
}

fn put_in_line(line: &mut Value, id: u64, at: [i64; 2]) {
    let list = &mut line["layout"]["graphs"][""]["nodes"];
    let items = if list.is_array() { list } else { &mut list["#items"] };
    let items = items.as_array_mut().unwrap_or_else(|| panic!("no list of nodes in the layout"));
    let node = items.iter_mut().find(|node| node["id"] == json!(id)).unwrap();
    node["pos"] = json!(at);
}

#[test]
fn a_layout_of_a_clock_that_ran_ahead_does_not_keep_later_moves_out() {
    for everywhere in [false, true] {
        let team = Team::new();
        let ann = team.founder("ann", &Sheet::new());
        let mut noted = lines(&ann, "HEAD:w.json");
        for line in &mut noted {
            if everywhere {
                a_year_ahead(line);
            } else {
                let at = line["at"].as_u64().unwrap();
                line["at"] = json!(at + YEAR);
            }
            put_in_line(line, SAMPLER, [999, 999]);
        }
        replace_note(&ann, "HEAD:w.json", &noted);
        ann.git(["push", "-q", "-f", "origin", LAYOUTS]);
        edit_and_commit(&ann, |sheet| {
            sheet.put(SAMPLER, [222, 222]);
        });
        edit_and_commit(&ann, |sheet| {
            sheet.put(SAMPLER, [333, 333]);
        });
        ann.git(["push", "-q"]);
        ann.git(["fetch", "-q"]);
        ann.comfy(["sync"]);
        assert_lies(&ann, FILE, SAMPLER, [333, 333]);
        assert_lies(&team.member("carl"), FILE, SAMPLER, [333, 333]);
    }
}

#[test]
fn whoever_saw_a_clock_that_ran_ahead_moves_after_it() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, [999, 999]);
    });
    let mut noted = lines(&ben, "HEAD:w.json");
    noted.iter_mut().for_each(a_year_ahead);
    replace_note(&ben, "HEAD:w.json", &noted);
    ben.git(["push", "-q"]);
    ann.git(["pull", "-q"]);
    assert_lies(&ann, FILE, SAMPLER, [999, 999]);
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [222, 222]);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    assert_lies(&ben, FILE, SAMPLER, [222, 222]);
    assert_lies(&ann, FILE, SAMPLER, [222, 222]);
}

/// Takes out what version 0.1.0 did not write.
fn without_clocks(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|key, _| !["saved", "#moved"].contains(&key.as_str()));
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(without_clocks),
        Value::Array(elements) => elements.iter_mut().for_each(without_clocks),
        _ => {}
    }
}

/// The note of somebody's version 0.1.0 about the file, a year ahead, on the remote.
fn old_note(team: &Team) {
    let old = team.outsider("old");
    old.git(["fetch", "-q", "origin", &format!("{LAYOUTS}:{LAYOUTS}")]);
    let mut noted = lines(&old, "HEAD:w.json");
    for line in &mut noted {
        without_clocks(line);
        let at = line["at"].as_u64().unwrap();
        line["at"] = json!(at + YEAR);
        put_in_line(line, SAMPLER, [111, 111]);
        put_in_line(line, LATENT, [222, 2222]);
    }
    replace_note(&old, "HEAD:w.json", &noted);
    old.git(["push", "-q", "origin", LAYOUTS]);
}

#[test]
fn a_layout_of_version_0_1_0_is_followed_where_nothing_better_is_known() {
    let (team, _ann, _ben) = Team::of_two();
    old_note(&team);
    // All that is left in the world is the old note: nobody else's can be fetched.
    let carl = team.member("carl");
    let mut wanted = Sheet::new();
    wanted.put(SAMPLER, [111, 111]).put(LATENT, [222, 2222]);
    assert_is(&carl, FILE, &wanted);
    // A move on top of it counts.
    edit_and_commit(&carl, |sheet| {
        sheet.put(SAMPLER, [333, 333]);
    });
    carl.git(["push", "-q"]);
    let dora = team.member("dora");
    assert_lies(&dora, FILE, SAMPLER, [333, 333]);
    assert_lies(&dora, FILE, LATENT, [222, 2222]);
}

#[test]
fn a_layout_of_version_0_1_0_never_outranks_a_move_with_a_clock() {
    let (team, ann, _ben) = Team::of_two();
    let mine = edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    old_note(&team);
    ann.comfy(["sync"]);
    assert_is(&ann, FILE, &mine);
    ann.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    ann.git(["push", "-q"]);
    assert_is(&ann, FILE, &mine);
    assert_is(&team.member("carl"), FILE, &mine);
}

// What only looks.

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
        sheet.put(DECODE, [3000, 3000]);
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

// What was arranged is remembered.

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

// More of what happens along history.

/// Ben's tab was open before a command of git that wrote the file more than once.
#[track_caller]
fn stale_after(pull: &[&str]) {
    let (_team, ann, ben) = Team::of_two();
    for at in [[1000, 1000], [1100, 1100]] {
        edit_and_commit(&ann, |sheet| {
            sheet.steps(at[0] as u64).put(SAMPLER, at);
        });
    }
    ann.git(["push", "-q"]);
    for text in ["fog", "rain"] {
        edit_and_commit(&ben, |sheet| {
            sheet.set(NEGATIVE, 0, text).put(LATENT, [600, 1600]);
        });
    }
    let tab = Sheet::read(&ben, FILE);
    ben.git(pull);
    assert_lies(&ben, FILE, SAMPLER, [1100, 1100]);
    let mut stale = tab;
    stale.set(PROMPT, 0, "an owl").put(DECODE, [2222, 2222]);
    stale.write(&ben, FILE);
    ben.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
    let after = anew(&ben, FILE);
    assert_eq!(after.place(SAMPLER), Some([1100.0, 1100.0]), "{}", after.told());
    assert_eq!(after.place(LATENT), Some([600.0, 1600.0]), "{}", after.told());
    assert_eq!(after.place(DECODE), Some([2222.0, 2222.0]), "{}", after.told());
}

#[test]
fn a_stale_tab_from_before_a_rebase_moves_nothing() {
    stale_after(&["pull", "-q", "--rebase"]);
}

#[test]
fn a_stale_tab_from_before_a_merge_moves_nothing() {
    stale_after(&["pull", "-q", "--no-rebase", "--no-edit"]);
}

#[test]
fn a_drag_and_an_edit_are_there_after_a_pull_that_stashes_by_itself() {
    for how in [["--rebase", "--autostash"], ["--no-rebase", "--autostash"]] {
        let (_team, ann, ben) = Team::of_two();
        edit_and_commit(&ann, |sheet| {
            sheet.steps(33).put(DECODE, [2222, 2222]);
        });
        ann.git(["push", "-q"]);
        edit(&ben, FILE, |sheet| {
            sheet.set(NEGATIVE, 0, "fog").put(SAMPLER, [1000, 1000]);
        });
        ben.git(["pull", "-q"].iter().chain(&how));
        let here = Sheet::read(&ben, FILE);
        assert!(ben.text(FILE).contains("\"fixed\",33") && ben.text(FILE).contains("fog"));
        assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]), "{how:?}: {}", here.told());
        assert_eq!(here.place(DECODE), Some([2222.0, 2222.0]), "{how:?}: {}", here.told());
        ben.git(["commit", "-q", "-a", "-m", "mine"]);
        assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
        assert_lies(&ben, FILE, DECODE, [2222, 2222]);
    }
}

#[test]
fn a_look_through_history_leaves_everything_where_it_lies() {
    let repo = moved_and_edited();
    edit_and_commit(&repo, |sheet| {
        sheet.set(PROMPT, 0, "an owl").put(LATENT, [600, 1600]);
    });
    let truth = edit(&repo, FILE, |sheet| {
        sheet.put(DECODE, [1300, 300]);
    });
    repo.git(["add", FILE]);
    repo.git(["bisect", "start"]);
    repo.git(["bisect", "bad"]);
    repo.git(["bisect", "good", "HEAD~2"]);
    repo.git(["bisect", "reset"]);
    assert_is(&repo, FILE, &truth);
    repo.git(["switch", "-q", "--detach", "HEAD~2"]);
    assert_lies(&repo, FILE, SAMPLER, [863, 186]);
    repo.git(["switch", "-q", "main"]);
    assert_is(&repo, FILE, &truth);
    repo.git(["checkout", "-q", "HEAD~2", "--", FILE]);
    assert_eq!(Sheet::read(&repo, FILE).place(SAMPLER), Some([863.0, 186.0]));
    repo.git(["checkout", "-q", "HEAD", "--", FILE]);
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
}

#[test]
fn commits_that_each_moved_a_node_keep_their_moves_through_a_rebase() {
    let repo = moved_and_edited();
    for (id, at) in [(LATENT, [600, 1600]), (LOADER, [-700, 7]), (DECODE, [2222, 2222])] {
        edit_and_commit(&repo, |sheet| {
            sheet.title(id, "moved").put(id, at);
        });
    }
    repo.git(["rebase", "-q", "their"]);
    has_both(&repo);
    assert_lies(&repo, FILE, LATENT, [600, 1600]);
    assert_lies(&repo, FILE, LOADER, [-700, 7]);
    assert_lies(&repo, FILE, DECODE, [2222, 2222]);
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

#[test]
fn a_pull_of_a_named_branch_that_merges_shows_their_moves_in_a_file_that_both_edited() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ben, |sheet| {
        sheet.steps(33).put(SAMPLER, [1000, 1000]);
    });
    ben.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.set(NEGATIVE, 0, "fog").put(LATENT, [600, 1600]);
    });
    ann.git(["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
    assert_lies(&ann, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&ann, FILE, LATENT, [600, 1600]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    for repo in [&ben, &team.member("carl")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LATENT, [600, 1600]);
    }
}

/// git has no reason to write the file: only one side changed its content.
#[test]
fn a_node_that_they_only_dragged_lies_there_after_a_merge_with_our_edit() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ben.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.set(NEGATIVE, 0, "fog").put(LATENT, [600, 1600]);
    });
    ann.git(["pull", "-q", "--no-rebase", "--no-edit"]);
    assert_lies(&ann, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&ann, FILE, LATENT, [600, 1600]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    for repo in [&ben, &team.member("carl")] {
        assert_lies(repo, FILE, SAMPLER, [1000, 1000]);
        assert_lies(repo, FILE, LATENT, [600, 1600]);
    }
}

// Notes.

/// What plain git makes of two clones' notes is their join.
#[test]
fn several_lines_about_one_file_are_joined() {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    edit_and_commit(&ben, |sheet| {
        sheet.put(LATENT, [600, 1600]);
    });
    ann.git(["push", "-q"]);
    ben.git(["fetch", "-q", "origin", &format!("{LAYOUTS}:refs/notes/theirs")]);
    ben.git(["notes", "--ref=comfy-layout", "merge", "-q", "-s", "cat_sort_uniq", "theirs"]);
    assert_eq!(lines(&ben, "HEAD:w.json").len(), 2);
    let here = anew(&ben, FILE);
    assert_eq!(here.place(SAMPLER), Some([1000.0, 1000.0]), "{}", here.told());
    assert_eq!(here.place(LATENT), Some([600.0, 1600.0]), "{}", here.told());
    ben.git(["push", "-q", "--no-verify", "origin", &format!("+{LAYOUTS}:{LAYOUTS}")]);
    let carl = team.member("carl");
    assert_lies(&carl, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&carl, FILE, LATENT, [600, 1600]);
}

#[test]
fn a_note_is_read_by_version_0_1_0_and_is_hardly_longer_for_its_clocks() {
    let (_team, ann, _ben) = Team::of_two();
    for (id, at) in [(LATENT, [600, 1600]), (LOADER, [-700, 7]), (DECODE, [2222, 2222])] {
        edit_and_commit(&ann, |sheet| {
            sheet.put(id, at);
        });
    }
    let noted = lines(&ann, "HEAD:w.json");
    assert_eq!(noted.len(), 1);
    let line = &noted[0];
    assert!(line["at"].is_u64() && line["path"] == "w.json", "{line}");
    assert!(line["layout"]["v"] == 1 && line["layout"]["graphs"][""].is_object(), "{line}");
    let mut without = line.clone();
    without_clocks(&mut without);
    let (with, without) = (line.to_string().len(), without.to_string().len());
    assert!(with * 10 <= without * 11, "{with} bytes for {without}: {line}");
}

#[test]
fn a_push_sees_to_it_that_layouts_come_from_a_remote_that_was_added_late() {
    let team = Team::new();
    let ann = team.world.repo("ann");
    ann.comfy(["init", "-q"]);
    Sheet::new().write(&ann, FILE);
    ann.commit_all("first");
    ann.git(["remote", "add", "late", team.address()]);
    ann.git(["push", "-q", "late", "main"]);
    let fetched = ann.git(["config", "--get-all", "remote.late.fetch"]);
    assert!(fetched.contains("refs/notes/comfy*"), "{fetched}");
}
