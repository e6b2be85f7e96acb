//! Merging workflows inside git, and resolving conflicts.

pub mod commands;
pub mod conflicted_file;
pub mod driver;
pub mod merge_files;
pub mod resolve_text;
pub mod text;
