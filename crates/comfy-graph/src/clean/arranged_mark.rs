//! The mark a file carries where nobody placed its nodes: `extra.git_comfy.arranged` names
//! every thing that was arranged, and where. So a copy of the file, or a picture made from
//! it, says as well that no person chose these places. Cleaning takes the mark out.
//!
//! Must not know clocks.

use rustc_hash::FxHashMap;

use super::placement::{Geometry, PlaceKey, visit_places};
use crate::json::{JsonKey, JsonObject, JsonText, JsonValue, Object, Value};

/// Beside the places: the file had no `extra` before the mark came.
const NEW_EXTRA_KEY: &str = "extra";

/// Writes the mark into a graph for the things of these names; without any, takes it out.
pub(super) fn write_mark(graph: &mut Object, names: &[PlaceKey]) {
    let mut places = Object::new();
    visit_places(graph, &mut |key, _, item| {
        if names.contains(&key)
            && let Some((x, y)) = Geometry::from_members(item).position
        {
            places.append(key, vec![x, y]);
        }
    });
    if places.is_empty() {
        return remove_mark(graph);
    }
    if !graph.contains_key("extra") {
        places.append(NEW_EXTRA_KEY, true);
    }
    let object = || Value::Object(Object::new());
    let extra = graph.get_or_insert_with("extra", object);
    let Value::Object(extra) = extra else { return };
    if let Value::Object(ours) = extra.get_or_insert_with("git_comfy", object) {
        ours.insert("arranged", places);
    }
}

fn remove_mark(graph: &mut Object) {
    let Some(Value::Object(extra)) = graph.get_mut("extra") else { return };
    if let Some(Value::Object(ours)) = extra.get_mut("git_comfy") {
        ours.remove("arranged");
        if ours.is_empty() {
            extra.remove("git_comfy");
        }
    }
}

/// Takes a mark out of what was taken out of a graph, where nothing is arranged any more.
pub(super) fn remove_spent_mark(aside: &mut Object) {
    let Some(mark) = mark_member(aside) else { return };
    let is_new = mark.get(NEW_EXTRA_KEY).is_some();
    remove_mark(aside);
    if is_new && aside.get("extra").and_then(Value::as_object).is_some_and(Object::is_empty) {
        aside.remove("extra");
    }
}

/// The mark in what was taken out of a graph.
pub(super) fn read_marks(aside: &Object) -> FxHashMap<PlaceKey, (f64, f64)> {
    let Some(Value::Object(places)) = mark_member(aside) else { return FxHashMap::default() };
    let corner = |(key, value): (&JsonKey, &Value)| {
        let number = |at| value.get_index(at).and_then(Value::as_f64);
        Some((key.clone(), (number(0)?, number(1)?)))
    };
    places.iter().filter_map(corner).collect()
}

/// Takes an `extra` out that came with the mark and holds nothing else.
pub(super) fn drop_new_extra<T: JsonText>(graph: &mut JsonObject<T>, aside: &JsonObject<T>) {
    let is_new = mark_member(aside).and_then(|places| places.get(NEW_EXTRA_KEY)).is_some();
    if is_new && graph.get("extra").and_then(JsonValue::as_object).is_some_and(JsonObject::is_empty)
    {
        graph.remove("extra");
    }
}

fn mark_member<T: JsonText>(aside: &JsonObject<T>) -> Option<&JsonValue<T>> {
    aside.get("extra")?.get("git_comfy")?.get("arranged")
}
