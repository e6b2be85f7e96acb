#![doc = include_str!("architecture.md")]

mod cli;
mod differences;
mod error;
mod exit;
mod hooks;
mod import;
mod layouts;
mod merging;
mod picture_args;
mod pictures;
mod platform;
mod records;
mod reproduce;
mod runs;
mod screen;
mod session;
mod setup;
mod sharing;
mod snapshots;
mod ui;
mod watch;

pub use cli::run_from;

/// What the program's own tests and benches drive from within. No interface for others:
/// it changes with the program.
#[doc(hidden)]
pub mod internals {
    pub use crate::cli::Cli;
    pub use crate::layouts::restore_layouts;
    pub use crate::merging::describe;
    pub mod platform {
        pub use crate::platform::git::foreign_checkout;
        pub use crate::platform::git::foreign_checkout::Checkout;
        pub use crate::platform::git::program_settings::{ConfiguredProgram, SETTINGS};
        pub use crate::platform::git::shared_refs::{
            LAYOUTS_REF, RUNS_REF, fetch_refspec, runs_refspec,
        };
        pub use crate::platform::git::version::GitVersion;
        pub use crate::platform::git::{CommitId, ObjectId, Repository};
        pub use crate::platform::machine::{comfyui, hash, server, to_hex};
    }
    pub mod records {
        pub use crate::records::{
            ClassUse, ComfyEnvironment, ModelFact, ModelStatus, ModelUse, PackEvidence, PackKind,
            dependencies, machine_evidence, record_notes,
        };
    }
    pub mod reproduce {
        pub use crate::reproduce::{DocumentAgreement, FileRenames, repair_documents};
    }
    pub mod runs {
        pub use crate::runs::{index, run_data, runs_ref};
    }
    pub mod sharing {
        pub use crate::sharing::{Interactivity, fetch_shared_refs, merge_fetched_refs};
    }
}
