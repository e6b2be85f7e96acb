//! Which file of the last commit a new one was, where it was renamed and edited at once: git
//! says so only to those who ask for a difference, and the filter sees one file at a time.
//!
//! Must not know what is done with it.

use comfy_graph::diff::WorkflowLikeness;
use comfy_graph::{diff, json};

use super::file_states::FileStates;
use super::{MAX_MATCHED_SIZE, is_missing};
use crate::platform::git::tree::TreeLookup;
use crate::platform::git::{CommitId, ObjectId, RepoPath, Repository, Result, index};

/// The files that the last commit holds and the work tree does not any more.
#[derive(Debug)]
pub(crate) struct RenameFinder<'r> {
    repository: &'r Repository,
    deleted: Option<DeletedFiles>,
}

#[derive(Debug)]
struct DeletedFiles {
    /// The commit that was looked at, and the one that takes its place.
    from: Option<CommitId>,
    to: Option<CommitId>,
    files: Vec<(RepoPath, ObjectId)>,
}

/// Of more files that went away at once only those with the new file's name are compared.
const MAX_COMPARED: usize = 32;

impl<'r> RenameFinder<'r> {
    /// Nothing is read before it is needed.
    pub(crate) fn new(repository: &'r Repository) -> RenameFinder<'r> {
        RenameFinder { repository, deleted: None }
    }

    /// The file that went away and is the new one now: half of the nodes are the same, as
    /// git wants it of lines. Of several the one that has the most in common with it; none
    /// if that is not clear. `from` is the last commit, `to` the one that is checked out, where
    /// it is known.
    pub(crate) fn find_source(
        &mut self,
        states: &mut FileStates,
        (from, to): (Option<CommitId>, Option<CommitId>),
        path: &RepoPath,
        content: &[u8],
    ) -> Result<Option<RepoPath>> {
        let repository = self.repository;
        let files = self.deleted_files(states, from, to)?;
        if files.is_empty() {
            return Ok(None);
        }
        let Ok(after) = json::parse(content) else { return Ok(None) };
        let is_many = files.len() > MAX_COMPARED;
        let mut best: Option<((usize, bool, usize), &RepoPath)> = None;
        let mut is_clear = true;
        for (file, blob) in files.iter().filter(|(file, _)| file != path) {
            let has_same_name = file_name(file) == file_name(path);
            if is_many && !has_same_name {
                continue;
            }
            let Some(before) = repository.blob_up_to(*blob, MAX_MATCHED_SIZE)? else { continue };
            let Ok(before) = json::parse(&before) else { continue };
            let Some(likeness) = diff::workflow_likeness(before, after.clone()) else { continue };
            if !is_same_file(likeness) {
                continue;
            }
            let score = (likeness.equal, has_same_name, likeness.shared);
            match best {
                Some((known, _)) if known > score => {}
                Some((known, _)) if known == score => is_clear = false,
                _ => (best, is_clear) = (Some((score, file)), true),
            }
        }
        Ok(best.filter(|_| is_clear).map(|(_, file)| file.clone()))
    }

    /// Looks which files went away before git begins to write over others: it deletes those
    /// first, and nothing but the commit that is checked out would tell the two apart.
    pub(crate) fn find_deleted_early(
        &mut self,
        states: &mut FileStates,
        from: Option<CommitId>,
    ) -> Result<()> {
        self.deleted_files(states, from, None).map(drop)
    }

    fn deleted_files(
        &mut self,
        states: &mut FileStates,
        from: Option<CommitId>,
        to: Option<CommitId>,
    ) -> Result<&[(RepoPath, ObjectId)]> {
        if self.deleted.as_ref().is_none_or(|gone| (gone.from, gone.to) != (from, to)) {
            let files = self.find_deleted(states, from, to)?;
            self.deleted = Some(DeletedFiles { from, to, files });
        }
        Ok(self.deleted.as_ref().map_or(&[], |gone| &gone.files))
    }

    fn find_deleted(
        &self,
        states: &mut FileStates,
        from: Option<CommitId>,
        to: Option<CommitId>,
    ) -> Result<Vec<(RepoPath, ObjectId)>> {
        let mut files = Vec::new();
        let Some(from) = from else { return Ok(files) };
        let Some(tree) = self.tree(from)? else { return Ok(files) };
        // A rebase begins with the other side: what is only on this one goes, to come back.
        let base = match to.filter(|to| *to != from) {
            Some(to) => match self.repository.merge_base(from, to)? {
                Some(base) => self.tree(base)?,
                None => return Ok(files),
            },
            None => None,
        };
        // What the next state holds is only written anew; git deletes a file before that.
        let next = to.map_or(Ok(None), |to| self.tree(to))?;
        let mut folders = TreeLookup::new(self.repository);
        for (path, blob) in states.all_last()? {
            if let Some(next) = next
                && folders.blob_at(next, &path)?.is_some()
            {
                continue;
            }
            let is_older = match base {
                Some(base) => folders.blob_at(base, &path)?.is_some(),
                None => true,
            };
            if is_older
                && is_missing(self.repository, &path)
                && folders.blob_at(tree, &path)? == Some(blob)
            {
                files.push((path, blob));
            }
        }
        if !files.is_empty() {
            let sparse = index::skip_worktree_paths(self.repository)?;
            files.retain(|(path, _)| !sparse.contains(path));
        }
        files.sort();
        Ok(files)
    }

    fn tree(&self, commit: CommitId) -> Result<Option<ObjectId>> {
        Ok(self.repository.commit(commit)?.map(|commit| commit.tree))
    }
}

fn file_name(path: &RepoPath) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn is_same_file(likeness: WorkflowLikeness) -> bool {
    likeness.shared > 0 && likeness.shared * 2 >= likeness.most
}
