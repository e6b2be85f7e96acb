//! `git comfy runs show`: all that is known of one run.

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::runs::commands::find;
use crate::runs::commands::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::runs::index::RunRow;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_branches::OutputSelector;
use crate::runs::run_store::RunStore;
use crate::runs::runs_ref::{RunPath, StoredRun};
use crate::runs::text::run_text::{describe_branch, describe_run};
use crate::runs::{run_branches, run_data, runs_ref};
use crate::session::Session;

/// Which run to show.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsShowArgs {
    /// Its id, or the beginning of it, or one of its files.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The document as it is kept.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) thumbnails: ThumbnailArgs,
}

pub(crate) fn run(args: &RunsShowArgs, session: &Session) -> Result<Exit> {
    let shelf = RunStore::open(session)?;
    let named = find_run(session, &shelf, &args.run)?;
    let run = &named.stored.run;
    if args.json {
        session.ui.print(&sanitize::json(&run_data::print_run(run)))?;
        return Ok(Exit::Done);
    }
    let folders = OutputFolders::detect(session, &shelf.repository)?;
    let is_there =
        |output: &run_data::OutputFile| folders.locate(output).map(|path| path.is_file());
    let part = run_branches::branch_of_file(&shelf, &named.stored, &named.selector);
    let text = match &part {
        Some(part) => describe_branch(part, run, &is_there),
        None => describe_run(run, &is_there),
    };
    session.ui.print(&text)?;
    let thumbnails = Thumbnails::new(session, &shelf, args.thumbnails)?;
    for mut row in shelf.index.find_by_id(&run.id)? {
        run_branches::narrow_to_file(&shelf, &mut row, &named.selector)?;
        thumbnails.print_first(&shelf, &row)?;
    }
    Ok(Exit::Done)
}

/// A run that a person named, by its id or by one of its files.
pub(crate) struct NamedRun {
    pub(crate) stored: StoredRun,
    /// Whether it was named by one of its files.
    pub(crate) selector: OutputSelector,
}

/// The run that a person means by an id, its beginning, or a file.
pub(crate) fn find_run(session: &Session, shelf: &RunStore, text: &str) -> Result<NamedRun> {
    let with = |rows: Vec<RunRow>, meant: OutputSelector| {
        rows.into_iter().map(move |row| (row, meant.clone()))
    };
    let mut rows: Vec<(RunRow, OutputSelector)> =
        with(shelf.index.find_by_id(text)?, OutputSelector::Run).collect();
    if rows.is_empty() {
        let path = text.replace('\\', "/");
        rows = with(shelf.index.find_by_path(&path)?, OutputSelector::Path(path)).collect();
    }
    let path = session.cwd.join(text);
    if rows.is_empty() && path.is_file() {
        let found = find::find_runs_of_file(shelf, &path)?.into_iter();
        rows = found.map(|found| (found.row, found.selector)).collect();
    }
    let shown = sanitize::line(text).into_owned();
    match &rows[..] {
        [] => Err(CommandError::new(format!("no run is called {shown}"))
            .with_hint("git comfy runs lists the newest; git comfy find looks for others")),
        [(row, meant)] => {
            let place = RunPath::new(row.path.as_str());
            let kept = runs_ref::load_run(&shelf.repository, &place)?;
            let kept =
                kept.ok_or_else(|| CommandError::new(format!("the run {shown} cannot be read")))?;
            Ok(NamedRun { stored: kept, selector: meant.clone() })
        }
        several => {
            let ids: Vec<&str> =
                several.iter().take(5).map(|(row, _)| row.run_id.as_str()).collect();
            let count = several.len();
            Err(CommandError::new(format!("{shown} may be {count} runs"))
                .with_hint(format!("{} …", sanitize::line(&ids.join(", ")))))
        }
    }
}
