//! What changed between two states of a workflow, told in every place where git shows it.

pub mod commands;
pub mod compared;
pub mod content;
pub mod fallback_repository;
pub mod file_diff;
pub mod operands;
pub mod patch;
pub mod revisions;
pub mod text;
pub mod widget_names;
pub mod workflow_summary;
