//! What a person moved: a saved file held against what it held before.
//!
//! A place is moved only if it differs from what the file last held, and from what it held
//! before git wrote it last: ComfyUI does not notice that a file changed on disk, so a tab
//! that was open all the time saves old places back. A node that goes along with its group,
//! or that another renderer draws in another scale, or whose size the frontend made large
//! enough on loading, was not moved either; its numbers are written anew, no more.
//!
//! Must not know where layouts are kept, nor what time it is.

use rustc_hash::FxHashMap;

use super::arranged_mark;
use super::clock::{Clock, ClockStamp, CloneId};
use super::clocked_layout::{ClockedGraph, ClockedLayout, Placement};
use super::file_layout::FileLayout;
use super::layout_source::LayoutSource;
use super::placement::{Geometry, PlaceKey, PlaceKind};
use crate::json::{JsonPath, Object};

/// Places that differ by a hundredth of a pixel do so by the noise of scaling.
pub(super) const MAX_NOISE: f64 = 0.011;

/// What is known of the file from before it was saved.
#[derive(Debug, Clone, Default)]
pub struct EarlierLayouts<'a> {
    /// What it held last.
    pub last: Option<LayoutSource<'a>>,
    /// What git wrote last, where a person saved since.
    pub written_by_git: Option<LayoutSource<'a>>,
    /// What it held before git wrote it, the newest first.
    pub before: Vec<LayoutSource<'a>>,
    /// Those of them that the tab which saved it may still show.
    pub shown_by_tab: Vec<LayoutSource<'a>>,
    /// Where things lay at any time that is remembered, if the file held last is one that was
    /// committed without git-comfy: what such a file has there, nobody moved in it.
    pub remembered: Vec<LayoutSource<'a>>,
    /// What was saved before, taken for what an old tab shows, and written over since.
    pub set_aside: Option<LayoutSource<'a>>,
    /// What it held in commits made without git-comfy, the oldest first, if the file held last is
    /// such a one: where the first of them has a thing, it was put then, whoever saves it first.
    pub raw_commits: Vec<LayoutAtCommit<'a>>,
}

/// The layout in a file that was committed with its positions.
#[derive(Debug, Clone, Copy)]
pub struct LayoutAtCommit<'a> {
    /// The layout.
    pub source: LayoutSource<'a>,
    /// The second of the commit, in milliseconds since 1970.
    pub at: u64,
}

impl LayoutAtCommit<'_> {
    /// Who saw what was committed moves things later than that.
    fn seen_at(&self) -> u64 {
        self.at.saturating_add(1000)
    }
}

impl EarlierLayouts<'_> {
    /// The latest time in it.
    pub fn latest_millis(&self) -> u64 {
        let all = self.last.iter().chain(&self.written_by_git).chain(&self.before);
        let times = all.map(|source| source.layout.latest_millis());
        times.chain(self.raw_commits.iter().map(LayoutAtCommit::seen_at)).max().unwrap_or(0)
    }
}

/// Gives a layout that was just split off a file the clocks of its places.
pub fn stamp_layout(
    line: &str,
    past: &EarlierLayouts<'_>,
    now: ClockStamp,
) -> Option<ClockedLayout> {
    stamp_at(line, past, Clock::At(now))
}

fn stamp_at(line: &str, past: &EarlierLayouts<'_>, now: Clock) -> Option<ClockedLayout> {
    let base = super::clocked_layout::parse_shown_layout(line)?;
    let mut layout = ClockedLayout::uniform(base, now);
    let set_aside = past.set_aside.filter(|earlier| is_set_back_again(&layout, *earlier, past));
    let past = EarlierLayouts { set_aside, ..past.clone() };
    for graph in &mut layout.graphs {
        stamp_graph(graph, &past, now);
    }
    layout.remove_spent_marks();
    if let Some(last) = past.last {
        layout.previous_name.clone_from(&last.layout.previous_name);
        if !layout.clocks().any(|moved| moved == now) {
            layout.reverted_to.clone_from(&last.layout.reverted_to);
        }
    }
    if !layout.has_place_by_person() {
        // A layout without a place that a person chose yields to every other.
        layout.saved = Clock::Arranged;
    }
    Some(layout)
}

/// The same for a layout that was saved elsewhere, at a time that nobody wrote down: what was
/// moved counts as moved at a time that the caller chooses, and what belongs to no place gives
/// way to every save. What lies where it is remembered to have been, or where an older commit had
/// it, was not moved since.
pub fn stamp_moves(line: &str, past: &EarlierLayouts<'_>, moved: Clock) -> Option<ClockedLayout> {
    let mut layout = stamp_at(line, past, moved)?;
    layout.saved = layout.saved.min(Clock::Unknown(0));
    for graph in &mut layout.graphs {
        let here = PlacementView::of_graph(graph);
        let remembered = views_of(&past.remembered, graph);
        let raw: Vec<PlacementView<'_>> = past
            .raw_commits
            .iter()
            .filter_map(|committed| view_of(Some(committed.source), graph))
            .collect();
        let Some(last) = view_of(past.last, graph) else { continue };
        let mut stayed = Vec::new();
        for (key, place) in graph.places.iter().filter(|(_, place)| place.moved == moved) {
            let at = here.geometry.get(key).copied().unwrap_or_default();
            let known = last.find_placement(key, &place.class);
            let was_there = || {
                was_in_clean_file(remembered.iter(), key, place, at)
                    || raw.iter().any(|view| is_so(&here, key, place, Some(view)))
            };
            if let Some((before, _)) = known
                && matches!(before.moved, Clock::At(_))
                && was_there()
            {
                stayed.push((key.clone(), with_renamed_group(before, last.source)));
            }
        }
        graph.set_placements(stayed);
    }
    Some(layout)
}

/// Whether a place is one that any of these layouts, of files that were clean, has.
fn was_in_clean_file<'v, 'a: 'v>(
    views: impl Iterator<Item = &'v PlacementView<'a>>,
    key: &str,
    place: &Placement,
    at: Geometry,
) -> bool {
    let is_clean = |view: &&PlacementView<'_>| {
        view.source.is_some_and(|source| source.layout.saved != Clock::Unknown(0))
    };
    views.filter(is_clean).any(|view| {
        let known = view.find_placement(key, &place.class);
        known.is_some_and(|(_, there)| is_same_position(at, there))
    })
}

/// One clock for all places of a layout that was just split off a file.
pub fn stamp_uniformly(line: &str, clock: Clock) -> Option<ClockedLayout> {
    let base: FileLayout = super::clocked_layout::parse_shown_layout(line)?;
    Some(ClockedLayout::uniform(base, clock))
}

/// Whether a save differs from what the file held last in nothing but what an earlier save
/// had so, too. Once that may be an old tab; whoever does it again after the file was written
/// anew has seen where things lay, and wants them back.
fn is_set_back_again(
    saved: &ClockedLayout,
    earlier: LayoutSource<'_>,
    past: &EarlierLayouts<'_>,
) -> bool {
    let Some(last) = past.last.filter(|last| last.relation.is_same_content()) else { return false };
    let mut differs = false;
    for graph in &saved.graphs {
        let here = PlacementView::of_graph(graph);
        let [last, earlier] =
            [last, earlier].map(|source| PlacementView::from_source(source, &graph.path));
        for (key, place) in &graph.places {
            if is_so(&here, key, place, last.as_ref()) {
                continue;
            }
            if !is_so(&here, key, place, earlier.as_ref()) {
                return false;
            }
            differs = true;
        }
    }
    differs
}

fn is_so(
    here: &PlacementView<'_>,
    key: &str,
    place: &Placement,
    there: Option<&PlacementView<'_>>,
) -> bool {
    let here = here.geometry.get(key).copied().unwrap_or_default();
    let known = there.and_then(|view| view.find_placement(key, &place.class));
    known
        .is_some_and(|(known, there)| is_same_position(here, there) && has_same_looks(place, known))
}

/// Whether a save shows something where git's last write of the file put it, and another clone
/// moved it there since an earlier state: then that state is not what the tab shows.
pub fn shows_moves_of_others(
    line: &str,
    write: LayoutSource<'_>,
    earlier: LayoutSource<'_>,
    me: CloneId,
) -> bool {
    let Some(saved) = stamp_uniformly(line, Clock::Unknown(0)) else { return false };
    saved.graphs.iter().any(|graph| {
        let here = PlacementView::of_graph(graph);
        let (Some(write), Some(earlier)) = (
            PlacementView::from_source(write, &graph.path),
            PlacementView::from_source(earlier, &graph.path),
        ) else {
            return false;
        };
        graph.places.iter().any(|(key, place)| {
            let here = here.geometry.get(key).copied().unwrap_or_default();
            let written = write.find_placement(key, &place.class);
            let by_others = written.filter(|(written, there)| {
                let by = written.moved.clone_id();
                by.is_some_and(|by| by != me) && is_same_position(here, *there)
            });
            let known = by_others.and_then(|_| earlier.find_placement(key, &place.class));
            known.is_some_and(|(_, there)| !is_same_position(here, there))
        })
    })
}

fn stamp_graph(graph: &mut ClockedGraph, past: &EarlierLayouts<'_>, now: Clock) {
    let marks = arranged_mark::read_marks(&graph.aside);
    let history = PlaceHistory {
        last: view_of(past.last, graph),
        written: view_of(past.written_by_git, graph),
        before: views_of(&past.before, graph),
        shown_by_tab: views_of(&past.shown_by_tab, graph),
        remembered: views_of(&past.remembered, graph),
        set_aside: view_of(past.set_aside, graph),
        raw_commits: past
            .raw_commits
            .iter()
            .filter_map(|raw| Some((view_of(Some(raw.source), graph)?, *raw)))
            .collect(),
        piled: piled_nodes(graph),
        marks,
        now: PlacementView::of_graph(graph),
    };
    let mut placed = Vec::new();
    for (key, place) in &graph.places {
        let mut decided = history.decide_placement(key, place, now);
        if decided.moved == now && history.is_piled(key) {
            decided.moved = Clock::Arranged;
        }
        if decided.moved == Clock::Arranged && decided.written == now {
            decided.written = Clock::Arranged;
        }
        placed.push((key.clone(), decided));
    }
    graph.set_placements(placed);
}

fn view_of<'a>(
    source: Option<LayoutSource<'a>>,
    graph: &ClockedGraph,
) -> Option<PlacementView<'a>> {
    PlacementView::from_source(source?, &graph.path)
}

fn views_of<'a>(sources: &[LayoutSource<'a>], graph: &ClockedGraph) -> Vec<PlacementView<'a>> {
    sources.iter().filter_map(|source| view_of(Some(*source), graph)).collect()
}

/// ComfyUI piles all nodes of a file without positions up in one corner. Nobody put them
/// there.
fn piled_nodes(graph: &ClockedGraph) -> Vec<PlaceKey> {
    let is_node = |key: &&PlaceKey| PlaceKind::from_key(key) == PlaceKind::Node;
    let keys: Vec<&PlaceKey> = graph.places.keys().filter(is_node).collect();
    let corner = |key: &&PlaceKey| {
        let at = graph
            .places
            .get(*key)
            .and_then(|place| Geometry::from_members(&place.members).position);
        at == Some((10.0, 10.0)) || at == Some((0.0, 0.0))
    };
    let is_pile = keys.len() > 1 && keys.iter().all(corner);
    if is_pile { keys.into_iter().cloned().collect() } else { Vec::new() }
}

/// The places of one layout as numbers of LiteGraph.
struct PlacementView<'a> {
    source: Option<LayoutSource<'a>>,
    path: JsonPath,
    geometry: FxHashMap<PlaceKey, Geometry>,
}

impl<'a> PlacementView<'a> {
    fn from_source(source: LayoutSource<'a>, at: &JsonPath) -> Option<PlacementView<'a>> {
        let graph = source.graph(at)?;
        Some(PlacementView { source: Some(source), path: at.clone(), geometry: geometries(graph) })
    }

    fn of_graph(graph: &ClockedGraph) -> PlacementView<'static> {
        PlacementView { source: None, path: graph.path.clone(), geometry: geometries(graph) }
    }

    fn find_placement(&self, key: &str, class: &str) -> Option<(&'a Placement, Geometry)> {
        let (old, place) = self.source?.find_placement(&self.path, key, class)?;
        Some((place, self.geometry.get(&old).copied().unwrap_or_default()))
    }

    fn corner_of(&self, group: &str) -> Option<(f64, f64)> {
        self.geometry.get(group)?.position
    }
}

/// The places of a graph in the scale of LiteGraph.
pub(super) fn geometries(graph: &ClockedGraph) -> FxHashMap<PlaceKey, Geometry> {
    let factor = 1.0 / graph.scale();
    let shown = graph.shown_members().into_iter();
    shown.map(|(key, members)| (key, Geometry::from_members(&members).scaled(factor))).collect()
}

struct PlaceHistory<'a> {
    last: Option<PlacementView<'a>>,
    written: Option<PlacementView<'a>>,
    before: Vec<PlacementView<'a>>,
    shown_by_tab: Vec<PlacementView<'a>>,
    remembered: Vec<PlacementView<'a>>,
    set_aside: Option<PlacementView<'a>>,
    raw_commits: Vec<(PlacementView<'a>, LayoutAtCommit<'a>)>,
    piled: Vec<PlaceKey>,
    marks: FxHashMap<PlaceKey, (f64, f64)>,
    now: PlacementView<'static>,
}

impl PlaceHistory<'_> {
    /// The place as it is to be kept; `fresh` is as it stands in the file.
    fn decide_placement(&self, key: &str, fresh: &Placement, now: Clock) -> Placement {
        let here = self.now.geometry.get(key).copied().unwrap_or_default();
        if here.position.is_none()
            && let Some(known) = self.latest_position(key, fresh)
        {
            return known;
        }
        let anew =
            |moved: Clock, restated: Clock| Placement { moved, written: restated, ..fresh.clone() };
        let known = self.last.as_ref().and_then(|last| last.find_placement(key, &fresh.class));
        if let Some((last, there)) = known {
            if is_same_position(here, there) && has_same_looks(fresh, last) {
                if let Some(place) = self.clocked_before(key, fresh, last) {
                    if self.was_there(key, fresh, here) || self.is_piled(key) {
                        return place;
                    }
                    // What was moved in the raw file is what the person saw, and saves.
                    let moved = self.moved_in_raw_file(key, fresh, here, &place, now);
                    return moved.map_or(place, |moved| anew(moved, now));
                }
                let is_verbatim = fresh.members == last.members && self.is_same_frame(fresh, last);
                let restated = if is_verbatim { last.written } else { now };
                return anew(last.moved, restated);
            }
            if self.is_where_a_raw_file_had_it(key, fresh, here, last) {
                return self.last_in_new_names(last);
            }
            if self.moved_with_group(last, here, there) && has_same_looks(fresh, last) {
                let Some(before) = self.clocked_before(key, fresh, last) else {
                    return anew(last.moved, now);
                };
                let moved = self.moved_in_raw_file(key, fresh, there, &before, now);
                return moved.map_or(before, |moved| anew(moved, now));
            }
        }
        let is_set_back_again = is_so(&self.now, key, fresh, self.set_aside.as_ref());
        let shown_by_tab = if is_set_back_again { &[][..] } else { &self.shown_by_tab[..] };
        for view in shown_by_tab {
            if let Some((old, there)) = view.find_placement(key, &fresh.class)
                && is_same_position(here, there)
                && has_same_looks(fresh, old)
            {
                // It stays where it was put since, although the file says otherwise.
                return known.map_or_else(
                    || anew(old.moved, old.written),
                    |(last, _)| {
                        let clocked = self.clocked_before(key, fresh, last);
                        clocked.unwrap_or_else(|| self.last_in_new_names(last))
                    },
                );
            }
        }
        let was_arranged = known.is_none_or(|(last, _)| last.moved == Clock::Arranged);
        let mark = self.marks.get(key).copied();
        if was_arranged
            && mark.is_some()
            && mark.zip(here.position).is_some_and(|(a, b)| is_near(a, b))
        {
            return anew(Clock::Arranged, Clock::Arranged);
        }
        match known {
            // Folded, pinned or made smaller where it lay: who dragged it meanwhile moved it.
            Some((last, there))
                if last.moved != Clock::Unknown(0) && is_same_corner(here, there) =>
            {
                anew(last.moved, now)
            }
            _ => anew(now, now),
        }
    }

    /// Where a thing lay when it last lay anywhere: a file without positions (a script wrote it,
    /// or a tool for JSON) moves nothing.
    fn latest_position(&self, key: &str, fresh: &Placement) -> Option<Placement> {
        let all = self.last.iter().chain(&self.before).chain(&self.remembered);
        all.filter_map(|view| Some((view, view.find_placement(key, &fresh.class)?)))
            .find(|(_, (_, there))| there.position.is_some())
            .map(|(view, (place, _))| with_renamed_group(place, view.source))
    }

    /// The place that a thing had before a file came in between that was committed without
    /// git-comfy: the places of such a file have no clocks, and none of those that do is lost.
    fn clocked_before(&self, key: &str, fresh: &Placement, last: &Placement) -> Option<Placement> {
        if last.moved != Clock::Unknown(0) {
            return None;
        }
        self.before.iter().find_map(|view| {
            let (old, _) = view.find_placement(key, &fresh.class)?;
            matches!(old.moved, Clock::At(_)).then(|| with_renamed_group(old, view.source))
        })
    }

    fn is_piled(&self, key: &str) -> bool {
        self.piled.iter().any(|piled| piled.as_str() == key)
    }

    /// When a place was moved that a raw file has elsewhere than a clean one before: when a
    /// commit had it there first, so that whoever moves it after that is later, but after the
    /// clean one. Nothing where that one is later: the raw file only shows what was there once.
    fn moved_in_raw_file(
        &self,
        key: &str,
        fresh: &Placement,
        here: Geometry,
        before: &Placement,
        now: Clock,
    ) -> Option<Clock> {
        let had_it_there = |(view, _): &&(PlacementView<'_>, LayoutAtCommit<'_>)| {
            let known = view.find_placement(key, &fresh.class);
            known.is_some_and(|(place, there)| {
                is_same_position(here, there) && has_same_looks(fresh, place)
            })
        };
        let (Clock::At(stamp), Some((_, first))) =
            (now, self.raw_commits.iter().find(had_it_there))
        else {
            return Some(now);
        };
        let before = before.moved.millis();
        let millis = first.at.max(before + 1);
        (before < first.seen_at()).then_some(Clock::At(ClockStamp { millis, ..stamp }))
    }

    /// Whether it lay there at any time that is remembered of clean files.
    fn was_there(&self, key: &str, fresh: &Placement, here: Geometry) -> bool {
        let all = self.before.iter().chain(&self.remembered);
        was_in_clean_file(all, key, fresh, here)
    }

    /// Whether it still lies where such a file had it, and was not moved since.
    fn is_where_a_raw_file_had_it(
        &self,
        key: &str,
        fresh: &Placement,
        here: Geometry,
        last: &Placement,
    ) -> bool {
        let written = self.written.as_ref().and_then(|view| view.find_placement(key, &fresh.class));
        let is_raw = written.is_some_and(|(written, there)| {
            written.moved == Clock::Unknown(0) && is_same_position(here, there)
        });
        let mut before =
            self.before.iter().filter_map(|view| view.find_placement(key, &fresh.class));
        is_raw && before.any(|(old, _)| old.moved == last.moved)
    }

    /// What the file held last about a place.
    fn last_in_new_names(&self, last: &Placement) -> Placement {
        with_renamed_group(last, self.last.as_ref().and_then(|last| last.source))
    }

    fn is_same_frame(&self, fresh: &Placement, last: &Placement) -> bool {
        let turned = last.frame.anchor.as_ref().map(|(group, corner)| {
            let source = self.last.as_ref().and_then(|last| last.source);
            (source.and_then(|source| source.new_key(group)), *corner)
        });
        let anchor = fresh.frame.anchor.as_ref().map(|(group, at)| (Some(group.clone()), *at));
        fresh.frame.scale == last.frame.scale && anchor == turned
    }

    /// Whether it lies where it lay in a group that was moved.
    fn moved_with_group(&self, last: &Placement, here: Geometry, there: Geometry) -> bool {
        let followed = || {
            let view = self.last.as_ref()?;
            let (group, _) = last.frame.anchor.as_ref()?;
            let then = view.corner_of(group)?;
            let now = self.now.corner_of(&view.source?.new_key(group)?)?;
            let (x, y) = there.position?;
            let at = Some((x + now.0 - then.0, y + now.1 - then.1));
            Some(is_same_position(here, Geometry { position: at, extent: there.extent }))
        };
        followed().unwrap_or(false)
    }
}

/// A place of a layout, with its group by the name it has in the content at hand.
fn with_renamed_group(place: &Placement, source: Option<LayoutSource<'_>>) -> Placement {
    let mut place = place.clone();
    place.frame.anchor =
        place.frame.anchor.and_then(|(group, corner)| Some((source?.new_key(&group)?, corner)));
    place
}

fn is_same_corner(here: Geometry, there: Geometry) -> bool {
    match (here.position, there.position) {
        (Some(here), Some(there)) => is_near(here, there),
        (here, there) => here == there,
    }
}

/// The same position, and no smaller.
pub(super) fn is_same_position(here: Geometry, there: Geometry) -> bool {
    let extent = match (here.extent, there.extent) {
        (Some(here), Some(there)) => here.0 > there.0 - 1.0 && here.1 > there.1 - 1.0,
        _ => true,
    };
    is_same_corner(here, there) && extent
}

fn is_near(here: (f64, f64), there: (f64, f64)) -> bool {
    (here.0 - there.0).abs() < MAX_NOISE && (here.1 - there.1).abs() < MAX_NOISE
}

/// Whether all is the same but position and size.
pub(super) fn has_same_looks(one: &Placement, other: &Placement) -> bool {
    let looks = |members: &Object| {
        let is_flag = |value: &crate::json::Value| {
            // ComfyUI writes an empty object, or none, as it likes.
            !value.as_object().is_some_and(Object::is_empty)
        };
        let geometry = ["pos", "size", "bounding"];
        let kept = members
            .iter()
            .filter(|(key, value)| !geometry.contains(&key.as_str()) && is_flag(value));
        kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Object>()
    };
    looks(&one.members) == looks(&other.members)
}
