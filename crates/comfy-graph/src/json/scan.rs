//! Where runs of plain bytes end, sixteen bytes at a time.
//!
//! Half of a workflow is text in strings, most of the rest indentation: what looks at every
//! byte of them decides how fast documents are read and printed.

use wide::u8x16;

/// How many bytes are looked at together.
pub(super) const WIDTH: usize = 16;

const QUOTES: u8x16 = u8x16::new([b'"'; WIDTH]);
const SPACES: u8x16 = u8x16::new([b' '; WIDTH]);
const BACKSLASHES: u8x16 = u8x16::new([b'\\'; WIDTH]);
const LAST_CONTROLS: u8x16 = u8x16::new([0x1f; WIDTH]);

#[inline(always)]
fn load(text: &[u8], at: usize) -> Option<u8x16> {
    let bytes = text.get(at..)?.first_chunk::<WIDTH>()?;
    Some(u8x16::new(*bytes))
}

/// The first `"`, `\` or control character from `at` on; the end of the text without one.
#[inline(always)]
pub(super) fn find_special(text: &[u8], mut at: usize) -> usize {
    while let Some(bytes) = load(text, at) {
        let special = bytes.simd_eq(QUOTES)
            | bytes.simd_eq(BACKSLASHES)
            | bytes.simd_eq(bytes.min(LAST_CONTROLS));
        let mask = special.to_bitmask();
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += WIDTH;
    }
    find_special_near_end(text, at)
}

#[cold]
fn find_special_near_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

pub(super) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The first byte from `at` on that is no space; the end of the text without one.
#[inline(always)]
pub(super) fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while let Some(bytes) = load(text, at) {
        let spaces = bytes.simd_eq(SPACES).to_bitmask().trailing_ones() as usize;
        at += spaces;
        if spaces < WIDTH {
            return at;
        }
    }
    skip_spaces_near_end(text, at)
}

#[cold]
fn skip_spaces_near_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| byte != b' ').unwrap_or(rest.len())
}

/// Whether two texts are the same. Names are short: a call for each would cost more than the
/// comparison.
#[inline(always)]
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (same_ends::<8>(a, b), same_ends::<4>(a, b)) {
        (Some(is_same), _) | (None, Some(is_same)) => is_same,
        (None, None) => match (a, b) {
            ([first, .., last], [first_b, .., last_b]) => {
                // The one in the middle, of three.
                first == first_b && last == last_b && a[a.len() / 2] == b[b.len() / 2]
            }
            _ => a.first() == b.first(),
        },
    }
}

/// Whether two texts of the same length are the same, by their first and last `N` bytes;
/// longer ones are compared whole. Nothing for shorter ones.
#[inline(always)]
fn same_ends<const N: usize>(a: &[u8], b: &[u8]) -> Option<bool> {
    let firsts = a.first_chunk::<N>()? == b.first_chunk::<N>()?;
    if a.len() > 2 * N {
        return Some(firsts && a == b);
    }
    Some(firsts && a.last_chunk::<N>() == b.last_chunk::<N>())
}

/// Copies a text to the start of a buffer that is long enough. Most texts are short: a call
/// for each would cost more than the copy.
#[inline(always)]
pub(super) fn copy_text(to: &mut [u8], from: &[u8]) {
    let to = &mut to[..from.len()];
    if copy_ends::<16>(to, from) || copy_ends::<8>(to, from) || copy_ends::<4>(to, from) {
        return;
    }
    if let [first, .., last] = from {
        // The one in the middle, of three.
        to[from.len() / 2] = from[from.len() / 2];
        to[0] = *first;
        to[from.len() - 1] = *last;
    } else if let [only] = from {
        to[0] = *only;
    }
}

/// Copies a text of `N` to twice as many bytes as its first and last `N`; longer ones whole.
/// Whether it was that long.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    if from.len() > 2 * N {
        to.copy_from_slice(from);
        return true;
    }
    let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
        return false;
    };
    if let Some(to) = to.first_chunk_mut::<N>() {
        *to = *first;
    }
    if let Some(to) = to.last_chunk_mut::<N>() {
        *to = *last;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_ends_where_a_look_at_each_byte_does() {
        for length in 0..50 {
            for place in 0..=length {
                for special in [b'"', b'\\', 0, 0x1f, b'\n', b' ', 0x7f, 0x80, 0xff] {
                    let mut text = vec![b'a'; length];
                    text.resize(length.max(place), b'a');
                    if let Some(byte) = text.get_mut(place) {
                        *byte = special;
                    }
                    for from in 0..=length {
                        let slow = text[from..].iter().position(|&byte| is_special(byte));
                        let slow = slow.map_or(length, |plain| from + plain);
                        assert_eq!(find_special(&text, from), slow);
                    }
                }
            }
        }
    }

    #[test]
    fn texts_of_every_length_are_compared() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..=text.len() {
            let mut other = text[..length].to_vec();
            assert!(is_same(&text[..length], &other));
            assert!(!is_same(&text, &other) || length == text.len());
            for place in 0..length {
                other[place] = 0xff;
                assert!(!is_same(&text[..length], &other));
                other[place] = text[place];
            }
        }
    }

    #[test]
    fn texts_of_every_length_are_copied() {
        let text: Vec<u8> = (0..100).collect();
        for length in 0..=text.len() {
            let mut copy = vec![0xff; length + 3];
            copy_text(&mut copy, &text[..length]);
            assert_eq!(copy, [&text[..length], &[0xff; 3]].concat());
        }
    }

    #[test]
    fn spaces_are_skipped_and_nothing_else() {
        for length in 0..50 {
            for next in ["", "\n", "x", "\"      "] {
                let text = format!("{}{next}", " ".repeat(length));
                assert_eq!(skip_spaces(text.as_bytes(), 0), length);
            }
        }
    }
}
