//! Laws of drawings, held over generated workflows and, where they lie beside the project,
//! over real ones.

// In a test a failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

mod comparisons;
mod drawings;

use std::path::{Path, PathBuf};

use comfy_graph::clean::place_missing;
use comfy_graph::graph::Workflow;
use comfy_graph::json::{self, Value};

/// The document of a text, with a place for everything.
fn document(text: &str) -> Value {
    let mut value = json::parse_text(text).unwrap();
    place_missing(&mut value);
    value
}

fn workflow(value: &Value) -> Workflow {
    Workflow::from_value(value.clone()).unwrap()
}

/// A loader, a sampler and a note.
const SMALL: &str = r##"{"version":0.4,"last_node_id":4,"last_link_id":1,"nodes":[
    {"id":4,"type":"CheckpointLoaderSimple","pos":[20,80],"size":[270,98],"mode":0,"inputs":[],
        "outputs":[{"name":"MODEL","type":"MODEL","links":[1]},
            {"name":"CLIP","type":"CLIP","links":[]},
            {"name":"VAE","type":"VAE","links":[]}],"widgets_values":["sd.safetensors"]},
    {"id":3,"type":"KSampler","pos":[380,60],"size":[270,262],"mode":4,"title":"Sample",
        "inputs":[{"name":"model","type":"MODEL","link":1},
            {"name":"positive","type":"CONDITIONING","link":null}],
        "outputs":[{"name":"LATENT","type":"LATENT","links":[]}],
        "widgets_values":[5,"fixed",20,7.5,"euler","normal",1.0]},
    {"id":2,"type":"MarkdownNote","pos":[20,240],"size":[270,120],"mode":0,"inputs":[],"outputs":[],
        "widgets_values":["# Read me\n- one\n- two"],"color":"#432","bgcolor":"#653"}],
    "links":[[1,4,0,3,0,"MODEL"]],
    "groups":[{"id":1,"title":"Load","bounding":[0,0,310,200],"color":"#3f789e"}]}"##;

/// Real workflows, where they lie beside the project.
fn real_workflows() -> Vec<(PathBuf, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mut found = Vec::new();
    for folder in ["templates", "workflows", "edits"] {
        for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let Ok(mut value) = json::parse(&bytes) else { continue };
            place_missing(&mut value);
            if Workflow::from_value(value.clone()).is_ok() {
                found.push((path, value));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
