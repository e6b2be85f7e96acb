//! A whole workflow: the root graph and the subgraph definitions.
//!
//! ```text
//! definitions, ids ─ equal ids mean equal things in all three documents
//! boundaries       ─ of all definitions, before any graph
//! graphs           ─ the root, then every definition that an instance leads to
//! ```

use rustc_hash::FxHashSet;

use super::boundary::{self, Boundaries};
use super::conflict::{NodeName, Place};
use super::decision::Verdict;
use super::fields::{self, Owner};
use super::graph::{self, Engine};
use super::identity::{self, Aligned, Kinship, Moved};
use super::ledger::{Ledger, name_in};
use super::three::{Side, Three};
use super::wires::FreeLinks;
use super::{definitions, follow};
use crate::graph::{
    Definition, Graph, List, Naming, Node, Renumbering, Scope, SubgraphId, Workflow,
};
use crate::json::Object;

/// Members of a graph's object that are written anew.
const COUNTED: [&str; 4] = ["last_node_id", "last_link_id", "state", "revision"];

/// Members of a definition that are merged as its boundary.
const BOUNDARY: [&str; 2] = ["inputs", "outputs"];

/// A merged workflow, with what it was made of.
pub(super) struct Merged {
    pub(super) workflow: Workflow,
    /// The three documents with the ids of the result.
    pub(super) sides: Three<Workflow>,
    /// What became of the ids of theirs.
    pub(super) renumbered: Renumbering,
}

pub(super) fn merge(
    mut sides: Three<Workflow>,
    kinship: Kinship,
    naming: &dyn Naming,
    ledger: &mut Ledger<'_>,
) -> Merged {
    definitions::align(&mut sides, ledger);
    let room = follow::follow(&mut sides, Side::Theirs, naming, ledger);
    let Aligned { mut sides, theirs: mut renumbered, mut moved } = identity::align(sides, kinship);
    follow::follow(&mut sides, Side::Ours, naming, ledger);
    for (key, id) in room.nodes {
        moved.nodes.push((key.scope.clone(), key.id.clone(), id.clone()));
        renumbered.nodes.insert(key, id);
    }
    boundary::part_namesakes(&mut sides, ledger);
    let workflows = sides.as_ref();
    tell_moved(workflows, &moved, ledger);
    let boundaries = boundary::merge(workflows, ledger);
    let changed_inside = Three::new(
        FxHashSet::default(),
        definitions::changed_inside(workflows.base, workflows.ours),
        definitions::changed_inside(workflows.base, workflows.theirs),
    );
    let engine =
        Engine { workflows, naming, boundaries: &boundaries, changed_inside: &changed_inside };
    let workflow = graphs(&engine, &boundaries, ledger);
    Merged { workflow, sides, renumbered }
}

fn graphs(engine: &Engine<'_>, boundaries: &Boundaries, ledger: &mut Ledger<'_>) -> Workflow {
    let workflows = engine.workflows;
    let mut free = FreeLinks::new(workflows);
    let mut merged = workflows.ours.clone();
    let roots = workflows.map(|workflow| &workflow.root);
    let members = rest(&Scope::Root, roots, &[], ledger);
    merged.root = graph::merge(engine, &Scope::Root, roots, members, &mut free, ledger);
    merged.definitions.clear();
    let mut open = idle(workflows);
    open.extend(instances(&merged.root, workflows));
    let empty = Graph::default();
    while let Some(id) = open.pop() {
        if merged.definitions.contains_key(&id) {
            continue;
        }
        let found = workflows.map(|workflow| workflow.definitions.get(&id));
        let definition = match (found.ours, found.theirs) {
            (Some(ours), Some(theirs)) => {
                let scope = Scope::Definition(id.clone());
                let base = found.base.map_or(&empty, |d| &d.graph);
                let graphs = Three::new(base, &ours.graph, &theirs.graph);
                let mut members = rest(&scope, graphs, &BOUNDARY, ledger);
                if let Some(boundary) = boundaries.get(&id) {
                    for (key, list) in
                        BOUNDARY.into_iter().zip([&boundary.inputs, &boundary.outputs])
                    {
                        if let Some(list) = list {
                            members.insert(key, list.clone());
                        }
                    }
                }
                let mut definition = ours.clone();
                definition.graph = graph::merge(engine, &scope, graphs, members, &mut free, ledger);
                definition
            }
            (ours, theirs) => match ours.or(theirs).or(found.base) {
                Some(definition) => definition.clone(),
                None => continue,
            },
        };
        open.extend(instances(&definition.graph, workflows));
        merged.definitions.insert(id, definition);
    }
    merged.definitions.sort_unstable_by(|a, _, b, _| a.cmp(b));
    let inside = |definition: &Definition| definition.home.clone();
    let homes: FxHashSet<SubgraphId> = merged.definitions.keys().cloned().collect();
    for definition in merged.definitions.values_mut() {
        if inside(definition).is_some_and(|home| !homes.contains(&home)) {
            definition.home = None;
        }
    }
    for (home, odd) in &workflows.theirs.odd_definitions {
        let known = |list: &[(Option<SubgraphId>, crate::graph::Odd)]| {
            list.iter().any(|(_, known)| known.value == odd.value)
        };
        if !known(&workflows.base.odd_definitions) && !known(&merged.odd_definitions) {
            merged.odd_definitions.push((home.clone(), odd.clone()));
        }
    }
    merged
}

/// Merges the members of a graph's object beside nodes, links and groups, without `but`.
fn rest(scope: &Scope, graphs: Three<&Graph>, but: &[&str], ledger: &mut Ledger<'_>) -> Object {
    let but: Vec<&str> = COUNTED.iter().chain(but).copied().collect();
    let rests = graphs.map(|graph| Some(&graph.rest));
    fields::merge(rests, &but, scope, &Owner::Graph, ledger)
}

/// The definitions that the instances in a graph lead to.
fn instances(graph: &Graph, workflows: Three<&Workflow>) -> Vec<SubgraphId> {
    let known = |id: &SubgraphId| {
        [workflows.ours, workflows.theirs, workflows.base]
            .iter()
            .any(|workflow| workflow.definitions.contains_key(id))
    };
    graph.nodes.values().map(Node::as_subgraph).filter(known).collect()
}

/// Definitions without instances that neither side has taken away.
fn idle(workflows: Three<&Workflow>) -> Vec<SubgraphId> {
    let idle = workflows.map(definitions::unreachable);
    let both = [Side::Ours, Side::Theirs].map(|side| {
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

fn tell_moved(workflows: Three<&Workflow>, moved: &Moved, ledger: &mut Ledger<'_>) {
    let mut tell = |scope: &Scope, node: Option<NodeName>, place, list, from, to| {
        ledger.decide(scope, node, place, Verdict::Renumbered { list, from, to });
    };
    for (scope, from, to) in &moved.nodes {
        let node = name_in(workflows, scope, to);
        tell(scope, Some(node), Place::Node, List::Nodes, from.to_string(), to.to_string());
    }
    let graph = || Place::Graph(crate::json::Path::root());
    for (scope, from, to) in &moved.links {
        tell(scope, None, graph(), List::Links, from.to_string(), to.to_string());
    }
    for (scope, from, to) in &moved.groups {
        tell(scope, None, graph(), List::Groups, from.to_string(), to.to_string());
    }
    for (scope, from, to) in &moved.reroutes {
        tell(scope, None, graph(), List::Reroutes, from.to_string(), to.to_string());
    }
}
