//! The clean form of a workflow, and its layout kept apart.
//!
//! ```text
//! clean:  bytes ─ parse ─ split ──┬─ print canonical ─▶ content   (into git)
//!                                 └─ one line of JSON ─▶ layout   (kept apart)
//! smudge: content ─ parse ─ restore ─ arrange what is missing ─ print ─▶ bytes
//! ```
//!
//! A layout carries when each of its places was moved (`clocked`): `stamp` finds out on
//! saving, `ClockedLayout::join` puts two of the same content together, `compose` lays
//! content out from layouts of other content too, `bring_back` as an earlier one had it.
//! `places` lists what lies where.
//!
//! Laws (`tests/canon_laws.rs`): cleaning twice is cleaning once; whatever layout is put
//! into clean content, cleaning gives that content again; content and its own layout give
//! the original bytes.
//!
//! Must not know where layouts are stored, nor what a blob id is.

mod arrange;
mod arranged;
mod aside;
mod bring_back;
mod clean;
mod clock;
mod clocked;
mod compose;
mod layout;
mod matches;
mod placement;
mod places;
mod policy;
mod prompt;
mod restore;
mod smudge;
mod split;
mod stamp;

pub use aside::Aside;
pub use bring_back::bring_back;
pub use clean::{Rest, Stripped, begin, clean, print, strip};
pub use clock::{Clock, CloneId, Stamp};
pub use clocked::ClockedLayout;
pub use compose::{Composition, MergedSide, compose, compose_merged};
pub use matches::{Matches, Pairs, Source, adds_to, said_by};
pub use placement::PlaceKind;
pub use places::{Moves, Place, PlaceName, PlaceTitles, is_elsewhere, is_made_up, moves, places};
pub use smudge::{place_missing, smudge};
pub use stamp::{Past, stamp, stamp_all};

/// What becomes of the coordinates of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Layout leaves the file and is kept apart.
    Strip,
    /// Canonical order and formatting; layout stays in the file.
    Keep,
}

/// What cleaning made of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No workflow, or one that could not be given back: the bytes stay as they are. The
    /// remark, if there is one, tells the user why.
    Untouched(Option<String>),
    /// A workflow in its clean form.
    Cleaned(Cleaned),
}

/// A workflow in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The bytes for git: a valid workflow without layout.
    pub content: Vec<u8>,
    /// The layout as one line of JSON, if the file had any: with it [`smudge`] gives back
    /// the very bytes that were cleaned.
    pub layout: Option<String>,
}
