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
    /// The folder of the person's own settings: `XDG_CONFIG_HOME`, else `.config` in
    /// the home folder.
    pub config_home: Option<PathBuf>,
    /// The file of the running program.
    pub program: Option<PathBuf>,
}

impl Environment {
    /// Reads the process's environment.
    pub fn read() -> Self {
        let home = std::env::home_dir();
        let settings = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
        Environment {
            switched_off: std::env::var_os("GIT_COMFY").is_some_and(|v| v == "0"),
            config_home: settings
                .map(PathBuf::from)
                .or_else(|| home.as_ref().map(|home| home.join(".config"))),
            program: std::env::current_exe().ok(),
            home,
            path: std::env::var_os("PATH"),
        }
    }
}
