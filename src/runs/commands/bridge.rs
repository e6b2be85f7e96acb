//! `git comfy bridge`: the extension that notes runs when nobody watches.

use std::path::PathBuf;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::platform::text::sanitize;
use crate::records::commands::record::here::{Here, Patience, Places};
use crate::runs::bridge::Put;
use crate::runs::folders::Folders;
use crate::runs::machine_view::Machine;
use crate::runs::run_store::Shelf;
use crate::runs::{bridge, live};
use crate::session::Session;

/// Let ComfyUI itself note its runs, so that none is missed when nobody watches.
///
/// One file in custom_nodes without any node. It notes each run in a folder of this
/// repository, from where watch, post-commit or `bridge collect` record it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put the extension into a ComfyUI.
    Install(Place),
    /// Take it out again.
    Uninstall(Place),
    /// Record the runs that it noted.
    Collect,
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The custom_nodes folder, or the folder it lies in; none means the ComfyUI that was
    /// found.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    match &args.action {
        Action::Install(place) => {
            let folder = custom_nodes(place, session)?;
            let spool = bridge::spool(&session.repository()?.state_dir());
            let spool = std::path::absolute(spool)?;
            let told = match bridge::install(&folder, &spool)? {
                Put::New => "the bridge is in place; restart ComfyUI",
                Put::Updated => "the bridge is up to date; restart ComfyUI",
                Put::Same => "the bridge was in place",
            };
            let path = folder.join(bridge::FILE).display().to_string();
            session.ui.tell(&format!("{}: {told}", sanitize::line(&path)))?;
        }
        Action::Uninstall(place) => {
            let taken = bridge::uninstall(&custom_nodes(place, session)?)?;
            session.ui.tell(if taken { "the bridge is gone" } else { "there was no bridge" })?;
        }
        Action::Collect => {
            let mut shelf = Shelf::open(session)?;
            let folders = Folders::of(session, &shelf.repository)?;
            let count = live::ingest(session, &mut shelf, &folders, &mut Machine::default())?;
            session.ui.tell(&match count {
                0 => "nothing new".to_owned(),
                1 => "1 run recorded or completed".to_owned(),
                count => format!("{count} runs recorded or completed"),
            })?;
        }
    }
    Ok(Exit::Done)
}

fn custom_nodes(place: &Place, session: &Session) -> Result<PathBuf> {
    let unknown = || {
        Failure::new("no ComfyUI was found on this machine")
            .hint("name its folder: git comfy bridge install FOLDER")
    };
    let folder = match &place.folder {
        Some(folder) => session.cwd.join(folder),
        None => {
            let repository = session.repository()?;
            let places = Places::of(session, &repository)?;
            let here = Here::look_around(session, &repository, &places, Patience::Whole);
            here.installation.ok_or_else(unknown)?.parts.base
        }
    };
    let inside = folder.join("custom_nodes");
    let folder = if inside.is_dir() { inside } else { folder };
    if folder.file_name().is_some_and(|name| name == "custom_nodes") && folder.is_dir() {
        return Ok(folder);
    }
    let shown = sanitize::line(&folder.display().to_string()).into_owned();
    Err(Failure::new(format!("{shown} holds no custom_nodes")))
}
