//! A difference in one line, for `git comfy log` and commit messages.
//!
//! Must not print.

use super::story::{Fact, Item, Sign, Story};
use crate::platform::text::sanitize;

/// The difference in at most `columns` columns: as many changes as fit, the rest counted.
pub fn one_line(story: &Story, columns: usize) -> String {
    let mut items: Vec<(Option<&str>, &Item)> = story
        .sections
        .iter()
        .flat_map(|section| section.items.iter().map(|item| (section.subgraph.as_deref(), item)))
        .collect();
    // Added and removed nodes first: they explain the other changes.
    items.sort_by_key(|(_, item)| item.sign == Sign::Changed);
    let all: Vec<String> =
        items.into_iter().flat_map(|(subgraph, item)| phrases(subgraph, item)).collect();
    if all.is_empty() {
        let asides = story.asides.join("; ");
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
fn phrases(subgraph: Option<&str>, item: &Item) -> Vec<String> {
    let inside = subgraph.map(|name| format!("{name}/")).unwrap_or_default();
    let name = format!("{inside}{}", item.subject.name);
    let remark = item.remark.as_deref();
    match item.sign {
        Sign::Added => vec![match remark {
            Some(remark) => format!("+ {name} ({remark})"),
            None => format!("+ {name}"),
        }],
        Sign::Removed => vec![match remark {
            Some(remark) => format!("- {name} ({remark})"),
            None => format!("- {name}"),
        }],
        Sign::Changed => {
            let remark = remark.map(|remark| format!("{name} {remark}"));
            remark.into_iter().chain(item.facts.iter().map(|fact| told(&name, fact))).collect()
        }
    }
}

fn told(name: &str, fact: &Fact) -> String {
    match fact {
        Fact::Value { name: key, before, after, .. } => match (before, after) {
            (Some(before), Some(after)) => {
                format!("{name} {key} {} -> {}", short(before), short(after))
            }
            (None, Some(after)) => format!("{name} {key} {}", short(after)),
            _ => format!("{name} {key} is gone"),
        },
        Fact::Text { name: key, .. } => format!("{name} {key} edited"),
        Fact::Wire { to, from: Some(from), .. } => format!("{name} {to} <- {from}"),
        Fact::Wire { to, from: None, .. } => format!("{name} {to} unplugged"),
        Fact::Said(text) => format!("{name}: {text}"),
    }
}

fn short(value: &str) -> String {
    sanitize::excerpt(value, 32)
}
