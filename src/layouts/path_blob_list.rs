//! A small file of a work tree or a repository that lists contents of files: each entry is an
//! id, a space and a path, with a NUL behind it. What cannot be read is no entry.
//!
//! Must not know what is listed, nor why.

use std::path::Path;

use crate::platform::AtomicWrite;
use crate::platform::git::{GitError, ObjectId, RepoPath, Result};

/// Reads a list; a file that is not there is an empty one.
pub(super) fn read(file: &Path) -> Vec<(RepoPath, ObjectId)> {
    let text = std::fs::read(file).unwrap_or_default();
    let entry = |entry: &[u8]| {
        let at = memchr::memchr(b' ', entry)?;
        Some((RepoPath::new(&entry[at + 1..]), ObjectId::from_hex(&entry[..at])?))
    };
    text.split(|byte| *byte == 0).filter_map(entry).collect()
}

/// Writes a list whole.
pub(super) fn write<'e>(
    file: &Path,
    entries: impl Iterator<Item = (&'e RepoPath, &'e ObjectId)>,
) -> Result<()> {
    let mut text = Vec::new();
    for (path, id) in entries {
        text.extend_from_slice(id.to_hex().as_bytes());
        text.push(b' ');
        text.extend_from_slice(path.as_bytes());
        text.push(0);
    }
    let written = AtomicWrite::new().create_folder().write(file, &text);
    written.map_err(GitError::file_error("writing", file))
}
