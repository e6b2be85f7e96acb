//! `git comfy layout log`: a line for each state that layouts were in.

use serde_json::json;

use super::{
    FileLayouts, StateChanges, author_name, display_id, format_time, inspect_file, resolve_path,
};
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::bring_back::LayoutWorkspace;
use crate::layouts::layout_history::{LayoutHistory, LayoutState};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::{Colour, sanitize};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::OutputPipe;

pub(crate) const EXAMPLES: &str = "\
The first word names the state: a commit of refs/notes/comfy-layout, `now` for what the file
holds and no note yet, and s… for all else: what only this machine remembers, and what came
with the same commit of notes as a newer state. Saves that moved nothing have no line.";

/// Which layouts to tell of.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct LayoutLogArgs {
    /// Only this file, under all names it had [default: all files].
    #[arg(value_name = "FILE")]
    file: Option<String>,
    /// Only so many lines.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    number: Option<usize>,
    /// One JSON object a line, for programs: docs/layouts.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// Lists.
pub(crate) fn run(args: &LayoutLogArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let mut desk = LayoutWorkspace::open(&repository)?;
    let mut screen = Screen::open(session, &args.screen, "log");
    let mut rows = LayoutLogPrinter {
        args,
        screen: &mut screen,
        left: args.number.unwrap_or(usize::MAX),
        is_empty: true,
    };
    match &args.file {
        Some(word) => {
            let path = resolve_path(session, &repository, word)?;
            let workflow = inspect_file(session, &repository, &mut desk, &path)?;
            let mut past = LayoutHistory::load(&repository)?;
            let mut book =
                FileLayouts::open(session, &repository, &mut desk, &mut past, path, workflow)?;
            for at in 0..book.states.len() {
                if rows.print_state(&mut book, at)? == OutputPipe::Closed {
                    break;
                }
            }
            if rows.is_empty {
                session.ui.info(&format!("nothing in {} has been placed yet", book.path));
            }
        }
        None => print_all_files(&repository, &mut desk, &mut rows)?,
    }
    session.print_remarks(&desk.take_remarks());
    Ok(Exit::Done)
}

/// The states of all files of the work tree.
fn print_all_files<'r>(
    repository: &'r Repository,
    desk: &mut LayoutWorkspace<'r>,
    rows: &mut LayoutLogPrinter<'_>,
) -> Result<()> {
    let tracked = desk.inspect_saved_files()?;
    let mut past = LayoutHistory::load(repository)?;
    let mut lines: Vec<(u64, usize, usize)> = Vec::new();
    let mut files: Vec<(RepoPath, Vec<LayoutState>)> = Vec::new();
    for path in tracked {
        if !past.has_states(&path) {
            continue;
        }
        let states = past.states(&path, None)?;
        let mut latest = u64::MAX;
        for (at, state) in states.iter().enumerate() {
            // Each file's in their own order, whatever the times say.
            latest = latest.min(state.at);
            lines.push((latest, files.len(), at));
        }
        files.push((path, states));
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.0));
    for (_, file, at) in lines {
        let Some((path, states)) = files.get_mut(file) else { continue };
        let mut book = FileLayouts {
            repository,
            workspace: &mut *desk,
            history: &mut past,
            path: path.clone(),
            typed: String::new(),
            workflow: None,
            states: std::mem::take(states),
            titles: comfy_graph::clean::PlaceTitles::default(),
        };
        let listener = rows.print_state(&mut book, at)?;
        *states = book.states;
        if listener == OutputPipe::Closed {
            break;
        }
    }
    Ok(())
}

/// Where lines go, and how many more.
struct LayoutLogPrinter<'s> {
    args: &'s LayoutLogArgs,
    screen: &'s mut Screen,
    left: usize,
    is_empty: bool,
}

impl LayoutLogPrinter<'_> {
    fn print_state(&mut self, book: &mut FileLayouts<'_, '_>, at: usize) -> Result<OutputPipe> {
        if self.left == 0 {
            return Ok(OutputPipe::Closed);
        }
        let Some(news) = book.changes_in(at)? else { return Ok(OutputPipe::Open) };
        let Some(state) = book.states.get(at) else { return Ok(OutputPipe::Open) };
        if news.is_empty() && !news.is_undo && news.renamed_from.is_none() {
            // A save that moved nothing.
            return Ok(OutputPipe::Open);
        }
        self.left -= 1;
        self.is_empty = false;
        let text = match self.args.json {
            true => state_to_json(state, &news),
            false => self.render_line(state, &news),
        };
        self.screen.write(text.as_bytes())
    }

    fn render_line(&self, state: &LayoutState, news: &StateChanges) -> String {
        let path = match self.args.file {
            Some(_) => String::new(),
            None => format!("{}: ", state.path),
        };
        let (id, when, by) =
            (format!("{:<7}", display_id(state)), format_time(state.at), author_name(state));
        let used = id.len() + when.len() + by.chars().count() + path.chars().count() + 6;
        let room = self.screen.width.saturating_sub(used).max(30);
        let told = sanitize::excerpt(&describe_state(state, news), room);
        match self.screen.colour {
            Colour::Off => format!("{id}  {when}  {by}  {path}{told}\n"),
            Colour::On => {
                format!("\x1b[33m{id}\x1b[m  {when}  \x1b[36m{by}\x1b[m  {path}{told}\n")
            }
        }
    }
}

fn describe_state(state: &LayoutState, news: &StateChanges) -> String {
    let told = news.describe();
    match (state.is_joined(), news.is_undo) {
        (true, _) => "joined what two clones moved".to_owned(),
        (false, true) => format!("undo: {told}"),
        (false, false) => told,
    }
}

fn state_to_json(state: &LayoutState, news: &StateChanges) -> String {
    let count = |list: &[comfy_graph::clean::PlaceName]| list.len();
    let row = json!({
        "schema": 1,
        "id": display_id(state),
        "at": state.at,
        "author": state.author().map(|person| &person.name),
        "path": String::from_utf8_lossy(state.path.as_bytes()),
        "blob": state.blob.to_string(),
        "joined": state.is_joined(),
        "undo": news.is_undo,
        "moved": count(&news.moves.moved),
        "placed": count(&news.moves.placed),
        "resized": count(&news.moves.resized),
        "arranged": news.moves.arranged,
        "told": describe_state(state, news),
    });
    format!("{row}\n")
}
