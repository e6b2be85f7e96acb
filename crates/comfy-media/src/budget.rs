//! How much is read at most from one file: a file may come from anybody and claim any length.
//!
//! The largest honest payloads are workflows with pictures in their widget values, some
//! ten megabytes; most are 5 to 500 KiB.

/// Bytes of one embedded text, after decompression: 32 MiB.
pub(crate) const MAX_TEXT: usize = 32 << 20;

/// Bytes of all embedded texts of a file together: 64 MiB.
pub const MAX_TOTAL_BYTES: usize = 64 << 20;

/// Bytes loaded, inflated or decoded in search of texts, whether any come of it: 256 MiB.
/// A few KiB of file can claim the same bytes a thousand times over.
pub(crate) const MAX_WORK: usize = 256 << 20;

/// Embedded texts kept from one file.
pub const MAX_ENTRIES: usize = 1024;

/// Bytes of a keyword that are kept.
pub(crate) const MAX_KEYWORD: usize = 256;

/// Chunks, boxes, pages, blocks and elements walked in one file. A picture has up to some
/// ten thousand, an hour of video as many clusters; a damaged or hostile file could have
/// one for every few bytes.
pub(crate) const MAX_STEPS: u32 = 500_000;

/// How deep boxes and elements are followed.
pub(crate) const MAX_NESTING: u32 = 16;

/// Defects kept from one file.
pub const MAX_DEFECTS: usize = 16;

/// Bytes searched for the metadata element of an SVG or the start of its root: 4 MiB.
/// ComfyUI writes the element right behind the root's start tag.
pub(crate) const MAX_SVG_SEARCH: usize = 4 << 20;

/// Bytes of the JSON part of a GLB file, or of a safetensors header, that are parsed:
/// 100 MiB, the safetensors format's own limit. They stream by; only the metadata stays.
pub(crate) const MAX_HEADER: u64 = 100 << 20;

/// How often a JSON text that is itself a string is decoded again. Three times occurs.
pub(crate) const MAX_STRING_LAYERS: usize = 8;

/// JSON values joined in one text that are read. Savers join every value of
/// `extra_pnginfo`.
pub(crate) const MAX_JOINED: usize = 16;
