//! FLAC: metadata blocks before the audio, one of them Vorbis comments.

use super::{id3, vorbis};
use crate::collector::EmbeddedCollector;
use crate::error::ReadResult;
use crate::windowed_reader::WindowedReader;

const VORBIS_COMMENT: u8 = 4;

pub(super) fn read(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    // An ID3 tag may stand before the signature.
    let head = source.peek(0, 10)?.to_vec();
    let mut at = id3::tag_size(&head).unwrap_or(0) + 4;
    loop {
        source.count_step()?;
        let [kind, l0, l1, l2] = source.read_array(at, "the FLAC metadata")?;
        let length = u64::from(u32::from_be_bytes([0, l0, l1, l2]));
        at += 4;
        if kind & 0x7f == VORBIS_COMMENT {
            let block = source.load(at, length, found.max_text_len(), "the Vorbis comments");
            if let Some(block) = found.tolerate_defect(block)? {
                let read = vorbis::read(&block, found);
                found.tolerate_defect(read)?;
            }
        }
        // The last block is marked.
        if kind & 0x80 != 0 {
            return Ok(());
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{pairs, read_bytes, survives_damage, vorbis};
    use crate::{Container, FileDefect};

    fn block(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], body].concat()
    }

    #[test]
    fn comments_are_read_wherever_their_block_stands() {
        let comments = vorbis::comments(&["prompt={}", "workflow={\"a\": \"b=c\"}", "no name"]);
        let file = [
            b"fLaC".to_vec(),
            block(0, &[0; 34]),
            block(6, &[0; 700]),
            block(0x84, &comments),
            vec![0xff, 0xf8, 0, 0],
        ];
        let file = file.concat();
        let embedded = read_bytes(&file);
        assert_eq!(embedded.container, Container::Flac);
        assert_eq!(pairs(&embedded), [("prompt", "{}"), ("workflow", "{\"a\": \"b=c\"}")]);
        survives_damage(&file);
        let tagged = [b"ID3\x04\0\0\0\0\0\x02..".to_vec(), file].concat();
        assert_eq!(pairs(&read_bytes(&tagged)).len(), 2);
    }

    #[test]
    fn a_count_or_length_that_lies_keeps_what_is_there() {
        let mut comments = vorbis::comments(&["prompt={}"]);
        comments[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        let file = [b"fLaC".to_vec(), block(0x84, &comments)].concat();
        let embedded = read_bytes(&file);
        assert_eq!(pairs(&embedded), [("prompt", "{}")]);
        assert_eq!(embedded.defects, [FileDefect::Truncated("the Vorbis comments")]);
    }
}
