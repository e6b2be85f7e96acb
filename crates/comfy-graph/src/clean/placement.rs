//! Where one thing lies: a node, a group, a reroute, or a boundary node of a subgraph,
//! under a name that a graph and what `split` took out of it share.
//!
//! Must not know clocks, nor where layouts are kept.

use rustc_hash::FxHashMap;

use super::layout_view::list_items_mut;
use super::policy::{BOUNDARY, GROUP, NODE, ObjectPolicy, REROUTE};
use super::split::element_id;
use crate::graph::MAX_DEFINITION_DEPTH;
use crate::json::{JsonKey, Object, Value};

/// Names a thing that has a place: `n3` is node 3 of the root, `g1` a group, `r2` a
/// reroute, `<definition>/i` and `<definition>/o` the boundary of a subgraph. A thing
/// whose name is taken already has its number behind it (`n3#1`).
pub(super) type PlaceKey = JsonKey;

/// What lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceKind {
    /// A node.
    Node,
    /// A group.
    Group,
    /// A reroute of a link.
    Reroute,
    /// The box at an end of a subgraph.
    Boundary,
}

impl PlaceKind {
    /// The members that say where it lies and how it looks.
    pub(super) fn members(self) -> &'static [&'static str] {
        match self {
            PlaceKind::Node => &["pos", "size", "flags", "showAdvanced"],
            PlaceKind::Group => &["bounding", "flags"],
            PlaceKind::Reroute => &["pos"],
            PlaceKind::Boundary => &["bounding", "pinned"],
        }
    }

    /// The rules of the object it is.
    pub(super) fn class(self) -> &'static ObjectPolicy {
        match self {
            PlaceKind::Node => &NODE,
            PlaceKind::Group => &GROUP,
            PlaceKind::Reroute => &REROUTE,
            PlaceKind::Boundary => &BOUNDARY,
        }
    }

    pub(super) fn from_key(key: &str) -> PlaceKind {
        match key.as_bytes().get(key_scope(key).len()) {
            Some(b'g') => PlaceKind::Group,
            Some(b'r') => PlaceKind::Reroute,
            Some(b'i' | b'o') => PlaceKind::Boundary,
            _ => PlaceKind::Node,
        }
    }
}

/// The part of a name that says in which graph: empty, or a definition with its slash.
pub(super) fn key_scope(key: &str) -> &str {
    &key[..key.bytes().rposition(|byte| byte == b'/').map_or(0, |slash| slash + 1)]
}

/// The name of a node of a graph.
pub(super) fn node_key(scope: &str, id: &str) -> PlaceKey {
    JsonKey::from(format!("{}n{}", scope_prefix(scope), escape_id(id)))
}

/// What stands before the names of all things of a definition; nothing for the root.
pub(super) fn scope_prefix(definition: &str) -> String {
    if definition.is_empty() { String::new() } else { format!("{}/", escape_id(definition)) }
}

/// Ids are a stranger's; these characters mean something in names and lists of names.
fn escape_id(id: &str) -> String {
    let plain = |c: char| !matches!(c, '%' | '/' | '#' | ' ');
    if id.chars().all(plain) {
        return id.to_owned();
    }
    id.chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("%{:02x}", c as u32) })
        .collect()
}

/// Shows every thing that can have a place, in a graph or in what was taken out of it.
pub(super) fn visit_places(
    graph: &mut Object,
    seen: &mut dyn FnMut(PlaceKey, PlaceKind, &mut Object),
) {
    visit_graph_places(graph, "", seen, 0);
}

fn visit_graph_places(
    graph: &mut Object,
    scope: &str,
    seen: &mut dyn FnMut(PlaceKey, PlaceKind, &mut Object),
    depth: usize,
) {
    let mut names = PlaceNamer { scope, taken: FxHashMap::default() };
    let mut list = |object: &mut Object, key: &str, kind: PlaceKind, letter: char| {
        for item in list_items_mut(object, key).iter_mut() {
            let Some(name) = names.name_item(item, kind, letter) else { continue };
            if let Value::Object(item) = item {
                seen(name, kind, item);
            }
        }
    };
    list(graph, "nodes", PlaceKind::Node, 'n');
    list(graph, "groups", PlaceKind::Group, 'g');
    list(graph, "reroutes", PlaceKind::Reroute, 'r');
    if let Some(Value::Object(extra)) = graph.get_mut("extra") {
        list(extra, "reroutes", PlaceKind::Reroute, 'r');
    }
    for (key, letter) in [("inputNode", 'i'), ("outputNode", 'o')] {
        if let Some(Value::Object(boundary)) = graph.get_mut(key) {
            seen(JsonKey::from(format!("{scope}{letter}")), PlaceKind::Boundary, boundary);
        }
    }
    let Some(Value::Object(definitions)) = graph.get_mut("definitions") else { return };
    if depth >= MAX_DEFINITION_DEPTH {
        return;
    }
    for definition in
        list_items_mut(definitions, "subgraphs").iter_mut().filter_map(Value::as_object_mut)
    {
        let Some(id) = definition.get("id").and_then(Value::as_str) else { continue };
        let scope = scope_prefix(id);
        visit_graph_places(definition, &scope, seen, depth + 1);
    }
}

/// Names the things of one graph; a name that is taken gets a number behind it.
struct PlaceNamer<'s> {
    scope: &'s str,
    taken: FxHashMap<String, usize>,
}

impl PlaceNamer<'_> {
    fn name_item(&mut self, item: &Value, kind: PlaceKind, letter: char) -> Option<PlaceKey> {
        let id = match element_id(item) {
            Some(Value::String(id)) => escape_id(id),
            Some(Value::Number(id)) => id.as_str().to_owned(),
            _ if kind == PlaceKind::Group => {
                format!(
                    "'{}",
                    escape_id(item.get("title").and_then(Value::as_str).unwrap_or_default())
                )
            }
            _ => return None,
        };
        let name = format!("{}{letter}{id}", self.scope);
        let count = self.taken.entry(name.clone()).or_default();
        *count += 1;
        Some(JsonKey::from(if *count == 1 { name } else { format!("{name}#{}", *count - 1) }))
    }
}

/// Position and extent, as far as they are given as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Geometry {
    pub(super) position: Option<(f64, f64)>,
    pub(super) extent: Option<(f64, f64)>,
}

impl Geometry {
    pub(super) fn from_members(members: &Object) -> Geometry {
        if let Some(corners) = members.get("bounding").and_then(Value::as_array) {
            let number = |at: usize| corners.get(at).and_then(Value::as_f64);
            let both = |a, b| Some((number(a)?, number(b)?));
            return Geometry { position: both(0, 1), extent: both(2, 3) };
        }
        Geometry {
            position: finite_pair(members.get("pos")),
            extent: finite_pair(members.get("size")),
        }
    }

    /// The same with all numbers multiplied.
    pub(super) fn scaled(self, factor: f64) -> Geometry {
        let times = |(a, b): (f64, f64)| (a * factor, b * factor);
        if factor == 1.0 {
            return self;
        }
        Geometry { position: self.position.map(times), extent: self.extent.map(times) }
    }

    /// The point that decides to which group a node or a reroute belongs: ComfyUI takes
    /// the middle of a node with its title bar, which is 30 high and above `pos`.
    pub(super) fn middle(self, kind: PlaceKind) -> Option<(f64, f64)> {
        let (x, y) = self.position?;
        match (kind, self.extent) {
            (PlaceKind::Node, Some((width, height))) => {
                Some((x + width / 2.0, y + (height - 30.0) / 2.0))
            }
            _ => Some((x, y)),
        }
    }
}

/// Two finite numbers, from `[a, b]` or `{"0": a, "1": b}`.
pub(super) fn finite_pair(value: Option<&Value>) -> Option<(f64, f64)> {
    let (a, b) = match value? {
        Value::Array(both) => (both.first()?.as_f64()?, both.get(1)?.as_f64()?),
        both => (both.get("0")?.as_f64()?, both.get("1")?.as_f64()?),
    };
    (a.is_finite() && b.is_finite()).then_some((a, b))
}

/// The members of a place in another scale, and moved.
pub(super) fn transform_members(members: &Object, factor: f64, by: (f64, f64)) -> Object {
    let mut members = members.clone();
    let moved = |(x, y): (f64, f64)| {
        (round_to_thousandth(x * factor + by.0), round_to_thousandth(y * factor + by.1))
    };
    let grown =
        |(x, y): (f64, f64)| (round_to_thousandth(x * factor), round_to_thousandth(y * factor));
    let geometry = Geometry::from_members(&members);
    match members.get_mut("bounding") {
        Some(bounding) => {
            if let (Some(at), Some(extent)) = (geometry.position, geometry.extent) {
                let ((x, y), (width, height)) = (moved(at), grown(extent));
                *bounding = Value::from(vec![x, y, width, height]);
            }
        }
        None => {
            if let (Some(at), Some(pos)) = (geometry.position, members.get_mut("pos")) {
                let (x, y) = moved(at);
                *pos = Value::from(vec![x, y]);
            }
            if let (Some(extent), Some(size), true) =
                (geometry.extent, members.get_mut("size"), factor != 1.0)
            {
                let (width, height) = grown(extent);
                *size = Value::from(vec![width, height]);
            }
        }
    }
    members
}

/// A thousandth of a pixel is below what anybody sees, and hides the noise of sums.
fn round_to_thousandth(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The members of an object that make up its place.
pub(super) fn place_members(object: &Object, kind: PlaceKind) -> Object {
    let members = kind.members().iter();
    members.filter_map(|key| Some((JsonKey::new(key), object.get(key)?.clone()))).collect()
}
