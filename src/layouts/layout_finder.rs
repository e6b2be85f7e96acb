//! What is known of the layout of a blob at a path: pending on this machine, in our notes,
//! or in notes that were fetched but not merged yet (`git pull` checks out before any hook
//! runs). A file that was renamed goes on with what its old name had.
//!
//! Must not know what becomes of it.

use super::layout_note::{LayoutEntry, LayoutNote};
use super::layout_store::LayoutStore;
use super::path_index::{MAX_PER_PATH, PathIndex};
use super::{MAX_NOTE_SIZE, NoteTips, notes_ref};
use crate::platform::git::notes::NotesTree;
use crate::platform::git::{CommitId, ObjectId, RepoPath, Repository, Result};

/// The layout of a blob at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobLayout {
    /// It, with everything joined that belongs to the path.
    pub(crate) entry: LayoutEntry,
    /// It was found under another path: the name the file had before, or that of a copy.
    pub(crate) from: Option<RepoPath>,
}

/// Finds layouts, one after another, with what it has read kept.
#[derive(Debug)]
pub(crate) struct LayoutFinder<'r> {
    repository: &'r Repository,
    pub(crate) store: LayoutStore,
    notes: Option<NoteSources<'r>>,
    paths: Option<KnownPaths>,
    has_fetched_texts: bool,
}

/// The notes that are looked through: ours, and what was fetched and is not in ours.
#[derive(Debug)]
struct NoteSources<'r> {
    tips: NoteTips,
    notes: Vec<NotesTree<'r>>,
}

impl<'r> NoteSources<'r> {
    fn open(repository: &'r Repository) -> Result<NoteSources<'r>> {
        let tips = NoteTips::read(repository)?;
        let mut notes = vec![NotesTree::load(repository, tips.ours)?];
        for theirs in &tips.fetched {
            let is_merged = tips
                .ours
                .is_some_and(|ours| repository.is_ancestor(*theirs, ours).unwrap_or(false));
            if !is_merged {
                // Fetched notes that cannot be read are no reason to do without ours.
                notes.extend(NotesTree::load(repository, Some(*theirs)));
            }
        }
        Ok(NoteSources { tips, notes })
    }
}

/// The newest layouts of paths in the notes that are looked through, and where those stood.
#[derive(Debug)]
struct KnownPaths {
    tips: NoteTips,
    paths: PathIndex,
}

/// A file was renamed so often at most.
const MAX_NAMES: usize = 16;

impl<'r> LayoutFinder<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> LayoutFinder<'r> {
        let store = LayoutStore::open(repository.state_dir());
        LayoutFinder { repository, store, notes: None, paths: None, has_fetched_texts: false }
    }

    /// One that knows what notes hold, and nothing that lies beside them.
    pub(crate) fn without_pending(repository: &'r Repository) -> LayoutFinder<'r> {
        LayoutFinder { store: LayoutStore::detached(), ..LayoutFinder::new(repository) }
    }

    /// The layout of exactly that content: what is pending on this machine, what our notes
    /// say, and what was fetched and is not in ours, joined.
    pub(crate) fn find_own(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
    ) -> Result<Option<BlobLayout>> {
        self.drop_stale_notes()?;
        let note = self.read_note(blob)?;
        let mut found: Option<LayoutEntry> = None;
        let mut name = Some(path.clone());
        let mut names: Vec<RepoPath> = Vec::new();
        while let Some(path) = name.take().filter(|name| !names.contains(name)) {
            let pending = self.store.get(blob, &path)?;
            for entry in [pending, note.entries.get(&path).cloned()].into_iter().flatten() {
                found = Some(match found.take() {
                    Some(known) => known.join(entry),
                    None => entry,
                });
            }
            names.push(path);
            if names.len() < MAX_NAMES {
                name = found.as_ref().and_then(previous_name);
            }
        }
        if let Some(entry) = found.take_if(|found| found.at > 0) {
            return Ok(Some(BlobLayout { entry, from: None }));
        }
        // Where nobody placed anything, somebody did under another name.
        let elsewhere = match self.store.get_anywhere(blob)?.filter(|(_, entry)| entry.at > 0) {
            Some(pending) => Some(pending),
            None => note.best_match(path).map(|(from, entry)| (from.clone(), entry.clone())),
        };
        Ok(match (elsewhere, found) {
            (Some((from, entry)), None) => Some(BlobLayout { entry, from: Some(from) }),
            (Some((_, entry)), Some(found)) => {
                Some(BlobLayout { entry: entry.join(found), from: None })
            }
            (None, found) => found.map(|entry| BlobLayout { entry, from: None }),
        })
    }

    /// A filter process lives as long as its git command. A rebase commits in between, and
    /// the hook then moves what was pending into notes. What is fetched meanwhile can wait.
    fn drop_stale_notes(&mut self) -> Result<()> {
        if let Some(known) = &self.notes {
            let ours = self.repository.reference(&notes_ref())?.map(CommitId);
            if known.tips.ours != ours {
                self.notes = None;
            }
        }
        Ok(())
    }

    /// The layout that the last commit left with a blob, whatever was saved since.
    pub(crate) fn committed_layout(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
    ) -> Result<Option<LayoutEntry>> {
        let note = self.read_note(blob)?;
        let entry =
            note.entries.get(path).or_else(|| note.best_match(path).map(|(_, entry)| entry));
        Ok(entry.cloned())
    }

    /// Whether the notes of this clone, or what was fetched, hold a layout of the blob.
    pub(crate) fn has_note(&mut self, blob: ObjectId) -> Result<bool> {
        self.drop_stale_notes()?;
        Ok(!self.read_note(blob)?.entries.is_empty())
    }

    /// What all notes say about a blob.
    fn read_note(&mut self, blob: ObjectId) -> Result<LayoutNote> {
        let repository = self.repository;
        self.fetch_note_texts()?;
        let mut note = LayoutNote::default();
        for notes in &self.note_sources()?.notes {
            for text in notes.notes_for(blob)? {
                if let Some(text) = repository.blob_up_to(text, MAX_NOTE_SIZE)? {
                    note.add_lines(&text);
                }
            }
        }
        Ok(note)
    }

    /// In a partial clone notes come without their texts: all of them, once.
    fn fetch_note_texts(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.has_fetched_texts, true)
            || self.repository.promisor_remote().is_none()
        {
            return Ok(());
        }
        let nothing = NotesTree::load(self.repository, None)?;
        let mut texts = Vec::new();
        for notes in &self.note_sources()?.notes {
            texts.extend(notes.changes_since(&nothing)?.into_iter().filter_map(|note| note.after));
        }
        // Offline, what is here must do.
        let _ = self.repository.fetch_missing_objects(&texts);
        Ok(())
    }

    fn note_sources(&mut self) -> Result<&NoteSources<'r>> {
        let sources = match self.notes.take() {
            Some(sources) => sources,
            None => NoteSources::open(self.repository)?,
        };
        Ok(self.notes.insert(sources))
    }

    /// The newest layouts of a path that other contents have, the newest first, also those
    /// from before the file was renamed.
    pub(crate) fn layouts_of_other_blobs(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
    ) -> Result<Vec<(ObjectId, LayoutEntry)>> {
        let mut found: Vec<(ObjectId, LayoutEntry)> = Vec::new();
        let mut names = vec![path.clone()];
        while let Some(name) = names.last().cloned() {
            let mut of_name = self.store.all_of_path(&name)?;
            of_name.extend(self.noted_layouts_of(&name)?);
            of_name.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.at));
            let before = of_name.iter().find_map(|(_, entry)| previous_name(entry));
            for (of, entry) in of_name {
                match found.iter_mut().find(|(known, _)| *known == of) {
                    Some((_, known)) => *known = known.clone().join(entry),
                    None if of != blob => found.push((of, entry)),
                    None => {}
                }
            }
            match before.filter(|name| !names.contains(name) && names.len() < MAX_NAMES) {
                Some(before) if found.len() < MAX_PER_PATH => names.push(before),
                _ => break,
            }
        }
        found.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.at));
        found.truncate(MAX_PER_PATH);
        Ok(found)
    }

    /// The newest layouts of a path in notes, the newest first.
    pub(crate) fn noted_layouts_of(
        &mut self,
        path: &RepoPath,
    ) -> Result<Vec<(ObjectId, LayoutEntry)>> {
        let mut all = Vec::new();
        for (_, blob) in self.path_index()?.newest(path).to_vec() {
            all.extend(self.read_note(blob)?.entries.remove(path).map(|entry| (blob, entry)));
        }
        Ok(all)
    }

    /// The newest layout of a path, whatever its content was, and of which content.
    pub(crate) fn newest_of(&mut self, path: &RepoPath) -> Result<Option<(ObjectId, LayoutEntry)>> {
        let pending = self.store.newest_of_path(path)?;
        let noted = self.newest_noted(path)?;
        Ok(match (pending, noted) {
            (Some(pending), Some(noted)) if noted.1.at > pending.1.at => Some(noted),
            (pending, noted) => pending.or(noted),
        })
    }

    /// The time of the newest layout of a path in notes.
    pub(crate) fn newest_noted_at(&mut self, path: &RepoPath) -> Result<u64> {
        Ok(self.path_index()?.newest(path).first().map_or(0, |(at, _)| *at))
    }

    fn newest_noted(&mut self, path: &RepoPath) -> Result<Option<(ObjectId, LayoutEntry)>> {
        let Some((_, blob)) = self.path_index()?.newest(path).first().copied() else {
            return Ok(None);
        };
        Ok(self.read_note(blob)?.entries.remove(path).map(|entry| (blob, entry)))
    }

    fn path_index(&mut self) -> Result<&PathIndex> {
        let repository = self.repository;
        let sources = self.note_sources()?;
        let tips = sources.tips.clone();
        let known = match self.paths.take().filter(|known| known.tips == tips) {
            Some(known) => known,
            None => {
                let mut paths = PathIndex::open(repository, tips.ours)?;
                if let Some((ours, fetched)) = self.note_sources()?.notes.split_first() {
                    for theirs in fetched {
                        paths.add_newer(repository, theirs, ours)?;
                    }
                }
                KnownPaths { tips, paths }
            }
        };
        Ok(&self.paths.insert(known).paths)
    }
}

/// The name that the file of a layout had before, as the layout says.
pub(crate) fn previous_name(entry: &LayoutEntry) -> Option<RepoPath> {
    // Nearly every layout is told by this alone.
    memchr::memmem::find(entry.layout.as_bytes(), b",\"was\":")?;
    Some(RepoPath::new(entry.parse()?.previous_name()?))
}
