//! Runs that just ended: their files as they were written, and what the bridge noted.

use comfy_graph::json;

use super::filing::Filing;
use super::folders::Folders;
use super::machine_view::Machine;
use super::model::Evidence;
use super::run_store::Shelf;
use super::{bridge, file};
use crate::error::Result;
use crate::runs::model::{Entry, Input, Origin, Output, Run, embedded, from_entry, from_spool};
use crate::session::Session;

/// Files of one run that are looked at: a run of a thousand frames is looked at by a scan.
const MOST_FILES: usize = 64;

/// The run of a history entry, with what its files on this machine show.
pub(crate) fn evidence(entry: &Entry, shelf: &Shelf, folders: &Folders) -> Evidence {
    let mut evidence = from_entry(entry, &shelf.catalog);
    look_at_files(&mut evidence.run, shelf, folders);
    evidence
}

/// Looks at the files that a run names, as far as they are on this machine. A file that
/// carries another prompt is not the run's: its name was used again.
fn look_at_files(run: &mut Run, shelf: &Shelf, folders: &Folders) {
    let Run { outputs, inputs, content, .. } = run;
    for output in outputs.iter_mut().take(MOST_FILES) {
        let Some(path) = folders.file(output).filter(|path| path.is_file()) else { continue };
        let Ok(Some(looked)) = file::look(&path) else { continue };
        if let Some(inside) = embedded(looked.payload, &shelf.catalog) {
            if inside.run.content != *content {
                continue;
            }
            // ComfyUI gives the digests of the files it read only in what it embeds.
            digests_into(inputs, &inside.run.inputs);
        }
        let (path, node, kind) = (output.path.clone(), output.node.clone(), output.kind.clone());
        let index = output.index;
        *output = Output { path, origin: Origin::Output, node, index, kind, ..looked.output };
    }
}

fn digests_into(inputs: &mut [Input], told: &[Input]) {
    for input in inputs.iter_mut().filter(|input| input.sha256.is_none()) {
        let same = |one: &&Input| (&one.node, &one.name) == (&input.node, &input.name);
        input.sha256 = told.iter().find(same).and_then(|one| one.sha256.clone());
    }
}

/// Records the runs that wait in the bridge's spool. Each file goes when its run is there.
pub(crate) fn ingest(
    session: &Session,
    shelf: &mut Shelf,
    folders: &Folders,
    machine: &mut Machine,
) -> Result<usize> {
    let mut recorded = 0;
    for part in bridge::waiting(&bridge::spool(&shelf.repository.state_dir())).chunks(64) {
        let mut filing = Filing::default();
        for path in part {
            let bytes = std::fs::read(path).unwrap_or_default();
            let value = json::parse_lenient(&bytes).ok();
            if let Some(mut evidence) = value.and_then(|value| from_spool(&value, &shelf.catalog)) {
                look_at_files(&mut evidence.run, shelf, folders);
                filing.told(shelf, machine.add(session, shelf, evidence))?;
            }
        }
        recorded += filing.write(session, shelf)?;
        for path in part {
            // What is no run of ours cannot become one.
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(recorded)
}
