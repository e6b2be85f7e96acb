//! [`Value`] to text, in any [`JsonStyle`].

use super::scan::{copy_text, find_special, is_special};
use super::{Escapes, Indent, JsonStyle, LineEnd, Object, Value};

/// Prints a document.
pub fn print(value: &Value, style: &JsonStyle) -> String {
    print_with_lines(value, style, &[])
}

/// Prints an object that is not wrapped in a value.
pub fn print_object(object: &Object, style: &JsonStyle) -> String {
    let mut printer = JsonPrinter::new(Vec::new(), style, &[]);
    printer.print_object(object);
    String::from_utf8(printer.finish()).unwrap_or_default()
}

/// Prints a document; where a member has one of the names in `one_line`, its array is
/// written with one element to a line, and arrays of plain values (ids, a point) on a
/// single line. A link then is one line of the file, and one line of a diff.
pub(crate) fn print_with_lines(value: &Value, style: &JsonStyle, one_line: &[&str]) -> String {
    let mut out = Vec::new();
    print_into(&mut out, value, style, one_line);
    String::from_utf8(out).unwrap_or_default()
}

/// [`print_with_lines`] into a buffer that may be used again; appends.
pub(crate) fn print_into(out: &mut Vec<u8>, value: &Value, style: &JsonStyle, one_line: &[&str]) {
    let mut printer = JsonPrinter::new(std::mem::take(out), style, one_line);
    printer.print_value(value);
    if style.final_newline {
        printer.put(line_end(style));
    }
    *out = printer.finish();
}

/// How far at least the buffer reaches beyond what is about to be written, so that pieces of
/// fixed length can be written and looked at.
const SLACK: usize = 64;

struct JsonPrinter<'a> {
    /// What is printed so far, and room behind it.
    out: Vec<u8>,
    /// How much of that is printed.
    at: usize,
    style: &'a JsonStyle,
    one_line: &'a [&'a str],
    level: usize,
    /// A comma, a line end, and the indent of the deepest level so far: what stands between
    /// two members is a piece of it.
    gap: Vec<u8>,
}

impl<'a> JsonPrinter<'a> {
    fn new(out: Vec<u8>, style: &'a JsonStyle, one_line: &'a [&'a str]) -> Self {
        let at = out.len();
        let mut gap = [b",".as_slice(), line_end(style)].concat();
        let indent = if style.indent == Indent::Tab { b'\t' } else { b' ' };
        gap.resize(SLACK, indent);
        JsonPrinter { out, at, style, one_line, level: 0, gap }
    }

    fn finish(mut self) -> Vec<u8> {
        self.out.truncate(self.at);
        self.out
    }

    /// The buffer behind what is printed, with room for so many bytes and some more.
    #[inline(always)]
    fn room(&mut self, length: usize) -> &mut [u8] {
        if self.out.len() - self.at < length + SLACK {
            self.grow(length);
        }
        &mut self.out[self.at..]
    }

    /// Makes room a little at a time: it is cleared while the cache holds it anyway.
    #[cold]
    fn grow(&mut self, length: usize) {
        self.out.resize(self.at + length + 16 * SLACK, 0);
    }

    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        copy_text(self.room(bytes.len()), bytes);
        self.at += bytes.len();
    }

    #[inline(always)]
    fn put_byte(&mut self, byte: u8) {
        self.room(1)[0] = byte;
        self.at += 1;
    }

    fn print_value(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => self.print_array(elements),
            Value::Object(object) => self.print_object(object),
            plain => self.print_scalar(plain),
        }
    }

    fn print_scalar(&mut self, value: &Value) {
        match value {
            Value::Null => self.put(b"null"),
            Value::Bool(true) => self.put(b"true"),
            Value::Bool(false) => self.put(b"false"),
            Value::Number(number) => self.put(number.as_str().as_bytes()),
            Value::String(text) => self.print_string(text),
            Value::Array(_) | Value::Object(_) => self.print_on_one_line(value),
        }
    }

    fn print_array(&mut self, elements: &[Value]) {
        if elements.is_empty() {
            self.put(b"[]");
            return;
        }
        self.put_byte(b'[');
        self.level += 1;
        for (at, element) in elements.iter().enumerate() {
            self.print_separator(at);
            self.print_value(element);
        }
        self.level -= 1;
        self.print_indent();
        self.put_byte(b']');
    }

    fn print_object(&mut self, object: &Object) {
        if object.is_empty() {
            self.put(b"{}");
            return;
        }
        self.put_byte(b'{');
        self.level += 1;
        for (at, (key, value)) in object.iter().enumerate() {
            self.print_separator(at);
            self.print_key(key, self.style.space_after_colon);
            match value {
                Value::Array(elements) if self.one_line.contains(&key.as_str()) => {
                    self.print_array_lines(elements);
                }
                value => self.print_value(value),
            }
        }
        self.level -= 1;
        self.print_indent();
        self.put_byte(b'}');
    }

    #[inline(always)]
    fn print_key(&mut self, key: &str, space: bool) {
        self.print_string(key);
        self.put(if space { b": " } else { b":" });
    }

    /// One element to a line; plain elements all on the same line.
    fn print_array_lines(&mut self, elements: &[Value]) {
        let plain = |e: &Value| !matches!(e, Value::Array(_) | Value::Object(_));
        if elements.iter().all(plain) {
            self.print_array_on_one_line(elements);
            return;
        }
        self.put_byte(b'[');
        self.level += 1;
        for (at, element) in elements.iter().enumerate() {
            self.print_separator(at);
            self.print_on_one_line(element);
        }
        self.level -= 1;
        self.print_indent();
        self.put_byte(b']');
    }

    fn print_array_on_one_line(&mut self, elements: &[Value]) {
        self.put_byte(b'[');
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.put(b", ");
            }
            self.print_on_one_line(element);
        }
        self.put_byte(b']');
    }

    fn print_on_one_line(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => self.print_array_on_one_line(elements),
            Value::Object(object) => {
                self.put_byte(b'{');
                for (at, (key, value)) in object.iter().enumerate() {
                    if at > 0 {
                        self.put(b", ");
                    }
                    self.print_key(key, true);
                    self.print_on_one_line(value);
                }
                self.put_byte(b'}');
            }
            plain => self.print_scalar(plain),
        }
    }

    /// What stands before the member at a place.
    #[inline(always)]
    fn print_separator(&mut self, at: usize) {
        if self.style.indent != Indent::None {
            self.print_gap(usize::from(at == 0));
        } else if at > 0 {
            let space = self.style.space_after_comma;
            self.put(if space { b", " } else { b"," });
        }
    }

    #[inline(always)]
    fn print_indent(&mut self) {
        if self.style.indent != Indent::None {
            self.print_gap(1);
        }
    }

    /// The gap to a member of the level, from its comma (0) or its line end (1) on.
    #[inline(always)]
    fn print_gap(&mut self, from: usize) {
        let width = match self.style.indent {
            Indent::None => return,
            Indent::Spaces(width) => usize::from(width) * self.level,
            Indent::Tab => self.level,
        };
        let end = 1 + line_end(self.style).len() + width;
        let length = end - from;
        if length > SLACK / 2 {
            return self.print_long_gap(from, end);
        }
        self.room(0);
        // More than the gap is written, which whatever follows overwrites.
        if let (Some(to), Some(gap)) =
            (self.out[self.at..].first_chunk_mut::<{ SLACK / 2 }>(), self.gap[from..].first_chunk())
        {
            *to = *gap;
        }
        self.at += length;
    }

    #[cold]
    fn print_long_gap(&mut self, from: usize, end: usize) {
        if self.gap.len() < end {
            let indent = self.gap[self.gap.len() - 1];
            self.gap.resize(end, indent);
        }
        let gap = std::mem::take(&mut self.gap);
        self.put(&gap[from..end]);
        self.gap = gap;
    }

    #[inline(always)]
    fn print_string(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let end = 1 + bytes.len();
        let keeps_all = self.style.escapes == Escapes::Needed;
        let to = self.room(end + 1);
        to[0] = b'"';
        copy_text(&mut to[1..], bytes);
        to[end] = b'"';
        // The quote at the end stops the scan, whatever lies behind it.
        if find_special(to, 1) == end && (keeps_all || text.is_ascii()) {
            self.at += end + 1;
        } else {
            self.print_escaped(text);
        }
    }

    /// A string in which something has to be escaped.
    #[cold]
    fn print_escaped(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let keeps_all = self.style.escapes == Escapes::Needed;
        self.put_byte(b'"');
        let mut copied = 0;
        while copied < bytes.len() {
            let at = match keeps_all {
                true => find_special(bytes, copied),
                false => {
                    let must = |&byte: &u8| byte >= 0x80 || is_special(byte);
                    bytes[copied..]
                        .iter()
                        .position(must)
                        .map_or(bytes.len(), |plain| copied + plain)
                }
            };
            self.put(&bytes[copied..at]);
            copied = at;
            if at < bytes.len() {
                copied += self.print_escape(text, at);
            }
        }
        self.put_byte(b'"');
    }

    /// Writes the character at `at` as an escape; gives its length in bytes.
    fn print_escape(&mut self, text: &str, at: usize) -> usize {
        let short: &[u8] = match text.as_bytes()[at] {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            0x08 => b"\\b",
            0x0c => b"\\f",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => {
                let c = text[at..].chars().next().unwrap_or_default();
                for unit in c.encode_utf16(&mut [0; 2]) {
                    self.put(format!("\\u{unit:04x}").as_bytes());
                }
                return c.len_utf8();
            }
        };
        self.put(short);
        1
    }
}

fn line_end(style: &JsonStyle) -> &'static [u8] {
    match style.line_end {
        LineEnd::Lf => b"\n",
        LineEnd::CrLf => b"\r\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[test]
    fn links_take_one_line_each() {
        let value = parse_text(
            r#"{"links":[[1,2,0,3,0,"MODEL"],{"id":2,"a":[1]}],"x":{"links":[1,2]},"y":[1,2],"z":[]}"#,
        )
        .unwrap();
        insta::assert_snapshot!(print_with_lines(&value, &JsonStyle::CANONICAL, &["links"]), @r#"
        {
          "links": [
            [1, 2, 0, 3, 0, "MODEL"],
            {"id": 2, "a": [1]}
          ],
          "x": {
            "links": [1, 2]
          },
          "y": [
            1,
            2
          ],
          "z": []
        }
        "#);
    }

    #[test]
    fn escapes_are_those_of_the_two_writers() {
        let value = Value::from("\u{8}\u{c}\n\r\t\"\\/\u{1}\u{7f}é\u{2028}🦊");
        assert_eq!(
            print(&value, &JsonStyle::SAVE),
            "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\u{7f}é\u{2028}🦊\""
        );
        assert_eq!(
            print(&value, &JsonStyle::PYTHON),
            "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\u{7f}\\u00e9\\u2028\\ud83e\\udd8a\""
        );
    }
}
