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
/// which everything looks like a node, `version` a number. Without a version, as early and
/// foreign writers leave it, there must be a list of links beside the nodes.
pub fn is_workflow(object: &Object) -> bool {
    workflow_schema(object).is_some()
}

/// The schema of a workflow, if the object is one.
pub(super) fn workflow_schema<T: JsonText>(object: &JsonObject<T>) -> Option<WorkflowSchema> {
    let nodes = object.get("nodes")?.as_array()?;
    let version = match object.get("version") {
        Some(version) => Some(version.as_number()?),
        None => None,
    };
    let whole = match nodes {
        // Of an empty graph there must be something else to know it by.
        [] if version.is_none() => false,
        [] => ["links", "last_node_id", "state"].iter().any(|key| object.contains_key(key)),
        _ if version.is_none() && object.get("links").and_then(JsonValue::as_array).is_none() => {
            false
        }
        // Holes are damage, but no reason to take a workflow for something else.
        nodes => nodes.iter().any(is_node) && nodes.iter().all(|n| n.is_null() || is_node(n)),
    };
    let is_v1 = version.is_some_and(|version| version.as_f64() == 1.0);
    let schema = if is_v1 { WorkflowSchema::V1 } else { WorkflowSchema::V04 };
    whole.then_some(schema)
}

fn is_node<T: JsonText>(value: &JsonValue<T>) -> bool {
    let Some(node) = value.as_object() else { return false };
    matches!(node.get("id"), Some(JsonValue::Number(_) | JsonValue::String(_)))
        && matches!(node.get("type"), Some(JsonValue::String(_) | JsonValue::Null) | None)
        && (node.contains_key("type") || node.contains_key("pos"))
}

/// Whether an object is an API prompt: a node with a `class_type` that is text and `inputs`
/// that are an object, and nothing beside such nodes but what ComfyUI passes over: nodes that
/// lack one of the two, and remarks that are no objects.
pub fn is_prompt(object: &Object) -> bool {
    has_prompt_nodes(object)
}

fn has_prompt_nodes<T: JsonText>(object: &JsonObject<T>) -> bool {
    let mut whole = 0;
    let known = object.iter().all(|(key, member)| match prompt_member(&key.decode(), member) {
        Some(PromptMember::Node) => {
            whole += usize::from(member.get("class_type").is_some_and(|_| has_inputs(member)));
            true
        }
        found => found.is_some(),
    });
    known && whole > 0
}

/// What a member of a prompt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromptMember {
    /// A node. The frontend writes one of a class that is not installed without
    /// `class_type`, hands write one that needs no input without `inputs`.
    Node,
    /// What people write beside the nodes: a comment, a name, a version.
    Remark,
}

/// What a member of a prompt is; nothing for what no prompt holds.
pub(crate) fn prompt_member<T: JsonText>(key: &str, member: &JsonValue<T>) -> Option<PromptMember> {
    if !matches!(member, JsonValue::Object(_) | JsonValue::Array(_)) {
        return Some(PromptMember::Remark);
    }
    let is_node = match member.get("class_type") {
        Some(class) => {
            class.as_text().is_some() && (member.get("inputs").is_none() || has_inputs(member))
        }
        None => member.get("_meta").is_some() && has_inputs(member),
    };
    let is_remark = || key.starts_with('_').then_some(PromptMember::Remark);
    if is_node { Some(PromptMember::Node) } else { is_remark() }
}

fn has_inputs<T: JsonText>(node: &JsonValue<T>) -> bool {
    node.get("inputs").and_then(JsonValue::as_object).is_some()
}

/// Whether a document that is no graph was probably meant to be one: a list of nodes with
/// links or a version, or several things with a class.
pub(crate) fn looks_like_graph<T: JsonText>(document: &JsonValue<T>) -> bool {
    let Some(object) = document.as_object() else { return false };
    let nodes = object.get("nodes").and_then(JsonValue::as_array);
    let is_typed = |node: &JsonValue<T>| node.get("type").is_some() && node.get("id").is_some();
    if nodes.is_some_and(|nodes| nodes.iter().any(is_typed)) {
        return ["links", "version", "last_node_id"].iter().any(|key| object.contains_key(key));
    }
    object.values().filter(|member| member.get("class_type").is_some()).count() > 0
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
    fn what_comfyui_opens_is_a_graph_whatever_it_lacks() {
        let v04 = DocumentKind::Graph(GraphKind::Workflow(WorkflowSchema::V04));
        assert_eq!(of(r#"{"nodes":[{"id":1,"type":"A"}],"links":[]}"#), v04);
        let prompt = DocumentKind::Graph(GraphKind::Prompt);
        for text in [
            r#"{"1":{"class_type":"A"},"2":{"class_type":"B","inputs":{}}}"#,
            r#"{"_comment":"by hand","1":{"class_type":"A","inputs":{}}}"#,
            r#"{"_notes":{"by":"me"},"version":2,"1":{"class_type":"A","inputs":{}}}"#,
        ] {
            assert_eq!(of(text), prompt, "{text}");
        }
    }

    #[test]
    fn what_was_meant_to_be_a_graph_looks_like_one() {
        let looks = |text: &str| looks_like_graph(&parse_text(text).unwrap());
        assert!(looks(r#"{"nodes":[{"id":1,"type":"A"},{"no":1}],"links":[]}"#));
        assert!(looks(r#"{"1":{"class_type":"A","inputs":{}},"settings":{"a":1}}"#));
        assert!(!looks(r#"{"nodes":[{"name":"x"}],"version":3}"#));
        assert!(!looks(r#"{"name":"x","inputs":{}}"#));
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
            r#"{"nodes":[],"links":[]}"#,
            r#"{"nodes":[{"id":1,"type":"A"}],"links":[],"version":"3"}"#,
            r#"{"1":{"class_type":"A"}}"#,
            r#"{"1":{"class_type":"A","inputs":{}},"2":{"class_type":"B","inputs":[]}}"#,
            r#"{"1":{"class_type":"A","inputs":{}},"settings":{"a":1}}"#,
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
