//! git called in one folder, for what only git itself can answer reliably:
//! configuration with its scopes and includes, hooks paths, attributes.
//!
//! Must not know what is asked of it: arguments in, bytes out, git's own message in the
//! error.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::command::{self, Inherit, failure};
use super::error::Result;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    pub out: Vec<u8>,
}

/// git, called in one folder.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
    settings: Vec<OsString>,
    place: Inherit,
}

impl Git {
    /// git in that folder, in the repository of the environment (`GIT_DIR`) or else in
    /// the one around the folder.
    pub fn at(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into(), settings: Vec::new(), place: Inherit::Place }
    }

    /// git in that folder whatever repository this process was started in.
    pub fn elsewhere(folder: impl Into<PathBuf>) -> Git {
        Git { folder: folder.into(), settings: Vec::new(), place: Inherit::Nothing }
    }

    /// The same with a setting for each call (`-c key=value`).
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Git {
        self.settings.push("-c".into());
        self.settings.push(format!("{key}={value}").into());
        self
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn call<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> command::Git {
        command::Git::new(&self.folder, self.place).args(&self.settings).args(arguments)
    }

    /// Calls git, which must succeed, and gives its standard output.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Vec<u8>> {
        self.call(arguments).output()
    }

    /// Calls git with something on standard input; it must succeed.
    pub fn feed<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Result<Vec<u8>> {
        self.call(arguments).output_with(input)
    }

    /// Calls git for something that may not be there: exit code 1 is `None`.
    pub fn ask<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A> + Clone,
    ) -> Result<Option<Vec<u8>>> {
        let output = self.call(arguments.clone()).finish(&[])?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout)),
            Some(1) => Ok(None),
            _ => {
                let words =
                    arguments.into_iter().map(|a| a.as_ref().to_string_lossy().into_owned());
                Err(failure(words.collect::<Vec<_>>().join(" "), &output))
            }
        }
    }

    /// Calls git and tells what it answered, whatever its exit code.
    pub fn answer<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Answer> {
        let output = self.call(arguments).finish(&[])?;
        Ok(Answer { code: output.status.code().unwrap_or(-1), out: output.stdout })
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

    /// The version of the git on PATH; 0.0 where it cannot be read.
    pub fn of_git() -> Result<Version> {
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
}
