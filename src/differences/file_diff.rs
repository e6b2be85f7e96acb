//! One compared file in each form that commands show: under the header of `git diff`, as a
//! line of `--stat`, as Markdown, as JSON.

use comfy_graph::diff::schema;
use comfy_graph::json::{self, JsonStyle, Object, Value};

use super::changed_files::{FileChange, FileChangeKind, FileVersion};
use super::graph_diff::GraphDiff;
use crate::differences::text::terminal::{BOLD, LOUD, TerminalStyle, render_for_terminal};
use crate::differences::text::{LayoutDetail, markdown, one_line_summary};
use crate::platform::text::{Colour, sanitize};

/// One file, or two documents, compared.
#[derive(Debug, Default)]
pub(crate) struct FileDiff {
    /// The two sides by name; nothing on a side where the file is not there.
    pub(crate) names: [Option<String>; 2],
    /// What git knows of the two sides, where git was asked.
    pub(crate) change: Option<FileChange>,
    /// For pictures and other outputs, a line that describes the file.
    pub(crate) outputs: [Option<String>; 2],
    /// The difference, where both are workflows.
    pub(crate) graph_diff: Option<GraphDiff>,
    /// The sentence about a workflow that is gone from the file, or came back into it.
    pub(crate) lost_graph: Option<String>,
    /// The difference as git shows it, where they are not.
    pub(crate) patch: Vec<u8>,
}

impl FileDiff {
    /// Whether the two sides differ in content; with the layout in full, whether they differ
    /// at all.
    pub(crate) fn differs(&self, layout: LayoutDetail) -> bool {
        match &self.graph_diff {
            None => !self.patch.is_empty() || self.change.is_some(),
            Some(compared) => match layout {
                LayoutDetail::Counted => compared.script.has_content() || self.is_one_sided(),
                LayoutDetail::Full => !compared.script.is_empty(),
            },
        }
    }

    fn is_one_sided(&self) -> bool {
        self.names.iter().flatten().count() == 1
    }

    fn display_name(&self) -> &str {
        let [before, after] = &self.names;
        after.as_deref().or(before.as_deref()).unwrap_or_default()
    }

    pub(crate) fn display_names(&self) -> String {
        match &self.names {
            [Some(before), Some(after)] if before != after => format!("{before} => {after}"),
            _ => self.display_name().to_owned(),
        }
    }

    /// For a terminal: git's header, then the difference in words.
    pub(crate) fn render_terminal(&self, style: TerminalStyle, layout: LayoutDetail) -> Vec<u8> {
        if let (Some(lost), Some(change)) = (&self.lost_graph, &self.change) {
            let mut header = DiffHeader::new(style.colour);
            header.push_change(change);
            header.push_loud(lost);
            return header.into_text().into_bytes();
        }
        let Some(compared) = &self.graph_diff else { return self.patch.clone() };
        if compared.script.is_empty() && self.change.is_none() {
            return Vec::new();
        }
        let mut header = DiffHeader::new(style.colour);
        match &self.change {
            Some(change) => header.push_change(change),
            None => header.push_line(&format!(
                "diff {}",
                self.names.each_ref().map(name_or_dev_null).join(" ")
            )),
        }
        header.push_outputs(self.outputs.each_ref().map(Option::as_deref));
        let mut out = header.into_text();
        out.push_str(&render_for_terminal(&compared.describe(layout), style));
        out.into_bytes()
    }

    /// A line of `--stat`; `names` is the width of the name column.
    pub(crate) fn render_stat_line(
        &self,
        style: TerminalStyle,
        names: usize,
        layout: LayoutDetail,
    ) -> String {
        let name = truncate_start(&self.display_names(), names);
        let told = self.summary(style.width.saturating_sub(names + 4).max(20), layout);
        format!(" {name:<names$} | {told}\n")
    }

    /// The columns that the name needs in a line of `--stat`.
    pub(crate) fn name_width(&self) -> usize {
        unicode_width::UnicodeWidthStr::width(self.display_names().as_str())
    }

    fn summary(&self, columns: usize, layout: LayoutDetail) -> String {
        let how = self.change.as_ref().map(|change| change.kind);
        let Some(compared) = &self.graph_diff else {
            let how = how.map_or("differs", FileChangeKind::as_str);
            return match &self.lost_graph {
                Some(lost) => format!("! {lost}"),
                None => format!("{how} (no workflow)"),
            };
        };
        let line = one_line_summary(&compared.describe(layout), columns);
        match how {
            Some(FileChangeKind::Added) => "new workflow".to_owned(),
            Some(FileChangeKind::Deleted) => "deleted workflow".to_owned(),
            _ if line.is_empty() => "the same workflow".to_owned(),
            _ => line,
        }
    }

    /// A section of a review comment.
    pub(crate) fn render_markdown(&self, layout: LayoutDetail) -> String {
        let heading = markdown::heading(&self.display_names());
        let how = match self.change.as_ref().map(|change| change.kind) {
            Some(FileChangeKind::Added) => "New workflow.\n\n",
            Some(FileChangeKind::Deleted) => "Deleted workflow.\n\n",
            _ => "",
        };
        match &self.graph_diff {
            None => format!("{heading}\n{}\n\n", self.summary(80, layout)),
            Some(compared) => {
                let told = markdown::render_markdown(&compared.describe(layout));
                let told = if told.is_empty() { "The same workflow.\n".to_owned() } else { told };
                format!("{heading}\n{how}{told}\n")
            }
        }
    }

    /// An element of `files` (`docs/diff-schema.md`).
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Object::default();
        if let Some(change) = &self.change {
            object.insert("how", change.kind.as_str());
        }
        let versions = match &self.change {
            Some(change) => [change.before.as_ref(), change.after.as_ref()],
            None => [None, None],
        };
        for (key, at) in [("before", 0), ("after", 1)] {
            if let Some(name) = &self.names[at] {
                object.insert(key, side_to_json(name, versions[at], self.outputs[at].as_deref()));
            }
        }
        if let Some(lost) = &self.lost_graph {
            object.insert("lost", lost.as_str());
        }
        if let Some(compared) = &self.graph_diff {
            object.insert("script", compared.script.to_json());
        }
        Value::Object(object)
    }
}

/// Files as one document (`docs/diff-schema.md`).
pub(crate) fn diffs_to_json(files: &[FileDiff]) -> String {
    let mut root = Object::default();
    root.insert("schema", "git-comfy/diff");
    root.insert("version", schema::DIFF_SCHEMA_VERSION);
    let files: Vec<Value> = files.iter().map(FileDiff::to_json).collect();
    root.insert("files", files);
    let text =
        json::print(&Value::Object(root), &JsonStyle { final_newline: true, ..JsonStyle::EXPORT });
    // Everything is escaped that a terminal would act on; the values stay the same.
    sanitize::json(&text).into_owned()
}

/// Cuts a name that is too long at its start: paths differ at their ends.
fn truncate_start(name: &str, columns: usize) -> String {
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

fn side_to_json(name: &str, version: Option<&FileVersion>, output: Option<&str>) -> Object {
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

fn name_or_dev_null(name: &Option<String>) -> String {
    name.clone().unwrap_or_else(|| "/dev/null".to_owned())
}

/// Builds the header lines that name the file, in git's format.
pub(crate) struct DiffHeader {
    text: String,
    colour: Colour,
}

impl DiffHeader {
    pub(crate) fn new(colour: Colour) -> DiffHeader {
        DiffHeader { text: String::new(), colour }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Adds a line in bold, git's default for header lines.
    pub(crate) fn push_line(&mut self, text: &str) {
        self.text.push_str(&self.colour.paint(BOLD, text));
        self.text.push('\n');
    }

    fn push_change(&mut self, change: &FileChange) {
        let path = |version: &Option<FileVersion>| {
            version.as_ref().map_or_else(|| change.path().to_string(), |v| v.path.to_string())
        };
        let mode = |version: &Option<FileVersion>| version.as_ref().map(|v| v.mode.clone());
        let (old, new) = (path(&change.before), path(&change.after));
        self.push_line(&format!("diff --git a/{old} b/{new}"));
        if matches!(change.kind, FileChangeKind::Renamed | FileChangeKind::Copied) {
            let word = if change.kind == FileChangeKind::Renamed { "rename" } else { "copy" };
            self.push_line(&format!("{word} from {old}"));
            self.push_line(&format!("{word} to {new}"));
        }
        self.push_modes(mode(&change.before).as_deref(), mode(&change.after).as_deref());
    }

    /// Adds a line that must not be overlooked.
    pub(crate) fn push_loud(&mut self, text: &str) {
        self.text.push_str(&self.colour.paint(LOUD, &format!("! {text}")));
        self.text.push('\n');
    }

    /// Adds the lines that describe pictures and other outputs.
    pub(crate) fn push_outputs(&mut self, told: [Option<&str>; 2]) {
        for (sign, told) in ["---", "+++"].into_iter().zip(told) {
            if let Some(told) = told {
                self.push_line(&format!("{sign} {}", sanitize::line(told)));
            }
        }
    }

    /// Adds the lines about the file mode; `None` for a side without the file.
    pub(crate) fn push_modes(&mut self, before: Option<&str>, after: Option<&str>) {
        match (before, after) {
            (None, Some(mode)) => self.push_line(&format!("new file mode {mode}")),
            (Some(mode), None) => self.push_line(&format!("deleted file mode {mode}")),
            (Some(old), Some(new)) if old != new => {
                self.push_line(&format!("old mode {old}"));
                self.push_line(&format!("new mode {new}"));
            }
            _ => {}
        }
    }
}
