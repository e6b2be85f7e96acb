//! How much two graphs have in common, cheaply: enough to tell two versions of one
//! workflow from two workflows under one name.

use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::Value;
use rustc_hash::FxHashMap;

/// What is compared of a graph: its nodes by id and class, and by class alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GraphFingerprint {
    format: FingerprintFormat,
    workflow_id: Option<String>,
    nodes: FxHashMap<String, usize>,
    classes: FxHashMap<String, usize>,
}

/// The two formats that a graph is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum FingerprintFormat {
    #[default]
    Workflow,
    Prompt,
}

/// From 0 (nothing in common) to 1 (the same nodes).
pub(crate) type Similarity = f64;

impl GraphFingerprint {
    /// Of a workflow, subgraphs included.
    pub(crate) fn from_workflow(workflow: &Workflow) -> GraphFingerprint {
        let id = workflow.root.rest.get("id").and_then(Value::as_str);
        let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        let mut fingerprint = GraphFingerprint { workflow_id: id, ..GraphFingerprint::default() };
        for (_, node) in workflow.nodes() {
            fingerprint.add_node(&node.id().to_string(), node.class());
        }
        fingerprint
    }

    /// Of a workflow in API format, which has no id.
    pub(crate) fn from_prompt(prompt: &Prompt) -> GraphFingerprint {
        let mut fingerprint =
            GraphFingerprint { format: FingerprintFormat::Prompt, ..GraphFingerprint::default() };
        for (id, node) in &prompt.nodes {
            fingerprint.add_node(&id.to_string(), node.class());
        }
        fingerprint
    }

    fn add_node(&mut self, id: &str, class: &str) {
        *self.nodes.entry(format!("{id} {class}")).or_default() += 1;
        *self.classes.entry(class.to_owned()).or_default() += 1;
    }

    /// The id that ComfyUI gave the workflow, which stays when it is saved again.
    pub(crate) fn workflow_id(&self) -> Option<&str> {
        self.workflow_id.as_deref()
    }

    /// Whether it is a workflow in API format.
    pub(crate) fn is_prompt(&self) -> bool {
        self.format == FingerprintFormat::Prompt
    }

    /// Equal for fingerprints that are equal, and for no others.
    pub(crate) fn key(&self) -> String {
        let mut nodes: Vec<String> =
            self.nodes.iter().map(|(node, count)| format!("{node} {count}")).collect();
        nodes.sort_unstable();
        let id = self.workflow_id.as_deref().unwrap_or_default();
        format!("{:?}\n{id}\n{}", self.format, nodes.join("\n"))
    }

    /// How much two have in common, measured by the smaller one: 1 where one holds all of the
    /// other and more. For graphs whose names say already that they belong together.
    ///
    /// Nodes of the same id and class count in full; classes alone count four fifths, for a
    /// graph that was built anew shares no ids. A workflow and a prompt have nothing in common:
    /// they are never versions of one file.
    pub(crate) fn overlap(&self, other: &GraphFingerprint) -> Similarity {
        self.compare_by(other, usize::min)
    }

    /// The same, measured by the larger one: what only one of them has counts against it. For
    /// graphs that nothing but their nodes says belong together; every picture is made by the
    /// same few classes.
    pub(crate) fn similarity(&self, other: &GraphFingerprint) -> Similarity {
        self.compare_by(other, usize::max)
    }

    fn compare_by(&self, other: &GraphFingerprint, of: fn(usize, usize) -> usize) -> Similarity {
        if self.format != other.format {
            return 0.0;
        }
        let ids = shared_fraction(&self.nodes, &other.nodes, of);
        let classes = shared_fraction(&self.classes, &other.classes, of);
        ids.max(0.8 * classes)
    }
}

/// The share of keys that both have, counted with multiplicity. `of` picks the total that it
/// is a share of.
fn shared_fraction(
    one: &FxHashMap<String, usize>,
    other: &FxHashMap<String, usize>,
    of: fn(usize, usize) -> usize,
) -> f64 {
    let total = |side: &FxHashMap<String, usize>| side.values().sum::<usize>();
    let both: usize =
        one.iter().map(|(key, count)| other.get(key).map_or(0, |o| *count.min(o))).sum();
    let all = of(total(one), total(other));
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}
