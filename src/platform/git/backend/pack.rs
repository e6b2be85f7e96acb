//! A pack stream: many objects in one file, as git sends them over the wire. Objects are
//! compressed on all cores; there are no deltas (git makes those when it repacks).
//!
//! Format: <https://git-scm.com/docs/pack-format>.

use std::num::NonZero;

use gix::zlib::stream::deflate::{Compress, FlushCompress};
use gix::zlib::{Compression, Status};

use crate::platform::git::{ObjectBatch, ObjectId, ObjectKind};

/// Prints a batch as a version 2 pack with its trailing checksum.
pub(crate) fn encode_pack(batch: &ObjectBatch) -> Vec<u8> {
    let objects = batch.objects();
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(8);
    let share = objects.len().div_ceil(workers).max(1);
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    let count = u32::try_from(objects.len()).expect("a batch fits into a pack");
    pack.extend_from_slice(&count.to_be_bytes());
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            objects.chunks(share).map(|part| scope.spawn(move || encode_entries(part))).collect();
        for part in parts {
            // A panic over there is one over here.
            pack.extend_from_slice(&part.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        }
    });
    let sum = batch.format().hash_parts(&[&pack]);
    pack.extend_from_slice(sum.as_bytes());
    pack
}

fn encode_entries(objects: &[(ObjectId, ObjectKind, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut compress = Compress::new(Compression::BEST_SPEED);
    for (_, kind, content) in objects {
        push_entry_header(*kind, content.len(), &mut bytes);
        compress.reset();
        deflate(&mut compress, content, &mut bytes);
    }
    bytes
}

fn deflate(compress: &mut Compress, content: &[u8], bytes: &mut Vec<u8>) {
    let mut done = 0;
    loop {
        let at = bytes.len();
        bytes.resize(at + (content.len() - done) / 2 + 256, 0);
        let (read, written) = (compress.total_in(), compress.total_out());
        let status = compress
            .compress(&content[done..], &mut bytes[at..], FlushCompress::Finish)
            .expect("compressing in memory does not fail");
        done += (compress.total_in() - read) as usize;
        bytes.truncate(at + (compress.total_out() - written) as usize);
        if status == Status::StreamEnd {
            return;
        }
    }
}

/// Kind and length: four bits of length in the first byte, seven in each one after it.
fn push_entry_header(kind: ObjectKind, length: usize, bytes: &mut Vec<u8>) {
    let number: u8 = match kind {
        ObjectKind::Commit => 1,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    };
    let mut rest = length >> 4;
    let mut byte = number << 4 | (length & 15) as u8;
    while rest > 0 {
        bytes.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    bytes.push(byte);
}
