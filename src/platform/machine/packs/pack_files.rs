//! One pack: what its own files say it is, and which node classes it registers.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::python_source::{RegisteredClasses, parse_registered_classes};
use crate::platform::AtomicWrite;
use crate::platform::files::{read_text_up_to, read_up_to};

/// The largest `pyproject.toml` that is read, in bytes.
const LARGEST_PROJECT: u64 = 256 << 10;
/// The largest source file that is read, in bytes.
const LARGEST_SOURCE: u64 = 2 << 20;
/// The most bytes of source read of one pack.
const MOST_SOURCE: u64 = 24 << 20;
/// The most source files of one pack.
const MOST_FILES: usize = 1000;
/// How deep source files are looked for.
const MAX_DEPTH: usize = 6;

/// Folders that hold no node classes, and may hold a great deal else.
const SKIPPED_FOLDERS: &[&str] =
    &["__pycache__", "node_modules", "venv", "site-packages", "tests", "web", "js"];

/// The `[project]` of a pack's `pyproject.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PackProject {
    /// Its name, which is the registry's id.
    pub name: Option<String>,
    pub version: Option<String>,
    /// Where its source lives.
    pub repository: Option<String>,
    /// The registry publisher (`[tool.comfy] PublisherId`).
    pub publisher: Option<String>,
}

#[derive(Deserialize)]
struct PyprojectFile {
    project: Option<ProjectTable>,
    tool: Option<ToolTable>,
}

#[derive(Deserialize)]
struct ProjectTable {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    urls: std::collections::BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct ToolTable {
    comfy: Option<ComfyTable>,
}

#[derive(Deserialize)]
struct ComfyTable {
    #[serde(rename = "PublisherId")]
    publisher: Option<String>,
}

/// Reads a pack's `pyproject.toml`; one that cannot be read is none.
pub(crate) fn read_project(pack: &Path) -> Option<PackProject> {
    let text = read_text_up_to(&pack.join("pyproject.toml"), LARGEST_PROJECT).ok()?;
    let file: PyprojectFile = toml::from_str(&text).ok()?;
    let table = file.project?;
    let line =
        |text: String| (!text.chars().any(char::is_control) && text.len() < 300).then_some(text);
    let repository = table.urls.iter().find(|(key, _)| key.eq_ignore_ascii_case("repository"));
    Some(PackProject {
        name: table.name.and_then(line),
        version: table.version.and_then(line),
        repository: repository.and_then(|(_, url)| line(url.as_str()?.to_owned())),
        publisher: file.tool.and_then(|tool| tool.comfy?.publisher).and_then(line),
    })
}

/// The registry id that ComfyUI's Manager leaves in a git pack it knows.
pub(crate) fn read_registry_id(pack: &Path) -> Option<String> {
    let text = read_text_up_to(&pack.join(".git").join(".cnr-id"), 300).ok()?;
    let id = text.trim();
    (!id.is_empty() && !id.chars().any(char::is_control)).then(|| id.to_owned())
}

/// A source file and what tells whether it changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackSource {
    path: PathBuf,
    size: u64,
    mtime: Option<std::time::SystemTime>,
}

impl PackSource {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The source files of a pack (a folder, or one file), in a fixed order. Links are not
/// followed. Gives also whether there were more than are looked at.
pub(crate) fn find_sources(pack: &Path) -> (Vec<PackSource>, bool) {
    let mut found = Vec::new();
    let mut cut = false;
    let mut left = vec![(pack.to_owned(), 0)];
    while let Some((path, depth)) = left.pop() {
        // The pack itself may be a link: people develop packs elsewhere.
        let metadata = if depth == 0 { path.metadata() } else { path.symlink_metadata() };
        let Ok(metadata) = metadata else { continue };
        if metadata.is_file() {
            if path.extension().is_some_and(|extension| extension == "py") {
                let mtime = metadata.modified().ok();
                found.push(PackSource { path, size: metadata.len(), mtime });
            }
        } else if metadata.is_dir() && depth < MAX_DEPTH {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            left.extend(
                entries
                    .filter(|entry| may_hold_source(&entry.file_name()))
                    .map(|e| (e.path(), depth + 1)),
            );
        }
        if found.len() > MOST_FILES {
            cut = true;
            break;
        }
    }
    found.sort();
    (found, cut)
}

fn may_hold_source(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with('.') && !SKIPPED_FOLDERS.contains(&name.as_ref())
}

/// What these sources register.
pub(crate) fn read_registered_classes(sources: &[PackSource], cut: bool) -> RegisteredClasses {
    let mut all = RegisteredClasses { is_partial: cut, ..RegisteredClasses::default() };
    let mut bytes = 0;
    for source in sources {
        bytes += source.size;
        if source.size > LARGEST_SOURCE || bytes > MOST_SOURCE {
            all.is_partial = true;
            continue;
        }
        if let Ok(text) = read_up_to(&source.path, LARGEST_SOURCE) {
            all.extend(parse_registered_classes(&String::from_utf8_lossy(&text)));
        }
    }
    all
}

/// What the sources of a pack registered when they looked like this.
#[derive(Serialize, Deserialize)]
struct CachedClasses {
    sources: String,
    classes: Vec<String>,
    more: bool,
}

/// The classes of a pack, kept in a file of the cache folder until a source changes.
pub(crate) fn cached_registered_classes(pack: &Path, cache: Option<&Path>) -> RegisteredClasses {
    let (sources, cut) = find_sources(pack);
    let Some(cache) = cache else { return read_registered_classes(&sources, cut) };
    let key = blake3::hash(pack.as_os_str().as_encoded_bytes()).to_hex();
    let file = cache.join("packs").join(key.as_str());
    let state = hash_sources(&sources);
    let known = read_up_to(&file, 4 << 20)
        .ok()
        .and_then(|text| serde_json::from_slice::<CachedClasses>(&text).ok())
        .filter(|known| known.sources == state);
    if let Some(known) = known {
        return RegisteredClasses {
            classes: known.classes.into_iter().collect(),
            is_partial: known.more,
        };
    }
    let read = read_registered_classes(&sources, cut);
    let classes = read.classes.iter().cloned().collect();
    let _ = write_cached_classes(
        &file,
        &CachedClasses { sources: state, classes, more: read.is_partial },
    );
    read
}

fn hash_sources(sources: &[PackSource]) -> String {
    let mut hasher = blake3::Hasher::new();
    for source in sources {
        hasher.update(source.path.as_os_str().as_encoded_bytes());
        hasher.update(format!("\0{}\0{:?}\n", source.size, source.mtime).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn write_cached_classes(file: &Path, remembered: &CachedClasses) -> std::io::Result<()> {
    AtomicWrite::new().create_folder().write(file, &serde_json::to_vec(remembered)?)
}
