//! Putting layouts into files that lie in the work tree already: those that were checked out
//! without them (a fresh clone has its files before any filter is configured, some merges
//! write past it), and those of which others moved something since.

use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use super::MAX_MATCHED_SIZE;
use super::filter::{Filter, FilterOutcome, normalized_blob_id};
use super::layout_finder::LayoutFinder;
use super::missed_sides;
use super::raw_files::extract_layout;
use super::refresh::refresh_index;
use super::settings::{FilterSettings, Handling};
use super::work_tree::WorkTreeLayouts;
use crate::platform::files;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::index::IndexEntry;
use crate::platform::git::notes::NotesTree;
use crate::platform::git::tree::TreeLookup;
use crate::platform::git::{
    AttributeDirection, CommitId, GitError, ObjectId, ObjectKind, RepoPath, Repository, Result,
    index, tree,
};
use crate::platform::write_atomic;

/// What a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoredLayouts {
    /// Files that have positions now.
    pub files: Vec<RepoPath>,
    /// What is worth telling, each a line.
    pub remarks: Vec<String>,
}

/// Gives every file of the work tree that is still as git stores it the form it would have
/// from a checkout with the filter: its layout where one is known, else an arrangement.
/// Files that anybody changed are left alone. The filter must be configured.
pub fn restore_layouts(repository: &Repository) -> Result<RestoredLayouts> {
    let mut files = WorkTreeFiles::open(repository)?;
    let mut restored = RestoredLayouts::default();
    for entry in index::index_entries(repository)? {
        if let Some((file, bytes)) = files.read_file(&entry)?
            && normalized_blob_id(repository.format(), &bytes) == entry.id
            && files.lay_out(&entry, &file, &bytes)?
        {
            restored.files.push(entry.path);
        }
    }
    restored.remarks = files.filter.take_remarks();
    if !restored.files.is_empty() {
        refresh_index(repository)?;
    }
    Ok(restored)
}

/// Lays out the files of a commit that was just made, with what was moved in the contents
/// they came from: those that git wrote past the filter (a merge of three branches, `merge -s
/// resolve`), those that one side of a merge only rearranged and git did not have to write,
/// and those that a colleague rearranged while they were edited here. Each node lies where the
/// last move put it, on whichever side. Files whose content anybody changed since are left
/// alone. `before` is where the branch stood, if a merge moved it on by several commits.
pub(crate) fn lay_out_committed(
    repository: &Repository,
    before: Option<CommitId>,
) -> Result<Vec<RepoPath>> {
    let mut laid_out = Vec::new();
    let Some(head) = repository.head()? else { return Ok(laid_out) };
    let Some(commit) = repository.commit(head)? else { return Ok(laid_out) };
    if merged_nothing_of_theirs(repository, &commit.parents, commit.tree)? {
        return Ok(laid_out);
    }
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
        for (path, blobs) in tree::diff_trees(repository, trees).unwrap_or_default() {
            if let [Some(before), Some(_)] = blobs {
                sides.entry(path).or_default().push(before);
            }
        }
    }
    for (path, picked) in picked_contents(repository)? {
        sides.entry(path).or_default().push(picked);
    }
    if sides.is_empty() || repository.work_tree().is_none() {
        return Ok(laid_out);
    }
    let mut files = WorkTreeFiles::open(repository)?;
    for entry in index::index_entries(repository)? {
        let Some(merged) = sides.get(&entry.path) else { continue };
        if let Some((file, bytes)) = files.read_file(&entry)?
            && files.is_unchanged(&entry, &bytes)?
            && files.lay_out_with(&entry, merged, &file, &bytes)?
        {
            laid_out.push(entry.path);
        }
    }
    if !laid_out.is_empty() {
        refresh_index(repository)?;
    }
    Ok(laid_out)
}

/// Lays out files of which the other side of a merge moved something that nobody here could
/// know when it was merged: its layout came since. Files whose content anybody changed are left
/// alone.
pub fn apply_missed_sides(repository: &Repository) -> Result<Vec<RepoPath>> {
    let mut followed = Vec::new();
    let missed = missed_sides::read(repository);
    if missed.is_empty() || repository.work_tree().is_none() {
        return Ok(followed);
    }
    let mut finder = LayoutFinder::new(repository);
    let mut known: FxHashMap<RepoPath, Vec<ObjectId>> = FxHashMap::default();
    let mut left = Vec::new();
    for (path, side) in missed {
        match finder.has_note(side)? {
            true => known.entry(path).or_default().push(side),
            false => left.push((path, side)),
        }
    }
    if known.is_empty() {
        return Ok(followed);
    }
    let mut files = WorkTreeFiles::open(repository)?;
    for entry in index::index_entries(repository)? {
        let Some(sides) = known.get(&entry.path) else { continue };
        let Some((file, bytes)) = files.read_file(&entry)? else { continue };
        let Some(entry) = files.find_unchanged(entry, sides, &bytes)? else { continue };
        if files.lay_out_with(&entry, sides, &file, &bytes)? {
            followed.push(entry.path);
        }
    }
    missed_sides::write(repository, &left)?;
    if !followed.is_empty() {
        refresh_index(repository)?;
    }
    Ok(followed)
}

/// Whether the last merge took nothing of the other side (`-s ours`): then its places do not
/// come along either.
fn merged_nothing_of_theirs(
    repository: &Repository,
    parents: &[CommitId],
    tree: ObjectId,
) -> Result<bool> {
    let [ours, _, ..] = parents else { return Ok(false) };
    if repository.commit(*ours)?.is_none_or(|ours| ours.tree != tree) {
        return Ok(false);
    }
    // Nothing but what git wrote down tells it from a merge that found nothing to do.
    Ok(repository.last_reflog_message()?.contains("'ours'"))
}

/// The contents in a commit that was just picked, of the files that it changed or renamed: of
/// a file that it renamed and rearranged, git asks nobody when it was edited here.
fn picked_contents(repository: &Repository) -> Result<Vec<(RepoPath, ObjectId)>> {
    let Some(picked) = repository.resolve_commit("CHERRY_PICK_HEAD")? else {
        return Ok(Vec::new());
    };
    let Some(picked) = repository.commit(picked)? else { return Ok(Vec::new()) };
    let parent = match picked.parents.first() {
        Some(parent) => repository.commit(*parent)?,
        None => None,
    };
    let Some(parent) = parent else { return Ok(Vec::new()) };
    let trees = [Some(parent.tree), Some(picked.tree)];
    let changed = tree::diff_trees(repository, trees).unwrap_or_default();
    Ok(changed.into_iter().filter_map(|(path, [_, after])| Some((path, after?))).collect())
}

/// Brings files up to the layouts that others gave them: where content is the same in both
/// clones, a pull has nothing to check out, and yet nodes were moved; and what had to be
/// arranged because no layout was known is put right. A node that was moved here since
/// stays where it is. Files whose content anybody changed are left alone. The layout notes
/// were at one commit before and are at the other now.
pub(crate) fn apply_received_layouts(
    repository: &Repository,
    before: Option<CommitId>,
    after: Option<CommitId>,
) -> Result<Vec<RepoPath>> {
    let mut followed = Vec::new();
    if repository.work_tree().is_none() {
        return Ok(followed);
    }
    let older = NotesTree::load(repository, before)?;
    let newer = NotesTree::load(repository, after)?;
    let changed: FxHashSet<ObjectId> =
        newer.changes_since(&older)?.into_iter().map(|difference| difference.about).collect();
    let mut files = WorkTreeFiles::open(repository)?;
    let mut contents = OlderContents::find(repository)?;
    for entry in index::index_entries(repository)? {
        let older = contents.older_than(&entry, &changed)?;
        let may_follow = changed.contains(&entry.id)
            || !older.is_empty()
            || files.filter.has_arranged_places(&entry.path)?;
        if may_follow
            && let Some((file, bytes)) = files.read_file(&entry)?
            && files.is_unchanged(&entry, &bytes)?
            && files.lay_out_with(&entry, &older, &file, &bytes)?
        {
            followed.push(entry.path);
        }
    }
    if !followed.is_empty() {
        refresh_index(repository)?;
    }
    Ok(followed)
}

/// Brings files up to the layouts that this clone keeps of their very content: where a commit
/// that is applied anew only moves nodes, git has nothing to write and calls no hook. Files
/// whose content anybody changed are left alone.
pub(crate) fn apply_pending_layouts(repository: &Repository) -> Result<Vec<RepoPath>> {
    let mut followed = Vec::new();
    if repository.work_tree().is_none() {
        return Ok(followed);
    }
    let behind: FxHashMap<_, _> =
        WorkTreeLayouts::new(repository).files_behind_pending()?.into_iter().collect();
    if behind.is_empty() {
        return Ok(followed);
    }
    let mut files = WorkTreeFiles::open(repository)?;
    for entry in index::index_entries(repository)? {
        if behind.get(&entry.path) == Some(&entry.id)
            && let Some((file, bytes)) = files.read_file(&entry)?
            && files.is_unchanged(&entry, &bytes)?
            && files.lay_out(&entry, &file, &bytes)?
        {
            followed.push(entry.path);
        }
    }
    if !followed.is_empty() {
        refresh_index(repository)?;
    }
    Ok(followed)
}

/// The contents that files have where remotes stand and this clone went on from, and in what
/// both sides of the last merge or rebase went on from: who only rearranged such a content moved
/// nodes of what became of it here.
struct OlderContents<'r> {
    repository: &'r Repository,
    folders: TreeLookup<'r>,
    trees: Vec<ObjectId>,
    /// Those of common ancestors, and of the sides that went on from them.
    bases: Vec<ObjectId>,
    sides: Vec<ObjectId>,
}

/// So many branches of remotes are looked at.
const MAX_BRANCHES: usize = 16;

impl<'r> OlderContents<'r> {
    fn find(repository: &'r Repository) -> Result<OlderContents<'r>> {
        let folders = TreeLookup::new(repository);
        let (trees, bases, sides) = (Vec::new(), Vec::new(), Vec::new());
        let mut older = OlderContents { repository, folders, trees, bases, sides };
        let Some(head) = repository.head()? else { return Ok(older) };
        let tree = |commit: CommitId| -> Result<Option<ObjectId>> {
            Ok(repository.commit(commit)?.map(|commit| commit.tree))
        };
        for (_, tip) in repository.references("refs/remotes/")?.into_iter().take(MAX_BRANCHES) {
            let tip = CommitId(tip);
            if tip != head && repository.is_ancestor(tip, head).unwrap_or(false) {
                older.trees.extend(tree(tip)?);
            }
        }
        let (bases, sides) = common_ancestors(repository, head)?;
        for base in bases {
            older.bases.extend(tree(base)?);
        }
        for side in sides {
            older.sides.extend(tree(side)?);
        }
        Ok(older)
    }

    /// Whether a side holds the file with positions: of those nobody knows what was moved later.
    fn has_raw_side(&mut self, path: &RepoPath) -> Result<bool> {
        for side in &self.sides {
            let Some(blob) = self.folders.blob_at(*side, path)? else { continue };
            let stored = self.repository.blob_up_to(blob, MAX_MATCHED_SIZE)?;
            if stored.is_some_and(|stored| extract_layout(&stored).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The older contents of a file among some.
    fn older_than(
        &mut self,
        entry: &IndexEntry,
        among: &FxHashSet<ObjectId>,
    ) -> Result<Vec<ObjectId>> {
        let mut older = contents_in(&mut self.folders, &self.trees, entry, among)?;
        let mut of_bases = contents_in(&mut self.folders, &self.bases, entry, among)?;
        of_bases.retain(|held| !older.contains(held));
        // Last: what the sides hold has to be read for it.
        if !of_bases.is_empty() && !self.has_raw_side(&entry.path)? {
            older.extend(of_bases);
        }
        Ok(older)
    }
}

/// What a file holds in trees that is among some contents, and is not what it holds now.
fn contents_in(
    folders: &mut TreeLookup<'_>,
    trees: &[ObjectId],
    entry: &IndexEntry,
    among: &FxHashSet<ObjectId>,
) -> Result<Vec<ObjectId>> {
    let mut found = Vec::new();
    for tree in trees {
        let held = folders.blob_at(*tree, &entry.path)?;
        if let Some(held) = held.filter(|held| *held != entry.id && among.contains(held))
            && !found.contains(&held)
        {
            found.push(held);
        }
    }
    Ok(found)
}

/// What the sides of the merge or rebase that HEAD came out of went on from, and the sides.
fn common_ancestors(
    repository: &Repository,
    head: CommitId,
) -> Result<(Vec<CommitId>, Vec<CommitId>)> {
    let mut sides = repository.commit(head)?.map(|commit| commit.parents).unwrap_or_default();
    let mut bases = Vec::new();
    if let [ours, others @ ..] = &sides[..] {
        for theirs in others {
            bases.extend(repository.merge_base(*ours, *theirs)?);
        }
    }
    if repository.last_reflog_message()?.contains("rebase")
        && let Some(before) = repository.resolve_commit("ORIG_HEAD")?
    {
        bases.extend(repository.merge_base(before, head)?);
        sides.push(before);
    }
    Ok((bases, sides))
}

/// The files of a work tree that go through the filter.
struct WorkTreeFiles<'r> {
    repository: &'r Repository,
    top: &'r Path,
    settings: FilterSettings,
    filter: Filter<'r>,
}

impl<'r> WorkTreeFiles<'r> {
    fn open(repository: &'r Repository) -> Result<WorkTreeFiles<'r>> {
        Ok(WorkTreeFiles {
            repository,
            top: repository.require_work_tree()?,
            settings: FilterSettings::load(repository)?,
            filter: Filter::new(Some(repository)),
        })
    }

    /// The bytes of a file that is ours to lay out.
    fn read_file(&self, entry: &IndexEntry) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let file = self.top.join(entry.path.to_path());
        let is_file = file.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_file || !is_filtered(self.repository, &entry.path) {
            return Ok(None);
        }
        let handling =
            self.settings.handling_of(self.repository, &entry.path, AttributeDirection::Checkout);
        if handling == Handling::Off {
            return Ok(None);
        }
        Ok(files::read_up_to(&file, self.settings.max_file_size).ok().map(|bytes| (file, bytes)))
    }

    /// Whether a file has the content that git knows. Where its nodes lie is kept first.
    fn is_unchanged(&mut self, entry: &IndexEntry, bytes: &[u8]) -> Result<bool> {
        let format = self.repository.format();
        let (passed, rest) = self.filter.separate_layout(&entry.path, bytes);
        if let (FilterOutcome::Changed(content), Some(rest)) = (&passed, rest) {
            if format.object_id(ObjectKind::Blob, content) != entry.id {
                return Ok(false);
            }
            self.filter.store_layout(&entry.path, content, rest)?;
            return Ok(true);
        }
        Ok(normalized_blob_id(format, bytes) == entry.id)
    }

    /// What a file has the content of: the entry that git knows of it, or that with another
    /// content (`git restore --source` writes it past the index).
    fn find_unchanged(
        &mut self,
        entry: IndexEntry,
        others: &[ObjectId],
        bytes: &[u8],
    ) -> Result<Option<IndexEntry>> {
        let mut ids = [entry.id].into_iter().chain(others.iter().copied());
        ids.find_map(|id| {
            let entry = IndexEntry { id, ..entry.clone() };
            match self.is_unchanged(&entry, bytes) {
                Ok(true) => Some(Ok(entry)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            }
        })
        .transpose()
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
            FilterOutcome::Changed(laid_out) if laid_out != bytes => laid_out,
            _ => return Ok(false),
        };
        write_atomic(file, &laid_out).map_err(GitError::file_error("writing", file))?;
        // Afterwards: whoever looks meanwhile still sees the old one.
        self.filter.record_rewrite(&entry.path)?;
        Ok(true)
    }
}
