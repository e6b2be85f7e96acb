//! Real files to hold the laws against, where they are present.

use std::fs;
use std::path::{Path, PathBuf};

use comfy_graph::json::{Value, parse, parse_lenient};

/// The folder of real files beside the project, if it is there.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let mut places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().take(3);
    let data = places.find_map(|place| {
        place.parent().map(|beside| beside.join("shared/data")).filter(|data| data.is_dir())
    })?;
    let folder = data.join(name);
    folder.is_dir().then_some(folder)
}

/// Every file in a folder and below, in order of name; none where it is absent.
pub(crate) fn files(name: &str) -> Vec<PathBuf> {
    folder(name).map(|folder| files_in(&folder)).unwrap_or_default()
}

/// The same for any folder.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if folder.is_dir() {
        collect(folder, &mut files);
    }
    files.sort();
    files
}

/// Every JSON file in a folder and below, in order of name; none where it is absent.
pub(crate) fn documents(name: &str) -> Vec<(PathBuf, Value)> {
    let json = |file: &PathBuf| file.extension().is_some_and(|e| e == "json");
    let read = |file: PathBuf| {
        let bytes = fs::read(&file).unwrap();
        let value = parse(&bytes).or_else(|_| parse_lenient(&bytes)).ok()?;
        Some((file, value))
    };
    files(name).into_iter().filter(json).filter_map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The file's name, for messages.
pub(crate) fn name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}
