//! What changed between two API prompts, in the words for workflows: an input that holds a
//! value is a widget, one that names a node is a wire.
//!
//! Must not know workflows, though it borrows their pairing: a prompt is laid out as a
//! graph of nodes with inputs only.

use compact_str::{CompactString, ToCompactString};
use rustc_hash::{FxHashMap, FxHashSet};

use super::apply::{ApplyError, apply_key_orders, apply_members};
use super::edit::{
    AddedWidget, Change, ChangeOrigin, DefaultMatch, Edit, EditScript, NodeRef, ScriptFormat,
    SinkRef, SourceRef,
};
use super::member_edits;
use super::script_builder::{EditToken, GraphOrder, ScriptBuilder};
use super::slots::SlotMap;
use super::widgets::is_same_path;
use super::wires::PairedGraphs;
use crate::clean;
use crate::graph::{
    GraphScope, Link, LinkFormat, LinkId, NameSource, NodeId, Prompt, PromptInput, PromptNode,
    WidgetLocation as ValuePlace, WidgetName, WidgetRole, WireSource, Workflow,
};
use crate::json::{Object, Value};
use crate::pair::{IndexedGraph, NodeIndex, Pairing, pair_workflows};

/// Compares two prompts in clean form.
pub(super) fn diff_prompts(before: Value, after: Value) -> Option<EditScript> {
    if before == after {
        return Some(EditScript { format: ScriptFormat::Prompt, entries: Vec::new() });
    }
    let (old, new) = (parse_prompt(before)?, parse_prompt(after.clone())?);
    let (old_flow, new_flow) = (prompt_as_workflow(&old)?, prompt_as_workflow(&new)?);
    let (old_net, new_net) = (IndexedGraph::new(&old_flow), IndexedGraph::new(&new_flow));
    let pairing = pair_workflows(&old_net, &new_net);
    let both = PromptComparison { old: &old, new: &new, pairing: &pairing };
    let mut draft = ScriptBuilder::default();
    both.compare_nodes(&old_net, &new_net, &mut draft);
    let order = GraphOrder::from_graphs(&old_net, &new_net);
    let edits: Vec<&Edit> = draft.edits().collect();
    let structured = apply_prompt_structure(old.clone(), &edits).ok()?.into_value();
    for edit in member_edits::compare_members(
        structured,
        &after,
        &new_net,
        &order,
        member_edits::DocumentShape::Prompt,
    )? {
        draft.push(edit, None);
    }
    Some(EditScript { format: ScriptFormat::Prompt, entries: draft.finish(&order) })
}

/// Reads a prompt; one without nodes, too.
fn parse_prompt(document: Value) -> Option<Prompt> {
    match document.as_object().is_some_and(Object::is_empty) {
        true => Some(Prompt::default()),
        false => Prompt::from_value(document).ok(),
    }
}

/// Replays a script on a prompt in clean form.
pub(super) fn apply_to_prompt(value: Value, edits: &[&Edit]) -> Result<Value, ApplyError> {
    let prompt =
        Prompt::from_value(value).map_err(|_| ApplyError::WrongFormat(ScriptFormat::Prompt))?;
    let mut value = apply_prompt_structure(prompt, edits)?.into_value();
    clean::strip_layout(&mut value);
    apply_members(&mut value, edits)?;
    clean::strip_layout(&mut value);
    apply_key_orders(&mut value, edits)?;
    Ok(value)
}

struct PromptComparison<'n> {
    old: &'n Prompt,
    new: &'n Prompt,
    pairing: &'n Pairing,
}

impl PromptComparison<'_> {
    fn compare_nodes(
        &self,
        old: &IndexedGraph<'_>,
        new: &IndexedGraph<'_>,
        draft: &mut ScriptBuilder,
    ) {
        let mut went: FxHashMap<NodeIndex, EditToken> = FxHashMap::default();
        let mut came: FxHashMap<NodeIndex, EditToken> = FxHashMap::default();
        for spot in 0..old.nodes.len() {
            if self.pairing.new_of[spot].is_none() {
                let raw = self.old.nodes[spot].raw().clone();
                let node = old.node_ref(spot);
                went.insert(spot, draft.push(Edit::NodeRemoved { node, raw }, None));
            }
        }
        let mut renumbered = Vec::new();
        for spot in 0..new.nodes.len() {
            let node = new.node_ref(spot);
            let after = &self.new.nodes[spot];
            let Some(partner) = self.pairing.old_of[spot] else {
                let (raw, widgets) = (after.raw().clone(), added_widgets(after));
                let edit = Edit::NodeAdded { node, raw, widgets };
                came.insert(spot, draft.push(edit, None));
                continue;
            };
            let before = &self.old.nodes[partner];
            if old.node_id(partner) != new.node_id(spot) {
                renumbered.push((old.node_id(partner).clone(), new.node_id(spot).clone()));
            }
            for edit in value_edits(&node, before, after) {
                draft.push(edit, None);
            }
        }
        self.compare_wires(old, new, &went, &came, draft);
        if !renumbered.is_empty() {
            draft.push(
                Edit::Renumbered {
                    scope: GraphScope::Root,
                    nodes: renumbered,
                    links: Vec::new(),
                    groups: Vec::new(),
                    reroutes: Vec::new(),
                    subgraph: None,
                },
                None,
            );
        }
    }

    fn compare_wires(
        &self,
        old: &IndexedGraph<'_>,
        new: &IndexedGraph<'_>,
        went: &FxHashMap<NodeIndex, EditToken>,
        came: &FxHashMap<NodeIndex, EditToken>,
        draft: &mut ScriptBuilder,
    ) {
        let slots = SlotMap::default();
        let matched = PairedGraphs { old, new, pairing: self.pairing, slots: &slots };
        let (wires, _) = matched.compare_wires();
        for change in wires {
            let end = |indexed: &IndexedGraph<'_>,
                       id: &NodeId,
                       tokens: &FxHashMap<NodeIndex, EditToken>| {
                indexed.node_index(0, id).and_then(|spot| tokens.get(&spot).copied())
            };
            let sink = |wire: &crate::graph::Wire| match &wire.to {
                crate::graph::WireSink::Node { id, .. } => id.clone(),
                crate::graph::WireSink::Boundary(_) => NodeId::NOWHERE,
            };
            let because = match (change.before, change.after) {
                (_, Some((_, wire))) => end(new, &sink(wire), came),
                (Some((_, wire)), None) => end(old, &sink(wire), went).or_else(|| {
                    let WireSource::Node { id, .. } = &wire.from else { return None };
                    end(old, id, went)
                }),
                (None, None) => None,
            };
            if let Some(Edit::Wire { to, from, .. }) = matched.wire_edit(&change) {
                let link = Box::new(Change::new(None, None));
                draft.push(Edit::Wire { to, from, link }, because);
            }
        }
    }
}

/// The values that changed in one node.
fn value_edits(node: &NodeRef, before: &PromptNode, after: &PromptNode) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (was, is) = (literal_inputs(before), literal_inputs(after));
    let known: FxHashMap<&str, &Value> = was.iter().map(|(key, value)| (*key, *value)).collect();
    let still: FxHashSet<&str> = is.iter().map(|(key, _)| *key).collect();
    for (key, value) in was.iter().filter(|(key, _)| !still.contains(key)) {
        edits.push(value_edit(node, key, Change::new(Some(value), None)));
    }
    for (key, value) in &is {
        match known.get(key) {
            Some(before) if before.is_equivalent(value) => {}
            before => edits.push(value_edit(node, key, Change::new(before, Some(value)))),
        }
    }
    edits
}

fn value_edit(node: &NodeRef, key: &str, change: Change<Option<&&Value>>) -> Edit {
    let value = change.after.or(change.before).map_or(&Value::Null, |value| *value);
    let origin = match (change.before, change.after) {
        (Some(before), Some(after)) if is_same_path(before, after) => ChangeOrigin::Respelled,
        _ => ChangeOrigin::Person,
    };
    Edit::Widget {
        node: node.clone(),
        name: WidgetName::new(key),
        source: NameSource::File,
        role: guess_role(key, value),
        change: change.map(|value| value.map(|value| (*value).clone())),
        place: ValuePlace::Input(CompactString::new(key)),
        origin,
    }
}

/// What an input is for, as far as its name and value tell: a prompt names no widget types.
fn guess_role(key: &str, value: &Value) -> WidgetRole {
    const WORDS: usize = 3;
    match value {
        Value::String(text) if text.contains('\n') || text.split(' ').count() > WORDS => {
            WidgetRole::Text
        }
        Value::Number(_) if key == "seed" || key == "noise_seed" => WidgetRole::Seed,
        _ => WidgetRole::Plain,
    }
}

fn literal_inputs(node: &PromptNode) -> Vec<(&str, &Value)> {
    let inputs = node.raw_inputs().into_iter().flat_map(Object::iter);
    let literal = |value: &Value| matches!(PromptInput::parse(value), PromptInput::Literal(_));
    inputs.filter(|(_, value)| literal(value)).map(|(key, value)| (key.as_str(), value)).collect()
}

fn added_widgets(node: &PromptNode) -> Vec<AddedWidget> {
    let widget = |(key, value): (&str, &Value)| AddedWidget {
        name: WidgetName::new(key),
        value: value.clone(),
        role: guess_role(key, value),
        usual: DefaultMatch::Unknown,
    };
    literal_inputs(node).into_iter().map(widget).collect()
}

/// A prompt laid out as a graph, to pair its nodes and compare its wires.
fn prompt_as_workflow(prompt: &Prompt) -> Option<Workflow> {
    let mut nodes = Vec::with_capacity(prompt.nodes.len());
    let mut links = Vec::new();
    for (id, node) in &prompt.nodes {
        let mut values = Object::new();
        let mut inputs: Vec<Value> = Vec::new();
        for (name, input) in node.inputs() {
            match input {
                PromptInput::Literal(value) => {
                    values.insert(name, value.clone());
                }
                PromptInput::Link { node: from, slot } => {
                    let number = i64::try_from(links.len()).ok()? + 1;
                    let (from, to) = (
                        crate::graph::LinkEnd::node(from, slot),
                        crate::graph::LinkEnd::node(id.clone(), inputs.len()),
                    );
                    links.push(Link::new(LinkFormat::Row, LinkId(number), from, to, Value::Null));
                    let slot = [("name", Value::from(name)), ("link", Value::from(number))];
                    inputs.push(Value::Object(slot.into_iter().collect()));
                }
            }
        }
        let mut raw = Object::new();
        raw.append("id", id.to_value());
        raw.append("type", node.class());
        raw.append("inputs", Value::Array(inputs));
        if let Some(title) = node.title() {
            raw.append("title", title);
        }
        raw.append("widgets_values", values);
        nodes.push(Value::Object(raw));
    }
    let mut graph = Object::new();
    graph.append("version", 0.4);
    graph.append("nodes", Value::Array(nodes));
    graph.append("links", links.into_iter().map(Link::into_value).collect::<Vec<_>>());
    Workflow::from_value(Value::Object(graph)).ok()
}

/// Replays what is there and how it is wired.
fn apply_prompt_structure(mut prompt: Prompt, edits: &[&Edit]) -> Result<Prompt, ApplyError> {
    let mut ids: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    let mut gone: FxHashSet<&NodeId> = FxHashSet::default();
    for edit in edits {
        match edit {
            Edit::NodeRemoved { node, .. } => {
                let is_there = prompt.nodes.contains_key(&node.key.id);
                gone.insert(&node.key.id);
                is_there.then_some(()).ok_or_else(|| ApplyError::NoNode(node.key.clone(), None))?;
            }
            Edit::Renumbered { nodes, .. } => ids.extend(nodes.iter().cloned()),
            _ => {}
        }
    }
    prompt.nodes.retain(|id, _| !gone.contains(id));
    prompt.renumber(&ids);
    for edit in edits {
        if let Edit::NodeAdded { node, raw, .. } = edit {
            let added = PromptNode::from_object(raw.clone());
            if prompt.nodes.insert(node.key.id.clone(), added).is_some() {
                return Err(ApplyError::NodeTaken(node.key.clone()));
            }
        }
    }
    for edit in edits {
        match edit {
            Edit::Widget { node, place: ValuePlace::Input(key), change, .. } => {
                set_input(&mut prompt, node, key, change.after.clone())?;
            }
            Edit::Wire { to: SinkRef::Input { node, name }, from, .. } => {
                let source = match &from.after {
                    Some(SourceRef::Output { node, slot, .. }) => {
                        Some(PromptInput::link_value(&node.key.id, *slot))
                    }
                    _ => None,
                };
                // A wire of a removed node went with it, one into a new node came with it;
                // an input that lost its wire for a value has the value already.
                let is_there = prompt.nodes.contains_key(&node.key.id);
                if is_there && (source.is_some() || has_wire(&prompt, node, &name.name)) {
                    set_input(&mut prompt, node, &name.name, source)?;
                }
            }
            _ => {}
        }
    }
    Ok(prompt)
}

fn has_wire(prompt: &Prompt, node: &NodeRef, name: &str) -> bool {
    let input = prompt.nodes.get(&node.key.id).and_then(|node| node.input(name));
    matches!(input, Some(PromptInput::Link { .. }))
}

fn set_input(
    prompt: &mut Prompt,
    node: &NodeRef,
    name: &str,
    value: Option<Value>,
) -> Result<(), ApplyError> {
    let found = prompt.nodes.get_mut(&node.key.id);
    let found = found.ok_or_else(|| ApplyError::NoNode(node.key.clone(), None))?;
    let inputs = found
        .raw_inputs_or_insert()
        .ok_or_else(|| ApplyError::Misshapen(node.key.to_compact_string(), "node with inputs"))?;
    match value {
        Some(value) => inputs.insert(name, value),
        None => inputs.remove(name),
    };
    Ok(())
}
