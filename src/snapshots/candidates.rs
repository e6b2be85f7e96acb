//! The workflows that lie in a work tree now, whether git knows them or not.
//!
//! What counts: every `*.json` file that holds a workflow and that git tracks, would offer
//! to add, or ignores by its own name; and where git ignores a whole folder (as ComfyUI's
//! own repository does with `user/`), those below a folder `workflows` or `subgraphs` in
//! it. Repositories inside are left to themselves. Below a folder that a person names it is
//! every `*.json` file that holds a workflow.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::platform::git::{RepoPath, Repository, Result, index};

/// Which files a snapshot looks at. What lies outside stays as the last one knew it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SnapshotScope {
    /// The whole work tree.
    Everything,
    /// Everything below a folder; an empty path is the top.
    Below(RepoPath),
    /// These, as far as they hold workflows.
    SavedFiles(Vec<RepoPath>),
    /// These, whatever they hold.
    NamedFiles(Vec<RepoPath>),
}

impl SnapshotScope {
    /// Whether a file that is not there any more is gone, or was never looked at.
    pub(crate) fn covers(&self, path: &RepoPath) -> bool {
        match self {
            SnapshotScope::Everything => true,
            SnapshotScope::Below(folder) => is_below(folder, path),
            SnapshotScope::SavedFiles(files) | SnapshotScope::NamedFiles(files) => {
                files.contains(path)
            }
        }
    }
}

fn is_below(folder: &RepoPath, path: &RepoPath) -> bool {
    let (folder, path) = (folder.as_bytes(), path.as_bytes());
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// How deep below an ignored folder workflows are looked for: `user/default/workflows`.
const MAX_SEARCH_DEPTH: usize = 3;
/// How deep a folder of workflows may be.
const MAX_DEPTH: usize = 24;
/// The folders in which ComfyUI keeps workflows and blueprints.
const WORKFLOW_FOLDERS: &[&str] = &["workflows", "subgraphs"];
/// Folders that are never a person's own, and can be huge.
const SKIPPED_FOLDERS: &[&str] =
    &["node_modules", "site-packages", "custom_nodes", "models", "venv"];

/// The files to look at, by name alone.
pub(crate) fn find_candidates(
    repository: &Repository,
    scope: &SnapshotScope,
) -> Result<BTreeSet<RepoPath>> {
    let top = repository.require_work_tree()?;
    let mut found = BTreeSet::new();
    let mut walk = IgnoredFilesWalk { top, found: &mut found };
    match scope {
        SnapshotScope::SavedFiles(files) => {
            found.extend(files.iter().filter(|file| is_json_path(file)).cloned())
        }
        SnapshotScope::NamedFiles(files) => found.extend(files.iter().cloned()),
        // What a person names counts, whatever git thinks of it.
        SnapshotScope::Below(folder) => walk.collect_files(folder, MAX_DEPTH),
        SnapshotScope::Everything => {
            let words = ["ls-files", "-z", "--exclude-standard", "--others", "--ignored"];
            let ignored = repository.git_command().args(words).args(["--directory"]).output()?;
            for path in index::parse_nul_paths(&ignored) {
                match path.as_bytes().strip_suffix(b"/") {
                    None => walk.add_file(path),
                    Some(name) => {
                        walk.find_workflow_folders(&RepoPath::new(name), MAX_SEARCH_DEPTH)
                    }
                }
            }
            found.extend(index::unignored_paths(repository)?.into_iter().filter(is_json_path));
        }
    }
    Ok(found)
}

fn is_json_path(path: &RepoPath) -> bool {
    let bytes = path.as_bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let own = name.starts_with(b".git-comfy-") || bytes.starts_with(b".git-comfy-");
    bytes.to_ascii_lowercase().ends_with(b".json") && !own
}

/// A walk through what git ignores. A folder that cannot be read holds nothing.
struct IgnoredFilesWalk<'w> {
    top: &'w Path,
    found: &'w mut BTreeSet<RepoPath>,
}

impl IgnoredFilesWalk<'_> {
    /// Looks for a folder that keeps workflows.
    fn find_workflow_folders(&mut self, folder: &RepoPath, depth: usize) {
        let is_home = |part: &[u8]| {
            WORKFLOW_FOLDERS.iter().any(|home| part.eq_ignore_ascii_case(home.as_bytes()))
        };
        if folder.as_bytes().split(|byte| *byte == b'/').any(is_home) {
            return self.collect_files(folder, MAX_DEPTH);
        }
        if depth > 0 {
            self.visit_folder(
                folder,
                |walk, below| walk.find_workflow_folders(&below, depth - 1),
                |_, _| {},
            );
        }
    }

    fn collect_files(&mut self, folder: &RepoPath, depth: usize) {
        if depth > 0 {
            self.visit_folder(
                folder,
                |walk, below| walk.collect_files(&below, depth - 1),
                IgnoredFilesWalk::add_file,
            );
        }
    }

    fn add_file(&mut self, file: RepoPath) {
        if is_json_path(&file) {
            self.found.insert(file);
        }
    }

    fn visit_folder(
        &mut self,
        folder: &RepoPath,
        mut on_folder: impl FnMut(&mut Self, RepoPath),
        mut on_file: impl FnMut(&mut Self, RepoPath),
    ) {
        let place = self.top.join(folder.to_path());
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let is_foreign = SKIPPED_FOLDERS.contains(&&*name) || name.starts_with('.');
        let is_inner = !folder.as_bytes().is_empty() && place.join(".git").exists();
        if is_inner || is_foreign && place != self.top {
            return;
        }
        for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let below = RepoPath::from_path(&folder.to_path().join(entry.file_name()));
            if kind.is_dir() {
                on_folder(self, below);
            } else if kind.is_file() {
                on_file(self, below);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_covers_what_lies_below_it() {
        let covers = |folder: &str, path: &str| {
            SnapshotScope::Below(RepoPath::new(folder)).covers(&RepoPath::new(path))
        };
        assert!(covers("", "a.json") && covers("flows", "flows/a.json"));
        assert!(!covers("flows", "flows-old/a.json") && !covers("flows", "flows"));
    }
}
