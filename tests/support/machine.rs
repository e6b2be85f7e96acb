//! A machine with ComfyUI on it, made of real files: models with real safetensors
//! headers, node packs that are real git repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::{Repo, World};

/// The bytes of a safetensors file with one tensor.
pub(crate) fn safetensors(metadata: &serde_json::Value, tensor: &[u8]) -> Vec<u8> {
    let header = serde_json::json!({
        "__metadata__": metadata,
        "weight": {"dtype": "U8", "shape": [tensor.len()], "data_offsets": [0, tensor.len()]},
    });
    let mut text = header.to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(tensor);
    bytes
}

/// Makes a file look as if it had been left alone for an hour.
pub(crate) fn settle(path: &Path) {
    let before = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
}

/// A ComfyUI in a world.
#[derive(Debug)]
pub(crate) struct Machine {
    world: Rc<World>,
    name: String,
}

impl Machine {
    /// `ComfyUI` in the world, version 0.33.0, with nothing in it.
    pub(crate) fn new(world: &Rc<World>) -> Machine {
        Machine::named(world, "ComfyUI")
    }

    /// The same in a folder of that name.
    pub(crate) fn named(world: &Rc<World>, name: &str) -> Machine {
        let machine = Machine { world: world.clone(), name: name.to_owned() };
        machine.file("main.py", "");
        machine.file("folder_paths.py", "");
        machine.file("comfy/sd.py", "");
        machine.file("comfyui_version.py", "__version__ = \"0.33.0\"\n");
        fs::create_dir_all(machine.path("custom_nodes")).unwrap();
        fs::create_dir_all(machine.path("models")).unwrap();
        machine
    }

    /// A path in it.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.world.path(&self.name).join(below)
    }

    /// Writes a file.
    pub(crate) fn file(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A settled model with its own tensor bytes: `checkpoints/a.safetensors`.
    pub(crate) fn model(&self, name: &str) -> PathBuf {
        let tensor: Vec<u8> = name.bytes().cycle().take(100_000).collect();
        let metadata = serde_json::json!({"modelspec.title": name});
        self.model_of(name, &safetensors(&metadata, &tensor))
    }

    /// A settled model with these bytes.
    pub(crate) fn model_of(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.file(&format!("models/{name}"), bytes);
        settle(&path);
        path
    }

    /// A node pack that is a git repository cloned from a remote of its own.
    pub(crate) fn git_pack(&self, name: &str, classes: &[&str]) -> Repo {
        let remote = self.world.repo(&format!("remotes/{name}"));
        let entries: Vec<String> =
            classes.iter().map(|class| format!("    \"{class}\": 1,\n")).collect();
        remote.write("__init__.py", format!("NODE_CLASS_MAPPINGS = {{\n{}}}\n", entries.concat()));
        remote.commit_all("A pack");
        remote.git(["tag", "v1.2.0"]);
        remote.git(["tag", "-a", "v1.10.0", "-m", "A release"]);
        let place = format!("{}/custom_nodes/{name}", self.name);
        let from = self.world.path(&format!("remotes/{name}"));
        let to = self.world.path(&place);
        remote.git([
            std::ffi::OsStr::new("clone"),
            "-q".as_ref(),
            from.as_os_str(),
            to.as_os_str(),
        ]);
        self.world.at(&place)
    }
}
