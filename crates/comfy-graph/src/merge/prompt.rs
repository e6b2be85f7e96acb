//! API prompts: nodes by id, each with a class and inputs that hold a value or a wire.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::audit::AuditFinding;
use super::conflict::{Conflict, ConflictKind, ConflictPart, MergePlace, NodeName};
use super::decision::{MergeDecision, MergeVerdict};
use super::fields;
use super::json_merge::{self, JsonMergeHandler, combined_order, outcome_verdict};
use super::merge_log::MergeLog;
use super::side_writer::UnwrittenPart;
use super::strategy::ChangeClass;
use super::text;
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use crate::graph::{
    GraphList, GraphScope, NodeId, NodeKey, Prompt, PromptInput, PromptNode, Renumbering, SlotName,
    WidgetName,
};
use crate::json::{JsonPath, Object, Value};
use crate::pair::are_twin_prompt_nodes;

/// Members of a prompt's node that the server writes and nothing reads.
const SERVER_MEMBERS: [&str; 1] = ["is_changed"];

/// Where a node of a prompt has its title.
const TITLE_MEMBER: &str = "/_meta/title";

/// The commit or version of the pack that a node of a prompt is of.
const PIN_MEMBER: &str = "/_meta/ver";

/// Inputs that the editor re-rolls after a run, unless somebody said otherwise; a prompt does
/// not say.
const SEED_INPUTS: [&str; 3] = ["seed", "noise_seed", "rand_seed"];

/// A merged prompt, with what it was made of.
pub(super) struct MergedPrompt {
    pub(super) prompt: Prompt,
    pub(super) sides: ThreeWay<Prompt>,
    pub(super) renumbered: Renumbering,
}

pub(super) fn merge_prompt(mut sides: ThreeWay<Prompt>, log: &mut MergeLog<'_>) -> MergedPrompt {
    let renumbered = align_prompt_ids(&mut sides, log);
    let mut merged = Prompt::default();
    let mut held: FxHashMap<NodeId, usize> = FxHashMap::default();
    let states = |id: &NodeId| sides.as_ref().map(|prompt| prompt.nodes.get(id));
    let order = combined_order(
        sides.ours.nodes.keys().cloned().collect(),
        &sides.theirs.nodes.keys().cloned().collect::<Vec<_>>(),
    );
    for id in &order {
        let nodes = states(id);
        let node = match (nodes.base, nodes.ours, nodes.theirs) {
            (_, Some(ours), Some(theirs)) => {
                Some(merge_prompt_node(id, nodes.base, ours, theirs, log))
            }
            (Some(_), _, _) => settle_removed(&sides, id, nodes, &mut held, log),
            (None, ours, theirs) => {
                let side = if ours.is_some() { MergeSide::Ours } else { MergeSide::Theirs };
                log_node_decision(
                    log,
                    prompt_node_name(id, nodes),
                    MergePlace::Node,
                    MergeVerdict::Added(side),
                );
                ours.or(theirs).cloned()
            }
        };
        if let Some(node) = node {
            merged.nodes.insert(id.clone(), node);
        }
    }
    cut_dangling_wires(&mut merged, &sides, &held, log);
    MergedPrompt { prompt: merged, sides, renumbered }
}

/// Two different new nodes under one id: theirs gets another.
fn align_prompt_ids(sides: &mut ThreeWay<Prompt>, log: &mut MergeLog<'_>) -> Renumbering {
    let all = [&sides.base, &sides.ours, &sides.theirs];
    let used: FxHashSet<&NodeId> = all.into_iter().flat_map(|p| p.nodes.keys()).collect();
    let top = |id: &&NodeId| id.to_string().split([':', '.']).next()?.parse::<i64>().ok();
    let mut next = used.iter().filter_map(top).max().unwrap_or_default();
    let base_is_there = !sides.base.nodes.is_empty();
    let clash = |id: &&NodeId| {
        let (ours, theirs) = (sides.ours.nodes.get(*id), sides.theirs.nodes.get(*id));
        match (sides.base.nodes.get(*id), ours, theirs) {
            (None, Some(ours), Some(theirs)) => match base_is_there {
                true => !are_twin_prompt_nodes(ours, theirs),
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
        let verdict = MergeVerdict::Renumbered {
            list: GraphList::Nodes,
            from: from.to_string(),
            to: to.to_string(),
        };
        let states = sides.as_ref().map(|prompt| prompt.nodes.get(&to));
        log_node_decision(log, prompt_node_name(&to, states), MergePlace::Node, verdict);
        renumbered.nodes.insert(NodeKey { scope: GraphScope::Root, id: from }, to);
    }
    renumbered
}

fn prompt_node_name(id: &NodeId, nodes: ThreeWay<Option<&PromptNode>>) -> NodeName {
    let node = nodes.ours.or(nodes.theirs).or(nodes.base);
    let shown = node.map_or("node", |node| node.title().unwrap_or_else(|| node.class()));
    NodeName { id: id.clone(), display_name: shown.into() }
}

fn log_node_decision(
    log: &mut MergeLog<'_>,
    node: NodeName,
    place: MergePlace,
    verdict: MergeVerdict,
) {
    log.log_decision(&GraphScope::Root, Some(node), place, verdict);
}

/// A node that one side removed.
fn settle_removed(
    sides: &ThreeWay<Prompt>,
    id: &NodeId,
    nodes: ThreeWay<Option<&PromptNode>>,
    held: &mut FxHashMap<NodeId, usize>,
    log: &mut MergeLog<'_>,
) -> Option<PromptNode> {
    let left = nodes.ours.or(nodes.theirs)?;
    let remover = if nodes.ours.is_some() { MergeSide::Theirs } else { MergeSide::Ours };
    let name = prompt_node_name(id, nodes);
    let plain = |node: &PromptNode| {
        let mut raw = node.raw().clone();
        raw.retain(|key, _| !SERVER_MEMBERS.contains(&key) && key != "_meta");
        raw
    };
    let own = sides.get(remover.other());
    let changed = nodes.base.is_some_and(|base| !plain(base).is_equivalent(&plain(left)));
    if !changed && inputs_fed_by(id, own).is_subset(&inputs_fed_by(id, &sides.base)) {
        log_node_decision(log, name, MergePlace::Node, MergeVerdict::Removed(remover));
        return None;
    }
    let kind = match remover {
        MergeSide::Ours => ConflictKind::RemovedByOurs,
        _ => ConflictKind::RemovedByTheirs,
    };
    let states = nodes.map(|node| node.map(|node| Value::Object(node.raw().clone())));
    let conflict = Conflict::in_node(&GraphScope::Root, name, kind, MergePlace::Node, states);
    held.insert(id.clone(), log.log_conflict(conflict));
    Some(left.clone())
}

/// The inputs that a node feeds, by node and name.
fn inputs_fed_by<'p>(id: &NodeId, prompt: &'p Prompt) -> FxHashSet<(&'p NodeId, &'p str)> {
    let nodes = prompt.nodes.iter();
    let inputs = nodes.flat_map(|(to, node)| node.inputs().map(move |input| (to, input)));
    let fed = inputs.filter(|(_, (_, value))| is_link_from(value, id));
    fed.map(|(to, (input, _))| (to, input)).collect()
}

fn merge_prompt_node(
    id: &NodeId,
    base: Option<&PromptNode>,
    ours: &PromptNode,
    theirs: &PromptNode,
    log: &mut MergeLog<'_>,
) -> PromptNode {
    if ours == theirs {
        return ours.clone();
    }
    let nodes = ThreeWay::new(base, Some(ours), Some(theirs));
    let name = prompt_node_name(id, nodes);
    let classes = nodes.map(|node| node.map(PromptNode::class));
    let inputs = nodes.map(|node| node.and_then(PromptNode::raw_inputs));
    let retyped = matches!(
        classes.settle(),
        ThreeWayOutcome::Ours | ThreeWayOutcome::Theirs | ThreeWayOutcome::Conflicting
    );
    if retyped {
        let other = match classes.settle() {
            ThreeWayOutcome::Ours => Some(MergeSide::Theirs),
            ThreeWayOutcome::Theirs => Some(MergeSide::Ours),
            _ => None,
        };
        let unchanged = other.filter(|other| inputs.get(*other) == &inputs.base);
        if let Some(other) = unchanged {
            let side = other.other();
            log_node_decision(log, name, MergePlace::Node, MergeVerdict::OnlyChange(side));
            return (*nodes.get(side)).cloned().unwrap_or_default();
        }
        let states = nodes.map(|node| node.map(|node| Value::Object(node.raw().clone())));
        let kind = ConflictKind::RetypedRewired;
        log.log_conflict(Conflict::in_node(
            &GraphScope::Root,
            name,
            kind,
            MergePlace::Node,
            states,
        ));
        return ours.clone();
    }
    let mut merged = ours.clone();
    let raws = nodes.map(|node| node.map(PromptNode::raw));
    let keys = combined_order(
        ours.raw().keys().cloned().collect(),
        &theirs.raw().keys().cloned().collect::<Vec<_>>(),
    );
    for key in keys.iter().filter(|key| *key != "inputs") {
        let values = raws.map(|raw| raw.and_then(|raw| raw.get(key)));
        let mut handler = PromptMemberLog { node: &name, log: &mut *log };
        let mut at = JsonPath(vec![key.clone().into()]);
        match json_merge::merge_values(values, &mut at, &mut handler) {
            Some(value) => merged.raw_mut().insert(key.clone(), value),
            None => merged.raw_mut().remove(key),
        };
    }
    let settled = settle_inputs(&name, inputs, log);
    let there = match settled.is_empty() {
        true => merged.raw_inputs_mut(),
        false => merged.raw_inputs_or_insert(),
    };
    if let Some(inputs) = there {
        *inputs = settled;
    }
    merged
}

/// Settles the members of a node of a prompt beside its inputs.
struct PromptMemberLog<'m, 'l> {
    node: &'m NodeName,
    log: &'m mut MergeLog<'l>,
}

impl JsonMergeHandler for PromptMemberLog<'_, '_> {
    fn conflicting(&mut self, at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> MergeSide {
        if let Some(side) = fields::version_side(at, sides) {
            self.decided(at, MergeVerdict::HigherVersion(side));
            return side;
        }
        let key = at.to_string();
        // What the server or the editor writes is nobody's choice; a title is somebody's.
        let is_written_by_program = SERVER_MEMBERS.iter().any(|own| key[1..].starts_with(own))
            || (key.starts_with("/_meta/") && ![TITLE_MEMBER, PIN_MEMBER].contains(&key.as_str()));
        if is_written_by_program {
            self.decided(at, MergeVerdict::KeptOurLooks);
            return MergeSide::Ours;
        }
        let (place, sides) = (MergePlace::Key(at.clone()), sides.cloned());
        self.log.log_both_changed(&GraphScope::Root, self.node.clone(), place, sides);
        MergeSide::Ours
    }

    fn decided(&mut self, at: &JsonPath, verdict: MergeVerdict) {
        log_node_decision(self.log, self.node.clone(), MergePlace::Key(at.clone()), verdict);
    }
}

fn settle_inputs(
    name: &NodeName,
    inputs: ThreeWay<Option<&Object>>,
    log: &mut MergeLog<'_>,
) -> Object {
    let keys = inputs.map(|inputs| {
        inputs.into_iter().flat_map(Object::keys).cloned().collect::<Vec<CompactString>>()
    });
    let mut settled = Object::new();
    for key in combined_order(keys.ours, &keys.theirs) {
        let values = inputs.map(|inputs| inputs.and_then(|inputs| inputs.get(&key)));
        if let Some(value) = settle_input(name, &key, values, log) {
            settled.append(key, value);
        }
    }
    settled
}

fn settle_input(
    name: &NodeName,
    key: &str,
    values: ThreeWay<Option<&Value>>,
    log: &mut MergeLog<'_>,
) -> Option<Value> {
    let wired = |value: Option<&Value>| {
        value.is_some_and(|value| matches!(PromptInput::parse(value), PromptInput::Link { .. }))
    };
    let is_wired = wired(values.base) || wired(values.ours) || wired(values.theirs);
    let place = match is_wired {
        true => MergePlace::Input(SlotName::new(key)),
        false => MergePlace::Widget(WidgetName::new(key)),
    };
    let outcome = values.settle_values();
    if outcome != ThreeWayOutcome::Conflicting {
        if let Some(verdict) = outcome_verdict(outcome, values) {
            log_node_decision(log, name.clone(), place, verdict);
        }
        return values.get(outcome.winning_side()).cloned();
    }
    let is_number = |value: Option<&Value>| value.is_some_and(|v| v.as_number().is_some());
    let rerolled = SEED_INPUTS.contains(&key)
        && [values.base, values.ours, values.theirs].into_iter().all(is_number);
    if rerolled && !log.forces_conflict(ChangeClass::Seeds) {
        log_node_decision(log, name.clone(), place, MergeVerdict::BothRerolled);
        return values.ours.cloned();
    }
    let texts = values.map(|value| value.and_then(Value::as_str));
    let prose = texts.ours.is_some_and(text::is_prose) || texts.theirs.is_some_and(text::is_prose);
    if let (ThreeWay { base: Some(base), ours: Some(ours), theirs: Some(theirs) }, true) =
        (texts, prose && !log.forces_conflict(ChangeClass::Texts))
        && let Some(text) = text::merge_texts(base, ours, theirs)
    {
        log_node_decision(log, name.clone(), place, MergeVerdict::MergedWords);
        return Some(Value::from(text));
    }
    let (kind, class) = match (is_wired, key, prose) {
        (true, _, _) => (ConflictKind::InputContended, ChangeClass::Wires),
        (_, key, _) if SEED_INPUTS.contains(&key) => {
            (ConflictKind::BothChanged, ChangeClass::Seeds)
        }
        (_, _, true) => (ConflictKind::BothChanged, ChangeClass::Texts),
        _ => (ConflictKind::BothChanged, ChangeClass::Values),
    };
    let conflict = Conflict::in_node(&GraphScope::Root, name.clone(), kind, place, values.cloned());
    log.log_conflict_as(conflict, class);
    values.ours.cloned()
}

/// Takes out wires whose origin is gone. Those into or out of a node that stays because of
/// a conflict become part of it.
fn cut_dangling_wires(
    merged: &mut Prompt,
    sides: &ThreeWay<Prompt>,
    held: &FxHashMap<NodeId, usize>,
    log: &mut MergeLog<'_>,
) {
    for (id, conflict) in held {
        for (to, node) in &sides.base.nodes {
            if !merged.nodes.contains_key(to) {
                continue;
            }
            for (input, _) in node.inputs().filter(|(_, value)| is_link_from(value, id)) {
                let values = sides
                    .as_ref()
                    .map(|prompt| prompt.nodes.get(to)?.raw_inputs()?.get(input).cloned());
                if values.ours != values.theirs {
                    let ours = values.ours.clone();
                    add_input_to_conflict(log, *conflict, to, input, values);
                    set_input(merged, to, input, ours.as_ref());
                }
            }
        }
    }
    let there: FxHashSet<NodeId> = merged.nodes.keys().cloned().collect();
    let all = [&sides.base, &sides.ours, &sides.theirs];
    for node in merged.nodes.values_mut() {
        let Some(inputs) = node.raw_inputs_mut() else { continue };
        inputs.retain(|_, value| match PromptInput::parse(value) {
            // A wire to nowhere that a side had already is not ours to cut.
            PromptInput::Link { node, .. } => {
                there.contains(&node) || !all.iter().any(|prompt| prompt.nodes.contains_key(&node))
            }
            PromptInput::Literal(_) => true,
        });
    }
}

fn is_link_from(value: &PromptInput<'_>, id: &NodeId) -> bool {
    matches!(value, PromptInput::Link { node, .. } if node == id)
}

/// Makes an input part of a conflict, unless one is about it already.
fn add_input_to_conflict(
    log: &mut MergeLog<'_>,
    conflict: usize,
    node: &NodeId,
    input: &str,
    sides: ThreeWay<Option<Value>>,
) {
    let place = MergePlace::Input(SlotName::new(input));
    let is_it = |part: &ConflictPart| part.node.as_ref() == Some(node) && part.place == place;
    if log.conflicts.iter().any(|open| open.conflict.parts.iter().any(is_it)) {
        return;
    }
    if let Some(open) = log.conflicts.get_mut(conflict) {
        open.conflict.parts.push(ConflictPart { node: Some(node.clone()), place, sides });
    }
}

/// Sets or removes an input, if its node is there.
fn set_input(prompt: &mut Prompt, id: &NodeId, input: &str, value: Option<&Value>) {
    let Some(inputs) = prompt.nodes.get_mut(id).and_then(PromptNode::raw_inputs_or_insert) else {
        return;
    };
    match value {
        Some(value) => inputs.insert(input, value.clone()),
        None => inputs.remove(input),
    };
}

/// Writes one side of a conflict into a prompt; gives what could not be written.
pub(super) fn write_side_in_prompt(
    prompt: &mut Prompt,
    conflict: &Conflict,
    side: MergeSide,
) -> Vec<UnwrittenPart> {
    let mut unwritten = Vec::new();
    for part in &conflict.parts {
        let value = part.sides.get(side).as_ref();
        if write_part_in_prompt(prompt, part, value).is_none() {
            unwritten.push(UnwrittenPart { node: part.node.clone(), place: part.place.clone() });
        }
    }
    unwritten
}

/// Nothing if what the part is about is not there.
fn write_part_in_prompt(
    prompt: &mut Prompt,
    part: &ConflictPart,
    value: Option<&Value>,
) -> Option<()> {
    let id = part.node.as_ref()?;
    match (&part.place, value) {
        (MergePlace::Node, Some(Value::Object(raw))) => {
            prompt.nodes.insert(id.clone(), PromptNode::from_object(raw.clone()));
        }
        (MergePlace::Node, _) => {
            prompt.nodes.shift_remove(id);
            cut_wires_from(prompt, id);
        }
        (
            MergePlace::Input(SlotName { name, .. }) | MergePlace::Widget(WidgetName::Named(name)),
            value,
        ) => {
            prompt.nodes.get(id)?;
            set_input(prompt, id, name, value);
        }
        (MergePlace::Key(path), value) => {
            let (last, way) = path.0.split_last()?;
            let first = path.0.first()?.to_key();
            if ["class_type", "inputs"].contains(&first.as_str()) {
                return None;
            }
            let mut object = prompt.nodes.get_mut(id)?.raw_mut();
            for step in way {
                let next = object.get_or_insert_with(&step.to_key(), || Object::new().into());
                object = next.as_object_mut()?;
            }
            match value {
                Some(value) => object.insert(last.to_key(), value.clone()),
                None => object.remove(&last.to_key()),
            };
        }
        _ => return None,
    }
    Some(())
}

/// Takes out every wire that comes from a node.
fn cut_wires_from(prompt: &mut Prompt, gone: &NodeId) {
    for node in prompt.nodes.values_mut() {
        let Some(inputs) = node.raw_inputs_mut() else { continue };
        inputs.retain(|_, value| {
            !matches!(PromptInput::parse(value), PromptInput::Link { node, .. } if node == *gone)
        });
    }
}

/// Finds what a result would lose.
pub(super) fn audit_prompt(
    prompt: &MergedPrompt,
    conflicts: &[Conflict],
    decisions: &[MergeDecision],
) -> Vec<AuditFinding> {
    let parts = conflicts.iter().flat_map(|conflict| &conflict.parts);
    let told: FxHashSet<(Option<&NodeId>, &MergePlace)> = parts
        .map(|part| (part.node.as_ref(), &part.place))
        .chain(
            decisions
                .iter()
                .filter(|d| {
                    let quiet = [MergeVerdict::KeptOurLooks, MergeVerdict::MergedElements];
                    let version = matches!(d.verdict, MergeVerdict::HigherVersion(_));
                    d.is_notable() || version || quiet.contains(&d.verdict)
                })
                .map(|decision| (decision.node.as_ref().map(|node| &node.id), &decision.place)),
        )
        .collect();
    let mut doubts = Vec::new();
    for side in [MergeSide::Ours, MergeSide::Theirs] {
        let (own, other) = (prompt.sides.get(side), prompt.sides.get(side.other()));
        for (id, node) in &own.nodes {
            let (before, beside) = (prompt.sides.base.nodes.get(id), other.nodes.get(id));
            if told.contains(&(Some(id), &MergePlace::Node)) {
                continue;
            }
            let Some(there) = prompt.prompt.nodes.get(id) else {
                if before.is_none() || beside.is_some() {
                    doubts.push(AuditFinding::Node(side, id.clone()));
                }
                continue;
            };
            audit_members(side, [before, Some(node), beside, Some(there)], id, &told, &mut doubts);
            for (input, value) in node.raw_inputs().into_iter().flat_map(Object::iter) {
                let of = |node: Option<&PromptNode>| node?.raw_inputs()?.get(input).cloned();
                let result = of(Some(there));
                let kept = result.as_ref() == Some(value);
                let replaced = of(before).as_ref() == Some(value) && of(beside) != of(before);
                let cut = matches!(
                    PromptInput::parse(value),
                    PromptInput::Link { node, .. } if !prompt.prompt.nodes.contains_key(&node)
                );
                let same = result.is_some_and(|result| result.is_equivalent(value));
                let place = MergePlace::Input(SlotName::new(input));
                let value_place = MergePlace::Widget(WidgetName::new(input));
                let is_told =
                    told.contains(&(Some(id), &place)) || told.contains(&(Some(id), &value_place));
                if !kept && !replaced && !cut && !same && !is_told {
                    doubts.push(AuditFinding::Value(side, id.clone(), input.to_string()));
                }
            }
        }
    }
    doubts
}

/// Finds members beside the inputs that a result would lose: the class, titles, whatever else
/// lies in a node. The nodes are those of the base, the side, the other side and the result.
fn audit_members(
    side: MergeSide,
    nodes: [Option<&PromptNode>; 4],
    id: &NodeId,
    told: &FxHashSet<(Option<&NodeId>, &MergePlace)>,
    doubts: &mut Vec<AuditFinding>,
) {
    let leaves = nodes.map(|node| {
        let mut leaves = FxHashMap::default();
        for (key, value) in node.into_iter().flat_map(|node| node.raw().iter()) {
            let at = JsonPath(vec![key.clone().into()]);
            match value {
                _ if key == "inputs" => {}
                Value::Object(members) => {
                    leaves.extend(members.iter().map(|(key, value)| (at.join(key.clone()), value)))
                }
                value => drop(leaves.insert(at, value)),
            }
        }
        leaves
    });
    let [before, own, beside, there] = &leaves;
    let same = |a: Option<&&Value>, b: Option<&&Value>| match (a, b) {
        (Some(a), Some(b)) => a.is_equivalent(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    for (at, value) in own {
        let kept = same(Some(value), there.get(at));
        let replaced = same(Some(value), before.get(at)) && same(beside.get(at), there.get(at));
        if !kept && !replaced && !told.contains(&(Some(id), &MergePlace::Key(at.clone()))) {
            doubts.push(AuditFinding::Value(side, id.clone(), at.to_string()));
        }
    }
}
