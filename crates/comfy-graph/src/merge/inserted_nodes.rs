//! Two nodes that both sides put into one wire: a person usually wants both, one behind the other.
//!
//! Must not know how that is asked.

use super::conflict::{Conflict, ConflictKind, ConflictPart, MergePlace};
use super::three_way::{MergeSide, ThreeWay};
use super::wires::{source_from_value, source_to_value};
use crate::graph::{Graph, NodeId, SlotName, WireSink, WireSource, Wires, Workflow};

/// A node that one side put into a wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InsertedNode {
    id: NodeId,
    /// The input that takes what the wire carried before.
    input: SlotName,
    /// What it gives on.
    source: WireSource,
    pub(super) display_name: String,
}

/// The nodes that both sides put into the wire that a conflict is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InsertedNodes {
    pub(super) ours: InsertedNode,
    pub(super) theirs: InsertedNode,
}

/// Finds them in the merged workflow; nothing if the conflict is about something else, or
/// somebody has rewired one of them since.
pub(super) fn find_inserted_nodes(
    workflow: &Workflow,
    conflict: &Conflict,
) -> Option<InsertedNodes> {
    if conflict.kind != ConflictKind::InputContended {
        return None;
    }
    let part = conflict.parts.first()?;
    let source = |side: MergeSide| source_from_value(part.sides.get(side).as_ref()?);
    let before = source(MergeSide::Base)?;
    let graph = workflow.graph(&conflict.scope)?;
    let wires = Wires::from_graph(graph);
    let inserted = |side| inserted_node(workflow, graph, &wires, &before, source(side)?);
    let found =
        InsertedNodes { ours: inserted(MergeSide::Ours)?, theirs: inserted(MergeSide::Theirs)? };
    (found.ours.id != found.theirs.id).then_some(found)
}

fn inserted_node(
    workflow: &Workflow,
    graph: &Graph,
    wires: &Wires,
    before: &WireSource,
    source: WireSource,
) -> Option<InsertedNode> {
    let WireSource::Node { id, .. } = &source else { return None };
    let node = graph.nodes.get(id)?;
    let mut fed = wires.iter().filter_map(|wire| match &wire.to {
        WireSink::Node { id: to, input } if to == id && wire.from == *before => Some(input),
        _ => None,
    });
    let input = fed.next()?.clone();
    let display_name = format!("{} #{id}", workflow.display_name(node));
    Some(InsertedNode { id: id.clone(), input, source, display_name })
}

/// The conflict as one that both nodes settle, that side's first: its own side is the chain.
pub(super) fn chain_inserted(
    workflow: &Workflow,
    conflict: &Conflict,
    first: MergeSide,
) -> Option<Conflict> {
    let InsertedNodes { ours, theirs } = find_inserted_nodes(workflow, conflict)?;
    let (first, second) = match first {
        MergeSide::Ours => (ours, theirs),
        MergeSide::Theirs => (theirs, ours),
        MergeSide::Base => return None,
    };
    let wire = |part: ConflictPart, source: &WireSource| {
        let value = Some(source_to_value(Some(source)));
        ConflictPart { sides: ThreeWay::new(value.clone(), value.clone(), value), ..part }
    };
    let sink = wire(conflict.parts.first()?.clone(), &second.source);
    let between = ConflictPart {
        node: Some(second.id),
        place: MergePlace::Input(second.input),
        sides: ThreeWay::default(),
    };
    let between = wire(between, &first.source);
    Some(Conflict { parts: vec![sink, between], ..conflict.clone() })
}
