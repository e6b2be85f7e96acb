//! A node that both sides have.

use rustc_hash::FxHashMap;

use super::conflict::{Conflict, ConflictKind, Place};
use super::decision::Verdict;
use super::fields::{self, APART_FROM, Owner};
use super::graph::{Engine, Fate, Scoped};
use super::ledger::{Ledger, name_of};
use super::removal::{bare, is_changed};
use super::three::{Outcome, Side, Three};
use super::widgets::{self, About};
use super::wires::Held;
use super::{hosts, slots};
use crate::graph::{Node, NodeId, Scope, Table};
use crate::json::Value;

/// Merges a node but for its wires.
pub(super) fn merge(
    engine: &Engine<'_>,
    scope: &Scope,
    nodes: Three<Option<&Node>>,
    ledger: &mut Ledger<'_>,
) -> Node {
    let (Some(ours), Some(theirs)) = (nodes.ours, nodes.theirs) else {
        unreachable!("only a node that both sides have is merged");
    };
    if ours == theirs {
        return ours.clone();
    }
    let name = name_of(engine.workflows.ours, ours);
    let raws = nodes.map(|node| node.map(Node::raw));
    let owner = Owner::Node(name.clone());
    let mut merged = fields::merge(raws, &APART_FROM, scope, &owner, ledger);
    let boundary = engine.boundaries.get(&ours.as_subgraph());
    for key in ["inputs", "outputs"] {
        let lists = raws.map(|raw| raw.and_then(|raw| raw.get(key)));
        let list = slots::merge(lists, scope, Some(&name), ledger);
        match list {
            Some(mut list) => {
                if let (Some(boundary), Some(Value::Array(slots))) = (boundary, Some(&mut list)) {
                    boundary.sort(key, slots);
                }
                merged.insert(key, list);
            }
            None => {
                merged.remove(key);
            }
        }
    }
    let boundary = boundary.map(|boundary| boundary.input_names());
    let controls = Three::new(Side::Base, Side::Ours, Side::Theirs).map(|side| {
        nodes.get(side).map(|node| hosts::controls(engine, node, side)).unwrap_or_default()
    });
    let about = About { scope, name, boundary, controls };
    let named = Three::new(
        nodes.base.map(|node| engine.naming.widgets(engine.workflows.base, node)),
        nodes.ours.map(|node| engine.naming.widgets(engine.workflows.ours, node)),
        nodes.theirs.map(|node| engine.naming.widgets(engine.workflows.theirs, node)),
    )
    .map(Option::unwrap_or_default);
    let values = widgets::merge(nodes, named, &about, ledger);
    let mut node = ours.clone();
    *node.raw_mut() = merged;
    values.put_into(node.raw_mut());
    node
}

/// Finds nodes that one side made another class while the other changed or rewired them:
/// such a node stays whole, as ours has it. If the other side did nothing that matters,
/// the node is whole as the one that changed its class has it.
pub(super) fn hold_retyped(
    engine: &Engine<'_>,
    scoped: &Scoped<'_>,
    fates: &mut Table<NodeId, Fate>,
    held: &mut FxHashMap<NodeId, Held>,
    ledger: &mut Ledger<'_>,
) {
    for (id, fate) in fates.iter_mut().filter(|(_, fate)| **fate == Fate::Both) {
        let nodes = scoped.nodes(id);
        let classes = nodes.map(|node| node.map(Node::class));
        let retyper = match classes.settle() {
            Outcome::Unchanged | Outcome::Alike => continue,
            Outcome::Ours => Some(Side::Ours),
            Outcome::Theirs => Some(Side::Theirs),
            Outcome::Apart => None,
        };
        let other_changed = retyper.is_none_or(|retyper| {
            let other = retyper.other();
            let changed = match (nodes.base, nodes.get(other)) {
                (Some(before), Some(after)) => is_changed(engine, before, after, other),
                _ => true,
            };
            changed || scoped.rewired.get(other).contains(id)
        });
        let Some(ours) = nodes.ours else { continue };
        if let (false, Some(retyper)) = (other_changed, retyper) {
            *fate = Fate::Of(retyper);
            let name = name_of(engine.workflows.ours, ours);
            let verdict = Verdict::OnlyChange(retyper);
            ledger.decide(scoped.scope, Some(name), Place::Node, verdict);
            continue;
        }
        let sides = nodes.map(|node| node.map(bare));
        let name = name_of(engine.workflows.ours, ours);
        let kind = ConflictKind::RetypedRewired;
        let conflict = ledger.open(Conflict::in_node(scoped.scope, name, kind, Place::Node, sides));
        held.insert(id.clone(), Held { conflict, by: Side::Ours });
    }
}
