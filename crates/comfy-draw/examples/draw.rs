//! Draws the root graph of a workflow file as SVG: `cargo run -p comfy-draw --example draw FILE`.

use comfy_draw::{Theme, draw_workflow, render_svg};
use comfy_graph::catalog::Catalog;
use comfy_graph::clean::place_missing;
use comfy_graph::graph::Workflow;
use comfy_graph::json;

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which file?")?;
    let mut document = json::parse(&std::fs::read(file)?)?;
    place_missing(&mut document);
    let drawing = draw_workflow(&Workflow::from_value(document)?, &Catalog::core());
    let root = drawing.canvases.first().ok_or("nothing to draw")?;
    println!("{}", render_svg(root, Theme::Dark));
    Ok(())
}
