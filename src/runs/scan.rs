//! Reading output files, and recording the runs that they carry.

use std::path::{Path, PathBuf};

use super::media_file::{InspectError, InspectedOutput};
use super::output_folders::OutputFolders;
use super::parallel_reader::OutputCandidate;
use super::run_batch::{FileAddition, RunBatch};
use super::run_store::RunStore;
use super::{media_file, parallel_reader};
use crate::error::{CommandError, Result};
use crate::platform::folder_argument;
use crate::platform::folder_argument::LinkPolicy;
use crate::platform::machine::hash::FileStamp;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;
use crate::ui::ProgressBar;

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

pub(crate) fn summarize_scan(scanned: &ScanResult) -> String {
    let files = counted(scanned.files, "file", "files");
    let mut text = match (scanned.new, scanned.runs) {
        (0, 0) => format!("{files} read: nothing new"),
        (new, runs) => {
            format!(
                "{files} read, {new} new: {} recorded or completed",
                counted(runs, "run", "runs")
            )
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
    run_store: &mut RunStore,
    folders: &OutputFolders,
    roots: &[PathBuf],
    again: bool,
    bar: Option<&ProgressBar>,
) -> Result<ScanResult> {
    let (mut files, unopened) = list_output_files(roots, session)?;
    if !again {
        let mut left = Vec::with_capacity(files.len());
        for found in files {
            if !was_scanned(run_store, &found.path)? {
                left.push(found);
            }
        }
        files = left;
    }
    let mut scan = OutputScan {
        session,
        run_store,
        folders,
        batch: RunBatch::default(),
        scanned_files: Vec::new(),
        result: ScanResult { files: files.len(), unreadable: unopened, ..ScanResult::default() },
    };
    parallel_reader::read_in_parallel(
        files,
        bar,
        &media_file::inspect_file,
        &mut |found, inspected| scan.add_file(&found, inspected),
    )?;
    scan.flush()?;
    Ok(scan.result)
}

/// The files at some places that may be outputs, and how many folders could not be looked
/// into, which is told.
pub(crate) fn list_output_files(
    roots: &[PathBuf],
    session: &Session,
) -> Result<(Vec<OutputCandidate>, usize)> {
    let (mut files, mut unopened) = (Vec::new(), 0);
    for root in roots {
        let root = std::fs::canonicalize(root)
            .map_err(|error| CommandError::system(error).with_context(sanitize::path(root)))?;
        if root.is_file() {
            files.push(OutputCandidate {
                base: root.parent().unwrap_or(&root).to_owned(),
                path: root,
            });
            continue;
        }
        let below =
            folder_argument::list_files(&root, LinkPolicy::ToFiles, &media_file::may_be_output)?;
        unopened += below.unreadable.len();
        below.remarks().iter().for_each(|remark| session.ui.info(remark));
        files.extend(
            below.files.into_iter().map(|path| OutputCandidate { base: root.clone(), path }),
        );
    }
    Ok((files, unopened))
}

/// Whether a file was looked at in its present state.
pub(crate) fn was_scanned(run_store: &RunStore, path: &Path) -> Result<bool> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(false) };
    let stamp = media_file::stamp_key(FileStamp::from_metadata(&metadata));
    Ok(run_store.index.has_scanned(&path.to_string_lossy(), &stamp)?)
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
        inspected: std::result::Result<InspectedOutput, InspectError>,
    ) -> Result<()> {
        match inspected {
            Ok(inspected) => {
                let memory = (
                    inspected.path.to_string_lossy().into_owned(),
                    media_file::stamp_key(inspected.stamp),
                );
                let name = self.folders.name_output(&found.base, &found.path);
                match self.batch.add_file(self.session, self.run_store, inspected, name)? {
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
            Err(InspectError::Changing) => self.result.unfinished += 1,
            Err(InspectError::Io(error)) => {
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
