//! Looking into what `split` took out of a workflow, without putting it back.

use rustc_hash::{FxHashMap, FxHashSet};

use super::split::ITEMS;
use crate::graph::{NodeId, NodeKey, Scope, SubgraphId};
use crate::json::{Object, Value};

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
