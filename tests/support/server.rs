//! A small real HTTP server that answers as a ComfyUI would.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a path is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// These bytes, as JSON.
    Json(Vec<u8>),
    /// A redirect to another address.
    Redirect(String),
    /// A body without an end.
    Endless,
    /// Nothing, and the connection stays open.
    Silence,
}

/// The server; it listens until the test process ends.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
}

impl Server {
    /// A server with these answers; any other path is 404.
    pub(crate) fn new(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = answers.into_iter().map(|(path, answer)| (path.to_owned(), answer));
        let server = Server {
            port,
            asked: Arc::default(),
            answers: Arc::new(Mutex::new(answers.collect())),
        };
        let (asked, answers) = (server.asked.clone(), server.answers.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answers) = (asked.clone(), answers.clone());
                std::thread::spawn(move || serve(stream, &asked, &answers));
            }
        });
        server
    }

    /// The captured answers of a real server.
    pub(crate) fn captured(data: &Path) -> Server {
        let file = |name: &str| std::fs::read(data.join("server/http").join(name)).unwrap();
        let catalog = std::fs::read(data.join("catalog/object_info-0.33.0.json")).unwrap();
        Server::new([
            ("/system_stats", Answer::Json(file("system_stats.json"))),
            ("/internal/folder_paths", Answer::Json(file("internal_folder_paths.json"))),
            ("/experiment/models", Answer::Json(file("experiment_models.json"))),
            ("/object_info", Answer::Json(catalog)),
            ("/history?max_items=200", Answer::Json(file("history@max_items=200.json"))),
        ])
    }

    /// Answers a path differently from now on.
    pub(crate) fn set(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The paths that were asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<String>>, answers: &Mutex<HashMap<String, Answer>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) <= 2 {
            break;
        }
    }
    asked.lock().unwrap().push(path.clone());
    let answer = answers.lock().unwrap().get(&path).cloned();
    let _ = match answer {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        Some(Answer::Json(body)) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Some(Answer::Redirect(to)) => stream.write_all(
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        ),
        Some(Answer::Endless) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\":\"");
            let block = [b'x'; 1 << 16];
            while stream.write_all(&block).is_ok() {}
            Ok(())
        }
        Some(Answer::Silence) => {
            // Until the other side gives up.
            let mut rest = String::new();
            let _ = reader.read_line(&mut rest);
            Ok(())
        }
    };
}
