//! A file that a person saved: its layout is kept, and what was moved gets the time of now.

use comfy_graph::clean::{
    Clock, ClockStamp, ClockedLayout, LayoutRelation, LayoutSource, stamp_uniformly,
};
use comfy_graph::{clean, diff, json};

use super::previous_layouts::PreviousLayouts;
use super::{WorkTreeLayouts, is_unclocked_form};
use crate::layouts::MAX_MATCHED_SIZE;
use crate::layouts::clean_ahead::LayoutAhead;
use crate::layouts::file_states::{FileState, FileWriter};
use crate::layouts::layout_note::LayoutEntry;
use crate::platform::git::{ObjectId, RepoPath, Result};

impl<'r> WorkTreeLayouts<'r> {
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
    pub(super) fn find_seen_over(
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
    pub(super) fn has_values_of(
        &self,
        content: &[u8],
        older: ObjectId,
        newer: Option<&[u8]>,
    ) -> Result<bool> {
        let older = self.repository.blob_up_to(older, MAX_MATCHED_SIZE)?;
        let parse = |bytes: Option<&[u8]>| json::parse(bytes?).ok();
        let all = (parse(Some(content)), parse(older.as_deref()), parse(newer));
        let (Some(content), Some(older), Some(newer)) = all else { return Ok(false) };
        Ok(diff::has_taken_over(&content, &older, &newer))
    }

    /// Keeps what a file holds since a person saved it.
    pub(super) fn store_saved(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        entry: LayoutEntry,
    ) -> Result<()> {
        let state = FileState { blob, layout: entry.layout.clone() };
        self.states.record(path, FileWriter::Person, &state)?;
        self.store(path, blob, entry)
    }

    /// A file that is as it was: what is known of it was perhaps thrown away since.
    pub(super) fn store_if_unknown(&mut self, path: &RepoPath, state: &FileState) -> Result<()> {
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
}

/// Whether a file shows something elsewhere than where it is kept.
pub(super) fn shows_otherwise(line: &str, kept: &ClockedLayout) -> bool {
    let Some(shown) = stamp_uniformly(line, Clock::Unknown(0)) else { return false };
    let relation = LayoutRelation::SameContent;
    clean::has_moved_places(LayoutSource { layout: &shown, relation }, kept)
}
