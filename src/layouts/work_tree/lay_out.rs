//! Laying a content out by the layouts that were found for it; on any thread.
//!
//! Must not know where layouts come from.

use comfy_graph::clean;
use comfy_graph::clean::{Clock, ClockedLayout, LayoutSource, compose_file, stamp_uniformly};

use super::layout_part::LayoutPart;
use crate::layouts::raw_files::StoredContent;

/// A content whose layouts were found, still to be laid out.
#[derive(Debug)]
pub(crate) struct LayoutTask {
    /// The clean content.
    pub(crate) content: Vec<u8>,
    pub(super) found: FoundLayouts,
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

/// A file for the work tree, and what is to be remembered of it.
#[derive(Debug)]
pub(crate) struct LaidOutFile {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its layout, if it has one.
    pub(super) layout: Option<String>,
    /// Under which time to keep it beyond this file; none if others know it.
    pub(super) keep_at: Option<u64>,
    /// It was committed as it is, with its positions.
    pub(super) is_raw: bool,
    /// Nobody knows yet how its content lay: it is laid out by what is known of others.
    pub(super) lacks_own: bool,
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
