//! What another version of the frontend rewrote on opening, told from what a person did.
//!
//! Runs over the finished draft and makes what it recognizes follow from one edit.
//! Must not know how edits are found.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::draft::{Draft, Token};
use super::edit::{Change, Edit, Migration, NodeRef, Side, SinkRef, SourceRef, Usual};
use super::widgets::Widgeting;
use crate::graph::{NodeKey, Role, Scope};
use crate::json::Value;
use crate::pair::{IndexedGraph, Layer, Pairing, Spot};

/// Both documents, paired and named.
pub(super) struct Migrations<'n, 'w> {
    pub(super) old: &'n IndexedGraph<'w>,
    pub(super) new: &'n IndexedGraph<'w>,
    pub(super) pairing: &'n Pairing,
    pub(super) widgets: &'n Widgeting<'n, 'w>,
}

/// Properties that go and come when promoted widgets change their home.
const PROMOTION: [&str; 3] = ["proxyWidgets", "previewExposures", "proxyWidgetErrorQuarantine"];

impl Migrations<'_, '_> {
    pub(super) fn recognize(&self, draft: &mut Draft) {
        self.promoted_widgets(draft);
        self.group_nodes(draft);
        self.values(draft);
    }

    /// Instances that showed inner widgets by reference and hold their values now.
    fn promoted_widgets(&self, draft: &mut Draft) {
        let mut hosts: FxHashMap<NodeKey, FxHashMap<CompactString, Value>> = FxHashMap::default();
        let mut boundaries: FxHashSet<(Layer, CompactString)> = FxHashSet::default();
        let mut nodes = Vec::new();
        for layer in 1..self.new.layers.len() {
            for &host in self.new.hosts_of(layer) {
                let Some(values) = self.promoted(host, layer) else { continue };
                boundaries.extend(values.keys().map(|name| (layer, name.clone())));
                nodes.push(self.new.node_ref(host));
                hosts.insert(self.new.key(host), values);
            }
        }
        if hosts.is_empty() {
            return;
        }
        let moved = |node: &NodeRef, name: &str, value: &Value| {
            hosts.get(&node.key).and_then(|values| values.get(name)).is_some_and(|v| v.same(value))
        };
        let is_boundary = |scope: &Scope, name: &str| {
            let layer = self.new.layer(scope);
            layer.is_some_and(|layer| boundaries.contains(&(layer, CompactString::new(name))))
        };
        let rewritten = |edit: &Edit| match edit {
            Edit::Property { node, key, .. } => {
                hosts.contains_key(&node.key) && PROMOTION.contains(&key.as_str())
            }
            Edit::Widget {
                node,
                name,
                change: Change { before: None, after: Some(value) },
                ..
            } => name.as_str().is_some_and(|name| moved(node, name, value)),
            Edit::Slot { node, side: Side::Input, .. } => hosts.contains_key(&node.key),
            Edit::Boundary { subgraph, side: Side::Input, name, .. } => {
                let scope = Scope::Definition(subgraph.id.clone());
                name.before.is_none()
                    && name.after.as_ref().is_some_and(|name| is_boundary(&scope, name))
            }
            Edit::Wire { to: SinkRef::Input { .. }, from, .. } => match (&from.before, &from.after)
            {
                (None, Some(SourceRef::Boundary { scope, name })) => is_boundary(scope, &name.name),
                _ => false,
            },
            _ => false,
        };
        blame(draft, Migration::PromotedWidgets, nodes, rewritten);
    }

    /// The values that an instance must hold now if it only took over those inside; nothing
    /// if it is no such instance.
    fn promoted(&self, host: Spot, inside: Layer) -> Option<FxHashMap<CompactString, Value>> {
        let before = self.old.nodes[self.pairing.old_of[host]?];
        let shows = before.property("proxyWidgets")?.as_array()?;
        let shows_now = self.new.nodes[host].property("proxyWidgets").is_some();
        if shows.is_empty() || shows_now {
            return None;
        }
        let definition = self.new.definition(inside)?;
        let values = definition.promoted().into_iter().filter_map(|promoted| {
            let inner = self.new.spot(inside, promoted.node.id())?;
            let inner = self.pairing.old_of[inner]?;
            let value = self.widgets.value_before(inner, promoted.widget)?;
            Some((CompactString::new(promoted.input.name()), value))
        });
        Some(values.collect())
    }

    /// Legacy group nodes that became instances of subgraphs.
    fn group_nodes(&self, draft: &mut Draft) {
        let is_legacy =
            |class: &str| class.starts_with("workflow>") || class.starts_with("workflow/");
        let mut nodes: Vec<NodeRef> = Vec::new();
        let mut definitions: FxHashSet<CompactString> = FxHashSet::default();
        for edit in draft.edits() {
            if let Edit::Retyped { node, class } = edit
                && is_legacy(&class.before)
                && node.subgraph.is_some()
            {
                nodes.push(node.clone());
                definitions.insert(class.after.clone());
            }
        }
        if nodes.is_empty() {
            return;
        }
        let keys: FxHashSet<NodeKey> = nodes.iter().map(|node| node.key.clone()).collect();
        let rewritten = |edit: &Edit| match edit {
            Edit::Retyped { node, .. } => keys.contains(&node.key),
            Edit::Widget { node, change, .. } => {
                keys.contains(&node.key) && (change.before.is_none() || change.after.is_none())
            }
            Edit::Property { node, .. } | Edit::Slot { node, .. } => keys.contains(&node.key),
            Edit::SubgraphAdded { subgraph, .. } => definitions.contains(&subgraph.id.0),
            Edit::Raw(raw) | Edit::Bookkeeping(raw) => raw.at.to_string() == "/extra/groupNodes",
            _ => false,
        };
        blame(draft, Migration::GroupNode, nodes, rewritten);
    }

    /// Values that came with a new version of the class, and old spellings.
    fn values(&self, draft: &mut Draft) {
        let mut nodes: Vec<NodeRef> = Vec::new();
        let rewritten: Vec<Token> = draft
            .tokens()
            .filter(|(_, edit)| {
                let Edit::Widget { node, name, role, change, .. } = edit else { return false };
                let found = match (&change.before, &change.after) {
                    (None, Some(value)) => {
                        name.as_str().is_some_and(|name| self.came_by_itself(node, name, value))
                    }
                    (Some(before), Some(after)) => is_respelled(*role, before, after),
                    _ => false,
                };
                if found && nodes.last().is_none_or(|last| last.key != node.key) {
                    nodes.push(node.clone());
                }
                found
            })
            .map(|(token, _)| token)
            .collect();
        if nodes.is_empty() {
            return;
        }
        let cause = draft.push(Edit::Migrated { migration: Migration::Values, nodes }, None);
        for token in rewritten {
            draft.blame(token, cause);
        }
    }

    /// Whether a widget is new in its class, with the value that every node gets: choices
    /// of a person bring widgets with a dot in their name.
    fn came_by_itself(&self, node: &NodeRef, name: &str, value: &Value) -> bool {
        let spot = self.new.layer(&node.key.scope).and_then(|l| self.new.spot(l, &node.key.id));
        let Some(spot) = spot.filter(|_| !name.contains('.')) else { return false };
        self.new.inside(spot).is_none() && self.widgets.usual(spot, name, value) == Usual::Default
    }
}

/// Spellings that frontends mend: `sample_euler`, controls that are true or false.
fn is_respelled(role: Role, before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::String(before), Value::String(after)) => {
            before.strip_prefix("sample_") == Some(after.as_str())
        }
        (Value::Bool(_), Value::String(_)) => role == Role::Control,
        _ => false,
    }
}

fn blame(
    draft: &mut Draft,
    migration: Migration,
    nodes: Vec<NodeRef>,
    rewritten: impl Fn(&Edit) -> bool,
) {
    let found: Vec<Token> =
        draft.tokens().filter(|(_, edit)| rewritten(edit)).map(|(token, _)| token).collect();
    if found.is_empty() {
        return;
    }
    let cause = draft.push(Edit::Migrated { migration, nodes }, None);
    for token in found {
        draft.blame(token, cause);
    }
}
