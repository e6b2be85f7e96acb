//! API prompts: nodes by id, each with a class and inputs that hold a value or a wire.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, NodeName, Part, Place};
use super::conserve::Doubt;
use super::decision::{Decision, Verdict};
use super::json::{in_order_of_both, verdict};
use super::ledger::Ledger;
use super::strategy::Class;
use super::text;
use super::three::{Outcome, Side, Three};
use crate::graph::{
    List, NodeId, NodeKey, Prompt, PromptInput, PromptNode, Renumbering, Scope, SlotName,
};
use crate::json::{Object, Path, Value};
use crate::pair::twin_prompt_nodes;

/// Members of a prompt's node that the server writes and nothing reads.
const RESIDUE: [&str; 1] = ["is_changed"];

/// A merged prompt, with what it was made of.
pub(super) struct Merged {
    pub(super) merged: Prompt,
    pub(super) sides: Three<Prompt>,
    pub(super) renumbered: Renumbering,
}

pub(super) fn merge(mut sides: Three<Prompt>, ledger: &mut Ledger<'_>) -> Merged {
    let renumbered = align(&mut sides, ledger);
    let mut merged = Prompt::default();
    let mut held: FxHashMap<NodeId, usize> = FxHashMap::default();
    let states = |id: &NodeId| sides.as_ref().map(|prompt| prompt.nodes.get(id));
    let order = in_order_of_both(
        sides.ours.nodes.keys().cloned().collect(),
        &sides.theirs.nodes.keys().cloned().collect::<Vec<_>>(),
    );
    for id in &order {
        let nodes = states(id);
        let node = match (nodes.base, nodes.ours, nodes.theirs) {
            (_, Some(ours), Some(theirs)) => Some(both(id, nodes.base, ours, theirs, ledger)),
            (Some(_), _, _) => removed(&sides, id, nodes, &mut held, ledger),
            (None, ours, theirs) => {
                let side = if ours.is_some() { Side::Ours } else { Side::Theirs };
                decide(ledger, name(id, nodes), Place::Node, Verdict::Added(side));
                ours.or(theirs).cloned()
            }
        };
        if let Some(node) = node {
            merged.nodes.insert(id.clone(), node);
        }
    }
    loosen(&mut merged, &sides, &held, ledger);
    Merged { merged, sides, renumbered }
}

/// Two different new nodes under one id: theirs gets another.
fn align(sides: &mut Three<Prompt>, ledger: &mut Ledger<'_>) -> Renumbering {
    let all = [&sides.base, &sides.ours, &sides.theirs];
    let used: FxHashSet<&NodeId> = all.into_iter().flat_map(|p| p.nodes.keys()).collect();
    let top = |id: &&NodeId| id.to_string().split([':', '.']).next()?.parse::<i64>().ok();
    let mut next = used.iter().filter_map(top).max().unwrap_or_default();
    let base_is_there = !sides.base.nodes.is_empty();
    let clash = |id: &&NodeId| {
        let (ours, theirs) = (sides.ours.nodes.get(*id), sides.theirs.nodes.get(*id));
        match (sides.base.nodes.get(*id), ours, theirs) {
            (None, Some(ours), Some(theirs)) => match base_is_there {
                true => !twin_prompt_nodes(ours, theirs),
                false => ours.class() != theirs.class(),
            },
            _ => false,
        }
    };
    let mut clashes: Vec<NodeId> = sides.theirs.nodes.keys().filter(clash).cloned().collect();
    clashes.sort();
    let mut nodes = FxHashMap::default();
    for id in clashes {
        next += 1;
        nodes.insert(id, NodeId::Number(next));
    }
    sides.theirs.renumber(&nodes);
    let mut renumbered = Renumbering::default();
    let mut moved: Vec<(NodeId, NodeId)> = nodes.into_iter().collect();
    moved.sort();
    for (from, to) in moved {
        let verdict =
            Verdict::Renumbered { list: List::Nodes, from: from.to_string(), to: to.to_string() };
        let states = sides.as_ref().map(|prompt| prompt.nodes.get(&to));
        decide(ledger, name(&to, states), Place::Node, verdict);
        renumbered.nodes.insert(NodeKey { scope: Scope::Root, id: from }, to);
    }
    renumbered
}

fn name(id: &NodeId, nodes: Three<Option<&PromptNode>>) -> NodeName {
    let node = nodes.ours.or(nodes.theirs).or(nodes.base);
    let shown = node.map_or("node", |node| node.title().unwrap_or_else(|| node.class()));
    NodeName { id: id.clone(), shown: shown.into() }
}

fn decide(ledger: &mut Ledger<'_>, node: NodeName, place: Place, verdict: Verdict) {
    ledger.decide(&Scope::Root, Some(node), place, verdict);
}

/// A node that one side removed.
fn removed(
    sides: &Three<Prompt>,
    id: &NodeId,
    nodes: Three<Option<&PromptNode>>,
    held: &mut FxHashMap<NodeId, usize>,
    ledger: &mut Ledger<'_>,
) -> Option<PromptNode> {
    let left = nodes.ours.or(nodes.theirs)?;
    let remover = if nodes.ours.is_some() { Side::Theirs } else { Side::Ours };
    let name = name(id, nodes);
    let plain = |node: &PromptNode| {
        let mut raw = node.raw().clone();
        raw.retain(|key, _| !RESIDUE.contains(&key) && key != "_meta");
        raw
    };
    let own = sides.get(remover.other());
    let changed = nodes.base.is_some_and(|base| !plain(base).same(&plain(left)));
    let fed = |prompt: &Prompt| -> FxHashSet<(NodeId, String)> {
        let inputs = prompt.nodes.iter().flat_map(|(to, node)| {
            node.inputs().filter_map(move |(input, value)| match value {
                PromptInput::From { node, .. } if node == *id => {
                    Some((to.clone(), input.to_owned()))
                }
                _ => None,
            })
        });
        inputs.collect()
    };
    if !changed && fed(own).is_subset(&fed(&sides.base)) {
        decide(ledger, name, Place::Node, Verdict::Removed(remover));
        return None;
    }
    let kind = match remover {
        Side::Ours => ConflictKind::RemovedByOurs,
        _ => ConflictKind::RemovedByTheirs,
    };
    let states = nodes.map(|node| node.map(|node| Value::Object(node.raw().clone())));
    let conflict = Conflict::in_node(&Scope::Root, name, kind, Place::Node, states);
    held.insert(id.clone(), ledger.open(conflict));
    Some(left.clone())
}

fn both(
    id: &NodeId,
    base: Option<&PromptNode>,
    ours: &PromptNode,
    theirs: &PromptNode,
    ledger: &mut Ledger<'_>,
) -> PromptNode {
    if ours == theirs {
        return ours.clone();
    }
    let nodes = Three::new(base, Some(ours), Some(theirs));
    let name = name(id, nodes);
    let classes = nodes.map(|node| node.map(PromptNode::class));
    let inputs = nodes.map(|node| node.and_then(PromptNode::raw_inputs));
    let retyped = matches!(classes.settle(), Outcome::Ours | Outcome::Theirs | Outcome::Apart);
    if retyped {
        let other = match classes.settle() {
            Outcome::Ours => Some(Side::Theirs),
            Outcome::Theirs => Some(Side::Ours),
            _ => None,
        };
        let unchanged = other.filter(|other| inputs.get(*other) == &inputs.base);
        if let Some(other) = unchanged {
            let side = other.other();
            decide(ledger, name, Place::Node, Verdict::OnlyChange(side));
            return (*nodes.get(side)).cloned().unwrap_or_default();
        }
        let states = nodes.map(|node| node.map(|node| Value::Object(node.raw().clone())));
        let kind = ConflictKind::RetypedRewired;
        ledger.open(Conflict::in_node(&Scope::Root, name, kind, Place::Node, states));
        return ours.clone();
    }
    let mut merged = ours.clone();
    let raws = nodes.map(|node| node.map(PromptNode::raw));
    let keys = in_order_of_both(
        ours.raw().keys().cloned().collect(),
        &theirs.raw().keys().cloned().collect::<Vec<_>>(),
    );
    for key in keys.iter().filter(|key| *key != "inputs") {
        let values = raws.map(|raw| raw.and_then(|raw| raw.get(key)));
        let outcome = values.settle_values();
        match (outcome, values.theirs) {
            (Outcome::Theirs, Some(value)) => {
                merged.raw_mut().insert(key.clone(), value.clone());
            }
            (Outcome::Theirs, None) => {
                merged.raw_mut().remove(key);
            }
            (Outcome::Apart, _) if key != "_meta" && !RESIDUE.contains(&key.as_str()) => {
                let place = Place::Key(Path(vec![key.clone().into()]));
                ledger.apart(&Scope::Root, name.clone(), place, values.cloned());
            }
            _ => {}
        }
    }
    let settled = settle_inputs(&name, inputs, ledger);
    if let Some(inputs) = merged.raw_inputs_mut() {
        *inputs = settled;
    }
    merged
}

fn settle_inputs(
    name: &NodeName,
    inputs: Three<Option<&Object>>,
    ledger: &mut Ledger<'_>,
) -> Object {
    let keys = inputs.map(|inputs| {
        inputs.into_iter().flat_map(Object::keys).cloned().collect::<Vec<CompactString>>()
    });
    let mut settled = Object::new();
    for key in in_order_of_both(keys.ours, &keys.theirs) {
        let values = inputs.map(|inputs| inputs.and_then(|inputs| inputs.get(&key)));
        if let Some(value) = settle_input(name, &key, values, ledger) {
            settled.append(key, value);
        }
    }
    settled
}

fn settle_input(
    name: &NodeName,
    key: &str,
    values: Three<Option<&Value>>,
    ledger: &mut Ledger<'_>,
) -> Option<Value> {
    let place = Place::Input(SlotName::new(key));
    let outcome = values.settle_values();
    if outcome != Outcome::Apart {
        if let Some(verdict) = verdict(outcome, values) {
            decide(ledger, name.clone(), place, verdict);
        }
        return values.get(outcome.winner()).cloned();
    }
    let texts = values.map(|value| value.and_then(Value::as_str));
    let prose = texts.ours.is_some_and(text::is_prose) || texts.theirs.is_some_and(text::is_prose);
    if let (Three { base: Some(base), ours: Some(ours), theirs: Some(theirs) }, true) =
        (texts, prose && !ledger.insists(Class::Texts))
        && let Some(text) = text::merge(base, ours, theirs)
    {
        decide(ledger, name.clone(), place, Verdict::Words);
        return Some(Value::from(text));
    }
    let wired = |value: Option<&Value>| {
        value.is_some_and(|value| matches!(PromptInput::of(value), PromptInput::From { .. }))
    };
    let (kind, class) = match (wired(values.ours) || wired(values.theirs), key, prose) {
        (true, _, _) => (ConflictKind::InputContended, Class::Wires),
        (_, "seed" | "noise_seed", _) => (ConflictKind::BothChanged, Class::Seeds),
        (_, _, true) => (ConflictKind::BothChanged, Class::Texts),
        _ => (ConflictKind::BothChanged, Class::Values),
    };
    let conflict = Conflict::in_node(&Scope::Root, name.clone(), kind, place, values.cloned());
    ledger.open_as(conflict, class);
    values.ours.cloned()
}

/// Takes out wires whose origin is gone. Those into or out of a node that stays because of
/// a conflict become part of it.
fn loosen(
    merged: &mut Prompt,
    sides: &Three<Prompt>,
    held: &FxHashMap<NodeId, usize>,
    ledger: &mut Ledger<'_>,
) {
    for (id, conflict) in held {
        for (to, node) in &sides.base.nodes {
            for (input, value) in node.raw_inputs().into_iter().flat_map(Object::iter) {
                let from_here = matches!(
                    PromptInput::of(value), PromptInput::From { node, .. } if node == *id
                );
                if !from_here || !merged.nodes.contains_key(to) {
                    continue;
                }
                let values = sides
                    .as_ref()
                    .map(|prompt| prompt.nodes.get(to)?.raw_inputs()?.get(input).cloned());
                if values.ours == values.theirs {
                    continue;
                }
                let ours = values.ours.clone();
                let place = Place::Input(SlotName::new(input));
                let known = |part: &Part| part.node.as_ref() == Some(to) && part.place == place;
                let elsewhere =
                    ledger.conflicts.iter().any(|open| open.conflict.parts.iter().any(known));
                if !elsewhere && let Some(open) = ledger.conflicts.get_mut(*conflict) {
                    let part = Part { node: Some(to.clone()), place: place.clone(), sides: values };
                    open.conflict.parts.push(part);
                }
                set_input(merged, to, input, ours.as_ref());
            }
        }
    }
    let there: FxHashSet<NodeId> = merged.nodes.keys().cloned().collect();
    for (id, node) in &mut merged.nodes {
        let Some(inputs) = node.raw_inputs_mut() else { continue };
        inputs.retain(|input, value| match PromptInput::of(value) {
            PromptInput::From { node, .. } => {
                let was_there = |prompt: &Prompt| prompt.nodes.contains_key(&node);
                let _ = (id, input);
                // A wire to nowhere that a side had already is not ours to cut.
                there.contains(&node)
                    || !(was_there(&sides.ours)
                        || was_there(&sides.theirs)
                        || was_there(&sides.base))
            }
            PromptInput::Literal(_) => true,
        });
    }
}

fn set_input(prompt: &mut Prompt, id: &NodeId, input: &str, value: Option<&Value>) -> Option<()> {
    let inputs = prompt.nodes.get_mut(id)?.raw_inputs_mut()?;
    match value {
        Some(value) => inputs.insert(input, value.clone()),
        None => inputs.remove(input),
    };
    Some(())
}

/// Writes one side of a conflict into a prompt.
pub(super) fn choose(prompt: &mut Prompt, conflict: &Conflict, side: Side) {
    for part in &conflict.parts {
        let Some(id) = &part.node else { continue };
        let value = part.sides.get(side).as_ref();
        match (&part.place, value) {
            (Place::Node, Some(Value::Object(raw))) => {
                prompt.nodes.insert(id.clone(), PromptNode::from_object(raw.clone()));
            }
            (Place::Node, _) => {
                prompt.nodes.shift_remove(id);
                cut(prompt, id);
            }
            (Place::Input(input), value) => {
                set_input(prompt, id, &input.name, value);
            }
            (Place::Key(path), value) => {
                if let (Some(node), [crate::json::Step::Key(key)]) =
                    (prompt.nodes.get_mut(id), path.0.as_slice())
                {
                    match value {
                        Some(value) => node.raw_mut().insert(key.clone(), value.clone()),
                        None => node.raw_mut().remove(key),
                    };
                }
            }
            _ => {}
        }
    }
}

/// Takes out every wire that comes from a node.
fn cut(prompt: &mut Prompt, gone: &NodeId) {
    for node in prompt.nodes.values_mut() {
        let Some(inputs) = node.raw_inputs_mut() else { continue };
        inputs.retain(|_, value| {
            !matches!(PromptInput::of(value), PromptInput::From { node, .. } if node == *gone)
        });
    }
}

/// Finds what a result would lose.
pub(super) fn doubts(
    prompt: &Merged,
    conflicts: &[Conflict],
    decisions: &[Decision],
) -> Vec<Doubt> {
    let parts = conflicts.iter().flat_map(|conflict| &conflict.parts);
    let told: FxHashSet<(Option<&NodeId>, &Place)> = parts
        .map(|part| (part.node.as_ref(), &part.place))
        .chain(
            decisions
                .iter()
                .filter(|d| d.is_notable())
                .map(|decision| (decision.node.as_ref().map(|node| &node.id), &decision.place)),
        )
        .collect();
    let mut doubts = Vec::new();
    for side in [Side::Ours, Side::Theirs] {
        let (own, other) = (prompt.sides.get(side), prompt.sides.get(side.other()));
        for (id, node) in &own.nodes {
            let (before, beside) = (prompt.sides.base.nodes.get(id), other.nodes.get(id));
            if told.contains(&(Some(id), &Place::Node)) {
                continue;
            }
            let Some(there) = prompt.merged.nodes.get(id) else {
                if before.is_none() || beside.is_some() {
                    doubts.push(Doubt::Node(side, id.clone()));
                }
                continue;
            };
            for (input, value) in node.raw_inputs().into_iter().flat_map(Object::iter) {
                let of = |node: Option<&PromptNode>| node?.raw_inputs()?.get(input).cloned();
                let result = of(Some(there));
                let kept = result.as_ref() == Some(value);
                let replaced = of(before).as_ref() == Some(value) && of(beside) != of(before);
                let cut = matches!(
                    PromptInput::of(value),
                    PromptInput::From { node, .. } if !prompt.merged.nodes.contains_key(&node)
                );
                let same = result.is_some_and(|result| result.same(value));
                let place = Place::Input(SlotName::new(input));
                if !kept && !replaced && !cut && !same && !told.contains(&(Some(id), &place)) {
                    doubts.push(Doubt::Value(side, id.clone(), input.to_string()));
                }
            }
        }
    }
    doubts
}
