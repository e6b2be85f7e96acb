//! Draws a compared file: both documents in their places, paired, as one drawing. Pure.

use comfy_draw::{Comparison, Drawing, draw_comparison};
use comfy_graph::catalog::Catalog;
use comfy_graph::diff::{EditScript, PairedNodes, pair_nodes};
use comfy_graph::json::Value;

use super::drawn_document::{DrawnDocument, drawable_document};

/// A drawing of two documents.
#[derive(Debug)]
pub struct DiffDrawing {
    pub drawing: Drawing,
    /// Nobody knows where its nodes lay: before, after.
    pub is_arranged: [bool; 2],
}

/// Draws two documents and what differs between them; nothing if one cannot be drawn.
pub fn draw_difference(
    [before, after]: &[Value; 2],
    script: &EditScript,
    catalog: &Catalog,
) -> Option<DiffDrawing> {
    let before = drawable_document(before, catalog)?;
    let after = drawable_document(after, catalog)?;
    let script = innermost(script);
    let pairs = pair_drawn(&before, &after)?;
    let comparison = Comparison {
        before: &before.workflow,
        after: &after.workflow,
        script,
        nodes: &pairs.nodes,
        graphs: &pairs.graphs,
    };
    let drawing = draw_comparison(&comparison, catalog);
    Some(DiffDrawing { drawing, is_arranged: [before.is_arranged, after.is_arranged] })
}

/// The script of the graph that is drawn, where it lies in other JSON.
fn innermost(script: &EditScript) -> &EditScript {
    let nested = script.entries.iter().find_map(|entry| match &entry.edit {
        comfy_graph::diff::Edit::NestedGraph { script, .. } => Some(script),
        _ => None,
    });
    nested.map_or(script, |script| innermost(script))
}

fn pair_drawn(before: &DrawnDocument, after: &DrawnDocument) -> Option<PairedNodes> {
    pair_nodes(before.workflow.clone().into_value(), after.workflow.clone().into_value())
}
