//! A run: one generation, what it was made of and what came out.
//!
//! A run is put together from evidence of several kinds: the prompt and workflow that an
//! output file carries, an entry of the server's history, the events that the bridge saw.
//! Each gives a [`Run`] that says what that evidence shows and nothing else; runs of one id
//! are joined ([`Run::join`]).
//!
//! Must not know files, git or the server.

pub mod bridge;
pub mod content;
pub mod embedded;
pub mod fix;
pub mod gather;
pub mod history;
pub mod join;
pub mod lineage;
pub mod queue;
pub mod schema;
pub mod text;

pub use bridge::from_spool;
pub use content::{content_of, graph_of, graph_of_prompt, upstream};
pub use embedded::embedded;
pub use fix::{Fixed, Hold, fix_values};
pub use gather::branch;
pub use history::{Entry, Named, OWN, entries, entry, from_entry};
pub use lineage::{Comparison, Derived, Parent, Setting, Verdict};
pub use queue::{listed, of_job, running, unended};
pub use schema::{
    Input, Known, Model, Origin, Outcome, Output, Problem, Redacted, Run, SCHEMA, Sampler, Seed,
    Site,
};
pub use text::{Error, join_texts, parse, print};

/// What evidence gave: the run, and the two documents that it was made of, as they are
/// kept beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The run.
    pub run: Run,
    /// The executed prompt, in API format.
    pub prompt: Option<comfy_graph::json::Value>,
    /// The workflow as the canvas held it when it was queued.
    pub workflow: Option<comfy_graph::json::Value>,
}
