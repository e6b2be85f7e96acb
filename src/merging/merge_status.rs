//! How a merge stands in git: the stages of a file in the index, the files that wait to be
//! settled, the conflicts that are staged, and how to go on.
//!
//! Must not know how documents are merged.

use std::path::Path;
use std::time::SystemTime;

use comfy_graph::json;
use memchr::memmem;
use rustc_hash::FxHashMap;

use crate::differences::changed_files;
use crate::layouts::status::conflicts_in;
use crate::layouts::{self, FilterSettings};
use crate::platform::files;
use crate::platform::git::changes::{self, TouchedFile};
use crate::platform::git::index::{self, IndexEntry};
use crate::platform::git::operation_in_progress::{Operation, applied_commit};
use crate::platform::git::tree::TreeLookup;
use crate::platform::git::{ObjectId, RepoPath, Repository, Result};

/// The entries of the index for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexStages {
    Merged,
    /// The contents of the stages 1 to 3.
    Unmerged {
        /// The common ancestor's.
        base: Option<Vec<u8>>,
        /// Our side's; nothing if it was removed there.
        ours: Option<Vec<u8>>,
        /// Their side's.
        theirs: Option<Vec<u8>>,
    },
}

/// Reads the entries of the index for a file; `None` if git does not track it.
pub(crate) fn read_stages(repository: &Repository, path: &RepoPath) -> Result<Option<IndexStages>> {
    let git =
        repository.git_command().args(["--literal-pathspecs", "ls-files", "-z", "--stage", "--"]);
    let told = git.arg(path.to_path()).output()?;
    let mut unmerged: [Option<Vec<u8>>; 3] = Default::default();
    let mut known = None;
    for entry in told.split(|byte| *byte == 0) {
        // `<mode> <id> <stage>\t<path>`
        let mut words = entry.split(|byte| matches!(byte, b' ' | b'\t'));
        let (Some(_), Some(id), Some(stage)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some(id) = ObjectId::from_hex(id) else { continue };
        known = Some(IndexStages::Merged);
        let at = match stage {
            b"1" => 0,
            b"2" => 1,
            b"3" => 2,
            _ => continue,
        };
        unmerged[at] = repository.blob(id)?;
    }
    if unmerged.iter().any(Option::is_some) {
        let [base, ours, theirs] = unmerged;
        known = Some(IndexStages::Unmerged { base, ours, theirs });
    }
    Ok(known)
}

pub(crate) fn stage_file(repository: &Repository, path: &RepoPath) -> Result<()> {
    let git = repository.git_command().args(["--literal-pathspecs", "add", "--"]);
    git.arg(path.to_path()).output().map(drop)
}

/// The files that wait for somebody to settle them: unmerged ones, and those whose content
/// carries conflicts.
pub(crate) fn conflicted_files(repository: &Repository) -> Result<Vec<RepoPath>> {
    let status = layouts::work_tree_status(repository)?;
    let waits = |file: &layouts::FileStatus| {
        file.conflicts > 0 || file.change == layouts::WorkflowChange::Conflicted
    };
    Ok(status.files.into_iter().filter(waits).map(|file| file.path).collect())
}

/// A file that the next commit would hold with conflicts in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StagedConflicts {
    pub(crate) path: RepoPath,
    pub(crate) conflicts: usize,
    /// They stand between git's markers: the file is no JSON.
    pub(crate) is_marked: bool,
}

/// The files that the next commit would change and that carry conflicts.
pub(crate) fn staged_conflicts(repository: &Repository) -> Result<Vec<StagedConflicts>> {
    let longest = FilterSettings::load(repository).unwrap_or_default().max_file_size;
    let staged = StagedFiles::read(repository)?;
    let mut found = Vec::new();
    for TouchedFile { path, blob } in staged_files(repository)? {
        if staged.has_no_conflicts(&path, blob, longest) {
            continue;
        }
        let content = repository.blob_up_to(blob, longest)?.unwrap_or_default();
        let conflicts = conflicts_in(&content);
        if conflicts > 0 {
            let is_marked = json::parse(&content).is_err();
            found.push(StagedConflicts { path, conflicts, is_marked });
        }
    }
    Ok(found)
}

/// The same without what the commit that is applied anew brings along: it was committed so.
pub(crate) fn newly_staged_conflicts(repository: &Repository) -> Result<Vec<StagedConflicts>> {
    let mut found = staged_conflicts(repository)?;
    let picked = || repository.resolve_commit("CHERRY_PICK_HEAD").ok().flatten();
    let Some(applied) = applied_commit(repository).or_else(picked) else { return Ok(found) };
    let longest = FilterSettings::load(repository).unwrap_or_default().max_file_size;
    let Some(tree) = repository.commit(applied)?.map(|commit| commit.tree) else {
        return Ok(found);
    };
    let mut trees = TreeLookup::new(repository);
    found.retain(|staged| {
        let blob = trees.blob_at(tree, &staged.path).ok().flatten();
        let content = blob.and_then(|id| repository.blob_up_to(id, longest).ok().flatten());
        conflicts_in(&content.unwrap_or_default()) == 0
    });
    Ok(found)
}

/// The workflows that the next commit adds or changes.
fn staged_files(repository: &Repository) -> Result<Vec<TouchedFile>> {
    let before = match repository.head()? {
        Some(head) => repository.commit(head)?.map(|commit| commit.tree),
        None => None,
    };
    // Where git has written the tree already, no other process is asked what is in it.
    if let Some(tree) = index::command_index_tree(repository)?
        && let Ok(staged) = changes::touched_between_trees(repository, before, tree)
    {
        return Ok(staged);
    }
    let git = repository.git_command().args(["diff", "--cached", "--raw", "-z", "--no-renames"]);
    // `git commit FILE` calls hooks with an index of its own.
    let git = git.env("GIT_INDEX_FILE", index::command_index_path(repository));
    let told = git.args(["--no-abbrev", "--no-ext-diff", "--diff-filter=AMT"]).output()?;
    let mut staged = Vec::new();
    for change in changed_files::parse_raw_diff(&told)? {
        if let Some(blob) = change.blob_after()
            && changes::is_filtered(repository, change.path())
        {
            staged.push(TouchedFile { path: change.path().clone(), blob });
        }
    }
    Ok(staged)
}

/// What git staged from files that are still as they were then: to look into such a file takes
/// a fraction of the time that unpacking its blob does.
struct StagedFiles<'r> {
    top: Option<&'r Path>,
    entries: FxHashMap<RepoPath, IndexEntry>,
    /// When the index was written; a file that is no older may have changed since.
    written: Option<SystemTime>,
}

impl<'r> StagedFiles<'r> {
    fn read(repository: &'r Repository) -> Result<StagedFiles<'r>> {
        let entries = index::index_entries(repository)?;
        let about = index::index_path(repository).metadata();
        Ok(StagedFiles {
            top: repository.work_tree(),
            entries: entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect(),
            written: about.and_then(|about| about.modified()).ok(),
        })
    }

    /// Whether the file that a blob was staged from says that the blob carries no conflicts.
    fn has_no_conflicts(&self, path: &RepoPath, id: ObjectId, longest: u64) -> bool {
        let Some(entry) = self.entries.get(path).filter(|entry| entry.id == id) else {
            return false;
        };
        let Some(file) = self.top.map(|top| top.join(path.to_path())) else { return false };
        let is_as_staged = file.symlink_metadata().is_ok_and(|about| {
            about.is_file()
                && entry.stat.matches(&about)
                && about.modified().ok().zip(self.written).is_some_and(|(at, then)| at < then)
        });
        let content = if is_as_staged { files::read_up_to(&file, longest).ok() } else { None };
        // An escaped letter would hide the key.
        content.is_some_and(|content| {
            memmem::find(&content, b"git_comfy").is_none()
                && memmem::find(&content, b"<<<<<<<").is_none()
                && memmem::find(&content, b"\\u00").is_none()
        })
    }
}

/// The command that continues the operation git is in.
pub(crate) fn continue_command(repository: &Repository) -> Option<&'static str> {
    let steps = [
        (Operation::Rebase, "git rebase --continue"),
        (Operation::CherryPick, "git cherry-pick --continue"),
        (Operation::Revert, "git revert --continue"),
        (Operation::Merge, "git commit"),
    ];
    let found = steps.into_iter().find(|(operation, _)| operation.is_in_progress(repository));
    found.map(|(_, step)| step)
}
