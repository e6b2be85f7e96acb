//! Subgraph definitions of both sides: which are one, which stay.
//!
//! A uuid is an identity within one history only. A blueprint that both sides added has
//! one uuid and may hold other ids inside; two different definitions may have one uuid.

use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use super::decision::Verdict;
use super::ledger::Ledger;
use super::pairing::content;
use super::three::Three;
use crate::graph::{
    Definition, Graph, List, NodeId, NodeKey, Renumbering, Scope, SubgraphId, Wires, Workflow,
};
use crate::json::{Style, print_object};

/// Brings definitions that both sides added under one uuid together, or apart.
pub(super) fn align(sides: &mut Three<Workflow>, ledger: &mut Ledger<'_>) {
    let both = sides.theirs.definitions.keys().filter(|id| {
        !sides.base.definitions.contains_key(*id) && sides.ours.definitions.contains_key(*id)
    });
    let both: Vec<SubgraphId> = both.cloned().collect();
    for id in both {
        let (ours, theirs) = (&sides.ours.definitions[&id], &sides.theirs.definitions[&id]);
        let mut plan = Renumbering::default();
        match matching(&ours.graph, &theirs.graph) {
            Some(nodes) => {
                let scope = Scope::Definition(id.clone());
                let changed = nodes.into_iter().filter(|(from, to)| from != to);
                plan.nodes.extend(
                    changed.map(|(from, to)| (NodeKey { scope: scope.clone(), id: from }, to)),
                );
            }
            None => {
                let new = other_id(theirs);
                let name = theirs.name().to_owned();
                plan.subgraphs.insert(id.clone(), new.clone());
                ledger.decide(
                    &Scope::Definition(new.clone()),
                    None,
                    super::conflict::Place::Definition(new.clone()),
                    Verdict::Renumbered {
                        list: List::Definitions,
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
fn matching(ours: &Graph, theirs: &Graph) -> Option<FxHashMap<NodeId, NodeId>> {
    if ours.nodes.len() != theirs.nodes.len() {
        return None;
    }
    let in_order = |graph: &Graph| {
        let mut ids: Vec<NodeId> = graph.nodes.keys().cloned().collect();
        ids.sort();
        ids
    };
    let (from, to) = (in_order(theirs), in_order(ours));
    let same = from.iter().zip(&to).all(|(theirs_id, ours_id)| {
        content(&theirs.nodes[theirs_id]) == content(&ours.nodes[ours_id])
    });
    let map: FxHashMap<NodeId, NodeId> = from.into_iter().zip(to).collect();
    let wires = |graph: &Graph, map: Option<&FxHashMap<NodeId, NodeId>>| -> FxHashSet<String> {
        let id = |id: &NodeId| map.and_then(|map| map.get(id)).unwrap_or(id).clone();
        let wires = Wires::of(graph);
        let wires = wires.iter().map(|wire| {
            let from = match &wire.from {
                crate::graph::Source::Node { id: node, slot } => format!("{} {slot}", id(node)),
                boundary => format!("{boundary:?}"),
            };
            let to = match &wire.to {
                crate::graph::Sink::Node { id: node, input } => format!("{} {input}", id(node)),
                boundary => format!("{boundary:?}"),
            };
            format!("{from} > {to}")
        });
        wires.collect()
    };
    (same && wires(ours, None) == wires(theirs, Some(&map))).then_some(map)
}

/// A uuid that follows from what is in a definition, so that the same merge gives the same
/// file everywhere.
fn other_id(definition: &Definition) -> SubgraphId {
    let text = print_object(&definition.graph.rest, &Style::SAVE);
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    for node in definition.graph.nodes.values() {
        hash.update(print_object(node.raw(), &Style::SAVE).as_bytes());
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // Version 8 of RFC 9562: made by the application's own rule.
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]);
    SubgraphId::new(&format!("{a}-{b}-8{c}-8{d}-{e}"))
}

/// Definitions whose inside a side changed, also through a definition they contain.
pub(super) fn changed_inside(base: &Workflow, side: &Workflow) -> FxHashSet<SubgraphId> {
    let same = |a: &Graph, b: &Graph| {
        a.nodes.len() == b.nodes.len()
            && a.nodes.iter().all(|(id, node)| b.nodes.get(id) == Some(node))
            && a.links.len() == b.links.len()
            && a.links.iter().all(|(id, link)| b.links.get(id) == Some(link))
            && a.rest == b.rest
    };
    let differs = |(id, definition): &(&SubgraphId, &Definition)| {
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
pub(super) fn unreachable(workflow: &Workflow) -> FxHashSet<SubgraphId> {
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
