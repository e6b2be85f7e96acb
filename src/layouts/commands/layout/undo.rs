//! `git comfy layout undo`: one state back, and again further back.

use comfy_graph::clean::{has_moved_places, was_arranged_before};

use super::file_layouts::FileLayouts;
use super::{resolve_path, stable_id};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::layout_history;
use crate::layouts::layout_history::{LayoutHistory, LayoutState};
use crate::layouts::restore_layout::{LayoutWorkspace, NextUndo, RestoreOutcome};
use crate::platform::git::{RepoPath, Repository};
use crate::session::Session;

/// Go one state back: to how the file lay before anything was moved last, here or by a
/// pull. Again goes further back, until you move something yourself. What was arranged
/// because nobody had placed it yet, and gave way to what somebody placed elsewhere, is no
/// state to go back to.
#[derive(Debug, clap::Args)]
pub(crate) struct LayoutUndoArgs {
    /// The file [default: the one that changed last].
    #[arg(value_name = "FILE")]
    file: Option<String>,
}

pub(crate) fn run(args: &LayoutUndoArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let brought = session.catch_up(&repository);
    let mut workspace = LayoutWorkspace::open(&repository)?;
    let path = match &args.file {
        Some(file) => resolve_path(session, &repository, file)?,
        None => last_changed_file(&repository, &mut workspace)?,
    };
    let mut layouts = FileLayouts::load(session, &repository, workspace, path)?;
    layouts.require_workflow()?;
    if brought.contains(&layouts.path) {
        // Nobody saw it so: what is to be undone was meant before that came.
        return Err(came_just_now(&layouts));
    }
    match step_back(&mut layouts)? {
        UndoStep::To(at, outcome) => layouts.report_outcome(session, at, outcome),
        UndoStep::Nowhere(arranged) => Err(no_older_layout_failure(&layouts, arranged)),
    }
}

fn came_just_now(layouts: &FileLayouts<'_>) -> CommandError {
    let (path, typed) = (&layouts.path, &layouts.typed);
    let why = format!("nothing was undone: {path} was just brought to where others moved nodes");
    CommandError::user(why)
        .with_hint("reload the page in ComfyUI and look at it")
        .with_hint(format!("`git comfy layout undo {typed}` goes back before their move"))
        .with_hint(layouts.log_hint("tells who moved what"))
}

fn no_older_layout_failure(layouts: &FileLayouts<'_>, arranged: Option<usize>) -> CommandError {
    let path = &layouts.path;
    let see_log = layouts.log_hint("tells all that is known of it");
    let Some(state) = arranged.and_then(|at| layouts.states.get(at)) else {
        let why = format!("{path} cannot go further back: no older layout differs");
        return CommandError::user(why).with_hint(see_log);
    };
    let why = format!("{path} cannot go further back: before that nobody had placed its nodes");
    let back = format!("git comfy layout restore {} {}", stable_id(state), layouts.typed);
    CommandError::user(why)
        .with_hint(format!("`{back}` brings back how it was arranged"))
        .with_hint(see_log)
}

/// Where one step back leads.
enum UndoStep {
    /// To a state.
    To(usize, RestoreOutcome),
    /// Nowhere, or only to what was arranged.
    Nowhere(Option<usize>),
}

fn step_back(layouts: &mut FileLayouts<'_>) -> Result<UndoStep> {
    let (Some(workflow), Some(present)) =
        (&layouts.workflow, layouts.history.present_layout(&layouts.path))
    else {
        return Ok(UndoStep::Nowhere(None));
    };
    let mut arranged = None;
    // Whether git wrote what came after the state at hand.
    let origin =
        layout_history::undo_origin(&layouts.states, &present).map(|at| &layouts.states[at]);
    let mut is_overwritten = origin.is_some_and(LayoutState::is_written_by_git);
    for at in layout_history::undo_candidates(&layouts.states, &present) {
        let state = &layouts.states[at];
        let was_overwritten = std::mem::replace(&mut is_overwritten, state.is_written_by_git());
        let known = (workflow.blob, workflow.content.as_slice());
        let Some(part) = layouts.workspace.match_layout(&mut layouts.history, state, known)? else {
            continue;
        };
        if !has_moved_places(part.source(), &present.layout) {
            continue;
        }
        // What nobody placed gave way to what somebody did: nothing that anybody would undo.
        let is_guess = state.is_written_by_git() && was_overwritten;
        // But a drag in what was arranged is one.
        let is_arranged = !part.source().layout.has_place_by_person();
        if (is_arranged && was_overwritten)
            || (is_guess && was_arranged_before(part.source(), &present.layout))
        {
            arranged = arranged.or(Some(at));
            continue;
        }
        match layouts.workspace.restore(
            &mut layouts.history,
            workflow,
            state,
            NextUndo::FromRestored,
        )? {
            RestoreOutcome::Unchanged | RestoreOutcome::Missing => {}
            outcome => return Ok(UndoStep::To(at, outcome)),
        }
    }
    Ok(UndoStep::Nowhere(arranged))
}

/// Files that changed within so many milliseconds changed together.
const SAME_CHANGE_MILLISECONDS: u64 = 2000;
/// So many of them are named.
const MAX_NAMED_FILES: usize = 10;

/// The file whose layout changed last, where that is one.
fn last_changed_file(
    repository: &Repository,
    workspace: &mut LayoutWorkspace<'_>,
) -> Result<RepoPath> {
    let tracked = workspace.inspect_saved_files()?;
    let mut history = LayoutHistory::load(repository)?;
    let mut changed = Vec::new();
    for (path, _) in tracked {
        if history.has_states(&path) {
            changed.push((history.changed_at(&path)?, path));
        }
    }
    changed.sort_by(|a, b| b.cmp(a));
    let Some((last, newest)) = changed.first().cloned() else {
        return Err(CommandError::user("no layout of any file is known yet")
            .with_hint("move a node in ComfyUI and save"));
    };
    changed.retain(|(at, _)| last - at <= SAME_CHANGE_MILLISECONDS);
    if changed.len() == 1 {
        return Ok(newest);
    }
    changed.sort_by(|a, b| a.1.cmp(&b.1));
    let named: Vec<String> =
        changed.iter().take(MAX_NAMED_FILES).map(|(_, path)| path.to_string()).collect();
    let more = match changed.len().saturating_sub(MAX_NAMED_FILES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(CommandError::user("which file? several changed last")
        .with_hint(format!("they are {}{more}", named.join(", ")))
        .with_hint("git comfy layout undo FILE"))
}
