//! zlib streams, with an end.

use std::io::Read;

use crate::collector::EmbeddedCollector;
use crate::error::{FileDefect, ReadResult, malformed};

/// Inflates a zlib stream to what there is room for; a larger one is refused, so that a
/// few KiB cannot become gigabytes. `at` is where it lies in the file.
pub(super) fn zlib(
    compressed: &[u8],
    at: u64,
    found: &mut EmbeddedCollector,
) -> ReadResult<Vec<u8>> {
    let limit = found.max_text_len();
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut inflated = Vec::new();
    let mut decoder = flate2::read::ZlibDecoder::new(compressed).take(most.saturating_add(1));
    let read = decoder.read_to_end(&mut inflated);
    found.count_work(inflated.len())?;
    if read.is_err() {
        return Err(malformed("a compressed text", at));
    }
    if inflated.len() > limit {
        return Err(FileDefect::TooLarge { what: "a compressed text", limit: most }.into());
    }
    Ok(inflated)
}
