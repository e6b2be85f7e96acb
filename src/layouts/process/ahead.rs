//! Files that git does not wait for: it hands over one after another (`status=delayed`),
//! they are worked on meanwhile on every core, and git fetches them at the end.
//!
//! What waits in memory is bounded; results beyond that lie in an unlinked file. Must not
//! know the protocol's packets.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, mpsc};
use std::{io, thread};

use rustc_hash::FxHashMap;

use crate::layouts::filter::{Errand, Smudged};
use crate::platform::git::RepoPath;

/// A longer file is answered while git waits: two of them at a time would take more memory
/// than the filter may have.
const LONGEST: usize = 512 << 10;

/// The most bytes of files that are handed over and not worked on yet.
const QUEUED: usize = 4 << 20;

/// The most bytes of results that are kept in memory.
const SHELVED: usize = 8 << 20;

/// The most files that are worked on at a time.
const WORKERS: usize = 4;

/// Whether a second core can work while git goes on.
pub(crate) fn is_worthwhile() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores > NonZero::<usize>::MIN)
}

type Done = (RepoPath, usize, Smudged);

/// What is done with a file, in the thread that talks to git, before git gets it.
pub(crate) type Finish<'f> = dyn FnMut(&RepoPath, Smudged) -> Vec<u8> + 'f;

/// The files that were handed over and not fetched yet.
#[derive(Default)]
pub(crate) struct Ahead {
    desk: Option<Desk>,
    /// How many files are being worked on, and their bytes.
    open: (usize, usize),
    /// The files that are done and not finished.
    worked_on: Vec<Done>,
    results: FxHashMap<RepoPath, Result>,
    shelf: Shelf,
}

/// The threads that work, and the way to and from them.
struct Desk {
    errands: Sender<(RepoPath, Errand)>,
    done: Receiver<Done>,
}

enum Result {
    Memory(Vec<u8>),
    Shelf { at: u64, length: usize },
}

impl Ahead {
    /// Whether a file is one for here.
    pub(crate) fn takes(errand: &Errand) -> bool {
        errand.length() <= LONGEST
    }

    /// Takes a file; waits while too many are being worked on.
    pub(crate) fn take(&mut self, path: RepoPath, errand: Errand) -> io::Result<()> {
        while self.open.1 > QUEUED {
            self.wait()?;
        }
        let length = errand.length();
        let desk = self.desk.get_or_insert_with(Desk::new);
        desk.errands.send((path, errand)).map_err(|_| gone())?;
        self.open = (self.open.0 + 1, self.open.1 + length);
        Ok(())
    }

    /// The files that are done since the last time; waits for one while there are any to
    /// come.
    pub(crate) fn available(&mut self, finish: &mut Finish<'_>) -> io::Result<Vec<RepoPath>> {
        if self.worked_on.is_empty() && self.open.0 > 0 {
            self.wait()?;
        }
        while let Some(done) = self.desk.as_ref().and_then(|desk| desk.done.try_recv().ok()) {
            self.put(done);
        }
        let mut fresh = Vec::new();
        for (path, _, smudged) in std::mem::take(&mut self.worked_on) {
            let result = self.shelf.keep(finish(&path, smudged))?;
            self.results.insert(path.clone(), result);
            fresh.push(path);
        }
        Ok(fresh)
    }

    /// The result for a file that was handed over.
    pub(crate) fn fetch(&mut self, path: &RepoPath) -> io::Result<Option<Vec<u8>>> {
        match self.results.remove(path) {
            None => Ok(None),
            Some(Result::Memory(content)) => {
                self.shelf.in_memory -= content.len();
                Ok(Some(content))
            }
            Some(Result::Shelf { at, length }) => self.shelf.read(at, length).map(Some),
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        let Some(desk) = &self.desk else { return Err(gone()) };
        let done = desk.done.recv().map_err(|_| gone())?;
        self.put(done);
        Ok(())
    }

    fn put(&mut self, done: Done) {
        self.open = (self.open.0 - 1, self.open.1 - done.1);
        self.worked_on.push(done);
    }
}

fn gone() -> io::Error {
    io::Error::other("a thread that filters has ended")
}

impl Desk {
    fn new() -> Desk {
        let (errands, to_do) = mpsc::channel::<(RepoPath, Errand)>();
        let (tell, done) = mpsc::channel();
        let to_do = Arc::new(Mutex::new(to_do));
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..cores.min(WORKERS) {
            let (to_do, tell) = (to_do.clone(), tell.clone());
            thread::spawn(move || {
                loop {
                    let next = to_do.lock().map(|queue| queue.recv());
                    let Ok(Ok((path, errand))) = next else { return };
                    let length = errand.length();
                    if tell.send((path, length, errand.run())).is_err() {
                        return;
                    }
                }
            });
        }
        Desk { errands, done }
    }
}

/// Results on disk, in a file without a name. Its room is used again as soon as all of
/// them are fetched.
#[derive(Default)]
struct Shelf {
    in_memory: usize,
    file: Option<File>,
    end: u64,
    on_disk: usize,
}

impl Shelf {
    fn keep(&mut self, content: Vec<u8>) -> io::Result<Result> {
        let length = content.len();
        if self.in_memory + length <= SHELVED {
            self.in_memory += length;
            return Ok(Result::Memory(content));
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
        Ok(Result::Shelf { at, length })
    }

    fn read(&mut self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.file.as_mut().ok_or_else(gone)?;
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
