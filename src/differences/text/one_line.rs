//! A difference in one line, for `git comfy log` and commit messages.
//!
//! Must not print.

use super::diff_description::{ChangeDetail, ChangeSign, DiffDescription, ItemChange};
use crate::platform::text::excerpt_pair::excerpt_pair;
use crate::platform::text::sanitize;

/// What a value may take of the line.
const VALUE_COLUMNS: usize = 32;

/// The difference in at most `columns` columns: as many changes as fit, the rest counted.
pub(crate) fn one_line_summary(description: &DiffDescription, columns: usize) -> String {
    let mut items: Vec<(Option<&str>, &ItemChange)> = description
        .sections
        .iter()
        .flat_map(|section| {
            let name = section.subgraph.as_deref().or(section.member.as_deref());
            section.items.iter().map(move |item| (name, item))
        })
        .collect();
    // Added and removed nodes first: they explain the other changes.
    items.sort_by_key(|(_, item)| item.sign == ChangeSign::Changed);
    let all: Vec<String> =
        items.into_iter().flat_map(|(subgraph, item)| item_phrases(subgraph, item)).collect();
    if all.is_empty() {
        let asides = description.asides.join("; ");
        return sanitize::excerpt(&asides, columns);
    }
    let mut line = String::new();
    for (at, phrase) in all.iter().enumerate() {
        let left = all.len() - at;
        let more = format!("; {left} more");
        let joint = if at == 0 { "" } else { "; " };
        let needed = line.chars().count() + joint.len() + phrase.chars().count();
        let room = columns.saturating_sub(if left > 1 { more.len() } else { 0 });
        if at > 0 && needed > room {
            line.push_str(&more);
            break;
        }
        line.push_str(joint);
        line.push_str(phrase);
    }
    sanitize::excerpt(&line, columns)
}

/// A phrase for each change of an item.
fn item_phrases(subgraph: Option<&str>, item: &ItemChange) -> Vec<String> {
    let inside = subgraph.map(|name| format!("{name}/")).unwrap_or_default();
    let name = format!("{inside}{}", item.subject.name);
    let remark = item.remark.as_deref();
    match item.sign {
        ChangeSign::Added => vec![match remark {
            Some(remark) => format!("+ {name} ({remark})"),
            None => format!("+ {name}"),
        }],
        ChangeSign::Removed => vec![match remark {
            Some(remark) => format!("- {name} ({remark})"),
            None => format!("- {name}"),
        }],
        ChangeSign::Changed => {
            let remark = remark.map(|remark| format!("{name} {remark}"));
            remark
                .into_iter()
                .chain(item.details.iter().filter_map(|detail| detail_phrase(&name, detail)))
                .collect()
        }
    }
}

fn detail_phrase(name: &str, detail: &ChangeDetail) -> Option<String> {
    Some(match detail {
        ChangeDetail::Value { name: key, before, after, .. } => match (before, after) {
            (Some(before), Some(after)) => {
                let [before, after] = excerpt_pair(before, after, VALUE_COLUMNS);
                format!("{name} {key} {} -> {}", excerpt_value(&before), excerpt_value(&after))
            }
            (None, Some(after)) => format!("{name} {key} {}", excerpt_value(after)),
            _ => format!("{name} {key} is gone"),
        },
        ChangeDetail::Text { name: key, .. } => format!("{name} {key} edited"),
        ChangeDetail::Wire { to, from: Some(from), .. } => format!("{name} {to} <- {from}"),
        ChangeDetail::Wire { to, from: None, .. } => format!("{name} {to} unplugged"),
        ChangeDetail::Note(text) => format!("{name}: {text}"),
        ChangeDetail::Muted(_) => return None,
    })
}

fn excerpt_value(value: &str) -> String {
    sanitize::excerpt(value, VALUE_COLUMNS)
}
