//! The settings that `git comfy init` writes, as data: key, value, and the values that
//! earlier versions wrote. What is in neither list is someone else's.
//!
//! To teach git another driver add rows here; a test holds every command named here
//! against the command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::platform::git::GitError;
use crate::platform::git::command::GitCommand;
use crate::platform::git::config::{ConfigChange, ConfigScope, GitConfig};
use crate::platform::git::shell::{first_shell_word, shell_word};
use crate::platform::git::version::GitVersion;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigValue {
    /// The same everywhere.
    Text(&'static str),
    /// This program, followed by arguments as a shell reads them.
    Command(&'static str),
    /// The same where git itself replaces `%f`, `%O` and the like, so that a `%` in the
    /// program's path has to be doubled.
    Template(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct GitSetting {
    pub key: &'static str,
    /// The value that this version writes.
    pub value: ConfigValue,
    /// The first git that understands the value. Of two rows for one key the last that
    /// the git at hand understands is taken.
    pub since: Option<GitVersion>,
    /// What earlier versions of this program wrote.
    pub older: &'static [ConfigValue],
}

/// All settings with one value. Those with several values (hooks, notes, refspecs of each
/// remote) are planned in `setup`.
pub const SETTINGS: &[GitSetting] = &[
    // The long-running filter: one process for all files of a git command.
    setting("filter.comfy.process", ConfigValue::Command("filter-process")),
    // What tools use that do not speak that protocol (libgit2, jgit): one process a file.
    setting("filter.comfy.clean", ConfigValue::Template("clean -- %f")),
    setting("filter.comfy.smudge", ConfigValue::Template("smudge -- %f")),
    // A clone whose program is gone must not commit positions as if they were content,
    // nor check out files without them, in silence.
    setting("filter.comfy.required", ConfigValue::Text("true")),
    // What plain `git diff` shows.
    setting("diff.comfy.command", ConfigValue::Command("diff-driver")),
    // What `git log -p`, `git show` and `git blame` compare. The number is the form of
    // the text, behind it stands a key of the names that were learned, where any were: git
    // throws the texts it keeps away when this line changes.
    GitSetting {
        older: &[
            ConfigValue::Command("textconv --form=1"),
            ConfigValue::Command("textconv --form=2"),
        ],
        ..setting("diff.comfy.textconv", ConfigValue::Command("textconv --form=3"))
    },
    setting("diff.comfy.cachetextconv", ConfigValue::Text("true")),
    // Workflows that both sides changed: merge, rebase, cherry-pick, revert, stash.
    setting("merge.comfy.name", ConfigValue::Text("ComfyUI workflows, as graphs")),
    setting("merge.comfy.driver", ConfigValue::Template("merge-driver -p %P -l %L -- %O %A %B")),
    // The same with what the sides are called, which older gits would not fill in.
    from_version(
        GitVersion::MERGE_LABELS,
        setting(
            "merge.comfy.driver",
            ConfigValue::Template("merge-driver -p %P -l %L -s %S -x %X -y %Y -- %O %A %B"),
        ),
    ),
    // Two branches with several common ancestors: git merges those first, for itself.
    setting("merge.comfy.recursive", ConfigValue::Text("comfy-ancestor")),
    setting("merge.comfy-ancestor.name", ConfigValue::Text("ComfyUI workflows, for git itself")),
    setting(
        "merge.comfy-ancestor.driver",
        ConfigValue::Template("merge-driver --virtual-ancestor -p %P -l %L -- %O %A %B"),
    ),
    // `git mergetool --tool=comfy`.
    setting("mergetool.comfy.cmd", ConfigValue::Command("resolve -- \"$MERGED\"")),
    setting("mergetool.comfy.trustExitCode", ConfigValue::Text("true")),
];

const fn setting(key: &'static str, value: ConfigValue) -> GitSetting {
    GitSetting { key, value, since: None, older: &[] }
}

const fn from_version(version: GitVersion, setting: GitSetting) -> GitSetting {
    GitSetting { since: Some(version), ..setting }
}

/// The rows that a git of that version is given.
pub(crate) fn settings_for_version(version: GitVersion) -> Vec<&'static GitSetting> {
    let mut chosen: Vec<&GitSetting> = Vec::new();
    for row in SETTINGS.iter().filter(|row| row.since.is_none_or(|since| version >= since)) {
        chosen.retain(|earlier| earlier.key != row.key);
        chosen.push(row);
    }
    chosen
}

/// Where the running program is best called: under the name on PATH that leads to it,
/// which stays when a package manager moves what it points to; else where it lies.
pub(crate) fn stable_program_path(program: &Path, path: Option<&OsStr>) -> PathBuf {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let name = program.file_name().unwrap_or_default();
    let found = real(program).and_then(|own| {
        let folders = path.into_iter().flat_map(std::env::split_paths);
        let mut calls =
            folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(name));
        calls.find(|call| real(call).as_ref() == Some(&own))
    });
    found.unwrap_or_else(|| program.to_owned())
}

/// The program as git is to call it: an absolute path with forward slashes, or a bare
/// name that is looked up on PATH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredProgram(String);

impl ConfiguredProgram {
    /// From a path or a name; on Windows slashes become forward ones.
    pub fn new(path: &str) -> ConfiguredProgram {
        let path = path.strip_prefix(r"\\?\").unwrap_or(path);
        ConfiguredProgram(if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() })
    }

    pub fn path(&self) -> &str {
        &self.0
    }

    pub fn shell_word(&self) -> String {
        shell_word(&self.0)
    }

    /// Whether it is found only by looking through PATH.
    pub fn is_bare(&self) -> bool {
        !self.0.contains('/')
    }
}

impl ConfigValue {
    pub fn render(self, program: &ConfiguredProgram) -> String {
        match self {
            ConfigValue::Text(text) => text.to_owned(),
            ConfigValue::Command(arguments) => format!("{} {arguments}", program.shell_word()),
            ConfigValue::Template(arguments) => {
                format!("{} {arguments}", program.shell_word().replace('%', "%%"))
            }
        }
    }

    /// Whether this program wrote that text, wherever it lay then.
    fn is_own(self, text: &str) -> bool {
        match self {
            ConfigValue::Text(own) => own == text,
            ConfigValue::Command(arguments) | ConfigValue::Template(arguments) => {
                parse_program(text)
                    .is_some_and(|(_, rest)| same_but_for_form(rest.trim(), arguments))
            }
        }
    }
}

/// Whether two lines of arguments are the same, or name another form of the same text: a
/// newer version of this program may have written that.
fn same_but_for_form(found: &str, own: &str) -> bool {
    let form = |line: &str| {
        line.split_once("--form=").map(|(head, form)| (head.to_owned(), is_text_form(form)))
    };
    found == own || (form(own).is_some() && form(found) == form(own))
}

impl GitSetting {
    /// Whether a value is the one wanted, names that were learned apart.
    pub fn is_current(&self, value: &str, wanted: &str) -> bool {
        let keyed = value.split_once("--form=").and_then(|(_, form)| form.split_once('.'));
        let form = keyed.map_or(value, |(_, key)| &value[..value.len() - key.len() - 1]);
        form == wanted && self.is_own(value)
    }

    /// Whether a value found under the key was written by this program, in any version
    /// and from any place.
    pub fn is_own(&self, text: &str) -> bool {
        let rows = SETTINGS.iter().filter(|row| row.key == self.key);
        rows.flat_map(|row| row.older.iter().chain([&row.value])).any(|value| value.is_own(text))
    }
}

/// Updates the textconv setting to the text form that this program writes: git
/// then drops its cache of texts in another form. Leaves lines alone that are not ours.
///
/// `names` is the key of the names that were learned; empty where none were. A line that holds
/// for all repositories of a person has none: what one of them learned is not the others'.
pub(crate) fn update_textconv_setting(git: &GitCommand, names: &str) -> Result<(), GitError> {
    const KEY: &str = "diff.comfy.textconv";
    let Some(row) = SETTINGS.iter().find(|row| row.key == KEY) else { return Ok(()) };
    let config = GitConfig::read(git)?;
    for entry in config.entries(KEY) {
        let Some((program, arguments)) = parse_program(&entry.value) else { continue };
        let form = row.value.render(&program);
        let wanted = match entry.scope {
            ConfigScope::Local if !names.is_empty() => format!("{form}.{names}"),
            _ => form,
        };
        let is_form = arguments.trim().strip_prefix("textconv --form=").is_some_and(is_text_form);
        if is_form && entry.value != wanted && entry.scope != ConfigScope::Command {
            ConfigChange::set(KEY, wanted).apply(git, entry.scope)?;
        }
    }
    Ok(())
}

/// `3`, or `3.1f0c` with a key of learned names.
fn is_text_form(text: &str) -> bool {
    let (form, names) = text.split_once('.').unwrap_or((text, "0"));
    is_number(form) && !names.is_empty() && names.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The program that a configured command line calls, if that is a git-comfy, and its
/// arguments.
pub(crate) fn parse_program(line: &str) -> Option<(ConfiguredProgram, &str)> {
    let (word, rest) = first_shell_word(line)?;
    let name = word.rsplit(['/', '\\']).next()?;
    let ours = name == "git-comfy" || name.eq_ignore_ascii_case("git-comfy.exe");
    ours.then(|| (ConfiguredProgram::new(&word.replace("%%", "%")), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_values_are_known_wherever_the_program_lay() {
        let process = SETTINGS.iter().find(|s| s.key == "filter.comfy.process").unwrap();
        let clean = SETTINGS.iter().find(|s| s.key == "filter.comfy.clean").unwrap();
        for path in ["/usr/bin/git-comfy", "/a b/it's 100%/git-comfy", "C:/x/git-comfy.exe"] {
            let program = ConfiguredProgram::new(path);
            assert!(process.is_own(&process.value.render(&program)), "{path}");
            assert!(clean.is_own(&clean.value.render(&program)), "{path}");
            let text = clean.value.render(&program);
            assert_eq!(parse_program(&text).unwrap().0, program);
        }
        assert!(process.is_own("\"/old place/git-comfy\" filter-process"));
        for foreign in [
            "nice git-comfy filter-process",
            "/usr/bin/git-comfy filter-process --mine",
            "/usr/bin/git-lfs filter-process",
            "$HOME/git-comfy filter-process",
        ] {
            assert!(!process.is_own(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_percent_sign_is_doubled_only_where_git_reads_it() {
        let program = ConfiguredProgram::new("/50%/git-comfy");
        assert_eq!(ConfigValue::Command("x").render(&program), "'/50%/git-comfy' x");
        assert_eq!(ConfigValue::Template("x %f").render(&program), "'/50%%/git-comfy' x %f");
    }

    #[test]
    fn every_key_is_chosen_once() {
        let keys: Vec<_> =
            settings_for_version(GitVersion(9, 0)).iter().map(|row| row.key).collect();
        let mut once = keys.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), keys.len());
    }
}
