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
use super::machine_state::{LocationSettings, MachineState, TimeBudget};
use super::reattach::RecordIndex;
use crate::error::Result;
use crate::platform::git;
use crate::platform::git::{CommitId, ObjectId, Repository};
use crate::platform::machine::hash::cache::HashCache;
use crate::platform::machine::hash::{
    DigestSelection, HashedFile, SETTLING_TIME, UnfinishedReason,
};
use crate::platform::machine::{hash, models};
use crate::records::machine_view::HashFailure;
use crate::records::record_notes;
use crate::records::recorder_state::{RecorderLock, RecorderProgress as Far, RecorderState};
use crate::session::Session;
use crate::ui::ProgressBar;
use crate::{error, records};

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
    here: &MachineState,
    turn: &RecorderLock,
    commits: &[CommitId],
    trust: DigestTrust,
    bar: Option<&ProgressBar>,
) -> Result<Vec<CommitId>> {
    let mut failures = HashFailures::new();
    let mut read: HashSet<PathBuf> = HashSet::new();
    let mut recorded = Vec::new();
    let mut known: Option<RecordIndex> = None;
    for commit in commits {
        let Some(mut gathered) = here.collect_record(repository, *commit, &failures)? else {
            here.recorder_state.remove_pending(&commit.to_string());
            continue;
        };
        let mut files = gathered.unhashed.clone();
        if trust == DigestTrust::Rehash {
            files.extend(here.model_files(&gathered));
            files.retain(|file| !read.contains(file));
        }
        if !files.is_empty() {
            files.sort();
            files.dedup();
            hash_models(here, turn, &files, &mut failures, bar);
            read.extend(files);
            gathered = here.collect_record(repository, *commit, &failures)?.unwrap_or(gathered);
        }
        if has_missing_models(&gathered.record, &here.machine_id) {
            // The same files may have been recorded where the models are: before a
            // cherry-pick, by another clone.
            let known = match &mut known {
                Some(known) => known,
                none => none.insert(RecordIndex::load(repository)?),
            };
            gathered.record.join(known.record_for_blobs(&gathered.record));
        }
        write_records(repository, here, &[(*commit, gathered)], trust)?;
        recorded.push(*commit);
    }
    Ok(recorded)
}

impl MachineState {
    /// The files behind a record, to be read again.
    fn model_files(&self, gathered: &CollectedRecord) -> Vec<PathBuf> {
        let Some(found) = &self.installation else { return Vec::new() };
        let models = gathered.record.workflows.iter().flat_map(|workflow| &workflow.models);
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
    here: &MachineState,
    gathered: &[(CommitId, CollectedRecord)],
    trust: DigestTrust,
) -> Result<()> {
    let texts: Vec<(CommitId, Vec<u8>)> = gathered
        .iter()
        .map(|(commit, gathered)| (*commit, records::print_record(&gathered.record).into_bytes()))
        .collect();
    let mut shared: Vec<Vec<u8>> =
        gathered.iter().filter_map(|(_, g)| g.package_list.clone()).collect();
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
            &join_replacing_machine(&here.machine_id),
        )?,
    };
    for (commit, gathered) in gathered {
        let name = commit.to_string();
        let record = &gathered.record;
        if record.is_pending(&here.machine_id) {
            here.recorder_state.add_pending(&name)?;
        } else if has_unhashed_models(record, &here.machine_id) {
            here.recorder_state.add_pending(&name)?;
            here.recorder_state.defer_pending(&name);
        } else {
            here.recorder_state.remove_pending(&name);
        }
    }
    Ok(())
}

/// The commits whose records are not complete, oldest first. Those that are gone leave the
/// list.
pub(crate) fn pending_commits(
    repository: &Repository,
    desk: &RecorderState,
) -> Result<Vec<CommitId>> {
    let mut waiting = Vec::new();
    for name in desk.pending() {
        match ObjectId::from_hex(name.as_bytes()).map(CommitId) {
            Some(commit) if repository.commit(commit)?.is_some() => waiting.push(commit),
            _ => desk.remove_pending(&name),
        }
    }
    Ok(waiting)
}

/// Completes everything on the list, as the worker does.
pub(crate) fn complete_pending(session: &Session, repository: &Repository) -> Result<()> {
    let desk = RecorderState::new(&repository.state_dir());
    let mut tried: HashSet<String> = HashSet::new();
    // A hook that adds to the list after the last check finds the lock free, and starts a
    // worker of its own.
    while desk.pending().iter().any(|name| !tried.contains(name)) {
        let Some(turn) = try_lock_briefly(&desk)? else { return Ok(()) };
        let places = LocationSettings::load(session, repository)?;
        let here = MachineState::detect(session, repository, &places, TimeBudget::Full);
        here.fetch_object_info();
        // The newest commit is the one a person looks at.
        for name in desk.pending().into_iter().rev() {
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
                        &here,
                        &turn,
                        &[commit],
                        DigestTrust::UseCache,
                        None,
                    )?;
                }
                None => desk.remove_pending(&name),
            }
        }
    }
    Ok(())
}

/// The turn, unless another process keeps it: one that only looks holds it for a moment.
fn try_lock_briefly(desk: &RecorderState) -> Result<Option<RecorderLock>> {
    for _ in 0..3 {
        if let Some(turn) = desk.try_lock()? {
            return Ok(Some(turn));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// Hashes files and keeps every digest as soon as it is known. A file that is still being
/// written is waited for a while.
pub(crate) fn hash_models(
    here: &MachineState,
    turn: &RecorderLock,
    files: &[PathBuf],
    failures: &mut HashFailures,
    bar: Option<&ProgressBar>,
) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut left = files.to_vec();
    for look in 0..MAX_HASH_ATTEMPTS {
        let watch = HashingProgress::new(here, turn, &left, bar);
        let results =
            hash::hash_files(&left, DigestSelection::All, cores, &SystemTime::now, &watch);
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
        if left.is_empty() || look + 1 == MAX_HASH_ATTEMPTS {
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
        here: &'a MachineState,
        turn: &'a RecorderLock,
        files: &'a [PathBuf],
        bar: Option<&'a ProgressBar>,
    ) -> Self {
        let size = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
        let total = files.iter().map(size).sum();
        if let Some(bar) = bar {
            bar.extend(total);
        }
        let watch = HashingProgress {
            cache: &here.cache,
            recorder_state: &here.recorder_state,
            lock: turn,
            files,
            bar,
            total,
            bytes_done: AtomicU64::new(0),
            files_done: AtomicUsize::new(0),
            last_published: Mutex::new(Instant::now()),
        };
        watch.publish();
        watch
    }

    fn publish(&self) {
        let far = Far {
            files_done: self.files_done.load(Ordering::Relaxed),
            files: self.files.len(),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            bytes: self.total,
        };
        self.recorder_state.write_progress(self.lock, &far);
    }
}

impl hash::HashProgress for HashingProgress<'_> {
    fn bytes_read(&self, _file: usize, bytes: u64) -> ControlFlow<()> {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = self.bar {
            bar.advance(bytes);
        }
        if let Ok(mut told) = self.last_published.try_lock()
            && told.elapsed() >= PUBLISH_INTERVAL
        {
            *told = Instant::now();
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
    let wrong = |revision: &str| {
        error::CommandError::new(format!("{revision:?} names no commit"))
            .with_hint("git log --oneline shows the commits there are")
    };
    let one = |revision: &str| -> Result<CommitId> {
        repository.resolve_commit(revision)?.ok_or_else(|| wrong(revision))
    };
    if revisions.is_empty() {
        return Ok(vec![one("HEAD")?]);
    }
    let mut found = Vec::new();
    for revision in revisions {
        match revision.split_once("..") {
            Some((without, from)) if !from.starts_with('.') => {
                let or_head = |text| if str::is_empty(text) { "HEAD" } else { text };
                let walk = git::HistoryWalk {
                    from: vec![one(or_head(from))?],
                    exclude: vec![one(or_head(without))?],
                    order: git::WalkOrder::Oldest,
                };
                for commit in repository.walk_history(&walk)? {
                    found.push(commit?);
                }
            }
            _ => found.push(one(revision)?),
        }
    }
    Ok(found)
}
