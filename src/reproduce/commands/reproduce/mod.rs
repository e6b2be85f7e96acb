//! `git comfy reproduce`: a picture made again, or a precise list of why not.
//!
//! ```text
//! what ──▶ its source ──▶ ReproductionPlan ──▶ PreparedReproduction ──▶ write | open | rerun
//! ```

pub mod apply;
pub mod plan;
pub mod run;

use std::io::IsTerminal;
use std::path::Path;

use comfy_graph::json::{self, Style, Value};
use plan::Plan;
use run::RunArgs;

use crate::differences::fallback_repository;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::machine::output_file::{Over, Target, write};
use crate::platform::text::sanitize;
use crate::reproduce::{Repaired, Verdict, describe};
use crate::runs::source_of_picture::{self, Original};
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
pub struct Args {
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
    pub target: Target,
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
    pub running: RunArgs,
}

/// Everything that is needed to make a picture again: what was found, and the two documents
/// repaired for this machine. Where `repaired.agreement` says so, ComfyUI makes this prompt of
/// this workflow.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What the person named.
    pub(crate) original: Original,
    /// What it needs, and what is here of it.
    pub(crate) plan: Plan,
    pub(crate) repaired: Repaired,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let mut ready = prepare(args, session)?;
    if args.apply && apply::run(session, &ready, args)? {
        // What was put right is looked at again.
        ready = prepare(args, session)?;
    }
    if args.check {
        tell(session, args, &ready)?;
        return Ok(match ready.plan.check.verdict {
            Verdict::Same => Exit::Done,
            Verdict::Repairable => Exit::Found,
            Verdict::NotHere => Exit::NotHere,
        });
    }
    if args.running.run {
        return run::run(args, session, &ready);
    }
    deliver(args, session, &ready)?;
    Ok(match ready.plan.check.verdict {
        Verdict::NotHere => Exit::NotHere,
        Verdict::Same | Verdict::Repairable => Exit::Done,
    })
}

/// Finds the original, looks at the machine and repairs the documents. What running it
/// begins with.
pub(crate) fn prepare(args: &Args, session: &Session) -> Result<Ready> {
    fallback_repository::take(session)?;
    let mut original = source_of_picture::of(session, &args.what)?;
    original.look_up(session)?;
    let plan = plan::plan(session, &original)?;
    let (workflow, prompt) = original.documents();
    let repaired = plan.repair(workflow, prompt);
    Ok(Ready { original, plan, repaired })
}

impl Ready {
    /// What is made again, in a line.
    pub(crate) fn title(&self, what: &str) -> String {
        let at = self.plan.wanted.at.as_deref().map(|at| format!(", made {at}"));
        // Where it is from is what the person wrote, unless it is a run found by its looks.
        let from = match self.original.from.contains(what) || self.original.site.is_some() {
            true => String::new(),
            false => format!(", {}", self.original.from),
        };
        format!("{what}{from}{}", at.unwrap_or_default())
    }

    fn run_id(&self) -> Option<&str> {
        self.original.run.as_ref().map(|run| run.id.as_str()).filter(|id| !id.is_empty())
    }

    /// The document that is asked for: the workflow, or the prompt; where there is no
    /// workflow, the prompt, which ComfyUI opens as well.
    fn document(&self, api: bool) -> Result<&Value> {
        let (workflow, prompt) = (&self.repaired.workflow, &self.repaired.prompt);
        let wanted = if api { prompt.as_ref() } else { workflow.as_ref().or(prompt.as_ref()) };
        wanted.ok_or_else(|| {
            Failure::new(format!("there is nothing to make again {}", self.original.from))
        })
    }
}

fn tell(session: &Session, args: &Args, ready: &Ready) -> Result<()> {
    let title = ready.title(&args.what);
    let told = match args.json {
        true => {
            let repaired = (!args.check).then_some(&ready.repaired);
            describe::json(&title, ready.run_id(), &ready.plan.check, repaired)
        }
        false => describe::tell(&title, &ready.plan.check),
    };
    Ok(session.ui.out(&told)?)
}

fn deliver(args: &Args, session: &Session, ready: &Ready) -> Result<()> {
    let text =
        json::print(ready.document(args.api)?, &Style { final_newline: true, ..Style::EXPORT });
    let done = |name: &str| {
        let what = if args.api { "the prompt" } else { "the workflow" };
        format!("{name}: {what} {}{}", ready.original.from, describe::repaired(&ready.repaired))
    };
    let target = match args.target.write(&text)? {
        None if args.open => Some(sanitize::line(&open(ready, args, &text)?).into_owned()),
        written => written,
    };
    // Standard output is for the one thing that was asked for.
    let is_piped = target.is_none() && !args.json && !std::io::stdout().is_terminal();
    if is_piped {
        session.ui.say(describe::tell(&ready.title(&args.what), &ready.plan.check).trim_end());
        return Ok(session.ui.out_bytes(text.as_bytes())?);
    }
    tell(session, args, ready)?;
    match target {
        Some(name) => session.ui.say(&done(&name)),
        None => session.ui.say("-o FILE writes the repaired workflow, --open puts it into ComfyUI"),
    }
    Ok(())
}

/// Puts the workflow where ComfyUI lists it, beside whatever is there. Gives the file.
fn open(ready: &Ready, args: &Args, text: &str) -> Result<String> {
    let Some(base) = &ready.plan.base else {
        return Err(Failure::new("no ComfyUI was found on this machine")
            .hint("git config comfy.root <folder of ComfyUI>"));
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
                write(&file, text, Over::Nothing)?;
                return Ok(file.display().to_string());
            }
        }
    }
    Err(Failure::new(format!("{} has a hundred of this name", folder.display())))
}
