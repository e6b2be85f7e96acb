//! Watches a folder: tells which files below it changed, from the system's notifications
//! where it sends any, else by polling.
//!
//! A notification only says where to look; a file is reported once its size and
//! time have not changed for a while. Which files are there at all the caller says
//! ([`FolderWatcher::compare_present`]). Must not know what the files are for, nor git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How long a file must not change before it counts as completely written.
const SETTLE_TIME: Duration = Duration::from_millis(300);
/// A file that keeps changing is reported all the same after this.
const MAX_SETTLE_WAIT: Duration = Duration::from_secs(20);
/// How often files that change are looked at.
const SETTLE_POLL: Duration = Duration::from_millis(60);
/// How often it is checked that the folder was not replaced by another one.
const FOLDER_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often files are looked at where the system should notify, and cannot.
const FALLBACK_POLL: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchMode {
    /// By the system's notifications; where there are none, by polling.
    Notified,
    /// By polling this often: network folders send no notifications.
    Polling(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WatchEvent {
    /// These files changed, came or went, and change no more.
    Files(BTreeSet<PathBuf>),
    /// Anything may have changed: compare all files.
    Rescan,
    FolderGone,
    /// The stop handle was called.
    Stopped,
    /// Nothing happened in the time given.
    Timeout,
}

/// What the notification thread and the stop handle send.
enum WatcherMessage {
    Event(notify::Result<Event>),
    End,
}

/// Size and time of a file; `None` where it is not there.
type WatchStamp = Option<(u64, Option<SystemTime>)>;

fn read_stamp(file: &Path) -> WatchStamp {
    let about = file.symlink_metadata().ok()?;
    Some((about.len(), about.modified().ok()))
}

/// A file that changed and has not settled.
struct UnsettledFile {
    stamp: WatchStamp,
    still_since: Instant,
    first_change: Instant,
}

pub(crate) struct FolderWatcher {
    folder: PathBuf,
    mode: WatchMode,
    wanted: fn(&Path) -> bool,
    messages: Receiver<WatcherMessage>,
    sender: Sender<WatcherMessage>,
    watcher: Option<RecommendedWatcher>,
    identity: Option<FolderIdentity>,
    known: BTreeMap<PathBuf, WatchStamp>,
    unsettled: BTreeMap<PathBuf, UnsettledFile>,
    needs_rescan: bool,
    /// When to look again for files in new folders.
    rescan_at: Option<Instant>,
    last_check: Instant,
}

impl FolderWatcher {
    /// Starts to watch. `wanted` says by its path whether a file counts. The first event is a
    /// rescan.
    pub(crate) fn open(folder: &Path, way: WatchMode, wanted: fn(&Path) -> bool) -> FolderWatcher {
        let (sender, messages) = channel();
        let mut eyes = FolderWatcher {
            folder: folder.to_owned(),
            mode: way,
            wanted,
            messages,
            sender,
            watcher: None,
            identity: None,
            known: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            needs_rescan: false,
            rescan_at: None,
            last_check: Instant::now(),
        };
        eyes.watch_folder();
        eyes
    }

    /// A function that ends the waiting, from another thread.
    pub(crate) fn stop_handle(&self) -> impl Fn() + Send + 'static {
        let sender = self.sender.clone();
        move || drop(sender.send(WatcherMessage::End))
    }

    /// Whether the system sends notifications.
    pub(crate) fn has_notifications(&self) -> bool {
        self.watcher.is_some()
    }

    /// Compares all files that are there with those known so far: what differs is reported
    /// once it has settled.
    pub(crate) fn compare_present(&mut self, present: BTreeSet<PathBuf>) {
        let gone: Vec<PathBuf> =
            self.known.keys().filter(|file| !present.contains(*file)).cloned().collect();
        for file in present.into_iter().chain(gone) {
            let is_known = self.known.get(&file).is_some_and(|known| *known == read_stamp(&file));
            if !is_known && !self.unsettled.contains_key(&file) {
                self.mark_unsettled(file);
            }
        }
    }

    /// Waits for an event, at most so long.
    pub(crate) fn wait_for_event(&mut self, longest: Duration) -> WatchEvent {
        let until = Instant::now() + longest;
        loop {
            if std::mem::take(&mut self.needs_rescan) {
                return WatchEvent::Rescan;
            }
            if self.rescan_at.take_if(|at| *at <= Instant::now()).is_some() {
                return WatchEvent::Rescan;
            }
            let still = self.take_settled();
            if !still.is_empty() {
                return WatchEvent::Files(still);
            }
            let now = Instant::now();
            if now.duration_since(self.last_check) >= self.poll_interval() {
                self.last_check = now;
                match self.check_folder() {
                    Some(seen) => return seen,
                    None => continue,
                }
            }
            if now >= until {
                return WatchEvent::Timeout;
            }
            let beat = if self.unsettled.is_empty() { self.poll_interval() } else { SETTLE_POLL };
            let next =
                (self.last_check + self.poll_interval()).min(until).saturating_duration_since(now);
            match self.messages.recv_timeout(beat.min(next)) {
                Ok(WatcherMessage::End) => return WatchEvent::Stopped,
                Ok(WatcherMessage::Event(event)) => self.handle_notification(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return WatchEvent::Stopped,
            }
        }
    }

    fn poll_interval(&self) -> Duration {
        match self.mode {
            WatchMode::Notified if self.watcher.is_none() && self.identity.is_some() => {
                FALLBACK_POLL
            }
            WatchMode::Notified => FOLDER_CHECK_INTERVAL,
            WatchMode::Polling(every) => every,
        }
    }

    /// Checks that the folder is still there and the same; without notifications a rescan is due.
    fn check_folder(&mut self) -> Option<WatchEvent> {
        let identity = FolderIdentity::read(&self.folder);
        if identity.is_none() {
            let was_there = self.identity.take().is_some();
            self.watcher = None;
            self.unsettled.clear();
            return was_there.then_some(WatchEvent::FolderGone);
        }
        if identity != self.identity {
            self.watch_folder();
            return None;
        }
        (self.watcher.is_none()).then_some(WatchEvent::Rescan)
    }

    /// Watches the folder that is now at the path, which may be another than before.
    fn watch_folder(&mut self) {
        self.watcher = None;
        self.identity = FolderIdentity::read(&self.folder);
        self.needs_rescan = self.identity.is_some();
        if self.mode == WatchMode::Notified && self.identity.is_some() {
            let sender = self.sender.clone();
            let tell = move |event| drop(sender.send(WatcherMessage::Event(event)));
            let watcher = notify::recommended_watcher(tell).and_then(|mut watcher| {
                watcher.watch(&self.folder, RecursiveMode::Recursive)?;
                Ok(watcher)
            });
            self.watcher = watcher.ok();
        }
    }

    fn handle_notification(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            self.needs_rescan = true;
            return;
        };
        if event.need_rescan() {
            self.needs_rescan = true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in event.paths {
            if path == self.folder {
                // It may be another one by now.
                self.last_check =
                    Instant::now().checked_sub(self.poll_interval()).unwrap_or(self.last_check);
            } else if is_below_hidden(&self.folder, &path) {
                continue;
            } else if path.is_dir() {
                if may_have_created(event.kind) {
                    // Files that came with a folder have no events of their own; nor have those
                    // that come before the folder itself is watched, which is after this.
                    self.needs_rescan = true;
                    self.rescan_at = Some(Instant::now() + FOLDER_CHECK_INTERVAL);
                }
            } else if (self.wanted)(&path) {
                self.mark_unsettled(path);
            } else if matches!(event.kind, EventKind::Remove(_)) || is_rename(event.kind) {
                // A folder that is gone can no longer be told from a file.
                self.needs_rescan |= path.extension().is_none();
            }
        }
    }

    fn mark_unsettled(&mut self, file: PathBuf) {
        let (now, stamp) = (Instant::now(), read_stamp(&file));
        let moving = self.unsettled.entry(file).or_insert(UnsettledFile {
            stamp,
            still_since: now,
            first_change: now,
        });
        (moving.stamp, moving.still_since) = (stamp, now);
    }

    /// The settled files, once all that changed have settled: a checkout of many files is
    /// one event.
    fn take_settled(&mut self) -> BTreeSet<PathBuf> {
        let now = Instant::now();
        for (file, moving) in &mut self.unsettled {
            let stamp = read_stamp(file);
            if stamp != moving.stamp {
                (moving.stamp, moving.still_since) = (stamp, now);
            }
        }
        let is_still =
            |moving: &UnsettledFile| now.duration_since(moving.still_since) >= SETTLE_TIME;
        let waited =
            |moving: &UnsettledFile| now.duration_since(moving.first_change) >= MAX_SETTLE_WAIT;
        if !self.unsettled.values().all(is_still) && !self.unsettled.values().any(waited) {
            return BTreeSet::new();
        }
        let (still, rest) = std::mem::take(&mut self.unsettled)
            .into_iter()
            .partition(|(_, moving)| is_still(moving) || waited(moving));
        self.unsettled = rest;
        let still: BTreeMap<PathBuf, UnsettledFile> = still;
        for (file, moving) in &still {
            match moving.stamp {
                None => drop(self.known.remove(file)),
                stamp => drop(self.known.insert(file.clone(), stamp)),
            }
        }
        still.into_keys().collect()
    }
}

fn is_rename(kind: EventKind) -> bool {
    matches!(kind, EventKind::Modify(notify::event::ModifyKind::Name(_)))
}

fn may_have_created(kind: EventKind) -> bool {
    matches!(kind, EventKind::Create(_)) || is_rename(kind) || matches!(kind, EventKind::Any)
}

/// Whether a path leads through something hidden: git's own files, what others keep aside.
fn is_below_hidden(folder: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

/// Tells a folder from another one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FolderIdentity {
    number: u64,
    created: Option<SystemTime>,
}

impl FolderIdentity {
    fn read(folder: &Path) -> Option<FolderIdentity> {
        let about = folder.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some(FolderIdentity { number: number(&about), created: about.created().ok() })
    }
}

#[cfg(unix)]
fn number(about: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    about.ino()
}

#[cfg(not(unix))]
fn number(_about: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn is_json(path: &Path) -> bool {
        path.extension().is_some_and(|e| e == "json")
    }

    fn below(folder: &Path) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => found.extend(below(&path)),
                path => drop(found.insert(path)),
            }
        }
        found
    }

    /// Waits until a file is told of.
    fn until(eyes: &mut FolderWatcher, file: &Path) {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            match eyes.wait_for_event(Duration::from_secs(1)) {
                WatchEvent::Files(files) if files.contains(file) => return,
                WatchEvent::Rescan => eyes.compare_present(below(&eyes.folder)),
                _ => {}
            }
        }
        panic!("{} was not seen", file.display());
    }

    #[test]
    fn files_are_seen_in_new_folders_and_in_a_folder_that_was_made_anew() {
        for way in [WatchMode::Notified, WatchMode::Polling(Duration::from_millis(20))] {
            let world = tempfile::tempdir().unwrap();
            let folder = world.path().canonicalize().unwrap().join("flows");
            fs::create_dir(&folder).unwrap();
            let mut eyes = FolderWatcher::open(&folder, way, is_json);
            assert_eq!(eyes.wait_for_event(Duration::from_secs(9)), WatchEvent::Rescan);
            let file = folder.join("a.json");
            fs::write(&file, "1").unwrap();
            until(&mut eyes, &file);
            fs::create_dir_all(folder.join("deep/er")).unwrap();
            let file = folder.join("deep/er/b.json");
            fs::write(&file, "1").unwrap();
            until(&mut eyes, &file);
            fs::remove_dir_all(&folder).unwrap();
            let end = Instant::now() + Duration::from_secs(60);
            while eyes.wait_for_event(Duration::from_secs(1)) != WatchEvent::FolderGone {
                assert!(Instant::now() < end, "{way:?}");
            }
            assert!(!folder.exists());
            fs::create_dir(&folder).unwrap();
            let file = folder.join("c.json");
            fs::write(&file, "1").unwrap();
            until(&mut eyes, &file);
            let close = eyes.stop_handle();
            close();
            while eyes.wait_for_event(Duration::from_secs(1)) != WatchEvent::Stopped {
                assert!(Instant::now() < end, "{way:?}");
            }
        }
    }

    #[test]
    fn what_is_hidden_or_not_wanted_wakes_nobody() {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().canonicalize().unwrap();
        let mut eyes = FolderWatcher::open(&folder, WatchMode::Notified, is_json);
        assert_eq!(eyes.wait_for_event(Duration::from_secs(9)), WatchEvent::Rescan);
        fs::create_dir(folder.join(".git")).unwrap();
        fs::write(folder.join(".git/x.json"), "1").unwrap();
        fs::write(folder.join(".git-comfy-x.json"), "1").unwrap();
        fs::write(folder.join("a.png"), "1").unwrap();
        let file = folder.join("last.json");
        fs::write(&file, "1").unwrap();
        assert_eq!(
            eyes.wait_for_event(Duration::from_secs(60)),
            WatchEvent::Files(BTreeSet::from([file]))
        );
    }
}
