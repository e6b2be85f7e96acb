//! The files below a folder that a person names.
//!
//! Hidden files and folders are left out, git's own among them. Links to folders are not
//! followed: they may lead anywhere, and round in circles.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{CommandError, Result};
use crate::platform::text::sanitize;

/// Levels of folders below the first that are entered.
const MAX_DEPTH: usize = 32;

/// Whether symbolic links to files are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkPolicy {
    /// They are, for callers that only read.
    ToFiles,
    /// They are not, for callers that change files: a link is left as it is.
    Skip,
}

/// The files found below a folder.
#[derive(Debug, Default)]
pub(crate) struct FolderFiles {
    /// The files, each folder in the order of its names.
    pub(crate) files: Vec<PathBuf>,
    /// Folders that could not be looked into, and why.
    pub(crate) unreadable: Vec<(PathBuf, io::Error)>,
}

impl FolderFiles {
    /// What there is to say of the folders that could not be looked into.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let remark = |(folder, error): &(PathBuf, io::Error)| {
            format!("{} cannot be looked into: {error}", sanitize::path(folder))
        };
        self.unreadable.iter().map(remark).collect()
    }
}

/// The files below a folder that are wanted, by their paths. Fails where the folder itself
/// cannot be read.
pub(crate) fn list_files(
    folder: &Path,
    links: LinkPolicy,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<FolderFiles> {
    let name = || sanitize::path(folder);
    if !folder.is_dir() {
        return Err(CommandError::user("this is no folder").with_context(name()));
    }
    let mut below = FolderFiles::default();
    collect_files(folder, 0, links, wanted, &mut below);
    match below.unreadable.iter().position(|(closed, _)| closed == folder) {
        Some(at) => {
            let (_, error) = below.unreadable.swap_remove(at);
            Err(CommandError::system(error).with_context(name()))
        }
        None => Ok(below),
    }
}

fn collect_files(
    folder: &Path,
    depth: usize,
    links: LinkPolicy,
    wanted: &dyn Fn(&Path) -> bool,
    below: &mut FolderFiles,
) {
    let entries = std::fs::read_dir(folder).and_then(|entries| {
        let mut entries: Vec<_> = entries.collect::<io::Result<_>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        Ok(entries)
    });
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return below.unreadable.push((folder.to_owned(), error)),
    };
    for entry in entries {
        let Ok(kind) = entry.file_type() else { continue };
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if kind.is_dir() {
            if depth < MAX_DEPTH {
                collect_files(&path, depth + 1, links, wanted, below);
            }
            continue;
        }
        let is_file = kind.is_file() || (links == LinkPolicy::ToFiles && path.is_file());
        if is_file && wanted(&path) {
            below.files.push(path);
        }
    }
}

/// Whether a file may hold a workflow, by its name.
pub(crate) fn has_json_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, links: LinkPolicy) -> Vec<String> {
        let below = list_files(folder, links, &has_json_ending).unwrap();
        let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        below.files.iter().map(|path| name(path).replace('\\', "/")).collect()
    }

    #[test]
    fn files_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.json", "a/z.JSON", "a/x.json", ".git/c.json", "a/.d.json", "e.txt"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{}").unwrap();
        }
        assert_eq!(names(folder.path(), LinkPolicy::Skip), ["a/x.json", "a/z.JSON", "b.json"]);
        assert!(
            list_files(&folder.path().join("b.json"), LinkPolicy::Skip, &has_json_ending).is_err()
        );
        assert!(
            list_files(&folder.path().join("none"), LinkPolicy::Skip, &has_json_ending).is_err()
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere_unless_to_a_file_that_is_read() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        std::fs::create_dir(place.join("a")).unwrap();
        std::fs::write(place.join("a/x.json"), "{}").unwrap();
        symlink(place, place.join("a/round")).unwrap();
        symlink(place.join("a/x.json"), place.join("link.json")).unwrap();
        symlink(place.join("gone"), place.join("dead.json")).unwrap();
        assert_eq!(names(place, LinkPolicy::Skip), ["a/x.json"]);
        assert_eq!(names(place, LinkPolicy::ToFiles), ["a/x.json", "link.json"]);
    }
}
