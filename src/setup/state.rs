//! What is there before set-up: the repository, its configuration, its remotes.

use std::path::{Path, PathBuf};

use super::separate::{self, Found};
use crate::platform::git::Result;
use crate::platform::git::config::{Configuration, Scope};
use crate::platform::git::plumbing::{Git, Version};

/// The folders of a repository that has a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub top: PathBuf,
    /// What all work trees share: objects, refs, configuration, hooks.
    pub common: PathBuf,
}

impl Place {
    /// `info/attributes`, the attributes file that is not committed.
    pub fn info_attributes(&self) -> PathBuf {
        self.common.join("info").join("attributes")
    }

    fn find(git: &Git) -> Result<Option<Place>> {
        let (Some(top), Some(common)) =
            (told(git, "--show-toplevel")?, told(git, "--git-common-dir")?)
        else {
            return Ok(None);
        };
        Ok(Some(Place { common: git.folder().join(common), top }))
    }
}

/// A path that `git rev-parse` knows; it may hold any byte but NUL.
fn told(git: &Git, word: &str) -> Result<Option<PathBuf>> {
    let answer = git.answer(["rev-parse", word])?;
    if answer.code != 0 {
        return Ok(None);
    }
    let out = answer.out.strip_suffix(b"\n").unwrap_or(&answer.out);
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
pub struct State {
    /// git, at the top of the work tree where there is one.
    pub git: Git,
    /// The version of the git on PATH.
    pub version: Version,
    /// The repository, if there is one with a work tree.
    pub place: Option<Place>,
    pub config: Configuration,
    /// The person's own attributes file, there or not.
    pub global_attributes: Option<PathBuf>,
}

impl State {
    /// Reads the state of a folder. `config_home` is where the person's own settings live
    /// (`$XDG_CONFIG_HOME`, or `.config` in the home folder).
    pub fn read(cwd: &Path, config_home: Option<&Path>) -> Result<State> {
        let version = Version::of_git()?;
        let here = Git::at(cwd);
        let place = Place::find(&here)?;
        let git = match (&place, separate::look(cwd)) {
            (Some(place), _) => Git::at(&place.top),
            // In a folder whose `.git` leads nowhere every git command fails.
            (None, Found::Astray { top, .. }) => Git::at(top.parent().unwrap_or(cwd)),
            (None, _) => here,
        };
        let config = Configuration::read(&git)?;
        let asked = git.ask(["config", "--type=path", "--get", "core.attributesFile"])?;
        let global_attributes = match asked {
            Some(told) => Some(path_of(told.strip_suffix(b"\n").unwrap_or(&told))),
            None => config_home.map(|home| home.join("git").join("attributes")),
        };
        Ok(State { git, version, place, config, global_attributes })
    }

    /// The remotes that are configured in the repository itself and fetch something:
    /// a remote without a refspec fetches only its HEAD, and would fetch only notes if it
    /// were given ours.
    pub fn remotes(&self) -> Vec<&str> {
        let mut remotes = self.config.subsections("remote");
        remotes.retain(|name| !self.fetches(name).is_empty());
        remotes
    }

    /// The fetch refspecs of a remote, as far as the repository's own file has them.
    pub fn fetches(&self, remote: &str) -> Vec<&str> {
        self.config.in_scope(Scope::Local, &format!("remote.{remote}.fetch"))
    }

    /// A path as the person would write it: relative to the top where it lies below.
    pub fn shown(&self, path: &Path) -> String {
        let below = self.place.as_ref().and_then(|place| path.strip_prefix(&place.top).ok());
        below.unwrap_or(path).display().to_string()
    }
}
