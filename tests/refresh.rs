//! A save that only moved nodes leaves no trace in git: no mark, no blocked checkout, and
//! nothing staged that was not staged.

use std::fs;

use crate::support::{Format, Repo, workflow};

fn fresh(format: Format) -> Repo {
    let repo = Repo::with(format);
    repo.use_filter();
    for n in 1..4 {
        repo.write(format!("{n}.json"), workflow(n, 0));
    }
    repo.write("text.txt", "text");
    repo.commit_all("one");
    repo.git(["branch", "other"]);
    repo
}

/// What git's index says of every file, with flags.
fn index(repo: &Repo) -> String {
    repo.git(["ls-files", "--stage", "-v"])
}

#[test]
fn the_mark_is_taken_off_and_a_checkout_goes_through() {
    for format in Format::all() {
        let repo = fresh(format);
        repo.git(["checkout", "-q", "other"]);
        repo.write("1.json", workflow(9, 9));
        repo.commit_all("other");
        repo.git(["checkout", "-q", "main"]);
        // Another size, as real drags make it.
        repo.write("1.json", workflow(1, 1_000_000));
        assert_eq!(repo.git(["status", "--porcelain"]), " M 1.json\n");
        assert!(!repo.try_git(["checkout", "-q", "other"]).status.success(), "git refuses");
        assert_eq!(repo.comfy(["refresh"]), "refreshed 1 workflow\n");
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        repo.git(["checkout", "-q", "other"]);
        repo.git(["checkout", "-q", "main"]);
        assert_eq!(repo.text("1.json"), workflow(1, 1_000_000), "{format:?}");
        assert_eq!(repo.comfy(["refresh"]), "nothing to refresh\n");
    }
}

#[test]
fn nothing_else_is_touched() {
    for format in Format::all() {
        let repo = fresh(format);
        repo.write("1.json", workflow(1, 1_000_000));
        repo.write("2.json", workflow(22, 1_000_000));
        repo.write("text.txt", "another text");
        repo.write("new.json", workflow(5, 5));
        repo.write("intended.json", workflow(6, 6));
        repo.git(["add", "-N", "intended.json"]);
        repo.write("staged.json", workflow(7, 7));
        repo.git(["add", "staged.json"]);
        repo.write("staged.json", workflow(7, 7_000_000));
        fs::remove_file(repo.path.join("3.json")).unwrap();
        let before = index(&repo);
        repo.comfy(["refresh"]);
        assert_eq!(index(&repo), before);
        let told = repo.git(["status", "--porcelain", "--no-renames"]);
        let expected =
            " M 2.json\n D 3.json\n A intended.json\nA  staged.json\n M text.txt\n?? new.json\n";
        assert_eq!(told, expected, "{format:?}");
    }
}

#[test]
fn a_change_of_the_second_in_which_git_looked_stays_visible() {
    let repo = fresh(Format::Usual);
    // The time at which a file became another one cannot be set back.
    repo.git(["config", "core.trustctime", "false"]);
    repo.write("2.json", workflow(2, 1_000_000));
    let edited = repo.path.join("1.json");
    let looked = fs::metadata(&edited).unwrap().modified().unwrap();
    let changed = workflow(7, 0);
    assert_eq!(changed.len() as u64, fs::metadata(&edited).unwrap().len());
    fs::write(&edited, changed).unwrap();
    for file in [&edited, &repo.path.join(".git/index")] {
        fs::File::options().write(true).open(file).unwrap().set_modified(looked).unwrap();
    }
    assert_eq!(repo.comfy(["refresh"]), "refreshed 1 workflow\n");
    assert_eq!(repo.git(["status", "--porcelain"]), " M 1.json\n");
}

#[test]
fn exempt_and_conflicted_files_stay_as_they_are() {
    let repo = fresh(Format::Usual);
    repo.git(["update-index", "--assume-unchanged", "1.json"]);
    repo.git(["update-index", "--skip-worktree", "2.json"]);
    repo.write("1.json", workflow(1, 1_000_000));
    repo.write("2.json", workflow(2, 1_000_000));
    let blob = repo.id(":3.json");
    let conflict = format!(
        "0 {zeros}\t3.json\n100644 {blob} 1\t3.json\n100644 {blob} 2\t3.json\n100644 {blob} 3\t3.json\n",
        zeros = "0".repeat(40)
    );
    let mut git = repo.command("git");
    git.args(["update-index", "--index-info"]).stdin(std::process::Stdio::piped());
    let mut child = git.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), conflict.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let before = index(&repo);
    assert_eq!(repo.comfy(["refresh"]), "nothing to refresh\n");
    assert_eq!(index(&repo), before);
}

#[test]
fn a_sparse_checkout_and_a_split_index_are_understood() {
    for settings in [
        &["sparse-checkout", "set", "in"][..],
        &["sparse-checkout", "set", "--cone", "--sparse-index", "in"],
        &["update-index", "--split-index"],
    ] {
        let repo = fresh(Format::Usual);
        repo.write("in/a.json", workflow(1, 0));
        repo.write("out/b.json", workflow(2, 0));
        repo.commit_all("folders");
        repo.git(settings);
        repo.write("in/a.json", workflow(1, 1_000_000));
        let before = repo.git(["ls-files", "--stage", "-v"]);
        assert_eq!(repo.comfy(["refresh"]), "refreshed 1 workflow\n", "{settings:?}");
        assert_eq!(repo.git(["status", "--porcelain"]), "", "{settings:?}");
        assert_eq!(repo.git(["ls-files", "--stage", "-v"]), before);
        repo.git(["fsck"]);
    }
}

#[test]
fn an_index_that_is_in_use_is_left_alone() {
    let repo = fresh(Format::Usual);
    repo.write("1.json", workflow(1, 1_000_000));
    let lock = repo.path.join(".git/index.lock");
    fs::write(&lock, "somebody's").unwrap();
    let before = fs::read(repo.path.join(".git/index")).unwrap();
    let output = repo.comfy_with(["refresh"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(&lock).unwrap(), b"somebody's");
    assert_eq!(fs::read(repo.path.join(".git/index")).unwrap(), before);
    // A hook says nothing about it: the next one does it.
    let output = repo.comfy_with(["hook", "post-commit"], b"");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    fs::remove_file(lock).unwrap();
    repo.comfy(["refresh"]);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    let left: Vec<_> = fs::read_dir(repo.path.join(".git"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("index"))
        .collect();
    assert_eq!(left, ["index"]);
}

#[test]
fn hooks_take_marks_off() {
    let repo = fresh(Format::Usual);
    repo.use_hooks();
    repo.write("1.json", workflow(1, 1_000_000));
    repo.write("text.txt", "y");
    repo.git(["commit", "-q", "-m", "text", "text.txt"]);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    repo.write("2.json", workflow(2, 2_000_000));
    repo.git(["checkout", "-q", "-b", "elsewhere"]);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    // What was moved is noted, though nothing of it was ever added by hand.
    repo.write("text.txt", "z");
    repo.git(["commit", "-q", "-m", "text", "text.txt"]);
    let note = repo.git(["notes", "--ref=comfy-layout", "show", &repo.id("HEAD:2.json")]);
    assert!(note.contains("2000026"), "{note}");
    assert!(!repo.path.join(".git/comfy/layouts").exists());
}

#[test]
fn a_linked_work_tree_has_its_own_marks() {
    let repo = fresh(Format::Usual);
    repo.git(["worktree", "add", "-q", "../tree", "other"]);
    let tree = repo.world.at("tree");
    tree.write("sub/deep.json", workflow(4, 0));
    tree.commit_all("deep");
    tree.write("sub/deep.json", workflow(4, 1_000_000));
    repo.write("1.json", workflow(1, 1_000_000));
    let mut inside = tree.command(crate::support::GIT_COMFY);
    inside.arg("refresh").current_dir(tree.path.join("sub"));
    assert!(inside.status().unwrap().success());
    assert_eq!(tree.git(["status", "--porcelain"]), "");
    assert_eq!(repo.git(["status", "--porcelain"]), " M 1.json\n");
}

#[test]
fn status_speaks_of_workflows() {
    let repo = fresh(Format::Usual);
    repo.use_hooks();
    repo.git(["commit", "-q", "--allow-empty", "-m", "layouts are noted"]);
    repo.write("1.json", workflow(1, 1_000_000));
    repo.write("2.json", workflow(22, 0));
    repo.git(["rm", "-q", "3.json"]);
    repo.write("new.json", workflow(4, 4));
    repo.write("text.txt", "changed");
    let told = repo.comfy(["status"]);
    insta::assert_snapshot!(told, @"
    changed     2.json
    new         new.json
    deleted     3.json  (staged)
    moved nodes 1.json  (positions are kept; nothing to commit)
    1 layout waits for its commit
    ");
    let json = repo.comfy(["status", "--json"]);
    assert!(json.contains("\"path\":\"1.json\""), "{json}");
    repo.git(["reset", "-q", "--hard"]);
    fs::remove_file(repo.path.join("new.json")).unwrap();
    repo.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(repo.comfy(["status"]), "all workflows are as they were committed\n");
}

#[test]
fn a_bare_repository_has_nothing_to_refresh() {
    let world = crate::support::World::new();
    let bare = world.bare("bare.git");
    assert_eq!(bare.comfy(["refresh"]), "nothing to refresh\n");
    let output = bare.comfy_with(["status"], b"");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("bare") && output.status.code() == Some(2), "{told}");
    let output = bare.comfy_with(["hook", "post-commit"], b"");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
