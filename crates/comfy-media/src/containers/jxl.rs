//! JPEG XL in its box form. A bare codestream has no metadata.

use super::{exif, isobmff};
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult};
use crate::text;
use crate::windowed_reader::WindowedReader;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    if source.peek(0, 2)? == [0xff, 0x0a] {
        return Ok(());
    }
    let (mut at, end) = (0, source.len());
    while let Some(part) = isobmff::next_box(source, at, end)? {
        if matches!(&part.kind, b"Exif" | b"xml ") {
            let bytes =
                source.load(part.body, part.length(), found.max_text_len(), "a metadata box");
            if let Some(bytes) = found.tolerate_defect(bytes)? {
                let read = if &part.kind == b"Exif" {
                    exif::read(&bytes, part.body, found)
                } else {
                    found.add_text(TextLocation::Xmp, "XMP", text::utf8_lossy_owned(bytes));
                    Ok(())
                };
                found.tolerate_defect(read)?;
            }
        } else if &part.kind == b"brob" {
            found.add_defect(FileDefect::Unsupported("Brotli-compressed metadata"));
        }
        at = part.end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::exif::tests::tiff;
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::{Container, FileDefect};

    #[test]
    fn exif_boxes_are_read_and_compressed_ones_noted() {
        let mut file = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x0cftypjxl ".to_vec();
        let exif = tiff(b"II", &[(0x10f, "Prompt: {}")]);
        file.extend(u32::try_from(exif.len() + 12).unwrap().to_be_bytes());
        file.extend([b"Exif\0\0\0\0", exif.as_slice()].concat());
        file.extend(b"\0\0\0\x0cbrobxml ");
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::JpegXl);
        assert_eq!(pairs(&embedded), [("Prompt", "{}")]);
        assert_eq!(embedded.defects, [FileDefect::Unsupported("Brotli-compressed metadata")]);
        survives_damage(&file);
    }
}
