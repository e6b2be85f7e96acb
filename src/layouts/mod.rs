//! Layouts: where each clean blob's positions are kept until they are wanted.
//!
//! ```text
//! clean ──▶ stamp ──▶ store (pending) ──post-commit──▶ notes ──push──▶ remote
//!             ▲         │                                │               │ fetch
//!        file states    │                                │               ▼
//!             ▲         ▼                                │         tracking notes
//! smudge ◀── compose ◀─ find ◀───────────────────────────┴───────────────┘
//! ```
//!
//! `work_tree` is the whole of it for one file; `file_states` remembers what every file
//! held, so that only what a person moves counts as moved.

pub mod bring_back;
pub mod clone_clock;
pub mod commands;
pub mod describe;
pub mod file_states;
pub mod filter;
pub mod filtered;
pub mod find;
pub mod history;
pub mod keeping;
pub mod log;
pub mod note;
pub mod notes_past;
pub mod past;
pub mod paths;
pub mod process;
pub mod promote;
pub mod raw;
pub mod raw_words;
pub mod refresh;
pub mod renames;
pub mod restore;
pub mod settings;
pub mod status;
pub mod store;
pub mod work_tree;

pub use filter::{Checkout, Filter, Passed, with_committed_layout};
pub(crate) use keeping::{Obstacle, damages, mend, obstacles};
pub(crate) use promote::{promote, unnoted};
pub use refresh::{Marks, refresh};
pub use restore::{lay_out_committed, restore_layouts};
pub use settings::{Handling, Settings};
pub use status::{Change, FileStatus, Staging, Status, status};
pub use work_tree::Part;
pub(crate) use work_tree::WorkTreeLayouts;

use crate::platform::git::{ObjectId, RefName, RepoPath, Repository, Result, index, shared_refs};

/// A longer note is not read: it is none of ours.
const MAX_NOTE: u64 = 256 << 20;

/// Longer contents are paired by their ids alone.
const MAX_MATCHED: u64 = 64 << 20;

/// The notes that hold layouts.
pub(crate) fn notes_ref() -> RefName {
    RefName::new(shared_refs::LAYOUTS)
}

/// The layout notes of all remotes, as they were fetched last.
pub(crate) fn tracking_refs(repository: &Repository) -> Result<Vec<(RefName, ObjectId)>> {
    let mut refs = repository.references(shared_refs::TRACKED_NOTES)?;
    refs.retain(|(name, _)| shared_refs::tracked_as(name) == Some(shared_refs::LAYOUTS.into()));
    Ok(refs)
}

/// Whether a file is no more: then one with its content is the same file, renamed.
fn is_gone(repository: &Repository, path: &RepoPath) -> Result<bool> {
    let Some(top) = repository.work_tree() else { return Ok(false) };
    let is_there = top.join(path.to_path()).symlink_metadata().is_ok();
    Ok(!is_there && !index::is_left_out(repository, path)?)
}

/// A temporary file in a folder, with the permissions of any new file: what it becomes is
/// for everybody who may use the repository.
fn new_file(folder: &std::path::Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("new.");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Takes out what layouts need on this machine and what can be made again: of all work trees
/// what their files held, the clock of the clone, and the indexes. Layouts that wait for a
/// note stay; gives how many.
pub(crate) fn forget(repository: &Repository) -> usize {
    let shared = repository.state_dir();
    let waiting = match unnoted(repository) {
        Ok(waiting) => waiting.len(),
        // What cannot be read may hold some.
        Err(_) => usize::from(shared.join("layouts").symlink_metadata().is_ok()),
    };
    let mut own = vec![shared.clone()];
    let linked = std::fs::read_dir(repository.common_dir().join("worktrees"));
    own.extend(linked.into_iter().flatten().flatten().map(|entry| entry.path().join("comfy")));
    for folder in own {
        for name in ["files", "files.lock", "fetched"] {
            let _ = std::fs::remove_file(folder.join(name));
        }
        if folder != shared {
            // Only an empty one goes.
            let _ = std::fs::remove_dir(folder);
        }
    }
    for name in ["clock", "layout-path-index", "layout-past", "layouts.lock"] {
        let _ = std::fs::remove_file(shared.join(name));
    }
    if waiting == 0 {
        let _ = std::fs::remove_file(shared.join("layouts"));
    }
    waiting
}
