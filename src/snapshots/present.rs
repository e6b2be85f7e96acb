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
pub enum Scope {
    /// The whole work tree.
    Everything,
    /// Everything below a folder; an empty path is the top.
    Below(RepoPath),
    /// These, as far as they hold workflows.
    Saved(Vec<RepoPath>),
    /// These, whatever they hold.
    Named(Vec<RepoPath>),
}

impl Scope {
    /// Whether a file that is not there any more is gone, or was never looked at.
    pub(crate) fn covers(&self, path: &RepoPath) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Below(folder) => is_below(folder, path),
            Scope::Saved(files) | Scope::Named(files) => files.contains(path),
        }
    }
}

fn is_below(folder: &RepoPath, path: &RepoPath) -> bool {
    let (folder, path) = (folder.as_bytes(), path.as_bytes());
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// How deep below an ignored folder workflows are looked for: `user/default/workflows`.
const DEEPEST_START: usize = 3;
/// How deep a folder of workflows may be.
const DEEPEST: usize = 24;
/// The folders in which ComfyUI keeps workflows and blueprints.
const HOMES: &[&str] = &["workflows", "subgraphs"];
/// Folders that are never a person's own, and can be huge.
const FOREIGN: &[&str] = &["node_modules", "site-packages", "custom_nodes", "models", "venv"];

/// The files to look at, by name alone.
pub fn candidates(repository: &Repository, scope: &Scope) -> Result<BTreeSet<RepoPath>> {
    let top = repository.require_work_tree()?;
    let mut found = BTreeSet::new();
    let mut walk = Walk { top, found: &mut found };
    match scope {
        Scope::Saved(files) => found.extend(files.iter().filter(|file| is_json(file)).cloned()),
        Scope::Named(files) => found.extend(files.iter().cloned()),
        // What a person names counts, whatever git thinks of it.
        Scope::Below(folder) => walk.collect(folder, DEEPEST),
        Scope::Everything => {
            let words = ["ls-files", "-z", "--exclude-standard", "--others", "--ignored"];
            let ignored = repository.git().args(words).args(["--directory"]).output()?;
            for path in index::paths(&ignored) {
                match path.as_bytes().strip_suffix(b"/") {
                    None => walk.add(path),
                    Some(name) => walk.seek(&RepoPath::new(name), DEEPEST_START),
                }
            }
            found.extend(index::listed(repository)?.into_iter().filter(is_json));
        }
    }
    Ok(found)
}

fn is_json(path: &RepoPath) -> bool {
    let bytes = path.as_bytes();
    let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let own = name.starts_with(b".git-comfy-") || bytes.starts_with(b".git-comfy-");
    bytes.to_ascii_lowercase().ends_with(b".json") && !own
}

/// A walk through what git ignores. A folder that cannot be read holds nothing.
struct Walk<'w> {
    top: &'w Path,
    found: &'w mut BTreeSet<RepoPath>,
}

impl Walk<'_> {
    /// Looks for a folder that keeps workflows.
    fn seek(&mut self, folder: &RepoPath, depth: usize) {
        let is_home =
            |part: &[u8]| HOMES.iter().any(|home| part.eq_ignore_ascii_case(home.as_bytes()));
        if folder.as_bytes().split(|byte| *byte == b'/').any(is_home) {
            return self.collect(folder, DEEPEST);
        }
        if depth > 0 {
            self.each(folder, |walk, below| walk.seek(&below, depth - 1), |_, _| {});
        }
    }

    fn collect(&mut self, folder: &RepoPath, depth: usize) {
        if depth > 0 {
            self.each(folder, |walk, below| walk.collect(&below, depth - 1), Walk::add);
        }
    }

    fn add(&mut self, file: RepoPath) {
        if is_json(&file) {
            self.found.insert(file);
        }
    }

    fn each(
        &mut self,
        folder: &RepoPath,
        mut on_folder: impl FnMut(&mut Self, RepoPath),
        mut on_file: impl FnMut(&mut Self, RepoPath),
    ) {
        let place = self.top.join(folder.to_path());
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let is_foreign = FOREIGN.contains(&&*name) || name.starts_with('.');
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
            Scope::Below(RepoPath::new(folder)).covers(&RepoPath::new(path))
        };
        assert!(covers("", "a.json") && covers("flows", "flows/a.json"));
        assert!(!covers("flows", "flows-old/a.json") && !covers("flows", "flows"));
    }
}
