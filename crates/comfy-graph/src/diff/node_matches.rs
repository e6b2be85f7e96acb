//! The pairs of nodes as layouts need them. Must not know what is done with them.

use crate::clean::{self, PlaceMatches};
use crate::graph::{GraphScope, NodeKey, Workflow};
use crate::json::Value;
use crate::pair::{IndexedGraph, Pairing, pair_workflows};

/// Which node of one workflow is which of another, cleaned or not. Nothing if one is none.
pub fn match_nodes(before: Value, after: Value) -> Option<PlaceMatches> {
    with_pairs(before, after, |old, new, pairing| {
        PlaceMatches::new(node_pairs(old, new, pairing), graph_pairs(old, new, pairing))
    })
}

/// Which nodes and graphs of one workflow are which of another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairedNodes {
    /// Nodes: before, after.
    pub nodes: Vec<(NodeKey, NodeKey)>,
    /// Graphs: before, after; the root is always paired with the root.
    pub graphs: Vec<(GraphScope, GraphScope)>,
}

/// Pairs the nodes of two workflows, cleaned or not, as [`super::diff`] does. Nothing if one
/// is no workflow.
pub fn pair_nodes(before: Value, after: Value) -> Option<PairedNodes> {
    with_pairs(before, after, |old, new, pairing| PairedNodes {
        nodes: node_pairs(old, new, pairing).collect(),
        graphs: graph_pairs(old, new, pairing).collect(),
    })
}

fn node_pairs<'p>(
    old: &'p IndexedGraph<'_>,
    new: &'p IndexedGraph<'_>,
    pairing: &'p Pairing,
) -> impl Iterator<Item = (NodeKey, NodeKey)> + 'p {
    let nodes = pairing.new_of.iter().enumerate();
    nodes.filter_map(move |(spot, partner)| Some((old.node_key(spot), new.node_key((*partner)?))))
}

fn graph_pairs<'p>(
    old: &'p IndexedGraph<'_>,
    new: &'p IndexedGraph<'_>,
    pairing: &'p Pairing,
) -> impl Iterator<Item = (GraphScope, GraphScope)> + 'p {
    let graphs = pairing.new_layer.iter().enumerate();
    graphs.filter_map(move |(layer, partner)| {
        let scope = |graph: &IndexedGraph<'_>, layer: usize| graph.layers[layer].scope.clone();
        Some((scope(old, layer), scope(new, (*partner)?)))
    })
}

/// How much two workflows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkflowLikeness {
    /// Nodes that are in both.
    pub shared: usize,
    /// Those of them that are the same in everything.
    pub equal: usize,
    /// The nodes of the larger workflow.
    pub most: usize,
}

/// Compares two workflows as if one became the other. Nothing if one is no workflow.
pub fn workflow_likeness(before: Value, after: Value) -> Option<WorkflowLikeness> {
    with_pairs(before, after, |old, new, pairing| {
        let most = old.nodes.len().max(new.nodes.len());
        let mut likeness = WorkflowLikeness { shared: 0, equal: 0, most };
        for (before, partner) in old.nodes.iter().zip(&pairing.new_of) {
            if let Some(after) = *partner {
                likeness.shared += 1;
                likeness.equal += usize::from(*before == new.nodes[after]);
            }
        }
        likeness
    })
}

/// Pairs the nodes of two workflows, cleaned or not. Nothing if one is no workflow.
fn with_pairs<T>(
    mut before: Value,
    mut after: Value,
    tell: impl FnOnce(&IndexedGraph<'_>, &IndexedGraph<'_>, &Pairing) -> T,
) -> Option<T> {
    clean::strip_layout(&mut before);
    clean::strip_layout(&mut after);
    let old = Workflow::from_value(before).ok()?;
    let new = Workflow::from_value(after).ok()?;
    let (old, new) = (IndexedGraph::new(&old), IndexedGraph::new(&new));
    let pairing = pair_workflows(&old, &new);
    Some(tell(&old, &new, &pairing))
}
