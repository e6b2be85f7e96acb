//! One compared file in each form that commands show: under the header of `git diff`, as a
//! line of `--stat`, as Markdown, as JSON.

use std::fmt::Write;

use comfy_graph::json::{Object, Value};

use super::compared::Compared;
use super::revisions::{FileChange, How, Version};
use crate::differences::text::terminal::{Look, show};
use crate::differences::text::{Layout, markdown, one_line};
use crate::platform::text::{Colour, sanitize};

/// One file, or two documents, compared.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// The two sides by name; nothing on a side where the file is not there.
    pub(crate) names: [Option<String>; 2],
    /// What git knows of the two sides, where git was asked.
    pub(crate) change: Option<FileChange>,
    /// For pictures and other outputs, a line that describes the file.
    pub(crate) outputs: [Option<String>; 2],
    /// The difference, where both are workflows.
    pub(crate) compared: Option<Compared>,
    /// The difference as git shows it, where they are not.
    pub(crate) patch: Vec<u8>,
}

impl Sheet {
    /// Whether the two sides differ in content; with the layout in full, whether they differ
    /// at all.
    pub(crate) fn differs(&self, layout: Layout) -> bool {
        match &self.compared {
            None => !self.patch.is_empty() || self.change.is_some(),
            Some(compared) => match layout {
                Layout::Folded => compared.script.has_content() || self.is_there_once(),
                Layout::Spelled => !compared.script.is_empty(),
            },
        }
    }

    fn is_there_once(&self) -> bool {
        self.names.iter().flatten().count() == 1
    }

    fn shown_name(&self) -> &str {
        let [before, after] = &self.names;
        after.as_deref().or(before.as_deref()).unwrap_or_default()
    }

    fn pair_of_names(&self) -> String {
        match &self.names {
            [Some(before), Some(after)] if before != after => format!("{before} => {after}"),
            _ => self.shown_name().to_owned(),
        }
    }

    /// For a terminal: git's header, then the difference in words.
    pub(crate) fn terminal(&self, look: Look, layout: Layout) -> Vec<u8> {
        let Some(compared) = &self.compared else { return self.patch.clone() };
        if compared.script.is_empty() && self.change.is_none() {
            return Vec::new();
        }
        let mut head = Head { out: String::new(), colour: look.colour };
        match &self.change {
            Some(change) => head.of_change(change),
            None => head.line(&format!("diff {}", self.names.each_ref().map(named).join(" "))),
        }
        head.outputs(self.outputs.each_ref().map(Option::as_deref));
        let mut out = head.out;
        out.push_str(&show(&compared.story(layout), look));
        out.into_bytes()
    }

    /// A line of `--stat`; `names` is the width of the name column.
    pub(crate) fn line(&self, look: Look, names: usize, layout: Layout) -> String {
        let name = shortened(&self.pair_of_names(), names);
        let told = self.summary(look.width.saturating_sub(names + 4).max(20), layout);
        format!(" {name:<names$} | {told}\n")
    }

    /// The columns that the name needs in a line of `--stat`.
    pub(crate) fn name_columns(&self) -> usize {
        unicode_width::UnicodeWidthStr::width(self.pair_of_names().as_str())
    }

    fn summary(&self, columns: usize, layout: Layout) -> String {
        let how = self.change.as_ref().map(|change| change.how);
        let Some(compared) = &self.compared else {
            let how = how.map_or("differs", How::word);
            return format!("{how} (no workflow)");
        };
        let line = one_line(&compared.story(layout), columns);
        match how {
            Some(How::Added) => "new workflow".to_owned(),
            Some(How::Deleted) => "deleted workflow".to_owned(),
            _ if line.is_empty() => "the same workflow".to_owned(),
            _ => line,
        }
    }

    /// A section of a review comment.
    pub(crate) fn markdown(&self, layout: Layout) -> String {
        let heading = markdown::heading(&self.pair_of_names());
        let how = match self.change.as_ref().map(|change| change.how) {
            Some(How::Added) => "New workflow.\n\n",
            Some(How::Deleted) => "Deleted workflow.\n\n",
            _ => "",
        };
        match &self.compared {
            None => format!("{heading}\n{}\n\n", self.summary(80, layout)),
            Some(compared) => {
                let told = markdown::show(&compared.story(layout));
                let told = if told.is_empty() { "The same workflow.\n".to_owned() } else { told };
                format!("{heading}\n{how}{told}\n")
            }
        }
    }

    /// An element of `files` (`docs/diff-schema.md`).
    pub(crate) fn json(&self) -> Value {
        let mut object = Object::default();
        if let Some(change) = &self.change {
            object.insert("how", change.how.word());
        }
        let versions = match &self.change {
            Some(change) => [change.before.as_ref(), change.after.as_ref()],
            None => [None, None],
        };
        for (key, at) in [("before", 0), ("after", 1)] {
            if let Some(name) = &self.names[at] {
                object.insert(key, side(name, versions[at], self.outputs[at].as_deref()));
            }
        }
        if let Some(compared) = &self.compared {
            object.insert("script", compared.script.to_json());
        }
        Value::Object(object)
    }
}

/// Cuts a name that is too long at its start: paths differ at their ends.
fn shortened(name: &str, columns: usize) -> String {
    let mut kept: Vec<char> = Vec::new();
    let mut used = 1;
    for c in name.chars().rev() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > columns + 1 {
            kept.pop();
            kept.push('…');
            break;
        }
        kept.push(c);
    }
    kept.into_iter().rev().collect()
}

fn side(name: &str, version: Option<&Version>, output: Option<&str>) -> Object {
    let mut object = Object::default();
    object.insert("name", name);
    if let Some(version) = version {
        object.insert("mode", version.mode.as_str());
        if let Some(blob) = version.blob {
            object.insert("blob", blob.to_hex());
        }
    }
    if let Some(output) = output {
        object.insert("output", output);
    }
    object
}

fn named(name: &Option<String>) -> String {
    name.clone().unwrap_or_else(|| "/dev/null".to_owned())
}

/// Builds the header lines that name the file, in git's format.
pub(crate) struct Head {
    pub(crate) out: String,
    pub(crate) colour: Colour,
}

impl Head {
    /// Adds a line in bold, git's default for header lines.
    pub(crate) fn line(&mut self, text: &str) {
        let bold = anstyle::Style::new().bold();
        let _ = match self.colour {
            Colour::On => writeln!(self.out, "{bold}{text}{bold:#}"),
            Colour::Off => writeln!(self.out, "{text}"),
        };
    }

    fn of_change(&mut self, change: &FileChange) {
        let path = |version: &Option<Version>| {
            version.as_ref().map_or_else(|| change.path().to_string(), |v| v.path.to_string())
        };
        let mode = |version: &Option<Version>| version.as_ref().map(|v| v.mode.clone());
        let (old, new) = (path(&change.before), path(&change.after));
        self.line(&format!("diff --git a/{old} b/{new}"));
        if matches!(change.how, How::Renamed | How::Copied) {
            let word = if change.how == How::Renamed { "rename" } else { "copy" };
            self.line(&format!("{word} from {old}"));
            self.line(&format!("{word} to {new}"));
        }
        self.modes(mode(&change.before).as_deref(), mode(&change.after).as_deref());
    }

    /// Adds the lines that describe pictures and other outputs.
    pub(crate) fn outputs(&mut self, told: [Option<&str>; 2]) {
        for (sign, told) in ["---", "+++"].into_iter().zip(told) {
            if let Some(told) = told {
                self.line(&format!("{sign} {}", sanitize::line(told)));
            }
        }
    }

    /// Adds the lines about the file mode; `None` for a side without the file.
    pub(crate) fn modes(&mut self, before: Option<&str>, after: Option<&str>) {
        match (before, after) {
            (None, Some(mode)) => self.line(&format!("new file mode {mode}")),
            (Some(mode), None) => self.line(&format!("deleted file mode {mode}")),
            (Some(old), Some(new)) if old != new => {
                self.line(&format!("old mode {old}"));
                self.line(&format!("new mode {new}"));
            }
            _ => {}
        }
    }
}
