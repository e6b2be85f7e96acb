//! What git is in the middle of, as its files say: a merge, a pick, a revert, a rebase, and
//! which commit of several it is at.

use super::{CommitId, ObjectId, Repository};
use crate::platform::files;

/// An operation of git's that takes more than one command, or more than one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Its commit is not made yet.
    Merge,
    /// Its commit is not made yet.
    CherryPick,
    /// Its commit is not made yet.
    Revert,
    /// Of either kind, and `git am`, which keeps the same files.
    Rebase,
    /// Several commits that are picked or reverted.
    Sequence,
}

impl Operation {
    pub(crate) fn is_in_progress(self, repository: &Repository) -> bool {
        let names: &[&str] = match self {
            Operation::Merge => &["MERGE_HEAD"],
            Operation::CherryPick => &["CHERRY_PICK_HEAD"],
            Operation::Revert => &["REVERT_HEAD"],
            Operation::Rebase => &["rebase-merge", "rebase-apply"],
            Operation::Sequence => &["sequencer"],
        };
        names.iter().any(|name| has_state(repository, name))
    }
}

/// Whether one of these is under way.
pub(crate) fn is_any_in_progress(repository: &Repository, operations: &[Operation]) -> bool {
    operations.iter().any(|operation| operation.is_in_progress(repository))
}

/// What a branch that is rebased held before; `None` where none is, or git does not say.
pub(crate) fn rebased_tip(repository: &Repository) -> Option<CommitId> {
    let files = ["rebase-merge/orig-head", "rebase-apply/orig-head"];
    files.iter().find_map(|name| read_commit(repository, name))
}

/// The commit whose patch a rebase applies.
pub(crate) fn patched_commit(repository: &Repository) -> Option<CommitId> {
    read_commit(repository, "rebase-apply/original-commit")
}

/// The patch that `git am` applies. None that is longer than `longest` bytes.
pub(crate) fn mailed_patch(repository: &Repository, longest: u64) -> Option<Vec<u8>> {
    if !has_state(repository, "rebase-apply/applying") {
        return None;
    }
    files::read_up_to(&repository.git_dir().join("rebase-apply/patch"), longest).ok()
}

/// The commit that a rebase or a series of picks is at. (One pick alone leaves no trace before
/// its commit is made.)
pub(crate) fn applied_commit(repository: &Repository) -> Option<CommitId> {
    if let Some(patched) = patched_commit(repository) {
        return Some(patched);
    }
    let (steps, is_last) = match read_state(repository, "rebase-merge/done") {
        Some(done) => (done, true),
        None => (read_state(repository, "sequencer/todo")?, false),
    };
    let mut lines = steps.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let step = if is_last { lines.next_back() } else { lines.next() }?;
    let mut words = step.split(|byte| *byte == b' ');
    if !matches!(words.next()?, b"pick" | b"reword" | b"edit" | b"squash" | b"fixup") {
        return None;
    }
    // Before it may stand options of `fixup`; a series of picks has short ids.
    let id = words.find(|word| !word.starts_with(b"-"))?;
    repository.resolve_commit(std::str::from_utf8(id).ok()?).ok()?
}

/// A list of steps that is longer is not read.
const MAX_STATE_SIZE: u64 = 64 << 20;

fn has_state(repository: &Repository, name: &str) -> bool {
    repository.git_dir().join(name).exists()
}

fn read_state(repository: &Repository, name: &str) -> Option<Vec<u8>> {
    files::read_up_to(&repository.git_dir().join(name), MAX_STATE_SIZE).ok()
}

fn read_commit(repository: &Repository, name: &str) -> Option<CommitId> {
    let id = read_state(repository, name)?;
    ObjectId::from_hex(id.trim_ascii()).map(CommitId)
}
