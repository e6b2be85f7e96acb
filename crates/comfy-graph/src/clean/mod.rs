//! The clean form of a workflow, and its layout kept apart.
//!
//! ```text
//! clean:  bytes ─ parse ─ split ──┬─ print canonical ─▶ content   (into git)
//!                                 └─ one line of JSON ─▶ layout   (kept apart)
//! smudge: content ─ parse ─ restore ─ arrange what is missing ─ print ─▶ bytes
//! ```
//!
//! A layout carries when each of its places was moved (`clocked_layout`): `stamp` finds out on
//! saving, `ClockedLayout::join` puts two of the same content together, `compose` lays
//! content out from layouts of other content too, `revert` as an earlier one had it.
//! `place_list` lists what lies where.
//!
//! Laws (`tests/clean_laws.rs`): cleaning twice is cleaning once; whatever layout is put
//! into clean content, cleaning gives that content again; content and its own layout give
//! the original bytes.
//!
//! Must not know where layouts are stored, nor what a blob id is.

mod arrange;
mod arranged_mark;
mod clock;
mod clock_codes;
mod clocked_layout;
mod compose;
mod document;
mod file_layout;
mod layout_source;
mod layout_view;
mod place_list;
mod placement;
mod policy;
mod prompt;
mod restore;
mod revert;
mod smudge;
mod split;
mod stamp;
mod unclocked;
mod unmerged_members;

pub use arrange::ArrangeExtent;
pub use clock::{Clock, ClockStamp, CloneId};
pub use clocked_layout::ClockedLayout;
pub use compose::{ComposedFile, MergeSideLayout, compose_file, compose_merged_file};
pub use document::{
    CleanStart, LayoutRemainder, StrippedGraph, begin_clean, clean_document, print_clean,
    strip_layout,
};
pub use layout_source::{LayoutRelation, LayoutSource, PlaceMatches, places_known_to, would_move};
pub use layout_view::LayoutView;
pub use place_list::{
    LayoutChanges, PlaceName, PlaceTitles, PlacedItem, compare_layouts, has_moved_places,
    list_places, was_arranged_before,
};
pub use placement::PlaceKind;
pub use revert::revert_layout;
pub use smudge::{arrange_again, place_missing, smudge};
pub use stamp::{
    EarlierLayouts, LayoutAtCommit, StampedLine, shows_moves_of_others, stamp_layout, stamp_moves,
    stamp_uniformly,
};
pub use unclocked::{UnclockedRanks, UnclockedSide, outrank_unmoved, unclocked_places_known_to};
pub use unmerged_members::take_over_unmerged;

/// What becomes of the coordinates of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutMode {
    /// Layout leaves the file and is kept apart.
    Strip,
    /// Canonical order and formatting; layout stays in the file.
    Keep,
}

/// What cleaning made of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanOutcome {
    /// No workflow, or one that could not be given back: the bytes stay as they are. The
    /// remark, if there is one, tells the user why.
    Untouched(Option<String>),
    /// A workflow in its clean form.
    Cleaned(CleanResult),
}

/// A workflow in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanResult {
    /// The bytes for git: a valid workflow without layout.
    pub content: Vec<u8>,
    /// The layout as one line of JSON, if the file had any: with it [`smudge`] gives back
    /// the very bytes that were cleaned.
    pub layout: Option<String>,
}
