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
use super::clocked_layout::{ClockedGraph, ClockedLayout, Placement, PlacementFrame};
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

/// Where ComfyUI piles up the nodes of a file that has no positions.
pub(super) const PILED_AT: [(f64, f64); 2] = [(10.0, 10.0), (0.0, 0.0)];

/// A layout as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedLine {
    /// The latest time in it, in milliseconds since 1970; 0 where nobody placed anything.
    pub latest_millis: u64,
    /// One line of JSON, with clocks.
    pub line: String,
}

/// [`stamp_layout`] of a file of which nothing was known, and in which nothing was arranged: all
/// of it was moved when the file was saved, and of that nothing more is said.
pub(super) fn stamp_placed_line(line: &str, saved: ClockStamp) -> StampedLine {
    let unclosed = line.strip_suffix('}').unwrap_or(line);
    let clock = Clock::At(saved).to_code(None);
    let line = format!("{unclosed},\"saved\":\"{clock}\"}}");
    StampedLine { latest_millis: saved.millis, line }
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
        for (key, place) in &graph.places {
            if graph.last_move(key, place) != moved {
                continue;
            }
            let at = here.geometry_of(key);
            let known = last.find_placement(key, &place.class);
            let was_there = || {
                was_in_clean_file(remembered.iter(), key, place, at)
                    || raw.iter().any(|view| is_so(&here, key, place, Some(view)))
            };
            if let Some((before, _)) = known
                && matches!(before.moved, Clock::At(_))
                && was_there()
            {
                stayed.push((key.clone(), last.with_renamed_group(before)));
            }
        }
        for (key, _) in &stayed {
            if let Some((origin, _)) = last.find_origin(key) {
                graph.origins.insert(key.clone(), last.with_renamed_group(origin));
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
            if !is_back_at(&here, key, place, earlier.as_ref()) {
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
    let known = there.and_then(|view| view.find_placement(key, &place.class));
    known.is_some_and(|(known, there)| {
        is_same_position(here.geometry_of(key), there) && has_same_looks(place, known)
    })
}

/// The same but for size and looks: who drags something back does not give it the size that it
/// had in an old tab.
fn is_back_at(
    here: &PlacementView<'_>,
    key: &str,
    place: &Placement,
    there: Option<&PlacementView<'_>>,
) -> bool {
    let known = there.and_then(|view| view.find_placement(key, &place.class));
    known.is_some_and(|(_, there)| is_same_corner(here.geometry_of(key), there))
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
            let here = here.geometry_of(key);
            let written = write.find_placement(key, &place.class);
            let by_others = written.filter(|(written, there)| {
                let by = write.last_move(key, written).clone_id();
                by.is_some_and(|by| by != me) && is_same_position(here, *there)
            });
            let known = by_others.and_then(|_| earlier.find_placement(key, &place.class));
            known.is_some_and(|(_, there)| !is_same_position(here, there))
        })
    })
}

fn stamp_graph(graph: &mut ClockedGraph, past: &EarlierLayouts<'_>, now: Clock) {
    let marks = arranged_mark::read_marks(&graph.aside);
    let mut history = PlaceHistory {
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
        now_scale: graph.scale(),
    };
    // What was just split off a file lies where it says, whatever becomes of origins.
    for place in graph.places.values_mut() {
        place.frame.anchor = None;
    }
    let (mut placed, fresh_frames) = history.stamp_groups(graph, now);
    history.now.origins = origins_of(graph);
    for (key, place) in &graph.places {
        if PlaceKind::from_key(key) == PlaceKind::Group {
            continue;
        }
        let frame = fresh_frames.get(key).cloned().unwrap_or_else(|| place.frame.clone());
        let fresh = Placement { frame, ..place.clone() };
        let mut decided = history.decide_placement(key, &fresh, now).place;
        if decided.moved == now && history.is_piled(key) {
            decided.moved = Clock::Arranged;
        }
        placed.push((key.clone(), without_time_if_arranged(decided, now)));
    }
    graph.set_placements(placed);
}

/// What nobody placed has no time, either.
fn without_time_if_arranged(mut place: Placement, now: Clock) -> Placement {
    if place.moved == Clock::Arranged && place.written == now {
        place.written = Clock::Arranged;
    }
    place
}

/// What became of a group since the file was saved last.
#[derive(Debug, Clone, Copy, PartialEq)]
enum GroupMove {
    /// It was not there.
    New,
    /// Its corner is where it was.
    Still,
    /// It went along with an outer group.
    WithOuter,
    /// It was dragged, with what is in it.
    Dragged,
    /// Its frame was drawn elsewhere, and nothing in it went along.
    FrameAlone,
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
        at.is_some_and(|at| PILED_AT.contains(&at))
    };
    let is_pile = keys.len() > 1 && keys.iter().all(corner);
    if is_pile { keys.into_iter().cloned().collect() } else { Vec::new() }
}

/// The places of one layout as numbers of LiteGraph.
struct PlacementView<'a> {
    source: Option<LayoutSource<'a>>,
    path: JsonPath,
    geometry: FxHashMap<PlaceKey, Geometry>,
    /// The origins of groups.
    origins: FxHashMap<PlaceKey, (f64, f64)>,
}

impl<'a> PlacementView<'a> {
    fn from_source(source: LayoutSource<'a>, at: &JsonPath) -> Option<PlacementView<'a>> {
        let graph = source.graph(at)?;
        Some(PlacementView { source: Some(source), ..PlacementView::of_graph(graph) })
    }

    fn of_graph(graph: &ClockedGraph) -> PlacementView<'static> {
        PlacementView {
            source: None,
            path: graph.path.clone(),
            geometry: geometries(graph),
            origins: origins_of(graph),
        }
    }

    fn find_placement(&self, key: &str, class: &str) -> Option<(&'a Placement, Geometry)> {
        let (old, place) = self.source?.find_placement(&self.path, key, class)?;
        Some((place, self.geometry_of(&old)))
    }

    /// Where a thing of this very layout is.
    fn geometry_of(&self, key: &str) -> Geometry {
        self.geometry.get(key).copied().unwrap_or_default()
    }

    /// The origin of a group, and where it is shown.
    fn find_origin(&self, group: &str) -> Option<(&'a Placement, (f64, f64))> {
        let source = self.source?;
        let old = source.old_key(group)?;
        Some((source.graph(&self.path)?.origins.get(&old)?, *self.origins.get(&old)?))
    }

    fn with_renamed_group(&self, place: &Placement) -> Placement {
        self.source.map_or_else(|| place.clone(), |source| source.with_renamed_group(place))
    }

    /// When a thing was last moved: a group by its frame, or with what is in it.
    fn last_move(&self, key: &str, place: &Placement) -> Clock {
        self.find_origin(key).map_or(place.moved, |(origin, _)| origin.moved.max(place.moved))
    }

    fn has_group(&self, group: &str) -> bool {
        let old = self.source.and_then(|source| source.old_key(group));
        old.is_some_and(|old| self.origins.contains_key(&old))
    }
}

/// The places of a graph in the scale of LiteGraph.
pub(super) fn geometries(graph: &ClockedGraph) -> FxHashMap<PlaceKey, Geometry> {
    let factor = 1.0 / graph.scale();
    let shown = graph.shown_geometry().into_iter();
    shown.map(|(key, geometry)| (key, geometry.scaled(factor))).collect()
}

/// The origins of the groups of a graph, in that scale.
fn origins_of(graph: &ClockedGraph) -> FxHashMap<PlaceKey, (f64, f64)> {
    let factor = 1.0 / graph.scale();
    let shown = graph.shown_origins().into_iter();
    shown.map(|(key, (x, y))| (key, (x * factor, y * factor))).collect()
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
    /// The scale that the file is drawn in.
    now_scale: f64,
}

/// What a file held of a group.
struct KnownGroup<'h, 'a> {
    view: &'h PlacementView<'a>,
    frame: &'a Placement,
    /// Where the frame was shown.
    at: Geometry,
    origin: &'a Placement,
    origin_at: (f64, f64),
}

/// The origin of a group as it is to be kept.
enum StampedOrigin {
    /// As it was.
    Known(Placement),
    /// Where it is now.
    Anew { moved: Clock, written: Clock },
}

/// A place as it is to be kept.
struct DecidedPlacement<'h, 'a> {
    place: Placement,
    /// What it was taken over from; nothing for what stands in the file.
    from: Option<&'h PlacementView<'a>>,
}

impl<'h, 'a> DecidedPlacement<'h, 'a> {
    fn known(place: &Placement, view: &'h PlacementView<'a>) -> DecidedPlacement<'h, 'a> {
        DecidedPlacement { place: view.with_renamed_group(place), from: Some(view) }
    }
}

impl<'a> PlaceHistory<'a> {
    /// Gives the groups of a file their origins. Their frames as they are to be kept, and in
    /// which terms the other places are that stand where they stand.
    fn stamp_groups(
        &self,
        graph: &mut ClockedGraph,
        now: Clock,
    ) -> (Vec<(PlaceKey, Placement)>, FxHashMap<PlaceKey, PlacementFrame>) {
        let is_group = |key: &&PlaceKey| PlaceKind::from_key(key) == PlaceKind::Group;
        let area = |key: &PlaceKey| {
            self.now.geometry_of(key).extent.map_or(0.0, |(width, height)| width * height)
        };
        let mut keys: Vec<PlaceKey> = graph.places.keys().filter(is_group).cloned().collect();
        if keys.is_empty() {
            return (Vec::new(), FxHashMap::default());
        }
        // Outer ones first.
        keys.sort_by(|a, b| area(b).total_cmp(&area(a)));
        let mut origins: FxHashMap<PlaceKey, (f64, f64)> = FxHashMap::default();
        let (mut frames, mut stamped) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(fresh) = graph.places.get(&key).cloned() else { continue };
            let known = self.known_group(&key, &fresh);
            let (how, at) = self.group_move(&key, known.as_ref(), &origins);
            let (mut frame, origin) = self.decide_group(&key, &fresh, how, known, now);
            let origin = match (origin, at) {
                (StampedOrigin::Known(origin), _) => Some(origin),
                (StampedOrigin::Anew { moved, written }, Some((x, y))) => {
                    let scale = graph.scale();
                    let at = (x * scale, y * scale);
                    frame.frame.anchor = Some((key.clone(), at));
                    stamped.push((key.clone(), how));
                    let origin = fresh.origin_like(at, PlacementFrame { scale, anchor: None });
                    Some(Placement { moved, written, ..origin })
                }
                (StampedOrigin::Anew { .. }, None) => None,
            };
            origins.extend(at.map(|at| (key.clone(), at)));
            if let Some(origin) = origin {
                graph.origins.insert(key.clone(), without_time_if_arranged(origin, now));
            }
            frames.push((key, without_time_if_arranged(frame, now)));
        }
        let fresh_frames = graph.current_frames();
        let keys = graph.origins.keys().cloned();
        let mut fresh_origins: FxHashMap<PlaceKey, PlacementFrame> =
            keys.zip(fresh_frames.origins).collect();
        for (key, how) in stamped {
            let Some(fresh) = fresh_origins.remove(&key) else { continue };
            let last = self.last.as_ref().and_then(|last| Some(last.find_origin(&key)?.0));
            let frame = match (how, last) {
                (GroupMove::Still | GroupMove::FrameAlone, Some(last)) => {
                    self.frame_of_unmoved(&fresh, &last.frame, &origins).0
                }
                _ => fresh,
            };
            if let Some(origin) = graph.origins.get_mut(&key) {
                origin.frame = frame;
            }
        }
        (frames, graph.places.keys().cloned().zip(fresh_frames.places).collect())
    }

    /// What the file held last of a group; before a raw file came in between, where there is such
    /// a state.
    fn known_group(&self, key: &str, fresh: &Placement) -> Option<KnownGroup<'_, 'a>> {
        let last = self.last.as_ref()?;
        let (frame, _) = last.find_placement(key, &fresh.class)?;
        let before = self.clocked_before(key, fresh, frame).and_then(|before| before.from);
        let view = before.unwrap_or(last);
        let (frame, at) = view.find_placement(key, &fresh.class)?;
        let (origin, origin_at) = view.find_origin(key)?;
        Some(KnownGroup { view, frame, at, origin, origin_at })
    }

    /// What became of a group, and where its origin is now. `origins` are those of outer groups.
    fn group_move(
        &self,
        key: &PlaceKey,
        known: Option<&KnownGroup<'_, 'a>>,
        origins: &FxHashMap<PlaceKey, (f64, f64)>,
    ) -> (GroupMove, Option<(f64, f64)>) {
        let here = self.now.geometry_of(key).position;
        let known = known.and_then(|known| Some((known, here?, known.at.position?)));
        let Some((known, here, there)) = known else { return (GroupMove::New, here) };
        let then = known.origin_at;
        if is_near(here, there) {
            return (GroupMove::Still, Some(then));
        }
        let by = (here.0 - there.0, here.1 - there.1);
        let along = Some((then.0 + by.0, then.1 + by.1));
        let went_by =
            |now: (f64, f64), before: (f64, f64)| is_near((now.0 - before.0, now.1 - before.1), by);
        let outer = known.origin.frame.anchor.as_ref().and_then(|(outer, _)| {
            let new = known.view.source?.new_key(outer)?;
            Some(went_by(*origins.get(&new)?, *known.view.origins.get(outer)?))
        });
        if outer == Some(true) {
            return (GroupMove::WithOuter, along);
        }
        let inside = self.places_in_group(known.view, key);
        let is_along = |(now, before): &((f64, f64), (f64, f64))| went_by(*now, *before);
        match inside.is_empty() || inside.iter().any(is_along) {
            true => (GroupMove::Dragged, along),
            false => (GroupMove::FrameAlone, Some(then)),
        }
    }

    /// Where things are that were in a group, and where they were.
    fn places_in_group(
        &self,
        last: &PlacementView<'_>,
        group: &PlaceKey,
    ) -> Vec<((f64, f64), (f64, f64))> {
        let graph = last.source.and_then(|source| Some((source, source.graph(&last.path)?)));
        let Some((source, graph)) = graph else { return Vec::new() };
        let Some(old_group) = source.old_key(group) else { return Vec::new() };
        let all = graph.places.iter().filter(|(key, place)| {
            // A frame lies beside its own origin, which lies in an outer group.
            let place = graph.origins.get(*key).unwrap_or(place);
            place.frame.anchor.as_ref().is_some_and(|(anchor, _)| *anchor == old_group)
        });
        all.filter_map(|(old, _)| {
            let now = self.now.geometry.get(&source.new_key(old)?)?.position?;
            Some((now, last.geometry.get(old)?.position?))
        })
        .collect()
    }

    /// The frame and the origin of a group as they are to be kept.
    fn decide_group(
        &self,
        key: &str,
        fresh: &Placement,
        how: GroupMove,
        known: Option<KnownGroup<'_, 'a>>,
        now: Clock,
    ) -> (Placement, StampedOrigin) {
        let here = self.now.geometry_of(key);
        let is_same_frame = known.as_ref().is_some_and(|known| {
            has_same_looks(fresh, known.frame) && is_same_extent(here, known.at)
        });
        if let (GroupMove::WithOuter, true, Some(known)) = (how, is_same_frame, &known) {
            let Placement { moved, written, .. } = *known.frame;
            let origin = StampedOrigin::Anew { moved: known.origin.moved, written: now };
            return (Placement { moved, written, ..fresh.clone() }, origin);
        }
        let decided = self.decide_placement(key, fresh, now);
        let mut frame = decided.place;
        if let Some(view) = decided.from {
            let origin = view.find_origin(key);
            let origin = origin.map_or(
                StampedOrigin::Anew { moved: frame.moved, written: frame.written },
                |(origin, _)| StampedOrigin::Known(view.with_renamed_group(origin)),
            );
            return (frame, origin);
        }
        let mut origin = StampedOrigin::Anew { moved: frame.moved, written: frame.written };
        let Some(known) = known else { return (frame, origin) };
        if how != GroupMove::Dragged {
            let Placement { moved, written, .. } = *known.origin;
            origin = StampedOrigin::Anew { moved, written };
        } else if matches!(known.frame.moved, Clock::At(_)) {
            // Where nobody knows when a frame was put there, it was now.
            let written = if is_same_frame { known.frame.written } else { frame.written };
            (frame.moved, frame.written) = (known.frame.moved, written);
        }
        (frame, origin)
    }

    /// The place as it is to be kept; `fresh` is as it stands in the file.
    fn decide_placement(
        &self,
        key: &str,
        fresh: &Placement,
        now: Clock,
    ) -> DecidedPlacement<'_, 'a> {
        let here = self.now.geometry_of(key);
        if here.position.is_none()
            && let Some(known) = self.latest_position(key, fresh)
        {
            return known;
        }
        let anew = |moved: Clock, restated: Clock| DecidedPlacement {
            place: Placement { moved, written: restated, ..fresh.clone() },
            from: None,
        };
        let is_set_back_again = is_back_at(&self.now, key, fresh, self.set_aside.as_ref());
        let last = self.last.as_ref();
        let known = last.and_then(|last| Some((last, last.find_placement(key, &fresh.class)?)));
        if let Some((view, (last, there))) = known {
            if is_same_position(here, there) && has_same_looks(fresh, last) {
                if let Some(before) = self.clocked_before(key, fresh, last) {
                    if self.was_there(key, fresh, here) || self.is_piled(key) {
                        return before;
                    }
                    // What was moved in the raw file is what the person saw, and saves.
                    let moved = self.moved_in_raw_file(key, fresh, here, &before.place, now);
                    return moved.map_or(before, |moved| anew(moved, now));
                }
                return DecidedPlacement { place: self.unmoved(key, fresh, last, now), from: None };
            }
            if !is_set_back_again && self.is_where_a_raw_file_had_it(key, fresh, here, last) {
                return DecidedPlacement::known(last, view);
            }
            if let Some(frame) = self.moved_with_group(key, last, here, there)
                && has_same_looks(fresh, last)
            {
                let along = |moved: Clock| DecidedPlacement {
                    place: Placement { moved, written: now, frame, ..fresh.clone() },
                    from: None,
                };
                let Some(before) = self.clocked_before(key, fresh, last) else {
                    return along(last.moved);
                };
                let moved = self.moved_in_raw_file(key, fresh, there, &before.place, now);
                return moved.map_or(before, along);
            }
        }
        let shown_by_tab = if is_set_back_again { &[][..] } else { &self.shown_by_tab[..] };
        for view in shown_by_tab {
            if let Some((old, there)) = view.find_placement(key, &fresh.class)
                && is_same_position(here, there)
                && has_same_looks(fresh, old)
            {
                // It stays where it was put since, although the file says otherwise.
                return known.map_or_else(
                    || anew(old.moved, old.written),
                    |(view, (last, _))| {
                        let clocked = self.clocked_before(key, fresh, last);
                        clocked.unwrap_or_else(|| DecidedPlacement::known(last, view))
                    },
                );
            }
        }
        let was_arranged = known.is_none_or(|(_, (last, _))| last.moved == Clock::Arranged);
        let mark = self.marks.get(key).copied();
        if was_arranged
            && mark.is_some()
            && mark.zip(here.position).is_some_and(|(a, b)| is_near(a, b))
        {
            return anew(Clock::Arranged, Clock::Arranged);
        }
        match known {
            // Folded, pinned or made smaller where it lay: who dragged it meanwhile moved it.
            Some((_, (last, there)))
                if last.moved != Clock::Unknown(0) && is_same_corner(here, there) =>
            {
                anew(last.moved, now)
            }
            _ => anew(now, now),
        }
    }

    /// Where a thing lay when it last lay anywhere: a file without positions (a script wrote it,
    /// or a tool for JSON) moves nothing.
    fn latest_position(&self, key: &str, fresh: &Placement) -> Option<DecidedPlacement<'_, 'a>> {
        let all = self.last.iter().chain(&self.before).chain(&self.remembered);
        all.filter_map(|view| Some((view, view.find_placement(key, &fresh.class)?)))
            .find(|(_, (_, there))| there.position.is_some())
            .map(|(view, (place, _))| DecidedPlacement::known(place, view))
    }

    /// The place that a thing had before a file came in between that was committed without
    /// git-comfy: the places of such a file have no clocks, and none of those that do is lost.
    fn clocked_before(
        &self,
        key: &str,
        fresh: &Placement,
        last: &Placement,
    ) -> Option<DecidedPlacement<'_, 'a>> {
        if last.moved != Clock::Unknown(0) {
            return None;
        }
        let clocked = |view: &'_ PlacementView<'a>| {
            let (old, _) = view.find_placement(key, &fresh.class)?;
            matches!(old.moved, Clock::At(_)).then_some(old)
        };
        let held = self.before.iter().find_map(|view| Some((clocked(view)?, view)));
        // What came together with the raw file was never in this work tree. Where no commit is
        // known to have made it raw, nothing tells what was before that.
        let seen_at = self.raw_commits.first().map_or(0, |(_, raw)| raw.seen_at());
        let told = self.remembered.iter().filter_map(|view| Some((clocked(view)?, view)));
        let told = told.filter(|(place, _)| place.moved.millis() < seen_at);
        let known = held
            .into_iter()
            .chain(told)
            .reduce(|latest, other| if other.0.outranks(latest.0) { other } else { latest });
        known.map(|(old, view)| DecidedPlacement::known(old, view))
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

    /// A place that lies, and looks, as it did. It stays in the group that it was in, whatever
    /// frames stand around it now: what a frame was drawn around does not go along with a drag
    /// that somebody else made of the smaller one.
    fn unmoved(&self, key: &str, fresh: &Placement, last: &Placement, now: Clock) -> Placement {
        let is_group = PlaceKind::from_key(key) == PlaceKind::Group;
        let (frame, is_left_behind) = match is_group {
            true => (fresh.frame.clone(), false),
            false => self.frame_of_unmoved(&fresh.frame, &last.frame, &self.now.origins),
        };
        let is_verbatim = fresh.members == last.members && frame.scale == last.frame.scale;
        let written = if is_verbatim && !is_left_behind { last.written } else { now };
        Placement { moved: last.moved, written, frame, ..fresh.clone() }
    }

    /// The frame of what did not move, and whether its group went away without it.
    fn frame_of_unmoved(
        &self,
        fresh: &PlacementFrame,
        last: &PlacementFrame,
        origins: &FxHashMap<PlaceKey, (f64, f64)>,
    ) -> (PlacementFrame, bool) {
        let Some(view) = &self.last else { return (fresh.clone(), false) };
        let in_group = |group: PlaceKey, at: (f64, f64)| {
            let at = (at.0 * fresh.scale, at.1 * fresh.scale);
            PlacementFrame { anchor: Some((group, at)), ..*fresh }
        };
        match (&last.anchor, &fresh.anchor) {
            (Some((old, _)), _) => {
                let new = view.source.and_then(|source| source.new_key(old));
                let now = new.and_then(|new| Some((*origins.get(&new)?, new)));
                match (now, view.origins.get(old)) {
                    (Some((now, new)), Some(then)) if is_near(now, *then) => {
                        (in_group(new, now), false)
                    }
                    (Some(_), _) => (fresh.clone(), true),
                    (None, _) => (fresh.clone(), false),
                }
            }
            (None, Some((group, _))) if view.has_group(group) => {
                (PlacementFrame { anchor: None, ..*fresh }, false)
            }
            (None, _) => (fresh.clone(), false),
        }
    }

    /// The frame of what went along with the group that it was in.
    fn moved_with_group(
        &self,
        key: &str,
        last: &Placement,
        here: Geometry,
        there: Geometry,
    ) -> Option<PlacementFrame> {
        if PlaceKind::from_key(key) == PlaceKind::Group {
            return None;
        }
        let view = self.last.as_ref()?;
        let (group, _) = last.frame.anchor.as_ref()?;
        let then = view.origins.get(group)?;
        let new = view.source?.new_key(group)?;
        let now = self.now.origins.get(&new)?;
        let (x, y) = there.position?;
        let at = Some((x + now.0 - then.0, y + now.1 - then.1));
        let scale = self.now_scale;
        is_same_position(here, Geometry { position: at, extent: there.extent }).then(|| {
            let anchor = Some((new, (now.0 * scale, now.1 * scale)));
            PlacementFrame { scale, anchor }
        })
    }
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

fn is_same_extent(here: Geometry, there: Geometry) -> bool {
    match (here.extent, there.extent) {
        (Some(here), Some(there)) => is_near(here, there),
        (here, there) => here == there,
    }
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
