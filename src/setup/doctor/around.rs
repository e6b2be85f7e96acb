//! Checks of what is around a repository: git itself, PATH, the environment, its folder.

use std::path::{Path, PathBuf};

use super::{Finding, Patient};
use crate::platform::git::Result;
use crate::platform::git::plumbing::Version;
use crate::setup::separate::{self, Found};
use crate::setup::synced;

pub(crate) fn git_version(patient: &Patient) -> Result<Vec<Finding>> {
    let version = patient.state.version;
    let found = if version < Version::OLDEST {
        Finding::broken("git-version", format!("git {version} is older than {}", Version::OLDEST))
            .mend("install a newer git: https://git-scm.com")
    } else {
        Finding::good("git-version", format!("git {version}"))
    };
    Ok(vec![found])
}

/// Whether a shell finds `git comfy`.
pub(crate) fn reachable(patient: &Patient) -> Result<Vec<Finding>> {
    let name = format!("git-comfy{}", std::env::consts::EXE_SUFFIX);
    let folders: Vec<PathBuf> = patient.path.iter().flat_map(std::env::split_paths).collect();
    let found = folders.iter().map(|folder| folder.join(&name)).find(|file| file.is_file());
    Ok(vec![match (found, &patient.program) {
        (Some(file), _) => Finding::good("path", format!("`git comfy` is {}", file.display())),
        (None, program) => {
            let folder = program.as_deref().and_then(Path::parent);
            let folder = folder.map_or("the folder of git-comfy".to_owned(), |folder| {
                folder.display().to_string()
            });
            Finding::note("path", "git-comfy is not on PATH: `git comfy` is not found")
                .mend(format!("add {folder} to PATH"))
        }
    }])
}

pub(crate) fn switched_off(patient: &Patient) -> Result<Vec<Finding>> {
    let found = patient.switched_off.then(|| {
        Finding::note("switched-off", "GIT_COMFY=0 is set: filter and hooks do nothing")
            .mend("unset GIT_COMFY")
    });
    Ok(found.into_iter().collect())
}

/// A service that copies single files of a git folder can leave it half old, half new.
pub(crate) fn synced_folder(patient: &Patient) -> Result<Vec<Finding>> {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(place) = &patient.state.place else { return Ok(astray(patient)) };
    if let Some(found) = synced::service_of(&real(&place.common)) {
        let what = format!(
            "the repository lies in a folder that {} copies; copying single files of .git at \
             the wrong moment can damage it",
            found.service
        );
        let mend = "git comfy init --separate moves .git outside (docs/synced-folders.md); \
                    or share by git push, from a folder outside";
        return Ok(vec![Finding::note("synced-folder", what).mend(mend)]);
    }
    let found = synced::service_of(&real(&place.top)).map(|found| {
        let what = format!("{} copies the folder, and its .git lies outside", found.service);
        Finding::good("synced-folder", what)
    });
    Ok(found.into_iter().collect())
}

/// A `.git` file that came from another machine, or a move of `.git` that was broken off.
fn astray(patient: &Patient) -> Vec<Finding> {
    match separate::look(&patient.folder) {
        Found::Astray { place, .. } => {
            let what = format!(
                ".git leads to {}, which is not on this machine: it came with the folder from \
                 another one",
                place.display()
            );
            let mend = "git comfy init --separate; see docs/synced-folders.md";
            vec![Finding::broken("synced-folder", what).mend(mend)]
        }
        Found::Halfway(_) => {
            let what = "moving .git outside was broken off half-way";
            vec![Finding::broken("synced-folder", what).mend("git comfy init --separate")]
        }
        _ => Vec::new(),
    }
}
