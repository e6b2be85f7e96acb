//! One task over a fixed set of files and nothing else, for counting instructions:
//!
//! ```sh
//! cargo build --release -p comfy-graph --example measure
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='measure::measured' \
//!     target/release/examples/measure clean
//! ```
//!
//! Tasks: `clean`, `smudge`, `parse`, `print`, `diff`, `merge`. A folder of workflows may follow;
//! without one the fixtures are taken, laid out as ComfyUI saves and exports them. `size` prints
//! how many bytes the tasks read.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use comfy_graph::catalog::Catalog;
use comfy_graph::clean::{self, CleanOutcome, CleanResult, LayoutMode};
use comfy_graph::diff;
use comfy_graph::json::{self, JsonStyle, Value};
use comfy_graph::merge::{MergeOptions, MergeStrategies, merge_documents};

/// A workflow as it lies in a folder.
struct SavedFile {
    bytes: Vec<u8>,
    cleaned: CleanResult,
}

impl SavedFile {
    fn new(bytes: Vec<u8>) -> Option<SavedFile> {
        match clean::clean_document(&bytes, LayoutMode::Strip) {
            CleanOutcome::Cleaned(cleaned) => Some(SavedFile { bytes, cleaned }),
            CleanOutcome::Untouched(_) => None,
        }
    }

    fn value(&self) -> Value {
        json::parse(&self.bytes).unwrap()
    }
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(json_files(&path)),
            false => {
                files.extend(Some(path).filter(|p| p.extension().is_some_and(|e| e == "json")))
            }
        }
    }
    files.sort();
    files
}

/// The fixtures, each as ComfyUI saves it and as it exports it.
fn fixtures() -> Vec<SavedFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let laid_out = |path: PathBuf| {
        let CleanResult { content, .. } = SavedFile::new(fs::read(path).unwrap())?.cleaned;
        let value = json::parse(&support::laid_out(&content, None)?).ok()?;
        Some([JsonStyle::SAVE, JsonStyle::EXPORT].map(|style| json::print(&value, &style)))
    };
    let files = json_files(&folder).into_iter().filter_map(laid_out).flatten();
    files.filter_map(|text| SavedFile::new(text.into_bytes())).collect()
}

fn files_of(folder: &Path) -> Vec<SavedFile> {
    json_files(folder).into_iter().filter_map(|path| SavedFile::new(fs::read(path).ok()?)).collect()
}

#[inline(never)]
fn measured(task: &str, files: &[SavedFile], values: &[Value]) {
    match task {
        "clean" => {
            for file in files {
                black_box(clean::clean_document(&file.bytes, LayoutMode::Strip));
            }
        }
        "smudge" => {
            for CleanResult { content, layout } in files.iter().map(|file| &file.cleaned) {
                black_box(clean::smudge(content, layout.as_deref().unwrap_or_default()));
            }
        }
        "parse" => {
            for file in files {
                black_box(json::parse(&file.bytes).ok());
            }
        }
        "print" => {
            for value in values {
                black_box(json::print(value, &JsonStyle::CANONICAL));
            }
        }
        "diff" => {
            let catalog = Catalog::core();
            for pair in values.windows(2) {
                black_box(diff::diff(pair[0].clone(), pair[1].clone(), &catalog));
            }
        }
        "merge" => {
            let (strategies, catalog) = (MergeStrategies::default(), Catalog::core());
            let options = MergeOptions { strategies: &strategies, naming: &catalog };
            for sides in values.windows(3) {
                black_box(merge_documents(Some(&sides[0]), &sides[1], &sides[2], options));
            }
        }
        _ => panic!("no task {task}"),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_else(|| "clean".to_owned());
    let folder = arguments.next().map(PathBuf::from);
    let files = folder.map_or_else(fixtures, |folder| files_of(&folder));
    let values: Vec<Value> = files.iter().map(SavedFile::value).collect();
    if task == "size" {
        println!("{}", files.iter().map(|file| file.bytes.len()).sum::<usize>());
        return;
    }
    measured(&task, &files, &values);
}
