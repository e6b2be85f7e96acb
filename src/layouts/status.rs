//! The state of a work tree in the words of workflows.

use comfy_graph::{json, merge};

use super::layout_store::PendingLayout;
use super::promote::unnoted_layouts;
use super::raw_files::RawFile;
use super::refresh::refresh_index;
use super::settings::FilterSettings;
use super::storage_check::Obstacle;
use super::{raw_files, storage_check};
use crate::platform::files;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::conflict_markers::{self, DEFAULT_MARKER_SIZE};
use crate::platform::git::index::{IndexEntry, index_entries};
use crate::platform::git::{GitError, RepoPath, Repository, Result};

/// How a workflow differs from the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WorkflowChange {
    /// A merge left it undecided.
    Conflicted,
    /// Its content differs.
    Content,
    /// git does not know it yet.
    New,
    /// It is gone.
    Deleted,
    /// It has another name.
    Renamed,
    /// Only positions and the like differ; git sees no change.
    Layout,
}

/// A workflow that is not as it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileStatus {
    /// Its path; for a renamed one the new.
    pub(crate) path: RepoPath,
    /// How it differs.
    pub(crate) change: WorkflowChange,
    /// Whether the next commit takes the change along.
    pub(crate) staging: Staging,
    /// How many conflicts of a merge the file carries.
    pub(crate) conflicts: usize,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Staging {
    /// All of it is in the index.
    Staged,
    /// The work tree holds (more of) it.
    Unstaged,
}

/// What there is to tell.
#[derive(Debug, Default)]
pub(crate) struct WorkTreeStatus {
    /// The files that differ, worst first.
    pub(crate) files: Vec<FileStatus>,
    /// Layouts on this machine that no note holds yet.
    pub(crate) pending_layouts: usize,
    /// Workflows that lie in git as ComfyUI saved them, changed since or not.
    pub(crate) raw: Vec<RawFile>,
    /// What is damaged of the files that layouts are kept in. While such is in the way nothing
    /// else can be told.
    pub(crate) damages: Vec<Obstacle>,
}

/// Looks at the work tree, after taking the marks off files that differ in layout alone.
pub(crate) fn work_tree_status(repository: &Repository) -> Result<WorkTreeStatus> {
    repository.require_work_tree()?;
    let damages = storage_check::damages(repository);
    if damages.iter().any(|damage| damage.is_in_the_way) {
        return Ok(WorkTreeStatus { damages, ..WorkTreeStatus::default() });
    }
    refresh_index(repository)?;
    let git = repository.git_command().args(["status", "--porcelain=v2", "-z"]);
    let told = git.args(["--untracked-files=all", "--ignore-submodules=all"]).output()?;
    let mut found =
        parse_porcelain(&told).ok_or(GitError::Unexpected { command: "status".into() })?;
    found.retain(|file| is_filtered(repository, &file.path));
    let longest = FilterSettings::load(repository)?.max_file_size;
    let top = repository.require_work_tree()?;
    for file in &mut found {
        let content =
            files::read_up_to(&top.join(file.path.to_path()), longest).unwrap_or_default();
        file.conflicts = conflicts_in(&content);
    }
    let pending = unnoted_layouts(repository)?;
    // A layout that is pending for what the index holds is one that git sees no change in.
    let index = index_entries(repository)?;
    let raw = raw_files::raw_files_in_index(repository, &index)?;
    // One of content that nobody will commit, such as a merge that was settled otherwise, waits
    // for nothing.
    let is_awaited = |pending: &&PendingLayout| {
        let is_staged = |entry: &IndexEntry| entry.id == pending.blob && entry.path == pending.path;
        index.iter().any(is_staged) || found.iter().any(|file| file.path == pending.path)
    };
    let pending_layouts = pending.iter().filter(is_awaited).count();
    for entry in index {
        let is_pending = pending.iter().any(|p| p.blob == entry.id && p.path == entry.path);
        if is_pending && !found.iter().any(|file| file.path == entry.path) {
            let (change, staging) = (WorkflowChange::Layout, Staging::Unstaged);
            found.push(FileStatus { path: entry.path, change, staging, conflicts: 0 });
        }
    }
    found.sort_by(|a, b| (a.change, &a.path).cmp(&(b.change, &b.path)));
    Ok(WorkTreeStatus { files: found, pending_layouts, raw, damages })
}

/// How many conflicts a file carries: in its graphs, or between git's markers.
pub(crate) fn conflicts_in(content: &[u8]) -> usize {
    // Nearly every file is told by this alone.
    let is_marked = memchr::memmem::find(content, b"<<<<<<<").is_some();
    if !is_marked && memchr::memmem::find(content, b"\"git_comfy\"").is_none() {
        return 0;
    }
    let Ok(document) = json::parse(content) else {
        return conflict_markers::count_conflicts(content, DEFAULT_MARKER_SIZE);
    };
    merge::read_conflicts(&document).iter().map(|carrier| carrier.conflicts.len()).sum()
}

/// Reads `git status --porcelain=v2 -z`.
fn parse_porcelain(told: &[u8]) -> Option<Vec<FileStatus>> {
    let mut found = Vec::new();
    let mut records = told.split(|b| *b == 0).filter(|record| !record.is_empty());
    while let Some(record) = records.next() {
        let field = |n: usize| record.splitn(n + 1, |b| *b == b' ').nth(n);
        let marks = |code: &[u8]| (code.first().copied(), code.get(1).copied());
        let (path, change, staging) = match record[0] {
            b'?' => (field(1)?, WorkflowChange::New, Staging::Unstaged),
            b'u' => (field(10)?, WorkflowChange::Conflicted, Staging::Unstaged),
            b'1' => {
                let (index, tree) = marks(field(1)?);
                (field(8)?, change_of(index, tree), staging_of(tree))
            }
            b'2' => {
                let (_, tree) = marks(field(1)?);
                records.next()?;
                (field(9)?, WorkflowChange::Renamed, staging_of(tree))
            }
            _ => continue,
        };
        found.push(FileStatus { path: RepoPath::new(path), change, staging, conflicts: 0 });
    }
    Some(found)
}

fn change_of(index: Option<u8>, tree: Option<u8>) -> WorkflowChange {
    match (index, tree) {
        (_, Some(b'D')) | (Some(b'D'), _) => WorkflowChange::Deleted,
        (Some(b'A'), _) | (_, Some(b'A')) => WorkflowChange::New,
        _ => WorkflowChange::Content,
    }
}

fn staging_of(tree: Option<u8>) -> Staging {
    if tree == Some(b'.') { Staging::Staged } else { Staging::Unstaged }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_record_is_read() {
        let id = "a".repeat(40);
        let told = format!(
            "1 .M N... 100644 100644 100644 {id} {id} with space.json\0\
             1 A. N... 000000 100644 100644 {id} {id} added.json\0\
             2 R. N... 100644 100644 100644 {id} {id} R100 new.json\0old.json\0\
             1 .D N... 100644 100644 000000 {id} {id} gone.json\0\
             u UU N... 100644 100644 100644 100644 {id} {id} {id} both.json\0\
             ? un\ntracked.json\0"
        );
        let found = parse_porcelain(told.as_bytes()).unwrap();
        let told: Vec<_> =
            found.iter().map(|f| format!("{} {:?} {:?}", f.path, f.change, f.staging)).collect();
        assert_eq!(
            told,
            [
                "with space.json Content Unstaged",
                "added.json New Staged",
                "new.json Renamed Staged",
                "gone.json Deleted Unstaged",
                "both.json Conflicted Unstaged",
                "un\\ntracked.json New Unstaged",
            ]
        );
    }
}
