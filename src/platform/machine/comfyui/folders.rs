//! The folders ComfyUI looks for models in, in its own order, and the roots that bound
//! everything git-comfy opens.
//!
//! ## Which links are followed
//! Keeping models on another disk behind a link is usual, and a workflow must still not be
//! able to name a file outside of the model folders. So the roots are decided by what the
//! person set up for the folders, never by what lies in them:
//! - a *search folder* may itself be a link, or lie behind one: what it leads to is a root;
//! - a file or folder *inside* a search folder may be a link to anywhere below any root;
//! - a link that leads elsewhere is refused, until the person names that place with
//!   `git config --add comfy.modelRoot <folder>`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::built_in_types::{
    BUILT_IN_TYPES, BuiltInOffer, MODEL_ENDINGS, NOT_MODELS, OUTPUT_FOLDERS, current_type_name,
};
use super::extra_paths::ExtraPathsSection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchFolder {
    /// The folder as ComfyUI's configuration names it, links not resolved.
    pub path: PathBuf,
    /// How it is named in records: below the base folder by its path
    /// (`models/checkpoints`), anywhere else by the yaml section that names it
    /// (`a111:loras`). Never an absolute path.
    pub label: String,
}

/// Which names a type offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferedNames {
    /// Files with one of these endings (lower case, with the dot; empty: without one).
    Endings(BTreeSet<String>),
    /// Every file: types that only `extra_model_paths.yaml` or a node pack knows.
    Everything,
    Folders,
}

/// A name under which a file is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedName {
    pub folder_type: String,
    /// That of the search folder.
    pub label: String,
    /// Below the search folder, with forward slashes.
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolderType {
    /// Where it is searched, in order; the first folder that has the file wins.
    pub folders: Vec<SearchFolder>,
    pub offered: OfferedNames,
    pub known_by: KnownBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// ComfyUI has it built in.
    Comfy,
    /// `extra_model_paths.yaml` names it.
    ExtraPaths,
    /// A running server lists it.
    Server,
    /// A folder of that name lies beside the built-in ones: packs make theirs there.
    FolderName,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFolders {
    types: IndexMap<String, ModelFolderType>,
    roots: Vec<PathBuf>,
    /// The folders of custom nodes, in ComfyUI's order.
    pub custom_nodes: Vec<PathBuf>,
}

/// Where an installation keeps its parts; ComfyUI's command line can move each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationFolders {
    /// `--base-directory`, or the folder of `main.py`.
    pub base: PathBuf,
    /// `--models-directory`, or `models` in the base.
    pub models: PathBuf,
    /// `--output-directory`, or `output` in the base.
    pub output: PathBuf,
}

impl InstallationFolders {
    /// The usual parts of a base folder.
    pub fn from_base(base: impl Into<PathBuf>) -> Self {
        let base = base.into();
        InstallationFolders { models: base.join("models"), output: base.join("output"), base }
    }
}

impl ModelFolders {
    /// The folders as ComfyUI sets them up at start: built in, then the yaml sections in
    /// order, then the output folders, then what packs left below `models`.
    pub fn from_installation(parts: &InstallationFolders, sections: &[ExtraPathsSection]) -> Self {
        let mut folders = ModelFolders::default();
        for (kind, below, offers) in BUILT_IN_TYPES {
            for below in *below {
                let path = parts.models.join(below);
                folders.add_folder(
                    kind,
                    parts.labelled_folder(path, kind),
                    KnownBy::Comfy,
                    SearchPosition::Last,
                );
            }
            if let Some(known) = folders.types.get_mut(*kind) {
                known.offered = offered_names(*offers);
            }
        }
        folders.custom_nodes.push(parts.base.join("custom_nodes"));
        for section in sections {
            let side =
                if section.is_default { SearchPosition::First } else { SearchPosition::Last };
            for (kind, path) in &section.folders {
                if kind == "custom_nodes" {
                    side.insert_into(&mut folders.custom_nodes, path.clone());
                } else {
                    let label = parts.label(path).unwrap_or_else(|| section.label(kind));
                    let folder = SearchFolder { path: path.clone(), label };
                    folders.add_folder(kind, folder, KnownBy::ExtraPaths, side);
                }
            }
        }
        for (kind, below) in OUTPUT_FOLDERS {
            let path = parts.output.join(below);
            folders.add_folder(
                kind,
                parts.labelled_folder(path, kind),
                KnownBy::Comfy,
                SearchPosition::Last,
            );
        }
        folders.add_unlisted_types(parts);
        folders.collect_roots();
        folders
    }

    /// The folders as a running server on this machine lists them
    /// (`/internal/folder_paths`). The endings come from what is already known.
    pub fn from_server(
        parts: &InstallationFolders,
        listed: impl IntoIterator<Item = (String, Vec<PathBuf>)>,
        known: &ModelFolders,
    ) -> Self {
        let mut folders = ModelFolders::default();
        for (kind, paths) in listed {
            if kind == "custom_nodes" {
                folders.custom_nodes = paths;
                continue;
            }
            for path in paths {
                let named = known.types.values().flat_map(|known| &known.folders);
                let label = named.filter(|f| f.path == path).map(|f| f.label.clone()).next();
                let label = label.or_else(|| parts.label(&path));
                let label = label.unwrap_or_else(|| format!("server:{kind}"));
                folders.add_folder(
                    &kind,
                    SearchFolder { path, label },
                    KnownBy::Server,
                    SearchPosition::Last,
                );
            }
            let offered = known.types.get(&kind).map(|known| known.offered.clone());
            if let (Some(offered), Some(kind)) = (offered, folders.types.get_mut(&kind)) {
                kind.offered = offered;
            }
        }
        folders.collect_roots();
        folders
    }

    /// Adds places of which the person said that links may lead there
    /// (`comfy.modelRoot`).
    #[must_use]
    pub fn with_roots(mut self, roots: &[PathBuf]) -> Self {
        self.roots.extend(roots.iter().filter_map(|root| root.canonicalize().ok()));
        self
    }

    /// Leaves out the search folders of which `refuse` says so: links that a repository
    /// brought along are not the person's own set-up.
    #[must_use]
    pub fn without_folders(mut self, refuse: &dyn Fn(&Path) -> bool) -> Self {
        for kind in self.types.values_mut() {
            kind.folders.retain(|folder| !refuse(&folder.path));
        }
        self.custom_nodes.retain(|folder| !refuse(folder));
        self.roots.clear();
        self.collect_roots();
        self
    }

    /// A type by its name or an older name of it.
    pub fn folder_type(&self, name: &str) -> Option<&ModelFolderType> {
        self.types.get(name).or_else(|| self.types.get(current_type_name(name)))
    }

    /// All types, ComfyUI's own first.
    pub fn folder_types(&self) -> impl Iterator<Item = (&str, &ModelFolderType)> {
        self.types.iter().map(|(name, kind)| (name.as_str(), kind))
    }

    /// Whether a path without links in it lies inside the bounds.
    pub fn contains(&self, real: &Path) -> bool {
        self.roots.iter().any(|root| real.starts_with(root))
    }

    /// The files that each type offers, as a server's `/models/<type>` lists them: links
    /// followed inside the bounds, at most some ten thousand.
    pub fn list_files(&self) -> Vec<(String, Vec<String>)> {
        const MOST: usize = 20_000;
        let list = |(name, kind): (&String, &ModelFolderType)| {
            let mut files = Vec::new();
            for folder in &kind.folders {
                self.visit_files(&folder.path, kind, &mut |own, _, _| {
                    if files.len() < MOST {
                        files.push(own);
                    }
                });
            }
            files.sort();
            files.dedup();
            (name.clone(), files)
        };
        self.types.iter().map(list).collect()
    }

    /// Visits the files that a type offers in one of its folders: the name below the
    /// folder, the path, and what the file system says of it. Links are followed inside
    /// the bounds.
    pub fn visit_files(
        &self,
        folder: &Path,
        kind: &ModelFolderType,
        visit: &mut dyn FnMut(String, &Path, &fs::Metadata),
    ) {
        self.visit_below(folder, "", kind, 0, visit);
    }

    fn visit_below(
        &self,
        path: &Path,
        below: &str,
        kind: &ModelFolderType,
        depth: usize,
        visit: &mut dyn FnMut(String, &Path, &fs::Metadata),
    ) {
        const DEEPEST: usize = 12;
        let inside = depth == 0 || path.canonicalize().is_ok_and(|real| self.contains(&real));
        if !inside || depth > DEEPEST {
            return;
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.path().metadata() else { continue };
            let own = format!("{below}{name}");
            if metadata.is_dir() && name != ".git" {
                self.visit_below(&entry.path(), &format!("{own}/"), kind, depth + 1, visit);
            } else if metadata.is_file() && kind.offered.offers(&name) {
                visit(own, &entry.path(), &metadata);
            }
        }
    }

    /// How a file is named in records: the label of the first search folder it lies in,
    /// and the path below it.
    pub fn label_file(&self, real: &Path) -> Option<String> {
        self.types.values().flat_map(|kind| &kind.folders).find_map(|folder| {
            let below = real.strip_prefix(folder.path.canonicalize().ok()?).ok()?;
            let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
            Some(format!("{}/{}", folder.label, parts?.join("/")))
        })
    }

    fn add_folder(
        &mut self,
        kind: &str,
        folder: SearchFolder,
        known_by: KnownBy,
        side: SearchPosition,
    ) {
        let kind = current_type_name(kind);
        if NOT_MODELS.contains(&kind) {
            return;
        }
        let kind = self.types.entry(kind.to_owned()).or_insert_with(|| ModelFolderType {
            folders: Vec::new(),
            offered: OfferedNames::Everything,
            known_by,
        });
        let known = kind.folders.iter().position(|known| known.path == folder.path);
        match (known, side) {
            (Some(_), SearchPosition::Last) => {}
            (Some(at), SearchPosition::First) => {
                let folder = kind.folders.remove(at);
                kind.folders.insert(0, folder);
            }
            (None, side) => side.insert_into(&mut kind.folders, folder),
        }
    }

    /// Types that packs register for a folder of their own below `models` cannot be read
    /// without running them; the folder itself is there to see.
    fn add_unlisted_types(&mut self, parts: &InstallationFolders) {
        let used: BTreeSet<PathBuf> = self
            .types
            .values()
            .flat_map(|kind| kind.folders.iter().map(|folder| folder.path.clone()))
            .collect();
        let entries = fs::read_dir(&parts.models).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| !used.contains(path) && path.is_dir())
            .collect();
        found.sort();
        for path in found {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !name.starts_with('.') && !self.types.contains_key(current_type_name(name)) {
                let name = name.to_owned();
                self.add_folder(
                    &name,
                    parts.labelled_folder(path, &name),
                    KnownBy::FolderName,
                    SearchPosition::Last,
                );
            }
        }
    }

    fn collect_roots(&mut self) {
        let folders = self.types.values().flat_map(|kind| &kind.folders);
        let mut roots: Vec<PathBuf> =
            folders.filter_map(|folder| folder.path.canonicalize().ok()).collect();
        // A link to the top of a disk or of everything bounds nothing.
        roots.retain(|root| root.parent().is_some());
        roots.append(&mut self.roots);
        roots.sort();
        roots.dedup();
        self.roots = roots;
    }

    /// The names under which a file without links in its path is offered.
    pub fn names_of_file(&self, real: &Path) -> Vec<OfferedName> {
        let mut found = Vec::new();
        for (kind, folder_type) in self.folder_types() {
            for folder in &folder_type.folders {
                let below = folder.path.canonicalize().ok();
                let below =
                    below.and_then(|folder| Some(real.strip_prefix(folder).ok()?.to_owned()));
                let parts = below.as_ref().and_then(|below| {
                    below.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()
                });
                if let Some(name) = parts.map(|parts| parts.join("/"))
                    && folder_type.offered.offers(&name)
                {
                    let label = folder.label.clone();
                    found.push(OfferedName { folder_type: kind.to_owned(), label, name });
                }
            }
        }
        found
    }

    /// The files in the model folders that have one of these sizes in bytes, without links
    /// in their paths, each once.
    pub fn files_of_sizes(&self, sizes: &BTreeSet<u64>) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        if sizes.is_empty() {
            return found;
        }
        for (_, kind) in self.folder_types() {
            for folder in &kind.folders {
                self.visit_files(&folder.path, kind, &mut |_, path, metadata| {
                    let size = metadata.len();
                    if sizes.contains(&size)
                        && let Ok(real) = path.canonicalize()
                        && self.contains(&real)
                    {
                        found.push((real, size));
                    }
                });
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

impl InstallationFolders {
    fn labelled_folder(&self, path: PathBuf, kind: &str) -> SearchFolder {
        let label = self.label(&path);
        let place = if path.starts_with(&self.output) { "output" } else { "models" };
        SearchFolder { path, label: label.unwrap_or_else(|| format!("{place}/{kind}")) }
    }

    /// The path below the base folder, with forward slashes.
    fn label(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.base).ok()?;
        let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/"))
    }
}

impl ExtraPathsSection {
    /// How a folder of this section is named in records.
    fn label(&self, kind: &str) -> String {
        let plain = |text: &str| {
            let word = |c: char| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
            text.chars().take(40).map(word).collect::<String>()
        };
        format!("{}:{}", plain(&self.name), plain(kind))
    }
}

/// Where a folder joins the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchPosition {
    First,
    Last,
}

impl SearchPosition {
    fn insert_into<T>(self, list: &mut Vec<T>, item: T) {
        match self {
            SearchPosition::First => list.insert(0, item),
            SearchPosition::Last => list.push(item),
        }
    }
}

fn offered_names(offers: BuiltInOffer) -> OfferedNames {
    let endings =
        |list: &[&str]| OfferedNames::Endings(list.iter().map(|&e| e.to_owned()).collect());
    match offers {
        BuiltInOffer::Models => endings(MODEL_ENDINGS),
        BuiltInOffer::Ending(ending) => endings(&[ending]),
        BuiltInOffer::NoEnding => endings(&[""]),
        BuiltInOffer::Folders => OfferedNames::Folders,
    }
}

impl OfferedNames {
    /// Whether a file of this name is offered, as `filter_files_extensions` decides.
    pub fn offers(&self, name: &str) -> bool {
        match self {
            OfferedNames::Everything => true,
            OfferedNames::Folders => false,
            OfferedNames::Endings(endings) => endings.contains(&file_ending(name)),
        }
    }
}

/// The ending of a file name as Python's `splitext` sees it, lower case: leading dots
/// belong to the name.
pub fn file_ending(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let bare = file.trim_start_matches('.');
    bare.rfind('.').map_or(String::new(), |at| bare[at..].to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folders: &[&str]) -> (tempfile::TempDir, InstallationFolders) {
        let place = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        let parts = InstallationFolders::from_base(place.path());
        (place, parts)
    }

    fn labels(folders: &ModelFolders, kind: &str) -> Vec<String> {
        folders.folder_type(kind).unwrap().folders.iter().map(|f| f.label.clone()).collect()
    }

    #[test]
    fn the_order_is_comfyuis() {
        let (_place, parts) = make(&[]);
        let folders = ModelFolders::from_installation(&parts, &[]);
        assert_eq!(
            labels(&folders, "unet"),
            ["models/unet", "models/diffusion_models", "output/diffusion_models"]
        );
        assert_eq!(
            labels(&folders, "clip"),
            ["models/text_encoders", "models/clip", "output/clip"]
        );
        assert_eq!(labels(&folders, "configs"), ["models/configs"]);
    }

    #[test]
    fn a_section_adds_after_or_before() {
        let (_place, parts) = make(&[]);
        let section = |name: &str, first, path: PathBuf| ExtraPathsSection {
            name: name.to_owned(),
            is_default: first,
            folders: vec![("loras".to_owned(), path)],
        };
        let outside = PathBuf::from("/mnt/private/name/Lora");
        let sections = [
            section("a111", false, outside.clone()),
            section("twice", false, outside),
            section("mine: x", true, parts.base.join("more")),
        ];
        let folders = ModelFolders::from_installation(&parts, &sections);
        assert_eq!(
            labels(&folders, "loras"),
            ["more", "models/loras", "a111:loras", "output/loras"]
        );
    }

    #[test]
    fn a_folder_that_a_pack_made_is_a_type_of_its_own() {
        let (_place, parts) = make(&["models/ipadapter", "models/loras", "models/.cache"]);
        let folders = ModelFolders::from_installation(&parts, &[]);
        let kind = folders.folder_type("ipadapter").unwrap();
        assert_eq!(kind.known_by, KnownBy::FolderName);
        assert!(kind.offered.offers("anything.onnx"));
        assert!(folders.folder_type(".cache").is_none());
        assert_eq!(folders.folder_type("loras").unwrap().known_by, KnownBy::Comfy);
    }

    #[test]
    fn endings_are_pythons() {
        assert_eq!(file_ending("a/b.SafeTensors"), ".safetensors");
        assert_eq!(file_ending("a.b/c"), "");
        assert_eq!(file_ending(".hidden"), "");
        assert_eq!(file_ending("..x.pt"), ".pt");
        let (_place, parts) = make(&[]);
        let folders = ModelFolders::from_installation(&parts, &[]);
        let offers = |kind, name| folders.folder_type(kind).unwrap().offered.offers(name);
        assert!(offers("loras", "x.PT") && !offers("loras", "x.txt"));
        assert!(offers("classifiers", "resnet") && !offers("classifiers", "resnet.pt"));
        assert!(offers("configs", "v1.yaml") && !offers("diffusers", "x.safetensors"));
    }

    #[test]
    #[cfg(unix)]
    fn roots_are_what_the_search_folders_lead_to() {
        let (place, parts) = make(&["models", "disk/loras", "elsewhere"]);
        let disk = place.path().join("disk/loras");
        std::os::unix::fs::symlink(&disk, parts.models.join("loras")).unwrap();
        std::os::unix::fs::symlink("/", parts.models.join("vae")).unwrap();
        let folders = ModelFolders::from_installation(&parts, &[]);
        assert!(folders.contains(&disk.canonicalize().unwrap().join("x.pt")));
        assert!(!folders.contains(Path::new("/etc/passwd")));
        let elsewhere = place.path().join("elsewhere").canonicalize().unwrap();
        assert!(!folders.contains(&elsewhere));
        let folders = folders.with_roots(std::slice::from_ref(&elsewhere));
        assert!(folders.contains(&elsewhere.join("y.pt")));
    }
}
