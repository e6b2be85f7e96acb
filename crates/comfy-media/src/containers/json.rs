//! A workflow or prompt in a file of its own.

use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::ReadResult;
use crate::text;
use crate::windowed_reader::WindowedReader;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let length = source.len();
    let bytes = source.load(0, length, found.max_text_len(), "the JSON")?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    found.add_text(TextLocation::Document, "JSON", text::utf8_lossy(bytes));
    Ok(())
}
