//! Pairs what is merely alike: nodes of one class that share values, a title or wires.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Pairer;
use super::indexed_graph::{Arc, Layer, Spot};
use super::nodes::Peers;
use crate::graph::{Node, Widgets};

/// Classes with more pairs of candidates than this are left out: the time to compare each
/// with each grows with their square.
const MANY: usize = 4096;

/// From which score on two nodes are one. Half of the values are worth three, a title
/// four, a wire three.
const ALIKE: usize = 5;

impl Pairer<'_, '_> {
    pub(super) fn by_likeness(&mut self, old: Layer, new: Layer) {
        let before = self.old.spots(old).filter(|&spot| self.pairing.new_of[spot].is_none());
        let mut classes: FxHashMap<u64, Peers> = FxHashMap::default();
        for spot in before {
            classes.entry(self.old_class[spot]).or_default().old.push(spot);
        }
        for spot in self.new.spots(new).filter(|&spot| self.pairing.old_of[spot].is_none()) {
            if let Some(peers) = classes.get_mut(&self.new_class[spot]) {
                peers.new.push(spot);
            }
        }
        for peers in classes.into_values() {
            if peers.old.len() * peers.new.len() <= MANY {
                self.best_first(&peers);
            }
        }
    }

    /// Pairs the candidates of one class, the most alike first.
    pub(super) fn best_first(&mut self, peers: &Peers) {
        let all = peers.old.iter().flat_map(|&a| peers.new.iter().map(move |&b| (a, b)));
        let scored = all.map(|(a, b)| (self.likeness(a, b), a, b));
        let mut scored: Vec<_> = scored.filter(|(score, _, _)| *score >= ALIKE).collect();
        scored.sort_by_key(|&(score, a, b)| (std::cmp::Reverse(score), a, b));
        for (_, a, b) in scored {
            if self.pairing.is_free(a, b) {
                self.pairing.set(a, b);
            }
        }
    }

    fn likeness(&self, old: Spot, new: Spot) -> usize {
        let (before, after) = (self.old.nodes[old], self.new.nodes[new]);
        let title = before.title().is_some() && before.title() == after.title();
        let wires = self.wires_kept(old, new);
        values_kept(before, after) + 4 * usize::from(title) + 3 * wires
    }

    /// How many wires of a node lead to the partners of its neighbours.
    pub(super) fn wires_kept(&self, old: Spot, new: Spot) -> usize {
        let partner = |spot: Option<Spot>| spot.and_then(|spot| self.pairing.new_of[spot]);
        let into: FxHashSet<_> = self.new.into(new).map(|arc| (arc.input, arc.from)).collect();
        let out_of: FxHashSet<_> = self.new.out_of(new).map(|arc| (arc.input, arc.to)).collect();
        let kept = |end: Option<Spot>, arc: &Arc, after: &FxHashSet<(u64, Option<Spot>)>| {
            let end = partner(end);
            end.is_some() && after.contains(&(arc.input, end))
        };
        let fed = self.old.into(old).filter(|arc| kept(arc.from, arc, &into));
        let feeds = self.old.out_of(old).filter(|arc| kept(arc.to, arc, &out_of));
        fed.count() + feeds.count()
    }
}

/// How many of the values are the same, in sixths.
fn values_kept(before: &Node, after: &Node) -> usize {
    let (Widgets::Array(before), Widgets::Array(after)) = (before.widgets(), after.widgets())
    else {
        return 0;
    };
    let most = before.len().max(after.len());
    let same = before.iter().zip(after).filter(|(a, b)| !a.is_null() && a == b).count();
    (6 * same).checked_div(most).unwrap_or_default()
}
