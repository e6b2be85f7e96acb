//! A node that both sides have.

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, ConflictKind, MergePlace};
use super::decision::MergeVerdict;
use super::fields::{self, MemberOwner, SEPARATELY_MERGED};
use super::graph::{GraphStates, MergeContext, NodeFate};
use super::merge_log::{MergeLog, node_name};
use super::removal::{is_truly_changed, node_without_links};
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use super::widgets::{self, WidgetMergeNode};
use super::wires::HeldNode;
use super::{slots, subgraph_instances};
use crate::graph::{FxIndexMap, GraphScope, Node, NodeId};
use crate::json::Value;

/// Merges a node but for its wires.
pub(super) fn merge_node(
    engine: &MergeContext<'_>,
    scope: &GraphScope,
    nodes: ThreeWay<Option<&Node>>,
    log: &mut MergeLog<'_>,
) -> Node {
    let (Some(ours), Some(theirs)) = (nodes.ours, nodes.theirs) else {
        unreachable!("only a node that both sides have is merged");
    };
    if ours == theirs {
        return ours.clone();
    }
    let name = node_name(engine.workflows.ours, ours);
    let raws = nodes.map(|node| node.map(Node::raw));
    let owner = MemberOwner::Node(name.clone());
    let mut merged = fields::merge_fields(raws, &SEPARATELY_MERGED, scope, &owner, log);
    let boundary = engine.boundaries.get(&ours.as_subgraph());
    for key in ["inputs", "outputs"] {
        let lists = raws.map(|raw| raw.and_then(|raw| raw.get(key)));
        let list = slots::merge_slots(lists, scope, Some(&name), log);
        match list {
            Some(mut list) => {
                if let (Some(boundary), Some(Value::Array(slots))) = (boundary, Some(&mut list)) {
                    boundary.sort_slots(key, slots);
                }
                merged.insert(key, list);
            }
            None => {
                merged.remove(key);
            }
        }
    }
    let boundary = boundary.map(|boundary| boundary.input_names());
    let controls = ThreeWay::new(MergeSide::Base, MergeSide::Ours, MergeSide::Theirs).map(|side| {
        nodes
            .get(side)
            .map(|node| subgraph_instances::instance_controls(engine, node, side))
            .unwrap_or_default()
    });
    let defaults = nodes.base.map(|node| engine.naming.unset_widgets(node)).unwrap_or_default();
    let wired = match (nodes.ours.map(wired_widgets), nodes.theirs.map(wired_widgets)) {
        (Some(ours), Some(theirs)) => ours.intersection(&theirs).cloned().collect(),
        _ => FxHashSet::default(),
    };
    let about = WidgetMergeNode { scope, name, boundary, controls, defaults, wired };
    let named = ThreeWay::new(
        nodes.base.map(|node| engine.naming.widgets(engine.workflows.base, node)),
        nodes.ours.map(|node| engine.naming.widgets(engine.workflows.ours, node)),
        nodes.theirs.map(|node| engine.naming.widgets(engine.workflows.theirs, node)),
    )
    .map(Option::unwrap_or_default);
    let values = widgets::merge_widgets(nodes, named, &about, log);
    let mut node = ours.clone();
    *node.raw_mut() = merged;
    values.write_to(node.raw_mut());
    node
}

/// The widgets of a node that a wire overrules.
fn wired_widgets(node: &Node) -> FxHashSet<CompactString> {
    let inputs = node.raw().get("inputs").and_then(Value::as_array).unwrap_or_default();
    let wired = inputs.iter().filter(|input| input.get("link").is_some_and(|link| !link.is_null()));
    let widget = |input: &Value| input.get("widget")?.get("name")?.as_str().map(CompactString::new);
    wired.filter_map(widget).collect()
}

/// Finds nodes that one side made another class while the other changed or rewired them:
/// such a node stays whole, as ours has it. If the other side did nothing that matters,
/// the node is whole as the one that changed its class has it.
pub(super) fn hold_retyped_nodes(
    engine: &MergeContext<'_>,
    scoped: &GraphStates<'_>,
    fates: &mut FxIndexMap<NodeId, NodeFate>,
    held: &mut FxHashMap<NodeId, HeldNode>,
    log: &mut MergeLog<'_>,
) {
    for (id, fate) in fates.iter_mut().filter(|(_, fate)| **fate == NodeFate::Both) {
        let nodes = scoped.node_states(id);
        let classes = nodes.map(|node| node.map(Node::class));
        let retyper = match classes.settle() {
            ThreeWayOutcome::Unchanged | ThreeWayOutcome::SameChange => continue,
            ThreeWayOutcome::Ours => Some(MergeSide::Ours),
            ThreeWayOutcome::Theirs => Some(MergeSide::Theirs),
            ThreeWayOutcome::Conflicting => None,
        };
        let other_changed = retyper.is_none_or(|retyper| {
            let other = retyper.other();
            let changed = match (nodes.base, nodes.get(other)) {
                (Some(before), Some(after)) => is_truly_changed(engine, before, after, other),
                _ => true,
            };
            changed || scoped.rewired.get(other).contains(id)
        });
        let Some(ours) = nodes.ours else { continue };
        if let (false, Some(retyper)) = (other_changed, retyper) {
            *fate = NodeFate::FromSide(retyper);
            let name = node_name(engine.workflows.ours, ours);
            let verdict = MergeVerdict::OnlyChange(retyper);
            log.log_decision(scoped.scope, Some(name), MergePlace::Node, verdict);
            continue;
        }
        let sides = nodes.map(|node| node.map(node_without_links));
        let name = node_name(engine.workflows.ours, ours);
        let kind = ConflictKind::RetypedRewired;
        let conflict =
            log.log_conflict(Conflict::in_node(scoped.scope, name, kind, MergePlace::Node, sides));
        held.insert(id.clone(), HeldNode { conflict, by: MergeSide::Ours });
    }
}
