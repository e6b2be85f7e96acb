//! Pairs nodes of the same id and class, and finds out where ids cannot be believed.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Pairer;
use super::indexed_graph::{IndexedGraph, IndexedWire, Layer, NodeIndex};
use super::nodes::{PairCandidates, is_recognizable};
use super::signature::hold_the_same;
use crate::graph::NodeId;

/// Nodes by what they hold, and by what they and their neighbours hold: the two levels at
/// which a node is looked for under another id.
type CandidatesByLevel = [FxHashMap<u64, PairCandidates>; 2];

impl<'w> Pairer<'_, 'w> {
    /// Pairs two graphs by id and class, given that this leaves nodes over in one of them
    /// at most, and that nothing speaks for an exchange of ids. It needs no look at
    /// neighbours, and does for nearly every edit.
    pub(super) fn pair_by_id_alone(&mut self, old: Layer, new: Layer) -> bool {
        let mut pairs = Vec::with_capacity(self.old.nodes_in(old).len());
        let (mut gone, mut before, mut after) = (0, FxHashSet::default(), FxHashSet::default());
        let mut edited = Vec::new();
        for a in self.old.nodes_in(old) {
            let b = self.unpaired_with_same_id(a, new).filter(|&b| self.has_same_class(a, b));
            let Some(b) = b else {
                gone += 1;
                before.insert(self.old_signs.get(0, a));
                continue;
            };
            pairs.push((a, b));
            if !hold_the_same(self.old.nodes[a], self.new.nodes[b]) {
                before.insert(self.old_signs.get(0, a));
                after.insert(self.new_signs.get(0, b));
                edited.push((a, b));
            } else if !is_recognizable(self.old, a) && self.is_rewired(a, b) {
                return false;
            }
        }
        if gone > 0 && pairs.len() < self.new.nodes_in(new).len() {
            return false;
        }
        if pairs.len() < self.new.nodes_in(new).len() {
            let paired: FxHashSet<NodeIndex> = pairs.iter().map(|&(_, b)| b).collect();
            let came = self.new.nodes_in(new).filter(|b| !paired.contains(b));
            after.extend(came.map(|b| self.new_signs.get(0, b)));
        }
        let moved = |&(a, b): &(NodeIndex, NodeIndex)| {
            after.contains(&self.old_signs.get(0, a)) && before.contains(&self.new_signs.get(0, b))
        };
        if edited.iter().any(moved) {
            return false;
        }
        for (a, b) in pairs {
            self.pairing.insert(a, b);
        }
        true
    }

    /// Whether a node has wires, and none of them leads where it did.
    fn is_rewired(&self, old: NodeIndex, new: NodeIndex) -> bool {
        if self.keeps_a_link(old, new) {
            return false;
        }
        let wired = |indexed: &IndexedGraph<'_>, spot| {
            indexed.wires_into(spot).next().is_some() || indexed.wires_out_of(spot).next().is_some()
        };
        wired(self.old, old) && wired(self.new, new) && self.count_agreeing_wires(old, new) == 0
    }

    /// Whether one of the links into a node is the very same. Says it for nearly every node
    /// without a look at all wires.
    fn keeps_a_link(&self, old: NodeIndex, new: NodeIndex) -> bool {
        let graph = |indexed: &IndexedGraph<'w>, spot| indexed.layers[indexed.layer_of(spot)].graph;
        let (before, after) = (graph(self.old, old), graph(self.new, new));
        let (node, now) = (self.old.nodes[old], self.new.nodes[new]);
        node.inputs().zip(now.inputs()).any(|(input, same)| {
            let link = input.link().filter(|_| input.link() == same.link());
            let ends = link.and_then(|link| before.links.get(&link).zip(after.links.get(&link)));
            ends.is_some_and(|(a, b)| {
                let is_here =
                    a.to().node_id() == Some(node.id()) && a.to().slot() == Some(input.at);
                let origin = a.from().node_id().filter(|_| a.from() == b.from());
                is_here
                    && a.to() == b.to()
                    && node.input_name(input.at) == now.input_name(input.at)
                    && origin.is_some_and(|id| {
                        before.nodes.contains_key(id) && after.nodes.contains_key(id)
                    })
            })
        })
    }

    /// Whether ids mean something: at least as many nodes kept theirs, with what they
    /// hold, as are found under another.
    pub(super) fn trusts_ids(&self, old: Layer, new: Layer) -> bool {
        let levels = self.candidates_by_level(old, new);
        let (mut kept, mut moved) = (0_usize, 0_usize);
        for a in self.old.nodes_in(old) {
            if self.pairing.new_of[a].is_some() {
                kept += 1;
                continue;
            }
            let b = self.unpaired_with_same_id(a, new).filter(|&b| self.has_same_class(a, b));
            if b.is_some_and(|b| self.has_same_signature(0, a, b)) && is_recognizable(self.old, a) {
                kept += 1;
            } else {
                moved += usize::from(self.is_under_another_id(&levels, a, b));
            }
        }
        kept >= moved
    }

    /// Whether what a node holds is found, once, under another id; of a node whose id is
    /// still one of its class, only if that one comes from elsewhere, too.
    fn is_under_another_id(
        &self,
        levels: &CandidatesByLevel,
        a: NodeIndex,
        b: Option<NodeIndex>,
    ) -> bool {
        (0..levels.len()).any(|level| {
            let peers = levels[level].get(&self.old_signs.get(level, a));
            let once = peers.is_some_and(|peers| peers.old.len() == 1 && peers.new.len() == 1);
            let came = |b: NodeIndex| {
                let peers = levels[level].get(&self.new_signs.get(level, b));
                !self.has_same_signature(level, a, b)
                    && peers.is_some_and(|peers| !peers.old.is_empty())
            };
            once && (level > 0 || is_recognizable(self.old, a)) && b.is_none_or(came)
        })
    }

    fn candidates_by_level(&self, old: Layer, new: Layer) -> CandidatesByLevel {
        [self.candidates_by_signature(old, new, 0), self.candidates_by_signature(old, new, 1)]
    }

    /// Same id, same class, whatever they hold; unless both hold what another holds on the
    /// other side, and the wires say that the ids were exchanged.
    pub(super) fn pair_same_id_and_class(&mut self, old: Layer, new: Layer) {
        let levels = self.candidates_by_level(old, new);
        self.pair_same_id(old, new, |pairer, a, b| !pairer.is_exchanged(&levels, a, b));
    }

    fn is_exchanged(&self, levels: &CandidatesByLevel, a: NodeIndex, b: NodeIndex) -> bool {
        (0..levels.len()).rev().any(|level| {
            if self.has_same_signature(level, a, b) {
                return false;
            }
            let twins = levels[level].get(&self.old_signs.get(level, a));
            let twin = twins.and_then(|peers| peers.new.first());
            let came = levels[level].get(&self.new_signs.get(level, b));
            let came = came.is_some_and(|peers| !peers.old.is_empty());
            twin.is_some_and(|&twin| {
                came && self.count_agreeing_wires(a, twin) > self.count_agreeing_wires(a, b)
            })
        })
    }

    /// How many wires lead to neighbours of the same id.
    fn count_agreeing_wires(&self, old: NodeIndex, new: NodeIndex) -> usize {
        let (before, after) = (neighbour_ids(self.old, old), neighbour_ids(self.new, new));
        before.iter().filter(|wire| after.contains(wire)).count()
    }
}

fn neighbour_ids<'w>(
    indexed: &IndexedGraph<'w>,
    spot: NodeIndex,
) -> Vec<(u64, u64, Option<&'w NodeId>)> {
    let wire = |arc: &IndexedWire, end: Option<NodeIndex>| {
        (arc.slot, arc.input, end.map(|end| indexed.node_id(end)))
    };
    let into = indexed.wires_into(spot).map(|arc| wire(arc, arc.from));
    into.chain(indexed.wires_out_of(spot).map(|arc| wire(arc, arc.to))).collect()
}
