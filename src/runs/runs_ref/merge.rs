//! Two clones' runs become one: all runs of both, those that both know joined, those that
//! either pruned gone, what either redacted gone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FORGOTTEN_FILE, MAX_LIST_SIZE, MAX_RUN_SIZE, PROMPT_FILE, RUN_FILE, WORKFLOW_FILE, parse_lines,
    read_blob,
};
use crate::platform::git::{EntryKind, ObjectBatch, ObjectId, Repository, Result, TreeEntry, tree};
use crate::runs::{run_data, runs_ref};

/// The tree that holds the runs of both.
pub(crate) fn merge_trees(
    repository: &Repository,
    ours: ObjectId,
    theirs: ObjectId,
    batch: &mut ObjectBatch,
) -> Result<ObjectId> {
    let forgotten = |root| runs_ref::read_forgotten_ids(repository, Some(root));
    let mut gone = forgotten(ours)?;
    gone.extend(forgotten(theirs)?);
    let merging = RunTreeMerge { repository, forgotten: gone };
    let merged = merging.merge_folders(Some(ours), Some(theirs), batch)?;
    Ok(merged.unwrap_or_else(|| batch.add_tree(&[])))
}

struct RunTreeMerge<'r> {
    repository: &'r Repository,
    forgotten: BTreeSet<String>,
}

impl RunTreeMerge<'_> {
    fn merge_folders(
        &self,
        ours: Option<ObjectId>,
        theirs: Option<ObjectId>,
        batch: &mut ObjectBatch,
    ) -> Result<Option<ObjectId>> {
        if self.forgotten.is_empty() && (ours == theirs || ours.is_none() || theirs.is_none()) {
            return Ok(ours.or(theirs));
        }
        let read = |id: Option<ObjectId>| {
            id.map_or(Ok(Vec::new()), |id| tree::read_tree(self.repository, id))
        };
        let (our_entries, their_entries) = (read(ours)?, read(theirs)?);
        let is_run = |entries: &[TreeEntry]| entries.iter().any(|e| e.name == RUN_FILE.as_bytes());
        if is_run(&our_entries) || is_run(&their_entries) {
            return match (ours, theirs) {
                (Some(ours), Some(theirs)) if ours != theirs => {
                    self.merge_run(our_entries, their_entries, batch).map(Some)
                }
                _ => Ok(ours.or(theirs)),
            };
        }
        let mut names: BTreeMap<Vec<u8>, [Option<TreeEntry>; 2]> = BTreeMap::new();
        for (side, entries) in [(0, our_entries), (1, their_entries)] {
            for entry in entries {
                let sides = names.entry(entry.name.clone()).or_default();
                sides[side] = Some(entry);
            }
        }
        let mut merged = Vec::new();
        for (name, sides) in names {
            if !std::str::from_utf8(&name).is_ok_and(|name| self.forgotten.contains(name)) {
                merged.extend(self.merge_entry(name, sides, batch)?);
            }
        }
        Ok(if merged.is_empty() { None } else { Some(batch.add_tree(&merged)) })
    }

    fn merge_entry(
        &self,
        name: Vec<u8>,
        sides: [Option<TreeEntry>; 2],
        batch: &mut ObjectBatch,
    ) -> Result<Option<TreeEntry>> {
        let kind = EntryKind::Tree;
        let folder = |side: &Option<TreeEntry>| {
            side.as_ref().filter(|entry| entry.kind == kind).map(|entry| entry.id)
        };
        let folders = (folder(&sides[0]), folder(&sides[1]));
        if folders.0.is_some() || folders.1.is_some() {
            let id = self.merge_folders(folders.0, folders.1, batch)?;
            return Ok(id.map(|id| TreeEntry { kind, name, id }));
        }
        let [ours, theirs] = sides;
        if name == FORGOTTEN_FILE.as_bytes() {
            let mut all = BTreeSet::new();
            for entry in [&ours, &theirs].into_iter().flatten() {
                all.extend(parse_lines(&read_blob(self.repository, entry.id, MAX_LIST_SIZE)?));
            }
            let text: String = all.iter().map(|id| format!("{id}\n")).collect();
            let id = batch.add_blob(text.into_bytes());
            return Ok(Some(TreeEntry { kind: EntryKind::File, name, id }));
        }
        // A file that nobody here knows; one by an order that both clones agree on.
        Ok(ours.into_iter().chain(theirs).max_by_key(|entry| entry.id))
    }

    /// Both folders of one run.
    fn merge_run(
        &self,
        ours: Vec<TreeEntry>,
        theirs: Vec<TreeEntry>,
        batch: &mut ObjectBatch,
    ) -> Result<ObjectId> {
        let mut files: BTreeMap<Vec<u8>, TreeEntry> = BTreeMap::new();
        let mut texts = Vec::new();
        for entry in ours.into_iter().chain(theirs) {
            if entry.name == RUN_FILE.as_bytes() {
                texts.push(read_blob(self.repository, entry.id, MAX_RUN_SIZE)?);
                continue;
            }
            match files.get(&entry.name) {
                Some(known) if known.id >= entry.id => {}
                _ => drop(files.insert(entry.name.clone(), entry)),
            }
        }
        let text =
            texts.into_iter().reduce(|a, b| run_data::join_run_texts(&a, &b)).unwrap_or_default();
        if run_data::parse_run(&text).is_ok_and(|run| run.redacted.is_some()) {
            files.remove(PROMPT_FILE.as_bytes());
            files.remove(WORKFLOW_FILE.as_bytes());
        }
        let run =
            TreeEntry { kind: EntryKind::File, name: RUN_FILE.into(), id: batch.add_blob(text) };
        let entries: Vec<TreeEntry> = files.into_values().chain([run]).collect();
        Ok(batch.add_tree(&entries))
    }
}
