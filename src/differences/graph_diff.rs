//! Compares two contents of any kind: workflows, prompts, pictures with either embedded, and
//! the missing side of an added or deleted file.

use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{self, EditScript};
use comfy_graph::graph::{DocumentKind, GraphKind, Workflow, document_kind};
use comfy_graph::json::{Object, Value};

use super::content::FileContent;
use super::text::diff_description::DiffDescription;
use super::text::{LayoutDetail, SubgraphNames, collect_subgraph_names, describe_diff};

/// Two graphs and what differs between them.
#[derive(Debug)]
pub(crate) struct GraphDiff {
    pub(crate) script: EditScript,
    /// The two documents that were compared, where somebody wants to draw them.
    pub(crate) documents: Option<Box<[Value; 2]>>,
    names: SubgraphNames,
}

/// Whether the documents are wanted after they were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepDocuments {
    No,
    Yes,
}

impl GraphDiff {
    /// Describes the difference in words.
    pub(crate) fn describe(&self, layout: LayoutDetail) -> DiffDescription {
        describe_diff(&self.script, &self.names, layout)
    }
}

/// Compares two contents; nothing unless each side is a graph or empty, and one is a graph.
pub(crate) fn compare_contents(
    before: FileContent,
    after: FileContent,
    catalog: &Catalog,
) -> Option<GraphDiff> {
    compare_and_keep(before, after, catalog, KeepDocuments::No)
}

/// The same, with the documents if they are wanted.
pub(crate) fn compare_and_keep(
    before: FileContent,
    after: FileContent,
    catalog: &Catalog,
    keep: KeepDocuments,
) -> Option<GraphDiff> {
    let (before, after) = (GraphSide::from_content(before)?, GraphSide::from_content(after)?);
    let (before, after) = match (before, after) {
        (GraphSide::Nothing, GraphSide::Nothing) => return None,
        (GraphSide::Graph(graph), GraphSide::Nothing) => {
            let graph = graph.into_any();
            (graph.clone(), empty_graph(graph)?)
        }
        (GraphSide::Nothing, GraphSide::Graph(graph)) => {
            let graph = graph.into_any();
            (empty_graph(graph.clone())?, graph)
        }
        (GraphSide::Graph(before), GraphSide::Graph(after)) => {
            let prompts = before.prompt.clone().zip(after.prompt.clone());
            let (before, after) = same_format(before, after, catalog)?;
            let compared = diff_graphs(before, after, catalog, keep)?;
            // A picture's prompt is what was run: it may tell of a seed what the workflow,
            // as it stood in the editor, does not.
            let executed = prompts
                .filter(|_| !compared.script.has_content())
                .and_then(|(before, after)| diff_graphs(before, after, catalog, keep))
                .filter(|executed| executed.script.has_content());
            return Some(executed.unwrap_or(compared));
        }
    };
    diff_graphs(before, after, catalog, keep)
}

fn diff_graphs(
    before: Value,
    after: Value,
    catalog: &Catalog,
    keep: KeepDocuments,
) -> Option<GraphDiff> {
    let mut names = SubgraphNames::default();
    for document in [&before, &after] {
        if let Some(graph) = document.as_object() {
            collect_subgraph_names(graph, &mut names);
        }
    }
    let documents = (keep == KeepDocuments::Yes).then(|| Box::new([before.clone(), after.clone()]));
    let script = diff::diff(before, after, catalog)?;
    Some(GraphDiff { script, documents, names })
}

/// The graphs on one side: a picture can hold its workflow and the prompt made from it.
enum GraphSide {
    Nothing,
    Graph(SideGraphs),
}

struct SideGraphs {
    workflow: Option<Value>,
    prompt: Option<Value>,
}

impl GraphSide {
    fn from_content(content: FileContent) -> Option<GraphSide> {
        Some(match content {
            FileContent::Graph(value)
                if document_kind(&value) == DocumentKind::Graph(GraphKind::Prompt) =>
            {
                GraphSide::Graph(SideGraphs { workflow: None, prompt: Some(value) })
            }
            FileContent::Graph(value) => {
                GraphSide::Graph(SideGraphs { workflow: Some(value), prompt: None })
            }
            FileContent::Output(output) if output.graph().is_some() => {
                GraphSide::Graph(SideGraphs { workflow: output.workflow, prompt: output.prompt })
            }
            FileContent::Other(bytes) if bytes.is_empty() => GraphSide::Nothing,
            FileContent::Output(_) | FileContent::Other(_) => return None,
        })
    }
}

impl SideGraphs {
    fn into_any(self) -> Value {
        self.workflow.or(self.prompt).unwrap_or(Value::Null)
    }
}

/// Both sides in one format: workflows if both have one, else prompts, converted from the
/// workflow where a side has no prompt.
fn same_format(before: SideGraphs, after: SideGraphs, catalog: &Catalog) -> Option<(Value, Value)> {
    if let (Some(_), Some(_)) = (&before.workflow, &after.workflow) {
        return Some((before.into_any(), after.into_any()));
    }
    let prompt = |graphs: SideGraphs| match graphs.prompt {
        Some(prompt) => Some(prompt),
        None => {
            let workflow = Workflow::from_value(graphs.workflow?).ok()?;
            Some(workflow.to_prompt(catalog).ok()?.into_value())
        }
    };
    let both_are_prompts = before.workflow.is_none() && after.workflow.is_none();
    let (mut before, mut after) = (prompt(before)?, prompt(after)?);
    if both_are_prompts {
        return Some((before, after));
    }
    drop_one_sided_titles(&mut before, &mut after);
    drop_one_sided_titles(&mut after, &mut before);
    Some((before, after))
}

/// Removes the titles (`_meta`) that only one side has: what was converted from a workflow
/// has none, and not every program that writes prompts writes them.
fn drop_one_sided_titles(those: &mut Value, others: &mut Value) {
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
fn empty_graph(mut graph: Value) -> Option<Value> {
    if document_kind(&graph) == DocumentKind::Graph(GraphKind::Prompt) {
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
