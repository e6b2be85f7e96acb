//! What another version of the frontend rewrote on opening, told from what a person did.
//!
//! Runs over the finished draft and makes what it recognizes follow from one edit.
//! Must not know how edits are found.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::{Change, DefaultMatch, Edit, Migration, NodeRef, SinkRef, SlotSide, SourceRef};
use super::script_builder::{EditToken, ScriptBuilder};
use super::widgets::WidgetComparison;
use crate::graph::{GraphScope, NodeKey, WidgetRole};
use crate::json::Value;
use crate::pair::{IndexedGraph, Layer, NodeIndex, Pairing};

/// Both documents, paired and named.
pub(super) struct MigrationDetector<'n, 'w> {
    pub(super) old: &'n IndexedGraph<'w>,
    pub(super) new: &'n IndexedGraph<'w>,
    pub(super) pairing: &'n Pairing,
    pub(super) widgets: &'n WidgetComparison<'n, 'w>,
}

/// Properties that go and come when promoted widgets change their home.
const PROMOTION_PROPERTIES: [&str; 3] =
    ["proxyWidgets", "previewExposures", "proxyWidgetErrorQuarantine"];

impl MigrationDetector<'_, '_> {
    pub(super) fn recognize(&self, draft: &mut ScriptBuilder) {
        self.recognize_promoted_widgets(draft);
        self.recognize_group_nodes(draft);
        self.recognize_values(draft);
    }

    /// Instances that showed inner widgets by reference and hold their values now.
    fn recognize_promoted_widgets(&self, draft: &mut ScriptBuilder) {
        let mut hosts: FxHashMap<NodeKey, FxHashMap<CompactString, Value>> = FxHashMap::default();
        let mut boundaries: FxHashSet<(Layer, CompactString)> = FxHashSet::default();
        let mut nodes = Vec::new();
        for layer in 1..self.new.layers.len() {
            for &host in self.new.instances_of(layer) {
                let Some(values) = self.promoted_values(host, layer) else { continue };
                boundaries.extend(values.keys().map(|name| (layer, name.clone())));
                nodes.push(self.new.node_ref(host));
                hosts.insert(self.new.node_key(host), values);
            }
        }
        if hosts.is_empty() {
            return;
        }
        let moved = |node: &NodeRef, name: &str, value: &Value| {
            hosts
                .get(&node.key)
                .and_then(|values| values.get(name))
                .is_some_and(|v| v.is_equivalent(value))
        };
        let is_boundary = |scope: &GraphScope, name: &str| {
            let layer = self.new.layer_index(scope);
            layer.is_some_and(|layer| boundaries.contains(&(layer, CompactString::new(name))))
        };
        let rewritten = |edit: &Edit| match edit {
            Edit::Property { node, key, .. } => {
                hosts.contains_key(&node.key) && PROMOTION_PROPERTIES.contains(&key.as_str())
            }
            Edit::Widget {
                node,
                name,
                change: Change { before: None, after: Some(value) },
                ..
            } => name.as_str().is_some_and(|name| moved(node, name, value)),
            Edit::Slot { node, side: SlotSide::Input, .. } => hosts.contains_key(&node.key),
            Edit::Boundary { subgraph, side: SlotSide::Input, name, .. } => {
                let scope = GraphScope::Definition(subgraph.id.clone());
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
        attribute_edits(draft, Migration::PromotedWidgets, nodes, rewritten);
    }

    /// The values that an instance must hold now if it only took over those inside; nothing
    /// if it is no such instance.
    fn promoted_values(
        &self,
        host: NodeIndex,
        inside: Layer,
    ) -> Option<FxHashMap<CompactString, Value>> {
        let before = self.old.nodes[self.pairing.old_of[host]?];
        let shows = before.property("proxyWidgets")?.as_array()?;
        let shows_now = self.new.nodes[host].property("proxyWidgets").is_some();
        if shows.is_empty() || shows_now {
            return None;
        }
        let definition = self.new.definition(inside)?;
        let values = definition.promoted_widgets().into_iter().filter_map(|promoted| {
            let inner = self.new.node_index(inside, promoted.node.id())?;
            let inner = self.pairing.old_of[inner]?;
            let value = self.widgets.value_before(inner, promoted.widget)?;
            Some((CompactString::new(promoted.input.name()), value))
        });
        Some(values.collect())
    }

    /// Legacy group nodes that became instances of subgraphs.
    fn recognize_group_nodes(&self, draft: &mut ScriptBuilder) {
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
        attribute_edits(draft, Migration::GroupNode, nodes, rewritten);
    }

    /// Values that came with a new version of the class, and old spellings.
    fn recognize_values(&self, draft: &mut ScriptBuilder) {
        let mut nodes: Vec<NodeRef> = Vec::new();
        let rewritten: Vec<EditToken> = draft
            .tokens()
            .filter(|(_, edit)| {
                let Edit::Widget { node, name, role, change, .. } = edit else { return false };
                let found = match (&change.before, &change.after) {
                    (None, Some(value)) => name
                        .as_str()
                        .is_some_and(|name| self.is_new_default_widget(node, name, value)),
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
            draft.set_cause(token, cause);
        }
    }

    /// Whether a widget is new in its class, with the value that every node gets: choices
    /// of a person bring widgets with a dot in their name.
    fn is_new_default_widget(&self, node: &NodeRef, name: &str, value: &Value) -> bool {
        let spot = self
            .new
            .layer_index(&node.key.scope)
            .and_then(|l| self.new.node_index(l, &node.key.id));
        let Some(spot) = spot.filter(|_| !name.contains('.')) else { return false };
        self.new.definition_layer(spot).is_none()
            && self.widgets.default_match(spot, name, value) == DefaultMatch::Default
    }
}

/// Spellings that frontends mend: `sample_euler`, controls that are true or false.
fn is_respelled(role: WidgetRole, before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::String(before), Value::String(after)) => {
            before.strip_prefix("sample_") == Some(after.as_str())
        }
        (Value::Bool(_), Value::String(_)) => role == WidgetRole::Control,
        _ => false,
    }
}

fn attribute_edits(
    draft: &mut ScriptBuilder,
    migration: Migration,
    nodes: Vec<NodeRef>,
    rewritten: impl Fn(&Edit) -> bool,
) {
    let found: Vec<EditToken> =
        draft.tokens().filter(|(_, edit)| rewritten(edit)).map(|(token, _)| token).collect();
    if found.is_empty() {
        return;
    }
    let cause = draft.push(Edit::Migrated { migration, nodes }, None);
    for token in found {
        draft.set_cause(token, cause);
    }
}
