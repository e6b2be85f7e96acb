//! Cuts two texts so that what differs between them is still seen.
//!
//! Must not know what the texts are; they come back unsanitized.

use unicode_width::UnicodeWidthChar;

/// Both texts in at most `columns` terminal cells each. What they share at their start gives
/// way to `…` first, then what does not fit at their end.
pub(crate) fn excerpt_pair(before: &str, after: &str, columns: usize) -> [String; 2] {
    if cells(before.chars()) <= columns && cells(after.chars()) <= columns {
        return [before.to_owned(), after.to_owned()];
    }
    let shared: Vec<char> =
        before.chars().zip(after.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    // Enough to know the place by, and to see the difference and something behind it.
    let context = columns / 3;
    let mut used = 0;
    let kept = shared.iter().rev().take_while(|c| {
        used += width(**c);
        used <= context
    });
    let skipped = shared.len() - kept.count();
    [before, after].map(|text| cut(text, skipped, columns))
}

fn cut(text: &str, skipped: usize, columns: usize) -> String {
    // One sign in the place of another gains nothing.
    let skipped = if skipped > 1 { skipped } else { 0 };
    let mut shown = String::new();
    let mut used = 0;
    if skipped > 0 {
        shown.push('…');
        used = 1;
    }
    let rest: Vec<char> = text.chars().skip(skipped).collect();
    let fits = used + cells(rest.iter().copied()) <= columns;
    for c in rest {
        if !fits && used + width(c) + 1 > columns {
            shown.push('…');
            break;
        }
        shown.push(c);
        used += width(c);
    }
    shown
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn cells(text: impl Iterator<Item = char>) -> usize {
    text.map(width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_shows_where_two_texts_differ() {
        let pair = |a, b| excerpt_pair(a, b, 16).join(" -> ");
        assert_eq!(pair("short", "shorter"), "short -> shorter");
        let (a, b) =
            ("ltx/ltx-2.3-22b-distilled-lora-384.sft", "ltx/ltx-2.3-22b-distilled-lora-512.sft");
        assert_eq!(pair(a, b), "…lora-384.sft -> …lora-512.sft");
        assert_eq!(
            pair("a long text that ends here", "a long text that ends here, and goes on"),
            "… here -> … here, and goe…"
        );
        assert_eq!(
            pair("Xbcdefghijklmnopq", "Ybcdefghijklmnopq"),
            "Xbcdefghijklmno… -> Ybcdefghijklmno…"
        );
    }

    #[test]
    fn nothing_is_wider_than_allowed_and_differences_survive() {
        for columns in [4, 8, 20] {
            for (a, b) in
                [("愛".repeat(30), "愛".repeat(31)), ("x".repeat(50) + "a", "x".repeat(50) + "b")]
            {
                let [was, is] = excerpt_pair(&a, &b, columns);
                assert!(cells(was.chars()) <= columns && cells(is.chars()) <= columns);
                assert_ne!(was, is);
            }
        }
    }
}
