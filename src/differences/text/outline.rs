//! A whole workflow as lines of text: what git compares in `git log -p`, `git show` and
//! `git blame`, and what a person reads in `git comfy show`.
//!
//! One line says one thing, a node's lines stand together under a line that starts in the
//! first column (git shows that line in hunk headers), nodes come in order of id: a small
//! change of the workflow is a small change of the text. Everything that is content has a
//! line; layout and bookkeeping have none. Must not print.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::diff::spell_model_path;
use comfy_graph::graph::{
    DocumentKind, Graph, GraphKind, Node, NodeMode, Prompt, PromptInput, Slot, SubgraphDefinition,
    SubgraphInstances, Widget, WidgetNaming, WidgetOverride, WidgetRole, WireSink, WireSource,
    Wires, Workflow, document_kind,
};
use comfy_graph::json::{Object, Value};

use super::phrase;
use crate::platform::text::sanitize;

/// The version of the text format; git's textconv cache of another one must not be used.
pub(crate) const OUTLINE_FORMAT: u32 = 3;

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
const COVERED_PROPERTIES: &[&str] = &["Node name for S&R", "cnr_id", "aux_id", "ver"];

/// The text of a document; `None` if it holds no graph.
pub(crate) fn outline(mut document: Value, naming: &dyn WidgetNaming) -> Option<String> {
    let mut text = OutlineWriter::default();
    match document_kind(&document) {
        DocumentKind::Graph(kind) => text.push_graph(document, kind, naming),
        DocumentKind::Wrapped(found) => {
            for graph in found {
                text.push_line(0, &format!("graph at {}", graph.at));
                if let Some(value) = graph.at.get_mut(&mut document) {
                    text.push_graph(std::mem::take(value), graph.kind, naming);
                }
            }
        }
        DocumentKind::Templates | DocumentKind::Other => return None,
    }
    Some(text.lines)
}

#[derive(Default)]
struct OutlineWriter {
    lines: String,
}

impl OutlineWriter {
    fn push_line(&mut self, indent: usize, text: &str) {
        for _ in 0..indent {
            self.lines.push(' ');
        }
        self.lines.push_str(&sanitize::line(text));
        self.lines.push('\n');
    }

    /// A named value: on the line of its name; a text of several lines below it.
    fn push_value(&mut self, name: &str, value: &Value) {
        match value.as_str() {
            Some(text) if text.trim_end().contains('\n') => {
                self.push_line(4, &format!("{name}:"));
                for line in text.lines() {
                    self.push_line(8, line);
                }
            }
            Some(text) if text.contains('\\') => {
                let text = Value::from(&*spell_model_path(text));
                self.push_line(4, &format!("{name}: {}", phrase::format_full_value(&text)));
            }
            _ => self.push_line(4, &format!("{name}: {}", phrase::format_full_value(value))),
        }
    }

    /// The same, where the value may do nothing.
    fn push_widget(&mut self, widget: &Widget<'_>, overridden: Option<WidgetOverride>) {
        let name = widget.name.to_string();
        match overridden {
            None => self.push_value(&name, widget.value),
            Some(by) => {
                let why = phrase::describe_override(by);
                let value = phrase::format_full_value(widget.value);
                self.push_line(4, &format!("{name}: {value}  ({why})"));
            }
        }
    }

    fn push_graph(&mut self, document: Value, kind: GraphKind, naming: &dyn WidgetNaming) {
        match kind {
            GraphKind::Workflow(_) => {
                if let Ok(workflow) = Workflow::from_value(document) {
                    self.push_workflow(&workflow, naming);
                }
            }
            GraphKind::Prompt => {
                if let Ok(prompt) = Prompt::from_value(document) {
                    self.push_prompt(&prompt);
                }
            }
        }
    }

    fn push_workflow(&mut self, workflow: &Workflow, naming: &dyn WidgetNaming) {
        let instances = SubgraphInstances::from_workflow(workflow);
        self.push_nodes(workflow, &workflow.root, None, naming, &instances);
        self.push_group_nodes(workflow, naming);
        self.push_workflow_extras(&workflow.root.rest);
        self.push_packs(workflow);
        let mut definitions: Vec<&SubgraphDefinition> = workflow.definitions.values().collect();
        definitions.sort_by(|a, b| a.id().cmp(b.id()));
        for definition in definitions {
            let name = definition.name();
            self.push_line(0, &format!("subgraph {name}"));
            for slot in definition.inputs() {
                self.push_boundary("input", slot);
            }
            let wires = Wires::from_graph(&definition.graph);
            for (at, slot) in definition.outputs().enumerate() {
                self.push_boundary("output", slot);
                let end = WireSink::Boundary(definition.output_name(at));
                if let Some(wire) = wires.by_sink.get(&end) {
                    let from = describe_wire_source(workflow, &definition.graph, &wire.from);
                    self.push_line(8, &format!("<- {from}"));
                }
            }
            self.push_nodes(workflow, &definition.graph, Some(definition), naming, &instances);
        }
    }

    /// The packs that the nodes name, each with its versions.
    fn push_packs(&mut self, workflow: &Workflow) {
        let mut packs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, node) in workflow.nodes() {
            let text = |key| node.property(key).and_then(Value::as_str);
            if let Some(pack) = text("cnr_id").or_else(|| text("aux_id")) {
                packs.entry(pack).or_default().extend(text("ver"));
            }
        }
        for (pack, versions) in packs {
            let versions: Vec<&str> = versions.into_iter().collect();
            self.push_line(0, format!("pack {pack} {}", versions.join(", ")).trim_end());
        }
    }

    fn push_boundary(&mut self, side: &str, slot: Slot<'_>) {
        let label = match slot.display_name() {
            shown if shown == slot.name() => String::new(),
            shown => format!(", shown as {shown}"),
        };
        self.push_line(4, &format!("{side} {} ({}){label}", slot.name(), slot.kind()));
    }

    fn push_nodes(
        &mut self,
        workflow: &Workflow,
        graph: &Graph,
        definition: Option<&SubgraphDefinition>,
        naming: &dyn WidgetNaming,
        instances: &SubgraphInstances<'_>,
    ) {
        let inside = definition.map(SubgraphDefinition::name);
        let wires = Wires::from_graph(graph);
        // Of several nodes under one id the graph holds the first; the others are told as well.
        let doubles = graph.untyped.nodes.iter();
        let doubles = doubles.filter_map(|node| Node::from_value(node.value.clone()).ok());
        let doubles: Vec<Node> = doubles.collect();
        let mut nodes: Vec<&Node> = graph.nodes.values().chain(&doubles).collect();
        nodes.sort_by(|a, b| a.id().cmp(b.id()));
        for node in nodes {
            self.push_node_header(workflow, node, inside);
            for (at, _) in node.inputs().enumerate() {
                let name = node.input_name(at);
                if let Some(wire) = wires.wire_into(node.id(), &name) {
                    let from = describe_wire_source(workflow, graph, &wire.from);
                    self.push_line(4, &format!("{name} <- {from}"));
                }
            }
            let widgets = naming.widgets(workflow, node);
            for widget in widgets.iter().filter(|widget| is_content_widget(widget)) {
                let name = widget.name.as_str();
                let overridden =
                    name.and_then(|name| instances.find_override(definition, graph, node, name));
                self.push_widget(widget, overridden);
            }
            self.push_labels(node);
            self.push_properties(node.properties());
            for (key, value) in node.raw().iter().filter(|(k, _)| !NODE_KEYS.contains(&k.as_str()))
            {
                self.push_value(key, value);
            }
        }
        for group in &graph.groups {
            let color = group.color().map(|c| format!(" ({c})")).unwrap_or_default();
            let inside = inside.map(|name| format!("{name} / ")).unwrap_or_default();
            self.push_line(0, &format!("{inside}group {}{color}", group.title()));
        }
        for (id, reroute) in &graph.reroutes {
            let links: Vec<_> = reroute.links().collect();
            let bent = wires.by_sink.values().filter(|wire| links.contains(&wire.link));
            let mut sinks: Vec<String> =
                bent.map(|wire| describe_wire_sink(workflow, graph, &wire.to)).collect();
            sinks.sort_unstable();
            let inside = inside.map(|name| format!("{name} / ")).unwrap_or_default();
            let line = format!("{inside}reroute {id} on the wire to {}", sinks.join(", "));
            self.push_line(0, &line);
        }
    }

    /// The parts of legacy group nodes, each with its values.
    fn push_group_nodes(&mut self, workflow: &Workflow, naming: &dyn WidgetNaming) {
        let groups = workflow.root.extra().and_then(|extra| extra.get("groupNodes"));
        for (name, group) in groups.and_then(Value::as_object).into_iter().flat_map(Object::iter) {
            let parts = group.get("nodes").and_then(Value::as_array).unwrap_or_default();
            for (at, part) in parts.iter().enumerate() {
                let mut part = part.clone();
                if let Some(part) = part.as_object_mut() {
                    part.insert("id", at);
                }
                let Ok(node) = Node::from_value(part) else { continue };
                self.push_line(0, &format!("inside {name}: {}", workflow.display_name(&node)));
                let widgets = naming.widgets(workflow, &node);
                for widget in widgets.iter().filter(|widget| is_content_widget(widget)) {
                    self.push_widget(widget, None);
                }
            }
        }
    }

    /// `Upscale / Positive #6 (CLIPTextEncode), bypassed`
    fn push_node_header(&mut self, workflow: &Workflow, node: &Node, inside: Option<&str>) {
        let inside = inside.map(|name| format!("{name} / ")).unwrap_or_default();
        let shown = workflow.display_name(node);
        let class = match workflow.definition_of(node) {
            Some(definition) if definition.name() == shown => " (subgraph)".to_owned(),
            Some(definition) => format!(" (subgraph {})", definition.name()),
            None if node.class() == shown => String::new(),
            None => format!(" ({})", node.class()),
        };
        let mode = match node.mode() {
            NodeMode::Always => String::new(),
            mode => format!(", {}", phrase::describe_mode(mode)),
        };
        self.push_line(0, &format!("{inside}{shown} #{}{class}{mode}", node.id()));
    }

    fn push_labels(&mut self, node: &Node) {
        let sides =
            [("input", node.inputs().collect::<Vec<_>>()), ("output", node.outputs().collect())];
        for (side, slots) in sides {
            for slot in slots.into_iter().filter(|slot| slot.display_name() != slot.name()) {
                self.push_line(
                    4,
                    &format!("{side} {} shown as {}", slot.name(), slot.display_name()),
                );
            }
        }
    }

    fn push_properties(&mut self, properties: Option<&Object>) {
        let all = properties.into_iter().flat_map(Object::iter);
        for (key, value) in all.filter(|(key, _)| !COVERED_PROPERTIES.contains(&key.as_str())) {
            self.push_value(&format!("properties.{key}"), value);
        }
    }

    /// What a workflow holds beside its graphs, without view and counters.
    fn push_workflow_extras(&mut self, rest: &Object) {
        let extra = rest.get("extra").and_then(Value::as_object);
        let extra = extra.into_iter().flat_map(Object::iter);
        let known = ["ds", "frontendVersion", "groupNodes"];
        let extra = extra.filter(|(key, _)| !known.contains(&key.as_str()));
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
                self.push_line(0, "workflow");
            }
            self.push_value(&format!("{prefix}{key}"), value);
        }
    }

    fn push_prompt(&mut self, prompt: &Prompt) {
        let mut nodes: Vec<_> = prompt.nodes.iter().collect();
        nodes.sort_by(|a, b| a.0.cmp(b.0));
        for (id, node) in nodes {
            let class = node.class();
            match node.title().filter(|title| *title != class) {
                Some(title) => self.push_line(0, &format!("{title} #{id} ({class})")),
                None => self.push_line(0, &format!("{class} #{id}")),
            }
            for (name, input) in node.inputs() {
                match input {
                    PromptInput::Literal(value) => self.push_value(name, value),
                    PromptInput::Link { node, slot } => {
                        let from = prompt.nodes.get(&node);
                        let class = from.map_or("missing node", |from| from.class());
                        self.push_line(
                            4,
                            &format!("{name} <- {class} #{node} output {}", slot + 1),
                        );
                    }
                }
            }
        }
        if !prompt.rest.is_empty() {
            self.push_line(0, "file");
        }
        for (key, value) in prompt.rest.iter() {
            self.push_value(key, value);
        }
    }
}

/// `SaveImage #7 images`
fn describe_wire_sink(workflow: &Workflow, graph: &Graph, to: &WireSink) -> String {
    match to {
        WireSink::Boundary(name) => format!("the subgraph's output {name}"),
        WireSink::Node { id, input } => match graph.nodes.get(id) {
            None => format!("missing node #{id}"),
            Some(node) => format!("{} #{id} {input}", workflow.display_name(node)),
        },
    }
}

pub(crate) fn is_content_widget(widget: &Widget<'_>) -> bool {
    !matches!(widget.role, WidgetRole::Button | WidgetRole::Residue)
}

/// Where a wire comes from; `graph` is the one it is in.
pub(crate) fn describe_wire_source(
    workflow: &Workflow,
    graph: &Graph,
    from: &WireSource,
) -> String {
    match from {
        WireSource::Boundary(name) => format!("the subgraph's input {name}"),
        WireSource::Node { id, slot } => match graph.nodes.get(id) {
            None => format!("missing node #{id}"),
            Some(node) => {
                let output = node.output_at(*slot).map(Slot::name).filter(|name| !name.is_empty());
                let output = output.map(phrase::output_name);
                let output = output.map_or_else(|| format!("output {}", slot + 1), str::to_owned);
                format!("{} #{id} {output}", workflow.display_name(node))
            }
        },
    }
}
