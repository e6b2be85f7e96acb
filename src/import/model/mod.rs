//! Versions that are not in the history: conflict copies told by their names, exports and
//! outputs put into lines of versions, and each line into its order. A plan is a value that
//! can be shown, edited and fed back.
//!
//! Must not know files or git.

pub(crate) mod choices;
pub(crate) mod conflict_copy_patterns;
pub(crate) mod copy_names;
pub(crate) mod export_name;
pub(crate) mod graph_similarity;
pub(crate) mod group_outputs;
pub(crate) mod name_words;
pub(crate) mod version_lines;

pub(crate) use choices::ImportChoice;
pub(crate) use copy_names::{CopyName, parse_copy_name, parse_numbered_name};
pub(crate) use export_name::Day;
pub(crate) use graph_similarity::GraphFingerprint;
pub(crate) use group_outputs::{GeneratedOutput, OutputCollection};
pub(crate) use version_lines::{
    ExportedWorkflow, ImportDoubt, ImportPlan, WorkflowVersion, group_exports,
};
