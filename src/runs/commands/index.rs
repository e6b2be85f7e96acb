//! `git comfy index`: the search index, looked after by hand.

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::index::Index;
use crate::runs::run_store::Shelf;
use crate::session::Session;

/// Look after the search index.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make the index anew from the runs.
    Rebuild,
    /// Tell what it holds.
    Status,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    if matches!(args.action, Action::Rebuild) {
        Index::remove(&session.repository()?.state_dir())?;
    }
    let shelf = Shelf::open(session)?;
    let (runs, files) = shelf.index.counts()?;
    session.ui.tell(&format!("{runs} runs with {files} files are indexed"))?;
    Ok(Exit::Done)
}
