//! One side of a conflict written back into the document, wherever it is: for conflict markers
//! around it.
//!
//! Must not know how conflicts are kept in files.

use super::conflict::{Conflict, MergePlace};
use super::resolve;
use super::three_way::MergeSide;
use crate::graph::{WidgetNaming, is_prompt, is_workflow};
use crate::json::{JsonPath, JsonStep, Value};

/// Writes one side of a conflict into its document.
pub fn write_side(
    document: &mut Value,
    conflict: &Conflict,
    side: MergeSide,
    naming: &dyn WidgetNaming,
) {
    let is_about_all = |place: &MergePlace| *place == MergePlace::Document;
    if let Some(part) = conflict.parts.iter().find(|part| is_about_all(&part.place)) {
        match part.sides.get(side) {
            Some(value) => set_at(document, &conflict.at, value.clone()),
            None => remove_at(document, &conflict.at),
        }
        return;
    }
    if let Some(Value::Object(graph)) = value_at(document, &conflict.at.0)
        && (is_workflow(graph) || is_prompt(graph))
    {
        resolve::write_side_in_graph(graph, conflict, side, naming);
        return;
    }
    for part in &conflict.parts {
        let MergePlace::Graph(path) = &part.place else { continue };
        match part.sides.get(side) {
            Some(value) => set_at(document, path, value.clone()),
            None => remove_at(document, path),
        }
    }
}

/// What is at a path; in lists merged by id or name the step is that.
fn value_at<'v>(document: &'v mut Value, way: &[JsonStep]) -> Option<&'v mut Value> {
    way.iter().try_fold(document, |value, step| match value {
        Value::Object(object) => object.get_mut(&step.to_key()),
        Value::Array(list) => {
            let at = element_index(list, step)?;
            list.get_mut(at)
        }
        _ => None,
    })
}

fn set_at(document: &mut Value, path: &JsonPath, value: Value) {
    let Some((last, way)) = path.0.split_last() else {
        *document = value;
        return;
    };
    match value_at(document, way) {
        Some(Value::Object(object)) => {
            object.insert(last.to_key(), value);
        }
        Some(Value::Array(list)) => match element_index(list, last) {
            Some(at) => list[at] = value,
            None => list.push(value),
        },
        _ => {}
    }
}

fn remove_at(document: &mut Value, path: &JsonPath) {
    let Some((last, way)) = path.0.split_last() else { return };
    match value_at(document, way) {
        Some(Value::Object(object)) => drop(object.remove(&last.to_key())),
        Some(Value::Array(list)) => {
            if let Some(at) = element_index(list, last) {
                list.remove(at);
            }
        }
        _ => {}
    }
}

/// An element by its id or name, which is how merges of lists name their places.
fn element_index(list: &[Value], step: &JsonStep) -> Option<usize> {
    let wanted = step.to_key();
    let is_it = |element: &Value| {
        ["id", "name"].into_iter().any(|key| match element.get(key) {
            Some(Value::String(text)) => *text == wanted,
            Some(Value::Number(number)) => *number.as_str() == *wanted,
            _ => false,
        })
    };
    list.iter().position(is_it)
}
