//! New outputs are picked up after a commit, by a process of its own.

use std::path::Path;

use serde_json::Value;

use super::live_run_facts::MachineFacts;
use super::output_folders::{OutputFolders, tracked_outputs};
use super::run_store::RunStore;
use super::{bridge, live_runs};
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::git::config::parse_bool;
use crate::platform::git::shared_refs::RUNS_REF;
use crate::platform::git::{CommitId, RefName, Repository};
use crate::platform::machine::detached_process;
use crate::platform::machine::lock_file::try_lock_file;
use crate::records::hook_recording::{ComfyUiPresence, GIT_HOOK_VARIABLES};
use crate::runs::index::{RunFilter, RunQuery, RunRow, SearchKey};
use crate::runs::scan::scan_outputs;
use crate::runs::text::run_text::{RunLine, format_run_line, run_line_value};
use crate::session::Session;

/// Runs of a commit that are shown.
const MAX_SHOWN: usize = 5;
/// Runs of a commit that a program is told.
const MAX_LISTED: usize = 1000;

/// Starts the process, where there may be anything to pick up: runs are there already, the
/// bridge noted some, somebody said where outputs lie, the recorder met a ComfyUI, or git
/// tracks pictures.
pub(crate) fn start_pick_up(
    session: &Session,
    repository: &Repository,
    met: ComfyUiPresence,
) -> Result<()> {
    let settings = repository.settings("comfy.")?;
    let value = |name: &str| {
        settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    if value("comfy.runs.scan").and_then(parse_bool) == Some(false) {
        return Ok(());
    }
    let in_use = value("comfy.output").is_some()
        || repository.reference(&RefName::new(RUNS_REF))?.is_some()
        || met == ComfyUiPresence::Found
        || !bridge::spooled_files(&bridge::spool_folder(&repository.state_dir())).is_empty()
        || tracked_outputs(repository, Path::new(""))?.next().is_some();
    if in_use && let Some(program) = &session.environment.program {
        let place = repository.work_tree().unwrap_or(repository.git_dir());
        // Without it outputs are picked up after the next commit, or by a scan.
        let _ = detached_process::spawn_detached(
            program,
            place,
            &["--quiet", "runs", "pick-up"],
            GIT_HOOK_VARIABLES,
        );
    }
    Ok(())
}

/// The process: one at a time, others leave it to that one.
pub(crate) fn run(session: &Session) -> Result<Exit> {
    let mut run_store = RunStore::open(session)?;
    let path = run_store.repository.state_dir().join("scan.lock");
    let Some(_lock) = try_lock_file(&path)? else { return Ok(Exit::Done) };
    let folders = OutputFolders::detect(session, &run_store.repository)?;
    live_runs::ingest_spool(session, &mut run_store, &folders, &mut MachineFacts::default())?;
    let places = folders.scan_roots(&run_store.repository)?;
    scan_outputs(session, &mut run_store, &folders, &places, false, None)?;
    Ok(Exit::Done)
}

/// The newest runs of the workflows that a commit adds or changes.
pub(crate) fn find_commit_runs(
    session: &Session,
    commit: CommitId,
    most: usize,
) -> Result<Vec<RunRow>> {
    let repository = session.repository()?;
    if repository.reference(&RefName::new(RUNS_REF))?.is_none() {
        return Ok(Vec::new());
    }
    let run_store = RunStore::open(session)?;
    let graphs = run_store.graph_ids_of_commit(commit)?;
    let keys = vec![SearchKey::Graphs(graphs)];
    let query =
        RunQuery { keys, since: None, until: None, filter: RunFilter::WithFiles, limit: most };
    Ok(run_store.index.find_runs(&query)?)
}

/// The newest runs of a commit's workflows, as JSON values.
pub(crate) fn commit_runs_json(session: &Session, commit: CommitId) -> Result<Vec<Value>> {
    let rows = find_commit_runs(session, commit, MAX_LISTED)?;
    Ok(rows.iter().map(|row| run_line_value(&RunLine::from(row), None)).collect())
}

/// The newest runs of a commit's workflows, in words. Empty where none are known.
pub(crate) fn describe_commit_runs(session: &Session, commit: CommitId) -> Result<String> {
    let rows = find_commit_runs(session, commit, MAX_SHOWN + 1)?;
    let mut text = String::new();
    for row in rows.iter().take(MAX_SHOWN) {
        text += &format_run_line(&RunLine::from(row), None);
    }
    if rows.is_empty() {
        return Ok(String::new());
    }
    let more = if rows.len() > MAX_SHOWN {
        format!("more: git comfy find --commit {commit}\n")
    } else {
        String::new()
    };
    Ok(format!("\nmade with it:\n{text}{more}"))
}
