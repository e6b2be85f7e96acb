//! Nodes that both of two states have and their ancestor has not: which of them are one.
//!
//! Two people may well add two like nodes, so likeness alone says nothing here. One node
//! added twice (a commit that reached both sides, a step that both took from the same
//! guide) has the same id, class and wires into it; its texts agree, as they say which
//! thing it is, and of all else one value at most was tuned. Must not know the ancestor.

use rustc_hash::FxHashMap;

use super::indexed_graph::{IndexedGraph, NodeIndex};
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
    let same = |a: &WidgetValues, b: &WidgetValues, most: usize| match (a, b) {
        (WidgetValues::Array(a), WidgetValues::Array(b)) => {
            a.len() == b.len() && differ_in_few_values(a.iter().zip(b.iter()), most)
        }
        (WidgetValues::Object(a), WidgetValues::Object(b)) => {
            let pairs: Option<Vec<_>> = a.iter().map(|(k, v)| Some((v, b.get(k)?))).collect();
            a.len() == b.len()
                && pairs.is_some_and(|pairs| differ_in_few_values(pairs.into_iter(), most))
        }
        (WidgetValues::None, WidgetValues::None) => true,
        _ => false,
    };
    match wired {
        true => same(&a.widget_values(), &b.widget_values(), 1),
        false => {
            a.title() == b.title()
                && a.mode() == b.mode()
                && same(&a.widget_values(), &b.widget_values(), 0)
        }
    }
}

/// Whether no two titles were given.
fn titles_agree(a: Option<&str>, b: Option<&str>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// Whether all values but a few are the same, and those are no texts.
fn differ_in_few_values<'v>(
    pairs: impl Iterator<Item = (&'v Value, &'v Value)>,
    most: usize,
) -> bool {
    let other: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
    let text = |value: &Value| value.as_str().is_some();
    other.len() <= most && !other.iter().any(|(a, b)| text(a) || text(b))
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
            && pairs.is_some_and(|pairs| differ_in_few_values(pairs.into_iter(), 1)))
}
