//! The layouts of a merge: those of both sides put together for the merged content.
//!
//! git stores the merged blob itself and then checks it out; the layout filed here for
//! that blob is the one its smudge finds. Must not know how documents are merged.

use comfy_graph::clean;
use comfy_graph::clean::{
    CleanOutcome, Clock, ClockStamp, ClockedLayout, ComposedFile, LayoutChanges, LayoutMode,
    LayoutRelation, LayoutSource, PlaceMatches, UnclockedRanks, UnclockedSide,
};
use comfy_graph::graph::{NodeId, NodeKey};
use rustc_hash::FxHashMap;

use super::merge_files::in_our_hand;
use crate::layouts::raw_files::extract_layout;
use crate::layouts::work_tree::MergeLayout;
use crate::layouts::{FilterSettings, Handling, LayoutPart, WorkTreeLayouts, missed_sides};
use crate::platform::git::operation_in_progress::{Operation, applied_commit, is_any_in_progress};
use crate::platform::git::{
    AttributeDirection, CommitId, ObjectKind, RepoPath, Repository, Result,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeContents<'a> {
    /// The common ancestor.
    pub(crate) base: &'a [u8],
    /// The side merged into.
    pub(crate) ours: &'a [u8],
    /// The side merged.
    pub(crate) theirs: &'a [u8],
    /// The result, in clean form.
    pub(crate) merged: &'a [u8],
    pub(crate) incoming: IncomingSide,
    /// The commit merged into.
    pub(crate) head: Option<CommitId>,
}

impl MergeContents<'_> {
    /// The commit that holds their side, where it is applied anew.
    fn applied(&self) -> Option<CommitId> {
        match self.incoming {
            IncomingSide::Commit(applied) => applied.map(|applied| applied.id),
            IncomingSide::Branch | IncomingSide::Reverted => None,
        }
    }
}

/// What their side of a merge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncomingSide {
    Branch,
    /// One commit that is applied anew (`cherry-pick`, `rebase`, `am -3`): what it changed is
    /// wanted here, unless it was changed here later.
    Commit(Option<AppliedCommit>),
    /// A commit that is taken back.
    Reverted,
}

impl IncomingSide {
    /// Told by what git calls the ancestor and their side; a git that does not say (before
    /// 2.44) by what it is at.
    pub(crate) fn detect(
        ancestor: Option<&str>,
        theirs: Option<&str>,
        repository: &Repository,
    ) -> IncomingSide {
        let is_parent = |label: &str| label.starts_with("parent of ");
        match (ancestor, theirs) {
            // `am` makes an ancestor of what the patch says.
            (Some(base), _) if is_parent(base) || base.starts_with("constructed ") => {
                IncomingSide::Commit(AppliedCommit::find(repository, theirs))
            }
            (_, Some(theirs)) if is_parent(theirs) => IncomingSide::Reverted,
            (Some(_), _) => IncomingSide::Branch,
            (None, _) => IncomingSide::under_way(repository, theirs),
        }
    }

    fn under_way(repository: &Repository, theirs: Option<&str>) -> IncomingSide {
        let action = repository.environment().reflog_action.as_deref().unwrap_or_default();
        let picks = [Operation::CherryPick, Operation::Rebase];
        if action.starts_with("cherry-pick") || is_any_in_progress(repository, &picks) {
            IncomingSide::Commit(AppliedCommit::find(repository, theirs))
        } else if action.starts_with("revert") || Operation::Revert.is_in_progress(repository) {
            IncomingSide::Reverted
        } else {
            IncomingSide::Branch
        }
    }
}

/// A commit that is applied anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AppliedCommit {
    id: CommitId,
    /// When it was written, in milliseconds since 1970.
    at: u64,
}

impl AppliedCommit {
    /// git calls their side by its id and its subject, or by the subject of a patch.
    fn find(repository: &Repository, theirs: Option<&str>) -> Option<AppliedCommit> {
        let named = || {
            let (id, _) = theirs?.split_once(" (")?;
            let is_id = id.len() >= 4 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
            if is_id { repository.resolve_commit(id).ok()? } else { None }
        };
        let id = applied_commit(repository).or_else(named)?;
        let seconds = repository.commit(id).ok()??.author.seconds;
        Some(AppliedCommit { id, at: u64::try_from(seconds).unwrap_or(0).saturating_mul(1000) })
    }
}

/// Moves in a raw file that do not go the usual way.
#[derive(Debug)]
pub(crate) struct RawMoves {
    pub(crate) moves: LayoutChanges,
    pub(crate) fate: RawMovesFate,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawMovesSide {
    Ours,
    Theirs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawMovesFate {
    /// Nobody knows when they were made, and the other side placed things at a known time.
    GaveWay(RawMovesSide),
    /// They were made before our side moved the same.
    WereEarlier,
    /// They are kept, but are all that changes in the file: git sees nothing to write.
    AllThatChanged,
}

/// How positions of a file are handled, and the size from which on it is not parsed.
pub(crate) fn layout_handling(repository: &Repository, path: &RepoPath) -> (Handling, u64) {
    let settings = FilterSettings::load(repository).unwrap_or_default();
    (settings.handling_of(repository, path, AttributeDirection::Checkin), settings.max_file_size)
}

/// Stores the layout of a merged blob: every node lies where it was moved to last, on
/// whichever side; a node that only one side has lies where that side has it. Without a layout
/// of either side none is stored.
///
/// # Errors
/// The layout cannot be kept, or those of the sides cannot be read.
pub(crate) fn store_merged_layout(
    repository: &Repository,
    path: &RepoPath,
    contents: MergeContents<'_>,
    renumbered: &FxHashMap<NodeKey, NodeId>,
) -> Result<Vec<RawMoves>> {
    let mut layouts = WorkTreeLayouts::new(repository);
    let Some(composed) = compose_layouts(&mut layouts, path, contents, renumbered)? else {
        store_our_writing(&mut layouts, repository, path, contents)?;
        return Ok(Vec::new());
    };
    let blob = repository.format().object_id(ObjectKind::Blob, contents.merged);
    layouts.store_for(path, blob, &composed.file.layout)?;
    if composed.misses_theirs {
        let theirs = repository.format().object_id(ObjectKind::Blob, contents.theirs);
        // It only helps to put right later what is not known now.
        let _ = missed_sides::add(repository, path, theirs);
    }
    Ok(composed.raw_moves)
}

/// What has no places, as a prompt, still is in somebody's hand: the merged content is kept in
/// that of our file.
fn store_our_writing(
    layouts: &mut WorkTreeLayouts<'_>,
    repository: &Repository,
    path: &RepoPath,
    contents: MergeContents<'_>,
) -> Result<()> {
    let own = layouts.layout_for_merge(path, contents.ours)?.filter(|own| !own.is_guess);
    let Some(MergeLayout { layout, .. }) = own else { return Ok(()) };
    let Some(before) = clean::smudge(contents.ours, &layout.to_line()) else { return Ok(()) };
    let before = String::from_utf8_lossy(&before);
    let written = in_our_hand(contents.merged.to_vec(), &before);
    let CleanOutcome::Cleaned(cleaned) = clean::clean_document(&written, LayoutMode::Strip) else {
        return Ok(());
    };
    let line = cleaned.layout.filter(|_| cleaned.content == contents.merged);
    if let Some(kept) = line.and_then(|line| clean::stamp_uniformly(&line, layout.saved())) {
        let blob = repository.format().object_id(ObjectKind::Blob, contents.merged);
        layouts.store_for(path, blob, &kept)?;
    }
    Ok(())
}

/// The merged content with the layout of the sides; `None` if neither has one.
pub(crate) fn content_with_layout(
    repository: &Repository,
    path: &RepoPath,
    contents: MergeContents<'_>,
    renumbered: &FxHashMap<NodeKey, NodeId>,
) -> Result<Option<Vec<u8>>> {
    let mut layouts = WorkTreeLayouts::new(repository);
    let composed = compose_layouts(&mut layouts, path, contents, renumbered)?;
    Ok(composed.map(|composed| composed.file.bytes))
}

/// A merged content, laid out.
struct ComposedMerge {
    file: ComposedFile,
    raw_moves: Vec<RawMoves>,
    /// Nobody knows yet how their side lay.
    misses_theirs: bool,
}

/// The layouts of both sides. What has no clock and was moved since the common ancestor ranks
/// above what was not.
fn side_layouts(
    layouts: &mut WorkTreeLayouts<'_>,
    path: &RepoPath,
    contents: MergeContents<'_>,
) -> Result<MergeSides> {
    let mut clean_layout = |side: &[u8]| match extract_layout(side) {
        Some(_) => Ok(None),
        None => layouts.layout_for_merge(path, side),
    };
    let (mut ours, mut theirs) = (clean_layout(contents.ours)?, clean_layout(contents.theirs)?);
    let base = layouts.base_layout(path, contents.base)?;
    let known = ours.iter().chain(&theirs).map(|side| &side.layout);
    let ranks = UnclockedRanks::above(known.chain(&base));
    let base = base.filter(ClockedLayout::has_unclocked_place);
    let base_of = |side: &[u8]| Some(LayoutPart::between(base.clone()?, contents.base, side));
    let (base_of_ours, base_of_theirs) = (base_of(contents.ours), base_of(contents.theirs));
    let is_taken_back = contents.incoming == IncomingSide::Reverted;
    ranks.rank_moves(
        unclocked_side(&mut ours, &base_of_ours),
        unclocked_side(&mut theirs, &base_of_theirs).filter(|_| !is_taken_back),
    );
    let mut raw_layout = |side: &[u8], tip, moved: Clock| -> Result<Option<ClockedLayout>> {
        let Some(line) = extract_layout(side) else { return Ok(None) };
        let ranked = match is_taken_back {
            true => None,
            false => layouts.stamp_raw_moves(path, side, (contents.base, tip), moved)?,
        };
        Ok(ranked.or_else(|| clean::stamp_uniformly(&line, Clock::Unknown(0))))
    };
    let our_raw = raw_layout(contents.ours, contents.head, ranks.upper())?;
    let their_raw = raw_layout(contents.theirs, contents.applied(), ranks.lower())?;
    let is_known = theirs.as_ref().is_some_and(|theirs| !theirs.is_guess);
    Ok(MergeSides {
        ours: our_raw.or(ours.map(|side| side.layout)),
        misses_theirs: !is_known && their_raw.is_none() && !is_taken_back,
        theirs: their_raw.or(theirs.map(|side| side.layout)),
    })
}

/// The layouts of the sides of a merge.
struct MergeSides {
    ours: Option<ClockedLayout>,
    theirs: Option<ClockedLayout>,
    /// Theirs is none of that very content.
    misses_theirs: bool,
}

fn unclocked_side<'a>(
    side: &'a mut Option<MergeLayout>,
    base: &'a Option<LayoutPart>,
) -> Option<UnclockedSide<'a>> {
    let side = side.as_mut().filter(|side| !side.is_guess)?;
    Some(UnclockedSide { layout: &mut side.layout, base: base.as_ref()?.source() })
}

fn compose_layouts(
    layouts: &mut WorkTreeLayouts<'_>,
    path: &RepoPath,
    contents: MergeContents<'_>,
    renumbered: &FxHashMap<NodeKey, NodeId>,
) -> Result<Option<ComposedMerge>> {
    let MergeSides { ours, theirs, misses_theirs } = side_layouts(layouts, path, contents)?;
    let latest = |layout: &Option<ClockedLayout>| layout.as_ref().map_or(0, |l| l.latest_millis());
    let tick = layouts.tick(latest(&ours).max(latest(&theirs)))?;
    let now = Clock::At(tick);
    let mut with_moves = |side: &[u8], tip| match contents.incoming {
        IncomingSide::Reverted => Ok(None),
        _ => layouts.stamp_raw_moves(path, side, (contents.base, tip), now),
    };
    let ours_with_moves = with_moves(contents.ours, contents.head)?;
    let theirs_with_moves = with_moves(contents.theirs, contents.applied())?;
    let theirs_applied = match contents.incoming {
        IncomingSide::Commit(Some(applied)) if theirs_with_moves.is_some() => {
            let moved = ClockStamp { millis: applied.at.clamp(1, tick.millis), ..tick };
            applied_raw_layout(layouts, path, contents, ours.as_ref(), moved)?
        }
        _ => None,
    };
    let matches = PlaceMatches::from_renumbering(renumbered);
    // A result that equals one side has exactly that side's layout.
    let relation = |side: &[u8], otherwise| match side == contents.merged {
        true => LayoutRelation::SameContent,
        false => otherwise,
    };
    let rearranged = rearranged_base(layouts, path, contents, [ours.as_ref(), theirs.as_ref()])?;
    let relation_of_ours = relation(contents.ours, LayoutRelation::ById);
    let relation_of_theirs = relation(contents.theirs, LayoutRelation::Matched(&matches));
    let compose = |ours: Option<&ClockedLayout>, theirs: Option<&ClockedLayout>| {
        let ours = ours.map(|layout| LayoutSource { layout, relation: relation_of_ours });
        let theirs = theirs.map(|layout| LayoutSource { layout, relation: relation_of_theirs });
        let mut sources: Vec<LayoutSource<'_>> = ours.into_iter().chain(theirs).collect();
        if sources.is_empty() {
            return None;
        }
        sources.extend(rearranged.as_ref().map(LayoutPart::source));
        clean::compose_file(contents.merged, &sources, now)
    };
    let (ours, theirs) = (ours.as_ref(), theirs.as_ref());
    let Some(merged) = compose(ours, theirs) else { return Ok(None) };
    let moved_since = |before: Option<&ClockedLayout>, after: &ComposedFile| {
        let relation = LayoutRelation::SameContent;
        let before = before.map(|layout| LayoutSource { layout, relation });
        clean::compare_layouts(before, &after.layout)
    };
    let picked = theirs_with_moves.as_ref().and_then(|theirs| compose(ours, Some(theirs)));
    let mut raw_moves = Vec::new();
    let mut tell = |moves: LayoutChanges, fate: RawMovesFate| {
        if !moves.is_empty() {
            raw_moves.push(RawMoves { moves, fate });
        }
    };
    let applied = theirs_applied.as_ref().and_then(|theirs| compose(ours, Some(theirs)));
    let file = match (picked, contents.incoming) {
        (Some(picked), IncomingSide::Commit(_)) => {
            let applied = match applied {
                Some(applied) => {
                    let earlier = moved_since(Some(&applied.layout), &picked);
                    tell(earlier, RawMovesFate::WereEarlier);
                    applied
                }
                None => picked,
            };
            if contents.ours == contents.merged {
                tell(moved_since(ours, &applied), RawMovesFate::AllThatChanged);
            }
            applied
        }
        (picked, _) => {
            let kept = ours_with_moves.as_ref().and_then(|ours| compose(Some(ours), theirs));
            for (side, with_moves) in [(RawMovesSide::Ours, kept), (RawMovesSide::Theirs, picked)] {
                if let Some(with_moves) = with_moves {
                    let moves = moved_since(Some(&merged.layout), &with_moves);
                    tell(moves, RawMovesFate::GaveWay(side));
                }
            }
            merged
        }
    };
    Ok(Some(ComposedMerge { file, raw_moves, misses_theirs }))
}

/// The layout of the common ancestor, where somebody rearranged that while both sides went on
/// from it: what they moved later than both is wanted in what comes of it.
fn rearranged_base(
    layouts: &mut WorkTreeLayouts<'_>,
    path: &RepoPath,
    contents: MergeContents<'_>,
    sides: [Option<&ClockedLayout>; 2],
) -> Result<Option<LayoutPart>> {
    // Of a raw file nobody knows what in it was moved later.
    let is_raw = |content: &[u8]| extract_layout(content).is_some();
    if contents.incoming == IncomingSide::Reverted
        || [contents.base, contents.ours, contents.theirs].into_iter().any(is_raw)
    {
        return Ok(None);
    }
    let Some(base) = layouts.base_layout(path, contents.base)? else { return Ok(None) };
    let by_id = |layout| LayoutSource { layout, relation: LayoutRelation::ById };
    let mut sides = sides.into_iter().flatten().map(by_id);
    if sides.clone().any(|side| !clean::would_move(by_id(&base), side)) {
        return Ok(None);
    }
    let mut rearranged = LayoutPart::between(base.clone(), contents.base, contents.merged);
    if let Some(ours) = sides.next() {
        rearranged.forget_unclocked_places(ours);
    }
    Ok(Some(rearranged))
}

/// The layout of a raw file in a commit that is applied anew: what the commit moved was moved
/// when it was written, and counts more than what ours did not move since their ancestor.
fn applied_raw_layout(
    layouts: &mut WorkTreeLayouts<'_>,
    path: &RepoPath,
    contents: MergeContents<'_>,
    ours: Option<&ClockedLayout>,
    moved: ClockStamp,
) -> Result<Option<ClockedLayout>> {
    let at = Clock::At(moved);
    let parent = (contents.base, contents.applied());
    let Some(mut theirs) = layouts.stamp_raw_moves(path, contents.theirs, parent, at)? else {
        return Ok(None);
    };
    if let (Some(ours), Some(base)) = (ours, layouts.base_layout(path, contents.base)?) {
        let [of_ours, of_theirs] = [contents.ours, contents.theirs]
            .map(|side| LayoutPart::between(base.clone(), contents.base, side));
        let theirs = UnclockedSide { layout: &mut theirs, base: of_theirs.source() };
        clean::outrank_unmoved(theirs, moved, ours, of_ours.source());
    }
    Ok(Some(theirs))
}

/// Whether a commit of that name holds a file with that content.
pub(crate) fn holds_content(
    repository: &Repository,
    revision: &str,
    path: &RepoPath,
    content: &[u8],
) -> Result<bool> {
    let Some(commit) = repository.resolve_commit(revision)? else { return Ok(false) };
    let Some(commit) = repository.commit(commit)? else { return Ok(false) };
    let held = repository.entry_at(commit.tree, path)?.map(|entry| entry.id);
    Ok(held == Some(repository.format().object_id(ObjectKind::Blob, content)))
}
