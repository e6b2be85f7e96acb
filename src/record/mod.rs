//! Floor 4: what a commit or a run was made with.
//!
//! Must not know the machine.

mod digest;
pub mod glance;

pub use digest::{Digest, DigestError, DigestKind, Hashes, to_hex};
