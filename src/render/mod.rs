//! Floor 6: edit scripts, merges and records as text, JSON, Markdown, HTML, SVG.
//!
//! ```text
//! EditScript ── tell ──▶ Story ──▶ terminal | markdown | stat
//! ```
//!
//! Every text that comes from a file is sanitized here. Must not print.

pub mod inspect;
pub mod layouts;
pub mod ledger;
pub mod lineage;
pub mod markdown;
pub mod merge;
mod outline;
mod phrase;
pub mod record;
pub mod replay;
pub mod resolve;
pub mod runs;
pub mod sanitize;
pub mod service;
pub mod story;
mod summary;
mod tell;
pub mod telling;
pub mod terminal;
pub mod thumbnail;
pub mod tree;
pub mod words;

pub use outline::{FORM, outline};
pub use summary::one_line;
pub use tell::{Layout, SubgraphNames, tell};
