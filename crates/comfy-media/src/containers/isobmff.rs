//! Boxes of the ISO base media file format: MP4, QuickTime, AVIF, JPEG XL.

use crate::collector::EmbeddedCollector;
use crate::content_credentials::MAX_MANIFEST;
use crate::error::{FileDefect, ReadResult, malformed};
use crate::windowed_reader::WindowedReader;

/// One box: a kind and a body that lies inside its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BoxHeader {
    pub(super) kind: [u8; 4],
    /// Where the body begins.
    pub(super) body: u64,
    /// Where the box ends, and the next one begins.
    pub(super) end: u64,
}

impl BoxHeader {
    /// Bytes of the body.
    pub(super) fn length(&self) -> u64 {
        self.end - self.body
    }
}

/// The box that begins at `at` inside a parent that ends at `end`; nothing where no
/// header fits any more (QuickTime closes some lists with four zero bytes).
pub(super) fn next_box(
    source: &mut WindowedReader<'_>,
    at: u64,
    end: u64,
) -> ReadResult<Option<BoxHeader>> {
    if at.checked_add(8).is_none_or(|head| head > end) {
        return Ok(None);
    }
    source.count_step()?;
    let [s0, s1, s2, s3, kind @ ..] = source.read_array::<8>(at, "a box")?;
    let (header, size) = match u32::from_be_bytes([s0, s1, s2, s3]) {
        // To the end of what holds it.
        0 => (8, end - at),
        1 => (16, u64::from_be_bytes(source.read_array(at + 8, "a box")?)),
        size => (8, u64::from(size)),
    };
    if size < header {
        return Err(malformed("a box", at));
    }
    match at.checked_add(size).filter(|box_end| *box_end <= end) {
        Some(end) => Ok(Some(BoxHeader { kind, body: at + header, end })),
        None if end == source.len() => Err(FileDefect::Truncated("a box").into()),
        None => Err(malformed("a box", at)),
    }
}

/// The extended type of a box that holds a C2PA manifest.
const C2PA: [u8; 16] = [
    0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81,
];

/// Reads a `uuid` box, if it holds a C2PA manifest.
pub(super) fn read_credentials(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    child: BoxHeader,
) -> ReadResult<()> {
    if child.length() < 16 || source.read_array::<16>(child.body, "a uuid box")? != C2PA {
        return Ok(());
    }
    let part = child.length().min(MAX_MANIFEST);
    let manifest = source.load(child.body, part, 1 << 20, "the C2PA manifest")?;
    found.add_credentials(&manifest);
    Ok(())
}

/// The boxes of a kind wanted among the children of a range, in the order of `kinds`.
pub(super) fn find_children<const N: usize>(
    source: &mut WindowedReader<'_>,
    at: u64,
    end: u64,
    kinds: [&[u8; 4]; N],
) -> ReadResult<[Option<BoxHeader>; N]> {
    let mut wanted = [None; N];
    let mut at = at;
    while let Some(child) = next_box(source, at, end)? {
        if let Some(place) = kinds.iter().position(|kind| **kind == child.kind) {
            wanted[place].get_or_insert(child);
        }
        at = child.end;
    }
    Ok(wanted)
}

/// Where the children of a `meta` box begin. ISO gives it a version of four bytes,
/// QuickTime does not; then the kind of the first child stands at once.
pub(super) fn meta_children_start(
    source: &mut WindowedReader<'_>,
    meta: BoxHeader,
) -> ReadResult<u64> {
    let head = source.peek(meta.body, 8)?;
    let plain = head.get(4..).is_some_and(|kind| kind.iter().all(u8::is_ascii_alphabetic));
    Ok(if plain { meta.body } else { (meta.body + 4).min(meta.end) })
}
