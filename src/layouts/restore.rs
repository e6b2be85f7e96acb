//! Putting layouts into files that lie in the work tree already: those that were checked out
//! without them (a fresh clone has its files before any filter is configured, some merges
//! write past it), and those of which others moved something since.

use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use super::filter::{Filter, Passed, clean_id};
use super::refresh::{read_within, refresh};
use super::settings::{Handling, Settings};
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::IndexEntry;
use crate::platform::git::notes::Notes;
use crate::platform::git::tree::Folders;
use crate::platform::git::{
    CommitId, Direction, Error, Kind, ObjectId, RepoPath, Repository, Result, index, tree,
};
use crate::platform::write_whole;

/// What a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files that have positions now.
    pub files: Vec<RepoPath>,
    /// What is worth telling, each a line.
    pub remarks: Vec<String>,
}

/// Gives every file of the work tree that is still as git stores it the form it would have
/// from a checkout with the filter: its layout where one is known, else an arrangement.
/// Files that anybody changed are left alone. The filter must be configured.
pub fn restore_layouts(repository: &Repository) -> Result<Restored> {
    let mut files = WorkTreeFiles::of(repository)?;
    let mut restored = Restored::default();
    for entry in index::files(repository)? {
        if let Some((file, bytes)) = files.read(&entry)?
            && clean_id(repository.format(), &bytes) == entry.id
            && files.lay_out(&entry, &file, &bytes)?
        {
            restored.files.push(entry.path);
        }
    }
    restored.remarks = files.filter.take_remarks();
    if !restored.files.is_empty() {
        refresh(repository)?;
    }
    Ok(restored)
}

/// Lays out the files of a commit that was just made, with what was moved in the contents
/// they came from: those that git wrote past the filter (a merge of three branches, `merge -s
/// resolve`), those that one side of a merge only rearranged and git did not have to write,
/// and those that a colleague rearranged while they were edited here. Each node lies where the
/// last move put it, on whichever side. Files whose content anybody changed since are left
/// alone. `before` is where the branch stood, if a merge moved it on by several commits.
pub fn lay_out_committed(
    repository: &Repository,
    before: Option<CommitId>,
) -> Result<Vec<RepoPath>> {
    let mut laid_out = Vec::new();
    let Some(head) = repository.head()? else { return Ok(laid_out) };
    let Some(commit) = repository.commit(head)? else { return Ok(laid_out) };
    let mut sides: FxHashMap<RepoPath, Vec<ObjectId>> = FxHashMap::default();
    let mut origins = commit.parents;
    if let Some(before) = before.filter(|before| *before != head && !origins.contains(before))
        && repository.is_ancestor(before, head).unwrap_or(false)
    {
        origins.push(before);
    }
    for parent in origins {
        // What is beyond the edge of a shallow or partial clone tells nothing.
        let Some(parent) = repository.commit(parent)? else { continue };
        let trees = [Some(parent.tree), Some(commit.tree)];
        for (path, blobs) in tree::differing(repository, trees).unwrap_or_default() {
            if let [Some(before), Some(_)] = blobs {
                sides.entry(path).or_default().push(before);
            }
        }
    }
    if sides.is_empty() || repository.work_tree().is_none() {
        return Ok(laid_out);
    }
    let mut files = WorkTreeFiles::of(repository)?;
    for entry in index::files(repository)? {
        let Some(merged) = sides.get(&entry.path) else { continue };
        if let Some((file, bytes)) = files.read(&entry)?
            && files.is_unchanged(&entry, &bytes)?
            && files.lay_out_with(&entry, merged, &file, &bytes)?
        {
            laid_out.push(entry.path);
        }
    }
    if !laid_out.is_empty() {
        refresh(repository)?;
    }
    Ok(laid_out)
}

/// Brings files up to the layouts that others gave them: where content is the same in both
/// clones, a pull has nothing to check out, and yet nodes were moved; and what had to be
/// arranged because no layout was known is put right. A node that was moved here since
/// stays where it is. Files whose content anybody changed are left alone. The layout notes
/// were at one commit before and are at the other now.
pub fn follow_layouts(
    repository: &Repository,
    before: Option<CommitId>,
    after: Option<CommitId>,
) -> Result<Vec<RepoPath>> {
    let mut followed = Vec::new();
    if repository.work_tree().is_none() {
        return Ok(followed);
    }
    let older = Notes::at(repository, before)?;
    let newer = Notes::at(repository, after)?;
    let changed: FxHashSet<ObjectId> =
        newer.since(&older)?.into_iter().map(|difference| difference.about).collect();
    let mut files = WorkTreeFiles::of(repository)?;
    let mut contents = Contents::of_remotes(repository)?;
    for entry in index::files(repository)? {
        let older = contents.older_than(&entry, &changed)?;
        let may_follow = changed.contains(&entry.id)
            || !older.is_empty()
            || files.filter.has_guesses(&entry.path)?;
        if may_follow
            && let Some((file, bytes)) = files.read(&entry)?
            && files.is_unchanged(&entry, &bytes)?
            && files.lay_out_with(&entry, &older, &file, &bytes)?
        {
            followed.push(entry.path);
        }
    }
    if !followed.is_empty() {
        refresh(repository)?;
    }
    Ok(followed)
}

/// The contents that files have where remotes stand and this clone went on from: who only
/// rearranged such a content moved nodes of what became of it here.
struct Contents<'r> {
    folders: Folders<'r>,
    trees: Vec<ObjectId>,
}

/// So many branches of remotes are looked at.
const MOST_BRANCHES: usize = 16;

impl<'r> Contents<'r> {
    fn of_remotes(repository: &'r Repository) -> Result<Contents<'r>> {
        let (folders, mut trees) = (Folders::new(repository), Vec::new());
        let Some(head) = repository.head()? else { return Ok(Contents { folders, trees }) };
        for (_, tip) in repository.references("refs/remotes/")?.into_iter().take(MOST_BRANCHES) {
            let tip = CommitId(tip);
            if tip != head && repository.is_ancestor(tip, head).unwrap_or(false) {
                trees.extend(repository.commit(tip)?.map(|commit| commit.tree));
            }
        }
        Ok(Contents { folders, trees })
    }

    /// The older contents of a file among some.
    fn older_than(
        &mut self,
        entry: &IndexEntry,
        among: &FxHashSet<ObjectId>,
    ) -> Result<Vec<ObjectId>> {
        let mut older = Vec::new();
        for tree in &self.trees {
            let held = self.folders.blob_at(*tree, &entry.path)?;
            if let Some(held) = held.filter(|held| *held != entry.id && among.contains(held))
                && !older.contains(&held)
            {
                older.push(held);
            }
        }
        Ok(older)
    }
}

/// The files of a work tree that go through the filter.
struct WorkTreeFiles<'r> {
    repository: &'r Repository,
    top: &'r Path,
    settings: Settings,
    filter: Filter<'r>,
}

impl<'r> WorkTreeFiles<'r> {
    fn of(repository: &'r Repository) -> Result<WorkTreeFiles<'r>> {
        Ok(WorkTreeFiles {
            repository,
            top: repository.require_work_tree()?,
            settings: Settings::of(repository)?,
            filter: Filter::new(Some(repository)),
        })
    }

    /// The bytes of a file that is ours to lay out.
    fn read(&self, entry: &IndexEntry) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let file = self.top.join(entry.path.to_path());
        let is_file = file.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_file || !is_filtered(self.repository, &entry.path) {
            return Ok(None);
        }
        let handling = self.settings.handling_of(self.repository, &entry.path, Direction::Checkout);
        if handling == Handling::Off {
            return Ok(None);
        }
        Ok(read_within(&file, self.settings.max_file_size).map(|bytes| (file, bytes)))
    }

    /// Whether a file has the content that git knows. Where its nodes lie is kept first.
    fn is_unchanged(&mut self, entry: &IndexEntry, bytes: &[u8]) -> Result<bool> {
        let format = self.repository.format();
        let (passed, rest) = self.filter.split(&entry.path, bytes);
        if let (Passed::Changed(content), Some(rest)) = (&passed, rest) {
            if format.id_of(Kind::Blob, content) != entry.id {
                return Ok(false);
            }
            self.filter.keep(&entry.path, content, rest)?;
            return Ok(true);
        }
        Ok(clean_id(format, bytes) == entry.id)
    }

    /// Writes a file anew if it has another layout; whether it had.
    fn lay_out(&mut self, entry: &IndexEntry, file: &Path, bytes: &[u8]) -> Result<bool> {
        self.lay_out_with(entry, &[], file, bytes)
    }

    /// The same with what was moved in contents that were merged into it.
    fn lay_out_with(
        &mut self,
        entry: &IndexEntry,
        merged: &[ObjectId],
        file: &Path,
        bytes: &[u8],
    ) -> Result<bool> {
        let Some(content) = self.repository.blob(entry.id)? else { return Ok(false) };
        let laid_out = match self.filter.lay_out(&entry.path, entry.id, merged, &content)? {
            Passed::Changed(laid_out) if laid_out != bytes => laid_out,
            _ => return Ok(false),
        };
        write_whole(file, &laid_out).map_err(Error::file("writing", file))?;
        Ok(true)
    }
}
