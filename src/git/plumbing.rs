//! git itself, run as a program: for everything where its own word is what counts
//! (configuration with its scopes and includes, hooks paths, attributes), and for
//! repositories that no library reads.
//!
//! Must not know what is asked of it: arguments in, bytes out, with git's own complaint
//! in the error.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What can go wrong with a call of git.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no git to run.
    #[error("git could not be started")]
    Start(#[source] io::Error),
    /// git ran and refused.
    #[error("`git {command}` failed with code {code}: {complaint}")]
    Refused {
        /// The arguments, for the person to try.
        command: String,
        /// git's exit code; 128 is its word for "fatal".
        code: i32,
        /// What git wrote to standard error.
        complaint: String,
    },
    /// The pipe to git broke.
    #[error("git stopped listening")]
    Pipe(#[source] io::Error),
}

/// How git answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub complaint: Vec<u8>,
}

/// git, called in one folder.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
    before: Vec<OsString>,
    elsewhere: bool,
}

/// What ties a process to the repository it was started in (`git rev-parse
/// --local-env-vars`), as far as it decides where git reads and writes.
const BOUND: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG_PARAMETERS",
];

impl Git {
    /// git in that folder, in the repository of the environment (`GIT_DIR`) or else in
    /// the one around the folder.
    pub fn at(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into(), before: Vec::new(), elsewhere: false }
    }

    /// git in that folder whatever repository this process was started in.
    pub fn elsewhere(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into(), before: Vec::new(), elsewhere: true }
    }

    /// The same with a setting for each call (`-c key=value`).
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Git {
        self.before.push("-c".into());
        self.before.push(format!("{key}={value}").into());
        self
    }

    /// The folder git is called in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Calls git, which must succeed, and gives its standard output.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Vec<u8>, Error> {
        self.feed(arguments, &[])
    }

    /// Calls git with something on standard input; it must succeed.
    pub fn feed<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|a| a.as_ref().to_os_string()).collect();
        let answer = self.answer(&arguments, input)?;
        if answer.code == 0 { Ok(answer.out) } else { Err(refusal(&arguments, &answer)) }
    }

    /// Calls git for something that may not be there: exit code 1 is `None`.
    pub fn ask<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|a| a.as_ref().to_os_string()).collect();
        let answer = self.answer(&arguments, &[])?;
        match answer.code {
            0 => Ok(Some(answer.out)),
            1 => Ok(None),
            _ => Err(refusal(&arguments, &answer)),
        }
    }

    /// Calls git and tells all it answered, whatever its exit code.
    pub fn answer<A: AsRef<OsStr>>(&self, arguments: &[A], input: &[u8]) -> Result<Answer, Error> {
        let mut command = Command::new("git");
        command.args(&self.before).args(arguments).current_dir(&self.folder);
        if self.elsewhere {
            for name in BOUND {
                command.env_remove(name);
            }
        }
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Error::Start)?;
        let output = match child.stdin.take() {
            None => child.wait_with_output().map_err(Error::Pipe)?,
            Some(mut pipe) => std::thread::scope(|scope| {
                let writer = scope.spawn(move || pipe.write_all(input));
                let output = child.wait_with_output().map_err(Error::Pipe)?;
                match writer.join() {
                    // git may know enough before it has read everything.
                    Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                        Err(Error::Pipe(error))
                    }
                    _ => Ok(output),
                }
            })?,
        };
        Ok(Answer {
            code: output.status.code().unwrap_or(-1),
            out: output.stdout,
            complaint: output.stderr,
        })
    }
}

fn refusal(arguments: &[OsString], answer: &Answer) -> Error {
    let words: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    Error::Refused {
        command: words.join(" "),
        code: answer.code,
        complaint: String::from_utf8_lossy(&answer.complaint).trim().to_owned(),
    }
}

/// The version of a git: major and minor, which is what its features hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// The oldest git this program works with (`--show-scope`, 2.26, and what Debian 11
    /// has, 2.30).
    pub const OLDEST: Version = Version(2, 30);
    /// Names of the two sides for merge drivers (`%S %X %Y`).
    pub const MERGE_LABELS: Version = Version(2, 44);
    /// Hooks from the configuration (`hook.<name>.command`).
    pub const CONFIGURED_HOOKS: Version = Version(2, 54);

    /// The version of the git on PATH.
    pub fn of_git() -> Result<Version, Error> {
        let told = Git::at(".").run(["--version"])?;
        Ok(Version::parse(&String::from_utf8_lossy(&told)).unwrap_or(Version(0, 0)))
    }

    /// Reads `git version 2.47.3`, also with a tail (`2.39.5 (Apple Git-154)`,
    /// `2.45.1.windows.1`, `2.55.GIT`).
    pub fn parse(text: &str) -> Option<Version> {
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let mut parts = text[at..].split(|c: char| !c.is_ascii_digit());
        Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A word for a POSIX shell, quoted where it must be. git runs filters, drivers and
/// hooks through one, on Windows too.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@+,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Splits the first word off a shell command line that [`shell_word`] or a person wrote:
/// the word without its quotes, and the rest as it stands. `None` where a shell would do
/// more than take off quotes.
pub fn first_shell_word(line: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ' ' => return Some((word, &line[at..])),
            '\'' => {
                let rest = &line[at + 1..];
                let end = rest.find('\'')?;
                word.push_str(&rest[..end]);
                characters = line.char_indices();
                characters.by_ref().find(|(to, _)| *to == at + 1 + end)?;
            }
            '"' => loop {
                match characters.next()?.1 {
                    '"' => break,
                    '\\' => match characters.next()?.1 {
                        escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                        other => word.extend(['\\', other]),
                    },
                    '$' | '`' => return None,
                    inside => word.push(inside),
                }
            },
            '\\' => word.push(characters.next()?.1),
            '$' | '`' | '|' | '&' | ';' | '<' | '>' | '(' | ')' | '\n' | '\t' => return None,
            other => word.push(other),
        }
    }
    Some((word, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_vendors_are_read() {
        for (text, version) in [
            ("git version 2.47.3\n", Version(2, 47)),
            ("git version 2.39.5 (Apple Git-154)", Version(2, 39)),
            ("git version 2.45.1.windows.1", Version(2, 45)),
            ("git version 2.55.GIT", Version(2, 55)),
            ("git version 3.0", Version(3, 0)),
        ] {
            assert_eq!(Version::parse(text), Some(version), "{text}");
        }
        assert_eq!(Version::parse("no version"), None);
        assert!(Version(3, 0) > Version::CONFIGURED_HOOKS);
    }

    #[test]
    fn a_quoted_word_comes_back() {
        for text in
            ["/usr/bin/git-comfy", "C:/Program Files/git-comfy.exe", "it's", "a\"b", "", "ü %f $x"]
        {
            let line = format!("{} clean -- %f", shell_word(text));
            assert_eq!(first_shell_word(&line), Some((text.to_owned(), " clean -- %f")), "{line}");
        }
    }

    #[test]
    fn what_a_shell_would_work_on_is_no_plain_word() {
        for line in ["$HOME/git-comfy clean", "\"$x\" y", "a;b", "'open", "a\\"] {
            assert_eq!(first_shell_word(line), None, "{line}");
        }
        let double = first_shell_word("\"/a b/git-comfy\" filter-process");
        assert_eq!(double, Some(("/a b/git-comfy".to_owned(), " filter-process")));
    }
}
