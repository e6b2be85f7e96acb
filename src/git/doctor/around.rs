//! What surrounds a repository: git itself, PATH, the environment, the folder it lies in.

use std::path::{Path, PathBuf};

use super::super::error::Result;
use super::super::plumbing::Version;
use super::{Finding, Patient};

pub(super) fn git_version(patient: &Patient) -> Result<Vec<Finding>> {
    let version = patient.state.version;
    let found = if version < Version::OLDEST {
        Finding::broken("git-version", format!("git {version} is older than {}", Version::OLDEST))
            .mend("install a newer git: https://git-scm.com")
    } else {
        Finding::good("git-version", format!("git {version}"))
    };
    Ok(vec![found])
}

/// `git comfy` is found by a person's shell.
pub(super) fn reachable(patient: &Patient) -> Result<Vec<Finding>> {
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

pub(super) fn switched_off(patient: &Patient) -> Result<Vec<Finding>> {
    let found = patient.switched_off.then(|| {
        Finding::note("switched-off", "GIT_COMFY=0 is set: filter and hooks do nothing")
            .mend("unset GIT_COMFY")
    });
    Ok(found.into_iter().collect())
}

/// The services that copy a folder behind git's back, by what gives them away in a path.
const SYNCED: &[(&str, &str)] = &[
    ("dropbox", "Dropbox"),
    ("onedrive", "OneDrive"),
    ("google drive", "Google Drive"),
    ("googledrive", "Google Drive"),
    ("my drive", "Google Drive"),
    ("com~apple~clouddocs", "iCloud Drive"),
    ("icloud drive", "iCloud Drive"),
    ("icloudrive", "iCloud Drive"),
    ("nextcloud", "Nextcloud"),
    ("owncloud", "ownCloud"),
    ("pcloud", "pCloud"),
    ("resilio sync", "Resilio Sync"),
];

/// What some of them leave at the top of a folder they copy.
const SYNC_MARKERS: &[(&str, &str)] = &[
    (".stfolder", "Syncthing"),
    (".sync", "Resilio Sync"),
    (".dropbox", "Dropbox"),
    (".nextcloudsync.log", "Nextcloud"),
    (".owncloudsync.log", "ownCloud"),
];

/// A service that copies single files of a git folder can leave it half old, half new.
pub(super) fn synced_folder(patient: &Patient) -> Result<Vec<Finding>> {
    let Some(place) = &patient.state.place else { return Ok(Vec::new()) };
    let common = std::fs::canonicalize(&place.common).unwrap_or_else(|_| place.common.clone());
    let found = service_of(&common).map(|service| {
        Finding::note(
            "synced-folder",
            format!(
                "the repository lies in a folder that {service} copies; copying single files \
                 of .git at the wrong moment can damage it"
            ),
        )
        .mend("move .git outside (git init --separate-git-dir FOLDER), or share by git push")
    });
    Ok(found.into_iter().collect())
}

fn service_of(path: &Path) -> Option<&'static str> {
    for folder in path.ancestors() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        // `Dropbox (Studio)`, `OneDrive - Studio`
        let named = SYNCED.iter().find(|(word, _)| {
            name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        let marked = || SYNC_MARKERS.iter().find(|(marker, _)| folder.join(marker).exists());
        if let Some((_, service)) = named.or_else(marked) {
            return Some(service);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_folders_are_known_by_name() {
        for (path, service) in [
            ("/home/a/Dropbox/flows/.git", Some("Dropbox")),
            ("/home/a/Dropbox (Studio)/flows/.git", Some("Dropbox")),
            ("/home/a/OneDrive - Studio/flows/.git", Some("OneDrive")),
            ("/Users/a/Library/Mobile Documents/com~apple~CloudDocs/x/.git", Some("iCloud Drive")),
            ("/Volumes/GoogleDrive/My Drive/x/.git", Some("Google Drive")),
            ("/home/a/dropbox-tools/x/.git", None),
            ("/home/a/flows/.git", None),
        ] {
            assert_eq!(service_of(Path::new(path)), service, "{path}");
        }
    }
}
