//! Completing records: hashing what they wait for, and writing them.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::collect_record::{
    CollectedRecord, HashFailures, has_missing_models, has_unhashed_models, join_note,
    join_replacing_machine,
};
use super::reattach::RecordIndex;
use super::recorder_context::{LocationSettings, MachineState, TimeBudget};
use crate::differences::learn_names;
use crate::error::{CommandError, Result};
use crate::platform::git;
use crate::platform::git::{CommitId, ObjectId, Repository};
use crate::platform::machine::hash::cache::HashCache;
use crate::platform::machine::hash::{
    DigestSelection, HashedFile, SETTLING_TIME, UnfinishedReason,
};
use crate::platform::machine::{hash, models, node_catalog};
use crate::records;
use crate::records::machine_evidence::HashFailure;
use crate::records::record_notes;
use crate::records::recorder_state::{RecorderLock, RecorderProgress, RecorderState};
use crate::session::Session;
use crate::ui::ProgressBar;

/// How often a file that is being written is looked at again.
const MAX_HASH_ATTEMPTS: u32 = 30;

/// Whether files are hashed again whose digests are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DigestTrust {
    /// Digests that are known are used.
    UseCache,
    /// Every file is read again.
    Rehash,
}

/// Records commits, hashing whatever they need. Gives the commits that have a record now.
pub(crate) fn record_commits(
    repository: &Repository,
    machine: &MachineState,
    lock: &RecorderLock,
    commits: &[CommitId],
    trust: DigestTrust,
    bar: Option<&ProgressBar>,
) -> Result<Vec<CommitId>> {
    let mut failures = HashFailures::new();
    let mut read: HashSet<PathBuf> = HashSet::new();
    let mut recorded = Vec::new();
    let mut known: Option<RecordIndex> = None;
    for commit in commits {
        let Some(mut collected) = machine.collect_record(repository, *commit, &failures)? else {
            machine.recorder_state.remove_pending(&commit.to_string());
            continue;
        };
        let mut files = collected.unhashed.clone();
        if trust == DigestTrust::Rehash {
            files.extend(machine.model_files(&collected));
            files.retain(|file| !read.contains(file));
        }
        if !files.is_empty() {
            files.sort();
            files.dedup();
            hash_models(machine, lock, &files, &mut failures, bar);
            read.extend(files);
            collected =
                machine.collect_record(repository, *commit, &failures)?.unwrap_or(collected);
        }
        if has_missing_models(&collected.record, &machine.machine_id) {
            // The same files may have been recorded where the models are: before a
            // cherry-pick, by another clone.
            let known = match &mut known {
                Some(known) => known,
                none => none.insert(RecordIndex::load(repository)?),
            };
            collected.record.join(known.record_for_blobs(&collected.record));
        }
        write_records(repository, machine, &[(*commit, collected)], trust)?;
        recorded.push(*commit);
    }
    Ok(recorded)
}

impl MachineState {
    /// The files behind a record, to be read again.
    fn model_files(&self, collected: &CollectedRecord) -> Vec<PathBuf> {
        let Some(found) = &self.installation else { return Vec::new() };
        let models = collected.record.workflows.iter().flat_map(|workflow| &workflow.models);
        models
            .filter_map(|model| {
                let resolved = models::resolve_model(&found.folders, &model.folder, &model.name);
                match resolved {
                    models::ModelResolution::File { taken, .. } => Some(taken.file),
                    _ => None,
                }
            })
            .collect()
    }
}

/// Writes records and notes which of them are not complete.
pub(crate) fn write_records(
    repository: &Repository,
    machine: &MachineState,
    collected: &[(CommitId, CollectedRecord)],
    trust: DigestTrust,
) -> Result<()> {
    let texts: Vec<(CommitId, Vec<u8>)> = collected
        .iter()
        .map(|(commit, collected)| (*commit, records::print_record(&collected.record).into_bytes()))
        .collect();
    let mut shared: Vec<Vec<u8>> =
        collected.iter().filter_map(|(_, g)| g.package_list.clone()).collect();
    shared.sort();
    shared.dedup();
    match trust {
        DigestTrust::UseCache => {
            record_notes::write_notes(repository, &texts, &shared, &join_note)?
        }
        DigestTrust::Rehash => record_notes::write_notes(
            repository,
            &texts,
            &shared,
            &join_replacing_machine(&machine.machine_id),
        )?,
    };
    for (commit, collected) in collected {
        let name = commit.to_string();
        let record = &collected.record;
        if record.is_pending(&machine.machine_id) {
            machine.recorder_state.add_pending(&name)?;
        } else if has_unhashed_models(record, &machine.machine_id) {
            machine.recorder_state.add_pending(&name)?;
            machine.recorder_state.defer_pending(&name);
        } else {
            machine.recorder_state.remove_pending(&name);
        }
    }
    Ok(())
}

/// The commits whose records are not complete, oldest first. Those that are gone leave the
/// list.
pub(crate) fn pending_commits(
    repository: &Repository,
    recorder_state: &RecorderState,
) -> Result<Vec<CommitId>> {
    let mut pending = Vec::new();
    for name in recorder_state.pending() {
        match ObjectId::from_hex(name.as_bytes()).map(CommitId) {
            Some(commit) if repository.commit(commit)?.is_some() => pending.push(commit),
            _ => recorder_state.remove_pending(&name),
        }
    }
    Ok(pending)
}

/// Completes everything on the list, as the worker does.
pub(crate) fn complete_pending(session: &Session, repository: &Repository) -> Result<()> {
    let recorder_state = RecorderState::new(&repository.state_dir());
    let mut tried: HashSet<String> = HashSet::new();
    // A hook that adds to the list after the last check finds the lock free, and starts a
    // worker of its own.
    while recorder_state.pending().iter().any(|name| !tried.contains(name)) {
        let Some(lock) = try_lock_briefly(&recorder_state)? else { return Ok(()) };
        let settings = LocationSettings::load(session, repository)?;
        let machine = MachineState::detect(session, repository, &settings, TimeBudget::Full);
        machine.fetch_object_info(repository);
        // The newest commit is the one a person looks at.
        for name in recorder_state.pending().into_iter().rev() {
            if !tried.insert(name.clone()) {
                continue;
            }
            let commit = ObjectId::from_hex(name.as_bytes()).map(CommitId);
            let there = match commit {
                Some(commit) => repository.commit(commit).ok().flatten().map(|_| commit),
                None => None,
            };
            match there {
                Some(commit) => {
                    record_commits(
                        repository,
                        &machine,
                        &lock,
                        &[commit],
                        DigestTrust::UseCache,
                        None,
                    )?;
                }
                None => recorder_state.remove_pending(&name),
            }
        }
        learn_names_of_widgets(repository, &machine);
    }
    Ok(())
}

/// Learns from the packs that are installed and from what was committed. Nobody waits for it,
/// and what cannot be read now is read after the next commit.
fn learn_names_of_widgets(repository: &Repository, machine: &MachineState) {
    if let Some(found) = &machine.installation {
        let _ = node_catalog::learn_from_packs(repository, &found.folders.custom_nodes);
    }
    let _ = learn_names::learn_from_history(repository);
}

/// The turn, unless another process keeps it: one that only looks holds it for a moment.
fn try_lock_briefly(recorder_state: &RecorderState) -> Result<Option<RecorderLock>> {
    for _ in 0..3 {
        if let Some(lock) = recorder_state.try_lock()? {
            return Ok(Some(lock));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// The lock of the recorder. A person is told when another process has it first.
pub(crate) fn lock_recorder(
    session: &Session,
    recorder_state: &RecorderState,
) -> Result<RecorderLock> {
    if let Some(lock) = recorder_state.try_lock()? {
        return Ok(lock);
    }
    session.ui.info("another git-comfy is hashing; this one goes on when it is done");
    Ok(recorder_state.lock()?)
}

/// Hashes files and keeps every digest as soon as it is known. A file that is still being
/// written is waited for a while.
pub(crate) fn hash_models(
    machine: &MachineState,
    lock: &RecorderLock,
    files: &[PathBuf],
    failures: &mut HashFailures,
    bar: Option<&ProgressBar>,
) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut left = files.to_vec();
    for attempt in 0..MAX_HASH_ATTEMPTS {
        let progress = HashingProgress::new(machine, lock, &left, bar);
        let results =
            hash::hash_files(&left, DigestSelection::All, cores, &SystemTime::now, &progress);
        let mut again = Vec::new();
        for (file, result) in left.into_iter().zip(results) {
            match result {
                Ok(_) => drop(failures.remove(&file)),
                Err(error) => {
                    let settles = matches!(
                        &error,
                        hash::HashError::Unfinished {
                            why: UnfinishedReason::JustWritten | UnfinishedReason::Changed,
                            ..
                        }
                    );
                    if settles {
                        again.push(file.clone());
                    }
                    failures.insert(file, HashFailure::from_hash_error(&error));
                }
            }
        }
        left = again;
        if left.is_empty() || attempt + 1 == MAX_HASH_ATTEMPTS {
            break;
        }
        std::thread::sleep(SETTLING_TIME + Duration::from_millis(100));
    }
}

/// Watches the hashing: keeps results, tells how far it is.
struct HashingProgress<'a> {
    cache: &'a HashCache,
    recorder_state: &'a RecorderState,
    lock: &'a RecorderLock,
    files: &'a [PathBuf],
    bar: Option<&'a ProgressBar>,
    total: u64,
    bytes_done: AtomicU64,
    files_done: AtomicUsize,
    last_published: Mutex<Instant>,
}

/// How often `recorder.json` is written while files are hashed.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(300);

impl<'a> HashingProgress<'a> {
    fn new(
        machine: &'a MachineState,
        lock: &'a RecorderLock,
        files: &'a [PathBuf],
        bar: Option<&'a ProgressBar>,
    ) -> Self {
        let size = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
        let total = files.iter().map(size).sum();
        if let Some(bar) = bar {
            bar.extend(total);
        }
        let progress = HashingProgress {
            cache: &machine.cache,
            recorder_state: &machine.recorder_state,
            lock,
            files,
            bar,
            total,
            bytes_done: AtomicU64::new(0),
            files_done: AtomicUsize::new(0),
            last_published: Mutex::new(Instant::now()),
        };
        progress.publish();
        progress
    }

    fn publish(&self) {
        let progress = RecorderProgress {
            files_done: self.files_done.load(Ordering::Relaxed),
            files: self.files.len(),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            bytes: self.total,
        };
        self.recorder_state.write_progress(self.lock, &progress);
    }
}

impl hash::HashProgress for HashingProgress<'_> {
    fn bytes_read(&self, _file: usize, bytes: u64) -> ControlFlow<()> {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = self.bar {
            bar.advance(bytes);
        }
        if let Ok(mut last_published) = self.last_published.try_lock()
            && last_published.elapsed() >= PUBLISH_INTERVAL
        {
            *last_published = Instant::now();
            self.publish();
        }
        ControlFlow::Continue(())
    }

    fn finished(&self, file: usize, result: &std::result::Result<HashedFile, hash::HashError>) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
        if let (Some(path), Ok(hashed)) = (self.files.get(file), result) {
            // A digest that cannot be kept is computed again some day.
            let _ = self.cache.insert(path, hashed);
        }
    }
}

/// Commits of the arguments: `HEAD` where there are none, ranges in full, oldest first.
pub(crate) fn resolve_commits(
    repository: &Repository,
    revisions: &[String],
) -> Result<Vec<CommitId>> {
    if revisions.is_empty() {
        return Ok(vec![resolve_commit(repository, "HEAD")?]);
    }
    let mut found = Vec::new();
    for revision in revisions {
        match revision.split_once("..") {
            Some((without, from)) if !from.starts_with('.') => {
                let walk = git::HistoryWalk {
                    from: vec![resolve_commit(repository, range_end(from))?],
                    exclude: vec![resolve_commit(repository, range_end(without))?],
                    order: git::WalkOrder::Oldest,
                };
                for commit in repository.walk_history(&walk)? {
                    found.push(commit?);
                }
            }
            _ => found.push(resolve_commit(repository, revision)?),
        }
    }
    Ok(found)
}

/// As git reads a range, an end without a name is `HEAD`.
fn range_end(text: &str) -> &str {
    if text.is_empty() { "HEAD" } else { text }
}

fn resolve_commit(repository: &Repository, revision: &str) -> Result<CommitId> {
    repository.resolve_commit(revision)?.ok_or_else(|| {
        CommandError::user(format!("{revision:?} names no commit"))
            .with_hint("git log --oneline shows the commits there are")
    })
}
