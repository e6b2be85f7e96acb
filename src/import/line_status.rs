//! Which versions of a line are new to the history, and whether its file may have them.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::plan_file::PlanLine;
use super::version_source::read_version_bytes;
use crate::error::Result;
use crate::import::history::{self, OverwriteCheck, OverwriteObstacle, TargetFile};
use crate::layouts::Filter;
use crate::platform::git::{ObjectId, RepoPath, Repository, file_history};
use crate::platform::text::sanitize;
use crate::runs::run_store::RunStore;

pub(crate) enum LineDecision {
    /// The indices of the new versions; none: all are in the history.
    New(Vec<usize>),
    /// It stays as it is, because …
    Blocked(String),
}

pub(crate) struct LineStatus {
    pub(crate) decision: LineDecision,
    /// Versions that are in the history.
    pub(crate) already_known: usize,
    /// The indices of versions that are older than one in the history already.
    pub(crate) outdated: Vec<usize>,
    /// The file in the last commit.
    pub(crate) committed: Option<ObjectId>,
}

/// What the history has of a line.
struct KnownVersions {
    /// Whether each version is in it.
    is_known: Vec<bool>,
    /// Whether the last commit holds one of them, or nothing.
    is_ours: bool,
}

impl LineStatus {
    fn apply_known_versions(&mut self, known: &KnownVersions) {
        let is_known = |at: &usize| known.is_known[*at];
        let all = 0..known.is_known.len();
        self.already_known = all.clone().filter(is_known).count();
        let begin = all.clone().rev().find(is_known).map_or(0, |at| at + 1);
        self.outdated = (0..begin).filter(|at| !is_known(at)).collect();
        let new: Vec<usize> = (begin..all.end).collect();
        self.decision = match !new.is_empty() && !known.is_ours {
            true => LineDecision::Blocked(FOREIGN_CONTENT.into()),
            false => LineDecision::New(new),
        };
    }
}

/// The repository before the import.
pub(crate) struct ExistingHistory<'r> {
    repository: &'r Repository,
    overwrite_check: OverwriteCheck<'r>,
    states: FxHashMap<RepoPath, FxHashSet<ObjectId>>,
    /// Knows the graphs of blobs; only for lines of outputs, which are compared by graph.
    run_store: Option<&'r RunStore>,
}

impl<'r> ExistingHistory<'r> {
    pub(crate) fn load(
        repository: &'r Repository,
        lines: &[PlanLine],
        run_store: Option<&'r RunStore>,
    ) -> Result<ExistingHistory<'r>> {
        let paths = lines.iter().map(|line| RepoPath::new(line.file.as_bytes()));
        Ok(ExistingHistory {
            overwrite_check: OverwriteCheck::load(repository, repository.head()?)?,
            states: file_history::file_states_by_path(repository, paths)?,
            run_store,
            repository,
        })
    }

    /// What is new of a line. Files are only read where the history or the work tree has
    /// something to compare them with.
    pub(crate) fn line_status(
        &self,
        line: &PlanLine,
        folder: &Path,
        filter: &mut Filter<'_>,
    ) -> Result<LineStatus> {
        let path = RepoPath::new(line.file.as_bytes());
        let mut status = LineStatus {
            decision: LineDecision::New((0..line.versions.len()).collect()),
            already_known: 0,
            outdated: Vec::new(),
            committed: self.overwrite_check.committed_blob(&path)?,
        };
        let Some(last) = line.versions.len().checked_sub(1) else { return Ok(status) };
        let mut newest = None;
        if let Some(states) = self.states.get(&path).filter(|states| !states.is_empty()) {
            let known = match self.known_by_graph(line, states, status.committed)? {
                Some(known) => known,
                None => {
                    let blobs =
                        (0..=last).map(|at| self.clean_blob_id(&path, line, at, folder, filter));
                    let blobs = blobs.collect::<Result<Vec<_>>>()?;
                    newest = Some(blobs[last]);
                    KnownVersions {
                        is_known: blobs.iter().map(|blob| states.contains(blob)).collect(),
                        is_ours: status.committed.is_none_or(|now| blobs.contains(&now)),
                    }
                }
            };
            status.apply_known_versions(&known);
        }
        if matches!(&status.decision, LineDecision::New(new) if !new.is_empty()) {
            let obstacle = match self.overwrite_check.target_file(filter, &path)? {
                TargetFile::Blocked(obstacle) => Some(obstacle),
                TargetFile::Blobs(blobs) if blobs.has_no_changes() => None,
                TargetFile::Blobs(blobs) => blobs.obstacle_to(match newest {
                    Some(newest) => newest,
                    None => self.clean_blob_id(&path, line, last, folder, filter)?,
                }),
            };
            status.decision = obstacle.map_or(status.decision, |obstacle| {
                LineDecision::Blocked(describe_obstacle(&obstacle))
            });
        }
        Ok(status)
    }

    /// What the history has of a line by the graphs of its versions; none where a version has no
    /// graph, or there is no run store.
    fn known_by_graph(
        &self,
        line: &PlanLine,
        states: &FxHashSet<ObjectId>,
        committed: Option<ObjectId>,
    ) -> Result<Option<KnownVersions>> {
        let graphs: Option<Vec<&str>> =
            line.versions.iter().map(|version| version.graph.as_deref()).collect();
        let (Some(run_store), Some(graphs)) = (self.run_store, graphs) else { return Ok(None) };
        let mut there = FxHashSet::default();
        for state in states {
            there.extend(run_store.graph_id_of_blob(*state)?);
        }
        let now = committed.map(|now| run_store.graph_id_of_blob(now)).transpose()?.flatten();
        Ok(Some(KnownVersions {
            is_known: graphs.iter().map(|graph| there.contains(*graph)).collect(),
            is_ours: now.is_none_or(|now| graphs.contains(&now.as_str())),
        }))
    }

    fn clean_blob_id(
        &self,
        path: &RepoPath,
        line: &PlanLine,
        at: usize,
        folder: &Path,
        filter: &mut Filter<'_>,
    ) -> Result<ObjectId> {
        let bytes = read_version_bytes(folder, &line.versions[at].from)?;
        Ok(history::clean_file(filter, self.repository.format(), path, &bytes).blob)
    }
}

const FOREIGN_CONTENT: &str = "it is in the history with content that is none of these versions; a plan \
     can give the line another `file`, or bring them in with --into";

fn describe_obstacle(obstacle: &OverwriteObstacle) -> String {
    match obstacle {
        OverwriteObstacle::PathBlocked(name) => format!("{} is in the way", sanitize::line(name)),
        OverwriteObstacle::Staged => "something else is staged for it: commit it first".into(),
        OverwriteObstacle::Untracked => {
            "such a file lies there, is not committed and is not the newest \
             version: commit it or move it, or bring the exports in with --into"
                .into()
        }
        OverwriteObstacle::Changed => "it was changed and is not committed: commit it first".into(),
    }
}
