//! The layouts of the files in a work tree: kept when a person saves one, put back when
//! git writes one.
//!
//! Where git brings other content into a file that lies there, its layout comes along:
//! every node lies where the last move put it, wherever that was made. A checkout of
//! another state gives that state's own layout.
//!
//! Must not know how git hands files over, nor modes and attributes.

mod find_layouts;
mod lay_out;
mod layout_part;
mod merge_layout;
mod previous_layouts;
mod restore_state;
mod save;

pub(crate) use lay_out::{FoundLayouts, LaidOutFile, LayoutTask};
pub(crate) use layout_part::LayoutPart;
pub(crate) use merge_layout::MergeLayout;

use comfy_graph::clean;
use comfy_graph::clean::{Clock, ClockStamp, ClockedLayout, LayoutRelation, LayoutSource};

use crate::layouts::MAX_MATCHED_SIZE;
use crate::layouts::clone_clock::CloneClock;
use crate::layouts::file_states::{FileState, FileStates, FileWriter};
use crate::layouts::layout_finder::LayoutFinder;
use crate::layouts::layout_note::LayoutEntry;
use crate::layouts::missed_sides;
use crate::layouts::raw_files::CommittedContents;
use crate::layouts::renames::RenameFinder;
use crate::platform::git::tree::TreeLookup;
use crate::platform::git::{CommitId, ObjectId, RepoPath, Repository, Result};
use layout_part::OwnedPairs;

/// Keeps and gives layouts, one file after another.
#[derive(Debug)]
pub(crate) struct WorkTreeLayouts<'r> {
    repository: &'r Repository,
    finder: LayoutFinder<'r>,
    states: FileStates,
    clock: CloneClock,
    renames: RenameFinder<'r>,
    committed: Option<CommittedFiles<'r>>,
    contents: CommittedContents<'r>,
}

/// The files of the commit that is checked out.
#[derive(Debug)]
struct CommittedFiles<'r> {
    commit: CommitId,
    tree: ObjectId,
    folders: TreeLookup<'r>,
}

impl<'r> WorkTreeLayouts<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> WorkTreeLayouts<'r> {
        WorkTreeLayouts {
            repository,
            finder: LayoutFinder::new(repository),
            states: FileStates::open(repository),
            clock: CloneClock::open(repository),
            renames: RenameFinder::new(repository),
            committed: None,
            contents: CommittedContents::new(repository),
        }
    }

    /// Keeps a layout until a note holds it, beside what is kept of the same content.
    fn store(&mut self, path: &RepoPath, blob: ObjectId, entry: LayoutEntry) -> Result<()> {
        let entry = match self.finder.store.get(blob, path)? {
            Some(known) => known.join(entry),
            None => entry,
        };
        self.finder.store.add(blob, path, entry.at, &entry.layout)
    }

    /// Whether the layout that the author of a content gave it is still to come.
    fn is_layout_awaited(&mut self, path: &RepoPath, blob: ObjectId) -> Result<bool> {
        Ok(missed_sides::contains(self.repository, path, blob) && !self.finder.has_note(blob)?)
    }

    /// Keeps how files lie whose content came without a layout, where none was to be had: it is
    /// not awaited any more.
    ///
    /// # Errors
    /// It cannot be kept.
    pub(crate) fn store_awaited(&mut self) -> Result<()> {
        let mut left = missed_sides::read(self.repository);
        let mut own = Vec::new();
        for (path, side) in std::mem::take(&mut left) {
            match self.states.last(&path)?.filter(|last| last.blob == side) {
                Some(last) => own.push((path, last)),
                None => left.push((path, side)),
            }
        }
        if own.is_empty() {
            return Ok(());
        }
        missed_sides::write(self.repository, &left)?;
        for (path, last) in own {
            let Some(layout) = ClockedLayout::parse(&last.layout, Clock::Unknown(0)) else {
                continue;
            };
            if !self.finder.has_note(last.blob)? {
                let at = if layout.has_place_by_person() { layout.latest_millis() } else { 0 };
                self.store(&path, last.blob, LayoutEntry { at, layout: last.layout })?;
            }
        }
        Ok(())
    }

    /// Looks which files went away, before git goes on to delete those that it writes anew.
    ///
    /// # Errors
    /// What the files held cannot be read.
    pub(crate) fn find_deleted_early(&mut self) -> Result<()> {
        let head = self.repository.head()?;
        self.renames.find_deleted_early(&mut self.states, head)
    }

    fn committed_blob(
        &mut self,
        head: Option<CommitId>,
        path: &RepoPath,
    ) -> Result<Option<ObjectId>> {
        let repository = self.repository;
        let Some(head) = head else { return Ok(None) };
        let mut committed = match self.committed.take().filter(|known| known.commit == head) {
            Some(committed) => committed,
            None => {
                let Some(commit) = repository.commit(head)? else { return Ok(None) };
                let folders = TreeLookup::new(repository);
                CommittedFiles { commit: head, tree: commit.tree, folders }
            }
        };
        let blob = committed.folders.blob_at(committed.tree, path);
        self.committed = Some(committed);
        blob
    }

    pub(crate) fn match_part(
        &self,
        state: FileState,
        blob: ObjectId,
        content: &[u8],
    ) -> Option<LayoutPart> {
        let layout = ClockedLayout::parse(&state.layout, Clock::Unknown(0))?;
        let pairs = self.pairs_between(state.blob, blob, content);
        Some(LayoutPart { layout, pairs })
    }

    /// Which node of an older content is which of the one at hand.
    fn pairs_between(&self, old: ObjectId, blob: ObjectId, content: &[u8]) -> OwnedPairs {
        if old == blob {
            return OwnedPairs::SameContent;
        }
        match self.repository.blob_up_to(old, MAX_MATCHED_SIZE) {
            Ok(Some(before)) => OwnedPairs::between(&before, content),
            _ => OwnedPairs::ById,
        }
    }

    /// Whether notes hold the very layout that was cleaned out of a file.
    pub(crate) fn is_noted_so(&self, path: &RepoPath, blob: ObjectId, line: &str) -> Result<bool> {
        let own = LayoutFinder::without_pending(self.repository).find_own(blob, path)?;
        Ok(own.is_some_and(|own| is_unclocked_form(line, &own.entry.layout)))
    }

    /// Whether something in a file lies where nobody put it.
    ///
    /// # Errors
    /// What the files held cannot be read.
    pub(crate) fn has_arranged_places(&mut self, path: &RepoPath) -> Result<bool> {
        let Some(last) = self.states.last(path)? else { return Ok(false) };
        if !mentions_arranged(&last.layout) {
            return Ok(false);
        }
        let layout = ClockedLayout::parse(&last.layout, Clock::Unknown(0));
        Ok(layout.is_some_and(|layout| layout.has_arranged_place()))
    }

    /// Remembers what git writes into the work tree.
    ///
    /// # Errors
    /// It cannot be remembered. Nothing is lost by that: notes tell it, and what was arranged
    /// says so itself.
    pub(crate) fn record_written(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        laid_out: &LaidOutFile,
    ) -> Result<()> {
        let Some(layout) = &laid_out.layout else { return Ok(()) };
        if laid_out.is_raw && self.states.last(path)?.is_none() {
            // It tells by itself what it held.
            return Ok(());
        }
        let state = FileState { blob, layout: layout.clone() };
        self.states.record(path, FileWriter::Git, &state)?;
        match laid_out.keep_at {
            // Kept is what it comes to be then.
            Some(_) if self.is_layout_awaited(path, blob)? => Ok(()),
            Some(at) => self.store(path, blob, LayoutEntry { at, layout: state.layout }),
            None => Ok(()),
        }
    }

    /// Remembers that a hook writes a file anew.
    ///
    /// # Errors
    /// It cannot be remembered.
    pub(crate) fn record_rewrite(&mut self, path: &RepoPath) -> Result<()> {
        self.states.record_rewrite(path)
    }

    /// Keeps a layout for content that is not in the work tree yet.
    ///
    /// # Errors
    /// It cannot be kept.
    pub(crate) fn store_for(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        layout: &ClockedLayout,
    ) -> Result<()> {
        self.store(path, blob, LayoutEntry::from_layout(layout))
    }

    /// Files that hold a content of which this clone keeps a layout that says more than the
    /// files do: that of a merge for which git had nothing to write, or that of a save in which
    /// something did not count.
    pub(crate) fn files_behind_pending(&mut self) -> Result<Vec<(RepoPath, ObjectId)>> {
        let mut behind = self.states.files_set_aside()?;
        for pending in self.finder.store.pending()? {
            let Some(last) = self.states.last(&pending.path)? else { continue };
            if pending.at == 0
                || last.blob != pending.blob
                || crc32fast::hash(last.layout.as_bytes()) == pending.crc
            {
                continue;
            }
            let Some(kept) = self.finder.store.get(pending.blob, &pending.path)? else { continue };
            let held = ClockedLayout::parse(&last.layout, Clock::Unknown(0));
            let says_more = kept.parse().zip(held).is_some_and(|(kept, held)| {
                let same = |layout| LayoutSource { layout, relation: LayoutRelation::SameContent };
                clean::would_move(same(&kept), same(&held))
            });
            if says_more {
                behind.push((pending.path, pending.blob));
            }
        }
        Ok(behind)
    }

    /// A moment for a file that is about to be saved; nothing where the clock cannot be kept.
    pub(crate) fn tick_ahead(&mut self) -> Option<ClockStamp> {
        self.clock.tick(0).ok()
    }

    /// The next moment of this clone.
    pub(crate) fn tick(&mut self, floor: u64) -> Result<ClockStamp> {
        self.clock.tick(floor)
    }
}

/// Nearly every layout is told by this alone: the clock of what nobody placed.
fn mentions_arranged(line: &str) -> bool {
    let has = |clock: &[u8]| memchr::memmem::find(line.as_bytes(), clock).is_some();
    has(b"\"!") || has(b"#!")
}

/// Whether a line is another one without its clocks.
fn is_unclocked_form(line: &str, clocked: &str) -> bool {
    let Some(start) = line.strip_suffix('}') else { return false };
    clocked.strip_prefix(start).is_some_and(|rest| rest == "}" || rest.starts_with(",\"saved\":"))
}
