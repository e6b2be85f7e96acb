//! How nodes, values, wires and modes are called in all output for people.
//!
//! Texts come out as the files have them; escaping is the renderer's.

use comfy_graph::diff::{Change, GroupRef, NodeRef, SinkRef, SourceRef, SubgraphRef};
use comfy_graph::graph::{NodeMode, WidgetOverride};
use comfy_graph::json::{self, JsonStyle, Value};

use super::diff_description::Subject;
use crate::platform::text::excerpt_pair::excerpt_pair;

/// Values longer than this are cut.
const MAX_VALUE_CHARS: usize = 120;

/// A node as the subject of a sentence: `Positive #6 (CLIPTextEncode)`.
pub(crate) fn node_subject(node: &NodeRef) -> Subject {
    let name = node.display_name().to_owned();
    let class = node.subgraph.as_deref().unwrap_or(&node.class);
    let kind = match &node.subgraph {
        Some(subgraph) if *subgraph == name => Some("subgraph".to_owned()),
        _ if class == name => None,
        _ => Some(class.to_owned()),
    };
    Subject { name, id: Some(format!("#{}", node.key.id)), kind }
}

/// `KSampler #3`
pub(crate) fn describe_node(node: &NodeRef) -> String {
    format!("{} #{}", node.display_name(), node.key.id)
}

/// A group as the subject of a sentence.
pub(crate) fn group_subject(group: &GroupRef) -> Subject {
    Subject { name: name_or(&group.title, "untitled"), id: None, kind: Some("group".to_owned()) }
}

/// A subgraph definition as the subject of a sentence.
pub(crate) fn subgraph_subject(subgraph: &SubgraphRef) -> Subject {
    let name = name_or(&subgraph.name, "unnamed");
    Subject { name, id: None, kind: Some("subgraph".to_owned()) }
}

fn name_or(name: &str, otherwise: &str) -> String {
    if name.trim().is_empty() { otherwise.to_owned() } else { name.to_owned() }
}

/// `CheckpointLoaderSimple #4 MODEL`
pub(crate) fn describe_source(source: &SourceRef) -> String {
    match source {
        SourceRef::Output { node, slot, name } if name.is_empty() => {
            format!("{} output {}", describe_node(node), slot + 1)
        }
        SourceRef::Output { node, name, .. } => {
            format!("{} {}", describe_node(node), output_name(name))
        }
        SourceRef::Boundary { name, .. } => format!("the subgraph's input {name}"),
    }
}

/// The name of an output without what a run wrote into it: `width` of `720 width`.
pub(crate) fn output_name(name: &str) -> &str {
    match name.split_once(' ') {
        Some((number, rest)) if !rest.is_empty() && number.parse::<f64>().is_ok() => rest,
        _ => name,
    }
}

/// `KSampler #3 model`
pub(crate) fn describe_sink(sink: &SinkRef) -> String {
    match sink {
        SinkRef::Input { node, name } => format!("{} {name}", describe_node(node)),
        SinkRef::Boundary { name, .. } => format!("the subgraph's output {name}"),
    }
}

/// Why the value of a widget does nothing.
pub(crate) fn describe_override(by: WidgetOverride) -> &'static str {
    match by {
        WidgetOverride::Instance => "without effect: the instance sets its own",
        WidgetOverride::Wire => "without effect: a wire brings the value",
    }
}

pub(crate) fn describe_mode(mode: NodeMode) -> &'static str {
    match mode {
        NodeMode::Always => "active",
        NodeMode::Mute => "muted",
        NodeMode::Bypass => "bypassed",
        NodeMode::OnEvent => "on event",
        NodeMode::OnTrigger => "on trigger",
        NodeMode::Other(_) => "in an unknown mode",
    }
}

/// A value, cut to one line. Texts stand without quotes, unless they would be taken for
/// something else (a number, `true`).
pub(crate) fn format_value(value: &Value) -> String {
    let text = format_full_value(value);
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// What a value was and is, each cut to one line so that the difference shows.
pub(crate) fn format_change(change: &Change<Option<Value>>) -> Change<Option<String>> {
    let text = |value: &Option<Value>| value.as_ref().map(format_full_value);
    match (text(&change.before), text(&change.after)) {
        (Some(before), Some(after)) => {
            let [before, after] = excerpt_pair(&before, &after, MAX_VALUE_CHARS);
            Change::new(Some(before), Some(after))
        }
        _ => Change::new(
            change.before.as_ref().map(format_value),
            change.after.as_ref().map(format_value),
        ),
    }
}

/// The same without a cut.
pub(crate) fn format_full_value(value: &Value) -> String {
    match value {
        Value::String(text) if needs_no_quotes(text) => text.to_string(),
        Value::Null => "nothing".to_owned(),
        other => json::print(other, &JsonStyle { space_after_comma: true, ..JsonStyle::SAVE }),
    }
}

fn needs_no_quotes(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "nothing")
        && !text.contains(['\n', '\r', '\t', '"'])
}
