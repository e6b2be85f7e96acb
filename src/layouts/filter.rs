//! One file on its way into git or out of it: which mode it has, what `clean` makes of it,
//! which layout is kept or found. Content is never the reason for a failure: whatever
//! cannot be handled passes as it came. A layout that cannot be kept is one: positions are
//! never taken out of a file on the quiet.
//!
//! Must not know how git hands files over (`process`, and the one-shot commands).

use std::borrow::Cow;

use comfy_graph::clean;
use comfy_graph::clean::{LayoutRemainder, StartedClean};
use rustc_hash::FxHashSet;

use super::layout_finder::LayoutFinder;
use super::raw_files::{RawIndex, StoredContent};
use super::refresh::read_up_to;
use super::settings::{FilterSettings, Handling};
use super::storage_check;
use super::work_tree::{Arrival, LaidOutFile, LayoutTask, WorkTreeLayouts};
use crate::platform::git::{
    AttributeDirection, CommitId, GitError, ObjectFormat, ObjectId, ObjectKind, RepoPath,
    Repository, Result,
};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterOutcome {
    /// It stays as it is.
    Untouched,
    /// It has other bytes now.
    Changed(Vec<u8>),
}

impl FilterOutcome {
    /// The new bytes, or those that came in.
    pub fn bytes_or<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            FilterOutcome::Untouched => input,
            FilterOutcome::Changed(content) => content,
        }
    }
}

/// The filter of one repository, for one file after another.
#[derive(Debug)]
pub struct Filter<'r> {
    repository: Option<&'r Repository>,
    settings: FilterSettings,
    layouts: Option<WorkTreeLayouts<'r>>,
    indexed: Option<RawIndex<'r>>,
    unsettled: Vec<(RepoPath, SmudgedFile)>,
    remarks: Vec<String>,
    told: FxHashSet<String>,
}

/// What git tells about a content that it takes out.
#[derive(Debug, Clone, Copy, Default)]
pub struct SmudgeRequest {
    /// The id of the content.
    pub blob: Option<ObjectId>,
    /// The commit or tree that is checked out; none where a file is merged or restored.
    pub treeish: Option<ObjectId>,
    /// The checkout is of a branch or a tag.
    pub has_ref: bool,
    /// Who gets the file.
    pub target: SmudgeTarget,
}

/// Who gets a file that git takes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SmudgeTarget {
    /// The work tree.
    #[default]
    WorkTree,
    /// The work tree, or somebody who only wants to see it: git shows the committed side of
    /// a difference, and what goes into an archive, in the same way as it checks out, but
    /// waits for it.
    Anybody,
    /// Somebody who only wants to see it.
    Reader,
}

impl<'r> Filter<'r> {
    /// A filter for a repository. Without one, files are cleaned and arranged, and no
    /// layout is kept or known.
    pub fn new(repository: Option<&'r Repository>) -> Filter<'r> {
        let mut remarks = Vec::new();
        let settings = match repository.map(FilterSettings::load) {
            Some(Ok(settings)) => settings,
            Some(Err(error)) => {
                remarks.push(format!("settings cannot be read: {error}"));
                FilterSettings::default()
            }
            None => FilterSettings::default(),
        };
        remarks.extend(settings.remarks.iter().cloned());
        let layouts = repository.map(WorkTreeLayouts::new);
        let indexed = repository.map(RawIndex::new);
        let (unsettled, told) = (Vec::new(), FxHashSet::default());
        Filter { repository, settings, layouts, indexed, unsettled, remarks, told }
    }

    /// The most bytes of a file that are looked at.
    pub fn max_file_size(&self) -> u64 {
        self.settings.max_file_size
    }

    /// What is worth telling the person since the last time, each a line.
    pub fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn handling(&self, path: &RepoPath, when: AttributeDirection) -> Handling {
        match self.repository {
            Some(repository) => self.settings.handling_of(repository, path, when),
            None => self.settings.handling,
        }
    }

    /// Cleans a file and keeps the layout that is taken out of it.
    ///
    /// # Errors
    /// The layout cannot be kept: then the positions must stay in the file.
    pub fn clean(&mut self, path: &RepoPath, bytes: &[u8]) -> Result<FilterOutcome> {
        let is_given_back = self.settle(Some((path, bytes)));
        let (passed, rest) = self.separate_layout(path, bytes);
        if let (FilterOutcome::Changed(content), Some(rest)) = (&passed, rest)
            && !is_given_back
        {
            self.store_layout(path, content, rest)?;
        }
        Ok(passed)
    }

    /// Remembers what git wrote into the work tree since, of what it may only have looked at.
    /// Whether it gives the very same back here without having written it: then it only
    /// compares contents (`merge.renormalize`).
    pub fn settle(&mut self, given: Option<(&RepoPath, &[u8])>) -> bool {
        let mut is_given_back = false;
        for (path, smudged) in std::mem::take(&mut self.unsettled) {
            if self.holds(&path, &smudged.laid_out.bytes) {
                self.remember(&path, &smudged);
            } else {
                is_given_back |= given == Some((&path, &smudged.laid_out.bytes));
            }
        }
        is_given_back
    }

    fn holds(&self, path: &RepoPath, bytes: &[u8]) -> bool {
        let file = self.repository.and_then(Repository::work_tree).map(|t| t.join(path.to_path()));
        file.and_then(|file| read_up_to(&file, bytes.len() as u64)).as_deref() == Some(bytes)
    }

    /// Cleans a file. What it gives beside the content leads to the layout.
    pub fn separate_layout<'b>(
        &mut self,
        path: &RepoPath,
        bytes: &'b [u8],
    ) -> (FilterOutcome, Option<LayoutRemainder<'b>>) {
        let Handling::Clean(mode) = self.handling(path, AttributeDirection::Checkin) else {
            return (FilterOutcome::Untouched, None);
        };
        match clean::begin_clean(bytes, mode) {
            StartedClean::Stripped(content, rest) => {
                match self.indexed.as_mut().and_then(|index| index.unchanged_content(path, bytes)) {
                    Some(raw) => (raw, None),
                    None => (FilterOutcome::Changed(content), Some(rest)),
                }
            }
            StartedClean::Clean | StartedClean::Untouched(None) => (FilterOutcome::Untouched, None),
            StartedClean::Untouched(Some(remark)) => {
                let what = "is kept as it is, with its layout";
                self.remarks.push(format!("{path} {what}: {remark}"));
                (FilterOutcome::Untouched, None)
            }
        }
    }

    /// Keeps the layout that was taken out of a file.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn store_layout(
        &mut self,
        path: &RepoPath,
        content: &[u8],
        rest: LayoutRemainder<'_>,
    ) -> Result<()> {
        let (Some(repository), Some(layouts)) = (self.repository, &mut self.layouts) else {
            return Ok(());
        };
        let blob = repository.format().object_id(ObjectKind::Blob, content);
        let layout = rest.layout_line();
        layouts.save(path, blob, content, &layout).or_else(|error| {
            // What notes hold is kept, whatever becomes of the files beside them.
            let is_noted = layouts.is_noted_so(path, blob, &layout).unwrap_or(false);
            if is_noted { Ok(()) } else { Err(error) }
        })
    }

    /// The layouts of the work tree, behind the filter.
    pub(crate) fn layouts(&mut self) -> Option<&mut WorkTreeLayouts<'r>> {
        self.layouts.as_mut()
    }

    /// Puts the layout into a file.
    pub fn smudge(
        &mut self,
        path: &RepoPath,
        checkout: SmudgeRequest,
        bytes: &[u8],
    ) -> FilterOutcome {
        match self.prepare_smudge(path, checkout, bytes.to_vec()) {
            Err(_) => FilterOutcome::Untouched,
            Ok(errand) => {
                let content = self.finish_smudge(path, errand.run());
                if content == bytes {
                    FilterOutcome::Untouched
                } else {
                    FilterOutcome::Changed(content)
                }
            }
        }
    }

    /// Puts the layout into a file that lies in the work tree, and remembers it: that of its
    /// content, with what the file held and what the merged sides moved.
    ///
    /// # Errors
    /// The layouts cannot be read, or what is new in them cannot be kept.
    pub fn lay_out(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        merged: &[ObjectId],
        bytes: &[u8],
    ) -> Result<FilterOutcome> {
        let Handling::Clean(mode) = self.handling(path, AttributeDirection::Checkout) else {
            return Ok(FilterOutcome::Untouched);
        };
        let Some(layouts) = self.layouts.as_mut().filter(|_| may_be_graph(bytes)) else {
            return Ok(FilterOutcome::Untouched);
        };
        let found = layouts.find_layouts(
            path,
            blob,
            bytes,
            Arrival::OntoExisting { merged: merged.to_vec(), to: None },
        )?;
        let laid_out =
            LayoutTask::new(bytes.to_vec(), found).run(StoredContent { blob: Some(blob), mode });
        layouts.record_written(path, blob, &laid_out)?;
        Ok(if laid_out.bytes == bytes {
            FilterOutcome::Untouched
        } else {
            FilterOutcome::Changed(laid_out.bytes)
        })
    }

    /// Remembers that a file of the work tree is written anew as it was laid out.
    ///
    /// # Errors
    /// It cannot be remembered.
    pub fn record_rewrite(&mut self, path: &RepoPath) -> Result<()> {
        self.layouts.as_mut().map_or(Ok(()), |layouts| layouts.record_rewrite(path))
    }

    /// Whether something in a file of the work tree lies where nobody put it.
    ///
    /// # Errors
    /// What the files held cannot be read.
    pub fn has_arranged_places(&mut self, path: &RepoPath) -> Result<bool> {
        self.layouts.as_mut().map_or(Ok(false), |layouts| layouts.has_arranged_places(path))
    }

    /// The file that a checkout of a state would give, which nobody writes anywhere.
    pub fn smudge_for_display(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        bytes: &[u8],
    ) -> FilterOutcome {
        let checkout = SmudgeRequest {
            blob: Some(blob),
            target: SmudgeTarget::Reader,
            ..SmudgeRequest::default()
        };
        match self.prepare_smudge(path, checkout, bytes.to_vec()) {
            Ok(errand) => FilterOutcome::Changed(errand.run().laid_out.bytes),
            Err(_) => FilterOutcome::Untouched,
        }
    }

    /// The first part of [`Filter::smudge`], which looks into the repository; the next one,
    /// [`PendingSmudge::run`], can be done on any thread, and [`Filter::finish_smudge`] is the last. The
    /// content itself for a file that is none of ours.
    pub fn prepare_smudge(
        &mut self,
        path: &RepoPath,
        checkout: SmudgeRequest,
        content: Vec<u8>,
    ) -> std::result::Result<PendingSmudge, Vec<u8>> {
        self.settle(None);
        let Handling::Clean(mode) = self.handling(path, AttributeDirection::Checkout) else {
            return Err(content);
        };
        if !may_be_graph(&content) {
            return Err(content);
        }
        let (Some(repository), Some(layouts)) = (self.repository, &mut self.layouts) else {
            let stored = StoredContent { blob: None, mode };
            let layouting = LayoutTask::unknown(content);
            return Ok(PendingSmudge { stored, fate: Fate::Seen, task: layouting });
        };
        let blob =
            checkout.blob.unwrap_or_else(|| normalized_blob_id(repository.format(), &content));
        let fate = fate(repository, path, checkout);
        let arrival = match fate {
            Fate::Seen => Arrival::OtherState,
            Fate::Written => classify_arrival(repository, path, checkout),
            // Only a merge writes a file that it says so little of.
            Fate::Unsettled => Arrival::OntoExisting { merged: Vec::new(), to: None },
        };
        let layouting = match layouts.find_layouts(path, blob, &content, arrival) {
            Ok(found) => LayoutTask::new(content, found),
            Err(error) => {
                let known = layouts.find_noted(path, blob, &content);
                self.remark_once("layouts come from the notes alone", &error);
                match known {
                    Ok(found) => LayoutTask::new(content, found),
                    Err(error) => {
                        self.remark_once("layouts cannot be read", &error);
                        LayoutTask::unknown(content)
                    }
                }
            }
        };
        Ok(PendingSmudge {
            stored: StoredContent { blob: Some(blob), mode },
            fate,
            task: layouting,
        })
    }

    /// Remembers what is written into the work tree, and gives it. That it cannot be
    /// remembered is told, and no reason to leave the file out: git has taken the old one
    /// away by now, and what was arranged says so itself.
    pub fn finish_smudge(&mut self, path: &RepoPath, smudged: SmudgedFile) -> Vec<u8> {
        match smudged.fate {
            Fate::Seen => {}
            Fate::Written => self.remember(path, &smudged),
            Fate::Unsettled => {
                let bytes = smudged.laid_out.bytes.clone();
                self.unsettled.push((path.clone(), smudged));
                return bytes;
            }
        }
        smudged.laid_out.bytes
    }

    fn remember(&mut self, path: &RepoPath, smudged: &SmudgedFile) {
        if let (Some(layouts), Some(blob)) = (&mut self.layouts, smudged.blob)
            && let Err(error) = layouts.record_written(path, blob, &smudged.laid_out)
        {
            let what = "where nodes lie is not remembered";
            self.remark_once(what, &error);
        }
    }

    /// One place is in the way of every file, and of all that is done with it; it is named
    /// once.
    fn remark_once(&mut self, what: &str, error: &GitError) {
        let why = error.to_string();
        if !self.told.contains(&why) {
            self.remarks.push(format!("{what}: {why}; {}", storage_check::remedy(error)));
            self.told.insert(why);
        }
    }
}

/// What becomes of what a smudge gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// git writes it into the work tree.
    Written,
    /// Somebody sees it, and that is all.
    Seen,
    /// git writes it, or only compares it: what lies in the work tree afterwards tells.
    Unsettled,
}

/// git unlinks a file before it writes another one in its place (`git apply` has an empty one
/// there by then), and in a checkout does not wait for the filter. Where neither is so, the
/// file is to be looked at; but older gits merged that way, and say what they do. What names
/// no blob is written over a file that still lies there (`git checkout -m`), or compared.
fn fate(repository: &Repository, path: &RepoPath, checkout: SmudgeRequest) -> Fate {
    let is_there = || {
        let file = repository.work_tree().map(|top| top.join(path.to_path()));
        file.is_some_and(|file| file.symlink_metadata().is_ok_and(|about| about.len() > 0))
    };
    match checkout.target {
        SmudgeTarget::WorkTree => Fate::Written,
        SmudgeTarget::Anybody if repository.environment().reflog_action.is_some() => Fate::Written,
        SmudgeTarget::Anybody if !is_there() => Fate::Written,
        SmudgeTarget::Anybody if checkout.blob.is_none() => Fate::Unsettled,
        SmudgeTarget::Anybody | SmudgeTarget::Reader => Fate::Seen,
    }
}

/// Measured on git 2.47: a merge, a pick, a revert, `stash pop` and `checkout -- f` name the
/// blob only, a fast-forward the commit without a ref, a rebase's first step likewise;
/// whatever goes to another state names a commit other than HEAD, mostly with a ref.
fn classify_arrival(repository: &Repository, path: &RepoPath, checkout: SmudgeRequest) -> Arrival {
    let along = || Arrival::OntoExisting {
        merged: rebased_blobs(repository, path, checkout),
        to: checkout.treeish.map(CommitId),
    };
    let Some(treeish) = checkout.treeish else { return along() };
    let exists = |name: &str| repository.git_dir().join(name).exists();
    // Of a merge that is given up nothing stays.
    let given_up = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];
    let is_head = || {
        let is_it = repository.head().is_ok_and(|head| head == Some(CommitId(treeish)));
        is_it && !given_up.iter().any(|name| exists(name))
    };
    let is_moving_on = || {
        let action = repository.environment().reflog_action.as_deref().unwrap_or_default();
        let merges = action.starts_with("merge") || action.starts_with("pull");
        let rebases = ["rebase-merge", "rebase-apply"];
        merges || rebases.iter().any(|name| exists(name))
    };
    if is_head() || (!checkout.has_ref && is_moving_on()) { along() } else { Arrival::OtherState }
}

/// What a rebase puts anew upon something else: what the branch held before, of which the
/// commits that are picked need not know all, and what the commit holds that is being applied:
/// git tells the filter nothing of them, and where that commit only renames the file, no merge
/// driver either.
fn rebased_blobs(
    repository: &Repository,
    path: &RepoPath,
    checkout: SmudgeRequest,
) -> Vec<ObjectId> {
    let branch = |state: &str| {
        let text = std::fs::read(repository.git_dir().join(state)).ok()?;
        ObjectId::from_hex(text.trim_ascii()).map(CommitId)
    };
    let branches = ["rebase-merge/orig-head", "rebase-apply/orig-head"];
    let commits =
        branches.into_iter().filter_map(branch).chain(applied_commit(repository, checkout));
    let blob = |commit: CommitId| {
        let commit = repository.commit(commit).ok()??;
        Some(repository.entry_at(commit.tree, path).ok()??.id)
    };
    let mut blobs: Vec<ObjectId> = commits.filter_map(blob).collect();
    blobs.dedup();
    blobs
}

/// The commit that a rebase or a series of picks is at. (One pick alone leaves no trace before
/// its commit is made.)
fn applied_commit(repository: &Repository, checkout: SmudgeRequest) -> Option<CommitId> {
    let read = |name: &str| std::fs::read(repository.git_dir().join(name)).ok();
    if let Some(id) = read("rebase-apply/original-commit") {
        return ObjectId::from_hex(id.trim_ascii()).map(CommitId);
    }
    if checkout.treeish.is_some() {
        // No merge: the state of a commit is checked out.
        return None;
    }
    let (steps, is_last) = match read("rebase-merge/done") {
        Some(done) => (done, true),
        None => (read("sequencer/todo")?, false),
    };
    let mut lines = steps.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let step = if is_last { lines.next_back() } else { lines.next() }?;
    let mut words = step.split(|byte| *byte == b' ');
    if !matches!(words.next()?, b"pick" | b"reword" | b"edit" | b"squash" | b"fixup") {
        return None;
    }
    // Before it may stand options of `fixup`; a series of picks has short ids.
    let id = words.find(|word| !word.starts_with(b"-"))?;
    repository.resolve_commit(std::str::from_utf8(id).ok()?).ok()?
}

/// A file whose layout was found, still to be smudged.
#[derive(Debug)]
pub struct PendingSmudge {
    stored: StoredContent,
    fate: Fate,
    task: LayoutTask,
}

/// A file that was smudged, still to be remembered.
#[derive(Debug)]
pub struct SmudgedFile {
    blob: Option<ObjectId>,
    fate: Fate,
    laid_out: LaidOutFile,
}

impl PendingSmudge {
    /// How long the content is.
    pub fn length(&self) -> usize {
        self.task.content.len()
    }

    /// Makes the file.
    pub fn run(self) -> SmudgedFile {
        let PendingSmudge { stored, fate, task: layouting } = self;
        SmudgedFile { blob: stored.blob, fate, laid_out: layouting.run(stored) }
    }
}

/// A blob with the layout that was committed with it; the blob as it is where none is
/// known, or it holds no workflow.
pub fn with_committed_layout(
    repository: &Repository,
    path: &RepoPath,
    blob: ObjectId,
    bytes: Vec<u8>,
) -> Vec<u8> {
    let mut finder = LayoutFinder::new(repository);
    match finder.committed_layout(blob, path) {
        Ok(Some(entry)) => clean::smudge(&bytes, &entry.layout).unwrap_or(bytes),
        _ => bytes,
    }
}

/// A file that is no JSON object is not worth a look-up.
fn may_be_graph(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// The id of a blob whose content git may have given other line ends on the way
/// (`core.autocrlf`).
pub(crate) fn normalized_blob_id(format: ObjectFormat, bytes: &[u8]) -> ObjectId {
    format.object_id(ObjectKind::Blob, &normalize_line_ends(bytes))
}

/// The bytes with git's own line ends. In JSON a line end never belongs to a string.
pub(crate) fn normalize_line_ends(bytes: &[u8]) -> Cow<'_, [u8]> {
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
