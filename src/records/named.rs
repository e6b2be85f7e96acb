//! What a workflow names: model files and node classes. A fact of the document, without
//! any machine.
//!
//! The values that count are those ComfyUI would run with: an instance of a subgraph
//! overrides the widget behind its input, a primitive node the widget it feeds; a widget
//! that is fed by any other node has no value of its own.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog;
use comfy_graph::catalog::{Catalog, FileUse, Folder};
use comfy_graph::graph::{
    Graph, Mode, Naming, Node, Prompt, Scope, SlotName, Source, Wires, Workflow,
};
use comfy_graph::json::Value;

use super::schema::{Claims, ClassUse, Evidence, ModelUse, Site};
use crate::platform::machine::{Digest, DigestKind};

/// The folder of a name that ends like a model and whose type nobody knows.
pub const UNKNOWN_FOLDER: &str = "unknown";

/// Classes the frontend handles alone: no pack and no server knows them.
const FRONTEND_CLASSES: &[&str] = &["MarkdownNote", "Note", "PrimitiveNode", "Reroute"];

/// How often values are passed on through nested subgraphs, and how many nodes in a row
/// are followed to where a value comes from.
const DEEPEST: usize = 32;

/// Everything a document names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Models, by type and name.
    pub models: Vec<ModelUse>,
    /// Node classes that ComfyUI does not bring.
    pub classes: Vec<ClassUse>,
}

/// What a workflow names.
pub fn of_workflow(workflow: &Workflow, catalog: &Catalog) -> Named {
    let wires: Vec<(Scope, &Graph, Wires)> =
        workflow.graphs().map(|(scope, graph)| (scope, graph, Wires::of(graph))).collect();
    let given = Given::flow(workflow, catalog, &wires);
    let mut gathered = Gathered::default();
    for (scope, graph, wires) in &wires {
        // A definition without an instance is not part of the workflow.
        let Some(off) = given.reached.get(scope) else { continue };
        for node in graph.nodes.values() {
            if workflow.definition_of(node).is_some() || FRONTEND_CLASSES.contains(&node.class()) {
                continue;
            }
            let place = Place { scope, off: off.or(how_off(node.mode())) };
            gathered.class(node.class(), |key| node.property(key).and_then(Value::as_str), catalog);
            let values = Values { catalog, workflow, graph, wires, given: &given, scope };
            for file in values.files(node) {
                gathered.model(&file, &place, node);
            }
            gathered.virtual_vae(node, &values, &place);
            gathered.declared(node, &place);
        }
    }
    gathered.finish()
}

/// What a prompt (the API format) names.
pub fn of_prompt(prompt: &Prompt, catalog: &Catalog) -> Named {
    let mut gathered = Gathered::default();
    for node in prompt.nodes.values() {
        let meta = node.raw().get("_meta");
        let claim = |key: &str| meta?.get(key).and_then(Value::as_str);
        gathered.class(node.class(), claim, catalog);
    }
    for (id, file) in catalog.prompt_files(prompt) {
        if let Some(node) = prompt.nodes.get(id) {
            gathered.add(&file, site(None, &id.to_string(), node.class(), &file.input, None));
        }
    }
    gathered.finish()
}

/// Group nodes, and instances of a subgraph whose definition is missing.
fn is_composed(class: &str) -> bool {
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let uuid = class.len() == 36 && class.matches('-').count() == 4 && class.chars().all(hex);
    uuid || class.starts_with("workflow>") || class.starts_with("workflow/")
}

fn how_off(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Bypass => Some("bypassed"),
        mode if mode.is_off() => Some("muted"),
        _ => None,
    }
}

struct Place<'a> {
    scope: &'a Scope,
    off: Option<&'static str>,
}

fn site(scope: Option<&Scope>, node: &str, class: &str, input: &str, off: Option<&str>) -> Site {
    let subgraph = match scope {
        Some(Scope::Definition(id)) => Some(plain(id.as_str())),
        _ => None,
    };
    Site {
        subgraph,
        node: plain(node),
        class: plain(class),
        input: plain(input),
        off: off.map(str::to_owned),
    }
}

/// A text of a stranger's document as a record holds it: bounded.
fn plain(text: &str) -> String {
    const LONGEST: usize = 300;
    text.chars().take(LONGEST).collect()
}

/// A model name as a record holds it: an absolute path is a person's own business.
pub fn shareable_name(name: &str) -> String {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let home = name == "~" || name.starts_with("~/") || name.starts_with("~\\");
    if !(name.starts_with(['/', '\\']) || drive || home) {
        return plain(name);
    }
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    plain(&format!("<absolute>/{last}"))
}

#[derive(Default)]
struct Gathered {
    models: BTreeMap<(String, String), ModelUse>,
    classes: BTreeMap<(String, Option<String>, Option<String>), BTreeSet<String>>,
}

impl Gathered {
    fn class<'n>(
        &mut self,
        class: &str,
        claim: impl Fn(&str) -> Option<&'n str>,
        catalog: &Catalog,
    ) {
        let known = catalog.class(class);
        let from_pack = known.is_none_or(|class| class.module.starts_with("custom_nodes"));
        if class.is_empty() || !from_pack || is_composed(class) || FRONTEND_CLASSES.contains(&class)
        {
            return;
        }
        let key = (plain(class), claim("cnr_id").map(plain), claim("aux_id").map(plain));
        self.classes.entry(key).or_default().extend(claim("ver").map(plain));
    }

    fn model(&mut self, file: &FileUse, place: &Place<'_>, node: &Node) {
        let id = node.id().to_string();
        self.add(file, site(Some(place.scope), &id, node.class(), &file.input, place.off));
    }

    fn add(&mut self, file: &FileUse, site: Site) {
        let folder = match &file.folder {
            Folder::Models(folder) => folder.as_str(),
            Folder::Unknown => UNKNOWN_FOLDER,
            Folder::Input(_) | Folder::Output | Folder::Temp => return,
        };
        let by = match file.evidence {
            catalog::Evidence::Class | catalog::Evidence::Choices => Evidence::Catalog,
            catalog::Evidence::Property => Evidence::Properties,
            catalog::Evidence::Text => Evidence::Prompt,
            catalog::Evidence::Ending => Evidence::Matched,
        };
        self.insert(folder, &file.name, by, site);
    }

    fn insert(&mut self, folder: &str, name: &str, by: Evidence, site: Site) -> &mut ModelUse {
        let key = (plain(folder), shareable_name(name));
        let model = self.models.entry(key.clone()).or_insert_with(|| ModelUse {
            folder: key.0,
            name: key.1,
            by,
            at: Vec::new(),
            claims: Claims::default(),
        });
        model.by = model.by.max(by);
        if !model.at.contains(&site) {
            model.at.push(site);
        }
        model
    }

    /// Small VAEs that ComfyUI puts together from two files of `vae_approx`.
    fn virtual_vae(&mut self, node: &Node, values: &Values<'_>, place: &Place<'_>) {
        const PAIRED: &[&str] = &["taesd", "taesdxl", "taesd3", "taef1", "taef2"];
        if node.class() != "VAELoader" {
            return;
        }
        for value in values.of(node, "vae_name") {
            let Some(name) = value.as_str().filter(|name| PAIRED.contains(name)) else { continue };
            for half in ["encoder", "decoder"] {
                let id = node.id().to_string();
                let site = site(Some(place.scope), &id, node.class(), "vae_name", place.off);
                self.insert("vae_approx", &format!("{name}_{half}"), Evidence::Catalog, site);
            }
        }
    }

    /// What the node itself says about its models: `{name, url, directory, hash}`.
    fn declared(&mut self, node: &Node, place: &Place<'_>) {
        let models = node.property("models").and_then(Value::as_array).unwrap_or_default();
        for model in models {
            let text = |key: &str| model.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
            let (Some(name), Some(folder)) = (text("name"), text("directory")) else { continue };
            let key = (plain(folder), shareable_name(name));
            let site = site(Some(place.scope), &node.id().to_string(), node.class(), "", place.off);
            let model = match self.models.get_mut(&key) {
                Some(model) => model,
                None => self.insert(folder, name, Evidence::Properties, site),
            };
            let kind = text("hash_type").map_or(Some(DigestKind::Sha256), DigestKind::from_name);
            let digest = text("hash").and_then(|hex| Digest::new(kind?, hex).ok());
            model.claims.hashes.extend(digest);
            model.claims.urls.extend(text("url").and_then(shareable_url));
        }
    }

    fn finish(self) -> Named {
        let mut models: Vec<ModelUse> = self.models.into_values().collect();
        models.iter_mut().for_each(|model| model.at.sort());
        let classes = self.classes.into_iter().map(|((class, cnr_id, aux_id), placed_with)| {
            ClassUse { class, cnr_id, aux_id, placed_with }
        });
        Named { models, classes: classes.collect() }
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
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !secret(pair.split('=').next().unwrap_or(pair)))
        .collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let url = format!("{scheme}://{host}{path}{query}");
    let fine = !host.is_empty() && url.len() <= 2000 && !url.chars().any(char::is_control);
    fine.then_some(url)
}

/// What comes in through an input of a subgraph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Incoming {
    /// Nothing: the widget inside counts.
    Inner,
    /// This text.
    Text(String),
    /// Something that a node computes.
    Wired,
}

/// What every instance passes into its definition.
#[derive(Default)]
struct Given {
    values: BTreeMap<(Scope, SlotName), BTreeSet<Incoming>>,
    /// The graphs that are part of the workflow, and how they are switched off as a whole.
    reached: BTreeMap<Scope, Option<&'static str>>,
}

impl Given {
    fn flow(workflow: &Workflow, catalog: &Catalog, wires: &[(Scope, &Graph, Wires)]) -> Given {
        let mut given = Given::default();
        given.reached.insert(Scope::Root, None);
        for _ in 0..DEEPEST {
            let before = (given.values.clone(), given.reached.clone());
            for (scope, graph, wires) in wires {
                let Some(off) = given.reached.get(scope).copied() else { continue };
                for host in graph.nodes.values() {
                    if workflow.definition_of(host).is_some() {
                        let off = off.or(how_off(host.mode()));
                        let values =
                            Values { catalog, workflow, graph, wires, given: &given, scope };
                        let passed = values.passed(host);
                        given.enter(host, off, passed);
                    }
                }
            }
            if before == (given.values.clone(), given.reached.clone()) {
                break;
            }
        }
        given
    }

    fn enter(
        &mut self,
        host: &Node,
        off: Option<&'static str>,
        passed: Vec<(SlotName, BTreeSet<Incoming>)>,
    ) {
        let inside = Scope::Definition(host.as_subgraph());
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
struct Values<'a> {
    catalog: &'a Catalog,
    workflow: &'a Workflow,
    graph: &'a Graph,
    wires: &'a Wires,
    given: &'a Given,
    scope: &'a Scope,
}

impl Values<'_> {
    /// The files that a node names with the values it would run with.
    fn files(&self, node: &Node) -> Vec<FileUse> {
        let fed = |input: &str| self.wires.feeding(node.id(), &SlotName::new(input)).is_some();
        let mut files: Vec<FileUse> = self
            .catalog
            .files(self.workflow, node)
            .into_iter()
            .filter(|file| !fed(&file.input))
            .collect();
        for widget in self.catalog.widgets(self.workflow, node) {
            let Some(name) = widget.name.as_str().filter(|name| fed(name)) else { continue };
            if widget.role.runs() {
                for value in self.of(node, name) {
                    files.extend(self.catalog.files_of(node, name, &value));
                }
            }
        }
        files
    }

    /// The values a widget would run with: one, or one for each way the node is used.
    fn of(&self, node: &Node, input: &str) -> Vec<Value> {
        let own = || self.own(node, input);
        let incoming = self.into(node, &SlotName::new(input), 0);
        let values = incoming.into_iter().filter_map(|incoming| match incoming {
            Incoming::Inner => own(),
            Incoming::Text(text) => Some(Value::from(text)),
            Incoming::Wired => None,
        });
        values.collect()
    }

    fn own(&self, node: &Node, input: &str) -> Option<Value> {
        let widgets = self.catalog.widgets(self.workflow, node);
        let widget = widgets.into_iter().find(|widget| widget.name.as_str() == Some(input))?;
        Some(widget.value.clone()).filter(|value| !value.is_null())
    }

    /// What an instance passes through each input of its definition.
    fn passed(&self, host: &Node) -> Vec<(SlotName, BTreeSet<Incoming>)> {
        let Some(definition) = self.workflow.definition_of(host) else { return Vec::new() };
        let own = |name: &str| match self.own(host, name) {
            Some(value) => Incoming::Text(value.as_str()?.to_owned()).into(),
            None => Some(Incoming::Inner),
        };
        let inputs = definition.inputs().map(|input| (input.name().to_owned(), input.at));
        inputs
            .map(|(name, at)| {
                let incoming = self.into(host, &SlotName::new(&name), 0);
                let told = incoming.into_iter().map(|incoming| match incoming {
                    Incoming::Inner => own(&name).unwrap_or(Incoming::Wired),
                    other => other,
                });
                (definition.input_name(at), told.collect())
            })
            .collect()
    }

    /// What comes into an input by wire; `Inner` when nothing does.
    fn into(&self, node: &Node, input: &SlotName, depth: usize) -> BTreeSet<Incoming> {
        let one = |incoming| BTreeSet::from([incoming]);
        let Some(wire) = self.wires.feeding(node.id(), input) else { return one(Incoming::Inner) };
        match &wire.from {
            Source::Boundary(boundary) => {
                let key = (self.scope.clone(), boundary.clone());
                self.given.values.get(&key).cloned().unwrap_or_default()
            }
            Source::Node { id, .. } => {
                let Some(from) = self.graph.nodes.get(id) else { return one(Incoming::Wired) };
                match from.class() {
                    "PrimitiveNode" => {
                        let widgets = self.catalog.widgets(self.workflow, from);
                        let text = widgets.first().and_then(|widget| widget.value.as_str());
                        one(text.map_or(Incoming::Wired, |text| Incoming::Text(text.to_owned())))
                    }
                    "Reroute" if depth < DEEPEST => match from.inputs().next() {
                        Some(_) => self.into(from, &from.input_name(0), depth + 1),
                        None => one(Incoming::Wired),
                    },
                    _ => one(Incoming::Wired),
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
