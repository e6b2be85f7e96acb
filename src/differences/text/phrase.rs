//! How nodes, values, wires and modes are called in all output for people.
//!
//! Texts come out as the files have them; escaping is the renderer's.

use comfy_graph::diff::{GroupRef, NodeRef, SinkRef, SourceRef, SubgraphRef};
use comfy_graph::graph::Mode;
use comfy_graph::json::{self, Style, Value};

use super::story::Subject;

/// Values longer than this are cut.
const MOST_CHARS: usize = 120;

/// A node as the subject of a sentence: `Positive #6 (CLIPTextEncode)`.
pub(crate) fn node(node: &NodeRef) -> Subject {
    let name = node.shown().to_owned();
    let class = node.subgraph.as_deref().unwrap_or(&node.class);
    let kind = match &node.subgraph {
        Some(subgraph) if *subgraph == name => Some("subgraph".to_owned()),
        _ if class == name => None,
        _ => Some(class.to_owned()),
    };
    Subject { name, id: Some(format!("#{}", node.key.id)), kind }
}

/// `KSampler #3`
pub(crate) fn node_in_passing(node: &NodeRef) -> String {
    format!("{} #{}", node.shown(), node.key.id)
}

/// A group as the subject of a sentence.
pub(crate) fn group(group: &GroupRef) -> Subject {
    Subject { name: named(&group.title, "untitled"), id: None, kind: Some("group".to_owned()) }
}

/// A subgraph definition as the subject of a sentence.
pub(crate) fn subgraph(subgraph: &SubgraphRef) -> Subject {
    let name = named(&subgraph.name, "unnamed");
    Subject { name, id: None, kind: Some("subgraph".to_owned()) }
}

fn named(name: &str, otherwise: &str) -> String {
    if name.trim().is_empty() { otherwise.to_owned() } else { name.to_owned() }
}

/// `CheckpointLoaderSimple #4 MODEL`
pub(crate) fn source(source: &SourceRef) -> String {
    match source {
        SourceRef::Output { node, slot, name } if name.is_empty() => {
            format!("{} output {}", node_in_passing(node), slot + 1)
        }
        SourceRef::Output { node, name, .. } => format!("{} {name}", node_in_passing(node)),
        SourceRef::Boundary { name, .. } => format!("the subgraph's input {name}"),
    }
}

/// `KSampler #3 model`
pub(crate) fn sink(sink: &SinkRef) -> String {
    match sink {
        SinkRef::Input { node, name } => format!("{} {name}", node_in_passing(node)),
        SinkRef::Boundary { name, .. } => format!("the subgraph's output {name}"),
    }
}

pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Always => "active",
        Mode::Mute => "muted",
        Mode::Bypass => "bypassed",
        Mode::OnEvent => "on event",
        Mode::OnTrigger => "on trigger",
        Mode::Other(_) => "in an unknown mode",
    }
}

/// A value, cut to one line. Texts stand without quotes, unless they would be taken for
/// something else (a number, `true`).
pub(crate) fn value(value: &Value) -> String {
    let text = whole_value(value);
    match text.char_indices().nth(MOST_CHARS) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// The same without a cut.
pub(crate) fn whole_value(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.to_string(),
        Value::Null => "nothing".to_owned(),
        other => json::print(other, &Style { space_after_comma: true, ..Style::SAVE }),
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "nothing")
        && !text.contains(['\n', '\r', '\t', '"'])
}
