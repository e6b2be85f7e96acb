//! Pictures to rows of luma, by the decoder of each format.

use std::fmt::Display;
use std::io::Cursor;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::shrink::Grid;
use super::{MAX_PIXELS, PictureError, start};

fn damaged(error: impl Display) -> PictureError {
    PictureError::Damaged(error.to_string())
}

/// What the bytes of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pixel {
    Luma,
    LumaAlpha,
    Rgb,
    Rgba,
}

impl Pixel {
    fn bytes(self) -> usize {
        match self {
            Pixel::Luma => 1,
            Pixel::LumaAlpha => 2,
            Pixel::Rgb => 3,
            Pixel::Rgba => 4,
        }
    }
}

/// BT.601, as JPEG itself weighs colours; the three weights are 256 together.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
    (sum >> 8) as u8
}

/// Laid on white.
fn opaque(luma: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((u32::from(luma) * alpha + 255 * (255 - alpha)) / 255) as u8
}

/// Makes a row of luma out of a row of pixels.
fn luma_row(kind: Pixel, row: &[u8], luma_row: &mut Vec<u8>) {
    luma_row.clear();
    match kind {
        Pixel::Luma => luma_row.extend_from_slice(row),
        Pixel::LumaAlpha => {
            luma_row.extend(row.chunks_exact(2).map(|p| opaque(p[0], p[1])));
        }
        Pixel::Rgb => luma_row.extend(row.chunks_exact(3).map(|p| luma(p[0], p[1], p[2]))),
        Pixel::Rgba => {
            luma_row.extend(row.chunks_exact(4).map(|p| opaque(luma(p[0], p[1], p[2]), p[3])))
        }
    }
}

/// Shrinks a picture that lies in memory.
fn whole(width: u64, height: u64, kind: Pixel, pixels: &[u8]) -> Result<Grid, PictureError> {
    let mut shrink = start(width, height)?;
    let stride = usize::try_from(width).unwrap_or(usize::MAX).saturating_mul(kind.bytes());
    let mut row = Vec::new();
    for pixels in pixels.chunks_exact(stride) {
        luma_row(kind, pixels, &mut row);
        shrink.row(&row);
    }
    shrink.finish().ok_or_else(|| damaged("rows are missing"))
}

pub(super) fn png(bytes: &[u8]) -> Result<Grid, PictureError> {
    // The bytes are in memory already; buffers beside them are small.
    let limits = png::Limits { bytes: 64 << 20 };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (u64::from(reader.info().width), u64::from(reader.info().height));
    let mut shrink = start(width, height)?;
    let kind = match reader.output_color_type().0 {
        png::ColorType::Grayscale => Pixel::Luma,
        png::ColorType::GrayscaleAlpha => Pixel::LumaAlpha,
        png::ColorType::Rgb => Pixel::Rgb,
        png::ColorType::Rgba => Pixel::Rgba,
        png::ColorType::Indexed => return Err(damaged("its palette is missing")),
    };
    if reader.info().interlaced {
        let size = reader.output_buffer_size().ok_or(PictureError::Size { width, height })?;
        let mut pixels = vec![0; size];
        reader.next_frame(&mut pixels).map_err(damaged)?;
        return whole(width, height, kind, &pixels);
    }
    let mut row = Vec::new();
    while let Some(pixels) = reader.next_row().map_err(damaged)? {
        luma_row(kind, pixels.data(), &mut row);
        shrink.row(&row);
        if shrink.is_complete() {
            break;
        }
    }
    shrink.finish().ok_or_else(|| damaged("rows are missing"))
}

pub(super) fn jpeg(bytes: &[u8]) -> Result<Grid, PictureError> {
    let most = usize::try_from(MAX_PIXELS).unwrap_or(usize::MAX);
    let options = DecoderOptions::default()
        .set_max_width(most)
        .set_max_height(most)
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| damaged("it has no header"))?;
    let (width, height) = (u64::from(info.width), u64::from(info.height));
    start(width, height)?;
    let kind = match decoder.input_colorspace() {
        Some(ColorSpace::YCbCr | ColorSpace::Luma) => Pixel::Luma,
        _ => {
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
            Pixel::Rgb
        }
    };
    let pixels = decoder.decode().map_err(damaged)?;
    whole(width, height, kind, &pixels)
}

pub(super) fn webp(bytes: &[u8]) -> Result<Grid, PictureError> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    decoder.set_memory_limit(512 << 20);
    let (width, height) = decoder.dimensions();
    let (width, height) = (u64::from(width), u64::from(height));
    start(width, height)?;
    let size = decoder.output_buffer_size().ok_or(PictureError::Size { width, height })?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(damaged)?;
    let kind = if decoder.has_alpha() { Pixel::Rgba } else { Pixel::Rgb };
    whole(width, height, kind, &pixels)
}
