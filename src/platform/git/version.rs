//! Which git is installed, and since which version it can what.

use super::command::GitCommand;
use super::error::Result;

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
        let output = GitCommand::in_folder(".").arg("--version").output()?;
        Ok(GitVersion::parse(&String::from_utf8_lossy(&output)).unwrap_or(GitVersion(0, 0)))
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
