//! Looks at every link of the chain between a workflow and git, and says how to mend what
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

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, but there is something to know.
    Note,
    /// Something that git-comfy promises does not hold.
    Broken,
}

impl Health {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Health::Good => "good",
            Health::Note => "note",
            Health::Broken => "broken",
        }
    }
}

/// What was found out about one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check: stable, for programs.
    pub check: &'static str,
    /// How it is.
    pub health: Health,
    /// The same in words.
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

/// What is looked at.
#[derive(Debug)]
pub struct Patient {
    /// The folder we are in.
    pub folder: PathBuf,
    /// The repository and its configuration.
    pub state: State,
    /// The program that is running.
    pub program: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `GIT_COMFY=0` is set.
    pub switched_off: bool,
}

/// The command that mends most.
const INIT: &str = "git comfy init";

type Check = fn(&Patient) -> Result<Vec<Finding>>;

/// All checks, from the machine inwards.
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

/// Looks at everything.
pub fn examine(patient: &Patient) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for check in CHECKS {
        findings.extend(check(patient)?);
    }
    Ok(findings)
}
