//! What a run made, put where the person finds it; and the files of an older run, to hold
//! it against. Files are read one after the other: a run may have made hundreds.

use std::path::{Path, PathBuf};

use comfy_media::picture::{PerceptualHash, compare, perceptual_hash};
use sha2::{Digest, Sha256};

use crate::differences::operands::bytes_of;
use crate::error::{Failure, Result};
use crate::platform::machine::output_file::{Over, write};
use crate::platform::machine::to_hex;
use crate::platform::text::sanitize;
use crate::runs::folders::Folders;
use crate::runs::model::{Comparison, Output, Run, Verdict};
use crate::runs::queue::Client;

/// Files of one run that are fetched.
const MOST: usize = 256;
/// Files that one original is held against, where nobody knows which one is its twin.
const MOST_LIKE: usize = 4;

/// Where outputs are put.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The folder that the person named.
    pub(crate) into: Option<PathBuf>,
    /// Else, for outputs that do not lie on this machine already.
    pub(crate) beside: PathBuf,
}

/// An output that is here.
pub(crate) struct Delivered {
    /// As the run names it.
    pub(crate) output: Output,
    pub(crate) file: PathBuf,
}

/// Gets what a run made, or had made before and names again: from this machine where it
/// lies there, else from the server. What is seen of files that are elsewhere goes into
/// the run.
pub(crate) fn delivered(
    run: &mut Run,
    client: &Client,
    folders: &Folders,
    target: &Target,
) -> Result<Vec<Delivered>> {
    let mut all = Vec::new();
    let files = run.outputs.iter_mut().chain(run.reused.iter_mut());
    for output in files.take(MOST) {
        let here = folders.file(output).filter(|path| path.is_file());
        // Another file may have taken its name since it was looked at.
        let here = here.and_then(|path| Some((bytes_of(&path).ok()?, path)));
        let here = here.filter(|(bytes, _)| {
            output.sha256.is_none() || output.sha256.as_deref() == Some(&digest(bytes))
        });
        let (bytes, file) = match here {
            Some((bytes, file)) => (bytes, Some(file)),
            None => (fetched(client, &output.path)?, None),
        };
        if output.sha256.is_none() {
            output.sha256 = Some(digest(&bytes));
            output.size = u64::try_from(bytes.len()).ok();
            output.perceptual = perceptual_hash(&bytes).ok().flatten().map(|hash| hash.to_string());
        }
        let file = match (file, &target.into) {
            (Some(file), None) => file,
            (_, into) => {
                let folder = into.as_ref().unwrap_or(&target.beside);
                std::fs::create_dir_all(folder)?;
                let name = output.path.rsplit('/').next().unwrap_or_default();
                put(folder, name, &bytes)?
            }
        };
        all.push(Delivered { output: output.clone(), file });
    }
    Ok(all)
}

fn digest(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

fn fetched(client: &Client, path: &str) -> Result<Vec<u8>> {
    client.output(path).map_err(|error| {
        let (name, failure) = (sanitize::line(path).into_owned(), Failure::from(error));
        Failure::new(format!("{name} cannot be fetched: {failure}"))
    })
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
            if bytes_of(&path).is_ok_and(|there| there == bytes) {
                return Ok(path);
            }
            continue;
        }
        write(&path, bytes, Over::Nothing)?;
        return Ok(path);
    }
    Err(Failure::new(format!("{} holds too many files called so", sanitize::line(name))))
}

/// The files of an older run.
#[derive(Default)]
pub(crate) struct Originals {
    all: Vec<Original>,
}

struct Original {
    output: Output,
    /// Where it lies, unchanged.
    file: Option<PathBuf>,
}

impl Originals {
    /// The one file that a person named, with what the run knows of it.
    pub(crate) fn file(file: &Path, run: Option<&Run>) -> Result<Originals> {
        let sha256 = Some(digest(&bytes_of(file)?));
        let known = run.and_then(|run| run.outputs.iter().find(|output| output.sha256 == sha256));
        let path = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let output =
            Output { path: path.unwrap_or_default(), sha256, ..known.cloned().unwrap_or_default() };
        Ok(Originals { all: vec![Original { output, file: Some(file.to_owned()) }] })
    }

    /// All files of a run, with their places where they are still here unchanged.
    pub(crate) fn of_run(run: &Run, folders: &Folders) -> Originals {
        let is_same = |output: &Output, file: &PathBuf| match &output.sha256 {
            Some(known) => bytes_of(file).is_ok_and(|bytes| digest(&bytes) == *known),
            None => file.is_file(),
        };
        let original = |output: &Output| {
            let file = folders.file(output).filter(|file| is_same(output, file));
            Original { output: output.clone(), file }
        };
        let files = if run.outputs.is_empty() { &run.reused } else { &run.outputs };
        Originals { all: files.iter().take(MOST).map(original).collect() }
    }

    /// Whether any of them is still here.
    pub(crate) fn are_here(&self) -> bool {
        self.all.iter().any(|original| original.file.is_some())
    }

    /// Whether they are files of that run, byte for byte.
    pub(crate) fn is_of(&self, run: Option<&Run>) -> bool {
        let made = |digest| run.iter().flat_map(|run| &run.outputs).any(|o| o.sha256 == digest);
        self.all.iter().all(|original| made(original.output.sha256.clone()))
    }
}

/// Holds each original against what was made: by the node and place that made it where
/// both are known, else against the files that are most like it.
pub(crate) fn hold_against(originals: &Originals, made: &[Delivered]) -> Vec<Comparison> {
    let mut found = Vec::new();
    for original in &originals.all {
        let place = |output: &Output| output.node.clone().map(|node| (node, output.index));
        let wanted = place(&original.output);
        let is_twin = |made: &&Delivered| wanted.is_some() && place(&made.output) == wanted;
        let mut candidates: Vec<&Delivered> = made.iter().filter(is_twin).collect();
        if candidates.is_empty() {
            candidates = made.iter().collect();
            candidates.sort_by_key(|made| looks(&original.output, &made.output));
            candidates.truncate(MOST_LIKE);
        }
        let compared = candidates.into_iter().map(|made| one(original, made));
        found.extend(compared.max_by_key(nearness));
    }
    found
}

/// How far two outputs are apart by their looks; the furthest where nobody knows.
fn looks(one: &Output, other: &Output) -> u32 {
    distance(one, other).unwrap_or(u32::MAX)
}

fn distance(one: &Output, other: &Output) -> Option<u32> {
    let hash = |output: &Output| output.perceptual.as_deref()?.parse::<PerceptualHash>().ok();
    Some(hash(one)?.distance(&hash(other)?))
}

/// Orders comparisons by how alike the files are; the most alike is the greatest.
fn nearness(compared: &Comparison) -> (Verdict, std::cmp::Reverse<u64>) {
    let mean: u64 = compared.mean.iter().flatten().map(|channel| u64::from(*channel)).sum();
    let far = compared.perceptual.map_or(u64::from(u32::MAX), u64::from);
    (compared.verdict, std::cmp::Reverse(if compared.mean.is_some() { mean } else { far }))
}

fn one(original: &Original, made: &Delivered) -> Comparison {
    let (path, name) = (&made.output.path, &original.output.path);
    let known = original.output.sha256.clone();
    let both = original.file.as_deref().and_then(|file| bytes_of(file).ok());
    if let Some((was, is)) = both.zip(bytes_of(&made.file).ok()) {
        return Comparison::new(path, name, known, &compare(&is, &was));
    }
    let same = known.is_some() && known == made.output.sha256;
    Comparison {
        output: path.clone(),
        original: name.clone(),
        sha256: known,
        verdict: if same { Verdict::Bytes } else { Verdict::Unseen },
        perceptual: distance(&original.output, &made.output),
        ..Comparison::default()
    }
}
