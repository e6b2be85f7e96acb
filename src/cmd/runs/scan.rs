//! `git comfy runs scan`: records what output files carry.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use super::file::{self, Looked};
use super::filing::{Filed, Filing};
use super::folders::Folders;
use super::shelf::Shelf;
use crate::cmd::folder::{self, Links};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::host::hash::Stamp;
use crate::render::sanitize;
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
/// Files that wait between the readers and the recorder: their payloads are in memory.
const WAITING: usize = 64;

/// What a scan did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) files: usize,
    pub(crate) new: usize,
    pub(crate) runs: usize,
    pub(crate) unfinished: usize,
    pub(crate) unreadable: usize,
}

/// Scans and tells.
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
    let mut text = told(scanned);
    if let Some(output) = folders.output().filter(|_| args.places.is_empty()) {
        text += &format!(", in {}", sanitize::line(&output.display().to_string()));
    }
    session.ui.tell(&text)?;
    Ok(if scanned.unreadable > 0 { Exit::Found } else { Exit::Done })
}

fn told(scanned: Scanned) -> String {
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
    let (mut files, mut unopened) = (Vec::new(), 0);
    for place in places {
        let place = std::fs::canonicalize(place).map_err(|error| {
            Failure::new(format!("{}: {error}", sanitize::line(&place.display().to_string())))
        })?;
        if place.is_file() {
            files.push((place.parent().unwrap_or(&place).to_owned(), place));
            continue;
        }
        let below = folder::files(&place, Links::ToFiles, &file::may_be_output)?;
        unopened += below.closed.len();
        below.remarks().iter().for_each(|remark| session.ui.say(remark));
        files.extend(below.files.into_iter().map(|path| (place.clone(), path)));
    }
    if !again {
        let mut left = Vec::with_capacity(files.len());
        for (base, path) in files {
            if !is_known(shelf, &path)? {
                left.push((base, path));
            }
        }
        files = left;
    }
    if let Some(bar) = bar {
        bar.extend(files.len() as u64);
    }
    let scanned = read_all(session, shelf, folders, files, bar)?;
    Ok(Scanned { unreadable: scanned.unreadable + unopened, ..scanned })
}

fn is_known(shelf: &Shelf, path: &Path) -> Result<bool> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(false) };
    let stamp = file::remembered(Stamp::of(&metadata));
    Ok(shelf.index.has_seen(&path.to_string_lossy(), &stamp)?)
}

type Found = (PathBuf, PathBuf);

fn read_all(
    session: &Session,
    shelf: &mut Shelf,
    folders: &Folders,
    files: Vec<Found>,
    bar: Option<&Bar>,
) -> Result<Scanned> {
    let mut scanned = Scanned { files: files.len(), ..Scanned::default() };
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let queue = Arc::new(Mutex::new(VecDeque::from(files)));
    let (sender, receiver) =
        mpsc::sync_channel::<(Found, std::io::Result<Option<Looked>>)>(WAITING);
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..threads {
            let (queue, sender) = (queue.clone(), sender.clone());
            scope.spawn(move || {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.pop_front());
                    let Some(found) = next else { return };
                    let looked = file::look(&found.1);
                    if sender.send((found, looked)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut filing = Filing::default();
        let mut seen = Vec::new();
        let done =
            receive(session, shelf, folders, bar, &receiver, &mut filing, &mut seen, &mut scanned);
        // Let the readers end, whatever happened.
        drop(receiver);
        done?;
        scanned.runs += filing.write(session, shelf)?;
        shelf.index.saw(&seen)?;
        Ok(())
    })?;
    Ok(scanned)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one loop")]
fn receive(
    session: &Session,
    shelf: &mut Shelf,
    folders: &Folders,
    bar: Option<&Bar>,
    receiver: &mpsc::Receiver<(Found, std::io::Result<Option<Looked>>)>,
    filing: &mut Filing,
    seen: &mut Vec<(String, String)>,
    scanned: &mut Scanned,
) -> Result<()> {
    for ((base, path), looked) in receiver {
        if let Some(bar) = bar {
            bar.advance(1);
        }
        match looked {
            Ok(Some(looked)) => {
                let memory =
                    (looked.path.to_string_lossy().into_owned(), file::remembered(looked.stamp));
                let place = folders.name(&base, &path);
                if filing.file(session, shelf, looked, place)? == Filed::New {
                    scanned.new += 1;
                }
                seen.push(memory);
            }
            Ok(None) => scanned.unfinished += 1,
            Err(error) => {
                scanned.unreadable += 1;
                let path = path.display().to_string();
                session.ui.say(&format!("{}: {error}", sanitize::line(&path)));
            }
        }
        if filing.len() >= AT_ONCE || seen.len() >= AT_ONCE * 8 {
            scanned.runs += filing.write(session, shelf)?;
            // Only now: what was not written must be read again.
            shelf.index.saw(&std::mem::take(seen))?;
        }
    }
    Ok(())
}
