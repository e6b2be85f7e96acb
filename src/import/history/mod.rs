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
use rustc_hash::{FxHashMap, FxHashSet};

use crate::layouts::{Filter, Passed};
use crate::platform::git::{CommitId, Kind, ObjectFormat, ObjectId, RepoPath, Repository, Result};

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

/// The blobs that a file ever was in the history of `HEAD`, each once, newest first.
pub fn states_of(repository: &Repository, path: &RepoPath) -> Result<Vec<ObjectId>> {
    let mut seen = FxHashSet::default();
    let told = log(repository, Some(path))?;
    Ok(changes(&told).map(|(_, _, id)| id).filter(|id| seen.insert(*id)).collect())
}

/// The same for many files at once, in one walk through the history.
pub fn states_of_all(
    repository: &Repository,
    paths: impl IntoIterator<Item = RepoPath>,
) -> Result<FxHashMap<RepoPath, FxHashSet<ObjectId>>> {
    let mut states: FxHashMap<RepoPath, FxHashSet<ObjectId>> =
        paths.into_iter().map(|path| (path, FxHashSet::default())).collect();
    let told = log(repository, None)?;
    for (_, path, id) in changes(&told) {
        if let Some(states) = states.get_mut(&RepoPath::new(path)) {
            states.insert(id);
        }
    }
    Ok(states)
}

/// Every state of every file in the history of `HEAD`, with the commit that made it; newest
/// first.
pub fn all_states(repository: &Repository) -> Result<Vec<(CommitId, RepoPath, ObjectId)>> {
    let told = log(repository, None)?;
    let states = changes(&told);
    Ok(states.map(|(commit, path, id)| (commit, RepoPath::new(path), id)).collect())
}

fn log(repository: &Repository, path: Option<&RepoPath>) -> Result<Vec<u8>> {
    if repository.head()?.is_none() {
        return Ok(Vec::new());
    }
    let git = repository.git().args(["--literal-pathspecs", "log", "--format=%H", "--raw"]);
    // With -m: a state that only a merge commit made is a state, too.
    let git = git.args(["--no-abbrev", "--no-renames", "-m", "-z", "HEAD", "--"]);
    match path {
        Some(path) => git.arg(path.to_path()).output(),
        None => git.output(),
    }
}

/// Commit, path and new blob of each change that `git log --raw -z` tells: the commit's id,
/// then for each change `:100644 100644 <old> <new> M` and the path.
fn changes(told: &[u8]) -> impl Iterator<Item = (CommitId, &[u8], ObjectId)> {
    let mut fields = told.split(|b| *b == 0);
    let mut commit = None;
    std::iter::from_fn(move || {
        loop {
            // An empty line may stand before.
            let field = fields.next()?.trim_ascii_start();
            if field.first() != Some(&b':') {
                commit = ObjectId::from_hex(field).map(CommitId).or(commit);
                continue;
            }
            let path = fields.next()?;
            let new = field.split(|b| *b == b' ').nth(3).and_then(ObjectId::from_hex);
            if let (Some(commit), Some(id)) = (commit, new.filter(|id| !id.is_null())) {
                return Some((commit, path, id));
            }
        }
    })
}
