//! Text to [`Value`].
//!
//! Strict reading accepts exactly RFC 8259 less what could not be given back: duplicate
//! keys, lone surrogates, byte order marks. Lenient reading, for metadata that Python
//! wrote into images, also takes bare `NaN` and `Infinity`, replaces lone surrogates by
//! U+FFFD and lets the last of two equal keys win, as every browser does.

use std::collections::HashSet;
use std::ops::Range;

use compact_str::CompactString;

use super::names::{NameTable, hash_name};
use super::scan::{find_special, skip_spaces};
use super::{
    JsonError, JsonErrorKind, JsonNumber, JsonObject, JsonText, JsonValue, SourceText, Value,
};

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

/// A text that can be taken out of a file.
trait ParsedText<'a>: JsonText {
    /// Of a string or number without escapes: a piece of a text.
    fn from_plain(text: &'a str, piece: Range<usize>) -> Self;

    /// Of a key without escapes, with its hash.
    fn from_key(text: &'a str, piece: Range<usize>, hash: u8, names: &NameTable) -> Self;

    /// Of a string with escapes as `JSON.stringify` spells them; nothing if it wants the
    /// characters.
    fn from_escaped(spelled: &'a str) -> Option<Self>;
}

impl<'a> ParsedText<'a> for CompactString {
    #[inline(always)]
    fn from_plain(text: &'a str, piece: Range<usize>) -> Self {
        CompactString::new(text.get(piece).unwrap_or_default())
    }

    #[inline(always)]
    fn from_key(text: &'a str, piece: Range<usize>, _: u8, _: &NameTable) -> Self {
        Self::from_plain(text, piece)
    }

    fn from_escaped(_: &'a str) -> Option<Self> {
        None
    }
}

impl<'a> ParsedText<'a> for SourceText<'a> {
    #[inline(always)]
    fn from_plain(text: &'a str, piece: Range<usize>) -> Self {
        SourceText::Plain(text.as_bytes().get(piece).unwrap_or_default())
    }

    #[inline(always)]
    fn from_key(text: &'a str, piece: Range<usize>, hash: u8, names: &NameTable) -> Self {
        let spelled = text.as_bytes().get(piece).unwrap_or_default();
        SourceText::Key(spelled, names.find_hashed(spelled, hash))
    }

    fn from_escaped(spelled: &'a str) -> Option<Self> {
        Some(SourceText::Escaped(spelled.as_bytes()))
    }
}

struct JsonParser<'a, T> {
    text: &'a [u8],
    /// The same text: a piece between two ASCII bytes is cut out without another look.
    checked: &'a str,
    at: usize,
    depth: usize,
    rules: ParseMode,
    names: &'a NameTable,
    /// What is read of the arrays and objects that are still open, innermost last: each is
    /// allocated once, when its length is known.
    elements: Vec<JsonValue<T>>,
    members: Vec<(T, JsonValue<T>)>,
    /// A string whose escapes are being undone.
    unescaped: String,
}

/// Reads one strict JSON document from bytes.
///
/// # Errors
/// As [`parse_text`], and for bytes that are no UTF-8 or begin with a byte order mark.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    parse_text(decode_utf8(bytes)?)
}

/// Reads one strict JSON document from text.
///
/// # Errors
/// The text is no JSON, or JSON that could not be printed back the same: with a key twice in one
/// object, half a surrogate pair, or nested deeper than [`super::MAX_DEPTH`].
pub fn parse_text(text: &str) -> Result<Value, JsonError> {
    JsonParser::new(text, ParseMode::Strict, &NameTable::EMPTY)
        .parse_document()
        .map_err(|error| *error)
}

/// Reads one strict JSON document to be printed again: its texts stay where they are, and its
/// keys know their numbers in a table.
pub(crate) fn parse_source<'a>(
    text: &'a str,
    names: &'a NameTable,
) -> Result<JsonValue<SourceText<'a>>, JsonError> {
    JsonParser::new(text, ParseMode::Strict, names).parse_document().map_err(|error| *error)
}

/// The characters of what stood between the quotes of a string that was read.
pub(super) fn decode_string(spelled: &str) -> String {
    let mut parser =
        JsonParser::<CompactString>::new(spelled, ParseMode::Lenient, &NameTable::EMPTY);
    let mut text = String::with_capacity(spelled.len());
    while let Some(byte) = parser.peek() {
        if byte == b'\\' {
            text.push(parser.parse_escape().unwrap_or_default());
        } else {
            let from = parser.at;
            parser.at = find_special(parser.text, from);
            text.push_str(parser.slice(from, parser.at));
        }
    }
    text
}

/// Reads one document as browsers and Python would: `NaN`, lone surrogates and duplicate
/// keys do not stop it. What comes out need not print back to what went in.
///
/// # Errors
/// The bytes are no UTF-8, or no JSON either of them would read, or nested deeper than
/// [`super::MAX_DEPTH`].
pub fn parse_lenient(bytes: &[u8]) -> Result<Value, JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let parser = JsonParser::new(decode_utf8(bytes)?, ParseMode::Lenient, &NameTable::EMPTY);
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

impl<'a, T: ParsedText<'a>> JsonParser<'a, T> {
    fn new(text: &'a str, rules: ParseMode, names: &'a NameTable) -> Self {
        JsonParser {
            text: text.as_bytes(),
            checked: text,
            at: 0,
            depth: 0,
            rules,
            names,
            elements: Vec::new(),
            members: Vec::new(),
            unescaped: String::new(),
        }
    }

    fn parse_document(mut self) -> ParseResult<JsonValue<T>> {
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
            Some(byte) if byte <= b' ' => self.skip_some_space(byte),
            _ => {}
        }
    }

    #[inline(always)]
    fn skip_some_space(&mut self, first: u8) {
        // Mostly a line end and an indent, or a single space.
        if first == b'\n' || first == b' ' {
            self.at = skip_spaces(self.text, self.at + 1);
            if self.peek().is_none_or(|byte| byte >= b' ') {
                return;
            }
        }
        self.skip_mixed_space();
    }

    /// The space behind a colon: mostly one, or none.
    #[inline(always)]
    fn skip_single_space(&mut self) {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        self.skip_space();
    }

    #[inline(never)]
    fn skip_mixed_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn parse_keyword(&mut self, word: &str, value: JsonValue<T>) -> ParseResult<JsonValue<T>> {
        if self.text[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.unexpected())
        }
    }

    #[inline(always)]
    fn parse_value(&mut self) -> ParseResult<JsonValue<T>> {
        match self.peek() {
            Some(b'"') => Ok(JsonValue::String(self.parse_string()?)),
            Some(b'{') => self.parse_object(),
            Some(b'[') => self.parse_array(),
            Some(b't') => self.parse_keyword("true", JsonValue::Bool(true)),
            Some(b'f') => self.parse_keyword("false", JsonValue::Bool(false)),
            Some(b'n') => self.parse_keyword("null", JsonValue::Null),
            Some(b'0'..=b'9') => self.parse_number(),
            Some(b'-') if self.text.get(self.at + 1) != Some(&b'I') => self.parse_number(),
            Some(b'N' | b'I' | b'-') => self.parse_not_finite(),
            _ => Err(self.unexpected()),
        }
    }

    /// Goes into an array or object, behind its bracket.
    #[inline(always)]
    fn enter(&mut self) -> ParseResult<()> {
        if self.depth == MAX_DEPTH {
            return Err(self.error_here(JsonErrorKind::TooDeep));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Behind one of its members: goes to the next one, or says that the bracket is reached.
    #[inline(always)]
    fn ends_list(&mut self, bracket: u8) -> ParseResult<bool> {
        let mut next = self.peek();
        if next != Some(b',') {
            self.skip_space();
            next = self.peek();
        }
        match next {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                Ok(false)
            }
            Some(byte) if byte == bracket => Ok(true),
            _ => Err(self.unexpected()),
        }
    }

    /// Leaves it, at its closing bracket.
    #[inline(always)]
    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    #[inline(never)]
    fn parse_array(&mut self) -> ParseResult<JsonValue<T>> {
        self.enter()?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(JsonValue::Array(Vec::new()));
        }
        let first = self.elements.len();
        loop {
            let element = self.parse_value()?;
            self.elements.push(element);
            if self.ends_list(b']')? {
                break;
            }
        }
        self.leave();
        Ok(JsonValue::Array(take_tail(&mut self.elements, first)))
    }

    #[inline(never)]
    fn parse_object(&mut self) -> ParseResult<JsonValue<T>> {
        self.enter()?;
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(JsonValue::Object(JsonObject::new()));
        }
        let first = self.members.len();
        let mut marks = KeyMarks::default();
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            match self.take_plain_string() {
                Some(piece) => {
                    let spelled = self.text.get(piece.clone()).unwrap_or_default();
                    let hash = hash_name(spelled);
                    marks.add(spelled, hash, &self.members[first..]);
                    let value = self.parse_member_value()?;
                    let key = T::from_key(self.checked, piece, hash, self.names);
                    self.members.push((key, value));
                }
                None => {
                    marks.needs_look = true;
                    self.parse_escaped_member()?;
                }
            }
            if self.ends_list(b'}')? {
                break;
            }
        }
        self.leave();
        let members = take_tail(&mut self.members, first);
        if !marks.needs_look {
            return Ok(JsonValue::Object(JsonObject::from_distinct(members)));
        }
        match (find_duplicate_key(&members), self.rules) {
            (None, _) => Ok(JsonValue::Object(JsonObject::from_distinct(members))),
            (Some(key), ParseMode::Strict) => {
                Err(self.error_here(JsonErrorKind::DuplicateKey(key)))
            }
            (Some(_), ParseMode::Lenient) => Ok(JsonValue::Object(keep_last_values(members))),
        }
    }

    /// The value of a member; `at` is behind its key.
    #[inline(always)]
    fn parse_member_value(&mut self) -> ParseResult<JsonValue<T>> {
        if self.peek() != Some(b':') {
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected());
            }
        }
        self.at += 1;
        self.skip_single_space();
        self.parse_value()
    }

    /// A member with escapes in its key.
    #[cold]
    #[inline(never)]
    fn parse_escaped_member(&mut self) -> ParseResult<()> {
        let key = self.parse_escaped_string()?;
        let value = self.parse_member_value()?;
        self.members.push((key, value));
        Ok(())
    }

    fn parse_number(&mut self) -> ParseResult<JsonValue<T>> {
        let start = self.at;
        let whole = start + usize::from(self.text[start] == b'-');
        let mut at = self.skip_digits(whole)?;
        if at > whole + 1 && self.text[whole] == b'0' {
            return Err(self.error_at(JsonErrorKind::BadNumber, start));
        }
        if let Some(b'.' | b'e' | b'E') = self.text.get(at) {
            at = self.skip_fraction(at)?;
        }
        self.at = at;
        Ok(JsonValue::Number(self.number_from(start)))
    }

    /// The end of a number of which the whole digits end at `at`.
    #[inline(never)]
    fn skip_fraction(&self, mut at: usize) -> ParseResult<usize> {
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
        Ok(at)
    }

    /// The end of a run of digits, of which there must be one.
    #[inline]
    fn skip_digits(&self, from: usize) -> ParseResult<usize> {
        let digits = self.text.get(from..).unwrap_or_default();
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let at = from + count;
        if count == 0 { Err(self.error_at(JsonErrorKind::BadNumber, at)) } else { Ok(at) }
    }

    fn number_from(&self, start: usize) -> JsonNumber<T> {
        JsonNumber::from_text(T::from_plain(self.checked, start..self.at))
    }

    fn parse_not_finite(&mut self) -> ParseResult<JsonValue<T>> {
        let start = self.at;
        let known = ["NaN", "Infinity", "-Infinity"];
        let Some(word) = known.iter().find(|w| self.text[start..].starts_with(w.as_bytes())) else {
            return Err(self.unexpected());
        };
        if self.rules == ParseMode::Strict {
            return Err(self.error_here(JsonErrorKind::NotFinite));
        }
        self.at += word.len();
        Ok(JsonValue::Number(self.number_from(start)))
    }

    /// Reads a string; `at` is on its opening quote.
    #[inline(always)]
    fn parse_string(&mut self) -> ParseResult<T> {
        match self.take_plain_string() {
            Some(piece) => Ok(T::from_plain(self.checked, piece)),
            None => self.parse_escaped_string(),
        }
    }

    /// Goes over a string without escapes, as nearly all are; `at` is on its opening quote.
    #[inline(always)]
    fn take_plain_string(&mut self) -> Option<Range<usize>> {
        let start = self.at + 1;
        let end = find_special(self.text, start);
        if self.text.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(start..end)
    }

    /// A piece between two ASCII bytes.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.checked.get(from..to).unwrap_or_default()
    }

    #[inline(never)]
    fn parse_escaped_string(&mut self) -> ParseResult<T> {
        let start = self.at + 1;
        let first_escape = find_special(self.text, start);
        if let Some(end) = self.skip_usual_escapes(first_escape)
            && let Some(text) = T::from_escaped(self.slice(start, end))
        {
            self.at = end + 1;
            return Ok(text);
        }
        self.unescaped.clear();
        self.unescaped.push_str(self.slice(start, first_escape));
        self.at = first_escape;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(T::new(&self.unescaped));
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

    /// The end of a string whose escapes are all spelled as they are printed: two characters.
    fn skip_usual_escapes(&self, mut at: usize) -> Option<usize> {
        loop {
            match self.text.get(at)? {
                b'"' => return Some(at),
                b'\\' => match self.text.get(at + 1)? {
                    b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    _ => return None,
                },
                0..=0x1f => return None,
                _ => {}
            }
            at = find_special(self.text, at);
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
    match first {
        // Split off there, the stack would give all its room away.
        0 => stack.drain(first..).collect(),
        _ => stack.split_off(first),
    }
}

/// What is remembered of the keys of an object that is being read: enough to know of nearly
/// every key that it is new.
#[derive(Default)]
struct KeyMarks {
    seen: [u64; 4],
    /// Whether a key may have come twice.
    needs_look: bool,
}

impl KeyMarks {
    #[inline(always)]
    fn add<T: JsonText>(&mut self, key: &[u8], hash: u8, earlier: &[(T, JsonValue<T>)]) {
        let (word, bit) = (usize::from(hash / 64), 1 << (hash % 64));
        if self.seen[word] & bit != 0 {
            self.compare(key, earlier);
        }
        self.seen[word] |= bit;
    }

    #[cold]
    fn compare<T: JsonText>(&mut self, key: &[u8], earlier: &[(T, JsonValue<T>)]) {
        // Of many keys each would be compared with all.
        self.needs_look |= earlier.len() > MAX_COMPARED_KEYS
            || earlier.iter().any(|(known, _)| known.as_plain() == Some(key));
    }
}

/// A key that occurs twice.
fn find_duplicate_key<T: JsonText>(members: &[(T, JsonValue<T>)]) -> Option<String> {
    // The standard hasher: a file could be made to collide with a faster one.
    let mut seen = HashSet::with_capacity(members.len());
    let twice = members.iter().find(|(key, _)| !seen.insert(key.decode()));
    twice.map(|(key, _)| key.decode().into_owned())
}

/// The last value of each key, at the place of its first.
fn keep_last_values<T: JsonText>(members: Vec<(T, JsonValue<T>)>) -> JsonObject<T> {
    let mut kept: indexmap::IndexMap<String, (T, JsonValue<T>)> = indexmap::IndexMap::new();
    for (key, value) in members {
        kept.insert(key.decode().into_owned(), (key, value));
    }
    JsonObject::from_distinct(kept.into_values().collect())
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
