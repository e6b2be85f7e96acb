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

pub mod append_log;
pub mod bring_back;
pub mod clone_clock;
pub mod commands;
pub mod describe;
pub mod describe_raw;
pub mod file_states;
pub mod filter;
pub mod filter_process;
pub mod layout_finder;
pub mod layout_history;
pub mod layout_note;
pub mod layout_store;
pub mod missed_sides;
pub mod notes_history;
pub mod notes_history_cache;
pub mod one_shot_filter;
pub mod path_blob_list;
pub mod path_index;
pub mod promote;
pub mod raw_files;
pub mod refresh;
pub mod renames;
pub mod restore;
pub mod settings;
pub mod status;
pub mod storage_check;
pub mod work_tree;

pub use filter::{Filter, FilterOutcome, SmudgeRequest, with_committed_layout};
pub(crate) use promote::{promote_pending, unnoted_layouts};
pub use refresh::{ModifiedMarks, refresh_index};
pub use restore::{lay_out_committed, restore_layouts};
pub use settings::{FilterSettings, Handling};
pub use status::{FileStatus, Staging, WorkTreeStatus, WorkflowChange, work_tree_status};
pub(crate) use storage_check::{Obstacle, damages, mend, storage_problems};
pub use work_tree::LayoutPart;
pub(crate) use work_tree::WorkTreeLayouts;

use crate::platform::git::{ObjectId, RefName, RepoPath, Repository, Result, index, shared_refs};

/// A longer note is not read: it is none of ours.
const MAX_NOTE_SIZE: u64 = 256 << 20;

/// Longer contents are paired by their ids alone.
const MAX_MATCHED_SIZE: u64 = 64 << 20;

/// The notes that hold layouts.
pub(crate) fn notes_ref() -> RefName {
    RefName::new(shared_refs::LAYOUTS_REF)
}

/// The layout notes of all remotes, as they were fetched last.
pub(crate) fn tracking_refs(repository: &Repository) -> Result<Vec<(RefName, ObjectId)>> {
    let mut refs = repository.references(shared_refs::TRACKED_NOTES_PREFIX)?;
    refs.retain(|(name, _)| {
        shared_refs::shared_ref_of(name) == Some(shared_refs::LAYOUTS_REF.into())
    });
    Ok(refs)
}

/// Whether a file is no more: then one with its content is the same file, renamed.
fn is_deleted(repository: &Repository, path: &RepoPath) -> Result<bool> {
    let Some(top) = repository.work_tree() else { return Ok(false) };
    let is_there = top.join(path.to_path()).symlink_metadata().is_ok();
    Ok(!is_there && !index::is_skip_worktree(repository, path)?)
}

/// A temporary file in a folder, with the permissions of any new file: what it becomes is
/// for everybody who may use the repository.
fn new_temporary_file(folder: &std::path::Path) -> std::io::Result<tempfile::NamedTempFile> {
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
pub(crate) fn delete_local_state(repository: &Repository) -> usize {
    let shared = repository.state_dir();
    let waiting = match unnoted_layouts(repository) {
        Ok(waiting) => waiting.len(),
        // What cannot be read may hold some.
        Err(_) => usize::from(shared.join("layouts").symlink_metadata().is_ok()),
    };
    let mut own = vec![shared.clone()];
    let linked = std::fs::read_dir(repository.common_dir().join("worktrees"));
    own.extend(linked.into_iter().flatten().flatten().map(|entry| entry.path().join("comfy")));
    for folder in own {
        for name in ["files", "files.lock", "fetched", missed_sides::FILE_NAME] {
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
