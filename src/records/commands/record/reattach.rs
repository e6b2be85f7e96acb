//! Finding records again after history was rewritten by something that tells no hook
//! (`git filter-branch`, `git filter-repo`, a forge's squash button).
//!
//! A record is about files: whatever entry of any record names a blob is true of every
//! commit that has this blob, under whatever path. So every commit that touches workflows
//! gets the entries of its blobs, and only what was never recorded is looked at anew.

use std::collections::BTreeMap;

use super::after::carry;
use super::finish;
use super::finish::Trust;
use super::gather::Failures;
use super::here::Here;
use crate::error::Result;
use crate::platform::git;
use crate::platform::git::{CommitId, Order, Repository, Walk};
use crate::records;
use crate::records::{Record, WorkflowUse, notes};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Repaired {
    /// Commits whose record was right.
    pub(crate) fine: usize,
    /// Commits that got a record, or a right one.
    pub(crate) repaired: usize,
}

/// How many records are written in one step.
const AT_ONCE: usize = 200;

/// Repairs the records of every commit that a branch, a tag or `HEAD` leads to.
pub(crate) fn reattach(repository: &Repository, here: &Here) -> Result<Repaired> {
    let recorded = Recorded::of(repository)?;
    let mut done = Repaired::default();
    let mut written = Vec::new();
    for commit in reachable(repository)? {
        let Some(mut gathered) = here.gather(repository, commit, &Failures::new())? else {
            continue;
        };
        if recorded.all.get(&commit).is_some_and(|record| is_right(record, &gathered.record)) {
            done.fine += 1;
            continue;
        }
        let before = recorded.about(&gathered.record);
        carry(&mut gathered, before);
        written.push((commit, gathered));
        done.repaired += 1;
        if written.len() == AT_ONCE {
            finish::write(repository, here, &written, Trust::Cache)?;
            written.clear();
        }
    }
    if !written.is_empty() {
        finish::write(repository, here, &written, Trust::Cache)?;
    }
    Ok(done)
}

/// The commits that a branch, a tag or `HEAD` leads to, oldest first.
pub(crate) fn reachable(repository: &Repository) -> Result<Vec<CommitId>> {
    let mut from: Vec<CommitId> = repository.head()?.into_iter().collect();
    for prefix in ["refs/heads/", "refs/tags/"] {
        for (name, _) in repository.references(prefix)? {
            from.extend(repository.resolve_commit(name.as_str())?);
        }
    }
    from.sort();
    from.dedup();
    let walk = Walk { from, without: Vec::new(), order: Order::Oldest };
    let commits: git::Result<Vec<CommitId>> = repository.walk(&walk)?.collect();
    Ok(commits?)
}

/// Whether a record is about exactly the files the commit touches, and someone looked.
fn is_right(record: &Record, wanted: &Record) -> bool {
    let files = |record: &Record| -> Vec<(String, String)> {
        record.workflows.iter().map(|w| (w.path.clone(), w.blob.clone())).collect()
    };
    files(record) == files(wanted) && !record.seen.is_empty()
}

/// All records of a repository, by the files they are about.
pub(crate) struct Recorded {
    by_blob: BTreeMap<String, Vec<(CommitId, WorkflowUse)>>,
    all: BTreeMap<CommitId, Record>,
}

impl Recorded {
    /// Reads the records of all commits.
    pub(crate) fn of(repository: &Repository) -> Result<Recorded> {
        let mut recorded = Recorded { by_blob: BTreeMap::new(), all: BTreeMap::new() };
        notes::visit(repository, &mut |commit, text| {
            if let Ok(records::Parsed { record: Some(record), .. }) = records::parse(text) {
                for workflow in &record.workflows {
                    let known = recorded.by_blob.entry(workflow.blob.clone()).or_default();
                    known.push((commit, workflow.clone()));
                }
                recorded.all.insert(commit, record);
            }
        })?;
        Ok(recorded)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&CommitId, &Record)> {
        self.all.iter()
    }

    /// Everything recorded anywhere about the blobs of a record, under its own paths.
    pub(crate) fn about(&self, wanted: &Record) -> Record {
        let mut found = Record::default();
        for workflow in &wanted.workflows {
            for (commit, known) in self.by_blob.get(&workflow.blob).into_iter().flatten() {
                let Some(record) = self.all.get(commit) else { continue };
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
