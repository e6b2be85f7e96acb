//! Pending layouts go into notes once a commit holds their blobs: all of them in one
//! notes commit.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::file_states::FileStates;
use super::note::{Entry, Note};
use super::paths::Added;
use super::store::{Pending, Store, Verdict};
use super::{MAX_NOTE, notes_ref, paths};
use crate::platform::git;
use crate::platform::git::notes::{Edit, Notes, Revision, Step, advance};
use crate::platform::git::tree::Folders;
use crate::platform::git::{
    Batch, CommitId, ObjectId, RefName, RepoPath, Repository, Result, TreeEntry,
};

/// So long (in milliseconds) a layout whose blob is not in the repository stays: git may be
/// about to write the blob.
const GRACE: u64 = 60 * 60 * 1000;

/// Moves the pending layouts of all blobs that these commits hold into notes. Gives how
/// many layouts the notes gained.
pub(crate) fn promote(repository: &Repository, commits: &[CommitId]) -> Result<usize> {
    let mut store = Store::open(repository.state_dir());
    let pending = shareable(store.pending()?);
    if pending.is_empty() {
        return Ok(0);
    }
    let (held, rest) = held(repository, commits, pending)?;
    let mut gained = 0;
    if !held.is_empty() {
        let layouts = read(&mut store, &held)?;
        let outcome = write(repository, &notes_ref(), &held, &layouts)?;
        gained = outcome.gained;
        let settled: Vec<_> =
            held.into_iter().filter(|p| !outcome.unreadable.contains(&p.blob)).collect();
        settle(repository, &mut store, &settled)?;
    }
    let noted = noted(repository, &mut store, rest)?;
    settle(repository, &mut store, &noted)?;
    let now = git::now();
    store.compact(|pending| judge(repository, pending, now))?;
    Ok(gained)
}

fn settle(repository: &Repository, store: &mut Store, settled: &[Pending]) -> Result<()> {
    // First: a move that is believed to be in no note is only stamped anew once more.
    store.settle(settled)?;
    let noted = settled.iter().map(|pending| (&pending.path, pending.blob, pending.at));
    FileStates::of(repository).note(noted)
}

/// Those in which a person placed something.
fn shareable(mut pending: Vec<Pending>) -> Vec<Pending> {
    pending.retain(|pending| pending.at > 0);
    pending
}

type Layouts = FxHashMap<(ObjectId, RepoPath), Entry>;

fn read(store: &mut Store, pending: &[Pending]) -> Result<Layouts> {
    let mut layouts = FxHashMap::default();
    for pending in pending {
        if let Some(entry) = store.get(pending.blob, &pending.path)? {
            layouts.insert((pending.blob, pending.path.clone()), entry);
        }
    }
    Ok(layouts)
}

/// Those that notes hold already: git cleans a file again just to compare it.
fn noted(
    repository: &Repository,
    store: &mut Store,
    mut pending: Vec<Pending>,
) -> Result<Vec<Pending>> {
    let tip = repository.reference(&notes_ref())?.map(CommitId);
    if pending.is_empty() || tip.is_none() {
        return Ok(Vec::new());
    }
    let layouts = read(store, &pending)?;
    let notes = Notes::at(repository, tip)?;
    pending.retain(|pending| {
        let entry = layouts.get(&(pending.blob, pending.path.clone()));
        let filed = entry.map(|entry| (&pending.path, entry)).into_iter();
        let grown = grown(repository, &notes, pending.blob, filed, &mut Vec::new());
        entry.is_some() && matches!(grown, Ok(Grown::Same))
    });
    Ok(pending)
}

/// The pending layouts that no note holds yet.
pub(crate) fn unnoted(repository: &Repository) -> Result<Vec<Pending>> {
    let mut store = Store::open(repository.state_dir());
    let pending = shareable(store.pending()?);
    let noted: FxHashSet<_> = noted(repository, &mut store, pending.clone())?.into_iter().collect();
    Ok(pending.into_iter().filter(|pending| !noted.contains(pending)).collect())
}

/// A layout whose blob was never written (git cleans a file just to compare it) is worth
/// something only as the newest of its path.
fn judge(repository: &Repository, pending: &Pending, now: u64) -> Verdict {
    let young = pending.at.saturating_add(GRACE) > now;
    if young || pending.newest || repository.contains(pending.blob).unwrap_or(true) {
        Verdict::Keep
    } else {
        Verdict::Drop
    }
}

/// The pending layouts in two: those whose blobs lie in the trees of the commits, and the
/// rest.
fn held(
    repository: &Repository,
    commits: &[CommitId],
    mut pending: Vec<Pending>,
) -> Result<(Vec<Pending>, Vec<Pending>)> {
    let mut held = Vec::new();
    for commit in commits {
        let Some(commit) = repository.commit(*commit)? else { continue };
        let mut folders = Folders::new(repository);
        let mut rest = Vec::new();
        for pending in std::mem::take(&mut pending) {
            if folders.blob_at(commit.tree, &pending.path)? == Some(pending.blob) {
                held.push(pending);
            } else {
                rest.push(pending);
            }
        }
        // The same content may lie at another path: moved, or copied.
        if !rest.is_empty() {
            let wanted: FxHashSet<_> = rest.iter().map(|p| p.blob).collect();
            let mut there = FxHashSet::default();
            repository.visit_files(commit.tree, &mut |_, entry: &TreeEntry| {
                if wanted.contains(&entry.id) {
                    there.insert(entry.id);
                }
            })?;
            let (moved, left) = rest.into_iter().partition(|p| there.contains(&p.blob));
            held.extend::<Vec<_>>(moved);
            rest = left;
        }
        pending = rest;
    }
    Ok((held, pending))
}

/// What came of writing notes.
struct Written {
    /// How many layouts are new in the notes.
    gained: usize,
    /// Blobs whose notes are there but cannot be read: left alone, not overwritten.
    unreadable: FxHashSet<ObjectId>,
}

fn write(
    repository: &Repository,
    name: &RefName,
    held: &[Pending],
    layouts: &Layouts,
) -> Result<Written> {
    let mut by_blob: BTreeMap<ObjectId, Vec<&RepoPath>> = BTreeMap::new();
    for pending in held {
        by_blob.entry(pending.blob).or_default().push(&pending.path);
    }
    let mut added = Vec::new();
    let mut unreadable = FxHashSet::default();
    let (before, after) = advance(repository, name, |tip, batch| {
        added.clear();
        let notes = Notes::at(repository, tip)?;
        let mut edits = BTreeMap::new();
        for (blob, paths) in &by_blob {
            let filed = paths.iter().filter_map(|path| {
                let entry = layouts.get(&(*blob, (*path).clone()))?;
                Some((*path, entry))
            });
            match grown(repository, &notes, *blob, filed, &mut added)? {
                Grown::Note(note) => {
                    edits.insert(*blob, Edit::Set(batch.blob(note)));
                }
                Grown::Same => {}
                Grown::Unreadable => drop(unreadable.insert(*blob)),
            }
        }
        step(&notes, &edits, added.len(), batch)
    })?;
    if !added.is_empty() {
        // Derived: it catches up where this fails.
        let _ = paths::advance(repository, before, after, &added);
    }
    Ok(Written { gained: added.len(), unreadable })
}

fn step(
    notes: &Notes<'_>,
    edits: &BTreeMap<ObjectId, Edit>,
    count: usize,
    batch: &mut Batch,
) -> Result<Step> {
    if edits.is_empty() {
        return Ok(Step::Stay);
    }
    let tree = notes.edited(edits, batch)?;
    let subject = match count {
        1 => "chore(comfy): keep the layout of 1 workflow".to_owned(),
        count => format!("chore(comfy): keep the layouts of {count} workflows"),
    };
    Ok(Step::Commit(Revision { tree, merged: Vec::new(), subject }))
}

/// The note of a blob after layouts were filed in it.
enum Grown {
    /// Its new text.
    Note(Vec<u8>),
    /// It had all of them.
    Same,
    /// It is there but cannot be read.
    Unreadable,
}

fn grown<'a>(
    repository: &Repository,
    notes: &Notes<'_>,
    blob: ObjectId,
    filed: impl Iterator<Item = (&'a RepoPath, &'a Entry)>,
    added: &mut Vec<Added>,
) -> Result<Grown> {
    let mut note = Note::default();
    for text in notes.of(blob)? {
        match repository.blob_within(text, MAX_NOTE)? {
            Some(text) => note.add(&text),
            None => return Ok(Grown::Unreadable),
        }
    }
    let before = added.len();
    for (path, entry) in filed {
        if let Some(at) = note.file(path, entry.clone()) {
            added.push(Added { at, blob, path: path.clone() });
        }
    }
    Ok(if added.len() > before { Grown::Note(note.print()) } else { Grown::Same })
}
