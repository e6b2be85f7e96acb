//! What can go wrong at the door to git.

use std::io;
use std::path::PathBuf;

use super::id::{ObjectId, RepoPath};

/// A failure of git, of the library that reads it, or of the files beside it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no repository at the place.
    #[error("no git repository at {}", .0.display())]
    NoRepository(PathBuf),
    /// The repository has no work tree, and the work needs one.
    #[error("the repository {} is bare: there is no work tree", .0.display())]
    Bare(PathBuf),
    /// The git library refused.
    #[error("{doing}: {message}")]
    Library {
        /// What was being done.
        doing: &'static str,
        /// The library's words.
        message: String,
    },
    /// `git` could not be started.
    #[error("git could not be started ({command}); is it on the PATH?")]
    NoGit {
        /// The arguments it would have had.
        command: String,
        /// Why not.
        source: io::Error,
    },
    /// `git` ended with an error.
    #[error("git {command} failed: {said}")]
    Git {
        /// Its arguments.
        command: String,
        /// The last line it wrote to standard error, or its exit status.
        said: String,
    },
    /// `git` did not come to an end in time.
    #[error("git {command} took longer than {seconds} s and was stopped")]
    TooSlow {
        /// Its arguments.
        command: String,
        /// The time it was given.
        seconds: u64,
    },
    /// A file beside git's own could not be read or written.
    #[error("{doing} {}: {source}", .path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// An object is not what it must be.
    #[error("git object {id} is no {expected}")]
    Malformed {
        /// The object.
        id: ObjectId,
        /// What it should have been.
        expected: &'static str,
    },
    /// A ref moved under our hands too often.
    #[error("{0} is being changed by another process; try again")]
    Contended(String),
    /// A file would be replaced whose content is nowhere else.
    #[error("{0} was changed meanwhile; nothing was committed, try again")]
    Uncommitted(RepoPath),
    /// git said something this program does not understand.
    #[error("git {command} answered something unexpected")]
    Unexpected {
        /// Its arguments.
        command: String,
    },
}

impl Error {
    /// Why it went wrong, for somebody who typed no command of git: in git's own words.
    pub fn reason(&self) -> String {
        match self {
            Error::Git { said, .. } => said.clone(),
            Error::TooSlow { .. } => "no answer in time".to_owned(),
            other => other.to_string(),
        }
    }

    /// Makes the mapper for a failed library call.
    pub(crate) fn library(doing: &'static str) -> impl Fn(git2::Error) -> Error {
        move |error| Error::Library { doing, message: error.message().to_owned() }
    }

    /// Makes the mapper for a failed file operation.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::File { doing, path, source }
    }
}

/// What the functions of this floor give back.
pub type Result<T> = std::result::Result<T, Error>;
