//! What changed between two states of a workflow, told in every place where git shows it.

pub(crate) mod blame;
pub(crate) mod changed_files;
pub(crate) mod commands;
pub(crate) mod compare_files;
pub(crate) mod content;
pub(crate) mod fallback_repository;
pub(crate) mod file_diff;
pub(crate) mod graph_diff;
pub(crate) mod learn_names;
pub(crate) mod lost_graph;
pub(crate) mod operands;
mod patch;
pub(crate) mod show_workflow;
pub(crate) mod text;
