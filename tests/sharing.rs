//! Layouts travel with the branch, two clones' layouts become one without a conflict, and
//! a push never fails or waits because of them.

use std::rc::Rc;

use git_comfy::internals::platform;
use git_comfy::internals::platform::Repository;
use git_comfy::internals::{restore_layouts, sharing};

use crate::support::{Format, Repo, World, workflow};

const NOTES: &str = "refs/notes/comfy-layout";

/// A bare remote and a first clone of it with filter, hooks and refspec.
fn remote(format: Format) -> (Rc<World>, Repo, Repo) {
    let world = World::new();
    let bare = world.bare_with("bare.git", format);
    let one = clone(&world, "one");
    (world, bare, one)
}

fn clone(world: &Rc<World>, name: &str) -> Repo {
    let url = world.path("bare.git");
    let git = world.command("git").args(["clone", "-q"]).arg(&url).arg(world.path(name)).output();
    assert!(git.unwrap().status.success());
    let repo = world.at(name);
    repo.use_filter();
    repo.use_hooks();
    let refspec = platform::fetch_refspec("origin");
    repo.git(["config", "--add", "remote.origin.fetch", &refspec]);
    repo
}

fn push(repo: &Repo) -> String {
    let output = repo.try_git(["push", "-q", "origin", "HEAD:main"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

#[test]
fn layouts_go_with_the_branch_and_come_with_a_pull() {
    for format in Format::all() {
        let (world, bare, one) = remote(format);
        one.write("a.json", workflow(1, 10));
        one.commit_all("one");
        assert_eq!(push(&one), "");
        assert_eq!(bare.id(NOTES), one.id(NOTES));
        assert_eq!(one.id("refs/notes/remotes/origin/comfy-layout"), one.id(NOTES));

        let two = clone(&world, "two");
        two.git(["fetch", "-q"]);
        std::fs::remove_file(two.path.join("a.json")).unwrap();
        // Before any hook ran: from what was fetched.
        two.git(["checkout", "--", "a.json"]);
        assert_eq!(two.text("a.json"), workflow(1, 10), "{format:?}");

        // The other way, through one `git pull`.
        two.write("a.json", workflow(2, 2020));
        two.commit_all("two");
        assert_eq!(push(&two), "");
        one.git(["pull", "-q"]);
        assert_eq!(one.text("a.json"), workflow(2, 2020), "{format:?}");
        assert_eq!(one.git(["status", "--porcelain"]), "");
        assert_eq!(one.id(NOTES), bare.id(NOTES), "merged by the hook");
        // Nothing new: nothing is sent.
        assert_eq!(push(&one), "");
        assert_eq!(one.id(NOTES), bare.id(NOTES));
    }
}

#[test]
fn a_fresh_clone_gets_positions_into_every_unmodified_file() {
    let (world, _, one) = remote(Format::Usual);
    one.write("a.json", workflow(1, 10));
    one.write("b.json", workflow(2, 20));
    one.write("sub/other.json", "{\"a\": 1}");
    one.commit_all("one");
    push(&one);
    // Cloned before anything is configured: files without positions.
    let two = clone(&world, "two");
    two.write("b.json", workflow(3, 30));
    let clean = two.text("a.json");
    assert!(!clean.contains("\"pos\""));
    let repository = Repository::open_at(&two.path).unwrap();
    sharing::fetch_shared_refs(&repository, "origin", sharing::Interactivity::Hook).unwrap();
    sharing::merge_fetched_refs(&repository).unwrap();
    let restored = restore_layouts(&repository).unwrap();
    assert_eq!(restored.files.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a.json"]);
    assert_eq!(two.text("a.json"), workflow(1, 10));
    assert_eq!(two.text("b.json"), workflow(3, 30), "somebody's work");
    assert_eq!(two.git(["status", "--porcelain"]), " M b.json\n");
    assert!(restore_layouts(&repository).unwrap().files.is_empty());
}

#[test]
fn two_clones_layouts_become_one() {
    for format in Format::all() {
        let (world, bare, one) = remote(format);
        one.write("a.json", workflow(1, 10));
        one.write("b.json", workflow(2, 20));
        one.commit_all("one");
        push(&one);
        let two = clone(&world, "two");
        two.git(["fetch", "-q"]);
        // Both move nodes of the same content, and each adds a file.
        one.write("a.json", workflow(1, 111));
        one.write("one.json", workflow(3, 30));
        one.commit_all("in one");
        push(&one);
        two.write("b.json", workflow(2, 222));
        two.write("two.json", workflow(4, 40));
        two.commit_all("in two");
        two.git(["pull", "-q", "--rebase"]);
        assert_eq!(push(&two), "");
        one.git(["pull", "-q", "--ff-only"]);
        for repo in [&one, &two] {
            let three =
                clone(&world, &format!("fresh-{}", repo.path.file_name().unwrap().display()));
            three.git(["fetch", "-q"]);
            three.git(["rm", "-rq", "--cached", "."]);
            three.git(["reset", "-q", "--hard"]);
            for repo in [repo, &three] {
                assert_eq!(repo.text("a.json"), workflow(1, 111), "{format:?}");
                assert_eq!(repo.text("b.json"), workflow(2, 222));
                assert_eq!(repo.text("one.json"), workflow(3, 30));
                assert_eq!(repo.text("two.json"), workflow(4, 40));
            }
        }
        assert_eq!(bare.id(NOTES), two.id(NOTES));
        bare.git(["fsck", "--strict"]);
    }
}

#[test]
fn a_push_that_comes_second_merges_and_goes_through() {
    let (world, bare, one) = remote(Format::Usual);
    one.write("a.json", workflow(1, 10));
    one.commit_all("one");
    push(&one);
    let two = clone(&world, "two");
    // The remote's notes move without two knowing.
    one.write("b.json", workflow(2, 20));
    one.commit_all("b");
    push(&one);
    two.write("c.json", workflow(3, 30));
    two.commit_all("c");
    let output = two.try_git(["push", "-q", "origin", "HEAD:refs/heads/two"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(bare.id(NOTES), two.id(NOTES));
    assert_eq!(bare.git(["notes", "--ref=comfy-layout", "list"]).lines().count(), 3);
}

#[test]
fn a_remote_without_layouts_is_no_error() {
    let (world, bare, _) = remote(Format::Usual);
    let plain = world.repo("plain");
    plain.write("x.txt", "x");
    plain.commit_all("x");
    plain.git(["push", "-q", bare.path.to_str().unwrap(), "HEAD:main"]);
    let two = clone(&world, "two");
    two.git(["fetch", "-q"]);
    two.git(["pull", "-q"]);
    assert_eq!(push(&two), "");
    assert_eq!(two.comfy(["sync"]), "origin: up to date\n");
}

#[test]
fn a_remote_that_refuses_costs_one_line_and_no_push() {
    let (_world, bare, one) = remote(Format::Usual);
    let hook = bare.path.join("hooks/update");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ncase $1 in refs/notes/*) exit 1;; esac\n").unwrap();
    make_executable(&hook);
    one.write("a.json", workflow(1, 10));
    one.commit_all("one");
    let told = push(&one);
    let ours: Vec<_> = told.lines().filter(|line| line.starts_with("git-comfy:")).collect();
    assert_eq!(ours.len(), 1, "{told}");
    assert!(ours[0].contains("git comfy sync origin"), "{told}");
    assert_eq!(bare.id("main"), one.id("HEAD"));
}

#[test]
fn a_push_without_a_hook_and_one_to_the_address_of_a_remote() {
    let (_world, bare, one) = remote(Format::Usual);
    one.write("a.json", workflow(1, 10));
    one.commit_all("one");
    one.git(["push", "-q", "--no-verify", "origin", "HEAD:main"]);
    assert!(!bare.try_git(["rev-parse", "-q", "--verify", NOTES]).status.success());
    // The URL of a remote is the remote.
    one.git(["push", "-q", bare.path.to_str().unwrap(), "HEAD:main"]);
    assert_eq!(bare.id(NOTES), one.id(NOTES));
}

#[test]
fn sharing_can_be_switched_off() {
    let (_world, bare, one) = remote(Format::Usual);
    one.git(["config", "comfy.share", "false"]);
    one.write("a.json", workflow(1, 10));
    one.commit_all("one");
    push(&one);
    assert!(!bare.try_git(["rev-parse", "-q", "--verify", NOTES]).status.success());
    assert!(one.comfy(["sync"]).starts_with("origin: sent notes/comfy-layout"));
    assert_eq!(bare.id(NOTES), one.id(NOTES));
}

#[test]
fn sync_does_it_by_hand() {
    let (world, bare, one) = remote(Format::Usual);
    one.write("a.json", workflow(1, 10));
    one.git(["add", "."]);
    one.git(["-c", "core.hooksPath=/nowhere", "commit", "-q", "-m", "without hooks"]);
    assert_eq!(one.comfy(["sync", "origin"]), "origin: sent notes/comfy-layout\n");
    assert_eq!(bare.git(["notes", "--ref=comfy-layout", "list"]).lines().count(), 1);
    let two = clone(&world, "two");
    assert_eq!(two.comfy(["sync"]), "origin: received notes/comfy-layout\n");
    assert_eq!(two.comfy(["sync"]), "origin: up to date\n");
    let output = two.comfy_with(["sync", "nowhere"], b"");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("there is no remote nowhere") && told.contains("origin"), "{told}");
}

#[test]
fn records_and_runs_travel_the_same_way() {
    let (world, bare, one) = remote(Format::Usual);
    one.write("a.txt", "x");
    one.commit_all("root");
    push(&one);
    let two = clone(&world, "two");
    two.git(["pull", "-q"]);
    for (repo, text) in [(&one, "first"), (&two, "second")] {
        repo.git(["notes", "--ref=comfy", "add", "-m", text, "HEAD"]);
        run(repo, text);
    }
    two.git(["config", "comfy.runs.share", "true"]);
    one.comfy(["sync"]);
    assert!(!bare.try_git(["rev-parse", "-q", "--verify", "refs/comfy/runs"]).status.success());
    two.comfy(["sync"]);
    one.git(["config", "comfy.runs.share", "true"]);
    one.comfy(["sync"]);
    two.comfy(["sync"]);
    for repo in [&one, &two, &bare] {
        assert_eq!(repo.git(["notes", "--ref=comfy", "show", "main"]), "first\n\nsecond\n");
        let runs = repo.git(["ls-tree", "-r", "--name-only", "refs/comfy/runs"]);
        assert_eq!(runs, "2026/first\n2026/second\n");
    }
}

/// A commit on the chain of runs with one file.
fn run(repo: &Repo, name: &str) {
    let script = format!(
        "blob=$(echo {name} | git hash-object -w --stdin) &&
         inner=$(printf '100644 blob %s\\t{name}\\n' $blob | git mktree) &&
         tree=$(printf '040000 tree %s\\t2026\\n' $inner | git mktree) &&
         git update-ref refs/comfy/runs $(git commit-tree -m {name} $tree)"
    );
    assert!(repo.command("sh").args(["-c", &script]).status().unwrap().success());
}

/// A shallow clone, and one without blobs: there everything goes through git, which
/// fetches what is missing.
#[test]
fn shallow_and_partial_clones_get_layouts() {
    let (world, bare, one) = remote(Format::Usual);
    bare.git(["config", "uploadpack.allowFilter", "true"]);
    bare.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for n in 1..4 {
        one.write("a.json", workflow(n, n as i32 * 10));
        one.commit_all("more");
    }
    push(&one);
    let url = format!("file://{}", bare.path.display());
    for option in ["--depth=1", "--filter=blob:none"] {
        let name = format!("clone{option}");
        let mut git = world.command("git");
        let git = git.args(["clone", "-q", option, &url]).arg(world.path(&name));
        assert!(git.status().unwrap().success());
        let two = world.at(&name);
        two.use_filter();
        two.use_hooks();
        let refspec = platform::fetch_refspec("origin");
        two.git(["config", "--add", "remote.origin.fetch", &refspec]);
        two.git(["fetch", "-q"]);
        std::fs::remove_file(two.path.join("a.json")).unwrap();
        two.git(["checkout", "--", "a.json"]);
        assert_eq!(two.text("a.json"), workflow(3, 30), "{option}");
        let path = format!("from{option}.json");
        two.write(&path, workflow(9, 90));
        two.commit_all("from there");
        assert_eq!(push(&two), "", "{option}");
        one.git(["pull", "-q"]);
        assert_eq!(one.text(&path), workflow(9, 90), "{option}");
    }
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn make_executable(_path: &std::path::Path) {}

#[test]
fn layouts_go_along_to_an_address_that_is_no_remote() {
    for format in Format::all() {
        let (world, _, one) = remote(format);
        let fork = world.bare_with("fork.git", format);
        let address = fork.path.to_str().unwrap().to_owned();
        one.write("a.json", workflow(1, 10));
        one.commit_all("one");
        let send = |repo: &Repo| {
            let output = repo.try_git(["push", "-q", &address, "HEAD:main"]);
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        };
        send(&one);
        assert_eq!(fork.id(NOTES), one.id(NOTES), "{format:?}");
        // Somebody else sends theirs in between, and nothing of it is written over.
        let mut git = world.command("git");
        let cloned = git.args(["clone", "-q", &address]).arg(world.path("two")).output().unwrap();
        assert!(cloned.status.success(), "{cloned:?}");
        let two = world.at("two");
        two.use_filter();
        two.use_hooks();
        two.write("b.json", workflow(2, 20));
        two.commit_all("two");
        two.git(["remote", "remove", "origin"]);
        send(&two);
        one.git(["fetch", "-q", &address, "main"]);
        one.git(["reset", "-q", "--hard", "FETCH_HEAD"]);
        one.write("a.json", workflow(1, 77));
        one.git(["commit", "-q", "--allow-empty", "-a", "-m", "dragged"]);
        send(&one);
        let notes = fork.git(["notes", "--ref=comfy-layout", "list"]);
        assert_eq!(notes.lines().count(), 2, "{format:?}: {notes}");
        assert_eq!(fork.id(NOTES), one.id(NOTES), "{format:?}");
        let left = one.git(["for-each-ref", "refs/notes/remotes"]);
        assert!(!left.contains("from-"), "{left}");
    }
}
