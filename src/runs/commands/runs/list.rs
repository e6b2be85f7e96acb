//! `git comfy runs`: the newest runs, a line each.

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::commands::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::runs::index::{RunFilter, RunQuery, RunRow};
use crate::runs::run_store::RunStore;
use crate::runs::text::run_text::{RunLine, format_run_line, run_line_json};
use crate::session::Session;

/// Which runs to list.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct RunsListArgs {
    /// How many.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) number: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) thumbnails: ThumbnailArgs,
}

pub(crate) fn run(args: &RunsListArgs, session: &Session) -> Result<Exit> {
    let shelf = RunStore::open(session)?;
    let query = RunQuery {
        keys: Vec::new(),
        since: None,
        until: None,
        filter: RunFilter::All,
        limit: args.number,
    };
    let rows = shelf.index.find_runs(&query)?;
    if args.json {
        for row in &rows {
            session.ui.print(&run_line_json(&to_run_line(row), None))?;
        }
        return Ok(Exit::Done);
    }
    let thumbnails = Thumbnails::new(session, &shelf, args.thumbnails)?;
    for row in &rows {
        session.ui.print(&format_run_line(&to_run_line(row), None))?;
        thumbnails.print_first(&shelf, row)?;
    }
    let (all, _) = shelf.index.counts()?;
    match (rows.len() as u64, all) {
        (0, _) => session.ui.info(
            "no runs are known yet: git comfy runs scan reads outputs, \
             git comfy watch records runs as they happen",
        ),
        (shown, all) if shown < all => session.ui.info(&format!("{shown} of {all}; -n shows more")),
        _ => {}
    }
    Ok(Exit::Done)
}

pub(crate) fn to_run_line(row: &RunRow) -> RunLine<'_> {
    RunLine {
        run: &row.run_id,
        moment: row.time_ms,
        outcome: &row.outcome,
        seed: row.summary.seed.as_deref(),
        model: row.summary.model.as_deref(),
        excerpt: row.summary.excerpt.as_deref(),
        paths: &row.paths,
    }
}
