//! All access to the machine: files, hashes, models, node packs, ComfyUI and its server.
//!
//! Must not know git.

pub mod caller_processes;
pub mod comfyui;
pub mod digest;
pub mod file_io;
pub mod folder_argument;
pub mod folder_watcher;
pub mod hash;
pub mod interrupt;
pub mod models;
pub mod output_file;
pub mod packs;
pub mod safetensors;
pub mod server;
pub mod sidecar;

pub use digest::{Digest, DigestKind, FileHashes};

pub use super::hex::to_hex;
