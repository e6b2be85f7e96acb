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

mod append_log;
mod clean_ahead;
mod clone_clock;
pub(crate) mod commands;
pub(crate) mod describe;
pub(crate) mod describe_raw;
pub(crate) mod drag_marks;
mod file_states;
mod filter;
mod filter_process;
pub(crate) mod git_action;
pub(crate) mod lay_out_files;
pub(crate) mod layout_finder;
mod layout_history;
pub(crate) mod layout_note;
mod layout_store;
pub(crate) mod missed_sides;
mod notes_history;
mod notes_history_cache;
mod one_shot_filter;
mod path_blob_list;
mod path_index;
mod promote;
pub(crate) mod quiet_files;
pub(crate) mod raw_files;
pub(crate) mod refresh;
mod renames;
mod restore_layout;
pub(crate) mod settings;
pub(crate) mod state_files;
pub(crate) mod status;
pub(crate) mod storage_check;
pub(crate) mod work_tree;

pub(crate) use filter::{Filter, FilterOutcome, SmudgeRequest, TakenLayout, with_committed_layout};
pub(crate) use lay_out_files::lay_out_committed;
pub use lay_out_files::restore_layouts;
pub(crate) use promote::{promote_pending, unnoted_layouts};
pub(crate) use refresh::{ModifiedMarks, refresh_index};
pub(crate) use settings::{FilterSettings, Handling};
pub(crate) use status::{FileStatus, Staging, WorkTreeStatus, WorkflowChange, work_tree_status};
pub(crate) use storage_check::{Obstacle, damages, mend, storage_problems};
pub(crate) use work_tree::LayoutPart;
pub(crate) use work_tree::WorkTreeLayouts;

use crate::platform::git::{
    CommitId, ObjectId, RefName, RepoPath, Repository, Result, index, shared_refs,
};

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

/// Where the notes that hold layouts stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteTips {
    /// Those of this clone.
    pub(crate) ours: Option<CommitId>,
    /// Those of all remotes, as they were fetched last.
    pub(crate) fetched: Vec<CommitId>,
}

impl NoteTips {
    pub(crate) fn read(repository: &Repository) -> Result<NoteTips> {
        let ours = repository.reference(&notes_ref())?.map(CommitId);
        let fetched = tracking_refs(repository)?.into_iter().map(|(_, id)| CommitId(id));
        Ok(NoteTips { ours, fetched: fetched.collect() })
    }
}

/// Whether a file is no more: then one with its content is the same file, renamed.
fn is_deleted(repository: &Repository, path: &RepoPath) -> Result<bool> {
    Ok(is_missing(repository, path) && !index::skip_worktree_paths(repository)?.contains(path))
}

/// Whether a file is not in the work tree, where there is one.
fn is_missing(repository: &Repository, path: &RepoPath) -> bool {
    repository.work_tree().is_some_and(|top| top.join(path.to_path()).symlink_metadata().is_err())
}

/// Takes out what layouts need on this machine and what can be made again: of all work trees
/// what their files held, the clock of the clone, and the indexes. Layouts that wait for a
/// note stay; gives how many.
pub(crate) fn delete_local_state(repository: &Repository) -> usize {
    let shared = repository.state_dir();
    let waiting = match unnoted_layouts(repository) {
        Ok(waiting) => waiting.len(),
        // What cannot be read may hold some.
        Err(_) => usize::from(shared.join(state_files::PENDING_LAYOUTS).symlink_metadata().is_ok()),
    };
    let mut own = vec![shared.clone()];
    let linked = std::fs::read_dir(repository.common_dir().join("worktrees"));
    own.extend(linked.into_iter().flatten().flatten().map(|entry| entry.path().join("comfy")));
    for folder in own {
        for name in state_files::work_tree_to_remove() {
            let _ = std::fs::remove_file(folder.join(name));
        }
        if folder != shared {
            // Only an empty one goes.
            let _ = std::fs::remove_dir(folder);
        }
    }
    for name in state_files::shared_to_remove() {
        let _ = std::fs::remove_file(shared.join(name));
    }
    if waiting == 0 {
        let _ = std::fs::remove_file(shared.join(state_files::PENDING_LAYOUTS));
    }
    waiting
}
