//! Putting conflicts into a file that ComfyUI opens, and lifting them out again.
//!
//! A workflow carries them in `extra.git_comfy`, which ComfyUI keeps when it saves, and
//! shows each contested node a card. A prompt carries them in `_meta.git_comfy` of the
//! contested node, which the server ignores. Other JSON has no place that is safe: such
//! conflicts are unplaceable, and whoever writes the file falls back to conflict markers.
//! Must not know how conflicts come about or are settled.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, MergePlace};
use super::conflict_card;
use super::conflict_json::{self, CONFLICTS_VERSION, EmbeddedConflict};
use crate::graph::{GraphScope, Node, NodeId, Workflow, is_prompt, is_workflow};
use crate::json::{JsonPath, Object, Value};

/// The member under which a file carries conflicts.
pub(super) const CONFLICTS_KEY: &str = "git_comfy";

/// What people call the two sides: branches, usually.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideLabels {
    /// The side merged into.
    pub ours: Option<String>,
    /// The side merged.
    pub theirs: Option<String>,
}

/// Whether contested nodes get a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardVisibility {
    /// A person will open the file.
    Shown,
    /// Nobody will: it is the common ancestor that git makes up for a criss-cross merge.
    Hidden,
}

/// A document with its conflicts in it.
#[derive(Debug, Clone)]
pub struct EmbedResult {
    /// The document.
    pub document: Value,
    /// Conflicts for which it has no place.
    pub unplaceable: Vec<Conflict>,
}

/// Whether a graph took the conflicts that are about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Embedding {
    Embedded,
    Homeless,
}

/// Puts conflicts into a document.
pub fn embed_conflicts(
    mut document: Value,
    conflicts: &[Conflict],
    labels: &SideLabels,
    cards: CardVisibility,
) -> EmbedResult {
    let mut unplaceable = Vec::new();
    let mut by_graph: Vec<(JsonPath, Vec<EmbeddedConflict>)> = Vec::new();
    for (at, conflict) in conflicts.iter().enumerate() {
        let id = i64::try_from(at + 1).unwrap_or(i64::MAX);
        let mut own = conflict.clone();
        own.at = JsonPath::root();
        let carried = EmbeddedConflict { id, conflict: own, card: None };
        match by_graph.iter_mut().find(|(path, _)| *path == conflict.at) {
            Some((_, list)) => list.push(carried),
            None => by_graph.push((conflict.at.clone(), vec![carried])),
        }
    }
    for (path, mut list) in by_graph {
        let placed = match path.get_mut(&mut document) {
            Some(Value::Object(graph)) if is_workflow(graph) => {
                embed_in_workflow(graph, &mut list, labels, cards)
            }
            Some(Value::Object(graph)) if is_prompt(graph) => embed_in_prompt(graph, &list, labels),
            _ => Embedding::Homeless,
        };
        if placed == Embedding::Homeless {
            unplaceable.extend(list.into_iter().map(|carried| {
                let at = path.clone();
                Conflict { at, ..carried.conflict }
            }));
        }
    }
    EmbedResult { document, unplaceable }
}

fn conflicts_header(labels: &SideLabels, list: Vec<Value>) -> Value {
    let mut object = Object::new();
    object.append("version", CONFLICTS_VERSION);
    for (key, label) in [("ours", &labels.ours), ("theirs", &labels.theirs)] {
        if let Some(label) = label {
            object.append(key, label.as_str());
        }
    }
    object.append("conflicts", list);
    Value::Object(object)
}

fn embed_in_workflow(
    graph: &mut Object,
    list: &mut [EmbeddedConflict],
    labels: &SideLabels,
    cards: CardVisibility,
) -> Embedding {
    let Ok(mut workflow) = Workflow::from_value(Value::Object(graph.clone())) else {
        return Embedding::Homeless;
    };
    if cards == CardVisibility::Shown {
        add_cards(&mut workflow, list, labels);
    }
    let spelled: Vec<Value> = list.iter().map(conflict_json::conflict_to_json).collect();
    let Some(extra) = workflow.root.extra_mut() else { return Embedding::Homeless };
    extra.insert(CONFLICTS_KEY, conflicts_header(labels, spelled));
    workflow.raise_counters();
    match workflow.into_value() {
        Value::Object(object) => *graph = object,
        _ => return Embedding::Homeless,
    }
    Embedding::Embedded
}

/// Gives every contested node a card in its graph, and the root a card for each subgraph
/// with conflicts inside.
fn add_cards(workflow: &mut Workflow, list: &mut [EmbeddedConflict], labels: &SideLabels) {
    let mut next = workflow.highest_ids().node;
    let mut cards: Vec<(GraphScope, Option<NodeId>, NodeId)> = Vec::new();
    let mut texts: FxHashMap<NodeId, Vec<usize>> = FxHashMap::default();
    for (at, carried) in list.iter_mut().enumerate() {
        let conflict = &carried.conflict;
        let scope = match workflow.graph(&conflict.scope) {
            Some(_) => conflict.scope.clone(),
            None => GraphScope::Root,
        };
        let node = conflict.node.as_ref().map(|node| node.id.clone());
        let known = cards.iter().find(|(s, n, _)| *s == scope && *n == node);
        let card = match known {
            Some((_, _, card)) => card.clone(),
            None => {
                next += 1;
                cards.push((scope, node, NodeId::Number(next)));
                NodeId::Number(next)
            }
        };
        texts.entry(card.clone()).or_default().push(at);
        carried.card = Some(card);
    }
    for (scope, _, card) in &cards {
        let own: Vec<&EmbeddedConflict> = texts[card].iter().map(|at| &list[*at]).collect();
        let raw = conflict_card::card_node(card, &own, labels, workflow);
        insert_node(workflow, scope, raw);
    }
    let inside: FxHashSet<GraphScope> =
        cards.into_iter().map(|(scope, _, _)| scope).filter(|s| *s != GraphScope::Root).collect();
    let mut inside: Vec<GraphScope> = inside.into_iter().collect();
    inside.sort();
    for scope in inside {
        let GraphScope::Definition(id) = &scope else { continue };
        next += 1;
        let own: Vec<&EmbeddedConflict> =
            list.iter().filter(|c| c.conflict.scope == scope).collect();
        let name = workflow.definitions.get(id).map(|d| d.name().to_owned()).unwrap_or_default();
        let raw = conflict_card::pointer_card_node(&NodeId::Number(next), &name, &own);
        insert_node(workflow, &GraphScope::Root, raw);
    }
}

fn insert_node(workflow: &mut Workflow, scope: &GraphScope, raw: Value) {
    if let (Some(graph), Ok(node)) = (workflow.graph_mut(scope), Node::from_value(raw)) {
        graph.nodes.insert(node.id().clone(), node);
    }
}

fn embed_in_prompt(
    prompt: &mut Object,
    list: &[EmbeddedConflict],
    labels: &SideLabels,
) -> Embedding {
    let has_home = |carried: &EmbeddedConflict| {
        let home = carried.conflict.node.as_ref().and_then(|node| prompt.get(&node.id.to_string()));
        home.is_some_and(|home| home.as_object().is_some())
    };
    if !list.iter().all(has_home) {
        return Embedding::Homeless;
    }
    for carried in list {
        let Some(conflicts) = node_conflicts_mut(prompt, carried, labels) else {
            return Embedding::Homeless;
        };
        conflicts.push(conflict_json::conflict_to_json(carried));
    }
    Embedding::Embedded
}

/// The list of conflicts that the node of a prompt carries, made where there is none;
/// nothing if something else has its place.
fn node_conflicts_mut<'p>(
    prompt: &'p mut Object,
    carried: &EmbeddedConflict,
    labels: &SideLabels,
) -> Option<&'p mut Vec<Value>> {
    let id = carried.conflict.node.as_ref()?.id.to_string();
    let node = prompt.get_mut(&id)?.as_object_mut()?;
    let meta = node.get_or_insert_with("_meta", || Object::new().into()).as_object_mut()?;
    let header = meta.get_or_insert_with(CONFLICTS_KEY, || conflicts_header(labels, Vec::new()));
    header.get_mut("conflicts")?.as_array_mut()
}

/// What a document carries: the conflicts of one of its graphs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphConflicts {
    /// Where in the document the graph is.
    pub at: JsonPath,
    /// What the sides were called.
    pub labels: SideLabels,
    /// The conflicts.
    pub conflicts: Vec<EmbeddedConflict>,
}

/// Every graph of a document that carries conflicts.
pub fn read_conflicts(document: &Value) -> Vec<GraphConflicts> {
    let mut found = Vec::new();
    for path in super::resolve::graph_paths(document) {
        let Some(Value::Object(graph)) = path.get(document) else { continue };
        let mut carrier = GraphConflicts { at: path, ..GraphConflicts::default() };
        if is_workflow(graph) {
            read_header(
                graph.get("extra").and_then(|extra| extra.get(CONFLICTS_KEY)),
                &mut carrier,
            );
        } else {
            for node in graph.values() {
                read_header(
                    node.get("_meta").and_then(|meta| meta.get(CONFLICTS_KEY)),
                    &mut carrier,
                );
            }
        }
        if !carrier.conflicts.is_empty() {
            found.push(carrier);
        }
    }
    found
}

fn read_header(header: Option<&Value>, carrier: &mut GraphConflicts) {
    let Some(header) = header else { return };
    let label = |key: &str| header.get(key).and_then(Value::as_str).map(str::to_owned);
    carrier.labels = SideLabels {
        ours: carrier.labels.ours.take().or_else(|| label("ours")),
        theirs: carrier.labels.theirs.take().or_else(|| label("theirs")),
    };
    let list = header.get("conflicts").and_then(Value::as_array).unwrap_or_default();
    carrier.conflicts.extend(list.iter().filter_map(conflict_json::conflict_from_json));
}

/// Takes every trace of conflicts out of a document; gives what it carried.
pub(super) fn take_conflicts(document: &mut Value) -> Vec<GraphConflicts> {
    let found = read_conflicts(document);
    for carrier in &found {
        if let Some(Value::Object(graph)) = carrier.at.get_mut(document) {
            write_conflicts(graph, carrier, &[]);
        }
    }
    found
}

/// Writes what is left of a carrier's conflicts into its graph. Cards that are only about
/// what is gone go too; a card whose text a person has rewritten stays, as a note like any
/// other. Gives those.
pub(super) fn write_conflicts(
    graph: &mut Object,
    carrier: &GraphConflicts,
    left: &[EmbeddedConflict],
) -> Vec<NodeId> {
    if is_workflow(graph) {
        let Ok(mut workflow) = Workflow::from_value(Value::Object(std::mem::take(graph))) else {
            return Vec::new();
        };
        let kept = update_cards(&mut workflow, carrier, left);
        if let Some(extra) = workflow.root.extra_mut() {
            match left {
                [] => drop(extra.remove(CONFLICTS_KEY)),
                left => {
                    let spelled = left.iter().map(conflict_json::conflict_to_json).collect();
                    extra.insert(CONFLICTS_KEY, conflicts_header(&carrier.labels, spelled));
                }
            }
        }
        if let Value::Object(object) = workflow.into_value() {
            *graph = object;
        }
        return kept;
    }
    for node in graph.values_mut().filter_map(Value::as_object_mut) {
        let Some(Value::Object(meta)) = node.get_mut("_meta") else { continue };
        if meta.remove(CONFLICTS_KEY).is_some() && meta.is_empty() {
            node.remove("_meta");
        }
    }
    embed_in_prompt(graph, left, &carrier.labels);
    Vec::new()
}

fn update_cards(
    workflow: &mut Workflow,
    carrier: &GraphConflicts,
    left: &[EmbeddedConflict],
) -> Vec<NodeId> {
    let cards: Vec<(GraphScope, NodeId, Vec<i64>)> = workflow
        .nodes()
        .filter_map(|(scope, node)| {
            Some((scope, node.id().clone(), conflict_card::card_conflicts(node)?))
        })
        .collect();
    let mut kept = Vec::new();
    for (scope, id, numbers) in cards {
        let of = |list: &[EmbeddedConflict]| {
            list.iter()
                .filter(|c| numbers.contains(&c.id))
                .cloned()
                .collect::<Vec<EmbeddedConflict>>()
        };
        let (before, after) = (of(&carrier.conflicts), of(left));
        if before.len() == after.len() && !after.is_empty() {
            continue;
        }
        let refreshed = {
            let Some(node) = workflow.graph(&scope).and_then(|graph| graph.nodes.get(&id)) else {
                continue;
            };
            let before: Vec<&EmbeddedConflict> = before.iter().collect();
            let after: Vec<&EmbeddedConflict> = after.iter().collect();
            conflict_card::update_card(node, &before, &after, &carrier.labels, workflow)
        };
        let Some(graph) = workflow.graph_mut(&scope) else { continue };
        match refreshed {
            conflict_card::CardUpdate::Gone => {
                graph.remove_node(&id);
            }
            conflict_card::CardUpdate::Card(node) => {
                graph.nodes.insert(id, node);
            }
            conflict_card::CardUpdate::Note(node) => {
                graph.nodes.insert(id.clone(), node);
                kept.push(id);
            }
        }
    }
    kept
}

/// Whether a conflict is about the whole document.
pub(super) fn is_about_document(conflict: &Conflict) -> bool {
    conflict.parts.iter().any(|part| part.place == MergePlace::Document)
}
