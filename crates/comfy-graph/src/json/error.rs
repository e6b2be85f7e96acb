//! Why a text is not a JSON document that can be given back unchanged, and where.

use std::fmt;

/// What stopped the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The bytes are not UTF-8 (UTF-16 files end up here).
    NotUtf8,
    /// The file starts with a byte order mark. Printing would drop it.
    ByteOrderMark,
    /// The text ends inside a value.
    UnexpectedEnd,
    /// A character that cannot stand here.
    Unexpected(char),
    /// Something follows the document.
    TrailingText,
    /// A raw control character inside a string.
    ControlCharacter,
    /// An escape that JSON does not have.
    BadEscape,
    /// Half of a surrogate pair: not a code point, so it cannot be kept.
    LoneSurrogate,
    /// A number that JSON does not have, such as `01`.
    BadNumber,
    /// `NaN`, `Infinity` or `-Infinity`: Python writes them, JSON has none.
    NotFinite,
    /// The same key twice in one object: one of the two would be lost.
    DuplicateKey(String),
    /// Nested deeper than [`super::MAX_DEPTH`].
    TooDeep,
}

/// Why a text was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Offset in bytes from the start of the text.
    pub offset: usize,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in bytes, counted from 1.
    pub column: usize,
}

impl Error {
    /// Works out line and column only now, when there is something to report.
    pub(super) fn at(kind: ErrorKind, text: &[u8], offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
        Error { kind, offset, line, column }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::NotUtf8 => f.write_str("the text is not UTF-8"),
            ErrorKind::ByteOrderMark => f.write_str("the file starts with a byte order mark"),
            ErrorKind::UnexpectedEnd => f.write_str("the text ends too early"),
            ErrorKind::Unexpected(c) => write!(f, "unexpected {c:?}"),
            ErrorKind::TrailingText => f.write_str("text after the end of the document"),
            ErrorKind::ControlCharacter => f.write_str("a raw control character in a string"),
            ErrorKind::BadEscape => f.write_str("an unknown escape in a string"),
            ErrorKind::LoneSurrogate => f.write_str("half a surrogate pair in a string"),
            ErrorKind::BadNumber => f.write_str("a number that JSON does not allow"),
            ErrorKind::NotFinite => f.write_str("NaN or Infinity, which JSON does not allow"),
            ErrorKind::DuplicateKey(key) => write!(f, "the key {key:?} occurs twice"),
            ErrorKind::TooDeep => write!(f, "nested deeper than {} levels", super::MAX_DEPTH),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)
    }
}

impl std::error::Error for Error {}
