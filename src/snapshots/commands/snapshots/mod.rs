//! `git comfy snapshots`: what was kept without a commit, and how to get it back.

pub(crate) mod list;
pub(crate) mod prune;
pub(crate) mod restore;
pub(crate) mod show;

use crate::error::Result;
use crate::exit::Exit;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  git comfy snapshots                        all of them, newest first
  git comfy snapshots portrait.json          the states of one workflow
  git comfy snapshots show an hour ago       what has changed since?
  git comfy snapshots restore 14:30 portrait.json
  git comfy snapshots restore yesterday portrait.json -o old.json

A moment means the last snapshot up to then. git config comfy.snapshots.keep says how long
they are kept; the usual is: all 1d, hourly 1w, daily 30d, weekly 1y.";

/// List, show and restore what was kept without a commit.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct SnapshotsArgs {
    /// What to do.
    #[command(subcommand)]
    action: Option<SnapshotsCommand>,
    #[command(flatten)]
    list: list::SnapshotsListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum SnapshotsCommand {
    /// Tell what has changed since a snapshot.
    Show(show::SnapshotsShowArgs),
    /// Bring files back as they were; what is there now is kept first.
    Restore(restore::SnapshotsRestoreArgs),
    /// Let old snapshots go now; it also happens with each new one.
    Prune(prune::SnapshotsPruneArgs),
}

pub(crate) fn run(args: &SnapshotsArgs, session: &Session) -> Result<Exit> {
    match &args.action {
        None => list::run(&args.list, session),
        Some(SnapshotsCommand::Show(args)) => show::run(args, session),
        Some(SnapshotsCommand::Restore(args)) => restore::run(args, session),
        Some(SnapshotsCommand::Prune(args)) => prune::run(args, session),
    }
}
