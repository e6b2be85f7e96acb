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

use super::model;
use crate::platform::git::notes::{Revision, Step, advance};
use crate::platform::git::shared_refs::RUNS;
use crate::platform::git::{
    Batch, CommitId, EntryKind, Error, ObjectId, RefName, RepoPath, Repository, Result, TreeEntry,
    tree,
};
use crate::runs::model::Run;

const RUN: &str = "run.json";
const PROMPT: &str = "prompt.json";
const WORKFLOW: &str = "workflow.json";
const FORGOTTEN: &str = "forgotten";

/// The largest document of a run that is read, in bytes; it may be a stranger's.
const LARGEST_RUN: u64 = 16 << 20;
/// The largest prompt or workflow.
const LARGEST_DOCUMENT: u64 = 64 << 20;
/// The largest list of forgotten ids.
const LARGEST_LIST: u64 = 256 << 20;

/// Where a run lies in the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(String);

impl Place {
    /// Where a run belongs: by the day it happened and its id.
    pub fn of(run: &Run) -> Place {
        let id = &run.id;
        let at = |from: usize| id.get(from..from + 2).unwrap_or("--").to_ascii_lowercase();
        // `2026-11-22T…`; anything else is no date.
        let date = run.moment().and_then(|moment| moment.get(..10)).filter(|date| {
            let shape = |(at, c): (usize, u8)| {
                if matches!(at, 4 | 7) { c == b'-' } else { c.is_ascii_digit() }
            };
            date.bytes().enumerate().all(shape)
        });
        Place(match date {
            Some(date) => format!("{}/{}/{id}", date.replace('-', "/"), at(0)),
            // Such ids begin with `x`: only the digits behind it spread the folders.
            None => format!("undated/{}/{}/{id}", at(1), at(3)),
        })
    }

    /// A place as the tree has it.
    pub fn new(path: impl Into<String>) -> Place {
        Place(path.into())
    }

    /// The path in the tree.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the run there.
    pub fn id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// A run with its documents, as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// What it was.
    pub run: Run,
    /// The executed prompt.
    pub prompt: Option<Vec<u8>>,
    /// The workflow.
    pub workflow: Option<Vec<u8>>,
}

/// What is written in one step.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Runs to keep, each joined with what is known of it by then.
    pub keep: Vec<(Place, Kept)>,
    /// Folders whose runs are known better under another id; one that is kept as well is
    /// written anew and not joined with what was there.
    pub replaced: Vec<Place>,
}

/// Writes runs. Ids that were pruned stay away. Gives how many runs are new or know more
/// than before.
pub fn record(repository: &Repository, change: &Change) -> Result<usize> {
    let name = RefName::new(RUNS);
    let mut changed = 0;
    advance(repository, &name, |tip, batch| {
        changed = 0;
        let root = root(repository, tip)?;
        let forgotten = forgotten(repository, root)?;
        let mut edits = BTreeMap::new();
        for place in &change.replaced {
            edits.insert(place.as_str(), None);
        }
        for (place, kept) in &change.keep {
            if forgotten.contains(place.id()) {
                continue;
            }
            let before = match root {
                _ if change.replaced.contains(place) => None,
                Some(root) => folder_at(repository, root, place)?,
                None => None,
            };
            let after = folder(repository, before, kept, batch)?;
            if before != Some(after) {
                changed += 1;
                edits.insert(place.as_str(), Some((EntryKind::Tree, after)));
            }
        }
        if changed == 0 && edits.is_empty() {
            return Ok(Step::Stay);
        }
        let tree = tree::edited(repository, root, &edits, batch)?;
        if Some(tree) == root {
            return Ok(Step::Stay);
        }
        let subject = match changed {
            1 => "chore(comfy): record one run".to_owned(),
            count => format!("chore(comfy): record {count} runs"),
        };
        Ok(Step::Commit(Revision { tree, merged: Vec::new(), subject }))
    })?;
    Ok(changed)
}

/// The folder of a run, joined with the one that is there.
fn folder(
    repository: &Repository,
    before: Option<ObjectId>,
    kept: &Kept,
    batch: &mut Batch,
) -> Result<ObjectId> {
    let known = match before {
        Some(folder) => files(repository, folder)?,
        None => BTreeMap::new(),
    };
    let text = model::print(&kept.run).into_bytes();
    let text = match known.get(RUN) {
        Some(id) => model::join_texts(&content(repository, *id, LARGEST_RUN)?, &text),
        None => text,
    };
    let open = model::parse(&text).map_or(true, |run| run.redacted.is_none());
    let mut entries = known;
    entries.insert(RUN.to_owned(), batch.blob(text));
    for (name, document) in [(PROMPT, &kept.prompt), (WORKFLOW, &kept.workflow)] {
        match document {
            _ if !open => drop(entries.remove(name)),
            Some(text) if !entries.contains_key(name) => {
                entries.insert(name.to_owned(), batch.blob(text.clone()));
            }
            _ => {}
        }
    }
    Ok(batch.tree(&tree::as_entries(entries)))
}

/// Takes out the documents of runs and what their own documents tell of prompts.
pub fn redact(repository: &Repository, places: &[Place], at: &str) -> Result<usize> {
    rewrite(repository, "redact", |repository, root, batch| {
        let mut edits = BTreeMap::new();
        for place in places {
            let Some(folder) = folder_at(repository, root, place)? else { continue };
            let files = files(repository, folder)?;
            let Some(id) = files.get(RUN) else { continue };
            let Ok(mut run) = model::parse(&content(repository, *id, LARGEST_RUN)?) else {
                continue;
            };
            run.redact(at);
            let file = batch.blob(model::print(&run).into_bytes());
            let entries = BTreeMap::from([(RUN.to_owned(), file)]);
            let folder = batch.tree(&tree::as_entries(entries));
            edits.insert(place.as_str(), Some((EntryKind::Tree, folder)));
        }
        let count = edits.len();
        Ok((tree::edited(repository, Some(root), &edits, batch)?, count))
    })
}

/// Forgets runs, and remembers their ids so that no other clone brings them back.
pub fn prune(repository: &Repository, places: &[Place]) -> Result<usize> {
    rewrite(repository, "prune", |repository, root, batch| {
        let mut ids = forgotten(repository, Some(root))?;
        let mut edits = BTreeMap::new();
        for place in places {
            if folder_at(repository, root, place)?.is_some() {
                ids.insert(place.id().to_owned());
                edits.insert(place.as_str(), None);
            }
        }
        let count = edits.len();
        edits.insert(FORGOTTEN, list(&ids, batch));
        Ok((tree::edited(repository, Some(root), &edits, batch)?, count))
    })
}

/// Lets ids that were pruned be recorded again.
pub fn remember(repository: &Repository, ids: &[String]) -> Result<usize> {
    rewrite(repository, "remember", |repository, root, batch| {
        let mut known = forgotten(repository, Some(root))?;
        let before = known.len();
        known.retain(|id| !ids.contains(id));
        let edits = BTreeMap::from([(FORGOTTEN, list(&known, batch))]);
        Ok((tree::edited(repository, Some(root), &edits, batch)?, before - known.len()))
    })
}

/// Begins a new chain, so that what was taken out is not among the ancestors.
fn rewrite(
    repository: &Repository,
    what: &str,
    mut make: impl FnMut(&Repository, ObjectId, &mut Batch) -> Result<(ObjectId, usize)>,
) -> Result<usize> {
    let mut count = 0;
    advance(repository, &RefName::new(RUNS), |tip, batch| {
        let Some(root) = root(repository, tip)? else { return Ok(Step::Stay) };
        let (tree, touched) = make(repository, root, batch)?;
        count = touched;
        if touched == 0 {
            return Ok(Step::Stay);
        }
        let subject = format!("chore(comfy): {what} runs");
        Ok(Step::Anew(Revision { tree, merged: Vec::new(), subject }))
    })?;
    Ok(count)
}

fn list(ids: &BTreeSet<String>, batch: &mut Batch) -> tree::Put {
    let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
    (!ids.is_empty()).then(|| (EntryKind::File, batch.blob(text.into_bytes())))
}

/// A state of all runs, to compare later ones with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(Option<ObjectId>);

impl State {
    /// No runs.
    pub const NOTHING: State = State(None);

    /// As a text.
    pub fn to_text(self) -> String {
        self.0.map(|id| id.to_hex()).unwrap_or_default()
    }

    /// From [`State::to_text`].
    pub fn from_text(text: &str) -> State {
        State(ObjectId::from_hex(text.as_bytes()))
    }
}

/// What became of a folder between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The folder.
    pub place: Place,
    /// What is there now; none: the run is gone.
    pub run: Option<Document>,
}

/// The document of a run in the tree, to be read when it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document(ObjectId);

/// The present state.
pub fn state(repository: &Repository) -> Result<State> {
    let tip = repository.reference(&RefName::new(RUNS))?.map(CommitId);
    Ok(State(root(repository, tip)?))
}

/// The runs that differ between two states; folders that are the same in both are not
/// read. The older state must be there: see [`is_there`].
pub fn differences(repository: &Repository, from: State, to: State) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    compare(repository, from.0, to.0, &mut String::new(), &mut found)?;
    Ok(found)
}

/// Whether an older state is still there to compare with; git may have thrown it away
/// after runs were pruned.
pub fn is_there(repository: &Repository, state: State) -> Result<bool> {
    state.0.map_or(Ok(true), |id| repository.contains(id))
}

/// Reads a run. A document that cannot be read is none.
pub fn read(repository: &Repository, document: Document) -> Result<Option<Run>> {
    match repository.blob_within(document.0, LARGEST_RUN)? {
        Some(text) => Ok(model::parse(&text).ok()),
        None => Ok(None),
    }
}

/// A run with its documents.
pub fn at(repository: &Repository, place: &Place) -> Result<Option<Kept>> {
    let State(root) = state(repository)?;
    let Some(root) = root else { return Ok(None) };
    let Some(folder) = folder_at(repository, root, place)? else { return Ok(None) };
    let files = files(repository, folder)?;
    let text = |name: &str, most| match files.get(name) {
        Some(id) => repository.blob_within(*id, most),
        None => Ok(None),
    };
    let Some(document) = text(RUN, LARGEST_RUN)? else { return Ok(None) };
    let Ok(run) = model::parse(&document) else { return Ok(None) };
    let (prompt, workflow) = (text(PROMPT, LARGEST_DOCUMENT)?, text(WORKFLOW, LARGEST_DOCUMENT)?);
    Ok(Some(Kept { run, prompt, workflow }))
}

fn compare(
    repository: &Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    path: &mut String,
    found: &mut Vec<Difference>,
) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let read = |id: Option<ObjectId>| id.map_or(Ok(Vec::new()), |id| tree::read(repository, id));
    let (before, after) = (read(old)?, read(new)?);
    let run = |entries: &[TreeEntry]| entries.iter().find(|e| e.name == RUN.as_bytes()).cloned();
    let runs = (run(&before), run(&after));
    if runs.0.is_some() || runs.1.is_some() {
        let run = runs.1.map(|entry| Document(entry.id));
        found.push(Difference { place: Place(path.clone()), run });
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
            compare(repository, old, new, path, found)?;
        }
        path.truncate(length);
    }
    Ok(())
}

fn root(repository: &Repository, tip: Option<CommitId>) -> Result<Option<ObjectId>> {
    let Some(tip) = tip else { return Ok(None) };
    let commit = repository.commit(tip)?;
    Ok(Some(commit.ok_or(Error::Malformed { id: tip.0, expected: "commit of runs" })?.tree))
}

fn folder_at(repository: &Repository, root: ObjectId, place: &Place) -> Result<Option<ObjectId>> {
    let entry = repository.entry_at(root, &RepoPath::new(place.as_str()))?;
    Ok(entry.filter(|entry| entry.kind == EntryKind::Tree).map(|entry| entry.id))
}

fn files(repository: &Repository, folder: ObjectId) -> Result<BTreeMap<String, ObjectId>> {
    let entries = tree::read(repository, folder)?.into_iter();
    let files = entries.filter(|entry| entry.kind.is_file());
    Ok(files.filter_map(|e| Some((String::from_utf8(e.name).ok()?, e.id))).collect())
}

fn content(repository: &Repository, id: ObjectId, most: u64) -> Result<Vec<u8>> {
    repository.blob_within(id, most)?.ok_or(Error::Malformed { id, expected: "file of a run" })
}

fn forgotten(repository: &Repository, root: Option<ObjectId>) -> Result<BTreeSet<String>> {
    let Some(root) = root else { return Ok(BTreeSet::new()) };
    let entry = repository.entry_at(root, &RepoPath::new(FORGOTTEN))?;
    match entry.filter(|entry| entry.kind.is_file()) {
        Some(entry) => {
            let text = content(repository, entry.id, LARGEST_LIST)?;
            Ok(lines(&text))
        }
        None => Ok(BTreeSet::new()),
    }
}

fn lines(text: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
