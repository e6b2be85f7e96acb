//! A drag is no change for git (`init --quiet-drags`), and whatever is a change stays one: with
//! the hook git sees exactly what it sees without, less the workflows that were only rearranged.

use std::fs;
use std::path::Path;

use crate::support::{Repo, workflow};

/// A repository whose files are older than its index, as they are once a person has worked on.
fn quiet() -> Repo {
    let repo = Repo::new();
    repo.write("a.json", workflow(1, 0));
    repo.write("b.json", workflow(2, 0));
    repo.write("in/c.json", workflow(3, 0));
    repo.write("text.txt", "text\n");
    repo.comfy(["init", "--quiet-drags", "--hooks", "files"]);
    repo.commit_all("one");
    settle(&repo);
    repo
}

/// Sets the times of all files back, so that git need not look into them.
fn settle(repo: &Repo) {
    for name in ["a.json", "b.json", "in/c.json", "text.txt"] {
        let file = repo.path.join(name);
        if let Ok(file) = fs::File::options().write(true).open(&file) {
            let about = file.metadata().unwrap();
            let earlier = about.modified().unwrap() - std::time::Duration::from_secs(60);
            file.set_modified(earlier).unwrap();
        }
    }
    repo.git(["update-index", "-q", "--really-refresh"]);
    repo.git(["status"]);
    repo.git(["status"]);
}

fn drag(repo: &Repo, name: &str, shift: i32) {
    let steps = match name {
        "a.json" => 1,
        "b.json" => 2,
        _ => 3,
    };
    repo.write(name, workflow(steps, shift));
}

fn status(repo: &Repo) -> String {
    repo.git(["status", "--porcelain", "--no-renames"])
}

/// What git sees when it looks at everything itself.
fn status_without_hook(repo: &Repo) -> String {
    let mut git = repo.command("git");
    git.env("GIT_OPTIONAL_LOCKS", "0");
    git.args(["-c", "core.fsmonitor=false", "status", "--porcelain", "--no-renames"]);
    String::from_utf8(git.output().unwrap().stdout).unwrap()
}

#[test]
fn after_a_drag_status_is_clean_and_nothing_is_refused() {
    let repo = quiet();
    repo.git(["switch", "-q", "-c", "other"]);
    repo.write("a.json", workflow(9, 0));
    repo.git(["commit", "-q", "-a", "-m", "other"]);
    repo.git(["switch", "-q", "main"]);
    drag(&repo, "a.json", 1_000_000);
    assert_eq!(status_without_hook(&repo), " M a.json\n");
    assert_eq!(status(&repo), "");
    repo.git(["switch", "-q", "other"]);
    repo.git(["switch", "-q", "main"]);
    assert_eq!(repo.text("a.json"), workflow(1, 1_000_000));
    assert_eq!(status(&repo), "");
}

#[test]
fn the_next_drag_stays_invisible_whatever_git_did_before() {
    let commands: &[&[&str]] = &[
        &["status"],
        &["add", "."],
        &["commit", "-q", "--amend", "--no-edit"],
        &["checkout", "-q", "other"],
        &["switch", "-q", "-c", "new"],
        &["reset", "-q", "--hard", "other"],
        &["merge", "-q", "other"],
        &["cherry-pick", "other"],
        &["rebase", "-q", "other"],
        &["checkout", "other", "--", "a.json"],
        &["revert", "--no-edit", "HEAD"],
        &["stash", "push", "-q"],
        &["rm", "-q", "--cached", "b.json"],
        &["mv", "b.json", "d.json"],
        &["-c", "core.fsmonitor=false", "status"],
        &["gc", "-q"],
    ];
    for command in commands {
        let repo = quiet();
        repo.write("b.json", workflow(20, 0));
        repo.git(["commit", "-q", "-a", "-m", "two"]);
        repo.git(["branch", "other"]);
        repo.git(["switch", "-q", "other"]);
        repo.write("in/c.json", workflow(30, 0));
        repo.git(["commit", "-q", "-a", "-m", "three"]);
        repo.git(["switch", "-q", "main"]);
        repo.try_git(*command);
        // A program that writes the index without the hook is forgiven at the next status.
        repo.git(["status"]);
        let before = status(&repo);
        let c = if repo.text("in/c.json") == workflow(30, 0) { 30 } else { 3 };
        repo.write("a.json", workflow(1, 1_000_000));
        repo.write("in/c.json", workflow(c, 2_000_000));
        assert_eq!(status(&repo), before, "{command:?}");
    }
}

#[test]
fn a_commit_of_an_edit_leaves_the_next_drag_invisible() {
    let repo = quiet();
    repo.write("a.json", workflow(10, 0));
    repo.git(["commit", "-q", "-a", "-m", "edit"]);
    repo.write("a.json", workflow(10, 1_000_000));
    assert_eq!(status(&repo), "");
    repo.write("b.json", workflow(20, 0));
    repo.git(["add", "b.json"]);
    repo.write("b.json", workflow(20, 1_000_000));
    assert_eq!(status(&repo), "M  b.json\n");
}

/// What a person or a program may do to files; whether only drags come of it.
type Change = (&'static str, fn(&Repo));

const CHANGES: &[Change] = &[
    ("an edit", |repo| repo.write("a.json", workflow(7, 0))),
    ("an edit of the same size", |repo| repo.write("a.json", workflow(8, 0))),
    ("an edit and a drag", |repo| repo.write("a.json", workflow(7, 1_000_000))),
    ("an edit after a drag", |repo| {
        drag(repo, "a.json", 1_000_000);
        status(repo);
        repo.write("a.json", workflow(7, 1_000_000));
    }),
    ("an edit whose time is set back", |repo| {
        let file = repo.path.join("a.json");
        let before = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, workflow(8, 0)).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
    }),
    ("an edit of a drag whose time is set back", |repo| {
        let file = repo.path.join("a.json");
        drag(repo, "a.json", 1_000_000);
        status(repo);
        let before = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, workflow(8, 1_000_000)).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
    }),
    ("replaced by a rename", |repo| {
        repo.write("new", workflow(7, 0));
        fs::rename(repo.path.join("new"), repo.path.join("a.json")).unwrap();
    }),
    ("deleted", |repo| fs::remove_file(repo.path.join("a.json")).unwrap()),
    ("emptied", |repo| repo.write("a.json", "")),
    ("cut", |repo| repo.write("a.json", &workflow(1, 0)[..40])),
    ("another file", |repo| repo.write("text.txt", "other\n")),
    ("a new file", |repo| repo.write("new.json", workflow(5, 0))),
    ("a new file in a folder", |repo| repo.write("in/new.json", workflow(5, 0))),
    ("a file announced", |repo| {
        repo.write("new.json", workflow(5, 0));
        repo.git(["add", "-N", "new.json"]);
    }),
    ("a folder in a file's place", |repo| {
        fs::remove_file(repo.path.join("a.json")).unwrap();
        repo.write("a.json/x.json", workflow(1, 0));
    }),
    ("a staged edit and a drag", |repo| {
        repo.write("a.json", workflow(7, 0));
        repo.git(["add", "a.json"]);
        repo.write("a.json", workflow(7, 1_000_000));
        repo.write("b.json", workflow(22, 0));
    }),
    ("removed from the index", |repo| drop(repo.git(["rm", "-q", "--cached", "a.json"]))),
    ("the index set to another commit", |repo| {
        repo.write("a.json", workflow(7, 0));
        repo.git(["commit", "-q", "-a", "-m", "two"]);
        repo.git(["reset", "-q", "--mixed", "HEAD~1"]);
    }),
    ("the filter taken away", |repo| {
        drag(repo, "a.json", 1_000_000);
        status(repo);
        fs::write(repo.path.join(".gitattributes"), "").unwrap();
    }),
    ("positions to be kept", |repo| {
        drag(repo, "a.json", 1_000_000);
        status(repo);
        repo.git(["config", "comfy.mode", "keep"]);
    }),
    ("unmerged", |repo| {
        repo.git(["switch", "-q", "-c", "other"]);
        repo.write("text.txt", "theirs\n");
        repo.git(["commit", "-q", "-a", "-m", "theirs"]);
        repo.git(["switch", "-q", "main"]);
        repo.write("text.txt", "ours\n");
        repo.git(["commit", "-q", "-a", "-m", "ours"]);
        repo.try_git(["merge", "other"]);
    }),
    ("unknown to us", |repo| {
        repo.git(["update-index", "--fsmonitor-valid", "a.json"]);
        repo.write("a.json", workflow(7, 0));
    }),
];

#[cfg(unix)]
const LINKS_AND_RIGHTS: &[Change] = &[
    ("a right", |repo| make_executable(&repo.path.join("a.json"))),
    ("a right and a drag", |repo| {
        drag(repo, "a.json", 1_000_000);
        make_executable(&repo.path.join("a.json"));
    }),
    ("a link to the same content", |repo| {
        fs::rename(repo.path.join("a.json"), repo.path.join("kept")).unwrap();
        std::os::unix::fs::symlink("kept", repo.path.join("a.json")).unwrap();
    }),
    ("a folder that became a link to itself", |repo| {
        fs::rename(repo.path.join("in"), repo.path.join("moved")).unwrap();
        std::os::unix::fs::symlink("moved", repo.path.join("in")).unwrap();
    }),
    ("a pipe", |repo| {
        fs::remove_file(repo.path.join("a.json")).unwrap();
        let made = repo.command("mkfifo").arg("a.json").status().unwrap();
        assert!(made.success());
    }),
];

#[cfg(not(unix))]
const LINKS_AND_RIGHTS: &[Change] = &[];

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_is_a_change_stays_one() {
    for (what, change) in CHANGES.iter().chain(LINKS_AND_RIGHTS) {
        let repo = quiet();
        change(&repo);
        let with = status(&repo);
        let again = status(&repo);
        let without = status_without_hook(&repo);
        assert_eq!(with, again, "{what}");
        let hidden: Vec<_> =
            without.lines().filter(|line| !with.lines().any(|seen| seen == *line)).collect();
        let expected: &[&str] = match *what {
            "a staged edit and a drag" => &["MM a.json"],
            _ => &[],
        };
        assert_eq!(hidden, expected, "{what}: {with:?} {without:?}");
        if *what != "a staged edit and a drag" {
            assert!(!with.is_empty() || without.is_empty(), "{what}");
        }
    }
}

#[test]
fn a_hook_that_fails_hides_nothing() {
    let repo = quiet();
    repo.write("a.json", workflow(7, 0));
    drag(&repo, "b.json", 1_000_000);
    fs::write(repo.path.join(".git/index.broken"), b"none").unwrap();
    for value in ["exit 1; :", "printf 'git-comfy:1' ; exit 1; :", "/nowhere/git-comfy fsmonitor"] {
        let mut git = repo.command("git");
        git.env("GIT_OPTIONAL_LOCKS", "0");
        git.args(["-c", &format!("core.fsmonitor={value}"), "status", "--porcelain"]);
        let told = String::from_utf8(git.output().unwrap().stdout).unwrap();
        assert_eq!(told, " M a.json\n M b.json\n", "{value}");
    }
    // What is not whole is not answered.
    for arguments in [&["fsmonitor", "1", "0"][..], &["fsmonitor"], &["fsmonitor", "3", "x"]] {
        let output = repo.comfy_with(arguments, b"");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn init_puts_it_in_and_takes_it_out_and_leaves_another_hook_alone() {
    let repo = quiet();
    let hook = repo.path.join(".git/hooks/post-index-change");
    assert!(hook.exists());
    repo.comfy(["init", "--hooks", "files"]);
    assert!(hook.exists(), "a later init keeps the choice");
    repo.comfy(["init", "--hooks", "files", "--quiet-drags=false"]);
    assert!(!hook.exists());
    assert_eq!(repo.git(["config", "--default", "none", "core.fsmonitor"]), "none\n");
    repo.comfy(["init", "--hooks", "files", "--quiet-drags"]);
    repo.comfy(["uninstall"]);
    assert!(!hook.exists());
    let left = repo.try_git(["config", "--get-regexp", "fsmonitor|untracked|comfy"]);
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    repo.git(["config", "core.fsmonitor", "true"]);
    let told = repo.comfy(["init", "--hooks", "files", "--quiet-drags"]);
    assert!(told.contains("core.fsmonitor is set to something else"), "{told}");
    assert_eq!(repo.git(["config", "core.fsmonitor"]), "true\n");
}
