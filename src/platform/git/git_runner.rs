//! git called in one folder, for what only git itself can answer reliably:
//! configuration with its scopes and includes, hooks paths, attributes.
//!
//! Must not know what is asked of it: arguments in, bytes out, git's own message in the
//! error.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::command::{self, InheritedRepository, command_failed};
use super::error::Result;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitAnswer {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
}

/// git, called in one folder.
#[derive(Debug, Clone)]
pub struct GitRunner {
    folder: PathBuf,
    settings: Vec<OsString>,
    inherit: InheritedRepository,
}

impl GitRunner {
    /// git in that folder, in the repository of the environment (`GIT_DIR`) or else in
    /// the one around the folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> GitRunner {
        GitRunner {
            folder: folder.into(),
            settings: Vec::new(),
            inherit: InheritedRepository::FromEnvironment,
        }
    }

    /// git in that folder whatever repository this process was started in.
    pub fn outside_environment(folder: impl Into<PathBuf>) -> GitRunner {
        GitRunner {
            folder: folder.into(),
            settings: Vec::new(),
            inherit: InheritedRepository::Nothing,
        }
    }

    /// The same with a setting for each call (`-c key=value`).
    #[must_use]
    pub fn with_setting(mut self, key: &str, value: &str) -> GitRunner {
        self.settings.push("-c".into());
        self.settings.push(format!("{key}={value}").into());
        self
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> command::GitCommand {
        command::GitCommand::new(&self.folder, self.inherit).args(&self.settings).args(arguments)
    }

    /// Calls git, which must succeed, and gives its standard output.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Vec<u8>> {
        self.command(arguments).output()
    }

    /// Calls git with something on standard input; it must succeed.
    pub fn run_with_input<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Result<Vec<u8>> {
        self.command(arguments).output_with_input(input)
    }

    /// Calls git for something that may not be there: exit code 1 is `None`.
    pub fn run_optional<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A> + Clone,
    ) -> Result<Option<Vec<u8>>> {
        let output = self.command(arguments.clone()).run_to_end(&[])?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout)),
            Some(1) => Ok(None),
            _ => {
                let words =
                    arguments.into_iter().map(|a| a.as_ref().to_string_lossy().into_owned());
                Err(command_failed(words.collect::<Vec<_>>().join(" "), &output))
            }
        }
    }

    /// Calls git and tells what it answered, whatever its exit code.
    pub fn run_unchecked<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<GitAnswer> {
        let output = self.command(arguments).run_to_end(&[])?;
        Ok(GitAnswer { code: output.status.code().unwrap_or(-1), stdout: output.stdout })
    }
}

/// The version of a git: major and minor, which is what its features hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion(pub u32, pub u32);

impl GitVersion {
    /// The oldest git this program works with (`--show-scope`, 2.26, and what Debian 11
    /// has, 2.30).
    pub const OLDEST: GitVersion = GitVersion(2, 30);
    /// Names of the two sides for merge drivers (`%S %X %Y`).
    pub const MERGE_LABELS: GitVersion = GitVersion(2, 44);
    /// Hooks from the configuration (`hook.<name>.command`).
    pub const CONFIGURED_HOOKS: GitVersion = GitVersion(2, 54);

    /// The version of the git on PATH; 0.0 where it cannot be read.
    pub fn installed() -> Result<GitVersion> {
        let told = GitRunner::in_folder(".").run(["--version"])?;
        Ok(GitVersion::parse(&String::from_utf8_lossy(&told)).unwrap_or(GitVersion(0, 0)))
    }

    /// Reads `git version 2.47.3`, also with a tail (`2.39.5 (Apple Git-154)`,
    /// `2.45.1.windows.1`, `2.55.GIT`).
    pub fn parse(text: &str) -> Option<GitVersion> {
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let mut parts = text[at..].split(|c: char| !c.is_ascii_digit());
        Some(GitVersion(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl std::fmt::Display for GitVersion {
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
            ("git version 2.47.3\n", GitVersion(2, 47)),
            ("git version 2.39.5 (Apple Git-154)", GitVersion(2, 39)),
            ("git version 2.45.1.windows.1", GitVersion(2, 45)),
            ("git version 2.55.GIT", GitVersion(2, 55)),
            ("git version 3.0", GitVersion(3, 0)),
        ] {
            assert_eq!(GitVersion::parse(text), Some(version), "{text}");
        }
        assert_eq!(GitVersion::parse("no version"), None);
        assert!(GitVersion(3, 0) > GitVersion::CONFIGURED_HOOKS);
    }
}
