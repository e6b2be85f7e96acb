//! `git comfy runs scan`: records what output files carry.

use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::machine::folder_argument;
use crate::platform::machine::folder_argument::LinkPolicy;
use crate::platform::machine::hash::FileStamp;
use crate::platform::text::sanitize;
use crate::runs::media_file::InspectedOutput;
use crate::runs::output_folders::OutputFolders;
use crate::runs::parallel_reader::OutputCandidate;
use crate::runs::run_batch::{FileAddition, RunBatch};
use crate::runs::run_store::RunStore;
use crate::runs::{media_file, parallel_reader};
use crate::session::Session;
use crate::ui::ProgressBar;

/// Record the runs behind output files, from what they carry.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsScanArgs {
    /// Folders or files; none means ComfyUI's output folder and the pictures that git
    /// tracks here.
    #[arg(value_name = "DIR")]
    pub(crate) places: Vec<PathBuf>,
    /// Look at files again that were looked at before.
    #[arg(long)]
    pub(crate) again: bool,
}

/// Runs that are written in one step: what an interruption costs at most.
const BATCH_SIZE: usize = 256;
/// Files without anything in them that are named.
const MAX_NAMED_FILES: usize = 20;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ScanResult {
    pub(crate) files: usize,
    pub(crate) new: usize,
    pub(crate) runs: usize,
    pub(crate) unfinished: usize,
    pub(crate) unreadable: usize,
    /// Files that carry nothing about a run.
    pub(crate) without_metadata: usize,
    /// The first of those, to be named.
    pub(crate) named_files: Vec<PathBuf>,
}

pub(crate) fn run(args: &RunsScanArgs, session: &Session) -> Result<Exit> {
    let mut shelf = RunStore::open(session)?;
    let folders = OutputFolders::detect(session, &shelf.repository)?;
    let places = if args.places.is_empty() {
        folders.scan_roots(&shelf.repository)?
    } else {
        args.places.iter().map(|place| session.cwd.join(place)).collect()
    };
    if places.is_empty() {
        return Err(CommandError::new("no ComfyUI output folder was found")
            .with_hint("name the folder: git comfy runs scan DIR")
            .with_hint("git config comfy.output DIR remembers it"));
    }
    let bar = session.ui.count_bar("reading files");
    let scanned = scan_outputs(session, &mut shelf, &folders, &places, args.again, Some(&bar))?;
    bar.finish();
    let mut text = summarize_scan(&scanned);
    if let Some(output) = folders.output_folder().filter(|_| args.places.is_empty()) {
        text += &format!(", in {}", sanitize::line(&output.display().to_string()));
    }
    session.ui.report(&text)?;
    Ok(if scanned.unreadable > 0 { Exit::Found } else { Exit::Done })
}

pub(crate) fn summarize_scan(scanned: &ScanResult) -> String {
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
pub(crate) fn scan_outputs(
    session: &Session,
    shelf: &mut RunStore,
    folders: &OutputFolders,
    places: &[PathBuf],
    again: bool,
    bar: Option<&ProgressBar>,
) -> Result<ScanResult> {
    let (mut files, unopened) = list_output_files(places, session)?;
    if !again {
        let mut left = Vec::with_capacity(files.len());
        for found in files {
            if !was_scanned(shelf, &found.path)? {
                left.push(found);
            }
        }
        files = left;
    }
    let mut scan = OutputScan {
        session,
        run_store: shelf,
        folders,
        batch: RunBatch::default(),
        scanned_files: Vec::new(),
        result: ScanResult { files: files.len(), unreadable: unopened, ..ScanResult::default() },
    };
    parallel_reader::read_in_parallel(
        files,
        bar,
        &media_file::inspect_file,
        &mut |found, looked| scan.add_file(&found, looked),
    )?;
    scan.flush()?;
    Ok(scan.result)
}

/// The files at some places that may be outputs, and how many folders could not be looked
/// into, which is told.
pub(crate) fn list_output_files(
    places: &[PathBuf],
    session: &Session,
) -> Result<(Vec<OutputCandidate>, usize)> {
    let (mut files, mut unopened) = (Vec::new(), 0);
    for place in places {
        let place = std::fs::canonicalize(place).map_err(|error| {
            CommandError::new(format!("{}: {error}", sanitize::line(&place.display().to_string())))
        })?;
        if place.is_file() {
            files.push(OutputCandidate {
                base: place.parent().unwrap_or(&place).to_owned(),
                path: place,
            });
            continue;
        }
        let below =
            folder_argument::list_files(&place, LinkPolicy::ToFiles, &media_file::may_be_output)?;
        unopened += below.unreadable.len();
        below.remarks().iter().for_each(|remark| session.ui.info(remark));
        files.extend(
            below.files.into_iter().map(|path| OutputCandidate { base: place.clone(), path }),
        );
    }
    Ok((files, unopened))
}

/// Whether a file was looked at in its present state.
pub(crate) fn was_scanned(shelf: &RunStore, path: &Path) -> Result<bool> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(false) };
    let stamp = media_file::stamp_key(FileStamp::from_metadata(&metadata));
    Ok(shelf.index.has_scanned(&path.to_string_lossy(), &stamp)?)
}

/// A scan under way: what was read, and not all of it written yet.
struct OutputScan<'s> {
    session: &'s Session,
    run_store: &'s mut RunStore,
    folders: &'s OutputFolders,
    batch: RunBatch,
    scanned_files: Vec<(String, String)>,
    result: ScanResult,
}

impl OutputScan<'_> {
    fn add_file(
        &mut self,
        found: &OutputCandidate,
        looked: std::io::Result<Option<InspectedOutput>>,
    ) -> Result<()> {
        match looked {
            Ok(Some(looked)) => {
                let memory = (
                    looked.path.to_string_lossy().into_owned(),
                    media_file::stamp_key(looked.stamp),
                );
                let place = self.folders.name_output(&found.base, &found.path);
                match self.batch.add_file(self.session, self.run_store, looked, place)? {
                    FileAddition::New => self.result.new += 1,
                    FileAddition::Known => {}
                    FileAddition::NoRun => {
                        self.result.without_metadata += 1;
                        if self.result.named_files.len() < MAX_NAMED_FILES {
                            self.result.named_files.push(found.path.clone());
                        }
                    }
                }
                self.scanned_files.push(memory);
            }
            Ok(None) => self.result.unfinished += 1,
            Err(error) => {
                self.result.unreadable += 1;
                let path = found.path.display().to_string();
                self.session.ui.info(&format!("{}: {error}", sanitize::line(&path)));
            }
        }
        if self.batch.len() >= BATCH_SIZE || self.scanned_files.len() >= BATCH_SIZE * 8 {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.result.runs += self.batch.write(self.session, self.run_store)?;
        // Only now: what was not written must be read again.
        Ok(self.run_store.index.mark_scanned(&std::mem::take(&mut self.scanned_files))?)
    }
}
