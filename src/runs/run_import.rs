//! Taking in runs that a server or files tell of: answers of `/history`, and what comfy-cli
//! noted.

use std::collections::BTreeSet;
use std::path::Path;

use comfy_graph::json;

use super::comfy_cli_log;
use super::comfy_cli_log::{CliRun, HistoryLookup};
use super::run_batch::RunBatch;
use super::run_data::{HistoryEntry, parse_entries, run_from_entry};
use super::run_store::RunStore;
use crate::error::{CommandError, Result};
use crate::platform::file_argument::{self, MAX_WHOLE_FILE};
use crate::platform::machine::server::ComfyServer;
use crate::platform::text::sanitize;
use crate::session::Session;

/// Runs that are written in one step.
const BATCH_SIZE: usize = 256;

/// Runs that a server or files tell of, and how many of them were recorded.
#[derive(Default)]
pub(crate) struct RunImport {
    batch: RunBatch,
    /// Ids that were told of.
    pub(crate) seen_ids: BTreeSet<String>,
    pub(crate) recorded: usize,
    /// Runs of which nothing but the id is known.
    pub(crate) id_only: usize,
}

impl RunImport {
    pub(crate) fn add_history(
        &mut self,
        session: &Session,
        run_store: &mut RunStore,
        entries: Vec<HistoryEntry>,
    ) -> Result<()> {
        for entry in entries {
            self.batch.add_run(run_store, run_from_entry(&entry, &run_store.catalog))?;
            self.seen_ids.insert(entry.id);
            if self.batch.len() >= BATCH_SIZE {
                self.recorded += self.batch.write(session, run_store)?;
            }
        }
        Ok(())
    }

    /// Takes in what a file tells of.
    pub(crate) fn add_file(
        &mut self,
        session: &Session,
        run_store: &mut RunStore,
        file: &Path,
        server: Option<&ComfyServer>,
    ) -> Result<()> {
        match read_import_file(file)? {
            ImportFile::History(entries) => self.add_history(session, run_store, entries),
            ImportFile::CliLog(lines) => self.add_cli_runs(session, run_store, lines, server),
        }
    }

    /// Writes what is left.
    pub(crate) fn finish(&mut self, session: &Session, run_store: &mut RunStore) -> Result<()> {
        self.recorded += self.batch.write(session, run_store)?;
        Ok(())
    }

    /// comfy-cli notes that a run was; what it was the server may remember.
    fn add_cli_runs(
        &mut self,
        session: &Session,
        run_store: &mut RunStore,
        lines: Vec<CliRun>,
        server: Option<&ComfyServer>,
    ) -> Result<()> {
        let mut memory = HistoryLookup::new(server);
        for line in lines {
            let Some(entry) = line.to_history_entry() else { continue };
            let is_known =
                run_store.index.find_by_id(&entry.id)?.iter().any(|row| row.run_id == entry.id);
            match memory.find_entry(&line).filter(|_| !is_known) {
                Some(remembered) => {
                    self.add_history(session, run_store, vec![remembered])?;
                }
                None if !is_known => self.id_only += 1,
                None => {}
            }
            let noted = comfy_cli_log::run_from_cli(
                &line,
                &entry,
                &run_store.repository,
                &run_store.catalog,
            );
            self.seen_ids.insert(entry.id);
            self.batch.add_run(run_store, noted)?;
        }
        Ok(())
    }
}

/// What a file tells of.
enum ImportFile {
    History(Vec<HistoryEntry>),
    CliLog(Vec<CliRun>),
}

fn read_import_file(path: &Path) -> Result<ImportFile> {
    let name = sanitize::path(path);
    let bytes = file_argument::read_bounded(path, &name, MAX_WHOLE_FILE)?;
    if let Ok(value) = json::parse_lenient(&bytes) {
        let found = parse_entries(value);
        if !found.is_empty() {
            return Ok(ImportFile::History(found));
        }
    }
    let found = comfy_cli_log::parse_log(&bytes);
    if found.is_empty() {
        let problem = format!("{name}: this is no answer of /history and no list of runs");
        return Err(CommandError::user(problem)
            .with_hint("curl http://127.0.0.1:8188/history > history.json saves one"));
    }
    Ok(ImportFile::CliLog(found))
}
