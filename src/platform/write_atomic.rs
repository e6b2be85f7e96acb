//! Files replaced whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// Replaces a file, or makes it: a temporary file beside it, then a rename. Whoever looks
/// finds the old one or the new one. A file that was there keeps its rights.
pub fn write_atomic(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    with_usual_rights(builder.prefix(".git-comfy-"));
    let mut fresh = builder.tempfile_in(folder)?;
    fresh.write_all(content)?;
    if let Ok(about) = file.metadata() {
        fresh.as_file().set_permissions(about.permissions())?;
    }
    fresh.persist(file).map(drop).map_err(|error| error.error)
}

/// The permissions that the person's umask gives a new file: `tempfile` makes files that only
/// their owner can read.
#[cfg(unix)]
pub fn with_usual_rights(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

/// Windows gives a new file the permissions of its folder.
#[cfg(not(unix))]
pub fn with_usual_rights(_: &mut tempfile::Builder<'_, '_>) {}
