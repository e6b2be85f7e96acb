//! MP4 and QuickTime: metadata in `moov`, at the front or behind gigabytes of `mdat`.
//!
//! ComfyUI and ffmpeg with `use_metadata_tags` write `moov/udta/meta` (or `moov/meta`)
//! with named keys; ffmpeg without it the iTunes list, where older VideoHelperSuite put
//! everything into the comment; QuickTime files have plain texts in `udta`.

use super::isobmff::{self, BoxHeader};
use crate::budget::{MAX_ENTRIES, MAX_NESTING};
use crate::byte_cursor::ByteCursor;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{ReadResult, malformed};
use crate::text;
use crate::windowed_reader::WindowedReader;

/// Bytes of a `keys` box that are read. Names are short.
const MAX_KEYS: usize = 1 << 20;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let end = source.len();
    read_boxes(source, found, 0, end, 0)
}

fn read_boxes(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    at: u64,
    end: u64,
    depth: u32,
) -> ReadResult<()> {
    let mut at = at;
    while let Some(child) = isobmff::next_box(source, at, end)? {
        let read = match &child.kind {
            b"moov" | b"trak" if depth < MAX_NESTING => {
                read_boxes(source, found, child.body, child.end, depth + 1)
            }
            b"udta" if depth < MAX_NESTING => read_user_data(source, found, child),
            b"meta" => read_meta(source, found, child),
            b"uuid" if depth == 0 => isobmff::read_credentials(source, found, child),
            b"tkhd" => read_track_size(source, found, child),
            _ => Ok(()),
        };
        found.tolerate_defect(read)?;
        at = child.end;
    }
    Ok(())
}

/// The last eight bytes of a track header: width and height in 16.16.
fn read_track_size(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    header: BoxHeader,
) -> ReadResult<()> {
    if header.length() >= 84 {
        let [w0, w1, _, _, h0, h1, _, _] = source.read_array(header.end - 8, "a track header")?;
        let of = |high, low| u32::from(u16::from_be_bytes([high, low]));
        found.set_size(of(w0, w1), of(h0, h1));
    }
    Ok(())
}

fn read_user_data(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    udta: BoxHeader,
) -> ReadResult<()> {
    let mut at = udta.body;
    while let Some(child) = isobmff::next_box(source, at, udta.end)? {
        let read = match child.kind {
            [b'm', b'e', b't', b'a'] => read_meta(source, found, child),
            [0xa9, ..] => read_quicktime_text(source, found, child),
            _ => Ok(()),
        };
        found.tolerate_defect(read)?;
        at = child.end;
    }
    Ok(())
}

/// Length, language, text. Further languages may follow; the first is enough.
fn read_quicktime_text(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    item: BoxHeader,
) -> ReadResult<()> {
    let [l0, l1, _, _] = source.read_array(item.body, "a movie text")?;
    let length = u64::from(u16::from_be_bytes([l0, l1])).min(item.length().saturating_sub(4));
    let value = source.load(item.body + 4, length, found.max_text_len(), "a movie text")?;
    found.add_text(TextLocation::MovieItem, &item_name(item.kind), text::utf8_or_latin1(&value));
    Ok(())
}

fn read_meta(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    meta: BoxHeader,
) -> ReadResult<()> {
    let first = isobmff::meta_children_start(source, meta)?;
    let [keys, list] = isobmff::find_children(source, first, meta.end, [b"keys", b"ilst"])?;
    let names = match keys {
        Some(keys) => {
            let bytes = source.load(keys.body, keys.length(), MAX_KEYS, "the movie keys")?;
            parse_key_names(&bytes).ok_or_else(|| malformed("the movie keys", keys.body))?
        }
        None => vec![],
    };
    let Some(list) = list else { return Ok(()) };
    let mut at = list.body;
    while let Some(item) = isobmff::next_box(source, at, list.end)? {
        let read = read_list_item(source, found, item, &names);
        found.tolerate_defect(read)?;
        at = item.end;
    }
    Ok(())
}

/// Version, count, then size, namespace and name of each key.
fn parse_key_names(bytes: &[u8]) -> Option<Vec<String>> {
    let mut bytes = ByteCursor::new(bytes);
    bytes.read_u32_be()?;
    let count = usize::try_from(bytes.read_u32_be()?).ok()?.min(MAX_ENTRIES);
    let mut names = vec![];
    while names.len() < count {
        let size = usize::try_from(bytes.read_u32_be()?).ok()?;
        let _namespace = bytes.read_u32_be()?;
        names.push(text::utf8_lossy(bytes.read_bytes(size.checked_sub(8)?)?));
    }
    Some(names)
}

fn read_list_item(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    item: BoxHeader,
    names: &[String],
) -> ReadResult<()> {
    let [data, name] = isobmff::find_children(source, item.body, item.end, [b"data", b"name"])?;
    let Some(data) = data.filter(|data| data.length() >= 8) else { return Ok(()) };
    let keyword = match (names, name) {
        // `----` items of iTunes carry their name beside the value.
        ([], Some(name)) => {
            let bytes = source.load(name.body, name.length(), MAX_KEYS, "a movie item")?;
            text::utf8_lossy(bytes.get(4..).unwrap_or_default())
        }
        ([], None) => item_name(item.kind),
        (names, _) => {
            let index = usize::try_from(u32::from_be_bytes(item.kind)).unwrap_or(usize::MAX);
            let name = index.checked_sub(1).and_then(|index| names.get(index));
            name.cloned().unwrap_or_else(|| item_name(item.kind))
        }
    };
    let kind = u32::from_be_bytes(source.read_array(data.body, "a movie item")?);
    // Text, or a kind that was left open. Others are pictures and numbers.
    if !matches!(kind, 0..=2) {
        return Ok(());
    }
    let length = data.length() - 8;
    let value = source.load(data.body + 8, length, found.max_text_len(), "a movie item")?;
    let value = match kind {
        2 => text::utf16(&value, text::ByteOrder::Big),
        _ => text::utf8_lossy_owned(value),
    };
    found.add_text(TextLocation::MovieItem, &keyword, value);
    Ok(())
}

/// The usual names of the four-letter items.
fn item_name(kind: [u8; 4]) -> String {
    let name = match &kind {
        b"\xa9cmt" => "comment",
        b"\xa9nam" => "title",
        b"\xa9ART" => "artist",
        b"\xa9day" => "date",
        b"\xa9too" | b"\xa9swr" | b"\xa9enc" => "encoder",
        b"desc" | b"\xa9des" => "description",
        kind => return text::latin1(&kind[..]),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use crate::{Container, FileDefect};

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, body].concat()
    }

    fn data(kind: u32, value: &[u8]) -> Vec<u8> {
        boxed(b"data", &[&kind.to_be_bytes()[..], &[0; 4], value].concat())
    }

    fn keyed(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut keys = [&[0; 4][..], &(entries.len() as u32).to_be_bytes()].concat();
        let mut list = vec![];
        for (index, (name, value)) in (1u32..).zip(entries) {
            keys.extend(boxed(b"mdta", name.as_bytes()));
            list.extend(boxed(&index.to_be_bytes(), &data(1, value.as_bytes())));
        }
        [boxed(b"hdlr", &[0; 25]), boxed(b"keys", &keys), boxed(b"ilst", &list)].concat()
    }

    fn full(children: &[u8]) -> Vec<u8> {
        boxed(b"meta", &[&[0; 4], children].concat())
    }

    fn track(width: u16, height: u16) -> Vec<u8> {
        let mut header = vec![0; 84];
        header[76..78].copy_from_slice(&width.to_be_bytes());
        header[80..82].copy_from_slice(&height.to_be_bytes());
        boxed(b"trak", &boxed(b"tkhd", &header))
    }

    fn movie(brand: &[u8; 4], moov: &[u8]) -> Vec<u8> {
        [boxed(b"ftyp", brand), boxed(b"mdat", &[1; 3000]), boxed(b"moov", moov)].concat()
    }

    const ENTRIES: [(&str, &str); 2] = [("workflow", "{\"nodes\": []}"), ("prompt", "{}")];

    #[test]
    fn named_keys_are_read_in_each_place_they_occur() {
        let udta = boxed(b"udta", &full(&keyed(&ENTRIES)));
        let direct = full(&keyed(&ENTRIES));
        let quicktime = boxed(b"meta", &keyed(&ENTRIES));
        for meta in [udta, direct, quicktime] {
            let file = movie(b"isom", &[track(0, 0), track(640, 480), meta].concat());
            let embedded = read_bytes(&file);
            assert_eq!(embedded.container, Container::Mp4);
            assert_eq!(embedded.size.unwrap().to_string(), "640x480");
            assert_eq!(pairs(&embedded), ENTRIES);
            assert_eq!(embedded.defects, []);
        }
    }

    #[test]
    fn itunes_lists_and_quicktime_texts_are_read() {
        let named = [boxed(b"mean", b"\0\0\0\0com.apple"), boxed(b"name", b"\0\0\0\0prompt")];
        let list = [
            boxed(b"\xa9cmt", &data(1, b"{\"prompt\": \"{}\"}")),
            boxed(b"covr", &data(13, &[0xff; 100])),
            boxed(b"----", &[named.concat(), data(1, b"{}")].concat()),
        ];
        let list = full(&[boxed(b"hdlr", &[0; 25]), boxed(b"ilst", &list.concat())].concat());
        let text = boxed(b"\xa9cmt", b"\0\x07\x55\xc4a fox ..");
        let udta = boxed(b"udta", &[list, text, vec![0; 4]].concat());
        let file = movie(b"qt  ", &udta);
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::QuickTime);
        let expected =
            [("comment", "{\"prompt\": \"{}\"}"), ("prompt", "{}"), ("comment", "a fox .")];
        assert_eq!(pairs(&embedded), expected);
        survives_damage(&file[3000..]);
        survives_damage(&[boxed(b"ftyp", b"isom"), boxed(b"moov", &udta)].concat());
    }

    #[test]
    fn long_boxes_are_seeked_over_and_cut_ones_noted() {
        let mut file = boxed(b"ftyp", b"isom");
        file.extend(b"\0\0\0\x01mdat\0\0\0\0\0\0\x20\0");
        file.extend(vec![0; 0x2000 - 16]);
        file.extend(boxed(b"moov", &full(&keyed(&ENTRIES))));
        assert_eq!(pairs(&read_bytes(&file)), ENTRIES);
        file.extend(b"\xff\xff\xff\xffmdat");
        assert_eq!(read_bytes(&file).defects, [FileDefect::Truncated("a box")]);
    }

    #[test]
    fn a_box_shorter_than_its_header_ends_the_walk() {
        let mut file = movie(b"isom", &full(&keyed(&ENTRIES)));
        let kept = file.len();
        file.extend(b"\0\0\0\x04free\0\0\0\0");
        let embedded = read_bytes(&file);
        assert_eq!(pairs(&embedded), ENTRIES);
        let at = u64::try_from(kept).unwrap();
        assert_eq!(embedded.defects, [FileDefect::Malformed { what: "a box", at }]);
    }

    #[test]
    fn boxes_nested_without_end_are_not_followed_without_end() {
        let nested = (0..5000).fold(vec![], |inner, _| boxed(b"moov", &inner));
        read_bytes(&[boxed(b"ftyp", b"isom"), nested].concat());
    }
}
