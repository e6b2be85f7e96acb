//! Trees of git-comfy's own: changing a few folders deep inside one, and finding where two
//! differ without reading what they share; looking many paths up below one.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::error::{GitError, Result};
use super::id::{ObjectId, RepoPath};
use super::objects::{EntryKind, ObjectBatch, TreeEntry};
use super::repository::Repository;

/// The entries of a tree that must be there.
pub(crate) fn read_tree(repository: &Repository, id: ObjectId) -> Result<Vec<TreeEntry>> {
    // A folder that is not there is a broken repository, not an empty folder: going on
    // from it would lose what it holds.
    repository.tree(id)?.ok_or(GitError::Malformed { id, expected: "tree of git-comfy" })
}

/// Files as the entries of a tree.
pub(crate) fn file_entries(files: BTreeMap<String, ObjectId>) -> Vec<TreeEntry> {
    let entry = |(name, id): (String, ObjectId)| TreeEntry {
        kind: EntryKind::File,
        name: name.into_bytes(),
        id,
    };
    files.into_iter().map(entry).collect()
}

/// Looks up paths below a tree, reading each folder once.
#[derive(Debug)]
pub(crate) struct TreeLookup<'r> {
    repository: &'r Repository,
    read: FxHashMap<ObjectId, FxHashMap<Vec<u8>, ObjectId>>,
}

impl<'r> TreeLookup<'r> {
    /// Reads nothing yet.
    pub(crate) fn new(repository: &'r Repository) -> TreeLookup<'r> {
        TreeLookup { repository, read: FxHashMap::default() }
    }

    /// The object at a path below a tree.
    pub(crate) fn blob_at(&mut self, tree: ObjectId, path: &RepoPath) -> Result<Option<ObjectId>> {
        let mut at = tree;
        for name in path.as_bytes().split(|b| *b == b'/') {
            if !self.read.contains_key(&at) {
                // What is a file where the path wants a folder holds nothing.
                let entries = self.repository.tree(at).ok().flatten().unwrap_or_default();
                let entries = entries.into_iter().map(|e| (e.name, e.id)).collect();
                self.read.insert(at, entries);
            }
            match self.read.get(&at).and_then(|entries| entries.get(name)) {
                Some(id) => at = *id,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }
}

/// What becomes of a name in a tree: it is this from now on, or gone.
pub(crate) type TreeEdit = Option<(EntryKind, ObjectId)>;

/// A tree with some things put in (by their paths) or taken out. A folder that is left
/// empty goes too.
pub(crate) fn edit_tree<P: AsRef<[u8]> + Ord>(
    repository: &Repository,
    root: Option<ObjectId>,
    edits: &BTreeMap<P, TreeEdit>,
    batch: &mut ObjectBatch,
) -> Result<ObjectId> {
    let edits: Vec<(&[u8], TreeEdit)> =
        edits.iter().map(|(path, put)| (path.as_ref(), *put)).collect();
    let root = edit_folder(repository, root, &edits, batch)?;
    Ok(root.unwrap_or_else(|| batch.add_tree(&[])))
}

fn edit_folder(
    repository: &Repository,
    folder: Option<ObjectId>,
    edits: &[(&[u8], TreeEdit)],
    batch: &mut ObjectBatch,
) -> Result<Option<ObjectId>> {
    let entries = match folder {
        Some(id) => read_tree(repository, id)?,
        None => Vec::new(),
    };
    let mut entries: BTreeMap<Vec<u8>, TreeEntry> =
        entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    let mut deeper: BTreeMap<&[u8], Vec<(&[u8], TreeEdit)>> = BTreeMap::new();
    for (path, put) in edits {
        match memchr::memchr(b'/', path) {
            Some(at) => deeper.entry(&path[..at]).or_default().push((&path[at + 1..], *put)),
            None => match put {
                Some((kind, id)) => {
                    let name = path.to_vec();
                    entries.insert(name.clone(), TreeEntry { kind: *kind, name, id: *id });
                }
                None => drop(entries.remove(*path)),
            },
        }
    }
    let kind = EntryKind::Tree;
    for (name, edits) in deeper {
        let name = name.to_vec();
        let known = entries.get(&name).filter(|entry| entry.kind == kind).map(|entry| entry.id);
        match edit_folder(repository, known, &edits, batch)? {
            Some(id) => drop(entries.insert(name.clone(), TreeEntry { kind, name, id })),
            // What took its place in the same step stays.
            None if known.is_some() => drop(entries.remove(&name)),
            None => {}
        }
    }
    let entries: Vec<TreeEntry> = entries.into_values().collect();
    Ok(if entries.is_empty() { None } else { Some(batch.add_tree(&entries)) })
}

/// The files that differ between two trees, with what each holds. Folders that are the
/// same in both are not read.
pub(crate) fn diff_trees(
    repository: &Repository,
    trees: [Option<ObjectId>; 2],
) -> Result<BTreeMap<RepoPath, [Option<ObjectId>; 2]>> {
    let mut found = BTreeMap::new();
    collect_differing(repository, trees, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn collect_differing(
    repository: &Repository,
    trees: [Option<ObjectId>; 2],
    prefix: &mut Vec<u8>,
    found: &mut BTreeMap<RepoPath, [Option<ObjectId>; 2]>,
) -> Result<()> {
    if trees[0] == trees[1] {
        return Ok(());
    }
    let mut folders: BTreeMap<Vec<u8>, [Option<ObjectId>; 2]> = BTreeMap::new();
    let mut files = folders.clone();
    for (side, tree) in trees.into_iter().enumerate() {
        let Some(tree) = tree else { continue };
        for entry in read_tree(repository, tree)? {
            let kind = if entry.kind == EntryKind::Tree { &mut folders } else { &mut files };
            kind.entry(entry.name).or_default()[side] = Some(entry.id);
        }
    }
    let length = prefix.len();
    for (name, sides) in files.into_iter().filter(|(_, sides)| sides[0] != sides[1]) {
        let path = [prefix.as_slice(), &name].concat();
        found.insert(RepoPath::new(path), sides);
    }
    for (name, sides) in folders {
        prefix.extend_from_slice(&name);
        prefix.push(b'/');
        collect_differing(repository, sides, prefix, found)?;
        prefix.truncate(length);
    }
    Ok(())
}
