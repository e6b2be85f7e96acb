//! What the notes said about layouts in all their history: ours, and what was fetched and
//! is not in ours.
//!
//! Must not know which file of the work tree somebody asks about.

use std::cmp::Reverse;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::note::{Entry, Note};
use super::notes_past::NotesPast;
use super::{MAX_NOTE, notes_ref, tracking_refs};
use crate::platform::git::notes::Notes;
use crate::platform::git::{CommitId, ObjectId, Order, Person, RepoPath, Repository, Result, Walk};

/// A commit of notes.
#[derive(Debug)]
pub(crate) struct NotesCommit {
    /// Its id.
    pub(crate) id: CommitId,
    /// Who made it, and when.
    pub(crate) author: Person,
    /// It puts the notes of two clones together.
    pub(crate) is_merge: bool,
}

/// A layout that a commit of notes brought in.
#[derive(Debug, Clone)]
pub(crate) struct NotedLayout {
    /// The commit.
    pub(crate) commit: Rc<NotesCommit>,
    /// The clean content it is of.
    pub(crate) blob: ObjectId,
    /// The file.
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
struct Line {
    path: RepoPath,
    at: u64,
    crc: u32,
}

/// Every layout that any commit of the notes brought in, the newest first. One that came in
/// on two ways is told once, where it was first.
pub(crate) fn noted_layouts(repository: &Repository) -> Result<Vec<NotedLayout>> {
    let walk = Walk { from: tips(repository)?, without: Vec::new(), order: Order::Newest };
    let mut all = Vec::new();
    if walk.from.is_empty() {
        return Ok(all);
    }
    let mut known = NotesPast::load(repository);
    let mut changes = Changes { repository, lines: FxHashMap::default() };
    for id in repository.walk(&walk)? {
        let id = id?;
        let mut layouts = match known.of(id) {
            Some(layouts) => layouts,
            None => {
                let (layouts, is_whole) = changes.of(id)?;
                if is_whole {
                    known.add(id, &layouts);
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
fn tips(repository: &Repository) -> Result<Vec<CommitId>> {
    let mut tips: Vec<CommitId> =
        repository.reference(&notes_ref())?.map(CommitId).into_iter().collect();
    for (_, id) in tracking_refs(repository)? {
        let id = CommitId(id);
        if !tips.contains(&id) && Notes::at(repository, Some(id)).is_ok() {
            tips.push(id);
        }
    }
    Ok(tips)
}

/// The line of a noted layout.
pub(crate) fn entry(repository: &Repository, noted: &NotedLayout) -> Result<Option<Entry>> {
    let text = repository.blob_within(noted.text, MAX_NOTE)?;
    Ok(text.and_then(|text| Note::parse(&text).entries.remove(&noted.path)))
}

struct Changes<'r> {
    repository: &'r Repository,
    /// What the notes say that were read.
    lines: FxHashMap<ObjectId, Rc<[Line]>>,
}

impl Changes<'_> {
    /// What a commit of notes says and none of those before it, and whether all of those
    /// are here.
    fn of(&mut self, id: CommitId) -> Result<(Vec<NotedLayout>, bool)> {
        let mut found = Vec::new();
        let Some(commit) = self.repository.commit(id)? else { return Ok((found, false)) };
        let here = Notes::at(self.repository, Some(id))?;
        // Those of a shallow clone may be missing.
        let before = commit.parents.iter();
        let before: Vec<Notes<'_>> =
            before.filter_map(|parent| Notes::at(self.repository, Some(*parent)).ok()).collect();
        let is_whole = before.len() == commit.parents.len();
        let nothing = Notes::at(self.repository, None)?;
        let differences = here.since(before.first().unwrap_or(&nothing))?;
        let texts: Vec<ObjectId> = differences.iter().filter_map(|note| note.after).collect();
        // In a partial clone notes come without their texts. Offline, what is here must do.
        let _ = self.repository.bring(&texts);
        let is_merge = commit.parents.len() > 1;
        let commit = Rc::new(NotesCommit { id, author: commit.author, is_merge });
        for difference in differences {
            let Some(text) = difference.after else { continue };
            let mut older: Vec<ObjectId> = difference.before.into_iter().collect();
            for other in before.iter().skip(1) {
                older.extend(other.of(difference.about)?);
            }
            if older.contains(&text) {
                continue;
            }
            let older = older.into_iter().map(|text| self.lines(text));
            let older = older.collect::<Result<Vec<_>>>()?;
            for line in self.lines(text)?.iter() {
                if !older.iter().any(|lines| lines.contains(line)) {
                    let Line { path, at, crc } = line.clone();
                    let (commit, blob) = (commit.clone(), difference.about);
                    found.push(NotedLayout { commit, blob, path, at, crc, text });
                }
            }
        }
        Ok((found, is_whole))
    }

    fn lines(&mut self, text: ObjectId) -> Result<Rc<[Line]>> {
        if let Some(lines) = self.lines.get(&text) {
            return Ok(lines.clone());
        }
        let note = self.repository.blob_within(text, MAX_NOTE)?.unwrap_or_default();
        let line = |(path, entry): (RepoPath, Entry)| {
            let crc = crc32fast::hash(entry.layout.as_bytes());
            Line { path, at: entry.at, crc }
        };
        let lines: Rc<[Line]> = Note::parse(&note).entries.into_iter().map(line).collect();
        self.lines.insert(text, lines.clone());
        Ok(lines)
    }
}
