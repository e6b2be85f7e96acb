//! A client of a running ComfyUI: queues a prompt, follows it, fetches what it made.
//!
//! ```text
//! Client::new ── queue ──▶ id ── follow ──▶ the entry of the server's history
//! ```
//!
//! The websocket only makes the waiting lively: whether a run has ended is read from the
//! history, so that a message that is lost, or a connection that breaks, costs nothing. A
//! run that neither the history nor the queue knows is gone, and that is said.

pub mod message;
pub mod rejected;

pub use message::Event;
pub use rejected::{NodeError, Rejected};

use std::time::{Duration, Instant};

use comfy_graph::json;
use comfy_graph::json::{Object, Style, Value};

use super::socket::{Came, Socket, own_id, random_digits};
use crate::platform::machine::server::{Address, Error as ServerError, Server};
use crate::runs::model::{Entry, OWN, Parent, entries};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long fetching one output may take.
const FETCHING: Duration = Duration::from_secs(900);
/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(200);
/// How often the history is asked while the websocket stands, and while it does not.
const ASK: [Duration; 2] = [Duration::from_secs(2), Duration::from_millis(500)];
/// So often in a row the server must not know a run before it is given up.
const STRIKES: u32 = 3;
/// The largest output that is fetched, in bytes.
const LARGEST_OUTPUT: u64 = 512 << 20;

/// Why a run did not come about, or is not known any more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server could not be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The prompt was refused.
    #[error("ComfyUI refused the prompt: {0}")]
    Rejected(Box<Rejected>),
    /// The server stopped answering.
    #[error("{address} does not answer any more; what became of the run {id} is not known")]
    Gone {
        address: Address,
        /// The prompt id.
        id: String,
    },
    /// The server answers, and knows nothing of the run.
    #[error(
        "{address} knows nothing of the run {id} any more: it was taken out of the queue, or \
         ComfyUI was restarted"
    )]
    Lost {
        address: Address,
        /// The prompt id.
        id: String,
    },
    /// An answer that ComfyUI does not give.
    #[error("{0} did not answer as ComfyUI does")]
    Answer(String),
}

/// What the caller wants after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// Wait on.
    On,
    /// The person wants to leave.
    Leave,
}

/// How following ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The run ended; this is what the server keeps of it.
    Run(Entry),
    /// The person left; the run goes on.
    Left,
}

#[derive(Debug, Clone, Copy)]
pub struct Job<'j> {
    /// The prompt, in API format.
    pub prompt: &'j Value,
    /// The workflow that outputs are to carry.
    pub workflow: Option<&'j Value>,
    /// What it is made from; kept in the history, in no file.
    pub parent: Option<&'j Parent>,
}

/// What the server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The prompt id.
    pub id: String,
    /// Outputs that will not be made, and why; the rest will.
    pub without: Vec<NodeError>,
}

/// A client of one server, under a client id of its own.
#[derive(Debug)]
pub struct Client {
    server: Server,
    id: String,
    socket: Option<Socket>,
    /// How long a server may be silent before it is given up.
    patience: Duration,
}

impl Client {
    /// Connects. A server that speaks no websocket is asked over HTTP alone.
    pub fn connect(address: &Address, patience: Duration) -> Client {
        let id = own_id();
        let socket = Socket::connect(address, &id);
        Client { server: Server::new(address.clone(), PATIENCE), id, socket, patience }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Queues a prompt under an id of our own, by which it is found again if the answer
    /// is lost.
    pub fn queue(&self, job: &Job<'_>) -> Result<Queued, Error> {
        let wanted = uuid();
        let body = json::print(&self.body(job, &wanted), &Style::SAVE);
        let answer = self.server.post("/prompt", "application/json", body.as_bytes());
        let (status, answer) = match answer {
            Ok(answer) => answer,
            // It may have been taken before the connection broke.
            Err(error) if !error.is_nobody() && self.knows(&wanted) => {
                return Ok(Queued { id: wanted, without: Vec::new() });
            }
            Err(error) => return Err(error.into()),
        };
        let value = json::parse_lenient(&answer).unwrap_or_default();
        let id = value.get("prompt_id").and_then(Value::as_str);
        match (status, id) {
            (200, Some(id)) => {
                Ok(Queued { id: id.to_owned(), without: rejected::node_errors(&value) })
            }
            (400, _) => Err(Error::Rejected(Box::new(rejected::rejected(&value)))),
            _ => Err(Error::Answer(self.server.address().to_string())),
        }
    }

    fn body(&self, job: &Job<'_>, id: &str) -> Value {
        let mut files = Object::new();
        if let Some(workflow) = job.workflow {
            files.insert("workflow", workflow.clone());
        }
        let mut extra = Object::from_iter([("extra_pnginfo", files)]);
        if let Some(parent) = job.parent {
            let text = serde_json::to_string(parent).unwrap_or_default();
            let parent = json::parse_text(&text).unwrap_or_default();
            extra.insert(OWN, Object::from_iter([("parent", parent)]));
        }
        Value::Object(Object::from_iter([
            ("prompt", job.prompt.clone()),
            ("client_id", Value::from(self.id.as_str())),
            ("prompt_id", Value::from(id)),
            ("extra_data", Value::Object(extra)),
        ]))
    }

    /// Follows a run until it ends. `told` hears what happens, and at least five times a
    /// second [`Event::Waiting`].
    pub fn follow(
        &mut self,
        id: &str,
        told: &mut dyn FnMut(&Event) -> Going,
    ) -> Result<Ended, Error> {
        let mut watch = Watch { asked: None, heard: Instant::now(), strikes: 0 };
        loop {
            if told(&Event::Waiting) == Going::Leave {
                return Ok(Ended::Left);
            }
            let mut ends = false;
            match self.socket.as_mut().map(|socket| socket.next(TICK)) {
                Some(Came::Text(text)) => {
                    for event in message::events(&text, id) {
                        ends |= event == Event::Ends;
                        told(&event);
                    }
                }
                Some(Came::Gone) => {
                    self.socket = None;
                    told(&Event::Dropped);
                }
                Some(Came::Else | Came::Silence) => {}
                None => std::thread::sleep(TICK),
            }
            let pause = ASK[usize::from(self.socket.is_none())];
            if ends || watch.asked.is_none_or(|asked| asked.elapsed() >= pause) {
                watch.asked = Some(Instant::now());
                if let Some(entry) = self.ask(id, &mut watch, told)? {
                    return Ok(Ended::Run(entry));
                }
            }
        }
    }

    /// Asks where a run is; gives its entry when it has ended.
    fn ask(
        &mut self,
        id: &str,
        watch: &mut Watch,
        told: &mut dyn FnMut(&Event) -> Going,
    ) -> Result<Option<Entry>, Error> {
        let answer = self.entry(id).and_then(|entry| match entry {
            Some(entry) => Ok(Where::Ended(entry)),
            None => self.in_queue(id),
        });
        match answer {
            Ok(Where::Ended(entry)) => return Ok(Some(entry)),
            Ok(Where::Waits(ahead)) => drop(told(&Event::Queued(ahead))),
            Ok(Where::Runs) => {}
            Ok(Where::Nowhere) => {
                watch.strikes += 1;
                // Between leaving the queue and entering the history a run is in neither.
                if watch.strikes >= STRIKES {
                    let address = self.server.address().clone();
                    return Err(Error::Lost { address, id: id.to_owned() });
                }
                watch.heard = Instant::now();
                return Ok(None);
            }
            Err(_) if watch.heard.elapsed() >= self.patience => {
                let address = self.server.address().clone();
                return Err(Error::Gone { address, id: id.to_owned() });
            }
            Err(_) => return Ok(None),
        }
        (watch.strikes, watch.heard) = (0, Instant::now());
        if self.socket.is_none() {
            self.socket = Socket::connect(self.server.address(), &self.id);
        }
        Ok(None)
    }

    /// The entry of a run in the server's history; none: it has not ended, or is not
    /// known.
    pub fn entry(&self, id: &str) -> Result<Option<Entry>, Error> {
        let answer = self.server.bytes(&format!("/history/{id}"))?;
        let wrong = |_| Error::Answer(self.server.address().to_string());
        let found = entries(json::parse_lenient(&answer).map_err(wrong)?);
        Ok(found.into_iter().find(|entry| entry.id == id))
    }

    fn in_queue(&self, id: &str) -> Result<Where, Error> {
        let answer = self.server.bytes("/queue")?;
        let wrong = |_| Error::Answer(self.server.address().to_string());
        let value = json::parse_lenient(&answer).map_err(wrong)?;
        let ids = |list: &str| -> Vec<(i64, bool)> {
            let items = value.get(list).and_then(Value::as_array).unwrap_or_default();
            let item = |item: &Value| {
                let number = item.at(0).and_then(Value::as_f64).unwrap_or(0.0);
                #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
                (number as i64, item.at(1).and_then(Value::as_str) == Some(id))
            };
            items.iter().map(item).collect()
        };
        let (running, pending) = (ids("queue_running"), ids("queue_pending"));
        if running.iter().any(|(_, own)| *own) {
            return Ok(Where::Runs);
        }
        let Some((own, _)) = pending.iter().find(|(_, own)| *own) else {
            return Ok(Where::Nowhere);
        };
        let before = pending.iter().filter(|(number, _)| number < own).count();
        Ok(Where::Waits(before + running.len()))
    }

    fn knows(&self, id: &str) -> bool {
        matches!(self.entry(id), Ok(Some(_)))
            || matches!(self.in_queue(id), Ok(Where::Runs | Where::Waits(_)))
    }

    /// Takes a run out of the queue, or interrupts it if it is the one that runs; nobody
    /// else's run is touched.
    pub fn stop(&self, id: &str) -> Result<(), Error> {
        let list = |key: &str, value: Value| {
            let body = Value::Object(Object::from_iter([(key, value)]));
            json::print(&body, &Style::SAVE).into_bytes()
        };
        match self.in_queue(id)? {
            Where::Waits(_) => {
                let body = list("delete", Value::from(vec![Value::from(id)]));
                self.server.post("/queue", "application/json", &body)?;
            }
            Where::Runs => {
                let body = list("prompt_id", Value::from(id));
                self.server.post("/interrupt", "application/json", &body)?;
            }
            Where::Ended(_) | Where::Nowhere => {}
        }
        Ok(())
    }

    /// Has the server forget what it computed, so that the next run computes everything.
    /// Models are loaded anew, too.
    pub fn forget(&self) -> Result<(), Error> {
        let body = br#"{"free_memory":true}"#;
        self.server.post("/free", "application/json", body)?;
        Ok(())
    }

    /// The bytes of an output. `path` is below ComfyUI's output folder, with forward
    /// slashes.
    pub fn output(&self, path: &str) -> Result<Vec<u8>, Error> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let server = Server::new(self.server.address().clone(), FETCHING);
        let query = [("filename", name), ("subfolder", folder), ("type", "output")];
        Ok(server.asked("/view", &query, LARGEST_OUTPUT)?)
    }

    /// Puts a file into the server's input folder. Gives the name under which prompts find
    /// it there: a file of that name with other bytes is not replaced.
    pub fn upload(&self, name: &str, bytes: &[u8]) -> Result<String, Error> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let boundary = format!("----git-comfy-{}", random_digits());
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
        let name = name.ok_or_else(|| Error::Answer(self.server.address().to_string()))?;
        match value.get("subfolder").and_then(Value::as_str).unwrap_or_default() {
            "" => Ok(name.to_owned()),
            folder => Ok(format!("{folder}/{name}")),
        }
    }
}

/// When the server was last asked and heard while a run is followed.
struct Watch {
    asked: Option<Instant>,
    heard: Instant,
    strikes: u32,
}

/// Where a run is.
enum Where {
    Ended(Entry),
    Runs,
    /// So many run or wait before it.
    Waits(usize),
    Nowhere,
}

/// A random UUID, spelled as the server's own.
fn uuid() -> String {
    let digits = random_digits();
    let part = |from: usize, to: usize| &digits[from..to];
    // Version 4, variant 1.
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        let id = uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(id, uuid());
    }
}
