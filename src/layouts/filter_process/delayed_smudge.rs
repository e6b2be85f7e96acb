//! Files that git does not wait for: it hands over one after another (`status=delayed`),
//! they are worked on meanwhile on every core, and git fetches them at the end.
//!
//! What waits in memory is bounded; results beyond that lie in an unlinked file. Must not
//! know the protocol's packets.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::{io, thread};

use rustc_hash::FxHashMap;

use crate::layouts::filter::{PendingSmudge, SmudgedFile, may_be_graph};
use crate::platform::git::RepoPath;

/// A longer file is answered while git waits: two of them at a time would take more memory
/// than the filter may have.
const MAX_DELAYED_SIZE: usize = 512 << 10;

/// The most bytes of files that are handed over and not worked on yet.
const MAX_QUEUED_BYTES: usize = 4 << 20;

/// The most bytes of results that are kept in memory.
const MAX_MEMORY_BYTES: usize = 8 << 20;

/// The most files that are worked on at a time.
const MAX_WORKERS: usize = 4;

/// Whether a second core can work while git goes on.
pub(crate) fn has_spare_core() -> bool {
    core_count() > 1
}

/// Asked once: the answer is read from several files.
fn core_count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

/// A file that a worker is done with.
struct CompletedSmudge {
    path: RepoPath,
    /// How long its content was.
    length: usize,
    smudged: SmudgedFile,
}

/// What is done with a file, in the thread that talks to git, before git gets it.
pub(crate) type FinishSmudge<'f> = dyn FnMut(&RepoPath, SmudgedFile) -> Vec<u8> + 'f;

/// The files that were handed over and not fetched yet.
#[derive(Default)]
pub(crate) struct DelayedSmudges {
    workers: Option<SmudgeWorkers>,
    /// How many files are being worked on.
    open_files: usize,
    /// The bytes of those files.
    open_bytes: usize,
    /// The files that are done and not finished.
    completed: Vec<CompletedSmudge>,
    /// The files that are finished, and that git has not been told of.
    finished: Vec<RepoPath>,
    results: FxHashMap<RepoPath, SmudgeResult>,
    storage: ResultStorage,
}

/// The threads that work, and the way to and from them.
struct SmudgeWorkers {
    queue: Sender<(RepoPath, PendingSmudge)>,
    done: Receiver<CompletedSmudge>,
}

enum SmudgeResult {
    Memory(Vec<u8>),
    Disk { at: u64, length: usize },
}

impl DelayedSmudges {
    /// Whether a file is one for here.
    pub(crate) fn accepts(content: &[u8]) -> bool {
        content.len() <= MAX_DELAYED_SIZE && may_be_graph(content)
    }

    /// Takes a file; waits while too many are being worked on.
    pub(crate) fn submit(&mut self, path: RepoPath, pending: PendingSmudge) -> io::Result<()> {
        while self.open_bytes > MAX_QUEUED_BYTES {
            self.wait_for_one()?;
        }
        let length = pending.length();
        let workers = self.workers.get_or_insert_with(SmudgeWorkers::new);
        workers.queue.send((path, pending)).map_err(|_| worker_gone())?;
        self.open_files += 1;
        self.open_bytes += length;
        Ok(())
    }

    /// The files that are done since the last time; waits for one while there are any to
    /// come.
    pub(crate) fn available(&mut self, finish: &mut FinishSmudge<'_>) -> io::Result<Vec<RepoPath>> {
        if self.finished.is_empty() && self.completed.is_empty() && self.open_files > 0 {
            self.wait_for_one()?;
        }
        self.finish_completed(finish)?;
        Ok(std::mem::take(&mut self.finished))
    }

    /// Takes a file that needs no work.
    pub(crate) fn add_result(&mut self, path: RepoPath, content: Vec<u8>) -> io::Result<()> {
        let result = self.storage.store(content)?;
        self.results.insert(path.clone(), result);
        self.finished.push(path);
        Ok(())
    }

    /// Finishes the files that are done by now.
    fn finish_completed(&mut self, finish: &mut FinishSmudge<'_>) -> io::Result<()> {
        while let Some(done) =
            self.workers.as_ref().and_then(|workers| workers.done.try_recv().ok())
        {
            self.add_completed(done);
        }
        for CompletedSmudge { path, smudged, .. } in std::mem::take(&mut self.completed) {
            let content = finish(&path, smudged);
            self.add_result(path, content)?;
        }
        Ok(())
    }

    /// The result for a file that was handed over.
    pub(crate) fn take_result(&mut self, path: &RepoPath) -> io::Result<Option<Vec<u8>>> {
        match self.results.remove(path) {
            None => Ok(None),
            Some(SmudgeResult::Memory(content)) => {
                self.storage.in_memory -= content.len();
                Ok(Some(content))
            }
            Some(SmudgeResult::Disk { at, length }) => self.storage.read(at, length).map(Some),
        }
    }

    fn wait_for_one(&mut self) -> io::Result<()> {
        let Some(workers) = &self.workers else { return Err(worker_gone()) };
        let done = workers.done.recv().map_err(|_| worker_gone())?;
        self.add_completed(done);
        Ok(())
    }

    fn add_completed(&mut self, done: CompletedSmudge) {
        self.open_files -= 1;
        self.open_bytes -= done.length;
        self.completed.push(done);
    }
}

fn worker_gone() -> io::Error {
    io::Error::other("a thread that filters has ended")
}

impl SmudgeWorkers {
    fn new() -> SmudgeWorkers {
        let (queue, to_do) = mpsc::channel::<(RepoPath, PendingSmudge)>();
        let (tell, done) = mpsc::channel();
        let to_do = Arc::new(Mutex::new(to_do));
        for _ in 0..core_count().min(MAX_WORKERS) {
            let (to_do, tell) = (to_do.clone(), tell.clone());
            thread::spawn(move || {
                loop {
                    let next = to_do.lock().map(|queue| queue.recv());
                    let Ok(Ok((path, pending))) = next else { return };
                    let length = pending.length();
                    let smudged = pending.run();
                    if tell.send(CompletedSmudge { path, length, smudged }).is_err() {
                        return;
                    }
                }
            });
        }
        SmudgeWorkers { queue, done }
    }
}

/// Results on disk, in a file without a name. Its room is used again as soon as all of
/// them are fetched.
#[derive(Default)]
struct ResultStorage {
    in_memory: usize,
    file: Option<File>,
    end: u64,
    on_disk: usize,
}

impl ResultStorage {
    fn store(&mut self, content: Vec<u8>) -> io::Result<SmudgeResult> {
        let length = content.len();
        if self.in_memory + length <= MAX_MEMORY_BYTES {
            self.in_memory += length;
            return Ok(SmudgeResult::Memory(content));
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let at = self.end;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&content)?;
        self.end += length as u64;
        self.on_disk += 1;
        Ok(SmudgeResult::Disk { at, length })
    }

    fn read(&mut self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.file.as_mut().ok_or_else(worker_gone)?;
        let mut content = vec![0; length];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut content)?;
        self.on_disk -= 1;
        if self.on_disk == 0 {
            self.end = 0;
        }
        Ok(content)
    }
}
