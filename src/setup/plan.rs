//! What set-up is going to do, as a value: shown by `--dry-run`, carried out by
//! [`Plan::apply`]. Making the value touches nothing.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::platform::git;
use crate::platform::git::config::{Change, Scope};
use crate::platform::git::plumbing::Git;

/// What can go wrong while a plan is carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the configuration could not be changed")]
    Git(#[from] git::Error),
    #[error("cannot {what} {}", path.display())]
    File {
        /// The verb in the message: `write`.
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Config(Scope, Change),
    /// Writes a file whole or not at all; its folder is made.
    Write {
        path: PathBuf,
        content: Vec<u8>,
        /// Whether a file that is new is executable; one that is there keeps its permissions.
        kind: Kind,
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
pub enum Kind {
    /// Mode 644.
    Text,
    /// Mode 755.
    Program,
}

/// Steps in their order, with a title for each section and remarks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub chapters: Vec<Chapter>,
    /// Printed behind the sections, each as a note.
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// What the steps are for, as one line for the person.
    pub title: String,
    pub steps: Vec<Step>,
}

impl Plan {
    /// Adds a section, unless it has no steps.
    pub fn add(&mut self, title: impl Into<String>, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.chapters.push(Chapter { title: title.into(), steps });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.chapters.is_empty()
    }

    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.chapters.iter().flat_map(|chapter| &chapter.steps)
    }

    /// Carries the plan out, in order. Each step is whole or not done; a second run of
    /// the command that planned it goes on where this one broke off.
    pub fn apply(&self, git: &Git) -> Result<(), Error> {
        self.steps().try_for_each(|step| step.apply(git))
    }
}

impl Step {
    fn apply(&self, git: &Git) -> Result<(), Error> {
        match self {
            Step::Config(scope, change) => Ok(change.apply(git, *scope)?),
            Step::Write { path, content, kind } => {
                write(path, content, *kind).map_err(wrong("write", path))
            }
            Step::Delete(path) => fs::remove_file(path).map_err(wrong("delete", path)),
            Step::Move { from, to } => carry(from, to).map_err(wrong("move", from)),
            Step::DeleteEmpty(path) => {
                let _ = fs::remove_dir(path);
                Ok(())
            }
        }
    }

    /// The step in one line: what a dry run prints.
    pub fn describe(&self) -> String {
        match self {
            Step::Config(scope, Change::Set { key, value }) => {
                format!("git config --{} {key} = {value}", scope.word())
            }
            Step::Config(scope, Change::Add { key, value }) => {
                format!("git config --{} {key} += {value}", scope.word())
            }
            Step::Config(scope, Change::Remove { key, value }) => {
                format!("git config --{} {key} -= {value}", scope.word())
            }
            Step::Write { path, .. } => format!("write {}", path.display()),
            Step::Delete(path) => format!("delete {}", path.display()),
            Step::Move { from, to } => format!("move {} to {}", from.display(), to.display()),
            Step::DeleteEmpty(path) => format!("delete {} if it is empty", path.display()),
        }
    }
}

fn wrong<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::File { what, path: path.to_owned(), source }
}

/// Replaces a file by renaming a temporary one; its permissions stay, a link stays a link.
fn write(path: &Path, content: &[u8], kind: Kind) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".git-comfy-").tempfile_in(folder)?;
    file.write_all(content)?;
    let permissions = match fs::metadata(&path) {
        Ok(known) => Some(known.permissions()),
        Err(_) => fresh(kind),
    };
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such bits")]
fn fresh(kind: Kind) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::Permissions::from_mode(if kind == Kind::Program { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn fresh(_kind: Kind) -> Option<fs::Permissions> {
    None
}

fn carry(from: &Path, to: &Path) -> io::Result<()> {
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
