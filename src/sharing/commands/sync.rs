//! `git comfy sync`: fetches, merges and sends layouts and records by hand.

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::git;
use crate::platform::git::shell::shell_word;
use crate::platform::git::{CommitId, Repository};
use crate::session::Session;
use crate::sharing::{Interactivity, PushOutcome};
use crate::{layouts, sharing};

/// Exchange layouts and records with a remote.
///
/// Happens by itself with fetch, pull and push; this does it now, asks for passwords where
/// it must, and tells what came of it.
#[derive(Debug, clap::Args)]
pub struct SyncArgs {
    /// The remote; none means all of them. Or the URL of a fork, or a bundle: layouts and
    /// records are then only fetched.
    pub remote: Option<String>,
}

/// Fetches, merges and sends.
pub(crate) fn run(args: &SyncArgs, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let known = sharing::remote_names(&repository)?;
    let remotes = match &args.remote {
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(url) if is_address(url) => {
            let fetched = sharing::fetch_from_address(&repository, url, Interactivity::Person);
            fetched.map_err(|error| not_exchanged(url, &error))?;
            let outcome =
                receive_and_describe(&repository)?.unwrap_or_else(|| "nothing new".to_owned());
            session.ui.report(&format!("{url}: {outcome}"))?;
            return Ok(Exit::Done);
        }
        Some(name) => {
            return Err(CommandError::user(format!("there is no remote {name}"))
                .with_hint(format!("remotes of this repository: {}", known.join(", "))));
        }
        None if known.is_empty() => {
            return Err(CommandError::repository("this repository has no remote")
                .with_hint("git remote add origin URL"));
        }
        None => known,
    };
    layouts::refresh_index(&repository)?;
    let committed = branch_tips(&repository)?;
    layouts::promote_pending(&repository, &committed)?;
    let mut exit = Exit::Done;
    for remote in remotes {
        match sync_remote(&repository, &remote, &committed) {
            Ok(outcome) => session.ui.report(&format!("{remote}: {outcome}"))?,
            Err(error) => {
                session.ui.print_error(&not_exchanged(&remote, &error));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// In the words of the person, with git's reason.
fn not_exchanged(with: &str, error: &git::GitError) -> CommandError {
    CommandError::repository(format!(
        "layouts and records could not be exchanged with {}: {}",
        sharing::display_url(with),
        error.reason()
    ))
    .with_hint(format!("`git ls-remote {}` tells whether git gets there", shell_word(with)))
}

/// Whether a name can only be meant as a place.
fn is_address(name: &str) -> bool {
    name.contains([':', '/', '\\']) || name.starts_with('.')
}

/// All that is committed here: every branch, and the commit that is checked out.
fn branch_tips(repository: &Repository) -> Result<Vec<CommitId>> {
    let mut commits: Vec<_> = repository.head()?.into_iter().collect();
    for (_, id) in repository.references("refs/heads/")? {
        if !commits.contains(&CommitId(id)) {
            commits.push(CommitId(id));
        }
    }
    Ok(commits)
}

fn sync_remote(
    repository: &Repository,
    remote: &str,
    committed: &[CommitId],
) -> git::Result<String> {
    sharing::fetch_shared_refs(repository, remote, Interactivity::Person)?;
    let mut outcome: Vec<String> = receive_and_describe(repository)?.into_iter().collect();
    // What others moved in older contents came along into ours just now.
    layouts::promote_pending(repository, committed)?;
    if let PushOutcome::Sent(sent) =
        sharing::push_shared_refs(repository, remote, Interactivity::Person)?
    {
        outcome.push(format!("sent {}", short_ref_names(&sent)));
    }
    // What others sent meanwhile was merged before it went.
    sharing::receive_layouts(repository)?;
    Ok(if outcome.is_empty() { "up to date".to_owned() } else { outcome.join("; ") })
}

/// Merges what was fetched; what it was, if anything.
fn receive_and_describe(repository: &Repository) -> git::Result<Option<String>> {
    let moved = sharing::receive_layouts(repository)?.refs;
    Ok((!moved.is_empty()).then(|| format!("received {}", short_ref_names(&moved))))
}

fn short_ref_names(refs: &[git::RefName]) -> String {
    let names: Vec<_> = refs.iter().map(|name| name.as_str().replace("refs/", "")).collect();
    names.join(", ")
}
