//! Follows a running ComfyUI, or a folder of workflows, and prints what starts that with the
//! session.

pub(crate) mod commands;
pub(crate) mod print_service;
pub(crate) mod running_prompts;
pub(crate) mod service_unit;
pub(crate) mod watch_files;
pub(crate) mod watch_runs;

use std::fs::File;
use std::path::Path;

use crate::error::{CommandError, Result};
use crate::platform::git::Repository;

/// Deletes what watchers leave in git-comfy's folder of a repository: their locks, and what
/// they saw running.
pub(crate) fn remove_state_files(state_dir: &Path) {
    for entry in std::fs::read_dir(state_dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_lock =
            name == RUNS_LOCK || name.starts_with("watch-files-") && name.ends_with(".lock");
        let is_running = name.starts_with("running-") && name.ends_with(".json");
        if is_lock || is_running {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The lock of whoever follows a ComfyUI.
const RUNS_LOCK: &str = "watch.lock";

/// The lock by which only one watcher of a kind runs for a repository.
fn lock_watcher(repository: &Repository, name: &str) -> Result<File> {
    let folder = repository.state_dir();
    std::fs::create_dir_all(&folder)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(folder.join(name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => {
            Err(CommandError::repository("another git comfy watch follows for this repository"))
        }
    }
}
