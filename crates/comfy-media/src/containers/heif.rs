//! AVIF and HEIF: items whose places stand in `meta/iloc`.
//!
//! Savers put EXIF into an item of kind `Exif`: four bytes of offset, then TIFF.

use super::exif;
use super::isobmff::{self, BoxHeader};
use crate::budget::MAX_ENTRIES;
use crate::byte_cursor::ByteCursor;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult, malformed};
use crate::text;
use crate::windowed_reader::WindowedReader;

/// Bytes of the box that lists places. A picture of thousands of tiles needs some 100 KiB.
const MAX_LOCATION_TABLE: usize = 1 << 20;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let end = source.len();
    let [meta, signed] = isobmff::find_children(source, 0, end, [b"meta", b"uuid"])?;
    if let Some(signed) = signed {
        let read = isobmff::read_credentials(source, found, signed);
        found.tolerate_defect(read)?;
    }
    let Some(meta) = meta else { return Ok(()) };
    let first = isobmff::meta_children_start(source, meta)?;
    let kinds = [b"iinf", b"iloc", b"iprp", b"idat"];
    let [infos, places, properties, data] = isobmff::find_children(source, first, meta.end, kinds)?;
    if let Some(properties) = properties {
        let read = read_sizes(source, found, properties);
        found.tolerate_defect(read)?;
    }
    let (Some(infos), Some(places)) = (infos, places) else { return Ok(()) };
    let items = find_metadata_items(source, infos)?;
    let table = source.load(places.body, places.length(), MAX_LOCATION_TABLE, "the item places")?;
    let places =
        ItemLocations::parse(&table).ok_or_else(|| malformed("the item places", places.body))?;
    for (id, kind) in items {
        let Some(item) = places.items.iter().find(|item| item.id == id) else { continue };
        let read = load_item(source, found, item, data);
        if let Some(bytes) = found.tolerate_defect(read)? {
            let read = read_metadata(kind, bytes, found);
            found.tolerate_defect(read)?;
        }
    }
    Ok(())
}

/// The format of an item of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetadataKind {
    Exif,
    Xmp,
}

fn read_metadata(
    kind: MetadataKind,
    bytes: Vec<u8>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    match kind {
        MetadataKind::Exif => exif::read(&bytes, 0, found),
        MetadataKind::Xmp => {
            found.add_text(TextLocation::Xmp, "XMP", text::utf8_lossy_owned(bytes));
            Ok(())
        }
    }
}

/// The size of every picture; tiles and thumbnails are smaller than the whole.
fn read_sizes(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    properties: BoxHeader,
) -> ReadResult<()> {
    let [container] = isobmff::find_children(source, properties.body, properties.end, [b"ipco"])?;
    let Some(container) = container else { return Ok(()) };
    let mut at = container.body;
    while let Some(property) = isobmff::next_box(source, at, container.end)? {
        if &property.kind == b"ispe" {
            let [_, _, _, _, w0, w1, w2, w3, height @ ..] =
                source.read_array::<12>(property.body, "the picture size")?;
            let width = u32::from_be_bytes([w0, w1, w2, w3]);
            found.set_size(width, u32::from_be_bytes(height));
        }
        at = property.end;
    }
    Ok(())
}

/// The ids of the items that hold metadata.
fn find_metadata_items(
    source: &mut WindowedReader<'_>,
    infos: BoxHeader,
) -> ReadResult<Vec<(u32, MetadataKind)>> {
    let [version, ..] = source.read_array::<4>(infos.body, "the item list")?;
    let mut at = infos.body + if version == 0 { 6 } else { 8 };
    let mut items = vec![];
    while let Some(info) = isobmff::next_box(source, at, infos.end)? {
        at = info.end;
        if &info.kind != b"infe" || items.len() == MAX_ENTRIES {
            continue;
        }
        let head = source.peek(info.body, usize::try_from(info.length()).unwrap_or(64).min(64))?;
        items.extend(parse_metadata_item(head));
    }
    Ok(items)
}

/// Version, flags, id, protection, kind, name, and for `mime` the content type.
fn parse_metadata_item(info: &[u8]) -> Option<(u32, MetadataKind)> {
    let mut bytes = ByteCursor::new(info);
    let [version, ..] = bytes.read_array::<4>()?;
    let id = match version {
        2 => u32::from(bytes.read_u16_be()?),
        3 => bytes.read_u32_be()?,
        _ => return None,
    };
    let _protection = bytes.read_u16_be()?;
    match &bytes.read_array::<4>()? {
        b"Exif" => Some((id, MetadataKind::Exif)),
        b"mime" => {
            let _name = bytes.read_until_nul()?;
            let xmp = bytes.remaining().starts_with(b"application/rdf+xml");
            xmp.then_some((id, MetadataKind::Xmp))
        }
        _ => None,
    }
}

/// The parsed `iloc` table.
struct ItemLocations {
    items: Vec<ItemLocation>,
}

struct ItemLocation {
    id: u32,
    /// Offsets count from the start of the file (0) or of the `idat` box (1).
    method: u16,
    extents: Vec<(u64, u64)>,
}

impl ItemLocations {
    fn parse(table: &[u8]) -> Option<ItemLocations> {
        let mut bytes = ByteCursor::new(table);
        let [version, _, _, _, widths, more] = bytes.read_array::<6>()?;
        let (offset_width, length_width) = (usize::from(widths >> 4), usize::from(widths & 15));
        let base_width = usize::from(more >> 4);
        let index_width = if version == 0 { 0 } else { usize::from(more & 15) };
        if [offset_width, length_width, base_width, index_width].iter().any(|w| *w > 8) {
            return None;
        }
        let id_width = if version < 2 { 2 } else { 4 };
        let count = bytes.read_uint_be(id_width)?;
        let mut items = vec![];
        for _ in 0..count {
            let id = u32::try_from(bytes.read_uint_be(id_width)?).ok()?;
            let method = if version == 0 { 0 } else { bytes.read_u16_be()? & 15 };
            let _reference = bytes.read_u16_be()?;
            let base = bytes.read_uint_be(base_width)?;
            let extent_count = bytes.read_u16_be()?;
            let mut extents = vec![];
            for _ in 0..extent_count {
                bytes.read_bytes(index_width)?;
                let offset = bytes.read_uint_be(offset_width)?.saturating_add(base);
                let length = bytes.read_uint_be(length_width)?;
                // Extents of no bytes at all in the table could be without number.
                if offset_width + length_width > 0 {
                    extents.push((offset, length));
                }
            }
            items.push(ItemLocation { id, method, extents });
        }
        Some(ItemLocations { items })
    }
}

/// The bytes of an item, its extents joined.
fn load_item(
    source: &mut WindowedReader<'_>,
    found: &EmbeddedCollector,
    item: &ItemLocation,
    data: Option<BoxHeader>,
) -> ReadResult<Vec<u8>> {
    let start = match (item.method, data) {
        (0, _) => 0,
        (1, Some(data)) => data.body,
        _ => return Err(FileDefect::Unsupported("the way a picture's metadata is stored").into()),
    };
    let mut bytes = vec![];
    for (offset, length) in &item.extents {
        source.count_step()?;
        let room = found.max_text_len().saturating_sub(bytes.len());
        let at = start.saturating_add(*offset);
        bytes.extend(source.load(at, *length, room, "a metadata item")?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::exif::tests::tiff;
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::Container;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, body].concat()
    }

    /// A picture with an EXIF item, stored in the file (0) or in `idat` (1).
    fn avif(method: u8) -> Vec<u8> {
        let exif = tiff(b"MM", &[(0x10f, "Prompt: {}"), (0x10e, "Workflow: {\"nodes\": []}")]);
        let item = [&[0, 0, 0, 0][..], &exif].concat();
        let ftyp = boxed(b"ftyp", b"avif\0\0\0\0avifmif1");
        let infos = [
            boxed(b"infe", b"\x02\0\0\0\0\x01\0\0av01\0"),
            boxed(b"infe", b"\x02\0\0\0\0\x02\0\0Exif\0"),
        ];
        let infos = boxed(b"iinf", &[&b"\0\0\0\0\0\x02"[..], &infos.concat()].concat());
        let size = boxed(b"ispe", b"\0\0\0\0\0\0\x01\0\0\0\0\x80");
        let properties = boxed(b"iprp", &boxed(b"ipco", &size));
        let build = |offset: u32| {
            let place = [
                &b"\x01\0\0\0\x44\0\0\x01\0\x02\0"[..],
                &[method],
                b"\0\0\0\x02",
                &offset.to_be_bytes(),
                &10u32.to_be_bytes(),
                &(offset + 10).to_be_bytes(),
                &(item.len() as u32 - 10).to_be_bytes(),
            ];
            let stored = if method == 1 { boxed(b"idat", &item) } else { vec![] };
            let places = boxed(b"iloc", &place.concat());
            let children =
                [boxed(b"hdlr", &[0; 25]), infos.clone(), places, properties.clone(), stored];
            let meta = boxed(b"meta", &[&[0; 4], children.concat().as_slice()].concat());
            [ftyp.clone(), meta].concat()
        };
        if method == 1 {
            return build(0);
        }
        let head = build(0).len();
        [build(head as u32 + 8), boxed(b"mdat", &item)].concat()
    }

    #[test]
    fn an_exif_item_is_found_by_its_place() {
        for method in [0, 1] {
            let file = avif(method);
            let embedded = read_bytes(&file);
            assert_eq!(embedded.container, Container::Avif);
            assert_eq!(embedded.size.unwrap().to_string(), "256x128");
            let expected = [("Prompt", "{}"), ("Workflow", "{\"nodes\": []}")];
            assert_eq!(pairs(&embedded), expected);
            survives_damage(&file);
        }
    }
}
