//! "Convert to Subgraph" on one side, made on the other two as well: so that what the other
//! side did to the nodes that were packed is merged where they lie now.
//!
//! The packing side tells which nodes went in and through which slots of the boundary wires
//! pass. Base and the other side are packed the very same way; if a wire of theirs has no
//! slot to pass through, or they packed some of the nodes themselves, nobody is followed.
//! Must not know how graphs are merged.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::MergePlace;
use super::decision::MergeVerdict;
use super::merge_log::{MergeLog, node_name};
use super::subgraph_instances::promoted_inputs;
use super::three_way::{MergeSide, ThreeWay};
use crate::graph::{
    FxIndexMap, Graph, GraphScope, Link, LinkEnd, LinkId, Node, NodeId, NodeKey, Renumbering,
    SlotName, SubgraphDefinition, SubgraphId, WidgetName, WidgetNaming, WidgetValues, WireSink,
    WireSource, Wires, Workflow, find_slot,
};
use crate::json::{Object, Value};

/// Packs base and the other side as one side did. What theirs packed has to be followed
/// before ids are aligned, because nodes that went into a graph of their own would be taken
/// for new ones; what ours packed, afterwards, when no new node of theirs has the id of the
/// instance any more. Gives the new ids of instances of theirs that had to make room.
pub(super) fn follow_packing(
    sides: &mut ThreeWay<Workflow>,
    packer: MergeSide,
    naming: &dyn WidgetNaming,
    log: &mut MergeLog<'_>,
) -> Renumbering {
    let mut moved = Renumbering::default();
    for id in new_definitions(sides, packer) {
        let (own, room) = make_room_for_instance(sides, packer, &id);
        let packing = own.definitions.get(&id).and_then(|definition| {
            find_packing(&sides.base, sides.get(packer.other()), &own, definition)
        });
        let Some(packing) = packing else { continue };
        let all = [&sides.base, &sides.ours, &sides.theirs].into_iter();
        let mut next = all.map(|workflow| workflow.highest_ids().link).max().unwrap_or_default();
        let mut packed =
            |side: MergeSide| packing.pack_workflow(sides.get(side), naming, &mut next);
        let (Some(base), Some(there)) = (packed(MergeSide::Base), packed(packer.other())) else {
            continue;
        };
        log_followed_nodes(&packing, sides, packer, log);
        sides.base = base;
        match packer {
            MergeSide::Ours => sides.theirs = there,
            _ => {
                sides.ours = there;
                sides.theirs = own;
            }
        }
        moved.nodes.extend(room);
    }
    moved
}

fn new_definitions(sides: &ThreeWay<Workflow>, packer: MergeSide) -> Vec<SubgraphId> {
    let other = sides.get(packer.other());
    let known = |id: &SubgraphId| {
        sides.base.definitions.contains_key(id) || other.definitions.contains_key(id)
    };
    sides.get(packer).definitions.keys().filter(|id| !known(id)).cloned().collect()
}

/// The packing side, with another id for the instance where the other side gave its id to
/// a node of its own.
fn make_room_for_instance(
    sides: &ThreeWay<Workflow>,
    packer: MergeSide,
    definition: &SubgraphId,
) -> (Workflow, FxHashMap<NodeKey, NodeId>) {
    let mut own = sides.get(packer).clone();
    let mut plan = Renumbering::default();
    let hosts = own.nodes().filter(|(_, node)| node.as_subgraph() == *definition);
    let taken = |id: &NodeId| sides.ours.nodes().any(|(_, node)| node.id() == id);
    for (scope, host) in hosts.filter(|(_, host)| packer == MergeSide::Theirs && taken(host.id())) {
        let all = [&sides.base, &sides.ours, &sides.theirs].into_iter();
        let highest = all.map(|workflow| workflow.highest_ids().node).max().unwrap_or_default();
        let key = NodeKey { scope, id: host.id().clone() };
        plan.nodes.insert(key, NodeId::Number(highest + 1));
    }
    own.renumber(&plan);
    (own, plan.nodes)
}

/// Notes the nodes whose changes are brought into the subgraph.
fn log_followed_nodes(
    packing: &SubgraphPacking,
    sides: &ThreeWay<Workflow>,
    packer: MergeSide,
    log: &mut MergeLog<'_>,
) {
    let other = packer.other();
    let (Some(base), Some(graph)) =
        (sides.base.graph(&packing.scope), sides.get(other).graph(&packing.scope))
    else {
        return;
    };
    let (before, after) = (Wires::from_graph(base), Wires::from_graph(graph));
    let fed = |wires: &Wires, id: &NodeId| -> Vec<(WireSink, WireSource)> {
        let own =
            wires.iter().filter(|w| matches!(&w.to, WireSink::Node { id: to, .. } if to == id));
        let mut own: Vec<_> = own.map(|wire| (wire.to.clone(), wire.from.clone())).collect();
        own.sort();
        own
    };
    for id in &packing.nodes {
        let (Some(old), Some(new)) = (base.nodes.get(id), graph.nodes.get(id)) else { continue };
        let same = super::added_definitions::node_content(old)
            == super::added_definitions::node_content(new);
        if !same || fed(&before, id) != fed(&after, id) {
            let scope = GraphScope::Definition(packing.definition.id().clone());
            let name = node_name(sides.get(other), new);
            let verdict = MergeVerdict::FollowedPacking(packer);
            log.log_decision(&scope, Some(name), MergePlace::Node, verdict);
        }
    }
}

struct SubgraphPacking {
    /// The graph the nodes were in, and the instance is in now.
    scope: GraphScope,
    host: Node,
    definition: SubgraphDefinition,
    /// The nodes that went in.
    nodes: Vec<NodeId>,
    /// The slot on the boundary that feeds an input inside.
    entries: FxHashMap<WireSink, usize>,
    /// The slot on the boundary that an output inside feeds.
    exits: FxHashMap<(NodeId, usize), usize>,
}

fn find_packing(
    base: &Workflow,
    other: &Workflow,
    workflow: &Workflow,
    definition: &SubgraphDefinition,
) -> Option<SubgraphPacking> {
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
    let slot_of =
        |key: &str, name: &SlotName| find_slot(inside.rest.get(key), name).map(|(at, _)| at);
    for wire in Wires::from_graph(inside).iter() {
        match (&wire.from, &wire.to) {
            (WireSource::Boundary(name), sink @ WireSink::Node { .. }) => {
                entries.insert(sink.clone(), slot_of("inputs", name)?);
            }
            (WireSource::Node { id, slot }, WireSink::Boundary(name)) => {
                exits.insert((id.clone(), *slot), slot_of("outputs", name)?);
            }
            _ => {}
        }
    }
    let (host, definition) = (host.clone(), definition.clone());
    Some(SubgraphPacking { scope, host, definition, nodes, entries, exits })
}

impl SubgraphPacking {
    /// A workflow with the same nodes packed the same way; nothing if that cannot be.
    fn pack_workflow(
        &self,
        workflow: &Workflow,
        naming: &dyn WidgetNaming,
        next: &mut i64,
    ) -> Option<Workflow> {
        let graph = workflow.graph(&self.scope)?;
        let wires = Wires::from_graph(graph);
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
        inside.graph.nodes = self.packed_nodes(graph, &packed);
        let mut outside = graph.clone();
        outside.nodes.retain(|id, _| !packed.contains(id));
        outside.nodes.insert(self.host.id().clone(), self.host.clone());
        // What feeds the slots of the instance.
        let mut feeds: FxHashMap<usize, WireSource> = FxHashMap::default();
        let mut gone = FxHashSet::default();
        let mut fed: FxHashSet<WireSink> = FxHashSet::default();
        let host = self.host.id();
        for wire in wires.iter() {
            let from_inside =
                matches!(&wire.from, WireSource::Node { id, .. } if packed.contains(id));
            let to_inside = matches!(&wire.to, WireSink::Node { id, .. } if packed.contains(id));
            let kind = graph.links.get(&wire.link)?.kind().clone();
            match (from_inside, to_inside) {
                (false, false) => continue,
                (true, true) => {
                    let (from, to) =
                        (node_end(&wire.from)?, self.inner_target(&inside.graph, &wire.to)?);
                    add_link(&mut inside.graph, fresh(), from, to, kind);
                }
                (false, true) => {
                    let slot = *self.entries.get(&wire.to)?;
                    if feeds.insert(slot, wire.from.clone()).is_some_and(|f| f != wire.from) {
                        return None;
                    }
                    let to = self.inner_target(&inside.graph, &wire.to)?;
                    add_link(&mut inside.graph, fresh(), LinkEnd::GraphInput { slot }, to, kind);
                    fed.insert(wire.to.clone());
                }
                (true, false) => {
                    let WireSource::Node { id, slot } = &wire.from else { return None };
                    let exit = *self.exits.get(&(id.clone(), *slot))?;
                    let mut link = graph.links.get(&wire.link)?.clone();
                    link.set_from(LinkEnd::Node { id: host.clone(), slot: exit });
                    outside.links.insert(link.id(), link);
                    continue;
                }
            }
            gone.insert(wire.link);
        }
        self.link_open_entries(&mut inside.graph, &feeds, &fed, &mut fresh)?;
        outside.links.retain(|id, _| !gone.contains(id) && !wires.dangling.contains(id));
        for (slot, from) in &feeds {
            let name = self.definition.input_name(*slot);
            let at = self.host.input(&name)?.at;
            let kind = self.definition.input_at(*slot)?.raw.get("type").cloned();
            let to = LinkEnd::Node { id: host.clone(), slot: at };
            add_link(
                &mut outside,
                fresh(),
                self.outer_source(graph, from)?,
                to,
                kind.unwrap_or_default(),
            );
        }
        self.copy_promoted_values(&mut outside, workflow, graph, naming);
        inside.graph.sync_slots_with_links();
        outside.sync_slots_with_links();
        let mut done = workflow.clone();
        *done.graph_mut(&self.scope)? = outside;
        done.definitions.insert(inside.id().clone(), inside);
        Some(done)
    }

    /// The packed nodes as this document has them, with the slots that the boundary needs.
    fn packed_nodes(&self, graph: &Graph, packed: &FxHashSet<&NodeId>) -> FxIndexMap<NodeId, Node> {
        let mut nodes = FxIndexMap::default();
        for id in self.nodes.iter().filter(|id| packed.contains(id)) {
            let mut node = graph.nodes[id].clone();
            let there = &self.definition.graph.nodes[id];
            for sink in self.entries.keys() {
                let WireSink::Node { id: own, input } = sink else { continue };
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
    fn link_open_entries(
        &self,
        inside: &mut Graph,
        feeds: &FxHashMap<usize, WireSource>,
        fed: &FxHashSet<WireSink>,
        fresh: &mut impl FnMut() -> LinkId,
    ) -> Option<()> {
        let mut open: Vec<(&WireSink, usize)> = self
            .entries
            .iter()
            .filter(|(sink, slot)| !fed.contains(*sink) && !feeds.contains_key(*slot))
            .map(|(sink, slot)| (sink, *slot))
            .collect();
        open.sort();
        for (sink, slot) in open {
            let Some(to) = self.inner_target(inside, sink) else { continue };
            let kind = self.definition.input_at(slot)?.raw.get("type").cloned();
            add_link(inside, fresh(), LinkEnd::GraphInput { slot }, to, kind.unwrap_or_default());
        }
        Some(())
    }

    fn inner_target(&self, inside: &Graph, sink: &WireSink) -> Option<LinkEnd> {
        let WireSink::Node { id, input } = sink else { return None };
        let slot = inside.nodes.get(id)?.input(input)?.at;
        Some(LinkEnd::Node { id: id.clone(), slot })
    }

    /// Where a wire comes from in the graph that the instance is in.
    fn outer_source(&self, graph: &Graph, from: &WireSource) -> Option<LinkEnd> {
        match from {
            WireSource::Node { .. } => node_end(from),
            WireSource::Boundary(name) => {
                let (slot, _) = find_slot(graph.rest.get("inputs"), name)?;
                Some(LinkEnd::GraphInput { slot })
            }
        }
    }

    /// Gives the instance the values that this document has inside.
    fn copy_promoted_values(
        &self,
        outside: &mut Graph,
        workflow: &Workflow,
        graph: &Graph,
        naming: &dyn WidgetNaming,
    ) {
        let shown = promoted_inputs(&self.definition);
        let WidgetValues::Array(values) = self.host.widget_values() else { return };
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

fn node_end(from: &WireSource) -> Option<LinkEnd> {
    match from {
        WireSource::Node { id, slot } => Some(LinkEnd::Node { id: id.clone(), slot: *slot }),
        WireSource::Boundary(_) => None,
    }
}

fn add_link(graph: &mut Graph, id: LinkId, from: LinkEnd, to: LinkEnd, kind: Value) {
    let link = Link::new(graph.link_format(), id, from, to, kind);
    graph.links.insert(id, link);
}
