//! Any three JSON documents: says what they are, lets the right engine merge them, applies
//! the rules to what it could not settle, and checks what came out.

use super::choose::{choose, drop_unreachable};
use super::conflict::{Conflict, ConflictKind, Part, Place};
use super::conserve::{Doubt, doubts};
use super::decision::{Decision, Verdict};
use super::embed::{Carrier, lift};
use super::identity::Kinship;
use super::json::{self, Report};
use super::ledger::{Ledger, Open};
use super::strategy::{Class, Rule, Strategies};
use super::three::{Outcome, Side, Three};
use super::virtual_base::{forget, without_unknown};
use super::{definitions, prompt, workflow};
use crate::canon;
use crate::graph::{
    Graph, Naming, Prompt, Renumbering, Scope, Table, Workflow, is_prompt, is_workflow,
};
use crate::json::{Path, Value};

/// How to merge.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The rules for what both sides changed.
    pub strategies: &'a Strategies,
    /// Who knows the names of widgets.
    pub naming: &'a dyn Naming,
}

/// What came out of a merge.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The merged document, in clean form. Where there are conflicts it holds ours, and
    /// says nothing of them.
    pub document: Value,
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// What could not be.
    pub conflicts: Vec<Conflict>,
    /// Which ids of theirs are others in the result, for a file that is a graph itself.
    pub renumbered: Renumbering,
    /// Why a merge that was made is not used: the document is ours, and the one conflict
    /// is about all of it.
    pub doubts: Vec<Doubt>,
}

impl Merged {
    fn plain(document: Value) -> Self {
        Merged {
            document,
            decisions: Vec::new(),
            conflicts: Vec::new(),
            renumbered: Renumbering::default(),
            doubts: Vec::new(),
        }
    }

    /// Ours, and one conflict about everything.
    fn whole(sides: Three<Option<&Value>>, doubts: Vec<Doubt>) -> Self {
        let conflict = Conflict {
            at: Path::root(),
            scope: Scope::Root,
            node: None,
            kind: ConflictKind::Structure,
            parts: vec![Part { node: None, place: Place::Document, sides: sides.cloned() }],
        };
        let document = sides.ours.cloned().unwrap_or_default();
        Merged { conflicts: vec![conflict], doubts, ..Merged::plain(document) }
    }
}

/// Merges three documents. Without a base, the file was added on both sides.
pub fn merge(base: Option<&Value>, ours: &Value, theirs: &Value, options: Options<'_>) -> Merged {
    let clean = |document: &Value| {
        let mut document = document.clone();
        canon::strip(&mut document);
        document
    };
    let (mut base, mut ours, mut theirs) = (base.map(clean), clean(ours), clean(theirs));
    if let Some(merged) = by_one_side(&base, &ours, &theirs) {
        return merged;
    }
    // Conflicts that a side carries along unsettled are no edits.
    let doubtful = base.as_mut().map(lift).unwrap_or_default();
    let (from_ours, from_theirs) = (lift(&mut ours), lift(&mut theirs));
    if let Some(base) = &mut base {
        forget(base, &doubtful, options.naming);
    }
    let mut merged = match by_one_side(&base, &ours, &theirs) {
        Some(merged) => merged,
        None => both(Three::new(base.as_ref(), Some(&ours), Some(&theirs)), options),
    };
    if !doubtful.is_empty() {
        merged.conflicts.iter_mut().for_each(without_unknown);
    }
    for carrier in from_ours.into_iter().chain(from_theirs) {
        carry_on(&mut merged, carrier);
    }
    merged
}

/// The merge where at most one side changed the document.
fn by_one_side(base: &Option<Value>, ours: &Value, theirs: &Value) -> Option<Merged> {
    match Three::new(base.as_ref(), Some(ours), Some(theirs)).settle() {
        Outcome::Unchanged | Outcome::Alike | Outcome::Ours => Some(Merged::plain(ours.clone())),
        Outcome::Theirs => Some(Merged::plain(theirs.clone())),
        Outcome::Apart => None,
    }
}

/// Takes over an unsettled conflict that a side carried, unless this merge has one about
/// the same place.
fn carry_on(merged: &mut Merged, carrier: Carrier) {
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
enum Sort {
    Workflow,
    Prompt,
    Json,
}

fn sort(value: Option<&Value>) -> Sort {
    match value {
        Some(Value::Object(object)) if is_workflow(object) => Sort::Workflow,
        Some(Value::Object(object)) if is_prompt(object) => Sort::Prompt,
        _ => Sort::Json,
    }
}

/// Both sides changed the document.
fn both(sides: Three<Option<&Value>>, options: Options<'_>) -> Merged {
    match (sort(sides.ours), sort(sides.theirs)) {
        (Sort::Workflow, Sort::Workflow) => workflows(sides, options),
        (Sort::Prompt, Sort::Prompt) => prompts(sides, options),
        (Sort::Json, Sort::Json) => other(sides, options),
        _ => Merged::whole(sides, Vec::new()),
    }
}

fn workflows(sides: Three<Option<&Value>>, options: Options<'_>) -> Merged {
    let read = |value: Option<&Value>| Workflow::from_value(value?.clone()).ok();
    let (Some(ours), Some(theirs)) = (read(sides.ours), read(sides.theirs)) else {
        return Merged::whole(sides, Vec::new());
    };
    let base = read(sides.base);
    let kinship = if base.is_some() { Kinship::Ancestor } else { Kinship::None };
    let unrelated = kinship == Kinship::None && !is_related(&ours, &theirs);
    if unrelated || ours.root.schema() != theirs.root.schema() {
        return Merged::whole(sides, Vec::new());
    }
    let nothing = || Workflow {
        root: Graph::default(),
        definitions: Table::default(),
        odd_definitions: Vec::new(),
    };
    let three = Three::new(base.unwrap_or_else(nothing), ours, theirs);
    let mut ledger = Ledger::new(options.strategies);
    let mut merged = workflow::merge(three, kinship, options.naming, &mut ledger);
    add_definitions(&mut ledger.conflicts, &merged);
    let idle = definitions::unreachable(&merged.workflow);
    let Ledger { mut decisions, conflicts, strategies } = ledger;
    let conflicts = by_rules(conflicts, strategies, &mut decisions, |conflict, side| {
        choose(&mut merged.workflow, conflict, side, options.naming);
        drop_unreachable(&mut merged.workflow, &idle);
    });
    merged.workflow.raise_counters();
    let doubts =
        doubts(merged.sides.as_ref(), &merged.workflow, &conflicts, &decisions, options.naming);
    if !doubts.is_empty() {
        return Merged::whole(sides, doubts);
    }
    let mut document = merged.workflow.into_value();
    canon::strip(&mut document);
    Merged { document, decisions, conflicts, renumbered: merged.renumbered, doubts }
}

/// Settles conflicts for which there is a rule.
fn by_rules(
    open: Vec<Open>,
    strategies: &Strategies,
    decisions: &mut Vec<Decision>,
    mut choose: impl FnMut(&Conflict, Side),
) -> Vec<Conflict> {
    let mut left = Vec::new();
    for Open { conflict, class } in open {
        let rule = strategies.on_conflict(class);
        let side = match rule {
            Rule::Ours => Side::Ours,
            Rule::Theirs => Side::Theirs,
            Rule::Auto | Rule::Conflict => {
                left.push(conflict);
                continue;
            }
        };
        choose(&conflict, side);
        for part in &conflict.parts {
            let node = conflict.node.clone();
            let node = node.filter(|node| Some(&node.id) == part.node.as_ref()).or_else(|| {
                let id = part.node.clone()?;
                Some(super::conflict::NodeName { id, shown: "node".into() })
            });
            decisions.push(Decision {
                at: conflict.at.clone(),
                scope: conflict.scope.clone(),
                node,
                place: part.place.clone(),
                verdict: Verdict::ByRule(class, rule),
            });
        }
    }
    left
}

/// A conflict about an instance carries the definition that only it leads to.
fn add_definitions(conflicts: &mut [Open], merged: &workflow::Merged) {
    for Open { conflict, .. } in conflicts {
        let mut open: Vec<crate::graph::SubgraphId> = conflict
            .parts
            .iter()
            .filter(|part| part.place == Place::Node)
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
            conflict.parts.push(Part { node: None, place: Place::Definition(id), sides });
        }
    }
}

/// Whether two files that were added apart are states of one workflow: the id of the
/// workflow, or most of the nodes.
fn is_related(ours: &Workflow, theirs: &Workflow) -> bool {
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

fn prompts(sides: Three<Option<&Value>>, options: Options<'_>) -> Merged {
    let read = |value: Option<&Value>| Prompt::from_value(value?.clone()).ok();
    let (Some(ours), Some(theirs)) = (read(sides.ours), read(sides.theirs)) else {
        return Merged::whole(sides, Vec::new());
    };
    let base = read(sides.base).unwrap_or_default();
    let mut ledger = Ledger::new(options.strategies);
    let mut prompt = prompt::merge(Three::new(base, ours, theirs), &mut ledger);
    let Ledger { mut decisions, conflicts, strategies } = ledger;
    let conflicts = by_rules(conflicts, strategies, &mut decisions, |conflict, side| {
        prompt::choose(&mut prompt.merged, conflict, side);
    });
    let doubts = prompt::doubts(&prompt, &conflicts, &decisions);
    if !doubts.is_empty() {
        return Merged::whole(sides, doubts);
    }
    let mut document = prompt.merged.into_value();
    canon::strip(&mut document);
    Merged { document, decisions, conflicts, renumbered: prompt.renumbered, doubts }
}

/// Other JSON, with graphs in it or without.
fn other(sides: Three<Option<&Value>>, options: Options<'_>) -> Merged {
    let mut walk = Walk { options, decisions: Vec::new(), conflicts: Vec::new() };
    let document = json::merge(sides, &mut Path::root(), &mut walk).unwrap_or_default();
    let Walk { decisions, conflicts, .. } = walk;
    Merged { decisions, conflicts, ..Merged::plain(document) }
}

struct Walk<'a> {
    options: Options<'a>,
    decisions: Vec<Decision>,
    conflicts: Vec<Conflict>,
}

impl Report for Walk<'_> {
    fn apart(&mut self, at: &Path, sides: Three<Option<&Value>>) -> Side {
        let class = Class::Other;
        let rule = self.options.strategies.on_conflict(class);
        let side = match rule {
            Rule::Ours => Side::Ours,
            Rule::Theirs => Side::Theirs,
            Rule::Auto | Rule::Conflict => {
                let kind = ConflictKind::BothChanged;
                let place = Place::Graph(at.clone());
                self.conflicts.push(Conflict::in_graph(&Scope::Root, kind, place, sides.cloned()));
                return Side::Ours;
            }
        };
        self.decided(at, Verdict::ByRule(class, rule));
        side
    }

    fn decided(&mut self, at: &Path, verdict: Verdict) {
        self.decisions.push(Decision {
            at: Path::root(),
            scope: Scope::Root,
            node: None,
            place: Place::Graph(at.clone()),
            verdict,
        });
    }

    fn special(&mut self, at: &Path, sides: Three<Option<&Value>>) -> Option<Option<Value>> {
        let sorts = (sort(sides.ours), sort(sides.theirs));
        if at.0.is_empty() || sorts.0 == Sort::Json || sorts.0 != sorts.1 {
            return None;
        }
        let merged = both(sides, self.options);
        let inside = |own: &Path| Path(at.0.iter().chain(&own.0).cloned().collect());
        self.decisions.extend(merged.decisions.into_iter().map(|mut decision| {
            decision.at = inside(&decision.at);
            decision
        }));
        self.conflicts.extend(merged.conflicts.into_iter().map(|mut conflict| {
            conflict.at = inside(&conflict.at);
            conflict
        }));
        Some(Some(merged.document))
    }
}
