//! From the name of a model in a workflow to the file ComfyUI would take.
//!
//! A workflow is a stranger's text: the only files this can lead to are ordinary files
//! inside the roots of [`ModelFolders`].

use std::path::{Path, PathBuf};

use super::comfyui;
use crate::platform::machine::comfyui::folders::{FolderType, ModelFolders, Offered};

/// A model file found for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
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
pub enum Resolved {
    /// A file, and further files of the same name that ComfyUI does not reach.
    File {
        taken: Candidate,
        /// Further files of the name, in search order.
        others: Vec<Candidate>,
    },
    /// A folder of files (the diffusers layout).
    Folder {
        folder: String,
        /// Bytes of the files in it and one level of folders below.
        size: u64,
    },
    Missing,
    /// Something that must not be opened.
    Refused(Refusal),
    UnknownType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the name is an absolute path")]
    Absolute,
    #[error("the name climbs out of the model folder with ..")]
    Climbs,
    #[error("the name holds control characters")]
    Control,
    #[error("a link leads out of the model folders")]
    LeadsOutside,
    #[error("it is a pipe, a device or a socket")]
    NotAFile,
}

/// Endings that ComfyUI tries for an embedding named without one, in this order.
const EMBEDDING_ENDINGS: &[&str] = &["", ".safetensors", ".pt", ".bin"];
/// Endings of the halves of a small VAE, which are named without one, in the order of
/// ComfyUI's sorted list.
const HALF_ENDINGS: &[&str] = &["", ".ckpt", ".pt", ".pth", ".safetensors", ".sft"];

/// Resolves a model name of a folder type.
pub fn resolve(folders: &ModelFolders, kind: &str, name: &str) -> Resolved {
    let parts = match name_parts(name) {
        Ok(parts) => parts,
        Err(refusal) => return Resolved::Refused(refusal),
    };
    let Some(kind_folders) = folders.kind(kind) else { return Resolved::UnknownType };
    let endings = match kind {
        "embeddings" => EMBEDDING_ENDINGS,
        "vae_approx" => HALF_ENDINGS,
        _ => &[""],
    };
    let resolved = Search { folders, kind: kind_folders, parts: &parts, endings }.run();
    // Small VAEs for video are offered among the VAEs and lie in a folder of their own.
    if resolved == Resolved::Missing && kind == "vae" && folders.kind("vae_approx").is_some() {
        return resolve(folders, "vae_approx", name);
    }
    resolved
}

/// The types, in ComfyUI's order, that offer a file of this name: for a widget of a class
/// nobody knows. Only names that end as a model does are looked for.
pub fn kinds_with(folders: &ModelFolders, name: &str) -> Vec<String> {
    let Ok(parts) = name_parts(name) else { return Vec::new() };
    let looks_like_one = comfyui::is_model_ending(name);
    let has = |kind: &FolderType| {
        kind.offered.offers(name)
            && kind.folders.iter().any(|folder| join(&folder.path, &parts, "").is_file())
    };
    let kinds = folders.kinds().filter(|(_, kind)| looks_like_one && has(kind));
    kinds.map(|(name, _)| name.to_owned()).collect()
}

/// The components of a name that stays inside its folder. Both separators count on every
/// system: a workflow saved on Windows is opened elsewhere.
fn name_parts(name: &str) -> Result<Vec<&str>, Refusal> {
    if name.chars().any(|c| c.is_control()) {
        return Err(Refusal::Control);
    }
    let drive = name.as_bytes().get(1) == Some(&b':')
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if name.starts_with(['/', '\\']) || drive || name.starts_with("<absolute>/") {
        return Err(Refusal::Absolute);
    }
    let parts: Vec<&str> =
        name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(Refusal::Climbs);
    }
    // On Windows a colon inside a name opens another stream of the file.
    if cfg!(windows) && parts.iter().any(|part| part.contains(':')) {
        return Err(Refusal::Control);
    }
    Ok(parts)
}

fn join(folder: &Path, parts: &[&str], ending: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    path.extend(parts);
    if !ending.is_empty() {
        path.as_mut_os_string().push(ending);
    }
    path
}

struct Search<'a> {
    folders: &'a ModelFolders,
    kind: &'a FolderType,
    parts: &'a [&'a str],
    endings: &'a [&'a str],
}

/// What lies at one path that was tried.
enum Place {
    Nothing,
    Special,
    Folder(u64),
    Outside,
    File(Candidate),
}

impl Search<'_> {
    fn run(self) -> Resolved {
        let mut taken: Option<Result<Candidate, Refusal>> = None;
        let mut others: Vec<Candidate> = Vec::new();
        let mut special = false;
        if self.parts.is_empty() {
            return Resolved::Missing;
        }
        for folder in &self.kind.folders {
            for ending in self.endings {
                match self.look(&join(&folder.path, self.parts, ending), &folder.label, ending) {
                    Place::Nothing => continue,
                    // Python's isfile passes over these, and so does ComfyUI.
                    Place::Special => {
                        special = true;
                        continue;
                    }
                    Place::Folder(size) if self.kind.offered == Offered::Folders => {
                        return Resolved::Folder { folder: folder.label.clone(), size };
                    }
                    Place::Folder(_) => continue,
                    // ComfyUI would take this one; that another of the name lies behind it
                    // does not help.
                    Place::Outside if taken.is_none() => taken = Some(Err(Refusal::LeadsOutside)),
                    Place::Outside => {}
                    Place::File(file) if taken.is_none() => taken = Some(Ok(file)),
                    // One file under two search folders is no second file.
                    Place::File(file) => {
                        let same = |known: &Candidate| known.file == file.file;
                        let first = matches!(&taken, Some(Ok(first)) if same(first));
                        if !first && !others.iter().any(same) {
                            others.push(file);
                        }
                    }
                }
                break;
            }
        }
        match taken {
            Some(Ok(taken)) => Resolved::File { taken, others },
            Some(Err(refusal)) => Resolved::Refused(refusal),
            None if special => Resolved::Refused(Refusal::NotAFile),
            None => Resolved::Missing,
        }
    }

    fn look(&self, path: &Path, label: &str, ending: &str) -> Place {
        let Ok(metadata) = path.metadata() else { return Place::Nothing };
        let Ok(real) = path.canonicalize() else { return Place::Nothing };
        if metadata.is_dir() {
            let inside = self.folders.contains(&real);
            return if inside { Place::Folder(folder_size(&real)) } else { Place::Nothing };
        }
        if !metadata.is_file() {
            return Place::Special;
        }
        if !self.folders.contains(&real) {
            return Place::Outside;
        }
        let name = self.parts.join("/") + ending;
        Place::File(Candidate { file: real, folder: label.to_owned(), name, size: metadata.len() })
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
    use crate::platform::machine::comfyui::folders::Parts;

    struct World {
        place: tempfile::TempDir,
        parts: Parts,
    }

    impl World {
        fn new(files: &[&str]) -> World {
            let place = tempfile::tempdir().unwrap();
            let parts = Parts::of_base(place.path().join("ComfyUI"));
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

        fn resolve(&self, kind: &str, name: &str) -> Resolved {
            resolve(&ModelFolders::gather(&self.parts, &[]), kind, name)
        }

        /// The taken file and the others, as `folder/name`.
        fn taken(&self, kind: &str, name: &str) -> Vec<String> {
            let Resolved::File { taken, others } = self.resolve(kind, name) else {
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
        assert_eq!(world.resolve("loras", "a.safetensors"), Resolved::Missing);
        assert_eq!(world.resolve("nonsense", "a.safetensors"), Resolved::UnknownType);
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
            ("../../secret.pt", Refusal::Climbs),
            ("..\\..\\secret.pt", Refusal::Climbs),
            ("sub/../a.pt", Refusal::Climbs),
            ("/etc/passwd", Refusal::Absolute),
            ("\\\\server\\share\\a.pt", Refusal::Absolute),
            ("C:\\models\\a.pt", Refusal::Absolute),
            ("a.pt\0.png", Refusal::Control),
        ] {
            assert_eq!(world.resolve("loras", name), Resolved::Refused(refusal), "{name:?}");
        }
        assert_eq!(world.resolve("loras", ""), Resolved::Missing);
        assert_eq!(world.resolve("loras", "."), Resolved::Missing);
    }

    #[test]
    fn a_diffusers_model_is_a_folder() {
        let world =
            World::new(&["models/diffusers/sd/model_index.json", "models/diffusers/sd/unet/w.bin"]);
        let Resolved::Folder { folder, size } = world.resolve("diffusers", "sd") else { panic!() };
        assert_eq!((folder.as_str(), size), ("models/diffusers", 36 + 30));
        assert_eq!(world.resolve("loras", "."), Resolved::Missing);
    }

    #[test]
    fn unknown_classes_are_matched_by_name() {
        let world = World::new(&[
            "models/loras/a.pt",
            "models/ipadapter/a.pt",
            "models/ipadapter/notes.txt",
        ]);
        let folders = ModelFolders::gather(&world.parts, &[]);
        assert_eq!(kinds_with(&folders, "a.pt"), ["loras", "ipadapter"]);
        assert!(kinds_with(&folders, "notes.txt").is_empty());
        assert!(kinds_with(&folders, "../loras/a.pt").is_empty());
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
        let refused = Resolved::Refused(Refusal::LeadsOutside);
        let Resolved::File { taken, .. } = world.resolve("loras", "inside.pt") else { panic!() };
        assert_eq!(taken.file, loras.canonicalize().unwrap().join("real.pt"));
        assert_eq!(taken.name, "inside.pt");
        assert_eq!(world.resolve("loras", "leak.pt"), refused);
        assert_eq!(world.resolve("loras", "leaky/deep.pt"), refused);
        assert_eq!(world.resolve("loras", "dangling.pt"), Resolved::Missing);
        // What the person allows is followed.
        let folders =
            ModelFolders::gather(&world.parts, &[]).with_roots(&[world.parts.base.join("private")]);
        assert!(matches!(resolve(&folders, "loras", "leak.pt"), Resolved::File { .. }));
        assert!(world.place.path().exists());
    }

    #[test]
    #[cfg(unix)]
    fn pipes_and_devices_are_refused() {
        let world = World::new(&["models/loras/real.pt"]);
        let pipe = world.parts.models.join("loras/pipe.safetensors");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let refused = Resolved::Refused(Refusal::NotAFile);
        assert_eq!(world.resolve("loras", "pipe.safetensors"), refused);
        std::os::unix::fs::symlink("/dev/zero", world.parts.models.join("loras/zero.pt")).unwrap();
        assert_eq!(world.resolve("loras", "zero.pt"), refused);
        // The file of the same name in the next folder is what ComfyUI takes.
        world.file("output/loras/pipe.safetensors");
        assert_eq!(world.taken("loras", "pipe.safetensors"), ["output/loras/pipe.safetensors"]);
    }
}
