//! The display list as JSON for pages that paint it. Short, for there are many shapes:
//!
//! ```text
//! {"colors": [[dark, light], …], "strokes": [[color, width, dash], …],
//!  "shapes": [shape, …], "facts": [[name, value], …],
//!  "canvases": [{"scope", "title", "parent", "bounds", "items"}]}
//! item:  {"kind", "id", "name", "box": [x, y, w, h], "views": bits, "mark", "opens",
//!         "facts": [index, …], "shapes": [index, …]}
//! views: 1 before, 2 after, 4 both in one
//! shape: ["r", x, y, w, h, upper radius, lower radius, fill, stroke]
//!        ["c", x, y, radius, fill, stroke]
//!        ["t", x, y, text, size, color, room, style, anchor]
//!        ["b", x0, y0, x1, y1, x2, y2, x3, y3, stroke]
//!        ["p", [x, y, …], fill, stroke]
//!        ["l", x0, y0, x1, y1, stroke]
//! fill:  index of a color, or -1.   stroke: index of a stroke, or -1
//! style: 0 regular, 1 bold, 2 italic, 3 mono.   anchor: 0 start, 1 middle, 2 end
//! dash:  0 solid, 1 dashed, 2 dotted, 3 dash and dot
//! ```
//!
//! Nodes of one class have most shapes in common, so each shape and each fact is there once.
//! Zeros at the end of a text are left out. `<`, `>`, `&` and the line separators of Unicode
//! are escaped, so that the text may stand in a `script` element. Members with nothing to say
//! are left out.

use std::fmt::Write;

use rustc_hash::FxHashMap;

use crate::drawing::{
    Anchor, Canvas, Color, Dash, Drawing, FontStyle, Item, ItemKind, Paint, Shape, Stroke,
};
use crate::geometry::Point;

/// A drawing as JSON that may stand in a `script` element of HTML.
pub fn drawing_to_json(drawing: &Drawing) -> String {
    let mut writer = JsonWriter::default();
    for (at, canvas) in drawing.canvases.iter().enumerate() {
        if at > 0 {
            writer.out.push(',');
        }
        writer.push_canvas(canvas);
    }
    let colors: Vec<String> = writer
        .colors
        .iter()
        .map(|paint| format!("[\"{}\",\"{}\"]", css_color(paint.dark), css_color(paint.light)))
        .collect();
    let colors = colors.join(",");
    let [strokes, shapes, facts] =
        [&writer.strokes, &writer.shapes, &writer.facts].map(|list| list.written.join(","));
    let canvases = writer.out;
    format!(
        "{{\"colors\":[{colors}],\"strokes\":[{strokes}],\"shapes\":[{shapes}],\
         \"facts\":[{facts}],\"canvases\":[{canvases}]}}"
    )
}

/// A color as CSS has it: `#rrggbb`, or with two more digits for its opacity.
pub(crate) fn css_color(color: Color) -> String {
    match color.alpha {
        255 => format!("#{:06x}", color.rgb),
        alpha => format!("#{:06x}{alpha:02x}", color.rgb),
    }
}

/// A text as a JSON string that may stand in a `script` element.
pub(crate) fn json_text(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let mut safe = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(safe, "\\u{:04x}", c as u32);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[derive(Default)]
struct JsonWriter {
    out: String,
    colors: Vec<Paint>,
    index: FxHashMap<Paint, usize>,
    strokes: SharedList,
    shapes: SharedList,
    facts: SharedList,
}

/// Values as they are written, each once.
#[derive(Default)]
struct SharedList {
    written: Vec<String>,
    index: FxHashMap<String, usize>,
}

impl SharedList {
    fn index_of(&mut self, written: String) -> usize {
        if let Some(&at) = self.index.get(&written) {
            return at;
        }
        self.written.push(written.clone());
        self.index.insert(written, self.written.len() - 1);
        self.written.len() - 1
    }
}

impl JsonWriter {
    fn push_canvas(&mut self, canvas: &Canvas) {
        let (scope, title) = (json_text(&canvas.scope), json_text(&canvas.title));
        let _ = write!(self.out, "{{\"scope\":{scope},\"title\":{title}");
        if let Some(parent) = canvas.parent {
            let _ = write!(self.out, ",\"parent\":{parent}");
        }
        let b = canvas.bounds;
        self.out.push_str(",\"bounds\":[");
        push_numbers(&mut self.out, &[b.x, b.y, b.width, b.height]);
        self.out.push_str("],\"items\":[");
        for (at, item) in canvas.items.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.push_item(item);
        }
        self.out.push_str("]}");
    }

    fn push_item(&mut self, item: &Item) {
        let kind = match item.kind {
            ItemKind::Group => "group",
            ItemKind::Link => "link",
            ItemKind::Reroute => "reroute",
            ItemKind::Node => "node",
            ItemKind::Note => "note",
            ItemKind::Boundary => "boundary",
            ItemKind::Trace => "trace",
        };
        let _ = write!(self.out, "{{\"kind\":\"{kind}\",\"id\":{}", json_text(&item.id));
        if !item.name.is_empty() {
            let name = crate::text::line_text(&item.name);
            let _ = write!(self.out, ",\"name\":{}", json_text(&name));
        }
        let b = item.bounds;
        self.out.push_str(",\"box\":[");
        push_numbers(&mut self.out, &[b.x, b.y, b.width, b.height]);
        self.out.push(']');
        let views = item.views;
        let bits =
            u8::from(views.before) | (u8::from(views.after) << 1) | (u8::from(views.union) << 2);
        if bits != 7 {
            let _ = write!(self.out, ",\"views\":{bits}");
        }
        if let Some(mark) = item.mark {
            let _ = write!(self.out, ",\"mark\":\"{}\"", mark.word());
        }
        if let Some(opens) = item.opens {
            let _ = write!(self.out, ",\"opens\":{opens}");
        }
        if !item.facts.is_empty() {
            self.out.push_str(",\"facts\":[");
            for (at, (name, value)) in item.facts.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let name = json_text(&crate::text::line_text(name));
                let value = json_text(&crate::text::block_text(value));
                let fact = self.facts.index_of(format!("[{name},{value}]"));
                let _ = write!(self.out, "{comma}{fact}");
            }
            self.out.push(']');
        }
        self.out.push_str(",\"shapes\":[");
        for (at, shape) in item.shapes.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let written = self.write_shape(shape);
            let shape = self.shapes.index_of(written);
            let _ = write!(self.out, "{comma}{shape}");
        }
        self.out.push_str("]}");
    }

    fn write_shape(&mut self, shape: &Shape) -> String {
        let mut out = String::new();
        match shape {
            Shape::Rect { rect, radius, fill, stroke } => {
                out.push_str("[\"r\",");
                let [upper, lower] = *radius;
                push_numbers(&mut out, &[rect.x, rect.y, rect.width, rect.height, upper, lower]);
                self.push_fill(&mut out, *fill);
                self.push_stroke(&mut out, *stroke);
            }
            Shape::Circle { center, radius, fill, stroke } => {
                out.push_str("[\"c\",");
                push_numbers(&mut out, &[center.x, center.y, *radius]);
                self.push_fill(&mut out, *fill);
                self.push_stroke(&mut out, *stroke);
            }
            Shape::Text(line) => {
                out.push_str("[\"t\",");
                push_numbers(&mut out, &[line.at.x, line.at.y]);
                let style = match line.style {
                    FontStyle::Regular => 0,
                    FontStyle::Bold => 1,
                    FontStyle::Italic => 2,
                    FontStyle::Mono => 3,
                };
                let anchor = match line.anchor {
                    Anchor::Start => 0,
                    Anchor::Middle => 1,
                    Anchor::End => 2,
                };
                let color = self.color(line.paint);
                let text = json_text(&line.text);
                let _ = write!(out, ",{text},");
                push_numbers(&mut out, &[line.size]);
                let _ = write!(out, ",{color},");
                push_number(&mut out, line.room.round());
                match (style, anchor) {
                    (0, 0) => {}
                    (style, 0) => drop(write!(out, ",{style}")),
                    (style, anchor) => drop(write!(out, ",{style},{anchor}")),
                }
            }
            Shape::Curve { points, stroke } => {
                out.push_str("[\"b\",");
                push_points(&mut out, points);
                self.push_stroke(&mut out, Some(*stroke));
            }
            Shape::Polygon { points, fill, stroke } => {
                out.push_str("[\"p\",[");
                push_points(&mut out, points);
                out.push(']');
                self.push_fill(&mut out, *fill);
                self.push_stroke(&mut out, *stroke);
            }
            Shape::Line { points, stroke } => {
                out.push_str("[\"l\",");
                push_points(&mut out, points);
                self.push_stroke(&mut out, Some(*stroke));
            }
        }
        out.push(']');
        out
    }

    fn push_fill(&mut self, out: &mut String, fill: Option<Paint>) {
        match fill {
            Some(paint) => {
                let color = self.color(paint);
                let _ = write!(out, ",{color}");
            }
            None => out.push_str(",-1"),
        }
    }

    fn push_stroke(&mut self, out: &mut String, stroke: Option<Stroke>) {
        let Some(stroke) = stroke else {
            out.push_str(",-1");
            return;
        };
        let dash = match stroke.dash {
            Dash::Solid => 0,
            Dash::Dashed => 1,
            Dash::Dotted => 2,
            Dash::DashDot => 3,
        };
        let mut written = format!("[{},", self.color(stroke.paint));
        push_number(&mut written, stroke.width);
        let _ = write!(written, ",{dash}]");
        let at = self.strokes.index_of(written);
        let _ = write!(out, ",{at}");
    }

    fn color(&mut self, paint: Paint) -> usize {
        let next = self.colors.len();
        let at = *self.index.entry(paint).or_insert(next);
        if at == next {
            self.colors.push(paint);
        }
        at
    }
}

fn push_points(out: &mut String, points: &[Point]) {
    let numbers: Vec<f64> = points.iter().flat_map(|point| [point.x, point.y]).collect();
    push_numbers(out, &numbers);
}

fn push_numbers(out: &mut String, numbers: &[f64]) {
    for (at, number) in numbers.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_number(out, *number);
    }
}

/// A number to a tenth, without what says nothing: what is no number is 0.
pub(crate) fn push_number(out: &mut String, number: f64) {
    let tenths = if number.is_finite() { (number * 10.0).round() } else { 0.0 };
    let whole = (tenths / 10.0).trunc();
    if whole * 10.0 == tenths {
        let _ = write!(out, "{}", whole as i64);
    } else {
        let _ = write!(out, "{:.1}", tenths / 10.0);
    }
}
