//! The files that a picture was made from: images in ComfyUI's input folder. Nothing
//! outside of that folder and the output folder is opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::catalog::FileFolder;

use crate::platform::hex::to_hex;
use crate::platform::machine::hash;
use crate::platform::machine::hash::{DigestSelection, HashThreads, NoHashProgress};
use crate::records::machine_evidence::MachineView;
use crate::reproduce::{LocalInput, RequiredInput};

/// Files of the input folder that are looked at for lost bytes.
const MAX_FILES: usize = 5_000;
/// Bytes of them that are read in all.
const MAX_TOTAL_BYTES: u64 = 2 << 30;
/// How deep the folder is looked through.
const MAX_DEPTH: usize = 8;

/// What is behind the name of an input.
enum InputLocation {
    File(PathBuf),
    Missing,
    /// It is not looked at, because …
    Refused(&'static str),
}

impl MachineView<'_> {
    /// Looks for each file under its name, and for its bytes in the input folder.
    pub fn find_inputs(&self, wanted: &[RequiredInput], now: SystemTime) -> Vec<LocalInput> {
        let mut others: Option<Vec<(String, String)>> = None;
        let mut found = Vec::new();
        for input in wanted {
            let mut local = LocalInput::default();
            match self.resolve_input(input) {
                InputLocation::File(path) => match sha256_of_input(&path, now) {
                    Some(digest) => local.sha256 = Some(digest),
                    None => local.refused = Some("it cannot be read".to_owned()),
                },
                InputLocation::Missing => {}
                InputLocation::Refused(why) => local.refused = Some(why.to_owned()),
            }
            let lost = input.sha256.is_some() && local.sha256 != input.sha256;
            if lost && let Some(root) = self.input_root() {
                let others = others.get_or_insert_with(|| hash_folder(&root, now));
                let mine =
                    others.iter().filter(|(_, digest)| Some(digest) == input.sha256.as_ref());
                local.copies = mine.map(|(name, _)| name.clone()).collect();
                let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
                local.copies.sort_by_key(|name| (last(name) != last(&input.name), name.clone()));
            }
            found.push(local);
        }
        found
    }

    /// ComfyUI's input folder.
    fn input_root(&self) -> Option<PathBuf> {
        self.installation.map(|found| found.parts.base.join("input"))
    }

    fn resolve_input(&self, input: &RequiredInput) -> InputLocation {
        let Some(found) = self.installation else { return InputLocation::Missing };
        let root = match &input.folder {
            FileFolder::Input(below) => found.parts.base.join("input").join(below.as_str()),
            FileFolder::Output => found.parts.output.clone(),
            _ => return InputLocation::Refused("what lies in temp is gone when ComfyUI starts"),
        };
        let parts: Vec<&str> =
            input.name.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let leaves = |part: &&str| *part == ".." || part.contains(':') || part.contains('\0');
        if parts.is_empty() || parts.iter().any(leaves) || input.name.starts_with(['/', '\\']) {
            return InputLocation::Refused("its name leads out of ComfyUI's folders");
        }
        let mut path = root.clone();
        path.extend(parts);
        let Ok(real) = path.canonicalize() else { return InputLocation::Missing };
        if !root.canonicalize().is_ok_and(|root| real.starts_with(root)) {
            return InputLocation::Refused("a link leads out of ComfyUI's folders");
        }
        if real.is_file() { InputLocation::File(real) } else { InputLocation::Missing }
    }
}

fn sha256_of_input(path: &Path, now: SystemTime) -> Option<String> {
    // A picture is written at once; there is nothing to wait for.
    let now = now + hash::SETTLING_TIME * 2;
    let hashed =
        hash::hash_file(path, DigestSelection::Sha256, HashThreads::One, now, &NoHashProgress)
            .ok()?;
    Some(to_hex(&hashed.hashes.sha256))
}

/// The digests of the files in a folder, by name below it. Links are not followed.
fn hash_folder(root: &Path, now: SystemTime) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut left = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, below, depth)) = left.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let own = format!("{below}{name}");
            if metadata.is_dir() && depth < MAX_DEPTH {
                left.push((entry.path(), format!("{own}/"), depth + 1));
            } else if metadata.is_file() {
                bytes += metadata.len();
                if found.len() >= MAX_FILES || bytes > MAX_TOTAL_BYTES {
                    return found;
                }
                found.extend(sha256_of_input(&entry.path(), now).map(|digest| (own, digest)));
            }
        }
    }
    found.sort();
    found
}
