//! What a person is told when a command cannot do its work.

use std::error::Error;
use std::{fmt, io};

use comfy_graph::json::JsonError;

type BoxedError = Box<dyn Error + Send + Sync>;

/// A failure at the edge: what sort it is, what happened and why, and what the person can do
/// next.
///
/// Each module below the commands has an error enum of its own, and says beside it how it
/// becomes this one. A command makes one of a sentence that names the file, the node, the
/// value, and adds the hints that only it can know:
///
/// ```text
/// CommandError::user(format!("there is no remote {name}")).with_hint("git remote -v")
/// CommandError::system(error).with_context(format!("{file} cannot be written"))
/// ```
#[derive(Debug)]
pub struct CommandError {
    kind: ErrorKind,
    source: BoxedError,
    hints: Vec<String>,
}

/// Who can do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The person, by asking otherwise: a name, an option, the content of a file that was given.
    User,
    /// The person, in the repository: its state, its objects and refs, a remote.
    Repository,
    /// The person, in a setting of git's or of another program's.
    Config,
    /// The machine: files, permissions, room, programs that do not start.
    System,
    /// Whoever runs a server that was asked.
    Server,
    /// Only git-comfy itself: it is a fault, and the person is asked to report it.
    Internal,
}

pub(crate) type Result<T> = std::result::Result<T, CommandError>;

impl CommandError {
    pub fn of_kind(kind: ErrorKind, source: impl Into<BoxedError>) -> CommandError {
        CommandError { kind, source: source.into(), hints: Vec::new() }
    }

    /// What was asked for cannot be done.
    pub fn user(source: impl Into<BoxedError>) -> CommandError {
        CommandError::of_kind(ErrorKind::User, source)
    }

    /// The repository does not allow it, or git failed.
    pub fn repository(source: impl Into<BoxedError>) -> CommandError {
        CommandError::of_kind(ErrorKind::Repository, source)
    }

    /// A setting does not allow it, or cannot be understood.
    pub fn config(source: impl Into<BoxedError>) -> CommandError {
        CommandError::of_kind(ErrorKind::Config, source)
    }

    /// A file or a program of this machine failed.
    pub fn system(source: impl Into<BoxedError>) -> CommandError {
        CommandError::of_kind(ErrorKind::System, source)
    }

    /// A server did not answer, or answered something useless.
    pub fn server(source: impl Into<BoxedError>) -> CommandError {
        CommandError::of_kind(ErrorKind::Server, source)
    }

    /// What cannot happen, unless git-comfy is wrong.
    pub fn internal(source: impl Into<BoxedError>) -> CommandError {
        CommandError::of_kind(ErrorKind::Internal, source)
    }

    /// Says first what could not be done; why comes behind a colon.
    #[must_use]
    pub fn with_context(self, message: impl Into<String>) -> CommandError {
        let source = ErrorWithContext { message: message.into(), source: self.source };
        CommandError { source: Box::new(source), ..self }
    }

    /// Adds a line that says what the person can do; hints are shown in the order they came.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> CommandError {
        self.hints.push(hint.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for CommandError {
    /// The error and its causes, joined by colons; a cause that the text names already is left
    /// out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = source.source();
        }
        f.write_str(&message)
    }
}

/// A sentence in front of an error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct ErrorWithContext {
    message: String,
    source: BoxedError,
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        CommandError::system(error)
    }
}

impl From<JsonError> for CommandError {
    fn from(error: JsonError) -> Self {
        CommandError::user(error)
    }
}

/// A time that cannot be was asked for.
impl From<jiff::Error> for CommandError {
    fn from(error: jiff::Error) -> Self {
        CommandError::user(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_its_causes_once() {
        let denied = || io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let failure = CommandError::from(denied()).with_context("a.json cannot be written");
        assert_eq!(failure.kind(), ErrorKind::System);
        assert_eq!(failure.to_string(), "a.json cannot be written: permission denied");
        // It names its cause already.
        let file = crate::platform::git::GitError::file_error("writing", "a.json")(denied());
        assert_eq!(CommandError::from(file).to_string(), "writing a.json: permission denied");
        let plain = CommandError::user("there is no a.json").with_hint("b").with_hint("c");
        assert_eq!(plain.to_string(), "there is no a.json");
        assert_eq!(plain.hints(), ["b", "c"]);
    }
}
