//! What the original needs, with who says so.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog::{Catalog, Folder};
use comfy_graph::graph::Prompt;
use serde::Serialize;

use crate::platform::machine::{Digest, DigestKind};
use crate::records::named::{self, UNKNOWN_FOLDER};
use crate::records::{
    self, Claims, ClassUse, Environment, ModelFact, PackFact, Record, Seen, Status,
};
use crate::runs::model::Run;

/// Who says what something was. The order is that of strength.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "by", content = "what", rename_all = "lowercase")]
pub enum By {
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
pub struct Fact<T> {
    pub what: T,
    pub by: By,
}

/// A model that the original loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelWanted {
    /// The folder type.
    pub folder: String,
    /// The name as the prompt has it.
    pub name: String,
    /// The nodes that load it.
    pub nodes: Vec<String>,
    /// Its digests, any of which tells its bytes; none: nobody recorded any.
    pub digests: Option<Fact<BTreeSet<Digest>>>,
    /// Bytes, where they were recorded.
    pub sizes: BTreeSet<u64>,
    /// Where it can be got.
    pub sources: BTreeSet<String>,
    /// It was a folder of files, which are not hashed.
    pub is_folder: bool,
}

/// A node pack that the original runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackWanted {
    /// What it was. Of one that only the workflow names: its ids, and no version.
    pub fact: PackFact,
    /// The versions its nodes were placed with, which need not be what ran.
    pub placed_with: BTreeSet<String>,
    pub by: By,
}

/// A file that the original reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputWanted {
    pub node: String,
    /// The input of that node.
    pub input: String,
    /// Its name below the folder.
    pub name: String,
    /// The folder it is looked up in.
    pub folder: Folder,
    /// SHA-256 of its bytes, where ComfyUI embedded it.
    pub sha256: Option<String>,
}

/// Everything the original needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// When it was made.
    pub at: Option<String>,
    pub models: Vec<ModelWanted>,
    pub packs: Vec<PackWanted>,
    /// Classes of which nobody says where they come from.
    pub loose: BTreeSet<String>,
    /// What it ran on.
    pub environment: Option<Fact<Environment>>,
    pub inputs: Vec<InputWanted>,
}

/// The records that may speak: those of exactly this workflow, nearest first, then all
/// others, nearest first. Each with its commit.
#[derive(Debug, Clone, Default)]
pub struct Records {
    pub own: Vec<(String, Record)>,
    pub other: Vec<(String, Record)>,
}

impl Wanted {
    /// What a run needs. `prompt` is what it executed, `named` what its documents name: models,
    /// and the node classes that ComfyUI does not bring. `machine` is the id of the machine whose
    /// observations count first.
    pub fn of(
        run: &Run,
        prompt: &Prompt,
        named: &named::Named,
        records: &Records,
        machine: &str,
        catalog: &Catalog,
    ) -> Wanted {
        let speakers = Speakers::of(records, machine);
        let ran: BTreeSet<&str> = run.classes.keys().map(String::as_str).collect();
        let classes = named.classes.iter().filter(|class| ran.contains(class.class.as_str()));
        let (packs, loose) = speakers.packs(classes);
        Wanted {
            at: run.moment().map(str::to_owned),
            models: speakers.models(run, named),
            packs,
            loose,
            environment: speakers.environment(run),
            inputs: inputs(run, prompt, catalog),
        }
    }
}

/// What machines observed, the most trusted first: records of this workflow before others, in
/// each the preferred machine before the rest.
struct Speakers<'r> {
    seen: Vec<(By, &'r Seen)>,
}

impl<'r> Speakers<'r> {
    fn of(records: &'r Records, machine: &str) -> Self {
        let mut seen = Vec::new();
        let own = records.own.iter().map(|(commit, record)| (By::Commit(commit.clone()), record));
        let other =
            records.other.iter().map(|(commit, record)| (By::Other(commit.clone()), record));
        for (by, record) in own.chain(other) {
            let here = record.seen.get(machine);
            let others = record.seen.iter().filter(|(id, _)| *id != machine).map(|(_, seen)| seen);
            seen.extend(here.into_iter().chain(others).map(|seen| (by.clone(), seen)));
        }
        Speakers { seen }
    }

    fn models(&self, run: &Run, named: &named::Named) -> Vec<ModelWanted> {
        let mut models: Vec<ModelWanted> = Vec::new();
        for model in &run.models {
            let claims = named
                .models
                .iter()
                .find(|used| used.name == model.name && used.folder == model.folder)
                .map(|used| used.claims.clone())
                .unwrap_or_default();
            let mut wanted = ModelWanted {
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
            wanted.digests = own.map(|digest| Fact { what: [digest].into(), by: By::Run });
            self.about(&mut wanted, &claims);
            models.push(wanted);
        }
        models.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
        models
    }

    /// Adds what records and claims say of a model.
    fn about(&self, wanted: &mut ModelWanted, claims: &Claims) {
        let facts = || {
            self.seen.iter().flat_map(|(by, seen)| seen.models.iter().map(move |f| (by, f))).filter(
                |(_, fact)| {
                    fact.name == wanted.name
                        && (fact.folder == wanted.folder || wanted.folder == UNKNOWN_FOLDER)
                },
            )
        };
        let of_record = facts()
            .filter(|(_, fact)| fact.status == Status::Hashed)
            .find_map(|(by, fact)| Some((by, sha256(fact)?, fact.folder.clone())));
        let mut folder = None;
        if let Some((by, digest, kind)) = of_record {
            let stronger = match by {
                By::Commit(_) => true,
                // What the workflow says of itself is nearer than another one's file.
                _ => claims.hashes.is_empty(),
            };
            if wanted.digests.is_none() && stronger {
                wanted.digests = Some(Fact { what: [digest].into(), by: by.clone() });
            }
            folder = Some(kind);
        }
        if wanted.digests.is_none() && !claims.hashes.is_empty() {
            let what = claims.hashes.clone();
            wanted.digests = Some(Fact { what, by: By::Workflow });
        }
        wanted.is_folder =
            facts().any(|(by, fact)| matches!(by, By::Commit(_)) && fact.status == Status::Folder);
        let mut sizes = BTreeSet::new();
        let mut sources = BTreeSet::new();
        for (_, fact) in facts() {
            let same = match (&wanted.digests, sha256(fact)) {
                (Some(known), Some(digest)) => known.what.contains(&digest),
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
    fn packs<'c>(
        &self,
        classes: impl Iterator<Item = &'c ClassUse>,
    ) -> (Vec<PackWanted>, BTreeSet<String>) {
        let mut packs: BTreeMap<String, PackWanted> = BTreeMap::new();
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
                    (fact.name.clone(), fact, By::Workflow)
                }
                (None, None) => {
                    loose.insert(class.class.clone());
                    continue;
                }
            };
            let pack = packs.entry(name).or_insert_with(|| {
                let fact = PackFact { classes: BTreeMap::new(), also: BTreeSet::new(), ..fact };
                PackWanted { fact, placed_with: BTreeSet::new(), by }
            });
            let evidence = records::PackEvidence::Claimed;
            pack.fact.classes.insert(class.class.clone(), evidence);
            pack.placed_with.extend(class.placed_with.iter().cloned());
        }
        loose.retain(|class| !packs.values().any(|pack| pack.fact.classes.contains_key(class)));
        (packs.into_values().collect(), loose)
    }

    /// The environment of the run; of a run that nobody saw, that recorded with its commit.
    fn environment(&self, run: &Run) -> Option<Fact<Environment>> {
        if let Some(environment) = &run.environment {
            return Some(Fact { what: environment.clone(), by: By::Run });
        }
        let own = self.seen.iter().filter(|(by, _)| matches!(by, By::Commit(_)));
        own.clone()
            .find_map(|(by, seen)| Some((by, seen.environment.clone()?)))
            .map(|(by, what)| Fact { what, by: by.clone() })
    }
}

/// The digest that a machine computed.
fn sha256(fact: &ModelFact) -> Option<Digest> {
    Digest::new(DigestKind::Sha256, &fact.hashes.as_ref()?.sha256).ok()
}

fn inputs(run: &Run, prompt: &Prompt, catalog: &Catalog) -> Vec<InputWanted> {
    let mut found: Vec<InputWanted> = Vec::new();
    for (id, file) in catalog.prompt_files(prompt) {
        if matches!(file.folder, Folder::Models(_) | Folder::Unknown) {
            continue;
        }
        let node = id.to_string();
        let Some(known) = run
            .inputs
            .iter()
            .find(|input| input.node == node && input.name == named::shareable_name(&file.name))
        else {
            continue;
        };
        found.push(InputWanted {
            node,
            input: file.input.to_string(),
            name: file.name.to_string(),
            folder: file.folder,
            sha256: known.sha256.clone(),
        });
    }
    found
}
