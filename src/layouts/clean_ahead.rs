//! The files that git probably sends next, cleaned on another core while it stores the one
//! before: it adds the files of a folder in the order of their names, and waits for each.
//!
//! A guess that was wrong costs time of that core and nothing else: a result counts only for
//! the very bytes it was made from. Must not know where layouts are kept.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use comfy_graph::clean;
use comfy_graph::clean::{CleanStart, ClockStamp, LayoutMode};

use super::layout_note::LayoutEntry;
use crate::platform::git::{ObjectFormat, ObjectId, ObjectKind, RepoPath};

/// A longer file is cleaned when git sends it: two of them at a time would take more memory
/// than the filter may have.
const MAX_FILE_SIZE: u64 = 512 << 10;

/// So many files are cleaned ahead: one that git is about to send, and the one after it.
const MAX_FILES_AHEAD: usize = 2;

/// A file that was cleaned ahead.
#[derive(Debug)]
pub(crate) struct CleanedAhead {
    /// What was in the file.
    bytes: Vec<u8>,
    mode: LayoutMode,
    pub(crate) outcome: AheadOutcome,
}

/// What came of it: [`CleanStart`], with the layout worked out.
#[derive(Debug)]
pub(crate) enum AheadOutcome {
    Untouched(Option<String>),
    Clean,
    Split(SplitAhead),
}

/// The parts of a workflow.
#[derive(Debug)]
pub(crate) struct SplitAhead {
    pub(crate) content: Vec<u8>,
    pub(crate) layout: LayoutAhead,
}

/// A layout that was worked out ahead.
#[derive(Debug)]
pub(crate) struct LayoutAhead {
    /// The clean content it belongs to.
    pub(crate) blob: ObjectId,
    /// One line of JSON.
    pub(crate) line: String,
    /// The same as it is kept of a file of which nothing was known before, and the moment at
    /// which its places count as moved then.
    pub(crate) stamped: Option<(ClockStamp, LayoutEntry)>,
}

/// Cleans files ahead of git's requests.
#[derive(Debug)]
pub(crate) struct CleanAhead {
    top: PathBuf,
    format: ObjectFormat,
    listing: Option<JsonFileNames>,
    last_request: Option<RepoPath>,
    worker: Option<CleanWorker>,
    /// What the worker was given and git is expected to send, in that order.
    expected: VecDeque<RepoPath>,
    /// So many results come first that nobody waits for any more.
    unwanted: usize,
}

#[derive(Debug)]
struct CleanWorker {
    queue: Sender<CleanTask>,
    done: Receiver<Option<CleanedAhead>>,
}

#[derive(Debug)]
struct CleanTask {
    file: PathBuf,
    mode: LayoutMode,
    moment: Option<ClockStamp>,
}

/// The JSON files of a folder, in git's order.
#[derive(Debug)]
struct JsonFileNames {
    /// With the slash that ends it; empty for the top.
    folder: Vec<u8>,
    names: Vec<Vec<u8>>,
}

impl CleanAhead {
    /// For a work tree; nothing is looked at before two files were asked for in order.
    pub(crate) fn new(top: &Path, format: ObjectFormat) -> CleanAhead {
        CleanAhead {
            top: top.to_owned(),
            format,
            listing: None,
            last_request: None,
            worker: None,
            expected: VecDeque::new(),
            unwanted: 0,
        }
    }

    /// The file that git is expected to send next.
    pub(crate) fn expected(&self) -> Option<&RepoPath> {
        self.expected.front()
    }

    /// The clean of a file, where it was made ahead from these very bytes.
    pub(crate) fn take(
        &mut self,
        path: &RepoPath,
        bytes: &[u8],
        mode: LayoutMode,
    ) -> Option<AheadOutcome> {
        if self.expected.front() != Some(path) {
            self.unwanted += self.expected.len();
            self.expected.clear();
            return None;
        }
        self.expected.pop_front();
        let worker = self.worker.as_ref()?;
        while self.unwanted > 0 {
            worker.done.recv().ok()?;
            self.unwanted -= 1;
        }
        let cleaned = worker.done.recv().ok()??;
        (cleaned.mode == mode && cleaned.bytes == bytes).then_some(cleaned.outcome)
    }

    /// Begins with what git sends after a file, where it has come in order so far. `tick` gives
    /// the moments at which new files count as saved.
    pub(crate) fn begin_after(
        &mut self,
        path: &RepoPath,
        mode: LayoutMode,
        tick: &mut dyn FnMut() -> Option<ClockStamp>,
    ) {
        let before = self.last_request.replace(path.clone());
        let is_in_order = before.is_some_and(|before| {
            folder_of(&before) == folder_of(path) && self.next_after(&before).as_ref() == Some(path)
        });
        if !is_in_order {
            return;
        }
        while self.expected.len() < MAX_FILES_AHEAD {
            let last = self.expected.back().unwrap_or(path).clone();
            let Some(next) = self.next_after(&last) else { return };
            let format = self.format;
            let worker = self.worker.get_or_insert_with(|| CleanWorker::start(format));
            let file = self.top.join(next.to_path());
            if worker.queue.send(CleanTask { file, mode, moment: tick() }).is_err() {
                return;
            }
            self.expected.push_back(next);
        }
    }

    fn next_after(&mut self, path: &RepoPath) -> Option<RepoPath> {
        let folder = folder_of(path);
        let listing = match self.listing.take().filter(|listing| listing.folder == folder) {
            Some(listing) => self.listing.insert(listing),
            None => self.listing.insert(JsonFileNames::read(&self.top, folder)),
        };
        listing.next_after(&path.as_bytes()[folder.len()..])
    }
}

/// The folder of a file, with the slash that ends it.
fn folder_of(path: &RepoPath) -> &[u8] {
    let end = memchr::memrchr(b'/', path.as_bytes()).map_or(0, |slash| slash + 1);
    &path.as_bytes()[..end]
}

impl JsonFileNames {
    fn read(top: &Path, folder: &[u8]) -> JsonFileNames {
        let entries = fs::read_dir(top.join(RepoPath::new(folder).to_path()));
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let names = names.map(|name| RepoPath::from_path(Path::new(&name)));
        let mut names: Vec<Vec<u8>> =
            names.filter(RepoPath::is_json).map(|name| name.as_bytes().to_vec()).collect();
        names.sort_unstable();
        JsonFileNames { folder: folder.to_vec(), names }
    }

    fn next_after(&self, name: &[u8]) -> Option<RepoPath> {
        let at = self.names.binary_search_by(|known| known.as_slice().cmp(name)).ok()?;
        Some(RepoPath::new([self.folder.as_slice(), self.names.get(at + 1)?].concat()))
    }
}

impl CleanWorker {
    fn start(format: ObjectFormat) -> CleanWorker {
        let (queue, tasks) = channel::<CleanTask>();
        let (results, done) = channel();
        thread::spawn(move || {
            for task in tasks {
                if results.send(clean_file(&task, format)).is_err() {
                    return;
                }
            }
        });
        CleanWorker { queue, done }
    }
}

fn clean_file(task: &CleanTask, format: ObjectFormat) -> Option<CleanedAhead> {
    let CleanTask { file, mode, moment } = task;
    let metadata = file.symlink_metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_SIZE {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    let outcome = match clean::begin_clean(&bytes, *mode) {
        CleanStart::Untouched(remark) => AheadOutcome::Untouched(remark),
        CleanStart::Clean => AheadOutcome::Clean,
        CleanStart::Split { content, rest } => {
            let blob = format.object_id(ObjectKind::Blob, &content);
            let (line, stamped) = match moment {
                Some(moment) => rest.new_file_lines(*moment),
                None => (rest.layout_line(), None),
            };
            let stamped = stamped.zip(*moment).map(|(stamped, moment)| {
                (moment, LayoutEntry { at: stamped.latest_millis, layout: stamped.line })
            });
            let layout = LayoutAhead { blob, line, stamped };
            AheadOutcome::Split(SplitAhead { content, layout })
        }
    };
    Some(CleanedAhead { bytes, mode: *mode, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKFLOW: &str = r#"{"nodes":[{"id":1,"type":"K","pos":[1,2]}],"links":[],"version":1}"#;

    struct Folder {
        folder: tempfile::TempDir,
        ahead: CleanAhead,
    }

    impl Folder {
        fn new(names: &[&str]) -> Folder {
            let folder = tempfile::tempdir().unwrap();
            for name in names {
                fs::write(folder.path().join(name), WORKFLOW).unwrap();
            }
            let ahead = CleanAhead::new(folder.path(), ObjectFormat::Sha1);
            Folder { folder, ahead }
        }

        /// Whether the file had been cleaned ahead.
        fn request(&mut self, name: &str, bytes: &str) -> bool {
            let (path, mode) = (RepoPath::new(name), LayoutMode::Strip);
            let taken = self.ahead.take(&path, bytes.as_bytes(), mode);
            self.ahead.begin_after(&path, mode, &mut || None);
            taken.is_some()
        }
    }

    #[test]
    fn files_that_come_in_order_are_cleaned_ahead() {
        let mut folder = Folder::new(&["a.json", "b.json", "b.txt", "c.json", "d.json"]);
        let asked = ["a.json", "b.json", "c.json", "d.json"];
        assert_eq!(asked.map(|name| folder.request(name, WORKFLOW)), [false, false, true, true]);
    }

    #[test]
    fn what_was_saved_meanwhile_is_cleaned_anew() {
        let mut folder = Folder::new(&["a.json", "b.json", "c.json", "d.json"]);
        folder.request("a.json", WORKFLOW);
        folder.request("b.json", WORKFLOW);
        let saved = WORKFLOW.replace("[1,2]", "[3,4]");
        fs::write(folder.folder.path().join("c.json"), &saved).unwrap();
        assert!(!folder.request("c.json", &WORKFLOW.replace("[1,2]", "[5,6]")));
        assert!(folder.request("d.json", WORKFLOW));
    }

    #[test]
    fn an_order_that_breaks_off_is_no_longer_followed() {
        let mut folder = Folder::new(&["a.json", "b.json", "c.json", "d.json", "e.json"]);
        let asked = ["a.json", "b.json", "e.json", "a.json", "b.json", "c.json", "x/c.json"];
        let taken = asked.map(|name| folder.request(name, WORKFLOW));
        assert_eq!(taken, [false, false, false, false, false, true, false]);
    }
}
