//! `git comfy reproduce`: a picture made again, or a precise list of why not.
//!
//! ```text
//! what ──▶ its source ──▶ ReproductionPlan ──▶ PreparedReproduction ──▶ write | open | rerun
//! ```

pub(crate) mod apply;
pub(crate) mod rerun;

use std::io::IsTerminal;
use std::path::Path;

use comfy_graph::json::{self, JsonStyle};
use rerun::ReproduceRunArgs;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::output_argument::{OutputArgs, Overwrite, write_output_file};
use crate::platform::text::sanitize;
use crate::reproduce::plan::{PreparedReproduction, prepare_reproduction};
use crate::reproduce::{ReproductionVerdict, describe};
use crate::session::Session;

/// Make a picture again: check what it needs, repair the workflow.
///
/// The plan is shown: every model by its bytes, every node pack, every input file, ComfyUI
/// and what it runs on. The workflow that is written calls renamed models by their new
/// names and holds seeds fixed. Nothing is downloaded, and no code of a repository is run.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --check the exit code tells the verdict: 0 same, 1 repairable, 3 not reproducible here; \
2 means that the question could not be answered. Without it: 0, or 3 if it cannot be made here \
although the workflow was written. With --run: 0 the same picture, 1 another one or nobody can \
tell, 2 it failed, 130 left at Ctrl-C. docs/reproduce-schema.md describes --json.")]
pub struct ReproduceArgs {
    /// A picture or other output, the id of a run, or a revision (REV or REV:PATH).
    #[arg(value_name = "IMAGE|RUN|REV")]
    pub what: String,
    /// Only tell what is here of what it needs, and what is not.
    #[arg(long, conflicts_with_all = ["output", "api", "apply", "open"])]
    pub check: bool,
    /// Tell it for programs.
    #[arg(long)]
    pub json: bool,
    /// The file.
    #[command(flatten)]
    pub target: OutputArgs,
    /// The prompt in API format instead of the workflow.
    #[arg(long)]
    pub api: bool,
    /// Check out the node packs that were recorded, and put lost input files back.
    #[arg(long)]
    pub apply: bool,
    /// Do not ask before that.
    #[arg(long, requires = "apply")]
    pub yes: bool,
    /// Put the workflow where ComfyUI lists it.
    #[arg(long, conflicts_with_all = ["output", "api"])]
    pub open: bool,
    /// Running it again.
    #[command(flatten)]
    pub running: ReproduceRunArgs,
}

pub(crate) fn run(args: &ReproduceArgs, session: &Session) -> Result<Exit> {
    let mut ready = prepare_reproduction(session, &args.what)?;
    if args.apply && apply::apply_steps(session, &ready, args)? {
        // What was put right is looked at again.
        ready = prepare_reproduction(session, &args.what)?;
    }
    if args.check {
        print_check(session, args, &ready)?;
        return Ok(match ready.plan.check.verdict {
            ReproductionVerdict::Same => Exit::Done,
            ReproductionVerdict::Repairable => Exit::Negative,
            ReproductionVerdict::NotHere => Exit::CannotReproduce,
        });
    }
    if args.running.run {
        return rerun::rerun_prompt(args, session, &ready);
    }
    write_document(args, session, &ready)?;
    Ok(match ready.plan.check.verdict {
        ReproductionVerdict::NotHere => Exit::CannotReproduce,
        ReproductionVerdict::Same | ReproductionVerdict::Repairable => Exit::Done,
    })
}

fn print_check(
    session: &Session,
    args: &ReproduceArgs,
    ready: &PreparedReproduction,
) -> Result<()> {
    let title = ready.title(&args.what);
    let text = match args.json {
        true => {
            let repaired = (!args.check).then_some(&ready.repaired);
            describe::check_to_json(&title, ready.run_id(), &ready.plan.check, repaired)
        }
        false => describe::describe_check(&title, &ready.plan.check),
    };
    Ok(session.ui.print(&text)?)
}

fn write_document(
    args: &ReproduceArgs,
    session: &Session,
    ready: &PreparedReproduction,
) -> Result<()> {
    let text = json::print(
        ready.requested_document(args.api)?,
        &JsonStyle { final_newline: true, ..JsonStyle::EXPORT },
    );
    let done = |name: &str| {
        let what = if args.api { "the prompt" } else { "the workflow" };
        format!(
            "{name}: {what} {}{}",
            ready.original.description,
            describe::describe_repairs(&ready.repaired)
        )
    };
    let target = match args.target.write_if_named(&text)? {
        None if args.open => {
            Some(sanitize::line(&save_into_comfyui(ready, args, &text)?).into_owned())
        }
        written => written,
    };
    // Standard output is for the one thing that was asked for.
    let is_piped = target.is_none() && !args.json && !std::io::stdout().is_terminal();
    if is_piped {
        session
            .ui
            .info(describe::describe_check(&ready.title(&args.what), &ready.plan.check).trim_end());
        return Ok(session.ui.print_bytes(text.as_bytes())?);
    }
    print_check(session, args, ready)?;
    match target {
        Some(name) => session.ui.info(&done(&name)),
        None => {
            session.ui.info("-o FILE writes the repaired workflow, --open puts it into ComfyUI")
        }
    }
    Ok(())
}

/// Puts the workflow where ComfyUI lists it, beside whatever is there. Gives the file.
fn save_into_comfyui(
    ready: &PreparedReproduction,
    args: &ReproduceArgs,
    text: &str,
) -> Result<String> {
    let Some(base) = &ready.plan.base else {
        return Err(CommandError::config("no ComfyUI was found on this machine")
            .with_hint("git config comfy.root <folder of ComfyUI>"));
    };
    let folder = base.join("user").join("default").join("workflows");
    std::fs::create_dir_all(&folder)?;
    let name = args.what.rsplit([':', '/', '\\']).next().unwrap_or_default();
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or("picture");
    let plain = |c: char| if c.is_control() || "<>\"|?*".contains(c) { '_' } else { c };
    let stem: String = stem.chars().map(plain).take(80).collect();
    for number in 1..100 {
        let number = if number == 1 { String::new() } else { format!(" {number}") };
        let file = folder.join(format!("{stem} again{number}.json"));
        match std::fs::read(&file) {
            Ok(known) if known == text.as_bytes() => return Ok(file.display().to_string()),
            Ok(_) => {}
            Err(_) => {
                write_output_file(&file, text, Overwrite::Never)?;
                return Ok(file.display().to_string());
            }
        }
    }
    Err(CommandError::system(format!("{} has a hundred of this name", folder.display())))
}
