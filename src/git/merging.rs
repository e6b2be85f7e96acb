//! What a merge needs of a repository: the layouts of both sides, and a place for what
//! was decided.
//!
//! git stores the merged blob itself and then checks it out; the layout filed here for
//! that blob is the one its smudge finds. Must not know how documents are merged.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use rustc_hash::FxHashMap;

use crate::canon::{self, Mode, Outcome};
use crate::graph::{NodeId, NodeKey};

use super::door::Direction;
use super::error::{Error, Result};
use super::filter::clean_id;
use super::id::{Kind, RepoPath};
use super::layouts::{Finder, Found};
use super::repository::Repository;
use super::settings::{Handling, Settings};

/// The contents a merge saw and made.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// The side merged into.
    pub ours: &'a [u8],
    /// The side merged.
    pub theirs: &'a [u8],
    /// The result, in clean form.
    pub merged: &'a [u8],
}

/// What becomes of a file's positions, and how large it may be to be looked at.
pub fn handling(repository: &Repository, path: &RepoPath) -> (Handling, u64) {
    let settings = Settings::of(repository).unwrap_or_default();
    (settings.handling_of(repository, path, Direction::Checkin), settings.max_file_size)
}

/// Files a layout for a merged blob: nodes lie where ours has them, nodes that only theirs
/// has where theirs does. Nothing is filed where nothing is known.
pub fn file_layout(
    repository: &Repository,
    path: &RepoPath,
    contents: Contents<'_>,
    renumbered: &FxHashMap<NodeKey, NodeId>,
) -> Result<()> {
    let mut finder = Finder::new(repository);
    let mut known = |content: &[u8]| -> Result<Option<String>> {
        if let Some(layout) = own_layout(content) {
            return Ok(Some(layout));
        }
        let blob = clean_id(repository.format(), content);
        Ok(match finder.find(blob, path)? {
            Found::Exact(layout) | Found::Related(layout) => Some(layout),
            Found::Nothing => None,
        })
    };
    let (ours, theirs) = (known(contents.ours)?, known(contents.theirs)?);
    if ours.is_none() && theirs.is_none() {
        return Ok(());
    }
    let merged = contents.merged;
    let laid_out = canon::smudge_merged(merged, ours.as_deref(), theirs.as_deref(), renumbered);
    let Some(laid_out) = laid_out else { return Ok(()) };
    let Outcome::Cleaned(cleaned) = canon::clean(&laid_out, Mode::Strip) else { return Ok(()) };
    if let (Some(layout), true) = (cleaned.layout, cleaned.content == merged) {
        finder.file(repository.format().id_of(Kind::Blob, merged), path, &layout)?;
    }
    Ok(())
}

/// The layout that lies in a file which nobody cleaned.
pub fn own_layout(content: &[u8]) -> Option<String> {
    memchr::memmem::find(content, b"\"pos\"")?;
    match canon::clean(content, Mode::Strip) {
        Outcome::Cleaned(cleaned) => cleaned.layout,
        Outcome::Untouched(_) => None,
    }
}

/// Beyond this the journal of merges begins anew; the old one is kept once.
const MAX_JOURNAL: u64 = 4 << 20;

/// Adds a line about a merge to the journal that `git comfy merge --explain` reads.
pub fn note(repository: &Repository, line: &str) -> Result<()> {
    let (file, old) = journal(repository);
    let failed = || Error::file("writing", file.clone());
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(repository.state_dir())?;
        if file.metadata().is_ok_and(|about| about.len() > MAX_JOURNAL) {
            std::fs::rename(&file, &old)?;
        }
        let mut journal = OpenOptions::new().create(true).append(true).open(&file)?;
        // One write: lines of merges that run at the same time stay whole.
        journal.write_all(format!("{line}\n").as_bytes())
    };
    written().map_err(failed())
}

/// The lines of the journal, the oldest first.
pub fn noted(repository: &Repository) -> Vec<String> {
    let (file, old) = journal(repository);
    let read = |file| std::fs::read(file).unwrap_or_default();
    let text = [read(old), read(file)].concat();
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

fn journal(repository: &Repository) -> (PathBuf, PathBuf) {
    let folder = repository.state_dir();
    (folder.join("merges"), folder.join("merges.old"))
}
