//! `git comfy filter-process`: the filter for all files of one git command.

use crate::error::Result;
use crate::exit::Exit;
use crate::layouts::filter_process::{FilterSwitch, serve_git};
use crate::session::Session;

/// Filter workflows for git, which speaks its long-running protocol on standard input and
/// output.
#[derive(Debug, clap::Args)]
pub struct FilterProcessArgs {}

/// Serves git until it has no more files.
pub fn run(_args: &FilterProcessArgs, session: &Session) -> Result<Exit> {
    // Outside of a repository (`git archive --remote`, a tool of its own) files are
    // filtered all the same; only no layout is known.
    let repository = session.repository().ok();
    let switch =
        if session.environment.switched_off { FilterSwitch::Off } else { FilterSwitch::On };
    serve_git(repository.as_ref(), switch, &mut |remark| session.print_remarks(&[remark]))?;
    Ok(Exit::Done)
}
