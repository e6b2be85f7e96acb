//! Text to [`Value`].
//!
//! Strict reading accepts exactly RFC 8259 less what could not be given back: duplicate
//! keys, lone surrogates, byte order marks. Lenient reading, for metadata that Python
//! wrote into images, also takes bare `NaN` and `Infinity`, replaces lone surrogates by
//! U+FFFD and lets the last of two equal keys win, as every browser does.

use std::collections::HashSet;

use compact_str::CompactString;

use super::scan::{find_special, skip_spaces};
use super::{JsonError, JsonErrorKind, JsonKey, Number, Object, Value};

/// The deepest nesting that is read. Real workflows reach about a dozen levels; reading
/// and dropping recurse, so there must be an end that fits a small stack.
pub const MAX_DEPTH: usize = 256;

/// Up to how many keys one is compared with all before it, which allocates nothing; in larger
/// objects keys that occur twice are found by hashing.
const MAX_COMPARED_KEYS: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq)]
enum ParseMode {
    Strict,
    Lenient,
}

struct JsonParser<'a> {
    text: &'a [u8],
    /// The same text: a piece between two ASCII bytes is cut out without another look.
    checked: &'a str,
    at: usize,
    depth: usize,
    rules: ParseMode,
    /// What is read of the arrays and objects that are still open, innermost last: each is
    /// allocated once, when its length is known.
    elements: Vec<Value>,
    members: Vec<(JsonKey, Value)>,
    /// A string whose escapes are being undone.
    unescaped: String,
}

/// Reads one strict JSON document from bytes.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    parse_text(decode_utf8(bytes)?)
}

/// Reads one strict JSON document from text.
pub fn parse_text(text: &str) -> Result<Value, JsonError> {
    JsonParser::new(text, ParseMode::Strict).parse_document().map_err(|error| *error)
}

/// Reads one document as browsers and Python would: `NaN`, lone surrogates and duplicate
/// keys do not stop it. What comes out need not print back to what went in.
pub fn parse_lenient(bytes: &[u8]) -> Result<Value, JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let parser = JsonParser::new(decode_utf8(bytes)?, ParseMode::Lenient);
    parser.parse_document().map_err(|error| *error)
}

/// The text of a document, if it is one.
pub(crate) fn decode_utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::new(JsonErrorKind::ByteOrderMark, bytes, 0));
    }
    simdutf8::compat::from_utf8(bytes)
        .map_err(|e| JsonError::new(JsonErrorKind::NotUtf8, bytes, e.valid_up_to()))
}

/// Boxed: results are handed up from every value, and errors are many times as large.
type ParseResult<T> = Result<T, Box<JsonError>>;

impl<'a> JsonParser<'a> {
    fn new(text: &'a str, rules: ParseMode) -> Self {
        JsonParser {
            text: text.as_bytes(),
            checked: text,
            at: 0,
            depth: 0,
            rules,
            elements: Vec::new(),
            members: Vec::new(),
            unescaped: String::new(),
        }
    }

    fn parse_document(mut self) -> ParseResult<Value> {
        self.skip_space();
        let value = self.parse_value()?;
        self.skip_space();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.error_here(JsonErrorKind::TrailingText)),
        }
    }

    #[cold]
    fn error_at(&self, kind: JsonErrorKind, at: usize) -> Box<JsonError> {
        Box::new(JsonError::new(kind, self.text, at))
    }

    #[cold]
    fn error_here(&self, kind: JsonErrorKind) -> Box<JsonError> {
        self.error_at(kind, self.at)
    }

    /// The text is UTF-8 and `at` rests on character boundaries wherever this is called.
    #[cold]
    fn unexpected(&self) -> Box<JsonError> {
        let rest = self.checked.get(self.at..).unwrap_or_default();
        match rest.chars().next() {
            Some(c) => self.error_here(JsonErrorKind::Unexpected(c)),
            None => self.error_here(JsonErrorKind::UnexpectedEnd),
        }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline(always)]
    fn skip_space(&mut self) {
        match self.peek() {
            // Mostly a line end and an indent.
            Some(b'\n') => {
                self.at = skip_spaces(self.text, self.at + 1);
                if self.peek().is_some_and(|byte| byte < b' ') {
                    self.skip_mixed_space();
                }
            }
            Some(b' ') => {
                self.at += 1;
                if self.peek().is_some_and(|byte| byte <= b' ') {
                    self.skip_mixed_space();
                }
            }
            Some(b'\t' | b'\r') => self.skip_mixed_space(),
            _ => {}
        }
    }

    #[inline(never)]
    fn skip_mixed_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn parse_keyword(&mut self, word: &str, value: Value) -> ParseResult<Value> {
        if self.text[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.unexpected())
        }
    }

    fn parse_value(&mut self) -> ParseResult<Value> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.parse_string()?)),
            Some(b'{') => self.parse_nested(Self::parse_object),
            Some(b'[') => self.parse_nested(Self::parse_array),
            Some(b't') => self.parse_keyword("true", Value::Bool(true)),
            Some(b'f') => self.parse_keyword("false", Value::Bool(false)),
            Some(b'n') => self.parse_keyword("null", Value::Null),
            Some(b'0'..=b'9') => self.parse_number(),
            Some(b'-') if self.text.get(self.at + 1) != Some(&b'I') => self.parse_number(),
            Some(b'N' | b'I' | b'-') => self.parse_not_finite(),
            _ => Err(self.unexpected()),
        }
    }

    fn parse_nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> ParseResult<Value>,
    ) -> ParseResult<Value> {
        if self.depth == MAX_DEPTH {
            return Err(self.error_here(JsonErrorKind::TooDeep));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn parse_array(&mut self) -> ParseResult<Value> {
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(Vec::new()));
        }
        let first = self.elements.len();
        loop {
            let element = self.parse_value()?;
            self.elements.push(element);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected()),
            }
            self.skip_space();
        }
        self.at += 1;
        Ok(Value::Array(take_tail(&mut self.elements, first)))
    }

    fn parse_object(&mut self) -> ParseResult<Value> {
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object::new()));
        }
        let first = self.members.len();
        let mut marks = KeyMarks::default();
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let key = self.parse_string()?;
            marks.add(&key, &self.members[first..]);
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected());
            }
            self.at += 1;
            self.skip_space();
            let value = self.parse_value()?;
            self.members.push((key, value));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected()),
            }
            self.skip_space();
        }
        self.at += 1;
        let members = take_tail(&mut self.members, first);
        if !marks.needs_look {
            return Ok(Value::Object(Object::from_distinct(members)));
        }
        match (find_duplicate_key(&members), self.rules) {
            (None, _) => Ok(Value::Object(Object::from_distinct(members))),
            (Some(key), ParseMode::Strict) => {
                Err(self.error_here(JsonErrorKind::DuplicateKey(key)))
            }
            (Some(_), ParseMode::Lenient) => Ok(Value::Object(keep_last_values(members))),
        }
    }

    fn parse_number(&mut self) -> ParseResult<Value> {
        let start = self.at;
        let whole = start + usize::from(self.text[start] == b'-');
        let mut at = self.skip_digits(whole)?;
        if self.text[whole] == b'0' && at > whole + 1 {
            return Err(self.error_at(JsonErrorKind::BadNumber, start));
        }
        if self.text.get(at) == Some(&b'.') {
            at = self.skip_digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.text.get(at) {
            at += 1;
            if let Some(b'+' | b'-') = self.text.get(at) {
                at += 1;
            }
            at = self.skip_digits(at)?;
        }
        self.at = at;
        Ok(Value::Number(self.number_from(start)))
    }

    /// The end of a run of digits, of which there must be one.
    #[inline]
    fn skip_digits(&self, from: usize) -> ParseResult<usize> {
        let mut at = from;
        while self.text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == from { Err(self.error_at(JsonErrorKind::BadNumber, at)) } else { Ok(at) }
    }

    fn number_from(&self, start: usize) -> Number {
        Number::from_checked(self.slice(start, self.at))
    }

    fn parse_not_finite(&mut self) -> ParseResult<Value> {
        let start = self.at;
        let known = ["NaN", "Infinity", "-Infinity"];
        let Some(word) = known.iter().find(|w| self.text[start..].starts_with(w.as_bytes())) else {
            return Err(self.unexpected());
        };
        if self.rules == ParseMode::Strict {
            return Err(self.error_here(JsonErrorKind::NotFinite));
        }
        self.at += word.len();
        Ok(Value::Number(self.number_from(start)))
    }

    /// Reads a string; `at` is on its opening quote. Strings without escapes, nearly all,
    /// are copied once.
    #[inline(always)]
    fn parse_string(&mut self) -> ParseResult<CompactString> {
        let start = self.at + 1;
        let end = find_special(self.text, start);
        if self.text.get(end) != Some(&b'"') {
            return self.parse_escaped_string(start, end);
        }
        self.at = end + 1;
        Ok(CompactString::new(self.slice(start, end)))
    }

    /// A piece between two ASCII bytes.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.checked.get(from..to).unwrap_or_default()
    }

    #[inline(never)]
    fn parse_escaped_string(
        &mut self,
        start: usize,
        first_escape: usize,
    ) -> ParseResult<CompactString> {
        self.unescaped.clear();
        self.unescaped.push_str(self.slice(start, first_escape));
        self.at = first_escape;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(CompactString::new(&self.unescaped));
                }
                Some(b'\\') => {
                    let character = self.parse_escape()?;
                    self.unescaped.push(character);
                }
                Some(0..=0x1f) => return Err(self.error_here(JsonErrorKind::ControlCharacter)),
                Some(_) => {
                    let from = self.at;
                    self.at = find_special(self.text, from);
                    self.unescaped.push_str(self.slice(from, self.at));
                }
                None => return Err(self.error_here(JsonErrorKind::UnexpectedEnd)),
            }
        }
    }

    fn parse_escape(&mut self) -> ParseResult<char> {
        let start = self.at;
        let letter = self.text.get(start + 1).copied();
        self.at += 2;
        let c = match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.parse_unicode_escape(start),
            Some(_) => return Err(self.error_at(JsonErrorKind::BadEscape, start)),
            None => return Err(self.error_at(JsonErrorKind::UnexpectedEnd, start)),
        };
        Ok(c)
    }

    /// `at` is behind the `\u` that began at `start`.
    fn parse_unicode_escape(&mut self, start: usize) -> ParseResult<char> {
        let unit = self.parse_hex4()?;
        let code = match unit {
            0xd800..=0xdbff if self.text[self.at..].starts_with(b"\\u") => {
                let before_low = self.at;
                self.at += 2;
                match self.parse_hex4()? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                    _ => {
                        self.at = before_low;
                        unit
                    }
                }
            }
            _ => unit,
        };
        match (char::from_u32(code), self.rules) {
            (Some(c), _) => Ok(c),
            (None, ParseMode::Lenient) => Ok(char::REPLACEMENT_CHARACTER),
            (None, ParseMode::Strict) => Err(self.error_at(JsonErrorKind::LoneSurrogate, start)),
        }
    }

    fn parse_hex4(&mut self) -> ParseResult<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let mut unit = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return Err(self.error_here(JsonErrorKind::BadEscape));
            };
            unit = unit << 4 | value;
        }
        if digits.len() < 4 {
            return Err(self.error_here(JsonErrorKind::UnexpectedEnd));
        }
        self.at += 4;
        Ok(unit)
    }
}

/// What lies on a stack from an index on.
fn take_tail<T>(stack: &mut Vec<T>, first: usize) -> Vec<T> {
    // To split off a whole stack would give all its room away.
    stack.drain(first..).collect()
}

/// What is remembered of the keys of an object that is being read: enough to know of nearly
/// every key that it is new.
#[derive(Default)]
struct KeyMarks {
    seen: [u64; 4],
    count: usize,
    /// Whether a key may have come twice.
    needs_look: bool,
}

impl KeyMarks {
    #[inline(always)]
    fn add(&mut self, key: &JsonKey, earlier: &[(JsonKey, Value)]) {
        let bytes = key.as_bytes();
        let first = bytes.first().copied().unwrap_or_default();
        let last = bytes.last().copied().unwrap_or_default();
        let mark = usize::from(first) * 7 + usize::from(last) * 31 + bytes.len() * 67;
        let (word, bit) = (mark / 64 % 4, 1 << (mark % 64));
        if self.seen[word] & bit != 0 {
            self.compare(key, earlier);
        }
        self.seen[word] |= bit;
        self.count += 1;
    }

    #[cold]
    fn compare(&mut self, key: &JsonKey, earlier: &[(JsonKey, Value)]) {
        // Of many keys each would be compared with all.
        self.needs_look |=
            self.count > MAX_COMPARED_KEYS || earlier.iter().any(|(known, _)| known == key);
    }
}

/// A key that occurs twice.
fn find_duplicate_key(members: &[(JsonKey, Value)]) -> Option<String> {
    // The standard hasher: a file could be made to collide with a faster one.
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|(key, _)| !seen.insert(key.as_str())).map(|(key, _)| key.to_string())
}

/// The last value of each key, at the place of its first.
fn keep_last_values(members: Vec<(JsonKey, Value)>) -> Object {
    let mut kept: indexmap::IndexMap<JsonKey, Value> = indexmap::IndexMap::new();
    for (key, value) in members {
        kept.insert(key, value);
    }
    Object::from_distinct(kept.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> JsonErrorKind {
        parse_text(text).unwrap_err().kind
    }

    #[test]
    fn what_could_not_be_given_back_is_refused() {
        assert_eq!(refusal(r#"{"a":1,"a":2}"#), JsonErrorKind::DuplicateKey("a".into()));
        assert_eq!(refusal(r#"["\ud800"]"#), JsonErrorKind::LoneSurrogate);
        assert_eq!(refusal(r#"["\udc00\ud800"]"#), JsonErrorKind::LoneSurrogate);
        assert_eq!(refusal("[NaN]"), JsonErrorKind::NotFinite);
        assert_eq!(refusal("[-Infinity]"), JsonErrorKind::NotFinite);
        assert_eq!(refusal("[01]"), JsonErrorKind::BadNumber);
        assert_eq!(refusal("[1.]"), JsonErrorKind::BadNumber);
        assert_eq!(refusal("[-]"), JsonErrorKind::BadNumber);
        assert_eq!(refusal("[\"\u{1}\"]"), JsonErrorKind::ControlCharacter);
        assert_eq!(refusal(r#"["\x"]"#), JsonErrorKind::BadEscape);
        assert_eq!(refusal("[1] 2"), JsonErrorKind::TrailingText);
        assert_eq!(refusal("[1,]"), JsonErrorKind::Unexpected(']'));
        assert_eq!(refusal(r#"{"a":1,}"#), JsonErrorKind::Unexpected('}'));
        assert_eq!(refusal(""), JsonErrorKind::UnexpectedEnd);
        assert_eq!(refusal(r#"["\u00"#), JsonErrorKind::UnexpectedEnd);
        assert_eq!(parse(b"\xef\xbb\xbf{}").unwrap_err().kind, JsonErrorKind::ByteOrderMark);
        assert_eq!(parse(b"\xff\xfe{\0}\0").unwrap_err().kind, JsonErrorKind::NotUtf8);
    }

    #[test]
    fn ten_thousand_levels_are_refused_not_crashed_on() {
        assert_eq!(refusal(&"[".repeat(10_000)), JsonErrorKind::TooDeep);
        assert_eq!(refusal(&"{\"a\":".repeat(10_000)), JsonErrorKind::TooDeep);
        let deepest = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(parse_text(&deepest).is_ok());
    }

    #[test]
    fn lenient_reading_takes_what_python_writes() {
        let value = parse_lenient(br#"{"a": NaN, "b": [-Infinity], "c": "\ud800x", "a": 2}"#);
        let value = value.unwrap();
        assert_eq!(value.get("a").unwrap().as_i64(), Some(2));
        assert!(value.get("b").unwrap().get_index(0).unwrap().as_f64().unwrap().is_infinite());
        assert_eq!(value.get("c").unwrap().as_str(), Some("\u{fffd}x"));
    }

    #[test]
    fn errors_name_their_line_and_column() {
        let error = parse_text("{\n  \"a\": 1,\n  \"b\": nul\n}").unwrap_err();
        assert_eq!((error.line, error.column), (3, 8));
        assert_eq!(error.to_string(), "line 3, column 8: unexpected 'n'");
    }
}
