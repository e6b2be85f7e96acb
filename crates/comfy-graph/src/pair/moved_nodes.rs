//! Pairs nodes across graphs: those that were put into a new subgraph, and those that came
//! out of one that is gone.
//!
//! Only between a definition that came or went and the graph in which its instance came or
//! went: elsewhere two like nodes are two nodes.

use rustc_hash::FxHashMap;

use super::Pairer;
use super::indexed_graph::{IndexedGraph, Layer, NodeIndex};
use super::nodes::{PairCandidates, is_recognizable};
use super::signature::{fx_hash, mix_hashes};

impl Pairer<'_, '_> {
    pub(super) fn pair_across(&mut self) {
        let came = unpaired_layers(&self.pairing.old_layer);
        let went = unpaired_layers(&self.pairing.new_layer);
        for inner in came {
            let around = enclosing_layer(self.new, &self.pairing.old_layer, inner);
            if let Some(before) = around.and_then(|layer| self.pairing.old_layer[layer]) {
                self.pair_moved(before, inner);
            }
        }
        for inner in went {
            let around = enclosing_layer(self.old, &self.pairing.new_layer, inner);
            if let Some(after) = around.and_then(|layer| self.pairing.new_layer[layer]) {
                self.pair_moved(inner, after);
            }
        }
    }

    /// Pairs the leftovers of two graphs: by content and id, by content, by class and id,
    /// by likeness.
    fn pair_moved(&mut self, old: Layer, new: Layer) {
        let known = |indexed: &IndexedGraph<'_>, spot| is_recognizable(indexed, spot);
        let with_id = |sign: u64, indexed: &IndexedGraph<'_>, spot: NodeIndex| {
            mix_hashes(sign, fx_hash(indexed.node_id(spot)))
        };
        self.pair_by_key(
            old,
            new,
            |pairer, spot| Some(with_id(pairer.old_signs.get(0, spot), pairer.old, spot)),
            |pairer, spot| Some(with_id(pairer.new_signs.get(0, spot), pairer.new, spot)),
        );
        self.pair_by_key(
            old,
            new,
            |p, spot| known(p.old, spot).then(|| p.old_signs.get(0, spot)),
            |p, spot| known(p.new, spot).then(|| p.new_signs.get(0, spot)),
        );
        self.pair_by_key(
            old,
            new,
            |pairer, spot| Some(with_id(pairer.old_class[spot], pairer.old, spot)),
            |pairer, spot| Some(with_id(pairer.new_class[spot], pairer.new, spot)),
        );
        self.pair_by_likeness(old, new);
        self.pair_neighbours_of_moved(old, new);
    }

    /// Pairs unpaired nodes of equal keys, in the order of the file.
    fn pair_by_key(
        &mut self,
        old: Layer,
        new: Layer,
        old_key: impl Fn(&Self, NodeIndex) -> Option<u64>,
        new_key: impl Fn(&Self, NodeIndex) -> Option<u64>,
    ) {
        let mut keys: FxHashMap<u64, PairCandidates> = FxHashMap::default();
        for spot in self.old.nodes_in(old).filter(|&spot| self.pairing.new_of[spot].is_none()) {
            if let Some(key) = old_key(self, spot) {
                keys.entry(key).or_default().old.push(spot);
            }
        }
        for spot in self.new.nodes_in(new).filter(|&spot| self.pairing.old_of[spot].is_none()) {
            if let Some(peers) = new_key(self, spot).and_then(|key| keys.get_mut(&key)) {
                peers.new.push(spot);
            }
        }
        for peers in keys.into_values() {
            for (&a, &b) in peers.old.iter().zip(&peers.new) {
                self.pairing.insert(a, b);
            }
        }
    }

    /// Nodes that hold nothing telling, beside nodes that moved.
    fn pair_neighbours_of_moved(&mut self, old: Layer, new: Layer) {
        let moved = self.old.nodes_in(old).filter_map(|a| Some((a, self.pairing.new_of[a]?)));
        let moved = moved.filter(|&(_, b)| self.new.layer_of(b) == new);
        let open: Vec<(NodeIndex, NodeIndex)> = moved.collect();
        self.pair_neighbours_from(open, |pairer, a, b| {
            pairer.old.layer_of(a) == old && pairer.new.layer_of(b) == new
        });
    }
}

/// The nearest graph around a definition that both documents have.
fn enclosing_layer(
    indexed: &IndexedGraph<'_>,
    partner: &[Option<Layer>],
    inner: Layer,
) -> Option<Layer> {
    let mut layer = inner;
    // A definition may contain itself in a damaged file.
    for _ in 0..indexed.layers.len() {
        layer = indexed.layer_of(*indexed.instances_of(layer).first()?);
        if partner[layer].is_some() {
            return Some(layer);
        }
    }
    None
}

fn unpaired_layers(layers: &[Option<Layer>]) -> Vec<Layer> {
    (0..layers.len()).filter(|&layer| layers[layer].is_none()).collect()
}
