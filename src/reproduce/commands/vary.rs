//! `git comfy vary`: variations of a known run, each recorded with what it varies.

use std::path::PathBuf;

use comfy_graph::catalog::Catalog;
use comfy_graph::graph::{Prompt, Workflow};
use comfy_graph::json::Value;
use serde_json::json;

use crate::differences::fallback_repository;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::reproduce::plan;
use crate::reproduce::vary::{self, Variation, VaryError, canvas_aliases};
use crate::reproduce::{self, FileRenames};
use crate::runs::comfy_client::QueueRequest;
use crate::runs::queue_session::{
    FinishedRun, OutputDestination, QueueSession, RunEnd, ServerArgs, describe_failure,
};
use crate::runs::run_data::{Derivation, InputSetting};
use crate::runs::source_of_picture::{self, PictureSource};
use crate::runs::text::lineage;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy vary fox.png --set seed=7                    one more, with another seed
  git comfy vary fox.png --set KSampler.cfg=6..8/0.5     five guidance scales
  git comfy vary 5f0c --set steps=20,30 --set seed=1..3  six: every combination
  git comfy vary fox.png --set \"What to see.text=a cat\" -n  what would run

NODE is the title, class or id of a node (12:34 inside a subgraph), or of a subgraph or primitive
node that shows the value; it can be left out where only one input is called so. Texts hold commas as they are; write \"one\",\"another\" for several.";

/// Run a known run again with something set differently, once for every combination.
///
/// The plan is told first. Each variation is recorded with the run it varies and what was
/// set: git comfy runs tree shows them together.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct VaryArgs {
    /// A picture or other output, or the id of a run.
    #[arg(value_name = "IMAGE|RUN")]
    pub what: String,
    /// What to set, and to which values: one, a list 1,2,3, or a range 6..8/0.5.
    #[arg(long, value_name = "[NODE.]INPUT=VALUES", required = true)]
    pub set: Vec<String>,
    /// Only tell what would run.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Run up to so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    pub most: usize,
    /// Put what comes out into this folder.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Tell each variation as a JSON object in a line of its own.
    #[arg(long)]
    pub json: bool,
    /// How ComfyUI is reached.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Variations of which a plan tells each.
const MAX_SHOWN: usize = 40;
/// The number of the JSON form, raised when a reader of it would break.
const SCHEMA: u32 = 1;

/// Plans, tells the plan, and runs it. Exit 2: one of them at least failed.
pub(crate) fn run(args: &VaryArgs, session: &Session) -> Result<Exit> {
    fallback_repository::enter_if_outside(session)?;
    let mut original = source_of_picture::find_source(session, &args.what)?;
    original.look_up_run(session)?;
    let base = RunnableDocuments::prepare(session, &original, &args.server)?;
    let all = base.variations(&args.set, args.most).map_err(variation_failure)?;
    if !args.json || args.dry_run {
        let text = if args.json { plan_to_json(&all) } else { describe_plan(&original, &all) };
        session.ui.print(&text)?;
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let into = args.into.as_ref().map(|folder| session.cwd.join(folder));
    let target = OutputDestination { folder: into, default_folder: session.cwd.clone() };
    let mut line = QueueSession::open(session, &args.server, target)?;
    let jobs = queue_variations(&mut line, &original, &all, &base, session)?;
    follow_variations(args, session, &mut line, &jobs)
}

/// The documents of a run, repaired for where they are to run.
struct RunnableDocuments {
    workflow: Option<Value>,
    prompt: Prompt,
    catalog: Catalog,
}

impl RunnableDocuments {
    fn prepare(
        session: &Session,
        original: &PictureSource,
        server: &ServerArgs,
    ) -> Result<RunnableDocuments> {
        let plan = plan::plan_reproduction(session, original)?;
        let (workflow, prompt) = original.clean_documents();
        // What is called otherwise on this machine says nothing about one elsewhere.
        let repaired = match server.is_local(session)? {
            true => plan.repair(workflow, prompt),
            false => reproduce::repair_documents(
                workflow,
                prompt,
                &FileRenames::default(),
                &plan.catalog,
            ),
        };
        let prompt = repaired.prompt.and_then(|value| Prompt::from_value(value).ok());
        let nothing =
            || CommandError::user(format!("there is no prompt to vary {}", original.description));
        let (workflow, catalog) = (repaired.workflow, plan.catalog);
        Ok(RunnableDocuments { workflow, prompt: prompt.ok_or_else(nothing)?, catalog })
    }

    fn variations(
        &self,
        asked: &[String],
        most: usize,
    ) -> std::result::Result<Vec<Variation>, VaryError> {
        let canvas = self.workflow.clone().and_then(|value| Workflow::from_value(value).ok());
        let aliases =
            canvas.map(|canvas| canvas_aliases(&canvas, &self.catalog)).unwrap_or_default();
        let base =
            vary::VariationBase { prompt: &self.prompt, aliases: &aliases, catalog: &self.catalog };
        vary::list_variations(&base, asked, most)
    }
}

fn variation_failure(error: VaryError) -> CommandError {
    let failure = CommandError::user(sanitize::line(&error.to_string()).into_owned());
    match error {
        VaryError::TooMany { count, .. } => {
            failure.with_hint(format!("--most {count} runs them all"))
        }
        VaryError::Malformed(_) => failure.with_hint("for example --set KSampler.cfg=6..8/0.5"),
        _ => failure,
    }
}

fn describe_plan(original: &PictureSource, all: &[Variation]) -> String {
    let count = counted(all.len(), "variation", "variations");
    let mut out = format!("{count} {}:\n", sanitize::line(&original.description));
    for (number, variation) in all.iter().enumerate().take(MAX_SHOWN) {
        out += &format!("  {:>2}  {}\n", number + 1, describe_settings(&variation.set));
    }
    if all.len() > MAX_SHOWN {
        out += &format!("  and {} more\n", all.len() - MAX_SHOWN);
    }
    out
}

fn plan_to_json(all: &[Variation]) -> String {
    let line = |variation: &Variation| {
        let value = json!({ "schema": SCHEMA, "set": variation.set });
        format!("{}\n", sanitize::json(&value.to_string()))
    };
    all.iter().map(line).collect()
}

fn describe_settings(set: &[InputSetting]) -> String {
    if set.is_empty() {
        return "as it was".to_owned();
    }
    let set: Vec<String> = set.iter().map(lineage::describe_setting).collect();
    sanitize::line(&set.join(", ")).into_owned()
}

/// A variation in the queue.
struct QueuedVariation<'v> {
    id: String,
    variation: &'v Variation,
    prompt: Value,
}

fn queue_variations<'v>(
    line: &mut QueueSession<'_>,
    original: &PictureSource,
    all: &'v [Variation],
    base: &RunnableDocuments,
    session: &Session,
) -> Result<Vec<QueuedVariation<'v>>> {
    let mut queued = Vec::new();
    for (number, variation) in all.iter().enumerate() {
        let workflow = workflow_with_settings(base, variation);
        if workflow.is_none() && base.workflow.is_some() && number == 0 {
            session.ui.warn(
                "the canvas cannot show what is set: the outputs will carry the prompt alone",
            );
        }
        let parent = line.record_parent(original, Derivation::Varied, variation.set.clone())?;
        let prompt = variation.prompt.clone().into_value();
        let job =
            QueueRequest { prompt: &prompt, workflow: workflow.as_ref(), parent: parent.as_ref() };
        match line.queue_prompt(&job) {
            Ok(id) => queued.push(QueuedVariation { id, variation, prompt }),
            // What is wrong with the first is wrong with all.
            Err(failure) if queued.is_empty() => return Err(failure),
            Err(failure) => {
                session.ui.warn(&format!("{} is left out:", describe_settings(&variation.set)));
                session.ui.print_error(&failure);
            }
        }
    }
    Ok(queued)
}

/// The canvas with the same set in it, so that what the outputs carry agrees. Nothing where
/// it would not.
fn workflow_with_settings(base: &RunnableDocuments, variation: &Variation) -> Option<Value> {
    let prompt = variation.prompt.clone().into_value();
    let workflow = base.workflow.clone();
    let made =
        reproduce::repair_documents(workflow, Some(prompt), &FileRenames::default(), &base.catalog);
    let set = |node: &str| variation.set.iter().any(|setting| setting.node == node);
    let shows_it = !made.fixed.unpinned.iter().any(|node| set(node));
    made.workflow.filter(|_| shows_it)
}

fn follow_variations(
    args: &VaryArgs,
    session: &Session,
    line: &mut QueueSession<'_>,
    jobs: &[QueuedVariation<'_>],
) -> Result<Exit> {
    let mut exit = Exit::Done;
    for (number, job) in jobs.iter().enumerate() {
        let RunEnd::Done(done) = line.follow_run(&job.id, &job.prompt)? else {
            line.leave_queued(jobs[number + 1..].iter().map(|job| job.id.as_str()))?;
            return Ok(Exit::Interrupted);
        };
        let FinishedRun { evidence, outputs: delivered } = *done;
        let trouble = describe_failure(&evidence.run, &job.prompt);
        line.record_run(evidence)?;
        let files: Vec<String> =
            delivered.iter().map(|made| made.file.display().to_string()).collect();
        if trouble.is_some() {
            exit = Exit::Failed;
        }
        let text = if args.json {
            let value = json!({
                "schema": SCHEMA, "run": job.id, "set": job.variation.set, "files": files,
                "problem": trouble,
            });
            format!("{}\n", sanitize::json(&value.to_string()))
        } else {
            let made = match (&trouble, files.is_empty()) {
                (Some(trouble), _) => trouble.clone(),
                (None, true) => "made no files".to_owned(),
                (None, false) => sanitize::line(&files.join(", ")).into_owned(),
            };
            let of = jobs.len();
            format!("{}/{of}  {}\n  {made}\n", number + 1, describe_settings(&job.variation.set))
        };
        session.ui.print(&text)?;
    }
    Ok(exit)
}
