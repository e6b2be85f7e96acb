//! The shapes of a node: box, title, sockets, widgets, badges.
//!
//! Must not know other nodes.

use comfy_graph::catalog::node_face::{TITLE_HEIGHT, WidgetForm};
use comfy_graph::graph::{Node, NodeMode, WidgetRole};
use comfy_graph::json::{self, JsonStyle, Value};
use rustc_hash::FxHashMap;

use crate::drawing::{ChangeMark, Dash, FontStyle, Item, Paint, Shape, Stroke};
use crate::drawing_colors as colors;
use crate::geometry::{Point, Rect};
use crate::markdown::{TEXT_SIZE as NOTE_TEXT_SIZE, line_height, markdown_lines, plain_lines};
use crate::marked_text::draw_marked_text;
use crate::node_layout::{NodeLayout, WidgetBox};
use crate::text::{line_text, text_width, wrap_text};
use crate::text_shapes::{ShapeList, TextLook, solid};

/// Letters of a text box.
const BOX_TEXT_SIZE: f64 = 11.0;

/// What is shown of a node's change.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeChange {
    pub(crate) mark: Option<ChangeMark>,
    /// Values of widgets as they were, by name, as they are to be shown.
    pub(crate) values_before: FxHashMap<String, String>,
    /// Inputs whose wire is another.
    pub(crate) rewired: Vec<String>,
    /// A remark: `was LoraLoader`, `bypassed -> active`.
    pub(crate) remark: Option<String>,
}

/// A widget's value as a line of text.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Null => String::new(),
        Value::Number(number) => number.as_str().to_owned(),
        other => json::print(other, &JsonStyle { space_after_comma: true, ..JsonStyle::SAVE }),
    }
}

pub(crate) fn node_shapes(
    node: &Node,
    layout: &NodeLayout<'_>,
    opens: bool,
    change: &NodeChange,
) -> Vec<Shape> {
    let look = colors::node_colors(node);
    let mut painter = NodePainter {
        list: ShapeList::default(),
        layout,
        ink: look.ink,
        body: look.body,
        size: Rect::new(0.0, 0.0, layout.bounds.width, layout.bounds.height),
    };
    painter.draw_box(look.title, change.mark);
    if layout.title_height > 0.0 {
        painter.draw_title(node, look.title, opens);
    }
    if !layout.is_collapsed {
        painter.draw_content(change);
    }
    painter.draw_sockets(change);
    if let Some(mark) = change.mark {
        if let Some(remark) = &change.remark {
            draw_remark(&mut painter.list, mark, remark, painter.size.width);
        }
        draw_badge(&mut painter.list, mark, Point::new(painter.size.width - 4.0, 2.0));
    }
    painter.list.shapes
}

/// The badge of a change: its own outline and sign for each kind.
pub(crate) fn draw_badge(list: &mut ShapeList, mark: ChangeMark, at: Point) {
    let fill = Some(colors::mark_color(mark));
    let edge = Some(solid(colors::CANVAS, 2.0));
    let around = |corners: &[(f64, f64)]| corners.iter().map(|(x, y)| at.offset(*x, *y)).collect();
    match mark {
        ChangeMark::Added => {
            list.shapes.push(Shape::Circle { center: at, radius: 11.0, fill, stroke: edge })
        }
        ChangeMark::Removed => {
            list.rect(Rect::new(at.x - 10.0, at.y - 10.0, 20.0, 20.0), [2.0; 2], fill, edge);
        }
        ChangeMark::Changed => list.shapes.push(Shape::Polygon {
            points: around(&[(0.0, -13.0), (13.0, 0.0), (0.0, 13.0), (-13.0, 0.0)]),
            fill,
            stroke: edge,
        }),
        ChangeMark::Rewired => list.shapes.push(Shape::Polygon {
            points: around(&[
                (-13.0, 0.0),
                (-6.5, -11.0),
                (6.5, -11.0),
                (13.0, 0.0),
                (6.5, 11.0),
                (-6.5, 11.0),
            ]),
            fill,
            stroke: edge,
        }),
        ChangeMark::Moved => list.shapes.push(Shape::Polygon {
            points: around(&[(0.0, -13.0), (12.5, 9.0), (-12.5, 9.0)]),
            fill,
            stroke: edge,
        }),
    }
    let look = TextLook::new(15.0, colors::BADGE_TEXT).bold().centred();
    list.text(at.offset(0.0, 5.0), mark.sign(), 24.0, look);
}

/// Marks a node that was drawn already: what it is an instance of turned out to be changed.
pub(crate) fn mark_afterwards(item: &mut Item, mark: ChangeMark, remark: &str) {
    let mut list = ShapeList { shapes: std::mem::take(&mut item.shapes) };
    let size = Rect::new(0.0, 0.0, item.bounds.width, item.bounds.height);
    list.rect(size.grown(2.0), [10.0; 2], None, Some(colors::mark_stroke(mark)));
    draw_badge(&mut list, mark, Point::new(size.width - 4.0, 2.0));
    draw_remark(&mut list, mark, remark, size.width);
    item.shapes = list.shapes;
    item.mark = Some(mark);
}

/// Mode, class and the like, where they are what changed: a line above the node.
fn draw_remark(list: &mut ShapeList, mark: ChangeMark, remark: &str, width: f64) {
    let look = TextLook::new(13.0, colors::mark_color(mark)).bold();
    list.text(Point::new(2.0, -9.0), remark, width - 22.0, look);
}

struct NodePainter<'l, 'w> {
    list: ShapeList,
    layout: &'l NodeLayout<'w>,
    ink: u8,
    body: Paint,
    size: Rect,
}

impl NodePainter<'_, '_> {
    fn ink(&self, paint: Paint) -> Paint {
        if self.ink == 255 { paint } else { paint.with_alpha(self.ink) }
    }

    fn draw_box(&mut self, title: Paint, mark: Option<ChangeMark>) {
        let (size, layout) = (self.size, self.layout);
        let radius = 8.0;
        if layout.is_collapsed {
            self.list.rect(
                size,
                [TITLE_HEIGHT / 2.0; 2],
                Some(title),
                Some(solid(colors::NODE_EDGE, 1.0)),
            );
        } else {
            let edge = Some(solid(colors::NODE_EDGE, 1.0));
            self.list.rect(size, [radius; 2], Some(self.body), edge);
            if layout.title_height > 0.0 {
                let bar = Rect::new(0.0, 0.0, size.width, layout.title_height);
                self.list.rect(bar, [radius, 0.0], Some(title), None);
            }
        }
        if let Some(mark) = mark {
            let round = if layout.is_collapsed { TITLE_HEIGHT / 2.0 } else { radius } + 2.0;
            self.list.rect(size.grown(2.0), [round; 2], None, Some(colors::mark_stroke(mark)));
        }
    }

    fn draw_title(&mut self, node: &Node, ground: Paint, opens: bool) {
        let ink = if ground == colors::NODE_TITLE {
            colors::TITLE_TEXT
        } else {
            colors::readable_on(ground)
        };
        let ink = self.ink(ink);
        let width = self.size.width;
        let middle = TITLE_HEIGHT / 2.0;
        self.list.circle(Point::new(15.0, middle), 5.0, self.ink(colors::MUTED_TEXT));
        let badge = match node.mode() {
            NodeMode::Bypass => Some("bypassed"),
            NodeMode::Mute => Some("muted"),
            _ => None,
        };
        let mut room = width - 30.0 - 12.0;
        if opens {
            // Two frames, one within the other: it opens.
            let corner = Rect::new(width - 25.0, middle - 6.0, 12.0, 12.0);
            self.list.rect(corner, [2.0; 2], None, Some(solid(ink, 1.3)));
            self.list.rect(corner.grown(-3.5), [1.0; 2], Some(ink), None);
            room -= 24.0;
        }
        if let Some(word) = badge.filter(|_| !self.layout.is_collapsed && room > 110.0) {
            let wide = text_width(word, 10.0, FontStyle::Bold) + 10.0;
            let right = 30.0 + room;
            let pill = Rect::new(right - wide, middle - 8.0, wide, 16.0);
            self.list.rect(pill, [8.0; 2], None, Some(solid(ink, 1.0)));
            let look = TextLook::new(10.0, ink).bold().centred();
            self.list.text(Point::new(right - wide / 2.0, middle + 3.5), word, wide, look);
            room -= wide + 6.0;
        }
        let look = TextLook::new(14.0, ink);
        self.list.text(Point::new(30.0, middle + 5.0), self.layout.title, room, look);
    }

    fn draw_content(&mut self, change: &NodeChange) {
        if let Some(note) = self.layout.note {
            match change.values_before.values().next() {
                Some(before) => self.draw_changed_note(before, note.text),
                None => self.draw_note(note.text, note.is_markdown),
            }
        }
        for widget in &self.layout.widgets {
            let before = change.values_before.get(widget.face.name.as_str());
            self.draw_widget(widget, before.map(String::as_str));
        }
        if let Some(rect) = self.layout.picture {
            self.draw_picture(rect);
        }
    }

    fn draw_note(&mut self, text: &str, is_markdown: bool) {
        let (left, top) = (12.0, self.layout.title_height + 8.0);
        let (width, height) = (self.size.width - 2.0 * left, self.size.height - top - 8.0);
        let lines = if is_markdown {
            markdown_lines(text, width, height)
        } else {
            plain_lines(text, width, height)
        };
        let ink = self.ink(colors::readable_on(self.body));
        let mut y = top;
        for line in lines {
            y += line.gap + line_height(line.size);
            let paint = if line.is_link { self.ink(colors::NOTE_LINK) } else { ink };
            let look = TextLook { style: line.style, ..TextLook::new(line.size, paint) };
            let at = Point::new(left + line.indent, y - line.size * 0.28);
            self.list.text(at, &line.text, width - line.indent, look);
        }
    }

    fn draw_changed_note(&mut self, before: &str, after: &str) {
        let (left, top) = (12.0, self.layout.title_height + 8.0);
        let room = Rect::new(left, top, self.size.width - 2.0 * left, self.size.height - top - 8.0);
        let ink = self.ink(colors::readable_on(self.body));
        draw_marked_text(&mut self.list, (before, after), room, NOTE_TEXT_SIZE, ink);
    }

    fn draw_widget(&mut self, widget: &WidgetBox<'_>, before: Option<&str>) {
        let rect = widget.rect;
        let changed = before.map(|_| colors::mark_color(ChangeMark::Changed));
        let edge = match changed {
            Some(paint) => solid(paint, 2.0),
            None => solid(self.ink(colors::WIDGET_EDGE), 1.0),
        };
        let fill = self.ink(colors::WIDGET_BODY);
        match widget.face.form {
            WidgetForm::Line => {}
            WidgetForm::TextBox | WidgetForm::Note | WidgetForm::RunText => {
                self.list.rect(rect, [4.0; 2], Some(fill), Some(edge));
                match before {
                    Some(before) => self.draw_changed_text(widget, before),
                    None => self.draw_text_box(widget),
                }
                return;
            }
            WidgetForm::Player => {
                self.list.rect(rect, [rect.height / 2.0; 2], Some(fill), Some(edge));
                self.draw_player(rect);
                return;
            }
            WidgetForm::View => {
                self.draw_picture(rect);
                return;
            }
        }
        self.list.rect(rect, [10.0; 2], Some(fill), Some(edge));
        let base = rect.y + 14.0;
        let name = self.ink(colors::WIDGET_NAME);
        let value = self.ink(if widget.is_fed { colors::MUTED_TEXT } else { colors::WIDGET_VALUE });
        let room = rect.width - 24.0;
        if widget.face.role == WidgetRole::Button {
            let look = TextLook::new(12.0, name).centred();
            let middle = rect.x + rect.width / 2.0;
            self.list.text(Point::new(middle, base), &widget.label, room, look);
            return;
        }
        let label_width = text_width(&line_text(&widget.label), 12.0, FontStyle::Regular);
        let mut shown = value_text(&widget.face.value);
        if let Some(before) = before {
            shown = format!("{before} \u{2192} {shown}");
        }
        // Name and value share the line; a long name leaves the value at least a half.
        let value_room = (room - label_width - 8.0).max(room * 0.5);
        let taken = self.list.text(
            Point::new(rect.right() - 12.0, base),
            &shown,
            value_room,
            TextLook::new(12.0, changed.unwrap_or(value)).ending(),
        );
        let at = Point::new(rect.x + 12.0, base);
        self.list.text(at, &widget.label, room - taken - 8.0, TextLook::new(12.0, name));
    }

    fn draw_changed_text(&mut self, widget: &WidgetBox<'_>, before: &str) {
        let rect = widget.rect;
        let room = Rect::new(rect.x + 7.0, rect.y + 4.0, rect.width - 14.0, rect.height - 8.0);
        let after = value_text(&widget.face.value);
        let ink = self.ink(colors::WIDGET_VALUE);
        draw_marked_text(&mut self.list, (before, &after), room, BOX_TEXT_SIZE, ink);
    }

    fn draw_text_box(&mut self, widget: &WidgetBox<'_>) {
        let rect = widget.rect;
        let size = BOX_TEXT_SIZE;
        let height = line_height(size);
        let most = ((rect.height - 8.0) / height).floor().max(1.0) as usize;
        let text = value_text(&widget.face.value);
        let (text, paint) = if text.trim().is_empty() {
            (widget.label.clone(), colors::MUTED_TEXT)
        } else if widget.is_fed {
            (text, colors::MUTED_TEXT)
        } else {
            (text, colors::WIDGET_VALUE)
        };
        let look = TextLook::new(size, self.ink(paint));
        let width = rect.width - 14.0;
        for (at, line) in wrap_text(&text, width, size, FontStyle::Regular, most).iter().enumerate()
        {
            let y = rect.y + 4.0 + height * (at as f64 + 0.76);
            self.list.text(Point::new(rect.x + 7.0, y), line, width + 4.0, look);
        }
    }

    fn draw_player(&mut self, rect: Rect) {
        let (x, y) = (rect.x + 18.0, rect.y + rect.height / 2.0);
        let triangle = [(-5.0, -7.0), (7.0, 0.0), (-5.0, 7.0)];
        self.list.shapes.push(Shape::Polygon {
            points: triangle.iter().map(|(dx, dy)| Point::new(x + dx, y + dy)).collect(),
            fill: Some(colors::NODE_EDGE),
            stroke: None,
        });
        let (left, right) = (Point::new(x + 16.0, y), Point::new(rect.right() - 16.0, y));
        self.list.line(left, right, solid(colors::NODE_EDGE, 3.0));
    }

    /// What is no picture here is shown as the frame of one.
    fn draw_picture(&mut self, rect: Rect) {
        let edge = Stroke { paint: colors::NODE_EDGE, width: 1.0, dash: Dash::Dashed };
        self.list.rect(rect, [4.0; 2], None, Some(edge));
        let (x, y) = (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
        let hill = [(-16.0, 11.0), (-5.0, -4.0), (2.0, 5.0), (8.0, -1.0), (16.0, 11.0)];
        self.list.shapes.push(Shape::Polygon {
            points: hill.iter().map(|(dx, dy)| Point::new(x + dx, y + dy)).collect(),
            fill: Some(colors::NODE_EDGE),
            stroke: None,
        });
        self.list.circle(Point::new(x + 8.0, y - 9.0), 3.0, colors::NODE_EDGE);
    }

    fn draw_sockets(&mut self, change: &NodeChange) {
        let layout = self.layout;
        let has_names = !layout.is_collapsed && layout.title_height > 0.0;
        let half = self.size.width / 2.0;
        for (at, socket) in layout.inputs.iter().enumerate() {
            if socket.is_widget && !socket.is_linked && has_names {
                continue;
            }
            self.draw_dot(socket.at, socket.is_optional && !socket.is_linked, &socket.kind);
            if socket.is_widget || !has_names {
                continue;
            }
            let rewired = change.rewired.contains(&socket.name);
            let paint = match rewired {
                true => colors::mark_color(ChangeMark::Rewired),
                false => self.ink(colors::SLOT_TEXT),
            };
            let beside = layout.outputs.get(at).is_some();
            let room = if beside { half - 16.0 } else { self.size.width - 26.0 };
            let look = TextLook::new(12.0, paint);
            let look = if rewired { look.bold() } else { look };
            self.list.text(socket.at.offset(12.0, 4.0), &socket.name, room, look);
        }
        for (at, socket) in layout.outputs.iter().enumerate() {
            self.draw_dot(socket.at, false, &socket.kind);
            if !has_names {
                continue;
            }
            let beside = layout.inputs.iter().filter(|input| !input.is_widget).nth(at).is_some();
            let room = if beside { half - 16.0 } else { self.size.width - 26.0 };
            let look = TextLook::new(12.0, self.ink(colors::SLOT_TEXT)).ending();
            self.list.text(socket.at.offset(-12.0, 4.0), &socket.name, room, look);
        }
    }

    fn draw_dot(&mut self, at: Point, is_hollow: bool, kind: &str) {
        let paint = self.ink(colors::type_color(kind));
        if is_hollow {
            self.list.shapes.push(Shape::Circle {
                center: at,
                radius: 3.5,
                fill: Some(self.body),
                stroke: Some(solid(paint, 2.0)),
            });
        } else {
            self.list.circle(at, 4.5, paint);
        }
    }
}
