//! What a run made, fetched; and the files of an older run, to hold it against.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::cmd::inspect::{Over, write};
use crate::cmd::runs::folders::Folders;
use crate::error::{Failure, Result};
use crate::host::queue::Client;
use crate::media::picture::{PerceptualHash, compare, perceptual_hash};
use crate::record::run::{Comparison, Output, Run, Verdict};
use crate::record::to_hex;
use crate::render::sanitize;

/// Files of one run that are fetched.
const MOST: usize = 256;

/// An output with its bytes.
pub(crate) struct Delivered {
    /// As the run names it.
    pub(crate) output: Output,
    /// All its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Where it lies on this machine, if it does.
    pub(crate) file: Option<PathBuf>,
}

/// Gets what a run made, or had made before and names again: from this machine where it
/// lies there, else from the server. What is seen of files that are elsewhere goes into
/// the run.
pub(super) fn delivered(
    run: &mut Run,
    client: &Client,
    folders: &Folders,
) -> Result<Vec<Delivered>> {
    let mut all = Vec::new();
    let files = run.outputs.iter_mut().chain(run.reused.iter_mut());
    for output in files.take(MOST) {
        let file = folders.file(output).filter(|path| path.is_file());
        let here = file.as_deref().filter(|_| output.sha256.is_some());
        let here = here.and_then(|path| std::fs::read(path).ok());
        // Another file may have taken its name since it was looked at.
        let digest = |bytes: &[u8]| Some(to_hex(&Sha256::digest(bytes)));
        let (bytes, file) = match here.filter(|bytes| digest(bytes) == output.sha256) {
            Some(bytes) => (bytes, file),
            None => {
                let bytes = client.output(&output.path).map_err(|error| {
                    let name = sanitize::line(&output.path).into_owned();
                    let failure = Failure::from(error);
                    Failure::new(format!("{name} cannot be fetched: {failure}"))
                })?;
                (bytes, None)
            }
        };
        if output.sha256.is_none() {
            output.sha256 = digest(&bytes);
            output.size = u64::try_from(bytes.len()).ok();
            output.perceptual = perceptual_hash(&bytes).ok().flatten().map(|hash| hash.to_string());
        }
        all.push(Delivered { output: output.clone(), bytes, file });
    }
    Ok(all)
}

/// The files of an older run.
#[derive(Default)]
pub(crate) struct Originals {
    all: Vec<Original>,
}

struct Original {
    output: Output,
    bytes: Option<Vec<u8>>,
}

impl Originals {
    /// The one file that a person named.
    pub(crate) fn file(name: &str, bytes: Vec<u8>, run: Option<&Run>) -> Originals {
        let sha256 = to_hex(&Sha256::digest(&bytes));
        let known = run.and_then(|run| {
            run.outputs.iter().find(|output| output.sha256.as_ref() == Some(&sha256)).cloned()
        });
        let path = name.to_owned();
        let output = Output { path, sha256: Some(sha256), ..known.unwrap_or_default() };
        Originals { all: vec![Original { output, bytes: Some(bytes) }] }
    }

    /// Whether any of them is still here with its bytes.
    pub(crate) fn are_here(&self) -> bool {
        self.all.iter().any(|original| original.bytes.is_some())
    }

    /// Whether they are files of that run, byte for byte.
    pub(crate) fn is_of(&self, run: Option<&Run>) -> bool {
        let made = |digest| run.iter().flat_map(|run| &run.outputs).any(|o| o.sha256 == digest);
        self.all.iter().all(|original| made(original.output.sha256.clone()))
    }

    /// All files of a run, with their bytes where they are still here unchanged.
    pub(crate) fn of_run(run: &Run, folders: &Folders) -> Originals {
        let original = |output: &Output| {
            let bytes = folders.file(output).and_then(|path| std::fs::read(path).ok());
            let bytes = bytes.filter(|bytes| {
                let digest = Some(to_hex(&Sha256::digest(bytes)));
                output.sha256.is_none() || output.sha256 == digest
            });
            Original { output: output.clone(), bytes }
        };
        let files = if run.outputs.is_empty() { &run.reused } else { &run.outputs };
        Originals { all: files.iter().take(MOST).map(original).collect() }
    }
}

/// Holds each original against what was made: by the node and place that made it where
/// both are known, else against the file that is most like it.
pub(crate) fn hold_against(originals: &Originals, made: &[Delivered]) -> Vec<Comparison> {
    let mut found = Vec::new();
    for original in &originals.all {
        let place = |output: &Output| output.node.clone().map(|node| (node, output.index));
        let wanted = place(&original.output);
        let twins: Vec<&Delivered> =
            made.iter().filter(|made| wanted.is_some() && place(&made.output) == wanted).collect();
        let candidates = if twins.is_empty() { made.iter().collect() } else { twins };
        let compared = candidates.into_iter().map(|made| one(original, made));
        found.extend(compared.max_by_key(nearness));
    }
    found
}

/// How like two files are, to choose by.
fn nearness(compared: &Comparison) -> (Verdict, std::cmp::Reverse<u64>) {
    let mean: u64 = compared.mean.iter().flatten().map(|channel| u64::from(*channel)).sum();
    let far = compared.perceptual.map_or(u64::from(u32::MAX), u64::from);
    (compared.verdict, std::cmp::Reverse(if compared.mean.is_some() { mean } else { far }))
}

fn one(original: &Original, made: &Delivered) -> Comparison {
    let (path, name) = (&made.output.path, &original.output.path);
    let digest = original.output.sha256.clone();
    if let Some(bytes) = &original.bytes {
        return Comparison::new(path, name, digest, &compare(&made.bytes, bytes));
    }
    let same = digest.is_some() && digest == made.output.sha256;
    let hash = |text: &Option<String>| text.as_deref()?.parse::<PerceptualHash>().ok();
    let looks = hash(&original.output.perceptual).zip(hash(&made.output.perceptual));
    Comparison {
        output: path.clone(),
        original: name.clone(),
        sha256: digest,
        verdict: if same { Verdict::Bytes } else { Verdict::Unseen },
        perceptual: looks.map(|(one, other)| one.distance(&other)),
        ..Comparison::default()
    }
}

/// Puts outputs where the person finds them, and gives the places: into a folder that they
/// named, else where ComfyUI put them on this machine, else beside something. Nothing is
/// written over.
pub(crate) fn save(made: &[Delivered], into: Option<&Path>, beside: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for made in made {
        files.push(match (&made.file, into) {
            (Some(file), None) => file.clone(),
            _ => {
                let folder = into.unwrap_or(beside);
                std::fs::create_dir_all(folder)?;
                let name = made.output.path.rsplit('/').next().unwrap_or_default();
                put(folder, name, &made.bytes)?
            }
        });
    }
    Ok(files)
}

/// Writes a file under the first name that is free; one of the same bytes is taken as it is.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    for number in 1..10_000 {
        let path = match number {
            1 => folder.join(name),
            number => folder.join(format!("{stem} ({number}){ending}")),
        };
        if path.exists() {
            if std::fs::read(&path).is_ok_and(|there| there == bytes) {
                return Ok(path);
            }
            continue;
        }
        write(&path, bytes, Over::Nothing)?;
        return Ok(path);
    }
    Err(Failure::new(format!("{} holds too many files called so", sanitize::line(name))))
}
