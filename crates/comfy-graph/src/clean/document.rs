//! A file as ComfyUI wrote it, in two parts: the clean form, and the layout that brings
//! the very same bytes back.
//!
//! The promise is kept by trying it: a clean puts its two parts together again and keeps
//! whatever does not come out right as a residue of the layout.

use memchr::memmem;

use super::clock::ClockStamp;
use super::clocked_layout::scale_of;
use super::file_layout::{FileLayout, Residue};
use super::layout_view::list_items;
use super::policy::{MEMBER_NAMES, PROMPT_NODE, WORKFLOW, is_one_line_member};
use super::restore::{LayoutFit, restore_object};
use super::split::{HighestIds, LayoutSplitter};
use super::stamp::{self, EarlierLayouts, StampedLine};
use super::{CleanOutcome, CleanResult, LayoutMode, arranged_mark, prompt};
use crate::graph::{GraphKind, GraphLocation, document_kind, find_document_kind, looks_like_graph};
use crate::json::{
    self, JsonObject, JsonPath, JsonStyle, JsonText, JsonValue, Object, SourceText, Value,
};

/// Splits a workflow into clean content and layout.
///
/// Whatever is no workflow, or could not be given back, is left as it is.
pub fn clean_document(bytes: &[u8], mode: LayoutMode) -> CleanOutcome {
    match begin_clean(bytes, mode) {
        CleanStart::Untouched(remark) => CleanOutcome::Untouched(remark),
        CleanStart::Clean => {
            CleanOutcome::Cleaned(CleanResult { content: bytes.to_vec(), layout: None })
        }
        CleanStart::Split { content, rest } => {
            CleanOutcome::Cleaned(CleanResult { content, layout: Some(rest.layout_line()) })
        }
    }
}

/// What [`begin_clean`] made of a file.
#[derive(Debug)]
pub enum CleanStart<'a> {
    /// It is no workflow, or could not be given back; with the remark of
    /// [`CleanOutcome::Untouched`].
    Untouched(Option<String>),
    /// It is in its clean form already.
    Clean,
    /// It was not in its clean form.
    Split {
        /// The clean content.
        content: Vec<u8>,
        /// What the layout is worked out from.
        rest: LayoutRemainder<'a>,
    },
}

impl<'a> CleanStart<'a> {
    /// What the layout is worked out from; nothing for a file that holds none.
    pub fn into_rest(self) -> Option<LayoutRemainder<'a>> {
        match self {
            CleanStart::Split { rest, .. } => Some(rest),
            CleanStart::Untouched(_) | CleanStart::Clean => None,
        }
    }
}

/// What a clean still has to do once the content is there: work out the layout. Git waits
/// for the content only.
#[derive(Debug)]
pub struct LayoutRemainder<'a> {
    value: JsonValue<SourceText<'a>>,
    graphs: Vec<GraphLocation>,
    layout: FileLayout<SourceText<'a>>,
    original: &'a str,
}

/// The first half of [`clean_document`]: the content, and what the layout is worked out from.
pub fn begin_clean(bytes: &[u8], mode: LayoutMode) -> CleanStart<'_> {
    if !mentions_graph(bytes) {
        return CleanStart::Untouched(utf16_remark(bytes));
    }
    let parsed = json::decode_utf8(bytes)
        .and_then(|text| Ok((text, json::parse_source(text, &MEMBER_NAMES)?)));
    let (original, mut value) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return CleanStart::Untouched(Some(error.to_string())),
    };
    let graphs = find_document_kind(&value).into_graphs();
    if graphs.is_empty() {
        let remark = "it is neither a workflow nor a prompt, though it looks like one";
        return CleanStart::Untouched(looks_like_graph(&value).then(|| remark.to_owned()));
    }
    let mut layout =
        FileLayout { style: JsonStyle::detect(original), graphs: Vec::new(), residue: None };
    for found in &graphs {
        if let Some(JsonValue::Object(graph)) = found.at.find_mut(&mut value) {
            let aside = split_graph(graph, found.kind, mode);
            layout.graphs.push((found.at.clone(), aside));
        }
    }
    let mut content = Vec::with_capacity(bytes.len());
    json::print_into(&mut content, &value, &JsonStyle::CANONICAL, is_one_line_member);
    if content == bytes {
        return CleanStart::Clean;
    }
    CleanStart::Split { content, rest: LayoutRemainder { value, graphs, layout, original } }
}

impl LayoutRemainder<'_> {
    /// The layout as one line of JSON.
    pub fn layout_line(self) -> String {
        let line = self.layout.to_line();
        match find_residue(self.value, &self.graphs, self.layout, self.original) {
            Some(residue) => residue.add_to(line),
            None => line,
        }
    }

    /// The layout as one line, and as it is kept of a file of which nothing was known before.
    pub fn new_file_lines(self, saved: ClockStamp) -> (String, Option<StampedLine>) {
        let is_placed = self.is_placed_by_person();
        // Where a scale takes part, the corner of a group is a sum that has to be rounded.
        let has_scale = self.layout.graphs.iter().any(|(_, aside)| scale_of(aside) != 1.0);
        let line = self.layout_line();
        let has_groups = || memmem::find(line.as_bytes(), b"\"groups\":").is_some();
        let stamped = match is_placed && !(has_scale && has_groups()) {
            true => Some(stamp::stamp_placed_line(&line, saved)),
            false => {
                let layout = stamp::stamp_layout(&line, &EarlierLayouts::default(), saved);
                layout.map(|layout| StampedLine {
                    latest_millis: layout.latest_millis(),
                    line: layout.to_line(),
                })
            }
        };
        (line, stamped)
    }

    /// Whether a look at it tells that nothing of it was arranged.
    fn is_placed_by_person(&self) -> bool {
        let [(_, aside)] = self.layout.graphs.as_slice() else { return false };
        let has_mark = aside.get("extra").is_some_and(|extra| extra.get("git_comfy").is_some());
        let nodes = list_items(aside, "nodes").iter();
        let mut positions = nodes.filter_map(|node| {
            let both = node.get("pos")?.as_array()?;
            Some((both.first()?.as_f64()?, both.get(1)?.as_f64()?))
        });
        !has_mark && positions.any(|at| !stamp::PILED_AT.contains(&at))
    }

    pub(super) fn into_layout(self) -> FileLayout {
        let owned = |(at, aside): &(JsonPath, JsonObject<SourceText<'_>>)| {
            (at.clone(), Object::from(aside.clone()))
        };
        let graphs = self.layout.graphs.iter().map(owned).collect();
        let style = self.layout.style.clone();
        let residue = find_residue(self.value, &self.graphs, self.layout, self.original);
        FileLayout { style, graphs, residue }
    }
}

/// What cleaning took out of one graph of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct StrippedGraph {
    /// Where the graph is.
    pub at: JsonPath,
    /// What it is.
    pub kind: GraphKind,
    /// What was taken out; read through [`super::LayoutView`].
    pub layout: Object,
}

/// Brings all graphs of a document into their clean form, without printing it. Whoever
/// compares two documents reads them through this.
pub fn strip_layout(document: &mut Value) -> Vec<StrippedGraph> {
    let found = document_kind(document).into_graphs();
    let strip = |found: GraphLocation| match found.at.get_mut(document) {
        Some(Value::Object(graph)) => {
            let layout = split_graph(graph, found.kind, LayoutMode::Strip);
            Some(StrippedGraph { at: found.at, kind: found.kind, layout })
        }
        _ => None,
    };
    found.into_iter().filter_map(strip).collect()
}

/// Prints a document whose graphs are in their clean form, as [`clean_document`] would.
pub fn print_clean(document: &Value) -> Vec<u8> {
    let mut content = Vec::new();
    json::print_into(&mut content, document, &JsonStyle::CANONICAL, is_one_line_member);
    content
}

fn split_graph<T: JsonText>(
    graph: &mut JsonObject<T>,
    kind: GraphKind,
    mode: LayoutMode,
) -> JsonObject<T> {
    match kind {
        GraphKind::Workflow(_) => {
            let highest_ids = HighestIds::from_workflow(graph);
            let aside = LayoutSplitter::new(mode, highest_ids).split_object(graph, &WORKFLOW);
            arranged_mark::drop_new_extra(graph, &aside);
            aside
        }
        GraphKind::Prompt => {
            let mut splitter = LayoutSplitter::new(mode, HighestIds::default());
            prompt::split_prompt(graph, |node| splitter.split_object(node, &PROMPT_NODE))
        }
    }
}

/// Puts the layout that was split off back into one graph.
pub(super) fn restore_graph<T: JsonText>(
    graph: &mut JsonObject<T>,
    kind: GraphKind,
    aside: JsonObject<T>,
    fit: LayoutFit,
) {
    match kind {
        GraphKind::Workflow(_) => restore_object(graph, aside, &WORKFLOW, fit),
        GraphKind::Prompt if fit == LayoutFit::Exact => {
            prompt::restore_prompt(graph, aside, |node, aside| {
                restore_object(node, aside, &PROMPT_NODE, fit)
            });
        }
        GraphKind::Prompt => {}
    }
}

/// What putting content and layout together would still get wrong.
fn find_residue<'a>(
    mut value: JsonValue<SourceText<'a>>,
    graphs: &[GraphLocation],
    layout: FileLayout<SourceText<'a>>,
    original: &str,
) -> Option<Residue> {
    for (found, (_, aside)) in graphs.iter().zip(layout.graphs) {
        if let Some(JsonValue::Object(graph)) = found.at.find_mut(&mut value) {
            restore_graph(graph, found.kind, aside, LayoutFit::Exact);
        }
    }
    if json::prints_as(&value, &layout.style, original) {
        return None;
    }
    let mut printed = Vec::with_capacity(original.len());
    json::print_into(&mut printed, &value, &layout.style, json::NO_LINES);
    Residue::between(&String::from_utf8(printed).unwrap_or_default(), original)
}

/// Whether the text can hold a workflow or a prompt at all: most JSON in a repository
/// cannot, and is not even parsed.
pub(super) fn mentions_graph(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| memmem::find(bytes, word).is_some();
    let is_workflow = has(b"\"nodes\"") && (has(b"\"version\"") || has(b"\"links\""));
    is_workflow || (has(b"\"class_type\"") && has(b"\"inputs\""))
}

/// Editors on Windows may save UTF-16; then nothing of the above can be seen.
fn utf16_remark(bytes: &[u8]) -> Option<String> {
    let wide = |low: bool| -> Vec<u8> {
        b"\"nodes\"".iter().flat_map(|&b| if low { [b, 0] } else { [0, b] }).collect()
    };
    let marked = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let is_wide = marked
        && (memmem::find(bytes, &wide(true)).is_some()
            || memmem::find(bytes, &wide(false)).is_some());
    is_wide.then(|| "the text is UTF-16, not UTF-8".to_owned())
}
