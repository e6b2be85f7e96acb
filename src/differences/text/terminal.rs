//! A difference for a terminal.
//!
//! Colours follow git's: green for added, red for removed. Without colour, signs and
//! `[-…-]{+…+}` say the same. Text from files is sanitized here. Must not print.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_graph::diff::WordDiffPart;

use super::diff_description::{
    ChangeDetail, ChangeSign, DiffDescription, GraphChanges, ItemChange,
};
use crate::platform::text::excerpt_pair::excerpt_pair;
use crate::platform::text::{Colour, sanitize};

/// How changed words are marked, in git's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum WordDiff {
    /// By colour alone where there is colour, else as `Plain`.
    #[default]
    Auto,
    /// `[-gone-]{+new+}`, coloured too where there is colour.
    Plain,
    /// No marks: the old text on one line, the new one on the next.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TerminalStyle {
    pub(crate) colour: Colour,
    pub(crate) words: WordDiff,
    /// Columns to fit into; texts are wrapped, values cut.
    pub(crate) width: usize,
}

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEADING: Style = AnsiColor::Cyan.on_default();
pub(crate) const MUTED: Style = Style::new().dimmed();
pub(crate) const LOUD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const BOLD: Style = Style::new().bold();

/// Renders a description, ending in a line end unless there is nothing to show.
pub(crate) fn render_for_terminal(description: &DiffDescription, style: TerminalStyle) -> String {
    let mut renderer = TerminalRenderer { out: String::new(), style };
    for section in &description.sections {
        renderer.push_section(section);
    }
    for aside in &description.asides {
        renderer.push_line("", &[(MUTED, "~ "), (MUTED, &sanitize::line(aside))]);
    }
    renderer.out
}

struct TerminalRenderer {
    out: String,
    style: TerminalStyle,
}

impl TerminalRenderer {
    fn paint(&self, style: Style, text: &str) -> String {
        self.style.colour.paint(style, text)
    }

    fn push_line(&mut self, indent: &str, parts: &[(Style, &str)]) {
        let painted: String = parts.iter().map(|(style, text)| self.paint(*style, text)).collect();
        let _ = writeln!(self.out, "{indent}{painted}");
    }

    fn push_section(&mut self, section: &GraphChanges) {
        let indent = match section.heading() {
            None => "",
            Some(heading) => {
                let heading = sanitize::line(&heading);
                self.push_line("", &[(HEADING, "in "), (HEADING, &heading)]);
                "  "
            }
        };
        for item in &section.items {
            self.push_item(indent, item);
        }
    }

    fn push_item(&mut self, indent: &str, item: &ItemChange) {
        let (sign, style) = match item.sign {
            ChangeSign::Added => ("+ ", ADDED),
            ChangeSign::Removed => ("- ", REMOVED),
            ChangeSign::Changed => ("~ ", CHANGED),
        };
        let name = sanitize::line(&item.subject.name).into_owned();
        let mut parts = vec![(style, sign.to_owned()), (BOLD, name)];
        if let Some(id) = &item.subject.id {
            parts.push((MUTED, format!(" {}", sanitize::line(id))));
        }
        if let Some(kind) = &item.subject.kind {
            parts.push((MUTED, format!(" ({})", sanitize::line(kind))));
        }
        if let Some(remark) = &item.remark {
            parts.push((Style::new(), format!("  {}", sanitize::line(remark))));
        }
        let names = item.details.iter().filter_map(|detail| match detail {
            ChangeDetail::Value { name, .. }
            | ChangeDetail::Text { name, .. }
            | ChangeDetail::Wire { to: name, .. } => Some(name.chars().count()),
            ChangeDetail::Note(_) | ChangeDetail::Muted(_) => None,
        });
        let width = names.max().unwrap_or(0).min(24);
        let parts: Vec<(Style, &str)> = parts.iter().map(|(s, t)| (*s, t.as_str())).collect();
        self.push_line(indent, &parts);
        for detail in &item.details {
            self.push_detail(&format!("{indent}    "), width, detail);
        }
    }

    fn push_detail(&mut self, indent: &str, width: usize, detail: &ChangeDetail) {
        match detail {
            ChangeDetail::Value { name, before, after, remark } => {
                let name = pad_name(name, width);
                // However narrow the terminal is, a number is not cut.
                let room = self.style.width.saturating_sub(indent.len() + name.len() + 6).max(40);
                let cut = |text: &String, share| sanitize::excerpt(text, room / share);
                let mut parts = vec![(Style::new(), name)];
                match (before, after) {
                    (Some(before), Some(after)) => {
                        let [before, after] = excerpt_pair(before, after, room / 2);
                        parts.push((REMOVED, cut(&before, 2)));
                        parts.push((MUTED, " -> ".to_owned()));
                        parts.push((ADDED, cut(&after, 2)));
                    }
                    (None, Some(after)) => parts.push((ADDED, cut(after, 1))),
                    (Some(before), None) => {
                        parts.push((REMOVED, cut(before, 1)));
                        parts.push((MUTED, " is gone".to_owned()));
                    }
                    (None, None) => {}
                }
                if let Some(remark) = remark {
                    parts.push((MUTED, format!("  ({remark})")));
                }
                let parts: Vec<(Style, &str)> = parts.iter().map(|(s, t)| (*s, &**t)).collect();
                self.push_line(indent, &parts);
            }
            ChangeDetail::Text { name, words } => self.push_text_diff(indent, width, name, words),
            ChangeDetail::Wire { to, from, was } => {
                let to = pad_name(to, width);
                let clean = |text: &Option<String>| {
                    text.as_deref().map(|text| sanitize::line(text).into_owned())
                };
                let (from, was) = (clean(from), clean(was));
                let parts: Vec<(Style, String)> = match (from, was) {
                    (Some(from), Some(was)) => {
                        vec![(ADDED, format!("<- {from}")), (MUTED, format!("  (was {was})"))]
                    }
                    (Some(from), None) => vec![(ADDED, format!("<- {from}"))],
                    (None, Some(was)) => {
                        vec![(REMOVED, "unplugged".to_owned()), (MUTED, format!("  (was {was})"))]
                    }
                    (None, None) => Vec::new(),
                };
                let mut all: Vec<(Style, &str)> = vec![(Style::new(), &to)];
                all.extend(parts.iter().map(|(s, t)| (*s, t.as_str())));
                self.push_line(indent, &all);
            }
            ChangeDetail::Note(text) => {
                let text = sanitize::line(text);
                self.push_line(indent, &[(Style::new(), &text)]);
            }
            ChangeDetail::Muted(text) => {
                let text = sanitize::line(text);
                self.push_line(indent, &[(MUTED, &text)]);
            }
        }
    }

    fn push_text_diff(&mut self, indent: &str, width: usize, name: &str, words: &[WordDiffPart]) {
        let name = pad_name(name, width);
        let room = self.style.width.saturating_sub(indent.len()).max(20);
        if self.style.words == WordDiff::None {
            let columns = room.saturating_sub(name.len() + 2);
            let sides = [false, true].map(|after| text_on_side(words, after));
            let sides = excerpt_pair(&sides[0], &sides[1], columns);
            for ((sign, style), text) in [("-", REMOVED), ("+", ADDED)].into_iter().zip(sides) {
                if !text.is_empty() {
                    let text = sanitize::excerpt(&text, columns);
                    self.push_line(indent, &[(Style::new(), &name), (style, sign), (style, &text)]);
                }
            }
            return;
        }
        // A text that is new as a whole needs no marks.
        let is_new = matches!(words, [WordDiffPart::Added(_)]);
        let marked =
            self.style.words == WordDiff::Plain || (self.style.colour == Colour::Off && !is_new);
        let mut wrapped = LineWrapper::new(room, name.chars().count().min(room / 2));
        for word in words {
            let (style, text) = match word {
                WordDiffPart::Same(text) => (Style::new(), text.clone()),
                WordDiffPart::Removed(text) if marked => (REMOVED, format!("[-{text}-]")),
                WordDiffPart::Added(text) if marked => (ADDED, format!("{{+{text}+}}")),
                WordDiffPart::Removed(text) => (REMOVED.strikethrough(), text.clone()),
                WordDiffPart::Added(text) => (ADDED, text.clone()),
                WordDiffPart::Gap => (MUTED, "…".to_owned()),
            };
            wrapped.push_words(&sanitize::line(&text.replace(['\n', '\t'], " ")), |piece| {
                self.paint(style, piece)
            });
        }
        let hanging = " ".repeat(wrapped.indent);
        for (at, line) in wrapped.lines.iter().enumerate() {
            let head = if at == 0 { name.as_str() } else { hanging.as_str() };
            let _ = writeln!(self.out, "{indent}{head}{line}");
        }
    }
}

/// The text before or after, on one line.
fn text_on_side(words: &[WordDiffPart], after: bool) -> String {
    let text: String = words.iter().filter_map(|word| word_on_side(word, after)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn word_on_side(word: &WordDiffPart, added: bool) -> Option<&str> {
    match word {
        WordDiffPart::Same(text) => Some(text),
        WordDiffPart::Added(text) if added => Some(text),
        WordDiffPart::Removed(text) if !added => Some(text),
        WordDiffPart::Gap => Some("…"),
        _ => None,
    }
}

fn pad_name(name: &str, width: usize) -> String {
    let name = sanitize::line(name);
    format!("{name:<width$}  ")
}

/// Breaks painted words into lines.
pub(super) struct LineWrapper {
    pub(super) lines: Vec<String>,
    width: usize,
    indent: usize,
    used: usize,
}

impl LineWrapper {
    pub(super) fn new(room: usize, indent: usize) -> Self {
        let width = room.saturating_sub(indent).max(10);
        LineWrapper { lines: vec![String::new()], width, indent, used: 0 }
    }

    pub(super) fn push_words(&mut self, text: &str, paint: impl Fn(&str) -> String) {
        let mut piece = String::new();
        for word in text.split_inclusive(' ') {
            let wide = unicode_width::UnicodeWidthStr::width(word);
            if self.used > 0 && self.used + wide > self.width + 1 {
                self.push_painted(&paint(piece.trim_end()));
                piece.clear();
                self.lines.push(String::new());
                self.used = 0;
            }
            piece.push_str(word);
            self.used += wide;
        }
        self.push_painted(&paint(&piece));
    }

    fn push_painted(&mut self, painted: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.push_str(painted);
        }
    }
}
