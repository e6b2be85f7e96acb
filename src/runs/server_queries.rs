//! What a server is asked about runs: in pieces that fit into memory, and never more than
//! is new.

use comfy_graph::json;
use comfy_graph::json::{Object, Value};

use crate::error::CommandError;
use crate::platform::git::Repository;
use crate::platform::machine::server::{ComfyServer, ServerAddress};
use crate::records::recorder_context::{ConfiguredServer, LocationSettings};
use crate::runs::comfy_client::ClientError;
use crate::runs::run_data::{
    HistoryEntry, entry_from_job, parse_entries, parse_job_ids, running_entries,
};
use crate::session::Session;

type Result<T, E = CommandError> = std::result::Result<T, E>;

/// Entries of a history that are asked for at once: each may hold megabytes of workflow.
const PAGE_SIZE: usize = 64;
/// Times that a history is read from the beginning, because it lost its oldest entries
/// meanwhile.
const MAX_ATTEMPTS: usize = 3;
/// Prompts that run at once and are asked for. ComfyUI runs one.
const MOST_RUNNING: usize = 8;
/// A queue that is read as a whole, where nothing else tells what runs. A longer one may
/// hold gigabytes of workflows.
const MAX_QUEUE_LENGTH: i64 = 16;

/// The server to ask: the one that was named, else `comfy.server`, else the usual one.
/// Nothing where the configuration says that none is asked.
pub(crate) fn configured_address(
    session: &Session,
    repository: &Repository,
    named: Option<&str>,
) -> Result<Option<ServerAddress>> {
    let configured = match named {
        Some(text) => ConfiguredServer::parse(text)?,
        None => LocationSettings::load(session, repository)?.server()?,
    };
    Ok(match configured {
        ConfiguredServer::Off => None,
        ConfiguredServer::Address(address) => Some(address),
    })
}

/// A part of a history.
pub(crate) struct HistoryPage {
    /// What it holds, oldest first.
    pub(crate) entries: Vec<HistoryEntry>,
    /// Members that the answer had, also those that are no entries.
    pub(crate) member_count: usize,
}

/// The newest entries of a history, oldest first.
pub(crate) fn newest_entries(server: &ComfyServer, most: usize) -> Result<HistoryPage> {
    Ok(HistoryPage::from_answer(get_json(server, &format!("/history?max_items={most}"))?))
}

/// What became of one prompt; nothing: the history does not know it.
pub(crate) fn history_entry(
    server: &ComfyServer,
    id: &str,
) -> Result<Option<HistoryEntry>, ClientError> {
    let entries = parse_entries(get_json(server, &format!("/history/{id}"))?);
    Ok(entries.into_iter().find(|entry| entry.id == id))
}

/// The whole history, oldest first, page by page.
pub(crate) fn visit_history(
    server: &ComfyServer,
    visit: &mut dyn FnMut(Vec<HistoryEntry>) -> Result<()>,
) -> Result<()> {
    for _ in 0..MAX_ATTEMPTS {
        if read_history_pages(server, visit)? == HistoryRead::Whole {
            break;
        }
    }
    Ok(())
}

/// What was read of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HistoryRead {
    Whole,
    /// It was shortened at its beginning meanwhile: some of it may have been missed.
    Shortened,
}

fn read_history_pages(
    server: &ComfyServer,
    visit: &mut dyn FnMut(Vec<HistoryEntry>) -> Result<()>,
) -> Result<HistoryRead> {
    let (mut offset, mut most) = (0, PAGE_SIZE);
    let mut last: Option<String> = None;
    loop {
        // Each page begins with the last entry of the one before.
        let from = offset - usize::from(last.is_some());
        let page = match server.get_bytes(&format!("/history?max_items={most}&offset={from}")) {
            Err(error) if error.is_too_large() && most > 2 => {
                most /= 2;
                continue;
            }
            bytes => HistoryPage::from_answer(parse_answer(server, &bytes?)?),
        };
        let first = page.entries.first().map(|entry| entry.id.clone());
        if last.is_some() && first != last {
            return Ok(HistoryRead::Shortened);
        }
        last = page.entries.last().map(|entry| entry.id.clone());
        let is_last = page.member_count < most;
        offset = from + page.member_count;
        visit(page.entries)?;
        if is_last || last.is_none() {
            return Ok(HistoryRead::Whole);
        }
    }
}

impl HistoryPage {
    fn from_answer(answer: Value) -> HistoryPage {
        let member_count = answer.as_object().map_or(0, Object::len);
        HistoryPage { entries: parse_entries(answer), member_count }
    }
}

/// What a server answers, as JSON.
pub(crate) fn get_json(server: &ComfyServer, path: &str) -> Result<Value, ClientError> {
    parse_answer(server, &server.get_bytes(path)?)
}

fn parse_answer(server: &ComfyServer, bytes: &[u8]) -> Result<Value, ClientError> {
    json::parse_lenient(bytes)
        .map_err(|error| ClientError::NoJson { address: server.address().clone(), error })
}

/// How a server tells what runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RunningQuery {
    /// By `/api/jobs`, as far as is known.
    #[default]
    Jobs,
    /// It is too old for that: by `/queue`.
    Queue,
}

/// What runs now. `None`: the server does not say.
pub(crate) fn query_running_prompts(
    server: &ComfyServer,
    tells: &mut RunningQuery,
    is_known: &dyn Fn(&str) -> bool,
) -> Option<CurrentlyRunning> {
    if *tells == RunningQuery::Jobs {
        let path = format!("/api/jobs?status=in_progress&limit={MOST_RUNNING}");
        match server.get_bytes(&path) {
            Ok(bytes) => match json::parse_lenient(&bytes).ok().as_ref().and_then(parse_job_ids) {
                Some(ids) => return Some(running_from_jobs(server, ids, is_known)),
                None => *tells = RunningQuery::Queue,
            },
            Err(error) if error.is_client_error() => *tells = RunningQuery::Queue,
            Err(_) => return None,
        }
    }
    let waiting = get_json(server, "/prompt").ok()?;
    let waiting = waiting.get("exec_info")?.get("queue_remaining")?.as_i64()?;
    let new = match waiting {
        0 => Vec::new(),
        1..=MAX_QUEUE_LENGTH => running_entries(&get_json(server, "/queue").ok()?),
        _ => return None,
    };
    let ids = new.iter().map(|entry| entry.id.clone()).collect();
    Some(CurrentlyRunning { ids, new })
}

/// The prompts that run.
#[derive(Debug, Default)]
pub(crate) struct CurrentlyRunning {
    /// The ids of all of them.
    pub(crate) ids: Vec<String>,
    /// Those that the caller did not know, with everything.
    pub(crate) new: Vec<HistoryEntry>,
}

fn running_from_jobs(
    server: &ComfyServer,
    ids: Vec<String>,
    is_known: &dyn Fn(&str) -> bool,
) -> CurrentlyRunning {
    let mut now = CurrentlyRunning::default();
    // The server makes UUIDs; nothing else is put into an address.
    let plain = |id: &String| id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    for id in ids.into_iter().filter(plain).take(MOST_RUNNING) {
        if !is_known(&id) {
            // One that ended meanwhile is in the history.
            let job = get_json(server, &format!("/api/jobs/{id}"));
            now.new.extend(job.ok().as_ref().and_then(entry_from_job));
        }
        now.ids.push(id);
    }
    now
}
