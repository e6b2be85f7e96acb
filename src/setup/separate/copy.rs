//! A folder copied to another disk, and the copy checked.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::{Result, file_error, list_folder};
use crate::platform::files::copy_with_time;

/// Copies files, folders and links, each file synced to disk.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(file_error("make", to))?;
    for (name, kind) in list_folder(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if kind.is_dir() {
            copy_folder(&from, &to)?;
        } else if kind.is_symlink() {
            link(&from, &to).map_err(file_error("copy", &from))?;
        } else if kind.is_file() {
            // With its time: a later one on the index would make git miss changes.
            copy_with_time(&from, &to).map_err(file_error("copy", &from))?;
            fs::File::open(&to)
                .and_then(|file| file.sync_all())
                .map_err(file_error("write", &to))?;
        }
        // A socket of a running fsmonitor is nothing to keep.
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}

/// Whether two folders hold the same files.
pub(crate) fn has_same_files(one: &Path, other: &Path) -> Result<bool> {
    for (name, kind) in list_folder(one)? {
        let (one, other) = (one.join(&name), other.join(&name));
        let equal = if kind.is_dir() {
            other.is_dir() && has_same_files(&one, &other)?
        } else if kind.is_file() {
            other.is_file() && has_same_bytes(&one, &other).map_err(file_error("read", &other))?
        } else {
            true
        };
        if !equal {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (fs::File::open(one)?, fs::File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = one.read(&mut a)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut b[..count])?;
        if a[..count] != b[..count] {
            return Ok(false);
        }
    }
}
