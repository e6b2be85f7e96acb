//! The conflicts that a workflow carries, as text and as JSON.

use comfy_graph::merge::{
    ConflictChoice, ConflictState, DescriptionPiece, MergeSide, UnsettledConflict,
};
use serde_json::json;

use super::describe::conflict_line;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;

/// The longest text that is shown of one side, in characters.
const MAX_SHOWN_CHARS: usize = 2000;

/// An answer to a conflict that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflictAnswer {
    pub(crate) choice: ConflictChoice,
    /// The label of the row, sanitized.
    pub(crate) name: String,
    /// The value that it stands for, sanitized; can have several lines.
    pub(crate) text: String,
    /// The file has this value now.
    pub(crate) is_current: bool,
}

/// The answers to a conflict, in the order of their numbers.
pub(crate) fn list_answers(unsettled: &UnsettledConflict) -> Vec<ConflictAnswer> {
    let kept = unsettled.conflict.kept_side();
    let untouched = unsettled.state == ConflictState::Kept;
    let mut answers = Vec::new();
    for side in [MergeSide::Ours, MergeSide::Theirs, MergeSide::Base] {
        // There is no base if both sides added it, or without a common ancestor.
        let none = unsettled.conflict.parts.first().is_none_or(|p| p.sides.get(side).is_none());
        if side == MergeSide::Base && none {
            continue;
        }
        let label = match side {
            MergeSide::Ours => unsettled.labels.ours.as_deref(),
            MergeSide::Theirs => unsettled.labels.theirs.as_deref(),
            MergeSide::Base => None,
        };
        let label = label.map(|label| format!(" ({})", sanitize::line(label))).unwrap_or_default();
        answers.push(ConflictAnswer {
            choice: ConflictChoice::Side(side),
            name: format!("{}{label}", side.as_str()),
            text: format_said(unsettled.side_descriptions.get(side)),
            is_current: untouched && side == kept,
        });
    }
    if let Some([ours, theirs]) = &unsettled.inserted {
        let chains = [(MergeSide::Ours, ours, theirs), (MergeSide::Theirs, theirs, ours)];
        for (side, first, second) in chains {
            answers.push(ConflictAnswer {
                choice: ConflictChoice::InSequence(side),
                name: format!("both, {} first", side.as_str()),
                text: format!("{}, then {}", sanitize::line(first), sanitize::line(second)),
                is_current: false,
            });
        }
    }
    if !untouched {
        let says = match unsettled.state {
            ConflictState::Gone => "the node is not there any more".to_owned(),
            _ => format_said(&unsettled.current_description),
        };
        let name = "as edited since".to_owned();
        answers.push(ConflictAnswer {
            choice: ConflictChoice::Accept,
            name,
            text: says,
            is_current: true,
        });
    }
    answers
}

fn format_said(said: &[DescriptionPiece]) -> String {
    let piece = |piece: &DescriptionPiece| match piece {
        DescriptionPiece::Words(words) => (*words).to_owned(),
        DescriptionPiece::Quoted(text) if text.is_empty() => "(empty)".to_owned(),
        DescriptionPiece::Quoted(text) => {
            let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            sanitize::block(&shown).into_owned()
        }
    };
    said.iter().map(piece).collect()
}

/// The answers to a conflict, a line each.
pub(crate) fn describe_answers(unsettled: &UnsettledConflict, numbers: AnswerNumbers) -> String {
    let answers = list_answers(unsettled);
    let width = answers.iter().map(|answer| answer.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (at, answer) in answers.iter().enumerate() {
        let number = match numbers {
            AnswerNumbers::Shown => format!("{}  ", at + 1),
            AnswerNumbers::Hidden => String::new(),
        };
        let now = if answer.is_current { "   <- in the file now" } else { "" };
        let lead = format!("     {number}{:width$}  ", answer.name);
        let indent = " ".repeat(lead.chars().count());
        let says = answer.text.replace('\n', &format!("\n{indent}"));
        text.push_str(&format!("{lead}{says}{now}\n"));
    }
    let more = unsettled.conflict.parts.len().saturating_sub(1);
    if more > 0 {
        text.push_str(&format!("     and {more} more that hang together with it\n"));
    }
    text
}

/// Whether the answers are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerNumbers {
    Shown,
    Hidden,
}

/// Where a conflict is and why it is one, as a line.
pub(crate) fn conflict_heading(unsettled: &UnsettledConflict) -> String {
    conflict_line(&unsettled.conflict, unsettled.subgraph_name.as_deref())
}

pub(crate) fn describe_conflicts(path: &str, all: &[UnsettledConflict]) -> String {
    let count = counted(all.len(), "conflict", "conflicts");
    let mut text = format!("{}: {count}\n", sanitize::line(path));
    for unsettled in all {
        text.push_str(&format!("  {}  {}\n", unsettled.id, conflict_heading(unsettled)));
        text.push_str(&describe_answers(unsettled, AnswerNumbers::Hidden));
    }
    text
}

pub(crate) fn conflicts_to_json(files: &[(String, Vec<UnsettledConflict>)]) -> String {
    let mut rows = Vec::new();
    for (path, conflicts) in files {
        let conflicts: Vec<_> = conflicts.iter().map(conflict_to_json).collect();
        rows.push(json!({ "path": path, "conflicts": conflicts }));
    }
    format!("{:#}\n", json!({ "schema": 1, "files": rows }))
}

fn conflict_to_json(unsettled: &UnsettledConflict) -> serde_json::Value {
    let conflict = &unsettled.conflict;
    let state = match unsettled.state {
        ConflictState::Kept => "kept",
        ConflictState::Edited => "edited",
        ConflictState::Gone => "gone",
    };
    let mut row = json!({
        "id": unsettled.id,
        "kind": conflict.kind.as_str(),
        "what": conflict.to_string(),
        "subgraph": unsettled.subgraph_name,
        "node": conflict.node.as_ref().map(|node| node.id.to_string()),
        "state": state,
        "kept": conflict.kept_side().as_str(),
    });
    for side in [MergeSide::Base, MergeSide::Ours, MergeSide::Theirs] {
        let part = conflict.parts.first();
        if let Some(value) = part.and_then(|part| part.sides.get(side).as_ref()) {
            row[side.as_str()] = json!(value);
        }
    }
    if let Some(inserted) = &unsettled.inserted {
        row["inserted"] = json!(inserted);
    }
    if let Some(now) = &unsettled.current {
        row["now"] = json!(now);
    }
    row
}
