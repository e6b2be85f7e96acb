//! One graph of a workflow: which nodes stay, what they hold, what feeds what.
//!
//! The steps are those of [`merge`]. Must not know the other graphs of the file but for
//! the boundaries of the subgraphs it has instances of.

use rustc_hash::{FxHashMap, FxHashSet};

use super::boundary::Boundaries;
use super::conflict::Place;
use super::decision::Verdict;
use super::ledger::{Ledger, name_in};
use super::three::{Outcome, Side, Three};
use super::wires::{self, FreeLinks, Held, Net};
use super::{extras, groups, hosts, node, removal};
use crate::graph::{
    Graph, Mode, Naming, Node, NodeId, Scope, Sink, Source, SubgraphId, Table, Wires, Workflow,
};
use crate::json::Object;

/// What the merge of every graph needs.
pub(super) struct Engine<'a> {
    pub(super) workflows: Three<&'a Workflow>,
    pub(super) naming: &'a dyn Naming,
    pub(super) boundaries: &'a Boundaries,
    /// Definitions whose inside a side changed: their instances count as changed.
    pub(super) changed_inside: &'a Three<FxHashSet<SubgraphId>>,
}

/// One graph in three states.
pub(super) struct Scoped<'a> {
    pub(super) scope: &'a Scope,
    pub(super) graphs: Three<&'a Graph>,
    pub(super) wires: Three<Wires>,
    /// Nodes that a side gave a wire they did not have.
    pub(super) rewired: Three<FxHashSet<NodeId>>,
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Both have it: merged.
    Both,
    /// Only that side has it, or its state stands because of a conflict.
    Of(Side),
    /// Kept as theirs has it though ours removed it: switched off, so that the file runs
    /// as ours did.
    Asleep,
    Gone,
}

/// Merges one graph. `rest` are its other members, merged already.
pub(super) fn merge(
    engine: &Engine<'_>,
    scope: &Scope,
    graphs: Three<&Graph>,
    rest: Object,
    free: &mut FreeLinks,
    ledger: &mut Ledger<'_>,
) -> Graph {
    let scoped = Scoped::new(scope, graphs);
    let mut held = FxHashMap::default();
    let mut fates = removal::fates(engine, &scoped, &mut held, ledger);
    node::hold_retyped(engine, &scoped, &mut fates, &mut held, ledger);
    // The template brings along what only the graph itself knows: its schema, and the
    // order of its keys.
    let mut merged = graphs.ours.clone();
    merged.rest = rest;
    merged.nodes = nodes(engine, &scoped, &fates, &held, ledger);
    let net = Net { scope, workflows: engine.workflows, graphs, wires: &scoped.wires, held: &held };
    let picks = net.settle(&merged, ledger);
    wires::write(&mut merged, picks, graphs, &scoped.wires, free);
    merged.groups = groups::merge(scope, graphs, ledger);
    extras::merge_reroutes(&mut merged, graphs);
    merged.floating = extras::floating(&merged, graphs);
    merged.odd = extras::oddities(graphs);
    merged.realign();
    merged
}

impl<'a> Scoped<'a> {
    fn new(scope: &'a Scope, graphs: Three<&'a Graph>) -> Self {
        let wires = graphs.map(Wires::of);
        let rewired = Three::new(
            FxHashSet::default(),
            rewired(&wires.base, &wires.ours),
            rewired(&wires.base, &wires.theirs),
        );
        Scoped { scope, graphs, wires, rewired }
    }

    pub(super) fn nodes(&self, id: &NodeId) -> Three<Option<&'a Node>> {
        self.graphs.map(|graph| graph.nodes.get(id))
    }
}

/// Both ends of every wire that is new on a side.
fn rewired(base: &Wires, side: &Wires) -> FxHashSet<NodeId> {
    let mut ends = FxHashSet::default();
    for (sink, wire) in &side.by_sink {
        if base.by_sink.get(sink).is_some_and(|before| before.from == wire.from) {
            continue;
        }
        if let Sink::Node { id, .. } = sink {
            ends.insert(id.clone());
        }
        if let Source::Node { id, .. } = &wire.from {
            ends.insert(id.clone());
        }
    }
    ends
}

fn nodes(
    engine: &Engine<'_>,
    scoped: &Scoped<'_>,
    fates: &Table<NodeId, Fate>,
    held: &FxHashMap<NodeId, Held>,
    ledger: &mut Ledger<'_>,
) -> Table<NodeId, Node> {
    let mut merged = Table::default();
    for (id, fate) in fates {
        let nodes = scoped.nodes(id);
        let kept = match fate {
            Fate::Gone => None,
            Fate::Both => match held.get(id) {
                // A retyped node is one thing with its slots and values.
                Some(held) => nodes.get(held.by).cloned(),
                None => Some(node::merge(engine, scoped.scope, nodes, ledger)),
            },
            Fate::Of(side) => nodes.get(*side).cloned().map(|mut node| {
                hosts::fit(engine, &mut node, *side);
                node
            }),
            Fate::Asleep => nodes.theirs.cloned().map(|mut node| {
                node.set_mode(Mode::Mute);
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
pub(super) fn tell_presence(
    engine: &Engine<'_>,
    scope: &Scope,
    id: &NodeId,
    there: Three<bool>,
    ledger: &mut Ledger<'_>,
) {
    let verdict = match (there.settle(), there.base) {
        (Outcome::Unchanged | Outcome::Apart, _) => return,
        (Outcome::Alike, false) => Verdict::AddedAlike,
        (Outcome::Alike, true) => Verdict::RemovedAlike,
        (outcome, false) => Verdict::Added(outcome.winner()),
        (outcome, true) => Verdict::Removed(outcome.winner()),
    };
    let name = name_in(engine.workflows, scope, id);
    ledger.decide(scope, Some(name), Place::Node, verdict);
}
