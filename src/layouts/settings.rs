//! The settings under `comfy.` that decide how files are filtered and shared.
//!
//! | setting | default | meaning |
//! |---|---|---|
//! | `comfy.mode` | `strip` | what becomes of positions: `strip`, `keep`, `off` |
//! | `comfy.maxFileSize` | `64m` | larger files pass untouched |
//! | `comfy.share` | `true` | layouts and records travel with pushes |
//!
//! The attribute `comfy` sets the mode of single paths (`big/*.json comfy=keep`, `-comfy`).

use comfy_graph::clean::LayoutMode;

use crate::platform::git::config::parse_bool;
use crate::platform::git::{AttributeDirection, AttributeState, RepoPath, Repository, Result};

/// What the filter does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    /// Workflows get their clean form.
    Clean(LayoutMode),
    /// The file passes untouched.
    Off,
}

/// Whether notes travel with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoteSharing {
    /// They do.
    On,
    /// Only `git comfy sync` moves them.
    Off,
}

/// The settings, read once.
#[derive(Debug, Clone)]
pub(crate) struct FilterSettings {
    /// What is done where no attribute says otherwise.
    pub(crate) handling: Handling,
    /// Files longer than this many bytes pass untouched.
    pub(crate) max_file_size: u64,
    /// Whether notes travel.
    pub(crate) sharing: NoteSharing,
    /// What was set but could not be understood, worth a line.
    pub(crate) remarks: Vec<String>,
}

impl Default for FilterSettings {
    fn default() -> Self {
        FilterSettings {
            handling: Handling::Clean(LayoutMode::Strip),
            max_file_size: 64 << 20,
            sharing: NoteSharing::On,
            remarks: Vec::new(),
        }
    }
}

impl FilterSettings {
    /// Reads the settings of a repository.
    pub(crate) fn load(repository: &Repository) -> Result<FilterSettings> {
        let mut settings = FilterSettings::default();
        for (name, value) in repository.settings("comfy.")? {
            let understood = match name.as_str() {
                "comfy.mode" => parse_handling(&value).map(|h| settings.handling = h),
                "comfy.maxfilesize" => parse_size(&value).map(|s| settings.max_file_size = s),
                "comfy.share" => parse_bool(&value).map(|on| {
                    settings.sharing = if on { NoteSharing::On } else { NoteSharing::Off };
                }),
                _ => Some(()),
            };
            if understood.is_none() {
                let value: String = value.chars().flat_map(char::escape_debug).collect();
                settings.remarks.push(format!("{name} = {value} is not understood"));
            }
        }
        Ok(settings)
    }

    /// What is done with a path.
    pub(crate) fn handling_of(
        &self,
        repository: &Repository,
        path: &RepoPath,
        when: AttributeDirection,
    ) -> Handling {
        match repository.attribute(path, "comfy", when) {
            Ok(AttributeState::Value(value)) => parse_handling(&value).unwrap_or(self.handling),
            Ok(AttributeState::Unset) => Handling::Off,
            _ => self.handling,
        }
    }
}

fn parse_handling(text: &str) -> Option<Handling> {
    match text.to_ascii_lowercase().as_str() {
        "strip" => Some(Handling::Clean(LayoutMode::Strip)),
        "keep" => Some(Handling::Clean(LayoutMode::Keep)),
        "off" => Some(Handling::Off),
        _ => None,
    }
}

/// A number with git's suffixes `k`, `m`, `g`.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1 << 10),
        b'm' => (&text[..text.len() - 1], 1 << 20),
        b'g' => (&text[..text.len() - 1], 1 << 30),
        _ => (text.as_str(), 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_git_reads_them() {
        assert_eq!(parse_size("64m"), Some(64 << 20));
        assert_eq!(parse_size(" 5K"), Some(5 << 10));
        assert_eq!(parse_size("12"), Some(12));
        assert_eq!(parse_size("x"), None);
        assert_eq!(parse_size(""), None);
        assert_eq!(parse_size("99999999999999999g"), None);
    }
}
