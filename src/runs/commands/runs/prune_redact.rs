//! `git comfy runs prune` and `redact`: what is recorded and should not be.

use jiff::{SignedDuration, Timestamp};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::shared_refs::RunsSharing;
use crate::platform::text::time_argument::parse_since;
use crate::runs::index::{RunFilter, RunQuery, RunRow, SearchKey};
use crate::runs::run_store::RunStore;
use crate::runs::runs_ref;
use crate::runs::runs_ref::RunPath;
use crate::session::Session;

/// Which runs.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct RunSelectionArgs {
    /// Ids, or their beginnings.
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// All of them.
    #[arg(long, conflicts_with = "runs")]
    pub(crate) all: bool,
    /// Those whose prompts hold these words.
    #[arg(long, value_name = "WORDS", conflicts_with_all = ["runs", "all"])]
    pub(crate) text: Option<String>,
    /// Those before a date, or older than so much: 2026-01-31, 90d, 6w, 1y.
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["runs", "all"])]
    pub(crate) older_than: Option<String>,
    /// Only tell how many.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// Forget runs, here and wherever they are shared to.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsPruneArgs {
    #[command(flatten)]
    which: RunSelectionArgs,
}

/// Take the prompts out of runs and keep the rest.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsRedactArgs {
    #[command(flatten)]
    which: RunSelectionArgs,
}

pub(crate) fn prune_selected(args: &RunsPruneArgs, session: &Session) -> Result<Exit> {
    rewrite_selected(&args.which, session, "forgotten", &|shelf, places| {
        Ok(runs_ref::prune_runs(&shelf.repository, places)?)
    })
}

pub(crate) fn redact_selected(args: &RunsRedactArgs, session: &Session) -> Result<Exit> {
    let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    rewrite_selected(&args.which, session, "without their prompts", &|shelf, places| {
        Ok(runs_ref::redact_runs(&shelf.repository, places, &at)?)
    })
}

type RewriteRuns<'w> = &'w dyn Fn(&RunStore, &[RunPath]) -> Result<usize>;

fn rewrite_selected(
    which: &RunSelectionArgs,
    session: &Session,
    done: &str,
    work: RewriteRuns<'_>,
) -> Result<Exit> {
    let mut shelf = RunStore::open(session)?;
    let rows = select_runs(which, &shelf)?;
    let places: Vec<RunPath> = rows.iter().map(|row| RunPath::new(row.path.as_str())).collect();
    if which.dry_run {
        session.ui.report(&format!("{} would be {done}", count_runs(places.len())))?;
        return Ok(Exit::Done);
    }
    let count = if places.is_empty() { 0 } else { work(&shelf, &places)? };
    shelf.sync(session)?;
    session.ui.report(&format!("{} {done}", count_runs(count)))?;
    if count > 0 {
        session.ui.info("git keeps the old objects until it collects garbage: git gc --prune=now");
        if runs_ref::sharing(&shelf.repository)? == RunsSharing::On {
            session.ui.info("git comfy sync does the same at the remotes");
        }
    }
    Ok(Exit::Done)
}

fn count_runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn select_runs(which: &RunSelectionArgs, shelf: &RunStore) -> Result<Vec<RunRow>> {
    if which.all {
        return Ok(shelf.index.list_runs(None)?);
    }
    if !which.runs.is_empty() {
        let mut rows = Vec::new();
        for id in &which.runs {
            let row = shelf.find_unique(id)?;
            rows.push(row.ok_or_else(|| CommandError::new(format!("no one run is called {id}")))?);
        }
        return Ok(rows);
    }
    let until = match &which.older_than {
        Some(text) => Some(parse_since(text, Timestamp::now())? - SignedDuration::from_millis(1)),
        None => None,
    };
    let until = until.map(Timestamp::as_millisecond);
    match (&which.text, until) {
        (None, None) => Err(CommandError::new("which runs?")
            .with_hint("name them, or use --older-than 90d, --text WORDS or --all")),
        (None, Some(until)) => Ok(shelf.index.list_runs(Some(until))?),
        (Some(text), until) => {
            let query = RunQuery {
                keys: vec![SearchKey::Text(text.clone())],
                since: None,
                until,
                filter: RunFilter::All,
                limit: usize::MAX >> 1,
            };
            Ok(shelf.index.find_runs(&query)?)
        }
    }
}
