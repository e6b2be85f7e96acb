//! What is there and where: nodes, wires, groups and subgraphs that came, went or moved,
//! and which of these edits follows from which.
//!
//! Must not know the values that nodes hold.

use rustc_hash::FxHashMap;

use super::edit::{Change, Edit};
use super::script_builder::{EditToken, ScriptBuilder};
use super::widgets::WidgetComparison;
use super::wire_origin::WireOrigin;
use super::wires::{PairedGraphs, RenumberedLink, WireChange};
use crate::graph::{GraphList, GraphScope, LinkId, WireSink, WireSource};
use crate::json::{Object, Value};
use crate::pair::{IndexedGraph, Layer, NodeIndex};

/// The edits by which something came or went: what goes with it follows from them.
#[derive(Default)]
pub(super) struct StructureTokens {
    came: FxHashMap<NodeIndex, EditToken>,
    went: FxHashMap<NodeIndex, EditToken>,
    moved: FxHashMap<NodeIndex, EditToken>,
    came_inside: FxHashMap<Layer, EditToken>,
    went_inside: FxHashMap<Layer, EditToken>,
    packed: FxHashMap<Layer, EditToken>,
    unpacked: FxHashMap<Layer, EditToken>,
}

pub(super) fn compare_structure(
    matched: PairedGraphs<'_, '_>,
    widgets: &WidgetComparison<'_, '_>,
    draft: &mut ScriptBuilder,
) {
    let mut structure =
        StructureComparison { matched, widgets, draft, tokens: StructureTokens::default() };
    structure.compare_subgraphs();
    structure.compare_nodes();
    structure.detect_packed();
    structure.detect_unpacked();
    let (changes, links) = matched.compare_wires();
    for change in &changes {
        structure.push_wire_edit(change);
    }
    structure.compare_dangling_links();
    structure.compare_graphs(&links);
}

struct StructureComparison<'n, 'w, 'd> {
    matched: PairedGraphs<'n, 'w>,
    widgets: &'n WidgetComparison<'n, 'w>,
    draft: &'d mut ScriptBuilder,
    tokens: StructureTokens,
}

impl StructureComparison<'_, '_, '_> {
    fn compare_subgraphs(&mut self) {
        let PairedGraphs { old, new, pairing, .. } = self.matched;
        for layer in (0..new.layers.len()).filter(|&layer| pairing.old_layer[layer].is_none()) {
            let (Some(subgraph), Some(definition)) =
                (new.subgraph_ref(layer), new.definition(layer))
            else {
                continue;
            };
            let (raw, home) = (empty_definition(definition), definition.home.clone());
            let token = self.draft.push(Edit::SubgraphAdded { subgraph, raw, home }, None);
            self.tokens.came_inside.insert(layer, token);
        }
        for layer in (0..old.layers.len()).filter(|&layer| pairing.new_layer[layer].is_none()) {
            let (Some(subgraph), Some(definition)) =
                (old.subgraph_ref(layer), old.definition(layer))
            else {
                continue;
            };
            let raw = empty_definition(definition);
            let token = self.draft.push(Edit::SubgraphRemoved { subgraph, raw }, None);
            self.tokens.went_inside.insert(layer, token);
        }
    }

    fn compare_nodes(&mut self) {
        let PairedGraphs { old, new, pairing, .. } = self.matched;
        for spot in 0..old.nodes.len() {
            if pairing.new_of[spot].is_some() {
                continue;
            }
            let because = self.tokens.went_inside.get(&old.layer_of(spot)).copied();
            let raw = old.nodes[spot].raw().clone();
            let token =
                self.draft.push(Edit::NodeRemoved { node: old.node_ref(spot), raw }, because);
            self.tokens.went.insert(spot, token);
        }
        for spot in 0..new.nodes.len() {
            let layer = new.layer_of(spot);
            match pairing.old_of[spot] {
                Some(before) if Some(old.layer_of(before)) == pairing.old_layer[layer] => {}
                Some(before) => {
                    let (node, from) = (new.node_ref(spot), old.node_key(before));
                    let token = self.draft.push(Edit::NodeMoved { node, from }, None);
                    self.tokens.moved.insert(spot, token);
                }
                None => {
                    let because = self.tokens.came_inside.get(&layer).copied();
                    let edit = Edit::NodeAdded {
                        node: new.node_ref(spot),
                        raw: new.nodes[spot].raw().clone(),
                        widgets: self.widgets.added_widgets(spot),
                    };
                    let token = self.draft.push(edit, because);
                    self.tokens.came.insert(spot, token);
                }
            }
        }
    }

    /// Nodes that lie in a new subgraph now were packed into it, given that its instance is
    /// new too and they are at least half of what is in it.
    fn detect_packed(&mut self) {
        let PairedGraphs { new, pairing, .. } = self.matched;
        for layer in (0..new.layers.len()).filter(|&layer| pairing.old_layer[layer].is_none()) {
            let moved: Vec<NodeIndex> =
                new.nodes_in(layer).filter(|spot| pairing.old_of[*spot].is_some()).collect();
            let hosts = new.instances_of(layer);
            let host = hosts.iter().copied().find(|&host| pairing.old_of[host].is_none());
            let (Some(host), Some(subgraph)) = (host, new.subgraph_ref(layer)) else { continue };
            if moved.is_empty() || moved.len() * 2 < new.nodes_in(layer).len() {
                continue;
            }
            let nodes = moved.iter().map(|&spot| new.node_ref(spot)).collect();
            let edit = Edit::Packed { subgraph, host: new.node_ref(host), nodes };
            let token = self.draft.push(edit, None);
            self.tokens.packed.insert(layer, token);
            let came = [self.tokens.came_inside.get(&layer), self.tokens.came.get(&host)];
            let follow = came.into_iter().flatten().copied();
            let follow =
                follow.chain(moved.iter().filter_map(|s| self.tokens.moved.get(s).copied()));
            for follower in follow.collect::<Vec<_>>() {
                self.draft.set_cause(follower, token);
            }
            // A node that was not there before is no part of the packing.
            for spot in new.nodes_in(layer).filter(|&spot| pairing.old_of[spot].is_none()) {
                if let Some(added) = self.tokens.came.get(&spot) {
                    self.draft.clear_cause(*added);
                }
            }
        }
    }

    fn detect_unpacked(&mut self) {
        let PairedGraphs { old, new, pairing, .. } = self.matched;
        for layer in (0..old.layers.len()).filter(|&layer| pairing.new_layer[layer].is_none()) {
            let moved: Vec<NodeIndex> =
                old.nodes_in(layer).filter_map(|spot| pairing.new_of[spot]).collect();
            let hosts = old.instances_of(layer);
            let host = hosts.iter().copied().find(|&host| pairing.new_of[host].is_none());
            let (Some(host), Some(subgraph)) = (host, old.subgraph_ref(layer)) else { continue };
            if moved.is_empty() || moved.len() * 2 < old.nodes_in(layer).len() {
                continue;
            }
            let nodes = moved.iter().map(|&spot| new.node_ref(spot)).collect();
            let edit = Edit::Unpacked { subgraph, host: old.node_ref(host), nodes };
            let token = self.draft.push(edit, None);
            self.tokens.unpacked.insert(layer, token);
            let went = [self.tokens.went_inside.get(&layer), self.tokens.went.get(&host)];
            let follow = went.into_iter().flatten().copied();
            let follow =
                follow.chain(moved.iter().filter_map(|s| self.tokens.moved.get(s).copied()));
            for follower in follow.collect::<Vec<_>>() {
                self.draft.set_cause(follower, token);
            }
            for spot in old.nodes_in(layer).filter(|&spot| pairing.new_of[spot].is_none()) {
                if let Some(removed) = self.tokens.went.get(&spot) {
                    self.draft.clear_cause(*removed);
                }
            }
        }
    }

    fn push_wire_edit(&mut self, change: &WireChange<'_>) {
        let because = self.wire_cause(change);
        if let Some(edit) = self.matched.wire_edit(change) {
            self.draft.push(edit, because);
        }
    }

    /// The edit that a wire follows from, if it says nothing by itself.
    fn wire_cause(&self, change: &WireChange<'_>) -> Option<EditToken> {
        let PairedGraphs { old, new, .. } = self.matched;
        let tokens = &self.tokens;
        let sink_node = |indexed: &IndexedGraph<'_>, layer: Layer, sink: &WireSink| match sink {
            WireSink::Node { id, .. } => indexed.node_index(layer, id),
            WireSink::Boundary(_) => None,
        };
        let source_node =
            |indexed: &IndexedGraph<'_>, layer: Layer, source: &WireSource| match source {
                WireSource::Node { id, .. } => indexed.node_index(layer, id),
                WireSource::Boundary(_) => None,
            };
        if let Some((layer, wire)) = change.after {
            let sink = sink_node(new, layer, &wire.to);
            if let Some(token) = sink.and_then(|spot| tokens.came.get(&spot)) {
                return Some(*token);
            }
            let leaves = matches!(wire.to, WireSink::Boundary(_));
            if let Some(packed) = tokens.packed.get(&layer).filter(|_| leaves) {
                return Some(*packed);
            }
            if !self.has_same_origin(change) {
                return tokens.came_inside.get(&layer).copied().filter(|_| {
                    // Inside a new subgraph that nothing was packed into, all is new.
                    !tokens.packed.contains_key(&layer)
                });
            }
            let moved = sink.and_then(|spot| tokens.moved.get(&spot)).copied();
            let via = source_node(new, layer, &wire.from);
            let via = via.and_then(|spot| tokens.came.get(&spot)).copied();
            let inside = tokens.packed.get(&layer).copied();
            return moved.or(inside).or(via).or_else(|| {
                let (layer, wire) = change.before?;
                let was = source_node(old, layer, &wire.from)?;
                tokens.went.get(&was).copied()
            });
        }
        let (layer, wire) = change.before?;
        let sink = sink_node(old, layer, &wire.to).and_then(|spot| tokens.went.get(&spot));
        let source = source_node(old, layer, &wire.from).and_then(|spot| tokens.went.get(&spot));
        let around = tokens.unpacked.get(&layer).or_else(|| tokens.went_inside.get(&layer));
        sink.or(around).or(source).copied()
    }

    /// Whether the input gets what it got, by whatever way.
    fn has_same_origin(&self, change: &WireChange<'_>) -> bool {
        let PairedGraphs { old, new, pairing, slots } = self.matched;
        if change.same_source {
            return true;
        }
        let Some((layer, wire)) = change.after else { return false };
        let after = new.wire_origin(layer, &wire.from);
        let before = change.before.map(|(layer, wire)| old.wire_origin(layer, &wire.from));
        match (before, after) {
            (Some(WireOrigin::Output(was, before)), WireOrigin::Output(is, after)) => {
                pairing.new_of[was] == Some(is) && slots.output_before(is, after) == Some(before)
            }
            // The value now comes from the instance that shows it.
            (None | Some(WireOrigin::Nowhere), WireOrigin::Nowhere) => true,
            _ => false,
        }
    }

    /// Links that lead nowhere.
    fn compare_dangling_links(&mut self) {
        let PairedGraphs { old, new, pairing, .. } = self.matched;
        for (layer, before) in pairing.old_layer.iter().enumerate() {
            let dead = |indexed: &IndexedGraph<'_>, layer: Layer| -> FxHashMap<LinkId, Value> {
                let graph = indexed.layers[layer].graph;
                let dead = indexed.layers[layer].wires().dangling.iter();
                let raw = |id: &LinkId| Some((*id, graph.links.get(id)?.clone().into_value()));
                dead.filter_map(raw).collect()
            };
            let was = before.map(|before| dead(old, before)).unwrap_or_default();
            let is = dead(new, layer);
            let mut ids: Vec<LinkId> = was.keys().chain(is.keys()).copied().collect();
            ids.sort_unstable();
            ids.dedup();
            for id in ids {
                let change = Change::new(was.get(&id).cloned(), is.get(&id).cloned());
                if change.before != change.after {
                    let scope = new.layers[layer].scope.clone();
                    self.draft.push(
                        Edit::DanglingElement { scope, list: GraphList::Links, change },
                        None,
                    );
                }
            }
        }
    }

    /// Groups, bends and numbers, graph by graph.
    fn compare_graphs(&mut self, links: &[RenumberedLink]) {
        let PairedGraphs { old, new, pairing, .. } = self.matched;
        let mut by_layer: FxHashMap<Layer, Vec<(LinkId, LinkId)>> = FxHashMap::default();
        for pair in links {
            by_layer.entry(pair.layer).or_default().push((pair.link.before, pair.link.after));
        }
        for (layer, before) in pairing.old_layer.iter().enumerate() {
            let Some(before) = *before else {
                self.push_new_graph_contents(layer);
                continue;
            };
            let groups = self.matched.compare_groups(before, layer, self.draft);
            let reroutes = self.matched.compare_reroutes(before, layer, self.draft);
            let same = new.nodes_in(layer).filter_map(|spot| Some((pairing.old_of[spot]?, spot)));
            let same = same.filter(|&(was, _)| old.layer_of(was) == before);
            let nodes = same.map(|(was, is)| (old.node_id(was).clone(), new.node_id(is).clone()));
            let nodes: Vec<_> = nodes.filter(|(was, is)| was != is).collect();
            let links = by_layer.remove(&layer).unwrap_or_default();
            let uuids = Change::new(&old.layers[before].scope, &new.layers[layer].scope);
            let subgraph = match (uuids.before, uuids.after) {
                (GraphScope::Definition(was), GraphScope::Definition(is)) if was != is => {
                    Some(Change::new(was.clone(), is.clone()))
                }
                _ => None,
            };
            let counts = [nodes.len(), links.len(), groups.len(), reroutes.len()];
            if counts != [0; 4] || subgraph.is_some() {
                let scope = new.layers[layer].scope.clone();
                self.draft.push(
                    Edit::Renumbered { scope, nodes, links, groups, reroutes, subgraph },
                    None,
                );
            }
        }
    }

    /// Groups and bends inside a subgraph that is new.
    fn push_new_graph_contents(&mut self, layer: Layer) {
        let PairedGraphs { new, .. } = self.matched;
        let because = self.tokens.came_inside.get(&layer).copied();
        let graph = new.layers[layer].graph;
        for (at, group) in graph.groups.iter().enumerate() {
            let named = new.group_ref(layer, at);
            self.draft.push(Edit::GroupAdded { group: named, raw: group.raw().clone() }, because);
        }
        for (id, reroute) in &graph.reroutes {
            let links: Vec<LinkId> = reroute.links().collect();
            let wires = new.layers[layer].wires().iter();
            let wires = wires.filter(|wire| links.contains(&wire.link));
            let edit = Edit::Reroute {
                scope: new.layers[layer].scope.clone(),
                id: *id,
                wires: wires.map(|wire| new.sink_ref(layer, &wire.to)).collect(),
                raw: Box::new(Change::new(None, Some(reroute.raw().clone()))),
            };
            self.draft.push(edit, because);
        }
    }
}

/// A definition with nothing in it.
fn empty_definition(definition: &crate::graph::SubgraphDefinition) -> Object {
    let mut empty = definition.clone();
    empty.graph.nodes.clear();
    empty.graph.links.clear();
    empty.graph.groups.clear();
    empty.graph.reroutes.clear();
    match empty.into_value() {
        Value::Object(raw) => raw,
        _ => Object::new(),
    }
}
