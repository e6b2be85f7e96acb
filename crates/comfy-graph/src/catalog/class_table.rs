//! A table of node classes as text, one class a line: name, tab, a reduced `/object_info`
//! entry. A line is parsed when its class is first asked for, so that a program that
//! names five widgets does not read a thousand classes.
//!
//! Must not know where the text came from.

use std::borrow::Cow;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::class::NodeClass;
use super::object_info;
use crate::json::{self, JsonKey, JsonStyle, Object, Value, parse_text};

#[derive(Debug, Clone, Default)]
pub(super) struct ClassTable {
    lines: FxHashMap<Cow<'static, str>, ClassLine>,
}

#[derive(Debug, Clone)]
struct ClassLine {
    text: Cow<'static, str>,
    class: OnceLock<Option<Box<NodeClass>>>,
}

impl ClassTable {
    /// Splits a table that is part of the program.
    pub(super) fn from_static(text: &'static str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        ClassTable::from_lines(lines.map(|(name, text)| (Cow::Borrowed(name), Cow::Borrowed(text))))
    }

    /// Splits a table that was read from somewhere.
    pub(super) fn from_text(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        ClassTable::from_lines(
            lines.map(|(name, text)| (name.to_owned().into(), text.to_owned().into())),
        )
    }

    fn from_lines(lines: impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)>) -> Self {
        let line = |(name, text)| (name, ClassLine { text, class: OnceLock::new() });
        ClassTable { lines: lines.map(line).collect() }
    }

    pub(super) fn class(&self, name: &str) -> Option<&NodeClass> {
        let line = self.lines.get(name)?;
        let parse = || {
            let info = parse_text(&line.text).ok()?;
            object_info::parse_class(name, &info).map(Box::new)
        };
        line.class.get_or_init(parse).as_deref()
    }

    /// All classes, in no order.
    pub(super) fn classes(&self) -> impl Iterator<Item = &NodeClass> {
        self.names().filter_map(|name| self.class(name))
    }

    /// The names of all classes, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(AsRef::as_ref)
    }
}

/// The table of an `/object_info` answer, sorted by name, without what only people read.
pub fn object_info_table(answer: &Value) -> String {
    let members = answer.as_object().into_iter().flat_map(Object::iter);
    let mut lines: Vec<(&JsonKey, String)> = members
        .filter(|(name, _)| !name.contains(['\t', '\n', '\r']))
        .filter(|(_, info)| info.get("input").is_some_and(|input| input.as_object().is_some()))
        .filter_map(|(name, info)| {
            let reduced = Value::Object(reduce_info(info.as_object()?));
            Some((name, json::print(&reduced, &JsonStyle::SAVE)))
        })
        .collect();
    lines.sort_by(|a, b| a.0.cmp(b.0));
    lines.iter().map(|(name, text)| format!("{name}\t{text}\n")).collect()
}

/// What is read again by [`object_info::parse_class`].
const KEPT_KEYS: &[&str] = &[
    "display_name",
    "python_module",
    "input",
    "input_order",
    "output",
    "output_name",
    "output_node",
];

fn reduce_info(info: &Object) -> Object {
    let mut kept = info.clone();
    kept.retain(|key, value| {
        if key == "input" {
            remove_tooltips(value);
        }
        KEPT_KEYS.contains(&key)
    });
    kept
}

fn remove_tooltips(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, value| {
                remove_tooltips(value);
                // An input may be named so; its value is a list.
                key != "tooltip" || !matches!(value, Value::String(_))
            });
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_tooltips),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_the_same_as_the_answer_it_was_made_from() {
        let answer = parse_text(
            r#"{"B":{"input":{"required":{"seed":["INT",{"default":0,"tooltip":"x"}],
            "tooltip":["STRING",{}]}},"output":["IMAGE"],"description":"long"},
            "A":{"input":{},"output":[]},"no\tname":{"input":{}}}"#,
        )
        .unwrap();
        let text = object_info_table(&answer);
        assert!(text.starts_with("A\t") && !text.contains("long") && !text.contains("no\\t"));
        let table = ClassTable::from_text(&text);
        let class = table.class("B").unwrap();
        assert_eq!(class.name, "B");
        assert!(class.input("seed").unwrap().has_widget());
        assert!(class.input("tooltip").is_some());
        assert!(table.class("C").is_none());
        let mut names: Vec<&str> = table.names().collect();
        names.sort_unstable();
        assert_eq!(names, ["A", "B"]);
    }
}
