//! The clock of this clone: never behind what the clone has seen, never the same as
//! another clone's.
//!
//! ```text
//! <clone> <latest> <where the clone lies>
//! ```
//!
//! A clone that was copied as a folder finds that it lies elsewhere, and takes a new name.

use std::path::{Path, PathBuf};

use comfy_graph::clean::{ClockStamp, CloneId};

use super::append_log::damage;
use super::state_files;
use crate::platform::git::{GitError, Repository, Result};
use crate::platform::hex::{crc_to_hex, random_u64};
use crate::platform::time::now_millis;
use crate::platform::write_atomic;

/// The clock, read when it is needed first.
#[derive(Debug)]
pub(crate) struct CloneClock {
    folder: PathBuf,
    read: Option<ClockReading>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ClockReading {
    id: CloneId,
    latest: u64,
    /// What stands in the file.
    written: u64,
}

/// So many milliseconds ahead of its reading the clock is written down: not at every tick.
/// Who is killed leaves it ahead; who ends sets it back to what it read last, or a colleague's
/// move a moment later would count as the earlier one.
const WRITE_AHEAD_MILLISECONDS: u64 = 32;

/// No reading is later: nothing of such a clock is written down.
const NEVER_WRITTEN: u64 = u64::MAX;

impl CloneClock {
    /// The clock of a repository.
    pub(crate) fn open(repository: &Repository) -> CloneClock {
        CloneClock { folder: repository.state_dir(), read: None }
    }

    /// One that is kept nowhere, for what is only shown.
    pub(crate) fn temporary() -> CloneClock {
        let id = new_id();
        let read = ClockReading { id, latest: 0, written: NEVER_WRITTEN };
        CloneClock { folder: PathBuf::new(), read: Some(read) }
    }

    /// What is wrong with a clock that does not say which clone this is.
    pub(crate) fn damage(repository: &Repository) -> Option<GitError> {
        let path = repository.state_dir().join(state_files::CLOCK);
        let text = std::fs::read(&path).ok()?;
        let is_whole = std::str::from_utf8(&text).is_ok_and(|text| parse_clock(text).is_some());
        let what = || damage("it does not say which clone this is");
        (!is_whole).then(|| GitError::file_error("reading", path)(what()))
    }

    /// The next moment, later than everything seen and than `floor`.
    ///
    /// # Errors
    /// The clock cannot be written down: another clone could get the same times.
    pub(crate) fn tick(&mut self, floor: u64) -> Result<ClockStamp> {
        self.load()?;
        let folder = self.folder.clone();
        let Some(read) = &mut self.read else { return Err(unreadable_clock(&folder)) };
        read.latest = now_millis().max(read.latest + 1).max(floor.saturating_add(1));
        if read.latest > read.written {
            read.written = read.latest + WRITE_AHEAD_MILLISECONDS;
            let (id, kept) = (read.id, read.written);
            self.write(id, kept)?;
        }
        let Some(read) = &self.read else { return Err(unreadable_clock(&folder)) };
        Ok(ClockStamp { millis: read.latest, clone_id: read.id })
    }

    /// Which clone this is.
    ///
    /// # Errors
    /// As for [`CloneClock::tick`].
    pub(crate) fn id(&mut self) -> Result<CloneId> {
        self.load()?;
        self.read.as_ref().map(|read| read.id).ok_or_else(|| unreadable_clock(&self.folder))
    }

    fn load(&mut self) -> Result<()> {
        if self.read.is_some() {
            return Ok(());
        }
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        let known =
            parse_clock(&text).filter(|(_, _, place)| *place == folder_fingerprint(&self.folder));
        let (id, latest) = match known {
            Some((id, kept, _)) => (id, kept),
            None => {
                let kept = parse_clock(&text).map_or(0, |(_, kept, _)| kept);
                (new_id(), kept)
            }
        };
        self.read = Some(ClockReading { id, latest, written: latest });
        Ok(())
    }

    /// Writes down no more than was read, unless another process goes on from there by now.
    fn set_back(&self) {
        let Some(read) = &self.read else { return };
        if read.latest >= read.written || read.written == NEVER_WRITTEN {
            return;
        }
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        let is_ours = parse_clock(&text)
            .is_some_and(|(id, written, _)| (id, written) == (read.id, read.written));
        if is_ours {
            // The next process goes on from a later time if this fails.
            let _ = self.write(read.id, read.latest);
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(state_files::CLOCK)
    }

    fn write(&self, id: CloneId, kept: u64) -> Result<()> {
        let path = self.path();
        let failed = || GitError::file_error("writing", path.clone());
        // Its place is part of what is written.
        std::fs::create_dir_all(&self.folder).map_err(failed())?;
        let text = format!("{id} {kept} {}\n", folder_fingerprint(&self.folder));
        write_atomic(&path, text.as_bytes()).map_err(failed())
    }
}

impl Drop for CloneClock {
    fn drop(&mut self) {
        self.set_back();
    }
}

fn new_id() -> CloneId {
    CloneId::from_bits(random_u64())
}

fn unreadable_clock(folder: &Path) -> GitError {
    let source = std::io::Error::other("the clock of this clone");
    GitError::file_error("reading", folder.join(state_files::CLOCK))(source)
}

fn parse_clock(text: &str) -> Option<(CloneId, u64, &str)> {
    let mut words = text.trim_end().splitn(3, ' ');
    Some((CloneId::parse(words.next()?)?, words.next()?.parse().ok()?, words.next()?))
}

/// Tells this folder from a copy of it.
fn folder_fingerprint(folder: &Path) -> String {
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let number = crc32fast::hash(path.as_os_str().as_encoded_bytes());
    format!("{}{}", crc_to_hex(number), inode(folder))
}

#[cfg(unix)]
fn inode(folder: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    folder.metadata().map(|about| format!("-{:x}", about.ino())).unwrap_or_default()
}

#[cfg(not(unix))]
fn inode(folder: &Path) -> String {
    let created = folder.metadata().and_then(|about| about.created()).ok();
    let since = created.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map(|time| format!("-{:x}", time.as_nanos())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(folder: &Path) -> CloneClock {
        CloneClock { folder: folder.to_path_buf(), read: None }
    }

    #[test]
    fn time_never_stands_still_nor_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = clock(folder.path()).tick(0).unwrap();
        for process in 0..3 {
            let mut clock = clock(folder.path());
            for _ in 0..100 {
                let next = clock.tick(0).unwrap();
                assert!(next > last && next.clone_id == last.clone_id, "process {process}");
                last = next;
            }
        }
    }

    #[test]
    fn who_ended_leaves_the_clock_no_further_than_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let first = clock(folder.path()).tick(0).unwrap();
        let mut last = first;
        for _ in 0..20 {
            last = clock(folder.path()).tick(0).unwrap();
        }
        assert!(last.millis <= now_millis().max(first.millis + 20));
    }

    #[test]
    fn who_is_killed_leaves_the_clock_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let mut killed = clock(folder.path());
        let future = now_millis() + 1000;
        let first = killed.tick(future).unwrap();
        let last = killed.tick(0).unwrap();
        std::mem::forget(killed);
        assert!(clock(folder.path()).tick(0).unwrap() > last && last > first);
    }

    #[test]
    fn what_was_seen_is_never_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let future = now_millis() + 400 * 24 * 3600 * 1000;
        let seen = clock(folder.path()).tick(future).unwrap();
        assert!(seen.millis > future);
        assert!(clock(folder.path()).tick(0).unwrap().millis > future);
    }

    #[test]
    fn a_copied_clone_takes_a_new_name() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let mine = clock(&one).tick(0).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::fs::copy(one.join(state_files::CLOCK), other.join(state_files::CLOCK)).unwrap();
        let copied = clock(&other).tick(0).unwrap();
        assert_ne!(copied.clone_id, mine.clone_id);
        assert_eq!(clock(&one).tick(0).unwrap().clone_id, mine.clone_id);
    }
}
