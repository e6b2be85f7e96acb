//! The places of a layout in a form to be shown, and what two layouts differ in.
//!
//! Must not know where layouts are kept, nor how anything is worded.

use rustc_hash::FxHashMap;

use super::clock::Clock;
use super::clocked_layout::{ClockedGraph, ClockedLayout, Placement, set_place_members};
use super::layout_source::{LayoutRelation, LayoutSource};
use super::placement::{Geometry, PlaceKey, PlaceKind, key_scope, visit_places};
use super::split::definitions;
use super::stamp::{geometries, has_same_looks, is_same_position};
use crate::graph::{MAX_DEFINITION_DEPTH, document_kind};
use crate::json::{self, JsonKey, JsonPath, Object, Value};

/// Names a thing that has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceName {
    /// Where its graph is in the file.
    pub graph: JsonPath,
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
    fn new(graph: &JsonPath, key: &PlaceKey, place: &Placement) -> PlaceName {
        let scope = key_scope(key);
        let own = key.get(scope.len()..).unwrap_or_default();
        let id = own.get(1..).unwrap_or_default();
        let id = id.split_once('#').map_or(id, |(id, _)| id);
        PlaceName {
            graph: graph.clone(),
            kind: PlaceKind::from_key(key),
            scope: unescape_id(scope.trim_end_matches('/')),
            id: if id.starts_with('\'') { String::new() } else { unescape_id(id) },
            class: place.class.to_string(),
            key: key.clone(),
        }
    }

    /// Whether it is the first of the two boxes of a subgraph.
    pub fn is_entrance(&self) -> bool {
        self.kind == PlaceKind::Boundary && self.key.ends_with('i')
    }

    /// The order in which things are listed: graph by graph, nodes first, by number.
    fn sort_key(&self) -> (String, &str, PlaceKind, u64, &str) {
        let number = self.id.parse().unwrap_or(u64::MAX);
        (self.graph.to_string(), &self.scope, self.kind, number, &self.key)
    }
}

/// Undoes the escaping of ids in [`PlaceKey`]s.
fn unescape_id(text: &str) -> String {
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
pub struct PlacedItem {
    /// Which thing.
    pub name: PlaceName,
    /// Its corner.
    pub position: Option<(f64, f64)>,
    /// Its width and height.
    pub extent: Option<(f64, f64)>,
    /// When it was last moved.
    pub moved: Clock,
}

/// All places of a layout: graph by graph, nodes first, by number.
pub fn list_places(layout: &ClockedLayout) -> Vec<PlacedItem> {
    let mut places = Vec::new();
    for graph in &layout.graphs {
        let shown = graph.shown_members();
        for (key, place) in &graph.places {
            let Geometry { position: at, extent } =
                shown.get(key).map(Geometry::from_members).unwrap_or_default();
            let name = PlaceName::new(&graph.path, key, place);
            let moved = graph.last_move(key, place);
            places.push(PlacedItem { name, position: at, extent, moved });
        }
    }
    places.sort_by(|a, b| a.name.sort_key().cmp(&b.name.sort_key()));
    places
}

/// What a layout has otherwise than one before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayoutChanges {
    /// Lies elsewhere.
    pub moved: Vec<PlaceName>,
    /// Lies there, and has another size.
    pub resized: Vec<PlaceName>,
    /// Lies there, and looks otherwise: folded, pinned.
    pub restyled: Vec<PlaceName>,
    /// Was not there before.
    pub placed: Vec<PlaceName>,
    /// Lies elsewhere, or is new, and was arranged.
    pub arranged: Vec<PlaceName>,
    /// What belongs to no place differs: the view, the stacking order.
    pub has_other_view: bool,
}

impl LayoutChanges {
    /// Leaves out what was moved, resized, restyled or placed at such a time.
    pub fn forget_moves(&mut self, after: &ClockedLayout, is_such: impl Fn(Clock) -> bool) {
        let is_told = |name: &PlaceName| {
            let graph = after.graphs.iter().find(|graph| graph.path == name.graph);
            let moved = graph
                .and_then(|graph| Some(graph.last_move(&name.key, graph.places.get(&name.key)?)));
            moved.is_none_or(|moved| !is_such(moved))
        };
        for list in [&mut self.moved, &mut self.resized, &mut self.restyled, &mut self.placed] {
            list.retain(is_told);
        }
    }

    /// Nothing lies elsewhere.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.moved, &self.resized, &self.restyled, &self.placed, &self.arranged];
        lists.iter().all(|list| list.is_empty())
    }

    /// Leaves out the cards that a merge puts beside what it cannot decide.
    pub fn forget_conflict_cards(&mut self, titles: &PlaceTitles) {
        self.arranged.retain(|name| !titles.is_conflict_card(name));
    }
}

/// What was moved between two layouts. What only went along with its group, or was moved
/// earlier than in the layout before, is left out.
pub fn compare_layouts(before: Option<LayoutSource<'_>>, after: &ClockedLayout) -> LayoutChanges {
    let mut moves = LayoutChanges::default();
    for graph in &after.graphs {
        let old = before.and_then(|before| before.graph(&graph.path));
        let (here, there) = (geometries(graph), old.map(geometries).unwrap_or_default());
        for (key, place) in &graph.places {
            let name = || PlaceName::new(&graph.path, key, place);
            let known =
                before.and_then(|before| before.find_placement(&graph.path, key, &place.class));
            let moved = graph.last_move(key, place);
            let Some((old_key, known)) = known else {
                match moved {
                    Clock::Arranged => moves.arranged.push(name()),
                    _ => moves.placed.push(name()),
                }
                continue;
            };
            let moved_before = old.map_or(known.moved, |old| old.last_move(&old_key, known));
            let is_told =
                !matches!((moved, moved_before), (Clock::At(now), Clock::At(then)) if now <= then);
            let spot = |all: &FxHashMap<PlaceKey, Geometry>, key: &PlaceKey| {
                all.get(key).copied().unwrap_or_default()
            };
            let (now, then) = (spot(&here, key), spot(&there, &old_key));
            let is_there = is_same_position(Geometry { extent: None, ..now }, then);
            let is_so = is_same_position(now, then) && is_same_position(then, now);
            let looks_so = has_same_looks(place, known);
            match moved {
                _ if !is_told || (is_so && looks_so) => {}
                Clock::Arranged => moves.arranged.push(name()),
                _ if !is_there => moves.moved.push(name()),
                _ if !is_so => moves.resized.push(name()),
                _ => moves.restyled.push(name()),
            }
        }
    }
    for list in [&mut moves.moved, &mut moves.resized, &mut moves.restyled, &mut moves.placed] {
        list.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    }
    let is_same = before.filter(|before| matches!(before.relation, LayoutRelation::SameContent));
    moves.has_other_view = is_same.is_some_and(|before| {
        layouts_without_places(before.layout) != layouts_without_places(after)
    });
    moves
}

/// What is left of a layout without its places.
fn layouts_without_places(layout: &ClockedLayout) -> Vec<Object> {
    let rest = |graph: &ClockedGraph| {
        let mut aside = graph.aside.clone();
        visit_places(&mut aside, &mut |_, kind, item| set_place_members(item, kind, Object::new()));
        aside
    };
    layout.graphs.iter().map(rest).collect()
}

/// Whether anything that both layouts know lies elsewhere, or looks otherwise, in the
/// earlier one.
pub fn has_moved_places(earlier: LayoutSource<'_>, now: &ClockedLayout) -> bool {
    let differs = |graph: &ClockedGraph| {
        let (here, old) = (geometries(graph), earlier.graph(&graph.path));
        let there = old.map(geometries).unwrap_or_default();
        graph.places.iter().any(|(key, place)| {
            let Some((old, known)) = earlier.find_placement(&graph.path, key, &place.class) else {
                return false;
            };
            let spots = there.get(&old).zip(here.get(key));
            let is_so = spots.is_none_or(|(there, here)| is_same_position(*there, *here));
            !is_so || !has_same_looks(place, known)
        })
    };
    now.graphs.iter().any(differs)
}

/// Whether the earlier layout has something where nobody put it, which a person put
/// elsewhere in the one at hand.
pub fn was_arranged_before(earlier: LayoutSource<'_>, now: &ClockedLayout) -> bool {
    now.graphs.iter().any(|graph| {
        graph.places.iter().filter(|(_, place)| place.moved.is_by_person()).any(|(key, place)| {
            let known = earlier.find_placement(&graph.path, key, &place.class);
            known.is_some_and(|(_, known)| known.moved == Clock::Arranged)
        })
    })
}

/// What a person calls the things of a content.
#[derive(Debug, Clone, Default)]
pub struct PlaceTitles {
    things: FxHashMap<(String, PlaceKey), TitledItem>,
    subgraphs: FxHashMap<String, String>,
}

#[derive(Debug, Clone)]
struct TitledItem {
    class: String,
    title: String,
    is_conflict_card: bool,
}

impl PlaceTitles {
    /// Reads them; a content that is none gives none.
    pub fn from_content(content: &[u8]) -> PlaceTitles {
        let mut titles = PlaceTitles::default();
        let Ok(mut document) = json::parse(content) else { return titles };
        for found in document_kind(&document).into_graphs() {
            let Some(Value::Object(graph)) = found.at.get_mut(&mut document) else { continue };
            titles.read_subgraphs(graph, 0);
            let at = found.at.to_string();
            visit_places(graph, &mut |key: JsonKey, _, item| {
                let text = |name: &str| {
                    let text = item.get(name).and_then(Value::as_str);
                    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
                };
                let class = text("type").or_else(|| text("title")).unwrap_or_default();
                let subgraph = titles.subgraphs.get(&class).cloned();
                let title = text("title").or(subgraph).unwrap_or_else(|| class.clone());
                let mark = item.get("properties").and_then(|own| own.get("git_comfy"));
                let is_conflict_card = mark.is_some_and(|mark| mark.get("conflicts").is_some());
                let named = TitledItem { class, title, is_conflict_card };
                titles.things.insert((at.clone(), key), named);
            });
        }
        titles
    }

    fn read_subgraphs(&mut self, graph: &Object, depth: usize) {
        for definition in definitions(graph).filter(|_| depth < MAX_DEFINITION_DEPTH) {
            let text = |name: &str| definition.get(name).and_then(Value::as_str);
            if let (Some(id), Some(name)) = (text("id"), text("name")) {
                self.subgraphs.insert(id.to_owned(), name.to_owned());
            }
            self.read_subgraphs(definition, depth + 1);
        }
    }

    /// The title of a thing; nothing if there is another one of its number here.
    pub fn place_title(&self, name: &PlaceName) -> Option<&str> {
        let thing = self.things.get(&(name.graph.to_string(), name.key.clone()))?;
        let is_it = name.kind != PlaceKind::Node || thing.class == name.class;
        is_it.then_some(thing.title.as_str()).filter(|title| !title.is_empty())
    }

    fn is_conflict_card(&self, name: &PlaceName) -> bool {
        let thing = self.things.get(&(name.graph.to_string(), name.key.clone()));
        thing.is_some_and(|thing| thing.is_conflict_card)
    }

    /// The name of a subgraph.
    pub fn subgraph_name(&self, definition: &str) -> Option<&str> {
        self.subgraphs.get(definition).map(String::as_str)
    }
}
