//! The files that a picture was made from: images in ComfyUI's input folder. Nothing
//! outside of that folder and the output folder is opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::catalog::Folder;

use crate::platform::machine::hash::{Silent, Threads, Wanted};
use crate::platform::machine::{hash, to_hex};
use crate::records::look::Look;
use crate::reproduce::{InputHere, InputWanted};

/// Files of the input folder that are looked at for lost bytes.
const MOST_FILES: usize = 5_000;
/// Bytes of them that are read in all.
const MOST_BYTES: u64 = 2 << 30;
/// How deep the folder is looked through.
const DEEPEST: usize = 8;

impl Look<'_> {
    /// Looks for each file under its name, and for its bytes in the input folder.
    pub fn inputs_again(&self, wanted: &[InputWanted], now: SystemTime) -> Vec<InputHere> {
        let mut others: Option<Vec<(String, String)>> = None;
        let mut found = Vec::new();
        for input in wanted {
            let mut here = InputHere::default();
            match self.input_file(input) {
                Ok(Some(path)) => match sha256(&path, now) {
                    Some(digest) => here.sha256 = Some(digest),
                    None => here.refused = Some("it cannot be read".to_owned()),
                },
                Ok(None) => {}
                Err(why) => here.refused = Some(why.to_owned()),
            }
            let lost = input.sha256.is_some() && here.sha256 != input.sha256;
            if lost && let Some(root) = self.input_root() {
                let others = others.get_or_insert_with(|| digests(&root, now));
                let mine =
                    others.iter().filter(|(_, digest)| Some(digest) == input.sha256.as_ref());
                here.copies = mine.map(|(name, _)| name.clone()).collect();
                let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
                here.copies.sort_by_key(|name| (last(name) != last(&input.name), name.clone()));
            }
            found.push(here);
        }
        found
    }

    /// ComfyUI's input folder.
    pub fn input_root(&self) -> Option<PathBuf> {
        self.installation.map(|found| found.parts.base.join("input"))
    }

    /// The file behind a name, if it is there; why it is not looked at.
    fn input_file(&self, input: &InputWanted) -> Result<Option<PathBuf>, &'static str> {
        let Some(found) = self.installation else { return Ok(None) };
        let root = match &input.folder {
            Folder::Input(below) => found.parts.base.join("input").join(below.as_str()),
            Folder::Output => found.parts.output.clone(),
            _ => return Err("what lies in temp is gone when ComfyUI starts"),
        };
        let parts: Vec<&str> =
            input.name.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let leaves = |part: &&str| *part == ".." || part.contains(':') || part.contains('\0');
        if parts.is_empty() || parts.iter().any(leaves) || input.name.starts_with(['/', '\\']) {
            return Err("its name leads out of ComfyUI's folders");
        }
        let mut path = root.clone();
        path.extend(parts);
        let Ok(real) = path.canonicalize() else { return Ok(None) };
        match root.canonicalize().is_ok_and(|root| real.starts_with(root)) {
            true => Ok(real.is_file().then_some(real)),
            false => Err("a link leads out of ComfyUI's folders"),
        }
    }
}

fn sha256(path: &Path, now: SystemTime) -> Option<String> {
    // A picture is written at once; there is nothing to wait for.
    let now = now + hash::SETTLING * 2;
    let hashed = hash::hash_file(path, Wanted::Sha256, Threads::One, now, &Silent).ok()?;
    Some(to_hex(&hashed.hashes.sha256))
}

/// The digests of the files in a folder, by name below it. Links are not followed.
fn digests(root: &Path, now: SystemTime) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut left = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, below, depth)) = left.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let own = format!("{below}{name}");
            if metadata.is_dir() && depth < DEEPEST {
                left.push((entry.path(), format!("{own}/"), depth + 1));
            } else if metadata.is_file() {
                bytes += metadata.len();
                if found.len() >= MOST_FILES || bytes > MOST_BYTES {
                    return found;
                }
                found.extend(sha256(&entry.path(), now).map(|digest| (own, digest)));
            }
        }
    }
    found.sort();
    found
}
