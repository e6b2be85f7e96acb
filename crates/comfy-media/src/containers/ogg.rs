//! Ogg: packets cut into pages. The second packet of an Opus, Vorbis or FLAC stream holds
//! its comments and may span hundreds of pages.

use super::vorbis;
use crate::Container;
use crate::collector::EmbeddedCollector;
use crate::error::{FileDefect, ReadResult, malformed};
use crate::windowed_reader::WindowedReader;

/// Streams of one file that are followed.
const MAX_STREAMS: usize = 16;

/// A logical stream whose comment packet is being put together.
struct OggStream {
    serial: u32,
    /// Bytes before the comments in the packet.
    comments_offset: usize,
    packet: Vec<u8>,
}

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    let mut streams: Vec<OggStream> = vec![];
    let mut at = 0;
    loop {
        source.count_step()?;
        let page = OggPage::parse(source, at)?;
        at = page.end;
        if page.begins_stream {
            if streams.len() < MAX_STREAMS
                && let Some(stream) = identify_stream(source, found, &page)?
            {
                streams.push(stream);
            }
            continue;
        }
        let place = streams.iter().position(|stream| stream.serial == page.serial);
        if let Some(place) = place {
            let (length, complete) = page.first_packet_part();
            let room = found.max_text_len().saturating_sub(streams[place].packet.len());
            let part = source.load(page.body, length, room, "the comment packet")?;
            streams[place].packet.extend(part);
            if complete {
                let stream = streams.swap_remove(place);
                if let Some(comments) = stream.packet.get(stream.comments_offset..) {
                    let read = vorbis::read(comments, found);
                    found.tolerate_defect(read)?;
                }
            }
        }
        // Streams begin before any goes on, so now all that are of interest are read.
        if streams.is_empty() {
            return Ok(());
        }
    }
}

struct OggPage {
    serial: u32,
    begins_stream: bool,
    /// Lengths of the segments; 255 says that the packet goes on.
    lacing: Vec<u8>,
    body: u64,
    end: u64,
}

impl OggPage {
    fn parse(source: &mut WindowedReader<'_>, at: u64) -> ReadResult<OggPage> {
        let head: [u8; 27] = source.read_array(at, "an Ogg page")?;
        let [b'O', b'g', b'g', b'S', _, flags, ..] = head else {
            return Err(malformed("an Ogg page", at));
        };
        let serial = u32::from_le_bytes([head[14], head[15], head[16], head[17]]);
        let segments = usize::from(head[26]);
        let lacing = source.peek(at + 27, segments)?.to_vec();
        if lacing.len() < segments {
            return Err(FileDefect::Truncated("an Ogg page").into());
        }
        let body = at + 27 + u64::from(head[26]);
        let length: u64 = lacing.iter().map(|length| u64::from(*length)).sum();
        Ok(OggPage { serial, begins_stream: flags & 2 != 0, lacing, body, end: body + length })
    }

    /// Bytes of this page that belong to the packet it opens with or goes on with, and
    /// whether that packet ends here.
    fn first_packet_part(&self) -> (u64, bool) {
        let mut length = 0;
        for segment in &self.lacing {
            length += u64::from(*segment);
            if *segment < 255 {
                return (length, true);
            }
        }
        (length, false)
    }
}

/// Tells the codec from the first packet, which has a page of its own.
fn identify_stream(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
    page: &OggPage,
) -> ReadResult<Option<OggStream>> {
    let head = source.peek(page.body, 8)?;
    let (skip, opus) = match head {
        head if head.starts_with(b"OpusHead") => (b"OpusTags".len(), true),
        head if head.starts_with(b"\x01vorbis") => (b"\x03vorbis".len(), false),
        // A FLAC block header stands before the comments.
        head if head.starts_with(b"\x7fFLAC") => (4, false),
        _ => return Ok(None),
    };
    if opus {
        found.set_container(Container::Opus);
    }
    Ok(Some(OggStream { serial: page.serial, comments_offset: skip, packet: vec![] }))
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage, vorbis};
    use crate::Container;

    fn page(flags: u8, serial: u32, lacing: &[u8], body: &[u8]) -> Vec<u8> {
        let mut page = vec![b'O', b'g', b'g', b'S', 0, flags];
        page.extend([0; 8]);
        page.extend(serial.to_le_bytes());
        page.extend([0; 8]);
        page.push(u8::try_from(lacing.len()).unwrap());
        [&page[..], lacing, body].concat()
    }

    /// A packet on as many pages as it takes.
    fn packet(serial: u32, body: &[u8]) -> Vec<u8> {
        let mut lacing = vec![255; body.len() / 255];
        lacing.push(u8::try_from(body.len() % 255).unwrap());
        let mut rest = body;
        let pages = lacing.chunks(3).map(|lacing| {
            let (now, later) = rest.split_at(lacing.iter().map(|n| usize::from(*n)).sum());
            rest = later;
            page(0, serial, lacing, now)
        });
        pages.collect::<Vec<_>>().concat()
    }

    #[test]
    fn comments_are_joined_over_pages_and_streams() {
        let long = format!("workflow={{\"nodes\": [], \"text\": \"{}\"}}", "fox ".repeat(700));
        let comments = vorbis::comments(&["prompt={}", &long]);
        let opus = packet(7, &[b"OpusTags", &comments[..]].concat());
        let vorbis = packet(9, &[b"\x03vorbis", &vorbis::comments(&["title=x"])[..]].concat());
        let file = [
            page(2, 8, &[9], b"\x80theora.."),
            page(2, 7, &[8], b"OpusHead"),
            page(2, 9, &[8], b"\x01vorbis."),
            packet(8, b"foreign"),
            opus,
            vorbis,
        ];
        let file = file.concat();
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Opus);
        let [(_, prompt), (name, text), (_, title)] = pairs(&embedded)[..] else { panic!() };
        assert_eq!((prompt, name, text, title), ("{}", "workflow", &long[9..], "x"));
        assert_eq!(embedded.defects, []);
        survives_damage(&file[..600]);
    }
}
