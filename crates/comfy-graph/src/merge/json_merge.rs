//! Other JSON, merged key by key; also whatever lies in a graph under keys that nobody
//! typed.
//!
//! Objects are merged member by member. Lists of things with unique ids or names are
//! merged thing by thing, lists of plain numbers that keep their length are one value (a colour, a size), and
//! other lists are merged by elements where the changes do not meet. Must not know graphs
//! beyond asking the report whether something is one.

use rustc_hash::FxHashMap;

use super::decision::MergeVerdict;
use super::sequence::{self, SequenceKind};
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use crate::json::{JsonKey, JsonPath, JsonStep, JsonStyle, Object, Value, print};

/// Decides what a merge of JSON leaves open, and is informed of what it decided itself.
pub(super) trait JsonMergeHandler {
    /// Both sides changed what is at a place, not to the same. Gives the side to keep.
    fn conflicting(&mut self, at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> MergeSide;

    fn decided(&mut self, at: &JsonPath, verdict: MergeVerdict);

    /// Merges what is at a place in a way of its own; nothing if it has none.
    fn merge_specially(
        &mut self,
        _at: &JsonPath,
        _sides: ThreeWay<Option<&Value>>,
    ) -> Option<Value> {
        None
    }
}

/// Merges what is at a place; nothing is what is not there.
pub(super) fn merge_values(
    sides: ThreeWay<Option<&Value>>,
    at: &mut JsonPath,
    report: &mut dyn JsonMergeHandler,
) -> Option<Value> {
    let outcome = sides.settle_values();
    if let ThreeWayOutcome::Conflicting = outcome {
        return merge_changed(sides, at, report);
    }
    if let Some(verdict) = outcome_verdict(outcome, sides) {
        report.decided(at, verdict);
    }
    sides.get(outcome.winning_side()).cloned()
}

/// The verdict for an outcome that is no conflict.
pub(super) fn outcome_verdict<T>(
    outcome: ThreeWayOutcome,
    sides: ThreeWay<Option<T>>,
) -> Option<MergeVerdict> {
    let side = outcome.winning_side();
    let there = sides.get(side).is_some();
    let before = sides.base.is_some();
    Some(match (outcome, before, there) {
        (ThreeWayOutcome::Unchanged | ThreeWayOutcome::Conflicting, _, _) => return None,
        (ThreeWayOutcome::SameChange, true, true) => MergeVerdict::SameChange,
        (ThreeWayOutcome::SameChange, false, _) => MergeVerdict::AddedByBoth,
        (ThreeWayOutcome::SameChange, true, false) => MergeVerdict::RemovedByBoth,
        (_, true, true) => MergeVerdict::OnlyChange(side),
        (_, false, _) => MergeVerdict::Added(side),
        (_, true, false) => MergeVerdict::Removed(side),
    })
}

fn merge_changed(
    sides: ThreeWay<Option<&Value>>,
    at: &mut JsonPath,
    report: &mut dyn JsonMergeHandler,
) -> Option<Value> {
    if let Some(merged) = report.merge_specially(at, sides) {
        return Some(merged);
    }
    let empty = Object::new();
    let merged = match (sides.base, sides.ours, sides.theirs) {
        (base, Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let base = base.and_then(Value::as_object).unwrap_or(&empty);
            Some(Value::Object(merge_members(ThreeWay::new(base, ours, theirs), at, report)))
        }
        (base, Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            let base = base.and_then(Value::as_array).unwrap_or_default();
            merge_elements(ThreeWay::new(base, ours, theirs), at, report).map(Value::Array)
        }
        _ => None,
    };
    merged.or_else(|| {
        let kept = report.conflicting(at, sides);
        sides.get(kept).cloned()
    })
}

/// Merges objects member by member: in the order of ours, what is new in theirs behind.
pub(super) fn merge_members(
    sides: ThreeWay<&Object>,
    at: &mut JsonPath,
    report: &mut dyn JsonMergeHandler,
) -> Object {
    let index = sides.map(|object| {
        object.iter().map(|(key, value)| (key.as_str(), value)).collect::<FxHashMap<_, _>>()
    });
    let mut merged = Object::new();
    let mut settle = |key: &JsonKey, merged: &mut Object| {
        let member = index.as_ref().map(|index| index.get(key.as_str()).copied());
        at.0.push(JsonStep::Key(key.clone()));
        let value = self::merge_values(member, at, report);
        at.0.pop();
        if let Some(value) = value {
            merged.append(key.clone(), value);
        }
    };
    for key in sides.ours.keys() {
        settle(key, &mut merged);
    }
    for key in sides.theirs.keys().filter(|key| !index.ours.contains_key(key.as_str())) {
        settle(key, &mut merged);
    }
    // What is only in the base was removed by both.
    merged
}

fn merge_elements(
    sides: ThreeWay<&[Value]>,
    at: &mut JsonPath,
    report: &mut dyn JsonMergeHandler,
) -> Option<Vec<Value>> {
    let all = || sides.base.iter().chain(sides.ours).chain(sides.theirs);
    let is_set = at.0.last().is_some_and(|step| SET_MEMBERS.contains(&step.to_key().as_str()))
        && [sides.base, sides.ours, sides.theirs].into_iter().all(is_scalar_set);
    if is_set {
        report.decided(at, MergeVerdict::MergedElements);
        return Some(merge_sets(&sides.map(<[Value]>::to_vec), sequence::meaning_text));
    }
    let plain = |value: &Value| matches!(value, Value::Number(_) | Value::Bool(_) | Value::Null);
    let is_one_length =
        sides.ours.len() == sides.base.len() && sides.theirs.len() == sides.base.len();
    if is_one_length && all().all(plain) {
        return None;
    }
    if let Some(key) = ["id", "name"]
        .into_iter()
        .find(|key| [sides.base, sides.ours, sides.theirs].iter().all(|list| is_keyed(list, key)))
    {
        return Some(merge_keyed(sides, key, at, report));
    }
    let texts = sides.map(|list| list.iter().map(sequence::meaning_text).collect::<Vec<String>>());
    let merged = sequence::merge_sequences(
        &texts.base,
        &texts.ours,
        &texts.theirs,
        SequenceKind::List,
        |b| !b.is_empty(),
    )?;
    let known: FxHashMap<&str, &Value> =
        [(&texts.base, sides.base), (&texts.theirs, sides.theirs), (&texts.ours, sides.ours)]
            .into_iter()
            .flat_map(|(texts, values)| texts.iter().map(String::as_str).zip(values))
            .collect();
    report.decided(at, MergeVerdict::MergedElements);
    Some(merged.iter().filter_map(|text| known.get(text.as_str()).copied().cloned()).collect())
}

fn value_text(value: &Value) -> String {
    print(value, &JsonStyle::SAVE)
}

/// Members whose lists are sets: what both added is all there, in no order that means much.
const SET_MEMBERS: [&str; 7] =
    ["tags", "keywords", "categories", "members", "models", "custom_nodes", "node_ids"];

/// Whether a list holds texts and numbers, none twice.
fn is_scalar_set(list: &[Value]) -> bool {
    let mut seen = rustc_hash::FxHashSet::default();
    let is_scalar = |value: &Value| matches!(value, Value::String(_) | Value::Number(_));
    list.iter().all(|value| is_scalar(value) && seen.insert(sequence::meaning_text(value)))
}

/// What either side has and neither has taken away. Of two with one key ours is taken,
/// unless only theirs changed it.
pub(super) fn merge_sets(sides: &ThreeWay<Vec<Value>>, key: fn(&Value) -> String) -> Vec<Value> {
    let keys = sides.as_ref().map(|list| list.iter().map(key).collect::<Vec<_>>());
    let find = |list: &[Value], keys: &[String], key: &str| {
        keys.iter().position(|known| known == key).map(|at| list[at].clone())
    };
    let order = combined_order(keys.ours.clone(), &keys.theirs);
    let settled = order.into_iter().filter_map(|key| {
        let three = ThreeWay::new(
            find(&sides.base, &keys.base, &key),
            find(&sides.ours, &keys.ours, &key),
            find(&sides.theirs, &keys.theirs, &key),
        );
        let outcome = three.as_ref().map(Option::as_ref).settle_values();
        three.get(outcome.winning_side()).clone()
    });
    settled.collect()
}

/// Whether every element is an object with a text or number of its own under a key.
fn is_keyed(list: &[Value], key: &str) -> bool {
    let mut seen = rustc_hash::FxHashSet::default();
    list.iter().all(|element| match element.get(key) {
        Some(id @ (Value::String(_) | Value::Number(_))) => seen.insert(value_text(id)),
        _ => false,
    })
}

/// Merges a list of things by their ids: in the order of ours, what is new in theirs
/// behind what it follows there.
fn merge_keyed(
    sides: ThreeWay<&[Value]>,
    key: &str,
    at: &mut JsonPath,
    report: &mut dyn JsonMergeHandler,
) -> Vec<Value> {
    let id = |element: &Value| element.get(key).map(value_text).unwrap_or_default();
    let index = sides
        .map(|list| list.iter().map(|element| (id(element), element)).collect::<FxHashMap<_, _>>());
    let order = combined_order(
        sides.ours.iter().map(&id).collect(),
        &sides.theirs.iter().map(&id).collect::<Vec<_>>(),
    );
    let mut merged = Vec::with_capacity(order.len());
    for id in order {
        let element = index.as_ref().map(|index| index.get(&id).copied());
        // A removed element leaves no index behind, so the place is named by the id.
        at.0.push(JsonStep::from(id.trim_matches('"')));
        merged.extend(self::merge_values(element, at, report));
        at.0.pop();
    }
    merged
}

/// The elements of ours, and those only theirs has, each behind the one it follows there.
pub(super) fn combined_order<T: Clone + Eq + std::hash::Hash>(
    ours: Vec<T>,
    theirs: &[T],
) -> Vec<T> {
    let known: rustc_hash::FxHashSet<T> = ours.iter().cloned().collect();
    let mut behind: FxHashMap<Option<T>, Vec<T>> = FxHashMap::default();
    let mut last = None;
    for element in theirs {
        if known.contains(element) {
            last = Some(element.clone());
        } else {
            behind.entry(last.clone()).or_default().push(element.clone());
        }
    }
    if behind.is_empty() {
        return ours;
    }
    let mut order = behind.remove(&None).unwrap_or_default();
    for element in ours {
        let followers = behind.remove(&Some(element.clone()));
        order.push(element);
        order.extend(followers.into_iter().flatten());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    #[derive(Default)]
    struct Places(Vec<String>);

    impl JsonMergeHandler for Places {
        fn conflicting(&mut self, at: &JsonPath, _: ThreeWay<Option<&Value>>) -> MergeSide {
            self.0.push(at.to_string());
            MergeSide::Ours
        }
        fn decided(&mut self, _: &JsonPath, _: MergeVerdict) {}
    }

    fn merged(base: &str, ours: &str, theirs: &str) -> (String, Vec<String>) {
        let [base, ours, theirs] = [base, ours, theirs].map(|text| parse_text(text).unwrap());
        let mut places = Places::default();
        let sides = ThreeWay::new(Some(&base), Some(&ours), Some(&theirs));
        let value = merge_values(sides, &mut JsonPath::root(), &mut places).unwrap();
        (print(&value, &JsonStyle::SAVE), places.0)
    }

    #[test]
    fn members_are_merged_one_by_one() {
        let (text, conflicts) = merged(
            r#"{"a":1,"b":{"x":1,"y":1},"gone":1,"c":1}"#,
            r#"{"a":2,"b":{"x":1,"y":3},"new":1,"c":1}"#,
            r#"{"c":5,"a":1,"b":{"x":2,"y":1,"z":1},"gone":1,"also":[1]}"#,
        );
        assert_eq!(text, r#"{"a":2,"b":{"x":2,"y":3,"z":1},"new":1,"c":5,"also":[1]}"#);
        assert!(conflicts.is_empty());
    }

    #[test]
    fn lists_are_merged_by_id_or_by_elements_or_not_at_all() {
        let (text, conflicts) = merged(
            r#"{"l":[{"id":1,"v":1},{"id":2,"v":1}],"s":["a","b","c","d"],"n":[1,2]}"#,
            r#"{"l":[{"id":2,"v":1},{"id":1,"v":2}],"s":["a","x","c","d"],"n":[1,3]}"#,
            r#"{"l":[{"id":1,"v":1},{"id":3,"v":1}],"s":["a","b","c","d","e"],"n":[2,2]}"#,
        );
        assert_eq!(
            text,
            r#"{"l":[{"id":1,"v":2},{"id":3,"v":1}],"s":["a","x","c","d","e"],"n":[1,3]}"#
        );
        assert_eq!(conflicts, ["/n"]);
    }
}
