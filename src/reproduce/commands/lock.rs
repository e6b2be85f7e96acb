//! `git comfy lock`: the environment a workflow needs, as one file beside it.

use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::file_argument;
use crate::platform::git::changes;
use crate::platform::output_argument::{Overwrite, write_output_file};
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::reproduce::lock_files::{is_lock_file, lock_path, lock_workflow, read_graph_file};
use crate::reproduce::plan::ReproductionContext;
use crate::reproduce::{ExportedSpec, Lock, to_comfy_build, to_manager_snapshot};
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

pub(crate) fn run(args: &LockArgs, session: &Session) -> Result<Exit> {
    let context = ReproductionContext::open(session)?;
    if context.machine.installation.is_none() {
        return Err(CommandError::config(
            "no ComfyUI was found on this machine, so nothing can be locked",
        )
        .with_hint("git config comfy.root <folder of ComfyUI>"));
    }
    if let Some(file) = &args.file {
        let lock = lock_workflow(session, &context, &session.cwd.join(file), file)?;
        if args.manager_snapshot || args.comfy_cli {
            let exported =
                if args.comfy_cli { to_comfy_build(&lock) } else { to_manager_snapshot(&lock) };
            return write_export(args, session, &exported);
        }
        let target = args.output.clone().unwrap_or_else(|| lock_path(file));
        write_if_changed(session, &lock, &session.cwd.join(&target), &target)?;
        return Ok(Exit::Done);
    }
    let Some(head) = context.run_store.repository.head()? else {
        return Err(CommandError::repository("there is no commit yet")
            .with_hint("git comfy lock portrait.json"));
    };
    let top = context.run_store.repository.require_work_tree()?.to_owned();
    for found in changes::workflows_at(&context.run_store.repository, head)? {
        let name = PathBuf::from(found.path.to_string());
        let path = top.join(&name);
        if is_lock_file(&name) || !path.is_file() || read_graph_file(&path).is_err() {
            continue;
        }
        let lock = lock_workflow(session, &context, &path, &name)?;
        write_if_changed(session, &lock, &lock_path(&path), &lock_path(&name))?;
    }
    Ok(Exit::Done)
}

/// Writes the lock if it says something else than the one that is there.
fn write_if_changed(session: &Session, lock: &Lock, target: &Path, name: &Path) -> Result<()> {
    let text = lock.to_json();
    let same = std::fs::read(target).is_ok_and(|known| known == text.as_bytes());
    if !same {
        file_argument::replace_file(target, text.as_bytes())?;
    }
    let name = sanitize::path(name);
    let (models, packs) = (
        counted(lock.models.len(), "model", "models"),
        counted(lock.packs.len(), "node pack", "node packs"),
    );
    let inputs = match lock.inputs.len() {
        0 => String::new(),
        inputs => format!(", {}", counted(inputs, "input file", "input files")),
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
