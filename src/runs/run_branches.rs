//! What made one file of a run: a run may save from several branches of its graph, each
//! with a seed, a model and a text of its own.

use comfy_graph::graph::Prompt;
use comfy_graph::json;

use super::run_store::RunStore;
use super::runs_ref::StoredRun;
use crate::error::Result;
use crate::runs::index::{RunRow, RunSummary, SearchKey, matches_keys};
use crate::runs::run_data::{OutputFile, Run, run_branch};

/// Which file of a run is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputSelector {
    /// The one of this SHA-256.
    Digest(String),
    /// The one of this path.
    Path(String),
    /// The run itself.
    Run,
}

impl OutputSelector {
    fn matches(&self, file: &OutputFile) -> bool {
        match self {
            OutputSelector::Digest(digest) => file.sha256.as_ref() == Some(digest),
            OutputSelector::Path(path) => file.path == *path,
            OutputSelector::Run => false,
        }
    }
}

/// The part of a run that led to one of its files, without the other branches' files.
/// Nothing where the run has one branch, or where nobody knows which node made the file.
pub(crate) fn branch_of_file(
    run_store: &RunStore,
    stored: &StoredRun,
    selector: &OutputSelector,
) -> Option<Run> {
    let mut parts = split_branches(run_store, stored).into_iter();
    parts.find(|part| part.outputs.iter().any(|file| selector.matches(file)))
}

/// A run by its branches, where it has several.
fn split_branches(run_store: &RunStore, stored: &StoredRun) -> Vec<Run> {
    let mut nodes: Vec<&str> =
        stored.run.outputs.iter().filter_map(|file| file.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let prompt = || Prompt::from_value(json::parse_lenient(stored.prompt.as_ref()?).ok()?).ok();
    let Some(prompt) = (nodes.len() > 1).then(prompt).flatten() else { return Vec::new() };
    let parts =
        nodes.iter().filter_map(|node| run_branch(&stored.run, &prompt, node, &run_store.catalog));
    parts.collect()
}

/// Narrows a row that was found for a file to the branch that made it.
pub(crate) fn narrow_to_file(
    run_store: &RunStore,
    row: &mut RunRow,
    selector: &OutputSelector,
) -> Result<()> {
    narrow_row(run_store, row, &|part| part.outputs.iter().any(|file| selector.matches(file)))
}

/// Narrows a row that was found by what a run was made of: of its files those stay whose
/// branch fits.
pub(crate) fn narrow_to_keys(
    run_store: &RunStore,
    row: &mut RunRow,
    keys: &[SearchKey],
) -> Result<()> {
    narrow_row(run_store, row, &|part| matches_keys(part, keys))
}

fn narrow_row(
    run_store: &RunStore,
    row: &mut RunRow,
    is_meant: &dyn Fn(&Run) -> bool,
) -> Result<()> {
    if row.branches < 2 {
        return Ok(());
    }
    let Some(stored) = run_store.load_run(row)? else { return Ok(()) };
    let mut parts = split_branches(run_store, &stored);
    parts.retain(is_meant);
    let Some(first) = parts.first() else { return Ok(()) };
    row.summary = RunSummary::from_run(first);
    let made = parts.iter().flat_map(|part| &part.outputs);
    row.paths = made.map(|file| file.path.clone()).collect();
    row.paths.sort();
    Ok(())
}
