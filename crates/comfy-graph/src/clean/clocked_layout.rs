//! A layout that knows of every place when it was last moved, and how two of the same
//! content become one.
//!
//! Beside what `file_layout` describes, a line then says `saved`, when the file was saved, and
//! `moved`, the clocks of its places (`clock_codes`), graph by graph:
//!
//! ```json
//! {"v":1,...,"saved":"mi4x9k2c:k3f9x2ab","moved":{"":"#1k0 n3 n7 g1"}}
//! ```
//!
//! Clocks are of the clone that `saved` names, or else `by`, unless they name one themselves;
//! a place that nothing is said of was moved when the file was saved.
//!
//! Clocks carry the frame their numbers are in, where that is not the frame of this layout. So
//! what was put together from two clones keeps what each of them wrote; joining is choosing,
//! place by place, and therefore commutative, associative and idempotent.
//!
//! A group has an origin: a point that moves when the group is dragged with what is in it, and
//! stays when somebody only draws its frame larger or elsewhere. Nodes and reroutes lie beside the
//! origin of their group, a frame beside its own, an inner group beside that of the outer one.
//! The origin has a clock of its own, so that one person can drag a group while another resizes
//! it. It is the corner of the frame unless the line says otherwise.
//!
//! Must not know blobs, paths of files or notes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::arranged_mark;
use super::clock::{Clock, CloneId};
use super::clock_codes::{
    ClockCodes, ClockContext, PlaceClocks, VUE_SCALE, print_clock_codes, print_origin_code,
    tells_frames,
};
use super::file_layout::FileLayout;
use super::layout_view::{list_items, list_items_mut};
use super::placement::{
    Geometry, PlaceKey, PlaceKind, key_scope, place_members, transform_members, visit_places,
};
use super::policy::ObjectPolicy;
use super::split::{ITEMS_MEMBER, KEYS_MEMBER};
use crate::graph::MAX_DEFINITION_DEPTH;
use crate::json::{
    self, JsonKey, JsonObject, JsonPath, JsonStyle, JsonText, JsonValue, Object, Value,
};

/// A group, and where its origin was when the numbers beside it were written.
pub(super) type GroupAnchor = (PlaceKey, (f64, f64));

/// In which terms the numbers of a place are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlacementFrame {
    /// 1, or [`VUE_SCALE`].
    pub(super) scale: f64,
    /// The group it goes along with (a frame with its own), and the origin of that group.
    pub(super) anchor: Option<GroupAnchor>,
}

/// A place and its history, as one clone wrote it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placement {
    /// The members of the object that say where it lies and how it looks.
    pub(super) members: Object,
    /// When it was last moved.
    pub(super) moved: Clock,
    /// When its members were written.
    pub(super) written: Clock,
    /// What its numbers relate to.
    pub(super) frame: PlacementFrame,
    /// The type of a node, the title of a group.
    pub(super) class: JsonKey,
}

impl Placement {
    /// Whether another statement about the same place yields to this one.
    pub(super) fn outranks(&self, other: &Placement) -> bool {
        let by_clock = (self.moved, self.written).cmp(&(other.moved, other.written));
        let by_text = || self.sort_text().cmp(&other.sort_text());
        by_clock.then_with(by_text).is_gt()
    }

    /// The members in another scale, and beside the origin that its group has there.
    pub(super) fn members_in_frame(
        &self,
        scale: f64,
        origin_of: impl FnOnce(&PlaceKey) -> Option<(f64, f64)>,
    ) -> Object {
        match self.way_to_frame(scale, origin_of) {
            None => self.members.clone(),
            Some((factor, by)) => transform_members(&self.members, factor, by),
        }
    }

    /// The geometry of [`Placement::members_in_frame`].
    pub(super) fn geometry_in_frame(
        &self,
        scale: f64,
        origin_of: impl FnOnce(&PlaceKey) -> Option<(f64, f64)>,
    ) -> Geometry {
        match self.way_to_frame(scale, origin_of) {
            None => Geometry::from_members(&self.members),
            Some((factor, by)) => {
                Geometry::from_members(&transform_members(&self.members, factor, by))
            }
        }
    }

    /// By which factor and how far the numbers change; nothing where they stay.
    fn way_to_frame(
        &self,
        scale: f64,
        origin_of: impl FnOnce(&PlaceKey) -> Option<(f64, f64)>,
    ) -> Option<(f64, (f64, f64))> {
        let factor = scale / self.frame.scale;
        let by = self.frame.anchor.as_ref().and_then(|(group, then)| {
            let now = origin_of(group)?;
            Some((now.0 - then.0 * factor, now.1 - then.1 * factor))
        });
        let by = by.unwrap_or_default();
        (by != (0.0, 0.0) || factor != 1.0).then_some((factor, by))
    }

    /// The origin of a group, with the clocks of its frame.
    pub(super) fn origin_like(&self, at: (f64, f64), frame: PlacementFrame) -> Placement {
        Placement { members: origin_members(at), frame, ..self.clone() }
    }

    fn sort_text(&self) -> String {
        format!("{} {:?}", json::print_object(&self.members, &JsonStyle::SAVE), self.frame)
    }
}

/// The places of one graph of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClockedGraph {
    /// Where the graph is in the file.
    pub(super) path: JsonPath,
    /// What was split off it, with the members of the places.
    pub(super) aside: Object,
    pub(super) places: BTreeMap<PlaceKey, Placement>,
    /// The origins of its groups, by the names of these.
    pub(super) origins: BTreeMap<PlaceKey, Placement>,
}

/// The members of the origin of a group.
pub(super) fn origin_members((x, y): (f64, f64)) -> Object {
    let mut members = Object::new();
    members.insert("pos", vec![x, y]);
    members
}

/// An origin lies in the origin of an outer group, and that one in another.
const MAX_GROUP_DEPTH: usize = 16;

/// Where the origins of groups are, in a scale.
pub(super) fn resolve_origins(
    origins: &BTreeMap<PlaceKey, Placement>,
    scale: f64,
) -> FxHashMap<PlaceKey, (f64, f64)> {
    let groups = origins.keys();
    groups
        .filter_map(|group| Some((group.clone(), resolve_origin(origins, group, scale, 0)?)))
        .collect()
}

fn resolve_origin(
    origins: &BTreeMap<PlaceKey, Placement>,
    group: &PlaceKey,
    scale: f64,
    depth: usize,
) -> Option<(f64, f64)> {
    let origin = origins.get(group)?;
    let factor = scale / origin.frame.scale;
    let (x, y) = Geometry::from_members(&origin.members).scaled(factor).position?;
    let along = origin.frame.anchor.as_ref().filter(|_| depth < MAX_GROUP_DEPTH);
    let along = along.and_then(|(outer, then)| {
        let now = resolve_origin(origins, outer, scale, depth + 1)?;
        Some((now.0 - then.0 * factor, now.1 - then.1 * factor))
    });
    let (dx, dy) = along.unwrap_or_default();
    Some((x + dx, y + dy))
}

/// A layout with the clocks of its places.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockedLayout {
    pub(super) base: FileLayout,
    pub(super) graphs: Vec<ClockedGraph>,
    /// When the file was saved: decides about what belongs to no place.
    pub(super) saved: Clock,
    /// The name the file had before, where its layout goes on under this one.
    pub(super) previous_name: Option<String>,
    /// The earlier state that was brought back by this one, until something is moved.
    pub(super) reverted_to: Option<String>,
}

impl ClockedLayout {
    /// Reads a line. `otherwise` is the clock of a line that has none. Nothing for text
    /// that is no layout, or of a version not known here.
    pub fn parse(line: &str, otherwise: Clock) -> Option<ClockedLayout> {
        let Value::Object(members) = json::parse_text(line).ok()? else { return None };
        ClockedLayout::from_members(members, otherwise)
    }

    fn from_members(mut members: Object, otherwise: Clock) -> Option<ClockedLayout> {
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text.to_string()),
            _ => None,
        };
        let saved = text(members.remove("saved"));
        let saved = saved.and_then(|text| Clock::parse(&text, None)).unwrap_or(otherwise);
        let by = text(members.remove("by")).and_then(|name| CloneId::parse(&name));
        let context = ClockContext { saved, usual: by.or(saved.clone_id()) };
        let was = text(members.remove("was"));
        let back = text(members.remove("back"));
        let mut codes = match members.remove("moved") {
            Some(Value::Object(codes)) => codes,
            _ => Object::new(),
        };
        let mut base = FileLayout::from_members(members)?;
        let graphs = std::mem::take(&mut base.graphs).into_iter().map(|(at, aside)| {
            let codes = codes.remove(&at.to_string());
            ClockedGraph::new(at, aside, &ClockCodes::parse(codes.as_ref(), context))
        });
        Some(ClockedLayout {
            graphs: graphs.collect(),
            base,
            saved,
            previous_name: was,
            reverted_to: back,
        })
    }

    /// A layout all of whose places have one clock.
    pub(super) fn uniform(mut base: FileLayout, saved: Clock) -> ClockedLayout {
        let graphs = std::mem::take(&mut base.graphs);
        let graphs = graphs.into_iter().map(|(at, aside)| ClockedGraph::uniform(at, aside, saved));
        ClockedLayout {
            graphs: graphs.collect(),
            base,
            saved,
            previous_name: None,
            reverted_to: None,
        }
    }

    /// The layout as one line of JSON.
    pub fn to_line(&self) -> String {
        let mut line = self.unclocked_line();
        line.pop();
        let member = |line: &mut String, key: &str, value: &str| {
            line.push_str(&format!(",\"{key}\":"));
            line.push_str(&json::print(&Value::from(value), &JsonStyle::SAVE));
        };
        member(&mut line, "saved", &self.saved.to_code(None));
        let usual = self.usual_clone();
        if let Some(usual) = usual.filter(|usual| Some(*usual) != self.saved.clone_id()) {
            member(&mut line, "by", &usual.to_string());
        }
        let mut moved = Object::new();
        for graph in &self.graphs {
            let codes = graph.clock_codes(ClockContext { saved: self.saved, usual });
            if !codes.is_empty() {
                moved.append(JsonKey::from(graph.path.to_string()), codes);
            }
        }
        if !moved.is_empty() {
            line.push_str(",\"moved\":");
            line.push_str(&json::print_object(&moved, &JsonStyle::SAVE));
        }
        if let Some(was) = &self.previous_name {
            member(&mut line, "was", was);
        }
        if let Some(back) = &self.reverted_to {
            member(&mut line, "back", back);
        }
        line.push('}');
        line
    }

    /// The clone that most clocks are of: it is written once. That which saved the file is
    /// written anyway.
    fn usual_clone(&self) -> Option<CloneId> {
        let places = self.graphs.iter().flat_map(ClockedGraph::placements);
        let stamps: BTreeSet<(CloneId, Clock)> = places
            .flat_map(|place| [place.moved, place.written])
            .filter_map(|clock| Some((clock.clone_id()?, clock)))
            .collect();
        let mut counts: BTreeMap<CloneId, usize> = BTreeMap::new();
        for (clone, _) in stamps {
            *counts.entry(clone).or_default() += 1;
        }
        let saver = self.saved.clone_id();
        // What naming one more costs, in clocks that name their clone themselves.
        let saved_by = saver.map_or(1, |saver| counts.get(&saver).copied().unwrap_or(0) + 2);
        let most = counts.into_iter().max_by_key(|(clone, count)| (*count, Reverse(*clone)));
        most.filter(|(_, count)| *count > saved_by).map(|(clone, _)| clone).or(saver)
    }

    /// The line without its clocks, as cleaning the file gives it.
    fn unclocked_line(&self) -> String {
        let graphs = self.graphs.iter().map(|graph| (&graph.path, &graph.aside));
        let line = self.base.line_with_graphs(graphs);
        match &self.base.residue {
            Some(residue) => residue.add_to(line),
            None => line,
        }
    }

    /// When the file was saved.
    pub fn saved(&self) -> Clock {
        self.saved
    }

    /// The latest time in it.
    pub fn latest_millis(&self) -> u64 {
        let places = self.graphs.iter().flat_map(ClockedGraph::placements);
        let times = places.map(|place| place.moved.millis().max(place.written.millis()));
        times.fold(self.saved.millis(), u64::max)
    }

    /// The latest move in it that one of such clones made.
    pub fn latest_move_by(&self, is_such: impl Fn(CloneId) -> bool) -> u64 {
        let theirs = self.clocks().filter(|moved| moved.clone_id().is_some_and(&is_such));
        theirs.map(Clock::millis).max().unwrap_or(0)
    }

    /// The name the file had before.
    pub fn previous_name(&self) -> Option<&str> {
        self.previous_name.as_deref()
    }

    /// Says which name the file had before.
    pub fn set_previous_name(&mut self, path: &str) {
        self.previous_name = Some(path.to_owned());
    }

    /// The earlier state that was brought back, if nothing was moved since: as it was named
    /// to [`ClockedLayout::set_reverted_to`].
    pub fn reverted_to(&self) -> Option<&str> {
        self.reverted_to.as_deref()
    }

    /// Says which earlier state was brought back.
    pub fn set_reverted_to(&mut self, state: &str) {
        self.reverted_to = Some(state.to_owned());
    }

    /// Whether a person chose any of the places; true where there are none.
    pub fn has_place_by_person(&self) -> bool {
        let mut places = self.graphs.iter().flat_map(|graph| graph.places.values()).peekable();
        places.peek().is_none() || places.any(|place| place.moved.is_by_person())
    }

    /// Puts two layouts of the same content together: of each place the later move, of
    /// what belongs to no place the later save. The order of the two does not matter.
    pub fn join(self, other: ClockedLayout) -> ClockedLayout {
        let (mut newer, older) =
            if self.is_saved_before(&other) { (other, self) } else { (self, other) };
        newer.previous_name = newer.previous_name.take().max(older.previous_name.clone());
        if newer.saved == older.saved {
            newer.reverted_to = newer.reverted_to.take().max(older.reverted_to.clone());
        }
        for theirs in older.graphs {
            match newer.graphs.iter_mut().find(|graph| graph.path == theirs.path) {
                Some(graph) => graph.join(theirs),
                None => newer.graphs.push(theirs),
            }
        }
        newer.remove_spent_marks();
        newer
    }

    /// Takes the marks of what was arranged out where everything was placed since.
    pub(super) fn remove_spent_marks(&mut self) {
        for graph in &mut self.graphs {
            if graph.places.values().all(|place| place.moved.is_by_person()) {
                arranged_mark::remove_spent_mark(&mut graph.aside);
            }
        }
    }

    /// Takes over the view of an earlier layout of the same content, where this one was saved
    /// by a program that writes none. Whether there was one to take over.
    pub fn keep_view_of(&mut self, earlier: &ClockedLayout) -> bool {
        let mut any = false;
        for graph in &mut self.graphs {
            let Some(known) = earlier.graphs.iter().find(|known| known.path == graph.path) else {
                continue;
            };
            let view = known.aside.get("extra").and_then(|extra| extra.get("ds"));
            let Some(view) = view else { continue };
            let extra = graph.aside.get_or_insert_with("extra", || Value::Object(Object::new()));
            if let Value::Object(extra) = extra
                && !extra.contains_key("ds")
            {
                extra.insert("ds", view.clone());
                any = true;
            }
        }
        any
    }

    fn is_saved_before(&self, other: &ClockedLayout) -> bool {
        let rest = |layout: &ClockedLayout| {
            let mut layout = layout.clone();
            for graph in &mut layout.graphs {
                visit_places(&mut graph.aside, &mut |_, kind, item| {
                    set_place_members(item, kind, Object::new())
                });
            }
            layout.unclocked_line()
        };
        self.saved < other.saved || (self.saved == other.saved && rest(self) < rest(other))
    }

    /// The layout with every place in the frame of the file.
    pub(super) fn to_file_layout(&self) -> FileLayout {
        let mut layout = self.base.clone();
        for graph in &self.graphs {
            let shown = graph.shown_members();
            let mut aside = graph.aside.clone();
            visit_places(&mut aside, &mut |key, kind, item| {
                if let Some(members) = shown.get(&key) {
                    set_place_members(item, kind, members.clone());
                }
            });
            layout.graphs.push((graph.path.clone(), aside));
        }
        layout
    }

    /// When each place was last moved.
    pub fn clocks(&self) -> impl Iterator<Item = Clock> {
        self.graphs.iter().flat_map(ClockedGraph::placements).map(|place| place.moved)
    }

    /// Whether any of its places was arranged.
    pub fn has_arranged_place(&self) -> bool {
        self.clocks().any(|moved| moved == Clock::Arranged)
    }

    /// Whether a person placed anything at a time that nobody wrote down.
    pub fn has_unclocked_place(&self) -> bool {
        self.clocks().any(|moved| matches!(moved, Clock::Unknown(_)))
    }

    /// Gives every place whose clock is such a one another.
    pub fn restamp(&mut self, clock: Clock, is_such: impl Fn(Clock) -> bool) {
        let mut any = false;
        for place in self.graphs.iter_mut().flat_map(ClockedGraph::placements_mut) {
            if is_such(place.moved) {
                (place.moved, place.written) = (clock, place.written.max(clock));
                any = true;
            }
        }
        if any {
            self.saved = self.saved.max(clock);
        }
    }

    /// Whether another layout of the same content says the same of every place.
    pub fn has_same_places(&self, other: &ClockedLayout) -> bool {
        let mut both = self.graphs.iter().zip(&other.graphs);
        self.graphs.len() == other.graphs.len()
            && both.all(|(a, b)| a.places == b.places && a.origins == b.origins)
    }

    /// Makes a guess of it: all it says gives way to what has a clock.
    pub fn demote_to_guess(&mut self) {
        for place in self.graphs.iter_mut().flat_map(ClockedGraph::placements_mut) {
            if place.moved.is_by_person() {
                (place.moved, place.written) = (Clock::Unknown(0), Clock::Unknown(0));
            }
        }
        self.saved = self.saved.min(Clock::Unknown(0));
    }

    /// Whether it gives way to every layout that somebody saved.
    pub(super) fn is_guess(&self) -> bool {
        self.saved <= Clock::Unknown(0)
    }

    /// Takes places out of it, by graph.
    pub fn forget_places(&mut self, places: &[(JsonPath, PlaceKey)]) {
        for (at, key) in places {
            if let Some(graph) = self.graphs.iter_mut().find(|graph| graph.path == *at) {
                graph.places.remove(key);
                graph.origins.remove(key);
            }
        }
    }
}

impl ClockedGraph {
    fn new(at: JsonPath, mut aside: Object, codes: &ClockCodes) -> ClockedGraph {
        let scale = scale_of(&aside);
        let mut places = BTreeMap::new();
        let mut framed = FxHashMap::default();
        visit_places(&mut aside, &mut |key, kind, item| {
            let members = place_members(item, kind);
            if members.is_empty() {
                return;
            }
            let PlaceClocks { moved, written, frame } = codes.get(&key).clone();
            let class = ["type", "title"].iter().find_map(|name| item.get(name)?.as_str());
            let class = JsonKey::from(class.unwrap_or_default());
            if let Some(frame) = frame {
                framed.insert(key.clone(), frame);
            }
            let frame = PlacementFrame { scale, anchor: None };
            places.insert(key, Placement { members, moved, written, frame, class });
        });
        let mut graph = ClockedGraph { path: at, aside, places, origins: BTreeMap::new() };
        // Frames in steps: only when groups stand where they are shown can the others be found
        // in them.
        for (key, frame) in framed {
            if let Some(place) = graph.places.get_mut(&key) {
                place.frame = frame;
            }
        }
        graph.read_origins(codes);
        let frames = graph.current_frames();
        for ((key, place), frame) in graph.places.iter_mut().zip(frames.places) {
            if codes.get(key).frame.is_none() {
                place.frame = frame;
            }
        }
        for ((key, origin), frame) in graph.origins.iter_mut().zip(frames.origins) {
            if codes.origin(key).is_none_or(|told| told.clocks.frame.is_none()) {
                origin.frame = frame;
            }
        }
        graph
    }

    /// The origins that are told, and those that are the corners of their groups.
    fn read_origins(&mut self, codes: &ClockCodes) {
        let scale = self.scale();
        for (key, group) in &self.places {
            if PlaceKind::from_key(key) != PlaceKind::Group {
                continue;
            }
            let plain = PlacementFrame { scale, anchor: None };
            let origin = match codes.origin(key) {
                Some(told) => {
                    let PlaceClocks { moved, written, frame } = told.clocks.clone();
                    let frame = frame.unwrap_or(plain);
                    Some(Placement { moved, written, ..group.origin_like(told.at, frame) })
                }
                None => {
                    let factor = scale / group.frame.scale;
                    let corner = Geometry::from_members(&group.members).scaled(factor).position;
                    corner.map(|corner| group.origin_like(corner, plain))
                }
            };
            self.origins.extend(origin.map(|origin| (key.clone(), origin)));
        }
    }

    /// Every place, and the origins of groups.
    fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.places.values().chain(self.origins.values())
    }

    fn placements_mut(&mut self) -> impl Iterator<Item = &mut Placement> {
        self.places.values_mut().chain(self.origins.values_mut())
    }

    /// When a thing was last moved: a group by its frame, or with what is in it.
    pub(super) fn last_move(&self, key: &PlaceKey, place: &Placement) -> Clock {
        self.origins.get(key).map_or(place.moved, |origin| origin.moved.max(place.moved))
    }

    /// When a thing came to lie where it is, if it went along with groups that were dragged.
    pub(super) fn last_move_with_groups(&self, place: &Placement) -> Clock {
        let mut latest = place.moved;
        let mut anchor = place.frame.anchor.as_ref();
        for _ in 0..MAX_GROUP_DEPTH {
            let Some(origin) = anchor.and_then(|(group, _)| self.origins.get(group)) else { break };
            latest = latest.max(origin.moved);
            anchor = origin.frame.anchor.as_ref();
        }
        latest
    }

    /// The places of what was just split off a file.
    pub(super) fn uniform(at: JsonPath, aside: Object, clock: Clock) -> ClockedGraph {
        ClockedGraph::new(at, aside, &ClockCodes::uniform(clock))
    }

    /// The scale that the numbers of this graph are shown in.
    pub(super) fn scale(&self) -> f64 {
        scale_of(&self.aside)
    }

    /// Where each place is as the file shows it.
    pub(super) fn shown_geometry(&self) -> FxHashMap<PlaceKey, Geometry> {
        let scale = self.scale();
        let origins = self.shown_origins();
        let show = |(key, place): (&PlaceKey, &Placement)| {
            (key.clone(), place.geometry_in_frame(scale, |group| origins.get(group).copied()))
        };
        self.places.iter().map(show).collect()
    }

    /// The members of each place as the file shows them.
    pub(super) fn shown_members(&self) -> FxHashMap<PlaceKey, Object> {
        let scale = self.scale();
        let origins = self.shown_origins();
        let show = |(key, place): (&PlaceKey, &Placement)| {
            (key.clone(), place.members_in_frame(scale, |group| origins.get(group).copied()))
        };
        self.places.iter().map(show).collect()
    }

    /// The origins of the groups, as shown.
    pub(super) fn shown_origins(&self) -> FxHashMap<PlaceKey, (f64, f64)> {
        resolve_origins(&self.origins, self.scale())
    }

    /// The frames that places and origins have by where they are shown.
    pub(super) fn current_frames(&self) -> CurrentFrames {
        let scale = self.scale();
        let origins = self.shown_origins();
        let shown =
            |place: &Placement| place.geometry_in_frame(scale, |group| origins.get(group).copied());
        let groups = self.places.iter();
        let groups = groups.filter(|(key, _)| PlaceKind::from_key(key) == PlaceKind::Group);
        let boxes: Vec<GroupBox<'_>> = groups
            .filter_map(|(key, place)| {
                let Geometry { position, extent } = shown(place);
                let (corner, extent) = (position?, extent?);
                Some(GroupBox { key, scope: key_scope(key), corner, extent })
            })
            .collect();
        let innermost = |scope: &str, is_around: &dyn Fn(&GroupBox<'_>) -> bool| {
            let around = boxes.iter().filter(|around| around.scope == scope && is_around(around));
            let group = around.min_by(|a, b| a.area().total_cmp(&b.area()))?.key;
            Some((group.clone(), *origins.get(group)?))
        };
        let anchor = |key: &PlaceKey, place: &Placement| match PlaceKind::from_key(key) {
            PlaceKind::Group => Some((key.clone(), *origins.get(key)?)),
            PlaceKind::Boundary => None,
            PlaceKind::Node | PlaceKind::Reroute if boxes.is_empty() => None,
            kind @ (PlaceKind::Node | PlaceKind::Reroute) => {
                let middle = shown(place).middle(kind)?;
                innermost(key_scope(key), &|around| around.has_point(middle))
            }
        };
        let outer = |key: &PlaceKey| {
            let own = boxes.iter().find(|own| own.key == key)?;
            innermost(own.scope, &|around| around.area() > own.area() && around.has_box(own))
        };
        let frame = |anchor: Option<GroupAnchor>| PlacementFrame { scale, anchor };
        CurrentFrames {
            places: self.places.iter().map(|(key, place)| frame(anchor(key, place))).collect(),
            origins: self.origins.keys().map(|key| frame(outer(key))).collect(),
        }
    }

    fn join(&mut self, theirs: ClockedGraph) {
        graft_places(&mut self.aside, &theirs.aside, 0);
        let is_later = |(key, place): &(PlaceKey, Placement)| {
            self.places.get(key).is_none_or(|ours| place.outranks(ours))
        };
        let later: Vec<(PlaceKey, Placement)> =
            theirs.places.into_iter().filter(is_later).collect();
        self.set_placements(later);
        for (key, origin) in theirs.origins {
            if self.origins.get(&key).is_none_or(|ours| origin.outranks(ours)) {
                self.origins.insert(key, origin);
            }
        }
    }

    /// Replaces some placements, in what was split off the graph too.
    pub(super) fn set_placements(&mut self, places: Vec<(PlaceKey, Placement)>) {
        let mut changed = FxHashMap::default();
        for (key, place) in places {
            if self.places.get(&key).is_none_or(|known| known.members != place.members) {
                changed.insert(key.clone(), place.members.clone());
            }
            self.places.insert(key, place);
        }
        if changed.is_empty() {
            return;
        }
        visit_places(&mut self.aside, &mut |key, kind, item| {
            if let Some(members) = changed.remove(&key) {
                set_place_members(item, kind, members);
            }
        });
    }

    /// The clocks, with the places they are for.
    fn clock_codes(&self, context: ClockContext) -> String {
        let frames = self.current_frames();
        let with_frames = self.places.iter().zip(&frames.places);
        let mut text = print_clock_codes(
            with_frames.map(|((key, place), current)| (key, place, *current != place.frame)),
            context,
        );
        for ((key, origin), current) in self.origins.iter().zip(&frames.origins) {
            let Some(group) = self.places.get(key) else { continue };
            let is_origin_framed = *current != origin.frame;
            let is_group_framed = self
                .places
                .keys()
                .position(|place| place == key)
                .is_some_and(|at| frames.places[at] != group.frame);
            let corner = Geometry::from_members(&group.members).position;
            let at = Geometry::from_members(&origin.members).position;
            let is_corner = (origin.moved, origin.written) == (group.moved, group.written)
                && at == corner
                && !is_origin_framed
                && !is_group_framed;
            if let Some(at) = at.filter(|_| !is_corner) {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&print_origin_code(key, origin, at, context, is_origin_framed));
            }
        }
        text
    }
}

/// The frames of the places of a graph, and of the origins of its groups, in their order.
pub(super) struct CurrentFrames {
    pub(super) places: Vec<PlacementFrame>,
    pub(super) origins: Vec<PlacementFrame>,
}

/// The frame of a group, as it is shown.
struct GroupBox<'g> {
    key: &'g PlaceKey,
    scope: &'g str,
    corner: (f64, f64),
    extent: (f64, f64),
}

impl GroupBox<'_> {
    fn area(&self) -> f64 {
        self.extent.0 * self.extent.1
    }

    fn has_point(&self, (x, y): (f64, f64)) -> bool {
        let ((left, top), (width, height)) = (self.corner, self.extent);
        (left..=left + width).contains(&x) && (top..=top + height).contains(&y)
    }

    fn has_box(&self, inner: &GroupBox<'_>) -> bool {
        let ((left, top), (width, height)) = (self.corner, self.extent);
        let ((x, y), (inner_width, inner_height)) = (inner.corner, inner.extent);
        left <= x && top <= y && x + inner_width <= left + width && y + inner_height <= top + height
    }
}

/// Reads a line as the file shows it, whatever frames its places are in.
pub(super) fn parse_shown_layout(line: &str) -> Option<FileLayout> {
    read_shown_layout(json::parse_text(line).ok()?)
}

/// [`parse_shown_layout`] of a line that was parsed.
pub(super) fn read_shown_layout<T: JsonText>(line: JsonValue<T>) -> Option<FileLayout<T>>
where
    Object: From<JsonObject<T>>,
    JsonObject<T>: From<Object>,
{
    let JsonValue::Object(members) = line else { return None };
    let codes = members.get("moved").and_then(JsonValue::as_object);
    if codes.is_some_and(|codes| codes.values().any(tells_frames)) {
        let layout = ClockedLayout::from_members(members.into(), Clock::Unknown(0))?;
        return Some(layout.to_file_layout().with_texts());
    }
    FileLayout::from_members(members)
}

/// The scale in which a graph is drawn; the root's, for definitions too.
pub(super) fn scale_of<T: JsonText>(aside: &JsonObject<T>) -> f64 {
    let renderer = aside.get("extra").and_then(|extra| extra.get("workflowRendererVersion"));
    match renderer {
        Some(JsonValue::String(name)) if name.is("Vue") => VUE_SCALE,
        _ => 1.0,
    }
}

/// Gives an item of a layout other members for its place.
pub(super) fn set_place_members(item: &mut Object, kind: PlaceKind, members: Object) {
    item.retain(|key, _| !kind.members().contains(&key));
    for (key, value) in members {
        item.append(key, value);
    }
    let class: &ObjectPolicy = kind.class();
    let order = |key: &JsonKey| match key.as_str() {
        KEYS_MEMBER => (1, 0),
        name if class.identity.contains(&name) => (0, class.rank(key)),
        _ => (2, class.rank(key)),
    };
    item.members_mut().sort_by_key(|(key, _)| order(key));
}

/// Makes room for places that only the other layout of the same content has.
fn graft_places(ours: &mut Object, theirs: &Object, depth: usize) {
    for (list, key) in [("nodes", "type"), ("groups", "title"), ("reroutes", "id")] {
        graft_list(ours, theirs, list, key);
    }
    for boundary in ["inputNode", "outputNode"] {
        if theirs.contains_key(boundary) {
            ours.get_or_insert_with(boundary, || Value::Object(Object::new()));
        }
    }
    let extras = (ours.get_mut("extra"), theirs.get("extra"));
    if let (Some(Value::Object(ours)), Some(Value::Object(theirs))) = extras {
        graft_list(ours, theirs, "reroutes", "id");
    }
    let definitions = (ours.get_mut("definitions"), theirs.get("definitions"));
    let (Some(Value::Object(ours)), Some(Value::Object(theirs))) = definitions else { return };
    graft_list(ours, theirs, "subgraphs", "id");
    if depth < MAX_DEFINITION_DEPTH {
        let pairs =
            list_items_mut(ours, "subgraphs").iter_mut().zip(list_items(theirs, "subgraphs"));
        for (ours, theirs) in pairs {
            if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
                graft_places(ours, theirs, depth + 1);
            }
        }
    }
}

fn graft_list(ours: &mut Object, theirs: &Object, list: &str, also: &str) {
    let theirs = list_items(theirs, list);
    if theirs.is_empty() {
        return;
    }
    let items = ours.get_or_insert_with(list, || Value::Array(Vec::new()));
    let items = match items {
        Value::Object(both) => both.get_or_insert_with(ITEMS_MEMBER, || Value::Array(Vec::new())),
        items => items,
    };
    let Value::Array(items) = items else { return };
    for (at, item) in theirs.iter().enumerate() {
        let Value::Object(item) = item else { continue };
        if items.len() <= at {
            items.resize(at + 1, Value::Null);
        }
        if items[at] == Value::Null {
            let identity = ["id", also];
            let keep = |(key, _): &(&JsonKey, &Value)| identity.contains(&key.as_str());
            let kept = item.iter().filter(keep).map(|(k, v)| (k.clone(), v.clone()));
            items[at] = Value::Object(kept.collect());
        }
    }
}
