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
use crate::platform::machine::models::kinds_with;
use crate::platform::machine::to_hex;
use crate::records::commands::record::here::{Here as Machine, Patience, Places};
use crate::records::commands::record::{Failures, Recorded, hash_all};
use crate::records::look::Waiting;
use crate::records::named::{Named, UNKNOWN_FOLDER, of_prompt, of_workflow};
use crate::records::{Record, WorkflowUse};
use crate::reproduce::{
    self, Check, Here, InputState, InputWanted, ModelHere, ModelState, ModelWanted, Records,
    Renames, Restorable, Wanted, add_claims, check,
};
use crate::runs::folders::Folders;
use crate::runs::model::{Run, embedded};
use crate::runs::run_store::Shelf;
use crate::runs::source_of_picture::Original;
use crate::runs::store;
use crate::session::Session;

/// The largest file of a commit that is looked at for lost bytes.
const LARGEST: u64 = 96 << 20;
/// Rounds of looking and hashing: first the files of the names, then files of the right size
/// under other names.
const ROUNDS: usize = 3;

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) wanted: Wanted,
    pub(crate) check: Check,
    /// What is called otherwise here.
    pub(crate) renames: Renames,
    /// The node classes that are known here.
    pub(crate) catalog: Catalog,
    /// ComfyUI's folder here, and its input folder.
    pub(crate) base: Option<PathBuf>,
}

/// Everything there is to know of an original, before the machine is looked at.
pub(crate) struct Known {
    /// The run, with all that the documents say.
    pub(crate) run: Run,
    /// The prompt that it ran, or would run.
    pub(crate) prompt: Prompt,
    /// What the documents name.
    pub(crate) named: Named,
}

/// The repository and the machine, opened together.
pub(crate) struct Bench {
    pub(crate) shelf: Shelf,
    /// What was found on the machine.
    pub(crate) machine: Machine,
    /// The node classes that are known.
    pub(crate) catalog: Catalog,
}

impl Bench {
    /// Opens the runs and looks around.
    pub(crate) fn open(session: &Session) -> Result<Bench> {
        let shelf = Shelf::open(session)?;
        let places = Places::of(session, &shelf.repository)?;
        let machine = Machine::look_around(session, &shelf.repository, &places, Patience::Whole);
        let catalog = catalog_of(&machine, &shelf);
        Ok(Bench { shelf, machine, catalog })
    }

    /// Looks for what is required on this machine, and judges what is found. A model of unknown
    /// folder type in `wanted` gets that of the folder that has its name here.
    pub(crate) fn check(
        &self,
        session: &Session,
        original: &Original,
        wanted: &mut Wanted,
    ) -> Result<Check> {
        let here = look(session, &self.machine, &self.shelf, original, wanted)?;
        Ok(check(wanted, &here))
    }
}

pub(crate) fn plan(session: &Session, original: &Original) -> Result<Plan> {
    let bench = Bench::open(session)?;
    let Known { run, prompt, named } = known(original, &bench.catalog);
    let records = records(&bench.shelf, original, &run)?;
    let machine = &bench.machine.machine;
    let mut wanted = Wanted::of(&run, &prompt, &named, &records, machine, &bench.catalog);
    let check = bench.check(session, original, &mut wanted)?;
    let renames = renames(&check);
    let base = bench.machine.installation.map(|found| found.parts.base);
    Ok(Plan { wanted, check, renames, catalog: bench.catalog, base })
}

/// The classes that a server told of, with the folders their inputs take files from; else
/// the names that were kept of them.
fn catalog_of(machine: &Machine, shelf: &Shelf) -> Catalog {
    let learned = machine.learned();
    match learned.modules.is_empty() {
        true => shelf.catalog.clone(),
        false => learned.catalog.clone(),
    }
}

/// What the documents say, joined with the run that was recorded.
pub(crate) fn known(original: &Original, catalog: &Catalog) -> Known {
    let workflow = original.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
    let own = original.prompt.clone().and_then(|value| Prompt::from_value(value).ok());
    let made = || workflow.as_ref()?.to_prompt(catalog).ok();
    let prompt = own.or_else(made).unwrap_or_default();
    let mut named = match &workflow {
        Some(workflow) => of_workflow(workflow, catalog),
        None => of_prompt(&prompt, catalog),
    };
    if let Some(parameters) = &original.parameters {
        add_claims(&mut named, parameters);
    }
    // As the server embedded it: what it added tells the bytes of inputs.
    let value = match original.prompt.clone() {
        Some(value) => value,
        None => prompt.clone().into_value(),
    };
    let payload =
        Payload { prompt: Some(value), workflow: original.workflow.clone(), ..Payload::default() };
    let mut run = embedded(payload, catalog).map(|evidence| evidence.run).unwrap_or_default();
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
    Known { run, prompt, named }
}

/// The records that may speak: those of exactly this workflow, then others that used
/// something of the same name; in each those made nearest to the moment of the original
/// first.
fn records(shelf: &Shelf, original: &Original, run: &Run) -> Result<Records> {
    let sites = original.site.iter().chain(&run.committed);
    let blobs: Vec<&str> = sites.map(|site| site.blob.as_str()).collect();
    let recorded = Recorded::of(&shelf.repository)?;
    let mut records = Records::default();
    for (commit, record) in recorded.all() {
        let own = |workflow: &WorkflowUse| blobs.contains(&workflow.blob.as_str());
        records.own.extend(part_of(commit, record, own));
        if record.workflows.iter().any(|workflow| shares(workflow, run)) {
            records.other.push((commit.to_string(), record.clone()));
        }
    }
    if records.own.is_empty() && run.graph.is_some() {
        // The same workflow by what would run. Only those that name what the run used are
        // read: there may be thousands.
        for (commit, record) in recorded.all() {
            let mut same = Vec::new();
            for workflow in record.workflows.iter().filter(|workflow| covers(workflow, run)) {
                let blob = ObjectId::from_hex(workflow.blob.as_bytes());
                if let Some(blob) = blob
                    && shelf.graph_of_blob(blob)? == run.graph
                {
                    same.push(workflow.blob.clone());
                }
            }
            records.own.extend(part_of(commit, record, |workflow| same.contains(&workflow.blob)));
        }
    }
    let moment = moment(original, run);
    records.own.sort_by_key(|(commit, record)| (far(record, moment), commit.clone()));
    records.other.sort_by_key(|(commit, record)| (far(record, moment), commit.clone()));
    Ok(records)
}

/// What a record says of some of its workflows, if of any.
fn part_of(
    commit: &CommitId,
    record: &Record,
    own: impl Fn(&WorkflowUse) -> bool,
) -> Option<(String, Record)> {
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
fn shares(workflow: &WorkflowUse, run: &Run) -> bool {
    workflow.models.iter().any(|used| run.models.iter().any(|model| model.name == used.name))
        || workflow.classes.iter().any(|used| run.classes.contains_key(&used.class))
}

/// Whether a workflow names every model that the run used.
fn covers(workflow: &WorkflowUse, run: &Run) -> bool {
    run.models.iter().all(|model| workflow.models.iter().any(|used| used.name == model.name))
}

/// When the original was made, else when its file was written.
fn moment(original: &Original, run: &Run) -> Option<Timestamp> {
    run.moment().and_then(|text| text.parse().ok()).or_else(|| {
        let written = original.file.as_ref()?.metadata().ok()?.modified().ok()?;
        Timestamp::try_from(written).ok()
    })
}

/// How far a record was made from a moment, in seconds; without one the newest is nearest.
fn far(record: &Record, moment: Option<Timestamp>) -> u64 {
    let seen = record.seen.values().filter_map(|seen| seen.at.parse::<Timestamp>().ok());
    let distance = |at: Timestamp| match moment {
        Some(moment) => at.duration_since(moment).as_secs().unsigned_abs(),
        None => u64::MAX - at.as_second().unsigned_abs(),
    };
    seen.map(distance).min().unwrap_or(u64::MAX)
}

/// Looks at the machine for everything that is wanted.
fn look(
    session: &Session,
    machine: &Machine,
    shelf: &Shelf,
    original: &Original,
    wanted: &mut Wanted,
) -> Result<Here> {
    if let Some(found) = &machine.installation {
        for model in wanted.models.iter_mut().filter(|model| model.folder == UNKNOWN_FOLDER) {
            if let Some(kind) = kinds_with(&found.folders, &model.name).into_iter().next() {
                model.folder = kind;
            }
        }
    }
    let models = models(session, machine, &wanted.models)?;
    let modules = &machine.learned().modules;
    let now = SystemTime::now();
    let source = machine.installation.as_ref().and_then(|found| found.source.clone());
    let commit = wanted.environment.as_ref().and_then(|fact| fact.what.source.clone()?.commit);
    let mut here = machine.look(modules, |look| Here {
        has_comfyui: look.installation.is_some(),
        source: source.as_ref().map(|path| path.display().to_string()),
        branch: source.as_ref().and_then(|path| look.repositories.branch(path)),
        has_commit: match (&source, &commit) {
            (Some(path), Some(commit)) => look.repositories.has(path, commit),
            _ => false,
        },
        environment: look.environment().0,
        models,
        packs: look.packs_again(&wanted.packs, now),
        brought: look.brought(&wanted.loose, now),
        inputs: look.inputs_again(&wanted.inputs, now),
    });
    for (input, found) in wanted.inputs.iter().zip(&mut here.inputs) {
        let lost = input.sha256.is_some() && found.sha256 != input.sha256;
        if lost && found.copies.is_empty() {
            found.restorable = restorable(session, shelf, original, input)?;
        }
    }
    Ok(here)
}

/// The models, after whatever must be hashed for them was.
fn models(session: &Session, machine: &Machine, wanted: &[ModelWanted]) -> Result<Vec<ModelHere>> {
    let modules = &machine.learned().modules;
    let mut failures = Failures::new();
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let again = machine.look(modules, |look| look.models_again(wanted, &failures));
        found = again.models;
        if again.waiting.is_empty() {
            break;
        }
        hash(session, machine, again.waiting, &mut failures)?;
    }
    Ok(found)
}

/// Hashes files, when it is our turn, and shows how far that is.
pub(crate) fn hash(
    session: &Session,
    machine: &Machine,
    waiting: Vec<Waiting>,
    failures: &mut Failures,
) -> Result<()> {
    let turn = match machine.desk.try_turn()? {
        Some(turn) => turn,
        None => {
            session.ui.say("another git-comfy is hashing; this one goes on when it is done");
            machine.desk.turn()?
        }
    };
    let files: Vec<PathBuf> = waiting.into_iter().map(|waiting| waiting.file).collect();
    let bar = session.ui.bytes_bar();
    hash_all(machine, &turn, &files, failures, Some(&bar));
    bar.finish();
    Ok(())
}

/// Where the bytes of an input are, when the input folder has lost them.
fn restorable(
    session: &Session,
    shelf: &Shelf,
    original: &Original,
    input: &InputWanted,
) -> Result<Option<Restorable>> {
    let Some(wanted) = &input.sha256 else { return Ok(None) };
    let folders = Folders::of(session, &shelf.repository)?;
    for row in shelf.index.by_digest(wanted)? {
        let place = store::Place::new(row.place.as_str());
        let Some(kept) = store::at(&shelf.repository, &place)? else { continue };
        let own = kept.run.outputs.iter().filter(|output| output.sha256.as_ref() == Some(wanted));
        for file in own.filter_map(|output| folders.file(output)) {
            if std::fs::read(&file).is_ok_and(|bytes| to_hex(&Sha256::digest(bytes)) == *wanted) {
                return Ok(Some(Restorable::Output(file.display().to_string())));
            }
        }
    }
    in_git(shelf, original, input, wanted)
}

/// A file of the same name in the commit of the workflow, or in the one checked out.
fn in_git(
    shelf: &Shelf,
    original: &Original,
    input: &InputWanted,
    wanted: &str,
) -> Result<Option<Restorable>> {
    let name = input.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let run = original.run.iter().filter_map(|run| run.committed.as_ref());
    let sites = original.site.iter().chain(run).map(|site| site.commit.as_str());
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
            let bytes = shelf.repository.blob_within(blob, LARGEST)?;
            if bytes.is_some_and(|bytes| to_hex(&Sha256::digest(bytes)) == wanted) {
                return Ok(Some(Restorable::Git(format!("{revision}:{path}"))));
            }
        }
    }
    Ok(None)
}

/// The files that the repaired documents have to call otherwise.
fn renames(check: &Check) -> Renames {
    let mut renames = Renames::default();
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

impl Plan {
    /// The documents, repaired.
    pub(crate) fn repair(
        &self,
        workflow: Option<Value>,
        prompt: Option<Value>,
    ) -> reproduce::Repaired {
        reproduce::repair(workflow, prompt, &self.renames, &self.catalog)
    }
}
