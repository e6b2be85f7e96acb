//! Vorbis comments, as FLAC, Opus, Vorbis and others hold them: a vendor, a count, then
//! `NAME=text` with lengths before them, all little-endian.

use crate::byte_cursor::ByteCursor;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult};
use crate::text;

pub(super) fn read(comments: &[u8], found: &mut EmbeddedCollector) -> ReadResult<()> {
    parse(comments, found).ok_or_else(|| FileDefect::Truncated("the Vorbis comments").into())
}

fn parse(comments: &[u8], found: &mut EmbeddedCollector) -> Option<()> {
    let mut bytes = ByteCursor::new(comments);
    let mut field = || {
        let length = bytes.read_u32_le()?;
        bytes.read_bytes(usize::try_from(length).ok()?)
    };
    let _vendor = field()?;
    let count = bytes.read_u32_le()?;
    for _ in 0..count {
        let length = bytes.read_u32_le()?;
        let comment = bytes.read_bytes(usize::try_from(length).ok()?)?;
        let Some(split) = memchr::memchr(b'=', comment) else { continue };
        let name = text::utf8_lossy(&comment[..split]);
        // A cover picture in Base64 is no text to read.
        if !name.eq_ignore_ascii_case("METADATA_BLOCK_PICTURE") {
            found.add_text(
                TextLocation::VorbisComment,
                &name,
                text::utf8_lossy(&comment[split + 1..]),
            );
        }
    }
    Some(())
}

/// Comments made for tests.
#[cfg(test)]
pub(super) fn comments(fields: &[&str]) -> Vec<u8> {
    let count = u32::try_from(fields.len()).unwrap().to_le_bytes();
    let mut out = [&4u32.to_le_bytes()[..], b"Lavf", &count].concat();
    for field in fields {
        out.extend(u32::try_from(field.len()).unwrap().to_le_bytes());
        out.extend(field.as_bytes());
    }
    out
}
