//! `git comfy watch --files`: a real process, real saves, and what comes of them.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{GIT_COMFY, Repo, World, workflow};

/// A watcher that ends with the test.
struct Watching(Child);

impl Watching {
    fn start(repo: &Repo, arguments: &[&str]) -> Watching {
        let mut command = repo.command(GIT_COMFY);
        command.args(["watch", "--files"]).args(arguments);
        Watching(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Ctrl-C.
    #[cfg(unix)]
    fn interrupt(mut self) -> String {
        let id = self.0.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
        let mut told = String::new();
        std::io::Read::read_to_string(&mut self.0.stderr.take().unwrap(), &mut told).unwrap();
        told
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn rows(repo: &Repo) -> Vec<Value> {
    let text = repo.comfy(["snapshots", "--json"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the newest snapshot says of its files.
fn newest(repo: &Repo) -> String {
    rows(repo).first().map(|row| row["changed"].to_string()).unwrap_or_default()
}

/// Files that are neither git's nor the person's.
fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.') && name != ".git").collect()
}

#[cfg(unix)]
#[test]
fn what_a_colleague_moved_reaches_the_files_while_somebody_watches() {
    let world = World::new();
    let bare = world.bare("studio.git");
    let address = bare.path.to_str().unwrap();
    let ann = world.repo("ann");
    ann.git(["remote", "add", "origin", address]);
    ann.comfy(["init", "-q"]);
    ann.write("fox.json", workflow(20, 0));
    ann.commit_all("one");
    ann.git(["push", "-q", "-u", "origin", "main"]);
    let mut clone = world.command("git");
    assert!(
        clone.args(["clone", "-q", address]).arg(world.path("ben")).status().unwrap().success()
    );
    let ben = world.at("ben");
    ben.comfy(["init", "-q"]);
    let watching = Watching::start(&ben, &[]);
    until("the first look", || rows(&ben).len() == 1);
    ann.write("fox.json", workflow(20, 900));
    ann.git(["add", "."]);
    ann.git(["push", "-q"]);
    ben.git(["pull", "-q"]);
    until("her move", || ben.text("fox.json") == workflow(20, 900));
    assert!(watching.interrupt().contains("fox.json: others moved nodes"));
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.use_filter();
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("one");
    repo
}

#[cfg(unix)]
#[test]
fn every_save_is_kept_and_a_mere_move_is_no_change_for_git() {
    let repo = repo();
    let watching = Watching::start(&repo, &[]);
    until("the first look", || rows(&repo).len() == 1);
    for steps in [25, 30, 35] {
        repo.write("fox.json", workflow(steps, 0));
        until("a save", || newest(&repo).contains(&format!("-> {steps}")));
    }
    repo.write("fox.json", workflow(20, 0));
    until("back again", || newest(&repo).contains("35 -> 20"));
    // Nodes are moved: to git nothing has happened.
    repo.write("fox.json", workflow(20, 900));
    until("a move", || newest(&repo).contains("layout"));
    until("no mark", || repo.git(["diff-files", "--name-only"]).is_empty());
    // Half a file is none, and does not stand for the file's end.
    let whole = workflow(40, 900);
    repo.write("fox.json", &whole[..whole.len() / 2]);
    repo.write("owl.json", workflow(1, 0));
    until("the owl", || newest(&repo).contains("owl.json"));
    assert!(!newest(&repo).contains("deleted"), "{}", newest(&repo));
    repo.write("fox.json", &whole);
    until("the whole file", || newest(&repo).contains("20 -> 40"));
    fs::remove_file(repo.path.join("owl.json")).unwrap();
    until("a deletion", || newest(&repo).contains("deleted"));
    let told = watching.interrupt();
    assert!(
        told.contains("fox.json: KSampler steps 20 -> 25") && told.contains("stopped"),
        "{told}"
    );
    assert_eq!(leftovers(&repo.path), [""; 0]);
    repo.git(["fsck", "--strict"]);
}

#[test]
fn conflict_copies_are_merged_as_they_appear_and_both_are_kept() {
    let repo = repo();
    let _watching = Watching::start(&repo, &["."]);
    until("the first look", || rows(&repo).len() == 1);
    let ours = workflow(20, 300).replace(",8,\"euler\"", ",5.5,\"euler\"");
    repo.write("fox.json", &ours);
    until("a save", || newest(&repo).contains("5.5"));
    let copy = "fox.sync-conflict-20261122-120000-ABCDEFG.json";
    repo.write(copy, workflow(30, 0));
    until("the merge", || !repo.path.join(copy).exists() && repo.text("fox.json") != ours);
    let clean = |text: &str| repo.comfy_with(["clean"], text.as_bytes()).stdout;
    let merged = repo.text("fox.json");
    assert_eq!(clean(&merged), clean(&workflow(30, 0).replace(",8,\"euler\"", ",5.5,\"euler\"")));
    until("its snapshot", || newest(&repo).contains("20 -> 30"));
    let with_copy = rows(&repo).iter().any(|row| row["changed"].to_string().contains(copy));
    assert!(with_copy, "the copy is in a snapshot");
}

#[test]
fn folders_come_and_go_and_many_files_at_once() {
    let repo = repo();
    repo.write("flows/a.json", workflow(1, 0));
    let _watching = Watching::start(&repo, &["flows"]);
    until("the first look", || newest(&repo).contains("flows/a.json"));
    assert!(!newest(&repo).contains("fox.json"), "it lies outside");
    repo.write("flows/deep/er/b.json", workflow(2, 0));
    until("a new folder", || newest(&repo).contains("flows/deep/er/b.json"));
    for at in 0..120 {
        repo.write(format!("flows/many/{at}.json"), workflow(at, 0));
    }
    let kept = |repo: &Repo| {
        let names = ["ls-tree", "-r", "--name-only", "refs/comfy/snapshots"];
        let told = repo.git(names);
        (0..120).filter(|at| told.contains(&format!("files/flows/many/{at}.json"))).count()
    };
    until("all of them", || kept(&repo) == 120);
    assert!(rows(&repo).len() < 30, "not one for each: {}", rows(&repo).len());
    fs::remove_dir_all(repo.path.join("flows/many")).unwrap();
    until("a folder that is gone", || newest(&repo).contains("deleted"));
    fs::remove_dir_all(repo.path.join("flows")).unwrap();
    // Whoever makes it again may be quicker than the look that misses it.
    repo.write("flows/c.json", workflow(3, 0));
    until("a folder made anew", || {
        rows(&repo).iter().any(|row| row["changed"].to_string().contains("flows/c.json"))
    });
    repo.write("flows/c.json", workflow(33, 0));
    until("and followed", || newest(&repo).contains("3 -> 33"));
}

#[test]
fn network_folders_are_looked_at() {
    let repo = repo();
    let _watching = Watching::start(&repo, &[".", "--poll", "1"]);
    until("the first look", || rows(&repo).len() == 1);
    repo.write("fox.json", workflow(25, 0));
    until("a save", || newest(&repo).contains("20 -> 25"));
    repo.write("sub/owl.json", workflow(25, 0));
    until("a new file", || newest(&repo).contains("sub/owl.json"));
}

#[test]
fn what_nobody_watched_is_caught_up_with() {
    let repo = repo();
    let mut watching = Watching::start(&repo, &[]);
    until("the first look", || rows(&repo).len() == 1);
    // Another one at the same time would do everything twice.
    let second = repo.command(GIT_COMFY).args(["watch", "--files"]).output().unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && told.contains("another git comfy watch"), "{told}");
    watching.0.kill().unwrap();
    watching.0.wait().unwrap();
    repo.write("fox.json", workflow(25, 0));
    repo.write("owl.json", workflow(1, 0));
    repo.write("owl (Ann's conflicted copy 2026-02-20).json", workflow(1, 50));
    repo.comfy(["watch", "--files", "--once"]);
    assert_eq!(rows(&repo).len(), 3, "the saves, then the settled copy");
    assert!(!repo.path.join("owl (Ann's conflicted copy 2026-02-20).json").exists());
    repo.comfy(["watch", "--files", "--once"]);
    assert_eq!(rows(&repo).len(), 3);
    // Outside of a repository there is nowhere to keep anything.
    let outside = repo.world.path("outside");
    fs::create_dir(&outside).unwrap();
    let refused = repo.command(GIT_COMFY).args(["watch", "--files"]).arg(&outside).output();
    let told = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(told.contains("git init; git comfy init"), "{told}");
}

#[test]
fn a_service_follows_the_files_of_that_folder() {
    let repo = World::new().repo("my flows");
    let unit = repo.comfy(["watch", "--files", "--service", "systemd"]);
    let folder = fs::canonicalize(&repo.path).unwrap();
    let line = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    assert!(line.ends_with(&format!("watch --files \"{}\"", folder.display())), "{line}");
    assert!(unit.contains("git-comfy-watch-files.service"), "{unit}");
    let list = repo.comfy(["watch", "--files", "--service", "launchd"]);
    assert!(list.contains("<string>--files</string>"), "{list}");
}
