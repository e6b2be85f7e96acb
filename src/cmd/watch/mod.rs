//! `git comfy watch`: follows a running ComfyUI, and prints what starts that with the
//! session.

mod runs;
mod service;

use crate::error::Result;
use crate::exit::Exit;
use crate::session::Session;

/// Follow a running ComfyUI and record every run as it ends.
///
/// Only looks on: ComfyUI does not notice. Stop it with Ctrl-C and start it again at any
/// time; what happened meanwhile is read from the server's history, and what the history
/// lost from the bridge (git comfy bridge install).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address of the ComfyUI.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Record what happened up to now, and end.
    #[arg(long)]
    pub once: bool,
    /// Print a service file that starts this with the session: systemd or launchd.
    #[arg(long, value_name = "SYSTEM", conflicts_with = "once")]
    pub service: Option<service::System>,
    /// Look at least every so many seconds, whatever the server says.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, hide = true)]
    pub every: u64,
    /// End after this many runs.
    #[arg(long, value_name = "NUMBER", hide = true)]
    pub until: Option<usize>,
}

/// Follows, or prints a service file.
pub fn run(args: &Args, session: &Session) -> Result<Exit> {
    match args.service {
        Some(system) => service::print(system, args, session),
        None => runs::run(args, session),
    }
}
