//! From the name of a model in a workflow to the file ComfyUI would take.
//!
//! A workflow is a stranger's text: the only files this can lead to are ordinary files
//! inside the roots of [`ModelFolders`].

use std::path::{Path, PathBuf};

use super::comfyui;
use crate::platform::machine::comfyui::folders::{ModelFolderType, ModelFolders, OfferedNames};

/// A model file found for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelFile {
    /// The file without links in its path: what is opened and hashed.
    pub file: PathBuf,
    /// The label of the search folder it was found in.
    pub folder: String,
    /// Its path below that folder, with forward slashes.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelResolution {
    /// A file, and further files of the same name that ComfyUI does not reach.
    File {
        taken: ModelFile,
        /// Further files of the name, in search order.
        others: Vec<ModelFile>,
    },
    /// A folder of files (the diffusers layout).
    Folder {
        folder: String,
        /// Bytes of the files in it and one level of folders below.
        size: u64,
    },
    Missing,
    /// Something that must not be opened.
    Refused(ModelNameRefusal),
    UnknownType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ModelNameRefusal {
    #[error("the name is an absolute path")]
    Absolute,
    #[error("the name climbs out of the model folder with ..")]
    ClimbsOut,
    #[error("the name holds control characters")]
    ControlCharacters,
    #[error("a link leads out of the model folders")]
    LeadsOutside,
    #[error("it is a pipe, a device or a socket")]
    NotAFile,
}

/// Endings that ComfyUI tries for an embedding named without one, in this order.
const EMBEDDING_ENDINGS: &[&str] = &["", ".safetensors", ".pt", ".bin"];
/// Endings of the halves of a small VAE, which are named without one, in the order of
/// ComfyUI's sorted list.
const VAE_HALF_ENDINGS: &[&str] = &["", ".ckpt", ".pt", ".pth", ".safetensors", ".sft"];

/// Resolves a model name of a folder type.
pub(crate) fn resolve_model(folders: &ModelFolders, kind: &str, name: &str) -> ModelResolution {
    let parts = match split_model_name(name) {
        Ok(parts) => parts,
        Err(refusal) => return ModelResolution::Refused(refusal),
    };
    let Some(kind_folders) = folders.folder_type(kind) else { return ModelResolution::UnknownType };
    let endings = match kind {
        "embeddings" => EMBEDDING_ENDINGS,
        "vae_approx" => VAE_HALF_ENDINGS,
        _ => &[""],
    };
    let resolved = ModelSearch { folders, kind: kind_folders, parts: &parts, endings }.run();
    // Small VAEs for video are offered among the VAEs and lie in a folder of their own.
    if resolved == ModelResolution::Missing
        && kind == "vae"
        && folders.folder_type("vae_approx").is_some()
    {
        return resolve_model(folders, "vae_approx", name);
    }
    resolved
}

/// The types, in ComfyUI's order, that offer a file of this name: for a widget of a class
/// nobody knows. Only names that end as a model does are looked for.
pub(crate) fn types_offering(folders: &ModelFolders, name: &str) -> Vec<String> {
    let Ok(parts) = split_model_name(name) else { return Vec::new() };
    let looks_like_one = comfyui::is_model_ending(name);
    let has = |kind: &ModelFolderType| {
        kind.offered.offers(name)
            && kind.folders.iter().any(|folder| join_parts(&folder.path, &parts, "").is_file())
    };
    let kinds = folders.folder_types().filter(|(_, kind)| looks_like_one && has(kind));
    kinds.map(|(name, _)| name.to_owned()).collect()
}

/// The components of a name that stays inside its folder. Both separators count on every
/// system: a workflow saved on Windows is opened elsewhere.
fn split_model_name(name: &str) -> Result<Vec<&str>, ModelNameRefusal> {
    if name.chars().any(|c| c.is_control()) {
        return Err(ModelNameRefusal::ControlCharacters);
    }
    let drive = name.as_bytes().get(1) == Some(&b':')
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if name.starts_with(['/', '\\']) || drive || name.starts_with("<absolute>/") {
        return Err(ModelNameRefusal::Absolute);
    }
    let parts: Vec<&str> =
        name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(ModelNameRefusal::ClimbsOut);
    }
    // On Windows a colon inside a name opens another stream of the file.
    if cfg!(windows) && parts.iter().any(|part| part.contains(':')) {
        return Err(ModelNameRefusal::ControlCharacters);
    }
    Ok(parts)
}

fn join_parts(folder: &Path, parts: &[&str], ending: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    path.extend(parts);
    if !ending.is_empty() {
        path.as_mut_os_string().push(ending);
    }
    path
}

struct ModelSearch<'a> {
    folders: &'a ModelFolders,
    kind: &'a ModelFolderType,
    parts: &'a [&'a str],
    endings: &'a [&'a str],
}

/// What lies at one path that was tried.
enum ProbedPath {
    Nothing,
    Special,
    Folder(u64),
    Outside,
    File(ModelFile),
}

/// What ComfyUI would take.
enum FirstMatch {
    Nothing,
    /// Nothing, but something special lies there.
    Special,
    Outside,
    File(ModelFile),
}

impl FirstMatch {
    fn is_taken(&self) -> bool {
        matches!(self, FirstMatch::Outside | FirstMatch::File(_))
    }
}

impl ModelSearch<'_> {
    fn run(self) -> ModelResolution {
        let mut first = FirstMatch::Nothing;
        let mut others: Vec<ModelFile> = Vec::new();
        if self.parts.is_empty() {
            return ModelResolution::Missing;
        }
        for folder in &self.kind.folders {
            for ending in self.endings {
                match self.probe_path(
                    &join_parts(&folder.path, self.parts, ending),
                    &folder.label,
                    ending,
                ) {
                    ProbedPath::Nothing => continue,
                    // Python's isfile passes over these, and so does ComfyUI.
                    ProbedPath::Special => {
                        if matches!(first, FirstMatch::Nothing) {
                            first = FirstMatch::Special;
                        }
                        continue;
                    }
                    ProbedPath::Folder(size) if self.kind.offered == OfferedNames::Folders => {
                        return ModelResolution::Folder { folder: folder.label.clone(), size };
                    }
                    ProbedPath::Folder(_) => continue,
                    // ComfyUI would take this one; that another of the name lies behind it
                    // does not help.
                    ProbedPath::Outside if !first.is_taken() => first = FirstMatch::Outside,
                    ProbedPath::Outside => {}
                    ProbedPath::File(file) if !first.is_taken() => first = FirstMatch::File(file),
                    // One file under two search folders is no second file.
                    ProbedPath::File(file) => {
                        let same = |known: &ModelFile| known.file == file.file;
                        let is_first = matches!(&first, FirstMatch::File(first) if same(first));
                        if !is_first && !others.iter().any(same) {
                            others.push(file);
                        }
                    }
                }
                break;
            }
        }
        match first {
            FirstMatch::File(taken) => ModelResolution::File { taken, others },
            FirstMatch::Outside => ModelResolution::Refused(ModelNameRefusal::LeadsOutside),
            FirstMatch::Special => ModelResolution::Refused(ModelNameRefusal::NotAFile),
            FirstMatch::Nothing => ModelResolution::Missing,
        }
    }

    fn probe_path(&self, path: &Path, label: &str, ending: &str) -> ProbedPath {
        let Ok(metadata) = path.metadata() else { return ProbedPath::Nothing };
        let Ok(real) = path.canonicalize() else { return ProbedPath::Nothing };
        if metadata.is_dir() {
            let inside = self.folders.contains(&real);
            return if inside {
                ProbedPath::Folder(folder_size(&real))
            } else {
                ProbedPath::Nothing
            };
        }
        if !metadata.is_file() {
            return ProbedPath::Special;
        }
        if !self.folders.contains(&real) {
            return ProbedPath::Outside;
        }
        let name = self.parts.join("/") + ending;
        ProbedPath::File(ModelFile {
            file: real,
            folder: label.to_owned(),
            name,
            size: metadata.len(),
        })
    }
}

/// Bytes of the ordinary files directly in a folder and one level down, links not
/// followed: the diffusers layout has no more.
fn folder_size(folder: &Path) -> u64 {
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|e| Some((e.path(), e.metadata().ok()?))).collect::<Vec<_>>()
    };
    let files = |entries: &[(PathBuf, std::fs::Metadata)]| {
        entries.iter().filter(|(_, m)| m.is_file()).map(|(_, m)| m.len()).sum::<u64>()
    };
    let top = entries(folder);
    let below = top.iter().filter(|(_, m)| m.is_dir()).map(|(path, _)| files(&entries(path)));
    files(&top) + below.sum::<u64>()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::platform::machine::comfyui::folders::InstallationFolders;

    struct World {
        place: tempfile::TempDir,
        parts: InstallationFolders,
    }

    impl World {
        fn new(files: &[&str]) -> World {
            let place = tempfile::tempdir().unwrap();
            let parts = InstallationFolders::from_base(place.path().join("ComfyUI"));
            let world = World { place, parts };
            for file in files {
                world.file(file);
            }
            world
        }

        fn file(&self, name: &str) -> PathBuf {
            let path = self.parts.base.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            path
        }

        fn resolve(&self, kind: &str, name: &str) -> ModelResolution {
            resolve_model(&ModelFolders::from_installation(&self.parts, &[]), kind, name)
        }

        /// The taken file and the others, as `folder/name`.
        fn taken(&self, kind: &str, name: &str) -> Vec<String> {
            let ModelResolution::File { taken, others } = self.resolve(kind, name) else {
                return Vec::new();
            };
            let all = std::iter::once(taken).chain(others);
            all.map(|file| format!("{}/{}", file.folder, file.name)).collect()
        }
    }

    #[test]
    fn the_first_folder_wins_and_the_others_are_told() {
        let world = World::new(&[
            "models/unet/a.safetensors",
            "models/diffusion_models/a.safetensors",
            "output/diffusion_models/a.safetensors",
            "models/diffusion_models/sub/b.sft",
        ]);
        assert_eq!(
            world.taken("diffusion_models", "a.safetensors"),
            [
                "models/unet/a.safetensors",
                "models/diffusion_models/a.safetensors",
                "output/diffusion_models/a.safetensors"
            ]
        );
        // As Windows spells it.
        assert_eq!(world.taken("unet", "sub\\b.sft"), ["models/diffusion_models/sub/b.sft"]);
        assert_eq!(world.resolve("loras", "a.safetensors"), ModelResolution::Missing);
        assert_eq!(world.resolve("nonsense", "a.safetensors"), ModelResolution::UnknownType);
    }

    #[test]
    fn embeddings_need_no_ending() {
        let world =
            World::new(&["models/embeddings/bad.pt", "models/embeddings/sub/easy.safetensors"]);
        assert_eq!(world.taken("embeddings", "bad"), ["models/embeddings/bad.pt"]);
        assert_eq!(world.taken("embeddings", "bad.pt"), ["models/embeddings/bad.pt"]);
        assert_eq!(
            world.taken("embeddings", "sub/easy"),
            ["models/embeddings/sub/easy.safetensors"]
        );
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let world = World::new(&["models/loras/a.pt", "secret.pt"]);
        for (name, refusal) in [
            ("../../secret.pt", ModelNameRefusal::ClimbsOut),
            ("..\\..\\secret.pt", ModelNameRefusal::ClimbsOut),
            ("sub/../a.pt", ModelNameRefusal::ClimbsOut),
            ("/etc/passwd", ModelNameRefusal::Absolute),
            ("\\\\server\\share\\a.pt", ModelNameRefusal::Absolute),
            ("C:\\models\\a.pt", ModelNameRefusal::Absolute),
            ("a.pt\0.png", ModelNameRefusal::ControlCharacters),
        ] {
            assert_eq!(world.resolve("loras", name), ModelResolution::Refused(refusal), "{name:?}");
        }
        assert_eq!(world.resolve("loras", ""), ModelResolution::Missing);
        assert_eq!(world.resolve("loras", "."), ModelResolution::Missing);
    }

    #[test]
    fn a_diffusers_model_is_a_folder() {
        let world =
            World::new(&["models/diffusers/sd/model_index.json", "models/diffusers/sd/unet/w.bin"]);
        let ModelResolution::Folder { folder, size } = world.resolve("diffusers", "sd") else {
            panic!()
        };
        assert_eq!((folder.as_str(), size), ("models/diffusers", 36 + 30));
        assert_eq!(world.resolve("loras", "."), ModelResolution::Missing);
    }

    #[test]
    fn unknown_classes_are_matched_by_name() {
        let world = World::new(&[
            "models/loras/a.pt",
            "models/ipadapter/a.pt",
            "models/ipadapter/notes.txt",
        ]);
        let folders = ModelFolders::from_installation(&world.parts, &[]);
        assert_eq!(types_offering(&folders, "a.pt"), ["loras", "ipadapter"]);
        assert!(types_offering(&folders, "notes.txt").is_empty());
        assert!(types_offering(&folders, "../loras/a.pt").is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_inside_the_bounds_only() {
        use std::os::unix::fs::symlink;
        let world = World::new(&["models/loras/real.pt", "private/key.pt", "private/sub/deep.pt"]);
        let loras = world.parts.models.join("loras");
        symlink(loras.join("real.pt"), loras.join("inside.pt")).unwrap();
        symlink(world.parts.base.join("private/key.pt"), loras.join("leak.pt")).unwrap();
        symlink(world.parts.base.join("private/sub"), loras.join("leaky")).unwrap();
        symlink(loras.join("nothing"), loras.join("dangling.pt")).unwrap();
        let refused = ModelResolution::Refused(ModelNameRefusal::LeadsOutside);
        let ModelResolution::File { taken, .. } = world.resolve("loras", "inside.pt") else {
            panic!()
        };
        assert_eq!(taken.file, loras.canonicalize().unwrap().join("real.pt"));
        assert_eq!(taken.name, "inside.pt");
        assert_eq!(world.resolve("loras", "leak.pt"), refused);
        assert_eq!(world.resolve("loras", "leaky/deep.pt"), refused);
        assert_eq!(world.resolve("loras", "dangling.pt"), ModelResolution::Missing);
        // What the person allows is followed.
        let folders = ModelFolders::from_installation(&world.parts, &[])
            .with_roots(&[world.parts.base.join("private")]);
        assert!(matches!(
            resolve_model(&folders, "loras", "leak.pt"),
            ModelResolution::File { .. }
        ));
        assert!(world.place.path().exists());
    }

    #[test]
    #[cfg(unix)]
    fn pipes_and_devices_are_refused() {
        let world = World::new(&["models/loras/real.pt"]);
        let pipe = world.parts.models.join("loras/pipe.safetensors");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let refused = ModelResolution::Refused(ModelNameRefusal::NotAFile);
        assert_eq!(world.resolve("loras", "pipe.safetensors"), refused);
        std::os::unix::fs::symlink("/dev/zero", world.parts.models.join("loras/zero.pt")).unwrap();
        assert_eq!(world.resolve("loras", "zero.pt"), refused);
        // The file of the same name in the next folder is what ComfyUI takes.
        world.file("output/loras/pipe.safetensors");
        assert_eq!(world.taken("loras", "pipe.safetensors"), ["output/loras/pipe.safetensors"]);
    }
}
