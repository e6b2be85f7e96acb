//! A picture made small enough to stand in a line of text.

use super::{PictureError, decode_raster};

/// A picture made small by [`make_thumbnail`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// Row by row: red, green, blue.
    pub pixels: Vec<[u8; 3]>,
}

/// A PNG, JPEG or WebP within so many pixels a side, in its own proportions; of an
/// animation the first frame. Never larger than the picture. What is transparent is white.
///
/// # Errors
/// It is none of these, larger than what is decoded, or damaged.
pub fn make_thumbnail(bytes: &[u8], side: u32) -> Result<Thumbnail, PictureError> {
    let raster = decode_raster(bytes)?;
    let (width, height) = fit_within(raster.width, raster.height, side.max(1));
    let mut sums = vec![[0u64; 4]; width as usize * height as usize];
    let mut columns = (0..u64::from(raster.width)).cycle();
    let mut row = 0u64;
    for [red, green, blue, alpha] in raster.pixels() {
        let column = columns.next().unwrap_or(0);
        let x = column * u64::from(width) / u64::from(raster.width);
        let y = row * u64::from(height) / u64::from(raster.height);
        if column + 1 == u64::from(raster.width) {
            row += 1;
        }
        let place = usize::try_from(y * u64::from(width) + x).unwrap_or(usize::MAX);
        let Some(sum) = sums.get_mut(place) else { break };
        let alpha = u64::from(alpha);
        let laid = |level: u16| (u64::from(level) * alpha + 65_535 * (65_535 - alpha)) / 65_535;
        for (sum, level) in sum.iter_mut().zip([red, green, blue]) {
            *sum += laid(level);
        }
        sum[3] += 1;
    }
    let level = |sum: u64, count: u64| (sum / count.max(1) / 257) as u8;
    let pixel = |[r, g, b, n]: [u64; 4]| [level(r, n), level(g, n), level(b, n)];
    Ok(Thumbnail { width, height, pixels: sums.into_iter().map(pixel).collect() })
}

/// The largest size of the same proportions within a square.
fn fit_within(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= side {
        return (width, height);
    }
    let shrunk = |length: u32| {
        let length = u64::from(length) * u64::from(side) / u64::from(longest);
        u32::try_from(length).unwrap_or(side).max(1)
    };
    (shrunk(width), shrunk(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(png::ColorType::Rgba);
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let bytes: Vec<u8> = places.flat_map(|(x, y)| pixel(x, y)).collect();
        encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
        out
    }

    #[test]
    fn a_picture_is_shrunk_in_its_proportions_and_laid_on_white() {
        let halves = png(100, 50, |x, _| if x < 50 { [255, 0, 0, 255] } else { [0, 0, 0, 0] });
        let small = make_thumbnail(&halves, 10).unwrap();
        assert_eq!((small.width, small.height, small.pixels.len()), (10, 5, 50));
        assert_eq!((small.pixels[0], small.pixels[9]), ([255, 0, 0], [255, 255, 255]));
        let tiny = make_thumbnail(&png(3, 2, |_, _| [9, 9, 9, 255]), 10).unwrap();
        assert_eq!((tiny.width, tiny.height, tiny.pixels[5]), (3, 2, [9, 9, 9]));
        let thin = make_thumbnail(&png(1, 400, |_, _| [9, 9, 9, 255]), 10).unwrap();
        assert_eq!((thin.width, thin.height), (1, 10));
        assert!(make_thumbnail(b"no picture", 10).is_err());
    }
}
