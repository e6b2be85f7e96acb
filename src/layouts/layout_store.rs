//! Layouts that are not in a note yet, by content and path. Written whenever a file is
//! cleaned, taken out when a note holds them.
//!
//! `L` is a layout, `S` says that the layouts of a blob and path are settled: a note holds
//! them. A layout filed at 0 is for this machine alone: nobody placed anything in it.

use std::path::PathBuf;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::append_log::{
    IndexedLog, LayoutExtent, LockKind, LogEvent, LogIndex, RecordHeader, format_record,
};
use super::layout_note::LayoutEntry;
use super::state_files;
use crate::platform::git::{ObjectId, RepoPath, Result};

/// The store of one repository, with an index of what it holds.
#[derive(Debug)]
pub(crate) struct LayoutStore {
    log: IndexedLog<LayoutIndex>,
}

#[derive(Debug, Default)]
struct LayoutIndex {
    entries: FxHashMap<(ObjectId, RepoPath), LayoutExtent>,
    by_blob: FxHashMap<ObjectId, Vec<RepoPath>>,
    /// The blobs of a path, the newest last.
    by_path: FxHashMap<RepoPath, Vec<ObjectId>>,
    /// Bytes of records that nobody needs any more.
    dead: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PendingLayout {
    /// The cleaned blob it belongs to.
    pub(crate) blob: ObjectId,
    /// The file that had it.
    pub(crate) path: RepoPath,
    /// When it was filed, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Nothing was filed for the path since.
    pub(crate) newest: bool,
    /// Tells it from another one of the same content and path.
    pub(crate) crc: u32,
}

/// What a compaction keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompactionVerdict {
    /// The layout may still be wanted.
    Keep,
    /// It is of no more use.
    Drop,
}

impl LayoutStore {
    /// The store in a folder, which need not exist yet.
    pub(crate) fn open(folder: impl Into<PathBuf>) -> LayoutStore {
        LayoutStore { log: IndexedLog::new(folder, state_files::PENDING_LAYOUTS) }
    }

    /// One that is not looked into.
    pub(crate) fn detached() -> LayoutStore {
        LayoutStore { log: IndexedLog::detached(state_files::PENDING_LAYOUTS) }
    }

    #[cfg(test)]
    fn path(&mut self) -> PathBuf {
        self.log.log().path()
    }

    fn read_entry(&self, extent: &LayoutExtent) -> Option<LayoutEntry> {
        self.log.read_layout(extent).map(|layout| LayoutEntry { at: extent.at, layout })
    }

    /// The layout of a blob at a path, and when it was filed.
    pub(crate) fn get(&mut self, blob: ObjectId, path: &RepoPath) -> Result<Option<LayoutEntry>> {
        let extent = self.log.index()?.extent(blob, path);
        Ok(extent.and_then(|extent| self.read_entry(&extent)))
    }

    /// The newest layout of a blob at any path, and the path.
    pub(crate) fn get_anywhere(
        &mut self,
        blob: ObjectId,
    ) -> Result<Option<(RepoPath, LayoutEntry)>> {
        let Some((path, extent)) = self.log.index()?.newest_of_blob(blob) else { return Ok(None) };
        Ok(self.read_entry(&extent).map(|entry| (path, entry)))
    }

    /// The newest layout of a path, whatever its content was, and of which content.
    pub(crate) fn newest_of_path(
        &mut self,
        path: &RepoPath,
    ) -> Result<Option<(ObjectId, LayoutEntry)>> {
        let Some(blob) = self.log.index()?.newest_blob(path) else { return Ok(None) };
        Ok(self.get(blob, path)?.map(|entry| (blob, entry)))
    }

    /// All layouts of a path, of whatever content.
    pub(crate) fn all_of_path(&mut self, path: &RepoPath) -> Result<Vec<(ObjectId, LayoutEntry)>> {
        let blobs = self.log.index()?.by_path.get(path).cloned().unwrap_or_default();
        let mut all = Vec::new();
        for blob in blobs {
            all.extend(self.get(blob, path)?.map(|entry| (blob, entry)));
        }
        Ok(all)
    }

    /// Whether layouts of a path wait for a note.
    pub(crate) fn has_pending(&mut self, path: &RepoPath) -> Result<bool> {
        let index = self.log.index()?;
        let blobs = index.by_path.get(path).map(Vec::as_slice).unwrap_or_default();
        Ok(blobs.iter().any(|blob| index.extent(*blob, path).is_some_and(|extent| extent.at > 0)))
    }

    /// All layouts that are pending, in the order they were filed.
    pub(crate) fn pending(&mut self) -> Result<Vec<PendingLayout>> {
        Ok(self.log.index()?.pending())
    }

    /// Files a layout. One that is the newest of its blob and path already is not written
    /// again.
    pub(crate) fn add(
        &mut self,
        blob: ObjectId,
        path: &RepoPath,
        at: u64,
        layout: &str,
    ) -> Result<()> {
        let crc = crc32fast::hash(layout.as_bytes());
        let index = self.log.index()?;
        if let Some(extent) = index.extent(blob, path)
            && (extent.crc, extent.length) == (crc, layout.len() as u64)
            && index.newest_blob(path) == Some(blob)
        {
            return Ok(());
        }
        self.log.log().append(&format_record(b'L', at, blob, path, layout.as_bytes(), crc))
    }

    /// Says that notes hold what is pending for these blobs and paths. Nothing is lost
    /// when this fails: the same is found settled the next time.
    pub(crate) fn mark_settled(&mut self, settled: &[PendingLayout]) -> Result<()> {
        let mut records = Vec::new();
        for PendingLayout { blob, path, at, crc, .. } in settled {
            records.extend(format_record(b'S', *at, *blob, path, b"", *crc));
        }
        if records.is_empty() { Ok(()) } else { self.log.log().append(&records) }
    }

    /// Rewrites the file without what is of no use, where that is worth it. Leaves it as
    /// it is while others write.
    pub(crate) fn compact(
        &mut self,
        mut judge: impl FnMut(&PendingLayout) -> CompactionVerdict,
    ) -> Result<()> {
        self.log.index()?;
        if self.log.log().read_to() == 0 {
            // There is no file.
            return Ok(());
        }
        let index = self.log.index()?;
        let useless = index.pending().into_iter().filter(|p| judge(p) == CompactionVerdict::Drop);
        let useless: FxHashSet<_> = useless.map(|p| (p.blob, p.path, p.at)).collect();
        for (blob, path, _) in &useless {
            index.remove(&(*blob, path.clone()));
        }
        let (dead, is_unused) = (index.dead, index.entries.is_empty());
        let length = self.log.log().read_to();
        if !is_unused && (dead <= 1 << 16 || dead * 2 <= length) {
            // Forgotten only in memory; read again when it is needed.
            self.log.reset();
            return Ok(());
        }
        let patience = Duration::from_millis(100);
        let Some(_lock) = self.log.log().lock(LockKind::Exclusive, patience)? else {
            return Ok(());
        };
        // Others may have filed something before the lock was ours.
        self.log.reset();
        let pending = self.log.index()?.pending();
        let mut records = Vec::new();
        for PendingLayout { blob, path, at, .. } in pending {
            if useless.contains(&(blob, path.clone(), at)) {
                continue;
            }
            if let Some(extent) = self.log.index()?.extent(blob, &path)
                && let Some(layout) = self.log.read_layout(&extent)
            {
                let layout = layout.as_bytes();
                records.push(format_record(b'L', extent.at, blob, &path, layout, extent.crc));
            }
        }
        let replaced = self.log.log().replace(records.into_iter());
        self.log.reset();
        replaced
    }
}

impl LogIndex for LayoutIndex {
    fn apply(&mut self, event: LogEvent) {
        match event {
            LogEvent::Replaced => *self = LayoutIndex::default(),
            LogEvent::Damage(bytes) => self.dead += bytes,
            LogEvent::Record(header) => self.apply_record(header),
        }
    }
}

impl LayoutIndex {
    fn extent(&self, blob: ObjectId, path: &RepoPath) -> Option<LayoutExtent> {
        self.entries.get(&(blob, path.clone())).copied()
    }

    /// The newest layout of a blob at any path.
    fn newest_of_blob(&self, blob: ObjectId) -> Option<(RepoPath, LayoutExtent)> {
        let paths = self.by_blob.get(&blob)?.iter();
        let known = paths.filter_map(|path| Some((path.clone(), self.extent(blob, path)?)));
        known.max_by_key(|(_, extent)| extent.record)
    }

    fn newest_blob(&self, path: &RepoPath) -> Option<ObjectId> {
        self.by_path.get(path).and_then(|blobs| blobs.last()).copied()
    }

    fn pending(&self) -> Vec<PendingLayout> {
        let mut all: Vec<_> = self.entries.iter().collect();
        all.sort_by_key(|(_, extent)| extent.record);
        let pending = all.into_iter().map(|((blob, path), extent)| PendingLayout {
            blob: *blob,
            path: path.clone(),
            at: extent.at,
            newest: self.newest_blob(path) == Some(*blob),
            crc: extent.crc,
        });
        pending.collect()
    }

    fn apply_record(&mut self, header: RecordHeader) {
        let RecordHeader { kind, blob, path, extent } = header;
        let key = (blob, path.clone());
        let known = self.entries.get(&key).copied();
        if kind != b'L' {
            self.dead += extent.record_size();
            // Another one may have been filed after the note was written.
            let is_it = |known: LayoutExtent| match extent.crc {
                // Version 0.1.0 wrote times only.
                0 => known.at <= extent.at,
                crc => known.crc == crc,
            };
            if kind == b'S' && known.is_some_and(is_it) {
                self.remove(&key);
            }
            return;
        }
        match known {
            Some(known) => self.dead += known.record_size(),
            None => self.by_blob.entry(blob).or_default().push(path.clone()),
        }
        let blobs = self.by_path.entry(path).or_default();
        blobs.retain(|known| *known != blob);
        blobs.push(blob);
        self.entries.insert(key, extent);
    }

    fn remove(&mut self, key: &(ObjectId, RepoPath)) {
        let Some(extent) = self.entries.remove(key) else { return };
        self.dead += extent.record_size();
        if let Some(paths) = self.by_blob.get_mut(&key.0) {
            paths.retain(|path| *path != key.1);
        }
        if let Some(blobs) = self.by_path.get_mut(&key.1) {
            blobs.retain(|blob| *blob != key.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::git::{ObjectFormat, ObjectKind};

    fn blob(name: &str) -> ObjectId {
        ObjectFormat::Sha1.object_id(ObjectKind::Blob, name.as_bytes())
    }

    fn path(name: &str) -> RepoPath {
        RepoPath::new(name)
    }

    fn layout(entry: Option<LayoutEntry>) -> Option<String> {
        entry.map(|entry| entry.layout)
    }

    #[test]
    fn the_newest_layout_of_a_blob_and_path_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = LayoutStore::open(folder.path());
        assert_eq!(store.get(blob("1"), &path("a")).unwrap(), None);
        store.add(blob("1"), &path("a"), 10, "{1a}").unwrap();
        store.add(blob("1"), &path("b"), 11, "{1b}").unwrap();
        store.add(blob("2"), &path("a"), 12, "{2a}").unwrap();
        // The clock was set back; what is filed last is still the newest.
        store.add(blob("1"), &path("a"), 5, "{1a again}").unwrap();
        let mut other = LayoutStore::open(folder.path());
        for store in [&mut store, &mut other] {
            assert_eq!(layout(store.get(blob("1"), &path("a")).unwrap()).unwrap(), "{1a again}");
            assert_eq!(layout(store.get(blob("2"), &path("a")).unwrap()).unwrap(), "{2a}");
            assert_eq!(
                layout(store.get_anywhere(blob("1")).unwrap().map(|(_, entry)| entry)).unwrap(),
                "{1a again}"
            );
            assert_eq!(
                layout(store.newest_of_path(&path("a")).unwrap().map(|(_, entry)| entry)).unwrap(),
                "{1a again}"
            );
            assert_eq!(
                layout(store.newest_of_path(&path("c")).unwrap().map(|(_, entry)| entry)),
                None
            );
        }
    }

    #[test]
    fn the_same_layout_is_filed_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = LayoutStore::open(folder.path());
        store.add(blob("1"), &path("a"), 1, "{}").unwrap();
        let size = std::fs::metadata(store.path()).unwrap().len();
        store.add(blob("1"), &path("a"), 2, "{}").unwrap();
        LayoutStore::open(folder.path()).add(blob("1"), &path("a"), 3, "{}").unwrap();
        assert_eq!(std::fs::metadata(store.path()).unwrap().len(), size);
    }

    #[test]
    fn records_cut_off_anywhere_hide_only_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = LayoutStore::open(folder.path());
        store.add(blob("1"), &path("before"), 1, "{\"before\":1}").unwrap();
        let whole = std::fs::read(store.path()).unwrap();
        let torn = format_record(b'L', 2, blob("2"), &path("torn"), b"{\"torn\":2}", 0);
        for cut in 1..torn.len() {
            let bytes = [&whole, &torn[..cut]].concat();
            std::fs::write(store.path(), bytes).unwrap();
            let mut store = LayoutStore::open(folder.path());
            store.add(blob("3"), &path("after"), 3, &"x".repeat(cut * 3)).unwrap();
            assert!(store.get(blob("1"), &path("before")).unwrap().is_some(), "cut at {cut}");
            assert!(store.get(blob("3"), &path("after")).unwrap().is_some(), "cut at {cut}");
            assert_eq!(store.get(blob("2"), &path("torn")).unwrap(), None, "cut at {cut}");
        }
    }

    #[test]
    fn damaged_layouts_are_not_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = LayoutStore::open(folder.path());
        store.add(blob("1"), &path("a"), 1, "{\"x\":1}").unwrap();
        let mut bytes = std::fs::read(store.path()).unwrap();
        let at = bytes.len() - 3;
        bytes[at] = b'9';
        std::fs::write(store.path(), bytes).unwrap();
        assert_eq!(LayoutStore::open(folder.path()).get(blob("1"), &path("a")).unwrap(), None);
    }

    #[test]
    fn settled_layouts_are_no_longer_pending_and_the_file_goes_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = LayoutStore::open(folder.path());
        store.add(blob("1"), &path("a"), 1, "{1}").unwrap();
        store.add(blob("2"), &path("a"), 2, "{2}").unwrap();
        let settled: Vec<_> =
            store.pending().unwrap().into_iter().filter(|p| p.blob == blob("2")).collect();
        store.mark_settled(&settled).unwrap();
        assert_eq!(store.get(blob("2"), &path("a")).unwrap(), None);
        assert_eq!(
            layout(store.newest_of_path(&path("a")).unwrap().map(|(_, entry)| entry)).unwrap(),
            "{1}"
        );
        store.compact(|_| CompactionVerdict::Keep).unwrap();
        assert_eq!(store.pending().unwrap().len(), 1);
        let rest = store.pending().unwrap();
        store.mark_settled(&rest).unwrap();
        store.compact(|_| CompactionVerdict::Keep).unwrap();
        assert!(!store.path().exists());
        store.add(blob("3"), &path("b"), 4, "{3}").unwrap();
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
                    let mut store = LayoutStore::open(folder);
                    for n in 0..EACH {
                        let name = format!("{writer}.{n}");
                        let text = "x".repeat(4000 + n);
                        store.add(blob(&name), &path(&name), n as u64, &text).unwrap();
                    }
                });
            }
            let folder = folder.path();
            scope.spawn(move || {
                let mut store = LayoutStore::open(folder);
                for _ in 0..30 {
                    // Every layout of writer 0 is of no use.
                    let judge = |p: &PendingLayout| match p.path.as_bytes()[0] {
                        b'0' => CompactionVerdict::Drop,
                        _ => CompactionVerdict::Keep,
                    };
                    store.compact(judge).unwrap();
                }
            });
        });
        let mut store = LayoutStore::open(folder.path());
        for writer in 1..4 {
            for n in 0..EACH {
                let name = format!("{writer}.{n}");
                let found = store.get(blob(&name), &path(&name)).unwrap().unwrap();
                assert_eq!(found.layout.len(), 4000 + n, "{name}");
            }
        }
    }
}
