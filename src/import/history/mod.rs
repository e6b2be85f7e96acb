//! Old states of files become commits on top of `HEAD`: all of them or none.
//!
//! The commits are made beside the history first (`commit_chain`), with the layouts of all their
//! files; then the files are put into the work tree and the index, and the branch moves
//! last. Whatever stops it before leaves the history as it was, and doing it again goes on
//! from there. Must not know where the states come from.

pub(crate) mod commit_chain;
pub(crate) mod overwrite_check;

pub(crate) use commit_chain::{CommitChain, ImportedState};
pub(crate) use overwrite_check::{OverwriteCheck, OverwriteObstacle, TargetFile};

use std::borrow::Cow;

use crate::layouts::{Filter, FilterOutcome, TakenLayout};
use crate::platform::git::{ObjectFormat, ObjectId, ObjectKind, RepoPath};

/// What git would store of a file, by the filter that git would ask.
#[derive(Debug)]
pub(crate) struct CleanedFile<'b> {
    pub content: Cow<'b, [u8]>,
    pub blob: ObjectId,
    remainder: Option<TakenLayout<'b>>,
}

/// Cleans a file as `git add` would, but stores neither content nor layout.
pub(crate) fn clean_file<'b>(
    filter: &mut Filter<'_>,
    format: ObjectFormat,
    path: &RepoPath,
    bytes: &'b [u8],
) -> CleanedFile<'b> {
    let (passed, rest) = filter.separate_layout(path, bytes);
    let content = match passed {
        FilterOutcome::Untouched => Cow::Borrowed(bytes),
        FilterOutcome::Changed(content) => Cow::Owned(content),
    };
    CleanedFile { blob: format.object_id(ObjectKind::Blob, &content), content, remainder: rest }
}
