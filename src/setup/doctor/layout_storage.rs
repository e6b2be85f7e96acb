//! Whether layouts can be kept in this repository.

use std::io::ErrorKind;
use std::path::Path;

use super::{DoctorContext, DoctorFinding, INIT};
use crate::layouts;
use crate::layouts::Obstacle;
use crate::layouts::storage_check::is_damage;
use crate::platform::git::shell::shell_word;
use crate::platform::git::{GitError, Repository, Result};

pub(crate) fn check_layout_storage(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let Some(place) = &context.state.work_tree else { return Ok(Vec::new()) };
    // What cannot be read is reported by another check.
    let Ok(repository) = Repository::open_at(&place.top) else { return Ok(Vec::new()) };
    let obstacles = layouts::storage_problems(&repository);
    if obstacles.is_empty() {
        return Ok(vec![DoctorFinding::good("keeping", "layouts can be kept")]);
    }
    Ok(obstacles.iter().map(describe_obstacle).collect())
}

fn describe_obstacle(obstacle: &Obstacle) -> DoctorFinding {
    let error = &obstacle.error;
    let found = DoctorFinding::broken(
        "keeping",
        match obstacle.is_in_the_way {
            true => format!("layouts cannot be kept, so `git add` fails: {error}"),
            false => format!("some of what was kept last may be lost: {error}"),
        },
    );
    match error {
        GitError::File { path, source, .. } => {
            found.with_mend(obstacle_remedy(path, source.kind()))
        }
        _ => found,
    }
}

fn obstacle_remedy(path: &Path, kind: ErrorKind) -> String {
    let word = shell_word(&path.display().to_string());
    let aside = shell_word(&format!("{}.aside", path.display()));
    match kind {
        ErrorKind::PermissionDenied if path.is_dir() => format!("chmod u+rwx {word}"),
        ErrorKind::PermissionDenied => format!("chmod u+rw {word}"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("make room on the disk of {word}")
        }
        ErrorKind::ReadOnlyFilesystem => format!("make the disk of {word} writable"),
        kind if is_damage(kind) => format!("{INIT}, which sets it aside and begins a new one"),
        _ => format!("mv {word} {aside}, which makes room for a new one"),
    }
}
