//! What the original needed, and what is here of it: gathered from runs, records and the
//! machine, for the check that is pure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::Value;
use comfy_media::Payload;
use jiff::Timestamp;

use crate::differences::fallback_repository;
use crate::error::{CommandError, Result};
use crate::platform::git::{CommitId, ObjectId};
use crate::platform::machine::models::types_offering;
use crate::records::collect_record::HashFailures;
use crate::records::complete_records::{hash_models, lock_recorder};
use crate::records::dependencies::{
    Dependencies, UNKNOWN_FOLDER, prompt_dependencies, workflow_dependencies,
};
use crate::records::machine_evidence::UnhashedFile;
use crate::records::reattach::RecordIndex;
use crate::records::recorder_context::{LocationSettings, MachineState, TimeBudget};
use crate::records::{CommitRecord, WorkflowUse};
use crate::reproduce::lost_inputs::find_lost_bytes;
use crate::reproduce::{
    self, FileRenames, InputState, LocalMachine, LocalModel, ModelState, RepairedDocuments,
    ReproductionCheck, RequiredModel, Requirements, WorkflowRecords, add_parameter_claims,
    check_requirements,
};
use crate::runs::run_data::{Run, run_from_payload};
use crate::runs::run_store::RunStore;
use crate::runs::source_of_picture::{self, PictureSource};
use crate::session::Session;

/// Rounds of looking and hashing: first the files of the names, then files of the right size
/// under other names.
const HASHING_ROUNDS: usize = 3;

#[derive(Debug)]
pub(crate) struct ReproductionPlan {
    pub(crate) wanted: Requirements,
    pub(crate) check: ReproductionCheck,
    /// What is called otherwise here.
    pub(crate) renames: FileRenames,
    /// The node classes that are known here.
    pub(crate) catalog: Catalog,
    /// ComfyUI's folder here, and its input folder.
    pub(crate) base: Option<PathBuf>,
}

/// Everything there is to know of an original, before the machine is looked at.
pub(crate) struct DocumentedRun {
    /// The run, with all that the documents say.
    pub(crate) run: Run,
    /// The prompt that it ran, or would run.
    pub(crate) prompt: Prompt,
    /// What the documents name.
    pub(crate) named: Dependencies,
}

/// The repository and the machine, opened together.
pub(crate) struct ReproductionContext {
    pub(crate) run_store: RunStore,
    /// What was found on the machine.
    pub(crate) machine: MachineState,
    /// The node classes that are known.
    pub(crate) catalog: Catalog,
}

impl ReproductionContext {
    /// Opens the runs and looks around.
    pub(crate) fn open(session: &Session) -> Result<ReproductionContext> {
        let run_store = RunStore::open(session)?;
        let settings = LocationSettings::load(session, &run_store.repository)?;
        let machine =
            MachineState::detect(session, &run_store.repository, &settings, TimeBudget::Full);
        let catalog = choose_catalog(&machine, &run_store);
        Ok(ReproductionContext { run_store, machine, catalog })
    }

    /// Looks for what is required on this machine, and judges what is found. A model of unknown
    /// folder type in `wanted` gets that of the folder that has its name here.
    pub(crate) fn check_requirements(
        &self,
        session: &Session,
        original: &PictureSource,
        wanted: &mut Requirements,
    ) -> Result<ReproductionCheck> {
        let local =
            look_up_requirements(session, &self.machine, &self.run_store, original, wanted)?;
        Ok(check_requirements(wanted, &local))
    }
}

pub(crate) fn plan_reproduction(
    session: &Session,
    original: &PictureSource,
) -> Result<ReproductionPlan> {
    let context = ReproductionContext::open(session)?;
    let DocumentedRun { run, prompt, named } = read_documented_run(original, &context.catalog);
    let records = gather_records(&context.run_store, original, &run)?;
    let machine = &context.machine.machine_id;
    let mut wanted =
        Requirements::from_run(&run, &prompt, &named, &records, machine, &context.catalog);
    let check = context.check_requirements(session, original, &mut wanted)?;
    let renames = collect_renames(&check);
    let base = context.machine.installation.map(|found| found.parts.base);
    Ok(ReproductionPlan { wanted, check, renames, catalog: context.catalog, base })
}

/// The classes that a server told of, with the folders their inputs take files from; else
/// the names that were kept of them.
fn choose_catalog(machine: &MachineState, run_store: &RunStore) -> Catalog {
    let learned = machine.learned_classes();
    match learned.modules.is_empty() {
        true => run_store.catalog.clone(),
        false => learned.catalog.clone(),
    }
}

/// What the documents say, joined with the run that was recorded.
pub(crate) fn read_documented_run(original: &PictureSource, catalog: &Catalog) -> DocumentedRun {
    let workflow = original.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let own = original.prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let made = || workflow.as_ref()?.to_prompt(catalog).ok();
    let prompt = own.or_else(made).unwrap_or_default();
    let mut named = match &workflow {
        Some(workflow) => workflow_dependencies(workflow, catalog),
        None => prompt_dependencies(&prompt, catalog),
    };
    if let Some(parameters) = &original.parameters {
        add_parameter_claims(&mut named, parameters);
    }
    // As the server embedded it: what it added tells the bytes of inputs.
    let value = match original.prompt.clone() {
        Some(value) => value,
        None => prompt.clone().into_value(),
    };
    let payload =
        Payload { prompt: Some(value), workflow: original.workflow.clone(), ..Payload::default() };
    let mut run =
        run_from_payload(payload, catalog).map(|evidence| evidence.run).unwrap_or_default();
    if let Some(stored) = &original.run {
        run.id.clone_from(&stored.id);
        run.join(stored.clone());
        // By the names that all graphs of the repository are told apart with; a server that
        // is running may know others.
        if stored.graph.is_some() {
            run.graph.clone_from(&stored.graph);
        }
    }
    let placed: Vec<String> = run
        .models
        .iter()
        .filter(|model| model.folder != UNKNOWN_FOLDER)
        .map(|model| model.name.clone())
        .collect();
    run.models.retain(|model| model.folder != UNKNOWN_FOLDER || !placed.contains(&model.name));
    DocumentedRun { run, prompt, named }
}

/// The records that may speak: those of exactly this workflow, then others that used
/// something of the same name; in each those made nearest to the moment of the original
/// first.
fn gather_records(
    run_store: &RunStore,
    original: &PictureSource,
    run: &Run,
) -> Result<WorkflowRecords> {
    let sites = original.committed.iter().chain(&run.committed);
    let blobs: Vec<&str> = sites.map(|site| site.blob.as_str()).collect();
    let recorded = RecordIndex::load(&run_store.repository)?;
    let mut records = WorkflowRecords::default();
    for (commit, record) in recorded.iter() {
        let own = |workflow: &WorkflowUse| blobs.contains(&workflow.blob.as_str());
        records.own.extend(record_of_workflows(commit, record, own));
        if record.workflows.iter().any(|workflow| shares_model_or_class(workflow, run)) {
            records.other.push((commit.to_string(), record.clone()));
        }
    }
    if records.own.is_empty() && run.graph.is_some() {
        records.own = records_of_same_graph(run_store, &recorded, run)?;
    }
    let moment = time_made(original, run);
    records.own.sort_by_key(|(commit, record)| (seconds_from(record, moment), commit.clone()));
    records.other.sort_by_key(|(commit, record)| (seconds_from(record, moment), commit.clone()));
    Ok(records)
}

/// The records of workflows with the graph of the run: the same by what would run. Only those
/// that name what the run used are read: there may be thousands.
fn records_of_same_graph(
    run_store: &RunStore,
    recorded: &RecordIndex,
    run: &Run,
) -> Result<Vec<(String, CommitRecord)>> {
    let mut records = Vec::new();
    for (commit, record) in recorded.iter() {
        let mut same = Vec::new();
        for workflow in record.workflows.iter().filter(|workflow| names_all_models(workflow, run)) {
            let blob = ObjectId::from_hex(workflow.blob.as_bytes());
            if let Some(blob) = blob
                && run_store.graph_id_of_blob(blob)? == run.graph
            {
                same.push(workflow.blob.clone());
            }
        }
        let own = |workflow: &WorkflowUse| same.contains(&workflow.blob);
        records.extend(record_of_workflows(commit, record, own));
    }
    Ok(records)
}

/// What a record says of some of its workflows, if of any.
fn record_of_workflows(
    commit: &CommitId,
    record: &CommitRecord,
    own: impl Fn(&WorkflowUse) -> bool,
) -> Option<(String, CommitRecord)> {
    let mut part = record.clone();
    let blobs: BTreeMap<String, String> = record
        .workflows
        .iter()
        .filter(|workflow| own(workflow))
        .map(|workflow| (workflow.path.clone(), workflow.blob.clone()))
        .collect();
    part.retain(|path| blobs.get(path).cloned());
    (!blobs.is_empty()).then(|| (commit.to_string(), part))
}

/// Whether a workflow names a model or a node class that the run used.
fn shares_model_or_class(workflow: &WorkflowUse, run: &Run) -> bool {
    workflow.models.iter().any(|used| run.models.iter().any(|model| model.name == used.name))
        || workflow.classes.iter().any(|used| run.classes.contains_key(&used.class))
}

/// Whether a workflow names every model that the run used.
fn names_all_models(workflow: &WorkflowUse, run: &Run) -> bool {
    run.models.iter().all(|model| workflow.models.iter().any(|used| used.name == model.name))
}

/// When the original was made, else when its file was written.
fn time_made(original: &PictureSource, run: &Run) -> Option<Timestamp> {
    run.known_time().and_then(|text| text.parse().ok()).or_else(|| {
        let written = original.file.as_ref()?.metadata().ok()?.modified().ok()?;
        Timestamp::try_from(written).ok()
    })
}

/// How far a record was made from a moment, in seconds; without one the newest is nearest.
fn seconds_from(record: &CommitRecord, moment: Option<Timestamp>) -> u64 {
    let seen = record.seen.values().filter_map(|seen| seen.at.parse::<Timestamp>().ok());
    let distance = |at: Timestamp| match moment {
        Some(moment) => at.duration_since(moment).as_secs().unsigned_abs(),
        None => u64::MAX - at.as_second().unsigned_abs(),
    };
    seen.map(distance).min().unwrap_or(u64::MAX)
}

/// Looks at the machine for everything that is wanted.
fn look_up_requirements(
    session: &Session,
    machine: &MachineState,
    run_store: &RunStore,
    original: &PictureSource,
    wanted: &mut Requirements,
) -> Result<LocalMachine> {
    if let Some(found) = &machine.installation {
        for model in wanted.models.iter_mut().filter(|model| model.folder == UNKNOWN_FOLDER) {
            if let Some(kind) = types_offering(&found.folders, &model.name).into_iter().next() {
                model.folder = kind;
            }
        }
    }
    let models = look_up_models(session, machine, &wanted.models)?;
    let modules = &machine.learned_classes().modules;
    let now = SystemTime::now();
    let source = machine.installation.as_ref().and_then(|found| found.source.clone());
    let commit = wanted.environment.as_ref().and_then(|fact| fact.value.source.clone()?.commit);
    let mut local = machine.with_view(modules, |view| LocalMachine {
        has_comfyui: view.installation.is_some(),
        source: source.as_ref().map(|path| path.display().to_string()),
        branch: source.as_ref().and_then(|path| view.checkouts.branch(path)),
        has_commit: match (&source, &commit) {
            (Some(path), Some(commit)) => view.checkouts.has_commit(path, commit),
            _ => false,
        },
        environment: view.collect_environment().0,
        models,
        packs: view.find_packs(&wanted.packs, now),
        provided_classes: view.available_classes(&wanted.unplaced, now),
        inputs: view.find_inputs(&wanted.inputs, now),
    });
    for (input, found) in wanted.inputs.iter().zip(&mut local.inputs) {
        let lost = input.sha256.is_some() && found.sha256 != input.sha256;
        if lost && found.copies.is_empty() {
            found.restore_source = find_lost_bytes(session, run_store, original, input)?;
        }
    }
    Ok(local)
}

/// The models, after whatever must be hashed for them was.
fn look_up_models(
    session: &Session,
    machine: &MachineState,
    wanted: &[RequiredModel],
) -> Result<Vec<LocalModel>> {
    let modules = &machine.learned_classes().modules;
    let mut failures = HashFailures::new();
    let mut found = Vec::new();
    for _ in 0..HASHING_ROUNDS {
        let again = machine.with_view(modules, |view| view.find_models(wanted, &failures));
        found = again.models;
        if again.unhashed.is_empty() {
            break;
        }
        hash_waiting_files(session, machine, again.unhashed, &mut failures)?;
    }
    Ok(found)
}

/// Hashes files, when it is our turn, and shows how far that is.
pub(crate) fn hash_waiting_files(
    session: &Session,
    machine: &MachineState,
    unhashed: Vec<UnhashedFile>,
    failures: &mut HashFailures,
) -> Result<()> {
    let lock = lock_recorder(session, &machine.recorder_state)?;
    let files: Vec<PathBuf> = unhashed.into_iter().map(|unhashed| unhashed.file).collect();
    let bar = session.ui.bytes_bar();
    hash_models(machine, &lock, &files, failures, Some(&bar));
    bar.finish();
    Ok(())
}

/// The files that the repaired documents have to call otherwise.
fn collect_renames(check: &ReproductionCheck) -> FileRenames {
    let mut renames = FileRenames::default();
    for model in &check.models {
        if let ModelState::Renamed { to, .. } = &model.state {
            let key = (model.folder.clone(), model.name.clone());
            renames.models.insert(key, to.clone());
        }
    }
    for input in &check.inputs {
        if let InputState::Moved { to } = &input.state {
            renames.inputs.insert(input.name.clone(), to.clone());
        }
    }
    renames
}

impl ReproductionPlan {
    /// The documents, repaired.
    pub(crate) fn repair(
        &self,
        workflow: Option<Value>,
        prompt: Option<Value>,
    ) -> RepairedDocuments {
        reproduce::repair_documents(workflow, prompt, &self.renames, &self.catalog)
    }
}

/// Everything that is needed to make a picture again: what was found, and the two documents
/// repaired for this machine. Where `repaired.agreement` says so, ComfyUI makes this prompt of
/// this workflow.
#[derive(Debug)]
pub(crate) struct PreparedReproduction {
    /// What the person named.
    pub(crate) original: PictureSource,
    /// What it needs, and what is here of it.
    pub(crate) plan: ReproductionPlan,
    pub(crate) repaired: RepairedDocuments,
}

/// Finds the original, looks at the machine and repairs the documents. What running it
/// begins with.
pub(crate) fn prepare_reproduction(session: &Session, what: &str) -> Result<PreparedReproduction> {
    fallback_repository::enter_if_outside(session)?;
    let mut original = source_of_picture::find_source(session, what)?;
    original.look_up_run(session)?;
    let plan = plan_reproduction(session, &original)?;
    let (workflow, prompt) = original.clean_documents();
    let repaired = plan.repair(workflow, prompt);
    Ok(PreparedReproduction { original, plan, repaired })
}

impl PreparedReproduction {
    /// What is made again, in a line.
    pub(crate) fn title(&self, what: &str) -> String {
        let at = self.plan.wanted.made_at.as_deref().map(|at| format!(", made {at}"));
        // Where it is from is what the person wrote, unless it is a run found by its looks.
        let from =
            match self.original.description.contains(what) || self.original.committed.is_some() {
                true => String::new(),
                false => format!(", {}", self.original.description),
            };
        format!("{what}{from}{}", at.unwrap_or_default())
    }

    pub(crate) fn run_id(&self) -> Option<&str> {
        self.original.run.as_ref().map(|run| run.id.as_str()).filter(|id| !id.is_empty())
    }

    /// The document that is asked for: the workflow, or the prompt; where there is no
    /// workflow, the prompt, which ComfyUI opens as well.
    pub(crate) fn requested_document(&self, api: bool) -> Result<&Value> {
        let (workflow, prompt) = (&self.repaired.workflow, &self.repaired.prompt);
        let wanted = if api { prompt.as_ref() } else { workflow.as_ref().or(prompt.as_ref()) };
        wanted.ok_or_else(|| {
            CommandError::user(format!(
                "there is nothing to make again {}",
                self.original.description
            ))
        })
    }
}
