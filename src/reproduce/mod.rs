//! What making a picture again takes: what the original needed, what is here instead, and
//! the two documents repaired for what is here.
//!
//! ```text
//! run, records ───▶ Requirements ─┐
//!                                 ├─▶ ReproductionCheck ─▶ FileRenames ─▶ RepairedDocuments
//! the machine ────▶ LocalMachine ─┘
//! ```
//!
//! Evidence only: what nobody recorded is said to be unknown, never guessed. Must not know
//! the machine; what is here is handed in.

pub(crate) mod a1111_hashes;
pub(crate) mod apply;
pub(crate) mod available_files;
pub(crate) mod check;
pub(crate) mod check_findings;
pub(crate) mod command_lines;
pub(crate) mod commands;
pub(crate) mod describe;
pub(crate) mod environment_specs;
pub(crate) mod find_models_and_packs;
pub(crate) mod input_lookup;
pub(crate) mod lock;
pub(crate) mod lock_files;
pub(crate) mod lost_inputs;
pub(crate) mod plan;
pub(crate) mod prompt_differences;
pub(crate) mod rename;
pub(crate) mod repair;
pub(crate) mod requirements;
pub(crate) mod rerun_report;
pub(crate) mod vary;
pub(crate) mod yaml;

pub(crate) use a1111_hashes::add_parameter_claims;
pub(crate) use available_files::{
    LocalFile, LocalInput, LocalMachine, LocalModel, LocalPack, ModelCopy, RestoreSource,
};
pub(crate) use check::check_requirements;
pub(crate) use check_findings::{
    InputState, ModelState, PackCheck, PackState, ReproductionCheck, ReproductionVerdict,
};
pub(crate) use environment_specs::{ExportedSpec, to_comfy_build, to_manager_snapshot};
pub(crate) use lock::{Lock, LockedInput};
pub use rename::FileRenames;
pub(crate) use repair::RepairedDocuments;
pub use repair::{DocumentAgreement, repair_documents};
pub(crate) use requirements::{
    RequiredInput, RequiredModel, RequiredPack, Requirements, WorkflowRecords,
};
