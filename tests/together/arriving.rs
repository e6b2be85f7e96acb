//! However content comes, its layouts come with it, and what is made up until then never
//! counts.

use super::sheet::{FILE, PROMPT, SAMPLER, Sheet};
use super::team::{
    NEW, Team, add_other, anew, assert_is, assert_lies, assert_quiet, edit, edit_and_commit,
    has_note,
};
use crate::support::Repo;

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

/// What was moved here comes along into content that comes by a named branch, whose layout is
/// asked for afterwards; and it is kept with that content.
#[track_caller]
fn own_drag_stays(pull: &[&str]) {
    let (team, ann, ben) = Team::of_two();
    edit_and_commit(&ben, |sheet| {
        sheet.put(SAMPLER, [1313, 99]).set(PROMPT, 0, "an owl at night");
    });
    ben.git(["push", "-q"]);
    edit_and_commit(&ann, |sheet| {
        sheet.put(PROMPT, [-1700, 44]);
    });
    ann.git(pull);
    ann.git(["push", "-q", "origin", "main"]);
    // Another state takes its place, and nothing comes along out of it.
    ann.git(["checkout", "-q", "HEAD~1"]);
    ann.git(["rm", "-q", FILE]);
    ann.git(["commit", "-q", "-m", "without"]);
    ann.git(["checkout", "-q", "main"]);
    for repo in [&ann, &team.member("carl")] {
        assert_lies(repo, FILE, PROMPT, [-1700, 44]);
        assert_lies(repo, FILE, SAMPLER, [1313, 99]);
    }
}

#[test]
fn a_drag_stays_with_content_that_comes_before_its_layout() {
    own_drag_stays(&["pull", "-q", "--rebase", "origin", "main"]);
    own_drag_stays(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
}

/// Carl drags a node in a content that Ann goes on from; what she sends has his drag in it, also
/// where nobody has seen her content before.
#[test]
fn a_drag_of_an_older_content_is_sent_with_the_newer_one() {
    for command in [&["push", "-q", "origin", "main"][..], &["comfy", "sync", "-q"]] {
        let (team, ann, carl) = Team::of_two();
        edit(&carl, FILE, |sheet| {
            sheet.put(SAMPLER, [1313, 99]);
        });
        carl.git(["add", "-A"]);
        carl.comfy(["sync"]);
        edit_and_commit(&ann, |mine| {
            mine.set(PROMPT, 0, "an owl at night");
        });
        ann.git(["fetch", "-q"]);
        ann.git(command);
        ann.git(["push", "-q", "--no-verify", "origin", "main"]);
        assert_lies(&ann, FILE, SAMPLER, [1313, 99]);
        assert_lies(&team.member("dan"), FILE, SAMPLER, [1313, 99]);
    }
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

#[test]
fn layouts_of_a_pull_into_a_repository_without_commits_come_with_the_next_look() {
    let (team, ann, ben) = Team::of_two();
    let theirs = add_other(&ben);
    ben.git(["push", "-q"]);
    for command in ["status", "refresh"] {
        let late = team.world.repo(&format!("late-{command}"));
        late.comfy(["init", "-q"]);
        let _ = std::fs::remove_file(late.path.join(".gitattributes"));
        late.git(["pull", "-q", team.address(), "main"]);
        late.comfy([command]);
        assert_is(&late, NEW, &theirs);
    }
    drop(ann);
}

#[test]
fn a_layout_alone_comes_with_the_next_look_after_a_pull_of_a_named_branch() {
    let (_team, ann, ben) = Team::of_two();
    for (command, place) in [("status", 900), ("refresh", 800)] {
        edit(&ben, FILE, |sheet| {
            sheet.put(SAMPLER, [place, 1000]);
        });
        ben.git(["add", "."]);
        ben.git(["push", "-q"]);
        ann.git(["pull", "-q", "origin", "main"]);
        ann.comfy([command]);
        assert_lies(&ann, FILE, SAMPLER, [place, 1000]);
    }
}
