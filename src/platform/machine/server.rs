//! A running ComfyUI, asked over HTTP.
//!
//! Only ever an address on this machine, unless the person's own configuration names
//! another; nothing in a repository can make git-comfy connect anywhere. Every answer is
//! bounded in size and time, redirects and proxies are not followed, and an answer that is
//! not what ComfyUI gives is an error, not a guess.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::CommandError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The largest answer that is read, in bytes: `/object_info` of an installation with
/// hundreds of packs stays below 40 MB.
const MAX_ANSWER_LEN: u64 = 128 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressSource {
    /// git-comfy's own default: only an address on this machine is accepted.
    Default,
    /// The person's configuration (`comfy.server`).
    Person,
}

/// Where a server listens: `http://127.0.0.1:8188`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: u16,
}

/// Why a server could not be asked, or what was wrong with its answer.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("{0:?} is not the address of a ComfyUI server: write host:port or http://host:port")]
    Address(String),
    /// Encrypted connections are not built in.
    #[error("{0:?} needs https, which git-comfy cannot speak: use a tunnel to this machine")]
    Encrypted(String),
    /// Not on this machine, and not named by the person.
    #[error("{0} is not on this machine, and only git config comfy.server may name such a server")]
    NotLocal(String),
    #[error("{url}: {error}")]
    Request {
        url: String,
        #[source]
        error: Box<ureq::Error>,
    },
    #[error("{url} did not answer as ComfyUI does: {error}")]
    Answer {
        url: String,
        #[source]
        error: serde_json::Error,
    },
}

impl From<ServerError> for CommandError {
    fn from(error: ServerError) -> Self {
        CommandError::server(error)
    }
}

impl ServerError {
    /// Whether the server answered that it does not know such an address.
    pub fn is_client_error(&self) -> bool {
        let ServerError::Request { error, .. } = self else { return false };
        matches!(error.as_ref(), ureq::Error::StatusCode(400..=499))
    }

    /// Whether the answer was longer than what is read.
    pub fn is_too_large(&self) -> bool {
        let ServerError::Request { error, .. } = self else { return false };
        matches!(error.as_ref(), ureq::Error::BodyExceedsLimit(_))
    }

    /// Whether the connection was refused: nobody listens there.
    pub fn is_unreachable(&self) -> bool {
        let ServerError::Request { error, .. } = self else { return false };
        match error.as_ref() {
            ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
            _ => false,
        }
    }
}

impl ServerAddress {
    /// The address that ComfyUI listens on by itself.
    pub fn default_local() -> Self {
        ServerAddress { host: "127.0.0.1".to_owned(), port: 8188 }
    }

    /// The address that the desktop application's server listens on.
    pub fn desktop_app() -> Self {
        ServerAddress { host: "127.0.0.1".to_owned(), port: 8000 }
    }

    /// An address as a person writes it.
    pub fn parse(text: &str, by: AddressSource) -> Result<Self, ServerError> {
        let wrong = || ServerError::Address(text.chars().take(200).collect());
        let plain = text.trim().trim_end_matches('/');
        if plain.starts_with("https://") {
            return Err(ServerError::Encrypted(plain.to_owned()));
        }
        let plain = plain.strip_prefix("http://").unwrap_or(plain);
        if plain.contains(['/', '@', '?', '#']) || plain.chars().any(char::is_whitespace) {
            return Err(wrong());
        }
        let (host, port) = match plain.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.contains(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (plain, 8188),
        };
        if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
            return Err(wrong());
        }
        let address = ServerAddress { host: host.to_owned(), port };
        if by == AddressSource::Default && !address.is_on_this_machine() {
            return Err(ServerError::NotLocal(address.host));
        }
        Ok(address)
    }

    /// Host and port, as a connection wants them: `127.0.0.1:8188`.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it can only be this machine.
    pub fn is_on_this_machine(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

/// A client of one server.
#[derive(Debug, Clone)]
pub struct ComfyServer {
    agent: ureq::Agent,
    address: ServerAddress,
}

impl ComfyServer {
    /// A client for that address; no connection is made yet. No request takes longer
    /// than `patience`.
    pub fn new(address: ServerAddress, patience: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(patience))
            .timeout_connect(Some(patience.min(Duration::from_secs(2))))
            .max_redirects(0)
            .max_redirects_will_error(true)
            .proxy(None)
            .user_agent(concat!("git-comfy/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        ComfyServer { agent, address }
    }

    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// `/system_stats`: versions, devices, the command line.
    pub fn system_stats(&self) -> Result<SystemStats, ServerError> {
        self.get_json("/system_stats")
    }

    /// `/internal/folder_paths`: every model type with its folders in search order.
    pub fn folder_paths(&self) -> Result<Vec<(String, Vec<PathBuf>)>, ServerError> {
        let paths: indexmap::IndexMap<String, Vec<PathBuf>> =
            self.get_json("/internal/folder_paths")?;
        Ok(paths.into_iter().collect())
    }

    /// `/experiment/models`: the same with the endings each type offers.
    pub fn model_types(&self) -> Result<Vec<ServerModelType>, ServerError> {
        self.get_json("/experiment/models")
    }

    /// `/object_info`: every node class, as the JSON the server sent.
    pub fn object_info(&self) -> Result<Vec<u8>, ServerError> {
        let bytes = self.get_bytes("/object_info")?;
        // A page of some other program is not to be taken for node classes.
        serde_json::from_slice::<std::collections::HashMap<String, serde::de::IgnoredAny>>(&bytes)
            .map_err(|error| ServerError::Answer { url: self.url("/object_info"), error })?;
        Ok(bytes)
    }

    /// `/history`: the last runs, as the JSON the server sent.
    pub fn history(&self, at_most: u32) -> Result<Vec<u8>, ServerError> {
        self.get_bytes(&format!("/history?max_items={at_most}"))
    }

    /// GET of a path, parsed as JSON.
    pub fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServerError> {
        let bytes = self.get_bytes(path)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| ServerError::Answer { url: self.url(path), error })
    }

    /// GET of a path, which begins with a slash.
    pub fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ServerError> {
        self.get_with_query(path, &[], MAX_ANSWER_LEN)
    }

    /// GET of a path with a query; an answer longer than `most` bytes is an error.
    pub fn get_with_query(
        &self,
        path: &str,
        query: &[(&str, &str)],
        most: u64,
    ) -> Result<Vec<u8>, ServerError> {
        let url = self.url(path);
        let ask = || {
            let request = self.agent.get(&url).query_pairs(query.iter().copied());
            request.call()?.body_mut().with_config().limit(most).read_to_vec()
        };
        ask().map_err(|error| ServerError::Request { url: url.clone(), error: Box::new(error) })
    }

    /// POST; gives status and body of the answer, also of an error status.
    pub fn post(&self, path: &str, kind: &str, body: &[u8]) -> Result<(u16, Vec<u8>), ServerError> {
        let url = self.url(path);
        let send = || {
            let request = self.agent.post(&url).content_type(kind);
            let mut answer = request.config().http_status_as_error(false).build().send(body)?;
            let status = answer.status().as_u16();
            let body = answer.body_mut().with_config().limit(MAX_ANSWER_LEN).read_to_vec()?;
            Ok((status, body))
        };
        send().map_err(|error| ServerError::Request { url: url.clone(), error: Box::new(error) })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

/// What `/system_stats` says; fields that a version does not have stay empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SystemStats {
    pub system: ServerSystem,
    #[serde(default)]
    pub devices: Vec<ServerDevice>,
}

/// The `system` part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerSystem {
    /// `linux`, `darwin`, `win32` (older: `posix`, `nt`).
    pub os: String,
    pub comfyui_version: Option<String>,
    /// `3.12.4 (main, …) [GCC …]`.
    pub python_version: Option<String>,
    /// With the build: `2.7.0+cu128`.
    pub pytorch_version: Option<String>,
    /// `local-git`, `local-desktop`, `portable` and so on.
    pub deploy_environment: Option<String>,
    /// The portable build's own Python.
    pub embedded_python: Option<bool>,
    /// The packages ComfyUI itself asks for.
    pub comfy_package_versions: Vec<ComfyPackage>,
    /// The command line, program first.
    pub argv: Vec<String>,
}

/// One of ComfyUI's own packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ComfyPackage {
    /// For example `comfyui-frontend-package`.
    pub name: String,
    pub installed: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerDevice {
    /// `cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync`.
    pub name: String,
    /// `cuda`, `cpu`, `mps`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Bytes.
    pub vram_total: Option<u64>,
}

/// One entry of `/experiment/models`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerModelType {
    pub name: String,
    /// Its folders in search order.
    #[serde(default)]
    pub folders: Vec<PathBuf>,
    /// The endings it offers; empty: every file.
    #[serde(default)]
    pub extensions: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let person =
            |text: &str| ServerAddress::parse(text, AddressSource::Person).map(|a| a.to_string());
        assert_eq!(person("127.0.0.1:8000").unwrap(), "http://127.0.0.1:8000");
        assert_eq!(person("http://localhost:8188/").unwrap(), "http://localhost:8188");
        assert_eq!(person("gpu-box").unwrap(), "http://gpu-box:8188");
        assert_eq!(person("[::1]:9000").unwrap(), "http://[::1]:9000");
        for wrong in ["", "a b", "http://host/path", "user@host", "host:port", "::1", "host:99999"]
        {
            assert!(matches!(person(wrong), Err(ServerError::Address(_))), "{wrong:?}");
        }
        assert!(matches!(person("https://host"), Err(ServerError::Encrypted(_))));
    }

    #[test]
    fn only_a_person_may_name_another_machine() {
        let default = |text: &str| ServerAddress::parse(text, AddressSource::Default);
        for here in ["127.0.0.1:8188", "localhost", "[::1]", "127.1.2.3"] {
            assert!(default(here).is_ok(), "{here}");
        }
        for elsewhere in ["192.168.1.2", "example.com", "0.0.0.0", "localhost.example.com"] {
            assert!(matches!(default(elsewhere), Err(ServerError::NotLocal(_))), "{elsewhere}");
        }
    }
}
