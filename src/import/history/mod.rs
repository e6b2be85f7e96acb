//! Old states of files become commits on top of `HEAD`: all of them or none.
//!
//! The commits are made beside the history first (`commit_chain`), with the layouts of all their
//! files; then the files are put into the work tree and the index, and the branch moves
//! last. Whatever stops it before leaves the history as it was, and doing it again goes on
//! from there. Must not know where the states come from.

pub mod chain;
pub mod standing;

pub use chain::{Chain, State};
pub use standing::{Obstacle, Standing};

use std::borrow::Cow;

use comfy_graph::canon::Rest;

use crate::layouts::{Filter, Passed};
use crate::platform::git::{Kind, ObjectFormat, ObjectId, RepoPath};

/// What git would store of a file, by the filter that git would ask.
#[derive(Debug)]
pub struct Cleaned<'b> {
    pub content: Cow<'b, [u8]>,
    pub blob: ObjectId,
    rest: Option<Rest<'b>>,
}

/// Cleans a file as `git add` would, but stores neither content nor layout.
pub fn cleaned<'b>(
    filter: &mut Filter<'_>,
    format: ObjectFormat,
    path: &RepoPath,
    bytes: &'b [u8],
) -> Cleaned<'b> {
    let (passed, rest) = filter.split(path, bytes);
    let content = match passed {
        Passed::Untouched => Cow::Borrowed(bytes),
        Passed::Changed(content) => Cow::Owned(content),
    };
    Cleaned { blob: format.id_of(Kind::Blob, &content), content, rest }
}
