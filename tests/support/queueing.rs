//! A server that runs what is queued, as ComfyUI does towards the client that queued it:
//! websocket and HTTP on one port, and a fate for each run.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Map, Value, json};
use tungstenite::{Message, WebSocket};

use super::outputs::Picture;

/// What becomes of a run.
#[derive(Clone)]
pub(crate) enum Fate {
    /// It makes its picture; `other` makes it another one.
    Done { other: u64 },
    /// Everything is still there: the named file is told again.
    Cached(&'static str),
    /// The prompt is refused with this answer.
    Refused(Value),
    /// A node fails with this message.
    Fails(&'static str),
    /// Somebody stops it in ComfyUI.
    Interrupted,
    /// The connection breaks in the middle; it makes its picture all the same.
    Unheard,
    /// It vanishes from the queue.
    Vanishes,
    /// The server answers nobody any more.
    Dies,
    /// It runs until somebody stops it.
    Endless,
    /// What a real server said, and keeps of it: every `RUN` is the id of this one.
    Replayed(Vec<Value>, Value),
}

#[derive(Default)]
struct State {
    fates: VecDeque<Fate>,
    history: Map<String, Value>,
    running: Vec<Value>,
    files: HashMap<String, Vec<u8>>,
    sockets: HashMap<String, WebSocket<TcpStream>>,
    asked: Vec<(String, Value)>,
    made: usize,
    down: bool,
    deaf: bool,
}

/// The server; it listens until the test process ends.
#[derive(Clone)]
pub(crate) struct Queueing {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Queueing {
    pub(crate) fn new(fates: impl IntoIterator<Item = Fate>) -> Queueing {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Queueing { port, state: Arc::default() };
        server.lock().fates = fates.into_iter().collect();
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        server
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Refuses websockets from now on.
    pub(crate) fn without_websocket(self) -> Queueing {
        self.lock().deaf = true;
        self
    }

    /// What was asked for with POST, with the bodies.
    pub(crate) fn posted(&self, path: &str) -> Vec<Value> {
        let asked = &self.lock().asked;
        asked.iter().filter(|(own, _)| own == path).map(|(_, body)| body.clone()).collect()
    }

    /// All paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.lock().asked.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Waits until something was asked for so often.
    pub(crate) fn wait_for(&self, path: &str, count: usize) {
        let few = |state: &mut State| {
            state.asked.iter().filter(|(own, _)| own.starts_with(path)).count() < count
        };
        drop(self.state.1.wait_while(self.lock(), few).unwrap());
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut head = [0; 4096];
        let Ok(length) = stream.peek(&mut head) else { return };
        let line = String::from_utf8_lossy(&head[..length]).into_owned();
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        if self.lock().down {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
        if let Some(client) = path.strip_prefix("/ws?clientId=") {
            if self.lock().deaf {
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            let Ok(socket) = tungstenite::accept(stream) else { return };
            self.lock().sockets.insert(client.to_owned(), socket);
            self.log(path, Value::Null);
            return;
        }
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) <= 2 {
                break;
            }
            if let Some(number) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let sent: Value = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()));
        let (status, answer, fate) = self.answer(&path, &sent);
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&answer);
        let _ = stream.shutdown(Shutdown::Write);
        self.log(path, sent.clone());
        if let Some(fate) = fate {
            self.meet(fate, &sent);
        }
    }

    fn log(&self, path: String, body: Value) {
        self.lock().asked.push((path, body));
        self.state.1.notify_all();
    }

    fn answer(&self, path: &str, sent: &Value) -> (u16, Vec<u8>, Option<Fate>) {
        let mut state = self.lock();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let said = |value: Value| (200, value.to_string().into_bytes(), None);
        match path {
            "/system_stats" => said(json!({"system": {}, "devices": []})),
            "/queue" if sent.is_null() || sent == "" => {
                said(json!({"queue_running": state.running, "queue_pending": []}))
            }
            "/interrupt" => {
                let id = sent["prompt_id"].as_str().unwrap_or_default().to_owned();
                state.running.clear();
                let stopped = json!({"status_str": "error", "completed": false, "messages": [
                    ["execution_interrupted", {"prompt_id": id, "node_id": "3", "node_type": "KSampler", "timestamp": 2}]]});
                state.history.insert(
                    id.clone(),
                    json!({"prompt": [0, id, {}, {}, []], "outputs": {}, "status": stopped}),
                );
                said(Value::Null)
            }
            "/prompt" => match state.fates.pop_front().unwrap_or(Fate::Done { other: 0 }) {
                Fate::Refused(answer) => (400, answer.to_string().into_bytes(), None),
                fate => {
                    let id = &sent["prompt_id"];
                    state.running.push(json!([0, id, {}, {}, []]));
                    let answer = json!({"prompt_id": id, "number": 0, "node_errors": {}});
                    (200, answer.to_string().into_bytes(), Some(fate))
                }
            },
            "/view" => {
                let name = query.split('&').find_map(|part| part.strip_prefix("filename="));
                match state.files.get(name.unwrap_or_default()) {
                    Some(bytes) => (200, bytes.clone(), None),
                    None => (404, Vec::new(), None),
                }
            }
            "/upload/image" => said(json!({"name": "face.png", "subfolder": "", "type": "input"})),
            "/free" => said(Value::Null),
            _ => match path.strip_prefix("/history/") {
                Some(id) => {
                    let entry = state.history.get(id).cloned();
                    let members = entry.into_iter().map(|entry| (id.to_owned(), entry));
                    said(Value::Object(members.collect()))
                }
                None => (404, Vec::new(), None),
            },
        }
    }

    /// Runs it.
    fn meet(&self, fate: Fate, sent: &Value) {
        let id = sent["prompt_id"].as_str().unwrap().to_owned();
        let client = sent["client_id"].as_str().unwrap().to_owned();
        let say = |kind: &str, data: Value| self.say(&client, &id, kind, data);
        say("execution_start", json!({"timestamp": 1_795_363_927_000_u64}));
        say("execution_cached", json!({"nodes": []}));
        say("executing", json!({"node": "3", "display_node": "3"}));
        say("progress", json!({"node": "3", "value": 10, "max": 20}));
        let problem = |kind: &str, message: &str| {
            json!([[kind, {"prompt_id": id, "node_id": "3", "node_type": "KSampler", "timestamp": 2,
                "exception_message": message, "exception_type": "RuntimeError"}]])
        };
        match fate {
            Fate::Done { other } => self.make(&id, sent, other),
            Fate::Unheard => {
                let before = self.asked().iter().filter(|path| path.starts_with("/ws")).count();
                if let Some(socket) = self.lock().sockets.remove(&client) {
                    let _ = socket.get_ref().shutdown(Shutdown::Both);
                }
                self.wait_for("/ws", before + 1);
                self.make(&id, sent, 0);
            }
            Fate::Cached(file) => {
                let outputs = json!({"9": {"images": [{"filename": file, "subfolder": "", "type": "output"}]}});
                let messages = json!([["execution_start", {"timestamp": 1}],
                    ["execution_cached", {"nodes": ["3", "9"], "timestamp": 1}],
                    ["execution_success", {"timestamp": 1}]]);
                self.end(&id, sent, outputs, "success", messages);
            }
            Fate::Fails(message) => {
                self.end(&id, sent, json!({}), "error", problem("execution_error", message));
            }
            Fate::Interrupted => {
                self.end(&id, sent, json!({}), "error", problem("execution_interrupted", ""));
            }
            Fate::Vanishes => self.lock().running.clear(),
            Fate::Dies => {
                let mut state = self.lock();
                state.down = true;
                for (_, socket) in state.sockets.drain() {
                    let _ = socket.get_ref().shutdown(Shutdown::Both);
                }
                return;
            }
            Fate::Replayed(frames, mut entry) => {
                for frame in frames {
                    let text = frame.to_string().replace("RUN", &id);
                    self.send(&client, text);
                }
                entry["prompt"][1] = id.clone().into();
                self.lock().running.clear();
                self.lock().history.insert(id.clone(), entry);
            }
            Fate::Endless | Fate::Refused(_) => return,
        }
        say("executing", json!({"node": null}));
    }

    /// The picture of what was queued, as ComfyUI saves it.
    fn make(&self, id: &str, sent: &Value, other: u64) {
        let seed = sent["prompt"]["3"]["inputs"]["seed"].as_u64().unwrap_or(0);
        let steps = sent["prompt"]["3"]["inputs"]["steps"].as_u64().unwrap_or(0);
        let texts = [
            // No two files are the same.
            ("made", id.to_owned()),
            ("prompt", sent["prompt"].to_string()),
            ("workflow", sent["extra_data"]["extra_pnginfo"]["workflow"].to_string()),
        ];
        let picture = Picture { seed: seed + 1000 * (steps - 20) + other, side: 64 }.png(&texts);
        let name = {
            let mut state = self.lock();
            state.made += 1;
            let name = format!("again_{:05}_.png", state.made);
            state.files.insert(name.clone(), picture);
            name
        };
        let outputs =
            json!({"9": {"images": [{"filename": name, "subfolder": "", "type": "output"}]}});
        let messages = json!([["execution_start", {"timestamp": 1_795_363_927_000_u64}],
            ["execution_cached", {"nodes": [], "timestamp": 1_795_363_927_000_u64}],
            ["execution_success", {"timestamp": 1_795_363_928_000_u64}]]);
        self.end(id, sent, outputs, "success", messages);
    }

    fn end(&self, id: &str, sent: &Value, outputs: Value, status: &str, messages: Value) {
        let entry = json!({
            "prompt": [0, id, sent["prompt"], sent["extra_data"], ["9"]],
            "outputs": outputs,
            "status": {"status_str": status, "completed": status == "success", "messages": messages},
            "meta": {}
        });
        let mut state = self.lock();
        state.running.retain(|item| item[1] != id);
        state.history.insert(id.to_owned(), entry);
    }

    fn say(&self, client: &str, id: &str, kind: &str, mut data: Value) {
        data["prompt_id"] = id.into();
        self.send(client, json!({"type": kind, "data": data}).to_string());
    }

    fn send(&self, client: &str, text: String) {
        if let Some(socket) = self.lock().sockets.get_mut(client) {
            let _ = socket.send(Message::text(text));
        }
    }
}
