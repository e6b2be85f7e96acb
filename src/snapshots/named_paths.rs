//! The files and folders of the work tree that a person names.

use std::path::{Component, Path};

use crate::error::{CommandError, Result};
use crate::platform::git::{RepoPath, Repository};
use crate::platform::text::sanitize;
use crate::session::Session;

/// The path of a folder of the work tree; empty for its top.
pub(crate) fn repo_folder_path(
    session: &Session,
    repository: &Repository,
    folder: &Path,
) -> Result<RepoPath> {
    let real = std::fs::canonicalize(session.cwd.join(folder))?;
    let top = std::fs::canonicalize(repository.require_work_tree()?)?;
    let below = real.strip_prefix(top).map_err(|_| outside_repository(folder))?;
    Ok(RepoPath::from_path(below))
}

pub(crate) fn outside_repository(path: &Path) -> CommandError {
    CommandError::user(format!("{} is not in this repository", sanitize::path(path)))
}

/// The paths of files that a person named, there or not.
pub(crate) fn resolve_paths(
    session: &Session,
    repository: &Repository,
    words: &[String],
) -> Result<Vec<RepoPath>> {
    let top = std::fs::canonicalize(repository.require_work_tree()?)?;
    let cwd = std::fs::canonicalize(&session.cwd)?;
    let path = |word: &String| {
        let mut place = cwd.clone();
        for part in Path::new(word).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => drop(place.pop()),
                part => place.push(part),
            }
        }
        let below = place.strip_prefix(&top).ok().map(RepoPath::from_path);
        below.ok_or_else(|| {
            CommandError::user(format!("{} is not in this repository", sanitize::line(word)))
        })
    };
    words.iter().map(path).collect()
}

/// Whether a path is one of those named, or lies below one.
pub(crate) fn matches_any(path: &RepoPath, named: &[RepoPath]) -> bool {
    named.is_empty()
        || named.iter().any(|name| {
            let rest = path.as_bytes().strip_prefix(name.as_bytes());
            name.as_bytes().is_empty()
                || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
}
