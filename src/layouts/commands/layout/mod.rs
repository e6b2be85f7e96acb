//! `git comfy layout`: who moved what and when, and how to get an earlier layout back.

pub mod log;
pub mod restore;
pub mod show;
pub mod undo;

use comfy_graph::canon;
use comfy_graph::canon::{ClockedLayout, Mode, Moves, PlaceTitles, moves};
use jiff::Timestamp;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::bring_back::{Desk, Looked, Outcome, Workflow};
use crate::layouts::describe::{Names, told};
use crate::layouts::past;
use crate::layouts::past::{Named, Past, State, StateId};
use crate::platform::git::{ObjectId, RepoPath, Repository, commit_range, index, shell};
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
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Tell who moved what and when, newest first.
    #[command(after_help = log::EXAMPLES)]
    Log(log::Args),
    /// Show where everything lies, or lay then, and who put it there.
    #[command(override_usage = "git comfy layout show [OPTIONS] [ID] <FILE>")]
    Show(show::Args),
    /// Bring an earlier layout back; what is there now is kept.
    #[command(override_usage = "git comfy layout restore <ID> <FILE>")]
    Restore(restore::Args),
    /// Go one state back; again goes further back.
    Undo(undo::Args),
}

/// Does it.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    match &args.action {
        Action::Log(args) => log::run(args, session),
        Action::Show(args) => show::run(args, session),
        Action::Restore(args) => restore::run(args, session),
        Action::Undo(args) => undo::run(args, session),
    }
}

/// A longer content is told by types and numbers only.
const LONGEST: u64 = 64 << 20;

/// The id as it is shown.
fn shown(state: &State) -> String {
    match state.id() {
        StateId::Now => "now".to_owned(),
        StateId::Notes(id) => commit_range::short(id),
        StateId::Own(id) => id,
    }
}

/// The id by which it is found also when something else is there now.
fn lasting(state: &State) -> String {
    match state.id() {
        StateId::Notes(id) => commit_range::short(id),
        StateId::Now | StateId::Own(_) => state.own_id(),
    }
}

/// When it came about, to the minute.
fn when(milliseconds: u64) -> String {
    let at = i64::try_from(milliseconds).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    match at.filter(|_| milliseconds > 0) {
        Some(at) => time_argument::exactly(at).chars().take("2026-01-31 14:30".len()).collect(),
        None => "unknown".to_owned(),
    }
}

/// By whose hand, as far as that is known.
fn by(state: &State) -> String {
    match state.author() {
        Some(person) => sanitize::excerpt(&person.name, 24),
        None if state.is_by_git() => "git".to_owned(),
        None => "you".to_owned(),
    }
}

/// The layouts of one file.
struct Book<'b, 'r> {
    repository: &'r Repository,
    desk: &'b mut Desk<'r>,
    past: &'b mut Past<'r>,
    path: RepoPath,
    /// The path as a person types it.
    typed: String,
    /// The file as it is; nothing if it is not there, or none of ours.
    workflow: Option<Workflow>,
    states: Vec<State>,
    titles: PlaceTitles,
}

/// A state, and what is new in it.
struct News {
    moves: Moves,
    /// It went back to an earlier one.
    is_undo: bool,
    titles: [PlaceTitles; 2],
    /// The name the file had before.
    renamed_from: Option<RepoPath>,
}

impl News {
    fn told(&self) -> String {
        let told = told(&self.moves, Names(&self.titles));
        match &self.renamed_from {
            Some(from) if self.is_nothing() => format!("renamed from {from}"),
            Some(from) => format!("{told}; renamed from {from}"),
            None => told,
        }
    }

    fn is_nothing(&self) -> bool {
        self.moves.is_empty() && !self.moves.has_other_view
    }
}

impl<'b, 'r> Book<'b, 'r> {
    fn open(
        session: &Session,
        repository: &'r Repository,
        desk: &'b mut Desk<'r>,
        past: &'b mut Past<'r>,
        path: RepoPath,
        workflow: Option<Workflow>,
    ) -> Result<Book<'b, 'r>> {
        let states = past.states(&path, workflow.as_ref().map(|workflow| workflow.blob))?;
        if states.is_empty() {
            return Err(unknown(session, repository, &path, workflow.as_ref())?);
        }
        let typed = shell::typed(repository, &session.cwd, &path);
        let titles = workflow.as_ref().map(|workflow| PlaceTitles::of(&workflow.content));
        let titles = titles.unwrap_or_default();
        Ok(Book { repository, desk, past, path, typed, workflow, states, titles })
    }

    /// The state that the file is in.
    fn present(&self) -> Option<&State> {
        self.states.iter().find(|state| state.is_present())
    }

    /// The name the file had before, if it goes on under another one since this state.
    fn renamed_from(&mut self, at: usize, layout: &ClockedLayout) -> Result<Option<RepoPath>> {
        let (Some(was), Some(state)) = (layout.was(), self.states.get(at)) else { return Ok(None) };
        let from = RepoPath::new(was);
        let mut older = self.states.iter().skip(at + 1).filter(|older| older.path == state.path);
        let before = match older.next() {
            Some(before) => self.past.layout(before)?,
            None => None,
        };
        let is_known = before.is_some_and(|before| before.was() == Some(was));
        Ok(Some(from).filter(|from| !is_known && *from != state.path))
    }

    fn content(&self, blob: ObjectId) -> Result<Option<Vec<u8>>> {
        match &self.workflow {
            Some(workflow) if workflow.blob == blob => Ok(Some(workflow.content.clone())),
            _ => Ok(self.repository.blob_within(blob, LONGEST)?),
        }
    }

    /// What is new in a state; nothing if its layout is not there any more.
    fn news(&mut self, at: usize) -> Result<Option<News>> {
        let Some(state) = self.states.get(at) else { return Ok(None) };
        let Some(layout) = self.past.layout(state)? else { return Ok(None) };
        let content = self.content(state.blob)?;
        let before = match self.states.get(at + 1) {
            Some(before) => {
                let content = content.as_deref().unwrap_or_default();
                self.desk.part(self.past, before, (state.blob, content))?
            }
            None => None,
        };
        let moves = moves(before.as_ref().map(|part| part.source()), &layout);
        let titles = content.map(|content| PlaceTitles::of(&content)).unwrap_or_default();
        let titles = [titles, self.titles.clone()];
        let renamed_from = self.renamed_from(at, &layout)?;
        // A copy has from its original that it was undone.
        let is_undo = layout.back().is_some() && self.states.len() > at + 1;
        Ok(Some(News { moves, is_undo, titles, renamed_from }))
    }

    /// The state that an id names.
    fn named(&self, id: &str) -> Result<usize> {
        let (id, file) = (sanitize::line(id), &self.path);
        match past::named(&self.states, &id) {
            Named::One(at) => Ok(at),
            Named::Several(count) => {
                Err(Failure::new(format!("{id} names {count} states of {file}; write more of it"))
                    .hint(self.see_log("tells which there are")))
            }
            Named::Nothing if id.eq_ignore_ascii_case("now") => {
                self.workflow()?;
                Err(Failure::new(format!("nothing is known yet of how {file} lies now"))
                    .hint(self.see_log("tells what is")))
            }
            Named::Nothing => Err(Failure::new(format!("{id} names no layout of {file}"))
                .hint(self.see_log("tells which there are"))),
        }
    }

    /// Where to look next.
    fn see_log(&self, what_for: &str) -> String {
        format!("`git comfy layout log {}` {what_for}", self.typed)
    }

    /// The workflow to write into.
    fn workflow(&self) -> Result<&Workflow> {
        let path = &self.path;
        let top = self.repository.work_tree();
        let is_there = top.is_some_and(|top| top.join(path.to_path()).exists());
        match &self.workflow {
            Some(workflow) if is_no_workflow(workflow) => {
                Err(Failure::new(format!("{path} is no workflow as it is now"))
                    .hint(format!("git checkout -- {}", self.typed)))
            }
            Some(workflow) => Ok(workflow),
            None if is_there => Err(has_positions(path, &self.typed)),
            None => Err(self.is_gone()?),
        }
    }

    /// What to say of a file that is not there: how it is had again.
    fn is_gone(&self) -> Result<Failure> {
        let (path, typed) = (&self.path, &self.typed);
        let gone = Failure::new(format!("{path} is not in the work tree"));
        if index::tracked(self.repository)?.contains(path) {
            return Ok(gone.hint(format!("git checkout -- {typed}")));
        }
        let head = self.repository.head()?.map(|head| self.repository.commit(head)).transpose()?;
        let is_committed = match head.flatten() {
            Some(commit) => self.repository.entry_at(commit.tree, path)?.is_some(),
            None => false,
        };
        Ok(match is_committed {
            true => gone.hint(format!("git checkout HEAD -- {typed}")),
            false => gone
                .hint(format!("git log --oneline --diff-filter=D -- {typed}"))
                .hint(format!("git checkout COMMIT~ -- {typed}")),
        })
    }

    /// Says what came of bringing a state back.
    fn tell(&mut self, session: &Session, at: usize, outcome: Outcome) -> Result<Exit> {
        let path = self.path.to_string();
        match outcome {
            Outcome::Done => {}
            Outcome::Same => {
                session.ui.tell(&format!("nothing to do: {path} lies so already"))?;
                return Ok(Exit::Done);
            }
            Outcome::Saved => {
                return Err(Failure::new(format!("{path} was saved just now"))
                    .hint("try again; nothing was written"));
            }
            Outcome::Gone => {
                return Err(Failure::new("that layout is not on this machine any more")
                    .hint("git comfy sync"));
            }
        }
        let news = self.news(at)?.map(|news| news.told()).unwrap_or_default();
        let Some(state) = self.states.get(at) else { return Ok(Exit::Done) };
        let (id, when) = (lasting(state), when(state.at));
        session.ui.tell(&format!("{path} lies as in {id} of {when} ({}): {news}", by(state)))?;
        if let Some(before) = self.present() {
            let (id, path) = (lasting(before), &self.typed);
            session
                .ui
                .tell(&format!("what was there is kept: git comfy layout restore {id} {path}"))?;
        }
        session.ui.say("reload the page in ComfyUI, or its next Save writes the old places back");
        Ok(Exit::Done)
    }
}

/// The path of a file that a person named.
fn path_of(session: &Session, repository: &Repository, word: &str) -> Result<RepoPath> {
    let file = session.cwd.join(word);
    if file.is_dir() {
        return Err(Failure::new(format!("{} is a folder; name a file", sanitize::line(word)))
            .hint("`git comfy layout log` without a file tells of all"));
    }
    let path = repository.path_of(&file);
    path.ok_or_else(|| Failure::new(format!("{} is not in this repository", sanitize::line(word))))
}

/// Looks at a file that a person named; it need not be there any more.
fn look<'r>(
    session: &Session,
    repository: &'r Repository,
    desk: &mut Desk<'r>,
    path: &RepoPath,
) -> Result<Option<Workflow>> {
    let typed = shell::typed(repository, &session.cwd, path);
    match desk.look(path)? {
        Looked::Workflow(workflow) => Ok(Some(workflow)),
        Looked::Missing | Looked::Raw => Ok(None),
        Looked::InCommits => {
            Err(Failure::new(format!("the positions of {path} are in its commits (comfy=keep)"))
                .hint(format!("git log -- {typed}"))
                .hint(format!("git checkout COMMIT -- {typed}")))
        }
        Looked::NotOurs => Err(Failure::new(format!("git-comfy does not handle {path}"))
            .hint("`git comfy doctor` says how files are handled; `git comfy init` sets it up")),
    }
}

fn is_no_workflow(file: &Workflow) -> bool {
    canon::begin(&file.content, Mode::Strip).is_err()
}

fn has_positions(path: &RepoPath, typed: &str) -> Failure {
    let why = "they are part of its content there, and nothing was moved since";
    Failure::new(format!("{path} was committed with its positions, without git-comfy: {why}"))
        .hint(format!("git log -- {typed}"))
        .hint(format!("git checkout COMMIT -- {typed}    # as it lay in an earlier commit"))
        .hint(
            "git comfy init --renormalize && git commit    # in its clean form `git comfy layout` \
             goes back through all that was kept",
        )
}

/// What to say of a file without any layout.
fn unknown(
    session: &Session,
    repository: &Repository,
    path: &RepoPath,
    workflow: Option<&Workflow>,
) -> Result<Failure> {
    if !index::tracked(repository)?.contains(path) {
        let file = repository.work_tree().map(|top| top.join(path.to_path()));
        return Ok(match file.and_then(|file| file.symlink_metadata().ok()) {
            Some(_) => Failure::new(format!("{path} is not tracked by git"))
                .hint(format!("git add {}", shell::typed(repository, &session.cwd, path)))
                .hint("from then on every save of it keeps where its nodes lie"),
            None => {
                let told = format!("{path} is not tracked by git, and there is no such file");
                let name = path.to_path();
                let name = name.file_name().map(|name| name.to_string_lossy().into_owned());
                Failure::new(told).hint(match name.is_some_and(|name| past::is_id(&name)) {
                    true => "after an ID comes the file: git comfy layout show ID FILE",
                    false => "`git comfy layout log` without a file tells of all",
                })
            }
        });
    }
    if workflow.is_some_and(is_no_workflow) {
        return Ok(Failure::new(format!("{path} is no workflow"))
            .hint("`git comfy layout log` without a file tells of all that are"));
    }
    let file = repository.work_tree().map(|top| top.join(path.to_path()));
    if workflow.is_none() && file.is_some_and(|file| file.exists()) {
        let typed = shell::typed(repository, &session.cwd, path);
        return Ok(has_positions(path, &typed));
    }
    Ok(Failure::new(format!("no layout of {path} is known yet"))
        .hint("move a node in ComfyUI and save; `git comfy sync` fetches those of others"))
}

/// `[ID] FILE`, as a person wrote it.
fn id_and_file(words: &[String]) -> (Option<&str>, &str) {
    match words {
        [id, file, ..] => (Some(id), file),
        [file] => (None, file),
        [] => (None, ""),
    }
}
