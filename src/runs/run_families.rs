//! Runs with all that was made from them, read from the store.

use std::collections::BTreeSet;

use super::run_store::RunStore;
use crate::error::Result;
use crate::runs::index::RunRow;
use crate::runs::text::tree::RunTree;

/// Generations that are gone back.
const MAX_GENERATIONS: usize = 1_000;
/// Runs of one family that are read.
const MAX_FAMILY_RUNS: usize = 5_000;

/// The oldest ancestor, recorded or not.
pub(crate) fn find_oldest_ancestor(run_store: &RunStore, id: &str) -> Result<String> {
    let mut seen = BTreeSet::new();
    let mut at = id.to_owned();
    while seen.len() < MAX_GENERATIONS && seen.insert(at.clone()) {
        match find_exact(run_store, &at)?.and_then(|row| row.parent) {
            Some(parent) if !seen.contains(&parent) => at = parent,
            _ => break,
        }
    }
    Ok(at)
}

/// The newest families' oldest ancestors.
pub(crate) fn newest_families(run_store: &RunStore, most: usize) -> Result<Vec<String>> {
    let mut roots = Vec::new();
    for id in run_store.index.parent_ids(most.saturating_mul(16))? {
        let root = find_oldest_ancestor(run_store, &id)?;
        if !roots.contains(&root) {
            roots.push(root);
        }
        if roots.len() == most {
            break;
        }
    }
    Ok(roots)
}

fn find_exact(run_store: &RunStore, id: &str) -> Result<Option<RunRow>> {
    Ok(run_store.index.find_by_id(id)?.into_iter().find(|row| row.run_id == id))
}

/// A run with all that was made from it, as far as there is room.
pub(crate) fn read_family(run_store: &RunStore, id: &str) -> Result<RunTree> {
    let mut room = MAX_FAMILY_RUNS;
    build_tree(run_store, id, &mut room, MAX_GENERATIONS)
}

fn build_tree(run_store: &RunStore, id: &str, left: &mut usize, depth: usize) -> Result<RunTree> {
    let row = find_exact(run_store, id)?;
    let run = match &row {
        Some(row) => run_store.load_run(row)?.map(|stored| stored.run),
        None => None,
    };
    let mut family = RunTree { id: id.to_owned(), run, made: Vec::new(), more: 0 };
    let children = run_store.index.find_children(id)?;
    for (number, child) in children.iter().enumerate() {
        // Parents come from other clones, and may form a circle.
        if *left == 0 || depth == 0 {
            family.more = children.len() - number;
            break;
        }
        *left -= 1;
        family.made.push(build_tree(run_store, &child.run_id, left, depth - 1)?);
    }
    Ok(family)
}
