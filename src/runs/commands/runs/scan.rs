//! `git comfy runs scan`: records what output files carry.

use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::machine::folder_argument;
use crate::platform::machine::folder_argument::Links;
use crate::platform::machine::hash::Stamp;
use crate::platform::text::sanitize;
use crate::runs::file::Looked;
use crate::runs::filing::{Filed, Filing};
use crate::runs::folders::Folders;
use crate::runs::readers::Found;
use crate::runs::run_store::Shelf;
use crate::runs::{file, readers};
use crate::session::Session;
use crate::ui::Bar;

/// Record the runs behind output files, from what they carry.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders or files; none means ComfyUI's output folder and the pictures that git
    /// tracks here.
    #[arg(value_name = "DIR")]
    pub(crate) places: Vec<PathBuf>,
    /// Look at files again that were looked at before.
    #[arg(long)]
    pub(crate) again: bool,
}

/// Runs that are written in one step: what an interruption costs at most.
const AT_ONCE: usize = 256;
/// Files without anything in them that are named.
const NAMED: usize = 20;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) files: usize,
    pub(crate) new: usize,
    pub(crate) runs: usize,
    pub(crate) unfinished: usize,
    pub(crate) unreadable: usize,
    /// Files that carry nothing about a run.
    pub(crate) bare: usize,
    /// The first of those, to be named.
    pub(crate) named: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let mut shelf = Shelf::open(session)?;
    let folders = Folders::of(session, &shelf.repository)?;
    let places = if args.places.is_empty() {
        folders.places(&shelf.repository)?
    } else {
        args.places.iter().map(|place| session.cwd.join(place)).collect()
    };
    if places.is_empty() {
        return Err(Failure::new("no ComfyUI output folder was found")
            .hint("name the folder: git comfy runs scan DIR")
            .hint("git config comfy.output DIR remembers it"));
    }
    let bar = session.ui.count_bar("reading files");
    let scanned = scan(session, &mut shelf, &folders, &places, args.again, Some(&bar))?;
    bar.finish();
    let mut text = told(&scanned);
    if let Some(output) = folders.output().filter(|_| args.places.is_empty()) {
        text += &format!(", in {}", sanitize::line(&output.display().to_string()));
    }
    session.ui.tell(&text)?;
    Ok(if scanned.unreadable > 0 { Exit::Found } else { Exit::Done })
}

pub(crate) fn told(scanned: &Scanned) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let files = counted(scanned.files, "file");
    let mut text = match (scanned.new, scanned.runs) {
        (0, 0) => format!("{files} read: nothing new"),
        (new, runs) => {
            format!("{files} read, {new} new: {} recorded or completed", counted(runs, "run"))
        }
    };
    if scanned.unfinished > 0 {
        text += &format!("; {} still being written, next time", scanned.unfinished);
    }
    if scanned.unreadable > 0 {
        text += &format!("; {} could not be read", scanned.unreadable);
    }
    text
}

/// Reads files in several threads and records what they carry. Whoever ends this loses
/// what was read since the last writing, and the next scan goes on from there.
pub(crate) fn scan(
    session: &Session,
    shelf: &mut Shelf,
    folders: &Folders,
    places: &[PathBuf],
    again: bool,
    bar: Option<&Bar>,
) -> Result<Scanned> {
    let (mut files, unopened) = files_of(places, session)?;
    if !again {
        let mut left = Vec::with_capacity(files.len());
        for found in files {
            if !is_known(shelf, &found.path)? {
                left.push(found);
            }
        }
        files = left;
    }
    let mut scan = Scan {
        session,
        shelf,
        folders,
        filing: Filing::default(),
        seen: Vec::new(),
        scanned: Scanned { files: files.len(), unreadable: unopened, ..Scanned::default() },
    };
    readers::each(files, bar, &file::look, &mut |found, looked| scan.take(&found, looked))?;
    scan.write()?;
    Ok(scan.scanned)
}

/// The files at some places that may be outputs, and how many folders could not be looked
/// into, which is told.
pub(crate) fn files_of(places: &[PathBuf], session: &Session) -> Result<(Vec<Found>, usize)> {
    let (mut files, mut unopened) = (Vec::new(), 0);
    for place in places {
        let place = std::fs::canonicalize(place).map_err(|error| {
            Failure::new(format!("{}: {error}", sanitize::line(&place.display().to_string())))
        })?;
        if place.is_file() {
            files.push(Found { base: place.parent().unwrap_or(&place).to_owned(), path: place });
            continue;
        }
        let below = folder_argument::files(&place, Links::ToFiles, &file::may_be_output)?;
        unopened += below.closed.len();
        below.remarks().iter().for_each(|remark| session.ui.say(remark));
        files.extend(below.files.into_iter().map(|path| Found { base: place.clone(), path }));
    }
    Ok((files, unopened))
}

/// Whether a file was looked at in its present state.
pub(crate) fn is_known(shelf: &Shelf, path: &Path) -> Result<bool> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(false) };
    let stamp = file::remembered(Stamp::of(&metadata));
    Ok(shelf.index.has_seen(&path.to_string_lossy(), &stamp)?)
}

/// A scan under way: what was read, and not all of it written yet.
struct Scan<'s> {
    session: &'s Session,
    shelf: &'s mut Shelf,
    folders: &'s Folders,
    filing: Filing,
    seen: Vec<(String, String)>,
    scanned: Scanned,
}

impl Scan<'_> {
    fn take(&mut self, found: &Found, looked: std::io::Result<Option<Looked>>) -> Result<()> {
        match looked {
            Ok(Some(looked)) => {
                let memory =
                    (looked.path.to_string_lossy().into_owned(), file::remembered(looked.stamp));
                let place = self.folders.name(&found.base, &found.path);
                match self.filing.file(self.session, self.shelf, looked, place)? {
                    Filed::New => self.scanned.new += 1,
                    Filed::Known => {}
                    Filed::Nothing => {
                        self.scanned.bare += 1;
                        if self.scanned.named.len() < NAMED {
                            self.scanned.named.push(found.path.clone());
                        }
                    }
                }
                self.seen.push(memory);
            }
            Ok(None) => self.scanned.unfinished += 1,
            Err(error) => {
                self.scanned.unreadable += 1;
                let path = found.path.display().to_string();
                self.session.ui.say(&format!("{}: {error}", sanitize::line(&path)));
            }
        }
        if self.filing.len() >= AT_ONCE || self.seen.len() >= AT_ONCE * 8 {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.scanned.runs += self.filing.write(self.session, self.shelf)?;
        // Only now: what was not written must be read again.
        Ok(self.shelf.index.saw(&std::mem::take(&mut self.seen))?)
    }
}
