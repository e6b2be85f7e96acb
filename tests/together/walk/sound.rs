//! What must hold of the repositories themselves, whatever lies where.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Walk;
use crate::support::Repo;

impl Walk {
    /// What must hold of the repositories themselves.
    pub(in super::super) fn sound(&self) {
        let all = self.people.iter().map(|person| &person.repo);
        for repo in all.chain([&self.team.bare, &self.outsider]) {
            let fsck = repo.try_git(["fsck", "--strict", "--no-dangling", "--no-progress"]);
            let told = String::from_utf8_lossy(&fsck.stderr);
            assert!(fsck.status.success(), "git fsck: {told}");
            let notes = repo.try_git(["notes", "--ref=comfy", "list"]);
            let notes = String::from_utf8_lossy(&notes.stdout).into_owned();
            let about: Vec<&str> = notes.lines().filter_map(|l| l.split(' ').nth(1)).collect();
            let unique: BTreeSet<&str> = about.iter().copied().collect();
            assert_eq!(about.len(), unique.len(), "two records for one commit: {notes}");
            assert_nothing_left(repo);
        }
    }
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

/// As git tells people to do who killed it.
pub(super) fn remove_locks(git_dir: &Path) {
    let mut files = Vec::new();
    files_below(git_dir, &mut files);
    for file in files.iter().filter(|file| is_lock(file)) {
        let _ = fs::remove_file(file);
    }
}

/// git puts the sides of a merge beside the files for a merge driver, and takes them away
/// only if it lives to see its end.
pub(super) fn remove_merge_files(work_tree: &Path) {
    for entry in fs::read_dir(work_tree).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".merge_file_") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// No lock and no temporary file is left, once workers in the background are done.
#[track_caller]
fn assert_nothing_left(repo: &Repo) {
    let bare = repo.path.join("objects").is_dir();
    let git_dir = if bare { repo.path.clone() } else { repo.path.join(".git") };
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let mut files = Vec::new();
        files_below(&git_dir, &mut files);
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.retain(|path| {
            let name = name(path);
            // Those of git-comfy stay: they are held, not made.
            let held = path.parent().is_some_and(|folder| folder.ends_with("comfy"));
            (is_lock(path) && !held) || name.starts_with(".tmp") || name.ends_with(".tmp")
        });
        if files.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind: {files:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
