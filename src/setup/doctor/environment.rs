//! Checks of what is around a repository: git itself, PATH, the environment, its folder.

use std::path::{Path, PathBuf};

use super::{DoctorContext, DoctorFinding};
use crate::platform::files::resolve_links;
use crate::platform::git::Result;
use crate::platform::git::version::GitVersion;
use crate::setup::separate::{self, GitFolderState};
use crate::setup::sync_services;

pub(crate) fn check_git_version(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let version = context.state.version;
    let found = if version < GitVersion::OLDEST {
        DoctorFinding::broken(
            "git-version",
            format!("git {version} is older than {}", GitVersion::OLDEST),
        )
        .with_mend("install a newer git: https://git-scm.com")
    } else {
        DoctorFinding::good("git-version", format!("git {version}"))
    };
    Ok(vec![found])
}

/// Whether a shell finds `git comfy`.
pub(crate) fn check_path(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let name = format!("git-comfy{}", std::env::consts::EXE_SUFFIX);
    let folders: Vec<PathBuf> = context.path.iter().flat_map(std::env::split_paths).collect();
    let found = folders.iter().map(|folder| folder.join(&name)).find(|file| file.is_file());
    Ok(vec![match (found, &context.program) {
        (Some(file), _) => {
            DoctorFinding::good("path", format!("`git comfy` is {}", file.display()))
        }
        (None, program) => {
            let folder = program.as_deref().and_then(Path::parent);
            let folder = folder.map_or("the folder of git-comfy".to_owned(), |folder| {
                folder.display().to_string()
            });
            DoctorFinding::note("path", "git-comfy is not on PATH: `git comfy` is not found")
                .with_mend(format!("add {folder} to PATH"))
        }
    }])
}

pub(crate) fn check_switched_off(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let found = context.switched_off.then(|| {
        DoctorFinding::note("switched-off", "GIT_COMFY=0 is set: filter and hooks do nothing")
            .with_mend("unset GIT_COMFY")
    });
    Ok(found.into_iter().collect())
}

/// A service that copies single files of a git folder can leave it half old, half new.
pub(crate) fn check_synced_folder(context: &DoctorContext) -> Result<Vec<DoctorFinding>> {
    let Some(place) = &context.state.work_tree else { return Ok(check_git_file(context)) };
    if let Some(found) = sync_services::find_sync_service(&resolve_links(&place.common)) {
        let what = format!(
            "the repository lies in a folder that {} copies; copying single files of .git at \
             the wrong moment can damage it",
            found.service
        );
        let mend = "git comfy init --separate moves .git outside (docs/synced-folders.md); \
                    or share by git push, from a folder outside";
        return Ok(vec![DoctorFinding::note("synced-folder", what).with_mend(mend)]);
    }
    let found = sync_services::find_sync_service(&resolve_links(&place.top)).map(|found| {
        let what = format!("{} copies the folder, and its .git lies outside", found.service);
        DoctorFinding::good("synced-folder", what)
    });
    Ok(found.into_iter().collect())
}

/// A `.git` file that came from another machine, or a move of `.git` that was broken off.
fn check_git_file(context: &DoctorContext) -> Vec<DoctorFinding> {
    match separate::inspect_git_folder(&context.folder) {
        GitFolderState::Dangling { place, .. } => {
            let what = format!(
                ".git leads to {}, which is not on this machine: it came with the folder from \
                 another one",
                place.display()
            );
            let mend = "git comfy init --separate; see docs/synced-folders.md";
            vec![DoctorFinding::broken("synced-folder", what).with_mend(mend)]
        }
        GitFolderState::Interrupted(_) => {
            let what = "moving .git outside was broken off half-way";
            vec![
                DoctorFinding::broken("synced-folder", what).with_mend("git comfy init --separate"),
            ]
        }
        _ => Vec::new(),
    }
}
