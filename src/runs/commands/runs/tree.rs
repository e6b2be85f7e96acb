//! `git comfy runs tree`: runs and what was made of them.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::commands::runs;
use crate::runs::index::RunRow;
use crate::runs::run_store::RunStore;
use crate::runs::runs_ref;
use crate::runs::runs_ref::RunPath;
use crate::runs::text::tree::{RunTree, format_tree, tree_json};
use crate::session::Session;

/// Which runs to show.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsTreeArgs {
    /// A run or a picture; the whole family it belongs to is shown. None: the newest
    /// families.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// How many families.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) number: usize,
    /// One JSON object for each family.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Generations that are gone back.
const MAX_GENERATIONS: usize = 1_000;
/// Runs of one family that are read.
const MAX_FAMILY_RUNS: usize = 5_000;

pub(crate) fn run(args: &RunsTreeArgs, session: &Session) -> Result<Exit> {
    let shelf = RunStore::open(session)?;
    let (roots, meant) = match &args.run {
        Some(name) => {
            let run = runs::find_run(session, &shelf, name)?.stored.run;
            (vec![find_oldest_ancestor(&shelf, &run.id)?], Some(run.id))
        }
        None => (newest_families(&shelf, args.number)?, None),
    };
    for id in &roots {
        let mut left = MAX_FAMILY_RUNS;
        let family = build_tree(&shelf, id, &mut left, MAX_GENERATIONS)?;
        let shown =
            if args.json { tree_json(&family) } else { format_tree(&family, meant.as_deref()) };
        session.ui.print(&shown)?;
    }
    if roots.is_empty() {
        session.ui.info(
            "no run was made from another yet: git comfy vary and git comfy reproduce --run do",
        );
    }
    Ok(Exit::Done)
}

/// The oldest ancestor, recorded or not.
fn find_oldest_ancestor(shelf: &RunStore, id: &str) -> Result<String> {
    let mut seen = BTreeSet::new();
    let mut at = id.to_owned();
    while seen.len() < MAX_GENERATIONS && seen.insert(at.clone()) {
        match find_exact(shelf, &at)?.and_then(|row| row.parent) {
            Some(parent) if !seen.contains(&parent) => at = parent,
            _ => break,
        }
    }
    Ok(at)
}

/// The newest families' oldest ancestors.
fn newest_families(shelf: &RunStore, most: usize) -> Result<Vec<String>> {
    let mut roots = Vec::new();
    for id in shelf.index.parent_ids(most.saturating_mul(16))? {
        let root = find_oldest_ancestor(shelf, &id)?;
        if !roots.contains(&root) {
            roots.push(root);
        }
        if roots.len() == most {
            break;
        }
    }
    Ok(roots)
}

fn find_exact(shelf: &RunStore, id: &str) -> Result<Option<RunRow>> {
    Ok(shelf.index.find_by_id(id)?.into_iter().find(|row| row.run_id == id))
}

fn build_tree(shelf: &RunStore, id: &str, left: &mut usize, depth: usize) -> Result<RunTree> {
    let row = find_exact(shelf, id)?;
    let place = row.map(|row| RunPath::new(row.path));
    let run = match place {
        Some(place) => runs_ref::load_run(&shelf.repository, &place)?.map(|kept| kept.run),
        None => None,
    };
    let mut family = RunTree { id: id.to_owned(), run, made: Vec::new(), more: 0 };
    let children = shelf.index.find_children(id)?;
    for (number, child) in children.iter().enumerate() {
        // Parents come from other clones, and may form a circle.
        if *left == 0 || depth == 0 {
            family.more = children.len() - number;
            break;
        }
        *left -= 1;
        family.made.push(build_tree(shelf, &child.run_id, left, depth - 1)?);
    }
    Ok(family)
}
