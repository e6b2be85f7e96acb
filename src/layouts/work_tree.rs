//! The layouts of the files in a work tree: kept when a person saves one, put back when
//! git writes one.
//!
//! Where git brings other content into a file that lies there, its layout comes along:
//! every node lies where the last move put it, wherever that was made. A checkout of
//! another state gives that state's own layout.
//!
//! Must not know how git hands files over, nor modes and attributes.

use comfy_graph::clean::{
    CleanStart, Clock, ClockStamp, ClockedLayout, CloneId, CommittedLayout, EarlierLayouts,
    LayoutMode, LayoutRelation, LayoutSource, PlaceMatches, compose_file, stamp_uniformly,
};
use comfy_graph::{clean, diff, json};

use super::clean_ahead::LayoutAhead;
use super::clone_clock::CloneClock;
use super::file_states::{FileState, FileStates, FileWriter};
use super::filter::normalized_blob_id;
use super::git_action::GitAction;
use super::layout_finder::{BlobLayout, LayoutFinder};
use super::layout_note::LayoutEntry;
use super::missed_sides;
use super::raw_files::{CommittedContents, StoredContent, extract_layout};
use super::renames::RenameFinder;
use super::{MAX_MATCHED_SIZE, notes_history};
use crate::layouts;
use crate::platform::git::tree::TreeLookup;
use crate::platform::git::{CommitId, ObjectId, RepoPath, Repository, Result};

/// So many earlier layouts of a file are looked at when it was committed without git-comfy.
const MAX_REMEMBERED: usize = 64;

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

/// A content whose layouts were found, still to be laid out.
#[derive(Debug)]
pub(crate) struct LayoutTask {
    /// The clean content.
    pub(crate) content: Vec<u8>,
    found: FoundLayouts,
}

/// The layouts of a content.
#[derive(Debug)]
pub(crate) enum FoundLayouts {
    /// Its layout, and whether it says more than was known before.
    Exact { line: String, is_new: bool },
    /// It is put together.
    Parts { parts: Vec<LayoutPart>, now: Clock, is_to_be_kept: bool },
}

impl FoundLayouts {
    /// Nothing is known.
    pub(crate) fn empty() -> FoundLayouts {
        FoundLayouts::Parts { parts: Vec::new(), now: Clock::Unknown(0), is_to_be_kept: false }
    }
}

/// A layout, and which of its places are which of the content's.
#[derive(Debug)]
pub(crate) struct LayoutPart {
    layout: ClockedLayout,
    pairs: OwnedPairs,
}

#[derive(Debug)]
enum OwnedPairs {
    SameContent,
    ById,
    Matched(PlaceMatches),
}

impl OwnedPairs {
    /// As the nodes of two contents are paired.
    fn between(before: &[u8], content: &[u8]) -> OwnedPairs {
        let matched = || diff::match_nodes(json::parse(before).ok()?, json::parse(content).ok()?);
        matched().map_or(OwnedPairs::ById, OwnedPairs::Matched)
    }
}

impl LayoutPart {
    /// A layout of one content as it belongs to another.
    pub(crate) fn between(layout: ClockedLayout, before: &[u8], content: &[u8]) -> LayoutPart {
        LayoutPart { layout, pairs: OwnedPairs::between(before, content) }
    }

    /// Forgets places without clocks that another layout knows.
    pub(crate) fn forget_unclocked_places(&mut self, known: LayoutSource<'_>) {
        let places = clean::unclocked_places_known_to(self.source(), known);
        self.layout.forget_places(&places);
    }

    /// It came with a file that was committed without git-comfy.
    fn is_unclocked(&self) -> bool {
        self.layout.saved() == Clock::Unknown(0)
    }

    /// The layout, and how it belongs to the content.
    pub(crate) fn source(&self) -> LayoutSource<'_> {
        let pairs = match &self.pairs {
            OwnedPairs::SameContent => LayoutRelation::SameContent,
            OwnedPairs::ById => LayoutRelation::ById,
            OwnedPairs::Matched(matches) => LayoutRelation::Matched(matches),
        };
        LayoutSource { layout: &self.layout, relation: pairs }
    }
}

/// A file for the work tree, and what is to be remembered of it.
#[derive(Debug)]
pub(crate) struct LaidOutFile {
    pub(crate) bytes: Vec<u8>,
    /// Its layout, if it has one.
    layout: Option<String>,
    /// Under which time to keep it beyond this file; none if others know it.
    keep_at: Option<u64>,
    /// It was committed as it is, with its positions.
    is_raw: bool,
    /// Nobody knows yet how its content lay: it is laid out by what is known of others.
    lacks_own: bool,
}

impl LaidOutFile {
    /// Nobody knows yet how its content lay.
    pub(crate) fn lacks_own(&self) -> bool {
        self.lacks_own
    }
}

impl LayoutTask {
    /// A content, and what was found for it.
    pub(crate) fn new(content: Vec<u8>, found: FoundLayouts) -> LayoutTask {
        LayoutTask { content, found }
    }

    /// A content of which nothing is known.
    pub(crate) fn unknown(content: Vec<u8>) -> LayoutTask {
        LayoutTask { content, found: FoundLayouts::empty() }
    }

    /// Lays the content out.
    pub(crate) fn run(self, stored: StoredContent) -> LaidOutFile {
        let LayoutTask { content, found } = self;
        let untouched = |bytes: Vec<u8>, layout: Option<String>| LaidOutFile {
            bytes,
            layout,
            keep_at: None,
            is_raw: false,
            lacks_own: false,
        };
        match found {
            FoundLayouts::Exact { .. } if stored.is_raw_despite_layout(&content) => {
                untouched(content, None)
            }
            FoundLayouts::Exact { line, is_new } => {
                let Some(bytes) = clean::smudge(&content, &line) else {
                    return untouched(content, None);
                };
                let keep_at = is_new.then(|| {
                    ClockedLayout::parse(&line, Clock::Unknown(0)).map_or(0, |l| l.latest_millis())
                });
                LaidOutFile { keep_at, ..untouched(bytes, Some(line)) }
            }
            FoundLayouts::Parts { parts, now, is_to_be_kept } => {
                if stored.is_raw(&content) {
                    // Nobody knows when its places were chosen.
                    let rest = memchr::memmem::find(&content, b"\"pos\"")
                        .and_then(|_| clean::begin_clean(&content, stored.mode).into_rest());
                    let layout = rest
                        .and_then(|rest| stamp_uniformly(&rest.layout_line(), Clock::Unknown(0)));
                    let layout = layout.map(|layout| layout.to_line());
                    return LaidOutFile { is_raw: true, ..untouched(content, layout) };
                }
                let sources: Vec<LayoutSource<'_>> = parts.iter().map(LayoutPart::source).collect();
                let Some(composed) = compose_file(&content, &sources, now) else {
                    return untouched(content, None);
                };
                let own = sources.iter().find(|source| source.relation.is_same_content());
                if let Some(own) = own.filter(|own| own.layout.has_same_places(&composed.layout)) {
                    // Also to the byte.
                    let line = own.layout.to_line();
                    let bytes = clean::smudge(&content, &line).unwrap_or(composed.bytes);
                    return untouched(bytes, Some(line));
                }
                let keep_at = match composed.layout.has_place_by_person() {
                    true => is_to_be_kept.then(|| composed.layout.latest_millis()),
                    // For this machine alone.
                    false => Some(0),
                };
                LaidOutFile {
                    bytes: composed.bytes,
                    layout: Some(composed.layout.to_line()),
                    keep_at,
                    is_raw: false,
                    lacks_own: own.is_none(),
                }
            }
        }
    }
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

    /// Keeps the layout that was cleaned out of a file.
    ///
    /// # Errors
    /// It cannot be kept: then the file must not be cleaned.
    pub(crate) fn save(
        &mut self,
        path: &RepoPath,
        content: &[u8],
        taken: &LayoutAhead,
    ) -> Result<()> {
        let LayoutAhead { blob, line, stamped } = taken;
        let blob = *blob;
        let last = self.states.last(path)?;
        if let Some(last) = &last
            && last.blob == blob
            && is_unclocked_form(line, &last.layout)
        {
            return self.store_if_unknown(path, last);
        }
        let mut known = self.load_previous(path, blob, content)?;
        // Never behind what this clone has seen of the file.
        let seen = self.finder.newest_noted_at(path)?;
        if let Some((moment, entry)) = stamped
            && known.is_nothing()
            && moment.millis > seen
        {
            return self.store_saved(path, blob, entry.clone());
        }
        let now = self.clock.tick(known.as_past().latest_millis().max(seen))?;
        let stamp = |known: &PreviousLayouts| {
            known
                .layout_of_positionless(line, content, now)
                .or_else(|| clean::stamp_layout(line, &known.as_past(), now))
        };
        let Some(mut layout) = stamp(&known) else { return Ok(()) };
        if shows_otherwise(line, &layout) && self.find_seen_over(&mut known, line, content, now)? {
            layout = stamp(&known).unwrap_or(layout);
        }
        if let Some(name) = known.name_before {
            layout.set_previous_name(&name);
        }
        self.store_saved(path, blob, LayoutEntry::from_layout(&layout))?;
        if shows_otherwise(line, &layout) {
            let shown = FileState { blob, layout: line.to_owned() };
            self.states.set_aside(path, &shown)?;
        }
        Ok(())
    }

    /// Finds the states that the tab which saved a file cannot have shown: it knows what git
    /// wrote since. Whether there are any.
    fn find_seen_over(
        &self,
        known: &mut PreviousLayouts,
        line: &str,
        content: &[u8],
        now: ClockStamp,
    ) -> Result<bool> {
        let Some(write) = known.last_write.take() else { return Ok(false) };
        let Some(layout) = ClockedLayout::parse(&write.layout, Clock::Unknown(0)) else {
            return Ok(false);
        };
        let written = LayoutSource { layout: &layout, relation: LayoutRelation::ById };
        let written_content = self.repository.blob_up_to(write.blob, MAX_MATCHED_SIZE)?;
        let mut any = false;
        for before in &mut known.before {
            before.is_seen_over = before.precedes_write
                && (clean::shows_moves_of_others(
                    line,
                    written,
                    before.part.source(),
                    now.clone_id,
                ) || self.has_values_of(content, before.blob, written_content.as_deref())?);
            any |= before.is_seen_over;
        }
        Ok(any)
    }

    /// Whether a content has what an older one became, and nothing of what that was.
    fn has_values_of(&self, content: &[u8], older: ObjectId, newer: Option<&[u8]>) -> Result<bool> {
        let older = self.repository.blob_up_to(older, MAX_MATCHED_SIZE)?;
        let parse = |bytes: Option<&[u8]>| json::parse(bytes?).ok();
        let all = (parse(Some(content)), parse(older.as_deref()), parse(newer));
        let (Some(content), Some(older), Some(newer)) = all else { return Ok(false) };
        Ok(diff::has_taken_over(&content, &older, &newer))
    }

    /// Every layout of a file that this work tree or the notes of its path remember.
    fn remembered_layouts(&mut self, path: &RepoPath) -> Result<Vec<FileState>> {
        let mut all = self.states.remembered(path, MAX_REMEMBERED)?;
        let noted = notes_history::noted_layouts(self.repository)?;
        for noted in noted.iter().filter(|noted| noted.path == *path).take(MAX_REMEMBERED) {
            let entry = notes_history::read_entry(self.repository, noted)?;
            all.extend(entry.map(|entry| FileState { blob: noted.blob, layout: entry.layout }));
        }
        Ok(all)
    }

    /// What a file held in the commits of a history that were made without git-comfy, the oldest
    /// first: before it held some content, if one is named.
    fn raw_commits(
        &mut self,
        path: &RepoPath,
        content: &[u8],
        (tip, before): (Option<CommitId>, Option<ObjectId>),
    ) -> Result<Vec<RawCommit>> {
        let mut committed = self.contents.of_file(tip, path)?;
        if let Some(before) = before {
            let end = committed.iter().position(|known| known.blob == before);
            committed.truncate(end.unwrap_or(0));
        }
        let mut raw = Vec::new();
        for known in committed {
            let stored = self.repository.blob_up_to(known.blob, MAX_MATCHED_SIZE)?;
            let line = stored.as_deref().and_then(extract_layout);
            let layout = line.and_then(|line| stamp_uniformly(&line, Clock::Unknown(0)));
            if let (Some(layout), Some(stored)) = (layout, stored) {
                let part = LayoutPart::between(layout, &stored, content);
                raw.push(RawCommit { part, at: known.at });
            }
            if raw.len() == MAX_REMEMBERED {
                break;
            }
        }
        raw.sort_by_key(|raw| raw.at);
        Ok(raw)
    }

    /// Keeps what a file holds since a person saved it.
    fn store_saved(&mut self, path: &RepoPath, blob: ObjectId, entry: LayoutEntry) -> Result<()> {
        let state = FileState { blob, layout: entry.layout.clone() };
        self.states.record(path, FileWriter::Person, &state)?;
        self.store(path, blob, entry)
    }

    /// Keeps a layout until a note holds it, beside what is kept of the same content.
    fn store(&mut self, path: &RepoPath, blob: ObjectId, entry: LayoutEntry) -> Result<()> {
        let entry = match self.finder.store.get(blob, path)? {
            Some(known) => known.join(entry),
            None => entry,
        };
        self.finder.store.add(blob, path, entry.at, &entry.layout)
    }

    /// A file that is as it was: what is known of it was perhaps thrown away since.
    fn store_if_unknown(&mut self, path: &RepoPath, state: &FileState) -> Result<()> {
        if self.finder.store.get(state.blob, path)?.is_some() {
            return Ok(());
        }
        let Some(layout) = ClockedLayout::parse(&state.layout, Clock::Unknown(0)) else {
            return Ok(());
        };
        // Where a look into the notes is dear, what was said of them must do.
        let is_noted = self.states.noted_at(path)? >= layout.latest_millis()
            || (self.repository.is_all_local() && self.finder.has_note(state.blob)?);
        // It would pass for its author's.
        if is_noted || self.is_layout_awaited(path, state.blob)? {
            return Ok(());
        }
        self.store(
            path,
            state.blob,
            LayoutEntry { at: layout.latest_millis(), layout: state.layout.clone() },
        )
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

    /// What is known of a file from before it was saved.
    fn load_previous(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        content: &[u8],
    ) -> Result<PreviousLayouts> {
        let mut history = self.states.history(path)?;
        let mut known = PreviousLayouts::default();
        let head = match history.last {
            Some(_) => None,
            None => self.repository.head()?,
        };
        if history.last.is_none() {
            // A file that was renamed is what it was; notes may say something newer.
            for holder in self.states.holders_of(blob)? {
                if holder != *path && layouts::is_deleted(self.repository, &holder)? {
                    known.name_before = holder.as_str().map(str::to_owned);
                    history = self.states.history(&holder)?;
                    break;
                }
            }
        }
        if history.last.is_none()
            && let Some(source) =
                self.renames.find_source(&mut self.states, (head, None), path, content)?
        {
            known.name_before = source.as_str().map(str::to_owned);
            history = self.states.history(&source)?;
        }
        if let Some(last) = history.last {
            let last_write = history.written.as_ref().unwrap_or(&last);
            known.last_write = Some(last_write.clone()).filter(|_| history.older_than_write > 0);
            known.last = self.match_part(last, blob, content);
            // A tab that was open all the time has the ids of that time.
            let by_id = |state: FileState| {
                let layout = ClockedLayout::parse(&state.layout, Clock::Unknown(0))?;
                let is_same = state.blob == blob;
                let pairs = if is_same { OwnedPairs::SameContent } else { OwnedPairs::ById };
                Some(LayoutPart { layout, pairs })
            };
            let is_raw = known.last.as_ref().is_some_and(|last| last.is_unclocked());
            if is_raw {
                let remembered = self.remembered_layouts(path)?;
                known.remembered = remembered.into_iter().filter_map(by_id).collect();
                let head = self.repository.head()?;
                known.raw_commits = self.raw_commits(path, content, (head, None))?;
            }
            let first_older = history.before.len().saturating_sub(history.older_than_write);
            let state = |(at, state): (usize, FileState)| {
                let blob = state.blob;
                let (part, precedes_write) = (by_id(state)?, at >= first_older);
                Some(StateBefore { blob, part, precedes_write, is_seen_over: false })
            };
            known.before = history.before.into_iter().enumerate().filter_map(state).collect();
            known.written = history.written.and_then(by_id);
            known.set_aside = history.set_aside.and_then(by_id);
            return Ok(known);
        }
        // Seen for the first time in this work tree.
        if let Some(BlobLayout { entry, from }) = self.finder.find_own(blob, path)? {
            known.name_before = match from {
                Some(from) if layouts::is_deleted(self.repository, &from)? => {
                    from.as_str().map(str::to_owned)
                }
                _ => None,
            };
            let layout = entry.parse();
            known.last = layout.map(|layout| LayoutPart { layout, pairs: OwnedPairs::SameContent });
        } else if let Some((old, entry)) = self.finder.newest_of(path)? {
            let state = FileState { blob: old, layout: entry.layout };
            known.last = self.match_part(state, blob, content);
        } else {
            known.last = self.committed_raw_layout(head, path, content)?;
        }
        Ok(known)
    }

    /// The layout of a file that was committed with its positions.
    fn committed_raw_layout(
        &mut self,
        head: Option<CommitId>,
        path: &RepoPath,
        content: &[u8],
    ) -> Result<Option<LayoutPart>> {
        let Some(committed) = self.committed_blob(head, path)? else { return Ok(None) };
        let Some(bytes) = self.repository.blob_up_to(committed, MAX_MATCHED_SIZE)? else {
            return Ok(None);
        };
        let CleanStart::Split { content: clean, rest } =
            clean::begin_clean(&bytes, LayoutMode::Strip)
        else {
            return Ok(None);
        };
        let layout = stamp_uniformly(&rest.layout_line(), Clock::Unknown(0));
        let pairs = match clean == content {
            true => OwnedPairs::SameContent,
            false => OwnedPairs::between(&clean, content),
        };
        Ok(layout.map(|layout| LayoutPart { layout, pairs }))
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

    /// Finds what is needed to lay a content out. What has to be done afterwards, and can be
    /// done on any thread, is in what it gives.
    pub(crate) fn find_layouts(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        content: &[u8],
        action: &GitAction,
    ) -> Result<FoundLayouts> {
        let own = self.finder.find_own(blob, path)?.map(|own| own.entry);
        let (merged, to) = match action {
            GitAction::Integrate { merged, to } => (merged.as_slice(), *to),
            GitAction::WriteOrCompare => ([].as_slice(), None),
            GitAction::Show | GitAction::Switch { .. } => {
                let own = own.map(|own| (own, false));
                return self.combine_layouts(path, blob, content, own, Vec::new(), false);
            }
        };
        let mut others = Vec::new();
        for side in merged.iter().filter(|side| **side != blob) {
            if let Some(BlobLayout { entry, .. }) = self.finder.find_own(*side, path)? {
                others.push(FileState { blob: *side, layout: entry.layout });
            }
        }
        let source = match self.states.last(path)? {
            Some(_) => None,
            None => {
                let head = self.repository.head()?;
                self.renames.find_source(&mut self.states, (head, to), path, content)?
            }
        };
        if let Some(source) = &source {
            others.extend(self.layouts_under_new_name(source, path, blob)?);
        }
        let incoming = own.iter().map(|own| own.layout.as_str());
        let incoming = incoming.chain(others.iter().map(|side| side.layout.as_str()));
        let source = source.as_ref().unwrap_or(path);
        let (own, has_drags) = match self.last_with_drags(source, incoming)? {
            Some((last, _)) if last.blob == blob => (Some(self.join_with_last(own, last)), false),
            Some((last, _)) if is_unclocked_layout(&last.layout) => {
                let moved = self.layout_before_raw(source, blob)?;
                let has_moved = moved.is_some();
                others.extend(moved);
                others.push(last);
                (own.map(|own| (own, false)), has_moved)
            }
            Some((last, has_drags)) => {
                others.push(last);
                (own.map(|own| (own, false)), has_drags)
            }
            None => (own.map(|own| (own, false)), false),
        };
        // Who merged is the one to keep what came of it.
        let is_to_be_kept = has_drags || !merged.is_empty();
        self.combine_layouts(path, blob, content, own, others, is_to_be_kept)
    }

    /// How a file lay before git wrote over it what was committed without git-comfy: what was
    /// moved then and is later comes along when the file is clean again.
    fn layout_before_raw(&mut self, path: &RepoPath, blob: ObjectId) -> Result<Option<FileState>> {
        let before = self.states.history(path)?.before;
        let head = self.repository.head()?;
        let committed = self.contents.of_file(head, path)?;
        // What the file held on another branch is not on its way.
        let mut older = before.into_iter().filter(|state| {
            state.blob != blob
                && !is_unclocked_layout(&state.layout)
                && committed.iter().any(|content| content.blob == state.blob)
        });
        let Some(state) = older.next() else { return Ok(None) };
        let own = self.finder.find_own(state.blob, path)?.map(|own| own.entry);
        let (joined, _) = self.join_with_last(own, state.clone());
        Ok(Some(FileState { layout: joined.layout, ..state }))
    }

    /// What others moved in a content that a file held here, after they had renamed it: where a
    /// commit that did nothing else is brought in, the content that it left is not named.
    fn layouts_under_new_name(
        &mut self,
        source: &RepoPath,
        path: &RepoPath,
        blob: ObjectId,
    ) -> Result<Vec<FileState>> {
        let mut found = Vec::new();
        for (other, entry) in self.finder.noted_layouts_of(path)? {
            if other != blob && self.states.has_held(source, other)? {
                found.push(FileState { blob: other, layout: entry.layout });
            }
        }
        Ok(found)
    }

    /// What notes know of a content, where the files that lie beside them cannot be read.
    pub(crate) fn find_noted(
        &self,
        path: &RepoPath,
        blob: ObjectId,
        content: &[u8],
    ) -> Result<FoundLayouts> {
        let mut noted = WorkTreeLayouts {
            finder: LayoutFinder::without_pending(self.repository),
            states: FileStates::shut(),
            clock: CloneClock::passing(),
            ..WorkTreeLayouts::new(self.repository)
        };
        noted.find_layouts(path, blob, content, &GitAction::Switch { from: None })
    }

    /// Whether notes hold the very layout that was cleaned out of a file.
    pub(crate) fn is_noted_so(&self, path: &RepoPath, blob: ObjectId, line: &str) -> Result<bool> {
        let own = LayoutFinder::without_pending(self.repository).find_own(blob, path)?;
        Ok(own.is_some_and(|own| is_unclocked_form(line, &own.entry.layout)))
    }

    /// The layout of a content with what its file held last, and whether that adds to it.
    fn join_with_last(&self, own: Option<LayoutEntry>, last: FileState) -> (LayoutEntry, bool) {
        let last = LayoutEntry { at: 0, layout: last.layout };
        let Some(own) = own else { return (last, true) };
        if own.layout == last.layout {
            return (own, false);
        }
        let known = own.layout.clone();
        let mut joined = own.join(last.clone());
        if let (Some(mut layout), Some(last)) = (joined.parse(), last.parse())
            && layout.keep_view_of(&last)
        {
            joined.layout = layout.to_line();
        }
        let is_new = joined.layout != known;
        (joined, is_new)
    }

    /// A content with what was moved in other contents. `is_to_be_kept`: among it is what
    /// nobody else knows.
    fn combine_layouts(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        content: &[u8],
        own: Option<(LayoutEntry, bool)>,
        others: Vec<FileState>,
        is_to_be_kept: bool,
    ) -> Result<FoundLayouts> {
        if let (true, Some((line, is_new))) = (others.is_empty(), &own)
            && !mentions_arranged(&line.layout)
        {
            return Ok(FoundLayouts::Exact { line: line.layout.clone(), is_new: *is_new });
        }
        let own_part = own.as_ref().and_then(|(own, _)| {
            Some(LayoutPart { layout: own.parse()?, pairs: OwnedPairs::SameContent })
        });
        let mut parts: Vec<LayoutPart> =
            others.into_iter().filter_map(|state| self.match_part(state, blob, content)).collect();
        if let Some(own) = &own_part {
            for part in &mut parts {
                part.forget_unclocked_places(own.source());
            }
            parts.retain(|part| clean::would_move(part.source(), own.source()));
        }
        let has_guesses = own_part.as_ref().is_some_and(|own| own.layout.has_arranged_place());
        if has_guesses {
            // What is known of other content is better than what was made up.
            parts.extend(self.related_layouts(path, blob, content)?);
        }
        if parts.is_empty()
            && let Some((own, is_new)) = own
        {
            return Ok(FoundLayouts::Exact { line: own.layout, is_new });
        }
        // Without a layout of its own a content has one to come; what is put together here
        // can be put together again, but for what was moved here only.
        let is_to_be_kept = (own_part.is_some() && !has_guesses) || is_to_be_kept;
        parts.extend(own_part);
        if parts.is_empty() {
            parts.extend(self.related_layouts(path, blob, content)?);
            return Ok(FoundLayouts::Parts { parts, now: Clock::Unknown(0), is_to_be_kept: false });
        }
        let floor = parts.iter().map(|part| part.layout.latest_millis()).max().unwrap_or(0);
        let now = Clock::At(self.clock.tick(floor)?);
        if !has_guesses {
            parts.extend(self.related_layouts(path, blob, content)?);
        }
        Ok(FoundLayouts::Parts { parts, now, is_to_be_kept })
    }

    /// The newest layouts of the path, as guesses: they give way to everything that is known,
    /// and of each place the newest that knows it counts.
    fn related_layouts(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        content: &[u8],
    ) -> Result<Vec<LayoutPart>> {
        let mut guesses: Vec<LayoutPart> = Vec::new();
        for (old, entry) in self.finder.layouts_of_other_blobs(path, blob)? {
            let state = FileState { blob: old, layout: entry.layout };
            let Some(mut guess) = self.match_part(state, blob, content) else { continue };
            guess.layout.demote_to_guess();
            let newer: Vec<LayoutSource<'_>> = guesses.iter().map(LayoutPart::source).collect();
            let said = clean::places_known_to(guess.source(), &newer);
            guess.layout.forget_places(&said);
            if guess.layout.has_place_by_person() {
                guesses.push(guess);
            }
        }
        Ok(guesses)
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

    /// What the file held last, and whether something in it was moved that nobody else can
    /// know of. Where a layout comes in that others moved later, such drags are stamped anew.
    fn last_with_drags<'l>(
        &mut self,
        path: &RepoPath,
        incoming: impl Iterator<Item = &'l str>,
    ) -> Result<Option<(FileState, bool)>> {
        let Some(last) = self.states.last(path)? else { return Ok(None) };
        if !self.finder.store.has_pending(path)? {
            return Ok(Some((last, false)));
        }
        let Some(mut layout) = ClockedLayout::parse(&last.layout, Clock::Unknown(0)) else {
            return Ok(Some((last, false)));
        };
        let me = self.clock.id()?;
        let noted_at = self.noted_at(path, last.blob, me)?;
        let is_unnoted = |moved: Clock| match moved {
            Clock::At(stamp) => stamp.clone_id == me && stamp.millis > noted_at,
            _ => false,
        };
        let unnoted = layout.clocks().filter(|moved| is_unnoted(*moved));
        let Some(first) = unnoted.map(Clock::millis).min() else { return Ok(Some((last, false))) };
        let incoming = incoming.filter_map(|line| ClockedLayout::parse(line, Clock::Unknown(0)));
        let theirs = incoming.map(|layout| layout.latest_move_by(|by| by != me)).max().unwrap_or(0);
        if theirs < first {
            return Ok(Some((last, true)));
        }
        let now = Clock::At(self.clock.tick(layout.latest_millis().max(theirs))?);
        layout.restamp(now, is_unnoted);
        let state = FileState { blob: last.blob, layout: layout.to_line() };
        self.store(
            path,
            last.blob,
            LayoutEntry { at: layout.latest_millis(), layout: state.layout.clone() },
        )?;
        Ok(Some((state, true)))
    }

    /// Up to which time what was moved here is in notes: as far as this work tree remembers,
    /// and as the notes of what the file holds and what is committed say.
    fn noted_at(&mut self, path: &RepoPath, blob: ObjectId, me: CloneId) -> Result<u64> {
        let mut noted_at = self.states.noted_at(path)?;
        let head = self.repository.head()?;
        for blob in [Some(blob), self.committed_blob(head, path)?].into_iter().flatten() {
            let noted = self.finder.committed_layout(blob, path)?.and_then(|entry| entry.parse());
            noted_at = noted_at.max(noted.map_or(0, |noted| noted.latest_move_by(|by| by == me)));
        }
        Ok(noted_at)
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

    /// The layout of a clean content for a merge: its own, or else the newest of its path,
    /// which is a guess.
    pub(crate) fn layout_for_merge(
        &mut self,
        path: &RepoPath,
        content: &[u8],
    ) -> Result<Option<MergeLayout>> {
        let blob = normalized_blob_id(self.repository.format(), content);
        if let Some(own) = self.finder.find_own(blob, path)? {
            let layout = own.entry.parse();
            return Ok(layout.map(|layout| MergeLayout { layout, is_guess: false }));
        }
        let newest = self.finder.newest_of(path)?.and_then(|(_, entry)| entry.parse());
        Ok(newest.map(|mut layout| {
            layout.demote_to_guess();
            MergeLayout { layout, is_guess: true }
        }))
    }

    /// The layout of the common ancestor of a merge; nothing where nobody knows how it lay.
    pub(crate) fn base_layout(
        &mut self,
        path: &RepoPath,
        base: &[u8],
    ) -> Result<Option<ClockedLayout>> {
        if let Some(line) = extract_layout(base) {
            return Ok(stamp_uniformly(&line, Clock::Unknown(0)));
        }
        let blob = normalized_blob_id(self.repository.format(), base);
        Ok(self.finder.find_own(blob, path)?.and_then(|own| own.entry.parse()))
    }

    /// The layout of a raw content in which what was moved since an earlier content counts as
    /// moved at that time; all else keeps the age it had. So does what went back to how an older
    /// raw content lay, in the history of the commit that holds it. Nothing where the content is
    /// clean, or nobody knows how the earlier one lay.
    pub(crate) fn stamp_raw_moves(
        &mut self,
        path: &RepoPath,
        content: &[u8],
        (earlier, tip): (&[u8], Option<CommitId>),
        moved: Clock,
    ) -> Result<Option<ClockedLayout>> {
        let Some(line) = extract_layout(content) else { return Ok(None) };
        let Some(before) = self.base_layout(path, earlier)? else { return Ok(None) };
        let before = LayoutPart::between(before, earlier, content);
        let by_id = |state: FileState| {
            let layout = ClockedLayout::parse(&state.layout, Clock::Unknown(0))?;
            Some(LayoutPart { layout, pairs: OwnedPairs::ById })
        };
        let remembered: Vec<LayoutPart> =
            self.remembered_layouts(path)?.into_iter().filter_map(by_id).collect();
        let raw = match extract_layout(earlier) {
            Some(_) => Vec::new(),
            None => {
                let earlier = normalized_blob_id(self.repository.format(), earlier);
                self.raw_commits(path, content, (tip, Some(earlier)))?
            }
        };
        let past = EarlierLayouts {
            last: Some(before.source()),
            raw_commits: raw.iter().map(RawCommit::layout).collect(),
            remembered: remembered.iter().map(LayoutPart::source).collect(),
            ..EarlierLayouts::default()
        };
        Ok(clean::stamp_moves(&line, &past, moved))
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

/// The layout of one side of a merge.
#[derive(Debug)]
pub(crate) struct MergeLayout {
    pub(crate) layout: ClockedLayout,
    /// It is of other content.
    pub(crate) is_guess: bool,
}

/// A layout that was brought back, still to be kept and written.
#[derive(Debug)]
pub(crate) struct RestoredFile {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    layout: ClockedLayout,
}

impl WorkTreeLayouts<'_> {
    /// Lays a content out as a file was earlier, as a new move. `back` names that state, if
    /// the next step back is to go on from there. Nothing if all lies so already.
    pub(crate) fn restore_earlier(
        &mut self,
        path: &RepoPath,
        (blob, content): (ObjectId, &[u8]),
        earlier: FileState,
        back: Option<&str>,
    ) -> Result<Option<RestoredFile>> {
        let now = self.states.last(path)?.filter(|last| last.blob == blob);
        let now = now.and_then(|last| ClockedLayout::parse(&last.layout, Clock::Unknown(0)));
        let Some(earlier) = self.match_part(earlier, blob, content) else { return Ok(None) };
        let floor = now.as_ref().map_or(0, ClockedLayout::latest_millis);
        let tick = self.clock.tick(floor.max(earlier.layout.latest_millis()))?;
        let composed = clean::revert_layout(content, earlier.source(), now.as_ref(), tick);
        let Some(mut composed) = composed else { return Ok(None) };
        if !composed.layout.clocks().any(|moved| moved == Clock::At(tick)) {
            return Ok(None);
        }
        if let Some(back) = back {
            composed.layout.set_reverted_to(back);
        }
        Ok(Some(RestoredFile { bytes: composed.bytes, layout: composed.layout }))
    }

    /// Keeps what was brought back, as if a person had saved it.
    pub(crate) fn store_restored(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        brought: &RestoredFile,
    ) -> Result<()> {
        self.store_saved(path, blob, LayoutEntry::from_layout(&brought.layout))
    }
}

/// Nearly every layout is told by this alone: the clock of what nobody placed.
fn mentions_arranged(line: &str) -> bool {
    let has = |clock: &[u8]| memchr::memmem::find(line.as_bytes(), clock).is_some();
    has(b"\"!") || has(b"#!")
}

/// Whether a line is the layout of a raw file.
fn is_unclocked_layout(line: &str) -> bool {
    memchr::memmem::rfind(line.as_bytes(), b",\"saved\":\"?0\"").is_some()
}

/// Whether a line is another one without its clocks.
fn is_unclocked_form(line: &str, clocked: &str) -> bool {
    let Some(start) = line.strip_suffix('}') else { return false };
    clocked.strip_prefix(start).is_some_and(|rest| rest == "}" || rest.starts_with(",\"saved\":"))
}

/// Whether a file shows something elsewhere than where it is kept.
fn shows_otherwise(line: &str, kept: &ClockedLayout) -> bool {
    let Some(shown) = stamp_uniformly(line, Clock::Unknown(0)) else { return false };
    let relation = LayoutRelation::SameContent;
    clean::has_moved_places(LayoutSource { layout: &shown, relation }, kept)
}

/// What a file held before git wrote it.
#[derive(Debug)]
struct StateBefore {
    blob: ObjectId,
    part: LayoutPart,
    /// It is older than what git wrote last, too.
    precedes_write: bool,
    /// The tab that saved the file since cannot have shown it.
    is_seen_over: bool,
}

/// What a file held in a commit that was made without git-comfy.
#[derive(Debug)]
struct RawCommit {
    part: LayoutPart,
    /// When, in milliseconds since 1970.
    at: u64,
}

impl RawCommit {
    fn layout(&self) -> CommittedLayout<'_> {
        CommittedLayout { source: self.part.source(), at: self.at }
    }
}

/// The past of a file, with what it borrows from.
#[derive(Debug, Default)]
struct PreviousLayouts {
    last: Option<LayoutPart>,
    written: Option<LayoutPart>,
    before: Vec<StateBefore>,
    /// What git wrote last, if it held something else before.
    last_write: Option<FileState>,
    remembered: Vec<LayoutPart>,
    raw_commits: Vec<RawCommit>,
    set_aside: Option<LayoutPart>,
    /// The name it had, where it was renamed.
    name_before: Option<String>,
}

impl PreviousLayouts {
    fn is_nothing(&self) -> bool {
        self.last.is_none()
            && self.written.is_none()
            && self.before.is_empty()
            && self.set_aside.is_none()
            && self.name_before.is_none()
    }

    /// How a file lies that has no positions, though it had some: a script wrote it, or a tool
    /// for JSON, and nobody moved anything. As if git had written that content. Nothing for every
    /// other file.
    fn layout_of_positionless(
        &self,
        line: &str,
        content: &[u8],
        now: ClockStamp,
    ) -> Option<ClockedLayout> {
        if memchr::memmem::find(line.as_bytes(), b"\"pos\":").is_some() {
            return None;
        }
        let last = self.last.as_ref().filter(|last| last.layout.has_place_by_person())?;
        Some(compose_file(content, &[last.source()], Clock::At(now))?.layout)
    }

    fn as_past(&self) -> EarlierLayouts<'_> {
        EarlierLayouts {
            last: self.last.as_ref().map(LayoutPart::source),
            written_by_git: self.written.as_ref().map(LayoutPart::source),
            before: self.before.iter().map(|state| state.part.source()).collect(),
            shown_by_tab: self
                .before
                .iter()
                .filter(|state| !state.is_seen_over)
                .map(|state| state.part.source())
                .collect(),
            remembered: self.remembered.iter().map(LayoutPart::source).collect(),
            set_aside: self.set_aside.as_ref().map(LayoutPart::source),
            raw_commits: self.raw_commits.iter().map(RawCommit::layout).collect(),
        }
    }
}
