//! The files a commit touches, as it has them.

use rustc_hash::FxHashMap;

use super::backend::{AttributeDirection, AttributeState};
use super::error::Result;
use super::id::{CommitId, ObjectId, RepoPath};
use super::index;
use super::objects::{EntryKind, TreeEntry};
use super::repository::Repository;

/// A file under our filter that a commit added or changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TouchedFile {
    pub path: RepoPath,
    /// Its content in that commit.
    pub blob: ObjectId,
}

/// The files under our filter that a commit adds or changes against its first parent, by
/// path. None for a commit that is not there (a shallow clone's edge has all its files).
pub(crate) fn touched_files(repository: &Repository, commit: CommitId) -> Result<Vec<TouchedFile>> {
    let Some(found) = repository.commit(commit)? else { return Ok(Vec::new()) };
    let before = match found.parents.first() {
        Some(parent) => repository.commit(*parent)?.map(|parent| parent.tree),
        None => None,
    };
    touched_between_trees(repository, before, found.tree)
}

/// The files under our filter that a commit adds or changes against another, by path; all
/// it has where there is no other.
pub(crate) fn touched_between(
    repository: &Repository,
    before: Option<CommitId>,
    after: CommitId,
) -> Result<Vec<TouchedFile>> {
    let tree = |commit: CommitId| Ok(repository.commit(commit)?.map(|commit| commit.tree));
    let Some(after) = tree(after)? else { return Ok(Vec::new()) };
    let before = before.map_or(Ok(None), tree)?;
    touched_between_trees(repository, before, after)
}

/// The files under our filter that one tree adds or changes against another, by path.
pub(crate) fn touched_between_trees(
    repository: &Repository,
    before: Option<ObjectId>,
    after: ObjectId,
) -> Result<Vec<TouchedFile>> {
    let mut touched = Vec::new();
    collect_touched(repository, before, after, &mut Vec::new(), &mut touched)?;
    touched.retain(|file| is_filtered(repository, &file.path));
    touched.sort();
    Ok(touched)
}

/// Whether git sends a path through our filter.
pub(crate) fn is_filtered(repository: &Repository, path: &RepoPath) -> bool {
    let filter = repository.attribute(path, "filter", AttributeDirection::Checkin);
    filter.is_ok_and(|value| value == AttributeState::Value("comfy".into()))
}

/// All files under our filter that a commit holds, by path.
pub(crate) fn workflows_at(repository: &Repository, commit: CommitId) -> Result<Vec<TouchedFile>> {
    let Some(found) = repository.commit(commit)? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    collect_touched(repository, None, found.tree, &mut Vec::new(), &mut all)?;
    // Asking for attributes costs more than a look at the name.
    all.retain(|file| file.path.is_json());
    all.retain(|file| is_filtered(repository, &file.path));
    all.sort();
    Ok(all)
}

/// The blob that a commit touches under a path, by the files it touches.
pub(crate) fn blob_at(touched: &[TouchedFile], path: &str) -> Option<String> {
    let file = touched.iter().find(|file| file.path.to_string() == path)?;
    Some(file.blob.to_string())
}

fn collect_touched(
    repository: &Repository,
    before: Option<ObjectId>,
    after: ObjectId,
    prefix: &mut Vec<u8>,
    touched: &mut Vec<TouchedFile>,
) -> Result<()> {
    if before == Some(after) {
        return Ok(());
    }
    let old = match before {
        Some(tree) => repository.tree(tree)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let old: FxHashMap<_, _> = old.iter().map(|entry| (&entry.name, entry)).collect();
    for entry in repository.tree(after)?.unwrap_or_default() {
        let is_tree = |entry: &TreeEntry| entry.kind == EntryKind::Tree;
        let known = old.get(&entry.name).filter(|old| is_tree(old) == is_tree(&entry));
        if known.is_some_and(|old| old.id == entry.id) {
            continue;
        }
        let length = prefix.len();
        prefix.extend_from_slice(&entry.name);
        match entry.kind {
            EntryKind::Tree => {
                prefix.push(b'/');
                collect_touched(repository, known.map(|old| old.id), entry.id, prefix, touched)?;
            }
            EntryKind::File | EntryKind::Executable => {
                touched.push(TouchedFile { path: RepoPath::new(prefix.clone()), blob: entry.id });
            }
            _ => {}
        }
        prefix.truncate(length);
    }
    Ok(())
}

/// Whether git tracks a file of this work tree, or anything below a folder of it.
pub(crate) fn is_tracked(repository: &Repository, path: &std::path::Path) -> bool {
    let Some(below) = repository.work_tree().and_then(|top| path.strip_prefix(top).ok()) else {
        return false;
    };
    let wanted = RepoPath::from_path(below);
    let inside = [wanted.as_bytes(), b"/"].concat();
    index::index_entries(repository).is_ok_and(|files| {
        let mut files = files.into_iter();
        files.any(|file| file.path == wanted || file.path.as_bytes().starts_with(&inside))
    })
}
