//! A content laid out from several layouts: its own, what the file held before, both sides
//! of a merge.
//!
//! Of each place the latest move counts, wherever it comes from; what belongs to no place
//! goes with the content's own layout, or else with the latest save. A node that is new
//! lies where its author put it, and moves aside, by the least that will do, only if
//! somebody else's node would lie under it. What nobody placed is arranged, and marked as
//! arranged.
//!
//! Must not know where layouts are kept, nor how contents were paired.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::arrange::{self, OverlapCheck};
use super::clock::{Clock, ClockStamp, CloneId};
use super::clocked_layout::{
    ClockedGraph, ClockedLayout, Placement, origin_members, resolve_origins, set_place_members,
};
use super::document::{CleanStart, begin_clean, restore_graph};
use super::layout_source::{LayoutRelation, LayoutSource};
use super::layout_view::{LayoutView, list_items};
use super::placement::{Geometry, PlaceKey, PlaceKind, visit_places};
use super::restore::{LayoutFit, restore_object};
use super::smudge::has_all_positions;
use super::split::element_id;
use super::stamp::{EarlierLayouts, MAX_NOISE, stamp_layout, stamp_uniformly};
use super::{LayoutMode, arranged_mark};
use crate::graph::{GraphKind, document_kind};
use crate::json::{self, JsonKey, JsonPath, JsonStyle, Object, Value};

/// A content with positions.
#[derive(Debug, Clone, PartialEq)]
pub struct ComposedFile {
    /// The file for the work tree.
    pub bytes: Vec<u8>,
    /// Its layout, as cleaning the file gives it, with the clocks of all places.
    pub layout: ClockedLayout,
}

/// Lays a clean content out. `now` is for places that are written anew. Nothing for what
/// is no workflow, or has its positions already.
pub fn compose_file(
    content: &[u8],
    sources: &[LayoutSource<'_>],
    now: Clock,
) -> Option<ComposedFile> {
    let mut value = json::parse(content).ok()?;
    let mut by_age: Vec<LayoutSource<'_>> = sources.to_vec();
    // What belongs to no place comes from the last of them: from the content's own layout,
    // if there is one.
    by_age.sort_by_key(|source| (source.relation.is_same_content(), source.layout.saved));
    let mut composed = FxHashMap::default();
    for found in document_kind(&value).into_graphs() {
        let Some(Value::Object(graph)) = found.at.get_mut(&mut value) else { continue };
        if found.kind == GraphKind::Prompt || has_all_positions(graph) {
            continue;
        }
        let parts: Vec<SourcePart<'_>> = by_age
            .iter()
            .filter_map(|source| SourcePart::from_source(*source, &found.at))
            .collect();
        let places = compose_graph(graph, found.kind, &parts, &found.at, now);
        composed.insert(found.at.to_string(), places);
    }
    if composed.is_empty() {
        return None;
    }
    let newest = by_age.last().map(|source| source.layout);
    // Nobody knows how the file was spelled: what git holds ends with a line end.
    let unknown = JsonStyle { final_newline: true, ..JsonStyle::EXPORT };
    let style = newest.map_or(unknown, |layout| layout.base.style.clone());
    let bytes = json::print(&value, &style).into_bytes();
    let CleanStart::Split { content: cleaned, rest } = begin_clean(&bytes, LayoutMode::Strip)
    else {
        return None;
    };
    if cleaned != content {
        return None;
    }
    // Put together from other contents, it is no file that anybody saved.
    let is_saved_so = by_age.last().is_some_and(|source| source.relation.is_same_content());
    let saved = newest.map_or(Clock::Arranged, |layout| match layout.saved {
        Clock::At(stamp) if !is_saved_so => Clock::unknown_since(stamp.millis),
        saved => saved,
    });
    let mut layout = ClockedLayout::uniform(rest.into_layout(), saved);
    layout.previous_name = newest.and_then(|layout| layout.previous_name.clone());
    layout.reverted_to = newest.and_then(|layout| layout.reverted_to.clone());
    for graph in &mut layout.graphs {
        if let Some(composed) = composed.get_mut(&graph.path.to_string()) {
            assign_history(graph, composed, now);
        }
    }
    if !layout.has_place_by_person() {
        layout.saved = Clock::Arranged;
    }
    Some(ComposedFile { bytes, layout })
}

/// One side of a merge of files that no repository knows.
#[derive(Debug, Clone, Copy)]
pub struct MergeSideLayout<'a> {
    /// The layout that was cleaned out of the file.
    pub line: &'a str,
    /// Which of its nodes are which of the result's.
    pub pairs: LayoutRelation<'a>,
}

/// Lays a merged content out as its sides were: what only one side moved since the base
/// lies where that side put it, all else where ours has it.
pub fn compose_merged_file(
    content: &[u8],
    base: Option<&str>,
    ours: Option<MergeSideLayout<'_>>,
    theirs: Option<MergeSideLayout<'_>>,
) -> Option<ComposedFile> {
    // Made-up times: the base is the oldest, and of two moves ours is the later.
    let at = |at| ClockStamp { millis: at, clone_id: CloneId::from_bits(0) };
    let base = base.and_then(|line| stamp_uniformly(line, Clock::Unknown(1)));
    let last = base.as_ref().map(|layout| LayoutSource { layout, relation: LayoutRelation::ById });
    let past = EarlierLayouts { last, ..EarlierLayouts::default() };
    let sides = [(ours, 2), (theirs, 1)].into_iter();
    let sides: Vec<(ClockedLayout, LayoutRelation<'_>)> = sides
        .filter_map(|(side, when)| {
            let side = side?;
            Some((stamp_layout(side.line, &past, at(when))?, side.pairs))
        })
        .collect();
    let sources: Vec<LayoutSource<'_>> =
        sides.iter().map(|(layout, pairs)| LayoutSource { layout, relation: *pairs }).collect();
    compose_file(content, &sources, Clock::At(at(3)))
}

/// Gives the places of a layout that was split off the composed file their history.
fn assign_history(graph: &mut ClockedGraph, composed: &mut ComposedGraph, now: Clock) {
    for (key, origin) in &mut graph.origins {
        let Some(known) = composed.origins.remove(key) else { continue };
        let Some(at) = composed.shown_origins.get(key) else { continue };
        origin.members = origin_members(*at);
        (origin.moved, origin.written) = (known.moved, known.written);
    }
    // What stands where it stood may have come into a group by its frame alone.
    let origins = graph.shown_origins();
    if !origins.is_empty() {
        let frames = graph.current_frames().origins;
        for (origin, frame) in graph.origins.values_mut().zip(frames) {
            origin.frame = frame;
        }
    }
    for (key, shown) in &mut graph.places {
        let Some(known) = composed.places.remove(key) else {
            (shown.moved, shown.written) = (Clock::Arranged, Clock::Arranged);
            if let Some(origin) = graph.origins.get_mut(key) {
                (origin.moved, origin.written) = (Clock::Arranged, Clock::Arranged);
            }
            continue;
        };
        let PlacementState { place: known, keeps_group } = known;
        let anchor = match keeps_group {
            true => known.frame.anchor.as_ref().map(|(group, _)| group),
            false => shown.frame.anchor.as_ref().map(|(group, _)| group),
        };
        let anchor = anchor.and_then(|group| Some((group.clone(), *origins.get(group)?)));
        shown.frame.anchor = anchor;
        shown.moved = known.moved;
        let is_verbatim = known.members == shown.members && known.frame == shown.frame;
        shown.written = match (is_verbatim, known.moved) {
            (true, _) | (_, Clock::Arranged) => known.written,
            (false, _) => now,
        };
    }
}

/// What came of composing one graph.
struct ComposedGraph {
    places: FxHashMap<PlaceKey, PlacementState>,
    origins: BTreeMap<PlaceKey, Placement>,
    /// Where the origins are in the composed file.
    shown_origins: FxHashMap<PlaceKey, (f64, f64)>,
}

/// A place that was decided, by the names of the composed file.
struct PlacementState {
    place: Placement,
    /// It stays in the group that it is in, or in none, whatever the frames stand around.
    keeps_group: bool,
}

/// What one source says about one graph.
struct SourcePart<'a> {
    source: LayoutSource<'a>,
    graph: &'a ClockedGraph,
    shown_members: FxHashMap<PlaceKey, Object>,
    shown_origins: FxHashMap<PlaceKey, (f64, f64)>,
}

impl<'a> SourcePart<'a> {
    fn from_source(source: LayoutSource<'a>, at: &JsonPath) -> Option<SourcePart<'a>> {
        let graph = source.graph(at)?;
        let (shown_members, shown_origins) = (graph.shown_members(), graph.shown_origins());
        Some(SourcePart { source, graph, shown_members, shown_origins })
    }

    /// When a place was moved: with its group, if that is none of those of the content at hand.
    fn last_move(&self, place: &Placement, groups: &FxHashSet<PlaceKey>) -> Clock {
        self.source.last_move(self.graph, place, |group| groups.contains(group))
    }

    fn knows_group(&self, group: &PlaceKey) -> bool {
        self.source.old_key(group).is_some_and(|old| self.graph.places.contains_key(&old))
    }
}

/// Which part decided about a place, and what it says.
struct WinningPlacement<'a> {
    part: usize,
    place: &'a Placement,
    /// When it was moved; with its group, where that is not here any more.
    moved: Clock,
}

impl WinningPlacement<'_> {
    fn outranks(&self, other: &WinningPlacement<'_>) -> bool {
        match self.moved.cmp(&other.moved) {
            Ordering::Equal => self.place.outranks(other.place),
            order => order.is_gt(),
        }
    }
}

fn compose_graph(
    graph: &mut Object,
    kind: GraphKind,
    parts: &[SourcePart<'_>],
    at: &JsonPath,
    now: Clock,
) -> ComposedGraph {
    restore_what_has_no_place(graph, kind, parts);
    let mut groups: FxHashSet<PlaceKey> = FxHashSet::default();
    visit_places(graph, &mut |key, kind, _| {
        if kind == PlaceKind::Group {
            groups.insert(key);
        }
    });
    let mut winners: FxHashMap<PlaceKey, WinningPlacement<'_>> = FxHashMap::default();
    let mut origins: FxHashMap<PlaceKey, WinningPlacement<'_>> = FxHashMap::default();
    visit_places(graph, &mut |key, _, item| {
        let class = ["type", "title"].iter().find_map(|name| item.get(name)?.as_str());
        let class = class.unwrap_or_default().to_owned();
        // Where two say the same, the one that is put back whole decides.
        for (part, said) in parts.iter().enumerate().rev() {
            let Some((old, place)) = said.source.find_placement(at, &key, &class) else { continue };
            let winner = WinningPlacement { part, place, moved: said.last_move(place, &groups) };
            if winners.get(&key).is_none_or(|known| winner.outranks(known)) {
                winners.insert(key.clone(), winner);
            }
            let Some(place) = said.graph.origins.get(&old) else { continue };
            let winner = WinningPlacement { part, place, moved: place.moved };
            if origins.get(&key).is_none_or(|known| winner.outranks(known)) {
                origins.insert(key.clone(), winner);
            }
        }
    });
    let origins: BTreeMap<PlaceKey, Placement> = origins
        .into_iter()
        .map(|(key, winner)| (key, parts[winner.part].source.with_renamed_group(winner.place)))
        .collect();
    let scale = super::clocked_layout::scale_of(graph);
    let shown_origins = resolve_origins(&origins, scale);
    let members = shown_members(scale, &shown_origins, parts, &winners);
    let whole =
        parts.len().checked_sub(1).filter(|last| parts[*last].source.relation.is_same_content());
    visit_places(graph, &mut |key, kind, item| {
        let Some(members) = members.get(&key) else { return };
        // Put back with the whole, unless a group went away with it.
        let is_there = whole.is_some_and(|whole| {
            let by_it = winners.get(&key).is_some_and(|winner| winner.part == whole);
            by_it && parts[whole].shown_members.get(&key) == Some(members)
        });
        if !is_there {
            restore_object(item, members.clone(), kind.class(), LayoutFit::Related);
        }
    });
    if whole.is_none() {
        stack_nodes(graph, parts);
    }
    let shifted = clear_new_nodes(graph, parts, &winners, &members);
    arrange::arrange_missing(graph);
    let mut places = FxHashMap::default();
    for (key, winner) in &winners {
        let author = &parts[winner.part];
        let mut place = author.source.with_renamed_group(winner.place);
        place.moved = winner.moved;
        if shifted.contains(key) {
            // Above the author's own place, below his next move.
            place.members = Object::new();
            place.written = now;
        }
        let keeps_group = match &winner.place.frame.anchor {
            Some(_) => place.frame.anchor.as_ref().is_some_and(|(own, _)| groups.contains(own)),
            // Its author knew all groups that are here.
            None => groups.iter().all(|group| author.knows_group(group)),
        };
        places.insert(key.clone(), PlacementState { place, keeps_group });
    }
    mark_arranged(graph, &places);
    ComposedGraph { places, origins, shown_origins }
}

fn mark_arranged(graph: &mut Object, places: &FxHashMap<PlaceKey, PlacementState>) {
    let mut names = Vec::new();
    visit_places(graph, &mut |key, _, _| {
        if places.get(&key).is_none_or(|state| state.place.moved == Clock::Arranged) {
            names.push(key);
        }
    });
    arranged_mark::write_mark(graph, &names);
}

/// View, spelling, flags of whole graphs: the latest save last, so that it stays.
fn restore_what_has_no_place(graph: &mut Object, kind: GraphKind, parts: &[SourcePart<'_>]) {
    let last = parts.len().saturating_sub(1);
    for (number, part) in parts.iter().enumerate() {
        let mut aside = part.graph.aside.clone();
        if part.source.relation.is_same_content() && number == last {
            visit_places(&mut aside, &mut |key, kind, item| {
                if let Some(members) = part.shown_members.get(&key) {
                    set_place_members(item, kind, members.clone());
                }
            });
            restore_graph(graph, kind, aside, LayoutFit::Exact);
            continue;
        }
        visit_places(&mut aside, &mut |_, kind, item| set_place_members(item, kind, Object::new()));
        if matches!(part.source.relation, LayoutRelation::Matched(_)) {
            rename_nodes(&mut aside, part.source);
        }
        restore_graph(graph, kind, aside, LayoutFit::Related);
    }
}

/// Gives the nodes of a layout the ids they have in the content at hand.
fn rename_nodes(aside: &mut Object, source: LayoutSource<'_>) {
    visit_places(aside, &mut |key, kind, item| {
        if kind != PlaceKind::Node {
            return;
        }
        let name = source.new_key(&key);
        let id = name.as_deref().and_then(|name| name.rsplit('/').next()?.strip_prefix('n'));
        match id {
            Some(id) if !id.contains(['#', '%']) => {
                let is_number = matches!(item.get("id"), Some(Value::Number(_)));
                let number = id.parse::<i64>().ok().filter(|_| is_number);
                item.insert("id", number.map_or_else(|| Value::from(id), Value::from));
            }
            // It is not here any more.
            _ => item.retain(|_, _| false),
        }
    });
}

/// The members of every place that is known, in the scale and beside the groups of the
/// file as it will be.
fn shown_members(
    scale: f64,
    origins: &FxHashMap<PlaceKey, (f64, f64)>,
    parts: &[SourcePart<'_>],
    winners: &FxHashMap<PlaceKey, WinningPlacement<'_>>,
) -> FxHashMap<PlaceKey, Object> {
    let show = |(key, winner): (&PlaceKey, &WinningPlacement<'_>)| {
        let part = &parts[winner.part];
        let source = part.source;
        // What went along with a group lies where its author saw it, if the group is gone.
        let origin_of = |group: &PlaceKey| match source.new_key(group) {
            Some(new) if origins.contains_key(&new) => origins.get(&new).copied(),
            _ => {
                let factor = scale / part.graph.scale();
                let (x, y) = *part.shown_origins.get(group)?;
                Some((x * factor, y * factor))
            }
        };
        (key.clone(), winner.place.members_in_frame(scale, origin_of))
    };
    winners.iter().map(show).collect()
}

/// Stacks the nodes as they lay: those of the latest save in its order, the others on top
/// in theirs.
fn stack_nodes(graph: &mut Object, parts: &[SourcePart<'_>]) {
    let mut ranks: FxHashMap<PlaceKey, usize> = FxHashMap::default();
    for part in parts.iter().rev() {
        for old in stacking_order(&part.graph.aside) {
            if let Some(new) = part.source.new_key(&old) {
                let next = ranks.len();
                ranks.entry(new).or_insert(next);
            }
        }
    }
    let Some(Value::Array(nodes)) = graph.get_mut("nodes") else { return };
    let rank = |node: &Value| match element_id(node) {
        Some(Value::Number(id)) => ranks.get(&JsonKey::from(format!("n{}", id.as_str()))).copied(),
        _ => None,
    };
    // Doubled ids: their order is content.
    let mut seen = FxHashSet::default();
    let is_unique = nodes.iter().filter_map(rank).all(|rank| seen.insert(rank));
    if is_unique && seen.len() > 1 {
        nodes.sort_by_key(|node| rank(node).unwrap_or(usize::MAX));
    }
}

/// The nodes of the root in the order of the file they were split off.
fn stacking_order(aside: &Object) -> Vec<PlaceKey> {
    let name = |item: &Value| match element_id(item) {
        Some(Value::Number(id)) => Some(JsonKey::from(format!("n{}", id.as_str()))),
        _ => None,
    };
    let sorted = list_items(aside, "nodes");
    match LayoutView::new(aside).order("nodes") {
        Some(order) => {
            let at = |at: &Value| sorted.get(usize::try_from(at.as_i64()?).ok()?).and_then(name);
            order.iter().filter_map(at).collect()
        }
        None => sorted.iter().filter_map(name).collect(),
    }
}

/// Moves new nodes off what lay elsewhere, or not at all, where they were made.
fn clear_new_nodes(
    graph: &mut Object,
    parts: &[SourcePart<'_>],
    winners: &FxHashMap<PlaceKey, WinningPlacement<'_>>,
    members: &FxHashMap<PlaceKey, Object>,
) -> FxHashSet<PlaceKey> {
    if parts.len() < 2 {
        return FxHashSet::default();
    }
    let is_new = |key: &PlaceKey, winner: &WinningPlacement<'_>| {
        let others = parts.iter().enumerate().filter(|(part, _)| *part != winner.part);
        // Guesses are from some other time.
        let mut others = others.filter(|(_, part)| !part.source.layout.is_guess());
        others.any(|(_, part)| {
            let old = part.source.old_key(key);
            old.is_none_or(|old| !part.graph.places.contains_key(&old))
        })
    };
    let mut wishes: Vec<(&PlaceKey, &WinningPlacement<'_>)> = winners
        .iter()
        .filter(|(key, winner)| PlaceKind::from_key(key) == PlaceKind::Node && is_new(key, winner))
        .collect();
    wishes.sort_by_key(|(key, winner)| (winner.place.moved, *key));
    let authors_place = |author: &SourcePart<'_>, key: &PlaceKey| {
        Some(Geometry::from_members(author.shown_members.get(&author.source.old_key(key)?)?))
    };
    // How far a thing lies from where the author of a node had it.
    let shift = |author: &SourcePart<'_>, key: &PlaceKey| {
        let (then, now) = (authors_place(author, key)?, Geometry::from_members(members.get(key)?));
        let ((x, y), (new_x, new_y)) = (then.position?, now.position?);
        Some((new_x - x, new_y - y))
    };
    let wishes = wishes.into_iter().map(|(key, winner)| {
        let author = &parts[winner.part];
        let own = shift(author, key).unwrap_or_default();
        // What went along with it, in a group, lies as its author saw it.
        let moved_since = members.keys().filter(|other| {
            let by = shift(author, other);
            let is_along = |by: (f64, f64)| {
                (by.0 - own.0).abs() < MAX_NOISE && (by.1 - own.1).abs() < MAX_NOISE
            };
            *other != key && !by.is_some_and(is_along)
        });
        OverlapCheck { node: key.clone(), obstacles: moved_since.cloned().collect() }
    });
    arrange::clear_overlaps(graph, wishes.collect())
}
