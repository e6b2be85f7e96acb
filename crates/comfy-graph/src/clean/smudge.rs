//! Clean content back into a file for ComfyUI, with the very layout it had (`compose` does
//! it with layouts of other content).
//!
//! Must not know where layouts are kept.

use super::arrange::{self, ArrangeExtent};
use super::clocked_layout::read_shown_layout;
use super::document::restore_graph;
use super::policy::MEMBER_NAMES;
use super::restore::LayoutFit;
use super::split::definitions;
use crate::graph::{GraphKind, document_kind, find_document_kind};
use crate::json::{self, JsonValue, Object, Value};

/// Puts the layout of exactly this content into it. `None`: the bytes are to stay as they
/// are, because they are no JSON or the line is no layout.
pub fn smudge(content: &[u8], line: &str) -> Option<Vec<u8>> {
    let mut layout = read_shown_layout(json::parse_source(line, &MEMBER_NAMES).ok()?)?;
    let mut value = json::parse_source(json::decode_utf8(content).ok()?, &MEMBER_NAMES).ok()?;
    for found in find_document_kind(&value).into_graphs() {
        if let (Some(JsonValue::Object(graph)), Some(aside)) =
            (found.at.find_mut(&mut value), layout.take_graph(&found.at))
        {
            restore_graph(graph, found.kind, aside, LayoutFit::Exact);
        }
    }
    let mut printed = Vec::with_capacity(2 * content.len());
    json::print_into(&mut printed, &value, &layout.style, json::NO_LINES);
    let Some(residue) = &layout.residue else { return Some(printed) };
    let original = std::str::from_utf8(&printed).ok().and_then(|text| residue.apply(text));
    Some(original.map_or(printed, String::into_bytes))
}

/// Gives a place to what has none in a file that has positions otherwise. Whether anything
/// was missing.
pub fn place_missing(document: &mut Value) -> bool {
    let mut any = false;
    for found in document_kind(document).into_graphs() {
        if let (Some(Value::Object(graph)), true) =
            (found.at.get_mut(document), found.kind != GraphKind::Prompt)
            && !has_all_positions(graph)
        {
            arrange::arrange_missing(graph);
            any = true;
        }
    }
    any
}

/// Arranges the graphs of a document anew, whatever places they have; gives whether there was
/// anything to arrange. `extent` names nodes by graph: with several workflows in one document,
/// those of each.
pub fn arrange_again(document: &mut Value, extent: ArrangeExtent<'_>) -> bool {
    let mut any = false;
    for found in document_kind(document).into_graphs() {
        if let (Some(Value::Object(graph)), true) =
            (found.at.get_mut(document), found.kind != GraphKind::Prompt)
        {
            arrange::arrange_missing(graph);
            arrange::arrange_again(graph, extent);
            any = true;
        }
    }
    any
}

/// Whether every node has a position: a file that was committed before there was a
/// filter, or under `Mode::Keep`, is not ours to lay out.
pub(super) fn has_all_positions(graph: &Object) -> bool {
    let nodes = |graph: &Object| -> (usize, usize) {
        let nodes = graph.get("nodes").and_then(Value::as_array).unwrap_or_default();
        (nodes.len(), nodes.iter().filter(|node| node.get("pos").is_some()).count())
    };
    let all = std::iter::once(graph).chain(definitions(graph)).map(nodes);
    let (count, placed) = all.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    count > 0 && count == placed
}
