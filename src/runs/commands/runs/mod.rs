//! `git comfy runs`: the generations that this repository knows.

pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod prune_redact;
pub(crate) mod scan;
pub(crate) mod show;
pub(crate) mod tree;

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::pick_up;
use crate::session::Session;

/// List, record and tidy up runs: what was generated, from what, with which seeds.
///
/// Without a word the newest runs are listed.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    /// What to do.
    #[command(subcommand)]
    action: Option<RunsCommand>,
    #[command(flatten)]
    list: list::RunsListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum RunsCommand {
    /// Record the runs behind output files, from what they carry.
    Scan(scan::RunsScanArgs),
    /// Record the runs that a ComfyUI server remembers, or that a file tells of.
    Import(import::RunsImportArgs),
    /// Show all that is known of a run.
    Show(show::RunsShowArgs),
    /// Show runs and what was made from them, with what was changed at each step.
    Tree(tree::RunsTreeArgs),
    /// Forget runs, here and wherever they are shared to.
    Prune(prune_redact::RunsPruneArgs),
    /// Take the prompts out of runs and keep the rest.
    Redact(prune_redact::RunsRedactArgs),
    /// Record new outputs (started after a commit).
    #[command(hide = true)]
    PickUp,
}

pub(crate) fn run(args: &RunsArgs, session: &Session) -> Result<Exit> {
    match &args.action {
        None => list::run(&args.list, session),
        Some(RunsCommand::Scan(args)) => scan::run(args, session),
        Some(RunsCommand::Import(args)) => import::run(args, session),
        Some(RunsCommand::Show(args)) => show::run(args, session),
        Some(RunsCommand::Tree(args)) => tree::run(args, session),
        Some(RunsCommand::Prune(args)) => prune_redact::prune_selected(args, session),
        Some(RunsCommand::PickUp) => pick_up::run(session),
        Some(RunsCommand::Redact(args)) => prune_redact::redact_selected(args, session),
    }
}
