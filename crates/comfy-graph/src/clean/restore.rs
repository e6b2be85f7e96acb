//! Puts layout back into an object: the twin of `split`.
//!
//! A layout that was split off exactly this content brings everything back; one from
//! another state of the file, or from a stranger, can change looks but never content.
//! Must not know files, styles or where layouts are kept.

use rustc_hash::FxHashMap;

use super::policy::{MemberRank, MemberRule, ObjectPolicy, UNKNOWN_RANK};
use super::split::{ITEMS_MEMBER, KEYS_MEMBER, ORDER_MEMBER, element_id_order, sort_members};
use crate::json::{JsonKey, Object, Value};

/// How far the layout belongs to the content it is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayoutFit {
    /// It was split off exactly this content: everything goes back, orders too.
    Exact,
    /// It is from another state of the file: only what is layout, matched by identity.
    Related,
}

pub(super) fn restore_object(
    object: &mut Object,
    aside: Object,
    class: &ObjectPolicy,
    fit: LayoutFit,
) {
    let mut keys = None;
    let mut next = 0;
    // The ranks of the members, once one has to be put between them.
    let mut ranks: Option<Vec<MemberRank>> = None;
    let (mut is_sorted, mut has_flags) = (true, false);
    for (key, value) in aside {
        if key == KEYS_MEMBER {
            keys = Some(value);
            continue;
        }
        let Some((at, rule)) = class.find_rule(&key, next) else { continue };
        next = at + 1;
        has_flags |= matches!(rule, MemberRule::Flags(_) | MemberRule::Marks(_));
        let Some((key, value)) = restore_member(object, key, value, rule, fit) else { continue };
        let ranks = ranks.get_or_insert_with(|| {
            let mut ranks = Vec::with_capacity(object.len() + 8);
            is_sorted = class.rank_members(object.keys().map(JsonKey::as_str), &mut ranks);
            ranks
        });
        if is_sorted {
            insert_by_rank(object, ranks, at, (key, value));
        } else {
            object.insert(key, value);
        }
    }
    if !is_sorted || (has_flags && ranks.is_none()) {
        sort_members(object, class);
    }
    if let (Some(Value::Array(keys)), LayoutFit::Exact) = (keys, fit)
        && keeps_unknown_order(&keys, object, class)
    {
        let places: FxHashMap<&str, usize> =
            keys.iter().enumerate().filter_map(|(at, k)| Some((k.as_str()?, at))).collect();
        object.sort_by_key(|key| places.get(key).copied().unwrap_or(usize::MAX));
    }
}

/// Puts a member between members that are in the order of their table.
fn insert_by_rank(
    object: &mut Object,
    ranks: &mut Vec<MemberRank>,
    at: usize,
    (key, value): (JsonKey, Value),
) {
    let rank = MemberRank::try_from(at).unwrap_or(UNKNOWN_RANK);
    let place = ranks.partition_point(|before| *before < rank);
    if ranks.get(place) == Some(&rank) {
        object.insert(key, value);
    } else {
        ranks.insert(place, rank);
        object.members_mut().insert(place, (key, value));
    }
}

/// Whether an order of keys leaves the unknown ones, whose order is content, as they are.
/// Only a layout that was not made from this content can fail this.
fn keeps_unknown_order(keys: &[Value], object: &Object, class: &ObjectPolicy) -> bool {
    let unknown = |key: &&str| class.find_rule(key, 0).is_none();
    let wanted = keys.iter().filter_map(Value::as_str).filter(unknown);
    wanted.eq(object.keys().map(JsonKey::as_str).filter(unknown))
}

/// Puts one member back where it is still there; gives one that has to come in anew.
fn restore_member(
    object: &mut Object,
    key: JsonKey,
    value: Value,
    rule: MemberRule,
    fit: LayoutFit,
) -> Option<(JsonKey, Value)> {
    match rule {
        MemberRule::Content => {}
        MemberRule::Layout | MemberRule::Volatile => {
            if fit == LayoutFit::Exact || is_usable_geometry(&key, &value) {
                return Some((key, value));
            }
        }
        MemberRule::Box(_) | MemberRule::Point => {
            if let Some(place) = object.get_mut(&key)
                && (fit == LayoutFit::Exact || is_usable_geometry(&key, &value))
            {
                *place = value;
            }
        }
        MemberRule::Counter(_) => {
            if let (Some(place @ Value::Number(_)), LayoutFit::Exact, Value::Number(_)) =
                (object.get_mut(&key), fit, &value)
            {
                *place = value;
            }
        }
        MemberRule::SortedIds => {
            if let (Some(place), LayoutFit::Exact) = (object.get_mut(&key), fit)
                && is_sorted_form_of(place, &value)
            {
                *place = value;
            }
        }
        MemberRule::Object(class) => {
            if let (Some(Value::Object(inner)), Value::Object(aside)) =
                (object.get_mut(&key), value)
            {
                restore_object(inner, aside, class, fit);
            }
        }
        MemberRule::Flags(class) | MemberRule::Marks(class) => {
            let Value::Object(aside) = value else { return None };
            match object.get_mut(&key) {
                Some(Value::Object(flags)) => restore_object(flags, aside, class, fit),
                Some(_) => {}
                None => {
                    let mut flags = Object::new();
                    restore_object(&mut flags, aside, class, fit);
                    return Some((key, Value::Object(flags)));
                }
            }
        }
        MemberRule::Sorted(class) | MemberRule::List(class) => {
            if let Some(Value::Array(elements)) = object.get_mut(&key) {
                restore_list(elements, value, class, fit);
            }
        }
    }
    None
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
fn is_usable_geometry(key: &str, value: &Value) -> bool {
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

fn restore_list(elements: &mut Vec<Value>, aside: Value, class: &ObjectPolicy, fit: LayoutFit) {
    let (items, order) = match aside {
        Value::Array(items) => (items, None),
        Value::Object(mut both) => match (both.remove(ITEMS_MEMBER), both.remove(ORDER_MEMBER)) {
            (Some(Value::Array(items)), order) => (items, order),
            _ => return,
        },
        _ => return,
    };
    match fit {
        LayoutFit::Exact => {
            for (element, item) in elements.iter_mut().zip(items) {
                if let (Value::Object(object), Value::Object(aside)) = (element, item) {
                    restore_object(object, aside, class, fit);
                }
            }
            if let Some(order) = order {
                restore_order(elements, &order);
            }
        }
        LayoutFit::Related if class.identity.is_empty() => {}
        LayoutFit::Related => restore_by_identity(elements, items, class),
    }
}

/// Sends each element back to where `order` says it was; a list that is no permutation
/// of the elements, or turns round two with the same id, is ignored.
fn restore_order(elements: &mut Vec<Value>, order: &Value) {
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
        places[at] > places[at + 1]
            && element_id_order(&elements[at]) == element_id_order(&elements[at + 1])
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

fn restore_by_identity(elements: &mut [Value], items: Vec<Value>, class: &ObjectPolicy) {
    let mut known: FxHashMap<JsonKey, Object> = FxHashMap::default();
    for item in items {
        if let Value::Object(item) = item {
            known.entry(element_identity(&item, class)).or_insert(item);
        }
    }
    for element in elements {
        let Value::Object(object) = element else { continue };
        if let Some(aside) = known.remove(&element_identity(object, class)) {
            restore_object(object, aside, class, LayoutFit::Related);
        }
    }
}

/// The members that identify an element among its siblings, as one text.
fn element_identity(object: &Object, class: &ObjectPolicy) -> JsonKey {
    let mut text = JsonKey::default();
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
