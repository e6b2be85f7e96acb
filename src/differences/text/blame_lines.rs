//! Every value of a workflow, node by node: the lines that `git comfy blame` annotates.
//!
//! Must not know commits, nor print.

use comfy_graph::diff::{Aspect, NodeAspect};
use comfy_graph::graph::{
    DocumentKind, GraphKind, GraphScope, NodeKey, NodeMode, Prompt, PromptInput, SlotName,
    WidgetName, WidgetNaming, Wires, Workflow, document_kind,
};
use comfy_graph::json::Value;

use super::outline::{describe_wire_source, is_content_widget};
use super::phrase;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NodeValues {
    pub(crate) node: NodeKey,
    pub(crate) name: String,
    /// Its class; the name of the subgraph for an instance of one.
    pub(crate) class: String,
    /// The name of the subgraph it is in.
    pub(crate) subgraph: Option<String>,
    /// Its values: class, title, mode, inputs, widgets.
    pub(crate) values: Vec<ValueEntry>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueEntry {
    pub(crate) key: NodeAspect,
    /// What it is now; not sanitized.
    pub(crate) text: String,
}

/// All nodes of a document with their values, ordered by graph and id; `None` if it is no
/// graph.
pub(crate) fn list_values(document: &Value, naming: &dyn WidgetNaming) -> Option<Vec<NodeValues>> {
    match document_kind(document) {
        DocumentKind::Graph(GraphKind::Workflow(_)) => {
            Some(workflow_values(&Workflow::from_value(document.clone()).ok()?, naming))
        }
        DocumentKind::Graph(GraphKind::Prompt) => {
            Some(prompt_values(&Prompt::from_value(document.clone()).ok()?))
        }
        _ => None,
    }
}

fn workflow_values(workflow: &Workflow, naming: &dyn WidgetNaming) -> Vec<NodeValues> {
    let mut leaves = Vec::new();
    for (scope, graph) in workflow.graphs() {
        let inside = match &scope {
            GraphScope::Root => None,
            GraphScope::Definition(id) => workflow.definitions.get(id).map(|d| d.name().to_owned()),
        };
        let wires = Wires::from_graph(graph);
        let mut nodes: Vec<_> = graph.nodes.values().collect();
        nodes.sort_by(|a, b| a.id().cmp(b.id()));
        for node in nodes {
            let key = NodeKey { scope: scope.clone(), id: node.id().clone() };
            let class = match workflow.definition_of(node) {
                Some(definition) => definition.name().to_owned(),
                None => node.class().to_owned(),
            };
            let mut leaf = NodeValues {
                name: workflow.display_name(node).to_owned(),
                node: key,
                subgraph: inside.clone(),
                values: Vec::new(),
                class,
            };
            leaf.push_value(Aspect::Node, leaf.class.clone());
            if let Some(title) = node.title() {
                leaf.push_value(Aspect::Title, title.to_owned());
            }
            if node.mode() != NodeMode::Always {
                leaf.push_value(Aspect::Mode, phrase::describe_mode(node.mode()).to_owned());
            }
            for (at, _) in node.inputs().enumerate() {
                let name = node.input_name(at);
                if let Some(wire) = wires.wire_into(node.id(), &name) {
                    let from = format!("<- {}", describe_wire_source(workflow, graph, &wire.from));
                    leaf.push_value(Aspect::Input(name), from);
                }
            }
            let widgets = naming.widgets(workflow, node);
            for widget in widgets.into_iter().filter(is_content_widget) {
                leaf.push_value(Aspect::Widget(widget.name), phrase::format_value(widget.value));
            }
            leaves.push(leaf);
        }
    }
    leaves
}

fn prompt_values(prompt: &Prompt) -> Vec<NodeValues> {
    let mut nodes: Vec<_> = prompt.nodes.iter().collect();
    nodes.sort_by(|a, b| a.0.cmp(b.0));
    let leaf = |(id, node): (&comfy_graph::graph::NodeId, &comfy_graph::graph::PromptNode)| {
        let mut leaf = NodeValues {
            node: NodeKey::root(id.clone()),
            name: node.title().unwrap_or(node.class()).to_owned(),
            class: node.class().to_owned(),
            subgraph: None,
            values: Vec::new(),
        };
        leaf.push_value(Aspect::Node, leaf.class.clone());
        for (name, input) in node.inputs() {
            match input {
                PromptInput::Literal(value) => {
                    leaf.push_value(
                        Aspect::Widget(WidgetName::new(name)),
                        phrase::format_value(value),
                    );
                }
                PromptInput::Link { node, slot } => {
                    let from = format!("<- #{node} output {}", slot + 1);
                    leaf.push_value(Aspect::Input(SlotName::new(name)), from);
                }
            }
        }
        leaf
    };
    nodes.into_iter().map(leaf).collect()
}

impl NodeValues {
    fn push_value(&mut self, aspect: Aspect, shown: String) {
        let held = NodeAspect { node: self.node.clone(), aspect };
        self.values.push(ValueEntry { key: held, text: shown });
    }

    /// Whether a name given on the command line means this node: by id (`#` is optional), name
    /// or class.
    pub(crate) fn matches_name(&self, name: &str) -> bool {
        let bare = name.strip_prefix('#').unwrap_or(name);
        self.node.id.to_string() == bare
            || self.name.eq_ignore_ascii_case(name)
            || self.class.eq_ignore_ascii_case(name)
    }
}
