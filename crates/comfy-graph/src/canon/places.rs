//! The places of a layout in a form to be shown, and what two layouts differ in.
//!
//! Must not know where layouts are kept, nor how anything is worded.

use rustc_hash::FxHashMap;

use super::clean::graphs;
use super::clock::Clock;
use super::clocked::{ClockedGraph, ClockedLayout, Placement, put_members};
use super::matches::{Pairs, Source};
use super::placement::{Geometry, PlaceKey, PlaceKind, scope_of, visit};
use super::split::definitions;
use super::stamp::{geometries, has_same_looks, is_same_spot};
use crate::json::{self, Key, Object, Path, Value};

/// Names a thing that has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceName {
    /// Where its graph is in the file.
    pub graph: Path,
    /// What it is.
    pub kind: PlaceKind,
    /// The definition of the subgraph it is in; empty for the root.
    pub scope: String,
    /// Its id; empty where it has none.
    pub id: String,
    /// The type of a node, the title of a group, as far as the layout says it.
    pub class: String,
    key: PlaceKey,
}

impl PlaceName {
    fn new(graph: &Path, key: &PlaceKey, place: &Placement) -> PlaceName {
        let scope = scope_of(key);
        let own = key.get(scope.len()..).unwrap_or_default();
        let id = own.get(1..).unwrap_or_default();
        let id = id.split_once('#').map_or(id, |(id, _)| id);
        PlaceName {
            graph: graph.clone(),
            kind: PlaceKind::of(key),
            scope: unescape(scope.trim_end_matches('/')),
            id: if id.starts_with('\'') { String::new() } else { unescape(id) },
            class: place.class.to_string(),
            key: key.clone(),
        }
    }

    /// Whether it is the first of the two boxes of a subgraph.
    pub fn is_entrance(&self) -> bool {
        self.kind == PlaceKind::Boundary && self.key.ends_with('i')
    }

    /// The order in which things are listed: graph by graph, nodes first, by number.
    fn order(&self) -> (String, &str, PlaceKind, u64, &str) {
        let number = self.id.parse().unwrap_or(u64::MAX);
        (self.graph.to_string(), &self.scope, self.kind, number, &self.key)
    }
}

/// Undoes the escaping of ids in [`PlaceKey`]s.
fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.extend(code.map(char::from));
        plain.push_str(part.get(2..).unwrap_or_default());
    }
    plain
}

/// A thing, where the file shows it, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Which thing.
    pub name: PlaceName,
    /// Its corner.
    pub at: Option<(f64, f64)>,
    /// Its width and height.
    pub extent: Option<(f64, f64)>,
    /// When it was last moved.
    pub moved: Clock,
}

/// All places of a layout: graph by graph, nodes first, by number.
pub fn places(layout: &ClockedLayout) -> Vec<Place> {
    let mut places = Vec::new();
    for graph in &layout.graphs {
        let shown = graph.shown();
        for (key, place) in &graph.places {
            let Geometry { at, extent } = shown.get(key).map(Geometry::of).unwrap_or_default();
            let name = PlaceName::new(&graph.at, key, place);
            places.push(Place { name, at, extent, moved: place.moved });
        }
    }
    places.sort_by(|a, b| a.name.order().cmp(&b.name.order()));
    places
}

/// What a layout has otherwise than one before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moves {
    /// Lies elsewhere.
    pub moved: Vec<PlaceName>,
    /// Lies there, and has another size.
    pub resized: Vec<PlaceName>,
    /// Lies there, and looks otherwise: folded, pinned.
    pub restyled: Vec<PlaceName>,
    /// Was not there before.
    pub placed: Vec<PlaceName>,
    /// How many lie elsewhere, or are new, and were arranged.
    pub arranged: usize,
    /// What belongs to no place differs: the view, the stacking order.
    pub has_other_view: bool,
}

impl Moves {
    /// Nothing lies elsewhere.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.moved, &self.resized, &self.restyled, &self.placed];
        lists.iter().all(|list| list.is_empty()) && self.arranged == 0
    }
}

/// What was moved between two layouts. What only went along with its group, or was moved
/// earlier than in the layout before, is left out.
pub fn moves(before: Option<Source<'_>>, after: &ClockedLayout) -> Moves {
    let mut moves = Moves::default();
    for graph in &after.graphs {
        let old = before.and_then(|before| before.graph(&graph.at));
        let (here, there) = (geometries(graph), old.map(geometries).unwrap_or_default());
        for (key, place) in &graph.places {
            let name = || PlaceName::new(&graph.at, key, place);
            let known = before.and_then(|before| before.find(&graph.at, key, &place.class));
            let Some((old, known)) = known else {
                match place.moved {
                    Clock::Arranged => moves.arranged += 1,
                    _ => moves.placed.push(name()),
                }
                continue;
            };
            let is_told = !matches!((place.moved, known.moved), (Clock::At(now), Clock::At(then)) if now <= then);
            let spot = |all: &FxHashMap<PlaceKey, Geometry>, key: &PlaceKey| {
                all.get(key).copied().unwrap_or_default()
            };
            let (now, then) = (spot(&here, key), spot(&there, &old));
            let is_there = is_same_spot(Geometry { extent: None, ..now }, then);
            let is_so = is_same_spot(now, then) && is_same_spot(then, now);
            let looks_so = has_same_looks(place, known);
            match place.moved {
                _ if !is_told || (is_so && looks_so) => {}
                Clock::Arranged => moves.arranged += 1,
                _ if !is_there => moves.moved.push(name()),
                _ if !is_so => moves.resized.push(name()),
                _ => moves.restyled.push(name()),
            }
        }
    }
    for list in [&mut moves.moved, &mut moves.resized, &mut moves.restyled, &mut moves.placed] {
        list.sort_by(|a, b| a.order().cmp(&b.order()));
    }
    let is_same = before.filter(|before| matches!(before.pairs, Pairs::SameContent));
    moves.has_other_view = is_same.is_some_and(|before| rests(before.layout) != rests(after));
    moves
}

/// What is left of a layout without its places.
fn rests(layout: &ClockedLayout) -> Vec<Object> {
    let rest = |graph: &ClockedGraph| {
        let mut aside = graph.aside.clone();
        visit(&mut aside, &mut |_, kind, item| put_members(item, kind, Object::new()));
        aside
    };
    layout.graphs.iter().map(rest).collect()
}

/// Whether anything that both layouts know lies elsewhere, or looks otherwise, in the
/// earlier one.
pub fn is_elsewhere(earlier: Source<'_>, now: &ClockedLayout) -> bool {
    let differs = |graph: &ClockedGraph| {
        let (here, old) = (geometries(graph), earlier.graph(&graph.at));
        let there = old.map(geometries).unwrap_or_default();
        graph.places.iter().any(|(key, place)| {
            let Some((old, known)) = earlier.find(&graph.at, key, &place.class) else {
                return false;
            };
            let spots = there.get(&old).zip(here.get(key));
            let is_so = spots.is_none_or(|(there, here)| is_same_spot(*there, *here));
            !is_so || !has_same_looks(place, known)
        })
    };
    now.graphs.iter().any(differs)
}

/// Whether the earlier layout has something where nobody put it, which a person put
/// elsewhere in the one at hand.
pub fn is_made_up(earlier: Source<'_>, now: &ClockedLayout) -> bool {
    now.graphs.iter().any(|graph| {
        graph.places.iter().filter(|(_, place)| place.moved.is_by_person()).any(|(key, place)| {
            let known = earlier.find(&graph.at, key, &place.class);
            known.is_some_and(|(_, known)| known.moved == Clock::Arranged)
        })
    })
}

/// What a person calls the things of a content.
#[derive(Debug, Clone, Default)]
pub struct PlaceTitles {
    things: FxHashMap<(String, PlaceKey), Thing>,
    subgraphs: FxHashMap<String, String>,
}

#[derive(Debug, Clone)]
struct Thing {
    class: String,
    title: String,
}

impl PlaceTitles {
    /// Reads them; a content that is none gives none.
    pub fn of(content: &[u8]) -> PlaceTitles {
        let mut titles = PlaceTitles::default();
        let Ok(mut document) = json::parse(content) else { return titles };
        for found in graphs(&document) {
            let Some(Value::Object(graph)) = found.at.get_mut(&mut document) else { continue };
            titles.read_subgraphs(graph, 0);
            let at = found.at.to_string();
            visit(graph, &mut |key: Key, _, item| {
                let text = |name: &str| {
                    let text = item.get(name).and_then(Value::as_str);
                    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
                };
                let class = text("type").or_else(|| text("title")).unwrap_or_default();
                let subgraph = titles.subgraphs.get(&class).cloned();
                let title = text("title").or(subgraph).unwrap_or_else(|| class.clone());
                titles.things.insert((at.clone(), key), Thing { class, title });
            });
        }
        titles
    }

    fn read_subgraphs(&mut self, graph: &Object, depth: usize) {
        for definition in definitions(graph).filter(|_| depth < 32) {
            let text = |name: &str| definition.get(name).and_then(Value::as_str);
            if let (Some(id), Some(name)) = (text("id"), text("name")) {
                self.subgraphs.insert(id.to_owned(), name.to_owned());
            }
            self.read_subgraphs(definition, depth + 1);
        }
    }

    /// The title of a thing; nothing if there is another one of its number here.
    pub fn of_place(&self, name: &PlaceName) -> Option<&str> {
        let thing = self.things.get(&(name.graph.to_string(), name.key.clone()))?;
        let is_it = name.kind != PlaceKind::Node || thing.class == name.class;
        is_it.then_some(thing.title.as_str()).filter(|title| !title.is_empty())
    }

    /// The name of a subgraph.
    pub fn of_subgraph(&self, definition: &str) -> Option<&str> {
        self.subgraphs.get(definition).map(String::as_str)
    }
}
