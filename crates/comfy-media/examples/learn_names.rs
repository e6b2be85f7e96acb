//! Learns names of widgets from folders of workflows, prompts, pictures and sources of packs,
//! and prints the table that is built in (`crates/comfy-graph/src/catalog/packs.tsv`). Each
//! folder is one state of one pack: give several states, so that a name that a pack changed is
//! none. Classes that ComfyUI brings are left out.
//!
//! ```sh
//! cargo run --release -p comfy-media --example learn_names -- FOLDER... > packs.tsv
//! ```

#![allow(clippy::print_stdout)]

use std::io::Cursor;
use std::path::Path;
use std::{env, fs};

use comfy_graph::catalog::{Catalog, LearnedNames, PackSources};
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::{Value, parse_lenient};

fn main() {
    let mut learned = LearnedNames::default();
    for folder in env::args_os().skip(1) {
        let mut sources = PackSources::default();
        visit(Path::new(&folder), &mut learned, &mut sources);
        learned.learn_from_pack(sources);
    }
    let core = Catalog::core();
    for line in learned.to_text().lines() {
        let class = line.split('\t').next().unwrap_or_default();
        if core.class(class).is_none() {
            println!("{line}");
        }
    }
}

fn visit(path: &Path, learned: &mut LearnedNames, sources: &mut PackSources) {
    if path.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| visit(path, learned, sources));
        return;
    }
    let Ok(bytes) = fs::read(path) else { return };
    if path.extension().is_some_and(|extension| extension == "py") {
        sources.read_source(&String::from_utf8_lossy(&bytes));
    } else if path.extension().is_some_and(|extension| extension == "json") {
        let Ok(document) = parse_lenient(&bytes) else { return };
        learned.learn_from_document(&document);
        learn_from_pair(document.get("workflow"), document.get("prompt"), learned);
    } else if let Ok(embedded) = comfy_media::read(&mut Cursor::new(&bytes)) {
        let payload = embedded.payload();
        if let Some(workflow) = &payload.workflow {
            learned.learn_from_document(workflow);
        }
        learn_from_pair(payload.workflow.as_ref(), payload.prompt.as_ref(), learned);
    }
}

/// A prompt is laid beside the workflow that it was made of.
fn learn_from_pair(workflow: Option<&Value>, prompt: Option<&Value>, learned: &mut LearnedNames) {
    let (Some(workflow), Some(prompt)) = (workflow, prompt) else { return };
    if let (Ok(workflow), Ok(prompt)) =
        (Workflow::from_value(workflow.clone()), Prompt::from_value(prompt.clone()))
    {
        learned.learn_from_run(&workflow, &prompt);
    }
}
