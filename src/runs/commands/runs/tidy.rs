//! `git comfy runs prune` and `redact`: what is recorded and should not be.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::text::time_argument::since;
use crate::runs::index::{Key, Query, Row, Shown};
use crate::runs::run_store::Shelf;
use crate::runs::store;
use crate::runs::store::Place;
use crate::session::Session;
use crate::sharing;

/// Which runs.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Which {
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
pub(crate) struct Prune {
    #[command(flatten)]
    which: Which,
}

/// Take the prompts out of runs and keep the rest.
#[derive(Debug, clap::Args)]
pub(crate) struct Redact {
    #[command(flatten)]
    which: Which,
}

pub(crate) fn prune(args: &Prune, session: &Session) -> Result<Exit> {
    tidy(&args.which, session, "forgotten", &|shelf, places| {
        Ok(store::prune(&shelf.repository, places)?)
    })
}

pub(crate) fn redact(args: &Redact, session: &Session) -> Result<Exit> {
    let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    tidy(&args.which, session, "without their prompts", &|shelf, places| {
        Ok(store::redact(&shelf.repository, places, &at)?)
    })
}

type Work<'w> = &'w dyn Fn(&Shelf, &[Place]) -> Result<usize>;

fn tidy(which: &Which, session: &Session, done: &str, work: Work<'_>) -> Result<Exit> {
    let mut shelf = Shelf::open(session)?;
    let rows = chosen(which, &shelf)?;
    let places: Vec<Place> = rows.iter().map(|row| Place::new(row.place.as_str())).collect();
    if which.dry_run {
        session.ui.tell(&format!("{} would be {done}", counted(places.len())))?;
        return Ok(Exit::Done);
    }
    let count = if places.is_empty() { 0 } else { work(&shelf, &places)? };
    shelf.sync(session)?;
    session.ui.tell(&format!("{} {done}", counted(count)))?;
    if count > 0 {
        session.ui.say("git keeps the old objects until it collects garbage: git gc --prune=now");
        if sharing::shares_runs(&shelf.repository)? {
            session.ui.say("git comfy sync does the same at the remotes");
        }
    }
    Ok(Exit::Done)
}

fn counted(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn chosen(which: &Which, shelf: &Shelf) -> Result<Vec<Row>> {
    if which.all {
        return Ok(shelf.index.places(None)?);
    }
    if !which.runs.is_empty() {
        let mut rows = Vec::new();
        for id in &which.runs {
            let row = shelf.run_of(id)?;
            rows.push(row.ok_or_else(|| Failure::new(format!("no one run is called {id}")))?);
        }
        return Ok(rows);
    }
    let until = match &which.older_than {
        Some(text) => Some(since(text, Timestamp::now())? - SignedDuration::from_millis(1)),
        None => None,
    };
    let until = until.map(Timestamp::as_millisecond);
    match (&which.text, until) {
        (None, None) => Err(Failure::new("which runs?")
            .hint("name them, or use --older-than 90d, --text WORDS or --all")),
        (None, Some(until)) => Ok(shelf.index.places(Some(until))?),
        (Some(text), until) => {
            let query = Query {
                keys: vec![Key::Text(text.clone())],
                since: None,
                until,
                shown: Shown::All,
                most: usize::MAX >> 1,
            };
            Ok(shelf.index.find(&query)?)
        }
    }
}
