//! GIF: comment and XMP extensions before the first picture.
//!
//! No node of ComfyUI writes a workflow into a GIF (VideoHelperSuite leaves a PNG beside
//! it); other tools leave comments.

use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult};
use crate::text;
use crate::windowed_reader::WindowedReader;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let [w0, w1, h0, h1, packed, _, _] = source.read_array(6, "the GIF header")?;
    let of = |low, high| u32::from(u16::from_le_bytes([low, high]));
    found.set_size(of(w0, w1), of(h0, h1));
    let palette = if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) };
    let mut at = 13 + palette;
    loop {
        source.count_step()?;
        let [lead, label] = source.read_array(at, "the GIF")?;
        if lead != 0x21 {
            return Ok(());
        }
        let (text, end) = read_sub_blocks(source, at + 2, found.max_text_len())?;
        if label == 0xfe {
            found.add_text(TextLocation::Comment, "comment", text::utf8_or_latin1(&text));
        }
        at = end;
    }
}

/// Joins the blocks of up to 255 bytes that make an extension.
fn read_sub_blocks(
    source: &mut WindowedReader<'_>,
    at: u64,
    limit: usize,
) -> ReadResult<(Vec<u8>, u64)> {
    let (mut at, mut joined) = (at, vec![]);
    loop {
        source.count_step()?;
        let [length] = source.read_array(at, "a GIF extension")?;
        at += 1;
        if length == 0 {
            return Ok((joined, at));
        }
        let block = source.peek(at, usize::from(length))?;
        if block.len() < usize::from(length) {
            return Err(FileDefect::Truncated("a GIF extension").into());
        }
        if joined.len() + block.len() <= limit {
            joined.extend_from_slice(block);
        }
        at += u64::from(length);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};

    #[test]
    fn comments_before_the_first_picture_are_read() {
        let mut file = b"GIF89a\x40\0\x20\0\x80\0\0......".to_vec();
        file.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
        file.extend(b"\x21\xfe\x05a fox\x04 ran\0");
        file.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b");
        let embedded = read_bytes(&file);
        assert_eq!(embedded.size.unwrap().to_string(), "64x32");
        assert_eq!(pairs(&embedded), [("comment", "a fox ran")]);
        survives_damage(&file);
    }
}
