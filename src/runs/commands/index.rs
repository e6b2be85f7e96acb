//! `git comfy index`: the search index, looked after by hand.

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::index::{IndexCounts, RunIndex};
use crate::runs::run_store::RunStore;
use crate::session::Session;

/// Look after the search index.
#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    /// What to do.
    #[command(subcommand)]
    action: IndexCommand,
}

#[derive(Debug, clap::Subcommand)]
enum IndexCommand {
    /// Make the index anew from the runs.
    Rebuild,
    /// Tell what it holds.
    Status,
}

pub(crate) fn run(args: &IndexArgs, session: &Session) -> Result<Exit> {
    if matches!(args.action, IndexCommand::Rebuild) {
        RunIndex::remove(&session.repository()?.state_dir())?;
    }
    let run_store = RunStore::open(session)?;
    let IndexCounts { runs, files } = run_store.index.counts()?;
    session.ui.report(&format!("{runs} runs with {files} files are indexed"))?;
    Ok(Exit::Done)
}
