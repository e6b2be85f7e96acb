//! Custom node packs: which are installed, what they are, which node classes they bring.
//!
//! Nothing of a pack is run. This module does not call git either: what a pack's repository
//! has checked out is asked of a function that the caller passes in.

pub(crate) mod pack_files;
pub(crate) mod python_source;

pub(crate) use pack_files::PackProject;
pub(crate) use python_source::RegisteredClasses;

use std::fs;
use std::path::{Path, PathBuf};

/// How a pack is installed, and so what identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackInstallKind {
    /// A git repository: its commit.
    Git,
    /// Unpacked from the registry: its project version.
    Registry,
    /// A folder of unknown origin.
    Folder,
    /// One Python file: its digest.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackActivation {
    Enabled,
    /// Switched off by its name or by lying in `.disabled`.
    Disabled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodePack {
    /// Its name in `custom_nodes`, without the mark that switches it off: what Python
    /// calls the module.
    pub name: String,
    pub path: PathBuf,
    pub kind: PackInstallKind,
    pub state: PackActivation,
    /// What its `pyproject.toml` says.
    pub project: Option<PackProject>,
    /// The registry id, where its installation kind proves one.
    pub registry_id: Option<String>,
}

/// The packs in these folders, in ComfyUI's order of folders and by name in each.
pub(crate) fn list_installed(folders: &[PathBuf]) -> Vec<NodePack> {
    let mut packs = Vec::new();
    for folder in folders {
        for path in list_folder(folder) {
            packs.extend(read_pack(&path, PackActivation::Enabled));
        }
        for path in list_folder(&folder.join(".disabled")) {
            packs.extend(read_pack(&path, PackActivation::Disabled));
        }
    }
    packs
}

fn list_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn read_pack(path: &Path, state: PackActivation) -> Option<NodePack> {
    let file_name = path.file_name()?.to_str()?;
    if file_name.starts_with('.') || file_name == "__pycache__" {
        return None;
    }
    let (name, state) = match file_name.strip_suffix(".disabled") {
        Some(name) => (name, PackActivation::Disabled),
        None => (file_name, state),
    };
    // The Manager's `.disabled/<id>@<version>`.
    let name = match state {
        PackActivation::Disabled => name.split('@').next().unwrap_or(name),
        PackActivation::Enabled => name,
    };
    let metadata = path.metadata().ok()?;
    if metadata.is_file() {
        let module = name.strip_suffix(".py")?;
        return Some(NodePack {
            name: module.to_owned(),
            path: path.to_owned(),
            kind: PackInstallKind::File,
            state,
            project: None,
            registry_id: None,
        });
    }
    if !metadata.is_dir() {
        return None;
    }
    let project = pack_files::read_project(path);
    let kind = match (path.join(".git").exists(), path.join(".tracking").is_file()) {
        (true, _) => PackInstallKind::Git,
        (false, true) => PackInstallKind::Registry,
        (false, false) => PackInstallKind::Folder,
    };
    let registry_id = match kind {
        PackInstallKind::Git => pack_files::read_registry_id(path),
        PackInstallKind::Registry => project.as_ref().and_then(|project| project.name.clone()),
        PackInstallKind::Folder | PackInstallKind::File => None,
    };
    // A folder that is neither and holds no Python is a left-over, not a pack.
    if kind == PackInstallKind::Folder && project.is_none() && !path.join("__init__.py").is_file() {
        return None;
    }
    Some(NodePack {
        name: name.to_owned(),
        path: path.to_owned(),
        kind,
        state,
        project,
        registry_id,
    })
}

impl NodePack {
    /// The node classes its source registers; `cache` is a folder to remember them in.
    pub(crate) fn registered_classes(&self, cache: Option<&Path>) -> RegisteredClasses {
        pack_files::cached_registered_classes(&self.path, cache)
    }

    /// Whether a registry id names this pack.
    pub(crate) fn has_registry_id(&self, id: &str) -> bool {
        let project = self.project.as_ref().and_then(|project| project.name.as_deref());
        [self.registry_id.as_deref(), project]
            .into_iter()
            .flatten()
            .any(|own| is_same_pack_name(own, id))
    }

    /// Whether this is the module a server's `python_module` names
    /// (`custom_nodes.<name>`, with or without what follows).
    pub(crate) fn is_module(&self, python_module: &str) -> bool {
        python_module
            .strip_prefix("custom_nodes.")
            .and_then(|rest| rest.strip_prefix(self.name.as_str()))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Names as the registry compares them: case and the kind of dash do not count.
pub(crate) fn is_same_pack_name(one: &str, other: &str) -> bool {
    let plain = |c: char| if c == '_' || c == '.' { '-' } else { c.to_ascii_lowercase() };
    one.chars().map(plain).eq(other.chars().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let place = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = place.path().join("custom_nodes").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let folders = vec![place.path().join("custom_nodes")];
        (place, folders)
    }

    #[test]
    fn every_kind_of_installation_is_told() {
        let project = "[project]\nname = \"impact-pack\"\nversion = \"8.1.2\"\n[project.urls]\nRepository = \"https://github.com/o/r\"\n[tool.comfy]\nPublisherId = \"drltdata\"\n";
        let (_place, folders) = make(&[
            ("Git-Pack/.git/HEAD", ""),
            ("Git-Pack/.git/.cnr-id", "git-pack\n"),
            ("Git-Pack/__init__.py", ""),
            ("impact/.tracking", "__init__.py"),
            ("impact/pyproject.toml", project),
            ("loose/__init__.py", ""),
            ("left-over/readme.txt", ""),
            ("one.py", ""),
            ("example.py.example", ""),
            ("old.disabled/__init__.py", ""),
            ("off.py.disabled", ""),
            (".disabled/gone@1_2_0/.tracking", ""),
            ("__pycache__/x.pyc", ""),
            (".hidden/__init__.py", ""),
        ]);
        let packs = list_installed(&folders);
        let told: Vec<String> = packs
            .iter()
            .map(|pack| {
                format!("{} {:?} {:?} {:?}", pack.name, pack.kind, pack.state, pack.registry_id)
            })
            .collect();
        insta::assert_debug_snapshot!(told, @r#"
        [
            "Git-Pack Git Enabled Some(\"git-pack\")",
            "impact Registry Enabled Some(\"impact-pack\")",
            "loose Folder Enabled None",
            "off File Disabled None",
            "old Folder Disabled None",
            "one File Enabled None",
            "gone Registry Disabled None",
        ]
        "#);
        assert_eq!(packs[1].project.as_ref().unwrap().publisher.as_deref(), Some("drltdata"));
        assert!(packs[1].has_registry_id("Impact_Pack"));
        assert!(
            packs[1].is_module("custom_nodes.impact")
                && packs[1].is_module("custom_nodes.impact.x")
        );
        assert!(!packs[1].is_module("custom_nodes.impactful") && !packs[1].is_module("nodes"));
    }

    #[test]
    fn classes_come_from_the_source_and_are_remembered_until_it_changes() {
        let (place, folders) = make(&[
            ("p/__init__.py", "from .a import NODE_CLASS_MAPPINGS"),
            ("p/a.py", "NODE_CLASS_MAPPINGS = {'One': 1}"),
            ("p/web/x.py", "NODE_CLASS_MAPPINGS = {'No': 1}"),
            ("p/deep/er/b.py", "NODE_CLASS_MAPPINGS = {'Two': 1}"),
        ]);
        let pack = list_installed(&folders).remove(0);
        let cache = place.path().join("cache");
        let classes = || {
            let first = pack.registered_classes(Some(&cache));
            assert_eq!(pack.registered_classes(Some(&cache)), first);
            first.classes.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(classes(), ["One", "Two"]);
        fs::write(pack.path.join("a.py"), "NODE_CLASS_MAPPINGS = {'Other': 1}").unwrap();
        assert_eq!(classes(), ["Other", "Two"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_pack_may_be_a_link_but_nothing_in_it_is_followed() {
        let (place, folders) = make(&[("x.txt", "")]);
        let real = place.path().join("dev/pack");
        fs::create_dir_all(&real).unwrap();
        fs::write(real.join("__init__.py"), "NODE_CLASS_MAPPINGS = {'One': 1}").unwrap();
        let outside = place.path().join("outside.py");
        fs::write(&outside, "NODE_CLASS_MAPPINGS = {'No': 1}").unwrap();
        std::os::unix::fs::symlink(&outside, real.join("linked.py")).unwrap();
        std::os::unix::fs::symlink(&real, folders[0].join("pack")).unwrap();
        let packs = list_installed(&folders);
        let classes = packs[0].registered_classes(None).classes;
        assert_eq!(classes.into_iter().collect::<Vec<_>>(), ["One"]);
    }
}
