//! `git comfy watch`.

use std::path::PathBuf;

use crate::error::Result;
use crate::exit::Exit;
use crate::session::Session;
use crate::watch::{print_service, watch_files, watch_runs};

/// Follow a running ComfyUI and record every run as it ends; or a folder, and keep every
/// save.
///
/// Only looks on: ComfyUI does not notice. Stop it with Ctrl-C and start it again at any
/// time; what happened meanwhile is read from the server's history, and what the history
/// lost from the bridge (git comfy bridge install).
///
/// With --files every save of a workflow is kept as a snapshot, a file in which nodes were
/// only moved does not count as modified for git, and conflict copies of synced folders are
/// merged as they appear.
#[derive(Debug, clap::Args)]
pub struct WatchArgs {
    /// Follow the workflows in this folder [default: the one we are in] instead.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".",
          conflicts_with_all = ["server", "until"])]
    pub files: Option<PathBuf>,
    /// Look at the files every so many seconds: for network folders, which tell of nothing.
    #[arg(long, value_name = "SECONDS", requires = "files", num_args = 0..=1,
          default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    pub poll: Option<u64>,
    /// The address of the ComfyUI.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Record (or keep) what happened up to now, and end.
    #[arg(long)]
    pub once: bool,
    /// Print a service file that starts this with the session: systemd or launchd.
    #[arg(long, value_name = "SYSTEM", conflicts_with = "once")]
    pub service: Option<print_service::ServiceSystem>,
    /// Look at least every so many seconds, whatever the server says.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, hide = true)]
    pub every: u64,
    /// End after this many runs.
    #[arg(long, value_name = "NUMBER", hide = true)]
    pub until: Option<usize>,
}

pub(crate) fn run(args: &WatchArgs, session: &Session) -> Result<Exit> {
    match (args.service, &args.files) {
        (Some(system), _) => print_service::print_service_file(system, args, session),
        (None, Some(folder)) => watch_files::run(args, folder, session),
        (None, None) => watch_runs::run(args, session),
    }
}
