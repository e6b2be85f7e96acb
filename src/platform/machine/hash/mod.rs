//! All digests of a file from one reading of it.
//!
//! A model is gigabytes: it is read once, in blocks, and every digest is fed from the
//! same block. A file that is still being written is not hashed: the numbers would be
//! those of a file that never existed, and caches would keep them.
//!
//! Must not know which files are models, nor what a digest is for.

pub mod cache;
pub mod pipeline;
pub mod stamp;
#[cfg(test)]
mod tests;

pub use stamp::FileStamp;

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use pipeline::PipelineError;

use super::digest::FileHashes;
use super::safetensors::{self, SafetensorsHeader};
use crate::error::CommandError;
use crate::platform::files;

/// How long a file must have been left alone before it is hashed. Two seconds is the
/// coarsest clock tick of the file systems people keep models on (FAT), so a later write
/// always shows in the [`FileStamp`].
pub const SETTLING_TIME: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestSelection {
    Sha256,
    /// Every digest of `FileHashes`.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashThreads {
    /// Reading and hashing in the calling thread: best when other files fill the cores.
    One,
    /// The calling thread reads, two threads hash.
    Pipeline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedFile {
    pub hashes: FileHashes,
    /// The state of the file when it was hashed.
    pub stamp: FileStamp,
    /// What a safetensors file says of itself.
    pub header: Option<SafetensorsHeader>,
}

#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("{path}: {error}", path = path.display())]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// A folder, device, pipe or socket.
    #[error("{path} is not an ordinary file", path = .0.display())]
    NotAFile(PathBuf),
    /// It is being written, or was left half written.
    #[error("{path} is not finished: {why}", path = path.display())]
    Unfinished { path: PathBuf, why: UnfinishedReason },
    /// The caller's progress function asked to stop.
    #[error("stopped")]
    Stopped,
}

impl From<HashError> for CommandError {
    fn from(error: HashError) -> Self {
        CommandError::system(error)
    }
}

/// How a half-written file was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfinishedReason {
    /// Written less than [`SETTLING_TIME`] ago: hash it once it has settled.
    #[error("it was written a moment ago")]
    JustWritten,
    /// It changed between the first and the last byte read.
    #[error("it changed while it was read")]
    Changed,
    /// Its own header promises another length.
    #[error("its header promises {expected} bytes, it has {size}")]
    Length {
        /// The length by the header, in bytes.
        expected: u64,
        /// The length of the file, in bytes.
        size: u64,
    },
    /// A download program's file lies beside it.
    #[error("a download is under way beside it ({0})")]
    Download(String),
}

/// What the caller is told after each block; [`std::ops::ControlFlow::Break`] stops.
pub trait HashProgress: Sync {
    /// `bytes` more were read of the file with this index.
    fn bytes_read(&self, file: usize, bytes: u64) -> std::ops::ControlFlow<()>;

    /// The file with this index is done, while others may still be read.
    fn finished(&self, file: usize, result: &Result<HashedFile, HashError>) {
        let _ = (file, result);
    }
}

/// Reports nothing and never stops.
#[derive(Debug, Clone, Copy)]
pub struct NoHashProgress;

impl HashProgress for NoHashProgress {
    fn bytes_read(&self, _file: usize, _bytes: u64) -> std::ops::ControlFlow<()> {
        std::ops::ControlFlow::Continue(())
    }
}

/// Hashes one file. `now` is the moment the settling time is measured from.
pub fn hash_file(
    path: &Path,
    wanted: DigestSelection,
    threads: HashThreads,
    now: SystemTime,
    progress: &dyn HashProgress,
) -> Result<HashedFile, HashError> {
    hash_indexed_file(path, 0, wanted, threads, now, progress)
}

/// The SHA-256 of an open file, also of one that may still be written: whoever asks compares the
/// [`FileStamp`].
pub(crate) fn sha256_of_file(file: &mut File) -> io::Result<[u8; 32]> {
    let mut go_on = |_| std::ops::ControlFlow::Continue(());
    let (wanted, threads) = (DigestSelection::Sha256, HashThreads::One);
    match pipeline::hash_blocks(file, None, wanted, threads, &mut go_on) {
        Ok((hashes, _)) => Ok(hashes.sha256),
        Err(PipelineError::Read(error)) => Err(error),
        Err(PipelineError::Stopped) => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// Hashes several files, as many at once as there are cores; the results come in the
/// order of `paths`. `now` is asked at the start of each file.
pub fn hash_files(
    paths: &[PathBuf],
    wanted: DigestSelection,
    cores: usize,
    now: &(dyn Fn() -> SystemTime + Sync),
    progress: &dyn HashProgress,
) -> Vec<Result<HashedFile, HashError>> {
    let at_once = paths.len().min(cores).max(1);
    let threads = if at_once < cores { HashThreads::Pipeline } else { HashThreads::One };
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<HashedFile, HashError>>>> =
        paths.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(path), Some(slot)) = (paths.get(at), results.get(at)) else { break };
            let result = hash_indexed_file(path, at, wanted, threads, now(), progress);
            progress.finished(at, &result);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..at_once {
            scope.spawn(work);
        }
        work();
    });
    let stopped = || Err(HashError::Stopped);
    results
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(stopped))
        .collect()
}

fn hash_indexed_file(
    path: &Path,
    index: usize,
    wanted: DigestSelection,
    threads: HashThreads,
    now: SystemTime,
    progress: &dyn HashProgress,
) -> Result<HashedFile, HashError> {
    let io = |error| HashError::Io { path: path.to_owned(), error };
    let unfinished = |why| HashError::Unfinished { path: path.to_owned(), why };
    let (mut file, metadata) = open_ordinary(path)?;
    let stamp = FileStamp::from_metadata(&metadata);
    if stamp.age(now).is_some_and(|age| age < SETTLING_TIME) {
        return Err(unfinished(UnfinishedReason::JustWritten));
    }
    if let Some(partner) = find_download_beside(path) {
        return Err(unfinished(UnfinishedReason::Download(partner)));
    }
    let header = match safetensors::has_safetensors_ending(path) {
        true => safetensors::read_header(&mut file, stamp.size).map_err(io)?,
        false => None,
    };
    if let Some(expected) = header.as_ref().and_then(|header| header.promised_size)
        && expected != stamp.size
    {
        return Err(unfinished(UnfinishedReason::Length { expected, size: stamp.size }));
    }
    let tensors_at = header.as_ref().map(|header| header.tensors_at);
    let read = pipeline::hash_blocks(&mut file, tensors_at, wanted, threads, &mut |bytes| {
        progress.bytes_read(index, bytes)
    });
    let (hashes, length) = read.map_err(|error| match error {
        PipelineError::Stopped => HashError::Stopped,
        PipelineError::Read(error) => io(error),
    })?;
    let after = FileStamp::from_metadata(&file.metadata().map_err(io)?);
    if after != stamp || length != stamp.size {
        return Err(unfinished(UnfinishedReason::Changed));
    }
    Ok(HashedFile { hashes, stamp, header })
}

fn open_ordinary(path: &Path) -> Result<(File, Metadata), HashError> {
    files::open_ordinary(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => HashError::NotAFile(path.to_owned()),
        _ => HashError::Io { path: path.to_owned(), error },
    })
}

/// The name of a download program's control or part file that lies beside `path`.
fn find_download_beside(path: &Path) -> Option<String> {
    const MARKS: &[&str] = &[".aria2", ".part", ".partial", ".crdownload", ".downloading", ".tmp"];
    let name = path.file_name()?.to_str()?;
    MARKS
        .iter()
        .map(|mark| format!("{name}{mark}"))
        .find(|partner| path.with_file_name(partner).symlink_metadata().is_ok())
}
