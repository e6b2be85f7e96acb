//! Paths that a stranger names (a snapshot, a plan, a log in a synced folder): they lie below
//! one folder, or are refused.

use std::path::{Component, Path};

/// Whether a path goes down only: no root, no drive, no `..`.
pub(crate) fn goes_down_only(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether a path, which need not be there yet, lies below a folder whatever links there are.
pub(crate) fn resolves_below(path: &Path, folder: &Path) -> bool {
    let nearest = path.ancestors().find_map(|part| part.canonicalize().ok());
    match (nearest, folder.canonicalize()) {
        (Some(nearest), Ok(folder)) => nearest.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for path in ["/etc/passwd", "..", "a/../../b", "../a"] {
            assert!(!goes_down_only(Path::new(path)), "{path}");
        }
        assert!(goes_down_only(Path::new("a/b.json")));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_may_not_lead_out_of_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        assert!(resolves_below(&folder.path().join("new/file.json"), folder.path()));
        assert!(!resolves_below(&folder.path().join("link/file.json"), folder.path()));
    }
}
