//! `git comfy reproduce --run`: the prompt queued again, and what comes out compared with
//! the original.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use comfy_graph::json::Value;
use serde_json::json;

use super::{PreparedReproduction, ReproduceArgs, apply};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::reproduce::{
    self, DocumentAgreement, FileRenames, InputState, RepairedDocuments, ReproductionCheck,
    describe,
};
use crate::runs::comfy_client::QueueRequest;
use crate::runs::media_file::may_be_output;
use crate::runs::queue_session::{
    FetchedOutput, FinishedRun, OriginalFiles, OutputDestination, QueueSession, RunEnd, ServerArgs,
    compare_with_originals, describe_failure,
};
use crate::runs::run_data::{ComparisonVerdict, Derivation, OutputComparison, RunParent};
use crate::runs::source_of_picture::PictureSource;
use crate::runs::text::lineage;
use crate::session::Session;

/// The number of the JSON form, raised when a reader of it would break.
const SCHEMA: u32 = 1;
/// Reasons for a difference that are told.
const MAX_REASONS: usize = 6;

/// What running asks for.
#[derive(Debug, clap::Args)]
pub struct ReproduceRunArgs {
    /// Run it in ComfyUI, and hold what comes out against the original.
    #[arg(long, conflicts_with_all = ["check", "output", "api", "open"])]
    pub run: bool,
    /// Put what comes out into this folder.
    #[arg(long, value_name = "DIR", requires = "run")]
    pub into: Option<PathBuf>,
    /// How ComfyUI is reached.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Queues, follows, compares, records and tells. Exit 1: it is not the same.
pub(crate) fn rerun_prompt(
    args: &ReproduceArgs,
    session: &Session,
    ready: &PreparedReproduction,
) -> Result<Exit> {
    let check = &ready.plan.check;
    if describe::reasons(check).iter().any(|reason| !reason.starts_with("unknown: ")) {
        session.ui.info(describe::describe_check(&ready.title(&args.what), check).trim_end());
    }
    let running = &args.running;
    let beside = ready.original.file.as_deref().and_then(Path::parent).unwrap_or(&session.cwd);
    let into = running.into.as_ref().map(|folder| session.cwd.join(folder));
    let target = OutputDestination { folder: into, default_folder: beside.to_owned() };
    let mut line = QueueSession::open(session, &running.server, target)?;
    let repaired = documents_for_server(&line, ready);
    let nothing =
        || CommandError::new(format!("there is no prompt to run {}", ready.original.description));
    let prompt = repaired.prompt.as_ref().ok_or_else(nothing)?;
    let originals = originals_to_compare(&line, &ready.original)?;
    let parent = line.record_parent(&ready.original, Derivation::Reproduced, Vec::new())?;
    upload_lost_inputs(session, &line, ready)?;
    let workflow = workflow_to_embed(ready, &repaired);
    let id = line.queue_prompt(&QueueRequest { prompt, workflow, parent: parent.as_ref() })?;
    session.ui.info(&format!("queued as {}", sanitize::line(&id)));
    let RunEnd::Done(done) = line.follow_run(&id, prompt)? else { return Ok(Exit::Interrupted) };
    let FinishedRun { mut evidence, outputs: delivered } = *done;
    evidence.run.parent = parent.clone();
    if evidence.run.committed.is_none() {
        evidence.run.committed.clone_from(&ready.original.committed);
    }
    let compared = compare_with_originals(&originals, &delivered);
    evidence.run.compared.clone_from(&compared);
    let trouble = describe_failure(&evidence.run, prompt);
    let computed = !evidence.run.outputs.is_empty();
    line.record_run(evidence)?;
    if let Some(trouble) = trouble {
        return Err(CommandError::new(trouble).with_hint(format!("git comfy runs show {id}")));
    }
    let reasons = likely_reasons(check);
    let (id, parent, compared) = (&id, parent.as_ref(), &compared);
    let unknown = unknown_parts(check);
    let told = RerunReport { id, parent, computed, compared, reasons, unknown };
    let text = if args.json { told.to_json(&delivered) } else { told.to_text(&delivered) };
    session.ui.print(&text)?;
    let same = compared.iter().all(OutputComparison::is_same);
    Ok(if same { Exit::Done } else { Exit::Found })
}

/// The workflow that outputs are to carry: that of the original itself where nothing had to
/// be repaired, so that the files are the same as far as they can be.
fn workflow_to_embed<'r>(
    ready: &'r PreparedReproduction,
    repaired: &'r RepairedDocuments,
) -> Option<&'r Value> {
    let foreign = repaired.agreement == DocumentAgreement::Foreign;
    match &ready.original.workflow {
        Some(workflow) if repaired.renamed == 0 && !foreign => Some(workflow),
        _ => repaired.workflow.as_ref(),
    }
}

/// The documents to run. What is called otherwise on this machine says nothing about a
/// server elsewhere.
fn documents_for_server<'r>(
    line: &QueueSession<'_>,
    ready: &'r PreparedReproduction,
) -> Cow<'r, RepairedDocuments> {
    if line.client.server().address().is_on_this_machine() {
        return Cow::Borrowed(&ready.repaired);
    }
    let (workflow, prompt) = ready.original.clean_documents();
    let catalog = &ready.plan.catalog;
    Cow::Owned(reproduce::repair_documents(workflow, prompt, &FileRenames::default(), catalog))
}

/// Uploads input files that were lost and whose bytes are known.
fn upload_lost_inputs(
    session: &Session,
    line: &QueueSession<'_>,
    ready: &PreparedReproduction,
) -> Result<()> {
    for input in &ready.plan.check.inputs {
        let InputState::Restorable { from } = &input.state else { continue };
        let Some(sha256) = &input.sha256 else { continue };
        let bytes = apply::read_lost_bytes(&line.run_store.repository, from, sha256)?;
        let name = line.client.upload_input(&input.name, &bytes)?;
        let shown = sanitize::line(&input.name).into_owned();
        if name != input.name {
            return Err(CommandError::new(format!(
                "ComfyUI's input folder holds another {shown} already: it is called {} there now",
                sanitize::line(&name)
            ))
            .with_hint("move the other one away, then try again"));
        }
        session.ui.info(&format!("{shown} is in ComfyUI's input folder again"));
    }
    Ok(())
}

/// What there is to compare with.
fn originals_to_compare(
    line: &QueueSession<'_>,
    original: &PictureSource,
) -> Result<OriginalFiles> {
    let of_run = original.run.as_ref().map(|run| OriginalFiles::from_run(run, &line.folders));
    let of_run = of_run.unwrap_or_default();
    let Some(file) = original.file.as_ref().filter(|file| may_be_output(file)) else {
        return Ok(of_run);
    };
    let named = OriginalFiles::from_file(file, original.run.as_ref())?;
    // A copy from the web is not what was made.
    let is_copy = !named.belong_to(original.run.as_ref()) && of_run.any_present();
    Ok(if is_copy { of_run } else { named })
}

/// What is known to be different here, and may be why the picture is. What is missing is
/// not: the server has run it.
fn likely_reasons(check: &ReproductionCheck) -> Vec<String> {
    let reasons = describe::reasons(check).into_iter();
    let other = |reason: String| {
        let (word, told) = reason.split_once(": ")?;
        matches!(word, "other" | "changed" | "replaced").then(|| told.to_owned())
    };
    reasons.filter_map(other).collect()
}

/// What may be different here, as nobody knows it.
fn unknown_parts(check: &ReproductionCheck) -> Vec<String> {
    let reasons = describe::reasons(check).into_iter();
    let what = |reason: String| Some(reason.strip_prefix("unknown: ")?.split_once(": ")?.0.into());
    reasons.filter_map(what).collect()
}

struct RerunReport<'t> {
    id: &'t str,
    parent: Option<&'t RunParent>,
    computed: bool,
    compared: &'t [OutputComparison],
    /// What may be behind a difference.
    reasons: Vec<String>,
    /// What nobody knows enough of.
    unknown: Vec<String>,
}

impl RerunReport<'_> {
    fn to_text(&self, delivered: &[FetchedOutput]) -> String {
        let mut out = String::new();
        for made in delivered {
            out += &format!("made {}\n", sanitize::line(&made.file.display().to_string()));
        }
        if !self.computed && !delivered.is_empty() {
            out += "  ComfyUI computed nothing: it still had the result of an earlier run \
                    (--fresh makes it forget)\n";
        }
        for found in self.compared {
            let told = match found.verdict {
                ComparisonVerdict::Bytes | ComparisonVerdict::Pixels => {
                    lineage::describe_verdict(found)
                }
                _ => format!("not the same: {}", lineage::describe_verdict(found)),
            };
            out += &format!("{} ({})\n", sanitize::line(&told), sanitize::line(&found.original));
        }
        if !self.compared.iter().all(OutputComparison::is_same) {
            for reason in self.reasons.iter().take(MAX_REASONS) {
                out += &format!("  perhaps because of {}\n", sanitize::line(reason));
            }
            if self.reasons.is_empty() && !self.compared.is_empty() {
                out += &match self.unknown.is_empty() {
                    true => "  nothing that was recorded explains it; the number of threads, \
                             for one, is recorded nowhere\n"
                        .to_owned(),
                    false => format!(
                        "  nobody recorded then, or knows now: {}\n",
                        sanitize::line(&self.unknown.join(", "))
                    ),
                };
            }
        }
        if self.compared.is_empty() {
            out += "there is nothing to compare it with\n";
        }
        out
    }

    fn to_json(&self, delivered: &[FetchedOutput]) -> String {
        let outputs: Vec<_> = delivered
            .iter()
            .map(|made| json!({ "path": made.output.path, "file": made.file }))
            .collect();
        let value = json!({
            "schema": SCHEMA,
            "run": self.id,
            "parent": self.parent.map(|parent| &parent.run),
            "computed": self.computed,
            "outputs": outputs,
            "compared": self.compared,
            "reasons": self.reasons,
            "same": self.compared.iter().all(OutputComparison::is_same),
        });
        format!("{}\n", sanitize::json(&value.to_string()))
    }
}
