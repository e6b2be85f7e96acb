//! Which tracked files may differ from the index, by what the index remembers of their state
//! on disk: at least all that git would find, for what is not named here git never looks at.
//!
//! Must not read what is in the files.

use std::path::Path;

use gix::index::entry::stat::Options;
use gix::index::entry::{Flags, Mode, Stage, Stat};
use gix::index::fs::Metadata;
use rustc_hash::FxHashMap;

use super::error::Result;
use super::id::{ObjectId, RepoPath};
use super::index::load_command_index;
use super::repository::Repository;

/// A file that may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DoubtfulFile {
    pub(crate) path: RepoPath,
    /// What the index holds, where only the bytes of an ordinary file can differ; nothing where
    /// a name, a kind, a right or a conflict differs, or where git must look in any case.
    pub(crate) comparable: Option<ObjectId>,
}

impl DoubtfulFile {
    /// Whether it says which files go through the filter.
    pub(crate) fn holds_attributes(&self) -> bool {
        self.path.as_bytes().rsplit(|byte| *byte == b'/').next() == Some(b".gitattributes")
    }
}

/// The state of a file on disk: whoever changes the file changes it, too, but for somebody who
/// sets the clock of the system back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskState {
    stat: Stat,
    is_executable: bool,
}

impl DiskState {
    /// That of an ordinary file; nothing for links, folders and all else.
    pub(crate) fn of(path: &Path) -> Option<DiskState> {
        DiskState::from_metadata(&Metadata::from_path_no_follow(path).ok()?)
    }

    pub(crate) fn of_open(file: &std::fs::File) -> Option<DiskState> {
        DiskState::from_metadata(&Metadata::from_file(file).ok()?)
    }

    fn from_metadata(metadata: &Metadata) -> Option<DiskState> {
        let stat = Stat::from_fs(metadata).ok()?;
        let is_executable = metadata.is_executable();
        metadata.is_file().then_some(DiskState { stat, is_executable })
    }

    /// The state as numbers, for a file that remembers it.
    pub(crate) fn to_numbers(self) -> [u32; 10] {
        let Stat { mtime, ctime, dev, ino, uid, gid, size } = self.stat;
        let executable = u32::from(self.is_executable);
        [mtime.secs, mtime.nsecs, ctime.secs, ctime.nsecs, dev, ino, uid, gid, size, executable]
    }

    /// Seconds since 1970 at which the file was written last, or its entry changed.
    pub(crate) fn last_change(self) -> u32 {
        self.stat.mtime.secs.max(self.stat.ctime.secs)
    }
}

/// The files of the index of the git command which called us that may differ from it.
///
/// # Errors
/// The index or the configuration cannot be read.
pub(crate) fn doubtful_files(repository: &Repository, top: &Path) -> Result<Vec<DoubtfulFile>> {
    let Some(index) = load_command_index(repository)? else { return Ok(Vec::new()) };
    // git's own default also where the value makes no sense.
    let has_executable_bits = repository.bool_setting("core.filemode")?.unwrap_or(true);
    let mut folders = RealFolders::default();
    let mut doubtful = Vec::new();
    for entry in index.entries() {
        let name: &[u8] = entry.path(&index);
        let path = RepoPath::new(name.to_vec());
        let file = top.join(path.to_path());
        let state = Metadata::from_path_no_follow(&file).ok();
        if entry.flags.contains(Flags::SKIP_WORKTREE) && state.is_none() {
            continue;
        }
        let is_ordinary = entry.stage() == Stage::Unconflicted
            && !entry.flags.contains(Flags::INTENT_TO_ADD)
            && entry.mode != Mode::COMMIT
            && entry.mode != Mode::DIR
            && folders.are_real(top, name);
        let Some(state) = state.filter(|state| is_ordinary && has_kind(entry.mode, state)) else {
            doubtful.push(DoubtfulFile { path, comparable: None });
            continue;
        };
        let is_file = entry.mode != Mode::SYMLINK;
        let has_mode = !is_file
            || !has_executable_bits
            || (entry.mode == Mode::FILE_EXECUTABLE) == state.is_executable();
        if has_mode && is_as_remembered(&index, &entry.stat, &state) {
            continue;
        }
        let comparable = ObjectId::new(entry.id.as_slice()).filter(|_| is_file && has_mode);
        doubtful.push(DoubtfulFile { path, comparable });
    }
    doubtful.dedup();
    Ok(doubtful)
}

fn has_kind(mode: Mode, state: &Metadata) -> bool {
    if mode == Mode::SYMLINK { state.is_symlink() } else { state.is_file() }
}

/// Whether a file has not been touched since the index was written. git compares no more than
/// this, and less where it is told to trust less.
fn is_as_remembered(index: &gix::index::File, known: &Stat, state: &Metadata) -> bool {
    let Ok(stat) = Stat::from_fs(state) else { return false };
    // Other programs than git remember whole seconds.
    let use_nsec = known.mtime.nsecs != 0 || known.ctime.nsecs != 0;
    let options = Options { trust_ctime: true, check_stat: true, use_nsec, use_stdev: false };
    known.matches(&stat, options) && !known.is_racy(index.timestamp(), options)
}

/// Which folders on the way to files are folders and no links to some.
#[derive(Debug, Default)]
struct RealFolders {
    known: FxHashMap<Vec<u8>, bool>,
}

impl RealFolders {
    fn are_real(&mut self, top: &Path, file: &[u8]) -> bool {
        let ends = file.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.collect::<Vec<_>>().into_iter().all(|end| {
            let folder = &file[..end];
            if let Some(known) = self.known.get(folder) {
                return *known;
            }
            let place = top.join(RepoPath::new(folder.to_vec()).to_path());
            let is_real = place.symlink_metadata().is_ok_and(|about| about.is_dir());
            self.known.insert(folder.to_vec(), is_real);
            is_real
        })
    }
}
