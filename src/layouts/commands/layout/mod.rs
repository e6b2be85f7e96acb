//! `git comfy layout`: who moved what and when, and how to get an earlier layout back.

mod file_layouts;
pub mod log;
pub mod restore;
pub mod show;
pub mod undo;

use comfy_graph::clean;
use comfy_graph::clean::{CleanStart, LayoutMode};
use jiff::Timestamp;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::layout_history::{LayoutState, StateId};
use crate::layouts::restore_layout::{InspectedFile, LayoutWorkspace, WorkTreeWorkflow};
use crate::platform::git::{RepoPath, Repository, commit_text, shell};
use crate::platform::text::{sanitize, time_argument};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy layout undo portrait.json              nodes jumped? one state back; again: further
  git comfy layout log portrait.json               who moved what, and when
  git comfy layout show 3fa91c2 portrait.json      where everything lay then
  git comfy layout restore 3fa91c2 portrait.json   put everything back there

An ID is what `git comfy layout log` shows; `now` is what the file holds. Nothing here changes
the workflow itself, nor anything git has committed: docs/layouts.md.";

/// Tell who moved what and when, and bring earlier layouts back.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct LayoutArgs {
    /// What to do.
    #[command(subcommand)]
    action: LayoutCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LayoutCommand {
    /// Tell who moved what and when, newest first.
    #[command(after_help = log::EXAMPLES)]
    Log(log::LayoutLogArgs),
    /// Show where everything lies, or lay then, and who put it there.
    #[command(override_usage = "git comfy layout show [OPTIONS] [ID] <FILE>")]
    Show(show::LayoutShowArgs),
    /// Bring an earlier layout back; what is there now is kept.
    #[command(override_usage = "git comfy layout restore <ID> <FILE>")]
    Restore(restore::LayoutRestoreArgs),
    /// Go one state back; again goes further back.
    Undo(undo::LayoutUndoArgs),
}

pub fn run(args: &LayoutArgs, session: &Session) -> Result<Exit> {
    match &args.action {
        LayoutCommand::Log(args) => log::run(args, session),
        LayoutCommand::Show(args) => show::run(args, session),
        LayoutCommand::Restore(args) => restore::run(args, session),
        LayoutCommand::Undo(args) => undo::run(args, session),
    }
}

/// The id as it is shown.
fn display_id(state: &LayoutState) -> String {
    match state.id() {
        StateId::Now => "now".to_owned(),
        StateId::Notes(id) => commit_text::short_id(id),
        StateId::Own(id) => id,
    }
}

/// The id by which it is found also when something else is there now.
fn stable_id(state: &LayoutState) -> String {
    match state.id() {
        StateId::Notes(id) => commit_text::short_id(id),
        StateId::Now | StateId::Own(_) => state.own_id(),
    }
}

/// When it came about, to the minute.
fn format_time(milliseconds: u64) -> String {
    let at = i64::try_from(milliseconds).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    match at.filter(|_| milliseconds > 0) {
        Some(at) => {
            time_argument::format_local_time(at).chars().take("2026-01-31 14:30".len()).collect()
        }
        None => "unknown".to_owned(),
    }
}

/// By whose hand, as far as that is known.
fn author_name(state: &LayoutState) -> String {
    match state.author() {
        Some(person) => sanitize::excerpt(&person.name, 24),
        None if state.is_by_git() => "git".to_owned(),
        None => "you".to_owned(),
    }
}

/// The path of a file that a person named.
pub(crate) fn resolve_path(
    session: &Session,
    repository: &Repository,
    word: &str,
) -> Result<RepoPath> {
    let file = session.cwd.join(word);
    if file.is_dir() {
        return Err(CommandError::user(format!(
            "{} is a folder; name a file",
            sanitize::line(word)
        ))
        .with_hint("`git comfy layout log` without a file tells of all"));
    }
    let path = repository.path_of(&file);
    path.ok_or_else(|| {
        CommandError::user(format!("{} is not in this repository", sanitize::line(word)))
    })
}

/// Looks at a file that a person named; it need not be there any more.
pub(crate) fn inspect_file<'r>(
    session: &Session,
    repository: &'r Repository,
    workspace: &mut LayoutWorkspace<'r>,
    path: &RepoPath,
) -> Result<Option<WorkTreeWorkflow>> {
    let typed = shell::quote_path_from(repository, &session.cwd, path);
    match workspace.inspect(path)? {
        InspectedFile::Workflow(workflow) => Ok(Some(workflow)),
        InspectedFile::Missing | InspectedFile::Raw => Ok(None),
        InspectedFile::InCommits => Err(CommandError::user(format!(
            "the positions of {path} are in its commits (comfy=keep)"
        ))
        .with_hint(format!("git log -- {typed}"))
        .with_hint(format!("git checkout COMMIT -- {typed}"))),
        InspectedFile::NotFiltered => Err(CommandError::user(format!(
            "git-comfy does not handle {path}"
        ))
        .with_hint("`git comfy doctor` says how files are handled; `git comfy init` sets it up")),
    }
}

fn is_no_workflow(file: &WorkTreeWorkflow) -> bool {
    matches!(clean::begin_clean(&file.content, LayoutMode::Strip), CleanStart::Untouched(_))
}

/// `[ID] FILE`, as a person wrote it.
fn split_id_and_file(words: &[String]) -> (Option<&str>, &str) {
    match words {
        [id, file, ..] => (Some(id), file),
        [file] => (None, file),
        [] => (None, ""),
    }
}
