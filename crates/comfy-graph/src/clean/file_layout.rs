//! The layout of one file as one line of JSON: what a clean takes out and a smudge puts
//! back.
//!
//! ```json
//! {"v":1,"style":"0","graphs":{"":{"nodes":[{"id":3,"type":"KSampler","pos":[1,2]}]}}}
//! ```
//!
//! `style` spells a [`JsonStyle`], `graphs` holds the layout of each graph under the pointer
//! to it (`""` is a file that is a workflow from its root on), `residue` what no rule
//! explains. Unknown members are ignored, so that a later version can add some. Must not
//! know blobs, paths of files or notes.

use std::ops::Range;

use compact_str::CompactString;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::json::{
    self, Escapes, Indent, JsonObject, JsonPath, JsonStyle, JsonText, JsonValue, LineEnd, Object,
    Value,
};

const LAYOUT_VERSION: i64 = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileLayout<T = CompactString> {
    /// How the file spells its JSON.
    pub(super) style: JsonStyle,
    /// What was split off each graph.
    pub(super) graphs: Vec<(JsonPath, JsonObject<T>)>,
    /// What printing in `style` leaves wrong.
    pub(super) residue: Option<Residue>,
}

/// One replaced stretch that turns the printed file into the original: for files whose
/// whitespace or escapes follow no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Residue {
    /// The bytes of the printed file that differ.
    replaced: Range<usize>,
    /// What stands there in the original.
    text: String,
    /// The first half of the SHA-256 of the original, in hex: a printer that has changed
    /// since must not be patched into nonsense.
    sum: String,
}

impl<T: JsonText> FileLayout<T> {
    /// The layout as one line of JSON, without its residue.
    pub(super) fn to_line(&self) -> String {
        self.line_with_graphs(self.graphs.iter().map(|(at, aside)| (at, aside)))
    }

    /// As [`FileLayout::to_line`], with other graphs.
    pub(super) fn line_with_graphs<'a>(
        &self,
        graphs: impl Iterator<Item = (&'a JsonPath, &'a JsonObject<T>)>,
    ) -> String
    where
        T: 'a,
    {
        let style = style_code(&self.style);
        let start = format!("{{\"v\":{LAYOUT_VERSION},\"style\":\"{style}\",\"graphs\":{{");
        let mut line = start.into_bytes();
        for (at, (place, aside)) in graphs.enumerate() {
            if at > 0 {
                line.push(b',');
            }
            let place = Value::from(place.to_string());
            json::print_into(&mut line, &place, &JsonStyle::SAVE, json::NO_LINES);
            line.push(b':');
            json::print_object_into(&mut line, aside, &JsonStyle::SAVE);
        }
        line.extend(b"}}");
        String::from_utf8(line).unwrap_or_default()
    }

    /// Takes out what was split off the graph at a place.
    pub(super) fn take_graph(&mut self, at: &JsonPath) -> Option<JsonObject<T>> {
        let found = self.graphs.iter().position(|(place, _)| place == at)?;
        Some(self.graphs.swap_remove(found).1)
    }

    /// Reads the members of a line. Nothing for what is no layout or of a version not
    /// known here.
    pub(super) fn from_members(mut line: JsonObject<T>) -> Option<FileLayout<T>> {
        if line.get("v")?.as_i64()? != LAYOUT_VERSION {
            return None;
        }
        let style = parse_style_code(&line.get("style")?.as_text()?.decode())?;
        let residue = line.remove("residue").and_then(|value| Residue::from_value(&value));
        let Some(JsonValue::Object(graphs)) = line.remove("graphs") else { return None };
        let graphs = graphs.into_iter().filter_map(|(at, aside)| match aside {
            JsonValue::Object(aside) => Some((at.decode().parse().ok()?, aside)),
            _ => None,
        });
        Some(FileLayout { style, graphs: graphs.collect(), residue })
    }

    /// The same with texts of another kind.
    pub(super) fn with_texts<U>(self) -> FileLayout<U>
    where
        JsonObject<U>: From<JsonObject<T>>,
    {
        let graphs = self.graphs.into_iter().map(|(at, aside)| (at, aside.into()));
        FileLayout { style: self.style, graphs: graphs.collect(), residue: self.residue }
    }
}

impl Residue {
    /// A layout's line with this residue added.
    pub(super) fn add_to(&self, mut line: String) -> String {
        line.pop();
        line.push_str(",\"residue\":");
        line.push_str(&json::print_object(&self.to_object(), &JsonStyle::SAVE));
        line.push('}');
        line
    }

    /// What turns `printed` into `original`; nothing if they are the same.
    pub(super) fn between(printed: &str, original: &str) -> Option<Residue> {
        if printed == original {
            return None;
        }
        let same = |(a, b): &(u8, u8)| a == b;
        let mut start = printed.bytes().zip(original.bytes()).take_while(same).count();
        while !printed.is_char_boundary(start) || !original.is_char_boundary(start) {
            start -= 1;
        }
        let backwards = printed[start..].bytes().rev().zip(original[start..].bytes().rev());
        let mut end = backwards.take_while(same).count();
        while !printed.is_char_boundary(printed.len() - end)
            || !original.is_char_boundary(original.len() - end)
        {
            end -= 1;
        }
        Some(Residue {
            replaced: start..printed.len() - end,
            text: original[start..original.len() - end].to_owned(),
            sum: checksum(original),
        })
    }

    /// The original, if this residue belongs to `printed`.
    pub(super) fn apply(&self, printed: &str) -> Option<String> {
        let before = printed.get(..self.replaced.start)?;
        let after = printed.get(self.replaced.end..)?;
        let original = [before, &self.text, after].concat();
        (checksum(&original) == self.sum).then_some(original)
    }

    fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.append("from", self.replaced.start);
        object.append("to", self.replaced.end);
        object.append("text", self.text.as_str());
        object.append("sum", self.sum.as_str());
        object
    }

    fn from_value<T: JsonText>(value: &JsonValue<T>) -> Option<Residue> {
        let offset = |key| usize::try_from(value.get(key)?.as_i64()?).ok();
        let text = |key| Some(value.get(key)?.as_text()?.decode().into_owned());
        let replaced = offset("from")?..offset("to")?;
        let residue = Residue { replaced, text: text("text")?, sum: text("sum")? };
        (residue.replaced.start <= residue.replaced.end).then_some(residue)
    }
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    HEXLOWER.encode(&digest[..16])
}

/// A style as a word: the indent (`0` for one line, `t` for tabs, else a number of
/// spaces), then a letter for everything that is not as `JSON.stringify` would have it.
fn style_code(style: &JsonStyle) -> String {
    let mut code = match style.indent {
        Indent::None => "0".to_owned(),
        Indent::Tab => "t".to_owned(),
        Indent::Spaces(width) => width.to_string(),
    };
    let spaced_by_default = style.indent != Indent::None;
    let letters = [
        (style.space_after_colon != spaced_by_default, ':'),
        (style.space_after_comma, ','),
        (style.escapes == Escapes::Ascii, 'a'),
        (style.line_end == LineEnd::CrLf, 'r'),
        (style.final_newline, 'n'),
    ];
    code.extend(letters.iter().filter(|(is, _)| *is).map(|(_, letter)| letter));
    code
}

fn parse_style_code(code: &str) -> Option<JsonStyle> {
    let letters = code.trim_start_matches(|c: char| c.is_ascii_digit() || c == 't');
    let indent = match &code[..code.len() - letters.len()] {
        "0" => Indent::None,
        "t" => Indent::Tab,
        width => Indent::Spaces(width.parse().ok()?),
    };
    let has = |letter| letters.contains(letter);
    Some(JsonStyle {
        indent,
        space_after_colon: (indent != Indent::None) != has(':'),
        space_after_comma: has(','),
        escapes: if has('a') { Escapes::Ascii } else { Escapes::Needed },
        line_end: if has('r') { LineEnd::CrLf } else { LineEnd::Lf },
        final_newline: has('n'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn styles() -> impl Strategy<Value = JsonStyle> {
        let indent =
            prop_oneof![Just(Indent::None), Just(Indent::Tab), (1..9_u8).prop_map(Indent::Spaces)];
        (indent, any::<[bool; 5]>()).prop_map(|(indent, is)| JsonStyle {
            indent,
            space_after_colon: is[0],
            space_after_comma: is[1],
            escapes: if is[2] { Escapes::Ascii } else { Escapes::Needed },
            line_end: if is[3] { LineEnd::CrLf } else { LineEnd::Lf },
            final_newline: is[4],
        })
    }

    proptest! {
        #[test]
        fn style_codes_go_there_and_back(style in styles()) {
            prop_assert_eq!(parse_style_code(&style_code(&style)), Some(style));
        }

        #[test]
        fn a_residue_gives_back_the_original(a in "[aé🦊b]{0,8}", b in "[aé🦊b]{0,8}") {
            match Residue::between(&a, &b) {
                None => prop_assert_eq!(a, b),
                Some(residue) => {
                    let read = Residue::from_value(&Value::Object(residue.to_object())).unwrap();
                    prop_assert_eq!(read.apply(&a), Some(b));
                }
            }
        }
    }

    #[test]
    fn a_residue_of_another_text_is_refused() {
        let residue = Residue::between("abc", "aXc").unwrap();
        assert_eq!(residue.apply("abc").as_deref(), Some("aXc"));
        assert_eq!(residue.apply("zbc"), None);
        assert_eq!(residue.apply(""), None);
    }
}
