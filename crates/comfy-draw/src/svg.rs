//! A canvas as an SVG file: nothing but shapes, no script, no link, no style sheet, no font.
//!
//! Must not know workflows.

use std::fmt::Write;

use crate::drawing::{
    Anchor, Canvas, ChangeMark, Color, Dash, FontStyle, Item, Paint, Shape, Stroke, TextLine, Theme,
};
use crate::drawing_colors as colors;
use crate::geometry::{Point, Rect};
use crate::json::push_number;
use crate::node_shapes::draw_badge;
use crate::text::{fit_text, line_text, text_width};
use crate::text_shapes::ShapeList;

/// Room around the drawing: badges and outlines stick out.
const MARGIN: f64 = 40.0;
/// Height of a heading above a canvas.
const HEADING_HEIGHT: f64 = 46.0;
/// Height of the line that explains the marks.
const LEGEND_HEIGHT: f64 = 44.0;

/// The fonts of all texts: whichever of them there is.
pub(crate) const FONT_FAMILY: &str =
    "Inter, Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// The fonts of code.
pub(crate) const MONO_FAMILY: &str =
    "Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace";

/// One canvas as an SVG file, both states in one where there are two.
pub fn render_svg(canvas: &Canvas, theme: Theme) -> String {
    render_svg_stack(&[("", canvas)], &[], theme)
}

/// Several canvases below each other, each under its heading, and at the end what the marks
/// mean that are shown.
pub fn render_svg_stack(
    canvases: &[(&str, &Canvas)],
    marks: &[(ChangeMark, usize)],
    theme: Theme,
) -> String {
    let sizes: Vec<Rect> = canvases.iter().map(|(_, canvas)| shown_bounds(canvas)).collect();
    let width = sizes.iter().map(|size| size.width).fold(360.0, f64::max);
    let heading = |title: &str| if title.is_empty() { 0.0 } else { HEADING_HEIGHT };
    let mut height: f64 =
        canvases.iter().zip(&sizes).map(|((title, _), size)| heading(title) + size.height).sum();
    if !marks.is_empty() {
        height += LEGEND_HEIGHT;
    }
    let mut writer = SvgWriter { out: String::new(), theme };
    writer.out.push_str("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
    writer.attribute("width", width);
    writer.attribute("height", height);
    writer.out.push_str(" viewBox=\"0 0 ");
    push_number(&mut writer.out, width);
    writer.out.push(' ');
    push_number(&mut writer.out, height);
    let _ = write!(writer.out, "\" font-family=\"{FONT_FAMILY}\">");
    let title = canvases.first().map(|(title, _)| *title).unwrap_or_default();
    let title = if title.is_empty() { "ComfyUI workflow" } else { title };
    let _ = writeln!(writer.out, "<title>{}</title>", escape_xml(&line_text(title)));
    let ground = Rect::new(0.0, 0.0, width, height);
    writer.rect(ground, [0.0; 2], Some(colors::CANVAS), None);
    let mut top = 0.0;
    for ((title, canvas), size) in canvases.iter().zip(&sizes) {
        if !title.is_empty() {
            let at = Point::new(MARGIN / 2.0, top + 31.0);
            writer.text(&TextLine {
                at,
                text: fit_text(title, width - MARGIN, 20.0, FontStyle::Bold),
                size: 20.0,
                paint: colors::TITLE_TEXT,
                style: FontStyle::Bold,
                anchor: Anchor::Start,
                room: width - MARGIN,
            });
            top += HEADING_HEIGHT;
        }
        writer.out.push_str("<g");
        writer.translate(-size.x, top - size.y);
        writer.out.push_str(">\n");
        for item in canvas.items.iter().filter(|item| item.views.union) {
            writer.item(item);
        }
        writer.out.push_str("</g>\n");
        top += size.height;
    }
    writer.legend(marks, top);
    writer.out.push_str("</svg>\n");
    writer.out
}

/// The box of what is shown, with a margin.
fn shown_bounds(canvas: &Canvas) -> Rect {
    let shown = canvas.items.iter().filter(|item| item.views.union).map(|item| item.bounds);
    shown.reduce(|a, b| a.union(&b)).unwrap_or_default().grown(MARGIN)
}

struct SvgWriter {
    out: String,
    theme: Theme,
}

impl SvgWriter {
    fn attribute(&mut self, name: &str, number: f64) {
        let _ = write!(self.out, " {name}=\"");
        push_number(&mut self.out, number);
        self.out.push('"');
    }

    fn translate(&mut self, x: f64, y: f64) {
        self.out.push_str(" transform=\"translate(");
        push_number(&mut self.out, x);
        self.out.push(' ');
        push_number(&mut self.out, y);
        self.out.push_str(")\"");
    }

    fn paint(&mut self, name: &str, paint: Option<Paint>) {
        let Some(paint) = paint else {
            let _ = write!(self.out, " {name}=\"none\"");
            return;
        };
        let Color { rgb, alpha } = paint.color(self.theme);
        let _ = write!(self.out, " {name}=\"#{rgb:06x}\"");
        if alpha < 255 {
            let _ = write!(self.out, " {name}-opacity=\"{:.2}\"", f64::from(alpha) / 255.0);
        }
    }

    fn stroke(&mut self, stroke: Option<Stroke>) {
        let Some(stroke) = stroke else { return };
        self.paint("stroke", Some(stroke.paint));
        self.attribute("stroke-width", stroke.width);
        if stroke.dash != Dash::Solid {
            let pattern = stroke.dash.pattern(stroke.width);
            let pattern: Vec<String> =
                pattern.iter().map(|length| format!("{length:.1}")).collect();
            let _ = write!(self.out, " stroke-dasharray=\"{}\"", pattern.join(" "));
        }
    }

    fn item(&mut self, item: &Item) {
        self.out.push_str("<g");
        self.translate(item.bounds.x, item.bounds.y);
        self.out.push('>');
        if !item.name.is_empty() {
            let mut name = line_text(&item.name).into_owned();
            if let Some(mark) = item.mark {
                name = format!("{name} ({})", mark.word());
            }
            let _ = write!(self.out, "<title>{}</title>", escape_xml(&name));
        }
        for shape in &item.shapes {
            self.shape(shape);
        }
        self.out.push_str("</g>\n");
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Rect { rect, radius, fill, stroke } => self.rect(*rect, *radius, *fill, *stroke),
            Shape::Circle { center, radius, fill, stroke } => {
                self.out.push_str("<circle");
                self.attribute("cx", center.x);
                self.attribute("cy", center.y);
                self.attribute("r", *radius);
                self.paint("fill", *fill);
                self.stroke(*stroke);
                self.out.push_str("/>");
            }
            Shape::Text(line) => self.text(line),
            Shape::Curve { points, stroke } => {
                self.out.push_str("<path d=\"");
                for (at, point) in points.iter().enumerate() {
                    self.out.push_str(["M", "C", " ", " "].get(at).copied().unwrap_or(" "));
                    self.point(*point);
                }
                self.out.push_str("\" fill=\"none\"");
                self.stroke(Some(*stroke));
                self.out.push_str("/>");
            }
            Shape::Polygon { points, fill, stroke } => {
                self.out.push_str("<polygon points=\"");
                for (at, point) in points.iter().enumerate() {
                    if at > 0 {
                        self.out.push(' ');
                    }
                    self.point(*point);
                }
                self.out.push('"');
                self.paint("fill", *fill);
                self.stroke(*stroke);
                self.out.push_str("/>");
            }
            Shape::Line { points: [from, to], stroke } => {
                self.out.push_str("<path d=\"M");
                self.point(*from);
                self.out.push('L');
                self.point(*to);
                self.out.push('"');
                self.stroke(Some(*stroke));
                self.out.push_str("/>");
            }
        }
    }

    fn point(&mut self, point: Point) {
        push_number(&mut self.out, point.x);
        self.out.push(',');
        push_number(&mut self.out, point.y);
    }

    fn rect(
        &mut self,
        rect: Rect,
        [upper, lower]: [f64; 2],
        fill: Option<Paint>,
        stroke: Option<Stroke>,
    ) {
        if upper == lower {
            self.out.push_str("<rect");
            self.attribute("x", rect.x);
            self.attribute("y", rect.y);
            self.attribute("width", rect.width);
            self.attribute("height", rect.height);
            if upper > 0.0 {
                self.attribute("rx", upper.min(rect.height / 2.0));
            }
        } else {
            let (left, top, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
            let _ = write!(
                self.out,
                "<path d=\"M{left:.1},{:.1}a{upper},{upper} 0 0 1 {upper},-{upper}H{:.1}\
                 a{upper},{upper} 0 0 1 {upper},{upper}V{:.1}\
                 a{lower},{lower} 0 0 1 -{lower},{lower}\
                 H{:.1}a{lower},{lower} 0 0 1 -{lower},-{lower}Z\"",
                top + upper,
                right - upper,
                bottom - lower,
                left + lower,
            );
        }
        self.paint("fill", fill);
        self.stroke(stroke);
        self.out.push_str("/>");
    }

    fn text(&mut self, line: &TextLine) {
        self.out.push_str("<text");
        self.attribute("x", line.at.x);
        self.attribute("y", line.at.y);
        self.attribute("font-size", line.size);
        match line.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.out.push_str(" text-anchor=\"end\""),
        }
        match line.style {
            FontStyle::Regular => {}
            FontStyle::Bold => self.out.push_str(" font-weight=\"bold\""),
            FontStyle::Italic => self.out.push_str(" font-style=\"italic\""),
            FontStyle::Mono => {
                let _ = write!(self.out, " font-family=\"{MONO_FAMILY}\"");
            }
        }
        self.paint("fill", Some(line.paint));
        let _ = write!(self.out, " xml:space=\"preserve\">{}</text>", escape_xml(&line.text));
    }

    /// What the marks mean, with how often each occurs.
    fn legend(&mut self, marks: &[(ChangeMark, usize)], top: f64) {
        let mut x = MARGIN / 2.0 + 14.0;
        for (mark, count) in marks {
            let mut list = ShapeList::default();
            draw_badge(&mut list, *mark, Point::new(x, top + LEGEND_HEIGHT / 2.0));
            for shape in &list.shapes {
                self.shape(shape);
            }
            let text = format!("{count} {}", mark.word());
            let width = text_width(&text, 14.0, FontStyle::Regular);
            self.text(&TextLine {
                at: Point::new(x + 20.0, top + LEGEND_HEIGHT / 2.0 + 5.0),
                text,
                size: 14.0,
                paint: colors::TITLE_TEXT,
                style: FontStyle::Regular,
                anchor: Anchor::Start,
                room: width,
            });
            x += width + 60.0;
        }
    }
}

/// A text as the content of an XML element or attribute.
pub(crate) fn escape_xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
