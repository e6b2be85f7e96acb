//! `git comfy runs`: the generations that this repository knows.

pub mod import;
pub mod list;
pub mod scan;
pub mod show;
pub mod tidy;
pub mod tree;

pub(crate) use list::as_line;
pub(crate) use show::named;

use crate::error::Result;
use crate::exit::Exit;
use crate::runs::after;
use crate::session::Session;

/// List, record and tidy up runs: what was generated, from what, with which seeds.
///
/// Without a word the newest runs are listed.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: list::Args,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Record the runs behind output files, from what they carry.
    Scan(scan::Args),
    /// Record the runs that a ComfyUI server remembers, or that a file tells of.
    Import(import::Args),
    /// Show all that is known of a run.
    Show(show::Args),
    /// Show runs and what was made from them, with what was changed at each step.
    Tree(tree::Args),
    /// Forget runs, here and wherever they are shared to.
    Prune(tidy::Prune),
    /// Take the prompts out of runs and keep the rest.
    Redact(tidy::Redact),
    /// Record new outputs (started after a commit).
    #[command(hide = true)]
    PickUp,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    match &args.action {
        None => list::run(&args.list, session),
        Some(Action::Scan(args)) => scan::run(args, session),
        Some(Action::Import(args)) => import::run(args, session),
        Some(Action::Show(args)) => show::run(args, session),
        Some(Action::Tree(args)) => tree::run(args, session),
        Some(Action::Prune(args)) => tidy::prune(args, session),
        Some(Action::PickUp) => after::run(session),
        Some(Action::Redact(args)) => tidy::redact(args, session),
    }
}
