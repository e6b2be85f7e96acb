//! One graph of a workflow: which nodes stay, what they hold, what feeds what.
//!
//! The steps are those of [`merge_graph`]. Must not know the other graphs of the file but for
//! the boundaries of the subgraphs it has instances of.

use rustc_hash::{FxHashMap, FxHashSet};

use super::boundary::MergedBoundaries;
use super::conflict::MergePlace;
use super::decision::MergeVerdict;
use super::merge_log::{MergeLog, node_name_on_any_side};
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use super::wires::{self, HeldNode, LinkIdAllocator, WireMerge};
use super::{groups, node, removal, subgraph_instances, uncontested};
use crate::graph::{
    FxIndexMap, Graph, GraphScope, Node, NodeId, NodeMode, SubgraphId, WidgetNaming, WireSink,
    WireSource, Wires, Workflow,
};
use crate::json::Object;

/// What the merge of every graph needs.
pub(super) struct MergeContext<'a> {
    pub(super) workflows: ThreeWay<&'a Workflow>,
    pub(super) naming: &'a dyn WidgetNaming,
    pub(super) boundaries: &'a MergedBoundaries,
    /// Definitions whose inside a side changed: their instances count as changed.
    pub(super) changed_inside: &'a ThreeWay<FxHashSet<SubgraphId>>,
}

/// One graph in three states.
pub(super) struct GraphStates<'a> {
    pub(super) scope: &'a GraphScope,
    pub(super) graphs: ThreeWay<&'a Graph>,
    pub(super) wires: ThreeWay<Wires>,
    /// Nodes that a side gave a wire they did not have.
    pub(super) rewired: ThreeWay<FxHashSet<NodeId>>,
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeFate {
    /// Both have it: merged.
    Both,
    /// Only that side has it, or its state stands because of a conflict.
    FromSide(MergeSide),
    /// Kept as theirs has it though ours removed it: switched off, so that the file runs
    /// as ours did.
    Muted,
    Gone,
}

/// Merges one graph. `rest` are its other members, merged already.
pub(super) fn merge_graph(
    engine: &MergeContext<'_>,
    scope: &GraphScope,
    graphs: ThreeWay<&Graph>,
    rest: Object,
    free: &mut LinkIdAllocator,
    log: &mut MergeLog<'_>,
) -> Graph {
    let scoped = GraphStates::new(scope, graphs);
    let mut held = FxHashMap::default();
    let mut fates = removal::decide_fates(engine, &scoped, &mut held, log);
    node::hold_retyped_nodes(engine, &scoped, &mut fates, &mut held, log);
    // The template brings along what only the graph itself knows: its schema, and the
    // order of its keys.
    let mut merged = graphs.ours.clone();
    merged.rest = rest;
    merged.nodes = merge_nodes(engine, &scoped, &fates, &held, log);
    let net =
        WireMerge { scope, workflows: engine.workflows, graphs, wires: &scoped.wires, held: &held };
    let picks = net.settle_wires(&merged, log);
    wires::write_links(&mut merged, picks, graphs, &scoped.wires, free);
    merged.groups = groups::merge_groups(scope, graphs, log);
    uncontested::merge_reroutes(&mut merged, graphs);
    merged.floating = uncontested::merge_floating_links(&merged, graphs);
    merged.untyped = uncontested::merge_untyped(graphs);
    merged.sync_slots_with_links();
    merged
}

impl<'a> GraphStates<'a> {
    fn new(scope: &'a GraphScope, graphs: ThreeWay<&'a Graph>) -> Self {
        let wires = graphs.map(Wires::from_graph);
        let rewired = ThreeWay::new(
            FxHashSet::default(),
            rewired_nodes(&wires.base, &wires.ours),
            rewired_nodes(&wires.base, &wires.theirs),
        );
        GraphStates { scope, graphs, wires, rewired }
    }

    pub(super) fn node_states(&self, id: &NodeId) -> ThreeWay<Option<&'a Node>> {
        self.graphs.map(|graph| graph.nodes.get(id))
    }
}

/// Both ends of every wire that is new on a side.
fn rewired_nodes(base: &Wires, side: &Wires) -> FxHashSet<NodeId> {
    let mut ends = FxHashSet::default();
    for (sink, wire) in &side.by_sink {
        if base.by_sink.get(sink).is_some_and(|before| before.from == wire.from) {
            continue;
        }
        if let WireSink::Node { id, .. } = sink {
            ends.insert(id.clone());
        }
        if let WireSource::Node { id, .. } = &wire.from {
            ends.insert(id.clone());
        }
    }
    ends
}

fn merge_nodes(
    engine: &MergeContext<'_>,
    scoped: &GraphStates<'_>,
    fates: &FxIndexMap<NodeId, NodeFate>,
    held: &FxHashMap<NodeId, HeldNode>,
    log: &mut MergeLog<'_>,
) -> FxIndexMap<NodeId, Node> {
    let mut merged = FxIndexMap::default();
    for (id, fate) in fates {
        let nodes = scoped.node_states(id);
        let kept = match fate {
            NodeFate::Gone => None,
            NodeFate::Both => match held.get(id) {
                // A retyped node is one thing with its slots and values.
                Some(held) => nodes.get(held.by).cloned(),
                None => Some(node::merge_node(engine, scoped.scope, nodes, log)),
            },
            NodeFate::FromSide(side) => nodes.get(*side).cloned().map(|mut node| {
                subgraph_instances::fit_instance(engine, &mut node, *side);
                node
            }),
            NodeFate::Muted => nodes.theirs.cloned().map(|mut node| {
                node.set_mode(NodeMode::Mute);
                node
            }),
        };
        if let Some(node) = kept {
            merged.insert(id.clone(), node);
        }
    }
    merged
}

/// Notes a node that only one side has, or has no more.
pub(super) fn log_presence(
    engine: &MergeContext<'_>,
    scope: &GraphScope,
    id: &NodeId,
    there: ThreeWay<bool>,
    log: &mut MergeLog<'_>,
) {
    let verdict = match (there.settle(), there.base) {
        (ThreeWayOutcome::Unchanged | ThreeWayOutcome::Conflicting, _) => return,
        (ThreeWayOutcome::SameChange, false) => MergeVerdict::AddedByBoth,
        (ThreeWayOutcome::SameChange, true) => MergeVerdict::RemovedByBoth,
        (outcome, false) => MergeVerdict::Added(outcome.winning_side()),
        (outcome, true) => MergeVerdict::Removed(outcome.winning_side()),
    };
    let name = node_name_on_any_side(engine.workflows, scope, id);
    log.log_decision(scope, Some(name), MergePlace::Node, verdict);
}
