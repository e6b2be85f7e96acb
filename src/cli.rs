//! The command line: what can be asked for. Each command's own arguments lie beside its
//! code in `cmd`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::differences::commands::{apply, blame, catalog, diff, diff_driver, log, textconv};
use crate::error::Result;
use crate::exit::Exit;
use crate::hooks::commands::hook;
use crate::import::commands::{conflicts, import};
use crate::layouts::commands::{
    arrange, clean, filter_process, fsmonitor, layout, refresh, smudge,
};
use crate::merging::commands::{merge, merge_driver, resolve};
use crate::pictures::commands::{diff_picture, report, view};
use crate::records::commands::record;
use crate::reproduce::commands::{lock, reproduce, vary, verify};
use crate::runs::commands::{bridge, find, index, inspect, restore, runs, show};
use crate::session::{ProcessEnvironment, Session};
use crate::setup::commands::{check, doctor, generate, init, status, template, uninstall};
use crate::sharing::commands::sync;
use crate::snapshots::commands::{snapshot, snapshots};
use crate::ui::Ui;
use crate::watch::commands::watch;

/// Git for ComfyUI workflows.
#[derive(Debug, Parser)]
#[command(name = "git-comfy", bin_name = "git comfy", version, propagate_version = true)]
pub struct CommandLine<C: Subcommand> {
    /// Act as if started in this folder.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Say only what must be said.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: C,
}

/// The command line with everything that can be asked for.
pub type Cli = CommandLine<Command>;

/// All commands, the everyday ones first.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set this repository (or this machine) up, so that git understands workflows.
    Init(init::InitArgs),
    /// Print or write a .gitignore and .gitattributes that keep workflows in and models out.
    Template(template::TemplateArgs),
    /// Check every link of the chain, and say how to mend what is broken.
    Doctor(doctor::DoctorArgs),
    /// Name workflows that were committed without git-comfy (for CI).
    Check(check::CheckArgs),
    /// Take out what init put in, and nothing else.
    Uninstall(uninstall::UninstallArgs),
    /// Tell how workflows differ: files, revisions, pictures.
    Diff(diff::DiffArgs),
    /// Draw a workflow: a page, an SVG or a PNG file.
    View(view::ViewArgs),
    /// Tell the history of workflows, a short line for each change.
    Log(log::LogArgs),
    /// Tell which commit gave every value of a workflow its present form.
    Blame(blame::BlameArgs),
    /// Replay a difference on a workflow.
    Apply(apply::ApplyArgs),
    /// Find the conflict copies of synced folders, and merge them.
    Conflicts(conflicts::ConflictsArgs),
    /// Turn saved exports into history, a commit for each version.
    Import(import::ImportArgs),
    /// Show the workflow, prompt and settings embedded in images, videos and other outputs.
    Inspect(inspect::InspectArgs),
    /// Tell which workflows changed, and which only had nodes moved.
    Status(status::StatusArgs),
    /// Show what a commit was made with: models, node packs, ComfyUI; or a file as text.
    Show(show::ShowArgs),
    /// Merge three files, preview a merge, or explain the last one.
    Merge(merge::MergeArgs),
    /// Settle the conflicts a merge left in a workflow.
    Resolve(resolve::ResolveArgs),
    /// Clear git's "modified" mark where nodes were only moved.
    Refresh(refresh::RefreshArgs),
    /// Record what commits were made with: models by hash, node packs, ComfyUI.
    Record(record::RecordArgs),
    /// Find the run behind a picture, or runs by prompt, model, seed, commit.
    Find(find::FindArgs),
    /// Tell how a commit, a run or a picture was made, as a sheet to print.
    Report(report::ReportArgs),
    /// Write the workflow that made a picture, exactly as it ran, ready to load in ComfyUI.
    Restore(restore::RestoreArgs),
    /// Make a picture again: check what it needs, repair the workflow, run it.
    Reproduce(reproduce::ReproduceArgs),
    /// Write down the models, node packs and programs a workflow needs, as a file beside it.
    Lock(lock::LockArgs),
    /// Check a lock, or what another program wrote as one, against this machine.
    Verify(verify::VerifyArgs),
    /// Run a known run again with something set differently, once for every combination.
    Vary(vary::VaryArgs),
    /// List, record and tidy up runs: what was generated, from what, with which seeds.
    Runs(runs::RunsArgs),
    /// Follow a running ComfyUI and record every run, or a folder and keep every save.
    Watch(watch::WatchArgs),
    /// Let ComfyUI itself note its runs, so that none is missed when nobody watches.
    Bridge(bridge::BridgeArgs),
    /// Look after the search index.
    Index(index::IndexArgs),
    /// Keep the present state of your workflows, without a commit.
    Snapshot(snapshot::SnapshotArgs),
    /// List, show and restore what was kept without a commit.
    Snapshots(snapshots::SnapshotsArgs),
    /// Tell who moved what and when, and bring earlier layouts back.
    Layout(layout::LayoutArgs),
    /// Arrange the nodes of a workflow anew.
    Arrange(arrange::ArrangeArgs),
    /// Exchange layouts and records with a remote.
    Sync(sync::SyncArgs),
    /// Learn the names of widgets from a ComfyUI.
    Catalog(catalog::CatalogArgs),
    #[command(flatten)]
    CalledByGit(CalledByGit),
    /// Write man pages or shell completions.
    #[command(hide = true)]
    Generate(generate::GenerateArgs),
}

impl Command {
    pub fn run(&self, session: &Session) -> Result<Exit> {
        match self {
            Command::Init(args) => init::run(args, session),
            Command::Template(args) => template::run(args, session),
            Command::Doctor(args) => doctor::run(args, session),
            Command::Check(args) => check::run(args, session),
            Command::Uninstall(args) => uninstall::run(args, session),
            Command::Diff(args) if args.picture.is_wanted() => {
                diff_picture::run(&args.targets(), &args.picture, args.exit_code, session)
            }
            Command::Diff(args) => diff::run(args, session),
            Command::View(args) => view::run(args, session),
            Command::Log(args) => log::run(args, session),
            Command::Blame(args) => blame::run(args, session),
            Command::Apply(args) => apply::run(args, session),
            Command::Conflicts(args) => conflicts::run(args, session),
            Command::Import(args) => import::run(args, session),
            Command::Inspect(args) => inspect::run(args, session),
            Command::Catalog(args) => catalog::run(args, session),
            Command::Generate(args) => generate::run(args, session, Cli::command()),
            Command::Status(args) => status::run(args, session),
            Command::Show(args) => show::run(args, session),
            Command::CalledByGit(command) => command.run(session),
            Command::Merge(args) => merge::run(args, session),
            Command::Resolve(args) => resolve::run(args, session),
            Command::Refresh(args) => refresh::run(args, session),
            Command::Record(args) => record::run(args, session),
            Command::Find(args) => find::run(args, session),
            Command::Report(args) => report::run(args, session),
            Command::Restore(args) => restore::run(args, session),
            Command::Lock(args) => lock::run(args, session),
            Command::Verify(args) => verify::run(args, session),
            Command::Reproduce(args) => reproduce::run(args, session),
            Command::Vary(args) => vary::run(args, session),
            Command::Runs(args) => runs::run(args, session),
            Command::Watch(args) => watch::run(args, session),
            Command::Bridge(args) => bridge::run(args, session),
            Command::Index(args) => index::run(args, session),
            Command::Snapshot(args) => snapshot::run(args, session),
            Command::Snapshots(args) => snapshots::run(args, session),
            Command::Layout(args) => layout::run(args, session),
            Command::Arrange(args) => arrange::run(args, session),
            Command::Sync(args) => sync::run(args, session),
        }
    }
}

/// What git calls, up to four times for one command of its own.
#[derive(Debug, Subcommand)]
pub enum CalledByGit {
    /// Clean one workflow: standard input to standard output (git calls this).
    Clean(clean::CleanArgs),
    /// Give one workflow its layout back (git calls this).
    Smudge(smudge::SmudgeArgs),
    /// Filter all workflows of a git command (git calls this).
    FilterProcess(filter_process::FilterProcessArgs),
    /// Name the files that git must look at (git calls this).
    Fsmonitor(fsmonitor::FsmonitorArgs),
    /// Do the work of a git hook (git calls this).
    Hook(hook::HookArgs),
    /// Show how one file changed (git calls this for `git diff`).
    DiffDriver(diff_driver::DiffDriverArgs),
    /// Tell a workflow, or the one in a picture, as lines of text (git calls this).
    Textconv(textconv::TextconvArgs),
    /// Merge one workflow three ways (git calls this).
    MergeDriver(merge_driver::MergeDriverArgs),
}

impl CalledByGit {
    fn run(&self, session: &Session) -> Result<Exit> {
        match self {
            CalledByGit::Clean(args) => clean::run(args, session),
            CalledByGit::Smudge(args) => smudge::run(args, session),
            CalledByGit::FilterProcess(args) => filter_process::run(args, session),
            CalledByGit::Fsmonitor(args) => fsmonitor::run(args, session),
            CalledByGit::Hook(args) => hook::run(args, session),
            CalledByGit::DiffDriver(args) => diff_driver::run(args, session),
            CalledByGit::Textconv(args) => textconv::run(args, session),
            CalledByGit::MergeDriver(args) => merge_driver::run(args, session),
        }
    }
}

/// Reads the command line.
fn parse(arguments: &[OsString]) -> std::result::Result<Cli, clap::Error> {
    let first = arguments.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    // The other commands with all their options take longer to set up than most of these calls
    // take to answer.
    if CalledByGit::has_subcommand(first) || ["--version", "-V"].contains(&first) {
        match CommandLine::<CalledByGit>::try_parse_from(arguments) {
            Ok(CommandLine { directory, quiet, command }) => {
                return Ok(Cli { directory, quiet, command: Command::CalledByGit(command) });
            }
            Err(answer) if answer.kind() == ErrorKind::DisplayVersion => return Err(answer),
            // Help, and what is wrong, is told with all commands in view.
            Err(_) => {}
        }
    }
    Cli::try_parse_from(arguments)
}

/// Runs the program with those arguments, the first its own name.
pub fn run_from(arguments: Vec<OsString>) -> ExitCode {
    let exit = match parse(&arguments) {
        Ok(cli) => {
            let ui = Ui::new(cli.quiet);
            start(&cli, ui).unwrap_or_else(|failure| {
                ui.print_error(&failure);
                Exit::for_failure(&arguments)
            })
        }
        Err(answer) => explain(&answer, &arguments),
    };
    ExitCode::from(exit.code())
}

fn start(cli: &Cli, ui: Ui) -> Result<Exit> {
    if let Some(directory) = &cli.directory {
        std::env::set_current_dir(directory)?;
    }
    let session = Session::new(ui, std::env::current_dir()?, ProcessEnvironment::read());
    cli.command.run(&session)
}

/// The help that was asked for, or what is wrong with the arguments.
fn explain(answer: &clap::Error, arguments: &[OsString]) -> Exit {
    let ui = Ui::new(false);
    let text = answer.render().ansi().to_string();
    if answer.use_stderr() {
        ui.warn(text.trim_end());
        return Exit::for_failure(arguments);
    }
    let _ = ui.print(&text);
    Exit::Done
}
