//! Changing a few folders deep inside a tree.

use std::collections::BTreeMap;

use super::super::error::{Error, Result};
use super::super::id::ObjectId;
use super::super::objects::{Batch, EntryKind, TreeEntry};
use super::super::repository::Repository;

/// The entries of a tree that must be there.
pub(super) fn read(repository: &Repository, id: ObjectId) -> Result<Vec<TreeEntry>> {
    // A folder that is not there is a broken repository, not an empty folder: going on
    // from it would lose its runs.
    repository.tree(id)?.ok_or(Error::Malformed { id, expected: "tree of runs" })
}

/// Files as the entries of a tree.
pub(super) fn as_entries(files: BTreeMap<String, ObjectId>) -> Vec<TreeEntry> {
    let entry = |(name, id): (String, ObjectId)| TreeEntry {
        kind: EntryKind::File,
        name: name.into_bytes(),
        id,
    };
    files.into_iter().map(entry).collect()
}

/// What becomes of a name in a tree: it is this from now on, or gone.
pub(super) type Put = Option<(EntryKind, ObjectId)>;

/// A tree with some things put in (by their paths) or taken out. A folder that is left
/// empty goes too.
pub(super) fn edited(
    repository: &Repository,
    root: Option<ObjectId>,
    edits: &BTreeMap<&str, Put>,
    batch: &mut Batch,
) -> Result<ObjectId> {
    let edits: Vec<(&str, Put)> = edits.iter().map(|(path, put)| (*path, *put)).collect();
    let root = below(repository, root, &edits, batch)?;
    Ok(root.unwrap_or_else(|| batch.tree(&[])))
}

fn below(
    repository: &Repository,
    folder: Option<ObjectId>,
    edits: &[(&str, Put)],
    batch: &mut Batch,
) -> Result<Option<ObjectId>> {
    let entries = match folder {
        Some(id) => read(repository, id)?,
        None => Vec::new(),
    };
    let mut entries: BTreeMap<Vec<u8>, TreeEntry> =
        entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    let mut deeper: BTreeMap<&str, Vec<(&str, Put)>> = BTreeMap::new();
    for (path, put) in edits {
        match path.split_once('/') {
            Some((name, rest)) => deeper.entry(name).or_default().push((rest, *put)),
            None => match put {
                Some((kind, id)) => {
                    let name = path.as_bytes().to_vec();
                    entries.insert(name.clone(), TreeEntry { kind: *kind, name, id: *id });
                }
                None => drop(entries.remove(path.as_bytes())),
            },
        }
    }
    let kind = EntryKind::Tree;
    for (name, edits) in deeper {
        let name = name.as_bytes().to_vec();
        let known = entries.get(&name).filter(|entry| entry.kind == kind).map(|entry| entry.id);
        match below(repository, known, &edits, batch)? {
            Some(id) => drop(entries.insert(name.clone(), TreeEntry { kind, name, id })),
            None => drop(entries.remove(&name)),
        }
    }
    let entries: Vec<TreeEntry> = entries.into_values().collect();
    Ok(if entries.is_empty() { None } else { Some(batch.tree(&entries)) })
}
