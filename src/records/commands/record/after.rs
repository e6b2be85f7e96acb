//! What is recorded when git calls a hook: at once what is known, the rest by a process of
//! its own, so that no git command waits for a model to be read.

use std::collections::BTreeMap;

use super::finish;
use super::finish::Trust;
use super::gather::{Failures, Gathered, blob_of, is_lacking, join};
use super::here::{Here, Patience, Places};
use crate::error::Result;
use crate::platform::git::changes::Touched;
use crate::platform::git::{CommitId, ObjectId, Repository, changes};
use crate::records;
use crate::records::recorder_state::Desk;
use crate::records::{Record, notes, worker};
use crate::session::Session;

/// A commit of more workflows is recorded by the process that completes records.
const MOST_AT_ONCE: usize = 24;

/// A commit that took the place of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) old: CommitId,
    pub(crate) new: CommitId,
}

/// Whether the recorder met a ComfyUI on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComfyUi {
    /// An installation was found.
    Found,
    /// There is none, or nobody looked.
    Unknown,
}

/// Records the commit that was just made.
pub(crate) fn commit(session: &Session, repository: &Repository) -> Result<ComfyUi> {
    let places = Places::of(session, repository)?;
    let Some(head) = repository.head()?.filter(|_| !places.off) else {
        return Ok(ComfyUi::Unknown);
    };
    // The end of a rebase tells of all the commits it made; not of those that a person
    // makes where it stops.
    let rebases = ["rebase-merge", "rebase-apply"];
    if rebases.iter().any(|name| repository.git_dir().join(name).exists())
        && !changes::last_reason(repository)?.starts_with("commit")
    {
        return Ok(ComfyUi::Unknown);
    }
    if changes::touched_files(repository, head)?.len() > MOST_AT_ONCE {
        Desk::within(&repository.state_dir()).add(&head.to_string())?;
        return Ok(ComfyUi::Unknown);
    }
    let here = Here::look_around(session, repository, &places, Patience::Hook);
    if let Some(gathered) = here.gather(repository, head, &Failures::new())? {
        let lacking = is_lacking(&gathered.record, &here.machine);
        finish::write(repository, &here, &[(head, gathered)], Trust::Cache)?;
        if lacking && is_copy(repository, head)? {
            here.desk.add(&head.to_string())?;
        }
    }
    Ok(if here.installation.is_some() { ComfyUi::Found } else { ComfyUi::Unknown })
}

/// Whether the content of a commit may have been recorded under another one: a pick, a
/// revert, a squashed branch.
fn is_copy(repository: &Repository, commit: CommitId) -> Result<bool> {
    let message = repository.commit(commit)?.map(|commit| commit.message).unwrap_or_default();
    if memchr::memmem::find(&message, b"Squashed commit of the following").is_some()
        || memchr::memmem::find(&message, b"(cherry picked from commit ").is_some()
    {
        return Ok(true);
    }
    let reason = changes::last_reason(repository)?;
    Ok(!reason.starts_with("commit"))
}

/// Records a merge that git made by itself; what a fast-forward brings was recorded by
/// whoever made it.
pub(crate) fn merge(session: &Session, repository: &Repository) -> Result<()> {
    let Some(head) = repository.head()? else { return Ok(()) };
    let parents = repository.commit(head)?.map_or(0, |commit| commit.parents.len());
    if parents > 1 && notes::read(repository, head)?.is_none() {
        commit(session, repository)?;
    }
    Ok(())
}

/// Carries records over to the commits that took the place of others. What no record tells
/// is left to the process that completes them: a rebase may have made a thousand commits.
pub(crate) fn rewrite(
    session: &Session,
    repository: &Repository,
    rewritten: &[Rewritten],
) -> Result<()> {
    if rewritten.is_empty() || Places::of(session, repository)?.off {
        return Ok(());
    }
    let mut olds: BTreeMap<CommitId, Vec<CommitId>> = BTreeMap::new();
    for pair in rewritten {
        olds.entry(pair.new).or_default().push(pair.old);
    }
    let desk = Desk::within(&repository.state_dir());
    let mut written = Vec::new();
    for (new, olds) in olds {
        let touched = changes::touched_files(repository, new)?;
        let mut carried = Record::default();
        for commit in olds.into_iter().chain([new]) {
            if let Some(text) = notes::read(repository, commit)?
                && let Ok(records::Parsed { record: Some(mut record), .. }) = records::parse(&text)
            {
                // First: a fact about a file that is another by now must not join.
                record.retain(|path| changes::blob_at(&touched, path));
                carried.join(record);
            }
        }
        let known = |file: &Touched| {
            let path = file.path.to_string();
            carried.workflows.iter().any(|workflow| workflow.path == path)
        };
        let complete = carried.seen.values().any(records::Seen::is_complete);
        let covered = complete && touched.iter().all(known);
        if !covered && !touched.is_empty() {
            desk.add(&new.to_string())?;
        }
        if !carried.workflows.is_empty() {
            written.push((new, records::print(&carried).into_bytes()));
        }
    }
    notes::write(repository, &written, &[], &join)?;
    Ok(())
}

/// Takes what was recorded before for the same files. What was seen when the commit was
/// first made says more about it than what is seen now (the join prefers it); a fresh look
/// only stands in for what was never recorded.
pub(crate) fn carry(gathered: &mut Gathered, mut before: Record) {
    before.retain(|path| blob_of(&gathered.record, path));
    let covered = gathered
        .record
        .workflows
        .iter()
        .all(|workflow| before.workflows.iter().any(|known| known.path == workflow.path));
    let complete = before.seen.values().any(records::Seen::is_complete);
    if covered && complete {
        gathered.record.seen.clear();
        gathered.waiting.clear();
    }
    gathered.record.join(before);
}

/// The pairs that git tells the post-rewrite hook: `<old> <new>` on each line.
pub(crate) fn rewritten(told: &[u8]) -> Vec<Rewritten> {
    let pair = |line: &[u8]| {
        let mut ids = line.split(|b| *b == b' ').map(ObjectId::from_hex);
        Some(Rewritten { old: CommitId(ids.next()??), new: CommitId(ids.next()??) })
    };
    told.split(|b| *b == b'\n').filter_map(pair).collect()
}

/// The variables that git sets for its hooks. They describe the git command that is under
/// way, so a process that outlives it must not have them.
pub(crate) const OVER_BY_THEN: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
];

/// Starts the process that completes records, if any waits and none runs. It outlives
/// this one and holds nothing of it open.
pub(crate) fn start_worker(session: &Session, repository: &Repository) {
    let desk = Desk::within(&repository.state_dir());
    if desk.pending().is_empty() || desk.progress().is_some() {
        return;
    }
    if let Some(program) = &session.environment.program {
        let place = repository.work_tree().unwrap_or(repository.git_dir());
        // Without it the record is completed by the next one, or by `git comfy record`.
        let _ = worker::start(program, place, &["record", "--finish"], OVER_BY_THEN);
    }
}
