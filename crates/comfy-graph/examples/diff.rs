//! Prints what changed between two workflows or prompts, as the JSON of
//! `docs/diff-schema.md`: `cargo run -p comfy-graph --example diff before.json after.json`.

#![allow(clippy::print_stdout)]

use std::error::Error;

use comfy_graph::catalog::Catalog;
use comfy_graph::json::{self, JsonStyle};
use comfy_graph::{diff, graph::WidgetNaming};

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [before, after] = files.as_slice() else {
        return Err("name two files: the one before and the one after".into());
    };
    let read = |file: &String| Ok::<_, Box<dyn Error>>(json::parse(&std::fs::read(file)?)?);
    let catalog = Catalog::core();
    let naming: &dyn WidgetNaming = &catalog;
    match diff::diff(read(before)?, read(after)?, naming) {
        Some(script) => println!("{}", json::print(&script.to_json(), &JsonStyle::EXPORT)),
        None => println!("no workflow or prompt in both"),
    }
    Ok(())
}
