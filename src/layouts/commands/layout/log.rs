//! `git comfy layout log`: a line for each state that layouts were in.

use serde_json::json;

use super::{Book, News, by, look, path_of, shown, when};
use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::bring_back::Desk;
use crate::layouts::past::{Past, State};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::{Colour, sanitize};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;
use crate::ui::Listener;

pub(crate) const EXAMPLES: &str = "\
The first word names the state: a commit of refs/notes/comfy-layout, `now` for what the file
holds and no note yet, and s… for all else: what only this machine remembers, and what came
with the same commit of notes as a newer state. Saves that moved nothing have no line.";

/// Which layouts to tell of.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
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
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let mut desk = Desk::of(&repository)?;
    let mut screen = Screen::open(session, &args.screen, "log");
    let mut rows =
        Rows { args, screen: &mut screen, left: args.number.unwrap_or(usize::MAX), is_empty: true };
    match &args.file {
        Some(word) => {
            let path = path_of(session, &repository, word)?;
            let workflow = look(session, &repository, &mut desk, &path)?;
            let mut past = Past::of(&repository)?;
            let mut book = Book::open(session, &repository, &mut desk, &mut past, path, workflow)?;
            for at in 0..book.states.len() {
                if rows.put(&mut book, at)? == Listener::Gone {
                    break;
                }
            }
            if rows.is_empty {
                session.ui.say(&format!("nothing in {} has been placed yet", book.path));
            }
        }
        None => all(&repository, &mut desk, &mut rows)?,
    }
    session.tell_remarks(&desk.take_remarks());
    Ok(Exit::Done)
}

/// The states of all files of the work tree.
fn all<'r>(repository: &'r Repository, desk: &mut Desk<'r>, rows: &mut Rows<'_>) -> Result<()> {
    let tracked = desk.look_at_all()?;
    let mut past = Past::of(repository)?;
    let mut lines: Vec<(u64, usize, usize)> = Vec::new();
    let mut files: Vec<(RepoPath, Vec<State>)> = Vec::new();
    for path in tracked {
        if !past.knows(&path) {
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
        let mut book = Book {
            repository,
            desk: &mut *desk,
            past: &mut past,
            path: path.clone(),
            typed: String::new(),
            workflow: None,
            states: std::mem::take(states),
            titles: comfy_graph::canon::PlaceTitles::default(),
        };
        let listener = rows.put(&mut book, at)?;
        *states = book.states;
        if listener == Listener::Gone {
            break;
        }
    }
    Ok(())
}

/// Where lines go, and how many more.
struct Rows<'s> {
    args: &'s Args,
    screen: &'s mut Screen,
    left: usize,
    is_empty: bool,
}

impl Rows<'_> {
    fn put(&mut self, book: &mut Book<'_, '_>, at: usize) -> Result<Listener> {
        if self.left == 0 {
            return Ok(Listener::Gone);
        }
        let Some(news) = book.news(at)? else { return Ok(Listener::There) };
        let Some(state) = book.states.get(at) else { return Ok(Listener::There) };
        if news.is_nothing() && !news.is_undo && news.renamed_from.is_none() {
            // A save that moved nothing.
            return Ok(Listener::There);
        }
        self.left -= 1;
        self.is_empty = false;
        let text = match self.args.json {
            true => as_json(state, &news),
            false => self.line(state, &news),
        };
        self.screen.put(text.as_bytes())
    }

    fn line(&self, state: &State, news: &News) -> String {
        let path = match self.args.file {
            Some(_) => String::new(),
            None => format!("{}: ", state.path),
        };
        let (id, when, by) = (format!("{:<7}", shown(state)), when(state.at), by(state));
        let used = id.len() + when.len() + by.chars().count() + path.chars().count() + 6;
        let room = self.screen.width.saturating_sub(used).max(30);
        let told = sanitize::excerpt(&in_words(state, news), room);
        match self.screen.colour {
            Colour::Off => format!("{id}  {when}  {by}  {path}{told}\n"),
            Colour::On => {
                format!("\x1b[33m{id}\x1b[m  {when}  \x1b[36m{by}\x1b[m  {path}{told}\n")
            }
        }
    }
}

fn in_words(state: &State, news: &News) -> String {
    let told = news.told();
    match (state.is_joined(), news.is_undo) {
        (true, _) => "joined what two clones moved".to_owned(),
        (false, true) => format!("undo: {told}"),
        (false, false) => told,
    }
}

fn as_json(state: &State, news: &News) -> String {
    let count = |list: &[comfy_graph::canon::PlaceName]| list.len();
    let row = json!({
        "schema": 1,
        "id": shown(state),
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
        "told": in_words(state, news),
    });
    format!("{row}\n")
}
