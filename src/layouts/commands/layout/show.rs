//! `git comfy layout show`: where everything lies in one state, since when, and by whom.

use comfy_graph::clean::{
    Clock, ClockStamp, ClockedLayout, CloneId, PlaceKind, PlaceTitles, PlacedItem, list_places,
};
use rustc_hash::FxHashMap;
use serde_json::json;

use super::file_layouts::{CommitLayout, FileLayouts};
use super::{author_name, display_id, format_time, split_id_and_file};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::layouts::describe::{LastMove, PlaceLabels, places_table};
use crate::layouts::layout_history::{LayoutHistory, LayoutState};
use crate::screen::{Screen, ScreenArgs};
use crate::session::Session;

/// Show where everything lies, or lay then, and who put it there.
#[derive(Debug, clap::Args)]
pub(crate) struct LayoutShowArgs {
    /// An ID of `git comfy layout log`, or a commit [default: now; of a file that is gone,
    /// its last], and the file.
    #[arg(value_name = "[ID] FILE", required = true, num_args = 1..=2)]
    what: Vec<String>,
    /// One JSON object, for programs: docs/layouts.md.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// So many states are asked whose moves are whose.
const MAX_STATES_READ: usize = 200;

pub(crate) fn run(args: &LayoutShowArgs, session: &Session) -> Result<Exit> {
    let repository = session.up_to_date_repository()?;
    let (id, file) = split_id_and_file(&args.what);
    let mut layouts = FileLayouts::open(session, &repository, file)?;
    let is_now =
        id.is_none_or(|id| id.eq_ignore_ascii_case("now")) && layouts.present_state().is_some();
    let present = layouts.history.present_layout(&layouts.path).filter(|_| is_now);
    let committed = match id.filter(|id| !layouts.names_state(id)) {
        Some(id) => layouts.find_committed(id)?,
        None => None,
    };
    let (layout, blob, head) = match (present, committed) {
        (Some(present), _) => (present.layout, present.blob, format!("{} now", layouts.path)),
        (None, Some(CommitLayout { commit, found })) => {
            let layout = ClockedLayout::parse(&found.layout, Clock::Unknown(0));
            let newer =
                || CommandError::repository("a newer version of git-comfy wrote that layout");
            let head = format!("{} in commit {commit}", layouts.path);
            (layout.ok_or_else(newer)?, found.blob, head)
        }
        (None, None) => {
            let at = match id {
                Some(id) => layouts.find_state(id)?,
                // A file that is gone: as it lay last.
                None => 0,
            };
            let state = &layouts.states[at];
            let head = format!(
                "{} in {} of {}, {}",
                state.path,
                display_id(state),
                format_time(state.at),
                author_name(state)
            );
            let layout = layouts.history.layout(state)?;
            let gone = || CommandError::repository("that layout is not on this machine any more");
            (layout.ok_or_else(gone)?, state.blob, head)
        }
    };
    let content = layouts.read_content(blob)?;
    let titles = content.map(|content| PlaceTitles::from_content(&content)).unwrap_or_default();
    let titles = [titles, layouts.titles.clone()];
    let places = list_places(&layout);
    let authors = MoveAuthors::collect(&mut layouts, &places)?;
    let since = |place: &PlacedItem| authors.last_move(place);
    let mut screen = Screen::open(session, &args.screen, "show");
    let text = match args.json {
        true => places_to_json(&places, PlaceLabels(&titles), &since),
        false => format!("{head}\n{}", places_table(&places, PlaceLabels(&titles), &since)),
    };
    screen.write(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Whose moves are whose.
#[derive(Default)]
struct MoveAuthors {
    /// Who sent what was saved at a moment.
    by_stamp: FxHashMap<ClockStamp, String>,
    /// Who sent anything that a clone saved.
    by_clone: FxHashMap<CloneId, String>,
    left: usize,
}

impl MoveAuthors {
    fn collect(layouts: &mut FileLayouts<'_>, places: &[PlacedItem]) -> Result<MoveAuthors> {
        let mut authors = MoveAuthors { left: MAX_STATES_READ, ..MoveAuthors::default() };
        authors.add_states(&mut layouts.history, &layouts.states)?;
        // What was copied from another file was moved by those who had that one.
        let mut others: Vec<_> = layouts.history.paths().into_iter().collect();
        others.sort();
        for path in others {
            let is_known = |place: &PlacedItem| match place.moved {
                Clock::At(stamp) => authors.author_of(stamp).is_some(),
                _ => true,
            };
            if authors.left == 0 || places.iter().all(is_known) {
                break;
            }
            let states = layouts.history.states(&path, None)?;
            authors.add_states(&mut layouts.history, &states)?;
        }
        Ok(authors)
    }

    fn add_states(
        &mut self,
        history: &mut LayoutHistory<'_>,
        states: &[LayoutState],
    ) -> Result<()> {
        for state in states.iter().filter(|state| !state.is_joined() && !state.is_by_git()) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let saved = history.layout(state)?.map(|layout| layout.saved());
            let Some(Clock::At(stamp)) = saved else { continue };
            self.by_stamp.entry(stamp).or_insert_with(|| author_name(state));
            if state.author().is_some() {
                self.by_clone.entry(stamp.clone_id).or_insert_with(|| author_name(state));
            }
        }
        Ok(())
    }

    fn author_of(&self, stamp: ClockStamp) -> Option<&String> {
        self.by_stamp.get(&stamp).or_else(|| self.by_clone.get(&stamp.clone_id))
    }

    fn last_move(&self, place: &PlacedItem) -> LastMove {
        let (when, by) = match place.moved {
            Clock::Arranged => ("arranged".to_owned(), "nobody".to_owned()),
            Clock::Unknown(at) => (format_time(at), "unknown".to_owned()),
            Clock::At(stamp) => {
                let by = match self.author_of(stamp) {
                    Some(person) => format!("{person} ({})", stamp.clone_id),
                    None => format!("unknown ({})", stamp.clone_id),
                };
                (format_time(stamp.millis), by)
            }
        };
        LastMove { when, by }
    }
}

fn places_to_json(
    places: &[PlacedItem],
    names: PlaceLabels<'_>,
    since: &dyn Fn(&PlacedItem) -> LastMove,
) -> String {
    let row = |place: &PlacedItem| {
        let LastMove { when, by } = since(place);
        let kind = match place.name.kind {
            PlaceKind::Node => "node",
            PlaceKind::Group => "group",
            PlaceKind::Reroute => "reroute",
            PlaceKind::Boundary => "boundary",
        };
        json!({
            "kind": kind,
            "name": names.label_of(&place.name),
            "type": place.name.class,
            "id": place.name.id,
            "subgraph": place.name.scope,
            "pos": place.position.map(|(x, y)| [x, y]),
            "size": place.extent.map(|(w, h)| [w, h]),
            "at": (place.moved.millis() > 0).then(|| place.moved.millis()),
            "moved": when,
            "by": by,
        })
    };
    let places: Vec<_> = places.iter().map(row).collect();
    format!("{}\n", json!({ "schema": 1, "places": places }))
}
