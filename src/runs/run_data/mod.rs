//! A run: one generation, what it was made of and what came out.
//!
//! A run is put together from evidence of several kinds: the prompt and workflow that an
//! output file carries, an entry of the server's history, the events that the bridge saw.
//! Each gives a [`Run`] that says what that evidence shows and nothing else; runs of one id
//! are joined ([`Run::join`]).
//!
//! Must not know files, git or the server.

pub mod bridge_spool;
pub mod embedded;
pub mod identity;
pub mod join;
pub mod lineage;
pub mod pin_seeds;
pub mod prompt_facts;
pub mod queue_entries;
pub mod run_format;
pub mod schema;
pub mod server_history;

pub use bridge_spool::run_from_spool;
pub use embedded::{is_content_run_id, run_from_payload};
pub use identity::{prompt_content_id, prompt_graph_id, upstream_nodes, workflow_graph_id};
pub use lineage::{ComparisonVerdict, Derivation, InputSetting, OutputComparison, RunParent};
pub use pin_seeds::{PinResult, PinScope, pin_values};
pub use prompt_facts::run_branch;
pub use queue_entries::{entry_from_job, parse_job_ids, run_without_end, running_entries};
pub use run_format::{RunError, join_run_texts, parse_run, print_run};
pub use schema::{
    CommittedFile, InputFile, OutputBase, OutputFile, Redaction, Run, RunModel, RunOutcome,
    RunProblem, RunSource, SCHEMA, Sampler, Seed,
};
pub use server_history::{
    EXTRA_DATA_KEY, HistoryEntry, ServerFile, parse_entries, parse_entry, run_from_entry,
};

/// What evidence gave: the run, and the two documents that it was made of, as they are
/// kept beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunEvidence {
    pub run: Run,
    /// The executed prompt, in API format.
    pub prompt: Option<comfy_graph::json::Value>,
    /// The workflow as the canvas held it when it was queued.
    pub workflow: Option<comfy_graph::json::Value>,
}
