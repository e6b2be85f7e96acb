//! Watches a folder: tells which files below it changed, from the system's notifications
//! where it sends any, else by polling.
//!
//! A notification only says where to look; a file is reported once its size and
//! time have not changed for a while. Which files are there at all the caller says
//! ([`Eyes::compare`]). Must not know what the files are for, nor git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How long a file must not change before it counts as completely written.
const STILL: Duration = Duration::from_millis(300);
/// A file that keeps changing is reported all the same after this.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How often files that change are looked at.
const BEAT: Duration = Duration::from_millis(60);
/// How often it is checked that the folder was not replaced by another one.
const ROUND: Duration = Duration::from_secs(1);
/// How often files are looked at where the system should notify, and cannot.
const SUBSTITUTE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By the system's notifications; where there are none, by polling.
    Told,
    /// By polling this often: network folders send no notifications.
    Looking(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// These files changed, came or went, and change no more.
    Files(BTreeSet<PathBuf>),
    /// Anything may have changed: compare all files.
    Everything,
    Gone,
    /// The stop handle was called.
    End,
    /// Nothing happened in the time given.
    Nothing,
}

/// What the notification thread and the stop handle send.
enum Message {
    Event(notify::Result<Event>),
    End,
}

/// Size and time of a file; `None` where it is not there.
type Stamp = Option<(u64, Option<SystemTime>)>;

fn stamp(file: &Path) -> Stamp {
    let about = file.symlink_metadata().ok()?;
    Some((about.len(), about.modified().ok()))
}

/// A file that changed and has not settled.
struct Moving {
    stamp: Stamp,
    still_since: Instant,
    first: Instant,
}

pub struct Eyes {
    folder: PathBuf,
    way: Way,
    wanted: fn(&Path) -> bool,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    watcher: Option<RecommendedWatcher>,
    identity: Option<Identity>,
    known: BTreeMap<PathBuf, Stamp>,
    moving: BTreeMap<PathBuf, Moving>,
    everything: bool,
    checked: Instant,
}

impl Eyes {
    /// Starts to watch. `wanted` says by its path whether a file counts. The first event is a
    /// rescan.
    pub fn open(folder: &Path, way: Way, wanted: fn(&Path) -> bool) -> Eyes {
        let (sender, messages) = channel();
        let mut eyes = Eyes {
            folder: folder.to_owned(),
            way,
            wanted,
            messages,
            sender,
            watcher: None,
            identity: None,
            known: BTreeMap::new(),
            moving: BTreeMap::new(),
            everything: false,
            checked: Instant::now(),
        };
        eyes.attach();
        eyes
    }

    /// A function that ends the waiting, from another thread.
    pub fn closer(&self) -> impl Fn() + Send + 'static {
        let sender = self.sender.clone();
        move || drop(sender.send(Message::End))
    }

    /// Whether the system sends notifications.
    pub fn is_told(&self) -> bool {
        self.watcher.is_some()
    }

    /// Compares all files that are there with those known so far: what differs is reported
    /// once it has settled.
    pub fn compare(&mut self, present: BTreeSet<PathBuf>) {
        let gone: Vec<PathBuf> =
            self.known.keys().filter(|file| !present.contains(*file)).cloned().collect();
        for file in present.into_iter().chain(gone) {
            let is_known = self.known.get(&file).is_some_and(|known| *known == stamp(&file));
            if !is_known && !self.moving.contains_key(&file) {
                self.notice(file);
            }
        }
    }

    /// Waits for an event, at most so long.
    pub fn wait(&mut self, longest: Duration) -> Seen {
        let until = Instant::now() + longest;
        loop {
            if std::mem::take(&mut self.everything) {
                return Seen::Everything;
            }
            let still = self.still();
            if !still.is_empty() {
                return Seen::Files(still);
            }
            let now = Instant::now();
            if now.duration_since(self.checked) >= self.round() {
                self.checked = now;
                match self.check() {
                    Some(seen) => return seen,
                    None => continue,
                }
            }
            if now >= until {
                return Seen::Nothing;
            }
            let beat = if self.moving.is_empty() { self.round() } else { BEAT };
            let next = (self.checked + self.round()).min(until).saturating_duration_since(now);
            match self.messages.recv_timeout(beat.min(next)) {
                Ok(Message::End) => return Seen::End,
                Ok(Message::Event(event)) => self.take_in(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Seen::End,
            }
        }
    }

    fn round(&self) -> Duration {
        match self.way {
            Way::Told if self.watcher.is_none() && self.identity.is_some() => SUBSTITUTE,
            Way::Told => ROUND,
            Way::Looking(every) => every,
        }
    }

    /// Checks that the folder is still there and the same; without notifications a rescan is due.
    fn check(&mut self) -> Option<Seen> {
        let identity = Identity::of(&self.folder);
        if identity.is_none() {
            let was_there = self.identity.take().is_some();
            self.watcher = None;
            self.moving.clear();
            return was_there.then_some(Seen::Gone);
        }
        if identity != self.identity {
            self.attach();
            return None;
        }
        (self.watcher.is_none()).then_some(Seen::Everything)
    }

    /// Watches the folder that is now at the path, which may be another than before.
    fn attach(&mut self) {
        self.watcher = None;
        self.identity = Identity::of(&self.folder);
        self.everything = self.identity.is_some();
        if self.way == Way::Told && self.identity.is_some() {
            let sender = self.sender.clone();
            let tell = move |event| drop(sender.send(Message::Event(event)));
            let watcher = notify::recommended_watcher(tell).and_then(|mut watcher| {
                watcher.watch(&self.folder, RecursiveMode::Recursive)?;
                Ok(watcher)
            });
            self.watcher = watcher.ok();
        }
    }

    fn take_in(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            self.everything = true;
            return;
        };
        if event.need_rescan() {
            self.everything = true;
        }
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in event.paths {
            if path == self.folder {
                // It may be another one by now.
                self.checked = Instant::now().checked_sub(self.round()).unwrap_or(self.checked);
            } else if is_hidden(&self.folder, &path) {
                continue;
            } else if path.is_dir() {
                // Files that came with a folder have no events of their own.
                self.everything |= may_have_come(event.kind);
            } else if (self.wanted)(&path) {
                self.notice(path);
            } else if matches!(event.kind, EventKind::Remove(_)) || is_rename(event.kind) {
                // A folder that is gone can no longer be told from a file.
                self.everything |= path.extension().is_none();
            }
        }
    }

    fn notice(&mut self, file: PathBuf) {
        let (now, stamp) = (Instant::now(), stamp(&file));
        let moving =
            self.moving.entry(file).or_insert(Moving { stamp, still_since: now, first: now });
        (moving.stamp, moving.still_since) = (stamp, now);
    }

    /// The settled files, once all that changed have settled: a checkout of many files is
    /// one event.
    fn still(&mut self) -> BTreeSet<PathBuf> {
        let now = Instant::now();
        for (file, moving) in &mut self.moving {
            let stamp = stamp(file);
            if stamp != moving.stamp {
                (moving.stamp, moving.still_since) = (stamp, now);
            }
        }
        let is_still = |moving: &Moving| now.duration_since(moving.still_since) >= STILL;
        let waited = |moving: &Moving| now.duration_since(moving.first) >= LONGEST_WAIT;
        if !self.moving.values().all(is_still) && !self.moving.values().any(waited) {
            return BTreeSet::new();
        }
        let (still, rest) = std::mem::take(&mut self.moving)
            .into_iter()
            .partition(|(_, moving)| is_still(moving) || waited(moving));
        self.moving = rest;
        let still: BTreeMap<PathBuf, Moving> = still;
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

fn may_have_come(kind: EventKind) -> bool {
    matches!(kind, EventKind::Create(_)) || is_rename(kind) || matches!(kind, EventKind::Any)
}

/// Whether a path leads through something hidden: git's own files, what others keep aside.
fn is_hidden(folder: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

/// Tells a folder from another one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    number: u64,
    created: Option<SystemTime>,
}

impl Identity {
    fn of(folder: &Path) -> Option<Identity> {
        let about = folder.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some(Identity { number: number(&about), created: about.created().ok() })
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
    fn until(eyes: &mut Eyes, file: &Path) {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            match eyes.wait(Duration::from_secs(1)) {
                Seen::Files(files) if files.contains(file) => return,
                Seen::Everything => eyes.compare(below(&eyes.folder)),
                _ => {}
            }
        }
        panic!("{} was not seen", file.display());
    }

    #[test]
    fn files_are_seen_in_new_folders_and_in_a_folder_that_was_made_anew() {
        for way in [Way::Told, Way::Looking(Duration::from_millis(20))] {
            let world = tempfile::tempdir().unwrap();
            let folder = world.path().canonicalize().unwrap().join("flows");
            fs::create_dir(&folder).unwrap();
            let mut eyes = Eyes::open(&folder, way, is_json);
            assert_eq!(eyes.wait(Duration::from_secs(9)), Seen::Everything);
            let file = folder.join("a.json");
            fs::write(&file, "1").unwrap();
            until(&mut eyes, &file);
            fs::create_dir_all(folder.join("deep/er")).unwrap();
            let file = folder.join("deep/er/b.json");
            fs::write(&file, "1").unwrap();
            until(&mut eyes, &file);
            fs::remove_dir_all(&folder).unwrap();
            let end = Instant::now() + Duration::from_secs(60);
            while eyes.wait(Duration::from_secs(1)) != Seen::Gone {
                assert!(Instant::now() < end, "{way:?}");
            }
            assert!(!folder.exists());
            fs::create_dir(&folder).unwrap();
            let file = folder.join("c.json");
            fs::write(&file, "1").unwrap();
            until(&mut eyes, &file);
            let close = eyes.closer();
            close();
            while eyes.wait(Duration::from_secs(1)) != Seen::End {
                assert!(Instant::now() < end, "{way:?}");
            }
        }
    }

    #[test]
    fn what_is_hidden_or_not_wanted_wakes_nobody() {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().canonicalize().unwrap();
        let mut eyes = Eyes::open(&folder, Way::Told, is_json);
        assert_eq!(eyes.wait(Duration::from_secs(9)), Seen::Everything);
        fs::create_dir(folder.join(".git")).unwrap();
        fs::write(folder.join(".git/x.json"), "1").unwrap();
        fs::write(folder.join(".git-comfy-x.json"), "1").unwrap();
        fs::write(folder.join("a.png"), "1").unwrap();
        let file = folder.join("last.json");
        fs::write(&file, "1").unwrap();
        assert_eq!(eyes.wait(Duration::from_secs(60)), Seen::Files(BTreeSet::from([file])));
    }
}
