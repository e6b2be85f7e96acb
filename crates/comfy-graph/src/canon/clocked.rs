//! A layout that knows of every place when it was last moved, and how two of the same
//! content become one.
//!
//! Beside what `layout` describes, a line then says `saved`, when the file was saved, and
//! `moved`, the clocks of its places, each with the places it is for (none: all others;
//! a place that nothing is said of was moved when the file was saved):
//!
//! ```json
//! {"v":1,...,"saved":"mi4x9k2c:k3f9x2ab","moved":{"":{"mi4a1b2c":"n3 n7 g1"}}}
//! ```
//!
//! A clock may be followed by a second one, when the place was last written anew without
//! being moved (its group was dragged, another renderer scaled it), and by the frame its
//! numbers are in, where that is not the frame of this layout: `l` or `v` (LiteGraph or
//! Vue), and the group it belongs to with the corner that group had. So what was put
//! together from two clones keeps what each of them wrote; joining is choosing, place by
//! place, and therefore commutative, associative and idempotent.
//!
//! Must not know blobs, paths of files or notes.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::aside::{items, items_mut};
use super::clock::{Clock, CloneId};
use super::layout::Layout;
use super::placement::{Geometry, PlaceKey, PlaceKind, members_of, scope_of, transformed, visit};
use super::policy::Class;
use super::split::{ITEMS, KEYS, rank};
use crate::json::{self, Key, Object, Path, Style, Value};

/// ComfyUI's Vue renderer draws everything that much larger, and says so in the file.
const VUE_SCALE: f64 = 1.2;

/// In which terms the numbers of a place are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    /// 1, or [`VUE_SCALE`].
    pub(super) scale: f64,
    /// The group it goes along with, and the corner of that group.
    pub(super) anchor: Option<(PlaceKey, (f64, f64))>,
}

/// A place and its history, as one clone wrote it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placement {
    /// The members of the object that say where it lies and how it looks.
    pub(super) members: Object,
    /// When it was last moved.
    pub(super) moved: Clock,
    /// When its members were written.
    pub(super) restated: Clock,
    /// What its numbers relate to.
    pub(super) frame: Frame,
    /// The type of a node, the title of a group.
    pub(super) class: Key,
}

impl Placement {
    /// Whether another statement about the same place yields to this one.
    pub(super) fn outranks(&self, other: &Placement) -> bool {
        let by_clock = (self.moved, self.restated).cmp(&(other.moved, other.restated));
        let by_text = || self.text().cmp(&other.text());
        by_clock.then_with(by_text).is_gt()
    }

    /// The members in another scale, and beside the corner that its group has there.
    pub(super) fn shown(
        &self,
        scale: f64,
        corner_of: impl FnOnce(&PlaceKey) -> Option<(f64, f64)>,
    ) -> Object {
        let factor = scale / self.frame.scale;
        let by = self.frame.anchor.as_ref().and_then(|(group, then)| {
            let now = corner_of(group)?;
            Some((now.0 - then.0 * factor, now.1 - then.1 * factor))
        });
        match by.unwrap_or_default() {
            (0.0, 0.0) if factor == 1.0 => self.members.clone(),
            by => transformed(&self.members, factor, by),
        }
    }

    fn text(&self) -> String {
        format!("{} {:?}", json::print_object(&self.members, &Style::SAVE), self.frame)
    }
}

/// The places of one graph of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClockedGraph {
    /// Where the graph is in the file.
    pub(super) at: Path,
    /// What was split off it, with the members of the places.
    pub(super) aside: Object,
    pub(super) places: BTreeMap<PlaceKey, Placement>,
}

/// A layout with the clocks of its places.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockedLayout {
    pub(super) base: Layout,
    pub(super) graphs: Vec<ClockedGraph>,
    /// When the file was saved: decides about what belongs to no place.
    pub(super) saved: Clock,
    /// The name the file had before, where its layout goes on under this one.
    pub(super) was: Option<String>,
    /// The earlier state that was brought back by this one, until something is moved.
    pub(super) back: Option<String>,
}

impl ClockedLayout {
    /// Reads a line. `otherwise` is the clock of a line that has none. Nothing for text
    /// that is no layout, or of a version not known here.
    pub fn parse(line: &str, otherwise: Clock) -> Option<ClockedLayout> {
        let Value::Object(members) = json::parse_text(line).ok()? else { return None };
        ClockedLayout::of(members, otherwise)
    }

    fn of(mut members: Object, otherwise: Clock) -> Option<ClockedLayout> {
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text.to_string()),
            _ => None,
        };
        let saved = text(members.remove("saved"));
        let saved = saved.and_then(|text| Clock::parse(&text, None)).unwrap_or(otherwise);
        let was = text(members.remove("was"));
        let back = text(members.remove("back"));
        let mut codes = match members.remove("moved") {
            Some(Value::Object(codes)) => codes,
            _ => Object::new(),
        };
        let mut base = Layout::of(members)?;
        let graphs = std::mem::take(&mut base.graphs).into_iter().map(|(at, aside)| {
            let codes = match codes.remove(&at.to_string()) {
                Some(Value::Object(codes)) => codes,
                _ => Object::new(),
            };
            ClockedGraph::new(at, aside, &Codes::read(&codes, saved))
        });
        Some(ClockedLayout { graphs: graphs.collect(), base, saved, was, back })
    }

    /// A layout all of whose places have one clock.
    pub(super) fn uniform(mut base: Layout, saved: Clock) -> ClockedLayout {
        let graphs = std::mem::take(&mut base.graphs);
        let graphs = graphs.into_iter().map(|(at, aside)| ClockedGraph::uniform(at, aside, saved));
        ClockedLayout { graphs: graphs.collect(), base, saved, was: None, back: None }
    }

    /// The layout as one line of JSON.
    pub fn to_line(&self) -> String {
        let mut line = self.unclocked_line();
        line.pop();
        let member = |line: &mut String, key: &str, value: &str| {
            line.push_str(&format!(",\"{key}\":"));
            line.push_str(&json::print(&Value::from(value), &Style::SAVE));
        };
        member(&mut line, "saved", &self.saved.print(None));
        let mut moved = Object::new();
        for graph in &self.graphs {
            let codes = graph.codes(self.saved);
            if !codes.is_empty() {
                moved.append(Key::from(graph.at.to_string()), codes);
            }
        }
        if !moved.is_empty() {
            line.push_str(",\"moved\":");
            line.push_str(&json::print_object(&moved, &Style::SAVE));
        }
        if let Some(was) = &self.was {
            member(&mut line, "was", was);
        }
        if let Some(back) = &self.back {
            member(&mut line, "back", back);
        }
        line.push('}');
        line
    }

    /// The line without its clocks, as cleaning the file gives it.
    fn unclocked_line(&self) -> String {
        let graphs = self.graphs.iter().map(|graph| (&graph.at, &graph.aside));
        let line = self.base.line_of(graphs);
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
    pub fn latest(&self) -> u64 {
        let places = self.graphs.iter().flat_map(|graph| graph.places.values());
        let times = places.map(|place| place.moved.at().max(place.restated.at()));
        times.fold(self.saved.at(), u64::max)
    }

    /// The latest move in it that one of such clones made.
    pub fn latest_by(&self, is_such: impl Fn(CloneId) -> bool) -> u64 {
        let theirs = self.clocks().filter(|moved| moved.by().is_some_and(&is_such));
        theirs.map(Clock::at).max().unwrap_or(0)
    }

    /// The name the file had before.
    pub fn was(&self) -> Option<&str> {
        self.was.as_deref()
    }

    /// Says which name the file had before.
    pub fn set_was(&mut self, path: &str) {
        self.was = Some(path.to_owned());
    }

    /// The earlier state that was brought back, if nothing was moved since: as it was named
    /// to [`ClockedLayout::set_back`].
    pub fn back(&self) -> Option<&str> {
        self.back.as_deref()
    }

    /// Says which earlier state was brought back.
    pub fn set_back(&mut self, state: &str) {
        self.back = Some(state.to_owned());
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
        newer.was = newer.was.take().max(older.was.clone());
        if newer.saved == older.saved {
            newer.back = newer.back.take().max(older.back.clone());
        }
        for theirs in older.graphs {
            match newer.graphs.iter_mut().find(|graph| graph.at == theirs.at) {
                Some(graph) => graph.join(theirs),
                None => newer.graphs.push(theirs),
            }
        }
        newer
    }

    fn is_saved_before(&self, other: &ClockedLayout) -> bool {
        let rest = |layout: &ClockedLayout| {
            let mut layout = layout.clone();
            for graph in &mut layout.graphs {
                visit(&mut graph.aside, &mut |_, kind, item| {
                    put_members(item, kind, Object::new())
                });
            }
            layout.unclocked_line()
        };
        self.saved < other.saved || (self.saved == other.saved && rest(self) < rest(other))
    }

    /// The layout with every place in the frame of the file.
    pub(super) fn shown(&self) -> Layout {
        let mut layout = self.base.clone();
        for graph in &self.graphs {
            let shown = graph.shown();
            let mut aside = graph.aside.clone();
            visit(&mut aside, &mut |key, kind, item| {
                if let Some(members) = shown.get(&key) {
                    put_members(item, kind, members.clone());
                }
            });
            layout.graphs.push((graph.at.clone(), aside));
        }
        layout
    }

    /// When each place was last moved.
    pub fn clocks(&self) -> impl Iterator<Item = Clock> {
        self.graphs.iter().flat_map(|graph| graph.places.values()).map(|place| place.moved)
    }

    /// Whether any of its places was arranged.
    pub fn has_arranged_place(&self) -> bool {
        self.clocks().any(|moved| moved == Clock::Arranged)
    }

    /// Gives every place whose clock is such a one another.
    pub fn restamp(&mut self, clock: Clock, is_such: impl Fn(Clock) -> bool) {
        let mut any = false;
        for place in self.graphs.iter_mut().flat_map(|graph| graph.places.values_mut()) {
            if is_such(place.moved) {
                (place.moved, place.restated) = (clock, place.restated.max(clock));
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
        self.graphs.len() == other.graphs.len() && both.all(|(a, b)| a.places == b.places)
    }

    /// Makes a guess of it: all it says gives way to what has a clock.
    pub fn demote(&mut self) {
        for place in self.graphs.iter_mut().flat_map(|graph| graph.places.values_mut()) {
            if place.moved.is_by_person() {
                (place.moved, place.restated) = (Clock::Unknown(0), Clock::Unknown(0));
            }
        }
        self.saved = self.saved.min(Clock::Unknown(0));
    }

    /// Whether it gives way to every layout that somebody saved.
    pub(super) fn is_guess(&self) -> bool {
        self.saved <= Clock::Unknown(0)
    }

    /// Takes places out of it, by graph.
    pub fn forget(&mut self, places: &[(Path, PlaceKey)]) {
        for (at, key) in places {
            if let Some(graph) = self.graphs.iter_mut().find(|graph| graph.at == *at) {
                graph.places.remove(key);
            }
        }
    }
}

impl ClockedGraph {
    fn new(at: Path, mut aside: Object, codes: &Codes) -> ClockedGraph {
        let scale = scale_of(&aside);
        let mut places = BTreeMap::new();
        let mut framed = FxHashMap::default();
        visit(&mut aside, &mut |key, kind, item| {
            let members = members_of(item, kind);
            if members.is_empty() {
                return;
            }
            let (moved, restated, frame) = codes.of(&key);
            let class = ["type", "title"].iter().find_map(|name| item.get(name)?.as_str());
            let class = Key::from(class.unwrap_or_default());
            if let Some(frame) = frame {
                framed.insert(key.clone(), frame);
            }
            let frame = Frame { scale, anchor: None };
            places.insert(key, Placement { members, moved, restated, frame, class });
        });
        let mut graph = ClockedGraph { at, aside, places };
        // Frames in two steps: only when groups stand where they are shown can the others
        // be found in them.
        for (key, frame) in framed {
            if let Some(place) = graph.places.get_mut(&key) {
                place.frame = frame;
            }
        }
        let frames = graph.frames();
        for (key, frame) in frames {
            if !codes.is_framed(&key)
                && let Some(place) = graph.places.get_mut(&key)
            {
                place.frame = frame;
            }
        }
        graph
    }

    /// The places of what was just split off a file.
    pub(super) fn uniform(at: Path, aside: Object, clock: Clock) -> ClockedGraph {
        let codes = Codes { all: (clock, clock, None), named: FxHashMap::default() };
        ClockedGraph::new(at, aside, &codes)
    }

    /// The scale that the numbers of this graph are shown in.
    pub(super) fn scale(&self) -> f64 {
        scale_of(&self.aside)
    }

    /// The members of each place as the file shows them.
    pub(super) fn shown(&self) -> FxHashMap<PlaceKey, Object> {
        let scale = self.scale();
        let corners = self.corners();
        let show = |(key, place): (&PlaceKey, &Placement)| {
            (key.clone(), place.shown(scale, |group| corners.get(group).copied()))
        };
        self.places.iter().map(show).collect()
    }

    /// The corners of the groups, as shown.
    fn corners(&self) -> FxHashMap<PlaceKey, (f64, f64)> {
        let scale = self.scale();
        let groups = self.places.iter().filter(|(key, _)| PlaceKind::of(key) == PlaceKind::Group);
        let corner = |(key, place): (&PlaceKey, &Placement)| {
            let at = Geometry::of(&place.members).scaled(scale / place.frame.scale).at?;
            Some((key.clone(), at))
        };
        groups.filter_map(corner).collect()
    }

    /// The frame that each place has by where it is shown.
    fn frames(&self) -> FxHashMap<PlaceKey, Frame> {
        let scale = self.scale();
        let shown = self.shown();
        type GroupBox<'a> = (&'a PlaceKey, (f64, f64), (f64, f64));
        let boxes: Vec<GroupBox<'_>> = self
            .places
            .keys()
            .filter(|key| PlaceKind::of(key) == PlaceKind::Group)
            .filter_map(|key| {
                let geometry = Geometry::of(shown.get(key)?);
                Some((key, geometry.at?, geometry.extent?))
            })
            .collect();
        let anchor = |key: &PlaceKey| {
            let kind = PlaceKind::of(key);
            if !matches!(kind, PlaceKind::Node | PlaceKind::Reroute) {
                return None;
            }
            let (x, y) = Geometry::of(shown.get(key)?).middle(kind)?;
            let around = boxes.iter().filter(|(group, (left, top), (width, height))| {
                scope_of(group) == scope_of(key)
                    && (*left..=left + width).contains(&x)
                    && (*top..=top + height).contains(&y)
            });
            let area = |(_, _, (width, height)): &GroupBox<'_>| width * height;
            let innermost = around.min_by(|a, b| area(a).total_cmp(&area(b)))?;
            Some((innermost.0.clone(), innermost.1))
        };
        self.places.keys().map(|key| (key.clone(), Frame { scale, anchor: anchor(key) })).collect()
    }

    fn join(&mut self, theirs: ClockedGraph) {
        graft(&mut self.aside, &theirs.aside, 0);
        let is_later = |(key, place): &(PlaceKey, Placement)| {
            self.places.get(key).is_none_or(|ours| place.outranks(ours))
        };
        let later: Vec<(PlaceKey, Placement)> =
            theirs.places.into_iter().filter(is_later).collect();
        self.put(later);
    }

    /// Replaces some placements, in what was split off the graph too.
    pub(super) fn put(&mut self, places: Vec<(PlaceKey, Placement)>) {
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
        visit(&mut self.aside, &mut |key, kind, item| {
            if let Some(members) = changed.remove(&key) {
                put_members(item, kind, members);
            }
        });
    }

    /// The clocks, with the places they are for.
    fn codes(&self, saved: Clock) -> Object {
        let usual = saved.by();
        let frames = self.frames();
        let mut by_code: BTreeMap<String, Vec<&PlaceKey>> = BTreeMap::new();
        for (key, place) in &self.places {
            let framed = frames.get(key) != Some(&place.frame);
            by_code.entry(code(place, usual, framed)).or_default().push(key);
        }
        // The most common code is written once, for all places that are not named.
        let all = by_code.iter().max_by(|(a, x), (b, y)| x.len().cmp(&y.len()).then(b.cmp(a)));
        let Some(all) = all.map(|(code, _)| code.clone()) else { return Object::new() };
        let mut codes = Object::new();
        for (code, keys) in by_code {
            if code != all {
                let keys: Vec<&str> = keys.into_iter().map(Key::as_str).collect();
                codes.append(Key::from(code), keys.join(" "));
            } else if code != saved.print(usual) {
                codes.append(Key::from(code), "");
            }
        }
        codes
    }
}

fn code(place: &Placement, usual: Option<CloneId>, framed: bool) -> String {
    let mut code = place.moved.print(usual);
    if place.restated != place.moved || framed {
        code.push(' ');
        code.push_str(&place.restated.print(usual));
    }
    if framed {
        code.push_str(if place.frame.scale == VUE_SCALE { " v" } else { " l" });
        if let Some((group, (x, y))) = &place.frame.anchor {
            code.push_str(&format!(" {group} {x} {y}"));
        }
    }
    code
}

/// A moved clock, a restated one, and a frame where it is not the layout's.
type Said = (Clock, Clock, Option<Frame>);

/// The clocks of one graph, being read.
struct Codes {
    all: Said,
    named: FxHashMap<String, Said>,
}

impl Codes {
    fn read(codes: &Object, saved: Clock) -> Codes {
        let mut read = Codes { all: (saved, saved, None), named: FxHashMap::default() };
        for (code, keys) in codes.iter() {
            let (Some(said), Some(keys)) = (parse_code(code, saved.by()), keys.as_str()) else {
                continue;
            };
            if keys.is_empty() {
                read.all = said.clone();
            }
            for key in keys.split(' ').filter(|key| !key.is_empty()) {
                read.named.insert(key.to_owned(), said.clone());
            }
        }
        read
    }

    fn of(&self, key: &str) -> Said {
        self.named.get(key).unwrap_or(&self.all).clone()
    }

    fn is_framed(&self, key: &str) -> bool {
        self.named.get(key).unwrap_or(&self.all).2.is_some()
    }
}

fn parse_code(code: &str, usual: Option<CloneId>) -> Option<Said> {
    let mut words = code.split(' ');
    let moved = Clock::parse(words.next()?, usual)?;
    let restated = match words.next() {
        Some(text) => Clock::parse(text, usual)?,
        None => moved,
    };
    let scale = match words.next() {
        None => return Some((moved, restated, None)),
        Some("v") => VUE_SCALE,
        Some(_) => 1.0,
    };
    let anchor = match (words.next(), words.next(), words.next()) {
        (Some(group), Some(x), Some(y)) => {
            let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
            Some((Key::from(group), (number(x)?, number(y)?)))
        }
        _ => None,
    };
    Some((moved, restated, Some(Frame { scale, anchor })))
}

/// Reads a line as the file shows it, whatever frames its places are in.
pub(super) fn shown_layout(line: &str) -> Option<Layout> {
    let Value::Object(members) = json::parse_text(line).ok()? else { return None };
    let codes = members.get("moved").and_then(Value::as_object);
    let is_framed = codes.is_some_and(|codes| {
        let mut codes = codes.values().filter_map(Value::as_object).flat_map(Object::keys);
        codes.any(|code| code.matches(' ').count() > 1)
    });
    if is_framed {
        return ClockedLayout::of(members, Clock::Unknown(0)).map(|layout| layout.shown());
    }
    Layout::of(members)
}

/// The scale in which a graph is drawn; the root's, for definitions too.
pub(super) fn scale_of(aside: &Object) -> f64 {
    let renderer = aside.get("extra").and_then(|extra| extra.get("workflowRendererVersion"));
    if renderer.and_then(Value::as_str) == Some("Vue") { VUE_SCALE } else { 1.0 }
}

/// Gives an item of a layout other members for its place.
pub(super) fn put_members(item: &mut Object, kind: PlaceKind, members: Object) {
    item.retain(|key, _| !kind.members().contains(&key));
    for (key, value) in members {
        item.append(key, value);
    }
    let class: &Class = kind.class();
    item.sort_by_key(|key| match key {
        KEYS => (1, 0),
        key if class.identity.contains(&key) => (0, rank(class, key, 0)),
        key => (2, rank(class, key, 0)),
    });
}

/// Makes room for places that only the other layout of the same content has.
fn graft(ours: &mut Object, theirs: &Object, depth: usize) {
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
    // As deep as `visit` looks for places.
    if depth < 32 {
        let pairs = items_mut(ours, "subgraphs").iter_mut().zip(items(theirs, "subgraphs"));
        for (ours, theirs) in pairs {
            if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
                graft(ours, theirs, depth + 1);
            }
        }
    }
}

fn graft_list(ours: &mut Object, theirs: &Object, list: &str, also: &str) {
    let theirs = items(theirs, list);
    if theirs.is_empty() {
        return;
    }
    let items = ours.get_or_insert_with(list, || Value::Array(Vec::new()));
    let items = match items {
        Value::Object(both) => both.get_or_insert_with(ITEMS, || Value::Array(Vec::new())),
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
            let keep = |(key, _): &(&Key, &Value)| identity.contains(&key.as_str());
            let kept = item.iter().filter(keep).map(|(k, v)| (k.clone(), v.clone()));
            items[at] = Value::Object(kept.collect());
        }
    }
}
