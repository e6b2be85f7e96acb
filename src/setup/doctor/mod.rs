//! Checks everything that must work between a workflow and git, and says how to mend what
//! is broken. Changes nothing.

pub(crate) mod environment;
pub(crate) mod filter;
pub(crate) mod hooks;
pub(crate) mod layout_storage;
pub(crate) mod recorder;
pub(crate) mod repository;
pub(crate) mod round_trip;

use std::ffi::OsString;
use std::path::PathBuf;

use super::state::SetupState;
use crate::platform::git::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FindingHealth {
    Good,
    /// It works, but the person should know something.
    Note,
    /// Something does not work as git-comfy promises.
    Broken,
}

impl FindingHealth {
    /// The word in the JSON report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FindingHealth::Good => "good",
            FindingHealth::Note => "note",
            FindingHealth::Broken => "broken",
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DoctorFinding {
    /// The name of the check: stable, for programs.
    pub check: &'static str,
    /// Whether something is wrong.
    pub health: FindingHealth,
    /// One line for the person.
    pub what: String,
    /// The command that mends it, or what else to do.
    pub mend: Option<String>,
}

impl DoctorFinding {
    fn good(check: &'static str, what: impl Into<String>) -> DoctorFinding {
        DoctorFinding { check, health: FindingHealth::Good, what: what.into(), mend: None }
    }

    fn note(check: &'static str, what: impl Into<String>) -> DoctorFinding {
        DoctorFinding { check, health: FindingHealth::Note, what: what.into(), mend: None }
    }

    fn broken(check: &'static str, what: impl Into<String>) -> DoctorFinding {
        DoctorFinding { check, health: FindingHealth::Broken, what: what.into(), mend: None }
    }

    fn with_mend(mut self, command: impl Into<String>) -> DoctorFinding {
        self.mend = Some(command.into());
        self
    }
}

/// What the checks are given.
#[derive(Debug)]
pub(crate) struct DoctorContext {
    /// The folder the command runs in.
    pub folder: PathBuf,
    /// The repository and its configuration, read once.
    pub state: SetupState,
    pub program: Option<PathBuf>,
    pub path: Option<OsString>,
    /// `GIT_COMFY=0` is set.
    pub switched_off: bool,
}

/// The command that mends most findings.
const INIT: &str = "git comfy init";

type DoctorCheck = fn(&DoctorContext) -> Result<Vec<DoctorFinding>>;

/// All checks, in the order of the report: the machine first, then the repository.
const CHECKS: &[DoctorCheck] = &[
    environment::check_git_version,
    environment::check_path,
    environment::check_switched_off,
    filter::check_settings,
    filter::check_program,
    repository::check_attributes,
    repository::check_foreign_filters,
    round_trip::check_round_trip,
    layout_storage::check_layout_storage,
    hooks::check_hooks,
    repository::check_remotes,
    repository::check_note_rewriting,
    repository::check_modified_marks,
    repository::check_raw_workflows,
    environment::check_synced_folder,
];

pub(crate) fn run_checks(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let mut findings = Vec::new();
    for check in CHECKS {
        findings.extend(check(context)?);
    }
    Ok(findings)
}
