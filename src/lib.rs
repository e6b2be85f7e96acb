#![doc = include_str!("architecture.md")]

mod cli;
mod differences;
mod error;
mod exit;
mod import;
mod layouts;
mod merging;
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
    pub use crate::merging::text;
    pub mod platform {
        pub use crate::platform::git::checkout;
        pub use crate::platform::git::checkout::Checkout;
        pub use crate::platform::git::plumbing::Version;
        pub use crate::platform::git::program_settings::{Program, SETTINGS};
        pub use crate::platform::git::shared_refs::{LAYOUTS, RUNS, fetch_refspec, runs_refspec};
        pub use crate::platform::git::{CommitId, ObjectId, Repository};
        pub use crate::platform::machine::{comfyui, hash, server, to_hex};
    }
    pub mod records {
        pub use crate::records::{
            ClassUse, Environment, ModelFact, ModelUse, PackEvidence, PackKind, Status, look,
            named, notes,
        };
    }
    pub mod reproduce {
        pub use crate::reproduce::{Agreement, Renames, repair};
    }
    pub mod runs {
        pub use crate::runs::{index, model, store};
    }
    pub mod sharing {
        pub use crate::sharing::{Asking, fetch, gather};
    }
}
