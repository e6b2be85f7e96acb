//! What feeds what: each input has at most one wire, and each is settled by itself.
//!
//! Also writes the links of a merged graph, so that the links table, the inputs, the
//! outputs and the boundary of a subgraph say the same. Must not know why nodes stay: which
//! do is given.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, Part, Place};
use super::decision::Verdict;
use super::json::verdict;
use super::ledger::{Ledger, name_in};
use super::slots;
use super::three::{Outcome, Side, Three};
use crate::graph::{
    End, Graph, Link, LinkId, NodeId, Scope, Sink, SlotName, Source, Table, Wire, Wires, Workflow,
};
use crate::json::{Object, Value};

/// A node that stays (or is gone) because of a conflict, with all its wires.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The number of the conflict.
    pub(super) conflict: usize,
    /// Whose wires into the node stand.
    pub(super) by: Side,
}

/// Slots of the sides that the result does not list are numbered from here on: beyond the
/// length of any list, so that they equal no slot that is listed.
const UNLISTED: usize = 1 << 32;

/// One graph whose wires are being settled.
pub(super) struct Net<'a> {
    pub(super) scope: &'a Scope,
    pub(super) workflows: Three<&'a Workflow>,
    pub(super) graphs: Three<&'a Graph>,
    pub(super) wires: &'a Three<Wires>,
    pub(super) held: &'a FxHashMap<NodeId, Held>,
}

/// The wires of the result, and whose each is.
pub(super) type Picks = Table<Sink, (Side, Wire)>;

/// For each node whose outputs are listed otherwise than in the result: index there.
type Shifts = FxHashMap<NodeId, Vec<Option<usize>>>;

impl Net<'_> {
    /// Settles every input of the merged graph, of which nodes and boundary are done.
    pub(super) fn settle(&self, merged: &Graph, ledger: &mut Ledger<'_>) -> Picks {
        let shifts = self.graphs.map(|graph| shifts(graph, merged));
        let mut seen: FxHashSet<&Sink> = FxHashSet::default();
        let sinks = [&self.wires.ours, &self.wires.theirs, &self.wires.base];
        let sinks: Vec<&Sink> =
            sinks.into_iter().flat_map(|w| w.by_sink.keys()).filter(|s| seen.insert(*s)).collect();
        let mut picks = Picks::default();
        for sink in sinks {
            let wires = self.wires.as_ref().map(|wires| wires.by_sink.get(sink));
            let sources = Three::new(
                wires.base.map(|wire| shifted(&wire.from, &shifts.base)),
                wires.ours.map(|wire| shifted(&wire.from, &shifts.ours)),
                wires.theirs.map(|wire| shifted(&wire.from, &shifts.theirs)),
            );
            let Some(side) = self.pick(sink, &sources, merged, ledger) else { continue };
            let (Some(wire), Some(from)) = (*wires.get(side), sources.get(side).clone()) else {
                continue;
            };
            if let Source::Node { id, .. } = &from
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
    fn pick(
        &self,
        sink: &Sink,
        sources: &Three<Option<Source>>,
        merged: &Graph,
        ledger: &mut Ledger<'_>,
    ) -> Option<Side> {
        let held = match sink {
            Sink::Node { id, .. } => self.held.get(id),
            Sink::Boundary(_) => None,
        };
        if let Some(held) = held {
            self.attach(held.conflict, sink, sources, ledger);
        }
        if let Sink::Node { id, .. } = sink
            && !merged.nodes.contains_key(id)
        {
            return None;
        }
        if let Some(held) = held {
            return Some(held.by);
        }
        let from_held = [&sources.ours, &sources.theirs, &sources.base].into_iter().flatten();
        let from_held = from_held.filter_map(|source| match source {
            Source::Node { id, .. } => self.held.get(id),
            Source::Boundary(_) => None,
        });
        if sources.ours != sources.theirs
            && let Some(held) = from_held.into_iter().next()
        {
            self.attach(held.conflict, sink, sources, ledger);
            return Some(Side::Ours);
        }
        // An input that lost its wire only because the node at the other end was removed
        // says nothing about what should feed it now.
        match (self.is_lost(Side::Ours, sources), self.is_lost(Side::Theirs, sources)) {
            (true, true) => return None,
            (true, false) if sources.theirs == sources.base => return None,
            (true, false) => return Some(Side::Theirs),
            (false, true) if sources.ours == sources.base => return None,
            (false, true) => return Some(Side::Ours),
            (false, false) => {}
        }
        let outcome = sources.settle();
        if outcome == Outcome::Apart {
            self.contended(sink, sources, ledger);
        } else {
            self.tell(outcome, sink, sources, ledger);
        }
        Some(outcome.winner())
    }

    fn is_lost(&self, side: Side, sources: &Three<Option<Source>>) -> bool {
        match (&sources.base, sources.get(side)) {
            (Some(Source::Node { id, .. }), None) => !self.graphs.get(side).nodes.contains_key(id),
            _ => false,
        }
    }

    fn part(&self, sink: &Sink, sources: &Three<Option<Source>>) -> Part {
        let (node, place) = match sink {
            Sink::Node { id, input } => (Some(id.clone()), Place::Input(input.clone())),
            Sink::Boundary(output) => (None, Place::Boundary(output.clone())),
        };
        let sides = sources.as_ref().map(|source| Some(source_value(source.as_ref())));
        Part { node, place, sides }
    }

    fn attach(
        &self,
        conflict: usize,
        sink: &Sink,
        sources: &Three<Option<Source>>,
        ledger: &mut Ledger<'_>,
    ) {
        if sources.ours == sources.theirs && sources.ours == sources.base {
            return;
        }
        let part = self.part(sink, sources);
        if let Some(open) = ledger.conflicts.get_mut(conflict) {
            open.conflict.parts.push(part);
        }
    }

    fn contended(&self, sink: &Sink, sources: &Three<Option<Source>>, ledger: &mut Ledger<'_>) {
        let part = self.part(sink, sources);
        let name = |id: &NodeId| name_in(self.workflows, self.scope, id);
        let conflict = Conflict {
            at: crate::json::Path::root(),
            scope: self.scope.clone(),
            node: part.node.as_ref().map(name),
            kind: ConflictKind::InputContended,
            parts: vec![part],
        };
        ledger.open(conflict);
    }

    fn tell(
        &self,
        outcome: Outcome,
        sink: &Sink,
        sources: &Three<Option<Source>>,
        ledger: &mut Ledger<'_>,
    ) {
        let Some(verdict) = verdict(outcome, sources.as_ref().map(Option::as_ref)) else { return };
        // Wires of a new node say nothing that the node does not.
        if matches!(verdict, Verdict::AddedAlike) {
            return;
        }
        let (node, place) = match sink {
            Sink::Node { id, input } => {
                (Some(name_in(self.workflows, self.scope, id)), Place::Input(input.clone()))
            }
            Sink::Boundary(output) => (None, Place::Boundary(output.clone())),
        };
        ledger.decide(self.scope, node, place, verdict);
    }
}

fn shifts(side: &Graph, merged: &Graph) -> Shifts {
    let listed = |graph: &Graph, id: &NodeId| {
        slots::names(graph.nodes.get(id).and_then(|node| node.raw().get("outputs")))
    };
    let mut shifts = Shifts::default();
    for (id, node) in &merged.nodes {
        let Some(own) = side.nodes.get(id) else { continue };
        if own.raw().get("outputs") == node.raw().get("outputs") {
            continue;
        }
        let (own, result) = (listed(side, id), listed(merged, id));
        if own != result {
            shifts.insert(id.clone(), slots::mapping(&own, &result));
        }
    }
    shifts
}

fn shifted(source: &Source, shifts: &Shifts) -> Source {
    match source {
        Source::Node { id, slot } => match shifts.get(id).and_then(|shift| shift.get(*slot)) {
            Some(Some(at)) => Source::Node { id: id.clone(), slot: *at },
            Some(None) => Source::Node { id: id.clone(), slot: UNLISTED + slot },
            None => source.clone(),
        },
        Source::Boundary(_) => source.clone(),
    }
}

/// An origin as conflicts spell it.
pub(super) fn source_value(source: Option<&Source>) -> Value {
    match source {
        None => Value::Null,
        Some(Source::Node { id, slot }) => {
            let members = [("node", id.to_value()), ("slot", Value::from(slot % UNLISTED))];
            Value::Object(members.into_iter().collect())
        }
        Some(Source::Boundary(name)) => {
            let mut object = Object::new();
            object.append("boundary", name.name.clone());
            if name.nth > 0 {
                object.append("nth", name.nth);
            }
            Value::Object(object)
        }
    }
}

/// What [`source_value`] made. Null and nonsense are no origin.
pub(super) fn value_source(value: &Value) -> Option<Source> {
    let index = |key| value.get(key).and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok());
    if let Some(name) = value.get("boundary").and_then(Value::as_str) {
        let name = SlotName { nth: index("nth").unwrap_or_default(), ..SlotName::new(name) };
        return Some(Source::Boundary(name));
    }
    Some(Source::Node { id: NodeId::from_value(value.get("node")?)?, slot: index("slot")? })
}

/// Ids for links, over all graphs of the result.
pub(super) struct FreeLinks {
    used: FxHashSet<LinkId>,
    next: i64,
}

impl FreeLinks {
    /// Ids beside those that ours uses, above those that anybody uses.
    pub(super) fn new(workflows: Three<&Workflow>) -> Self {
        let ids = |workflow: &Workflow| {
            let graphs = workflow.graphs();
            let ids = graphs.flat_map(|(_, graph)| graph.links.keys().copied().collect::<Vec<_>>());
            ids.collect::<FxHashSet<LinkId>>()
        };
        let highest = workflows.map(|workflow| workflow.highest().link);
        let next = highest.base.max(highest.ours).max(highest.theirs) + 1;
        FreeLinks { used: ids(workflows.ours), next }
    }

    fn is_used(&self, id: LinkId) -> bool {
        self.used.contains(&id)
    }

    fn take(&mut self) -> LinkId {
        let id = LinkId(self.next);
        self.next += 1;
        self.used.insert(id);
        id
    }
}

/// Writes the links of a merged graph from what was picked.
pub(super) fn write(
    merged: &mut Graph,
    picks: Picks,
    graphs: Three<&Graph>,
    wires: &Three<Wires>,
    free: &mut FreeLinks,
) {
    let mut links: Table<LinkId, Link> = Table::default();
    let mut picks: Vec<(Side, Wire)> = picks.into_values().collect();
    picks.sort_by_key(|(side, wire)| (*side == Side::Theirs, wire.link));
    for (side, wire) in picks {
        let Some(link) = graphs.get(side).links.get(&wire.link) else { continue };
        let mut link = link.clone();
        let Some(to) = sink_end(merged, graphs, side, &wire.to) else { continue };
        let Some(from) = source_end(merged, graphs, side, &wire) else { continue };
        link.set_from(from);
        link.set_to(to);
        settle_trimmings(&mut link, graphs, wires, &wire.to);
        // The id of a link that is not in the result any more may be used again.
        let replaced = graphs.ours.links.contains_key(&link.id());
        let taken = links.contains_key(&link.id())
            || (side == Side::Theirs && !replaced && free.is_used(link.id()));
        if taken {
            link.set_id(free.take());
        }
        links.insert(link.id(), link);
    }
    keep_dead(&mut links, graphs, wires);
    merged.links = links;
}

/// Type and bends of a wire that both sides have.
fn settle_trimmings(link: &mut Link, graphs: Three<&Graph>, wires: &Three<Wires>, sink: &Sink) {
    let of = |graph: &Graph, wires: &Wires| {
        let wire = wires.by_sink.get(sink)?;
        let link = graph.links.get(&wire.link)?;
        Some((wire.from.clone(), link.kind().clone(), link.parent()))
    };
    let sides = Three::new(
        of(graphs.base, &wires.base),
        of(graphs.ours, &wires.ours),
        of(graphs.theirs, &wires.theirs),
    );
    let Three { base: Some(base), ours: Some(ours), theirs: Some(theirs) } = sides else { return };
    if ours.0 != theirs.0 {
        return;
    }
    if Three::new(&base.1, &ours.1, &theirs.1).settle() == Outcome::Theirs {
        link.set_kind(theirs.1);
    }
    if Three::new(base.2, ours.2, theirs.2).settle() == Outcome::Theirs {
        link.set_parent(theirs.2);
    }
}

/// Where a wire ends in the merged graph; the slot is copied from a side if the list of the
/// result has lost it.
fn sink_end(merged: &mut Graph, graphs: Three<&Graph>, side: Side, sink: &Sink) -> Option<End> {
    match sink {
        Sink::Node { id, input } => {
            let lists = graphs.map(|g| g.nodes.get(id).and_then(|node| node.raw().get("inputs")));
            let node = merged.nodes.get_mut(id)?;
            let slot = index_or_lend(node.raw_mut(), "inputs", lists, input, side)?;
            Some(End::Node { id: id.clone(), slot })
        }
        Sink::Boundary(output) => {
            let lists = graphs.map(|graph| graph.rest.get("outputs"));
            let slot = index_or_lend(&mut merged.rest, "outputs", lists, output, side)?;
            Some(End::GraphOutput { slot })
        }
    }
}

fn source_end(merged: &mut Graph, graphs: Three<&Graph>, side: Side, wire: &Wire) -> Option<End> {
    match &wire.from {
        Source::Node { id, slot } if *slot < UNLISTED => {
            Some(End::Node { id: id.clone(), slot: *slot })
        }
        Source::Node { id, slot } => {
            let lists = graphs.map(|g| g.nodes.get(id).and_then(|node| node.raw().get("outputs")));
            let name = slots::names(*lists.get(side)).get(slot - UNLISTED)?.clone();
            let node = merged.nodes.get_mut(id)?;
            let slot = index_or_lend(node.raw_mut(), "outputs", lists, &name, side)?;
            Some(End::Node { id: id.clone(), slot })
        }
        Source::Boundary(input) => {
            let lists = graphs.map(|graph| graph.rest.get("inputs"));
            let slot = index_or_lend(&mut merged.rest, "inputs", lists, input, side)?;
            Some(End::GraphInput { slot })
        }
    }
}

fn index_or_lend(
    object: &mut Object,
    key: &str,
    lists: Three<Option<&Value>>,
    name: &SlotName,
    side: Side,
) -> Option<usize> {
    if let Some((at, _)) = slots::find(object.get(key), name) {
        return Some(at);
    }
    match slots::copy_of(lists, name, side) {
        Some(slot) => {
            let list = object.get_or_insert_with(key, || Value::Array(Vec::new()));
            slots::lend(list, &slot)
        }
        // A slot that no list has: the link itself is all that is known of it.
        None => name.name.strip_prefix('#')?.parse().ok(),
    }
}

/// Links that carry nothing are damage, but not ours to repair: they stay as they are on
/// the side that did not lose them, unless their input is fed now.
fn keep_dead(links: &mut Table<LinkId, Link>, graphs: Three<&Graph>, wires: &Three<Wires>) {
    let fed: FxHashSet<End> = links.values().map(|link| link.to().clone()).collect();
    let all = [(Side::Ours, &wires.ours.dead), (Side::Theirs, &wires.theirs.dead)];
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
