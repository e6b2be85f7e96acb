//! Where nodes lie when git brings other content into a file, whatever the command.

use super::sheet::{DECODE, FILE, LATENT, LOADER, NEGATIVE, PROMPT, SAMPLER, Sheet};
use super::team::{Team, anew, assert_is, assert_lies, assert_quiet, edit, edit_and_commit};
use crate::support::Repo;

/// A pull had nothing to check out, so that nobody has seen yet what Ben moved.
#[test]
fn an_undo_does_not_take_back_what_nobody_has_seen() {
    let (_team, ann, ben) = Team::of_two();
    edit(&ben, FILE, |sheet| {
        sheet.put(SAMPLER, [1313, 99]);
    });
    ben.git(["add", "-A"]);
    ben.git(["push", "-q", "origin", "main"]);
    ann.git(["pull", "-q"]);
    let refused = ann.try_git(["comfy", "layout", "undo", FILE]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("others moved"), "{told}");
    assert_lies(&ann, FILE, SAMPLER, [1313, 99]);
    ann.comfy(["layout", "undo", FILE]);
    assert_lies(&ann, FILE, SAMPLER, [863, 186]);
}

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
    repo.git(["am", "-q", "../patches/0001-edited-by-ann.patch"]);
    assert!(repo.text(FILE).contains("fog"));
    assert_lies(&repo, FILE, SAMPLER, [1000, 1000]);
    repo.git(["reset", "-q", "--hard", "HEAD~1"]);
    repo.git(["apply", "../patches/0001-edited-by-ann.patch"]);
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
fn a_stale_tab_from_before_a_rebase_of_many_commits_moves_nothing() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33).put(SAMPLER, [1000, 1000]);
    });
    ann.git(["push", "-q"]);
    for number in 0..12 {
        edit_and_commit(&ben, |sheet| {
            sheet.set(NEGATIVE, 0, format!("fog {number}"));
        });
    }
    let tab = Sheet::read(&ben, FILE);
    ben.git(["pull", "-q", "--rebase"]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
    let mut stale = tab;
    stale.set(PROMPT, 0, "an owl").put(DECODE, [2222, 2222]);
    stale.write(&ben, FILE);
    ben.git(["commit", "-q", "-a", "-m", "from a stale tab"]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
    assert_lies(&ben, FILE, DECODE, [2222, 2222]);
}

#[test]
fn a_node_that_is_younger_than_what_a_rebase_starts_from_lies_where_it_was_dragged_last() {
    let (_team, ann, ben) = Team::of_two();
    edit_and_commit(&ann, |sheet| {
        sheet.steps(33);
    });
    ann.git(["push", "-q"]);
    ben.git(["checkout", "-q", "-b", "side"]);
    edit_and_commit(&ben, |sheet| {
        sheet.add(20, [3000, 100], [200, 100]);
    });
    ben.git(["checkout", "-q", "main"]);
    edit_and_commit(&ben, |sheet| {
        sheet.set(NEGATIVE, 0, "fog");
    });
    ben.git(["merge", "-q", "--no-edit", "side"]);
    edit(&ben, FILE, |sheet| {
        sheet.put(20, [4000, 200]);
    });
    // The content in which it was dragged is in no commit that is picked.
    ben.git(["commit", "-q", "--allow-empty", "-a", "-m", "dragged"]);
    ben.git(["pull", "-q", "--rebase"]);
    assert_lies(&ben, FILE, 20, [4000, 200]);
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

#[test]
fn what_a_pull_did_is_undone_also_where_it_was_an_undo() {
    let (_team, ann, ben) = Team::of_two();
    let before = Sheet::read(&ann, FILE).place(SAMPLER).unwrap().map(|number| number as i64);
    edit_and_commit(&ann, |sheet| {
        sheet.put(SAMPLER, [1000, 1000]);
    });
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.comfy(["status"]);
    ann.comfy(["layout", "undo", FILE]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    ben.comfy(["status"]);
    assert_lies(&ben, FILE, SAMPLER, before);
    ben.comfy(["layout", "undo", FILE]);
    assert_lies(&ben, FILE, SAMPLER, [1000, 1000]);
}
