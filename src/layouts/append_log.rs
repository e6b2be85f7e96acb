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

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::state_files;
use crate::platform::git::{GitError, ObjectId, RepoPath, Result};
use crate::platform::{AtomicWrite, hex};

/// One file, and how far it was read. It stays open: a filter asks it several times for each
/// workflow.
#[derive(Debug)]
pub(crate) struct AppendLog {
    folder: PathBuf,
    name: &'static str,
    reader: Option<LogReader>,
    writer: Option<HeldFile>,
    lock: Option<HeldFile>,
    read_to: u64,
    is_detached: bool,
}

/// The file as it is read, and the name in its first record.
#[derive(Debug)]
struct LogReader {
    held: HeldFile,
    id: LogFileId,
}

/// Names one file: what stands in its first record.
type LogFileId = [u8; FILE_ID];

const FILE_ID: usize = 16;

/// An open file, and what tells whether another one lies in its place by now.
#[derive(Debug)]
struct HeldFile {
    file: Rc<File>,
    key: Option<FileKey>,
}

/// Tells one file from another: device and inode.
type FileKey = (u64, u64);

impl HeldFile {
    fn new(file: File) -> io::Result<HeldFile> {
        let key = file_key(&file.metadata()?);
        Ok(HeldFile { file: Rc::new(file), key })
    }

    /// Whether it is the file that these are the metadata of.
    fn is(&self, metadata: &Metadata) -> bool {
        self.key.is_some() && self.key == file_key(metadata)
    }

    fn is_at(&self, path: &Path) -> bool {
        self.key.is_some() && path.metadata().is_ok_and(|metadata| self.is(&metadata))
    }
}

#[cfg(unix)]
fn file_key(metadata: &Metadata) -> Option<FileKey> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Where nothing tells them apart a file is opened each time.
#[cfg(not(unix))]
fn file_key(_metadata: &Metadata) -> Option<FileKey> {
    None
}

/// Where a layout lies in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayoutExtent {
    pub(crate) at: u64,
    pub(crate) length: u64,
    pub(crate) crc: u32,
    /// Where its record begins.
    pub(crate) record: u64,
    /// Where the layout itself begins.
    offset: u64,
}

impl LayoutExtent {
    /// How many bytes its record takes.
    pub(crate) fn record_size(&self) -> u64 {
        self.end() - self.record
    }

    fn end(&self) -> u64 {
        self.offset + self.length + 1
    }
}

/// A record without its layout.
#[derive(Debug)]
pub(crate) struct RecordHeader {
    pub(crate) kind: u8,
    pub(crate) blob: ObjectId,
    pub(crate) path: RepoPath,
    pub(crate) extent: LayoutExtent,
}

/// What a reader learns.
#[derive(Debug)]
pub(crate) enum LogEvent {
    /// The file is another one: what was known is no more.
    Replaced,
    Record(RecordHeader),
    /// So many bytes that are no record.
    Damage(u64),
}

/// What is known of the records of a log.
pub(crate) trait LogIndex: Default {
    /// Takes in what a reader learns.
    fn apply(&mut self, event: LogEvent);
}

/// A log with an index of what it holds.
#[derive(Debug)]
pub(crate) struct IndexedLog<I> {
    log: AppendLog,
    index: I,
}

impl<I: LogIndex> IndexedLog<I> {
    /// A log in a folder, which need not exist yet.
    pub(crate) fn new(folder: impl Into<PathBuf>, name: &'static str) -> IndexedLog<I> {
        IndexedLog { log: AppendLog::new(folder, name), index: I::default() }
    }

    /// One that is not looked into.
    pub(crate) fn detached(name: &'static str) -> IndexedLog<I> {
        IndexedLog { log: AppendLog::detached(name), index: I::default() }
    }

    /// The index, with what was written since the last time.
    pub(crate) fn index(&mut self) -> Result<&mut I> {
        let index = &mut self.index;
        self.log.read_new(&mut |event| index.apply(event))?;
        Ok(&mut self.index)
    }

    /// Forgets what was read: it is read again when it is needed.
    pub(crate) fn reset(&mut self) {
        self.log.reset();
        self.index = I::default();
    }

    /// The log, for what needs no index.
    pub(crate) fn log(&mut self) -> &mut AppendLog {
        &mut self.log
    }

    /// Reads a layout; `None` where what lies there is not what was written.
    pub(crate) fn read_layout(&self, extent: &LayoutExtent) -> Option<String> {
        self.log.read_layout(extent)
    }
}

/// The longest first line of a record.
const MAX_LINE: u64 = 256;

/// A path is never longer; a line that says so is not one of ours.
const MAX_PATH: u64 = 1 << 16;

impl AppendLog {
    /// A log in a folder, which need not exist yet.
    pub(crate) fn new(folder: impl Into<PathBuf>, name: &'static str) -> AppendLog {
        AppendLog {
            folder: folder.into(),
            name,
            reader: None,
            writer: None,
            lock: None,
            read_to: 0,
            is_detached: false,
        }
    }

    /// One that is not looked into.
    pub(crate) fn detached(name: &'static str) -> AppendLog {
        AppendLog { is_detached: true, ..AppendLog::new(PathBuf::new(), name) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Its length, as far as it was read.
    pub(crate) fn read_to(&self) -> u64 {
        self.read_to
    }

    /// Reads what was written since the last time.
    pub(crate) fn read_new(&mut self, tell: &mut dyn FnMut(LogEvent)) -> Result<()> {
        if self.is_detached {
            return Ok(());
        }
        let path = self.path();
        let failed = || GitError::file_error("reading", path.clone());
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.reset();
                tell(LogEvent::Replaced);
                return Ok(());
            }
            Err(error) => return Err(failed()(error)),
        };
        let mut length = metadata.len();
        if self.reader.as_ref().is_none_or(|reader| !reader.held.is(&metadata)) {
            let (reader, opened_length) = LogReader::open(&path).map_err(failed())?;
            length = opened_length;
            if self.reader.as_ref().is_none_or(|known| known.id != reader.id) {
                tell(LogEvent::Replaced);
                self.read_to = FIRST_RECORD_SIZE;
            }
            self.reader = Some(reader);
        }
        if length < self.read_to {
            tell(LogEvent::Replaced);
            self.read_to = FIRST_RECORD_SIZE;
        }
        if let Some(reader) = &self.reader
            && length > self.read_to
        {
            let file = reader.held.file.as_ref();
            self.read_to = scan_records(file, self.read_to, length, tell).map_err(failed())?;
        }
        Ok(())
    }

    /// Reads all that is in the file, whatever was read before.
    pub(crate) fn read_all(&mut self, tell: &mut dyn FnMut(LogEvent)) -> Result<()> {
        self.reset();
        let read = self.read_new(tell);
        self.read_to = self.read_to.min(FIRST_RECORD_SIZE);
        read
    }

    /// Reads a layout; `None` where what lies there is not what was written.
    pub(crate) fn read_layout(&self, extent: &LayoutExtent) -> Option<String> {
        read_layout(&self.reader.as_ref()?.held.file, extent)
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
        let (mut lost, mut extents) = (0, Vec::new());
        self.reset();
        self.read_new(&mut |event| match event {
            LogEvent::Damage(bytes) => lost += bytes,
            LogEvent::Record(header) => extents.push(header.extent),
            LogEvent::Replaced => {}
        })?;
        let read_to = std::mem::take(&mut self.read_to);
        let Some(reader) = self.reader.take() else { return Ok(0) };
        let file = &reader.held.file;
        let length = file.metadata().map_err(GitError::file_error("reading", self.path()))?.len();
        let unread = extents.iter().filter(|extent| kept_layout(file, extent).is_none());
        Ok(lost + length.saturating_sub(read_to) + unread.map(|extent| extent.length).sum::<u64>())
    }

    /// Puts the file aside under another name, and goes on with the records in it that are
    /// whole. Gives how many there are.
    pub(crate) fn set_aside(&mut self, aside: &Path) -> Result<usize> {
        let _lock = self.lock(LockKind::Exclusive, LOCK_TIMEOUT)?;
        std::fs::rename(self.path(), aside)
            .map_err(GitError::file_error("renaming", self.path()))?;
        let failed = || GitError::file_error("reading", aside);
        let file = File::open(aside).map_err(failed())?;
        let length = file.metadata().map_err(failed())?.len();
        let mut headers = Vec::new();
        let mut collect = |event| {
            if let LogEvent::Record(header) = event {
                headers.push(header);
            }
        };
        scan_records(&file, 0, length, &mut collect).map_err(failed())?;
        self.reset();
        let mut records = Vec::new();
        for RecordHeader { kind, blob, path, extent } in headers {
            if let Some(layout) = kept_layout(&file, &extent) {
                let layout = layout.as_bytes();
                records.push(format_record(kind, extent.at, blob, &path, layout, extent.crc));
            }
        }
        if !records.is_empty() {
            self.replace(records.iter().cloned())?;
        }
        Ok(records.len())
    }

    /// Reads everything again the next time.
    pub(crate) fn reset(&mut self) {
        self.reader = None;
        self.read_to = 0;
    }

    /// Adds whole records.
    pub(crate) fn append(&mut self, records: &[u8]) -> Result<()> {
        let path = self.path();
        let failed = || GitError::file_error("writing", path.clone());
        let _lock = match self.lock(LockKind::Shared, LOCK_TIMEOUT) {
            Err(_) if !self.folder.is_dir() => {
                std::fs::create_dir_all(&self.folder).map_err(failed())?;
                self.lock(LockKind::Shared, LOCK_TIMEOUT)?
            }
            lock => lock?,
        };
        // While the lock is held nobody puts another file in its place.
        if self.writer.as_ref().is_none_or(|writer| !writer.is_at(&path)) {
            if !path.exists() {
                self.create().map_err(failed())?;
            }
            let file = OpenOptions::new().append(true).open(&path).map_err(failed())?;
            self.writer = Some(HeldFile::new(file).map_err(failed())?);
        }
        let Some(writer) = &self.writer else { return Ok(()) };
        // One write: another process's record goes before it or after it, not into it.
        writer.file.as_ref().write_all(records).map_err(failed())
    }

    /// Makes a new file, if there is none.
    fn create(&self) -> io::Result<()> {
        match AtomicWrite::new().refuse_existing().write(&self.path(), &first_record()) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            written => written,
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
        let write = AtomicWrite::new().sync();
        let written = write.write_with(&self.path(), |writer| {
            writer.write_all(&first_record())?;
            records.try_for_each(|record| writer.write_all(&record))
        });
        written.map_err(failed())
    }

    /// Takes the lock; `None` when somebody else keeps it, or where the file system has no
    /// locks.
    pub(crate) fn lock(&mut self, kind: LockKind, patience: Duration) -> Result<Option<LogLock>> {
        let path = self.folder.join(state_files::lock_of(self.name));
        let failed = || GitError::file_error("opening", path.clone());
        let held = match self.lock.take().filter(|held| held.is_at(&path)) {
            Some(held) => held,
            None => {
                let mut options = OpenOptions::new();
                let options = options.create(true).truncate(false).write(true);
                HeldFile::new(options.open(&path).map_err(failed())?).map_err(failed())?
            }
        };
        let file = held.file.clone();
        self.lock = Some(held);
        let until = Instant::now() + patience;
        loop {
            let locked = match kind {
                LockKind::Shared => file.try_lock_shared(),
                LockKind::Exclusive => file.try_lock(),
            };
            match locked {
                Ok(()) => return Ok(Some(LogLock(file))),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(_) => return Ok(None),
            }
        }
    }
}

/// A lock that is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct LogLock(Rc<File>);

impl Drop for LogLock {
    fn drop(&mut self) {
        // The file stays open, and with it the lock, unless it is given back.
        let _ = self.0.unlock();
    }
}

impl LogReader {
    /// Opens the file; gives how long it is, too.
    fn open(path: &Path) -> io::Result<(LogReader, u64)> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut first = [0; FIRST_RECORD_SIZE as usize];
        match file.read_exact(&mut first) {
            Ok(()) if first.starts_with(b"\0G ") && first.ends_with(b"\n") => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ if length == 0 => return Err(damage("it is empty")),
            _ => return Err(damage("its beginning is damaged")),
        }
        let id = first[3..3 + FILE_ID].try_into().unwrap_or_default();
        Ok((LogReader { held: HeldFile::new(file)?, id }, length))
    }
}

/// `NUL G <name> LF`.
const FIRST_RECORD_SIZE: u64 = 4 + FILE_ID as u64;

/// Reads the records between two places; gives how far it came.
fn scan_records(
    file: &File,
    start: u64,
    length: u64,
    tell: &mut dyn FnMut(LogEvent),
) -> io::Result<u64> {
    let mut at = start;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    reader.seek(SeekFrom::Start(at))?;
    while at < length {
        match read_record(&mut reader, at, length)? {
            Some(header) => {
                at = header.extent.end();
                tell(LogEvent::Record(header));
            }
            // Cut off, or still being written: the next record begins at a NUL.
            None => match find_nul(&mut reader, at + 1)? {
                Some(next) => {
                    tell(LogEvent::Damage(next - at));
                    at = next;
                    reader.seek(SeekFrom::Start(at))?;
                }
                None => break,
            },
        }
    }
    Ok(at)
}

/// Whoever compacts is done in a moment; a process that was stopped in the middle of it
/// must not stop everybody else for good.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    Shared,
    Exclusive,
}

/// The first record of a new file: a name of its own.
fn first_record() -> Vec<u8> {
    format!("\0G {}\n", hex::random_hex(FILE_ID)).into_bytes()
}

pub(crate) fn format_record(
    kind: u8,
    at: u64,
    blob: ObjectId,
    path: &RepoPath,
    layout: &[u8],
    crc: u32,
) -> Vec<u8> {
    let path = path.as_bytes();
    let head = format!(
        "{} {at} {blob} {} {} {}",
        kind as char,
        path.len(),
        layout.len(),
        hex::crc_to_hex(crc)
    );
    let sum = header_checksum(head.as_bytes(), path);
    let mut bytes = Vec::with_capacity(head.len() + path.len() + layout.len() + 16);
    bytes.push(0);
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(format!(" {}\n", hex::crc_to_hex(sum)).as_bytes());
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
    reader: &mut BufReader<&File>,
    start: u64,
    file_length: u64,
) -> io::Result<Option<RecordHeader>> {
    let mut line = Vec::new();
    reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.first() != Some(&0) || line.last() != Some(&b'\n') {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line[1..line.len() - 1]).into_owned();
    let Some(header) = HeaderLine::parse(&text) else { return Ok(None) };
    if header.path_length > MAX_PATH {
        return Ok(None);
    }
    let offset = start + line.len() as u64 + header.path_length;
    let HeaderLine { kind, at, blob, length, crc, .. } = header;
    let extent = LayoutExtent { at, offset, length, crc, record: start };
    if extent.end() > file_length {
        return Ok(None);
    }
    let mut path = vec![0; header.path_length as usize];
    reader.read_exact(&mut path)?;
    let summed = &text.as_bytes()[..text.len() - 9];
    if header_checksum(summed, &path) != header.checksum {
        return Ok(None);
    }
    // A record that was cut off in the middle has others within its length.
    reader.seek_relative(length as i64)?;
    let mut last = [0];
    reader.read_exact(&mut last)?;
    let next = reader.fill_buf()?.first().copied();
    if last != [b'\n'] || (extent.end() < file_length && next != Some(0)) {
        return Ok(None);
    }
    Ok(Some(RecordHeader { kind, blob, path: RepoPath::new(path), extent }))
}

/// The first line of a record.
struct HeaderLine {
    kind: u8,
    at: u64,
    blob: ObjectId,
    path_length: u64,
    length: u64,
    crc: u32,
    /// Of the line up to here and the path.
    checksum: u32,
}

impl HeaderLine {
    fn parse(text: &str) -> Option<HeaderLine> {
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
        let header = HeaderLine {
            kind,
            at: words.next()?.parse().ok()?,
            blob: ObjectId::from_hex(words.next()?.as_bytes())?,
            path_length: words.next()?.parse().ok()?,
            length: words.next()?.parse().ok().filter(|length| *length < u64::from(u32::MAX))?,
            crc: hex::parse_crc(words.next()?)?,
            checksum: hex::parse_crc(words.next()?)?,
        };
        words.next().is_none().then_some(header)
    }
}

/// The place of the first NUL at or after `from`.
fn find_nul(reader: &mut BufReader<&File>, from: u64) -> io::Result<Option<u64>> {
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
fn kept_layout(file: &File, extent: &LayoutExtent) -> Option<String> {
    if extent.length == 0 { Some(String::new()) } else { read_layout(file, extent) }
}

/// What is said of a file that does not hold what it should.
pub(crate) fn damage(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn read_layout(mut file: &File, extent: &LayoutExtent) -> Option<String> {
    let mut bytes = vec![0; extent.length as usize];
    let read = file.seek(SeekFrom::Start(extent.offset)).and_then(|_| file.read_exact(&mut bytes));
    if read.is_err() || crc32fast::hash(&bytes) != extent.crc {
        return None;
    }
    String::from_utf8(bytes).ok()
}
