//! `git comfy sync`: fetches, merges and sends layouts and records by hand.

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::git::sharing::{self, Asking, Pushed};
use crate::git::{self, CommitId, Repository};
use crate::session::Session;

/// Exchange layouts and records with a remote.
///
/// Happens by itself with fetch, pull and push; this does it now, asks for passwords where
/// it must, and tells what came of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remote; none means all of them.
    pub remote: Option<String>,
}

/// Fetches, merges and sends.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let known = sharing::remotes(&repository)?;
    let remotes = match &args.remote {
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => {
            return Err(Failure::new(format!("there is no remote {name}"))
                .hint(format!("remotes of this repository: {}", known.join(", "))));
        }
        None if known.is_empty() => {
            return Err(
                Failure::new("this repository has no remote").hint("git remote add origin URL")
            );
        }
        None => known,
    };
    git::promote_layouts(&repository, &branches(&repository)?)?;
    let mut exit = Exit::Done;
    for remote in remotes {
        match exchange(&repository, &remote) {
            Ok(told) => session.ui.tell(&format!("{remote}: {told}"))?,
            Err(error) => {
                session.ui.fail(&Failure::from(error));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// All that is committed here: every branch, and the commit that is checked out.
fn branches(repository: &Repository) -> Result<Vec<CommitId>> {
    let mut commits: Vec<_> = repository.head()?.into_iter().collect();
    for (_, id) in repository.references("refs/heads/")? {
        if !commits.contains(&CommitId(id)) {
            commits.push(CommitId(id));
        }
    }
    Ok(commits)
}

fn exchange(repository: &Repository, remote: &str) -> git::Result<String> {
    sharing::fetch(repository, remote, Asking::Person)?;
    let gathered = sharing::gather(repository)?;
    git::follow_layouts(repository, &gathered)?;
    let names = |refs: &[git::RefName]| {
        let names: Vec<_> = refs.iter().map(|name| name.as_str().replace("refs/", "")).collect();
        names.join(", ")
    };
    let mut told = Vec::new();
    if !gathered.moved.is_empty() {
        told.push(format!("received {}", names(&gathered.moved)));
    }
    if let Pushed::Sent(sent) = sharing::push(repository, remote, Asking::Person)? {
        told.push(format!("sent {}", names(&sent)));
    }
    Ok(if told.is_empty() { "up to date".to_owned() } else { told.join("; ") })
}
