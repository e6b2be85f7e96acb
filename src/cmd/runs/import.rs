//! `git comfy runs import`: records what the server's history says, or a file of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::filing::Filing;
use super::folders::Folders;
use super::shelf::Shelf;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::host::server::{Address, NamedBy, Server};
use crate::json::{self, Value};
use crate::record::run::{Entry, Known, entries, from_entry};
use crate::render::sanitize;
use crate::session::Session;

/// Record the runs that a ComfyUI server remembers, or that a file tells of.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Saved answers of /history, or comfy-cli's runs.jsonl; none asks the server.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The address of the ComfyUI.
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    pub(crate) server: Option<String>,
}

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;
/// Entries of a history that are asked for at once: each may hold megabytes of workflow.
const PAGE: usize = 64;
/// Runs that are written in one step.
const AT_ONCE: usize = 256;
/// ComfyUI may be busy loading a model.
const PATIENCE: Duration = Duration::from_secs(30);

/// Imports and tells.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit> {
    let mut shelf = Shelf::open(session)?;
    let mut filing = Filing::default();
    let (mut told, mut recorded) = (0, 0);
    if args.files.is_empty() {
        let server = server(session, &shelf, args.server.as_deref())?;
        for entry in history(&server)? {
            told += 1;
            filing.told(&shelf, from_entry(&entry, &shelf.catalog))?;
            if filing.len() >= AT_ONCE {
                recorded += filing.write(session, &mut shelf)?;
            }
        }
    }
    for file in &args.files {
        let (entries, known) = read(&session.cwd.join(file))?;
        told += entries.len();
        for entry in entries {
            let mut evidence = from_entry(&entry, &shelf.catalog);
            evidence.run.known = [known].into();
            filing.told(&shelf, evidence)?;
            if filing.len() >= AT_ONCE {
                recorded += filing.write(session, &mut shelf)?;
            }
        }
    }
    recorded += filing.write(session, &mut shelf)?;
    let runs = if told == 1 { "1 run".to_owned() } else { format!("{told} runs") };
    let new = match recorded {
        0 => "nothing new".to_owned(),
        count => format!("{count} recorded or completed"),
    };
    session.ui.tell(&format!("{runs} told of: {new}"))?;
    // The history names files; what they are only they say.
    if recorded > 0 && Folders::of(session, &shelf.repository)?.output().is_some() {
        session.ui.say("git comfy runs scan adds what the files themselves show");
    }
    Ok(Exit::Done)
}

/// The server to ask.
fn server(session: &Session, shelf: &Shelf, named: Option<&str>) -> Result<Server> {
    let configured = shelf.repository.settings("comfy.server")?.pop().map(|(_, value)| value);
    let configured = configured.filter(|text| !text.is_empty());
    let _ = session;
    let address = match named.map(str::to_owned).or(configured) {
        Some(text) => Address::parse(&text, NamedBy::Person)?,
        None => Address::usual(),
    };
    Ok(Server::new(address, PATIENCE))
}

/// The whole history, page by page, oldest first.
pub(crate) fn history(server: &Server) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    loop {
        let page = page(server, all.len(), PAGE)?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

/// A part of the history.
fn page(server: &Server, offset: usize, most: usize) -> Result<Vec<Entry>> {
    let bytes = server.bytes(&format!("/history?max_items={most}&offset={offset}"))?;
    let answer = json::parse_lenient(&bytes).map_err(|error| {
        Failure::new(format!("{} did not answer as ComfyUI does: {error}", server.address()))
    })?;
    Ok(entries(answer))
}

/// What a file tells of, and who wrote it.
fn read(path: &Path) -> Result<(Vec<Entry>, Known)> {
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
            return Ok((found, Known::History));
        }
    }
    let found: Vec<Entry> = bytes.split(|byte| *byte == b'\n').filter_map(line).collect();
    if found.is_empty() {
        return Err(failed(&"this is no answer of /history and no list of runs")
            .hint("curl http://127.0.0.1:8188/history > history.json saves one"));
    }
    Ok((found, Known::Cli))
}

/// A line of comfy-cli's list: an object with the prompt id and whatever else the command
/// that ran knew.
fn line(text: &[u8]) -> Option<Entry> {
    let value = json::parse_lenient(text).ok()?;
    let get = |names: &[&str]| names.iter().find_map(|name| value.get(name)).cloned();
    let id = get(&["prompt_id", "id"])?.as_str()?.to_owned();
    if let Some(said) = get(&["history", "result"]).filter(|said| said.get("prompt").is_some()) {
        return entries([(id, said)].into_iter().collect::<json::Object>().into()).pop();
    }
    let prompt = get(&["prompt", "workflow_api", "api_workflow", "workflow"]).unwrap_or_default();
    let outputs = get(&["outputs"]).unwrap_or_default();
    let status = get(&["status"]).unwrap_or_default();
    let status = match &status {
        Value::String(text) if text == "success" || text == "completed" => "success",
        Value::String(text) if text == "error" || text == "failed" => "error",
        _ => "unknown",
    };
    let queued = Value::from(vec![
        Value::from(0i64),
        Value::from(id.as_str()),
        prompt,
        get(&["extra_data"]).unwrap_or_default(),
        Value::Array(Vec::new()),
    ]);
    let said: json::Object = [
        ("prompt", queued),
        ("outputs", outputs),
        ("status", Value::Object([("status_str", Value::from(status))].into_iter().collect())),
    ]
    .into_iter()
    .collect();
    entries([(id, Value::Object(said))].into_iter().collect::<json::Object>().into()).pop()
}
