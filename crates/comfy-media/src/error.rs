//! Why a file, or a part of it, could not be read.

use std::io;

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first bytes are none of a file that carries metadata.
    #[error("no kind of file that carries a workflow (its first bytes are unknown)")]
    Unrecognized,
    /// Reading failed below us.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A part of a file that is not as its format says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The file ends inside a part.
    #[error("the file ends inside {0}")]
    Truncated(&'static str),
    /// A part contradicts its format.
    #[error("{what} at byte {at} is damaged")]
    Malformed {
        /// The part.
        what: &'static str,
        /// Its offset in the file.
        at: u64,
    },
    /// A part is larger than [`super::budget`] allows.
    #[error("{what} is too large to read ({limit} bytes at most)")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// The limit it passes.
        limit: u64,
    },
    /// The file has more parts than [`super::budget`] allows; the rest was not looked at.
    #[error("more than {limit} {what}; the rest was not read")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A part uses a feature that is not supported.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

/// Why a reader stopped.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    Defect(Defect),
}

impl From<Defect> for Stop {
    fn from(defect: Defect) -> Self {
        Stop::Defect(defect)
    }
}

/// What readers give back.
pub(super) type Reading<T> = Result<T, Stop>;

/// A part that contradicts its format.
pub(super) fn malformed(what: &'static str, at: u64) -> Stop {
    Stop::Defect(Defect::Malformed { what, at })
}
