//! JPEG XL in its box form. A bare codestream has no metadata.

use super::{exif, isobmff};
use crate::error::{Defect, Reading};
use crate::found::{Found, Place};
use crate::source::Source;
use crate::text;

pub(super) fn read(source: &mut Source<'_>, found: &mut Found) -> Reading<()> {
    if source.peek(0, 2)? == [0xff, 0x0a] {
        return Ok(());
    }
    let (mut at, end) = (0, source.len());
    while let Some(part) = isobmff::next(source, at, end)? {
        if matches!(&part.kind, b"Exif" | b"xml ") {
            let bytes = source.load(part.body, part.length(), found.room(), "a metadata box");
            if let Some(bytes) = found.tolerate(bytes)? {
                let read = if &part.kind == b"Exif" {
                    exif::read(&bytes, part.body, found)
                } else {
                    found.text(Place::Xmp, "XMP", text::utf8_owned(bytes));
                    Ok(())
                };
                found.tolerate(read)?;
            }
        } else if &part.kind == b"brob" {
            found.defect(Defect::Unsupported("Brotli-compressed metadata"));
        }
        at = part.end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::exif::tests::tiff;
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::{Container, Defect};

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
        assert_eq!(embedded.defects, [Defect::Unsupported("Brotli-compressed metadata")]);
        survives_damage(&file);
    }
}
