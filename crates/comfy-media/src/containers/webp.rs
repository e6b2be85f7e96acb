//! WebP: RIFF chunks of name, length and body, padded to even.
//!
//! ComfyUI's animated WebP and the image savers put an `EXIF` chunk behind the pixels.

use super::exif;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::content_credentials::MAX_MANIFEST;
use crate::error::{ReadResult, malformed};
use crate::text;
use crate::windowed_reader::WindowedReader;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    // The length in the RIFF header is not believed: writers that append EXIF forget it.
    let mut at = 12;
    while at + 8 <= source.len() {
        source.count_step()?;
        let [n0, n1, n2, n3, length @ ..] = source.read_array::<8>(at, "the WebP")?;
        let length = u64::from(u32::from_le_bytes(length));
        let body = at + 8;
        match &[n0, n1, n2, n3] {
            b"VP8X" => {
                let [_, _, _, _, w0, w1, w2, h0, h1, h2] =
                    source.read_array(body, "the WebP header")?;
                let width = u32::from_le_bytes([w0, w1, w2, 0]) + 1;
                found.set_size(width, u32::from_le_bytes([h0, h1, h2, 0]) + 1);
            }
            b"VP8 " => {
                let head: [u8; 10] = source.read_array(body, "the WebP frame")?;
                if let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = head {
                    let of = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                    found.set_size(of(w0, w1), of(h0, h1));
                }
            }
            b"VP8L" => {
                let [_, b0, b1, b2, b3] = source.read_array(body, "the WebP frame")?;
                let bits = u32::from_le_bytes([b0, b1, b2, b3]);
                found.set_size((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
            }
            b"EXIF" => {
                let chunk = source.load(body, length, found.max_text_len(), "the EXIF chunk");
                if let Some(chunk) = found.tolerate_defect(chunk)? {
                    let read = exif::read(&chunk, body, found);
                    found.tolerate_defect(read)?;
                }
            }
            b"C2PA" => {
                let part = length.min(MAX_MANIFEST);
                let manifest = source.load(body, part, 1 << 20, "the C2PA manifest");
                if let Some(manifest) = found.tolerate_defect(manifest)? {
                    found.add_credentials(&manifest);
                }
            }
            b"XMP " => {
                let chunk = source.load(body, length, found.max_text_len(), "the XMP chunk");
                if let Some(chunk) = found.tolerate_defect(chunk)? {
                    found.add_text(TextLocation::Xmp, "XMP", text::utf8_lossy_owned(chunk));
                }
            }
            name if !name.iter().all(|b| b.is_ascii_graphic() || *b == b' ') => {
                return Err(malformed("a WebP chunk", at));
            }
            _ => {}
        }
        at = body + length + length % 2;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::exif::tests::tiff;
    use super::super::{pairs, read_bytes, survives_damage};

    fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut chunk = name.to_vec();
        chunk.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        chunk.extend(body);
        chunk.extend(vec![0; body.len() % 2]);
        chunk
    }

    fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"RIFF\x08\0\0\0WEBP".to_vec(), chunks.concat()].concat()
    }

    #[test]
    fn exif_is_found_behind_the_frames_with_and_without_its_prefix() {
        let exif = tiff(b"MM", &[(0x10f, "workflow:{\"nodes\": []}"), (0x110, "prompt:{}")]);
        for exif in [exif.clone(), [b"Exif\0\0".to_vec(), exif].concat()] {
            let file = webp(&[
                chunk(b"VP8X", &[0, 0, 0, 0, 0xff, 1, 0, 0x7f, 0, 0]),
                chunk(b"ANMF", &[0; 33]),
                chunk(b"EXIF", &exif),
            ]);
            let embedded = read_bytes(&file);
            assert_eq!(embedded.size.unwrap().to_string(), "512x128");
            let expected = [("workflow", "{\"nodes\": []}"), ("prompt", "{}")];
            assert_eq!(pairs(&embedded), expected);
            survives_damage(&file);
        }
    }

    #[test]
    fn simple_files_have_their_size_in_the_frame() {
        let lossy = webp(&[chunk(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x40\0\x20\0")]);
        assert_eq!(read_bytes(&lossy).size.unwrap().to_string(), "64x32");
        let bits: u32 = 99 | 49 << 14;
        let lossless = webp(&[chunk(b"VP8L", &[&[0x2f][..], &bits.to_le_bytes()].concat())]);
        assert_eq!(read_bytes(&lossless).size.unwrap().to_string(), "100x50");
    }
}
