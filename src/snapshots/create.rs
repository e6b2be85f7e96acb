//! Taking a snapshot: what the files hold is written first, then the ref moves.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_graph::clean::{CleanStart, LayoutMode};
use comfy_graph::{clean, json};
use jiff::{SignedDuration, Timestamp};

use super::candidates::{SnapshotScope, find_candidates};
use super::retention::RetentionPolicy;
use super::{
    FILES, INFO_FILE, LAYOUTS, Snapshot, SnapshotFile, SnapshotInfo, SnapshotTreeEdits,
    SnapshotTrees, WorkTreeName, format_folder_name, list_in_tree, mark_expired, update_tree,
};
use crate::layouts::FilterSettings;
use crate::platform::files;
use crate::platform::git::{
    EntryKind, ObjectBatch, ObjectId, ObjectKind, RepoPath, Repository, Result, TreeEntry, tree,
};
use crate::snapshots;

/// Why a snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SnapshotReason {
    /// The person asked for it.
    Hand,
    /// A file was saved.
    Watch,
    /// What is there is about to be replaced by an older state.
    Restore,
}

impl SnapshotReason {
    /// The word in `snapshot.json`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            SnapshotReason::Hand => "hand",
            SnapshotReason::Watch => "watch",
            SnapshotReason::Restore => "restore",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotRequest<'w> {
    pub scope: SnapshotScope,
    pub reason: SnapshotReason,
    /// What the person says of it. A snapshot with a text is taken also when nothing has
    /// changed, and is not thinned out.
    pub text: Option<&'w str>,
    /// What is let go in the same step.
    pub policy: &'w RetentionPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotOutcome {
    /// The new one; none where the last one holds the same.
    pub new: Option<Snapshot>,
    /// The one before: the newest of this work tree until now.
    pub previous: Option<Snapshot>,
    /// Workflows in the state it stands for.
    pub file_count: usize,
    /// What is worth telling, each a line.
    pub remarks: Vec<String>,
}

/// How many digits the name of a snapshot has.
const ID_DIGITS: usize = 12;
/// How far the clocks of two processes may be apart.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The most bytes of new objects that are held in memory.
const MAX_BATCH_BYTES: usize = 32 << 20;

/// What became of a file since the last snapshot: what it holds now, or that it is gone.
type ChangedFiles = BTreeMap<RepoPath, Option<SnapshotFile>>;

/// Takes a snapshot, if it would differ from the last one.
pub(crate) fn create_snapshot(
    repository: &Repository,
    request: &SnapshotRequest<'_>,
) -> Result<SnapshotOutcome> {
    let of = WorkTreeName::from_repository(repository)?;
    let own = snapshots::list_snapshots(repository, Some(&of))?;
    let last = latest_before(own, snapshots::current_time());
    let known = match &last {
        Some(last) => snapshots::snapshot_files(repository, last)?,
        None => BTreeMap::new(),
    };
    let mut scan = WorkTreeScan {
        repository,
        known,
        batch: ObjectBatch::new(repository.format()),
        batch_bytes: 0,
    };
    let (differences, remarks) = scan.scan_changes(&request.scope)?;
    let gone = differences.values().filter(|file| file.is_none()).count();
    let fresh = differences.keys().filter(|path| !scan.known.contains_key(*path)).count();
    let files = scan.known.len() + fresh - gone;
    let mut about = SnapshotInfo {
        schema: 1,
        at: String::new(),
        reason: request.reason.as_str().to_owned(),
        head: repository.head()?.map(|head| head.to_string()),
        text: request.text.map(str::to_owned),
    };
    let (new, before) = update_tree(repository, "keep a snapshot", |root, batch| {
        let own = list_in_tree(repository, root, Some(&of))?;
        let now = next_timestamp(&own, snapshots::current_time());
        let last = latest_before(own.clone(), now);
        let old = SnapshotTrees::of_snapshot(repository, last.as_ref())?;
        let trees = edit_trees(repository, old, &differences, batch)?;
        let same = trees == old || last.is_none() && differences.is_empty();
        if same && request.text.is_none() {
            return Ok((SnapshotTreeEdits::new(), (None, last)));
        }
        about.at = now.to_string();
        let snapshot = build_snapshot(repository, &of, now, trees, &about, batch);
        let folder = snapshot.folder.clone().into_bytes();
        let mut edits = SnapshotTreeEdits::from([(folder, Some((EntryKind::Tree, snapshot.tree)))]);
        let mut all = own;
        all.push(snapshot.clone());
        all.sort_by(|a, b| (b.taken_at, &b.id).cmp(&(a.taken_at, &a.id)));
        mark_expired(repository, &all, request.policy, now, &mut edits)?;
        Ok((edits, (Some(snapshot), last)))
    })?;
    Ok(SnapshotOutcome { new, previous: before, file_count: files, remarks })
}

/// A time after that of every snapshot, so that of two that are taken at once the later one
/// holds both. One that lies further ahead than two clocks may be apart comes from a clock
/// that was wrong, and does not count.
fn next_timestamp(newest_first: &[Snapshot], now: Timestamp) -> Timestamp {
    let ahead = |snapshot: &&Snapshot| snapshot.taken_at <= now + MAX_CLOCK_SKEW;
    let newest = newest_first.iter().find(ahead).map(|snapshot| snapshot.taken_at);
    let next = newest.and_then(|at| at.checked_add(SignedDuration::from_millis(1)).ok());
    next.map_or(now, |next| next.max(now))
}

/// The newest that is not in the future; one from a clock that was wrong does not hide it.
fn latest_before(newest_first: Vec<Snapshot>, now: Timestamp) -> Option<Snapshot> {
    let mut all = newest_first.into_iter();
    let first = all.next()?;
    if first.taken_at <= now {
        Some(first)
    } else {
        all.find(|s| s.taken_at <= now).or(Some(first))
    }
}

/// Compares the files of the work tree with the last snapshot, and writes what is new.
struct WorkTreeScan<'r> {
    repository: &'r Repository,
    known: BTreeMap<RepoPath, SnapshotFile>,
    batch: ObjectBatch,
    batch_bytes: usize,
}

/// What a file holds.
enum ScannedFile {
    /// A state to keep.
    Readable { content: Vec<u8>, layout: Option<Vec<u8>> },
    /// No workflow.
    NotAWorkflow,
    /// It cannot be read, for this reason.
    Damaged(String),
}

impl WorkTreeScan<'_> {
    fn scan_changes(&mut self, scope: &SnapshotScope) -> Result<(ChangedFiles, Vec<String>)> {
        let top = self.repository.require_work_tree()?.to_owned();
        let longest = FilterSettings::load(self.repository)?.max_file_size;
        let mut found = ChangedFiles::new();
        let mut remarks = Vec::new();
        let mut there = std::collections::BTreeSet::new();
        for path in find_candidates(self.repository, scope)? {
            let file = top.join(path.to_path());
            if !file.symlink_metadata().is_ok_and(|about| about.is_file()) {
                continue;
            }
            let expected = match scope {
                SnapshotScope::NamedFiles(_) => ExpectedContent::Anything,
                _ if self.known.contains_key(&path) => ExpectedContent::Workflow,
                _ => ExpectedContent::Unknown,
            };
            match scan_file(&file, longest, expected) {
                ScannedFile::NotAWorkflow => {}
                ScannedFile::Damaged(why) => {
                    remarks.push(format!("{path} is not in the snapshot: {why}"));
                    // The state in the last snapshot stays.
                    there.insert(path);
                }
                ScannedFile::Readable { content, layout } => {
                    let file = self.write_file(&path, content, layout)?;
                    if self.known.get(&path) != Some(&file) {
                        found.insert(path.clone(), Some(file));
                    }
                    there.insert(path);
                }
            }
        }
        self.flush()?;
        let gone = self.known.keys().filter(|path| scope.covers(path) && !there.contains(*path));
        found.extend(gone.map(|path| (path.clone(), None)));
        Ok((found, remarks))
    }

    /// Writes what the last snapshot does not hold yet.
    fn write_file(
        &mut self,
        path: &RepoPath,
        content: Vec<u8>,
        layout: Option<Vec<u8>>,
    ) -> Result<SnapshotFile> {
        let id = |bytes: &[u8]| self.repository.format().object_id(ObjectKind::Blob, bytes);
        let file = SnapshotFile { content: id(&content), layout: layout.as_deref().map(id) };
        if self.known.get(path) != Some(&file) {
            self.batch_bytes += content.len() + layout.as_ref().map_or(0, Vec::len);
            self.batch.add_blob(content);
            if let Some(layout) = layout {
                self.batch.add_blob(layout);
            }
            if self.batch_bytes > MAX_BATCH_BYTES {
                self.flush()?;
            }
        }
        Ok(file)
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::replace(&mut self.batch, ObjectBatch::new(self.repository.format()));
        self.batch_bytes = 0;
        if batch.is_empty() { Ok(()) } else { self.repository.write_objects(&batch) }
    }
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpectedContent {
    /// Whatever it holds is kept.
    Anything,
    /// It held a workflow: one that cannot be read is not whole.
    Workflow,
    /// What is no workflow is passed over.
    Unknown,
}

/// What a file holds now, in two parts that give it back to the byte.
fn scan_file(file: &Path, longest: u64, expected: ExpectedContent) -> ScannedFile {
    let Ok(bytes) = files::read_up_to(file, longest) else {
        return ScannedFile::Damaged(
            "it cannot be read, or is too long (comfy.maxFileSize)".to_owned(),
        );
    };
    let (content, layout) = match (clean::begin_clean(&bytes, LayoutMode::Strip), expected) {
        (CleanStart::Split { content, rest }, _) => (content, Some(rest.layout_line())),
        (CleanStart::Clean, _) | (CleanStart::Untouched(_), ExpectedContent::Anything) => {
            (bytes.clone(), None)
        }
        // Python and browsers read more than we can print back: such a file is kept whole.
        (CleanStart::Untouched(remark), expected) => match (json::parse_lenient(&bytes), remark) {
            (Ok(_), None) => return ScannedFile::NotAWorkflow,
            (Ok(_), Some(_)) => (bytes.clone(), None),
            (Err(_), None) if expected == ExpectedContent::Unknown => {
                return ScannedFile::NotAWorkflow;
            }
            (Err(error), _) => return ScannedFile::Damaged(error.to_string()),
        },
    };
    let whole = match &layout {
        Some(layout) => clean::smudge(&content, layout).as_ref() == Some(&bytes),
        None => content == bytes,
    };
    match layout {
        Some(layout) if whole => {
            ScannedFile::Readable { content, layout: Some(layout.into_bytes()) }
        }
        _ => ScannedFile::Readable { content: bytes, layout: None },
    }
}

/// The folders of the new snapshot, on top of those of the last one.
fn edit_trees(
    repository: &Repository,
    old: SnapshotTrees,
    differences: &ChangedFiles,
    batch: &mut ObjectBatch,
) -> Result<SnapshotTrees> {
    let mut contents = BTreeMap::new();
    let mut layouts = BTreeMap::new();
    for (path, file) in differences {
        let put = |id: ObjectId| (EntryKind::File, id);
        contents.insert(path.as_bytes(), file.map(|file| put(file.content)));
        layouts.insert(path.as_bytes(), file.and_then(|file| file.layout).map(put));
    }
    Ok(SnapshotTrees {
        files: Some(tree::edit_tree(repository, old.files, &contents, batch)?),
        layouts: Some(tree::edit_tree(repository, old.layouts, &layouts, batch)?),
    })
}

fn build_snapshot(
    repository: &Repository,
    of: &WorkTreeName,
    at: Timestamp,
    trees: SnapshotTrees,
    about: &SnapshotInfo,
    batch: &mut ObjectBatch,
) -> Snapshot {
    let hex = |tree: Option<ObjectId>| tree.map(|id| id.to_hex()).unwrap_or_default();
    let parts = [hex(trees.files), hex(trees.layouts), at.to_string(), of.0.clone()];
    let mut id = repository.format().hash_parts(&[parts.join(" ").as_bytes()]).to_hex();
    id.truncate(ID_DIGITS);
    let text = serde_json::to_vec(about).unwrap_or_default();
    let file = |name: &str, kind, id| TreeEntry { kind, name: name.into(), id };
    let mut entries = vec![file(INFO_FILE, EntryKind::File, batch.add_blob(text))];
    for (name, tree) in [(FILES, trees.files), (LAYOUTS, trees.layouts)] {
        entries.extend(tree.map(|id| file(name, EntryKind::Tree, id)));
    }
    let tree = batch.add_tree(&entries);
    let folder = format!("{}/{}", of.0, format_folder_name(at, &id));
    Snapshot { id, taken_at: at, work_tree: of.clone(), folder, tree }
}
