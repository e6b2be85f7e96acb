//! What the features are built on: git, the machine, text for people, and the one way each to
//! read and write files, to spell bytes and times.

pub mod files;
pub mod git;
pub mod hex;
pub mod machine;
pub mod text;
pub mod time;
pub mod write_atomic;

pub use write_atomic::{AtomicWrite, write_atomic};
