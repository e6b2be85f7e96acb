//! Which file of the last commit a new one was, where it was renamed and edited at once: git
//! says so only to those who ask for a difference, and the filter sees one file at a time.
//!
//! Must not know what is done with it.

use super::super::error::Result;
use super::super::id::{CommitId, ObjectId, RepoPath};
use super::super::repository::Repository;
use super::super::tree::Folders;
use super::file_states::FileStates;
use super::{MAX_MATCHED, is_gone};
use comfy_graph::diff::{self, Likeness};
use comfy_graph::json;

/// The files that the last commit holds and the work tree does not any more.
#[derive(Debug)]
pub(super) struct Renames<'r> {
    repository: &'r Repository,
    gone: Option<Gone>,
}

#[derive(Debug)]
struct Gone {
    /// The commit that was looked at.
    head: Option<CommitId>,
    files: Vec<(RepoPath, ObjectId)>,
}

/// Of more files that went away at once only those with the new file's name are compared.
const MOST_COMPARED: usize = 32;

impl<'r> Renames<'r> {
    /// Nothing is read before it is needed.
    pub(super) fn new(repository: &'r Repository) -> Renames<'r> {
        Renames { repository, gone: None }
    }

    /// The file that went away and is the new one now: half of the nodes are the same, as
    /// git wants it of lines. Of several the one that has the most in common with it; none
    /// if that is not clear.
    pub(super) fn source_of(
        &mut self,
        states: &mut FileStates,
        path: &RepoPath,
        content: &[u8],
    ) -> Result<Option<RepoPath>> {
        let repository = self.repository;
        let files = self.gone(states)?;
        if files.is_empty() {
            return Ok(None);
        }
        let Ok(after) = json::parse(content) else { return Ok(None) };
        let is_many = files.len() > MOST_COMPARED;
        let mut best: Option<((usize, bool, usize), &RepoPath)> = None;
        let mut is_clear = true;
        for (file, blob) in files.iter().filter(|(file, _)| file != path) {
            let has_same_name = name(file) == name(path);
            if is_many && !has_same_name {
                continue;
            }
            let Some(before) = repository.blob_within(*blob, MAX_MATCHED)? else { continue };
            let Ok(before) = json::parse(&before) else { continue };
            let Some(likeness) = diff::likeness(before, after.clone()) else { continue };
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

    fn gone(&mut self, states: &mut FileStates) -> Result<&[(RepoPath, ObjectId)]> {
        let head = self.repository.head()?;
        if self.gone.as_ref().is_none_or(|gone| gone.head != head) {
            let files = self.look(states, head)?;
            self.gone = Some(Gone { head, files });
        }
        Ok(self.gone.as_ref().map_or(&[], |gone| &gone.files))
    }

    fn look(
        &self,
        states: &mut FileStates,
        head: Option<CommitId>,
    ) -> Result<Vec<(RepoPath, ObjectId)>> {
        let Some(commit) = head.map_or(Ok(None), |head| self.repository.commit(head))? else {
            return Ok(Vec::new());
        };
        let mut folders = Folders::new(self.repository);
        let mut files = Vec::new();
        for (path, blob) in states.all_last()? {
            if folders.blob_at(commit.tree, &path)? == Some(blob)
                && is_gone(self.repository, &path)?
            {
                files.push((path, blob));
            }
        }
        files.sort();
        Ok(files)
    }
}

fn name(path: &RepoPath) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn is_same_file(likeness: Likeness) -> bool {
    likeness.shared > 0 && likeness.shared * 2 >= likeness.most
}
