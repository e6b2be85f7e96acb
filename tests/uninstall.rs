//! `git comfy uninstall`: everything that init put in goes, and every other byte stays.

use crate::init::snapshot;
use crate::support::{Repo, World, workflow};

/// A repository in which others have set things up.
fn lived_in() -> Repo {
    let repo = Repo::new();
    repo.git(["remote", "add", "origin", "/nowhere"]);
    repo.git(["config", "filter.lfs.process", "git-lfs filter-process"]);
    repo.git(["config", "notes.displayRef", "refs/notes/*"]);
    repo.write(".gitattributes", "*.psd filter=lfs\r\n# no final break");
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    repo
}

#[test]
fn nothing_is_left_and_nothing_else_is_gone() {
    for arguments in [
        vec!["init"],
        vec!["init", "--hooks", "files"],
        vec!["init", "--hooks", "config"],
        vec!["init", "--attributes", ".git/info/attributes"],
        vec!["init", "--attributes", "sub/.gitattributes"],
        vec!["init", "--command", "/moved/away/git-comfy"],
        vec!["init", "--global"],
    ] {
        let repo = lived_in();
        std::fs::create_dir_all(repo.path.join(".git/info")).unwrap();
        let before = snapshot(&repo);
        repo.comfy(&arguments);
        assert_ne!(snapshot(&repo), before, "{arguments:?}");
        let machine = arguments.contains(&"--global");
        repo.comfy(["uninstall"].iter().chain(machine.then_some(&"--global")));
        let after = snapshot(&repo);
        let told = |files: &[(std::path::PathBuf, Vec<u8>, u32)]| {
            let lines = files.iter().map(|(path, content, mode)| {
                format!("{} {mode:o}\n{}", path.display(), String::from_utf8_lossy(content))
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(told(&after), told(&before), "{arguments:?}");
    }
}

#[test]
fn a_second_uninstall_has_nothing_to_do() {
    let repo = lived_in();
    repo.comfy(["init"]);
    repo.comfy(["uninstall"]);
    let said = repo.comfy(["uninstall"]);
    assert!(said.contains("nothing of git-comfy"), "{said}");
}

#[test]
fn a_dry_run_takes_nothing_out() {
    let repo = lived_in();
    repo.comfy(["init"]);
    let before = snapshot(&repo);
    let shown = repo.comfy(["uninstall", "--dry-run"]);
    assert!(shown.contains("filter.comfy.process"), "{shown}");
    assert_eq!(snapshot(&repo), before);
}

#[test]
fn what_a_person_changed_since_stays() {
    let repo = lived_in();
    repo.comfy(["init"]);
    repo.git(["config", "filter.comfy.clean", "my-own %f"]);
    let text = repo.text(".gitattributes");
    repo.write(".gitattributes", format!("{text}\n*.app filter=comfy\n"));
    let said = repo.comfy(["uninstall"]);
    assert!(said.contains("my-own"), "{said}");
    assert_eq!(repo.git(["config", "filter.comfy.clean"]), "my-own %f\n");
    assert!(repo.text(".gitattributes").ends_with("*.app filter=comfy\n"));
    assert!(!repo.text(".gitattributes").contains("*.json"));
}

#[test]
fn the_machine_and_the_repository_are_taken_apart() {
    let world = World::new();
    let repo = world.repo("repo");
    repo.comfy(["init", "--attributes", ".git/info/attributes"]);
    repo.comfy(["init", "--global"]);
    repo.comfy(["uninstall"]);
    assert_eq!(repo.git(["check-attr", "filter", "a.json"]), "a.json: filter: comfy\n");
    assert!(repo.try_git(["config", "--global", "filter.comfy.process"]).status.success());
    repo.comfy(["uninstall", "--global"]);
    assert_eq!(repo.git(["check-attr", "filter", "a.json"]), "a.json: filter: unspecified\n");
    assert!(!repo.try_git(["config", "filter.comfy.process"]).status.success());
}

#[test]
fn what_can_be_made_again_goes_from_every_work_tree() {
    let repo = Repo::new();
    repo.comfy(["init", "--hooks", "files"]);
    let bare = repo.world.bare("bare.git");
    repo.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    repo.git(["push", "-q", "-u", "origin", "main"]);
    repo.git(["worktree", "add", "-q", "../tree", "-b", "side"]);
    let tree = repo.world.at("tree");
    tree.write("a.json", workflow(20, 7));
    tree.write("b.json", workflow(30, 7));
    tree.commit_all("two");
    repo.git(["pull", "-q", ".", "side"]);
    repo.comfy(["layout", "log", "a.json"]);
    repo.comfy(["status"]);
    let folders = [repo.common_dir().join("comfy"), repo.common_dir().join("worktrees/tree/comfy")];
    assert!(folders.iter().all(|folder| folder.exists()));
    repo.comfy(["uninstall"]);
    for folder in folders {
        let left: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        assert!(left.is_empty() && !folder.exists(), "{left:?}");
    }
}

#[test]
fn layouts_in_no_note_and_what_was_set_aside_stay() {
    let repo = Repo::new();
    repo.comfy(["init", "--hooks", "files"]);
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("one");
    repo.write("a.json", workflow(30, 99));
    repo.git(["add", "a.json"]);
    let folder = repo.common_dir().join("comfy");
    let waiting = std::fs::read(folder.join("layouts")).unwrap();
    std::fs::create_dir_all(folder.join("set-aside/1")).unwrap();
    std::fs::write(folder.join("set-aside/1/mine.json"), "mine").unwrap();
    std::fs::create_dir_all(folder.join("spool")).unwrap();
    std::fs::write(folder.join("spool/run.json"), "{}").unwrap();
    let said = repo.comfy(["uninstall"]);
    assert!(said.contains("layouts that no commit holds yet stay"), "{said}");
    assert_eq!(std::fs::read(folder.join("layouts")).unwrap(), waiting);
    assert!(folder.join("set-aside/1/mine.json").exists());
    assert!(folder.join("spool/run.json").exists());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    // They are in notes once it is set up again and committed.
    repo.comfy(["init", "--hooks", "files"]);
    repo.git(["commit", "-q", "-m", "two"]);
    std::fs::remove_file(repo.path.join("a.json")).unwrap();
    repo.git(["checkout", "-q", "--", "a.json"]);
    assert_eq!(repo.text("a.json"), workflow(30, 99));
}
