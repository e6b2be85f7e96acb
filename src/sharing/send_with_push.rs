//! What the pre-push hook sends along with a push.

use super::{Interactivity, fetched};
use crate::layouts::{promote_pending, refresh_index};
use crate::platform::git::{CommitId, ObjectId, RefName, Repository, Result};

/// Sends layouts, records and runs before git pushes what it was asked for. `refs` are the lines
/// that git gives the pre-push hook.
pub(crate) fn send_with_push(
    repository: &Repository,
    remote: &str,
    url: &str,
    refs: &[u8],
) -> Result<()> {
    if !super::is_sharing_enabled(repository) || pushes_only_our_refs(refs) {
        return Ok(());
    }
    let remote = super::remote_for_push(repository, remote, url)?;
    if let Some(remote) = &remote {
        // Where this fails, the next push finds it again.
        let _ = fetched::add_missing_refspecs(repository, remote);
    }
    // What fails here must not hold up what is ready to go.
    let filed = refresh_index(repository).map(drop);
    let mut commits: Vec<CommitId> = parse_pushed_commits(refs);
    commits.extend(repository.head()?);
    promote_pending(repository, &commits)?;
    let joined = super::receive_layouts(repository).map(drop);
    // What others moved in older contents came along into ours just now.
    promote_pending(repository, &commits)?;
    // What the push itself names git sends next, over what it saw there before the hook ran.
    let named = parse_pushed_refs(refs);
    match remote {
        Some(remote) => {
            super::push_shared_refs_except(repository, &remote, Interactivity::Hook, &named)?
        }
        None => super::push_to_address(repository, url, Interactivity::Hook, &named)?,
    };
    // What others sent meanwhile was merged before it went.
    filed.and(joined).and(super::receive_layouts(repository).map(drop))
}

/// The commits that are pushed: `<local ref> <local id> <remote ref> <remote id>`.
fn parse_pushed_commits(refs: &[u8]) -> Vec<CommitId> {
    let ids = refs.split(|b| *b == b'\n').filter_map(|line| line.split(|b| *b == b' ').nth(1));
    let ids = ids.filter_map(ObjectId::from_hex).filter(|id| !id.is_null());
    ids.map(CommitId).collect()
}

/// The refs of the remote that are pushed to.
fn parse_pushed_refs(refs: &[u8]) -> Vec<RefName> {
    let names = refs.split(|b| *b == b'\n').filter_map(|line| line.split(|b| *b == b' ').nth(2));
    names.filter_map(|name| std::str::from_utf8(name).ok()).map(RefName::new).collect()
}

/// Whether only refs of git-comfy are pushed, by hand.
fn pushes_only_our_refs(refs: &[u8]) -> bool {
    let mut names = refs.split(|b| *b == b'\n').filter(|line| !line.is_empty()).peekable();
    let own = |line: &[u8]| {
        let name = line.split(|b| *b == b' ').nth(2).unwrap_or_default();
        name.starts_with(b"refs/notes/comfy") || name.starts_with(b"refs/comfy/")
    };
    names.peek().is_some() && names.all(own)
}
