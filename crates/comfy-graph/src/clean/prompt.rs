//! The clean form of an API prompt: nodes in the order of their ids. A prompt has no
//! layout; only the order it was written in is kept aside.
//!
//! Must not know workflows.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::{JsonObject, JsonText, JsonValue};

const KEY_ORDER: &str = "#keys";

/// The order of prompt node ids: `12:7` lies inside `12`, and numbers compare as numbers.
fn prompt_id_order(id: &impl JsonText) -> Vec<(u64, String)> {
    let order = |part: &str| (part.parse().unwrap_or(u64::MAX), part.to_owned());
    id.decode().split(':').map(order).collect()
}

/// Sorts a prompt. Gives what [`restore_prompt`] needs.
pub(super) fn split_prompt<T: JsonText>(
    prompt: &mut JsonObject<T>,
    mut node: impl FnMut(&mut JsonObject<T>) -> JsonObject<T>,
) -> JsonObject<T> {
    let mut aside = JsonObject::new();
    if !prompt.keys().is_sorted_by_key(prompt_id_order) {
        let keys = prompt.keys().map(|key| JsonValue::String(key.clone())).collect();
        aside.append(T::from_static(KEY_ORDER), JsonValue::Array(keys));
        prompt.members_mut().sort_by_cached_key(|(key, _)| prompt_id_order(key));
    }
    let mut nodes = JsonObject::new();
    for (id, value) in prompt.iter_mut() {
        let JsonValue::Object(object) = value else { continue };
        let inner = node(object);
        if !inner.is_empty() {
            nodes.append(id.clone(), inner);
        }
    }
    if !nodes.is_empty() {
        aside.append(T::from_static("nodes"), nodes);
    }
    aside
}

/// Puts the old order back.
pub(super) fn restore_prompt<T: JsonText>(
    prompt: &mut JsonObject<T>,
    mut aside: JsonObject<T>,
    mut node: impl FnMut(&mut JsonObject<T>, JsonObject<T>),
) {
    if let Some(JsonValue::Object(nodes)) = aside.remove("nodes") {
        let nodes = nodes.into_iter().map(|(id, node)| (id.decode().into_owned(), node));
        let mut nodes: HashMap<String, JsonValue<T>> = nodes.collect();
        for (id, value) in prompt.iter_mut() {
            if let (JsonValue::Object(object), Some(JsonValue::Object(inner))) =
                (value, nodes.remove(&*id.decode()))
            {
                node(object, inner);
            }
        }
    }
    if let Some(JsonValue::Array(keys)) = aside.remove(KEY_ORDER) {
        let keys = keys.iter().enumerate();
        let places = keys.filter_map(|(at, key)| Some((key.as_text()?.decode(), at)));
        let places: HashMap<Cow<'_, str>, usize> = places.collect();
        let place = |id: &T| places.get(&id.decode()).copied().unwrap_or(usize::MAX);
        prompt.members_mut().sort_by_cached_key(|(id, _)| place(id));
    }
}
