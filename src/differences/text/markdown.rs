//! A difference as a review comment: Markdown as GitHub and GitLab show it.
//!
//! Text from files is escaped here, so that a prompt cannot become a heading, a link, an
//! image or a mention. Must not print.

use std::fmt::Write;

use comfy_graph::diff::WordDiffPart;

use super::diff_description::{ChangeDetail, ChangeSign, DiffDescription, ItemChange};
use crate::platform::text::sanitize;

pub(crate) fn render_markdown(description: &DiffDescription) -> String {
    let mut out = String::new();
    for section in &description.sections {
        if let Some(heading) = section.heading() {
            let _ = writeln!(out, "\n**In {}**\n", escape(&heading));
        }
        for item in &section.items {
            render_item(&mut out, item);
        }
    }
    if !description.asides.is_empty() {
        let asides: Vec<String> = description.asides.iter().map(|aside| escape(aside)).collect();
        let _ = writeln!(out, "\n<sub>{}</sub>", asides.join(" · "));
    }
    out
}

pub(crate) fn heading(name: &str) -> String {
    format!("### {}\n", code_span(name))
}

fn render_item(out: &mut String, item: &ItemChange) {
    let sign = match item.sign {
        ChangeSign::Added => "➕",
        ChangeSign::Removed => "➖",
        ChangeSign::Changed => "✏️",
    };
    let _ = write!(out, "- {sign} **{}**", escape(&item.subject.name));
    if let Some(id) = &item.subject.id {
        let _ = write!(out, " {}", escape(id));
    }
    if let Some(kind) = &item.subject.kind {
        let _ = write!(out, " ({})", escape(kind));
    }
    if let Some(remark) = &item.remark {
        let _ = write!(out, " — {}", escape(remark));
    }
    out.push('\n');
    for detail in &item.details {
        let _ = writeln!(out, "  - {}", render_detail(detail));
    }
}

fn render_detail(detail: &ChangeDetail) -> String {
    match detail {
        ChangeDetail::Value { name, before, after, remark } => {
            let remark = remark.map(|remark| format!(" ({remark})")).unwrap_or_default();
            let name = escape(name);
            match (before, after) {
                (Some(before), Some(after)) => {
                    format!("{name}: {} → {}{remark}", code_span(before), code_span(after))
                }
                (None, Some(after)) => format!("{name}: {}{remark}", code_span(after)),
                (Some(before), None) => format!("{name}: ~~{}~~{remark}", code_span(before)),
                (None, None) => name,
            }
        }
        ChangeDetail::Text { name, words } => {
            let words: String = words.iter().map(render_word).collect();
            format!("{}: {words}", escape(name))
        }
        ChangeDetail::Wire { to, from, was } => {
            let was = was.as_deref().map(|was| format!(" (was {})", escape(was)));
            let was = was.unwrap_or_default();
            match from {
                Some(from) => format!("{} ← {}{was}", escape(to), escape(from)),
                None => format!("{} unplugged{was}", escape(to)),
            }
        }
        ChangeDetail::Note(text) => escape(text),
        ChangeDetail::Muted(text) => format!("<sub>{}</sub>", escape(text)),
    }
}

fn render_word(word: &WordDiffPart) -> String {
    let apart = |text: &str, mark: (&str, &str)| {
        let inner = text.trim();
        let start = &text[..text.len() - text.trim_start().len()];
        let end = &text[text.trim_end().len()..];
        format!(
            "{}{}{}{}{}",
            flatten_whitespace(start),
            mark.0,
            escape(inner),
            mark.1,
            flatten_whitespace(end)
        )
    };
    match word {
        WordDiffPart::Same(text) => escape(text),
        WordDiffPart::Removed(text) if text.trim().is_empty() => String::new(),
        WordDiffPart::Removed(text) => apart(text, ("<del>", "</del>")),
        WordDiffPart::Added(text) if text.trim().is_empty() => flatten_whitespace(text),
        WordDiffPart::Added(text) => apart(text, ("<ins>", "</ins>")),
        WordDiffPart::Gap => "…".to_owned(),
    }
}

fn flatten_whitespace(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

/// Escapes every character that Markdown or HTML could act on.
pub fn escape(text: &str) -> String {
    let text = flatten_whitespace(text);
    let mut out = String::new();
    for c in sanitize::line(&text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A zero-width joiner after these keeps GitHub from making a mention or issue
            // link of them.
            '@' => out.push_str("@\u{200d}"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '~' | '|' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A value as code; the fence is longer than any run of backticks in it.
pub fn code_span(text: &str) -> String {
    let text = sanitize::line(&flatten_whitespace(text)).into_owned();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{text}{fence}"),
        _ => format!("{fence} {text} {fence}"),
    }
}
