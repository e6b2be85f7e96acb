//! `git comfy bridge`: the extension that notes runs when nobody watches.

use std::path::PathBuf;

use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::text::plural::counted;
use crate::platform::text::sanitize;
use crate::records::recorder_context::{LocationSettings, MachineState, TimeBudget};
use crate::runs::bridge::BridgeInstall;
use crate::runs::live_run_facts::MachineFacts;
use crate::runs::output_folders::OutputFolders;
use crate::runs::run_store::RunStore;
use crate::runs::{bridge, live_runs};
use crate::session::Session;

/// Let ComfyUI itself note its runs, so that none is missed when nobody watches.
///
/// One file in custom_nodes without any node. It notes each run in a folder of this
/// repository, from where watch, post-commit or `bridge collect` record it.
#[derive(Debug, clap::Args)]
pub struct BridgeArgs {
    /// What to do.
    #[command(subcommand)]
    action: BridgeCommand,
}

#[derive(Debug, clap::Subcommand)]
enum BridgeCommand {
    /// Put the extension into a ComfyUI.
    Install(BridgeFolderArgs),
    /// Take it out again.
    Uninstall(BridgeFolderArgs),
    /// Record the runs that it noted.
    Collect,
}

#[derive(Debug, clap::Args)]
struct BridgeFolderArgs {
    /// The custom_nodes folder, or the folder it lies in; none means the ComfyUI that was
    /// found.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &BridgeArgs, session: &Session) -> Result<Exit> {
    match &args.action {
        BridgeCommand::Install(place) => {
            let folder = find_custom_nodes(place, session)?;
            let spool = bridge::spool_folder(&session.repository()?.state_dir());
            let spool = std::path::absolute(spool)?;
            let state = match bridge::install(&folder, &spool)? {
                BridgeInstall::New => "the bridge is in place; restart ComfyUI",
                BridgeInstall::Updated => "the bridge is up to date; restart ComfyUI",
                BridgeInstall::Unchanged => "the bridge was in place",
            };
            let path = folder.join(bridge::FILE_NAME).display().to_string();
            session.ui.report(&format!("{}: {state}", sanitize::line(&path)))?;
        }
        BridgeCommand::Uninstall(place) => {
            let was_there = bridge::uninstall(&find_custom_nodes(place, session)?)?;
            session.ui.report(if was_there {
                "the bridge is gone"
            } else {
                "there was no bridge"
            })?;
        }
        BridgeCommand::Collect => {
            let mut run_store = RunStore::open(session)?;
            let folders = OutputFolders::detect(session, &run_store.repository)?;
            let count = live_runs::ingest_spool(
                session,
                &mut run_store,
                &folders,
                &mut MachineFacts::default(),
            )?;
            session.ui.report(&match count {
                0 => "nothing new".to_owned(),
                count => format!("{} recorded or completed", counted(count, "run", "runs")),
            })?;
        }
    }
    Ok(Exit::Done)
}

fn find_custom_nodes(place: &BridgeFolderArgs, session: &Session) -> Result<PathBuf> {
    let unknown = || {
        CommandError::config("no ComfyUI was found on this machine")
            .with_hint("name its folder: git comfy bridge install FOLDER")
    };
    let folder = match &place.folder {
        Some(folder) => session.cwd.join(folder),
        None => {
            let repository = session.repository()?;
            let settings = LocationSettings::load(session, &repository)?;
            let machine = MachineState::detect(session, &repository, &settings, TimeBudget::Full);
            machine.installation.ok_or_else(unknown)?.parts.base
        }
    };
    let inside = folder.join("custom_nodes");
    let folder = if inside.is_dir() { inside } else { folder };
    if folder.file_name().is_some_and(|name| name == "custom_nodes") && folder.is_dir() {
        return Ok(folder);
    }
    let shown = sanitize::path(&folder);
    Err(CommandError::user(format!("{shown} holds no custom_nodes")))
}
