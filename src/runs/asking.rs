//! What a server is asked about runs: in pieces that fit into memory, and never more than
//! is new.

use comfy_graph::json;
use comfy_graph::json::{Object, Value};

use crate::error::{Failure, Result};
use crate::platform::git::Repository;
use crate::platform::machine::server::{Address, NamedBy, Server};
use crate::runs::model::{Entry, entries, listed, of_job, running};

/// Entries of a history that are asked for at once: each may hold megabytes of workflow.
const PAGE: usize = 64;
/// Times that a history is read from the beginning, because it lost its oldest entries
/// meanwhile.
const TRIES: usize = 3;
/// Prompts that run at once and are asked for. ComfyUI runs one.
const MOST_RUNNING: usize = 8;
/// A queue that is read as a whole, where nothing else tells what runs. A longer one may
/// hold gigabytes of workflows.
const SHORT: i64 = 16;

/// The server to ask: the one that was named, else `comfy.server`, else the usual one.
/// Nothing where the configuration says that none is asked.
pub(crate) fn address(repository: &Repository, named: Option<&str>) -> Result<Option<Address>> {
    let configured = || -> Result<Option<String>> {
        Ok(repository.settings("comfy.server")?.pop().map(|(_, value)| value))
    };
    let text = match named {
        Some(text) => Some(text.to_owned()),
        None => configured()?,
    };
    Ok(match text.as_deref() {
        Some("off" | "false" | "none") => None,
        None | Some("") => Some(Address::usual()),
        Some(text) => Some(Address::parse(text, NamedBy::Person)?),
    })
}

/// A part of a history.
pub(crate) struct Page {
    /// What it holds, oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Members that the answer had, also those that are no entries.
    pub(crate) told: usize,
}

/// The newest entries of a history, oldest first.
pub(crate) fn newest(server: &Server, most: usize) -> Result<Page> {
    Ok(Page::of(answer(server, &format!("/history?max_items={most}"))?))
}

/// What became of one prompt; nothing: the history does not know it.
pub(crate) fn ended(server: &Server, id: &str) -> Result<Option<Entry>> {
    Ok(entries(answer(server, &format!("/history/{id}"))?).pop())
}

/// The whole history, oldest first, page by page.
pub(crate) fn all(server: &Server, visit: &mut dyn FnMut(Vec<Entry>) -> Result<()>) -> Result<()> {
    for _ in 0..TRIES {
        if is_read_through(server, visit)? {
            break;
        }
    }
    Ok(())
}

/// Reads the history. False: it was shortened at its beginning while it was read, and some
/// of it may have been missed.
fn is_read_through(
    server: &Server,
    visit: &mut dyn FnMut(Vec<Entry>) -> Result<()>,
) -> Result<bool> {
    let (mut offset, mut most) = (0, PAGE);
    let mut last: Option<String> = None;
    loop {
        // Each page begins with the last entry of the one before.
        let from = offset - usize::from(last.is_some());
        let page = match server.bytes(&format!("/history?max_items={most}&offset={from}")) {
            Err(error) if error.is_too_large() && most > 2 => {
                most /= 2;
                continue;
            }
            bytes => Page::of(read(server, &bytes?)?),
        };
        let first = page.entries.first().map(|entry| entry.id.clone());
        if last.is_some() && first != last {
            return Ok(false);
        }
        last = page.entries.last().map(|entry| entry.id.clone());
        let is_last = page.told < most;
        offset = from + page.told;
        visit(page.entries)?;
        if is_last || last.is_none() {
            return Ok(true);
        }
    }
}

impl Page {
    fn of(answer: Value) -> Page {
        let told = answer.as_object().map_or(0, Object::len);
        Page { entries: entries(answer), told }
    }
}

fn answer(server: &Server, path: &str) -> Result<Value> {
    read(server, &server.bytes(path)?)
}

fn read(server: &Server, bytes: &[u8]) -> Result<Value> {
    json::parse_lenient(bytes).map_err(|error| {
        Failure::new(format!("{} did not answer as ComfyUI does: {error}", server.address()))
    })
}

/// How a server tells what runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tells {
    /// By `/api/jobs`, as far as is known.
    #[default]
    Jobs,
    /// It is too old for that: by `/queue`.
    Queue,
}

/// What runs now. `None`: the server does not say.
pub(crate) fn now(
    server: &Server,
    tells: &mut Tells,
    is_known: &dyn Fn(&str) -> bool,
) -> Option<Now> {
    if *tells == Tells::Jobs {
        let path = format!("/api/jobs?status=in_progress&limit={MOST_RUNNING}");
        match server.bytes(&path) {
            Ok(bytes) => match json::parse_lenient(&bytes).ok().as_ref().and_then(listed) {
                Some(ids) => return Some(by_jobs(server, ids, is_known)),
                None => *tells = Tells::Queue,
            },
            Err(error) if error.is_refused() => *tells = Tells::Queue,
            Err(_) => return None,
        }
    }
    let waiting = answer(server, "/prompt").ok()?;
    let waiting = waiting.get("exec_info")?.get("queue_remaining")?.as_i64()?;
    let new = match waiting {
        0 => Vec::new(),
        1..=SHORT => running(&answer(server, "/queue").ok()?),
        _ => return None,
    };
    let ids = new.iter().map(|entry| entry.id.clone()).collect();
    Some(Now { ids, new })
}

/// The prompts that run.
#[derive(Debug, Default)]
pub(crate) struct Now {
    /// The ids of all of them.
    pub(crate) ids: Vec<String>,
    /// Those that the caller did not know, with everything.
    pub(crate) new: Vec<Entry>,
}

fn by_jobs(server: &Server, ids: Vec<String>, is_known: &dyn Fn(&str) -> bool) -> Now {
    let mut now = Now::default();
    // The server makes UUIDs; nothing else is put into an address.
    let plain = |id: &String| id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    for id in ids.into_iter().filter(plain).take(MOST_RUNNING) {
        if !is_known(&id) {
            // One that ended meanwhile is in the history.
            let job = answer(server, &format!("/api/jobs/{id}"));
            now.new.extend(job.ok().as_ref().and_then(of_job));
        }
        now.ids.push(id);
    }
    now
}
