//! How the sides of a merge lay.

use comfy_graph::clean;
use comfy_graph::clean::{Clock, ClockedLayout, EarlierLayouts, stamp_uniformly};

use super::WorkTreeLayouts;
use super::layout_part::{LayoutPart, OwnedPairs};
use super::previous_layouts::RawCommit;
use crate::layouts::file_states::FileState;
use crate::layouts::filter::normalized_blob_id;
use crate::layouts::raw_files::extract_layout;
use crate::platform::git::{CommitId, RepoPath, Result};

/// The layout of one side of a merge.
#[derive(Debug)]
pub(crate) struct MergeLayout {
    pub(crate) layout: ClockedLayout,
    /// It is of other content.
    pub(crate) is_guess: bool,
}

impl<'r> WorkTreeLayouts<'r> {
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
}
