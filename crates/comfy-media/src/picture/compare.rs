//! Compares two outputs: identical bytes, identical pixels, or by how much they differ.
//!
//! Pixels are compared as they are stored: colours that hide behind full transparency
//! count, colour profiles and EXIF orientation do not. A grey picture and a coloured one
//! that shows the same are the same. Videos, animations and sounds are compared by their
//! bytes only; no claim is made about what they show.

use super::super::Container;
use super::decode::{self, Raster};
use super::{PerceptualHash, detect_container, perceptual_hash};

/// The result of comparing two files.
#[derive(Debug, Clone, PartialEq)]
pub enum PictureComparison {
    /// Every byte is the same.
    SameBytes,
    /// Every pixel is the same; what the files carry beside them, or how they are packed,
    /// is not.
    SamePixels,
    /// Pictures of one size that differ.
    DifferentPixels(PixelDifference),
    /// Pictures of different sizes.
    DifferentSizes {
        /// Width and height of the first, in pixels.
        one: (u32, u32),
        /// Those of the second.
        other: (u32, u32),
        /// How unlike they are, in thousandths; see [`PerceptualHash::distance`].
        perceptual: Option<u32>,
    },
    /// The bytes differ, and at least one is no still picture that is decoded.
    DifferentBytes,
}

/// By how much two pictures of one size differ. Levels go from 0 to 255 whatever the depth
/// of the files; channels are red, green, blue, alpha.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelDifference {
    /// The largest difference of each channel, in levels.
    pub max: [f64; 4],
    /// The mean difference of each channel, in levels.
    pub mean: [f64; 4],
    /// Pixels that differ.
    pub differing_pixels: u64,
    /// Pixels of each picture.
    pub total_pixels: u64,
    /// Peak signal-to-noise ratio over the channels that any of both uses, in dB.
    pub psnr: f64,
    /// How unlike they are to the eye, in thousandths; see [`PerceptualHash::distance`].
    /// None where a picture has too little structure.
    pub perceptual: Option<u32>,
}

impl PixelDifference {
    /// The largest difference of any channel, in levels.
    pub fn largest(&self) -> f64 {
        self.max.into_iter().fold(0.0, f64::max)
    }
}

/// Compares two files, given whole.
pub fn compare_pictures(one: &[u8], other: &[u8]) -> PictureComparison {
    if one == other {
        return PictureComparison::SameBytes;
    }
    let (Some(a), Some(b)) = (decode_still(one), decode_still(other)) else {
        return PictureComparison::DifferentBytes;
    };
    let distance = || {
        let hash = |bytes| perceptual_hash(bytes).ok().flatten();
        hash(one).zip(hash(other)).map(|(a, b): (PerceptualHash, _)| a.distance(&b))
    };
    let (size, other_size) = ((a.width, a.height), (b.width, b.height));
    if size != other_size {
        return PictureComparison::DifferentSizes {
            one: size,
            other: other_size,
            perceptual: distance(),
        };
    }
    if a.has_same_samples(&b) {
        return PictureComparison::SamePixels;
    }
    match pixel_difference(&a, &b) {
        Some(difference) => PictureComparison::DifferentPixels(PixelDifference {
            perceptual: distance(),
            ..difference
        }),
        None => PictureComparison::SamePixels,
    }
}

/// The pixels of a still picture.
fn decode_still(bytes: &[u8]) -> Option<Raster> {
    let moves = match detect_container(bytes)? {
        Container::Apng => true,
        Container::WebP => decode::is_animated_webp(bytes),
        _ => false,
    };
    if moves { None } else { super::decode_raster(bytes).ok() }
}

/// One level, in the 65535 parts that samples are compared in.
const LEVEL: f64 = 257.0;

/// `None` where all pixels are the same.
fn pixel_difference(a: &Raster, b: &Raster) -> Option<PixelDifference> {
    let (mut max, mut sums, mut squares) = ([0u16; 4], [0u64; 4], [0u64; 4]);
    let (mut differing, mut of, mut transparent) = (0u64, 0u64, false);
    for (one, other) in a.pixels().zip(b.pixels()) {
        of += 1;
        transparent |= one[3] != u16::MAX || other[3] != u16::MAX;
        if one == other {
            continue;
        }
        differing += 1;
        for channel in 0..4 {
            let apart = one[channel].abs_diff(other[channel]);
            max[channel] = max[channel].max(apart);
            sums[channel] += u64::from(apart);
            // At most 2^32 for each of 2^26 pixels.
            squares[channel] += u64::from(apart) * u64::from(apart);
        }
    }
    if differing == 0 {
        return None;
    }
    let channels = if transparent { 4 } else { 3 };
    let parts = squares[..channels].iter().map(|sum| *sum as f64).sum::<f64>();
    let error = parts / (of as f64 * channels as f64);
    let peak = f64::from(u16::MAX);
    Some(PixelDifference {
        max: max.map(|max| f64::from(max) / LEVEL),
        mean: sums.map(|sum| sum as f64 / of as f64 / LEVEL),
        differing_pixels: differing,
        total_pixels: of,
        psnr: 10.0 * (peak * peak / error).log10(),
        perceptual: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png(side: (u32, u32), kind: png::ColorType, depth: png::BitDepth, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![];
        let mut encoder = png::Encoder::new(&mut out, side.0, side.1);
        encoder.set_color(kind);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(bytes).unwrap();
        writer.finish().unwrap();
        out
    }

    fn rgba(width: u32, pixels: &[[u8; 4]]) -> Vec<u8> {
        let height = u32::try_from(pixels.len()).unwrap() / width;
        let bytes: Vec<u8> = pixels.iter().flatten().copied().collect();
        png((width, height), png::ColorType::Rgba, png::BitDepth::Eight, &bytes)
    }

    /// Pixels of a few levels, so that some are the same.
    fn pictures() -> impl Strategy<Value = (u32, Vec<[u8; 4]>, Vec<[u8; 4]>)> {
        let level = prop::sample::select(vec![0u8, 1, 128, 254, 255]);
        (1u32..5, 1usize..5).prop_flat_map(move |(width, height)| {
            let pixel = prop::array::uniform4(level.clone());
            let count = width as usize * height;
            let pixels = prop::collection::vec(pixel, count);
            (Just(width), pixels.clone(), pixels)
        })
    }

    proptest! {
        #[test]
        fn a_difference_is_one_of_pixels((width, a, b) in pictures()) {
            let (one, other) = (rgba(width, &a), rgba(width, &b));
            let compared = compare_pictures(&one, &other);
            prop_assert_eq!(&compared, &compare_pictures(&other, &one));
            if a == b {
                prop_assert_eq!(compared, PictureComparison::SameBytes);
                return Ok(());
            }
            let PictureComparison::DifferentPixels(found) = compared else {
                return Err(TestCaseError::fail(format!("{compared:?}")));
            };
            let differing = a.iter().zip(&b).filter(|(a, b)| a != b).count() as u64;
            prop_assert_eq!((found.differing_pixels, found.total_pixels), (differing, a.len() as u64));
            for channel in 0..4 {
                let apart = |(a, b): (&[u8; 4], &[u8; 4])| f64::from(a[channel].abs_diff(b[channel]));
                let apart: Vec<f64> = a.iter().zip(&b).map(apart).collect();
                let max = apart.iter().copied().fold(0.0, f64::max);
                let mean = apart.iter().sum::<f64>() / a.len() as f64;
                prop_assert!((found.max[channel] - max).abs() < 1e-9);
                prop_assert!((found.mean[channel] - mean).abs() < 1e-9);
                prop_assert!(found.mean[channel] <= found.max[channel] + 1e-9);
                prop_assert!((0.0..=255.0).contains(&found.max[channel]));
            }
            prop_assert!(found.largest() > 0.0 && found.psnr >= 0.0 && found.psnr.is_finite());
        }
    }

    #[test]
    fn the_same_pixels_are_known_however_they_are_packed() {
        let grey = [0u8, 90, 200, 255];
        let wide: Vec<u8> = grey.iter().flat_map(|level| [*level, *level]).collect();
        let colour: Vec<u8> = grey.iter().flat_map(|level| [*level; 3]).collect();
        let alpha: Vec<[u8; 4]> = grey.iter().map(|l| [*l, *l, *l, 255]).collect();
        let mut webp = vec![];
        let encoder = image_webp::WebPEncoder::new(&mut webp);
        encoder.encode(&colour, 2, 2, image_webp::ColorType::Rgb8).unwrap();
        let eight = png::BitDepth::Eight;
        let files = [
            png((2, 2), png::ColorType::Grayscale, eight, &grey),
            png((2, 2), png::ColorType::Grayscale, png::BitDepth::Sixteen, &wide),
            png((2, 2), png::ColorType::Rgb, eight, &colour),
            rgba(2, &alpha),
            webp,
        ];
        for one in &files {
            for other in &files {
                let same = compare_pictures(one, other);
                assert!(
                    matches!(same, PictureComparison::SameBytes | PictureComparison::SamePixels),
                    "{same:?}"
                );
            }
        }
        // One part of 65535 is a difference.
        let deep = |last: u8| {
            let bytes = [10, 0, 20, last];
            png((2, 1), png::ColorType::Grayscale, png::BitDepth::Sixteen, &bytes)
        };
        let PictureComparison::DifferentPixels(found) = compare_pictures(&deep(1), &deep(2)) else {
            panic!("they differ")
        };
        assert!(found.largest() > 0.0 && found.largest() < 0.01);
    }

    #[test]
    fn one_level_in_one_pixel_is_told() {
        let even = vec![[100, 100, 100, 255]; 16];
        let mut other = even.clone();
        other[5][1] = 101;
        let PictureComparison::DifferentPixels(found) =
            compare_pictures(&rgba(4, &even), &rgba(4, &other))
        else {
            panic!("they differ")
        };
        assert_eq!((found.max, found.differing_pixels), ([0.0, 1.0, 0.0, 0.0], 1));
        assert_eq!(found.mean[1], 1.0 / 16.0);
        // 48 samples, one of them off by one.
        assert!((found.psnr - 10.0 * (255.0f64 * 255.0 * 48.0).log10()).abs() < 1e-9);
        let inverse =
            compare_pictures(&rgba(1, &[[0, 0, 0, 255]]), &rgba(1, &[[255, 255, 255, 255]]));
        let PictureComparison::DifferentPixels(found) = inverse else { panic!("they differ") };
        assert!(found.psnr.abs() < 1e-9, "nothing is further apart: {}", found.psnr);
    }

    #[test]
    fn sizes_and_other_files_are_said_to_differ_and_no_more() {
        let (one, other) = (rgba(1, &[[1; 4]; 2]), rgba(2, &[[1; 4]; 2]));
        let sizes =
            PictureComparison::DifferentSizes { one: (1, 2), other: (2, 1), perceptual: None };
        assert_eq!(compare_pictures(&one, &other), sizes);
        assert_eq!(compare_pictures(b"fLaC\0a", b"fLaC\0b"), PictureComparison::DifferentBytes);
        assert_eq!(compare_pictures(b"", b""), PictureComparison::SameBytes);
        assert_eq!(
            compare_pictures(&one, &one[..one.len() / 2]),
            PictureComparison::DifferentBytes
        );
        assert_eq!(compare_pictures(&one, b"text"), PictureComparison::DifferentBytes);
    }
}
