//! A client of a running ComfyUI that only listens: its websocket, under an id of its own.
//!
//! The server tells such a client only that the queue moved; what happened is asked over
//! HTTP. The client's id is random: connecting with somebody else's would take their
//! socket away.

use std::time::{Duration, Instant};

use comfy_graph::json;

use super::websocket::{ComfySocket, SocketEvent, random_client_id};
use crate::platform::machine::server::ServerAddress;

/// A websocket client that only listens.
#[derive(Debug)]
pub(crate) struct QueueObserver {
    socket: ComfySocket,
    /// A ping was sent and nothing came since.
    is_pinged: bool,
}

/// What came within the time that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueEvent {
    /// So many prompts wait or run.
    Queue(u64),
    /// A message about something else.
    Other,
    /// Nothing for that long.
    Timeout,
    /// The connection is gone.
    Closed,
}

impl QueueObserver {
    /// Connects. `None` where nobody answers as ComfyUI does.
    pub(crate) fn connect(address: &ServerAddress) -> Option<QueueObserver> {
        let socket = ComfySocket::connect(address, &random_client_id())?;
        Some(QueueObserver { socket, is_pinged: false })
    }

    /// Waits for the next message, no longer than that.
    pub(crate) fn next_event(&mut self, within: Duration) -> QueueEvent {
        let came = self.socket.next_event(within);
        if matches!(came, SocketEvent::Text(_) | SocketEvent::Other) {
            self.is_pinged = false;
        }
        match came {
            SocketEvent::Text(text) => {
                parse_queue_length(&text).map_or(QueueEvent::Other, QueueEvent::Queue)
            }
            SocketEvent::Other => QueueEvent::Other,
            SocketEvent::Timeout => QueueEvent::Timeout,
            SocketEvent::Closed => QueueEvent::Closed,
        }
    }

    /// Waits until no message came for `quiet`, no longer than `most` altogether.
    pub(crate) fn wait_until_quiet(&mut self, quiet: Duration, most: Duration) -> QueueEvent {
        let begun = Instant::now();
        while begun.elapsed() < most {
            match self.next_event(quiet) {
                QueueEvent::Queue(_) | QueueEvent::Other => {}
                heard => return heard,
            }
        }
        QueueEvent::Timeout
    }

    /// Asks whether the other side is still there; a connection that is gone shows then,
    /// or by the answer to the last ping that never came.
    pub(crate) fn ping(&mut self) -> bool {
        !std::mem::replace(&mut self.is_pinged, true) && self.socket.ping()
    }
}

/// The length of the queue in a status message.
fn parse_queue_length(text: &str) -> Option<u64> {
    let message = json::parse_lenient(text.as_bytes()).ok()?;
    if message.get("type")?.as_str()? != "status" {
        return None;
    }
    let execution = message.get("data")?.get("status")?.get("exec_info")?;
    execution.get("queue_remaining")?.as_number()?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_tells_of_the_queue() {
        let status =
            r#"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":3}},"sid":"x"}}"#;
        assert_eq!(parse_queue_length(status), Some(3));
        for other in
            ["", "[]", r#"{"type":"executing","data":{}}"#, r#"{"type":"status","data":7}"#]
        {
            assert_eq!(parse_queue_length(other), None, "{other}");
        }
        assert_ne!(random_client_id(), random_client_id());
    }
}
