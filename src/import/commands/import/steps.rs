//! Which versions of a line are new to the history, and whether its file may have them.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::plan::Line;
use super::source::bytes_of;
use crate::error::Result;
use crate::import::history::{self, Obstacle, Standing};
use crate::layouts::Filter;
use crate::platform::git::{ObjectId, RepoPath, Repository, file_history};
use crate::platform::text::sanitize;
use crate::runs::run_store::Shelf;

pub(crate) enum Fate {
    /// The indices of the new versions; none: all are in the history.
    New(Vec<usize>),
    /// It stays as it is, because …
    Not(String),
}

pub(crate) struct Outlook {
    pub(crate) fate: Fate,
    /// Versions that are in the history.
    pub(crate) known: usize,
    /// The indices of versions that are older than one in the history already.
    pub(crate) late: Vec<usize>,
    /// The file in the last commit.
    pub(crate) committed: Option<ObjectId>,
}

/// What the history has of a line.
struct Known {
    /// Whether each version is in it.
    versions: Vec<bool>,
    /// Whether the last commit holds one of them, or nothing.
    is_ours: bool,
}

impl Outlook {
    fn take(&mut self, known: &Known) {
        let is_known = |at: &usize| known.versions[*at];
        let all = 0..known.versions.len();
        self.known = all.clone().filter(is_known).count();
        let begin = all.clone().rev().find(is_known).map_or(0, |at| at + 1);
        self.late = (0..begin).filter(|at| !is_known(at)).collect();
        let new: Vec<usize> = (begin..all.end).collect();
        self.fate = match !new.is_empty() && !known.is_ours {
            true => Fate::Not(FOREIGN.into()),
            false => Fate::New(new),
        };
    }
}

/// The repository before the import.
pub(crate) struct Before<'r> {
    repository: &'r Repository,
    standing: Standing<'r>,
    states: FxHashMap<RepoPath, FxHashSet<ObjectId>>,
    /// Knows the graphs of blobs; only for lines of outputs, which are compared by graph.
    shelf: Option<&'r Shelf>,
}

impl<'r> Before<'r> {
    pub(crate) fn of(
        repository: &'r Repository,
        lines: &[Line],
        shelf: Option<&'r Shelf>,
    ) -> Result<Before<'r>> {
        let paths = lines.iter().map(|line| RepoPath::new(line.file.as_bytes()));
        Ok(Before {
            standing: Standing::of(repository, repository.head()?)?,
            states: file_history::states_of_all(repository, paths)?,
            shelf,
            repository,
        })
    }

    /// What is new of a line. Files are only read where the history or the work tree has
    /// something to compare them with.
    pub(crate) fn outlook(
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
            let known = match self.by_graph(line, states, outlook.committed)? {
                Some(known) => known,
                None => {
                    let blobs = (0..=last).map(|at| self.blob(&path, line, at, folder, filter));
                    let blobs = blobs.collect::<Result<Vec<_>>>()?;
                    newest = Some(blobs[last]);
                    Known {
                        versions: blobs.iter().map(|blob| states.contains(blob)).collect(),
                        is_ours: outlook.committed.is_none_or(|now| blobs.contains(&now)),
                    }
                }
            };
            outlook.take(&known);
        }
        if matches!(&outlook.fate, Fate::New(new) if !new.is_empty()) {
            let obstacle = match self.standing.of_file(filter, &path)? {
                Err(obstacle) => Some(obstacle),
                Ok(stands) if stands.is_free() => None,
                Ok(stands) => stands.obstacle(match newest {
                    Some(newest) => newest,
                    None => self.blob(&path, line, last, folder, filter)?,
                }),
            };
            outlook.fate = obstacle.map_or(outlook.fate, |obstacle| Fate::Not(why(&obstacle)));
        }
        Ok(outlook)
    }

    /// What the history has of a line by the graphs of its versions; none where a version has no
    /// graph, or there is no run store.
    fn by_graph(
        &self,
        line: &Line,
        states: &FxHashSet<ObjectId>,
        committed: Option<ObjectId>,
    ) -> Result<Option<Known>> {
        let graphs: Option<Vec<&str>> =
            line.versions.iter().map(|version| version.graph.as_deref()).collect();
        let (Some(shelf), Some(graphs)) = (self.shelf, graphs) else { return Ok(None) };
        let mut there = FxHashSet::default();
        for state in states {
            there.extend(shelf.graph_of_blob(*state)?);
        }
        let now = committed.map(|now| shelf.graph_of_blob(now)).transpose()?.flatten();
        Ok(Some(Known {
            versions: graphs.iter().map(|graph| there.contains(*graph)).collect(),
            is_ours: now.is_none_or(|now| graphs.contains(&now.as_str())),
        }))
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
        Ok(history::cleaned(filter, self.repository.format(), path, &bytes).blob)
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
