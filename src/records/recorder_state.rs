//! The recorder's own files on this machine, below `<common git dir>/comfy/`:
//!
//! - `machine`: the id this clone has in records, random, made once;
//! - `pending/<commit>`: a record that is not complete yet;
//! - `recorder.lock`: held by the one process that completes records;
//! - `recorder.json`: how far it is.
//!
//! All of them can be deleted at any time. A lock is the system's: a process that is
//! killed holds none. Must not know what a commit is; its name is a name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::platform::hex::random_hex;
use crate::platform::machine::lock_file::{lock_file, try_lock_file};
use crate::platform::{AtomicWrite, write_atomic};

/// Digits of a machine's id.
const ID_DIGITS: usize = 12;
/// The file that the one process that completes records holds.
const LOCK_FILE: &str = "recorder.lock";
/// How often a record that cannot be completed is tried again.
const MAX_ATTEMPTS: u32 = 5;

/// The recorder's files in one repository.
#[derive(Debug, Clone)]
pub(crate) struct RecorderState {
    folder: PathBuf,
}

/// The right to complete records. One process has it at a time.
#[derive(Debug)]
pub(crate) struct RecorderLock {
    _held: File,
}

/// How far the process that completes records is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecorderProgress {
    /// Files hashed so far.
    pub files_done: usize,
    /// Files to hash.
    pub files: usize,
    /// Bytes hashed so far.
    pub bytes_done: u64,
    /// Bytes to hash.
    pub bytes: u64,
}

impl RecorderState {
    /// The files in git-comfy's own folder of a repository.
    pub(crate) fn new(comfy_folder: &Path) -> Self {
        RecorderState { folder: comfy_folder.to_owned() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The id of this machine (of this clone on it). Where it cannot be kept, one for this
    /// process.
    pub(crate) fn machine_id(&self) -> String {
        let path = self.folder.join("machine");
        let known = || read_trimmed(&path).filter(|id| is_machine_id(id));
        if let Some(id) = known() {
            return id;
        }
        let id = random_hex(ID_DIGITS);
        let written = write_new_file(&path, &id);
        match written {
            Ok(()) => id,
            // Another process was first; its id is the one.
            Err(_) => known().unwrap_or(id),
        }
    }

    /// Notes that a record is not complete.
    pub(crate) fn add_pending(&self, name: &str) -> io::Result<()> {
        let path = self.folder.join("pending").join(name);
        if path.exists() {
            Ok(())
        } else {
            write_new_file(&path, "0").or_else(ignore_already_exists)
        }
    }

    /// The records that are not complete, oldest first.
    pub(crate) fn pending(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join("pending")).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let plain = name.bytes().all(|b| b.is_ascii_hexdigit());
                plain.then(|| (entry.metadata().and_then(|m| m.modified()).ok(), name))
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// The record is complete, or given up.
    pub(crate) fn remove_pending(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join("pending").join(name));
    }

    /// The record could not be completed now. After so many times it leaves the list.
    pub(crate) fn defer_pending(&self, name: &str) {
        let path = self.folder.join("pending").join(name);
        let tried = read_trimmed(&path).and_then(|text| text.parse().ok()).unwrap_or(0u32) + 1;
        if tried >= MAX_ATTEMPTS {
            self.remove_pending(name);
        } else {
            let _ = fs::write(&path, tried.to_string());
        }
    }

    /// Takes the lock, if no process holds it.
    pub(crate) fn try_lock(&self) -> io::Result<Option<RecorderLock>> {
        Ok(try_lock_file(&self.folder.join(LOCK_FILE))?.map(|file| RecorderLock { _held: file }))
    }

    /// Takes the lock, waiting for the process that holds it.
    pub(crate) fn lock(&self) -> io::Result<RecorderLock> {
        Ok(RecorderLock { _held: lock_file(&self.folder.join(LOCK_FILE))? })
    }

    /// Takes everything away. A process that completes records finds nothing more to do.
    pub(crate) fn remove_files(&self) {
        for name in ["machine", "recorder.json", LOCK_FILE] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        let _ = fs::remove_dir_all(self.folder.join("pending"));
    }

    /// Writes `recorder.json`. Only the holder of the lock may.
    pub(crate) fn write_progress(&self, _lock: &RecorderLock, progress: &RecorderProgress) {
        let text = serde_json::to_vec(progress).unwrap_or_default();
        // Only for others to see.
        let _ = write_atomic(&self.folder.join("recorder.json"), &text);
    }

    /// How far the process that has the turn is; `None` when nobody has it.
    pub(crate) fn progress(&self) -> Option<RecorderProgress> {
        if !self.folder.join(LOCK_FILE).exists() || self.try_lock().ok()?.is_some() {
            return None;
        }
        let text = read_trimmed(&self.folder.join("recorder.json")).unwrap_or_default();
        Some(serde_json::from_str(&text).unwrap_or_default())
    }
}

fn ignore_already_exists(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

fn is_machine_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Writes a file that must not be there yet; never seen half written.
fn write_new_file(path: &Path, text: &str) -> io::Result<()> {
    AtomicWrite::new().create_folder().refuse_existing().write(path, text.as_bytes())
}

fn read_trimmed(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(4096).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> (tempfile::TempDir, RecorderState) {
        let folder = tempfile::tempdir().unwrap();
        let state = RecorderState::new(&folder.path().join("comfy"));
        (folder, state)
    }

    #[test]
    fn a_machine_keeps_its_id() {
        let (_folder, state) = recorder();
        let ids: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| state.machine_id())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(is_machine_id(&ids[0]) && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let (_other, other) = self::recorder();
        assert_ne!(other.machine_id(), ids[0]);
    }

    #[test]
    fn pending_records_are_a_list_that_survives() {
        let (_folder, state) = recorder();
        assert!(state.pending().is_empty());
        state.add_pending("aa").unwrap();
        state.add_pending("aa").unwrap();
        state.add_pending("bb").unwrap();
        fs::write(state.folder.join("pending/not a commit"), "").unwrap();
        let mut pending = state.pending();
        pending.sort();
        assert_eq!(pending, ["aa", "bb"]);
        state.remove_pending("aa");
        for _ in 1..MAX_ATTEMPTS {
            state.defer_pending("bb");
            assert_eq!(state.pending(), ["bb"]);
        }
        state.defer_pending("bb");
        assert!(state.pending().is_empty());
    }

    #[test]
    fn one_process_has_the_turn() {
        let (_folder, state) = recorder();
        assert_eq!(state.progress(), None);
        let lock = state.try_lock().unwrap().unwrap();
        assert!(state.try_lock().unwrap().is_none());
        let progress = RecorderProgress { files_done: 1, files: 2, bytes_done: 10, bytes: 30 };
        state.write_progress(&lock, &progress);
        assert_eq!(state.progress(), Some(progress));
        drop(lock);
        assert_eq!(state.progress(), None);
        assert!(state.try_lock().unwrap().is_some());
    }
}
