//! The card that shows a contested node's conflicts on the canvas: a `MarkdownNote`, which
//! every ComfyUI has and no prompt contains.
//!
//! Its text follows from the conflicts alone, so that it can be told whether a person has
//! written something of their own into it. Values are a stranger's text: they are shown as
//! code, and cut. Must not know where the conflicts are kept.

use super::conflict::MergePlace;
use super::conflict_embedding::{CONFLICTS_KEY, SideLabels};
use super::conflict_json::EmbeddedConflict;
use super::inserted_nodes;
use super::side_description::{DescriptionPiece, SideDescriber};
use super::three_way::MergeSide;
use crate::graph::{Node, NodeId, Workflow};
use crate::json::{Object, Value};

/// The longest value that is shown, in characters. All of it is in the file beside.
const MAX_VALUE_CHARS: usize = 600;

/// What becomes of a card when some of its conflicts are settled.
pub(super) enum CardUpdate {
    /// No conflict is left: the card goes.
    Gone,
    /// The card with the conflicts that are left.
    Card(Node),
    /// A person wrote into it: it is their note now.
    Note(Node),
}

/// A card for some conflicts of one node.
pub(super) fn card_node(
    id: &NodeId,
    own: &[&EmbeddedConflict],
    labels: &SideLabels,
    workflow: &Workflow,
) -> Value {
    let about = own.first().and_then(|carried| carried.conflict.node.as_ref());
    let title = match about {
        Some(node) => format!("Merge conflict: {node}"),
        None => "Merge conflict".to_owned(),
    };
    card_value(id, &title, &card_text(own, labels, workflow), own)
}

/// A card in the root graph that points into a subgraph.
pub(super) fn pointer_card_node(id: &NodeId, name: &str, own: &[&EmbeddedConflict]) -> Value {
    let title = format!("Merge conflict inside {name}");
    card_value(id, &title, &pointer_text(own), own)
}

fn pointer_text(own: &[&EmbeddedConflict]) -> String {
    let lines = own.iter().map(|carried| format!("- {}", code_span(&carried.conflict.to_string())));
    let lines: Vec<String> = lines.collect();
    format!("Inside this subgraph:\n\n{}\n", lines.join("\n"))
}

fn card_value(id: &NodeId, title: &str, text: &str, own: &[&EmbeddedConflict]) -> Value {
    let mut mark = Object::new();
    if let Some(node) = own.first().and_then(|carried| carried.conflict.node.as_ref()) {
        mark.append("node", node.id.to_value());
    }
    mark.append("conflicts", own.iter().map(|carried| carried.id).collect::<Vec<i64>>());
    let mut properties = Object::new();
    properties.append(CONFLICTS_KEY, mark);
    let mut node = Object::new();
    node.append("id", id.to_value());
    node.append("type", "MarkdownNote");
    node.append("mode", 0_i64);
    node.append("inputs", Value::Array(Vec::new()));
    node.append("outputs", Value::Array(Vec::new()));
    node.append("title", title);
    node.append("properties", properties);
    node.append("widgets_values", vec![Value::from(text)]);
    // LiteGraph's yellow.
    node.append("color", "#432");
    node.append("bgcolor", "#653");
    Value::Object(node)
}

/// The numbers of the conflicts that a node is a card of; nothing if it is none.
pub(super) fn card_conflicts(node: &Node) -> Option<Vec<i64>> {
    let list = node.property(CONFLICTS_KEY)?.get("conflicts")?.as_array()?;
    Some(list.iter().filter_map(Value::as_i64).collect())
}

/// A card after some of its conflicts were settled.
pub(super) fn update_card(
    card: &Node,
    before: &[&EmbeddedConflict],
    after: &[&EmbeddedConflict],
    labels: &SideLabels,
    workflow: &Workflow,
) -> CardUpdate {
    let says = match card.widget_values() {
        crate::graph::WidgetValues::Array([Value::String(says), ..]) => says.trim().to_owned(),
        _ => String::new(),
    };
    let own_words = [card_text(before, labels, workflow), pointer_text(before)];
    // A card of an earlier text that names conflicts no longer known is ours as well.
    let written =
        !says.is_empty() && !before.is_empty() && own_words.iter().all(|text| text.trim() != says);
    let mut node = card.clone();
    if written {
        node.set_property(CONFLICTS_KEY, None);
        return CardUpdate::Note(node);
    }
    if after.is_empty() {
        return CardUpdate::Gone;
    }
    let pointing = own_words[1].trim() == says;
    let text = if pointing { pointer_text(after) } else { card_text(after, labels, workflow) };
    if let Some(named) =
        node.raw_mut().get_mut("widgets_values_named").and_then(Value::as_object_mut)
    {
        named.insert("text", text.as_str());
    }
    node.raw_mut().insert("widgets_values", vec![Value::from(text)]);
    CardUpdate::Card(node)
}

/// What a card says of some conflicts.
fn card_text(own: &[&EmbeddedConflict], labels: &SideLabels, workflow: &Workflow) -> String {
    let mut text = String::new();
    for carried in own {
        let conflict = &carried.conflict;
        let heading = conflict.place().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("**{}** {}\n\n", code_span(&heading), conflict.kind.reason()));
        let shown = SideDescriber { scope: &conflict.scope, workflow: Some(workflow) };
        let mut parts = conflict.parts.iter().filter(|part| part.place != MergePlace::Document);
        if let Some(part) = parts.next() {
            for side in [MergeSide::Ours, MergeSide::Theirs, MergeSide::Base] {
                let label = match side {
                    MergeSide::Ours => labels.ours.as_deref(),
                    MergeSide::Theirs => labels.theirs.as_deref(),
                    MergeSide::Base => None,
                };
                let label =
                    label.map(|label| format!(" ({})", code_span(label))).unwrap_or_default();
                let now = if side == conflict.kept_side() { ", in the file now" } else { "" };
                let value = in_markdown(&shown.describe_side(part, side));
                text.push_str(&format!("- {}{label}{now}: {value}\n", side.as_str()));
            }
        }
        if let Some(found) = inserted_nodes::find_inserted_nodes(workflow, conflict) {
            let [ours, theirs] =
                [found.ours, found.theirs].map(|node| code_span(&node.display_name));
            text.push_str(&format!(
                "- or both: {ours}, then {theirs} (`--both ours-first`); {theirs}, then {ours} \
                 (`--both theirs-first`)\n"
            ));
        }
        let more = parts.count();
        if more > 0 {
            text.push_str(&format!("- and {more} more that hang together with it\n"));
        }
        text.push('\n');
    }
    text.push_str(
        "Settle it with `git comfy resolve`, or change the workflow here, save, and say \
         `git comfy resolve --accept`.\n",
    );
    text
}

fn in_markdown(said: &[DescriptionPiece]) -> String {
    let piece = |said: &DescriptionPiece| match said {
        DescriptionPiece::Words(words) => (*words).to_owned(),
        DescriptionPiece::Quoted(text) => code_span(text),
    };
    said.iter().map(piece).collect()
}

/// A text as code: in a fence of more backticks than it holds, cut, on lines of its own
/// where it has several.
fn code_span(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_VALUE_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let several = shown.contains('\n');
    let fence = "`".repeat((longest + 1).max(if several { 3 } else { 1 }));
    match (several, shown.starts_with('`') || shown.ends_with('`')) {
        (true, _) => format!("\n{fence}\n{shown}\n{fence}"),
        (false, true) => format!("{fence} {shown} {fence}"),
        (false, false) if shown.is_empty() => "empty".to_owned(),
        (false, false) => format!("{fence}{shown}{fence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::code_span;

    #[test]
    fn a_strangers_text_cannot_leave_its_fence() {
        assert_eq!(code_span("a"), "`a`");
        assert_eq!(code_span("a`b"), "``a`b``");
        assert_eq!(code_span("`"), "`` ` ``");
        assert_eq!(code_span("a\n```\n<script>"), "\n````\na\n```\n<script>\n````");
        assert_eq!(code_span(""), "empty");
        assert!(code_span(&"x".repeat(9999)).chars().count() < 700);
    }
}
