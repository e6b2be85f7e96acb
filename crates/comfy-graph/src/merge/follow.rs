//! "Convert to Subgraph" on one side, made on the other two as well: so that what the other
//! side did to the nodes that were packed is merged where they lie now.
//!
//! The packing side tells which nodes went in and through which slots of the boundary wires
//! pass. Base and the other side are packed the very same way; if a wire of theirs has no
//! slot to pass through, or they packed some of the nodes themselves, nobody is followed.
//! Must not know how graphs are merged.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::Place;
use super::decision::Verdict;
use super::hosts::promoted;
use super::ledger::{Ledger, name_of};
use super::three::{Side, Three};
use crate::graph::{
    Definition, End, Graph, Link, LinkId, Naming, Node, NodeId, NodeKey, Renumbering, Scope, Sink,
    SlotName, Source, SubgraphId, Table, WidgetName, Widgets, Wires, Workflow,
};
use crate::json::{Object, Value};

/// Packs base and the other side as one side did. What theirs packed has to be followed
/// before ids are aligned, because nodes that went into a graph of their own would be taken
/// for new ones; what ours packed, afterwards, when no new node of theirs has the id of the
/// instance any more. Gives the new ids of instances of theirs that had to make room.
pub(super) fn follow(
    sides: &mut Three<Workflow>,
    packer: Side,
    naming: &dyn Naming,
    ledger: &mut Ledger<'_>,
) -> Renumbering {
    let mut moved = Renumbering::default();
    for id in new_definitions(sides, packer) {
        let (own, room) = make_room(sides, packer, &id);
        let packing = own.definitions.get(&id).and_then(|definition| {
            packing(&sides.base, sides.get(packer.other()), &own, definition)
        });
        let Some(packing) = packing else { continue };
        let all = [&sides.base, &sides.ours, &sides.theirs].into_iter();
        let mut next = all.map(|workflow| workflow.highest().link).max().unwrap_or_default();
        let mut packed = |side: Side| packing.pack(sides.get(side), naming, &mut next);
        let (Some(base), Some(there)) = (packed(Side::Base), packed(packer.other())) else {
            continue;
        };
        tell(&packing, sides, packer, ledger);
        sides.base = base;
        match packer {
            Side::Ours => sides.theirs = there,
            _ => {
                sides.ours = there;
                sides.theirs = own;
            }
        }
        moved.nodes.extend(room);
    }
    moved
}

fn new_definitions(sides: &Three<Workflow>, packer: Side) -> Vec<SubgraphId> {
    let other = sides.get(packer.other());
    let known = |id: &SubgraphId| {
        sides.base.definitions.contains_key(id) || other.definitions.contains_key(id)
    };
    sides.get(packer).definitions.keys().filter(|id| !known(id)).cloned().collect()
}

/// The packing side, with another id for the instance where the other side gave its id to
/// a node of its own.
fn make_room(
    sides: &Three<Workflow>,
    packer: Side,
    definition: &SubgraphId,
) -> (Workflow, FxHashMap<NodeKey, NodeId>) {
    let mut own = sides.get(packer).clone();
    let mut plan = Renumbering::default();
    let hosts = own.nodes().filter(|(_, node)| node.as_subgraph() == *definition);
    let taken = |id: &NodeId| sides.ours.nodes().any(|(_, node)| node.id() == id);
    for (scope, host) in hosts.filter(|(_, host)| packer == Side::Theirs && taken(host.id())) {
        let all = [&sides.base, &sides.ours, &sides.theirs].into_iter();
        let highest = all.map(|workflow| workflow.highest().node).max().unwrap_or_default();
        let key = NodeKey { scope, id: host.id().clone() };
        plan.nodes.insert(key, NodeId::Number(highest + 1));
    }
    own.renumber(&plan);
    (own, plan.nodes)
}

/// Notes the nodes whose changes are brought into the subgraph.
fn tell(packing: &Packing, sides: &Three<Workflow>, packer: Side, ledger: &mut Ledger<'_>) {
    let other = packer.other();
    let (Some(base), Some(graph)) =
        (sides.base.graph(&packing.scope), sides.get(other).graph(&packing.scope))
    else {
        return;
    };
    let (before, after) = (Wires::of(base), Wires::of(graph));
    let fed = |wires: &Wires, id: &NodeId| -> Vec<(Sink, Source)> {
        let own = wires.iter().filter(|w| matches!(&w.to, Sink::Node { id: to, .. } if to == id));
        let mut own: Vec<_> = own.map(|wire| (wire.to.clone(), wire.from.clone())).collect();
        own.sort();
        own
    };
    for id in &packing.nodes {
        let (Some(old), Some(new)) = (base.nodes.get(id), graph.nodes.get(id)) else { continue };
        let same = super::definitions::content(old) == super::definitions::content(new);
        if !same || fed(&before, id) != fed(&after, id) {
            let scope = Scope::Definition(packing.definition.id().clone());
            let name = name_of(sides.get(other), new);
            let verdict = Verdict::Followed(packer);
            ledger.decide(&scope, Some(name), Place::Node, verdict);
        }
    }
}

struct Packing {
    /// The graph the nodes were in, and the instance is in now.
    scope: Scope,
    host: Node,
    definition: Definition,
    /// The nodes that went in.
    nodes: Vec<NodeId>,
    /// The slot on the boundary that feeds an input inside.
    entries: FxHashMap<Sink, usize>,
    /// The slot on the boundary that an output inside feeds.
    exits: FxHashMap<(NodeId, usize), usize>,
}

fn packing(
    base: &Workflow,
    other: &Workflow,
    workflow: &Workflow,
    definition: &Definition,
) -> Option<Packing> {
    let mut hosts = workflow.nodes().filter(|(_, node)| node.as_subgraph() == *definition.id());
    let (Some((scope, host)), None) = (hosts.next(), hosts.next()) else { return None };
    let (before, now) = (base.graph(&scope)?, workflow.graph(&scope)?);
    let there = other.graph(&scope)?;
    let nodes: Vec<NodeId> = definition
        .graph
        .nodes
        .iter()
        .filter(|(id, node)| {
            let was = before.nodes.get(*id).is_some_and(|was| was.class() == node.class());
            was && !now.nodes.contains_key(*id)
        })
        .map(|(id, _)| id.clone())
        .collect();
    // What is gone there may lie in a subgraph of theirs, under ids of its own.
    let packs_too = other.definitions.keys().any(|id| !base.definitions.contains_key(id));
    let gone_there = nodes.iter().any(|id| !there.nodes.contains_key(id));
    let none = nodes.is_empty() || (packs_too && gone_there);
    if none || before.nodes.contains_key(host.id()) {
        return None;
    }
    let (mut entries, mut exits) = (FxHashMap::default(), FxHashMap::default());
    let inside = &definition.graph;
    let slot_of = |key: &str, name: &SlotName| {
        super::slots::find(inside.rest.get(key), name).map(|(at, _)| at)
    };
    for wire in Wires::of(inside).iter() {
        match (&wire.from, &wire.to) {
            (Source::Boundary(name), sink @ Sink::Node { .. }) => {
                entries.insert(sink.clone(), slot_of("inputs", name)?);
            }
            (Source::Node { id, slot }, Sink::Boundary(name)) => {
                exits.insert((id.clone(), *slot), slot_of("outputs", name)?);
            }
            _ => {}
        }
    }
    let (host, definition) = (host.clone(), definition.clone());
    Some(Packing { scope, host, definition, nodes, entries, exits })
}

impl Packing {
    /// A workflow with the same nodes packed the same way; nothing if that cannot be.
    fn pack(&self, workflow: &Workflow, naming: &dyn Naming, next: &mut i64) -> Option<Workflow> {
        let graph = workflow.graph(&self.scope)?;
        let wires = Wires::of(graph);
        let packed: FxHashSet<&NodeId> =
            self.nodes.iter().filter(|id| graph.nodes.contains_key(*id)).collect();
        let mut fresh = || {
            *next += 1;
            LinkId(*next)
        };
        let mut inside = self.definition.clone();
        inside.graph.links.clear();
        inside.graph.reroutes.clear();
        inside.graph.groups.clear();
        inside.graph.floating.clear();
        inside.graph.nodes = self.contents(graph, &packed);
        let mut outside = graph.clone();
        outside.nodes.retain(|id, _| !packed.contains(id));
        outside.nodes.insert(self.host.id().clone(), self.host.clone());
        // What feeds the slots of the instance.
        let mut feeds: FxHashMap<usize, Source> = FxHashMap::default();
        let mut gone = FxHashSet::default();
        let mut fed: FxHashSet<Sink> = FxHashSet::default();
        let host = self.host.id();
        for wire in wires.iter() {
            let from_inside = matches!(&wire.from, Source::Node { id, .. } if packed.contains(id));
            let to_inside = matches!(&wire.to, Sink::Node { id, .. } if packed.contains(id));
            let kind = graph.links.get(&wire.link)?.kind().clone();
            match (from_inside, to_inside) {
                (false, false) => continue,
                (true, true) => {
                    let (from, to) = (end(&wire.from)?, self.target(&inside.graph, &wire.to)?);
                    add(&mut inside.graph, fresh(), from, to, kind);
                }
                (false, true) => {
                    let slot = *self.entries.get(&wire.to)?;
                    if feeds.insert(slot, wire.from.clone()).is_some_and(|f| f != wire.from) {
                        return None;
                    }
                    let to = self.target(&inside.graph, &wire.to)?;
                    add(&mut inside.graph, fresh(), End::GraphInput { slot }, to, kind);
                    fed.insert(wire.to.clone());
                }
                (true, false) => {
                    let Source::Node { id, slot } = &wire.from else { return None };
                    let exit = *self.exits.get(&(id.clone(), *slot))?;
                    let mut link = graph.links.get(&wire.link)?.clone();
                    link.set_from(End::Node { id: host.clone(), slot: exit });
                    outside.links.insert(link.id(), link);
                    continue;
                }
            }
            gone.insert(wire.link);
        }
        self.pass_through(&mut inside.graph, &feeds, &fed, &mut fresh)?;
        outside.links.retain(|id, _| !gone.contains(id) && !wires.dead.contains(id));
        for (slot, from) in &feeds {
            let name = self.definition.input_name(*slot);
            let at = self.host.input(&name)?.at;
            let kind = self.definition.input_at(*slot)?.raw.get("type").cloned();
            let to = End::Node { id: host.clone(), slot: at };
            add(&mut outside, fresh(), self.origin(graph, from)?, to, kind.unwrap_or_default());
        }
        self.show(&mut outside, workflow, graph, naming);
        inside.graph.realign();
        outside.realign();
        let mut done = workflow.clone();
        *done.graph_mut(&self.scope)? = outside;
        done.definitions.insert(inside.id().clone(), inside);
        Some(done)
    }

    /// The packed nodes as this document has them, with the slots that the boundary needs.
    fn contents(&self, graph: &Graph, packed: &FxHashSet<&NodeId>) -> Table<NodeId, Node> {
        let mut nodes = Table::default();
        for id in self.nodes.iter().filter(|id| packed.contains(id)) {
            let mut node = graph.nodes[id].clone();
            let there = &self.definition.graph.nodes[id];
            for sink in self.entries.keys() {
                let Sink::Node { id: own, input } = sink else { continue };
                if own != id || node.input(input).is_some() {
                    continue;
                }
                if let (Some(slot), Some(list)) = (there.input(input), node.inputs_mut()) {
                    list.push(Value::Object(slot.raw.clone()));
                }
            }
            nodes.insert(id.clone(), node);
        }
        // A link names its end by slot, which the added ones have not moved.
        nodes
    }

    /// Wires from the boundary that nothing feeds from outside: values that the instance
    /// shows, and inputs it leaves open.
    fn pass_through(
        &self,
        inside: &mut Graph,
        feeds: &FxHashMap<usize, Source>,
        fed: &FxHashSet<Sink>,
        fresh: &mut impl FnMut() -> LinkId,
    ) -> Option<()> {
        let mut open: Vec<(&Sink, usize)> = self
            .entries
            .iter()
            .filter(|(sink, slot)| !fed.contains(*sink) && !feeds.contains_key(*slot))
            .map(|(sink, slot)| (sink, *slot))
            .collect();
        open.sort();
        for (sink, slot) in open {
            let Some(to) = self.target(inside, sink) else { continue };
            let kind = self.definition.input_at(slot)?.raw.get("type").cloned();
            add(inside, fresh(), End::GraphInput { slot }, to, kind.unwrap_or_default());
        }
        Some(())
    }

    fn target(&self, inside: &Graph, sink: &Sink) -> Option<End> {
        let Sink::Node { id, input } = sink else { return None };
        let slot = inside.nodes.get(id)?.input(input)?.at;
        Some(End::Node { id: id.clone(), slot })
    }

    /// Where a wire comes from in the graph that the instance is in.
    fn origin(&self, graph: &Graph, from: &Source) -> Option<End> {
        match from {
            Source::Node { .. } => end(from),
            Source::Boundary(name) => {
                let (slot, _) = super::slots::find(graph.rest.get("inputs"), name)?;
                Some(End::GraphInput { slot })
            }
        }
    }

    /// Gives the instance the values that this document has inside.
    fn show(&self, outside: &mut Graph, workflow: &Workflow, graph: &Graph, naming: &dyn Naming) {
        let shown = promoted(&self.definition);
        let Widgets::Array(values) = self.host.widgets() else { return };
        if values.len() != shown.len() || self.host.property("proxyWidgets").is_some() {
            return;
        }
        let value = |at: usize| {
            let (_, inner, widget) = &shown[at];
            let node = graph.nodes.get(inner)?;
            let widgets = naming.widgets(workflow, node);
            let found = widgets.iter().find(|w| w.name == WidgetName::Named(widget.clone()))?;
            Some(found.value.clone())
        };
        let now: Vec<Value> =
            (0..shown.len()).map(|at| value(at).unwrap_or_else(|| values[at].clone())).collect();
        let Some(host) = outside.nodes.get_mut(self.host.id()) else { return };
        if host.named_values().is_some() {
            let names = shown.iter().map(|(name, _, _)| name.clone());
            let named: Object = names.zip(now.iter().cloned()).collect();
            host.raw_mut().insert("widgets_values_named", named);
        }
        host.raw_mut().insert("widgets_values", now);
    }
}

fn end(from: &Source) -> Option<End> {
    match from {
        Source::Node { id, slot } => Some(End::Node { id: id.clone(), slot: *slot }),
        Source::Boundary(_) => None,
    }
}

fn add(graph: &mut Graph, id: LinkId, from: End, to: End, kind: Value) {
    let link = Link::new(graph.spelling(), id, from, to, kind);
    graph.links.insert(id, link);
}
