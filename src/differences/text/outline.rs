//! A whole workflow as lines of text: what git compares in `git log -p`, `git show` and
//! `git blame`, and what a person reads in `git comfy show`.
//!
//! One line says one thing, a node's lines stand together under a line that starts in the
//! first column (git shows that line in hunk headers), nodes come in order of id: a small
//! change of the workflow is a small change of the text. Everything that is content has a
//! line; layout and bookkeeping have none. Must not print.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::graph::{
    Definition, Graph, GraphKind, Kind, Mode, Naming, Node, Prompt, PromptInput, Role, Sink, Slot,
    Source, Widget, Wires, Workflow, kind,
};
use comfy_graph::json::{Object, Value};

use super::phrase;
use crate::platform::text::sanitize;

/// The version of the text format; git's textconv cache of another one must not be used.
pub const FORM: u32 = 2;

/// Node keys that have lines of their own, or none because they are no content.
const NODE_KEYS: &[&str] = &[
    "id",
    "type",
    "title",
    "mode",
    "inputs",
    "outputs",
    "properties",
    "widgets_values",
    "widgets_values_named",
    "pos",
    "size",
    "flags",
    "order",
    "showAdvanced",
];

/// Properties that repeat what is said elsewhere; packs have lines of their own, so that
/// an update of one is one line and not one for each node.
const SAID_ELSEWHERE: &[&str] = &["Node name for S&R", "cnr_id", "aux_id", "ver"];

/// The text of a document; `None` if it holds no graph.
pub fn outline(mut document: Value, naming: &dyn Naming) -> Option<String> {
    let mut text = Text::default();
    match kind(&document) {
        Kind::Graph(kind) => text.graph(document, kind, naming),
        Kind::Wrapped(found) => {
            for graph in found {
                text.line(0, &format!("graph at {}", graph.at));
                if let Some(value) = graph.at.get_mut(&mut document) {
                    text.graph(std::mem::take(value), graph.kind, naming);
                }
            }
        }
        Kind::Templates | Kind::Other => return None,
    }
    Some(text.lines)
}

#[derive(Default)]
struct Text {
    lines: String,
}

impl Text {
    fn line(&mut self, indent: usize, text: &str) {
        for _ in 0..indent {
            self.lines.push(' ');
        }
        self.lines.push_str(&sanitize::line(text));
        self.lines.push('\n');
    }

    /// A named value: on the line of its name; a text of several lines below it.
    fn value(&mut self, name: &str, value: &Value) {
        match value.as_str() {
            Some(text) if text.trim_end().contains('\n') => {
                self.line(4, &format!("{name}:"));
                for line in text.lines() {
                    self.line(8, line);
                }
            }
            _ => self.line(4, &format!("{name}: {}", phrase::whole_value(value))),
        }
    }

    fn graph(&mut self, document: Value, kind: GraphKind, naming: &dyn Naming) {
        match kind {
            GraphKind::Workflow(_) => {
                if let Ok(workflow) = Workflow::from_value(document) {
                    self.workflow(&workflow, naming);
                }
            }
            GraphKind::Prompt => {
                if let Ok(prompt) = Prompt::from_value(document) {
                    self.prompt(&prompt);
                }
            }
        }
    }

    fn workflow(&mut self, workflow: &Workflow, naming: &dyn Naming) {
        self.graph_nodes(workflow, &workflow.root, None, naming);
        self.rest(&workflow.root.rest);
        self.packs(workflow);
        let mut definitions: Vec<&Definition> = workflow.definitions.values().collect();
        definitions.sort_by(|a, b| a.id().cmp(b.id()));
        for definition in definitions {
            let name = definition.name();
            self.line(0, &format!("subgraph {name}"));
            for slot in definition.inputs() {
                self.boundary("input", slot);
            }
            let wires = Wires::of(&definition.graph);
            for (at, slot) in definition.outputs().enumerate() {
                self.boundary("output", slot);
                let end = Sink::Boundary(definition.output_name(at));
                if let Some(wire) = wires.by_sink.get(&end) {
                    let from = source(workflow, &definition.graph, &wire.from);
                    self.line(8, &format!("<- {from}"));
                }
            }
            self.graph_nodes(workflow, &definition.graph, Some(name), naming);
        }
    }

    /// The packs that the nodes name, each with its versions.
    fn packs(&mut self, workflow: &Workflow) {
        let mut packs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, node) in workflow.nodes() {
            let text = |key| node.property(key).and_then(Value::as_str);
            if let Some(pack) = text("cnr_id").or_else(|| text("aux_id")) {
                packs.entry(pack).or_default().extend(text("ver"));
            }
        }
        for (pack, versions) in packs {
            let versions: Vec<&str> = versions.into_iter().collect();
            self.line(0, format!("pack {pack} {}", versions.join(", ")).trim_end());
        }
    }

    fn boundary(&mut self, side: &str, slot: Slot<'_>) {
        let label = match slot.shown() {
            shown if shown == slot.name() => String::new(),
            shown => format!(", shown as {shown}"),
        };
        self.line(4, &format!("{side} {} ({}){label}", slot.name(), slot.kind()));
    }

    fn graph_nodes(
        &mut self,
        workflow: &Workflow,
        graph: &Graph,
        inside: Option<&str>,
        naming: &dyn Naming,
    ) {
        let wires = Wires::of(graph);
        let mut nodes: Vec<&Node> = graph.nodes.values().collect();
        nodes.sort_by(|a, b| a.id().cmp(b.id()));
        for node in nodes {
            self.head(workflow, node, inside);
            for (at, _) in node.inputs().enumerate() {
                let name = node.input_name(at);
                if let Some(wire) = wires.feeding(node.id(), &name) {
                    let from = source(workflow, graph, &wire.from);
                    self.line(4, &format!("{name} <- {from}"));
                }
            }
            let widgets = naming.widgets(workflow, node);
            for widget in widgets.iter().filter(|widget| is_told(widget)) {
                self.value(&widget.name.to_string(), widget.value);
            }
            self.labels(node);
            self.properties(node.properties());
            for (key, value) in node.raw().iter().filter(|(k, _)| !NODE_KEYS.contains(&k.as_str()))
            {
                self.value(key, value);
            }
        }
        for group in &graph.groups {
            let color = group.color().map(|c| format!(" ({c})")).unwrap_or_default();
            let inside = inside.map(|name| format!("{name} / ")).unwrap_or_default();
            self.line(0, &format!("{inside}group {}{color}", group.title()));
        }
    }

    /// `Upscale / Positive #6 (CLIPTextEncode), bypassed`
    fn head(&mut self, workflow: &Workflow, node: &Node, inside: Option<&str>) {
        let inside = inside.map(|name| format!("{name} / ")).unwrap_or_default();
        let shown = workflow.shown(node);
        let class = match workflow.definition_of(node) {
            Some(definition) if definition.name() == shown => " (subgraph)".to_owned(),
            Some(definition) => format!(" (subgraph {})", definition.name()),
            None if node.class() == shown => String::new(),
            None => format!(" ({})", node.class()),
        };
        let mode = match node.mode() {
            Mode::Always => String::new(),
            mode => format!(", {}", phrase::mode(mode)),
        };
        self.line(0, &format!("{inside}{shown} #{}{class}{mode}", node.id()));
    }

    fn labels(&mut self, node: &Node) {
        let sides =
            [("input", node.inputs().collect::<Vec<_>>()), ("output", node.outputs().collect())];
        for (side, slots) in sides {
            for slot in slots.into_iter().filter(|slot| slot.shown() != slot.name()) {
                self.line(4, &format!("{side} {} shown as {}", slot.name(), slot.shown()));
            }
        }
    }

    fn properties(&mut self, properties: Option<&Object>) {
        let all = properties.into_iter().flat_map(Object::iter);
        for (key, value) in all.filter(|(key, _)| !SAID_ELSEWHERE.contains(&key.as_str())) {
            self.value(&format!("properties.{key}"), value);
        }
    }

    /// What a workflow holds beside its graphs, without view and counters.
    fn rest(&mut self, rest: &Object) {
        let extra = rest.get("extra").and_then(Value::as_object);
        let extra = extra.into_iter().flat_map(Object::iter);
        let extra = extra.filter(|(key, _)| !matches!(key.as_str(), "ds" | "frontendVersion"));
        let known = [
            "id",
            "version",
            "revision",
            "extra",
            "definitions",
            "state",
            "last_node_id",
            "last_link_id",
        ];
        let others = rest.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        let others = others.filter(|(_, value)| value.as_object().is_none_or(|o| !o.is_empty()));
        let mut told = false;
        for (prefix, (key, value)) in
            others.map(|member| ("", member)).chain(extra.map(|member| ("extra.", member)))
        {
            if !std::mem::replace(&mut told, true) {
                self.line(0, "workflow");
            }
            self.value(&format!("{prefix}{key}"), value);
        }
    }

    fn prompt(&mut self, prompt: &Prompt) {
        let mut nodes: Vec<_> = prompt.nodes.iter().collect();
        nodes.sort_by(|a, b| a.0.cmp(b.0));
        for (id, node) in nodes {
            let class = node.class();
            match node.title().filter(|title| *title != class) {
                Some(title) => self.line(0, &format!("{title} #{id} ({class})")),
                None => self.line(0, &format!("{class} #{id}")),
            }
            for (name, input) in node.inputs() {
                match input {
                    PromptInput::Literal(value) => self.value(name, value),
                    PromptInput::From { node, slot } => {
                        let from = prompt.nodes.get(&node);
                        let class = from.map_or("missing node", |from| from.class());
                        self.line(4, &format!("{name} <- {class} #{node} output {}", slot + 1));
                    }
                }
            }
        }
    }
}

pub(crate) fn is_told(widget: &Widget<'_>) -> bool {
    !matches!(widget.role, Role::Button | Role::Residue)
}

/// Where a wire comes from; `graph` is the one it is in.
pub(crate) fn source(workflow: &Workflow, graph: &Graph, from: &Source) -> String {
    match from {
        Source::Boundary(name) => format!("the subgraph's input {name}"),
        Source::Node { id, slot } => match graph.nodes.get(id) {
            None => format!("missing node #{id}"),
            Some(node) => {
                let output = node.output_at(*slot).map(Slot::name).filter(|name| !name.is_empty());
                let output = output.map_or_else(|| format!("output {}", slot + 1), str::to_owned);
                format!("{} #{id} {output}", workflow.shown(node))
            }
        },
    }
}
