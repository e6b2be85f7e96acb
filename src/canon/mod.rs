//! Floor 2: the clean form of a workflow, and its layout kept apart.
//!
//! ```text
//! clean:  bytes ─ parse ─ split ──┬─ print canonical ─▶ content   (into git)
//!                                 └─ one line of JSON ─▶ layout   (kept apart)
//! smudge: content ─ parse ─ restore ─ arrange what is missing ─ print ─▶ bytes
//! ```
//!
//! Laws (`tests/canon_laws.rs`): cleaning twice is cleaning once; whatever layout is put
//! into clean content, cleaning gives that content again; content and its own layout give
//! the original bytes.
//!
//! Must not know where layouts are stored, nor what a blob id is.

mod arrange;
mod aside;
mod clean;
mod layout;
mod policy;
mod prompt;
mod restore;
mod smudge;
mod split;

pub use aside::Aside;
pub use clean::{Rest, Stripped, begin, clean, print, strip};
pub use smudge::{smudge, smudge_merged};

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
    /// Not for us: the bytes stay as they are. The remark is worth a line on stderr.
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

/// Where the layout for a smudge comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    /// The layout of exactly this content.
    Exact(&'a str),
    /// The layout of another state of the same file: matched node by node.
    Related(&'a str),
    /// Nothing is known: everything is arranged.
    Nothing,
}
