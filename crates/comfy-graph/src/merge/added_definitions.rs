//! Subgraph definitions of both sides: which are one, which stay.
//!
//! A uuid is an identity within one history only. A blueprint that both sides added has
//! one uuid and may hold other ids inside; two different definitions may have one uuid.

use data_encoding::HEXLOWER;
use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use super::decision::MergeVerdict;
use super::merge_log::MergeLog;
use super::three_way::ThreeWay;
use crate::graph::{
    Graph, GraphList, GraphScope, Node, NodeId, NodeKey, Renumbering, SubgraphDefinition,
    SubgraphId, Workflow,
};
use crate::json::{JsonStyle, Value, print_object};
use crate::pair::{IndexedGraph, NodeIndex, pair_workflows};

/// Brings definitions that both sides added under one uuid together, or apart.
pub(super) fn align_definitions(sides: &mut ThreeWay<Workflow>, log: &mut MergeLog<'_>) {
    let both = sides.theirs.definitions.keys().filter(|id| {
        !sides.base.definitions.contains_key(*id) && sides.ours.definitions.contains_key(*id)
    });
    let both: Vec<SubgraphId> = both.cloned().collect();
    for id in both {
        let theirs = &sides.theirs.definitions[&id];
        let mut plan = Renumbering::default();
        match matching_nodes(sides, &id) {
            Some(nodes) => {
                let scope = GraphScope::Definition(id.clone());
                let changed = nodes.into_iter().filter(|(from, to)| from != to);
                plan.nodes.extend(
                    changed.map(|(from, to)| (NodeKey { scope: scope.clone(), id: from }, to)),
                );
            }
            None => {
                let new = derive_uuid(theirs);
                let name = theirs.name().to_owned();
                plan.subgraphs.insert(id.clone(), new.clone());
                log.log_decision(
                    &GraphScope::Definition(new.clone()),
                    None,
                    super::conflict::MergePlace::Definition(new.clone()),
                    MergeVerdict::Renumbered {
                        list: GraphList::Definitions,
                        from: format!("{name} ({id})"),
                        to: new.to_string(),
                    },
                );
            }
        }
        sides.theirs.renumber(&plan);
    }
}

/// Which node of theirs is which of ours, if both graphs are the same but for ids.
fn matching_nodes(
    sides: &ThreeWay<Workflow>,
    id: &SubgraphId,
) -> Option<FxHashMap<NodeId, NodeId>> {
    let (ours, theirs) = (IndexedGraph::new(&sides.ours), IndexedGraph::new(&sides.theirs));
    let scope = GraphScope::Definition(id.clone());
    let (own, other) = (ours.layer_index(&scope)?, theirs.layer_index(&scope)?);
    let pairing = pair_workflows(&ours, &theirs);
    let partner = |spot: Option<NodeIndex>| spot.map(|spot| pairing.old_of[spot]);
    let wires = |graph: &IndexedGraph<'_>,
                 spot: NodeIndex,
                 of: &dyn Fn(Option<NodeIndex>) -> Option<Option<NodeIndex>>| {
        let mut wires: Vec<_> = graph
            .wires_into(spot)
            .map(|arc| (arc.input, arc.slot, of(arc.from)))
            .chain(graph.wires_out_of(spot).map(|arc| (arc.input, arc.slot, of(arc.to))))
            .collect();
        wires.sort_unstable();
        wires
    };
    if ours.nodes_in(own).len() != theirs.nodes_in(other).len() {
        return None;
    }
    let mut matched = FxHashMap::default();
    for after in theirs.nodes_in(other) {
        let before = pairing.old_of[after].filter(|&before| ours.layer_of(before) == own)?;
        let same = node_content(ours.nodes[before]) == node_content(theirs.nodes[after])
            && wires(&ours, before, &|spot| spot.map(Some)) == wires(&theirs, after, &partner);
        if !same {
            return None;
        }
        matched.insert(theirs.node_id(after).clone(), ours.node_id(before).clone());
    }
    Some(matched)
}

/// What is in a node, without its id and its wires.
pub(super) fn node_content(node: &Node) -> String {
    let mut raw = node.raw().clone();
    raw.remove("id");
    // Which slots are listed depends on the encoding.
    raw.remove("inputs");
    if let Some(Value::Array(outputs)) = raw.get_mut("outputs") {
        for output in outputs.iter_mut().filter_map(Value::as_object_mut) {
            output.remove("links");
        }
    }
    print_object(&raw, &JsonStyle::SAVE)
}

/// A uuid that follows from what is in a definition, so that the same merge gives the same
/// file everywhere.
fn derive_uuid(definition: &SubgraphDefinition) -> SubgraphId {
    let text = print_object(&definition.graph.rest, &JsonStyle::SAVE);
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    for node in definition.graph.nodes.values() {
        hash.update(print_object(node.raw(), &JsonStyle::SAVE).as_bytes());
    }
    let digest = hash.finalize();
    let hex = HEXLOWER.encode(&digest[..16]);
    // Version 8 of RFC 9562: made by the application's own rule.
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]);
    SubgraphId::new(&format!("{a}-{b}-8{c}-8{d}-{e}"))
}

/// Definitions whose inside a side changed, also through a definition they contain.
pub(super) fn definitions_changed_inside(
    base: &Workflow,
    side: &Workflow,
) -> FxHashSet<SubgraphId> {
    let same = |a: &Graph, b: &Graph| {
        a.nodes.len() == b.nodes.len()
            && a.nodes.iter().all(|(id, node)| b.nodes.get(id) == Some(node))
            && a.links.len() == b.links.len()
            && a.links.iter().all(|(id, link)| b.links.get(id) == Some(link))
            && a.rest == b.rest
    };
    let differs = |(id, definition): &(&SubgraphId, &SubgraphDefinition)| {
        base.definitions.get(*id).is_none_or(|before| !same(&before.graph, &definition.graph))
    };
    let mut changed: FxHashSet<SubgraphId> =
        side.definitions.iter().filter(differs).map(|(id, _)| id.clone()).collect();
    loop {
        let before = changed.len();
        for (id, definition) in &side.definitions {
            let inside = definition.graph.nodes.values().map(crate::graph::Node::as_subgraph);
            if inside.into_iter().any(|inner| changed.contains(&inner)) {
                changed.insert(id.clone());
            }
        }
        if changed.len() == before {
            return changed;
        }
    }
}

/// Definitions that no instance leads to: files may hold some, and they are not ours to
/// throw away.
pub(super) fn unreachable_definitions(workflow: &Workflow) -> FxHashSet<SubgraphId> {
    let mut reached: FxHashSet<SubgraphId> = FxHashSet::default();
    let mut open: Vec<&Graph> = vec![&workflow.root];
    while let Some(graph) = open.pop() {
        for node in graph.nodes.values() {
            if let Some(definition) = workflow.definition_of(node)
                && reached.insert(definition.id().clone())
            {
                open.push(&definition.graph);
            }
        }
    }
    workflow.definitions.keys().filter(|id| !reached.contains(*id)).cloned().collect()
}
