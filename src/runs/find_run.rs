//! The run that a person means by a file, an id or the beginning of one.

use std::path::Path;

use comfy_media::picture::PerceptualHash;

use super::media_file;
use super::run_branches::OutputSelector;
use super::run_data::run_from_payload;
use super::run_store::RunStore;
use super::runs_ref::StoredRun;
use crate::error::{CommandError, Result};
use crate::platform::text::sanitize;
use crate::runs::index::RunRow;
use crate::runs::text::run_text::MatchReason;
use crate::session::Session;

/// Runs whose pictures look alike that are of interest.
const MAX_SIMILAR: usize = 100;

pub(crate) struct FoundRun {
    /// Why it was found.
    pub(crate) reason: MatchReason,
    pub(crate) row: RunRow,
    /// The file of the run that this one is.
    pub(crate) selector: OutputSelector,
}

/// The runs behind a file: of exactly its bytes, else of the prompt it carries, else of
/// pictures that look alike, nearest first.
pub(crate) fn find_runs_of_file(run_store: &RunStore, path: &Path) -> Result<Vec<FoundRun>> {
    let inspected = media_file::inspect_file(path)
        .map_err(|error| CommandError::from(error).with_context(sanitize::path(path)))?;
    let digest = inspected.output.sha256.unwrap_or_default();
    let rows = run_store.index.find_by_digest(&digest)?;
    if !rows.is_empty() {
        return Ok(found_runs(rows, &MatchReason::Bytes, &OutputSelector::Digest(digest)));
    }
    if let Some(evidence) = run_from_payload(inspected.payload, &run_store.catalog) {
        let rows = run_store.index.find_by_content(&evidence.run.content)?;
        if !rows.is_empty() {
            return Ok(found_runs(rows, &MatchReason::Prompt, &OutputSelector::Run));
        }
    }
    match inspected.output.perceptual.and_then(|text| text.parse().ok()) {
        Some(hash) => find_by_looks(run_store, &hash),
        None => Ok(Vec::new()),
    }
}

fn found_runs(rows: Vec<RunRow>, reason: &MatchReason, selector: &OutputSelector) -> Vec<FoundRun> {
    let found = |row| FoundRun { reason: reason.clone(), row, selector: selector.clone() };
    rows.into_iter().map(found).collect()
}

/// The runs with a picture that looks alike, each once, nearest first.
fn find_by_looks(run_store: &RunStore, hash: &PerceptualHash) -> Result<Vec<FoundRun>> {
    let mut found: Vec<FoundRun> = Vec::new();
    let within = PerceptualHash::MAX_SAME_DISTANCE;
    for near in run_store.index.find_similar(hash, within, MAX_SIMILAR)? {
        let Some((row, path)) = run_store.index.find_by_picture(near)? else { continue };
        if !found.iter().any(|known| known.row.run_id == row.run_id) {
            let reason = MatchReason::Likeness { distance: near.distance, path: path.clone() };
            found.push(FoundRun { reason, row, selector: OutputSelector::Path(path) });
        }
        if found.len() == MAX_SIMILAR {
            break;
        }
    }
    Ok(found)
}

/// A run that a person named, by its id or by one of its files.
pub(crate) struct NamedRun {
    pub(crate) stored: StoredRun,
    /// Whether it was named by one of its files.
    pub(crate) selector: OutputSelector,
}

/// The run that a person means by an id, its beginning, or a file.
pub(crate) fn find_run(session: &Session, run_store: &RunStore, text: &str) -> Result<NamedRun> {
    let with = |rows: Vec<RunRow>, selector: OutputSelector| {
        rows.into_iter().map(move |row| (row, selector.clone()))
    };
    let mut rows: Vec<(RunRow, OutputSelector)> =
        with(run_store.index.find_by_id(text)?, OutputSelector::Run).collect();
    if rows.is_empty() {
        let path = text.replace('\\', "/");
        rows = with(run_store.index.find_by_path(&path)?, OutputSelector::Path(path)).collect();
    }
    let path = session.cwd.join(text);
    if rows.is_empty() && path.is_file() {
        let found = find_runs_of_file(run_store, &path)?.into_iter();
        rows = found.map(|found| (found.row, found.selector)).collect();
    }
    let shown = sanitize::line(text).into_owned();
    match &rows[..] {
        [] => Err(CommandError::user(format!("no run is called {shown}"))
            .with_hint("git comfy runs lists the newest; git comfy find looks for others")),
        [(row, selector)] => {
            let stored = run_store.load_run(row)?.ok_or_else(|| {
                CommandError::repository(format!("the run {shown} cannot be read"))
            })?;
            Ok(NamedRun { stored, selector: selector.clone() })
        }
        several => {
            let ids: Vec<&str> =
                several.iter().take(5).map(|(row, _)| row.run_id.as_str()).collect();
            let count = several.len();
            Err(CommandError::user(format!("{shown} may be {count} runs"))
                .with_hint(format!("{} …", sanitize::line(&ids.join(", ")))))
        }
    }
}
