//! Notes as git keeps them: a tree that maps object ids to blobs, spread over folders of
//! two digits each. Read whatever spread git or another tool chose; written so that a
//! folder stays small, with plain `git notes` able to read and go on from there.
//!
//! Must not know what a note says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::backend::RefSwap;
use super::error::{GitError, Result};
use super::id::{CommitId, ObjectId, RefName};
use super::objects::{Commit, EntryKind, ObjectBatch, TreeEntry};
use super::repository::Repository;

/// More notes than this in one folder are spread over folders below it: a change of one
/// note rewrites its folder and those above.
const MAX_FLAT_NOTES: usize = 128;

/// How often the update of a ref is tried again when another process moves it meanwhile.
const ATTEMPTS: u32 = 40;

/// A lock of that age was left by a process that was stopped.
const ABANDONED_LOCK_AGE: Duration = Duration::from_secs(60);

/// All notes of one notes commit.
#[derive(Debug)]
pub(crate) struct NotesTree<'r> {
    repository: &'r Repository,
    root: Option<ObjectId>,
    folders: RefCell<FxHashMap<ObjectId, Rc<[TreeEntry]>>>,
}

/// What is to become of the note of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoteEdit {
    Set(ObjectId),
    #[cfg_attr(not(test), expect(dead_code, reason = "layouts are never taken back"))]
    Remove,
    /// A note that moves to another folder; one that is there already stays.
    Move(ObjectId),
}

/// A note that differs between two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoteDifference {
    pub(crate) about: ObjectId,
    pub(crate) before: Option<ObjectId>,
    pub(crate) after: Option<ObjectId>,
}

/// A folder of notes and what changes in it.
#[derive(Debug, Default)]
struct NotesFolder {
    folder: Option<ObjectId>,
    edits: Vec<(String, NoteEdit)>,
}

impl<'r> NotesTree<'r> {
    /// The notes of a commit; none: no notes.
    pub(crate) fn load(
        repository: &'r Repository,
        commit: Option<CommitId>,
    ) -> Result<NotesTree<'r>> {
        let root = match commit {
            None => None,
            Some(id) => match repository.commit(id)? {
                Some(commit) => Some(commit.tree),
                None => return Err(GitError::Malformed { id: id.0, expected: "notes commit" }),
            },
        };
        Ok(NotesTree { repository, root, folders: RefCell::default() })
    }

    /// The blobs that hold the note of an object: none, one, or several where the same
    /// note lies in two folders (git reads them as one after another).
    pub(crate) fn notes_for(&self, about: ObjectId) -> Result<Vec<ObjectId>> {
        let hex = about.to_hex();
        let mut found = Vec::new();
        let mut folder = self.root;
        let mut at = 0;
        while let Some(id) = folder.take() {
            let entries = self.read_folder(id)?;
            let find = |name: &str| {
                let found = entries.binary_search_by(|e| e.name.as_slice().cmp(name.as_bytes()));
                found.ok().map(|at| &entries[at])
            };
            if let Some(entry) = find(&hex[at..])
                && entry.kind != EntryKind::Tree
            {
                found.push(entry.id);
            }
            if at + 2 < hex.len()
                && let Some(entry) = find(&hex[at..at + 2])
                && entry.kind == EntryKind::Tree
            {
                folder = Some(entry.id);
                at += 2;
            }
        }
        Ok(found)
    }

    /// The notes that differ from an older state. Folders that are the same in both are
    /// not read.
    pub(crate) fn changes_since(&self, older: &NotesTree<'_>) -> Result<Vec<NoteDifference>> {
        let mut before = BTreeMap::new();
        let mut after = BTreeMap::new();
        self.collect_differences(older.root, self.root, String::new(), &mut before, &mut after)?;
        let mut differences = Vec::new();
        for (about, id) in &after {
            let before = before.get(about).copied();
            if before != Some(*id) {
                differences.push(NoteDifference { about: *about, before, after: Some(*id) });
            }
        }
        for (about, id) in &before {
            if !after.contains_key(about) {
                differences.push(NoteDifference { about: *about, before: Some(*id), after: None });
            }
        }
        Ok(differences)
    }

    fn collect_differences(
        &self,
        older: Option<ObjectId>,
        newer: Option<ObjectId>,
        prefix: String,
        before: &mut BTreeMap<ObjectId, ObjectId>,
        after: &mut BTreeMap<ObjectId, ObjectId>,
    ) -> Result<()> {
        if older == newer {
            return Ok(());
        }
        let read = |folder: Option<ObjectId>| match folder {
            Some(id) => self.read_folder(id),
            None => Ok(Rc::from([])),
        };
        let (old, new) = (read(older)?, read(newer)?);
        let mut below: BTreeMap<&[u8], [Option<ObjectId>; 2]> = BTreeMap::new();
        for (side, entries, notes) in [(0, &old, &mut *before), (1, &new, &mut *after)] {
            for entry in entries.iter() {
                if entry.kind == EntryKind::Tree {
                    below.entry(&entry.name).or_default()[side] = Some(entry.id);
                } else if let Some(about) = join_object_id(&prefix, &entry.name) {
                    notes.insert(about, entry.id);
                }
            }
        }
        for (name, [old, new]) in below {
            if let Some(digits) = hex_digits(name, 2) {
                self.collect_differences(old, new, format!("{prefix}{digits}"), before, after)?;
            }
        }
        Ok(())
    }

    /// The entries of a folder, ordered by name.
    fn read_folder(&self, id: ObjectId) -> Result<Rc<[TreeEntry]>> {
        if let Some(entries) = self.folders.borrow().get(&id) {
            return Ok(entries.clone());
        }
        // A folder that is not there is a broken repository, not an empty folder: going
        // on from it would lose its notes.
        let entries = self.repository.tree(id)?;
        let mut entries = entries.ok_or(GitError::Malformed { id, expected: "notes tree" })?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let entries: Rc<[TreeEntry]> = entries.into();
        self.folders.borrow_mut().insert(id, entries.clone());
        Ok(entries)
    }

    /// The tree of these notes after some edits; the new folders go into the batch.
    pub(crate) fn write_edits(
        &self,
        edits: &BTreeMap<ObjectId, NoteEdit>,
        batch: &mut ObjectBatch,
    ) -> Result<ObjectId> {
        let edits: Vec<_> = edits.iter().map(|(about, edit)| (about.to_hex(), *edit)).collect();
        let root = self.rewrite_folder(self.root, 0, edits, batch)?;
        Ok(root.unwrap_or_else(|| batch.add_tree(&[])))
    }

    fn rewrite_folder(
        &self,
        folder: Option<ObjectId>,
        depth: usize,
        edits: Vec<(String, NoteEdit)>,
        batch: &mut ObjectBatch,
    ) -> Result<Option<ObjectId>> {
        let entries = match folder {
            Some(id) => self.read_folder(id)?,
            None => Rc::from([]),
        };
        let length = self.repository.format().id_len() * 2 - depth;
        let mut notes: BTreeMap<String, ObjectId> = BTreeMap::new();
        let mut below: BTreeMap<String, NotesFolder> = BTreeMap::new();
        // What is no note (git allows it) stays as it is.
        let mut written: Vec<TreeEntry> = Vec::new();
        for entry in entries.iter() {
            match (entry.kind, hex_digits(&entry.name, 2), hex_digits(&entry.name, length)) {
                (EntryKind::Tree, Some(name), _) => {
                    below.insert(
                        name.to_owned(),
                        NotesFolder { folder: Some(entry.id), edits: Vec::new() },
                    );
                }
                (kind, _, Some(name)) if kind != EntryKind::Tree => {
                    notes.insert(name.to_owned(), entry.id);
                }
                _ => written.push(entry.clone()),
            }
        }
        let mut down = Vec::new();
        for (hex, edit) in edits {
            let name = hex[depth..].to_owned();
            match edit {
                // Below stands what was spread; a copy up here would be a second note.
                _ if below.contains_key(&name[..2]) => {
                    notes.remove(&name);
                    down.push((hex, edit));
                }
                NoteEdit::Set(id) => drop(notes.insert(name, id)),
                NoteEdit::Move(id) => drop(notes.entry(name).or_insert(id)),
                NoteEdit::Remove => drop(notes.remove(&name)),
            }
        }
        if !below.is_empty() || notes.len() > MAX_FLAT_NOTES {
            let prefix = match down.first().map(|(hex, _)| hex[..depth].to_owned()) {
                Some(prefix) => prefix,
                None => String::from("0").repeat(depth),
            };
            for (name, id) in std::mem::take(&mut notes) {
                down.push((format!("{prefix}{name}"), NoteEdit::Move(id)));
            }
        }
        for (hex, edit) in down {
            below.entry(hex[depth..depth + 2].to_owned()).or_default().edits.push((hex, edit));
        }
        for (name, NotesFolder { folder, edits }) in below {
            let folder = match edits.is_empty() {
                true => folder,
                false => self.rewrite_folder(folder, depth + 2, edits, batch)?,
            };
            if let Some(id) = folder {
                written.push(TreeEntry { kind: EntryKind::Tree, name: name.into(), id });
            }
        }
        for (name, id) in notes {
            written.push(TreeEntry { kind: EntryKind::File, name: name.into(), id });
        }
        Ok(if written.is_empty() { None } else { Some(batch.add_tree(&written)) })
    }
}

/// The text of a name that is so many lower-case hexadecimal digits.
fn hex_digits(name: &[u8], count: usize) -> Option<&str> {
    let digit = |c: &u8| c.is_ascii_digit() || (b'a'..=b'f').contains(c);
    let matches = name.len() == count && name.iter().all(digit);
    matches.then(|| std::str::from_utf8(name).ok()).flatten()
}

fn join_object_id(prefix: &str, name: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(&[prefix.as_bytes(), name].concat())
}

/// A new state of some notes, made on top of the one that was read.
#[derive(Debug)]
pub(crate) struct NotesRevision {
    pub(crate) tree: ObjectId,
    /// Other notes commits that are included from now on.
    pub(crate) merged: Vec<CommitId>,
    pub(crate) subject: String,
}

/// What a ref is to point at next.
#[derive(Debug)]
pub(crate) enum RefUpdate {
    /// The ref stays as it is.
    Keep,
    /// It goes to a commit that exists already.
    FastForward(CommitId),
    /// It goes to a new commit on top of the present one.
    Commit(NotesRevision),
    /// It goes to a new commit without parents: what was pruned or joined away is then in
    /// nobody's history.
    Orphan(NotesRevision),
}

/// Moves a ref of git-comfy's to a new state and tries again when somebody else moves it
/// at the same time: `make` is given the current commit and a batch for its objects. Gives
/// the commits before and after.
pub(crate) fn update_ref(
    repository: &Repository,
    name: &RefName,
    mut make: impl FnMut(Option<CommitId>, &mut ObjectBatch) -> Result<RefUpdate>,
) -> Result<(Option<CommitId>, Option<CommitId>)> {
    let mut attempt = 0;
    loop {
        let before = repository.reference(name)?.map(CommitId);
        let mut batch = ObjectBatch::new(repository.format());
        let step = make(before, &mut batch)?;
        let parent = if matches!(step, RefUpdate::Orphan(_)) { None } else { before };
        let (after, reason) = match step {
            RefUpdate::Keep => return Ok((before, before)),
            RefUpdate::FastForward(commit) => (commit, "comfy: fast-forward".to_owned()),
            RefUpdate::Commit(revision) | RefUpdate::Orphan(revision) => {
                let person = repository.committer()?;
                let commit = batch.add_commit(&Commit {
                    tree: revision.tree,
                    parents: parent.into_iter().chain(revision.merged).collect(),
                    author: person.clone(),
                    committer: person,
                    message: format!("{}\n", revision.subject).into_bytes(),
                });
                repository.write_objects(&batch)?;
                (commit, format!("comfy: {}", revision.subject))
            }
        };
        match repository.swap_ref(name, before.map(|c| c.0), Some(after.0), &reason)? {
            RefSwap::Done => return Ok((before, Some(after))),
            RefSwap::Raced => std::thread::sleep(retry_pause(attempt)),
        }
        attempt += 1;
        if attempt == ATTEMPTS {
            if !remove_abandoned_lock(repository, name) {
                return Err(GitError::Contended(name.to_string()));
            }
            attempt = 0;
        }
    }
}

/// Takes away the lock that a process left which was stopped as it moved the ref. Whoever
/// is at work holds one for a moment only; all the attempts before took longer.
fn remove_abandoned_lock(repository: &Repository, name: &RefName) -> bool {
    let lock = repository.common_dir().join(format!("{name}.lock"));
    let modified = lock.metadata().and_then(|about| about.modified());
    let age = modified.ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age >= ABANDONED_LOCK_AGE) && std::fs::remove_file(lock).is_ok()
}

/// Longer after each failure, and not the same for two processes.
fn retry_pause(attempt: u32) -> Duration {
    let jitter = u64::from(std::process::id() % 7);
    Duration::from_millis((1 << attempt.min(6)) + jitter)
}
