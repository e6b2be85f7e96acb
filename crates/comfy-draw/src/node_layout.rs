//! Where the parts of a node lie: title bar, sockets, widgets, picture. Places are relative to
//! the node's box, title bar included.
//!
//! Must not know colours or shapes.

use comfy_graph::catalog::Catalog;
use comfy_graph::catalog::node_face::{
    FaceWidget, NodeFace, SLOT_HEIGHT, TITLE_HEIGHT, WIDGET_GAP,
};
use comfy_graph::graph::{Node, Slot, Workflow};
use comfy_graph::json::Value;

use crate::drawing::FontStyle;
use crate::geometry::{Point, Rect};
use crate::text::{line_text, text_width};

/// Beyond this a coordinate is taken for damage.
const MAX_COORDINATE: f64 = 1e7;
/// Beyond this a width or height is.
const MAX_EXTENT: f64 = 2e4;
/// As small as ComfyUI draws a node.
const MIN_WIDTH: f64 = 60.0;

/// The parts of a node.
#[derive(Debug, Clone)]
pub(crate) struct NodeLayout<'w> {
    /// Its box on the canvas, with the title bar.
    pub(crate) bounds: Rect,
    /// 0 for a node without title bar.
    pub(crate) title_height: f64,
    pub(crate) title: &'w str,
    pub(crate) is_collapsed: bool,
    pub(crate) inputs: Vec<Socket>,
    pub(crate) outputs: Vec<Socket>,
    pub(crate) widgets: Vec<WidgetBox<'w>>,
    /// Where a picture would be shown.
    pub(crate) picture: Option<Rect>,
    /// The text of a note.
    pub(crate) note: Option<NoteText<'w>>,
}

/// An input or output.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    pub(crate) at: Point,
    pub(crate) name: String,
    pub(crate) kind: String,
    /// It belongs to a widget, which has the name.
    pub(crate) is_widget: bool,
    pub(crate) is_linked: bool,
    pub(crate) is_optional: bool,
}

/// A widget.
#[derive(Debug, Clone)]
pub(crate) struct WidgetBox<'w> {
    pub(crate) rect: Rect,
    pub(crate) label: String,
    pub(crate) face: FaceWidget<'w>,
    /// Something is plugged into its socket, and its value does not count.
    pub(crate) is_fed: bool,
}

/// The text of a note.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoteText<'w> {
    pub(crate) text: &'w str,
    pub(crate) is_markdown: bool,
}

impl<'w> NodeLayout<'w> {
    pub(crate) fn new(workflow: &'w Workflow, node: &'w Node, catalog: &'w Catalog) -> Self {
        let face = NodeFace::read(workflow, node, catalog);
        let (x, y) = sane_pair(node.pos(), MAX_COORDINATE).unwrap_or((0.0, 0.0));
        let title_height = if node.class() == "Reroute" { 0.0 } else { TITLE_HEIGHT };
        if is_collapsed(node) && title_height > 0.0 {
            return NodeLayout::collapsed(node, face.title, Point::new(x, y));
        }
        let note = note_text(node);
        let (width, height) = sane_pair(node.size(), MAX_EXTENT).unwrap_or((270.0, 0.0));
        let least = match (title_height, note) {
            (0.0, _) => 26.0,
            (_, Some(_)) => 60.0,
            _ => face.least_height(),
        };
        let size = (width.max(MIN_WIDTH), height.max(least));
        let bounds = Rect::new(x, y - title_height, size.0, size.1 + title_height);
        let mut layout = NodeLayout {
            bounds,
            title_height,
            title: face.title,
            is_collapsed: false,
            inputs: Vec::new(),
            outputs: Vec::new(),
            widgets: Vec::new(),
            picture: None,
            note,
        };
        if note.is_none() {
            layout.place_widgets(node, face);
        }
        layout.place_sockets(node);
        layout
    }

    /// A title bar alone; its wires end at its ends.
    fn collapsed(node: &Node, title: &'w str, at: Point) -> Self {
        let name = line_text(title);
        let width = text_width(&name, 14.0, FontStyle::Regular) + 2.0 * TITLE_HEIGHT;
        let limit = sane_pair(node.size(), MAX_EXTENT).map_or(300.0, |(width, _)| width);
        let width = width.min(limit.max(MIN_WIDTH)).max(MIN_WIDTH);
        let middle = TITLE_HEIGHT / 2.0;
        let ends = |slots: Vec<Slot<'_>>, x: f64| {
            slots.into_iter().map(|slot| socket(slot, Point::new(x, middle))).collect()
        };
        NodeLayout {
            bounds: Rect::new(at.x, at.y - TITLE_HEIGHT, width, TITLE_HEIGHT),
            title_height: TITLE_HEIGHT,
            title,
            is_collapsed: true,
            inputs: ends(node.inputs().collect(), 0.0),
            outputs: ends(node.outputs().collect(), width),
            widgets: Vec::new(),
            picture: None,
            note: None,
        }
    }

    fn place_widgets(&mut self, node: &Node, face: NodeFace<'w>) {
        let mut y = self.title_height + face.widgets_top();
        let left = (self.bounds.height - self.title_height - face.least_height()).max(0.0);
        // What room there is goes to the boxes, else to the picture.
        let growing = face.widgets.iter().filter(|widget| widget.form.grows()).count();
        let share = if growing > 0 && !face.shows_picture { left / growing as f64 } else { 0.0 };
        let width = (self.bounds.width - 20.0).max(20.0);
        for widget in face.widgets {
            let growth = if widget.form.grows() { share } else { 0.0 };
            let height = widget.form.least_height() + growth;
            let socket = node.inputs().find(|input| input.widget() == Some(&*widget.name));
            let label = socket.map(|slot| slot.display_name()).filter(|label| !label.is_empty());
            self.widgets.push(WidgetBox {
                rect: Rect::new(10.0, y, width, height - WIDGET_GAP),
                label: label.unwrap_or(&widget.name).to_owned(),
                is_fed: socket.is_some_and(|slot| slot.link().is_some()),
                face: widget,
            });
            y += height;
        }
        let room = self.bounds.height - y - 8.0;
        if face.shows_picture && room >= 40.0 {
            self.picture = Some(Rect::new(10.0, y, width, room));
        }
    }

    fn place_sockets(&mut self, node: &Node) {
        let mut row = 0;
        for slot in node.inputs() {
            let widget = slot
                .widget()
                .and_then(|name| self.widgets.iter().find(|widget| widget.face.name == name));
            let y = match widget {
                Some(widget) => widget.rect.y + 10.0,
                None => {
                    row += 1;
                    self.slot_row(row - 1)
                }
            };
            let has_row = widget.is_none() && slot.widget().is_none();
            let socket = Socket { is_widget: !has_row, ..socket(slot, Point::new(0.0, y)) };
            self.inputs.push(socket);
        }
        for (row, slot) in node.outputs().enumerate() {
            let at = Point::new(self.bounds.width, self.slot_row(row));
            self.outputs.push(socket(slot, at));
        }
    }

    fn slot_row(&self, row: usize) -> f64 {
        if self.title_height == 0.0 {
            return self.bounds.height / 2.0;
        }
        self.title_height + (row as f64 + 0.7) * SLOT_HEIGHT
    }

    /// Where an input's wire ends on the canvas, by the input's index in the file.
    pub(crate) fn input_point(&self, at: usize) -> Point {
        socket_point(&self.inputs, at, self.bounds, 0.0)
    }

    /// Where an output's wires begin on the canvas, by the output's index in the file.
    pub(crate) fn output_point(&self, at: usize) -> Point {
        socket_point(&self.outputs, at, self.bounds, self.bounds.width)
    }
}

fn socket_point(sockets: &[Socket], at: usize, bounds: Rect, x: f64) -> Point {
    let within = sockets.get(at).map_or(Point::new(x, bounds.height / 2.0), |socket| socket.at);
    within.offset(bounds.x, bounds.y)
}

fn socket(slot: Slot<'_>, at: Point) -> Socket {
    let name = slot.display_name();
    Socket {
        at,
        name: if name.is_empty() { slot.kind().to_owned() } else { name.to_owned() },
        kind: slot.kind().to_owned(),
        is_widget: false,
        is_linked: slot.link().is_some() || slot.links().next().is_some(),
        is_optional: slot.is_optional(),
    }
}

fn note_text(node: &Node) -> Option<NoteText<'_>> {
    let is_markdown = match node.class() {
        "MarkdownNote" => true,
        "Note" => false,
        _ => return None,
    };
    let first = node.raw().get("widgets_values").and_then(|values| match values {
        Value::Array(values) => values.first(),
        Value::Object(values) => values.get("text"),
        _ => None,
    });
    Some(NoteText { text: first.and_then(Value::as_str).unwrap_or_default(), is_markdown })
}

/// Whether only its title bar is shown.
fn is_collapsed(node: &Node) -> bool {
    let flags = node.raw().get("flags");
    flags.and_then(|flags| flags.get("collapsed")).and_then(Value::as_bool) == Some(true)
}

fn sane_pair(pair: Option<(f64, f64)>, limit: f64) -> Option<(f64, f64)> {
    pair.filter(|(a, b)| a.is_finite() && b.is_finite() && a.abs() <= limit && b.abs() <= limit)
}
