//! What kind of file it is, told by its first bytes.

use std::fmt;

use super::budget::MAX_HEADER;
use super::error::ReadResult;
use super::windowed_reader::WindowedReader;

/// A kind of file that can carry a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// PNG.
    Png,
    /// PNG with more than one frame.
    Apng,
    /// WebP, also animated.
    WebP,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// AVIF.
    Avif,
    /// HEIF other than AVIF.
    Heif,
    /// JPEG XL.
    JpegXl,
    /// MP4, M4V, M4A.
    Mp4,
    /// QuickTime movie.
    QuickTime,
    /// Matroska.
    Matroska,
    /// WebM.
    WebM,
    /// FLAC.
    Flac,
    /// MP3, or another MPEG audio stream.
    Mp3,
    /// Opus in Ogg.
    Opus,
    /// Another codec in Ogg.
    Ogg,
    /// Binary glTF.
    Glb,
    /// SVG.
    Svg,
    /// safetensors: ComfyUI's `.latent`, and models saved by its nodes.
    Safetensors,
    /// OpenEXR.
    Exr,
    /// JSON: a workflow or prompt that lies in a file of its own.
    Json,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Png => "PNG",
            Container::Apng => "animated PNG",
            Container::WebP => "WebP",
            Container::Jpeg => "JPEG",
            Container::Gif => "GIF",
            Container::Avif => "AVIF",
            Container::Heif => "HEIF",
            Container::JpegXl => "JPEG XL",
            Container::Mp4 => "MP4",
            Container::QuickTime => "QuickTime",
            Container::Matroska => "Matroska",
            Container::WebM => "WebM",
            Container::Flac => "FLAC",
            Container::Mp3 => "MP3",
            Container::Opus => "Opus",
            Container::Ogg => "Ogg",
            Container::Glb => "GLB",
            Container::Svg => "SVG",
            Container::Safetensors => "safetensors",
            Container::Exr => "OpenEXR",
            Container::Json => "JSON",
        })
    }
}

/// How far text formats are searched for their first characters.
const TEXT_SEARCH_LEN: usize = 4 << 10;

/// The container by its first bytes; `None` where they are unknown or cannot be read as expected.
pub(super) fn detect_container(
    source: &mut WindowedReader<'_>,
) -> Result<Option<Container>, std::io::Error> {
    match match_signature(source) {
        Ok(container) => Ok(container),
        Err(super::error::ReadError::Io(error)) => Err(error),
        Err(super::error::ReadError::Defect(_)) => Ok(None),
    }
}

fn match_signature(source: &mut WindowedReader<'_>) -> ReadResult<Option<Container>> {
    let length = source.len();
    let head = source.peek(0, 16)?.to_vec();
    let container = match head.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Container::Png,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Container::WebP,
        [0xff, 0xd8, 0xff, ..] => Container::Jpeg,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Container::Gif,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return detect_by_brand(source).map(Some),
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] | [0xff, 0x0a, ..] => Container::JpegXl,
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Container::Matroska,
        [b'f', b'L', b'a', b'C', ..] => Container::Flac,
        [b'O', b'g', b'g', b'S', ..] => Container::Ogg,
        [b'I', b'D', b'3', ..] => return detect_after_id3(source).map(Some),
        [b'g', b'l', b'T', b'F', ..] => Container::Glb,
        [0x76, 0x2f, 0x31, 0x01, ..] => Container::Exr,
        [0, 0, _, _, name @ ..] if is_old_movie(name) => Container::QuickTime,
        head if is_mpeg_audio(head) => Container::Mp3,
        head if is_safetensors(head, length) => Container::Safetensors,
        _ => return detect_text_format(source),
    };
    Ok(Some(container))
}

/// The brands of an ISO base media file tell pictures from movies; a picture's brand may stand
/// behind others.
fn detect_by_brand(source: &mut WindowedReader<'_>) -> ReadResult<Container> {
    let head = source.peek(0, 128)?;
    let size = head.first_chunk().map_or(0, |size| u32::from_be_bytes(*size));
    let end = usize::try_from(size).unwrap_or(usize::MAX).min(head.len());
    let brands = head.get(8..end).unwrap_or_default().chunks_exact(4);
    let mut heif = false;
    for brand in brands.clone() {
        match brand {
            b"avif" | b"avis" => return Ok(Container::Avif),
            b"mif1" | b"msf1" | b"heic" | b"heix" | b"heim" | b"hevc" => heif = true,
            _ => {}
        }
    }
    Ok(match brands.clone().next() {
        _ if heif => Container::Heif,
        Some(b"qt  ") => Container::QuickTime,
        _ => Container::Mp4,
    })
}

/// Movies older than the `ftyp` box begin with one of these.
fn is_old_movie(name: &[u8]) -> bool {
    matches!(name.first_chunk(), Some(b"moov" | b"mdat" | b"wide" | b"skip" | b"pnot"))
}

/// An ID3 tag stands before MP3, rarely before FLAC: what follows it decides.
fn detect_after_id3(source: &mut WindowedReader<'_>) -> ReadResult<Container> {
    let head = source.peek(0, 10)?.to_vec();
    let size = super::containers::id3::tag_size(&head).unwrap_or(0);
    let behind = source.peek(size, 4)?;
    Ok(if behind == b"fLaC" { Container::Flac } else { Container::Mp3 })
}

/// A frame header: sync, then no reserved version, layer, bit rate or sampling rate.
fn is_mpeg_audio(head: &[u8]) -> bool {
    match head {
        [0xff, b, c, ..] => {
            b & 0xe0 == 0xe0
                && b & 0x18 != 0x08
                && b & 0x06 != 0
                && c & 0xf0 != 0xf0
                && c & 0x0c != 0x0c
        }
        _ => false,
    }
}

/// A length that fits into the file, then JSON.
fn is_safetensors(head: &[u8], length: u64) -> bool {
    let Some((size, [b'{', ..])) = head.split_first_chunk().map(|(size, rest)| (*size, rest))
    else {
        return false;
    };
    let size = u64::from_le_bytes(size);
    (2..=MAX_HEADER).contains(&size) && size <= length.saturating_sub(8)
}

fn detect_text_format(source: &mut WindowedReader<'_>) -> ReadResult<Option<Container>> {
    let head = source.peek(0, TEXT_SEARCH_LEN)?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    Ok(match head {
        [b'{', ..] => Some(Container::Json),
        [b'<', ..] if memchr::memmem::find(head, b"<svg").is_some() => Some(Container::Svg),
        [b'<', ..] if memchr::memmem::find(head, b"<!DOCTYPE svg").is_some() => {
            Some(Container::Svg)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn kind(bytes: &[u8]) -> Option<Container> {
        let mut cursor = Cursor::new(bytes.to_vec());
        detect_container(&mut WindowedReader::new(&mut cursor).unwrap()).unwrap()
    }

    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(kind(b"\0\0\0\x18ftypisom\0\0\0\0isomavc1mdat"), Some(Container::Mp4));
        assert_eq!(kind(b"\0\0\0\x14ftypqt  \0\0\0\0qt  "), Some(Container::QuickTime));
        assert_eq!(kind(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"), Some(Container::Avif));
        assert_eq!(kind(b"\0\0\0\x14ftypheic\0\0\0\0mif1"), Some(Container::Heif));
        assert_eq!(kind(b"\0\0\x01\0moov"), Some(Container::QuickTime));
        assert_eq!(kind(b"\xff\xfb\x90\x64"), Some(Container::Mp3));
        assert_eq!(kind(b"\xff\xf1\x50\x80"), None, "AAC is no MPEG audio layer");
        assert_eq!(kind(b"ID3\x04\0\0\0\0\0\0fLaC"), Some(Container::Flac));
        assert_eq!(kind(b"ID3\x04\0\0\0\0\0\0\xff\xfb"), Some(Container::Mp3));
        assert_eq!(kind(b"\x02\0\0\0\0\0\0\0{}"), Some(Container::Safetensors));
        assert_eq!(kind(b"\x03\0\0\0\0\0\0\0{}"), None, "the header passes the end");
        assert_eq!(kind(b"\xef\xbb\xbf \n{\"nodes\": []}"), Some(Container::Json));
        assert_eq!(kind(b"<?xml version='1.0'?>\n<svg/>"), Some(Container::Svg));
        assert_eq!(kind(b"<html/>"), None);
        assert_eq!(kind(b"hello"), None);
        assert_eq!(kind(b""), None);
    }
}
