//! One reader for each family of containers. A reader walks the container's own lengths,
//! seeks over everything but metadata, and puts texts into `Found`.

mod exif;
mod exr;
mod flac;
mod gif;
mod glb;
mod heif;
pub(super) mod id3;
mod inflate;
mod isobmff;
mod jpeg;
mod json;
mod jxl;
mod matroska;
mod movie;
mod ogg;
mod png;
mod safetensors;
mod svg;
mod vorbis;
mod webp;

use super::Container;
use super::collector::EmbeddedCollector;
use super::error::ReadResult;
use super::windowed_reader::WindowedReader;

/// Reads the container that was detected.
pub(super) fn read_container(
    source: &mut WindowedReader<'_>,
    found: &mut EmbeddedCollector,
) -> ReadResult<()> {
    match found.container() {
        Container::Png | Container::Apng => png::read(source, found),
        Container::WebP => webp::read(source, found),
        Container::Jpeg => jpeg::read(source, found),
        Container::Gif => gif::read(source, found),
        Container::Avif | Container::Heif => heif::read(source, found),
        Container::JpegXl => jxl::read(source, found),
        Container::Mp4 | Container::QuickTime => movie::read(source, found),
        Container::Matroska | Container::WebM => matroska::read(source, found),
        Container::Flac => flac::read(source, found),
        Container::Mp3 => id3::read(source, found),
        Container::Ogg | Container::Opus => ogg::read(source, found),
        Container::Glb => glb::read(source, found),
        Container::Svg => svg::read(source, found),
        Container::Safetensors => safetensors::read(source, found),
        Container::Exr => exr::read(source, found),
        Container::Json => json::read(source, found),
    }
}

/// Reads a file made by a test.
#[cfg(test)]
fn read_bytes(bytes: &[u8]) -> super::EmbeddedMetadata {
    super::read(&mut std::io::Cursor::new(bytes)).unwrap()
}

/// Keyword and text of each entry.
#[cfg(test)]
fn pairs(embedded: &super::EmbeddedMetadata) -> Vec<(&str, &str)> {
    embedded.entries.iter().map(|e| (e.keyword.as_str(), e.text.as_str())).collect()
}

/// Every shortened copy of a file, and copies with a byte turned, are read without panic.
#[cfg(test)]
fn survives_damage(bytes: &[u8]) {
    for end in 0..bytes.len() {
        let _ = super::read(&mut std::io::Cursor::new(&bytes[..end]));
    }
    for at in 0..bytes.len() {
        for turned in [0x00, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
            let mut damaged = bytes.to_vec();
            damaged[at] = turned;
            let _ = super::read(&mut std::io::Cursor::new(damaged));
        }
    }
}
