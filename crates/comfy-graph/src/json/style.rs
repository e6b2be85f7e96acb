//! How a file spells its JSON: whitespace, escapes, line ends.

/// What stands before each member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indent {
    /// Everything on one line.
    None,
    /// A new line and so many spaces for each level.
    Spaces(u8),
    /// A new line and one tab for each level.
    Tab,
}

/// Which characters are escaped beyond those that must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// Only `"`, `\` and control characters: JavaScript's `JSON.stringify`.
    Needed,
    /// Everything beyond ASCII too, as `\uXXXX`: Python's `json.dumps`.
    Ascii,
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

/// The spelling of one JSON text, as far as it is regular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonStyle {
    /// Before each member.
    pub indent: Indent,
    /// A space after `:`.
    pub space_after_colon: bool,
    /// A space after `,` where no new line follows it.
    pub space_after_comma: bool,
    /// Which characters are escaped.
    pub escapes: Escapes,
    /// How lines end.
    pub line_end: LineEnd,
    /// Whether a line end closes the text.
    pub final_newline: bool,
}

impl JsonStyle {
    /// One line, nothing spare, no final newline: what ComfyUI's Save writes.
    pub const SAVE: JsonStyle = JsonStyle {
        indent: Indent::None,
        space_after_colon: false,
        space_after_comma: false,
        escapes: Escapes::Needed,
        line_end: LineEnd::Lf,
        final_newline: false,
    };

    /// Two spaces, no final newline: what ComfyUI's Export writes.
    pub const EXPORT: JsonStyle =
        JsonStyle { indent: Indent::Spaces(2), space_after_colon: true, ..JsonStyle::SAVE };

    /// Two spaces and a final newline: the form that goes into git.
    pub const CANONICAL: JsonStyle = JsonStyle { final_newline: true, ..JsonStyle::EXPORT };

    /// One line with spaces, ASCII only: Python's `json.dumps`, and so what is embedded
    /// in images.
    pub const PYTHON: JsonStyle = JsonStyle {
        space_after_colon: true,
        space_after_comma: true,
        escapes: Escapes::Ascii,
        ..JsonStyle::SAVE
    };

    /// Reads the style off a text. A guess from its first lines; whoever needs certainty
    /// prints and compares.
    pub fn detect(text: &str) -> JsonStyle {
        let body = text.trim_start_matches([' ', '\t', '\n', '\r']);
        let inside = body.strip_prefix(['{', '[']).unwrap_or_default();
        let gap_length = inside.len() - inside.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let (gap, members) = inside.split_at(gap_length);
        let indent = match gap.rsplit_once('\n') {
            None => Indent::None,
            Some((_, lead)) if lead.starts_with('\t') => Indent::Tab,
            Some((_, lead)) => Indent::Spaces(u8::try_from(lead.len()).unwrap_or(2)),
        };
        let line_end = if gap.contains("\r\n") || (gap.is_empty() && text.ends_with("\r\n")) {
            LineEnd::CrLf
        } else {
            LineEnd::Lf
        };
        let after_colon = first_outside_strings(members, b':');
        let after_comma = first_outside_strings(members, b',');
        JsonStyle {
            indent,
            space_after_colon: after_colon.is_some_and(|rest| rest.starts_with(' ')),
            space_after_comma: after_comma.is_some_and(|rest| rest.starts_with(' ')),
            escapes: if text.is_ascii() && has_non_ascii_escape(text) {
                Escapes::Ascii
            } else {
                Escapes::Needed
            },
            line_end,
            final_newline: text.ends_with('\n'),
        }
    }
}

/// What follows the first `wanted` that is not inside a string.
fn first_outside_strings(text: &str, wanted: u8) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            byte if byte == wanted => return text.get(at + 1..),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether the text escapes any character beyond ASCII.
fn has_non_ascii_escape(text: &str) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), b"\\u")
        .filter_map(|at| text.get(at + 2..at + 6))
        .filter_map(|hex| u32::from_str_radix(hex, 16).ok())
        .any(|code| code > 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_styles_of_the_usual_writers_are_told_apart() {
        assert_eq!(JsonStyle::detect(r#"{"a":1,"b":"é"}"#), JsonStyle::SAVE);
        assert_eq!(JsonStyle::detect("{\n  \"a\": 1,\n  \"b\": 2\n}"), JsonStyle::EXPORT);
        assert_eq!(JsonStyle::detect("{\n  \"a\": 1\n}\n"), JsonStyle::CANONICAL);
        assert_eq!(JsonStyle::detect(r#"{"a": 1, "b": "\u00e9"}"#), JsonStyle::PYTHON);
        assert_eq!(JsonStyle::detect("{\r\n\t\"a\": 1\r\n}").indent, Indent::Tab);
        assert_eq!(JsonStyle::detect("{\r\n\t\"a\": 1\r\n}").line_end, LineEnd::CrLf);
        assert_eq!(JsonStyle::detect(r#"{"a:b, ":1,"c":2}"#), JsonStyle::SAVE);
    }

    #[test]
    fn broken_text_has_some_style() {
        for text in ["", "{", "[", "\"", "{\"a\\", "\u{feff}{}"] {
            JsonStyle::detect(text);
        }
    }
}
