//! Records runs as they happen, as an observer.
//!
//! The websocket only says *when* to look; what happened is read from the server's history
//! and from the bridge's spool, what happens from its jobs or its queue. So a message that
//! is lost, doubled or late costs nothing, and what is recorded is what any later look
//! would find.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::commands::watch::WatchArgs;
use super::running_prompts::RunningPrompts;
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::machine::server::{ComfyServer, ServerAddress};
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::runs::live_run_facts::MachineFacts;
use crate::runs::output_folders::OutputFolders;
use crate::runs::queue_observer::{QueueEvent, QueueObserver};
use crate::runs::run_batch::RunBatch;
use crate::runs::run_data::{HistoryEntry, RunEvidence, run_without_end};
use crate::runs::run_store::RunStore;
use crate::runs::{live_runs, server_queries};
use crate::session::Session;
use crate::watch;

/// A server may be busy loading a model.
const SERVER_TIMEOUT: Duration = Duration::from_secs(30);
/// Entries that are asked for first; more, if none of them is known.
const FIRST_PAGE_SIZE: usize = 4;
/// Entries that are asked for at most at once.
const MAX_PAGE_SIZE: usize = 256;
/// Runs that are written in one step.
const BATCH_SIZE: usize = 32;
/// Ids that are remembered; more than that the index is asked.
const MAX_REMEMBERED_IDS: usize = 100_000;
/// Messages come in bursts: one for each prompt that is queued, two for each that ends.
const QUIET_TIME: Duration = Duration::from_millis(100);
/// As long as messages may keep coming before a look.
const MAX_BURST: Duration = Duration::from_secs(1);
/// The longest wait between two tries to connect.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(15);

pub(crate) fn run(args: &WatchArgs, session: &Session) -> Result<Exit> {
    let run_store = RunStore::open(session)?;
    let named = args.server.as_deref();
    let address = server_queries::configured_address(session, &run_store.repository, named)?;
    let address = address.unwrap_or_else(ServerAddress::default_local);
    let _turn = watch::lock_watcher(&run_store.repository, watch::RUNS_LOCK)?;
    let folders = OutputFolders::detect(session, &run_store.repository)?;
    let mut watcher = RunWatcher {
        session,
        server: ComfyServer::new(address.clone(), SERVER_TIMEOUT),
        machine_facts: MachineFacts::for_server(address.clone()),
        running: RunningPrompts::load(&run_store.repository.state_dir(), &address),
        run_store,
        folders,
        recorded_ids: HashSet::new(),
        recorded: 0,
    };
    if args.once {
        watcher.record_new()?;
        session.ui.report(&count_recorded(watcher.recorded))?;
        return Ok(Exit::Done);
    }
    follow_server(&mut watcher, args, &address)
}

fn count_recorded(recorded: usize) -> String {
    match recorded {
        0 => "nothing new".to_owned(),
        count => format!("{} recorded", counted(count, "run", "runs")),
    }
}

fn follow_server(
    watcher: &mut RunWatcher<'_>,
    args: &WatchArgs,
    address: &ServerAddress,
) -> Result<Exit> {
    let every = Duration::from_secs(args.every.max(1));
    let mut pause = Duration::from_millis(250);
    let mut waiting = false;
    loop {
        if let Some(mut observer) = QueueObserver::connect(address) {
            watcher.session.ui.info(&format!("following {address}"));
            (pause, waiting) = (Duration::from_millis(250), false);
            watcher.running.reset_query_method();
            // What happened before the connection stood.
            watcher.record_new()?;
            if watcher.follow_connection(&mut observer, every, args.until)? {
                return Ok(Exit::Done);
            }
            watcher.session.ui.info("ComfyUI is gone; waiting for it");
        } else {
            if !waiting {
                watcher.session.ui.info(&format!("waiting for ComfyUI at {address}"));
                waiting = true;
            }
            // The bridge may have seen something although nobody answers.
            watcher.record_new()?;
            if args.until.is_some_and(|until| watcher.recorded >= until) {
                return Ok(Exit::Done);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(MAX_RECONNECT_DELAY);
        }
    }
}

struct RunWatcher<'s> {
    session: &'s Session,
    server: ComfyServer,
    machine_facts: MachineFacts,
    running: RunningPrompts,
    run_store: RunStore,
    folders: OutputFolders,
    /// Ids that this process recorded or found recorded; the index knows them too.
    recorded_ids: HashSet<String>,
    recorded: usize,
}

impl RunWatcher<'_> {
    /// Looks whenever the queue moves. True: enough was seen.
    fn follow_connection(
        &mut self,
        observer: &mut QueueObserver,
        every: Duration,
        until: Option<usize>,
    ) -> Result<bool> {
        let mut looked = Instant::now();
        loop {
            if until.is_some_and(|until| self.recorded >= until) {
                return Ok(true);
            }
            let left = every.saturating_sub(looked.elapsed());
            match observer.next_event(left) {
                QueueEvent::Queue(_) => {
                    if observer.wait_until_quiet(QUIET_TIME, MAX_BURST) == QueueEvent::Closed {
                        return Ok(false);
                    }
                }
                QueueEvent::Other if !left.is_zero() => continue,
                QueueEvent::Other | QueueEvent::Timeout => {
                    if !observer.ping() {
                        return Ok(false);
                    }
                }
                QueueEvent::Closed => return Ok(false),
            }
            self.record_new()?;
            looked = Instant::now();
        }
    }

    /// Records what is new: of the bridge, of the history, and what ended otherwise.
    fn record_new(&mut self) -> Result<()> {
        let before = self.recorded;
        let noted = live_runs::ingest_spool(
            self.session,
            &mut self.run_store,
            &self.folders,
            &mut self.machine_facts,
        )?;
        if noted > 0 {
            self.recorded += noted;
            self.session.ui.info(&format!("{} that the bridge noted", count_recorded(noted)));
        }
        // First what runs, then what has ended: in between it can only end.
        let now = self.running.query(&self.server);
        self.record_newest()?;
        if let Some(now) = now {
            let settled = self.resolve_ended(self.running.ended_entries(&now))?;
            self.running.update(now, &settled);
        }
        if self.recorded > before {
            self.machine_facts.drop_if_stale();
        }
        if self.recorded_ids.len() > MAX_REMEMBERED_IDS {
            self.recorded_ids.clear();
        }
        Ok(())
    }

    fn record_entries(&mut self, entries: &[HistoryEntry]) -> Result<()> {
        for part in entries.chunks(BATCH_SIZE) {
            let evidence = part.iter().map(|entry| {
                let evidence = live_runs::run_with_files(entry, &self.run_store, &self.folders);
                self.machine_facts.annotate_run(self.session, &self.run_store, evidence)
            });
            let evidence = evidence.collect();
            self.write_runs(evidence)?;
        }
        Ok(())
    }

    /// Writes runs in one step.
    fn write_runs(&mut self, runs: Vec<RunEvidence>) -> Result<()> {
        let mut filing = RunBatch::default();
        let mut files = Vec::new();
        let mut ids = Vec::new();
        for evidence in runs {
            files.extend(evidence.run.outputs.iter().map(|file| file.path.clone()));
            ids.push(evidence.run.id.clone());
            filing.add_run(&self.run_store, evidence)?;
        }
        let count = filing.write(self.session, &mut self.run_store)?;
        self.recorded += count;
        self.recorded_ids.extend(ids);
        if count > 0 {
            let files = match files.len() {
                0 => "a run without files".to_owned(),
                1..=4 => files.join(", "),
                more => format!("{} and {} more", files[0], more - 1),
            };
            self.session.ui.info(&format!("recorded {}", sanitize::line(&files)));
        }
        Ok(())
    }

    /// Records the entries of the history that are not recorded, oldest first. The newest
    /// few are asked for, and more only while all of them are new: a history may hold
    /// gigabytes.
    fn record_newest(&mut self) -> Result<()> {
        let mut wanted = FIRST_PAGE_SIZE;
        loop {
            // A server that does not answer is asked again when it moves.
            let Ok(page) = server_queries::newest_entries(&self.server, wanted) else {
                return Ok(());
            };
            let is_all = page.member_count < wanted;
            let before = page.entries.len();
            let news = self.unrecorded(page.entries)?;
            if is_all || news.len() < before {
                return self.record_entries(&news);
            }
            if wanted >= MAX_PAGE_SIZE {
                return self.record_whole_history();
            }
            wanted *= 4;
        }
    }

    /// The whole history page by page: after a long absence.
    fn record_whole_history(&mut self) -> Result<()> {
        let server = self.server.clone();
        server_queries::visit_history(&server, &mut |entries| {
            let news = self.unrecorded(entries)?;
            self.record_entries(&news)
        })
    }

    /// Of prompts that were seen to run and do not any more: what became of them. Gives
    /// the ids of those of which that is known now.
    fn resolve_ended(&mut self, gone: Vec<HistoryEntry>) -> Result<Vec<String>> {
        let mut settled = Vec::new();
        for entry in gone {
            if !self.is_recorded(&entry.id)? {
                match server_queries::history_entry(&self.server, &entry.id) {
                    Ok(Some(ended)) => self.record_entries(&[ended])?,
                    // It was running, and is neither running nor ended: the server was
                    // stopped in between, or its history was cleared.
                    Ok(None) => {
                        self.write_runs(vec![run_without_end(&entry, &self.run_store.catalog)])?
                    }
                    Err(_) => continue,
                }
            }
            settled.push(entry.id);
        }
        Ok(settled)
    }

    fn unrecorded(&mut self, entries: Vec<HistoryEntry>) -> Result<Vec<HistoryEntry>> {
        let mut news = Vec::new();
        for entry in entries {
            if !self.is_recorded(&entry.id)? {
                news.push(entry);
            }
        }
        Ok(news)
    }

    fn is_recorded(&mut self, id: &str) -> Result<bool> {
        if self.recorded_ids.contains(id) {
            return Ok(true);
        }
        let recorded = self.run_store.index.find_by_id(id)?.iter().any(|row| row.run_id == id);
        if recorded {
            self.recorded_ids.insert(id.to_owned());
        }
        Ok(recorded)
    }
}
