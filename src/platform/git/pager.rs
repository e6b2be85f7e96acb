//! git's pager, for output that can be longer than a screen.
//!
//! The person's choice counts as it counts for git: `GIT_PAGER`, `core.pager`, `PAGER`,
//! else `less`. Must not know what is shown.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::shell::is_plain_command;

/// A running pager; dropping it waits until the person has read.
#[derive(Debug)]
pub(crate) struct Pager {
    child: Child,
    input: Option<ChildStdin>,
}

impl Pager {
    /// Starts a pager by its command line. Nothing where the line asks for none (`cat`, an
    /// empty line) or the pager cannot be started: then the output goes out directly.
    ///
    /// `defaults` are variables for its environment: git sets `LESS=FRX` and `LV=-c` where
    /// the person has not.
    pub(crate) fn start(line: &str, defaults: &[(&str, &str)]) -> Option<Pager> {
        let line = line.trim();
        if line.is_empty() || line == "cat" {
            return None;
        }
        let mut command = if is_plain_command(line) {
            let mut words = line.split_whitespace();
            let mut command = Command::new(words.next()?);
            command.args(words);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            command
        };
        command.envs(defaults.iter().copied()).stdin(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let input = child.stdin.take();
        Some(Pager { child, input })
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.input {
            Some(input) => input.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
