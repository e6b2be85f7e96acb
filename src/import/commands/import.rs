//! `git comfy import`: exported workflows become history.
//!
//! First a plan (`import::model`), which is shown and can be edited; then one commit for each
//! version. Files are only read. What is in the history already is left out, so that
//! bringing the same folder in again adds only what is new.

use std::path::{Component, Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::import::apply_plan::{ImportMode, ImportSummary};
use crate::import::plan_file::PlanLine;
use crate::import::{apply_plan, doubts, exports, outputs, plan_file};
use crate::merging::merge_status;
use crate::platform::git::Repository;
use crate::platform::git::shell::quote_path;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_store::RunStore;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy import ~/exports --dry-run       what would become of these files?
  git comfy import ~/exports                 one commit for each version
  git comfy import ~/exports --write-plan plan.json
  git comfy import ~/exports --plan plan.json    after editing it
  git comfy import --outputs ~/ComfyUI/output    the same from generated images

Names such as portrait-v7-final-2026-02-20.json, `portrait (1).json` and `portrait copy 2.json`
are versions of portrait.json. Nothing is deleted, and nothing is committed twice.";

/// Turn saved exports into history, a commit for each version.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// The folder with the exports, or with the outputs.
    folder: PathBuf,
    /// The folder holds what ComfyUI made: every graph that made something becomes a
    /// version, and the run behind each file is recorded.
    #[arg(long)]
    outputs: bool,
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
    /// The folder of the repository that the workflows go into; else the one you are in.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Write the plan into a file, to be edited, and do nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    write_plan: Option<PathBuf>,
    /// Do what the plan in this file says.
    #[arg(long, value_name = "FILE", conflicts_with = "write_plan")]
    plan: Option<PathBuf>,
}

pub(crate) fn run(args: &ImportArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository().map_err(|error| {
        CommandError::from(error)
            .with_hint("make one where the workflows are to be: git init; git comfy init")
    })?;
    repository.require_work_tree()?;
    let folder = session.cwd.join(&args.folder);
    if !folder.is_dir() {
        let name = args.folder.to_string_lossy();
        return Err(CommandError::user(format!("{} is no folder", sanitize::line(&name))));
    }
    check_preconditions(args, &repository, session)?;
    let mut run_store = args.outputs.then(|| RunStore::open(session)).transpose()?;
    let planned = match (&args.plan, &run_store) {
        (Some(file), _) => PlannedImport::settled(plan_file::read_plan(&session.cwd.join(file))?),
        (None, Some(run_store)) => {
            let top = target_folder(args, session, &repository)?;
            let folders = OutputFolders::detect(session, &repository)?;
            let lines = outputs::plan_outputs(&folder, &top, run_store, &folders, session)?;
            PlannedImport::settled(lines)
        }
        (None, None) => match plan_and_resolve_doubts(args, &folder, session, &repository)? {
            Some(planned) => planned,
            None => return Ok(Exit::Done),
        },
    };
    let PlannedImport { lines, doubts } = planned;
    if let Some(file) = &args.write_plan {
        return plan_file::write_plan(&session.cwd.join(file), lines, session);
    }
    let mode = if args.dry_run { ImportMode::DryRun } else { ImportMode::Commit };
    let store = run_store.as_ref();
    let done = apply_plan::apply_plan(&lines, &folder, mode, &repository, store, session)?;
    report_summary(args, &done, doubts, session);
    if let Some(run_store) = run_store.as_mut().filter(|_| !args.dry_run) {
        let folders = OutputFolders::detect(session, &repository)?;
        outputs::record_runs(folder, run_store, &folders, session)?;
    }
    Ok(Exit::Done)
}

/// What is to be imported.
struct PlannedImport {
    lines: Vec<PlanLine>,
    /// How many doubts were left to the names.
    doubts: usize,
}

impl PlannedImport {
    fn settled(lines: Vec<PlanLine>) -> PlannedImport {
        PlannedImport { lines, doubts: 0 }
    }
}

/// Whether there may be new commits here, and whether git knows what to do with them.
fn check_preconditions(
    args: &ImportArgs,
    repository: &Repository,
    session: &Session,
) -> Result<()> {
    if let Some(step) = merge_status::continue_command(repository).filter(|_| !args.dry_run) {
        return Err(CommandError::repository("git is in the middle of something")
            .with_hint(format!("first: {step}, or its --abort")));
    }
    if repository.settings("filter.comfy.")?.is_empty() {
        session.ui.info("note: `git comfy init` is still to be done here: without it git shows");
        session.ui.info("      the positions in every file as a change");
    }
    Ok(())
}

/// The plan for the folder, with the doubts settled that could be. Nothing where the person
/// wants none of it.
fn plan_and_resolve_doubts(
    args: &ImportArgs,
    folder: &Path,
    session: &Session,
    repository: &Repository,
) -> Result<Option<PlannedImport>> {
    let top = target_folder(args, session, repository)?;
    let mut planned = exports::plan_exports(folder, session)?;
    let remarks = std::mem::take(&mut planned.doubts);
    let asks = args.write_plan.is_none() && !args.dry_run && doubts::is_interactive();
    let mut doubts = remarks.len();
    if asks && doubts > 0 {
        let stdin = std::io::stdin();
        if doubts::ask_about_doubts(&mut planned, &remarks, &mut stdin.lock(), session.ui)?
            == doubts::DoubtsOutcome::Stopped
        {
            session.ui.info("nothing was done");
            return Ok(None);
        }
        doubts = 0;
    } else {
        remarks.iter().for_each(|remark| {
            session.ui.info(&format!("note: {}", doubts::describe_doubt(remark)))
        });
    }
    Ok(Some(PlannedImport { lines: plan_file::to_plan_lines(planned, &top), doubts }))
}

/// The folder of the work tree that workflows go into, from its top, with a slash behind;
/// empty for the top.
fn target_folder(args: &ImportArgs, session: &Session, repository: &Repository) -> Result<String> {
    let folder = match &args.into {
        Some(folder) => session.cwd.join(folder),
        None => session.cwd.clone(),
    };
    path_in_work_tree(repository.require_work_tree()?, &folder).ok_or_else(|| {
        let name = folder.to_string_lossy();
        CommandError::user(format!("{} is not in the work tree", sanitize::line(&name)))
    })
}

fn path_in_work_tree(top: &Path, folder: &Path) -> Option<String> {
    let top = std::fs::canonicalize(top).ok()?;
    // It need not be there yet.
    let (part, real) =
        folder.ancestors().find_map(|part| Some((part, std::fs::canonicalize(part).ok()?)))?;
    let rest = folder.strip_prefix(part).ok()?;
    let below = real.strip_prefix(&top).ok()?.join(rest);
    let mut text = String::new();
    for part in below.components() {
        let Component::Normal(part) = part else { return None };
        text.push_str(part.to_str()?);
        text.push('/');
    }
    Some(text)
}

fn report_summary(args: &ImportArgs, done: &ImportSummary, doubts: usize, session: &Session) {
    let ImportSummary { commits, already_known: known, previous_head: before } = done;
    let there = if *known > 0 { format!("; {known} in history already") } else { String::new() };
    let counted = counted(*commits, "commit", "commits");
    if *commits == 0 {
        session.ui.info(&format!("nothing new to commit{there}"));
        return;
    }
    let folder = quote_path(&args.folder);
    if args.dry_run {
        session.ui.info(&format!("{counted} would be made{there}"));
    } else {
        let files = if args.outputs { "outputs" } else { "exports" };
        session.ui.info(&format!("{counted} made{there}; the {files} lie where they were"));
    }
    if doubts > 0 {
        let plan = format!("git comfy import {folder} --write-plan plan.json");
        match before {
            _ if args.dry_run => session.ui.info(&format!("to decide it otherwise: {plan}")),
            Some(before) => session.ui.info(&format!(
                "to decide the notes otherwise: git reset --keep {before}, then {plan}"
            )),
            None => session.ui.info(&format!("another time {plan} lets you decide the notes")),
        }
    }
}
