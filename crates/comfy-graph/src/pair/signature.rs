//! Signatures: numbers that are equal where nodes are alike.
//!
//! The signature of level 0 is what a node holds; that of level n + 1 adds the signatures
//! of level n of its neighbours and the names of the inputs between them. No id goes in,
//! so a renumbered graph has the same signatures. Signatures only propose: a collision
//! would make a script longer, never wrong.

use std::cell::OnceCell;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::indexed_graph::{IndexedGraph, NodeIndex};
use crate::graph::Node;
use crate::json::{Object, Value};

/// How many levels there are beyond the first. Four steps tell apart nearly all nodes
/// that can be told apart, and confine an edit to its neighbourhood.
pub(super) const LEVELS: usize = 4;

/// The signatures of all nodes of a document, one list for each level.
pub(super) struct Signatures<'n, 'w> {
    indexed: &'n IndexedGraph<'w>,
    class: &'n [u64],
    /// Of level 0, as far as anybody asked: nodes that did not change are never signed.
    first: Vec<OnceCell<u64>>,
    /// Of the levels beyond, if anybody asked.
    beyond: Vec<Vec<u64>>,
}

impl<'n, 'w> Signatures<'n, 'w> {
    /// Signs the nodes of a document. `class` names the class of each node in a way that
    /// both documents agree on.
    pub(super) fn new(indexed: &'n IndexedGraph<'w>, class: &'n [u64]) -> Self {
        let first = vec![OnceCell::new(); indexed.nodes.len()];
        Signatures { indexed, class, first, beyond: Vec::new() }
    }

    /// Adds the levels beyond the first: most pairs of documents are told apart without.
    pub(super) fn add_neighbour_levels(&mut self) {
        if self.beyond.is_empty() {
            let first: Vec<u64> = (0..self.first.len()).map(|spot| self.get(0, spot)).collect();
            let mut last = &first;
            for _ in 0..LEVELS {
                let next = next_level(self.indexed, last);
                self.beyond.push(next);
                last = &self.beyond[self.beyond.len() - 1];
            }
        }
    }

    /// The signature of a node at a level.
    pub(super) fn get(&self, level: usize, spot: NodeIndex) -> u64 {
        match level.checked_sub(1) {
            Some(beyond) => self.beyond[beyond][spot],
            None => *self.first[spot].get_or_init(|| {
                mix_hashes(hash_content(self.indexed.nodes[spot]), self.class[spot])
            }),
        }
    }
}

/// Whether two nodes of one class hold the same: whether their signatures of level 0 are
/// the same, without signing them.
pub(super) fn hold_the_same(a: &Node, b: &Node) -> bool {
    a.raw().get("widgets_values") == b.raw().get("widgets_values")
        && a.title() == b.title()
        && a.mode() == b.mode()
}

fn next_level(indexed: &IndexedGraph<'_>, last: &[u64]) -> Vec<u64> {
    // What stands at the other end of a boundary slot; any constant would do.
    const BOUNDARY: u64 = 0x517c_c1b7_2722_0a95;
    let mut next: Vec<u64> = last.iter().map(|&own| mix_hashes(own, 1)).collect();
    // Neighbours add up, so their order does not matter.
    for arc in indexed.indexed_wires() {
        let wire = mix_hashes(arc.slot, arc.input);
        let sign = |spot: Option<NodeIndex>| spot.map_or(BOUNDARY, |spot| last[spot]);
        if let Some(to) = arc.to {
            next[to] = next[to].wrapping_add(mix_hashes(mix_hashes(wire, sign(arc.from)), 2));
        }
        if let Some(from) = arc.from {
            next[from] = next[from].wrapping_add(mix_hashes(mix_hashes(wire, sign(arc.to)), 3));
        }
    }
    next
}

/// What a node holds, less its class: what a copy of it would hold too.
fn hash_content(node: &Node) -> u64 {
    let mut hasher = FxHasher::default();
    node.title().hash(&mut hasher);
    node.mode().hash(&mut hasher);
    match node.raw().get("widgets_values") {
        Some(values) => hash_value(values, &mut hasher),
        None => 0_u8.hash(&mut hasher),
    }
    hasher.finish()
}

/// Two numbers into one, in their order, so that no sum of others gives it.
pub(super) fn mix_hashes(a: u64, b: u64) -> u64 {
    // Increment and finalizer of splitmix64.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut mixed = a.wrapping_mul(FACTOR) ^ b.rotate_left(32).wrapping_add(FACTOR);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

pub(crate) fn fx_hash(thing: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = FxHasher::default();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// The hash of a value as spelled.
pub(crate) fn fx_hash_value(value: &Value) -> u64 {
    let mut hasher = FxHasher::default();
    hash_value(value, &mut hasher);
    hasher.finish()
}

fn hash_value(value: &Value, hasher: &mut FxHasher) {
    match value {
        Value::Null => 1_u8.hash(hasher),
        Value::Bool(value) => (2_u8, value).hash(hasher),
        Value::Number(number) => (3_u8, number).hash(hasher),
        Value::String(text) => (4_u8, text).hash(hasher),
        Value::Array(elements) => {
            (5_u8, elements.len()).hash(hasher);
            for element in elements {
                hash_value(element, hasher);
            }
        }
        Value::Object(object) => {
            (6_u8, object.len()).hash(hasher);
            hash_object(object, hasher);
        }
    }
}

fn hash_object(object: &Object, hasher: &mut FxHasher) {
    for (key, value) in object.iter() {
        key.hash(hasher);
        hash_value(value, hasher);
    }
}
