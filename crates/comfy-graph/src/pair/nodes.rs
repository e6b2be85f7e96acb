//! Pairs the nodes of two graphs that are each other's partner.

use rustc_hash::FxHashMap;

use super::Pairer;
use super::indexed_graph::{Arc, IndexedGraph, Layer, Spot};
use super::signature::LEVELS;
use crate::graph::Widgets;

/// Unpaired nodes of both documents that have something in common.
#[derive(Default)]
pub(super) struct Peers {
    pub(super) old: Vec<Spot>,
    pub(super) new: Vec<Spot>,
}

impl Pairer<'_, '_> {
    pub(super) fn pair_layer(&mut self, old: Layer, new: Layer) {
        if self.by_id_alone(old, new) {
            return;
        }
        self.old_signs.look_around(self.old);
        self.new_signs.look_around(self.new);
        for level in (1..=LEVELS).rev() {
            self.same_id(old, new, |pairer, a, b| pairer.same_sign(level, a, b));
        }
        if self.trusts_ids(old, new) {
            self.same_id_and_class(old, new);
        }
        for level in (1..=LEVELS).rev() {
            self.unique(old, new, level);
        }
        self.unique(old, new, 0);
        self.spread(old);
        for level in (0..=LEVELS).rev() {
            if self.is_done(old, new) {
                return;
            }
            self.in_order(old, new, level);
            self.spread(old);
        }
        self.same_id(old, new, |_, _, _| true);
        self.by_likeness(old, new);
        self.spread(old);
        self.retyped(old, new);
    }

    pub(super) fn is_done(&self, old: Layer, new: Layer) -> bool {
        let done = |paired: &[Option<Spot>]| paired.iter().all(Option::is_some);
        done(&self.pairing.new_of[self.old.spots(old)])
            || done(&self.pairing.old_of[self.new.spots(new)])
    }

    pub(super) fn same_sign(&self, level: usize, old: Spot, new: Spot) -> bool {
        self.old_signs.at(level, old) == self.new_signs.at(level, new)
    }

    pub(super) fn same_class(&self, old: Spot, new: Spot) -> bool {
        self.old_class[old] == self.new_class[new]
    }

    pub(super) fn namesake(&self, spot: Spot, new: Layer) -> Option<Spot> {
        let partner = self.new.spot(new, self.old.id(spot))?;
        self.pairing.is_free(spot, partner).then_some(partner)
    }

    pub(super) fn same_id(
        &mut self,
        old: Layer,
        new: Layer,
        accepts: impl Fn(&Self, Spot, Spot) -> bool,
    ) {
        for spot in self.old.spots(old) {
            if let Some(partner) = self.namesake(spot, new)
                && self.same_class(spot, partner)
                && accepts(self, spot, partner)
            {
                self.pairing.set(spot, partner);
            }
        }
    }

    /// Unpaired nodes by their signature.
    pub(super) fn peers(&self, old: Layer, new: Layer, level: usize) -> FxHashMap<u64, Peers> {
        let mut peers: FxHashMap<u64, Peers> = FxHashMap::default();
        for spot in self.old.spots(old).filter(|&spot| self.pairing.new_of[spot].is_none()) {
            peers.entry(self.old_signs.at(level, spot)).or_default().old.push(spot);
        }
        for spot in self.new.spots(new).filter(|&spot| self.pairing.old_of[spot].is_none()) {
            if let Some(peers) = peers.get_mut(&self.new_signs.at(level, spot)) {
                peers.new.push(spot);
            }
        }
        peers
    }

    fn unique(&mut self, old: Layer, new: Layer, level: usize) {
        for peers in self.peers(old, new, level).into_values() {
            if let (&[a], &[b]) = (peers.old.as_slice(), peers.new.as_slice())
                && (level > 0 || is_telling(self.old, a))
            {
                self.pairing.set(a, b);
            }
        }
    }

    /// Nodes that nothing tells apart are paired in the order of the file.
    fn in_order(&mut self, old: Layer, new: Layer, level: usize) {
        for peers in self.peers(old, new, level).into_values() {
            if level > 0 || peers.old.first().is_some_and(|&spot| is_telling(self.old, spot)) {
                for (&a, &b) in peers.old.iter().zip(&peers.new) {
                    self.pairing.set(a, b);
                }
            }
        }
    }

    /// Pairs nodes that stand in the same place beside nodes that are paired, as far as it
    /// leads.
    fn spread(&mut self, old: Layer) {
        let paired = self.old.spots(old).filter_map(|a| Some((a, self.pairing.new_of[a]?)));
        let open = paired.collect();
        self.spread_from(open, |_, _, _| true);
    }

    /// As [`Pairer::spread`], from given pairs and only to pairs that are accepted.
    pub(super) fn spread_from(
        &mut self,
        mut open: Vec<(Spot, Spot)>,
        accepts: impl Fn(&Self, Spot, Spot) -> bool,
    ) {
        while let Some((a, b)) = open.pop() {
            for (a, b) in self.sources(a, b).into_iter().chain(self.consumers(a, b)) {
                if self.pairing.is_free(a, b) && self.same_class(a, b) && accepts(self, a, b) {
                    self.pairing.set(a, b);
                    open.push((a, b));
                }
            }
        }
    }

    /// What feeds the same inputs.
    fn sources(&self, old: Spot, new: Spot) -> Vec<(Spot, Spot)> {
        let mut before = self.old.into(old).filter(|arc| self.is_open_old(arc.from)).peekable();
        if before.peek().is_none() {
            return Vec::new();
        }
        let key = |arc: &Arc| (arc.input, arc.slot);
        let after: FxHashMap<_, _> = self.new.into(new).map(|arc| (key(arc), arc.from)).collect();
        let pair = |arc: &Arc| Some((arc.from?, (*after.get(&key(arc))?)?));
        before.filter_map(pair).collect()
    }

    /// What the same outputs feed, where there is no doubt which is which.
    fn consumers(&self, old: Spot, new: Spot) -> Vec<(Spot, Spot)> {
        let key = |arc: &Arc, class: u64| (arc.slot, arc.input, class);
        let mut places: FxHashMap<(u64, u64, u64), Peers> = FxHashMap::default();
        for arc in self.old.out_of(old) {
            if let Some(a) = arc.to.filter(|_| self.is_open_old(arc.to)) {
                places.entry(key(arc, self.old_class[a])).or_default().old.push(a);
            }
        }
        if places.is_empty() {
            return Vec::new();
        }
        for arc in self.new.out_of(new) {
            if let Some(b) = arc.to.filter(|&b| self.pairing.old_of[b].is_none())
                && let Some(peers) = places.get_mut(&key(arc, self.new_class[b]))
            {
                peers.new.push(b);
            }
        }
        let only = |peers: Peers| match (&*peers.old, &*peers.new) {
            (&[a], &[b]) => Some((a, b)),
            _ => None,
        };
        places.into_values().filter_map(only).collect()
    }

    fn is_open_old(&self, spot: Option<Spot>) -> bool {
        spot.is_some_and(|spot| self.pairing.new_of[spot].is_none())
    }

    /// The same id under another class: another node was put in its place, if it took over
    /// a wire or the title.
    fn retyped(&mut self, old: Layer, new: Layer) {
        for spot in self.old.spots(old) {
            let Some(partner) = self.namesake(spot, new) else { continue };
            let title = self.old.nodes[spot].title();
            let titled = title.is_some() && title == self.new.nodes[partner].title();
            if titled || self.wires_kept(spot, partner) > 0 {
                self.pairing.set(spot, partner);
            }
        }
    }
}

/// Whether a node holds anything by which it could be known again elsewhere.
pub(super) fn is_telling(net: &IndexedGraph<'_>, spot: Spot) -> bool {
    let node = net.nodes[spot];
    let values = match node.widgets() {
        Widgets::Array(values) => values.iter().any(|value| !value.is_null()),
        Widgets::Object(values) => !values.is_empty(),
        Widgets::None => false,
    };
    values || node.title().is_some()
}
