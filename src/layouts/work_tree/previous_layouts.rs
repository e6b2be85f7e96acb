//! The past of a file that was saved: what it held, for telling what its person moved.

use comfy_graph::clean;
use comfy_graph::clean::{
    CleanStart, Clock, ClockStamp, ClockedLayout, EarlierLayouts, LayoutAtCommit, LayoutMode,
    compose_file, stamp_uniformly,
};

use super::WorkTreeLayouts;
use super::layout_part::{LayoutPart, OwnedPairs};
use crate::layouts;
use crate::layouts::file_states::FileState;
use crate::layouts::layout_finder::BlobLayout;
use crate::layouts::raw_files::extract_layout;
use crate::layouts::{MAX_MATCHED_SIZE, notes_history};
use crate::platform::git::{CommitId, ObjectId, RepoPath, Result};

/// What a file held before git wrote it.
#[derive(Debug)]
pub(super) struct StateBefore {
    pub(super) blob: ObjectId,
    pub(super) part: LayoutPart,
    /// It is older than what git wrote last, too.
    pub(super) precedes_write: bool,
    /// The tab that saved the file since cannot have shown it.
    pub(super) is_seen_over: bool,
}

/// What a file held in a commit that was made without git-comfy.
#[derive(Debug)]
pub(super) struct RawCommit {
    pub(super) part: LayoutPart,
    /// When, in milliseconds since 1970.
    pub(super) at: u64,
}

impl RawCommit {
    pub(super) fn layout(&self) -> LayoutAtCommit<'_> {
        LayoutAtCommit { source: self.part.source(), at: self.at }
    }
}

/// The past of a file, with what it borrows from.
#[derive(Debug, Default)]
pub(super) struct PreviousLayouts {
    pub(super) last: Option<LayoutPart>,
    pub(super) written: Option<LayoutPart>,
    pub(super) before: Vec<StateBefore>,
    /// What git wrote last, if it held something else before.
    pub(super) last_write: Option<FileState>,
    pub(super) remembered: Vec<LayoutPart>,
    pub(super) raw_commits: Vec<RawCommit>,
    pub(super) set_aside: Option<LayoutPart>,
    /// The name it had, where it was renamed.
    pub(super) name_before: Option<String>,
}

impl PreviousLayouts {
    pub(super) fn is_nothing(&self) -> bool {
        self.last.is_none()
            && self.written.is_none()
            && self.before.is_empty()
            && self.set_aside.is_none()
            && self.name_before.is_none()
    }

    /// How a file lies that has no positions, though it had some: a script wrote it, or a tool
    /// for JSON, and nobody moved anything. As if git had written that content. Nothing for every
    /// other file.
    pub(super) fn layout_of_positionless(
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

    pub(super) fn as_past(&self) -> EarlierLayouts<'_> {
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

/// So many earlier layouts of a file are looked at when it was committed without git-comfy.
const MAX_REMEMBERED: usize = 64;

impl<'r> WorkTreeLayouts<'r> {
    /// What is known of a file from before it was saved.
    pub(super) fn load_previous(
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

    /// Every layout of a file that this work tree or the notes of its path remember.
    pub(super) fn remembered_layouts(&mut self, path: &RepoPath) -> Result<Vec<FileState>> {
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
    pub(super) fn raw_commits(
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

    /// The layout of a file that was committed with its positions.
    pub(super) fn committed_raw_layout(
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
}
