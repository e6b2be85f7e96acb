//! `git comfy layout restore`: an earlier layout, put back as a new move.

use super::file_layouts::{CommitLayout, FileLayouts};
use super::split_id_and_file;
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::restore_layout::NextUndo;
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

pub(crate) fn run(args: &LayoutRestoreArgs, session: &Session) -> Result<Exit> {
    let repository = session.up_to_date_repository()?;
    let (id, file) = split_id_and_file(&args.what);
    let mut layouts = FileLayouts::open(session, &repository, file)?;
    let id = id.unwrap_or_default();
    if !layouts.names_state(id)
        && let Some(CommitLayout { commit, found }) = layouts.find_committed(id)?
    {
        let workflow = layouts.require_workflow()?.clone();
        let outcome = layouts.workspace.restore_state(&workflow, found, None)?;
        let told = format!("lies as in commit {commit}: as a checkout of that gives it");
        return layouts.report_restored(session, outcome, &told);
    }
    let at = layouts.find_state(id)?;
    layouts.require_workflow()?;
    let outcome = match &layouts.workflow {
        Some(workflow) => layouts.workspace.restore(
            &mut layouts.history,
            workflow,
            &layouts.states[at],
            NextUndo::FromPrevious,
        )?,
        None => return Ok(Exit::Failed),
    };
    layouts.report_outcome(session, at, outcome)
}
