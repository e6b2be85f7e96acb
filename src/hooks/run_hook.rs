//! What is done when git calls a hook. Each returns quickly when there is nothing
//! to do; none ever fails the git command that called it.

use crate::layouts::refresh::{remove_abandoned_files, store_moved_layouts};
use crate::layouts::{
    WorkTreeLayouts, drag_marks, lay_out_committed, missed_sides, promote_pending, refresh_index,
};
use crate::platform::git::index::command_index_holds_tree;
use crate::platform::git::operation_in_progress::{self, Operation};
use crate::platform::git::{Repository, Result};
use crate::sharing;
use crate::sharing::fetched;
use crate::sharing::fetched::FetchTrigger;
use crate::sharing::send_with_push::send_with_push;

/// A call of a hook by git, with its arguments and standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HookCall {
    /// After a commit.
    PostCommit,
    /// After a checkout, a clone, or the making of a work tree.
    PostCheckout,
    /// After a merge or a pull.
    PostMerge,
    /// After git wrote an index.
    PostIndexChange,
    /// After an amended commit or a rebase.
    PostRewrite,
    /// Before a push.
    PrePush {
        /// The name of the remote, or its URL where it has none.
        remote: String,
        url: String,
        /// The lines git gives on standard input: local ref, local id, remote ref, remote id.
        refs: Vec<u8>,
    },
}

/// Does the work of a hook. Gives remarks to print; mostly none.
pub(crate) fn run(repository: &Repository, hook: &HookCall) -> Vec<String> {
    let mut remarks = Vec::new();
    if let HookCall::PrePush { remote, url, refs } = hook {
        if let Err(error) = send_with_push(repository, remote, url, refs) {
            let why = error.reason();
            let next = match sharing::remote_for_push(repository, remote, url) {
                Ok(None) => "the next push there tries again".to_owned(),
                Ok(Some(remote)) => format!("`git comfy sync {remote}` tries again"),
                Err(_) => format!("`git comfy sync {remote}` tries again"),
            };
            remarks.push(format!("layouts were not sent along ({why}); {next}"));
        }
        return remarks;
    }
    if *hook == HookCall::PostIndexChange {
        if let Err(error) = drag_marks::mark_workflows(repository) {
            remarks.push(format!("git may show drags as changes: {error}"));
        }
        return remarks;
    }
    let mut note = |what: &str, outcome: Result<()>| {
        if let Err(error) = outcome {
            remarks.push(format!("{what}: {error}"));
        }
    };
    let mut missing = Vec::new();
    let mut ask = |brought| {
        fetched::request_missing_layouts(repository, brought).map(|remarks| missing = remarks)
    };
    let brought = match hook {
        HookCall::PostCommit => FetchTrigger::ByCommit,
        _ => FetchTrigger::ByMove,
    };
    // More commits follow: their layouts are kept, and what comes next finds what it lacks.
    // The end of a rebase is a rewrite.
    if *hook != HookCall::PostRewrite && is_in_sequence(repository) {
        // First: what is kept of a content whose own layout is not here would pass for it.
        note("layouts are not asked for", ask(brought));
        note("layouts stay pending", keep_layouts(repository));
        remarks.extend(missing);
        return remarks;
    }
    if brought == FetchTrigger::ByMove {
        note("layouts are not asked for", ask(brought));
    }
    // First: it keeps the layouts of files whose nodes were moved and saved.
    note("files are not refreshed", refresh_index(repository).map(drop));
    // What is kept goes on from what others said: one history of notes, not two.
    note("fetched layouts are not merged", sharing::receive_layouts(repository).map(drop));
    if matches!(hook, HookCall::PostMerge | HookCall::PostCommit) {
        let before = match hook {
            HookCall::PostMerge => repository.resolve_commit("ORIG_HEAD").unwrap_or_default(),
            _ => None,
        };
        note("files are not laid out", lay_out_committed(repository, before).map(drop));
    }
    note("layouts stay pending", keep_layouts(repository));
    note("fetched layouts are not followed", fetched::mark_notes_followed(repository));
    if brought == FetchTrigger::ByCommit {
        note("layouts are not asked for", ask(brought));
        note("fetched layouts are not merged", sharing::receive_layouts(repository).map(drop));
    }
    note("layouts stay pending", keep_awaited_layouts(repository));
    note("git may show drags as changes", drag_marks::mark_workflows(repository));
    if *hook == HookCall::PostCommit {
        remove_abandoned_files(repository);
    }
    remarks.extend(missing);
    remarks
}

/// Keeps the layouts that files of the last commit have, when a commit begins that may
/// find nothing to do: git then calls no other hook. What is committed after all is kept
/// by [`HookCall::PostCommit`], at once with the rest. The index is git's while this runs.
pub(crate) fn before_commit(repository: &Repository) -> Result<()> {
    store_moved_layouts(repository)?;
    let Some(head) = repository.head()? else { return Ok(()) };
    let tree = repository.commit(head)?.map(|commit| commit.tree);
    if tree.map_or(Ok(false), |tree| command_index_holds_tree(repository, tree))? {
        promote_pending(repository, &[head])?;
    }
    Ok(())
}

/// Also those of the commits before: a file that was moved about and then edited leaves
/// the layout of its older content behind.
fn keep_layouts(repository: &Repository) -> Result<()> {
    let Some(head) = repository.head()? else { return Ok(()) };
    let parents = repository.commit(head)?.map(|commit| commit.parents).unwrap_or_default();
    let commits: Vec<_> = [head].into_iter().chain(parents).collect();
    promote_pending(repository, &commits).map(drop)
}

/// How files lie whose layouts could not be had, now that they were asked for.
fn keep_awaited_layouts(repository: &Repository) -> Result<()> {
    if missed_sides::read(repository).is_empty() {
        return Ok(());
    }
    WorkTreeLayouts::new(repository).store_awaited()?;
    keep_layouts(repository)
}

/// Whether a rebase or a sequence of cherry-picks is under way.
fn is_in_sequence(repository: &Repository) -> bool {
    operation_in_progress::is_any_in_progress(repository, &[Operation::Rebase, Operation::Sequence])
        && !has_nothing_to_apply(repository)
}

/// Whether a rebase only moves the branch on: its start is its end, and no other hook follows.
fn has_nothing_to_apply(repository: &Repository) -> bool {
    let Ok(Some(head)) = repository.head() else { return false };
    let before = operation_in_progress::rebased_tip(repository);
    before.is_some_and(|before| repository.is_ancestor(before, head).unwrap_or(false))
}
