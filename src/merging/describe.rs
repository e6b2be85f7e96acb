//! Merges as text: the lines printed after a merge, and the journal lines that
//! `git comfy merge --explain` reads back.

use comfy_graph::clean::LayoutChanges;
use comfy_graph::graph::{DocumentKind, GraphScope, document_kind};
use comfy_graph::json::{JsonPath, JsonStyle, Object, Value, parse_text, print_object};
use comfy_graph::merge::{Conflict, MergeDecision, MergeResult};

use crate::differences::text::{SubgraphNames, collect_subgraph_names};
use crate::merging::merge_layouts::RawMovesSide;
use crate::platform::git::RepoPath;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;

/// Which file was merged, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeJournalHeader {
    pub path: String,
    /// The label of our side.
    pub ours: Option<String>,
    /// The label of their side.
    pub theirs: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// The notable decisions, a line each.
pub fn notable_decisions(merged: &MergeResult) -> Vec<String> {
    let names = subgraph_names(&merged.document);
    let notable = merged.decisions.iter().filter(|d| d.is_notable());
    notable.map(|notable| decision_line(notable, &names)).collect()
}

/// That places moved in a raw file of one side lie where the other side put them.
pub(crate) fn lost_raw_moves_line(
    path: &RepoPath,
    moves: &LayoutChanges,
    side: RawMovesSide,
) -> String {
    let places = counted(count_places(moves), "place", "places");
    let what = match side {
        RawMovesSide::Theirs => "that they moved gave way to yours: it",
        RawMovesSide::Ours => "moved here gave way to theirs: the file here",
    };
    format!(
        "{path}: {places} {what} was committed without git-comfy, \
         and nobody knows when they were moved"
    )
}

/// That places which a commit moved, that is applied anew, lie where ours has them.
pub(crate) fn earlier_raw_moves_line(path: &RepoPath, moves: &LayoutChanges) -> String {
    let places = counted(count_places(moves), "place", "places");
    format!("{path}: {places} that they moved gave way to yours: that was before you moved them")
}

fn count_places(moves: &LayoutChanges) -> usize {
    let lists = [&moves.moved, &moves.placed, &moves.resized, &moves.restyled, &moves.arranged];
    lists.iter().map(|list| list.len()).sum()
}

/// The conflicts, a line each.
pub fn conflict_lines(merged: &MergeResult) -> Vec<String> {
    let names = subgraph_names(&merged.document);
    let line = |conflict: &Conflict| {
        let name = match &conflict.scope {
            GraphScope::Root => None,
            GraphScope::Definition(id) => names.get(id).map(String::as_str),
        };
        self::conflict_line(conflict, name)
    };
    merged.conflicts.iter().map(line).collect()
}

/// What the audit found wrong with a merge, a line each.
pub fn doubt_lines(merged: &MergeResult) -> Vec<String> {
    merged
        .audit_findings
        .iter()
        .map(|doubt| sanitize::line(&doubt.to_string()).into_owned())
        .collect()
}

fn subgraph_names(document: &Value) -> SubgraphNames {
    let mut names = SubgraphNames::default();
    let graphs = match document_kind(document) {
        DocumentKind::Graph(_) => vec![document],
        DocumentKind::Wrapped(found) => {
            found.iter().filter_map(|found| found.at.get(document)).collect()
        }
        DocumentKind::Templates | DocumentKind::Other => Vec::new(),
    };
    for graph in graphs.into_iter().filter_map(Value::as_object) {
        collect_subgraph_names(graph, &mut names);
    }
    names
}

fn decision_line(decision: &MergeDecision, names: &SubgraphNames) -> String {
    let name = match &decision.scope {
        GraphScope::Root => None,
        GraphScope::Definition(id) => names.get(id).map(String::as_str),
    };
    let text = format!("{}{decision}", location_prefix(&decision.at, &decision.scope, name));
    sanitize::line(&text).into_owned()
}

/// Where a conflict is and why it is one, as a line; `name` is that of the subgraph it is
/// in.
pub fn conflict_line(conflict: &Conflict, name: Option<&str>) -> String {
    let why = conflict.kind.reason();
    let text = format!("{}{conflict} {why}", location_prefix(&conflict.at, &conflict.scope, name));
    sanitize::line(&text).into_owned()
}

fn location_prefix(at: &JsonPath, scope: &GraphScope, name: Option<&str>) -> String {
    let graph = if at.0.is_empty() { String::new() } else { format!("{at}: ") };
    match (scope, name) {
        (GraphScope::Root, _) => graph,
        (GraphScope::Definition(_), Some(name)) => format!("{graph}in subgraph {name}: "),
        (GraphScope::Definition(id), None) => format!("{graph}in subgraph {id}: "),
    }
}

/// A merge as one line of JSON.
pub fn journal_line(about: &MergeJournalHeader, merged: &MergeResult) -> String {
    let mut line = Object::new();
    line.append("at", about.at);
    line.append("path", about.path.as_str());
    for (key, label) in [("ours", &about.ours), ("theirs", &about.theirs)] {
        if let Some(label) = label {
            line.append(key, label.as_str());
        }
    }
    let names = subgraph_names(&merged.document);
    let told = |lines: Vec<String>| lines.into_iter().map(Value::from).collect::<Vec<_>>();
    line.append(
        "decisions",
        told(merged.decisions.iter().map(|d| decision_line(d, &names)).collect()),
    );
    line.append("conflicts", told(conflict_lines(merged)));
    if !merged.audit_findings.is_empty() {
        line.append("doubts", told(doubt_lines(merged)));
    }
    print_object(&line, &JsonStyle::SAVE)
}

/// Reads the header of a line of the journal; `None` if it is no such line.
pub fn parse_journal_header(line: &str) -> Option<MergeJournalHeader> {
    let line = parse_text(line).ok()?;
    let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
    let at = line.get("at")?.as_number()?.as_u64()?;
    Some(MergeJournalHeader { path: text("path")?, ours: text("ours"), theirs: text("theirs"), at })
}

/// A line of the journal as text: every decision, every conflict.
pub fn explain_journal_line(line: &str) -> Option<String> {
    let about = parse_journal_header(line)?;
    let line = parse_text(line).ok()?;
    let list = |key: &str| -> Vec<String> {
        let list = line.get(key).and_then(Value::as_array).unwrap_or_default();
        // The journal may have been edited: its texts are sanitized again.
        list.iter().filter_map(Value::as_str).map(|t| sanitize::line(t).into_owned()).collect()
    };
    let mut text = sanitize::line(&about.path).into_owned();
    if let (Some(ours), Some(theirs)) = (&about.ours, &about.theirs) {
        text.push_str(&format!(": {} into {}", sanitize::line(theirs), sanitize::line(ours)));
    }
    text.push('\n');
    let (decisions, conflicts) = (list("decisions"), list("conflicts"));
    for (heading, lines) in [
        ("", decisions),
        ("conflicts:", conflicts),
        ("the merge was not used, because:", list("doubts")),
    ] {
        if !lines.is_empty() && !heading.is_empty() {
            text.push_str(&format!("  {heading}\n"));
        }
        let indent = if heading.is_empty() { "  " } else { "    " };
        for line in lines {
            text.push_str(&format!("{indent}{line}\n"));
        }
    }
    Some(text)
}
