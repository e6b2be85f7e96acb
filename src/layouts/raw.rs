//! Raw files: workflows that lie in git as ComfyUI saved them, because they were committed
//! before git-comfy or without it.
//!
//! git must see no change in such a file before somebody makes one. So it is checked out as
//! it is, and while the index holds exactly the bytes at hand, a clean gives them back; git
//! itself does the same for CRLF. The first change of the file makes it clean.
//!
//! Must not know how a file is filtered or checked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use comfy_graph::canon;
use comfy_graph::canon::Mode;
use rustc_hash::{FxHashMap, FxHashSet};

use super::filter::{Passed, plain_line_ends};
use super::settings::{Handling, Settings};
use crate::layouts;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::{Current, IndexEntry};
use crate::platform::git::notes::Notes;
use crate::platform::git::{
    CommitId, Direction, Error, Kind, ObjectId, RepoPath, Repository, Result, changes,
};
use crate::platform::write_whole;

/// Whether what git stores is a workflow that is not in its clean form.
pub(crate) fn is_raw(stored: &[u8], mode: Mode) -> bool {
    matches!(canon::begin(stored, mode), Ok((_, Some(_))))
}

/// What is known of content on its way out of git.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    /// Its blob, where that is known.
    pub(crate) blob: Option<ObjectId>,
    /// The form it would have if it were clean.
    pub(crate) mode: Mode,
}

impl Stored {
    /// Whether the blob is no workflow in its clean form, and so to be written as it is. git
    /// may have given its content other line ends on the way.
    pub(crate) fn is_raw(self, content: &[u8]) -> bool {
        // Nearly every raw file is told by this alone: it is one long line.
        if !content.starts_with(b"{\n") && !content.starts_with(b"{\r\n") {
            return true;
        }
        match (canon::begin(content, self.mode), self.blob) {
            (Ok((clean, Some(_))), Some(blob)) => blob.format().id_of(Kind::Blob, &clean) != blob,
            (Ok((clean, Some(_))), None) => clean != *plain_line_ends(content),
            _ => false,
        }
    }

    /// The same for content that has a layout: it was clean once, where positions were to be
    /// kept, or is what a commit of raw files was gone back to.
    pub(crate) fn is_raw_by_now(self, content: &[u8]) -> bool {
        memchr::memmem::find(content, b"\"pos\"").is_some() && self.is_raw(content)
    }
}

/// The index that the git command around us goes by, asked about raw files.
#[derive(Debug)]
pub(crate) struct Indexed<'r> {
    repository: &'r Repository,
    index: Current<'r>,
}

impl<'r> Indexed<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> Indexed<'r> {
        Indexed { repository, index: Current::new(repository) }
    }

    /// What a clean gives back for a file whose very bytes the index holds at that path; in
    /// an unsettled merge, for those of any side. Nothing for every other file.
    pub(crate) fn raw(&mut self, path: &RepoPath, bytes: &[u8]) -> Option<Passed> {
        let blobs = self.index.blobs(path);
        if blobs.is_empty() {
            return None;
        }
        let plain = plain_line_ends(bytes);
        let format = self.repository.format();
        for blob in blobs {
            let Ok(Some((Kind::Blob, size))) = self.repository.header_here(blob) else { continue };
            if size == bytes.len() as u64 && format.id_of(Kind::Blob, bytes) == blob {
                return Some(Passed::Untouched);
            }
            // git itself put CRs in, or somebody did; it may take none out.
            if plain.len() != bytes.len()
                && size == plain.len() as u64
                && format.id_of(Kind::Blob, &plain) == blob
            {
                return Some(Passed::Changed(plain.into_owned()));
            }
        }
        None
    }
}

/// Looks whether content is raw, one file after another.
struct Look<'r> {
    repository: &'r Repository,
    settings: Settings,
    layouts: Notes<'r>,
}

impl<'r> Look<'r> {
    fn new(repository: &'r Repository) -> Result<Look<'r>> {
        let layouts = repository.reference(&layouts::notes_ref())?.map(CommitId);
        let layouts = Notes::at(repository, layouts)?;
        Ok(Look { repository, settings: Settings::of(repository)?, layouts })
    }

    fn is_raw(&self, path: &RepoPath, blob: ObjectId) -> Result<bool> {
        // Layouts are filed for clean content alone, and nearly all content has one.
        if !self.layouts.of(blob)?.is_empty() {
            return Ok(false);
        }
        let handling = self.settings.handling_of(self.repository, path, Direction::Checkin);
        let Handling::Clean(mode) = handling else { return Ok(false) };
        let stored = self.repository.blob_within(blob, self.settings.max_file_size)?;
        Ok(stored.is_some_and(|stored| is_raw(&stored, mode)))
    }
}

/// The raw files that the index holds.
pub(crate) fn in_index(repository: &Repository, entries: &[IndexEntry]) -> Result<Vec<RawFile>> {
    let look = Look::new(repository)?;
    let mut raw = Vec::new();
    for entry in entries {
        if is_filtered(repository, &entry.path) && look.is_raw(&entry.path, entry.id)? {
            raw.push((entry.path.clone(), entry.id));
        }
    }
    trace(repository, raw, "HEAD", None)
}

/// The commit that brought a file into history as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The commit.
    pub commit: CommitId,
    /// Who wrote it.
    pub author: String,
}

/// A workflow that lies in git as ComfyUI saved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// Its path.
    pub path: RepoPath,
    /// Its content.
    pub id: ObjectId,
    /// Where it came from; nothing where it is not committed yet, or beyond the edge of a
    /// shallow clone.
    pub origin: Option<Origin>,
}

/// Finds out where files came from: the newest commits, up to a revision and without those
/// before another, that brought this content to this path.
pub(crate) fn trace(
    repository: &Repository,
    files: Vec<(RepoPath, ObjectId)>,
    until: &str,
    after: Option<CommitId>,
) -> Result<Vec<RawFile>> {
    let mut origins = FxHashMap::default();
    if !files.is_empty() && repository.resolve_commit(until)?.is_some() {
        origins = origins_of(repository, &files, until, after)?;
    }
    let raw = |(path, id): (RepoPath, ObjectId)| {
        let origin = origins.remove(&(path.clone(), id));
        RawFile { path, id, origin }
    };
    Ok(files.into_iter().map(raw).collect())
}

type Origins = FxHashMap<(RepoPath, ObjectId), Origin>;

/// Beyond so many files history is read as a whole: a command line has a greatest length.
const NAMED: usize = 100;

fn origins_of(
    repository: &Repository,
    files: &[(RepoPath, ObjectId)],
    until: &str,
    after: Option<CommitId>,
) -> Result<Origins> {
    let git = repository.git().args(["--literal-pathspecs", "log", "-z", "--format=%H %aN"]);
    // Of a merge only what neither side had.
    let git = git.args(["-c", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", until]);
    let git = match after {
        Some(after) => git.arg(format!("^{after}")),
        None => git,
    };
    let git = git.arg("--");
    let git = match files.len() {
        0..=NAMED => git.args(files.iter().map(|(path, _)| path.to_path())),
        _ => git,
    };
    let edge = edge(repository);
    let mut wanted: FxHashSet<_> = files.iter().cloned().collect();
    let mut found = Origins::default();
    let mut child = git.companion_told()?;
    let stdout = child.stdout.take();
    let mut told = stdout.map(BufReader::new).into_iter().flat_map(|out| out.split(0));
    let mut origin = None;
    while let Some(Ok(field)) = told.next() {
        let field = field.trim_ascii_start();
        if !field.starts_with(b":") {
            origin = header(field).or(origin);
            continue;
        }
        let Some(Ok(path)) = told.next() else { break };
        let Some(key) = brought(field).map(|id| (RepoPath::new(path), id)) else { continue };
        if let Some(origin) = &origin
            && wanted.remove(&key)
            && !edge.contains(&origin.commit)
        {
            found.insert(key, origin.clone());
        }
        if wanted.is_empty() {
            break;
        }
    }
    drop(told);
    // What it would still say nobody wants to know.
    let _ = child.kill();
    let _ = child.wait();
    Ok(found)
}

/// `<commit> <author>`.
fn header(field: &[u8]) -> Option<Origin> {
    let at = memchr::memchr(b' ', field)?;
    let commit = CommitId(ObjectId::from_hex(&field[..at])?);
    Some(Origin { commit, author: String::from_utf8_lossy(&field[at + 1..]).into_owned() })
}

/// The content a commit left, by `:<modes> <ids> <status>` with a colon for each parent.
fn brought(field: &[u8]) -> Option<ObjectId> {
    let mut words = field.rsplit(|byte| *byte == b' ');
    words.next()?;
    ObjectId::from_hex(words.next()?)
}

/// The commits whose parents a shallow clone does not have: they seem to bring everything.
fn edge(repository: &Repository) -> FxHashSet<CommitId> {
    let text = std::fs::read(repository.common_dir().join("shallow")).unwrap_or_default();
    let ids = text.split(|byte| *byte == b'\n').filter_map(ObjectId::from_hex);
    ids.map(CommitId).collect()
}

/// The raw files that the merge which just ended brought, and that were not told before.
///
/// # Errors
/// Something cannot be read.
pub fn merged(repository: &Repository) -> Result<Vec<RawFile>> {
    let before = repository.resolve_commit("ORIG_HEAD")?;
    let Some(head) = repository.head()? else { return Ok(Vec::new()) };
    let look = Look::new(repository)?;
    let mut told = Told::read(repository);
    let mut fresh = Vec::new();
    for file in changes::touched_between(repository, before, head)? {
        if told.0.get(&file.path) != Some(&file.blob) && look.is_raw(&file.path, file.blob)? {
            told.0.insert(file.path.clone(), file.blob);
            fresh.push((file.path, file.blob));
        }
    }
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let files = trace(repository, fresh, "HEAD", before)?;
    told.write(repository)?;
    Ok(files)
}

/// What was told already: the content that a path had then. Each entry is an id, a space
/// and a path, with a NUL behind it.
struct Told(BTreeMap<RepoPath, ObjectId>);

impl Told {
    fn read(repository: &Repository) -> Told {
        let text = std::fs::read(file(repository)).unwrap_or_default();
        let entry = |entry: &[u8]| {
            let at = memchr::memchr(b' ', entry)?;
            Some((RepoPath::new(&entry[at + 1..]), ObjectId::from_hex(&entry[..at])?))
        };
        Told(text.split(|byte| *byte == 0).filter_map(entry).collect())
    }

    fn write(&self, repository: &Repository) -> Result<()> {
        let mut text = Vec::new();
        for (path, id) in &self.0 {
            text.extend_from_slice(id.to_hex().as_bytes());
            text.push(b' ');
            text.extend_from_slice(path.as_bytes());
            text.push(0);
        }
        let file = file(repository);
        std::fs::create_dir_all(repository.state_dir())
            .and_then(|()| write_whole(&file, &text))
            .map_err(Error::file("writing", &file))
    }
}

/// Tells of every raw file anew.
pub(crate) fn forget_told(repository: &Repository) {
    let _ = std::fs::remove_file(file(repository));
}

fn file(repository: &Repository) -> std::path::PathBuf {
    repository.state_dir().join("told-raw")
}
