//! `git comfy conflicts`: the conflict copies of synced folders, found and merged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::import::conflicts::synced_folder::file_name;
use crate::import::conflicts::{ConflictCopy, CopyOutcome, SyncedFolder, describe_outcome};
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

pub(crate) fn run(args: &ConflictsArgs, session: &Session) -> Result<Exit> {
    // Without the `.` that the folder is where nobody names one.
    let folder: PathBuf = session.cwd.join(&args.folder).components().collect();
    if !folder.is_dir() {
        let name = args.folder.to_string_lossy();
        return Err(CommandError::user(format!("{} is no folder", sanitize::line(&name))));
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
    let mut tally = CopyTally::default();
    for copy in &copies {
        if tally.current_file.as_ref() != Some(&copy.file) {
            session.ui.print(&format!("{}\n", display_path(&folder, &copy.file)))?;
            tally.current_file = Some(copy.file.clone());
        }
        let outcome = match args.merge {
            true => synced.merge_copy(copy)?,
            false => tally.preview_copy(&synced, copy)?,
        };
        tally.count_outcome(&outcome);
        let (name, description) = (file_name(&copy.copy), describe_outcome(&outcome));
        let service = copy.service;
        session.ui.print(&format!("  {}  ({service}): {description}\n", sanitize::line(&name)))?;
    }
    report_summary(args, &synced, &tally, session);
    Ok(if tally.open_conflicts > 0 { Exit::Conflicts } else { Exit::Done })
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
        let outcome = synced.preview(copy, ours)?.outcome;
        if let CopyOutcome::Merged { content, .. } = &outcome {
            self.merged_contents.insert(copy.file.clone(), content.clone());
        }
        Ok(outcome)
    }

    fn count_outcome(&mut self, outcome: &CopyOutcome) {
        match outcome {
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
    tally: &CopyTally,
    session: &Session,
) {
    if !args.merge {
        if tally.mergeable > 0 {
            session.ui.info("`git comfy conflicts --merge` does this");
        }
        return;
    }
    if let Some(folder_aside) = synced.set_aside().current_folder() {
        let folder_aside = folder_aside.to_string_lossy();
        session
            .ui
            .info(&format!("the files as they were lie in {}", sanitize::line(&folder_aside)));
        session.ui.info("`git comfy conflicts --undo` puts them back");
    }
    if tally.open_conflicts > 0 {
        let count = merge_files::describe_count(tally.open_conflicts);
        session.ui.info(&format!("{count} left; `git comfy resolve FILE` settles them"));
    }
}

fn display_path(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
    sanitize::line(&below).into_owned()
}
