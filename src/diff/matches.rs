//! The pairs of nodes as layouts need them. Must not know what is done with them.

use super::net::Net;
use super::pair::pair;
use crate::canon::{self, Matches};
use crate::graph::Workflow;
use crate::json::Value;

/// Which node of one workflow is which of another, cleaned or not. Nothing if one is none.
pub fn match_nodes(mut before: Value, mut after: Value) -> Option<Matches> {
    canon::strip(&mut before);
    canon::strip(&mut after);
    let old = Workflow::from_value(before).ok()?;
    let new = Workflow::from_value(after).ok()?;
    let (old, new) = (Net::of(&old), Net::of(&new));
    let pairing = pair(&old, &new);
    let nodes = pairing.new_of.iter().enumerate();
    let nodes = nodes.filter_map(|(spot, partner)| Some((old.key(spot), new.key((*partner)?))));
    let graphs = pairing.new_layer.iter().enumerate();
    let graphs = graphs.filter_map(|(layer, partner)| {
        let scope = |net: &Net<'_>, layer: usize| net.layers[layer].scope.clone();
        Some((scope(&old, layer), scope(&new, (*partner)?)))
    });
    Some(Matches::new(nodes, graphs))
}
