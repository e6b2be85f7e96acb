//! Floor 2: the clean form of a workflow, and its layout kept apart.
//!
//! Must not know where layouts are stored, nor what a blob id is.

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

/// Splits a workflow into clean content and layout.
pub fn clean(_bytes: &[u8], _mode: Mode) -> Outcome {
    Outcome::Untouched(None)
}

/// Puts a layout into clean content. `None`: no workflow, the bytes stay as they are.
pub fn smudge(_content: &[u8], _known: Known<'_>) -> Option<Vec<u8>> {
    None
}
