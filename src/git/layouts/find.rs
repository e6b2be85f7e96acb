//! Finding the layout for a blob that goes into the work tree.
//!
//! The layout of that very content counts most: pending on this machine, in our notes, or
//! in notes that were fetched but not merged yet (`git pull` checks out before any hook
//! runs). Else the newest layout of the path, to be matched node by node.

use super::super::error::Result;
use super::super::id::{CommitId, ObjectId, RepoPath};
use super::super::notes::Notes;
use super::super::repository::Repository;
use super::note::{Entry, Note};
use super::paths::Paths;
use super::store::Store;
use super::{MAX_NOTE, notes_ref, tracking_refs};

/// A layout that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Found {
    /// The layout of exactly that content.
    Exact(String),
    /// The newest layout of the path, of other content.
    Related(String),
    /// There is none.
    Nothing,
}

/// Finds layouts, one after another, with what it has read kept.
#[derive(Debug)]
pub(in super::super) struct Finder<'r> {
    repository: &'r Repository,
    store: Store,
    notes: Option<Sources<'r>>,
    paths: Option<(Option<CommitId>, Paths)>,
    brought: bool,
}

/// The notes that are looked through: ours, and what was fetched and is not in ours.
#[derive(Debug)]
struct Sources<'r> {
    tips: Vec<Option<CommitId>>,
    notes: Vec<Notes<'r>>,
}

impl<'r> Finder<'r> {
    /// Nothing is read before it is needed.
    pub(in super::super) fn new(repository: &'r Repository) -> Finder<'r> {
        let store = Store::open(repository.state_dir());
        Finder { repository, store, notes: None, paths: None, brought: false }
    }

    /// Files the layout of a blob at a path. What our notes say already is not filed again:
    /// git cleans a file also to see whether it has changed.
    pub(in super::super) fn file(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
        layout: &str,
    ) -> Result<()> {
        // Where a look is dear, the next commit finds out.
        if self.repository.is_direct()
            && self.store.get(blob, path)?.is_none()
            && self.is_noted(blob, path, layout).unwrap_or(false)
        {
            return Ok(());
        }
        self.store.file(blob, path, super::super::now(), layout)
    }

    fn is_noted(&mut self, blob: ObjectId, path: &RepoPath, layout: &str) -> Result<bool> {
        let ours = self.repository.reference(&notes_ref())?.map(CommitId);
        if self.notes.as_ref().is_some_and(|known| known.tips.first() != Some(&ours)) {
            self.notes = None;
        }
        if ours.is_none() {
            return Ok(false);
        }
        let repository = self.repository;
        let Some(notes) = self.sources()?.notes.first() else { return Ok(false) };
        for text in notes.of(blob)? {
            let text = repository.blob_within(text, MAX_NOTE)?.unwrap_or_default();
            if Note::parse(&text).entries.get(path).is_some_and(|entry| entry.layout == layout) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The layout for a blob at a path.
    pub(in super::super) fn find(&mut self, blob: ObjectId, path: &RepoPath) -> Result<Found> {
        if let Some(exact) = self.exact(blob, path)? {
            return Ok(Found::Exact(exact));
        }
        // A filter process lives as long as its git command. A rebase commits in between,
        // and the hook then moves what was pending into notes.
        if self.notes.take().is_some_and(|known| self.tips().is_ok_and(|now| now != known.tips))
            && let Some(exact) = self.exact(blob, path)?
        {
            return Ok(Found::Exact(exact));
        }
        Ok(self.related(path)?.map_or(Found::Nothing, Found::Related))
    }

    /// The layout that the last commit left with a blob, whatever was saved since.
    pub(in super::super) fn committed(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
    ) -> Result<Option<String>> {
        let note = self.note(blob)?;
        let entry = note.entries.get(path).or_else(|| note.best(path).map(|(_, entry)| entry));
        Ok(entry.map(|entry| entry.layout.clone()))
    }

    fn exact(&mut self, blob: ObjectId, path: &RepoPath) -> Result<Option<String>> {
        if let Some(pending) = self.store.get(blob, path)? {
            return Ok(Some(pending.layout));
        }
        let note = self.note(blob)?;
        if let Some(entry) = note.entries.get(path) {
            return Ok(Some(entry.layout.clone()));
        }
        if let Some(pending) = self.store.get_anywhere(blob)? {
            return Ok(Some(pending.layout));
        }
        Ok(note.best(path).map(|(_, entry)| entry.layout.clone()))
    }

    /// What all notes say about a blob.
    fn note(&mut self, blob: ObjectId) -> Result<Note> {
        let repository = self.repository;
        self.bring_notes()?;
        let mut note = Note::default();
        for notes in &self.sources()?.notes {
            for text in notes.of(blob)? {
                if let Some(text) = repository.blob_within(text, MAX_NOTE)? {
                    note.add(&text);
                }
            }
        }
        Ok(note)
    }

    /// In a partial clone notes come without their texts: all of them, once.
    fn bring_notes(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.brought, true) || self.repository.promisor().is_none() {
            return Ok(());
        }
        let nothing = Notes::at(self.repository, None)?;
        let mut texts = Vec::new();
        for notes in &self.sources()?.notes {
            texts.extend(notes.since(&nothing)?.into_iter().filter_map(|note| note.after));
        }
        // Offline, what is here must do.
        let _ = self.repository.bring(&texts);
        Ok(())
    }

    fn sources(&mut self) -> Result<&Sources<'r>> {
        if self.notes.is_none() {
            let tips = self.tips()?;
            let ours = tips.first().copied().flatten();
            let mut notes = vec![Notes::at(self.repository, ours)?];
            for theirs in tips.iter().skip(1).copied().flatten() {
                let merged =
                    ours.is_some_and(|o| self.repository.is_ancestor(theirs, o).unwrap_or(false));
                if !merged {
                    // Fetched notes that cannot be read are no reason to do without ours.
                    notes.extend(Notes::at(self.repository, Some(theirs)));
                }
            }
            self.notes = Some(Sources { tips, notes });
        }
        Ok(self.notes.as_ref().expect("it was read just now"))
    }

    /// Where our notes stand, and then those of all remotes.
    fn tips(&self) -> Result<Vec<Option<CommitId>>> {
        let mut tips = vec![self.repository.reference(&notes_ref())?.map(CommitId)];
        for (_, id) in tracking_refs(self.repository)? {
            tips.push(Some(CommitId(id)));
        }
        Ok(tips)
    }

    fn related(&mut self, path: &RepoPath) -> Result<Option<String>> {
        let pending = self.store.newest_of(path)?;
        let noted = self.newest_noted(path)?;
        let newest = match (pending, noted) {
            (Some(pending), Some(noted)) if noted.at > pending.at => Some(noted),
            (pending, noted) => pending.or(noted),
        };
        Ok(newest.map(|entry| entry.layout))
    }

    fn newest_noted(&mut self, path: &RepoPath) -> Result<Option<Entry>> {
        let ours = self.sources()?.tips.first().copied().flatten();
        if self.paths.as_ref().is_none_or(|(known, _)| *known != ours) {
            self.paths = Some((ours, Paths::of(self.repository, ours)?));
        }
        let newest = self.paths.as_ref().and_then(|(_, paths)| paths.newest(path));
        let Some((_, blob)) = newest else { return Ok(None) };
        Ok(self.note(blob)?.entries.remove(path))
    }
}
