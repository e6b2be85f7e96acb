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

pub mod check;
pub mod claims;
pub mod command_lines;
pub mod commands;
pub mod describe;
pub mod environment_specs;
pub mod finding;
pub mod input_lookup;
pub mod local_machine;
pub mod lock;
pub mod lookup;
pub mod prompt_differences;
pub mod rename;
pub mod repair;
pub mod requirements;
pub mod vary;
pub mod yaml;

pub use check::check_requirements;
pub use claims::add_parameter_claims;
pub use environment_specs::{ExportedSpec, to_comfy_build, to_manager_snapshot};
pub use finding::{
    InputState, ModelState, PackCheck, PackState, ReproductionCheck, ReproductionVerdict,
};
pub use local_machine::{
    LocalFile, LocalInput, LocalMachine, LocalModel, LocalPack, ModelCopy, RestoreSource,
};
pub use lock::{Lock, LockedInput};
pub use prompt_differences::PromptDifference;
pub use rename::FileRenames;
pub use repair::{DocumentAgreement, RepairedDocuments, repair_documents};
pub use requirements::{RequiredInput, RequiredModel, RequiredPack, Requirements, WorkflowRecords};
