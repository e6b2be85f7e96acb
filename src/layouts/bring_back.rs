//! Layouts of files in the work tree, looked at and brought back: what lies in a file is
//! kept before anything is written, and a file that somebody saves meanwhile stays theirs.
//!
//! Must not know which state is brought back, nor how it was chosen.

use std::path::PathBuf;

use comfy_graph::canon;
use comfy_graph::canon::Mode;

use super::filter::{Filter, Passed};
use super::past::{Past, State, back_to};
use super::refresh::{read_within, refresh};
use super::settings::{Handling, Settings};
use crate::layouts;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::IndexEntry;
use crate::platform::git::{Direction, Error, Kind, ObjectId, RepoPath, Repository, Result, index};
use crate::platform::write_whole;

/// The files of a work tree, as their layouts are looked at.
#[derive(Debug)]
pub struct Desk<'r> {
    repository: &'r Repository,
    settings: Settings,
    filter: Filter<'r>,
}

/// What was found of a file.
#[derive(Debug)]
pub enum Looked {
    /// A workflow; what lies where in it is kept.
    Workflow(Workflow),
    /// There is no such file.
    Missing,
    /// It was committed as it is, with its positions, and is not clean yet.
    Raw,
    /// Its positions are in its commits (`comfy=keep`).
    InCommits,
    /// git does not send it through the filter, or it is no workflow.
    NotOurs,
}

/// A workflow in the work tree.
#[derive(Debug)]
pub struct Workflow {
    /// Its path.
    pub path: RepoPath,
    /// Its clean content, and the id of that.
    pub content: Vec<u8>,
    /// The id of the content.
    pub blob: ObjectId,
    file: PathBuf,
    bytes: Vec<u8>,
}

/// What came of bringing a layout back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the file.
    Done,
    /// All that the file has in common with it lies so already.
    Same,
    /// Somebody saved the file just now.
    Saved,
    /// That state is not there any more.
    Gone,
}

/// Where the next step back goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// From what is brought back.
    Further,
    /// From what was there before.
    Here,
}

impl<'r> Desk<'r> {
    /// A desk for a work tree.
    ///
    /// # Errors
    /// There is none, or the settings cannot be read.
    pub fn of(repository: &'r Repository) -> Result<Desk<'r>> {
        repository.require_work_tree()?;
        let (settings, filter) = (Settings::of(repository)?, Filter::new(Some(repository)));
        Ok(Desk { repository, settings, filter })
    }

    /// Looks at a file. Where its nodes lie is kept.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn look(&mut self, path: &RepoPath) -> Result<Looked> {
        let file = self.repository.require_work_tree()?.join(path.to_path());
        if !file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(Looked::Missing);
        }
        if !is_filtered(self.repository, path) {
            return Ok(Looked::NotOurs);
        }
        match self.settings.handling_of(self.repository, path, Direction::Checkin) {
            Handling::Clean(Mode::Strip) => {}
            Handling::Clean(Mode::Keep) => return Ok(Looked::InCommits),
            Handling::Off => return Ok(Looked::NotOurs),
        }
        let Some(bytes) = read_within(&file, self.settings.max_file_size) else {
            return Ok(Looked::NotOurs);
        };
        let (passed, rest) = self.filter.split(path, &bytes);
        let content = match (&passed, rest) {
            (Passed::Changed(content), Some(rest)) => {
                self.filter.keep(path, content, rest)?;
                content.clone()
            }
            (Passed::Changed(content), None) => content.clone(),
            (Passed::Untouched, _) => bytes.clone(),
        };
        if matches!(canon::begin(&content, Mode::Strip), Ok((_, Some(_)))) {
            return Ok(Looked::Raw);
        }
        let blob = self.repository.format().id_of(Kind::Blob, &content);
        Ok(Looked::Workflow(Workflow { path: path.clone(), content, blob, file, bytes }))
    }

    /// Looks at every file that was saved since git looked. What cannot be kept is left to
    /// who asks for that file.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn look_at_all(&mut self) -> Result<Vec<RepoPath>> {
        let top = self.repository.require_work_tree()?;
        let mut paths = Vec::new();
        for IndexEntry { path, seen, .. } in index::files(self.repository)? {
            let metadata = top.join(path.to_path()).symlink_metadata();
            if metadata.is_ok_and(|metadata| metadata.is_file() && !seen.is_now(&metadata)) {
                let _ = self.look(&path);
            }
            paths.push(path);
        }
        Ok(paths)
    }

    /// Brings an earlier layout back into a file.
    ///
    /// # Errors
    /// It cannot be kept or written; then the file is as it was.
    pub fn bring_back(
        &mut self,
        past: &mut Past<'_>,
        workflow: &Workflow,
        state: &State,
        next: Next,
    ) -> Result<Outcome> {
        let Workflow { path, content, blob, file, bytes } = workflow;
        let (Some(layout), Some(earlier)) = (past.layout(state)?, past.file_state(state)?) else {
            return Ok(Outcome::Gone);
        };
        let back = (next == Next::Further).then(|| back_to(state, &layout));
        let Some(layouts) = self.filter.layouts() else { return Ok(Outcome::Same) };
        let brought = layouts.bring_back(path, (*blob, content), earlier, back.as_deref())?;
        let Some(brought) = brought else { return Ok(Outcome::Same) };
        if read_within(file, self.settings.max_file_size).as_ref() != Some(bytes) {
            return Ok(Outcome::Saved);
        }
        layouts.keep_brought_back(path, *blob, &brought)?;
        write_whole(file, &brought.bytes).map_err(Error::file("writing", file))?;
        // The same content: it does not count as modified.
        refresh(self.repository)?;
        Ok(Outcome::Done)
    }

    /// How a layout of earlier content belongs to a later one.
    pub fn part(
        &mut self,
        past: &mut Past<'_>,
        state: &State,
        (blob, content): (ObjectId, &[u8]),
    ) -> Result<Option<layouts::Part>> {
        let Some(earlier) = past.file_state(state)? else { return Ok(None) };
        Ok(self.filter.layouts().and_then(|layouts| layouts.part(earlier, blob, content)))
    }

    /// What is worth telling the person, each a line.
    pub fn take_remarks(&mut self) -> Vec<String> {
        self.filter.take_remarks()
    }
}
