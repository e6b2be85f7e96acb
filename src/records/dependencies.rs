//! What a workflow names: model files and node classes. A fact of the document, without
//! any machine.
//!
//! The values that count are those ComfyUI would run with: an instance of a subgraph
//! overrides the widget behind its input, a primitive node the widget it feeds; a widget
//! that is fed by any other node has no value of its own.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog;
use comfy_graph::catalog::{Catalog, FileFolder, FileUse};
use comfy_graph::graph::{
    Graph, GraphScope, Node, NodeMode, Prompt, SlotName, WidgetNaming, WireSource, Wires, Workflow,
};
use comfy_graph::json::Value;

use super::schema::{ClassUse, ModelClaims, ModelEvidence, ModelUse, WidgetSite};
use crate::platform::machine::{Digest, DigestKind};

/// The folder of a name that ends like a model and whose type nobody knows.
pub const UNKNOWN_FOLDER: &str = "unknown";

/// Classes the frontend handles alone: no pack and no server knows them.
const FRONTEND_CLASSES: &[&str] = &["MarkdownNote", "Note", "PrimitiveNode", "Reroute"];

/// How often values are passed on through nested subgraphs, and how many nodes in a row
/// are followed to where a value comes from.
const MAX_DEPTH: usize = 32;

/// Everything a document names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Models, by type and name.
    pub models: Vec<ModelUse>,
    /// Node classes that ComfyUI does not bring.
    pub classes: Vec<ClassUse>,
}

/// What a workflow names.
pub fn workflow_dependencies(workflow: &Workflow, catalog: &Catalog) -> Dependencies {
    let wires: Vec<(GraphScope, &Graph, Wires)> =
        workflow.graphs().map(|(scope, graph)| (scope, graph, Wires::from_graph(graph))).collect();
    let given = InstanceInputs::propagate(workflow, catalog, &wires);
    let mut gathered = DependencyCollector::default();
    for (scope, graph, wires) in &wires {
        // A definition without an instance is not part of the workflow.
        let Some(off) = given.reached.get(scope) else { continue };
        for node in graph.nodes.values() {
            if workflow.definition_of(node).is_some() || FRONTEND_CLASSES.contains(&node.class()) {
                continue;
            }
            let place = NodeSite { scope, disabled: off.or(disabled_reason(node.mode())) };
            gathered.add_class(
                node.class(),
                |key| node.property(key).and_then(Value::as_str),
                catalog,
            );
            let values =
                EffectiveValues { catalog, workflow, graph, wires, instance_inputs: &given, scope };
            for file in values.model_files(node) {
                gathered.add_node_file(&file, &place, node);
            }
            gathered.add_virtual_vae(node, &values, &place);
            gathered.add_declared_models(node, &place);
        }
    }
    gathered.finish()
}

/// What a prompt (the API format) names.
pub fn prompt_dependencies(prompt: &Prompt, catalog: &Catalog) -> Dependencies {
    let mut gathered = DependencyCollector::default();
    for node in prompt.nodes.values() {
        let meta = node.raw().get("_meta");
        let claim = |key: &str| meta?.get(key).and_then(Value::as_str);
        gathered.add_class(node.class(), claim, catalog);
    }
    for (id, file) in catalog.prompt_files(prompt) {
        if let Some(node) = prompt.nodes.get(id) {
            gathered.add_file_use(
                &file,
                new_site(None, &id.to_string(), node.class(), &file.input, None),
            );
        }
    }
    gathered.finish()
}

/// Group nodes, and instances of a subgraph whose definition is missing.
fn is_composite_class(class: &str) -> bool {
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let uuid = class.len() == 36 && class.matches('-').count() == 4 && class.chars().all(hex);
    uuid || class.starts_with("workflow>") || class.starts_with("workflow/")
}

fn disabled_reason(mode: NodeMode) -> Option<&'static str> {
    match mode {
        NodeMode::Bypass => Some("bypassed"),
        mode if mode.is_off() => Some("muted"),
        _ => None,
    }
}

struct NodeSite<'a> {
    scope: &'a GraphScope,
    disabled: Option<&'static str>,
}

fn new_site(
    scope: Option<&GraphScope>,
    node: &str,
    class: &str,
    input: &str,
    off: Option<&str>,
) -> WidgetSite {
    let subgraph = match scope {
        Some(GraphScope::Definition(id)) => Some(truncate_text(id.as_str())),
        _ => None,
    };
    WidgetSite {
        subgraph,
        node: truncate_text(node),
        class: truncate_text(class),
        input: truncate_text(input),
        off: off.map(str::to_owned),
    }
}

/// A text of a stranger's document as a record holds it: bounded.
fn truncate_text(text: &str) -> String {
    const LONGEST: usize = 300;
    text.chars().take(LONGEST).collect()
}

/// A model name as a record holds it: an absolute path is a person's own business.
pub fn shareable_name(name: &str) -> String {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let home = name == "~" || name.starts_with("~/") || name.starts_with("~\\");
    if !(name.starts_with(['/', '\\']) || drive || home) {
        return truncate_text(name);
    }
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    truncate_text(&format!("<absolute>/{last}"))
}

#[derive(Default)]
struct DependencyCollector {
    models: BTreeMap<(String, String), ModelUse>,
    classes: BTreeMap<(String, Option<String>, Option<String>), BTreeSet<String>>,
}

impl DependencyCollector {
    fn add_class<'n>(
        &mut self,
        class: &str,
        claim: impl Fn(&str) -> Option<&'n str>,
        catalog: &Catalog,
    ) {
        let known = catalog.class(class);
        let from_pack = known.is_none_or(|class| class.module.starts_with("custom_nodes"));
        if class.is_empty()
            || !from_pack
            || is_composite_class(class)
            || FRONTEND_CLASSES.contains(&class)
        {
            return;
        }
        let key = (
            truncate_text(class),
            claim("cnr_id").map(truncate_text),
            claim("aux_id").map(truncate_text),
        );
        self.classes.entry(key).or_default().extend(claim("ver").map(truncate_text));
    }

    fn add_node_file(&mut self, file: &FileUse, place: &NodeSite<'_>, node: &Node) {
        let id = node.id().to_string();
        self.add_file_use(
            file,
            new_site(Some(place.scope), &id, node.class(), &file.input, place.disabled),
        );
    }

    fn add_file_use(&mut self, file: &FileUse, site: WidgetSite) {
        let folder = match &file.folder {
            FileFolder::Models(folder) => folder.as_str(),
            FileFolder::Unknown => UNKNOWN_FOLDER,
            FileFolder::Input(_) | FileFolder::Output | FileFolder::Temp => return,
        };
        let by = match file.evidence {
            catalog::FileEvidence::Class | catalog::FileEvidence::Choices => ModelEvidence::Catalog,
            catalog::FileEvidence::Property => ModelEvidence::Properties,
            catalog::FileEvidence::Text => ModelEvidence::Prompt,
            catalog::FileEvidence::Ending => ModelEvidence::Matched,
        };
        self.insert_model(folder, &file.name, by, site);
    }

    fn insert_model(
        &mut self,
        folder: &str,
        name: &str,
        by: ModelEvidence,
        site: WidgetSite,
    ) -> &mut ModelUse {
        let key = (truncate_text(folder), shareable_name(name));
        let model = self.models.entry(key.clone()).or_insert_with(|| ModelUse {
            folder: key.0,
            name: key.1,
            by,
            at: Vec::new(),
            claims: ModelClaims::default(),
        });
        model.by = model.by.max(by);
        if !model.at.contains(&site) {
            model.at.push(site);
        }
        model
    }

    /// Small VAEs that ComfyUI puts together from two files of `vae_approx`.
    fn add_virtual_vae(&mut self, node: &Node, values: &EffectiveValues<'_>, place: &NodeSite<'_>) {
        const PAIRED: &[&str] = &["taesd", "taesdxl", "taesd3", "taef1", "taef2"];
        if node.class() != "VAELoader" {
            return;
        }
        for value in values.widget_values(node, "vae_name") {
            let Some(name) = value.as_str().filter(|name| PAIRED.contains(name)) else { continue };
            for half in ["encoder", "decoder"] {
                let id = node.id().to_string();
                let site =
                    new_site(Some(place.scope), &id, node.class(), "vae_name", place.disabled);
                self.insert_model(
                    "vae_approx",
                    &format!("{name}_{half}"),
                    ModelEvidence::Catalog,
                    site,
                );
            }
        }
    }

    /// What the node itself says about its models: `{name, url, directory, hash}`.
    fn add_declared_models(&mut self, node: &Node, place: &NodeSite<'_>) {
        let models = node.property("models").and_then(Value::as_array).unwrap_or_default();
        for model in models {
            let text = |key: &str| model.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
            let (Some(name), Some(folder)) = (text("name"), text("directory")) else { continue };
            let key = (truncate_text(folder), shareable_name(name));
            let site = new_site(
                Some(place.scope),
                &node.id().to_string(),
                node.class(),
                "",
                place.disabled,
            );
            let model = match self.models.get_mut(&key) {
                Some(model) => model,
                None => self.insert_model(folder, name, ModelEvidence::Properties, site),
            };
            let kind = text("hash_type").map_or(Some(DigestKind::Sha256), DigestKind::from_name);
            let digest = text("hash").and_then(|hex| Digest::new(kind?, hex).ok());
            model.claims.hashes.extend(digest);
            model.claims.urls.extend(text("url").and_then(shareable_url));
        }
    }

    fn finish(self) -> Dependencies {
        let mut models: Vec<ModelUse> = self.models.into_values().collect();
        models.iter_mut().for_each(|model| model.at.sort());
        let classes = self.classes.into_iter().map(|((class, cnr_id, aux_id), placed_with)| {
            ClassUse { class, cnr_id, aux_id, placed_with }
        });
        Dependencies { models, classes: classes.collect() }
    }
}

/// A download address without the names and tokens that people paste into them.
fn shareable_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !(scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next()?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["token", "key", "secret", "sig", "auth", "password"].iter().any(|word| name.contains(word))
    };
    let public: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !secret(pair.split('=').next().unwrap_or(pair)))
        .collect();
    let query = if public.is_empty() { String::new() } else { format!("?{}", public.join("&")) };
    let url = format!("{scheme}://{host}{path}{query}");
    let fine = !host.is_empty() && url.len() <= 2000 && !url.chars().any(char::is_control);
    fine.then_some(url)
}

/// What comes in through an input of a subgraph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum InputValue {
    /// Nothing: the widget inside counts.
    OwnWidget,
    Text(String),
    /// Something that a node computes.
    Computed,
}

/// What every instance passes into its definition.
#[derive(Default)]
struct InstanceInputs {
    values: BTreeMap<(GraphScope, SlotName), BTreeSet<InputValue>>,
    /// The graphs that are part of the workflow, and how they are switched off as a whole.
    reached: BTreeMap<GraphScope, Option<&'static str>>,
}

impl InstanceInputs {
    fn propagate(
        workflow: &Workflow,
        catalog: &Catalog,
        wires: &[(GraphScope, &Graph, Wires)],
    ) -> InstanceInputs {
        let mut given = InstanceInputs::default();
        given.reached.insert(GraphScope::Root, None);
        for _ in 0..MAX_DEPTH {
            let before = (given.values.clone(), given.reached.clone());
            for (scope, graph, wires) in wires {
                let Some(off) = given.reached.get(scope).copied() else { continue };
                for host in graph.nodes.values() {
                    if workflow.definition_of(host).is_some() {
                        let off = off.or(disabled_reason(host.mode()));
                        let values = EffectiveValues {
                            catalog,
                            workflow,
                            graph,
                            wires,
                            instance_inputs: &given,
                            scope,
                        };
                        let passed = values.passed_values(host);
                        given.enter_subgraph(host, off, passed);
                    }
                }
            }
            if before == (given.values.clone(), given.reached.clone()) {
                break;
            }
        }
        given
    }

    fn enter_subgraph(
        &mut self,
        host: &Node,
        off: Option<&'static str>,
        passed: Vec<(SlotName, BTreeSet<InputValue>)>,
    ) {
        let inside = GraphScope::Definition(host.as_subgraph());
        let known = self.reached.entry(inside.clone()).or_insert(off);
        // One instance that runs is enough.
        if off.is_none() {
            *known = None;
        }
        for (input, values) in passed {
            self.values.entry((inside.clone(), input)).or_default().extend(values);
        }
    }
}

/// The values of the widgets of one graph as they would run.
struct EffectiveValues<'a> {
    catalog: &'a Catalog,
    workflow: &'a Workflow,
    graph: &'a Graph,
    wires: &'a Wires,
    instance_inputs: &'a InstanceInputs,
    scope: &'a GraphScope,
}

impl EffectiveValues<'_> {
    /// The files that a node names with the values it would run with.
    fn model_files(&self, node: &Node) -> Vec<FileUse> {
        let fed = |input: &str| self.wires.wire_into(node.id(), &SlotName::new(input)).is_some();
        let mut files: Vec<FileUse> = self
            .catalog
            .node_files(self.workflow, node)
            .into_iter()
            .filter(|file| !fed(&file.input))
            .collect();
        for widget in self.catalog.widgets(self.workflow, node) {
            let Some(name) = widget.name.as_str().filter(|name| fed(name)) else { continue };
            if widget.role.runs() {
                for value in self.widget_values(node, name) {
                    files.extend(self.catalog.value_files(node, name, &value));
                }
            }
        }
        files
    }

    /// The values a widget would run with: one, or one for each way the node is used.
    fn widget_values(&self, node: &Node, input: &str) -> Vec<Value> {
        let own = || self.own_value(node, input);
        let incoming = self.incoming_values(node, &SlotName::new(input), 0);
        let values = incoming.into_iter().filter_map(|incoming| match incoming {
            InputValue::OwnWidget => own(),
            InputValue::Text(text) => Some(Value::from(text)),
            InputValue::Computed => None,
        });
        values.collect()
    }

    fn own_value(&self, node: &Node, input: &str) -> Option<Value> {
        let widgets = self.catalog.widgets(self.workflow, node);
        let widget = widgets.into_iter().find(|widget| widget.name.as_str() == Some(input))?;
        Some(widget.value.clone()).filter(|value| !value.is_null())
    }

    /// What an instance passes through each input of its definition.
    fn passed_values(&self, host: &Node) -> Vec<(SlotName, BTreeSet<InputValue>)> {
        let Some(definition) = self.workflow.definition_of(host) else { return Vec::new() };
        let own = |name: &str| match self.own_value(host, name) {
            Some(value) => InputValue::Text(value.as_str()?.to_owned()).into(),
            None => Some(InputValue::OwnWidget),
        };
        let inputs = definition.inputs().map(|input| (input.name().to_owned(), input.at));
        inputs
            .map(|(name, at)| {
                let incoming = self.incoming_values(host, &SlotName::new(&name), 0);
                let passed = incoming.into_iter().map(|incoming| match incoming {
                    InputValue::OwnWidget => own(&name).unwrap_or(InputValue::Computed),
                    other => other,
                });
                (definition.input_name(at), passed.collect())
            })
            .collect()
    }

    /// What comes into an input by wire; `OwnWidget` when nothing does.
    fn incoming_values(&self, node: &Node, input: &SlotName, depth: usize) -> BTreeSet<InputValue> {
        let one = |incoming| BTreeSet::from([incoming]);
        let Some(wire) = self.wires.wire_into(node.id(), input) else {
            return one(InputValue::OwnWidget);
        };
        match &wire.from {
            WireSource::Boundary(boundary) => {
                let key = (self.scope.clone(), boundary.clone());
                self.instance_inputs.values.get(&key).cloned().unwrap_or_default()
            }
            WireSource::Node { id, .. } => {
                let Some(from) = self.graph.nodes.get(id) else { return one(InputValue::Computed) };
                match from.class() {
                    "PrimitiveNode" => {
                        let widgets = self.catalog.widgets(self.workflow, from);
                        let text = widgets.first().and_then(|widget| widget.value.as_str());
                        one(text
                            .map_or(InputValue::Computed, |text| InputValue::Text(text.to_owned())))
                    }
                    "Reroute" if depth < MAX_DEPTH => match from.inputs().next() {
                        Some(_) => self.incoming_values(from, &from.input_name(0), depth + 1),
                        None => one(InputValue::Computed),
                    },
                    _ => one(InputValue::Computed),
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "dependencies_tests.rs"]
mod tests;
