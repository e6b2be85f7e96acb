//! Records runs as they happen, as an observer.
//!
//! The websocket only says *when* to look; what happened is read from the server's history
//! and from the bridge's spool, what happens from its jobs or its queue. So a message that
//! is lost, doubled or late costs nothing, and what is recorded is what any later look
//! would find.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::Args;
use super::running::Running;
use crate::error::Result;
use crate::exit::Exit;
use crate::platform::machine::server::{Address, Server};
use crate::platform::text::sanitize;
use crate::runs::filing::Filing;
use crate::runs::folders::Folders;
use crate::runs::machine_view::Machine;
use crate::runs::model::{Entry, Evidence, unended};
use crate::runs::observer::{Heard, Observer};
use crate::runs::run_store::Shelf;
use crate::runs::{asking, live};
use crate::session::Session;
use crate::watch;

/// A server may be busy loading a model.
const PATIENCE: Duration = Duration::from_secs(30);
/// Entries that are asked for first; more, if none of them is known.
const FIRST: usize = 4;
/// Entries that are asked for at most at once.
const MOST: usize = 256;
/// Runs that are written in one step.
const AT_ONCE: usize = 32;
/// Ids that are remembered; more than that the index is asked.
const MOST_KNOWN: usize = 100_000;
/// Messages come in bursts: one for each prompt that is queued, two for each that ends.
const QUIET: Duration = Duration::from_millis(100);
/// As long as messages may keep coming before a look.
const LONGEST_STIR: Duration = Duration::from_secs(1);
/// The longest wait between two tries to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let address = asking::address(&shelf.repository, args.server.as_deref())?;
    let address = address.unwrap_or_else(Address::usual);
    let _turn = watch::turn(&shelf.repository, "watch.lock")?;
    let folders = Folders::of(session, &shelf.repository)?;
    let mut watcher = Watcher {
        session,
        server: Server::new(address.clone(), PATIENCE),
        machine: Machine::with(address.clone()),
        running: Running::load(&shelf.repository.state_dir(), &address),
        shelf,
        folders,
        known: HashSet::new(),
        recorded: 0,
    };
    if args.once {
        watcher.look()?;
        session.ui.tell(&told(watcher.recorded))?;
        return Ok(Exit::Done);
    }
    follow(&mut watcher, args, &address)
}

fn told(recorded: usize) -> String {
    match recorded {
        0 => "nothing new".to_owned(),
        1 => "1 run recorded".to_owned(),
        count => format!("{count} runs recorded"),
    }
}

fn follow(watcher: &mut Watcher<'_>, args: &Args, address: &Address) -> Result<Exit> {
    let every = Duration::from_secs(args.every.max(1));
    let mut pause = Duration::from_millis(250);
    let mut waiting = false;
    loop {
        if let Some(mut observer) = Observer::connect(address) {
            watcher.session.ui.say(&format!("following {address}"));
            (pause, waiting) = (Duration::from_millis(250), false);
            watcher.running.forget_server();
            // What happened before the connection stood.
            watcher.look()?;
            if watcher.follow(&mut observer, every, args.until)? {
                return Ok(Exit::Done);
            }
            watcher.session.ui.say("ComfyUI is gone; waiting for it");
        } else {
            if !waiting {
                watcher.session.ui.say(&format!("waiting for ComfyUI at {address}"));
                waiting = true;
            }
            // The bridge may have seen something although nobody answers.
            watcher.look()?;
            if args.until.is_some_and(|until| watcher.recorded >= until) {
                return Ok(Exit::Done);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

struct Watcher<'s> {
    session: &'s Session,
    server: Server,
    machine: Machine,
    running: Running,
    shelf: Shelf,
    folders: Folders,
    /// Ids that this process recorded or found recorded; the index knows them too.
    known: HashSet<String>,
    recorded: usize,
}

impl Watcher<'_> {
    /// Looks whenever the queue moves. True: enough was seen.
    fn follow(
        &mut self,
        observer: &mut Observer,
        every: Duration,
        until: Option<usize>,
    ) -> Result<bool> {
        let mut looked = Instant::now();
        loop {
            if until.is_some_and(|until| self.recorded >= until) {
                return Ok(true);
            }
            let left = every.saturating_sub(looked.elapsed());
            match observer.next(left) {
                Heard::Queue(_) => {
                    if observer.settle(QUIET, LONGEST_STIR) == Heard::Gone {
                        return Ok(false);
                    }
                }
                Heard::Else if !left.is_zero() => continue,
                Heard::Else | Heard::Silence => {
                    if !observer.ping() {
                        return Ok(false);
                    }
                }
                Heard::Gone => return Ok(false),
            }
            self.look()?;
            looked = Instant::now();
        }
    }

    /// Records what is new: of the bridge, of the history, and what ended otherwise.
    fn look(&mut self) -> Result<()> {
        let before = self.recorded;
        let noted = live::ingest(self.session, &mut self.shelf, &self.folders, &mut self.machine)?;
        if noted > 0 {
            self.recorded += noted;
            self.session.ui.say(&format!("{} that the bridge noted", told(noted)));
        }
        // First what runs, then what has ended: in between it can only end.
        let now = self.running.now(&self.server);
        self.news()?;
        if let Some(now) = now {
            let settled = self.settle(self.running.gone(&now))?;
            self.running.keep(now, &settled);
        }
        if self.recorded > before {
            self.machine.forget();
        }
        if self.known.len() > MOST_KNOWN {
            self.known.clear();
        }
        Ok(())
    }

    fn record(&mut self, entries: &[Entry]) -> Result<()> {
        for part in entries.chunks(AT_ONCE) {
            let evidence = part.iter().map(|entry| {
                let evidence = live::evidence(entry, &self.shelf, &self.folders);
                self.machine.add(self.session, &self.shelf, evidence)
            });
            let evidence = evidence.collect();
            self.write(evidence)?;
        }
        Ok(())
    }

    /// Writes runs in one step.
    fn write(&mut self, runs: Vec<Evidence>) -> Result<()> {
        let mut filing = Filing::default();
        let mut told = Vec::new();
        let mut ids = Vec::new();
        for evidence in runs {
            told.extend(evidence.run.outputs.iter().map(|file| file.path.clone()));
            ids.push(evidence.run.id.clone());
            filing.told(&self.shelf, evidence)?;
        }
        let count = filing.write(self.session, &mut self.shelf)?;
        self.recorded += count;
        self.known.extend(ids);
        if count > 0 {
            let files = match told.len() {
                0 => "a run without files".to_owned(),
                1..=4 => told.join(", "),
                more => format!("{} and {} more", told[0], more - 1),
            };
            self.session.ui.say(&format!("recorded {}", sanitize::line(&files)));
        }
        Ok(())
    }

    /// Records the entries of the history that are not recorded, oldest first. The newest
    /// few are asked for, and more only while all of them are new: a history may hold
    /// gigabytes.
    fn news(&mut self) -> Result<()> {
        let mut wanted = FIRST;
        loop {
            // A server that does not answer is asked again when it moves.
            let Ok(page) = asking::newest(&self.server, wanted) else { return Ok(()) };
            let is_all = page.told < wanted;
            let before = page.entries.len();
            let news = self.unknown(page.entries)?;
            if is_all || news.len() < before {
                return self.record(&news);
            }
            if wanted >= MOST {
                return self.everything();
            }
            wanted *= 4;
        }
    }

    /// The whole history page by page: after a long absence.
    fn everything(&mut self) -> Result<()> {
        let server = self.server.clone();
        asking::all(&server, &mut |entries| {
            let news = self.unknown(entries)?;
            self.record(&news)
        })
    }

    /// Of prompts that were seen to run and do not any more: what became of them. Gives
    /// the ids of those of which that is known now.
    fn settle(&mut self, gone: Vec<Entry>) -> Result<Vec<String>> {
        let mut settled = Vec::new();
        for entry in gone {
            if !self.is_known(&entry.id)? {
                match asking::ended(&self.server, &entry.id) {
                    Ok(Some(ended)) => self.record(&[ended])?,
                    // It was running, and is neither running nor ended: the server was
                    // stopped in between, or its history was cleared.
                    Ok(None) => self.write(vec![unended(&entry, &self.shelf.catalog)])?,
                    Err(_) => continue,
                }
            }
            settled.push(entry.id);
        }
        Ok(settled)
    }

    fn unknown(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let mut news = Vec::new();
        for entry in entries {
            if !self.is_known(&entry.id)? {
                news.push(entry);
            }
        }
        Ok(news)
    }

    fn is_known(&mut self, id: &str) -> Result<bool> {
        if self.known.contains(id) {
            return Ok(true);
        }
        let recorded = self.shelf.index.by_id(id)?.iter().any(|row| row.run == id);
        if recorded {
            self.known.insert(id.to_owned());
        }
        Ok(recorded)
    }
}
