//! A client of a running ComfyUI: queues a prompt, follows it, fetches what it made.
//!
//! ```text
//! connect ── queue_prompt ──▶ id ── follow_run ──▶ the entry of the server's history
//! ```
//!
//! The websocket only makes the waiting lively: whether a run has ended is read from the
//! history, so that a message that is lost, or a connection that breaks, costs nothing. A
//! run that neither the history nor the queue knows is gone, and that is said.

pub(crate) mod messages;
pub(crate) mod rejection;

pub(crate) use messages::RunEvent;
pub(crate) use rejection::{NodeError, Rejection};

use std::time::{Duration, Instant};

use comfy_graph::json;
use comfy_graph::json::{JsonError, JsonStyle, Object, Value};

use super::server_queries;
use super::websocket::{ComfySocket, SocketEvent, random_client_id};
use crate::error::CommandError;
use crate::platform::hex::random_hex;
use crate::platform::machine::server::{ComfyServer, ServerAddress, ServerError};
use crate::runs::run_data::{EXTRA_DATA_KEY, HistoryEntry, RunParent};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long fetching one output may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(900);
/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(200);
/// How often the history is asked while the websocket stands, and while it does not.
const POLL_INTERVALS: [Duration; 2] = [Duration::from_secs(2), Duration::from_millis(500)];
/// So often in a row the server must not know a run before it is given up.
const MAX_UNKNOWN_ANSWERS: u32 = 3;
/// The largest output that is fetched, in bytes.
const MAX_OUTPUT_SIZE: u64 = 512 << 20;

/// Why a run did not come about, or is not known any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The server could not be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The prompt was refused.
    #[error("ComfyUI refused the prompt: {0}")]
    Rejected(Box<Rejection>),
    /// The server stopped answering.
    #[error("{address} does not answer any more; what became of the run {id} is not known")]
    Gone {
        address: ServerAddress,
        /// The prompt id.
        id: String,
    },
    /// The server answers, and knows nothing of the run.
    #[error(
        "{address} knows nothing of the run {id} any more: it was taken out of the queue, or \
         ComfyUI was restarted"
    )]
    Lost {
        address: ServerAddress,
        /// The prompt id.
        id: String,
    },
    /// An answer that ComfyUI does not give.
    #[error("{0} did not answer as ComfyUI does")]
    Answer(ServerAddress),
    /// An answer that is no JSON where ComfyUI gives some.
    #[error("{address} did not answer as ComfyUI does")]
    NoJson {
        address: ServerAddress,
        #[source]
        error: JsonError,
    },
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        CommandError::server(error)
    }
}

/// What the caller wants after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FollowControl {
    /// Wait on.
    Continue,
    /// The person wants to leave.
    Leave,
}

/// How following ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FollowResult {
    /// The run ended; this is what the server keeps of it.
    Ended(HistoryEntry),
    /// The person left; the run goes on.
    Left,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueRequest<'j> {
    /// The prompt, in API format.
    pub prompt: &'j Value,
    /// The workflow that outputs are to carry.
    pub workflow: Option<&'j Value>,
    /// What it is made from; kept in the history, in no file.
    pub parent: Option<&'j RunParent>,
}

/// What the server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueuedRun {
    /// The prompt id.
    pub id: String,
    /// Outputs that will not be made, and why; the rest will.
    pub rejected_outputs: Vec<NodeError>,
}

/// A client of one server, under a client id of its own.
#[derive(Debug)]
pub(crate) struct ComfyClient {
    server: ComfyServer,
    id: String,
    socket: Option<ComfySocket>,
    /// How long a server may be silent before it is given up.
    patience: Duration,
}

impl ComfyClient {
    /// Connects. A server that speaks no websocket is asked over HTTP alone.
    pub(crate) fn connect(address: &ServerAddress, patience: Duration) -> ComfyClient {
        let id = random_client_id();
        let socket = ComfySocket::connect(address, &id);
        ComfyClient {
            server: ComfyServer::new(address.clone(), REQUEST_TIMEOUT),
            id,
            socket,
            patience,
        }
    }

    pub(crate) fn server(&self) -> &ComfyServer {
        &self.server
    }

    /// Queues a prompt under an id of our own, by which it is found again if the answer
    /// is lost.
    pub(crate) fn queue_prompt(&self, job: &QueueRequest<'_>) -> Result<QueuedRun, ClientError> {
        let wanted = random_uuid();
        let body = json::print(&self.request_body(job, &wanted), &JsonStyle::SAVE);
        let answer = self.server.post("/prompt", "application/json", body.as_bytes());
        let (status, answer) = match answer {
            Ok(answer) => answer,
            // It may have been taken before the connection broke.
            Err(error) if !error.is_unreachable() && self.is_known(&wanted) => {
                return Ok(QueuedRun { id: wanted, rejected_outputs: Vec::new() });
            }
            Err(error) => return Err(error.into()),
        };
        let value = json::parse_lenient(&answer).unwrap_or_default();
        let id = value.get("prompt_id").and_then(Value::as_str);
        match (status, id) {
            (200, Some(id)) => Ok(QueuedRun {
                id: id.to_owned(),
                rejected_outputs: rejection::parse_node_errors(&value),
            }),
            (400, _) => Err(ClientError::Rejected(Box::new(rejection::parse_rejection(&value)))),
            _ => Err(ClientError::Answer(self.server.address().clone())),
        }
    }

    fn request_body(&self, job: &QueueRequest<'_>, id: &str) -> Value {
        let mut files = Object::new();
        if let Some(workflow) = job.workflow {
            files.insert("workflow", workflow.clone());
        }
        let mut extra = Object::from_iter([("extra_pnginfo", files)]);
        if let Some(parent) = job.parent {
            let text = serde_json::to_string(parent).unwrap_or_default();
            let parent = json::parse_text(&text).unwrap_or_default();
            extra.insert(EXTRA_DATA_KEY, Object::from_iter([("parent", parent)]));
        }
        Value::Object(Object::from_iter([
            ("prompt", job.prompt.clone()),
            ("client_id", Value::from(self.id.as_str())),
            ("prompt_id", Value::from(id)),
            ("extra_data", Value::Object(extra)),
        ]))
    }

    /// Follows a run until it ends. `on_event` hears what happens, and at least five times a
    /// second [`RunEvent::Tick`].
    pub(crate) fn follow_run(
        &mut self,
        id: &str,
        on_event: &mut dyn FnMut(&RunEvent) -> FollowControl,
    ) -> Result<FollowResult, ClientError> {
        let mut polls =
            PollState { last_poll: None, last_answer: Instant::now(), unknown_answers: 0 };
        loop {
            if on_event(&RunEvent::Tick) == FollowControl::Leave {
                return Ok(FollowResult::Left);
            }
            let mut ends = false;
            match self.socket.as_mut().map(|socket| socket.next_event(TICK)) {
                Some(SocketEvent::Text(text)) => {
                    for event in messages::parse_events(&text, id) {
                        ends |= event == RunEvent::Ended;
                        on_event(&event);
                    }
                }
                Some(SocketEvent::Closed) => {
                    self.socket = None;
                    on_event(&RunEvent::Disconnected);
                }
                Some(SocketEvent::Other | SocketEvent::Timeout) => {}
                None => std::thread::sleep(TICK),
            }
            let pause = POLL_INTERVALS[usize::from(self.socket.is_none())];
            if ends || polls.last_poll.is_none_or(|asked| asked.elapsed() >= pause) {
                polls.last_poll = Some(Instant::now());
                if let Some(entry) = self.poll_run(id, &mut polls, on_event)? {
                    return Ok(FollowResult::Ended(entry));
                }
            }
        }
    }

    /// Asks where a run is; gives its entry when it has ended.
    fn poll_run(
        &mut self,
        id: &str,
        polls: &mut PollState,
        on_event: &mut dyn FnMut(&RunEvent) -> FollowControl,
    ) -> Result<Option<HistoryEntry>, ClientError> {
        let answer = self.history_entry(id).and_then(|entry| match entry {
            Some(entry) => Ok(RunPosition::Ended(entry)),
            None => self.queue_position(id),
        });
        match answer {
            Ok(RunPosition::Ended(entry)) => return Ok(Some(entry)),
            Ok(RunPosition::Waiting(ahead)) => drop(on_event(&RunEvent::Queued(ahead))),
            Ok(RunPosition::Running) => {}
            Ok(RunPosition::Unknown) => {
                polls.unknown_answers += 1;
                // Between leaving the queue and entering the history a run is in neither.
                if polls.unknown_answers >= MAX_UNKNOWN_ANSWERS {
                    let address = self.server.address().clone();
                    return Err(ClientError::Lost { address, id: id.to_owned() });
                }
                polls.last_answer = Instant::now();
                return Ok(None);
            }
            Err(_) if polls.last_answer.elapsed() >= self.patience => {
                let address = self.server.address().clone();
                return Err(ClientError::Gone { address, id: id.to_owned() });
            }
            Err(_) => return Ok(None),
        }
        (polls.unknown_answers, polls.last_answer) = (0, Instant::now());
        if self.socket.is_none() {
            self.socket = ComfySocket::connect(self.server.address(), &self.id);
        }
        Ok(None)
    }

    /// The entry of a run in the server's history; none: it has not ended, or is not
    /// known.
    pub(crate) fn history_entry(&self, id: &str) -> Result<Option<HistoryEntry>, ClientError> {
        server_queries::history_entry(&self.server, id)
    }

    fn queue_position(&self, id: &str) -> Result<RunPosition, ClientError> {
        let queue = server_queries::get_json(&self.server, "/queue")?;
        let running = queue_items(&queue, "queue_running");
        if running.iter().any(|item| item.id == Some(id)) {
            return Ok(RunPosition::Running);
        }
        let pending = queue_items(&queue, "queue_pending");
        let Some(own) = pending.iter().find(|item| item.id == Some(id)) else {
            return Ok(RunPosition::Unknown);
        };
        let before = pending.iter().filter(|item| item.number < own.number).count();
        Ok(RunPosition::Waiting(before + running.len()))
    }

    fn is_known(&self, id: &str) -> bool {
        matches!(self.history_entry(id), Ok(Some(_)))
            || matches!(self.queue_position(id), Ok(RunPosition::Running | RunPosition::Waiting(_)))
    }

    /// Takes a run out of the queue, or interrupts it if it is the one that runs; nobody
    /// else's run is touched.
    pub(crate) fn stop_run(&self, id: &str) -> Result<(), ClientError> {
        let list = |key: &str, value: Value| {
            let body = Value::Object(Object::from_iter([(key, value)]));
            json::print(&body, &JsonStyle::SAVE).into_bytes()
        };
        match self.queue_position(id)? {
            RunPosition::Waiting(_) => {
                let body = list("delete", Value::from(vec![Value::from(id)]));
                self.server.post("/queue", "application/json", &body)?;
            }
            RunPosition::Running => {
                let body = list("prompt_id", Value::from(id));
                self.server.post("/interrupt", "application/json", &body)?;
            }
            RunPosition::Ended(_) | RunPosition::Unknown => {}
        }
        Ok(())
    }

    /// Has the server forget what it computed, so that the next run computes everything.
    /// Models are loaded anew, too.
    pub(crate) fn free_memory(&self) -> Result<(), ClientError> {
        let body = br#"{"free_memory":true}"#;
        self.server.post("/free", "application/json", body)?;
        Ok(())
    }

    /// The bytes of an output. `path` is below ComfyUI's output folder, with forward
    /// slashes.
    pub(crate) fn fetch_output(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let server = ComfyServer::new(self.server.address().clone(), FETCH_TIMEOUT);
        let query = [("filename", name), ("subfolder", folder), ("type", "output")];
        Ok(server.get_with_query("/view", &query, MAX_OUTPUT_SIZE)?)
    }

    /// Puts a file into the server's input folder. Gives the name under which prompts find
    /// it there: a file of that name with other bytes is not replaced.
    pub(crate) fn upload_input(&self, name: &str, bytes: &[u8]) -> Result<String, ClientError> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let boundary = format!("----git-comfy-{}", random_hex(32));
        let file: String =
            file.chars().map(|c| if c == '"' || c.is_control() { '_' } else { c }).collect();
        let mut body = Vec::with_capacity(bytes.len() + 512);
        for (field, value) in [("type", "input"), ("subfolder", folder)] {
            let part = "Content-Disposition: form-data; name=";
            body.extend(format!("--{boundary}\r\n{part}\"{field}\"\r\n\r\n{value}\r\n").bytes());
        }
        let part = "Content-Disposition: form-data; name=\"image\"; filename=";
        let kind = "Content-Type: application/octet-stream";
        body.extend(format!("--{boundary}\r\n{part}\"{file}\"\r\n{kind}\r\n\r\n").bytes());
        body.extend(bytes);
        body.extend(format!("\r\n--{boundary}--\r\n").bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        let (status, answer) = self.server.post("/upload/image", &kind, &body)?;
        let value = json::parse_lenient(&answer).unwrap_or_default();
        let name = value.get("name").and_then(Value::as_str).filter(|_| status == 200);
        let name = name.ok_or_else(|| ClientError::Answer(self.server.address().clone()))?;
        match value.get("subfolder").and_then(Value::as_str).unwrap_or_default() {
            "" => Ok(name.to_owned()),
            folder => Ok(format!("{folder}/{name}")),
        }
    }
}

/// When the server was last asked and heard while a run is followed.
struct PollState {
    last_poll: Option<Instant>,
    last_answer: Instant,
    unknown_answers: u32,
}

/// Where a run is.
enum RunPosition {
    Ended(HistoryEntry),
    Running,
    /// So many run or wait before it.
    Waiting(usize),
    Unknown,
}

/// A prompt in the queue: the lower its number, the sooner its turn.
struct QueueItem<'q> {
    number: i64,
    id: Option<&'q str>,
}

fn queue_items<'q>(queue: &'q Value, list: &str) -> Vec<QueueItem<'q>> {
    let items = queue.get(list).and_then(Value::as_array).unwrap_or_default();
    items.iter().map(queue_item).collect()
}

fn queue_item(item: &Value) -> QueueItem<'_> {
    let number = item.get_index(0).and_then(Value::as_f64).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    let number = number as i64;
    QueueItem { number, id: item.get_index(1).and_then(Value::as_str) }
}

/// A random UUID, spelled as the server's own.
fn random_uuid() -> String {
    let digits = random_hex(32);
    let part = |from: usize, to: usize| &digits[from..to];
    // Version 4, variant 1.
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        let id = random_uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(id, random_uuid());
    }
}
