//! `git-comfy diff-driver`: what plain `git diff` shows of one file. git calls it with the
//! path and both contents as files, and shows whatever it prints.
//!
//! A file without a workflow shows the very hunks that git would show.

use std::fs;
use std::path::{Path, PathBuf};

use crate::differences::compared::compare;
use crate::differences::content::Content;
use crate::differences::file_diff::Head;
use crate::differences::patch::{PatchColour, PatchSide, hunks};
use crate::differences::text::Layout;
use crate::differences::text::terminal::{Look, WordDiff, show};
use crate::differences::{content, widget_names};
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::text::{Colour, sanitize};
use crate::screen;
use crate::session::Session;

/// Show how one file changed (git calls this for `git diff`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What git passes: path, then file, id and mode of both sides; after a rename the new
    /// path and a text about it. For an unmerged file only the path.
    #[arg(value_name = "ARGUMENT", num_args = 1..=9, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// One side as git passes it: file, blob id, mode.
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
            // A link's content is where it leads to, a submodule's is a commit.
            (Some(file), mode) if mode.starts_with("100") => content::read(fs::read(file)?),
            _ => Content::NOTHING,
        })
    }
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let [path, sides @ ..] = args.arguments.as_slice() else { return Ok(Exit::Done) };
    if sides.len() < 6 {
        session.ui.out_bytes(format!("* Unmerged path {}\n", sanitize::line(path)).as_bytes())?;
        return Ok(Exit::Done);
    }
    let (before, after) = (Given::of(&sides[..3]), Given::of(&sides[3..6]));
    let (renamed, told) = (sides.get(6), sides.get(7));
    let colour = screen::colour(session, "diff");
    let mut head = Head { out: String::new(), colour };
    head_lines(&mut head, path, renamed.unwrap_or(path), told, &before, &after);
    session.ui.out_bytes(head.out.as_bytes())?;
    let story = if session.environment.switched_off {
        None
    } else {
        let naming = widget_names::cached(session);
        let contents = [before.content()?, after.content()?];
        let told = contents.each_ref().map(|content| content.told().map(str::to_owned));
        let [before, after] = contents;
        let compared = compare(before, after, &naming);
        if compared.is_some() {
            let mut head = Head { out: String::new(), colour };
            head.outputs(told.each_ref().map(Option::as_deref));
            session.ui.out_bytes(head.out.as_bytes())?;
        }
        compared.map(|compared| compared.story(Layout::Folded))
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

fn plain(
    session: &Session,
    path: &str,
    new_path: &str,
    before: &Given,
    after: &Given,
    colour: Colour,
) -> Result<()> {
    // For a submodule git passes a text file; the id is that of a commit.
    let blob = |given: &Given| given.blob.clone().filter(|_| given.mode != "160000");
    let side = |given: &Given| PatchSide { file: given.file.clone(), blob: blob(given) };
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

fn head_lines(
    head: &mut Head,
    path: &str,
    new_path: &str,
    told: Option<&String>,
    before: &Given,
    after: &Given,
) {
    head.line(&format!("diff --git a/{} b/{}", sanitize::line(path), sanitize::line(new_path)));
    if let Some(told) = told {
        for line in told.lines() {
            head.line(&sanitize::line(line));
        }
        return;
    }
    let mode = |given: &'_ Given| Some(given.mode.clone()).filter(|mode| mode != ".");
    head.modes(mode(before).as_deref(), mode(after).as_deref());
}
