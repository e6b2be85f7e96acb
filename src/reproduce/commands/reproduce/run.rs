//! `git comfy reproduce --run`: the prompt queued again, and what comes out compared with
//! the original.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use comfy_graph::json::Value;
use serde_json::json;

use super::{Args, Ready, apply};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::reproduce::{self, Agreement, Check, InputState, Renames, Repaired, describe};
use crate::runs::file::may_be_output;
use crate::runs::model::{Comparison, Derived, Parent, Verdict};
use crate::runs::queue::Job;
use crate::runs::queueing::{
    Delivered, Done, Line, Originals, ServerArgs, Target, Went, hold_against, problem,
};
use crate::runs::source_of_picture::Original;
use crate::runs::text::lineage;
use crate::session::Session;

/// The number of the JSON form, raised when a reader of it would break.
const SCHEMA: u32 = 1;
/// Reasons for a difference that are told.
const MOST_REASONS: usize = 6;

/// What running asks for.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
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
pub(crate) fn run(args: &Args, session: &Session, ready: &Ready) -> Result<Exit> {
    let check = &ready.plan.check;
    if describe::reasons(check).iter().any(|reason| !reason.starts_with("unknown: ")) {
        session.ui.say(describe::tell(&ready.title(&args.what), check).trim_end());
    }
    let running = &args.running;
    let beside = ready.original.file.as_deref().and_then(Path::parent).unwrap_or(&session.cwd);
    let into = running.into.as_ref().map(|folder| session.cwd.join(folder));
    let target = Target { into, beside: beside.to_owned() };
    let mut line = Line::open(session, &running.server, target)?;
    let repaired = documents(&line, ready);
    let nothing = || Failure::new(format!("there is no prompt to run {}", ready.original.from));
    let prompt = repaired.prompt.as_ref().ok_or_else(nothing)?;
    let originals = originals(&line, &ready.original)?;
    let parent = line.parent(&ready.original, Derived::Reproduced, Vec::new())?;
    put_inputs_back(session, &line, ready)?;
    let workflow = canvas(ready, &repaired);
    let id = line.queue(&Job { prompt, workflow, parent: parent.as_ref() })?;
    session.ui.say(&format!("queued as {}", sanitize::line(&id)));
    let Went::Done(done) = line.follow(&id, prompt)? else { return Ok(Exit::Stopped) };
    let Done { mut evidence, delivered } = *done;
    evidence.run.parent = parent.clone();
    if evidence.run.committed.is_none() {
        evidence.run.committed.clone_from(&ready.original.site);
    }
    let compared = hold_against(&originals, &delivered);
    evidence.run.compared.clone_from(&compared);
    let trouble = problem(&evidence.run, prompt);
    let computed = !evidence.run.outputs.is_empty();
    line.record(evidence)?;
    if let Some(trouble) = trouble {
        return Err(Failure::new(trouble).hint(format!("git comfy runs show {id}")));
    }
    let reasons = likely(check);
    let (id, parent, compared) = (&id, parent.as_ref(), &compared);
    let unknown = unknown(check);
    let told = Told { id, parent, computed, compared, reasons, unknown };
    let text = if args.json { told.json(&delivered) } else { told.words(&delivered) };
    session.ui.out(&text)?;
    let same = compared.iter().all(Comparison::is_same);
    Ok(if same { Exit::Done } else { Exit::Found })
}

/// The workflow that outputs are to carry: that of the original itself where nothing had to
/// be repaired, so that the files are the same as far as they can be.
fn canvas<'r>(ready: &'r Ready, repaired: &'r Repaired) -> Option<&'r Value> {
    let foreign = repaired.agreement == Agreement::Foreign;
    match &ready.original.workflow {
        Some(workflow) if repaired.renamed == 0 && !foreign => Some(workflow),
        _ => repaired.workflow.as_ref(),
    }
}

/// The documents to run. What is called otherwise on this machine says nothing about a
/// server elsewhere.
fn documents<'r>(line: &Line<'_>, ready: &'r Ready) -> Cow<'r, Repaired> {
    if line.client.server().address().is_on_this_machine() {
        return Cow::Borrowed(&ready.repaired);
    }
    let (workflow, prompt) = ready.original.documents();
    let catalog = &ready.plan.catalog;
    Cow::Owned(reproduce::repair(workflow, prompt, &Renames::default(), catalog))
}

/// Uploads input files that were lost and whose bytes are known.
fn put_inputs_back(session: &Session, line: &Line<'_>, ready: &Ready) -> Result<()> {
    for input in &ready.plan.check.inputs {
        let InputState::Restorable { from } = &input.state else { continue };
        let Some(sha256) = &input.sha256 else { continue };
        let bytes = apply::lost(&line.shelf.repository, from, sha256)?;
        let name = line.client.upload(&input.name, &bytes)?;
        let shown = sanitize::line(&input.name).into_owned();
        if name != input.name {
            return Err(Failure::new(format!(
                "ComfyUI's input folder holds another {shown} already: it is called {} there now",
                sanitize::line(&name)
            ))
            .hint("move the other one away, then try again"));
        }
        session.ui.say(&format!("{shown} is in ComfyUI's input folder again"));
    }
    Ok(())
}

/// What there is to compare with.
fn originals(line: &Line<'_>, original: &Original) -> Result<Originals> {
    let of_run = original.run.as_ref().map(|run| Originals::of_run(run, &line.folders));
    let of_run = of_run.unwrap_or_default();
    let Some(file) = original.file.as_ref().filter(|file| may_be_output(file)) else {
        return Ok(of_run);
    };
    let named = Originals::file(file, original.run.as_ref())?;
    // A copy from the web is not what was made.
    let is_copy = !named.is_of(original.run.as_ref()) && of_run.are_here();
    Ok(if is_copy { of_run } else { named })
}

/// What is known to be different here, and may be why the picture is. What is missing is
/// not: the server has run it.
fn likely(check: &Check) -> Vec<String> {
    let reasons = describe::reasons(check).into_iter();
    let other = |reason: String| {
        let (word, told) = reason.split_once(": ")?;
        matches!(word, "other" | "changed" | "replaced").then(|| told.to_owned())
    };
    reasons.filter_map(other).collect()
}

/// What may be different here, as nobody knows it.
fn unknown(check: &Check) -> Vec<String> {
    let reasons = describe::reasons(check).into_iter();
    let what = |reason: String| Some(reason.strip_prefix("unknown: ")?.split_once(": ")?.0.into());
    reasons.filter_map(what).collect()
}

struct Told<'t> {
    id: &'t str,
    parent: Option<&'t Parent>,
    computed: bool,
    compared: &'t [Comparison],
    /// What may be behind a difference.
    reasons: Vec<String>,
    /// What nobody knows enough of.
    unknown: Vec<String>,
}

impl Told<'_> {
    fn words(&self, delivered: &[Delivered]) -> String {
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
                Verdict::Bytes | Verdict::Pixels => lineage::verdict(found),
                _ => format!("not the same: {}", lineage::verdict(found)),
            };
            out += &format!("{} ({})\n", sanitize::line(&told), sanitize::line(&found.original));
        }
        if !self.compared.iter().all(Comparison::is_same) {
            for reason in self.reasons.iter().take(MOST_REASONS) {
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

    fn json(&self, delivered: &[Delivered]) -> String {
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
            "same": self.compared.iter().all(Comparison::is_same),
        });
        format!("{}\n", sanitize::json(&value.to_string()))
    }
}
