//! Layouts that are not in a note yet: one file that only grows, written by any number of
//! git processes at once.
//!
//! Each record begins with a NUL byte, which can stand nowhere else (not in a path, not in
//! JSON), so that a reader finds its way again after a record that was cut off:
//!
//! ```text
//! NUL L <at> <blob> <bytes of path> <bytes of layout> <crc of layout> <crc of the rest> LF
//!     <path> <layout> LF
//! ```
//!
//! `L` is a layout, `S` says that the layouts of a blob and path are settled: a note holds
//! them. `G` opens a file and names it, so that a reader sees that it was replaced. One
//! record is one write at the end of the file; a lock file keeps writers out (shared among
//! themselves) while somebody compacts.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::error::{Error, Result};
use super::super::id::{ObjectId, RepoPath};
use super::note::Entry;

/// The store of one repository, with an index of what it holds.
#[derive(Debug)]
pub(in super::super) struct Store {
    folder: PathBuf,
    /// Which file the index is of, and how far.
    file: Option<FileId>,
    read_to: u64,
    entries: FxHashMap<(ObjectId, RepoPath), Place>,
    by_blob: FxHashMap<ObjectId, Vec<RepoPath>>,
    /// The blobs of a path, the newest last.
    by_path: FxHashMap<RepoPath, Vec<ObjectId>>,
    /// Bytes of records that nobody needs any more.
    dead: u64,
}

/// Names one file of the store: what stands in its first record.
type FileId = [u8; FILE_ID];

const FILE_ID: usize = 16;

/// Where a layout lies in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    offset: u64,
    length: u64,
    crc: u32,
    record: u64,
}

/// A layout that is pending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in super::super) struct Pending {
    /// The cleaned blob it belongs to.
    pub(in super::super) blob: ObjectId,
    /// The file that had it.
    pub(in super::super) path: RepoPath,
    /// When it was filed, in milliseconds since 1970.
    pub(in super::super) at: u64,
    /// Nothing was filed for the path since.
    pub(in super::super) newest: bool,
}

/// What a compaction keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// The layout may still be wanted.
    Keep,
    /// It is of no more use.
    Drop,
}

/// The longest first line of a record.
const MAX_LINE: u64 = 256;

/// A path is never longer; a line that says so is not one of ours.
const MAX_PATH: u64 = 1 << 16;

impl Store {
    /// The store in a folder, which need not exist yet.
    pub(in super::super) fn open(folder: impl Into<PathBuf>) -> Store {
        Store {
            folder: folder.into(),
            file: None,
            read_to: 0,
            entries: FxHashMap::default(),
            by_blob: FxHashMap::default(),
            by_path: FxHashMap::default(),
            dead: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("layouts")
    }

    /// The layout of a blob at a path, and when it was filed.
    pub(in super::super) fn get(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
    ) -> Result<Option<Entry>> {
        let Some(mut file) = self.refresh()? else { return Ok(None) };
        match self.entries.get(&(blob, path.clone())) {
            Some(place) => read_layout(&mut file, place),
            None => Ok(None),
        }
    }

    /// The newest layout of a blob at any path.
    pub(in super::super) fn get_anywhere(&mut self, blob: ObjectId) -> Result<Option<Entry>> {
        let Some(mut file) = self.refresh()? else { return Ok(None) };
        let Some(paths) = self.by_blob.get(&blob) else { return Ok(None) };
        let places = paths.iter().filter_map(|path| self.entries.get(&(blob, path.clone())));
        match places.max_by_key(|place| place.record) {
            Some(place) => read_layout(&mut file, place),
            None => Ok(None),
        }
    }

    /// The newest layout of a path, whatever its content was.
    pub(in super::super) fn newest_of(&mut self, path: &RepoPath) -> Result<Option<Entry>> {
        let Some(mut file) = self.refresh()? else { return Ok(None) };
        let Some(blob) = self.newest_blob(path) else { return Ok(None) };
        match self.entries.get(&(blob, path.clone())) {
            Some(place) => read_layout(&mut file, place),
            None => Ok(None),
        }
    }

    fn newest_blob(&self, path: &RepoPath) -> Option<ObjectId> {
        self.by_path.get(path).and_then(|blobs| blobs.last()).copied()
    }

    /// All layouts that are pending, in the order they were filed.
    pub(in super::super) fn pending(&mut self) -> Result<Vec<Pending>> {
        if self.refresh()?.is_none() {
            return Ok(Vec::new());
        }
        let mut all: Vec<_> = self.entries.iter().collect();
        all.sort_by_key(|(_, place)| place.record);
        let pending = all.into_iter().map(|((blob, path), place)| Pending {
            blob: *blob,
            path: path.clone(),
            at: place.at,
            newest: self.newest_blob(path) == Some(*blob),
        });
        Ok(pending.collect())
    }

    /// Files a layout. One that is the newest of its blob and path already is not written
    /// again.
    pub(in super::super) fn file(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
        at: u64,
        layout: &str,
    ) -> Result<()> {
        let crc = crc32fast::hash(layout.as_bytes());
        let mut at = at;
        if self.refresh()?.is_some()
            && let Some(place) = self.entries.get(&(blob, path.clone()))
        {
            let same = (place.crc, place.length) == (crc, layout.len() as u64);
            if same && self.newest_blob(path) == Some(blob) {
                return Ok(());
            }
            // A clock that was set back must not make this the older one.
            at = at.max(place.at.saturating_add(1));
        }
        self.append(&record(b'L', at, blob, path, layout.as_bytes(), crc))
    }

    /// Says that notes hold what is pending for these blobs and paths. Nothing is lost
    /// when this fails: the same is found settled the next time.
    pub(in super::super) fn settle(&mut self, settled: &[Pending]) -> Result<()> {
        let mut records = Vec::new();
        for pending in settled {
            records.extend(record(b'S', pending.at, pending.blob, &pending.path, b"", 0));
        }
        if records.is_empty() { Ok(()) } else { self.append(&records) }
    }

    fn append(&mut self, records: &[u8]) -> Result<()> {
        let path = self.path();
        let failed = || Error::file("writing", path.clone());
        std::fs::create_dir_all(&self.folder).map_err(failed())?;
        let _lock = self.lock(LockKind::Shared)?;
        if !path.exists() {
            self.create(&[]).map_err(failed())?;
        }
        let mut file = OpenOptions::new().append(true).open(&path).map_err(failed())?;
        // One write: another process's record goes before it or after it, not into it.
        file.write_all(records).map_err(failed())
    }

    /// Makes a new file with these records, if there is none.
    fn create(&self, records: &[u8]) -> io::Result<()> {
        match new_file(&self.folder, |file| file.write_all(records))?.persist_noclobber(self.path())
        {
            Ok(_) => Ok(()),
            // Another process was faster.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    }

    /// Reads what was written since the last time; gives the open file, if there is one.
    fn refresh(&mut self) -> Result<Option<File>> {
        let path = self.path();
        let failed = || Error::file("reading", path.clone());
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.reset();
                return Ok(None);
            }
            Err(error) => return Err(failed()(error)),
        };
        let length = file.metadata().map_err(failed())?.len();
        let mut head = [0; 4 + FILE_ID];
        file.read_exact(&mut head).map_err(failed())?;
        let name: FileId = head[3..3 + FILE_ID].try_into().unwrap_or_default();
        if self.file != Some(name) || length < self.read_to {
            self.reset();
            self.file = Some(name);
            self.read_to = head.len() as u64;
        }
        if length > self.read_to {
            let mut reader = BufReader::with_capacity(1 << 16, file);
            self.scan(&mut reader, length).map_err(failed())?;
            file = reader.into_inner();
        }
        Ok(Some(file))
    }

    fn reset(&mut self) {
        *self = Store::open(std::mem::take(&mut self.folder));
    }

    fn scan(&mut self, reader: &mut BufReader<File>, length: u64) -> io::Result<()> {
        let mut at = self.read_to;
        reader.seek(SeekFrom::Start(at))?;
        while at < length {
            match read_record(reader, at, length)? {
                Some(head) => {
                    at = head.end;
                    self.note(head);
                }
                // Cut off, or still being written: the next record begins at a NUL.
                None => match next_nul(reader, at + 1)? {
                    Some(next) => {
                        self.dead += next - at;
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

    fn note(&mut self, head: Head) {
        let size = head.end - head.record;
        let key = (head.blob, head.path.clone());
        let known = self.entries.get(&key).copied();
        if head.kind == b'S' {
            self.dead += size;
            if known.is_some_and(|known| known.at <= head.at) {
                self.forget(&key);
            }
            return;
        }
        match known {
            Some(known) => self.dead += known.length + size - head.length,
            None => self.by_blob.entry(head.blob).or_default().push(head.path.clone()),
        }
        let blobs = self.by_path.entry(head.path).or_default();
        blobs.retain(|blob| *blob != head.blob);
        blobs.push(head.blob);
        let place = Place {
            at: head.at,
            offset: head.end - 1 - head.length,
            length: head.length,
            crc: head.crc,
            record: head.record,
        };
        self.entries.insert(key, place);
    }

    fn forget(&mut self, key: &(ObjectId, RepoPath)) {
        let Some(place) = self.entries.remove(key) else { return };
        self.dead += place.length + 100;
        if let Some(paths) = self.by_blob.get_mut(&key.0) {
            paths.retain(|path| *path != key.1);
        }
        if let Some(blobs) = self.by_path.get_mut(&key.1) {
            blobs.retain(|blob| *blob != key.0);
        }
    }

    /// Rewrites the file without what is of no use, where that is worth it. Leaves it as
    /// it is while others write.
    pub(in super::super) fn compact(
        &mut self,
        mut judge: impl FnMut(&Pending) -> Verdict,
    ) -> Result<()> {
        if self.refresh()?.is_none() {
            return Ok(());
        }
        let worth = |store: &Store| {
            store.entries.is_empty() || (store.dead > 1 << 16 && store.dead * 2 > store.read_to)
        };
        let useless = self.pending()?.into_iter().filter(|p| judge(p) == Verdict::Drop);
        let useless: FxHashSet<_> = useless.map(|p| (p.blob, p.path, p.at)).collect();
        for (blob, path, _) in &useless {
            self.forget(&(*blob, path.clone()));
        }
        if !worth(self) {
            // Forgotten only in memory; read again when it is needed.
            self.reset();
            return Ok(());
        }
        let Some(_lock) = self.lock_for(LockKind::Exclusive, Duration::from_millis(100))? else {
            return Ok(());
        };
        // Others may have filed something before the lock was ours.
        self.reset();
        let Some(mut file) = self.refresh()? else { return Ok(()) };
        let mut kept = Vec::new();
        for pending in self.pending()? {
            let Pending { blob, path, at, .. } = pending.clone();
            if useless.contains(&(blob, path.clone(), at)) {
                continue;
            }
            if let Some(place) = self.entries.get(&(blob, path)) {
                kept.push((pending, *place));
            }
        }
        let replaced = self.replace(&mut file, &kept);
        self.reset();
        replaced.map_err(Error::file("writing", self.path()))
    }

    fn replace(&self, file: &mut File, kept: &[(Pending, Place)]) -> io::Result<()> {
        if kept.is_empty() {
            return std::fs::remove_file(self.path());
        }
        let fresh = new_file(&self.folder, |fresh| {
            for (pending, place) in kept {
                if let Ok(Some(entry)) = read_layout(file, place) {
                    let (layout, crc) = (entry.layout.as_bytes(), place.crc);
                    let path = &pending.path;
                    fresh.write_all(&record(b'L', pending.at, pending.blob, path, layout, crc))?;
                }
            }
            Ok(())
        })?;
        fresh.as_file().sync_data()?;
        fresh.persist(self.path()).map(drop).map_err(|error| error.error)
    }

    fn lock(&self, kind: LockKind) -> Result<Option<File>> {
        // Whoever compacts is done in a moment; a process that was stopped in the middle
        // of it must not stop everybody else for good.
        self.lock_for(kind, Duration::from_secs(5))
    }

    /// Takes the lock; `None` when somebody else keeps it, or where the file system has
    /// no locks.
    fn lock_for(&self, kind: LockKind, patience: Duration) -> Result<Option<File>> {
        let path = self.folder.join("layouts.lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(Error::file("opening", path))?;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockKind {
    Shared,
    Exclusive,
}

/// A file beside the store's, with a name of its own in its first record.
fn new_file(
    folder: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile> {
    let file = super::new_file(folder)?;
    let seed = format!("{:?} {} {}", file.path(), std::process::id(), super::super::now());
    let sum = u64::from(crc32fast::hash(seed.as_bytes()));
    let name = format!("{:08x}{:08x}", sum, super::super::now() as u32);
    let mut writer = io::BufWriter::new(file);
    writer.write_all(format!("\0G {name}\n").as_bytes())?;
    fill(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)
}

fn record(kind: u8, at: u64, blob: ObjectId, path: &RepoPath, layout: &[u8], crc: u32) -> Vec<u8> {
    let path = path.as_bytes();
    let head = format!("{} {at} {blob} {} {} {crc:08x}", kind as char, path.len(), layout.len());
    let sum = head_sum(head.as_bytes(), path);
    let mut bytes = Vec::with_capacity(head.len() + path.len() + layout.len() + 16);
    bytes.push(0);
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(format!(" {sum:08x}\n").as_bytes());
    bytes.extend_from_slice(path);
    bytes.extend_from_slice(layout);
    bytes.push(b'\n');
    bytes
}

fn head_sum(head: &[u8], path: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(path);
    sum.finalize()
}

/// A record without its layout.
struct Head {
    kind: u8,
    record: u64,
    end: u64,
    at: u64,
    blob: ObjectId,
    path: RepoPath,
    length: u64,
    crc: u32,
}

/// Reads a record, skipping its layout; `None` where none begins or it is not whole.
fn read_record(reader: &mut BufReader<File>, start: u64, file: u64) -> io::Result<Option<Head>> {
    let mut line = Vec::new();
    reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.first() != Some(&0) || line.last() != Some(&b'\n') {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&line[1..line.len() - 1]).into_owned();
    let Some(parsed) = parse_head(&text) else { return Ok(None) };
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
    if head_sum(head, &path) != sum {
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
    Ok(Some(Head { kind, record: start, end, at, blob, path, length, crc }))
}

fn parse_head(text: &str) -> Option<(u8, u64, ObjectId, u64, u64, u32, u32)> {
    let mut words = text.split(' ');
    let kind = match words.next()? {
        "L" => b'L',
        "S" => b'S',
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
fn next_nul(reader: &mut BufReader<File>, from: u64) -> io::Result<Option<u64>> {
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

/// Reads a layout; `None` where what lies there is not what was written.
fn read_layout(file: &mut File, place: &Place) -> Result<Option<Entry>> {
    let mut bytes = vec![0; place.length as usize];
    let read = file.seek(SeekFrom::Start(place.offset)).and_then(|_| file.read_exact(&mut bytes));
    if read.is_err() || crc32fast::hash(&bytes) != place.crc {
        return Ok(None);
    }
    Ok(String::from_utf8(bytes).ok().map(|layout| Entry { at: place.at, layout }))
}

#[cfg(test)]
mod tests {
    use super::super::super::id::{Kind, ObjectFormat};
    use super::*;

    fn blob(name: &str) -> ObjectId {
        ObjectFormat::Sha1.id_of(Kind::Blob, name.as_bytes())
    }

    fn path(name: &str) -> RepoPath {
        RepoPath::new(name)
    }

    fn layout(entry: Option<Entry>) -> Option<String> {
        entry.map(|entry| entry.layout)
    }

    #[test]
    fn the_newest_layout_of_a_blob_and_path_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path());
        assert_eq!(store.get(blob("1"), &path("a")).unwrap(), None);
        store.file(blob("1"), &path("a"), 10, "{1a}").unwrap();
        store.file(blob("1"), &path("b"), 11, "{1b}").unwrap();
        store.file(blob("2"), &path("a"), 12, "{2a}").unwrap();
        // The clock was set back; what is filed last is still the newest.
        store.file(blob("1"), &path("a"), 5, "{1a again}").unwrap();
        let mut other = Store::open(folder.path());
        for store in [&mut store, &mut other] {
            assert_eq!(layout(store.get(blob("1"), &path("a")).unwrap()).unwrap(), "{1a again}");
            assert_eq!(layout(store.get(blob("2"), &path("a")).unwrap()).unwrap(), "{2a}");
            assert_eq!(layout(store.get_anywhere(blob("1")).unwrap()).unwrap(), "{1a again}");
            assert_eq!(layout(store.newest_of(&path("a")).unwrap()).unwrap(), "{1a again}");
            assert_eq!(layout(store.newest_of(&path("c")).unwrap()), None);
        }
    }

    #[test]
    fn the_same_layout_is_filed_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path());
        store.file(blob("1"), &path("a"), 1, "{}").unwrap();
        let size = std::fs::metadata(store.path()).unwrap().len();
        store.file(blob("1"), &path("a"), 2, "{}").unwrap();
        Store::open(folder.path()).file(blob("1"), &path("a"), 3, "{}").unwrap();
        assert_eq!(std::fs::metadata(store.path()).unwrap().len(), size);
    }

    #[test]
    fn records_cut_off_anywhere_hide_only_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path());
        store.file(blob("1"), &path("before"), 1, "{\"before\":1}").unwrap();
        let whole = std::fs::read(store.path()).unwrap();
        let torn = record(b'L', 2, blob("2"), &path("torn"), b"{\"torn\":2}", 0);
        for cut in 1..torn.len() {
            let bytes = [&whole, &torn[..cut]].concat();
            std::fs::write(store.path(), bytes).unwrap();
            let mut store = Store::open(folder.path());
            store.file(blob("3"), &path("after"), 3, &"x".repeat(cut * 3)).unwrap();
            assert!(store.get(blob("1"), &path("before")).unwrap().is_some(), "cut at {cut}");
            assert!(store.get(blob("3"), &path("after")).unwrap().is_some(), "cut at {cut}");
            assert_eq!(store.get(blob("2"), &path("torn")).unwrap(), None, "cut at {cut}");
        }
    }

    #[test]
    fn damaged_layouts_are_not_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path());
        store.file(blob("1"), &path("a"), 1, "{\"x\":1}").unwrap();
        let mut bytes = std::fs::read(store.path()).unwrap();
        let at = bytes.len() - 3;
        bytes[at] = b'9';
        std::fs::write(store.path(), bytes).unwrap();
        assert_eq!(Store::open(folder.path()).get(blob("1"), &path("a")).unwrap(), None);
    }

    #[test]
    fn settled_layouts_are_no_longer_pending_and_the_file_goes_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path());
        store.file(blob("1"), &path("a"), 1, "{1}").unwrap();
        store.file(blob("2"), &path("a"), 2, "{2}").unwrap();
        let settled: Vec<_> =
            store.pending().unwrap().into_iter().filter(|p| p.blob == blob("2")).collect();
        store.settle(&settled).unwrap();
        assert_eq!(store.get(blob("2"), &path("a")).unwrap(), None);
        assert_eq!(layout(store.newest_of(&path("a")).unwrap()).unwrap(), "{1}");
        store.compact(|_| Verdict::Keep).unwrap();
        assert_eq!(store.pending().unwrap().len(), 1);
        let rest = store.pending().unwrap();
        store.settle(&rest).unwrap();
        store.compact(|_| Verdict::Keep).unwrap();
        assert!(!store.path().exists());
        store.file(blob("3"), &path("b"), 4, "{3}").unwrap();
        assert_eq!(store.pending().unwrap().len(), 1);
    }

    #[test]
    fn nothing_is_lost_while_others_write_and_compact() {
        let folder = tempfile::tempdir().unwrap();
        const EACH: usize = 60;
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let folder = folder.path();
                scope.spawn(move || {
                    let mut store = Store::open(folder);
                    for n in 0..EACH {
                        let name = format!("{writer}.{n}");
                        let text = "x".repeat(4000 + n);
                        store.file(blob(&name), &path(&name), n as u64, &text).unwrap();
                    }
                });
            }
            let folder = folder.path();
            scope.spawn(move || {
                let mut store = Store::open(folder);
                for _ in 0..30 {
                    // Every layout of writer 0 is of no use.
                    let judge = |p: &Pending| match p.path.as_bytes()[0] {
                        b'0' => Verdict::Drop,
                        _ => Verdict::Keep,
                    };
                    store.compact(judge).unwrap();
                }
            });
        });
        let mut store = Store::open(folder.path());
        for writer in 1..4 {
            for n in 0..EACH {
                let name = format!("{writer}.{n}");
                let found = store.get(blob(&name), &path(&name)).unwrap().unwrap();
                assert_eq!(found.layout.len(), 4000 + n, "{name}");
            }
        }
    }
}
