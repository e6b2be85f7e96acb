//! What a commit was made with: what its workflows name (`dependencies`), what of it is on this
//! machine (`machine_state`, `machine_view`), and the record of both, a note on the commit
//! (`schema`, `record_notes`). Must not know runs.

pub(crate) mod collect_record;
pub(crate) mod commands;
pub(crate) mod complete_records;
pub mod dependencies;
pub(crate) mod describe;
pub(crate) mod hook_recording;
pub(crate) mod join;
pub mod machine_evidence;
pub(crate) mod note_format;
pub(crate) mod prompt_summary;
pub(crate) mod reattach;
pub mod record_notes;
pub(crate) mod recorder_context;
pub(crate) mod recorder_state;
pub(crate) mod schema;
pub(crate) mod summary;

pub(crate) use note_format::{ParsedNote, join_notes, parse_note, print_record};
pub use schema::{
    ClassUse, ComfyEnvironment, ModelFact, ModelStatus, ModelUse, PackEvidence, PackKind,
};
pub(crate) use schema::{
    CommitRecord, EnvironmentSource, MachineObservation, ModelClaims, ModelEvidence, ModelHashes,
    PackFact, PendingPart, ShadowedFile, SidecarHint, WorkflowUse,
};
pub(crate) use summary::summarize_record;
