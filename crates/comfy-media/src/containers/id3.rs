//! ID3v2 tags before MPEG audio, versions 2.2 to 2.4.
//!
//! ComfyUI writes version 2.4 `TXXX` frames in UTF-8. Pictures and other frames are
//! seeked over. An unsynchronised tag (zero bytes stuffed behind `ff`) is put right in
//! memory first.

use std::io::Cursor;

use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult};
use crate::text::{self, ByteOrder};
use crate::windowed_reader::WindowedReader;

const UNSYNCHRONISED: u8 = 0x80;
const EXTENDED_HEADER: u8 = 0x40;

/// Bytes of a tag from its ten bytes of header, itself and a footer included.
pub(crate) fn tag_size(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', _, _, flags, sizes @ ..] = head.first_chunk::<10>()? else {
        return None;
    };
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    Some(10 + u64::from(decode_syncsafe(*sizes)) + footer)
}

/// Seven bits of each byte.
fn decode_syncsafe(bytes: [u8; 4]) -> u32 {
    bytes.iter().fold(0, |size, byte| size << 7 | u32::from(byte & 0x7f))
}

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let head = source.peek(0, 10)?.to_vec();
    let Some(size) = tag_size(&head) else {
        // Audio without a tag.
        return Ok(());
    };
    let (version, flags) = (head[3], head[5]);
    if !(2..=4).contains(&version) {
        return Err(FileDefect::Unsupported("this version of ID3").into());
    }
    let end = size.min(source.len());
    if flags & UNSYNCHRONISED != 0 && version < 4 {
        let tag = source.load(10, end - 10, found.max_text_len(), "the ID3 tag")?;
        let mut whole = Cursor::new(undo_unsynchronisation(&tag));
        let mut inner = WindowedReader::new(&mut whole).map_err(crate::error::ReadError::Io)?;
        let end = inner.len();
        return read_frames(&mut inner, found, version, flags, 0, end);
    }
    read_frames(source, found, version, flags, 10, end)
}

/// Takes the stuffed zeros out.
fn undo_unsynchronisation(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut after_ff = false;
    for byte in bytes {
        if !(after_ff && *byte == 0) {
            out.push(*byte);
        }
        after_ff = *byte == 0xff;
    }
    out
}

fn read_frames(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    version: u8,
    flags: u8,
    at: u64,
    end: u64,
) -> ReadResult<()> {
    let mut at = at;
    if flags & EXTENDED_HEADER != 0 && version > 2 {
        let size = source.read_array(at, "the ID3 header")?;
        // Version 2.4 counts these four bytes, 2.3 does not.
        at += match version {
            4 => u64::from(decode_syncsafe(size)).max(4),
            _ => u64::from(u32::from_be_bytes(size)) + 4,
        };
    }
    let header = if version == 2 { 6 } else { 10 };
    while at + header < end {
        source.count_step()?;
        let Some(frame) = Id3Frame::parse(source, version, at, end)? else { return Ok(()) };
        if frame.is_text() {
            let body = source.load(frame.body, frame.length, found.max_text_len(), "an ID3 frame");
            if let Some(body) = found.tolerate_defect(body)? {
                frame.read_text(body, found);
            }
        }
        at = frame.body + frame.length;
    }
    Ok(())
}

struct Id3Frame {
    id: [u8; 4],
    body: u64,
    length: u64,
    unsynchronised: bool,
    /// Compressed, encrypted or with a length before it: seldom, and not read.
    encoded: bool,
}

impl Id3Frame {
    /// The frame at a place; nothing where padding begins.
    fn parse(
        source: &mut WindowedReader<'_>,
        version: u8,
        at: u64,
        end: u64,
    ) -> ReadResult<Option<Id3Frame>> {
        if version == 2 {
            let [i0, i1, i2, l0, l1, l2] = source.read_array(at, "an ID3 frame")?;
            // The names of version 2.2 are the later ones less a letter.
            let id = [i0, i1, i2, if i0 == b'T' && i1 == b'X' { b'X' } else { b' ' }];
            let length = u64::from(u32::from_be_bytes([0, l0, l1, l2]));
            let frame =
                Id3Frame { id, body: at + 6, length, unsynchronised: false, encoded: false };
            return Ok(frame.if_valid(end));
        }
        let [i0, i1, i2, i3, l0, l1, l2, l3, _, format] = source.read_array(at, "an ID3 frame")?;
        let id = [i0, i1, i2, i3];
        let plain = u64::from(u32::from_be_bytes([l0, l1, l2, l3]));
        let body = at + 10;
        let length = if version == 4 {
            let safe = u64::from(decode_syncsafe([l0, l1, l2, l3]));
            // Some writers put plain lengths into version 2.4.
            let is_plain = safe != plain
                && !Self::is_boundary(source, body + safe, end)?
                && Self::is_boundary(source, body + plain, end)?;
            if is_plain { plain } else { safe }
        } else {
            plain
        };
        let packed = if version == 4 { format & 0x0d != 0 } else { format & 0xe0 != 0 };
        let unsynchronised = version == 4 && format & 0x02 != 0;
        Ok(Id3Frame { id, body, length, unsynchronised, encoded: packed }.if_valid(end))
    }

    /// Whether a frame, padding or the end of the tag follows.
    fn is_boundary(source: &mut WindowedReader<'_>, at: u64, end: u64) -> ReadResult<bool> {
        if at >= end {
            return Ok(at == end);
        }
        let next = source.peek(at, 4)?;
        let name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        Ok(next.iter().all(name) || next.iter().all(|byte| *byte == 0))
    }

    fn if_valid(self, end: u64) -> Option<Id3Frame> {
        let named = self.id[0].is_ascii_uppercase();
        (named && self.body.saturating_add(self.length) <= end).then_some(self)
    }

    /// Text frames, comments and lyrics.
    fn is_text(&self) -> bool {
        !self.encoded
            && (self.id[0] == b'T' || matches!(&self.id, b"COMM" | b"COM " | b"USLT" | b"ULT "))
    }

    fn read_text(&self, body: Vec<u8>, found: &mut EmbeddedCollector) {
        let body = if self.unsynchronised { undo_unsynchronisation(&body) } else { body };
        let Some((encoding, mut rest)) = body.split_first() else { return };
        let described = matches!(&self.id, b"TXXX" | b"COMM" | b"COM " | b"USLT" | b"ULT ");
        if self.id[0] != b'T' {
            // A language of three letters.
            rest = rest.get(3..).unwrap_or_default();
        }
        let (description, value) =
            if described { split_description(*encoding, rest) } else { (&[][..], rest) };
        let place = TextLocation::Id3Frame(self.id);
        let name = match decode_text(*encoding, description) {
            name if !name.is_empty() => name,
            _ if self.id[0] == b'C' => "comment".to_owned(),
            _ => text::latin1(&self.id).trim_end().to_owned(),
        };
        found.add_text(place, &name, decode_text(*encoding, value));
    }
}

/// Splits at the zero that ends a description, two zeros wide in UTF-16.
fn split_description(encoding: u8, bytes: &[u8]) -> (&[u8], &[u8]) {
    if matches!(encoding, 1 | 2) {
        let end = bytes.chunks_exact(2).position(|unit| unit == [0, 0]);
        return match end {
            Some(end) => (&bytes[..end * 2], &bytes[end * 2 + 2..]),
            None => (&[], bytes),
        };
    }
    match memchr::memchr(0, bytes) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (&[], bytes),
    }
}

fn decode_text(encoding: u8, bytes: &[u8]) -> String {
    match encoding {
        1 => text::utf16(bytes, text::guess_byte_order(bytes, ByteOrder::Little)),
        2 => text::utf16(bytes, ByteOrder::Big),
        3 => text::utf8_lossy(bytes),
        _ => text::utf8_or_latin1(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use super::*;
    use crate::Container;

    fn safe(size: usize) -> [u8; 4] {
        let size = u32::try_from(size).unwrap();
        [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8)
    }

    fn frame(version: u8, id: &[u8; 4], format: u8, body: &[u8]) -> Vec<u8> {
        let size = match version {
            4 => safe(body.len()),
            _ => u32::try_from(body.len()).unwrap().to_be_bytes(),
        };
        [&id[..], &size, &[0, format], body].concat()
    }

    fn tag(version: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        [&[b'I', b'D', b'3', version, 0, flags], &safe(body.len())[..], body].concat()
    }

    #[test]
    fn described_texts_are_read_in_every_encoding() {
        let utf16: Vec<u8> = "\u{feff}workflow\0\u{feff}{\"nodes\": []}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for version in [3, 4] {
            let body = [
                frame(version, b"TXXX", 0, b"\x03prompt\0{\"1\": {}}"),
                frame(version, b"APIC", 0, &[0xff; 300]),
                frame(version, b"TXXX", 0, &[&[1], &utf16[..]].concat()),
                frame(version, b"COMM", 0, b"\0eng\0a fox"),
                frame(version, b"TSSE", 0, b"\x03Lavf"),
                vec![0; 50],
            ];
            let file = [tag(version, 0, &body.concat()), vec![0xff, 0xfb, 0x90, 0]].concat();
            let embedded = read_bytes(&file);
            assert_eq!(embedded.container, Container::Mp3);
            let expected = [
                ("prompt", "{\"1\": {}}"),
                ("workflow", "{\"nodes\": []}"),
                ("comment", "a fox"),
                ("TSSE", "Lavf"),
            ];
            assert_eq!(pairs(&embedded), expected);
            assert_eq!(embedded.defects, []);
            survives_damage(&file);
        }
    }

    #[test]
    fn old_short_names_are_read() {
        let body = b"TXX\0\0\x0a\0prompt\0{}COM\0\0\x06\0eng\0x";
        let embedded = read_bytes(&tag(2, 0, body));
        assert_eq!(pairs(&embedded), [("prompt", "{}"), ("comment", "x")]);
    }

    #[test]
    fn stuffed_zeros_are_taken_out() {
        let whole = frame(3, b"TXXX", 0, b"\0prompt\0\xff\0x");
        let stuffed: Vec<u8> = whole.clone();
        let mut expected = vec![];
        for byte in stuffed {
            expected.push(byte);
            if byte == 0xff {
                expected.push(0);
            }
        }
        let embedded = read_bytes(&tag(3, UNSYNCHRONISED, &expected));
        assert_eq!(pairs(&embedded), [("prompt", "ÿ\0x")]);
    }

    #[test]
    fn plain_lengths_in_version_four_are_seen_through() {
        let long = format!("\x03prompt\0{{\"t\": \"{}\"}}", "x".repeat(300));
        let mut wrong = frame(3, b"TXXX", 0, long.as_bytes());
        wrong.extend(frame(4, b"TXXX", 0, b"\x03workflow\0{}"));
        let embedded = read_bytes(&tag(4, 0, &wrong));
        assert_eq!(embedded.entries.len(), 2);
    }

    #[test]
    fn a_tag_larger_than_its_file_gives_what_is_there() {
        let mut file = tag(4, 0, &frame(4, b"TXXX", 0, b"\x03prompt\0{}"));
        file[6..10].copy_from_slice(&[0x7f; 4]);
        file.extend(b"TXXX\x7f\x7f\x7f\x7f\0\0\x03workflow\0{");
        assert_eq!(pairs(&read_bytes(&file)), [("prompt", "{}")]);
    }
}
