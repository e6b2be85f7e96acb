//! Every value of a workflow, node by node: the lines that `git comfy blame` annotates.
//!
//! Must not know commits, nor print.

use comfy_graph::diff::{Aspect, Held};
use comfy_graph::graph::{
    GraphKind, Kind, Mode, Naming, NodeKey, Prompt, PromptInput, Scope, SlotName, WidgetName,
    Wires, Workflow, kind,
};
use comfy_graph::json::Value;

use super::outline::{is_told, source};
use super::phrase;

#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    pub node: NodeKey,
    pub name: String,
    /// Its class; the name of the subgraph for an instance of one.
    pub class: String,
    /// The name of the subgraph it is in.
    pub inside: Option<String>,
    /// Its values: class, title, mode, inputs, widgets.
    pub values: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub held: Held,
    /// What it is now; not sanitized.
    pub shown: String,
}

/// All nodes of a document with their values, ordered by graph and id; `None` if it is no
/// graph.
pub fn leaves(document: &Value, naming: &dyn Naming) -> Option<Vec<Leaf>> {
    match kind(document) {
        Kind::Graph(GraphKind::Workflow(_)) => {
            Some(of_workflow(&Workflow::from_value(document.clone()).ok()?, naming))
        }
        Kind::Graph(GraphKind::Prompt) => {
            Some(of_prompt(&Prompt::from_value(document.clone()).ok()?))
        }
        _ => None,
    }
}

fn of_workflow(workflow: &Workflow, naming: &dyn Naming) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (scope, graph) in workflow.graphs() {
        let inside = match &scope {
            Scope::Root => None,
            Scope::Definition(id) => workflow.definitions.get(id).map(|d| d.name().to_owned()),
        };
        let wires = Wires::of(graph);
        let mut nodes: Vec<_> = graph.nodes.values().collect();
        nodes.sort_by(|a, b| a.id().cmp(b.id()));
        for node in nodes {
            let key = NodeKey { scope: scope.clone(), id: node.id().clone() };
            let class = match workflow.definition_of(node) {
                Some(definition) => definition.name().to_owned(),
                None => node.class().to_owned(),
            };
            let mut leaf = Leaf {
                name: workflow.shown(node).to_owned(),
                node: key,
                inside: inside.clone(),
                values: Vec::new(),
                class,
            };
            leaf.add(Aspect::Node, leaf.class.clone());
            if let Some(title) = node.title() {
                leaf.add(Aspect::Title, title.to_owned());
            }
            if node.mode() != Mode::Always {
                leaf.add(Aspect::Mode, phrase::mode(node.mode()).to_owned());
            }
            for (at, _) in node.inputs().enumerate() {
                let name = node.input_name(at);
                if let Some(wire) = wires.feeding(node.id(), &name) {
                    let from = format!("<- {}", source(workflow, graph, &wire.from));
                    leaf.add(Aspect::Input(name), from);
                }
            }
            let widgets = naming.widgets(workflow, node);
            for widget in widgets.into_iter().filter(is_told) {
                leaf.add(Aspect::Widget(widget.name), phrase::value(widget.value));
            }
            leaves.push(leaf);
        }
    }
    leaves
}

fn of_prompt(prompt: &Prompt) -> Vec<Leaf> {
    let mut nodes: Vec<_> = prompt.nodes.iter().collect();
    nodes.sort_by(|a, b| a.0.cmp(b.0));
    let leaf = |(id, node): (&comfy_graph::graph::NodeId, &comfy_graph::graph::PromptNode)| {
        let mut leaf = Leaf {
            node: NodeKey::root(id.clone()),
            name: node.title().unwrap_or(node.class()).to_owned(),
            class: node.class().to_owned(),
            inside: None,
            values: Vec::new(),
        };
        leaf.add(Aspect::Node, leaf.class.clone());
        for (name, input) in node.inputs() {
            match input {
                PromptInput::Literal(value) => {
                    leaf.add(Aspect::Widget(WidgetName::new(name)), phrase::value(value));
                }
                PromptInput::From { node, slot } => {
                    let from = format!("<- #{node} output {}", slot + 1);
                    leaf.add(Aspect::Input(SlotName::new(name)), from);
                }
            }
        }
        leaf
    };
    nodes.into_iter().map(leaf).collect()
}

impl Leaf {
    fn add(&mut self, aspect: Aspect, shown: String) {
        let held = Held { node: self.node.clone(), aspect };
        self.values.push(Entry { held, shown });
    }

    /// Whether a name given on the command line means this node: by id (`#` is optional), name
    /// or class.
    pub fn is_called(&self, name: &str) -> bool {
        let bare = name.strip_prefix('#').unwrap_or(name);
        self.node.id.to_string() == bare
            || self.name.eq_ignore_ascii_case(name)
            || self.class.eq_ignore_ascii_case(name)
    }
}
