//! What git is doing with a content that it takes out, as far as it tells the filter and its
//! own files say.
//!
//! Must not know what layouts are.

use super::filter::{SmudgeRequest, SmudgeTarget};
use crate::platform::git::fetch_head::FetchHead;
use crate::platform::git::operation_in_progress::{self, Operation, is_any_in_progress};
use crate::platform::git::{CommitId, ObjectId, RepoPath, Repository, unquote_path};

/// What becomes of a content that git takes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GitAction {
    /// Somebody only sees it: the committed side of a difference, a file in an archive.
    Show,
    /// It is written into the work tree, where another state takes the place of what lay there.
    Switch {
        /// The commit that it is taken from, where git says it.
        from: Option<CommitId>,
    },
    /// It is written into the work tree and put upon what lies there: by a merge, a pick, a
    /// rebase, a fast-forward. The layout comes along.
    Integrate {
        /// Other contents of the path that were merged: what was moved in them comes, too.
        merged: Vec<ObjectId>,
        /// The commit that is checked out, where git says it.
        to: Option<CommitId>,
    },
    /// A merge writes it into the work tree or only compares it: what lies there afterwards
    /// tells.
    WriteOrCompare,
}

impl GitAction {
    /// git unlinks a file before it writes another one in its place (`git apply` has an empty
    /// one there by then), and in a checkout does not wait for the filter. Where neither is so,
    /// the file is to be looked at; but older gits merged that way, and say what they do. What
    /// names no blob is written over a file that still lies there (`git checkout -m`), or
    /// compared.
    pub(crate) fn detect(
        repository: &Repository,
        path: &RepoPath,
        request: SmudgeRequest,
    ) -> GitAction {
        match request.target {
            SmudgeTarget::WorkTree => written(repository, path, request),
            SmudgeTarget::Anybody
                if repository.environment().reflog_action.is_some()
                    || !has_content(repository, path) =>
            {
                written(repository, path, request)
            }
            // Only a merge writes a file that it says so little of.
            SmudgeTarget::Anybody if request.blob.is_none() => GitAction::WriteOrCompare,
            SmudgeTarget::Anybody | SmudgeTarget::Reader => GitAction::Show,
        }
    }

    /// Whether the layout of a content that nobody knows here may still come: one that was
    /// merged or picked, or taken out of what was fetched by its name, which brings none along.
    /// Whoever moves to another whole state asks for what that lacks.
    pub(crate) fn may_precede_layout(&self, repository: &Repository) -> bool {
        match self {
            GitAction::Integrate { to: None, .. } => true,
            GitAction::Integrate { to: Some(commit), .. }
            | GitAction::Switch { from: Some(commit) } => {
                FetchHead::read(repository).is_some_and(|fetched| fetched.names(*commit))
            }
            GitAction::Show | GitAction::Switch { from: None } | GitAction::WriteOrCompare => false,
        }
    }
}

fn has_content(repository: &Repository, path: &RepoPath) -> bool {
    let file = repository.work_tree().map(|top| top.join(path.to_path()));
    file.is_some_and(|file| file.symlink_metadata().is_ok_and(|about| about.len() > 0))
}

/// Measured on git 2.47: a merge, a pick, a revert, `stash pop` and `checkout -- f` name the
/// blob only, a fast-forward the commit without a ref, a rebase's first step likewise;
/// whatever goes to another state names a commit other than HEAD, mostly with a ref.
fn written(repository: &Repository, path: &RepoPath, request: SmudgeRequest) -> GitAction {
    let goes_on = match request.treeish {
        None => true,
        Some(treeish) => {
            is_head(repository, CommitId(treeish)) || (!request.has_ref && is_moving_on(repository))
        }
    };
    if !goes_on {
        return GitAction::Switch { from: request.treeish.map(CommitId) };
    }
    GitAction::Integrate {
        merged: rebased_blobs(repository, path, request),
        to: request.treeish.map(CommitId),
    }
}

/// Whether a commit is HEAD, and no merge is given up: of that nothing stays.
fn is_head(repository: &Repository, commit: CommitId) -> bool {
    let given_up = [Operation::Merge, Operation::CherryPick, Operation::Revert];
    repository.head().is_ok_and(|head| head == Some(commit))
        && !is_any_in_progress(repository, &given_up)
}

fn is_moving_on(repository: &Repository) -> bool {
    let action = repository.environment().reflog_action.as_deref().unwrap_or_default();
    action.starts_with("merge")
        || action.starts_with("pull")
        || Operation::Rebase.is_in_progress(repository)
}

/// What a rebase puts anew upon something else: what the branch held before, of which the
/// commits that are picked need not know all, and what the commit or the patch holds that is
/// being applied: git tells the filter nothing of them, and where that commit only renames the
/// file, or the patch applies as it is, no merge driver either.
fn rebased_blobs(
    repository: &Repository,
    path: &RepoPath,
    request: SmudgeRequest,
) -> Vec<ObjectId> {
    let mut blobs = Vec::new();
    // Told by this alone for nearly every file.
    if !is_any_in_progress(repository, &[Operation::Rebase, Operation::Sequence]) {
        return blobs;
    }
    let before = operation_in_progress::rebased_tip(repository);
    blobs.extend(before.and_then(|commit| blob_in_commit(repository, commit, path)));
    let applied = match request.treeish {
        // No merge: the state of a commit is checked out.
        Some(_) => operation_in_progress::patched_commit(repository),
        None => operation_in_progress::applied_commit(repository),
    };
    blobs.extend(applied.and_then(|commit| blob_in_commit(repository, commit, path)));
    blobs.extend(patched_blob(repository, path));
    blobs.dedup();
    blobs
}

fn blob_in_commit(repository: &Repository, commit: CommitId, path: &RepoPath) -> Option<ObjectId> {
    let commit = repository.commit(commit).ok()??;
    Some(repository.entry_at(commit.tree, path).ok()??.id)
}

/// What a patch that `git am` applies made of a file where it was made, if that is known here.
fn patched_blob(repository: &Repository, path: &RepoPath) -> Option<ObjectId> {
    let patch = operation_in_progress::mailed_patch(repository, MAX_PATCH_SIZE)?;
    let id = patched_id(&patch, path)?;
    repository.resolve(&id).ok()?
}

/// A longer patch is not looked into.
const MAX_PATCH_SIZE: u64 = 64 << 20;

/// The id, perhaps cut short, that a patch says a file has afterwards.
fn patched_id(patch: &[u8], path: &RepoPath) -> Option<String> {
    let (mut id, mut is_it, mut is_header) = (None, false, false);
    for line in patch.split(|byte| *byte == b'\n') {
        if line.starts_with(b"diff --git ") {
            if is_it {
                break;
            }
            (id, is_header) = (None, true);
        } else if line.starts_with(b"@@ ") {
            is_header = false;
        } else if let (Some(ids), true) = (line.strip_prefix(b"index "), is_header) {
            let after = ids.splitn(2, |byte| *byte == b' ').next()?;
            let after = after.rsplit(|byte| *byte == b'.').next()?;
            id = std::str::from_utf8(after).ok().map(str::to_owned);
        } else if is_header
            && let Some(name) =
                line.strip_prefix(b"+++ ").or_else(|| line.strip_prefix(b"rename to "))
        {
            is_it |= is_patched_path(name, path);
        }
    }
    id.filter(|id| is_it && id.len() >= 4 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Whether a name in the header of a patch is that of a file: behind `b/`, and quoted where git
/// quotes; a name with spaces ends with a tab.
fn is_patched_path(name: &[u8], path: &RepoPath) -> bool {
    let name = name.strip_suffix(b"\r").unwrap_or(name);
    let name = name.strip_suffix(b"\t").unwrap_or(name);
    let Some(name) = unquote_path(name) else { return false };
    name.strip_prefix(b"b/").unwrap_or(&name) == path.as_bytes()
}
