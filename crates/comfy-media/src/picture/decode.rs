//! Pictures to rows of luma or to pixels, by the decoder of each format.

use std::fmt::Display;
use std::io::Cursor;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::shrink::LumaGrid;
use super::{MAX_PIXELS, PictureError, check_size, start_shrinking};

fn damaged(error: impl Display) -> PictureError {
    PictureError::Damaged(error.to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PixelFormat {
    Luma,
    LumaAlpha,
    Rgb,
    Rgba,
}

impl PixelFormat {
    fn bytes_per_pixel(self) -> usize {
        match self {
            PixelFormat::Luma => 1,
            PixelFormat::LumaAlpha => 2,
            PixelFormat::Rgb => 3,
            PixelFormat::Rgba => 4,
        }
    }
}

/// BT.601, as JPEG itself weighs colours; the three weights are 256 together.
fn rgb_to_luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
    (sum >> 8) as u8
}

/// Blends with white by alpha.
fn blend_on_white(luma: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((u32::from(luma) * alpha + 255 * (255 - alpha)) / 255) as u8
}

/// Makes a row of luma out of a row of pixels.
fn fill_luma_row(kind: PixelFormat, row: &[u8], luma_row: &mut Vec<u8>) {
    luma_row.clear();
    match kind {
        PixelFormat::Luma => luma_row.extend_from_slice(row),
        PixelFormat::LumaAlpha => {
            luma_row.extend(row.chunks_exact(2).map(|p| blend_on_white(p[0], p[1])));
        }
        PixelFormat::Rgb => {
            luma_row.extend(row.chunks_exact(3).map(|p| rgb_to_luma(p[0], p[1], p[2])))
        }
        PixelFormat::Rgba => luma_row.extend(
            row.chunks_exact(4).map(|p| blend_on_white(rgb_to_luma(p[0], p[1], p[2]), p[3])),
        ),
    }
}

/// Shrinks a picture that is decoded as a whole: interlaced PNG, JPEG, WebP.
fn shrink_pixels(
    width: u64,
    height: u64,
    kind: PixelFormat,
    pixels: &[u8],
) -> Result<LumaGrid, PictureError> {
    let mut shrink = start_shrinking(width, height)?;
    let stride =
        usize::try_from(width).unwrap_or(usize::MAX).saturating_mul(kind.bytes_per_pixel());
    let mut row = Vec::new();
    for pixels in pixels.chunks_exact(stride) {
        fill_luma_row(kind, pixels, &mut row);
        shrink.push_row(&row);
    }
    shrink.finish().ok_or_else(|| damaged("rows are missing"))
}

type PngReader<'b> = png::Reader<Cursor<&'b [u8]>>;

/// Opens a PNG whose size is allowed.
fn open_png(
    bytes: &[u8],
    transformations: png::Transformations,
) -> Result<(PngReader<'_>, PixelFormat), PictureError> {
    // The bytes are in memory already; buffers beside them are small.
    let limits = png::Limits { bytes: 64 << 20 };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(transformations);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.ignore_checksums(true);
    let reader = decoder.read_info().map_err(damaged)?;
    check_size(u64::from(reader.info().width), u64::from(reader.info().height))?;
    let kind = match reader.output_color_type().0 {
        png::ColorType::Grayscale => PixelFormat::Luma,
        png::ColorType::GrayscaleAlpha => PixelFormat::LumaAlpha,
        png::ColorType::Rgb => PixelFormat::Rgb,
        png::ColorType::Rgba => PixelFormat::Rgba,
        png::ColorType::Indexed => return Err(damaged("its palette is missing")),
    };
    Ok((reader, kind))
}

fn read_png_pixels(reader: &mut PngReader<'_>) -> Result<Vec<u8>, PictureError> {
    let (width, height) = (u64::from(reader.info().width), u64::from(reader.info().height));
    let size = reader.output_buffer_size().ok_or(PictureError::Size { width, height })?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(damaged)?;
    Ok(pixels)
}

pub(super) fn png_grid(bytes: &[u8]) -> Result<LumaGrid, PictureError> {
    let (mut reader, kind) = open_png(bytes, png::Transformations::normalize_to_color8())?;
    let (width, height) = (u64::from(reader.info().width), u64::from(reader.info().height));
    if reader.info().interlaced {
        return shrink_pixels(width, height, kind, &read_png_pixels(&mut reader)?);
    }
    let mut shrink = start_shrinking(width, height)?;
    let mut row = Vec::new();
    while let Some(pixels) = reader.next_row().map_err(damaged)? {
        fill_luma_row(kind, pixels.data(), &mut row);
        shrink.push_row(&row);
        if shrink.is_complete() {
            break;
        }
    }
    shrink.finish().ok_or_else(|| damaged("rows are missing"))
}

/// All pixels of a PNG with all their bits.
pub(super) fn png_raster(bytes: &[u8]) -> Result<Raster, PictureError> {
    let (mut reader, pixel) = open_png(bytes, png::Transformations::EXPAND)?;
    let depth = match reader.output_color_type().1 {
        png::BitDepth::Sixteen => SampleDepth::Sixteen,
        _ => SampleDepth::Eight,
    };
    let (width, height) = (reader.info().width, reader.info().height);
    Ok(Raster { width, height, pixel, depth, bytes: read_png_pixels(&mut reader)? })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JpegOutput {
    /// The luma plane, without the colours being made.
    Luma,
    /// What it shows.
    Colours,
}

fn open_jpeg(bytes: &[u8], wanted: JpegOutput) -> Result<Raster, PictureError> {
    let most = usize::try_from(MAX_PIXELS).unwrap_or(usize::MAX);
    let options = DecoderOptions::default()
        .set_max_width(most)
        .set_max_height(most)
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| damaged("it has no header"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(u64::from(width), u64::from(height))?;
    let pixel = match (decoder.input_colorspace(), wanted) {
        (Some(ColorSpace::Luma), _) | (Some(ColorSpace::YCbCr), JpegOutput::Luma) => {
            PixelFormat::Luma
        }
        _ => {
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
            PixelFormat::Rgb
        }
    };
    let bytes = decoder.decode().map_err(damaged)?;
    Ok(Raster { width, height, pixel, depth: SampleDepth::Eight, bytes })
}

pub(super) fn jpeg_grid(bytes: &[u8]) -> Result<LumaGrid, PictureError> {
    open_jpeg(bytes, JpegOutput::Luma)?.shrink()
}

pub(super) fn jpeg_raster(bytes: &[u8]) -> Result<Raster, PictureError> {
    open_jpeg(bytes, JpegOutput::Colours)
}

pub(super) fn webp_grid(bytes: &[u8]) -> Result<LumaGrid, PictureError> {
    webp_raster(bytes)?.shrink()
}

/// All pixels of a WebP; of an animation those of the first frame.
pub(super) fn webp_raster(bytes: &[u8]) -> Result<Raster, PictureError> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    decoder.set_memory_limit(512 << 20);
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height))?;
    let refused = PictureError::Size { width: u64::from(width), height: u64::from(height) };
    let size = decoder.output_buffer_size().ok_or(refused)?;
    let mut bytes = vec![0; size];
    decoder.read_image(&mut bytes).map_err(damaged)?;
    let pixel = if decoder.has_alpha() { PixelFormat::Rgba } else { PixelFormat::Rgb };
    Ok(Raster { width, height, pixel, depth: SampleDepth::Eight, bytes })
}

/// Whether a WebP is more than one picture.
pub(super) fn is_animated_webp(bytes: &[u8]) -> bool {
    image_webp::WebPDecoder::new(Cursor::new(bytes)).is_ok_and(|decoder| decoder.is_animated())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleDepth {
    Eight,
    Sixteen,
}

/// A decoded picture as its decoder left it.
#[derive(Debug)]
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    pixel: PixelFormat,
    depth: SampleDepth,
    bytes: Vec<u8>,
}

impl Raster {
    fn shrink(&self) -> Result<LumaGrid, PictureError> {
        shrink_pixels(u64::from(self.width), u64::from(self.height), self.pixel, &self.bytes)
    }

    /// Its pixels row by row: red, green, blue, alpha from 0 to 65535, whatever the file
    /// holds.
    pub(super) fn pixels(&self) -> impl Iterator<Item = [u16; 4]> + '_ {
        let size = match self.depth {
            SampleDepth::Eight => self.pixel.bytes_per_pixel(),
            SampleDepth::Sixteen => self.pixel.bytes_per_pixel() * 2,
        };
        let sample = move |pixel: &[u8], at: usize| match self.depth {
            SampleDepth::Eight => u16::from(pixel[at]) * 257,
            SampleDepth::Sixteen => u16::from_be_bytes([pixel[2 * at], pixel[2 * at + 1]]),
        };
        self.bytes.chunks_exact(size).map(move |pixel| {
            let at = |at| sample(pixel, at);
            match self.pixel {
                PixelFormat::Luma => [at(0), at(0), at(0), u16::MAX],
                PixelFormat::LumaAlpha => [at(0), at(0), at(0), at(1)],
                PixelFormat::Rgb => [at(0), at(1), at(2), u16::MAX],
                PixelFormat::Rgba => [at(0), at(1), at(2), at(3)],
            }
        })
    }

    /// Whether size, format and bytes are the same. Pixels of two formats can still be equal.
    pub(super) fn has_same_samples(&self, other: &Raster) -> bool {
        (self.width, self.height, self.pixel, self.depth)
            == (other.width, other.height, other.pixel, other.depth)
            && self.bytes == other.bytes
    }
}
