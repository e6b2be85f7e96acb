//! What feeds what: each input has at most one wire, and each is settled by itself.
//!
//! Also writes the links of a merged graph, so that the links table, the inputs, the
//! outputs and the boundary of a subgraph say the same. Must not know why nodes stay: which
//! do is given.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, ConflictPart, MergePlace};
use super::decision::MergeVerdict;
use super::json_merge::outcome_verdict;
use super::merge_log::{MergeLog, node_name_on_any_side};
use super::slots;
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use crate::graph::{
    FxIndexMap, Graph, GraphScope, Link, LinkEnd, LinkId, NodeId, SlotName, Wire, WireSink,
    WireSource, Wires, Workflow, find_slot,
};
use crate::json::{Object, Value};

/// A node that stays (or is gone) because of a conflict, with all its wires.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldNode {
    /// The number of the conflict.
    pub(super) conflict: usize,
    /// Whose wires into the node stand.
    pub(super) by: MergeSide,
}

/// Slots of the sides that the result does not list are numbered from here on: beyond the
/// length of any list, so that they equal no slot that is listed.
const UNLISTED_SLOT_BASE: usize = 1 << 32;

/// One graph whose wires are being settled.
pub(super) struct WireMerge<'a> {
    pub(super) scope: &'a GraphScope,
    pub(super) workflows: ThreeWay<&'a Workflow>,
    pub(super) graphs: ThreeWay<&'a Graph>,
    pub(super) wires: &'a ThreeWay<Wires>,
    pub(super) held: &'a FxHashMap<NodeId, HeldNode>,
}

/// The wires of the result, and whose each is.
pub(super) type PickedWires = FxIndexMap<WireSink, (MergeSide, Wire)>;

/// For each node whose outputs are listed otherwise than in the result: index there.
type OutputShifts = FxHashMap<NodeId, Vec<Option<usize>>>;

impl WireMerge<'_> {
    /// Settles every input of the merged graph, of which nodes and boundary are done.
    pub(super) fn settle_wires(&self, merged: &Graph, log: &mut MergeLog<'_>) -> PickedWires {
        let shifts = self.graphs.map(|graph| output_shifts(graph, merged));
        let mut seen: FxHashSet<&WireSink> = FxHashSet::default();
        let sinks = [&self.wires.ours, &self.wires.theirs, &self.wires.base];
        let sinks: Vec<&WireSink> =
            sinks.into_iter().flat_map(|w| w.by_sink.keys()).filter(|s| seen.insert(*s)).collect();
        let mut picks = PickedWires::default();
        for sink in sinks {
            let wires = self.wires.as_ref().map(|wires| wires.by_sink.get(sink));
            let sources = ThreeWay::new(
                wires.base.map(|wire| shift_source(&wire.from, &shifts.base)),
                wires.ours.map(|wire| shift_source(&wire.from, &shifts.ours)),
                wires.theirs.map(|wire| shift_source(&wire.from, &shifts.theirs)),
            );
            let Some(side) = self.pick_side(sink, &sources, merged, log) else { continue };
            let (Some(wire), Some(from)) = (*wires.get(side), sources.get(side).clone()) else {
                continue;
            };
            if let WireSource::Node { id, .. } = &from
                && !merged.nodes.contains_key(id)
            {
                continue;
            }
            let wire = Wire { link: wire.link, from, to: sink.clone() };
            picks.insert(sink.clone(), (side, wire));
        }
        picks
    }

    /// The side whose wire feeds an input of the result.
    fn pick_side(
        &self,
        sink: &WireSink,
        sources: &ThreeWay<Option<WireSource>>,
        merged: &Graph,
        log: &mut MergeLog<'_>,
    ) -> Option<MergeSide> {
        let held = match sink {
            WireSink::Node { id, .. } => self.held.get(id),
            WireSink::Boundary(_) => None,
        };
        if let Some(held) = held {
            self.attach_part(held.conflict, sink, sources, log);
        }
        if let WireSink::Node { id, .. } = sink
            && !merged.nodes.contains_key(id)
        {
            return None;
        }
        if let Some(held) = held {
            return Some(held.by);
        }
        let from_held = [&sources.ours, &sources.theirs, &sources.base].into_iter().flatten();
        let from_held = from_held.filter_map(|source| match source {
            WireSource::Node { id, .. } => self.held.get(id),
            WireSource::Boundary(_) => None,
        });
        if sources.ours != sources.theirs
            && let Some(held) = from_held.into_iter().next()
        {
            self.attach_part(held.conflict, sink, sources, log);
            return Some(MergeSide::Ours);
        }
        // An input that lost its wire only because the node at the other end was removed
        // says nothing about what should feed it now.
        match (
            self.lost_with_source(MergeSide::Ours, sources),
            self.lost_with_source(MergeSide::Theirs, sources),
        ) {
            (true, true) => return None,
            (true, false) if sources.theirs == sources.base => return None,
            (true, false) => return Some(MergeSide::Theirs),
            (false, true) if sources.ours == sources.base => return None,
            (false, true) => return Some(MergeSide::Ours),
            (false, false) => {}
        }
        let outcome = sources.settle();
        if outcome == ThreeWayOutcome::Conflicting {
            self.log_contended(sink, sources, log);
        } else {
            self.log_wire_decision(outcome, sink, sources, log);
        }
        Some(outcome.winning_side())
    }

    fn lost_with_source(&self, side: MergeSide, sources: &ThreeWay<Option<WireSource>>) -> bool {
        match (&sources.base, sources.get(side)) {
            (Some(WireSource::Node { id, .. }), None) => {
                !self.graphs.get(side).nodes.contains_key(id)
            }
            _ => false,
        }
    }

    fn wire_part(&self, sink: &WireSink, sources: &ThreeWay<Option<WireSource>>) -> ConflictPart {
        let (node, place) = match sink {
            WireSink::Node { id, input } => (Some(id.clone()), MergePlace::Input(input.clone())),
            WireSink::Boundary(output) => (None, MergePlace::Boundary(output.clone())),
        };
        let sides = sources.as_ref().map(|source| Some(source_to_value(source.as_ref())));
        ConflictPart { node, place, sides }
    }

    fn attach_part(
        &self,
        conflict: usize,
        sink: &WireSink,
        sources: &ThreeWay<Option<WireSource>>,
        log: &mut MergeLog<'_>,
    ) {
        if sources.ours == sources.theirs && sources.ours == sources.base {
            return;
        }
        let part = self.wire_part(sink, sources);
        if let Some(open) = log.conflicts.get_mut(conflict) {
            open.conflict.parts.push(part);
        }
    }

    fn log_contended(
        &self,
        sink: &WireSink,
        sources: &ThreeWay<Option<WireSource>>,
        log: &mut MergeLog<'_>,
    ) {
        let part = self.wire_part(sink, sources);
        let name = |id: &NodeId| node_name_on_any_side(self.workflows, self.scope, id);
        let conflict = Conflict {
            at: crate::json::JsonPath::root(),
            scope: self.scope.clone(),
            node: part.node.as_ref().map(name),
            kind: ConflictKind::InputContended,
            parts: vec![part],
        };
        log.log_conflict(conflict);
    }

    fn log_wire_decision(
        &self,
        outcome: ThreeWayOutcome,
        sink: &WireSink,
        sources: &ThreeWay<Option<WireSource>>,
        log: &mut MergeLog<'_>,
    ) {
        let Some(verdict) = outcome_verdict(outcome, sources.as_ref().map(Option::as_ref)) else {
            return;
        };
        // Wires of a new node say nothing that the node does not.
        if matches!(verdict, MergeVerdict::AddedByBoth) {
            return;
        }
        let (node, place) = match sink {
            WireSink::Node { id, input } => (
                Some(node_name_on_any_side(self.workflows, self.scope, id)),
                MergePlace::Input(input.clone()),
            ),
            WireSink::Boundary(output) => (None, MergePlace::Boundary(output.clone())),
        };
        log.log_decision(self.scope, node, place, verdict);
    }
}

fn output_shifts(side: &Graph, merged: &Graph) -> OutputShifts {
    let listed = |graph: &Graph, id: &NodeId| {
        slots::slot_names(graph.nodes.get(id).and_then(|node| node.raw().get("outputs")))
    };
    let mut shifts = OutputShifts::default();
    for (id, node) in &merged.nodes {
        let Some(own) = side.nodes.get(id) else { continue };
        if own.raw().get("outputs") == node.raw().get("outputs") {
            continue;
        }
        let (own, result) = (listed(side, id), listed(merged, id));
        if own != result {
            shifts.insert(id.clone(), slots::map_slots(&own, &result));
        }
    }
    shifts
}

fn shift_source(source: &WireSource, shifts: &OutputShifts) -> WireSource {
    match source {
        WireSource::Node { id, slot } => match shifts.get(id).and_then(|shift| shift.get(*slot)) {
            Some(Some(at)) => WireSource::Node { id: id.clone(), slot: *at },
            Some(None) => WireSource::Node { id: id.clone(), slot: UNLISTED_SLOT_BASE + slot },
            None => source.clone(),
        },
        WireSource::Boundary(_) => source.clone(),
    }
}

/// An origin as conflicts spell it.
pub(super) fn source_to_value(source: Option<&WireSource>) -> Value {
    match source {
        None => Value::Null,
        Some(WireSource::Node { id, slot }) => {
            let members =
                [("node", id.to_value()), ("slot", Value::from(slot % UNLISTED_SLOT_BASE))];
            Value::Object(members.into_iter().collect())
        }
        Some(WireSource::Boundary(name)) => {
            let mut object = Object::new();
            object.append("boundary", name.name.clone());
            if name.nth > 0 {
                object.append("nth", name.nth);
            }
            Value::Object(object)
        }
    }
}

/// What [`source_to_value`] made. Null and nonsense are no origin.
pub(super) fn source_from_value(value: &Value) -> Option<WireSource> {
    let index = |key| value.get(key).and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok());
    if let Some(name) = value.get("boundary").and_then(Value::as_str) {
        let name = SlotName { nth: index("nth").unwrap_or_default(), ..SlotName::new(name) };
        return Some(WireSource::Boundary(name));
    }
    Some(WireSource::Node { id: NodeId::from_value(value.get("node")?)?, slot: index("slot")? })
}

/// Ids for links, over all graphs of the result.
pub(super) struct LinkIdAllocator {
    used: FxHashSet<LinkId>,
    next: i64,
}

impl LinkIdAllocator {
    /// Ids beside those that ours uses, above those that anybody uses.
    pub(super) fn new(workflows: ThreeWay<&Workflow>) -> Self {
        let ids = |workflow: &Workflow| {
            let graphs = workflow.graphs();
            let ids = graphs.flat_map(|(_, graph)| graph.links.keys().copied().collect::<Vec<_>>());
            ids.collect::<FxHashSet<LinkId>>()
        };
        let highest = workflows.map(|workflow| workflow.highest_ids().link);
        let next = highest.base.max(highest.ours).max(highest.theirs) + 1;
        LinkIdAllocator { used: ids(workflows.ours), next }
    }

    fn is_used(&self, id: LinkId) -> bool {
        self.used.contains(&id)
    }

    fn allocate(&mut self) -> LinkId {
        let id = LinkId(self.next);
        self.next += 1;
        self.used.insert(id);
        id
    }
}

/// Writes the links of a merged graph from what was picked.
pub(super) fn write_links(
    merged: &mut Graph,
    picks: PickedWires,
    graphs: ThreeWay<&Graph>,
    wires: &ThreeWay<Wires>,
    free: &mut LinkIdAllocator,
) {
    let mut links: FxIndexMap<LinkId, Link> = FxIndexMap::default();
    let mut picks: Vec<(MergeSide, Wire)> = picks.into_values().collect();
    picks.sort_by_key(|(side, wire)| (*side == MergeSide::Theirs, wire.link));
    for (side, wire) in picks {
        let Some(link) = graphs.get(side).links.get(&wire.link) else { continue };
        let mut link = link.clone();
        let Some(to) = sink_end(merged, graphs, side, &wire.to) else { continue };
        let Some(from) = source_end(merged, graphs, side, &wire) else { continue };
        link.set_from(from);
        link.set_to(to);
        settle_type_and_reroute(&mut link, graphs, wires, &wire.to);
        // The id of a link that is not in the result any more may be used again.
        let replaced = graphs.ours.links.contains_key(&link.id());
        let taken = links.contains_key(&link.id())
            || (side == MergeSide::Theirs && !replaced && free.is_used(link.id()));
        if taken {
            link.set_id(free.allocate());
        }
        links.insert(link.id(), link);
    }
    keep_dangling_links(&mut links, graphs, wires);
    merged.links = links;
}

/// Type and bends of a wire that both sides have.
fn settle_type_and_reroute(
    link: &mut Link,
    graphs: ThreeWay<&Graph>,
    wires: &ThreeWay<Wires>,
    sink: &WireSink,
) {
    let of = |graph: &Graph, wires: &Wires| {
        let wire = wires.by_sink.get(sink)?;
        let link = graph.links.get(&wire.link)?;
        Some((wire.from.clone(), link.kind().clone(), link.parent()))
    };
    let sides = ThreeWay::new(
        of(graphs.base, &wires.base),
        of(graphs.ours, &wires.ours),
        of(graphs.theirs, &wires.theirs),
    );
    let ThreeWay { base: Some(base), ours: Some(ours), theirs: Some(theirs) } = sides else {
        return;
    };
    if ours.0 != theirs.0 {
        return;
    }
    if ThreeWay::new(&base.1, &ours.1, &theirs.1).settle() == ThreeWayOutcome::Theirs {
        link.set_kind(theirs.1);
    }
    if ThreeWay::new(base.2, ours.2, theirs.2).settle() == ThreeWayOutcome::Theirs {
        link.set_parent(theirs.2);
    }
}

/// Where a wire ends in the merged graph; the slot is copied from a side if the list of the
/// result has lost it.
fn sink_end(
    merged: &mut Graph,
    graphs: ThreeWay<&Graph>,
    side: MergeSide,
    sink: &WireSink,
) -> Option<LinkEnd> {
    match sink {
        WireSink::Node { id, input } => {
            let lists = graphs.map(|g| g.nodes.get(id).and_then(|node| node.raw().get("inputs")));
            let node = merged.nodes.get_mut(id)?;
            let slot = find_or_append_slot(node.raw_mut(), "inputs", lists, input, side)?;
            Some(LinkEnd::Node { id: id.clone(), slot })
        }
        WireSink::Boundary(output) => {
            let lists = graphs.map(|graph| graph.rest.get("outputs"));
            let slot = find_or_append_slot(&mut merged.rest, "outputs", lists, output, side)?;
            Some(LinkEnd::GraphOutput { slot })
        }
    }
}

fn source_end(
    merged: &mut Graph,
    graphs: ThreeWay<&Graph>,
    side: MergeSide,
    wire: &Wire,
) -> Option<LinkEnd> {
    match &wire.from {
        WireSource::Node { id, slot } if *slot < UNLISTED_SLOT_BASE => {
            Some(LinkEnd::Node { id: id.clone(), slot: *slot })
        }
        WireSource::Node { id, slot } => {
            let lists = graphs.map(|g| g.nodes.get(id).and_then(|node| node.raw().get("outputs")));
            let name = slots::slot_names(*lists.get(side)).get(slot - UNLISTED_SLOT_BASE)?.clone();
            let node = merged.nodes.get_mut(id)?;
            let slot = find_or_append_slot(node.raw_mut(), "outputs", lists, &name, side)?;
            Some(LinkEnd::Node { id: id.clone(), slot })
        }
        WireSource::Boundary(input) => {
            let lists = graphs.map(|graph| graph.rest.get("inputs"));
            let slot = find_or_append_slot(&mut merged.rest, "inputs", lists, input, side)?;
            Some(LinkEnd::GraphInput { slot })
        }
    }
}

fn find_or_append_slot(
    object: &mut Object,
    key: &str,
    lists: ThreeWay<Option<&Value>>,
    name: &SlotName,
    side: MergeSide,
) -> Option<usize> {
    if let Some((at, _)) = find_slot(object.get(key), name) {
        return Some(at);
    }
    match slots::copy_slot(lists, name, side) {
        Some(slot) => {
            let list = object.get_or_insert_with(key, || Value::Array(Vec::new()));
            slots::append_slot(list, &slot)
        }
        // A slot that no list has: the link itself is all that is known of it.
        None => name.unlisted_index(),
    }
}

/// Links that carry nothing are damage, but not ours to repair: they stay as they are on
/// the side that did not lose them, unless their input is fed now.
fn keep_dangling_links(
    links: &mut FxIndexMap<LinkId, Link>,
    graphs: ThreeWay<&Graph>,
    wires: &ThreeWay<Wires>,
) {
    let fed: FxHashSet<LinkEnd> = links.values().map(|link| link.to().clone()).collect();
    let all =
        [(MergeSide::Ours, &wires.ours.dangling), (MergeSide::Theirs, &wires.theirs.dangling)];
    for (side, dead) in all {
        let (own, other) = (*graphs.get(side), *graphs.get(side.other()));
        for id in dead {
            let Some(link) = own.links.get(id) else { continue };
            let dropped = graphs.base.links.contains_key(id) && !other.links.contains_key(id);
            if !dropped && !fed.contains(link.to()) && !links.contains_key(id) {
                links.insert(*id, link.clone());
            }
        }
    }
}
