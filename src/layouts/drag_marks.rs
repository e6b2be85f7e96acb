//! Keeps git taking our word for all workflows: git forgets it for each file that it writes or
//! that is added. The mark on a file carries no knowledge; what changed the hook of
//! `core.fsmonitor` tells at each command ([`super::quiet_files`]).

use super::state_files;
use crate::platform::git::fsmonitor::{self, MarkedFiles};
use crate::platform::git::{Repository, Result};

/// Remembers that git may write files, or add some, of which it then does not take our word.
pub(crate) fn expect_unmarked(repository: &Repository) {
    if !is_in_use(repository).unwrap_or(false) {
        return;
    }
    let file = repository.work_tree_state_dir().join(state_files::UNMARKED_FILES);
    if file.exists() {
        return;
    }
    // Without it a drag shows until the next commit.
    let _ = std::fs::create_dir_all(repository.work_tree_state_dir());
    let _ = std::fs::write(file, b"");
}

/// Has git take our word for all workflows, where it is set up to.
///
/// # Errors
/// The settings or the index cannot be read.
pub(crate) fn mark_workflows(repository: &Repository) -> Result<()> {
    if !is_in_use(repository)? {
        return Ok(());
    }
    // First: what is written from now on is told anew.
    let _ =
        std::fs::remove_file(repository.work_tree_state_dir().join(state_files::UNMARKED_FILES));
    let unmarked = fsmonitor::unmarked_workflows(repository)?;
    if unmarked.is_empty() {
        return Ok(());
    }
    if fsmonitor::mark_files(&repository.git_command(), &unmarked)? == MarkedFiles::IndexBusy {
        expect_unmarked(repository);
    }
    Ok(())
}

/// Whether git asks our hook, in the command which called us as well.
///
/// # Errors
/// The settings cannot be read.
pub(crate) fn is_in_use(repository: &Repository) -> Result<bool> {
    let value = repository.setting(fsmonitor::SETTING)?;
    Ok(value.is_some_and(|value| fsmonitor::is_own_hook(&value)))
}
