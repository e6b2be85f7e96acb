//! OpenEXR: a header of attributes (name, type, size, value) that a zero byte ends.

use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{ReadResult, malformed};
use crate::text;
use crate::windowed_reader::WindowedReader;

/// Bytes of an attribute's name or type: 255 with the long names flag.
const MAX_NAME: usize = 256;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let mut at = 8;
    loop {
        source.count_step()?;
        let (name, next) = read_name(source, at)?;
        if name.is_empty() {
            return Ok(());
        }
        let (kind, next) = self::read_name(source, next)?;
        let size = u64::from(u32::from_le_bytes(source.read_array(next, "an EXR attribute")?));
        let body = next + 4;
        match (name.as_str(), kind.as_str()) {
            ("dataWindow", "box2i") => {
                let window: [u8; 16] = source.read_array(body, "the EXR window")?;
                let corner = |at: usize| {
                    let bytes = [window[at], window[at + 1], window[at + 2], window[at + 3]];
                    i64::from(i32::from_le_bytes(bytes))
                };
                let (width, height) = (corner(8) - corner(0) + 1, corner(12) - corner(4) + 1);
                if let (Ok(width), Ok(height)) = (width.try_into(), height.try_into()) {
                    found.set_size(width, height);
                }
            }
            (_, "string") => {
                let value = source.load(body, size, found.max_text_len(), "an EXR attribute");
                if let Some(value) = found.tolerate_defect(value)? {
                    found.add_text(
                        TextLocation::ExrAttribute,
                        &name,
                        text::utf8_lossy_owned(value),
                    );
                }
            }
            _ => {}
        }
        at = body + size;
    }
}

/// A name up to its zero byte, and the place behind it.
fn read_name(source: &mut WindowedReader<'_>, at: u64) -> ReadResult<(String, u64)> {
    let bytes = source.peek(at, MAX_NAME)?;
    let end = memchr::memchr(0, bytes).ok_or_else(|| malformed("an EXR attribute", at))?;
    let behind = at + 1 + u64::try_from(end).unwrap_or(u64::MAX - at - 1);
    Ok((text::utf8_lossy(&bytes[..end]), behind))
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::Container;

    fn attribute(name: &str, kind: &str, value: &[u8]) -> Vec<u8> {
        let size = u32::try_from(value.len()).unwrap().to_le_bytes();
        [name.as_bytes(), b"\0", kind.as_bytes(), b"\0", &size, value].concat()
    }

    #[test]
    fn string_attributes_are_read() {
        let window = [0i32, 0, 511, 255].map(i32::to_le_bytes).concat();
        let file = [
            b"\x76\x2f\x31\x01\x02\0\0\0".to_vec(),
            attribute("channels", "chlist", &[0; 700]),
            attribute("prompt", "string", b"{\"1\": {}}"),
            attribute("dataWindow", "box2i", &window),
            attribute("workflow", "string", b"{\"nodes\": []}"),
            b"\0pixels".to_vec(),
        ];
        let file = file.concat();
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Exr);
        assert_eq!(embedded.size.unwrap().to_string(), "512x256");
        let expected = [("prompt", "{\"1\": {}}"), ("workflow", "{\"nodes\": []}")];
        assert_eq!(pairs(&embedded), expected);
        survives_damage(&file);
    }
}
