//! What changed between two states of a workflow, told in every place where git shows it.

pub mod changed_files;
pub mod commands;
pub mod content;
pub mod fallback_repository;
pub mod file_diff;
pub mod graph_diff;
pub mod node_catalog;
pub mod operands;
pub mod patch;
pub mod show_workflow;
pub mod text;
