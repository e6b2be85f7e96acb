//! Runs that just ended: their files as they were written, and what the bridge noted.

use comfy_graph::json;

use super::live_run_facts::MachineFacts;
use super::output_folders::OutputFolders;
use super::run_batch::RunBatch;
use super::run_data::RunEvidence;
use super::run_store::RunStore;
use super::{bridge, media_file};
use crate::error::Result;
use crate::runs::run_data::{
    HistoryEntry, InputFile, OutputBase, OutputFile, Run, run_from_entry, run_from_payload,
    run_from_spool,
};
use crate::session::Session;

/// Files of one run that are looked at: a run of a thousand frames is looked at by a scan.
const MAX_FILES: usize = 64;

/// The run of a history entry, with what its files on this machine show.
pub(crate) fn run_with_files(
    entry: &HistoryEntry,
    run_store: &RunStore,
    folders: &OutputFolders,
) -> RunEvidence {
    let mut evidence = run_from_entry(entry, &run_store.catalog);
    inspect_outputs(&mut evidence.run, run_store, folders);
    evidence
}

/// Looks at the files that a run names, as far as they are on this machine. A file that
/// carries another prompt is not the run's: its name was used again.
fn inspect_outputs(run: &mut Run, run_store: &RunStore, folders: &OutputFolders) {
    let Run { outputs, inputs, content, .. } = run;
    for output in outputs.iter_mut().take(MAX_FILES) {
        let Some(path) = folders.locate(output).filter(|path| path.is_file()) else { continue };
        let Ok(inspected) = media_file::inspect_file(&path) else { continue };
        if let Some(inside) = run_from_payload(inspected.payload, &run_store.catalog) {
            if inside.run.content != *content {
                continue;
            }
            // ComfyUI gives the digests of the files it read only in what it embeds.
            copy_input_digests(inputs, &inside.run.inputs);
        }
        let (path, node, kind) = (output.path.clone(), output.node.clone(), output.kind.clone());
        let index = output.index;
        *output =
            OutputFile { path, base: OutputBase::Output, node, index, kind, ..inspected.output };
    }
}

fn copy_input_digests(inputs: &mut [InputFile], known: &[InputFile]) {
    for input in inputs.iter_mut().filter(|input| input.sha256.is_none()) {
        let same = |one: &&InputFile| (&one.node, &one.name) == (&input.node, &input.name);
        input.sha256 = known.iter().find(same).and_then(|one| one.sha256.clone());
    }
}

/// Records the runs that wait in the bridge's spool. Each file goes when its run is there.
pub(crate) fn ingest_spool(
    session: &Session,
    run_store: &mut RunStore,
    folders: &OutputFolders,
    machine: &mut MachineFacts,
) -> Result<usize> {
    let mut recorded = 0;
    for part in
        bridge::spooled_files(&bridge::spool_folder(&run_store.repository.state_dir())).chunks(64)
    {
        let mut batch = RunBatch::default();
        for path in part {
            let bytes = std::fs::read(path).unwrap_or_default();
            let value = json::parse_lenient(&bytes).ok();
            if let Some(mut evidence) =
                value.and_then(|value| run_from_spool(&value, &run_store.catalog))
            {
                inspect_outputs(&mut evidence.run, run_store, folders);
                batch.add_run(run_store, machine.annotate_run(session, run_store, evidence))?;
            }
        }
        recorded += batch.write(session, run_store)?;
        for path in part {
            // What is no run of ours cannot become one.
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(recorded)
}
