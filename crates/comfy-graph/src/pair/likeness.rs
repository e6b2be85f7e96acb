//! Pairs what is merely alike: nodes of one class that share values, a title or wires.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Pairer;
use super::indexed_graph::{IndexedWire, Layer, NodeIndex};
use super::nodes::PairCandidates;
use crate::graph::{Node, WidgetValues};

/// Classes with more pairs of candidates than this are left out: the time to compare each
/// with each grows with their square.
const MAX_COMPARED_PAIRS: usize = 4096;

/// From which score on two nodes are one. Half of the values are worth three, a title
/// four, a wire three.
const MIN_LIKENESS: usize = 5;

impl Pairer<'_, '_> {
    pub(super) fn pair_by_likeness(&mut self, old: Layer, new: Layer) {
        let before = self.old.nodes_in(old).filter(|&spot| self.pairing.new_of[spot].is_none());
        let mut classes: FxHashMap<u64, PairCandidates> = FxHashMap::default();
        for spot in before {
            classes.entry(self.old_class[spot]).or_default().old.push(spot);
        }
        for spot in self.new.nodes_in(new).filter(|&spot| self.pairing.old_of[spot].is_none()) {
            if let Some(peers) = classes.get_mut(&self.new_class[spot]) {
                peers.new.push(spot);
            }
        }
        for peers in classes.into_values() {
            if peers.old.len() * peers.new.len() <= MAX_COMPARED_PAIRS {
                self.pair_best_first(&peers);
            }
        }
    }

    /// Pairs the candidates of one class, the most alike first.
    pub(super) fn pair_best_first(&mut self, peers: &PairCandidates) {
        let all = peers.old.iter().flat_map(|&a| peers.new.iter().map(move |&b| (a, b)));
        let scored = all.map(|(a, b)| (self.likeness_score(a, b), a, b));
        let mut scored: Vec<_> = scored.filter(|(score, _, _)| *score >= MIN_LIKENESS).collect();
        scored.sort_by_key(|&(score, a, b)| (std::cmp::Reverse(score), a, b));
        for (_, a, b) in scored {
            if self.pairing.is_free(a, b) {
                self.pairing.insert(a, b);
            }
        }
    }

    fn likeness_score(&self, old: NodeIndex, new: NodeIndex) -> usize {
        let (before, after) = (self.old.nodes[old], self.new.nodes[new]);
        let title = before.title().is_some() && before.title() == after.title();
        let wires = self.count_kept_wires(old, new);
        score_kept_values(before, after) + 4 * usize::from(title) + 3 * wires
    }

    /// How many wires of a node lead to the partners of its neighbours.
    pub(super) fn count_kept_wires(&self, old: NodeIndex, new: NodeIndex) -> usize {
        let partner = |spot: Option<NodeIndex>| spot.and_then(|spot| self.pairing.new_of[spot]);
        let into: FxHashSet<_> =
            self.new.wires_into(new).map(|arc| (arc.input, arc.from)).collect();
        let out_of: FxHashSet<_> =
            self.new.wires_out_of(new).map(|arc| (arc.input, arc.to)).collect();
        let kept = |end: Option<NodeIndex>,
                    arc: &IndexedWire,
                    after: &FxHashSet<(u64, Option<NodeIndex>)>| {
            let end = partner(end);
            end.is_some() && after.contains(&(arc.input, end))
        };
        let fed = self.old.wires_into(old).filter(|arc| kept(arc.from, arc, &into));
        let feeds = self.old.wires_out_of(old).filter(|arc| kept(arc.to, arc, &out_of));
        fed.count() + feeds.count()
    }
}

/// How many of the values are the same, in sixths.
fn score_kept_values(before: &Node, after: &Node) -> usize {
    let (WidgetValues::Array(before), WidgetValues::Array(after)) =
        (before.widget_values(), after.widget_values())
    else {
        return 0;
    };
    let most = before.len().max(after.len());
    let same = before.iter().zip(after).filter(|(a, b)| !a.is_null() && a == b).count();
    (6 * same).checked_div(most).unwrap_or_default()
}
