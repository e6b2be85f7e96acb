//! Locks and the workflows that they lie beside: making a lock of what is on this machine, and
//! reading one again.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::graph::{DocumentKind, GraphKind, document_kind};

use super::environment_specs::parse_lock;
use super::plan::{self, ReproductionContext};
use super::{Lock, LockedInput, RequiredInput, Requirements, WorkflowRecords};
use crate::differences::content::{self, FileContent};
use crate::error::{CommandError, Result};
use crate::platform::file_argument::{self, MAX_FILE_LEN};
use crate::platform::git::index;
use crate::platform::text::sanitize;
use crate::records::ModelUse;
use crate::records::collect_record::HashFailures;
use crate::runs::source_of_picture::PictureSource;
use crate::session::Session;

/// The largest lock that is read, in bytes.
const MAX_LOCK_BYTES: u64 = 16 << 20;
/// How the names of locks end.
const LOCK_SUFFIX: &str = ".lock.json";

/// Whether a file is a lock, by its name.
pub(crate) fn is_lock_file(file: &Path) -> bool {
    file.to_str().is_some_and(|name| name.ends_with(LOCK_SUFFIX))
}

/// Where the lock of a workflow lies.
pub(crate) fn lock_path(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}{LOCK_SUFFIX}"))
}

/// The graph in a file: a workflow or an API prompt.
pub(crate) fn read_graph_file(path: &Path) -> Result<PictureSource> {
    let shown = sanitize::path(path);
    let refused = |problem: &str| CommandError::user(format!("{shown}: {problem}"));
    let bytes = file_argument::read_bounded(path, &shown, MAX_FILE_LEN)?;
    let (workflow, prompt) = match content::parse_content(bytes) {
        FileContent::Graph(value) => match document_kind(&value) {
            DocumentKind::Graph(GraphKind::Prompt) => (None, Some(value)),
            DocumentKind::Graph(GraphKind::Workflow(_)) => (Some(value), None),
            _ => return Err(refused("it holds its graph inside of something else")),
        },
        FileContent::Output(output) => (output.workflow, output.prompt),
        FileContent::Other(_) => return Err(refused("it is no workflow")),
    };
    if workflow.is_none() && prompt.is_none() {
        return Err(refused("it carries no workflow"));
    }
    Ok(PictureSource { workflow, prompt, ..PictureSource::default() })
}

/// Hashes and looks up on this machine what a workflow needs, and locks it.
pub(crate) fn lock_workflow(
    session: &Session,
    context: &ReproductionContext,
    path: &Path,
    name: &Path,
) -> Result<Lock> {
    let original = read_graph_file(path)?;
    let known = plan::read_documented_run(&original, &context.catalog);
    // What does not run need not be there.
    let runs = |model: &ModelUse| model.at.iter().any(|site| site.off.is_none());
    let mut named = known.named.clone();
    named.models.retain(runs);
    let machine = &context.machine;
    let modules = &machine.learned_classes().modules;
    let mut failures = HashFailures::new();
    machine.with_view(modules, |view| view.resolve_unknown_folders(&mut named.models));
    let mut seen =
        machine.with_view(modules, |view| view.collect_model_facts(&named.models, &failures));
    if !seen.unhashed.is_empty() {
        plan::hash_waiting_files(session, machine, seen.unhashed, &mut failures)?;
        seen =
            machine.with_view(modules, |view| view.collect_model_facts(&named.models, &failures));
    }
    let wanted = Requirements::from_run(
        &known.run,
        &known.prompt,
        &named,
        &WorkflowRecords::default(),
        &machine.machine_id,
        &context.catalog,
    );
    let now = SystemTime::now();
    let (packs, environment, inputs) = machine.with_view(modules, |view| {
        let found = view.find_inputs(&without_hashes(&wanted.inputs), now).into_iter();
        let inputs = wanted.inputs.iter().zip(found);
        let inputs = inputs.map(|(input, found)| LockedInput::from_required(input, found.sha256));
        (
            view.collect_pack_facts(&named.classes, now),
            view.collect_environment().0,
            inputs.collect(),
        )
    });
    let file = name.file_name().unwrap_or_default().to_string_lossy();
    let (facts, unplaced) = (&packs.facts, &packs.unplaced);
    Ok(Lock::from_environment(&file, &named, &seen.facts, facts, unplaced, &environment, inputs))
}

/// The files under their names, whatever the workflow remembers of their bytes.
fn without_hashes(inputs: &[RequiredInput]) -> Vec<RequiredInput> {
    inputs.iter().map(|input| RequiredInput { sha256: None, ..input.clone() }).collect()
}

/// The locks of the work tree, committed or not.
pub(crate) fn list_locks(context: &ReproductionContext) -> Result<Vec<PathBuf>> {
    let repository = &context.run_store.repository;
    let top = repository.require_work_tree()?;
    let paths =
        index::unignored_paths(repository)?.into_iter().map(|path| top.join(path.to_path()));
    Ok(paths.filter(|path| is_lock_file(path) && path.is_file()).collect())
}

pub(crate) fn read_lock_file(path: &Path, name: &Path) -> Result<Lock> {
    let shown = sanitize::path(name);
    let bytes = file_argument::read_bounded(path, &shown, MAX_LOCK_BYTES)?;
    let no_lock = |error: CommandError| {
        error.with_context(shown.clone()).with_hint("git comfy lock makes one of a workflow")
    };
    let text = String::from_utf8(bytes).map_err(|error| no_lock(CommandError::user(error)))?;
    parse_lock(&text).map_err(|error| no_lock(CommandError::user(error)))
}

/// What the workflow beside a lock names that the lock does not have.
pub(crate) fn missing_from_lock(
    context: &ReproductionContext,
    lock: &Lock,
    path: &Path,
) -> Vec<String> {
    // The name comes out of a file that may be a stranger's.
    let Some(name) = Path::new(&lock.workflow).file_name().filter(|_| is_lock_file(path)) else {
        return Vec::new();
    };
    let Ok(original) = read_graph_file(&path.with_file_name(name)) else { return Vec::new() };
    lock.missing_names(&plan::read_documented_run(&original, &context.catalog).named)
}
