//! The common ancestor of a file and its conflict copy: the nearest of the states that the
//! file is known to have had, in the history, among files that were set aside before, and
//! among the old versions that the service keeps.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::json;

use super::set_aside::SetAsideFiles;
use super::synced_folder::{ConflictCopy, clean_form, file_name};
use crate::error::Result;
use crate::platform::file_argument;
use crate::platform::git::{Repository, file_history};

/// The most states that are compared with a copy.
const MAX_STATES: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AncestorOrigin {
    History,
    /// A file that was set aside, or that the service keeps as an older version.
    OlderVersion,
    /// Another copy of the same file.
    OlderCopy,
    /// No common state is known.
    Unknown,
}

impl AncestorOrigin {
    /// In words, behind "merges by itself, …".
    pub(crate) fn describe(self) -> &'static str {
        match self {
            AncestorOrigin::History => "from where both began",
            AncestorOrigin::OlderVersion => "from an older version both began with",
            AncestorOrigin::OlderCopy => "from an older copy both began with",
            AncestorOrigin::Unknown => "without a common state",
        }
    }
}

/// A state in clean form, and where it is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AncestorCandidate {
    pub(crate) content: Vec<u8>,
    pub(crate) origin: AncestorOrigin,
}

/// The states the file had in the history, newest first.
pub(crate) fn add_committed_states(
    repository: &Repository,
    file: &Path,
    states: &mut Vec<AncestorCandidate>,
) -> Result<()> {
    let Some(path) = repository.path_of(file) else { return Ok(()) };
    for id in file_history::file_states(repository, &path)?.into_iter().take(MAX_STATES) {
        let blob = repository.blob_up_to(id, file_argument::MAX_FILE_LEN)?;
        add_state(blob.as_deref(), AncestorOrigin::History, states);
    }
    Ok(())
}

/// The states that were set aside when copies of the file were merged before.
pub(crate) fn add_set_aside_states(
    set_aside: &SetAsideFiles,
    copy: &ConflictCopy,
    states: &mut Vec<AncestorCandidate>,
) {
    for file in sort_newest_first(set_aside.earlier_files(&copy.file)) {
        add_state(
            file_argument::read_limited(&file).ok().flatten().as_deref(),
            AncestorOrigin::OlderVersion,
            states,
        );
    }
}

/// What the services keep of a file beside it: Syncthing's `.stversions` with names as
/// `fox~20260220-143059.json`, Resilio's `.sync/Archive` with the name itself.
pub(crate) fn add_service_versions(file: &Path, states: &mut Vec<AncestorCandidate>) {
    let mut found = Vec::new();
    for top in file.ancestors().skip(1) {
        let Ok(below) = file.strip_prefix(top) else { continue };
        found.extend(timestamped_files(&top.join(".stversions").join(below)));
        found.push(top.join(".sync").join("Archive").join(below));
    }
    for file in sort_newest_first(found) {
        add_state(
            file_argument::read_limited(&file).ok().flatten().as_deref(),
            AncestorOrigin::OlderVersion,
            states,
        );
    }
}

/// The files beside a path with its name and a time behind `~`, as Syncthing names old versions.
fn timestamped_files(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|s| s.to_str()))
    else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |file: &PathBuf| {
        let name = file_name(file);
        let moment = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('~'));
        let moment = moment.and_then(|rest| rest.rsplit_once('.')).map(|(moment, _)| moment);
        moment.is_some_and(|m| m.len() == 15 && m.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
            && file.extension() == path.extension()
    };
    entries.map(|entry| entry.path()).filter(is_one).collect()
}

fn sort_newest_first(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let saved = |file: &PathBuf| file.symlink_metadata().and_then(|about| about.modified()).ok();
    let mut files: Vec<_> = files.into_iter().filter_map(|f| Some((saved(&f)?, f))).collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().take(MAX_STATES).map(|(_, file)| file).collect()
}

fn add_state(bytes: Option<&[u8]>, origin: AncestorOrigin, states: &mut Vec<AncestorCandidate>) {
    if let Some(content) = bytes.and_then(clean_form)
        && !states.iter().any(|known| known.content == content)
    {
        states.push(AncestorCandidate { content, origin });
    }
}

/// The state that the copy differs from least: there it began. Of several the oldest: a
/// change that both sides then share merges by itself, while one that seems taken back
/// would not.
pub(crate) fn nearest_ancestor(
    states: Vec<AncestorCandidate>,
    theirs: &[u8],
    catalog: &Catalog,
) -> Option<AncestorCandidate> {
    let distances = states
        .into_iter()
        .rev()
        .filter_map(|state| Some((count_differences(&state.content, theirs, catalog)?, state)));
    distances.min_by_key(|(distance, _)| *distance).map(|(_, state)| state)
}

/// In how many things two states differ: the entries of their diff. None where they have none.
pub(crate) fn count_differences(one: &[u8], other: &[u8], catalog: &Catalog) -> Option<usize> {
    let (before, after) = (json::parse(one).ok()?, json::parse(other).ok()?);
    Some(comfy_graph::diff::diff(before, after, catalog)?.entries.len())
}
