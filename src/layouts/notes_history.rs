//! What the notes said about layouts in all their history: ours, and what was fetched and
//! is not in ours.
//!
//! Must not know which file of the work tree somebody asks about.

use std::cmp::Reverse;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::layout_note::{LayoutEntry, LayoutNote};
use super::notes_history_cache::NotesHistoryCache;
use super::{MAX_NOTE_SIZE, NoteTips};
use crate::platform::git::notes::NotesTree;
use crate::platform::git::{
    CommitId, HistoryWalk, ObjectId, RepoPath, Repository, Result, Signature, WalkOrder,
};

#[derive(Debug)]
pub(crate) struct NotesCommit {
    pub(crate) id: CommitId,
    /// Who made it, and when.
    pub(crate) author: Signature,
    /// It puts the notes of two clones together.
    pub(crate) is_merge: bool,
}

/// A layout that a commit of notes brought in.
#[derive(Debug, Clone)]
pub(crate) struct NotedLayout {
    pub(crate) commit: Rc<NotesCommit>,
    /// The clean content it is of.
    pub(crate) blob: ObjectId,
    pub(crate) path: RepoPath,
    /// The latest time in it, in milliseconds since 1970.
    pub(crate) at: u64,
    /// The checksum of its line.
    pub(crate) crc: u32,
    /// The note it is in.
    pub(crate) text: ObjectId,
}

/// What of a note tells whether the layout of a path is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NotedLayoutLine {
    path: RepoPath,
    at: u64,
    crc: u32,
}

/// Every layout that any commit of the notes brought in, the newest first. One that came in
/// on two ways is told once, where it was first.
pub(crate) fn noted_layouts(repository: &Repository) -> Result<Vec<NotedLayout>> {
    let walk = HistoryWalk {
        from: readable_tips(repository)?,
        exclude: Vec::new(),
        order: WalkOrder::Newest,
    };
    let mut all = Vec::new();
    if walk.from.is_empty() {
        return Ok(all);
    }
    let mut known = NotesHistoryCache::load(repository);
    let mut changes = NoteChanges { repository, lines: FxHashMap::default() };
    for id in repository.walk_history(&walk)? {
        let id = id?;
        let mut layouts = match known.get(id) {
            Some(layouts) => layouts,
            None => {
                let (layouts, is_whole) = changes.introduced_by(id)?;
                if is_whole {
                    known.insert(id, &layouts);
                }
                layouts
            }
        };
        // A commit says nothing of the order in which its layouts came about.
        layouts.sort_by_key(|noted| Reverse(noted.at));
        all.extend(layouts);
    }
    // It is made again when it cannot be kept.
    let _ = known.save(repository);
    let mut seen = FxHashSet::default();
    all.reverse();
    all.retain(|noted| seen.insert((noted.blob, noted.path.clone(), noted.at, noted.crc)));
    all.reverse();
    Ok(all)
}

/// The notes of this clone and of all remotes, as far as they can be read.
fn readable_tips(repository: &Repository) -> Result<Vec<CommitId>> {
    let NoteTips { ours, fetched } = NoteTips::read(repository)?;
    let mut tips: Vec<CommitId> = ours.into_iter().collect();
    for id in fetched {
        if !tips.contains(&id) && NotesTree::load(repository, Some(id)).is_ok() {
            tips.push(id);
        }
    }
    Ok(tips)
}

/// The line of a noted layout.
pub(crate) fn read_entry(
    repository: &Repository,
    noted: &NotedLayout,
) -> Result<Option<LayoutEntry>> {
    let text = repository.blob_up_to(noted.text, MAX_NOTE_SIZE)?;
    Ok(text.and_then(|text| LayoutNote::parse(&text).entries.remove(&noted.path)))
}

struct NoteChanges<'r> {
    repository: &'r Repository,
    /// What the notes say that were read.
    lines: FxHashMap<ObjectId, Rc<[NotedLayoutLine]>>,
}

impl NoteChanges<'_> {
    /// What a commit of notes says and none of those before it, and whether all of those
    /// are here.
    fn introduced_by(&mut self, id: CommitId) -> Result<(Vec<NotedLayout>, bool)> {
        let mut found = Vec::new();
        let Some(commit) = self.repository.commit(id)? else { return Ok((found, false)) };
        let here = NotesTree::load(self.repository, Some(id))?;
        // Those of a shallow clone may be missing.
        let before = commit.parents.iter();
        let before: Vec<NotesTree<'_>> = before
            .filter_map(|parent| NotesTree::load(self.repository, Some(*parent)).ok())
            .collect();
        let is_whole = before.len() == commit.parents.len();
        let nothing = NotesTree::load(self.repository, None)?;
        let differences = here.changes_since(before.first().unwrap_or(&nothing))?;
        let texts: Vec<ObjectId> = differences.iter().filter_map(|note| note.after).collect();
        // In a partial clone notes come without their texts. Offline, what is here must do.
        let _ = self.repository.fetch_missing_objects(&texts);
        let is_merge = commit.parents.len() > 1;
        let commit = Rc::new(NotesCommit { id, author: commit.author, is_merge });
        for difference in differences {
            let Some(text) = difference.after else { continue };
            let mut older: Vec<ObjectId> = difference.before.into_iter().collect();
            for other in before.iter().skip(1) {
                older.extend(other.notes_for(difference.about)?);
            }
            if older.contains(&text) {
                continue;
            }
            let older = older.into_iter().map(|text| self.note_lines(text));
            let older = older.collect::<Result<Vec<_>>>()?;
            for line in self.note_lines(text)?.iter() {
                if !older.iter().any(|lines| lines.contains(line)) {
                    let NotedLayoutLine { path, at, crc } = line.clone();
                    let (commit, blob) = (commit.clone(), difference.about);
                    found.push(NotedLayout { commit, blob, path, at, crc, text });
                }
            }
        }
        Ok((found, is_whole))
    }

    fn note_lines(&mut self, text: ObjectId) -> Result<Rc<[NotedLayoutLine]>> {
        if let Some(lines) = self.lines.get(&text) {
            return Ok(lines.clone());
        }
        let note = self.repository.blob_up_to(text, MAX_NOTE_SIZE)?.unwrap_or_default();
        let line = |(path, entry): (RepoPath, LayoutEntry)| {
            let crc = crc32fast::hash(entry.layout.as_bytes());
            NotedLayoutLine { path, at: entry.at, crc }
        };
        let lines: Rc<[NotedLayoutLine]> =
            LayoutNote::parse(&note).entries.into_iter().map(line).collect();
        self.lines.insert(text, lines.clone());
        Ok(lines)
    }
}
