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
use std::ops::ControlFlow;

use comfy_graph::clean;
use comfy_graph::clean::{CleanOutcome, CleanStart, Clock, LayoutMode, stamp_uniformly};
use rustc_hash::{FxHashMap, FxHashSet};

use super::file_states::FileState;
use super::filter::{FilterOutcome, normalize_line_ends};
use super::layout_finder::LayoutFinder;
use super::path_blob_list;
use super::settings::{FilterSettings, Handling};
use super::state_files;
use crate::layouts;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::{CommandIndex, IndexEntry};
use crate::platform::git::notes::NotesTree;
use crate::platform::git::{
    AttributeDirection, CommitId, ObjectId, ObjectKind, RepoPath, Repository, Result, changes,
    index,
};

/// Whether what git stores is a workflow that is not in its clean form.
pub(crate) fn is_raw(stored: &[u8], mode: LayoutMode) -> bool {
    matches!(clean::begin_clean(stored, mode), CleanStart::Split { .. })
}

/// The layout inside a file that was not cleaned; `None` for a clean one.
pub(crate) fn extract_layout(content: &[u8]) -> Option<String> {
    memchr::memmem::find(content, b"\"pos\"")?;
    match clean::clean_document(content, LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => cleaned.layout,
        CleanOutcome::Untouched(_) => None,
    }
}

/// What is known of content on its way out of git.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredContent {
    /// Its blob, where that is known.
    pub(crate) blob: Option<ObjectId>,
    /// The form it would have if it were clean.
    pub(crate) mode: LayoutMode,
}

impl StoredContent {
    /// Whether the blob is no workflow in its clean form, and so to be written as it is. git
    /// may have given its content other line ends on the way.
    pub(crate) fn is_raw(self, content: &[u8]) -> bool {
        // Nearly every raw file is told by this alone: it is one long line.
        if !content.starts_with(b"{\n") && !content.starts_with(b"{\r\n") {
            return true;
        }
        let CleanStart::Split { content: clean, .. } = clean::begin_clean(content, self.mode)
        else {
            return false;
        };
        match self.blob {
            Some(blob) => blob.format().object_id(ObjectKind::Blob, &clean) != blob,
            None => clean != *normalize_line_ends(content),
        }
    }

    /// The same for content that has a layout: it was clean once, where positions were to be
    /// kept, or is what a commit of raw files was gone back to.
    pub(crate) fn is_raw_despite_layout(self, content: &[u8]) -> bool {
        memchr::memmem::find(content, b"\"pos\"").is_some() && self.is_raw(content)
    }
}

/// The index that the git command around us goes by, asked about raw files.
#[derive(Debug)]
pub(crate) struct RawIndex<'r> {
    repository: &'r Repository,
    index: CommandIndex<'r>,
}

impl<'r> RawIndex<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> RawIndex<'r> {
        RawIndex { repository, index: CommandIndex::new(repository) }
    }

    /// Whether the index holds the sides of an unsettled merge at that path.
    pub(crate) fn is_unsettled(&mut self, path: &RepoPath) -> bool {
        self.index.blobs_at(path).len() > 1
    }

    /// What a clean gives back for a file whose very bytes the index holds at that path; in
    /// an unsettled merge, for those of any side. Nothing for every other file.
    pub(crate) fn unchanged_content(
        &mut self,
        path: &RepoPath,
        bytes: &[u8],
    ) -> Option<FilterOutcome> {
        let blobs = self.index.blobs_at(path);
        if blobs.is_empty() {
            return None;
        }
        let plain = normalize_line_ends(bytes);
        let format = self.repository.format();
        for blob in blobs {
            let Ok(Some((ObjectKind::Blob, size))) = self.repository.local_object_header(blob)
            else {
                continue;
            };
            if size == bytes.len() as u64 && format.object_id(ObjectKind::Blob, bytes) == blob {
                return Some(FilterOutcome::Untouched);
            }
            // git itself put CRs in, or somebody did; it may take none out.
            if plain.len() != bytes.len()
                && size == plain.len() as u64
                && format.object_id(ObjectKind::Blob, &plain) == blob
            {
                return Some(FilterOutcome::Changed(plain.into_owned()));
            }
        }
        None
    }
}

/// Looks whether content is raw, one file after another.
struct RawDetector<'r> {
    repository: &'r Repository,
    settings: FilterSettings,
    layouts: NotesTree<'r>,
}

impl<'r> RawDetector<'r> {
    fn new(repository: &'r Repository) -> Result<RawDetector<'r>> {
        let layouts = repository.reference(&layouts::notes_ref())?.map(CommitId);
        let layouts = NotesTree::load(repository, layouts)?;
        Ok(RawDetector { repository, settings: FilterSettings::load(repository)?, layouts })
    }

    /// Layouts are filed for clean content alone, and nearly all content has one.
    fn is_noted(&self, blob: ObjectId) -> Result<bool> {
        Ok(!self.layouts.notes_for(blob)?.is_empty())
    }

    fn is_raw(&self, path: &RepoPath, blob: ObjectId) -> Result<bool> {
        if self.is_noted(blob)? {
            return Ok(false);
        }
        let handling =
            self.settings.handling_of(self.repository, path, AttributeDirection::Checkin);
        let Handling::Clean(mode) = handling else { return Ok(false) };
        let stored = self.repository.blob_up_to(blob, self.settings.max_file_size)?;
        Ok(stored.is_some_and(|stored| is_raw(&stored, mode)))
    }
}

/// The raw files that the index holds.
pub(crate) fn raw_files_in_index(
    repository: &Repository,
    entries: &[IndexEntry],
) -> Result<Vec<RawFile>> {
    let look = RawDetector::new(repository)?;
    let mut raw = Vec::new();
    for entry in entries {
        if is_filtered(repository, &entry.path) && look.is_raw(&entry.path, entry.id)? {
            raw.push((entry.path.clone(), entry.id));
        }
    }
    find_origins(repository, raw, "HEAD", None)
}

/// What a commit says of how a file lay.
pub(crate) enum LayoutInCommit {
    /// The positions in the file, or those that a checkout of it gets.
    Layout(FileState),
    /// It holds the file, and nobody knows how that lay.
    Unknown,
    /// It does not hold the file.
    Missing,
}

/// How a file lay in a commit: what it holds itself if it is raw, else the newest layout of
/// its content.
pub(crate) fn committed_layout(
    repository: &Repository,
    id: CommitId,
    path: &RepoPath,
) -> Result<LayoutInCommit> {
    let commit = repository.commit(id)?;
    let entry = match commit {
        Some(commit) => repository.entry_at(commit.tree, path)?,
        None => None,
    };
    let Some(entry) = entry else { return Ok(LayoutInCommit::Missing) };
    let stored = repository.blob_up_to(entry.id, layouts::MAX_MATCHED_SIZE)?;
    let raw = stored.and_then(|stored| extract_layout(&stored));
    let layout = match raw.and_then(|line| stamp_uniformly(&line, Clock::Unknown(0))) {
        Some(layout) => Some(layout.to_line()),
        None => {
            let own = LayoutFinder::new(repository).find_own(entry.id, path)?;
            own.map(|own| own.entry.layout)
        }
    };
    Ok(layout.map_or(LayoutInCommit::Unknown, |layout| {
        LayoutInCommit::Layout(FileState { blob: entry.id, layout })
    }))
}

/// The commit that brought a file into history as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawOrigin {
    pub(crate) commit: CommitId,
    /// Who wrote it.
    pub(crate) author: String,
}

/// A workflow that lies in git as ComfyUI saved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawFile {
    pub(crate) path: RepoPath,
    /// Its content.
    pub(crate) id: ObjectId,
    /// Where it came from; nothing where it is not committed yet, or beyond the edge of a
    /// shallow clone.
    pub(crate) origin: Option<RawOrigin>,
}

/// Finds out where files came from: the newest commits, up to a revision and without those
/// before another, that brought this content to this path.
pub(crate) fn find_origins(
    repository: &Repository,
    files: Vec<(RepoPath, ObjectId)>,
    until: &str,
    after: Option<CommitId>,
) -> Result<Vec<RawFile>> {
    let mut origins = FxHashMap::default();
    if !files.is_empty() && repository.resolve_commit(until)?.is_some() {
        origins = read_origins(repository, &files, until, after)?;
    }
    let raw = |(path, id): (RepoPath, ObjectId)| {
        let origin = origins.remove(&(path.clone(), id));
        RawFile { path, id, origin }
    };
    Ok(files.into_iter().map(raw).collect())
}

type RawOrigins = FxHashMap<(RepoPath, ObjectId), RawOrigin>;

/// Beyond so many files history is read as a whole: a command line has a greatest length.
const MAX_NAMED_PATHS: usize = 100;

fn read_origins(
    repository: &Repository,
    files: &[(RepoPath, ObjectId)],
    until: &str,
    after: Option<CommitId>,
) -> Result<RawOrigins> {
    let edge = shallow_commits(repository);
    let mut wanted: FxHashSet<_> = files.iter().cloned().collect();
    let mut found = RawOrigins::default();
    let paths: Vec<&RepoPath> = files.iter().map(|(path, _)| path).collect();
    visit_changes(repository, &paths, (until, after), &mut |change| {
        let key = (change.path, change.blob);
        if wanted.remove(&key) && !edge.contains(&change.commit.id) {
            let LoggedCommit { id, author, .. } = change.commit;
            found.insert(key, RawOrigin { commit: *id, author: author.clone() });
        }
        if wanted.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// A content that a file had, and when the first commit brought it, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommittedContent {
    pub(crate) blob: ObjectId,
    pub(crate) at: u64,
}

/// The contents that files had in the history of a commit.
#[derive(Debug)]
pub(crate) struct CommittedContents<'r> {
    repository: &'r Repository,
    tip: Option<CommitId>,
    /// Each once, where it was first, the oldest first.
    read: FxHashMap<RepoPath, Vec<CommittedContent>>,
}

impl<'r> CommittedContents<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> CommittedContents<'r> {
        CommittedContents { repository, tip: None, read: FxHashMap::default() }
    }

    /// Those of one file, the oldest first. From the second file on history is read once for
    /// all files that may be raw.
    pub(crate) fn of_file(
        &mut self,
        tip: Option<CommitId>,
        path: &RepoPath,
    ) -> Result<Vec<CommittedContent>> {
        if std::mem::replace(&mut self.tip, tip) != tip {
            self.read.clear();
        }
        if !self.read.contains_key(path) {
            let mut paths = vec![path.clone()];
            if !self.read.is_empty() {
                paths.extend(self.unnoted_files()?);
            }
            self.load(paths)?;
        }
        Ok(self.read.get(path).cloned().unwrap_or_default())
    }

    /// The files of the index of which no layout is noted: all that are raw are among them.
    fn unnoted_files(&self) -> Result<Vec<RepoPath>> {
        let detector = RawDetector::new(self.repository)?;
        let mut paths = Vec::new();
        for entry in index::index_entries(self.repository)? {
            if is_filtered(self.repository, &entry.path) && !detector.is_noted(entry.id)? {
                paths.push(entry.path);
            }
        }
        Ok(paths)
    }

    fn load(&mut self, paths: Vec<RepoPath>) -> Result<()> {
        let mut changes: FxHashMap<RepoPath, Vec<CommittedContent>> = FxHashMap::default();
        changes.extend(paths.iter().map(|path| (path.clone(), Vec::new())));
        if let Some(tip) = self.tip {
            let edge = shallow_commits(self.repository);
            let paths: Vec<&RepoPath> = paths.iter().collect();
            visit_changes(self.repository, &paths, (&tip.to_string(), None), &mut |change| {
                if let Some(contents) = changes.get_mut(&change.path) {
                    // What seems to come at the edge is older than all that came since.
                    let at = if edge.contains(&change.commit.id) { 0 } else { change.commit.at };
                    contents.push(CommittedContent { blob: change.blob, at });
                }
                ControlFlow::Continue(())
            })?;
        }
        for contents in changes.values_mut() {
            let mut seen = FxHashSet::default();
            contents.reverse();
            contents.retain(|content| seen.insert(content.blob));
        }
        self.read.extend(changes);
        Ok(())
    }
}

/// A commit as `git log` tells it.
#[derive(Debug)]
struct LoggedCommit {
    id: CommitId,
    /// When it was written, in milliseconds since 1970.
    at: u64,
    author: String,
}

/// A content that a commit brought to a path.
struct LoggedChange<'c> {
    commit: &'c LoggedCommit,
    path: RepoPath,
    blob: ObjectId,
}

/// Shows what commits brought to paths, the newest first, up to a revision and without those
/// before another.
fn visit_changes(
    repository: &Repository,
    paths: &[&RepoPath],
    (until, after): (&str, Option<CommitId>),
    visit: &mut dyn FnMut(LoggedChange<'_>) -> ControlFlow<()>,
) -> Result<()> {
    let git =
        repository.git_command().args(["--literal-pathspecs", "log", "-z", "--format=%H %at %aN"]);
    // Of a merge only what neither side had.
    let git = git.args(["-c", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", until]);
    let git = match after {
        Some(after) => git.arg(format!("^{after}")),
        None => git,
    };
    let git = git.arg("--");
    let git = match paths.len() {
        0..=MAX_NAMED_PATHS => git.args(paths.iter().map(|path| path.to_path())),
        _ => git,
    };
    let mut child = git.spawn_with_stderr()?;
    let stdout = child.stdout.take();
    let mut told = stdout.map(BufReader::new).into_iter().flat_map(|out| out.split(0));
    let mut commit = None;
    while let Some(Ok(field)) = told.next() {
        let field = field.trim_ascii_start();
        if !field.starts_with(b":") {
            commit = parse_commit_header(field).or(commit);
            continue;
        }
        let Some(Ok(path)) = told.next() else { break };
        let (Some(blob), Some(commit)) = (parse_new_blob(field), &commit) else { continue };
        let change = LoggedChange { commit, path: RepoPath::new(path), blob };
        if visit(change).is_break() {
            break;
        }
    }
    drop(told);
    // What it would still say nobody wants to know.
    let _ = child.kill();
    let _ = child.wait();
    Ok(())
}

/// The year 2200. A later commit is nonsense: no clock goes on from there.
const MAX_COMMIT_TIME: u64 = 7_258_118_400_000;

/// `<commit> <seconds> <author>`.
fn parse_commit_header(field: &[u8]) -> Option<LoggedCommit> {
    let mut words = field.splitn(3, |byte| *byte == b' ');
    let id = CommitId(ObjectId::from_hex(words.next()?)?);
    let seconds = std::str::from_utf8(words.next()?).ok()?.parse::<i64>().ok()?;
    let at = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
    let at = if at > MAX_COMMIT_TIME { 0 } else { at };
    let author = String::from_utf8_lossy(words.next()?).into_owned();
    Some(LoggedCommit { id, at, author })
}

/// The content a commit left, by `:<modes> <ids> <status>` with a colon for each parent.
fn parse_new_blob(field: &[u8]) -> Option<ObjectId> {
    let mut words = field.rsplit(|byte| *byte == b' ');
    words.next()?;
    ObjectId::from_hex(words.next()?)
}

/// The commits whose parents a shallow clone does not have: they seem to bring everything.
fn shallow_commits(repository: &Repository) -> FxHashSet<CommitId> {
    let text = std::fs::read(repository.common_dir().join("shallow")).unwrap_or_default();
    let ids = text.split(|byte| *byte == b'\n').filter_map(ObjectId::from_hex);
    ids.map(CommitId).collect()
}

/// The raw files that the merge which just ended brought, and that were not told before.
///
/// # Errors
/// Something cannot be read.
pub(crate) fn newly_merged_raw_files(repository: &Repository) -> Result<Vec<RawFile>> {
    let before = repository.resolve_commit("ORIG_HEAD")?;
    let Some(head) = repository.head()? else { return Ok(Vec::new()) };
    let look = RawDetector::new(repository)?;
    let mut told = ReportedRawFiles::read(repository);
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
    let files = find_origins(repository, fresh, "HEAD", before)?;
    told.write(repository)?;
    Ok(files)
}

/// What was told already: the content that a path had then.
struct ReportedRawFiles(BTreeMap<RepoPath, ObjectId>);

impl ReportedRawFiles {
    fn read(repository: &Repository) -> ReportedRawFiles {
        let told = path_blob_list::read(&reported_file(repository));
        ReportedRawFiles(told.into_iter().collect())
    }

    fn write(&self, repository: &Repository) -> Result<()> {
        path_blob_list::write(&reported_file(repository), self.0.iter())
    }
}

/// Tells of every raw file anew.
pub(crate) fn forget_reported(repository: &Repository) {
    let _ = std::fs::remove_file(reported_file(repository));
}

fn reported_file(repository: &Repository) -> std::path::PathBuf {
    repository.state_dir().join(state_files::REPORTED_RAW_FILES)
}
