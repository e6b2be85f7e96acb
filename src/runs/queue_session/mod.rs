//! Prompts in the queue of a ComfyUI: put there, followed, recorded with what they are
//! made from. Shared by commands; no command itself.

pub(crate) mod outputs;
pub(crate) mod progress;

pub(crate) use outputs::{FetchedOutput, OriginalFiles, OutputDestination, compare_with_originals};

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use comfy_graph::graph::Prompt;
use comfy_graph::json::Value;
use progress::RunProgress;

use super::comfy_client::{ClientError, ComfyClient, FollowControl, FollowResult, QueueRequest};
use super::live_run_facts::MachineFacts;
use super::media_file::InspectError;
use super::output_folders::OutputFolders;
use super::run_batch::RunBatch;
use super::run_data::RunEvidence;
use super::run_store::RunStore;
use super::source_of_picture::PictureSource;
use super::{live_runs, media_file, server_queries};
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git::Repository;
use crate::platform::machine::interrupt;
use crate::platform::machine::server::ServerAddress;
use crate::platform::text::sanitize;
use crate::runs::comfy_client::{NodeError, Rejection};
use crate::runs::run_data::{Derivation, HistoryEntry, InputSetting, Run, RunOutcome, RunParent};
use crate::session::Session;

/// How a ComfyUI is reached, and what becomes of a run at Ctrl-C.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerArgs {
    /// The address of the ComfyUI; else git config comfy.server, else this machine's.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Have ComfyUI forget what it computed before, so that everything is computed anew; it
    /// loads its models anew, too.
    #[arg(long)]
    pub fresh: bool,
    /// Ctrl-C also stops the run in ComfyUI; else it goes on there.
    #[arg(long)]
    pub stop: bool,
    /// Give a server up that is silent for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, hide = true)]
    pub patience: u64,
}

impl ServerArgs {
    /// Whether the ComfyUI is one of this machine.
    pub(crate) fn is_local(&self, session: &Session) -> Result<bool> {
        match session.repository() {
            Ok(repository) => Ok(required_address(session, &repository, self.server.as_deref())?
                .is_on_this_machine()),
            Err(_) => Ok(true),
        }
    }
}

/// A connection to a ComfyUI, and what is needed to record the runs it makes.
pub(crate) struct QueueSession<'s> {
    session: &'s Session,
    pub(crate) client: ComfyClient,
    pub(crate) run_store: RunStore,
    pub(crate) folders: OutputFolders,
    machine_facts: MachineFacts,
    target: OutputDestination,
    stop: bool,
    /// How often Ctrl-C was pressed.
    interrupts: Arc<AtomicUsize>,
}

/// Counts Ctrl-C from now on; the second ends the program at once.
fn count_interrupts() -> Arc<AtomicUsize> {
    let interrupts = Arc::new(AtomicUsize::new(0));
    let counter = interrupts.clone();
    interrupt::on_interrupt(move || {
        if counter.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    interrupts
}

/// How a run went.
pub(crate) enum RunEnd {
    /// It ended; the caller records it.
    Done(Box<FinishedRun>),
    /// The person left before.
    Left,
}

pub(crate) struct FinishedRun {
    /// What the server, the files and this machine say of it.
    pub(crate) evidence: RunEvidence,
    /// What it made, where it lies here.
    pub(crate) outputs: Vec<FetchedOutput>,
}

impl<'s> QueueSession<'s> {
    /// Connects to the ComfyUI that the person named.
    pub(crate) fn open(
        session: &'s Session,
        args: &ServerArgs,
        target: OutputDestination,
    ) -> Result<QueueSession<'s>> {
        let run_store = RunStore::open(session)?;
        let address = required_address(session, &run_store.repository, args.server.as_deref())?;
        let client = ComfyClient::connect(&address, Duration::from_secs(args.patience));
        client.server().system_stats().map_err(|error| {
            let hint = "start ComfyUI, or name its address: --server HOST:PORT, or \
                        git config comfy.server";
            if error.is_unreachable() {
                CommandError::server(format!("no ComfyUI answers at {address}")).with_hint(hint)
            } else {
                CommandError::from(error).with_hint(hint)
            }
        })?;
        if args.fresh {
            client.free_memory()?;
        }
        let folders = OutputFolders::detect(session, &run_store.repository)?;
        let (machine, stop) = (MachineFacts::for_server(address), args.stop);
        let interrupts = count_interrupts();
        Ok(QueueSession {
            session,
            client,
            run_store,
            folders,
            machine_facts: machine,
            target,
            stop,
            interrupts,
        })
    }

    /// What a run that is made from an original has for its parent. An original that is
    /// known by its file alone is recorded first, so that the two can be told together.
    pub(crate) fn record_parent(
        &mut self,
        original: &PictureSource,
        how: Derivation,
        set: Vec<InputSetting>,
    ) -> Result<Option<RunParent>> {
        let Some(run) = &original.run else { return Ok(None) };
        let known = !self.run_store.index.find_by_id(&run.id)?.is_empty();
        // A workflow file is no run.
        let made = original.file.as_ref().filter(|path| media_file::may_be_output(path));
        if !known && made.is_none() {
            return Ok(None);
        }
        if let Some(path) = made.filter(|_| !known) {
            self.record_file(path)?;
        }
        Ok(Some(RunParent { run: run.id.clone(), how, set }))
    }

    fn record_file(&mut self, path: &Path) -> Result<()> {
        let inspected = match media_file::inspect_file(path) {
            Ok(inspected) => inspected,
            Err(InspectError::Io(error)) => return Err(error.into()),
            Err(InspectError::Changing) => return Ok(()),
        };
        let base = path.parent().unwrap_or(&self.session.cwd);
        let name = self.folders.name_output(base, path);
        let mut batch = RunBatch::default();
        batch.add_file(self.session, &self.run_store, inspected, name)?;
        batch.write(self.session, &mut self.run_store)?;
        Ok(())
    }

    pub(crate) fn queue_prompt(&self, job: &QueueRequest<'_>) -> Result<String> {
        let titles = node_titles(job.prompt);
        let queued = self.client.queue_prompt(job).map_err(|error| match error {
            ClientError::Rejected(rejected) => rejection_failure(&rejected, &titles),
            other => CommandError::from(other),
        })?;
        for node in &queued.rejected_outputs {
            let problem = describe_node_error(node, &titles);
            self.session.ui.warn(&format!("ComfyUI leaves out what depends on {problem}"));
        }
        Ok(queued.id)
    }

    /// Follows a run to its end and fetches what it made. Recording is left to the caller,
    /// who may have more to say of it.
    pub(crate) fn follow_run(&mut self, id: &str, prompt: &Value) -> Result<RunEnd> {
        let mut progress = RunProgress::new(&self.session.ui, node_titles(prompt));
        let interrupts = self.interrupts.clone();
        let ended = self.client.follow_run(id, &mut |event| {
            progress.handle_event(event);
            if interrupts.load(Ordering::SeqCst) > 0 {
                FollowControl::Leave
            } else {
                FollowControl::Continue
            }
        });
        progress.finish();
        let ended = ended.map_err(|error| {
            CommandError::from(error)
                .with_hint("git comfy runs import records it if it is there again")
        })?;
        match ended {
            FollowResult::Left => {
                self.leave_run(id)?;
                Ok(RunEnd::Left)
            }
            FollowResult::Ended(entry) => Ok(RunEnd::Done(Box::new(self.finish_run(&entry)?))),
        }
    }

    /// Leaves runs that wait in the queue, as one was left.
    pub(crate) fn leave_queued<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Result<()> {
        let mut count = 0;
        for id in ids {
            count += 1;
            if self.stop {
                self.client.stop_run(id)?;
            }
        }
        if count > 0 {
            let what = if self.stop { "taken out of" } else { "left in" };
            self.session.ui.warn(&format!("{count} more {what} ComfyUI's queue"));
        }
        Ok(())
    }

    fn leave_run(&self, id: &str) -> Result<()> {
        let id = sanitize::line(id);
        if self.stop {
            self.client.stop_run(&id)?;
            self.session.ui.warn(&format!("the run {id} was stopped in ComfyUI, too"));
        } else {
            self.session.ui.warn(&format!(
                "the run {id} goes on in ComfyUI; git comfy runs import records it afterwards \
                 (with --stop Ctrl-C stops it, too)"
            ));
        }
        Ok(())
    }

    fn finish_run(&mut self, entry: &HistoryEntry) -> Result<FinishedRun> {
        let evidence = live_runs::run_with_files(entry, &self.run_store, &self.folders);
        let mut evidence = self.machine_facts.annotate_run(self.session, &self.run_store, evidence);
        let delivered =
            outputs::fetch_outputs(&mut evidence.run, &self.client, &self.folders, &self.target)?;
        Ok(FinishedRun { evidence, outputs: delivered })
    }

    pub(crate) fn record_run(&mut self, evidence: RunEvidence) -> Result<()> {
        let mut batch = RunBatch::default();
        batch.add_run(&self.run_store, evidence)?;
        batch.write(self.session, &mut self.run_store)?;
        Ok(())
    }
}

/// The server that the person named: at the command line, else in their configuration.
fn required_address(
    session: &Session,
    repository: &Repository,
    named: Option<&str>,
) -> Result<ServerAddress> {
    server_queries::configured_address(session, repository, named)?.ok_or_else(|| {
        CommandError::config("no server is to be asked: comfy.server says so")
            .with_hint("--server HOST:PORT names one for this call")
    })
}

/// The titles of nodes, for people.
fn node_titles(prompt: &Value) -> BTreeMap<String, String> {
    let prompt = Prompt::from_value(prompt.clone()).unwrap_or_default();
    let title = |node: &comfy_graph::graph::PromptNode| {
        let title = node.title().filter(|title| !title.is_empty()).unwrap_or(node.class());
        title.to_owned()
    };
    prompt.nodes.iter().map(|(id, node)| (id.to_string(), title(node))).collect()
}

/// A refusal with what is wrong with each node.
fn rejection_failure(rejected: &Rejection, titles: &BTreeMap<String, String>) -> CommandError {
    let message = sanitize::line(&rejected.to_string()).into_owned();
    let failure = CommandError::server(format!("ComfyUI refused the prompt: {message}"));
    rejected
        .nodes
        .iter()
        .fold(failure, |failure, node| failure.with_hint(describe_node_error(node, titles)))
}

/// `Load Checkpoint #4: Value not in list: …`.
fn describe_node_error(node: &NodeError, titles: &BTreeMap<String, String>) -> String {
    let title = titles.get(&node.id).unwrap_or(&node.class);
    sanitize::line(&format!("{title} #{}: {}", node.id, node.messages.join("; "))).into_owned()
}

/// What is wrong with a run that did not succeed.
pub(crate) fn describe_failure(run: &Run, prompt: &Value) -> Option<String> {
    let what = match run.outcome {
        RunOutcome::Success | RunOutcome::Unknown => return None,
        RunOutcome::Interrupted => "the run was stopped in ComfyUI",
        RunOutcome::Error => "the run failed",
    };
    let problem = run.problem.clone().unwrap_or_default();
    let id = problem.node.unwrap_or_default();
    let titles = node_titles(prompt);
    let title = titles.get(&id).cloned().or(problem.class);
    let place = title.map_or(String::new(), |title| format!(" at {title} #{id}"));
    let message =
        problem.message.or(problem.kind).map_or(String::new(), |message| format!(": {message}"));
    Some(sanitize::line(&format!("{what}{place}{message}")).into_owned())
}
