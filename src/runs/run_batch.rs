//! From what was seen to what is recorded: each run once, whoever saw it and how often.
//!
//! The server's history knows prompt ids and which node made which file; a file knows only
//! the prompt that made it. The two meet by the prompt's content: facts of a file go to the
//! run whose files it is among, and a run that was known by its files alone gives way to
//! the one with an id as soon as that one names all of them.

use std::collections::{BTreeMap, BTreeSet};

use comfy_graph::json;
use comfy_graph::json::{JsonStyle, Value};

use super::live_run_facts::{MachineFacts, ended_recently};
use super::media_file::InspectedOutput;
use super::run_data::RunEvidence;
use super::run_store::{RunStore, run_path};
use super::runs_ref;
use super::runs_ref::{RunChanges, RunPath, StoredRun};
use crate::error::Result;
use crate::runs::index::RunRow;
use crate::runs::run_data::{OutputFile, Run, is_content_run_id, run_from_payload};
use crate::session::Session;

/// Runs that are written to git in one step.
#[derive(Default)]
pub(crate) struct RunBatch {
    runs: BTreeMap<RunPath, StoredRun>,
    replaced: BTreeSet<RunPath>,
    /// Digests of the files that were added since the last write: the index knows them
    /// later.
    digests: BTreeSet<String>,
    /// The machine on which new files were just written.
    machine_facts: MachineFacts,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileAddition {
    /// It is part of a run.
    New,
    /// It was known.
    Known,
    /// It says nothing about a run.
    NoRun,
}

impl RunBatch {
    /// How many runs wait to be written.
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    /// Takes in a file under the path it has below its folder.
    pub(crate) fn add_file(
        &mut self,
        session: &Session,
        run_store: &RunStore,
        inspected: InspectedOutput,
        location: OutputFile,
    ) -> Result<FileAddition> {
        let digest = inspected.output.sha256.clone().unwrap_or_default();
        if self.digests.contains(&digest) || !run_store.index.find_by_digest(&digest)?.is_empty() {
            return Ok(FileAddition::Known);
        }
        let mut output =
            OutputFile { path: location.path, base: location.base, ..inspected.output };
        let Some(mut evidence) = run_from_payload(inspected.payload, &run_store.catalog) else {
            return self.add_file_without_prompt(run_store, output);
        };
        self.digests.insert(digest);
        // The run that the server told of, if this is one of its files.
        let rows = run_store.index.find_by_content(&evidence.run.content)?;
        let named = rows.iter().find_map(|row| {
            let path = row.paths.iter().find(|path| is_same_file(path, &output.path))?;
            Some((row, path)).filter(|(row, _)| !is_content_run_id(&row.run_id))
        });
        if let Some((row, path)) = named {
            output.path.clone_from(path);
            output.base = Default::default();
            evidence.run.id.clone_from(&row.run_id);
        }
        let row = named
            .map(|(row, _)| row)
            .or_else(|| rows.iter().find(|row| row.run_id == evidence.run.id));
        evidence.run.outputs.push(output);
        if ended_recently(&evidence.run) {
            evidence = self.machine_facts.annotate_run(session, run_store, evidence);
        }
        self.insert(run_store, row.map(run_path), evidence)?;
        Ok(FileAddition::New)
    }

    /// A file that carries nothing belongs to a run only where the server named it, and
    /// nobody wrote it again since.
    fn add_file_without_prompt(
        &mut self,
        run_store: &RunStore,
        mut output: OutputFile,
    ) -> Result<FileAddition> {
        for row in run_store.index.find_by_path(&output.path)? {
            let Some(stored) = run_store.load_run(&row)? else { continue };
            let within = match (&stored.run.start, &stored.run.end, &output.written) {
                (Some(start), Some(end), Some(written)) => {
                    // To the minute: the server's clock and the disk's are read at
                    // different moments.
                    written.get(..16) >= start.get(..16) && written.get(..16) <= end.get(..16)
                }
                _ => false,
            };
            let unseen = |file: &&OutputFile| file.path == output.path && file.sha256.is_none();
            if within && stored.run.outputs.iter().find(unseen).is_some() {
                output.base = Default::default();
                let (id, content) = (stored.run.id.clone(), stored.run.content.clone());
                let run = Run { id, content, outputs: vec![output], ..Run::default() };
                self.insert(
                    run_store,
                    Some(run_path(&row)),
                    RunEvidence { run, ..RunEvidence::default() },
                )?;
                return Ok(FileAddition::New);
            }
        }
        Ok(FileAddition::NoRun)
    }

    /// Takes in a run that the server or the bridge told of.
    pub(crate) fn add_run(&mut self, run_store: &RunStore, evidence: RunEvidence) -> Result<()> {
        let mut evidence = evidence;
        let known = run_store.index.find_by_id(&evidence.run.id)?;
        let known = known.iter().find(|row| row.run_id == evidence.run.id).map(run_path);
        let content = evidence.run.content.clone();
        let alike = if content.is_empty() {
            Vec::new()
        } else {
            run_store.index.find_by_content(&content)?
        };
        for row in alike {
            // A file that is made again has often the same name.
            let own = !evidence.run.is_made_from(&row.run_id);
            if own && is_content_run_id(&row.run_id) && !evidence.run.outputs.is_empty() {
                self.take_over_files(run_store, &row, &mut evidence.run)?;
            }
        }
        self.insert(run_store, known, evidence)
    }

    /// A run that was known by its files alone gives them to the run that names them.
    fn take_over_files(&mut self, run_store: &RunStore, row: &RunRow, run: &mut Run) -> Result<()> {
        let Some(mut stored) = run_store.load_run(row)? else { return Ok(()) };
        let run_path = run_path(row);
        let before = stored.run.outputs.len();
        let mut left = Vec::new();
        for file in std::mem::take(&mut stored.run.outputs) {
            match run.outputs.iter().position(|named| is_same_file(&named.path, &file.path)) {
                Some(at) => {
                    let (path, origin) = (run.outputs[at].path.clone(), run.outputs[at].base);
                    run.outputs.push(OutputFile { path, base: origin, ..file });
                }
                None => left.push(file),
            }
        }
        if left.len() < before {
            self.replaced.insert(run_path.clone());
            self.runs.remove(&run_path);
            if !left.is_empty() {
                // Files of another run of the same prompt.
                stored.run.outputs = left;
                self.runs.insert(run_path, stored);
            }
        }
        Ok(())
    }

    fn insert(
        &mut self,
        run_store: &RunStore,
        run_path: Option<RunPath>,
        evidence: RunEvidence,
    ) -> Result<()> {
        let RunEvidence { mut run, prompt, workflow } = evidence;
        if let Some(graph) = &run.graph
            && run.committed.is_none()
            && run_path.is_none()
        {
            run.committed = run_store.find_committed(graph)?;
        }
        let run_path = run_path.unwrap_or_else(|| RunPath::for_run(&run));
        let text = |value: Value| json::print(&value, &JsonStyle::CANONICAL).into_bytes();
        match self.runs.get_mut(&run_path) {
            Some(stored) => {
                stored.run.join(run);
                stored.prompt = stored.prompt.take().or_else(|| prompt.map(text));
                stored.workflow = stored.workflow.take().or_else(|| workflow.map(text));
            }
            None => {
                let (prompt, workflow) = (prompt.map(text), workflow.map(text));
                self.runs.insert(run_path, StoredRun { run, prompt, workflow });
            }
        }
        Ok(())
    }

    /// Writes what was taken in, whole or not at all, and brings the index up to date.
    /// Gives how many runs are new or know more than before.
    pub(crate) fn write(&mut self, session: &Session, run_store: &mut RunStore) -> Result<usize> {
        let keep: Vec<(RunPath, StoredRun)> = std::mem::take(&mut self.runs).into_iter().collect();
        let replaced = std::mem::take(&mut self.replaced).into_iter().collect();
        if keep.is_empty() {
            return Ok(0);
        }
        let count =
            runs_ref::record_runs(&run_store.repository, &RunChanges { runs: keep, replaced })?;
        if count > 0 {
            run_store.sync(session)?;
        }
        self.digests.clear();
        Ok(count)
    }
}

/// Whether two paths are one, seen from different folders: one is the end of the other.
fn is_same_file(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
