//! The boundaries of subgraphs: their inputs and outputs, merged before any graph, because
//! instances take the order of their slots and values from them.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::MergePlace;
use super::decision::MergeVerdict;
use super::merge_log::MergeLog;
use super::slots;
use super::three_way::ThreeWay;
use crate::graph::{
    GraphScope, Node, SlotName, SubgraphDefinition, SubgraphId, WireSink, WireSource, Wires,
    Workflow,
};
use crate::json::{Object, Value};

/// The merged inputs and outputs of one definition.
pub(super) struct MergedBoundary {
    pub(super) inputs: Option<Value>,
    pub(super) outputs: Option<Value>,
}

/// Of all definitions that any side has.
pub(super) type MergedBoundaries = FxHashMap<SubgraphId, MergedBoundary>;

impl MergedBoundary {
    /// The names of the inputs in their order.
    pub(super) fn input_names(&self) -> Vec<CompactString> {
        slots::slot_names(self.inputs.as_ref()).into_iter().map(|slot| slot.name).collect()
    }

    /// Puts the slots of an instance into the order of the boundary.
    pub(super) fn sort_slots(&self, key: &str, list: &mut [Value]) {
        let order = match key {
            "inputs" => &self.inputs,
            _ => &self.outputs,
        };
        let places: FxHashMap<CompactString, usize> = slots::slot_names(order.as_ref())
            .into_iter()
            .enumerate()
            .map(|(at, slot)| (slot.name, at))
            .collect();
        list.sort_by_key(|slot| {
            let name = slot.get("name").and_then(Value::as_str).unwrap_or_default();
            places.get(name).copied().unwrap_or(usize::MAX)
        });
    }
}

pub(super) fn merge_boundaries(
    workflows: ThreeWay<&Workflow>,
    log: &mut MergeLog<'_>,
) -> MergedBoundaries {
    let all = [workflows.ours, workflows.theirs];
    let ids: FxHashSet<&SubgraphId> = all.iter().flat_map(|w| w.definitions.keys()).collect();
    let mut ids: Vec<&SubgraphId> = ids.into_iter().collect();
    ids.sort();
    let mut boundary = |id: &SubgraphId| {
        let definitions = workflows.map(|workflow| workflow.definitions.get(id));
        let mut side = |key: &str| {
            let list = |definition: Option<&'_ SubgraphDefinition>| -> Option<Value> {
                definition.and_then(|d| d.graph.rest.get(key)).cloned()
            };
            let lists = definitions.map(list);
            match (definitions.ours, definitions.theirs) {
                (Some(_), None) => lists.ours,
                (None, Some(_)) => lists.theirs,
                _ => {
                    let scope = GraphScope::Definition(id.clone());
                    slots::merge_slots(lists.as_ref().map(Option::as_ref), &scope, None, log)
                }
            }
        };
        MergedBoundary { inputs: side("inputs"), outputs: side("outputs") }
    };
    ids.into_iter().map(|id| (id.clone(), boundary(id))).collect()
}

/// Gives another name to each new slot of theirs that has the name of another new slot of
/// ours. Two slots for the same inner input (or output) are one.
pub(super) fn rename_clashing_slots(sides: &mut ThreeWay<Workflow>, log: &mut MergeLog<'_>) {
    let mut renames = Vec::new();
    for (id, theirs) in &sides.theirs.definitions {
        let Some(ours) = sides.ours.definitions.get(id) else { continue };
        let base = sides.base.definitions.get(id);
        for key in ["inputs", "outputs"] {
            let list =
                |definition: &SubgraphDefinition| slots::slot_names(definition.graph.rest.get(key));
            let names = ThreeWay::new(base.map(list).unwrap_or_default(), list(ours), list(theirs));
            let clash = |name: &&SlotName| {
                !names.base.contains(name)
                    && names.ours.contains(name)
                    && !has_same_inner_end(ours, theirs, key, name)
            };
            let mut taken: FxHashSet<CompactString> =
                names.ours.iter().chain(&names.theirs).map(|slot| slot.name.clone()).collect();
            for name in names.theirs.iter().filter(clash) {
                let new = free_name(&name.name, &mut taken);
                renames.push((id.clone(), key, name.name.clone(), new));
            }
        }
    }
    for (id, key, from, to) in renames {
        rename_boundary_slot(&mut sides.theirs, &id, key, &from, &to);
        let scope = GraphScope::Definition(id);
        let place = MergePlace::Boundary(SlotName::new(&to));
        let (from, to) = (from.to_string(), to.to_string());
        log.log_decision(&scope, None, place, MergeVerdict::Renamed { from, to });
    }
}

/// The names ComfyUI would give: `text_1`, `text_2`.
fn free_name(name: &str, taken: &mut FxHashSet<CompactString>) -> CompactString {
    let free = (1_usize..).map(|n| compact_str::format_compact!("{name}_{n}"));
    let free = free.into_iter().find(|name| taken.insert(name.clone()));
    free.unwrap_or_else(|| CompactString::new(name))
}

fn has_same_inner_end(
    ours: &SubgraphDefinition,
    theirs: &SubgraphDefinition,
    key: &str,
    name: &SlotName,
) -> bool {
    let ends = |definition: &SubgraphDefinition| -> FxHashSet<String> {
        let wires = Wires::from_graph(&definition.graph);
        let wires = wires.iter().filter_map(|wire| match key {
            "inputs" if wire.from == WireSource::Boundary(name.clone()) => {
                Some(format!("{:?}", wire.to))
            }
            "outputs" if wire.to == WireSink::Boundary(name.clone()) => {
                Some(format!("{:?}", wire.from))
            }
            _ => None,
        });
        wires.collect()
    };
    let (ours, theirs) = (ends(ours), ends(theirs));
    ours == theirs || !ours.is_disjoint(&theirs)
}

/// Renames a boundary slot of a definition, and with it the slots and values of all
/// instances.
fn rename_boundary_slot(workflow: &mut Workflow, id: &SubgraphId, key: &str, from: &str, to: &str) {
    if let Some(definition) = workflow.definitions.get_mut(id) {
        rename_slot(&mut definition.graph.rest, key, from, to);
    }
    for (_, graph) in workflow.graphs_mut() {
        for node in graph.nodes.values_mut().filter(|node| node.as_subgraph() == *id) {
            rename_slot(node.raw_mut(), key, from, to);
            if key == "inputs" {
                rename_named_value(node, from, to);
            }
        }
    }
}

fn rename_slot(object: &mut Object, key: &str, from: &str, to: &str) {
    let slots = object.get_mut(key).and_then(Value::as_array_mut);
    for slot in slots.into_iter().flatten().filter_map(Value::as_object_mut) {
        if slot.get("name").and_then(Value::as_str) == Some(from) {
            slot.insert("name", to);
            if let Some(widget) = slot.get_mut("widget").and_then(Value::as_object_mut) {
                widget.insert("name", to);
            }
        }
    }
}

fn rename_named_value(node: &mut Node, from: &str, to: &str) {
    if let Some(Value::Object(named)) = node.raw_mut().get_mut("widgets_values_named") {
        let renamed = std::mem::take(named).into_iter();
        let renamed = renamed.map(|(key, value)| match key == from {
            true => (CompactString::new(to), value),
            false => (key, value),
        });
        *named = renamed.collect();
    }
}
