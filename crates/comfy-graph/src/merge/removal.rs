//! Which nodes of one graph stay, and what happens where one side removed what the other
//! changed.
//!
//! Nodes that were removed together are one conflict: giving back one of them without
//! those it was wired to would give back nothing that runs. Until somebody decides, what
//! theirs removed stays all of it, and of what ours removed only the changed nodes stay,
//! switched off: either way the file runs as ours did.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, ConflictPart, MergePlace};
use super::decision::MergeVerdict;
use super::fields;
use super::graph::{GraphStates, MergeContext, NodeFate, log_presence};
use super::merge_log::{MergeLog, node_name_on_any_side};
use super::three_way::{MergeSide, ThreeWay};
use super::wires::HeldNode;
use crate::graph::{FxIndexMap, Node, NodeId, WidgetRole, WireSink, WireSource, Wires};
use crate::json::{JsonPath, Value};

/// How much a side changed a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ChangeDegree {
    Nothing,
    /// Its looks, what programs write into it, a seed that was re-rolled.
    Slightly,
    Truly,
}

/// Decides which nodes stay. Nodes of a conflict are noted in `held`.
pub(super) fn decide_fates(
    engine: &MergeContext<'_>,
    scoped: &GraphStates<'_>,
    held: &mut FxHashMap<NodeId, HeldNode>,
    log: &mut MergeLog<'_>,
) -> FxIndexMap<NodeId, NodeFate> {
    let mut fates: FxIndexMap<NodeId, NodeFate> = FxIndexMap::default();
    let mut removed = ThreeWay::<Vec<NodeId>>::default();
    let all = [scoped.graphs.ours, scoped.graphs.theirs, scoped.graphs.base];
    for id in all.into_iter().flat_map(|graph| graph.nodes.keys()) {
        if fates.contains_key(id) {
            continue;
        }
        let there = scoped.node_states(id).map(|node| node.is_some());
        let fate = match (there.base, there.ours, there.theirs) {
            (_, true, true) => NodeFate::Both,
            (false, true, false) => NodeFate::FromSide(MergeSide::Ours),
            (false, false, true) => NodeFate::FromSide(MergeSide::Theirs),
            (true, true, false) => {
                removed.theirs.push(id.clone());
                NodeFate::Gone
            }
            (true, false, true) => {
                removed.ours.push(id.clone());
                NodeFate::Gone
            }
            (_, false, false) => NodeFate::Gone,
        };
        if !there.base || (!there.ours && !there.theirs) {
            log_presence(engine, scoped.scope, id, there, log);
        }
        fates.insert(id.clone(), fate);
    }
    for remover in [MergeSide::Theirs, MergeSide::Ours] {
        let removal = RemovalSettlement { engine, scoped, remover };
        removal.settle_removed(removed.get(remover), &mut fates, held, log);
    }
    fates
}

struct RemovalSettlement<'r, 'a> {
    engine: &'r MergeContext<'a>,
    scoped: &'r GraphStates<'a>,
    remover: MergeSide,
}

impl RemovalSettlement<'_, '_> {
    fn settle_removed(
        &self,
        removed: &[NodeId],
        fates: &mut FxIndexMap<NodeId, NodeFate>,
        held: &mut FxHashMap<NodeId, HeldNode>,
        log: &mut MergeLog<'_>,
    ) {
        let mut changed: FxHashMap<&NodeId, ChangeDegree> = FxHashMap::default();
        for id in removed {
            changed.insert(id, self.change_degree(id));
        }
        let real = |id: &NodeId| changed.get(id) == Some(&ChangeDegree::Truly);
        for together in self.connected_sets(removed) {
            if !together.iter().any(real) {
                for id in &together {
                    self.log_removal(id, changed.get(id).copied(), log);
                }
                continue;
            }
            let conflict = log.log_conflict(self.removal_conflict(&together, real));
            for id in together {
                let fate = match self.remover {
                    MergeSide::Ours if real(&id) => NodeFate::Muted,
                    MergeSide::Ours => NodeFate::Gone,
                    _ => NodeFate::FromSide(MergeSide::Ours),
                };
                fates.insert(id.clone(), fate);
                held.insert(id, HeldNode { conflict, by: self.remover.other() });
            }
        }
    }

    fn log_removal(&self, id: &NodeId, changed: Option<ChangeDegree>, log: &mut MergeLog<'_>) {
        let name = node_name_on_any_side(self.engine.workflows, self.scoped.scope, id);
        let verdict = match changed {
            Some(ChangeDegree::Slightly) => MergeVerdict::RemovedDespiteMinorChange(self.remover),
            _ => MergeVerdict::Removed(self.remover),
        };
        log.log_decision(self.scoped.scope, Some(name), MergePlace::Node, verdict);
    }

    /// Removed nodes in sets that hang together by the wires of the side that has them.
    fn connected_sets(&self, removed: &[NodeId]) -> Vec<Vec<NodeId>> {
        let wires: &Wires = self.scoped.wires.get(self.remover.other());
        let members: FxHashSet<&NodeId> = removed.iter().collect();
        let mut around: FxHashMap<&NodeId, Vec<&NodeId>> = FxHashMap::default();
        for wire in wires.iter() {
            if let (WireSource::Node { id: from, .. }, WireSink::Node { id: to, .. }) =
                (&wire.from, &wire.to)
                && members.contains(from)
                && members.contains(to)
            {
                around.entry(from).or_default().push(to);
                around.entry(to).or_default().push(from);
            }
        }
        let mut seen: FxHashSet<&NodeId> = FxHashSet::default();
        let mut sets = Vec::new();
        for start in removed {
            if !seen.insert(start) {
                continue;
            }
            let mut set = vec![start.clone()];
            let mut open = vec![start];
            while let Some(next) = open.pop() {
                for other in around.get(next).into_iter().flatten() {
                    if seen.insert(*other) {
                        set.push((*other).clone());
                        open.push(*other);
                    }
                }
            }
            set.sort();
            sets.push(set);
        }
        sets
    }

    fn removal_conflict(&self, together: &[NodeId], real: impl Fn(&NodeId) -> bool) -> Conflict {
        let kind = match self.remover {
            MergeSide::Ours => ConflictKind::RemovedByOurs,
            _ => ConflictKind::RemovedByTheirs,
        };
        // The changed nodes first: the first is the one to name.
        let (changed, rest): (Vec<&NodeId>, Vec<&NodeId>) =
            together.iter().partition(|id| real(id));
        let name =
            |id: &&NodeId| node_name_on_any_side(self.engine.workflows, self.scoped.scope, id);
        let part = |id: &NodeId| {
            let raw = self.scoped.node_states(id).map(|node| node.map(node_without_links));
            ConflictPart { node: Some(id.clone()), place: MergePlace::Node, sides: raw }
        };
        Conflict {
            at: JsonPath::root(),
            scope: self.scoped.scope.clone(),
            node: changed.first().map(name),
            kind,
            parts: changed.into_iter().chain(rest).map(part).collect(),
        }
    }

    fn change_degree(&self, id: &NodeId) -> ChangeDegree {
        let side = self.remover.other();
        let (Some(before), Some(after)) =
            (self.scoped.graphs.base.nodes.get(id), self.scoped.graphs.get(side).nodes.get(id))
        else {
            return ChangeDegree::Truly;
        };
        let inside = self.engine.changed_inside.get(side).contains(&after.as_subgraph());
        if inside
            || self.scoped.rewired.get(side).contains(id)
            || before.class() != after.class()
            || fields::is_significant_change(before.raw(), after.raw())
            || slot_labels(before) != slot_labels(after)
        {
            return ChangeDegree::Truly;
        }
        let values = value_change_degree(self.engine, ThreeWay::new(before, after, after), side);
        let slight = before.raw() != after.raw();
        values.max(if slight { ChangeDegree::Slightly } else { ChangeDegree::Nothing })
    }
}

/// Whether a side changed a node in a way that matters, wires aside.
pub(super) fn is_truly_changed(
    engine: &MergeContext<'_>,
    before: &Node,
    after: &Node,
    side: MergeSide,
) -> bool {
    before.class() != after.class()
        || fields::is_significant_change(before.raw(), after.raw())
        || slot_labels(before) != slot_labels(after)
        || value_change_degree(engine, ThreeWay::new(before, after, after), side)
            == ChangeDegree::Truly
}

fn slot_labels(node: &Node) -> Vec<(String, String)> {
    let slots = node.inputs().chain(node.outputs());
    let labelled = slots.filter(|slot| slot.display_name() != slot.name());
    labelled.map(|slot| (slot.name().to_owned(), slot.display_name().to_owned())).collect()
}

fn value_change_degree(
    engine: &MergeContext<'_>,
    nodes: ThreeWay<&Node>,
    side: MergeSide,
) -> ChangeDegree {
    let (before, after) = (nodes.base, nodes.ours);
    if before.raw().get("widgets_values") == after.raw().get("widgets_values") {
        return ChangeDegree::Nothing;
    }
    let before = engine.naming.widgets(engine.workflows.base, before);
    let after = engine.naming.widgets(engine.workflows.get(side), after);
    let controls = |at: usize| {
        let next = after.get(at + 1).filter(|next| next.role == WidgetRole::Control);
        next.is_some_and(|control| control.value.as_str() != Some("fixed"))
    };
    let known: FxHashMap<_, _> = before.iter().map(|w| (&w.name, w.value)).collect();
    let mut worst = ChangeDegree::Slightly;
    let mut seen = 0;
    for (at, widget) in after.iter().enumerate() {
        let said = widget.role.runs() || widget.role == WidgetRole::Control;
        if !said || widget.value.is_null() {
            continue;
        }
        seen += 1;
        match known.get(&widget.name) {
            Some(value) if value.is_equivalent(widget.value) => {}
            Some(_) if controls(at) => worst = worst.max(ChangeDegree::Slightly),
            _ => worst = ChangeDegree::Truly,
        }
    }
    let said = |w: &&crate::graph::Widget<'_>| {
        (w.role.runs() || w.role == WidgetRole::Control) && !w.value.is_null()
    };
    if before.iter().filter(said).count() != seen {
        worst = ChangeDegree::Truly;
    }
    worst
}

/// A node without what it says of links: those are parts of their own.
pub(super) fn node_without_links(node: &Node) -> Value {
    let mut raw = node.raw().clone();
    for (key, link, empty) in
        [("inputs", "link", Value::Null), ("outputs", "links", Value::Array(Vec::new()))]
    {
        let slots = raw.get_mut(key).and_then(Value::as_array_mut);
        for slot in slots.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(value) = slot.get_mut(link) {
                *value = empty.clone();
            }
        }
    }
    Value::Object(raw)
}
