//! Builds shapes: an item's list of them, and the few forms that are used again and again.
//!
//! Must not know workflows.

use crate::drawing::{Anchor, Dash, FontStyle, Paint, Shape, Stroke, TextLine};
use crate::geometry::{Point, Rect};
use crate::text::{fit_text, text_width};

/// A list of shapes that grows.
#[derive(Debug, Default)]
pub(crate) struct ShapeList {
    pub(crate) shapes: Vec<Shape>,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextLook {
    pub(crate) size: f64,
    pub(crate) paint: Paint,
    pub(crate) style: FontStyle,
    pub(crate) anchor: Anchor,
}

impl TextLook {
    pub(crate) const fn new(size: f64, paint: Paint) -> Self {
        TextLook { size, paint, style: FontStyle::Regular, anchor: Anchor::Start }
    }

    pub(crate) const fn bold(self) -> Self {
        TextLook { style: FontStyle::Bold, ..self }
    }

    pub(crate) const fn ending(self) -> Self {
        TextLook { anchor: Anchor::End, ..self }
    }

    pub(crate) const fn centred(self) -> Self {
        TextLook { anchor: Anchor::Middle, ..self }
    }
}

/// A line of an ordinary width.
pub(crate) fn solid(paint: Paint, width: f64) -> Stroke {
    Stroke { paint, width, dash: Dash::Solid }
}

impl ShapeList {
    pub(crate) fn rect(
        &mut self,
        rect: Rect,
        radius: [f64; 2],
        fill: Option<Paint>,
        stroke: Option<Stroke>,
    ) {
        self.shapes.push(Shape::Rect { rect, radius, fill, stroke });
    }

    pub(crate) fn circle(&mut self, center: Point, radius: f64, fill: Paint) {
        self.shapes.push(Shape::Circle { center, radius, fill: Some(fill), stroke: None });
    }

    /// A text cut to the room there is; nothing for an empty one. Gives the width it takes.
    pub(crate) fn text(&mut self, at: Point, text: &str, room: f64, look: TextLook) -> f64 {
        let text = fit_text(text, room.max(0.0), look.size, look.style);
        if text.is_empty() {
            return 0.0;
        }
        let width = text_width(&text, look.size, look.style);
        self.shapes.push(Shape::Text(TextLine {
            at,
            text,
            size: look.size,
            paint: look.paint,
            style: look.style,
            anchor: look.anchor,
            room: room.max(1.0),
        }));
        width
    }

    pub(crate) fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.shapes.push(Shape::Line { points: [from, to], stroke });
    }
}
