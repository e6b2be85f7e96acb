//! The layouts of a merge: those of both sides put together for the merged content.
//!
//! git stores the merged blob itself and then checks it out; the layout filed here for
//! that blob is the one its smudge finds. Must not know how documents are merged.

use comfy_graph::clean;
use comfy_graph::clean::{
    Clock, ClockedLayout, ComposedFile, LayoutChanges, LayoutRelation, LayoutSource, PlaceMatches,
};
use comfy_graph::graph::{NodeId, NodeKey};
use rustc_hash::FxHashMap;

use crate::layouts::raw_files::extract_layout;
use crate::layouts::{FilterSettings, Handling, WorkTreeLayouts};
use crate::platform::git::{AttributeDirection, ObjectKind, RepoPath, Repository, Result};

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
}

/// What their side of a merge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncomingSide {
    /// A branch.
    Branch,
    /// One commit that is applied anew (`cherry-pick`, `rebase`, `am -3`): what it changed is
    /// wanted here, whenever it was made.
    Commit,
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
                IncomingSide::Commit
            }
            (_, Some(theirs)) if is_parent(theirs) => IncomingSide::Reverted,
            (Some(_), _) => IncomingSide::Branch,
            (None, _) => IncomingSide::under_way(repository),
        }
    }

    fn under_way(repository: &Repository) -> IncomingSide {
        let action = repository.environment().reflog_action.as_deref().unwrap_or_default();
        let exists = |name: &str| repository.git_dir().join(name).exists();
        let picks = ["CHERRY_PICK_HEAD", "rebase-merge", "rebase-apply"];
        if action.starts_with("cherry-pick") || picks.into_iter().any(exists) {
            IncomingSide::Commit
        } else if action.starts_with("revert") || exists("REVERT_HEAD") {
            IncomingSide::Reverted
        } else {
            IncomingSide::Branch
        }
    }
}

/// Moves in a raw file of theirs that do not go the usual way.
#[derive(Debug)]
pub(crate) struct RawMoves {
    pub(crate) moves: LayoutChanges,
    pub(crate) fate: RawMovesFate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawMovesFate {
    /// Nobody knows when they were made, and what lies here was placed at a known time.
    GaveWay,
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
) -> Result<Option<RawMoves>> {
    let mut layouts = WorkTreeLayouts::new(repository);
    let Some(composed) = compose_layouts(&mut layouts, path, contents, renumbered)? else {
        return Ok(None);
    };
    let blob = repository.format().object_id(ObjectKind::Blob, contents.merged);
    layouts.store_for(path, blob, &composed.file.layout)?;
    Ok(composed.raw_moves)
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
    raw_moves: Option<RawMoves>,
}

/// When a place was moved that a raw side has elsewhere than the common ancestor: at no known
/// time, but later than what neither side moved. Of two moves ours stays.
const MOVED_BY_OURS: Clock = Clock::Unknown(2);
const MOVED_BY_THEIRS: Clock = Clock::Unknown(1);

/// The layout of one side.
fn side_layout(
    layouts: &mut WorkTreeLayouts<'_>,
    path: &RepoPath,
    contents: MergeContents<'_>,
    (side, moved): (&[u8], Clock),
) -> Result<Option<ClockedLayout>> {
    let Some(line) = extract_layout(side) else { return layouts.layout_for_merge(path, side) };
    if contents.incoming != IncomingSide::Reverted
        && let Some(layout) = layouts.stamp_raw_moves(path, side, contents.base, moved)?
    {
        return Ok(Some(layout));
    }
    Ok(clean::stamp_uniformly(&line, Clock::Unknown(0)))
}

fn compose_layouts(
    layouts: &mut WorkTreeLayouts<'_>,
    path: &RepoPath,
    contents: MergeContents<'_>,
    renumbered: &FxHashMap<NodeKey, NodeId>,
) -> Result<Option<ComposedMerge>> {
    let ours = side_layout(layouts, path, contents, (contents.ours, MOVED_BY_OURS))?;
    let theirs = side_layout(layouts, path, contents, (contents.theirs, MOVED_BY_THEIRS))?;
    let latest = |layout: &Option<ClockedLayout>| layout.as_ref().map_or(0, |l| l.latest_millis());
    let now = layouts.tick(latest(&ours).max(latest(&theirs)))?;
    let with_moves = match contents.incoming {
        IncomingSide::Reverted => None,
        _ => layouts.stamp_raw_moves(path, contents.theirs, contents.base, now)?,
    };
    let matches = PlaceMatches::from_renumbering(renumbered);
    // A result that equals one side has exactly that side's layout.
    let relation = |side: &[u8], otherwise| match side == contents.merged {
        true => LayoutRelation::SameContent,
        false => otherwise,
    };
    let relation_of_ours = relation(contents.ours, LayoutRelation::ById);
    let relation_of_theirs = relation(contents.theirs, LayoutRelation::Matched(&matches));
    let compose = |theirs: Option<&ClockedLayout>| {
        let ours = ours.as_ref().map(|layout| LayoutSource { layout, relation: relation_of_ours });
        let theirs = theirs.map(|layout| LayoutSource { layout, relation: relation_of_theirs });
        let sources: Vec<LayoutSource<'_>> = ours.into_iter().chain(theirs).collect();
        if sources.is_empty() { None } else { clean::compose_file(contents.merged, &sources, now) }
    };
    let merged = compose(theirs.as_ref());
    let picked = with_moves.as_ref().and_then(|theirs| compose(Some(theirs)));
    let moved_since = |before: Option<&ClockedLayout>, after: &ComposedFile| {
        let relation = LayoutRelation::SameContent;
        let before = before.map(|layout| LayoutSource { layout, relation });
        clean::compare_layouts(before, &after.layout)
    };
    let (file, moves, fate) = match (merged, picked) {
        (_, Some(picked)) if contents.incoming == IncomingSide::Commit => {
            let moves = match contents.ours == contents.merged {
                true => moved_since(ours.as_ref(), &picked),
                false => LayoutChanges::default(),
            };
            (picked, moves, RawMovesFate::AllThatChanged)
        }
        (Some(merged), Some(picked)) => {
            let moves = moved_since(Some(&merged.layout), &picked);
            (merged, moves, RawMovesFate::GaveWay)
        }
        (Some(merged), None) => (merged, LayoutChanges::default(), RawMovesFate::GaveWay),
        (None, _) => return Ok(None),
    };
    let raw_moves = (!moves.is_empty()).then_some(RawMoves { moves, fate });
    Ok(Some(ComposedMerge { file, raw_moves }))
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
