//! `git comfy runs import`: records what the server's history says, or a file of it, or
//! what comfy-cli noted (`journal`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use comfy_graph::json;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::machine::server::ComfyServer;
use crate::platform::text::sanitize;
use crate::runs::comfy_cli_log::{CliRun, HistoryLookup};
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_batch::RunBatch;
use crate::runs::run_data::{HistoryEntry, parse_entries, run_from_entry};
use crate::runs::run_store::RunStore;
use crate::runs::{comfy_cli_log, server_queries};
use crate::session::Session;

/// Record the runs that a ComfyUI server remembers, or that a file tells of.
#[derive(Debug, clap::Args)]
pub(crate) struct RunsImportArgs {
    /// Saved answers of /history, or comfy-cli's .comfy/runs.jsonl; none asks the server.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The address of the ComfyUI; comfy-cli notes only that a run was, the rest is asked
    /// here.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// The largest file that is read, in bytes.
const MAX_FILE_SIZE: u64 = 1 << 30;
/// Runs that are written in one step.
const BATCH_SIZE: usize = 256;
/// ComfyUI may be busy loading a model.
const SERVER_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs that a server or files tell of, and how many of them were recorded.
#[derive(Default)]
struct RunImport {
    batch: RunBatch,
    /// Ids that were told of.
    seen_ids: BTreeSet<String>,
    recorded: usize,
    /// Runs of which nothing but the id is known.
    id_only: usize,
}

pub(crate) fn run(args: &RunsImportArgs, session: &Session) -> Result<Exit> {
    let mut shelf = RunStore::open(session)?;
    let mut importing = RunImport::default();
    let address = server_queries::configured_address(&shelf.repository, args.server.as_deref())?;
    let server = address.map(|address| ComfyServer::new(address, SERVER_TIMEOUT));
    if args.files.is_empty() {
        let server = server.as_ref().ok_or_else(|| {
            CommandError::new("no server is asked (comfy.server)").with_hint("--server names one")
        })?;
        server_queries::visit_history(server, &mut |entries| {
            importing.add_history(session, &mut shelf, entries)
        })?;
    }
    for file in &args.files {
        match read_import_file(&session.cwd.join(file))? {
            ImportFile::History(entries) => {
                importing.add_history(session, &mut shelf, entries)?;
            }
            ImportFile::CliLog(lines) => {
                importing.add_cli_runs(session, &mut shelf, lines, server.as_ref())?;
            }
        }
    }
    importing.recorded += importing.batch.write(session, &mut shelf)?;
    importing.print_summary(session)?;
    // The history names files; what they are only they say.
    if importing.recorded > 0
        && OutputFolders::detect(session, &shelf.repository)?.output_folder().is_some()
    {
        session.ui.info("git comfy runs scan adds what the files themselves show");
    }
    Ok(Exit::Done)
}

impl RunImport {
    fn add_history(
        &mut self,
        session: &Session,
        shelf: &mut RunStore,
        entries: Vec<HistoryEntry>,
    ) -> Result<()> {
        for entry in entries {
            self.batch.add_run(shelf, run_from_entry(&entry, &shelf.catalog))?;
            self.seen_ids.insert(entry.id);
            if self.batch.len() >= BATCH_SIZE {
                self.recorded += self.batch.write(session, shelf)?;
            }
        }
        Ok(())
    }

    /// comfy-cli notes that a run was; what it was the server may remember.
    fn add_cli_runs(
        &mut self,
        session: &Session,
        shelf: &mut RunStore,
        lines: Vec<CliRun>,
        server: Option<&ComfyServer>,
    ) -> Result<()> {
        let mut memory = HistoryLookup::new(server);
        for line in lines {
            let Some(entry) = line.to_history_entry() else { continue };
            let is_known =
                shelf.index.find_by_id(&entry.id)?.iter().any(|row| row.run_id == entry.id);
            match memory.find_entry(&line).filter(|_| !is_known) {
                Some(remembered) => {
                    self.add_history(session, shelf, vec![remembered])?;
                }
                None if !is_known => self.id_only += 1,
                None => {}
            }
            let noted =
                comfy_cli_log::run_from_cli(&line, &entry, &shelf.repository, &shelf.catalog);
            self.seen_ids.insert(entry.id);
            self.batch.add_run(shelf, noted)?;
        }
        Ok(())
    }

    fn print_summary(&self, session: &Session) -> Result<()> {
        let told = self.seen_ids.len();
        let runs = if told == 1 { "1 run".to_owned() } else { format!("{told} runs") };
        let new = match self.recorded {
            0 => "nothing new".to_owned(),
            count => format!("{count} recorded or completed"),
        };
        session.ui.report(&format!("{runs} told of: {new}"))?;
        if self.id_only > 0 {
            session.ui.info(&format!(
                "{} of them: no more is known than that they were queued; ComfyUI remembers \
                 runs until it is restarted",
                self.id_only
            ));
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
    let name = sanitize::line(&path.display().to_string()).into_owned();
    let failed = |problem: &dyn std::fmt::Display| CommandError::new(format!("{name}: {problem}"));
    let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > MAX_FILE_SIZE {
        return Err(failed(&"larger than 1 GiB"));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    if let Ok(value) = json::parse_lenient(&bytes) {
        let found = parse_entries(value);
        if !found.is_empty() {
            return Ok(ImportFile::History(found));
        }
    }
    let found = comfy_cli_log::parse_log(&bytes);
    if found.is_empty() {
        return Err(failed(&"this is no answer of /history and no list of runs")
            .with_hint("curl http://127.0.0.1:8188/history > history.json saves one"));
    }
    Ok(ImportFile::CliLog(found))
}
