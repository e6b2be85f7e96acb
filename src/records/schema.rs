//! The record of a commit as a document. `docs/record-schema.md` is its contract.
//!
//! A record says what was *meant* (the models and node classes that the workflows of a
//! commit name: a fact of the commit) and what was *seen* (the files, packs and programs
//! that stood behind those names: a fact of one machine at one moment). What several
//! machines saw stands side by side, so that joining two clones' records is a union and
//! nothing has to be decided.
//!
//! Fields that this version does not know are kept and written back.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::json::Object;
use serde::{Deserialize, Serialize};

use super::dependencies::UNKNOWN_FOLDER;
use crate::platform::git::foreign_checkout::Checkout;
use crate::platform::hex;
use crate::platform::machine::{Digest, DigestKind, FileHashes};

/// The number of this schema. A reader refuses to change a record of a higher one.
pub(crate) const SCHEMA: u32 = 1;

/// What a commit was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommitRecord {
    /// The schema the record follows.
    pub comfy_record: u32,
    /// One line for people; made anew whenever the record is written.
    #[serde(default)]
    pub summary: String,
    /// What the commit's workflows name, by path.
    #[serde(default)]
    pub workflows: Vec<WorkflowUse>,
    /// What each machine saw, by an id that is random and says nothing about it.
    #[serde(default)]
    pub seen: BTreeMap<String, MachineObservation>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub rest: Object,
}

impl Default for CommitRecord {
    fn default() -> Self {
        CommitRecord {
            comfy_record: SCHEMA,
            summary: String::new(),
            workflows: Vec::new(),
            seen: BTreeMap::new(),
            rest: Object::new(),
        }
    }
}

/// One workflow of the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkflowUse {
    /// Its path in the repository.
    pub path: String,
    /// The id of the blob git stores: what the entry is valid for.
    pub blob: String,
    /// The models it names, by type and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelUse>,
    /// The node classes it uses that ComfyUI does not bring itself, with the pack the
    /// file claims for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassUse>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub rest: Object,
}

impl WorkflowUse {
    /// The models, each once: a use whose folder type one machine could not tell is left
    /// out where another machine could. A record keeps both, so that joining is a union in
    /// whatever order clones exchange what they know.
    pub(crate) fn distinct_models(&self) -> impl Iterator<Item = &ModelUse> {
        let known: BTreeSet<(&str, &WidgetSite)> = self
            .models
            .iter()
            .filter(|model| model.folder != UNKNOWN_FOLDER)
            .flat_map(|model| model.at.iter().map(|site| (model.name.as_str(), site)))
            .collect();
        self.models.iter().filter(move |model| {
            model.folder != UNKNOWN_FOLDER
                || !model.at.iter().all(|site| known.contains(&(model.name.as_str(), site)))
        })
    }
}

/// One model a workflow names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelUse {
    /// The folder type: `checkpoints`, `loras`, …
    pub folder: String,
    /// The name as the workflow has it; of an absolute path only the last part, after
    /// `<absolute>/`.
    pub name: String,
    /// How we know that the value names a model.
    pub by: ModelEvidence,
    /// The widgets that name it.
    pub at: Vec<WidgetSite>,
    /// What the workflow itself says about the file.
    #[serde(default, skip_serializing_if = "ModelClaims::is_empty")]
    pub claims: ModelClaims,
}

/// How a value is known to name a model. The order is that of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelEvidence {
    /// A file of that name lies in the model folder; the node class is not known.
    Matched,
    /// `embedding:name` in a prompt.
    Prompt,
    /// The node's `properties.models` lists it.
    Properties,
    /// The node class takes its choices from the model folder.
    Catalog,
}

/// One widget that names a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WidgetSite {
    /// The subgraph definition the node lies in; none: the workflow itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subgraph: Option<String>,
    /// The node's id.
    pub node: String,
    /// The node's class.
    pub class: String,
    /// The widget; empty where only `properties.models` names the model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub input: String,
    /// The node does not run: `muted` or `bypassed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
}

/// What a workflow says about a model file (`properties.models`).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelClaims {
    /// Digests it claims.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hashes: BTreeSet<Digest>,
    /// Where it says the file comes from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub urls: BTreeSet<String>,
}

impl ModelClaims {
    /// Whether nothing is claimed.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty() && self.urls.is_empty()
    }
}

/// A node class that is not ComfyUI's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassUse {
    pub class: String,
    /// The registry id the file gives its pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnr_id: Option<String>,
    /// The repository (`owner/name`) the file gives its pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aux_id: Option<String>,
    /// The versions or commits the nodes were placed with.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub placed_with: BTreeSet<String>,
}

/// What one machine saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MachineObservation {
    /// When, UTC: `2026-11-22T10:00:00Z`.
    pub at: String,
    /// The program that looked: `git-comfy 0.1.0`.
    #[serde(default)]
    pub with: String,
    /// ComfyUI and what it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<ComfyEnvironment>,
    /// The model files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelFact>,
    /// The node packs behind the classes of the commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<PackFact>,
    /// Classes of which no installed pack is known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unplaced: BTreeSet<String>,
    /// What was not looked at yet; a worker completes it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pending: BTreeSet<PendingPart>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub rest: Object,
}

/// A part of what is seen that may come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PendingPart {
    /// ComfyUI, Python, graphics card.
    Environment,
    /// The node packs.
    Packs,
    /// Model digests.
    Models,
}

/// ComfyUI and what it runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct ComfyEnvironment {
    /// When this was seen, UTC. Of two looks of one machine the earlier counts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comfyui: Option<String>,
    /// What its repository has checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Checkout>,
    /// The version of the frontend package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontend: Option<String>,
    /// Python's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// PyTorch's version with its build (`2.7.0+cu128`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torch: Option<String>,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// What it computes on, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// The graphics driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The flags the server was started with; values that are paths or addresses are
    /// left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The blob that lists the Python packages, as lines `name==version`. It lies in the
    /// notes tree under its own id: `git notes --ref=comfy show <id>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<String>,
    /// Whether a running server said it, or the files of the installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<EnvironmentSource>,
}

/// Who said what the environment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentSource {
    /// The files of the installation: what would run.
    Files,
    /// The running server: what does run.
    Server,
}

/// What became of a model name on a machine.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ModelStatus {
    /// The file is there and not hashed yet. The order is that of how much is known.
    #[default]
    Pending,
    /// It is still being written, or was left half written; not hashed.
    Unfinished,
    /// It could not be read.
    Unreadable,
    /// No such file in the model folders.
    Missing,
    /// The name leads out of the model folders, or to something that is no file.
    Refused,
    /// A folder of files; not hashed.
    Folder,
    /// All bytes were hashed.
    Hashed,
}

/// One model name and the file behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelFact {
    /// The folder type, as in [`ModelUse::folder`].
    pub folder: String,
    /// The name, as in [`ModelUse::name`].
    pub name: String,
    /// What became of it.
    pub status: ModelStatus,
    /// When this was seen, UTC. Of two looks of one machine the one that found more
    /// counts, then the earlier.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Why, where the status does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The search folder that has it: `models/checkpoints`.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub search_folder: Option<String>,
    /// Its path in that folder, where that is not the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<ModelHashes>,
    /// The identity fields of a safetensors header.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, String>,
    /// Files of the same name that ComfyUI does not reach: the name is ambiguous.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ShadowedFile>,
    /// What sidecar files say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<SidecarHint>,
    /// Claimed digests that are not those of the file, each with who claims it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disagrees: BTreeMap<Digest, String>,
    /// For a missing file: where the bytes it should have lie under another name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
}

/// All digests of a model file, each spelled out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelHashes {
    /// SHA-256 of all bytes.
    pub sha256: String,
    /// BLAKE3 of all bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
    /// The first 10 digits of the SHA-256.
    pub autov2: String,
    /// The first 12 digits of the SHA-256 of the tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autov3: Option<String>,
    /// CRC-32 of all bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
}

impl From<&FileHashes> for ModelHashes {
    fn from(hashes: &FileHashes) -> Self {
        let hex = |kind| hashes.digest(kind).map(|digest| digest.hex().to_owned());
        ModelHashes {
            sha256: hex::to_hex(&hashes.sha256),
            blake3: hex(DigestKind::Blake3),
            autov2: hex(DigestKind::AutoV2).unwrap_or_default(),
            autov3: hex(DigestKind::AutoV3),
            crc32: hex(DigestKind::Crc32),
        }
    }
}

/// Another file of the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShadowedFile {
    /// The search folder that has it.
    #[serde(rename = "in")]
    pub search_folder: String,
    /// Bytes.
    pub size: u64,
    /// Its digest, where it is known without reading it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a sidecar file of a model manager says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SidecarHint {
    /// The ending of the sidecar: `.civitai.info`.
    pub from: String,
    /// The digests it claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Digest>,
    /// The page the model came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How a pack is installed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum PackKind {
    /// A folder of unknown origin.
    #[default]
    Folder,
    /// One Python file.
    File,
    /// Unpacked from the registry.
    Registry,
    /// A git repository.
    Git,
}

/// How a class is known to belong to a pack. The order is that of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackEvidence {
    /// The workflow says so (`cnr_id`, `aux_id`), and such a pack is installed.
    Claimed,
    /// The pack's source registers it.
    Source,
    /// A running server says so (`python_module`).
    Server,
}

/// One node pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct PackFact {
    /// Its name in `custom_nodes`.
    pub name: String,
    /// When this was seen, UTC. Of two looks of one machine the earlier counts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// How it is installed.
    pub kind: PackKind,
    /// Its release, by its `pyproject.toml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its id in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnr_id: Option<String>,
    /// What its repository has checked out.
    #[serde(flatten)]
    pub checkout: Checkout,
    /// SHA-256 of a single-file pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// It is switched off, and its classes are missing in ComfyUI.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// The commit's classes it brings, and how that is known.
    pub classes: BTreeMap<String, PackEvidence>,
    /// Other packs that bring one of these classes too.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<String>,
}

impl CommitRecord {
    /// Whether something was not looked at yet on that machine.
    pub(crate) fn is_pending(&self, machine: &str) -> bool {
        self.seen.get(machine).is_none_or(|seen| !seen.is_complete())
    }

    /// Keeps what is valid for a commit: `blob_at` gives the blob that the commit has
    /// under a path. Facts about names that no workflow has any more go too.
    pub(crate) fn retain(&mut self, blob_at: impl Fn(&str) -> Option<String>) {
        self.workflows.retain(|workflow| blob_at(&workflow.path) == Some(workflow.blob.clone()));
        let models: BTreeSet<(&str, &str)> = self
            .workflows
            .iter()
            .flat_map(|workflow| &workflow.models)
            .map(|model| (model.folder.as_str(), model.name.as_str()))
            .collect();
        let classes: BTreeSet<&str> = self
            .workflows
            .iter()
            .flat_map(|workflow| &workflow.classes)
            .map(|class| class.class.as_str())
            .collect();
        for seen in self.seen.values_mut() {
            seen.models.retain(|fact| models.contains(&(fact.folder.as_str(), fact.name.as_str())));
            seen.unplaced.retain(|class| classes.contains(class.as_str()));
            for pack in &mut seen.packs {
                pack.classes.retain(|class, _| classes.contains(class.as_str()));
            }
            seen.packs.retain(|pack| !pack.classes.is_empty());
        }
    }
}

impl MachineObservation {
    /// Whether everything was looked at.
    pub(crate) fn is_complete(&self) -> bool {
        let waits = |fact: &ModelFact| fact.status == ModelStatus::Pending;
        self.pending.is_empty() && !self.models.iter().any(waits)
    }
}
