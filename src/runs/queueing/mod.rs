//! Prompts in the queue of a ComfyUI: put there, followed, recorded with what they are
//! made from. Shared by commands; no command itself.

pub mod outputs;
pub mod progress;

pub(crate) use outputs::{Delivered, Originals, Target, hold_against};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use comfy_graph::graph::Prompt;
use comfy_graph::json::Value;
use progress::Progress;

use super::filing::Filing;
use super::folders::Folders;
use super::machine_view::Machine;
use super::model::Evidence;
use super::queue::{Client, Ended, Error, Going, Job};
use super::run_store::Shelf;
use super::source_of_picture::Original;
use super::{asking, file, live};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::git::Repository;
use crate::platform::machine::server::Address;
use crate::platform::machine::stop;
use crate::platform::text::sanitize;
use crate::runs::model::{Derived, Entry, Outcome, Parent, Run, Setting};
use crate::runs::queue::{NodeError, Rejected};
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
    pub(crate) fn is_here(&self, session: &Session) -> Result<bool> {
        match session.repository() {
            Ok(repository) => {
                Ok(address(&repository, self.server.as_deref())?.is_on_this_machine())
            }
            Err(_) => Ok(true),
        }
    }
}

/// A connection to a ComfyUI, and what is needed to record the runs it makes.
pub(crate) struct Line<'s> {
    session: &'s Session,
    pub(crate) client: Client,
    pub(crate) shelf: Shelf,
    pub(crate) folders: Folders,
    machine: Machine,
    target: Target,
    stop: bool,
    /// How often Ctrl-C was pressed.
    asked: Arc<AtomicUsize>,
}

/// Counts Ctrl-C from now on; the second ends the program at once.
fn asked_to_stop() -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let own = asked.clone();
    stop::when_asked(move || {
        if own.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(i32::from(Exit::Stopped.code()));
        }
    });
    asked
}

/// How a run went.
pub(crate) enum Went {
    /// It ended; the caller records it.
    Done(Box<Done>),
    /// The person left before.
    Left,
}

pub(crate) struct Done {
    /// What the server, the files and this machine say of it.
    pub(crate) evidence: Evidence,
    /// What it made, where it lies here.
    pub(crate) delivered: Vec<Delivered>,
}

impl<'s> Line<'s> {
    /// Connects to the ComfyUI that the person named.
    pub(crate) fn open(
        session: &'s Session,
        args: &ServerArgs,
        target: Target,
    ) -> Result<Line<'s>> {
        let shelf = Shelf::open(session)?;
        let address = address(&shelf.repository, args.server.as_deref())?;
        let client = Client::connect(&address, Duration::from_secs(args.patience));
        client.server().system_stats().map_err(|error| {
            let hint = "start ComfyUI, or name its address: --server HOST:PORT, or \
                        git config comfy.server";
            if error.is_nobody() {
                Failure::new(format!("no ComfyUI answers at {address}")).hint(hint)
            } else {
                Failure::from(error).hint(hint)
            }
        })?;
        if args.fresh {
            client.forget()?;
        }
        let folders = Folders::of(session, &shelf.repository)?;
        let (machine, stop) = (Machine::with(address), args.stop);
        let asked = asked_to_stop();
        Ok(Line { session, client, shelf, folders, machine, target, stop, asked })
    }

    /// What a run that is made from an original has for its parent. An original that is
    /// known by its file alone is recorded first, so that the two can be told together.
    pub(crate) fn parent(
        &mut self,
        original: &Original,
        how: Derived,
        set: Vec<Setting>,
    ) -> Result<Option<Parent>> {
        let Some(run) = &original.run else { return Ok(None) };
        let known = !self.shelf.index.by_id(&run.id)?.is_empty();
        // A workflow file is no run.
        let made = original.file.as_ref().filter(|path| file::may_be_output(path));
        if !known && made.is_none() {
            return Ok(None);
        }
        if let Some(path) = made.filter(|_| !known)
            && let Some(looked) = file::look(path)?
        {
            let base = path.parent().unwrap_or(&self.session.cwd);
            let name = self.folders.name(base, path);
            let mut filing = Filing::default();
            filing.file(self.session, &self.shelf, looked, name)?;
            filing.write(self.session, &mut self.shelf)?;
        }
        Ok(Some(Parent { run: run.id.clone(), how, set }))
    }

    pub(crate) fn queue(&self, job: &Job<'_>) -> Result<String> {
        let titles = titles(job.prompt);
        let queued = self.client.queue(job).map_err(|error| match error {
            Error::Rejected(rejected) => refused(&rejected, &titles),
            other => Failure::from(other),
        })?;
        for node in &queued.without {
            let told = complaint(node, &titles);
            self.session.ui.warn(&format!("ComfyUI leaves out what depends on {told}"));
        }
        Ok(queued.id)
    }

    /// Follows a run to its end and fetches what it made. Recording is left to the caller,
    /// who may have more to say of it.
    pub(crate) fn follow(&mut self, id: &str, prompt: &Value) -> Result<Went> {
        let mut progress = Progress::new(&self.session.ui, titles(prompt));
        let asked = self.asked.clone();
        let ended = self.client.follow(id, &mut |event| {
            progress.tell(event);
            if asked.load(Ordering::SeqCst) > 0 { Going::Leave } else { Going::On }
        });
        progress.finish();
        let ended = ended.map_err(|error| {
            Failure::from(error).hint("git comfy runs import records it if it is there again")
        })?;
        match ended {
            Ended::Left => {
                self.leave(id)?;
                Ok(Went::Left)
            }
            Ended::Run(entry) => Ok(Went::Done(Box::new(self.done(&entry)?))),
        }
    }

    /// Leaves runs that wait in the queue, as one was left.
    pub(crate) fn leave_all<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Result<()> {
        let mut count = 0;
        for id in ids {
            count += 1;
            if self.stop {
                self.client.stop(id)?;
            }
        }
        if count > 0 {
            let what = if self.stop { "taken out of" } else { "left in" };
            self.session.ui.warn(&format!("{count} more {what} ComfyUI's queue"));
        }
        Ok(())
    }

    fn leave(&self, id: &str) -> Result<()> {
        let id = sanitize::line(id);
        if self.stop {
            self.client.stop(&id)?;
            self.session.ui.warn(&format!("the run {id} was stopped in ComfyUI, too"));
        } else {
            self.session.ui.warn(&format!(
                "the run {id} goes on in ComfyUI; git comfy runs import records it afterwards \
                 (with --stop Ctrl-C stops it, too)"
            ));
        }
        Ok(())
    }

    fn done(&mut self, entry: &Entry) -> Result<Done> {
        let evidence = live::evidence(entry, &self.shelf, &self.folders);
        let mut evidence = self.machine.add(self.session, &self.shelf, evidence);
        let delivered =
            outputs::delivered(&mut evidence.run, &self.client, &self.folders, &self.target)?;
        Ok(Done { evidence, delivered })
    }

    pub(crate) fn record(&mut self, evidence: Evidence) -> Result<()> {
        let mut filing = Filing::default();
        filing.told(&self.shelf, evidence)?;
        filing.write(self.session, &mut self.shelf)?;
        Ok(())
    }
}

/// The server that the person named: at the command line, else in their configuration.
fn address(repository: &Repository, named: Option<&str>) -> Result<Address> {
    asking::address(repository, named)?.ok_or_else(|| {
        Failure::new("no server is to be asked: comfy.server says so")
            .hint("--server HOST:PORT names one for this call")
    })
}

/// The titles of nodes, for people.
pub(crate) fn titles(prompt: &Value) -> BTreeMap<String, String> {
    let prompt = Prompt::from_value(prompt.clone()).unwrap_or_default();
    let title = |node: &comfy_graph::graph::PromptNode| {
        let title = node.title().filter(|title| !title.is_empty()).unwrap_or(node.class());
        title.to_owned()
    };
    prompt.nodes.iter().map(|(id, node)| (id.to_string(), title(node))).collect()
}

/// A refusal with what is wrong with each node.
fn refused(rejected: &Rejected, titles: &BTreeMap<String, String>) -> Failure {
    let said = sanitize::line(&rejected.to_string()).into_owned();
    let failure = Failure::new(format!("ComfyUI refused the prompt: {said}"));
    rejected.nodes.iter().fold(failure, |failure, node| failure.hint(complaint(node, titles)))
}

/// `Load Checkpoint #4: Value not in list: …`.
fn complaint(node: &NodeError, titles: &BTreeMap<String, String>) -> String {
    let title = titles.get(&node.id).unwrap_or(&node.class);
    sanitize::line(&format!("{title} #{}: {}", node.id, node.said.join("; "))).into_owned()
}

/// What is wrong with a run that did not succeed.
pub(crate) fn problem(run: &Run, prompt: &Value) -> Option<String> {
    let what = match run.outcome {
        Outcome::Success | Outcome::Unknown => return None,
        Outcome::Interrupted => "the run was stopped in ComfyUI",
        Outcome::Error => "the run failed",
    };
    let problem = run.problem.clone().unwrap_or_default();
    let id = problem.node.unwrap_or_default();
    let titles = titles(prompt);
    let title = titles.get(&id).cloned().or(problem.class);
    let place = title.map_or(String::new(), |title| format!(" at {title} #{id}"));
    let said = problem.message.or(problem.kind).map_or(String::new(), |said| format!(": {said}"));
    Some(sanitize::line(&format!("{what}{place}{said}")).into_owned())
}
