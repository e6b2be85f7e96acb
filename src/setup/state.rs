//! What is there before set-up: the repository, its configuration, its remotes.

use std::path::{Path, PathBuf};

use super::separate::{self, GitFolderState};
use crate::platform::git::Result;
use crate::platform::git::command::GitCommand;
use crate::platform::git::config::{ConfigScope, GitConfig};
use crate::platform::git::version::GitVersion;

/// The folders of a repository that has a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkTreePaths {
    pub top: PathBuf,
    /// What all work trees share: objects, refs, configuration, hooks.
    pub common: PathBuf,
}

impl WorkTreePaths {
    /// `info/attributes`, the attributes file that is not committed.
    pub(crate) fn info_attributes(&self) -> PathBuf {
        self.common.join("info").join("attributes")
    }

    fn find(git: &GitCommand) -> Result<Option<WorkTreePaths>> {
        let (Some(top), Some(common)) =
            (rev_parse_path(git, "--show-toplevel")?, rev_parse_path(git, "--git-common-dir")?)
        else {
            return Ok(None);
        };
        Ok(Some(WorkTreePaths { common: git.folder().join(common), top }))
    }
}

/// A path that `git rev-parse` knows; it may hold any byte but NUL.
fn rev_parse_path(git: &GitCommand, word: &str) -> Result<Option<PathBuf>> {
    let answer = git.with_args(["rev-parse", word]).answer()?;
    if answer.code != 0 {
        return Ok(None);
    }
    let out = answer.stdout.strip_suffix(b"\n").unwrap_or(&answer.stdout);
    Ok((!out.is_empty()).then(|| path_of(out)))
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).as_ref())
}

/// The state of repository and configuration before set-up.
#[derive(Debug, Clone)]
pub(crate) struct SetupState {
    /// git, at the top of the work tree where there is one.
    pub git: GitCommand,
    /// The version of the git on PATH.
    pub version: GitVersion,
    /// The repository, if there is one with a work tree.
    pub work_tree: Option<WorkTreePaths>,
    pub config: GitConfig,
    /// The person's own attributes file, there or not.
    pub global_attributes: Option<PathBuf>,
}

impl SetupState {
    /// Reads the state of a folder. `config_home` is where the person's own settings live
    /// (`$XDG_CONFIG_HOME`, or `.config` in the home folder).
    pub(crate) fn read(cwd: &Path, config_home: Option<&Path>) -> Result<SetupState> {
        let version = GitVersion::installed()?;
        let in_cwd = GitCommand::in_folder(cwd);
        let place = WorkTreePaths::find(&in_cwd)?;
        let git = match (&place, separate::inspect_git_folder(cwd)) {
            (Some(place), _) => GitCommand::in_folder(&place.top),
            // In a folder whose `.git` leads nowhere every git command fails.
            (None, GitFolderState::Dangling { top, .. }) => {
                GitCommand::in_folder(top.parent().unwrap_or(cwd))
            }
            (None, _) => in_cwd,
        };
        let config = GitConfig::read(&git)?;
        let asked = git
            .with_args(["config", "--type=path", "--get", "core.attributesFile"])
            .output_if_found()?;
        let global_attributes = match asked {
            Some(output) => Some(path_of(output.strip_suffix(b"\n").unwrap_or(&output))),
            None => config_home.map(|home| home.join("git").join("attributes")),
        };
        Ok(SetupState { git, version, work_tree: place, config, global_attributes })
    }

    /// The remotes that are configured in the repository itself and fetch something:
    /// a remote without a refspec fetches only its HEAD, and would fetch only notes if it
    /// were given ours.
    pub(crate) fn remotes(&self) -> Vec<&str> {
        let mut remotes = self.config.subsections("remote");
        remotes.retain(|name| !self.fetch_refspecs(name).is_empty());
        remotes
    }

    /// The fetch refspecs of a remote, as far as the repository's own file has them.
    pub(crate) fn fetch_refspecs(&self, remote: &str) -> Vec<&str> {
        self.config.values_in_scope(ConfigScope::Local, &format!("remote.{remote}.fetch"))
    }

    /// A path as the person would write it: relative to the top where it lies below.
    pub(crate) fn display_path(&self, path: &Path) -> String {
        let below = self.work_tree.as_ref().and_then(|place| path.strip_prefix(&place.top).ok());
        below.unwrap_or(path).display().to_string()
    }
}
