//! The bridge: one file in `custom_nodes` that notes the runs of a ComfyUI in a folder,
//! and that folder as it is read.
//!
//! A file in the folder is one run and is there whole or not at all. Nothing is deleted
//! before it is recorded.

use crate::error::CommandError;
use crate::platform::write_atomic;
use std::path::{Path, PathBuf};

/// The bridge without the place of its spool.
const SOURCE: &str = include_str!("git_comfy_bridge.py");
pub(crate) const FILE_NAME: &str = "git_comfy_bridge.py";
/// What the first line of a bridge says, whatever its version.
const MARK: &str = "\"\"\"git-comfy's bridge:";
/// The largest file of the spool that is read, in bytes.
const MAX_SPOOL_FILE_SIZE: u64 = 256 << 20;

/// Why the bridge could not be put in or taken out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BridgeError {
    /// A file of that name is somebody else's.
    #[error("{} is not git-comfy's; it is left alone", .0.display())]
    Foreign(PathBuf),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
}

impl From<BridgeError> for CommandError {
    fn from(error: BridgeError) -> Self {
        CommandError::system(error)
    }
}

/// What an installation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BridgeInstall {
    /// There was no bridge.
    New,
    /// An older one was brought up to date.
    Updated,
    /// This bridge was there.
    Unchanged,
}

/// Where the runs of the repository's bridge wait.
pub(crate) fn spool_folder(comfy_folder: &Path) -> PathBuf {
    comfy_folder.join("spool")
}

/// Puts the bridge into a ComfyUI's `custom_nodes`, with the place of its spool.
pub(crate) fn install(custom_nodes: &Path, spool: &Path) -> Result<BridgeInstall, BridgeError> {
    let path = custom_nodes.join(FILE_NAME);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BridgeError::File { path, source }
    };
    std::fs::create_dir_all(spool).map_err(failed(spool))?;
    // A JSON string is a Python string.
    let place = serde_json::Value::from(spool.to_string_lossy().into_owned()).to_string();
    let text = SOURCE.replacen("\"@SPOOL@\"", &place, 1);
    let put = match std::fs::read_to_string(&path) {
        Ok(known) if known == text => return Ok(BridgeInstall::Unchanged),
        Ok(known) if known.starts_with(MARK) => BridgeInstall::Updated,
        Ok(_) => return Err(BridgeError::Foreign(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BridgeInstall::New,
        Err(source) => return Err(BridgeError::File { path, source }),
    };
    write_atomic(&path, text.as_bytes()).map_err(failed(&path))?;
    Ok(put)
}

/// Takes the bridge out. Gives whether it was there.
pub(crate) fn uninstall(custom_nodes: &Path) -> Result<bool, BridgeError> {
    let path = custom_nodes.join(FILE_NAME);
    match std::fs::read_to_string(&path) {
        Ok(known) if known.starts_with(MARK) => {}
        Ok(_) => return Err(BridgeError::Foreign(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(BridgeError::File { path, source }),
    }
    std::fs::remove_file(&path).map_err(|source| BridgeError::File { path, source })?;
    Ok(true)
}

/// The runs that wait, oldest first.
pub(crate) fn spooled_files(spool: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(spool).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let metadata = entry.metadata().ok()?;
            let whole = path.extension().is_some_and(|ending| ending == "json");
            let fits = metadata.is_file() && metadata.len() <= MAX_SPOOL_FILE_SIZE;
            (whole && fits).then(|| (metadata.modified().ok(), path))
        })
        .collect();
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_is_put_in_updated_and_taken_out_and_nobody_elses_file_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("a \"spool\"\\");
        assert_eq!(install(folder.path(), &spool).unwrap(), BridgeInstall::New);
        assert_eq!(install(folder.path(), &spool).unwrap(), BridgeInstall::Unchanged);
        assert!(spooled_files(&spool).is_empty());
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, format!("{MARK} an older one\"\"\"\n")).unwrap();
        assert_eq!(install(folder.path(), &spool).unwrap(), BridgeInstall::Updated);
        assert!(uninstall(folder.path()).unwrap());
        assert!(!uninstall(folder.path()).unwrap());
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(install(folder.path(), &spool), Err(BridgeError::Foreign(_))));
        assert!(matches!(uninstall(folder.path()), Err(BridgeError::Foreign(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
