//! A file of layouts that only grows, written by any number of git processes at once.
//!
//! Each record begins with a NUL byte, which can stand nowhere else (not in a path, not in
//! JSON), so that a reader finds its way again after a record that was cut off:
//!
//! ```text
//! NUL L <at> <blob> <bytes of path> <bytes of layout> <crc of layout> <crc of the rest> LF
//!     <path> <layout> LF
//! ```
//!
//! A letter says what kind of record it is. `G` opens a file and names it, so that a reader
//! sees that it was replaced. One record is one write at the end of the file; a lock file
//! keeps writers out (shared among themselves) while somebody compacts. Must not know what
//! the records mean.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::layouts;
use crate::platform::git;
use crate::platform::git::{GitError, ObjectId, RepoPath, Result};

/// One file, and how far it was read.
#[derive(Debug)]
pub(crate) struct AppendLog {
    folder: PathBuf,
    name: &'static str,
    file: Option<LogFileId>,
    read_to: u64,
    is_shut: bool,
}

/// Names one file: what stands in its first record.
type LogFileId = [u8; FILE_ID];

const FILE_ID: usize = 16;

/// Where a layout lies in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayoutExtent {
    pub(crate) at: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) crc: u32,
    pub(crate) record: u64,
}

/// A record without its layout.
#[derive(Debug)]
pub(crate) struct RecordHeader {
    pub(crate) kind: u8,
    pub(crate) end: u64,
    pub(crate) blob: ObjectId,
    pub(crate) path: RepoPath,
    pub(crate) extent: LayoutExtent,
}

/// What a reader learns.
#[derive(Debug)]
pub(crate) enum LogEvent {
    /// The file is another one: what was known is no more.
    Replaced,
    /// A record.
    Record(RecordHeader),
    /// So many bytes that are no record.
    Damage(u64),
}

/// The longest first line of a record.
const MAX_LINE: u64 = 256;

/// A path is never longer; a line that says so is not one of ours.
const MAX_PATH: u64 = 1 << 16;

impl AppendLog {
    /// A log in a folder, which need not exist yet.
    pub(crate) fn new(folder: impl Into<PathBuf>, name: &'static str) -> AppendLog {
        AppendLog { folder: folder.into(), name, file: None, read_to: 0, is_shut: false }
    }

    /// One that is not looked into.
    pub(crate) fn shut(name: &'static str) -> AppendLog {
        AppendLog { is_shut: true, ..AppendLog::new(PathBuf::new(), name) }
    }

    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Its length, as far as it was read.
    pub(crate) fn read_to(&self) -> u64 {
        self.read_to
    }

    /// Reads what was written since the last time; gives the open file, if there is one.
    pub(crate) fn read_new(&mut self, tell: &mut dyn FnMut(LogEvent)) -> Result<Option<File>> {
        if self.is_shut {
            return Ok(None);
        }
        let path = self.path();
        let failed = || GitError::file_error("reading", path.clone());
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.reset();
                tell(LogEvent::Replaced);
                return Ok(None);
            }
            Err(error) => return Err(failed()(error)),
        };
        let length = file.metadata().map_err(failed())?.len();
        let mut head = [0; 4 + FILE_ID];
        match file.read_exact(&mut head) {
            Ok(()) if head.starts_with(b"\0G ") && head.ends_with(b"\n") => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(failed()(error));
            }
            _ if length == 0 => return Err(failed()(damage("it is empty"))),
            _ => return Err(failed()(damage("its beginning is damaged"))),
        }
        let name: LogFileId = head[3..3 + FILE_ID].try_into().unwrap_or_default();
        if self.file != Some(name) || length < self.read_to {
            tell(LogEvent::Replaced);
            self.file = Some(name);
            self.read_to = head.len() as u64;
        }
        if length > self.read_to {
            let mut reader = BufReader::with_capacity(1 << 16, file);
            self.scan(&mut reader, length, tell).map_err(failed())?;
            file = reader.into_inner();
        }
        Ok(Some(file))
    }

    /// What is wrong with the file, and that does not keep it from being used: parts of it are
    /// no whole records.
    pub(crate) fn damage(&mut self) -> Result<Option<GitError>> {
        let mut lost = self.lost()?;
        if lost > 0 {
            // Somebody may have been writing just then.
            let lock = self.lock(LockKind::Exclusive, Duration::from_millis(100))?;
            lost = if lock.is_some() { self.lost()? } else { 0 };
        }
        let what = || damage(format!("{lost} bytes of it are damaged or were cut off"));
        Ok((lost > 0).then(|| GitError::file_error("reading", self.path())(what())))
    }

    /// How many bytes are no whole records.
    fn lost(&mut self) -> Result<u64> {
        self.reset();
        let (mut lost, mut extents) = (0, Vec::new());
        let file = self.read_new(&mut |news| match news {
            LogEvent::Damage(bytes) => lost += bytes,
            LogEvent::Record(head) => extents.push(head.extent),
            LogEvent::Replaced => {}
        });
        let read_to = self.read_to;
        self.reset();
        let Some(mut file) = file? else { return Ok(0) };
        let length = file.metadata().map_err(GitError::file_error("reading", self.path()))?.len();
        let unread = extents.iter().filter(|extent| kept_layout(&mut file, extent).is_none());
        Ok(lost + length.saturating_sub(read_to) + unread.map(|extent| extent.length).sum::<u64>())
    }

    /// Puts the file aside under another name, and goes on with the records in it that are
    /// whole. Gives how many there are.
    pub(crate) fn set_aside(&mut self, aside: &Path) -> Result<usize> {
        let _lock = self.lock(LockKind::Exclusive, LOCK_TIMEOUT)?;
        std::fs::rename(self.path(), aside)
            .map_err(GitError::file_error("renaming", self.path()))?;
        let failed = || GitError::file_error("reading", aside);
        let mut file = File::open(aside).map_err(failed())?;
        let length = file.metadata().map_err(failed())?.len();
        let mut heads = Vec::new();
        self.reset();
        let mut reader = BufReader::new(file.try_clone().map_err(failed())?);
        let mut collect = |news| {
            if let LogEvent::Record(head) = news {
                heads.push(head);
            }
        };
        let scanned = self.scan(&mut reader, length, &mut collect);
        self.reset();
        scanned.map_err(failed())?;
        let whole = |RecordHeader { kind, blob, path, extent, .. }: RecordHeader| {
            let layout = kept_layout(&mut file, &extent)?;
            Some(format_record(kind, extent.at, blob, &path, layout.as_bytes(), extent.crc))
        };
        let records: Vec<_> = heads.into_iter().filter_map(whole).collect();
        if !records.is_empty() {
            self.replace(records.iter().cloned())?;
        }
        Ok(records.len())
    }

    /// Reads everything again the next time.
    pub(crate) fn reset(&mut self) {
        self.file = None;
        self.read_to = 0;
    }

    fn scan(
        &mut self,
        reader: &mut BufReader<File>,
        length: u64,
        tell: &mut dyn FnMut(LogEvent),
    ) -> io::Result<()> {
        let mut at = self.read_to;
        reader.seek(SeekFrom::Start(at))?;
        while at < length {
            match read_record(reader, at, length)? {
                Some(head) => {
                    at = head.end;
                    tell(LogEvent::Record(head));
                }
                // Cut off, or still being written: the next record begins at a NUL.
                None => match find_nul(reader, at + 1)? {
                    Some(next) => {
                        tell(LogEvent::Damage(next - at));
                        at = next;
                        reader.seek(SeekFrom::Start(at))?;
                    }
                    None => break,
                },
            }
        }
        self.read_to = at;
        Ok(())
    }

    /// Adds whole records.
    pub(crate) fn append(&self, records: &[u8]) -> Result<()> {
        let path = self.path();
        let failed = || GitError::file_error("writing", path.clone());
        std::fs::create_dir_all(&self.folder).map_err(failed())?;
        let _lock = self.lock(LockKind::Shared, LOCK_TIMEOUT)?;
        if !path.exists() {
            self.create().map_err(failed())?;
        }
        let mut file = OpenOptions::new().append(true).open(&path).map_err(failed())?;
        // One write: another process's record goes before it or after it, not into it.
        file.write_all(records).map_err(failed())
    }

    /// Makes a new file, if there is none.
    fn create(&self) -> io::Result<()> {
        match new_log_file(&self.folder, |_| Ok(()))?.persist_noclobber(self.path()) {
            Ok(_) => Ok(()),
            // Another process was faster.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    }

    /// Puts a file with these records in the place of this one; without any, there is none.
    /// The lock must be held.
    pub(crate) fn replace(&self, records: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        let failed = || GitError::file_error("writing", self.path());
        let mut records = records.peekable();
        if records.peek().is_none() {
            return std::fs::remove_file(self.path()).map_err(failed());
        }
        let written = new_log_file(&self.folder, |fresh| {
            records.try_for_each(|record| fresh.write_all(&record))
        });
        let fresh = written.map_err(failed())?;
        fresh.as_file().sync_data().map_err(failed())?;
        fresh.persist(self.path()).map(drop).map_err(|error| failed()(error.error))
    }

    /// Takes the lock; `None` when somebody else keeps it, or where the file system has no
    /// locks.
    pub(crate) fn lock(&self, kind: LockKind, patience: Duration) -> Result<Option<File>> {
        let path = self.folder.join(format!("{}.lock", self.name));
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(GitError::file_error("opening", path))?;
        let until = Instant::now() + patience;
        loop {
            let locked = match kind {
                LockKind::Shared => file.try_lock_shared(),
                LockKind::Exclusive => file.try_lock(),
            };
            match locked {
                Ok(()) => return Ok(Some(file)),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Whoever compacts is done in a moment; a process that was stopped in the middle of it
/// must not stop everybody else for good.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    Shared,
    Exclusive,
}

/// A file beside the log's, with a name of its own in its first record.
fn new_log_file(
    folder: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile> {
    let file = layouts::new_temporary_file(folder)?;
    let seed = format!("{:?} {} {}", file.path(), std::process::id(), git::now_millis());
    let sum = u64::from(crc32fast::hash(seed.as_bytes()));
    let name = format!("{:08x}{:08x}", sum, git::now_millis() as u32);
    let mut writer = io::BufWriter::new(file);
    writer.write_all(format!("\0G {name}\n").as_bytes())?;
    fill(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Writes a record.
pub(crate) fn format_record(
    kind: u8,
    at: u64,
    blob: ObjectId,
    path: &RepoPath,
    layout: &[u8],
    crc: u32,
) -> Vec<u8> {
    let path = path.as_bytes();
    let head = format!("{} {at} {blob} {} {} {crc:08x}", kind as char, path.len(), layout.len());
    let sum = header_checksum(head.as_bytes(), path);
    let mut bytes = Vec::with_capacity(head.len() + path.len() + layout.len() + 16);
    bytes.push(0);
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(format!(" {sum:08x}\n").as_bytes());
    bytes.extend_from_slice(path);
    bytes.extend_from_slice(layout);
    bytes.push(b'\n');
    bytes
}

fn header_checksum(head: &[u8], path: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(path);
    sum.finalize()
}

/// Reads a record, skipping its layout; `None` where none begins or it is not whole.
fn read_record(
    reader: &mut BufReader<File>,
    start: u64,
    file: u64,
) -> io::Result<Option<RecordHeader>> {
    let mut line = Vec::new();
    reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.first() != Some(&0) || line.last() != Some(&b'\n') {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line[1..line.len() - 1]).into_owned();
    let Some(parsed) = parse_header(&text) else { return Ok(None) };
    let (kind, at, blob, path_length, length, crc, sum) = parsed;
    if path_length > MAX_PATH {
        return Ok(None);
    }
    let end = start + line.len() as u64 + path_length + length + 1;
    if end > file {
        return Ok(None);
    }
    let mut path = vec![0; path_length as usize];
    reader.read_exact(&mut path)?;
    let head = &text.as_bytes()[..text.len() - 9];
    if header_checksum(head, &path) != sum {
        return Ok(None);
    }
    // A record that was cut off in the middle has others within its length.
    reader.seek_relative(length as i64)?;
    let mut last = [0];
    reader.read_exact(&mut last)?;
    let next = reader.fill_buf()?.first().copied();
    if last != [b'\n'] || (end < file && next != Some(0)) {
        return Ok(None);
    }
    let path = RepoPath::new(path);
    let extent = LayoutExtent { at, offset: end - 1 - length, length, crc, record: start };
    Ok(Some(RecordHeader { kind, end, blob, path, extent }))
}

fn parse_header(text: &str) -> Option<(u8, u64, ObjectId, u64, u64, u32, u32)> {
    let mut words = text.split(' ');
    let kind = match words.next()? {
        "L" => b'L',
        "S" => b'S',
        "W" => b'W',
        "B" => b'B',
        "R" => b'R',
        "A" => b'A',
        _ => return None,
    };
    let at = words.next()?.parse().ok()?;
    let blob = ObjectId::from_hex(words.next()?.as_bytes())?;
    let path = words.next()?.parse().ok()?;
    let length = words.next()?.parse().ok().filter(|length| *length < u64::from(u32::MAX))?;
    let crc = u32::from_str_radix(words.next()?, 16).ok()?;
    let sum = u32::from_str_radix(words.next()?, 16).ok()?;
    words.next().is_none().then_some((kind, at, blob, path, length, crc, sum))
}

/// The place of the first NUL at or after `from`.
fn find_nul(reader: &mut BufReader<File>, from: u64) -> io::Result<Option<u64>> {
    reader.seek(SeekFrom::Start(from))?;
    let mut at = from;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(None);
        }
        if let Some(found) = memchr::memchr(0, chunk) {
            return Ok(Some(at + found as u64));
        }
        let length = chunk.len();
        at += length as u64;
        reader.consume(length);
    }
}

/// The layout of a record; empty for one that has none.
fn kept_layout(file: &mut File, extent: &LayoutExtent) -> Option<String> {
    if extent.length == 0 { Some(String::new()) } else { read_layout(file, extent) }
}

/// What is said of a file that does not hold what it should.
pub(crate) fn damage(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Reads a layout; `None` where what lies there is not what was written.
pub(crate) fn read_layout(file: &mut File, extent: &LayoutExtent) -> Option<String> {
    let mut bytes = vec![0; extent.length as usize];
    let read = file.seek(SeekFrom::Start(extent.offset)).and_then(|_| file.read_exact(&mut bytes));
    if read.is_err() || crc32fast::hash(&bytes) != extent.crc {
        return None;
    }
    String::from_utf8(bytes).ok()
}
