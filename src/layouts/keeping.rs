//! Whether layouts can be kept here: the files they need are tried without a change to any
//! of them. Must not know how a person mends what is found.

use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::file_states::FileStates;
use super::store::Store;
use crate::layouts;
use crate::platform::git::{Error, Repository, Result};

/// More than any file system lends without having it.
const TRIED: usize = 1 << 16;

/// Why layouts cannot be kept, each place once; nothing where all is well.
pub(crate) fn obstacles(repository: &Repository) -> Vec<Error> {
    let shared = repository.state_dir();
    let own = repository.work_tree_state_dir();
    let mut folders = vec![shared.clone()];
    if own != shared {
        folders.push(own.clone());
    }
    let blocked: Vec<_> = folders.iter().filter_map(|folder| try_folder(folder).err()).collect();
    if !blocked.is_empty() {
        return blocked;
    }
    let files = [
        shared.join("layouts"),
        shared.join("layouts.lock"),
        own.join("files"),
        own.join("files.lock"),
        shared.join("clock"),
        own.join("fetched"),
    ];
    let blocked: Vec<_> = files.iter().filter_map(|file| try_file(file).err()).collect();
    if !blocked.is_empty() {
        return blocked;
    }
    let layouts = Store::open(shared).pending().map(drop);
    let states = FileStates::of(repository).all_last().map(drop);
    [layouts, states].into_iter().filter_map(Result::err).collect()
}

/// A file can be made in a folder and have content; where there is none yet, in the one
/// that it would be made in.
fn try_folder(folder: &Path) -> Result<()> {
    let there = nearest(folder);
    let attempt = || -> io::Result<()> {
        let mut file = layouts::new_file(&there)?;
        file.write_all(&[0; TRIED])?;
        file.as_file().sync_data()
    };
    attempt().map_err(Error::file("writing into", there.clone()))
}

fn nearest(folder: &Path) -> PathBuf {
    let is_there = |folder: &&Path| folder.symlink_metadata().is_ok();
    folder.ancestors().find(is_there).unwrap_or(folder).to_owned()
}

/// A file that is there can be read and added to.
fn try_file(file: &Path) -> Result<()> {
    let Ok(about) = file.symlink_metadata() else { return Ok(()) };
    let attempt = match about.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => OpenOptions::new().read(true).append(true).open(file).map(drop),
    };
    attempt.map_err(Error::file("writing", file))
}
