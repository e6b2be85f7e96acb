//! Floor 5: what a commit or a run was made with.
//!
//! Must not know the machine.

mod digest;
pub mod glance;
mod join;
pub mod named;
pub mod past;
pub mod remote;
pub mod replay;
pub mod run;
mod schema;
mod summary;
mod text;
pub mod vary;

pub use digest::{Digest, DigestError, DigestKind, Hashes, to_hex};
pub use schema::{
    AlsoThere, Checkout, Claims, ClassUse, Environment, Evidence, ModelFact, ModelHashes, ModelUse,
    Origin, PackEvidence, PackFact, PackKind, Part, Record, SCHEMA, Seen, SidecarHint, Site,
    Status, WorkflowUse,
};
pub use summary::summary;
pub use text::{Error, Parsed, join_notes, parse, print};
