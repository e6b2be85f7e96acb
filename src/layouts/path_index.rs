//! Which blobs hold the newest layouts of a path: an index over our layout notes, for the
//! day a file arrives with content that nobody has laid out yet.
//!
//! Derived: it says which notes commit it knows, is brought up to date from there, and can
//! be deleted at any time. The file only grows until it is rewritten:
//!
//! ```text
//! <at> <blob> <path>
//! = <notes commit before> <notes commit after>
//! ```

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use rustc_hash::FxHashMap;

use super::MAX_NOTE_SIZE;
use super::layout_note::LayoutNote;
use super::state_files;
use crate::platform::AtomicWrite;
use crate::platform::git::notes::NotesTree;
use crate::platform::git::{CommitId, GitError, ObjectId, RepoPath, Repository, Result};

/// So many layouts of a path are told: what the newest does not place, an older one may.
pub(crate) const MAX_PER_PATH: usize = 8;

/// The newest layouts of every path.
#[derive(Debug, Default)]
pub(crate) struct PathIndex {
    /// Each with its blob, the newest first.
    newest: FxHashMap<RepoPath, Vec<(u64, ObjectId)>>,
    known: Option<CommitId>,
    lines: usize,
}

/// A layout that a notes commit added.
#[derive(Debug, Clone)]
pub(crate) struct AddedLayout {
    /// Under which time.
    pub(crate) at: u64,
    pub(crate) blob: ObjectId,
    pub(crate) path: RepoPath,
}

fn index_file(repository: &Repository) -> PathBuf {
    repository.state_dir().join(state_files::PATH_INDEX)
}

impl PathIndex {
    /// The index over the notes of a commit, brought up to date if need be.
    pub(crate) fn open(repository: &Repository, notes: Option<CommitId>) -> Result<PathIndex> {
        let mut paths = PathIndex::load(repository);
        if paths.known != notes {
            paths.update(repository, notes)?;
            // It is made again when it cannot be kept.
            let _ = paths.save(repository);
        }
        Ok(paths)
    }

    /// The blobs whose notes hold the newest layouts of a path, and their times, the newest
    /// first.
    pub(crate) fn newest(&self, path: &RepoPath) -> &[(u64, ObjectId)] {
        self.newest.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    fn load(repository: &Repository) -> PathIndex {
        let mut paths = PathIndex::default();
        for line in std::fs::read(index_file(repository)).unwrap_or_default().split(|b| *b == b'\n')
        {
            paths.lines += 1;
            if let Some(marker) = line.strip_prefix(b"= ") {
                if let Some((before, after)) = parse_marker(marker)
                    && before == paths.known
                {
                    paths.known = after;
                }
            } else if let Some(added) = parse_line(line) {
                paths.add(added);
            }
        }
        paths
    }

    fn add(&mut self, added: AddedLayout) {
        let newest = self.newest.entry(added.path).or_default();
        if newest.iter().any(|(at, blob)| *blob == added.blob && *at >= added.at) {
            return;
        }
        newest.retain(|(_, blob)| *blob != added.blob);
        // Of two at one time the one that was added last.
        let place = newest.iter().position(|(at, _)| *at <= added.at).unwrap_or(newest.len());
        newest.insert(place, (added.at, added.blob));
        newest.truncate(MAX_PER_PATH);
    }

    fn update(&mut self, repository: &Repository, notes: Option<CommitId>) -> Result<()> {
        let newer = NotesTree::load(repository, notes)?;
        let older = match NotesTree::load(repository, self.known) {
            Ok(older) => older,
            // Known from notes that were replaced and pruned since.
            Err(_) => NotesTree::load(repository, None)?,
        };
        self.add_newer(repository, &newer, &older)?;
        self.known = notes;
        Ok(())
    }

    /// Adds what some notes say and older ones do not, for as long as it is in memory.
    pub(crate) fn add_newer(
        &mut self,
        repository: &Repository,
        newer: &NotesTree<'_>,
        older: &NotesTree<'_>,
    ) -> Result<()> {
        for difference in newer.changes_since(older)? {
            let Some(text) = difference.after else { continue };
            let Some(text) = repository.blob_up_to(text, MAX_NOTE_SIZE)? else { continue };
            for (path, entry) in LayoutNote::parse(&text).entries {
                self.add(AddedLayout { at: entry.at, blob: difference.about, path });
            }
        }
        Ok(())
    }

    fn save(&self, repository: &Repository) -> Result<()> {
        let path = index_file(repository);
        let mut text = Vec::new();
        for (path, newest) in &self.newest {
            for (at, blob) in newest.iter().rev() {
                print_line(*at, *blob, path, &mut text);
            }
        }
        print_marker(None, self.known, &mut text);
        let write = AtomicWrite::new().create_folder();
        write.write(&path, &text).map_err(GitError::file_error("writing", &path))
    }
}

/// Tells the index what a new notes commit added, where the index knows the one before
/// it. It finds out by itself where it does not.
pub(crate) fn append_update(
    repository: &Repository,
    before: Option<CommitId>,
    after: Option<CommitId>,
    added: &[AddedLayout],
) -> Result<()> {
    let path = index_file(repository);
    let failed = || GitError::file_error("writing", path.clone());
    let mut options = OpenOptions::new();
    let options = options.read(true).append(true).create(before.is_none());
    let mut file = match options.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed()(error)),
    };
    let length = file.metadata().map_err(failed())?.len();
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(200))).map_err(failed())?;
    file.read_to_end(&mut tail).map_err(failed())?;
    let last = tail.strip_suffix(b"\n").and_then(|t| t.rsplit(|b| *b == b'\n').next());
    let known = last.and_then(|line| line.strip_prefix(b"= ")).and_then(parse_marker);
    let known = match known {
        Some((_, known)) => known,
        None if length == 0 => None,
        None => return Ok(()),
    };
    if known != before {
        return Ok(());
    }
    let mut text = Vec::new();
    for added in added {
        print_line(added.at, added.blob, &added.path, &mut text);
    }
    print_marker(before, after, &mut text);
    file.write_all(&text).map_err(failed())
}

fn print_line(at: u64, blob: ObjectId, path: &RepoPath, text: &mut Vec<u8>) {
    text.extend_from_slice(format!("{at} {blob} ").as_bytes());
    for byte in path.as_bytes() {
        match byte {
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\\' => text.extend_from_slice(b"\\\\"),
            other => text.push(*other),
        }
    }
    text.push(b'\n');
}

fn parse_line(line: &[u8]) -> Option<AddedLayout> {
    let mut parts = line.splitn(3, |b| *b == b' ');
    let at = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let blob = ObjectId::from_hex(parts.next()?)?;
    let mut path = Vec::new();
    let mut bytes = parts.next()?.iter();
    while let Some(byte) = bytes.next() {
        path.push(match byte {
            b'\\' if bytes.next()? == &b'n' => b'\n',
            other => *other,
        });
    }
    Some(AddedLayout { at, blob, path: RepoPath::new(path) })
}

fn print_marker(before: Option<CommitId>, after: Option<CommitId>, text: &mut Vec<u8>) {
    let name = |commit: Option<CommitId>| commit.map_or("-".to_owned(), |c| c.to_string());
    text.extend_from_slice(format!("= {} {}\n", name(before), name(after)).as_bytes());
}

fn parse_marker(text: &[u8]) -> Option<(Option<CommitId>, Option<CommitId>)> {
    let parse = |name: &[u8]| match name {
        b"-" => Some(None),
        hex => ObjectId::from_hex(hex).map(|id| Some(CommitId(id))),
    };
    let space = memchr::memchr(b' ', text)?;
    Some((parse(&text[..space])?, parse(&text[space + 1..])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::git::{ObjectFormat, ObjectKind};

    #[test]
    fn lines_go_there_and_back() {
        let blob = ObjectFormat::Sha256.object_id(ObjectKind::Blob, b"");
        for path in [&b"plain.json"[..], b"sp ace/x\\n\ny\xff", b"back\\"] {
            let path = RepoPath::new(path);
            let mut text = Vec::new();
            print_line(7, blob, &path, &mut text);
            let line = text.strip_suffix(b"\n").unwrap();
            assert!(!line.contains(&b'\n'));
            let added = parse_line(line).unwrap();
            assert_eq!((added.at, added.blob, added.path), (7, blob, path));
        }
    }
}
