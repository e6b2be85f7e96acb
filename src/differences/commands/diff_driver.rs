//! `git-comfy diff-driver`: what plain `git diff` shows of one file. git calls it with the
//! path and both contents as files, and shows whatever it prints.
//!
//! A file without a workflow shows the very hunks that git would show.

use std::path::{Path, PathBuf};

use crate::differences::content;
use crate::differences::content::FileContent;
use crate::differences::file_diff::DiffHeader;
use crate::differences::graph_diff::compare_contents;
use crate::differences::lost_graph::describe_lost_graph;
use crate::differences::patch::{PatchSide, git_hunks};
use crate::differences::text::LayoutDetail;
use crate::differences::text::diff_description::DiffDescription;
use crate::differences::text::terminal::{TerminalStyle, WordDiff, render_for_terminal};
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::machine::node_catalog;
use crate::platform::text::{Colour, sanitize};
use crate::screen;
use crate::session::Session;

/// Show how one file changed (git calls this for `git diff`).
#[derive(Debug, clap::Args)]
pub struct DiffDriverArgs {
    /// What git passes: path, then file, id and mode of both sides; after a rename the new
    /// path and a text about it. For an unmerged file only the path.
    #[arg(value_name = "ARGUMENT", num_args = 1..=9, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// One side as git passes it: file, blob id, mode.
#[derive(Debug)]
struct DriverSide {
    /// Where the content lies; nothing if the file is not there on this side.
    file: Option<PathBuf>,
    /// The blob's id, if it is one.
    blob: Option<String>,
    /// The file mode in octal; `.` if the file is not there.
    mode: String,
}

impl DriverSide {
    fn parse(three: &[String]) -> DriverSide {
        let [file, blob, mode] = three else {
            return DriverSide { file: None, blob: None, mode: ".".to_owned() };
        };
        let is_blob = blob != "." && blob.bytes().any(|digit| digit != b'0');
        DriverSide {
            file: (file != "/dev/null" && file != "nul").then(|| PathBuf::from(file)),
            blob: is_blob.then(|| blob.clone()),
            mode: mode.clone(),
        }
    }

    /// `None` for what is too large to be compared.
    fn read_content(&self) -> Result<Option<FileContent>> {
        Ok(match (&self.file, self.mode.as_str()) {
            // A link's content is where it leads to, a submodule's is a commit.
            (Some(file), mode) if mode.starts_with("100") => content::read_content(file)?,
            _ => Some(FileContent::ABSENT),
        })
    }
}

pub fn run(args: &DiffDriverArgs, session: &Session) -> Result<Exit> {
    let [path, sides @ ..] = args.arguments.as_slice() else { return Ok(Exit::Done) };
    if sides.len() < 6 {
        session.ui.print_bytes(format!("* Unmerged path {}\n", sanitize::line(path)).as_bytes())?;
        return Ok(Exit::Done);
    }
    let (before, after) = (DriverSide::parse(&sides[..3]), DriverSide::parse(&sides[3..6]));
    let (renamed, told) = (sides.get(6), sides.get(7));
    let colour = screen::resolve_colour(session, "diff");
    let mut head = DiffHeader::new(colour);
    push_header_lines(&mut head, path, renamed.unwrap_or(path), told, &before, &after);
    session.ui.print_bytes(head.into_text().as_bytes())?;
    let contents = match session.environment.switched_off {
        true => None,
        false => before.read_content()?.zip(after.read_content()?),
    };
    if let Some((was, is)) = &contents
        && let Some(lost) =
            describe_lost_graph(before.file.as_ref().map(|_| was), after.file.as_ref().map(|_| is))
    {
        let mut head = DiffHeader::new(colour);
        head.push_loud(&lost);
        session.ui.print_bytes(head.into_text().as_bytes())?;
        return Ok(Exit::Done);
    }
    let description = match contents {
        None => None,
        Some((before, after)) => describe_contents(session, before, after, colour)?,
    };
    match description {
        Some(description) => {
            let width = session.environment.columns.unwrap_or(100);
            let style = TerminalStyle { colour, words: WordDiff::Auto, width };
            session.ui.print_bytes(render_for_terminal(&description, style).as_bytes())?;
        }
        None => print_plain_diff(session, path, renamed.unwrap_or(path), &before, &after, colour)?,
    }
    Ok(Exit::Done)
}

/// How the contents differ, where they can be compared as graphs; what outputs say of themselves
/// is printed by then.
fn describe_contents(
    session: &Session,
    before: FileContent,
    after: FileContent,
    colour: Colour,
) -> Result<Option<DiffDescription>> {
    let catalog = node_catalog::catalog_for_session(session);
    let told = [&before, &after].map(|content| content.output_description().map(str::to_owned));
    let Some(compared) = compare_contents(before, after, &catalog) else { return Ok(None) };
    let mut head = DiffHeader::new(colour);
    head.push_outputs(told.each_ref().map(Option::as_deref));
    session.ui.print_bytes(head.into_text().as_bytes())?;
    Ok(Some(compared.describe(LayoutDetail::Counted)))
}

fn print_plain_diff(
    session: &Session,
    path: &str,
    new_path: &str,
    before: &DriverSide,
    after: &DriverSide,
    colour: Colour,
) -> Result<()> {
    // For a submodule git passes a text file; the id is that of a commit.
    let blob = |given: &DriverSide| given.blob.clone().filter(|_| given.mode != "160000");
    let side = |given: &DriverSide| PatchSide { file: given.file.clone(), blob: blob(given) };
    let hunks = git_hunks(&session.cwd, Path::new(new_path), &side(before), &side(after), colour)?;
    let name = |given: &DriverSide, prefix: &str, path: &str| match given.file {
        Some(_) => format!("{prefix}/{}", sanitize::line(path)),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (name(before, "a", path), name(after, "b", new_path));
    match hunks {
        None => {
            session.ui.print_bytes(format!("Binary files {old} and {new} differ\n").as_bytes())?
        }
        Some(hunks) if hunks.is_empty() => {}
        Some(hunks) => {
            let mut head = DiffHeader::new(colour);
            head.push_line(&format!("--- {old}"));
            head.push_line(&format!("+++ {new}"));
            session.ui.print_bytes(head.into_text().as_bytes())?;
            session.ui.print_bytes(&hunks)?;
        }
    }
    Ok(())
}

fn push_header_lines(
    head: &mut DiffHeader,
    path: &str,
    new_path: &str,
    told: Option<&String>,
    before: &DriverSide,
    after: &DriverSide,
) {
    head.push_line(&format!(
        "diff --git a/{} b/{}",
        sanitize::line(path),
        sanitize::line(new_path)
    ));
    if let Some(told) = told {
        for line in told.lines() {
            head.push_line(&sanitize::line(line));
        }
        return;
    }
    let mode = |given: &'_ DriverSide| Some(given.mode.clone()).filter(|mode| mode != ".");
    head.push_modes(mode(before).as_deref(), mode(after).as_deref());
}
