//! `git comfy layout restore`: an earlier layout, put back as a new move.

use super::{CommittedLayout, FileLayouts, inspect_file, resolve_path, split_id_and_file};
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::bring_back::{LayoutWorkspace, NextUndo};
use crate::layouts::layout_history::LayoutHistory;
use crate::session::Session;

/// Bring an earlier layout back, as if you had dragged everything there; what is there now
/// is kept. Where the workflow was changed since, its nodes are found again, and new ones
/// stay where they are.
#[derive(Debug, clap::Args)]
pub(crate) struct LayoutRestoreArgs {
    /// An ID of `git comfy layout log`, or a commit that holds the file: the layout that a
    /// checkout of it would give; and the file.
    #[arg(value_names = ["ID", "FILE"], required = true, num_args = 2)]
    what: Vec<String>,
}

/// Restores.
pub(crate) fn run(args: &LayoutRestoreArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let (id, file) = split_id_and_file(&args.what);
    let path = resolve_path(session, &repository, file)?;
    let mut desk = LayoutWorkspace::open(&repository)?;
    let workflow = inspect_file(session, &repository, &mut desk, &path)?;
    let mut past = LayoutHistory::load(&repository)?;
    let mut book = FileLayouts::open(session, &repository, &mut desk, &mut past, path, workflow)?;
    let id = id.unwrap_or_default();
    if !book.names_state(id)
        && let Some(CommittedLayout { commit, found }) = book.find_committed(id)?
    {
        let workflow = book.require_workflow()?.clone();
        let outcome = book.workspace.restore_state(&workflow, found, None)?;
        let told = format!("lies as in commit {commit}: as a checkout of that gives it");
        return book.report_restored(session, outcome, &told);
    }
    let at = book.find_state(id)?;
    book.require_workflow()?;
    let outcome = match &book.workflow {
        Some(workflow) => book.workspace.restore(
            book.history,
            workflow,
            &book.states[at],
            NextUndo::FromPrevious,
        )?,
        None => return Ok(Exit::Failed),
    };
    book.report_outcome(session, at, outcome)
}
