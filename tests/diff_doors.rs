//! Plain `git diff`, `git log -p` and their kin in a repository that is set up, for every
//! kind of file there is. What is no workflow must look as it does without git-comfy.

use std::fs;
use std::path::Path;

use crate::support::Repo;

fn demo(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo").join(name)).unwrap()
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "-q"]);
    for name in ["a.json", "gone.json", "old.json"] {
        repo.write(name, demo("portrait.json"));
    }
    repo.write("also gone.json", demo("second-pass.json"));
    repo.write("data.json", "{\n  \"a\": 1\n}\n");
    repo.write("bytes.json", b"\0\x01\x02");
    repo.commit_all("first");
    repo
}

/// From the first hunk of each file on, and what else is no head: git shows ids of blobs
/// where a driver is not told them.
fn hunks(patch: &str) -> Vec<&str> {
    let is_head = |line: &&str| {
        ["diff --git ", "index ", "--- ", "+++ "].iter().any(|head| line.starts_with(head))
    };
    patch.lines().filter(|line| !is_head(line)).collect()
}

/// What git shows with and without the driver.
#[track_caller]
fn same_as_plain(repo: &Repo, arguments: &[&str]) {
    let ours = repo.git([&["diff"], arguments].concat());
    let plain = repo.git([&["diff", "--no-ext-diff", "--no-textconv"], arguments].concat());
    assert!(!plain.is_empty(), "nothing to see: {arguments:?}");
    assert_eq!(hunks(&ours), hunks(&plain), "{arguments:?}");
}

#[test]
fn files_that_are_no_workflow_keep_their_hunks() {
    let repo = repo();
    let long: String = (0..200).map(|line| format!("  \"k{line}\": {line},\n")).collect();
    repo.write("data.json", format!("{{\n{long}  \"a\": 2\n}}"));
    repo.write("bytes.json", b"\0\x01\x03");
    repo.write("new.json", "[1, 2]\r\n[3]\n");
    repo.git(["add", "-N", "new.json"]);
    for path in ["data.json", "bytes.json", "new.json"] {
        same_as_plain(&repo, &["--", path]);
        same_as_plain(&repo, &["HEAD", "--", path]);
    }
    repo.git(["add", "."]);
    for path in ["data.json", "bytes.json", "new.json"] {
        same_as_plain(&repo, &["--cached", "--", path]);
    }
    repo.git(["commit", "-q", "-m", "second"]);
    for path in ["data.json", "bytes.json", "new.json"] {
        same_as_plain(&repo, &["HEAD~1", "HEAD", "--", path]);
        same_as_plain(&repo, &["HEAD", "HEAD~1", "--", path]);
    }
    // The driver is not asked here; the texts are those of the files.
    let shown = repo.git(["show", "--format=", "--", "data.json"]);
    assert_eq!(shown, repo.git(["show", "--format=", "--no-textconv", "--", "data.json"]));
}

#[test]
fn files_that_came_and_went_are_told_in_brief() {
    let repo = repo();
    repo.git(["rm", "-q", "gone.json", "also gone.json"]);
    repo.write("new.json", demo("portrait.json"));
    repo.git(["add", "new.json"]);
    let told = repo.git(["diff", "--cached", "--no-renames"]);
    assert!(!told.contains("@@") && !told.contains("{+"), "{told}");
    let gone = "diff --git a/also gone.json b/also gone.json\ndeleted file mode 100644\n- ";
    assert!(told.contains(gone), "{told}");
    assert!(told.contains("diff --git a/gone.json b/gone.json\ndeleted file mode 100644\n- "));
    assert!(told.contains("- Second pass (subgraph)\n"), "{told}");
    assert!(told.contains("diff --git a/new.json b/new.json\nnew file mode 100644\n+ "));
    assert_eq!(told.matches("- KSampler #3\n").count(), 1);
}

#[test]
fn a_renamed_workflow_is_compared_with_what_it_was() {
    let repo = repo();
    repo.git(["mv", "old.json", "keeper.json"]);
    repo.git(["rm", "-q", "gone.json"]);
    repo.write("keeper.json", demo("portrait-edited.json"));
    repo.git(["add", "."]);
    let told = repo.git(["diff", "--cached", "-M"]);
    assert!(told.contains("rename to keeper.json"), "{told}");
    assert!(told.contains("    cfg  7 -> 5.5\n"), "{told}");
}

#[cfg(unix)]
#[test]
fn modes_and_links_are_told_as_git_tells_them() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let repo = repo();
    symlink("a.json", repo.path.join("link.json")).unwrap();
    repo.commit_all("link");
    let runs = fs::Permissions::from_mode(0o755);
    fs::set_permissions(repo.path.join("a.json"), runs.clone()).unwrap();
    fs::set_permissions(repo.path.join("data.json"), runs).unwrap();
    assert_eq!(
        repo.git(["diff", "--", "a.json"]),
        "diff --git a/a.json b/a.json\nold mode 100644\nnew mode 100755\n"
    );
    same_as_plain(&repo, &["--", "data.json"]);
    fs::remove_file(repo.path.join("link.json")).unwrap();
    symlink("old.json", repo.path.join("link.json")).unwrap();
    same_as_plain(&repo, &["--", "link.json"]);
    same_as_plain(&repo, &["HEAD", "--", "link.json"]);
    // A workflow in the place of a link.
    fs::remove_file(repo.path.join("link.json")).unwrap();
    repo.write("link.json", demo("portrait.json"));
    let told = repo.git(["diff", "--", "link.json"]);
    assert!(told.contains("-a.json\n"), "{told}");
    assert!(told.contains("+ KSampler #3\n"), "{told}");
}

#[test]
fn a_submodule_is_a_commit_whatever_it_is_called() {
    let repo = repo();
    let inner = repo.world.repo("inner");
    inner.write("x", "1");
    inner.commit_all("one");
    repo.git(["submodule", "--quiet", "add", "../inner", "sub.json"]);
    repo.commit_all("sub");
    let sub = repo.world.at("repo/sub.json");
    sub.write("x", "2");
    same_as_plain(&repo, &["--", "sub.json"]);
    sub.commit_all("two");
    same_as_plain(&repo, &["--", "sub.json"]);
    repo.git(["add", "sub.json"]);
    same_as_plain(&repo, &["--cached", "--", "sub.json"]);
    repo.git(["rm", "-q", "-f", "sub.json"]);
    same_as_plain(&repo, &["HEAD", "--", "sub.json"]);
    assert_eq!(
        repo.comfy(["diff", "HEAD", "--", "sub.json"]),
        repo.git(["diff", "--no-ext-diff", "HEAD", "--", "sub.json"])
    );
}

#[test]
fn an_unmerged_file_is_named_as_such() {
    let repo = repo();
    let index = |stage: u32| format!("100644 {} {stage}\ta.json", repo.id("HEAD:a.json"));
    let mut input = format!("0 {} 0\ta.json\n", "0".repeat(40));
    for stage in 1..=3 {
        input += &format!("{}\n", index(stage));
    }
    let mut command = repo.command("git");
    command.args(["update-index", "--index-info"]);
    let file = repo.path.join(".git/input");
    fs::write(&file, input).unwrap();
    command.stdin(fs::File::open(&file).unwrap());
    assert!(command.status().unwrap().success());
    let told = repo.git(["diff", "--name-status"]);
    assert!(told.starts_with("U\ta.json"), "{told}");
    let told = repo.git(["diff", "--cached"]);
    assert_eq!(told, "* Unmerged path a.json\n");
    assert!(repo.comfy(["diff", "--cached"]).contains("Unmerged path a.json"));
    assert!(repo.comfy(["diff"]).contains("a.json"));
}

/// git keeps the texts it was given, under the line that gave them.
#[test]
fn kept_texts_of_another_version_are_thrown_away() {
    let repo = repo();
    let key = "diff.comfy.textconv";
    let line = repo.git(["config", key]);
    let old = line.trim().replace("--form=3", "--form=1");
    assert_ne!(old, line.trim(), "{line}");
    repo.git(["config", key, &old]);
    let shown = repo.git(["log", "-p", "--", "a.json"]);
    assert_eq!(repo.git(["config", key]), line, "the line is brought up to date");
    assert_eq!(repo.git(["log", "-p", "--", "a.json"]), shown);
    // A version to come, seen by this one.
    repo.git(["config", key, &old.replace("--form=1", "--form=99")]);
    repo.comfy(["init", "-q"]);
    assert_eq!(repo.git(["config", key]), line);
    // Somebody else's line is left alone.
    repo.git(["config", key, "cat"]);
    repo.git(["log", "-p", "--", "a.json"]);
    assert_eq!(repo.git(["config", key]), "cat\n");
}

/// The texts are kept: switching off for one command must not spoil them for the next.
#[test]
fn kept_texts_are_never_bare_files() {
    let repo = repo();
    let mut command = repo.command("git");
    let command = command.args(["log", "-p", "--", "a.json"]).env("GIT_COMFY", "0");
    assert!(command.output().unwrap().status.success());
    let shown = repo.git(["log", "-p", "--", "a.json"]);
    assert!(shown.contains("+KSampler #3\n"), "{shown}");
}

#[test]
fn an_update_of_a_pack_is_one_line_of_a_patch() {
    let repo = repo();
    let text = String::from_utf8(demo("portrait.json")).unwrap();
    let ver = text.find("\"ver\":\"").unwrap() + 7;
    let ver = &text[ver..ver + text[ver..].find('"').unwrap()];
    let from = format!("\"ver\":\"{ver}\"");
    assert!(text.matches(&from).count() > 3);
    repo.write("a.json", text.replace(&from, "\"ver\":\"99.0\""));
    let told = repo.git(["diff", "--", "a.json"]);
    assert_eq!(told.lines().count(), 2, "{told}");
    repo.commit_all("update");
    let shown = repo.git(["show", "--format=", "-U0", "--", "a.json"]);
    let changed =
        shown.lines().filter(|line| line.starts_with("+pack") || line.starts_with("-pack"));
    assert_eq!(changed.count(), 2, "{shown}");
    assert_eq!(shown.lines().count(), 7, "{shown}");
}

/// What a stranger may put into a title, a prompt, a group, a name of a subgraph or a path.
#[test]
fn no_door_lets_control_sequences_through() {
    let repo = repo();
    let evil = "\\u001b]0;x\\u0007\\u202e\\u009b31m\\r";
    let text = String::from_utf8(demo("second-pass.json")).unwrap();
    let text = text.replace("Detail prompt", evil).replace("Second pass", evil);
    let text = text.replace("fine skin", evil).replace("keeper_00012_.png", evil);
    repo.write("evil\u{1b}[31m.json", &text);
    repo.write("a.json", &text);
    repo.git(["add", "."]);
    let mut shown = repo.git(["diff", "--cached"]);
    for format in ["terminal", "json", "markdown"] {
        shown += &repo.comfy(["diff", "--cached", "--format", format]);
    }
    shown += &repo.comfy(["diff", "--cached", "--stat"]);
    shown += &repo.comfy(["show", "a.json"]);
    shown += &repo.comfy(["show", "--full", "a.json"]);
    repo.git(["commit", "-q", "-m", "evil"]);
    shown += &repo.git(["log", "-p"]);
    shown += &repo.comfy(["log"]);
    shown += &repo.comfy(["blame", "a.json"]);
    for bad in ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}', '\r'] {
        assert!(!shown.contains(bad), "{bad:?} in {shown:?}");
    }
}
