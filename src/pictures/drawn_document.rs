//! A document as something that can be drawn: a workflow with every node in its place. What
//! has no places gets them; a prompt becomes a workflow. Pure.

use comfy_graph::catalog::Catalog;
use comfy_graph::clean;
use comfy_graph::graph::{DocumentKind, GraphKind, Prompt, Workflow, document_kind};
use comfy_graph::json::Value;

use super::prompt_graph::prompt_to_workflow;

/// A workflow in its places.
#[derive(Debug)]
pub struct DrawnDocument {
    pub workflow: Workflow,
    /// The places are not the document's own.
    pub is_arranged: bool,
}

/// Makes a document drawable: the workflow or prompt it is, or the first one inside it. Nothing
/// if it holds none.
pub fn drawable_document(document: &Value, catalog: &Catalog) -> Option<DrawnDocument> {
    let mut graph = match document_kind(document) {
        DocumentKind::Graph(GraphKind::Workflow(_)) => document.clone(),
        DocumentKind::Graph(GraphKind::Prompt) => {
            prompt_to_workflow(&Prompt::from_value(document.clone()).ok()?, catalog)
        }
        DocumentKind::Wrapped(found) => {
            let inside = found.first()?.at.get(document)?;
            return drawable_document(inside, catalog);
        }
        _ => return None,
    };
    let is_arranged = clean::place_missing(&mut graph);
    Some(DrawnDocument { workflow: Workflow::from_value(graph).ok()?, is_arranged })
}
