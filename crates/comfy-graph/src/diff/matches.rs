//! The pairs of nodes as layouts need them. Must not know what is done with them.

use crate::canon::{self, Matches};
use crate::graph::Workflow;
use crate::json::Value;
use crate::pair::{IndexedGraph, pair};

/// Which node of one workflow is which of another, cleaned or not. Nothing if one is none.
pub fn match_nodes(mut before: Value, mut after: Value) -> Option<Matches> {
    canon::strip(&mut before);
    canon::strip(&mut after);
    let old = Workflow::from_value(before).ok()?;
    let new = Workflow::from_value(after).ok()?;
    let (old, new) = (IndexedGraph::new(&old), IndexedGraph::new(&new));
    let pairing = pair(&old, &new);
    let nodes = pairing.new_of.iter().enumerate();
    let nodes = nodes.filter_map(|(spot, partner)| Some((old.key(spot), new.key((*partner)?))));
    let graphs = pairing.new_layer.iter().enumerate();
    let graphs = graphs.filter_map(|(layer, partner)| {
        let scope = |net: &IndexedGraph<'_>, layer: usize| net.layers[layer].scope.clone();
        Some((scope(&old, layer), scope(&new, (*partner)?)))
    });
    Some(Matches::new(nodes, graphs))
}

/// How much two workflows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness {
    /// Nodes that are in both.
    pub shared: usize,
    /// Those of them that are the same in everything.
    pub equal: usize,
    /// The nodes of the larger workflow.
    pub most: usize,
}

/// Compares two workflows as if one became the other. Nothing if one is no workflow.
pub fn likeness(mut before: Value, mut after: Value) -> Option<Likeness> {
    canon::strip(&mut before);
    canon::strip(&mut after);
    let old = Workflow::from_value(before).ok()?;
    let new = Workflow::from_value(after).ok()?;
    let (old, new) = (IndexedGraph::new(&old), IndexedGraph::new(&new));
    let pairing = pair(&old, &new);
    let pairs = pairing.new_of.iter().enumerate();
    let pairs = pairs.filter_map(|(spot, partner)| Some((old.nodes[spot], new.nodes[(*partner)?])));
    let mut likeness = Likeness { shared: 0, equal: 0, most: old.nodes.len().max(new.nodes.len()) };
    for (before, after) in pairs {
        likeness.shared += 1;
        likeness.equal += usize::from(before == after);
    }
    Some(likeness)
}
