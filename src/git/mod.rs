//! Floor 7: the only door to git: repositories, configuration, hooks, notes, refs.
//!
//! Hands out plain data; no type of `git2` or `gix` leaves this folder.

pub mod attributes;
pub mod block;
pub mod bring_back;
pub mod changes;
pub mod check;
pub mod checkout;
mod command;
pub mod config;
pub mod differences;
pub mod doctor;
mod door;
pub mod dry_push;
mod error;
mod fetched;
mod filter;
pub mod hook;
pub mod hooks;
mod id;
pub mod index;
pub mod layouts;
pub mod merging;
mod notes;
mod objects;
pub mod pager;
pub mod past;
pub mod patch;
pub mod plan;
pub mod plumbing;
pub mod process;
pub mod raw;
pub mod records;
mod refresh;
mod repository;
mod restore;
pub mod runs;
pub mod separate;
mod settings;
pub mod setup;
pub mod sharing;
pub mod shell;
pub mod snapshots;
mod status;
pub mod synced;
pub mod template;
mod tree;
mod whole;

pub use door::{Attribute, Direction, Order, Swap, Walk};
pub use error::{Error, Result};
pub use fetched::{Received, catch_up, receive};
pub use filter::{Checkout, Filter, Passed, Target, with_committed_layout};
pub use id::{CommitId, Kind, ObjectFormat, ObjectId, RefName, RepoPath};
pub use objects::{Batch, Commit, EntryKind, Person, TreeEntry};
pub use refresh::{Marks, Refreshed, refresh};
pub use repository::{Repository, Surroundings};
pub use restore::{Restored, follow_layouts, lay_out_committed, restore_layouts};
pub use settings::{Handling, Settings, Sharing};
pub use status::{Change, FileStatus, Staging, Status, status};
pub use whole::{with_usual_rights, write_whole};

/// Moves the pending layouts of all blobs that these commits hold into notes; gives how
/// many layouts the notes gained.
pub fn promote_layouts(repository: &Repository, commits: &[CommitId]) -> Result<usize> {
    layouts::promote(repository, commits)
}

/// Takes out what is kept on this machine and can be made again; gives how many layouts wait
/// for a note and stay.
pub fn forget(repository: &Repository) -> usize {
    raw::forget_told(repository);
    merging::forget_journal(repository);
    layouts::forget(repository)
}

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
