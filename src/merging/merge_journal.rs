//! The journal of merges: a line for each merged file, which `git comfy merge --explain` reads.
//!
//! Must not know what a line says.

use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use crate::platform::git::{GitError, Repository, Result};

/// A journal larger than this (in bytes) is renamed to `merges.old` and a new one begun.
const MAX_JOURNAL_SIZE: u64 = 4 << 20;

/// Appends a line to the journal that `git comfy merge --explain` reads.
pub(crate) fn append_to_journal(repository: &Repository, line: &str) -> Result<()> {
    let (file, old) = journal_paths(repository);
    let failed = || GitError::file_error("writing", file.clone());
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(repository.state_dir())?;
        if file.metadata().is_ok_and(|about| about.len() > MAX_JOURNAL_SIZE) {
            std::fs::rename(&file, &old)?;
        }
        let mut journal = OpenOptions::new().create(true).append(true).open(&file)?;
        // One write: lines of merges that run at the same time stay whole.
        journal.write_all(format!("{line}\n").as_bytes())
    };
    written().map_err(failed())
}

/// The lines of the journal, the oldest first.
pub(crate) fn read_journal(repository: &Repository) -> Vec<String> {
    let (file, old) = journal_paths(repository);
    let read = |file| std::fs::read(file).unwrap_or_default();
    let text = [read(old), read(file)].concat();
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// Deletes the journal. Nothing is lost for good: the same merge decides the same again.
pub(crate) fn delete_journal(repository: &Repository) {
    let (file, old) = journal_paths(repository);
    for file in [file, old] {
        let _ = std::fs::remove_file(file);
    }
}

fn journal_paths(repository: &Repository) -> (PathBuf, PathBuf) {
    let folder = repository.state_dir();
    (folder.join("merges"), folder.join("merges.old"))
}
