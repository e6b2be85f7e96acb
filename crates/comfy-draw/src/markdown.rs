//! The Markdown of notes as lines of text: headings, lists, code, emphasis by paragraph.
//! HTML in it is shown as the text it is; pictures are named, never loaded.
//!
//! Must not know where the lines are drawn.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::drawing::FontStyle;
use crate::text::{block_text, line_text, text_width, wrap_text};

/// One line of a note.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NoteLine {
    pub(crate) text: String,
    pub(crate) size: f64,
    pub(crate) style: FontStyle,
    pub(crate) indent: f64,
    /// It is, or begins with, a link.
    pub(crate) is_link: bool,
    /// Room above it.
    pub(crate) gap: f64,
}

pub(crate) const TEXT_SIZE: f64 = 12.0;
/// Longer notes are cut before they are parsed: nobody sees more than a box full.
const MAX_NOTE_BYTES: usize = 64 << 10;

/// Lines of a Markdown note, as many as fit into a box.
pub(crate) fn markdown_lines(text: &str, width: f64, height: f64) -> Vec<NoteLine> {
    let text = block_text(cut_at_char(text, MAX_NOTE_BYTES));
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = NoteBuilder { width, height, ..NoteBuilder::default() };
    for event in Parser::new_ext(&text, options) {
        builder.take(event);
        if builder.used > height {
            break;
        }
    }
    builder.end_block();
    builder.lines
}

/// Lines of a note that is plain text.
pub(crate) fn plain_lines(text: &str, width: f64, height: f64) -> Vec<NoteLine> {
    let most = (height / (TEXT_SIZE * 1.35)).floor().max(1.0) as usize;
    let lines = wrap_text(text, width, TEXT_SIZE, FontStyle::Regular, most);
    let line = |text| NoteLine {
        text,
        size: TEXT_SIZE,
        style: FontStyle::Regular,
        indent: 0.0,
        is_link: false,
        gap: 0.0,
    };
    lines.into_iter().map(line).collect()
}

fn cut_at_char(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Height of a line with the room between lines.
pub(crate) fn line_height(size: f64) -> f64 {
    (size * 1.35).round()
}

#[derive(Default)]
struct NoteBuilder {
    width: f64,
    height: f64,
    used: f64,
    lines: Vec<NoteLine>,
    text: String,
    heading: Option<HeadingLevel>,
    lists: Vec<Option<u64>>,
    bullet: Option<String>,
    code: bool,
    strong: usize,
    emphasis: usize,
    /// All of the block so far is of that kind.
    all_strong: bool,
    all_emphasis: bool,
    link: bool,
    starts_with_link: bool,
    image: usize,
}

impl NoteBuilder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => self.text.push_str(&text),
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::Html(text) | Event::InlineHtml(text) => self.push(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::TaskListMarker(done) => self.push(if done { "\u{2611} " } else { "\u{2610} " }),
            Event::Rule => {
                self.end_block();
                self.push("\u{2500}\u{2500}\u{2500}\u{2500}");
                self.end_block();
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if self.text.is_empty() {
            self.all_strong = self.strong > 0;
            self.all_emphasis = self.emphasis > 0;
            self.starts_with_link = self.link;
        }
        if !text.trim().is_empty() {
            self.all_strong &= self.strong > 0;
            self.all_emphasis &= self.emphasis > 0;
        }
        self.text.push_str(text);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_block();
                self.heading = Some(level);
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_block();
                self.bullet = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "\u{2022} ".to_owned(),
                });
            }
            Tag::CodeBlock(_) => {
                self.end_block();
                self.code = true;
            }
            Tag::Paragraph
            | Tag::BlockQuote(_)
            | Tag::HtmlBlock
            | Tag::TableRow
            | Tag::TableHead => self.end_block(),
            Tag::Strong => self.strong += 1,
            Tag::Emphasis => self.emphasis += 1,
            Tag::Link { .. } => self.link = true,
            Tag::Image { .. } => {
                self.image += 1;
                self.push("[picture: ");
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Link => self.link = false,
            TagEnd::Image => self.push("]"),
            TagEnd::TableCell => self.push("   "),
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
            }
            TagEnd::Heading(_) => {
                self.end_block();
                self.heading = None;
            }
            TagEnd::CodeBlock => {
                self.end_block();
                self.code = false;
            }
            TagEnd::Paragraph
            | TagEnd::Item
            | TagEnd::HtmlBlock
            | TagEnd::TableRow
            | TagEnd::TableHead => self.end_block(),
            _ => {}
        }
    }

    /// Breaks what was collected into lines.
    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let (size, heading) = match self.heading {
            Some(HeadingLevel::H1) => (18.0, true),
            Some(HeadingLevel::H2) => (16.0, true),
            Some(_) => (14.0, true),
            None => (TEXT_SIZE, false),
        };
        let style = if self.code {
            FontStyle::Mono
        } else if heading || self.all_strong {
            FontStyle::Bold
        } else if self.all_emphasis {
            FontStyle::Italic
        } else {
            FontStyle::Regular
        };
        let bullet = self.bullet.take();
        let depth = self.lists.len().min(6) as f64;
        let indent = if self.lists.is_empty() { 0.0 } else { depth * 12.0 };
        let bullet_width = bullet.as_deref().map_or(0.0, |b| text_width(b, size, style));
        let room = (self.width - indent - bullet_width).max(40.0);
        let gap = if self.lines.is_empty() {
            0.0
        } else if bullet.is_some() || self.code {
            2.0
        } else {
            6.0
        };
        let left = (self.height - self.used - gap) / line_height(size);
        if left < 1.0 {
            self.used = self.height + 1.0;
            return;
        }
        let broken = wrap_text(text.trim_end(), room, size, style, left as usize);
        for (at, line) in broken.into_iter().enumerate() {
            let text = match &bullet {
                Some(bullet) if at == 0 => format!("{bullet}{}", line_text(&line)),
                _ => line_text(&line).into_owned(),
            };
            let hang = if at > 0 { bullet_width } else { 0.0 };
            let gap = if at == 0 { gap } else { 0.0 };
            self.used += gap + line_height(size);
            self.lines.push(NoteLine {
                text,
                size,
                style,
                indent: indent + hang,
                is_link: self.starts_with_link && at == 0,
                gap,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let line = |line: NoteLine| format!("{:>2} {:?} {}", line.size, line.style, line.text);
        markdown_lines(text, 300.0, 1000.0).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_note_is_read_as_markdown() {
        let note = "# Title\n\nSome *text* and **more**.\n\n1. one\n2. two\n   \
            - [deep](https://x.example)\n\n```\ncode  here\n```\n**bold line**\n\n\
            <script>alert(1)</script>\n\n![cat](http://x/y.png)";
        insta::assert_snapshot!(shown(note), @r"
        18 Bold Title
        12 Regular Some text and more.
        12 Regular 1. one
        12 Regular 2. two
        12 Regular • deep
        12 Mono code  here
        12 Bold bold line
        12 Regular <script>alert(1)</script>
        12 Regular [picture: cat]
        ");
    }

    proptest! {
        #[test]
        fn lines_stay_in_their_box(
            text in "[a-z #*>`\n!\\[\\]()|-]{0,300}",
            height in 20.0..200.0_f64,
        ) {
            let lines = markdown_lines(&text, 120.0, height);
            let used: f64 = lines.iter().map(|line| line.gap + line_height(line.size)).sum();
            prop_assert!(used <= height + 0.5);
        }
    }
}
