//! A client of a running ComfyUI that only listens: its websocket, under an id of its own.
//!
//! The server tells such a client only that the queue moved; what happened is asked over
//! HTTP. The client's id is random: connecting with somebody else's would take their
//! socket away.

use std::time::{Duration, Instant};

use super::socket::{Came, Socket, own_id};
use crate::platform::machine::server::Address;

/// A websocket client that only listens.
#[derive(Debug)]
pub struct Observer {
    socket: Socket,
    /// A ping was sent and nothing came since.
    is_pinged: bool,
}

/// What came within the time that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// So many prompts wait or run.
    Queue(u64),
    /// A message about something else.
    Else,
    /// Nothing for that long.
    Silence,
    /// The connection is gone.
    Gone,
}

impl Observer {
    /// Connects. `None` where nobody answers as ComfyUI does.
    pub fn connect(address: &Address) -> Option<Observer> {
        let socket = Socket::connect(address, &own_id())?;
        Some(Observer { socket, is_pinged: false })
    }

    /// Waits for the next message, no longer than that.
    pub fn next(&mut self, within: Duration) -> Heard {
        let came = self.socket.next(within);
        if matches!(came, Came::Text(_) | Came::Else) {
            self.is_pinged = false;
        }
        match came {
            Came::Text(text) => queue_in(&text).map_or(Heard::Else, Heard::Queue),
            Came::Else => Heard::Else,
            Came::Silence => Heard::Silence,
            Came::Gone => Heard::Gone,
        }
    }

    /// Waits until no message came for `quiet`, no longer than `most` altogether.
    pub fn settle(&mut self, quiet: Duration, most: Duration) -> Heard {
        let begun = Instant::now();
        while begun.elapsed() < most {
            match self.next(quiet) {
                Heard::Queue(_) | Heard::Else => {}
                heard => return heard,
            }
        }
        Heard::Silence
    }

    /// Asks whether the other side is still there; a connection that is gone shows then,
    /// or by the answer to the last ping that never came.
    pub fn ping(&mut self) -> bool {
        !std::mem::replace(&mut self.is_pinged, true) && self.socket.ping()
    }
}

/// The length of the queue in a status message.
fn queue_in(text: &str) -> Option<u64> {
    let message: serde_json::Value = serde_json::from_str(text).ok()?;
    (message["type"] == "status").then_some(())?;
    message["data"]["status"]["exec_info"]["queue_remaining"].as_u64()
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
