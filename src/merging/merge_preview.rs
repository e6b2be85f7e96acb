//! What a merge of a branch would change, found without merging.
//!
//! Must not know how documents are merged.

use crate::differences::changed_files::{self, FileChange};
use crate::platform::git::{ObjectId, RepoPath, Repository, Result, changes};

/// A file that both branches changed since their common ancestor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileToMerge {
    pub(crate) path: RepoPath,
    /// The ancestor's content.
    pub(crate) base: Option<Vec<u8>>,
    /// The content here; nothing if it was removed.
    pub(crate) ours: Option<Vec<u8>>,
    /// The content there; nothing if it was removed.
    pub(crate) theirs: Option<Vec<u8>>,
}

/// The workflows that a merge of a branch would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MergePreview {
    /// How many merge bases there are; git merges several into a virtual one first.
    pub(crate) ancestors: usize,
    /// Workflows that only the branch changed.
    pub(crate) only_theirs: Vec<RepoPath>,
    /// Workflows that both changed.
    pub(crate) both: Vec<FileToMerge>,
}

/// Finds the workflows that a merge of a commit into HEAD would change; `None` if one of
/// them is no commit or they have no common ancestor.
pub(crate) fn preview_merge(
    repository: &Repository,
    revision: &str,
) -> Result<Option<MergePreview>> {
    let (Some(theirs), Some(ours)) = (repository.resolve_commit(revision)?, repository.head()?)
    else {
        return Ok(None);
    };
    let (ours, theirs) = (ours.to_string(), theirs.to_string());
    let git = repository.git_command().args(["merge-base", "--all", &ours, &theirs]);
    let told = git.run_to_end(&[])?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let Some(base) = told.lines().next() else { return Ok(None) };
    let here = changes_between(repository, base, &ours)?;
    let mut preview = MergePreview { ancestors: told.lines().count(), ..MergePreview::default() };
    for theirs in changes_between(repository, base, &theirs)? {
        let path = theirs.path().clone();
        if !changes::is_filtered(repository, &path) {
            continue;
        }
        match here.iter().find(|ours| ours.path() == &path) {
            None => preview.only_theirs.push(path),
            Some(ours) if ours.blob_after() == theirs.blob_after() => {}
            Some(ours) => preview.both.push(FileToMerge {
                path,
                base: read_blob(repository, theirs.blob_before())?,
                ours: read_blob(repository, ours.blob_after())?,
                theirs: read_blob(repository, theirs.blob_after())?,
            }),
        }
    }
    Ok(Some(preview))
}

fn changes_between(repository: &Repository, base: &str, side: &str) -> Result<Vec<FileChange>> {
    let git = repository.git_command().args(["diff", "--raw", "-z", "--no-renames", "--no-abbrev"]);
    changed_files::parse_raw_diff(&git.args(["--no-ext-diff", base, side, "--"]).output()?)
}

fn read_blob(repository: &Repository, id: Option<ObjectId>) -> Result<Option<Vec<u8>>> {
    id.map_or(Ok(None), |id| repository.blob(id))
}
