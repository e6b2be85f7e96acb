//! A file laid out as it was earlier.

use comfy_graph::clean;
use comfy_graph::clean::{Clock, ClockedLayout};

use super::WorkTreeLayouts;
use crate::layouts::file_states::FileState;
use crate::layouts::layout_note::LayoutEntry;
use crate::platform::git::{ObjectId, RepoPath, Result};

/// A layout that was brought back, still to be kept and written.
#[derive(Debug)]
pub(crate) struct RestoredFile {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    pub(super) layout: ClockedLayout,
}

impl<'r> WorkTreeLayouts<'r> {
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
