//! `git comfy runs prune` and `redact`: what is recorded and should not be.

use jiff::{SignedDuration, Timestamp};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::shared_refs::RunsSharing;
use crate::platform::text::plural::counted;
use crate::platform::text::time_argument::parse_since;
use crate::platform::time::format_utc_millis;
use crate::runs::index::{RunFilter, RunQuery, RunRow, SearchKey};
use crate::runs::run_store::{RunStore, run_path};
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
    rewrite_selected(&args.which, session, "forgotten", &|run_store, run_paths| {
        Ok(runs_ref::prune_runs(&run_store.repository, run_paths)?)
    })
}

pub(crate) fn redact_selected(args: &RunsRedactArgs, session: &Session) -> Result<Exit> {
    let at = format_utc_millis(Timestamp::now());
    rewrite_selected(&args.which, session, "without their prompts", &|run_store, run_paths| {
        Ok(runs_ref::redact_runs(&run_store.repository, run_paths, &at)?)
    })
}

type RewriteRuns<'w> = &'w dyn Fn(&RunStore, &[RunPath]) -> Result<usize>;

fn rewrite_selected(
    which: &RunSelectionArgs,
    session: &Session,
    done: &str,
    work: RewriteRuns<'_>,
) -> Result<Exit> {
    let mut run_store = RunStore::open(session)?;
    let rows = select_runs(which, &run_store)?;
    let run_paths: Vec<RunPath> = rows.iter().map(run_path).collect();
    if which.dry_run {
        session
            .ui
            .report(&format!("{} would be {done}", counted(run_paths.len(), "run", "runs")))?;
        return Ok(Exit::Done);
    }
    let count = if run_paths.is_empty() { 0 } else { work(&run_store, &run_paths)? };
    run_store.sync(session)?;
    session.ui.report(&format!("{} {done}", counted(count, "run", "runs")))?;
    if count > 0 {
        session.ui.info("git keeps the old objects until it collects garbage: git gc --prune=now");
        if runs_ref::sharing(&run_store.repository)? == RunsSharing::On {
            session.ui.info("git comfy sync does the same at the remotes");
        }
    }
    Ok(Exit::Done)
}

fn select_runs(which: &RunSelectionArgs, run_store: &RunStore) -> Result<Vec<RunRow>> {
    if which.all {
        return Ok(run_store.index.list_runs(None)?);
    }
    if !which.runs.is_empty() {
        let mut rows = Vec::new();
        for id in &which.runs {
            let row = run_store.find_unique(id)?;
            rows.push(row.ok_or_else(|| CommandError::user(format!("no one run is called {id}")))?);
        }
        return Ok(rows);
    }
    let until = match &which.older_than {
        Some(text) => Some(parse_since(text, Timestamp::now())? - SignedDuration::from_millis(1)),
        None => None,
    };
    let until = until.map(Timestamp::as_millisecond);
    match (&which.text, until) {
        (None, None) => Err(CommandError::user("which runs?")
            .with_hint("name them, or use --older-than 90d, --text WORDS or --all")),
        (None, Some(until)) => Ok(run_store.index.list_runs(Some(until))?),
        (Some(text), until) => {
            let query = RunQuery {
                keys: vec![SearchKey::Text(text.clone())],
                since: None,
                until,
                filter: RunFilter::All,
                limit: usize::MAX >> 1,
            };
            Ok(run_store.index.find_runs(&query)?)
        }
    }
}
