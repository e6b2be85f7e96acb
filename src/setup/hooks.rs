//! The hooks: what they are, where git looks for them here, and how ours live beside
//! anyone else's.
//!
//! git 2.54 and newer take hooks from the configuration, beside the files. Older ones
//! know one file for each event; there ours is a marked block near the top of a shell
//! script, and a hook in another language is kept aside and run after ours.

use std::fs;
use std::path::{Path, PathBuf};

use super::block::{self, Site};
use super::plan::{Kind, Step};
use crate::platform::git::Result;
use crate::platform::git::config::{Change, Configuration, Scope};
use crate::platform::git::plumbing::Git;
use crate::platform::git::program_settings::Program;
use crate::platform::git::shell::shell_word;

#[derive(Debug, Clone, Copy)]
pub struct Hook {
    /// git's name of the event, also the name of the file.
    pub event: &'static str,
    /// The file as it lies in `hooks/` of the sources: a shebang, the marked block, and
    /// the call of a hook that was kept aside.
    pub script: &'static str,
    /// Whether the hook's exit code can stop the git command.
    pub say: Say,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// It cannot: git goes on whatever happens.
    None,
    /// Exit code 1 stops git; any other failure does not.
    Veto,
}

pub const HOOKS: &[Hook] = &[
    Hook { event: "pre-commit", script: include_str!("../../hooks/pre-commit"), say: Say::Veto },
    Hook { event: "post-commit", script: include_str!("../../hooks/post-commit"), say: Say::None },
    Hook {
        event: "post-checkout",
        script: include_str!("../../hooks/post-checkout"),
        say: Say::None,
    },
    Hook { event: "post-merge", script: include_str!("../../hooks/post-merge"), say: Say::None },
    Hook {
        event: "post-rewrite",
        script: include_str!("../../hooks/post-rewrite"),
        say: Say::None,
    },
    Hook { event: "pre-push", script: include_str!("../../hooks/pre-push"), say: Say::None },
];

/// The folder, in the hooks folder, for hooks that ours replaced and calls.
const KEPT: &str = "git-comfy-kept";
/// The line of the scripts that names the program.
const PROGRAM_LINE: &str = "git_comfy=git-comfy\n";

impl Hook {
    /// The key under which git 2.54 finds the hook; the name between the dots must not be
    /// an event's.
    pub fn key(&self, name: &str) -> String {
        format!("hook.comfy-{}.{name}", self.event)
    }

    /// What git 2.54 runs. git adds `"$@"` at the end, so a function takes it.
    pub fn command(&self, program: &Program) -> String {
        let word = program.word();
        let event = self.event;
        let otherwise = match self.say {
            Say::None => ":",
            Say::Veto => "test $? -ne 1",
        };
        format!(
            "git_comfy() {{ command -v {word} >/dev/null 2>&1 || return 0; \
             {word} hook {event} \"$@\" || {otherwise}; }}; git_comfy"
        )
    }

    /// The whole script with the path of the program in it.
    pub fn file(&self, program: &Program) -> String {
        self.script.replacen(
            PROGRAM_LINE,
            &format!("git_comfy={}\n", shell_word(program.path())),
            1,
        )
    }

    /// The marked block of the script, without the final line break.
    fn block(&self, program: &Program) -> String {
        let file = self.file(program);
        let block = block::find(file.as_bytes()).unwrap_or_default();
        String::from_utf8_lossy(block).into_owned()
    }

    /// Whether a file without its block is our own script and nothing more.
    fn is_own_rest(&self, rest: &[u8]) -> bool {
        block::take(self.script.as_bytes()).is_some_and(|own| own == rest)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The repository's alone: inside its git folder.
    Repository,
    /// In the work tree, ignored by git: made by a tool such as husky, which makes it
    /// anew now and then.
    Generated,
    /// In the work tree and shared with everyone who clones.
    Team,
    /// Outside the repository: used by others too.
    Elsewhere,
    /// No folder at all (`core.hooksPath=/dev/null`): hooks are switched off.
    Nobody,
}

/// The folder in which git looks for hook files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub path: PathBuf,
    pub owner: Owner,
}

impl Folder {
    /// Asks git where it looks. `git` must be at the top of the work tree, which a
    /// relative `core.hooksPath` starts from.
    pub fn find(git: &Git, common: &Path) -> Result<Folder> {
        let told = git.run(["rev-parse", "--git-path", "hooks"])?;
        let told = String::from_utf8_lossy(&told);
        let path = git.folder().join(told.trim_end_matches(['\r', '\n']));
        let owner = owner(git, &path, common)?;
        Ok(Folder { path, owner })
    }
}

fn owner(git: &Git, path: &Path, common: &Path) -> Result<Owner> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_dir() {
        return Ok(Owner::Nobody);
    }
    if real(path).starts_with(real(common)) || path.starts_with(common) {
        return Ok(Owner::Repository);
    }
    if !real(path).starts_with(real(git.folder())) {
        return Ok(Owner::Elsewhere);
    }
    let probe = path.join("post-commit");
    let ignored = git.ask(["check-ignore".as_ref(), "-q".as_ref(), probe.as_os_str()])?;
    Ok(if ignored.is_some() { Owner::Generated } else { Owner::Team })
}

/// The file under a hook's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Ours {
        content: Vec<u8>,
        /// Whether git would run it: it is executable.
        runs: bool,
    },
    /// Someone else's shell script that git runs.
    Shell(Vec<u8>),
    /// Someone else's hook in another language, a link, or one that git does not run.
    Other,
    /// Made by pre-commit, which keeps the hook that was there before as `.legacy` and
    /// runs it: ours is that one.
    Legacy(PathBuf, Vec<u8>),
}

/// Reads the file under a hook's name and tells whose it is.
pub fn look(folder: &Path, hook: &Hook) -> Found {
    let path = folder.join(hook.event);
    let Ok(about) = path.symlink_metadata() else { return Found::Nothing };
    let Ok(content) = fs::read(&path) else { return Found::Other };
    let runs = is_program(&path);
    if block::find(&content).is_some() {
        return Found::Ours { content, runs };
    }
    let legacy = folder.join(format!("{}.legacy", hook.event));
    if memchr::memmem::find(&content, b"File generated by pre-commit").is_some()
        && let Ok(before) = fs::read(&legacy)
        && block::find(&before).is_some()
    {
        return Found::Legacy(legacy, before);
    }
    if about.is_file() && runs && is_shell(&content) { Found::Shell(content) } else { Found::Other }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(_path: &Path) -> bool {
    true
}

/// Whether a script is for a shell that reads what `sh` reads.
fn is_shell(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    if text.contains('\0') {
        return false;
    }
    let Some(shebang) = text.lines().next().unwrap_or_default().strip_prefix("#!") else {
        // git runs a script without a shebang by sh.
        return true;
    };
    let mut words = shebang.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let interpreter = match words.next() {
        Some("env") => words.find(|word| !word.starts_with('-') && !word.contains('=')),
        first => first,
    };
    matches!(interpreter, Some("sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh"))
}

/// The steps that put one hook into a folder of hook files.
pub fn put(folder: &Path, hook: &Hook, program: &Program) -> Vec<Step> {
    let path = folder.join(hook.event);
    let whole = || hook.file(program).into_bytes();
    let with = |content: &[u8]| block::put(content, &hook.block(program), Site::AfterShebang);
    let write = |path: PathBuf, content| Step::Write { path, content, kind: Kind::Program };
    match look(folder, hook) {
        Found::Nothing => vec![write(path, whole())],
        Found::Shell(content) => vec![write(path, with(&content))],
        Found::Ours { content, .. } => {
            let new = with(&content);
            if new == content { Vec::new() } else { vec![write(path, new)] }
        }
        Found::Legacy(path, content) => {
            let new = with(&content);
            if new == content { Vec::new() } else { vec![write(path, new)] }
        }
        Found::Other => {
            let kept = folder.join(KEPT).join(hook.event);
            vec![Step::Move { from: path.clone(), to: kept }, write(path, whole())]
        }
    }
}

/// The steps that take one hook out of a folder, leaving what was there before.
pub fn take(folder: &Path, hook: &Hook) -> Vec<Step> {
    let path = folder.join(hook.event);
    let (path, content) = match look(folder, hook) {
        Found::Ours { content, .. } => (path, content),
        Found::Legacy(path, content) => (path, content),
        _ => return Vec::new(),
    };
    let Some(rest) = block::take(&content) else { return Vec::new() };
    if !hook.is_own_rest(&rest) {
        return vec![Step::Write { path, content: rest, kind: Kind::Program }];
    }
    let mut steps = vec![Step::Delete(path.clone())];
    let kept = folder.join(KEPT).join(hook.event);
    if kept.symlink_metadata().is_ok() {
        steps.push(Step::Move { from: kept, to: path });
        steps.push(Step::DeleteEmpty(folder.join(KEPT)));
    }
    steps
}

/// The changes that make git 2.54 run one hook from the configuration. git dies of an
/// event without a command, so the command comes first.
pub fn configure(
    hook: &Hook,
    program: &Program,
    config: &Configuration,
    scope: Scope,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let (command, event) = (hook.key("command"), hook.key("event"));
    let wanted = hook.command(program);
    if config.in_scope(scope, &command) != [wanted.as_str()] {
        steps.push(Step::Config(scope, Change::Set { key: command, value: wanted }));
    }
    if config.in_scope(scope, &event) != [hook.event] {
        steps.push(Step::Config(scope, Change::Set { key: event, value: hook.event.to_owned() }));
    }
    steps
}

/// The changes that take one hook out of the configuration, the event first.
pub fn unconfigure(hook: &Hook, config: &Configuration, scope: Scope) -> Vec<Step> {
    let mut steps = Vec::new();
    for name in ["event", "command"] {
        let key = hook.key(name);
        for value in config.in_scope(scope, &key) {
            let change = Change::Remove { key: key.clone(), value: value.to_owned() };
            steps.push(Step::Config(scope, change));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_have_what_set_up_relies_on() {
        for hook in HOOKS {
            assert_eq!(hook.script.matches(PROGRAM_LINE).count(), 1, "{}", hook.event);
            assert!(hook.script.starts_with("#!/bin/sh\n# >>> git-comfy >>>\n"), "{}", hook.event);
            assert!(hook.script.contains(&format!("\"$git_comfy\" hook {} ", hook.event)));
            assert!(hook.script.contains(&format!("{KEPT}/{}", hook.event)));
            let file = hook.file(&Program::new("/a b/git-comfy"));
            assert!(file.contains("git_comfy='/a b/git-comfy'\n"));
            assert!(hook.is_own_rest(&block::take(file.as_bytes()).unwrap()));
        }
    }

    #[test]
    fn shells_are_told_from_other_languages() {
        for text in [
            "#!/bin/sh\n",
            "#!/usr/bin/env bash\n",
            "#! /bin/bash -e\n",
            "echo no shebang\n",
            "#!/usr/bin/env -S zsh -f\n",
            "#!/bin/sh -e",
            "",
        ] {
            assert!(is_shell(text.as_bytes()), "{text}");
        }
        for text in ["#!/usr/bin/env python3\n", "#!/usr/bin/perl\n", "#!/usr/bin/fish\n", "\0ELF"]
        {
            assert!(!is_shell(text.as_bytes()), "{text}");
        }
    }
}
