//! Why a file, or a part of it, could not be read.

use std::io;

/// Why nothing could be read at all.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The first bytes are those of no format in [`super::Container`].
    #[error("no kind of file that carries a workflow (its first bytes are unknown)")]
    Unrecognized,
    /// The given reader returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A part of a file that could not be read. What stands before it was read all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileDefect {
    /// The file ends inside a part.
    #[error("the file ends inside {0}")]
    Truncated(&'static str),
    /// A part contradicts its format.
    #[error("{what} at byte {at} is damaged")]
    Malformed {
        /// The part in words, such as `a PNG text chunk`.
        what: &'static str,
        /// Its offset in the file.
        at: u64,
    },
    /// A part is larger than the bounds of a reader allow.
    #[error("{what} is too large to read ({limit} bytes at most)")]
    TooLarge {
        /// The part in words, such as `a PNG text chunk`.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file has more parts than the bounds of a reader allow; the rest was not looked at.
    #[error("more than {limit} {what}; the rest was not read")]
    TooMany {
        /// The parts in words.
        what: &'static str,
        /// How many are read.
        limit: u64,
    },
    /// A part uses a feature that is not supported.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

#[derive(Debug)]
pub(super) enum ReadError {
    Io(io::Error),
    Defect(FileDefect),
}

impl From<FileDefect> for ReadError {
    fn from(defect: FileDefect) -> Self {
        ReadError::Defect(defect)
    }
}

pub(super) type ReadResult<T> = Result<T, ReadError>;

/// A part that contradicts its format.
pub(super) fn malformed(what: &'static str, at: u64) -> ReadError {
    ReadError::Defect(FileDefect::Malformed { what, at })
}
