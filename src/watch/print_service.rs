//! The file that starts `git comfy watch` with the session. Must not install it.

use super::commands::watch::WatchArgs;
use super::service_unit;
use super::service_unit::ServiceJob;
use crate::error::{CommandError, Result};
use crate::exit::Exit;
use crate::platform::files::resolve_links;
use crate::session::Session;

/// What starts programs on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServiceSystem {
    /// A user unit of systemd.
    Systemd,
    /// A property list of launchd.
    Launchd,
}

pub(crate) fn print_service_file(
    system: ServiceSystem,
    args: &WatchArgs,
    session: &Session,
) -> Result<Exit> {
    let repository = session.repository()?;
    let program = session.environment.program.clone();
    let program =
        program.ok_or_else(|| CommandError::system("this program's own file is not known"))?;
    let place = repository.work_tree().unwrap_or(repository.git_dir());
    let files = args.files.as_ref().map(|folder| session.cwd.join(folder));
    let files = files.map(|folder| resolve_links(&folder));
    let files = files.as_deref().map(std::path::Path::to_string_lossy);
    let poll = args.poll.map(|seconds| seconds.to_string());
    let mut words = vec!["watch"];
    for (name, value) in [
        ("--files", files.as_deref()),
        ("--poll", poll.as_deref()),
        ("--server", args.server.as_deref()),
    ] {
        words.extend(value.into_iter().flat_map(|value| [name, value]));
    }
    let (name, about) = match files {
        Some(_) => ("git-comfy-watch-files", "Keep every save of workflows with git-comfy"),
        None => ("git-comfy-watch", "Record ComfyUI runs with git-comfy"),
    };
    let job =
        ServiceJob { program: &program, folder: place, name, description: about, words: &words };
    let text = match system {
        ServiceSystem::Systemd => service_unit::systemd_unit(&job),
        ServiceSystem::Launchd => service_unit::launchd_plist(&job),
    };
    session.ui.print(&text)?;
    Ok(Exit::Done)
}
