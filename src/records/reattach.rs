//! Finding records again after history was rewritten by something that tells no hook
//! (`git filter-branch`, `git filter-repo`, a forge's squash button).
//!
//! A record is about files: whatever entry of any record names a blob is true of every
//! commit that has this blob, under whatever path. So every commit that touches workflows
//! gets the entries of its blobs, and only what was never recorded is looked at anew.

use std::collections::BTreeMap;

use super::collect_record::HashFailures;
use super::complete_records;
use super::complete_records::DigestTrust;
use super::hook_recording::merge_earlier_record;
use super::recorder_context::MachineState;
use crate::error::Result;
use crate::platform::git;
use crate::platform::git::{CommitId, HistoryWalk, Repository, WalkOrder};
use crate::records;
use crate::records::{CommitRecord, WorkflowUse, record_notes};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReattachCounts {
    /// Commits whose record was right.
    pub(crate) unchanged: usize,
    /// Commits that got a record, or a right one.
    pub(crate) repaired: usize,
}

/// How many records are written in one step.
const BATCH_SIZE: usize = 200;

/// Repairs the records of every commit that a branch, a tag or `HEAD` leads to.
pub(crate) fn reattach_records(
    repository: &Repository,
    machine: &MachineState,
) -> Result<ReattachCounts> {
    let recorded = RecordIndex::load(repository)?;
    let mut done = ReattachCounts::default();
    let mut written = Vec::new();
    for commit in reachable_commits(repository)? {
        let Some(mut collected) =
            machine.collect_record(repository, commit, &HashFailures::new())?
        else {
            continue;
        };
        if recorded
            .by_commit
            .get(&commit)
            .is_some_and(|record| is_up_to_date(record, &collected.record))
        {
            done.unchanged += 1;
            continue;
        }
        let before = recorded.record_for_blobs(&collected.record);
        merge_earlier_record(&mut collected, before);
        written.push((commit, collected));
        done.repaired += 1;
        if written.len() == BATCH_SIZE {
            complete_records::write_records(repository, machine, &written, DigestTrust::UseCache)?;
            written.clear();
        }
    }
    if !written.is_empty() {
        complete_records::write_records(repository, machine, &written, DigestTrust::UseCache)?;
    }
    Ok(done)
}

/// The commits that a branch, a tag or `HEAD` leads to, oldest first.
pub(crate) fn reachable_commits(repository: &Repository) -> Result<Vec<CommitId>> {
    let mut from: Vec<CommitId> = repository.head()?.into_iter().collect();
    for prefix in ["refs/heads/", "refs/tags/"] {
        for (name, _) in repository.references(prefix)? {
            from.extend(repository.resolve_commit(name.as_str())?);
        }
    }
    from.sort();
    from.dedup();
    let walk = HistoryWalk { from, exclude: Vec::new(), order: WalkOrder::Oldest };
    let commits: git::Result<Vec<CommitId>> = repository.walk_history(&walk)?.collect();
    Ok(commits?)
}

/// Whether a record is about exactly the files the commit touches, and someone looked.
fn is_up_to_date(record: &CommitRecord, wanted: &CommitRecord) -> bool {
    let files = |record: &CommitRecord| -> Vec<(String, String)> {
        record.workflows.iter().map(|w| (w.path.clone(), w.blob.clone())).collect()
    };
    files(record) == files(wanted) && !record.seen.is_empty()
}

/// All records of a repository, by the files they are about.
pub(crate) struct RecordIndex {
    by_blob: BTreeMap<String, Vec<(CommitId, WorkflowUse)>>,
    by_commit: BTreeMap<CommitId, CommitRecord>,
}

impl RecordIndex {
    /// Reads the records of all commits.
    pub(crate) fn load(repository: &Repository) -> Result<RecordIndex> {
        let mut recorded = RecordIndex { by_blob: BTreeMap::new(), by_commit: BTreeMap::new() };
        record_notes::visit_notes(repository, &mut |commit, text| {
            if let Ok(records::ParsedNote { record: Some(record), .. }) = records::parse_note(text)
            {
                for workflow in &record.workflows {
                    let known = recorded.by_blob.entry(workflow.blob.clone()).or_default();
                    known.push((commit, workflow.clone()));
                }
                recorded.by_commit.insert(commit, record);
            }
        })?;
        Ok(recorded)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CommitId, &CommitRecord)> {
        self.by_commit.iter()
    }

    /// Everything recorded anywhere about the blobs of a record, under its own paths.
    pub(crate) fn record_for_blobs(&self, wanted: &CommitRecord) -> CommitRecord {
        let mut found = CommitRecord::default();
        for workflow in &wanted.workflows {
            for (commit, known) in self.by_blob.get(&workflow.blob).into_iter().flatten() {
                let Some(record) = self.by_commit.get(commit) else { continue };
                let mut part = record.clone();
                part.workflows = vec![WorkflowUse { path: workflow.path.clone(), ..known.clone() }];
                let (path, blob) = (workflow.path.as_str(), workflow.blob.clone());
                part.retain(|at| (at == path).then(|| blob.clone()));
                found.join(part);
            }
        }
        found
    }
}
