//! Checks everything that must work between a workflow and git, and says how to mend what
//! is broken. Changes nothing.

pub mod around;
pub mod files;
pub mod filter;
pub mod hooking;
pub mod keeping;
pub mod recorder;
pub mod trial;

use std::ffi::OsString;
use std::path::PathBuf;

use super::state::State;
use crate::platform::git::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Good,
    /// It works, but the person should know something.
    Note,
    /// Something does not work as git-comfy promises.
    Broken,
}

impl Health {
    /// The word in the JSON report.
    pub fn word(self) -> &'static str {
        match self {
            Health::Good => "good",
            Health::Note => "note",
            Health::Broken => "broken",
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check: stable, for programs.
    pub check: &'static str,
    /// Whether something is wrong.
    pub health: Health,
    /// One line for the person.
    pub what: String,
    /// The command that mends it, or what else to do.
    pub mend: Option<String>,
}

impl Finding {
    fn good(check: &'static str, what: impl Into<String>) -> Finding {
        Finding { check, health: Health::Good, what: what.into(), mend: None }
    }

    fn note(check: &'static str, what: impl Into<String>) -> Finding {
        Finding { check, health: Health::Note, what: what.into(), mend: None }
    }

    fn broken(check: &'static str, what: impl Into<String>) -> Finding {
        Finding { check, health: Health::Broken, what: what.into(), mend: None }
    }

    fn mend(mut self, command: impl Into<String>) -> Finding {
        self.mend = Some(command.into());
        self
    }
}

/// What the checks are given.
#[derive(Debug)]
pub struct Patient {
    /// The folder the command runs in.
    pub folder: PathBuf,
    /// The repository and its configuration, read once.
    pub state: State,
    pub program: Option<PathBuf>,
    pub path: Option<OsString>,
    /// `GIT_COMFY=0` is set.
    pub switched_off: bool,
}

/// The command that mends most findings.
const INIT: &str = "git comfy init";

type Check = fn(&Patient) -> Result<Vec<Finding>>;

/// All checks, in the order of the report: the machine first, then the repository.
const CHECKS: &[Check] = &[
    around::git_version,
    around::reachable,
    around::switched_off,
    filter::settings,
    filter::program,
    files::attributes,
    files::foreign_filters,
    trial::round_trip,
    keeping::keeping,
    hooking::hooks,
    files::remotes,
    files::rewrite,
    files::marks,
    files::raw,
    around::synced_folder,
];

/// Runs all checks.
pub fn examine(patient: &Patient) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for check in CHECKS {
        findings.extend(check(patient)?);
    }
    Ok(findings)
}
