//! `git-comfy diff-driver`: what plain `git diff` shows of one file. git calls it with the
//! path and both contents as files, and shows whatever it prints.
//!
//! A file without a workflow shows the very hunks that git would show.

use std::fmt::Write;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::content::{self, Content};
use super::naming;
use crate::diff;
use crate::error::Result;
use crate::exit::Exit;
use crate::git::patch::{PatchColour, PatchSide, hunks};
use crate::graph::Workflow;
use crate::json::Value;
use crate::render::terminal::{Colour, Look, WordDiff, show};
use crate::render::{Layout, SubgraphNames, sanitize, tell};
use crate::session::Session;

/// Show how one file changed (git calls this for `git diff`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What git passes: path, then file, id and mode of both sides; after a rename the new
    /// path and a text about it. For an unmerged file only the path.
    #[arg(value_name = "ARGUMENT", num_args = 1..=9, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// One side as git hands it over.
#[derive(Debug)]
struct Given {
    /// Where the content lies; nothing if the file is not there on this side.
    file: Option<PathBuf>,
    /// The blob's id, if it is one.
    blob: Option<String>,
    /// The file mode in octal; `.` if the file is not there.
    mode: String,
}

impl Given {
    fn of(three: &[String]) -> Given {
        let [file, blob, mode] = three else {
            return Given { file: None, blob: None, mode: ".".to_owned() };
        };
        let is_blob = blob != "." && blob.bytes().any(|digit| digit != b'0');
        Given {
            file: (file != "/dev/null" && file != "nul").then(|| PathBuf::from(file)),
            blob: is_blob.then(|| blob.clone()),
            mode: mode.clone(),
        }
    }

    fn content(&self) -> Result<Content> {
        Ok(match (&self.file, self.mode.as_str()) {
            // A link's content is where it leads to.
            (Some(file), mode) if mode != "120000" => content::read(fs::read(file)?),
            _ => Content::Other(Vec::new()),
        })
    }
}

/// Prints the difference.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let [path, sides @ ..] = args.arguments.as_slice() else { return Ok(Exit::Done) };
    if sides.len() < 6 {
        session.ui.out_bytes(format!("* Unmerged path {}\n", sanitize::line(path)).as_bytes())?;
        return Ok(Exit::Done);
    }
    let (before, after) = (Given::of(&sides[..3]), Given::of(&sides[3..6]));
    let (renamed, told) = (sides.get(6), sides.get(7));
    let colour = colour(session);
    let mut head = Head { out: String::new(), colour };
    head.lines(path, renamed.unwrap_or(path), told, &before, &after);
    session.ui.out_bytes(head.out.as_bytes())?;
    let story = if session.environment.switched_off {
        None
    } else {
        story(session, before.content()?, after.content()?)
    };
    match story {
        Some(story) => {
            let width = session.environment.columns.unwrap_or(100);
            let look = Look { colour, words: WordDiff::Auto, width };
            session.ui.out_bytes(show(&story, look).as_bytes())?;
        }
        None => plain(session, path, renamed.unwrap_or(path), &before, &after, colour)?,
    }
    Ok(Exit::Done)
}

/// What is to be told, if a workflow is on either side and nothing else on the other.
fn story(
    session: &Session,
    before: Content,
    after: Content,
) -> Option<crate::render::story::Story> {
    let graph = |content: Content| match content {
        Content::Graph(value) => Some(Some(value)),
        Content::Output(output) => output.graph.map(Some),
        Content::Other(bytes) => bytes.is_empty().then_some(None),
    };
    let (before, after) = match (graph(before)?, graph(after)?) {
        (None, None) => return None,
        (Some(before), Some(after)) => (before, after),
        (Some(before), None) => (before.clone(), emptied(before)?),
        (None, Some(after)) => (emptied(after.clone())?, after),
    };
    let mut names = SubgraphNames::default();
    for document in [&before, &after] {
        if let Ok(workflow) = Workflow::from_value(document.clone()) {
            let definitions = workflow.definitions.values();
            names.extend(definitions.map(|d| (d.id().clone(), d.name().to_owned())));
        }
    }
    let naming = naming::cached(session);
    let script = diff::diff(before, after, &naming)?;
    Some(tell(&script, &names, Layout::Folded))
}

/// The same kind of workflow with nothing in it: what a new file is compared with.
fn emptied(mut workflow: Value) -> Option<Value> {
    let root = workflow.as_object_mut()?;
    root.get("nodes")?;
    for list in ["nodes", "links", "groups", "floatingLinks", "reroutes"] {
        if let Some(list) = root.get_mut(list) {
            *list = Value::Array(Vec::new());
        }
    }
    root.remove("definitions");
    if let Some(extra) = root.get_mut("extra") {
        *extra = Value::Object(crate::json::Object::new());
    }
    Some(workflow)
}

fn plain(
    session: &Session,
    path: &str,
    new_path: &str,
    before: &Given,
    after: &Given,
    colour: Colour,
) -> Result<()> {
    let side = |given: &Given| PatchSide { file: given.file.clone(), blob: given.blob.clone() };
    let patch_colour = match colour {
        Colour::On => PatchColour::On,
        Colour::Off => PatchColour::Off,
    };
    let hunks =
        hunks(&session.cwd, Path::new(new_path), &side(before), &side(after), patch_colour)?;
    let name = |given: &Given, prefix: &str, path: &str| match given.file {
        Some(_) => format!("{prefix}/{}", sanitize::line(path)),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (name(before, "a", path), name(after, "b", new_path));
    match hunks {
        None => {
            session.ui.out_bytes(format!("Binary files {old} and {new} differ\n").as_bytes())?
        }
        Some(hunks) if hunks.is_empty() => {}
        Some(hunks) => {
            let mut head = Head { out: String::new(), colour };
            head.line(&format!("--- {old}"));
            head.line(&format!("+++ {new}"));
            session.ui.out_bytes(head.out.as_bytes())?;
            session.ui.out_bytes(&hunks)?;
        }
    }
    Ok(())
}

/// git's own rule: colour for a person, unless the configuration says otherwise.
fn colour(session: &Session) -> Colour {
    let sees = session.environment.pager_in_use || std::io::stdout().is_terminal();
    let settings = session.repository().and_then(|repository| repository.settings("color."));
    let setting = |key: &str| {
        let all = settings.as_deref().unwrap_or_default().iter().rev();
        all.filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).next()
    };
    let on = match setting("color.diff").or_else(|| setting("color.ui")) {
        Some("always") => true,
        Some("never" | "false" | "no" | "off" | "0") => false,
        _ => sees,
    };
    if on { Colour::On } else { Colour::Off }
}

/// The lines that name the file, as git writes them.
struct Head {
    out: String,
    colour: Colour,
}

impl Head {
    fn line(&mut self, text: &str) {
        let bold = anstyle::Style::new().bold();
        let _ = match self.colour {
            Colour::On => writeln!(self.out, "{bold}{text}{bold:#}"),
            Colour::Off => writeln!(self.out, "{text}"),
        };
    }

    fn lines(
        &mut self,
        path: &str,
        new_path: &str,
        told: Option<&String>,
        before: &Given,
        after: &Given,
    ) {
        self.line(&format!("diff --git a/{} b/{}", sanitize::line(path), sanitize::line(new_path)));
        if let Some(told) = told {
            for line in told.lines() {
                self.line(&sanitize::line(line));
            }
            return;
        }
        match (before.mode.as_str(), after.mode.as_str()) {
            (".", mode) => self.line(&format!("new file mode {mode}")),
            (mode, ".") => self.line(&format!("deleted file mode {mode}")),
            (old, new) if old != new => {
                self.line(&format!("old mode {old}"));
                self.line(&format!("new mode {new}"));
            }
            _ => {}
        }
    }
}
