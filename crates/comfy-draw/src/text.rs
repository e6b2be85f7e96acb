//! Texts of strangers made fit to be drawn: cleaned, measured, cut, broken into lines.
//!
//! Widths are those of Helvetica and its kin, a little generous: whoever draws may have
//! other letters. Must not know shapes.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::drawing::FontStyle;

/// Thousandths of the size, from blank to tilde.
const ASCII_WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The widest of the usual fonts (DejaVu Sans, Verdana) needs so much more.
const GENEROUS: f64 = 1.14;

/// The width of a text at a font size, both in canvas pixels at 100 %.
pub fn text_width(text: &str, size: f64, style: FontStyle) -> f64 {
    text.chars().map(|c| char_width(c, style)).sum::<f64>() * size
}

fn char_width(c: char, style: FontStyle) -> f64 {
    if style == FontStyle::Mono {
        return 0.602 * c.width().unwrap_or(0) as f64;
    }
    let width = match c {
        ' '..='~' => f64::from(ASCII_WIDTHS[c as usize - 0x20]) / 1000.0,
        _ => match c.width().unwrap_or(0) {
            0 => 0.0,
            1 => 0.6,
            _ => 1.0,
        },
    };
    let bold = if style == FontStyle::Bold { 1.07 } else { 1.0 };
    width * bold * GENEROUS
}

/// Whether a character is not to be drawn: it acts, reorders, is not seen, or has no place in
/// XML. The joiners U+200C and U+200D and the variation selectors stay: scripts and emoji need
/// them.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            // Soft hyphen, grapheme joiner, Hangul fillers, Mongolian vowel separator.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180e}' | '\u{3164}' | '\u{ffa0}'
                // Marks, embeddings, overrides and isolates of the bidirectional algorithm.
                | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                // Zero width space, line and paragraph separator, invisible operators, byte
                // order mark, interlinear annotation, musical formatting.
                | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
                | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                // Tags: invisible copies of ASCII.
                | '\u{e0000}'..='\u{e007f}'
                // Those that XML does not allow.
                | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text within a line: ends of lines and tabs become blanks, what acts or hides becomes
/// a replacement character.
pub fn line_text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unfit) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_unfit(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The same for a text of several lines, whose line ends stay.
pub(crate) fn block_text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unfit) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    let shown = |c: char| match c {
        '\n' => '\n',
        '\t' => ' ',
        '\r' => '\n',
        c if is_unfit(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The beginning of a line that fits into a width, with an ellipsis where it is cut.
pub(crate) fn fit_text(text: &str, width: f64, size: f64, style: FontStyle) -> String {
    let text = line_text(text);
    let ellipsis = char_width('…', style) * size;
    let (mut used, mut cut) = (0.0, 0);
    for (at, c) in text.char_indices() {
        used += char_width(c, style) * size;
        if used > width {
            return format!("{}…", text[..cut].trim_end());
        }
        if used + ellipsis <= width {
            cut = at + c.len_utf8();
        }
    }
    text.into_owned()
}

/// Breaks a text into lines that fit into a width, at blanks where there are any; no more
/// than `most`, the last with an ellipsis where something is left.
pub(crate) fn wrap_text(
    text: &str,
    width: f64,
    size: f64,
    style: FontStyle,
    most: usize,
) -> Vec<String> {
    // A huge text is not walked to its end: narrow letters are a fifth of the size.
    let enough = (most as f64 * (width / (size * 0.2) + 2.0)) as usize + 2;
    let (text, is_cut) = match text.char_indices().nth(enough) {
        Some((at, _)) => (&text[..at], true),
        None => (text, false),
    };
    let text = block_text(text);
    let mut lines: Vec<String> = Vec::new();
    let mut rest_left = is_cut;
    'paragraphs: for paragraph in text.split('\n') {
        for line in wrap_paragraph(paragraph, width, size, style) {
            if lines.len() == most {
                rest_left = true;
                break 'paragraphs;
            }
            lines.push(line);
        }
    }
    if let (true, Some(last)) = (rest_left, lines.last_mut()) {
        *last = fit_text(&format!("{}…", last.trim_end()), width, size, style);
        if !last.ends_with('…') {
            last.push('…');
        }
    }
    lines
}

fn wrap_paragraph(text: &str, width: f64, size: f64, style: FontStyle) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0.0);
    for word in text.split_inclusive([' ', ',']) {
        let wide = text_width(word.trim_end(), size, style);
        if used > 0.0 && used + wide > width {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0.0;
        }
        if wide <= width {
            line.push_str(word);
            used += text_width(word, size, style);
            continue;
        }
        // A word longer than a line: a path, a hash, a script without blanks.
        for c in word.chars() {
            let wide = char_width(c, style) * size;
            if used > 0.0 && used + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_cut_fits(text in "\\PC{0,60}", width in 20.0..300.0_f64) {
            let cut = fit_text(&text, width, 12.0, FontStyle::Regular);
            prop_assert!(cut == "…" || text_width(&cut, 12.0, FontStyle::Regular) <= width);
        }

        #[test]
        fn lines_fit_and_lose_nothing_but_blanks(
            text in "[a-zé字 ,\n]{0,200}",
            width in 30.0..200.0_f64,
        ) {
            let lines = wrap_text(&text, width, 12.0, FontStyle::Regular, 1000);
            for line in &lines {
                prop_assert!(text_width(line, 12.0, FontStyle::Regular) <= width + 0.01);
            }
            let solid = |text: &str| {
                text.chars().filter(|c| !c.is_whitespace()).collect::<String>()
            };
            prop_assert_eq!(solid(&lines.concat()), solid(&text));
        }

        #[test]
        fn nothing_that_acts_is_drawn(text in any::<String>()) {
            prop_assert!(!line_text(&text).contains(is_unfit));
            prop_assert!(!block_text(&text).contains(|c| c != '\n' && is_unfit(c)));
        }
    }

    #[test]
    fn a_cut_text_says_so() {
        let lines = wrap_text(&"word ".repeat(10_000), 100.0, 12.0, FontStyle::Regular, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…'), "{lines:?}");
    }
}
