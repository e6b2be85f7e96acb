//! Floor 7: the only door to the machine and to a ComfyUI server.
//!
//! Must not know git.

pub mod bridge;
pub mod callers;
pub mod comfy;
pub mod desk;
pub mod eyes;
pub mod hash;
pub mod index;
pub mod look;
pub mod models;
pub mod observer;
pub mod packs;
pub mod queue;
pub mod safetensors;
pub mod server;
pub mod sidecar;
mod socket;
pub mod stop;
pub mod worker;
