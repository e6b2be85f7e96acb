//! What every command is given: the folder it was called in, the environment it reads,
//! the person it talks to. The environment is read here and nowhere else.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::platform::git;
use crate::platform::git::{GitEnvironment, RepoPath, Repository};
use crate::platform::text::sanitize;
use crate::platform::text::terminal_picture::PictureProtocol;
use crate::sharing;
use crate::ui::Ui;

/// One call of the program.
#[derive(Debug)]
pub struct Session {
    pub ui: Ui,
    /// The folder the command acts in (`-C` applied).
    pub cwd: PathBuf,
    pub environment: ProcessEnvironment,
    /// A bare repository among the person's own data, which stands in where the folder is in
    /// none: pictures lie in ComfyUI's folders, and what was hashed for them is remembered.
    fallback_repository: OnceCell<PathBuf>,
}

impl Session {
    pub fn new(ui: Ui, cwd: PathBuf, environment: ProcessEnvironment) -> Session {
        Session { ui, cwd, environment, fallback_repository: OnceCell::new() }
    }

    /// The repository git would use here, else the fallback repository if one was set.
    pub fn repository(&self) -> git::Result<Repository> {
        let folder = self.cwd.clone();
        let found = Repository::from_environment(&GitEnvironment {
            folder,
            ..self.environment.git.clone()
        });
        match (&found, self.fallback_repository.get()) {
            (Err(git::GitError::NoRepository(_)), Some(fallback)) => Repository::open_at(fallback),
            _ => found,
        }
    }

    /// The repository for a command that shows its state: layouts that a fetch brought are merged
    /// and written into the files first, also where git checked nothing out and called no hook.
    pub fn up_to_date_repository(&self) -> git::Result<Repository> {
        let repository = self.repository()?;
        self.catch_up(&repository);
        Ok(repository)
    }

    /// Brings the files up to what a fetch brought. The files in which something was moved by
    /// that.
    pub(crate) fn catch_up(&self, repository: &Repository) -> Vec<RepoPath> {
        if self.environment.switched_off {
            return Vec::new();
        }
        // What cannot be fetched or merged is no reason to show nothing.
        match sharing::catch_up_with_remotes(repository) {
            Ok(received) => {
                self.print_remarks(&received.remarks);
                received.files
            }
            Err(error) => {
                self.print_remarks(&[format!("fetched layouts are not merged: {error}")]);
                Vec::new()
            }
        }
    }

    /// Sets the repository that [`Session::repository`] opens where the folder is in none.
    pub fn set_fallback_repository(&self, repository: PathBuf) {
        // The first one stays: what was begun in it goes on there.
        let _ = self.fallback_repository.set(repository);
    }

    /// Prints remarks to standard error, one line each, made safe for the terminal.
    pub fn print_remarks<S: AsRef<str>>(&self, remarks: &[S]) {
        for remark in remarks {
            self.ui.warn(&format!("git-comfy: {}", sanitize::line(remark.as_ref())));
        }
    }
}

/// The environment variables the program knows.
#[derive(Debug, Clone, Default)]
pub struct ProcessEnvironment {
    /// `GIT_COMFY=0`: filters, drivers and hooks do nothing.
    pub switched_off: bool,
    /// git-comfy itself has git mark files whose changes its hook tells.
    pub is_marking_files: bool,
    /// `GIT_COMFY_FAVOR=ours` or `theirs`: settles every conflict of a merge for that side,
    /// as `-X` does for texts. git does not pass `-X` on to merge drivers.
    pub favour: Option<String>,
    /// `HOME` (or `USERPROFILE`).
    pub home: Option<PathBuf>,
    pub path: Option<OsString>,
    /// The folder of the person's own settings: `XDG_CONFIG_HOME`, else `.config` in
    /// the home folder.
    pub config_home: Option<PathBuf>,
    /// The folder of the person's own data: `XDG_DATA_HOME`, else the usual one of the
    /// system.
    pub data_home: Option<PathBuf>,
    /// The file of the running program; none where the system does not tell.
    pub program: Option<PathBuf>,
    /// `GIT_PAGER_IN_USE`: a person reads standard output through git's pager.
    pub pager_in_use: bool,
    /// `COLUMNS`: the width of the person's terminal, which git passes on.
    pub columns: Option<usize>,
    /// `NO_COLOR`, or a terminal that knows no colours: none unless git was told to
    /// show them always.
    pub no_colour: bool,
    /// The protocol by which the terminal shows pictures; none where it is not known to have one.
    pub picture_protocol: Option<PictureProtocol>,
    pub pager: PagerVariables,
    /// The variables by which git tells the programs it calls where they are.
    pub git: GitEnvironment,
}

/// How the terminal shows pictures, by the names that terminals give themselves. A
/// multiplexer stands between and passes none on.
fn detect_picture_protocol() -> Option<PictureProtocol> {
    let text = |name| std::env::var(name).unwrap_or_default();
    let (term, program) = (text("TERM"), text("TERM_PROGRAM"));
    let between = ["screen", "tmux", "zellij"].iter().any(|name| term.starts_with(name));
    if between || !text("TMUX").is_empty() || !text("STY").is_empty() || !text("ZELLIJ").is_empty()
    {
        return None;
    }
    let is_set = |name| !text(name).is_empty();
    match program.as_str() {
        "iTerm.app" | "WezTerm" => Some(PictureProtocol::ITerm),
        "ghostty" => Some(PictureProtocol::Kitty),
        _ if term == "xterm-kitty" || term == "xterm-ghostty" => Some(PictureProtocol::Kitty),
        _ if is_set("KITTY_WINDOW_ID") || is_set("KONSOLE_VERSION") => Some(PictureProtocol::Kitty),
        _ if text("LC_TERMINAL") == "iTerm2" => Some(PictureProtocol::ITerm),
        _ => None,
    }
}

/// The variables that choose a pager, in git's order, and those that a pager itself reads.
#[derive(Debug, Clone, Default)]
pub struct PagerVariables {
    /// `GIT_PAGER`: comes before the configuration.
    pub git_pager: Option<String>,
    /// `PAGER`: comes after it.
    pub pager: Option<String>,
    /// What git sets for pagers where the person has not: `LESS` and `LV`.
    pub defaults: Vec<(&'static str, &'static str)>,
}

impl PagerVariables {
    fn read() -> Self {
        let text = |name| std::env::var(name).ok();
        let defaults = [("LESS", "FRX"), ("LV", "-c")];
        let defaults = defaults.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
        PagerVariables {
            git_pager: text("GIT_PAGER"),
            pager: text("PAGER"),
            defaults: defaults.collect(),
        }
    }
}

impl ProcessEnvironment {
    /// Any other variable, for files that refer to one by name. Only text counts.
    pub fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// The folders in which programs keep their settings.
    pub fn settings_folders(&self) -> Vec<PathBuf> {
        let home = self.home.as_deref();
        let mac = home.map(|home| home.join("Library").join("Application Support"));
        let windows = std::env::var_os("APPDATA").map(PathBuf::from);
        self.config_home.clone().into_iter().chain(windows).chain(mac).collect()
    }

    pub fn read() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let home = std::env::home_dir();
        let settings = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
        ProcessEnvironment {
            no_colour: is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|t| t == "dumb"),
            picture_protocol: detect_picture_protocol(),
            pager: PagerVariables::read(),
            pager_in_use: is_set("GIT_PAGER_IN_USE"),
            columns: std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()),
            favour: std::env::var("GIT_COMFY_FAVOR").ok().filter(|side| !side.is_empty()),
            switched_off: std::env::var_os("GIT_COMFY").is_some_and(|v| v == "0"),
            is_marking_files: is_set(git::fsmonitor::MARKING_VARIABLE),
            config_home: settings
                .map(PathBuf::from)
                .or_else(|| home.as_ref().map(|home| home.join(".config"))),
            data_home: data_home(home.as_deref()),
            program: std::env::current_exe().ok(),
            git: GitEnvironment {
                folder: PathBuf::new(),
                index_file: std::env::var_os("GIT_INDEX_FILE").map(PathBuf::from),
                reflog_action: std::env::var("GIT_REFLOG_ACTION").ok(),
                has_own_settings: is_set("GIT_CONFIG_PARAMETERS") || is_set("GIT_CONFIG_COUNT"),
                has_own_ssh: is_set("GIT_SSH_COMMAND") || is_set("GIT_SSH"),
                ssh_command: std::env::var("GIT_SSH_COMMAND").ok().filter(|c| !c.is_empty()),
            },
            home,
            path: std::env::var_os("PATH"),
        }
    }
}

fn data_home(home: Option<&Path>) -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|f| f.is_absolute());
    let usual = || match std::env::consts::OS {
        "windows" => folder("LOCALAPPDATA"),
        "macos" => home.map(|home| home.join("Library").join("Application Support")),
        _ => home.map(|home| home.join(".local").join("share")),
    };
    folder("XDG_DATA_HOME").or_else(usual)
}
