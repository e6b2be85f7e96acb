//! The blocks of a file and the digests they are fed to.
//!
//! Two lanes of about equal work: SHA-256 of everything in one, the rest in the other
//! (SHA-256 of the tensor area, BLAKE3, CRC-32). On two cores a file then costs little
//! more than one SHA-256 of it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use sha2::{Digest as _, Sha256};

use super::{DigestSelection, HashThreads};
use crate::platform::machine::FileHashes;

/// Bytes of one block: large enough that handing it over costs nothing, small enough
/// that the blocks under way stay in the cache.
const BLOCK_LEN: usize = 512 << 10;
/// Blocks that may wait in front of a lane.
const MAX_WAITING_BLOCKS: usize = 6;
/// Blocks in the ring: those waiting, one in each lane, one being read.
const RING_BLOCKS: usize = MAX_WAITING_BLOCKS + 3;

/// Why there are no digests.
#[derive(Debug)]
pub(crate) enum PipelineError {
    Read(io::Error),
    /// The caller's progress function asked to stop.
    Stopped,
}

impl From<io::Error> for PipelineError {
    fn from(error: io::Error) -> PipelineError {
        PipelineError::Read(error)
    }
}

/// Reads the file from its start and gives the digests and the number of bytes read.
pub(crate) fn hash_blocks(
    file: &mut File,
    tensors_at: Option<u64>,
    wanted: DigestSelection,
    threads: HashThreads,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(FileHashes, u64), PipelineError> {
    file.seek(SeekFrom::Start(0))?;
    let whole = Sha256Lane::default();
    let rest = OtherDigestsLane::new(tensors_at);
    match (wanted, threads) {
        (DigestSelection::Sha256, _) => hash_in_one_thread(file, whole, None, progress),
        (DigestSelection::All, HashThreads::One) => {
            hash_in_one_thread(file, whole, Some(rest), progress)
        }
        (DigestSelection::All, HashThreads::Pipeline) => {
            hash_in_pipeline(file, whole, rest, progress)
        }
    }
}

#[derive(Default)]
struct Sha256Lane(Sha256);

struct OtherDigestsLane {
    blake3: blake3::Hasher,
    crc32: crc32fast::Hasher,
    tensors: Option<(u64, Sha256)>,
    at: u64,
}

impl OtherDigestsLane {
    fn new(tensors_at: Option<u64>) -> Self {
        OtherDigestsLane {
            blake3: blake3::Hasher::new(),
            crc32: crc32fast::Hasher::new(),
            tensors: tensors_at.map(|start| (start, Sha256::new())),
            at: 0,
        }
    }

    fn update(&mut self, block: &[u8]) {
        self.blake3.update(block);
        self.crc32.update(block);
        if let Some((start, tensors)) = &mut self.tensors {
            let skip = usize::try_from(start.saturating_sub(self.at)).unwrap_or(usize::MAX);
            tensors.update(block.get(skip..).unwrap_or_default());
        }
        self.at += block.len() as u64;
    }
}

fn collect_hashes(whole: Sha256Lane, rest: Option<OtherDigestsLane>) -> FileHashes {
    let sha256 = whole.0.finalize().into();
    match rest {
        None => FileHashes { sha256, blake3: None, tensors: None, crc32: None },
        Some(rest) => FileHashes {
            sha256,
            blake3: Some(rest.blake3.finalize().into()),
            tensors: rest.tensors.map(|(_, tensors)| tensors.finalize().into()),
            crc32: Some(rest.crc32.finalize()),
        },
    }
}

fn hash_in_one_thread(
    file: &mut File,
    mut whole: Sha256Lane,
    mut rest: Option<OtherDigestsLane>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(FileHashes, u64), PipelineError> {
    let mut block = vec![0; BLOCK_LEN];
    let mut length = 0;
    loop {
        let filled = fill_block(file, &mut block)?;
        let read = block.get(..filled).unwrap_or_default();
        if read.is_empty() {
            return Ok((collect_hashes(whole, rest), length));
        }
        whole.0.update(read);
        if let Some(rest) = &mut rest {
            rest.update(read);
        }
        length += filled as u64;
        if progress(filled as u64).is_break() {
            return Err(PipelineError::Stopped);
        }
    }
}

/// One block and how much of it is filled.
type SharedBlock = Arc<(Vec<u8>, usize)>;

fn hash_in_pipeline(
    file: &mut File,
    mut whole: Sha256Lane,
    mut rest: OtherDigestsLane,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<(FileHashes, u64), PipelineError> {
    let (to_whole, from_whole) = sync_channel::<SharedBlock>(MAX_WAITING_BLOCKS);
    let (to_rest, from_rest) = sync_channel::<SharedBlock>(MAX_WAITING_BLOCKS);
    std::thread::scope(|scope| {
        let whole = scope.spawn(move || {
            update_from_blocks(&from_whole, |block| whole.0.update(block));
            whole
        });
        let rest = scope.spawn(move || {
            update_from_blocks(&from_rest, |block| rest.update(block));
            rest
        });
        let read = send_blocks(file, &to_whole, &to_rest, progress);
        drop((to_whole, to_rest));
        let broken = |_| io::Error::other("a hashing thread broke");
        let whole = whole.join().map_err(broken)?;
        let rest = rest.join().map_err(broken)?;
        Ok((collect_hashes(whole, Some(rest)), read?))
    })
}

fn update_from_blocks(blocks: &Receiver<SharedBlock>, mut update: impl FnMut(&[u8])) {
    for block in blocks {
        update(block.0.get(..block.1).unwrap_or_default());
    }
}

fn send_blocks(
    file: &mut File,
    to_whole: &SyncSender<SharedBlock>,
    to_rest: &SyncSender<SharedBlock>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, PipelineError> {
    let mut ring: Vec<SharedBlock> =
        (0..RING_BLOCKS).map(|_| Arc::new((vec![0; BLOCK_LEN], 0))).collect();
    let mut length = 0;
    for at in (0..RING_BLOCKS).cycle() {
        let Some(slot) = ring.get_mut(at) else { break };
        // Both lanes have let go of the oldest block by the time the ring comes round;
        // should one be late all the same, it keeps that block and the ring gets another.
        if Arc::get_mut(slot).is_none() {
            *slot = Arc::new((vec![0; BLOCK_LEN], 0));
        }
        let Some(block) = Arc::get_mut(slot) else { break };
        block.1 = fill_block(file, &mut block.0)?;
        let filled = block.1 as u64;
        if filled == 0 {
            break;
        }
        let gone = |_| io::Error::other("a hashing thread is gone");
        to_whole.send(slot.clone()).map_err(gone)?;
        to_rest.send(slot.clone()).map_err(gone)?;
        length += filled;
        if progress(filled).is_break() {
            return Err(PipelineError::Stopped);
        }
    }
    Ok(length)
}

/// Fills the block as far as the file goes.
fn fill_block(file: &mut File, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = block.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read(free) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
