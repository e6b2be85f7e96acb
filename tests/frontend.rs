//! The laws that only ComfyUI's own frontend can prove, opened in a real browser:
//! `tests/frontend/README.md` tells how to prepare it. Where it is not prepared these
//! tests pass without doing anything.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfy_graph::clean::{CleanOutcome, LayoutMode, clean_document};

use crate::graph_support::laid_out;
use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json;
use serde_json::Value;
use tempfile::TempDir;

use crate::graph_support::data;
use crate::graph_support::prompts::differences;

/// One frontend of the prepared folder.
struct Frontend {
    home: PathBuf,
    version: String,
    /// What the server says of its node classes, if it is not the harness's own dozen.
    catalog: Option<PathBuf>,
}

impl Frontend {
    /// Every frontend that was prepared; none where the variable is not set.
    fn all() -> Vec<Frontend> {
        let Some(home) = std::env::var_os("GIT_COMFY_FRONTEND").map(PathBuf::from) else {
            return Vec::new();
        };
        let entries = fs::read_dir(&home).expect("GIT_COMFY_FRONTEND names a prepared folder");
        let mut versions: Vec<_> = entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("index.html").is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        versions.sort();
        assert!(!versions.is_empty(), "no frontend in {}: run prepare.sh", home.display());
        let catalog = data::folder("catalog").map(|folder| folder.join("object_info-0.33.0.json"));
        let of = |version| Frontend { home: home.clone(), version, catalog: catalog.clone() };
        versions.into_iter().map(of).collect()
    }

    /// What the harness says of each file, or of each pair of files.
    fn ask(&self, question: &[&str], files: &[PathBuf]) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frontend/open.mjs");
        let mut node = Command::new("node");
        node.arg(script).args(question).arg("--home").arg(&self.home);
        node.args(["--version", &self.version]);
        if let Some(catalog) = &self.catalog {
            node.arg("--catalog").arg(catalog);
        }
        if let Some(folder) = data::folder("server") {
            node.arg("--replacements").arg(folder.join("http/node_replacements.json"));
        }
        node.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = node.spawn().expect("node is there");
        let list: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        node.stdin.take().unwrap().write_all(list.join("\n").as_bytes()).unwrap();
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success(), "the harness failed for {}", self.version);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Real workflows, and this project's own.
fn workflows() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = data::files_in(&root.join("tests/frontend/workflows"));
    files.extend(data::files_in(&root.join("fixtures")));
    for folder in ["templates", "edits", "workflows"] {
        files
            .extend(data::folder(folder).map(|folder| data::files_in(&folder)).unwrap_or_default());
    }
    files
}

/// The ways in which one file can come back.
fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let CleanOutcome::Cleaned(cleaned) = clean_document(bytes, LayoutMode::Strip) else {
        return Vec::new();
    };
    let content = cleaned.content;
    let mut forms = Vec::new();
    if let Some(file) = laid_out(&content, None) {
        forms.push(("arranged", file));
    }
    if let Some(layout) = &cleaned.layout {
        forms.extend(laid_out(&content, Some(layout)).map(|file| ("related", file)));
    }
    if let CleanOutcome::Cleaned(kept) = clean_document(bytes, LayoutMode::Keep) {
        forms.push(("keep", kept.content));
    }
    forms.push(("clean", content));
    forms
}

#[test]
fn the_harness_tells_what_was_recorded() {
    let Some(truth) = data::folder("roundtrip") else { return };
    let recorded =
        |kind: &str, name: &str| fs::read_to_string(truth.join(kind).join(name)).unwrap();
    let folder = TempDir::new().unwrap();
    for mut frontend in Frontend::all() {
        if frontend.version != "1.49.6" {
            continue;
        }
        frontend.catalog = Some(catalog_without_api_nodes(folder.path()));
        let files = data::files_in(&truth.join("opened"));
        let mut wrong = Vec::new();
        for result in frontend.ask(&["open"], &files) {
            let name = data::name(Path::new(result["file"].as_str().unwrap()));
            if result["saved"] != recorded("saved", &name) {
                wrong.push(format!("{name}: saved"));
            }
            if result["embedded"] != recorded("embedded", &name) {
                wrong.push(format!("{name}: embedded"));
            }
            // That one was recorded with a pack of nodes that the catalog does not have.
            let prompt: Value = serde_json::from_str(&recorded("prompt", &name)).unwrap();
            if name != "custom_nodes.json" && result["prompt"] != prompt {
                wrong.push(format!("{name}: prompt"));
            }
        }
        assert_eq!(wrong, [""; 0]);
    }
}

/// The truth was recorded on a server that was started without them.
fn catalog_without_api_nodes(folder: &Path) -> PathBuf {
    let all = data::folder("catalog").unwrap().join("object_info-0.33.0.json");
    let mut all: serde_json::Map<String, Value> =
        serde_json::from_slice(&fs::read(all).unwrap()).unwrap();
    all.retain(|_, class| !class["python_module"].as_str().unwrap().starts_with("comfy_api"));
    let file = folder.join("catalog.json");
    fs::write(&file, serde_json::to_vec(&all).unwrap()).unwrap();
    file
}

/// Every workflow with each of its forms, as pairs of files.
fn pairs(folder: &Path) -> Vec<PathBuf> {
    let mut pairs = Vec::new();
    for (at, original) in workflows().into_iter().enumerate() {
        for (form, bytes) in forms(&fs::read(&original).unwrap()) {
            let file = folder.join(format!("{at}.{form}.{}", data::name(&original)));
            fs::write(&file, bytes).unwrap();
            pairs.extend([original.clone(), file]);
        }
    }
    assert!(!pairs.is_empty());
    pairs
}

/// What a pair's verdict holds against the laws.
fn broken(verdict: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    // Ids that occur in two graphs of a file are renumbered by ComfyUI as it opens it:
    // the prompt is the same but for those.
    if verdict["opened"] != true || verdict["alike"] != true {
        broken.push(verdict["difference"].to_string());
    }
    // Errors of the console differ from one opening to the next; the graph must not.
    let trouble = verdict["trouble"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let graph = trouble.filter(|text| text.starts_with("defects") || text.starts_with("worked"));
    broken.extend(graph.map(str::to_owned));
    if content(&verdict["saved"][0]) != content(&verdict["saved"][1]) {
        broken.push("what Save wrote has another content".to_owned());
    }
    broken
}

/// The clean form of what Save wrote.
fn content(saved: &Value) -> Option<Vec<u8>> {
    match clean_document(saved.as_str()?.as_bytes(), LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => Some(cleaned.content),
        CleanOutcome::Untouched(_) => None,
    }
}

#[test]
fn every_form_of_a_file_opens_and_runs_and_saves_the_same() {
    let frontends = Frontend::all();
    if frontends.is_empty() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let pairs = pairs(folder.path());
    let mut wrong = Vec::new();
    for frontend in frontends {
        for verdict in frontend.ask(&["compare", "--saves"], &pairs) {
            let named = |text| format!("{}: {}: {text}", frontend.version, verdict["b"]);
            wrong.extend(broken(&verdict).into_iter().map(named));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Our own expansion of workflows into prompts, held against the frontend's.
#[test]
fn our_prompts_are_those_of_the_frontend() {
    let catalog = Catalog::core();
    let mut wrong = Vec::new();
    // The catalog is that of the server which pins this version.
    for frontend in Frontend::all().iter().filter(|frontend| frontend.version == "1.49.6") {
        for result in frontend.ask(&["open"], &workflows()) {
            let file = Path::new(result["file"].as_str().unwrap());
            let Ok(document) = json::parse(&fs::read(file).unwrap()) else { continue };
            let Ok(workflow) = Workflow::from_value(document) else { continue };
            let theirs = json::parse(result["prompt"].to_string().as_bytes()).unwrap();
            let theirs = Prompt::from_value(theirs).unwrap();
            let ours = workflow.to_prompt(&catalog).unwrap();
            let named = |text| format!("{}: {text}", data::name(file));
            wrong.extend(differences(&ours, &theirs).into_iter().map(named));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file with conflicts opens without a word of complaint, and what Save then writes still
/// resolves.
#[test]
fn conflicts_survive_being_saved_by_the_frontend() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/merge");
    let folder = TempDir::new().unwrap();
    let mut files = Vec::new();
    for case in fs::read_dir(cases).unwrap() {
        let case = case.unwrap();
        let file = folder.path().join(format!("{}.json", case.file_name().display()));
        let mut merge = Command::new(env!("CARGO_BIN_EXE_git-comfy"));
        let sides = ["base.json", "ours.json", "theirs.json"].map(|side| case.path().join(side));
        merge.current_dir(folder.path()).arg("merge").args(sides).arg("-o").arg(&file);
        merge.output().unwrap();
        let Ok(text) = fs::read_to_string(&file) else { continue };
        // Prompts in API format and other JSON are no canvases.
        if text.contains("\"git_comfy\"") && text.contains("\"last_node_id\"") {
            files.push(file);
        }
    }
    files.sort();
    assert!(files.len() > 10);
    let mut wrong = Vec::new();
    for frontend in Frontend::all() {
        for result in frontend.ask(&["open"], &files) {
            let name = data::name(Path::new(result["file"].as_str().unwrap()));
            let quiet = ["defects", "dialogs", "errors"]
                .iter()
                .all(|said| result[*said].as_array().is_some_and(Vec::is_empty));
            if result["opened"] != true || !quiet {
                wrong.push(format!("{}: {name}: {result}", frontend.version));
                continue;
            }
            let saved = folder.path().join("saved.json");
            fs::write(&saved, result["saved"].as_str().unwrap()).unwrap();
            let mut resolve = Command::new(env!("CARGO_BIN_EXE_git-comfy"));
            resolve.current_dir(folder.path()).args(["resolve", "--theirs", "saved.json"]);
            let output = resolve.output().unwrap();
            let settled = fs::read_to_string(&saved).unwrap();
            if !output.status.success() || settled.contains("git_comfy") {
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                wrong.push(format!("{}: {name}: {told}", frontend.version));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
