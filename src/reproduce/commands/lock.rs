//! `git comfy lock`: the environment a workflow needs, as one file beside it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::graph::{DocumentKind, GraphKind, document_kind};

use crate::differences::content::{self, FileContent};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::changes;
use crate::platform::machine::file_io;
use crate::platform::machine::output_file::{Overwrite, write_output_file};
use crate::platform::text::sanitize;
use crate::records::ModelUse;
use crate::records::commands::record::HashFailures;
use crate::reproduce::commands::reproduce::plan::{self, ReproductionContext};
use crate::reproduce::{
    ExportedSpec, Lock, LockedInput, RequiredInput, Requirements, WorkflowRecords, to_comfy_build,
    to_manager_snapshot,
};
use crate::runs::source_of_picture::PictureSource;
use crate::session::Session;

/// Write down the models, node packs and programs a workflow needs, as a file beside it.
///
/// `portrait.json` gets `portrait.lock.json`: every model by the hash of its bytes, every
/// node pack by commit or release, ComfyUI, Python and torch, every input file. It holds no
/// times and no paths of this machine, so it changes in git only when what is needed does.
/// `git comfy verify` checks it on any machine.
#[derive(Debug, clap::Args)]
pub struct LockArgs {
    /// The workflow; none means every workflow of the checked-out commit.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write to this file instead.
    #[arg(short, long, value_name = "OUT", requires = "file")]
    pub output: Option<PathBuf>,
    /// Print a snapshot for ComfyUI-Manager instead.
    #[arg(long, requires = "file", conflicts_with = "comfy_cli")]
    pub manager_snapshot: bool,
    /// Print a build spec for comfy-cli (comfy-build/1) instead.
    #[arg(long, requires = "file")]
    pub comfy_cli: bool,
}

/// The largest workflow that is read, in bytes.
const MAX_WORKFLOW_BYTES: u64 = 64 << 20;
/// How the names of locks end.
const LOCK_SUFFIX: &str = ".lock.json";

pub fn run(args: &LockArgs, session: &Session) -> Result<Exit> {
    let bench = ReproductionContext::open(session)?;
    if bench.machine.installation.is_none() {
        return Err(CommandError::new(
            "no ComfyUI was found on this machine, so nothing can be locked",
        )
        .with_hint("git config comfy.root <folder of ComfyUI>"));
    }
    if let Some(file) = &args.file {
        let lock = lock_workflow(session, &bench, &session.cwd.join(file), file)?;
        if args.manager_snapshot || args.comfy_cli {
            let exported =
                if args.comfy_cli { to_comfy_build(&lock) } else { to_manager_snapshot(&lock) };
            return write_export(args, session, &exported);
        }
        let target = args.output.clone().unwrap_or_else(|| lock_path(file));
        write_if_changed(session, &lock, &session.cwd.join(&target), &target)?;
        return Ok(Exit::Done);
    }
    let Some(head) = bench.shelf.repository.head()? else {
        return Err(
            CommandError::new("there is no commit yet").with_hint("git comfy lock portrait.json")
        );
    };
    let top = bench.shelf.repository.require_work_tree()?.to_owned();
    for found in changes::workflows_at(&bench.shelf.repository, head)? {
        let name = PathBuf::from(found.path.to_string());
        let path = top.join(&name);
        if is_lock_file(&name) || !path.is_file() || read_graph_file(&path).is_err() {
            continue;
        }
        let lock = lock_workflow(session, &bench, &path, &name)?;
        write_if_changed(session, &lock, &lock_path(&path), &lock_path(&name))?;
    }
    Ok(Exit::Done)
}

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
    let shown = || sanitize::line(&path.display().to_string()).into_owned();
    let failed =
        |problem: &dyn std::fmt::Display| CommandError::new(format!("{}: {problem}", shown()));
    if path.metadata().map_err(|error| failed(&error))?.len() > MAX_WORKFLOW_BYTES {
        return Err(failed(&"it is too large for a workflow"));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let (workflow, prompt) = match content::parse_content(bytes) {
        FileContent::Graph(value) => match document_kind(&value) {
            DocumentKind::Graph(GraphKind::Prompt) => (None, Some(value)),
            DocumentKind::Graph(GraphKind::Workflow(_)) => (Some(value), None),
            _ => return Err(failed(&"it holds its graph inside of something else")),
        },
        FileContent::Output(output) => (output.workflow, output.prompt),
        FileContent::Other(_) => return Err(failed(&"it is no workflow")),
    };
    if workflow.is_none() && prompt.is_none() {
        return Err(failed(&"it carries no workflow"));
    }
    Ok(PictureSource { workflow, prompt, ..PictureSource::default() })
}

/// Hashes and looks up on this machine what a workflow needs, and locks it.
fn lock_workflow(
    session: &Session,
    bench: &ReproductionContext,
    path: &Path,
    name: &Path,
) -> Result<Lock> {
    let original = read_graph_file(path)?;
    let known = plan::read_documented_run(&original, &bench.catalog);
    // What does not run need not be there.
    let runs = |model: &ModelUse| model.at.iter().any(|site| site.off.is_none());
    let mut named = known.named.clone();
    named.models.retain(runs);
    let machine = &bench.machine;
    let modules = &machine.learned_classes().modules;
    let mut failures = HashFailures::new();
    machine.with_view(modules, |look| look.resolve_unknown_folders(&mut named.models));
    let mut seen =
        machine.with_view(modules, |look| look.collect_model_facts(&named.models, &failures));
    if !seen.unhashed.is_empty() {
        plan::hash_waiting_files(session, machine, seen.unhashed, &mut failures)?;
        seen =
            machine.with_view(modules, |look| look.collect_model_facts(&named.models, &failures));
    }
    let wanted = Requirements::from_run(
        &known.run,
        &known.prompt,
        &named,
        &WorkflowRecords::default(),
        &machine.machine_id,
        &bench.catalog,
    );
    let now = SystemTime::now();
    let (packs, environment, inputs) = machine.with_view(modules, |look| {
        let found = look.find_inputs(&without_hashes(&wanted.inputs), now).into_iter();
        let inputs = wanted.inputs.iter().zip(found);
        let inputs = inputs.map(|(input, found)| LockedInput::from_required(input, found.sha256));
        (
            look.collect_pack_facts(&named.classes, now),
            look.collect_environment().0,
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

/// Writes the lock if it says something else than the one that is there.
fn write_if_changed(session: &Session, lock: &Lock, target: &Path, name: &Path) -> Result<()> {
    let text = lock.to_json();
    let same = std::fs::read(target).is_ok_and(|known| known == text.as_bytes());
    if !same {
        file_io::replace_file(target, text.as_bytes())?;
    }
    let count =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let name = sanitize::line(&name.display().to_string()).into_owned();
    let (models, packs) = (count(lock.models.len(), "model"), count(lock.packs.len(), "node pack"));
    let inputs = match lock.inputs.len() {
        0 => String::new(),
        inputs => format!(", {}", count(inputs, "input file")),
    };
    let state = if same { ", as before" } else { "" };
    session.ui.report(&format!("{name}: {models}, {packs}{inputs}{state}"))?;
    for gap in lock.gaps() {
        session.ui.info(&format!("  {}", sanitize::line(&gap)));
    }
    Ok(())
}

fn write_export(args: &LockArgs, session: &Session, exported: &ExportedSpec) -> Result<Exit> {
    for left in &exported.left_out {
        session.ui.info(&format!("left out: {}", sanitize::line(left)));
    }
    if args.manager_snapshot {
        session.ui.info("restoring a snapshot switches off the packs that it does not list");
    }
    match &args.output {
        Some(output) => {
            write_output_file(&session.cwd.join(output), &exported.text, Overwrite::Never)?
        }
        None => session.ui.print(&sanitize::json(&exported.text))?,
    }
    Ok(Exit::Done)
}
