//! The runs of a repository and their index, opened together and kept in step.

use std::cell::RefCell;
use std::collections::BTreeMap;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{GraphKind, Kind, Prompt, Workflow, kind};
use comfy_graph::json;

use super::index::Index;
use super::store;
use super::store::{Place, State};
use crate::differences::widget_names;
use crate::error::Result;
use crate::platform::git;
use crate::platform::git::{CommitId, Repository, changes, file_history};
use crate::runs::index::Row;
use crate::runs::model::{Run, Site, graph_of, graph_of_prompt};
use crate::session::Session;

/// Runs that are read before the index is written.
const AT_ONCE: usize = 2_000;
/// The largest workflow that is looked at, in bytes.
const LARGEST: u64 = 64 << 20;
/// Below this many runs no bar is shown.
const MANY: usize = 2_000;

/// The runs of a repository: what git holds, the search index and the node catalog.
pub(crate) struct Shelf {
    pub(crate) repository: Repository,
    pub(crate) index: Index,
    pub(crate) catalog: Catalog,
    /// Where each graph of the whole history was committed first, once somebody asked.
    history: Option<BTreeMap<String, Site>>,
    /// The workflows of a commit, by their graph identities.
    sites: RefCell<Option<(CommitId, BTreeMap<String, Site>)>>,
}

impl Shelf {
    /// Opens the runs of the repository we are in, and brings the index up to date.
    pub(crate) fn open(session: &Session) -> Result<Shelf> {
        let repository = session.repository()?;
        let index = Index::within(&repository.state_dir())?;
        let catalog = widget_names::of(&repository);
        let sites = RefCell::default();
        let mut shelf = Shelf { repository, index, catalog, history: None, sites };
        shelf.sync(session)?;
        Ok(shelf)
    }

    /// Brings the index up to date with the runs. Gives how many changed.
    pub(crate) fn sync(&mut self, session: &Session) -> Result<usize> {
        let now = store::state(&self.repository)?;
        let mut known = State::from_text(&self.index.state()?);
        if now == known {
            return Ok(0);
        }
        if !store::is_there(&self.repository, known)? {
            // git threw away what we would compare with.
            self.index.clear()?;
            known = State::NOTHING;
        }
        let found = store::differences(&self.repository, known, now)?;
        let bar = (found.len() >= MANY).then(|| session.ui.count_bar("indexing runs"));
        if let Some(bar) = &bar {
            bar.extend(found.len() as u64);
        }
        for part in found.chunks(AT_ONCE) {
            let mut changes = Vec::with_capacity(part.len());
            for difference in part {
                let run = match difference.run {
                    Some(document) => store::read(&self.repository, document)?,
                    None => None,
                };
                changes.push((difference.place.as_str().to_owned(), run));
            }
            self.index.apply(&changes, None)?;
            if let Some(bar) = &bar {
                bar.advance(part.len() as u64);
            }
        }
        self.index.apply(&[], Some(&now.to_text()))?;
        if let Some(bar) = &bar {
            bar.finish();
        }
        Ok(found.len())
    }

    /// The graph identity of a workflow that git holds.
    pub(crate) fn graph_of_blob(&self, blob: git::ObjectId) -> Result<Option<String>> {
        let key = blob.to_hex();
        if let Some(known) = self.index.graph_of_blob(&key)? {
            return Ok(known);
        }
        let text = self.repository.blob_within(blob, LARGEST)?;
        let graph = text.and_then(|text| self.graph_of_text(&text));
        self.index.keep_graph(&key, graph.as_deref())?;
        Ok(graph)
    }

    /// The graph identity of a workflow file.
    pub(crate) fn graph_of_text(&self, text: &[u8]) -> Option<String> {
        let value = json::parse_lenient(text).ok()?;
        match kind(&value) {
            Kind::Graph(GraphKind::Prompt) => {
                let prompt = Prompt::from_value(value).ok()?;
                Some(graph_of_prompt(&prompt, &self.catalog))
            }
            _ => graph_of(&Workflow::from_value(value).ok()?, &self.catalog),
        }
    }

    /// The graph identities of the workflows that a commit adds or changes.
    pub(crate) fn graphs_of_commit(&self, commit: CommitId) -> Result<Vec<String>> {
        let mut graphs = Vec::new();
        for file in changes::touched_files(&self.repository, commit)? {
            graphs.extend(self.graph_of_blob(file.blob)?);
        }
        Ok(graphs)
    }

    /// From now on runs are told the commit that their graph came with, however old.
    pub(crate) fn know_history(&mut self) -> Result<()> {
        let mut sites = match self.repository.head()? {
            Some(head) => self.sites_at(head)?,
            None => BTreeMap::new(),
        };
        for (commit, path, blob) in file_history::all_states(&self.repository)? {
            if path.as_bytes().to_ascii_lowercase().ends_with(b".json")
                && let Some(graph) = self.graph_of_blob(blob)?
            {
                let (commit, blob) = (commit.to_string(), blob.to_hex());
                sites.insert(graph, Site { commit, path: path.to_string(), blob });
            }
        }
        self.history = Some(sites);
        Ok(())
    }

    /// Where the workflow of a graph identity lies in the checked-out commit; in the whole
    /// history where that is known. The commit is looked through once: a watcher records
    /// many runs of it.
    pub(crate) fn site_of(&self, graph: &str) -> Result<Option<Site>> {
        if let Some(history) = &self.history {
            return Ok(history.get(graph).cloned());
        }
        let Some(head) = self.repository.head()? else { return Ok(None) };
        let mut known = self.sites.borrow_mut();
        if known.as_ref().is_none_or(|(commit, _)| *commit != head) {
            *known = Some((head, self.sites_at(head)?));
        }
        Ok(known.as_ref().and_then(|(_, sites)| sites.get(graph).cloned()))
    }

    fn sites_at(&self, commit: CommitId) -> Result<BTreeMap<String, Site>> {
        let mut sites = BTreeMap::new();
        for file in changes::workflows_at(&self.repository, commit)? {
            if let Some(graph) = self.graph_of_blob(file.blob)? {
                let site = Site {
                    commit: commit.to_string(),
                    path: file.path.to_string(),
                    blob: file.blob.to_hex(),
                };
                sites.entry(graph).or_insert(site);
            }
        }
        Ok(sites)
    }

    /// The folder of a run in the tree; of a run that is not indexed, where it belongs.
    pub(crate) fn place_of(&self, run: &Run) -> Place {
        let row = self
            .index
            .by_id(&run.id)
            .ok()
            .and_then(|rows| rows.into_iter().find(|row| row.run == run.id));
        row.map_or_else(|| Place::of(run), |row| Place::new(row.place))
    }

    /// The one run that a person means by an id or its beginning.
    pub(crate) fn run_of(&self, id: &str) -> Result<Option<Row>> {
        let mut rows = self.index.by_id(id)?;
        Ok(if rows.len() == 1 { rows.pop() } else { None })
    }
}
