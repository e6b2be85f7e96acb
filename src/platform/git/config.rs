//! git's configuration, read once with the scope of every value, and changed by git
//! itself, so that comments and formatting of a person's file stay as they are.

use super::command::GitCommand;
use super::error::Result;

/// Where a value was read, or is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ConfigScope {
    /// The machine's file.
    System,
    /// The person's file (`~/.gitconfig`, `$XDG_CONFIG_HOME/git/config`).
    Global,
    /// The repository's file, shared by its work trees.
    Local,
    /// The file of one work tree.
    Worktree,
    /// The environment or `-c`.
    Command,
}

impl ConfigScope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ConfigScope::System => "system",
            ConfigScope::Global => "global",
            ConfigScope::Local => "local",
            ConfigScope::Worktree => "worktree",
            ConfigScope::Command => "command",
        }
    }

    fn from_name(word: &[u8]) -> ConfigScope {
        match word {
            b"system" => ConfigScope::System,
            b"global" => ConfigScope::Global,
            b"local" => ConfigScope::Local,
            b"worktree" => ConfigScope::Worktree,
            _ => ConfigScope::Command,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigEntry {
    pub scope: ConfigScope,
    /// The key as git prints it: section and name in lower case.
    pub key: String,
    /// The value; `true` where the key stands alone.
    pub value: String,
}

/// All of the configuration, in git's order: later values win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GitConfig {
    entries: Vec<ConfigEntry>,
}

impl GitConfig {
    /// Reads all values that hold in the folder of `git`.
    pub(crate) fn read(git: &GitCommand) -> Result<Self> {
        let listed = git.with_args(["config", "--list", "-z", "--show-scope"]).output()?;
        Ok(Self::parse(&listed))
    }

    /// Reads `git config --list -z --show-scope`: scope NUL key LF value NUL.
    fn parse(listed: &[u8]) -> Self {
        let mut fields = listed.split(|byte| *byte == 0);
        let mut entries = Vec::new();
        while let (Some(scope), Some(pair)) = (fields.next(), fields.next()) {
            let text = String::from_utf8_lossy(pair);
            let (key, value) = text.split_once('\n').unwrap_or((&text, "true"));
            entries.push(ConfigEntry {
                scope: ConfigScope::from_name(scope),
                key: key.to_owned(),
                value: value.to_owned(),
            });
        }
        GitConfig { entries }
    }

    pub(crate) fn entries(&self, key: &str) -> impl Iterator<Item = &ConfigEntry> {
        let key = canonical_key(key);
        self.entries.iter().filter(move |entry| entry.key == key)
    }

    /// The entry that holds: the last of the key.
    pub(crate) fn last_entry(&self, key: &str) -> Option<&ConfigEntry> {
        self.entries(key).last()
    }

    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.last_entry(key).map(|entry| entry.value.as_str())
    }

    /// Whether a value that git reads as true (or false) is set.
    pub(crate) fn bool_value(&self, key: &str) -> Option<bool> {
        parse_bool(self.value(key)?)
    }

    pub(crate) fn values_in_scope(&self, scope: ConfigScope, key: &str) -> Vec<&str> {
        self.entries(key).filter(|e| e.scope == scope).map(|e| e.value.as_str()).collect()
    }

    /// The names under a section (`remote`), in their order of appearance.
    pub(crate) fn subsections(&self, section: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for entry in &self.entries {
            let rest = entry.key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            if let Some((name, _)) = rest.and_then(|rest| rest.rsplit_once('.'))
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }
}

/// What git reads as true or false. A name that stands alone is true, which both
/// [`GitConfig`] and `Repository::settings` give as the text `true`.
pub(crate) fn parse_bool(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" | "" => Some(false),
        number => number.parse::<i64>().ok().map(|number| number != 0),
    }
}

/// Section and name of a key in lower case, as git prints them; a subsection keeps its
/// letters.
fn canonical_key(key: &str) -> String {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    let section = section.to_ascii_lowercase();
    match rest.rsplit_once('.') {
        Some((middle, name)) => format!("{section}.{middle}.{}", name.to_ascii_lowercase()),
        None => format!("{section}.{}", rest.to_ascii_lowercase()),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigChange {
    /// The key has this one value from now on; others of it go.
    Set { key: String, value: String },
    /// One more value for a key that may have several.
    Add { key: String, value: String },
    /// Exactly this value goes; with the last one an emptied section goes too.
    Remove { key: String, value: String },
}

impl ConfigChange {
    pub(crate) fn set(key: impl Into<String>, value: impl Into<String>) -> ConfigChange {
        ConfigChange::Set { key: key.into(), value: value.into() }
    }

    pub(crate) fn add(key: impl Into<String>, value: impl Into<String>) -> ConfigChange {
        ConfigChange::Add { key: key.into(), value: value.into() }
    }

    pub(crate) fn remove(key: impl Into<String>, value: impl Into<String>) -> ConfigChange {
        ConfigChange::Remove { key: key.into(), value: value.into() }
    }

    /// Writes the change into the file of that scope.
    pub(crate) fn apply(&self, git: &GitCommand, scope: ConfigScope) -> Result<()> {
        let file = format!("--{}", scope.name());
        match self {
            ConfigChange::Set { key, value } => {
                git.with_args(["config", &file, "--replace-all", key, value]).output()
            }
            ConfigChange::Add { key, value } => {
                git.with_args(["config", &file, "--add", key, value]).output()
            }
            ConfigChange::Remove { key, value } => {
                let words = ["config", &file, "--fixed-value", "--unset-all", key, value];
                match git.with_args(words).answer()?.code {
                    // 5: nothing of the kind is there any more.
                    0 | 5 => Ok(Vec::new()),
                    _ => git.with_args(words).output(),
                }
            }
        }
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_scope() {
        let listing = b"global\0core.autocrlf\ninput\0local\0remote.My.Fork.url\n../a\nb\0local\0core.bare\0\
                     local\0notes.rewriteref\nrefs/notes/comfy\0local\0notes.rewriteref\nrefs/notes/x\0";
        let config = GitConfig::parse(listing);
        assert_eq!(config.value("core.autoCRLF"), Some("input"));
        assert_eq!(config.value("remote.My.Fork.URL"), Some("../a\nb"));
        assert_eq!(config.bool_value("core.bare"), Some(true));
        assert_eq!(config.subsections("remote"), ["My.Fork"]);
        assert_eq!(config.value("notes.rewriteRef"), Some("refs/notes/x"));
        assert_eq!(config.values_in_scope(ConfigScope::Local, "notes.rewriteRef").len(), 2);
        assert_eq!(config.values_in_scope(ConfigScope::Global, "notes.rewriteRef").len(), 0);
    }

    #[test]
    fn true_and_false_are_read_as_git_reads_them() {
        for (text, value) in [
            ("true", Some(true)),
            ("Yes", Some(true)),
            ("2", Some(true)),
            ("OFF", Some(false)),
            ("0", Some(false)),
            ("", Some(false)),
            ("perhaps", None),
        ] {
            assert_eq!(parse_bool(text), value, "{text}");
        }
    }
}
