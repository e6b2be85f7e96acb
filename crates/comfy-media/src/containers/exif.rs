//! EXIF: a TIFF directory of tags, as it lies in WebP, JPEG, AVIF, JPEG XL and PNG.
//!
//! Only texts are of interest, and a broken tag must not hide a whole one, so this walks
//! the two directories that hold texts itself: no values are interpreted but strings.
//! Savers spell differently: `prompt:{…}` in Model and `workflow:{…}` in Make (core),
//! `Prompt:`/`Workflow: ` in Make and ImageDescription, bare JSON in the same tags, one
//! JSON object in UserComment, A1111 text in UserComment as UTF-16.

use crate::budget::MAX_KEYWORD;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult, malformed};
use crate::text::{self, ByteOrder};

/// The tag that points to the second directory.
const EXIF_DIRECTORY_TAG: u16 = 0x8769;
const USER_COMMENT_TAG: u16 = 0x9286;

/// How far behind its start the TIFF header is searched. AVIF writers put an offset
/// there, others the prefix `Exif\0\0` once or twice.
const HEADER_SEARCH: usize = 64;

/// Reads the texts of an EXIF block, with or without its prefix. `at` is where it lies.
pub(super) fn read(block: &[u8], at: u64, found: &mut EmbeddedCollector) -> ReadResult<()> {
    let damaged = || malformed("the EXIF block", at);
    let head = &block[..block.len().min(HEADER_SEARCH)];
    let start = head.windows(4).position(|w| w == b"II*\0" || w == b"MM\0*").ok_or_else(damaged)?;
    let tiff = TiffBlock::new(&block[start..]);
    let first = tiff.u32(4).ok_or_else(damaged)?;
    let second = tiff.read_directory(first, at, found)?;
    if let Some(second) = second {
        tiff.read_directory(second, at, found)?;
    }
    Ok(())
}

struct TiffBlock<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
}

impl<'a> TiffBlock<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let order = if bytes.starts_with(b"MM") { ByteOrder::Big } else { ByteOrder::Little };
        TiffBlock { bytes, order }
    }

    fn slice(&self, at: u32, length: u32) -> Option<&'a [u8]> {
        let at = usize::try_from(at).ok()?;
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        self.bytes.get(at..end)
    }

    fn u16(&self, at: u32) -> Option<u16> {
        let bytes = self.slice(at, 2)?.try_into().ok()?;
        Some(match self.order {
            ByteOrder::Big => u16::from_be_bytes(bytes),
            ByteOrder::Little => u16::from_le_bytes(bytes),
        })
    }

    fn u32(&self, at: u32) -> Option<u32> {
        let bytes = self.slice(at, 4)?.try_into().ok()?;
        Some(match self.order {
            ByteOrder::Big => u32::from_be_bytes(bytes),
            ByteOrder::Little => u32::from_le_bytes(bytes),
        })
    }

    /// Reads the texts of one directory; gives back the pointer to the second one.
    fn read_directory(
        &self,
        at: u32,
        file_at: u64,
        found: &mut EmbeddedCollector,
    ) -> ReadResult<Option<u32>> {
        let damaged = || malformed("an EXIF directory", file_at);
        let count = self.u16(at).ok_or_else(damaged)?;
        let mut second = None;
        for index in 0..u32::from(count) {
            let entry = at.checked_add(2 + index * 12).ok_or_else(damaged)?;
            let tag = self.u16(entry).ok_or_else(damaged)?;
            let (Some(kind), Some(length)) = (self.u16(entry + 2), self.u32(entry + 4)) else {
                return Err(damaged());
            };
            if tag == EXIF_DIRECTORY_TAG {
                second = self.u32(entry + 8).filter(|second| *second != at);
                continue;
            }
            // Bytes, ASCII, undefined, UTF-8: the types that can be a text. Four bytes
            // or fewer lie in the entry itself and are no text worth reading.
            if !matches!(kind, 1 | 2 | 7 | 129) || length <= 4 {
                continue;
            }
            let place = self.u32(entry + 8).ok_or_else(damaged)?;
            match self.slice(place, length) {
                Some(value) => {
                    found.count_work(value.len())?;
                    self.read_value(tag, kind, value, found);
                }
                None => found.add_defect(FileDefect::Truncated("an EXIF text")),
            }
        }
        Ok(second)
    }

    fn read_value(&self, tag: u16, kind: u16, value: &[u8], found: &mut EmbeddedCollector) {
        if value.len() > found.max_text_len() {
            let limit = u64::try_from(found.max_text_len()).unwrap_or(u64::MAX);
            return found.add_defect(FileDefect::TooLarge { what: "an EXIF text", limit });
        }
        let text = match (tag, kind) {
            (USER_COMMENT_TAG, _) => self.decode_user_comment(value),
            // XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject.
            (0x9c9b..=0x9c9f, _) => text::utf16(value, ByteOrder::Little),
            (_, 2 | 129) => text::utf8_or_latin1(value),
            _ => return,
        };
        match split_named_json(&text) {
            Some((name, rest)) => found.add_text(TextLocation::Exif(tag), name, rest.to_owned()),
            None => found.add_text(TextLocation::Exif(tag), &tag_name(tag), text),
        }
    }

    /// Eight bytes name the encoding, unless the writer did not know that.
    fn decode_user_comment(&self, value: &[u8]) -> String {
        match value.split_first_chunk::<8>() {
            Some((b"UNICODE\0", rest)) => {
                text::utf16(rest, text::guess_byte_order(rest, self.order))
            }
            Some((b"ASCII\0\0\0" | b"JIS\0\0\0\0\0" | b"\0\0\0\0\0\0\0\0", rest)) => {
                text::utf8_or_latin1(rest)
            }
            _ => text::utf8_or_latin1(value),
        }
    }
}

/// Splits `workflow:{…}` into a name and JSON. Other texts, A1111 parameters among them,
/// have no name of their own.
fn split_named_json(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    let (name, rest) = (name.trim(), rest.trim_start());
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let named = !name.is_empty() && name.len() <= MAX_KEYWORD && name.chars().all(word);
    (named && rest.starts_with(['{', '[', '"'])).then_some((name, rest))
}

/// The name of a tag that savers use; others go by number.
fn tag_name(tag: u16) -> String {
    let name = match tag {
        0x010d => "DocumentName",
        0x010e => "ImageDescription",
        0x010f => "Make",
        0x0110 => "Model",
        0x0131 => "Software",
        0x0132 => "DateTime",
        0x013b => "Artist",
        0x8298 => "Copyright",
        0x9003 => "DateTimeOriginal",
        0x9004 => "DateTimeDigitized",
        USER_COMMENT_TAG => "UserComment",
        0x9c9b => "XPTitle",
        0x9c9c => "XPComment",
        0x9c9d => "XPAuthor",
        0x9c9e => "XPKeywords",
        0x9c9f => "XPSubject",
        tag => return format!("0x{tag:04x}"),
    };
    name.to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Container;

    /// A TIFF block with ASCII tags in its first directory.
    pub(crate) fn tiff(order: &[u8; 2], tags: &[(u16, &str)]) -> Vec<u8> {
        let tags: Vec<_> =
            tags.iter().map(|(tag, text)| (*tag, 2, [text.as_bytes(), b"\0"].concat())).collect();
        tiff_of(order, &tags, &[])
    }

    /// A TIFF block with tags of any type in both directories.
    pub(crate) fn tiff_of(
        order: &[u8; 2],
        first: &[(u16, u16, Vec<u8>)],
        second: &[(u16, u16, Vec<u8>)],
    ) -> Vec<u8> {
        let big = order == b"MM";
        let u16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let u32 = |n: usize| {
            let n = u32::try_from(n).unwrap();
            if big { n.to_be_bytes() } else { n.to_le_bytes() }
        };
        let mut out = [&order[..], &u16(42), &u32(8)].concat();
        let rows = first.len() + usize::from(!second.is_empty());
        let second_at = 8 + 2 + rows * 12 + 4;
        let second_size = if second.is_empty() { 0 } else { 2 + second.len() * 12 + 4 };
        let mut data_at = second_at + second_size;
        let mut data: Vec<u8> = vec![];
        for (directory, is_first) in [(first, true), (second, false)] {
            if directory.is_empty() && !is_first {
                continue;
            }
            let count = if is_first { rows } else { directory.len() };
            out.extend(u16(u16::try_from(count).unwrap()));
            for (tag, kind, value) in directory {
                out.extend([&u16(*tag)[..], &u16(*kind), &u32(value.len())].concat());
                out.extend(u32(data_at));
                data_at += value.len();
                data.extend(value);
            }
            if is_first && !second.is_empty() {
                out.extend(
                    [&u16(EXIF_DIRECTORY_TAG)[..], &u16(4), &u32(1), &u32(second_at)].concat(),
                );
            }
            out.extend(u32(0));
        }
        out.extend(data);
        out
    }

    fn texts(block: &[u8]) -> Vec<(String, String)> {
        let mut found = EmbeddedCollector::new(Container::Jpeg);
        read(block, 0, &mut found).ok();
        found.into_embedded().entries.into_iter().map(|e| (e.keyword, e.text)).collect()
    }

    fn one(keyword: &str, text: &str) -> Vec<(String, String)> {
        vec![(keyword.to_owned(), text.to_owned())]
    }

    #[test]
    fn savers_spell_in_many_ways() {
        assert_eq!(texts(&tiff(b"MM", &[(0x110, "prompt:{\"a\":1}")])), one("prompt", "{\"a\":1}"));
        assert_eq!(texts(&tiff(b"II", &[(0x10e, "Workflow: {}")])), one("Workflow", "{}"));
        assert_eq!(texts(&tiff(b"II", &[(0x10f, "{\"1\": {}}")])), one("Make", "{\"1\": {}}"));
        assert_eq!(texts(&tiff(b"II", &[(0x10f, "Canon Inc.")])), one("Make", "Canon Inc."));
        assert_eq!(texts(&tiff(b"II", &[(0x10d, "my key:[1]")])), one("my key", "[1]"));
        let description = "a fox, steps: many";
        assert_eq!(
            texts(&tiff(b"II", &[(0x10e, description)])),
            one("ImageDescription", description)
        );
    }

    #[test]
    fn a_user_comment_is_read_in_every_encoding() {
        let utf16 = |order: ByteOrder, text: &str| -> Vec<u8> {
            let bytes = |unit: u16| match order {
                ByteOrder::Big => unit.to_be_bytes(),
                ByteOrder::Little => unit.to_le_bytes(),
            };
            let text = text.encode_utf16().flat_map(bytes);
            b"UNICODE\0".iter().copied().chain(text).collect()
        };
        let text = "a fox\nSteps: 20";
        for value in [
            utf16(ByteOrder::Big, text),
            utf16(ByteOrder::Little, text),
            [b"ASCII\0\0\0", text.as_bytes()].concat(),
            [b"\0\0\0\0\0\0\0\0", text.as_bytes()].concat(),
            text.as_bytes().to_vec(),
        ] {
            let block = tiff_of(b"II", &[], &[(USER_COMMENT_TAG, 7, value)]);
            assert_eq!(texts(&block), one("UserComment", text));
        }
    }

    #[test]
    fn a_broken_tag_does_not_hide_a_whole_one() {
        let mut block = tiff(b"II", &[(0x10e, "workflow:{}xxxx"), (0x10f, "prompt:{}")]);
        block[14..18].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(texts(&block), one("prompt", "{}"));
    }

    #[test]
    fn a_directory_that_points_at_itself_ends() {
        let mut block = tiff_of(b"II", &[], &[(0x10f, 2, b"prompt:{}\0".to_vec())]);
        block[18..22].copy_from_slice(&8u32.to_le_bytes());
        assert_eq!(texts(&block), []);
    }
}
