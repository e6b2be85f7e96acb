//! New outputs are picked up after a commit, by a process of its own.

use std::fs::File;
use std::path::Path;

use serde_json::Value;

use super::folders::{Folders, tracked_outputs};
use super::machine_view::Machine;
use super::run_store::Shelf;
use super::{bridge, live};
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::git::shared_refs::RUNS;
use crate::platform::git::{CommitId, RefName, Repository};
use crate::records::commands::record::after::{ComfyUi, OVER_BY_THEN};
use crate::records::worker;
use crate::runs::commands::runs::as_line;
use crate::runs::commands::runs::scan::scan;
use crate::runs::index::{Key, Query, Row, Shown};
use crate::runs::text::runs::{line, row_value};
use crate::session::Session;

/// Runs of a commit that are shown.
const SHOWN: usize = 5;
/// Runs of a commit that a program is told.
const MOST: usize = 1000;

/// Starts the process, where there may be anything to pick up: runs are there already, the
/// bridge noted some, somebody said where outputs lie, the recorder met a ComfyUI, or git
/// tracks pictures.
pub(crate) fn start(session: &Session, repository: &Repository, met: ComfyUi) -> Result<()> {
    let settings = repository.settings("comfy.")?;
    let value = |name: &str| {
        settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    if matches!(value("comfy.runs.scan"), Some("false" | "no" | "off" | "0")) {
        return Ok(());
    }
    let in_use = value("comfy.output").is_some()
        || repository.reference(&RefName::new(RUNS))?.is_some()
        || met == ComfyUi::Found
        || !bridge::waiting(&bridge::spool(&repository.state_dir())).is_empty()
        || tracked_outputs(repository, Path::new(""))?.next().is_some();
    if in_use && let Some(program) = &session.environment.program {
        let place = repository.work_tree().unwrap_or(repository.git_dir());
        // Without it outputs are picked up after the next commit, or by a scan.
        let _ = worker::start(program, place, &["--quiet", "runs", "pick-up"], OVER_BY_THEN);
    }
    Ok(())
}

/// The process: one at a time, others leave it to that one.
pub(crate) fn run(session: &Session) -> Result<Exit> {
    let mut shelf = Shelf::open(session)?;
    let path = shelf.repository.state_dir().join("scan.lock");
    let lock = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    if lock.try_lock().is_err() {
        return Ok(Exit::Done);
    }
    let folders = Folders::of(session, &shelf.repository)?;
    live::ingest(session, &mut shelf, &folders, &mut Machine::default())?;
    let places = folders.places(&shelf.repository)?;
    scan(session, &mut shelf, &folders, &places, false, None)?;
    Ok(Exit::Done)
}

/// The newest runs of the workflows that a commit adds or changes.
fn rows_of_commit(session: &Session, commit: CommitId, most: usize) -> Result<Vec<Row>> {
    let repository = session.repository()?;
    if repository.reference(&RefName::new(RUNS))?.is_none() {
        return Ok(Vec::new());
    }
    let shelf = Shelf::open(session)?;
    let graphs = shelf.graphs_of_commit(commit)?;
    let keys = vec![Key::Graphs(graphs)];
    let query = Query { keys, since: None, until: None, shown: Shown::WithFiles, most };
    Ok(shelf.index.find(&query)?)
}

/// The newest runs of a commit's workflows, as JSON values.
pub(crate) fn values_of_commit(session: &Session, commit: CommitId) -> Result<Vec<Value>> {
    let rows = rows_of_commit(session, commit, MOST)?;
    Ok(rows.iter().map(|row| row_value(&as_line(row), None)).collect())
}

/// The newest runs of a commit's workflows, in words. Empty where none are known.
pub(crate) fn of_commit(session: &Session, commit: CommitId) -> Result<String> {
    let rows = rows_of_commit(session, commit, SHOWN + 1)?;
    let mut text = String::new();
    for row in rows.iter().take(SHOWN) {
        text += &line(&as_line(row), None);
    }
    if rows.is_empty() {
        return Ok(String::new());
    }
    let more = if rows.len() > SHOWN {
        format!("more: git comfy find --commit {commit}\n")
    } else {
        String::new()
    };
    Ok(format!("\nmade with it:\n{text}{more}"))
}
