//! Merging workflows inside git, and resolving conflicts.

pub mod commands;
pub mod conflict_text;
pub mod conflicted_file;
pub mod describe;
pub mod merge_files;
pub mod merge_state;
