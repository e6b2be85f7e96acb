//! A whole workflow: the root graph and the subgraph definitions.
//!
//! ```text
//! definitions, ids ─ equal ids mean equal things in all three documents
//! boundaries       ─ of all definitions, before any graph
//! graphs           ─ the root, then every definition that an instance leads to
//! ```

use rustc_hash::FxHashSet;

use super::boundary::{self, MergedBoundaries};
use super::conflict::{MergePlace, NodeName};
use super::decision::MergeVerdict;
use super::fields::{self, MemberOwner};
use super::graph::{self, MergeContext};
use super::id_alignment::{self, AlignedWorkflows, Ancestry, MovedIds};
use super::merge_log::{MergeLog, node_name_on_any_side};
use super::three_way::{MergeSide, ThreeWay};
use super::wires::LinkIdAllocator;
use super::{added_definitions, follow_packing};
use crate::graph::{
    Graph, GraphList, GraphScope, Node, Renumbering, SubgraphDefinition, SubgraphId,
    UntypedElement, WidgetNaming, Workflow,
};
use crate::json::Object;

/// Members of a graph's object that are written anew.
const COUNTER_MEMBERS: [&str; 4] = ["last_node_id", "last_link_id", "state", "revision"];

/// Members of a definition that are merged as its boundary.
const BOUNDARY_MEMBERS: [&str; 2] = ["inputs", "outputs"];

/// A merged workflow, with what it was made of.
pub(super) struct MergedWorkflow {
    pub(super) workflow: Workflow,
    /// The three documents with the ids of the result.
    pub(super) sides: ThreeWay<Workflow>,
    /// What became of the ids of theirs.
    pub(super) renumbered: Renumbering,
}

pub(super) fn merge_workflow(
    mut sides: ThreeWay<Workflow>,
    kinship: Ancestry,
    naming: &dyn WidgetNaming,
    log: &mut MergeLog<'_>,
) -> MergedWorkflow {
    added_definitions::align_definitions(&mut sides, log);
    let room = follow_packing::follow_packing(&mut sides, MergeSide::Theirs, naming, log);
    let AlignedWorkflows { mut sides, theirs: mut renumbered, mut moved } =
        id_alignment::align_ids(sides, kinship);
    follow_packing::follow_packing(&mut sides, MergeSide::Ours, naming, log);
    for (key, id) in room.nodes {
        moved.nodes.push((key.scope.clone(), key.id.clone(), id.clone()));
        renumbered.nodes.insert(key, id);
    }
    boundary::rename_clashing_slots(&mut sides, log);
    let workflows = sides.as_ref();
    log_moved_ids(workflows, &moved, log);
    let boundaries = boundary::merge_boundaries(workflows, log);
    let changed_inside = ThreeWay::new(
        FxHashSet::default(),
        added_definitions::definitions_changed_inside(workflows.base, workflows.ours),
        added_definitions::definitions_changed_inside(workflows.base, workflows.theirs),
    );
    let engine = MergeContext {
        workflows,
        naming,
        boundaries: &boundaries,
        changed_inside: &changed_inside,
    };
    let workflow = merge_graphs(&engine, &boundaries, log);
    MergedWorkflow { workflow, sides, renumbered }
}

fn merge_graphs(
    engine: &MergeContext<'_>,
    boundaries: &MergedBoundaries,
    log: &mut MergeLog<'_>,
) -> Workflow {
    let workflows = engine.workflows;
    let mut free = LinkIdAllocator::new(workflows);
    let mut merged = workflows.ours.clone();
    let roots = workflows.map(|workflow| &workflow.root);
    let members = merge_other_members(&GraphScope::Root, roots, &[], log);
    merged.root = graph::merge_graph(engine, &GraphScope::Root, roots, members, &mut free, log);
    merged.definitions.clear();
    let mut open = idle_definitions(workflows);
    open.extend(instance_definitions(&merged.root, workflows));
    while let Some(id) = open.pop() {
        if merged.definitions.contains_key(&id) {
            continue;
        }
        let Some(definition) = merge_definition(engine, boundaries, &id, &mut free, log) else {
            continue;
        };
        open.extend(instance_definitions(&definition.graph, workflows));
        merged.definitions.insert(id, definition);
    }
    merged.definitions.sort_unstable_by(|a, _, b, _| a.cmp(b));
    let homes: FxHashSet<SubgraphId> = merged.definitions.keys().cloned().collect();
    for definition in merged.definitions.values_mut() {
        definition.home.take_if(|home| !homes.contains(home));
    }
    add_untyped_definitions(&mut merged, workflows);
    merged
}

/// A definition as both sides have it, or the one side that has it, or the base; nothing if
/// none does.
fn merge_definition(
    engine: &MergeContext<'_>,
    boundaries: &MergedBoundaries,
    id: &SubgraphId,
    free: &mut LinkIdAllocator,
    log: &mut MergeLog<'_>,
) -> Option<SubgraphDefinition> {
    let found = engine.workflows.map(|workflow| workflow.definitions.get(id));
    let (Some(ours), Some(theirs)) = (found.ours, found.theirs) else {
        return found.ours.or(found.theirs).or(found.base).cloned();
    };
    let scope = GraphScope::Definition(id.clone());
    let empty = Graph::default();
    let base = found.base.map_or(&empty, |definition| &definition.graph);
    let graphs = ThreeWay::new(base, &ours.graph, &theirs.graph);
    let mut members = merge_other_members(&scope, graphs, &BOUNDARY_MEMBERS, log);
    let boundary = boundaries.get(id);
    let lists = boundary.map(|boundary| [&boundary.inputs, &boundary.outputs]);
    for (key, list) in BOUNDARY_MEMBERS.into_iter().zip(lists.into_iter().flatten()) {
        if let Some(list) = list {
            members.insert(key, list.clone());
        }
    }
    let mut definition = ours.clone();
    definition.graph = graph::merge_graph(engine, &scope, graphs, members, free, log);
    Some(definition)
}

/// What theirs added to lists of definitions and is none.
fn add_untyped_definitions(merged: &mut Workflow, workflows: ThreeWay<&Workflow>) {
    for (home, odd) in &workflows.theirs.untyped_definitions {
        let known = |list: &[(Option<SubgraphId>, UntypedElement)]| {
            list.iter().any(|(_, known)| known.value == odd.value)
        };
        if !known(&workflows.base.untyped_definitions) && !known(&merged.untyped_definitions) {
            merged.untyped_definitions.push((home.clone(), odd.clone()));
        }
    }
}

/// Merges the members of a graph's object beside nodes, links and groups, without `but`.
fn merge_other_members(
    scope: &GraphScope,
    graphs: ThreeWay<&Graph>,
    but: &[&str],
    log: &mut MergeLog<'_>,
) -> Object {
    let but: Vec<&str> = COUNTER_MEMBERS.iter().chain(but).copied().collect();
    let rests = graphs.map(|graph| Some(&graph.rest));
    fields::merge_fields(rests, &but, scope, &MemberOwner::Graph, log)
}

/// The definitions that the instances in a graph lead to.
fn instance_definitions(graph: &Graph, workflows: ThreeWay<&Workflow>) -> Vec<SubgraphId> {
    let known = |id: &SubgraphId| {
        [workflows.ours, workflows.theirs, workflows.base]
            .iter()
            .any(|workflow| workflow.definitions.contains_key(id))
    };
    graph.nodes.values().map(Node::as_subgraph).filter(known).collect()
}

/// Definitions without instances that neither side has taken away.
fn idle_definitions(workflows: ThreeWay<&Workflow>) -> Vec<SubgraphId> {
    let idle = workflows.map(added_definitions::unreachable_definitions);
    let both = [MergeSide::Ours, MergeSide::Theirs].map(|side| {
        let other = workflows.get(side.other());
        let stays = |id: &&SubgraphId| {
            !workflows.base.definitions.contains_key(*id) || other.definitions.contains_key(*id)
        };
        idle.get(side).iter().filter(stays).cloned().collect::<Vec<_>>()
    });
    let mut all = both.concat();
    all.sort();
    all
}

fn log_moved_ids(workflows: ThreeWay<&Workflow>, moved: &MovedIds, log: &mut MergeLog<'_>) {
    let mut tell = |scope: &GraphScope, node: Option<NodeName>, place, list, from, to| {
        log.log_decision(scope, node, place, MergeVerdict::Renumbered { list, from, to });
    };
    for (scope, from, to) in &moved.nodes {
        let node = node_name_on_any_side(workflows, scope, to);
        tell(
            scope,
            Some(node),
            MergePlace::Node,
            GraphList::Nodes,
            from.to_string(),
            to.to_string(),
        );
    }
    let graph = || MergePlace::Graph(crate::json::JsonPath::root());
    for (scope, from, to) in &moved.links {
        tell(scope, None, graph(), GraphList::Links, from.to_string(), to.to_string());
    }
    for (scope, from, to) in &moved.groups {
        tell(scope, None, graph(), GraphList::Groups, from.to_string(), to.to_string());
    }
    for (scope, from, to) in &moved.reroutes {
        tell(scope, None, graph(), GraphList::Reroutes, from.to_string(), to.to_string());
    }
}
