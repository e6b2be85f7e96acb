//! `git comfy runs tree`: runs and what was made of them.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::commands::runs;
use crate::runs::index::Row;
use crate::runs::run_store::Shelf;
use crate::runs::store;
use crate::runs::store::Place;
use crate::runs::text::tree::{Branch, json, text};
use crate::session::Session;

/// Which runs to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
const DEEPEST: usize = 1_000;
/// Runs of one family that are read.
const MOST: usize = 5_000;

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let (roots, meant) = match &args.run {
        Some(name) => {
            let run = runs::named(session, &shelf, name)?.kept.run;
            (vec![root(&shelf, &run.id)?], Some(run.id))
        }
        None => (families(&shelf, args.number)?, None),
    };
    for id in &roots {
        let mut left = MOST;
        let family = branch(&shelf, id, &mut left, DEEPEST)?;
        let shown = if args.json { json(&family) } else { text(&family, meant.as_deref()) };
        session.ui.out(&shown)?;
    }
    if roots.is_empty() {
        session.ui.say(
            "no run was made from another yet: git comfy vary and git comfy reproduce --run do",
        );
    }
    Ok(Exit::Done)
}

/// The oldest ancestor, recorded or not.
fn root(shelf: &Shelf, id: &str) -> Result<String> {
    let mut seen = BTreeSet::new();
    let mut at = id.to_owned();
    while seen.len() < DEEPEST && seen.insert(at.clone()) {
        match exact(shelf, &at)?.and_then(|row| row.parent) {
            Some(parent) if !seen.contains(&parent) => at = parent,
            _ => break,
        }
    }
    Ok(at)
}

/// The newest families' oldest ancestors.
fn families(shelf: &Shelf, most: usize) -> Result<Vec<String>> {
    let mut roots = Vec::new();
    for id in shelf.index.parents(most.saturating_mul(16))? {
        let root = root(shelf, &id)?;
        if !roots.contains(&root) {
            roots.push(root);
        }
        if roots.len() == most {
            break;
        }
    }
    Ok(roots)
}

fn exact(shelf: &Shelf, id: &str) -> Result<Option<Row>> {
    Ok(shelf.index.by_id(id)?.into_iter().find(|row| row.run == id))
}

fn branch(shelf: &Shelf, id: &str, left: &mut usize, depth: usize) -> Result<Branch> {
    let row = exact(shelf, id)?;
    let place = row.map(|row| Place::new(row.place));
    let run = match place {
        Some(place) => store::at(&shelf.repository, &place)?.map(|kept| kept.run),
        None => None,
    };
    let mut family = Branch { id: id.to_owned(), run, made: Vec::new(), more: 0 };
    let children = shelf.index.made_from(id)?;
    for (number, child) in children.iter().enumerate() {
        // Parents come from other clones, and may form a circle.
        if *left == 0 || depth == 0 {
            family.more = children.len() - number;
            break;
        }
        *left -= 1;
        family.made.push(branch(shelf, &child.run, left, depth - 1)?);
    }
    Ok(family)
}
