//! Clean content back into a file for ComfyUI: with the very layout it had, with what is
//! known of an earlier state, or arranged.
//!
//! Must not know where layouts are kept.

use super::Known;
use super::arrange;
use super::clean::{graphs, restore_graph};
use super::layout::Layout;
use super::split::{Fit, definitions};
use crate::graph::GraphKind;
use crate::json::{self, Object, Style, Value};

/// Puts a layout into clean content. `None`: the bytes are to stay as they are, because
/// they hold no workflow or one that has its positions already.
pub fn smudge(content: &[u8], known: Known<'_>) -> Option<Vec<u8>> {
    let (line, fit) = match known {
        Known::Exact(line) => (Some(line), Fit::Exact),
        Known::Related(line) => (Some(line), Fit::Related),
        Known::Nothing => (None, Fit::Related),
    };
    let layout = line.and_then(Layout::parse);
    if layout.is_none() && !super::clean::mentions_graph(content) {
        return None;
    }
    let value = json::parse(content).ok()?;
    match (layout, fit) {
        (Some(layout), Fit::Exact) => exact(value, layout),
        (layout, _) => related(value, layout),
    }
}

fn exact(mut value: Value, mut layout: Layout) -> Option<Vec<u8>> {
    for found in graphs(&value) {
        if let (Some(Value::Object(graph)), Some(aside)) =
            (found.at.get_mut(&mut value), layout.take(&found.at))
        {
            restore_graph(graph, found.kind, aside, Fit::Exact);
        }
    }
    let printed = json::print(&value, &layout.style);
    let original = layout.residue.as_ref().and_then(|residue| residue.apply(&printed));
    Some(original.unwrap_or(printed).into_bytes())
}

fn related(mut value: Value, mut layout: Option<Layout>) -> Option<Vec<u8>> {
    let mut touched = false;
    for found in graphs(&value) {
        let Some(Value::Object(graph)) = found.at.get_mut(&mut value) else { continue };
        if found.kind == GraphKind::Prompt || is_placed(graph) {
            continue;
        }
        if let Some(aside) = layout.as_mut().and_then(|layout| layout.take(&found.at)) {
            restore_graph(graph, found.kind, aside, Fit::Related);
        }
        arrange::complete(graph);
        touched = true;
    }
    let style = layout.map_or(Style::EXPORT, |layout| layout.style);
    touched.then(|| json::print(&value, &style).into_bytes())
}

/// Whether every node has a position: a file that was committed before there was a
/// filter, or under `Mode::Keep`, is not ours to lay out.
fn is_placed(graph: &Object) -> bool {
    let nodes = |graph: &Object| -> (usize, usize) {
        let nodes = graph.get("nodes").and_then(Value::as_array).unwrap_or_default();
        (nodes.len(), nodes.iter().filter(|node| node.get("pos").is_some()).count())
    };
    let all = std::iter::once(graph).chain(definitions(graph)).map(nodes);
    let (count, placed) = all.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    count > 0 && count == placed
}
