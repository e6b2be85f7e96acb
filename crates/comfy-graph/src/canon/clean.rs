//! A file as ComfyUI wrote it, in two parts: the clean form, and the layout that brings
//! the very same bytes back.
//!
//! The promise is kept by trying it: a clean puts its two parts together again and keeps
//! whatever does not come out right as a residue of the layout.

use memchr::memmem;

use super::layout::{Layout, Residue};
use super::policy::{ONE_LINE, PROMPT_NODE, WORKFLOW};
use super::restore::{Fit, restore};
use super::split::{Maxima, Splitter};
use super::{Cleaned, Mode, Outcome, arranged, prompt};
use crate::graph::{Found, GraphKind, Kind, kind};
use crate::json::{self, Object, Path, Style, Value};

/// Splits a workflow into clean content and layout.
///
/// Whatever is no workflow, or could not be given back, is left as it is.
pub fn clean(bytes: &[u8], mode: Mode) -> Outcome {
    match begin(bytes, mode) {
        Err(remark) => Outcome::Untouched(remark),
        Ok((content, rest)) => {
            Outcome::Cleaned(Cleaned { content, layout: rest.map(Rest::layout) })
        }
    }
}

/// What a clean still has to do once the content is there: work out the layout. Git waits
/// for the content only.
#[derive(Debug)]
pub struct Rest<'a> {
    value: Value,
    graphs: Vec<Found>,
    layout: Layout,
    original: &'a str,
}

/// The first half of [`clean`]: the content, and what the layout is worked out from (none
/// for a file that is clean already). An error is the remark of [`Outcome::Untouched`].
pub fn begin(bytes: &[u8], mode: Mode) -> Result<(Vec<u8>, Option<Rest<'_>>), Option<String>> {
    if !mentions_graph(bytes) {
        return Err(utf16_remark(bytes));
    }
    let mut value = json::parse(bytes).map_err(|error| Some(error.to_string()))?;
    let graphs = graphs(&value);
    if graphs.is_empty() {
        return Err(None);
    }
    let original = std::str::from_utf8(bytes).unwrap_or_default();
    let mut layout = Layout { style: Style::sniff(original), graphs: Vec::new(), residue: None };
    for found in &graphs {
        if let Some(Value::Object(graph)) = found.at.get_mut(&mut value) {
            let aside = split_graph(graph, found.kind, mode);
            layout.graphs.push((found.at.clone(), aside));
        }
    }
    let mut content = Vec::with_capacity(bytes.len());
    json::print_into(&mut content, &value, &Style::CANONICAL, ONE_LINE);
    let rest = (content != bytes).then_some(Rest { value, graphs, layout, original });
    Ok((content, rest))
}

impl Rest<'_> {
    /// The layout as one line of JSON.
    pub fn layout(self) -> String {
        let line = self.layout.to_line();
        match residue(self.value, &self.graphs, self.layout, self.original) {
            Some(residue) => residue.add_to(line),
            None => line,
        }
    }

    pub(super) fn into_layout(self) -> Layout {
        let residue = residue(self.value, &self.graphs, self.layout.clone(), self.original);
        Layout { residue, ..self.layout }
    }
}

/// What cleaning took out of one graph of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Stripped {
    /// Where the graph is.
    pub at: Path,
    /// What it is.
    pub kind: GraphKind,
    /// What was taken out; read through [`super::Aside`].
    pub layout: Object,
}

/// Brings all graphs of a document into their clean form, without printing it. Whoever
/// compares two documents reads them through this.
pub fn strip(document: &mut Value) -> Vec<Stripped> {
    let found = graphs(document);
    let strip = |found: Found| match found.at.get_mut(document) {
        Some(Value::Object(graph)) => {
            let layout = split_graph(graph, found.kind, Mode::Strip);
            Some(Stripped { at: found.at, kind: found.kind, layout })
        }
        _ => None,
    };
    found.into_iter().filter_map(strip).collect()
}

/// Prints a document whose graphs are in their clean form, as [`clean`] would.
pub fn print(document: &Value) -> Vec<u8> {
    let mut content = Vec::new();
    json::print_into(&mut content, document, &Style::CANONICAL, ONE_LINE);
    content
}

/// The graphs of a document, wherever they are.
pub(super) fn graphs(document: &Value) -> Vec<Found> {
    match kind(document) {
        Kind::Graph(kind) => vec![Found { at: Path::root(), kind }],
        Kind::Wrapped(found) => found,
        Kind::Templates | Kind::Other => Vec::new(),
    }
}

fn split_graph(graph: &mut Object, kind: GraphKind, mode: Mode) -> Object {
    match kind {
        GraphKind::Workflow(_) => {
            let aside = Splitter { mode, maxima: Maxima::of(graph) }.split(graph, &WORKFLOW);
            arranged::drop_new_extra(graph, &aside);
            aside
        }
        GraphKind::Prompt => {
            let splitter = Splitter { mode, maxima: Maxima::default() };
            prompt::split(graph, |node| splitter.split(node, &PROMPT_NODE))
        }
    }
}

/// Puts the layout that was split off back into one graph.
pub(super) fn restore_graph(graph: &mut Object, kind: GraphKind, aside: Object, fit: Fit) {
    match kind {
        GraphKind::Workflow(_) => restore(graph, aside, &WORKFLOW, fit),
        GraphKind::Prompt if fit == Fit::Exact => {
            prompt::restore(graph, aside, |node, aside| restore(node, aside, &PROMPT_NODE, fit));
        }
        GraphKind::Prompt => {}
    }
}

/// What putting content and layout together would still get wrong.
fn residue(mut value: Value, graphs: &[Found], layout: Layout, original: &str) -> Option<Residue> {
    for (found, (_, aside)) in graphs.iter().zip(layout.graphs) {
        if let Some(Value::Object(graph)) = found.at.get_mut(&mut value) {
            restore_graph(graph, found.kind, aside, Fit::Exact);
        }
    }
    Residue::between(&json::print(&value, &layout.style), original)
}

/// Whether the text can hold a workflow or a prompt at all: most JSON in a repository
/// cannot, and is not even parsed.
pub(super) fn mentions_graph(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| memmem::find(bytes, word).is_some();
    (has(b"\"nodes\"") && has(b"\"version\"")) || (has(b"\"class_type\"") && has(b"\"inputs\""))
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
