//! Layouts are never lost: whatever git does to the work tree, nodes come back to where
//! they were put last.

use std::path::Path;

use crate::support::{Format, Repo, World, workflow};

const NOTES: &str = "--ref=comfy-layout";

/// A repository with filter and hooks as `git comfy init` makes them, by hand.
fn fresh(format: Format) -> Repo {
    let repo = Repo::with(format);
    repo.use_filter();
    repo.use_hooks();
    repo
}

fn pending(repo: &Repo) -> bool {
    repo.common_dir().join("comfy/layouts").exists()
}

#[track_caller]
fn assert_is(repo: &Repo, path: &str, steps: u32, shift: i32) {
    assert_eq!(repo.text(path), workflow(steps, shift), "{path}");
}

#[test]
fn a_commit_moves_its_layouts_into_one_notes_commit() {
    for format in Format::all() {
        let repo = fresh(format);
        repo.write("a.json", workflow(1, 10));
        repo.write("b.json", workflow(2, 20));
        repo.write("later.json", workflow(3, 30));
        repo.git(["add", "."]);
        assert!(pending(&repo));
        repo.git(["commit", "-q", "-m", "two", "a.json", "b.json"]);
        let log = repo.git(["log", "--format=%s|%an <%ae>", "refs/notes/comfy-layout"]);
        assert_eq!(
            log, "chore(comfy): keep the layouts of 2 workflows|A Person <person@example.com>\n",
            "{format:?}"
        );
        let note = repo.git(["notes", NOTES, "show", &repo.id("HEAD:a.json")]);
        assert!(note.starts_with("{\"at\":") && note.contains("\"path\":\"a.json\""), "{note}");
        assert_eq!(note.lines().count(), 1);
        assert!(pending(&repo), "later.json is not committed");
        repo.git(["commit", "-q", "-m", "later"]);
        assert!(!pending(&repo));
        assert_eq!(repo.git(["notes", NOTES, "list"]).lines().count(), 3);
        repo.git(["fsck", "--strict"]);
    }
}

#[test]
fn a_commit_without_workflows_leaves_the_notes_alone() {
    let repo = fresh(Format::Usual);
    repo.write("readme.txt", "x");
    repo.commit_all("text");
    assert!(
        !repo.try_git(["rev-parse", "--verify", "-q", "refs/notes/comfy-layout"]).status.success()
    );
    repo.write("a.json", workflow(1, 1));
    repo.commit_all("workflow");
    let notes = repo.id("refs/notes/comfy-layout");
    repo.write("readme.txt", "y");
    repo.commit_all("text again");
    assert_eq!(repo.id("refs/notes/comfy-layout"), notes);
}

#[test]
fn a_layout_of_content_that_is_committed_already_goes_along_with_the_next_commit() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 1));
    repo.commit_all("one");
    repo.write("a.json", workflow(1, 2));
    repo.git(["add", "a.json"]);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    repo.write("b.txt", "x");
    repo.commit_all("two");
    let note = repo.git(["notes", NOTES, "show", &repo.id("HEAD:a.json")]);
    assert_eq!(note.lines().count(), 1, "the newest of a path: {note}");
    assert!(!pending(&repo));
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "--", "a.json"]);
    assert_is(&repo, "a.json", 1, 2);
}

#[test]
fn the_same_layout_again_makes_no_new_notes() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 1));
    repo.commit_all("one");
    let notes = repo.id("refs/notes/comfy-layout");
    repo.write("a.json", workflow(1, 1));
    repo.git(["add", "--renormalize", "a.json"]);
    repo.write("b.txt", "x");
    repo.commit_all("two");
    assert_eq!(repo.id("refs/notes/comfy-layout"), notes);
    assert!(!pending(&repo));
}

#[test]
fn positions_come_back_from_every_way_of_checking_out() {
    for format in Format::all() {
        let repo = fresh(format);
        repo.write("a.json", workflow(1, 10));
        repo.commit_all("main one");
        repo.git(["checkout", "-q", "-b", "side"]);
        repo.write("a.json", workflow(2, 20));
        repo.write("only-here.json", workflow(5, 50));
        repo.commit_all("side");
        repo.git(["checkout", "-q", "main"]);
        assert_is(&repo, "a.json", 1, 10);
        repo.git(["checkout", "-q", "side"]);
        assert_is(&repo, "a.json", 2, 20);
        assert_is(&repo, "only-here.json", 5, 50);

        // A file thrown away, and one reset.
        repo.write("a.json", "{}");
        repo.git(["checkout", "--", "a.json"]);
        assert_is(&repo, "a.json", 2, 20);
        repo.write("a.json", "{}");
        repo.git(["reset", "-q", "--hard", "main"]);
        assert_is(&repo, "a.json", 1, 10);
        repo.git(["reset", "-q", "--hard", "HEAD@{1}"]);
        assert_is(&repo, "a.json", 2, 20);

        // A second work tree.
        repo.git(["worktree", "add", "-q", "../tree", "main"]);
        let tree = repo.world.at("tree");
        assert_is(&tree, "a.json", 1, 10);
        tree.write("a.json", workflow(7, 70));
        tree.commit_all("in the other work tree");
        std::fs::remove_file(tree.path.join("a.json")).unwrap();
        tree.git(["checkout", "--", "a.json"]);
        assert_is(&tree, "a.json", 7, 70);
        assert!(!pending(&repo));
    }
}

#[test]
fn a_stash_keeps_positions_of_what_was_never_committed() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.commit_all("one");
    repo.write("a.json", workflow(2, 22));
    repo.write("new.json", workflow(9, 99));
    repo.git(["stash", "push", "-q", "-u"]);
    // The content goes back; the nodes stay where they were dragged, the view is the old one.
    let dragged = workflow(1, 22).replace(r#""offset":[22,0]"#, r#""offset":[10,0]"#);
    assert_eq!(repo.text("a.json"), dragged);
    // Life goes on in between.
    repo.write("other.json", workflow(3, 33));
    repo.commit_all("two");
    repo.git(["gc", "-q", "--prune=now"]);
    repo.git(["stash", "pop", "-q"]);
    assert_is(&repo, "a.json", 2, 22);
    assert_is(&repo, "new.json", 9, 99);
}

#[test]
fn a_stash_of_moved_nodes_does_not_put_them_back() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.write("b.txt", "x");
    repo.commit_all("one");
    repo.write("a.json", workflow(1, 11));
    repo.write("b.txt", "y");
    repo.git(["stash", "push", "-q"]);
    assert_is(&repo, "a.json", 1, 11);
    repo.git(["stash", "pop", "-q"]);
    assert_is(&repo, "a.json", 1, 11);
}

#[test]
fn a_rebase_and_a_cherry_pick_keep_positions() {
    for format in Format::all() {
        let repo = fresh(format);
        repo.write("base.json", workflow(1, 10));
        repo.commit_all("base");
        repo.git(["checkout", "-q", "-b", "side"]);
        for n in 2..5 {
            repo.write(format!("{n}.json"), workflow(n, n as i32 * 100));
            repo.commit_all(&format!("side {n}"));
        }
        repo.git(["checkout", "-q", "main"]);
        repo.write("base.json", workflow(8, 80));
        repo.commit_all("main moves on");
        repo.git(["checkout", "-q", "side"]);
        repo.git(["rebase", "-q", "main"]);
        assert_is(&repo, "base.json", 8, 80);
        for n in 2..5 {
            assert_is(&repo, &format!("{n}.json"), n, n as i32 * 100);
        }
        repo.git(["checkout", "-q", "main"]);
        repo.git(["cherry-pick", "side~1", "side"]);
        assert_is(&repo, "3.json", 3, 300);
        assert_is(&repo, "4.json", 4, 400);
        assert_eq!(repo.git(["status", "--porcelain"]), "");
    }
}

/// A rebase is one git command: one filter process sees commits being made meanwhile.
#[test]
fn what_a_rebase_commits_is_found_by_the_filter_that_runs_all_along() {
    let repo = fresh(Format::Usual);
    for n in 1..6 {
        repo.write("a.json", workflow(n, n as i32));
        repo.commit_all(&n.to_string());
    }
    let mut rebase = repo.command("git");
    rebase.args(["rebase", "-q", "-i", "--exec", "rm a.json && git checkout -- a.json", "--root"]);
    assert!(rebase.env("GIT_SEQUENCE_EDITOR", "true").status().unwrap().success());
    assert_is(&repo, "a.json", 5, 5);
}

#[test]
fn another_path_with_the_same_content_is_served() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.commit_all("one");
    repo.git(["mv", "a.json", "moved.json"]);
    repo.git(["commit", "-q", "-m", "moved"]);
    std::fs::remove_file(repo.path.join("moved.json")).unwrap();
    repo.git(["checkout", "--", "moved.json"]);
    assert_is(&repo, "moved.json", 1, 10);
}

#[test]
fn two_files_with_one_content_keep_their_own_positions() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.write("b.json", workflow(1, 20));
    repo.commit_all("twins");
    assert_eq!(repo.id("HEAD:a.json"), repo.id("HEAD:b.json"));
    for path in ["a.json", "b.json"] {
        std::fs::remove_file(repo.path.join(path)).unwrap();
    }
    repo.git(["checkout", "--", "."]);
    assert_is(&repo, "a.json", 1, 10);
    assert_is(&repo, "b.json", 1, 20);
}

#[test]
fn content_that_nobody_laid_out_takes_the_newest_layout_of_its_path() {
    for format in Format::all() {
        let repo = fresh(format);
        repo.write("a.json", workflow(1, 10));
        repo.commit_all("one");
        repo.write("a.json", workflow(2, 4000));
        repo.commit_all("two");
        // Somebody without git-comfy commits other content.
        let clean = String::from_utf8(repo.blob("HEAD:a.json")).unwrap();
        repo.git(["config", "filter.comfy.required", "false"]);
        let mut git = repo.command("git");
        repo.write("a.json", clean.replacen("\"normal\"", "\"karras\"", 1));
        git.args(["commit", "-q", "-a", "-m", "three"]).env("GIT_COMFY", "0");
        assert!(git.status().unwrap().success());
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "--", "a.json"]);
        let text = repo.text("a.json");
        assert!(text.contains("karras"), "{text}");
        // 863 + 4000: the sampler, where it stood last.
        assert!(text.contains("4863"), "{format:?}: {text}");
        // The index over all paths is derived.
        std::fs::remove_file(repo.common_dir().join("comfy/layout-path-index")).unwrap();
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "--", "a.json"]);
        assert_eq!(repo.text("a.json"), text);
    }
}

#[test]
fn many_layouts_make_one_pack_and_notes_that_git_reads() {
    let repo = fresh(Format::Usual);
    repo.git(["config", "comfy.record", "false"]);
    for n in 0..300 {
        repo.write(format!("{}/{n}.json", n % 7), workflow(n, n as i32));
    }
    repo.commit_all("many");
    assert_eq!(repo.git(["notes", NOTES, "list"]).lines().count(), 300);
    let note = repo.git(["notes", NOTES, "show", &repo.id("HEAD:3/45.json")]);
    assert!(note.contains("\"path\":\"3/45.json\""));
    let loose = repo.git(["count-objects"]);
    let loose: usize = loose.split(' ').next().unwrap().parse().unwrap();
    // What `git add` and `git commit` wrote: 300 files, 7 folders, a tree, a commit.
    assert_eq!(loose, 309);
    repo.git(["fsck", "--strict"]);
}

#[test]
fn notes_that_git_merges_as_text_are_read() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.commit_all("one");
    let first = repo.id("refs/notes/comfy-layout");
    repo.write("a.json", workflow(1, 20));
    repo.git(["add", "a.json"]);
    repo.write("b.txt", "x");
    repo.commit_all("two");
    // Another clone's notes: the older layout of the path, on a line of its own.
    repo.git(["update-ref", "refs/notes/other", &first]);
    repo.git(["notes", "--ref=other", "append", "-m", "{\"from\":\"elsewhere\"}", "HEAD:a.json"]);
    repo.git(["notes", NOTES, "merge", "-q", "-s", "cat_sort_uniq", "other"]);
    let note = repo.git(["notes", NOTES, "show", "HEAD:a.json"]);
    assert_eq!(note.lines().filter(|line| !line.is_empty()).count(), 3, "{note}");
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "--", "a.json"]);
    assert_is(&repo, "a.json", 1, 20);
    // What another program wrote there stays when the note grows.
    repo.write("a.json", workflow(1, 30));
    repo.git(["add", "a.json"]);
    repo.write("b.txt", "y");
    repo.commit_all("three");
    let note = repo.git(["notes", NOTES, "show", "HEAD:a.json"]);
    assert!(note.contains("{\"from\":\"elsewhere\"}"), "{note}");
}

#[test]
fn garbage_in_a_note_does_no_harm() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.commit_all("one");
    for garbage in [
        "{\"at\":99999999999999,\"path\":\"a.json\",\"layout\":{\"v\":1}}",
        "{\"at\":1,\"path\":\"a.json\",\"layout\":[]}",
        "\u{1}\u{2}",
        "{\"at\":18446744073709551615,\"path\":\"a.json\",\"layout\":{}{}",
    ] {
        repo.git(["notes", NOTES, "add", "-f", "-m", garbage, "HEAD:a.json"]);
        std::fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.git(["checkout", "--", "a.json"]);
        let text = repo.text("a.json");
        assert!(text.contains("156680208700286") && text.contains("\"pos\""), "{text}");
        assert_eq!(repo.git(["diff"]), "", "{garbage}");
    }
}

#[test]
fn work_trees_may_add_and_commit_at_the_same_time() {
    let repo = fresh(Format::Usual);
    repo.write("a.txt", "x");
    repo.commit_all("root");
    const TREES: usize = 4;
    let trees: Vec<Repo> = (0..TREES)
        .map(|n| {
            repo.git(["worktree", "add", "-q", "-b", &format!("b{n}"), &format!("../tree{n}")]);
            repo.world.at(&format!("tree{n}"))
        })
        .collect();
    for (n, tree) in trees.iter().enumerate() {
        for m in 0..20 {
            tree.write(format!("{m}.json"), workflow((n * 100 + m) as u32, n as i32));
        }
    }
    let script = "git add . && git commit -q -m x";
    let children: Vec<_> =
        trees.iter().map(|t| t.command("sh").args(["-c", script]).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    for (n, tree) in trees.iter().enumerate() {
        for m in 0..20 {
            std::fs::remove_file(tree.path.join(format!("{m}.json"))).unwrap();
        }
        tree.git(["checkout", "--", "."]);
        for m in 0..20 {
            assert_is(tree, &format!("{m}.json"), (n * 100 + m) as u32, n as i32);
        }
    }
    assert_eq!(repo.git(["notes", NOTES, "list"]).lines().count(), TREES * 20);
    assert!(!pending(&repo));
}

#[test]
fn a_submodule_keeps_its_own_layouts() {
    let world = World::new();
    let inner = world.repo("inner");
    inner.write("a.json", workflow(1, 10));
    inner.commit_all("inner");
    let outer = world.repo("outer");
    outer.git(["submodule", "add", "-q", inner.path.to_str().unwrap(), "sub"]);
    let sub = world.at("outer/sub");
    sub.use_filter();
    sub.use_hooks();
    sub.write("a.json", workflow(2, 20));
    sub.commit_all("in the submodule");
    outer.write("b.txt", "x");
    outer.commit_all("outer");
    std::fs::remove_file(sub.path.join("a.json")).unwrap();
    outer.git(["submodule", "foreach", "-q", "git checkout -q -- a.json"]);
    assert_is(&sub, "a.json", 2, 20);
    assert!(sub.common_dir().ends_with("outer/.git/modules/sub"));
    assert!(!Path::new(&outer.path).join(".git/comfy").exists());
}

#[test]
fn hooks_of_a_commit_with_an_index_of_its_own_do_their_work() {
    let repo = fresh(Format::Usual);
    repo.write("a.json", workflow(1, 10));
    repo.commit_all("one");
    repo.write("a.json", workflow(2, 20));
    repo.write("b.json", workflow(3, 30));
    repo.git(["add", "-N", "b.json"]);
    let output = repo.try_git(["commit", "-q", "-m", "all", "-a"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    repo.write("a.json", workflow(4, 40));
    let output = repo.try_git(["commit", "-q", "-m", "only", "--only", "a.json"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let mut commit = repo.command("git");
    commit.args(["commit", "-q", "--allow-empty", "-m", "own index"]);
    let own = repo.path.join("own-index");
    std::fs::copy(repo.path.join(".git/index"), &own).unwrap();
    assert!(commit.env("GIT_INDEX_FILE", &own).status().unwrap().success());
    assert!(!pending(&repo));
    assert_eq!(repo.git(["status", "--porcelain"]), "?? own-index\n");
}

#[test]
fn without_a_name_configured_layouts_are_kept_all_the_same() {
    let repo = fresh(Format::Usual);
    repo.git(["config", "user.useConfigOnly", "true"]);
    std::fs::write(repo.world.home().join(".gitconfig"), "[init]\n\tdefaultBranch = main\n")
        .unwrap();
    repo.write("a.json", workflow(1, 10));
    repo.git(["add", "."]);
    let mut commit = repo.command("git");
    for role in ["AUTHOR", "COMMITTER"] {
        commit.env(format!("GIT_{role}_NAME"), "Env");
        commit.env(format!("GIT_{role}_EMAIL"), "env@example.com");
    }
    assert!(commit.args(["commit", "-q", "-m", "x"]).status().unwrap().success());
    assert_eq!(repo.git(["log", "-1", "--format=%an", "refs/notes/comfy-layout"]), "Env\n");
}
