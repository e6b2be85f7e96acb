//! `git comfy runs show`: all that is known of one run.

use crate::error::Result;
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::runs::find_run::find_run;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_store::RunStore;
use crate::runs::text::run_text::{describe_branch, describe_run};
use crate::runs::thumbnails::{ThumbnailArgs, Thumbnails};
use crate::runs::{run_branches, run_data};
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
    let run_store = RunStore::open(session)?;
    let named = find_run(session, &run_store, &args.run)?;
    let run = &named.stored.run;
    if args.json {
        session.ui.print(&sanitize::json(&run_data::print_run(run)))?;
        return Ok(Exit::Done);
    }
    let folders = OutputFolders::detect(session, &run_store.repository)?;
    let is_there =
        |output: &run_data::OutputFile| folders.locate(output).map(|path| path.is_file());
    let part = run_branches::branch_of_file(&run_store, &named.stored, &named.selector);
    let text = match &part {
        Some(part) => describe_branch(part, run, &is_there),
        None => describe_run(run, &is_there),
    };
    session.ui.print(&text)?;
    let thumbnails = Thumbnails::new(session, &run_store, args.thumbnails)?;
    for mut row in run_store.index.find_by_id(&run.id)? {
        run_branches::narrow_to_file(&run_store, &mut row, &named.selector)?;
        thumbnails.print_first(&run_store, &row)?;
    }
    Ok(Exit::Done)
}
