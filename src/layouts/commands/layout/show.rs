//! `git comfy layout show`: where everything lies in one state, since when, and by whom.

use comfy_graph::canon::{Clock, CloneId, Place, PlaceKind, PlaceTitles, Stamp, places};
use rustc_hash::FxHashMap;
use serde_json::json;

use super::{Book, by, id_and_file, look, path_of, shown, when};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::layouts::bring_back::Desk;
use crate::layouts::describe::{Names, Since, table};
use crate::layouts::past::{Past, State};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;

/// Show where everything lies, or lay then, and who put it there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An ID of `git comfy layout log` [default: now; of a file that is gone, its last],
    /// and the file.
    #[arg(value_name = "[ID] FILE", required = true, num_args = 1..=2)]
    what: Vec<String>,
    /// One JSON object, for programs: docs/layouts.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// So many states are asked whose moves are whose.
const MOST_ASKED: usize = 200;

/// Shows.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let (id, file) = id_and_file(&args.what);
    let path = path_of(session, &repository, file)?;
    let mut desk = Desk::of(&repository)?;
    let workflow = look(session, &repository, &mut desk, &path)?;
    let mut past = Past::of(&repository)?;
    let mut book = Book::open(session, &repository, &mut desk, &mut past, path, workflow)?;
    let is_now = id.is_none_or(|id| id.eq_ignore_ascii_case("now")) && book.present().is_some();
    let present = book.past.present(&book.path).filter(|_| is_now);
    let (layout, blob, head) = match present {
        Some(present) => (present.layout, present.blob, format!("{} now", book.path)),
        None => {
            let at = match id {
                Some(id) => book.named(id)?,
                // A file that is gone: as it lay last.
                None => 0,
            };
            let state = &book.states[at];
            let head =
                format!("{} in {} of {}, {}", state.path, shown(state), when(state.at), by(state));
            let layout = book.past.layout(state)?;
            let gone = || Failure::new("that layout is not on this machine any more");
            (layout.ok_or_else(gone)?, state.blob, head)
        }
    };
    let content = book.content(blob)?;
    let titles = content.map(|content| PlaceTitles::of(&content)).unwrap_or_default();
    let titles = [titles, book.titles.clone()];
    let places = places(&layout);
    let people = People::of(&mut book, &places)?;
    let since = |place: &Place| people.since(place);
    let mut screen = Screen::open(session, &args.screen, "show");
    let text = match args.json {
        true => as_json(&places, Names(&titles), &since),
        false => format!("{head}\n{}", table(&places, Names(&titles), &since)),
    };
    screen.put(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Whose moves are whose.
#[derive(Default)]
struct People {
    /// Who sent what was saved at a moment.
    moments: FxHashMap<Stamp, String>,
    /// Who sent anything that a clone saved.
    clones: FxHashMap<CloneId, String>,
    left: usize,
}

impl People {
    fn of(book: &mut Book<'_, '_>, places: &[Place]) -> Result<People> {
        let mut people = People { left: MOST_ASKED, ..People::default() };
        people.ask(book.past, &book.states)?;
        // What was copied from another file was moved by those who had that one.
        let mut others: Vec<_> = book.past.paths().into_iter().collect();
        others.sort();
        for path in others {
            let is_known = |place: &Place| match place.moved {
                Clock::At(stamp) => people.name_of(stamp).is_some(),
                _ => true,
            };
            if people.left == 0 || places.iter().all(is_known) {
                break;
            }
            let states = book.past.states(&path, None)?;
            people.ask(book.past, &states)?;
        }
        Ok(people)
    }

    fn ask(&mut self, past: &mut Past<'_>, states: &[State]) -> Result<()> {
        for state in states.iter().filter(|state| !state.is_joined() && !state.is_by_git()) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let saved = past.layout(state)?.map(|layout| layout.saved());
            let Some(Clock::At(stamp)) = saved else { continue };
            self.moments.entry(stamp).or_insert_with(|| by(state));
            if state.author().is_some() {
                self.clones.entry(stamp.by).or_insert_with(|| by(state));
            }
        }
        Ok(())
    }

    fn name_of(&self, stamp: Stamp) -> Option<&String> {
        self.moments.get(&stamp).or_else(|| self.clones.get(&stamp.by))
    }

    fn since(&self, place: &Place) -> Since {
        let (when, by) = match place.moved {
            Clock::Arranged => ("arranged".to_owned(), "nobody".to_owned()),
            Clock::Unknown(at) => (when(at), "unknown".to_owned()),
            Clock::At(stamp) => {
                let by = match self.name_of(stamp) {
                    Some(person) => format!("{person} ({})", stamp.by),
                    None => format!("unknown ({})", stamp.by),
                };
                (when(stamp.at), by)
            }
        };
        Since { when, by }
    }
}

fn as_json(places: &[Place], names: Names<'_>, since: &dyn Fn(&Place) -> Since) -> String {
    let row = |place: &Place| {
        let Since { when, by } = since(place);
        let kind = match place.name.kind {
            PlaceKind::Node => "node",
            PlaceKind::Group => "group",
            PlaceKind::Reroute => "reroute",
            PlaceKind::Boundary => "boundary",
        };
        json!({
            "kind": kind,
            "name": names.of(&place.name),
            "type": place.name.class,
            "id": place.name.id,
            "subgraph": place.name.scope,
            "pos": place.at.map(|(x, y)| [x, y]),
            "size": place.extent.map(|(w, h)| [w, h]),
            "at": (place.moved.at() > 0).then(|| place.moved.at()),
            "moved": when,
            "by": by,
        })
    };
    let places: Vec<_> = places.iter().map(row).collect();
    format!("{}\n", json!({ "schema": 1, "places": places }))
}
