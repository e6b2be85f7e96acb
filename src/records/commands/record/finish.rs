//! Completing records: hashing what they wait for, and writing them.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::gather::{Failures, Gathered, is_lacking, is_unfinished, join, join_anew};
use super::here::{Here, Patience, Places};
use super::reattach::Recorded;
use crate::error::Result;
use crate::platform::git;
use crate::platform::git::{CommitId, ObjectId, Repository};
use crate::platform::machine::hash::cache::HashCache;
use crate::platform::machine::hash::{Hashed, SETTLING, Unfinished, Wanted};
use crate::platform::machine::{hash, models};
use crate::records::look::Failure;
use crate::records::notes;
use crate::records::recorder_state::{Desk, Progress as Far, Turn};
use crate::session::Session;
use crate::ui::Bar;
use crate::{error, records};

/// How often a file that is being written is looked at again.
const LOOKS: u32 = 30;

/// Whether files are hashed again whose digests are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Digests that are known are used.
    Cache,
    /// Every file is read again.
    Nothing,
}

/// Records commits, hashing whatever they need. Gives the commits that have a record now.
pub(crate) fn record(
    repository: &Repository,
    here: &Here,
    turn: &Turn,
    commits: &[CommitId],
    trust: Trust,
    bar: Option<&Bar>,
) -> Result<Vec<CommitId>> {
    let mut failures = Failures::new();
    let mut read: HashSet<PathBuf> = HashSet::new();
    let mut recorded = Vec::new();
    let mut known: Option<Recorded> = None;
    for commit in commits {
        let Some(mut gathered) = here.gather(repository, *commit, &failures)? else {
            here.desk.remove(&commit.to_string());
            continue;
        };
        let mut files = gathered.waiting.clone();
        if trust == Trust::Nothing {
            files.extend(here.files(&gathered));
            files.retain(|file| !read.contains(file));
        }
        if !files.is_empty() {
            files.sort();
            files.dedup();
            hash_all(here, turn, &files, &mut failures, bar);
            read.extend(files);
            gathered = here.gather(repository, *commit, &failures)?.unwrap_or(gathered);
        }
        if is_lacking(&gathered.record, &here.machine) {
            // The same files may have been recorded where the models are: before a
            // cherry-pick, by another clone.
            let known = match &mut known {
                Some(known) => known,
                none => none.insert(Recorded::of(repository)?),
            };
            gathered.record.join(known.about(&gathered.record));
        }
        write(repository, here, &[(*commit, gathered)], trust)?;
        recorded.push(*commit);
    }
    Ok(recorded)
}

impl Here {
    /// The files behind a record, to be read again.
    fn files(&self, gathered: &Gathered) -> Vec<PathBuf> {
        let Some(found) = &self.installation else { return Vec::new() };
        let models = gathered.record.workflows.iter().flat_map(|workflow| &workflow.models);
        models
            .filter_map(|model| {
                let resolved = models::resolve(&found.folders, &model.folder, &model.name);
                match resolved {
                    models::Resolved::File { taken, .. } => Some(taken.file),
                    _ => None,
                }
            })
            .collect()
    }
}

/// Writes records and notes which of them are not complete.
pub(crate) fn write(
    repository: &Repository,
    here: &Here,
    gathered: &[(CommitId, Gathered)],
    trust: Trust,
) -> Result<()> {
    let texts: Vec<(CommitId, Vec<u8>)> = gathered
        .iter()
        .map(|(commit, gathered)| (*commit, records::print(&gathered.record).into_bytes()))
        .collect();
    let mut shared: Vec<Vec<u8>> = gathered.iter().filter_map(|(_, g)| g.shared.clone()).collect();
    shared.sort();
    shared.dedup();
    match trust {
        Trust::Cache => notes::write(repository, &texts, &shared, &join)?,
        Trust::Nothing => notes::write(repository, &texts, &shared, &join_anew(&here.machine))?,
    };
    for (commit, gathered) in gathered {
        let name = commit.to_string();
        let record = &gathered.record;
        if record.is_pending(&here.machine) {
            here.desk.add(&name)?;
        } else if is_unfinished(record, &here.machine) {
            here.desk.add(&name)?;
            here.desk.put_off(&name);
        } else {
            here.desk.remove(&name);
        }
    }
    Ok(())
}

/// The commits whose records are not complete, oldest first. Those that are gone leave the
/// list.
pub(crate) fn waiting(repository: &Repository, desk: &Desk) -> Result<Vec<CommitId>> {
    let mut waiting = Vec::new();
    for name in desk.pending() {
        match ObjectId::from_hex(name.as_bytes()).map(CommitId) {
            Some(commit) if repository.commit(commit)?.is_some() => waiting.push(commit),
            _ => desk.remove(&name),
        }
    }
    Ok(waiting)
}

/// Completes everything on the list, as the worker does.
pub(crate) fn complete(session: &Session, repository: &Repository) -> Result<()> {
    let desk = Desk::within(&repository.state_dir());
    let mut tried: HashSet<String> = HashSet::new();
    // A hook that adds to the list after the last check finds the lock free, and starts a
    // worker of its own.
    while desk.pending().iter().any(|name| !tried.contains(name)) {
        let Some(turn) = turn_soon(&desk)? else { return Ok(()) };
        let places = Places::of(session, repository)?;
        let here = Here::look_around(session, repository, &places, Patience::Whole);
        here.learn();
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
                    record(repository, &here, &turn, &[commit], Trust::Cache, None)?;
                }
                None => desk.remove(&name),
            }
        }
    }
    Ok(())
}

/// The turn, unless another process keeps it: one that only looks holds it for a moment.
fn turn_soon(desk: &Desk) -> Result<Option<Turn>> {
    for _ in 0..3 {
        if let Some(turn) = desk.try_turn()? {
            return Ok(Some(turn));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// Hashes files and keeps every digest as soon as it is known. A file that is still being
/// written is waited for a while.
pub(crate) fn hash_all(
    here: &Here,
    turn: &Turn,
    files: &[PathBuf],
    failures: &mut Failures,
    bar: Option<&Bar>,
) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut left = files.to_vec();
    for look in 0..LOOKS {
        let watch = Watch::new(here, turn, &left, bar);
        let results = hash::hash_files(&left, Wanted::All, cores, &SystemTime::now, &watch);
        let mut again = Vec::new();
        for (file, result) in left.into_iter().zip(results) {
            match result {
                Ok(_) => drop(failures.remove(&file)),
                Err(error) => {
                    let settles = matches!(
                        &error,
                        hash::Error::Unfinished {
                            why: Unfinished::JustWritten | Unfinished::Changed,
                            ..
                        }
                    );
                    if settles {
                        again.push(file.clone());
                    }
                    failures.insert(file, Failure::of(&error));
                }
            }
        }
        left = again;
        if left.is_empty() || look + 1 == LOOKS {
            break;
        }
        std::thread::sleep(SETTLING + Duration::from_millis(100));
    }
}

/// Watches the hashing: keeps results, tells how far it is.
struct Watch<'a> {
    cache: &'a HashCache,
    desk: &'a Desk,
    turn: &'a Turn,
    files: &'a [PathBuf],
    bar: Option<&'a Bar>,
    total: u64,
    bytes: AtomicU64,
    done: AtomicUsize,
    told: Mutex<Instant>,
}

/// How often `recorder.json` is written while files are hashed.
const TELL_EVERY: Duration = Duration::from_millis(300);

impl<'a> Watch<'a> {
    fn new(here: &'a Here, turn: &'a Turn, files: &'a [PathBuf], bar: Option<&'a Bar>) -> Self {
        let size = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
        let total = files.iter().map(size).sum();
        if let Some(bar) = bar {
            bar.extend(total);
        }
        let watch = Watch {
            cache: &here.cache,
            desk: &here.desk,
            turn,
            files,
            bar,
            total,
            bytes: AtomicU64::new(0),
            done: AtomicUsize::new(0),
            told: Mutex::new(Instant::now()),
        };
        watch.tell();
        watch
    }

    fn tell(&self) {
        let far = Far {
            files_done: self.done.load(Ordering::Relaxed),
            files: self.files.len(),
            bytes_done: self.bytes.load(Ordering::Relaxed),
            bytes: self.total,
        };
        self.desk.tell(self.turn, &far);
    }
}

impl hash::Progress for Watch<'_> {
    fn read(&self, _file: usize, bytes: u64) -> ControlFlow<()> {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = self.bar {
            bar.advance(bytes);
        }
        if let Ok(mut told) = self.told.try_lock()
            && told.elapsed() >= TELL_EVERY
        {
            *told = Instant::now();
            self.tell();
        }
        ControlFlow::Continue(())
    }

    fn finished(&self, file: usize, result: &std::result::Result<Hashed, hash::Error>) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if let (Some(path), Ok(hashed)) = (self.files.get(file), result) {
            // A digest that cannot be kept is computed again some day.
            let _ = self.cache.put(path, hashed);
        }
    }
}

/// Commits of the arguments: `HEAD` where there are none, ranges in full, oldest first.
pub(crate) fn commits(repository: &Repository, revisions: &[String]) -> Result<Vec<CommitId>> {
    let wrong = |revision: &str| {
        error::Failure::new(format!("{revision:?} names no commit"))
            .hint("git log --oneline shows the commits there are")
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
                let walk = git::Walk {
                    from: vec![one(or_head(from))?],
                    without: vec![one(or_head(without))?],
                    order: git::Order::Oldest,
                };
                for commit in repository.walk(&walk)? {
                    found.push(commit?);
                }
            }
            _ => found.push(one(revision)?),
        }
    }
    Ok(found)
}
