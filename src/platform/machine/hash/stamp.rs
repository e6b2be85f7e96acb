//! What tells one state of a file from another without reading it.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::platform::files::{modified_nanos, nanos_since_1970};

/// Size, time and identity of a file at one moment. Two equal stamps of one path are
/// taken for the same bytes, as git's index does; the settling time of
/// [`super::SETTLING_TIME`] closes the hole that two writes within one clock tick leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Bytes.
    pub size: u64,
    /// Last modification, nanoseconds since 1970 (negative before).
    pub mtime: i64,
    /// Which file the path led to: the inode, or where there is none the creation time.
    pub inode: u64,
    /// Which file system it lay on; 0 where that is not known.
    #[serde(default)]
    pub device: u64,
}

impl FileStamp {
    /// The stamp of a file whose metadata was just read (links followed).
    pub fn from_metadata(metadata: &Metadata) -> Self {
        let (device, inode) = device_and_inode(metadata);
        let mtime = modified_nanos(metadata);
        FileStamp { size: metadata.len(), mtime, inode, device }
    }

    /// How long before `now` the file was last written; `None` when that lies in the
    /// future by more than a clock's unevenness.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        let age = nanos_since_1970(now).saturating_sub(self.mtime);
        u64::try_from(age).ok().map(Duration::from_nanos)
    }
}

#[cfg(unix)]
fn device_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(windows)]
fn device_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::windows::fs::MetadataExt;
    (0, metadata.creation_time())
}

#[cfg(not(any(unix, windows)))]
fn device_and_inode(_metadata: &Metadata) -> (u64, u64) {
    (0, 0)
}
