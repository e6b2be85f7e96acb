//! Where a wire really comes from: through the boundaries of subgraphs and through
//! `Reroute` nodes, which carry a value and change nothing.
//!
//! Two wires with the same origin are the same to whoever runs the graph; only how they
//! get there differs. Must not know a second document.

use crate::graph::{SlotName, WireSink, WireSource};
use crate::pair::{IndexedGraph, Layer, NodeIndex};

/// The class of the frontend's own node that only passes a value on.
pub(super) const REROUTE_CLASS: &str = "Reroute";

/// How many boundaries and reroutes a wire is followed through. A damaged file may lead
/// in a circle.
const MAX_STEPS: usize = 64;

/// Where a wire begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireOrigin {
    /// At an output of a node.
    Output(NodeIndex, usize),
    /// At a value that an instance of a subgraph holds, or at nothing.
    Nowhere,
    /// A definition with several instances, or none: depends on the instance.
    Unknown,
}

impl IndexedGraph<'_> {
    /// Follows a source to where it begins.
    pub(super) fn wire_origin(&self, layer: Layer, source: &WireSource) -> WireOrigin {
        let (mut layer, mut source) = (layer, source);
        for _ in 0..MAX_STEPS {
            let next = match source {
                WireSource::Boundary(name) => match self.only_instance(layer) {
                    Some(host) => self.source_into(host, name),
                    None => return WireOrigin::Unknown,
                },
                WireSource::Node { id, slot } => {
                    let Some(spot) = self.node_index(layer, id) else { return WireOrigin::Nowhere };
                    if let Some(inside) = self.definition_layer(spot) {
                        self.source_out_of(inside, *slot)
                    } else if self.nodes[spot].class() == REROUTE_CLASS {
                        self.source_into(spot, &self.nodes[spot].input_name(0))
                    } else {
                        return WireOrigin::Output(spot, *slot);
                    }
                }
            };
            match next {
                Some(next) => (layer, source) = next,
                None => return WireOrigin::Nowhere,
            }
        }
        WireOrigin::Unknown
    }

    /// What comes into an input of a node, and in which graph.
    fn source_into(&self, spot: NodeIndex, input: &SlotName) -> Option<(Layer, &WireSource)> {
        let layer = self.layer_of(spot);
        Some((layer, &self.layers[layer].wires().wire_into(self.node_id(spot), input)?.from))
    }

    /// What comes out of a boundary output.
    fn source_out_of(&self, inside: Layer, slot: usize) -> Option<(Layer, &WireSource)> {
        let name = self.definition(inside)?.output_name(slot);
        Some((inside, &self.layers[inside].wires().by_sink.get(&WireSink::Boundary(name))?.from))
    }

    fn only_instance(&self, layer: Layer) -> Option<NodeIndex> {
        match self.instances_of(layer) {
            [host] => Some(*host),
            _ => None,
        }
    }
}
