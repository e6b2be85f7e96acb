//! Files by which one process at a time does something. A lock is the system's: a process that
//! is killed holds none.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Takes the lock, if no process holds it. It is held until the file is dropped.
pub(crate) fn try_lock_file(path: &Path) -> io::Result<Option<File>> {
    let file = open_lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock, waiting for the process that holds it.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    let file = open_lock_file(path)?;
    file.lock()?;
    Ok(file)
}

fn open_lock_file(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}
