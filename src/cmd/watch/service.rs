//! The file that starts `git comfy watch` with the session. Must not install it.

use super::Args;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::render::service;
use crate::session::Session;

/// What starts programs on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum System {
    /// A user unit of systemd.
    Systemd,
    /// A property list of launchd.
    Launchd,
}

/// Prints it.
pub(super) fn print(system: System, args: &Args, session: &Session) -> Result<Exit> {
    let repository = session.repository()?;
    let program = session.environment.program.clone();
    let program = program.ok_or_else(|| Failure::new("this program's own file is not known"))?;
    let place = repository.work_tree().unwrap_or(repository.git_dir());
    let server = args.server.as_deref();
    let text = match system {
        System::Systemd => service::systemd(&program, place, server),
        System::Launchd => service::launchd(&program, place, server),
    };
    session.ui.out(&text)?;
    Ok(Exit::Done)
}
