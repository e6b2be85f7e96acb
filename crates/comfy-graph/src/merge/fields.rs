//! The members of a node's object that are neither its values, its slots nor its wires,
//! and the members of a graph's own object: merged key by key, with a rule for each key
//! that somebody typed.
//!
//! Must not know nodes' neighbours.

use super::conflict::{Conflict, ConflictKind, NodeName, Place};
use super::decision::Verdict;
use super::json::{self, Report, in_order_of_both};
use super::ledger::Ledger;
use super::strategy::Class;
use super::three::{Side, Three};
use crate::diff::WRITTEN_BY_PROGRAMS;
use crate::graph::Scope;
use crate::json::{Object, Path, Step, Style, Value, print};

/// Whose members are merged.
pub(super) enum Owner {
    Node(NodeName),
    Graph,
}

/// Members of a node that are merged elsewhere.
pub(super) const APART_FROM: [&str; 5] =
    ["id", "inputs", "outputs", "widgets_values", "widgets_values_named"];

/// Members of a node that change nothing but its looks.
const LOOKS: [&str; 6] = ["color", "bgcolor", "boxcolor", "shape", "showAdvanced", "flags"];

/// Further members of `properties` that no person sets on purpose: where a node came from,
/// switches of the canvas, what other programs keep about it.
const QUIET_PROPERTIES: [&str; 8] = [
    "cnr_id",
    "aux_id",
    "ver",
    "showOutputText",
    "horizontal",
    "ue_properties",
    "widget_ue_connectable",
    "proxyBypassedToSubgraphInput",
];

/// Lists whose elements stand for themselves, in no order that means much: what both
/// sides added is all there.
const SETS: [&str; 8] = [
    "/properties/proxyWidgets",
    "/properties/previewExposures",
    "/properties/proxyWidgetErrorQuarantine",
    "/properties/models",
    "/extra/linearData/outputs",
    "/extra/favoritedWidgets/favorites",
    "/extra/ue_links",
    "/extra/links_added_by_ue",
];

/// A list of `[node, widget, settings]`: the first two are the identity.
const APP_INPUTS: &str = "/extra/linearData/inputs";

/// Members of a graph that say nothing of what it does.
const QUIET_GRAPH: [&str; 6] = [
    "/id",
    "/config",
    "/extra/VHS_",
    "/extra/linkPresentation",
    "/extra/node_versions",
    "/widgets",
];

impl Owner {
    fn place(&self, at: &Path) -> Place {
        match self {
            Owner::Node(_) => Place::Key(at.clone()),
            Owner::Graph => Place::Graph(at.clone()),
        }
    }

    fn node(&self) -> Option<NodeName> {
        match self {
            Owner::Node(name) => Some(name.clone()),
            Owner::Graph => None,
        }
    }

    /// Whether ours may stand where both changed it, because no person sets it on purpose.
    fn is_quiet(&self, at: &Path) -> bool {
        let key = |at: &Path, index: usize| match at.0.get(index) {
            Some(Step::Key(key)) => Some(key.clone()),
            _ => None,
        };
        match (self, key(at, 0), key(at, 1)) {
            (Owner::Node(_), Some(first), None) => LOOKS.contains(&first.as_str()),
            (Owner::Node(_), Some(first), Some(second)) => {
                LOOKS.contains(&first.as_str())
                    || (first == "properties" && is_quiet_property(&second))
            }
            (Owner::Graph, ..) => {
                let text = at.to_string();
                QUIET_GRAPH.iter().any(|quiet| text.starts_with(quiet))
            }
            _ => false,
        }
    }
}

struct Members<'m, 'l> {
    owner: &'m Owner,
    scope: &'m Scope,
    ledger: &'m mut Ledger<'l>,
}

impl Report for Members<'_, '_> {
    fn apart(&mut self, at: &Path, sides: Three<Option<&Value>>) -> Side {
        if self.owner.is_quiet(at) && !self.ledger.insists(Class::Looks) {
            self.decided(at, Verdict::Looks);
            return Side::Ours;
        }
        let (place, sides) = (self.owner.place(at), sides.cloned());
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
        let conflict = match self.owner.node() {
            Some(node) => Conflict::in_node(self.scope, node, kind, place, sides),
            None => Conflict::in_graph(self.scope, kind, place, sides),
        };
        match self.owner.is_quiet(at) {
            true => self.ledger.open_as(conflict, Class::Looks),
            false => self.ledger.open(conflict),
        };
        Side::Ours
    }

    fn decided(&mut self, at: &Path, verdict: Verdict) {
        self.ledger.decide(self.scope, self.owner.node(), self.owner.place(at), verdict);
    }

    fn special(&mut self, at: &Path, sides: Three<Option<&Value>>) -> Option<Option<Value>> {
        let text = at.to_string();
        let key: fn(&Value) -> String = match text.as_str() {
            APP_INPUTS => |input| match input.as_array() {
                Some([id, widget, ..]) => format!("{} {}", bare(id), bare(widget)),
                _ => bare(input),
            },
            text if SETS.contains(&text) => bare,
            _ => return None,
        };
        let list = |value: Option<&Value>| match value {
            Some(Value::Array(elements)) => Some(elements.clone()),
            None => Some(Vec::new()),
            _ => None,
        };
        let Three { base: Some(base), ours: Some(ours), theirs: Some(theirs) } = sides.map(list)
        else {
            return None;
        };
        self.decided(at, Verdict::Elements);
        let merged = union(&Three::new(base, ours, theirs), key);
        Some(sides.ours.or(sides.theirs).map(|_| Value::Array(merged)))
    }
}

/// A value without the difference between `"4"` and `4`.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => print(other, &Style::SAVE),
    }
}

/// What either side has and neither has taken away. Of two with one key ours is taken,
/// unless only theirs changed it.
fn union(sides: &Three<Vec<Value>>, key: fn(&Value) -> String) -> Vec<Value> {
    let keys = sides.as_ref().map(|list| list.iter().map(key).collect::<Vec<_>>());
    let find = |list: &[Value], keys: &[String], key: &str| {
        keys.iter().position(|known| known == key).map(|at| list[at].clone())
    };
    let order = in_order_of_both(keys.ours.clone(), &keys.theirs);
    let settled = order.into_iter().filter_map(|key| {
        let three = Three::new(
            find(&sides.base, &keys.base, &key),
            find(&sides.ours, &keys.ours, &key),
            find(&sides.theirs, &keys.theirs, &key),
        );
        let outcome = three.as_ref().map(Option::as_ref).settle_values();
        three.get(outcome.winner()).clone()
    });
    settled.collect()
}

/// Merges the members of two objects but for those that are merged elsewhere, which are
/// taken from ours as they are.
pub(super) fn merge(
    sides: Three<Option<&Object>>,
    but: &[&str],
    scope: &Scope,
    owner: &Owner,
    ledger: &mut Ledger<'_>,
) -> Object {
    let bare = |object: Option<&Object>| {
        let mut object = object.cloned().unwrap_or_default();
        object.retain(|key, _| !but.contains(&key));
        object
    };
    let rest = sides.map(bare);
    let mut report = Members { owner, scope, ledger };
    let merged = json::members(rest.as_ref(), &mut Path::root(), &mut report);
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
pub(super) fn matters(before: &Object, after: &Object) -> bool {
    let quiet = |key: &str| {
        APART_FROM.contains(&key) || LOOKS.contains(&key) || ["order", "extensions"].contains(&key)
    };
    let differs = |key: &str| match (before.get(key), after.get(key)) {
        (Some(a), Some(b)) => !a.same(b),
        (a, b) => a.is_some() != b.is_some(),
    };
    let keys = before.keys().chain(after.keys()).filter(|key| !quiet(key));
    let mut changed = keys.filter(|key| differs(key));
    changed.any(|key| match key.as_str() {
        "properties" => {
            let part =
                |object: &Object| object.get("properties").and_then(Value::as_object).cloned();
            properties_matter(&part(before).unwrap_or_default(), &part(after).unwrap_or_default())
        }
        _ => true,
    })
}

fn is_quiet_property(key: &str) -> bool {
    WRITTEN_BY_PROGRAMS.contains(&key) || QUIET_PROPERTIES.contains(&key)
}

fn properties_matter(before: &Object, after: &Object) -> bool {
    let quiet = |key: &str| is_quiet_property(key) || ["models", "previewExposures"].contains(&key);
    let keys = before.keys().chain(after.keys()).filter(|key| !quiet(key));
    let mut keys = keys;
    keys.any(|key| match (before.get(key), after.get(key)) {
        (Some(a), Some(b)) => !a.same(b),
        _ => true,
    })
}
