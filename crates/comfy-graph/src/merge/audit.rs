//! Nothing is lost: every node, wire and value of either side is in the result, was taken
//! away or replaced by the other side alone, or is in a conflict or a reported decision.
//!
//! Looks at the documents only, never at how they were merged: a mistake elsewhere must
//! not be able to hide itself here.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, MergePlace};
use super::decision::{MergeDecision, MergeVerdict};
use super::three_way::{MergeSide, ThreeWay};
use super::widget_alignment::{are_named_alike, share_names};
use crate::graph::{
    self, Graph, GraphScope, Node, NodeId, Severity, SlotName, WidgetNaming, Wire, WireSink,
    WireSource, Wires, Workflow, WorkflowDefect,
};
use crate::json::Value;

/// What is wrong with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFinding {
    /// A defect that no side had.
    Damaged(WorkflowDefect),
    /// A node of a side is not there.
    Node(MergeSide, NodeId),
    /// A wire of a side is not there.
    Wire(MergeSide, NodeId, SlotName),
    /// A value of a side is not there.
    Value(MergeSide, NodeId, String),
    /// A subgraph definition of a side is not there.
    Definition(MergeSide, String),
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditFinding::Damaged(defect) => write!(f, "the result would be damaged: {defect}"),
            AuditFinding::Node(side, id) => write!(f, "{} node {id} would be lost", side.as_str()),
            AuditFinding::Wire(side, id, input) => {
                write!(f, "the wire of {} into {input} of node {id} would be lost", side.as_str())
            }
            AuditFinding::Value(side, id, name) => {
                write!(f, "the value of {} for {name} of node {id} would be lost", side.as_str())
            }
            AuditFinding::Definition(side, id) => {
                write!(f, "the subgraph {id} of {} would be lost", side.as_str())
            }
        }
    }
}

/// Finds what a result would lose or break. Ids mean the same in all documents.
pub(super) fn audit_workflow(
    sides: ThreeWay<&Workflow>,
    result: &Workflow,
    conflicts: &[Conflict],
    decisions: &[MergeDecision],
    naming: &dyn WidgetNaming,
) -> Vec<AuditFinding> {
    let mut doubts = new_defects(sides, result);
    let told = ReportedPlaces::from_merge(conflicts, decisions);
    for side in [MergeSide::Ours, MergeSide::Theirs] {
        let audit = SideAudit { sides, result, reported: &told, naming, side };
        for (scope, graph) in sides.get(side).graphs() {
            audit.audit_graph(&scope, graph, &mut doubts);
        }
    }
    doubts
}

fn new_defects(sides: ThreeWay<&Workflow>, result: &Workflow) -> Vec<AuditFinding> {
    let heavy = |defect: &WorkflowDefect| defect.severity() >= Severity::Heavy;
    let found: Vec<WorkflowDefect> =
        graph::check_workflow(result).into_iter().filter(heavy).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let all = [sides.ours, sides.theirs, sides.base];
    let known: FxHashSet<WorkflowDefect> =
        all.into_iter().flat_map(graph::check_workflow).collect();
    found.into_iter().filter(|defect| !known.contains(defect)).map(AuditFinding::Damaged).collect()
}

/// What conflicts and decisions are about: its loss is reported.
struct ReportedPlaces {
    nodes: FxHashSet<(GraphScope, NodeId)>,
    places: FxHashSet<(GraphScope, Option<NodeId>, MergePlace)>,
    values: FxHashSet<(GraphScope, NodeId)>,
    definitions: FxHashSet<String>,
}

impl ReportedPlaces {
    fn from_merge(conflicts: &[Conflict], decisions: &[MergeDecision]) -> Self {
        let mut told = ReportedPlaces {
            nodes: FxHashSet::default(),
            places: FxHashSet::default(),
            values: FxHashSet::default(),
            definitions: FxHashSet::default(),
        };
        for conflict in conflicts {
            for part in &conflict.parts {
                told.insert(&conflict.scope, part.node.as_ref(), &part.place);
            }
        }
        for decision in decisions {
            let settled = matches!(
                decision.verdict,
                MergeVerdict::MergedWords
                    | MergeVerdict::MergedElements
                    | MergeVerdict::BothRerolled
                    | MergeVerdict::ChosenNumber(_)
                    | MergeVerdict::ChosenOverDefault(_)
                    | MergeVerdict::HigherVersion(_)
                    | MergeVerdict::WithoutEffect
                    | MergeVerdict::SameChange
                    | MergeVerdict::KeptOurLooks
                    | MergeVerdict::RemovedDespiteMinorChange(_)
                    | MergeVerdict::ByRule(..)
            );
            if settled {
                let node = decision.node.as_ref().map(|node| &node.id);
                told.insert(&decision.scope, node, &decision.place);
            }
        }
        told
    }

    fn insert(&mut self, scope: &GraphScope, node: Option<&NodeId>, place: &MergePlace) {
        match (place, node) {
            (MergePlace::Node, Some(id)) => {
                self.nodes.insert((scope.clone(), id.clone()));
            }
            (MergePlace::Widgets | MergePlace::Choice(_), Some(id)) => {
                self.values.insert((scope.clone(), id.clone()));
            }
            (MergePlace::Definition(id), _) => {
                self.definitions.insert(id.to_string());
            }
            _ => {
                self.places.insert((scope.clone(), node.cloned(), place.clone()));
            }
        }
    }

    fn has_node(&self, scope: &GraphScope, id: &NodeId) -> bool {
        self.nodes.contains(&(scope.clone(), id.clone()))
    }

    fn contains(&self, scope: &GraphScope, node: Option<&NodeId>, place: MergePlace) -> bool {
        self.places.contains(&(scope.clone(), node.cloned(), place))
    }
}

struct SideAudit<'a> {
    sides: ThreeWay<&'a Workflow>,
    result: &'a Workflow,
    reported: &'a ReportedPlaces,
    naming: &'a dyn WidgetNaming,
    side: MergeSide,
}

/// Where a wire comes from, with the output by name: numbers shift.
#[derive(Debug, PartialEq, Eq)]
enum NamedWireOrigin {
    Output(NodeId, SlotName),
    Boundary(SlotName),
}

fn named_wire_origin(graph: &Graph, wire: &Wire) -> NamedWireOrigin {
    match &wire.from {
        WireSource::Node { id, slot } => {
            let name = graph.nodes.get(id).map(|node| node.output_name(*slot));
            NamedWireOrigin::Output(id.clone(), name.unwrap_or_else(|| SlotName::unlisted(*slot)))
        }
        WireSource::Boundary(name) => NamedWireOrigin::Boundary(name.clone()),
    }
}

impl SideAudit<'_> {
    fn audit_graph(&self, scope: &GraphScope, graph: &Graph, doubts: &mut Vec<AuditFinding>) {
        let base = self.sides.base.graph(scope);
        let other = self.sides.get(self.side.other()).graph(scope);
        let Some(result) = self.result.graph(scope) else {
            if let GraphScope::Definition(id) = scope {
                self.audit_definition(id.as_str(), base.is_some() && other.is_none(), doubts);
            }
            return;
        };
        for (id, node) in &graph.nodes {
            let before = base.and_then(|graph| graph.nodes.get(id));
            let beside = other.and_then(|graph| graph.nodes.get(id));
            match result.nodes.get(id) {
                Some(there) => {
                    self.audit_node(scope, ThreeWay::new(before, Some(node), beside), there, doubts)
                }
                None if before.is_some() && beside.is_none() => {}
                None if self.reported.has_node(scope, id) => {}
                None => doubts.push(AuditFinding::Node(self.side, id.clone())),
            }
        }
        let wires = |graph: Option<&Graph>| graph.map(Wires::from_graph).unwrap_or_default();
        let (own, before, beside, there) =
            (Wires::from_graph(graph), wires(base), wires(other), Wires::from_graph(result));
        let of = |graph: Option<&Graph>, wires: &Wires, sink: &WireSink| {
            Some(named_wire_origin(graph?, wires.by_sink.get(sink)?))
        };
        for (sink, wire) in &own.by_sink {
            let from = Some(named_wire_origin(graph, wire));
            if of(Some(result), &there, sink) == from {
                continue;
            }
            let before = of(base, &before, sink);
            let replaced = before == from && of(other, &beside, sink) != before;
            if !replaced && !self.is_explained(scope, result, sink, wire) {
                let (id, input) = match sink {
                    WireSink::Node { id, input } => (id.clone(), input.clone()),
                    WireSink::Boundary(output) => (NodeId::GRAPH_OUTPUT, output.clone()),
                };
                doubts.push(AuditFinding::Wire(self.side, id, input));
            }
        }
    }

    /// Whether an end of a wire that is not there is gone, or the wire is in a conflict.
    fn is_explained(
        &self,
        scope: &GraphScope,
        result: &Graph,
        sink: &WireSink,
        wire: &Wire,
    ) -> bool {
        let source_gone = matches!(
            &wire.from,
            WireSource::Node { id, .. } if !result.nodes.contains_key(id)
        );
        source_gone
            || match sink {
                WireSink::Node { id, input } => {
                    !result.nodes.contains_key(id)
                        || self.reported.contains(scope, Some(id), MergePlace::Input(input.clone()))
                }
                WireSink::Boundary(output) => {
                    self.reported.contains(scope, None, MergePlace::Boundary(output.clone()))
                }
            }
    }

    fn audit_definition(&self, id: &str, removed: bool, doubts: &mut Vec<AuditFinding>) {
        let used = self.result.nodes().any(|(_, node)| node.class() == id);
        // Without an instance in the result it went with its instances, which are nodes.
        if used && !removed && !self.reported.definitions.contains(id) {
            doubts.push(AuditFinding::Definition(self.side, id.to_owned()));
        }
    }

    fn audit_node(
        &self,
        scope: &GraphScope,
        nodes: ThreeWay<Option<&Node>>,
        there: &Node,
        doubts: &mut Vec<AuditFinding>,
    ) {
        let (Some(own), id) = (nodes.ours, there.id()) else { return };
        if self.reported.has_node(scope, id) {
            return;
        }
        for key in ["type", "title", "mode"] {
            let values = nodes.map(|node| node.and_then(|node| node.raw().get(key)));
            let place = MergePlace::Key(crate::json::JsonPath(vec![key.into()]));
            if !is_preserved(values, there.raw().get(key))
                && !self.reported.contains(scope, Some(id), place)
            {
                doubts.push(AuditFinding::Value(self.side, id.clone(), key.to_owned()));
            }
        }
        if own.raw().get("widgets_values") == there.raw().get("widgets_values")
            || self.reported.values.contains(&(scope.clone(), id.clone()))
        {
            return;
        }
        self.audit_values(scope, nodes, there, doubts);
    }

    fn audit_values(
        &self,
        scope: &GraphScope,
        nodes: ThreeWay<Option<&Node>>,
        there: &Node,
        doubts: &mut Vec<AuditFinding>,
    ) {
        let other = *self.sides.get(self.side.other());
        let workflows = ThreeWay::new(self.sides.base, *self.sides.get(self.side), other);
        let naming = self.naming;
        let named = ThreeWay::new(
            nodes.base.map(|node| naming.widgets(workflows.base, node)),
            nodes.ours.map(|node| naming.widgets(workflows.ours, node)),
            nodes.theirs.map(|node| naming.widgets(workflows.theirs, node)),
        );
        let named = share_names(named.map(Option::unwrap_or_default));
        let knows = share_names(ThreeWay::new(
            self.naming.widgets(self.result, there),
            named.ours.clone(),
            named.theirs.clone(),
        ))
        .base;
        // A name that only one document knows would make every value look lost.
        let has_names = |widgets: &[graph::Widget<'_>]| {
            widgets.iter().all(|widget| widget.name.as_str().is_some())
        };
        let by_name = has_names(&named.ours) == has_names(&knows) && are_named_alike(&named);
        let (sides, result) = match by_name {
            true => (named, knows),
            false => {
                let sides = nodes.map(|node| node.map(graph::widgets_by_position));
                (sides.map(Option::unwrap_or_default), graph::widgets_by_position(there))
            }
        };
        let of = |widgets: Vec<graph::Widget<'_>>| -> FxHashMap<_, Value> {
            let widgets = widgets.into_iter();
            widgets.map(|widget| (widget.name, widget.value.clone())).collect()
        };
        let (before, own, beside) = (of(sides.base), sides.ours, of(sides.theirs));
        let result = of(result);
        for widget in own.into_iter().filter(|widget| widget.role.runs()) {
            let name = &widget.name;
            let values = ThreeWay::new(before.get(name), Some(widget.value), beside.get(name));
            let place = MergePlace::Widget(name.clone());
            if !is_preserved(values, result.get(name))
                && !self.reported.contains(scope, Some(there.id()), place)
            {
                doubts.push(AuditFinding::Value(self.side, there.id().clone(), name.to_string()));
            }
        }
    }
}

/// Whether a side's value (`ours` of the three) is in the result, or was the base's and
/// the other side changed it.
fn is_preserved(values: ThreeWay<Option<&Value>>, result: Option<&Value>) -> bool {
    let same = |a: Option<&Value>, b: Option<&Value>| match (a, b) {
        (Some(a), Some(b)) => a.is_equivalent(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    same(values.ours, result) || (same(values.ours, values.base) && same(values.theirs, result))
}
