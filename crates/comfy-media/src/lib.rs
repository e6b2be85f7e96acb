#![doc = include_str!("../README.md")]
//!
//! [`read`] tells the container by its first bytes, never by a file name, and takes every
//! text out of it that ComfyUI, VideoHelperSuite, the popular image savers and A1111 put
//! there. [`EmbeddedMetadata::payload`] then makes sense of the texts: which is the graph, which
//! the executed prompt, which the A1111 parameters, however they are spelled or nested.
//!
//! Every reader is bounded (`budget.rs`): it walks the container by its lengths, seeks
//! over pixels and samples, never allocates by a length that the file merely claims, and
//! gives back what it found before the place where a file is damaged.

#![deny(missing_docs)]
#![warn(unreachable_pub)]

mod budget;
mod byte_cursor;
mod collector;
mod containers;
mod content_credentials;
mod detect;
mod error;
mod parameters;
mod payload;
pub mod picture;
mod text;
mod windowed_reader;

use std::io::{Read, Seek};

use collector::EmbeddedCollector;
use windowed_reader::WindowedReader;

pub use budget::{MAX_DEFECTS, MAX_ENTRIES, MAX_TOTAL_BYTES};
pub use collector::{EmbeddedText, PictureSize, TextLocation};
pub use content_credentials::ContentCredentials;
pub use detect::Container;
pub use error::{FileDefect, MediaError};
pub use parameters::A1111Parameters;
pub use payload::Payload;

/// The texts embedded in one file, not yet decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedMetadata {
    /// The format, told by the first bytes and refined by what was read (APNG, WebM, Opus).
    pub container: Container,
    /// Width and height in pixels, where the header of a picture or video states them.
    pub size: Option<PictureSize>,
    /// The embedded texts in file order.
    pub entries: Vec<EmbeddedText>,
    /// The C2PA manifest that signs the file, if there is one; it is not checked.
    pub credentials: Option<ContentCredentials>,
    /// The parts that could not be read; `entries` holds what was found beside them.
    pub defects: Vec<FileDefect>,
}

impl EmbeddedMetadata {
    /// What XMP and IPTC say about how the file was made, as names and values.
    pub fn origin_statements(&self) -> Vec<(String, String)> {
        content_credentials::origin_statements(&self.entries)
    }
}

/// Reads what is embedded in a file.
///
/// Cost: a few reads of a few KiB each and the texts themselves, whatever the size of the
/// file; no more than [`MAX_TOTAL_BYTES`] of text and [`MAX_ENTRIES`] entries are kept. A damaged
/// file is no error: see [`EmbeddedMetadata::defects`].
///
/// # Errors
/// The source cannot be read, or its first bytes are those of no container known here.
pub fn read<R: Read + Seek>(source: &mut R) -> Result<EmbeddedMetadata, MediaError> {
    let mut source = WindowedReader::new(source)?;
    let container = detect::detect_container(&mut source)?.ok_or(MediaError::Unrecognized)?;
    let mut found = EmbeddedCollector::new(container);
    match containers::read_container(&mut source, &mut found) {
        Ok(()) => {}
        Err(error::ReadError::Io(error)) => return Err(MediaError::Io(error)),
        Err(error::ReadError::Defect(defect)) => found.add_defect(defect),
    }
    Ok(found.into_embedded())
}
