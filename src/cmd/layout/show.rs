//! `git comfy layout show`: where everything lies in one state, since when, and by whom.

use rustc_hash::FxHashMap;
use serde_json::json;

use super::{Book, by, id_and_file, look, path_of, shown, when};
use crate::canon::{Clock, CloneId, Place, PlaceKind, PlaceTitles, places};
use crate::cmd::screen::{Screen, ScreenArgs};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::bring_back::Desk;
use crate::git::layouts::past::Past;
use crate::render::layouts::{Names, Since, table};
use crate::session::Session;

/// Show where everything lies, or lay then, and who put it there.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An ID of `git comfy layout log` [default: now], and the file.
    #[arg(value_name = "[ID] FILE", required = true, num_args = 1..=2)]
    what: Vec<String>,
    /// One JSON object, for programs: docs/layouts.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// So many states are asked whose clone is whose.
const MOST_ASKED: usize = 200;

/// Shows.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let (id, file) = id_and_file(&args.what);
    let path = path_of(session, &repository, file)?;
    let mut desk = Desk::of(&repository)?;
    let workflow = look(&mut desk, &path)?;
    let mut past = Past::of(&repository)?;
    let mut book = Book::open(&repository, &mut desk, &mut past, path, workflow)?;
    let present = book.past.present(&book.path).filter(|_| matches!(id, None | Some("now")));
    let (layout, blob, head) = match present {
        Some(present) => (present.layout, present.blob, format!("{} now", book.path)),
        None => {
            let at = book.named(id.unwrap_or("now"))?;
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
    let people = people(&mut book)?;
    let since = |place: &Place| since(place, &people);
    let mut screen = Screen::open(session, &args.screen, "show");
    let text = match args.json {
        true => as_json(&places, Names(&titles), &since),
        false => format!("{head}\n{}", table(&places, Names(&titles), &since)),
    };
    screen.put(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Whose clone is whose: who sent what was saved there.
fn people(book: &mut Book<'_, '_>) -> Result<FxHashMap<CloneId, String>> {
    let mut people = FxHashMap::default();
    for state in book.states.iter().filter(|state| !state.is_joined()).take(MOST_ASKED) {
        let saved = book.past.layout(state)?.map(|layout| layout.saved());
        if let Some(Clock::At(stamp)) = saved
            && !state.is_by_git()
        {
            people.entry(stamp.by).or_insert_with(|| by(state));
        }
    }
    Ok(people)
}

fn since(place: &Place, people: &FxHashMap<CloneId, String>) -> Since {
    let (when, by) = match place.moved {
        Clock::Arranged => ("arranged".to_owned(), "nobody".to_owned()),
        Clock::Unknown(at) => (when(at), "unknown".to_owned()),
        Clock::At(stamp) => {
            let by = match people.get(&stamp.by) {
                Some(person) => format!("{person} ({})", stamp.by),
                None => stamp.by.to_string(),
            };
            (when(stamp.at), by)
        }
    };
    Since { when, by }
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
