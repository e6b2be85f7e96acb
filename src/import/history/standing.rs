//! Whether a file may have a new state: nothing uncommitted may be lost over it.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::cleaned;
use crate::layouts::{Filter, refresh};
use crate::platform::git::{CommitId, EntryKind, ObjectId, RepoPath, Repository, Result, index};

/// What the last commit, the index and the work tree hold.
#[derive(Debug)]
pub struct Standing<'r> {
    repository: &'r Repository,
    tree: Option<ObjectId>,
    staged: FxHashMap<RepoPath, ObjectId>,
}

/// What there is of one file, as blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// In the last commit.
    pub committed: Option<ObjectId>,
    staged: Option<ObjectId>,
    /// In the work tree, cleaned.
    pub here: Option<ObjectId>,
}

/// Why a file cannot have a new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A folder has its name, or a file the name of one of its folders.
    InTheWay(String),
    /// Other content is staged for it.
    Staged,
    /// The file in the work tree is in no commit.
    Untracked,
    /// The file in the work tree was changed.
    Changed,
}

impl<'r> Standing<'r> {
    /// Looks at the last commit and the index.
    pub fn of(repository: &'r Repository, head: Option<CommitId>) -> Result<Standing<'r>> {
        let tree = match head {
            Some(head) => repository.commit(head)?.map(|commit| commit.tree),
            None => None,
        };
        let staged = index::files(repository)?.into_iter().map(|entry| (entry.path, entry.id));
        Ok(Standing { repository, tree, staged: staged.collect() })
    }

    /// What there is of a file; or what lies where it would.
    pub fn of_file(
        &self,
        filter: &mut Filter<'_>,
        path: &RepoPath,
    ) -> Result<std::result::Result<Stands, Obstacle>> {
        if let Some(name) = self.in_the_way(path)? {
            return Ok(Err(Obstacle::InTheWay(name)));
        }
        let file = self.repository.require_work_tree()?.join(path.to_path());
        let here = match file.symlink_metadata() {
            Ok(_) => {
                let bytes = refresh::read_within(&file, filter.max_file_size());
                let format = self.repository.format();
                match bytes {
                    Some(bytes) => Some(cleaned(filter, format, path, &bytes).blob),
                    None => return Ok(Err(Obstacle::Untracked)),
                }
            }
            Err(_) => None,
        };
        let staged = self.staged.get(path).copied();
        Ok(Ok(Stands { committed: self.committed(path)?, staged, here }))
    }

    /// The blob of a file in the last commit.
    pub fn committed(&self, path: &RepoPath) -> Result<Option<ObjectId>> {
        let Some(tree) = self.tree else { return Ok(None) };
        Ok(self.repository.entry_at(tree, path)?.map(|entry| entry.id))
    }

    /// What lies at a path, or at one of its folders, and is no file or folder as it would
    /// have to be. A link to a folder leads elsewhere.
    fn in_the_way(&self, path: &RepoPath) -> Result<Option<String>> {
        let top = self.repository.require_work_tree()?;
        let whole = path.as_bytes();
        let ends = memchr::memchr_iter(b'/', whole).chain([whole.len()]);
        for end in ends {
            let (part, is_folder) = (RepoPath::new(&whole[..end]), end < whole.len());
            let here = top.join(part.to_path()).symlink_metadata();
            let fits_here =
                here.map_or(true, |about| if is_folder { about.is_dir() } else { about.is_file() });
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

impl Stands {
    /// Whether nothing of it is uncommitted, whatever its new state.
    pub fn is_free(self) -> bool {
        self.staged == self.committed && (self.here.is_none() || self.here == self.committed)
    }

    /// What would be lost if the file became that blob.
    pub fn obstacle(self, new: ObjectId) -> Option<Obstacle> {
        let known = |id: Option<ObjectId>| id == self.committed || id == Some(new);
        if !known(self.staged) {
            return Some(Obstacle::Staged);
        }
        match self.here {
            Some(_) if !known(self.here) => Some(match self.committed {
                Some(_) => Obstacle::Changed,
                None => Obstacle::Untracked,
            }),
            _ => None,
        }
    }
}

/// Whether anything lies there, be it a link that leads nowhere.
pub(crate) fn is_there(file: &Path) -> bool {
    file.symlink_metadata().is_ok()
}
