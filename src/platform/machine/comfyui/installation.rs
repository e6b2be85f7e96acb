//! Finding the ComfyUI that a repository's workflows are made with.
//!
//! In this order: what the person configured; the place of the repository (inside an
//! installation's `user` folder, or beside an installation); a server that runs on this
//! machine; the places installers use. Whatever is found says how it was found.
//!
//! Nothing that a repository brought along is believed: a repository that contains a
//! folder looking like ComfyUI, with an `extra_model_paths.yaml` pointing anywhere, must
//! not get git-comfy to open files there.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::extra_paths::{self, ExtraPathsSection, PathContext};
use super::folders::{InstallationFolders, ModelFolders};
use super::python::PythonEnvironment;
use crate::platform::files;

/// The most entries of a folder that are looked through for an installation beside the
/// repository.
const MAX_SIBLINGS: usize = 500;
/// The largest settings file that is read, in bytes.
const LARGEST_SETTINGS: u64 = 256 << 10;

/// Everything that can lead to ComfyUI, gathered by the caller: this module reads neither
/// configuration nor environment.
pub struct InstallationClues<'a> {
    /// `comfy.root`: where the person says ComfyUI is.
    pub root: Option<PathBuf>,
    /// `comfy.baseDirectory`: what they start it with as `--base-directory`.
    pub base_directory: Option<PathBuf>,
    /// `comfy.extraModelPaths`: what they start it with as `--extra-model-paths-config`.
    pub extra_model_paths: Vec<PathBuf>,
    /// `comfy.modelRoot`: where links may lead.
    pub model_roots: Vec<PathBuf>,
    pub repository: Option<PathBuf>,
    pub home: Option<PathBuf>,
    /// Folders in which programs keep their settings (`~/.config`, `%APPDATA%`, …).
    pub settings: Vec<PathBuf>,
    /// The model folders a running server on this machine lists.
    pub server: Option<&'a [(String, Vec<PathBuf>)]>,
    /// Looks up an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a file or link came with the repository (it is tracked by git).
    pub from_repository: &'a dyn Fn(&Path) -> bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// `comfy.root` or `comfy.baseDirectory`.
    Configuration,
    /// The repository lies inside it.
    Inside,
    /// It lies beside the repository.
    Beside,
    /// It runs, and says where its folders are.
    Server,
    /// The settings of the desktop application or of comfy-cli name it.
    Settings(&'static str),
    /// It lies where installers put it.
    UsualPlace,
}

/// An `extra_model_paths.yaml` that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraPathsFile {
    pub path: PathBuf,
    pub outcome: ExtraPathsOutcome,
}

/// What became of an `extra_model_paths.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtraPathsOutcome {
    Adds {
        folders: usize,
    },
    /// It does not count, for this reason.
    Ignored(String),
}

/// A ComfyUI on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder of `main.py`; the desktop application hides it.
    pub source: Option<PathBuf>,
    /// Where it keeps models, outputs and nodes.
    pub parts: InstallationFolders,
    pub found_by: FoundBy,
    pub folders: ModelFolders,
    /// The `extra_model_paths.yaml` files that add to `folders`, or would if they counted.
    pub extra: Vec<ExtraPathsFile>,
    /// Whether a running server has the same folders.
    pub server: ServerMatch,
    /// The version that its own files state.
    pub version: Option<String>,
    pub python: Option<PythonEnvironment>,
    /// Other installations that lie just as near.
    pub others: Vec<PathBuf>,
}

/// Whether a running server is this installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerMatch {
    /// None runs, or it was not asked.
    NotAsked,
    /// Its folders are this installation's.
    Yes,
    /// It has other folders: another installation, or another machine's disk.
    No,
}

/// Where an installation might be, before anything of it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InstallationCandidate {
    source: Option<PathBuf>,
    base: PathBuf,
    found_by: FoundBy,
    /// Settings folder of the desktop application that names it.
    desktop: Option<PathBuf>,
    others: Vec<PathBuf>,
}

/// Finds the installation. `None` when no clue leads to one.
pub fn find_installation(clues: &InstallationClues<'_>) -> Option<Installation> {
    let spot = find_configured(clues)
        .or_else(|| find_near_repository(clues))
        .or_else(|| find_by_server(clues))
        .or_else(|| find_by_settings(clues))
        .or_else(|| find_in_usual_places(clues))?;
    Some(read_installation(spot, clues))
}

fn find_configured(clues: &InstallationClues<'_>) -> Option<InstallationCandidate> {
    let named = clues.root.clone();
    let base = clues.base_directory.clone();
    let root = named.or_else(|| base.clone())?;
    let mut spot = candidate_at(&root, FoundBy::Configuration)
        // The person says so, and a fresh base folder may still be empty.
        .or_else(|| {
            root.is_dir().then(|| InstallationCandidate::base_only(root, FoundBy::Configuration))
        })?;
    spot.desktop = desktop_settings(clues).filter(|(_, b)| *b == spot.base).map(|(s, _)| s);
    if let Some(base) = base {
        spot.base = base;
    }
    Some(spot)
}

/// A folder that is an installation, holds one, or is the base folder of one.
fn candidate_at(folder: &Path, found_by: FoundBy) -> Option<InstallationCandidate> {
    let at = |source: PathBuf| InstallationCandidate {
        base: source.clone(),
        source: Some(source),
        found_by,
        desktop: None,
        others: Vec::new(),
    };
    // The portable build and comfy-cli's workspace hold a `ComfyUI`.
    let inner = folder.join("ComfyUI");
    match (is_comfyui_source(folder), is_comfyui_source(&inner), is_base_folder(folder)) {
        (true, _, _) => Some(at(folder.to_owned())),
        (_, true, _) => Some(at(inner)),
        (_, _, true) => Some(InstallationCandidate::base_only(folder.to_owned(), found_by)),
        _ => None,
    }
}

impl InstallationCandidate {
    /// A base folder whose program lies elsewhere.
    fn base_only(base: PathBuf, found_by: FoundBy) -> InstallationCandidate {
        InstallationCandidate { source: None, base, found_by, desktop: None, others: Vec::new() }
    }
}

fn is_comfyui_source(folder: &Path) -> bool {
    folder.join("main.py").is_file()
        && folder.join("folder_paths.py").is_file()
        && folder.join("comfy").is_dir()
}

fn is_base_folder(folder: &Path) -> bool {
    folder.join("models").is_dir()
        && folder.join("custom_nodes").is_dir()
        && folder.join("user").is_dir()
}

fn find_near_repository(clues: &InstallationClues<'_>) -> Option<InstallationCandidate> {
    let repository = clues.repository.as_deref()?;
    let believed = |folder: &Path| {
        !folder.starts_with(repository)
            || !["main.py", "models", "ComfyUI/main.py"]
                .iter()
                .any(|marker| (clues.from_repository)(&folder.join(marker)))
    };
    let inside = repository
        .ancestors()
        .filter(|folder| is_comfyui_source(folder) || is_base_folder(folder))
        .find_map(|folder| candidate_at(folder, FoundBy::Inside));
    if let Some(mut spot) = inside {
        spot.desktop = desktop_settings(clues).filter(|(_, b)| *b == spot.base).map(|(s, _)| s);
        return Some(spot);
    }
    let parent = repository.parent()?;
    let mut beside: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .take(MAX_SIBLINGS)
        .map(|entry| entry.path())
        .filter(|path| path != repository)
        .collect();
    beside.push(repository.to_owned());
    // The plain name first; then whatever else is there, in a fixed order.
    beside
        .sort_by_key(|path| (path.file_name().is_none_or(|name| name != "ComfyUI"), path.clone()));
    let mut spots = beside
        .iter()
        .filter(|path| believed(path))
        .filter_map(|path| candidate_at(path, FoundBy::Beside))
        .filter(|spot| spot.source.is_some());
    let mut first = spots.next()?;
    first.others = spots.map(|spot| spot.base).collect();
    Some(first)
}

/// The base folder behind a server's own list.
fn find_by_server(clues: &InstallationClues<'_>) -> Option<InstallationCandidate> {
    let listed = clues.server?;
    let folders = |wanted: &str| {
        let found = listed.iter().find(|(kind, _)| kind == wanted);
        found.into_iter().flat_map(|(_, folders)| folders)
    };
    // `custom_nodes` lies in the base folder, `checkpoints` in `models` there.
    let above = folders("custom_nodes").filter_map(|folder| folder.parent());
    let models = folders("checkpoints").filter_map(|folder| folder.parent()?.parent());
    let base = above.chain(models).find(|base| base.is_dir())?;
    let spot = candidate_at(base, FoundBy::Server);
    Some(spot.unwrap_or_else(|| InstallationCandidate::base_only(base.to_owned(), FoundBy::Server)))
}

fn find_by_settings(clues: &InstallationClues<'_>) -> Option<InstallationCandidate> {
    if let Some((settings, base)) = desktop_settings(clues).filter(|(_, base)| base.is_dir()) {
        let by = FoundBy::Settings("ComfyUI Desktop");
        let spot =
            candidate_at(&base, by).unwrap_or_else(|| InstallationCandidate::base_only(base, by));
        return Some(InstallationCandidate { desktop: Some(settings), ..spot });
    }
    clues.settings.iter().find_map(|settings| {
        let text = read_small_file(&settings.join("comfy-cli").join("config.ini"))?;
        let workspace = |wanted: &str| {
            text.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                (key.trim() == wanted).then(|| PathBuf::from(value.trim()))
            })
        };
        ["default_workspace", "recent_workspace"]
            .iter()
            .find_map(|key| candidate_at(&workspace(key)?, FoundBy::Settings("comfy-cli")))
    })
}

/// The settings folder of the desktop application and the base folder it names.
fn desktop_settings(clues: &InstallationClues<'_>) -> Option<(PathBuf, PathBuf)> {
    clues.settings.iter().map(|settings| settings.join("ComfyUI")).find_map(|settings| {
        let text = read_small_file(&settings.join("config.json"))?;
        let named: DesktopSettings = serde_json::from_str(&text).ok()?;
        Some((settings, named.base_path))
    })
}

/// The `config.json` of the desktop application, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DesktopSettings {
    base_path: PathBuf,
}

fn find_in_usual_places(clues: &InstallationClues<'_>) -> Option<InstallationCandidate> {
    let home = clues.home.as_deref()?;
    const BELOW_HOME: &[&str] = &[
        "ComfyUI",
        "comfy/ComfyUI",
        "comfyui",
        "Documents/ComfyUI",
        "ComfyUI_windows_portable",
        "StabilityMatrix/Packages/ComfyUI",
    ];
    let mut spots = BELOW_HOME
        .iter()
        .map(|below| home.join(below))
        .filter(|folder| clues.repository.as_ref().is_none_or(|repo| !folder.starts_with(repo)))
        .filter_map(|folder| candidate_at(&folder, FoundBy::UsualPlace));
    let mut first = spots.next()?;
    first.others = spots.map(|spot| spot.base).filter(|base| *base != first.base).collect();
    Some(first)
}

fn read_installation(spot: InstallationCandidate, clues: &InstallationClues<'_>) -> Installation {
    let parts = InstallationFolders::from_base(&spot.base);
    let mut files: Vec<PathBuf> = Vec::new();
    files.extend(spot.source.as_ref().map(|source| source.join("extra_model_paths.yaml")));
    files.extend(spot.desktop.as_ref().map(|settings| settings.join("extra_models_config.yaml")));
    let configured = clues.extra_model_paths.iter();
    let mut sections = Vec::new();
    let mut extra = Vec::new();
    let all = files
        .iter()
        .map(|file| (file, ExtraPathsTrust::UnlessFromRepository))
        .chain(configured.map(|f| (f, ExtraPathsTrust::Always)));
    for (path, believe) in all {
        let outcome = match read_extra_paths(path, believe, clues) {
            ExtraPathsReading::NotThere => continue,
            ExtraPathsReading::Ignored(why) => ExtraPathsOutcome::Ignored(why),
            ExtraPathsReading::Sections(read) => {
                let folders = read.iter().map(|section| section.folders.len()).sum();
                sections.extend(read);
                ExtraPathsOutcome::Adds { folders }
            }
        };
        extra.push(ExtraPathsFile { path: path.clone(), outcome });
    }
    let built = ModelFolders::from_installation(&parts, &sections);
    let (folders, server) = match clues.server {
        None => (built, ServerMatch::NotAsked),
        Some(listed) if shares_a_folder(listed, &built) => {
            let from_server = ModelFolders::from_server(&parts, listed.iter().cloned(), &built);
            (from_server, ServerMatch::Yes)
        }
        Some(_) => (built, ServerMatch::No),
    };
    let folders = folders
        .without_folders(&|path| is_linked_by_repository(path, clues))
        .with_roots(&clues.model_roots);
    Installation {
        version: spot.source.as_deref().and_then(stated_version),
        python: PythonEnvironment::find(spot.source.as_deref(), &parts.base),
        source: spot.source,
        found_by: spot.found_by,
        others: spot.others,
        parts,
        folders,
        extra,
        server,
    }
}

/// Whether an `extra_model_paths.yaml` counts.
#[derive(Clone, Copy)]
enum ExtraPathsTrust {
    Always,
    UnlessFromRepository,
}

enum ExtraPathsReading {
    NotThere,
    Sections(Vec<ExtraPathsSection>),
    /// It does not count, for this reason.
    Ignored(String),
}

fn read_extra_paths(
    path: &Path,
    believe: ExtraPathsTrust,
    clues: &InstallationClues<'_>,
) -> ExtraPathsReading {
    if matches!(believe, ExtraPathsTrust::UnlessFromRepository) {
        if !path.is_file() {
            return ExtraPathsReading::NotThere;
        }
        if (clues.from_repository)(path) {
            let why = "it came with the repository; git config --add comfy.extraModelPaths \
                       <file> if you trust it";
            return ExtraPathsReading::Ignored(why.to_owned());
        }
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let context = PathContext { folder, home: clues.home.as_deref(), variable: clues.variable };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) => return ExtraPathsReading::Ignored(error.to_string()),
    };
    match extra_paths::parse_extra_paths(&text, &context) {
        Ok(sections) => ExtraPathsReading::Sections(sections),
        Err(error) => ExtraPathsReading::Ignored(error.to_string()),
    }
}

/// Whether a link that came with the repository decides where this path leads.
fn is_linked_by_repository(path: &Path, clues: &InstallationClues<'_>) -> bool {
    let Some(repository) = clues.repository.as_deref() else { return false };
    path.ancestors()
        .take_while(|part| part.starts_with(repository) && *part != repository)
        .any(|part| part.is_symlink() && (clues.from_repository)(part))
}

fn shares_a_folder(listed: &[(String, Vec<PathBuf>)], built: &ModelFolders) -> bool {
    listed.iter().any(|(kind, paths)| {
        let known = built.folder_type(kind).into_iter().flat_map(|kind| &kind.folders);
        known.into_iter().any(|folder| paths.contains(&folder.path) && folder.path.is_dir())
    })
}

/// The version that ComfyUI's own files state: `comfyui_version.py`, else `pyproject.toml`.
fn stated_version(source: &Path) -> Option<String> {
    assigned_version(&source.join("comfyui_version.py"), "__version__")
        .or_else(|| assigned_version(&source.join("pyproject.toml"), "version"))
}

/// The version behind the first `key = "..."` of a file.
fn assigned_version(file: &Path, key: &str) -> Option<String> {
    let text = read_small_file(file)?;
    text.lines().find_map(|line| quoted_version(line.trim().strip_prefix(key)?))
}

fn quoted_version(assignment: &str) -> Option<String> {
    let value = assignment.trim_start().strip_prefix('=')?.trim();
    let value = value.trim_matches(['"', '\'']);
    let is_plain = !value.is_empty()
        && value.len() < 40
        && value.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c));
    is_plain.then(|| value.to_owned())
}

fn read_small_file(path: &Path) -> Option<String> {
    files::read_text_up_to(path, LARGEST_SETTINGS).ok()
}

#[cfg(test)]
#[path = "installation_tests.rs"]
mod tests;
