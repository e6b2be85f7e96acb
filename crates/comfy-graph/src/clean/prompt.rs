//! The clean form of an API prompt: nodes in the order of their ids. A prompt has no
//! layout; only the order it was written in is kept aside.
//!
//! Must not know workflows.

use crate::json::{JsonKey, Object, Value};

const KEY_ORDER: &str = "#keys";

/// The order of prompt node ids: `12:7` lies inside `12`, and numbers compare as numbers.
fn prompt_id_order(id: &str) -> Vec<(u64, JsonKey)> {
    id.split(':').map(|part| (part.parse().unwrap_or(u64::MAX), JsonKey::new(part))).collect()
}

/// Sorts a prompt. Gives what [`restore_prompt`] needs.
pub(super) fn split_prompt(
    prompt: &mut Object,
    mut node: impl FnMut(&mut Object) -> Object,
) -> Object {
    let mut aside = Object::new();
    if !prompt.is_sorted_by_key(prompt_id_order) {
        let keys: Vec<Value> = prompt.keys().map(|key| Value::String(key.clone())).collect();
        aside.append(KEY_ORDER, Value::Array(keys));
        prompt.sort_by_key(prompt_id_order);
    }
    let mut nodes = Object::new();
    for (id, value) in prompt.iter_mut() {
        let Value::Object(object) = value else { continue };
        let inner = node(object);
        if !inner.is_empty() {
            nodes.append(id.clone(), inner);
        }
    }
    if !nodes.is_empty() {
        aside.append("nodes", nodes);
    }
    aside
}

/// Puts the old order back.
pub(super) fn restore_prompt(
    prompt: &mut Object,
    mut aside: Object,
    mut node: impl FnMut(&mut Object, Object),
) {
    if let Some(Value::Object(nodes)) = aside.remove("nodes") {
        let mut nodes: indexmap::IndexMap<JsonKey, Value> = nodes.into_iter().collect();
        for (id, value) in prompt.iter_mut() {
            if let (Value::Object(object), Some(Value::Object(inner))) =
                (value, nodes.swap_remove(id))
            {
                node(object, inner);
            }
        }
    }
    if let Some(Value::Array(keys)) = aside.remove(KEY_ORDER) {
        let places: std::collections::HashMap<&str, usize> =
            keys.iter().enumerate().filter_map(|(at, key)| Some((key.as_str()?, at))).collect();
        prompt.sort_by_key(|id| places.get(id).copied().unwrap_or(usize::MAX));
    }
}
