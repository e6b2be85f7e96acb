//! Starting a process of our own that outlives the command it is started from.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts the program in a folder with these arguments, without the variables to be
/// forgotten. Nobody waits for it: it belongs to no terminal, and holds nothing open that
/// its parents have open.
pub(crate) fn spawn_detached(
    program: &Path,
    folder: &Path,
    arguments: &[&str],
    forgotten: &[&str],
) -> io::Result<()> {
    let mut command = Command::new(program);
    command.arg("-C").arg(folder).args(arguments);
    for name in forgotten {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    detach(&mut command);
    command.spawn().map(drop)
}

#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // A hook inherits git's pipes to its filters, for whose end git waits when all is done:
    // a process that keeps such a pipe open would hold the git command up.
    close_fds::set_fds_cloexec(3, &[]);
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}

#[cfg(not(any(unix, windows)))]
fn detach(_command: &mut Command) {}
