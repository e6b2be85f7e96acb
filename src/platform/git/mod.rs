//! All access to git: repositories, configuration, notes, refs, processes of git itself.
//!
//! Hands out plain data; no type of `git2` or `gix` leaves this folder.

pub mod backend;
pub mod changes;
pub mod checkout;
pub mod command;
pub mod commit_range;
pub mod config;
pub mod dry_push;
pub mod error;
pub mod file_history;
pub mod id;
pub mod index;
pub mod notes;
pub mod objects;
pub mod pager;
pub mod plumbing;
pub mod program_settings;
pub mod remote;
pub mod repository;
pub mod shared_refs;
pub mod shell;
pub mod tree;

pub use backend::{Attribute, Direction, Order, Swap, Walk};
pub use error::{Error, Result};
pub use id::{CommitId, Kind, ObjectFormat, ObjectId, RefName, RepoPath};
pub use objects::{Batch, Commit, EntryKind, Person, TreeEntry};
pub use repository::{Repository, Surroundings};

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
