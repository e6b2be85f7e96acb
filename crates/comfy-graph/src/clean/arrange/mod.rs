//! Places for what has none: nodes that came in by a merge, or a whole workflow whose
//! layout nobody knows. What has a place keeps it.
//!
//! [`arrange_again`] is for who asks: then everything, or some nodes, are arranged anew.
//!
//! Group membership is geometry in ComfyUI. A group whose box is known grows around new
//! nodes that land in it; a group whose box is unknown is set below the graph, empty,
//! because enclosing nodes that may never have been in it would be a guess.
//! Must not know styles, layouts or where they are kept.

mod group_tree;
mod layered;
mod node_size;

use layered::{Arrows, BoxPosition, LayoutBox};
use node_size::NodeSizes;
use rustc_hash::{FxHashMap, FxHashSet};

use super::placement::{self, PlaceKey, PlaceKind, key_scope, visit_places};
use super::policy::{BOUNDARY_BOX, GROUP_BOX, NODE};
use super::split::{definitions_mut, sort_members};
use crate::graph::{GraphScope, NodeId, NodeKey, SubgraphId};
use crate::json::{Object, Value};

/// Height of a node's title bar, which lies above its `pos`.
const TITLE_HEIGHT: f64 = 30.0;
/// Room between a group's border and the nodes inside.
const GROUP_MARGIN: f64 = 20.0;
/// Beyond this a coordinate is taken for damage.
const MAX_COORDINATE: f64 = 1e7;
/// Beyond this a width or height is.
const MAX_EXTENT: f64 = 2e4;

/// Gives a place to everything in a workflow that has none.
pub(super) fn arrange_missing(workflow: &mut Object) {
    let sizes = NodeSizes::from_workflow(workflow);
    MissingPlaces { cards: conflict_cards(workflow), sizes }.arrange_workflow(workflow);
}

/// What is to be arranged anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrangeExtent<'a> {
    /// Everything.
    All,
    /// Some nodes among themselves, about where they are.
    Nodes(&'a [NodeKey]),
}

/// Arranges a workflow that has places anew. What lies in a group stays in it; everything
/// stays about where it was as a whole, and nothing is covered.
pub(super) fn arrange_again(workflow: &mut Object, extent: ArrangeExtent<'_>) {
    let sizes = NodeSizes::from_workflow(workflow);
    let again = PlacesAgain { cards: conflict_cards(workflow), sizes, extent };
    again.arrange_graph(workflow, &GraphScope::Root);
    for definition in definitions_mut(workflow) {
        let scope = definition_scope(definition);
        again.arrange_graph(definition, &scope);
    }
}

fn definition_scope(definition: &Object) -> GraphScope {
    let id = definition.get("id").and_then(Value::as_str).unwrap_or_default();
    GraphScope::Definition(SubgraphId::new(id))
}

/// A node that is to lie where it lies, unless it would cover one of those things.
pub(super) struct OverlapCheck {
    pub(super) node: PlaceKey,
    /// The names of what may be in its way.
    pub(super) obstacles: FxHashSet<PlaceKey>,
}

/// Moves nodes off what they would cover, each by the least that clears it, the earlier
/// ones first. Gives the names of those that were moved.
pub(super) fn clear_overlaps(
    workflow: &mut Object,
    wishes: Vec<OverlapCheck>,
) -> FxHashSet<PlaceKey> {
    let mut moved = FxHashSet::default();
    if wishes.iter().all(|wish| wish.obstacles.is_empty()) {
        return moved;
    }
    let mut rects: FxHashMap<PlaceKey, LayoutBox> = FxHashMap::default();
    visit_places(workflow, &mut |key, kind, item| {
        if kind == PlaceKind::Node
            && let Some(rect) = known_rect(item)
        {
            rects.insert(key, rect);
        }
    });
    for wish in wishes {
        let Some(rect) = rects.get(&wish.node).copied() else { continue };
        let obstacles: FxHashSet<&PlaceKey> = wish.obstacles.iter().collect();
        // It goes off them, and onto nothing that it did not lie on.
        let mut taken: Vec<(&PlaceKey, LayoutBox)> = rects
            .iter()
            .filter(|(key, _)| **key != wish.node && key_scope(key) == key_scope(&wish.node))
            .filter(|(key, other)| obstacles.contains(key) || !other.overlaps(&rect))
            .map(|(key, other)| (key, *other))
            .collect();
        taken.sort_by_key(|(key, _)| *key);
        let taken: Vec<LayoutBox> = taken.into_iter().map(|(_, rect)| rect).collect();
        let cleared = layered::nearest_clear_place(rect, &taken);
        if cleared != rect {
            rects.insert(wish.node.clone(), cleared);
            moved.insert(wish.node);
        }
    }
    visit_places(workflow, &mut |key, _, item| {
        if moved.contains(&key)
            && let Some(rect) = rects.get(&key)
        {
            item.insert("pos", vec![rect.x, rect.y + TITLE_HEIGHT]);
        }
    });
    moved
}

/// The conflict cards a merge left: the node each is about, and the card.
fn conflict_cards(workflow: &Object) -> Vec<(NodeId, NodeId)> {
    let conflicts = workflow.get("extra").and_then(|extra| extra.get("git_comfy"));
    let conflicts = conflicts.and_then(|ours| ours.get("conflicts")).and_then(Value::as_array);
    let id = |conflict: &Value, key| NodeId::from_value(conflict.get(key)?);
    let pairs = conflicts.unwrap_or_default().iter();
    pairs.filter_map(|c| Some((id(c, "node")?, id(c, "card")?))).collect()
}

/// What is known beside the graphs themselves.
struct MissingPlaces {
    cards: Vec<(NodeId, NodeId)>,
    sizes: NodeSizes,
}

impl MissingPlaces {
    fn arrange_workflow(&self, workflow: &mut Object) {
        self.arrange_graph(workflow, &GraphScope::Root);
        for definition in definitions_mut(workflow) {
            let scope = definition_scope(definition);
            self.arrange_graph(definition, &scope);
        }
    }

    fn arrange_graph(&self, graph: &mut Object, scope: &GraphScope) {
        let (boxes, arrows) = self.arrange_nodes(graph, scope);
        place_reroutes(graph, &boxes);
        let all = boxes.rects.iter().copied();
        let mut extent = all.reduce(|a, b| a.around(&b)).unwrap_or_default();
        place_groups(graph, &boxes, &mut extent);
        place_boundary(graph, extent);
        number_nodes(graph, &arrows, &|at| boxes.is_new(at));
    }

    fn arrange_nodes(&self, graph: &mut Object, scope: &GraphScope) -> (NodeBoxes, Arrows) {
        let mut boxes = NodeBoxes::from_graph(graph, scope, &self.sizes);
        let arrows = boxes.arrows(graph, &self.cards);
        let before: Vec<BoxPosition> = boxes.positions.clone();
        if before.iter().all(|hold| *hold == BoxPosition::None) {
            arrange_with_notes(&mut boxes.rects, &boxes.is_note, &arrows);
        } else if before.iter().any(|hold| *hold != BoxPosition::Fixed) {
            layered::place_beside(&mut boxes.rects, &mut boxes.positions, &arrows);
        }
        boxes.positions = before;
        let nodes = graph.get_mut("nodes").and_then(Value::as_array_mut);
        for (at, node) in nodes.into_iter().flatten().enumerate() {
            if let (Value::Object(node), true) = (node, boxes.is_new(at)) {
                write_place(node, boxes.rects[at]);
            }
        }
        (boxes, arrows)
    }
}

/// Arranges boxes; notes that nothing is wired to stand in columns on the left, where one
/// begins to read.
fn arrange_with_notes(boxes: &mut [LayoutBox], is_note: &[bool], arrows: &Arrows) {
    let is_loose = |at: usize| arrows.after[at].is_empty() && arrows.before[at].is_empty();
    let (notes, others): (Vec<usize>, Vec<usize>) =
        (0..boxes.len()).partition(|&at| is_note[at] && is_loose(at));
    if notes.is_empty() || others.is_empty() {
        layered::arrange_layers(boxes, arrows);
        return;
    }
    let mut rects: Vec<LayoutBox> = others.iter().map(|&at| boxes[at]).collect();
    let mut place = vec![None; boxes.len()];
    for (at, &other) in others.iter().enumerate() {
        place[other] = Some(at);
    }
    let between = arrows
        .after
        .iter()
        .enumerate()
        .flat_map(|(from, after)| after.iter().map(move |&to| (from, to)));
    let between: Vec<(usize, usize)> =
        between.filter_map(|(from, to)| Some((place[from]?, place[to]?))).collect();
    layered::arrange_layers(&mut rects, &Arrows::new(others.len(), between.into_iter()));
    let extent = rects.iter().copied().reduce(|a, b| a.around(&b)).unwrap_or_default();
    for (&at, rect) in others.iter().zip(rects) {
        boxes[at] = rect;
    }
    layered::place_columns_left(boxes, &notes, extent);
}

/// Arranging anew what has places.
struct PlacesAgain<'a> {
    cards: Vec<(NodeId, NodeId)>,
    sizes: NodeSizes,
    extent: ArrangeExtent<'a>,
}

impl PlacesAgain<'_> {
    fn arrange_graph(&self, graph: &mut Object, scope: &GraphScope) {
        let mut boxes = NodeBoxes::from_graph(graph, scope, &self.sizes);
        let arrows = boxes.arrows(graph, &self.cards);
        let chosen: Vec<usize> = match self.extent {
            ArrangeExtent::All => (0..boxes.rects.len()).collect(),
            ArrangeExtent::Nodes(keys) => {
                let here = keys.iter().filter(|key| key.scope == *scope);
                here.filter_map(|key| boxes.index_of.get(&key.id).copied()).collect()
            }
        };
        if chosen.is_empty() {
            return;
        }
        match self.extent {
            ArrangeExtent::All => {
                let groups = arrange_all(&mut boxes, &arrows, graph);
                write_groups(graph, &groups);
            }
            ArrangeExtent::Nodes(_) => arrange_chosen(&mut boxes, &arrows, &chosen),
        }
        let nodes = graph.get_mut("nodes").and_then(Value::as_array_mut);
        for (at, node) in nodes.into_iter().flatten().enumerate() {
            if let (Value::Object(node), true) = (node, chosen.contains(&at)) {
                write_place(node, boxes.rects[at]);
            }
        }
        if self.extent == ArrangeExtent::All {
            forget_bends(graph);
            place_reroutes(graph, &boxes);
            let all = boxes.rects.iter().copied();
            let extent = all.reduce(|a, b| a.around(&b)).unwrap_or_default();
            place_boundary(graph, extent);
        }
    }
}

/// Arranges everything in its groups, from where its upper left corner was. Gives the groups,
/// those that hold nothing below the graph.
fn arrange_all(boxes: &mut NodeBoxes, arrows: &Arrows, graph: &Object) -> Vec<LayoutBox> {
    let list = graph.get("groups").and_then(Value::as_array).unwrap_or_default();
    let mut groups: Vec<LayoutBox> = list
        .iter()
        .map(|group| group.as_object().and_then(group_rect).unwrap_or_default())
        .collect();
    let corner = boxes.rects.iter().copied().reduce(|a, b| a.around(&b)).unwrap_or_default();
    let is_empty = group_tree::arrange_in_groups(&mut boxes.rects, arrows, &mut groups);
    let filled = groups.iter().zip(&is_empty).filter(|(_, empty)| !**empty).map(|(rect, _)| *rect);
    let all = boxes.rects.iter().copied().chain(filled);
    let extent = all.reduce(|a, b| a.around(&b)).unwrap_or_default();
    let empty: Vec<usize> = (0..groups.len()).filter(|&at| is_empty[at]).collect();
    layered::place_rows_below(&mut groups, &empty, extent);
    let (dx, dy) = (corner.x - extent.x, corner.y - extent.y);
    for rect in boxes.rects.iter_mut().chain(&mut groups) {
        rect.x += dx;
        rect.y += dy;
    }
    groups
}

/// Arranges some boxes among themselves, from their upper left corner on; as one they move off
/// what they would cover.
fn arrange_chosen(boxes: &mut NodeBoxes, arrows: &Arrows, chosen: &[usize]) {
    let mut place = vec![None; boxes.rects.len()];
    for (at, &node) in chosen.iter().enumerate() {
        place[node] = Some(at);
    }
    let mut rects: Vec<LayoutBox> = chosen.iter().map(|&at| boxes.rects[at]).collect();
    let corner = rects.iter().copied().reduce(|a, b| a.around(&b)).unwrap_or_default();
    let pairs = arrows.after.iter().enumerate();
    let pairs = pairs.flat_map(|(from, after)| after.iter().map(move |&to| (from, to)));
    let between: Vec<(usize, usize)> =
        pairs.filter_map(|(from, to)| Some((place[from]?, place[to]?))).collect();
    layered::arrange_layers(&mut rects, &Arrows::new(chosen.len(), between.into_iter()));
    let extent = rects.iter().copied().reduce(|a, b| a.around(&b)).unwrap_or_default();
    let wish = LayoutBox { x: corner.x, y: corner.y, ..extent };
    let others: Vec<LayoutBox> =
        (0..place.len()).filter(|&at| place[at].is_none()).map(|at| boxes.rects[at]).collect();
    let clear = layered::nearest_clear_place(wish, &others);
    for (&node, rect) in chosen.iter().zip(rects) {
        boxes.rects[node] =
            LayoutBox { x: rect.x - extent.x + clear.x, y: rect.y - extent.y + clear.y, ..rect };
    }
}

fn write_groups(graph: &mut Object, rects: &[LayoutBox]) {
    let groups = graph.get_mut("groups").and_then(Value::as_array_mut);
    for (group, rect) in groups.into_iter().flatten().zip(rects) {
        if let Value::Object(group) = group {
            set_bounding(group, *rect);
        }
    }
}

/// Bends and boundary go where they go in a graph that nobody placed.
fn forget_bends(graph: &mut Object) {
    let forget = |list: Option<&mut Value>| {
        let list = list.and_then(Value::as_array_mut);
        for reroute in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            reroute.insert("pos", vec![0_i64, 0]);
        }
    };
    forget(graph.get_mut("reroutes"));
    forget(graph.get_mut("extra").and_then(|extra| extra.get_mut("reroutes")));
    for key in ["inputNode", "outputNode"] {
        if let Some(Value::Object(boundary)) = graph.get_mut(key) {
            boundary.insert("bounding", BOUNDARY_BOX.to_vec());
        }
    }
}

/// The nodes of a graph as boxes, in the order of the list.
struct NodeBoxes {
    index_of: FxHashMap<NodeId, usize>,
    rects: Vec<LayoutBox>,
    is_note: Vec<bool>,
    /// How sure each place was when we came.
    positions: Vec<BoxPosition>,
}

impl NodeBoxes {
    fn from_graph(graph: &Object, scope: &GraphScope, sizes: &NodeSizes) -> Self {
        let nodes = graph.get("nodes").and_then(Value::as_array).unwrap_or_default();
        let mut boxes = NodeBoxes {
            index_of: FxHashMap::default(),
            rects: Vec::new(),
            is_note: Vec::new(),
            positions: Vec::new(),
        };
        for (at, node) in nodes.iter().enumerate() {
            if let Some(id) = node.get("id").and_then(NodeId::from_value) {
                boxes.index_of.entry(id).or_insert(at);
            }
            let class = node.get("type").and_then(Value::as_str);
            boxes.is_note.push(matches!(class, Some("Note" | "MarkdownNote")));
            let size = sizes.size_of(scope, node);
            let (width, height) = node.as_object().and_then(known_size).unwrap_or(size.preferred);
            let position = node.as_object().and_then(known_position);
            boxes.positions.push(match position {
                Some(_) => BoxPosition::Fixed,
                None => BoxPosition::None,
            });
            let (x, y) = position.unwrap_or((0.0, TITLE_HEIGHT));
            let height = height.max(size.least_height) + TITLE_HEIGHT;
            boxes.rects.push(LayoutBox { x, y: y - TITLE_HEIGHT, width, height });
        }
        boxes
    }

    /// The links between nodes, and from nodes to the cards about them.
    fn arrows(&self, graph: &Object, cards: &[(NodeId, NodeId)]) -> Arrows {
        let links = node_links(graph).map(|(_, from, to)| (from, to));
        let place = |id: &NodeId| self.index_of.get(id).copied();
        let joined = links.chain(cards.iter().cloned());
        let arrows: Vec<(usize, usize)> =
            joined.filter_map(|(a, b)| Some((place(&a)?, place(&b)?))).collect();
        Arrows::new(self.rects.len(), arrows.into_iter())
    }

    fn rect_of(&self, id: &NodeId) -> Option<LayoutBox> {
        self.index_of.get(id).map(|&at| self.rects[at])
    }

    /// Whether we chose the place.
    fn is_new(&self, at: usize) -> bool {
        self.positions[at] != BoxPosition::Fixed
    }
}

/// The links of a graph that join two nodes: link id, from, to.
fn node_links(graph: &Object) -> impl Iterator<Item = (Option<i64>, NodeId, NodeId)> {
    let links = graph.get("links").and_then(Value::as_array).unwrap_or_default();
    links.iter().filter_map(|link| {
        let member = |at, key| match link {
            Value::Array(row) => row.get(at),
            other => other.get(key),
        };
        let from = NodeId::from_value(member(1, "origin_id")?)?;
        let to = NodeId::from_value(member(3, "target_id")?)?;
        Some((member(0, "id").and_then(Value::as_i64), from, to))
    })
}

/// Two numbers that are no damage.
fn sane_pair(value: Option<&Value>, limit: f64) -> Option<(f64, f64)> {
    placement::finite_pair(value).filter(|(a, b)| a.abs() <= limit && b.abs() <= limit)
}

fn known_size(node: &Object) -> Option<(f64, f64)> {
    sane_pair(node.get("size"), MAX_EXTENT).map(|(width, height)| (width.max(1.0), height.max(0.0)))
}

fn known_position(node: &Object) -> Option<(f64, f64)> {
    sane_pair(node.get("pos"), MAX_COORDINATE)
}

/// The box of a node that has a place; one whose size nobody knows is as large as most.
fn known_rect(node: &Object) -> Option<LayoutBox> {
    let (x, y) = known_position(node)?;
    let (width, height) = known_size(node).unwrap_or((270.0, 120.0));
    Some(LayoutBox { x, y: y - TITLE_HEIGHT, width, height: height + TITLE_HEIGHT })
}

/// Writes position and size where they belong among the writer's keys.
fn write_place(node: &mut Object, rect: LayoutBox) {
    let has_size = sane_pair(node.get("size"), MAX_EXTENT).is_some();
    node.insert("pos", vec![rect.x.round(), (rect.y + TITLE_HEIGHT).round()]);
    if !has_size {
        node.insert("size", vec![rect.width.round(), (rect.height - TITLE_HEIGHT).round()]);
    }
}

/// Native reroutes stand halfway along their first link.
fn place_reroutes(graph: &mut Object, boxes: &NodeBoxes) {
    let middles: FxHashMap<i64, (f64, f64)> = node_links(graph)
        .filter_map(|(id, from, to)| {
            let (from, to) = (boxes.rect_of(&from)?, boxes.rect_of(&to)?);
            Some((id?, ((from.right() + to.x) / 2.0, (from.y + to.y) / 2.0)))
        })
        .collect();
    let place = |list: Option<&mut Value>| {
        let list = list.and_then(Value::as_array_mut);
        for reroute in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            if !equals_constant(reroute.get("pos"), &[0, 0]) {
                continue;
            }
            let first =
                reroute.get("linkIds").and_then(|ids| ids.get_index(0)).and_then(Value::as_i64);
            if let Some((x, y)) = first.and_then(|id| middles.get(&id)) {
                reroute.insert("pos", vec![x.round(), y.round()]);
            }
        }
    };
    place(graph.get_mut("reroutes"));
    place(graph.get_mut("extra").and_then(|extra| extra.get_mut("reroutes")));
}

fn equals_constant(value: Option<&Value>, constant: &[i64]) -> bool {
    value.is_some_and(|value| *value == Value::from(constant.to_vec()))
}

fn group_rect(group: &Object) -> Option<LayoutBox> {
    let corners = group.get("bounding")?.as_array()?;
    let number = |at: usize| corners.get(at)?.as_f64().filter(|n| n.abs() <= MAX_COORDINATE);
    let rect = LayoutBox { x: number(0)?, y: number(1)?, width: number(2)?, height: number(3)? };
    (rect.width >= 0.0 && rect.height >= 0.0).then_some(rect)
}

fn set_bounding(object: &mut Object, rect: LayoutBox) {
    let corners = [rect.x, rect.y, rect.width, rect.height];
    object.insert("bounding", corners.map(f64::round).to_vec());
}

/// Grows groups around the new nodes that landed in them and sets unknown ones below.
fn place_groups(graph: &mut Object, boxes: &NodeBoxes, extent: &mut LayoutBox) {
    let groups = graph.get_mut("groups").and_then(Value::as_array_mut);
    let mut unknown = Vec::new();
    for group in groups.into_iter().flatten().filter_map(Value::as_object_mut) {
        if equals_constant(group.get("bounding"), &GROUP_BOX) {
            unknown.push(group);
            continue;
        }
        let Some(before) = group_rect(group) else { continue };
        let grown = grow_group(before, boxes);
        if grown != before {
            set_bounding(group, grown);
        }
        *extent = extent.around(&grown);
    }
    let mut rects: Vec<LayoutBox> = unknown
        .iter()
        .map(|group| {
            let title = group.get("title").and_then(Value::as_str).unwrap_or_default();
            let width = 40.0 + 14.0 * title.chars().take(60).count() as f64;
            LayoutBox { width: width.max(140.0), height: 80.0, ..LayoutBox::default() }
        })
        .collect();
    let which: Vec<usize> = (0..rects.len()).collect();
    layered::place_rows_below(&mut rects, &which, *extent);
    for (group, rect) in unknown.into_iter().zip(rects) {
        set_bounding(group, rect);
        *extent = extent.around(&rect);
    }
}

/// A group's box, grown until it encloses every new node whose middle lies in it.
fn grow_group(group: LayoutBox, boxes: &NodeBoxes) -> LayoutBox {
    let mut grown = group;
    for at in (0..boxes.rects.len()).filter(|&at| boxes.is_new(at)) {
        let rect = boxes.rects[at];
        let (x, y) = (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
        let inside = group.x <= x && x <= group.right() && group.y <= y && y <= group.bottom();
        if inside {
            grown = grown.around(&LayoutBox {
                x: rect.x - GROUP_MARGIN,
                y: rect.y - GROUP_MARGIN,
                width: rect.width + 2.0 * GROUP_MARGIN,
                height: rect.height + 2.0 * GROUP_MARGIN,
            });
        }
    }
    grown
}

/// The boundary nodes of a subgraph stand left and right of everything.
fn place_boundary(graph: &mut Object, extent: LayoutBox) {
    for (key, slots) in [("inputNode", "inputs"), ("outputNode", "outputs")] {
        let rows = graph.get(slots).and_then(Value::as_array).map_or(0, <[Value]>::len);
        let Some(Value::Object(boundary)) = graph.get_mut(key) else { continue };
        if !equals_constant(boundary.get("bounding"), &BOUNDARY_BOX) {
            continue;
        }
        let width = 130.0;
        let x = match key {
            "inputNode" => extent.x - 80.0 - width,
            _ => extent.right() + 80.0,
        };
        let height = 40.0 + 20.0 * rows as f64;
        set_bounding(boundary, LayoutBox { x, y: extent.y, width, height });
    }
}

/// Writes `flags` and the execution order where they are missing: the schema asks for
/// both. ComfyUI works the order out again on load.
fn number_nodes(graph: &mut Object, arrows: &Arrows, is_new: &dyn Fn(usize) -> bool) {
    let mut rank = vec![0_usize; arrows.after.len()];
    for (place, at) in arrows.topological_order().into_iter().enumerate() {
        rank[at] = place;
    }
    let nodes = graph.get_mut("nodes").and_then(Value::as_array_mut);
    for (at, node) in nodes.into_iter().flatten().enumerate() {
        let Value::Object(node) = node else { continue };
        // A node that came back whole has the order of members that its writer gave it.
        if node.contains_key("flags") && node.contains_key("order") && !is_new(at) {
            continue;
        }
        if !node.contains_key("flags") {
            node.append("flags", Object::new());
        }
        if !node.contains_key("order") {
            node.append("order", rank[at]);
        }
        sort_members(node, &NODE);
    }
}
