//! Files that held a workflow and hold none any more: emptied, cut off, or overwritten with
//! something else. Nobody means to commit one, so it is told in one loud line.
//!
//! Must not know where the line is shown.

use std::path::Path;

use comfy_graph::graph::{DocumentKind, document_kind};
use comfy_graph::json::{self, Value};

use super::changed_files::{self, FileChangeKind, FileVersion};
use super::content::{self, FileContent};
use super::operands;
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;

/// The sentence about a file whose workflow is gone or came back; nothing where both sides
/// or neither hold one. A side that does not exist is no broken one.
pub(crate) fn describe_lost_graph(
    before: Option<&FileContent>,
    after: Option<&FileContent>,
) -> Option<String> {
    match (before?, after?) {
        (FileContent::Graph(graph), FileContent::Other(bytes)) => {
            let nodes = counted(count_nodes(graph), "node was", "nodes were");
            Some(format!("{}; {nodes} there", describe_broken(bytes, "now")))
        }
        (FileContent::Other(bytes), FileContent::Graph(graph)) => {
            let nodes = counted(count_nodes(graph), "node is", "nodes are");
            Some(format!("{}; {nodes} there now", describe_broken(bytes, "before")))
        }
        _ => None,
    }
}

fn describe_broken(bytes: &[u8], when: &str) -> String {
    let is = if when == "now" { "is" } else { "was" };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return format!("the file {is} empty {when}");
    }
    match json::parse(bytes) {
        Ok(_) => format!("the file {is} no workflow {when}"),
        Err(error) => {
            let why = error.to_string();
            format!("the file {is} broken {when} ({})", sanitize::line(&why))
        }
    }
}

/// A file whose workflow is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostGraph {
    pub(crate) path: RepoPath,
    /// The sentence about it.
    pub(crate) sentence: String,
}

/// Files that lost their workflow, by the arguments of `git diff`. What cannot be read is
/// left out: nobody waits for this to fail.
pub(crate) fn find_lost_graphs(
    repository: &Repository,
    cwd: &Path,
    arguments: &[&str],
) -> Vec<LostGraph> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let changes = changed_files::list_changes(cwd, &arguments).unwrap_or_default();
    let modified = changes.into_iter().filter(|change| {
        change.kind == FileChangeKind::Modified
            && change.path().as_bytes().to_ascii_lowercase().ends_with(b".json")
    });
    let read = |version: &Option<FileVersion>| {
        let bytes = operands::read_version(repository, version.as_ref()?).ok()?;
        Some(content::parse_content(bytes))
    };
    modified
        .filter_map(|change| {
            let after = read(&change.after)?;
            if !matches!(after, FileContent::Other(_)) {
                return None;
            }
            let sentence = describe_lost_graph(read(&change.before).as_ref(), Some(&after))?;
            Some(LostGraph { path: change.path().clone(), sentence })
        })
        .collect()
}

/// All nodes of the graphs in a document, those of subgraphs included.
fn count_nodes(document: &Value) -> usize {
    fn in_graph(graph: &Value) -> usize {
        let nodes = graph.get("nodes").and_then(Value::as_array).unwrap_or_default().len();
        let definitions = graph.get("definitions").and_then(|all| all.get("subgraphs"));
        let definitions = definitions.and_then(Value::as_array).unwrap_or_default();
        nodes + definitions.iter().map(in_graph).sum::<usize>()
    }
    let of = |graph: &Value| match graph.get("nodes") {
        Some(_) => in_graph(graph),
        None => graph.as_object().map_or(0, |prompt| {
            prompt.values().filter(|node| node.get("class_type").is_some()).count()
        }),
    };
    match document_kind(document) {
        DocumentKind::Graph(_) => of(document),
        DocumentKind::Wrapped(found) => {
            found.iter().filter_map(|graph| graph.at.get(document)).map(of).sum()
        }
        DocumentKind::Templates | DocumentKind::Other => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differences::content::parse_content;

    #[test]
    fn a_workflow_that_is_gone_is_told_with_what_it_held() {
        let graph =
            br#"{"nodes":[{"id":1,"type":"A"},{"id":2,"type":"B"}],"links":[],"version":0.4}"#;
        let told = |before: &[u8], after: &[u8]| {
            let [before, after] = [before, after].map(|bytes| parse_content(bytes.to_vec()));
            describe_lost_graph(Some(&before), Some(&after))
        };
        assert_eq!(told(graph, b"").unwrap(), "the file is empty now; 2 nodes were there");
        assert!(told(graph, &graph[..30]).unwrap().starts_with("the file is broken now ("));
        assert_eq!(told(graph, b"[]").unwrap(), "the file is no workflow now; 2 nodes were there");
        assert_eq!(told(b"", graph).unwrap(), "the file was empty before; 2 nodes are there now");
        assert_eq!(told(graph, graph), None);
        assert_eq!(told(b"", b"x"), None);
    }
}
