//! What every command is given: the place it was called from, the environment it reads,
//! the person it talks to. The environment is read here and nowhere else.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::ui::Ui;

/// One call of the program.
#[derive(Debug)]
pub struct Session {
    /// Where to print.
    pub ui: Ui,
    /// The folder the command acts in (`-C` applied).
    pub cwd: PathBuf,
    /// What the environment says.
    pub environment: Environment,
}

/// The environment variables the program knows.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `GIT_COMFY=0`: filters, drivers and hooks do nothing.
    pub switched_off: bool,
    /// `HOME` (or `USERPROFILE`).
    pub home: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
}

impl Environment {
    /// Reads the process's environment.
    pub fn read() -> Self {
        Environment {
            switched_off: std::env::var_os("GIT_COMFY").is_some_and(|v| v == "0"),
            home: std::env::home_dir(),
            path: std::env::var_os("PATH"),
        }
    }
}
