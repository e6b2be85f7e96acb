//! The display list: what a picture of a workflow consists of.
//!
//! A [`Drawing`] has a canvas for each graph, a canvas has items in the order in which they
//! are painted, an item has shapes. Shapes are placed relative to their item's box, so that
//! an item can be compared, moved and left out as a whole. Lengths are pixels of ComfyUI's canvas
//! at 100 %, the unit of `pos` and `size` in a workflow. Must not know workflows.

use crate::geometry::{Point, Rect};

/// A picture of a workflow, or of two states of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing {
    /// The root graph first, then the insides of subgraphs.
    pub canvases: Vec<Canvas>,
}

/// One graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Canvas {
    /// The uuid of the subgraph it is the inside of; empty for the root.
    pub scope: String,
    /// The name of the subgraph; empty for the root.
    pub title: String,
    /// The canvas that shows an instance of it, for the way back; none for the root and for
    /// what nothing shows.
    pub parent: Option<usize>,
    /// The box around all items.
    pub bounds: Rect,
    /// What is on it, what is painted first first.
    pub items: Vec<Item>,
}

/// A thing on a canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it stands for.
    pub kind: ItemKind,
    /// Which one: a node's id, a link's id, a group's index.
    pub id: String,
    /// What a person calls it; empty for links.
    pub name: String,
    /// Its box on the canvas.
    pub bounds: Rect,
    /// In which of two states it is shown.
    pub views: Views,
    /// How it differs between two states.
    pub mark: Option<ChangeMark>,
    /// The canvas that opens with it, for an instance of a subgraph.
    pub opens: Option<usize>,
    /// What is known of it in words: name and value of every widget, what is plugged in.
    pub facts: Vec<(String, String)>,
    /// What is painted, from back to front, relative to the upper left corner of `bounds`.
    pub shapes: Vec<Shape>,
}

/// What an item stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A titled frame around nodes.
    Group,
    /// A wire.
    Link,
    /// A bend of a wire.
    Reroute,
    /// A node that computes.
    Node,
    /// A node that only explains: `Note`, `MarkdownNote`.
    Note,
    /// The inputs or outputs on the boundary of a subgraph.
    Boundary,
    /// Where a node lay in the other state.
    Trace,
}

/// In which views of two states an item is shown. A drawing of one state has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Views {
    /// In the view of the earlier state alone.
    pub before: bool,
    /// In the view of the later state alone.
    pub after: bool,
    /// In the view of both in one.
    pub union: bool,
}

impl Views {
    /// What both states have, and a drawing of one state.
    pub const ALL: Views = Views { before: true, after: true, union: true };
    /// Where the earlier state is seen alone.
    pub const BEFORE: Views = Views { before: true, after: false, union: false };
    /// Where the later state is seen alone.
    pub const AFTER: Views = Views { before: false, after: true, union: false };
    /// Where both are seen in one.
    pub const UNION: Views = Views { before: false, after: false, union: true };
}

/// How a thing differs between two states. Each kind has a colour, a stroke and a badge of
/// its own, so that none of them needs to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeMark {
    /// Only in the later state.
    Added,
    /// Only in the earlier state.
    Removed,
    /// Other values, title, mode.
    Changed,
    /// Other wires, and nothing else.
    Rewired,
    /// Elsewhere on the canvas, and nothing else.
    Moved,
}

impl ChangeMark {
    /// All of them, the weightiest first.
    pub const ALL: [ChangeMark; 5] = [
        ChangeMark::Added,
        ChangeMark::Removed,
        ChangeMark::Changed,
        ChangeMark::Rewired,
        ChangeMark::Moved,
    ];

    /// The word for it in English, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            ChangeMark::Added => "added",
            ChangeMark::Removed => "removed",
            ChangeMark::Changed => "changed",
            ChangeMark::Rewired => "rewired",
            ChangeMark::Moved => "moved",
        }
    }

    /// One character for its badge.
    pub fn sign(self) -> &'static str {
        match self {
            ChangeMark::Added => "+",
            ChangeMark::Removed => "\u{2212}",
            ChangeMark::Changed => "~",
            ChangeMark::Rewired => "\u{21c4}",
            ChangeMark::Moved => "\u{2197}",
        }
    }
}

/// The two sets of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As ComfyUI starts.
    #[default]
    Dark,
    /// ComfyUI's light palette.
    Light,
}

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    /// `0xRRGGBB`.
    pub rgb: u32,
    /// 0 is nothing, 255 covers.
    pub alpha: u8,
}

impl Color {
    /// A colour that covers.
    pub const fn new(rgb: u32) -> Self {
        Color { rgb, alpha: 255 }
    }

    /// The same, seen through.
    #[must_use]
    pub const fn with_alpha(self, alpha: u8) -> Self {
        Color { alpha, ..self }
    }
}

/// A colour for each theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Paint {
    /// In [`Theme::Dark`].
    pub dark: Color,
    /// In [`Theme::Light`].
    pub light: Color,
}

impl Paint {
    /// Two colours that cover.
    pub const fn new(dark: u32, light: u32) -> Self {
        Paint { dark: Color::new(dark), light: Color::new(light) }
    }

    /// Both seen through.
    #[must_use]
    pub const fn with_alpha(self, alpha: u8) -> Self {
        Paint { dark: self.dark.with_alpha(alpha), light: self.light.with_alpha(alpha) }
    }

    /// The one of the two that a theme takes.
    pub fn color(self, theme: Theme) -> Color {
        match theme {
            Theme::Dark => self.dark,
            Theme::Light => self.light,
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its colour in both themes.
    pub paint: Paint,
    /// In canvas pixels at 100 %.
    pub width: f64,
    /// Whether it has gaps.
    pub dash: Dash,
}

/// Gaps of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dash {
    /// No gaps.
    #[default]
    Solid,
    /// Long pieces.
    Dashed,
    /// Pieces as long as the line is wide.
    Dotted,
    /// A dash and a dot.
    DashDot,
}

impl Dash {
    /// Lengths of pieces and gaps in turn, for a line of some width; all in the unit of the width.
    /// Empty for a line without gaps.
    pub fn pattern(self, width: f64) -> Vec<f64> {
        let lengths: &[f64] = match self {
            Dash::Solid => &[],
            Dash::Dashed => &[4.0, 2.5],
            Dash::Dotted => &[1.0, 2.0],
            Dash::DashDot => &[4.5, 2.0, 1.0, 2.0],
        };
        lengths.iter().map(|length| length * width).collect()
    }
}

/// The letters that a text is set in; widths are measured for a sans-serif font.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FontStyle {
    /// Upright, of usual weight.
    #[default]
    Regular,
    /// Upright and heavy: titles.
    Bold,
    /// Slanted, as wide as [`FontStyle::Regular`].
    Italic,
    /// All letters equally wide: code.
    Mono,
}

/// Which point of a text lies at its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    #[default]
    Start,
    /// The middle of its width.
    Middle,
    /// Its right end.
    End,
}

/// A line of text, on its base line.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLine {
    /// Where its anchor lies, relative to the box of the item.
    pub at: Point,
    /// Fit to be shown: without line ends and what acts or hides. Not escaped for any format.
    pub text: String,
    /// The font size, in canvas pixels at 100 %.
    pub size: f64,
    /// Its colour in both themes.
    pub paint: Paint,
    /// What it is measured for.
    pub style: FontStyle,
    /// Which point lies at `at`.
    pub anchor: Anchor,
    /// The width there is for it, in canvas pixels at 100 %: a renderer whose letters are wider
    /// squeezes or cuts them.
    pub room: f64,
}

/// Something painted. Places are relative to the upper left corner of the item's box.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A box with rounded corners.
    Rect {
        /// The outline, on which the stroke is centred.
        rect: Rect,
        /// Radius of the upper corners and of the lower ones, in canvas pixels.
        radius: [f64; 2],
        /// What its inside is filled with; nothing where what lies behind shows.
        fill: Option<Paint>,
        /// How its edge is drawn, if it is.
        stroke: Option<Stroke>,
    },
    /// A disc.
    Circle {
        /// The place of its middle.
        center: Point,
        /// In canvas pixels.
        radius: f64,
        /// What its inside is filled with; nothing where what lies behind shows.
        fill: Option<Paint>,
        /// How its edge is drawn, if it is.
        stroke: Option<Stroke>,
    },
    /// One line of text.
    Text(TextLine),
    /// A cubic curve.
    Curve {
        /// Start, two handles, end.
        points: [Point; 4],
        /// How it is drawn.
        stroke: Stroke,
    },
    /// A closed polygon.
    Polygon {
        /// Its corners in order; the last joins the first.
        points: Vec<Point>,
        /// What its inside is filled with; nothing where what lies behind shows.
        fill: Option<Paint>,
        /// How its edge is drawn, if it is.
        stroke: Option<Stroke>,
    },
    /// A straight line.
    Line {
        /// Where it begins and ends.
        points: [Point; 2],
        /// How it is drawn.
        stroke: Stroke,
    },
}
