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
use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::platform::git::{CommitId, ObjectId};
use crate::platform::machine::models::types_offering;
use crate::platform::machine::to_hex;
use crate::records::commands::record::machine_state::{
    LocationSettings, MachineState as Machine, TimeBudget,
};
use crate::records::commands::record::{HashFailures, RecordIndex, hash_models};
use crate::records::dependencies::{
    Dependencies, UNKNOWN_FOLDER, prompt_dependencies, workflow_dependencies,
};
use crate::records::machine_view::UnhashedFile;
use crate::records::{CommitRecord, WorkflowUse};
use crate::reproduce::{
    self, FileRenames, InputState, LocalMachine, LocalModel, ModelState, ReproductionCheck,
    RequiredInput, RequiredModel, Requirements, RestoreSource, WorkflowRecords,
    add_parameter_claims, check_requirements,
};
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_data::{Run, run_from_payload};
use crate::runs::run_store::RunStore;
use crate::runs::runs_ref;
use crate::runs::source_of_picture::PictureSource;
use crate::session::Session;

/// The largest file of a commit that is looked at for lost bytes.
const MAX_BLOB_BYTES: u64 = 96 << 20;
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
    pub(crate) shelf: RunStore,
    /// What was found on the machine.
    pub(crate) machine: Machine,
    /// The node classes that are known.
    pub(crate) catalog: Catalog,
}

impl ReproductionContext {
    /// Opens the runs and looks around.
    pub(crate) fn open(session: &Session) -> Result<ReproductionContext> {
        let shelf = RunStore::open(session)?;
        let places = LocationSettings::load(session, &shelf.repository)?;
        let machine = Machine::detect(session, &shelf.repository, &places, TimeBudget::Full);
        let catalog = choose_catalog(&machine, &shelf);
        Ok(ReproductionContext { shelf, machine, catalog })
    }

    /// Looks for what is required on this machine, and judges what is found. A model of unknown
    /// folder type in `wanted` gets that of the folder that has its name here.
    pub(crate) fn check_requirements(
        &self,
        session: &Session,
        original: &PictureSource,
        wanted: &mut Requirements,
    ) -> Result<ReproductionCheck> {
        let here = look_up_requirements(session, &self.machine, &self.shelf, original, wanted)?;
        Ok(check_requirements(wanted, &here))
    }
}

pub(crate) fn plan_reproduction(
    session: &Session,
    original: &PictureSource,
) -> Result<ReproductionPlan> {
    let bench = ReproductionContext::open(session)?;
    let DocumentedRun { run, prompt, named } = read_documented_run(original, &bench.catalog);
    let records = gather_records(&bench.shelf, original, &run)?;
    let machine = &bench.machine.machine_id;
    let mut wanted =
        Requirements::from_run(&run, &prompt, &named, &records, machine, &bench.catalog);
    let check = bench.check_requirements(session, original, &mut wanted)?;
    let renames = collect_renames(&check);
    let base = bench.machine.installation.map(|found| found.parts.base);
    Ok(ReproductionPlan { wanted, check, renames, catalog: bench.catalog, base })
}

/// The classes that a server told of, with the folders their inputs take files from; else
/// the names that were kept of them.
fn choose_catalog(machine: &Machine, shelf: &RunStore) -> Catalog {
    let learned = machine.learned_classes();
    match learned.modules.is_empty() {
        true => shelf.catalog.clone(),
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
    if let Some(kept) = &original.run {
        run.id.clone_from(&kept.id);
        run.join(kept.clone());
        // By the names that all graphs of the repository are told apart with; a server that
        // is running may know others.
        if kept.graph.is_some() {
            run.graph.clone_from(&kept.graph);
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
    shelf: &RunStore,
    original: &PictureSource,
    run: &Run,
) -> Result<WorkflowRecords> {
    let sites = original.committed.iter().chain(&run.committed);
    let blobs: Vec<&str> = sites.map(|site| site.blob.as_str()).collect();
    let recorded = RecordIndex::load(&shelf.repository)?;
    let mut records = WorkflowRecords::default();
    for (commit, record) in recorded.iter() {
        let own = |workflow: &WorkflowUse| blobs.contains(&workflow.blob.as_str());
        records.own.extend(record_of_workflows(commit, record, own));
        if record.workflows.iter().any(|workflow| shares_model_or_class(workflow, run)) {
            records.other.push((commit.to_string(), record.clone()));
        }
    }
    if records.own.is_empty() && run.graph.is_some() {
        // The same workflow by what would run. Only those that name what the run used are
        // read: there may be thousands.
        for (commit, record) in recorded.iter() {
            let mut same = Vec::new();
            for workflow in
                record.workflows.iter().filter(|workflow| names_all_models(workflow, run))
            {
                let blob = ObjectId::from_hex(workflow.blob.as_bytes());
                if let Some(blob) = blob
                    && shelf.graph_id_of_blob(blob)? == run.graph
                {
                    same.push(workflow.blob.clone());
                }
            }
            records.own.extend(record_of_workflows(commit, record, |workflow| {
                same.contains(&workflow.blob)
            }));
        }
    }
    let moment = time_made(original, run);
    records.own.sort_by_key(|(commit, record)| (seconds_from(record, moment), commit.clone()));
    records.other.sort_by_key(|(commit, record)| (seconds_from(record, moment), commit.clone()));
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
    machine: &Machine,
    shelf: &RunStore,
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
    let mut here = machine.with_view(modules, |look| LocalMachine {
        has_comfyui: look.installation.is_some(),
        source: source.as_ref().map(|path| path.display().to_string()),
        branch: source.as_ref().and_then(|path| look.checkouts.branch(path)),
        has_commit: match (&source, &commit) {
            (Some(path), Some(commit)) => look.checkouts.has_commit(path, commit),
            _ => false,
        },
        environment: look.collect_environment().0,
        models,
        packs: look.find_packs(&wanted.packs, now),
        provided_classes: look.available_classes(&wanted.unplaced, now),
        inputs: look.find_inputs(&wanted.inputs, now),
    });
    for (input, found) in wanted.inputs.iter().zip(&mut here.inputs) {
        let lost = input.sha256.is_some() && found.sha256 != input.sha256;
        if lost && found.copies.is_empty() {
            found.restore_source = find_lost_bytes(session, shelf, original, input)?;
        }
    }
    Ok(here)
}

/// The models, after whatever must be hashed for them was.
fn look_up_models(
    session: &Session,
    machine: &Machine,
    wanted: &[RequiredModel],
) -> Result<Vec<LocalModel>> {
    let modules = &machine.learned_classes().modules;
    let mut failures = HashFailures::new();
    let mut found = Vec::new();
    for _ in 0..HASHING_ROUNDS {
        let again = machine.with_view(modules, |look| look.find_models(wanted, &failures));
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
    machine: &Machine,
    waiting: Vec<UnhashedFile>,
    failures: &mut HashFailures,
) -> Result<()> {
    let turn = match machine.recorder_state.try_lock()? {
        Some(turn) => turn,
        None => {
            session.ui.info("another git-comfy is hashing; this one goes on when it is done");
            machine.recorder_state.lock()?
        }
    };
    let files: Vec<PathBuf> = waiting.into_iter().map(|waiting| waiting.file).collect();
    let bar = session.ui.bytes_bar();
    hash_models(machine, &turn, &files, failures, Some(&bar));
    bar.finish();
    Ok(())
}

/// Where the bytes of an input are, when the input folder has lost them.
fn find_lost_bytes(
    session: &Session,
    shelf: &RunStore,
    original: &PictureSource,
    input: &RequiredInput,
) -> Result<Option<RestoreSource>> {
    let Some(wanted) = &input.sha256 else { return Ok(None) };
    let folders = OutputFolders::detect(session, &shelf.repository)?;
    for row in shelf.index.find_by_digest(wanted)? {
        let place = runs_ref::RunPath::new(row.path.as_str());
        let Some(kept) = runs_ref::load_run(&shelf.repository, &place)? else { continue };
        let own = kept.run.outputs.iter().filter(|output| output.sha256.as_ref() == Some(wanted));
        for file in own.filter_map(|output| folders.locate(output)) {
            if std::fs::read(&file).is_ok_and(|bytes| to_hex(&Sha256::digest(bytes)) == *wanted) {
                return Ok(Some(RestoreSource::Output(file.display().to_string())));
            }
        }
    }
    find_bytes_in_git(shelf, original, input, wanted)
}

/// A file of the same name in the commit of the workflow, or in the one checked out.
fn find_bytes_in_git(
    shelf: &RunStore,
    original: &PictureSource,
    input: &RequiredInput,
    wanted: &str,
) -> Result<Option<RestoreSource>> {
    let name = input.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let run = original.run.iter().filter_map(|run| run.committed.as_ref());
    let sites = original.committed.iter().chain(run).map(|site| site.commit.as_str());
    for revision in sites.chain(["HEAD"]) {
        let Some(commit) = shelf.repository.resolve_commit(revision)? else { continue };
        let Some(commit) = shelf.repository.commit(commit)? else { continue };
        let mut named = Vec::new();
        shelf.repository.visit_files(commit.tree, &mut |path, entry| {
            if path.as_bytes().rsplit(|b| *b == b'/').next() == Some(name.as_bytes()) {
                named.push((path.to_string(), entry.id));
            }
        })?;
        for (path, blob) in named {
            let bytes = shelf.repository.blob_up_to(blob, MAX_BLOB_BYTES)?;
            if bytes.is_some_and(|bytes| to_hex(&Sha256::digest(bytes)) == wanted) {
                return Ok(Some(RestoreSource::Git(format!("{revision}:{path}"))));
            }
        }
    }
    Ok(None)
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
    ) -> reproduce::RepairedDocuments {
        reproduce::repair_documents(workflow, prompt, &self.renames, &self.catalog)
    }
}
