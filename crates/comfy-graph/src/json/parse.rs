//! Text to [`Value`].
//!
//! Strict reading accepts exactly RFC 8259 less what could not be given back: duplicate
//! keys, lone surrogates, byte order marks. Lenient reading, for metadata that Python
//! wrote into images, also takes bare `NaN` and `Infinity`, replaces lone surrogates by
//! U+FFFD and lets the last of two equal keys win, as every browser does.

use std::collections::HashSet;

use compact_str::CompactString;

use super::{Error, ErrorKind, Key, Number, Object, Value};

/// The deepest nesting that is read. Real workflows reach about a dozen levels; reading
/// and dropping recurse, so there must be an end that fits a small stack.
pub const MAX_DEPTH: usize = 256;

/// Objects up to this size are searched for duplicate keys by comparing all pairs, which
/// allocates nothing; larger ones by hashing.
const SMALL_OBJECT: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    Strict,
    Lenient,
}

struct Parser<'a> {
    text: &'a [u8],
    /// The same text: a piece between two ASCII bytes is cut out without another look.
    checked: &'a str,
    at: usize,
    depth: usize,
    rules: Rules,
    /// What is read of the arrays and objects that are still open, innermost last: each is
    /// allocated once, when its length is known.
    elements: Vec<Value>,
    members: Vec<(Key, Value)>,
}

/// Reads one strict JSON document from bytes.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    parse_text(utf8(bytes)?)
}

/// Reads one strict JSON document from text.
pub fn parse_text(text: &str) -> Result<Value, Error> {
    Parser::new(text, Rules::Strict).document()
}

/// Reads one document as browsers and Python would: `NaN`, lone surrogates and duplicate
/// keys do not stop it. What comes out need not print back to what went in.
pub fn parse_lenient(bytes: &[u8]) -> Result<Value, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Parser::new(utf8(bytes)?, Rules::Lenient).document()
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Error::at(ErrorKind::ByteOrderMark, bytes, 0));
    }
    std::str::from_utf8(bytes).map_err(|e| Error::at(ErrorKind::NotUtf8, bytes, e.valid_up_to()))
}

type Parsed<T> = Result<T, Error>;

impl<'a> Parser<'a> {
    fn new(text: &'a str, rules: Rules) -> Self {
        Parser {
            text: text.as_bytes(),
            checked: text,
            at: 0,
            depth: 0,
            rules,
            elements: Vec::new(),
            members: Vec::new(),
        }
    }

    fn document(mut self) -> Parsed<Value> {
        self.skip_space();
        let value = self.value()?;
        self.skip_space();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.error(ErrorKind::TrailingText)),
        }
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::at(kind, self.text, self.at)
    }

    /// The text is UTF-8 and `at` rests on character boundaries wherever this is called.
    fn unexpected(&self) -> Error {
        let rest = self.checked.get(self.at..).unwrap_or_default();
        match rest.chars().next() {
            Some(c) => self.error(ErrorKind::Unexpected(c)),
            None => self.error(ErrorKind::UnexpectedEnd),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Parsed<Value> {
        if self.text[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.unexpected())
        }
    }

    fn value(&mut self) -> Parsed<Value> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'0'..=b'9') => self.number(),
            Some(b'-') if self.text.get(self.at + 1) != Some(&b'I') => self.number(),
            Some(b'N' | b'I' | b'-') => self.not_finite(),
            _ => Err(self.unexpected()),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(ErrorKind::TooDeep));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Parsed<Value> {
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(Vec::new()));
        }
        let first = self.elements.len();
        loop {
            let element = self.value()?;
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
        Ok(Value::Array(self.elements.drain(first..).collect()))
    }

    fn object(&mut self) -> Parsed<Value> {
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object::new()));
        }
        let first = self.members.len();
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected());
            }
            self.at += 1;
            self.skip_space();
            let value = self.value()?;
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
        let members: Vec<_> = self.members.drain(first..).collect();
        match self.rules {
            Rules::Strict => match duplicate(&members) {
                None => Ok(Value::Object(Object::from_distinct(members))),
                Some(key) => Err(self.error(ErrorKind::DuplicateKey(key))),
            },
            Rules::Lenient if duplicate(&members).is_none() => {
                Ok(Value::Object(Object::from_distinct(members)))
            }
            Rules::Lenient => Ok(Value::Object(last_of_each(members))),
        }
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        let bad = |at| Error::at(ErrorKind::BadNumber, self.text, at);
        let digits = |mut at: usize| {
            let from = at;
            while self.text.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if at == from { Err(bad(at)) } else { Ok(at) }
        };
        let mut at = start + usize::from(self.text[start] == b'-');
        let leading_zero = self.text.get(at) == Some(&b'0');
        let whole_start = at;
        at = digits(at)?;
        if leading_zero && at > whole_start + 1 {
            return Err(bad(start));
        }
        if self.text.get(at) == Some(&b'.') {
            at = digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.text.get(at) {
            at += 1;
            if let Some(b'+' | b'-') = self.text.get(at) {
                at += 1;
            }
            at = digits(at)?;
        }
        self.at = at;
        Ok(Value::Number(self.number_text(start)))
    }

    fn number_text(&self, start: usize) -> Number {
        Number::from_checked(self.slice(start, self.at))
    }

    fn not_finite(&mut self) -> Parsed<Value> {
        let start = self.at;
        let known = ["NaN", "Infinity", "-Infinity"];
        let Some(word) = known.iter().find(|w| self.text[start..].starts_with(w.as_bytes())) else {
            return Err(self.unexpected());
        };
        if self.rules == Rules::Strict {
            return Err(self.error(ErrorKind::NotFinite));
        }
        self.at += word.len();
        Ok(Value::Number(self.number_text(start)))
    }

    /// Reads a string; `at` is on its opening quote. Strings without escapes, nearly all,
    /// are copied once.
    fn string(&mut self) -> Parsed<CompactString> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.text.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(CompactString::new(self.slice(start, at)));
                }
                Some(b'\\') => return self.escaped_string(start, at),
                Some(0..=0x1f) => {
                    self.at = at;
                    return Err(self.error(ErrorKind::ControlCharacter));
                }
                Some(_) => at += 1,
                None => {
                    self.at = at;
                    return Err(self.error(ErrorKind::UnexpectedEnd));
                }
            }
        }
    }

    /// A piece between two ASCII bytes.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.checked.get(from..to).unwrap_or_default()
    }

    fn escaped_string(&mut self, start: usize, first_escape: usize) -> Parsed<CompactString> {
        let mut out = CompactString::new(self.slice(start, first_escape));
        self.at = first_escape;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(0..=0x1f) => return Err(self.error(ErrorKind::ControlCharacter)),
                Some(_) => {
                    let from = self.at;
                    while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                        self.at += 1;
                    }
                    out.push_str(self.slice(from, self.at));
                }
                None => return Err(self.error(ErrorKind::UnexpectedEnd)),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
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
            Some(b'u') => return self.unicode_escape(start),
            Some(_) => return Err(Error::at(ErrorKind::BadEscape, self.text, start)),
            None => return Err(Error::at(ErrorKind::UnexpectedEnd, self.text, start)),
        };
        Ok(c)
    }

    /// `at` is behind the `\u` that began at `start`.
    fn unicode_escape(&mut self, start: usize) -> Parsed<char> {
        let unit = self.hex4()?;
        let code = match unit {
            0xd800..=0xdbff if self.text[self.at..].starts_with(b"\\u") => {
                let before_low = self.at;
                self.at += 2;
                match self.hex4()? {
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
            (None, Rules::Lenient) => Ok(char::REPLACEMENT_CHARACTER),
            (None, Rules::Strict) => Err(Error::at(ErrorKind::LoneSurrogate, self.text, start)),
        }
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let mut unit = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return Err(self.error(ErrorKind::BadEscape));
            };
            unit = unit << 4 | value;
        }
        if digits.len() < 4 {
            return Err(self.error(ErrorKind::UnexpectedEnd));
        }
        self.at += 4;
        Ok(unit)
    }
}

/// A key that occurs twice.
fn duplicate(members: &[(Key, Value)]) -> Option<String> {
    if members.len() <= SMALL_OBJECT {
        let twice = members
            .iter()
            .enumerate()
            .find(|(at, (key, _))| members[..*at].iter().any(|(earlier, _)| earlier == key));
        return twice.map(|(_, (key, _))| key.to_string());
    }
    // The standard hasher: a file could be made to collide with a faster one.
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|(key, _)| !seen.insert(key.as_str())).map(|(key, _)| key.to_string())
}

/// The last value of each key, at the place of its first.
fn last_of_each(members: Vec<(Key, Value)>) -> Object {
    let mut kept: indexmap::IndexMap<Key, Value> = indexmap::IndexMap::new();
    for (key, value) in members {
        kept.insert(key, value);
    }
    Object::from_distinct(kept.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> ErrorKind {
        parse_text(text).unwrap_err().kind
    }

    #[test]
    fn what_could_not_be_given_back_is_refused() {
        assert_eq!(refusal(r#"{"a":1,"a":2}"#), ErrorKind::DuplicateKey("a".into()));
        assert_eq!(refusal(r#"["\ud800"]"#), ErrorKind::LoneSurrogate);
        assert_eq!(refusal(r#"["\udc00\ud800"]"#), ErrorKind::LoneSurrogate);
        assert_eq!(refusal("[NaN]"), ErrorKind::NotFinite);
        assert_eq!(refusal("[-Infinity]"), ErrorKind::NotFinite);
        assert_eq!(refusal("[01]"), ErrorKind::BadNumber);
        assert_eq!(refusal("[1.]"), ErrorKind::BadNumber);
        assert_eq!(refusal("[-]"), ErrorKind::BadNumber);
        assert_eq!(refusal("[\"\u{1}\"]"), ErrorKind::ControlCharacter);
        assert_eq!(refusal(r#"["\x"]"#), ErrorKind::BadEscape);
        assert_eq!(refusal("[1] 2"), ErrorKind::TrailingText);
        assert_eq!(refusal("[1,]"), ErrorKind::Unexpected(']'));
        assert_eq!(refusal(r#"{"a":1,}"#), ErrorKind::Unexpected('}'));
        assert_eq!(refusal(""), ErrorKind::UnexpectedEnd);
        assert_eq!(refusal(r#"["\u00"#), ErrorKind::UnexpectedEnd);
        assert_eq!(parse(b"\xef\xbb\xbf{}").unwrap_err().kind, ErrorKind::ByteOrderMark);
        assert_eq!(parse(b"\xff\xfe{\0}\0").unwrap_err().kind, ErrorKind::NotUtf8);
    }

    #[test]
    fn ten_thousand_levels_are_refused_not_crashed_on() {
        assert_eq!(refusal(&"[".repeat(10_000)), ErrorKind::TooDeep);
        assert_eq!(refusal(&"{\"a\":".repeat(10_000)), ErrorKind::TooDeep);
        let deepest = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(parse_text(&deepest).is_ok());
    }

    #[test]
    fn lenient_reading_takes_what_python_writes() {
        let value = parse_lenient(br#"{"a": NaN, "b": [-Infinity], "c": "\ud800x", "a": 2}"#);
        let value = value.unwrap();
        assert_eq!(value.get("a").unwrap().as_i64(), Some(2));
        assert!(value.get("b").unwrap().at(0).unwrap().as_f64().unwrap().is_infinite());
        assert_eq!(value.get("c").unwrap().as_str(), Some("\u{fffd}x"));
    }

    #[test]
    fn errors_name_their_line_and_column() {
        let error = parse_text("{\n  \"a\": 1,\n  \"b\": nul\n}").unwrap_err();
        assert_eq!((error.line, error.column), (3, 8));
        assert_eq!(error.to_string(), "line 3, column 8: unexpected 'n'");
    }
}
