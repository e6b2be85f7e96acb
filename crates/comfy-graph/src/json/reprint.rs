//! A changed document in the hand of the text it came from.
//!
//! What did not change stands as it stood, to the byte: indentation, the order of keys, lists
//! on one line beside lists on many. What is new is written as its neighbours are. Must not
//! know what the document is about.

use std::ops::Range;

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::{Indent, JsonStyle, Object, Value, parse_text, print};

/// Prints a document that came of the one in `before`. Members of an object stand in the order
/// that they had there, new ones behind the one they follow; elements of a list stand in the
/// order of the document. A text that is no JSON lends nothing but its style.
pub fn reprint(document: &Value, before: &str) -> String {
    let style = JsonStyle::detect(before);
    let Ok(known) = parse_text(before) else { return print(document, &style) };
    if known == *document {
        return before.to_owned();
    }
    let mut scanner = SpanScanner { text: before.as_bytes(), at: 0 };
    let Some(root) = scanner.value() else { return print(document, &style) };
    let start = before.get(..root.range.start).unwrap_or_default().to_owned();
    let end = before.get(root.range.end..).unwrap_or_default();
    let inner = JsonStyle { final_newline: false, ..style };
    let mut writer = Reprinter { before, style: inner, out: start };
    writer.write(document, Old { value: &known, span: &root }, false);
    writer.out + end
}

/// Where a value stands in a text, and what is in it.
#[derive(Debug)]
struct Span {
    range: Range<usize>,
    /// Of an object its members, of an array its elements.
    items: Vec<ItemSpan>,
}

/// A member or an element.
#[derive(Debug)]
struct ItemSpan {
    /// Where its key begins, or else its value.
    start: usize,
    value: Span,
}

/// Finds where everything stands in a text that is known to be JSON.
struct SpanScanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl SpanScanner<'_> {
    fn skip_spaces(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                return;
            }
        }
    }

    fn value(&mut self) -> Option<Span> {
        self.skip_spaces();
        let start = self.at;
        let mut items = Vec::new();
        match *self.text.get(start)? {
            b'"' => self.string(),
            open @ (b'{' | b'[') => {
                self.at += 1;
                loop {
                    self.skip_spaces();
                    match *self.text.get(self.at)? {
                        b'}' | b']' => break,
                        b',' => {
                            self.at += 1;
                            continue;
                        }
                        _ => {}
                    }
                    let start = self.at;
                    if open == b'{' {
                        self.string();
                        self.skip_spaces();
                        self.at += 1;
                    }
                    items.push(ItemSpan { start, value: self.value()? });
                }
                self.at += 1;
            }
            _ => {
                let is_end = |byte: &u8| b",]} \t\r\n".contains(byte);
                let rest = self.text.get(start..)?;
                self.at += rest.iter().position(is_end).unwrap_or(rest.len());
            }
        }
        Some(Span { range: start..self.at, items })
    }
}

/// A value of the text before: what a value of the new document came of, or is written like.
#[derive(Clone, Copy)]
struct Old<'o> {
    value: &'o Value,
    span: &'o Span,
}

struct Reprinter<'t> {
    before: &'t str,
    style: JsonStyle,
    out: String,
}

impl Reprinter<'_> {
    fn write(&mut self, new: &Value, old: Old<'_>, is_inline: bool) {
        if new == old.value {
            self.copy(old.span.range.clone());
            return;
        }
        match (new, old.value) {
            (Value::Object(new), Value::Object(known)) if !known.is_empty() => {
                self.write_object(new, known, old.span);
            }
            (Value::Array(new), Value::Array(known)) if !known.is_empty() => {
                self.write_array(new, known, old.span);
            }
            _ => self.write_anew(new, line_indent(self.before, old.span.range.start), is_inline),
        }
    }

    fn copy(&mut self, range: Range<usize>) {
        self.out.push_str(self.before.get(range).unwrap_or_default());
    }

    /// Writes what nothing before was like.
    fn write_anew(&mut self, new: &Value, indent: &str, is_inline: bool) {
        let text = match self.style.indent {
            Indent::None => print(new, &self.style),
            _ if !is_inline => print(new, &self.style),
            _ => {
                let style = JsonStyle { indent: Indent::None, ..self.style.clone() };
                print(new, &JsonStyle { space_after_comma: true, ..style })
            }
        };
        self.out.push_str(&text.replace('\n', &format!("\n{indent}")));
    }

    /// What stands before the item at a place, behind the bracket or comma.
    fn gap(&self, span: &Span, at: usize) -> Range<usize> {
        let items = &span.items;
        match at.checked_sub(1) {
            None => span.range.start + 1..items[0].start,
            Some(last) => {
                let end = items[last].value.range.end;
                let between = self.before.get(end..items[at].start).unwrap_or_default();
                let comma = between.find(',').unwrap_or_default();
                end + comma + 1..items[at].start
            }
        }
    }

    /// Writes the gap before an item: its own if it has one, else as its neighbours have it.
    fn write_gap(&mut self, span: &Span, own: Option<usize>, is_first: bool) {
        let is_own = |at: &usize| (*at == 0) == is_first;
        let neighbour = || if is_first { 0 } else { 1.min(span.items.len() - 1) };
        let gap = self.gap(span, own.filter(is_own).unwrap_or_else(neighbour));
        let text = self.before.get(gap).unwrap_or_default();
        // Of a list of one on one line nobody knows what stands behind its commas.
        let lone = !is_first && span.items.len() == 1 && !text.contains('\n');
        match lone {
            true if self.style.space_after_comma => self.out.push(' '),
            true => {}
            false => self.out.push_str(text),
        }
    }

    fn close(&mut self, span: &Span) {
        let end = span.items.last().map_or(span.range.start + 1, |item| item.value.range.end);
        self.copy(end..span.range.end);
    }

    fn write_object(&mut self, new: &Object, known: &Object, span: &Span) {
        if new.is_empty() {
            self.out.push_str("{}");
            return;
        }
        self.out.push('{');
        let places: FxHashMap<&str, usize> =
            known.keys().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
        for (nth, key) in member_order(new, known, &places).into_iter().enumerate() {
            let Some(value) = new.get(key) else { continue };
            if nth > 0 {
                self.out.push(',');
            }
            let own = places.get(key.as_str()).copied();
            self.write_gap(span, own, nth == 0);
            let like = own.or_else(|| known.values().position(|old| is_like(old, value)));
            match own {
                Some(at) => {
                    let item = &span.items[at];
                    self.copy(item.start..item.value.range.start);
                }
                None => {
                    let text = print(&Value::from(key.as_str()), &self.style);
                    let colon = self.colon(&span.items[0]).to_owned();
                    self.out.push_str(&text);
                    self.out.push_str(&colon);
                }
            }
            self.write_item(value, known.values(), span, like);
        }
        self.close(span);
    }

    fn write_array(&mut self, new: &[Value], known: &[Value], span: &Span) {
        if new.is_empty() {
            self.out.push_str("[]");
            return;
        }
        self.out.push('[');
        let partners = element_partners(new, known);
        for (at, value) in new.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.write_gap(span, partners[at], at == 0);
            let like = partners[at].or_else(|| known.iter().position(|old| is_like(old, value)));
            self.write_item(value, known.iter(), span, like);
        }
        self.close(span);
    }

    /// Writes a value as the item at a place is written; that one may be the same.
    fn write_item<'o>(
        &mut self,
        value: &Value,
        mut known: impl Iterator<Item = &'o Value>,
        span: &Span,
        like: Option<usize>,
    ) {
        // In a list on one line everything is.
        let is_inline = self.before.get(span.range.clone()).is_some_and(|own| !own.contains('\n'));
        match like.and_then(|at| Some((known.nth(at)?, &span.items[at].value))) {
            Some((known, span)) => self.write(value, Old { value: known, span }, is_inline),
            None => {
                let indent = line_indent(self.before, span.items[0].start);
                self.write_anew(value, indent, is_inline);
            }
        }
    }

    /// What stands between a key and its value.
    fn colon(&self, item: &ItemSpan) -> &str {
        let text = self.before.get(item.start..item.value.range.start).unwrap_or_default();
        // Behind the key; a quote in it is escaped, a colon is not.
        let end = text.rfind('"').map_or(0, |at| at + 1);
        text.get(end..).unwrap_or(":")
    }
}

/// The white space that a line begins with.
fn line_indent(text: &str, at: usize) -> &str {
    let line = text.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |end| end + 1);
    let rest = text.get(line..).unwrap_or_default();
    let length = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest.get(..length).unwrap_or_default()
}

/// The keys of an object in the order they had, each new one behind the one it follows.
fn member_order<'n>(
    new: &'n Object,
    known: &'n Object,
    places: &FxHashMap<&str, usize>,
) -> Vec<&'n CompactString> {
    let mut followers: FxHashMap<Option<&str>, Vec<&CompactString>> = FxHashMap::default();
    let mut last = None;
    let index: FxHashMap<&str, ()> = new.keys().map(|key| (key.as_str(), ())).collect();
    for key in new.keys() {
        match places.contains_key(key.as_str()) {
            true => last = Some(key.as_str()),
            false => followers.entry(last).or_default().push(key),
        }
    }
    let mut order = followers.remove(&None).unwrap_or_default();
    for key in known.keys().filter(|key| index.contains_key(key.as_str())) {
        order.push(key);
        order.extend(followers.remove(&Some(key.as_str())).into_iter().flatten());
    }
    order
}

/// Whether two values may be written alike.
fn is_like(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(_)) => !old.is_empty(),
        (Value::Array(old), Value::Array(_)) => !old.is_empty(),
        _ => false,
    }
}

/// For each element of a list the one it came of: by its id where all have one, else the same
/// from both ends, and what is between in its order where there is as much of it.
fn element_partners(new: &[Value], known: &[Value]) -> Vec<Option<usize>> {
    if let (Some(ids), Some(known_ids)) = (element_ids(new), element_ids(known)) {
        let places: FxHashMap<String, usize> =
            known_ids.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
        return ids.iter().map(|id| places.get(id).copied()).collect();
    }
    let start = new.iter().zip(known).take_while(|(a, b)| a == b).count();
    let rest = new[start..].iter().rev().zip(known[start..].iter().rev());
    let end = rest.take_while(|(a, b)| a == b).count();
    let is_even = new.len() == known.len();
    let partner = |at: usize| match at {
        at if at < start || is_even => Some(at),
        at if at + end >= new.len() => Some(at + known.len() - new.len()),
        _ => None,
    };
    (0..new.len()).map(partner).collect()
}

/// The ids of the elements, if each has one of its own: the member `id`, or the number that a
/// list begins with.
fn element_ids(list: &[Value]) -> Option<Vec<String>> {
    let mut seen = rustc_hash::FxHashSet::default();
    let id = |element: &Value| {
        let id = match element {
            Value::Object(object) => object.get("id")?,
            Value::Array(list) => list.first().filter(|_| list.len() > 2)?,
            _ => return None,
        };
        let id = match id {
            Value::Number(_) | Value::String(_) => print(id, &JsonStyle::SAVE),
            _ => return None,
        };
        seen.insert(id.clone()).then_some(id)
    };
    list.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reprinted(before: &str, after: &str) -> String {
        reprint(&parse_text(after).unwrap(), before)
    }

    #[test]
    fn what_did_not_change_stands_as_it_stood() {
        let before =
            "{\n    \"b\": [\"4\", 1],\n    \"a\" : {\"x\": 1.0,  \"y\": []},\n    \"c\": 3\n}";
        assert_eq!(
            reprinted(before, r#"{"a":{"x":1.0,"y":[]},"b":["4",2],"c":3}"#),
            "{\n    \"b\": [\"4\", 2],\n    \"a\" : {\"x\": 1.0,  \"y\": []},\n    \"c\": 3\n}"
        );
        assert_eq!(
            reprinted(before, r#"{"a":{"x":1.0,"z":2,"y":[1]},"b":["4",1],"d":["5",2]}"#),
            "{\n    \"b\": [\"4\", 1],\n    \"d\": [\"5\", 2],\n    \"a\" : {\"x\": 1.0,  \"z\": 2,  \"y\": [1]}\n}"
        );
    }

    #[test]
    fn what_is_new_is_written_as_its_neighbours_are() {
        let before = "[\n\t{\"id\": 1, \"l\": [1, 2]},\n\t{\"id\": 2, \"l\": []}\n]\n";
        assert_eq!(
            reprinted(before, r#"[{"id":3,"l":[4]},{"id":1,"l":[1,2,3]},{"id":2,"l":[],"m":"x"}]"#),
            "[\n\t{\"id\": 3, \"l\": [4]},\n\t{\"id\": 1, \"l\": [1, 2, 3]},\n\t{\"id\": 2, \"l\": [], \"m\": \"x\"}\n]\n"
        );
        assert_eq!(reprinted("{\"a\":1}", r#"{"a":1,"b":[1]}"#), "{\"a\":1,\"b\":[1]}");
        assert_eq!(reprinted("{}\n", r#"{"a":1}"#), "{\"a\":1}\n");
        assert_eq!(reprinted("[1]", "{}"), "{}");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i8>().prop_map(|n| Value::from(i64::from(n))),
            "[a\"\\\\é,:{]{0,4}".prop_map(|text| Value::from(text.as_str())),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let members = proptest::collection::btree_map("[a-d,\":]{1,2}", inner.clone(), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::Array),
                members.prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_text_says_what_the_document_says(
            before in any_value(),
            after in any_value(),
            style in prop_oneof![
                Just(JsonStyle::SAVE),
                Just(JsonStyle::CANONICAL),
                Just(JsonStyle::PYTHON),
                Just(JsonStyle { indent: crate::json::Indent::Tab, line_end: crate::json::LineEnd::CrLf, ..JsonStyle::EXPORT }),
            ],
        ) {
            let text = print(&before, &style);
            let again = parse_text(&reprint(&after, &text)).unwrap();
            prop_assert!(again.is_equivalent(&after), "{:?} is not {:?}", again, after);
            prop_assert_eq!(reprint(&before, &text), text);
        }
    }
}
