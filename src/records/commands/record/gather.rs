//! The record of one commit, as this machine can make it now.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use comfy_graph::graph::{GraphKind, Kind, Prompt, Workflow};
use comfy_graph::json::Value;
use comfy_graph::{graph, json};

use super::here::{Asked, Here, Patience};
use crate::platform::git;
use crate::platform::git::changes::Touched;
use crate::platform::git::{CommitId, Repository, changes};
use crate::records;
use crate::records::look::Failure;
use crate::records::named::{Named, of_prompt, of_workflow};
use crate::records::{ClassUse, ModelUse, Part, Record, Seen, Status, WorkflowUse, notes};

/// The largest workflow that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// What was gathered of one commit.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) record: Record,
    /// Files whose digests are not known yet.
    pub(crate) waiting: Vec<PathBuf>,
    /// What the record refers to: the list of packages.
    pub(crate) shared: Option<Vec<u8>>,
}

/// Files that could not be hashed.
pub(crate) type Failures = HashMap<PathBuf, Failure>;

impl Here {
    /// What a commit was made with; `None` when it touches no workflow.
    pub(crate) fn gather(
        &self,
        repository: &Repository,
        commit: CommitId,
        failures: &Failures,
    ) -> git::Result<Option<Gathered>> {
        let mut skipped = false;
        let mut workflows = Vec::new();
        for (file, document) in touched(repository, commit)? {
            let Some(named) = self.named(&document, &mut skipped) else { continue };
            workflows.push(WorkflowUse {
                path: String::from_utf8_lossy(file.path.as_bytes()).into_owned(),
                blob: file.blob.to_string(),
                models: named.models,
                classes: named.classes,
                rest: Default::default(),
            });
        }
        if workflows.is_empty() {
            return Ok(None);
        }
        let nothing = Default::default();
        let modules = if self.knows_all(&workflows) { &nothing } else { &self.learned().modules };
        let (seen, waiting, shared) = self.look(modules, |look| {
            for workflow in &mut workflows {
                look.settle_unknown(&mut workflow.models);
            }
            let models: Vec<ModelUse> = workflows.iter().flat_map(|w| w.models.clone()).collect();
            let classes: Vec<ClassUse> = workflows.iter().flat_map(|w| w.classes.clone()).collect();
            let models = look.models(&models, failures);
            let packs = look.packs(&classes, SystemTime::now());
            let mut pending = std::collections::BTreeSet::new();
            let (environment, shared) = if self.is_server_silent() {
                // What runs is known to a server that may answer later.
                pending.insert(Part::Environment);
                (None, None)
            } else {
                let (mut environment, packages) = look.environment();
                let shared = packages.map(String::into_bytes);
                environment.packages =
                    shared.as_ref().map(|list| notes::shared_id(repository, list).to_string());
                (Some(environment), shared)
            };
            if skipped {
                pending.extend([Part::Models, Part::Packs]);
            }
            let seen = Seen {
                at: self.at.clone(),
                with: concat!("git-comfy ", env!("CARGO_PKG_VERSION")).to_owned(),
                environment,
                models: models.facts,
                packs: packs.facts,
                unplaced: packs.unplaced,
                pending,
                ..Seen::default()
            };
            (seen, models.waiting, shared)
        });
        let record =
            Record { workflows, seen: [(self.machine.clone(), seen)].into(), ..Record::default() };
        let waiting = waiting.into_iter().map(|waiting| waiting.file).collect();
        Ok(Some(Gathered { record: record.normal(), waiting, shared }))
    }

    fn is_server_silent(&self) -> bool {
        self.patience == Patience::Hook && matches!(self.asked, Asked::Silent(_))
    }

    fn knows_all(&self, workflows: &[WorkflowUse]) -> bool {
        workflows.iter().all(|workflow| workflow.classes.is_empty())
    }

    /// What a file names; `None` when it is no workflow.
    fn named(&self, document: &Value, skipped: &mut bool) -> Option<Named> {
        let found = graphs(document)?;
        let name = |catalog: &comfy_graph::catalog::Catalog| {
            let mut all = Named::default();
            for graph in &found {
                let named = match graph {
                    Graph::Workflow(workflow) => of_workflow(workflow, catalog),
                    Graph::Prompt(prompt) => of_prompt(prompt, catalog),
                };
                all.models.extend(named.models);
                all.classes.extend(named.classes);
            }
            all
        };
        let plain = name(self.core());
        if plain.classes.is_empty() {
            return Some(plain);
        }
        // Packs are used: what a server told of their classes says more.
        let learned = self.learned();
        *skipped |= learned.skipped;
        let unknown = learned.skipped || learned.modules.is_empty();
        Some(if unknown { plain } else { name(&learned.catalog) })
    }
}

/// The workflows that a commit adds or changes, read.
fn touched(repository: &Repository, commit: CommitId) -> git::Result<Vec<(Touched, Value)>> {
    let mut found = Vec::new();
    for file in changes::touched_files(repository, commit)? {
        let Some(bytes) = repository.blob_within(file.blob, LARGEST)? else { continue };
        let document = json::parse(&bytes).or_else(|_| json::parse_lenient(&bytes));
        if let Ok(document) = document
            && !matches!(graph::kind(&document), Kind::Templates | Kind::Other)
        {
            found.push((file, document));
        }
    }
    Ok(found)
}

/// The workflows that a commit adds or changes.
pub(crate) fn workflows(repository: &Repository, commit: CommitId) -> git::Result<Vec<Touched>> {
    Ok(touched(repository, commit)?.into_iter().map(|(file, _)| file).collect())
}

enum Graph {
    Workflow(Box<Workflow>),
    Prompt(Prompt),
}

/// The graphs of a document, wrapped or not.
fn graphs(document: &Value) -> Option<Vec<Graph>> {
    let one = |value: &Value, kind: GraphKind| match kind {
        GraphKind::Workflow(_) => {
            Workflow::from_value(value.clone()).ok().map(|found| Graph::Workflow(Box::new(found)))
        }
        GraphKind::Prompt => Prompt::from_value(value.clone()).ok().map(Graph::Prompt),
    };
    let found: Vec<Graph> = match graph::kind(document) {
        Kind::Graph(kind) => one(document, kind).into_iter().collect(),
        Kind::Wrapped(all) => {
            all.iter().filter_map(|found| one(found.at.get(document)?, found.kind)).collect()
        }
        Kind::Templates | Kind::Other => Vec::new(),
    };
    (!found.is_empty()).then_some(found)
}

/// The rule by which a new record joins the note that is there: what is not true of the
/// commit any more goes, everything else stays. A record of a newer git-comfy is left
/// alone.
pub(crate) fn join(known: Option<&[u8]>, new: &[u8]) -> Option<Vec<u8>> {
    let Ok(records::Parsed { record: Some(new), .. }) = records::parse(new) else { return None };
    let known = match known.map(records::parse) {
        None => None,
        Some(Ok(parsed)) => parsed.record,
        Some(Err(_)) => return None,
    };
    let mut joined = known.unwrap_or_default();
    joined.retain(|path| blob_of(&new, path));
    joined.join(new);
    Some(records::print(&joined).into_bytes())
}

/// The same, without what this machine said before.
pub(crate) fn join_anew<'m>(
    machine: &'m str,
) -> impl Fn(Option<&[u8]>, &[u8]) -> Option<Vec<u8>> + 'm {
    move |known, new| {
        let known = match known.map(records::parse) {
            Some(Ok(records::Parsed { record: Some(mut record), .. })) => {
                record.seen.remove(machine);
                Some(records::print(&record).into_bytes())
            }
            Some(Ok(_)) | None => None,
            Some(Err(_)) => return None,
        };
        join(known.as_deref(), new)
    }
}

/// The blob a record has at a path.
pub(crate) fn blob_of(record: &Record, path: &str) -> Option<String> {
    record.workflows.iter().find(|w| w.path == path).map(|w| w.blob.clone())
}

/// Whether there are models of which this machine could say nothing.
pub(crate) fn is_lacking(record: &Record, machine: &str) -> bool {
    let facts = record.seen.get(machine).into_iter().flat_map(|seen| &seen.models);
    facts.into_iter().any(|fact| matches!(fact.status, Status::Missing | Status::Unreadable))
}

/// Whether a model is not hashed yet, and may be later.
pub(crate) fn is_unfinished(record: &Record, machine: &str) -> bool {
    let facts = record.seen.get(machine).into_iter().flat_map(|seen| &seen.models);
    facts.into_iter().any(|fact| matches!(fact.status, Status::Unfinished | Status::Pending))
}
