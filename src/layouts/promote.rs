//! Pending layouts go into notes once a commit holds their blobs: all of them in one
//! notes commit.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::file_states::FileStates;
use super::layout_note::{LayoutEntry, LayoutNote};
use super::layout_store::{CompactionVerdict, LayoutStore, PendingLayout};
use super::path_index::AddedLayout;
use super::{MAX_NOTE_SIZE, notes_ref, path_index};
use crate::platform::git::notes::{NoteEdit, NotesRevision, NotesTree, RefUpdate, update_ref};
use crate::platform::git::tree::TreeLookup;
use crate::platform::git::{
    CommitId, ObjectBatch, ObjectId, RefName, RepoPath, Repository, Result, TreeEntry,
};
use crate::platform::text::plural::{counted, plural};
use crate::platform::time::now_millis;

/// So long (in milliseconds) a layout whose blob is not in the repository stays: git may be
/// about to write the blob.
const GRACE_MILLISECONDS: u64 = 60 * 60 * 1000;

/// Moves the pending layouts of all blobs that these commits hold into notes. Gives how
/// many layouts the notes gained.
pub(crate) fn promote_pending(repository: &Repository, commits: &[CommitId]) -> Result<usize> {
    let mut store = LayoutStore::open(repository.state_dir());
    let pending = shareable(store.pending()?);
    if pending.is_empty() {
        return Ok(0);
    }
    let (held, rest) = split_by_committed(repository, commits, pending)?;
    let mut gained = 0;
    if !held.is_empty() {
        let layouts = read_layouts(&mut store, &held)?;
        let outcome = write_notes(repository, &notes_ref(), &held, &layouts)?;
        gained = outcome.gained;
        let settled: Vec<_> =
            held.into_iter().filter(|p| !outcome.unreadable.contains(&p.blob)).collect();
        mark_settled(repository, &mut store, &settled)?;
    }
    let noted = already_noted(repository, &mut store, rest)?;
    mark_settled(repository, &mut store, &noted)?;
    let now = now_millis();
    store.compact(|pending| compaction_verdict(repository, pending, now))?;
    Ok(gained)
}

fn mark_settled(
    repository: &Repository,
    store: &mut LayoutStore,
    settled: &[PendingLayout],
) -> Result<()> {
    // First: a move that is believed to be in no note is only stamped anew once more.
    store.mark_settled(settled)?;
    let noted = settled.iter().map(|pending| (&pending.path, pending.blob, pending.at));
    FileStates::open(repository).mark_noted(noted)
}

/// Those in which a person placed something.
fn shareable(mut pending: Vec<PendingLayout>) -> Vec<PendingLayout> {
    pending.retain(|pending| pending.at > 0);
    pending
}

type LayoutsByKey = FxHashMap<(ObjectId, RepoPath), LayoutEntry>;

fn read_layouts(store: &mut LayoutStore, pending: &[PendingLayout]) -> Result<LayoutsByKey> {
    let mut layouts = FxHashMap::default();
    for pending in pending {
        if let Some(entry) = store.get(pending.blob, &pending.path)? {
            layouts.insert((pending.blob, pending.path.clone()), entry);
        }
    }
    Ok(layouts)
}

/// Those that notes hold already: git cleans a file again just to compare it.
fn already_noted(
    repository: &Repository,
    store: &mut LayoutStore,
    mut pending: Vec<PendingLayout>,
) -> Result<Vec<PendingLayout>> {
    let tip = repository.reference(&notes_ref())?.map(CommitId);
    if pending.is_empty() || tip.is_none() {
        return Ok(Vec::new());
    }
    let layouts = read_layouts(store, &pending)?;
    let notes = NotesTree::load(repository, tip)?;
    pending.retain(|pending| {
        let entry = layouts.get(&(pending.blob, pending.path.clone()));
        let filed = entry.map(|entry| (&pending.path, entry)).into_iter();
        let grown = updated_note(repository, &notes, pending.blob, filed, &mut Vec::new());
        entry.is_some() && matches!(grown, Ok(NoteUpdate::Same))
    });
    Ok(pending)
}

/// The pending layouts that no note holds yet.
pub(crate) fn unnoted_layouts(repository: &Repository) -> Result<Vec<PendingLayout>> {
    let mut store = LayoutStore::open(repository.state_dir());
    let pending = shareable(store.pending()?);
    let noted: FxHashSet<_> =
        already_noted(repository, &mut store, pending.clone())?.into_iter().collect();
    Ok(pending.into_iter().filter(|pending| !noted.contains(pending)).collect())
}

/// A layout whose blob was never written (git cleans a file just to compare it) is worth
/// something only as the newest of its path.
fn compaction_verdict(
    repository: &Repository,
    pending: &PendingLayout,
    now: u64,
) -> CompactionVerdict {
    let young = pending.at.saturating_add(GRACE_MILLISECONDS) > now;
    if young || pending.newest || repository.contains(pending.blob).unwrap_or(true) {
        CompactionVerdict::Keep
    } else {
        CompactionVerdict::Drop
    }
}

/// The pending layouts in two: those whose blobs lie in the trees of the commits, and the
/// rest.
fn split_by_committed(
    repository: &Repository,
    commits: &[CommitId],
    mut pending: Vec<PendingLayout>,
) -> Result<(Vec<PendingLayout>, Vec<PendingLayout>)> {
    let mut held = Vec::new();
    for commit in commits {
        let Some(commit) = repository.commit(*commit)? else { continue };
        let mut folders = TreeLookup::new(repository);
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
struct NotesWritten {
    /// How many layouts are new in the notes.
    gained: usize,
    /// Blobs whose notes are there but cannot be read: left alone, not overwritten.
    unreadable: FxHashSet<ObjectId>,
}

fn write_notes(
    repository: &Repository,
    name: &RefName,
    held: &[PendingLayout],
    layouts: &LayoutsByKey,
) -> Result<NotesWritten> {
    let mut by_blob: BTreeMap<ObjectId, Vec<&RepoPath>> = BTreeMap::new();
    for pending in held {
        by_blob.entry(pending.blob).or_default().push(&pending.path);
    }
    let mut added = Vec::new();
    let mut unreadable = FxHashSet::default();
    let (before, after) = update_ref(repository, name, |tip, batch| {
        added.clear();
        let notes = NotesTree::load(repository, tip)?;
        let mut edits = BTreeMap::new();
        for (blob, paths) in &by_blob {
            let filed = paths.iter().filter_map(|path| {
                let entry = layouts.get(&(*blob, (*path).clone()))?;
                Some((*path, entry))
            });
            match updated_note(repository, &notes, *blob, filed, &mut added)? {
                NoteUpdate::Note(note) => {
                    edits.insert(*blob, NoteEdit::Set(batch.add_blob(note)));
                }
                NoteUpdate::Same => {}
                NoteUpdate::Unreadable => drop(unreadable.insert(*blob)),
            }
        }
        notes_step(&notes, &edits, added.len(), batch)
    })?;
    if !added.is_empty() {
        // Derived: it catches up where this fails.
        let _ = path_index::append_update(repository, before, after, &added);
    }
    Ok(NotesWritten { gained: added.len(), unreadable })
}

fn notes_step(
    notes: &NotesTree<'_>,
    edits: &BTreeMap<ObjectId, NoteEdit>,
    count: usize,
    batch: &mut ObjectBatch,
) -> Result<RefUpdate> {
    if edits.is_empty() {
        return Ok(RefUpdate::Keep);
    }
    let tree = notes.write_edits(edits, batch)?;
    let subject = format!(
        "chore(comfy): keep the {} of {}",
        plural(count, "layout", "layouts"),
        counted(count, "workflow", "workflows")
    );
    Ok(RefUpdate::Commit(NotesRevision { tree, merged: Vec::new(), subject }))
}

/// The note of a blob after layouts were filed in it.
enum NoteUpdate {
    /// Its new text.
    Note(Vec<u8>),
    /// It had all of them.
    Same,
    /// It is there but cannot be read.
    Unreadable,
}

fn updated_note<'a>(
    repository: &Repository,
    notes: &NotesTree<'_>,
    blob: ObjectId,
    filed: impl Iterator<Item = (&'a RepoPath, &'a LayoutEntry)>,
    added: &mut Vec<AddedLayout>,
) -> Result<NoteUpdate> {
    let mut note = LayoutNote::default();
    for text in notes.notes_for(blob)? {
        match repository.blob_up_to(text, MAX_NOTE_SIZE)? {
            Some(text) => note.add_lines(&text),
            None => return Ok(NoteUpdate::Unreadable),
        }
    }
    let before = added.len();
    for (path, entry) in filed {
        if let Some(at) = note.add_layout(path, entry.clone()) {
            added.push(AddedLayout { at, blob, path: path.clone() });
        }
    }
    Ok(if added.len() > before { NoteUpdate::Note(note.print()) } else { NoteUpdate::Same })
}
