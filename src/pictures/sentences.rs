//! A difference in the sentences of the terminal, as HTML: each leads to its node on the
//! canvas. Pure.

use comfy_graph::diff::WordDiffPart;
use comfy_graph::graph::{GraphScope, NodeKey};
use maud::{Markup, html};

use crate::differences::text::diff_description::{
    ChangeDetail, ChangeSign, DiffDescription, ItemChange, ItemKey,
};
use crate::platform::text::sanitize;

/// The sections of a description.
pub fn description_markup(description: &DiffDescription) -> Markup {
    html! {
        @for section in &description.sections {
            @if let Some(heading) = section.heading() {
                h3 { "in " bdi { (sanitize::line(&heading)) } }
            }
            ol class="changes" {
                @for item in &section.items { (item_markup(item)) }
            }
        }
        @for aside in &description.asides {
            p class="aside" { "~ " bdi { (sanitize::line(aside)) } }
        }
        @if description.sections.is_empty() && description.asides.is_empty() {
            p class="aside" { "The same workflow." }
        }
    }
}

/// Where on the canvas an item is.
struct ItemTarget {
    scope: String,
    node: Option<String>,
    group: Option<String>,
    side: &'static str,
}

impl ItemTarget {
    fn of(key: &ItemKey) -> Option<ItemTarget> {
        let scope = |scope: &GraphScope| match scope {
            GraphScope::Root => String::new(),
            GraphScope::Definition(id) => id.as_str().to_owned(),
        };
        let bare = |scope| ItemTarget { scope, node: None, group: None, side: "after" };
        match key {
            ItemKey::Node(NodeKey { scope: graph, id }) => {
                Some(ItemTarget { node: Some(id.to_string()), ..bare(scope(graph)) })
            }
            ItemKey::Group(graph, at) => {
                Some(ItemTarget { group: Some(at.to_string()), ..bare(scope(graph)) })
            }
            ItemKey::Removed(inner) => {
                ItemTarget::of(inner).map(|target| ItemTarget { side: "before", ..target })
            }
            ItemKey::Subgraph(id) => Some(bare(id.as_str().to_owned())),
            ItemKey::Other(_) => None,
        }
    }
}

fn item_markup(item: &ItemChange) -> Markup {
    let (sign, class, word) = match item.sign {
        ChangeSign::Added => ("+", "added", "added"),
        ChangeSign::Removed => ("\u{2212}", "removed", "removed"),
        ChangeSign::Changed if is_rewired(item) => ("\u{21c4}", "rewired", "rewired"),
        ChangeSign::Changed => ("~", "changed", "changed"),
    };
    let subject = html! {
        span class={ "sign " (class) } aria-hidden="true" { (sign) }
        span class="visually-hidden" { (word) ": " }
        bdi class="name" { (sanitize::line(&item.subject.name)) }
        @if let Some(id) = &item.subject.id { span class="id" { " " (sanitize::line(id)) } }
        @if let Some(kind) = &item.subject.kind {
            span class="kind" { " (" bdi { (sanitize::line(kind)) } ")" }
        }
        @if let Some(remark) = &item.remark {
            span class="remark" { "  " bdi { (sanitize::line(remark)) } }
        }
    };
    html! {
        li class="change" {
            @match ItemTarget::of(&item.key) {
                Some(target) => {
                    button type="button" class="go" data-scope=(target.scope)
                        data-node=[target.node] data-group=[target.group] data-side=(target.side)
                        { (subject) }
                }
                None => { div class="go" { (subject) } }
            }
            @if !item.details.is_empty() {
                dl { @for detail in &item.details { (detail_markup(detail)) } }
            }
        }
    }
}

/// Whether only wires changed.
fn is_rewired(item: &ItemChange) -> bool {
    let is_wire = |detail: &ChangeDetail| matches!(detail, ChangeDetail::Wire { .. });
    item.remark.is_none() && !item.details.is_empty() && item.details.iter().all(is_wire)
}

fn detail_markup(detail: &ChangeDetail) -> Markup {
    match detail {
        ChangeDetail::Value { name, before, after, remark } => html! {
            dt dir="auto" { (sanitize::line(name)) }
            dd {
                @if let Some(before) = before {
                    bdi class="gone" { (sanitize::line(before)) }
                    @if after.is_some() { " -> " } @else { " is gone" }
                }
                @if let Some(after) = after { bdi class="new" { (sanitize::line(after)) } }
                @if let Some(remark) = remark { span class="remark" { "  (" (remark) ")" } }
            }
        },
        ChangeDetail::Text { name, words } => html! {
            dt dir="auto" { (sanitize::line(name)) }
            dd dir="auto" { @for word in words { (word_markup(word)) } }
        },
        ChangeDetail::Wire { to, from, was } => html! {
            dt dir="auto" { (sanitize::line(to)) }
            dd {
                @match from {
                    Some(from) => { span class="new" { "<- " bdi { (sanitize::line(from)) } } }
                    None => { span class="gone" { "unplugged" } }
                }
                @if let Some(was) = was {
                    span class="remark" { "  (was " bdi { (sanitize::line(was)) } ")" }
                }
            }
        },
        ChangeDetail::Note(text) => html! {
            dt {}
            dd dir="auto" { (sanitize::line(text)) }
        },
        ChangeDetail::Muted(text) => html! {
            dt {}
            dd dir="auto" class="remark" { (sanitize::line(text)) }
        },
    }
}

fn word_markup(word: &WordDiffPart) -> Markup {
    match word {
        WordDiffPart::Same(text) => html! { (sanitize::block(text)) },
        WordDiffPart::Removed(text) => html! { del { (sanitize::block(text)) } },
        WordDiffPart::Added(text) => html! { ins { (sanitize::block(text)) } },
        WordDiffPart::Gap => html! { span class="remark" { " … " } },
    }
}
