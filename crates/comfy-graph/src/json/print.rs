//! [`Value`] to text, in any [`JsonStyle`].

use super::{Escapes, Indent, JsonStyle, LineEnd, Object, Value};

/// Prints a document.
pub fn print(value: &Value, style: &JsonStyle) -> String {
    print_with_lines(value, style, &[])
}

/// Prints an object that is not wrapped in a value.
pub fn print_object(object: &Object, style: &JsonStyle) -> String {
    let mut out = Vec::new();
    JsonPrinter { out: &mut out, style, one_line: &[], level: 0 }.print_object(object);
    String::from_utf8(out).unwrap_or_default()
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
    let mut printer = JsonPrinter { out, style, one_line, level: 0 };
    printer.print_value(value);
    if style.final_newline {
        printer.print_line_end();
    }
}

/// What JSON asks to be written as an escape.
const MUST_ESCAPE: u8 = 1;
/// What only a style that keeps to ASCII escapes.
const NON_ASCII: u8 = 2;

/// For each byte of a string, why it may have to be escaped.
const ESCAPE_REASONS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            0..=0x1f | b'"' | b'\\' => MUST_ESCAPE,
            0x80.. => NON_ASCII,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

struct JsonPrinter<'a> {
    out: &'a mut Vec<u8>,
    style: &'a JsonStyle,
    one_line: &'a [&'a str],
    level: usize,
}

const SPACES: &[u8; 64] = &[b' '; 64];

impl JsonPrinter<'_> {
    fn print_value(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => self.print_array(elements),
            Value::Object(object) => self.print_object(object),
            plain => self.print_scalar(plain),
        }
    }

    fn print_scalar(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Number(number) => self.out.extend_from_slice(number.as_str().as_bytes()),
            Value::String(text) => self.print_string(text),
            Value::Array(_) | Value::Object(_) => self.print_on_one_line(value),
        }
    }

    fn print_array(&mut self, elements: &[Value]) {
        if elements.is_empty() {
            self.out.extend_from_slice(b"[]");
            return;
        }
        self.out.push(b'[');
        self.level += 1;
        for (at, element) in elements.iter().enumerate() {
            self.print_separator(at);
            self.print_value(element);
        }
        self.level -= 1;
        self.print_indent();
        self.out.push(b']');
    }

    fn print_object(&mut self, object: &Object) {
        if object.is_empty() {
            self.out.extend_from_slice(b"{}");
            return;
        }
        self.out.push(b'{');
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
        self.out.push(b'}');
    }

    fn print_key(&mut self, key: &str, space: bool) {
        self.print_string(key);
        self.out.extend_from_slice(if space { b": " } else { b":" });
    }

    /// One element to a line; plain elements all on the same line.
    fn print_array_lines(&mut self, elements: &[Value]) {
        let plain = |e: &Value| !matches!(e, Value::Array(_) | Value::Object(_));
        if elements.iter().all(plain) {
            self.print_array_on_one_line(elements);
            return;
        }
        self.out.push(b'[');
        self.level += 1;
        for (at, element) in elements.iter().enumerate() {
            self.print_separator(at);
            self.print_on_one_line(element);
        }
        self.level -= 1;
        self.print_indent();
        self.out.push(b']');
    }

    fn print_array_on_one_line(&mut self, elements: &[Value]) {
        self.out.push(b'[');
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.out.extend_from_slice(b", ");
            }
            self.print_on_one_line(element);
        }
        self.out.push(b']');
    }

    fn print_on_one_line(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => self.print_array_on_one_line(elements),
            Value::Object(object) => {
                self.out.push(b'{');
                for (at, (key, value)) in object.iter().enumerate() {
                    if at > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    self.print_key(key, true);
                    self.print_on_one_line(value);
                }
                self.out.push(b'}');
            }
            plain => self.print_scalar(plain),
        }
    }

    /// What stands before the member at a place.
    fn print_separator(&mut self, at: usize) {
        if at > 0 {
            self.out.push(b',');
            if self.style.indent == Indent::None && self.style.space_after_comma {
                self.out.push(b' ');
            }
        }
        self.print_indent();
    }

    fn print_indent(&mut self) {
        let (unit, width): (&[u8; 64], usize) = match self.style.indent {
            Indent::None => return,
            Indent::Spaces(width) => (SPACES, usize::from(width) * self.level),
            Indent::Tab => (&[b'\t'; 64], self.level),
        };
        self.print_line_end();
        let mut left = width;
        while left > 0 {
            let step = left.min(unit.len());
            self.out.extend_from_slice(&unit[..step]);
            left -= step;
        }
    }

    fn print_line_end(&mut self) {
        self.out.extend_from_slice(match self.style.line_end {
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        });
    }

    fn print_string(&mut self, text: &str) {
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let stop = match self.style.escapes {
            Escapes::Ascii => MUST_ESCAPE | NON_ASCII,
            Escapes::Needed => MUST_ESCAPE,
        };
        let mut copied = 0;
        while let Some(plain) =
            bytes[copied..].iter().position(|b| ESCAPE_REASONS[usize::from(*b)] & stop != 0)
        {
            let at = copied + plain;
            self.out.extend_from_slice(&bytes[copied..at]);
            copied = at + self.print_escape(text, at);
        }
        self.out.extend_from_slice(&bytes[copied..]);
        self.out.push(b'"');
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
                    self.out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
                return c.len_utf8();
            }
        };
        self.out.extend_from_slice(short);
        1
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
