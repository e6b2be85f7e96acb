//! All access to the machine: files, hashes, models, node packs, ComfyUI and its server.
//!
//! Must not know git.

pub mod callers;
pub mod comfyui;
pub mod digest;
pub mod folder_argument;
pub mod folder_watcher;
pub mod hash;
pub mod models;
pub mod output_file;
pub mod packs;
pub mod safetensors;
pub mod server;
pub mod sidecar;
pub mod stop;
pub mod write_file;

pub use digest::{Digest, DigestKind, Hashes, to_hex};
