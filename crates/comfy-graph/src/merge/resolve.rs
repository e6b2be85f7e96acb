//! Settling the conflicts a file carries, one by one or all: writes the chosen side into
//! the file, and takes out every trace when the last is settled.
//!
//! The file may come straight from a merge, or from ComfyUI, where a person has moved,
//! renamed, edited or deleted anything, cards too. What cannot be written any more is
//! refused, and the conflict stays. Must not know files.

use super::choose::{self, Unwritten, choose};
use super::conflict::{Conflict, Part, Place};
use super::embed::{self, Carrier, carried};
use super::shown::{Said, Shown};
use super::spell::Carried;
use super::three::{Side, Three};
use super::{definitions, prompt, slots};
use crate::graph::{
    Found, Kind, Naming, NodeId, Prompt, Scope, Sink, Wires, Workflow, is_prompt, is_workflow, kind,
};
use crate::json::{Object, Path, Step, Value};

/// How a conflict is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// As that side has it.
    Side(Side),
    /// As the file has it now.
    Accept,
    /// With a value of its own, for a conflict about one value.
    Value(Value),
}

/// What the file says now of what a conflict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What the merge left there.
    Kept,
    /// Something else: somebody has edited it since.
    Edited,
    /// The node is not there any more.
    Gone,
}

/// A conflict of a file, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The conflict; `at` tells which graph of the document.
    pub conflict: Conflict,
    /// Its number in the file.
    pub id: i64,
    /// What the file says now.
    pub state: State,
    /// What is in the first place now, for showing.
    pub now: Option<Value>,
    /// What the subgraph is called that it is in.
    pub inside: Option<String>,
    /// What each side has in the first place, for showing.
    pub told: Three<Vec<Said>>,
    /// What the file has there now, for showing.
    pub told_now: Vec<Said>,
    /// What the sides were called.
    pub labels: embed::Labels,
}

/// What came of settling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// How many were settled.
    pub settled: usize,
    /// How many are left in the file.
    pub left: usize,
    /// Conflicts that could not be settled so, with what is not there any more.
    pub refused: Vec<(i64, Vec<Unwritten>)>,
    /// Cards that stay as notes, because a person wrote into them.
    pub notes: Vec<NodeId>,
}

pub(super) fn graphs(document: &Value) -> Vec<Path> {
    match kind(document) {
        Kind::Graph(_) => vec![Path::root()],
        Kind::Wrapped(found) => found.into_iter().map(|Found { at, .. }| at).collect(),
        Kind::Templates | Kind::Other => Vec::new(),
    }
}

/// The conflicts a document carries.
pub fn list(document: &Value, naming: &dyn Naming) -> Vec<Unsettled> {
    let mut all = Vec::new();
    for carrier in carried(document) {
        let graph = carrier.at.get(document);
        let workflow = graph.and_then(|graph| Workflow::from_value(graph.clone()).ok());
        let prompt = graph.and_then(|graph| Prompt::from_value(graph.clone()).ok());
        for Carried { id, mut conflict, .. } in carrier.conflicts {
            let look = |part: &Part| match (&workflow, &prompt) {
                (Some(workflow), _) => current(workflow, &conflict, part, naming),
                (_, Some(prompt)) => current_in_prompt(prompt, part),
                _ => Now::Gone,
            };
            let state = state(&conflict, look);
            let now = conflict.parts.first().and_then(|part| match look(part) {
                Now::Value(value) => Some(value),
                Now::Absent | Now::Gone => None,
            });
            let (told, told_now) = told(&conflict, now.as_ref(), workflow.as_ref());
            let inside = workflow.as_ref().and_then(|workflow| match &conflict.scope {
                Scope::Root => None,
                Scope::Definition(id) => Some(workflow.definitions.get(id)?.name().to_owned()),
            });
            conflict.at = carrier.at.clone();
            let labels = carrier.labels.clone();
            all.push(Unsettled { conflict, id, state, now, inside, told, told_now, labels });
        }
    }
    all
}

fn told(
    conflict: &Conflict,
    now: Option<&Value>,
    workflow: Option<&Workflow>,
) -> (Three<Vec<Said>>, Vec<Said>) {
    let shown = Shown { scope: &conflict.scope, workflow };
    let Some(part) = conflict.parts.first() else { return Default::default() };
    let sides = Three::new(Side::Base, Side::Ours, Side::Theirs);
    (sides.map(|side| shown.side(part, side)), shown.value(&part.place, now))
}

/// What is in a place now.
enum Now {
    Value(Value),
    /// Nothing, though what it would be in is there.
    Absent,
    /// What it would be in is not there.
    Gone,
}

fn state(conflict: &Conflict, look: impl Fn(&Part) -> Now) -> State {
    let kept = conflict.kept();
    let mut state = State::Kept;
    for (at, part) in conflict.parts.iter().enumerate() {
        let side = part.sides.get(kept);
        match (&part.place, look(part)) {
            (Place::Document | Place::Definition(_), _) => {}
            (Place::Node, Now::Value(_)) if side.is_some() => {}
            (Place::Node, _) if at == 0 => return State::Gone,
            (Place::Node, _) => {}
            (_, Now::Gone) if at == 0 => return State::Gone,
            (_, Now::Gone) => state = State::Edited,
            (_, Now::Value(now)) if side.as_ref().is_some_and(|side| side.same(&now)) => {}
            (_, Now::Absent) if side.as_ref().is_none_or(Value::is_null) => {}
            // Wires of a node that ours removed are neither side's until it is settled.
            _ if at > 0 => {}
            _ => state = State::Edited,
        }
    }
    state
}

fn current(workflow: &Workflow, conflict: &Conflict, part: &Part, naming: &dyn Naming) -> Now {
    let of = |value: Option<Value>| value.map_or(Now::Absent, Now::Value);
    let Some(graph) = workflow.graph(&conflict.scope) else { return Now::Gone };
    let node = part.node.as_ref().and_then(|id| graph.nodes.get(id));
    match (&part.place, &part.node, node) {
        (Place::Document | Place::Definition(_), ..) => Now::Absent,
        (Place::Boundary(output), ..) => {
            let wires = Wires::of(graph);
            let wire = wires.by_sink.get(&Sink::Boundary(output.clone()));
            of(Some(super::wires::source_value(wire.map(|wire| &wire.from))))
        }
        (Place::Group(id, title, path), ..) => {
            let group = graph.groups.iter().find(|group| match id {
                Some(id) => group.id() == Some(*id),
                None => group.title() == title,
            });
            match group {
                Some(group) => of(path.get(&Value::Object(group.raw().clone())).cloned()),
                None => Now::Gone,
            }
        }
        (Place::Graph(path), ..) => of(path.get(&Value::Object(graph.rest.clone())).cloned()),
        (Place::InputKey(name, key), None, _) => {
            let slot = ["inputs", "outputs"].into_iter();
            let mut slot = slot.filter_map(|list| slots::find(graph.rest.get(list), name));
            match slot.next() {
                Some((_, slot)) => of(slot.get(key).cloned()),
                None => Now::Gone,
            }
        }
        (_, _, None) => Now::Gone,
        (Place::Node, _, Some(node)) => of(Some(Value::Object(node.raw().clone()))),
        (Place::Widgets, _, Some(node)) => of(Some(super::widgets::Values::of(node).to_value())),
        (Place::Key(path), _, Some(node)) => {
            of(path.get(&Value::Object(node.raw().clone())).cloned())
        }
        (Place::InputKey(name, key), _, Some(node)) => {
            let slot = slots::find(node.raw().get("inputs"), name);
            of(slot.and_then(|(_, slot)| slot.get(key).cloned()))
        }
        (Place::Input(input), Some(id), _) => {
            let sink = Sink::Node { id: id.clone(), input: input.clone() };
            let wires = Wires::of(graph);
            let wire = wires.by_sink.get(&sink);
            of(Some(super::wires::source_value(wire.map(|wire| &wire.from))))
        }
        (Place::Widget(name), _, Some(node)) => {
            let widgets = naming.widgets(workflow, node);
            of(widgets.iter().find(|w| w.name == *name).map(|w| w.value.clone()))
        }
        (Place::Choice(name), _, Some(node)) => {
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
        (Place::Input(_), None, _) => Now::Gone,
    }
}

fn current_in_prompt(prompt: &Prompt, part: &Part) -> Now {
    let Some(node) = part.node.as_ref().and_then(|id| prompt.nodes.get(id)) else {
        return Now::Gone;
    };
    let value = match &part.place {
        Place::Input(name) => node.raw_inputs().and_then(|inputs| inputs.get(&name.name)),
        Place::Key(path) => match path.0.as_slice() {
            [Step::Key(key)] => node.raw().get(key),
            _ => None,
        },
        _ => return Now::Value(Value::Object(node.raw().clone())),
    };
    value.map_or(Now::Absent, |value| Now::Value(value.clone()))
}

/// Settles some of the conflicts a document carries, by their numbers.
pub fn resolve(document: &mut Value, choices: &[(i64, Choice)], naming: &dyn Naming) -> Resolved {
    let mut resolved = Resolved::default();
    for carrier in carried(document) {
        if let Some(whole) = whole(&carrier, choices) {
            *document = whole;
            resolved.settled += 1;
            // Whatever else the file carried went with it.
            break;
        }
        let Some(Value::Object(graph)) = carrier.at.get_mut(document) else { continue };
        let own = |id: i64| choices.iter().find(|(known, _)| *known == id).map(|(_, c)| c);
        let mut left = Vec::new();
        for carried in &carrier.conflicts {
            let unwritten = match own(carried.id) {
                None => {
                    left.push(carried.clone());
                    continue;
                }
                Some(choice) => settle(graph, &carried.conflict, choice, naming),
            };
            match unwritten {
                Ok(()) => resolved.settled += 1,
                Err(unwritten) => {
                    resolved.refused.push((carried.id, unwritten));
                    left.push(carried.clone());
                }
            }
        }
        resolved.notes.extend(embed::write_back(graph, &carrier, &left));
    }
    resolved.left = carried(document).iter().map(|carrier| carrier.conflicts.len()).sum();
    resolved
}

/// The document that settles a conflict about all of it, if that was chosen.
fn whole(carrier: &Carrier, choices: &[(i64, Choice)]) -> Option<Value> {
    let chosen = |id: i64| choices.iter().find(|(known, _)| *known == id).map(|(_, c)| c);
    carrier.conflicts.iter().filter(|carried| embed::is_whole(&carried.conflict)).find_map(
        |carried| match chosen(carried.id)? {
            Choice::Side(side @ (Side::Base | Side::Theirs)) => {
                carried.conflict.parts.first()?.sides.get(*side).clone()
            }
            Choice::Value(value) => Some(value.clone()),
            _ => None,
        },
    )
}

/// Settles one conflict in a graph. What cannot be written leaves the graph as it was.
fn settle(
    graph: &mut Object,
    conflict: &Conflict,
    choice: &Choice,
    naming: &dyn Naming,
) -> Result<(), Vec<Unwritten>> {
    let (side, conflict) = match choice {
        Choice::Accept => return Ok(()),
        Choice::Side(Side::Ours) if embed::is_whole(conflict) => return Ok(()),
        Choice::Side(side) => (*side, conflict.clone()),
        Choice::Value(value) => match conflict.parts.as_slice() {
            [part] => {
                let value = Some(value.clone());
                let sides = Three::new(value.clone(), value.clone(), value);
                let part = Part { sides, ..part.clone() };
                (Side::Ours, Conflict { parts: vec![part], ..conflict.clone() })
            }
            parts => {
                let all = parts.iter();
                return Err(all
                    .map(|p| Unwritten { node: p.node.clone(), place: p.place.clone() })
                    .collect());
            }
        },
    };
    if is_prompt(graph) {
        let Ok(mut prompt) = Prompt::from_value(Value::Object(graph.clone())) else {
            return Err(Vec::new());
        };
        prompt::choose(&mut prompt, &conflict, side);
        if let Value::Object(object) = prompt.into_value() {
            *graph = object;
        }
        return Ok(());
    }
    debug_assert!(is_workflow(graph), "a carrier is a workflow or a prompt");
    let Ok(mut workflow) = Workflow::from_value(Value::Object(graph.clone())) else {
        return Err(Vec::new());
    };
    let idle = definitions::unreachable(&workflow);
    let unwritten = choose(&mut workflow, &conflict, side, naming);
    // Parts that hang on to others may have gone with them; the first may not.
    let first = conflict.parts.first();
    let essential = |unwritten: &Unwritten| {
        first.is_some_and(|part| part.place == unwritten.place && part.node == unwritten.node)
    };
    if unwritten.iter().any(essential) {
        return Err(unwritten);
    }
    choose::drop_unreachable(&mut workflow, &idle);
    if let Value::Object(object) = workflow.into_value() {
        *graph = object;
    }
    Ok(())
}
