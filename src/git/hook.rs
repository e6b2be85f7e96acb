//! What is done when git calls a hook. Each does nothing, quickly, when there is nothing
//! to do; none ever fails the git command that called it.

use super::error::{Error, Result};
use super::id::{CommitId, ObjectId};
use super::layouts::promote;
use super::refresh::refresh;
use super::repository::Repository;
use super::restore::follow_layouts;
use super::sharing::{self, Asking, Pushed};

/// The hooks that are of use, with what git tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// After a commit.
    PostCommit,
    /// After a checkout, a clone, or the making of a work tree.
    PostCheckout,
    /// After a merge or a pull.
    PostMerge,
    /// After an amended commit or a rebase.
    PostRewrite,
    /// Before a push.
    PrePush {
        /// The name of the remote, or its URL where it has none.
        remote: String,
        /// Its URL.
        url: String,
        /// The lines git gives on standard input.
        refs: Vec<u8>,
    },
}

/// Does the work of a hook. Gives lines for the person; mostly none.
pub fn run(repository: &Repository, hook: &Hook) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut note = |what: &str, outcome: Result<()>| {
        if let Err(error) = outcome {
            remarks.push(format!("{what}: {error}"));
        }
    };
    match hook {
        Hook::PrePush { remote, url, refs } => match send_along(repository, remote, url, refs) {
            Ok(()) => {}
            Err(Error::TooSlow { .. }) => remarks.push(format!(
                "layouts were not sent along in time; `git comfy sync {remote}` does it"
            )),
            Err(error) => remarks.push(format!(
                "layouts were not sent along ({error}); `git comfy sync {remote}` tries again"
            )),
        },
        // More commits follow: only their layouts are kept. The end of a rebase is a rewrite.
        hook if *hook != Hook::PostRewrite && is_in_sequence(repository) => {
            note("layouts stay pending", keep_layouts(repository));
        }
        _ => {
            // First: it files the layouts of files that were moved about and saved.
            note("files are not refreshed", refresh(repository).map(drop));
            note("layouts stay pending", keep_layouts(repository));
            note("fetched layouts are not merged", receive(repository));
        }
    }
    remarks
}

fn keep_layouts(repository: &Repository) -> Result<()> {
    let head = repository.head()?;
    promote(repository, head.as_slice()).map(drop)
}

fn receive(repository: &Repository) -> Result<()> {
    let gathered = sharing::gather(repository)?;
    follow_layouts(repository, &gathered).map(drop)
}

/// A rebase or a row of cherry-picks is going on.
fn is_in_sequence(repository: &Repository) -> bool {
    let state = ["rebase-merge", "rebase-apply", "sequencer"];
    state.iter().any(|name| repository.git_dir().join(name).exists())
}

fn send_along(repository: &Repository, remote: &str, url: &str, refs: &[u8]) -> Result<()> {
    if !sharing::is_on(repository) || is_our_own(refs) {
        return Ok(());
    }
    let Some(remote) = sharing::remote_of(repository, remote, url)? else { return Ok(()) };
    let mut commits: Vec<CommitId> = pushed(refs);
    commits.extend(repository.head()?);
    promote(repository, &commits)?;
    match sharing::push(repository, &remote, Asking::Nobody)? {
        Pushed::Nothing | Pushed::Sent(_) => Ok(()),
    }
}

/// The commits that are pushed: `<local ref> <local id> <remote ref> <remote id>`.
fn pushed(refs: &[u8]) -> Vec<CommitId> {
    let ids = refs.split(|b| *b == b'\n').filter_map(|line| line.split(|b| *b == b' ').nth(1));
    let ids = ids.filter_map(ObjectId::from_hex).filter(|id| !id.is_null());
    ids.map(CommitId).collect()
}

/// Somebody pushes our refs by hand, and nothing else.
fn is_our_own(refs: &[u8]) -> bool {
    let mut names = refs.split(|b| *b == b'\n').filter(|line| !line.is_empty()).peekable();
    let own = |line: &[u8]| {
        let name = line.split(|b| *b == b' ').nth(2).unwrap_or_default();
        name.starts_with(b"refs/notes/comfy") || name.starts_with(b"refs/comfy/")
    };
    names.peek().is_some() && names.all(own)
}
