//! JPEG: marker segments up to the start of the scan.
//!
//! Savers put EXIF into an APP1 segment of at most 64 KiB (a longer workflow they drop);
//! XMP lies in APP1 too, comments in COM.

use super::exif;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{ReadResult, malformed};
use crate::text;
use crate::windowed_reader::WindowedReader;

const XMP_PREFIX: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let mut at = 2;
    loop {
        source.count_step()?;
        let [lead, marker] = source.read_array(at, "the JPEG")?;
        if lead != 0xff {
            return Err(malformed("a JPEG segment", at));
        }
        match marker {
            // Fill bytes may stand before a marker.
            0xff => {
                at += 1;
                continue;
            }
            // Start of scan, end of image: no metadata behind.
            0xd9 | 0xda => return Ok(()),
            // Markers without a body.
            0x01 | 0xd0..=0xd8 => {
                at += 2;
                continue;
            }
            _ => {}
        }
        let length = u64::from(u16::from_be_bytes(source.read_array(at + 2, "a JPEG segment")?));
        let Some(length) = length.checked_sub(2) else {
            return Err(malformed("a JPEG segment", at));
        };
        let body = at + 4;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [_, h0, h1, w0, w1] = source.read_array(body, "the JPEG frame")?;
                let of = |high, low| u32::from(u16::from_be_bytes([high, low]));
                found.set_size(of(w0, w1), of(h0, h1));
            }
            0xe1 | 0xeb | 0xed | 0xfe => {
                let segment = source.load(body, length, found.max_text_len(), "a JPEG segment");
                if let Some(segment) = found.tolerate_defect(segment)? {
                    let read = read_metadata(marker, &segment, body, found);
                    found.tolerate_defect(read)?;
                }
            }
            _ => {}
        }
        at = body + length;
    }
}

fn read_metadata(
    marker: u8,
    segment: &[u8],
    at: u64,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    if marker == 0xeb {
        // A manifest takes several segments; only the first names its kind.
        let is_manifest = segment.windows(4).any(|part| part == b"c2pa");
        if is_manifest || found.has_credentials() {
            found.add_credentials(segment);
        }
    } else if marker == 0xed {
        read_iptc(segment, found);
    } else if marker == 0xfe {
        found.add_text(TextLocation::Comment, "comment", text::utf8_or_latin1(segment));
    } else if let Some(packet) = segment.strip_prefix(XMP_PREFIX) {
        found.add_text(TextLocation::Xmp, "XMP", text::utf8_lossy(packet));
    } else if [&b"Exif\0"[..], b"II*\0", b"MM\0*"].iter().any(|head| segment.starts_with(head)) {
        exif::read(segment, at, found)?;
    }
    Ok(())
}

/// The data sets of IPTC that say who made a picture and how.
fn read_iptc(segment: &[u8], found: &mut EmbeddedCollector) {
    const SETS: [(u8, &str); 3] =
        [(40, "SpecialInstructions"), (65, "OriginatingProgram"), (110, "Credit")];
    if !segment.starts_with(b"Photoshop 3.0\0") {
        return;
    }
    for (number, name) in SETS {
        let head = [0x1c, 2, number];
        let at = segment.windows(3).position(|part| part == head);
        let value = at.and_then(|at| {
            let [high, low, rest @ ..] = &segment[at + 3..] else { return None };
            rest.get(..usize::from(u16::from_be_bytes([*high, *low])))
        });
        if let Some(value) = value {
            found.add_text(TextLocation::Iptc, name, text::utf8_or_latin1(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::exif::tests::tiff;
    use super::super::{pairs, read_bytes, survives_damage};
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    }

    #[test]
    fn exif_xmp_and_comments_are_read_up_to_the_scan() {
        let exif = [b"Exif\0\0".to_vec(), tiff(b"II", &[(0x10f, "prompt:{}")])].concat();
        let file = [
            vec![0xff, 0xd8],
            segment(0xe0, b"JFIF\0"),
            vec![0xff, 0xff],
            segment(0xe1, &exif),
            segment(0xe1, &[XMP_PREFIX, b"<x:xmpmeta/>"].concat()),
            segment(0xfe, b"made by a fox"),
            segment(0xc2, b"\x08\0\x20\0\x40\x03"),
            segment(0xda, b""),
            segment(0xfe, b"not metadata"),
        ];
        let file = file.concat();
        let embedded = read_bytes(&file);
        let expected = [("prompt", "{}"), ("XMP", "<x:xmpmeta/>"), ("comment", "made by a fox")];
        assert_eq!(pairs(&embedded), expected);
        assert_eq!(embedded.size.unwrap().to_string(), "64x32");
        assert_eq!(embedded.defects, []);
        survives_damage(&file);
    }
}
