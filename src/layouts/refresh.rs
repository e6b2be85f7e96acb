//! Taking the "modified" mark off files that differ in layout alone.
//!
//! git compares sizes and times before contents: after a save that only moved nodes,
//! `git status` says "modified" while `git diff` is empty, and `git checkout` refuses to
//! go on. git clears the mark only when such a file is added again. That is done here for
//! files whose clean content is what the index holds, and for no others: the new index is
//! made aside by git itself, must hold the same content as the old one, and takes its
//! place only if nobody changed the old one meanwhile.
//!
//! What git does not let us catch: there is no hook before a checkout. A file saved since
//! the last hook or `git comfy status` still blocks it once; `git comfy refresh` (or any
//! `git add`) clears the way.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use comfy_graph::clean;
use comfy_graph::clean::CleanOutcome;

use super::filter::{Filter, normalized_blob_id};
use super::settings::{FilterSettings, Handling};
use crate::platform::files::{self, copy_with_time};
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::{IndexEntry, has_same_entries, index_entries, index_path};
use crate::platform::git::{
    AttributeDirection, GitError, ObjectKind, RepoPath, Repository, Result,
};
use crate::platform::time::now_millis;
use crate::platform::write_atomic::remove_abandoned;

/// What a refresh found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IndexRefresh {
    /// Files that differed in layout alone. Their layouts are filed.
    pub(crate) layout_only: Vec<RepoPath>,
    /// Files that look changed and are not: raw ones, as git has them.
    pub(crate) unchanged: Vec<RepoPath>,
    /// Files that look changed and are.
    pub(crate) changed: Vec<RepoPath>,
    /// Whether git's memory of them is up to date now.
    pub(crate) marks: ModifiedMarks,
}

/// What became of git's "modified" marks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ModifiedMarks {
    /// There were none to take off.
    #[default]
    None,
    /// They are gone.
    Cleared,
    /// Somebody else is working on the index; the next call does it.
    Busy,
}

/// Takes the mark off all files that differ in layout alone.
pub(crate) fn refresh_index(repository: &Repository) -> Result<IndexRefresh> {
    if is_foreign_index(repository) {
        // A git command with an index of its own called us; it is not ours to touch.
        return Ok(IndexRefresh::default());
    }
    let mut refreshed = compare_with_index(repository)?;
    let marked: Vec<_> = refreshed.layout_only.iter().chain(&refreshed.unchanged).collect();
    if !marked.is_empty() {
        refreshed.marks = clear_marks(repository, &marked)?;
    }
    Ok(refreshed)
}

/// Files the layouts of files that differ from the index in layout alone, and leaves the
/// index as it is: for when a git command holds it.
pub(crate) fn store_moved_layouts(repository: &Repository) -> Result<()> {
    let moved = compare_with_index(repository)?.layout_only;
    if moved.is_empty() {
        return Ok(());
    }
    let mut filter = Filter::new(Some(repository));
    let top = repository.require_work_tree()?;
    for path in moved {
        if let Ok(bytes) = files::read_up_to(&top.join(path.to_path()), filter.max_file_size()) {
            filter.clean(&path, &bytes)?;
        }
    }
    Ok(())
}

/// Looks which files differ from the index.
fn compare_with_index(repository: &Repository) -> Result<IndexRefresh> {
    let mut refreshed = IndexRefresh::default();
    let Some(work_tree) = repository.work_tree() else { return Ok(refreshed) };
    let mut settings = None;
    for entry in index_entries(repository)? {
        let file = work_tree.join(entry.path.to_path());
        let Ok(metadata) = file.symlink_metadata() else { continue };
        if !metadata.is_file()
            || entry.stat.matches(&metadata)
            || !is_filtered(repository, &entry.path)
        {
            continue;
        }
        let settings = match &settings {
            Some(settings) => settings,
            None => settings.insert(FilterSettings::load(repository)?),
        };
        match compare_file(repository, settings, &entry, &file) {
            Some(IndexDifference::Layout) => refreshed.layout_only.push(entry.path),
            Some(IndexDifference::Nothing) => refreshed.unchanged.push(entry.path),
            Some(IndexDifference::Content) => refreshed.changed.push(entry.path),
            None => {}
        }
    }
    Ok(refreshed)
}

fn is_foreign_index(repository: &Repository) -> bool {
    let surroundings = repository.environment();
    let Some(index) = &surroundings.index_file else { return false };
    let own = index_path(repository);
    let canonical = |path: &Path| path.canonicalize().ok();
    canonical(&surroundings.folder.join(index)) != canonical(&own)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IndexDifference {
    Nothing,
    Layout,
    Content,
}

fn compare_file(
    repository: &Repository,
    settings: &FilterSettings,
    entry: &IndexEntry,
    file: &Path,
) -> Option<IndexDifference> {
    let handling = settings.handling_of(repository, &entry.path, AttributeDirection::Checkin);
    let Handling::Clean(mode) = handling else { return None };
    let bytes = files::read_up_to(file, settings.max_file_size).ok()?;
    let CleanOutcome::Cleaned(cleaned) = clean::clean_document(&bytes, mode) else { return None };
    let format = repository.format();
    if format.object_id(ObjectKind::Blob, &cleaned.content) == entry.id {
        return Some(IndexDifference::Layout);
    }
    let as_stored =
        [format.object_id(ObjectKind::Blob, &bytes), normalized_blob_id(format, &bytes)];
    Some(if as_stored.contains(&entry.id) {
        IndexDifference::Nothing
    } else {
        IndexDifference::Content
    })
}

/// Lets git look at the files again, in an index made aside.
fn clear_marks(repository: &Repository, paths: &[&RepoPath]) -> Result<ModifiedMarks> {
    let index = index_path(repository);
    let before = IndexFingerprint::read(&index);
    let aside = IndexCopy::create(&index)?;
    let mut names = Vec::new();
    for path in paths {
        names.extend_from_slice(path.as_bytes());
        names.push(0);
    }
    let git = repository.git_command().env("GIT_INDEX_FILE", aside.path());
    git.args(["update-index", "-z", "--stdin"]).output_with_input(&names)?;
    if !has_same_entries(repository, &index, aside.path())? {
        // A file was saved with other content just now: nothing is staged unasked.
        return Ok(ModifiedMarks::Busy);
    }
    let lock = index.with_extension("lock");
    match OpenOptions::new().write(true).create_new(true).open(&lock) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Ok(ModifiedMarks::Busy);
        }
        Err(error) => return Err(GitError::file_error("writing", lock)(error)),
    }
    if IndexFingerprint::read(&index) != before {
        let _ = std::fs::remove_file(&lock);
        return Ok(ModifiedMarks::Busy);
    }
    let moved = std::fs::rename(aside.path(), &index);
    let _ = std::fs::remove_file(&lock);
    moved.map_err(GitError::file_error("writing", index))?;
    Ok(ModifiedMarks::Cleared)
}

/// Tells one state of the index file from another: git always replaces the file, and its
/// last bytes are the checksum of all others.
#[derive(Debug, PartialEq, Eq)]
struct IndexFingerprint {
    length: u64,
    modified: Option<std::time::SystemTime>,
    tail: Vec<u8>,
}

impl IndexFingerprint {
    fn read(index: &Path) -> Option<IndexFingerprint> {
        use std::io::{Seek, SeekFrom};
        let mut file = File::open(index).ok()?;
        let metadata = file.metadata().ok()?;
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(metadata.len().saturating_sub(32))).ok()?;
        file.read_to_end(&mut tail).ok()?;
        Some(IndexFingerprint { length: metadata.len(), modified: metadata.modified().ok(), tail })
    }
}

/// A copy of the index beside it, gone (with the lock a git that was killed may have left
/// on it) when it is no longer wanted.
///
/// It has the time of the index: git takes a file that was written in the second of the index
/// for changed until it has looked into it, and a later time would hide such a change for good.
struct IndexCopy(PathBuf);

/// How the names of copies begin.
const COPY_PREFIX: &str = "index.comfy-";

/// Removes what commands that were killed left in the folders of a repository.
pub(crate) fn remove_abandoned_files(repository: &Repository) {
    let mut folders = vec![
        repository.git_dir().to_owned(),
        repository.state_dir(),
        repository.work_tree_state_dir(),
    ];
    folders.dedup();
    folders.iter().for_each(|folder| remove_abandoned(folder, &[COPY_PREFIX]));
}

impl IndexCopy {
    fn create(index: &Path) -> Result<IndexCopy> {
        let name = format!("{COPY_PREFIX}{}-{}", std::process::id(), now_millis());
        let aside = IndexCopy(index.with_file_name(name));
        copy_with_time(index, &aside.0).map_err(GitError::file_error("writing", &aside.0))?;
        Ok(aside)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for IndexCopy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let mut lock = self.0.clone().into_os_string();
        lock.push(".lock");
        let _ = std::fs::remove_file(lock);
    }
}
