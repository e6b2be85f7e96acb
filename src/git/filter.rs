//! One file on its way into git or out of it: which mode it has, what `canon` makes of it,
//! which layout is filed or found. Content is never the reason for a failure: whatever
//! cannot be handled passes as it came.
//!
//! Must not know how git hands files over (`process`, and the one-shot commands).

use std::borrow::Cow;

use crate::canon::{self, Known, Rest};

use super::door::Direction;
use super::id::{Kind, ObjectFormat, ObjectId, RepoPath};
use super::layouts::{Finder, Found};
use super::raw::{Indexed, Stored};
use super::repository::Repository;
use super::settings::{Handling, Settings};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// It stays as it is.
    Untouched,
    /// It has other bytes now.
    Changed(Vec<u8>),
}

impl Passed {
    /// The new bytes, or those that came in.
    pub fn or<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            Passed::Untouched => input,
            Passed::Changed(content) => content,
        }
    }
}

/// The filter of one repository, for one file after another.
#[derive(Debug)]
pub struct Filter<'r> {
    repository: Option<&'r Repository>,
    settings: Settings,
    finder: Option<Finder<'r>>,
    indexed: Option<Indexed<'r>>,
    remarks: Vec<String>,
}

impl<'r> Filter<'r> {
    /// A filter for a repository. Without one, files are cleaned and arranged, and no
    /// layout is kept or known.
    pub fn new(repository: Option<&'r Repository>) -> Filter<'r> {
        let mut remarks = Vec::new();
        let settings = match repository.map(Settings::of) {
            Some(Ok(settings)) => settings,
            Some(Err(error)) => {
                remarks.push(format!("settings cannot be read: {error}"));
                Settings::default()
            }
            None => Settings::default(),
        };
        remarks.extend(settings.remarks.iter().cloned());
        let (finder, indexed) = (repository.map(Finder::new), repository.map(Indexed::new));
        Filter { repository, settings, finder, indexed, remarks }
    }

    /// The most bytes of a file that are looked at.
    pub fn max_file_size(&self) -> u64 {
        self.settings.max_file_size
    }

    /// What is worth telling the person since the last time, each a line.
    pub fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn handling(&self, path: &RepoPath, when: Direction) -> Handling {
        match self.repository {
            Some(repository) => self.settings.handling_of(repository, path, when),
            None => self.settings.handling,
        }
    }

    /// Cleans a file. What it gives beside the content leads to the layout, which
    /// [`Filter::file`] keeps: that may wait until git has the content, so that the two
    /// work at the same time.
    pub fn clean<'b>(&mut self, path: &RepoPath, bytes: &'b [u8]) -> (Passed, Option<Rest<'b>>) {
        let Handling::Clean(mode) = self.handling(path, Direction::Checkin) else {
            return (Passed::Untouched, None);
        };
        match canon::begin(bytes, mode) {
            Ok((content, Some(rest))) => {
                match self.indexed.as_mut().and_then(|index| index.raw(path, bytes)) {
                    Some(raw) => (raw, None),
                    None => (Passed::Changed(content), Some(rest)),
                }
            }
            Ok((_, None)) | Err(None) => (Passed::Untouched, None),
            Err(Some(remark)) => {
                let what = "is kept as it is, with its layout";
                self.remarks.push(format!("{path} {what}: {remark}"));
                (Passed::Untouched, None)
            }
        }
    }

    /// Files the layout that was cleaned out of a file.
    pub fn file(&mut self, path: &RepoPath, content: &[u8], rest: Rest<'_>) {
        let (Some(repository), Some(finder)) = (self.repository, &mut self.finder) else { return };
        let blob = repository.format().id_of(Kind::Blob, content);
        if let Err(error) = finder.file(blob, path, &rest.layout()) {
            self.remarks.push(format!("the layout of {path} is not kept: {error}"));
        }
    }

    /// Puts the layout into a file. `blob` is its id, where git told it.
    pub fn smudge(&mut self, path: &RepoPath, blob: Option<ObjectId>, bytes: &[u8]) -> Passed {
        let Some((found, stored)) = self.found(path, blob, bytes) else { return Passed::Untouched };
        smudged(bytes, &found, stored).map_or(Passed::Untouched, Passed::Changed)
    }

    /// The first half of [`Filter::smudge`], which looks into the repository; the other
    /// half can be done on any thread. The content itself for a file that is none of ours.
    pub fn errand(
        &mut self,
        path: &RepoPath,
        blob: Option<ObjectId>,
        content: Vec<u8>,
    ) -> std::result::Result<Errand, Vec<u8>> {
        match self.found(path, blob, &content) {
            Some((found, stored)) => Ok(Errand { content, found, stored }),
            None => Err(content),
        }
    }

    fn found(
        &mut self,
        path: &RepoPath,
        blob: Option<ObjectId>,
        bytes: &[u8],
    ) -> Option<(Found, Stored)> {
        let Handling::Clean(mode) = self.handling(path, Direction::Checkout) else { return None };
        if !may_be_graph(bytes) {
            return None;
        }
        let (Some(repository), Some(finder)) = (self.repository, &mut self.finder) else {
            return Some((Found::Nothing, Stored { blob: None, mode }));
        };
        let blob = blob.unwrap_or_else(|| clean_id(repository.format(), bytes));
        let found = finder.find(blob, path).unwrap_or_else(|error| {
            self.remarks.push(format!("the layout of {path} cannot be read: {error}"));
            Found::Nothing
        });
        Some((found, Stored { blob: Some(blob), mode }))
    }
}

/// A file whose layout was found, still to be smudged.
#[derive(Debug)]
pub struct Errand {
    /// The clean content.
    pub content: Vec<u8>,
    found: Found,
    stored: Stored,
}

impl Errand {
    /// The file for the work tree.
    pub fn run(self) -> Vec<u8> {
        smudged(&self.content, &self.found, self.stored).unwrap_or(self.content)
    }
}

fn smudged(bytes: &[u8], found: &Found, stored: Stored) -> Option<Vec<u8>> {
    let known = match found {
        Found::Exact(_) if stored.is_raw_by_now(bytes) => return None,
        Found::Exact(layout) => Known::Exact(layout),
        _ if stored.is_raw(bytes) => return None,
        Found::Related(layout) => Known::Related(layout),
        Found::Nothing => Known::Nothing,
    };
    canon::smudge(bytes, known)
}

/// A blob with the layout that was committed with it; the blob as it is where none is
/// known, or it holds no workflow.
pub fn with_committed_layout(
    repository: &Repository,
    path: &RepoPath,
    blob: ObjectId,
    bytes: Vec<u8>,
) -> Vec<u8> {
    let mut finder = Finder::new(repository);
    match finder.committed(blob, path) {
        Ok(Some(layout)) => canon::smudge(&bytes, Known::Exact(&layout)).unwrap_or(bytes),
        _ => bytes,
    }
}

/// A file that is no JSON object is not worth a look-up.
fn may_be_graph(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// The id of a blob whose content git may have given other line ends on the way
/// (`core.autocrlf`).
pub(super) fn clean_id(format: ObjectFormat, bytes: &[u8]) -> ObjectId {
    format.id_of(Kind::Blob, &plain_line_ends(bytes))
}

/// The bytes with git's own line ends. In JSON a line end never belongs to a string.
pub(super) fn plain_line_ends(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(bytes, b"\r\n").is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            plain.push(*byte);
        }
    }
    Cow::Owned(plain)
}
