#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![warn(unreachable_pub)]

pub mod comparison;
pub mod drawing;
mod drawing_colors;
mod geometry;
mod graph_scene;
pub mod json;
mod markdown;
mod marked_text;
mod node_layout;
mod node_shapes;
pub mod svg;
pub mod text;
mod text_shapes;
pub mod workflow;

pub use comparison::{Comparison, draw_comparison};
pub use drawing::{Canvas, Drawing, Item, Shape, Theme};
pub use geometry::{Point, Rect};
pub use json::drawing_to_json;
pub use svg::{render_svg, render_svg_stack};
pub use workflow::draw_workflow;
