//! What a run made, put where the person finds it; and the files of an older run, to hold
//! it against. Files are read one after the other: a run may have made hundreds.

use std::path::{Path, PathBuf};

use comfy_media::picture::{PerceptualHash, compare_pictures, perceptual_hash};

use crate::differences::operands::read_file;
use crate::error::{CommandError, Result};
use crate::platform::hex::sha256_hex;
use crate::platform::output_argument::{Overwrite, write_output_file};
use crate::platform::text::sanitize;
use crate::runs::comfy_client::ComfyClient;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_data::{ComparisonVerdict, OutputComparison, OutputFile, Run};

/// Files of one run that are fetched.
const MAX_FILES: usize = 256;
/// Files that one original is held against, where nobody knows which one is its twin.
const MAX_CANDIDATES: usize = 4;

/// Where outputs are put.
#[derive(Debug, Clone)]
pub(crate) struct OutputDestination {
    /// The folder that the person named.
    pub(crate) folder: Option<PathBuf>,
    /// Else, for outputs that do not lie on this machine already.
    pub(crate) default_folder: PathBuf,
}

/// An output that is here.
pub(crate) struct FetchedOutput {
    /// As the run names it.
    pub(crate) output: OutputFile,
    pub(crate) file: PathBuf,
}

/// Gets what a run made, or had made before and names again: from this machine where it
/// lies there, else from the server. What is seen of files that are elsewhere goes into
/// the run.
pub(crate) fn fetch_outputs(
    run: &mut Run,
    client: &ComfyClient,
    folders: &OutputFolders,
    target: &OutputDestination,
) -> Result<Vec<FetchedOutput>> {
    let mut all = Vec::new();
    let files = run.outputs.iter_mut().chain(run.reused.iter_mut());
    for output in files.take(MAX_FILES) {
        let local = folders.locate(output).filter(|path| path.is_file());
        // Another file may have taken its name since it was looked at.
        let local = local.and_then(|path| Some((read_file(&path).ok()?, path)));
        let local = local.filter(|(bytes, _)| {
            output.sha256.is_none() || output.sha256.as_deref() == Some(&sha256_hex(bytes))
        });
        let (bytes, file) = match local {
            Some((bytes, file)) => (bytes, Some(file)),
            None => (fetch_output(client, &output.path)?, None),
        };
        if output.sha256.is_none() {
            output.sha256 = Some(sha256_hex(&bytes));
            output.size = u64::try_from(bytes.len()).ok();
            output.perceptual = perceptual_hash(&bytes).ok().flatten().map(|hash| hash.to_string());
        }
        let file = match (file, &target.folder) {
            (Some(file), None) => file,
            (_, into) => {
                let folder = into.as_ref().unwrap_or(&target.default_folder);
                std::fs::create_dir_all(folder)?;
                let name = output.path.rsplit('/').next().unwrap_or_default();
                write_to_free_name(folder, name, &bytes)?
            }
        };
        all.push(FetchedOutput { output: output.clone(), file });
    }
    Ok(all)
}

fn fetch_output(client: &ComfyClient, path: &str) -> Result<Vec<u8>> {
    client.fetch_output(path).map_err(|error| {
        let name = sanitize::line(path);
        CommandError::from(error).with_context(format!("{name} cannot be fetched"))
    })
}

/// Writes a file under the first name that is free; one of the same bytes is taken as it is.
fn write_to_free_name(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
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
            if read_file(&path).is_ok_and(|there| there == bytes) {
                return Ok(path);
            }
            continue;
        }
        write_output_file(&path, bytes, Overwrite::Never)?;
        return Ok(path);
    }
    Err(CommandError::system(format!("{} holds too many files called so", sanitize::line(name))))
}

/// The files of an older run.
#[derive(Default)]
pub(crate) struct OriginalFiles {
    all: Vec<OriginalFile>,
}

struct OriginalFile {
    output: OutputFile,
    /// Where it lies, unchanged.
    file: Option<PathBuf>,
}

impl OriginalFiles {
    /// The one file that a person named, with what the run knows of it.
    pub(crate) fn from_file(file: &Path, run: Option<&Run>) -> Result<OriginalFiles> {
        let sha256 = Some(sha256_hex(&read_file(file)?));
        let known = run.and_then(|run| run.outputs.iter().find(|output| output.sha256 == sha256));
        let path = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let output = OutputFile {
            path: path.unwrap_or_default(),
            sha256,
            ..known.cloned().unwrap_or_default()
        };
        Ok(OriginalFiles { all: vec![OriginalFile { output, file: Some(file.to_owned()) }] })
    }

    /// All files of a run, with their places where they are still here unchanged.
    pub(crate) fn from_run(run: &Run, folders: &OutputFolders) -> OriginalFiles {
        let is_same = |output: &OutputFile, file: &PathBuf| match &output.sha256 {
            Some(known) => read_file(file).is_ok_and(|bytes| sha256_hex(&bytes) == *known),
            None => file.is_file(),
        };
        let original = |output: &OutputFile| {
            let file = folders.locate(output).filter(|file| is_same(output, file));
            OriginalFile { output: output.clone(), file }
        };
        let files = if run.outputs.is_empty() { &run.reused } else { &run.outputs };
        OriginalFiles { all: files.iter().take(MAX_FILES).map(original).collect() }
    }

    /// Whether any of them is still here.
    pub(crate) fn any_present(&self) -> bool {
        self.all.iter().any(|original| original.file.is_some())
    }

    /// Whether they are files of that run, byte for byte.
    pub(crate) fn belong_to(&self, run: Option<&Run>) -> bool {
        let made = |digest| run.iter().flat_map(|run| &run.outputs).any(|o| o.sha256 == digest);
        self.all.iter().all(|original| made(original.output.sha256.clone()))
    }
}

/// Holds each original against what was made: by the node and place that made it where
/// both are known, else against the files that are most like it.
pub(crate) fn compare_with_originals(
    originals: &OriginalFiles,
    made: &[FetchedOutput],
) -> Vec<OutputComparison> {
    let mut found = Vec::new();
    for original in &originals.all {
        let place = |output: &OutputFile| output.node.clone().map(|node| (node, output.index));
        let wanted = place(&original.output);
        let is_twin = |made: &&FetchedOutput| wanted.is_some() && place(&made.output) == wanted;
        let mut candidates: Vec<&FetchedOutput> = made.iter().filter(is_twin).collect();
        if candidates.is_empty() {
            candidates = made.iter().collect();
            candidates.sort_by_key(|made| perceptual_rank(&original.output, &made.output));
            candidates.truncate(MAX_CANDIDATES);
        }
        let compared = candidates.into_iter().map(|made| compare_file(original, made));
        found.extend(compared.max_by_key(closeness));
    }
    found
}

/// How far two outputs are apart by their looks; the furthest where nobody knows.
fn perceptual_rank(one: &OutputFile, other: &OutputFile) -> u32 {
    perceptual_distance(one, other).unwrap_or(u32::MAX)
}

fn perceptual_distance(one: &OutputFile, other: &OutputFile) -> Option<u32> {
    let hash = |output: &OutputFile| output.perceptual.as_deref()?.parse::<PerceptualHash>().ok();
    Some(hash(one)?.distance(&hash(other)?))
}

/// Orders comparisons by how alike the files are; the most alike is the greatest.
fn closeness(compared: &OutputComparison) -> (ComparisonVerdict, std::cmp::Reverse<u64>) {
    let mean: u64 = compared.mean.iter().flatten().map(|channel| u64::from(*channel)).sum();
    let distance = compared.perceptual.map_or(u64::from(u32::MAX), u64::from);
    (compared.verdict, std::cmp::Reverse(if compared.mean.is_some() { mean } else { distance }))
}

fn compare_file(original: &OriginalFile, made: &FetchedOutput) -> OutputComparison {
    let (path, name) = (&made.output.path, &original.output.path);
    let known = original.output.sha256.clone();
    let both = original.file.as_deref().and_then(|file| read_file(file).ok());
    if let Some((was, is)) = both.zip(read_file(&made.file).ok()) {
        return OutputComparison::new(path, name, known, &compare_pictures(&is, &was));
    }
    let same = known.is_some() && known == made.output.sha256;
    OutputComparison {
        output: path.clone(),
        original: name.clone(),
        sha256: known,
        verdict: if same { ComparisonVerdict::Bytes } else { ComparisonVerdict::Unseen },
        perceptual: perceptual_distance(&original.output, &made.output),
        ..OutputComparison::default()
    }
}
