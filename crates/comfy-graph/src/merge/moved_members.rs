//! Members of other JSON that one side moved elsewhere while the other changed what is in them:
//! the change goes along.
//!
//! Must not know graphs.

use super::conflict::{Conflict, MergePlace};
use super::decision::{MergeDecision, MergeVerdict};
use super::three_way::{MergeSide, ThreeWay};
use crate::graph::GraphScope;
use crate::json::{JsonPath, JsonStep, Value};

/// Deeper than this nobody looks for what was moved.
const MAX_DEPTH: usize = 64;

/// Settles a conflict about a member that one side took away, if the member is in one new place
/// of that side as it was, under its old key.
pub(super) fn follow_move(
    document: &mut Value,
    sides: ThreeWay<Option<&Value>>,
    conflict: &Conflict,
) -> Option<MergeDecision> {
    let [part] = conflict.parts.as_slice() else { return None };
    let MergePlace::Graph(path) = &part.place else { return None };
    let JsonStep::Key(key) = path.0.last()? else { return None };
    let before = part.sides.base.as_ref()?;
    let (mover, changed) = match (&part.sides.ours, &part.sides.theirs) {
        (None, Some(changed)) => (MergeSide::Ours, changed),
        (Some(changed), None) => (MergeSide::Theirs, changed),
        _ => return None,
    };
    let is_structure = matches!(before, Value::Object(_) | Value::Array(_));
    let mut found = Vec::new();
    find_member(*sides.get(mover).as_ref()?, key, before, &mut Vec::new(), &mut found);
    found.retain(|at| at.get(sides.base.unwrap_or(&Value::Null)).is_none());
    let [place] = found.as_slice() else { return None };
    // A plain value may be in two places by chance.
    if !is_structure || place.get(document) != Some(before) {
        return None;
    }
    *place.get_mut(document)? = changed.clone();
    if mover == MergeSide::Theirs {
        let (last, way) = path.0.split_last()?;
        JsonPath(way.to_vec()).get_mut(document)?.as_object_mut()?.remove(&last.to_key());
    }
    Some(MergeDecision {
        at: JsonPath::root(),
        scope: GraphScope::Root,
        node: None,
        place: MergePlace::Graph(place.clone()),
        verdict: MergeVerdict::FollowedMove(mover),
    })
}

/// All places where a member has a key and a value.
fn find_member(
    value: &Value,
    key: &str,
    wanted: &Value,
    way: &mut Vec<JsonStep>,
    found: &mut Vec<JsonPath>,
) {
    if way.len() > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(object) => {
            for (own, member) in object.iter() {
                way.push(JsonStep::Key(own.clone()));
                if own == key && member.is_equivalent(wanted) {
                    found.push(JsonPath(way.clone()));
                }
                find_member(member, key, wanted, way, found);
                way.pop();
            }
        }
        Value::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                way.push(JsonStep::Index(at));
                find_member(element, key, wanted, way, found);
                way.pop();
            }
        }
        _ => {}
    }
}
