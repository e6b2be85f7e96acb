//! A difference for a terminal.
//!
//! Colours follow git's: green for added, red for removed. Without colour, signs and
//! `[-…-]{+…+}` say the same. Text from files is sanitized here. Must not print.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::story::{Fact, Item, Section, Sign, Story};
use crate::platform::text::words::Word;
use crate::platform::text::{Colour, sanitize};

/// How changed words are marked, in git's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WordDiff {
    /// By colour alone where there is colour, else as `Plain`.
    #[default]
    Auto,
    /// `[-gone-]{+new+}`, coloured too where there is colour.
    Plain,
    /// No marks: the old text on one line, the new one on the next.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colour: Colour,
    pub words: WordDiff,
    /// Columns to fit into; texts are wrapped, values cut.
    pub width: usize,
}

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
pub(crate) const HEADING: Style = AnsiColor::Cyan.on_default();
pub(crate) const MUTED: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Renders a description, ending in a line end unless there is nothing to show.
pub fn show(story: &Story, look: Look) -> String {
    let mut shown = Shown { out: String::new(), look };
    for section in &story.sections {
        shown.section(section);
    }
    for aside in &story.asides {
        shown.line("", &[(MUTED, "~ "), (MUTED, &sanitize::line(aside))]);
    }
    shown.out
}

struct Shown {
    out: String,
    look: Look,
}

impl Shown {
    fn paint(&self, style: Style, text: &str) -> String {
        match self.look.colour {
            Colour::On if !text.is_empty() && style != Style::new() => {
                format!("{style}{text}{style:#}")
            }
            _ => text.to_owned(),
        }
    }

    fn line(&mut self, indent: &str, parts: &[(Style, &str)]) {
        let painted: String = parts.iter().map(|(style, text)| self.paint(*style, text)).collect();
        let _ = writeln!(self.out, "{indent}{painted}");
    }

    fn section(&mut self, section: &Section) {
        let indent = match &section.subgraph {
            None => "",
            Some(name) => {
                let name = sanitize::line(name);
                self.line("", &[(HEADING, "in subgraph "), (HEADING, &name)]);
                "  "
            }
        };
        for item in &section.items {
            self.item(indent, item);
        }
    }

    fn item(&mut self, indent: &str, item: &Item) {
        let (sign, style) = match item.sign {
            Sign::Added => ("+ ", ADDED),
            Sign::Removed => ("- ", REMOVED),
            Sign::Changed => ("~ ", CHANGED),
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
        let names = item.facts.iter().filter_map(|fact| match fact {
            Fact::Value { name, .. } | Fact::Text { name, .. } | Fact::Wire { to: name, .. } => {
                Some(name.chars().count())
            }
            Fact::Said(_) => None,
        });
        let width = names.max().unwrap_or(0).min(24);
        let parts: Vec<(Style, &str)> = parts.iter().map(|(s, t)| (*s, t.as_str())).collect();
        self.line(indent, &parts);
        for fact in &item.facts {
            self.fact(&format!("{indent}    "), width, fact);
        }
    }

    fn fact(&mut self, indent: &str, width: usize, fact: &Fact) {
        match fact {
            Fact::Value { name, before, after, remark } => {
                let name = padded(name, width);
                // However narrow the terminal is, a number is not cut.
                let room = self.look.width.saturating_sub(indent.len() + name.len() + 6).max(40);
                let cut = |text: &String, share| sanitize::excerpt(text, room / share);
                let mut parts = vec![(Style::new(), name)];
                match (before, after) {
                    (Some(before), Some(after)) => {
                        parts.push((REMOVED, cut(before, 2)));
                        parts.push((MUTED, " -> ".to_owned()));
                        parts.push((ADDED, cut(after, 2)));
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
                self.line(indent, &parts);
            }
            Fact::Text { name, words } => self.text(indent, width, name, words),
            Fact::Wire { to, from, was } => {
                let to = padded(to, width);
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
                self.line(indent, &all);
            }
            Fact::Said(text) => {
                let text = sanitize::line(text);
                self.line(indent, &[(Style::new(), &text)]);
            }
        }
    }

    fn text(&mut self, indent: &str, width: usize, name: &str, words: &[Word]) {
        let name = padded(name, width);
        let room = self.look.width.saturating_sub(indent.len()).max(20);
        if self.look.words == WordDiff::None {
            for (sign, style, wanted) in [("-", REMOVED, false), ("+", ADDED, true)] {
                let text: String = words.iter().filter_map(|w| one_side(w, wanted)).collect();
                if !text.is_empty() {
                    let text = sanitize::excerpt(&text, room.saturating_sub(name.len() + 2));
                    self.line(indent, &[(Style::new(), &name), (style, sign), (style, &text)]);
                }
            }
            return;
        }
        // A text that is new as a whole needs no marks.
        let is_new = matches!(words, [Word::Added(_)]);
        let marked =
            self.look.words == WordDiff::Plain || (self.look.colour == Colour::Off && !is_new);
        let mut wrapped = Wrapped::new(room, name.chars().count().min(room / 2));
        for word in words {
            let (style, text) = match word {
                Word::Same(text) => (Style::new(), text.clone()),
                Word::Removed(text) if marked => (REMOVED, format!("[-{text}-]")),
                Word::Added(text) if marked => (ADDED, format!("{{+{text}+}}")),
                Word::Removed(text) => (REMOVED.strikethrough(), text.clone()),
                Word::Added(text) => (ADDED, text.clone()),
                Word::Gap => (MUTED, "…".to_owned()),
            };
            wrapped.add(&sanitize::line(&text.replace(['\n', '\t'], " ")), |piece| {
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

fn one_side(word: &Word, added: bool) -> Option<&str> {
    match word {
        Word::Same(text) => Some(text),
        Word::Added(text) if added => Some(text),
        Word::Removed(text) if !added => Some(text),
        Word::Gap => Some("…"),
        _ => None,
    }
}

fn padded(name: &str, width: usize) -> String {
    let name = sanitize::line(name);
    format!("{name:<width$}  ")
}

/// Breaks painted words into lines.
struct Wrapped {
    lines: Vec<String>,
    width: usize,
    indent: usize,
    used: usize,
}

impl Wrapped {
    fn new(room: usize, indent: usize) -> Self {
        let width = room.saturating_sub(indent).max(10);
        Wrapped { lines: vec![String::new()], width, indent, used: 0 }
    }

    fn add(&mut self, text: &str, paint: impl Fn(&str) -> String) {
        let mut piece = String::new();
        for word in text.split_inclusive(' ') {
            let wide = unicode_width::UnicodeWidthStr::width(word);
            if self.used > 0 && self.used + wide > self.width + 1 {
                self.push(&paint(piece.trim_end()));
                piece.clear();
                self.lines.push(String::new());
                self.used = 0;
            }
            piece.push_str(word);
            self.used += wide;
        }
        self.push(&paint(&piece));
    }

    fn push(&mut self, painted: &str) {
        if let Some(line) = self.lines.last_mut() {
            line.push_str(painted);
        }
    }
}
