//! JSON documents that lose nothing.
//!
//! A [`Value`] keeps what a general JSON library throws away and git users notice: the
//! spelling of every number, the order of every key, strings to the code point. A
//! [`JsonStyle`] is how a file spells its whitespace and escapes, so that a value can be
//! printed back to the bytes it was read from. [`JsonPath`] points into a value.
//!
//! Why a tree of our own beside `serde_json`: `serde_json` collapses duplicate keys,
//! rewrites `1e5` to `1e+5`, takes about 80 bytes for every array element when key order
//! and number text are kept (one element of a link table is 2 to 3 bytes of file), and
//! has no reading of the bare `NaN` that Python writes into image metadata. Reports,
//! server answers and settings, where none of that matters, use `serde_json`.
//!
//! What only cleans and smudges is read as a tree whose texts stay in the file:
//! it is the same tree over another kind of text, and half as expensive.
//!
//! This module must not know what a workflow is.

mod convert;
mod deserialize;
mod error;
mod names;
mod number;
mod object;
mod parse;
mod path;
mod print;
mod reprint;
mod scan;
mod style;
mod text;
mod value;

pub use deserialize::DeserializeError;
pub use error::{JsonError, JsonErrorKind};
pub(crate) use names::NameTable;
pub(crate) use number::JsonNumber;
pub use number::Number;
pub(crate) use object::JsonObject;
pub use object::{JsonKey, Object};
pub use parse::{MAX_DEPTH, parse, parse_lenient, parse_text};
pub(crate) use parse::{decode_utf8, parse_source};
pub use path::{JsonPath, JsonStep};
pub(crate) use print::{NO_LINES, print_into, print_object_into, prints_as};
pub use print::{print, print_object};
pub use reprint::reprint;
pub use style::{Escapes, Indent, JsonStyle, LineEnd};
pub(crate) use text::{JsonText, SourceText};
pub(crate) use value::JsonValue;
pub use value::Value;
