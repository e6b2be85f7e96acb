//! The digests this machine has already computed.
//!
//! One small file for each hashed file, named after the path it was hashed under, written
//! aside and renamed: any number of processes may read and write at once, a torn entry
//! cannot exist, and the whole folder can be deleted at any time. An entry counts only
//! while the file's [`FileStamp`] is the one it was hashed with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::HashedFile;
use super::stamp::FileStamp;
use crate::platform::machine::safetensors::SafetensorsHeader;
use crate::platform::machine::{Digest, FileHashes};
use crate::platform::{AtomicWrite, files};

/// The shape of an entry. Another number is another program's entry: passed over.
const ENTRY_FORMAT: u32 = 1;
/// The largest entry that is read, in bytes: a path, five digests and a dozen short texts.
const MAX_ENTRY_LEN: u64 = 64 << 10;

#[derive(Debug, Clone)]
pub struct HashCache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct HashCacheEntry {
    entry: u32,
    path: String,
    #[serde(flatten)]
    stamp: FileStamp,
    hashes: FileHashes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<SafetensorsHeader>,
}

impl HashCache {
    /// The cache that lies in git-comfy's own folder of a repository
    /// (`<common git dir>/comfy`). Nothing is touched before something is stored.
    pub fn in_folder(comfy_folder: &Path) -> Self {
        HashCache { folder: comfy_folder.join("hashes") }
    }

    /// The digests that were stored under the same path and stamp.
    pub fn get(&self, path: &Path, stamp: FileStamp) -> Option<HashedFile> {
        let entry = read_entry(&self.entry_path(path))?;
        let same = entry.stamp == stamp && Path::new(&entry.path) == path;
        same.then_some(HashedFile { hashes: entry.hashes, stamp, header: entry.header })
    }

    /// What a file of this path held when it was last hashed, and its size in bytes, even
    /// if it is gone.
    pub fn last_known(&self, path: &Path) -> Option<(FileHashes, u64)> {
        let entry = read_entry(&self.entry_path(path))?;
        (Path::new(&entry.path) == path).then_some((entry.hashes, entry.stamp.size))
    }

    /// Stores the digests of a file. A path that is not UTF-8 is not stored.
    pub fn insert(&self, path: &Path, hashed: &HashedFile) -> io::Result<()> {
        let Some(text) = path.to_str() else { return Ok(()) };
        let entry = HashCacheEntry {
            entry: ENTRY_FORMAT,
            path: text.to_owned(),
            stamp: hashed.stamp,
            hashes: hashed.hashes.clone(),
            header: hashed.header.clone(),
        };
        let text = serde_json::to_vec(&entry)?;
        AtomicWrite::new().create_folder().write(&self.entry_path(path), &text)
    }

    /// The files that had these bytes when they were hashed and still look the same:
    /// how a model is found again that was renamed or moved.
    pub fn files_with_digest(&self, digest: &Digest) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let has = |entry: &HashCacheEntry| entry.hashes.matches(digest) == Some(true);
        for folder in list_folder(&self.folder) {
            for file in list_folder(&folder) {
                let Some(entry) = read_entry(&file).filter(has) else { continue };
                let path = PathBuf::from(entry.path);
                if path
                    .metadata()
                    .is_ok_and(|now| now.is_file() && FileStamp::from_metadata(&now) == entry.stamp)
                {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// Deletes the entries of files that are gone; gives how many.
    pub fn prune(&self) -> usize {
        let entries = list_folder(&self.folder).into_iter().flat_map(|folder| list_folder(&folder));
        let gone = entries.filter(|file| match read_entry(file) {
            Some(entry) => !Path::new(&entry.path).exists(),
            None => false,
        });
        gone.filter(|file| fs::remove_file(file).is_ok()).count()
    }

    fn entry_path(&self, path: &Path) -> PathBuf {
        let key = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
        let (folder, name) = key.as_str().split_at(2);
        self.folder.join(folder).join(name)
    }
}

fn list_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn read_entry(file: &Path) -> Option<HashCacheEntry> {
    let text = files::read_up_to(file, MAX_ENTRY_LEN).ok()?;
    serde_json::from_slice::<HashCacheEntry>(&text).ok().filter(|entry| entry.entry == ENTRY_FORMAT)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::platform::machine::DigestKind;
    use crate::platform::machine::hash::{
        DigestSelection, HashThreads, NoHashProgress, SETTLING_TIME, hash_file,
    };

    fn hashed(path: &Path) -> HashedFile {
        let later = SystemTime::now() + SETTLING_TIME * 2;
        hash_file(path, DigestSelection::All, HashThreads::One, later, &NoHashProgress).unwrap()
    }

    fn stamp(path: &Path) -> FileStamp {
        FileStamp::from_metadata(&fs::metadata(path).unwrap())
    }

    #[test]
    fn an_entry_counts_only_while_the_file_looks_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let cache = HashCache::in_folder(folder.path());
        let model = folder.path().join("a.safetensors");
        fs::write(&model, b"one").unwrap();
        let one = hashed(&model);
        assert_eq!(cache.get(&model, stamp(&model)), None);
        cache.insert(&model, &one).unwrap();
        assert_eq!(cache.get(&model, stamp(&model)), Some(one.clone()));
        // Replaced by a file of the same length and time: another inode.
        let other = folder.path().join("other");
        fs::write(&other, b"two").unwrap();
        let time = fs::metadata(&model).unwrap().modified().unwrap();
        fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        fs::rename(&other, &model).unwrap();
        assert_eq!(cache.get(&model, stamp(&model)), None);
    }

    #[test]
    fn a_renamed_model_is_found_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = HashCache::in_folder(folder.path());
        let [before, after] = ["before.pt", "after.pt"].map(|name| folder.path().join(name));
        fs::write(&before, b"weights").unwrap();
        let old = hashed(&before);
        cache.insert(&before, &old).unwrap();
        fs::rename(&before, &after).unwrap();
        cache.insert(&after, &hashed(&after)).unwrap();
        let digest = old.hashes.digest(DigestKind::Sha256).unwrap();
        assert_eq!(cache.files_with_digest(&digest), [after]);
        assert_eq!(cache.prune(), 1);
    }

    #[test]
    fn a_damaged_entry_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let cache = HashCache::in_folder(folder.path());
        let model = folder.path().join("a.pt");
        fs::write(&model, b"one").unwrap();
        cache.insert(&model, &hashed(&model)).unwrap();
        fs::write(cache.entry_path(&model), b"{\"entry\":1,\"pa").unwrap();
        assert_eq!(cache.get(&model, stamp(&model)), None);
        cache.insert(&model, &hashed(&model)).unwrap();
        assert!(cache.get(&model, stamp(&model)).is_some());
    }

    #[test]
    fn writers_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let cache = HashCache::in_folder(folder.path());
        let model = folder.path().join("a.pt");
        fs::write(&model, b"one").unwrap();
        let one = hashed(&model);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        cache.insert(&model, &one).unwrap();
                        assert_eq!(cache.get(&model, one.stamp), Some(one.clone()));
                    }
                });
            }
        });
    }
}
