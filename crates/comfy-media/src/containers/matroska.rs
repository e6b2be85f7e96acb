//! Matroska and WebM: EBML elements of id, size and body.
//!
//! Metadata is in `Tags`, which ffmpeg (and so ComfyUI and VideoHelperSuite) writes
//! before the clusters, other writers behind them; the seek head says where. Without one
//! the elements are walked, clusters seeked over; a cluster of unknown size, as streaming
//! writers leave it, is walked block by block.

use crate::budget::MAX_NESTING;
use crate::collector::{EmbeddedCollector, TextLocation};
use crate::error::{FileDefect, ReadResult, malformed};
use crate::windowed_reader::WindowedReader;
use crate::{Container, text};

const EBML: u32 = 0x1a45_dfa3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const SEEK: u32 = 0x4dbb;
const SEEK_ID: u32 = 0x53ab;
const SEEK_POSITION: u32 = 0x53ac;
const CLUSTER: u32 = 0x1f43_b675;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const TAGS: u32 = 0x1254_c367;
const TAG: u32 = 0x7373;
const SIMPLE_TAG: u32 = 0x67c8;
const TAG_NAME: u32 = 0x45a3;
const TAG_STRING: u32 = 0x4487;

/// Bytes of a name.
const MAX_NAME: usize = 4 << 10;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let (mut at, end) = (0, source.len());
    while let Some(element) = next_element(source, at, end)? {
        match element.id {
            EBML => {
                let doc_type = find_child(source, element, DOC_TYPE)?;
                if let Some(doc_type) = doc_type
                    && load_body(source, doc_type, 16)?.starts_with(b"webm")
                {
                    found.set_container(Container::WebM);
                }
            }
            SEGMENT => return read_segment(source, found, element),
            _ => {}
        }
        at = element.end;
    }
    Err(FileDefect::Truncated("the Matroska header").into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EbmlElement {
    id: u32,
    body: u64,
    end: u64,
    /// Whether the writer did not know the size; `end` is then that of the parent.
    has_unknown_size: bool,
}

impl EbmlElement {
    fn length(&self) -> u64 {
        self.end - self.body
    }
}

/// The element that begins at `at` inside a parent that ends at `end`.
fn next_element(
    source: &mut WindowedReader<'_>,
    at: u64,
    end: u64,
) -> ReadResult<Option<EbmlElement>> {
    if at >= end {
        return Ok(None);
    }
    source.count_step()?;
    let head = source.peek(at, 12)?;
    let parsed = parse_element_head(head);
    let Some((id, size, width)) = parsed else {
        let short = head.len() < 12;
        return Err(if short {
            FileDefect::Truncated("an element").into()
        } else {
            malformed("an element", at)
        });
    };
    let body = at + width;
    let Some(size) = size else {
        return Ok(Some(EbmlElement { id, body: body.min(end), end, has_unknown_size: true }));
    };
    match body.checked_add(size).filter(|element_end| *element_end <= end) {
        Some(end) => Ok(Some(EbmlElement { id, body, end, has_unknown_size: false })),
        None if end == source.len() => Err(FileDefect::Truncated("an element").into()),
        None => Err(malformed("an element", at)),
    }
}

/// Id with its marker bits, size (nothing when unknown), and the bytes both take.
fn parse_element_head(head: &[u8]) -> Option<(u32, Option<u64>, u64)> {
    let first = *head.first()?;
    let id_width = first.leading_zeros() + 1;
    if id_width > 4 {
        return None;
    }
    let (id, rest) = head.split_at_checked(usize::try_from(id_width).ok()?)?;
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let size_width = rest.first()?.leading_zeros() + 1;
    if size_width > 8 {
        return None;
    }
    let size = rest.get(..usize::try_from(size_width).ok()?)?;
    let size = size.iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
    let unknown = (1 << (7 * size_width)) - 1;
    let size = size & unknown;
    Some((id, (size != unknown).then_some(size), u64::from(id_width + size_width)))
}

fn read_segment(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    segment: EbmlElement,
) -> ReadResult<()> {
    // Where tags are said to be: (place, read already).
    let mut tags: Vec<u64> = vec![];
    let mut at = segment.body;
    while let Some(element) = next_element(source, at, segment.end)? {
        at = element.end;
        match element.id {
            SEEK_HEAD => {
                let read = find_tags_offsets(source, element, segment.body);
                tags.extend(found.tolerate_defect(read)?.unwrap_or_default());
            }
            TRACKS => {
                let read = read_video_size(source, found, element);
                found.tolerate_defect(read)?;
            }
            TAGS => {
                tags.retain(|place| *place != element.body);
                let read = read_tags(source, found, element);
                found.tolerate_defect(read)?;
            }
            CLUSTER if !tags.is_empty() || !found.is_empty() => break,
            CLUSTER if element.has_unknown_size => at = element.body,
            _ => {}
        }
    }
    tags.sort_unstable();
    tags.dedup();
    for place in tags {
        let read = read_tags_at(source, found, place, segment.end);
        found.tolerate_defect(read)?;
    }
    Ok(())
}

fn read_tags_at(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    at: u64,
    end: u64,
) -> ReadResult<()> {
    match next_element(source, at, end)? {
        Some(element) if element.id == TAGS => read_tags(source, found, element),
        _ => Err(malformed("the seek head", at)),
    }
}

/// The places of `Tags` elements that a seek head names.
fn find_tags_offsets(
    source: &mut WindowedReader<'_>,
    head: EbmlElement,
    segment_body: u64,
) -> ReadResult<Vec<u64>> {
    let (mut places, mut at) = (vec![], head.body);
    while let Some(seek) = next_element(source, at, head.end)? {
        at = seek.end;
        if seek.id != SEEK {
            continue;
        }
        let (Some(id), Some(position)) =
            (find_child(source, seek, SEEK_ID)?, find_child(source, seek, SEEK_POSITION)?)
        else {
            continue;
        };
        if read_unsigned(source, id)? == u64::from(TAGS) {
            places.push(segment_body.saturating_add(read_unsigned(source, position)?));
        }
    }
    Ok(places)
}

fn read_video_size(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    tracks: EbmlElement,
) -> ReadResult<()> {
    let mut at = tracks.body;
    while let Some(track) = next_element(source, at, tracks.end)? {
        at = track.end;
        if track.id != TRACK {
            continue;
        }
        let Some(video) = find_child(source, track, VIDEO)? else { continue };
        let (width, height) =
            (find_child(source, video, PIXEL_WIDTH)?, find_child(source, video, PIXEL_HEIGHT)?);
        if let (Some(width), Some(height)) = (width, height) {
            let (width, height) = (read_unsigned(source, width)?, read_unsigned(source, height)?);
            if let (Ok(width), Ok(height)) = (width.try_into(), height.try_into()) {
                found.set_size(width, height);
            }
        }
    }
    Ok(())
}

fn read_tags(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    tags: EbmlElement,
) -> ReadResult<()> {
    let mut at = tags.body;
    while let Some(tag) = next_element(source, at, tags.end)? {
        at = tag.end;
        if tag.id == TAG {
            read_simple_tags(source, found, tag, 0)?;
        }
    }
    Ok(())
}

/// Names and texts; simple tags may hold further ones.
fn read_simple_tags(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    parent: EbmlElement,
    depth: u32,
) -> ReadResult<()> {
    let mut at = parent.body;
    while let Some(tag) = next_element(source, at, parent.end)? {
        at = tag.end;
        if tag.id != SIMPLE_TAG || depth == MAX_NESTING {
            continue;
        }
        let (name, value) =
            (find_child(source, tag, TAG_NAME)?, find_child(source, tag, TAG_STRING)?);
        if let (Some(name), Some(value)) = (name, value) {
            let name = text::utf8_lossy(&load_body(source, name, MAX_NAME)?);
            let value = load_body(source, value, found.max_text_len());
            if let Some(value) = found.tolerate_defect(value)? {
                found.add_text(TextLocation::MatroskaTag, &name, text::utf8_lossy_owned(value));
            }
        }
        read_simple_tags(source, found, tag, depth + 1)?;
    }
    Ok(())
}

/// The first child with an id.
fn find_child(
    source: &mut WindowedReader<'_>,
    parent: EbmlElement,
    id: u32,
) -> ReadResult<Option<EbmlElement>> {
    let mut at = parent.body;
    while let Some(element) = next_element(source, at, parent.end)? {
        if element.id == id {
            return Ok(Some(element));
        }
        at = element.end;
    }
    Ok(None)
}

fn load_body(
    source: &mut WindowedReader<'_>,
    element: EbmlElement,
    limit: usize,
) -> ReadResult<Vec<u8>> {
    source.load(element.body, element.length(), limit, "a Matroska tag")
}

fn read_unsigned(source: &mut WindowedReader<'_>, element: EbmlElement) -> ReadResult<u64> {
    let bytes = load_body(source, element, 8)?;
    Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage};
    use super::*;

    fn element(id: u32, body: &[u8]) -> Vec<u8> {
        let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
        let size = (1u64 << 56 | body.len() as u64).to_be_bytes();
        [&id[..], &size, body].concat()
    }

    fn open(id: u32, body: &[u8]) -> Vec<u8> {
        [&id.to_be_bytes()[..], &[0xff], body].concat()
    }

    fn simple(name: &str, value: &str, inner: &[u8]) -> Vec<u8> {
        let name = element(TAG_NAME, name.as_bytes());
        let value = element(TAG_STRING, value.as_bytes());
        element(SIMPLE_TAG, &[&name[..], &value, inner].concat())
    }

    fn tags() -> Vec<u8> {
        let nested = simple("WORKFLOW", "{\"nodes\": []}", &simple("LANGUAGE", "fox", &[]));
        element(TAGS, &element(TAG, &[simple("PROMPT", "{}", &[]), nested].concat()))
    }

    fn head() -> Vec<u8> {
        element(EBML, &element(DOC_TYPE, b"webm"))
    }

    fn tracks() -> Vec<u8> {
        let video = [element(PIXEL_WIDTH, &[2, 0]), element(PIXEL_HEIGHT, &[1, 0])].concat();
        element(TRACKS, &element(TRACK, &element(VIDEO, &video)))
    }

    const FOUND: [(&str, &str); 3] =
        [("PROMPT", "{}"), ("WORKFLOW", "{\"nodes\": []}"), ("LANGUAGE", "fox")];

    fn cluster() -> Vec<u8> {
        element(CLUSTER, &element(0xa3, &[0; 2000]))
    }

    #[test]
    fn tags_are_found_before_and_behind_clusters_of_any_kind() {
        let block = element(0xa3, &[0; 900]);
        let endless = open(CLUSTER, &[block.clone(), block].concat());
        for body in [
            [tracks(), tags(), cluster()].concat(),
            [tracks(), cluster(), cluster(), tags()].concat(),
            [tracks(), endless.clone(), endless, tags()].concat(),
        ] {
            for file in [element(SEGMENT, &body), open(SEGMENT, &body)] {
                let embedded = read_bytes(&[head(), file].concat());
                assert_eq!(embedded.container, Container::WebM);
                assert_eq!(pairs(&embedded), FOUND);
                assert_eq!(embedded.size.unwrap().to_string(), "512x256");
                assert_eq!(embedded.defects, []);
            }
        }
    }

    #[test]
    fn a_seek_head_saves_the_walk() {
        let seek = |position: u64| {
            let id = element(SEEK_ID, &TAGS.to_be_bytes());
            let position = element(SEEK_POSITION, &position.to_be_bytes());
            element(SEEK_HEAD, &element(SEEK, &[id, position].concat()))
        };
        let clusters = [cluster(), b"\0\0 rubbish".to_vec()].concat();
        let position = seek(0).len() + tracks().len() + clusters.len();
        let body = [seek(position as u64), tracks(), clusters, tags()].concat();
        let file = [head(), element(SEGMENT, &body)].concat();
        assert_eq!(pairs(&read_bytes(&file)), FOUND);
        let lying = [seek(1 << 60), tracks(), cluster()].concat();
        let embedded = read_bytes(&[head(), element(SEGMENT, &lying)].concat());
        assert_eq!((pairs(&embedded), embedded.defects.len()), (vec![], 1));
    }

    #[test]
    fn tags_nested_without_end_are_not_followed_without_end() {
        let nested = (0..2000).fold(vec![], |inner, _| simple("N", "x", &inner));
        let file = [head(), element(SEGMENT, &element(TAGS, &element(TAG, &nested)))].concat();
        assert!(read_bytes(&file).entries.len() <= 20);
        let file = [head(), element(SEGMENT, &[tracks(), tags()].concat())].concat();
        survives_damage(&file);
    }
}
