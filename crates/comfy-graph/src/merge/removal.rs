//! Which nodes of one graph stay, and what happens where one side removed what the other
//! changed.
//!
//! Nodes that were removed together are one conflict: giving back one of them without
//! those it was wired to would give back nothing that runs. Until somebody decides, what
//! theirs removed stays all of it, and of what ours removed only the changed nodes stay,
//! switched off: either way the file runs as ours did.

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, Part, Place};
use super::decision::Verdict;
use super::fields;
use super::graph::{Engine, Fate, Scoped, tell_presence};
use super::ledger::{Ledger, name_in};
use super::three::{Side, Three};
use super::wires::Held;
use crate::graph::{Node, NodeId, Role, Sink, Source, Table, Wires};
use crate::json::{Path, Value};

/// How much a side changed a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Nothing,
    /// Its looks, what programs write into it, a seed that was re-rolled.
    Slightly,
    Truly,
}

/// Decides which nodes stay. Nodes of a conflict are noted in `held`.
pub(super) fn fates(
    engine: &Engine<'_>,
    scoped: &Scoped<'_>,
    held: &mut FxHashMap<NodeId, Held>,
    ledger: &mut Ledger<'_>,
) -> Table<NodeId, Fate> {
    let mut fates: Table<NodeId, Fate> = Table::default();
    let mut removed = Three::<Vec<NodeId>>::default();
    let all = [scoped.graphs.ours, scoped.graphs.theirs, scoped.graphs.base];
    for id in all.into_iter().flat_map(|graph| graph.nodes.keys()) {
        if fates.contains_key(id) {
            continue;
        }
        let there = scoped.nodes(id).map(|node| node.is_some());
        let fate = match (there.base, there.ours, there.theirs) {
            (_, true, true) => Fate::Both,
            (false, true, false) => Fate::Of(Side::Ours),
            (false, false, true) => Fate::Of(Side::Theirs),
            (true, true, false) => {
                removed.theirs.push(id.clone());
                Fate::Gone
            }
            (true, false, true) => {
                removed.ours.push(id.clone());
                Fate::Gone
            }
            (_, false, false) => Fate::Gone,
        };
        if !there.base || (!there.ours && !there.theirs) {
            tell_presence(engine, scoped.scope, id, there, ledger);
        }
        fates.insert(id.clone(), fate);
    }
    for remover in [Side::Theirs, Side::Ours] {
        let removal = Removal { engine, scoped, remover };
        removal.settle(removed.get(remover), &mut fates, held, ledger);
    }
    fates
}

struct Removal<'r, 'a> {
    engine: &'r Engine<'a>,
    scoped: &'r Scoped<'a>,
    remover: Side,
}

impl Removal<'_, '_> {
    fn settle(
        &self,
        removed: &[NodeId],
        fates: &mut Table<NodeId, Fate>,
        held: &mut FxHashMap<NodeId, Held>,
        ledger: &mut Ledger<'_>,
    ) {
        let mut changed: FxHashMap<&NodeId, Changed> = FxHashMap::default();
        for id in removed {
            changed.insert(id, self.changed(id));
        }
        let real = |id: &NodeId| changed.get(id) == Some(&Changed::Truly);
        for together in self.together(removed) {
            if !together.iter().any(real) {
                for id in &together {
                    self.tell(id, changed.get(id).copied(), ledger);
                }
                continue;
            }
            let conflict = ledger.open(self.conflict(&together, real));
            for id in together {
                let fate = match self.remover {
                    Side::Ours if real(&id) => Fate::Asleep,
                    Side::Ours => Fate::Gone,
                    _ => Fate::Of(Side::Ours),
                };
                fates.insert(id.clone(), fate);
                held.insert(id, Held { conflict, by: self.remover.other() });
            }
        }
    }

    fn tell(&self, id: &NodeId, changed: Option<Changed>, ledger: &mut Ledger<'_>) {
        let name = name_in(self.engine.workflows, self.scoped.scope, id);
        let verdict = match changed {
            Some(Changed::Slightly) => Verdict::WentAlong(self.remover),
            _ => Verdict::Removed(self.remover),
        };
        ledger.decide(self.scoped.scope, Some(name), Place::Node, verdict);
    }

    /// Removed nodes in sets that hang together by the wires of the side that has them.
    fn together(&self, removed: &[NodeId]) -> Vec<Vec<NodeId>> {
        let wires: &Wires = self.scoped.wires.get(self.remover.other());
        let members: FxHashSet<&NodeId> = removed.iter().collect();
        let mut around: FxHashMap<&NodeId, Vec<&NodeId>> = FxHashMap::default();
        for wire in wires.iter() {
            if let (Source::Node { id: from, .. }, Sink::Node { id: to, .. }) =
                (&wire.from, &wire.to)
                && members.contains(from)
                && members.contains(to)
            {
                around.entry(from).or_default().push(to);
                around.entry(to).or_default().push(from);
            }
        }
        let mut seen: FxHashSet<&NodeId> = FxHashSet::default();
        let mut sets = Vec::new();
        for start in removed {
            if !seen.insert(start) {
                continue;
            }
            let mut set = vec![start.clone()];
            let mut open = vec![start];
            while let Some(next) = open.pop() {
                for other in around.get(next).into_iter().flatten() {
                    if seen.insert(*other) {
                        set.push((*other).clone());
                        open.push(*other);
                    }
                }
            }
            set.sort();
            sets.push(set);
        }
        sets
    }

    fn conflict(&self, together: &[NodeId], real: impl Fn(&NodeId) -> bool) -> Conflict {
        let kind = match self.remover {
            Side::Ours => ConflictKind::RemovedByOurs,
            _ => ConflictKind::RemovedByTheirs,
        };
        // The changed nodes first: the first is the one to name.
        let (changed, rest): (Vec<&NodeId>, Vec<&NodeId>) =
            together.iter().partition(|id| real(id));
        let name = |id: &&NodeId| name_in(self.engine.workflows, self.scoped.scope, id);
        let part = |id: &NodeId| {
            let raw = self.scoped.nodes(id).map(|node| node.map(bare));
            Part { node: Some(id.clone()), place: Place::Node, sides: raw }
        };
        Conflict {
            at: Path::root(),
            scope: self.scoped.scope.clone(),
            node: changed.first().map(name),
            kind,
            parts: changed.into_iter().chain(rest).map(part).collect(),
        }
    }

    fn changed(&self, id: &NodeId) -> Changed {
        let side = self.remover.other();
        let (Some(before), Some(after)) =
            (self.scoped.graphs.base.nodes.get(id), self.scoped.graphs.get(side).nodes.get(id))
        else {
            return Changed::Truly;
        };
        let inside = self.engine.changed_inside.get(side).contains(&after.as_subgraph());
        if inside
            || self.scoped.rewired.get(side).contains(id)
            || before.class() != after.class()
            || fields::matters(before.raw(), after.raw())
            || labels(before) != labels(after)
        {
            return Changed::Truly;
        }
        let values = values_changed(self.engine, Three::new(before, after, after), side);
        let slight = before.raw() != after.raw();
        values.max(if slight { Changed::Slightly } else { Changed::Nothing })
    }
}

/// Whether a side changed a node in a way that matters, wires aside.
pub(super) fn is_changed(engine: &Engine<'_>, before: &Node, after: &Node, side: Side) -> bool {
    before.class() != after.class()
        || fields::matters(before.raw(), after.raw())
        || labels(before) != labels(after)
        || values_changed(engine, Three::new(before, after, after), side) == Changed::Truly
}

fn labels(node: &Node) -> Vec<(String, String)> {
    let slots = node.inputs().chain(node.outputs());
    let labelled = slots.filter(|slot| slot.shown() != slot.name());
    labelled.map(|slot| (slot.name().to_owned(), slot.shown().to_owned())).collect()
}

fn values_changed(engine: &Engine<'_>, nodes: Three<&Node>, side: Side) -> Changed {
    let (before, after) = (nodes.base, nodes.ours);
    if before.raw().get("widgets_values") == after.raw().get("widgets_values") {
        return Changed::Nothing;
    }
    let before = engine.naming.widgets(engine.workflows.base, before);
    let after = engine.naming.widgets(engine.workflows.get(side), after);
    let controls = |at: usize| {
        let next = after.get(at + 1).filter(|next| next.role == Role::Control);
        next.is_some_and(|control| control.value.as_str() != Some("fixed"))
    };
    let known: FxHashMap<_, _> = before.iter().map(|w| (&w.name, w.value)).collect();
    let mut worst = Changed::Slightly;
    let mut seen = 0;
    for (at, widget) in after.iter().enumerate() {
        let said = widget.role.runs() || widget.role == Role::Control;
        if !said || widget.value.is_null() {
            continue;
        }
        seen += 1;
        match known.get(&widget.name) {
            Some(value) if value.same(widget.value) => {}
            Some(_) if controls(at) => worst = worst.max(Changed::Slightly),
            _ => worst = Changed::Truly,
        }
    }
    let said = |w: &&crate::graph::Widget<'_>| {
        (w.role.runs() || w.role == Role::Control) && !w.value.is_null()
    };
    if before.iter().filter(said).count() != seen {
        worst = Changed::Truly;
    }
    worst
}

/// A node without what it says of links: those are parts of their own.
pub(super) fn bare(node: &Node) -> Value {
    let mut raw = node.raw().clone();
    for (key, link, empty) in
        [("inputs", "link", Value::Null), ("outputs", "links", Value::Array(Vec::new()))]
    {
        let slots = raw.get_mut(key).and_then(Value::as_array_mut);
        for slot in slots.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(value) = slot.get_mut(link) {
                *value = empty.clone();
            }
        }
    }
    Value::Object(raw)
}
