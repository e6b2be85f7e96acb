//! One graph with everything in its place: where nodes and boundary lie, where wires begin
//! and end, and the items these become.
//!
//! Must not know a second state to compare with.

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{
    Graph, GraphScope, Group, LinkId, Node, NodeId, NodeMode, SlotName, SubgraphDefinition, Wire,
    WireSink, WireSource, Wires, Workflow,
};
use comfy_graph::json::{Object, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::drawing::{ChangeMark, Dash, Item, ItemKind, Shape, Stroke, Views};
use crate::drawing_colors as colors;
use crate::geometry::{Point, Rect};
use crate::node_layout::NodeLayout;
use crate::node_shapes::{NodeChange, draw_badge, node_shapes, value_text};
use crate::text_shapes::{ShapeList, TextLook, solid};

/// Longer values are cut where they are told in words.
const MAX_FACT_CHARS: usize = 4000;
/// As many bends of one wire are followed: more are a circle.
const MAX_BENDS: usize = 256;

pub(crate) struct GraphScene<'w> {
    pub(crate) workflow: &'w Workflow,
    pub(crate) catalog: &'w Catalog,
    pub(crate) graph: &'w Graph,
    pub(crate) definition: Option<&'w SubgraphDefinition>,
    pub(crate) layouts: FxHashMap<NodeId, NodeLayout<'w>>,
    inputs: Option<BoundaryLayout>,
    outputs: Option<BoundaryLayout>,
}

/// The slots on one side of a subgraph's boundary.
struct BoundaryLayout {
    bounds: Rect,
    /// Name as shown, name, type.
    slots: Vec<(String, SlotName, String)>,
    /// The side on which wires hang: the right one for inputs.
    is_input: bool,
}

impl BoundaryLayout {
    fn read(definition: &SubgraphDefinition, is_input: bool) -> Option<BoundaryLayout> {
        let key = if is_input { "inputNode" } else { "outputNode" };
        let bounding = definition.graph.rest.get(key)?.get("bounding")?.as_array()?;
        let number =
            |at: usize| bounding.get(at)?.as_f64().filter(|n| n.is_finite() && n.abs() <= 1e7);
        let (x, y, width, height) = (number(0)?, number(1)?, number(2)?, number(3)?);
        let slots: Vec<(String, SlotName, String)> = if is_input {
            let name = |slot: comfy_graph::graph::Slot<'_>| {
                (
                    slot.display_name().to_owned(),
                    definition.input_name(slot.at),
                    slot.kind().to_owned(),
                )
            };
            definition.inputs().map(name).collect()
        } else {
            let name = |slot: comfy_graph::graph::Slot<'_>| {
                (
                    slot.display_name().to_owned(),
                    definition.output_name(slot.at),
                    slot.kind().to_owned(),
                )
            };
            definition.outputs().map(name).collect()
        };
        let least = 20.0 * (slots.len() + 1) as f64 + 20.0;
        let bounds = Rect::new(x, y, width.clamp(60.0, 2e4), height.clamp(least, 1e6));
        Some(BoundaryLayout { bounds, slots, is_input })
    }

    fn point(&self, name: &SlotName) -> Point {
        let at = self.slots.iter().position(|(_, known, _)| known == name).unwrap_or(0);
        let x = if self.is_input { self.bounds.right() - 10.0 } else { self.bounds.x + 10.0 };
        Point::new(x, self.bounds.y + 20.0 + 20.0 * at as f64)
    }

    fn item(&self) -> Item {
        let mut list = ShapeList::default();
        let size = Rect::new(0.0, 0.0, self.bounds.width, self.bounds.height);
        let edge = Some(solid(colors::NODE_EDGE, 1.5));
        list.rect(size, [10.0; 2], Some(colors::NODE_BODY.with_alpha(90)), edge);
        for (shown, name, kind) in &self.slots {
            let at = self.point(name).offset(-self.bounds.x, -self.bounds.y);
            list.circle(at, 4.5, colors::type_color(kind));
            let look = TextLook::new(12.0, colors::SLOT_TEXT);
            let (dx, look) = if self.is_input { (-10.0, look.ending()) } else { (10.0, look) };
            list.text(at.offset(dx, 4.0), shown, size.width - 26.0, look);
        }
        let name = if self.is_input { "Inputs" } else { "Outputs" };
        Item {
            kind: ItemKind::Boundary,
            id: if self.is_input { "-10".to_owned() } else { "-20".to_owned() },
            name: name.to_owned(),
            bounds: self.bounds,
            views: Views::ALL,
            mark: None,
            opens: None,
            facts: self.slots.iter().map(|(name, _, kind)| (name.clone(), kind.clone())).collect(),
            shapes: list.shapes,
        }
    }
}

/// A wire with its ends and bends on the canvas.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WirePath {
    pub(crate) link: LinkId,
    pub(crate) points: Vec<Point>,
    pub(crate) kind: String,
}

impl<'w> GraphScene<'w> {
    pub(crate) fn new(
        workflow: &'w Workflow,
        scope: &GraphScope,
        catalog: &'w Catalog,
    ) -> Option<GraphScene<'w>> {
        let graph = workflow.graph(scope)?;
        let definition = match scope {
            GraphScope::Root => None,
            GraphScope::Definition(id) => workflow.definitions.get(id),
        };
        let layouts = graph
            .nodes
            .iter()
            .map(|(id, node)| (id.clone(), NodeLayout::new(workflow, node, catalog)))
            .collect();
        let boundary = |is_input| definition.and_then(|d| BoundaryLayout::read(d, is_input));
        let (inputs, outputs) = (boundary(true), boundary(false));
        Some(GraphScene { workflow, catalog, graph, definition, layouts, inputs, outputs })
    }

    pub(crate) fn wires(&self) -> Wires {
        Wires::from_graph(self.graph)
    }

    /// The course of a wire; nothing where an end is not on the canvas.
    pub(crate) fn wire_path(&self, wire: &Wire) -> Option<WirePath> {
        let (from, kind) = match &wire.from {
            WireSource::Node { id, slot } => {
                let layout = self.layouts.get(id)?;
                let kind = layout.outputs.get(*slot).map(|socket| socket.kind.clone());
                (layout.output_point(*slot), kind)
            }
            WireSource::Boundary(name) => (self.inputs.as_ref()?.point(name), None),
        };
        let to = match &wire.to {
            WireSink::Node { id, input } => {
                let node = self.graph.nodes.get(id)?;
                let at = node.input(input).map_or(0, |slot| slot.at);
                self.layouts.get(id)?.input_point(at)
            }
            WireSink::Boundary(name) => self.outputs.as_ref()?.point(name),
        };
        let link = self.graph.links.get(&wire.link)?;
        let own = link.kind().as_str().filter(|kind| !kind.is_empty() && *kind != "*");
        let kind = own.map(str::to_owned).or(kind).unwrap_or_default();
        let mut bends = Vec::new();
        let mut next = link.parent();
        while let Some(reroute) = next.and_then(|id| self.graph.reroutes.get(&id)) {
            if bends.len() == MAX_BENDS {
                break;
            }
            bends.extend(reroute_point(reroute.raw()));
            next = reroute.parent();
        }
        bends.reverse();
        let points = std::iter::once(from).chain(bends).chain([to]).collect();
        Some(WirePath { link: wire.link, points, kind })
    }

    pub(crate) fn node_item(
        &self,
        node: &'w Node,
        opens: Option<usize>,
        change: &NodeChange,
        views: Views,
    ) -> Option<Item> {
        let layout = self.layouts.get(node.id())?;
        Some(Item {
            kind: if layout.note.is_some() { ItemKind::Note } else { ItemKind::Node },
            id: node.id().to_string(),
            name: layout.title.to_owned(),
            bounds: layout.bounds,
            views,
            mark: change.mark,
            opens,
            facts: self.facts(node, layout),
            shapes: node_shapes(node, layout, self.workflow.definition_of(node).is_some(), change),
        })
    }

    /// What is known of a node, in words.
    fn facts(&self, node: &Node, layout: &NodeLayout<'_>) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let class = self.workflow.definition_of(node).map(SubgraphDefinition::name);
        let kind = match class {
            Some(name) => format!("subgraph {name}"),
            None => node.class().to_owned(),
        };
        facts.push(("type".to_owned(), kind));
        match node.mode() {
            NodeMode::Always => {}
            NodeMode::Mute => facts.push(("mode".to_owned(), "muted".to_owned())),
            NodeMode::Bypass => facts.push(("mode".to_owned(), "bypassed".to_owned())),
            other => facts.push(("mode".to_owned(), other.number().to_string())),
        }
        if let Some(note) = layout.note {
            facts.push(("text".to_owned(), cut_fact(note.text)));
        }
        // A collapsed node has its widgets all the same.
        let face;
        let widgets: Vec<(&str, &Value)> = if layout.is_collapsed {
            face =
                comfy_graph::catalog::node_face::NodeFace::read(self.workflow, node, self.catalog);
            face.widgets.iter().map(|w| (w.name.as_str(), w.value.as_ref())).collect()
        } else {
            layout.widgets.iter().map(|w| (w.label.as_str(), w.face.value.as_ref())).collect()
        };
        for (name, value) in widgets {
            facts.push((name.to_owned(), cut_fact(&value_text(value))));
        }
        for slot in node.inputs() {
            let Some(link) = slot.link().and_then(|link| self.graph.links.get(&link)) else {
                continue;
            };
            let from = match link.from() {
                comfy_graph::graph::LinkEnd::Node { id, slot } => {
                    let Some(source) = self.graph.nodes.get(id) else { continue };
                    let name = source.output_at(*slot).map(|o| o.display_name().to_owned());
                    let title = comfy_graph::catalog::node_face::node_title(
                        self.workflow,
                        source,
                        self.catalog,
                    );
                    format!("\u{2190} {title} #{id} {}", name.unwrap_or_default())
                }
                comfy_graph::graph::LinkEnd::GraphInput { .. } => {
                    "\u{2190} input of the subgraph".to_owned()
                }
                _ => continue,
            };
            facts.push((slot.display_name().to_owned(), from));
        }
        facts
    }

    pub(crate) fn boundary_items(&self) -> Vec<Item> {
        [&self.inputs, &self.outputs].into_iter().flatten().map(BoundaryLayout::item).collect()
    }

    /// The bends that wires pass through.
    pub(crate) fn reroute_items(&self) -> Vec<Item> {
        let used: FxHashSet<_> = self
            .graph
            .links
            .values()
            .filter_map(|link| Some((link.parent()?, link)))
            .flat_map(|(parent, link)| {
                let mut chain = Vec::new();
                let mut next = Some(parent);
                while let Some(reroute) = next.and_then(|id| self.graph.reroutes.get(&id)) {
                    if chain.len() == MAX_BENDS {
                        break;
                    }
                    chain.push((reroute.id(), link.id()));
                    next = reroute.parent();
                }
                chain
            })
            .collect();
        let kinds: FxHashMap<_, _> = used.into_iter().collect();
        let item = |reroute: &comfy_graph::graph::Reroute| {
            let at = reroute_point(reroute.raw())?;
            let link = self.graph.links.get(kinds.get(&reroute.id())?)?;
            let paint = colors::type_color(link.kind().as_str().unwrap_or_default());
            let mut list = ShapeList::default();
            list.circle(Point::new(8.0, 8.0), 8.0, colors::CANVAS);
            list.circle(Point::new(8.0, 8.0), 6.0, paint);
            Some(Item {
                kind: ItemKind::Reroute,
                id: reroute.id().to_string(),
                name: String::new(),
                bounds: Rect::new(at.x - 8.0, at.y - 8.0, 16.0, 16.0),
                views: Views::ALL,
                mark: None,
                opens: None,
                facts: Vec::new(),
                shapes: list.shapes,
            })
        };
        self.graph.reroutes.values().filter_map(item).collect()
    }
}

fn cut_fact(text: &str) -> String {
    let text = crate::text::block_text(text);
    match text.char_indices().nth(MAX_FACT_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

fn reroute_point(raw: &Object) -> Option<Point> {
    let pair = raw.get("pos")?;
    let number = |at: usize| pair.get_index(at)?.as_f64().filter(|n| n.abs() <= 1e7);
    Some(Point::new(number(0)?, number(1)?))
}

/// A group as an item; nothing for one without a box.
pub(crate) fn group_item(
    group: &Group,
    at: usize,
    mark: Option<ChangeMark>,
    views: Views,
) -> Option<Item> {
    let [x, y, width, height] = group.bounding()?;
    let sane = |number: f64, limit: f64| number.is_finite() && number.abs() <= limit;
    if !(sane(x, 1e7) && sane(y, 1e7) && sane(width, 1e6) && sane(height, 1e6)) {
        return None;
    }
    let bounds = Rect::new(x, y, width.max(10.0), height.max(10.0));
    let mut list = ShapeList::default();
    let size = Rect::new(0.0, 0.0, bounds.width, bounds.height);
    let paint = colors::group_color(group.color());
    let edge = match mark {
        Some(mark) => colors::mark_stroke(mark),
        None => Stroke { paint: paint.with_alpha(150), width: 1.5, dash: Dash::Solid },
    };
    list.rect(size, [4.0; 2], Some(paint.with_alpha(38)), Some(edge));
    let bar = Rect::new(0.0, 0.0, size.width, 33.0_f64.min(size.height));
    list.rect(bar, [4.0, 0.0], Some(paint.with_alpha(64)), None);
    let look = TextLook::new(22.0, colors::TITLE_TEXT);
    list.text(Point::new(8.0, 25.0), group.title(), size.width - 16.0, look);
    if let Some(mark) = mark {
        draw_badge(&mut list, mark, Point::new(size.width - 4.0, 2.0));
    }
    Some(Item {
        kind: ItemKind::Group,
        id: at.to_string(),
        name: group.title().to_owned(),
        bounds,
        views,
        mark,
        opens: None,
        facts: Vec::new(),
        shapes: list.shapes,
    })
}

/// A wire as an item.
pub(crate) fn wire_item(path: &WirePath, mark: Option<ChangeMark>, views: Views) -> Item {
    let paint = match mark {
        Some(mark) => colors::mark_color(mark),
        None => colors::type_color(&path.kind),
    };
    let stroke = match mark {
        Some(mark) => Stroke { width: 4.0, ..colors::mark_stroke(mark) },
        None => solid(paint, 3.0),
    };
    let curves: Vec<[Point; 4]> = path
        .points
        .windows(2)
        .map(|ends| {
            let (from, to) = (ends[0], ends[1]);
            let reach = (to.x - from.x).hypot(to.y - from.y) * 0.25;
            [from, from.offset(reach, 0.0), to.offset(-reach, 0.0), to]
        })
        .collect();
    let all = curves.iter().flatten();
    let bounds = all.map(|p| Rect::new(p.x, p.y, 0.0, 0.0)).reduce(|a, b| a.union(&b));
    let bounds = bounds.unwrap_or_default().grown(4.0);
    let local = |point: Point| point.offset(-bounds.x, -bounds.y);
    let mut shapes: Vec<Shape> = Vec::new();
    for points in &curves {
        let points = points.map(local);
        if mark.is_some() {
            // On any ground the colour of the change stands out from what lies below.
            let halo = Stroke { paint: colors::CANVAS, width: 8.0, dash: Dash::Solid };
            shapes.push(Shape::Curve { points, stroke: halo });
        }
        shapes.push(Shape::Curve { points, stroke });
    }
    if let (Some(mark), Some(middle)) = (mark, curves.get(curves.len() / 2)) {
        let mut list = ShapeList { shapes };
        let at = curve_middle(middle);
        draw_badge(&mut list, mark, local(at));
        shapes = list.shapes;
    }
    Item {
        kind: ItemKind::Link,
        id: path.link.to_string(),
        name: String::new(),
        bounds,
        views,
        mark,
        opens: None,
        facts: Vec::new(),
        shapes,
    }
}

fn curve_middle([a, b, c, d]: &[Point; 4]) -> Point {
    let at = |a: f64, b: f64, c: f64, d: f64| (a + 3.0 * b + 3.0 * c + d) / 8.0;
    Point::new(at(a.x, b.x, c.x, d.x), at(a.y, b.y, c.y, d.y))
}

/// Where a node lay: an empty frame, and a line from there; around what moved and did nothing
/// else a line of its own.
pub(crate) fn trace_item(id: &NodeId, was: Rect, is: Rect, only_moved: bool) -> Item {
    let bounds = was.union(&is);
    let local = was.x - bounds.x;
    let mut list = ShapeList::default();
    let stroke = colors::mark_stroke(ChangeMark::Moved);
    let frame = Rect::new(local, was.y - bounds.y, was.width, was.height);
    list.rect(frame, [8.0; 2], None, Some(Stroke { width: 1.5, ..stroke }));
    let middle =
        |rect: &Rect| Point::new(rect.x + rect.width / 2.0 - bounds.x, rect.y + 15.0 - bounds.y);
    list.line(middle(&was), middle(&is), Stroke { width: 1.5, ..stroke });
    if only_moved {
        let here = Rect::new(is.x - bounds.x, is.y - bounds.y, is.width, is.height);
        list.rect(here.grown(2.0), [10.0; 2], None, Some(stroke));
        draw_badge(&mut list, ChangeMark::Moved, Point::new(here.right() - 4.0, here.y + 2.0));
    }
    Item {
        kind: ItemKind::Trace,
        id: id.to_string(),
        name: String::new(),
        bounds,
        views: Views::UNION,
        mark: Some(ChangeMark::Moved),
        opens: None,
        facts: Vec::new(),
        shapes: list.shapes,
    }
}

/// The box around items.
pub(crate) fn bounds_of(items: &[Item]) -> Rect {
    items.iter().map(|item| item.bounds).reduce(|a, b| a.union(&b)).unwrap_or_default()
}
