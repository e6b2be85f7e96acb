//! All access to the machine: files, hashes, models, node packs, ComfyUI and its server.
//!
//! Must not know git.

pub(crate) mod caller_processes;
pub mod comfyui;
pub(crate) mod detached_process;
pub(crate) mod digest;
pub(crate) mod folder_watcher;
pub mod hash;
pub(crate) mod interrupt;
pub(crate) mod lock_file;
pub(crate) mod models;
pub(crate) mod node_catalog;
pub(crate) mod packs;
pub(crate) mod safetensors;
pub mod server;
pub(crate) mod sidecar;

pub(crate) use digest::{Digest, DigestKind, FileHashes};

pub use super::hex::to_hex;
