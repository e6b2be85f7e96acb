//! Edit scripts, merges and records as text, JSON, Markdown, HTML, SVG.
//!
//! ```text
//! EditScript ── tell ──▶ Story ──▶ terminal | markdown | stat
//! ```
//!
//! Every text that comes from a file is sanitized here. Must not print.

pub mod sanitize;
pub mod thumbnail;
pub mod time_argument;
pub mod words;

/// Whether the output shows colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Off,
    /// ANSI sequences.
    On,
}
