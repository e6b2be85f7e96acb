//! What a document is: a workflow, a prompt, a wrapper of either, or neither.
//!
//! The tests are those of the frontend, made a little stricter so that
//! other programs' files with `nodes` in them are left alone. Looks only; changes nothing.

use crate::json::{JsonKey, JsonObject, JsonPath, JsonStep, JsonText, JsonValue, Object, Value};

/// How deep a wrapped graph is looked for. Server histories nest five levels.
const SEARCH_DEPTH: usize = 8;

/// Which of the two schemas a workflow's root follows. Subgraph definitions always
/// follow schema 1, also inside a file of schema 0.4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WorkflowSchema {
    /// Links are arrays, counters are `last_node_id` and `last_link_id`.
    #[default]
    V04,
    /// Links are objects, counters are in `state`.
    V1,
}

/// A graph document: what diff and merge work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphKind {
    /// The format of the editor: nodes, links, positions.
    Workflow(WorkflowSchema),
    /// The API format, which is what the server runs.
    Prompt,
}

/// A graph inside another document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphLocation {
    /// Where it is.
    pub at: JsonPath,
    /// What it is.
    pub kind: GraphKind,
}

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentKind {
    /// A graph from its root on.
    Graph(GraphKind),
    /// A pack of node templates: names and graphs kept as text.
    Templates,
    /// Other JSON with graphs in it, in document order. Never empty, never nested.
    Wrapped(Vec<GraphLocation>),
    /// Any other document.
    Other,
}

impl DocumentKind {
    /// Whether this is a workflow in the format of the editor.
    pub fn is_workflow(&self) -> bool {
        matches!(self, DocumentKind::Graph(GraphKind::Workflow(_)))
    }

    /// The graphs of the document, wherever they are.
    pub(crate) fn into_graphs(self) -> Vec<GraphLocation> {
        match self {
            DocumentKind::Graph(kind) => vec![GraphLocation { at: JsonPath::root(), kind }],
            DocumentKind::Wrapped(found) => found,
            DocumentKind::Templates | DocumentKind::Other => Vec::new(),
        }
    }
}

/// Says what a document is.
pub fn document_kind(document: &Value) -> DocumentKind {
    find_document_kind(document)
}

/// [`document_kind`] of any tree.
pub(crate) fn find_document_kind<T: JsonText>(document: &JsonValue<T>) -> DocumentKind {
    if let Some(kind) = graph_kind(document) {
        return DocumentKind::Graph(kind);
    }
    if is_templates(document) {
        return DocumentKind::Templates;
    }
    let mut found = Vec::new();
    find_graphs(document, &mut Vec::new(), &mut found);
    if found.is_empty() { DocumentKind::Other } else { DocumentKind::Wrapped(found) }
}

/// The kind of graph a value is from its root on, if it is one.
fn graph_kind<T: JsonText>(value: &JsonValue<T>) -> Option<GraphKind> {
    let object = value.as_object()?;
    if let Some(schema) = workflow_schema(object) {
        return Some(GraphKind::Workflow(schema));
    }
    has_prompt_nodes(object).then_some(GraphKind::Prompt)
}

/// Whether an object is a workflow in the format of the editor: `nodes` is an array in
/// which everything looks like a node, `version` a number.
pub fn is_workflow(object: &Object) -> bool {
    workflow_schema(object).is_some()
}

/// The schema of a workflow, if the object is one.
pub(super) fn workflow_schema<T: JsonText>(object: &JsonObject<T>) -> Option<WorkflowSchema> {
    let nodes = object.get("nodes")?.as_array()?;
    let version = object.get("version")?.as_number()?;
    let whole = match nodes {
        // Of an empty graph there must be something else to know it by.
        [] => ["links", "last_node_id", "state"].iter().any(|key| object.contains_key(key)),
        // Holes are damage, but no reason to take a workflow for something else.
        nodes => nodes.iter().any(is_node) && nodes.iter().all(|n| n.is_null() || is_node(n)),
    };
    let schema = if version.as_f64() == 1.0 { WorkflowSchema::V1 } else { WorkflowSchema::V04 };
    whole.then_some(schema)
}

fn is_node<T: JsonText>(value: &JsonValue<T>) -> bool {
    let Some(node) = value.as_object() else { return false };
    matches!(node.get("id"), Some(JsonValue::Number(_) | JsonValue::String(_)))
        && matches!(node.get("type"), Some(JsonValue::String(_) | JsonValue::Null) | None)
        && (node.contains_key("type") || node.contains_key("pos"))
}

/// Whether an object is an API prompt: not empty, and every member has a `class_type`
/// that is text and `inputs` that are an object. The frontend writes a node of a class
/// that is not installed without `class_type`: such a one may be among others.
pub fn is_prompt(object: &Object) -> bool {
    has_prompt_nodes(object)
}

fn has_prompt_nodes<T: JsonText>(object: &JsonObject<T>) -> bool {
    let mut classes = 0;
    let whole = object.values().all(|node| {
        let class = node.get("class_type");
        classes += usize::from(class.is_some());
        let missing = class.is_none() && node.get("_meta").is_some();
        (missing || class.and_then(JsonValue::as_text).is_some())
            && node.get("inputs").and_then(JsonValue::as_object).is_some()
    });
    whole && classes > 0
}

fn is_templates<T: JsonText>(document: &JsonValue<T>) -> bool {
    let Some(JsonValue::Array(templates)) = document.get("templates") else { return false };
    !templates.is_empty()
        && templates.iter().all(|template| {
            template.get("name").and_then(JsonValue::as_text).is_some()
                && template.get("data").and_then(JsonValue::as_text).is_some()
        })
}

fn find_graphs<T: JsonText>(
    value: &JsonValue<T>,
    way: &mut Vec<JsonStep>,
    found: &mut Vec<GraphLocation>,
) {
    if !way.is_empty()
        && let Some(kind) = graph_kind(value)
    {
        found.push(GraphLocation { at: JsonPath(way.clone()), kind });
        return;
    }
    if way.len() == SEARCH_DEPTH {
        return;
    }
    match value {
        JsonValue::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                if matches!(element, JsonValue::Array(_) | JsonValue::Object(_)) {
                    way.push(JsonStep::Index(at));
                    find_graphs(element, way, found);
                    way.pop();
                }
            }
        }
        JsonValue::Object(members) => {
            for (key, member) in members.iter() {
                if matches!(member, JsonValue::Array(_) | JsonValue::Object(_)) {
                    way.push(JsonStep::Key(JsonKey::from(key.decode())));
                    find_graphs(member, way, found);
                    way.pop();
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_text;

    fn of(text: &str) -> DocumentKind {
        document_kind(&parse_text(text).unwrap())
    }

    #[test]
    fn graphs_are_known_by_their_shape() {
        let v04 = DocumentKind::Graph(GraphKind::Workflow(WorkflowSchema::V04));
        assert_eq!(of(r#"{"nodes":[{"id":1,"type":"A"}],"version":0.4}"#), v04);
        assert_eq!(of(r#"{"nodes":[],"links":[],"version":0.4}"#), v04);
        assert_eq!(
            of(r#"{"nodes":[null,{"id":"1","type":"A"}],"version":1}"#),
            DocumentKind::Graph(GraphKind::Workflow(WorkflowSchema::V1))
        );
        assert_eq!(
            of(r#"{"1":{"class_type":"A","inputs":{}}}"#),
            DocumentKind::Graph(GraphKind::Prompt)
        );
    }

    #[test]
    fn other_programs_files_are_left_alone() {
        for text in [
            "{}",
            "[]",
            "7",
            r#"{"nodes":[],"version":1}"#,
            r#"{"nodes":[{"name":"x"}],"version":3}"#,
            r#"{"nodes":{"a":{"id":1,"type":"x"}},"version":7}"#,
            r#"{"nodes":[{"id":1,"type":"A"}]}"#,
            r#"{"1":{"class_type":"A"}}"#,
            r#"{"1":{"inputs":{},"_meta":{}}}"#,
            r#"{"templates":[{"name":"a"}]}"#,
        ] {
            assert_eq!(of(text), DocumentKind::Other, "{text}");
        }
    }

    #[test]
    fn wrapped_graphs_are_found_with_their_places() {
        let text = r#"{"api_key":"k","prompt":{"1":{"class_type":"A","inputs":{}}},
            "extra_data":{"extra_pnginfo":{"workflow":
                {"nodes":[{"id":1,"type":"A"}],"version":0.4,
                 "extra":{"prompt":{"1":{"class_type":"A","inputs":{}}}}}}}}"#;
        let DocumentKind::Wrapped(found) = of(text) else { panic!("not found") };
        let places: Vec<String> = found.iter().map(|f| f.at.to_string()).collect();
        assert_eq!(places, ["/prompt", "/extra_data/extra_pnginfo/workflow"]);
        assert_eq!(found[0].kind, GraphKind::Prompt);
        let templates = r#"{"templates":[{"name":"a","data":"{}"}]}"#;
        assert_eq!(of(templates), DocumentKind::Templates);
    }
}
