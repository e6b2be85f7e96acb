#![doc = include_str!("../README.md")]
//!
//! [`read`] tells the container by its first bytes, never by a file name, and takes every
//! text out of it that ComfyUI, VideoHelperSuite, the popular image savers and A1111 put
//! there. [`Embedded::payload`] then makes sense of the texts: which is the graph, which
//! the executed prompt, which the A1111 parameters, however they are spelled or nested.
//!
//! Every reader is bounded by [`budget`]: it walks the container by its lengths, seeks
//! over pixels and samples, never allocates by a length that the file merely claims, and
//! gives back what it found before the place where a file is damaged.

#![deny(missing_docs)]
#![warn(unreachable_pub)]

pub mod budget;
mod bytes;
mod containers;
mod detect;
mod error;
mod found;
mod parameters;
mod payload;
pub mod picture;
mod source;
mod text;

use std::io::{Read, Seek};

use found::Found;
use source::Source;

pub use detect::Container;
pub use error::{Defect, Error};
pub use found::{Entry, Place, Size};
pub use parameters::Parameters;
pub use payload::{Form, Payload};

/// The texts embedded in one file, not yet decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// The format, told by the first bytes and refined by what was read (APNG, WebM, Opus).
    pub container: Container,
    /// Width and height in pixels, where the header of a picture or video states them.
    pub size: Option<Size>,
    /// The embedded texts in file order.
    pub entries: Vec<Entry>,
    /// The parts that could not be read; `entries` holds what was found beside them.
    pub defects: Vec<Defect>,
}

/// Reads what is embedded in a file.
///
/// Cost: a few reads of a few KiB each and the texts themselves, whatever the size of the
/// file. A damaged file is no error: see [`Embedded::defects`].
pub fn read<R: Read + Seek>(source: &mut R) -> Result<Embedded, Error> {
    let mut source = Source::new(source)?;
    let container = detect::container(&mut source)?.ok_or(Error::Unrecognized)?;
    let mut found = Found::new(container);
    match containers::read(&mut source, &mut found) {
        Ok(()) => {}
        Err(error::Stop::Io(error)) => return Err(Error::Io(error)),
        Err(error::Stop::Defect(defect)) => found.defect(defect),
    }
    Ok(found.into_embedded())
}
