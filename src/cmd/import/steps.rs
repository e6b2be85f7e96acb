//! What of a line is new to the history, and whether its file may have it.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::plan::Line;
use super::source::bytes_of;
use crate::error::Result;
use crate::git::past::{self, Obstacle, Standing};
use crate::git::{Filter, ObjectId, RepoPath, Repository};
use crate::render::sanitize;

/// What becomes of one line.
pub(super) enum Fate {
    /// These versions are new, by their places in the line; none: it is all there.
    New(Vec<usize>),
    /// It stays as it is, because …
    Not(String),
}

/// What there is to say of one line.
pub(super) struct Outlook {
    pub(super) fate: Fate,
    /// Versions that are in the history.
    pub(super) known: usize,
    /// Versions that are older than one in the history already, by their places.
    pub(super) late: Vec<usize>,
    /// The file in the last commit.
    pub(super) committed: Option<ObjectId>,
}

/// The repository as it was before.
pub(super) struct Before<'r> {
    repository: &'r Repository,
    standing: Standing<'r>,
    states: FxHashMap<RepoPath, FxHashSet<ObjectId>>,
}

impl<'r> Before<'r> {
    /// Looks at all that matters for some lines.
    pub(super) fn of(repository: &'r Repository, lines: &[Line]) -> Result<Before<'r>> {
        let paths = lines.iter().map(|line| RepoPath::new(line.file.as_bytes()));
        Ok(Before {
            standing: Standing::of(repository, repository.head()?)?,
            states: past::states_of_all(repository, paths)?,
            repository,
        })
    }

    /// What is new of a line. Files are only read where the history or the work tree has
    /// something to compare them with.
    pub(super) fn outlook(
        &self,
        line: &Line,
        folder: &Path,
        filter: &mut Filter<'_>,
    ) -> Result<Outlook> {
        let path = RepoPath::new(line.file.as_bytes());
        let mut outlook = Outlook {
            fate: Fate::New((0..line.versions.len()).collect()),
            known: 0,
            late: Vec::new(),
            committed: self.standing.committed(&path)?,
        };
        let Some(last) = line.versions.len().checked_sub(1) else { return Ok(outlook) };
        let mut newest = None;
        if let Some(states) = self.states.get(&path).filter(|states| !states.is_empty()) {
            let blobs = (0..=last).map(|at| self.blob(&path, line, at, folder, filter));
            let blobs = blobs.collect::<Result<Vec<_>>>()?;
            let is_known = |at: &usize| states.contains(&blobs[*at]);
            outlook.known = (0..=last).filter(is_known).count();
            let begin = (0..=last).rev().find(is_known).map_or(0, |at| at + 1);
            outlook.late = (0..begin).filter(|at| !is_known(at)).collect();
            outlook.fate = Fate::New((begin..=last).collect());
            newest = Some(blobs[last]);
            let foreign = outlook.committed.is_some_and(|now| !blobs.contains(&now));
            if begin <= last && foreign {
                outlook.fate = Fate::Not(FOREIGN.into());
            }
        }
        if matches!(&outlook.fate, Fate::New(new) if !new.is_empty()) {
            let obstacle = match self.standing.of_file(filter, &path)? {
                Err(obstacle) => Some(obstacle),
                Ok(stands) if stands.is_free() => None,
                Ok(stands) => {
                    let newest = match newest {
                        Some(newest) => newest,
                        None => self.blob(&path, line, last, folder, filter)?,
                    };
                    stands.obstacle(newest)
                }
            };
            if let Some(obstacle) = obstacle {
                outlook.fate = Fate::Not(why(&obstacle));
            }
        }
        Ok(outlook)
    }

    fn blob(
        &self,
        path: &RepoPath,
        line: &Line,
        at: usize,
        folder: &Path,
        filter: &mut Filter<'_>,
    ) -> Result<ObjectId> {
        let bytes = bytes_of(folder, &line.versions[at].from)?;
        Ok(past::cleaned(filter, self.repository.format(), path, &bytes).blob)
    }
}

const FOREIGN: &str = "it is in the history with content that is none of these versions; a plan \
     can give the line another `file`, or bring them in with --into";

fn why(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::InTheWay(name) => format!("{} is in the way", sanitize::line(name)),
        Obstacle::Staged => "something else is staged for it: commit it first".into(),
        Obstacle::Untracked => "such a file lies there, is not committed and is not the newest \
             version: commit it or move it, or bring the exports in with --into"
            .into(),
        Obstacle::Changed => "it was changed and is not committed: commit it first".into(),
    }
}
