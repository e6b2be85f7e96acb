//! Whether layouts can be kept here: the files they need are tried without a change to any
//! of them, and those that are damaged are set aside, so that new ones can be begun.

use std::fs::OpenOptions;
use std::io;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::append_log::AppendLog;
use super::clone_clock::CloneClock;
use super::restore_layout::LayoutWorkspace;
use super::state_files;
use crate::platform::git::{GitError, Repository, Result, index};

/// More than any file system lends without having it.
const PROBE_SIZE: usize = 1 << 16;

/// What is wrong with a place where layouts are kept.
#[derive(Debug)]
pub(crate) struct Obstacle {
    /// The place, and what is the matter.
    pub(crate) error: GitError,
    /// Nothing can be kept until it is mended.
    pub(crate) is_in_the_way: bool,
}

impl Obstacle {
    fn in_the_way(error: GitError) -> Obstacle {
        Obstacle { error, is_in_the_way: true }
    }
}

/// What a person can do where a layout cannot be kept or read.
pub(crate) fn remedy(error: &GitError) -> &'static str {
    match error {
        GitError::File { source, .. } if is_damage(source.kind()) => {
            "`git comfy init` sets it aside and begins a new one"
        }
        _ => "`git comfy doctor` says what is in the way, and how to mend it",
    }
}

/// Whether something lies at a place that does not belong there, and can be set aside.
pub(crate) fn is_damage(kind: ErrorKind) -> bool {
    use ErrorKind::{AlreadyExists, InvalidData, IsADirectory, NotADirectory, UnexpectedEof};
    matches!(kind, InvalidData | UnexpectedEof | IsADirectory | NotADirectory | AlreadyExists)
}

/// Why layouts cannot be kept, each place once; nothing where all is well.
pub(crate) fn storage_problems(repository: &Repository) -> Vec<Obstacle> {
    let blocked: Vec<_> =
        folders(repository).iter().filter_map(|f| probe_folder(f).err()).collect();
    if !blocked.is_empty() {
        return blocked.into_iter().map(Obstacle::in_the_way).collect();
    }
    let blocked: Vec<_> = files(repository).iter().filter_map(|f| probe_file(f).err()).collect();
    if !blocked.is_empty() {
        return blocked.into_iter().map(Obstacle::in_the_way).collect();
    }
    damages(repository)
}

/// The places that hold something else than they should: what a look tells.
pub(crate) fn damages(repository: &Repository) -> Vec<Obstacle> {
    let misplaced = |path: &PathBuf, kind: ErrorKind| {
        Obstacle::in_the_way(GitError::file_error("reading", path)(kind.into()))
    };
    let mut found = Vec::new();
    for folder in folders(repository).iter().filter(|folder| is_there(folder)) {
        if !folder.is_dir() {
            found.push(misplaced(folder, ErrorKind::NotADirectory));
        }
    }
    if !found.is_empty() {
        return found;
    }
    for file in files(repository).iter().filter(|file| file.is_dir()) {
        found.push(misplaced(file, ErrorKind::IsADirectory));
    }
    for mut log in logs(repository) {
        match log.damage() {
            _ if log.path().is_dir() => {}
            Ok(damage) => {
                found.extend(damage.map(|error| Obstacle { error, is_in_the_way: false }));
            }
            Err(error) => found.push(Obstacle::in_the_way(error)),
        }
    }
    let clock = CloneClock::damage(repository);
    found.extend(clock.map(|error| Obstacle { error, is_in_the_way: false }));
    found
}

/// A place that was set aside.
#[derive(Debug)]
pub(crate) struct DamagedFile {
    /// Where it lay.
    pub(crate) was: PathBuf,
    /// Where it lies now.
    pub(crate) is: PathBuf,
    pub(crate) why: String,
    /// How many of its records the new one begins with.
    pub(crate) saved: usize,
}

/// Sets aside what is damaged, and keeps anew where the nodes of every file lie. What cannot
/// be renamed stays for `git comfy doctor` to tell.
///
/// # Errors
/// What is begun anew cannot be written.
pub(crate) fn mend(repository: &Repository) -> Result<Vec<DamagedFile>> {
    let mut done = Vec::new();
    loop {
        // Behind a place that is in the way may be others.
        let before = done.len();
        for Obstacle { error, .. } in damages(repository) {
            let GitError::File { path, source, .. } = &error else { continue };
            if is_damage(source.kind())
                && let Some(aside) = free_name(path)
            {
                let saved = set_aside(repository, path, &aside)?;
                done.push(DamagedFile {
                    was: path.clone(),
                    is: aside,
                    why: source.to_string(),
                    saved,
                });
            }
        }
        if done.len() == before {
            break;
        }
    }
    if !done.is_empty() {
        let mut workspace = LayoutWorkspace::open(repository)?;
        for entry in index::index_entries(repository)? {
            // What cannot be kept `git add` tells of that file.
            let _ = workspace.inspect(&entry.path);
        }
    }
    Ok(done)
}

fn set_aside(repository: &Repository, path: &Path, aside: &Path) -> Result<usize> {
    let log = logs(repository).into_iter().find(|log| log.path() == path && path.is_file());
    match log {
        Some(mut log) => log.set_aside(aside),
        None => {
            std::fs::rename(path, aside).map(|()| 0).map_err(GitError::file_error("renaming", path))
        }
    }
}

/// A name beside a file that says what became of it, and that nothing has.
fn free_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let named = |number: usize| match number {
        1 => path.with_file_name(format!("{name}.damaged")),
        number => path.with_file_name(format!("{name}.damaged-{number}")),
    };
    (1..1000).map(named).find(|path| !is_there(path))
}

fn folders(repository: &Repository) -> Vec<PathBuf> {
    let mut folders = vec![repository.state_dir()];
    let own = repository.work_tree_state_dir();
    if !folders.contains(&own) {
        folders.push(own);
    }
    folders
}

fn files(repository: &Repository) -> [PathBuf; 9] {
    let (shared, own) = (repository.state_dir(), repository.work_tree_state_dir());
    [
        shared.join(state_files::lock_of(state_files::PENDING_LAYOUTS)),
        own.join(state_files::lock_of(state_files::FILE_STATES)),
        shared.join(state_files::PENDING_LAYOUTS),
        own.join(state_files::FILE_STATES),
        shared.join(state_files::CLOCK),
        own.join(state_files::FETCH_MEMORY),
        shared.join(state_files::PATH_INDEX),
        shared.join(state_files::NOTES_HISTORY),
        shared.join(state_files::REPORTED_RAW_FILES),
    ]
}

fn logs(repository: &Repository) -> [AppendLog; 2] {
    [
        AppendLog::new(repository.state_dir(), state_files::PENDING_LAYOUTS),
        AppendLog::new(repository.work_tree_state_dir(), state_files::FILE_STATES),
    ]
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A file can be made in a folder and have content; where there is none yet, in the one
/// that it would be made in.
fn probe_folder(folder: &Path) -> Result<()> {
    let there = nearest_existing(folder);
    let attempt = || -> io::Result<()> {
        let mut file = tempfile::tempfile_in(&there)?;
        file.write_all(&[0; PROBE_SIZE])?;
        file.sync_data()
    };
    attempt().map_err(GitError::file_error("writing into", there.clone()))
}

fn nearest_existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| is_there(folder)).unwrap_or(folder).to_owned()
}

/// A file that is there can be read and added to.
fn probe_file(file: &Path) -> Result<()> {
    let Ok(about) = file.symlink_metadata() else { return Ok(()) };
    let attempt = match about.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => OpenOptions::new().read(true).append(true).open(file).map(drop),
    };
    attempt.map_err(GitError::file_error("writing", file))
}
