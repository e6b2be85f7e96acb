//! The record of one commit, as this machine can make it now.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use comfy_graph::graph::{DocumentKind, GraphKind, Prompt, Workflow};
use comfy_graph::json::Value;
use comfy_graph::{graph, json};

use super::recorder_context::{MachineState, ServerAnswer, TimeBudget};
use crate::platform::git;
use crate::platform::git::changes::TouchedFile;
use crate::platform::git::{CommitId, Repository, changes};
use crate::records;
use crate::records::dependencies::{Dependencies, prompt_dependencies, workflow_dependencies};
use crate::records::machine_evidence::HashFailure;
use crate::records::{
    ClassUse, CommitRecord, MachineObservation, ModelStatus, ModelUse, PendingPart, WorkflowUse,
    record_notes,
};

/// The largest workflow that is read, in bytes.
const MAX_WORKFLOW_SIZE: u64 = 64 << 20;

/// What was gathered of one commit.
#[derive(Debug)]
pub(crate) struct CollectedRecord {
    pub(crate) record: CommitRecord,
    /// Files whose digests are not known yet.
    pub(crate) unhashed: Vec<PathBuf>,
    /// What the record refers to: the list of packages.
    pub(crate) package_list: Option<Vec<u8>>,
}

/// Files that could not be hashed.
pub(crate) type HashFailures = HashMap<PathBuf, HashFailure>;

impl MachineState {
    /// What a commit was made with; `None` when it touches no workflow.
    pub(crate) fn collect_record(
        &self,
        repository: &Repository,
        commit: CommitId,
        failures: &HashFailures,
    ) -> git::Result<Option<CollectedRecord>> {
        let mut skipped = false;
        let mut workflows = Vec::new();
        for (file, document) in read_touched_workflows(repository, commit)? {
            let Some(dependencies) = self.collect_dependencies(&document, &mut skipped) else {
                continue;
            };
            workflows.push(WorkflowUse {
                path: String::from_utf8_lossy(file.path.as_bytes()).into_owned(),
                blob: file.blob.to_string(),
                models: dependencies.models,
                classes: dependencies.classes,
                rest: Default::default(),
            });
        }
        if workflows.is_empty() {
            return Ok(None);
        }
        let nothing = Default::default();
        let modules = if self.uses_only_core_classes(&workflows) {
            &nothing
        } else {
            &self.learned_classes().modules
        };
        let (seen, unhashed, package_list) = self.with_view(modules, |view| {
            for workflow in &mut workflows {
                view.resolve_unknown_folders(&mut workflow.models);
            }
            let models: Vec<ModelUse> = workflows.iter().flat_map(|w| w.models.clone()).collect();
            let classes: Vec<ClassUse> = workflows.iter().flat_map(|w| w.classes.clone()).collect();
            let models = view.collect_model_facts(&models, failures);
            let packs = view.collect_pack_facts(&classes, SystemTime::now());
            let mut pending = std::collections::BTreeSet::new();
            let (environment, package_list) = if self.is_server_silent() {
                // What runs is known to a server that may answer later.
                pending.insert(PendingPart::Environment);
                (None, None)
            } else {
                let (mut environment, packages) = view.collect_environment();
                let package_list = packages.map(String::into_bytes);
                environment.packages = package_list
                    .as_ref()
                    .map(|list| record_notes::shared_blob_id(repository, list).to_string());
                (Some(environment), package_list)
            };
            if skipped {
                pending.extend([PendingPart::Models, PendingPart::Packs]);
            }
            let seen = MachineObservation {
                at: self.seen_at.clone(),
                with: concat!("git-comfy ", env!("CARGO_PKG_VERSION")).to_owned(),
                environment,
                models: models.facts,
                packs: packs.facts,
                unplaced: packs.unplaced,
                pending,
                ..MachineObservation::default()
            };
            (seen, models.unhashed, package_list)
        });
        let record = CommitRecord {
            workflows,
            seen: [(self.machine_id.clone(), seen)].into(),
            ..CommitRecord::default()
        };
        let unhashed = unhashed.into_iter().map(|unhashed| unhashed.file).collect();
        Ok(Some(CollectedRecord { record: record.normalized(), unhashed, package_list }))
    }

    fn is_server_silent(&self) -> bool {
        self.time_budget == TimeBudget::Hook
            && matches!(self.server_answer, ServerAnswer::Failed(_))
    }

    fn uses_only_core_classes(&self, workflows: &[WorkflowUse]) -> bool {
        workflows.iter().all(|workflow| workflow.classes.is_empty())
    }

    /// What a file names; `None` when it is no workflow.
    fn collect_dependencies(&self, document: &Value, skipped: &mut bool) -> Option<Dependencies> {
        let found = parse_graphs(document)?;
        let name = |catalog: &comfy_graph::catalog::Catalog| {
            let mut all = Dependencies::default();
            for graph in &found {
                let dependencies = match graph {
                    WorkflowOrPrompt::Workflow(workflow) => {
                        workflow_dependencies(workflow, catalog)
                    }
                    WorkflowOrPrompt::Prompt(prompt) => prompt_dependencies(prompt, catalog),
                };
                all.models.extend(dependencies.models);
                all.classes.extend(dependencies.classes);
            }
            all
        };
        let plain = name(self.core_catalog());
        if plain.classes.is_empty() {
            return Some(plain);
        }
        // Packs are used: what a server told of their classes says more.
        let learned = self.learned_classes();
        *skipped |= learned.too_large;
        let unknown = learned.too_large || learned.modules.is_empty();
        Some(if unknown { plain } else { name(&learned.catalog) })
    }
}

/// The workflows that a commit adds or changes, read.
fn read_touched_workflows(
    repository: &Repository,
    commit: CommitId,
) -> git::Result<Vec<(TouchedFile, Value)>> {
    let mut found = Vec::new();
    for file in changes::touched_files(repository, commit)? {
        let Some(bytes) = repository.blob_up_to(file.blob, MAX_WORKFLOW_SIZE)? else { continue };
        let document = json::parse(&bytes).or_else(|_| json::parse_lenient(&bytes));
        if let Ok(document) = document
            && !matches!(
                graph::document_kind(&document),
                DocumentKind::Templates | DocumentKind::Other
            )
        {
            found.push((file, document));
        }
    }
    Ok(found)
}

/// The workflows that a commit adds or changes.
pub(crate) fn touched_workflows(
    repository: &Repository,
    commit: CommitId,
) -> git::Result<Vec<TouchedFile>> {
    Ok(read_touched_workflows(repository, commit)?.into_iter().map(|(file, _)| file).collect())
}

enum WorkflowOrPrompt {
    Workflow(Box<Workflow>),
    Prompt(Prompt),
}

/// The graphs of a document, wrapped or not.
fn parse_graphs(document: &Value) -> Option<Vec<WorkflowOrPrompt>> {
    let one = |value: &Value, kind: GraphKind| match kind {
        GraphKind::Workflow(_) => Workflow::from_value(value.clone())
            .ok()
            .map(|found| WorkflowOrPrompt::Workflow(Box::new(found))),
        GraphKind::Prompt => Prompt::from_value(value.clone()).ok().map(WorkflowOrPrompt::Prompt),
    };
    let found: Vec<WorkflowOrPrompt> = match graph::document_kind(document) {
        DocumentKind::Graph(kind) => one(document, kind).into_iter().collect(),
        DocumentKind::Wrapped(all) => {
            all.iter().filter_map(|found| one(found.at.get(document)?, found.kind)).collect()
        }
        DocumentKind::Templates | DocumentKind::Other => Vec::new(),
    };
    (!found.is_empty()).then_some(found)
}

/// The rule by which a new record joins the note that is there: what is not true of the
/// commit any more goes, everything else stays. A record of a newer git-comfy is left
/// alone.
pub(crate) fn join_note(known: Option<&[u8]>, new: &[u8]) -> Option<Vec<u8>> {
    let Ok(records::ParsedNote { record: Some(new), .. }) = records::parse_note(new) else {
        return None;
    };
    let known = match known.map(records::parse_note) {
        None => None,
        Some(Ok(parsed)) => parsed.record,
        Some(Err(_)) => return None,
    };
    let mut joined = known.unwrap_or_default();
    joined.retain(|path| recorded_blob(&new, path));
    joined.join(new);
    Some(records::print_record(&joined).into_bytes())
}

/// The same, without what this machine said before.
pub(crate) fn join_replacing_machine<'m>(
    machine: &'m str,
) -> impl Fn(Option<&[u8]>, &[u8]) -> Option<Vec<u8>> + 'm {
    move |known, new| {
        let known = match known.map(records::parse_note) {
            Some(Ok(records::ParsedNote { record: Some(mut record), .. })) => {
                record.seen.remove(machine);
                Some(records::print_record(&record).into_bytes())
            }
            Some(Ok(_)) | None => None,
            Some(Err(_)) => return None,
        };
        join_note(known.as_deref(), new)
    }
}

/// The blob a record has at a path.
pub(crate) fn recorded_blob(record: &CommitRecord, path: &str) -> Option<String> {
    record.workflows.iter().find(|w| w.path == path).map(|w| w.blob.clone())
}

/// Whether there are models of which this machine could say nothing.
pub(crate) fn has_missing_models(record: &CommitRecord, machine: &str) -> bool {
    let facts = record.seen.get(machine).into_iter().flat_map(|seen| &seen.models);
    facts
        .into_iter()
        .any(|fact| matches!(fact.status, ModelStatus::Missing | ModelStatus::Unreadable))
}

/// Whether a model is not hashed yet, and may be later.
pub(crate) fn has_unhashed_models(record: &CommitRecord, machine: &str) -> bool {
    let facts = record.seen.get(machine).into_iter().flat_map(|seen| &seen.models);
    facts
        .into_iter()
        .any(|fact| matches!(fact.status, ModelStatus::Unfinished | ModelStatus::Pending))
}
