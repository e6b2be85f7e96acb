//! Why a text is not a JSON document that can be given back unchanged, and where.

use std::fmt;

/// What stopped the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonErrorKind {
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
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Offset in bytes from the start of the text.
    pub offset: usize,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in bytes, counted from 1.
    pub column: usize,
}

impl JsonError {
    /// Works out line and column only now, when there is something to report.
    pub(super) fn new(kind: JsonErrorKind, text: &[u8], offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
        JsonError { kind, offset, line, column }
    }
}

impl fmt::Display for JsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonErrorKind::NotUtf8 => f.write_str("the text is not UTF-8"),
            JsonErrorKind::ByteOrderMark => f.write_str("the file starts with a byte order mark"),
            JsonErrorKind::UnexpectedEnd => f.write_str("the text ends too early"),
            JsonErrorKind::Unexpected(c) => write!(f, "unexpected {c:?}"),
            JsonErrorKind::TrailingText => f.write_str("text after the end of the document"),
            JsonErrorKind::ControlCharacter => f.write_str("a raw control character in a string"),
            JsonErrorKind::BadEscape => f.write_str("an unknown escape in a string"),
            JsonErrorKind::LoneSurrogate => f.write_str("half a surrogate pair in a string"),
            JsonErrorKind::BadNumber => f.write_str("a number that JSON does not allow"),
            JsonErrorKind::NotFinite => f.write_str("NaN or Infinity, which JSON does not allow"),
            JsonErrorKind::DuplicateKey(key) => write!(f, "the key {key:?} occurs twice"),
            JsonErrorKind::TooDeep => write!(f, "nested deeper than {} levels", super::MAX_DEPTH),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)
    }
}

impl std::error::Error for JsonError {}
