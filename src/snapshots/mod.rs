//! Snapshots: every saved state of the workflows, kept without a commit.
//!
//! All of them lie in the tree of one commit behind `refs/comfy/snapshots`:
//!
//! ```text
//! main/2026-11-22/143005.123-5f0c7a21b3d4/snapshot.json   when, why, on which commit
//!                                         files/…         workflows in their clean form
//!                                         layouts/…       what gives back the very bytes
//! worktrees/<name>/…                                      the same of a linked work tree
//! ```
//!
//! The commit has no parent: taking one and letting old ones go are the same step, by
//! compare-and-swap, and what was let go is garbage to git. A file that is the same in two
//! snapshots is one object; most are those that commits hold, too. The ref is not pushed.
//! Must not write to the index or the work tree.

pub(crate) mod candidates;
pub(crate) mod commands;
pub(crate) mod create;
pub(crate) mod find_snapshot;
pub(crate) mod named_paths;
pub(crate) mod retention;
pub(crate) mod settings;
pub(crate) mod summarize;

pub(crate) use candidates::{SnapshotScope, find_candidates};
pub(crate) use create::{SnapshotOutcome, SnapshotReason, SnapshotRequest, create_snapshot};
pub(crate) use retention::RetentionPolicy;

use std::collections::BTreeMap;

use comfy_graph::clean;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::platform::git;
use crate::platform::git::notes::{NotesRevision, RefUpdate, update_ref};
use crate::platform::git::{
    EntryKind, GitError, ObjectBatch, ObjectId, RefName, RefSwap, RepoPath, Repository, Result,
    TreeEntry, tree,
};

/// The ref behind which all snapshots lie.
const SNAPSHOTS_REF: &str = "refs/comfy/snapshots";

const INFO_FILE: &str = "snapshot.json";
const FILES: &str = "files";
const LAYOUTS: &str = "layouts";
/// The work tree that a repository was made with.
const MAIN: &str = "main";
/// The folder of the linked ones.
const LINKED: &str = "worktrees";

/// How many digits of an id are shown.
const SHORT_ID_DIGITS: usize = 7;
/// The longest `snapshot.json` that is read, in bytes.
const MAX_INFO_SIZE: u64 = 1 << 20;
/// The longest file of a snapshot that is read, in bytes.
const MAX_FILE_SIZE: u64 = 1 << 30;

/// A work tree, by its name in the tree of all snapshots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkTreeName(String);

impl WorkTreeName {
    pub(crate) fn from_repository(repository: &Repository) -> Result<WorkTreeName> {
        repository.require_work_tree()?;
        let own = repository.git_dir();
        if own == repository.common_dir() {
            return Ok(WorkTreeName(MAIN.to_owned()));
        }
        let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(WorkTreeName(format!("{LINKED}/{name}")))
    }

    /// What a person calls it.
    pub(crate) fn name(&self) -> &str {
        self.0.strip_prefix("worktrees/").unwrap_or(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Its name for people: twelve hexadecimal digits, never changed.
    pub id: String,
    /// When it was taken, to the millisecond.
    pub taken_at: Timestamp,
    pub work_tree: WorkTreeName,
    folder: String,
    tree: ObjectId,
}

impl Snapshot {
    /// The id as it is shown.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..SHORT_ID_DIGITS).unwrap_or(&self.id)
    }
}

/// What is known of a snapshot beside its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotInfo {
    /// The version of this form: 1.
    pub schema: u32,
    /// When, UTC, as RFC 3339 has it.
    pub at: String,
    /// Why: `hand`, `watch`, `restore`.
    pub reason: String,
    /// The commit that was checked out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub head: Option<String>,
    /// What the person said of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotFile {
    /// Its clean form, or its bytes as they were.
    pub content: ObjectId,
    /// What turns the clean form into the bytes; none: they are the content.
    pub layout: Option<ObjectId>,
}

/// A file that differs between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotFileChange {
    pub path: RepoPath,
    /// None: it was not there.
    pub before: Option<SnapshotFile>,
    /// None: it is not there any more.
    pub after: Option<SnapshotFile>,
}

/// The snapshots of one work tree, or of all, newest first.
pub(crate) fn list_snapshots(
    repository: &Repository,
    of: Option<&WorkTreeName>,
) -> Result<Vec<Snapshot>> {
    let root = root_tree(repository, repository.reference(&RefName::new(SNAPSHOTS_REF))?)?;
    list_in_tree(repository, root, of)
}

fn list_in_tree(
    repository: &Repository,
    root: Option<ObjectId>,
    of: Option<&WorkTreeName>,
) -> Result<Vec<Snapshot>> {
    let Some(root) = root else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (name, tree) in list_subtrees(repository, root)? {
        if name == LINKED {
            for (name, tree) in list_subtrees(repository, tree)? {
                collect_days(
                    repository,
                    WorkTreeName(format!("{LINKED}/{name}")),
                    tree,
                    &mut found,
                )?;
            }
        } else {
            collect_days(repository, WorkTreeName(name), tree, &mut found)?;
        }
    }
    found.retain(|snapshot: &Snapshot| of.is_none_or(|of| snapshot.work_tree == *of));
    found.sort_by(|a, b| (b.taken_at, &b.id).cmp(&(a.taken_at, &a.id)));
    Ok(found)
}

fn collect_days(
    repository: &Repository,
    of: WorkTreeName,
    tree: ObjectId,
    found: &mut Vec<Snapshot>,
) -> Result<()> {
    for (day, tree) in list_subtrees(repository, tree)? {
        for (name, tree) in list_subtrees(repository, tree)? {
            // What a newer version calls otherwise is not ours to list.
            let Some((at, id)) = parse_folder_name(&day, &name) else { continue };
            let folder = format!("{}/{day}/{name}", of.0);
            found.push(Snapshot { id, taken_at: at, work_tree: of.clone(), folder, tree });
        }
    }
    Ok(())
}

fn list_subtrees(repository: &Repository, tree: ObjectId) -> Result<Vec<(String, ObjectId)>> {
    let entries = tree::read_tree(repository, tree)?.into_iter();
    let folders = entries.filter(|entry| entry.kind == EntryKind::Tree);
    Ok(folders.filter_map(|e| Some((String::from_utf8(e.name).ok()?, e.id))).collect())
}

/// `2026-11-22/143005.123-5f0c7a21b3d4`.
fn format_folder_name(at: Timestamp, id: &str) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    format!("{}.{:03}-{id}", at.strftime("%Y-%m-%d/%H%M%S"), at.millisecond())
}

fn parse_folder_name(day: &str, name: &str) -> Option<(Timestamp, String)> {
    let (time, id) = name.split_once('-')?;
    let (time, milliseconds) = time.split_once('.')?;
    let at = DateTime::strptime("%Y-%m-%d %H%M%S", format!("{day} {time}")).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let milliseconds = i64::from(milliseconds.parse::<u16>().ok()?);
    Some((at.checked_add(jiff::SignedDuration::from_millis(milliseconds)).ok()?, id.to_owned()))
}

/// What `snapshot.json` says; empty where it cannot be read.
pub(crate) fn read_info(repository: &Repository, snapshot: &Snapshot) -> Result<SnapshotInfo> {
    let entry = repository.entry_at(snapshot.tree, &RepoPath::new(INFO_FILE))?;
    let text = match entry.filter(|entry| entry.kind.is_file()) {
        Some(entry) => repository.blob_up_to(entry.id, MAX_INFO_SIZE)?,
        None => None,
    };
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default())
}

/// All files of a snapshot, by their paths.
pub(crate) fn snapshot_files(
    repository: &Repository,
    snapshot: &Snapshot,
) -> Result<BTreeMap<RepoPath, SnapshotFile>> {
    let all = diff_snapshots(repository, None, Some(snapshot))?;
    Ok(all.into_iter().filter_map(|file| Some((file.path, file.after?))).collect())
}

/// The files that are not the same in two snapshots; nothing on a side: no file at all.
pub(crate) fn diff_snapshots(
    repository: &Repository,
    before: Option<&Snapshot>,
    after: Option<&Snapshot>,
) -> Result<Vec<SnapshotFileChange>> {
    let before = SnapshotTrees::of_snapshot(repository, before)?;
    let after = SnapshotTrees::of_snapshot(repository, after)?;
    let contents = tree::diff_trees(repository, [before.files, after.files])?;
    let layouts = tree::diff_trees(repository, [before.layouts, after.layouts])?;
    let mut paths: Vec<&RepoPath> = contents.keys().chain(layouts.keys()).collect();
    paths.sort();
    paths.dedup();
    let mut changes = Vec::with_capacity(paths.len());
    for path in paths {
        let (content, layout) = (contents.get(path), layouts.get(path));
        let file = |side: usize, trees: SnapshotTrees| {
            let content = content.map(|sides| sides[side]);
            let layout = layout.map(|sides| sides[side]);
            trees.file_at(repository, path, content, layout)
        };
        let (before, after) = (file(0, before)?, file(1, after)?);
        changes.push(SnapshotFileChange { path: path.clone(), before, after });
    }
    Ok(changes)
}

/// The trees of the two folders of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct SnapshotTrees {
    files: Option<ObjectId>,
    layouts: Option<ObjectId>,
}

impl SnapshotTrees {
    /// Those of a snapshot; empty ones of none.
    fn of_snapshot(repository: &Repository, snapshot: Option<&Snapshot>) -> Result<SnapshotTrees> {
        match snapshot {
            Some(snapshot) => SnapshotTrees::load(repository, snapshot.tree),
            None => Ok(SnapshotTrees::default()),
        }
    }

    /// The file at a path. `content` and `layout` are its blobs where a comparison told them;
    /// the others are the same on both sides, and are looked up.
    fn file_at(
        self,
        repository: &Repository,
        path: &RepoPath,
        content: Option<Option<ObjectId>>,
        layout: Option<Option<ObjectId>>,
    ) -> Result<Option<SnapshotFile>> {
        let content = match content {
            Some(content) => content,
            None => file_id_at(repository, self.files, path)?,
        };
        let layout = match layout {
            Some(layout) => layout,
            None => file_id_at(repository, self.layouts, path)?,
        };
        Ok(content.map(|content| SnapshotFile { content, layout }))
    }

    fn load(repository: &Repository, tree: ObjectId) -> Result<SnapshotTrees> {
        let entries = tree::read_tree(repository, tree)?;
        let trees = |name: &str| {
            let is_it =
                |entry: &&TreeEntry| entry.name == name.as_bytes() && entry.kind == EntryKind::Tree;
            entries.iter().find(is_it).map(|entry| entry.id)
        };
        Ok(SnapshotTrees { files: trees(FILES), layouts: trees(LAYOUTS) })
    }
}

fn file_id_at(
    repository: &Repository,
    tree: Option<ObjectId>,
    path: &RepoPath,
) -> Result<Option<ObjectId>> {
    let Some(tree) = tree else { return Ok(None) };
    let entry = repository.entry_at(tree, path)?;
    Ok(entry.filter(|entry| entry.kind.is_file()).map(|entry| entry.id))
}

/// The bytes of a file, as they were on the disk.
pub(crate) fn read_file(repository: &Repository, file: &SnapshotFile) -> Result<Vec<u8>> {
    let read = |id: ObjectId| {
        let text = repository.blob_up_to(id, MAX_FILE_SIZE)?;
        text.ok_or(GitError::Malformed { id, expected: "file of a snapshot" })
    };
    let content = read(file.content)?;
    let Some(layout) = file.layout else { return Ok(content) };
    let broken = || GitError::Malformed { id: layout, expected: "layout of a snapshot" };
    let layout = String::from_utf8(read(layout)?).map_err(|_| broken())?;
    clean::smudge(&content, &layout).ok_or_else(broken)
}

/// Lets the snapshots go that a policy does not keep, of all work trees. Gives how many.
pub(crate) fn prune_snapshots(repository: &Repository, policy: &RetentionPolicy) -> Result<usize> {
    let now = current_time();
    update_tree(repository, "let snapshots go", |root, _| {
        let mut edits = BTreeMap::new();
        let all = list_in_tree(repository, root, None)?;
        let mut trees: Vec<&WorkTreeName> =
            all.iter().map(|snapshot| &snapshot.work_tree).collect();
        trees.sort();
        trees.dedup();
        for of in trees {
            let own: Vec<Snapshot> = all.iter().filter(|s| s.work_tree == *of).cloned().collect();
            mark_expired(repository, &own, policy, now, &mut edits)?;
        }
        let count = edits.len();
        Ok((edits, count))
    })
}

/// Lets all snapshots go. Gives how many there were.
pub(crate) fn delete_all(repository: &Repository) -> Result<usize> {
    let name = RefName::new(SNAPSHOTS_REF);
    let Some(tip) = repository.reference(&name)? else { return Ok(0) };
    let count = list_in_tree(repository, root_tree(repository, Some(tip))?, None)?.len();
    match repository.swap_ref(&name, Some(tip), None, "comfy: let all snapshots go")? {
        RefSwap::Done => Ok(count),
        RefSwap::Raced => Err(GitError::Contended(name.to_string())),
    }
}

fn current_time() -> Timestamp {
    let milliseconds = Timestamp::now().as_millisecond();
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}

type SnapshotTreeEdits = BTreeMap<Vec<u8>, tree::TreeEdit>;

/// Marks those to go. `own` are the snapshots of one work tree, newest first.
fn mark_expired(
    repository: &Repository,
    own: &[Snapshot],
    policy: &RetentionPolicy,
    now: Timestamp,
    edits: &mut SnapshotTreeEdits,
) -> Result<()> {
    let times: Vec<i64> = own.iter().map(|snapshot| snapshot.taken_at.as_millisecond()).collect();
    for (at, age) in policy.expired(&times, now.as_millisecond()) {
        let snapshot = &own[at];
        if edits.contains_key(snapshot.folder.as_bytes()) {
            // The snapshot that this very step adds.
            continue;
        }
        // A snapshot with a text is not thinned out: it goes only when it is too old for
        // every rule.
        if policy.keeps_age(age) && read_info(repository, snapshot)?.text.is_some() {
            continue;
        }
        edits.insert(snapshot.folder.clone().into_bytes(), None);
    }
    Ok(())
}

/// Changes the tree of all snapshots; no edits: it stays.
fn update_tree<T>(
    repository: &Repository,
    subject: &str,
    mut make: impl FnMut(Option<ObjectId>, &mut ObjectBatch) -> Result<(SnapshotTreeEdits, T)>,
) -> Result<T> {
    let mut outcome = None;
    update_ref(repository, &RefName::new(SNAPSHOTS_REF), |tip, batch| {
        let root = root_tree(repository, tip.map(|tip| tip.0))?;
        let (edits, made) = make(root, batch)?;
        outcome = Some(made);
        if edits.is_empty() {
            return Ok(RefUpdate::Keep);
        }
        let tree = tree::edit_tree(repository, root, &edits, batch)?;
        let subject = format!("chore(comfy): {subject}");
        Ok(RefUpdate::Orphan(NotesRevision { tree, merged: Vec::new(), subject }))
    })?;
    Ok(outcome.expect("the change was made at least once"))
}

fn root_tree(repository: &Repository, tip: Option<ObjectId>) -> Result<Option<ObjectId>> {
    let Some(tip) = tip else { return Ok(None) };
    let commit = repository.commit(git::CommitId(tip))?;
    Ok(Some(commit.ok_or(GitError::Malformed { id: tip, expected: "commit of snapshots" })?.tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_moment_and_the_id() {
        let at = Timestamp::from_millisecond(1_795_363_927_045).unwrap();
        let name = format_folder_name(at, "5f0c7a21b3d4");
        assert_eq!(name, "2026-11-22/161207.045-5f0c7a21b3d4");
        let (day, name) = name.split_once('/').unwrap();
        assert_eq!(parse_folder_name(day, name), Some((at, "5f0c7a21b3d4".to_owned())));
        for (day, name) in [("2026-11-22", "x"), ("notes", name), ("2026-11-22", "9-a")] {
            assert_eq!(parse_folder_name(day, name), None);
        }
    }
}
