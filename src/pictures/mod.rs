//! Pictures: a workflow, or what changed in one, as a page, an SVG or a PNG file.
//!
//! ```text
//! document ─▶ comfy_draw ─▶ display list ─┬─▶ page: HTML with the list, painted by page/*.js
//!                                         └─▶ SVG ─▶ PNG
//! ```
//!
//! What is drawn and where is decided by the crate `comfy-draw`; here is what it is drawn of,
//! what stands beside it, and where it goes. Text of a workflow is never markup: `maud` escapes
//! what stands in the page, `comfy_draw::json` what lies in it as data.

pub mod commands;
mod diff_drawing;
mod drawn_document;
mod html_page;
mod picture_file;
mod prompt_graph;
mod provenance_sheet;
mod rasterize;
mod scripts;
mod sentences;
mod sheet_html;
mod sheet_markdown;
