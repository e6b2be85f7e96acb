//! What is wrong with a workflow, as data: run after every merge, and by `git comfy check`.
//!
//! Finds only; mending is `realign`, `raise_counters` and `renumber`.

use rustc_hash::{FxHashMap, FxHashSet};

use super::defect::{Defect, Fault, List};
use super::slot::slots;
use super::{Definition, End, Graph, Link, LinkId, NodeId, Scope, SlotName, SubgraphId, Workflow};
use crate::json::Value;

/// Everything that is wrong with a workflow, graph by graph in file order.
pub fn check(workflow: &Workflow) -> Vec<Defect> {
    let mut found = Vec::new();
    for (scope, graph) in workflow.graphs() {
        let mut report = Report { scope: &scope, found: &mut found };
        oddities(graph, &mut report);
        ends(graph, &mut report);
        agreement(graph, &mut report);
        reroutes(graph, &mut report);
        hosts(workflow, graph, &mut report);
        if let Scope::Definition(id) = &scope {
            boundary(&workflow.definitions[id], &mut report);
        }
    }
    shared(workflow, &mut found);
    counters(workflow, &mut found);
    recursion(workflow, &mut found);
    for (home, odd) in &workflow.odd_definitions {
        let scope = home.clone().map_or(Scope::Root, Scope::Definition);
        Report { scope: &scope, found: &mut found }.odd(List::Definitions, odd.at, &odd.value);
    }
    found
}

struct Report<'a> {
    scope: &'a Scope,
    found: &'a mut Vec<Defect>,
}

impl Report<'_> {
    fn add(&mut self, fault: Fault) {
        self.found.push(Defect { scope: self.scope.clone(), fault });
    }

    fn odd(&mut self, list: List, at: usize, value: &Value) {
        let id = match list {
            List::Links => value.at(0).or_else(|| value.get("id")),
            _ => value.get("id"),
        };
        let whole = match list {
            List::Links => Link::from_value(value.clone()).is_ok(),
            List::Groups => false,
            _ => value.as_object().is_some(),
        };
        self.add(match id.and_then(NodeId::from_value) {
            Some(id) if whole => Fault::Repeated { list, id: id.to_string() },
            _ => Fault::Misshapen { list, at },
        });
    }
}

fn oddities(graph: &Graph, report: &mut Report<'_>) {
    let odd = &graph.odd;
    for (list, odd) in [
        (List::Nodes, &odd.nodes),
        (List::Links, &odd.links),
        (List::Groups, &odd.groups),
        (List::Reroutes, &odd.reroutes),
    ] {
        for odd in odd {
            report.odd(list, odd.at, &odd.value);
        }
    }
}

fn ends(graph: &Graph, report: &mut Report<'_>) {
    let inner = matches!(report.scope, Scope::Definition(_));
    for link in graph.links.values() {
        let id = link.id();
        match link.from() {
            End::Node { id: node, slot } => match graph.nodes.get(node) {
                None => report.add(Fault::NoOrigin(id, node.clone())),
                Some(node) if node.output_at(*slot).is_none() => {
                    report.add(Fault::NoOutput(id, link.from().clone()));
                }
                Some(_) => {}
            },
            End::GraphInput { slot } if inner => {
                if super::slot::slot_at(graph.rest.get("inputs"), *slot).is_none() {
                    report.add(Fault::NoOutput(id, link.from().clone()));
                }
            }
            End::GraphInput { .. } => report.add(Fault::NoOrigin(id, NodeId::GRAPH_INPUT)),
            End::GraphOutput { .. } => report.add(Fault::NoOrigin(id, NodeId::GRAPH_OUTPUT)),
            End::Loose => report.add(Fault::NoOrigin(id, NodeId::NOWHERE)),
        }
        match link.to() {
            End::Node { id: node, slot } => match graph.nodes.get(node) {
                None => report.add(Fault::NoTarget(id, node.clone())),
                Some(node) if node.input_at(*slot).is_none() => {
                    report.add(Fault::NoInput(id, link.to().clone()));
                }
                Some(_) => {}
            },
            End::GraphOutput { slot } if inner => {
                if super::slot::slot_at(graph.rest.get("outputs"), *slot).is_none() {
                    report.add(Fault::NoInput(id, link.to().clone()));
                }
            }
            End::GraphOutput { .. } => report.add(Fault::NoTarget(id, NodeId::GRAPH_OUTPUT)),
            End::GraphInput { .. } => report.add(Fault::NoTarget(id, NodeId::GRAPH_INPUT)),
            End::Loose => report.add(Fault::NoTarget(id, NodeId::NOWHERE)),
        }
    }
}

/// The links table against the slots of the nodes and of the boundary.
fn agreement(graph: &Graph, report: &mut Report<'_>) {
    let mut into: FxHashMap<&End, Vec<LinkId>> = FxHashMap::default();
    let mut out: FxHashMap<&End, FxHashSet<LinkId>> = FxHashMap::default();
    for link in graph.links.values() {
        into.entry(link.to()).or_default().push(link.id());
        out.entry(link.from()).or_default().insert(link.id());
    }
    for (id, node) in &graph.nodes {
        for input in node.inputs() {
            let end = End::Node { id: id.clone(), slot: input.at };
            let table = into.get(&end).map(Vec::as_slice).unwrap_or_default();
            let says = input.link();
            if table.len() > 1 {
                let input = node.input_name(input.at);
                report.add(Fault::Contended { node: id.clone(), input });
            } else if says != table.first().copied() {
                let (input, table) = (node.input_name(input.at), table.first().copied());
                report.add(Fault::InputDisagrees { node: id.clone(), input, says, table });
            }
        }
        for output in node.outputs() {
            let end = End::Node { id: id.clone(), slot: output.at };
            let says: FxHashSet<LinkId> = output.links().collect();
            let agrees = out.get(&end).map_or(says.is_empty(), |table| *table == says);
            if !agrees {
                report.add(Fault::OutputDisagrees { node: id.clone(), slot: output.at });
            }
        }
    }
    for input in slots(graph.rest.get("inputs")) {
        let says: FxHashSet<LinkId> = input.link_ids().collect();
        let table = out.get(&End::GraphInput { slot: input.at });
        if !table.map_or(says.is_empty(), |table| *table == says) {
            report.add(Fault::BoundaryDisagrees(SlotName::new(input.name())));
        }
    }
    for output in slots(graph.rest.get("outputs")) {
        let says: FxHashSet<LinkId> = output.link_ids().collect();
        let table = into.get(&End::GraphOutput { slot: output.at });
        let table: FxHashSet<LinkId> = table.into_iter().flatten().copied().collect();
        if table != says {
            report.add(Fault::BoundaryDisagrees(SlotName::new(output.name())));
        }
    }
}

fn reroutes(graph: &Graph, report: &mut Report<'_>) {
    let links = graph.links.values().chain(&graph.floating).filter_map(Link::parent);
    let own = graph.reroutes.values().filter_map(super::Reroute::parent);
    for parent in links.chain(own) {
        if !graph.reroutes.contains_key(&parent) {
            report.add(Fault::NoReroute(parent));
        }
    }
}

fn hosts(workflow: &Workflow, graph: &Graph, report: &mut Report<'_>) {
    for (id, node) in &graph.nodes {
        let Some(definition) = workflow.definition_of(node) else {
            if looks_like_uuid(node.class()) {
                report.add(Fault::NoDefinition(id.clone(), node.as_subgraph()));
            }
            continue;
        };
        let inputs: FxHashSet<&str> = definition.inputs().map(super::Slot::name).collect();
        let outputs: FxHashSet<&str> = definition.outputs().map(super::Slot::name).collect();
        for input in node.inputs().filter(|input| !inputs.contains(input.name())) {
            report.add(Fault::HostSlot { node: id.clone(), slot: SlotName::new(input.name()) });
        }
        for output in node.outputs().filter(|output| !outputs.contains(output.name())) {
            report.add(Fault::HostSlot { node: id.clone(), slot: SlotName::new(output.name()) });
        }
        let proxies = node.property("proxyWidgets").and_then(Value::as_array).unwrap_or_default();
        let proxied = proxies.iter().filter_map(|entry| NodeId::from_value(entry.at(0)?));
        for proxied in proxied {
            if !proxied.is_reserved() && !definition.graph.nodes.contains_key(&proxied) {
                report.add(Fault::NoProxied(id.clone(), proxied));
            }
        }
    }
}

fn looks_like_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}

fn boundary(definition: &Definition, report: &mut Report<'_>) {
    for key in ["inputNode", "outputNode"] {
        let bounding = definition.graph.rest.get(key).and_then(|node| node.get("bounding"));
        if bounding.and_then(Value::as_array).is_none_or(|numbers| numbers.len() != 4) {
            report.add(Fault::NoBoundaryBox(key));
        }
    }
}

/// Ids that several graphs of the file use: the frontends give new ones on opening.
fn shared(workflow: &Workflow, found: &mut Vec<Defect>) {
    if workflow.definitions.is_empty() {
        return;
    }
    let mut seen: FxHashMap<(List, String), Scope> = FxHashMap::default();
    for (scope, graph) in workflow.graphs() {
        let nodes = graph.nodes.keys().map(|id| (List::Nodes, id.to_string()));
        let links = graph.links.keys().map(|id| (List::Links, id.to_string()));
        let groups = graph.groups.iter().filter_map(super::Group::id);
        let groups = groups.map(|id| (List::Groups, id.to_string()));
        let reroutes = graph.reroutes.keys().map(|id| (List::Reroutes, id.to_string()));
        let ids: FxHashSet<_> = nodes.chain(links).chain(groups).chain(reroutes).collect();
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable_by(|a, b| (a.0 as u8, &a.1).cmp(&(b.0 as u8, &b.1)));
        for (list, id) in ids {
            match seen.get(&(list, id.clone())) {
                Some(with) => found.push(Defect {
                    scope: scope.clone(),
                    fault: Fault::Shared { list, id, with: with.clone() },
                }),
                None => {
                    seen.insert((list, id), scope.clone());
                }
            }
        }
    }
}

fn counters(workflow: &Workflow, found: &mut Vec<Defect>) {
    let highest = workflow.highest();
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
                "last_node_id" | "last_link_id" if scope == Scope::Root => graph.rest.get(counter),
                _ => state.and_then(|state| state.get(counter)),
            };
            // Absent counters are recomputed, but for that of the links.
            let says = match says.and_then(Value::as_i64) {
                Some(says) => says,
                None if counter == "last_link_id"
                    && scope == Scope::Root
                    && graph.schema() == super::Schema::V04 =>
                {
                    0
                }
                None => continue,
            };
            if says < needs {
                let fault = Fault::LowCounter { counter, says, needs };
                found.push(Defect { scope: scope.clone(), fault });
            }
        }
    }
}

fn recursion(workflow: &Workflow, found: &mut Vec<Defect>) {
    for id in workflow.recursive() {
        let scope = Scope::Definition(id.clone());
        found.push(Defect { scope, fault: Fault::Recursive(id) });
    }
}

impl Workflow {
    /// The definitions that contain an instance of themselves, however deep.
    pub fn recursive(&self) -> Vec<SubgraphId> {
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
