//! Folders that a sync service copies between machines, known by their names or by marker
//! files, and how a file is excluded from the copying.

use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(crate) struct SyncService {
    pub name: &'static str,
    /// Names that its folders have, in lower case; something may follow after a blank or a
    /// dash (`OneDrive - Studio`, `GoogleDrive-ann@example.com`).
    names: &'static [&'static str],
    /// What it leaves at the top of a folder. A `*` stands for anything.
    markers: &'static [&'static str],
    /// How a single file is excluded.
    pub keeps_out: ExcludeMethod,
}

/// How a file is excluded from what a service copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExcludeMethod {
    /// By a pattern in a file at the top of the folder that is not copied itself.
    Pattern(&'static str),
    /// By what a person does; `.git` stands for the file.
    ByHand(&'static str),
    /// By a command, which is another one on each system.
    Command {
        /// On macOS.
        mac: &'static str,
        /// In PowerShell.
        windows: &'static str,
        linux: &'static str,
    },
    /// It has no way to exclude a file.
    No,
}

/// The services. Where a marker and the way to keep files out are from:
///
/// - Dropbox, help.dropbox.com: "ignored files", "cache folder" (`.dropbox.cache`); `.dropbox`
///   lies in every folder of it.
/// - OneDrive, support.microsoft.com: names of its folders; the id file lies at the top of each
///   on Windows.
/// - Google Drive, support.google.com/drive/answer/10838124: `.tmp.drive*` in mirrored folders.
/// - iCloud Drive, support.apple.com: `Library/Mobile Documents`; names that end in `.nosync`.
/// - Syncthing, docs.syncthing.net/users/ignoring: `.stignore` is never copied; `.stfolder` is
///   its marker.
/// - Nextcloud, ownCloud, docs.nextcloud.com, doc.owncloud.com: desktop manuals, the journal
///   `.sync_*.db`.
/// - Resilio Sync, help.resilio.com: "ignore list", `.sync/IgnoreList` of each machine.
const SERVICES: &[SyncService] = &[
    SyncService {
        name: "Dropbox",
        names: &["dropbox"],
        markers: &[".dropbox", ".dropbox.cache"],
        keeps_out: ExcludeMethod::Command {
            mac: "xattr -w com.dropbox.ignored 1 .git",
            windows: "Set-Content -Path .git -Stream com.dropbox.ignored -Value 1",
            linux: "attr -s com.dropbox.ignored -V 1 .git",
        },
    },
    SyncService {
        name: "OneDrive",
        names: &["onedrive"],
        markers: &[".849c9593-d756-4e56-8d6e-42412f2a707b"],
        keeps_out: ExcludeMethod::No,
    },
    SyncService {
        name: "Google Drive",
        names: &["google drive", "googledrive", "my drive"],
        markers: &[".tmp.drivedownload", ".tmp.driveupload", ".shortcut-targets-by-id"],
        keeps_out: ExcludeMethod::No,
    },
    SyncService {
        name: "iCloud Drive",
        names: &["com~apple~clouddocs", "icloud drive", "iclouddrive", "mobile documents"],
        markers: &[],
        keeps_out: ExcludeMethod::No,
    },
    SyncService {
        name: "Syncthing",
        names: &[],
        markers: &[".stfolder"],
        keeps_out: ExcludeMethod::Pattern(".stignore"),
    },
    SyncService {
        name: "Nextcloud",
        names: &["nextcloud"],
        markers: &[".nextcloudsync.log", ".sync_*.db", "._sync_*.db"],
        keeps_out: ExcludeMethod::ByHand(
            "add .git to the ignored files in the settings of the client",
        ),
    },
    SyncService {
        name: "ownCloud",
        names: &["owncloud"],
        markers: &[".owncloudsync.log"],
        keeps_out: ExcludeMethod::ByHand(
            "add .git to the ignored files in the settings of the client",
        ),
    },
    SyncService {
        name: "Resilio Sync",
        names: &["resilio sync"],
        markers: &[".sync/id", ".sync/ignorelist", ".sync/archive"],
        keeps_out: ExcludeMethod::ByHand("add a line .git to .sync/IgnoreList"),
    },
    SyncService {
        name: "pCloud",
        names: &["pcloud", "pclouddrive"],
        markers: &[],
        keeps_out: ExcludeMethod::No,
    },
    SyncService {
        name: "MEGA",
        names: &["mega", "megasync"],
        markers: &[".megaignore"],
        keeps_out: ExcludeMethod::ByHand("add a line -:.git to .megaignore"),
    },
];

/// A folder that a service copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncedRoot {
    pub service: &'static str,
    pub keeps_out: ExcludeMethod,
    pub root: PathBuf,
}

/// The service that copies a place, the innermost one if there are several.
pub(crate) fn find_sync_service(path: &Path) -> Option<SyncedRoot> {
    path.ancestors().find_map(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_named =
            |service: &&SyncService| service.names.iter().any(|word| starts_with_name(&name, word));
        let marks =
            |service: &&SyncService| service.markers.iter().any(|mark| has_marker(folder, mark));
        // A marker is surer than a name.
        let service = SERVICES.iter().find(marks).or_else(|| SERVICES.iter().find(is_named))?;
        let (service, keeps_out) = (service.name, service.keeps_out);
        Some(SyncedRoot { service, keeps_out, root: folder.to_owned() })
    })
}

/// `Dropbox (Studio)`, `OneDrive - Studio`, `OneDrive-Personal`.
fn starts_with_name(name: &str, word: &str) -> bool {
    // `dropbox-tools` is nobody's synced folder.
    let account = ["onedrive", "googledrive"].contains(&word);
    name.strip_prefix(word).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(' ') || account && rest.starts_with('-')
    })
}

fn has_marker(folder: &Path, marker: &str) -> bool {
    let (folder, marker) = match marker.split_once('/') {
        Some((inner, marker)) => (folder.join(inner), marker),
        None => (folder.to_owned(), marker),
    };
    let fits = |name: &str| match marker.split_once('*') {
        Some((head, tail)) => name.starts_with(head) && name.ends_with(tail),
        None => name == marker,
    };
    // Not every system tells `.sync/ID` from `.sync/id`; the names are compared here.
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| fits(&entry.file_name().to_string_lossy().to_lowercase()))
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
            ("/Users/a/Library/CloudStorage/OneDrive-Personal/x/.git", Some("OneDrive")),
            ("/Users/a/Library/CloudStorage/GoogleDrive-a@b.c/x/.git", Some("Google Drive")),
            ("/Users/a/Library/Mobile Documents/com~apple~CloudDocs/x/.git", Some("iCloud Drive")),
            ("/Volumes/GoogleDrive/My Drive/x/.git", Some("Google Drive")),
            ("/home/a/dropbox-tools/x/.git", None),
            ("/home/a/flows/.git", None),
        ] {
            assert_eq!(find_sync_service(Path::new(path)).map(|s| s.service), service, "{path}");
        }
    }

    #[test]
    fn synced_folders_are_known_by_what_lies_in_them() {
        for (marker, service) in [
            (".dropbox.cache/x", "Dropbox"),
            (".849C9593-D756-4E56-8D6E-42412F2A707B", "OneDrive"),
            (".tmp.drivedownload/x", "Google Drive"),
            (".stfolder/x", "Syncthing"),
            (".sync_d3adb33f.db", "Nextcloud"),
            (".owncloudsync.log", "ownCloud"),
            (".sync/ID", "Resilio Sync"),
        ] {
            let world = tempfile::tempdir().unwrap();
            let file = world.path().join(marker);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "").unwrap();
            let found = find_sync_service(&world.path().join("flows/.git")).unwrap();
            assert_eq!((found.service, found.root.as_path()), (service, world.path()));
        }
        // A folder of that name alone may be anybody's.
        let world = tempfile::tempdir().unwrap();
        std::fs::create_dir(world.path().join(".sync")).unwrap();
        assert_eq!(find_sync_service(world.path()), None);
    }
}
