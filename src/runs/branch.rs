//! What made one file of a run: a run may save from several branches of its graph, each
//! with a seed, a model and a text of its own.

use comfy_graph::graph::Prompt;
use comfy_graph::json;

use super::run_store::Shelf;
use super::store;
use super::store::{Kept, Place};
use crate::error::Result;
use crate::runs::index::{Key, Row, Summary, fits};
use crate::runs::model::{Output, Run, branch};

/// Which file of a run is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meant {
    /// The one of this SHA-256.
    Digest(String),
    /// The one of this path.
    Path(String),
    /// The run itself.
    Run,
}

impl Meant {
    fn is(&self, file: &Output) -> bool {
        match self {
            Meant::Digest(digest) => file.sha256.as_ref() == Some(digest),
            Meant::Path(path) => file.path == *path,
            Meant::Run => false,
        }
    }
}

/// The part of a run that led to one of its files, without the other branches' files.
/// Nothing where the run has one branch, or where nobody knows which node made the file.
pub(crate) fn of_file(shelf: &Shelf, kept: &Kept, meant: &Meant) -> Option<Run> {
    let mut parts = branches(shelf, kept).into_iter();
    parts.find(|part| part.outputs.iter().any(|file| meant.is(file)))
}

/// A run by its branches, where it has several.
fn branches(shelf: &Shelf, kept: &Kept) -> Vec<Run> {
    let mut nodes: Vec<&str> =
        kept.run.outputs.iter().filter_map(|file| file.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let prompt = || Prompt::from_value(json::parse_lenient(kept.prompt.as_ref()?).ok()?).ok();
    let Some(prompt) = (nodes.len() > 1).then(prompt).flatten() else { return Vec::new() };
    let parts = nodes.iter().filter_map(|node| branch(&kept.run, &prompt, node, &shelf.catalog));
    parts.collect()
}

/// Narrows a row that was found for a file to the branch that made it.
pub(crate) fn narrow_to_file(shelf: &Shelf, row: &mut Row, meant: &Meant) -> Result<()> {
    narrow(shelf, row, &|part| part.outputs.iter().any(|file| meant.is(file)))
}

/// Narrows a row that was found by what a run was made of: of its files those stay whose
/// branch fits.
pub(crate) fn narrow_to_keys(shelf: &Shelf, row: &mut Row, keys: &[Key]) -> Result<()> {
    narrow(shelf, row, &|part| fits(part, keys))
}

fn narrow(shelf: &Shelf, row: &mut Row, is_meant: &dyn Fn(&Run) -> bool) -> Result<()> {
    if row.branches < 2 {
        return Ok(());
    }
    let place = Place::new(row.place.as_str());
    let Some(kept) = store::at(&shelf.repository, &place)? else { return Ok(()) };
    let mut parts = branches(shelf, &kept);
    parts.retain(is_meant);
    let Some(first) = parts.first() else { return Ok(()) };
    row.summary = Summary::of(first);
    let made = parts.iter().flat_map(|part| &part.outputs);
    row.paths = made.map(|file| file.path.clone()).collect();
    row.paths.sort();
    Ok(())
}
