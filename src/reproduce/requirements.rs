//! What the original needs, with who says so.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog::{Catalog, FileFolder};
use comfy_graph::graph::Prompt;
use serde::Serialize;

use crate::platform::machine::{Digest, DigestKind};
use crate::records::dependencies::{self, UNKNOWN_FOLDER};
use crate::records::{
    self, ClassUse, ComfyEnvironment, CommitRecord, MachineObservation, ModelClaims, ModelFact,
    ModelStatus, PackFact,
};
use crate::runs::run_data::Run;

/// Who says what something was. The order is that of strength.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "by", content = "what", rename_all = "lowercase")]
pub enum FactSource {
    /// The run: somebody looked when it ran.
    Run,
    /// The record of a commit of exactly this workflow.
    Commit(String),
    /// A lock, or what another program wrote as one.
    Lock,
    /// What the workflow or the picture says of itself.
    Workflow,
    /// The record of another commit that used a thing of this name.
    Other(String),
    /// This machine remembers what a file of this name held.
    Machine,
}

/// What is known of a thing, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedFact<T> {
    pub value: T,
    pub source: FactSource,
}

/// A model that the original loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredModel {
    /// The folder type.
    pub folder: String,
    /// The name as the prompt has it.
    pub name: String,
    /// The nodes that load it.
    pub nodes: Vec<String>,
    /// Its digests, any of which tells its bytes; none: nobody recorded any.
    pub digests: Option<SourcedFact<BTreeSet<Digest>>>,
    /// Bytes, where they were recorded.
    pub sizes: BTreeSet<u64>,
    /// Where it can be got.
    pub sources: BTreeSet<String>,
    /// It was a folder of files, which are not hashed.
    pub is_folder: bool,
}

/// A node pack that the original runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredPack {
    /// What it was. Of one that only the workflow names: its ids, and no version.
    pub fact: PackFact,
    /// The versions its nodes were placed with, which need not be what ran.
    pub placed_with: BTreeSet<String>,
    pub source: FactSource,
}

/// A file that the original reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredInput {
    pub node: String,
    /// The input of that node.
    pub input: String,
    /// Its name below the folder.
    pub name: String,
    /// The folder it is looked up in.
    pub folder: FileFolder,
    /// SHA-256 of its bytes, where ComfyUI embedded it.
    pub sha256: Option<String>,
}

/// Everything the original needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requirements {
    /// When it was made.
    pub made_at: Option<String>,
    pub models: Vec<RequiredModel>,
    pub packs: Vec<RequiredPack>,
    /// Classes of which nobody says where they come from.
    pub unplaced: BTreeSet<String>,
    /// What it ran on.
    pub environment: Option<SourcedFact<ComfyEnvironment>>,
    pub inputs: Vec<RequiredInput>,
}

/// The records that may speak: those of exactly this workflow, nearest first, then all
/// others, nearest first. Each with its commit.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkflowRecords {
    pub own: Vec<(String, CommitRecord)>,
    pub other: Vec<(String, CommitRecord)>,
}

impl Requirements {
    /// What a run needs. `prompt` is what it executed, `named` what its documents name: models,
    /// and the node classes that ComfyUI does not bring. `machine` is the id of the machine whose
    /// observations count first.
    pub(crate) fn from_run(
        run: &Run,
        prompt: &Prompt,
        named: &dependencies::Dependencies,
        records: &WorkflowRecords,
        machine: &str,
        catalog: &Catalog,
    ) -> Requirements {
        let speakers = RankedObservations::new(records, machine);
        let ran: BTreeSet<&str> = run.classes.keys().map(String::as_str).collect();
        let classes = named.classes.iter().filter(|class| ran.contains(class.class.as_str()));
        let (packs, unplaced) = speakers.packs_of_classes(classes);
        Requirements {
            made_at: run.known_time().map(str::to_owned),
            models: speakers.models(run, named),
            packs,
            unplaced,
            environment: speakers.environment(run),
            inputs: required_inputs(run, prompt, catalog),
        }
    }
}

/// What machines observed, the most trusted first: records of this workflow before others, in
/// each the preferred machine before the rest.
struct RankedObservations<'r> {
    seen: Vec<(FactSource, &'r MachineObservation)>,
}

impl<'r> RankedObservations<'r> {
    fn new(records: &'r WorkflowRecords, machine: &str) -> Self {
        let mut seen = Vec::new();
        let own =
            records.own.iter().map(|(commit, record)| (FactSource::Commit(commit.clone()), record));
        let other = records
            .other
            .iter()
            .map(|(commit, record)| (FactSource::Other(commit.clone()), record));
        for (by, record) in own.chain(other) {
            let here = record.seen.get(machine);
            let others = record.seen.iter().filter(|(id, _)| *id != machine).map(|(_, seen)| seen);
            seen.extend(here.into_iter().chain(others).map(|seen| (by.clone(), seen)));
        }
        RankedObservations { seen }
    }

    fn models(&self, run: &Run, named: &dependencies::Dependencies) -> Vec<RequiredModel> {
        let mut models: Vec<RequiredModel> = Vec::new();
        for model in &run.models {
            let claims = named
                .models
                .iter()
                .find(|used| used.name == model.name && used.folder == model.folder)
                .map(|used| used.claims.clone())
                .unwrap_or_default();
            let mut wanted = RequiredModel {
                folder: model.folder.clone(),
                name: model.name.clone(),
                nodes: model.nodes.clone(),
                digests: None,
                sizes: BTreeSet::new(),
                sources: claims.urls.clone(),
                is_folder: false,
            };
            let own = model.sha256.as_deref();
            let own = own.and_then(|hex| Digest::new(DigestKind::Sha256, hex).ok());
            wanted.digests =
                own.map(|digest| SourcedFact { value: [digest].into(), source: FactSource::Run });
            self.add_recorded_facts(&mut wanted, &claims);
            models.push(wanted);
        }
        models.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
        models
    }

    /// What was recorded of a model: of one in an unknown folder, what has its name.
    fn facts_about(&self, folder: &str, name: &str) -> Vec<(&FactSource, &ModelFact)> {
        let all = self.seen.iter().flat_map(|(by, seen)| seen.models.iter().map(move |f| (by, f)));
        all.filter(|(_, fact)| {
            fact.name == name && (fact.folder == folder || folder == UNKNOWN_FOLDER)
        })
        .collect()
    }

    /// Adds what records and claims say of a model.
    fn add_recorded_facts(&self, wanted: &mut RequiredModel, claims: &ModelClaims) {
        let facts = self.facts_about(&wanted.folder, &wanted.name);
        let of_record = facts
            .iter()
            .filter(|(_, fact)| fact.status == ModelStatus::Hashed)
            .find_map(|(by, fact)| Some((*by, recorded_sha256(fact)?, fact.folder.clone())));
        let mut folder = None;
        if let Some((by, digest, kind)) = of_record {
            let stronger = match by {
                FactSource::Commit(_) => true,
                // What the workflow says of itself is nearer than another one's file.
                _ => claims.hashes.is_empty(),
            };
            if wanted.digests.is_none() && stronger {
                wanted.digests = Some(SourcedFact { value: [digest].into(), source: by.clone() });
            }
            folder = Some(kind);
        }
        if wanted.digests.is_none() && !claims.hashes.is_empty() {
            let what = claims.hashes.clone();
            wanted.digests = Some(SourcedFact { value: what, source: FactSource::Workflow });
        }
        wanted.is_folder = facts.iter().any(|(by, fact)| {
            matches!(by, FactSource::Commit(_)) && fact.status == ModelStatus::Folder
        });
        let mut sizes = BTreeSet::new();
        let mut sources = BTreeSet::new();
        for (_, fact) in facts {
            let same = match (&wanted.digests, recorded_sha256(fact)) {
                (Some(known), Some(digest)) => known.value.contains(&digest),
                _ => false,
            };
            if same {
                sizes.extend(fact.size);
                sources.extend(fact.hints.iter().filter_map(|hint| hint.url.clone()));
            }
        }
        wanted.sizes.extend(sizes);
        wanted.sources.extend(sources);
        if wanted.folder == UNKNOWN_FOLDER {
            wanted.folder = folder.unwrap_or_else(|| UNKNOWN_FOLDER.to_owned());
        }
    }

    /// The packs of some classes, and the classes without one.
    fn packs_of_classes<'c>(
        &self,
        classes: impl Iterator<Item = &'c ClassUse>,
    ) -> (Vec<RequiredPack>, BTreeSet<String>) {
        let mut packs: BTreeMap<String, RequiredPack> = BTreeMap::new();
        let mut loose = BTreeSet::new();
        for class in classes {
            let recorded = self.seen.iter().find_map(|(by, seen)| {
                let pack = seen.packs.iter().find(|pack| pack.classes.contains_key(&class.class));
                Some((by, pack?))
            });
            let claimed = class.cnr_id.as_ref().or(class.aux_id.as_ref());
            let (name, fact, by) = match (recorded, claimed) {
                (Some((by, fact)), _) => (fact.name.clone(), fact.clone(), by.clone()),
                (None, Some(id)) => {
                    let remote = class.aux_id.as_ref().map(|id| format!("https://github.com/{id}"));
                    // Of `owner/name` the name: what its folder is called.
                    let name = id.rsplit('/').next().unwrap_or(id).to_owned();
                    let mut fact = PackFact { name, ..PackFact::default() };
                    fact.cnr_id.clone_from(&class.cnr_id);
                    fact.checkout.remote = remote;
                    (fact.name.clone(), fact, FactSource::Workflow)
                }
                (None, None) => {
                    loose.insert(class.class.clone());
                    continue;
                }
            };
            let pack = packs.entry(name).or_insert_with(|| {
                let fact = PackFact { classes: BTreeMap::new(), also: BTreeSet::new(), ..fact };
                RequiredPack { fact, placed_with: BTreeSet::new(), source: by }
            });
            let evidence = records::PackEvidence::Claimed;
            pack.fact.classes.insert(class.class.clone(), evidence);
            pack.placed_with.extend(class.placed_with.iter().cloned());
        }
        loose.retain(|class| !packs.values().any(|pack| pack.fact.classes.contains_key(class)));
        (packs.into_values().collect(), loose)
    }

    /// The environment of the run; of a run that nobody saw, that recorded with its commit.
    fn environment(&self, run: &Run) -> Option<SourcedFact<ComfyEnvironment>> {
        if let Some(environment) = &run.environment {
            return Some(SourcedFact { value: environment.clone(), source: FactSource::Run });
        }
        let own = self.seen.iter().filter(|(by, _)| matches!(by, FactSource::Commit(_)));
        own.clone()
            .find_map(|(by, seen)| Some((by, seen.environment.clone()?)))
            .map(|(by, what)| SourcedFact { value: what, source: by.clone() })
    }
}

/// The digest that a machine computed.
fn recorded_sha256(fact: &ModelFact) -> Option<Digest> {
    Digest::new(DigestKind::Sha256, &fact.hashes.as_ref()?.sha256).ok()
}

fn required_inputs(run: &Run, prompt: &Prompt, catalog: &Catalog) -> Vec<RequiredInput> {
    let mut found: Vec<RequiredInput> = Vec::new();
    for (id, file) in catalog.prompt_files(prompt) {
        if matches!(file.folder, FileFolder::Models(_) | FileFolder::Unknown) {
            continue;
        }
        let node = id.to_string();
        let Some(known) = run.inputs.iter().find(|input| {
            input.node == node && input.name == dependencies::shareable_name(&file.name)
        }) else {
            continue;
        };
        found.push(RequiredInput {
            node,
            input: file.input.to_string(),
            name: file.name.to_string(),
            folder: file.folder,
            sha256: known.sha256.clone(),
        });
    }
    found
}
