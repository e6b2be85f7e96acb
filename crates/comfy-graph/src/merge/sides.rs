//! One side of a conflict of other JSON, outside any graph, written back into a document:
//! for conflict markers around it.
//!
//! Must not know graphs.

use super::conflict::{Conflict, Place};
use super::three::Side;
use crate::json::{Path, Step, Value};

/// Writes one side of a conflict of other JSON, outside any graph, into its document.
pub fn write_side(document: &mut Value, conflict: &Conflict, side: Side) {
    for part in &conflict.parts {
        let Place::Graph(path) = &part.place else { continue };
        match part.sides.get(side) {
            Some(value) => set_at(document, path, value.clone()),
            None => remove_at(document, path),
        }
    }
}

/// What is at a path; in lists merged by id or name the step is that.
fn walk<'v>(document: &'v mut Value, way: &[Step]) -> Option<&'v mut Value> {
    way.iter().try_fold(document, |value, step| match value {
        Value::Object(object) => object.get_mut(&step_key(step)),
        Value::Array(list) => {
            let at = element_at(list, step)?;
            list.get_mut(at)
        }
        _ => None,
    })
}

fn set_at(document: &mut Value, path: &Path, value: Value) {
    let Some((last, way)) = path.0.split_last() else {
        *document = value;
        return;
    };
    match walk(document, way) {
        Some(Value::Object(object)) => {
            object.insert(step_key(last), value);
        }
        Some(Value::Array(list)) => match element_at(list, last) {
            Some(at) => list[at] = value,
            None => list.push(value),
        },
        _ => {}
    }
}

fn remove_at(document: &mut Value, path: &Path) {
    let Some((last, way)) = path.0.split_last() else { return };
    match walk(document, way) {
        Some(Value::Object(object)) => drop(object.remove(&step_key(last))),
        Some(Value::Array(list)) => {
            if let Some(at) = element_at(list, last) {
                list.remove(at);
            }
        }
        _ => {}
    }
}

fn step_key(step: &Step) -> compact_str::CompactString {
    match step {
        Step::Key(key) => key.clone(),
        Step::Index(at) => compact_str::format_compact!("{at}"),
    }
}

/// An element by its id or name, which is how merges of lists name their places.
fn element_at(list: &[Value], step: &Step) -> Option<usize> {
    let wanted = step_key(step);
    let is_it = |element: &Value| {
        ["id", "name"].into_iter().any(|key| match element.get(key) {
            Some(Value::String(text)) => *text == wanted,
            Some(Value::Number(number)) => *number.as_str() == *wanted,
            _ => false,
        })
    };
    list.iter().position(is_it)
}
