//! `git comfy init --separate` and doctor's warning: a repository leaves a folder that a
//! service copies, whole or not at all.

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;

use crate::support::{GIT_COMFY, Repo, World, workflow};

/// A repository in a Dropbox with everything that could get lost.
fn synced() -> Repo {
    let world = World::new();
    fs::create_dir_all(world.path("Dropbox/.dropbox.cache")).unwrap();
    let repo = world.repo("Dropbox/flows");
    repo.comfy(["init"]);
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("one");
    repo.git(["branch", "side"]);
    repo.git(["tag", "-a", "v1", "-m", "first"]);
    repo.write("fox.json", workflow(25, 0));
    repo.git(["stash", "-q"]);
    repo.write("fox.json", workflow(30, 0));
    repo.comfy(["snapshot"]);
    repo.git(["add", "fox.json"]);
    repo.write("owl.json", workflow(1, 0));
    repo
}

fn all(repo: &Repo) -> [String; 6] {
    [
        repo.git(["for-each-ref"]),
        repo.git(["status", "--porcelain"]),
        repo.git(["stash", "list"]),
        repo.git(["diff", "--cached", "--no-ext-diff", "--no-textconv"]),
        repo.git(["config", "--list"]),
        repo.git(["fsck", "--strict"]),
    ]
}

fn finding(repo: &Repo) -> Option<(String, String)> {
    let output = repo.command(GIT_COMFY).args(["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["findings"].as_array().unwrap().iter();
    let mut found = found.filter(|found| found["check"] == "synced-folder");
    let found = found.next()?;
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    Some((text("health"), text("what") + " " + &text("mend")))
}

/// Where `.git` leads.
fn place(repo: &Repo) -> PathBuf {
    let text = repo.text(".git");
    PathBuf::from(text.strip_prefix("gitdir: ").unwrap().trim_end())
}

fn refused(repo: &Repo, arguments: &[&str]) -> String {
    let output =
        repo.command(GIT_COMFY).args(["init", "--separate"]).args(arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_existing_repository_moves_whole_and_can_come_back() {
    let repo = synced();
    let (health, what) = finding(&repo).unwrap();
    assert!(health == "note" && what.contains("Dropbox") && what.contains("--separate"), "{what}");
    let before = all(&repo);
    let told = repo.comfy(["init", "--separate", "-n"]);
    assert!(told.contains("move ") && repo.path.join(".git").is_dir(), "{told}");
    let told = repo.comfy(["init", "--separate"]);
    assert!(told.contains(".git is now outside"), "{told}");
    assert_eq!(all(&repo), before);
    let moved = place(&repo);
    assert!(moved.starts_with(fs::canonicalize(repo.world.home()).unwrap()), "{moved:?}");
    assert_eq!(finding(&repo).unwrap().0, "good");
    let names: Vec<_> = fs::read_dir(&repo.path).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "nothing else is left behind: {names:?}");
    // It is used as before, by its hooks too.
    repo.git(["commit", "-qm", "two"]);
    repo.git(["stash", "show", "-p"]);
    assert!(repo.comfy(["init", "--separate"]).contains("outside already"));
    // The documented way back.
    fs::remove_file(repo.path.join(".git")).unwrap();
    fs::rename(&moved, repo.path.join(".git")).unwrap();
    assert_eq!(repo.git(["log", "--format=%s"]), "two\none\n");
    repo.comfy(["doctor"]);
}

#[test]
fn a_new_repository_begins_outside() {
    let world = World::new();
    let repo = world.at("OneDrive - Studio/flows");
    fs::create_dir_all(&repo.path).unwrap();
    let place = world.path("elsewhere/flows.git");
    let told = repo.comfy(["init", "--separate", place.to_str().unwrap()]);
    assert!(told.contains("new repository"), "{told}");
    repo.write("fox.json", workflow(20, 0));
    repo.commit_all("one");
    assert!(place.join("HEAD").is_file() && repo.path.join(".git").is_file());
    assert!(!repo.git(["cat-file", "blob", "HEAD:fox.json"]).contains("\"pos\""), "it is set up");
    assert_eq!(finding(&repo).unwrap().0, "good");
}

#[test]
fn what_would_not_survive_is_refused_and_nothing_moves() {
    let repo = synced();
    let before = all(&repo);
    let still = |told: String, word: &str| {
        assert!(told.contains(word), "{told}");
        assert_eq!(all(&repo), before, "{word}");
        assert!(!repo.path.join(".git-comfy-separate").exists());
    };
    still(refused(&repo, &["inside"]), "lies in this folder");
    let other = repo.world.path("Dropbox/other");
    still(refused(&repo, &[other.to_str().unwrap()]), "Dropbox copies, too");
    let taken = repo.world.path("taken");
    fs::create_dir_all(taken.join("x")).unwrap();
    still(refused(&repo, &[taken.to_str().unwrap()]), "there already");
    fs::write(repo.path.join(".git/index.lock"), "").unwrap();
    let told = refused(&repo, &[]);
    fs::remove_file(repo.path.join(".git/index.lock")).unwrap();
    still(told, "git is at work");
    repo.git(["worktree", "add", "-q", "../../linked", "side"]);
    let told = refused(&repo, &[]);
    assert!(refused(&repo.world.at("linked"), &[]).contains("linked work tree"));
    repo.git(["worktree", "remove", "../../linked"]);
    still(told, "linked to it");
    // A setting that comes from a file beside .git would be lost.
    fs::write(repo.path.join("../shared.config"), "[comfy]\n\tmode = keep\n").unwrap();
    repo.git(["config", "include.path", "../../shared.config"]);
    let before = all(&repo);
    let told = refused(&repo, &[]);
    assert!(told.contains("configuration would not be the same"), "{told}");
    assert_eq!(all(&repo), before);
    assert!(repo.path.join(".git").is_dir());
}

#[test]
fn a_move_that_was_broken_off_is_gone_on_with() {
    let world: Rc<World> = World::new();
    for state in ["line written", "moved away", "copied, not yet there", "there, old one left"] {
        let repo = world.repo(&format!("Dropbox/{}", state.replace(' ', "-")));
        repo.write("fox.json", workflow(20, 0));
        repo.commit_all("one");
        let place = world.path(&format!("away/{state}.git"));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let git = repo.path.join(".git");
        fs::write(repo.path.join(".git-comfy-separate"), format!("gitdir: {}\n", place.display()))
            .unwrap();
        match state {
            "line written" => {}
            "moved away" => fs::rename(&git, &place).unwrap(),
            "copied, not yet there" => {
                fs::rename(&git, repo.path.join(".git-comfy-old")).unwrap();
                fs::create_dir_all(place.with_extension("git.partial")).unwrap();
            }
            _ => {
                repo.git(["clone", "-q", "--bare", ".", place.to_str().unwrap()]);
                repo.git(["--git-dir", place.to_str().unwrap(), "config", "core.bare", "false"]);
                fs::copy(git.join("index"), place.join("index")).unwrap();
                fs::rename(&git, repo.path.join(".git-comfy-old")).unwrap();
            }
        }
        if !git.exists() {
            let (health, what) = finding(&repo).unwrap();
            assert!(health == "broken" && what.contains("half-way"), "{state}: {what}");
        }
        repo.comfy(["init", "--separate", place.to_str().unwrap()]);
        assert_eq!(repo.git(["log", "--format=%s"]), "one\n", "{state}");
        assert!(git.is_file() && place.join("HEAD").is_file(), "{state}");
        repo.git(["fsck", "--strict"]);
        for left in [".git-comfy-separate", ".git-comfy-old"] {
            assert!(!repo.path.join(left).exists(), "{state}: {left}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn onto_another_disk_goes_a_copy_first() {
    use std::os::unix::fs::MetadataExt;
    let repo = synced();
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return };
    let disk = |path: &std::path::Path| fs::metadata(path).unwrap().dev();
    if disk(elsewhere.path()) == disk(&repo.path) {
        return;
    }
    let before = all(&repo);
    let place = elsewhere.path().join("flows.git");
    repo.comfy(["init", "--separate", place.to_str().unwrap()]);
    assert_eq!(all(&repo), before);
    assert!(!repo.path.join(".git-comfy-old").exists() && place.join("HEAD").is_file());
}

#[test]
fn other_machines_do_not_get_the_line_where_that_can_be_had() {
    let world = World::new();
    fs::create_dir_all(world.path("sync/.stfolder")).unwrap();
    fs::write(world.path("sync/.stignore"), "*.tmp\n").unwrap();
    let repo = world.repo("sync/art/flows");
    let told = repo.comfy(["init", "--separate"]);
    assert!(told.contains("keeps .git from the other machines"), "{told}");
    repo.comfy(["init", "--separate"]);
    let ignored = fs::read_to_string(world.path("sync/.stignore")).unwrap();
    assert_eq!(
        ignored,
        "// each machine has a .git of its own (git-comfy)\n/art/flows/.git\n*.tmp\n"
    );
}

#[test]
fn a_line_from_another_machine_is_told_and_its_place_can_be_made_here() {
    let world = World::new();
    let remote = world.bare("remote");
    let first = world.repo("first");
    first.write("fox.json", workflow(20, 0));
    first.commit_all("one");
    first.git(["push", "-q", remote.path.to_str().unwrap(), "main"]);
    // The folder as it arrives on the second machine: files, and a line.
    let second = world.at("Dropbox/flows");
    fs::create_dir_all(&second.path).unwrap();
    second.write("fox.json", workflow(20, 0));
    second.write(".git", "gitdir: /home/somebody-else/flows.git\n");
    let (health, what) = finding(&second).unwrap();
    assert!(health == "broken" && what.contains("another one"), "{what}");
    let told = refused(&second, &[]);
    assert!(told.contains("not on this machine") && told.contains("synced-folders.md"), "{told}");
    assert_eq!(second.text(".git"), "gitdir: /home/somebody-else/flows.git\n");
    // The same person, the same path: it can be made.
    let place = fs::canonicalize(world.home()).unwrap().join("repos/flows.git");
    second.write(".git", format!("gitdir: {}\n", place.display()));
    let mut command = second.command(GIT_COMFY);
    command.env("HOME", fs::canonicalize(world.home()).unwrap());
    assert!(command.args(["init", "--separate"]).status().unwrap().success());
    second.git(["remote", "add", "origin", remote.path.to_str().unwrap()]);
    second.git(["fetch", "-q", "origin"]);
    second.git(["reset", "-q", "origin/main"]);
    assert_eq!(second.git(["status", "--porcelain", "fox.json"]), "");
    assert_eq!(second.git(["log", "--format=%s"]), "one\n");
}
