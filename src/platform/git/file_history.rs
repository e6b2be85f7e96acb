//! What files were in the history: every state, with the commit that made it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::error::Result;
use super::id::{CommitId, ObjectId, RepoPath};
use super::repository::Repository;

/// The blobs that a file ever was in the history of `HEAD`, each once, newest first.
pub(crate) fn file_states(repository: &Repository, path: &RepoPath) -> Result<Vec<ObjectId>> {
    let mut seen = FxHashSet::default();
    let log = run_git_log(repository, Some(path))?;
    Ok(parse_raw_log(&log).map(|(_, _, id)| id).filter(|id| seen.insert(*id)).collect())
}

/// The same for many files at once, in one walk through the history.
pub(crate) fn file_states_by_path(
    repository: &Repository,
    paths: impl IntoIterator<Item = RepoPath>,
) -> Result<FxHashMap<RepoPath, FxHashSet<ObjectId>>> {
    let mut states: FxHashMap<RepoPath, FxHashSet<ObjectId>> =
        paths.into_iter().map(|path| (path, FxHashSet::default())).collect();
    let log = run_git_log(repository, None)?;
    for (_, path, id) in parse_raw_log(&log) {
        if let Some(states) = states.get_mut(&RepoPath::new(path)) {
            states.insert(id);
        }
    }
    Ok(states)
}

/// Every state of every file in the history of `HEAD`, with the commit that made it; newest
/// first.
pub(crate) fn all_file_states(
    repository: &Repository,
) -> Result<Vec<(CommitId, RepoPath, ObjectId)>> {
    let log = run_git_log(repository, None)?;
    let states = parse_raw_log(&log);
    Ok(states.map(|(commit, path, id)| (commit, RepoPath::new(path), id)).collect())
}

fn run_git_log(repository: &Repository, path: Option<&RepoPath>) -> Result<Vec<u8>> {
    if repository.head()?.is_none() {
        return Ok(Vec::new());
    }
    let git = repository.git_command().args(["--literal-pathspecs", "log", "--format=%H", "--raw"]);
    let git = git.args(["--no-abbrev", "--no-renames", "-m", "-z", "HEAD", "--"]);
    match path {
        Some(path) => git.arg(path.to_path()).output(),
        None => git.output(),
    }
}

/// Commit, path and new blob of each change that `git log --raw -z` tells: the commit's id,
/// then for each change `:100644 100644 <old> <new> M` and the path.
fn parse_raw_log(log: &[u8]) -> impl Iterator<Item = (CommitId, &[u8], ObjectId)> {
    let mut fields = log.split(|b| *b == 0);
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
