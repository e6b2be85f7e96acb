//! What a person is told when a command cannot do its work.

use std::fmt;

/// A failure at the edge: what happened, why, and what the person can do next.
///
/// Each module below the commands has an error enum of its own. A command turns it into this
/// with [`CommandError::from`] or [`CommandError::new`] and adds the hints that only it can know.
#[derive(Debug)]
pub struct CommandError {
    message: String,
    hints: Vec<String>,
}

pub type Result<T> = std::result::Result<T, CommandError>;

impl CommandError {
    /// `message` is one sentence that names the file, the node, the value.
    pub fn new(message: impl Into<String>) -> Self {
        CommandError { message: message.into(), hints: Vec::new() }
    }

    /// Adds a line that says what the person can do; hints are shown in the order they came.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: std::error::Error> From<E> for CommandError {
    /// The error and its causes, joined by colons; a cause that the text names already is left out.
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = source.source();
        }
        CommandError::new(message)
    }
}
