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

use super::media_file;
use super::run_data::RunEvidence;
use super::run_store::RunStore;
use crate::platform::hex::to_hex;
use crate::platform::machine::hash::FileStamp;
use crate::platform::machine::models::{ModelResolution, resolve_model};
use crate::platform::machine::server::ServerAddress;
use crate::records::dependencies::{prompt_dependencies, workflow_dependencies};
use crate::records::machine_evidence::ClassModules;
use crate::records::recorder_context::{LocationSettings, MachineState, ServerAnswer, TimeBudget};
use crate::records::{ClassUse, ComfyEnvironment, EnvironmentSource, PackFact};
use crate::runs::run_data::Run;
use crate::session::Session;

/// How long a look at the machine serves for runs that follow.
const MAX_AGE: Duration = Duration::from_secs(300);
/// A run that ended no longer ago ran on what is there now.
const MAX_RUN_AGE: Duration = Duration::from_secs(900);
/// Files a run read that are looked at.
const MAX_INPUTS: usize = 64;
/// The largest of them, in bytes.
const MAX_INPUT_SIZE: u64 = 1 << 30;

/// The machine, looked at once for runs that follow each other.
#[derive(Default)]
pub(crate) struct MachineFacts {
    /// The server that tells of the runs.
    server: Option<ServerAddress>,
    observed: Option<ObservedMachine>,
}

struct ObservedMachine {
    observed_at: Instant,
    state: MachineState,
    environment: ComfyEnvironment,
    packs: BTreeMap<Vec<ClassUse>, Vec<PackFact>>,
}

impl MachineFacts {
    /// The machine on which a server tells of its own runs.
    pub(crate) fn for_server(server: ServerAddress) -> MachineFacts {
        MachineFacts { server: Some(server), observed: None }
    }

    /// Adds environment, packs and digests to a run, as far as they held when it ran.
    pub(crate) fn annotate_run(
        &mut self,
        session: &Session,
        run_store: &RunStore,
        mut evidence: RunEvidence,
    ) -> RunEvidence {
        // Of a server elsewhere this machine knows nothing.
        if self.server.as_ref().is_some_and(|server| !server.is_on_this_machine()) {
            return evidence;
        }
        let classes = custom_classes(&evidence, run_store);
        let is_asked = self.server.is_some();
        let Some(observed) = self.observe(session, run_store) else { return evidence };
        let run = &mut evidence.run;
        let is_new = ended_recently(run);
        // The server that remembers a run is the one that ran it.
        let itself = is_asked && observed.environment.from == Some(EnvironmentSource::Server);
        let is_known = observed.environment.from.is_some();
        if run.environment.is_none() && is_known && (is_new || itself) {
            run.environment = Some(observed.environment.clone());
        }
        if is_new && run.packs.is_empty() && !classes.is_empty() {
            run.packs = observed.pack_facts(classes);
        }
        observed.add_model_digests(run);
        observed.add_input_digests(run);
        evidence
    }

    /// What was seen is looked at again when it is old.
    pub(crate) fn drop_if_stale(&mut self) {
        if self.observed.as_ref().is_some_and(|observed| observed.observed_at.elapsed() > MAX_AGE) {
            self.observed = None;
        }
    }

    fn observe(&mut self, session: &Session, run_store: &RunStore) -> Option<&mut ObservedMachine> {
        if self.observed.is_none() {
            let mut settings = LocationSettings::load(session, &run_store.repository).ok()?;
            // A hook asks nobody who may keep it waiting.
            let patience = if self.server.is_some() { TimeBudget::Full } else { TimeBudget::Hook };
            if let Some(server) = &self.server {
                settings.set_server(server);
            }
            let state = MachineState::detect(session, &run_store.repository, &settings, patience);
            let (environment, _) =
                state.with_view(&ClassModules::default(), |view| view.collect_environment());
            let at = Instant::now();
            self.observed = Some(ObservedMachine {
                observed_at: at,
                state,
                environment,
                packs: BTreeMap::new(),
            });
        }
        self.observed.as_mut()
    }
}

impl ObservedMachine {
    /// The packs that bring these classes, as they are now.
    fn pack_facts(&mut self, classes: Vec<ClassUse>) -> Vec<PackFact> {
        if let Some(known) = self.packs.get(&classes) {
            return known.clone();
        }
        let modules = &self.state.learned_classes().modules;
        let facts = self
            .state
            .with_view(modules, |view| view.collect_pack_facts(&classes, SystemTime::now()))
            .facts;
        self.packs.insert(classes, facts.clone());
        facts
    }

    /// Digests of models that were hashed before, and not written since the run began.
    fn add_model_digests(&self, run: &mut Run) {
        let Some(found) = &self.state.installation else { return };
        let began = start_time(run);
        for model in run.models.iter_mut().filter(|model| model.sha256.is_none()) {
            if let ModelResolution::File { taken, .. } =
                resolve_model(&found.folders, &model.folder, &model.name)
                && let Ok(metadata) = std::fs::metadata(&taken.file)
                && is_unmodified_since(&metadata, began)
                && let Some(hashed) =
                    self.state.cache.get(&taken.file, FileStamp::from_metadata(&metadata))
            {
                model.sha256 = Some(to_hex(&hashed.hashes.sha256));
            }
        }
    }

    /// What the run read, where it was not written since.
    fn add_input_digests(&self, run: &mut Run) {
        let Some(folder) = self.input_folder() else { return };
        let began = start_time(run);
        for input in run.inputs.iter_mut().filter(|input| input.size.is_none()).take(MAX_INPUTS) {
            let Some(path) = input_path(&folder, &input.name) else { continue };
            let fits = |metadata: &std::fs::Metadata| {
                metadata.is_file()
                    && metadata.len() <= MAX_INPUT_SIZE
                    && is_unmodified_since(metadata, began)
            };
            if !std::fs::metadata(&path).is_ok_and(|metadata| fits(&metadata)) {
                continue;
            }
            let Ok(inspected) = media_file::inspect_file(&path) else { continue };
            // ComfyUI's own digest says which bytes it read.
            if input.sha256.is_none() || input.sha256 == inspected.output.sha256 {
                input.sha256 = inspected.output.sha256;
                input.size = inspected.output.size;
                input.perceptual = inspected.output.perceptual;
            }
        }
    }

    /// ComfyUI's input folder. A server that was told another one does not say which.
    fn input_folder(&self) -> Option<PathBuf> {
        if let ServerAnswer::Answered(stats) = &self.state.server_answer
            && stats.system.argv.iter().any(|word| word.starts_with("--input-directory"))
        {
            return None;
        }
        Some(self.state.installation.as_ref()?.parts.base.join("input"))
    }
}

/// The file of an input below the folder. Names that lead elsewhere, also to the other
/// folders (`a.png [output]`), are none.
fn input_path(folder: &Path, name: &str) -> Option<PathBuf> {
    let name = name.strip_suffix(" [input]").unwrap_or(name);
    let plain = |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', ':', '<']);
    (!name.ends_with(']') && name.split('/').all(plain)).then(|| folder.join(name))
}

/// The classes of a run that are not ComfyUI's own, with what its workflow claims.
fn custom_classes(evidence: &RunEvidence, run_store: &RunStore) -> Vec<ClassUse> {
    let own = |class: &str| {
        run_store
            .catalog
            .class(class)
            .is_some_and(|class| !class.module.starts_with("custom_nodes"))
    };
    if evidence.run.classes.keys().all(|class| own(class)) {
        return Vec::new();
    }
    let workflow = evidence.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let prompt = || evidence.prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let named = match &workflow {
        Some(workflow) => workflow_dependencies(workflow, &run_store.catalog),
        None => prompt()
            .map(|prompt| prompt_dependencies(&prompt, &run_store.catalog))
            .unwrap_or_default(),
    };
    let ran = &evidence.run.classes;
    named.classes.into_iter().filter(|class| ran.contains_key(&class.class)).collect()
}

/// When it ended, as far as is known; of one known by its files alone when the last of
/// them was written.
fn end_time(run: &Run) -> Option<Timestamp> {
    let written = || run.outputs.iter().filter_map(|file| file.written.as_deref()).max();
    let text = run.end.as_deref().or(run.known_time()).or_else(written)?;
    text.parse().ok()
}

fn start_time(run: &Run) -> Option<Timestamp> {
    let written = || run.outputs.iter().filter_map(|file| file.written.as_deref()).min();
    run.known_time().or_else(written)?.parse().ok()
}

/// Whether it ended just now.
pub(crate) fn ended_recently(run: &Run) -> bool {
    let now = Timestamp::try_from(SystemTime::now()).ok();
    let (Some(now), Some(ended)) = (now, end_time(run)) else { return false };
    now.duration_since(ended).unsigned_abs() <= MAX_RUN_AGE
}

/// Whether a file was there as it is now when the run began.
fn is_unmodified_since(metadata: &std::fs::Metadata, began: Option<Timestamp>) -> bool {
    let written = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    matches!((written, began), (Some(written), Some(began)) if written <= began)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_inputs_stay_below_the_folder() {
        let place = |name: &str| input_path(Path::new("in"), name);
        assert_eq!(place("a/b.png"), Some(Path::new("in").join("a/b.png")));
        assert_eq!(place("b.png [input]"), Some(Path::new("in").join("b.png")));
        for name in ["b.png [output]", "../b.png", "/b.png", "<absolute>/b.png", "c:\\b.png", ""] {
            assert_eq!(place(name), None, "{name}");
        }
    }
}
