//! What one merge has decided and could not settle so far.

use super::conflict::{Conflict, ConflictKind, NodeName, Place};
use super::decision::{Decision, Verdict};
use super::strategy::{Class, Rule, Strategies};
use super::three::{Side, Three};
use crate::graph::{Node, Scope, Workflow};
use crate::json::{Path, Value};

/// A conflict with the class of change whose rule decides about it.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) conflict: Conflict,
    pub(super) class: Class,
}

/// Decisions and conflicts in the order in which they came up.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    pub(super) strategies: &'a Strategies,
    pub(super) decisions: Vec<Decision>,
    pub(super) conflicts: Vec<Open>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(strategies: &'a Strategies) -> Self {
        Ledger { strategies, decisions: Vec::new(), conflicts: Vec::new() }
    }

    /// Whether what would be a conflict of this class is to be one even where there is a
    /// way out of it.
    pub(super) fn insists(&self, class: Class) -> bool {
        self.strategies.rule(class) == Rule::Conflict
    }

    pub(super) fn decide(
        &mut self,
        scope: &Scope,
        node: Option<NodeName>,
        place: Place,
        verdict: Verdict,
    ) {
        let at = Path::root();
        self.decisions.push(Decision { at, scope: scope.clone(), node, place, verdict });
    }

    /// Notes a conflict; gives its number, by which parts can be added to it.
    pub(super) fn open(&mut self, conflict: Conflict) -> usize {
        let class = Class::of(conflict.kind, conflict.place());
        self.open_as(conflict, class)
    }

    /// The same with a class that does not follow from the place.
    pub(super) fn open_as(&mut self, conflict: Conflict, class: Class) -> usize {
        self.conflicts.push(Open { conflict, class });
        self.conflicts.len() - 1
    }

    /// A conflict about one place of a node that both changed.
    pub(super) fn apart(
        &mut self,
        scope: &Scope,
        node: NodeName,
        place: Place,
        sides: Three<Option<Value>>,
    ) {
        self.open(Conflict::in_node(scope, node, ConflictKind::BothChanged, place, sides));
    }
}

/// What a person knows a node by.
pub(super) fn name_of(workflow: &Workflow, node: &Node) -> NodeName {
    NodeName { id: node.id().clone(), shown: workflow.shown(node).into() }
}

/// The same for whichever of the sides has the node, ours first.
pub(super) fn name_in(
    workflows: Three<&Workflow>,
    scope: &Scope,
    id: &crate::graph::NodeId,
) -> NodeName {
    let of = |side: Side| {
        let workflow = *workflows.get(side);
        let node = workflow.graph(scope)?.nodes.get(id)?;
        Some(name_of(workflow, node))
    };
    of(Side::Ours)
        .or_else(|| of(Side::Theirs))
        .or_else(|| of(Side::Base))
        .unwrap_or_else(|| NodeName { id: id.clone(), shown: "node".into() })
}
