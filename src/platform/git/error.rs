//! What can go wrong when git, its library or its files are used.

use std::error::Error;
use std::path::PathBuf;
use std::{fmt, io};

use super::id::{ObjectId, RepoPath};
use crate::error::{CommandError, ErrorKind};

/// A failure of git, of the library that reads it, or of the files beside it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository in or above the folder.
    #[error("no git repository at {}", .0.display())]
    NoRepository(PathBuf),
    /// The repository has no work tree, and the work needs one.
    #[error("the repository {} is bare: there is no work tree", .0.display())]
    Bare(PathBuf),
    /// libgit2 or gitoxide returned an error.
    #[error("{doing}: {source}")]
    Library {
        /// The operation, as `reading a ref`.
        doing: &'static str,
        source: Box<dyn Error + Send + Sync>,
    },
    /// git and this program did not understand each other while they talked.
    #[error("talking to git: {0}")]
    Protocol(#[source] Box<dyn Error + Send + Sync>),
    #[error("git could not be started ({command}); is it on the PATH?")]
    GitNotStarted { command: String, source: io::Error },
    /// `git` ended with an error.
    #[error("git {command} failed: {said}")]
    CommandFailed {
        command: String,
        /// The last line it wrote to standard error, or its exit status.
        said: String,
    },
    #[error("git {command} took longer than {seconds} s and was stopped")]
    TimedOut { command: String, seconds: u64 },
    /// A file beside git's own could not be read or written.
    #[error("{doing} {}: {source}", .path.display())]
    File {
        /// The operation, as `reading a ref`.
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// An object is of another type, or its content is not of the form its type has.
    #[error("git object {id} is no {expected}")]
    Malformed {
        id: ObjectId,
        /// The type or the note it should have been.
        expected: &'static str,
    },
    /// Other processes moved a ref at each of our attempts.
    #[error("{0} is being changed by another process; try again")]
    Contended(String),
    /// A file would be replaced whose content is nowhere else.
    #[error("{0} was changed meanwhile; nothing was committed, try again")]
    Uncommitted(RepoPath),
    /// git said something this program does not understand.
    #[error("git {command} answered something unexpected")]
    Unexpected { command: String },
}

/// In the words of libgit2 alone: its class and its code mean nothing to a person. They are in
/// the debug form.
#[derive(Debug)]
struct Libgit2Error(git2::Error);

impl fmt::Display for Libgit2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())
    }
}

impl Error for Libgit2Error {}

impl GitError {
    /// Why it went wrong, for somebody who typed no command of git: in git's own words.
    pub fn reason(&self) -> String {
        match self {
            GitError::CommandFailed { said, .. } => said.clone(),
            GitError::TimedOut { .. } => "no answer in time".to_owned(),
            other => other.to_string(),
        }
    }

    /// For `map_err` on a call of libgit2.
    pub(crate) fn libgit2_error(doing: &'static str) -> impl Fn(git2::Error) -> GitError {
        move |error| GitError::Library { doing, source: Box::new(Libgit2Error(error)) }
    }

    /// For `map_err` on a call of gitoxide, or on what a library writes to.
    pub(crate) fn library_error<E>(doing: &'static str) -> impl Fn(E) -> GitError
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        move |error| GitError::Library { doing, source: error.into() }
    }

    /// Whether the repository lies where nobody can write: git can store nothing either.
    pub(crate) fn is_read_only_filesystem(&self) -> bool {
        match self {
            GitError::File { source, .. } => source.kind() == io::ErrorKind::ReadOnlyFilesystem,
            _ => false,
        }
    }

    /// For `map_err` on a file operation.
    pub(crate) fn file_error(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> GitError {
        let path = path.into();
        move |source| GitError::File { doing, path, source }
    }
}

impl From<GitError> for CommandError {
    fn from(error: GitError) -> Self {
        let kind = match error {
            GitError::NoRepository(_)
            | GitError::Bare(_)
            | GitError::Library { .. }
            | GitError::Protocol(_)
            | GitError::CommandFailed { .. }
            | GitError::TimedOut { .. }
            | GitError::Malformed { .. }
            | GitError::Contended(_)
            | GitError::Uncommitted(_) => ErrorKind::Repository,
            GitError::GitNotStarted { .. } | GitError::File { .. } => ErrorKind::System,
            GitError::Unexpected { .. } => ErrorKind::Internal,
        };
        CommandError::of_kind(kind, error)
    }
}

pub(crate) type Result<T> = std::result::Result<T, GitError>;
