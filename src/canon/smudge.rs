//! Clean content back into a file for ComfyUI: with the very layout it had, with what is
//! known of an earlier state, or arranged.
//!
//! Must not know where layouts are kept.

use rustc_hash::{FxHashMap, FxHashSet};

use super::clean::{graphs, restore_graph};
use super::layout::Layout;
use super::restore::Fit;
use super::split::definitions;
use super::{Known, arrange, aside};
use crate::graph::{GraphKind, NodeId, NodeKey};
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
        (Some(layout), Fit::Exact) => exact(value, layout, 2 * content.len()),
        (layout, _) => related(value, layout),
    }
}

/// `expected` is about how long the file will be.
fn exact(mut value: Value, mut layout: Layout, expected: usize) -> Option<Vec<u8>> {
    for found in graphs(&value) {
        if let (Some(Value::Object(graph)), Some(aside)) =
            (found.at.get_mut(&mut value), layout.take(&found.at))
        {
            restore_graph(graph, found.kind, aside, Fit::Exact);
        }
    }
    let mut printed = Vec::with_capacity(expected);
    json::print_into(&mut printed, &value, &layout.style, &[]);
    let Some(residue) = &layout.residue else { return Some(printed) };
    let original = std::str::from_utf8(&printed).ok().and_then(|text| residue.apply(text));
    Some(original.map_or(printed, String::into_bytes))
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

/// Puts the layouts of both sides of a merge into the merged content. Nodes keep the
/// place they have on our side; nodes that only their side knows keep theirs, unless one
/// of ours is there; the rest is arranged. `renumbered` tells which ids of theirs have
/// become which in the result. `None`: the content is no workflow.
pub fn smudge_merged(
    content: &[u8],
    ours: Option<&str>,
    theirs: Option<&str>,
    renumbered: &FxHashMap<NodeKey, NodeId>,
) -> Option<Vec<u8>> {
    let mut value = json::parse(content).ok()?;
    let mut ours = ours.and_then(Layout::parse);
    let mut theirs = theirs.and_then(Layout::parse);
    let mut touched = false;
    for found in graphs(&value) {
        let Some(Value::Object(graph)) = found.at.get_mut(&mut value) else { continue };
        if found.kind == GraphKind::Prompt {
            continue;
        }
        let take = |side: &mut Option<Layout>| side.as_mut().and_then(|l| l.take(&found.at));
        let (ours, mut theirs) = (take(&mut ours), take(&mut theirs));
        if let Some(theirs) = &mut theirs {
            aside::renumber(theirs, renumbered);
        }
        let mut known = FxHashSet::default();
        if let Some(ours) = &ours {
            aside::node_ids(ours, &mut known);
        }
        let mut wishes = FxHashSet::default();
        if let Some(theirs) = &theirs {
            aside::node_ids(theirs, &mut wishes);
        }
        wishes.retain(|id| !known.contains(id));
        // Ours last: what both know, ours decides.
        for aside in [theirs, ours].into_iter().flatten() {
            restore_graph(graph, found.kind, aside, Fit::Related);
        }
        arrange::complete_with_wishes(graph, wishes);
        touched = true;
    }
    let style = ours.or(theirs).map_or(Style::EXPORT, |layout| layout.style);
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
