//! Pairs the nodes of two graphs that are each other's partner.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Pairer;
use super::indexed_graph::{IndexedGraph, IndexedWire, Layer, NodeIndex};
use super::signature::LEVELS;
use crate::graph::WidgetValues;

/// Unpaired nodes of both documents that have something in common.
#[derive(Default)]
pub(super) struct PairCandidates {
    pub(super) old: Vec<NodeIndex>,
    pub(super) new: Vec<NodeIndex>,
}

impl Pairer<'_, '_> {
    pub(super) fn pair_layer(&mut self, old: Layer, new: Layer) {
        if self.pair_by_id_alone(old, new) {
            return;
        }
        self.old_signs.add_neighbour_levels();
        self.new_signs.add_neighbour_levels();
        for level in (1..=LEVELS).rev() {
            self.pair_same_id(old, new, |pairer, a, b| pairer.has_same_signature(level, a, b));
        }
        if self.trusts_ids(old, new) {
            self.pair_same_id_and_class(old, new);
        }
        for level in (1..=LEVELS).rev() {
            self.pair_unique(old, new, level);
        }
        self.pair_unique(old, new, 0);
        self.pair_neighbours(old);
        for level in (0..=LEVELS).rev() {
            if self.is_fully_paired(old, new) {
                return;
            }
            self.pair_in_order(old, new, level);
            self.pair_neighbours(old);
        }
        self.pair_same_id(old, new, |_, _, _| true);
        self.pair_by_likeness(old, new);
        self.pair_neighbours(old);
        self.pair_by_shape(old, new);
        self.pair_retyped(old, new);
    }

    /// A graph in which every node was edited and has another id: it is known by its classes and
    /// wires alone, if these are the same throughout and no class is there twice.
    fn pair_by_shape(&mut self, old: Layer, new: Layer) {
        let (before, after) = (self.old.nodes_in(old), self.new.nodes_in(new));
        if before.len() < 2
            || before.len() != after.len()
            || before.clone().any(|node| self.pairing.new_of[node].is_some())
        {
            return;
        }
        let by_class: FxHashMap<u64, NodeIndex> =
            after.clone().map(|node| (self.new_class[node], node)).collect();
        let partners: FxHashMap<NodeIndex, NodeIndex> = before
            .clone()
            .filter_map(|node| Some((node, *by_class.get(&self.old_class[node])?)))
            .collect();
        let distinct: FxHashSet<NodeIndex> = partners.values().copied().collect();
        if partners.len() != before.len() || distinct.len() != before.len() {
            return;
        }
        let is_wired_alike = |(&a, &b): (&NodeIndex, &NodeIndex)| {
            let partner = |from: Option<NodeIndex>| from.map(|from| partners.get(&from).copied());
            let wires: FxHashSet<_> =
                self.old.wires_into(a).map(|wire| (wire.input, partner(wire.from))).collect();
            let others: FxHashSet<_> =
                self.new.wires_into(b).map(|wire| (wire.input, wire.from.map(Some))).collect();
            wires == others
        };
        let has_wires = before.clone().any(|node| self.old.wires_into(node).next().is_some());
        if has_wires && partners.iter().all(is_wired_alike) {
            for (a, b) in partners {
                self.pairing.insert(a, b);
            }
        }
    }

    pub(super) fn is_fully_paired(&self, old: Layer, new: Layer) -> bool {
        let done = |paired: &[Option<NodeIndex>]| paired.iter().all(Option::is_some);
        done(&self.pairing.new_of[self.old.nodes_in(old)])
            || done(&self.pairing.old_of[self.new.nodes_in(new)])
    }

    pub(super) fn has_same_signature(&self, level: usize, old: NodeIndex, new: NodeIndex) -> bool {
        self.old_signs.get(level, old) == self.new_signs.get(level, new)
    }

    pub(super) fn has_same_class(&self, old: NodeIndex, new: NodeIndex) -> bool {
        self.old_class[old] == self.new_class[new]
    }

    pub(super) fn unpaired_with_same_id(&self, spot: NodeIndex, new: Layer) -> Option<NodeIndex> {
        let partner = self.new.node_index(new, self.old.node_id(spot))?;
        self.pairing.is_free(spot, partner).then_some(partner)
    }

    pub(super) fn pair_same_id(
        &mut self,
        old: Layer,
        new: Layer,
        accepts: impl Fn(&Self, NodeIndex, NodeIndex) -> bool,
    ) {
        for spot in self.old.nodes_in(old) {
            if let Some(partner) = self.unpaired_with_same_id(spot, new)
                && self.has_same_class(spot, partner)
                && accepts(self, spot, partner)
            {
                self.pairing.insert(spot, partner);
            }
        }
    }

    /// Unpaired nodes by their signature.
    pub(super) fn candidates_by_signature(
        &self,
        old: Layer,
        new: Layer,
        level: usize,
    ) -> FxHashMap<u64, PairCandidates> {
        let mut peers: FxHashMap<u64, PairCandidates> = FxHashMap::default();
        for spot in self.old.nodes_in(old).filter(|&spot| self.pairing.new_of[spot].is_none()) {
            peers.entry(self.old_signs.get(level, spot)).or_default().old.push(spot);
        }
        for spot in self.new.nodes_in(new).filter(|&spot| self.pairing.old_of[spot].is_none()) {
            if let Some(peers) = peers.get_mut(&self.new_signs.get(level, spot)) {
                peers.new.push(spot);
            }
        }
        peers
    }

    fn pair_unique(&mut self, old: Layer, new: Layer, level: usize) {
        for peers in self.candidates_by_signature(old, new, level).into_values() {
            if let (&[a], &[b]) = (peers.old.as_slice(), peers.new.as_slice())
                && (level > 0 || is_recognizable(self.old, a))
            {
                self.pairing.insert(a, b);
            }
        }
    }

    /// Nodes that nothing tells apart are paired in the order of the file. Where there are
    /// more on one side, nobody knows which of them are left over.
    fn pair_in_order(&mut self, old: Layer, new: Layer, level: usize) {
        for peers in self.candidates_by_signature(old, new, level).into_values() {
            if level > 0 || peers.old.first().is_some_and(|&spot| is_recognizable(self.old, spot)) {
                let is_doubtful = peers.old.len() != peers.new.len();
                for (&a, &b) in peers.old.iter().zip(&peers.new) {
                    self.pairing.insert(a, b);
                    if is_doubtful {
                        self.pairing.doubtful.insert(a);
                    }
                }
            }
        }
    }

    /// Pairs nodes that stand in the same place beside nodes that are paired, as far as it
    /// leads.
    fn pair_neighbours(&mut self, old: Layer) {
        let paired = self.old.nodes_in(old).filter_map(|a| Some((a, self.pairing.new_of[a]?)));
        let open = paired.collect();
        self.pair_neighbours_from(open, |_, _, _| true);
    }

    /// As [`Pairer::pair_neighbours`], from given pairs and only to pairs that are accepted.
    pub(super) fn pair_neighbours_from(
        &mut self,
        mut open: Vec<(NodeIndex, NodeIndex)>,
        accepts: impl Fn(&Self, NodeIndex, NodeIndex) -> bool,
    ) {
        while let Some((a, b)) = open.pop() {
            let is_doubtful = self.pairing.doubtful.contains(&a);
            for (a, b) in
                self.unpaired_sources(a, b).into_iter().chain(self.unpaired_consumers(a, b))
            {
                if self.pairing.is_free(a, b) && self.has_same_class(a, b) && accepts(self, a, b) {
                    self.pairing.insert(a, b);
                    if is_doubtful {
                        self.pairing.doubtful.insert(a);
                    }
                    open.push((a, b));
                }
            }
        }
    }

    /// What feeds the same inputs.
    fn unpaired_sources(&self, old: NodeIndex, new: NodeIndex) -> Vec<(NodeIndex, NodeIndex)> {
        let mut before =
            self.old.wires_into(old).filter(|arc| self.is_unpaired_old(arc.from)).peekable();
        if before.peek().is_none() {
            return Vec::new();
        }
        let key = |arc: &IndexedWire| (arc.input, arc.slot);
        let after: FxHashMap<_, _> =
            self.new.wires_into(new).map(|arc| (key(arc), arc.from)).collect();
        let pair = |arc: &IndexedWire| Some((arc.from?, (*after.get(&key(arc))?)?));
        before.filter_map(pair).collect()
    }

    /// What the same outputs feed, where there is no doubt which is which.
    fn unpaired_consumers(&self, old: NodeIndex, new: NodeIndex) -> Vec<(NodeIndex, NodeIndex)> {
        let key = |arc: &IndexedWire, class: u64| (arc.slot, arc.input, class);
        let mut places: FxHashMap<(u64, u64, u64), PairCandidates> = FxHashMap::default();
        for arc in self.old.wires_out_of(old) {
            if let Some(a) = arc.to.filter(|_| self.is_unpaired_old(arc.to)) {
                places.entry(key(arc, self.old_class[a])).or_default().old.push(a);
            }
        }
        if places.is_empty() {
            return Vec::new();
        }
        for arc in self.new.wires_out_of(new) {
            if let Some(b) = arc.to.filter(|&b| self.pairing.old_of[b].is_none())
                && let Some(peers) = places.get_mut(&key(arc, self.new_class[b]))
            {
                peers.new.push(b);
            }
        }
        let only = |peers: PairCandidates| match (&*peers.old, &*peers.new) {
            (&[a], &[b]) => Some((a, b)),
            _ => None,
        };
        places.into_values().filter_map(only).collect()
    }

    fn is_unpaired_old(&self, spot: Option<NodeIndex>) -> bool {
        spot.is_some_and(|spot| self.pairing.new_of[spot].is_none())
    }

    /// The same id under another class: another node was put in its place, if it took over
    /// a wire or the title.
    fn pair_retyped(&mut self, old: Layer, new: Layer) {
        for spot in self.old.nodes_in(old) {
            let Some(partner) = self.unpaired_with_same_id(spot, new) else { continue };
            let title = self.old.nodes[spot].title();
            let titled = title.is_some() && title == self.new.nodes[partner].title();
            if titled || self.count_kept_wires(spot, partner) > 0 {
                self.pairing.insert(spot, partner);
            }
        }
    }
}

/// Whether a node holds anything by which it could be known again elsewhere.
pub(super) fn is_recognizable(indexed: &IndexedGraph<'_>, spot: NodeIndex) -> bool {
    let node = indexed.nodes[spot];
    let values = match node.widget_values() {
        WidgetValues::Array(values) => values.iter().any(|value| !value.is_null()),
        WidgetValues::Object(values) => !values.is_empty(),
        WidgetValues::None => false,
    };
    values || node.title().is_some()
}
