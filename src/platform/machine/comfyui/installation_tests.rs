use super::*;
use crate::platform::machine::comfyui::folders::KnownBy;

struct World {
    place: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        World { place: tempfile::tempdir().unwrap() }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.place.path().join(below)
    }

    fn folder(&self, below: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn file(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn comfy(&self, below: &str) -> PathBuf {
        for file in ["main.py", "folder_paths.py", "comfy/sd.py"] {
            self.file(&format!("{below}/{file}"), "");
        }
        self.file(&format!("{below}/comfyui_version.py"), "# made\n__version__ = \"0.33.0\"\n");
        self.path(below)
    }

    fn clues(&self, repository: &str) -> InstallationClues<'static> {
        InstallationClues {
            root: None,
            base_directory: None,
            extra_model_paths: Vec::new(),
            model_roots: Vec::new(),
            repository: Some(self.folder(repository)),
            home: Some(self.folder("home")),
            settings: vec![self.path("home/.config")],
            server: None,
            variable: &|_| None,
            from_repository: &|_| false,
        }
    }
}

#[test]
fn no_comfyui_is_none() {
    let world = World::new();
    assert_eq!(find_installation(&world.clues("repo")), None);
}

#[test]
fn a_repository_in_the_workflows_folder_lies_inside() {
    let world = World::new();
    let comfy = world.comfy("any/ComfyUI");
    let found = find_installation(&world.clues("any/ComfyUI/user/default/workflows")).unwrap();
    assert_eq!((found.found_by, found.source), (FoundBy::Inside, Some(comfy)));
    assert_eq!(found.version.as_deref(), Some("0.33.0"));
}

#[test]
fn a_base_directory_needs_no_program() {
    let world = World::new();
    for folder in ["models/checkpoints", "custom_nodes", "user"] {
        world.folder(&format!("base/{folder}"));
    }
    let found = find_installation(&world.clues("base/user/default/workflows")).unwrap();
    assert_eq!((found.source, found.parts.base), (None, world.path("base")));
}

#[test]
fn the_portable_build_lies_beside() {
    let world = World::new();
    let comfy = world.comfy("ComfyUI_windows_portable/ComfyUI");
    world.folder("ComfyUI_windows_portable/python_embeded/Lib/site-packages/torch-2.8.0.dist-info");
    let found = find_installation(&world.clues("workflows")).unwrap();
    assert_eq!((found.found_by, found.source), (FoundBy::Beside, Some(comfy)));
    assert_eq!(found.python.unwrap().package_version("torch"), Some("2.8.0"));
}

#[test]
fn two_beside_are_told() {
    let world = World::new();
    let plain = world.comfy("ComfyUI");
    let other = world.comfy("A-ComfyUI");
    let found = find_installation(&world.clues("workflows")).unwrap();
    assert_eq!((found.source, found.others), (Some(plain), vec![other]));
}

#[test]
fn configuration_comes_first() {
    let world = World::new();
    world.comfy("ComfyUI");
    let mine = world.comfy("deep/mine");
    let base = world.folder("deep/base");
    let clues = InstallationClues {
        root: Some(mine.clone()),
        base_directory: Some(base.clone()),
        ..world.clues("workflows")
    };
    let found = find_installation(&clues).unwrap();
    assert_eq!(found.found_by, FoundBy::Configuration);
    assert_eq!((found.source, found.parts.base), (Some(mine), base));
}

#[test]
fn the_desktop_application_names_its_folder() {
    let world = World::new();
    let base = world.folder("Documents/Comfy");
    let settings = serde_json::json!({"basePath": base, "installState": "installed"});
    world.file("home/.config/ComfyUI/config.json", &settings.to_string());
    let yaml = format!(
        "comfyui_desktop:\n  base_path: {}\n  is_default: true\n  loras: models/loras/\nshared:\n  loras: {}\n",
        base.display(),
        world.path("more").display()
    );
    let extra = world.file("home/.config/ComfyUI/extra_models_config.yaml", &yaml);
    let found = find_installation(&world.clues("repo")).unwrap();
    assert_eq!(found.found_by, FoundBy::Settings("ComfyUI Desktop"));
    assert_eq!(
        found.extra,
        [ExtraPathsFile { path: extra, outcome: ExtraPathsOutcome::Adds { folders: 2 } }]
    );
    let labels: Vec<_> = found
        .folders
        .folder_type("loras")
        .unwrap()
        .folders
        .iter()
        .map(|f| f.label.clone())
        .collect();
    assert_eq!(labels, ["models/loras", "shared:loras", "output/loras"]);
    assert_eq!(found.parts.base, base);
}

#[test]
fn comfy_cli_and_the_home_folder_are_usual_places() {
    let world = World::new();
    let home = world.comfy("home/comfy/ComfyUI");
    let found = find_installation(&world.clues("far/away/repo")).unwrap();
    assert_eq!((found.found_by, found.source), (FoundBy::UsualPlace, Some(home)));
    let work = world.comfy("ws/ComfyUI");
    let ini = format!("[DEFAULT]\ndefault_workspace = {}\n", world.path("ws").display());
    world.file("home/.config/comfy-cli/config.ini", &ini);
    let found = find_installation(&world.clues("far/away/repo")).unwrap();
    assert_eq!((found.found_by, found.source), (FoundBy::Settings("comfy-cli"), Some(work)));
}

#[test]
fn a_running_server_tells_its_folders_and_its_packs_types() {
    let world = World::new();
    let base = world.folder("srv/comfy");
    world.folder("srv/comfy/custom_nodes");
    world.folder("srv/comfy/models/loras");
    let listed = vec![
        ("custom_nodes".to_owned(), vec![base.join("custom_nodes")]),
        ("loras".to_owned(), vec![base.join("models/loras"), world.path("else/loras")]),
        ("ipadapter".to_owned(), vec![base.join("models/ipadapter")]),
    ];
    let clues = InstallationClues { server: Some(&listed), ..world.clues("repo") };
    let found = find_installation(&clues).unwrap();
    assert_eq!((found.found_by, found.server), (FoundBy::Server, ServerMatch::Yes));
    assert_eq!(found.parts.base, base);
    let loras = found.folders.folder_type("loras").unwrap();
    assert_eq!(loras.folders[1].label, "server:loras");
    assert!(!loras.offered.offers("notes.txt"));
    assert_eq!(found.folders.folder_type("ipadapter").unwrap().known_by, KnownBy::Server);
}

#[test]
fn a_server_with_other_folders_does_not_replace_what_was_found() {
    let world = World::new();
    world.comfy("ComfyUI");
    let listed = vec![("loras".to_owned(), vec![PathBuf::from("/in/a/container/loras")])];
    let clues = InstallationClues { server: Some(&listed), ..world.clues("repo") };
    let found = find_installation(&clues).unwrap();
    assert_eq!(found.server, ServerMatch::No);
    assert!(found.folders.folder_type("checkpoints").is_some());
}

#[test]
fn what_a_repository_brings_along_is_not_believed() {
    let world = World::new();
    // A repository that is itself dressed up as ComfyUI, with a settings file.
    world.comfy("repo");
    world.file("repo/extra_model_paths.yaml", "evil:\n  loras: /etc\n");
    let tracked = |path: &Path| !path.ends_with("models");
    let clues = InstallationClues { from_repository: &tracked, ..world.clues("repo") };
    let found = find_installation(&clues).unwrap();
    assert!(matches!(found.extra[0].outcome, ExtraPathsOutcome::Ignored(_)));
    assert!(!found.folders.contains(Path::new("/etc/passwd")));
    // A folder inside the repository that looks like an installation.
    let other = World::new();
    other.comfy("repo/ComfyUI");
    let clues = InstallationClues { from_repository: &|_| true, ..other.clues("repo") };
    assert_eq!(find_installation(&clues), None);
}

#[test]
#[cfg(unix)]
fn links_that_a_repository_brings_along_are_no_model_folders() {
    let world = World::new();
    let comfy = world.comfy("repo");
    world.folder("secret");
    fs::create_dir_all(comfy.join("models")).unwrap();
    std::os::unix::fs::symlink(world.path("secret"), comfy.join("models/loras")).unwrap();
    let secret = world.path("secret").canonicalize().unwrap();
    let own = find_installation(&world.clues("repo")).unwrap();
    assert!(own.folders.contains(&secret));
    let clues = InstallationClues {
        from_repository: &|path| path.ends_with("loras"),
        ..world.clues("repo")
    };
    assert!(!find_installation(&clues).unwrap().folders.contains(&secret));
}
