//! Whether a repository can be moved: what in it depends on its place.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Result, list_folder};
use crate::platform::git::command::GitCommand;

/// The reason why a repository cannot be moved, in words for the person; `None` where it can.
pub(crate) fn find_obstacle(top: &Path, git: &Path) -> Result<Option<String>> {
    let some_in =
        |name: &str| fs::read_dir(git.join(name)).is_ok_and(|mut entries| entries.next().is_some());
    let locks = list_folder(git)?;
    let lock =
        locks.iter().map(|(name, _)| name.to_string_lossy()).find(|name| name.ends_with(".lock"));
    if let Some(lock) = lock {
        return Ok(Some(format!("git is at work in it, or was stopped there (.git/{lock})")));
    }
    if some_in("worktrees") {
        return Ok(Some("other work trees are linked to it (git worktree list)".to_owned()));
    }
    if some_in("modules") {
        return Ok(Some("it has submodules, which name their place in .git".to_owned()));
    }
    let alternates = fs::read_to_string(git.join("objects/info/alternates")).unwrap_or_default();
    if alternates.lines().any(|line| !line.trim().is_empty() && Path::new(line).is_relative()) {
        return Ok(Some(
            "it borrows objects by a relative path (objects/info/alternates)".to_owned(),
        ));
    }
    if GitCommand::outside_environment(top)
        .args(["config", "--local", "core.worktree"])
        .output_if_found()?
        .is_some()
    {
        return Ok(Some("core.worktree is set in it".to_owned()));
    }
    Ok(find_relative_link(git, git)?.map(|link| {
        format!("{} is a link that leads out of .git by a relative path", link.display())
    }))
}

/// A relative link that leads out of `.git`: it would lead elsewhere after the move.
fn find_relative_link(git: &Path, folder: &Path) -> Result<Option<PathBuf>> {
    for (name, kind) in list_folder(folder)? {
        let path = folder.join(name);
        if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap_or_default();
            let inside = || fs::canonicalize(&path).ok().zip(fs::canonicalize(git).ok());
            let inside = || inside().is_some_and(|(target, git)| target.starts_with(git));
            if target.is_relative() && !inside() {
                return Ok(Some(path));
            }
        } else if kind.is_dir()
            && path.file_name().is_none_or(|name| name != "objects")
            && let Some(found) = find_relative_link(git, &path)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
