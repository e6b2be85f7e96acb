//! One file on its way into git or out of it: which mode it has, what `clean` makes of it,
//! which layout is kept or found. Content is never the reason for a failure: whatever
//! cannot be handled passes as it came. A layout that cannot be kept is one: positions are
//! never taken out of a file on the quiet.
//!
//! Must not know how git hands files over (`filter_process`, and the one-shot commands).

use std::borrow::Cow;

use comfy_graph::clean;
use comfy_graph::clean::{CleanStart, LayoutMode, LayoutRemainder};
use rustc_hash::FxHashSet;

use super::clean_ahead::{AheadOutcome, CleanAhead, LayoutAhead, SplitAhead};
use super::git_action::GitAction;
use super::layout_finder::LayoutFinder;
use super::missed_sides;
use super::raw_files::{RawIndex, StoredContent};
use super::settings::{FilterSettings, Handling};
use super::storage_check;
use super::work_tree::{FoundLayouts, LaidOutFile, LayoutTask, WorkTreeLayouts};
use crate::platform::files;
use crate::platform::git::{
    AttributeDirection, GitError, ObjectFormat, ObjectId, ObjectKind, RepoPath, Repository, Result,
};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FilterOutcome {
    /// It stays as it is.
    Untouched,
    /// It has other bytes now.
    Changed(Vec<u8>),
}

impl FilterOutcome {
    /// The new bytes, or those that came in.
    pub(crate) fn bytes_or<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            FilterOutcome::Untouched => input,
            FilterOutcome::Changed(content) => content,
        }
    }
}

/// The layout that was taken out of a file.
#[derive(Debug)]
pub(crate) enum TakenLayout<'b> {
    /// What it is still to be worked out from: not every one is kept.
    Remainder(Box<LayoutRemainder<'b>>),
    Ahead(LayoutAhead),
}

/// A file in its clean form, and what was taken out of it.
enum SplitFile<'b> {
    Untouched(Option<String>),
    Clean,
    Split(Vec<u8>, TakenLayout<'b>),
}

/// The filter of one repository, for one file after another.
#[derive(Debug)]
pub(crate) struct Filter<'r> {
    repository: Option<&'r Repository>,
    settings: FilterSettings,
    layouts: Option<WorkTreeLayouts<'r>>,
    indexed: Option<RawIndex<'r>>,
    ahead: Option<CleanAhead>,
    next_handling: Option<(RepoPath, Handling)>,
    /// What git may only have compared.
    unconfirmed: Vec<(RepoPath, SmudgedFile)>,
    remarks: Vec<String>,
    /// The faults that were remarked on.
    remarked: FxHashSet<String>,
}

/// What git tells about a content that it takes out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SmudgeRequest {
    /// The id of the content.
    pub(crate) blob: Option<ObjectId>,
    /// The commit or tree that is checked out; none where a file is merged or restored.
    pub(crate) treeish: Option<ObjectId>,
    /// The checkout is of a branch or a tag.
    pub(crate) has_ref: bool,
    /// Who gets the file.
    pub(crate) target: SmudgeTarget,
}

/// Who gets a file that git takes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SmudgeTarget {
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
    pub(crate) fn new(repository: Option<&'r Repository>) -> Filter<'r> {
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
        Filter {
            repository,
            settings,
            layouts,
            indexed,
            ahead: None,
            next_handling: None,
            unconfirmed: Vec::new(),
            remarks,
            remarked: FxHashSet::default(),
        }
    }

    /// Cleans files before they are asked for, where they come in order.
    pub(crate) fn clean_ahead(&mut self) {
        if let Some(repository) = self.repository
            && let Some(top) = repository.work_tree()
        {
            self.ahead = Some(CleanAhead::new(top, repository.format()));
        }
    }

    /// The most bytes of a file that are looked at.
    pub(crate) fn max_file_size(&self) -> u64 {
        self.settings.max_file_size
    }

    /// What is worth telling the person since the last time, each a line.
    pub(crate) fn take_remarks(&mut self) -> Vec<String> {
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
    pub(crate) fn clean(&mut self, path: &RepoPath, bytes: &[u8]) -> Result<FilterOutcome> {
        let is_given_back = self.record_confirmed_writes(Some((path, bytes)));
        let (outcome, rest) = self.separate_layout(path, bytes);
        if let (FilterOutcome::Changed(content), Some(rest)) = (&outcome, rest)
            && !is_given_back
        {
            self.store_layout(path, content, rest)?;
        }
        Ok(outcome)
    }

    /// Remembers what git wrote into the work tree since, of what it may only have looked at.
    /// Whether it gives the very same back here without having written it: then it only
    /// compares contents (`merge.renormalize`).
    pub(crate) fn record_confirmed_writes(&mut self, given: Option<(&RepoPath, &[u8])>) -> bool {
        let mut is_given_back = false;
        for (path, smudged) in std::mem::take(&mut self.unconfirmed) {
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
        file.and_then(|file| files::read_up_to(&file, bytes.len() as u64).ok()).as_deref()
            == Some(bytes)
    }

    /// Cleans a file. What it gives beside the content leads to the layout.
    pub(crate) fn separate_layout<'b>(
        &mut self,
        path: &RepoPath,
        bytes: &'b [u8],
    ) -> (FilterOutcome, Option<TakenLayout<'b>>) {
        let handling = match self.next_handling.take() {
            Some((next, handling)) if next == *path => handling,
            _ => self.handling(path, AttributeDirection::Checkin),
        };
        let Handling::Clean(mode) = handling else { return (FilterOutcome::Untouched, None) };
        let (content, layout) = match self.split(path, bytes, mode) {
            SplitFile::Split(content, layout) => (content, layout),
            SplitFile::Clean => return (FilterOutcome::Untouched, None),
            SplitFile::Untouched(remark) => {
                self.remarks.extend(
                    remark.map(|why| format!("{path} is kept as it is, with its layout: {why}")),
                );
                return (FilterOutcome::Untouched, None);
            }
        };
        match self.indexed.as_mut().and_then(|index| index.unchanged_content(path, bytes)) {
            Some(raw) => (raw, None),
            None => (FilterOutcome::Changed(content), Some(layout)),
        }
    }

    /// Splits a file, or takes what was made of it ahead.
    fn split<'b>(&mut self, path: &RepoPath, bytes: &'b [u8], mode: LayoutMode) -> SplitFile<'b> {
        match self.take_ahead(path, bytes, mode) {
            Some(AheadOutcome::Untouched(remark)) => SplitFile::Untouched(remark),
            Some(AheadOutcome::Clean) => SplitFile::Clean,
            Some(AheadOutcome::Split(SplitAhead { content, layout })) => {
                SplitFile::Split(content, TakenLayout::Ahead(layout))
            }
            None => match clean::begin_clean(bytes, mode) {
                CleanStart::Untouched(remark) => SplitFile::Untouched(remark),
                CleanStart::Clean => SplitFile::Clean,
                CleanStart::Split { content, rest } => {
                    SplitFile::Split(content, TakenLayout::Remainder(Box::new(rest)))
                }
            },
        }
    }

    fn take_ahead(
        &mut self,
        path: &RepoPath,
        bytes: &[u8],
        mode: LayoutMode,
    ) -> Option<AheadOutcome> {
        let ahead = self.ahead.as_mut()?;
        let outcome = ahead.take(path, bytes, mode);
        let layouts = &mut self.layouts;
        ahead.begin_after(path, mode, &mut || layouts.as_mut()?.tick_ahead());
        outcome
    }

    /// Looks up, while git is busy, how the file is handled that it probably sends next. git
    /// itself reads attributes once for a command.
    pub(crate) fn look_ahead(&mut self) {
        if let Some(next) = self.ahead.as_ref().and_then(CleanAhead::expected).cloned() {
            let handling = self.handling(&next, AttributeDirection::Checkin);
            self.next_handling = Some((next, handling));
        }
    }

    /// Keeps the layout that was taken out of a file.
    ///
    /// # Errors
    /// It cannot be kept.
    pub(crate) fn store_layout(
        &mut self,
        path: &RepoPath,
        content: &[u8],
        taken: TakenLayout<'_>,
    ) -> Result<()> {
        let (Some(repository), Some(layouts)) = (self.repository, &mut self.layouts) else {
            return Ok(());
        };
        let layout = match taken {
            TakenLayout::Ahead(layout) => layout,
            TakenLayout::Remainder(rest) => LayoutAhead {
                blob: repository.format().object_id(ObjectKind::Blob, content),
                line: rest.layout_line(),
                stamped: None,
            },
        };
        layouts.save(path, content, &layout).or_else(|error| {
            // What notes hold is kept, whatever becomes of the files beside them.
            let is_noted = layouts.is_noted_so(path, layout.blob, &layout.line).unwrap_or(false);
            // git asks only to compare, and can store the content as little as we its layout.
            if is_noted || error.is_read_only_filesystem() { Ok(()) } else { Err(error) }
        })
    }

    /// Whether the index holds the sides of an unsettled merge of a file.
    pub(crate) fn is_unsettled(&mut self, path: &RepoPath) -> bool {
        self.indexed.as_mut().is_some_and(|indexed| indexed.is_unsettled(path))
    }

    /// Looks which files went away, before git goes on to delete those that it writes anew.
    pub(crate) fn find_deleted_early(&mut self) {
        if let Some(layouts) = &mut self.layouts {
            // Where it fails, a file that was renamed and edited is a new one.
            let _ = layouts.find_deleted_early();
        }
    }

    /// The layouts of the work tree, behind the filter.
    pub(crate) fn layouts(&mut self) -> Option<&mut WorkTreeLayouts<'r>> {
        self.layouts.as_mut()
    }

    /// Puts the layout into a file.
    pub(crate) fn smudge(
        &mut self,
        path: &RepoPath,
        request: SmudgeRequest,
        bytes: &[u8],
    ) -> FilterOutcome {
        match self.prepare_smudge(path, request, bytes.to_vec()) {
            SmudgeStart::Untouched(_) => FilterOutcome::Untouched,
            SmudgeStart::Pending(pending) => {
                let content = self.finish_smudge(path, pending.run());
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
    pub(crate) fn lay_out(
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
        let action = GitAction::Integrate { merged: merged.to_vec(), to: None };
        let found = layouts.find_layouts(path, blob, bytes, &action)?;
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
    pub(crate) fn record_rewrite(&mut self, path: &RepoPath) -> Result<()> {
        self.layouts.as_mut().map_or(Ok(()), |layouts| layouts.record_rewrite(path))
    }

    /// Whether something in a file of the work tree lies where nobody put it.
    ///
    /// # Errors
    /// What the files held cannot be read.
    pub(crate) fn has_arranged_places(&mut self, path: &RepoPath) -> Result<bool> {
        self.layouts.as_mut().map_or(Ok(false), |layouts| layouts.has_arranged_places(path))
    }

    /// The file that a checkout of a state would give, which nobody writes anywhere.
    pub(crate) fn smudge_for_display(
        &mut self,
        path: &RepoPath,
        blob: ObjectId,
        bytes: &[u8],
    ) -> FilterOutcome {
        let request = SmudgeRequest {
            blob: Some(blob),
            target: SmudgeTarget::Reader,
            ..SmudgeRequest::default()
        };
        match self.prepare_smudge(path, request, bytes.to_vec()) {
            SmudgeStart::Pending(pending) => FilterOutcome::Changed(pending.run().laid_out.bytes),
            SmudgeStart::Untouched(_) => FilterOutcome::Untouched,
        }
    }

    /// The first part of [`Filter::smudge`], which looks into the repository; the next one,
    /// [`PendingSmudge::run`], can be done on any thread, and [`Filter::finish_smudge`] is the
    /// last.
    pub(crate) fn prepare_smudge(
        &mut self,
        path: &RepoPath,
        request: SmudgeRequest,
        content: Vec<u8>,
    ) -> SmudgeStart {
        self.record_confirmed_writes(None);
        let Handling::Clean(mode) = self.handling(path, AttributeDirection::Checkout) else {
            return SmudgeStart::Untouched(content);
        };
        if !may_be_graph(&content) {
            return SmudgeStart::Untouched(content);
        }
        let (Some(repository), Some(layouts)) = (self.repository, &mut self.layouts) else {
            let stored = StoredContent { blob: None, mode };
            let task = LayoutTask::unknown(content);
            return SmudgeStart::Pending(PendingSmudge { stored, action: GitAction::Show, task });
        };
        let blob =
            request.blob.unwrap_or_else(|| normalized_blob_id(repository.format(), &content));
        let action = GitAction::detect(repository, path, request);
        let found = match layouts.find_layouts(path, blob, &content, &action) {
            Ok(found) => found,
            Err(error) => {
                let noted = layouts.find_noted(path, blob, &content);
                self.remark_once("layouts come from the notes alone", &error);
                noted.unwrap_or_else(|error| {
                    self.remark_once("layouts cannot be read", &error);
                    FoundLayouts::empty()
                })
            }
        };
        let stored = StoredContent { blob: Some(blob), mode };
        let task = LayoutTask::new(content, found);
        SmudgeStart::Pending(PendingSmudge { stored, action, task })
    }

    /// Remembers what is written into the work tree, and gives it. That it cannot be
    /// remembered is told, and no reason to leave the file out: git has taken the old one
    /// away by now, and what was arranged says so itself.
    pub(crate) fn finish_smudge(&mut self, path: &RepoPath, smudged: SmudgedFile) -> Vec<u8> {
        match smudged.action {
            GitAction::Show => {}
            GitAction::Switch { .. } | GitAction::Integrate { .. } => self.remember(path, &smudged),
            GitAction::WriteOrCompare => {
                let bytes = smudged.laid_out.bytes.clone();
                self.unconfirmed.push((path.clone(), smudged));
                return bytes;
            }
        }
        smudged.laid_out.bytes
    }

    fn remember(&mut self, path: &RepoPath, smudged: &SmudgedFile) {
        if let (Some(repository), Some(blob)) = (self.repository, smudged.blob)
            && smudged.laid_out.lacks_own()
            && smudged.action.may_precede_layout(repository)
        {
            // It only helps to put right later what is not known now.
            let _ = missed_sides::add(repository, path, blob);
        }
        if let (Some(layouts), Some(blob)) = (&mut self.layouts, smudged.blob)
            && let Err(error) = layouts.record_written(path, blob, &smudged.laid_out)
        {
            self.remark_once("where nodes lie is not remembered", &error);
        }
    }

    /// One place is in the way of every file, and of all that is done with it; it is named
    /// once.
    fn remark_once(&mut self, what: &str, error: &GitError) {
        let why = error.to_string();
        if self.remarked.insert(why.clone()) {
            self.remarks.push(format!("{what}: {why}; {}", storage_check::remedy(error)));
        }
    }
}

/// What is to be done with a content that git takes out.
#[derive(Debug)]
pub(crate) enum SmudgeStart {
    /// Nothing: it is none of ours.
    Untouched(Vec<u8>),
    /// It is to be laid out.
    Pending(PendingSmudge),
}

/// A file whose layout was found, still to be smudged.
#[derive(Debug)]
pub(crate) struct PendingSmudge {
    stored: StoredContent,
    action: GitAction,
    task: LayoutTask,
}

/// A file that was smudged, still to be remembered.
#[derive(Debug)]
pub(crate) struct SmudgedFile {
    blob: Option<ObjectId>,
    action: GitAction,
    laid_out: LaidOutFile,
}

impl PendingSmudge {
    /// How long the content is.
    pub(crate) fn length(&self) -> usize {
        self.task.content.len()
    }

    /// Makes the file.
    pub(crate) fn run(self) -> SmudgedFile {
        let PendingSmudge { stored, action, task } = self;
        SmudgedFile { blob: stored.blob, action, laid_out: task.run(stored) }
    }
}

/// A blob with the layout that was committed with it; the blob as it is where none is
/// known, or it holds no workflow.
pub(crate) fn with_committed_layout(
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
pub(super) fn may_be_graph(bytes: &[u8]) -> bool {
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
