//! Compares two contents of any kind: workflows, prompts, pictures with either embedded, and
//! the missing side of an added or deleted file.

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
    pub(crate) script: EditScript,
    names: SubgraphNames,
}

impl Compared {
    /// Describes the difference in words.
    pub(crate) fn story(&self, layout: Layout) -> Story {
        tell(&self.script, &self.names, layout)
    }
}

/// Compares two contents; nothing unless each side is a graph or empty, and one is a graph.
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

/// The graphs on one side: a picture can hold its workflow and the prompt made from it.
enum Side {
    Nothing,
    Graph(Graphs),
}

struct Graphs {
    workflow: Option<Value>,
    prompt: Option<Value>,
}

impl Side {
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

/// Both sides in one format: workflows if both have one, else prompts, converted from the
/// workflow where a side has no prompt.
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

/// Removes the titles (`_meta`) that only one side has: not every program that writes
/// prompts writes them, so a missing one is no change.
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

/// The same kind of graph without nodes: an added or deleted file is compared with it.
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

/// Adds the names of subgraph definitions, also of nested ones.
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
