//! A second pair of eyes on a running ComfyUI: its websocket, as a client of its own.
//!
//! The server tells such a client only that the queue moved; what happened is asked over
//! HTTP. The client's id is random: connecting with somebody else's would take their
//! socket away.

use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket};

use super::server::Address;

/// The largest message that is taken, in bytes: previews may come.
const LARGEST: usize = 64 << 20;
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection.
#[derive(Debug)]
pub struct Observer {
    socket: WebSocket<TcpStream>,
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// So many prompts wait or run.
    Queue(u64),
    /// Something of no interest.
    Else,
    /// Nothing for that long.
    Silence,
    /// The connection is gone.
    Gone,
}

impl Observer {
    /// Connects. `None` where nobody answers as ComfyUI does.
    pub fn connect(address: &Address) -> Option<Observer> {
        let authority = address.authority();
        let place = authority.to_socket_addrs().ok()?.next()?;
        let stream = TcpStream::connect_timeout(&place, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let url = format!("ws://{authority}/ws?clientId={}", own_id());
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        match tungstenite::client::client_with_config(url, stream, Some(config)) {
            Ok((socket, _)) => Some(Observer { socket }),
            Err(HandshakeError::Failure(_) | HandshakeError::Interrupted(_)) => None,
        }
    }

    /// Waits for the next message, no longer than that.
    pub fn next(&mut self, within: Duration) -> Heard {
        let within = within.max(Duration::from_millis(1));
        if self.socket.get_ref().set_read_timeout(Some(within)).is_err() {
            return Heard::Gone;
        }
        match self.socket.read() {
            Ok(Message::Text(text)) => queue_in(&text).map_or(Heard::Else, Heard::Queue),
            Ok(Message::Close(_)) => Heard::Gone,
            Ok(_) => Heard::Else,
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Heard::Silence
            }
            Err(_) => Heard::Gone,
        }
    }

    /// Asks whether the other side is still there; a connection that is gone shows then.
    pub fn ping(&mut self) -> bool {
        self.socket.send(Message::Ping(Vec::new().into())).is_ok()
    }
}

/// The length of the queue in a status message.
fn queue_in(text: &str) -> Option<u64> {
    let message: serde_json::Value = serde_json::from_str(text).ok()?;
    (message["type"] == "status").then_some(())?;
    message["data"]["status"]["exec_info"]["queue_remaining"].as_u64()
}

fn own_id() -> String {
    let seed = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("git-comfy-{:016x}{:016x}", seed(), seed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_tells_of_the_queue() {
        let status =
            r#"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":3}},"sid":"x"}}"#;
        assert_eq!(queue_in(status), Some(3));
        for other in
            ["", "[]", r#"{"type":"executing","data":{}}"#, r#"{"type":"status","data":7}"#]
        {
            assert_eq!(queue_in(other), None, "{other}");
        }
        assert_ne!(own_id(), own_id());
    }
}
