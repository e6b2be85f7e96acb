//! `git comfy conflicts`: the copies that Dropbox, Syncthing and the like leave when a
//! workflow was changed in two places, merged into the file they belong to.
//!
//! The ancestor is the known state of the file that the copy is nearest to: that is where
//! it began. Where none is known, what differs is a conflict. Whatever is merged, both
//! files as they were are set aside first.

pub mod ancestor;
pub mod set_aside;
pub mod synced_folder;

pub(crate) use synced_folder::{ConflictCopy, CopyOutcome, SyncedFolder};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
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
pub struct ConflictsArgs {
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

pub fn run(args: &ConflictsArgs, session: &Session) -> Result<Exit> {
    // Without the `.` that the folder is where nobody names one.
    let folder: PathBuf = session.cwd.join(&args.folder).components().collect();
    if !folder.is_dir() {
        let name = args.folder.to_string_lossy();
        return Err(CommandError::new(format!("{} is no folder", sanitize::line(&name))));
    }
    let synced = SyncedFolder::open(session, &folder);
    if args.undo {
        synced.set_aside().restore_last_call()?.iter().for_each(|line| session.ui.info(line));
        return Ok(Exit::Done);
    }
    let copies = synced.find_copies()?;
    if copies.is_empty() {
        session.ui.info("there are no conflict copies here");
        return Ok(Exit::Done);
    }
    let mut seen = CopyTally::default();
    for copy in &copies {
        if seen.current_file.as_ref() != Some(&copy.file) {
            session.ui.print(&format!("{}\n", display_path(&folder, &copy.file)))?;
            seen.current_file = Some(copy.file.clone());
        }
        let fate = match args.merge {
            true => synced.merge_copy(copy)?,
            false => seen.preview_copy(&synced, copy)?,
        };
        seen.count_outcome(&fate);
        let (name, told) = (synced_folder::file_name(&copy.copy), describe_outcome(&fate));
        let service = copy.service;
        session.ui.print(&format!("  {}  ({service}): {told}\n", sanitize::line(&name)))?;
    }
    report_summary(args, &synced, &seen, session);
    Ok(if seen.open_conflicts > 0 { Exit::Conflicts } else { Exit::Done })
}

#[derive(Default)]
struct CopyTally {
    current_file: Option<PathBuf>,
    /// What files would hold after the copies so far.
    merged_contents: BTreeMap<PathBuf, Vec<u8>>,
    open_conflicts: usize,
    mergeable: usize,
}

impl CopyTally {
    /// What merging would give, after the copies before.
    fn preview_copy(&mut self, synced: &SyncedFolder, copy: &ConflictCopy) -> Result<CopyOutcome> {
        let ours = self.merged_contents.get(&copy.file).map(Vec::as_slice);
        let fate = synced.preview(copy, ours)?.outcome;
        if let CopyOutcome::Merged { content, .. } = &fate {
            self.merged_contents.insert(copy.file.clone(), content.clone());
        }
        Ok(fate)
    }

    fn count_outcome(&mut self, fate: &CopyOutcome) {
        match fate {
            CopyOutcome::Merged { conflicts, .. } => {
                self.open_conflicts += conflicts;
                self.mergeable += 1;
            }
            CopyOutcome::Same | CopyOutcome::Older => self.mergeable += 1,
            CopyOutcome::Skipped(_) => {}
        }
    }
}

fn report_summary(
    args: &ConflictsArgs,
    synced: &SyncedFolder,
    seen: &CopyTally,
    session: &Session,
) {
    if !args.merge {
        if seen.mergeable > 0 {
            session.ui.info("`git comfy conflicts --merge` does this");
        }
        return;
    }
    if let Some(aside) = synced.set_aside().current_folder() {
        let aside = aside.to_string_lossy();
        session.ui.info(&format!("the files as they were lie in {}", sanitize::line(&aside)));
        session.ui.info("`git comfy conflicts --undo` puts them back");
    }
    if seen.open_conflicts > 0 {
        let count = merge_files::describe_count(seen.open_conflicts);
        session.ui.info(&format!("{count} left; `git comfy resolve FILE` settles them"));
    }
}

/// What becomes of a copy, to stand behind its name.
pub(crate) fn describe_outcome(fate: &CopyOutcome) -> String {
    match fate {
        CopyOutcome::Same => "means the same; it is only set aside".into(),
        CopyOutcome::Older => "an earlier state of the file; it is only set aside".into(),
        CopyOutcome::Merged { conflicts: 0, change, from, .. } => {
            format!("merges by itself, {}: {change}", from.describe())
        }
        CopyOutcome::Merged { conflicts, change, from, .. } => {
            format!("{}, {}: {change}", merge_files::describe_count(*conflicts), from.describe())
        }
        CopyOutcome::Skipped(why) => format!("left as it is: {why}"),
    }
}

fn display_path(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
    sanitize::line(&below).into_owned()
}
