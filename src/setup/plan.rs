//! What set-up is going to do, as a value: shown by `--dry-run`, carried out by
//! [`SetupPlan::apply`]. Making the value touches nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::CommandError;
use crate::platform::AtomicWrite;
use crate::platform::git;
use crate::platform::git::command::GitCommand;
use crate::platform::git::config::{ConfigChange, ConfigScope};

/// What can go wrong while a plan is carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("the configuration could not be changed")]
    Git(#[from] git::GitError),
    #[error("cannot {what} {}", path.display())]
    File {
        /// The verb in the message: `write`.
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Git(_) => CommandError::config(error),
            PlanError::File { .. } => CommandError::system(error),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetupStep {
    Config(ConfigScope, ConfigChange),
    /// Writes a file whole or not at all; its folder is made.
    Write {
        path: PathBuf,
        content: Vec<u8>,
        /// Whether a file that is new is executable; one that is there keeps its permissions.
        kind: NewFileKind,
    },
    /// Deletes a file that this program made.
    Delete(PathBuf),
    /// Moves a file; a relative symbolic link is changed so that it still leads to the same file.
    Move {
        from: PathBuf,
        to: PathBuf,
    },
    /// Deletes a folder that this program made, if it is empty.
    DeleteEmpty(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewFileKind {
    Text,
    /// One that can be executed.
    Program,
}

/// Steps in their order, with a title for each section and remarks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SetupPlan {
    pub sections: Vec<SetupPlanSection>,
    /// Printed behind the sections, each as a note.
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetupPlanSection {
    /// What the steps are for, as one line for the person.
    pub title: String,
    pub steps: Vec<SetupStep>,
}

impl SetupPlan {
    /// Adds a section, unless it has no steps.
    pub(crate) fn add(&mut self, title: impl Into<String>, steps: Vec<SetupStep>) {
        if !steps.is_empty() {
            self.sections.push(SetupPlanSection { title: title.into(), steps });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &SetupStep> {
        self.sections.iter().flat_map(|section| &section.steps)
    }

    /// Carries the plan out, in order. Each step is whole or not done; a second run of
    /// the command that planned it goes on where this one broke off.
    pub(crate) fn apply(&self, git: &GitCommand) -> Result<(), PlanError> {
        self.steps().try_for_each(|step| step.apply(git))
    }
}

impl SetupStep {
    fn apply(&self, git: &GitCommand) -> Result<(), PlanError> {
        match self {
            SetupStep::Config(scope, change) => Ok(change.apply(git, *scope)?),
            SetupStep::Write { path, content, kind } => {
                let way = match kind {
                    NewFileKind::Text => AtomicWrite::new(),
                    NewFileKind::Program => AtomicWrite::new().executable(),
                };
                let way = way.create_folder().follow_links().sync();
                way.write(path, content).map_err(file_error("write", path))
            }
            SetupStep::Delete(path) => fs::remove_file(path).map_err(file_error("delete", path)),
            SetupStep::Move { from, to } => move_file(from, to).map_err(file_error("move", from)),
            SetupStep::DeleteEmpty(path) => {
                let _ = fs::remove_dir(path);
                Ok(())
            }
        }
    }

    /// The step in one line: what a dry run prints.
    pub(crate) fn describe(&self) -> String {
        match self {
            SetupStep::Config(scope, ConfigChange::Set { key, value }) => {
                format!("git config --{} {key} = {value}", scope.name())
            }
            SetupStep::Config(scope, ConfigChange::Add { key, value }) => {
                format!("git config --{} {key} += {value}", scope.name())
            }
            SetupStep::Config(scope, ConfigChange::Remove { key, value }) => {
                format!("git config --{} {key} -= {value}", scope.name())
            }
            SetupStep::Write { path, .. } => format!("write {}", path.display()),
            SetupStep::Delete(path) => format!("delete {}", path.display()),
            SetupStep::Move { from, to } => format!("move {} to {}", from.display(), to.display()),
            SetupStep::DeleteEmpty(path) => format!("delete {} if it is empty", path.display()),
        }
    }
}

fn file_error<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PlanError + 'a {
    move |source| PlanError::File { what, path: path.to_owned(), source }
}

fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if to.symlink_metadata().is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is in the way", to.display()),
        ));
    }
    match fs::read_link(from) {
        Ok(target) if target.is_relative() => relink(from, to, &target),
        _ => fs::rename(from, to),
    }
}

/// Moves a relative link one folder down or up, and changes its target to match.
#[cfg(unix)]
fn relink(from: &Path, to: &Path, target: &Path) -> io::Result<()> {
    let deeper = to.components().count() > from.components().count();
    let target = if deeper {
        Path::new("..").join(target)
    } else {
        target.strip_prefix("..").unwrap_or(target).to_owned()
    };
    std::os::unix::fs::symlink(target, to)?;
    fs::remove_file(from)
}

#[cfg(not(unix))]
fn relink(from: &Path, to: &Path, _target: &Path) -> io::Result<()> {
    fs::rename(from, to)
}
