//! `git comfy runs`: the newest runs, a line each.

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::index::{RunFilter, RunQuery};
use crate::runs::run_store::RunStore;
use crate::runs::text::run_text::{RunLine, format_run_line, run_line_json};
use crate::runs::thumbnails::{ThumbnailArgs, Thumbnails};
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
    let run_store = RunStore::open(session)?;
    let query = RunQuery {
        keys: Vec::new(),
        since: None,
        until: None,
        filter: RunFilter::All,
        limit: args.number,
    };
    let rows = run_store.index.find_runs(&query)?;
    if args.json {
        for row in &rows {
            session.ui.print(&run_line_json(&RunLine::from(row), None))?;
        }
        return Ok(Exit::Done);
    }
    let thumbnails = Thumbnails::new(session, &run_store, args.thumbnails)?;
    for row in &rows {
        session.ui.print(&format_run_line(&RunLine::from(row), None))?;
        thumbnails.print_first(&run_store, row)?;
    }
    let all = run_store.index.counts()?.runs;
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
