//! A websocket of a running ComfyUI, under an id of its own. What is said on it is for
//! others to understand.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket};

use crate::platform::hex::random_hex;
use crate::platform::machine::server::ServerAddress;

/// The largest message that is taken, in bytes: previews may come.
const MAX_MESSAGE_SIZE: usize = 64 << 20;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A websocket over plain TCP.
#[derive(Debug)]
pub(crate) struct ComfySocket {
    socket: WebSocket<TcpStream>,
}

/// What was read within the time that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SocketEvent {
    /// A message.
    Text(String),
    /// A picture, or something of the connection's own.
    Other,
    /// Nothing for that long.
    Timeout,
    /// The connection is gone.
    Closed,
}

impl ComfySocket {
    /// Connects under that id. `None` where nobody answers as ComfyUI does.
    pub(crate) fn connect(address: &ServerAddress, client: &str) -> Option<ComfySocket> {
        let authority = address.authority();
        let place = authority.to_socket_addrs().ok()?.next()?;
        let stream = TcpStream::connect_timeout(&place, CONNECT_TIMEOUT).ok()?;
        stream.set_read_timeout(Some(CONNECT_TIMEOUT)).ok()?;
        stream.set_write_timeout(Some(CONNECT_TIMEOUT)).ok()?;
        let url = format!("ws://{authority}/ws?clientId={client}");
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_SIZE))
            .max_frame_size(Some(MAX_MESSAGE_SIZE));
        match tungstenite::client::client_with_config(url, stream, Some(config)) {
            Ok((socket, _)) => Some(ComfySocket { socket }),
            Err(HandshakeError::Failure(_) | HandshakeError::Interrupted(_)) => None,
        }
    }

    /// Waits for the next message, no longer than that.
    pub(crate) fn next_event(&mut self, within: Duration) -> SocketEvent {
        let within = within.max(Duration::from_millis(1));
        if self.socket.get_ref().set_read_timeout(Some(within)).is_err() {
            return SocketEvent::Closed;
        }
        match self.socket.read() {
            Ok(Message::Text(text)) => SocketEvent::Text(text.as_str().to_owned()),
            Ok(Message::Close(_)) => SocketEvent::Closed,
            Ok(_) => SocketEvent::Other,
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                SocketEvent::Timeout
            }
            Err(_) => SocketEvent::Closed,
        }
    }

    /// Asks whether the other side is still there; a connection that is gone shows then.
    pub(crate) fn ping(&mut self) -> bool {
        self.socket.send(Message::Ping(Vec::new().into())).is_ok()
    }
}

/// A client id that nobody else has: connecting with somebody's own would take their
/// socket away.
pub(crate) fn random_client_id() -> String {
    format!("git-comfy-{}", random_hex(32))
}
