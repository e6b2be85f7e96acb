//! Where a wire really comes from: through the boundaries of subgraphs and through
//! `Reroute` nodes, which carry a value and change nothing.
//!
//! Two wires with the same origin are the same to whoever runs the graph; only how they
//! get there differs. Must not know a second document.

use crate::graph::{Sink, SlotName, Source};
use crate::pair::{IndexedGraph, Layer, Spot};

/// The class of the frontend's own node that only passes a value on.
pub(super) const REROUTE: &str = "Reroute";

/// How many boundaries and reroutes a wire is followed through. A damaged file may lead
/// in a circle.
const FAR: usize = 64;

/// Where a wire begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// At an output of a node.
    Output(Spot, usize),
    /// At a value that an instance of a subgraph holds, or at nothing.
    Nowhere,
    /// A definition with several instances, or none: depends on the instance.
    Unknown,
}

impl IndexedGraph<'_> {
    /// Follows a source to where it begins.
    pub(super) fn origin(&self, layer: Layer, source: &Source) -> Origin {
        let (mut layer, mut source) = (layer, source);
        for _ in 0..FAR {
            let next = match source {
                Source::Boundary(name) => match self.only_host(layer) {
                    Some(host) => self.feeding(host, name),
                    None => return Origin::Unknown,
                },
                Source::Node { id, slot } => {
                    let Some(spot) = self.spot(layer, id) else { return Origin::Nowhere };
                    if let Some(inside) = self.inside(spot) {
                        self.leaving(inside, *slot)
                    } else if self.nodes[spot].class() == REROUTE {
                        self.feeding(spot, &self.nodes[spot].input_name(0))
                    } else {
                        return Origin::Output(spot, *slot);
                    }
                }
            };
            match next {
                Some(next) => (layer, source) = next,
                None => return Origin::Nowhere,
            }
        }
        Origin::Unknown
    }

    /// What comes into an input of a node, and in which graph.
    fn feeding(&self, spot: Spot, input: &SlotName) -> Option<(Layer, &Source)> {
        let layer = self.layer_of(spot);
        Some((layer, &self.layers[layer].wires.feeding(self.id(spot), input)?.from))
    }

    /// What comes out of a boundary output.
    fn leaving(&self, inside: Layer, slot: usize) -> Option<(Layer, &Source)> {
        let name = self.definition(inside)?.output_name(slot);
        Some((inside, &self.layers[inside].wires.by_sink.get(&Sink::Boundary(name))?.from))
    }

    fn only_host(&self, layer: Layer) -> Option<Spot> {
        match self.hosts_of(layer) {
            [host] => Some(*host),
            _ => None,
        }
    }
}
