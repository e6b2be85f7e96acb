//! What is recorded when git calls a hook: at once what is known, the rest by a process of
//! its own, so that no git command waits for a model to be read.

use std::collections::BTreeMap;

use super::collect_record::{
    CollectedRecord, HashFailures, has_missing_models, join_note, recorded_blob,
};
use super::complete_records;
use super::complete_records::DigestTrust;
use super::recorder_context::{LocationSettings, MachineState, TimeBudget};
use crate::error::Result;
use crate::platform::git::changes::TouchedFile;
use crate::platform::git::operation_in_progress::Operation;
use crate::platform::git::{CommitId, ObjectId, Repository, changes};
use crate::platform::machine::detached_process;
use crate::records;
use crate::records::recorder_state::RecorderState;
use crate::records::{CommitRecord, record_notes};
use crate::session::Session;

/// A commit of more workflows is recorded by the process that completes records.
const MAX_HOOK_WORKFLOWS: usize = 24;

/// A commit that took the place of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RewrittenCommit {
    pub(crate) old: CommitId,
    pub(crate) new: CommitId,
}

/// Whether the recorder met a ComfyUI on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComfyUiPresence {
    /// An installation was found.
    Found,
    /// There is none, or nobody looked.
    Unknown,
}

/// Records the commit that was just made.
pub(crate) fn record_after_commit(
    session: &Session,
    repository: &Repository,
) -> Result<ComfyUiPresence> {
    let settings = LocationSettings::load(session, repository)?;
    let Some(head) = repository.head()?.filter(|_| !settings.recording_off) else {
        return Ok(ComfyUiPresence::Unknown);
    };
    // The end of a rebase tells of all the commits it made; not of those that a person
    // makes where it stops.
    if Operation::Rebase.is_in_progress(repository)
        && !repository.last_reflog_message()?.starts_with("commit")
    {
        return Ok(ComfyUiPresence::Unknown);
    }
    if changes::touched_files(repository, head)?.len() > MAX_HOOK_WORKFLOWS {
        RecorderState::new(&repository.state_dir()).add_pending(&head.to_string())?;
        return Ok(ComfyUiPresence::Unknown);
    }
    let machine = MachineState::detect(session, repository, &settings, TimeBudget::Hook);
    if let Some(collected) = machine.collect_record(repository, head, &HashFailures::new())? {
        let lacking = has_missing_models(&collected.record, &machine.machine_id);
        complete_records::write_records(
            repository,
            &machine,
            &[(head, collected)],
            DigestTrust::UseCache,
        )?;
        if lacking && may_be_copied_commit(repository, head)? {
            machine.recorder_state.add_pending(&head.to_string())?;
        }
    }
    Ok(if machine.installation.is_some() {
        ComfyUiPresence::Found
    } else {
        ComfyUiPresence::Unknown
    })
}

/// Whether the content of a commit may have been recorded under another one: a pick, a
/// revert, a squashed branch.
fn may_be_copied_commit(repository: &Repository, commit: CommitId) -> Result<bool> {
    let message = repository.commit(commit)?.map(|commit| commit.message).unwrap_or_default();
    if memchr::memmem::find(&message, b"Squashed commit of the following").is_some()
        || memchr::memmem::find(&message, b"(cherry picked from commit ").is_some()
    {
        return Ok(true);
    }
    let reason = repository.last_reflog_message()?;
    Ok(!reason.starts_with("commit"))
}

/// Records a merge that git made by itself; what a fast-forward brings was recorded by
/// whoever made it.
pub(crate) fn record_after_merge(session: &Session, repository: &Repository) -> Result<()> {
    let Some(head) = repository.head()? else { return Ok(()) };
    let parents = repository.commit(head)?.map_or(0, |commit| commit.parents.len());
    if parents > 1 && record_notes::read_note(repository, head)?.is_none() {
        record_after_commit(session, repository)?;
    }
    Ok(())
}

/// Carries records over to the commits that took the place of others. What no record tells
/// is left to the process that completes them: a rebase may have made a thousand commits.
pub(crate) fn carry_to_rewritten(
    session: &Session,
    repository: &Repository,
    rewritten: &[RewrittenCommit],
) -> Result<()> {
    if rewritten.is_empty() || LocationSettings::load(session, repository)?.recording_off {
        return Ok(());
    }
    let mut olds: BTreeMap<CommitId, Vec<CommitId>> = BTreeMap::new();
    for pair in rewritten {
        olds.entry(pair.new).or_default().push(pair.old);
    }
    let recorder_state = RecorderState::new(&repository.state_dir());
    let mut written = Vec::new();
    for (new, olds) in olds {
        let touched = changes::touched_files(repository, new)?;
        let mut carried = CommitRecord::default();
        for commit in olds.into_iter().chain([new]) {
            if let Some(text) = record_notes::read_note(repository, commit)?
                && let Ok(records::ParsedNote { record: Some(mut record), .. }) =
                    records::parse_note(&text)
            {
                // First: a fact about a file that is another by now must not join.
                record.retain(|path| changes::blob_at(&touched, path));
                carried.join(record);
            }
        }
        let known = |file: &TouchedFile| {
            let path = file.path.to_string();
            carried.workflows.iter().any(|workflow| workflow.path == path)
        };
        let complete = carried.seen.values().any(records::MachineObservation::is_complete);
        let covered = complete && touched.iter().all(known);
        if !covered && !touched.is_empty() {
            recorder_state.add_pending(&new.to_string())?;
        }
        if !carried.workflows.is_empty() {
            written.push((new, records::print_record(&carried).into_bytes()));
        }
    }
    record_notes::write_notes(repository, &written, &[], &join_note)?;
    Ok(())
}

/// Takes what was recorded before for the same files. What was seen when the commit was
/// first made says more about it than what is seen now (the join prefers it); a fresh look
/// only stands in for what was never recorded.
pub(crate) fn merge_earlier_record(collected: &mut CollectedRecord, mut before: CommitRecord) {
    before.retain(|path| recorded_blob(&collected.record, path));
    let covered = collected
        .record
        .workflows
        .iter()
        .all(|workflow| before.workflows.iter().any(|known| known.path == workflow.path));
    let complete = before.seen.values().any(records::MachineObservation::is_complete);
    if covered && complete {
        collected.record.seen.clear();
        collected.unhashed.clear();
    }
    collected.record.join(before);
}

/// The pairs that git tells the post-rewrite hook: `<old> <new>` on each line.
pub(crate) fn parse_rewritten_commits(input: &[u8]) -> Vec<RewrittenCommit> {
    let pair = |line: &[u8]| {
        let mut ids = line.split(|b| *b == b' ').map(ObjectId::from_hex);
        Some(RewrittenCommit { old: CommitId(ids.next()??), new: CommitId(ids.next()??) })
    };
    input.split(|b| *b == b'\n').filter_map(pair).collect()
}

/// The variables that git sets for its hooks. They describe the git command that is under
/// way, so a process that outlives it must not have them.
pub(crate) const GIT_HOOK_VARIABLES: &[&str] = &[
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
pub(crate) fn start_record_worker(session: &Session, repository: &Repository) {
    let recorder_state = RecorderState::new(&repository.state_dir());
    if recorder_state.pending().is_empty() || recorder_state.progress().is_some() {
        return;
    }
    if let Some(program) = &session.environment.program {
        let place = repository.work_tree().unwrap_or(repository.git_dir());
        // Without it the record is completed by the next one, or by `git comfy record`.
        let _ = detached_process::spawn_detached(
            program,
            place,
            &["record", "--finish"],
            GIT_HOOK_VARIABLES,
        );
    }
}
