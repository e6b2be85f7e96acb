//! Putting layouts into a work tree that was checked out without them: a fresh clone has
//! its files before any filter is configured.

use std::path::Path;

use rustc_hash::FxHashMap;

use crate::canon::{self, Known};

use super::door::Direction;
use super::error::{Error, Result};
use super::filter::{Filter, Passed, clean_id};
use super::id::{ObjectId, RepoPath};
use super::index::{IndexEntry, files};
use super::layouts::{Entry, Note};
use super::notes::{Difference, Notes};
use super::refresh::{is_ours, read_within, refresh};
use super::repository::Repository;
use super::settings::{Handling, Settings};
use super::sharing::Gathered;
use super::whole::write_whole;

/// What a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files that have positions now.
    pub files: Vec<RepoPath>,
    /// What is worth telling, each a line.
    pub remarks: Vec<String>,
}

/// Gives every file of the work tree that is still as git stores it the form it would have
/// from a checkout with the filter: its layout where one is known, else an arrangement.
/// Files that anybody changed are left alone. The filter must be configured.
pub fn restore_layouts(repository: &Repository) -> Result<Restored> {
    let work_tree = repository.require_work_tree()?;
    let settings = Settings::of(repository)?;
    let mut filter = Filter::new(Some(repository));
    let mut restored = Restored::default();
    for entry in files(repository)? {
        let file = work_tree.join(entry.path.to_path());
        let is_file = file.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_file || !is_ours(repository, &entry.path) {
            continue;
        }
        let handling = settings.handling_of(repository, &entry.path, Direction::Checkout);
        if handling == Handling::Off {
            continue;
        }
        if let Some(content) = laid_out(repository, &mut filter, &settings, &entry, &file) {
            write_whole(&file, &content).map_err(Error::file("writing", &file))?;
            restored.files.push(entry.path);
        }
    }
    restored.remarks = filter.take_remarks();
    if !restored.files.is_empty() {
        refresh(repository)?;
    }
    Ok(restored)
}

/// Brings files up to the layouts that others gave them: where content is the same in both
/// clones, a pull has nothing to check out, and yet nodes were moved. Only files that lie
/// here exactly as our own notes last knew them, as they were arranged because nothing was
/// known, or without any layout, are touched.
pub fn follow_layouts(repository: &Repository, gathered: &Gathered) -> Result<Vec<RepoPath>> {
    let mut followed = Vec::new();
    let (Some((before, after)), Some(work_tree)) = (gathered.layouts, repository.work_tree())
    else {
        return Ok(followed);
    };
    let older = Notes::at(repository, before)?;
    let newer = Notes::at(repository, after)?;
    let changed: FxHashMap<ObjectId, Difference> =
        newer.since(&older)?.into_iter().map(|d| (d.about, d)).collect();
    let read = |note: Option<ObjectId>| -> Result<Note> {
        let text = note.map_or(Ok(None), |id| repository.blob(id))?;
        Ok(Note::parse(&text.unwrap_or_default()))
    };
    let max_file_size = Settings::of(repository)?.max_file_size;
    for entry in files(repository)? {
        let Some(difference) = changed.get(&entry.id) else { continue };
        let (old, new) = (read(difference.before)?, read(difference.after)?);
        let file = work_tree.join(entry.path.to_path());
        let Some(newest) = new.entries.get(&entry.path) else { continue };
        if old.entries.get(&entry.path) == Some(newest) || !is_ours(repository, &entry.path) {
            continue;
        }
        let is_file = file.symlink_metadata().is_ok_and(|about| about.is_file());
        let Some(here) = is_file.then(|| read_within(&file, max_file_size)).flatten() else {
            continue;
        };
        let Some(content) = repository.blob(entry.id)? else { continue };
        let laid_out = |known: &Entry| canon::smudge(&content, Known::Exact(&known.layout));
        let as_noted = || old.entries.get(&entry.path).and_then(laid_out).as_ref() == Some(&here);
        let as_arranged = || canon::smudge(&content, Known::Nothing).as_ref() == Some(&here);
        let is_bare = clean_id(repository.format(), &here) == entry.id;
        if (is_bare || as_noted() || as_arranged())
            && let Some(theirs) = laid_out(newest)
            && theirs != here
        {
            write_whole(&file, &theirs).map_err(Error::file("writing", &file))?;
            followed.push(entry.path);
        }
    }
    if !followed.is_empty() {
        refresh(repository)?;
    }
    Ok(followed)
}

fn laid_out(
    repository: &Repository,
    filter: &mut Filter<'_>,
    settings: &Settings,
    entry: &IndexEntry,
    file: &Path,
) -> Option<Vec<u8>> {
    let bytes = read_within(file, settings.max_file_size)?;
    if clean_id(repository.format(), &bytes) != entry.id {
        return None;
    }
    match filter.smudge(&entry.path, Some(entry.id), &bytes) {
        Passed::Changed(content) if content != bytes => Some(content),
        _ => None,
    }
}
