//! What an output file is: its bytes, what it shows, what it carries.

use std::fs::{File, Metadata};
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_media::picture::perceptual_hash;
use comfy_media::{EmbeddedMetadata, Payload};
use jiff::Timestamp;

use crate::error::CommandError;
use crate::platform::hex::{sha256_hex, to_hex};
use crate::platform::machine::hash::{self, FileStamp};
use crate::platform::time::format_utc_millis;
use crate::runs::run_data::OutputFile;

/// Files up to this many bytes are read at once; larger ones by pieces, and have no
/// perceptual hash.
pub(crate) const MAX_WHOLE_READ: u64 = 96 << 20;

/// Endings of the files that ComfyUI and popular savers write.
const OUTPUT_EXTENSIONS: &[&str] = &[
    "png", "apng", "webp", "jpg", "jpeg", "avif", "heic", "jxl", "gif", "exr", "svg", "mp4", "m4v",
    "mov", "webm", "mkv", "flac", "mp3", "opus", "ogg", "glb", "latent",
];

/// A file that was looked at.
#[derive(Debug, Clone)]
pub(crate) struct InspectedOutput {
    pub(crate) path: PathBuf,
    /// The state of the file that was read.
    pub(crate) stamp: FileStamp,
    /// What is known of it, apart from its path and its node.
    pub(crate) output: OutputFile,
    /// The texts that are embedded in it.
    pub(crate) payload: Payload,
}

pub(crate) fn may_be_output(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        OUTPUT_EXTENSIONS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// Why a file was not inspected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It changed while it was read.
    #[error("it is being written")]
    Changing,
}

impl From<InspectError> for CommandError {
    fn from(error: InspectError) -> Self {
        CommandError::system(error)
    }
}

pub(crate) fn inspect_file(path: &Path) -> Result<InspectedOutput, InspectError> {
    let mut file = File::open(path)?;
    let before = FileStamp::from_metadata(&file.metadata()?);
    let (digest, embedded, perceptual) = if before.size <= MAX_WHOLE_READ {
        let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or(0));
        (&mut file).take(MAX_WHOLE_READ + 1).read_to_end(&mut bytes)?;
        let perceptual = perceptual_hash(&bytes).ok().flatten();
        (sha256_hex(&bytes), comfy_media::read(&mut Cursor::new(&bytes)).ok(), perceptual)
    } else {
        let embedded = comfy_media::read(&mut BufReader::new(&mut file)).ok();
        (to_hex(&hash::sha256_of_file(&mut file)?), embedded, None)
    };
    let metadata = std::fs::metadata(path)?;
    if FileStamp::from_metadata(&metadata) != before {
        return Err(InspectError::Changing);
    }
    let size = embedded.as_ref().and_then(|embedded| embedded.size);
    let output = OutputFile {
        sha256: Some(digest),
        size: Some(before.size),
        perceptual: perceptual.map(|hash| hash.to_string()),
        dimensions: size.map(|size| (size.width, size.height)),
        written: modified_time(&metadata),
        ..OutputFile::default()
    };
    let payload = embedded.as_ref().map(EmbeddedMetadata::payload).unwrap_or_default();
    Ok(InspectedOutput { path: path.to_owned(), stamp: before, output, payload })
}

/// The texts that a file carries; its bytes are not hashed.
pub(crate) fn read_payload(path: &Path) -> Option<Payload> {
    let mut file = BufReader::new(File::open(path).ok()?);
    comfy_media::read(&mut file).ok().map(|embedded| embedded.payload())
}

/// When a file was last written, as runs spell it.
pub(crate) fn modified_time(metadata: &Metadata) -> Option<String> {
    metadata.modified().ok().and_then(format_time)
}

/// A moment as runs spell it.
pub(crate) fn format_time(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Some(format_utc_millis(time))
}

/// The stamp as the index remembers it.
pub(crate) fn stamp_key(stamp: FileStamp) -> String {
    format!("{} {} {}", stamp.size, stamp.mtime, stamp.inode)
}
