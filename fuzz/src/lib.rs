//! What the fuzz targets share.
//!
//! Only the libraries are built: they are pure, so a target builds in seconds.

#![allow(missing_docs)]

pub use comfy_graph::json;
pub use comfy_media as media;

use std::io::Cursor;

/// Reads a file of one container: its first bytes, then what the fuzzer thinks of.
///
/// Beside panics, hangs and memory (libFuzzer's own checks), the budget must hold and two
/// readings must agree.
pub fn container(magic: &[u8], data: &[u8]) {
    let file = if data.starts_with(magic) { data.to_vec() } else { [magic, data].concat() };
    let Ok(embedded) = media::read(&mut Cursor::new(&file)) else { return };
    let texts: usize = embedded.entries.iter().map(|entry| entry.text.len()).sum();
    assert!(texts <= media::MAX_TOTAL_BYTES);
    assert!(embedded.entries.len() <= media::MAX_ENTRIES);
    assert!(embedded.defects.len() <= media::MAX_DEFECTS);
    assert_eq!(media::read(&mut Cursor::new(&file)).ok().as_ref(), Some(&embedded));
    embedded.payload();
}

/// A target for a container that begins with the given bytes.
#[macro_export]
macro_rules! container {
    ($magic:expr) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::container($magic, data));
    };
}
