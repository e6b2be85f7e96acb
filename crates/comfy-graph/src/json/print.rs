//! A tree to text, in any [`JsonStyle`].

use std::fmt;

use super::scan::{copy_text, find_special, is_same, is_special};
use super::{Escapes, Indent, JsonObject, JsonStyle, JsonText, JsonValue, LineEnd, Object, Value};

/// Prints a document.
pub fn print(value: &Value, style: &JsonStyle) -> String {
    let mut out = Vec::new();
    print_into(&mut out, value, style, NO_LINES);
    String::from_utf8(out).unwrap_or_default()
}

/// Prints an object that is not wrapped in a value.
pub fn print_object(object: &Object, style: &JsonStyle) -> String {
    let mut out = Vec::new();
    print_object_into(&mut out, object, style);
    String::from_utf8(out).unwrap_or_default()
}

/// Says of which members arrays are written with one element to a line, and arrays of plain
/// values (ids, a point) on a single line. A link then is one line of the file, and one line of
/// a diff.
pub(crate) type OneLineMembers = fn(&[u8]) -> bool;

/// Every element has a line of its own.
pub(crate) const NO_LINES: OneLineMembers = |_| false;

impl fmt::Display for Value {
    /// On one line, as ComfyUI's Save writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self, &JsonStyle::SAVE))
    }
}

/// [`print`] into a buffer that may be used again, with lines; appends.
pub(crate) fn print_into<T: JsonText>(
    out: &mut Vec<u8>,
    value: &JsonValue<T>,
    style: &JsonStyle,
    one_line: OneLineMembers,
) {
    let mut printer = JsonPrinter::new(PrintBuffer::new(std::mem::take(out)), style, one_line);
    printer.print_document(value);
    *out = printer.out.finish();
}

/// [`print_object`] into a buffer that may be used again; appends.
pub(crate) fn print_object_into<T: JsonText>(
    out: &mut Vec<u8>,
    object: &JsonObject<T>,
    style: &JsonStyle,
) {
    let mut printer = JsonPrinter::new(PrintBuffer::new(std::mem::take(out)), style, NO_LINES);
    printer.print_object(object);
    *out = printer.out.finish();
}

/// Whether a document would be printed as this text. What stands in the text itself needs no
/// second look.
pub(crate) fn prints_as<T: JsonText>(value: &JsonValue<T>, style: &JsonStyle, text: &str) -> bool {
    let expected = ExpectedText { rest: text.as_bytes(), differs: false };
    let mut printer = JsonPrinter::new(expected, style, NO_LINES);
    printer.print_document(value);
    !printer.out.differs && printer.out.rest.is_empty()
}

/// How far at least the buffer reaches beyond what is about to be written, so that pieces of
/// fixed length can be written and looked at.
const SLACK: usize = 64;

/// The longest gap that is written as a piece of fixed length.
const SHORT_GAP: usize = SLACK / 2;

/// What follows a string: its quote, and what stands between a key and its value.
#[derive(Clone, Copy)]
struct Tail {
    bytes: [u8; 4],
    length: usize,
}

impl Tail {
    const VALUE: Tail = Tail { bytes: *b"\"   ", length: 1 };
    const KEY: Tail = Tail { bytes: *b"\":  ", length: 2 };
    const SPACED_KEY: Tail = Tail { bytes: *b"\":  ", length: 3 };

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Where a printer leaves what it prints.
trait PrintOutput {
    fn put(&mut self, bytes: &[u8]);

    #[inline(always)]
    fn put_byte(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// Puts the first `length` bytes of a piece.
    fn put_short(&mut self, piece: &[u8; SHORT_GAP], length: usize);

    /// Puts what stands between quotes as it is, and what follows the second quote.
    fn put_spelled(&mut self, spelled: &[u8], tail: Tail);

    /// As [`PrintOutput::put_spelled`], if nothing has to be escaped; whether that was so. If
    /// not, nothing was put.
    fn put_unescaped(&mut self, text: &str, tail: Tail, keeps_all: bool) -> bool;
}

/// What is printed so far, and room behind it.
struct PrintBuffer {
    bytes: Vec<u8>,
    /// How much of that is printed.
    at: usize,
}

impl PrintBuffer {
    fn new(bytes: Vec<u8>) -> PrintBuffer {
        let at = bytes.len();
        PrintBuffer { bytes, at }
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.at);
        self.bytes
    }

    /// The buffer behind what is printed: so many bytes and [`SLACK`] more.
    #[inline(always)]
    fn room(&mut self, length: usize) -> &mut [u8] {
        let end = self.at + length + SLACK;
        if self.bytes.len() < end {
            self.grow(end);
        }
        &mut self.bytes[self.at..end]
    }

    /// Makes room a little at a time: it is cleared while the cache holds it anyway, and short
    /// pieces are cleared without a look at how that is done best.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, end: usize) {
        self.bytes.resize(end + 24 * SLACK, 0);
    }
}

impl PrintOutput for PrintBuffer {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        copy_text(self.room(bytes.len()), bytes);
        self.at += bytes.len();
    }

    #[inline(always)]
    fn put_byte(&mut self, byte: u8) {
        self.room(0)[0] = byte;
        self.at += 1;
    }

    #[inline(always)]
    fn put_short(&mut self, piece: &[u8; SHORT_GAP], length: usize) {
        // More than the gap is written, which whatever follows overwrites.
        self.room(0)[..SHORT_GAP].copy_from_slice(piece);
        self.at += length;
    }

    #[inline(always)]
    fn put_spelled(&mut self, spelled: &[u8], tail: Tail) {
        let length = spelled.len();
        let to = self.room(length);
        to[0] = b'"';
        copy_text(&mut to[1..], spelled);
        to[1 + length..][..tail.bytes.len()].copy_from_slice(&tail.bytes);
        self.at += 1 + length + tail.length;
    }

    #[inline(always)]
    fn put_unescaped(&mut self, text: &str, tail: Tail, keeps_all: bool) -> bool {
        let start = self.at;
        self.put_spelled(text.as_bytes(), tail);
        // The quote at the end stops the scan, whatever lies behind it.
        let end = start + 1 + text.len();
        let is_plain =
            find_special(&self.bytes, start + 1) == end && (keeps_all || text.is_ascii());
        if !is_plain {
            self.at = start;
        }
        is_plain
    }
}

/// What is still to come out of a text.
struct ExpectedText<'a> {
    rest: &'a [u8],
    differs: bool,
}

impl ExpectedText<'_> {
    #[inline(always)]
    fn expect(&mut self, is_so: bool, length: usize) {
        match self.rest.get(length..) {
            Some(rest) if is_so => self.rest = rest,
            _ => self.differs = true,
        }
    }
}

impl PrintOutput for ExpectedText<'_> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        let is_so = self.rest.get(..bytes.len()).is_some_and(|next| is_same(next, bytes));
        self.expect(is_so, bytes.len());
    }

    #[inline(always)]
    fn put_byte(&mut self, byte: u8) {
        self.expect(self.rest.first() == Some(&byte), 1);
    }

    #[inline(always)]
    fn put_short(&mut self, piece: &[u8; SHORT_GAP], length: usize) {
        self.put(&piece[..length]);
    }

    #[inline(always)]
    fn put_spelled(&mut self, spelled: &[u8], tail: Tail) {
        // What was borrowed from this very place stands between quotes, and needs no look.
        let inside = self.rest.get(1..).unwrap_or_default();
        let is_so = std::ptr::eq(inside.as_ptr(), spelled.as_ptr())
            || (self.rest.first() == Some(&b'"')
                && inside.strip_prefix(spelled).is_some_and(|rest| rest.first() == Some(&b'"')));
        self.expect(is_so, spelled.len() + 2);
        if tail.length > 1 {
            self.put(&tail.bytes[1..tail.length]);
        }
    }

    fn put_unescaped(&mut self, text: &str, tail: Tail, keeps_all: bool) -> bool {
        let is_plain = !text.bytes().any(is_special) && (keeps_all || text.is_ascii());
        if is_plain {
            self.put_spelled(text.as_bytes(), tail);
        }
        is_plain
    }
}

struct JsonPrinter<'a, O> {
    out: O,
    style: &'a JsonStyle,
    one_line: OneLineMembers,
    /// What stands before the first member of a level and behind the last one, as far as it is
    /// short: a line end and an indent. With a comma, what stands between two of them.
    gap: [u8; SHORT_GAP],
    comma_gap: [u8; SHORT_GAP],
    /// How long the gap without a comma is; nothing where all is on one line.
    gap_length: usize,
    key_tail: Tail,
}

impl<'a, O: PrintOutput> JsonPrinter<'a, O> {
    fn new(out: O, style: &'a JsonStyle, one_line: OneLineMembers) -> Self {
        let indent = if style.indent == Indent::Tab { b'\t' } else { b' ' };
        let (mut gap, mut comma_gap) = ([indent; SHORT_GAP], [indent; SHORT_GAP]);
        let end = line_end(style);
        gap[..end.len()].copy_from_slice(end);
        comma_gap[0] = b',';
        comma_gap[1..1 + end.len()].copy_from_slice(end);
        JsonPrinter {
            out,
            style,
            one_line,
            gap,
            comma_gap,
            gap_length: if style.indent == Indent::None { 0 } else { end.len() },
            key_tail: if style.space_after_colon { Tail::SPACED_KEY } else { Tail::KEY },
        }
    }

    fn print_document<T: JsonText>(&mut self, value: &JsonValue<T>) {
        self.print_value(value);
        if self.style.final_newline {
            self.out.put(line_end(self.style));
        }
    }

    #[inline(always)]
    fn print_value<T: JsonText>(&mut self, value: &JsonValue<T>) {
        match value {
            JsonValue::Array(elements) => self.print_array(elements),
            JsonValue::Object(object) => self.print_object(object),
            plain => self.print_scalar(plain),
        }
    }

    #[inline(always)]
    fn print_scalar<T: JsonText>(&mut self, value: &JsonValue<T>) {
        match value {
            JsonValue::Null => self.out.put(b"null"),
            JsonValue::Bool(true) => self.out.put(b"true"),
            JsonValue::Bool(false) => self.out.put(b"false"),
            JsonValue::Number(number) => self.out.put(number.as_bytes()),
            JsonValue::String(text) => self.print_string(text, Tail::VALUE),
            JsonValue::Array(_) | JsonValue::Object(_) => self.print_on_one_line(value),
        }
    }

    #[inline(never)]
    fn print_array<T: JsonText>(&mut self, elements: &[JsonValue<T>]) {
        if elements.is_empty() {
            self.out.put(b"[]");
            return;
        }
        self.out.put_byte(b'[');
        self.enter_level();
        for (at, element) in elements.iter().enumerate() {
            self.print_separator(at);
            self.print_value(element);
        }
        self.leave_level();
        self.print_indent();
        self.out.put_byte(b']');
    }

    #[inline(never)]
    fn print_object<T: JsonText>(&mut self, object: &JsonObject<T>) {
        if object.is_empty() {
            self.out.put(b"{}");
            return;
        }
        self.out.put_byte(b'{');
        self.enter_level();
        for (at, (key, value)) in object.iter().enumerate() {
            self.print_separator(at);
            self.print_string(key, self.key_tail);
            match value {
                JsonValue::Array(elements)
                    if (self.one_line)(key.as_plain().unwrap_or_default()) =>
                {
                    self.print_array_lines(elements);
                }
                value => self.print_value(value),
            }
        }
        self.leave_level();
        self.print_indent();
        self.out.put_byte(b'}');
    }

    /// One element to a line; plain elements all on the same line.
    fn print_array_lines<T: JsonText>(&mut self, elements: &[JsonValue<T>]) {
        let plain = |e: &JsonValue<T>| !matches!(e, JsonValue::Array(_) | JsonValue::Object(_));
        if elements.iter().all(plain) {
            self.print_array_on_one_line(elements);
            return;
        }
        self.out.put_byte(b'[');
        self.enter_level();
        for (at, element) in elements.iter().enumerate() {
            self.print_separator(at);
            self.print_on_one_line(element);
        }
        self.leave_level();
        self.print_indent();
        self.out.put_byte(b']');
    }

    fn print_array_on_one_line<T: JsonText>(&mut self, elements: &[JsonValue<T>]) {
        self.out.put_byte(b'[');
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.out.put(b", ");
            }
            self.print_on_one_line(element);
        }
        self.out.put_byte(b']');
    }

    fn print_on_one_line<T: JsonText>(&mut self, value: &JsonValue<T>) {
        match value {
            JsonValue::Array(elements) => self.print_array_on_one_line(elements),
            JsonValue::Object(object) => {
                self.out.put_byte(b'{');
                for (at, (key, value)) in object.iter().enumerate() {
                    if at > 0 {
                        self.out.put(b", ");
                    }
                    self.print_string(key, Tail::SPACED_KEY);
                    self.print_on_one_line(value);
                }
                self.out.put_byte(b'}');
            }
            plain => self.print_scalar(plain),
        }
    }

    /// What stands before the member at a place.
    #[inline(always)]
    fn print_separator(&mut self, at: usize) {
        if at == 0 {
            self.print_indent();
        } else if self.gap_length >= SHORT_GAP {
            self.print_long_gap(b",");
        } else if self.gap_length > 0 {
            self.out.put_short(&self.comma_gap, 1 + self.gap_length);
        } else {
            self.out.put_byte(b',');
            if self.style.space_after_comma {
                self.out.put_byte(b' ');
            }
        }
    }

    #[inline(always)]
    fn print_indent(&mut self) {
        if self.gap_length >= SHORT_GAP {
            self.print_long_gap(b"");
        } else if self.gap_length > 0 {
            self.out.put_short(&self.gap, self.gap_length);
        }
    }

    #[cold]
    fn print_long_gap(&mut self, comma: &[u8]) {
        self.out.put(comma);
        self.out.put_short(&self.gap, SHORT_GAP);
        for _ in SHORT_GAP..self.gap_length {
            self.out.put_byte(self.gap[SHORT_GAP - 1]);
        }
    }

    fn enter_level(&mut self) {
        self.gap_length += self.indent_width();
    }

    fn leave_level(&mut self) {
        self.gap_length -= self.indent_width();
    }

    #[inline(always)]
    fn indent_width(&self) -> usize {
        match self.style.indent {
            Indent::None => 0,
            Indent::Spaces(width) => usize::from(width),
            Indent::Tab => 1,
        }
    }

    #[inline(always)]
    fn print_string<T: JsonText>(&mut self, text: &T, tail: Tail) {
        let keeps_all = self.style.escapes == Escapes::Needed;
        match text.as_spelled() {
            Some(spelled) if keeps_all || spelled.is_ascii() => self.out.put_spelled(spelled, tail),
            _ => self.print_characters(&text.decode(), tail, keeps_all),
        }
    }

    #[inline(always)]
    fn print_characters(&mut self, text: &str, tail: Tail, keeps_all: bool) {
        if !self.out.put_unescaped(text, tail, keeps_all) {
            self.print_escaped(text, keeps_all);
            self.out.put(tail.bytes());
        }
    }

    /// A string in which something has to be escaped, but for its closing quote.
    #[cold]
    fn print_escaped(&mut self, text: &str, keeps_all: bool) {
        let bytes = text.as_bytes();
        self.out.put_byte(b'"');
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
            self.out.put(&bytes[copied..at]);
            copied = at;
            if at < bytes.len() {
                copied += self.print_escape(text, at);
            }
        }
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
                    self.out.put(format!("\\u{unit:04x}").as_bytes());
                }
                return c.len_utf8();
            }
        };
        self.out.put(short);
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
        let mut printed = Vec::new();
        print_into(&mut printed, &value, &JsonStyle::CANONICAL, |name| name == b"links");
        insta::assert_snapshot!(String::from_utf8(printed).unwrap(), @r#"
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
