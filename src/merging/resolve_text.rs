//! The conflicts that a workflow carries, as text and as JSON.

use comfy_graph::json::{Style, Value, print};
use comfy_graph::merge::{Choice, Said, Side, State, Unsettled};
use serde_json::json;

use super::text::conflict;
use crate::platform::text::sanitize;

/// The longest text that is shown of one side, in characters.
const LONGEST: usize = 2000;

/// An answer to a conflict that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub choice: Choice,
    /// The label of the row, sanitized.
    pub name: String,
    /// The value that it stands for, sanitized; can have several lines.
    pub says: String,
    /// The file has this value now.
    pub is_now: bool,
}

/// The answers to a conflict, in the order of their numbers.
pub fn answers(unsettled: &Unsettled) -> Vec<Answer> {
    let kept = unsettled.conflict.kept();
    let untouched = unsettled.state == State::Kept;
    let mut answers = Vec::new();
    for side in [Side::Ours, Side::Theirs, Side::Base] {
        // There is no base if both sides added it, or without a common ancestor.
        let none = unsettled.conflict.parts.first().is_none_or(|p| p.sides.get(side).is_none());
        if side == Side::Base && none {
            continue;
        }
        let label = match side {
            Side::Ours => unsettled.labels.ours.as_deref(),
            Side::Theirs => unsettled.labels.theirs.as_deref(),
            Side::Base => None,
        };
        let label = label.map(|label| format!(" ({})", sanitize::line(label))).unwrap_or_default();
        answers.push(Answer {
            choice: Choice::Side(side),
            name: format!("{}{label}", side.word()),
            says: say(unsettled.told.get(side)),
            is_now: untouched && side == kept,
        });
    }
    if !untouched {
        let says = match unsettled.state {
            State::Gone => "the node is not there any more".to_owned(),
            _ => say(&unsettled.told_now),
        };
        let name = "as edited since".to_owned();
        answers.push(Answer { choice: Choice::Accept, name, says, is_now: true });
    }
    answers
}

fn say(said: &[Said]) -> String {
    let piece = |piece: &Said| match piece {
        Said::Words(words) => (*words).to_owned(),
        Said::Value(text) if text.is_empty() => "(empty)".to_owned(),
        Said::Value(text) => {
            let mut shown: String = text.chars().take(LONGEST).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            sanitize::block(&shown).into_owned()
        }
    };
    said.iter().map(piece).collect()
}

/// The answers to a conflict, a line each.
pub fn one(unsettled: &Unsettled, numbers: Numbers) -> String {
    let answers = answers(unsettled);
    let width = answers.iter().map(|answer| answer.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (at, answer) in answers.iter().enumerate() {
        let number = match numbers {
            Numbers::Shown => format!("{}  ", at + 1),
            Numbers::Hidden => String::new(),
        };
        let now = if answer.is_now { "   <- in the file now" } else { "" };
        let lead = format!("     {number}{:width$}  ", answer.name);
        let indent = " ".repeat(lead.chars().count());
        let says = answer.says.replace('\n', &format!("\n{indent}"));
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
pub enum Numbers {
    Shown,
    Hidden,
}

/// Where a conflict is and why it is one, as a line.
pub fn heading(unsettled: &Unsettled) -> String {
    conflict(&unsettled.conflict, unsettled.inside.as_deref())
}

pub fn list(path: &str, all: &[Unsettled]) -> String {
    let s = if all.len() == 1 { "" } else { "s" };
    let mut text = format!("{}: {} conflict{s}\n", sanitize::line(path), all.len());
    for unsettled in all {
        text.push_str(&format!("  {}  {}\n", unsettled.id, heading(unsettled)));
        text.push_str(&one(unsettled, Numbers::Hidden));
    }
    text
}

pub fn in_json(files: &[(String, Vec<Unsettled>)]) -> String {
    let value = |value: Option<&Value>| match value {
        None => serde_json::Value::Null,
        Some(value) => serde_json::from_str(&print(value, &Style::SAVE)).unwrap_or_default(),
    };
    let one = |unsettled: &Unsettled| {
        let conflict = &unsettled.conflict;
        let part = conflict.parts.first();
        let side = |side: Side| value(part.and_then(|part| part.sides.get(side).as_ref()));
        let has = |side: Side| part.is_some_and(|part| part.sides.get(side).is_some());
        let state = match unsettled.state {
            State::Kept => "kept",
            State::Edited => "edited",
            State::Gone => "gone",
        };
        let mut told = json!({
            "id": unsettled.id,
            "kind": conflict.kind.word(),
            "what": conflict.to_string(),
            "subgraph": unsettled.inside,
            "node": conflict.node.as_ref().map(|node| node.id.to_string()),
            "state": state,
            "kept": conflict.kept().word(),
        });
        for at in [Side::Base, Side::Ours, Side::Theirs] {
            if has(at) {
                told[at.word()] = side(at);
            }
        }
        if let Some(now) = &unsettled.now {
            told["now"] = value(Some(now));
        }
        told
    };
    let file = |(path, all): &(String, Vec<Unsettled>)| json!({ "path": path, "conflicts": all.iter().map(one).collect::<Vec<_>>() });
    let files: Vec<_> = files.iter().map(file).collect();
    format!("{:#}\n", json!({ "schema": 1, "files": files }))
}
