//! The runs of a repository and their index, opened together and kept in step.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{DocumentKind, GraphKind, Prompt, Workflow, document_kind};
use comfy_graph::json;

use super::index::{BlobGraph, RunIndex};
use super::runs_ref;
use super::runs_ref::{RunPath, RunsState, StoredRun};
use crate::error::Result;
use crate::platform::git;
use crate::platform::git::{CommitId, HistoryWalk, Repository, WalkOrder, changes, file_history};
use crate::platform::machine::node_catalog;
use crate::runs::index::RunRow;
use crate::runs::run_data::{CommittedFile, Run, prompt_graph_id, workflow_graph_id};
use crate::session::Session;

/// Runs that are read before the index is written.
const BATCH_SIZE: usize = 2_000;
/// The largest workflow that is looked at, in bytes.
const MAX_WORKFLOW_SIZE: u64 = 64 << 20;
/// Commits whose workflows are looked at for one branch.
const MAX_COMMITS: usize = 20_000;
/// Below this many runs no bar is shown.
const MIN_RUNS_FOR_BAR: usize = 2_000;

/// The runs of a repository: what git holds, the search index and the node catalog.
pub(crate) struct RunStore {
    pub(crate) repository: Repository,
    pub(crate) index: RunIndex,
    pub(crate) catalog: Catalog,
    /// Where each graph of the whole history was committed first, once somebody asked.
    history: Option<BTreeMap<String, CommittedFile>>,
    /// The workflows of a commit, by their graph identities.
    head_files: RefCell<Option<(CommitId, BTreeMap<String, CommittedFile>)>>,
}

impl RunStore {
    /// Opens the runs of the repository we are in, and brings the index up to date.
    pub(crate) fn open(session: &Session) -> Result<RunStore> {
        let repository = session.repository()?;
        let index = RunIndex::open_in(&repository.state_dir())?;
        let catalog = node_catalog::load_catalog(&repository);
        let sites = RefCell::default();
        let mut run_store =
            RunStore { repository, index, catalog, history: None, head_files: sites };
        run_store.sync(session)?;
        Ok(run_store)
    }

    /// Brings the index up to date with the runs. Gives how many changed.
    pub(crate) fn sync(&mut self, session: &Session) -> Result<usize> {
        let now = runs_ref::current_state(&self.repository)?;
        let mut known = RunsState::from_text(&self.index.indexed_state()?);
        if now == known {
            return Ok(0);
        }
        if !runs_ref::has_state(&self.repository, known)? {
            // git threw away what we would compare with.
            self.index.clear()?;
            known = RunsState::EMPTY;
        }
        let found = runs_ref::diff_states(&self.repository, known, now)?;
        let bar = (found.len() >= MIN_RUNS_FOR_BAR).then(|| session.ui.count_bar("indexing runs"));
        if let Some(bar) = &bar {
            bar.extend(found.len() as u64);
        }
        for part in found.chunks(BATCH_SIZE) {
            let mut changes = Vec::with_capacity(part.len());
            for difference in part {
                let run = match difference.document {
                    Some(document) => runs_ref::read_run(&self.repository, document)?,
                    None => None,
                };
                changes.push((difference.path.as_str().to_owned(), run));
            }
            self.index.apply_changes(&changes, None)?;
            if let Some(bar) = &bar {
                bar.advance(part.len() as u64);
            }
        }
        self.index.apply_changes(&[], Some(&now.to_text()))?;
        if let Some(bar) = &bar {
            bar.finish();
        }
        Ok(found.len())
    }

    /// The graph identity of a workflow that git holds.
    pub(crate) fn graph_id_of_blob(&self, blob: git::ObjectId) -> Result<Option<String>> {
        let key = blob.to_hex();
        match self.index.blob_graph(&key)? {
            BlobGraph::Graph(graph) => return Ok(Some(graph)),
            BlobGraph::NoGraph => return Ok(None),
            BlobGraph::Unknown => {}
        }
        let text = self.repository.blob_up_to(blob, MAX_WORKFLOW_SIZE)?;
        let graph = text.and_then(|text| self.graph_id_of_text(&text));
        self.index.store_graph_id(&key, graph.as_deref())?;
        Ok(graph)
    }

    /// The graph identity of a workflow file.
    pub(crate) fn graph_id_of_text(&self, text: &[u8]) -> Option<String> {
        let value = json::parse_lenient(text).ok()?;
        match document_kind(&value) {
            DocumentKind::Graph(GraphKind::Prompt) => {
                let prompt = Prompt::from_value(value).ok()?;
                Some(prompt_graph_id(&prompt, &self.catalog))
            }
            _ => workflow_graph_id(&Workflow::from_value(value).ok()?, &self.catalog),
        }
    }

    /// The graph identities of the workflows that a commit adds or changes.
    pub(crate) fn graph_ids_of_commit(&self, commit: CommitId) -> Result<Vec<String>> {
        let mut graphs = Vec::new();
        for file in changes::touched_files(&self.repository, commit)? {
            graphs.extend(self.graph_id_of_blob(file.blob)?);
        }
        Ok(graphs)
    }

    /// The graph identities of all workflows in the history of a commit.
    pub(crate) fn graph_ids_of_history(&self, tip: CommitId) -> Result<Vec<String>> {
        let walk = HistoryWalk { from: vec![tip], exclude: Vec::new(), order: WalkOrder::Newest };
        let mut graphs = BTreeSet::new();
        for commit in self.repository.walk_history(&walk)?.take(MAX_COMMITS) {
            graphs.extend(self.graph_ids_of_commit(commit?)?);
        }
        Ok(graphs.into_iter().collect())
    }

    /// From now on runs are told the commit that their graph came with, however old.
    pub(crate) fn load_history(&mut self) -> Result<()> {
        let mut sites = match self.repository.head()? {
            Some(head) => self.committed_files_at(head)?,
            None => BTreeMap::new(),
        };
        for (commit, path, blob) in file_history::all_file_states(&self.repository)? {
            if path.as_bytes().to_ascii_lowercase().ends_with(b".json")
                && let Some(graph) = self.graph_id_of_blob(blob)?
            {
                let (commit, blob) = (commit.to_string(), blob.to_hex());
                sites.insert(graph, CommittedFile { commit, path: path.to_string(), blob });
            }
        }
        self.history = Some(sites);
        Ok(())
    }

    /// Where the workflow of a graph identity lies in the checked-out commit; in the whole
    /// history where that is known. The commit is looked through once: a watcher records
    /// many runs of it.
    pub(crate) fn find_committed(&self, graph: &str) -> Result<Option<CommittedFile>> {
        if let Some(history) = &self.history {
            return Ok(history.get(graph).cloned());
        }
        let Some(head) = self.repository.head()? else { return Ok(None) };
        let mut known = self.head_files.borrow_mut();
        if known.as_ref().is_none_or(|(commit, _)| *commit != head) {
            *known = Some((head, self.committed_files_at(head)?));
        }
        Ok(known.as_ref().and_then(|(_, sites)| sites.get(graph).cloned()))
    }

    fn committed_files_at(&self, commit: CommitId) -> Result<BTreeMap<String, CommittedFile>> {
        let mut sites = BTreeMap::new();
        for file in changes::workflows_at(&self.repository, commit)? {
            if let Some(graph) = self.graph_id_of_blob(file.blob)? {
                let site = CommittedFile {
                    commit: commit.to_string(),
                    path: file.path.to_string(),
                    blob: file.blob.to_hex(),
                };
                sites.entry(graph).or_insert(site);
            }
        }
        Ok(sites)
    }

    /// A run that the index knows, with its documents.
    pub(crate) fn load_run(&self, row: &RunRow) -> Result<Option<StoredRun>> {
        Ok(runs_ref::load_run(&self.repository, &run_path(row))?)
    }

    /// The folder of a run in the tree; of a run that is not indexed, where it belongs.
    pub(crate) fn path_of(&self, run: &Run) -> RunPath {
        let row = self
            .index
            .find_by_id(&run.id)
            .ok()
            .and_then(|rows| rows.into_iter().find(|row| row.run_id == run.id));
        row.map_or_else(|| RunPath::for_run(run), |row| run_path(&row))
    }

    /// The one run that a person means by an id or its beginning.
    pub(crate) fn find_unique(&self, id: &str) -> Result<Option<RunRow>> {
        let mut rows = self.index.find_by_id(id)?;
        Ok(if rows.len() == 1 { rows.pop() } else { None })
    }
}

/// Where a run that the index knows lies in the tree.
pub(crate) fn run_path(row: &RunRow) -> RunPath {
    RunPath::new(row.path.as_str())
}
