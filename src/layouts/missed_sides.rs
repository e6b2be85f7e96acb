//! Sides of merges and picks whose layouts were not here when they were merged, and contents
//! that were picked as they are: what was fetched by the name of its branch comes without
//! them. As soon as they are here, what that side moved comes along.
//!
//! Must not know how layouts come.

use std::path::PathBuf;

use super::path_blob_list;
use super::state_files;
use crate::platform::git::{ObjectId, RepoPath, Repository, Result};

/// So many are remembered, the newest ones.
const MAX_MISSED: usize = 256;

/// What is remembered.
pub(crate) fn read(repository: &Repository) -> Vec<(RepoPath, ObjectId)> {
    path_blob_list::read(&file(repository))
}

/// Whether that side of a file is among them.
pub(crate) fn contains(repository: &Repository, path: &RepoPath, side: ObjectId) -> bool {
    read(repository).iter().any(|(known, missed)| known == path && *missed == side)
}

/// Remembers a side of a file.
pub(crate) fn add(repository: &Repository, path: &RepoPath, side: ObjectId) -> Result<()> {
    let mut all = read(repository);
    let added = (path.clone(), side);
    all.retain(|known| *known != added);
    all.push(added);
    write(repository, &all[all.len().saturating_sub(MAX_MISSED)..])
}

/// Remembers these and no others.
pub(crate) fn write(repository: &Repository, sides: &[(RepoPath, ObjectId)]) -> Result<()> {
    let file = file(repository);
    if sides.is_empty() {
        let _ = std::fs::remove_file(file);
        return Ok(());
    }
    path_blob_list::write(&file, sides.iter().map(|(path, side)| (path, side)))
}

fn file(repository: &Repository) -> PathBuf {
    repository.work_tree_state_dir().join(state_files::MISSED_SIDES)
}
