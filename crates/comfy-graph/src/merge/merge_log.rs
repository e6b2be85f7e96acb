//! What one merge has decided and could not settle so far.

use super::conflict::{Conflict, ConflictKind, MergePlace, NodeName};
use super::decision::{MergeDecision, MergeVerdict};
use super::strategy::{ChangeClass, MergeRule, MergeStrategies};
use super::three_way::{MergeSide, ThreeWay};
use crate::graph::{GraphScope, Node, Workflow};
use crate::json::{JsonPath, Value};

/// A conflict with the class of change whose rule decides about it.
#[derive(Debug, Clone)]
pub(super) struct OpenConflict {
    pub(super) conflict: Conflict,
    pub(super) class: ChangeClass,
}

/// Decisions and conflicts in the order in which they came up.
#[derive(Debug)]
pub(super) struct MergeLog<'a> {
    pub(super) strategies: &'a MergeStrategies,
    pub(super) decisions: Vec<MergeDecision>,
    pub(super) conflicts: Vec<OpenConflict>,
}

impl<'a> MergeLog<'a> {
    pub(super) fn new(strategies: &'a MergeStrategies) -> Self {
        MergeLog { strategies, decisions: Vec::new(), conflicts: Vec::new() }
    }

    /// Whether what would be a conflict of this class is to be one even where there is a
    /// way out of it.
    pub(super) fn forces_conflict(&self, class: ChangeClass) -> bool {
        self.strategies.rule(class) == MergeRule::Conflict
    }

    pub(super) fn log_decision(
        &mut self,
        scope: &GraphScope,
        node: Option<NodeName>,
        place: MergePlace,
        verdict: MergeVerdict,
    ) {
        let at = JsonPath::root();
        self.decisions.push(MergeDecision { at, scope: scope.clone(), node, place, verdict });
    }

    /// Notes a conflict; gives its number, by which parts can be added to it.
    pub(super) fn log_conflict(&mut self, conflict: Conflict) -> usize {
        let class = ChangeClass::of_conflict(conflict.kind, conflict.place());
        self.log_conflict_as(conflict, class)
    }

    /// The same with a class that does not follow from the place.
    pub(super) fn log_conflict_as(&mut self, conflict: Conflict, class: ChangeClass) -> usize {
        self.conflicts.push(OpenConflict { conflict, class });
        self.conflicts.len() - 1
    }

    /// A conflict about one place of a node that both changed.
    pub(super) fn log_both_changed(
        &mut self,
        scope: &GraphScope,
        node: NodeName,
        place: MergePlace,
        sides: ThreeWay<Option<Value>>,
    ) {
        self.log_conflict(Conflict::in_node(scope, node, ConflictKind::BothChanged, place, sides));
    }
}

/// What a person knows a node by.
pub(super) fn node_name(workflow: &Workflow, node: &Node) -> NodeName {
    NodeName { id: node.id().clone(), display_name: workflow.display_name(node).into() }
}

/// The same for whichever of the sides has the node, ours first.
pub(super) fn node_name_on_any_side(
    workflows: ThreeWay<&Workflow>,
    scope: &GraphScope,
    id: &crate::graph::NodeId,
) -> NodeName {
    let of = |side: MergeSide| {
        let workflow = *workflows.get(side);
        let node = workflow.graph(scope)?.nodes.get(id)?;
        Some(node_name(workflow, node))
    };
    of(MergeSide::Ours)
        .or_else(|| of(MergeSide::Theirs))
        .or_else(|| of(MergeSide::Base))
        .unwrap_or_else(|| NodeName { id: id.clone(), display_name: "node".into() })
}
