//! Finds workflows that are not in their clean form in git, and stages their clean form.

use std::path::PathBuf;

use comfy_graph::clean::{self, CleanOutcome, CleanResult, CleanStart, Clock, LayoutMode};
use comfy_graph::json;

use super::marked_block;
use crate::layouts::raw_files::RawFile;
use crate::layouts::status::conflicts_in;
use crate::layouts::{FilterSettings, Handling, WorkTreeLayouts, raw_files, refresh_index};
use crate::merging::merge_status::StagedConflicts;
use crate::platform::files;
use crate::platform::git::changes::is_filtered;
use crate::platform::git::command::GitCommand;
use crate::platform::git::index::IndexEntry;
use crate::platform::git::{
    AttributeDirection, EntryKind, GitError, ObjectBatch, ObjectId, ObjectKind, RepoPath,
    Repository, Result, index,
};

/// The files that are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckTarget {
    /// Those of the index.
    Staged,
    /// Those of a commit; any name that git understands.
    Commit(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CheckReport {
    /// The commit that was looked at; none for the index.
    pub commit: Option<ObjectId>,
    /// How many files that are for git-comfy were looked at.
    pub looked_at: usize,
    /// Those that are workflows, but not clean.
    pub unclean: Vec<RawFile>,
    /// Those in which conflicts of a merge were not settled.
    pub conflicted: Vec<StagedConflicts>,
}

/// Checks every file that has the filter attribute.
///
/// Where no file has it, as in a CI clone that has only the
/// program, every `*.json` is looked at.
pub(crate) fn check_workflows(repository: &Repository, what: &CheckTarget) -> Result<CheckReport> {
    let (commit, files) = match what {
        CheckTarget::Staged => {
            let files = index::index_entries(repository)?;
            (None, files.into_iter().map(|entry| (entry.path, entry.id)).collect())
        }
        CheckTarget::Commit(name) => {
            let missing = || GitError::Unexpected { command: format!("rev-parse {name}") };
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
        files.iter().filter(|(path, _)| is_filtered(repository, path)).cloned().collect();
    if ours.is_empty() {
        ours = files;
        ours.retain(|(path, _)| path.as_bytes().ends_with(b".json"));
    }
    let settings = FilterSettings::load(repository)?;
    let mut report = CheckReport { commit, looked_at: ours.len(), ..CheckReport::default() };
    let mut unclean = Vec::new();
    for (path, id) in ours {
        let handling = settings.handling_of(repository, &path, AttributeDirection::Checkin);
        let Some(bytes) = repository.blob_up_to(id, settings.max_file_size)? else { continue };
        let conflicts = conflicts_in(&bytes);
        if conflicts > 0 {
            report.conflicted.push(StagedConflicts {
                path: path.clone(),
                conflicts,
                is_marked: json::parse(&bytes).is_err(),
            });
        }
        if let Handling::Clean(mode) = handling
            && raw_files::is_raw(&bytes, mode)
        {
            unclean.push((path, id));
        }
    }
    let until = match what {
        CheckTarget::Staged => "HEAD",
        CheckTarget::Commit(name) => name,
    };
    report.unclean = raw_files::find_origins(repository, unclean, until, None)?;
    Ok(report)
}

/// What a renormalization staged, and what it left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RenormalizeOutcome {
    /// Workflows that are staged in their clean form.
    pub staged: Vec<RepoPath>,
    /// Those among them whose files have changes of their own, which are not staged.
    pub changed: Vec<RepoPath>,
    /// Whether positions were put into what git stores (`comfy=keep`), and not taken out.
    pub with_positions: bool,
    /// Whether the attribute lines are staged too.
    pub attributes: bool,
}

/// Whether the next commit would hold anything.
pub(crate) fn has_staged_changes(repository: &Repository) -> Result<bool> {
    let head = repository.head()?.map_or(Ok(None), |head| repository.commit(head))?;
    match head {
        Some(head) => Ok(!index::command_index_holds_tree(repository, head.tree)?),
        None => Ok(!index::index_entries(repository)?.is_empty()),
    }
}

/// The most bytes of new objects that are held in memory.
const MAX_HELD_BYTES: usize = 32 << 20;

/// Stages every workflow that lies in the index with its positions in its clean form. The
/// positions go with it: those of the file, where it is the same workflow, else those that
/// the index held. The filter must be configured.
///
/// `git add --renormalize` cannot do it: while the index holds a raw file, a clean gives it
/// back as it is.
pub(crate) fn renormalize(repository: &Repository) -> Result<RenormalizeOutcome> {
    let work_tree = repository.require_work_tree()?.to_owned();
    let settings = FilterSettings::load(repository)?;
    let mut done = RenormalizeOutcome::default();
    let mut batch = ObjectBatch::new(repository.format());
    let mut layouts = WorkTreeLayouts::new(repository);
    let (mut lines, mut held) = (Vec::new(), 0);
    for entry in index::index_entries(repository)? {
        if !is_filtered(repository, &entry.path) {
            continue;
        }
        let handling = settings.handling_of(repository, &entry.path, AttributeDirection::Checkin);
        let Handling::Clean(mode) = handling else { continue };
        let stored = repository.blob_up_to(entry.id, settings.max_file_size)?;
        let file =
            files::read_up_to(&work_tree.join(entry.path.to_path()), settings.max_file_size).ok();
        let stored = match stored.filter(|stored| raw_files::is_raw(stored, mode)) {
            Some(stored) => Some(stored),
            None => file.clone().filter(|file| has_more_than(file, mode, &entry)),
        };
        let Some(stored) = stored else { continue };
        let CleanOutcome::Cleaned(CleanResult { content, layout }) =
            clean::clean_document(&stored, mode)
        else {
            continue;
        };
        done.with_positions |= mode == LayoutMode::Keep;
        held += content.len();
        let blob = batch.add_blob(content);
        // When its places were chosen nobody knows.
        let layout = layout.and_then(|line| clean::stamp_uniformly(&line, Clock::Unknown(0)));
        if let Some(layout) = layout {
            layouts.store_for(&entry.path, blob, &layout)?;
        }
        let is_blob =
            |content: &[u8]| repository.format().object_id(ObjectKind::Blob, content) == blob;
        let is_same = file.is_some_and(|bytes| match clean::begin_clean(&bytes, mode) {
            CleanStart::Split { content, .. } => is_blob(&content),
            CleanStart::Clean => is_blob(&bytes),
            CleanStart::Untouched(_) => false,
        });
        if !is_same {
            done.changed.push(entry.path.clone());
        }
        let mode = if entry.executable { "100755" } else { "100644" };
        lines.extend_from_slice(format!("{mode} {blob}\t").as_bytes());
        lines.extend_from_slice(entry.path.as_bytes());
        lines.push(0);
        done.staged.push(entry.path);
        if held > MAX_HELD_BYTES {
            repository.write_objects(&std::mem::replace(
                &mut batch,
                ObjectBatch::new(repository.format()),
            ))?;
            held = 0;
        }
    }
    let git = GitCommand::in_folder(&work_tree);
    if !done.staged.is_empty() {
        repository.write_objects(&batch)?;
        git.with_args(["update-index", "-z", "--index-info"]).output_with_input(&lines)?;
        // Files the layouts of the files, and lets git see that they are what it has.
        refresh_index(repository)?;
    }
    done.attributes = stage_attributes(repository, &git, &work_tree.join(".gitattributes"))?;
    Ok(done)
}

/// Whether a file is the one that the index holds and has positions beside, which `comfy=keep`
/// wants there.
fn has_more_than(file: &[u8], mode: LayoutMode, entry: &IndexEntry) -> bool {
    if mode != LayoutMode::Keep {
        return false;
    }
    let id = |mode| match clean::clean_document(file, mode) {
        CleanOutcome::Cleaned(cleaned) => {
            Some(entry.id.format().object_id(ObjectKind::Blob, &cleaned.content))
        }
        CleanOutcome::Untouched(_) => None,
    };
    id(LayoutMode::Strip) == Some(entry.id)
        && id(LayoutMode::Keep).is_some_and(|kept| kept != entry.id)
}

/// How many files the index holds without positions, where `comfy=keep` wants them there: git
/// calls them modified.
pub(crate) fn without_positions(repository: &Repository) -> Result<usize> {
    let work_tree = repository.require_work_tree()?.to_owned();
    let settings = FilterSettings::load(repository)?;
    let mut count = 0;
    for entry in index::index_entries(repository)? {
        let handling = settings.handling_of(repository, &entry.path, AttributeDirection::Checkin);
        if handling == Handling::Clean(LayoutMode::Keep) && is_filtered(repository, &entry.path) {
            let file = work_tree.join(entry.path.to_path());
            let file = files::read_up_to(&file, settings.max_file_size).ok();
            count += usize::from(
                file.is_some_and(|file| has_more_than(&file, LayoutMode::Keep, &entry)),
            );
        }
    }
    Ok(count)
}

/// Stages the attributes file, if the block is all that is new in it.
fn stage_attributes(repository: &Repository, git: &GitCommand, file: &PathBuf) -> Result<bool> {
    let Ok(content) = std::fs::read(file) else { return Ok(false) };
    let Some(before) = marked_block::remove_block(&content) else { return Ok(false) };
    let path = RepoPath::new(b".gitattributes".to_vec());
    let entry = index::index_entries(repository)?.into_iter().find(|entry| entry.path == path);
    let known = match entry {
        Some(entry) => repository.blob_up_to(entry.id, u64::MAX)?.unwrap_or_default(),
        None => Vec::new(),
    };
    if known == before {
        git.with_args(["add", "--", ".gitattributes"]).output()?;
    }
    Ok(known == before)
}
