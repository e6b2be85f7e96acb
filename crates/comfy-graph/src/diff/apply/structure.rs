//! The structural edits of a script: nodes, wires, slots, groups, subgraphs and ids.
//!
//! What goes is taken out, ids are rewritten, what comes is put in, wires last. Orders of
//! lists do not matter here: the clean form sorts them.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Refused, rebuild};
use crate::diff::edit::{Change, Edit, LinkRef, Side, SinkRef, SourceRef};
use crate::diff::slots::key as side_key;
use crate::graph::{
    Definition, End, Graph, Group, Link, LinkId, List, Node, NodeKey, Place, Renumbering, Reroute,
    RerouteId, Scope, SlotName, SubgraphId, WidgetName, Workflow,
};
use crate::json::{Object, Value};

/// Replays the structural edits; the others are passed over.
pub(in crate::diff) fn structure(workflow: Workflow, edits: &[&Edit]) -> Result<Workflow, Refused> {
    let mut bench = Bench::new(workflow, edits);
    bench.take_out(edits)?;
    bench.renumber(edits);
    bench.put_in(edits)?;
    bench.slots(edits)?;
    bench.wire(edits)?;
    bench.widgets(edits)?;
    bench.align();
    Ok(bench.workflow)
}

/// A workflow being rebuilt.
struct Bench {
    workflow: Workflow,
    /// The old uuids of definitions that get another.
    old_uuid: FxHashMap<SubgraphId, SubgraphId>,
    /// Nodes on their way to another graph, by their new key.
    nodes: FxHashMap<NodeKey, Node>,
    /// Links on their way to other ends, by where they were.
    links: FxHashMap<(Scope, LinkId), Link>,
    /// Graphs whose slots must be brought into agreement with the links.
    touched: FxHashSet<Scope>,
}

impl Bench {
    fn new(workflow: Workflow, edits: &[&Edit]) -> Self {
        let renamed = edits.iter().filter_map(|edit| match edit {
            Edit::Renumbered { subgraph: Some(Change { before, after }), .. } => {
                Some((after.clone(), before.clone()))
            }
            _ => None,
        });
        Bench {
            workflow,
            old_uuid: renamed.collect(),
            nodes: FxHashMap::default(),
            links: FxHashMap::default(),
            touched: FxHashSet::default(),
        }
    }

    /// What a graph was called before.
    fn old_scope(&self, scope: &Scope) -> Scope {
        match scope {
            Scope::Definition(id) => Scope::Definition(self.old_uuid.get(id).unwrap_or(id).clone()),
            Scope::Root => Scope::Root,
        }
    }

    fn graph(&mut self, scope: &Scope) -> Result<&mut Graph, Refused> {
        self.workflow.graph_mut(scope).ok_or_else(|| Refused::NoGraph(scope.clone()))
    }

    fn touch(&mut self, scope: &Scope) {
        if !self.touched.contains(scope) {
            self.touched.insert(scope.clone());
        }
    }

    fn take_out(&mut self, edits: &[&Edit]) -> Result<(), Refused> {
        let mut groups: FxHashMap<Scope, FxHashSet<usize>> = FxHashMap::default();
        let mut gone: FxHashSet<&SubgraphId> = FxHashSet::default();
        for edit in edits {
            match edit {
                Edit::Wire { link, .. } => {
                    if let Some(LinkRef { scope, id, .. }) = &link.before {
                        let link = self.take_link(scope, *id)?;
                        self.links.insert((scope.clone(), *id), link);
                    }
                }
                Edit::Table { scope, list: List::Links, change } => {
                    if let Some(Ok(link)) = change.before.clone().map(Link::from_value) {
                        let scope = self.old_scope(scope);
                        self.take_link(&scope, link.id())?;
                    }
                }
                Edit::NodeRemoved { node, raw } => {
                    let found = self.take_node(&node.key)?;
                    if found.class() != raw.get("type").and_then(Value::as_str).unwrap_or_default()
                    {
                        return Err(Refused::NoNode(node.key.clone(), None));
                    }
                }
                Edit::NodeMoved { node, from } => {
                    let moved = self.take_node(from)?;
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
                return Err(Refused::NoElement { of, list: "groups", at });
            }
            let mut at = 0..;
            groups.retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
        }
        for id in &gone {
            if !self.workflow.definitions.contains_key(*id) {
                return Err(Refused::NoGraph(Scope::Definition((*id).clone())));
            }
        }
        self.workflow.definitions.retain(|id, _| !gone.contains(id));
        Ok(())
    }

    fn take_link(&mut self, scope: &Scope, id: LinkId) -> Result<Link, Refused> {
        self.touch(scope);
        let link = self.graph(scope)?.links.swap_remove(&id);
        link.ok_or_else(|| Refused::NoLink(scope.clone(), id))
    }

    fn take_node(&mut self, key: &NodeKey) -> Result<Node, Refused> {
        let node = self.graph(&key.scope)?.nodes.swap_remove(&key.id);
        node.ok_or_else(|| Refused::NoNode(key.clone(), None))
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
                self.touch(scope);
            }
        }
        self.workflow.renumber(&renumbering);
        // From here on graphs have their new names.
        let new_uuid: FxHashMap<_, _> =
            std::mem::take(&mut self.old_uuid).into_iter().map(|(new, old)| (old, new)).collect();
        let rename = |scope: Scope| match scope {
            Scope::Definition(id) => Scope::Definition(new_uuid.get(&id).cloned().unwrap_or(id)),
            Scope::Root => Scope::Root,
        };
        self.touched = std::mem::take(&mut self.touched).into_iter().map(rename).collect();
    }

    fn put_in(&mut self, edits: &[&Edit]) -> Result<(), Refused> {
        for edit in edits {
            if let Edit::SubgraphAdded { subgraph, raw, home } = edit {
                let definition = Definition::from_value(Value::Object(raw.clone()));
                let mut definition = definition.map_err(|_| {
                    Refused::Misshapen(subgraph.id.0.clone(), "subgraph definition")
                })?;
                definition.home.clone_from(home);
                let id = definition.id().clone();
                if self.workflow.definitions.contains_key(&id) {
                    return Err(Refused::GraphTaken(id));
                }
                self.touch(&Scope::Definition(id.clone()));
                self.workflow.definitions.insert(id, definition);
            }
        }
        let mut groups: FxHashMap<&Scope, Vec<(usize, Group)>> = FxHashMap::default();
        for edit in edits {
            match edit {
                Edit::NodeAdded { node, raw, .. } => {
                    let added = Node::from_value(Value::Object(raw.clone()));
                    let added = added
                        .map_err(|_| Refused::Misshapen(node.key.to_string().into(), "node"))?;
                    self.put_node(&node.key, added)?;
                }
                Edit::NodeMoved { node, .. } => {
                    if let Some(mut moved) = self.nodes.remove(&node.key) {
                        moved.set_id(node.key.id.clone());
                        self.put_node(&node.key, moved)?;
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
            *groups = rebuild(std::mem::take(groups), added);
        }
        Ok(())
    }

    fn put_node(&mut self, key: &NodeKey, node: Node) -> Result<(), Refused> {
        self.touch(&key.scope);
        let nodes = &mut self.graph(&key.scope)?.nodes;
        if nodes.contains_key(node.id()) {
            return Err(Refused::NodeTaken(key.clone()));
        }
        nodes.insert(node.id().clone(), node);
        Ok(())
    }

    fn wire(&mut self, edits: &[&Edit]) -> Result<(), Refused> {
        for edit in edits {
            match edit {
                Edit::Wire { to, from, link } => {
                    let (Some(after), Some(from)) = (&link.after, &from.after) else { continue };
                    let old = link
                        .before
                        .as_ref()
                        .and_then(|before| self.links.remove(&(before.scope.clone(), before.id)));
                    self.put_wire(to, from, after, old)?;
                }
                Edit::Table { scope, list: List::Links, change } => {
                    if let Some(Ok(link)) = change.after.clone().map(Link::from_value) {
                        self.put_link(scope, link)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn put_wire(
        &mut self,
        to: &SinkRef,
        from: &SourceRef,
        link: &LinkRef,
        old: Option<Link>,
    ) -> Result<(), Refused> {
        let graph = self.graph(&link.scope)?;
        let from = match from {
            SourceRef::Output { node, slot, .. } => End::node(node.key.id.clone(), *slot),
            SourceRef::Boundary { name, .. } => {
                End::GraphInput { slot: boundary(graph, Side::Input, name)? }
            }
        };
        let to = match to {
            SinkRef::Input { node, name } => {
                let found = graph.nodes.get(&node.key.id);
                let found = found.ok_or_else(|| Refused::NoNode(node.key.clone(), None))?;
                let slot = found.input(name).map(|slot| slot.at).or_else(|| unlisted(name));
                let slot = slot.ok_or_else(|| Refused::NoSlot {
                    of: compact_str::format_compact!("{} #{}", node.shown(), node.key),
                    name: name.name.clone(),
                })?;
                End::node(node.key.id.clone(), slot)
            }
            SinkRef::Boundary { name, .. } => {
                End::GraphOutput { slot: boundary(graph, Side::Output, name)? }
            }
        };
        let spelling = graph.spelling();
        let link_made = match old.filter(|old| old.spelling() == spelling) {
            Some(mut old) => {
                old.set_id(link.id);
                old.set_from(from);
                old.set_to(to);
                old.set_kind(link.kind.clone());
                old
            }
            None => Link::new(spelling, link.id, from, to, link.kind.clone()),
        };
        self.put_link(&link.scope, link_made)
    }

    fn put_link(&mut self, scope: &Scope, link: Link) -> Result<(), Refused> {
        self.touch(scope);
        let links = &mut self.graph(scope)?.links;
        if links.contains_key(&link.id()) {
            return Err(Refused::LinkTaken(scope.clone(), link.id()));
        }
        links.insert(link.id(), link);
        Ok(())
    }

    fn align(&mut self) {
        for scope in std::mem::take(&mut self.touched) {
            if let Some(graph) = self.workflow.graph_mut(&scope) {
                // Boundary slots list their links in the order of the table, which must
                // not hang on the order of the edits.
                graph.links.sort_unstable_keys();
                graph.realign();
            }
        }
    }

    /// Slots of nodes and boundaries, list by list.
    fn slots(&mut self, edits: &[&Edit]) -> Result<(), Refused> {
        let mut lists: Vec<(Owner<'_>, Side, Vec<Slotted<'_>>)> = Vec::new();
        let mut known: FxHashMap<(Owner<'_>, Side), usize> = FxHashMap::default();
        for edit in edits {
            let (owner, side, slotted) = match edit {
                Edit::Slot { node, side, at, raw, .. } => {
                    (Owner::Node(&node.key), *side, Slotted { at, raw: raw.after.as_ref() })
                }
                Edit::Boundary { subgraph, side, at, raw, .. } => {
                    (Owner::Boundary(&subgraph.id), *side, Slotted { at, raw: raw.after.as_ref() })
                }
                _ => continue,
            };
            let list = *known.entry((owner, side)).or_insert_with(|| {
                lists.push((owner, side, Vec::new()));
                lists.len() - 1
            });
            lists[list].2.push(slotted);
        }
        let mut moved = Moved::default();
        for (owner, side, slotted) in lists {
            let scope = owner.scope();
            let places = self.slot_list(owner, side, &slotted)?;
            self.touch(&scope);
            moved.note(scope, owner, side, places);
        }
        for (scope, moved) in &moved.by_graph {
            for link in self.graph(scope)?.links.values_mut() {
                moved.correct(link);
            }
        }
        Ok(())
    }

    /// Rebuilds one list of slots. Gives for each old index the new one.
    fn slot_list(
        &mut self,
        owner: Owner<'_>,
        side: Side,
        slotted: &[Slotted<'_>],
    ) -> Result<Vec<Option<usize>>, Refused> {
        let list_name = side_key(side);
        let object = match owner {
            Owner::Node(key) => {
                let node = self.workflow.node_mut(key);
                node.ok_or_else(|| Refused::NoNode(key.clone(), None))?.raw_mut()
            }
            Owner::Boundary(id) => &mut self.graph(&Scope::Definition(id.clone()))?.rest,
        };
        let list = object.get_or_insert_with(list_name, || Value::Array(Vec::new()));
        let Some(list) = list.as_array_mut() else {
            return Err(Refused::Misshapen(owner.name(), "thing with slots"));
        };
        let length = list.len();
        let mut gone = FxHashSet::default();
        for at in slotted.iter().filter_map(|slotted| slotted.at.before) {
            if at >= length {
                return Err(Refused::NoElement { of: owner.name(), list: list_name, at });
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
        let rebuilt = rebuild(stayed, placed.collect());
        let mut places = vec![None; length];
        for (new, (old, slot)) in rebuilt.into_iter().enumerate() {
            if let Some(old) = old {
                places[old] = Some(new);
            }
            list.push(slot);
        }
        Ok(places)
    }

    fn widgets(&mut self, edits: &[&Edit]) -> Result<(), Refused> {
        let mut nodes: Vec<(&NodeKey, Vec<Valued<'_>>)> = Vec::new();
        for edit in edits {
            let Edit::Widget { node, name, change, place, .. } = edit else { continue };
            if nodes.last().is_none_or(|(key, _)| **key != node.key) {
                nodes.push((&node.key, Vec::new()));
            }
            if let Some((_, values)) = nodes.last_mut() {
                values.push(Valued { name, change, place });
            }
        }
        for (key, values) in nodes {
            let node = self.workflow.node_mut(key);
            let node = node.ok_or_else(|| Refused::NoNode(key.clone(), None))?;
            super::members::widget_values(node, key, &values)?;
        }
        Ok(())
    }
}

pub(super) struct Valued<'e> {
    pub(super) name: &'e WidgetName,
    pub(super) change: &'e Change<Option<Value>>,
    pub(super) place: &'e Place,
}

struct Slotted<'e> {
    at: &'e Change<Option<usize>>,
    raw: Option<&'e Object>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Owner<'e> {
    Node(&'e NodeKey),
    Boundary(&'e SubgraphId),
}

impl Owner<'_> {
    fn scope(self) -> Scope {
        match self {
            Owner::Node(key) => key.scope.clone(),
            Owner::Boundary(id) => Scope::Definition(id.clone()),
        }
    }

    fn name(self) -> CompactString {
        match self {
            Owner::Node(key) => compact_str::format_compact!("node {key}"),
            Owner::Boundary(id) => compact_str::format_compact!("subgraph {id}"),
        }
    }
}

/// Slots that have another index now.
#[derive(Default)]
struct Moved {
    by_graph: FxHashMap<Scope, MovedIn>,
}

#[derive(Default)]
struct MovedIn {
    inputs: FxHashMap<crate::graph::NodeId, Vec<Option<usize>>>,
    outputs: FxHashMap<crate::graph::NodeId, Vec<Option<usize>>>,
    graph_inputs: Option<Vec<Option<usize>>>,
    graph_outputs: Option<Vec<Option<usize>>>,
}

impl Moved {
    fn note(&mut self, scope: Scope, owner: Owner<'_>, side: Side, places: Vec<Option<usize>>) {
        let graph = self.by_graph.entry(scope).or_default();
        match (owner, side) {
            (Owner::Node(key), Side::Input) => {
                graph.inputs.insert(key.id.clone(), places);
            }
            (Owner::Node(key), Side::Output) => {
                graph.outputs.insert(key.id.clone(), places);
            }
            (Owner::Boundary(_), Side::Input) => graph.graph_inputs = Some(places),
            (Owner::Boundary(_), Side::Output) => graph.graph_outputs = Some(places),
        }
    }
}

impl MovedIn {
    fn correct(&self, link: &mut Link) {
        let moved = |places: Option<&Vec<Option<usize>>>, slot: usize| {
            places.and_then(|places| places.get(slot).copied().flatten()).filter(|new| *new != slot)
        };
        let from = match link.from() {
            End::Node { id, slot } => moved(self.outputs.get(id), *slot),
            End::GraphInput { slot } => moved(self.graph_inputs.as_ref(), *slot),
            _ => None,
        };
        if let Some(slot) = from {
            link.set_from(link.from().with_slot(slot));
        }
        let to = match link.to() {
            End::Node { id, slot } => moved(self.inputs.get(id), *slot),
            End::GraphOutput { slot } => moved(self.graph_outputs.as_ref(), *slot),
            _ => None,
        };
        if let Some(slot) = to {
            link.set_to(link.to().with_slot(slot));
        }
    }
}

/// The index of a boundary slot.
fn boundary(graph: &Graph, side: Side, name: &SlotName) -> Result<usize, Refused> {
    let slots = graph.rest.get(side_key(side)).and_then(Value::as_array).unwrap_or_default();
    let named = |slot: &Value| slot.get("name").and_then(Value::as_str) == Some(&name.name);
    let mut found = slots.iter().enumerate().filter(|(_, slot)| named(slot));
    let at = found.nth(name.nth).map(|(at, _)| at).or_else(|| unlisted(name));
    at.ok_or_else(|| Refused::NoSlot {
        of: CompactString::const_new("the boundary of the subgraph"),
        name: name.name.clone(),
    })
}

/// The index of a slot that no list has.
fn unlisted(name: &SlotName) -> Option<usize> {
    name.name.strip_prefix('#')?.parse().ok()
}
