//! Makes a stranger's text safe to show in a terminal.
//!
//! A workflow, an image or a note can come from anybody. A title with an escape sequence
//! in it could recolour the screen, set the clipboard or hide what follows; a bidirectional
//! override could show `cfg 7` where the file says otherwise. Every text out of a file
//! passes one of these functions on its way to `ui`. What would act on the terminal or be
//! invisible is shown as an escape (`\x1b`, `\u{202e}`); everything else is kept, so
//! that prompts in any script stay readable.
//!
//! Must not know what the text is. HTML and Markdown have escapes of their own.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use unicode_width::UnicodeWidthChar;

/// Bytes of text for one terminal cell at most: marks stacked on a letter take no cells.
const MAX_CELL_BYTES: usize = 64;

/// Where a text is shown, which decides about its line ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextPlacement {
    /// Within a line: a line end or tab is shown as an escape.
    Line,
    /// On lines of its own: `\n` and `\t` stay.
    Block,
}

/// A text for the inside of a line: a title, a file name, a value.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape_unsafe(text, TextPlacement::Line)
}

/// A path for the inside of a line.
pub(crate) fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// A text that may span lines: a prompt, a log, a patch. `\n` and `\t` stay, `\r\n`
/// becomes `\n`, a lone `\r` (which would overwrite its line) is escaped.
pub(crate) fn block(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        let unix = text.replace("\r\n", "\n");
        return Cow::Owned(escape_unsafe(&unix, TextPlacement::Block).into_owned());
    }
    escape_unsafe(text, TextPlacement::Block)
}

/// JSON text. JSON escapes the control characters of ASCII itself, but lets C1 controls,
/// bidirectional overrides and invisible characters through; those become `\u` escapes, so
/// that the value stays the same.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let acts = |c: char| !c.is_ascii() && is_unsafe(c, TextPlacement::Block);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The beginning of a text within a line: white space runs become one blank, and what
/// does not fit in `columns` terminal cells is replaced by `…`.
pub(crate) fn excerpt(text: &str, columns: usize) -> String {
    let mut shown = String::new();
    let mut width = 0;
    // Where to cut so that the ellipsis still fits.
    let mut cut = 0;
    let mut token = String::new();
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        token.clear();
        if c.is_whitespace() {
            while chars.next_if(|next| next.is_whitespace()).is_some() {}
            token.push(' ');
        } else {
            push_escaped(&mut token, c, TextPlacement::Line);
        }
        let wide: usize = token.chars().map(|c| c.width().unwrap_or(0)).sum();
        if width + wide > columns || shown.len() > columns.saturating_mul(MAX_CELL_BYTES) {
            shown.truncate(cut);
            shown.truncate(shown.trim_end().len());
            if columns > 0 {
                shown.push('…');
            }
            return shown;
        }
        shown.push_str(&token);
        width += wide;
        if width < columns {
            cut = shown.len();
        }
    }
    shown
}

fn escape_unsafe(text: &str, place: TextPlacement) -> Cow<'_, str> {
    // Nearly every text is nothing but letters, digits and signs of ASCII.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.char_indices().find(|(_, c)| is_unsafe(*c, place)) else {
        return Cow::Borrowed(text);
    };
    let (clean, rest) = text.split_at(first.0);
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(clean);
    for c in rest.chars() {
        push_escaped(&mut safe, c, place);
    }
    Cow::Owned(safe)
}

fn push_escaped(into: &mut String, c: char, place: TextPlacement) {
    if !is_unsafe(c, place) {
        into.push(c);
        return;
    }
    // Writing to a String cannot fail.
    let _ = match c {
        '\n' => write!(into, "\\n"),
        '\r' => write!(into, "\\r"),
        '\t' => write!(into, "\\t"),
        c if u32::from(c) < 0x100 => write!(into, "\\x{:02x}", u32::from(c)),
        c => write!(into, "\\u{{{:x}}}", u32::from(c)),
    };
}

/// Whether a character would act on the terminal, reorder the line or not be seen.
///
/// The joiners U+200C and U+200D and the variation selectors stay: scripts and emoji
/// need them, and they change nothing but the glyph.
fn is_unsafe(c: char, place: TextPlacement) -> bool {
    match c {
        '\n' | '\t' => place == TextPlacement::Line,
        // C0, DEL and C1: every escape sequence starts with one of these.
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        ' '..='~' => false,
        // Soft hyphen, grapheme joiner, Hangul fillers, Mongolian vowel separator.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{3164}' | '\u{ffa0}' => true,
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        // Zero width space, line and paragraph separator, invisible operators, byte order
        // mark, interlinear annotation, musical formatting.
        '\u{200b}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' => true,
        // Tags: invisible copies of ASCII.
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in ["", "KSampler #3", "neon fox, 4k", "狐 in the rain", "🦊👩‍🎨 é"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(block(text), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn what_acts_on_the_terminal_is_shown_instead() {
        assert_eq!(line("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
        assert_eq!(line("\x1b]52;c;ZXZpbA==\x07"), "\\x1b]52;c;ZXZpbA==\\x07");
        assert_eq!(line("\u{9b}2J"), "\\x9b2J");
        assert_eq!(line("cfg \u{202e}7\u{202c}"), "cfg \\u{202e}7\\u{202c}");
        assert_eq!(line("a\u{200b}b\u{e0041}"), "a\\u{200b}b\\u{e0041}");
    }

    #[test]
    fn a_drawing_hides_the_same_characters() {
        for c in '\0'..=char::MAX {
            // What no XML may hold is no danger to a terminal.
            let is_drawn = comfy_draw::text::line_text(&c.to_string()) == c.to_string();
            let is_hidden =
                is_unsafe(c, TextPlacement::Line) || matches!(c, '\u{fffe}' | '\u{ffff}');
            assert_eq!(is_drawn, !is_hidden, "{c:?}");
        }
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"狐": "\u{9b}2J \u{202e}\u{e0041} é\u{1b}"});
        let text = value.to_string();
        let safe = json(&text);
        assert_eq!(safe, "{\"狐\":\"\\u009b2J \\u202e\\udb40\\udc41 é\\u001b\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        assert!(matches!(json("[1,\n2]"), Cow::Borrowed(_)));
    }

    #[test]
    fn line_ends_stay_only_in_a_block() {
        assert_eq!(line("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(block("a\r\nb\tc\rd"), "a\nb\tc\\rd");
        assert_eq!(block("a\u{2028}b"), "a\\u{2028}b");
    }

    #[test]
    fn an_excerpt_fits_its_columns() {
        assert_eq!(excerpt("  a  fox\n\nin rain ", 20), "a fox in rain");
        assert_eq!(excerpt("a fox in the rain", 8), "a fox i…");
        assert_eq!(excerpt("a fox in the rain", 9), "a fox in…");
        assert_eq!(excerpt("exactly", 7), "exactly");
        assert_eq!(excerpt("狐狐狐狐", 5), "狐狐…");
        assert_eq!(excerpt("\x1b[2J", 5), "\\x1b…");
        assert_eq!(excerpt("fox", 0), "");
        assert!(excerpt(&"\u{301}".repeat(10_000), 10).len() < 1000);
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>(), columns in 0usize..40) {
            let whole = line(&text);
            prop_assert!(!whole.chars().any(|c| is_unsafe(c, TextPlacement::Line)));
            prop_assert!(!block(&text).chars().any(|c| is_unsafe(c, TextPlacement::Block)));
            prop_assert_eq!(line(&whole), whole.as_ref());
            let short = excerpt(&text, columns);
            let width: usize = short.chars().map(|c| c.width().unwrap_or(0)).sum();
            prop_assert!(width <= columns && line(&short) == short);
        }
    }
}
