//! Any three JSON documents: says what they are, lets the right engine merge them, applies
//! the rules to what it could not settle, and checks what came out.

use super::audit::{AuditFinding, audit_workflow};
use super::conflict::{Conflict, ConflictKind, ConflictPart, MergePlace};
use super::conflict_embedding::{GraphConflicts, take_conflicts};
use super::decision::{MergeDecision, MergeVerdict};
use super::id_alignment::Ancestry;
use super::json_merge::{self, JsonMergeHandler};
use super::merge_log::{MergeLog, OpenConflict};
use super::side_writer::{drop_unreachable_definitions, write_side_of_conflict};
use super::strategy::{ChangeClass, MergeRule, MergeStrategies};
use super::three_way::{MergeSide, ThreeWay, ThreeWayOutcome};
use super::virtual_base::{clear_unknown_base, make_conflicts_unknown};
use super::{added_definitions, moved_members, prompt, workflow};
use crate::clean;
use crate::graph::{
    FxIndexMap, Graph, GraphScope, Prompt, Renumbering, WidgetNaming, Workflow, is_prompt,
    is_workflow,
};
use crate::json::{JsonPath, Value};

/// How to merge.
#[derive(Clone, Copy)]
pub struct MergeOptions<'a> {
    /// The rules for what both sides changed.
    pub strategies: &'a MergeStrategies,
    /// Who knows the names of widgets.
    pub naming: &'a dyn WidgetNaming,
}

/// What came out of a merge.
#[derive(Debug, Clone)]
pub struct MergeResult {
    /// The merged document, in clean form. Where there are conflicts it holds ours, and
    /// says nothing of them.
    pub document: Value,
    /// What was decided.
    pub decisions: Vec<MergeDecision>,
    /// What could not be.
    pub conflicts: Vec<Conflict>,
    /// Which ids of theirs are others in the result, for a file that is a graph itself.
    pub renumbered: Renumbering,
    /// Why a merge that was made is not used: the document is ours, and the one conflict
    /// is about all of it.
    pub audit_findings: Vec<AuditFinding>,
}

impl MergeResult {
    fn without_conflicts(document: Value) -> Self {
        MergeResult {
            document,
            decisions: Vec::new(),
            conflicts: Vec::new(),
            renumbered: Renumbering::default(),
            audit_findings: Vec::new(),
        }
    }

    /// Ours, and one conflict about everything.
    fn whole_conflict(sides: ThreeWay<Option<&Value>>, audit_findings: Vec<AuditFinding>) -> Self {
        let conflict = Conflict {
            at: JsonPath::root(),
            scope: GraphScope::Root,
            node: None,
            kind: ConflictKind::Structure,
            parts: vec![ConflictPart {
                node: None,
                place: MergePlace::Document,
                sides: sides.cloned(),
            }],
        };
        let document = sides.ours.cloned().unwrap_or_default();
        MergeResult {
            conflicts: vec![conflict],
            audit_findings,
            ..MergeResult::without_conflicts(document)
        }
    }
}

/// Merges three documents. Without a base, the file was added on both sides.
pub fn merge_documents(
    base: Option<&Value>,
    ours: &Value,
    theirs: &Value,
    options: MergeOptions<'_>,
) -> MergeResult {
    let clean = |document: &Value| {
        let mut document = document.clone();
        clean::strip_layout(&mut document);
        document
    };
    let (mut base, mut ours, mut theirs) = (base.map(clean), clean(ours), clean(theirs));
    if let Some(merged) = merge_one_sided(&base, &ours, &theirs) {
        return merged;
    }
    // Conflicts that a side carries along unsettled are no edits.
    let doubtful = base.as_mut().map(take_conflicts).unwrap_or_default();
    let (from_ours, from_theirs) = (take_conflicts(&mut ours), take_conflicts(&mut theirs));
    if let Some(base) = &mut base {
        make_conflicts_unknown(base, &doubtful, options.naming);
    }
    let mut merged = match merge_one_sided(&base, &ours, &theirs) {
        Some(merged) => merged,
        None => merge_both(ThreeWay::new(base.as_ref(), Some(&ours), Some(&theirs)), options),
    };
    if !doubtful.is_empty() {
        merged.conflicts.iter_mut().for_each(clear_unknown_base);
    }
    for carrier in from_ours.into_iter().chain(from_theirs) {
        carry_over_conflicts(&mut merged, carrier);
    }
    merged
}

/// The merge where at most one side changed the document.
fn merge_one_sided(base: &Option<Value>, ours: &Value, theirs: &Value) -> Option<MergeResult> {
    match ThreeWay::new(base.as_ref(), Some(ours), Some(theirs)).settle() {
        ThreeWayOutcome::Unchanged | ThreeWayOutcome::SameChange | ThreeWayOutcome::Ours => {
            Some(MergeResult::without_conflicts(ours.clone()))
        }
        ThreeWayOutcome::Theirs => Some(MergeResult::without_conflicts(theirs.clone())),
        ThreeWayOutcome::Conflicting => None,
    }
}

/// Takes over an unsettled conflict that a side carried, unless this merge has one about
/// the same place.
fn carry_over_conflicts(merged: &mut MergeResult, carrier: GraphConflicts) {
    for carried in carrier.conflicts {
        let conflict = Conflict { at: carrier.at.clone(), ..carried.conflict };
        let same = |known: &Conflict| {
            let place = |conflict: &Conflict| {
                let part = conflict.parts.first();
                part.map(|part| (part.node.clone(), part.place.clone()))
            };
            known.at == conflict.at
                && known.scope == conflict.scope
                && place(known) == place(&conflict)
        };
        if !merged.conflicts.iter().any(same) {
            merged.conflicts.push(conflict);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DocumentFormat {
    Workflow,
    Prompt,
    Json,
}

fn document_format(value: Option<&Value>) -> DocumentFormat {
    match value {
        Some(Value::Object(object)) if is_workflow(object) => DocumentFormat::Workflow,
        Some(Value::Object(object)) if is_prompt(object) => DocumentFormat::Prompt,
        _ => DocumentFormat::Json,
    }
}

/// Both sides changed the document.
fn merge_both(sides: ThreeWay<Option<&Value>>, options: MergeOptions<'_>) -> MergeResult {
    match (document_format(sides.ours), document_format(sides.theirs)) {
        (DocumentFormat::Workflow, DocumentFormat::Workflow) => merge_workflows(sides, options),
        (DocumentFormat::Prompt, DocumentFormat::Prompt) => merge_prompts(sides, options),
        (DocumentFormat::Json, DocumentFormat::Json) => merge_other_json(sides, options),
        _ => MergeResult::whole_conflict(sides, Vec::new()),
    }
}

fn merge_workflows(sides: ThreeWay<Option<&Value>>, options: MergeOptions<'_>) -> MergeResult {
    let read = |value: Option<&Value>| Workflow::from_value(value?.clone()).ok();
    let (Some(ours), Some(theirs)) = (read(sides.ours), read(sides.theirs)) else {
        return MergeResult::whole_conflict(sides, Vec::new());
    };
    let base = read(sides.base);
    let kinship = if base.is_some() { Ancestry::Ancestor } else { Ancestry::None };
    let unrelated = kinship == Ancestry::None && !are_related(&ours, &theirs);
    if unrelated || ours.root.schema() != theirs.root.schema() {
        return MergeResult::whole_conflict(sides, Vec::new());
    }
    let nothing = || Workflow {
        root: Graph::default(),
        definitions: FxIndexMap::default(),
        untyped_definitions: Vec::new(),
    };
    let three = ThreeWay::new(base.unwrap_or_else(nothing), ours, theirs);
    let mut log = MergeLog::new(options.strategies);
    let mut merged = workflow::merge_workflow(three, kinship, options.naming, &mut log);
    attach_definitions(&mut log.conflicts, &merged);
    let idle = added_definitions::unreachable_definitions(&merged.workflow);
    let MergeLog { mut decisions, conflicts, strategies } = log;
    let conflicts = settle_by_rules(conflicts, strategies, &mut decisions, |conflict, side| {
        write_side_of_conflict(&mut merged.workflow, conflict, side, options.naming);
        drop_unreachable_definitions(&mut merged.workflow, &idle);
    });
    merged.workflow.raise_counters();
    let doubts = audit_workflow(
        merged.sides.as_ref(),
        &merged.workflow,
        &conflicts,
        &decisions,
        options.naming,
    );
    if !doubts.is_empty() {
        return MergeResult::whole_conflict(sides, doubts);
    }
    let mut document = merged.workflow.into_value();
    clean::strip_layout(&mut document);
    MergeResult {
        document,
        decisions,
        conflicts,
        renumbered: merged.renumbered,
        audit_findings: doubts,
    }
}

/// Settles conflicts for which there is a rule.
fn settle_by_rules(
    open: Vec<OpenConflict>,
    strategies: &MergeStrategies,
    decisions: &mut Vec<MergeDecision>,
    mut choose: impl FnMut(&Conflict, MergeSide),
) -> Vec<Conflict> {
    let mut left = Vec::new();
    for OpenConflict { conflict, class } in open {
        let rule = strategies.conflict_rule(class);
        let side = match rule {
            MergeRule::Ours => MergeSide::Ours,
            MergeRule::Theirs => MergeSide::Theirs,
            MergeRule::Auto | MergeRule::Conflict => {
                left.push(conflict);
                continue;
            }
        };
        choose(&conflict, side);
        for part in &conflict.parts {
            let node = conflict.node.clone();
            let node = node.filter(|node| Some(&node.id) == part.node.as_ref()).or_else(|| {
                let id = part.node.clone()?;
                Some(super::conflict::NodeName { id, display_name: "node".into() })
            });
            decisions.push(MergeDecision {
                at: conflict.at.clone(),
                scope: conflict.scope.clone(),
                node,
                place: part.place.clone(),
                verdict: MergeVerdict::ByRule(class, rule),
            });
        }
    }
    left
}

/// A conflict about an instance carries the definition that only it leads to.
fn attach_definitions(conflicts: &mut [OpenConflict], merged: &workflow::MergedWorkflow) {
    for OpenConflict { conflict, .. } in conflicts {
        let mut open: Vec<crate::graph::SubgraphId> = conflict
            .parts
            .iter()
            .filter(|part| part.place == MergePlace::Node)
            .flat_map(|part| [&part.sides.base, &part.sides.ours, &part.sides.theirs])
            .flatten()
            .filter_map(|node| Some(crate::graph::SubgraphId::new(node.get("type")?.as_str()?)))
            .collect();
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some(id) = open.pop() {
            if merged.workflow.definitions.contains_key(&id) || !seen.insert(id.clone()) {
                continue;
            }
            let found = merged.sides.as_ref().map(|workflow| workflow.definitions.get(&id));
            let inside = [found.base, found.ours, found.theirs].into_iter().flatten();
            let inner: Vec<_> = inside
                .flat_map(|definition| definition.graph.nodes.values())
                .map(crate::graph::Node::as_subgraph)
                .collect();
            if inner.is_empty() {
                continue;
            }
            open.extend(inner);
            let sides = found.map(|definition| definition.cloned().map(|d| d.into_value()));
            conflict.parts.push(ConflictPart {
                node: None,
                place: MergePlace::Definition(id),
                sides,
            });
        }
    }
}

/// Whether two files that were added apart are states of one workflow: the id of the
/// workflow, or most of the nodes.
fn are_related(ours: &Workflow, theirs: &Workflow) -> bool {
    let id = |workflow: &Workflow| workflow.root.rest.get("id").cloned();
    if id(ours).is_some() && id(ours) == id(theirs) {
        return true;
    }
    let same = ours.root.nodes.iter().filter(|(id, node)| {
        theirs.root.nodes.get(*id).is_some_and(|other| other.class() == node.class())
    });
    let most = ours.root.nodes.len().max(theirs.root.nodes.len());
    same.count() * 2 > most
}

fn merge_prompts(sides: ThreeWay<Option<&Value>>, options: MergeOptions<'_>) -> MergeResult {
    let read = |value: Option<&Value>| Prompt::from_value(value?.clone()).ok();
    let (Some(ours), Some(theirs)) = (read(sides.ours), read(sides.theirs)) else {
        return MergeResult::whole_conflict(sides, Vec::new());
    };
    let base = read(sides.base).unwrap_or_default();
    let beside = [&base, &ours, &theirs].map(|prompt| Value::Object(prompt.rest.clone()));
    let mut walk = JsonMergeLog { options, decisions: Vec::new(), conflicts: Vec::new() };
    let beside = json_merge::merge_values(
        ThreeWay::new(Some(&beside[0]), Some(&beside[1]), Some(&beside[2])),
        &mut JsonPath::root(),
        &mut walk,
    );
    // No card can be put beside a remark.
    if !walk.conflicts.is_empty() {
        return MergeResult::whole_conflict(sides, Vec::new());
    }
    let mut log = MergeLog::new(options.strategies);
    log.decisions.extend(walk.decisions);
    let mut prompt = prompt::merge_prompt(ThreeWay::new(base, ours, theirs), &mut log);
    let MergeLog { mut decisions, conflicts, strategies } = log;
    let conflicts = settle_by_rules(conflicts, strategies, &mut decisions, |conflict, side| {
        prompt::write_side_in_prompt(&mut prompt.prompt, conflict, side);
    });
    let doubts = prompt::audit_prompt(&prompt, &conflicts, &decisions);
    if !doubts.is_empty() {
        return MergeResult::whole_conflict(sides, doubts);
    }
    if let Some(Value::Object(beside)) = beside {
        prompt.prompt.rest = beside;
    }
    let mut document = prompt.prompt.into_value();
    clean::strip_layout(&mut document);
    MergeResult {
        document,
        decisions,
        conflicts,
        renumbered: prompt.renumbered,
        audit_findings: doubts,
    }
}

/// Other JSON, with graphs in it or without.
fn merge_other_json(sides: ThreeWay<Option<&Value>>, options: MergeOptions<'_>) -> MergeResult {
    let mut walk = JsonMergeLog { options, decisions: Vec::new(), conflicts: Vec::new() };
    let mut document =
        json_merge::merge_values(sides, &mut JsonPath::root(), &mut walk).unwrap_or_default();
    let JsonMergeLog { mut decisions, mut conflicts, .. } = walk;
    conflicts.retain(|conflict| match moved_members::follow_move(&mut document, sides, conflict) {
        Some(decision) => {
            decisions.push(decision);
            false
        }
        None => true,
    });
    MergeResult { decisions, conflicts, ..MergeResult::without_conflicts(document) }
}

struct JsonMergeLog<'a> {
    options: MergeOptions<'a>,
    decisions: Vec<MergeDecision>,
    conflicts: Vec<Conflict>,
}

impl JsonMergeHandler for JsonMergeLog<'_> {
    fn conflicting(&mut self, at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> MergeSide {
        let class = ChangeClass::Other;
        let rule = self.options.strategies.conflict_rule(class);
        let side = match rule {
            MergeRule::Ours => MergeSide::Ours,
            MergeRule::Theirs => MergeSide::Theirs,
            MergeRule::Auto | MergeRule::Conflict => {
                let kind = ConflictKind::BothChanged;
                let place = MergePlace::Graph(at.clone());
                self.conflicts.push(Conflict::in_graph(
                    &GraphScope::Root,
                    kind,
                    place,
                    sides.cloned(),
                ));
                return MergeSide::Ours;
            }
        };
        self.decided(at, MergeVerdict::ByRule(class, rule));
        side
    }

    fn decided(&mut self, at: &JsonPath, verdict: MergeVerdict) {
        self.decisions.push(MergeDecision {
            at: JsonPath::root(),
            scope: GraphScope::Root,
            node: None,
            place: MergePlace::Graph(at.clone()),
            verdict,
        });
    }

    fn merge_specially(&mut self, at: &JsonPath, sides: ThreeWay<Option<&Value>>) -> Option<Value> {
        let sorts = (document_format(sides.ours), document_format(sides.theirs));
        if at.0.is_empty() || sorts.0 == DocumentFormat::Json || sorts.0 != sorts.1 {
            return None;
        }
        let merged = merge_both(sides, self.options);
        let inside = |own: &JsonPath| JsonPath(at.0.iter().chain(&own.0).cloned().collect());
        self.decisions.extend(merged.decisions.into_iter().map(|mut decision| {
            decision.at = inside(&decision.at);
            decision
        }));
        self.conflicts.extend(merged.conflicts.into_iter().map(|mut conflict| {
            conflict.at = inside(&conflict.at);
            conflict
        }));
        Some(merged.document)
    }
}
