//! Nodes that both of two states have and their ancestor has not: which of them are one.
//!
//! Two people may well add two like nodes, so likeness alone says nothing here. One node
//! added twice (a commit that reached both sides, a step that both took from the same
//! guide) has the same id, class and wires into it; prompts and names of files agree, as they
//! say which thing it is, and whatever else differs was tuned. Under another id it holds the
//! very same. Must not know the ancestor.

use rustc_hash::{FxHashMap, FxHashSet};

use super::indexed_graph::{IndexedGraph, NodeIndex};
use super::signature::{fx_hash, fx_hash_value, hold_the_same};
use crate::graph::{Node, NodeId, PromptInput, PromptNode, WidgetValues};
use crate::json::Value;

/// Nodes of two states to compare: those in question, and the pairs that are known.
pub(crate) struct TwinSearch<'n, 'w> {
    pub(crate) old: &'n IndexedGraph<'w>,
    pub(crate) new: &'n IndexedGraph<'w>,
    /// For each node of the other state, the same node of the first if the ancestor has it.
    pub(crate) known: &'n FxHashMap<NodeIndex, NodeIndex>,
}

/// Pairs candidates of one id. Gives, for nodes of the second state, those of the first.
pub(crate) fn find_twins(
    states: &TwinSearch<'_, '_>,
    candidates: Vec<(NodeIndex, NodeIndex)>,
) -> FxHashMap<NodeIndex, NodeIndex> {
    let (old, new): (&IndexedGraph<'_>, &IndexedGraph<'_>) = (states.old, states.new);
    let alike = |&(a, b): &(NodeIndex, NodeIndex)| {
        let equal = old.nodes[a] == new.nodes[b];
        equal
            || are_twin_nodes(
                old.nodes[a],
                new.nodes[b],
                IndexedGraph::wires_into(old, a).next().is_some(),
            )
    };
    let mut twins: FxHashMap<NodeIndex, NodeIndex> =
        candidates.into_iter().filter(alike).map(|(a, b)| (b, a)).collect();
    // A node that hangs on one that is not the same is not the same.
    loop {
        let apart = |(&b, &a): (&NodeIndex, &NodeIndex)| {
            (states.have_same_sources(a, b, &twins) != Some(true)).then_some(b)
        };
        let apart: Vec<NodeIndex> = twins.iter().filter_map(apart).collect();
        if apart.is_empty() {
            return twins;
        }
        for b in apart {
            twins.remove(&b);
        }
    }
}

/// How many nodes of a chain are found one behind the other.
const MAX_CHAIN: usize = 64;

/// Pairs nodes that have different ids, hold the same and hang on the same wires, as far as
/// there is no doubt which is which. `old` and `new` are the nodes in question; gives, for nodes
/// of the second state, those of the first.
pub(crate) fn find_twins_by_wires(
    states: &TwinSearch<'_, '_>,
    old: &[NodeIndex],
    new: &[NodeIndex],
) -> FxHashMap<NodeIndex, NodeIndex> {
    let mut twins: FxHashMap<NodeIndex, NodeIndex> = FxHashMap::default();
    for _ in 0..MAX_CHAIN {
        let taken: FxHashSet<NodeIndex> = twins.values().copied().collect();
        let mut peers: FxHashMap<u64, (Vec<NodeIndex>, Vec<NodeIndex>)> = FxHashMap::default();
        for &spot in old.iter().filter(|spot| !taken.contains(spot)) {
            if let Some(key) = wiring_key(states.old, spot, Some) {
                peers.entry(key).or_default().0.push(spot);
            }
        }
        let known = |from: NodeIndex| states.known.get(&from).or_else(|| twins.get(&from)).copied();
        for &spot in new.iter().filter(|spot| !twins.contains_key(spot)) {
            if let Some(key) = wiring_key(states.new, spot, known) {
                peers.entry(key).or_default().1.push(spot);
            }
        }
        let found: Vec<(NodeIndex, NodeIndex)> = peers
            .into_values()
            .filter_map(|peers| match (peers.0.as_slice(), peers.1.as_slice()) {
                (&[a], &[b]) => Some((b, a)),
                _ => None,
            })
            .filter(|&(b, a)| {
                states.old.node_scope(a) == states.new.node_scope(b)
                    && states.old.nodes[a].class() == states.new.nodes[b].class()
                    && hold_the_same(states.old.nodes[a], states.new.nodes[b])
            })
            .collect();
        if found.is_empty() {
            break;
        }
        twins.extend(found);
    }
    twins
}

/// A node's graph, class and what feeds it; nothing for a node without wires into it, or if what
/// feeds it is not known.
fn wiring_key(
    indexed: &IndexedGraph<'_>,
    spot: NodeIndex,
    known: impl Fn(NodeIndex) -> Option<NodeIndex>,
) -> Option<u64> {
    let mut sources = Vec::new();
    for arc in indexed.wires_into(spot) {
        let from = match arc.from {
            Some(from) => Some(known(from)?),
            None => None,
        };
        sources.push((arc.input, arc.slot, from));
    }
    sources.sort_unstable();
    let values = indexed.nodes[spot].raw().get("widgets_values").map(fx_hash_value);
    let about = (indexed.node_scope(spot), indexed.nodes[spot].class(), values);
    (!sources.is_empty()).then(|| fx_hash(&(about, sources)))
}

impl TwinSearch<'_, '_> {
    /// Whether the same feeds the same inputs; nothing if what feeds them is not paired.
    fn have_same_sources(
        &self,
        a: NodeIndex,
        b: NodeIndex,
        twins: &FxHashMap<NodeIndex, NodeIndex>,
    ) -> Option<bool> {
        let mut before: Vec<_> =
            self.old.wires_into(a).map(|arc| (arc.input, arc.slot, arc.from)).collect();
        let mut after = Vec::new();
        for arc in self.new.wires_into(b) {
            let from = match arc.from {
                Some(from) => Some(*self.known.get(&from).or_else(|| twins.get(&from))?),
                None => None,
            };
            after.push((arc.input, arc.slot, from));
        }
        before.sort_unstable();
        after.sort_unstable();
        Some(before == after)
    }
}

fn are_twin_nodes(a: &Node, b: &Node, wired: bool) -> bool {
    if a.class() != b.class() || (wired && !titles_agree(a.title(), b.title())) {
        return false;
    }
    let same = |a: &WidgetValues, b: &WidgetValues, tuning: Tuning| match (a, b) {
        (WidgetValues::Array(a), WidgetValues::Array(b)) => {
            a.len() == b.len() && differ_in_tuning(a.iter().zip(b.iter()), tuning)
        }
        (WidgetValues::Object(a), WidgetValues::Object(b)) => {
            let pairs: Option<Vec<_>> = a.iter().map(|(k, v)| Some((v, b.get(k)?))).collect();
            a.len() == b.len()
                && pairs.is_some_and(|pairs| differ_in_tuning(pairs.into_iter(), tuning))
        }
        (WidgetValues::None, WidgetValues::None) => true,
        _ => false,
    };
    match wired {
        true => same(&a.widget_values(), &b.widget_values(), Tuning::Any),
        false => {
            a.title() == b.title()
                && a.mode() == b.mode()
                && same(&a.widget_values(), &b.widget_values(), Tuning::None)
        }
    }
}

/// Whether no two titles were given.
fn titles_agree(a: Option<&str>, b: Option<&str>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// What may differ in two nodes that are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tuning {
    Any,
    None,
}

/// Whether what differs is tuning: no prompts, and no names of files.
fn differ_in_tuning<'v>(
    pairs: impl Iterator<Item = (&'v Value, &'v Value)>,
    tuning: Tuning,
) -> bool {
    let mut other = pairs.filter(|(a, b)| !a.is_equivalent(b));
    match tuning {
        Tuning::None => other.next().is_none(),
        Tuning::Any => !other.any(|(a, b)| names_a_thing(a) || names_a_thing(b)),
    }
}

/// Whether a text says which thing a node is, rather than how it works: a prompt, a file.
fn names_a_thing(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    text.contains(['.', '/', '\\']) || text.split_whitespace().nth(1).is_some()
}

/// The same rule for two nodes of one id in prompts that were added to both.
pub(crate) fn are_twin_prompt_nodes(a: &PromptNode, b: &PromptNode) -> bool {
    let (Some(before), Some(after)) = (a.raw_inputs(), b.raw_inputs()) else { return a == b };
    let wires = |node: &PromptNode| -> FxHashMap<String, (NodeId, usize)> {
        let wire = |(name, value): (&str, PromptInput<'_>)| match value {
            PromptInput::Link { node, slot } => Some((name.to_owned(), (node, slot))),
            PromptInput::Literal(_) => None,
        };
        node.inputs().filter_map(wire).collect()
    };
    let fed = wires(a);
    let values = before.iter().filter(|(key, _)| !fed.contains_key(key.as_str()));
    let pairs: Option<Vec<_>> = values.map(|(key, value)| Some((value, after.get(key)?))).collect();
    a == b
        || (a.class() == b.class()
            && titles_agree(a.title(), b.title())
            && !fed.is_empty()
            && fed == wires(b)
            && before.len() == after.len()
            && pairs.is_some_and(|pairs| differ_in_tuning(pairs.into_iter(), Tuning::Any)))
}
