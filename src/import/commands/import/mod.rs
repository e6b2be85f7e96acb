//! `git comfy import`: exported workflows become history.
//!
//! First a plan (`import::model`), which is shown and can be edited; then one commit for each
//! version. Files are only read. What is in the history already is left out, so that
//! bringing the same folder in again adds only what is new.

pub mod ask;
pub mod carry;
pub mod exports;
pub mod outputs;
pub mod plan;
pub mod source;
pub mod steps;

use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::merging::driver;
use crate::platform::git::Repository;
use crate::platform::git::shell::typed_name;
use crate::platform::text::sanitize;
use crate::runs::folders::Folders;
use crate::runs::run_store::Shelf;
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
pub struct Args {
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

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository().map_err(|error| {
        Failure::from(error)
            .hint("make one where the workflows are to be: git init; git comfy init")
    })?;
    repository.require_work_tree()?;
    let folder = session.cwd.join(&args.folder);
    if !folder.is_dir() {
        let name = args.folder.to_string_lossy();
        return Err(Failure::new(format!("{} is no folder", sanitize::line(&name))));
    }
    check(args, &repository, session)?;
    let mut shelf = args.outputs.then(|| Shelf::open(session)).transpose()?;
    let (lines, doubts) = match (&args.plan, &shelf) {
        (Some(file), _) => (plan::read(&session.cwd.join(file))?, 0),
        (None, Some(shelf)) => {
            let top = place_of(args, session, &repository)?;
            let folders = Folders::of(session, &repository)?;
            (outputs::plan(&folder, &top, shelf, &folders, session)?, 0)
        }
        (None, None) => match planned(args, &folder, session, &repository)? {
            Some(planned) => planned,
            None => return Ok(Exit::Done),
        },
    };
    if let Some(file) = &args.write_plan {
        return plan::write(&session.cwd.join(file), lines, session);
    }
    let doing = if args.dry_run { carry::Doing::Telling } else { carry::Doing::Committing };
    let done = carry::carry_out(&lines, &folder, doing, (&repository, shelf.as_ref()), session)?;
    tell_end(args, &done, doubts, session);
    if let Some(shelf) = shelf.as_mut().filter(|_| !args.dry_run) {
        let folders = Folders::of(session, &repository)?;
        outputs::record(folder, shelf, &folders, session)?;
    }
    Ok(Exit::Done)
}

/// Whether there may be new commits here, and whether git knows what to do with them.
fn check(args: &Args, repository: &Repository, session: &Session) -> Result<()> {
    if let Some(step) = driver::next_step(repository).filter(|_| !args.dry_run) {
        return Err(Failure::new("git is in the middle of something")
            .hint(format!("first: {step}, or its --abort")));
    }
    if repository.settings("filter.comfy.")?.is_empty() {
        session.ui.say("note: `git comfy init` is still to be done here: without it git shows");
        session.ui.say("      the positions in every file as a change");
    }
    Ok(())
}

/// The plan for the folder, with the doubts settled that could be, and how many were left
/// to the names. Nothing where the person wants none of it.
fn planned(
    args: &Args,
    folder: &Path,
    session: &Session,
    repository: &Repository,
) -> Result<Option<(Vec<plan::Line>, usize)>> {
    let top = place_of(args, session, repository)?;
    let mut planned = exports::plan(folder, session)?;
    let remarks = std::mem::take(&mut planned.remarks);
    let asks = args.write_plan.is_none() && !args.dry_run && ask::is_possible();
    let mut doubts = remarks.len();
    if asks && doubts > 0 {
        let stdin = std::io::stdin();
        if ask::settle(&mut planned, &remarks, &mut stdin.lock(), session.ui)? == ask::End::Stopped
        {
            session.ui.say("nothing was done");
            return Ok(None);
        }
        doubts = 0;
    } else {
        remarks.iter().for_each(|remark| session.ui.say(&format!("note: {}", ask::told(remark))));
    }
    Ok(Some((plan::lines(planned, &top), doubts)))
}

/// The folder of the work tree that workflows go into, from its top, with a slash behind;
/// empty for the top.
fn place_of(args: &Args, session: &Session, repository: &Repository) -> Result<String> {
    let folder = match &args.into {
        Some(folder) => session.cwd.join(folder),
        None => session.cwd.clone(),
    };
    let outside = || {
        let name = folder.to_string_lossy();
        Failure::new(format!("{} is not in the work tree", sanitize::line(&name)))
    };
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let top = real(repository.require_work_tree()?).ok_or_else(outside)?;
    // It need not be there yet.
    let there = folder.ancestors().find_map(|part| Some((part, real(part)?)));
    let (part, found) = there.ok_or_else(outside)?;
    let rest = folder.strip_prefix(part).map_err(|_| outside())?;
    let below = found.strip_prefix(&top).map_err(|_| outside())?.join(rest);
    let mut text = String::new();
    for part in below.components() {
        let std::path::Component::Normal(part) = part else { return Err(outside()) };
        text.push_str(part.to_str().ok_or_else(outside)?);
        text.push('/');
    }
    Ok(text)
}

fn tell_end(args: &Args, done: &carry::Done, doubts: usize, session: &Session) {
    let carry::Done { commits, known, before } = done;
    let there = if *known > 0 { format!("; {known} in history already") } else { String::new() };
    let counted = match commits {
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    if *commits == 0 {
        session.ui.say(&format!("nothing new to commit{there}"));
        return;
    }
    let folder = typed_name(&args.folder);
    if args.dry_run {
        session.ui.say(&format!("{counted} would be made{there}"));
    } else {
        let files = if args.outputs { "outputs" } else { "exports" };
        session.ui.say(&format!("{counted} made{there}; the {files} lie where they were"));
    }
    if doubts > 0 {
        let plan = format!("git comfy import {folder} --write-plan plan.json");
        match before {
            _ if args.dry_run => session.ui.say(&format!("to decide it otherwise: {plan}")),
            Some(before) => session.ui.say(&format!(
                "to decide the notes otherwise: git reset --keep {before}, then {plan}"
            )),
            None => session.ui.say(&format!("another time {plan} lets you decide the notes")),
        }
    }
}
