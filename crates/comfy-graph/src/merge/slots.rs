//! The lists of inputs and outputs of a node, and the boundary of a subgraph: merged by
//! name. Which link is in a slot is left alone here; `wires` writes that at the end.

use rustc_hash::FxHashMap;

use super::conflict::{Conflict, ConflictKind, MergePlace, NodeName};
use super::json_merge::{combined_order, outcome_verdict};
use super::merge_log::MergeLog;
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use crate::graph::{self, GraphScope, SlotName, find_slot};
use crate::json::{Object, Value};

/// What a slot says of links: written again from the links table.
const LINK_MEMBERS: [&str; 3] = ["link", "links", "linkIds"];

/// The names of a list that may be missing.
pub(super) fn slot_names(list: Option<&Value>) -> Vec<SlotName> {
    graph::slot_names(list.and_then(Value::as_array).unwrap_or_default())
}

/// Whether two lists differ in nothing but links.
fn same_but_links(a: Option<&Value>, b: Option<&Value>) -> bool {
    let plain = |slot: &Value| match slot {
        Value::Object(slot) => {
            let members = slot.iter().filter(|(key, _)| !LINK_MEMBERS.contains(&key.as_str()));
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
pub(super) fn merge_slots(
    sides: ThreeWay<Option<&Value>>,
    scope: &GraphScope,
    node: Option<&NodeName>,
    log: &mut MergeLog<'_>,
) -> Option<Value> {
    if same_but_links(sides.base, sides.theirs) || same_but_links(sides.ours, sides.theirs) {
        return sides.ours.cloned();
    }
    if same_but_links(sides.base, sides.ours) {
        return sides.theirs.cloned();
    }
    let names = sides.map(slot_names);
    let order = match names.settle() {
        ThreeWayOutcome::Theirs => names.theirs.clone(),
        ThreeWayOutcome::Conflicting => combined_order(names.ours.clone(), &names.theirs),
        _ => names.ours.clone(),
    };
    let merged = order.iter().filter_map(|name| {
        let slots = sides.map(|list| find_slot(list, name).map(|(_, slot)| slot));
        let there = slots.map(|slot| slot.is_some()).settle();
        if slots.get(there.winning_side()).is_none() {
            return None;
        }
        match (slots.ours, slots.theirs) {
            (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                let base = slots.base.and_then(Value::as_object);
                let slots = ThreeWay::new(base, Some(ours), Some(theirs));
                Some(Value::Object(merge_slot(slots, name, scope, node, log)))
            }
            (ours, theirs) => ours.or(theirs).cloned(),
        }
    });
    Some(Value::Array(merged.collect()))
}

fn merge_slot(
    sides: ThreeWay<Option<&Object>>,
    name: &SlotName,
    scope: &GraphScope,
    node: Option<&NodeName>,
    log: &mut MergeLog<'_>,
) -> Object {
    let mut merged = sides.ours.cloned().unwrap_or_default();
    let theirs = sides.theirs.into_iter().flat_map(Object::keys);
    let keys: Vec<_> = merged.keys().chain(theirs).cloned().collect();
    for key in keys.iter().filter(|key| !LINK_MEMBERS.contains(&key.as_str())) {
        let values = sides.map(|slot| slot.and_then(|slot| slot.get(key)));
        let outcome = values.settle_values();
        if outcome == ThreeWayOutcome::Theirs {
            match values.theirs {
                Some(value) => merged.insert(key.clone(), value.clone()),
                None => merged.remove(key),
            };
        }
        // Types and shapes follow from wires and classes; only a label is a person's.
        if key != "label" {
            continue;
        }
        let place = MergePlace::InputKey(name.clone(), key.clone());
        match (outcome, node) {
            (ThreeWayOutcome::Conflicting, Some(node)) => {
                log.log_both_changed(scope, node.clone(), place, values.cloned());
            }
            (ThreeWayOutcome::Conflicting, None) => {
                let kind = ConflictKind::BothChanged;
                log.log_conflict(Conflict::in_graph(scope, kind, place, values.cloned()));
            }
            _ => {
                if let Some(verdict) = outcome_verdict(outcome, values) {
                    log.log_decision(scope, node.cloned(), place, verdict);
                }
            }
        }
    }
    merged
}

/// Appends a slot that a wire of the result needs, as a side has it, without its links.
pub(super) fn append_slot(list: &mut Value, slot: &Value) -> Option<usize> {
    let list = list.as_array_mut()?;
    let mut slot = slot.clone();
    if let Some(slot) = slot.as_object_mut() {
        for key in LINK_MEMBERS {
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
pub(super) fn map_slots(side: &[SlotName], result: &[SlotName]) -> Vec<Option<usize>> {
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
pub(super) fn copy_slot(
    lists: ThreeWay<Option<&Value>>,
    name: &SlotName,
    first: MergeSide,
) -> Option<Value> {
    let of = |side: MergeSide| find_slot(*lists.get(side), name).map(|(_, slot)| slot.clone());
    of(first).or_else(|| of(first.other())).or_else(|| of(MergeSide::Base))
}
