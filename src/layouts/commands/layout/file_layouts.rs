//! The layouts of one file that a person named, as `git comfy layout` reads, tells and brings
//! them back.

use comfy_graph::clean::{Clock, ClockedLayout, LayoutChanges, PlaceTitles, compare_layouts};

use super::{author_name, format_time, inspect_file, is_no_workflow, resolve_path, stable_id};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::describe::{PlaceLabels, describe_moves};
use crate::layouts::file_states::FileState;
use crate::layouts::layout_history::{self, LayoutHistory, LayoutState, StateMatch};
use crate::layouts::raw_files::{LayoutInCommit, committed_layout};
use crate::layouts::restore_layout::{LayoutWorkspace, RestoreOutcome, WorkTreeWorkflow};
use crate::platform::git::{ObjectId, RepoPath, Repository, commit_text, index, shell};
use crate::platform::text::sanitize;
use crate::session::Session;

/// A longer content is told by types and numbers only.
const MAX_CONTENT_SIZE: u64 = 64 << 20;

/// The layouts of one file, with what they are read and brought back through.
pub(super) struct FileLayouts<'r> {
    pub(super) repository: &'r Repository,
    pub(super) workspace: LayoutWorkspace<'r>,
    pub(super) history: LayoutHistory<'r>,
    pub(super) path: RepoPath,
    /// The path as a person types it.
    pub(super) typed: String,
    /// The file as it is; nothing if it is not there, or none of ours.
    pub(super) workflow: Option<WorkTreeWorkflow>,
    pub(super) states: Vec<LayoutState>,
    pub(super) titles: PlaceTitles,
}

/// How a file lay in a commit.
pub(super) struct CommitLayout {
    /// The short id of the commit.
    pub(super) commit: String,
    pub(super) found: FileState,
}

/// A state, and what is new in it.
pub(super) struct StateChanges {
    pub(super) moves: LayoutChanges,
    /// It went back to an earlier one.
    pub(super) is_undo: bool,
    pub(super) titles: [PlaceTitles; 2],
    /// The name the file had before.
    pub(super) renamed_from: Option<RepoPath>,
}

impl StateChanges {
    pub(super) fn describe(&self) -> String {
        let told = describe_moves(&self.moves, PlaceLabels(&self.titles));
        match &self.renamed_from {
            Some(from) if self.is_empty() => format!("renamed from {from}"),
            Some(from) => format!("{told}; renamed from {from}"),
            None => told,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.moves.is_empty() && !self.moves.has_other_view
    }
}

impl<'r> FileLayouts<'r> {
    /// Those of a file that a person named.
    pub(super) fn open(
        session: &Session,
        repository: &'r Repository,
        file: &str,
    ) -> Result<FileLayouts<'r>> {
        let path = resolve_path(session, repository, file)?;
        FileLayouts::load(session, repository, LayoutWorkspace::open(repository)?, path)
    }

    pub(super) fn load(
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
    pub(super) fn of_no_file(
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
    pub(super) fn present_state(&self) -> Option<&LayoutState> {
        self.states.iter().find(|state| state.is_present())
    }

    /// The name the file had before, if it goes on under another one since this state.
    pub(super) fn renamed_from(
        &mut self,
        at: usize,
        layout: &ClockedLayout,
    ) -> Result<Option<RepoPath>> {
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

    pub(super) fn read_content(&self, blob: ObjectId) -> Result<Option<Vec<u8>>> {
        match &self.workflow {
            Some(workflow) if workflow.blob == blob => Ok(Some(workflow.content.clone())),
            _ => Ok(self.repository.blob_up_to(blob, MAX_CONTENT_SIZE)?),
        }
    }

    /// What is new in a state; nothing if its layout is not there any more.
    pub(super) fn changes_in(&mut self, at: usize) -> Result<Option<StateChanges>> {
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
    pub(super) fn names_state(&self, id: &str) -> bool {
        let found = layout_history::match_state(&self.states, &sanitize::line(id));
        !matches!(found, StateMatch::Nothing) || id.eq_ignore_ascii_case("now")
    }

    /// The state that an id names.
    pub(super) fn find_state(&self, id: &str) -> Result<usize> {
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
    pub(super) fn log_hint(&self, what_for: &str) -> String {
        format!("`git comfy layout log {}` {what_for}", self.typed)
    }

    /// The workflow to write into.
    pub(super) fn require_workflow(&self) -> Result<&WorkTreeWorkflow> {
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
    pub(super) fn missing_file_failure(&self) -> Result<CommandError> {
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
    pub(super) fn listed_state(&mut self, at: usize) -> Result<usize> {
        for listed in at..self.states.len() {
            let news = self.changes_in(listed)?;
            if news.is_none_or(|news| !news.is_empty() || news.is_undo) {
                return Ok(listed);
            }
        }
        Ok(at)
    }

    /// How a file lay in a commit, where that holds it: as a checkout gives it.
    pub(super) fn find_committed(&self, revision: &str) -> Result<Option<CommitLayout>> {
        let word = sanitize::line(revision);
        let Some(id) = self.repository.resolve_commit(&word)? else { return Ok(None) };
        let commit = commit_text::short_id(id);
        match committed_layout(self.repository, id, &self.path)? {
            LayoutInCommit::Layout(found) => Ok(Some(CommitLayout { commit, found })),
            LayoutInCommit::Missing => {
                Err(CommandError::user(format!("commit {commit} holds no {}", self.path))
                    .with_hint(format!("`git log -- {}` tells which do", self.typed)))
            }
            LayoutInCommit::Unknown => Err(CommandError::repository(format!(
                "nothing is known of how {} lay in commit {commit}: nobody sent its layout",
                self.path
            ))
            .with_hint("`git comfy sync` fetches what others sent since")
            .with_hint(self.log_hint("tells what is known"))),
        }
    }

    /// Says what came of bringing a state back.
    pub(super) fn report_outcome(
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
    pub(super) fn report_restored(
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
