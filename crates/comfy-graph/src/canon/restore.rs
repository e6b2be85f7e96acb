//! Puts layout back into an object: the twin of `split`.
//!
//! A layout that was split off exactly this content brings everything back; one from
//! another state of the file, or from a stranger, can change looks but never content.
//! Must not know files, styles or where layouts are kept.

use rustc_hash::FxHashMap;

use super::policy::{Class, Rule};
use super::split::{ITEMS, KEYS, ORDER, id_order, rank};
use crate::json::{Key, Object, Value};

/// How far the layout belongs to the content it is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It was split off exactly this content: everything goes back, orders too.
    Exact,
    /// It is from another state of the file: only what is layout, matched by identity.
    Related,
}

pub(super) fn restore(object: &mut Object, aside: Object, class: &Class, fit: Fit) {
    let mut keys = None;
    let mut added = false;
    for (key, value) in aside {
        if key == KEYS {
            keys = Some(value);
            continue;
        }
        let Some((_, rule)) = class.find(&key, 0) else { continue };
        added |= restore_member(object, key, value, rule, fit);
    }
    match (keys, fit) {
        (Some(Value::Array(keys)), Fit::Exact) if keeps_unknown(&keys, object, class) => {
            let places: FxHashMap<&str, usize> =
                keys.iter().enumerate().filter_map(|(at, k)| Some((k.as_str()?, at))).collect();
            object.sort_by_key(|key| places.get(key).copied().unwrap_or(usize::MAX));
        }
        _ if added => object.sort_by_key(|key| rank(class, key, 0)),
        _ => {}
    }
}

/// Whether an order of keys leaves the unknown ones, whose order is content, as they are.
/// Only a layout that was not made from this content can fail this.
fn keeps_unknown(keys: &[Value], object: &Object, class: &Class) -> bool {
    let unknown = |key: &&str| class.find(key, 0).is_none();
    let wanted = keys.iter().filter_map(Value::as_str).filter(unknown);
    wanted.eq(object.keys().map(Key::as_str).filter(unknown))
}

/// Puts one member back; whether it may now stand in the wrong place.
fn restore_member(object: &mut Object, key: Key, value: Value, rule: Rule, fit: Fit) -> bool {
    match rule {
        Rule::Content => false,
        Rule::Layout | Rule::Volatile => {
            if fit == Fit::Exact || is_sane(&key, &value) {
                object.insert(key, value);
                return true;
            }
            false
        }
        Rule::Box(_) | Rule::Point => {
            if let Some(place) = object.get_mut(&key)
                && (fit == Fit::Exact || is_sane(&key, &value))
            {
                *place = value;
            }
            false
        }
        Rule::Counter(_) => {
            if let (Some(place @ Value::Number(_)), Fit::Exact, Value::Number(_)) =
                (object.get_mut(&key), fit, &value)
            {
                *place = value;
            }
            false
        }
        Rule::SortedIds => {
            if let (Some(place), Fit::Exact) = (object.get_mut(&key), fit)
                && is_sorted_form_of(place, &value)
            {
                *place = value;
            }
            false
        }
        Rule::Object(class) => {
            if let (Some(Value::Object(inner)), Value::Object(aside)) =
                (object.get_mut(&key), value)
            {
                restore(inner, aside, class, fit);
            }
            false
        }
        Rule::Flags(class) | Rule::Marks(class) => {
            let Value::Object(aside) = value else { return false };
            let flags = object.get_or_insert_with(&key, || Value::Object(Object::new()));
            if let Value::Object(flags) = flags {
                restore(flags, aside, class, fit);
            }
            true
        }
        Rule::Sorted(class) | Rule::List(class) => {
            if let Some(Value::Array(elements)) = object.get_mut(&key) {
                restore_list(elements, value, class, fit);
            }
            false
        }
    }
}

/// Whether sorting a list of ids gives this list.
fn is_sorted_form_of(sorted: &Value, ids: &Value) -> bool {
    let (Value::Array(sorted), Value::Array(ids)) = (sorted, ids) else { return false };
    let mut ids = ids.clone();
    ids.iter().all(|id| id.as_i64().is_some()) && {
        ids.sort_by_key(Value::as_i64);
        ids == *sorted
    }
}

/// Whether ComfyUI can use a position, size or box that did not come from this very file.
fn is_sane(key: &str, value: &Value) -> bool {
    let numbers = |count: usize| match value {
        Value::Array(elements) => {
            elements.len() == count
                && elements.iter().all(|e| e.as_f64().is_some_and(f64::is_finite))
        }
        _ => false,
    };
    match key {
        "pos" | "size" => numbers(2) || matches!(value, Value::Object(o) if o.len() == 2),
        "bounding" => numbers(4),
        _ => true,
    }
}

fn restore_list(elements: &mut Vec<Value>, aside: Value, class: &Class, fit: Fit) {
    let (items, order) = match aside {
        Value::Array(items) => (items, None),
        Value::Object(mut both) => match (both.remove(ITEMS), both.remove(ORDER)) {
            (Some(Value::Array(items)), order) => (items, order),
            _ => return,
        },
        _ => return,
    };
    match fit {
        Fit::Exact => {
            for (element, item) in elements.iter_mut().zip(items) {
                if let (Value::Object(object), Value::Object(aside)) = (element, item) {
                    restore(object, aside, class, fit);
                }
            }
            if let Some(order) = order {
                put_in_order(elements, &order);
            }
        }
        Fit::Related if class.identity.is_empty() => {}
        Fit::Related => restore_by_identity(elements, items, class),
    }
}

/// Sends each element back to where `order` says it was; a list that is no permutation
/// of the elements, or turns round two with the same id, is ignored.
fn put_in_order(elements: &mut Vec<Value>, order: &Value) {
    let order: Option<Vec<usize>> = order
        .as_array()
        .unwrap_or_default()
        .iter()
        .map(|at| at.as_i64().and_then(|at| usize::try_from(at).ok()))
        .collect();
    let Some(order) = order.filter(|order| is_permutation(order, elements.len())) else { return };
    let mut places = vec![0; order.len()];
    for (old, &new) in order.iter().enumerate() {
        places[new] = old;
    }
    let turned = |at: usize| {
        places[at] > places[at + 1] && id_order(&elements[at]) == id_order(&elements[at + 1])
    };
    if (0..elements.len().saturating_sub(1)).any(turned) {
        return;
    }
    let mut sorted = std::mem::take(elements);
    elements.extend(order.into_iter().map(|at| std::mem::take(&mut sorted[at])));
}

fn is_permutation(order: &[usize], length: usize) -> bool {
    let mut seen = vec![false; length];
    order.len() == length
        && order.iter().all(|&at| at < length && !std::mem::replace(&mut seen[at], true))
}

fn restore_by_identity(elements: &mut [Value], items: Vec<Value>, class: &Class) {
    let mut known: FxHashMap<Key, Object> = FxHashMap::default();
    for item in items {
        if let Value::Object(item) = item {
            known.entry(identity(&item, class)).or_insert(item);
        }
    }
    for element in elements {
        let Value::Object(object) = element else { continue };
        if let Some(aside) = known.remove(&identity(object, class)) {
            restore(object, aside, class, Fit::Related);
        }
    }
}

/// The members that identify an element among its siblings, as one text.
fn identity(object: &Object, class: &Class) -> Key {
    let mut text = Key::default();
    for key in class.identity {
        match object.get(key) {
            Some(Value::String(part)) => text.push_str(part),
            Some(Value::Number(part)) => text.push_str(part.as_str()),
            _ => {}
        }
        text.push('\n');
    }
    text
}
