//! Floor 5: edit scripts, merges and records as text, JSON, Markdown, HTML, SVG.
//!
//! Every text that comes from a file is sanitized here. Must not print.

pub mod sanitize;
