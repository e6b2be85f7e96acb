//! Merging workflows inside git, and resolving conflicts.

pub(crate) mod commands;
mod conflict_text;
mod conflicted_file;
pub mod describe;
pub(crate) mod merge_files;
pub(crate) mod merge_journal;
mod merge_layouts;
mod merge_preview;
pub(crate) mod merge_status;
