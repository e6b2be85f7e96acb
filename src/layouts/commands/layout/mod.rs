//! `git comfy layout`: who moved what and when, and how to get an earlier layout back.

pub mod log;
pub mod restore;
pub mod show;
pub mod undo;

use comfy_graph::clean;
use comfy_graph::clean::{
    CleanStart, Clock, ClockedLayout, LayoutChanges, LayoutMode, PlaceTitles, compare_layouts,
};
use jiff::Timestamp;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::bring_back::{
    InspectedFile, LayoutWorkspace, RestoreOutcome, WorkTreeWorkflow,
};
use crate::layouts::describe::{PlaceLabels, describe_moves};
use crate::layouts::file_states::FileState;
use crate::layouts::layout_history;
use crate::layouts::layout_history::{LayoutHistory, LayoutState, StateId, StateMatch};
use crate::layouts::raw_files::{CommittedFile, committed_layout};
use crate::platform::git::{ObjectId, RepoPath, Repository, commit_text, index, shell};
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

/// A longer content is told by types and numbers only.
const MAX_CONTENT_SIZE: u64 = 64 << 20;

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

/// The layouts of one file, with what they are read and brought back through.
struct FileLayouts<'r> {
    repository: &'r Repository,
    workspace: LayoutWorkspace<'r>,
    history: LayoutHistory<'r>,
    path: RepoPath,
    /// The path as a person types it.
    typed: String,
    /// The file as it is; nothing if it is not there, or none of ours.
    workflow: Option<WorkTreeWorkflow>,
    states: Vec<LayoutState>,
    titles: PlaceTitles,
}

/// How a file lay in a commit.
struct CommittedLayout {
    /// The short id of the commit.
    commit: String,
    found: FileState,
}

/// A state, and what is new in it.
struct StateChanges {
    moves: LayoutChanges,
    /// It went back to an earlier one.
    is_undo: bool,
    titles: [PlaceTitles; 2],
    /// The name the file had before.
    renamed_from: Option<RepoPath>,
}

impl StateChanges {
    fn describe(&self) -> String {
        let told = describe_moves(&self.moves, PlaceLabels(&self.titles));
        match &self.renamed_from {
            Some(from) if self.is_empty() => format!("renamed from {from}"),
            Some(from) => format!("{told}; renamed from {from}"),
            None => told,
        }
    }

    fn is_empty(&self) -> bool {
        self.moves.is_empty() && !self.moves.has_other_view
    }
}

impl<'r> FileLayouts<'r> {
    /// Those of a file that a person named.
    fn open(session: &Session, repository: &'r Repository, file: &str) -> Result<FileLayouts<'r>> {
        let path = resolve_path(session, repository, file)?;
        FileLayouts::load(session, repository, LayoutWorkspace::open(repository)?, path)
    }

    fn load(
        session: &Session,
        repository: &'r Repository,
        mut workspace: LayoutWorkspace<'r>,
        path: RepoPath,
    ) -> Result<FileLayouts<'r>> {
        let workflow = inspect_file(session, repository, &mut workspace, &path)?;
        let mut history = LayoutHistory::load(repository)?;
        let states = history.states(&path, workflow.as_ref().map(|workflow| workflow.blob))?;
        if states.is_empty() {
            return Err(no_layout_failure(session, repository, &path, workflow.as_ref())?);
        }
        let typed = shell::quote_path_from(repository, &session.cwd, &path);
        let titles = workflow.as_ref().map(|workflow| PlaceTitles::from_content(&workflow.content));
        let titles = titles.unwrap_or_default();
        Ok(FileLayouts { repository, workspace, history, path, typed, workflow, states, titles })
    }

    /// Those of no file yet: path and states of one after another are put in.
    fn of_no_file(
        repository: &'r Repository,
        workspace: LayoutWorkspace<'r>,
    ) -> Result<FileLayouts<'r>> {
        Ok(FileLayouts {
            repository,
            workspace,
            history: LayoutHistory::load(repository)?,
            path: RepoPath::new(""),
            typed: String::new(),
            workflow: None,
            states: Vec::new(),
            titles: PlaceTitles::default(),
        })
    }

    /// The state that the file is in.
    fn present_state(&self) -> Option<&LayoutState> {
        self.states.iter().find(|state| state.is_present())
    }

    /// The name the file had before, if it goes on under another one since this state.
    fn renamed_from(&mut self, at: usize, layout: &ClockedLayout) -> Result<Option<RepoPath>> {
        let (Some(was), Some(state)) = (layout.previous_name(), self.states.get(at)) else {
            return Ok(None);
        };
        let from = RepoPath::new(was);
        let mut older = self.states.iter().skip(at + 1).filter(|older| older.path == state.path);
        let before = match older.next() {
            Some(before) => self.history.layout(before)?,
            None => None,
        };
        let is_known = before.is_some_and(|before| before.previous_name() == Some(was));
        Ok(Some(from).filter(|from| !is_known && *from != state.path))
    }

    fn read_content(&self, blob: ObjectId) -> Result<Option<Vec<u8>>> {
        match &self.workflow {
            Some(workflow) if workflow.blob == blob => Ok(Some(workflow.content.clone())),
            _ => Ok(self.repository.blob_up_to(blob, MAX_CONTENT_SIZE)?),
        }
    }

    /// What is new in a state; nothing if its layout is not there any more.
    fn changes_in(&mut self, at: usize) -> Result<Option<StateChanges>> {
        let Some(state) = self.states.get(at) else { return Ok(None) };
        let Some(layout) = self.history.layout(state)? else { return Ok(None) };
        let content = self.read_content(state.blob)?;
        let before = match self.states.get(at + 1) {
            Some(before) => {
                let content = content.as_deref().unwrap_or_default();
                self.workspace.match_layout(&mut self.history, before, (state.blob, content))?
            }
            None => None,
        };
        let mut moves = compare_layouts(before.as_ref().map(|part| part.source()), &layout);
        if !moves.is_empty() {
            // Who only brought it here, by a merge or a rebase, did not move it.
            let clocks = layout.clocks().filter(|clock| matches!(clock, Clock::At(_))).collect();
            let older = self.states.get(at + 1..).unwrap_or_default();
            let known = self.history.moves_made_before(clocks, older)?;
            moves.forget_moves(&layout, |moved| known.contains(&moved));
        }
        let titles = content.map(|content| PlaceTitles::from_content(&content)).unwrap_or_default();
        moves.forget_conflict_cards(&titles);
        let titles = [titles, self.titles.clone()];
        let renamed_from = self.renamed_from(at, &layout)?;
        // A copy has from its original that it was undone.
        let is_undo = layout.reverted_to().is_some() && self.states.len() > at + 1;
        Ok(Some(StateChanges { moves, is_undo, titles, renamed_from }))
    }

    /// Whether an id names states of the file.
    fn names_state(&self, id: &str) -> bool {
        let found = layout_history::match_state(&self.states, &sanitize::line(id));
        !matches!(found, StateMatch::Nothing) || id.eq_ignore_ascii_case("now")
    }

    /// The state that an id names.
    fn find_state(&self, id: &str) -> Result<usize> {
        let (id, file) = (sanitize::line(id), &self.path);
        match layout_history::match_state(&self.states, &id) {
            StateMatch::One(at) => Ok(at),
            StateMatch::Several(count) => Err(CommandError::user(format!(
                "{id} names {count} states of {file}; write more of it"
            ))
            .with_hint(self.log_hint("tells which there are"))),
            StateMatch::Nothing if id.eq_ignore_ascii_case("now") => {
                self.require_workflow()?;
                Err(CommandError::user(format!("nothing is known yet of how {file} lies now"))
                    .with_hint(self.log_hint("tells what is")))
            }
            StateMatch::Nothing => {
                Err(CommandError::user(format!("{id} names no layout of {file}"))
                    .with_hint(self.log_hint("tells which there are")))
            }
        }
    }

    /// Where to look next.
    fn log_hint(&self, what_for: &str) -> String {
        format!("`git comfy layout log {}` {what_for}", self.typed)
    }

    /// The workflow to write into.
    fn require_workflow(&self) -> Result<&WorkTreeWorkflow> {
        let path = &self.path;
        let top = self.repository.work_tree();
        let is_there = top.is_some_and(|top| top.join(path.to_path()).exists());
        match &self.workflow {
            Some(workflow) if is_no_workflow(workflow) => {
                Err(CommandError::user(format!("{path} is no workflow as it is now"))
                    .with_hint(format!("git checkout -- {}", self.typed)))
            }
            Some(workflow) => Ok(workflow),
            None if is_there => Err(has_positions(path, &self.typed)),
            None => Err(self.missing_file_failure()?),
        }
    }

    /// What to say of a file that is not there: how it is had again.
    fn missing_file_failure(&self) -> Result<CommandError> {
        let (path, typed) = (&self.path, &self.typed);
        let gone = CommandError::user(format!("{path} is not in the work tree"));
        if index::tracked_paths(self.repository)?.contains(path) {
            return Ok(gone.with_hint(format!("git checkout -- {typed}")));
        }
        let head = self.repository.head()?.map(|head| self.repository.commit(head)).transpose()?;
        let is_committed = match head.flatten() {
            Some(commit) => self.repository.entry_at(commit.tree, path)?.is_some(),
            None => false,
        };
        Ok(match is_committed {
            true => gone.with_hint(format!("git checkout HEAD -- {typed}")),
            false => gone
                .with_hint(format!("git log --oneline --diff-filter=D -- {typed}"))
                .with_hint(format!("git checkout COMMIT~ -- {typed}")),
        })
    }

    /// The state that the log names for one: a save that moved nothing has no line, and lies
    /// as the one before it.
    fn listed_state(&mut self, at: usize) -> Result<usize> {
        for listed in at..self.states.len() {
            let news = self.changes_in(listed)?;
            if news.is_none_or(|news| !news.is_empty() || news.is_undo) {
                return Ok(listed);
            }
        }
        Ok(at)
    }

    /// How a file lay in a commit, where that holds it: as a checkout gives it.
    fn find_committed(&self, revision: &str) -> Result<Option<CommittedLayout>> {
        let word = sanitize::line(revision);
        let Some(id) = self.repository.resolve_commit(&word)? else { return Ok(None) };
        let commit = commit_text::short_id(id);
        match committed_layout(self.repository, id, &self.path)? {
            CommittedFile::Layout(found) => Ok(Some(CommittedLayout { commit, found })),
            CommittedFile::Missing => {
                Err(CommandError::user(format!("commit {commit} holds no {}", self.path))
                    .with_hint(format!("`git log -- {}` tells which do", self.typed)))
            }
            CommittedFile::Unknown => Err(CommandError::repository(format!(
                "nothing is known of how {} lay in commit {commit}: nobody sent its layout",
                self.path
            ))
            .with_hint("`git comfy sync` fetches what others sent since")
            .with_hint(self.log_hint("tells what is known"))),
        }
    }

    /// Says what came of bringing a state back.
    fn report_outcome(
        &mut self,
        session: &Session,
        at: usize,
        outcome: RestoreOutcome,
    ) -> Result<Exit> {
        let at = self.listed_state(at)?;
        let changes = match outcome {
            RestoreOutcome::Done => self.changes_in(at)?.map(|changes| changes.describe()),
            _ => None,
        };
        let Some(state) = self.states.get(at) else { return Ok(Exit::Done) };
        let (id, when) = (stable_id(state), format_time(state.at));
        let changes = changes.unwrap_or_default();
        let told = format!("lies as in {id} of {when} ({}): {changes}", author_name(state));
        self.report_restored(session, outcome, &told)
    }

    /// Says what came of bringing a layout back, which is told as what is so now.
    fn report_restored(
        &self,
        session: &Session,
        outcome: RestoreOutcome,
        told: &str,
    ) -> Result<Exit> {
        let path = self.path.to_string();
        match outcome {
            RestoreOutcome::Done => {}
            RestoreOutcome::Unchanged => {
                session.ui.report(&format!("nothing to do: {path} lies so already"))?;
                return Ok(Exit::Done);
            }
            RestoreOutcome::SavedMeanwhile => {
                return Err(CommandError::repository(format!("{path} was saved just now"))
                    .with_hint("try again; nothing was written"));
            }
            RestoreOutcome::Missing => {
                return Err(CommandError::repository(
                    "that layout is not on this machine any more",
                )
                .with_hint("git comfy sync"));
            }
        }
        session.ui.report(&format!("{path} {told}"))?;
        if let Some(before) = self.present_state() {
            let (id, path) = (stable_id(before), &self.typed);
            session
                .ui
                .report(&format!("what was there is kept: git comfy layout restore {id} {path}"))?;
        }
        session.ui.info("reload the page in ComfyUI, or its next Save writes the old places back");
        Ok(Exit::Done)
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

fn has_positions(path: &RepoPath, typed: &str) -> CommandError {
    let why = "they are part of its content there, and nothing was moved since";
    CommandError::user(format!("{path} was committed with its positions, without git-comfy: {why}"))
        .with_hint(format!("git log -- {typed}"))
        .with_hint(format!("git checkout COMMIT -- {typed}    # as it lay in an earlier commit"))
        .with_hint(
            "git comfy init --renormalize && git commit    # in its clean form `git comfy layout` \
             goes back through all that was kept",
        )
}

/// What to say of a file without any layout.
fn no_layout_failure(
    session: &Session,
    repository: &Repository,
    path: &RepoPath,
    workflow: Option<&WorkTreeWorkflow>,
) -> Result<CommandError> {
    if !index::tracked_paths(repository)?.contains(path) {
        let file = repository.work_tree().map(|top| top.join(path.to_path()));
        return Ok(match file.and_then(|file| file.symlink_metadata().ok()) {
            Some(_) => CommandError::user(format!("{path} is not tracked by git"))
                .with_hint(format!(
                    "git add {}",
                    shell::quote_path_from(repository, &session.cwd, path)
                ))
                .with_hint("from then on every save of it keeps where its nodes lie"),
            None => {
                let told = format!("{path} is not tracked by git, and there is no such file");
                let name = path.to_path();
                let name = name.file_name().map(|name| name.to_string_lossy().into_owned());
                CommandError::user(told).with_hint(
                    match name.is_some_and(|name| layout_history::may_be_state_id(&name)) {
                        true => "after an ID comes the file: git comfy layout show ID FILE",
                        false => "`git comfy layout log` without a file tells of all",
                    },
                )
            }
        });
    }
    if workflow.is_some_and(is_no_workflow) {
        return Ok(CommandError::user(format!("{path} is no workflow"))
            .with_hint("`git comfy layout log` without a file tells of all that are"));
    }
    let file = repository.work_tree().map(|top| top.join(path.to_path()));
    if workflow.is_none() && file.is_some_and(|file| file.exists()) {
        let typed = shell::quote_path_from(repository, &session.cwd, path);
        return Ok(has_positions(path, &typed));
    }
    Ok(CommandError::user(format!("no layout of {path} is known yet"))
        .with_hint("move a node in ComfyUI and save; `git comfy sync` fetches those of others"))
}

/// `[ID] FILE`, as a person wrote it.
fn split_id_and_file(words: &[String]) -> (Option<&str>, &str) {
    match words {
        [id, file, ..] => (Some(id), file),
        [file] => (None, file),
        [] => (None, ""),
    }
}
