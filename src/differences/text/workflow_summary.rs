//! A workflow in a few lines, for `git comfy show FILE`: models, inputs, prompts, sampling,
//! outputs. [`super::outline`] gives every value.
//!
//! Must not print.

use std::fmt::Write;

use comfy_graph::catalog::{Catalog, FileEvidence, FileFolder};
use comfy_graph::graph::{
    DocumentKind, Graph, GraphKind, GraphScope, Node, NodeId, Widget, WidgetNaming, WidgetRole,
    WireSink, WireSource, Wires, Workflow, document_kind,
};
use comfy_graph::json::Value;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::phrase;
use super::terminal::{HEADING, LineWrapper, MUTED, TerminalStyle};
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;

/// The most lines of a prompt or note that are shown.
const MAX_TEXT_LINES: usize = 12;

/// Widgets that make a node a sampling one if it has two of them, in the order of the output.
const SAMPLING_WIDGETS: [&str; 10] = [
    "seed",
    "noise_seed",
    "steps",
    "cfg",
    "sampler_name",
    "scheduler",
    "denoise",
    "guidance",
    "start_at_step",
    "end_at_step",
];

/// Summarises a workflow; `None` if the document is none, such as an API prompt.
pub(crate) fn summarize_workflow(
    document: &Value,
    catalog: &Catalog,
    style: TerminalStyle,
) -> Option<String> {
    let DocumentKind::Graph(GraphKind::Workflow(_)) = document_kind(document) else { return None };
    let workflow = Workflow::from_value(document.clone()).ok()?;
    let mut told = WorkflowSummarizer {
        workflow: &workflow,
        catalog,
        style,
        sections: SummarySections::default(),
    };
    for (scope, graph) in workflow.graphs() {
        told.add_graph(&scope, graph);
    }
    Some(told.render())
}

/// The values that the only instance of a subgraph puts in the place of those inside; none
/// if it has several instances, whose values can differ.
fn promoted_values<'w>(
    workflow: &'w Workflow,
    scope: &GraphScope,
) -> FxHashMap<(NodeId, CompactString), &'w Value> {
    let mut found = FxHashMap::default();
    let GraphScope::Definition(id) = scope else { return found };
    let Some(definition) = workflow.definitions.get(id) else { return found };
    let hosts = workflow.nodes().map(|(_, node)| node).filter(|node| node.as_subgraph() == *id);
    let [host] = hosts.collect::<Vec<_>>()[..] else { return found };
    for promoted in definition.promoted_widgets() {
        if let Some(value) = definition.value_on(host, promoted.input.name()) {
            found.insert((promoted.node.id().clone(), promoted.widget.into()), value);
        }
    }
    found
}

#[derive(Default)]
struct SummarySections {
    models: Vec<SummaryLine>,
    inputs: Vec<SummaryLine>,
    prompts: Vec<SummaryLine>,
    sizes: Vec<SummaryLine>,
    sampling: Vec<SummaryLine>,
    outputs: Vec<SummaryLine>,
    disabled: Vec<SummaryLine>,
    notes: Vec<SummaryLine>,
}

/// A node, its values on the same line, and a text below.
struct SummaryLine {
    node: String,
    text: String,
    body: Option<String>,
}

struct WorkflowSummarizer<'w> {
    workflow: &'w Workflow,
    catalog: &'w Catalog,
    style: TerminalStyle,
    sections: SummarySections,
}

impl WorkflowSummarizer<'_> {
    fn add_graph(&mut self, scope: &GraphScope, graph: &Graph) {
        let wires = Wires::from_graph(graph);
        let inside = match scope {
            GraphScope::Root => String::new(),
            GraphScope::Definition(id) => {
                let name = self.workflow.definitions.get(id).map_or("", |d| d.name());
                format!("{name} / ")
            }
        };
        let mut nodes: Vec<&Node> = graph.nodes.values().collect();
        nodes.sort_by(|a, b| a.id().cmp(b.id()));
        let promoted = promoted_values(self.workflow, scope);
        for node in nodes {
            let name = format!("{inside}{} #{}", self.workflow.display_name(node), node.id());
            let mut widgets = self.catalog.widgets(self.workflow, node);
            for widget in &mut widgets {
                let name = widget.name.as_str().unwrap_or_default();
                if let Some(value) = promoted.get(&(node.id().clone(), name.into())) {
                    widget.value = value;
                }
            }
            self.add_node(node, &name, &widgets, graph, &wires);
        }
    }

    fn add_node(
        &mut self,
        node: &Node,
        name: &str,
        widgets: &[Widget<'_>],
        graph: &Graph,
        wires: &Wires,
    ) {
        let line = |said: String| SummaryLine { node: name.to_owned(), text: said, body: None };
        if node.mode().is_off() {
            self.sections.disabled.push(line(phrase::describe_mode(node.mode()).to_owned()));
        }
        if matches!(node.class(), "Note" | "MarkdownNote") {
            let text = widgets.iter().find_map(|widget| widget.value.as_str());
            let below = text.map(str::to_owned);
            self.sections.notes.push(SummaryLine { body: below, ..line(String::new()) });
            return;
        }
        self.add_files(node, name, widgets);
        let is_text = |w: &&Widget<'_>| w.role == WidgetRole::Text && w.role.runs();
        for widget in widgets.iter().filter(is_text) {
            let Some(text) = widget.value.as_str().filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            let feeds = describe_targets(graph, wires, node.id());
            let below = Some(text.to_owned());
            self.sections.prompts.push(SummaryLine { body: below, ..line(feeds) });
        }
        let sampling = describe_widgets(widgets, &SAMPLING_WIDGETS);
        if sampling.len() > 1 {
            self.sections.sampling.push(line(sampling.join(", ")));
        }
        let size = describe_widgets(widgets, &["width", "height", "length", "batch_size"]);
        if size.len() > 1 {
            self.sections.sizes.push(line(size.join(", ")));
        }
        if self.catalog.class(node.class()).is_some_and(|class| class.is_output) {
            let told =
                widgets.iter().filter(|w| w.role.runs()).map(describe_widget).collect::<Vec<_>>();
            self.sections.outputs.push(line(told.join(", ")));
        }
    }

    fn add_files(&mut self, node: &Node, name: &str, widgets: &[Widget<'_>]) {
        let runs = widgets.iter().filter(|widget| widget.role.runs());
        let files = runs.flat_map(|widget| {
            self.catalog.value_files(node, &widget.name.to_string(), widget.value)
        });
        for file in files.collect::<Vec<_>>() {
            let line = |said| SummaryLine { node: name.to_owned(), text: said, body: None };
            match &file.folder {
                FileFolder::Models(folder) => {
                    let strengths = match file.evidence {
                        FileEvidence::Text => Vec::new(),
                        _ => widgets
                            .iter()
                            .filter(|w| w.name.as_str().is_some_and(|n| n.starts_with("strength")))
                            .map(describe_widget)
                            .collect(),
                    };
                    let said = [vec![format!("{} ({folder})", file.name)], strengths].concat();
                    self.sections.models.push(line(said.join(", ")));
                }
                FileFolder::Unknown => self.sections.models.push(line(file.name.to_string())),
                FileFolder::Input(_) | FileFolder::Output | FileFolder::Temp => {
                    self.sections.inputs.push(line(file.name.to_string()));
                }
            }
        }
    }

    fn render(self) -> String {
        let count = self.workflow.nodes().count();
        let subgraphs = self.workflow.definitions.len();
        let style = self.style;
        let mut out = match subgraphs {
            0 => format!("{}\n", counted(count, "node", "nodes")),
            subgraphs => format!(
                "{}, {}\n",
                counted(count, "node", "nodes"),
                counted(subgraphs, "subgraph", "subgraphs")
            ),
        };
        let sections = self.sections;
        for (heading, lines) in [
            ("models", sections.models),
            ("inputs", sections.inputs),
            ("prompts", sections.prompts),
            ("size", sections.sizes),
            ("sampling", sections.sampling),
            ("outputs", sections.outputs),
            ("switched off", sections.disabled),
            ("notes", sections.notes),
        ] {
            render_section(&mut out, heading, &lines, style);
        }
        out
    }
}

fn render_section(out: &mut String, heading: &str, lines: &[SummaryLine], style: TerminalStyle) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", style.colour.paint(HEADING, heading));
    let width = |line: &SummaryLine| sanitize::line(&line.node).chars().count();
    let names = lines.iter().map(width).max().unwrap_or(0).min(40);
    for line in lines {
        let node = sanitize::line(&line.node);
        let room = style.width.saturating_sub(names + 4).max(20);
        if line.text.is_empty() {
            let _ = writeln!(out, "  {node}");
        } else {
            for (at, said) in wrap_text(&sanitize::line(&line.text), room).iter().enumerate() {
                let head = if at == 0 { &*node } else { "" };
                let _ = writeln!(out, "  {head:<names$}  {said}");
            }
        }
        let Some(text) = &line.body else { continue };
        let all: Vec<&str> = text.trim().lines().collect();
        for piece in all.iter().take(MAX_TEXT_LINES) {
            for piece in wrap_text(&sanitize::line(piece), style.width.saturating_sub(6).max(20)) {
                let _ = writeln!(out, "      {piece}");
            }
        }
        if all.len() > MAX_TEXT_LINES {
            let more = format!("… {} lines more", all.len() - MAX_TEXT_LINES);
            let _ = writeln!(out, "      {}", style.colour.paint(MUTED, &more));
        }
    }
}

fn wrap_text(text: &str, columns: usize) -> Vec<String> {
    let mut wrapper = LineWrapper::new(columns, 0);
    wrapper.push_words(text, str::to_owned);
    wrapper.lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn describe_widget(widget: &Widget<'_>) -> String {
    format!("{} {}", widget.name, phrase::format_value(widget.value))
}

fn describe_widgets(widgets: &[Widget<'_>], names: &[&str]) -> Vec<String> {
    let find = |name: &&str| {
        widgets
            .iter()
            .find(|w| w.name.as_str() == Some(*name) && w.role.runs())
            .map(describe_widget)
    };
    names.iter().filter_map(find).collect()
}

/// The `positive` and `negative` inputs that a text reaches, through any number of nodes.
fn describe_targets(graph: &Graph, wires: &Wires, from: &NodeId) -> String {
    let mut seen: FxHashSet<&NodeId> = FxHashSet::default();
    let mut queue = vec![from];
    let mut found: Vec<String> = Vec::new();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let out =
            wires.iter().filter(|w| matches!(&w.from, WireSource::Node { id: s, .. } if s == id));
        for wire in out {
            let WireSink::Node { id, input } = &wire.to else { continue };
            if matches!(&*input.name, "positive" | "negative") {
                let node = graph.nodes.get(id).map_or("", |node| node.display_name());
                let told = format!("{} of {node} #{id}", input.name);
                if !found.contains(&told) {
                    found.push(told);
                }
            } else {
                queue.push(id);
            }
        }
    }
    found.sort();
    found.join(", ")
}
