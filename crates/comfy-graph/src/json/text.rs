//! The texts of a tree: keys, strings, and numbers as spelled. A [`Value`](super::Value) owns
//! them; what is read only to be printed again borrows them from the file.

use std::borrow::Cow;
use std::fmt::Debug;

use compact_str::CompactString;

use super::names::{NO_NAME, NameNumber, NameTable};
use super::parse::decode_string;
use super::scan::is_same;

/// One kind of text. Not to be implemented elsewhere.
pub trait JsonText: Clone + Debug + Default + Eq {
    /// A text of our own.
    fn new(text: &str) -> Self;

    /// A text of our own in which nothing has to be escaped.
    fn from_static(text: &'static str) -> Self;

    /// The characters, escapes undone.
    fn decode(&self) -> Cow<'_, str>;

    /// The bytes of a text in which nothing is escaped. Names that a program knows, and numbers,
    /// always have them.
    fn as_plain(&self) -> Option<&[u8]>;

    /// [`JsonText::as_plain`] as characters.
    fn as_plain_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_plain()?).ok()
    }

    /// What stands between the quotes in a file that escapes only what it must; nothing where
    /// that has to be worked out.
    fn as_spelled(&self) -> Option<&[u8]>;

    /// Its number in a table; of a key that was read, the table it was read with.
    #[inline(always)]
    fn name_number(&self, names: &NameTable) -> NameNumber {
        // What has to be escaped is no name.
        self.as_plain().map_or(NO_NAME, |plain| names.find(plain))
    }

    /// Whether it is this text.
    #[inline(always)]
    fn is(&self, text: &str) -> bool {
        match self.as_plain() {
            Some(plain) => is_same(plain, text.as_bytes()),
            None => self.decode() == text,
        }
    }
}

impl JsonText for CompactString {
    fn new(text: &str) -> Self {
        CompactString::new(text)
    }

    fn from_static(text: &'static str) -> Self {
        CompactString::const_new(text)
    }

    fn decode(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn as_plain(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }

    fn as_plain_str(&self) -> Option<&str> {
        Some(self)
    }

    fn as_spelled(&self) -> Option<&[u8]> {
        None
    }
}

/// A text of a file, as bytes of it: whoever cuts a `str` out of another pays for a look at
/// both its ends.
#[derive(Debug, Clone)]
pub(crate) enum SourceText<'a> {
    /// As it stands there, with nothing escaped.
    Plain(&'a [u8]),
    /// The same of a key, with its number among the names that are looked for.
    Key(&'a [u8], NameNumber),
    /// As it stands there, with escapes, all of them as `JSON.stringify` spells them.
    Escaped(&'a [u8]),
    /// Its characters: it is of our own, or spelled in another way.
    Decoded(Box<str>),
}

impl JsonText for SourceText<'_> {
    fn new(text: &str) -> Self {
        SourceText::Decoded(text.into())
    }

    fn from_static(text: &'static str) -> Self {
        SourceText::Plain(text.as_bytes())
    }

    fn decode(&self) -> Cow<'_, str> {
        match self {
            SourceText::Plain(text) | SourceText::Key(text, _) => String::from_utf8_lossy(text),
            SourceText::Decoded(text) => Cow::Borrowed(text),
            SourceText::Escaped(spelled) => {
                Cow::Owned(decode_string(&String::from_utf8_lossy(spelled)))
            }
        }
    }

    #[inline(always)]
    fn as_plain(&self) -> Option<&[u8]> {
        match self {
            SourceText::Plain(text) | SourceText::Key(text, _) => Some(text),
            SourceText::Decoded(text) => Some(text.as_bytes()),
            SourceText::Escaped(_) => None,
        }
    }

    #[inline(always)]
    fn name_number(&self, names: &NameTable) -> NameNumber {
        match self {
            SourceText::Key(_, number) => *number,
            other => other.as_plain().map_or(NO_NAME, |plain| names.find(plain)),
        }
    }

    #[inline(always)]
    fn as_spelled(&self) -> Option<&[u8]> {
        match self {
            SourceText::Plain(text) | SourceText::Key(text, _) | SourceText::Escaped(text) => {
                Some(text)
            }
            SourceText::Decoded(_) => None,
        }
    }
}

impl Default for SourceText<'_> {
    fn default() -> Self {
        SourceText::Plain(b"")
    }
}

impl PartialEq for SourceText<'_> {
    /// By characters, however they are spelled.
    fn eq(&self, other: &Self) -> bool {
        match (self.as_plain(), other.as_plain()) {
            (Some(text), Some(other)) => is_same(text, other),
            _ => self.decode() == other.decode(),
        }
    }
}

impl Eq for SourceText<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{
        JsonErrorKind, JsonStyle, JsonValue, NO_LINES, NameTable, Value, parse_source, parse_text,
        print, print_into, prints_as,
    };

    static NAMES: NameTable = NameTable::new(&["id", "type"]);

    const STYLES: [JsonStyle; 4] =
        [JsonStyle::SAVE, JsonStyle::EXPORT, JsonStyle::CANONICAL, JsonStyle::PYTHON];

    fn holds_for(text: &str) {
        let (owned, source) = (parse_text(text).unwrap(), parse_source(text, &NAMES).unwrap());
        for style in STYLES {
            let expected = print(&owned, &style);
            let mut printed = Vec::new();
            print_into(&mut printed, &source, &style, NO_LINES);
            assert_eq!(String::from_utf8(printed).unwrap(), expected);
            assert_eq!(prints_as(&source, &style, text), expected == text);
            assert!(prints_as(&source, &style, &expected));
            assert!(!prints_as(&source, &style, &expected[..expected.len() - 1]));
            assert!(!prints_as(&source, &style, &format!("{expected} ")));
        }
        assert_eq!(Value::from(source), owned);
    }

    #[test]
    fn a_tree_that_borrows_prints_as_one_that_owns() {
        holds_for(r#"{"id":1,"a\u00e9":"\/\u001f\n","type":["\ud83e\udd8a é",true,null,{},[]]}"#);
        holds_for(
            "[\r\n\t1.50, \"\\\\\",\"\",{\"\\\"\": [[[[[[[[[[[[[[[[[[ 2 ]]]]]]]]]]]]]]]]]] }]",
        );
    }

    #[test]
    fn keys_are_known_however_they_are_spelled() {
        let text = r#"{"\u0069d":1,"type":2,"other":3,"\n":4}"#;
        let JsonValue::Object(object) = parse_source(text, &NAMES).unwrap() else { panic!() };
        let numbers: Vec<NameNumber> = object.keys().map(|key| key.name_number(&NAMES)).collect();
        assert_eq!(numbers, [0, 1, NO_NAME, NO_NAME]);
        assert!(["id", "type", "other", "\n"].iter().all(|key| object.contains_key(key)));
        let twice = parse_source(r#"{"id":1,"\u0069d":2}"#, &NAMES).unwrap_err();
        assert_eq!(twice.kind, JsonErrorKind::DuplicateKey("id".into()));
    }

    proptest! {
        #[test]
        fn any_string_is_printed_the_same(
            keys in proptest::collection::btree_set("[a-cé🦊\"\\\\/\n\t\u{1}\u{7f} ]{0,6}", 0..4),
            style in proptest::sample::select(STYLES.to_vec()),
        ) {
            let mut object = crate::json::Object::new();
            for key in keys {
                object.append(key.as_str(), key.as_str());
            }
            holds_for(&print(&Value::Object(object), &style));
        }
    }
}
