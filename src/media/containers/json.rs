//! A workflow or prompt in a file of its own.

use crate::media::error::Reading;
use crate::media::found::{Found, Place};
use crate::media::source::Source;
use crate::media::text;

pub(super) fn read(source: &mut Source<'_>, found: &mut Found) -> Reading<()> {
    let length = source.len();
    let bytes = source.load(0, length, found.room(), "the JSON")?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    found.text(Place::Document, "JSON", text::utf8(bytes));
    Ok(())
}
