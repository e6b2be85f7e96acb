//! What is known of a run only at the time: its files as they were just written, the
//! machine, the models' digests.

use std::time::Duration;

use super::file;
use super::filing::Filing;
use super::folders::Folders;
use super::shelf::Shelf;
use crate::cmd::record::here::{Here, Patience, Places};
use crate::error::{Failure, Result};
use crate::host::bridge;
use crate::host::hash::Stamp;
use crate::host::look::Modules;
use crate::host::models::{Resolved, resolve};
use crate::host::server::Server;
use crate::json;
use crate::record::run::{
    Entry, Evidence, Origin, Output, Run, embedded, entries, from_entry, from_spool,
};
use crate::record::{Environment, to_hex};
use crate::session::Session;

/// Files of one run that are looked at: a run of a thousand frames is looked at by a scan.
const MOST_FILES: usize = 64;
/// How long a look at the machine serves for runs that follow.
const FRESH: Duration = Duration::from_secs(300);

/// The newest entries of a history, oldest first.
pub(crate) fn newest(server: &Server, most: usize) -> Result<Vec<Entry>> {
    let bytes = server.history(u32::try_from(most).unwrap_or(u32::MAX))?;
    let answer = json::parse_lenient(&bytes).map_err(|error| {
        Failure::new(format!("{} did not answer as ComfyUI does: {error}", server.address()))
    })?;
    Ok(entries(answer))
}

/// The run of an entry, with what its files show.
pub(crate) fn evidence(entry: &Entry, shelf: &Shelf, folders: &Folders) -> Evidence {
    let mut evidence = from_entry(entry, &shelf.catalog);
    look_at_files(&mut evidence.run, shelf, folders);
    evidence
}

/// Looks at the files that a run names, as far as they are on this machine. A file that
/// carries another prompt is not the run's: its name was used again.
fn look_at_files(run: &mut Run, shelf: &Shelf, folders: &Folders) {
    for output in run.outputs.iter_mut().take(MOST_FILES) {
        let Some(path) = folders.file(output).filter(|path| path.is_file()) else { continue };
        let Ok(Some(looked)) = file::look(&path) else { continue };
        let inside = embedded(looked.payload, &shelf.catalog);
        if inside.is_some_and(|inside| inside.run.content != run.content) {
            continue;
        }
        let (path, node, kind) = (output.path.clone(), output.node.clone(), output.kind.clone());
        let index = output.index;
        *output = Output { path, origin: Origin::Output, node, index, kind, ..looked.output };
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
                filing.told(shelf, machine.add(session, shelf, None, evidence))?;
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

/// The machine, looked at once for runs that follow each other.
#[derive(Default)]
pub(crate) struct Machine {
    looked: Option<(std::time::Instant, Here, Environment)>,
}

impl Machine {
    /// Adds what the machine knows: what runs there, and the digests of the models that
    /// were hashed before.
    pub(crate) fn add(
        &mut self,
        session: &Session,
        shelf: &Shelf,
        server: Option<&Server>,
        mut evidence: Evidence,
    ) -> Evidence {
        let Some((here, environment)) = self.look(session, shelf) else { return evidence };
        // Of a server elsewhere this machine knows nothing.
        if server.is_some_and(|server| !server.address().is_on_this_machine()) {
            return evidence;
        }
        let Some(found) = &here.installation else { return evidence };
        evidence.run.environment = Some(environment.clone());
        for model in &mut evidence.run.models {
            if let Resolved::File { taken, .. } =
                resolve(&found.folders, &model.folder, &model.name)
                && let Ok(metadata) = std::fs::metadata(&taken.file)
                && let Some(hashed) = here.cache.get(&taken.file, Stamp::of(&metadata))
            {
                model.sha256 = Some(to_hex(&hashed.hashes.sha256));
            }
        }
        evidence
    }

    /// What was seen is looked at again when it is old.
    pub(crate) fn forget(&mut self) {
        if self.looked.as_ref().is_some_and(|(at, ..)| at.elapsed() > FRESH) {
            self.looked = None;
        }
    }

    fn look(&mut self, session: &Session, shelf: &Shelf) -> Option<(&Here, &Environment)> {
        if self.looked.is_none() {
            let places = Places::of(session, &shelf.repository).ok()?;
            let here = Here::look_around(session, &shelf.repository, &places, Patience::Hook);
            let (environment, _) = here.look(&Modules::default(), |look| look.environment());
            self.looked = Some((std::time::Instant::now(), here, environment));
        }
        self.looked.as_ref().map(|(_, here, environment)| (here, environment))
    }
}
