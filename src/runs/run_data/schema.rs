//! The document of a run. `docs/run-schema.md` is its contract.
//!
//! Fields that this version does not know are kept and written back. Moments are UTC with
//! milliseconds, so that their texts are in the order of time.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::json::{Object, Value};
use serde::{Deserialize, Serialize};

use super::lineage::{OutputComparison, RunParent};
use crate::records;

/// The number of this schema. A reader refuses to change a run of a higher one.
pub const SCHEMA: u32 = 1;

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The schema the document follows.
    pub comfy_run: u32,
    /// The prompt id that the server gave; of a run that is known by its files alone, `x`
    /// and 32 digits of its [content](Run::content).
    pub id: String,
    /// One line for people; made anew whenever the document is written.
    #[serde(default)]
    pub summary: String,
    /// `sha256:` of the executed prompt in a form that does not depend on spelling: the
    /// same for the prompt in a file and in the server's history. Of a file without a
    /// prompt that of whatever it carries.
    pub content: String,
    /// `sha256:` of what would run, with the seeds left out that change by themselves: the
    /// same for the workflow in a file and for the one that was saved or committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// How it ended.
    #[serde(default)]
    pub outcome: RunOutcome,
    /// When it was queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// How long each node took, in milliseconds, where the bridge saw it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub durations: BTreeMap<String, u64>,
    /// Nodes that were not run, because nothing had changed for them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cached: BTreeSet<String>,
    /// What it made, in the order of paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputFile>,
    /// Older files that the server named again for nodes it did not run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reused: Vec<OutputFile>,
    /// The files it read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputFile>,
    /// What each sampling node ran with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samplers: Vec<Sampler>,
    /// All seeds as they were used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<Seed>,
    /// The model files it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<RunModel>,
    /// The node classes that ran, with the packs the workflow claims for them; ComfyUI's
    /// own have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, String>,
    /// The installed packs that bring these classes, where somebody looked at the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<records::PackFact>,
    /// Texts that reach a sampler's positive side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positive: Vec<String>,
    /// Texts that reach a sampler's negative side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negative: Vec<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<RunProblem>,
    /// What it ran on, where somebody looked at the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<records::ComfyEnvironment>,
    /// Where the workflow was committed when the run was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<CommittedFile>,
    /// The file it was queued from, where the program that queued it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_file: Option<String>,
    /// Where this is known from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known: BTreeSet<RunSource>,
    /// The run that this one makes again or varies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunParent>,
    /// How what came out compares with what the parent made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<OutputComparison>,
    /// Prompts were taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redaction>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub rest: Object,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            comfy_run: SCHEMA,
            id: String::new(),
            summary: String::new(),
            content: String::new(),
            graph: None,
            outcome: RunOutcome::Unknown,
            queued: None,
            start: None,
            end: None,
            durations: BTreeMap::new(),
            cached: BTreeSet::new(),
            outputs: Vec::new(),
            reused: Vec::new(),
            inputs: Vec::new(),
            samplers: Vec::new(),
            seeds: Vec::new(),
            models: Vec::new(),
            classes: BTreeMap::new(),
            packs: Vec::new(),
            positive: Vec::new(),
            negative: Vec::new(),
            problem: None,
            environment: None,
            committed: None,
            from_file: None,
            known: BTreeSet::new(),
            parent: None,
            compared: Vec::new(),
            redacted: None,
            rest: Object::new(),
        }
    }
}

/// How a run ended. The order is that of how much is known.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum RunOutcome {
    /// Nobody saw the end; its files are there.
    #[default]
    Unknown,
    /// It ran to the end.
    Success,
    /// A person stopped it.
    Interrupted,
    /// A node failed.
    Error,
}

/// Where a fact about a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunSource {
    /// What an output file carries.
    File,
    /// The server's history.
    History,
    /// The bridge inside ComfyUI.
    Bridge,
    /// comfy-cli's list of runs.
    Cli,
    /// The server's queue: it was seen to begin.
    Queue,
}

/// Below which folder a path begins.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OutputBase {
    /// ComfyUI's output folder.
    #[default]
    Output,
    /// The repository's work tree.
    Repository,
    /// A folder that was scanned.
    Folder,
}

/// A file that came out of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutputFile {
    /// Its path, with forward slashes.
    pub path: String,
    /// Below which folder.
    #[serde(default, rename = "in")]
    pub base: OutputBase,
    /// SHA-256 of all bytes; none: nobody looked at the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What the picture shows, as 64 digits: see `docs/run-schema.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perceptual: Option<String>,
    /// Width and height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<(u32, u32)>,
    /// When the file was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// The node that made it, where the server or the bridge said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its place among the files of that node, from 0: the batch index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// What the server calls it: `images`, `audio`, `gifs`, `3d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A file that a run read.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputFile {
    /// The node that names it.
    pub node: String,
    pub name: String,
    /// SHA-256 of all bytes: ComfyUI puts it beside the node in what it embeds, or
    /// somebody looked at the file, which was as old as the run or older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What the picture shows, as of an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perceptual: Option<String>,
}

/// A node that sampled, with the values it ran with. A value that a node computed is
/// absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampler {
    pub node: String,
    pub class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Value>,
    /// The sampler's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Value>,
    /// The scheduler's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Value>,
    /// Guidance scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cfg: Option<Value>,
    /// Denoising strength.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denoise: Option<Value>,
    /// The step it began at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_step: Option<Value>,
    /// The step it ended at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_step: Option<Value>,
}

/// A seed as it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    pub node: String,
    pub input: String,
    /// The number.
    pub value: Value,
}

/// A model file that a run names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunModel {
    /// The folder type: `checkpoints`, `loras`, …
    pub folder: String,
    /// The name as the prompt has it.
    pub name: String,
    /// The nodes that name it.
    pub nodes: Vec<String>,
    /// SHA-256 of all bytes, where it was known when the run was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Why a run failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct RunProblem {
    /// The node at which it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The type of the exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Where a workflow was committed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommittedFile {
    /// The commit that was checked out.
    pub commit: String,
    pub path: String,
    pub blob: String,
}

/// That prompts were taken out, and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Redaction {
    /// When, UTC.
    pub at: String,
}

impl Run {
    /// When it happened, as far as anybody knows: begun, queued, ended.
    pub fn known_time(&self) -> Option<&str> {
        self.start.as_deref().or(self.queued.as_deref()).or(self.end.as_deref())
    }

    /// Takes out what a person wrote: the texts, and names that tell as much.
    pub fn redact(&mut self, at: &str) {
        self.positive.clear();
        self.negative.clear();
        self.inputs.clear();
        // Named by the texts.
        self.models.retain(|model| model.folder != "embeddings");
        self.rest = Object::new();
        if let Some(parent) = &mut self.parent {
            parent.redact();
        }
        if let Some(problem) = &mut self.problem {
            problem.message = None;
        }
        let at = self.redacted.take().map_or(at.to_owned(), |known| known.at.min(at.to_owned()));
        self.redacted = Some(Redaction { at });
    }
}
