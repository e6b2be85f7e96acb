//! The index, read: which files git knows, and what it remembers of their state on disk.
//! It is written by git alone.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use gix::index::entry::{Flags, Mode as IndexMode, Stage};
use rustc_hash::FxHashSet;

use super::error::{GitError, Result};
use super::id::{ObjectFormat, ObjectId, RepoPath};
use super::objects::{EntryKind, TreeEntry};
use super::repository::Repository;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) path: RepoPath,
    pub(crate) id: ObjectId,
    pub(crate) executable: bool,
    /// The file's state on disk when its content was last the same.
    pub(crate) stat: IndexStat,
}

/// The size and time of a file on disk, as the index has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexStat {
    size: u32,
    seconds: u32,
    nanoseconds: u32,
}

impl IndexStat {
    /// Whether size and time are still the same.
    pub(crate) fn matches(self, metadata: &Metadata) -> bool {
        let (seconds, nanoseconds) = modified(metadata);
        // Some systems and programs keep whole seconds only; git may remember no more.
        let fine = self.nanoseconds == 0 || self.nanoseconds == nanoseconds;
        self.size == metadata.len() as u32 && self.seconds == seconds && fine
    }
}

#[cfg(unix)]
fn modified(metadata: &Metadata) -> (u32, u32) {
    use std::os::unix::fs::MetadataExt;
    (metadata.mtime() as u32, metadata.mtime_nsec() as u32)
}

#[cfg(not(unix))]
fn modified(metadata: &Metadata) -> (u32, u32) {
    let since = metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or((0, 0), |time| (time.as_secs() as u32, time.subsec_nanos()))
}

pub(crate) fn index_path(repository: &Repository) -> PathBuf {
    repository.git_dir().join("index")
}

fn load_index(path: &Path, format: ObjectFormat) -> Result<Option<gix::index::File>> {
    if !path.exists() {
        return Ok(None);
    }
    let hash = match format {
        ObjectFormat::Sha1 => gix::hash::Kind::Sha1,
        ObjectFormat::Sha256 => gix::hash::Kind::Sha256,
    };
    let options = gix::index::decode::Options::default();
    gix::index::File::at(path, hash, true, options)
        .map(Some)
        .map_err(GitError::library_error("reading the index"))
}

/// The index that the git command which called us uses (`GIT_INDEX_FILE`), for many lookups. One
/// command may change it several times (a rebase): it is read again when the file was replaced.
#[derive(Debug)]
pub(crate) struct CommandIndex<'r> {
    repository: &'r Repository,
    path: PathBuf,
    read: Option<(IndexStamp, Option<gix::index::File>)>,
}

/// The index file of the git command which called us.
pub(crate) fn command_index_path(repository: &Repository) -> PathBuf {
    let surroundings = repository.environment();
    match &surroundings.index_file {
        Some(named) => surroundings.folder.join(named),
        None => index_path(repository),
    }
}

pub(super) fn load_command_index(repository: &Repository) -> Result<Option<gix::index::File>> {
    load_index(&command_index_path(repository), repository.format())
}

/// Whether a commit of the index of the git command which called us would have this tree.
///
/// # Errors
/// The index or the tree cannot be read.
pub(crate) fn command_index_holds_tree(repository: &Repository, tree: ObjectId) -> Result<bool> {
    let Some(index) = load_command_index(repository)? else { return Ok(false) };
    if let Some(written) = written_tree(&index) {
        return Ok(written == tree);
    }
    let mut files = Vec::with_capacity(index.entries().len());
    repository.visit_files(tree, &mut |path, entry| files.push((path.clone(), entry.clone())))?;
    let staged = index.entries().iter().filter(|entry| !entry.flags.contains(Flags::INTENT_TO_ADD));
    let same = |entry: &gix::index::Entry, (path, there): &(RepoPath, TreeEntry)| {
        let name: &[u8] = entry.path(&index);
        entry.stage() == Stage::Unconflicted
            && name == path.as_bytes()
            && entry.mode == index_mode(there.kind)
            && ObjectId::new(entry.id.as_slice()) == Some(there.id)
    };
    Ok(staged.clone().count() == files.len() && staged.zip(&files).all(|(a, b)| same(a, b)))
}

/// The tree that a commit of the index of the git command which called us would have; nothing
/// where git has not written it yet.
///
/// # Errors
/// The index cannot be read.
pub(crate) fn command_index_tree(repository: &Repository) -> Result<Option<ObjectId>> {
    Ok(load_command_index(repository)?.as_ref().and_then(written_tree))
}

/// Before git calls `pre-commit`, it mostly notes in the index which tree it will commit.
fn written_tree(index: &gix::index::File) -> Option<ObjectId> {
    let root = index.tree().filter(|root| root.num_entries.is_some())?;
    ObjectId::new(root.id.as_slice())
}

/// Tells one state of the index file from another without opening it: git never writes
/// into the file, it puts a new one in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct IndexStamp {
    length: u64,
    modified: Option<std::time::SystemTime>,
    file: u64,
}

impl IndexStamp {
    fn read(path: &Path) -> Option<IndexStamp> {
        let metadata = path.metadata().ok()?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let file = 0;
        Some(IndexStamp { length: metadata.len(), modified: metadata.modified().ok(), file })
    }
}

impl<'r> CommandIndex<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> CommandIndex<'r> {
        CommandIndex { repository, path: command_index_path(repository), read: None }
    }

    /// What the index holds at a path: nothing, one content, or those of an unsettled merge.
    pub(crate) fn blobs_at(&mut self, path: &RepoPath) -> Vec<ObjectId> {
        let Some(stamp) = IndexStamp::read(&self.path) else { return Vec::new() };
        if self.read.as_ref().is_none_or(|(known, _)| *known != stamp) {
            // Where it cannot be read, git itself fails and says so.
            let index = load_index(&self.path, self.repository.format()).ok().flatten();
            self.read = Some((stamp, index));
        }
        let Some((_, Some(index))) = &self.read else { return Vec::new() };
        let wanted = path.as_bytes();
        let entries = index.entries();
        let first = entries.partition_point(|entry| {
            let name: &[u8] = entry.path(index);
            name < wanted
        });
        let named = entries[first..].iter().take_while(|entry| {
            let name: &[u8] = entry.path(index);
            name == wanted
        });
        let files = named.filter(|entry| is_file_entry(entry));
        files.filter_map(|entry| ObjectId::new(entry.id.as_slice())).collect()
    }
}

fn index_mode(kind: EntryKind) -> IndexMode {
    match kind {
        EntryKind::File => IndexMode::FILE,
        EntryKind::Executable => IndexMode::FILE_EXECUTABLE,
        EntryKind::Link => IndexMode::SYMLINK,
        EntryKind::Tree => IndexMode::DIR,
        EntryKind::Submodule => IndexMode::COMMIT,
    }
}

fn is_file_entry(entry: &gix::index::Entry) -> bool {
    entry.mode == IndexMode::FILE || entry.mode == IndexMode::FILE_EXECUTABLE
}

/// The ordinary files of the index that git compares with the work tree: none that are in
/// conflict, only announced (`add -N`), outside of a sparse checkout or exempt.
pub(crate) fn index_entries(repository: &Repository) -> Result<Vec<IndexEntry>> {
    let Some(index) = load_index(&index_path(repository), repository.format())? else {
        return Ok(Vec::new());
    };
    let exempt = Flags::ASSUME_VALID | Flags::SKIP_WORKTREE | Flags::INTENT_TO_ADD;
    let mut files = Vec::with_capacity(index.entries().len());
    for entry in index.entries() {
        if !is_file_entry(entry)
            || entry.stage() != Stage::Unconflicted
            || entry.flags.intersects(exempt)
        {
            continue;
        }
        let Some(id) = ObjectId::new(entry.id.as_slice()) else { continue };
        files.push(IndexEntry {
            path: RepoPath::new(entry.path(&index).to_vec()),
            id,
            executable: entry.mode == IndexMode::FILE_EXECUTABLE,
            stat: IndexStat {
                size: entry.stat.size,
                seconds: entry.stat.mtime.secs,
                nanoseconds: entry.stat.mtime.nsecs,
            },
        });
    }
    Ok(files)
}

/// The paths of the files that git tracks or would take in: none that it ignores.
///
/// # Errors
/// git says why.
pub(crate) fn unignored_paths(repository: &Repository) -> Result<Vec<RepoPath>> {
    let words = ["ls-files", "-z", "--exclude-standard", "--cached", "--others"];
    let listing = repository.git_command().args(words).output()?;
    Ok(parse_nul_paths(&listing).collect())
}

/// Splits output of `git … -z` into paths.
pub(crate) fn parse_nul_paths(listing: &[u8]) -> impl Iterator<Item = RepoPath> {
    listing.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(RepoPath::new)
}

/// The paths of the files that git tracks here, as [`index_entries`] takes them.
///
/// # Errors
/// The index cannot be read.
pub(crate) fn tracked_paths(repository: &Repository) -> Result<Vec<RepoPath>> {
    Ok(index_entries(repository)?.into_iter().map(|entry| entry.path).collect())
}

/// The files that git tracks and that are not to lie in the work tree (a sparse checkout).
///
/// # Errors
/// The index cannot be read.
pub(crate) fn skip_worktree_paths(repository: &Repository) -> Result<FxHashSet<RepoPath>> {
    let Some(index) = load_index(&index_path(repository), repository.format())? else {
        return Ok(FxHashSet::default());
    };
    let entries = index.entries().iter().filter(|e| e.flags.contains(Flags::SKIP_WORKTREE));
    Ok(entries.map(|entry| RepoPath::new(entry.path(&index).to_vec())).collect())
}

/// Whether two index files hold the same content, whatever they remember of the disk.
pub(crate) fn has_same_entries(repository: &Repository, one: &Path, other: &Path) -> Result<bool> {
    let (Some(one), Some(other)) =
        (load_index(one, repository.format())?, load_index(other, repository.format())?)
    else {
        return Ok(false);
    };
    let lasting = Flags::ASSUME_VALID | Flags::SKIP_WORKTREE | Flags::INTENT_TO_ADD;
    let same = |a: &gix::index::Entry, b: &gix::index::Entry| {
        a.id == b.id
            && a.mode == b.mode
            && a.stage() == b.stage()
            && a.flags & lasting == b.flags & lasting
            && a.path(&one) == b.path(&other)
    };
    let (left, right) = (one.entries(), other.entries());
    Ok(left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(a, b)))
}
