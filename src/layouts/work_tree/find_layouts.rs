//! What is known of how a content lies that git writes: its own layout, and what was moved in
//! the contents that it comes from.

use comfy_graph::clean;
use comfy_graph::clean::{Clock, ClockedLayout, CloneId, LayoutSource};

use super::lay_out::FoundLayouts;
use super::layout_part::{LayoutPart, OwnedPairs};
use super::{WorkTreeLayouts, mentions_arranged};
use crate::layouts::clone_clock::CloneClock;
use crate::layouts::file_states::{FileState, FileStates};
use crate::layouts::git_action::GitAction;
use crate::layouts::layout_finder::{BlobLayout, LayoutFinder};
use crate::layouts::layout_note::LayoutEntry;
use crate::platform::git::{ObjectId, RepoPath, Result};

impl<'r> WorkTreeLayouts<'r> {
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
    pub(super) fn layout_before_raw(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
    ) -> Result<Option<FileState>> {
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
    pub(super) fn layouts_under_new_name(
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
            states: FileStates::detached(),
            clock: CloneClock::temporary(),
            ..WorkTreeLayouts::new(self.repository)
        };
        noted.find_layouts(path, blob, content, &GitAction::Switch { from: None })
    }

    /// The layout of a content with what its file held last, and whether that adds to it.
    pub(super) fn join_with_last(
        &self,
        own: Option<LayoutEntry>,
        last: FileState,
    ) -> (LayoutEntry, bool) {
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
    pub(super) fn combine_layouts(
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
    pub(super) fn related_layouts(
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

    /// What the file held last, and whether something in it was moved that nobody else can
    /// know of. Where a layout comes in that others moved later, such drags are stamped anew.
    pub(super) fn last_with_drags<'l>(
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
    pub(super) fn noted_at(&mut self, path: &RepoPath, blob: ObjectId, me: CloneId) -> Result<u64> {
        let mut noted_at = self.states.noted_at(path)?;
        let head = self.repository.head()?;
        for blob in [Some(blob), self.committed_blob(head, path)?].into_iter().flatten() {
            let noted = self.finder.committed_layout(blob, path)?.and_then(|entry| entry.parse());
            noted_at = noted_at.max(noted.map_or(0, |noted| noted.latest_move_by(|by| by == me)));
        }
        Ok(noted_at)
    }
}

/// Whether a line is the layout of a raw file.
pub(super) fn is_unclocked_layout(line: &str) -> bool {
    memchr::memmem::rfind(line.as_bytes(), b",\"saved\":\"?0\"").is_some()
}
