//! Nothing is lost: every node, wire and value of either side is in the result, was taken
//! away or replaced by the other side alone, or is in a conflict or a reported decision.
//!
//! Looks at the documents only, never at how they were merged: a mistake elsewhere must
//! not be able to hide itself here.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};

use super::conflict::{Conflict, Place};
use super::decision::{Decision, Verdict};
use super::three::{Side, Three};
use crate::graph::{
    self, Defect, Graph, Naming, Node, NodeId, Scope, Sink, SlotName, Source, Weight, Wire, Wires,
    Workflow,
};
use crate::json::Value;

/// What is wrong with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// A defect that no side had.
    Damaged(Defect),
    /// A node of a side is not there.
    Node(Side, NodeId),
    /// A wire of a side is not there.
    Wire(Side, NodeId, SlotName),
    /// A value of a side is not there.
    Value(Side, NodeId, String),
    /// A subgraph definition of a side is not there.
    Definition(Side, String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Damaged(defect) => write!(f, "the result would be damaged: {defect}"),
            Doubt::Node(side, id) => write!(f, "{} node {id} would be lost", side.word()),
            Doubt::Wire(side, id, input) => {
                write!(f, "the wire of {} into {input} of node {id} would be lost", side.word())
            }
            Doubt::Value(side, id, name) => {
                write!(f, "the value of {} for {name} of node {id} would be lost", side.word())
            }
            Doubt::Definition(side, id) => {
                write!(f, "the subgraph {id} of {} would be lost", side.word())
            }
        }
    }
}

/// Finds what a result would lose or break. Ids mean the same in all documents.
pub(super) fn doubts(
    sides: Three<&Workflow>,
    result: &Workflow,
    conflicts: &[Conflict],
    decisions: &[Decision],
    naming: &dyn Naming,
) -> Vec<Doubt> {
    let mut doubts = damage(sides, result);
    let told = Told::of(conflicts, decisions);
    for side in [Side::Ours, Side::Theirs] {
        let audit = Audit { sides, result, told: &told, naming, side };
        for (scope, graph) in sides.get(side).graphs() {
            audit.graph(&scope, graph, &mut doubts);
        }
    }
    doubts
}

fn damage(sides: Three<&Workflow>, result: &Workflow) -> Vec<Doubt> {
    let heavy = |defect: &Defect| defect.weight() >= Weight::Heavy;
    let found: Vec<Defect> = graph::check(result).into_iter().filter(heavy).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let all = [sides.ours, sides.theirs, sides.base];
    let known: FxHashSet<Defect> = all.into_iter().flat_map(graph::check).collect();
    found.into_iter().filter(|defect| !known.contains(defect)).map(Doubt::Damaged).collect()
}

/// What conflicts and decisions are about: its loss is reported.
struct Told {
    nodes: FxHashSet<(Scope, NodeId)>,
    places: FxHashSet<(Scope, Option<NodeId>, Place)>,
    values: FxHashSet<(Scope, NodeId)>,
    definitions: FxHashSet<String>,
}

impl Told {
    fn of(conflicts: &[Conflict], decisions: &[Decision]) -> Self {
        let mut told = Told {
            nodes: FxHashSet::default(),
            places: FxHashSet::default(),
            values: FxHashSet::default(),
            definitions: FxHashSet::default(),
        };
        for conflict in conflicts {
            for part in &conflict.parts {
                told.note(&conflict.scope, part.node.as_ref(), &part.place);
            }
        }
        for decision in decisions {
            let settled = matches!(
                decision.verdict,
                Verdict::Words
                    | Verdict::Elements
                    | Verdict::Rerolled
                    | Verdict::Chosen(_)
                    | Verdict::Looks
                    | Verdict::WentAlong(_)
                    | Verdict::ByRule(..)
            );
            if settled {
                let node = decision.node.as_ref().map(|node| &node.id);
                told.note(&decision.scope, node, &decision.place);
            }
        }
        told
    }

    fn note(&mut self, scope: &Scope, node: Option<&NodeId>, place: &Place) {
        match (place, node) {
            (Place::Node, Some(id)) => {
                self.nodes.insert((scope.clone(), id.clone()));
            }
            (Place::Widgets | Place::Choice(_), Some(id)) => {
                self.values.insert((scope.clone(), id.clone()));
            }
            (Place::Definition(id), _) => {
                self.definitions.insert(id.to_string());
            }
            _ => {
                self.places.insert((scope.clone(), node.cloned(), place.clone()));
            }
        }
    }

    fn has_node(&self, scope: &Scope, id: &NodeId) -> bool {
        self.nodes.contains(&(scope.clone(), id.clone()))
    }

    fn has(&self, scope: &Scope, node: Option<&NodeId>, place: Place) -> bool {
        self.places.contains(&(scope.clone(), node.cloned(), place))
    }
}

struct Audit<'a> {
    sides: Three<&'a Workflow>,
    result: &'a Workflow,
    told: &'a Told,
    naming: &'a dyn Naming,
    side: Side,
}

/// Where a wire comes from, with the output by name: numbers shift.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Output(NodeId, SlotName),
    Boundary(SlotName),
}

fn origin(graph: &Graph, wire: &Wire) -> Origin {
    match &wire.from {
        Source::Node { id, slot } => {
            let name = graph.nodes.get(id).map(|node| node.output_name(*slot));
            Origin::Output(id.clone(), name.unwrap_or_else(|| SlotName::unlisted(*slot)))
        }
        Source::Boundary(name) => Origin::Boundary(name.clone()),
    }
}

impl Audit<'_> {
    fn graph(&self, scope: &Scope, graph: &Graph, doubts: &mut Vec<Doubt>) {
        let base = self.sides.base.graph(scope);
        let other = self.sides.get(self.side.other()).graph(scope);
        let Some(result) = self.result.graph(scope) else {
            if let Scope::Definition(id) = scope {
                self.definition(id.as_str(), base.is_some() && other.is_none(), doubts);
            }
            return;
        };
        for (id, node) in &graph.nodes {
            let before = base.and_then(|graph| graph.nodes.get(id));
            let beside = other.and_then(|graph| graph.nodes.get(id));
            match result.nodes.get(id) {
                Some(there) => {
                    self.node(scope, Three::new(before, Some(node), beside), there, doubts)
                }
                None if before.is_some() && beside.is_none() => {}
                None if self.told.has_node(scope, id) => {}
                None => doubts.push(Doubt::Node(self.side, id.clone())),
            }
        }
        let wires = |graph: Option<&Graph>| graph.map(Wires::of).unwrap_or_default();
        let (own, before, beside, there) =
            (Wires::of(graph), wires(base), wires(other), Wires::of(result));
        let of = |graph: Option<&Graph>, wires: &Wires, sink: &Sink| {
            Some(origin(graph?, wires.by_sink.get(sink)?))
        };
        for (sink, wire) in &own.by_sink {
            let from = Some(origin(graph, wire));
            if of(Some(result), &there, sink) == from {
                continue;
            }
            let before = of(base, &before, sink);
            let replaced = before == from && of(other, &beside, sink) != before;
            if !replaced && !self.explains(scope, result, sink, wire) {
                let (id, input) = match sink {
                    Sink::Node { id, input } => (id.clone(), input.clone()),
                    Sink::Boundary(output) => (NodeId::GRAPH_OUTPUT, output.clone()),
                };
                doubts.push(Doubt::Wire(self.side, id, input));
            }
        }
    }

    /// Whether an end of a wire that is not there is gone, or the wire is in a conflict.
    fn explains(&self, scope: &Scope, result: &Graph, sink: &Sink, wire: &Wire) -> bool {
        let source_gone = matches!(
            &wire.from,
            Source::Node { id, .. } if !result.nodes.contains_key(id)
        );
        source_gone
            || match sink {
                Sink::Node { id, input } => {
                    !result.nodes.contains_key(id)
                        || self.told.has(scope, Some(id), Place::Input(input.clone()))
                }
                Sink::Boundary(output) => {
                    self.told.has(scope, None, Place::Boundary(output.clone()))
                }
            }
    }

    fn definition(&self, id: &str, removed: bool, doubts: &mut Vec<Doubt>) {
        let used = self.result.nodes().any(|(_, node)| node.class() == id);
        // Without an instance in the result it went with its instances, which are nodes.
        if used && !removed && !self.told.definitions.contains(id) {
            doubts.push(Doubt::Definition(self.side, id.to_owned()));
        }
    }

    fn node(
        &self,
        scope: &Scope,
        nodes: Three<Option<&Node>>,
        there: &Node,
        doubts: &mut Vec<Doubt>,
    ) {
        let (Some(own), id) = (nodes.ours, there.id()) else { return };
        if self.told.has_node(scope, id) {
            return;
        }
        for key in ["type", "title", "mode"] {
            let values = nodes.map(|node| node.and_then(|node| node.raw().get(key)));
            let place = Place::Key(crate::json::Path(vec![key.into()]));
            if !is_there(values, there.raw().get(key)) && !self.told.has(scope, Some(id), place) {
                doubts.push(Doubt::Value(self.side, id.clone(), key.to_owned()));
            }
        }
        if own.raw().get("widgets_values") == there.raw().get("widgets_values")
            || self.told.values.contains(&(scope.clone(), id.clone()))
        {
            return;
        }
        self.values(scope, nodes, there, doubts);
    }

    fn values(
        &self,
        scope: &Scope,
        nodes: Three<Option<&Node>>,
        there: &Node,
        doubts: &mut Vec<Doubt>,
    ) {
        let other = *self.sides.get(self.side.other());
        let workflows = Three::new(self.sides.base, *self.sides.get(self.side), other);
        // A name that only one document knows would make every value look lost.
        let own = nodes.ours.map(|node| self.naming.widgets(workflows.ours, node));
        let named = |widgets: &[graph::Widget<'_>]| {
            widgets.iter().all(|widget| widget.name.as_str().is_some())
        };
        let knows = self.naming.widgets(self.result, there);
        let by_name = own.as_deref().is_some_and(|own| named(own) == named(&knows));
        let of = |workflow: &'_ Workflow, node: Option<&'_ Node>| -> FxHashMap<_, Value> {
            let widgets = node.map(|node| match by_name {
                true => self.naming.widgets(workflow, node),
                false => graph::by_position(node),
            });
            let widgets = widgets.unwrap_or_default().into_iter();
            widgets.map(|widget| (widget.name, widget.value.clone())).collect()
        };
        let own = match by_name {
            true => own,
            false => nodes.ours.map(graph::by_position),
        };
        let before = of(workflows.base, nodes.base);
        let beside = of(workflows.theirs, nodes.theirs);
        let result = of(self.result, Some(there));
        for widget in own.into_iter().flatten().filter(|widget| widget.role.runs()) {
            let name = &widget.name;
            let values = Three::new(before.get(name), Some(widget.value), beside.get(name));
            let place = Place::Widget(name.clone());
            if !is_there(values, result.get(name)) && !self.told.has(scope, Some(there.id()), place)
            {
                doubts.push(Doubt::Value(self.side, there.id().clone(), name.to_string()));
            }
        }
    }
}

/// Whether a side's value (`ours` of the three) is in the result, or was the base's and
/// the other side changed it.
fn is_there(values: Three<Option<&Value>>, result: Option<&Value>) -> bool {
    let same = |a: Option<&Value>, b: Option<&Value>| match (a, b) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    same(values.ours, result) || (same(values.ours, values.base) && same(values.theirs, result))
}
