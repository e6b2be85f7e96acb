//! Records runs as they happen, as an observer.
//!
//! The websocket only says *when* to look; what happened is read from the server's history
//! and from the bridge's spool. So a message that is lost, doubled or late costs nothing,
//! and what is recorded is what any later look would find.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::Args;
use crate::cmd::runs::filing::Filing;
use crate::cmd::runs::folders::Folders;
use crate::cmd::runs::live::{self, Machine};
use crate::cmd::runs::shelf::Shelf;
use crate::error::Result;
use crate::exit::Exit;
use crate::host::observer::{Heard, Observer};
use crate::host::server::{Address, NamedBy, Server};
use crate::record::run::Entry;
use crate::render::sanitize;
use crate::session::Session;

/// A server may be busy loading a model.
const PATIENCE: Duration = Duration::from_secs(30);
/// Entries that are asked for first; more, if none of them is known.
const FIRST: usize = 4;
/// Entries that are asked for at most at once.
const MOST: usize = 256;
/// Runs that are written in one step.
const AT_ONCE: usize = 32;
/// The longest wait between two tries to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Follows.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let shelf = Shelf::open(session)?;
    let address = address(&shelf, args.server.as_deref())?;
    let _turn = super::turn(&shelf.repository, "watch.lock")?;
    let folders = Folders::of(session, &shelf.repository)?;
    let mut watcher = Watcher {
        session,
        server: Server::new(address.clone(), PATIENCE),
        machine: Machine::default(),
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

fn address(shelf: &Shelf, named: Option<&str>) -> Result<Address> {
    let configured = shelf.repository.settings("comfy.server")?.pop().map(|(_, value)| value);
    let configured =
        configured.filter(|text| !["", "off", "false", "none"].contains(&text.as_str()));
    Ok(match named.map(str::to_owned).or(configured) {
        Some(text) => Address::parse(&text, NamedBy::Person)?,
        None => Address::usual(),
    })
}

fn follow(watcher: &mut Watcher<'_>, args: &Args, address: &Address) -> Result<Exit> {
    let every = Duration::from_secs(args.every.max(1));
    let mut pause = Duration::from_millis(250);
    let mut waiting = false;
    loop {
        if let Some(mut observer) = Observer::connect(address) {
            watcher.session.ui.say(&format!("following {address}"));
            (pause, waiting) = (Duration::from_millis(250), false);
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
    shelf: Shelf,
    folders: Folders,
    /// Ids that this process recorded or found recorded.
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
                Heard::Queue(_) => {}
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

    /// Records what is new: of the history, and of the bridge.
    fn look(&mut self) -> Result<()> {
        let before = self.recorded;
        self.recorded +=
            live::ingest(self.session, &mut self.shelf, &self.folders, &mut self.machine)?;
        for part in self.news()?.chunks(AT_ONCE) {
            self.record(part)?;
        }
        if self.recorded > before {
            self.machine.forget();
        }
        Ok(())
    }

    /// Records entries in one step.
    fn record(&mut self, entries: &[Entry]) -> Result<()> {
        let mut filing = Filing::default();
        let mut told = Vec::new();
        for entry in entries {
            let evidence = live::evidence(entry, &self.shelf, &self.folders);
            let server = Some(&self.server);
            let evidence = self.machine.add(self.session, &self.shelf, server, evidence);
            told.extend(evidence.run.outputs.iter().map(|file| file.path.clone()));
            filing.told(&self.shelf, evidence)?;
        }
        let count = filing.write(self.session, &mut self.shelf)?;
        self.recorded += count;
        self.known.extend(entries.iter().map(|entry| entry.id.clone()));
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

    /// Entries of the history that are not recorded, oldest first. The newest few are
    /// asked for, and more only while all of them are new: a history may hold gigabytes.
    fn news(&mut self) -> Result<Vec<Entry>> {
        let mut wanted = FIRST;
        loop {
            // A server that does not answer is asked again when it moves.
            let Ok(entries) = live::newest(&self.server, wanted) else { return Ok(Vec::new()) };
            let all = entries.len() < wanted;
            let mut news = Vec::new();
            let mut overlap = false;
            for entry in entries {
                if self.is_known(&entry.id)? {
                    overlap = true;
                } else {
                    news.push(entry);
                }
            }
            if all || overlap || wanted >= MOST {
                return if all || overlap { Ok(news) } else { self.everything() };
            }
            wanted *= 4;
        }
    }

    /// The whole history page by page: after a long absence.
    fn everything(&self) -> Result<Vec<Entry>> {
        let mut news = Vec::new();
        for entry in crate::cmd::runs::history(&self.server)? {
            if !self.known.contains(&entry.id) && !self.is_recorded(&entry.id)? {
                news.push(entry);
            }
        }
        Ok(news)
    }

    fn is_known(&mut self, id: &str) -> Result<bool> {
        if self.known.contains(id) {
            return Ok(true);
        }
        let recorded = self.is_recorded(id)?;
        if recorded {
            self.known.insert(id.to_owned());
        }
        Ok(recorded)
    }

    fn is_recorded(&self, id: &str) -> Result<bool> {
        Ok(self.shelf.index.by_id(id)?.iter().any(|row| row.run == id))
    }
}
