//! What a picture shows: its perceptual hash, which stays the same when it is re-encoded,
//! resized or stripped of its metadata, and how far two pictures are apart pixel by pixel
//! ([`compare_pictures`]).
//!
//! ```text
//! bytes ── decode ──▶ rows of luma ── shrink ──▶ 64 x 64 ── cosine transform ──▶ 256 bits
//! ```
//!
//! Everything behind the decoder is whole-number arithmetic, so that a hash is the same on
//! every machine and an index of hashes can travel. The decoders are the three that the
//! `image` crate itself uses, taken by themselves: `image` would bring colour management
//! (the larger part of its code) and whole-picture buffers. PNG rows stream by; JPEG gives
//! its luma plane without the colours being made.

mod compare;
mod decode;
mod hash;
mod shrink;
mod thumbnail;

pub use compare::{PictureComparison, PixelDifference, compare_pictures};
pub use hash::{ParseHashError, PerceptualHash};
pub use thumbnail::{Thumbnail, make_thumbnail};

use std::io::Cursor;

use shrink::PictureShrinker;

use super::windowed_reader::WindowedReader;
use super::{Container, detect};

/// Pixels of the largest picture that is decoded: 64 Mi, such as 8192 x 8192. A decoder
/// needs up to six bytes a pixel (a progressive JPEG).
pub const MAX_PIXELS: u64 = 64 << 20;

/// Why a picture was not decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The file is no picture of a kind that is decoded.
    #[error("no PNG, JPEG or WebP picture")]
    NotDecoded(Option<Container>),
    /// The picture is larger than [`MAX_PIXELS`], or has no pixels at all.
    #[error("a picture of {width}x{height} pixels is not decoded")]
    Size {
        /// The width that the file claims, in pixels.
        width: u64,
        /// The height that the file claims, in pixels.
        height: u64,
    },
    /// The decoder's message.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
}

/// The perceptual hash of a PNG, JPEG or WebP; of an animation that of the first frame.
///
/// Nothing for a picture that has too little structure to be told from others, such as an
/// evenly coloured one. Pixels that are transparent count as white; EXIF orientation is
/// not applied.
///
/// # Errors
/// It is none of these, larger than what is decoded, or damaged.
pub fn perceptual_hash(bytes: &[u8]) -> Result<Option<PerceptualHash>, PictureError> {
    let shrunk = match detect_container(bytes) {
        Some(Container::Png | Container::Apng) => decode::png_grid(bytes),
        Some(Container::Jpeg) => decode::jpeg_grid(bytes),
        Some(Container::WebP) => decode::webp_grid(bytes),
        other => Err(PictureError::NotDecoded(other)),
    }?;
    Ok(PerceptualHash::from_grid(&shrunk))
}

/// All pixels of a picture; of an animation those of the first frame.
fn decode_raster(bytes: &[u8]) -> Result<decode::Raster, PictureError> {
    match detect_container(bytes) {
        Some(Container::Png | Container::Apng) => decode::png_raster(bytes),
        Some(Container::Jpeg) => decode::jpeg_raster(bytes),
        Some(Container::WebP) => decode::webp_raster(bytes),
        other => Err(PictureError::NotDecoded(other)),
    }
}

/// What kind of file it is, by its first bytes.
fn detect_container(bytes: &[u8]) -> Option<Container> {
    let mut cursor = Cursor::new(bytes);
    WindowedReader::new(&mut cursor)
        .and_then(|mut source| detect::detect_container(&mut source))
        .unwrap_or_default()
}

/// Checks that a picture of that size may be decoded.
fn check_size(width: u64, height: u64) -> Result<(usize, usize), PictureError> {
    let refused = PictureError::Size { width, height };
    let pixels = width.checked_mul(height).filter(|pixels| (1..=MAX_PIXELS).contains(pixels));
    match (pixels, usize::try_from(width), usize::try_from(height)) {
        (Some(_), Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err(refused),
    }
}

/// Checks a size and begins to shrink a picture of it.
fn start_shrinking(width: u64, height: u64) -> Result<PictureShrinker, PictureError> {
    check_size(width, height).map(|(width, height)| PictureShrinker::new(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of a generated picture, RGB.
    #[derive(Clone)]
    struct Picture {
        width: usize,
        height: usize,
        pixels: Vec<[u8; 3]>,
    }

    impl Picture {
        /// Soft blobs and hard boxes, the same scene at any size.
        fn scene(seed: u32, width: usize, height: usize) -> Picture {
            let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
            let mut next = move || {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                f64::from(state >> 8) / f64::from(1 << 24)
            };
            let shapes: Vec<[f64; 7]> = (0..40).map(|_| std::array::from_fn(|_| next())).collect();
            let color = |x: f64, y: f64| {
                let mut color = [96.0, 112.0, 128.0];
                for [cx, cy, size, r, g, b, kind] in &shapes {
                    let (dx, dy, size) = (x - cx, y - cy, 0.05 + size * 0.2);
                    let share = if *kind < 0.5 {
                        (-(dx * dx + dy * dy) / (size * size)).exp()
                    } else {
                        f64::from(u8::from(dx.abs() < size && dy.abs() < size * g)) * 0.5
                    };
                    for (channel, target) in color.iter_mut().zip([r, g, b]) {
                        *channel += (target * 255.0 - *channel) * share;
                    }
                }
                color.map(|channel| channel.clamp(0.0, 255.0) as u8)
            };
            let at = |i: usize, n: usize| (i as f64 + 0.5) / n as f64;
            let pixels = (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .map(|(x, y)| color(at(x, width), at(y, height)))
                .collect();
            Picture { width, height, pixels }
        }

        /// Every `n`th pixel, as the crudest resizing takes.
        fn thinned(&self, n: usize) -> Picture {
            let (width, height) = (self.width / n, self.height / n);
            let pixel = |(x, y): (usize, usize)| self.pixels[y * n * self.width + x * n];
            let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            Picture { width, height, pixels: places.map(pixel).collect() }
        }

        fn bytes(&self) -> Vec<u8> {
            self.pixels.iter().flatten().copied().collect()
        }

        fn png(&self) -> Vec<u8> {
            self.png_as(png::ColorType::Rgb, png::BitDepth::Eight, &self.bytes())
        }

        fn png_as(&self, color: png::ColorType, depth: png::BitDepth, bytes: &[u8]) -> Vec<u8> {
            let mut out = vec![];
            let mut encoder = png::Encoder::new(&mut out, self.width as u32, self.height as u32);
            encoder.set_color(color);
            encoder.set_depth(depth);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(bytes).unwrap();
            writer.finish().unwrap();
            out
        }

        fn jpeg(&self, quality: u8, progressive: bool) -> Vec<u8> {
            let mut out = vec![];
            let mut encoder = jpeg_encoder::Encoder::new(&mut out, quality);
            encoder.set_progressive(progressive);
            let (width, height) = (self.width as u16, self.height as u16);
            encoder.encode(&self.bytes(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
            out
        }

        fn webp(&self) -> Vec<u8> {
            let mut out = vec![];
            let encoder = image_webp::WebPEncoder::new(&mut out);
            let (width, height) = (self.width as u32, self.height as u32);
            let kind = image_webp::ColorType::Rgb8;
            encoder.encode(&self.bytes(), width, height, kind).unwrap();
            out
        }
    }

    fn hash(bytes: &[u8]) -> PerceptualHash {
        perceptual_hash(bytes).unwrap().unwrap()
    }

    #[test]
    fn copies_are_near_and_others_far() {
        let scenes: Vec<Picture> =
            (1..=6).map(|seed| Picture::scene(seed, 320, 200 + seed as usize * 20)).collect();
        let hashes: Vec<_> = scenes.iter().map(|scene| hash(&scene.png())).collect();
        for (seed, (scene, original)) in (1..).zip(scenes.iter().zip(&hashes)) {
            let larger = Picture::scene(seed, scene.width * 2, scene.height * 2);
            let copies = [
                ("lossless", scene.webp(), 0),
                ("JPEG 90", scene.jpeg(90, false), 40),
                ("JPEG 50, progressive", scene.jpeg(50, true), 60),
                ("JPEG 20", scene.jpeg(20, false), PerceptualHash::MAX_SAME_DISTANCE),
                ("larger", larger.png(), 60),
                ("half", scene.thinned(2).jpeg(80, false), 100),
                ("thumbnail", scene.thinned(4).jpeg(70, false), PerceptualHash::MAX_SAME_DISTANCE),
            ];
            for (name, copy, most) in copies {
                let distance = original.distance(&hash(&copy));
                assert!(distance <= most, "scene {seed}, {name}: {distance} apart");
            }
        }
        for (at, a) in hashes.iter().enumerate() {
            for b in &hashes[..at] {
                assert!(a.distance(b) > 2 * PerceptualHash::MAX_SAME_DISTANCE, "{}", a.distance(b));
            }
        }
    }

    /// The hash is what other clones and later versions compare with: it must not change.
    #[test]
    fn a_hash_is_the_same_everywhere() {
        let hash = hash(&Picture::scene(1, 96, 64).png());
        insta::assert_snapshot!(hash, @"404c66b80cf5499204004a03800256a531b39804f302b42df100b40858a90942");
    }

    #[test]
    fn every_kind_of_png_gives_the_same_picture() {
        let scene = Picture::scene(3, 90, 70);
        let original = hash(&scene.png());
        let rgb = scene.bytes();
        let rgba: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        let deep: Vec<u8> = rgb.iter().flat_map(|byte| [*byte, *byte]).collect();
        let eight = png::BitDepth::Eight;
        let with_alpha = scene.png_as(png::ColorType::Rgba, eight, &rgba);
        let sixteen = scene.png_as(png::ColorType::Rgb, png::BitDepth::Sixteen, &deep);
        assert_eq!(hash(&with_alpha), original);
        assert_eq!(hash(&sixteen), original);
        let grey: Vec<u8> = rgb
            .chunks(3)
            .map(|p| {
                ((77 * u32::from(p[0]) + 150 * u32::from(p[1]) + 29 * u32::from(p[2])) >> 8) as u8
            })
            .collect();
        assert_eq!(hash(&scene.png_as(png::ColorType::Grayscale, eight, &grey)), original);
        // Transparent pixels are white whatever colour they hide.
        let hidden: Vec<u8> = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 0]).collect();
        let hidden = scene.png_as(png::ColorType::Rgba, eight, &hidden);
        assert_eq!(perceptual_hash(&hidden), Ok(None));
    }

    #[test]
    fn even_pictures_have_no_hash() {
        let even = Picture { width: 50, height: 40, pixels: vec![[90, 20, 200]; 2000] };
        assert_eq!(perceptual_hash(&even.png()), Ok(None));
        assert_eq!(perceptual_hash(&even.jpeg(60, false)), Ok(None));
        assert_eq!(perceptual_hash(&even.webp()), Ok(None));
    }

    #[test]
    fn a_claimed_size_is_not_believed() {
        let mut huge = Picture::scene(1, 8, 8).png();
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let size = PictureError::Size { width: 65536, height: 65536 };
        assert_eq!(perceptual_hash(&huge), Err(size));
        let mut jpeg = Picture::scene(1, 8, 8).jpeg(80, false);
        let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
        let size = PictureError::Size { width: 65535, height: 65535 };
        assert_eq!(perceptual_hash(&jpeg), Err(size));
        // A large size that is allowed, with next to no data behind it.
        let mut large = Picture::scene(1, 8, 8).png();
        large[16..24].copy_from_slice(&[0, 0, 32, 0, 0, 0, 32, 0]);
        assert!(matches!(perceptual_hash(&large), Err(PictureError::Damaged(_))));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(perceptual_hash(b""), Err(PictureError::NotDecoded(None)));
        let flac = perceptual_hash(b"fLaC\0\0\0\0");
        assert_eq!(flac, Err(PictureError::NotDecoded(Some(Container::Flac))));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let scene = Picture::scene(2, 24, 20);
        for file in [scene.png(), scene.jpeg(80, false), scene.jpeg(80, true), scene.webp()] {
            for end in (0..file.len()).step_by(7) {
                let _ = perceptual_hash(&file[..end]);
            }
            for at in (0..file.len()).step_by(3) {
                let mut damaged = file.clone();
                damaged[at] ^= 0x55;
                let _ = perceptual_hash(&damaged);
            }
        }
    }
}
