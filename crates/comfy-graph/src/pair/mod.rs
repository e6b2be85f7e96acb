//! Which thing of one document is which thing of the other.
//!
//! Nodes are paired graph by graph. A node of the same id and class is the same node,
//! before any likeness is weighed, unless it is shown that ids were exchanged: both nodes
//! of an id hold what another one holds on the other side, and the wires went along. What
//! that leaves is paired from the surest evidence to the weakest: the same surroundings
//! under another id (a renumbered copy); same content; the same place between nodes that
//! are paired already; likeness of title, values and wires; the same classes and wires
//! throughout a graph of which nothing else is known. What is left over in graphs
//! that came or went is looked for in the graph that held the instance: nodes that were
//! converted to a subgraph, or unpacked from one. Every step is linear or sorts, so that a
//! wholly renumbered graph costs no more than n log n.
//!
//! Must not know what is done with pairs.

mod definitions;
mod indexed_graph;
mod likeness;
mod moved_nodes;
mod nodes;
mod same_id;
mod signature;
mod twins;

use rustc_hash::FxHashSet;

pub(crate) use indexed_graph::{IndexedGraph, Layer, NodeIndex};
use signature::{Signatures, mix_hashes};

pub(crate) use signature::{fx_hash, fx_hash_value};
pub(crate) use twins::{TwinSearch, are_twin_prompt_nodes, find_twins, find_twins_by_wires};

/// Partners of nodes and graphs, in both directions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pairing {
    /// For each node before, its partner after.
    pub(crate) new_of: Vec<Option<NodeIndex>>,
    /// For each node after, its partner before.
    pub(crate) old_of: Vec<Option<NodeIndex>>,
    /// Nodes before whose partner is one of several that fit as well.
    pub(crate) doubtful: FxHashSet<NodeIndex>,
    /// For each graph before, its partner after.
    pub(crate) new_layer: Vec<Option<Layer>>,
    /// For each graph after, its partner before.
    pub(crate) old_layer: Vec<Option<Layer>>,
}

impl Pairing {
    fn insert(&mut self, old: NodeIndex, new: NodeIndex) {
        debug_assert!(self.new_of[old].is_none() && self.old_of[new].is_none());
        self.new_of[old] = Some(new);
        self.old_of[new] = Some(old);
    }

    fn is_free(&self, old: NodeIndex, new: NodeIndex) -> bool {
        self.new_of[old].is_none() && self.old_of[new].is_none()
    }
}

/// Both documents while they are being paired.
struct Pairer<'n, 'w> {
    old: &'n IndexedGraph<'w>,
    new: &'n IndexedGraph<'w>,
    old_signs: Signatures<'n, 'w>,
    new_signs: Signatures<'n, 'w>,
    old_class: &'n [u64],
    new_class: &'n [u64],
    pairing: Pairing,
}

pub(crate) fn pair_workflows(old: &IndexedGraph<'_>, new: &IndexedGraph<'_>) -> Pairing {
    let (new_layer, old_layer) = definitions::pair_definitions(old, new);
    let old_class = shared_class_hashes(old, |layer| new_layer[layer]);
    let new_class = shared_class_hashes(new, |layer| old_layer[layer].map(|_| layer));
    let mut pairer = Pairer {
        old,
        new,
        old_signs: Signatures::new(old, &old_class),
        new_signs: Signatures::new(new, &new_class),
        old_class: &old_class,
        new_class: &new_class,
        pairing: Pairing {
            new_of: vec![None; old.nodes.len()],
            old_of: vec![None; new.nodes.len()],
            doubtful: FxHashSet::default(),
            new_layer,
            old_layer,
        },
    };
    for layer in 0..old.layers.len() {
        if let Some(partner) = pairer.pairing.new_layer[layer] {
            pairer.pair_layer(layer, partner);
        }
    }
    pairer.pair_across();
    pairer.pairing
}

/// A name for the class of each node on which both documents agree: instances of paired
/// definitions are of one class, whatever the uuids.
fn shared_class_hashes(
    indexed: &IndexedGraph<'_>,
    paired: impl Fn(Layer) -> Option<Layer>,
) -> Vec<u64> {
    let class = |spot| match indexed.definition_layer(spot).and_then(&paired) {
        Some(layer) => mix_hashes(layer as u64, 7),
        None => fx_hash(indexed.nodes[spot].class()),
    };
    (0..indexed.nodes.len()).map(class).collect()
}
