//! A workflow or prompt in a file of its own.

use crate::error::Reading;
use crate::found::{Found, Place};
use crate::source::Source;
use crate::text;

pub(super) fn read(source: &mut Source<'_>, found: &mut Found) -> Reading<()> {
    let length = source.len();
    let bytes = source.load(0, length, found.room(), "the JSON")?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    found.text(Place::Document, "JSON", text::utf8(bytes));
    Ok(())
}
