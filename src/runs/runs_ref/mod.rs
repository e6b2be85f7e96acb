//! Runs: a chain of commits behind `refs/comfy/runs`. Each run is a folder of its tree:
//!
//! ```text
//! 2026/11/22/5f/5f0c…/run.json        what it was (docs/run-schema.md)
//!                     prompt.json     what the server ran
//!                     workflow.json   the canvas, as it was queued
//! undated/a3/x1/xa31…/…               known by its files alone
//! forgotten                           ids that were pruned, a line each
//! ```
//!
//! The folders are spread by date and id, so that writing one run rewrites a few small
//! trees however many there are. A run is written whole or not at all: its objects first,
//! then the ref, by compare-and-swap. Must not know where a run was seen.

pub mod merge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::run_data;
use crate::platform::git::notes::{NotesRevision, RefUpdate, update_ref};
use crate::platform::git::shared_refs::{RUNS_REF, RUNS_SHARING_KEY, RunsSharing};
use crate::platform::git::{
    CommitId, EntryKind, GitError, ObjectBatch, ObjectId, RefName, RepoPath, Repository, Result,
    TreeEntry, tree,
};
use crate::runs::run_data::Run;

const RUN_FILE: &str = "run.json";
const PROMPT_FILE: &str = "prompt.json";
const WORKFLOW_FILE: &str = "workflow.json";
const FORGOTTEN_FILE: &str = "forgotten";

/// The largest document of a run that is read, in bytes; it may be a stranger's.
const MAX_RUN_SIZE: u64 = 16 << 20;
/// The largest prompt or workflow.
const MAX_DOCUMENT_SIZE: u64 = 64 << 20;
/// The largest list of forgotten ids.
const MAX_LIST_SIZE: u64 = 256 << 20;

/// Where a run lies in the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunPath(String);

impl RunPath {
    /// Where a run belongs: by the day it happened and its id.
    pub fn for_run(run: &Run) -> RunPath {
        let id = &run.id;
        let at = |from: usize| id.get(from..from + 2).unwrap_or("--").to_ascii_lowercase();
        // `2026-11-22T…`; anything else is no date.
        let date = run.known_time().and_then(|moment| moment.get(..10)).filter(|date| {
            let shape = |(at, c): (usize, u8)| {
                if matches!(at, 4 | 7) { c == b'-' } else { c.is_ascii_digit() }
            };
            date.bytes().enumerate().all(shape)
        });
        RunPath(match date {
            Some(date) => format!("{}/{}/{id}", date.replace('-', "/"), at(0)),
            // Such ids begin with `x`: only the digits behind it spread the folders.
            None => format!("undated/{}/{}/{id}", at(1), at(3)),
        })
    }

    /// A place as the tree has it.
    pub fn new(path: impl Into<String>) -> RunPath {
        RunPath(path.into())
    }

    /// The path in the tree.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the run there.
    pub fn run_id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// A run with its documents, as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredRun {
    /// What it was.
    pub run: Run,
    /// The executed prompt.
    pub prompt: Option<Vec<u8>>,
    pub workflow: Option<Vec<u8>>,
}

/// What is written in one step.
#[derive(Debug, Clone, Default)]
pub struct RunChanges {
    /// Runs to keep, each joined with what is known of it by then.
    pub runs: Vec<(RunPath, StoredRun)>,
    /// Folders whose runs are known better under another id; one that is kept as well is
    /// written anew and not joined with what was there.
    pub replaced: Vec<RunPath>,
}

/// Whether runs travel between clones (`comfy.runs.share`).
pub fn sharing(repository: &Repository) -> Result<RunsSharing> {
    Ok(RunsSharing::from_setting(repository.setting(RUNS_SHARING_KEY)?.as_deref()))
}

/// Writes runs. Ids that were pruned stay away. Gives how many runs are new or know more
/// than before.
pub fn record_runs(repository: &Repository, change: &RunChanges) -> Result<usize> {
    let name = RefName::new(RUNS_REF);
    let mut changed = 0;
    update_ref(repository, &name, |tip, batch| {
        changed = 0;
        let root = root_tree(repository, tip)?;
        let forgotten = read_forgotten_ids(repository, root)?;
        let mut edits = BTreeMap::new();
        for run_path in &change.replaced {
            edits.insert(run_path.as_str(), None);
        }
        for (run_path, stored) in &change.runs {
            if forgotten.contains(run_path.run_id()) {
                continue;
            }
            let before = match root {
                _ if change.replaced.contains(run_path) => None,
                Some(root) => find_run_folder(repository, root, run_path)?,
                None => None,
            };
            let after = write_run_folder(repository, before, stored, batch)?;
            if before != Some(after) {
                changed += 1;
                edits.insert(run_path.as_str(), Some((EntryKind::Tree, after)));
            }
        }
        if changed == 0 && edits.is_empty() {
            return Ok(RefUpdate::Keep);
        }
        let tree = tree::edit_tree(repository, root, &edits, batch)?;
        if Some(tree) == root {
            return Ok(RefUpdate::Keep);
        }
        let subject = match changed {
            1 => "chore(comfy): record one run".to_owned(),
            count => format!("chore(comfy): record {count} runs"),
        };
        Ok(RefUpdate::Commit(NotesRevision { tree, merged: Vec::new(), subject }))
    })?;
    Ok(changed)
}

/// The folder of a run, joined with the one that is there.
fn write_run_folder(
    repository: &Repository,
    before: Option<ObjectId>,
    stored: &StoredRun,
    batch: &mut ObjectBatch,
) -> Result<ObjectId> {
    let known = match before {
        Some(folder) => list_files(repository, folder)?,
        None => BTreeMap::new(),
    };
    let text = run_data::print_run(&stored.run).into_bytes();
    let text = match known.get(RUN_FILE) {
        Some(id) => run_data::join_run_texts(&read_blob(repository, *id, MAX_RUN_SIZE)?, &text),
        None => text,
    };
    let open = run_data::parse_run(&text).map_or(true, |run| run.redacted.is_none());
    let mut entries = known;
    entries.insert(RUN_FILE.to_owned(), batch.add_blob(text));
    for (name, document) in [(PROMPT_FILE, &stored.prompt), (WORKFLOW_FILE, &stored.workflow)] {
        match document {
            _ if !open => drop(entries.remove(name)),
            Some(text) if !entries.contains_key(name) => {
                entries.insert(name.to_owned(), batch.add_blob(text.clone()));
            }
            _ => {}
        }
    }
    Ok(batch.add_tree(&tree::file_entries(entries)))
}

/// Takes out the documents of runs and what their own documents tell of prompts.
pub fn redact_runs(repository: &Repository, run_paths: &[RunPath], at: &str) -> Result<usize> {
    rewrite_history(repository, "redact", |repository, root, batch| {
        let mut edits = BTreeMap::new();
        for run_path in run_paths {
            let Some(folder) = find_run_folder(repository, root, run_path)? else { continue };
            let files = list_files(repository, folder)?;
            let Some(id) = files.get(RUN_FILE) else { continue };
            let Ok(mut run) = run_data::parse_run(&read_blob(repository, *id, MAX_RUN_SIZE)?)
            else {
                continue;
            };
            run.redact(at);
            let file = batch.add_blob(run_data::print_run(&run).into_bytes());
            let entries = BTreeMap::from([(RUN_FILE.to_owned(), file)]);
            let folder = batch.add_tree(&tree::file_entries(entries));
            edits.insert(run_path.as_str(), Some((EntryKind::Tree, folder)));
        }
        let count = edits.len();
        Ok((tree::edit_tree(repository, Some(root), &edits, batch)?, count))
    })
}

/// Forgets runs, and remembers their ids so that no other clone brings them back.
pub fn prune_runs(repository: &Repository, run_paths: &[RunPath]) -> Result<usize> {
    rewrite_history(repository, "prune", |repository, root, batch| {
        let mut ids = read_forgotten_ids(repository, Some(root))?;
        let mut edits = BTreeMap::new();
        for run_path in run_paths {
            if find_run_folder(repository, root, run_path)?.is_some() {
                ids.insert(run_path.run_id().to_owned());
                edits.insert(run_path.as_str(), None);
            }
        }
        let count = edits.len();
        edits.insert(FORGOTTEN_FILE, write_forgotten_ids(&ids, batch));
        Ok((tree::edit_tree(repository, Some(root), &edits, batch)?, count))
    })
}

/// Begins a new chain, so that what was taken out is not among the ancestors.
fn rewrite_history(
    repository: &Repository,
    what: &str,
    mut make: impl FnMut(&Repository, ObjectId, &mut ObjectBatch) -> Result<(ObjectId, usize)>,
) -> Result<usize> {
    let mut count = 0;
    update_ref(repository, &RefName::new(RUNS_REF), |tip, batch| {
        let Some(root) = root_tree(repository, tip)? else { return Ok(RefUpdate::Keep) };
        let (tree, touched) = make(repository, root, batch)?;
        count = touched;
        if touched == 0 {
            return Ok(RefUpdate::Keep);
        }
        let subject = format!("chore(comfy): {what} runs");
        Ok(RefUpdate::Orphan(NotesRevision { tree, merged: Vec::new(), subject }))
    })?;
    Ok(count)
}

fn write_forgotten_ids(ids: &BTreeSet<String>, batch: &mut ObjectBatch) -> tree::TreeEdit {
    let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
    (!ids.is_empty()).then(|| (EntryKind::File, batch.add_blob(text.into_bytes())))
}

/// A state of all runs, to compare later ones with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsState(Option<ObjectId>);

impl RunsState {
    /// No runs.
    pub const EMPTY: RunsState = RunsState(None);

    pub fn to_text(self) -> String {
        self.0.map(|id| id.to_hex()).unwrap_or_default()
    }

    /// From [`RunsState::to_text`].
    pub fn from_text(text: &str) -> RunsState {
        RunsState(ObjectId::from_hex(text.as_bytes()))
    }
}

/// What became of a folder between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDifference {
    /// The folder.
    pub path: RunPath,
    /// What is there now; none: the run is gone.
    pub document: Option<RunDocument>,
}

/// The document of a run in the tree, to be read when it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunDocument(ObjectId);

/// The present state.
pub fn current_state(repository: &Repository) -> Result<RunsState> {
    let tip = repository.reference(&RefName::new(RUNS_REF))?.map(CommitId);
    Ok(RunsState(root_tree(repository, tip)?))
}

/// The runs that differ between two states; folders that are the same in both are not
/// read. The older state must be there: see [`has_state`].
pub fn diff_states(
    repository: &Repository,
    from: RunsState,
    to: RunsState,
) -> Result<Vec<RunDifference>> {
    let mut found = Vec::new();
    compare_trees(repository, from.0, to.0, &mut String::new(), &mut found)?;
    Ok(found)
}

/// Whether an older state is still there to compare with; git may have thrown it away
/// after runs were pruned.
pub fn has_state(repository: &Repository, state: RunsState) -> Result<bool> {
    state.0.map_or(Ok(true), |id| repository.contains(id))
}

/// Reads a run. A document that cannot be read is none.
pub fn read_run(repository: &Repository, document: RunDocument) -> Result<Option<Run>> {
    match repository.blob_up_to(document.0, MAX_RUN_SIZE)? {
        Some(text) => Ok(run_data::parse_run(&text).ok()),
        None => Ok(None),
    }
}

/// A run with its documents.
pub fn load_run(repository: &Repository, run_path: &RunPath) -> Result<Option<StoredRun>> {
    let RunsState(root) = current_state(repository)?;
    let Some(root) = root else { return Ok(None) };
    let Some(folder) = find_run_folder(repository, root, run_path)? else { return Ok(None) };
    let files = list_files(repository, folder)?;
    let text = |name: &str, most| match files.get(name) {
        Some(id) => repository.blob_up_to(*id, most),
        None => Ok(None),
    };
    let Some(document) = text(RUN_FILE, MAX_RUN_SIZE)? else { return Ok(None) };
    let Ok(run) = run_data::parse_run(&document) else { return Ok(None) };
    let (prompt, workflow) =
        (text(PROMPT_FILE, MAX_DOCUMENT_SIZE)?, text(WORKFLOW_FILE, MAX_DOCUMENT_SIZE)?);
    Ok(Some(StoredRun { run, prompt, workflow }))
}

fn compare_trees(
    repository: &Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    path: &mut String,
    found: &mut Vec<RunDifference>,
) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let read =
        |id: Option<ObjectId>| id.map_or(Ok(Vec::new()), |id| tree::read_tree(repository, id));
    let (before, after) = (read(old)?, read(new)?);
    let run =
        |entries: &[TreeEntry]| entries.iter().find(|e| e.name == RUN_FILE.as_bytes()).cloned();
    let runs = (run(&before), run(&after));
    if runs.0.is_some() || runs.1.is_some() {
        let run = runs.1.map(|entry| RunDocument(entry.id));
        found.push(RunDifference { path: RunPath(path.clone()), document: run });
        return Ok(());
    }
    let mut names: BTreeMap<&[u8], [Option<ObjectId>; 2]> = BTreeMap::new();
    for (side, entries) in [(0, &before), (1, &after)] {
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Tree) {
            names.entry(&entry.name).or_default()[side] = Some(entry.id);
        }
    }
    for (name, [old, new]) in names {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let length = path.len();
        if length > 0 {
            path.push('/');
        }
        path.push_str(name);
        // Deeper than any place of ours there is nothing of ours.
        if path.matches('/').count() <= 6 {
            compare_trees(repository, old, new, path, found)?;
        }
        path.truncate(length);
    }
    Ok(())
}

fn root_tree(repository: &Repository, tip: Option<CommitId>) -> Result<Option<ObjectId>> {
    let Some(tip) = tip else { return Ok(None) };
    let commit = repository.commit(tip)?;
    Ok(Some(commit.ok_or(GitError::Malformed { id: tip.0, expected: "commit of runs" })?.tree))
}

fn find_run_folder(
    repository: &Repository,
    root: ObjectId,
    run_path: &RunPath,
) -> Result<Option<ObjectId>> {
    let entry = repository.entry_at(root, &RepoPath::new(run_path.as_str()))?;
    Ok(entry.filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.id))
}

fn list_files(repository: &Repository, folder: ObjectId) -> Result<BTreeMap<String, ObjectId>> {
    let entries = tree::read_tree(repository, folder)?.into_iter();
    let files = entries.filter(|entry| entry.kind.is_file());
    Ok(files.filter_map(|e| Some((String::from_utf8(e.name).ok()?, e.id))).collect())
}

fn read_blob(repository: &Repository, id: ObjectId, most: u64) -> Result<Vec<u8>> {
    repository.blob_up_to(id, most)?.ok_or(GitError::Malformed { id, expected: "file of a run" })
}

fn read_forgotten_ids(repository: &Repository, root: Option<ObjectId>) -> Result<BTreeSet<String>> {
    let Some(root) = root else { return Ok(BTreeSet::new()) };
    let entry = repository.entry_at(root, &RepoPath::new(FORGOTTEN_FILE))?;
    match entry.filter(|entry| entry.kind.is_file()) {
        Some(entry) => {
            let text = read_blob(repository, entry.id, MAX_LIST_SIZE)?;
            Ok(parse_lines(&text))
        }
        None => Ok(BTreeSet::new()),
    }
}

fn parse_lines(text: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
