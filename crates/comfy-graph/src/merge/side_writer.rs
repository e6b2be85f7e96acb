//! Writing one side of a conflict into a workflow: every part gets that side's value, and
//! the wires agree again.
//!
//! The workflow may have been edited since the merge: what a part is about may be gone or
//! changed. Whatever cannot be written any more is left as it is and reported. Must not
//! know how conflicts are kept in files.

use rustc_hash::FxHashSet;

use super::added_definitions;
use super::conflict::{Conflict, ConflictPart, MergePlace};
use super::three_way::MergeSide;
use super::widgets::RawWidgetValues;
use super::wires::source_from_value;
use crate::graph::{
    self, Graph, Group, GroupId, Link, LinkEnd, LinkId, Node, NodeId, SlotName, SubgraphDefinition,
    Widget, WidgetName, WidgetNaming, WireSink, WireSource, Wires, Workflow, find_slot,
};
use crate::json::{JsonPath, Object, Value};

/// A part that could not be written, because what it is about is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrittenPart {
    /// The node.
    pub node: Option<NodeId>,
    /// The place.
    pub place: MergePlace,
}

/// What a part is about is not there any more, so that it cannot be written.
#[derive(Debug)]
struct PlaceGone;

/// Writes one side of a conflict into a workflow.
pub(super) fn write_side_of_conflict(
    workflow: &mut Workflow,
    conflict: &Conflict,
    side: MergeSide,
    naming: &dyn WidgetNaming,
) -> Vec<UnwrittenPart> {
    let mut unwritten = Vec::new();
    let mut parts: Vec<&ConflictPart> = conflict.parts.iter().collect();
    // Definitions and nodes first, so that wires find their ends; what goes goes last.
    parts.sort_by_key(|part| match (&part.place, part.sides.get(side)) {
        (MergePlace::Definition(_), _) => 0,
        (MergePlace::Node, Some(_)) => 1,
        (MergePlace::Node, None) => 3,
        _ => 2,
    });
    for part in parts {
        if write_part(workflow, conflict, part, side, naming).is_err() {
            unwritten.push(UnwrittenPart { node: part.node.clone(), place: part.place.clone() });
        }
    }
    if let Some(graph) = workflow.graph_mut(&conflict.scope) {
        graph.sync_slots_with_links();
    }
    workflow.raise_counters();
    unwritten
}

/// Takes out the definitions that no instance leads to any more, but for those that had
/// none before.
pub(super) fn drop_unreachable_definitions(
    workflow: &mut Workflow,
    idle: &FxHashSet<graph::SubgraphId>,
) {
    for id in added_definitions::unreachable_definitions(workflow) {
        if !idle.contains(&id) {
            workflow.definitions.shift_remove(&id);
        }
    }
}

fn write_part(
    workflow: &mut Workflow,
    conflict: &Conflict,
    part: &ConflictPart,
    side: MergeSide,
    naming: &dyn WidgetNaming,
) -> Result<(), PlaceGone> {
    let value = part.sides.get(side).as_ref();
    if let MergePlace::Definition(id) = &part.place {
        if let (Some(value), false) = (value, workflow.definitions.contains_key(id)) {
            let definition =
                SubgraphDefinition::from_value(value.clone()).map_err(|_| PlaceGone)?;
            workflow.definitions.insert(id.clone(), definition);
        }
        return Ok(());
    }
    if let (MergePlace::Widget(_) | MergePlace::Choice(_), Some(id)) = (&part.place, &part.node) {
        let key = graph::NodeKey { scope: conflict.scope.clone(), id: id.clone() };
        return write_widget(workflow, &key, part, value, naming);
    }
    let graph = workflow.graph_mut(&conflict.scope).ok_or(PlaceGone)?;
    match (&part.place, &part.node) {
        (MergePlace::Key(path), Some(_)) if is_structure(path, &NODE_STRUCTURE) => Err(PlaceGone),
        (MergePlace::Graph(path), _) if is_structure(path, &GRAPH_STRUCTURE) => Err(PlaceGone),
        (MergePlace::Node, Some(id)) => write_node(graph, id, value),
        (MergePlace::Widgets, Some(id)) => {
            let node = graph.nodes.get_mut(id).ok_or(PlaceGone)?;
            value.map(RawWidgetValues::from_value).unwrap_or_default().write_to(node.raw_mut());
            Ok(())
        }
        (MergePlace::Key(path), Some(id)) => {
            let node = graph.nodes.get_mut(id).ok_or(PlaceGone)?;
            set_member(node.raw_mut(), path, value)
        }
        (MergePlace::InputKey(name, key), node) => {
            let slot = slot_mut(graph, node.as_ref(), name).ok_or(PlaceGone)?;
            set_or_remove(slot, key, value);
            Ok(())
        }
        (MergePlace::Input(input), Some(id)) => {
            let sink = WireSink::Node { id: id.clone(), input: input.clone() };
            set_wire(workflow, conflict, &sink, value.and_then(source_from_value))
        }
        (MergePlace::Boundary(output), _) => {
            let sink = WireSink::Boundary(output.clone());
            set_wire(workflow, conflict, &sink, value.and_then(source_from_value))
        }
        (MergePlace::Group { id, title, path }, _) => write_group(graph, *id, title, path, value),
        (MergePlace::Graph(path), _) => set_member(&mut graph.rest, path, value),
        _ => Err(PlaceGone),
    }
}

/// Members that hold a graph together: no conflict is about one of them, whatever a file says.
const GRAPH_STRUCTURE: [&str; 7] =
    ["nodes", "links", "groups", "definitions", "floatingLinks", "reroutes", "version"];

/// The same of a node.
const NODE_STRUCTURE: [&str; 4] = ["id", "type", "inputs", "outputs"];

fn is_structure(path: &JsonPath, members: &[&str]) -> bool {
    path.0.first().is_none_or(|step| members.contains(&step.to_key().as_str()))
}

/// The input of a node, or the slot on the boundary of the graph itself.
fn slot_mut<'g>(
    graph: &'g mut Graph,
    node: Option<&NodeId>,
    name: &SlotName,
) -> Option<&'g mut Object> {
    let (object, lists) = match node {
        Some(id) => (graph.nodes.get_mut(id)?.raw_mut(), ["inputs"].as_slice()),
        None => (&mut graph.rest, ["inputs", "outputs"].as_slice()),
    };
    let find = |list: &&'static str| Some((*list, find_slot(object.get(list), name)?.0));
    let (list, at) = lists.iter().find_map(find)?;
    object.get_mut(list)?.as_array_mut()?.get_mut(at)?.as_object_mut()
}

fn set_or_remove(object: &mut Object, key: &str, value: Option<&Value>) {
    match value {
        Some(value) => object.insert(key, value.clone()),
        None => object.remove(key),
    };
}

/// Sets or removes what is at a path below an object, with the objects on the way.
fn set_member(
    object: &mut Object,
    path: &JsonPath,
    value: Option<&Value>,
) -> Result<(), PlaceGone> {
    let (last, way) = path.0.split_last().ok_or(PlaceGone)?;
    let mut object = object;
    for step in way {
        let next = object.get_or_insert_with(&step.to_key(), || Object::new().into());
        object = next.as_object_mut().ok_or(PlaceGone)?;
    }
    set_or_remove(object, &last.to_key(), value);
    Ok(())
}

fn write_node(graph: &mut Graph, id: &NodeId, value: Option<&Value>) -> Result<(), PlaceGone> {
    let Some(value) = value else {
        graph.remove_node(id);
        return Ok(());
    };
    let mut node = Node::from_value(value.clone()).map_err(|_| PlaceGone)?;
    if node.class().is_empty() {
        return Err(PlaceGone);
    }
    node.set_id(id.clone());
    let before = graph.nodes.get(id).cloned();
    let wires = Wires::from_graph(graph);
    if let Some(before) = &before {
        // Where it lies is no part of the conflict.
        for key in ["pos", "size", "flags", "order"] {
            if let (Some(value), false) = (before.raw().get(key), node.raw().contains_key(key)) {
                node.raw_mut().insert(key, value.clone());
            }
        }
    }
    graph.nodes.insert(id.clone(), node);
    // Wires that the node had keep their inputs, wherever the new list has them.
    let moved: Vec<(LinkId, SlotName)> = wires
        .iter()
        .filter_map(|wire| match &wire.to {
            WireSink::Node { id: to, input } if to == id => Some((wire.link, input.clone())),
            _ => None,
        })
        .collect();
    let mut lost = FxHashSet::default();
    for (link, input) in moved {
        match find_slot(graph.nodes[id].raw().get("inputs"), &input) {
            Some((slot, _)) => {
                if let Some(link) = graph.links.get_mut(&link) {
                    link.set_to(LinkEnd::Node { id: id.clone(), slot });
                }
            }
            None => {
                lost.insert(link);
            }
        }
    }
    graph.remove_links(&lost);
    Ok(())
}

fn write_group(
    graph: &mut Graph,
    id: Option<GroupId>,
    title: &str,
    path: &JsonPath,
    value: Option<&Value>,
) -> Result<(), PlaceGone> {
    let at = graph.groups.iter().position(|group| group.is_called(id, title));
    if path.0.is_empty() {
        match (at, value) {
            (Some(at), None) => {
                graph.groups.remove(at);
            }
            (at, Some(value)) => {
                let group = Group::from_value(value.clone()).map_err(|_| PlaceGone)?;
                match at {
                    Some(at) => graph.groups[at] = group,
                    None => graph.groups.push(group),
                }
            }
            (None, None) => {}
        }
        return Ok(());
    }
    let group = at.and_then(|at| graph.groups.get_mut(at)).ok_or(PlaceGone)?;
    set_member(group.raw_mut(), path, value)
}

/// Feeds an input from an origin, or from nothing.
fn set_wire(
    workflow: &mut Workflow,
    conflict: &Conflict,
    sink: &WireSink,
    source: Option<WireSource>,
) -> Result<(), PlaceGone> {
    let free = LinkId(workflow.highest_ids().link + 1);
    let graph = workflow.graph_mut(&conflict.scope).ok_or(PlaceGone)?;
    let wires = Wires::from_graph(graph);
    let current = wires.by_sink.get(sink);
    if current.map(|wire| &wire.from) == source.as_ref() {
        return Ok(());
    }
    let to = target_of(graph, sink).ok_or(PlaceGone)?;
    let from = source.map(|source| origin_of(graph, source).ok_or(PlaceGone)).transpose()?;
    let into: FxHashSet<LinkId> =
        graph.links.values().filter(|link| *link.to() == to).map(Link::id).collect();
    graph.remove_links(&into);
    if let Some((from, kind)) = from {
        let link = Link::new(graph.link_format(), free, from, to, kind);
        graph.links.insert(free, link);
    }
    graph.sync_slots_with_links();
    Ok(())
}

/// Where a link into something ends.
fn target_of(graph: &Graph, sink: &WireSink) -> Option<LinkEnd> {
    Some(match sink {
        WireSink::Node { id, input } => {
            let (slot, _) = find_slot(graph.nodes.get(id)?.raw().get("inputs"), input)?;
            LinkEnd::Node { id: id.clone(), slot }
        }
        WireSink::Boundary(output) => {
            let (slot, _) = find_slot(graph.rest.get("outputs"), output)?;
            LinkEnd::GraphOutput { slot }
        }
    })
}

/// Where a link out of something starts, and the type it carries.
fn origin_of(graph: &Graph, source: WireSource) -> Option<(LinkEnd, Value)> {
    let (end, kind) = match source {
        WireSource::Node { id, slot } => {
            let kind = graph.nodes.get(&id)?.output_at(slot)?.raw.get("type");
            (LinkEnd::Node { id, slot }, kind)
        }
        WireSource::Boundary(input) => {
            let (slot, raw) = find_slot(graph.rest.get("inputs"), &input)?;
            (LinkEnd::GraphInput { slot }, raw.get("type"))
        }
    };
    Some((end, kind.cloned().unwrap_or_default()))
}

fn write_widget(
    workflow: &mut Workflow,
    key: &graph::NodeKey,
    part: &ConflictPart,
    value: Option<&Value>,
    naming: &dyn WidgetNaming,
) -> Result<(), PlaceGone> {
    let value = value.ok_or(PlaceGone)?;
    let node = workflow.node(key).ok_or(PlaceGone)?;
    let widgets = naming.widgets(workflow, node);
    let (range, members) = match &part.place {
        MergePlace::Widget(name) => {
            let at = widgets.iter().position(|widget| widget.name == *name).ok_or(PlaceGone)?;
            (at..at + 1, vec![(widgets[at].name.to_string(), value.clone())])
        }
        MergePlace::Choice(name) => {
            let is_choice = |widget: &Widget<'_>| widget.name.as_str() == Some(name);
            let at = widgets.iter().position(is_choice).ok_or(PlaceGone)?;
            let dotted = format!("{name}.");
            let brought = |w: &Widget<'_>| w.name.as_str().is_some_and(|n| n.starts_with(&dotted));
            let count = widgets[at + 1..].iter().take_while(|w| brought(w)).count();
            let members = match value {
                Value::Object(members) => {
                    members.iter().map(|(k, v)| (k.to_string(), v.clone())).collect()
                }
                single => vec![(name.to_string(), single.clone())],
            };
            (at..at + 1 + count, members)
        }
        _ => return Err(PlaceGone),
    };
    let old: Vec<String> = widgets[range.clone()].iter().map(|w| w.name.to_string()).collect();
    let place = widgets[range.start].location.clone();
    let named = matches!(widgets[range.start].name, WidgetName::Named(_));
    let node = workflow.node_mut(key).ok_or(PlaceGone)?;
    let in_place = !named || old.len() == members.len();
    match in_place {
        true => update_named_values(node, range.start, &members),
        false => replace_named_values(node, &old, &members),
    }
    let values = node.raw_mut().get_mut("widgets_values").ok_or(PlaceGone)?;
    match (values, place) {
        (Value::Array(values), graph::WidgetLocation::Index(start)) => {
            let end = (start + old.len()).min(values.len());
            values.splice(start..end, members.into_iter().map(|(_, value)| value));
            Ok(())
        }
        (Value::Object(values), graph::WidgetLocation::Key(_)) => {
            for name in old.iter().filter(|name| !members.iter().any(|(new, _)| new == *name)) {
                values.remove(name);
            }
            for (name, value) in members {
                values.insert(name.as_str(), value);
            }
            Ok(())
        }
        _ => Err(PlaceGone),
    }
}

/// Keeps the values by name in step where as many widgets stand as before.
fn update_named_values(node: &mut Node, start: usize, members: &[(String, Value)]) {
    let count = node.widget_values().len();
    let Some(Value::Object(named)) = node.raw_mut().get_mut("widgets_values_named") else { return };
    for (offset, (name, value)) in members.iter().enumerate() {
        let by_place = named.get_index(start + offset).map(|(key, _)| key.clone());
        let key = match by_place {
            _ if named.contains_key(name) => Some(name.as_str().into()),
            // A name that the file spells otherwise is found by its place.
            Some(key) if named.len() == count => Some(key),
            _ => None,
        };
        if let Some(key) = key {
            named.insert(key, value.clone());
        }
    }
}

/// The same where a choice brings other widgets than before.
fn replace_named_values(node: &mut Node, old: &[String], members: &[(String, Value)]) {
    let Some(Value::Object(named)) = node.raw_mut().get_mut("widgets_values_named") else { return };
    let mut rebuilt = Object::new();
    for (key, value) in std::mem::take(named) {
        if old.first().is_some_and(|first| *key == **first) {
            for (name, value) in members {
                rebuilt.insert(name.as_str(), value.clone());
            }
        } else if !old.iter().any(|name| *key == **name) {
            rebuilt.insert(key, value);
        }
    }
    *named = rebuilt;
}
