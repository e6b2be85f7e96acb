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
