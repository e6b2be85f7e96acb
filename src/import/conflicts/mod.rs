//! `git comfy conflicts`: the copies that Dropbox, Syncthing and the like leave when a
//! workflow was changed in two places, merged into the file they belong to.
//!
//! The ancestor is the known state of the file that the copy is nearest to: that is where
//! it began. Where none is known, what differs is a conflict. Whatever is merged, both
//! files as they were are set aside first.

pub mod ancestor;
pub mod aside;
pub mod synced;

pub(crate) use synced::{Copy, Fate, Synced};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::merging::merge_files;
use crate::platform::text::sanitize;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy conflicts                  which copies are here, and what would become of them?
  git comfy conflicts --merge          merge each into its file
  git comfy conflicts --undo           put the files of the last --merge back
  git comfy conflicts ~/Dropbox/flows

Nothing is thrown away: both files, as they were, are kept beside the repository's own data.
What cannot be settled is in the file, which opens in ComfyUI; `git comfy resolve` settles it.";

/// Find the conflict copies of synced folders, and merge them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder to look in, with its folders.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Merge each copy into the file it belongs to.
    #[arg(long)]
    merge: bool,
    /// Put files and copies back as they were before the last --merge.
    #[arg(long, conflicts_with = "merge")]
    undo: bool,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    // Without the `.` that the folder is where nobody names one.
    let folder: PathBuf = session.cwd.join(&args.folder).components().collect();
    if !folder.is_dir() {
        let name = args.folder.to_string_lossy();
        return Err(Failure::new(format!("{} is no folder", sanitize::line(&name))));
    }
    let synced = Synced::of(session, &folder);
    if args.undo {
        synced.aside().put_back()?.iter().for_each(|line| session.ui.say(line));
        return Ok(Exit::Done);
    }
    let copies = synced.copies()?;
    if copies.is_empty() {
        session.ui.say("there are no conflict copies here");
        return Ok(Exit::Done);
    }
    let mut seen = Seen::default();
    for copy in &copies {
        if seen.file.as_ref() != Some(&copy.file) {
            session.ui.out(&format!("{}\n", shown(&folder, &copy.file)))?;
            seen.file = Some(copy.file.clone());
        }
        let fate = match args.merge {
            true => synced.settle_copy(copy)?,
            false => seen.look(&synced, copy)?,
        };
        seen.count(&fate);
        let (name, told) = (synced::name(&copy.copy), told(&fate));
        let service = copy.service;
        session.ui.out(&format!("  {}  ({service}): {told}\n", sanitize::line(&name)))?;
    }
    tell_end(args, &synced, &seen, session);
    Ok(if seen.open > 0 { Exit::Conflicts } else { Exit::Done })
}

#[derive(Default)]
struct Seen {
    file: Option<PathBuf>,
    /// What files would hold after the copies so far.
    held: BTreeMap<PathBuf, Vec<u8>>,
    open: usize,
    can: usize,
}

impl Seen {
    /// What merging would give, after the copies before.
    fn look(&mut self, synced: &Synced, copy: &Copy) -> Result<Fate> {
        let ours = self.held.get(&copy.file).map(Vec::as_slice);
        let fate = synced.look(copy, ours)?.fate;
        if let Fate::Merged { content, .. } = &fate {
            self.held.insert(copy.file.clone(), content.clone());
        }
        Ok(fate)
    }

    fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::Merged { conflicts, .. } => {
                self.open += conflicts;
                self.can += 1;
            }
            Fate::Same | Fate::Older => self.can += 1,
            Fate::Left(_) => {}
        }
    }
}

fn tell_end(args: &Args, synced: &Synced, seen: &Seen, session: &Session) {
    if !args.merge {
        if seen.can > 0 {
            session.ui.say("`git comfy conflicts --merge` does this");
        }
        return;
    }
    if let Some(aside) = synced.aside().own() {
        let aside = aside.to_string_lossy();
        session.ui.say(&format!("the files as they were lie in {}", sanitize::line(&aside)));
        session.ui.say("`git comfy conflicts --undo` puts them back");
    }
    if seen.open > 0 {
        let count = merge_files::count(seen.open);
        session.ui.say(&format!("{count} left; `git comfy resolve FILE` settles them"));
    }
}

/// What becomes of a copy, to stand behind its name.
pub(crate) fn told(fate: &Fate) -> String {
    match fate {
        Fate::Same => "means the same; it is only set aside".into(),
        Fate::Older => "an earlier state of the file; it is only set aside".into(),
        Fate::Merged { conflicts: 0, change, from, .. } => {
            format!("merges by itself, {}: {change}", from.told())
        }
        Fate::Merged { conflicts, change, from, .. } => {
            format!("{}, {}: {change}", merge_files::count(*conflicts), from.told())
        }
        Fate::Left(why) => format!("left as it is: {why}"),
    }
}

fn shown(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
    sanitize::line(&below).into_owned()
}
