//! Vorbis comments, as FLAC, Opus, Vorbis and others hold them: a vendor, a count, then
//! `NAME=text` with lengths before them, all little-endian.

use crate::bytes::Bytes;
use crate::error::{Defect, Reading};
use crate::found::{Found, Place};
use crate::text;

pub(super) fn read(comments: &[u8], found: &mut Found) -> Reading<()> {
    parse(comments, found).ok_or_else(|| Defect::Truncated("the Vorbis comments").into())
}

fn parse(comments: &[u8], found: &mut Found) -> Option<()> {
    let mut bytes = Bytes::new(comments);
    let mut field = || {
        let length = bytes.u32_le()?;
        bytes.take(usize::try_from(length).ok()?)
    };
    let _vendor = field()?;
    let count = bytes.u32_le()?;
    for _ in 0..count {
        let length = bytes.u32_le()?;
        let comment = bytes.take(usize::try_from(length).ok()?)?;
        let Some(split) = memchr::memchr(b'=', comment) else { continue };
        let name = text::utf8(&comment[..split]);
        // A cover picture in Base64 is no text to read.
        if !name.eq_ignore_ascii_case("METADATA_BLOCK_PICTURE") {
            found.text(Place::VorbisComment, &name, text::utf8(&comment[split + 1..]));
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
