//! `git comfy runs`: the newest runs, a line each.

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::commands::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::runs::index::{Query, Row, Shown};
use crate::runs::run_store::Shelf;
use crate::runs::text::runs::{Line, line, row_json};
use crate::session::Session;

/// Which runs to list.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// How many.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) number: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) thumbnails: ThumbnailArgs,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let query =
        Query { keys: Vec::new(), since: None, until: None, shown: Shown::All, most: args.number };
    let rows = shelf.index.find(&query)?;
    if args.json {
        for row in &rows {
            session.ui.out(&row_json(&as_line(row), None))?;
        }
        return Ok(Exit::Done);
    }
    let thumbnails = Thumbnails::of(session, &shelf, args.thumbnails)?;
    for row in &rows {
        session.ui.out(&line(&as_line(row), None))?;
        thumbnails.show(&shelf, row)?;
    }
    let (all, _) = shelf.index.counts()?;
    match (rows.len() as u64, all) {
        (0, _) => session.ui.say(
            "no runs are known yet: git comfy runs scan reads outputs, \
             git comfy watch records runs as they happen",
        ),
        (shown, all) if shown < all => session.ui.say(&format!("{shown} of {all}; -n shows more")),
        _ => {}
    }
    Ok(Exit::Done)
}

pub(crate) fn as_line(row: &Row) -> Line<'_> {
    Line {
        run: &row.run,
        moment: row.moment,
        outcome: &row.outcome,
        seed: row.summary.seed.as_deref(),
        model: row.summary.model.as_deref(),
        excerpt: row.summary.excerpt.as_deref(),
        paths: &row.paths,
    }
}
