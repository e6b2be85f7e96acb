//! What this machine knows of a run at the time it happens: what runs there, the digests
//! of the models, the packs, the files it read.
//!
//! What is true now need not have been true then. So the machine speaks only for runs that
//! just ended; of an older one only what the same server says of itself, and what lies
//! on the disk unchanged since before it began.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use comfy_graph::graph::{Prompt, Workflow};
use jiff::Timestamp;

use super::file;
use super::model::Evidence;
use super::run_store::Shelf;
use crate::platform::machine::hash::Stamp;
use crate::platform::machine::models::{Resolved, resolve};
use crate::platform::machine::server::Address;
use crate::platform::machine::to_hex;
use crate::records::commands::record::here::{Asked, Here, Patience, Places};
use crate::records::look::Modules;
use crate::records::named::{of_prompt, of_workflow};
use crate::records::{ClassUse, Environment, Origin, PackFact};
use crate::runs::model::Run;
use crate::session::Session;

/// How long a look at the machine serves for runs that follow.
const FRESH: Duration = Duration::from_secs(300);
/// A run that ended no longer ago ran on what is there now.
const JUST_NOW: Duration = Duration::from_secs(900);
/// Files a run read that are looked at.
const MOST_INPUTS: usize = 64;
/// The largest of them, in bytes.
const LARGEST_INPUT: u64 = 1 << 30;

/// The machine, looked at once for runs that follow each other.
#[derive(Default)]
pub(crate) struct Machine {
    /// The server that tells of the runs.
    server: Option<Address>,
    looked: Option<Looked>,
}

struct Looked {
    at: Instant,
    here: Here,
    environment: Environment,
    packs: BTreeMap<Vec<ClassUse>, Vec<PackFact>>,
}

impl Machine {
    /// The machine on which a server tells of its own runs.
    pub(crate) fn with(server: Address) -> Machine {
        Machine { server: Some(server), looked: None }
    }

    /// Adds environment, packs and digests to a run, as far as they held when it ran.
    pub(crate) fn add(
        &mut self,
        session: &Session,
        shelf: &Shelf,
        mut evidence: Evidence,
    ) -> Evidence {
        // Of a server elsewhere this machine knows nothing.
        if self.server.as_ref().is_some_and(|server| !server.is_on_this_machine()) {
            return evidence;
        }
        let classes = foreign_classes(&evidence, shelf);
        let is_asked = self.server.is_some();
        let Some(looked) = self.look(session, shelf) else { return evidence };
        let run = &mut evidence.run;
        let is_new = is_new(run);
        // The server that remembers a run is the one that ran it.
        let itself = is_asked && looked.environment.from == Some(Origin::Server);
        let is_known = looked.environment.from.is_some();
        if run.environment.is_none() && is_known && (is_new || itself) {
            run.environment = Some(looked.environment.clone());
        }
        if is_new && run.packs.is_empty() && !classes.is_empty() {
            run.packs = looked.packs(classes);
        }
        looked.models(run);
        looked.inputs(run);
        evidence
    }

    /// What was seen is looked at again when it is old.
    pub(crate) fn forget(&mut self) {
        if self.looked.as_ref().is_some_and(|looked| looked.at.elapsed() > FRESH) {
            self.looked = None;
        }
    }

    fn look(&mut self, session: &Session, shelf: &Shelf) -> Option<&mut Looked> {
        if self.looked.is_none() {
            let mut places = Places::of(session, &shelf.repository).ok()?;
            // A hook asks nobody who may keep it waiting.
            let patience = if self.server.is_some() { Patience::Whole } else { Patience::Hook };
            if let Some(server) = &self.server {
                places.ask(server);
            }
            let here = Here::look_around(session, &shelf.repository, &places, patience);
            let (environment, _) = here.look(&Modules::default(), |look| look.environment());
            let at = Instant::now();
            self.looked = Some(Looked { at, here, environment, packs: BTreeMap::new() });
        }
        self.looked.as_mut()
    }
}

impl Looked {
    /// The packs that bring these classes, as they are now.
    fn packs(&mut self, classes: Vec<ClassUse>) -> Vec<PackFact> {
        if let Some(known) = self.packs.get(&classes) {
            return known.clone();
        }
        let modules = &self.here.learned().modules;
        let facts = self.here.look(modules, |look| look.packs(&classes, SystemTime::now())).facts;
        self.packs.insert(classes, facts.clone());
        facts
    }

    /// Digests of models that were hashed before, and not written since the run began.
    fn models(&self, run: &mut Run) {
        let Some(found) = &self.here.installation else { return };
        let began = began(run);
        for model in run.models.iter_mut().filter(|model| model.sha256.is_none()) {
            if let Resolved::File { taken, .. } =
                resolve(&found.folders, &model.folder, &model.name)
                && let Ok(metadata) = std::fs::metadata(&taken.file)
                && is_older(&metadata, began)
                && let Some(hashed) = self.here.cache.get(&taken.file, Stamp::of(&metadata))
            {
                model.sha256 = Some(to_hex(&hashed.hashes.sha256));
            }
        }
    }

    /// What the run read, where it was not written since.
    fn inputs(&self, run: &mut Run) {
        let Some(folder) = self.input_folder() else { return };
        let began = began(run);
        for input in run.inputs.iter_mut().filter(|input| input.size.is_none()).take(MOST_INPUTS) {
            let Some(path) = below(&folder, &input.name) else { continue };
            let fits = |metadata: &std::fs::Metadata| {
                metadata.is_file() && metadata.len() <= LARGEST_INPUT && is_older(metadata, began)
            };
            if !std::fs::metadata(&path).is_ok_and(|metadata| fits(&metadata)) {
                continue;
            }
            let Ok(Some(looked)) = file::look(&path) else { continue };
            // ComfyUI's own digest says which bytes it read.
            if input.sha256.is_none() || input.sha256 == looked.output.sha256 {
                input.sha256 = looked.output.sha256;
                input.size = looked.output.size;
                input.perceptual = looked.output.perceptual;
            }
        }
    }

    /// ComfyUI's input folder. A server that was told another one does not say which.
    fn input_folder(&self) -> Option<PathBuf> {
        if let Asked::Told(stats) = &self.here.asked
            && stats.system.argv.iter().any(|word| word.starts_with("--input-directory"))
        {
            return None;
        }
        Some(self.here.installation.as_ref()?.parts.base.join("input"))
    }
}

/// The file of an input below the folder. Names that lead elsewhere, also to the other
/// folders (`a.png [output]`), are none.
fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    let name = name.strip_suffix(" [input]").unwrap_or(name);
    let plain = |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', ':', '<']);
    (!name.ends_with(']') && name.split('/').all(plain)).then(|| folder.join(name))
}

/// The classes of a run that are not ComfyUI's own, with what its workflow claims.
fn foreign_classes(evidence: &Evidence, shelf: &Shelf) -> Vec<ClassUse> {
    let own = |class: &str| {
        shelf.catalog.class(class).is_some_and(|class| !class.module.starts_with("custom_nodes"))
    };
    if evidence.run.classes.keys().all(|class| own(class)) {
        return Vec::new();
    }
    let workflow = evidence.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let prompt = || evidence.prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let named = match &workflow {
        Some(workflow) => of_workflow(workflow, &shelf.catalog),
        None => prompt().map(|prompt| of_prompt(&prompt, &shelf.catalog)).unwrap_or_default(),
    };
    let ran = &evidence.run.classes;
    named.classes.into_iter().filter(|class| ran.contains_key(&class.class)).collect()
}

/// When it ended, as far as is known; of one known by its files alone when the last of
/// them was written.
fn ended(run: &Run) -> Option<Timestamp> {
    let written = || run.outputs.iter().filter_map(|file| file.written.as_deref()).max();
    let text = run.end.as_deref().or(run.moment()).or_else(written)?;
    text.parse().ok()
}

fn began(run: &Run) -> Option<Timestamp> {
    let written = || run.outputs.iter().filter_map(|file| file.written.as_deref()).min();
    run.moment().or_else(written)?.parse().ok()
}

/// Whether it ended just now.
pub(crate) fn is_new(run: &Run) -> bool {
    let now = Timestamp::try_from(SystemTime::now()).ok();
    let (Some(now), Some(ended)) = (now, ended(run)) else { return false };
    now.duration_since(ended).unsigned_abs() <= JUST_NOW
}

/// Whether a file was there as it is now when the run began.
fn is_older(metadata: &std::fs::Metadata, began: Option<Timestamp>) -> bool {
    let written = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    matches!((written, began), (Some(written), Some(began)) if written <= began)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_inputs_stay_below_the_folder() {
        let place = |name: &str| below(Path::new("in"), name);
        assert_eq!(place("a/b.png"), Some(Path::new("in").join("a/b.png")));
        assert_eq!(place("b.png [input]"), Some(Path::new("in").join("b.png")));
        for name in ["b.png [output]", "../b.png", "/b.png", "<absolute>/b.png", "c:\\b.png", ""] {
            assert_eq!(place(name), None, "{name}");
        }
    }
}
