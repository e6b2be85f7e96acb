//! What a commit or a run was made with.
//!
//! Must not know the machine.

pub mod commands;
pub mod describe;
pub mod glance;
pub mod join;
pub mod look;
pub mod named;
pub mod notes;
pub mod recorder_state;
pub mod schema;
pub mod summary;
pub mod text;
pub mod worker;

pub use schema::{
    AlsoThere, Claims, ClassUse, Environment, Evidence, ModelFact, ModelHashes, ModelUse, Origin,
    PackEvidence, PackFact, PackKind, Part, Record, Seen, SidecarHint, Status, WorkflowUse,
};
pub use summary::summary;
pub use text::{Parsed, join_notes, parse, print};
