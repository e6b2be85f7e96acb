//! The hooks: what they are, where git looks for them here, and how ours live beside
//! anyone else's.
//!
//! git 2.54 and newer take hooks from the configuration, beside the files. Older ones
//! know one file for each event; there ours is a marked block near the top of a shell
//! script, and a hook in another language is kept aside and run after ours.

use std::fs;
use std::path::{Path, PathBuf};

use super::marked_block::{self, BlockPosition};
use super::plan::{NewFileKind, SetupStep};
use crate::platform::files::resolve_links;
use crate::platform::git::Result;
use crate::platform::git::command::GitCommand;
use crate::platform::git::config::{ConfigChange, ConfigScope, GitConfig};
use crate::platform::git::program_settings::ConfiguredProgram;
use crate::platform::git::shell::shell_word;

#[derive(Debug, Clone, Copy)]
pub(crate) struct HookScript {
    /// git's name of the event, also the name of the file.
    pub event: &'static str,
    /// The file as it lies in `hooks/` of the sources: a shebang, the marked block, and
    /// the call of a hook that was kept aside.
    pub script: &'static str,
    /// Whether the hook's exit code can stop the git command.
    pub veto: HookVeto,
    pub need: HookNeed,
}

/// When a hook is put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookNeed {
    Always,
    /// Where git is told that a drag is no change ([`super::quiet_setup`]).
    QuietDrags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookVeto {
    /// It cannot: git goes on whatever happens.
    None,
    /// Exit code 1 stops git; any other failure does not.
    OnExitOne,
}

pub(crate) const HOOKS: &[HookScript] = &[
    HookScript {
        event: "pre-commit",
        script: include_str!("../../hooks/pre-commit"),
        veto: HookVeto::OnExitOne,
        need: HookNeed::Always,
    },
    HookScript {
        event: "prepare-commit-msg",
        script: include_str!("../../hooks/prepare-commit-msg"),
        veto: HookVeto::OnExitOne,
        need: HookNeed::Always,
    },
    HookScript {
        event: "post-commit",
        script: include_str!("../../hooks/post-commit"),
        veto: HookVeto::None,
        need: HookNeed::Always,
    },
    HookScript {
        event: "post-checkout",
        script: include_str!("../../hooks/post-checkout"),
        veto: HookVeto::None,
        need: HookNeed::Always,
    },
    HookScript {
        event: "post-merge",
        script: include_str!("../../hooks/post-merge"),
        veto: HookVeto::None,
        need: HookNeed::Always,
    },
    HookScript {
        event: "post-rewrite",
        script: include_str!("../../hooks/post-rewrite"),
        veto: HookVeto::None,
        need: HookNeed::Always,
    },
    HookScript {
        event: "pre-push",
        script: include_str!("../../hooks/pre-push"),
        veto: HookVeto::None,
        need: HookNeed::Always,
    },
    HookScript {
        event: "post-index-change",
        script: include_str!("../../hooks/post-index-change"),
        veto: HookVeto::None,
        need: HookNeed::QuietDrags,
    },
];

/// The folder, in the hooks folder, for hooks that ours replaced and calls.
const KEPT_HOOKS_FOLDER: &str = "git-comfy-kept";
/// The line of the scripts that names the program.
const PROGRAM_LINE: &str = "git_comfy=git-comfy\n";

impl HookScript {
    /// The key under which git 2.54 finds the hook; the name between the dots must not be
    /// an event's.
    pub(crate) fn config_key(&self, name: &str) -> String {
        format!("hook.comfy-{}.{name}", self.event)
    }

    /// What git 2.54 runs. git adds `"$@"` at the end, so a function takes it.
    pub(crate) fn configured_command(&self, program: &ConfiguredProgram) -> String {
        let word = program.shell_word();
        let event = self.event;
        let otherwise = match self.veto {
            HookVeto::None => ":",
            HookVeto::OnExitOne => "test $? -ne 1",
        };
        let condition = match self.need {
            HookNeed::Always => "",
            // As the file has it: git writes the index often, and mostly for no workflow.
            HookNeed::QuietDrags => {
                "test -z \"$GIT_COMFY_MARKING_FILES\" || return 0; \
                 test -e \"${GIT_DIR:-.git}/comfy/unmarked-files\" || \
                 test -f \"${GIT_DIR:-.git}\" || return 0; "
            }
        };
        format!(
            "git_comfy() {{ {condition}command -v {word} >/dev/null 2>&1 || return 0; \
             {word} hook {event} \"$@\" || {otherwise}; }}; git_comfy"
        )
    }

    /// The whole script with the path of the program in it.
    pub(crate) fn script_for(&self, program: &ConfiguredProgram) -> String {
        self.script.replacen(
            PROGRAM_LINE,
            &format!("git_comfy={}\n", shell_word(program.path())),
            1,
        )
    }

    /// The marked block of the script, without the final line break.
    fn block_for(&self, program: &ConfiguredProgram) -> String {
        let file = self.script_for(program);
        let block = marked_block::find_block(file.as_bytes()).unwrap_or_default();
        String::from_utf8_lossy(block).into_owned()
    }

    /// Whether a file without its block is our own script and nothing more.
    fn is_own_rest(&self, rest: &[u8]) -> bool {
        marked_block::remove_block(self.script.as_bytes()).is_some_and(|own| own == rest)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HooksFolderOwner {
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
pub(crate) struct HooksFolder {
    pub path: PathBuf,
    pub owner: HooksFolderOwner,
}

impl HooksFolder {
    /// Asks git where it looks. `git` must be at the top of the work tree, which a
    /// relative `core.hooksPath` starts from.
    pub(crate) fn find(git: &GitCommand, common: &Path) -> Result<HooksFolder> {
        let output = git.with_args(["rev-parse", "--git-path", "hooks"]).output()?;
        let output = String::from_utf8_lossy(&output);
        let path = git.folder().join(output.trim_end_matches(['\r', '\n']));
        let owner = find_owner(git, &path, common)?;
        Ok(HooksFolder { path, owner })
    }
}

fn find_owner(git: &GitCommand, path: &Path, common: &Path) -> Result<HooksFolderOwner> {
    if path.exists() && !path.is_dir() {
        return Ok(HooksFolderOwner::Nobody);
    }
    if resolve_links(path).starts_with(resolve_links(common)) || path.starts_with(common) {
        return Ok(HooksFolderOwner::Repository);
    }
    if !resolve_links(path).starts_with(resolve_links(git.folder())) {
        return Ok(HooksFolderOwner::Elsewhere);
    }
    let probe = path.join("post-commit");
    let ignored = git
        .with_args(["check-ignore".as_ref(), "-q".as_ref(), probe.as_os_str()])
        .output_if_found()?;
    Ok(if ignored.is_some() { HooksFolderOwner::Generated } else { HooksFolderOwner::Team })
}

/// The file under a hook's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HookFile {
    Absent,
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
pub(crate) fn inspect_hook_file(folder: &Path, hook: &HookScript) -> HookFile {
    let path = folder.join(hook.event);
    let Ok(about) = path.symlink_metadata() else { return HookFile::Absent };
    let Ok(content) = fs::read(&path) else { return HookFile::Other };
    let runs = is_program(&path);
    if marked_block::find_block(&content).is_some() {
        return HookFile::Ours { content, runs };
    }
    let legacy = folder.join(format!("{}.legacy", hook.event));
    if memchr::memmem::find(&content, b"File generated by pre-commit").is_some()
        && let Ok(before) = fs::read(&legacy)
        && marked_block::find_block(&before).is_some()
    {
        return HookFile::Legacy(legacy, before);
    }
    if about.is_file() && runs && is_shell_script(&content) {
        HookFile::Shell(content)
    } else {
        HookFile::Other
    }
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
fn is_shell_script(content: &[u8]) -> bool {
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
pub(crate) fn plan_hook_file(
    folder: &Path,
    hook: &HookScript,
    program: &ConfiguredProgram,
) -> Vec<SetupStep> {
    let path = folder.join(hook.event);
    let (path, before) = match inspect_hook_file(folder, hook) {
        HookFile::Absent => return vec![write_program(path, hook.script_for(program))],
        HookFile::Other => {
            let kept = folder.join(KEPT_HOOKS_FOLDER).join(hook.event);
            return vec![
                SetupStep::Move { from: path.clone(), to: kept },
                write_program(path, hook.script_for(program)),
            ];
        }
        HookFile::Shell(content) | HookFile::Ours { content, .. } => (path, content),
        HookFile::Legacy(legacy, content) => (legacy, content),
    };
    let block = hook.block_for(program);
    let content = marked_block::insert_block(&before, &block, BlockPosition::AfterShebang);
    if content == before { Vec::new() } else { vec![write_program(path, content)] }
}

fn write_program(path: PathBuf, content: impl Into<Vec<u8>>) -> SetupStep {
    SetupStep::Write { path, content: content.into(), kind: NewFileKind::Program }
}

/// The steps that take one hook out of a folder, leaving what was there before.
pub(crate) fn plan_hook_file_removal(folder: &Path, hook: &HookScript) -> Vec<SetupStep> {
    let path = folder.join(hook.event);
    let (path, content) = match inspect_hook_file(folder, hook) {
        HookFile::Ours { content, .. } => (path, content),
        HookFile::Legacy(path, content) => (path, content),
        _ => return Vec::new(),
    };
    let Some(rest) = marked_block::remove_block(&content) else { return Vec::new() };
    if !hook.is_own_rest(&rest) {
        return vec![write_program(path, rest)];
    }
    let mut steps = vec![SetupStep::Delete(path.clone())];
    let kept = folder.join(KEPT_HOOKS_FOLDER).join(hook.event);
    if kept.symlink_metadata().is_ok() {
        steps.push(SetupStep::Move { from: kept, to: path });
        steps.push(SetupStep::DeleteEmpty(folder.join(KEPT_HOOKS_FOLDER)));
    }
    steps
}

/// The changes that make git 2.54 run one hook from the configuration. git dies of an
/// event without a command, so the command comes first.
pub(crate) fn plan_hook_config(
    hook: &HookScript,
    program: &ConfiguredProgram,
    config: &GitConfig,
    scope: ConfigScope,
) -> Vec<SetupStep> {
    let mut steps = Vec::new();
    let (command, event) = (hook.config_key("command"), hook.config_key("event"));
    let wanted = hook.configured_command(program);
    if config.values_in_scope(scope, &command) != [wanted.as_str()] {
        steps.push(SetupStep::Config(scope, ConfigChange::set(command, wanted)));
    }
    if config.values_in_scope(scope, &event) != [hook.event] {
        steps.push(SetupStep::Config(scope, ConfigChange::set(event, hook.event)));
    }
    steps
}

/// The changes that take one hook out of the configuration, the event first.
pub(crate) fn plan_hook_config_removal(
    hook: &HookScript,
    config: &GitConfig,
    scope: ConfigScope,
) -> Vec<SetupStep> {
    let mut steps = Vec::new();
    for name in ["event", "command"] {
        let key = hook.config_key(name);
        for value in config.values_in_scope(scope, &key) {
            steps.push(SetupStep::Config(scope, ConfigChange::remove(&key, value)));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layouts::state_files::UNMARKED_FILES;

    #[test]
    fn the_scripts_have_what_set_up_relies_on() {
        for hook in HOOKS {
            assert_eq!(hook.script.matches(PROGRAM_LINE).count(), 1, "{}", hook.event);
            assert!(hook.script.starts_with("#!/bin/sh\n# >>> git-comfy >>>\n"), "{}", hook.event);
            assert!(hook.script.contains(&format!("\"$git_comfy\" hook {} ", hook.event)));
            assert!(hook.script.contains(&format!("{KEPT_HOOKS_FOLDER}/{}", hook.event)));
            let file = hook.script_for(&ConfiguredProgram::new("/a b/git-comfy"));
            assert!(file.contains("git_comfy='/a b/git-comfy'\n"));
            assert!(hook.is_own_rest(&marked_block::remove_block(file.as_bytes()).unwrap()));
            if hook.need == HookNeed::QuietDrags {
                // Shells spell it themselves.
                let file = format!("/comfy/{UNMARKED_FILES}\"");
                let command = hook.configured_command(&ConfiguredProgram::new("git-comfy"));
                assert!(hook.script.contains(&file) && command.contains(&file), "{command}");
            }
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
            assert!(is_shell_script(text.as_bytes()), "{text}");
        }
        for text in ["#!/usr/bin/env python3\n", "#!/usr/bin/perl\n", "#!/usr/bin/fish\n", "\0ELF"]
        {
            assert!(!is_shell_script(text.as_bytes()), "{text}");
        }
    }
}
