//! Hooks: run by real git, beside everyone else's, and never in anybody's way.
//!
//! What is under test is how hooks are put in place; a stand-in that writes down how it
//! was called takes the part of the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::init::snapshot;
use crate::support::{Repo, World};

const STAND_IN: &str = r#"#!/bin/sh
log="${0%/*}/log"
shift
echo "$*" >>"$log"
case $1 in
pre-push | post-rewrite) sed 's/^/< /' >>"$log" ;;
esac
exit "${STAND_IN_EXIT:-0}"
"#;

/// The hooks of one commit.
const COMMIT_CALLS: &str = "pre-commit\nprepare-commit-msg\npost-commit\n";

struct Stage {
    world: Rc<World>,
    repo: Repo,
    program: PathBuf,
}

impl Stage {
    fn new() -> Stage {
        Stage::on(World::new())
    }

    fn on(world: Rc<World>) -> Stage {
        let program = world.path("it's a bin 100%/git-comfy");
        fs::create_dir(program.parent().unwrap()).unwrap();
        fs::write(&program, STAND_IN).unwrap();
        make_program(&program);
        let repo = world.repo("repo");
        Stage { world, repo, program }
    }

    fn init(&self, arguments: &[&str]) -> String {
        let program = self.program.to_str().unwrap();
        self.repo.comfy(["init", "--command", program].iter().chain(arguments))
    }

    /// What the stand-in was called with since the last time.
    fn calls(&self) -> String {
        let log = self.program.with_file_name("log");
        let calls = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        // Where the message lies depends on the work tree.
        let name = |line: &str| match line.starts_with("prepare-commit-msg ") {
            true => "prepare-commit-msg\n".to_owned(),
            false => format!("{line}\n"),
        };
        calls.lines().map(name).collect()
    }

    fn hook(&self, name: &str, content: &str) -> PathBuf {
        let path = self.repo.common_dir().join("hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        make_program(&path);
        path
    }

    fn commit(&self) {
        self.repo.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    }

    /// Commits and tells what both the stand-in and a hook that appends to `mine` saw.
    fn mine(&self) -> String {
        fs::read_to_string(self.repo.path.join("mine")).unwrap_or_default()
    }
}

fn make_program(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn every_event(stage: &Stage) {
    let bare = stage.world.bare("bare.git");
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS);
    stage.repo.git(["commit", "-q", "--amend", "--allow-empty", "-m", "y"]);
    let calls = stage.calls();
    let lines: Vec<_> = calls.lines().collect();
    assert_eq!(
        lines[..4],
        ["pre-commit", "prepare-commit-msg", "post-commit", "post-rewrite amend"]
    );
    assert!(lines[4].starts_with("< ") && lines.len() == 5, "{calls}");
    stage.repo.git(["checkout", "-q", "-b", "side"]);
    assert!(stage.calls().starts_with("post-checkout "));
    stage.commit();
    stage.repo.git(["checkout", "-q", "main"]);
    stage.calls();
    stage.repo.git(["merge", "-q", "side"]);
    assert!(stage.calls().contains("post-merge 0\n"));
    let url = bare.path.to_str().unwrap();
    stage.repo.git(["push", "-q", url, "main", "side"]);
    let calls = stage.calls();
    let lines: Vec<_> = calls.lines().collect();
    assert_eq!(lines[0], format!("pre-push {url} {url}"));
    assert!(lines[1].starts_with("< refs/heads/main ") && lines.len() == 3, "{calls}");
    // Nothing to push: standard input is empty.
    stage.repo.git(["push", "-q", url, "main"]);
    assert_eq!(stage.calls(), format!("pre-push {url} {url}\n"));
}

fn never_in_the_way(stage: &Stage) {
    let bare = stage.world.bare("other.git");
    let url = bare.path.to_str().unwrap();
    for code in ["1", "2", "134"] {
        let mut git = stage.repo.command("git");
        let commit = git.args(["commit", "--allow-empty", "-m", "x"]).env("STAND_IN_EXIT", code);
        // Only a commit can be refused, and only on purpose.
        assert_eq!(commit.status().unwrap().success(), code != "1", "{code}");
        let mut git = stage.repo.command("git");
        let push = git.args(["push", "-q", url, "HEAD"]).env("STAND_IN_EXIT", code);
        assert!(push.status().unwrap().success());
    }
    fs::remove_file(&stage.program).unwrap();
    for arguments in
        [vec!["commit", "-q", "--allow-empty", "-m", "x"], vec!["push", "-q", url, "HEAD"]]
    {
        let output = stage.repo.try_git(&arguments);
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn files_run_on_every_event() {
    let stage = Stage::new();
    stage.init(&["--hooks", "files"]);
    every_event(&stage);
    never_in_the_way(&stage);
}

#[test]
fn the_configuration_runs_them_on_every_event_where_git_can() {
    let Some(world) = world_with_configured_hooks() else { return };
    let stage = Stage::on(world);
    let mine = stage.hook("post-commit", "#!/bin/sh\necho ran >>mine\n");
    stage.init(&[]);
    assert_eq!(fs::read_to_string(mine).unwrap(), "#!/bin/sh\necho ran >>mine\n");
    assert!(!stage.repo.path.join(".git/hooks/pre-push").exists());
    assert!(stage.repo.git(["hook", "list", "post-commit"]).contains("comfy-post-commit"));
    every_event(&stage);
    assert!(stage.mine().starts_with("ran\n"), "their own hook runs too");
    never_in_the_way(&stage);
}

#[test]
fn the_configuration_runs_them_for_the_whole_machine() {
    let Some(world) = world_with_configured_hooks() else { return };
    let stage = Stage::on(world);
    stage.init(&["--global"]);
    every_event(&stage);
    // A repository that was set up too runs them once.
    stage.init(&[]);
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS);
    stage.repo.comfy(["uninstall", "--global"]);
    stage.commit();
    assert_eq!(stage.calls(), "");
}

#[test]
fn a_newer_git_moves_the_hooks_out_of_the_files() {
    let Some(world) = world_with_configured_hooks() else { return };
    let stage = Stage::on(world);
    let mine = stage.hook("post-commit", "#!/bin/sh\necho ran >>mine\n");
    stage.init(&["--hooks", "files"]);
    stage.init(&["--hooks", "auto"]);
    assert_eq!(fs::read_to_string(mine).unwrap(), "#!/bin/sh\necho ran >>mine\n");
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS);
    // And back, for an older git on the same machine.
    stage.init(&["--hooks", "files"]);
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS);
}

/// A world whose git takes hooks from the configuration, where this machine has one.
pub(crate) fn world_with_configured_hooks() -> Option<Rc<World>> {
    World::gits().into_iter().map(|folder| World::with_git(Some(folder))).find(|world| {
        let told = world.command("git").arg("--version").output().unwrap().stdout;
        let told = String::from_utf8_lossy(&told);
        git_comfy::internals::platform::GitVersion::parse(&told).is_some_and(|version| {
            version >= git_comfy::internals::platform::GitVersion::CONFIGURED_HOOKS
        })
    })
}

#[test]
fn a_shell_hook_keeps_every_byte_around_ours() {
    for theirs in [
        "#!/bin/sh\necho ran >>mine\n",
        "#!/usr/bin/env bash\nset -euo pipefail\necho ran >>mine\nexit 0\necho never\n",
        "#!/bin/sh -e\nexec sh -c 'echo ran >>mine'",
        "echo ran >>mine\n",
    ] {
        let stage = Stage::new();
        let path = stage.hook("post-commit", theirs);
        let before = snapshot(&stage.repo);
        stage.init(&["--hooks", "files"]);
        stage.init(&["--hooks", "files"]);
        assert_eq!(fs::read_to_string(&path).unwrap().matches("# >>> git-comfy >>>").count(), 1);
        stage.commit();
        assert_eq!(
            (stage.calls(), stage.mine()),
            (COMMIT_CALLS.into(), "ran\n".into()),
            "{theirs}"
        );
        fs::remove_file(stage.repo.path.join("mine")).unwrap();
        stage.repo.comfy(["uninstall"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
        assert_eq!(hooks_of(&snapshot(&stage.repo)), hooks_of(&before));
    }
}

#[test]
fn a_hook_of_git_lfs_still_reads_what_git_tells() {
    let stage = Stage::new();
    let theirs = "#!/bin/sh\ncommand -v git-lfs >/dev/null 2>&1 || { printf >&2 \"\\n%s\\n\\n\" \
                  \"This repository is configured for Git LFS\"; exit 2; }\ngit lfs pre-push \"$@\"\n";
    let path = stage.hook("pre-push", theirs);
    // Stands for git-lfs: writes down what it is told.
    let lfs = stage.program.with_file_name("git-lfs");
    fs::write(&lfs, "#!/bin/sh\n{ echo \"$@\"; cat; } >>mine\n").unwrap();
    make_program(&lfs);
    stage.init(&["--hooks", "files"]);
    stage.commit();
    let bare = stage.world.bare("bare.git");
    let url = bare.path.to_str().unwrap();
    let mut git = stage.repo.command("git");
    let path_with = {
        let own = stage.repo.command("git");
        let path = own.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
        let all =
            [lfs.parent().unwrap().to_path_buf()].into_iter().chain(std::env::split_paths(&path));
        std::env::join_paths(all).unwrap()
    };
    assert!(
        git.args(["push", "-q", url, "main"]).env("PATH", path_with).status().unwrap().success()
    );
    let (calls, mine) = (stage.calls(), stage.mine());
    let told = calls.lines().find_map(|line| line.strip_prefix("< ")).unwrap();
    assert_eq!(mine, format!("pre-push {url} {url}\n{told}\n"));
    stage.repo.comfy(["uninstall"]);
    assert_eq!(fs::read_to_string(path).unwrap(), theirs);
}

#[test]
fn a_hook_that_refuses_goes_on_refusing() {
    let stage = Stage::new();
    stage.hook("pre-push", "#!/bin/sh\nread line\ntest -z \"$line\"\n");
    stage.init(&["--hooks", "files"]);
    stage.commit();
    let bare = stage.world.bare("bare.git");
    let url = bare.path.to_str().unwrap();
    assert!(!stage.repo.try_git(["push", "-q", url, "main"]).status.success());
}

#[test]
fn a_hook_in_another_language_runs_after_ours_and_comes_back() {
    let stage = Stage::new();
    let theirs = "#!/usr/bin/env python3\nimport sys\nopen('mine', 'a').write(' '.join(sys.argv[1:]) + '\\n' + sys.stdin.read())\n";
    let path = stage.hook("pre-push", theirs);
    let before = snapshot(&stage.repo);
    stage.init(&["--hooks", "files"]);
    stage.init(&["--hooks", "files"]);
    if std::process::Command::new("python3").arg("--version").output().is_ok() {
        stage.commit();
        let bare = stage.world.bare("bare.git");
        let url = bare.path.to_str().unwrap();
        stage.repo.git(["push", "-q", url, "main"]);
        assert!(
            stage.mine().starts_with(&format!("{url} {url}\nrefs/heads/main ")),
            "{}",
            stage.mine()
        );
        assert!(stage.calls().contains("pre-push"));
    }
    stage.repo.comfy(["uninstall"]);
    assert_eq!(fs::read_to_string(path).unwrap(), theirs);
    assert_eq!(hooks_of(&snapshot(&stage.repo)), hooks_of(&before));
}

#[cfg(unix)]
#[test]
fn a_hook_that_git_does_not_run_is_not_woken() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let path = stage.hook("post-commit", "#!/bin/sh\necho ran >>mine\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let before = snapshot(&stage.repo);
    stage.init(&["--hooks", "files"]);
    stage.commit();
    assert_eq!((stage.calls(), stage.mine()), (COMMIT_CALLS.into(), String::new()));
    stage.repo.comfy(["uninstall"]);
    assert_eq!(hooks_of(&snapshot(&stage.repo)), hooks_of(&before));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_committed_script_stays_a_link() {
    let stage = Stage::new();
    stage.repo.write("tools/after-commit", "#!/bin/sh\necho ran >>mine\n");
    make_program(&stage.repo.path.join("tools/after-commit"));
    let hooks = stage.repo.common_dir().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    std::os::unix::fs::symlink("../../tools/after-commit", hooks.join("post-commit")).unwrap();
    let before = snapshot(&stage.repo);
    stage.init(&["--hooks", "files"]);
    stage.commit();
    assert_eq!((stage.calls(), stage.mine()), (COMMIT_CALLS.into(), "ran\n".into()));
    assert_eq!(stage.repo.text("tools/after-commit"), "#!/bin/sh\necho ran >>mine\n");
    stage.repo.comfy(["uninstall"]);
    assert_eq!(hooks_of(&snapshot(&stage.repo)), hooks_of(&before));
}

#[test]
fn beside_husky() {
    let stage = Stage::new();
    // As husky 9 lays it out: a generated folder that git ignores, and the team's hooks.
    stage.repo.write(".husky/_/.gitignore", "*");
    stage.repo.write(".husky/_/h", "#!/usr/bin/env sh\nn=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n[ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\n");
    stage.repo.write(".husky/_/post-commit", "#!/usr/bin/env sh\n. \"${0%/*}/h\"");
    make_program(&stage.repo.path.join(".husky/_/post-commit"));
    stage.repo.write(".husky/post-commit", "echo ran >>mine\n");
    stage.repo.git(["config", "core.hooksPath", ".husky/_"]);
    let said = stage.init(&["--hooks", "files"]);
    assert!(said.contains(".husky/_"), "{said}");
    stage.commit();
    assert_eq!((stage.calls(), stage.mine()), (COMMIT_CALLS.into(), "ran\n".into()));
    assert_eq!(stage.repo.text(".husky/post-commit"), "echo ran >>mine\n");
    stage.repo.comfy(["uninstall"]);
    assert_eq!(stage.repo.text(".husky/_/post-commit"), "#!/usr/bin/env sh\n. \"${0%/*}/h\"");
    assert!(!stage.repo.path.join(".husky/_/pre-push").exists());
}

#[test]
fn beside_pre_commit() {
    let stage = Stage::new();
    let generated = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n\
                     # ID: 138fd403232d2ddd5efb44317e38bf03\n\n\
                     HERE=\"$(cd \"$(dirname \"$0\")\" && pwd)\"\necho pre-commit >>mine\n\
                     if [ -x \"$HERE/post-commit.legacy\" ]; then exec \"$HERE/post-commit.legacy\" \"$@\"; fi\n";
    // pre-commit was there first.
    let path = stage.hook("post-commit", generated);
    stage.init(&["--hooks", "files"]);
    stage.commit();
    assert_eq!((stage.calls(), stage.mine()), (COMMIT_CALLS.into(), "pre-commit\n".into()));
    stage.repo.comfy(["uninstall"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), generated);
    // pre-commit comes later: it puts ours aside and runs it.
    fs::remove_file(&path).unwrap();
    stage.init(&["--hooks", "files"]);
    fs::rename(&path, path.with_extension("legacy")).unwrap();
    stage.hook("post-commit", generated);
    stage.init(&["--hooks", "files"]);
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS, "once, not twice");
    stage.repo.comfy(["uninstall"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), generated);
    assert!(!path.with_extension("legacy").exists());
}

#[test]
fn a_folder_of_the_team_is_not_touched_unless_forced() {
    let stage = Stage::new();
    stage.repo.write("team hooks/post-commit", "#!/bin/sh\necho ran >>mine\n");
    make_program(&stage.repo.path.join("team hooks/post-commit"));
    stage.repo.git(["config", "core.hooksPath", "team hooks"]);
    stage.repo.commit_all("team");
    let said = stage.init(&["--hooks", "files"]);
    assert!(said.contains("team hooks") && said.contains("--force"), "{said}");
    assert_eq!(stage.repo.git(["status", "--porcelain", "team hooks"]), "");
    stage.init(&["--hooks", "files", "--force"]);
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS);
    stage.repo.comfy(["uninstall"]);
    assert_eq!(stage.repo.git(["status", "--porcelain", "team hooks"]), "");
}

#[test]
fn a_folder_for_all_repositories_is_not_touched_unless_forced() {
    let stage = Stage::new();
    stage.repo.git(["config", "--global", "core.hooksPath", "~/hooks"]);
    let said = stage.init(&["--hooks", "files"]);
    assert!(said.contains("other repositories"), "{said}");
    assert!(!stage.world.home().join("hooks").exists());
    stage.init(&["--hooks", "files", "--force"]);
    assert!(stage.world.home().join("hooks/post-commit").exists());
    stage.commit();
    assert_eq!(stage.calls(), COMMIT_CALLS);
}

#[test]
fn hooks_that_are_switched_off_stay_off() {
    let stage = Stage::new();
    stage.repo.git(["config", "core.hooksPath", "/dev/null"]);
    let said = stage.init(&["--hooks", "files"]);
    assert!(said.contains("switched off"), "{said}");
    stage.commit();
    assert_eq!(stage.calls(), "");
}

#[test]
fn without_hooks_when_asked() {
    let stage = Stage::new();
    stage.init(&["--no-hooks"]);
    stage.commit();
    assert_eq!(stage.calls(), "");
}

#[test]
fn linked_work_trees_and_submodules_have_them() {
    let stage = Stage::new();
    stage.commit();
    stage.init(&["--hooks", "files"]);
    stage.repo.git(["worktree", "add", "-q", "../tree", "-b", "side"]);
    stage.calls();
    stage.world.at("tree").git(["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(stage.calls(), COMMIT_CALLS);
    let outer = stage.world.repo("outer");
    outer.git(["submodule", "--quiet", "add", stage.repo.path.to_str().unwrap(), "sub"]);
    let sub = stage.world.at("outer/sub");
    sub.comfy(["init", "--hooks", "files", "--command", stage.program.to_str().unwrap()]);
    stage.calls();
    sub.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(stage.calls(), COMMIT_CALLS);
    outer.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(stage.calls(), "");
}

type Snapshot = [(PathBuf, Vec<u8>, u32)];

fn hooks_of(files: &Snapshot) -> Vec<&(PathBuf, Vec<u8>, u32)> {
    files.iter().filter(|(path, ..)| path.to_string_lossy().contains("/hooks/")).collect()
}

#[cfg(unix)]
#[test]
fn a_push_that_is_a_trial_sends_nothing() {
    use crate::support::workflow;
    let mut styles = vec![(World::new(), "files")];
    styles.extend(world_with_configured_hooks().map(|world| (world, "config")));
    for (world, style) in styles {
        let bare = world.bare("bare.git");
        bare.git(["config", "receive.advertisePushOptions", "true"]);
        let repo = world.repo("repo");
        repo.git(["remote", "add", "origin", bare.path.to_str().unwrap()]);
        repo.comfy(["init", "--hooks", style]);
        repo.write("a.json", workflow(20, 0));
        repo.commit_all("one");
        repo.git(["config", "alias.try", "push -n"]);
        let notes = || bare.git(["for-each-ref", "--format=%(refname)", "refs/notes"]);
        for trial in [
            vec!["push", "-q", "--dry-run", "origin", "main"],
            vec!["push", "origin", "main", "-qn"],
            vec!["try", "-q", "origin", "main"],
        ] {
            repo.git(&trial);
            assert_eq!(notes(), "", "{style}: {trial:?}");
        }
        repo.git(["push", "-q", "-o", "n", "--dry-run", "--no-dry-run", "origin", "main"]);
        assert!(notes().contains("refs/notes/comfy-layout"), "{style}");
    }
}
