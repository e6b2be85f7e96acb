//! What is wrong with a workflow, as data: asked after every merge.
//!
//! Finds only; mending is `raise_counters` and `renumber`.

use rustc_hash::{FxHashMap, FxHashSet};

use super::defect::{DefectKind, GraphList, WorkflowDefect};
use super::slot::iter_slots;
use super::{
    Graph, GraphScope, Link, LinkEnd, LinkId, NodeId, SlotName, SubgraphDefinition, SubgraphId,
    Workflow,
};
use crate::json::Value;

/// Everything that is wrong with a workflow, graph by graph in file order.
pub fn check_workflow(workflow: &Workflow) -> Vec<WorkflowDefect> {
    let mut found = Vec::new();
    for (scope, graph) in workflow.graphs() {
        let mut report = DefectCollector { scope: &scope, found: &mut found };
        check_untyped(graph, &mut report);
        check_ends(graph, &mut report);
        check_agreement(graph, &mut report);
        check_reroutes(graph, &mut report);
        check_instances(workflow, graph, &mut report);
        if let GraphScope::Definition(id) = &scope {
            check_boundary(&workflow.definitions[id], &mut report);
        }
    }
    check_shared_ids(workflow, &mut found);
    check_counters(workflow, &mut found);
    check_recursion(workflow, &mut found);
    for (home, odd) in &workflow.untyped_definitions {
        let scope = home.clone().map_or(GraphScope::Root, GraphScope::Definition);
        DefectCollector { scope: &scope, found: &mut found }.push_untyped(
            GraphList::Definitions,
            odd.at,
            &odd.value,
        );
    }
    found
}

struct DefectCollector<'a> {
    scope: &'a GraphScope,
    found: &'a mut Vec<WorkflowDefect>,
}

impl DefectCollector<'_> {
    fn push(&mut self, fault: DefectKind) {
        self.found.push(WorkflowDefect { scope: self.scope.clone(), kind: fault });
    }

    fn push_untyped(&mut self, list: GraphList, at: usize, value: &Value) {
        let id = match list {
            GraphList::Links => value.get_index(0).or_else(|| value.get("id")),
            _ => value.get("id"),
        };
        let whole = match list {
            GraphList::Links => Link::from_value(value.clone()).is_ok(),
            GraphList::Groups => false,
            _ => value.as_object().is_some(),
        };
        self.push(match id.and_then(NodeId::from_value) {
            Some(id) if whole => DefectKind::Repeated { list, id: id.to_string() },
            _ => DefectKind::Misshapen { list, at },
        });
    }
}

fn check_untyped(graph: &Graph, report: &mut DefectCollector<'_>) {
    let odd = &graph.untyped;
    for (list, odd) in [
        (GraphList::Nodes, &odd.nodes),
        (GraphList::Links, &odd.links),
        (GraphList::Groups, &odd.groups),
        (GraphList::Reroutes, &odd.reroutes),
    ] {
        for odd in odd {
            report.push_untyped(list, odd.at, &odd.value);
        }
    }
}

fn check_ends(graph: &Graph, report: &mut DefectCollector<'_>) {
    let inner = matches!(report.scope, GraphScope::Definition(_));
    for link in graph.links.values() {
        let id = link.id();
        match link.from() {
            LinkEnd::Node { id: node, slot } => match graph.nodes.get(node) {
                None => report.push(DefectKind::NoOrigin { link: id, node: node.clone() }),
                Some(node) if node.output_at(*slot).is_none() => {
                    report.push(DefectKind::NoOutput { link: id, from: link.from().clone() });
                }
                Some(_) => {}
            },
            LinkEnd::GraphInput { slot } if inner => {
                if super::slot::slot_at(graph.rest.get("inputs"), *slot).is_none() {
                    report.push(DefectKind::NoOutput { link: id, from: link.from().clone() });
                }
            }
            LinkEnd::GraphInput { .. } => {
                report.push(DefectKind::NoOrigin { link: id, node: NodeId::GRAPH_INPUT })
            }
            LinkEnd::GraphOutput { .. } => {
                report.push(DefectKind::NoOrigin { link: id, node: NodeId::GRAPH_OUTPUT })
            }
            LinkEnd::Loose => report.push(DefectKind::NoOrigin { link: id, node: NodeId::NOWHERE }),
        }
        match link.to() {
            LinkEnd::Node { id: node, slot } => match graph.nodes.get(node) {
                None => report.push(DefectKind::NoTarget { link: id, node: node.clone() }),
                Some(node) if node.input_at(*slot).is_none() => {
                    report.push(DefectKind::NoInput { link: id, to: link.to().clone() });
                }
                Some(_) => {}
            },
            LinkEnd::GraphOutput { slot } if inner => {
                if super::slot::slot_at(graph.rest.get("outputs"), *slot).is_none() {
                    report.push(DefectKind::NoInput { link: id, to: link.to().clone() });
                }
            }
            LinkEnd::GraphOutput { .. } => {
                report.push(DefectKind::NoTarget { link: id, node: NodeId::GRAPH_OUTPUT })
            }
            LinkEnd::GraphInput { .. } => {
                report.push(DefectKind::NoTarget { link: id, node: NodeId::GRAPH_INPUT })
            }
            LinkEnd::Loose => report.push(DefectKind::NoTarget { link: id, node: NodeId::NOWHERE }),
        }
    }
}

/// The links table against the slots of the nodes and of the boundary.
fn check_agreement(graph: &Graph, report: &mut DefectCollector<'_>) {
    let mut into: FxHashMap<&LinkEnd, Vec<LinkId>> = FxHashMap::default();
    let mut out: FxHashMap<&LinkEnd, FxHashSet<LinkId>> = FxHashMap::default();
    for link in graph.links.values() {
        into.entry(link.to()).or_default().push(link.id());
        out.entry(link.from()).or_default().insert(link.id());
    }
    for (id, node) in &graph.nodes {
        for input in node.inputs() {
            let end = LinkEnd::Node { id: id.clone(), slot: input.at };
            let table = into.get(&end).map(Vec::as_slice).unwrap_or_default();
            let says = input.link();
            if table.len() > 1 {
                let input = node.input_name(input.at);
                report.push(DefectKind::Contended { node: id.clone(), input });
            } else if says != table.first().copied() {
                let (input, table) = (node.input_name(input.at), table.first().copied());
                report.push(DefectKind::InputDisagrees { node: id.clone(), input, says, table });
            }
        }
        for output in node.outputs() {
            let end = LinkEnd::Node { id: id.clone(), slot: output.at };
            let says: FxHashSet<LinkId> = output.links().collect();
            let agrees = out.get(&end).map_or(says.is_empty(), |table| *table == says);
            if !agrees {
                report.push(DefectKind::OutputDisagrees { node: id.clone(), slot: output.at });
            }
        }
    }
    for input in iter_slots(graph.rest.get("inputs")) {
        let says: FxHashSet<LinkId> = input.link_ids().collect();
        let table = out.get(&LinkEnd::GraphInput { slot: input.at });
        if !table.map_or(says.is_empty(), |table| *table == says) {
            report.push(DefectKind::BoundaryDisagrees(SlotName::new(input.name())));
        }
    }
    for output in iter_slots(graph.rest.get("outputs")) {
        let says: FxHashSet<LinkId> = output.link_ids().collect();
        let table = into.get(&LinkEnd::GraphOutput { slot: output.at });
        let table: FxHashSet<LinkId> = table.into_iter().flatten().copied().collect();
        if table != says {
            report.push(DefectKind::BoundaryDisagrees(SlotName::new(output.name())));
        }
    }
}

fn check_reroutes(graph: &Graph, report: &mut DefectCollector<'_>) {
    let links = graph.links.values().chain(&graph.floating).filter_map(Link::parent);
    let own = graph.reroutes.values().filter_map(super::Reroute::parent);
    for parent in links.chain(own) {
        if !graph.reroutes.contains_key(&parent) {
            report.push(DefectKind::NoReroute(parent));
        }
    }
}

fn check_instances(workflow: &Workflow, graph: &Graph, report: &mut DefectCollector<'_>) {
    for (id, node) in &graph.nodes {
        let Some(definition) = workflow.definition_of(node) else {
            if looks_like_uuid(node.class()) {
                report.push(DefectKind::NoDefinition { node: id.clone(), id: node.as_subgraph() });
            }
            continue;
        };
        let inputs: FxHashSet<&str> = definition.inputs().map(super::Slot::name).collect();
        let outputs: FxHashSet<&str> = definition.outputs().map(super::Slot::name).collect();
        for input in node.inputs().filter(|input| !inputs.contains(input.name())) {
            report.push(DefectKind::InstanceSlot {
                node: id.clone(),
                slot: SlotName::new(input.name()),
            });
        }
        for output in node.outputs().filter(|output| !outputs.contains(output.name())) {
            report.push(DefectKind::InstanceSlot {
                node: id.clone(),
                slot: SlotName::new(output.name()),
            });
        }
        let proxies = node.property("proxyWidgets").and_then(Value::as_array).unwrap_or_default();
        let proxied = proxies.iter().filter_map(|entry| NodeId::from_value(entry.get_index(0)?));
        for proxied in proxied {
            if !proxied.is_reserved() && !definition.graph.nodes.contains_key(&proxied) {
                report.push(DefectKind::NoProxiedNode { host: id.clone(), node: proxied });
            }
        }
    }
}

fn looks_like_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}

fn check_boundary(definition: &SubgraphDefinition, report: &mut DefectCollector<'_>) {
    for key in ["inputNode", "outputNode"] {
        let bounding = definition.graph.rest.get(key).and_then(|node| node.get("bounding"));
        if bounding.and_then(Value::as_array).is_none_or(|numbers| numbers.len() != 4) {
            report.push(DefectKind::NoBoundaryBox(key));
        }
    }
}

/// Ids that several graphs of the file use: the frontends give new ones on opening.
fn check_shared_ids(workflow: &Workflow, found: &mut Vec<WorkflowDefect>) {
    if workflow.definitions.is_empty() {
        return;
    }
    let mut seen: FxHashMap<(GraphList, String), GraphScope> = FxHashMap::default();
    for (scope, graph) in workflow.graphs() {
        let nodes = graph.nodes.keys().map(|id| (GraphList::Nodes, id.to_string()));
        let links = graph.links.keys().map(|id| (GraphList::Links, id.to_string()));
        let groups = graph.groups.iter().filter_map(super::Group::id);
        let groups = groups.map(|id| (GraphList::Groups, id.to_string()));
        let reroutes = graph.reroutes.keys().map(|id| (GraphList::Reroutes, id.to_string()));
        let ids: FxHashSet<_> = nodes.chain(links).chain(groups).chain(reroutes).collect();
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable_by(|a, b| (a.0 as u8, &a.1).cmp(&(b.0 as u8, &b.1)));
        for (list, id) in ids {
            match seen.get(&(list, id.clone())) {
                Some(with) => found.push(WorkflowDefect {
                    scope: scope.clone(),
                    kind: DefectKind::Shared { list, id, with: with.clone() },
                }),
                None => {
                    seen.insert((list, id), scope.clone());
                }
            }
        }
    }
}

fn check_counters(workflow: &Workflow, found: &mut Vec<WorkflowDefect>) {
    let highest = workflow.highest_ids();
    let keys = [
        ("last_node_id", highest.node),
        ("last_link_id", highest.link),
        ("lastNodeId", highest.node),
        ("lastLinkId", highest.link),
        ("lastGroupId", highest.group),
        ("lastRerouteId", highest.reroute),
    ];
    for (scope, graph) in workflow.graphs() {
        let state = graph.rest.get("state");
        for (counter, needs) in keys {
            let says = match counter {
                "last_node_id" | "last_link_id" if scope == GraphScope::Root => {
                    graph.rest.get(counter)
                }
                _ => state.and_then(|state| state.get(counter)),
            };
            // Absent counters are recomputed, but for that of the links.
            let says = match says.and_then(Value::as_i64) {
                Some(says) => says,
                None if counter == "last_link_id"
                    && scope == GraphScope::Root
                    && graph.schema() == super::WorkflowSchema::V04 =>
                {
                    0
                }
                None => continue,
            };
            if says < needs {
                let fault = DefectKind::LowCounter { counter, says, needs };
                found.push(WorkflowDefect { scope: scope.clone(), kind: fault });
            }
        }
    }
}

fn check_recursion(workflow: &Workflow, found: &mut Vec<WorkflowDefect>) {
    for id in workflow.recursive_definitions() {
        let scope = GraphScope::Definition(id.clone());
        found.push(WorkflowDefect { scope, kind: DefectKind::Recursive(id) });
    }
}

impl Workflow {
    /// The definitions that contain an instance of themselves, however deep.
    pub(crate) fn recursive_definitions(&self) -> Vec<SubgraphId> {
        let inner = |id: &SubgraphId| -> FxHashSet<SubgraphId> {
            let Some(definition) = self.definitions.get(id) else { return FxHashSet::default() };
            let nodes = definition.graph.nodes.values();
            nodes.filter_map(|node| self.definition_of(node)).map(|d| d.id().clone()).collect()
        };
        let mut open: FxHashMap<SubgraphId, FxHashSet<SubgraphId>> =
            self.definitions.keys().map(|id| (id.clone(), inner(id))).collect();
        // What holds nothing, or only such as hold nothing in the end, is on no circle.
        // Nearly always that is everything.
        loop {
            let done: FxHashSet<SubgraphId> = open
                .iter()
                .filter(|(_, inner)| inner.is_empty())
                .map(|(id, _)| id.clone())
                .collect();
            if done.is_empty() {
                break;
            }
            open.retain(|id, _| !done.contains(id));
            for inner in open.values_mut() {
                inner.retain(|id| !done.contains(id));
            }
        }
        let reaches_itself = |start: &&SubgraphId| {
            let mut seen = FxHashSet::default();
            let mut next: Vec<&SubgraphId> = open.get(*start).into_iter().flatten().collect();
            while let Some(id) = next.pop() {
                if id == *start {
                    return true;
                }
                if seen.insert(id) {
                    next.extend(open.get(id).into_iter().flatten());
                }
            }
            false
        };
        self.definitions.keys().filter(reaches_itself).cloned().collect()
    }
}
