//! Settling the conflicts a file carries, one by one or all: writes the chosen side into
//! the file, and takes out every trace when the last is settled.
//!
//! The file may come straight from a merge, or from ComfyUI, where a person has moved,
//! renamed, edited or deleted anything, cards too. What cannot be written any more is
//! refused, and the conflict stays. Must not know files.

use super::conflict::{Conflict, ConflictPart, MergePlace};
use super::conflict_embedding::{self, GraphConflicts, read_conflicts};
use super::conflict_json::EmbeddedConflict;
use super::side_description::{DescriptionPiece, SideDescriber};
use super::side_writer::{self, UnwrittenPart, write_side_of_conflict};
use super::three_way::{MergeSide, ThreeWay};
use super::{added_definitions, inserted_nodes, prompt};
use crate::graph::{
    GraphScope, NodeId, Prompt, Severity, SlotName, WidgetName, WidgetNaming, WireSink, Wires,
    Workflow, check_workflow, document_kind, find_slot, is_prompt, is_workflow,
};
use crate::json::{JsonPath, Object, Value};

/// How a conflict is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictChoice {
    /// As that side has it.
    Side(MergeSide),
    /// As the file has it now.
    Accept,
    /// With a value of its own, for a conflict about one value.
    Value(Value),
    /// With both nodes that were put into one wire, that side's first.
    InSequence(MergeSide),
}

/// What the file says now of what a conflict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictState {
    /// What the merge left there.
    Kept,
    /// Something else: somebody has edited it since.
    Edited,
    /// The node is not there any more.
    Gone,
}

/// A conflict of a file, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsettledConflict {
    /// The conflict; `at` tells which graph of the document.
    pub conflict: Conflict,
    /// Its number in the file.
    pub id: i64,
    /// What the file says now.
    pub state: ConflictState,
    /// What is in the first place now, for showing.
    pub current: Option<Value>,
    /// What the subgraph is called that it is in.
    pub subgraph_name: Option<String>,
    /// What each side has in the first place, for showing.
    pub side_descriptions: ThreeWay<Vec<DescriptionPiece>>,
    /// What the file has there now, for showing.
    pub current_description: Vec<DescriptionPiece>,
    /// What the sides were called.
    pub labels: conflict_embedding::SideLabels,
    /// Where both put a node of their own into one wire: what those are called, ours first.
    pub inserted: Option<[String; 2]>,
}

/// What came of settling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolveResult {
    /// How many were settled.
    pub settled: usize,
    /// How many are left in the file.
    pub left: usize,
    /// Conflicts that could not be settled so, with what is not there any more.
    pub refused: Vec<(i64, Vec<UnwrittenPart>)>,
    /// Cards that stay as notes, because a person wrote into them.
    pub notes: Vec<NodeId>,
}

pub(super) fn graph_paths(document: &Value) -> Vec<JsonPath> {
    document_kind(document).into_graphs().into_iter().map(|found| found.at).collect()
}

/// The conflicts a document carries.
pub fn list_conflicts(document: &Value, naming: &dyn WidgetNaming) -> Vec<UnsettledConflict> {
    let mut all = Vec::new();
    for carrier in read_conflicts(document) {
        let graph = carrier.at.get(document);
        let workflow = graph.and_then(|graph| Workflow::from_value(graph.clone()).ok());
        let prompt = graph.and_then(|graph| Prompt::from_value(graph.clone()).ok());
        for EmbeddedConflict { id, mut conflict, .. } in carrier.conflicts {
            let look = |part: &ConflictPart| match (&workflow, &prompt) {
                (Some(workflow), _) => current_value(workflow, &conflict, part, naming),
                (_, Some(prompt)) => current_prompt_value(prompt, part),
                _ => CurrentValue::Gone,
            };
            let state = conflict_state(&conflict, look);
            let now = conflict.parts.first().and_then(|part| match look(part) {
                CurrentValue::Value(value) => Some(value),
                CurrentValue::Absent | CurrentValue::Gone => None,
            });
            let (told, told_now) = describe_sides(&conflict, now.as_ref(), workflow.as_ref());
            let inside = workflow.as_ref().and_then(|workflow| match &conflict.scope {
                GraphScope::Root => None,
                GraphScope::Definition(id) => Some(workflow.definitions.get(id)?.name().to_owned()),
            });
            let inserted = workflow.as_ref().and_then(|workflow| {
                let found = inserted_nodes::find_inserted_nodes(workflow, &conflict)?;
                Some([found.ours, found.theirs].map(|inserted| inserted.display_name))
            });
            conflict.at = carrier.at.clone();
            let labels = carrier.labels.clone();
            all.push(UnsettledConflict {
                conflict,
                id,
                state,
                current: now,
                subgraph_name: inside,
                side_descriptions: told,
                current_description: told_now,
                labels,
                inserted,
            });
        }
    }
    all
}

fn describe_sides(
    conflict: &Conflict,
    now: Option<&Value>,
    workflow: Option<&Workflow>,
) -> (ThreeWay<Vec<DescriptionPiece>>, Vec<DescriptionPiece>) {
    let shown = SideDescriber { scope: &conflict.scope, workflow };
    let Some(part) = conflict.parts.first() else { return Default::default() };
    let sides = ThreeWay::new(MergeSide::Base, MergeSide::Ours, MergeSide::Theirs);
    (sides.map(|side| shown.describe_side(part, side)), shown.describe_value(&part.place, now))
}

/// What is in a place now.
enum CurrentValue {
    Value(Value),
    /// Nothing, though what it would be in is there.
    Absent,
    /// What it would be in is not there.
    Gone,
}

fn conflict_state(
    conflict: &Conflict,
    look: impl Fn(&ConflictPart) -> CurrentValue,
) -> ConflictState {
    let kept = conflict.kept_side();
    let mut state = ConflictState::Kept;
    for (at, part) in conflict.parts.iter().enumerate() {
        let side = part.sides.get(kept);
        match (&part.place, look(part)) {
            (MergePlace::Document | MergePlace::Definition(_), _) => {}
            (MergePlace::Node, CurrentValue::Value(_)) if side.is_some() => {}
            (MergePlace::Node, _) if at == 0 => return ConflictState::Gone,
            (MergePlace::Node, _) => {}
            (_, CurrentValue::Gone) if at == 0 => return ConflictState::Gone,
            (_, CurrentValue::Gone) => state = ConflictState::Edited,
            (_, CurrentValue::Value(now))
                if side.as_ref().is_some_and(|side| side.is_equivalent(&now)) => {}
            (_, CurrentValue::Absent) if side.as_ref().is_none_or(Value::is_null) => {}
            // Wires of a node that ours removed are neither side's until it is settled.
            _ if at > 0 => {}
            _ => state = ConflictState::Edited,
        }
    }
    state
}

fn current_value(
    workflow: &Workflow,
    conflict: &Conflict,
    part: &ConflictPart,
    naming: &dyn WidgetNaming,
) -> CurrentValue {
    let of = |value: Option<Value>| value.map_or(CurrentValue::Absent, CurrentValue::Value);
    let Some(graph) = workflow.graph(&conflict.scope) else { return CurrentValue::Gone };
    let node = part.node.as_ref().and_then(|id| graph.nodes.get(id));
    match (&part.place, &part.node, node) {
        (MergePlace::Document | MergePlace::Definition(_), ..) => CurrentValue::Absent,
        (MergePlace::Boundary(output), ..) => {
            let wires = Wires::from_graph(graph);
            let wire = wires.by_sink.get(&WireSink::Boundary(output.clone()));
            of(Some(super::wires::source_to_value(wire.map(|wire| &wire.from))))
        }
        (MergePlace::Group { id, title, path }, ..) => {
            match graph.groups.iter().find(|group| group.is_called(*id, title)) {
                Some(group) => of(path.get(&Value::Object(group.raw().clone())).cloned()),
                None => CurrentValue::Gone,
            }
        }
        (MergePlace::Graph(path), ..) => of(path.get(&Value::Object(graph.rest.clone())).cloned()),
        (MergePlace::InputKey(name, key), None, _) => {
            let slot = ["inputs", "outputs"].into_iter();
            let mut slot = slot.filter_map(|list| find_slot(graph.rest.get(list), name));
            match slot.next() {
                Some((_, slot)) => of(slot.get(key).cloned()),
                None => CurrentValue::Gone,
            }
        }
        (_, _, None) => CurrentValue::Gone,
        (MergePlace::Node, _, Some(node)) => of(Some(Value::Object(node.raw().clone()))),
        (MergePlace::Widgets, _, Some(node)) => {
            of(Some(super::widgets::RawWidgetValues::from_node(node).to_value()))
        }
        (MergePlace::Key(path), _, Some(node)) => {
            of(path.get(&Value::Object(node.raw().clone())).cloned())
        }
        (MergePlace::InputKey(name, key), _, Some(node)) => {
            let slot = find_slot(node.raw().get("inputs"), name);
            of(slot.and_then(|(_, slot)| slot.get(key).cloned()))
        }
        (MergePlace::Input(input), Some(id), _) => {
            let sink = WireSink::Node { id: id.clone(), input: input.clone() };
            let wires = Wires::from_graph(graph);
            let wire = wires.by_sink.get(&sink);
            of(Some(super::wires::source_to_value(wire.map(|wire| &wire.from))))
        }
        (MergePlace::Widget(name), _, Some(node)) => {
            let widgets = naming.widgets(workflow, node);
            of(widgets.iter().find(|w| w.name == *name).map(|w| w.value.clone()))
        }
        (MergePlace::Choice(name), _, Some(node)) => {
            let widgets = naming.widgets(workflow, node);
            let dotted = format!("{name}.");
            let own = widgets
                .iter()
                .filter(|w| w.name.as_str().is_some_and(|n| n == name || n.starts_with(&dotted)));
            let members: Object = own.map(|w| (w.name.to_string(), w.value.clone())).collect();
            of(match members.len() {
                0 => None,
                1 => members.values().next().cloned(),
                _ => Some(Value::Object(members)),
            })
        }
        (MergePlace::Input(_), None, _) => CurrentValue::Gone,
    }
}

fn current_prompt_value(prompt: &Prompt, part: &ConflictPart) -> CurrentValue {
    let Some(node) = part.node.as_ref().and_then(|id| prompt.nodes.get(id)) else {
        return CurrentValue::Gone;
    };
    let value = match &part.place {
        MergePlace::Input(SlotName { name, .. }) | MergePlace::Widget(WidgetName::Named(name)) => {
            node.raw_inputs().and_then(|inputs| inputs.get(name))
        }
        MergePlace::Key(path) => {
            return path
                .get(&Value::Object(node.raw().clone()))
                .map_or(CurrentValue::Absent, |value| CurrentValue::Value(value.clone()));
        }
        _ => return CurrentValue::Value(Value::Object(node.raw().clone())),
    };
    value.map_or(CurrentValue::Absent, |value| CurrentValue::Value(value.clone()))
}

/// Settles some of the conflicts a document carries, by their numbers. What would leave no
/// workflow is refused, whatever the file says a side had.
pub fn resolve_conflicts(
    document: &mut Value,
    choices: &[(i64, ConflictChoice)],
    naming: &dyn WidgetNaming,
) -> ResolveResult {
    let mut resolved = ResolveResult::default();
    for carrier in read_conflicts(document) {
        match whole_graph_choice(&carrier, choices) {
            None => {}
            Some((_, Some(whole))) if is_graph(&whole) => {
                if let Some(graph) = carrier.at.get_mut(document) {
                    *graph = whole;
                }
                // Whatever else the graph carried went with it.
                resolved.settled += 1;
                continue;
            }
            Some((carried, _)) => {
                resolved.refused.push((carried.id, all_unwritten(&carried.conflict)));
                continue;
            }
        }
        let Some(Value::Object(graph)) = carrier.at.get_mut(document) else { continue };
        let mut left = Vec::new();
        for carried in &carrier.conflicts {
            let unwritten = match find_choice(choices, carried.id) {
                None => {
                    left.push(carried.clone());
                    continue;
                }
                Some(choice) => settle_conflict(graph, &carried.conflict, choice, naming),
            };
            match unwritten {
                Ok(()) => resolved.settled += 1,
                Err(unwritten) => {
                    resolved.refused.push((carried.id, unwritten));
                    left.push(carried.clone());
                }
            }
        }
        resolved.notes.extend(conflict_embedding::write_conflicts(graph, &carrier, &left));
    }
    resolved.left = read_conflicts(document).iter().map(|carrier| carrier.conflicts.len()).sum();
    resolved
}

fn is_graph(value: &Value) -> bool {
    value.as_object().is_some_and(|object| is_workflow(object) || is_prompt(object))
}

fn find_choice(choices: &[(i64, ConflictChoice)], id: i64) -> Option<&ConflictChoice> {
    choices.iter().find(|(known, _)| *known == id).map(|(_, choice)| choice)
}

/// The graph that settles a conflict about all of it, if that was chosen; nothing in its place
/// if the chosen side has none.
fn whole_graph_choice<'c>(
    carrier: &'c GraphConflicts,
    choices: &[(i64, ConflictChoice)],
) -> Option<(&'c EmbeddedConflict, Option<Value>)> {
    let mut about_all = carrier
        .conflicts
        .iter()
        .filter(|carried| conflict_embedding::is_about_document(&carried.conflict));
    about_all.find_map(|carried| match find_choice(choices, carried.id)? {
        ConflictChoice::Side(side @ (MergeSide::Base | MergeSide::Theirs)) => {
            let mut parts = carried.conflict.parts.iter();
            let part = parts.find(|part| part.place == MergePlace::Document)?;
            Some((carried, part.sides.get(*side).clone()))
        }
        ConflictChoice::Value(value) => Some((carried, Some(value.clone()))),
        _ => None,
    })
}

/// A conflict of which nothing could be written.
fn all_unwritten(conflict: &Conflict) -> Vec<UnwrittenPart> {
    let unwritten =
        |part: &ConflictPart| UnwrittenPart { node: part.node.clone(), place: part.place.clone() };
    conflict.parts.iter().map(unwritten).collect()
}

/// Settles one conflict in a graph. What cannot be written leaves the graph as it was.
fn settle_conflict(
    graph: &mut Object,
    conflict: &Conflict,
    choice: &ConflictChoice,
    naming: &dyn WidgetNaming,
) -> Result<(), Vec<UnwrittenPart>> {
    let (side, conflict) = match choice {
        ConflictChoice::Accept => return Ok(()),
        ConflictChoice::Side(MergeSide::Ours)
            if conflict_embedding::is_about_document(conflict) =>
        {
            return Ok(());
        }
        ConflictChoice::Side(side) => (*side, conflict.clone()),
        ConflictChoice::InSequence(first) => {
            let workflow = Workflow::from_value(Value::Object(graph.clone())).ok();
            let chained = workflow
                .and_then(|workflow| inserted_nodes::chain_inserted(&workflow, conflict, *first));
            (MergeSide::Ours, chained.ok_or_else(|| all_unwritten(conflict))?)
        }
        ConflictChoice::Value(value) => match conflict.parts.as_slice() {
            [part] => {
                let value = Some(value.clone());
                let sides = ThreeWay::new(value.clone(), value.clone(), value);
                let part = ConflictPart { sides, ..part.clone() };
                (MergeSide::Ours, Conflict { parts: vec![part], ..conflict.clone() })
            }
            _ => return Err(all_unwritten(conflict)),
        },
    };
    let (settled, unwritten) = with_side_written(graph, &conflict, side, naming)
        .ok_or_else(|| all_unwritten(&conflict))?;
    // Parts that hang on to others may have gone with them; the first may not.
    let first = conflict.parts.first();
    let essential = |unwritten: &UnwrittenPart| {
        first.is_some_and(|part| part.place == unwritten.place && part.node == unwritten.node)
    };
    if unwritten.iter().any(essential) {
        return Err(unwritten);
    }
    *graph = settled;
    Ok(())
}

/// Writes one side of a conflict into its graph, if that leaves a graph.
pub(super) fn write_side_in_graph(
    graph: &mut Object,
    conflict: &Conflict,
    side: MergeSide,
    naming: &dyn WidgetNaming,
) {
    if let Some((written, _)) = with_side_written(graph, conflict, side, naming) {
        *graph = written;
    }
}

/// The graph with one side of a conflict in it, and what could not be written; nothing if that
/// would be no graph, or one with damage that it had not before.
fn with_side_written(
    graph: &Object,
    conflict: &Conflict,
    side: MergeSide,
    naming: &dyn WidgetNaming,
) -> Option<(Object, Vec<UnwrittenPart>)> {
    let (written, unwritten) = if is_prompt(graph) {
        let mut prompt = Prompt::from_value(Value::Object(graph.clone())).ok()?;
        let unwritten = prompt::write_side_in_prompt(&mut prompt, conflict, side);
        (prompt.into_value(), unwritten)
    } else {
        let mut workflow = Workflow::from_value(Value::Object(graph.clone())).ok()?;
        let idle = added_definitions::unreachable_definitions(&workflow);
        let before = heavy_defects(&workflow);
        let unwritten = write_side_of_conflict(&mut workflow, conflict, side, naming);
        side_writer::drop_unreachable_definitions(&mut workflow, &idle);
        let written = workflow.into_value();
        let after = heavy_defects(&Workflow::from_value(written.clone()).ok()?);
        if after > before {
            return None;
        }
        (written, unwritten)
    };
    match written {
        Value::Object(object) if is_workflow(&object) || is_prompt(&object) => {
            Some((object, unwritten))
        }
        _ => None,
    }
}

fn heavy_defects(workflow: &Workflow) -> usize {
    let found = check_workflow(workflow);
    found.iter().filter(|defect| defect.severity() >= Severity::Heavy).count()
}
