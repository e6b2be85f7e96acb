//! Calling `git` itself: never a prompt, never somebody else's index, never longer than
//! it is given.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::error::{GitError, Result};

/// A builder for one call of `git`.
#[derive(Debug)]
pub(crate) struct GitCommand {
    command: Command,
    command_line: String,
    prompts: CredentialPrompts,
}

/// Whether git may ask for a password or a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CredentialPrompts {
    Refused,
    Allowed,
}

/// What is inherited from the git command that called us, by way of its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InheritedRepository {
    /// The repository that git named by `GIT_DIR` and its companions.
    FromEnvironment,
    /// No variable that names a repository.
    Nothing,
}

/// The variables that tie a git process to a repository or to one index of it, apart from
/// those that say where objects are (a quarantine must be seen by our calls, too) and
/// those that carry `-c` settings.
const REPOSITORY_VARIABLES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
    "GIT_GRAFT_FILE",
];

impl GitCommand {
    /// A call that runs in `folder`.
    pub(crate) fn new(folder: &Path, inherit: InheritedRepository) -> GitCommand {
        let mut command = Command::new("git");
        command.current_dir(folder);
        if inherit == InheritedRepository::Nothing {
            for name in REPOSITORY_VARIABLES {
                command.env_remove(name);
            }
        }
        // An index of its own is one command's business: `git commit -a` calls hooks with
        // an index that is about to vanish.
        command
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_INTERNAL_SUPER_PREFIX")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_PAGER", "cat")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        no_window(&mut command);
        GitCommand { command, command_line: String::new(), prompts: CredentialPrompts::Refused }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        if !self.command_line.is_empty() {
            self.command_line.push(' ');
        }
        self.command_line.push_str(&argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, GitCommand::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Lets git, ssh and credential helpers ask the person.
    pub(crate) fn allow_prompts(mut self) -> Self {
        self.prompts = CredentialPrompts::Allowed;
        self
    }

    /// Runs it and gives its standard output; a failure is an error.
    pub(crate) fn output(self) -> Result<Vec<u8>> {
        self.output_with_input(&[])
    }

    /// The same with something on its standard input.
    pub(crate) fn output_with_input(self, input: &[u8]) -> Result<Vec<u8>> {
        let told = self.command_line.clone();
        let output = self.run_to_end(input)?;
        if output.status.success() { Ok(output.stdout) } else { Err(command_failed(told, &output)) }
    }

    /// Runs it and gives status and output, also where it failed.
    pub(crate) fn run_to_end(mut self, input: &[u8]) -> Result<Output> {
        if !input.is_empty() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.spawn()?;
        let stdin = child.stdin.take();
        let told = self.command_line;
        std::thread::scope(|scope| {
            if let Some(mut stdin) = stdin {
                // A child that stops reading shows in its exit status.
                scope.spawn(move || stdin.write_all(input));
            }
            child.wait_with_output()
        })
        .map_err(|source| GitError::GitNotStarted { command: told, source })
    }

    /// Runs it, and ends it with an error when it takes too long.
    pub(crate) fn output_with_timeout(mut self, time: Duration) -> Result<Vec<u8>> {
        let told = self.command_line.clone();
        // Measured: without it a `git merge` whose hook had stopped ssh waited 115 s, not 15.
        close_inherited_files();
        let mut child = self.spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // Read on threads of their own and not waited for beyond the end of the child: a
        // grandchild (ssh, a credential helper) may hold the pipes open.
        let out = read_in_thread(stdout);
        let err = read_in_thread(stderr);
        let until = Instant::now() + time;
        let mut pause = Duration::from_millis(1);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => std::thread::sleep(pause),
                _ => {
                    terminate_child(&mut child);
                    return Err(GitError::TimedOut { command: told, seconds: time.as_secs() });
                }
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let left = Duration::from_secs(1);
        let stdout = out.recv_timeout(left).unwrap_or_default();
        let output = Output { status, stdout, stderr: err.recv_timeout(left).unwrap_or_default() };
        if status.success() { Ok(output.stdout) } else { Err(command_failed(told, &output)) }
    }

    /// Starts it as a process that stays and answers questions on its standard input; what it
    /// writes to standard error is dropped.
    pub(crate) fn spawn_companion(mut self) -> Result<Child> {
        self.command.stdin(Stdio::piped()).stderr(Stdio::null());
        self.spawn()
    }

    /// Starts it to be read from while it runs, standard error too.
    pub(crate) fn spawn_with_stderr(mut self) -> Result<Child> {
        self.spawn()
    }

    fn spawn(&mut self) -> Result<Child> {
        if self.prompts == CredentialPrompts::Refused {
            self.command
                .env("GIT_TERMINAL_PROMPT", "0")
                .env("GIT_ASKPASS", "")
                .env("SSH_ASKPASS_REQUIRE", "never")
                .env("GCM_INTERACTIVE", "never");
        }
        let told = || self.command_line.clone();
        self.command.spawn().map_err(|source| GitError::GitNotStarted { command: told(), source })
    }
}

/// Marks inherited file descriptors close-on-exec. A hook has git's pipes to its filters,
/// and git waits for their end: a process that a stopped call leaves behind (ssh that
/// still waits for an answer) must not keep one open.
fn close_inherited_files() {
    #[cfg(unix)]
    close_fds::set_fds_cloexec(3, &[]);
}

/// Ends a call of git that takes too long, by SIGTERM first: git then deletes its locks and
/// temporary files. A second later it is killed.
fn terminate_child(child: &mut Child) {
    #[cfg(unix)]
    {
        let mut kill = Command::new("kill");
        kill.args(["-TERM", &child.id().to_string()]);
        kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let until = Instant::now() + Duration::from_secs(1);
        if kill.status().is_ok_and(|status| status.success()) {
            while Instant::now() < until {
                if let Ok(Some(_)) = child.try_wait() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn read_in_thread(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

pub(crate) fn command_failed(command: String, output: &Output) -> GitError {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    // The first line that names the trouble; hints follow it.
    let said = lines()
        .find(|line| {
            line.starts_with("fatal:") || line.starts_with("error:") || line.contains("! [")
        })
        .or_else(|| lines().next_back())
        .map_or_else(|| output.status.to_string(), str::to_owned);
    GitError::CommandFailed { command, said }
}

/// Keeps a console window from flashing up under a graphical git client.
#[cfg(windows)]
fn no_window(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn no_window(_command: &mut Command) {}
