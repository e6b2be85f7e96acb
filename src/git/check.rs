//! Whether workflows lie in git in their clean form, and how those that do not get it.

use std::path::PathBuf;

use super::block;
use super::door::Direction;
use super::error::{Error, Result};
use super::filter::clean_id;
use super::id::{ObjectId, RepoPath};
use super::index;
use super::merging::{Unready, carried};
use super::objects::EntryKind;
use super::plumbing::Git;
use super::refresh::{is_ours, read_within};
use super::repository::Repository;
use super::settings::{Handling, Settings};
use crate::canon::{self, Outcome};

/// Which state of the files is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// What the next commit would hold.
    Staged,
    /// What a commit holds; any name that git understands.
    Commit(String),
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The commit that was looked at; none for the index.
    pub commit: Option<ObjectId>,
    /// How many files that are for git-comfy were looked at.
    pub looked_at: usize,
    /// Those that are workflows, but not clean.
    pub unclean: Vec<Unclean>,
    /// Those in which conflicts of a merge were not settled.
    pub conflicted: Vec<Unready>,
}

/// A workflow that lies in git with its positions, or in another order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclean {
    /// Its path.
    pub path: RepoPath,
    /// Its content.
    pub id: ObjectId,
}

/// Looks at every file that is for git-comfy.
///
/// Where no attribute line gives any file to it, as in a machine's clone that has only the
/// program, every `*.json` is looked at.
pub fn check(repository: &Repository, what: &Checked) -> Result<Report> {
    let (commit, files) = match what {
        Checked::Staged => {
            let files = index::files(repository)?;
            (None, files.into_iter().map(|entry| (entry.path, entry.id)).collect())
        }
        Checked::Commit(name) => {
            let missing = || Error::Unexpected { command: format!("rev-parse {name}") };
            let id = repository.resolve_commit(name)?.ok_or_else(missing)?;
            let commit = repository.commit(id)?.ok_or_else(missing)?;
            let mut files: Vec<(RepoPath, ObjectId)> = Vec::new();
            repository.visit_files(commit.tree, &mut |path, entry| {
                if matches!(entry.kind, EntryKind::File | EntryKind::Executable) {
                    files.push((path.clone(), entry.id));
                }
            })?;
            (Some(id.0), files)
        }
    };
    let mut ours: Vec<_> =
        files.iter().filter(|(path, _)| is_ours(repository, path)).cloned().collect();
    if ours.is_empty() {
        ours = files;
        ours.retain(|(path, _)| path.as_bytes().ends_with(b".json"));
    }
    let settings = Settings::of(repository)?;
    let mut report = Report { commit, looked_at: ours.len(), ..Report::default() };
    for (path, id) in ours {
        let handling = settings.handling_of(repository, &path, Direction::Checkin);
        let Some(bytes) = repository.blob_within(id, settings.max_file_size)? else { continue };
        let conflicts = carried(&bytes);
        if conflicts > 0 {
            report.conflicted.push(Unready { path: path.clone(), conflicts });
        }
        if !is_clean(&bytes, handling) {
            report.unclean.push(Unclean { path, id });
        }
    }
    Ok(report)
}

fn is_clean(bytes: &[u8], handling: Handling) -> bool {
    let Handling::Clean(mode) = handling else { return true };
    match canon::clean(bytes, mode) {
        Outcome::Cleaned(cleaned) => cleaned.content == bytes,
        Outcome::Untouched(_) => true,
    }
}

/// What a renormalization staged, and what it left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renormalized {
    /// Workflows that are staged in their clean form.
    pub staged: Vec<RepoPath>,
    /// Workflows with changes of their own, which would have gone into the same commit.
    pub changed: Vec<RepoPath>,
    /// Whether the attribute lines are staged too.
    pub attributes: bool,
}

/// Whether the next commit would hold anything.
pub fn has_staged_changes(repository: &Repository) -> Result<bool> {
    let git = Git::at(repository.require_work_tree()?);
    let words = ["diff", "--cached", "--quiet", "--no-ext-diff", "--ignore-submodules"];
    Ok(git.answer(words)?.code != 0)
}

/// Stages every workflow that lies in the index with its positions in its clean form,
/// unless its file was changed since. The filter must be configured.
pub fn renormalize(repository: &Repository) -> Result<Renormalized> {
    let work_tree = repository.require_work_tree()?.to_owned();
    let settings = Settings::of(repository)?;
    let mut done = Renormalized::default();
    for Unclean { path, id } in check(repository, &Checked::Staged)?.unclean {
        let bytes = read_within(&work_tree.join(path.to_path()), settings.max_file_size);
        let same = bytes.is_some_and(|bytes| {
            repository.format().id_of(super::id::Kind::Blob, &bytes) == id
                || clean_id(repository.format(), &bytes) == id
        });
        if same { done.staged.push(path) } else { done.changed.push(path) }
    }
    let git = Git::at(&work_tree);
    if !done.staged.is_empty() {
        let names: Vec<&[u8]> = done.staged.iter().map(RepoPath::as_bytes).collect();
        let words = ["--literal-pathspecs", "add", "--renormalize", "--pathspec-from-file=-"];
        git.feed(words.iter().chain(&["--pathspec-file-nul"]), &names.join(&0))?;
    }
    done.attributes = stage_attributes(repository, &git, &work_tree.join(".gitattributes"))?;
    Ok(done)
}

/// Stages the attributes file, if the block is all that is new in it.
fn stage_attributes(repository: &Repository, git: &Git, file: &PathBuf) -> Result<bool> {
    let Ok(content) = std::fs::read(file) else { return Ok(false) };
    let Some(before) = block::take(&content) else { return Ok(false) };
    let path = RepoPath::new(b".gitattributes".to_vec());
    let entry = index::files(repository)?.into_iter().find(|entry| entry.path == path);
    let known = match entry {
        Some(entry) => repository.blob_within(entry.id, u64::MAX)?.unwrap_or_default(),
        None => Vec::new(),
    };
    if known == before {
        git.run(["add", "--", ".gitattributes"])?;
    }
    Ok(known == before)
}
