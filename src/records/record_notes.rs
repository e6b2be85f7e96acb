//! Records: notes on commits, in `refs/notes/comfy`.
//!
//! What several records share (a list of packages) is a note on itself: a blob that lies
//! in the notes tree under its own id. It travels with the ref, is there once however many
//! records name it, and two clones can never disagree about it.

use std::collections::BTreeMap;

use super::note_format::MAX_NOTE_SIZE;
use crate::platform::git::notes::{NoteEdit, NotesRevision, NotesTree, RefUpdate, update_ref};
use crate::platform::git::shared_refs::RECORDS_REF;
use crate::platform::git::{CommitId, GitError, ObjectId, ObjectKind, RefName, Repository, Result};
use crate::platform::text::plural::counted;

/// Makes of the note that is there and the new one the note that is written; `None`
/// leaves it as it is.
pub type JoinNote<'j> = &'j dyn Fn(Option<&[u8]>, &[u8]) -> Option<Vec<u8>>;

/// The text of a commit's note. A note that lies in several folders is given one part
/// after another, as git does it.
pub fn read_note(repository: &Repository, commit: CommitId) -> Result<Option<Vec<u8>>> {
    let tip = repository.reference(&RefName::new(RECORDS_REF))?.map(CommitId);
    if tip.is_none() {
        return Ok(None);
    }
    read_note_parts(repository, &NotesTree::load(repository, tip)?, commit.0)
}

fn read_note_parts(
    repository: &Repository,
    notes: &NotesTree<'_>,
    about: ObjectId,
) -> Result<Option<Vec<u8>>> {
    let mut whole: Option<Vec<u8>> = None;
    for id in notes.notes_for(about)? {
        let Some(part) = repository.blob_up_to(id, MAX_NOTE_SIZE as u64)? else { continue };
        match &mut whole {
            Some(text) => {
                text.push(b'\n');
                text.extend_from_slice(&part);
            }
            None => whole = Some(part),
        }
    }
    Ok(whole)
}

/// Writes the notes of some commits in one step, each joined with what is there by then,
/// and the shared blobs they name. Gives whether anything changed.
pub fn write_notes(
    repository: &Repository,
    records: &[(CommitId, Vec<u8>)],
    shared: &[Vec<u8>],
    join: JoinNote<'_>,
) -> Result<bool> {
    let name = RefName::new(RECORDS_REF);
    let (before, after) = update_ref(repository, &name, |tip, batch| {
        let notes = NotesTree::load(repository, tip)?;
        let mut edits = BTreeMap::new();
        for (commit, record) in records {
            let known = read_note_parts(repository, &notes, commit.0)?;
            if let Some(joined) = join(known.as_deref(), record)
                && known.as_deref() != Some(&joined)
            {
                edits.insert(commit.0, NoteEdit::Set(batch.add_blob(joined)));
            }
        }
        for content in shared {
            let id = repository.format().object_id(ObjectKind::Blob, content);
            if notes.notes_for(id)?.is_empty() {
                edits.insert(id, NoteEdit::Set(batch.add_blob(content.clone())));
            }
        }
        if edits.is_empty() {
            return Ok(RefUpdate::Keep);
        }
        let recorded = counted(records.len(), "commit", "commits");
        Ok(RefUpdate::Commit(NotesRevision {
            tree: notes.write_edits(&edits, batch)?,
            merged: Vec::new(),
            subject: format!("chore(comfy): record {recorded}"),
        }))
    })?;
    Ok(before != after)
}

/// The id a shared blob has in this repository.
pub fn shared_blob_id(repository: &Repository, content: &[u8]) -> ObjectId {
    repository.format().object_id(ObjectKind::Blob, content)
}

/// Every note that is about a commit or about something that is gone, with its text.
/// `visit` is given one after another.
pub fn visit_notes(repository: &Repository, visit: &mut dyn FnMut(CommitId, &[u8])) -> Result<()> {
    let tip = repository.reference(&RefName::new(RECORDS_REF))?.map(CommitId);
    let notes = NotesTree::load(repository, tip)?;
    let nothing = NotesTree::load(repository, None)?;
    for found in notes.changes_since(&nothing)? {
        let Some(note) = found.after.filter(|note| *note != found.about) else { continue };
        match repository.blob_up_to(note, MAX_NOTE_SIZE as u64) {
            Ok(Some(text)) => visit(CommitId(found.about), &text),
            Ok(None) => {}
            Err(GitError::Malformed { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
