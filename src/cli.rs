//! The command line: what can be asked for. Each command's own arguments lie beside its
//! code in `cmd`.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::cmd;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::Session;

/// Git for ComfyUI workflows.
#[derive(Debug, Parser)]
#[command(name = "git-comfy", bin_name = "git comfy", version, propagate_version = true)]
pub struct Cli {
    /// Act as if started in this folder.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Say only what must be said.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// All commands, the everyday ones first.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set this repository (or this machine) up, so that git understands workflows.
    Init(cmd::init::Args),
    /// Print or write a .gitignore and .gitattributes that keep workflows in and models out.
    Template(cmd::template::Args),
    /// Check every link of the chain, and say how to mend what is broken.
    Doctor(cmd::doctor::Args),
    /// Name workflows that were committed without git-comfy (for CI).
    Check(cmd::check::Args),
    /// Take out what init put in, and nothing else.
    Uninstall(cmd::uninstall::Args),
    /// Tell how workflows differ: files, revisions, pictures.
    Diff(cmd::diff::Args),
    /// Tell the history of workflows, a short line for each change.
    Log(cmd::log::Args),
    /// Tell which commit gave every value of a workflow its present form.
    Blame(cmd::blame::Args),
    /// Replay a difference on a workflow.
    Apply(cmd::apply::Args),
    /// Find the conflict copies of synced folders, and merge them.
    Conflicts(cmd::conflicts::Args),
    /// Turn saved exports into history, a commit for each version.
    Import(cmd::import::Args),
    /// Show the workflow, prompt and settings embedded in images, videos and other outputs.
    Inspect(cmd::inspect::Args),
    /// Tell which workflows changed, and which only had nodes moved.
    Status(cmd::status::Args),
    /// Show what a commit was made with: models, node packs, ComfyUI; or a file as text.
    Show(cmd::show::Args),
    /// Merge three files, preview a merge, or explain the last one.
    Merge(cmd::merge::Args),
    /// Settle the conflicts a merge left in a workflow.
    Resolve(cmd::resolve::Args),
    /// Clear git's "modified" mark where nodes were only moved.
    Refresh(cmd::refresh::Args),
    /// Record what commits were made with: models by hash, node packs, ComfyUI.
    Record(cmd::record::Args),
    /// Find the run behind a picture, or runs by prompt, model, seed, commit.
    Find(cmd::find::Args),
    /// Write the workflow that made a picture, exactly as it ran, ready to load in ComfyUI.
    Restore(cmd::restore::Args),
    /// Make a picture again: check what it needs, repair the workflow, run it.
    Reproduce(cmd::reproduce::Args),
    /// Write down the models, node packs and programs a workflow needs, as a file beside it.
    Lock(cmd::lock::Args),
    /// Check a lock, or what another program wrote as one, against this machine.
    Verify(cmd::verify::Args),
    /// Run a known run again with something set differently, once for every combination.
    Vary(cmd::vary::Args),
    /// List, record and tidy up runs: what was generated, from what, with which seeds.
    Runs(cmd::runs::Args),
    /// Follow a running ComfyUI and record every run, or a folder and keep every save.
    Watch(cmd::watch::Args),
    /// Let ComfyUI itself note its runs, so that none is missed when nobody watches.
    Bridge(cmd::bridge::Args),
    /// Look after the search index.
    Index(cmd::index::Args),
    /// Keep the present state of your workflows, without a commit.
    Snapshot(cmd::snapshot::Args),
    /// List, show and restore what was kept without a commit.
    Snapshots(cmd::snapshots::Args),
    /// Tell who moved what and when, and bring earlier layouts back.
    Layout(cmd::layout::Args),
    /// Exchange layouts and records with a remote.
    Sync(cmd::sync::Args),
    /// Learn the names of widgets from a ComfyUI.
    Catalog(cmd::catalog::Args),
    /// Clean one workflow: standard input to standard output (git calls this).
    Clean(cmd::clean::Args),
    /// Give one workflow its layout back (git calls this).
    Smudge(cmd::smudge::Args),
    /// Filter all workflows of a git command (git calls this).
    FilterProcess(cmd::process::Args),
    /// Do the work of a git hook (git calls this).
    Hook(cmd::hook::Args),
    /// Show how one file changed (git calls this for `git diff`).
    DiffDriver(cmd::diff_driver::Args),
    /// Tell a workflow, or the one in a picture, as lines of text (git calls this).
    Textconv(cmd::textconv::Args),
    /// Merge one workflow three ways (git calls this).
    MergeDriver(cmd::merge_driver::Args),
    /// Write man pages or shell completions.
    #[command(hide = true)]
    Generate(cmd::generate::Args),
}

impl Command {
    /// Runs the command.
    pub fn run(&self, session: &Session) -> Result<Exit> {
        match self {
            Command::Init(args) => cmd::init::run(args, session),
            Command::Template(args) => cmd::template::run(args, session),
            Command::Doctor(args) => cmd::doctor::run(args, session),
            Command::Check(args) => cmd::check::run(args, session),
            Command::Uninstall(args) => cmd::uninstall::run(args, session),
            Command::Diff(args) => cmd::diff::run(args, session),
            Command::Log(args) => cmd::log::run(args, session),
            Command::Blame(args) => cmd::blame::run(args, session),
            Command::Apply(args) => cmd::apply::run(args, session),
            Command::Conflicts(args) => cmd::conflicts::run(args, session),
            Command::Import(args) => cmd::import::run(args, session),
            Command::Inspect(args) => cmd::inspect::run(args, session),
            Command::Catalog(args) => cmd::catalog::run(args, session),
            Command::Clean(args) => cmd::clean::run(args, session),
            Command::DiffDriver(args) => cmd::diff_driver::run(args, session),
            Command::Textconv(args) => cmd::textconv::run(args, session),
            Command::Generate(args) => cmd::generate::run(args, session, Cli::command()),
            Command::Status(args) => cmd::status::run(args, session),
            Command::Show(args) => cmd::show::run(args, session),
            Command::Merge(args) => cmd::merge::run(args, session),
            Command::Resolve(args) => cmd::resolve::run(args, session),
            Command::Refresh(args) => cmd::refresh::run(args, session),
            Command::Record(args) => cmd::record::run(args, session),
            Command::Find(args) => cmd::find::run(args, session),
            Command::Restore(args) => cmd::restore::run(args, session),
            Command::Lock(args) => cmd::lock::run(args, session),
            Command::Verify(args) => cmd::verify::run(args, session),
            Command::Reproduce(args) => cmd::reproduce::run(args, session),
            Command::Vary(args) => cmd::vary::run(args, session),
            Command::Runs(args) => cmd::runs::run(args, session),
            Command::Watch(args) => cmd::watch::run(args, session),
            Command::Bridge(args) => cmd::bridge::run(args, session),
            Command::Index(args) => cmd::index::run(args, session),
            Command::Snapshot(args) => cmd::snapshot::run(args, session),
            Command::Snapshots(args) => cmd::snapshots::run(args, session),
            Command::Layout(args) => cmd::layout::run(args, session),
            Command::Sync(args) => cmd::sync::run(args, session),
            Command::Smudge(args) => cmd::smudge::run(args, session),
            Command::FilterProcess(args) => cmd::process::run(args, session),
            Command::Hook(args) => cmd::hook::run(args, session),
            Command::MergeDriver(args) => cmd::merge_driver::run(args, session),
        }
    }
}
