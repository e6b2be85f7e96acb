//! The structural edits of a script: nodes, wires, slots, groups, subgraphs and ids.
//!
//! What goes is taken out, ids are rewritten, what comes is put in, wires last. Orders of
//! lists do not matter here: the clean form sorts them.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{ApplyError, rebuild_list};
use crate::diff::edit::{Change, Edit, LinkRef, SinkRef, SlotSide, SourceRef};
use crate::diff::slots::slot_list_key as side_key;
use crate::graph::{
    Graph, GraphList, GraphScope, Group, Link, LinkEnd, LinkId, Node, NodeKey, Renumbering,
    Reroute, RerouteId, SlotName, SubgraphDefinition, SubgraphId, WidgetLocation, WidgetName,
    Workflow, find_slot,
};
use crate::json::{Object, Value};

/// Replays the structural edits; the others are passed over.
pub(in crate::diff) fn apply_structure(
    workflow: Workflow,
    edits: &[&Edit],
) -> Result<Workflow, ApplyError> {
    let mut bench = WorkflowRebuilder::new(workflow, edits);
    bench.remove_elements(edits)?;
    bench.renumber(edits);
    bench.insert_elements(edits)?;
    bench.apply_slot_edits(edits)?;
    bench.insert_wires(edits)?;
    bench.apply_widget_edits(edits)?;
    bench.sync_touched_graphs();
    Ok(bench.workflow)
}

/// A workflow being rebuilt.
struct WorkflowRebuilder {
    workflow: Workflow,
    /// The old uuids of definitions that get another.
    old_uuid: FxHashMap<SubgraphId, SubgraphId>,
    /// Nodes on their way to another graph, by their new key.
    nodes: FxHashMap<NodeKey, Node>,
    /// Links on their way to other ends, by where they were.
    links: FxHashMap<(GraphScope, LinkId), Link>,
    /// Graphs whose slots must be brought into agreement with the links.
    touched: FxHashSet<GraphScope>,
}

impl WorkflowRebuilder {
    fn new(workflow: Workflow, edits: &[&Edit]) -> Self {
        let renamed = edits.iter().filter_map(|edit| match edit {
            Edit::Renumbered { subgraph: Some(Change { before, after }), .. } => {
                Some((after.clone(), before.clone()))
            }
            _ => None,
        });
        WorkflowRebuilder {
            workflow,
            old_uuid: renamed.collect(),
            nodes: FxHashMap::default(),
            links: FxHashMap::default(),
            touched: FxHashSet::default(),
        }
    }

    /// What a graph was called before.
    fn old_scope(&self, scope: &GraphScope) -> GraphScope {
        match scope {
            GraphScope::Definition(id) => {
                GraphScope::Definition(self.old_uuid.get(id).unwrap_or(id).clone())
            }
            GraphScope::Root => GraphScope::Root,
        }
    }

    fn graph(&mut self, scope: &GraphScope) -> Result<&mut Graph, ApplyError> {
        self.workflow.graph_mut(scope).ok_or_else(|| ApplyError::NoGraph(scope.clone()))
    }

    fn mark_touched(&mut self, scope: &GraphScope) {
        if !self.touched.contains(scope) {
            self.touched.insert(scope.clone());
        }
    }

    fn remove_elements(&mut self, edits: &[&Edit]) -> Result<(), ApplyError> {
        let mut groups: FxHashMap<GraphScope, FxHashSet<usize>> = FxHashMap::default();
        let mut gone: FxHashSet<&SubgraphId> = FxHashSet::default();
        for edit in edits {
            match edit {
                Edit::Wire { link, .. } => {
                    if let Some(LinkRef { scope, id, .. }) = &link.before {
                        let link = self.remove_link(scope, *id)?;
                        self.links.insert((scope.clone(), *id), link);
                    }
                }
                Edit::DanglingElement { scope, list: GraphList::Links, change } => {
                    if let Some(Ok(link)) = change.before.clone().map(Link::from_value) {
                        let scope = self.old_scope(scope);
                        self.remove_link(&scope, link.id())?;
                    }
                }
                Edit::NodeRemoved { node, raw } => {
                    let found = self.remove_node(&node.key)?;
                    if found.class() != raw.get("type").and_then(Value::as_str).unwrap_or_default()
                    {
                        return Err(ApplyError::NoNode(node.key.clone(), None));
                    }
                }
                Edit::NodeMoved { node, from } => {
                    let moved = self.remove_node(from)?;
                    self.nodes.insert(node.key.clone(), moved);
                }
                Edit::GroupRemoved { group, .. } => {
                    groups.entry(self.old_scope(&group.scope)).or_default().insert(group.at);
                }
                Edit::Reroute { scope, raw, .. } => {
                    if let (Some(before), None) = (&raw.before, &raw.after)
                        && let Some(id) = before.get("id").and_then(RerouteId::from_value)
                    {
                        let scope = self.old_scope(scope);
                        self.graph(&scope)?.reroutes.swap_remove(&id);
                    }
                }
                Edit::SubgraphRemoved { subgraph, .. } => {
                    gone.insert(&subgraph.id);
                }
                _ => {}
            }
        }
        for (scope, gone) in groups {
            let groups = &mut self.graph(&scope)?.groups;
            if let Some(&at) = gone.iter().find(|&&at| at >= groups.len()) {
                let of = CompactString::const_new("the graph");
                return Err(ApplyError::NoElement { of, list: "groups", at });
            }
            let mut at = 0..;
            groups.retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
        }
        for id in &gone {
            if !self.workflow.definitions.contains_key(*id) {
                return Err(ApplyError::NoGraph(GraphScope::Definition((*id).clone())));
            }
        }
        self.workflow.definitions.retain(|id, _| !gone.contains(id));
        Ok(())
    }

    fn remove_link(&mut self, scope: &GraphScope, id: LinkId) -> Result<Link, ApplyError> {
        self.mark_touched(scope);
        let link = self.graph(scope)?.links.swap_remove(&id);
        link.ok_or_else(|| ApplyError::NoLink(scope.clone(), id))
    }

    fn remove_node(&mut self, key: &NodeKey) -> Result<Node, ApplyError> {
        let node = self.graph(&key.scope)?.nodes.swap_remove(&key.id);
        node.ok_or_else(|| ApplyError::NoNode(key.clone(), None))
    }

    fn renumber(&mut self, edits: &[&Edit]) {
        let mut renumbering = Renumbering::default();
        for edit in edits {
            let Edit::Renumbered { scope, nodes, links, groups, reroutes, subgraph } = edit else {
                continue;
            };
            let old = self.old_scope(scope);
            let key = |id: &crate::graph::NodeId| NodeKey { scope: old.clone(), id: id.clone() };
            renumbering.nodes.extend(nodes.iter().map(|(was, is)| (key(was), is.clone())));
            renumbering.links.extend(links.iter().map(|(was, is)| ((old.clone(), *was), *is)));
            renumbering.groups.extend(groups.iter().map(|(was, is)| ((old.clone(), *was), *is)));
            renumbering
                .reroutes
                .extend(reroutes.iter().map(|(was, is)| ((old.clone(), *was), *is)));
            if let Some(Change { before, after }) = subgraph {
                renumbering.subgraphs.insert(before.clone(), after.clone());
            }
            if !links.is_empty() {
                self.mark_touched(scope);
            }
        }
        self.workflow.renumber(&renumbering);
        // From here on graphs have their new names.
        let new_uuid: FxHashMap<_, _> =
            std::mem::take(&mut self.old_uuid).into_iter().map(|(new, old)| (old, new)).collect();
        let rename = |scope: GraphScope| match scope {
            GraphScope::Definition(id) => {
                GraphScope::Definition(new_uuid.get(&id).cloned().unwrap_or(id))
            }
            GraphScope::Root => GraphScope::Root,
        };
        self.touched = std::mem::take(&mut self.touched).into_iter().map(rename).collect();
    }

    fn insert_elements(&mut self, edits: &[&Edit]) -> Result<(), ApplyError> {
        for edit in edits {
            if let Edit::SubgraphAdded { subgraph, raw, home } = edit {
                let definition = SubgraphDefinition::from_value(Value::Object(raw.clone()));
                let mut definition = definition.map_err(|_| {
                    ApplyError::Misshapen(subgraph.id.0.clone(), "subgraph definition")
                })?;
                definition.home.clone_from(home);
                let id = definition.id().clone();
                if self.workflow.definitions.contains_key(&id) {
                    return Err(ApplyError::GraphTaken(id));
                }
                self.mark_touched(&GraphScope::Definition(id.clone()));
                self.workflow.definitions.insert(id, definition);
            }
        }
        let mut groups: FxHashMap<&GraphScope, Vec<(usize, Group)>> = FxHashMap::default();
        for edit in edits {
            match edit {
                Edit::NodeAdded { node, raw, .. } => {
                    let added = Node::from_value(Value::Object(raw.clone()));
                    let added = added
                        .map_err(|_| ApplyError::Misshapen(node.key.to_string().into(), "node"))?;
                    self.insert_node(&node.key, added)?;
                }
                Edit::NodeMoved { node, .. } => {
                    if let Some(mut moved) = self.nodes.remove(&node.key) {
                        moved.set_id(node.key.id.clone());
                        self.insert_node(&node.key, moved)?;
                    }
                }
                Edit::GroupAdded { group, raw } => {
                    if let Ok(added) = Group::from_value(Value::Object(raw.clone())) {
                        groups.entry(&group.scope).or_default().push((group.at, added));
                    }
                }
                Edit::Reroute { scope, id, raw, .. } => {
                    if let Some(after) = &raw.after
                        && let Ok(reroute) = Reroute::from_value(Value::Object(after.clone()))
                    {
                        self.graph(scope)?.reroutes.insert(*id, reroute);
                    }
                }
                _ => {}
            }
        }
        for (scope, added) in groups {
            let groups = &mut self.graph(scope)?.groups;
            *groups = rebuild_list(std::mem::take(groups), added);
        }
        Ok(())
    }

    fn insert_node(&mut self, key: &NodeKey, node: Node) -> Result<(), ApplyError> {
        self.mark_touched(&key.scope);
        let nodes = &mut self.graph(&key.scope)?.nodes;
        if nodes.contains_key(node.id()) {
            return Err(ApplyError::NodeTaken(key.clone()));
        }
        nodes.insert(node.id().clone(), node);
        Ok(())
    }

    fn insert_wires(&mut self, edits: &[&Edit]) -> Result<(), ApplyError> {
        for edit in edits {
            match edit {
                Edit::Wire { to, from, link } => {
                    let (Some(after), Some(from)) = (&link.after, &from.after) else { continue };
                    let old = link
                        .before
                        .as_ref()
                        .and_then(|before| self.links.remove(&(before.scope.clone(), before.id)));
                    self.insert_wire(to, from, after, old)?;
                }
                Edit::DanglingElement { scope, list: GraphList::Links, change } => {
                    if let Some(Ok(link)) = change.after.clone().map(Link::from_value) {
                        self.insert_link(scope, link)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn insert_wire(
        &mut self,
        to: &SinkRef,
        from: &SourceRef,
        link: &LinkRef,
        old: Option<Link>,
    ) -> Result<(), ApplyError> {
        let graph = self.graph(&link.scope)?;
        let from = match from {
            SourceRef::Output { node, slot, .. } => LinkEnd::node(node.key.id.clone(), *slot),
            SourceRef::Boundary { name, .. } => {
                LinkEnd::GraphInput { slot: boundary_slot_index(graph, SlotSide::Input, name)? }
            }
        };
        let to = match to {
            SinkRef::Input { node, name } => {
                let found = graph.nodes.get(&node.key.id);
                let found = found.ok_or_else(|| ApplyError::NoNode(node.key.clone(), None))?;
                let listed = found.input(name).map(|slot| slot.at);
                let slot = listed.or_else(|| name.unlisted_index());
                let slot = slot.ok_or_else(|| ApplyError::NoSlot {
                    of: compact_str::format_compact!("{} #{}", node.display_name(), node.key),
                    name: name.name.clone(),
                })?;
                LinkEnd::node(node.key.id.clone(), slot)
            }
            SinkRef::Boundary { name, .. } => {
                LinkEnd::GraphOutput { slot: boundary_slot_index(graph, SlotSide::Output, name)? }
            }
        };
        let spelling = graph.link_format();
        let link_made = match old.filter(|old| old.link_format() == spelling) {
            Some(mut old) => {
                old.set_id(link.id);
                old.set_from(from);
                old.set_to(to);
                old.set_kind(link.kind.clone());
                old
            }
            None => Link::new(spelling, link.id, from, to, link.kind.clone()),
        };
        self.insert_link(&link.scope, link_made)
    }

    fn insert_link(&mut self, scope: &GraphScope, link: Link) -> Result<(), ApplyError> {
        self.mark_touched(scope);
        let links = &mut self.graph(scope)?.links;
        if links.contains_key(&link.id()) {
            return Err(ApplyError::LinkTaken(scope.clone(), link.id()));
        }
        links.insert(link.id(), link);
        Ok(())
    }

    fn sync_touched_graphs(&mut self) {
        for scope in std::mem::take(&mut self.touched) {
            if let Some(graph) = self.workflow.graph_mut(&scope) {
                // Boundary slots list their links in the order of the table, which must
                // not hang on the order of the edits.
                graph.links.sort_unstable_keys();
                graph.sync_slots_with_links();
            }
        }
    }

    /// Slots of nodes and boundaries, list by list.
    fn apply_slot_edits(&mut self, edits: &[&Edit]) -> Result<(), ApplyError> {
        let mut lists: Vec<(SlotOwner<'_>, SlotSide, Vec<SlotEdit<'_>>)> = Vec::new();
        let mut known: FxHashMap<(SlotOwner<'_>, SlotSide), usize> = FxHashMap::default();
        for edit in edits {
            let (owner, side, slotted) = match edit {
                Edit::Slot { node, side, at, raw, .. } => {
                    (SlotOwner::Node(&node.key), *side, SlotEdit { at, raw: raw.after.as_ref() })
                }
                Edit::Boundary { subgraph, side, at, raw, .. } => (
                    SlotOwner::Boundary(&subgraph.id),
                    *side,
                    SlotEdit { at, raw: raw.after.as_ref() },
                ),
                _ => continue,
            };
            let list = *known.entry((owner, side)).or_insert_with(|| {
                lists.push((owner, side, Vec::new()));
                lists.len() - 1
            });
            lists[list].2.push(slotted);
        }
        let mut moved = SlotMoves::default();
        for (owner, side, slotted) in lists {
            let scope = owner.scope();
            let places = self.rebuild_slot_list(owner, side, &slotted)?;
            self.mark_touched(&scope);
            moved.insert(scope, owner, side, places);
        }
        for (scope, moved) in &moved.by_graph {
            for link in self.graph(scope)?.links.values_mut() {
                moved.correct_link(link);
            }
        }
        Ok(())
    }

    /// Rebuilds one list of slots. Gives for each old index the new one.
    fn rebuild_slot_list(
        &mut self,
        owner: SlotOwner<'_>,
        side: SlotSide,
        slotted: &[SlotEdit<'_>],
    ) -> Result<Vec<Option<usize>>, ApplyError> {
        let list_name = side_key(side);
        let object = match owner {
            SlotOwner::Node(key) => {
                let node = self.workflow.node_mut(key);
                node.ok_or_else(|| ApplyError::NoNode(key.clone(), None))?.raw_mut()
            }
            SlotOwner::Boundary(id) => &mut self.graph(&GraphScope::Definition(id.clone()))?.rest,
        };
        let list = object.get_or_insert_with(list_name, || Value::Array(Vec::new()));
        let Some(list) = list.as_array_mut() else {
            return Err(ApplyError::Misshapen(owner.name(), "thing with slots"));
        };
        let length = list.len();
        let mut gone = FxHashSet::default();
        for at in slotted.iter().filter_map(|slotted| slotted.at.before) {
            if at >= length {
                return Err(ApplyError::NoElement { of: owner.name(), list: list_name, at });
            }
            gone.insert(at);
        }
        let stayed = std::mem::take(list).into_iter().enumerate();
        let stayed = stayed.filter(|(at, _)| !gone.contains(at));
        let stayed = stayed.map(|(at, slot)| (Some(at), slot));
        let placed = slotted.iter().filter_map(|slotted| {
            let slot = Value::Object(slotted.raw?.clone());
            Some((slotted.at.after?, (slotted.at.before, slot)))
        });
        let rebuilt = rebuild_list(stayed, placed.collect());
        let mut places = vec![None; length];
        for (new, (old, slot)) in rebuilt.into_iter().enumerate() {
            if let Some(old) = old {
                places[old] = Some(new);
            }
            list.push(slot);
        }
        Ok(places)
    }

    fn apply_widget_edits(&mut self, edits: &[&Edit]) -> Result<(), ApplyError> {
        let mut nodes: Vec<(&NodeKey, Vec<WidgetValueEdit<'_>>)> = Vec::new();
        for edit in edits {
            let Edit::Widget { node, name, change, place, .. } = edit else { continue };
            if nodes.last().is_none_or(|(key, _)| **key != node.key) {
                nodes.push((&node.key, Vec::new()));
            }
            if let Some((_, values)) = nodes.last_mut() {
                values.push(WidgetValueEdit { name, change, place });
            }
        }
        for (key, values) in nodes {
            let node = self.workflow.node_mut(key);
            let node = node.ok_or_else(|| ApplyError::NoNode(key.clone(), None))?;
            super::members::apply_widget_values(node, key, &values)?;
        }
        Ok(())
    }
}

pub(super) struct WidgetValueEdit<'e> {
    pub(super) name: &'e WidgetName,
    pub(super) change: &'e Change<Option<Value>>,
    pub(super) place: &'e WidgetLocation,
}

struct SlotEdit<'e> {
    at: &'e Change<Option<usize>>,
    raw: Option<&'e Object>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum SlotOwner<'e> {
    Node(&'e NodeKey),
    Boundary(&'e SubgraphId),
}

impl SlotOwner<'_> {
    fn scope(self) -> GraphScope {
        match self {
            SlotOwner::Node(key) => key.scope.clone(),
            SlotOwner::Boundary(id) => GraphScope::Definition(id.clone()),
        }
    }

    fn name(self) -> CompactString {
        match self {
            SlotOwner::Node(key) => compact_str::format_compact!("node {key}"),
            SlotOwner::Boundary(id) => compact_str::format_compact!("subgraph {id}"),
        }
    }
}

/// Slots that have another index now.
#[derive(Default)]
struct SlotMoves {
    by_graph: FxHashMap<GraphScope, GraphSlotMoves>,
}

#[derive(Default)]
struct GraphSlotMoves {
    inputs: FxHashMap<crate::graph::NodeId, Vec<Option<usize>>>,
    outputs: FxHashMap<crate::graph::NodeId, Vec<Option<usize>>>,
    graph_inputs: Option<Vec<Option<usize>>>,
    graph_outputs: Option<Vec<Option<usize>>>,
}

impl SlotMoves {
    fn insert(
        &mut self,
        scope: GraphScope,
        owner: SlotOwner<'_>,
        side: SlotSide,
        places: Vec<Option<usize>>,
    ) {
        let graph = self.by_graph.entry(scope).or_default();
        match (owner, side) {
            (SlotOwner::Node(key), SlotSide::Input) => {
                graph.inputs.insert(key.id.clone(), places);
            }
            (SlotOwner::Node(key), SlotSide::Output) => {
                graph.outputs.insert(key.id.clone(), places);
            }
            (SlotOwner::Boundary(_), SlotSide::Input) => graph.graph_inputs = Some(places),
            (SlotOwner::Boundary(_), SlotSide::Output) => graph.graph_outputs = Some(places),
        }
    }
}

impl GraphSlotMoves {
    fn correct_link(&self, link: &mut Link) {
        let moved = |places: Option<&Vec<Option<usize>>>, slot: usize| {
            places.and_then(|places| places.get(slot).copied().flatten()).filter(|new| *new != slot)
        };
        let from = match link.from() {
            LinkEnd::Node { id, slot } => moved(self.outputs.get(id), *slot),
            LinkEnd::GraphInput { slot } => moved(self.graph_inputs.as_ref(), *slot),
            _ => None,
        };
        if let Some(slot) = from {
            link.set_from(link.from().with_slot(slot));
        }
        let to = match link.to() {
            LinkEnd::Node { id, slot } => moved(self.inputs.get(id), *slot),
            LinkEnd::GraphOutput { slot } => moved(self.graph_outputs.as_ref(), *slot),
            _ => None,
        };
        if let Some(slot) = to {
            link.set_to(link.to().with_slot(slot));
        }
    }
}

/// The index of a boundary slot.
fn boundary_slot_index(
    graph: &Graph,
    side: SlotSide,
    name: &SlotName,
) -> Result<usize, ApplyError> {
    let listed = find_slot(graph.rest.get(side_key(side)), name).map(|(at, _)| at);
    let at = listed.or_else(|| name.unlisted_index());
    at.ok_or_else(|| ApplyError::NoSlot {
        of: CompactString::const_new("the boundary of the subgraph"),
        name: name.name.clone(),
    })
}
