//! Versions that are not in the history: conflict copies told by their names, exports and
//! outputs put into lines of versions, and each line into its order. A plan is a value that
//! can be shown, edited and fed back.
//!
//! Must not know files or git.

pub mod choices;
pub mod conflict_copy_patterns;
pub mod copy_names;
pub mod export_name;
pub mod graph_similarity;
pub mod group_outputs;
pub mod name_words;
pub mod version_lines;

pub use choices::ImportChoice;
pub use copy_names::{CopyName, parse_copy_name, parse_numbered_name};
pub use export_name::Day;
pub use graph_similarity::GraphFingerprint;
pub use group_outputs::{GeneratedOutput, OutputCollection};
pub use version_lines::{
    ExportedWorkflow, ImportDoubt, ImportPlan, WorkflowVersion, group_exports,
};
