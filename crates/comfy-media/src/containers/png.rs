//! PNG and APNG: chunks of length, name, body and checksum.
//!
//! ComfyUI writes `tEXt` directly behind the header, its animated PNG private `comf`
//! chunks behind the pixels; other writers use `iTXt` (PIL, when a text is not Latin-1),
//! `zTXt` or `eXIf`, anywhere. Pixel chunks are seeked over; checksums are not checked.

use super::{exif, inflate};
use crate::byte_cursor::ByteCursor;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::content_credentials::MAX_MANIFEST;
use crate::error::{FileDefect, ReadResult, malformed};
use crate::windowed_reader::WindowedReader;
use crate::{Container, text};

/// Bytes of a text chunk beside the text: keyword, flags, language, translated keyword.
const MAX_TEXT_HEADER: usize = 1 << 10;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let mut at = 8;
    loop {
        source.count_step()?;
        let [l0, l1, l2, l3, name @ ..] = source.read_array::<8>(at, "the PNG")?;
        let length = u64::from(u32::from_be_bytes([l0, l1, l2, l3]));
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a PNG chunk", at));
        }
        let body = at + 8;
        match &name {
            b"IEND" => return Ok(()),
            b"IHDR" => {
                let [w0, w1, w2, w3, height @ ..] =
                    source.read_array::<8>(body, "the PNG header")?;
                let width = u32::from_be_bytes([w0, w1, w2, w3]);
                found.set_size(width, u32::from_be_bytes(height));
            }
            b"caBX" => {
                let part = length.min(MAX_MANIFEST);
                let manifest = source.load(body, part, 1 << 20, "the C2PA manifest");
                if let Some(manifest) = found.tolerate_defect(manifest)? {
                    found.add_credentials(&manifest);
                }
            }
            b"acTL" => found.set_container(Container::Apng),
            b"tEXt" | b"zTXt" | b"iTXt" | b"comf" | b"eXIf" => {
                let limit = found.max_text_len() + MAX_TEXT_HEADER;
                let chunk = source.load(body, length, limit, "a PNG text chunk");
                if let Some(chunk) = found.tolerate_defect(chunk)? {
                    let read = read_metadata(name, &chunk, body, found);
                    found.tolerate_defect(read)?;
                }
            }
            _ => {}
        }
        at = body + length + 4;
    }
}

fn read_metadata(
    name: [u8; 4],
    chunk: &[u8],
    at: u64,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    if &name == b"eXIf" {
        return exif::read(chunk, at, found);
    }
    let damaged = || malformed("a PNG text chunk", at);
    let mut bytes = ByteCursor::new(chunk);
    let keyword = text::utf8_or_latin1(bytes.read_until_nul().ok_or_else(damaged)?);
    let value = match &name {
        b"zTXt" => {
            bytes.read_u8().filter(|method| *method == 0).ok_or_else(damaged)?;
            text::utf8_or_latin1(&inflate::zlib(bytes.remaining(), at, found)?)
        }
        b"iTXt" => {
            let [compressed, method] = bytes.read_array().ok_or_else(damaged)?;
            let _language = bytes.read_until_nul().ok_or_else(damaged)?;
            let _translated = bytes.read_until_nul().ok_or_else(damaged)?;
            match (compressed, method) {
                (0, _) => text::utf8_lossy(bytes.remaining()),
                (1, 0) => text::utf8_lossy_owned(inflate::zlib(bytes.remaining(), at, found)?),
                _ => return Err(FileDefect::Unsupported("a PNG text compression").into()),
            }
        }
        _ => text::utf8_or_latin1(bytes.remaining()),
    };
    let place = if keyword == "XML:com.adobe.xmp" {
        TextLocation::Xmp
    } else {
        TextLocation::PngChunk(name)
    };
    found.add_text(place, &keyword, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use super::*;
    use std::io::Write;

    pub(crate) fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut chunk = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        chunk.extend(name);
        chunk.extend(body);
        chunk.extend([0; 4]);
        chunk
    }

    fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        png.extend(chunk(b"IHDR", b"\0\0\x02\0\0\0\x01\0\x08\x02\0\0\0"));
        chunks.iter().for_each(|chunk| png.extend(chunk));
        png.extend(chunk(b"IEND", b""));
        png
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_signed_picture_says_by_what_it_claims_to_be_made() {
        let claims = b"\0\0\0\x30jumb\x6fclaim_generator\x68Firefly/";
        let file = png(&[chunk(b"caBX", claims), chunk(b"IDAT", &[0; 9])]);
        let embedded = read_bytes(&file);
        let credentials = embedded.credentials.unwrap();
        assert_eq!(credentials.generator.as_deref(), Some("Firefly/"));
        assert_eq!(embedded.entries, []);
        survives_damage(&file);
    }

    #[test]
    fn texts_are_found_before_and_behind_the_pixels() {
        let file = png(&[
            chunk(b"tEXt", b"prompt\0{\"1\": {}}"),
            chunk(b"IDAT", &[0; 5000]),
            chunk(b"zTXt", &[b"workflow\0\0".to_vec(), deflated(b"{\"nodes\": []}")].concat()),
            chunk(b"iTXt", "parameters\0\0\0de\0Werte\0f\u{fc}chsin".as_bytes()),
            chunk(b"iTXt", &[b"note\0\x01\0\0\0".to_vec(), deflated("狐".as_bytes())].concat()),
            chunk(b"tEXt", b"author\0f\xfcchsin"),
        ]);
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Png);
        assert_eq!(embedded.size.unwrap().to_string(), "512x256");
        assert_eq!(embedded.defects, []);
        let expected = [
            ("prompt", "{\"1\": {}}"),
            ("workflow", "{\"nodes\": []}"),
            ("parameters", "füchsin"),
            ("note", "狐"),
            ("author", "füchsin"),
        ];
        assert_eq!(pairs(&embedded), expected);
        survives_damage(&file);
    }

    #[test]
    fn an_animated_png_keeps_its_texts_in_comf_chunks() {
        let file = png(&[
            chunk(b"acTL", &[0; 8]),
            chunk(b"IDAT", &[0; 10]),
            chunk(b"fdAT", &[0; 10]),
            chunk(b"comf", b"workflow\0{}"),
        ]);
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Apng);
        assert_eq!(embedded.entries[0].location, TextLocation::PngChunk(*b"comf"));
        assert_eq!(pairs(&embedded), [("workflow", "{}")]);
    }

    #[test]
    fn a_decompression_bomb_is_refused_and_the_rest_is_read() {
        let bomb = deflated(&vec![b' '; crate::budget::MAX_TEXT + 1]);
        assert!(bomb.len() < 1 << 20);
        let file = png(&[
            chunk(b"zTXt", &[b"prompt\0\0".to_vec(), bomb.clone()].concat()),
            chunk(b"iTXt", &[b"workflow\0\x01\0\0\0".to_vec(), bomb].concat()),
            chunk(b"tEXt", b"prompt\0{}"),
        ]);
        let embedded = read_bytes(&file);
        assert_eq!(pairs(&embedded), [("prompt", "{}")]);
        assert!(matches!(embedded.defects[..], [FileDefect::TooLarge { .. }]));
    }

    #[test]
    fn what_stands_before_the_damage_is_kept() {
        let mut file = png(&[chunk(b"tEXt", b"prompt\0{}")]);
        let end = file.len() - 12;
        file.truncate(end);
        file.extend(b"\xff\xff\xff\xfftEXtworkflow\0{");
        let embedded = read_bytes(&file);
        assert_eq!(pairs(&embedded), [("prompt", "{}")]);
        let truncated =
            [FileDefect::Truncated("a PNG text chunk"), FileDefect::Truncated("the PNG")];
        assert_eq!(embedded.defects, truncated);
    }
}
