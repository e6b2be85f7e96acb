//! What the files are called that layouts keep beside git's own. Whoever checks or removes them
//! all goes by these lists.

/// Layouts that wait for a note. It and those down to [`REPORTED_RAW_FILES`] lie in
/// `Repository::state_dir`, which all work trees share.
pub(super) const PENDING_LAYOUTS: &str = "layouts";
pub(super) const CLOCK: &str = "clock";
pub(super) const PATH_INDEX: &str = "layout-path-index";
pub(super) const NOTES_HISTORY: &str = "layout-past";
pub(super) const REPORTED_RAW_FILES: &str = "told-raw";

/// What every file held. It and those below lie in `Repository::work_tree_state_dir`.
pub(super) const FILE_STATES: &str = "files";
pub(crate) const FETCH_MEMORY: &str = "fetched";
pub(super) const QUIET_VERDICTS: &str = "quiet-files";
/// Tells the hook on a changed index that there is something to do. A shell looks for it: the
/// program is started only where it is there.
pub(crate) const UNMARKED_FILES: &str = "unmarked-files";
pub(super) const MISSED_SIDES: &str = "missed-sides";

/// The file that an append log is locked with.
pub(super) fn lock_of(log: &str) -> String {
    format!("{log}.lock")
}

/// What all work trees share and can be made again.
pub(super) fn shared_to_remove() -> [String; 5] {
    [
        CLOCK.to_owned(),
        PATH_INDEX.to_owned(),
        NOTES_HISTORY.to_owned(),
        REPORTED_RAW_FILES.to_owned(),
        lock_of(PENDING_LAYOUTS),
    ]
}

/// What each work tree has of its own.
pub(super) fn work_tree_to_remove() -> [String; 6] {
    [
        FILE_STATES.to_owned(),
        lock_of(FILE_STATES),
        FETCH_MEMORY.to_owned(),
        QUIET_VERDICTS.to_owned(),
        UNMARKED_FILES.to_owned(),
        MISSED_SIDES.to_owned(),
    ]
}
