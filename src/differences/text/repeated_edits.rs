//! Edits that say the same of many nodes, as programs make them when they write a file anew:
//! each is one line.
//!
//! Must not know how a line is shown.

use comfy_graph::diff::{Change, Edit, EditScript};
use comfy_graph::json::Value;
use indexmap::IndexMap;

use super::phrase;
use crate::platform::text::plural::counted;

/// From how many nodes on the same edit is one line.
const MANY: usize = 3;

/// Properties that say which pack a node is from: no person writes them.
const PACK_IDS: [&str; 2] = ["cnr_id", "aux_id"];

/// The edits of a script that are one line for many nodes.
#[derive(Debug, Default)]
pub(super) struct RepeatedEdits {
    /// How many nodes each is about, by the line without the count.
    counts: IndexMap<String, usize>,
}

impl RepeatedEdits {
    pub(super) fn count(script: &EditScript) -> RepeatedEdits {
        let mut found = RepeatedEdits::default();
        for (_, edit) in script.content_edits() {
            if let Some(line) = repeatable_line(edit) {
                *found.counts.entry(line).or_default() += 1;
            }
        }
        found.counts.retain(|line, count| *count >= MANY || is_pack_id(line));
        found
    }

    /// Whether a line tells of this edit.
    pub(super) fn covers(&self, edit: &Edit) -> bool {
        repeatable_line(edit).is_some_and(|line| self.counts.contains_key(&line))
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let line = |(line, count): (&String, &usize)| {
            format!("{line}: {}", counted(*count, "node", "nodes"))
        };
        self.counts.iter().map(line).collect()
    }
}

fn is_pack_id(line: &str) -> bool {
    PACK_IDS.iter().any(|key| line.split(' ').next() == Some(key))
}

/// The edit without its node; nothing for what is about one node.
fn repeatable_line(edit: &Edit) -> Option<String> {
    match edit {
        Edit::Property { key, change, .. } => Some(match PACK_IDS.contains(&key.as_str()) {
            true => describe_member(key, change),
            false => describe_member(&format!("properties.{key}"), change),
        }),
        Edit::PromptMeta { change, .. } => match (&change.before, &change.after) {
            (None, Some(_)) => Some("_meta (title) is there now".to_owned()),
            (Some(_), None) => Some("_meta (title) is gone".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn describe_member(key: &str, change: &Change<Option<Value>>) -> String {
    let Change { before, after } = phrase::format_change(change);
    match (before, after) {
        (Some(before), Some(after)) => format!("{key} {before} -> {after}"),
        (None, Some(after)) => format!("{key} {after}"),
        (Some(before), None) => format!("{key} {before} is gone"),
        (None, None) => key.to_owned(),
    }
}
