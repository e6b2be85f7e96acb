//! Calling `git` itself, the one way to do so: never a prompt unless one is allowed, never
//! somebody else's index, never longer than it is given.
//!
//! Must not know what is asked of it: arguments in, bytes out, git's own message in the error.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::error::{GitError, Result};

/// A call of git, put together step by step. One that has a folder and settings but no
/// arguments yet can be kept, and called often by [`GitCommand::with_args`].
#[derive(Debug, Clone)]
pub(crate) struct GitCommand {
    folder: PathBuf,
    inherit: InheritedRepository,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    prompts: CredentialPrompts,
}

/// What git answered, whether or not it calls that a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitAnswer {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
}

/// Whether git may ask for a password or a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CredentialPrompts {
    Refused,
    Allowed,
}

/// What is inherited from the git command that called us, by way of its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InheritedRepository {
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
    /// git in that folder, in the repository of the environment (`GIT_DIR`) or else in the one
    /// around the folder.
    pub(crate) fn in_folder(folder: impl Into<PathBuf>) -> GitCommand {
        GitCommand::new(folder.into(), InheritedRepository::FromEnvironment)
    }

    /// git in that folder whatever repository this process was started in.
    pub(crate) fn outside_environment(folder: impl Into<PathBuf>) -> GitCommand {
        GitCommand::new(folder.into(), InheritedRepository::Nothing)
    }

    fn new(folder: PathBuf, inherit: InheritedRepository) -> GitCommand {
        GitCommand {
            folder,
            inherit,
            arguments: Vec::new(),
            variables: Vec::new(),
            prompts: CredentialPrompts::Refused,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One more call like this one, with these arguments behind its own.
    #[must_use]
    pub(crate) fn with_args<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> GitCommand {
        self.clone().args(arguments)
    }

    /// A setting for this call (`-c key=value`); comes before the name of git's command.
    #[must_use]
    pub(crate) fn setting(self, key: &str, value: &str) -> GitCommand {
        self.arg("-c").arg(format!("{key}={value}"))
    }

    #[must_use]
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> GitCommand {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    #[must_use]
    pub(crate) fn args<A: AsRef<OsStr>>(
        self,
        arguments: impl IntoIterator<Item = A>,
    ) -> GitCommand {
        arguments.into_iter().fold(self, GitCommand::arg)
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> GitCommand {
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    /// Lets git, ssh and credential helpers ask the person.
    #[must_use]
    pub(crate) fn allow_prompts(mut self) -> GitCommand {
        self.prompts = CredentialPrompts::Allowed;
        self
    }

    /// Runs it and gives its standard output; a failure is an error.
    pub(crate) fn output(&self) -> Result<Vec<u8>> {
        self.output_with_input(&[])
    }

    /// The same with something on its standard input.
    pub(crate) fn output_with_input(&self, input: &[u8]) -> Result<Vec<u8>> {
        let output = self.run_to_end(input)?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failure(&output)) }
    }

    /// Runs it for something that may not be there: exit code 1 is `None`.
    pub(crate) fn output_if_found(&self) -> Result<Option<Vec<u8>>> {
        let output = self.run_to_end(&[])?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout)),
            Some(1) => Ok(None),
            _ => Err(self.failure(&output)),
        }
    }

    /// Runs it and tells what it answered, whatever its exit code.
    pub(crate) fn answer(&self) -> Result<GitAnswer> {
        let output = self.run_to_end(&[])?;
        Ok(GitAnswer { code: output.status.code().unwrap_or(-1), stdout: output.stdout })
    }

    /// Runs it and gives status and output, also where it failed.
    pub(crate) fn run_to_end(&self, input: &[u8]) -> Result<Output> {
        let mut command = self.command();
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = self.start(command)?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            if let Some(mut stdin) = stdin {
                // A child that stops reading shows in its exit status.
                scope.spawn(move || stdin.write_all(input));
            }
            child.wait_with_output()
        })
        .map_err(|source| GitError::GitNotStarted { command: self.command_line(), source })
    }

    /// Runs it, and ends it with an error when it takes too long.
    pub(crate) fn output_with_timeout(&self, time: Duration) -> Result<Vec<u8>> {
        // Measured: without it a `git merge` whose hook had stopped ssh waited 115 s, not 15.
        close_inherited_files();
        let mut child = self.start(self.command())?;
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
                    let (command, seconds) = (self.command_line(), time.as_secs());
                    return Err(GitError::TimedOut { command, seconds });
                }
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let left = Duration::from_secs(1);
        let stdout = out.recv_timeout(left).unwrap_or_default();
        let output = Output { status, stdout, stderr: err.recv_timeout(left).unwrap_or_default() };
        if status.success() { Ok(output.stdout) } else { Err(self.failure(&output)) }
    }

    /// Starts it as a process that stays and answers questions on its standard input; what it
    /// writes to standard error is dropped.
    pub(crate) fn spawn_companion(&self) -> Result<Child> {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        self.start(command)
    }

    /// Starts it to be read from while it runs, standard error too.
    pub(crate) fn spawn_with_stderr(&self) -> Result<Child> {
        self.start(self.command())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.folder);
        if self.inherit == InheritedRepository::Nothing {
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
        hide_console_window(&mut command);
        if self.prompts == CredentialPrompts::Refused {
            command
                .env("GIT_TERMINAL_PROMPT", "0")
                .env("GIT_ASKPASS", "")
                .env("SSH_ASKPASS_REQUIRE", "never")
                .env("GCM_INTERACTIVE", "never");
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command.args(&self.arguments);
        command
    }

    fn start(&self, mut command: Command) -> Result<Child> {
        let failed = |source| GitError::GitNotStarted { command: self.command_line(), source };
        command.spawn().map_err(failed)
    }

    /// The arguments as messages show them.
    fn command_line(&self) -> String {
        let words: Vec<_> = self.arguments.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    fn failure(&self, output: &Output) -> GitError {
        command_failed(self.command_line(), output)
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

/// The error of a call that was made and failed, in git's own words.
pub(crate) fn command_failed(command: String, output: &Output) -> GitError {
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let names_trouble = |line: &&str| {
        line.starts_with("fatal:") || line.starts_with("error:") || line.contains("! [")
    };
    // The first line that names the trouble: hints follow it.
    let line = lines.clone().find(names_trouble).or_else(|| lines.next_back());
    let said = line.map_or_else(|| output.status.to_string(), str::to_owned);
    GitError::CommandFailed { command, said }
}

/// Keeps a console window from flashing up under a graphical git client.
#[cfg(windows)]
fn hide_console_window(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn hide_console_window(_command: &mut Command) {}
