//! The common ancestor of a file and its conflict copy: the nearest of the states that the
//! file is known to have had, in the history, among files that were set aside before, and
//! among the old versions that the service keeps.

use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::json;

use super::aside::Aside;
use super::synced::{Copy, cleaned, name};
use crate::error::Result;
use crate::platform::git::{Repository, file_history};
use crate::platform::machine::write_file;

/// The most states that are compared with a copy.
const MOST: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    History,
    /// A file that was set aside, or that the service keeps as an older version.
    OlderVersion,
    /// Another copy of the same file.
    OlderCopy,
    /// No common state is known.
    Nowhere,
}

impl Origin {
    /// In words, behind "merges by itself, …".
    pub(crate) fn told(self) -> &'static str {
        match self {
            Origin::History => "from where both began",
            Origin::OlderVersion => "from an older version both began with",
            Origin::OlderCopy => "from an older copy both began with",
            Origin::Nowhere => "without a common state",
        }
    }
}

/// A state in clean form, and where it is known from.
pub(crate) type State = (Vec<u8>, Origin);

/// The states the file had in the history, newest first.
pub(crate) fn committed(
    repository: &Repository,
    file: &Path,
    states: &mut Vec<State>,
) -> Result<()> {
    let Some(path) = repository.path_of(file) else { return Ok(()) };
    for id in file_history::states_of(repository, &path)?.into_iter().take(MOST) {
        let blob = repository.blob_within(id, write_file::LONGEST)?;
        add(blob.as_deref(), Origin::History, states);
    }
    Ok(())
}

/// The states that were set aside when copies of the file were merged before.
pub(crate) fn kept(aside: &Aside, copy: &Copy, states: &mut Vec<State>) {
    for file in newest_first(aside.earlier(&copy.file)) {
        add(write_file::read(&file).ok().flatten().as_deref(), Origin::OlderVersion, states);
    }
}

/// What the services keep of a file beside it: Syncthing's `.stversions` with names as
/// `fox~20260220-143059.json`, Resilio's `.sync/Archive` with the name itself.
pub(crate) fn versions(file: &Path, states: &mut Vec<State>) {
    let mut found = Vec::new();
    for top in file.ancestors().skip(1) {
        let Ok(below) = file.strip_prefix(top) else { continue };
        found.extend(stamped(&top.join(".stversions").join(below)));
        found.push(top.join(".sync").join("Archive").join(below));
    }
    for file in newest_first(found) {
        add(write_file::read(&file).ok().flatten().as_deref(), Origin::OlderVersion, states);
    }
}

/// The files beside a path with its name and a time behind `~`, as Syncthing names old versions.
fn stamped(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|s| s.to_str()))
    else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |file: &PathBuf| {
        let name = name(file);
        let moment = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('~'));
        let moment = moment.and_then(|rest| rest.rsplit_once('.')).map(|(moment, _)| moment);
        moment.is_some_and(|m| m.len() == 15 && m.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
            && file.extension() == path.extension()
    };
    entries.map(|entry| entry.path()).filter(is_one).collect()
}

fn newest_first(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let saved = |file: &PathBuf| file.symlink_metadata().and_then(|about| about.modified()).ok();
    let mut files: Vec<_> = files.into_iter().filter_map(|f| Some((saved(&f)?, f))).collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().take(MOST).map(|(_, file)| file).collect()
}

fn add(bytes: Option<&[u8]>, origin: Origin, states: &mut Vec<State>) {
    if let Some(state) = bytes.and_then(cleaned)
        && !states.iter().any(|(known, _)| *known == state)
    {
        states.push((state, origin));
    }
}

/// The state that the copy differs from least: there it began. Of several the oldest: a
/// change that both sides then share merges by itself, while one that seems taken back
/// would not.
pub(crate) fn ancestor(states: Vec<State>, theirs: &[u8], naming: &Catalog) -> Option<State> {
    let far = states
        .into_iter()
        .rev()
        .filter_map(|state| Some((distance(&state.0, theirs, naming)?, state)));
    far.min_by_key(|(distance, _)| *distance).map(|(_, state)| state)
}

/// In how many things two states differ: the entries of their diff. None where they have none.
pub(crate) fn distance(one: &[u8], other: &[u8], naming: &Catalog) -> Option<usize> {
    let (before, after) = (json::parse(one).ok()?, json::parse(other).ok()?);
    Some(comfy_graph::diff::diff(before, after, naming)?.entries.len())
}
