//! What the features are built on: git, the machine, text for people, and the one way each to
//! read and write files, to spell bytes and times.

pub(crate) mod contained_path;
pub(crate) mod file_argument;
pub(crate) mod files;
pub(crate) mod folder_argument;
pub(crate) mod git;
pub(crate) mod hex;
pub(crate) mod machine;
pub(crate) mod output_argument;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod write_atomic;

pub(crate) use write_atomic::{AtomicWrite, write_atomic};
