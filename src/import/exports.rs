//! The plan for a folder of exported workflows.

use std::path::Path;

use comfy_graph::clean::{self, CleanOutcome, LayoutMode};
use comfy_graph::graph::{DocumentKind, GraphKind, Prompt, Workflow, document_kind};
use comfy_graph::json;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::version_source::relative_path;
use crate::error::Result;
use crate::import::model::{Day, ExportedWorkflow, GraphFingerprint, ImportPlan, group_exports};
use crate::platform::file_argument;
use crate::platform::folder_argument::{self, LinkPolicy};
use crate::platform::hex::sha256_hex;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::session::Session;

/// Below this many files no bar is shown.
const PROGRESS_BAR_THRESHOLD: usize = 200;

/// Reads the workflows below a folder and puts them into lines. Says what is passed over.
pub(crate) fn plan_exports(folder: &Path, session: &Session) -> Result<ImportPlan> {
    let found =
        folder_argument::list_files(folder, LinkPolicy::Skip, &folder_argument::has_json_ending)?;
    found.remarks().iter().for_each(|remark| session.ui.info(remark));
    let bar = (found.files.len() >= PROGRESS_BAR_THRESHOLD)
        .then(|| session.ui.count_bar("reading exports"));
    if let Some(bar) = &bar {
        bar.extend(found.files.len() as u64);
    }
    let (mut exports, mut others) = (Vec::new(), 0);
    for path in &found.files {
        match relative_path(folder, path) {
            Some(from) => match read_export(path, from)? {
                Some(export) => exports.push(export),
                None => others += 1,
            },
            None => {
                let name = path.to_string_lossy();
                session.ui.info(&format!(
                    "note: {} is left out: its name is no text; rename it",
                    sanitize::line(&name)
                ));
            }
        }
        if let Some(bar) = &bar {
            bar.advance(1);
        }
    }
    if let Some(bar) = &bar {
        bar.finish();
    }
    if others > 0 {
        let files = counted(
            others,
            "other .json file is no workflow",
            "other .json files are no workflows",
        );
        session.ui.info(&files);
    }
    Ok(group_exports(exports))
}

/// A workflow file, in the editor's format or in API format; nothing for anything else.
fn read_export(path: &Path, from: String) -> Result<Option<ExportedWorkflow>> {
    let Some(bytes) = file_argument::read_limited(path)? else { return Ok(None) };
    let Some(fingerprint) = fingerprint_document(&bytes) else { return Ok(None) };
    let content = match clean::clean_document(&bytes, LayoutMode::Strip) {
        CleanOutcome::Cleaned(cleaned) => cleaned.content,
        CleanOutcome::Untouched(_) => bytes,
    };
    let saved = modified_time(path)?;
    let (saved_on, saved_at) = local_day_and_second(saved);
    let (content, saved) = (sha256_hex(&content), saved.as_second());
    Ok(Some(ExportedWorkflow {
        from,
        content_id: content,
        fingerprint,
        saved_seconds: saved,
        saved_day: saved_on,
        saved_second_of_day: saved_at,
    }))
}

/// The day of a moment in the time zone of this machine, and its seconds since midnight.
pub(crate) fn local_day_and_second(moment: Timestamp) -> (Day, u32) {
    let at = moment.to_zoned(TimeZone::system());
    let of_day = (i32::from(at.hour()) * 60 + i32::from(at.minute())) * 60 + i32::from(at.second());
    let day = Day {
        year: at.year().cast_unsigned(),
        month: at.month().cast_unsigned(),
        day: at.day().cast_unsigned(),
    };
    (day, of_day.cast_unsigned())
}

fn fingerprint_document(bytes: &[u8]) -> Option<GraphFingerprint> {
    let value = json::parse(bytes).ok()?;
    match document_kind(&value) {
        DocumentKind::Graph(GraphKind::Workflow(_)) => Workflow::from_value(value)
            .ok()
            .map(|workflow| GraphFingerprint::from_workflow(&workflow)),
        DocumentKind::Graph(GraphKind::Prompt) => {
            Prompt::from_value(value).ok().map(|prompt| GraphFingerprint::from_prompt(&prompt))
        }
        _ => None,
    }
}

/// When a file was last written, but at most an hour from now: a clock that ran ahead must not
/// put commits into the future.
pub(crate) fn modified_time(path: &Path) -> Result<Timestamp> {
    let time = path.metadata()?.modified()?;
    let now = Timestamp::now();
    Ok(Timestamp::try_from(time).unwrap_or(now).min(now.saturating_add(1.hour()).unwrap_or(now)))
}
