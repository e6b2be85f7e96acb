//! `git comfy lock`: the environment a workflow needs, as one file beside it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use comfy_graph::graph::{GraphKind, Kind, kind};

use crate::differences::content::{self, Content};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::changes;
use crate::platform::machine::output_file::{Over, write};
use crate::platform::machine::write_file;
use crate::platform::text::sanitize;
use crate::records::ModelUse;
use crate::records::commands::record::Failures;
use crate::reproduce::commands::reproduce::plan::{self, Bench};
use crate::reproduce::{
    Exported, InputWanted, Lock, LockedInput, Records, Wanted, comfy_build, manager_snapshot,
};
use crate::runs::source_of_picture::Original;
use crate::session::Session;

/// Write down the models, node packs and programs a workflow needs, as a file beside it.
///
/// `portrait.json` gets `portrait.lock.json`: every model by the hash of its bytes, every
/// node pack by commit or release, ComfyUI, Python and torch, every input file. It holds no
/// times and no paths of this machine, so it changes in git only when what is needed does.
/// `git comfy verify` checks it on any machine.
#[derive(Debug, clap::Args)]
pub struct Args {
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
const LARGEST: u64 = 64 << 20;
/// How the names of locks end.
const ENDING: &str = ".lock.json";

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let bench = Bench::open(session)?;
    if bench.machine.installation.is_none() {
        return Err(Failure::new("no ComfyUI was found on this machine, so nothing can be locked")
            .hint("git config comfy.root <folder of ComfyUI>"));
    }
    if let Some(file) = &args.file {
        let lock = locked(session, &bench, &session.cwd.join(file), file)?;
        if args.manager_snapshot || args.comfy_cli {
            let exported =
                if args.comfy_cli { comfy_build(&lock) } else { manager_snapshot(&lock) };
            return export(args, session, &exported);
        }
        let target = args.output.clone().unwrap_or_else(|| beside(file));
        keep(session, &lock, &session.cwd.join(&target), &target)?;
        return Ok(Exit::Done);
    }
    let Some(head) = bench.shelf.repository.head()? else {
        return Err(Failure::new("there is no commit yet").hint("git comfy lock portrait.json"));
    };
    let top = bench.shelf.repository.require_work_tree()?.to_owned();
    for found in changes::workflows_at(&bench.shelf.repository, head)? {
        let name = PathBuf::from(found.path.to_string());
        let path = top.join(&name);
        if is_lock(&name) || !path.is_file() || graph(&path).is_err() {
            continue;
        }
        let lock = locked(session, &bench, &path, &name)?;
        keep(session, &lock, &beside(&path), &beside(&name))?;
    }
    Ok(Exit::Done)
}

/// Whether a file is a lock, by its name.
pub(crate) fn is_lock(file: &Path) -> bool {
    file.to_str().is_some_and(|name| name.ends_with(ENDING))
}

/// Where the lock of a workflow lies.
pub(crate) fn beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}{ENDING}"))
}

/// The graph in a file: a workflow or an API prompt.
pub(crate) fn graph(path: &Path) -> Result<Original> {
    let shown = || sanitize::line(&path.display().to_string()).into_owned();
    let failed = |problem: &dyn std::fmt::Display| Failure::new(format!("{}: {problem}", shown()));
    if path.metadata().map_err(|error| failed(&error))?.len() > LARGEST {
        return Err(failed(&"it is too large for a workflow"));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let (workflow, prompt) = match content::read(bytes) {
        Content::Graph(value) => match kind(&value) {
            Kind::Graph(GraphKind::Prompt) => (None, Some(value)),
            Kind::Graph(GraphKind::Workflow(_)) => (Some(value), None),
            _ => return Err(failed(&"it holds its graph inside of something else")),
        },
        Content::Output(output) => (output.workflow, output.prompt),
        Content::Other(_) => return Err(failed(&"it is no workflow")),
    };
    if workflow.is_none() && prompt.is_none() {
        return Err(failed(&"it carries no workflow"));
    }
    Ok(Original { workflow, prompt, ..Original::default() })
}

/// Hashes and looks up on this machine what a workflow needs, and locks it.
fn locked(session: &Session, bench: &Bench, path: &Path, name: &Path) -> Result<Lock> {
    let original = graph(path)?;
    let known = plan::known(&original, &bench.catalog);
    // What does not run need not be there.
    let runs = |model: &ModelUse| model.at.iter().any(|site| site.off.is_none());
    let mut named = known.named.clone();
    named.models.retain(runs);
    let machine = &bench.machine;
    let modules = &machine.learned().modules;
    let mut failures = Failures::new();
    machine.look(modules, |look| look.settle_unknown(&mut named.models));
    let mut seen = machine.look(modules, |look| look.models(&named.models, &failures));
    if !seen.waiting.is_empty() {
        plan::hash(session, machine, seen.waiting, &mut failures)?;
        seen = machine.look(modules, |look| look.models(&named.models, &failures));
    }
    let wanted = Wanted::of(
        &known.run,
        &known.prompt,
        &named,
        &Records::default(),
        &machine.machine,
        &bench.catalog,
    );
    let now = SystemTime::now();
    let (packs, environment, inputs) = machine.look(modules, |look| {
        let found = look.inputs_again(&unknown(&wanted.inputs), now).into_iter();
        let inputs = wanted.inputs.iter().zip(found);
        let inputs = inputs.map(|(input, found)| LockedInput::of(input, found.sha256));
        (look.packs(&named.classes, now), look.environment().0, inputs.collect())
    });
    let file = name.file_name().unwrap_or_default().to_string_lossy();
    let (facts, unplaced) = (&packs.facts, &packs.unplaced);
    Ok(Lock::of(&file, &named, &seen.facts, facts, unplaced, &environment, inputs))
}

/// The files under their names, whatever the workflow remembers of their bytes.
fn unknown(inputs: &[InputWanted]) -> Vec<InputWanted> {
    inputs.iter().map(|input| InputWanted { sha256: None, ..input.clone() }).collect()
}

/// Writes the lock if it says something else than the one that is there.
fn keep(session: &Session, lock: &Lock, target: &Path, name: &Path) -> Result<()> {
    let text = lock.print();
    let same = std::fs::read(target).is_ok_and(|known| known == text.as_bytes());
    if !same {
        write_file::write(target, text.as_bytes())?;
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
    session.ui.tell(&format!("{name}: {models}, {packs}{inputs}{state}"))?;
    for gap in lock.gaps() {
        session.ui.say(&format!("  {}", sanitize::line(&gap)));
    }
    Ok(())
}

fn export(args: &Args, session: &Session, exported: &Exported) -> Result<Exit> {
    for left in &exported.left {
        session.ui.say(&format!("left out: {}", sanitize::line(left)));
    }
    if args.manager_snapshot {
        session.ui.say("restoring a snapshot switches off the packs that it does not list");
    }
    match &args.output {
        Some(output) => write(&session.cwd.join(output), &exported.text, Over::Nothing)?,
        None => session.ui.out(&sanitize::json(&exported.text))?,
    }
    Ok(Exit::Done)
}
