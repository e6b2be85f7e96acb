//! The lists of inputs and outputs of a node, and the boundary of a subgraph: merged by
//! name. Which link is in a slot is left alone here; `wires` writes that at the end.

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::conflict::{Conflict, ConflictKind, NodeName, Place};
use super::json::{in_order_of_both, verdict};
use super::ledger::Ledger;
use super::three::{Outcome, Side, Three};
use crate::graph::{Scope, SlotName};
use crate::json::{Object, Value};

/// What a slot says of links: written again from the links table.
const LINKS: [&str; 3] = ["link", "links", "linkIds"];

/// Names of the slots in a list, namesakes counted.
pub(super) fn names(list: Option<&Value>) -> Vec<SlotName> {
    let elements = list.and_then(Value::as_array).unwrap_or_default();
    let mut seen: FxHashMap<&str, usize> = FxHashMap::default();
    let name = |slot: &'_ Value| -> CompactString {
        CompactString::new(slot.get("name").and_then(Value::as_str).unwrap_or_default())
    };
    elements
        .iter()
        .map(|slot| {
            let text = slot.get("name").and_then(Value::as_str).unwrap_or_default();
            let nth = seen.entry(text).and_modify(|nth| *nth += 1).or_default();
            SlotName { name: name(slot), nth: *nth }
        })
        .collect()
}

/// The slot of a name in a list.
pub(super) fn find<'a>(list: Option<&'a Value>, name: &SlotName) -> Option<(usize, &'a Value)> {
    let elements = list.and_then(Value::as_array).unwrap_or_default();
    let same = |slot: &&(usize, &Value)| {
        slot.1.get("name").and_then(Value::as_str).unwrap_or_default() == name.name
    };
    elements.iter().enumerate().filter(|slot| same(&slot)).nth(name.nth)
}

/// Whether two lists differ in nothing but links.
fn same_but_links(a: Option<&Value>, b: Option<&Value>) -> bool {
    let plain = |slot: &Value| match slot {
        Value::Object(slot) => {
            let members = slot.iter().filter(|(key, _)| !LINKS.contains(&key.as_str()));
            Some(members.map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>())
        }
        _ => None,
    };
    let (a, b) = match (a, b) {
        (Some(Value::Array(a)), Some(Value::Array(b))) => (a, b),
        (a, b) => return a == b,
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| a == b || (plain(a).is_some() && plain(a) == plain(b)))
}

/// Merges a list of slots. The result keeps what ours says of links.
pub(super) fn merge(
    sides: Three<Option<&Value>>,
    scope: &Scope,
    node: Option<&NodeName>,
    ledger: &mut Ledger<'_>,
) -> Option<Value> {
    if same_but_links(sides.base, sides.theirs) || same_but_links(sides.ours, sides.theirs) {
        return sides.ours.cloned();
    }
    if same_but_links(sides.base, sides.ours) {
        return sides.theirs.cloned();
    }
    let names = sides.map(names);
    let order = match names.settle() {
        Outcome::Theirs => names.theirs.clone(),
        Outcome::Apart => in_order_of_both(names.ours.clone(), &names.theirs),
        _ => names.ours.clone(),
    };
    let merged = order.iter().filter_map(|name| {
        let slots = sides.map(|list| find(list, name).map(|(_, slot)| slot));
        let there = slots.map(|slot| slot.is_some()).settle();
        if slots.get(there.winner()).is_none() {
            return None;
        }
        match (slots.ours, slots.theirs) {
            (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                let base = slots.base.and_then(Value::as_object);
                let slots = Three::new(base, Some(ours), Some(theirs));
                Some(Value::Object(slot(slots, name, scope, node, ledger)))
            }
            (ours, theirs) => ours.or(theirs).cloned(),
        }
    });
    Some(Value::Array(merged.collect()))
}

fn slot(
    sides: Three<Option<&Object>>,
    name: &SlotName,
    scope: &Scope,
    node: Option<&NodeName>,
    ledger: &mut Ledger<'_>,
) -> Object {
    let mut merged = sides.ours.cloned().unwrap_or_default();
    let theirs = sides.theirs.into_iter().flat_map(Object::keys);
    let keys: Vec<_> = merged.keys().chain(theirs).cloned().collect();
    for key in keys.iter().filter(|key| !LINKS.contains(&key.as_str())) {
        let values = sides.map(|slot| slot.and_then(|slot| slot.get(key)));
        let outcome = values.settle_values();
        if outcome == Outcome::Theirs {
            match values.theirs {
                Some(value) => merged.insert(key.clone(), value.clone()),
                None => merged.remove(key),
            };
        }
        // Types and shapes follow from wires and classes; only a label is a person's.
        if key != "label" {
            continue;
        }
        let place = Place::InputKey(name.clone(), key.clone());
        match (outcome, node) {
            (Outcome::Apart, Some(node)) => {
                ledger.apart(scope, node.clone(), place, values.cloned());
            }
            (Outcome::Apart, None) => {
                let kind = ConflictKind::BothChanged;
                ledger.open(Conflict::in_graph(scope, kind, place, values.cloned()));
            }
            _ => {
                if let Some(verdict) = verdict(outcome, values) {
                    ledger.decide(scope, node.cloned(), place, verdict);
                }
            }
        }
    }
    merged
}

/// Appends a slot that a wire of the result needs, as a side has it, without its links.
pub(super) fn lend(list: &mut Value, slot: &Value) -> Option<usize> {
    let list = list.as_array_mut()?;
    let mut slot = slot.clone();
    if let Some(slot) = slot.as_object_mut() {
        for key in LINKS {
            if let Some(value) = slot.get_mut(key) {
                *value = if key == "linkIds" { Value::Array(Vec::new()) } else { Value::Null };
            }
        }
    }
    list.push(slot);
    Some(list.len() - 1)
}

/// For each slot of a side's list its index in the list of the result: by name; a slot
/// that was renamed in place by its index.
pub(super) fn mapping(side: &[SlotName], result: &[SlotName]) -> Vec<Option<usize>> {
    if side == result {
        return (0..side.len()).map(Some).collect();
    }
    let index: FxHashMap<&SlotName, usize> =
        result.iter().enumerate().map(|(at, name)| (name, at)).collect();
    let known: rustc_hash::FxHashSet<&SlotName> = side.iter().collect();
    side.iter()
        .enumerate()
        .map(|(at, name)| {
            let renamed = || result.get(at).filter(|new| !known.contains(*new)).map(|_| at);
            index.get(name).copied().or_else(renamed)
        })
        .collect()
}

/// A copy of the slot of a name: from the side `first`, else the other, else the base.
pub(super) fn copy_of(lists: Three<Option<&Value>>, name: &SlotName, first: Side) -> Option<Value> {
    let of = |side: Side| find(*lists.get(side), name).map(|(_, slot)| slot.clone());
    of(first).or_else(|| of(first.other())).or_else(|| of(Side::Base))
}
