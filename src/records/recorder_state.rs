//! The recorder's own files on this machine, below `<common git dir>/comfy/`:
//!
//! - `machine`: the id this clone has in records, random, made once;
//! - `pending/<commit>`: a record that is not complete yet;
//! - `recorder.lock`: held by the one process that completes records;
//! - `recorder.json`: how far it is.
//!
//! All of them can be deleted at any time. A lock is the system's: a process that is
//! killed holds none. Must not know what a commit is; its name is a name.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::platform::hex::random_hex;

/// Digits of a machine's id.
const ID_DIGITS: usize = 12;
/// How often a record that cannot be completed is tried again.
const MAX_ATTEMPTS: u32 = 5;

/// The recorder's files in one repository.
#[derive(Debug, Clone)]
pub struct RecorderState {
    folder: PathBuf,
}

/// The right to complete records. One process has it at a time.
#[derive(Debug)]
pub struct RecorderLock {
    _held: File,
}

/// How far the process that completes records is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecorderProgress {
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
    pub fn new(comfy_folder: &Path) -> Self {
        RecorderState { folder: comfy_folder.to_owned() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The id of this machine (of this clone on it). Where it cannot be kept, one for this
    /// process.
    pub fn machine_id(&self) -> String {
        let path = self.folder.join("machine");
        let known = || read_trimmed(&path).filter(|id| is_machine_id(id));
        if let Some(id) = known() {
            return id;
        }
        let id = random_hex(ID_DIGITS);
        let kept = fs::create_dir_all(&self.folder).and_then(|()| write_new_file(&path, &id));
        match kept {
            Ok(()) => id,
            // Another process was first; its id is the one.
            Err(_) => known().unwrap_or(id),
        }
    }

    /// Notes that a record is not complete.
    pub fn add_pending(&self, name: &str) -> io::Result<()> {
        let folder = self.folder.join("pending");
        fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        if path.exists() {
            Ok(())
        } else {
            write_new_file(&path, "0").or_else(ignore_already_exists)
        }
    }

    /// The records that are not complete, oldest first.
    pub fn pending(&self) -> Vec<String> {
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
    pub fn remove_pending(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join("pending").join(name));
    }

    /// The record could not be completed now; gives whether it stays on the list.
    pub fn defer_pending(&self, name: &str) -> bool {
        let path = self.folder.join("pending").join(name);
        let tried = read_trimmed(&path).and_then(|text| text.parse().ok()).unwrap_or(0u32) + 1;
        if tried >= MAX_ATTEMPTS {
            self.remove_pending(name);
            return false;
        }
        let _ = fs::write(&path, tried.to_string());
        true
    }

    /// Takes the lock, if no process holds it.
    pub fn try_lock(&self) -> io::Result<Option<RecorderLock>> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RecorderLock { _held: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock, waiting for the process that holds it.
    pub fn lock(&self) -> io::Result<RecorderLock> {
        let file = self.lock_file()?;
        file.lock()?;
        Ok(RecorderLock { _held: file })
    }

    /// Takes everything away. A process that completes records finds nothing more to do.
    pub fn remove_files(&self) {
        for name in ["machine", "recorder.json", "recorder.lock"] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        let _ = fs::remove_dir_all(self.folder.join("pending"));
    }

    fn lock_file(&self) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join("recorder.lock");
        File::options().create(true).truncate(false).read(true).write(true).open(path)
    }

    /// Writes `recorder.json`. Only the holder of the lock may.
    pub fn write_progress(&self, _turn: &RecorderLock, progress: &RecorderProgress) {
        let tell = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&serde_json::to_vec(progress)?)?;
            file.persist(self.folder.join("recorder.json")).map_err(|error| error.error)?;
            Ok(())
        };
        // Only for others to see.
        let _ = tell();
    }

    /// How far the process that has the turn is; `None` when nobody has it.
    pub fn progress(&self) -> Option<RecorderProgress> {
        if !self.folder.join("recorder.lock").exists() || self.try_lock().ok()?.is_some() {
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
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

fn read_trimmed(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(4096).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> (tempfile::TempDir, RecorderState) {
        let folder = tempfile::tempdir().unwrap();
        let desk = RecorderState::new(&folder.path().join("comfy"));
        (folder, desk)
    }

    #[test]
    fn a_machine_keeps_its_id() {
        let (_folder, desk) = desk();
        let ids: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| desk.machine_id())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(is_machine_id(&ids[0]) && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let (_other, other) = self::desk();
        assert_ne!(other.machine_id(), ids[0]);
    }

    #[test]
    fn pending_records_are_a_list_that_survives() {
        let (_folder, desk) = desk();
        assert!(desk.pending().is_empty());
        desk.add_pending("aa").unwrap();
        desk.add_pending("aa").unwrap();
        desk.add_pending("bb").unwrap();
        fs::write(desk.folder.join("pending/not a commit"), "").unwrap();
        let mut pending = desk.pending();
        pending.sort();
        assert_eq!(pending, ["aa", "bb"]);
        desk.remove_pending("aa");
        for _ in 1..MAX_ATTEMPTS {
            assert!(desk.defer_pending("bb"));
        }
        assert!(!desk.defer_pending("bb"));
        assert!(desk.pending().is_empty());
    }

    #[test]
    fn one_process_has_the_turn() {
        let (_folder, desk) = desk();
        assert_eq!(desk.progress(), None);
        let turn = desk.try_lock().unwrap().unwrap();
        assert!(desk.try_lock().unwrap().is_none());
        let far = RecorderProgress { files_done: 1, files: 2, bytes_done: 10, bytes: 30 };
        desk.write_progress(&turn, &far);
        assert_eq!(desk.progress(), Some(far));
        drop(turn);
        assert_eq!(desk.progress(), None);
        assert!(desk.try_lock().unwrap().is_some());
    }
}
