//! A websocket of a running ComfyUI, under an id of its own. What is said on it is for
//! others to understand.

use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket};

use crate::platform::machine::server::Address;

/// The largest message that is taken, in bytes: previews may come.
const LARGEST: usize = 64 << 20;
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A websocket over plain TCP.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: WebSocket<TcpStream>,
}

/// What was read within the time that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// A message.
    Text(String),
    /// A picture, or something of the connection's own.
    Else,
    /// Nothing for that long.
    Silence,
    /// The connection is gone.
    Gone,
}

impl Socket {
    /// Connects under that id. `None` where nobody answers as ComfyUI does.
    pub(crate) fn connect(address: &Address, client: &str) -> Option<Socket> {
        let authority = address.authority();
        let place = authority.to_socket_addrs().ok()?.next()?;
        let stream = TcpStream::connect_timeout(&place, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let url = format!("ws://{authority}/ws?clientId={client}");
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        match tungstenite::client::client_with_config(url, stream, Some(config)) {
            Ok((socket, _)) => Some(Socket { socket }),
            Err(HandshakeError::Failure(_) | HandshakeError::Interrupted(_)) => None,
        }
    }

    /// Waits for the next message, no longer than that.
    pub(crate) fn next(&mut self, within: Duration) -> Came {
        let within = within.max(Duration::from_millis(1));
        if self.socket.get_ref().set_read_timeout(Some(within)).is_err() {
            return Came::Gone;
        }
        match self.socket.read() {
            Ok(Message::Text(text)) => Came::Text(text.as_str().to_owned()),
            Ok(Message::Close(_)) => Came::Gone,
            Ok(_) => Came::Else,
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Came::Silence
            }
            Err(_) => Came::Gone,
        }
    }

    /// Asks whether the other side is still there; a connection that is gone shows then.
    pub(crate) fn ping(&mut self) -> bool {
        self.socket.send(Message::Ping(Vec::new().into())).is_ok()
    }
}

/// 32 digits that nobody else has.
pub(crate) fn random_digits() -> String {
    let seed = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", seed(), seed())
}

/// A client id that nobody else has: connecting with somebody's own would take their
/// socket away.
pub(crate) fn own_id() -> String {
    format!("git-comfy-{}", random_digits())
}
