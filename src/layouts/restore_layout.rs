//! Layouts of files in the work tree, looked at and brought back: what lies in a file is
//! kept before anything is written, and a file that somebody saves meanwhile stays theirs.
//!
//! Must not know which state is brought back, nor how it was chosen.

use std::path::PathBuf;

use comfy_graph::clean::LayoutMode;

use super::file_states::FileState;
use super::filter::{Filter, FilterOutcome};
use super::layout_history::{LayoutHistory, LayoutState, back_reference_to};
use super::raw_files;
use super::refresh::refresh_index;
use super::settings::{FilterSettings, Handling};
use crate::layouts;
use crate::platform::files;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::IndexEntry;
use crate::platform::git::{
    AttributeDirection, GitError, ObjectId, ObjectKind, RepoPath, Repository, Result, index,
};
use crate::platform::write_atomic;

/// The files of a work tree, as their layouts are looked at.
#[derive(Debug)]
pub(crate) struct LayoutWorkspace<'r> {
    repository: &'r Repository,
    settings: FilterSettings,
    filter: Filter<'r>,
}

/// What was found of a file.
#[derive(Debug)]
pub(crate) enum InspectedFile {
    /// A workflow; what lies where in it is kept.
    Workflow(WorkTreeWorkflow),
    /// There is no such file.
    Missing,
    /// It was committed as it is, with its positions, and is not clean yet.
    Raw,
    /// Its positions are in its commits (`comfy=keep`).
    InCommits,
    /// git does not send it through the filter, or it is no workflow.
    NotFiltered,
}

#[derive(Debug, Clone)]
pub(crate) struct WorkTreeWorkflow {
    pub(crate) path: RepoPath,
    /// Its clean content, and the id of that.
    pub(crate) content: Vec<u8>,
    /// The id of the content.
    pub(crate) blob: ObjectId,
    file: PathBuf,
    bytes: Vec<u8>,
}

impl WorkTreeWorkflow {
    /// The bytes of the file, with its layout.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What came of bringing a layout back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestoreOutcome {
    /// It is in the file.
    Done,
    /// All that the file has in common with it lies so already.
    Unchanged,
    /// Somebody saved the file just now.
    SavedMeanwhile,
    /// That state is not there any more.
    Missing,
}

/// Where the next step back goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextUndo {
    /// From what is brought back.
    FromRestored,
    /// From what was there before.
    FromPrevious,
}

impl<'r> LayoutWorkspace<'r> {
    /// A desk for a work tree.
    ///
    /// # Errors
    /// There is none, or the settings cannot be read.
    pub(crate) fn open(repository: &'r Repository) -> Result<LayoutWorkspace<'r>> {
        repository.require_work_tree()?;
        let (settings, filter) = (FilterSettings::load(repository)?, Filter::new(Some(repository)));
        Ok(LayoutWorkspace { repository, settings, filter })
    }

    /// Looks at a file. Where its nodes lie is kept.
    ///
    /// # Errors
    /// It cannot be kept.
    pub(crate) fn inspect(&mut self, path: &RepoPath) -> Result<InspectedFile> {
        let file = self.repository.require_work_tree()?.join(path.to_path());
        if !file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(InspectedFile::Missing);
        }
        if !is_filtered(self.repository, path) {
            return Ok(InspectedFile::NotFiltered);
        }
        match self.settings.handling_of(self.repository, path, AttributeDirection::Checkin) {
            Handling::Clean(LayoutMode::Strip) => {}
            Handling::Clean(LayoutMode::Keep) => return Ok(InspectedFile::InCommits),
            Handling::Off => return Ok(InspectedFile::NotFiltered),
        }
        let Ok(bytes) = files::read_up_to(&file, self.settings.max_file_size) else {
            return Ok(InspectedFile::NotFiltered);
        };
        let (passed, rest) = self.filter.separate_layout(path, &bytes);
        let content = match (&passed, rest) {
            (FilterOutcome::Changed(content), Some(rest)) => {
                self.filter.store_layout(path, content, rest)?;
                content.clone()
            }
            (FilterOutcome::Changed(content), None) => content.clone(),
            (FilterOutcome::Untouched, _) => bytes.clone(),
        };
        if raw_files::is_raw(&content, LayoutMode::Strip) {
            return Ok(InspectedFile::Raw);
        }
        let blob = self.repository.format().object_id(ObjectKind::Blob, &content);
        Ok(InspectedFile::Workflow(WorkTreeWorkflow {
            path: path.clone(),
            content,
            blob,
            file,
            bytes,
        }))
    }

    /// Looks at every file that was saved since git looked. What cannot be kept is left to
    /// who asks for that file. Gives all files that git tracks, with the content it knows.
    ///
    /// # Errors
    /// The index cannot be read.
    pub(crate) fn inspect_saved_files(&mut self) -> Result<Vec<(RepoPath, ObjectId)>> {
        let top = self.repository.require_work_tree()?;
        let mut tracked = Vec::new();
        for IndexEntry { path, id, stat: seen, .. } in index::index_entries(self.repository)? {
            let metadata = top.join(path.to_path()).symlink_metadata();
            if metadata.is_ok_and(|metadata| metadata.is_file() && !seen.matches(&metadata)) {
                let _ = self.inspect(&path);
            }
            tracked.push((path, id));
        }
        Ok(tracked)
    }

    /// Brings an earlier layout back into a file.
    ///
    /// # Errors
    /// It cannot be kept or written; then the file is as it was.
    pub(crate) fn restore(
        &mut self,
        history: &mut LayoutHistory<'_>,
        workflow: &WorkTreeWorkflow,
        state: &LayoutState,
        next: NextUndo,
    ) -> Result<RestoreOutcome> {
        let (Some(layout), Some(earlier)) = (history.layout(state)?, history.file_state(state)?)
        else {
            return Ok(RestoreOutcome::Missing);
        };
        let back = (next == NextUndo::FromRestored).then(|| back_reference_to(state, &layout));
        self.restore_state(workflow, earlier, back)
    }

    /// Brings the layout of any content into a file.
    ///
    /// # Errors
    /// It cannot be kept or written; then the file is as it was.
    pub(crate) fn restore_state(
        &mut self,
        workflow: &WorkTreeWorkflow,
        earlier: FileState,
        back: Option<String>,
    ) -> Result<RestoreOutcome> {
        let WorkTreeWorkflow { path, content, blob, file, bytes } = workflow;
        let Some(layouts) = self.filter.layouts() else { return Ok(RestoreOutcome::Unchanged) };
        let brought = layouts.restore_earlier(path, (*blob, content), earlier, back.as_deref())?;
        let Some(brought) = brought else { return Ok(RestoreOutcome::Unchanged) };
        if files::read_up_to(file, self.settings.max_file_size).ok().as_ref() != Some(bytes) {
            return Ok(RestoreOutcome::SavedMeanwhile);
        }
        layouts.store_restored(path, *blob, &brought)?;
        write_atomic(file, &brought.bytes).map_err(GitError::file_error("writing", file))?;
        // The same content: it does not count as modified.
        refresh_index(self.repository)?;
        Ok(RestoreOutcome::Done)
    }

    /// Writes a file in which only places differ, and keeps them as if a person had saved it.
    ///
    /// # Errors
    /// It cannot be written or kept; what lay where before is kept already.
    pub(crate) fn rewrite(
        &mut self,
        workflow: &WorkTreeWorkflow,
        bytes: &[u8],
    ) -> Result<RestoreOutcome> {
        let WorkTreeWorkflow { path, file, bytes: before, .. } = workflow;
        if bytes == before {
            return Ok(RestoreOutcome::Unchanged);
        }
        if files::read_up_to(file, self.settings.max_file_size).ok().as_ref() != Some(before) {
            return Ok(RestoreOutcome::SavedMeanwhile);
        }
        write_atomic(file, bytes).map_err(GitError::file_error("writing", file))?;
        self.inspect(path)?;
        // The same content: it does not count as modified.
        refresh_index(self.repository)?;
        Ok(RestoreOutcome::Done)
    }

    /// How a layout of earlier content belongs to a later one.
    pub(crate) fn match_layout(
        &mut self,
        history: &mut LayoutHistory<'_>,
        state: &LayoutState,
        (blob, content): (ObjectId, &[u8]),
    ) -> Result<Option<layouts::LayoutPart>> {
        let Some(earlier) = history.file_state(state)? else { return Ok(None) };
        Ok(self.filter.layouts().and_then(|layouts| layouts.match_part(earlier, blob, content)))
    }

    /// What is worth telling the person, each a line.
    pub(crate) fn take_remarks(&mut self) -> Vec<String> {
        self.filter.take_remarks()
    }
}
