//! Looking into what `split` took out of a workflow, without putting it back.

use rustc_hash::{FxHashMap, FxHashSet};

use super::split::{ITEMS, ORDER};
use crate::graph::{NodeId, NodeKey, Scope, SubgraphId};
use crate::json::{Object, Value};

/// What was taken out of one object, to look at.
#[derive(Debug, Clone, Copy)]
pub struct Aside<'a>(&'a Object);

impl<'a> Aside<'a> {
    /// Looks into what [`super::strip`] took out.
    pub fn of(layout: &'a Object) -> Self {
        Aside(layout)
    }

    /// A member that was taken out as it was.
    pub fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    /// What was taken out of an object that stayed.
    pub fn object(self, key: &str) -> Option<Aside<'a>> {
        self.0.get(key).and_then(Value::as_object).map(Aside)
    }

    /// What was taken out of the elements of a list. Elements that have an identity (nodes,
    /// groups, definitions, reroutes) repeat it, the others stand at their index.
    pub fn list(self, key: &str) -> impl Iterator<Item = Option<Aside<'a>>> {
        items(self.0, key).iter().map(|item| item.as_object().map(Aside))
    }

    /// Whether positions of nodes were taken out: a file that was clean already has none.
    pub fn has_places(self) -> bool {
        self.list("nodes").flatten().any(|node| node.get("pos").is_some())
    }

    /// For each element of a list in the file, its index in the clean list; nothing if
    /// both are in the same order.
    pub fn order(self, key: &str) -> Option<&'a [Value]> {
        self.0.get(key)?.get(ORDER)?.as_array()
    }
}

/// The layouts of list elements that lie under a key, however the list is spelled.
fn items<'a>(aside: &'a Object, key: &str) -> &'a [Value] {
    let list = match aside.get(key) {
        Some(Value::Object(both)) => both.get(ITEMS),
        list => list,
    };
    list.and_then(Value::as_array).unwrap_or_default()
}

fn items_mut<'a>(aside: &'a mut Object, key: &str) -> &'a mut [Value] {
    let list = match aside.get_mut(key) {
        Some(Value::Object(both)) => both.get_mut(ITEMS),
        list => list,
    };
    list.and_then(Value::as_array_mut).map_or(&mut [], |list| list.as_mut_slice())
}

/// Where the layouts of definitions lie.
const DEFINITIONS: &str = "definitions";
const SUBGRAPHS: &str = "subgraphs";

/// Collects the ids of all nodes that a graph's layout knows, definitions included.
pub(super) fn node_ids(aside: &Object, found: &mut FxHashSet<NodeId>) {
    let ids = items(aside, "nodes").iter().filter_map(|node| node.get("id"));
    found.extend(ids.filter_map(NodeId::from_value));
    if let Some(Value::Object(definitions)) = aside.get(DEFINITIONS) {
        for definition in items(definitions, SUBGRAPHS).iter().filter_map(Value::as_object) {
            node_ids(definition, found);
        }
    }
}

/// Gives the nodes of a workflow's layout the ids they have in a merge result.
pub(super) fn renumber(aside: &mut Object, renumbered: &FxHashMap<NodeKey, NodeId>) {
    renumber_nodes(aside, &Scope::Root, renumbered);
    if let Some(Value::Object(definitions)) = aside.get_mut(DEFINITIONS) {
        for definition in items_mut(definitions, SUBGRAPHS) {
            let Value::Object(definition) = definition else { continue };
            let Some(id) = definition.get("id").and_then(Value::as_str) else { continue };
            let scope = Scope::Definition(SubgraphId::new(id));
            renumber_nodes(definition, &scope, renumbered);
        }
    }
}

fn renumber_nodes(aside: &mut Object, scope: &Scope, renumbered: &FxHashMap<NodeKey, NodeId>) {
    for node in items_mut(aside, "nodes").iter_mut().filter_map(Value::as_object_mut) {
        let Some(id) = node.get("id").and_then(NodeId::from_value) else { continue };
        if let Some(new) = renumbered.get(&NodeKey { scope: scope.clone(), id }) {
            node.insert("id", new.to_value());
        }
    }
}
