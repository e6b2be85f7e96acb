//! Two contents compared, whatever they are: workflows, prompts, pictures that carry one,
//! files that are not there. Shared by commands; no command itself.

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{self, EditScript};
use comfy_graph::graph::{GraphKind, Kind, Workflow, kind};
use comfy_graph::json::{Object, Value};

use super::content::Content;
use super::text::story::Story;
use super::text::{Layout, SubgraphNames, tell};

/// Two graphs and what differs between them.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The difference.
    pub(crate) script: EditScript,
    names: SubgraphNames,
}

impl Compared {
    /// The difference as a person would tell it.
    pub(crate) fn story(&self, layout: Layout) -> Story {
        tell(&self.script, &self.names, layout)
    }
}

/// Compares two contents, if a graph is on either side and nothing else on the other.
pub(crate) fn compare(before: Content, after: Content, naming: &Catalog) -> Option<Compared> {
    let (before, after) = (Side::of(before)?, Side::of(after)?);
    let (before, after) = match (before, after) {
        (Side::Nothing, Side::Nothing) => return None,
        (Side::Graph(graph), Side::Nothing) => {
            let graph = graph.any();
            (graph.clone(), emptied(graph)?)
        }
        (Side::Nothing, Side::Graph(graph)) => {
            let graph = graph.any();
            (emptied(graph.clone())?, graph)
        }
        (Side::Graph(before), Side::Graph(after)) => {
            let prompts = before.prompt.clone().zip(after.prompt.clone());
            let (before, after) = levelled(before, after, naming)?;
            let compared = graphs(before, after, naming)?;
            // A picture's prompt is what was run: it may tell of a seed what the workflow,
            // as it stood in the editor, does not.
            let executed = prompts
                .filter(|_| !compared.script.has_content())
                .and_then(|(before, after)| graphs(before, after, naming))
                .filter(|executed| executed.script.has_content());
            return Some(executed.unwrap_or(compared));
        }
    };
    graphs(before, after, naming)
}

fn graphs(before: Value, after: Value, naming: &Catalog) -> Option<Compared> {
    let mut names = SubgraphNames::default();
    for document in [&before, &after] {
        if let Some(graph) = document.as_object() {
            add_names(graph, &mut names);
        }
    }
    let script = diff::diff(before, after, naming)?;
    Some(Compared { script, names })
}

/// The graphs on one side; a picture can hold two spellings of the same.
enum Side {
    Nothing,
    Graph(Graphs),
}

struct Graphs {
    workflow: Option<Value>,
    prompt: Option<Value>,
}

impl Side {
    /// Nothing if the content holds no graph.
    fn of(content: Content) -> Option<Side> {
        Some(match content {
            Content::Graph(value) if kind(&value) == Kind::Graph(GraphKind::Prompt) => {
                Side::Graph(Graphs { workflow: None, prompt: Some(value) })
            }
            Content::Graph(value) => Side::Graph(Graphs { workflow: Some(value), prompt: None }),
            Content::Output(output) if output.graph().is_some() => {
                Side::Graph(Graphs { workflow: output.workflow, prompt: output.prompt })
            }
            Content::Other(bytes) if bytes.is_empty() => Side::Nothing,
            Content::Output(_) | Content::Other(_) => return None,
        })
    }
}

impl Graphs {
    fn any(self) -> Value {
        self.workflow.or(self.prompt).unwrap_or(Value::Null)
    }
}

/// Both in one format: workflows where both are there, else prompts, made from the workflow
/// where one side has no other.
fn levelled(before: Graphs, after: Graphs, naming: &Catalog) -> Option<(Value, Value)> {
    if let (Some(_), Some(_)) = (&before.workflow, &after.workflow) {
        return Some((before.any(), after.any()));
    }
    let prompt = |graphs: Graphs| match graphs.prompt {
        Some(prompt) => Some(prompt),
        None => {
            let workflow = Workflow::from_value(graphs.workflow?).ok()?;
            Some(workflow.to_prompt(naming).ok()?.into_value())
        }
    };
    let (mut before, mut after) = (prompt(before)?, prompt(after)?);
    forget_lone_titles(&mut before, &mut after);
    forget_lone_titles(&mut after, &mut before);
    Some((before, after))
}

/// Not everything that writes prompts writes the titles of nodes into them.
fn forget_lone_titles(those: &mut Value, others: &mut Value) {
    let (Some(those), Some(others)) = (those.as_object_mut(), others.as_object_mut()) else {
        return;
    };
    for (id, node) in those.iter_mut() {
        let Some(other) = others.get_mut(id).and_then(Value::as_object_mut) else { continue };
        if let Some(node) = node.as_object_mut().filter(|_| !other.contains_key("_meta")) {
            node.remove("_meta");
        }
    }
}

/// The same kind of graph with nothing in it: what a new file is compared with.
fn emptied(mut graph: Value) -> Option<Value> {
    if kind(&graph) == Kind::Graph(GraphKind::Prompt) {
        return Some(Value::Object(Object::new()));
    }
    let root = graph.as_object_mut()?;
    root.get("nodes")?;
    for list in ["nodes", "links", "groups", "floatingLinks", "reroutes"] {
        if let Some(list) = root.get_mut(list) {
            *list = Value::Array(Vec::new());
        }
    }
    root.remove("definitions");
    if let Some(extra) = root.get_mut("extra") {
        *extra = Value::Object(Object::new());
    }
    Some(graph)
}

/// The names of subgraphs, also of those that others list.
fn add_names(graph: &Object, names: &mut SubgraphNames) {
    let definitions = graph.get("definitions").and_then(|all| all.get("subgraphs"));
    for definition in definitions.and_then(Value::as_array).unwrap_or_default() {
        let Some(definition) = definition.as_object() else { continue };
        let text = |key: &str| definition.get(key).and_then(Value::as_str);
        if let (Some(id), Some(name)) = (text("id"), text("name")) {
            names.insert(comfy_graph::graph::SubgraphId::new(id), name.to_owned());
        }
        add_names(definition, names);
    }
}
