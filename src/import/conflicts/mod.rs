//! The copies that Dropbox, Syncthing and the like leave when a workflow was changed in two
//! places, merged into the file they belong to.
//!
//! The ancestor is the known state of the file that the copy is nearest to: that is where
//! it began. Where none is known, what differs is a conflict. Whatever is merged, both
//! files as they were are set aside first.

pub(crate) mod ancestor;
pub(crate) mod set_aside;
pub(crate) mod synced_folder;

pub(crate) use synced_folder::{ConflictCopy, CopyOutcome, SyncedFolder};

use crate::merging::merge_files;

/// What becomes of a copy, to stand behind its name.
pub(crate) fn describe_outcome(outcome: &CopyOutcome) -> String {
    match outcome {
        CopyOutcome::Same => "means the same; it is only set aside".into(),
        CopyOutcome::Older => "an earlier state of the file; it is only set aside".into(),
        CopyOutcome::Merged { conflicts: 0, change, origin, .. } => {
            format!("merges by itself, {}: {change}", origin.describe())
        }
        CopyOutcome::Merged { conflicts, change, origin, .. } => {
            format!("{}, {}: {change}", merge_files::describe_count(*conflicts), origin.describe())
        }
        CopyOutcome::Skipped(why) => format!("left as it is: {why}"),
    }
}
