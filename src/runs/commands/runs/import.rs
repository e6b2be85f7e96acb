//! `git comfy runs import`: records what the server's history says, or a file of it, or
//! what comfy-cli noted (`journal`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use comfy_graph::json;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::machine::server::Server;
use crate::platform::text::sanitize;
use crate::runs::filing::Filing;
use crate::runs::folders::Folders;
use crate::runs::journal::{Line, Memory};
use crate::runs::model::{Entry, entries, from_entry};
use crate::runs::run_store::Shelf;
use crate::runs::{asking, journal};
use crate::session::Session;

/// Record the runs that a ComfyUI server remembers, or that a file tells of.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Saved answers of /history, or comfy-cli's .comfy/runs.jsonl; none asks the server.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The address of the ComfyUI; comfy-cli notes only that a run was, the rest is asked
    /// here.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;
/// Runs that are written in one step.
const AT_ONCE: usize = 256;
/// ComfyUI may be busy loading a model.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs that a server or files tell of, and how many of them were recorded.
#[derive(Default)]
struct Importing {
    filing: Filing,
    /// Ids that were told of.
    told: BTreeSet<String>,
    recorded: usize,
    /// Runs of which nothing but the id is known.
    named: usize,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let mut shelf = Shelf::open(session)?;
    let mut importing = Importing::default();
    let address = asking::address(&shelf.repository, args.server.as_deref())?;
    let server = address.map(|address| Server::new(address, PATIENCE));
    if args.files.is_empty() {
        let server = server.as_ref().ok_or_else(|| {
            Failure::new("no server is asked (comfy.server)").hint("--server names one")
        })?;
        asking::all(server, &mut |entries| importing.history(session, &mut shelf, entries))?;
    }
    for file in &args.files {
        match read(&session.cwd.join(file))? {
            Told::History(entries) => {
                importing.history(session, &mut shelf, entries)?;
            }
            Told::Journal(lines) => {
                importing.journal(session, &mut shelf, lines, server.as_ref())?;
            }
        }
    }
    importing.recorded += importing.filing.write(session, &mut shelf)?;
    importing.tell(session)?;
    // The history names files; what they are only they say.
    if importing.recorded > 0 && Folders::of(session, &shelf.repository)?.output().is_some() {
        session.ui.say("git comfy runs scan adds what the files themselves show");
    }
    Ok(Exit::Done)
}

impl Importing {
    fn history(&mut self, session: &Session, shelf: &mut Shelf, entries: Vec<Entry>) -> Result<()> {
        for entry in entries {
            self.filing.told(shelf, from_entry(&entry, &shelf.catalog))?;
            self.told.insert(entry.id);
            if self.filing.len() >= AT_ONCE {
                self.recorded += self.filing.write(session, shelf)?;
            }
        }
        Ok(())
    }

    /// comfy-cli notes that a run was; what it was the server may remember.
    fn journal(
        &mut self,
        session: &Session,
        shelf: &mut Shelf,
        lines: Vec<Line>,
        server: Option<&Server>,
    ) -> Result<()> {
        let mut memory = Memory::of(server);
        for line in lines {
            let Some(entry) = line.entry() else { continue };
            let is_known = shelf.index.by_id(&entry.id)?.iter().any(|row| row.run == entry.id);
            match memory.of_run(&line).filter(|_| !is_known) {
                Some(remembered) => {
                    self.history(session, shelf, vec![remembered])?;
                }
                None if !is_known => self.named += 1,
                None => {}
            }
            let noted = journal::evidence(&line, &entry, &shelf.repository, &shelf.catalog);
            self.told.insert(entry.id);
            self.filing.told(shelf, noted)?;
        }
        Ok(())
    }

    fn tell(&self, session: &Session) -> Result<()> {
        let told = self.told.len();
        let runs = if told == 1 { "1 run".to_owned() } else { format!("{told} runs") };
        let new = match self.recorded {
            0 => "nothing new".to_owned(),
            count => format!("{count} recorded or completed"),
        };
        session.ui.tell(&format!("{runs} told of: {new}"))?;
        if self.named > 0 {
            session.ui.say(&format!(
                "{} of them: no more is known than that they were queued; ComfyUI remembers \
                 runs until it is restarted",
                self.named
            ));
        }
        Ok(())
    }
}

/// What a file tells of.
enum Told {
    History(Vec<Entry>),
    Journal(Vec<Line>),
}

fn read(path: &Path) -> Result<Told> {
    let name = sanitize::line(&path.display().to_string()).into_owned();
    let failed = |problem: &dyn std::fmt::Display| Failure::new(format!("{name}: {problem}"));
    let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > LARGEST {
        return Err(failed(&"larger than 1 GiB"));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    if let Ok(value) = json::parse_lenient(&bytes) {
        let found = entries(value);
        if !found.is_empty() {
            return Ok(Told::History(found));
        }
    }
    let found = journal::lines(&bytes);
    if found.is_empty() {
        return Err(failed(&"this is no answer of /history and no list of runs")
            .hint("curl http://127.0.0.1:8188/history > history.json saves one"));
    }
    Ok(Told::Journal(found))
}
