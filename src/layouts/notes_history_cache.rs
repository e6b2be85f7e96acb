//! What each commit of the notes brought in, remembered: looking through the notes of years
//! takes a while, and none of it ever changes.
//!
//! Derived: a line of JSON for each commit, behind one that says the form. It can be deleted
//! at any time.

use std::path::PathBuf;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::notes_history::{NotedLayout, NotesCommit};
use super::state_files;
use crate::platform::AtomicWrite;
use crate::platform::git::{CommitId, GitError, ObjectId, RepoPath, Repository, Result, Signature};

/// The form of the lines.
const FORMAT_HEADER: &str = "git-comfy notes past 1";

/// What is remembered of all commits.
#[derive(Debug, Default)]
pub(crate) struct NotesHistoryCache {
    lines: FxHashMap<CommitId, String>,
    is_changed: bool,
}

fn cache_file(repository: &Repository) -> PathBuf {
    repository.state_dir().join(state_files::NOTES_HISTORY)
}

impl NotesHistoryCache {
    /// Reads what is remembered; nothing where that cannot be read.
    pub(crate) fn load(repository: &Repository) -> NotesHistoryCache {
        let text = std::fs::read_to_string(cache_file(repository)).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT_HEADER) {
            return NotesHistoryCache::default();
        }
        let named = |line: &str| {
            let (id, rest) = line.split_once(' ')?;
            Some((CommitId(ObjectId::from_hex(id.as_bytes())?), rest.to_owned()))
        };
        NotesHistoryCache { lines: lines.filter_map(named).collect(), is_changed: false }
    }

    /// What a commit brought in, if that is remembered.
    pub(crate) fn get(&self, id: CommitId) -> Option<Vec<NotedLayout>> {
        let row: Value = serde_json::from_str(self.lines.get(&id)?).ok()?;
        let author = Signature {
            name: row.get("by")?.as_str()?.to_owned(),
            email: String::new(),
            seconds: row.get("at")?.as_i64()?,
            offset: i32::try_from(row.get("zone")?.as_i64()?).ok()?,
        };
        let is_merge = row.get("merge")?.as_bool()?;
        let commit = Rc::new(NotesCommit { id, author, is_merge });
        let layout = |row: &Value| {
            let object = |at: usize| ObjectId::from_hex(row.get(at)?.as_str()?.as_bytes());
            Some(NotedLayout {
                commit: commit.clone(),
                blob: object(0)?,
                text: object(1)?,
                at: row.get(2)?.as_u64()?,
                crc: u32::try_from(row.get(3)?.as_u64()?).ok()?,
                path: RepoPath::new(row.get(4)?.as_str()?),
            })
        };
        row.get("layouts")?.as_array()?.iter().map(layout).collect()
    }

    /// Remembers what a commit brought in.
    pub(crate) fn insert(&mut self, id: CommitId, layouts: &[NotedLayout]) {
        let row = |layout: &NotedLayout| {
            let (blob, text) = (layout.blob.to_hex(), layout.text.to_hex());
            Some(json!([blob, text, layout.at, layout.crc, layout.path.as_str()?]))
        };
        // A path that is no text is looked up again each time.
        let Some(rows) = layouts.iter().map(row).collect::<Option<Vec<_>>>() else { return };
        let commit = layouts.first().map(|layout| &layout.commit);
        let author = commit.map(|commit| &commit.author);
        let row = json!({
            "by": author.map_or("", |author| author.name.as_str()),
            "at": author.map_or(0, |author| author.seconds),
            "zone": author.map_or(0, |author| author.offset),
            "merge": commit.is_some_and(|commit| commit.is_merge),
            "layouts": rows,
        });
        self.lines.insert(id, row.to_string());
        self.is_changed = true;
    }

    /// Writes it down, if there is anything new.
    pub(crate) fn save(&self, repository: &Repository) -> Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        let path = cache_file(repository);
        let mut text = format!("{FORMAT_HEADER}\n");
        for (id, line) in &self.lines {
            text.push_str(&format!("{id} {line}\n"));
        }
        let write = AtomicWrite::new().create_folder();
        write.write(&path, text.as_bytes()).map_err(GitError::file_error("writing", &path))
    }
}
