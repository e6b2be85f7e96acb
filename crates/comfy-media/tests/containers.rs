//! Every real output file gives back what the server put into it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use comfy_graph::graph::is_prompt;
use comfy_graph::json::{Object, Value};
use comfy_media::{self, Container, EmbeddedMetadata};

use crate::support::data;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Every output file, in order of name; none where they are absent.
fn outputs() -> Vec<PathBuf> {
    let mut found = vec![];
    if let Some(folder) = data::folder("outputs") {
        files(&folder, &mut found);
    }
    found.sort();
    found
}

fn read(file: &Path) -> EmbeddedMetadata {
    comfy_media::read(&mut File::open(file).unwrap()).unwrap()
}

fn container_of(file: &Path) -> Option<Container> {
    let animated = data::name(file).starts_with("SaveAnimatedPNG");
    Some(match file.extension().unwrap().to_str().unwrap() {
        "png" if animated => Container::Apng,
        "png" => Container::Png,
        "webp" => Container::WebP,
        "webm" => Container::WebM,
        "mp4" => Container::Mp4,
        "flac" => Container::Flac,
        "mp3" => Container::Mp3,
        "opus" => Container::Opus,
        "latent" => Container::Safetensors,
        _ => return None,
    })
}

#[test]
fn every_output_holds_a_prompt_and_the_workflow_if_there_was_one() {
    for file in outputs() {
        let name = data::name(&file);
        let Some(container) = container_of(&file) else {
            let unknown = comfy_media::read(&mut File::open(&file).unwrap());
            assert!(matches!(unknown, Err(comfy_media::MediaError::Unrecognized)), "{name}");
            continue;
        };
        let embedded = read(&file);
        assert_eq!(embedded.container, container, "{name}");
        assert_eq!(embedded.defects, [], "{name}");
        let pictured = !matches!(
            container,
            Container::Flac | Container::Mp3 | Container::Opus | Container::Safetensors
        );
        assert_eq!(embedded.size.is_some(), pictured, "{name}");
        let payload = embedded.payload();
        let prompt = payload.prompt.as_ref().unwrap_or_else(|| panic!("{name}: no prompt"));
        assert!(prompt.as_object().is_some_and(is_prompt), "{name}");
        // Prompts that were posted without a workflow have none: then no byte says so.
        let bytes = fs::read(&file).unwrap().to_ascii_lowercase();
        let says_so = bytes.windows(10).any(|bytes| bytes.starts_with(b"workflow"));
        assert_eq!(payload.workflow.is_some(), says_so, "{name}");
        assert_eq!(payload.parameters, None, "{name}");
    }
}

/// The prompt and workflow of each file that the server's history names, of every run
/// that names it.
fn history() -> HashMap<PathBuf, Vec<(Value, Option<Value>)>> {
    let mut made: HashMap<PathBuf, Vec<_>> = HashMap::new();
    let Some(root) = data::folder("outputs") else { return made };
    let documents = data::documents("server/http");
    let histories = documents.iter().filter(|(file, _)| data::name(file) == "history_full.json");
    for run in histories.flat_map(|(_, runs)| runs.as_object().unwrap().values()) {
        let prompt = run.get("prompt").unwrap();
        let info = prompt.get_index(3).unwrap().get("extra_pnginfo");
        let workflow = info.and_then(|info| info.get("workflow")).cloned();
        let nodes = run.get("outputs").unwrap().as_object().unwrap().values();
        let items = nodes
            .filter_map(Value::as_object)
            .flat_map(Object::values)
            .filter_map(Value::as_array)
            .flatten();
        for item in items.filter(|item| item.get("filename").is_some()) {
            let text = |key| item.get(key).unwrap().as_str().unwrap();
            if text("type") == "output" {
                let file = root.join(text("subfolder")).join(text("filename"));
                let run = (prompt.get_index(2).unwrap().clone(), workflow.clone());
                made.entry(file).or_default().push(run);
            }
        }
    }
    made
}

/// The embedded prompt as history has it: without the fingerprints of input files.
fn without_fingerprints(mut prompt: Value) -> Value {
    for node in prompt.as_object_mut().unwrap().values_mut() {
        node.as_object_mut().unwrap().remove("is_changed");
    }
    prompt
}

#[test]
fn what_is_embedded_is_what_the_server_ran() {
    let mut compared = 0;
    for (file, runs) in history() {
        if !file.is_file() || container_of(&file).is_none() {
            continue;
        }
        let payload = read(&file).payload();
        let prompt = without_fingerprints(payload.prompt.unwrap());
        let same = runs.iter().any(|(ran, workflow)| {
            ran.is_equivalent(&prompt)
                && match (workflow, &payload.workflow) {
                    (Some(ran), Some(embedded)) => ran.is_equivalent(embedded),
                    (None, None) => true,
                    _ => false,
                }
        });
        assert!(same, "{}: no run of {} fits", file.display(), runs.len());
        compared += 1;
    }
    assert!(data::folder("server").is_none() || compared > 30, "{compared}");
}

/// A cut file is never a panic, and what stands whole before the cut is found.
#[test]
fn cut_files_are_read_up_to_the_cut() {
    let mut kinds = HashMap::new();
    for file in outputs() {
        if let Some(container) = container_of(&file) {
            kinds.entry(container).or_insert(file);
        }
    }
    for file in kinds.values() {
        let bytes = fs::read(file).unwrap();
        let whole = read(file).entries;
        for end in (0..bytes.len()).step_by(97) {
            let Ok(cut) = comfy_media::read(&mut std::io::Cursor::new(&bytes[..end])) else {
                continue;
            };
            let kept = whole.iter().filter(|entry| cut.entries.contains(entry)).count();
            assert_eq!(kept, cut.entries.len(), "{} cut at {end}", file.display());
        }
    }
}
