//! What a commit or a run was made with.
//!
//! Must not know the machine.

pub mod commands;
pub mod dependencies;
pub mod describe;
pub mod join;
pub mod machine_view;
pub mod note_format;
pub mod prompt_summary;
pub mod record_notes;
pub mod recorder_state;
pub mod schema;
pub mod summary;
pub mod worker;

pub use note_format::{ParsedNote, join_notes, parse_note, print_record};
pub use schema::{
    ClassUse, ComfyEnvironment, CommitRecord, EnvironmentSource, MachineObservation, ModelClaims,
    ModelEvidence, ModelFact, ModelHashes, ModelStatus, ModelUse, PackEvidence, PackFact, PackKind,
    PendingPart, ShadowedFile, SidecarHint, WorkflowUse,
};
pub use summary::summarize_record;
