//! Which slot of one list is which of the other, and what became of each.
//!
//! Slots are known by name; those on the boundary of a subgraph by the uuid they have
//! there, then by name. Must not know wires.

use compact_str::CompactString;
use rustc_hash::FxHashMap;

use super::edit::{Change, Edit, SlotSide};
use super::script_builder::{EditToken, ScriptBuilder};
use crate::graph::{SlotName, slot_names};
use crate::json::{Object, Value};
use crate::pair::{IndexedGraph, Layer, NodeIndex, Pairing};

type SlotList<'v> = &'v [Value];

/// Slots that are not where they were, or not called what they were called.
#[derive(Default)]
pub(super) struct SlotMap {
    /// For inputs of nodes after: what they were called before.
    inputs: FxHashMap<(NodeIndex, SlotName), SlotName>,
    /// For nodes after: the index before of each output.
    outputs: FxHashMap<NodeIndex, Vec<Option<usize>>>,
    /// For boundary slots after: what they were called before.
    boundary: FxHashMap<(Layer, SlotSide, SlotName), SlotName>,
}

impl SlotMap {
    /// What an input of a node was called.
    pub(super) fn input_before(&self, node: NodeIndex, name: &SlotName) -> SlotName {
        self.inputs.get(&(node, name.clone())).unwrap_or(name).clone()
    }

    /// The index that an output of a node had.
    pub(super) fn output_before(&self, node: NodeIndex, slot: usize) -> Option<usize> {
        match self.outputs.get(&node) {
            Some(before) => before.get(slot).copied().flatten(),
            None => Some(slot),
        }
    }

    /// What a boundary slot was called.
    pub(super) fn boundary_before(
        &self,
        layer: Layer,
        side: SlotSide,
        name: &SlotName,
    ) -> SlotName {
        match self.boundary.get(&(layer, side, name.clone())) {
            Some(before) => before.clone(),
            None => name.clone(),
        }
    }
}

pub(super) fn compare_slots(
    old: &IndexedGraph<'_>,
    new: &IndexedGraph<'_>,
    pairing: &Pairing,
    draft: &mut ScriptBuilder,
) -> SlotMap {
    let mut slotting =
        SlotComparison { old, new, draft, map: SlotMap::default(), causes: FxHashMap::default() };
    for (layer, before) in pairing.old_layer.iter().enumerate().skip(1) {
        let Some(before) = *before else { continue };
        for side in [SlotSide::Input, SlotSide::Output] {
            slotting.compare_boundary(before, layer, side);
        }
    }
    for (spot, before) in pairing.old_of.iter().enumerate() {
        let Some(before) = *before else { continue };
        for side in [SlotSide::Input, SlotSide::Output] {
            slotting.compare_node(before, spot, side);
        }
    }
    slotting.map
}

struct SlotComparison<'n, 'w, 'd> {
    old: &'n IndexedGraph<'w>,
    new: &'n IndexedGraph<'w>,
    draft: &'d mut ScriptBuilder,
    map: SlotMap,
    /// What was said of boundary slots: the slots of instances follow from it.
    causes: FxHashMap<(Layer, SlotSide, CompactString), EditToken>,
}

impl<'w> SlotComparison<'_, 'w, '_> {
    fn compare_boundary(&mut self, before: Layer, after: Layer, side: SlotSide) {
        let rest = |indexed: &IndexedGraph<'w>, layer: Layer| {
            slot_list(&indexed.layers[layer].graph.rest, side)
        };
        let (a, b) = (rest(self.old, before), rest(self.new, after));
        let Some(subgraph) = self.new.subgraph_ref(after) else { return };
        if a == b || !are_slots(a) || !are_slots(b) {
            return;
        }
        let (was, is) = (slot_names(a), slot_names(b));
        let pairs = SlotPairs::pair_by(&slot_uuids(a), &slot_uuids(b)).then_pair_by(&was, &is);
        let same_label = |a: &Value, b: &Value| a.get("label") == b.get("label");
        for (at, raw) in pairs.changes(a, b, same_label) {
            let both = |key: &'static str| {
                let member = |slot: &Option<Object>| slot.as_ref()?.get(key).cloned();
                Change::new(member(&raw.before), member(&raw.after))
            };
            let text = |value: Option<Value>| value?.as_str().map(CompactString::new);
            let texts = |change: Change<Option<Value>>| {
                Change::new(text(change.before), text(change.after))
            };
            let name = texts(both("name"));
            let known = name.after.clone().or_else(|| name.before.clone()).unwrap_or_default();
            let edit = Edit::Boundary {
                subgraph: subgraph.clone(),
                side,
                kind: both("type"),
                label: texts(both("label")),
                name,
                at,
                raw: Box::new(raw),
            };
            let token = self.draft.push(edit, None);
            self.causes.insert((after, side, known), token);
        }
        for (was, is) in pairs.renamed(&was, &is) {
            self.map.boundary.insert((after, side, is), was);
        }
    }

    fn compare_node(&mut self, before: NodeIndex, after: NodeIndex, side: SlotSide) {
        let a = slot_list(self.old.nodes[before].raw(), side);
        let b = slot_list(self.new.nodes[after].raw(), side);
        if have_same_slots(a, b) || !are_slots(a) || !are_slots(b) {
            return;
        }
        let (was, is) = (slot_names(a), slot_names(b));
        // What an instance's slot was called follows from the definition.
        let inside = self.new.definition_layer(after);
        let is_called = |name: &SlotName| match inside {
            Some(layer) => self.map.boundary_before(layer, side, name),
            None => name.clone(),
        };
        let mut pairs = SlotPairs::pair_by(&was, &is.iter().map(is_called).collect::<Vec<_>>());
        if side == SlotSide::Output {
            pairs = pairs.then_pair_by_place(a, b);
        }
        let node = self.new.node_ref(after);
        for (at, raw) in pairs.changes(a, b, |_, _| true) {
            let name =
                Change::new(at.before.map(|at| was[at].clone()), at.after.map(|at| is[at].clone()));
            let known = name.after.as_ref().or(name.before.as_ref());
            let cause = inside.zip(known).and_then(|(layer, name)| {
                self.causes.get(&(layer, side, name.name.clone())).copied()
            });
            let edit = Edit::Slot { node: node.clone(), side, name, at, raw: Box::new(raw) };
            self.draft.push(edit, cause);
        }
        match side {
            SlotSide::Input => {
                for (was, is) in pairs.renamed(&was, &is) {
                    self.map.inputs.insert((after, is), was);
                }
            }
            SlotSide::Output => {
                self.map.outputs.insert(after, pairs.old_of);
            }
        }
    }
}

fn slot_list(object: &Object, side: SlotSide) -> SlotList<'_> {
    object.get(slot_list_key(side)).and_then(Value::as_array).unwrap_or_default()
}

/// The member that holds the slots of a side.
pub(super) fn slot_list_key(side: SlotSide) -> &'static str {
    match side {
        SlotSide::Input => "inputs",
        SlotSide::Output => "outputs",
    }
}

/// Whether a list is as it should be; damaged ones are compared as raw JSON.
fn are_slots(slots: SlotList<'_>) -> bool {
    slots.iter().all(|slot| slot.as_object().is_some())
}

/// Whether two lists have the same names and types in the same places.
fn have_same_slots(a: SlotList<'_>, b: SlotList<'_>) -> bool {
    let same =
        |a: &Value, b: &Value| a.get("name") == b.get("name") && a.get("type") == b.get("type");
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

/// The uuids of boundary slots; where there is none, something no other slot has.
fn slot_uuids(slots: SlotList<'_>) -> Vec<Option<CompactString>> {
    let uuid = |slot: &Value| slot.get("id")?.as_str().map(CompactString::new);
    slots.iter().map(uuid).collect()
}

/// Where a slot stands in each list; absent where it is.
type SlotIndexChange = Change<Option<usize>>;
/// What a slot is in each list.
type SlotChange = Change<Option<Object>>;

/// The slots of two lists, paired.
struct SlotPairs {
    new_of: Vec<Option<usize>>,
    old_of: Vec<Option<usize>>,
}

trait SlotKey: Eq + std::hash::Hash {
    /// Whether the key says anything.
    fn is_known(&self) -> bool;
}

impl SlotKey for SlotName {
    fn is_known(&self) -> bool {
        true
    }
}

impl SlotKey for Option<CompactString> {
    fn is_known(&self) -> bool {
        self.is_some()
    }
}

impl SlotPairs {
    fn pair_by<K: SlotKey>(old: &[K], new: &[K]) -> Self {
        SlotPairs { new_of: vec![None; old.len()], old_of: vec![None; new.len()] }
            .then_pair_by(old, new)
    }

    /// Pairs what is unpaired so far by another key.
    fn then_pair_by<K: SlotKey>(mut self, old: &[K], new: &[K]) -> Self {
        let free = old.iter().enumerate().rev();
        let free = free.filter(|(at, key)| self.new_of[*at].is_none() && key.is_known());
        let mut by_key: FxHashMap<&K, usize> = free.map(|(at, key)| (key, at)).collect();
        for (at, key) in new.iter().enumerate() {
            if self.old_of[at].is_none()
                && let Some(before) = by_key.remove(key)
            {
                self.old_of[at] = Some(before);
                self.new_of[before] = Some(at);
            }
        }
        self
    }

    /// Pairs what is unpaired so far by its index, if the lists are as long and the types
    /// agree: wires leave a node by the index of an output, whatever it is called.
    fn then_pair_by_place(mut self, old: SlotList<'_>, new: SlotList<'_>) -> Self {
        for at in 0..old.len() {
            let free = old.len() == new.len()
                && self.new_of[at].is_none()
                && self.old_of[at].is_none()
                && old[at].get("type") == new[at].get("type");
            if free {
                self.new_of[at] = Some(at);
                self.old_of[at] = Some(at);
            }
        }
        self
    }

    /// Everything that is to be said of the two lists: what came, went, changed its name
    /// or type, or left the order of the others.
    fn changes(
        &self,
        old: SlotList<'_>,
        new: SlotList<'_>,
        same_more: impl Fn(&Value, &Value) -> bool,
    ) -> Vec<(SlotIndexChange, SlotChange)> {
        let stayed: Vec<usize> = self.old_of.iter().copied().flatten().collect();
        let in_order = super::sequence::longest_increasing_subsequence(&stayed);
        let mut in_order = in_order.into_iter().peekable();
        let mut found = Vec::new();
        let gone = self.new_of.iter().enumerate().filter(|(_, new)| new.is_none());
        for (at, _) in gone {
            let raw = Change::new(without_links(&old[at]), None);
            found.push((Change::new(Some(at), None), raw));
        }
        for (at, before) in self.old_of.iter().enumerate() {
            let Some(before) = *before else {
                found.push((
                    Change::new(None, Some(at)),
                    Change::new(None, without_links(&new[at])),
                ));
                continue;
            };
            let kept_order = in_order.next_if(|&next| next == before).is_some();
            let (a, b) = (&old[before], &new[at]);
            let same =
                a.get("name") == b.get("name") && a.get("type") == b.get("type") && same_more(a, b);
            if !kept_order || !same {
                found.push((
                    Change::new(Some(before), Some(at)),
                    Change::new(without_links(a), without_links(b)),
                ));
            }
        }
        found
    }

    /// Pairs of different names.
    fn renamed(&self, old: &[SlotName], new: &[SlotName]) -> Vec<(SlotName, SlotName)> {
        let pairs = self.old_of.iter().enumerate();
        let pairs =
            pairs.filter_map(|(at, before)| Some((old[(*before)?].clone(), new[at].clone())));
        pairs.filter(|(was, is)| was != is).collect()
    }
}

/// A slot without the numbers of its links.
fn without_links(slot: &Value) -> Option<Object> {
    let mut slot = slot.as_object()?.clone();
    if let Some(link) = slot.get_mut("link") {
        *link = Value::Null;
    }
    for key in ["links", "linkIds"] {
        if let Some(Value::Array(links)) = slot.get_mut(key) {
            links.clear();
        }
    }
    Some(slot)
}
