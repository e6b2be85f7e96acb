//! 256 bits out of a grid: of its 128 lowest frequencies, which are there and which way.
//!
//! A plain sign for each frequency would do for pictures full of detail. In a smooth one
//! (a face before a backdrop) most coefficients are next to nothing, and their signs are
//! what the encoder left: copies then lie far apart, and a plain count of bits takes
//! unrelated smooth pictures for one. So a coefficient has three states (positive,
//! negative, nothing to speak of), and the distance is relative to how much there is.
//!
//! Measured on 40 generated pictures (noise of two spectra, shapes, soft blobs) and 14
//! altered copies of each, in thousandths: JPEG 90 and 50, WebP 60, half, one and a half
//! times and thumbnail size, grey: 0 to 70; JPEG 20: up to 100; contrast and brightness by
//! a tenth: up to 310 for the smoothest pictures, else 60; cropped by 2 % at each side:
//! up to 160. Unrelated: 370 at the least, 620 in the middle.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::shrink::{GRID_SIDE, LumaGrid};

/// Frequencies that make a hash, two bits each.
const HASHED_FREQUENCIES: usize = 128;

/// Frequencies along each axis of which the lowest are taken.
const FREQUENCIES: usize = 16;

/// One, in the table of cosines.
const COSINE_SCALE: f64 = 4096.0;

/// What a coefficient of one level of luma comes to: 256 parts of a level, two cosines of
/// [`COSINE_SCALE`], and a quarter of all cells.
const LEVEL_COEFFICIENT: i64 = 256 * 4096 * 4096 * (GRID_SIDE * GRID_SIDE / 4) as i64;

/// Up to this a coefficient is what re-encoding leaves, not what the picture shows: half a
/// level.
const MAX_NOISE: i64 = LEVEL_COEFFICIENT / 2;

/// With fewer coefficients than this above [`MAX_NOISE`] a picture cannot be told from others.
const MIN_STRUCTURE: u32 = 12;

/// The perceptual hash of a picture.
///
/// The picture is shrunk to 64 x 64 and a cosine transform taken. For the 128 lowest
/// frequencies (in the order of both indices' sum, the constant one left out) the first
/// half of the bits says which coefficients are positive and more than noise, the second
/// half which are negative and more than noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PerceptualHash([u64; 4]);

impl PerceptualHash {
    /// Up to this [distance](PerceptualHash::distance) two pictures are very likely one,
    /// re-encoded or resized, or of one batch and composed alike.
    pub const MAX_SAME_DISTANCE: u32 = 150;

    pub(super) fn from_grid(grid: &LumaGrid) -> Option<PerceptualHash> {
        let coefficients = cosine_transform(grid);
        let mut words = [0u64; 4];
        for (bit, (u, v)) in FREQUENCY_ORDER.iter().enumerate() {
            let coefficient = coefficients[*v][*u];
            // Along an axis without change a cosine has twice the weight.
            let noise = if *u == 0 || *v == 0 { MAX_NOISE * 2 } else { MAX_NOISE };
            if coefficient.abs() > noise {
                let half = if coefficient > 0 { 0 } else { 2 };
                words[half + bit / 64] |= 1 << (bit % 64);
            }
        }
        let structure: u32 = words.iter().map(|word| word.count_ones()).sum();
        (structure >= MIN_STRUCTURE).then_some(PerceptualHash(words))
    }

    /// How unlike two pictures are, in thousandths: the bits that differ of all bits set
    /// in either. 0 is the same, 1000 nothing in common; unrelated pictures are about 600
    /// apart and hardly ever less than 350.
    pub fn distance(&self, other: &PerceptualHash) -> u32 {
        let pairs = self.0.iter().zip(other.0);
        let (differing, set) = pairs.fold((0, 0), |(differing, set), (a, b)| {
            (differing + (a ^ b).count_ones(), set + a.count_ones() + b.count_ones())
        });
        // Bits that are in both count twice in `set`, as they should.
        (1000 * differing).div_ceil(set.max(1))
    }

    /// The bits as four words, for an index.
    pub fn words(&self) -> [u64; 4] {
        self.0
    }

    /// From the four words of [`PerceptualHash::words`].
    pub fn from_words(words: [u64; 4]) -> Self {
        PerceptualHash(words)
    }
}

impl fmt::Display for PerceptualHash {
    /// 64 hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a perceptual hash is 64 hex digits")]
pub struct ParseHashError;

impl FromStr for PerceptualHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if text.len() != 64 || !digits {
            return Err(ParseHashError);
        }
        let mut words = [0; 4];
        for (word, at) in words.iter_mut().zip((0..64).step_by(16)) {
            *word = u64::from_str_radix(&text[at..at + 16], 16).map_err(|_| ParseHashError)?;
        }
        Ok(PerceptualHash(words))
    }
}

/// Frequencies in the order of their sum, without the constant one.
static FREQUENCY_ORDER: LazyLock<Vec<(usize, usize)>> = LazyLock::new(|| {
    let pairs = (0..FREQUENCIES).flat_map(|u| (0..FREQUENCIES).map(move |v| (u, v)));
    let mut pairs: Vec<_> = pairs.filter(|pair| *pair != (0, 0)).collect();
    pairs.sort_by_key(|(u, v)| (u + v, *u));
    pairs.truncate(HASHED_FREQUENCIES);
    pairs
});

/// Cosines as whole numbers: rounding hides how machines differ in the last digit.
static COSINES: LazyLock<[[i64; GRID_SIDE]; FREQUENCIES]> = LazyLock::new(|| {
    std::array::from_fn(|frequency| {
        std::array::from_fn(|at| {
            let angle = (2 * at + 1) as f64 * frequency as f64 * std::f64::consts::PI;
            (COSINE_SCALE * (angle / (2 * GRID_SIDE) as f64).cos()).round() as i64
        })
    })
});

/// The lowest coefficients of the two-dimensional cosine transform, `[v][u]`. The largest
/// stays below 2^53.
fn cosine_transform(grid: &LumaGrid) -> [[i64; FREQUENCIES]; FREQUENCIES] {
    let cosines = &*COSINES;
    let mut rows = [[0i64; FREQUENCIES]; GRID_SIDE];
    for (row, cells) in rows.iter_mut().zip(grid) {
        for (sum, cosines) in row.iter_mut().zip(cosines) {
            *sum = cells.iter().zip(cosines).map(|(cell, c)| i64::from(*cell) * c).sum();
        }
    }
    let mut coefficients = [[0i64; FREQUENCIES]; FREQUENCIES];
    for (line, cosines) in coefficients.iter_mut().zip(cosines) {
        for (row, c) in rows.iter().zip(cosines) {
            for (sum, value) in line.iter_mut().zip(row) {
                *sum += value * c;
            }
        }
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_holds_the_lowest_frequencies() {
        assert_eq!(FREQUENCY_ORDER.len(), HASHED_FREQUENCIES);
        assert_eq!(FREQUENCY_ORDER[..4], [(0, 1), (1, 0), (0, 2), (1, 1)]);
        // All of a sum that fit are inside the table.
        assert!(FREQUENCY_ORDER.iter().all(|(u, v)| u + v < FREQUENCIES));
    }

    #[test]
    fn a_hash_is_written_and_read() {
        let hash = PerceptualHash([1, u64::MAX, 0, 0x0123_4567_89ab_cdef]);
        let text = hash.to_string();
        assert_eq!(text, "0000000000000001ffffffffffffffff00000000000000000123456789abcdef");
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(PerceptualHash::from_words(hash.words()), hash);
        for wrong in ["", "12", &text[1..], &"x".repeat(64), &"é".repeat(32)] {
            assert_eq!(wrong.parse::<PerceptualHash>(), Err(ParseHashError));
        }
    }

    #[test]
    fn distance_is_relative_to_what_is_there() {
        let hash = |word| PerceptualHash([word, 0, 0, 0]);
        assert_eq!(hash(0xffff).distance(&hash(0xffff)), 0);
        assert_eq!(hash(0xff).distance(&hash(0xff00)), 1000);
        assert_eq!(hash(0xffff).distance(&hash(0x7fff)), 33);
        assert_eq!(hash(0).distance(&hash(0)), 0);
    }

    #[test]
    fn the_largest_coefficients_fit() {
        let white = [[255 * 256; GRID_SIDE]; GRID_SIDE];
        assert!(cosine_transform(&white)[0][0] < 1 << 53);
        assert_eq!(PerceptualHash::from_grid(&white), None);
    }
}
