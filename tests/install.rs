//! install.sh with a ready-made program: what lies where afterwards, and that nothing is
//! left when it is taken out again. Building is CI's part (`.ci/run`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{GIT_COMFY, World};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");

fn install(world: &World, arguments: &[&str]) -> Output {
    // Without the program under test on PATH.
    let path = std::env::var_os("PATH").unwrap();
    world.command("sh").env("PATH", path).arg(SCRIPT).args(arguments).output().unwrap()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn the_program_and_its_pages_are_installed_and_taken_out() {
    let world = World::new();
    let prefix = world.path("a prefix");
    let given = prefix.to_str().unwrap();
    fs::create_dir_all(prefix.join("bin")).unwrap();
    fs::write(prefix.join("bin/other"), "not ours").unwrap();
    let said = succeeded(&install(&world, &["--binary", GIT_COMFY, "--prefix", given]));
    assert!(said.contains(&format!("export PATH=\"{given}/bin:$PATH\"")), "{said}");
    for path in [
        "bin/git-comfy",
        "share/man/man1/git-comfy.1",
        "share/man/man1/git-comfy-init.1",
        "share/bash-completion/completions/git-comfy",
        "share/zsh/site-functions/_git-comfy",
        "share/fish/vendor_completions.d/git-comfy.fish",
    ] {
        assert!(prefix.join(path).is_file(), "{path} is missing");
    }
    let mut git = world.command("git");
    let path = std::env::join_paths(
        [prefix.join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let version = git.env("PATH", path.unwrap()).args(["comfy", "--version"]).output().unwrap();
    assert!(succeeded(&version).starts_with("git-comfy "));
    // Again, over what an older version left behind.
    let list = prefix.join("share/git-comfy/installed");
    fs::write(prefix.join("share/man/man1/git-comfy-old.1"), "old").unwrap();
    let listed = fs::read_to_string(&list).unwrap();
    fs::write(&list, listed + "share/man/man1/git-comfy-old.1\n").unwrap();
    succeeded(&install(&world, &["--binary", GIT_COMFY, "--prefix", given]));
    assert!(!prefix.join("share/man/man1/git-comfy-old.1").exists());

    succeeded(&install(&world, &["--uninstall", "--prefix", given]));
    assert_eq!(files(&prefix), [prefix.join("bin/other")]);
    let again = install(&world, &["--uninstall", "--prefix", given]);
    assert_eq!(again.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn the_demo_proves_what_it_says_and_touches_nothing_else() {
    let world = World::new();
    let prefix = world.path("prefix");
    let before = files(&world.home());
    let settings = fs::read(world.home().join(".gitconfig")).unwrap();
    let given = prefix.to_str().unwrap();
    let said = succeeded(&install(&world, &["--demo", "--binary", GIT_COMFY, "--prefix", given]));
    assert!(said.contains("$ git diff\n  ok: git diff is empty\n"), "{said}");
    assert_eq!(files(&world.home()), before);
    assert_eq!(fs::read(world.home().join(".gitconfig")).unwrap(), settings);
}

#[cfg(unix)]
#[test]
fn without_a_toolchain_it_says_how_to_get_one() {
    let world = World::new();
    let tools = world.path("tools");
    fs::create_dir(&tools).unwrap();
    // A machine with a compiler and git, but no cargo.
    for name in ["sh", "dirname", "mktemp", "rm", "sed", "awk", "git", "cc", "cat"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join(name))
            .find(|path| path.exists());
        if let Some(found) = found {
            std::os::unix::fs::symlink(found, tools.join(name)).unwrap();
        }
    }
    let mut sh = world.command(tools.join("sh"));
    sh.env("PATH", &tools).env_remove("CARGO_HOME").env_remove("CC");
    let output = sh.arg(SCRIPT).args(["--demo"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("./install.sh --with-rust --demo"), "{said}");
    assert!(said.contains("https://rustup.rs"), "{said}");
}

#[test]
fn an_unknown_option_is_refused() {
    let output = install(&World::new(), &["--purge"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--purge"));
}

#[cfg(unix)]
#[test]
fn bash_completes_git_comfy_through_gits_own_completion() {
    let world = World::new();
    let Ok(bash) = world.command("bash").arg("--version").output() else { return };
    // macOS has a bash 3 that clap's script does not ask for.
    if String::from_utf8_lossy(&bash.stdout).contains("version 3.") {
        return;
    }
    let folder = world.path("completions");
    let mut comfy = world.command(GIT_COMFY);
    assert!(comfy.args(["generate", "bash"]).arg(&folder).status().unwrap().success());
    // As git's completion calls it: the words it has split, and where the command is.
    let script = format!(
        "source '{}'\ntry() {{ local words=(\"$@\") cword=$(($# - 1)) __git_cmd_idx=$at; \
         _git_comfy; echo \"${{COMPREPLY[*]}}\"; }}\n\
         at=1 try git comfy unins\nat=3 try git -C . comfy init --renorm\n",
        folder.join("git-comfy").display()
    );
    let output = world.command("bash").arg("-c").arg(script).output().unwrap();
    assert_eq!(succeeded(&output), "uninstall\n--renormalize\n");
}
