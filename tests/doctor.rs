//! `git comfy doctor`: each break is seen, named and mended by what it says.

use serde_json::Value;

use crate::support::{GIT_COMFY, Repo, World, workflow};

/// What doctor finds: exit code, and `check health` of everything that is not good.
fn findings(repo: &Repo) -> (i32, Vec<String>) {
    let output = repo.comfy_with(["doctor", "--json"], b"");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["healthy"], output.status.code() == Some(0));
    let found = report["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    // There is no ComfyUI in a test's world.
    let odd = found.filter(|f| f["health"] != "good" && f["check"] != "comfyui").map(|f| {
        format!(
            "{} {}: {}",
            text(&f["check"]),
            text(&f["health"]),
            f["mend"].as_str().unwrap_or("")
        )
    });
    (output.status.code().unwrap(), odd.collect())
}

#[track_caller]
fn healthy(repo: &Repo) {
    assert_eq!(findings(repo), (0, Vec::new()));
}

#[track_caller]
fn broken(repo: &Repo, wanted: &[&str]) {
    let (code, found) = findings(repo);
    assert_eq!((code, found.iter().map(String::as_str).collect::<Vec<_>>()), (1, wanted.to_vec()));
}

fn set_up() -> Repo {
    let repo = Repo::new();
    repo.comfy(["init", "--hooks", "files"]);
    repo
}

#[test]
fn a_fresh_set_up_is_healthy() {
    let repo = set_up();
    healthy(&repo);
    let said = repo.comfy(["doctor"]);
    assert!(
        said.contains("came back to the byte") && said.ends_with("everything works\n"),
        "{said}"
    );
}

#[test]
fn a_repository_that_was_never_set_up() {
    let repo = Repo::new();
    broken(&repo, &["settings broken: git comfy init", "attributes broken: git comfy init"]);
}

#[test]
fn a_clone_has_the_attributes_but_not_the_configuration() {
    let repo = set_up();
    repo.commit_all("one");
    let url = repo.path.to_str().unwrap().to_owned();
    let clone = repo.world.at("clone");
    std::fs::create_dir(&clone.path).unwrap();
    clone.git(["clone", "-q", &url, "."]);
    broken(&clone, &["settings broken: git comfy init", "remotes broken: git comfy init"]);
    clone.comfy(["init"]);
    healthy(&clone);
}

#[test]
fn the_program_is_gone() {
    let repo = set_up();
    repo.comfy(["init", "--command", "/gone/git-comfy"]);
    let (code, found) = findings(&repo);
    assert_eq!(code, 1);
    assert!(found.contains(&"program broken: git comfy init".to_owned()), "{found:?}");
    assert!(found.contains(&"round-trip broken: git comfy init".to_owned()), "{found:?}");
    repo.comfy(["init"]);
    healthy(&repo);
}

#[test]
fn a_program_on_path_only_is_worth_a_note() {
    let repo = set_up();
    repo.comfy(["init", "--command", "git-comfy"]);
    assert_eq!(findings(&repo), (0, vec!["program note: git comfy init".to_owned()]));
}

#[test]
fn hooks_are_shadowed_missing_skipped_or_old() {
    let repo = set_up();
    repo.git(["config", "core.hooksPath", "elsewhere"]);
    broken(&repo, &["hooks broken: git comfy init --force"]);
    repo.git(["config", "--unset", "core.hooksPath"]);
    std::fs::write(repo.common_dir().join("hooks/post-commit"), "#!/bin/sh\n").unwrap();
    broken(&repo, &["hooks broken: git comfy init"]);
    repo.comfy(["init"]);
    healthy(&repo);
    let hook = repo.common_dir().join("hooks/pre-push");
    let text = std::fs::read_to_string(&hook).unwrap();
    std::fs::write(&hook, text.replace(GIT_COMFY, "/gone/git-comfy")).unwrap();
    broken(&repo, &["hooks broken: git comfy init"]);
    repo.comfy(["init"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o644)).unwrap();
        broken(&repo, &["hooks broken: chmod +x .git/hooks/*"]);
    }
}

#[test]
fn no_hooks_are_no_fault_where_none_were_wanted() {
    let repo = Repo::new();
    repo.comfy(["init", "--no-hooks"]);
    repo.comfy(["init"]);
    assert!(!repo.common_dir().join("hooks/post-commit").exists(), "the choice is kept");
    assert_eq!(findings(&repo), (0, vec!["hooks note: ".to_owned()]));
}

#[test]
fn a_remote_that_came_later() {
    let repo = set_up();
    repo.git(["remote", "add", "origin", "/nowhere"]);
    broken(&repo, &["remotes broken: git comfy init"]);
    repo.comfy(["init"]);
    healthy(&repo);
    repo.git(["config", "--add", "remote.origin.fetch", "+refs/notes/*:refs/notes/*"]);
    assert_eq!(findings(&repo).1.len(), 1);
}

#[test]
fn another_filter_has_some_of_the_files() {
    let repo = set_up();
    let text = repo.text(".gitattributes");
    repo.write("models/a.json", "{}");
    repo.git(["add", "models"]);
    repo.write(".gitattributes", format!("{text}models/*.json filter=lfs\n"));
    let (code, found) = findings(&repo);
    assert_eq!((code, found.len()), (0, 1), "{found:?}");
    assert!(found[0].starts_with("other-filter note"), "{found:?}");
    repo.write(".gitattributes", format!("{text}*.json filter=lfs\n"));
    let (code, found) = findings(&repo);
    assert_eq!(code, 1);
    assert!(found.contains(&"attributes broken: git comfy init --force".to_owned()), "{found:?}");
}

#[test]
fn records_must_not_be_joined() {
    let repo = set_up();
    repo.git(["config", "notes.rewriteMode", "concatenate"]);
    broken(&repo, &["rewrite broken: git config notes.rewriteMode ignore"]);
}

#[test]
fn a_layout_only_save_is_named() {
    let repo = set_up();
    repo.write("a.json", workflow(20, 0));
    repo.write("b.json", workflow(20, 0));
    repo.commit_all("one");
    repo.write("a.json", workflow(20, 12345));
    repo.write("b.json", workflow(30, 12345));
    assert_eq!(findings(&repo), (0, vec!["marks note: git comfy refresh".to_owned()]));
    repo.comfy(["refresh"]);
    healthy(&repo);
}

#[test]
fn workflows_from_before_are_named() {
    let repo = Repo::new();
    repo.write("a.json", workflow(20, 0));
    repo.commit_all("before");
    repo.comfy(["init", "--hooks", "files"]);
    let mend = "raw note: git comfy init --renormalize, then commit";
    assert_eq!(findings(&repo), (0, vec![mend.to_owned()]));
    repo.comfy(["init", "--renormalize"]);
    healthy(&repo);
}

#[test]
fn line_ends_of_windows_are_no_trouble() {
    let repo = set_up();
    repo.git(["config", "core.autocrlf", "true"]);
    healthy(&repo);
}

#[test]
fn outside_a_repository_only_the_machine_is_looked_at() {
    let world = World::new();
    let folder = world.at("plain");
    std::fs::create_dir(&folder.path).unwrap();
    folder.comfy(["init", "--global"]);
    assert_eq!(findings(&folder).0, 0);
}

#[test]
fn a_switch_that_is_off_is_named() {
    let repo = set_up();
    let mut comfy = repo.command(GIT_COMFY);
    let output = comfy.arg("doctor").env("GIT_COMFY", "0").output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("GIT_COMFY=0"));
}

/// Where layouts are kept, of a linked work tree and of a repository whose git folder lies
/// elsewhere as well.
fn keepers() -> Vec<Repo> {
    let plain = set_up();
    plain.write("a.json", workflow(20, 0));
    plain.commit_all("one");
    let linked = set_up();
    linked.write("a.json", workflow(20, 0));
    linked.commit_all("one");
    linked.git(["worktree", "add", "-q", "../tree", "-b", "side"]);
    let tree = linked.world.at("tree");
    let world = World::new();
    let apart = world.at("apart");
    std::fs::create_dir(&apart.path).unwrap();
    apart.git(["init", "-q", "--separate-git-dir", "../elsewhere"]);
    apart.comfy(["init", "--hooks", "files"]);
    apart.write("a.json", workflow(20, 0));
    apart.commit_all("one");
    vec![plain, tree, apart]
}

/// The folder git names for the work tree itself, or for all of them.
fn git_folder(repo: &Repo, which: &str) -> std::path::PathBuf {
    repo.path.join(repo.git(["rev-parse", which]).trim_end())
}

/// What doctor finds of the keeping of layouts.
fn keeping(repo: &Repo) -> Vec<String> {
    let (code, mut found) = findings(repo);
    found.retain(|line| line.starts_with("keeping "));
    assert_eq!(code, i32::from(!found.is_empty()), "{found:?}");
    found
}

#[test]
fn layouts_that_cannot_be_kept_are_named_with_the_reason() {
    for repo in keepers() {
        let shared = git_folder(&repo, "--git-common-dir").join("comfy");
        let own = git_folder(&repo, "--git-dir").join("comfy");
        assert_eq!(keeping(&repo), Vec::<String>::new());
        for place in [
            shared.join("layouts"),
            shared.join("layouts.lock"),
            shared.join("clock"),
            own.join("files"),
            own.join("files.lock"),
        ] {
            let aside = place.with_extension("kept");
            let was_there = std::fs::rename(&place, &aside).is_ok();
            std::fs::create_dir_all(&place).unwrap();
            let found = keeping(&repo);
            assert_eq!(found.len(), 1, "{}: {found:?}", place.display());
            assert!(found[0].starts_with("keeping broken: git comfy init, "), "{found:?}");
            let said = repo.comfy_with(["doctor"], b"").stdout;
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(said.contains(place.to_str().unwrap()), "{said}");
            assert!(said.contains("directory"), "{said}");
            std::fs::remove_dir(&place).unwrap();
            if was_there {
                std::fs::rename(&aside, &place).unwrap();
            }
            assert_eq!(keeping(&repo), Vec::<String>::new());
        }
        for folder in [own, shared] {
            let aside = folder.with_extension("kept");
            if std::fs::rename(&folder, &aside).is_err() {
                continue;
            }
            std::fs::write(&folder, "").unwrap();
            let found = keeping(&repo);
            let is_mended = |line: &String| line.starts_with("keeping broken: git comfy init, ");
            assert!(found.iter().any(is_mended), "{found:?}");
            std::fs::remove_file(&folder).unwrap();
            std::fs::rename(&aside, &folder).unwrap();
            assert_eq!(keeping(&repo), Vec::<String>::new());
        }
    }
}

#[test]
fn a_log_that_was_cut_to_nothing_is_named() {
    let repo = set_up();
    std::fs::create_dir_all(repo.common_dir().join("comfy")).unwrap();
    std::fs::write(repo.common_dir().join("comfy/layouts"), "").unwrap();
    let (code, found) = findings(&repo);
    assert_eq!((code, found.len()), (1, 1), "{found:?}");
    assert!(found[0].starts_with("keeping broken: git comfy init, "), "{found:?}");
}

#[cfg(unix)]
#[test]
fn files_without_rights_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let repo = set_up();
    repo.write("a.json", workflow(20, 0));
    repo.git(["add", "a.json"]);
    let file = repo.common_dir().join("comfy/layouts");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may do everything sees no rights.
    if std::fs::File::open(&file).is_err() {
        let (code, found) = findings(&repo);
        assert_eq!((code, found.len()), (1, 1), "{found:?}");
        assert!(found[0].starts_with("keeping broken: chmod u+rw "), "{found:?}");
    }
}
