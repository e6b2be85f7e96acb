//! A workflow in a few lines, for `git comfy show FILE`: models, inputs, prompts, sampling,
//! outputs. [`super::outline`] gives every value.
//!
//! Must not print.

use std::fmt::Write;

use anstyle::Style;
use comfy_graph::catalog::{Catalog, Evidence, Folder};
use comfy_graph::graph::{
    Graph, GraphKind, Kind, Naming, Node, NodeId, Role, Scope, Sink, Source, Widget, Wires,
    Workflow, kind,
};
use comfy_graph::json::Value;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::phrase;
use super::terminal::{HEADING, Look, MUTED};
use crate::platform::text::{Colour, sanitize};

/// The most lines of a prompt or note that are shown.
const MOST_LINES: usize = 12;

/// Widgets that make a node a sampling one if it has two of them, in the order of the output.
const SAMPLING: [&str; 10] = [
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
pub fn telling(document: &Value, catalog: &Catalog, look: Look) -> Option<String> {
    let Kind::Graph(GraphKind::Workflow(_)) = kind(document) else { return None };
    let workflow = Workflow::from_value(document.clone()).ok()?;
    let mut told = Told { workflow: &workflow, catalog, look, chapters: Chapters::default() };
    for (scope, graph) in workflow.graphs() {
        told.graph(&scope, graph);
    }
    Some(told.text())
}

/// The values that the only instance of a subgraph puts in the place of those inside; none
/// if it has several instances, whose values can differ.
fn promoted<'w>(
    workflow: &'w Workflow,
    scope: &Scope,
) -> FxHashMap<(NodeId, CompactString), &'w Value> {
    let mut found = FxHashMap::default();
    let Scope::Definition(id) = scope else { return found };
    let Some(definition) = workflow.definitions.get(id) else { return found };
    let hosts = workflow.nodes().map(|(_, node)| node).filter(|node| node.as_subgraph() == *id);
    let [host] = hosts.collect::<Vec<_>>()[..] else { return found };
    for promoted in definition.promoted() {
        if let Some(value) = definition.value_on(host, promoted.input.name()) {
            found.insert((promoted.node.id().clone(), promoted.widget.into()), value);
        }
    }
    found
}

#[derive(Default)]
struct Chapters {
    models: Vec<Line>,
    inputs: Vec<Line>,
    prompts: Vec<Line>,
    sizes: Vec<Line>,
    sampling: Vec<Line>,
    outputs: Vec<Line>,
    off: Vec<Line>,
    notes: Vec<Line>,
}

/// A node, its values on the same line, and a text below.
struct Line {
    node: String,
    said: String,
    below: Option<String>,
}

struct Told<'w> {
    workflow: &'w Workflow,
    catalog: &'w Catalog,
    look: Look,
    chapters: Chapters,
}

impl Told<'_> {
    fn graph(&mut self, scope: &Scope, graph: &Graph) {
        let wires = Wires::of(graph);
        let inside = match scope {
            Scope::Root => String::new(),
            Scope::Definition(id) => {
                let name = self.workflow.definitions.get(id).map_or("", |d| d.name());
                format!("{name} / ")
            }
        };
        let mut nodes: Vec<&Node> = graph.nodes.values().collect();
        nodes.sort_by(|a, b| a.id().cmp(b.id()));
        let promoted = promoted(self.workflow, scope);
        for node in nodes {
            let name = format!("{inside}{} #{}", self.workflow.shown(node), node.id());
            let mut widgets = self.catalog.widgets(self.workflow, node);
            for widget in &mut widgets {
                let name = widget.name.as_str().unwrap_or_default();
                if let Some(value) = promoted.get(&(node.id().clone(), name.into())) {
                    widget.value = value;
                }
            }
            self.node(node, &name, &widgets, graph, &wires);
        }
    }

    fn node(
        &mut self,
        node: &Node,
        name: &str,
        widgets: &[Widget<'_>],
        graph: &Graph,
        wires: &Wires,
    ) {
        let line = |said: String| Line { node: name.to_owned(), said, below: None };
        if node.mode().is_off() {
            self.chapters.off.push(line(phrase::mode(node.mode()).to_owned()));
        }
        if matches!(node.class(), "Note" | "MarkdownNote") {
            let text = widgets.iter().find_map(|widget| widget.value.as_str());
            let below = text.map(str::to_owned);
            self.chapters.notes.push(Line { below, ..line(String::new()) });
            return;
        }
        self.files(node, name, widgets);
        let is_text = |w: &&Widget<'_>| w.role == Role::Text && w.role.runs();
        for widget in widgets.iter().filter(is_text) {
            let Some(text) = widget.value.as_str().filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            let feeds = reaches(graph, wires, node.id());
            let below = Some(text.to_owned());
            self.chapters.prompts.push(Line { below, ..line(feeds) });
        }
        let sampling = values(widgets, &SAMPLING);
        if sampling.len() > 1 {
            self.chapters.sampling.push(line(sampling.join(", ")));
        }
        let size = values(widgets, &["width", "height", "length", "batch_size"]);
        if size.len() > 1 {
            self.chapters.sizes.push(line(size.join(", ")));
        }
        if self.catalog.class(node.class()).is_some_and(|class| class.is_output) {
            let told = widgets.iter().filter(|w| w.role.runs()).map(value).collect::<Vec<_>>();
            self.chapters.outputs.push(line(told.join(", ")));
        }
    }

    fn files(&mut self, node: &Node, name: &str, widgets: &[Widget<'_>]) {
        let runs = widgets.iter().filter(|widget| widget.role.runs());
        let files = runs
            .flat_map(|widget| self.catalog.files_of(node, &widget.name.to_string(), widget.value));
        for file in files.collect::<Vec<_>>() {
            let line = |said| Line { node: name.to_owned(), said, below: None };
            match &file.folder {
                Folder::Models(folder) => {
                    let strengths = match file.evidence {
                        Evidence::Text => Vec::new(),
                        _ => widgets
                            .iter()
                            .filter(|w| w.name.as_str().is_some_and(|n| n.starts_with("strength")))
                            .map(value)
                            .collect(),
                    };
                    let said = [vec![format!("{} ({folder})", file.name)], strengths].concat();
                    self.chapters.models.push(line(said.join(", ")));
                }
                Folder::Unknown => self.chapters.models.push(line(file.name.to_string())),
                Folder::Input(_) | Folder::Output | Folder::Temp => {
                    self.chapters.inputs.push(line(file.name.to_string()));
                }
            }
        }
    }

    fn text(self) -> String {
        let count = self.workflow.nodes().count();
        let subgraphs = self.workflow.definitions.len();
        let look = self.look;
        let mut out = match (count, subgraphs) {
            (1, 0) => "1 node\n".to_owned(),
            (count, 0) => format!("{count} nodes\n"),
            (count, 1) => format!("{count} nodes, 1 subgraph\n"),
            (count, many) => format!("{count} nodes, {many} subgraphs\n"),
        };
        let chapters = self.chapters;
        for (heading, lines) in [
            ("models", chapters.models),
            ("inputs", chapters.inputs),
            ("prompts", chapters.prompts),
            ("size", chapters.sizes),
            ("sampling", chapters.sampling),
            ("outputs", chapters.outputs),
            ("switched off", chapters.off),
            ("notes", chapters.notes),
        ] {
            chapter(&mut out, heading, &lines, look);
        }
        out
    }
}

fn chapter(out: &mut String, heading: &str, lines: &[Line], look: Look) {
    if lines.is_empty() {
        return;
    }
    let paint = |style: Style, text: &str| match look.colour {
        Colour::On => format!("{style}{text}{style:#}"),
        Colour::Off => text.to_owned(),
    };
    let _ = writeln!(out, "\n{}", paint(HEADING, heading));
    let width = |line: &Line| sanitize::line(&line.node).chars().count();
    let names = lines.iter().map(width).max().unwrap_or(0).min(40);
    for line in lines {
        let node = sanitize::line(&line.node);
        let room = look.width.saturating_sub(names + 4).max(20);
        if line.said.is_empty() {
            let _ = writeln!(out, "  {node}");
        } else {
            for (at, said) in wrapped(&sanitize::line(&line.said), room).iter().enumerate() {
                let head = if at == 0 { &*node } else { "" };
                let _ = writeln!(out, "  {head:<names$}  {said}");
            }
        }
        let Some(text) = &line.below else { continue };
        let all: Vec<&str> = text.trim().lines().collect();
        for piece in all.iter().take(MOST_LINES) {
            for piece in wrapped(&sanitize::line(piece), look.width.saturating_sub(6).max(20)) {
                let _ = writeln!(out, "      {piece}");
            }
        }
        if all.len() > MOST_LINES {
            let more = format!("… {} lines more", all.len() - MOST_LINES);
            let _ = writeln!(out, "      {}", paint(MUTED, &more));
        }
    }
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let wide = unicode_width::UnicodeWidthStr::width(word);
        if used > 0 && used + wide > columns + 1 {
            lines.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn value(widget: &Widget<'_>) -> String {
    format!("{} {}", widget.name, phrase::value(widget.value))
}

fn values(widgets: &[Widget<'_>], names: &[&str]) -> Vec<String> {
    let find = |name: &&str| {
        widgets.iter().find(|w| w.name.as_str() == Some(*name) && w.role.runs()).map(value)
    };
    names.iter().filter_map(find).collect()
}

/// The `positive` and `negative` inputs that a text reaches, through any number of nodes.
fn reaches(graph: &Graph, wires: &Wires, from: &NodeId) -> String {
    let mut seen: FxHashSet<&NodeId> = FxHashSet::default();
    let mut queue = vec![from];
    let mut found: Vec<String> = Vec::new();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let out = wires.iter().filter(|w| matches!(&w.from, Source::Node { id: s, .. } if s == id));
        for wire in out {
            let Sink::Node { id, input } = &wire.to else { continue };
            if matches!(&*input.name, "positive" | "negative") {
                let node = graph.nodes.get(id).map_or("", |node| node.shown());
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
