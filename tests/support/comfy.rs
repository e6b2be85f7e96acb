//! A server that behaves as ComfyUI does towards somebody who only looks on: HTTP and
//! websocket on one port, and every fault on request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Map, Value, json};
use tungstenite::{Message, WebSocket};

#[derive(Default)]
struct State {
    history: Map<String, Value>,
    asked: Vec<String>,
    clients: Vec<String>,
    sockets: Vec<(String, WebSocket<TcpStream>)>,
    /// What runs: items of the queue.
    running: Vec<Value>,
    /// How many prompts wait.
    waiting: usize,
    /// Before `/api/jobs`.
    is_old: bool,
    /// Refuses every connection, as while it restarts.
    down: bool,
}

/// The server; it listens until the test process ends.
#[derive(Clone)]
pub(crate) struct Comfy {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Comfy {
    pub(crate) fn new() -> Comfy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let comfy = Comfy { port, state: Arc::default() };
        let own = comfy.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        comfy
    }

    /// One that knows no `/api/jobs`.
    pub(crate) fn old() -> Comfy {
        let comfy = Comfy::new();
        comfy.state.0.lock().unwrap().is_old = true;
        comfy
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A run ended: it is in the history from now on. Nobody is told.
    pub(crate) fn add(&self, id: &str, entry: Value) {
        self.state.0.lock().unwrap().history.insert(id.to_owned(), entry);
    }

    /// A prompt begins to run; nothing: none runs. `entry` is what the history will hold.
    pub(crate) fn runs(&self, entry: Option<&Value>) {
        let items = entry.map(|entry| entry["prompt"].clone()).into_iter().collect();
        self.state.0.lock().unwrap().running = items;
    }

    /// So many prompts wait.
    pub(crate) fn queue(&self, count: usize) {
        self.state.0.lock().unwrap().waiting = count;
    }

    /// Tells every client how long the queue is, so many times.
    pub(crate) fn tell(&self, remaining: u64, times: usize) {
        let status = json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": remaining}}}});
        for _ in 0..times {
            self.send(&status);
        }
    }

    /// Sends a message to every client.
    pub(crate) fn send(&self, message: &Value) {
        let text = message.to_string();
        let sockets = &mut self.state.0.lock().unwrap().sockets;
        sockets.retain_mut(|(_, socket)| socket.send(Message::text(text.clone())).is_ok());
    }

    /// Drops every connection without a word.
    pub(crate) fn drop_connections(&self) {
        for (_, socket) in std::mem::take(&mut self.state.0.lock().unwrap().sockets) {
            let _ = socket.get_ref().shutdown(Shutdown::Both);
        }
    }

    /// Stops answering and forgets its history, as a server that is restarted.
    pub(crate) fn stop(&self) {
        {
            let mut state = self.state.0.lock().unwrap();
            state.down = true;
            state.history.clear();
            state.running.clear();
            state.waiting = 0;
        }
        self.drop_connections();
    }

    /// Answers again.
    pub(crate) fn start(&self) {
        self.state.0.lock().unwrap().down = false;
    }

    /// Waits until so many clients have connected, from the beginning.
    pub(crate) fn wait_for_clients(&self, count: usize) {
        let (state, changed) = &*self.state;
        let guard = state.lock().unwrap();
        drop(changed.wait_while(guard, |state| state.clients.len() < count).unwrap());
    }

    /// Waits until something was asked for.
    pub(crate) fn wait_for(&self, path: &str) {
        let (state, changed) = &*self.state;
        let guard = state.lock().unwrap();
        let missing = |state: &mut State| !state.asked.iter().any(|asked| asked == path);
        drop(changed.wait_while(guard, missing).unwrap());
    }

    /// Waits until so many things were asked for.
    pub(crate) fn wait_for_questions(&self, count: usize) {
        let (state, changed) = &*self.state;
        let guard = state.lock().unwrap();
        drop(changed.wait_while(guard, |state| state.asked.len() < count).unwrap());
    }

    /// What was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.0.lock().unwrap().asked.clone()
    }

    /// The ids that clients gave themselves.
    pub(crate) fn clients(&self) -> Vec<String> {
        self.state.0.lock().unwrap().clients.clone()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut head = [0; 4096];
        let Ok(length) = stream.peek(&mut head) else { return };
        let line = String::from_utf8_lossy(&head[..length]);
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        if self.state.0.lock().unwrap().down {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
        if path.starts_with("/ws") {
            let Ok(mut socket) = tungstenite::accept(stream) else { return };
            let hello = json!({"type": "status", "data": {"sid": "s", "status": {"exec_info": {"queue_remaining": 0}}}});
            let _ = socket.send(Message::text(hello.to_string()));
            let mut state = self.state.0.lock().unwrap();
            // Whoever comes with the id of another takes its socket away.
            state.sockets.retain(|(client, _)| *client != path);
            state.clients.push(path.clone());
            state.sockets.push((path, socket));
        } else {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut header = String::from("x");
            while header.len() > 2 || header == "x" {
                header.clear();
                if reader.read_line(&mut header).unwrap_or(0) == 0 {
                    break;
                }
            }
            let body = self.answer(&path);
            let head = match &body {
                Some(body) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                ),
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    .to_owned(),
            };
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(body.unwrap_or_default().as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            let _ = reader.read(&mut [0; 64]);
            self.state.0.lock().unwrap().asked.push(path);
        }
        self.state.1.notify_all();
    }

    fn answer(&self, path: &str) -> Option<String> {
        if let Some(id) = path.strip_prefix("/history/") {
            let entry = self.state.0.lock().unwrap().history.get(id).cloned();
            return Some(entry.map_or(json!({}), |entry| json!({ id: entry })).to_string());
        }
        if let Some(query) = path.strip_prefix("/history") {
            return Some(self.history(query));
        }
        let state = self.state.0.lock().unwrap();
        let id = |item: &Value| item[1].as_str().unwrap().to_owned();
        if path == "/prompt" {
            let remaining = state.running.len() + state.waiting;
            return Some(json!({"exec_info": {"queue_remaining": remaining}}).to_string());
        }
        if path == "/queue" {
            let waiting: Vec<Value> =
                (0..state.waiting).map(|n| json!([n, format!("waits-{n}"), {}, {}, []])).collect();
            let queue = json!({"queue_running": state.running, "queue_pending": waiting});
            return Some(queue.to_string());
        }
        if state.is_old {
            return None;
        }
        if let Some(wanted) = path.strip_prefix("/api/jobs/") {
            let item = state.running.iter().find(|item| id(item) == wanted)?;
            let job = json!({"id": wanted, "status": "in_progress", "priority": item[0],
                "create_time": item[3]["create_time"],
                "workflow": {"prompt": item[2], "extra_data": item[3]}});
            return Some(job.to_string());
        }
        path.starts_with("/api/jobs?status=in_progress").then(|| {
            let jobs =
                state.running.iter().map(|item| json!({"id": id(item), "status": "in_progress"}));
            json!({"jobs": jobs.collect::<Vec<_>>(), "pagination": {"has_more": false}}).to_string()
        })
    }

    /// `/history?max_items=…&offset=…` as ComfyUI has it: without an offset the newest.
    fn history(&self, query: &str) -> String {
        let number = |name: &str| {
            let at = query.find(&format!("{name}="))? + name.len() + 1;
            let digits: String = query[at..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()
        };
        let state = self.state.0.lock().unwrap();
        let most = number("max_items").unwrap_or(usize::MAX);
        let offset = number("offset").unwrap_or(state.history.len().saturating_sub(most));
        let part: Map<String, Value> = state
            .history
            .iter()
            .skip(offset)
            .take(most)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        Value::Object(part).to_string()
    }
}
