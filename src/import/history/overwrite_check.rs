//! Whether a file may have a new state: nothing uncommitted may be lost over it.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::clean_file;
use crate::layouts::Filter;
use crate::platform::files;
use crate::platform::git::{CommitId, EntryKind, ObjectId, RepoPath, Repository, Result, index};

/// What the last commit, the index and the work tree hold.
#[derive(Debug)]
pub(crate) struct OverwriteCheck<'r> {
    repository: &'r Repository,
    tree: Option<ObjectId>,
    staged: FxHashMap<RepoPath, ObjectId>,
}

/// What there is of one file, as blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileBlobs {
    /// In the last commit.
    pub committed: Option<ObjectId>,
    staged: Option<ObjectId>,
    /// In the work tree, cleaned.
    pub in_work_tree: Option<ObjectId>,
}

/// What there is of a file that is to have a new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetFile {
    Blobs(FileBlobs),
    /// It cannot have a new state, whatever that is.
    Blocked(OverwriteObstacle),
}

/// Why a file cannot have a new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OverwriteObstacle {
    /// A folder has its name, or a file the name of one of its folders.
    PathBlocked(String),
    /// Other content is staged for it.
    Staged,
    /// The file in the work tree is in no commit.
    Untracked,
    /// The file in the work tree was changed.
    Changed,
}

impl<'r> OverwriteCheck<'r> {
    /// Looks at the last commit and the index.
    pub(crate) fn load(
        repository: &'r Repository,
        head: Option<CommitId>,
    ) -> Result<OverwriteCheck<'r>> {
        let tree = match head {
            Some(head) => repository.commit(head)?.map(|commit| commit.tree),
            None => None,
        };
        let staged =
            index::index_entries(repository)?.into_iter().map(|entry| (entry.path, entry.id));
        Ok(OverwriteCheck { repository, tree, staged: staged.collect() })
    }

    /// What there is of a file.
    pub(crate) fn target_file(
        &self,
        filter: &mut Filter<'_>,
        path: &RepoPath,
    ) -> Result<TargetFile> {
        if let Some(name) = self.blocking_path(path)? {
            return Ok(TargetFile::Blocked(OverwriteObstacle::PathBlocked(name)));
        }
        let file = self.repository.require_work_tree()?.join(path.to_path());
        let in_work_tree = match file.symlink_metadata() {
            Ok(_) => {
                let bytes = files::read_up_to(&file, filter.max_file_size()).ok();
                let format = self.repository.format();
                match bytes {
                    Some(bytes) => Some(clean_file(filter, format, path, &bytes).blob),
                    None => return Ok(TargetFile::Blocked(OverwriteObstacle::Untracked)),
                }
            }
            Err(_) => None,
        };
        let staged = self.staged.get(path).copied();
        let committed = self.committed_blob(path)?;
        Ok(TargetFile::Blobs(FileBlobs { committed, staged, in_work_tree }))
    }

    /// The blob of a file in the last commit.
    pub(crate) fn committed_blob(&self, path: &RepoPath) -> Result<Option<ObjectId>> {
        let Some(tree) = self.tree else { return Ok(None) };
        Ok(self.repository.entry_at(tree, path)?.map(|entry| entry.id))
    }

    /// What lies at a path, or at one of its folders, and is no file or folder as it would
    /// have to be. A link to a folder leads elsewhere.
    fn blocking_path(&self, path: &RepoPath) -> Result<Option<String>> {
        let top = self.repository.require_work_tree()?;
        let whole = path.as_bytes();
        let ends = memchr::memchr_iter(b'/', whole).chain([whole.len()]);
        for end in ends {
            let (part, is_folder) = (RepoPath::new(&whole[..end]), end < whole.len());
            let in_work_tree = top.join(part.to_path()).symlink_metadata();
            let fits_here = in_work_tree
                .map_or(true, |about| if is_folder { about.is_dir() } else { about.is_file() });
            let entry = match self.tree {
                Some(tree) => self.repository.entry_at(tree, &part)?,
                None => None,
            };
            let fits_there = entry.is_none_or(|entry| match is_folder {
                true => entry.kind == EntryKind::Tree,
                false => entry.kind.is_file(),
            });
            if !fits_here || !fits_there {
                return Ok(Some(part.to_string()));
            }
        }
        Ok(None)
    }
}

impl FileBlobs {
    /// Whether nothing of it is uncommitted, whatever its new state.
    pub(crate) fn has_no_changes(self) -> bool {
        self.staged == self.committed
            && (self.in_work_tree.is_none() || self.in_work_tree == self.committed)
    }

    /// What would be lost if the file became that blob.
    pub(crate) fn obstacle_to(self, new: ObjectId) -> Option<OverwriteObstacle> {
        let known = |id: Option<ObjectId>| id == self.committed || id == Some(new);
        if !known(self.staged) {
            return Some(OverwriteObstacle::Staged);
        }
        match self.in_work_tree {
            Some(_) if !known(self.in_work_tree) => Some(match self.committed {
                Some(_) => OverwriteObstacle::Changed,
                None => OverwriteObstacle::Untracked,
            }),
            _ => None,
        }
    }
}

/// Whether anything lies there, be it a link that leads nowhere.
pub(crate) fn path_exists(file: &Path) -> bool {
    file.symlink_metadata().is_ok()
}
