//! Groups and bends of links that came, went or changed.
//!
//! A group has no members, only a title and a box; its id is optional and nothing refers
//! to it. Must not know where groups lie.

use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::{Change, Edit, SinkRef};
use super::script_builder::ScriptBuilder;
use super::wires::PairedGraphs;
use crate::graph::{Graph, Group, GroupId, RerouteId};
use crate::json::Object;
use crate::pair::{IndexedGraph, Layer, fx_hash, fx_hash_value};

/// For each group after, the index of the same group before.
pub(super) type GroupPairs = Vec<Option<usize>>;

/// Pairs the groups of two graphs: by id and title, by title, by id, by everything else.
pub(super) fn pair_groups(old: &Graph, new: &Graph) -> GroupPairs {
    let mut pairs = vec![None; new.groups.len()];
    let mut taken = vec![false; old.groups.len()];
    let keys: [fn(&Group) -> Option<u64>; 4] = [
        |group| group.id().map(|id| fx_hash(&(id, group.title()))),
        |group| Some(fx_hash(group.title())),
        |group| group.id().map(|id| fx_hash(&id)),
        |group| Some(hash_looks(group.raw())),
    ];
    for key in keys {
        let free = (0..old.groups.len()).rev().filter(|&at| !taken[at]);
        let mut by_key: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for at in free {
            if let Some(key) = key(&old.groups[at]) {
                by_key.entry(key).or_default().push(at);
            }
        }
        for (at, group) in new.groups.iter().enumerate() {
            if pairs[at].is_none()
                && let Some(before) = key(group).and_then(|key| by_key.get_mut(&key)?.pop())
            {
                pairs[at] = Some(before);
                taken[before] = true;
            }
        }
    }
    pairs
}

/// What a group looks like, less title and id.
fn hash_looks(group: &Object) -> u64 {
    let members = group.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "title"));
    members.fold(0, |sum, (key, value)| sum ^ fx_hash(&(key, fx_hash_value(value))))
}

impl PairedGraphs<'_, '_> {
    /// Compares the groups of two graphs. Gives the ids that changed.
    pub(super) fn compare_groups(
        self,
        before: Layer,
        after: Layer,
        draft: &mut ScriptBuilder,
    ) -> Vec<(GroupId, GroupId)> {
        let (old, new) = (self.old.layers[before].graph, self.new.layers[after].graph);
        let pairs = pair_groups(old, new);
        let kept: FxHashSet<usize> = pairs.iter().copied().flatten().collect();
        for (at, group) in old.groups.iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
            let mut gone = self.old.group_ref(before, at);
            gone.scope.clone_from(&self.new.layers[after].scope);
            draft.push(Edit::GroupRemoved { group: gone, raw: group.raw().clone() }, None);
        }
        let mut renumbered = Vec::new();
        for (at, group) in new.groups.iter().enumerate() {
            let named = self.new.group_ref(after, at);
            let Some(was) = pairs[at].map(|before| &old.groups[before]) else {
                draft.push(Edit::GroupAdded { group: named, raw: group.raw().clone() }, None);
                continue;
            };
            renumbered.extend(was.id().zip(group.id()).filter(|(was, is)| was != is));
        }
        if has_repeated_ids(&old.groups) || has_repeated_ids(&new.groups) {
            Vec::new()
        } else {
            renumbered
        }
    }

    /// Compares the bends of links of two graphs. Gives the ids that changed.
    pub(super) fn compare_reroutes(
        self,
        before: Layer,
        after: Layer,
        draft: &mut ScriptBuilder,
    ) -> Vec<(RerouteId, RerouteId)> {
        let (old, new) = (self.old.layers[before].graph, self.new.layers[after].graph);
        if old.reroutes.is_empty() && new.reroutes.is_empty() {
            return Vec::new();
        }
        let old_bends = self.reroute_sinks(self.old, before);
        let new_bends = self.reroute_sinks(self.new, after);
        let mut old_of: FxHashMap<RerouteId, RerouteId> = FxHashMap::default();
        let mut free: FxHashMap<u64, Vec<RerouteId>> = FxHashMap::default();
        for id in old.reroutes.keys().rev() {
            if new.reroutes.contains_key(id) {
                old_of.insert(*id, *id);
            } else {
                free.entry(hash_sinks(&old_bends[id])).or_default().push(*id);
            }
        }
        for id in new.reroutes.keys().filter(|id| !old.reroutes.contains_key(*id)) {
            if let Some(was) = free.get_mut(&hash_sinks(&new_bends[id])).and_then(Vec::pop) {
                old_of.insert(*id, was);
            }
        }
        let scope = &self.new.layers[after].scope;
        let kept: FxHashSet<RerouteId> = old_of.values().copied().collect();
        let raw = |graph: &Graph, id: &RerouteId| graph.reroutes.get(id).map(|r| r.raw().clone());
        let mut say = |id: RerouteId, wires: &[SinkRef], raw: Change<Option<Object>>| {
            let wires = wires.to_vec();
            draft.push(Edit::Reroute { scope: scope.clone(), id, wires, raw: Box::new(raw) }, None);
        };
        for id in old.reroutes.keys().filter(|id| !kept.contains(*id)) {
            say(*id, &old_bends[id], Change::new(raw(old, id), None));
        }
        for (id, reroute) in &new.reroutes {
            let Some(was) = old_of.get(id) else {
                say(*id, &new_bends[id], Change::new(None, raw(new, id)));
                continue;
            };
            let parent = old.reroutes[was].parent();
            let same_parent = reroute.parent().map(|p| old_of.get(&p).copied()) == parent.map(Some);
            if !same_parent || hash_sinks(&old_bends[was]) != hash_sinks(&new_bends[id]) {
                say(*id, &new_bends[id], Change::new(raw(old, was), raw(new, id)));
            }
        }
        let changed = old_of.into_iter().filter(|(is, was)| is != was);
        let mut changed: Vec<_> = changed.map(|(is, was)| (was, is)).collect();
        changed.sort_unstable();
        changed
    }

    /// What the wires that pass through each bend feed, by the names after.
    fn reroute_sinks(
        self,
        indexed: &IndexedGraph<'_>,
        layer: Layer,
    ) -> FxHashMap<RerouteId, Vec<SinkRef>> {
        let graph = indexed.layers[layer].graph;
        let wires = indexed.layers[layer].wires().iter().map(|wire| (wire.link, wire));
        let wires: FxHashMap<_, _> = wires.collect();
        let is_old = std::ptr::eq(indexed, self.old);
        let sink = |wire: &crate::graph::Wire| {
            if is_old {
                self.sink_before(layer, &wire.to)
            } else {
                indexed.sink_ref(layer, &wire.to)
            }
        };
        let bend = |(id, reroute): (&RerouteId, &crate::graph::Reroute)| {
            let wires = reroute.links().filter_map(|link| wires.get(&link));
            (*id, wires.map(|wire| sink(wire)).collect())
        };
        graph.reroutes.iter().map(bend).collect()
    }
}

/// The same for the same inputs, in any order.
fn hash_sinks(sinks: &[SinkRef]) -> u64 {
    let one = |sink: &SinkRef| match sink {
        SinkRef::Input { node, name } => fx_hash(&(&node.key, name)),
        SinkRef::Boundary { name, .. } => fx_hash(name),
    };
    sinks.iter().map(one).fold(0, u64::wrapping_add)
}

fn has_repeated_ids(groups: &[Group]) -> bool {
    let mut seen = FxHashSet::default();
    !groups.iter().filter_map(Group::id).all(|id| seen.insert(id))
}
