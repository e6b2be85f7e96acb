//! The settings that `git comfy init` writes, as data: key, value, and the values that
//! earlier versions wrote. What is in neither list is someone else's.
//!
//! To teach git another driver add rows here; a test holds every command named here
//! against the command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::platform::git::Error;
use crate::platform::git::config::{Change, Configuration, Scope};
use crate::platform::git::plumbing::{Git, Version};
use crate::platform::git::shell::{first_shell_word, shell_word};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The same everywhere.
    Text(&'static str),
    /// This program, followed by arguments as a shell reads them.
    Command(&'static str),
    /// The same where git itself replaces `%f`, `%O` and the like, so that a `%` in the
    /// program's path has to be doubled.
    Template(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub key: &'static str,
    /// The value that this version writes.
    pub value: Value,
    /// The first git that understands the value. Of two rows for one key the last that
    /// the git at hand understands is taken.
    pub since: Option<Version>,
    /// What earlier versions of this program wrote.
    pub older: &'static [Value],
}

/// All settings with one value. Those with several values (hooks, notes, refspecs of each
/// remote) are planned in `setup`.
pub const SETTINGS: &[Setting] = &[
    // The long-running filter: one process for all files of a git command.
    setting("filter.comfy.process", Value::Command("filter-process")),
    // What tools use that do not speak that protocol (libgit2, jgit): one process a file.
    setting("filter.comfy.clean", Value::Template("clean -- %f")),
    setting("filter.comfy.smudge", Value::Template("smudge -- %f")),
    // A clone whose program is gone must not commit positions as if they were content,
    // nor check out files without them, in silence.
    setting("filter.comfy.required", Value::Text("true")),
    // What plain `git diff` shows.
    setting("diff.comfy.command", Value::Command("diff-driver")),
    // What `git log -p`, `git show` and `git blame` compare. The number is the form of
    // the text: git throws the texts it keeps away when this line changes.
    Setting {
        older: &[Value::Command("textconv --form=1")],
        ..setting("diff.comfy.textconv", Value::Command("textconv --form=2"))
    },
    setting("diff.comfy.cachetextconv", Value::Text("true")),
    // Workflows that both sides changed: merge, rebase, cherry-pick, revert, stash.
    setting("merge.comfy.name", Value::Text("ComfyUI workflows, as graphs")),
    setting("merge.comfy.driver", Value::Template("merge-driver -p %P -l %L -- %O %A %B")),
    // The same with what the sides are called, which older gits would not fill in.
    since(
        Version::MERGE_LABELS,
        setting(
            "merge.comfy.driver",
            Value::Template("merge-driver -p %P -l %L -s %S -x %X -y %Y -- %O %A %B"),
        ),
    ),
    // Two branches with several common ancestors: git merges those first, for itself.
    setting("merge.comfy.recursive", Value::Text("comfy-ancestor")),
    setting("merge.comfy-ancestor.name", Value::Text("ComfyUI workflows, for git itself")),
    setting(
        "merge.comfy-ancestor.driver",
        Value::Template("merge-driver --virtual-ancestor -p %P -l %L -- %O %A %B"),
    ),
    // `git mergetool --tool=comfy`.
    setting("mergetool.comfy.cmd", Value::Command("resolve -- \"$MERGED\"")),
    setting("mergetool.comfy.trustExitCode", Value::Text("true")),
];

const fn setting(key: &'static str, value: Value) -> Setting {
    Setting { key, value, since: None, older: &[] }
}

const fn since(version: Version, setting: Setting) -> Setting {
    Setting { since: Some(version), ..setting }
}

/// The rows that a git of that version is given.
pub fn for_version(version: Version) -> Vec<&'static Setting> {
    let mut chosen: Vec<&Setting> = Vec::new();
    for row in SETTINGS.iter().filter(|row| row.since.is_none_or(|since| version >= since)) {
        chosen.retain(|earlier| earlier.key != row.key);
        chosen.push(row);
    }
    chosen
}

/// Where the running program is best called: under the name on PATH that leads to it,
/// which stays when a package manager moves what it points to; else where it lies.
pub fn lasting_path(program: &Path, path: Option<&OsStr>) -> PathBuf {
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
pub struct Program(String);

impl Program {
    /// From a path or a name; on Windows slashes become forward ones.
    pub fn new(path: &str) -> Program {
        let path = path.strip_prefix(r"\\?\").unwrap_or(path);
        Program(if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() })
    }

    pub fn path(&self) -> &str {
        &self.0
    }

    pub fn word(&self) -> String {
        shell_word(&self.0)
    }

    /// Whether it is found only by looking through PATH.
    pub fn is_bare(&self) -> bool {
        !self.0.contains('/')
    }
}

impl Value {
    pub fn text(self, program: &Program) -> String {
        match self {
            Value::Text(text) => text.to_owned(),
            Value::Command(arguments) => format!("{} {arguments}", program.word()),
            Value::Template(arguments) => {
                format!("{} {arguments}", program.word().replace('%', "%%"))
            }
        }
    }

    /// Whether this program wrote that text, wherever it lay then.
    fn is_own(self, text: &str) -> bool {
        match self {
            Value::Text(own) => own == text,
            Value::Command(arguments) | Value::Template(arguments) => {
                program_of(text).is_some_and(|(_, rest)| same_but_for_form(rest.trim(), arguments))
            }
        }
    }
}

/// Whether two lines of arguments are the same, or name another form of the same text: a
/// newer version of this program may have written that.
fn same_but_for_form(found: &str, own: &str) -> bool {
    let form = |line: &str| {
        line.split_once("--form=").map(|(head, form)| (head.to_owned(), is_number(form)))
    };
    found == own || (form(own).is_some() && form(found) == form(own))
}

impl Setting {
    /// Whether a value found under the key was written by this program, in any version
    /// and from any place.
    pub fn is_own(&self, text: &str) -> bool {
        let rows = SETTINGS.iter().filter(|row| row.key == self.key);
        rows.flat_map(|row| row.older.iter().chain([&row.value])).any(|value| value.is_own(text))
    }
}

/// Updates the textconv setting to the text form that this program writes: git
/// then drops its cache of texts in another form. Leaves lines alone that are not ours.
pub fn bring_textconv_up_to_date(git: &Git) -> Result<(), Error> {
    const KEY: &str = "diff.comfy.textconv";
    let Some(row) = SETTINGS.iter().find(|row| row.key == KEY) else { return Ok(()) };
    let config = Configuration::read(git)?;
    for entry in config.all(KEY) {
        let Some((program, arguments)) = program_of(&entry.value) else { continue };
        let wanted = row.value.text(&program);
        let is_form = arguments.trim().strip_prefix("textconv --form=").is_some_and(is_number);
        if is_form && entry.value != wanted && entry.scope != Scope::Command {
            let change = Change::Set { key: KEY.to_owned(), value: wanted };
            change.apply(git, entry.scope)?;
        }
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The program that a configured command line calls, if that is a git-comfy, and its
/// arguments.
pub fn program_of(line: &str) -> Option<(Program, &str)> {
    let (word, rest) = first_shell_word(line)?;
    let name = word.rsplit(['/', '\\']).next()?;
    let ours = name == "git-comfy" || name.eq_ignore_ascii_case("git-comfy.exe");
    ours.then(|| (Program::new(&word.replace("%%", "%")), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_values_are_known_wherever_the_program_lay() {
        let process = SETTINGS.iter().find(|s| s.key == "filter.comfy.process").unwrap();
        let clean = SETTINGS.iter().find(|s| s.key == "filter.comfy.clean").unwrap();
        for path in ["/usr/bin/git-comfy", "/a b/it's 100%/git-comfy", "C:/x/git-comfy.exe"] {
            let program = Program::new(path);
            assert!(process.is_own(&process.value.text(&program)), "{path}");
            assert!(clean.is_own(&clean.value.text(&program)), "{path}");
            let text = clean.value.text(&program);
            assert_eq!(program_of(&text).unwrap().0, program);
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
        let program = Program::new("/50%/git-comfy");
        assert_eq!(Value::Command("x").text(&program), "'/50%/git-comfy' x");
        assert_eq!(Value::Template("x %f").text(&program), "'/50%%/git-comfy' x %f");
    }

    #[test]
    fn every_key_is_chosen_once() {
        let keys: Vec<_> = for_version(Version(9, 0)).iter().map(|row| row.key).collect();
        let mut once = keys.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), keys.len());
    }
}
