//! `git comfy reproduce --run`: the prompt queued again, and what comes out compared with
//! the original.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use comfy_graph::json::Value;

use super::ReproduceArgs;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::reproduce::lost_inputs::read_lost_bytes;
use crate::reproduce::plan::PreparedReproduction;
use crate::reproduce::rerun_report::{RerunReport, likely_reasons, unknown_parts};
use crate::reproduce::{
    self, DocumentAgreement, FileRenames, InputState, RepairedDocuments, describe,
};
use crate::runs::comfy_client::QueueRequest;
use crate::runs::media_file::may_be_output;
use crate::runs::queue_session::{
    FinishedRun, OriginalFiles, OutputDestination, QueueSession, RunEnd, ServerArgs,
    compare_with_originals, describe_failure,
};
use crate::runs::run_data::{Derivation, OutputComparison};
use crate::runs::source_of_picture::PictureSource;
use crate::session::Session;

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
    let mut queue = QueueSession::open(session, &running.server, target)?;
    let repaired = documents_for_server(&queue, ready);
    let nothing =
        || CommandError::user(format!("there is no prompt to run {}", ready.original.description));
    let prompt = repaired.prompt.as_ref().ok_or_else(nothing)?;
    let originals = originals_to_compare(&queue, &ready.original)?;
    let parent = queue.record_parent(&ready.original, Derivation::Reproduced, Vec::new())?;
    upload_lost_inputs(session, &queue, ready)?;
    let workflow = workflow_to_embed(ready, &repaired);
    let id = queue.queue_prompt(&QueueRequest { prompt, workflow, parent: parent.as_ref() })?;
    session.ui.info(&format!("queued as {}", sanitize::line(&id)));
    let RunEnd::Done(done) = queue.follow_run(&id, prompt)? else { return Ok(Exit::Interrupted) };
    let FinishedRun { mut evidence, outputs: delivered } = *done;
    evidence.run.parent = parent.clone();
    if evidence.run.committed.is_none() {
        evidence.run.committed.clone_from(&ready.original.committed);
    }
    let compared = compare_with_originals(&originals, &delivered);
    evidence.run.compared.clone_from(&compared);
    let trouble = describe_failure(&evidence.run, prompt);
    let computed = !evidence.run.outputs.is_empty();
    queue.record_run(evidence)?;
    if let Some(trouble) = trouble {
        return Err(CommandError::server(trouble).with_hint(format!("git comfy runs show {id}")));
    }
    let reasons = likely_reasons(check);
    let (id, parent, compared) = (&id, parent.as_ref(), &compared);
    let unknown = unknown_parts(check);
    let report = RerunReport { id, parent, computed, compared, reasons, unknown };
    let text = if args.json { report.to_json(&delivered) } else { report.to_text(&delivered) };
    session.ui.print(&text)?;
    let same = compared.iter().all(OutputComparison::is_same);
    Ok(if same { Exit::Done } else { Exit::Negative })
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
    queue: &QueueSession<'_>,
    ready: &'r PreparedReproduction,
) -> Cow<'r, RepairedDocuments> {
    if queue.client.server().address().is_on_this_machine() {
        return Cow::Borrowed(&ready.repaired);
    }
    let (workflow, prompt) = ready.original.clean_documents();
    let catalog = &ready.plan.catalog;
    Cow::Owned(reproduce::repair_documents(workflow, prompt, &FileRenames::default(), catalog))
}

/// Uploads input files that were lost and whose bytes are known.
fn upload_lost_inputs(
    session: &Session,
    queue: &QueueSession<'_>,
    ready: &PreparedReproduction,
) -> Result<()> {
    for input in &ready.plan.check.inputs {
        let InputState::Restorable { from } = &input.state else { continue };
        let Some(sha256) = &input.sha256 else { continue };
        let bytes = read_lost_bytes(&queue.run_store.repository, from, sha256)?;
        let name = queue.client.upload_input(&input.name, &bytes)?;
        let shown = sanitize::line(&input.name).into_owned();
        if name != input.name {
            return Err(CommandError::server(format!(
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
    queue: &QueueSession<'_>,
    original: &PictureSource,
) -> Result<OriginalFiles> {
    let of_run = original.run.as_ref().map(|run| OriginalFiles::from_run(run, &queue.folders));
    let of_run = of_run.unwrap_or_default();
    let Some(file) = original.file.as_ref().filter(|file| may_be_output(file)) else {
        return Ok(of_run);
    };
    let named = OriginalFiles::from_file(file, original.run.as_ref())?;
    // A copy from the web is not what was made.
    let is_copy = !named.belong_to(original.run.as_ref()) && of_run.any_present();
    Ok(if is_copy { of_run } else { named })
}
