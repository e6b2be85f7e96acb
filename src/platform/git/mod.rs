//! All access to git: repositories, configuration, notes, refs, processes of git itself.
//!
//! Hands out plain data; no type of `git2` or `gix` leaves this folder.

pub mod backend;
pub mod changes;
pub mod command;
pub mod commit_text;
pub mod config;
pub mod error;
pub mod file_history;
pub mod foreign_checkout;
pub mod git_runner;
pub mod id;
pub mod index;
pub mod notes;
pub mod objects;
pub mod pager;
pub mod program_settings;
pub mod push_dry_run;
pub mod remote;
pub mod repository;
pub mod shared_refs;
pub mod shell;
pub mod tree;

pub use backend::{AttributeDirection, AttributeState, HistoryWalk, RefSwap, WalkOrder};
pub use error::{GitError, Result};
pub use id::{CommitId, ObjectFormat, ObjectId, ObjectKind, RefName, RepoPath};
pub use objects::{Commit, EntryKind, ObjectBatch, Signature, TreeEntry};
pub use repository::{GitEnvironment, Repository};

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
