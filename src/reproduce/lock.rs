//! The environment that a workflow needs, as one document beside it. `docs/lock.md` is its
//! contract.
//!
//! It holds no moment and nothing of the machine it was made on, and everything in it is
//! sorted, so that two people who lock the same get the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog::FileFolder;
use comfy_graph::json::Object;
use serde::{Deserialize, Serialize};

use super::requirements::{
    FactSource, RequiredInput, RequiredModel, RequiredPack, Requirements, SourcedFact,
};
use super::yaml::YamlError;
use crate::platform::git::foreign_checkout::Checkout;
use crate::platform::machine::{Digest, DigestKind};
use crate::records::dependencies::{self, Dependencies};
use crate::records::{ComfyEnvironment, ModelFact, ModelStatus, PackEvidence, PackFact, PackKind};

/// The number of this document. A reader refuses one of a higher number.
pub(crate) const SCHEMA: u32 = 1;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    /// The schema the document follows.
    pub comfy_lock: u32,
    /// The file name of the workflow.
    #[serde(default)]
    pub workflow: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comfyui: Option<LockedProgram>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// PyTorch's version with its build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torch: Option<String>,
    /// The models, by folder type and name.
    #[serde(default)]
    pub models: Vec<LockedModel>,
    /// The node packs, by name.
    #[serde(default)]
    pub packs: Vec<LockedPack>,
    /// Node classes of which no pack is known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unplaced: BTreeSet<String>,
    /// The files it reads, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<LockedInput>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub rest: Object,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LockedProgram {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The commit of its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where that comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LockedModel {
    pub folder: String,
    /// The name, with forward slashes.
    pub name: String,
    /// SHA-256 of all bytes; none: it was not there to be hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Other digests that somebody claims, where it was not hashed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claims: BTreeSet<Digest>,
    /// Where it can be got.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LockedPack {
    /// Its name in `custom_nodes`.
    pub name: String,
    /// How it is installed.
    pub kind: PackKind,
    /// Its id in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnr_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The commit of its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where that comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Its files were changed: the commit does not tell what ran.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
    /// SHA-256 of a single-file pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The classes of the workflow that it brings.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub classes: BTreeSet<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LockedInput {
    pub name: String,
    /// `input`, a folder in it, or `output`.
    #[serde(rename = "in")]
    pub folder: String,
    /// SHA-256 of all bytes; none: it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Why a document is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// It is neither JSON nor YAML.
    #[error("it is neither JSON nor YAML: {0}")]
    Unreadable(#[from] YamlError),
    /// It is a lock by its name alone.
    #[error("it is neither JSON nor YAML: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("it is no lock, no snapshot of ComfyUI-Manager and no build spec of comfy-cli")]
    NotALock,
    /// A newer version wrote it.
    #[error("it follows schema {0}, this git-comfy knows {SCHEMA}")]
    NewerSchema(u32),
}

impl Lock {
    /// What was seen of a workflow's environment, locked.
    pub(crate) fn from_environment(
        workflow: &str,
        named: &Dependencies,
        models: &[ModelFact],
        packs: &[PackFact],
        unplaced: &BTreeSet<String>,
        environment: &ComfyEnvironment,
        inputs: Vec<LockedInput>,
    ) -> Lock {
        let source = environment.source.clone().unwrap_or_default();
        let program = LockedProgram {
            version: environment.comfyui.clone(),
            commit: source.commit,
            remote: source.remote,
        };
        let mut lock = Lock {
            comfy_lock: SCHEMA,
            workflow: workflow.to_owned(),
            comfyui: Some(program).filter(|program| *program != LockedProgram::default()),
            python: environment.python.clone(),
            torch: environment.torch.clone(),
            models: models.iter().map(|fact| locked_model(fact, named)).collect(),
            packs: packs.iter().map(locked_pack).collect(),
            unplaced: unplaced.clone(),
            inputs,
            rest: Object::new(),
        };
        lock.sort();
        lock
    }

    /// Sorts everything and drops duplicates, so that the same needs give the same bytes.
    pub(crate) fn sort(&mut self) {
        self.models.sort();
        self.models.dedup();
        self.packs.sort();
        self.packs.dedup();
        self.inputs.sort();
        self.inputs.dedup();
    }

    /// The document, ending in a line end.
    pub(crate) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        text + "\n"
    }

    /// What the lock says is needed.
    pub(crate) fn requirements(&self) -> Requirements {
        let program = self.comfyui.clone().unwrap_or_default();
        let source =
            Checkout { commit: program.commit, remote: program.remote, ..Checkout::default() };
        let environment = ComfyEnvironment {
            comfyui: program.version,
            source: Some(source).filter(|source| source.commit.is_some()),
            python: self.python.clone(),
            torch: self.torch.clone(),
            ..ComfyEnvironment::default()
        };
        let environment = Some(SourcedFact { value: environment, source: FactSource::Lock });
        Requirements {
            made_at: None,
            models: self.models.iter().map(LockedModel::requirement).collect(),
            packs: self.packs.iter().map(LockedPack::requirement).collect(),
            unplaced: self.unplaced.clone(),
            environment,
            inputs: self.inputs.iter().map(LockedInput::requirement).collect(),
        }
    }

    /// What could not be locked, a line each.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let models = self.models.iter().filter(|model| model.sha256.is_none());
        let mut gaps: Vec<String> = models
            .map(|model| {
                format!("{}/{} is not here, or is no file to hash", model.folder, model.name)
            })
            .collect();
        let changed = self.packs.iter().filter(|pack| pack.changed);
        gaps.extend(changed.map(|pack| {
            format!("files of {} are changed; its commit does not tell what runs", pack.name)
        }));
        let loose =
            self.packs.iter().filter(|pack| pack.commit.is_none() && pack.version.is_none());
        let loose = loose.filter(|pack| pack.sha256.is_none());
        gaps.extend(loose.map(|pack| format!("{} has neither commit nor release", pack.name)));
        let classes = self.unplaced.iter();
        gaps.extend(classes.map(|class| format!("no installed pack is known to bring {class}")));
        let inputs = self.inputs.iter().filter(|input| input.sha256.is_none());
        gaps.extend(inputs.map(|input| format!("{}/{} is not here", input.folder, input.name)));
        gaps
    }

    /// What a workflow names that the lock does not have: it was changed since.
    pub(crate) fn missing_names(&self, named: &Dependencies) -> Vec<String> {
        let plain = |name: &str| name.replace('\\', "/");
        let models: BTreeSet<(&str, String)> =
            self.models.iter().map(|model| (model.folder.as_str(), plain(&model.name))).collect();
        let names: BTreeSet<String> = self.models.iter().map(|model| plain(&model.name)).collect();
        let classes: BTreeSet<&str> = self
            .packs
            .iter()
            .flat_map(|pack| &pack.classes)
            .chain(&self.unplaced)
            .map(String::as_str)
            .collect();
        let lacking =
            named.models.iter().filter(|model| model.at.iter().any(|at| at.off.is_none()));
        let lacking = lacking.filter(|model| {
            let key = (model.folder.as_str(), plain(&model.name));
            let unknown = model.folder == dependencies::UNKNOWN_FOLDER;
            let known = models.contains(&key) || unknown && names.contains(&key.1);
            !known
        });
        let mut lacking: Vec<String> =
            lacking.map(|model| format!("{}/{}", model.folder, model.name)).collect();
        let new = named.classes.iter().filter(|class| !classes.contains(class.class.as_str()));
        lacking.extend(new.map(|class| class.class.clone()));
        lacking
    }
}

fn locked_model(fact: &ModelFact, named: &Dependencies) -> LockedModel {
    let claims = named.models.iter().filter(|used| used.name == fact.name);
    let claims: Vec<_> = claims.map(|used| &used.claims).collect();
    let hints = fact.hints.iter().filter_map(|hint| hint.url.clone());
    let hashed = fact.status == ModelStatus::Hashed;
    LockedModel {
        folder: fact.folder.clone(),
        name: fact.name.replace('\\', "/"),
        sha256: fact.hashes.as_ref().map(|hashes| hashes.sha256.clone()),
        size: fact.size,
        claims: match hashed {
            true => BTreeSet::new(),
            false => claims.iter().flat_map(|claims| claims.hashes.iter().cloned()).collect(),
        },
        sources: claims
            .iter()
            .flat_map(|claims| claims.urls.iter().cloned())
            .chain(hints)
            .collect(),
    }
}

fn locked_pack(fact: &PackFact) -> LockedPack {
    LockedPack {
        name: fact.name.clone(),
        kind: fact.kind,
        cnr_id: fact.cnr_id.clone(),
        version: fact.version.clone(),
        commit: fact.checkout.commit.clone(),
        remote: fact.checkout.remote.clone(),
        changed: fact.checkout.dirty == Some(true),
        sha256: fact.sha256.clone(),
        classes: fact.classes.keys().cloned().collect(),
    }
}

impl LockedModel {
    fn requirement(&self) -> RequiredModel {
        let own = self.sha256.as_deref();
        let own = own.and_then(|hex| Digest::new(DigestKind::Sha256, hex).ok());
        let mut what: BTreeSet<Digest> = own.into_iter().collect();
        if what.is_empty() {
            what.clone_from(&self.claims);
        }
        RequiredModel {
            folder: self.folder.clone(),
            name: self.name.clone(),
            nodes: Vec::new(),
            digests: (!what.is_empty())
                .then_some(SourcedFact { value: what, source: FactSource::Lock }),
            sizes: self.size.into_iter().collect(),
            sources: self.sources.clone(),
            is_folder: false,
        }
    }
}

impl LockedPack {
    fn requirement(&self) -> RequiredPack {
        let checkout = Checkout {
            commit: self.commit.clone(),
            remote: self.remote.clone(),
            dirty: self.commit.as_ref().map(|_| self.changed),
            tag: None,
        };
        let classes = self.classes.iter();
        let classes: BTreeMap<String, PackEvidence> =
            classes.map(|class| (class.clone(), PackEvidence::Source)).collect();
        let fact = PackFact {
            name: self.name.clone(),
            kind: self.kind,
            version: self.version.clone(),
            cnr_id: self.cnr_id.clone(),
            sha256: self.sha256.clone(),
            checkout,
            classes,
            ..PackFact::default()
        };
        RequiredPack { fact, placed_with: BTreeSet::new(), source: FactSource::Lock }
    }
}

impl LockedInput {
    /// A file as it was found.
    pub(crate) fn from_required(input: &RequiredInput, sha256: Option<String>) -> LockedInput {
        let folder = match &input.folder {
            FileFolder::Input(below) if below.is_empty() => "input".to_owned(),
            FileFolder::Input(below) => format!("input/{below}"),
            FileFolder::Temp => "temp".to_owned(),
            _ => "output".to_owned(),
        };
        LockedInput { name: input.name.clone(), folder, sha256 }
    }

    fn requirement(&self) -> RequiredInput {
        let folder = match self.folder.as_str() {
            "output" => FileFolder::Output,
            "temp" => FileFolder::Temp,
            place => FileFolder::Input(place.strip_prefix("input/").unwrap_or_default().into()),
        };
        RequiredInput {
            node: String::new(),
            input: String::new(),
            name: self.name.clone(),
            folder,
            sha256: self.sha256.clone(),
        }
    }
}
