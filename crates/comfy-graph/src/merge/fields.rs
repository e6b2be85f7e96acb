//! The members of a node's object that are neither its values, its slots nor its wires,
//! and the members of a graph's own object: merged key by key, with a rule for each key
//! that somebody typed.
//!
//! Must not know nodes' neighbours.

use super::conflict::{Conflict, ConflictKind, MergePlace, NodeName};
use super::decision::MergeVerdict;
use super::json_merge::{self, JsonMergeHandler, merge_sets};
use super::merge_log::MergeLog;
use super::strategy::ChangeClass;
use super::three_way::{MergeSide, ThreeWay};
use super::version::{VERSION_MEMBERS, higher_version};
use crate::diff::PROGRAM_WRITTEN_PROPERTIES;
use crate::graph::GraphScope;
use crate::json::{JsonPath, JsonStep, JsonStyle, Object, Value, print};

/// Whose members are merged.
pub(super) enum MemberOwner {
    Node(NodeName),
    Graph,
}

/// Members of a node that are merged elsewhere.
pub(super) const SEPARATELY_MERGED: [&str; 5] =
    ["id", "inputs", "outputs", "widgets_values", "widgets_values_named"];

/// Members of a node that change nothing but its looks.
const LOOKS_MEMBERS: [&str; 6] = ["color", "bgcolor", "boxcolor", "shape", "showAdvanced", "flags"];

/// Further members of `properties` that no person sets on purpose: switches of the canvas, what other programs keep about it.
const UNIMPORTANT_PROPERTIES: [&str; 5] = [
    "showOutputText",
    "horizontal",
    "ue_properties",
    "widget_ue_connectable",
    "proxyBypassedToSubgraphInput",
];

/// Where a node came from: what the Manager writes when it is placed. No reason to keep a node
/// that the other side removed; but which commit a pack is held to may be a choice.
const ORIGIN_PROPERTIES: [&str; 3] = ["cnr_id", "aux_id", "ver"];

/// Lists whose elements stand for themselves, in no order that means much: what both
/// sides added is all there.
const SET_LISTS: [&str; 7] = [
    "/properties/proxyWidgets",
    "/properties/previewExposures",
    "/properties/proxyWidgetErrorQuarantine",
    "/extra/linearData/outputs",
    "/extra/favoritedWidgets/favorites",
    "/extra/ue_links",
    "/extra/links_added_by_ue",
];

/// The models that a node says it needs: name and folder are the identity.
const MODEL_LIST: &str = "/properties/models";

/// A list of `[node, widget, settings]`: the first two are the identity.
const APP_INPUTS: &str = "/extra/linearData/inputs";

/// Members of a graph that say nothing of what it does.
const UNIMPORTANT_GRAPH_MEMBERS: [&str; 6] = [
    "/id",
    "/config",
    "/extra/VHS_",
    "/extra/linkPresentation",
    "/extra/node_versions",
    "/widgets",
];

impl MemberOwner {
    fn member_place(&self, at: &JsonPath) -> MergePlace {
        match self {
            MemberOwner::Node(_) => MergePlace::Key(at.clone()),
            MemberOwner::Graph => MergePlace::Graph(at.clone()),
        }
    }

    fn node_name(&self) -> Option<NodeName> {
        match self {
            MemberOwner::Node(name) => Some(name.clone()),
            MemberOwner::Graph => None,
        }
    }

    /// Whether ours may stand where both changed it, because no person sets it on purpose.
    fn is_unimportant(&self, at: &JsonPath) -> bool {
        let key = |at: &JsonPath, index: usize| match at.0.get(index) {
            Some(JsonStep::Key(key)) => Some(key.clone()),
            _ => None,
        };
        match (self, key(at, 0), key(at, 1)) {
            (MemberOwner::Node(_), Some(first), None) => LOOKS_MEMBERS.contains(&first.as_str()),
            (MemberOwner::Node(_), Some(first), Some(second)) => {
                LOOKS_MEMBERS.contains(&first.as_str())
                    || (first == "properties" && is_unimportant_property(&second))
            }
            (MemberOwner::Graph, ..) => {
                let text = at.to_string();
                UNIMPORTANT_GRAPH_MEMBERS.iter().any(|quiet| text.starts_with(quiet))
            }
            _ => false,
        }
    }
}

struct FieldMergeLog<'m, 'l> {
    owner: &'m MemberOwner,
    scope: &'m GraphScope,
    log: &'m mut MergeLog<'l>,
}

impl JsonMergeHandler for FieldMergeLog<'_, '_> {
    fn conflicting(&mut self, at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> MergeSide {
        if let Some(side) = version_side(at, sides) {
            self.decided(at, MergeVerdict::HigherVersion(side));
            return side;
        }
        if self.owner.is_unimportant(at) && !self.log.forces_conflict(ChangeClass::Looks) {
            self.decided(at, MergeVerdict::KeptOurLooks);
            return MergeSide::Ours;
        }
        let (place, sides) = (self.owner.member_place(at), sides.cloned());
        let kind = match (&sides.base, &sides.ours, &sides.theirs) {
            (Some(_), None, Some(_)) => ConflictKind::RemovedByOurs,
            (Some(_), Some(_), None) => ConflictKind::RemovedByTheirs,
            _ => ConflictKind::BothChanged,
        };
        // A member is no node: what ours took away stays away until somebody decides.
        let kind = match kind {
            ConflictKind::RemovedByOurs | ConflictKind::RemovedByTheirs => {
                ConflictKind::BothChanged
            }
            kind => kind,
        };
        let conflict = match self.owner.node_name() {
            Some(node) => Conflict::in_node(self.scope, node, kind, place, sides),
            None => Conflict::in_graph(self.scope, kind, place, sides),
        };
        match self.owner.is_unimportant(at) {
            true => self.log.log_conflict_as(conflict, ChangeClass::Looks),
            false => self.log.log_conflict(conflict),
        };
        MergeSide::Ours
    }

    fn decided(&mut self, at: &JsonPath, verdict: MergeVerdict) {
        self.log.log_decision(
            self.scope,
            self.owner.node_name(),
            self.owner.member_place(at),
            verdict,
        );
    }

    fn merge_specially(&mut self, at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> Option<Value> {
        let text = at.to_string();
        let key: fn(&Value) -> String = match text.as_str() {
            MODEL_LIST => |model| match (model.get("name"), model.get("directory")) {
                (Some(name), directory) => {
                    format!(
                        "{} {}",
                        directory.map(plain_text).unwrap_or_default(),
                        plain_text(name)
                    )
                }
                _ => plain_text(model),
            },
            APP_INPUTS => |input| match input.as_array() {
                Some([id, widget, ..]) => format!("{} {}", plain_text(id), plain_text(widget)),
                _ => plain_text(input),
            },
            text if SET_LISTS.contains(&text) => plain_text,
            _ => return None,
        };
        let list = |value: Option<&Value>| match value {
            Some(Value::Array(elements)) => Some(elements.clone()),
            None => Some(Vec::new()),
            _ => None,
        };
        let ThreeWay { base: Some(base), ours: Some(ours), theirs: Some(theirs) } = sides.map(list)
        else {
            return None;
        };
        self.decided(at, MergeVerdict::MergedElements);
        let merged = merge_sets(&ThreeWay::new(base, ours, theirs), key);
        Some(Value::Array(merged))
    }
}

/// The side whose version stands, where a program writes one.
pub(super) fn version_side(at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> Option<MergeSide> {
    let Some(JsonStep::Key(key)) = at.0.last() else { return None };
    match VERSION_MEMBERS.contains(&key.as_str()) {
        true => higher_version(sides),
        false => None,
    }
}

/// A value without the difference between `"4"` and `4`.
fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => print(other, &JsonStyle::SAVE),
    }
}

/// Merges the members of two objects but for those that are merged elsewhere, which are
/// taken from ours as they are.
pub(super) fn merge_fields(
    sides: ThreeWay<Option<&Object>>,
    but: &[&str],
    scope: &GraphScope,
    owner: &MemberOwner,
    log: &mut MergeLog<'_>,
) -> Object {
    let bare = |object: Option<&Object>| {
        let mut object = object.cloned().unwrap_or_default();
        object.retain(|key, _| !but.contains(&key));
        object
    };
    let rest = sides.map(bare);
    let mut report = FieldMergeLog { owner, scope, log };
    let merged = json_merge::merge_members(rest.as_ref(), &mut JsonPath::root(), &mut report);
    let Some(ours) = sides.ours else { return merged };
    // Back into the order of ours, with what is merged elsewhere in its place.
    let mut merged: rustc_hash::FxHashMap<_, _> =
        merged.into_iter().enumerate().map(|(at, (key, value))| (key, (at, value))).collect();
    let mut all = Object::new();
    for (key, value) in ours.iter() {
        if but.contains(&key.as_str()) {
            all.append(key.clone(), value.clone());
        } else if let Some((_, value)) = merged.remove(key) {
            all.append(key.clone(), value);
        }
    }
    let mut new: Vec<_> = merged.into_iter().collect();
    new.sort_by_key(|(_, (at, _))| *at);
    for (key, (_, value)) in new {
        all.append(key, value);
    }
    all
}

/// Whether a change of a node's members matters enough to stand against its removal.
pub(super) fn is_significant_change(before: &Object, after: &Object) -> bool {
    let quiet = |key: &str| {
        SEPARATELY_MERGED.contains(&key)
            || LOOKS_MEMBERS.contains(&key)
            || ["order", "extensions"].contains(&key)
    };
    let differs = |key: &str| match (before.get(key), after.get(key)) {
        (Some(a), Some(b)) => !a.is_equivalent(b),
        (a, b) => a.is_some() != b.is_some(),
    };
    let keys = before.keys().chain(after.keys()).filter(|key| !quiet(key));
    let mut changed = keys.filter(|key| differs(key));
    changed.any(|key| match key.as_str() {
        "properties" => {
            let part =
                |object: &Object| object.get("properties").and_then(Value::as_object).cloned();
            is_significant_property_change(
                &part(before).unwrap_or_default(),
                &part(after).unwrap_or_default(),
            )
        }
        _ => true,
    })
}

fn is_unimportant_property(key: &str) -> bool {
    PROGRAM_WRITTEN_PROPERTIES.contains(&key) || UNIMPORTANT_PROPERTIES.contains(&key)
}

fn is_significant_property_change(before: &Object, after: &Object) -> bool {
    let quiet = |key: &str| {
        is_unimportant_property(key)
            || ORIGIN_PROPERTIES.contains(&key)
            || ["models", "previewExposures"].contains(&key)
    };
    let mut keys = before.keys().chain(after.keys()).filter(|key| !quiet(key));
    keys.any(|key| match (before.get(key), after.get(key)) {
        (Some(a), Some(b)) => !a.is_equivalent(b),
        _ => true,
    })
}
